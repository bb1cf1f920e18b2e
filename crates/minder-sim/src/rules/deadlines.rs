//! The core wakes up when something is due, and does not when nothing is.

use minder_core::{Mono, Mood, ProcessState};

use super::{Rule, Verdict, When, ensure, when_settled};
use crate::fact::Fact;
use crate::ledger::{Ledger, ProcessNote};

pub(super) const RULES: &[Rule] = &[
    Rule {
        says: "after a deadline the next one lies ahead",
        when: When::Settled,
        check: the_next_deadline_lies_ahead,
    },
    Rule {
        says: "the core wants to be woken before anything is overdue",
        when: When::Settled,
        check: the_core_is_woken_in_time,
    },
    Rule {
        says: "one call of the core asks for so much and no more",
        when: When::Asked,
        check: a_turn_has_an_end,
    },
];

fn the_next_deadline_lies_ahead(ledger: &Ledger, fact: &Fact<'_>) -> Verdict {
    match fact {
        Fact::Settled(_, Some(deadline)) if ledger.turn.is_deadline() => {
            ensure(*deadline > ledger.now.mono, || {
                format!("{deadline:?} at {:?}", ledger.now.mono)
            })
        }
        _ => Ok(()),
    }
}

fn the_core_is_woken_in_time(ledger: &Ledger, fact: &Fact<'_>) -> Verdict {
    let Fact::Settled(_, deadline) = fact else {
        return Ok(());
    };
    let (now, pools) = (ledger.now, &ledger.mind.pools);
    if let Some(next) = pools.next_look(now.wall) {
        let due = now.mono + next.0.saturating_sub(now.wall.0);
        ensure(deadline.is_some_and(|at| at <= due), || {
            format!("listeners are to be told of time at {due:?}")
        })?;
    }
    when_settled(ledger, fact, |id, note| match due(ledger, note) {
        Some(due) => ensure(deadline.is_some_and(|at| at <= due), || {
            format!("{id:?} is due at {due:?}")
        }),
        None => Ok(()),
    })
}

fn due(ledger: &Ledger, note: &ProcessNote) -> Option<Mono> {
    match note.state {
        ProcessState::Stopping => Some(note.kill_at),
        ProcessState::Backoff => (ledger.mind.mood == Mood::Running).then_some(note.retry_at),
        ProcessState::Starting => {
            let child = note.child.filter(|child| child.pid.is_some())?;
            let ready_at = child.asked_at + note.spec.start_wait();
            // One that was started together with others may have to wait for their answers.
            Some(ready_at.max(ledger.now.mono + HELD_BACK))
        }
        _ => None,
    }
}

fn a_turn_has_an_end(ledger: &Ledger, fact: &Fact<'_>) -> Verdict {
    match fact {
        Fact::Asked(_) => {
            let pools = ledger.mind.pools.by_group.len();
            let bound = 16 * (ledger.mind.processes.len() + 4) * (1 + pools);
            ensure(ledger.turn.effects < bound, || {
                format!("{} effects", ledger.turn.effects)
            })
        }
        _ => Ok(()),
    }
}

/// How long a process may be held back while others are being made.
const HELD_BACK: std::time::Duration = std::time::Duration::from_secs(1);
