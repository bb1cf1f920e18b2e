//! Children that belong to no process: each is told to end, and killed if it does not in time.
//!
//! They are found when a daemon takes over from one whose state was lost. What becomes of them is worked
//! out anew at each takeover, from the signals that the keeper says they were sent, so none of it has to
//! be left to the next daemon, or can be lost with the rest.

use alloc::collections::BTreeMap;
use core::time::Duration;

use super::Core;
use crate::child::ChildId;
use crate::effect::{Effect, Effects, Whom};
use crate::message::Message;
use crate::process::whom;
use crate::signal::Signal;
use crate::snapshot::Inherited;
use crate::time::{Mono, Now};
use crate::timers::Timer;

/// How long one has that bears no known name: as long as Supervisor gives a program that says
/// nothing else.
const WAIT: Duration = Duration::from_secs(10);

/// Those that have not ended.
#[derive(Debug, Default)]
pub(super) struct Strays(BTreeMap<ChildId, Stray>);

#[derive(Debug)]
struct Stray {
    pid: u32,
    /// When it is killed, unless it was.
    kill_at: Option<Mono>,
    killed: Whom,
}

impl Strays {
    /// The pids of those that still have time to end by themselves.
    pub(super) fn awaited(&self) -> impl Iterator<Item = u32> {
        let awaited = self.0.values().filter(|stray| stray.kill_at.is_some());
        awaited.map(|stray| stray.pid)
    }

    /// One has ended, if it was one.
    pub(super) fn ended(&mut self, child: ChildId) -> bool {
        self.0.remove(&child).is_some()
    }
}

impl Core {
    /// Tells one to end, unless it has been told before: a second signal can make a program give up
    /// its work.
    pub(super) fn end_stray(&mut self, now: Now, found: &Inherited, fx: &mut Effects) {
        let (child, pid, sent) = (found.child, found.pid, found.signals);
        fx.push(Effect::Stray { child, pid });
        let namesake = found.namesake.and_then(|id| self.roster.process(id));
        let spec = namesake.map(|process| &process.spec);
        // Whoever bears no known name may have anybody below it.
        let (signal, wait, told, killed) =
            spec.map_or((Signal::TERM, WAIT, Whom::Group, Whom::Group), |spec| {
                let (told, killed) = (whom(spec.stop_as_group), whom(spec.kill_as_group));
                (spec.stop_signal, spec.stop_wait(), told, killed)
            });
        let is_killed = sent.contains(Signal::KILL);
        if !is_killed && !sent.contains(signal) {
            fx.push(Effect::Signal {
                child,
                signal,
                whom: told,
            });
        }
        let kill_at = (!is_killed).then(|| now.mono + wait);
        self.timers.set(Timer::Stray(child), kill_at);
        let stray = Stray {
            pid,
            kill_at,
            killed,
        };
        self.strays.0.insert(child, stray);
    }

    /// The time of one is over.
    pub(super) fn kill_stray(&mut self, child: ChildId, fx: &mut Effects) {
        let Some(stray) = self.strays.0.get_mut(&child) else {
            return;
        };
        stray.kill_at = None;
        fx.log(Message::KillingStray { pid: stray.pid });
        fx.push(Effect::Signal {
            child,
            signal: Signal::KILL,
            whom: stray.killed,
        });
    }

    /// Takes note that a child has ended that may have been one.
    pub(super) fn stray_ended(&mut self, child: ChildId) {
        if self.strays.ended(child) {
            self.timers.set(Timer::Stray(child), None);
        }
    }
}
