//! How everything ends: signals to the daemon, and stopping group by group.

use alloc::format;
use alloc::vec::Vec;
use core::time::Duration;

use super::Core;
use crate::child::GroupId;
use crate::effect::{Effect, Effects, Halt};
use crate::event::Event;
use crate::message::Message;
use crate::pool::Pool;
use crate::process::StopCause;
use crate::signal::Signal;
use crate::state::Mood;
use crate::time::{Mono, Now};
use crate::timers::Timer;

/// How far the end has come.
#[derive(Debug)]
pub(super) struct Ending {
    // The groups that are not known to be stopped; the last one is stopped first.
    queue: Vec<GroupId>,
    // Whether the last one of the queue has been told.
    told: bool,
    // Until when the last one of the queue may have its last word, if it is listening.
    patience: Option<Mono>,
    halted: Option<Halt>,
}

/// How often it is said what a shutdown waits for.
const REPORT_EVERY: Duration = Duration::from_secs(3);

/// How long listeners that have an event may take to answer before they are stopped. Most of all
/// that is the news of this end, which would reach them together with the signal if nothing else had
/// to be stopped before. In Supervisor its loop takes as long.
const LAST_WORD: Duration = Duration::from_secs(1);

impl Core {
    /// Somebody sent the daemon a signal.
    pub(super) fn signalled(&mut self, signal: Signal, fx: &mut Effects) {
        match signal {
            Signal::TERM | Signal::INT | Signal::QUIT => {
                fx.log(Message::ExitRequested { signal });
                self.end(Mood::ShuttingDown, fx);
            }
            Signal::HUP => {
                let ignored = self.mood == Mood::ShuttingDown;
                fx.log(Message::RestartRequested { signal, ignored });
                self.end(Mood::Restarting, fx);
            }
            Signal::USR2 => {
                fx.log(Message::ReopenRequested { signal });
                fx.log(Message::LogReopen);
                fx.push(Effect::ReopenLogs);
            }
            // The others mean nothing.
            Signal { .. } => {}
        }
    }

    /// Begins the end, or turns a restart into a shutdown. A shutdown stays one.
    pub(super) fn end(&mut self, mood: Mood, fx: &mut Effects) {
        if self.mood == Mood::Running {
            self.announce(Event::SupervisorStopping, fx);
            self.queue_groups();
        }
        if self.mood != Mood::ShuttingDown {
            self.mood = mood;
        }
    }

    /// Makes ready to stop every group, the one with the highest priority number first.
    pub(super) fn queue_groups(&mut self) {
        self.ending = Some(Ending {
            queue: self.roster.by_priority().map(|group| group.id).collect(),
            told: false,
            patience: None,
            halted: None,
        });
    }

    /// Stops the next group as soon as the one before has stopped, and halts after the last.
    pub(super) fn continue_ending(&mut self, now: Now, fx: &mut Effects) {
        while let Some(group) = self.next_to_tell(now) {
            self.stop_group(now, group, fx);
        }
        let Some(ending) = &mut self.ending else {
            return;
        };
        if ending.queue.is_empty() && self.strays.awaited().next().is_none() {
            self.timers.set(Timer::ShutdownReport, None);
            let halt = match self.mood {
                Mood::Restarting => Halt::Restart,
                Mood::Running | Mood::ShuttingDown => Halt::Exit,
            };
            if ending.halted != Some(halt) {
                ending.halted = Some(halt);
                fx.push(Effect::Halt(halt));
            }
        } else if !self.timers.is_set(Timer::ShutdownReport) {
            self.report_ending(now, fx);
        }
    }

    /// Says what is waited for.
    pub(super) fn report_ending(&mut self, now: Now, fx: &mut Effects) {
        let groups = self.roster.by_age().filter(|group| group.unstopped > 0);
        let names = groups
            .flat_map(|group| &group.processes)
            .filter_map(|id| self.roster.process(*id))
            .filter(|process| !process.shown().is_stopped())
            .map(|process| process.name().clone());
        let strays = self.strays.awaited().map(|pid| format!("pid {pid}").into());
        let names = names.chain(strays).collect();
        fx.log(Message::WaitingToDie { names });
        let next = now.mono + REPORT_EVERY;
        self.timers.set(Timer::ShutdownReport, Some(next));
    }

    /// The group whose turn it is, if it has not been told yet. Drops those that have stopped.
    fn next_to_tell(&mut self, now: Now) -> Option<GroupId> {
        let ending = self.ending.as_mut()?;
        while let Some(id) = ending.queue.last() {
            if self
                .roster
                .group(*id)
                .is_some_and(|group| group.unstopped > 0)
            {
                break;
            }
            ending.queue.pop();
            ending.told = false;
            ending.patience = None;
        }
        let next = *ending.queue.last().filter(|_| !ending.told)?;
        if self.pools.get(next).is_some_and(Pool::is_busy) {
            let until = *ending.patience.get_or_insert(now.mono + LAST_WORD);
            if now.mono < until {
                self.timers.set(Timer::LastWord, Some(until));
                return None;
            }
        }
        self.timers.set(Timer::LastWord, None);
        ending.told = true;
        Some(next)
    }

    fn stop_group(&mut self, now: Now, id: GroupId, fx: &mut Effects) {
        let Some(group) = self.roster.group(id) else {
            return;
        };
        for id in group.by_priority.clone().into_iter().rev() {
            self.step(now, id, fx, |process, fx| {
                process.stop(now.mono, StopCause::Shutdown, fx);
            });
        }
    }
}
