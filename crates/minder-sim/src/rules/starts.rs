//! What is started, when, in which order, and what is not.

use minder_core::ProcessState::{Backoff, Exited, Fatal, Running, Starting, Stopped};
use minder_core::spec::AutoRestart;
use minder_core::{Mood, ProcessId, Request};

use super::moves::is_expected;
use super::{Rule, Verdict, When, ensure, on_move, when_settled};
use crate::fact::Fact;
use crate::ledger::{Cause, Ledger, ProcessNote};

pub(super) const RULES: &[Rule] = &[
    Rule {
        says: "nothing is started once the end has begun",
        when: When::Asked,
        check: nothing_starts_at_the_end,
    },
    Rule {
        says: "nothing is started without a reason",
        when: When::Asked,
        check: nothing_starts_without_a_reason,
    },
    Rule {
        says: "each failed start is followed by a wait that is a second longer",
        when: When::Asked,
        check: a_try_waits_its_time,
    },
    Rule {
        says: "a process is given up after startretries, and not before",
        when: When::Asked,
        check: given_up_after_startretries,
    },
    Rule {
        says: "what is due is tried again",
        when: When::Settled,
        check: what_is_due_is_tried_again,
    },
    Rule {
        says: "what autorestart asks for is started again at once",
        when: When::Settled,
        check: autorestart_restarts,
    },
    Rule {
        says: "what autostart asks for is started with its group",
        when: When::Settled,
        check: autostart_starts,
    },
    Rule {
        says: "of what is started together none is RUNNING before the others were started",
        when: When::Asked,
        check: what_starts_together_is_seen_to,
    },
    Rule {
        says: "a request starts all that it means",
        when: When::Settled,
        check: a_request_starts_what_it_means,
    },
    Rule {
        says: "what is started together is started in order",
        when: When::Settled,
        check: starts_are_in_order,
    },
];

fn nothing_starts_at_the_end(ledger: &Ledger, fact: &Fact<'_>) -> Verdict {
    on_move(ledger, fact, |step, _| {
        let begins = step.to.state() == Starting;
        ensure(!begins || ledger.mind.mood == Mood::Running, || {
            format!("the daemon is {:?}", ledger.mind.mood)
        })
    })
}

fn nothing_starts_without_a_reason(ledger: &Ledger, fact: &Fact<'_>) -> Verdict {
    on_move(ledger, fact, |step, note| {
        if step.to.state() != Starting || ledger.turn.asks_to_start(&ledger.mind, step.process) {
            return Ok(());
        }
        let reason = match step.from {
            Stopped => {
                let added = ledger.turn.added.contains(&step.process);
                note.spec.autostart && added || ledger.turn.renewed.contains(&step.process)
            }
            Exited => wants_restart(ledger, step.process, note),
            Backoff => note.retry_at <= ledger.now.mono,
            _ => false,
        };
        ensure(reason, || format!("it was {:?}", step.from))
    })
}

/// Whether a process that is EXITED has ended just now, and so that it is to be started again.
fn wants_restart(ledger: &Ledger, process: ProcessId, note: &ProcessNote) -> bool {
    let before = ledger.turn.before.get(&process);
    if before.is_none_or(|state| *state == Exited) {
        return false;
    }
    match note.spec.autorestart {
        AutoRestart::Never => false,
        AutoRestart::Always => true,
        AutoRestart::Unexpected => !note
            .last_end
            .is_some_and(|status| is_expected(note, status)),
    }
}

fn a_try_waits_its_time(ledger: &Ledger, fact: &Fact<'_>) -> Verdict {
    on_move(ledger, fact, |step, note| {
        let again = step.from == Backoff && step.to.state() == Starting;
        ensure(!again || note.retry_at <= ledger.now.mono, || {
            format!(
                "after {} tries it is due at {:?}",
                note.tries, note.retry_at
            )
        })
    })
}

fn given_up_after_startretries(ledger: &Ledger, fact: &Fact<'_>) -> Verdict {
    on_move(ledger, fact, |step, note| {
        if step.from != Backoff {
            return Ok(());
        }
        let spent = has_spent_its_tries(note);
        let wrong = || format!("{} of {} tries", note.tries, note.spec.start_retries);
        match step.to.state() {
            Starting => ensure(!spent, wrong),
            // The end gives up what still has tries, but not what a user wanted stopped before.
            Fatal => {
                let ends = ledger.mind.mood != Mood::Running;
                ensure((spent || ends) && !note.stop_asked, wrong)
            }
            _ => Ok(()),
        }
    })
}

fn has_spent_its_tries(note: &ProcessNote) -> bool {
    i64::from(note.tries) > note.spec.start_retries
}

fn what_is_due_is_tried_again(ledger: &Ledger, fact: &Fact<'_>) -> Verdict {
    when_settled(ledger, fact, |id, note| {
        let waits = note.state == Backoff;
        ensure(!(waits && has_spent_its_tries(note)), || {
            format!("{id:?} has spent its tries")
        })?;
        let due = waits && note.retry_at <= ledger.now.mono && ledger.mind.mood == Mood::Running;
        ensure(!(due && ledger.turn.is_deadline()), || {
            format!("{id:?} was due at {:?}", note.retry_at)
        })
    })
}

fn autorestart_restarts(ledger: &Ledger, fact: &Fact<'_>) -> Verdict {
    when_settled(ledger, fact, |id, note| {
        let forgotten = note.state == Exited
            && ledger.mind.mood == Mood::Running
            && wants_restart(ledger, id, note);
        ensure(!forgotten, || format!("{id:?} stays EXITED"))
    })
}

fn autostart_starts(ledger: &Ledger, fact: &Fact<'_>) -> Verdict {
    when_settled(ledger, fact, |id, note| {
        let forgotten =
            note.spec.autostart && note.state == Stopped && ledger.turn.added.contains(&id);
        ensure(!forgotten, || format!("{id:?} was not started"))
    })
}

/// Supervisor starts everything before it looks whether the first is up.
fn what_starts_together_is_seen_to(ledger: &Ledger, fact: &Fact<'_>) -> Verdict {
    on_move(ledger, fact, |step, note| {
        let child = note.child.as_ref();
        let ended = child.is_some_and(|child| ledger.turn.end_of(child, ledger.now).is_some());
        let held = ledger.mind.batch.holds(ledger.now.mono, step.process);
        ensure(step.to.state() != Running || ended || !held, || {
            "others are still being made".into()
        })
    })
}

fn a_request_starts_what_it_means(ledger: &Ledger, fact: &Fact<'_>) -> Verdict {
    let turn = &ledger.turn;
    when_settled(ledger, fact, |id, _| {
        let down = matches!(turn.before.get(&id), Some(Stopped | Exited | Fatal));
        let forgotten = down
            && turn.mood == Mood::Running
            && turn.asks_to_start(&ledger.mind, id)
            && !turn.started.contains(&id);
        ensure(!forgotten, || format!("{id:?} was not started"))
    })
}

/// On request by the priorities of groups and processes; by itself in the order of the file
/// within each group. Retries have no order but that of their deadlines.
fn starts_are_in_order(ledger: &Ledger, fact: &Fact<'_>) -> Verdict {
    let (Fact::Settled(..), turn) = (fact, &ledger.turn) else {
        return Ok(());
    };
    let requested = matches!(turn.request(), Some((_, Request::Start { .. })));
    let automatic = matches!(turn.cause, Cause::Start) || !turn.added.is_empty();
    if !requested && !automatic {
        return Ok(());
    }
    let place = |id: &ProcessId| {
        let note = ledger.mind.processes.get(id)?;
        let group = ledger.mind.groups.get(&note.group)?;
        let priority = if requested { note.spec.priority } else { 0 };
        Some((group.spec.priority, note.group, priority, note.place))
    };
    ensure(turn.started.is_sorted_by_key(place), || {
        format!("the order was {:?}", turn.started)
    })
}
