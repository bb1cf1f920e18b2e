//! Which signals children are sent.

use minder_core::effect::Whom;
use minder_core::{ChildId, Effect, ProcessState, Signal};

use super::{Rule, Verdict, When, ensure, when_settled};
use crate::fact::Fact;
use crate::ledger::{Ledger, ProcessNote};

pub(super) const RULES: &[Rule] = &[
    Rule {
        says: "a child is sent its stop signal, what a user sends, or SIGKILL",
        when: When::Asked,
        check: every_signal_has_a_reason,
    },
    Rule {
        says: "no SIGKILL comes before stopwaitsecs are over",
        when: When::Asked,
        check: no_sigkill_before_its_time,
    },
    Rule {
        says: "a process that is STOPPING is sent its stop signal at once",
        when: When::Settled,
        check: a_stop_comes_with_its_signal,
    },
    Rule {
        says: "SIGKILL comes when stopwaitsecs are over",
        when: When::Settled,
        check: sigkill_comes_in_time,
    },
    Rule {
        says: "a stray is told to end once, and is not killed before its time is over",
        when: When::Asked,
        check: strays_have_their_time,
    },
    Rule {
        says: "a stray that has not ended when its time is over is killed",
        when: When::Settled,
        check: strays_are_killed_in_time,
    },
];

/// A signal that the core sends, and to which process.
struct Sent<'a> {
    signal: Signal,
    whom: Whom,
    name: &'a str,
    note: &'a ProcessNote,
    reason: Reason<'a>,
}

/// Why a signal is sent.
enum Reason<'a> {
    User(&'a str),
    Stop,
    Kill,
}

/// The signal that a fact tells of, if it does.
fn asked_for(fact: &Fact<'_>) -> Option<(ChildId, Signal, Whom)> {
    match fact {
        Fact::Asked(Effect::Signal {
            child,
            signal,
            whom,
        }) => Some((*child, *signal, *whom)),
        _ => None,
    }
}

/// Judges a signal that a fact tells of; other facts are as they should be.
fn on_signal(ledger: &Ledger, fact: &Fact<'_>, judge: impl FnOnce(Sent<'_>) -> Verdict) -> Verdict {
    let Some((child, signal, whom)) = asked_for(fact) else {
        return Ok(());
    };
    if ledger.mind.strays.contains_key(&child) {
        return Ok(());
    }
    let found = ledger.mind.process_of(child);
    let (id, note) = found.ok_or_else(|| format!("{child:?} is no process's child"))?;
    let reason = match ledger.turn.users_signal(&ledger.mind, id) {
        Some(text) => Reason::User(text),
        None if note.signal_due => Reason::Stop,
        None => Reason::Kill,
    };
    judge(Sent {
        signal,
        whom,
        name: &note.spec.name,
        note,
        reason,
    })
}

fn every_signal_has_a_reason(ledger: &Ledger, fact: &Fact<'_>) -> Verdict {
    on_signal(ledger, fact, |sent| {
        let (note, spec) = (sent.note, &sent.note.spec);
        let group = |wanted| if wanted { Whom::Group } else { Whom::Child };
        let (wanted, whom) = match sent.reason {
            Reason::User(text) => {
                let known = Signal::parse(text).ok();
                (known.filter(|_| note.state.is_signallable()), Whom::Child)
            }
            Reason::Stop => (Some(spec.stop_signal), group(spec.stop_as_group)),
            Reason::Kill => (Some(Signal::KILL), group(spec.kill_as_group)),
        };
        ensure((wanted, whom) == (Some(sent.signal), sent.whom), || {
            format!("{} to {:?} of {}", sent.signal, sent.whom, sent.name)
        })
    })
}

fn no_sigkill_before_its_time(ledger: &Ledger, fact: &Fact<'_>) -> Verdict {
    on_signal(ledger, fact, |sent| match (sent.reason, sent.signal) {
        (Reason::Kill, Signal::KILL) => {
            let (state, kill_at) = (sent.note.state, sent.note.kill_at);
            let due = state == ProcessState::Stopping && kill_at <= ledger.now.mono;
            ensure(due, || {
                format!("{} is {state:?} and has time until {kill_at:?}", sent.name)
            })
        }
        _ => Ok(()),
    })
}

fn a_stop_comes_with_its_signal(ledger: &Ledger, fact: &Fact<'_>) -> Verdict {
    when_settled(ledger, fact, |id, note| {
        ensure(!note.signal_due, || format!("{id:?} was sent nothing"))
    })
}

fn sigkill_comes_in_time(ledger: &Ledger, fact: &Fact<'_>) -> Verdict {
    when_settled(ledger, fact, |id, note| {
        let late = note.state == ProcessState::Stopping && note.kill_at <= ledger.now.mono;
        ensure(!(late && ledger.turn.is_deadline()), || {
            format!("{id:?} was to be killed at {:?}", note.kill_at)
        })
    })
}

fn strays_have_their_time(ledger: &Ledger, fact: &Fact<'_>) -> Verdict {
    let Some((child, signal, whom)) = asked_for(fact) else {
        return Ok(());
    };
    let Some(kill_at) = ledger.mind.strays.get(&child) else {
        return Ok(());
    };
    let turn = &ledger.turn;
    let is_due = if signal == Signal::KILL {
        kill_at.is_some_and(|kill_at| kill_at <= ledger.now.mono)
    } else {
        let is_first = turn.strays.contains(&child) && !turn.signalled.contains(&child);
        signal == Signal::TERM && is_first && !turn.had_sent(child).contains(Signal::TERM)
    };
    ensure(is_due && whom == Whom::Group, || {
        format!("{signal} to {whom:?} of {child:?}")
    })
}

fn strays_are_killed_in_time(ledger: &Ledger, fact: &Fact<'_>) -> Verdict {
    let Fact::Settled(_, deadline) = fact else {
        return Ok(());
    };
    for (child, kill_at) in &ledger.mind.strays {
        let Some(kill_at) = kill_at.filter(|_| ledger.mind.let_go.contains(child)) else {
            continue;
        };
        let is_late = ledger.turn.is_deadline() && kill_at <= ledger.now.mono;
        let is_forgotten = deadline.is_none_or(|deadline| deadline > kill_at);
        ensure(!is_late && !is_forgotten, || {
            format!("{child:?} was to be killed at {kill_at:?}")
        })?;
    }
    Ok(())
}
