//! The whole: every group and process, and what follows from each input.
//!
//! [`Core`] takes one [`Input`] at a time, lets the process concerned move on by its own rules
//! ([`crate::process`]), and then keeps the books: deadlines, requests that wait, the picture for
//! readers, the progress of a shutdown. It alone decides whether anything may be started, and
//! hands out identities. It owns no rule about a single process.
//!
//! Requests are handled in `core/requests.rs`, those that change who is in a group in
//! `core/members.rs`, the end of everything in `core/ending.rs`, what listeners are told and say in
//! `core/telling.rs`, what one daemon leaves to the next in `core/legacy.rs`, and what then turns out
//! to be nobody's in `core/strays.rs`.

mod ending;
mod legacy;
mod members;
mod requests;
mod strays;
mod telling;

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::time::Duration;

use crate::batch::Batch;
use crate::child::{ChildId, GroupId, ProcessId, first_child, take};
use crate::delta::Unwritten;
use crate::effect::{Effect, Effects};
use crate::event::Event;
use crate::gallery::Gallery;
use crate::group::{Roster, Selection};
use crate::input::Input;
use crate::message::Message;
use crate::plan;
use crate::pool::{PoolLevel, PoolSnapshot};
use crate::pools::Pools;
use crate::process::Process;
use crate::request::{Refusal, Target};
use crate::snapshot::{Left, NextIds};
use crate::spec::{GroupSpec, ProcessSpec};
use crate::state::{Mood, ProcessState};
use crate::tick::Ticks;
use crate::time::{Mono, Now};
use crate::timers::{Timer, Timers};
use crate::view::View;
use crate::waiting::Waiting;

use self::ending::Ending;
use self::strays::Strays;

/// Everything that decides.
#[derive(Debug)]
pub struct Core {
    mood: Mood,
    roster: Roster,
    candidate: Arc<[Arc<GroupSpec>]>,
    next: NextIds,
    timers: Timers,
    waiting: Waiting,
    batch: Batch,
    // There exactly when the mood is not `Running`.
    ending: Option<Ending>,
    strays: Strays,
    pools: Pools,
    ticks: Ticks,
    gallery: Gallery,
    unwritten: Unwritten,
}

/// How often somebody is told that a process is waited for.
const STOP_REPORT_EVERY: Duration = Duration::from_secs(2);

impl Core {
    /// The first start: every group becomes active, in start order, and what is to be started
    /// without being asked for is started. Of several groups with one name that is the first.
    ///
    /// Listeners know the daemon by `identifier`. The first event gets the number `serial`, which
    /// goes on counting when everything begins anew.
    pub fn start(
        now: Now,
        groups: Vec<Arc<GroupSpec>>,
        identifier: Arc<str>,
        serial: u64,
        fx: &mut Effects,
    ) -> Self {
        Self::start_beside(now, groups, identifier, serial, |_, _| None, fx)
    }

    /// As [`start`](Self::start), where some children are there already: `left` answers which of the
    /// process of this name in the group of this name. It is RUNNING without having been started, which
    /// nobody is told.
    pub fn start_beside(
        now: Now,
        groups: Vec<Arc<GroupSpec>>,
        identifier: Arc<str>,
        serial: u64,
        left: impl Fn(&str, &str) -> Option<Left>,
        fx: &mut Effects,
    ) -> Self {
        let groups = plan::in_start_order(groups);
        let first = NextIds {
            child: first_child(now),
            process: 1,
            group: 1,
        };
        let pools = Pools::new(identifier, serial);
        let mut core = Self::empty(groups.clone().into(), first, pools, now);
        let added: Vec<_> = plan::meant(&groups)
            .map(|spec| core.activate(Arc::clone(spec), fx))
            .collect();
        core.take_in(now, left, fx);
        core.announce(Event::SupervisorRunning, fx);
        for group in added {
            core.autostart_group(now, group, fx);
        }
        core.finish(now, fx);
        core
    }

    /// Takes one input, and asks for what follows from it.
    pub fn handle(&mut self, now: Now, input: Input, fx: &mut Effects) {
        self.tick(now, fx);
        match input {
            Input::ChildSpawned { child, pid } => {
                self.answered(now, child, fx, |process, fx| {
                    process.child_spawned(now.mono, child, pid, fx);
                });
            }
            Input::SpawnFailed { child, error } => {
                self.answered(now, child, fx, |process, fx| {
                    process.spawn_failed(now.mono, child, error, fx);
                });
            }
            Input::ChildExited { child, status, at } => {
                self.stray_ended(child);
                self.answered(now, child, fx, |process, fx| {
                    process.child_exited(now.mono, child, status, at, fx);
                });
            }
            Input::SignalFailed { child, error } => {
                if let Some(id) = self.roster.parent(child) {
                    self.step(now, id, fx, |process, fx| {
                        process.signal_failed(child, error, fx);
                    });
                }
            }
            Input::ListenerSaid { child, bytes } => {
                if let Some(pool) = self.pool_of(child) {
                    pool.said(child, &bytes, fx);
                }
            }
            Input::ListenerDeaf { child } => {
                if let Some(pool) = self.pool_of(child) {
                    pool.deafen(child, fx);
                }
            }
            Input::Said {
                child,
                channel,
                what,
                data,
            } => self.program_said(child, channel, what, data, fx),
            Input::RemoteCommunication { kind, data } => {
                self.pools
                    .hear(&Event::RemoteCommunication { kind, data }, fx);
            }
            Input::OrphanReaped { pid, status } => fx.log(Message::OrphanReaped { pid, status }),
            Input::Signalled(signal) => self.signalled(signal, fx),
            Input::Request(id, request) => self.request(now, id, request, fx),
            Input::DeadlineReached => self.deadline_reached(now, fx),
        }
        self.finish(now, fx);
    }

    /// When [`Input::DeadlineReached`] is to be handed in, if nothing else comes before.
    #[must_use]
    pub fn deadline(&self) -> Option<Mono> {
        self.timers.first()
    }

    /// What readers are shown from now on. Whatever did not change is shared with what was asked
    /// for last.
    pub fn view(&mut self) -> Arc<View> {
        self.gallery.view(self.mood, &self.candidate, &self.roster)
    }

    /// How full each pool of listeners is.
    pub fn pools(&self) -> impl Iterator<Item = PoolLevel> {
        self.pools.levels()
    }

    /// The processes that `target` means, by priority, so that their commands can be checked
    /// before a [`Start`](crate::Request::Start). Refuses what the request would be refused for.
    pub fn find(&self, target: &Target) -> Result<Vec<(ProcessId, Arc<ProcessSpec>)>, Refusal> {
        if self.mood != Mood::Running {
            return Err(Refusal::ShuttingDown);
        }
        let ids = match self.roster.select(target)? {
            Selection::One(id, _) => Vec::from([id]),
            Selection::Many(ids) => ids,
        };
        let processes = ids.iter().filter_map(|id| self.roster.process(*id));
        Ok(processes.map(|p| (p.id, p.spec.clone())).collect())
    }

    fn empty(candidate: Arc<[Arc<GroupSpec>]>, next: NextIds, pools: Pools, now: Now) -> Self {
        Self {
            mood: Mood::Running,
            roster: Roster::default(),
            candidate,
            next,
            timers: Timers::default(),
            waiting: Waiting::default(),
            batch: Batch::default(),
            ending: None,
            strays: Strays::default(),
            pools,
            ticks: Ticks::begin(now.wall),
            gallery: Gallery::new(),
            unwritten: Unwritten::default(),
        }
    }

    /// Makes a group active. Nothing of it is started yet.
    fn activate(&mut self, spec: Arc<GroupSpec>, fx: &mut Effects) -> GroupId {
        let id = GroupId(take(&mut self.next.group));
        let processes: Vec<_> = spec
            .processes
            .iter()
            .map(|process| {
                let id = ProcessId(take(&mut self.next.process));
                Process::new(id, spec.clone(), process.clone())
            })
            .collect();
        let ids: Vec<_> = processes.iter().map(|process| process.id).collect();
        self.pools.add(id, &spec, &ids, PoolSnapshot::default());
        fx.push(Effect::GroupAdded {
            id,
            spec: spec.clone(),
            processes: ids,
        });
        self.announce(Event::GroupAdded(spec.name.clone()), fx);
        self.roster.add(id, spec, processes);
        self.groups_changed();
        id
    }

    /// Takes in the children that were there before anything was started.
    fn take_in(&mut self, now: Now, left: impl Fn(&str, &str) -> Option<Left>, fx: &mut Effects) {
        let all: Vec<_> = self.roster.processes().map(|process| process.id).collect();
        for id in all {
            let Some(process) = self.roster.process(id) else {
                continue;
            };
            let group = self.roster.group_of(id).map(|group| &*group.spec.name);
            let Some(found) = group.and_then(|group| left(group, &process.spec.name)) else {
                continue;
            };
            self.next.child = self.next.child.max(found.child.0.saturating_add(1));
            self.step(now, id, fx, |process, _| process.take_in(found));
        }
    }

    /// A group was added or removed, or has other processes.
    fn groups_changed(&mut self) {
        self.gallery.groups_changed();
        self.unwritten.everything_changed();
    }

    /// Starts what a first start starts, as far as it is not there. For when an earlier daemon ended
    /// before it came to that.
    pub fn start_the_rest(&mut self, now: Now, fx: &mut Effects) {
        let groups: Vec<_> = self.roster.by_age().map(|group| group.id).collect();
        for group in groups {
            self.autostart_group(now, group, fx);
        }
        self.finish(now, fx);
    }

    fn autostart_group(&mut self, now: Now, group: GroupId, fx: &mut Effects) {
        if let Some(group) = self.roster.group(group) {
            self.autostart(now, group.processes.clone(), fx);
        }
    }

    /// Starts those of the processes that are to be started without being asked for.
    fn autostart(&mut self, now: Now, processes: Vec<ProcessId>, fx: &mut Effects) {
        for id in processes {
            if self
                .roster
                .process(id)
                .is_some_and(|process| process.spec.autostart && process.child().is_none())
            {
                self.batch.join(now.mono, id);
                self.spawn(now, id, fx);
            }
        }
    }

    fn spawn(&mut self, now: Now, id: ProcessId, fx: &mut Effects) {
        let child = ChildId(take(&mut self.next.child));
        self.step(now, id, fx, |process, fx| process.start(now, child, fx));
    }

    /// Takes in what the keeper says of a child. News of a child that is not known, or not known
    /// any more, changes nothing.
    fn answered(
        &mut self,
        now: Now,
        child: ChildId,
        fx: &mut Effects,
        news: impl FnOnce(&mut Process, &mut Effects),
    ) {
        let Some(id) = self.roster.parent(child) else {
            return;
        };
        self.batch.answered(now.mono, id);
        let held = self.batch.holds(id);
        let renews = self.is_forgotten(child);
        self.step(now, id, fx, |process, fx| {
            news(process, fx);
            if !held {
                process.deadline_reached(now.mono, fx);
            }
        });
        let again = self.roster.process(id).is_some_and(|process| {
            process.wants_restart() || renews && process.shown() == ProcessState::Stopped
        });
        if again && self.may_start() {
            self.spawn(now, id, fx);
        }
    }

    fn deadline_reached(&mut self, now: Now, fx: &mut Effects) {
        while let Some(timer) = self.timers.take_due(now.mono) {
            match timer {
                Timer::Process(id) => self.process_due(now, id, fx),
                Timer::StopReport(id) => self.report_stop(now, id, fx),
                Timer::ShutdownReport => self.report_ending(now, fx),
                Timer::Stray(child) => self.kill_stray(child, fx),
                // Looked at before and after each input.
                Timer::Tick | Timer::Batch => {}
            }
        }
    }

    fn process_due(&mut self, now: Now, id: ProcessId, fx: &mut Effects) {
        let retry = self
            .roster
            .process(id)
            .is_some_and(|p| p.is_retry_due(now.mono));
        if retry && self.may_start() {
            self.spawn(now, id, fx);
        } else {
            self.step(now, id, fx, |process, fx| {
                process.deadline_reached(now.mono, fx);
            });
        }
    }

    /// Nothing is started any more once the end has begun.
    fn may_start(&self) -> bool {
        self.mood == Mood::Running
    }

    /// Lets a process move on, and keeps the books about it.
    fn step(
        &mut self,
        now: Now,
        id: ProcessId,
        fx: &mut Effects,
        change: impl FnOnce(&mut Process, &mut Effects),
    ) {
        let from = fx.as_slice().len();
        self.roster.change(id, |process| change(process, fx));
        self.pools.overhear(from, fx);
        self.follow_listener(id, fx);
        self.gallery.process_changed(id);
        self.unwritten.process_changed(id);
        if let Some(process) = self.roster.process(id) {
            self.timers
                .set(Timer::Process(id), self.deadline_of(process));
            self.waiting.settle(now.mono, process, fx);
        }
        self.follow_stop(now, id, fx);
    }

    fn deadline_of(&self, process: &Process) -> Option<Mono> {
        let waits = match process.shown() {
            ProcessState::Starting => self.batch.holds(process.id),
            ProcessState::Backoff => !self.may_start(),
            ProcessState::Stopped
            | ProcessState::Running
            | ProcessState::Stopping
            | ProcessState::Exited
            | ProcessState::Fatal
            | ProcessState::Unknown => false,
        };
        if waits { None } else { process.deadline() }
    }

    /// Says that somebody waits for a process to stop, as soon as that is so.
    fn follow_stop(&mut self, now: Now, id: ProcessId, fx: &mut Effects) {
        let timer = Timer::StopReport(id);
        if !self.is_stop_awaited(id) {
            self.timers.set(timer, None);
        } else if !self.timers.is_set(timer) {
            self.report_stop(now, id, fx);
        }
    }

    fn report_stop(&mut self, now: Now, id: ProcessId, fx: &mut Effects) {
        let Some(process) = self.roster.process(id).filter(|_| self.is_stop_awaited(id)) else {
            return;
        };
        fx.log(Message::WaitingToStop {
            name: process.name().clone(),
        });
        let next = now.mono + STOP_REPORT_EVERY;
        self.timers.set(Timer::StopReport(id), Some(next));
    }

    fn is_stop_awaited(&self, id: ProcessId) -> bool {
        let process = self.roster.process(id);
        process.is_some_and(|p| p.shown() == ProcessState::Stopping) && self.waiting.awaits_stop(id)
    }

    /// What has to be looked at after each input, whatever it was.
    fn finish(&mut self, now: Now, fx: &mut Effects) {
        for id in self.batch.release(now.mono) {
            self.step(now, id, fx, |process, fx| {
                process.deadline_reached(now.mono, fx);
            });
        }
        self.timers.set(Timer::Batch, self.batch.deadline());
        self.set_tick(now);
        // What waits reaches listeners before it is their turn to stop.
        self.pools.dispatch(&self.roster, fx);
        self.continue_ending(now, fx);
        self.pools.dispatch(&self.roster, fx);
    }
}

#[cfg(test)]
mod tests;
