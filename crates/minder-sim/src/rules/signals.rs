//! Which signals children are sent.

use minder_core::effect::Whom;
use minder_core::{Effect, ProcessState, Signal};

use super::{Rule, Verdict, ensure, when_settled};
use crate::fact::Fact;
use crate::ledger::{Ledger, ProcessNote, is_meant};

pub(super) const RULES: &[Rule] = &[
    Rule {
        says: "a child is sent its stop signal, what a user sends, or SIGKILL",
        check: every_signal_has_a_reason,
    },
    Rule {
        says: "no SIGKILL comes before stopwaitsecs are over",
        check: no_sigkill_before_its_time,
    },
    Rule {
        says: "a process that is STOPPING is sent its stop signal at once",
        check: a_stop_comes_with_its_signal,
    },
    Rule {
        says: "SIGKILL comes when stopwaitsecs are over",
        check: sigkill_comes_in_time,
    },
];

/// Why a signal is sent.
enum Reason {
    User,
    Stop,
    Kill,
}

/// The signal that a fact tells of, with the process that it is for.
fn signal<'a>(
    ledger: &'a Ledger,
    fact: &Fact<'_>,
) -> Option<(Signal, Whom, Result<&'a ProcessNote, String>)> {
    let Fact::Asked(Effect::Signal {
        child,
        signal,
        whom,
    }) = fact
    else {
        return None;
    };
    let note = ledger.mind.process_of(*child);
    let note = note.ok_or_else(|| format!("{child:?} is no process's child"));
    Some((*signal, *whom, note))
}

fn reason(ledger: &Ledger, note: &ProcessNote) -> Reason {
    match ledger.turn.request_signal() {
        Some(_) => Reason::User,
        None if note.signal_due => Reason::Stop,
        None => Reason::Kill,
    }
}

fn every_signal_has_a_reason(ledger: &Ledger, fact: &Fact<'_>) -> Verdict {
    let Some((signal, whom, note)) = signal(ledger, fact) else {
        return Ok(());
    };
    let note = note?;
    let group = |wanted| if wanted { Whom::Group } else { Whom::Child };
    let (wanted, to) = match reason(ledger, note) {
        Reason::User => (sent_by_a_user(ledger, note), Whom::Child),
        Reason::Stop => (Some(note.spec.stop_signal), group(note.spec.stop_as_group)),
        Reason::Kill => (Some(Signal::KILL), group(note.spec.kill_as_group)),
    };
    ensure((wanted, to) == (Some(signal), whom), || {
        format!("{signal} to {whom:?} of {}", note.spec.name)
    })
}

fn sent_by_a_user(ledger: &Ledger, note: &ProcessNote) -> Option<Signal> {
    let (target, text) = ledger.turn.request_signal()?;
    let mut meant = ledger.mind.processes.iter();
    let (id, _) = meant.find(|(_, other)| std::ptr::eq(*other, note))?;
    let wanted = is_meant(&ledger.mind, target, *id) && note.state.is_signallable();
    Signal::parse(text).ok().filter(|_| wanted)
}

fn no_sigkill_before_its_time(ledger: &Ledger, fact: &Fact<'_>) -> Verdict {
    let Some((Signal::KILL, _, Ok(note))) = signal(ledger, fact) else {
        return Ok(());
    };
    match reason(ledger, note) {
        Reason::User | Reason::Stop => Ok(()),
        Reason::Kill => {
            let due = note.state == ProcessState::Stopping && note.kill_at <= ledger.now.mono;
            ensure(due, || {
                let (name, at) = (&note.spec.name, note.kill_at);
                format!("{name} is {:?} and has time until {at:?}", note.state)
            })
        }
    }
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
