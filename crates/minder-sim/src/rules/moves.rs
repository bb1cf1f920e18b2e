//! Which moves there are between the eight states, and when.

use minder_core::ExitStatus;
use minder_core::ProcessState::{
    Backoff, Exited, Fatal, Running, Starting, Stopped, Stopping, Unknown,
};
use minder_core::event::Entered;

use super::{Rule, Verdict, When, ensure, on_move};
use crate::fact::Fact;
use crate::ledger::{Cause, Ledger, ProcessNote};

pub(super) const RULES: &[Rule] = &[
    Rule {
        says: "a process moves on from the state that it is in",
        when: When::Asked,
        check: moves_chain,
    },
    Rule {
        says: "a process moves only as Supervisor's do",
        when: When::Asked,
        check: moves_are_legal,
    },
    Rule {
        says: "a process is RUNNING once its child has been up for startsecs",
        when: When::Asked,
        check: running_after_startsecs,
    },
    Rule {
        says: "an end within startsecs is a failed start, and so is a child that cannot be made",
        when: When::Asked,
        check: a_failed_start_is_backoff,
    },
    Rule {
        says: "a process is STOPPED or EXITED when its child has ended",
        when: When::Asked,
        check: down_when_its_child_has_ended,
    },
    Rule {
        says: "a process is UNKNOWN when a signal to it has failed",
        when: When::Asked,
        check: unknown_when_a_signal_failed,
    },
    Rule {
        says: "tries are counted from when the process was last up or down for good",
        when: When::Asked,
        check: tries_are_counted,
    },
    Rule {
        says: "an end is told as it was: of which child, and whether it was expected",
        when: When::Asked,
        check: an_end_is_told_as_it_was,
    },
];

fn moves_chain(ledger: &Ledger, fact: &Fact<'_>) -> Verdict {
    on_move(ledger, fact, |step, note| {
        ensure(step.from == note.state, || {
            format!("it is {:?}, not {:?}", note.state, step.from)
        })
    })
}

fn moves_are_legal(ledger: &Ledger, fact: &Fact<'_>) -> Verdict {
    on_move(ledger, fact, |step, _| {
        let to = step.to.state();
        let legal = match step.from {
            Stopped | Exited | Fatal => to == Starting,
            Starting => matches!(to, Running | Backoff | Stopping | Unknown),
            Running => matches!(to, Exited | Stopping | Unknown),
            Backoff => matches!(to, Starting | Fatal | Stopped),
            Stopping => matches!(to, Stopped | Unknown),
            Unknown => matches!(to, Stopped | Exited),
        };
        ensure(legal, || format!("{:?} to {to:?}", step.from))
    })
}

fn running_after_startsecs(ledger: &Ledger, fact: &Fact<'_>) -> Verdict {
    on_move(ledger, fact, |step, note| {
        let Entered::Running { pid } = step.to else {
            return Ok(());
        };
        let child = note.child.ok_or("it has no child")?;
        ensure(child.pid == Some(pid), || {
            format!("{pid} is not the pid of its child: {child:?}")
        })?;
        // An end tells how long a child was up, even if nobody has looked before.
        let until = match ledger.turn.end_of(&child, ledger.now) {
            Some((_, at)) => at.mono,
            None => ledger.now.mono,
        };
        let up = until.since(child.asked_at);
        ensure(up >= note.spec.start_wait(), || {
            format!("it has been up for {up:?} of {:?}", note.spec.start_wait())
        })
    })
}

fn a_failed_start_is_backoff(ledger: &Ledger, fact: &Fact<'_>) -> Verdict {
    on_move(ledger, fact, |step, note| {
        if step.to.state() != Backoff {
            return Ok(());
        }
        let child = note.child.ok_or("it has no child")?;
        if ledger.turn.is_failed_spawn_of(&child) {
            return Ok(());
        }
        let (_, at) = end(ledger, note)?;
        let up = at.mono.since(child.asked_at);
        ensure(up < note.spec.start_wait(), || {
            format!("it was up for {up:?} of {:?}", note.spec.start_wait())
        })
    })
}

fn down_when_its_child_has_ended(ledger: &Ledger, fact: &Fact<'_>) -> Verdict {
    on_move(ledger, fact, |step, note| match step.to.state() {
        Exited => end(ledger, note).map(drop),
        Stopped if step.from != Backoff => end(ledger, note).map(drop),
        _ => Ok(()),
    })
}

fn end(ledger: &Ledger, note: &ProcessNote) -> Result<(ExitStatus, minder_core::Now), String> {
    let child = note.child.ok_or("it has no child")?;
    let end = ledger.turn.end_of(&child, ledger.now);
    end.ok_or_else(|| format!("its child {} has not ended", child.child.0))
}

fn unknown_when_a_signal_failed(ledger: &Ledger, fact: &Fact<'_>) -> Verdict {
    on_move(ledger, fact, |step, note| {
        if step.to.state() != Unknown {
            return Ok(());
        }
        let Cause::Input(minder_core::Input::SignalFailed { child, .. }) = &ledger.turn.cause
        else {
            return Err("no signal has failed".into());
        };
        ensure(note.child.is_some_and(|its| its.child == *child), || {
            "the signal was to another child".into()
        })
    })
}

fn tries_are_counted(ledger: &Ledger, fact: &Fact<'_>) -> Verdict {
    on_move(ledger, fact, |step, note| {
        let (told, counted) = match step.to {
            Entered::Starting { tries } => (tries, note.tries),
            Entered::Backoff { tries } => (tries, note.tries + 1),
            _ => return Ok(()),
        };
        ensure(told == counted, || {
            format!("it is told of {told}, not {counted}")
        })
    })
}

fn an_end_is_told_as_it_was(ledger: &Ledger, fact: &Fact<'_>) -> Verdict {
    on_move(ledger, fact, |step, note| {
        let (told, its) = match step.to {
            Entered::Exited { pid, expected } => {
                let (status, _) = end(ledger, note)?;
                ensure(expected == is_expected(note, status), || {
                    format!("{status:?} is called expected: {expected}")
                })?;
                (pid, note.child.and_then(|child| child.pid))
            }
            Entered::Stopped { pid } => (pid, note.child.and_then(|child| child.pid).or(Some(0))),
            _ => return Ok(()),
        };
        ensure(its == Some(told), || {
            format!("pid {told} is told, it was {its:?}")
        })
    })
}

/// Whether the configuration calls such an end an expected one.
pub(super) fn is_expected(note: &ProcessNote, status: ExitStatus) -> bool {
    matches!(status, ExitStatus::Code(code) if note.spec.exit_codes.contains(&code))
}
