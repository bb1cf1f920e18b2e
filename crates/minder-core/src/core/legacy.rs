//! What one daemon leaves to the next, and how the next takes it over.
//!
//! A snapshot is sent to the keeper before the effects of its step are done, and the end of a
//! child is acknowledged only after a snapshot that knows of it. So after a crash the snapshot is
//! never behind the keeper, and may be ahead of it by the effects of one step. Where the two
//! disagree:
//!
//! | snapshot | keeper | what follows |
//! | --- | --- | --- |
//! | a child is being made | does not know it | its spawn was lost: the same try is made again, under a new identity |
//! | the same, but it is to be stopped, or the end has begun | does not know it | it counts as a start that failed |
//! | a child is being made | has it | it runs: the answer was lost |
//! | a child runs | does not know it | it has ended, and nobody can tell how |
//! | any child | has it, ended | as if that was reported now |
//! | does not know the child | has it, running | it is a stray: the driver is told, and it is stopped like its namesake, if there is one |
//! | does not know the child | has it, ended | nothing: it was taken note of before |
//! | a child was told to stop | has it, and has sent the signal | it is not told again: a second signal can make a program give up its work |
//! | a child was told to stop | has it, and has not sent the signal | it is told now |
//! | a listener was sent an event | has it | the delivery is asked for again, under its old number |
//! | the same | does not know it | the event is told again |
//! | a listener runs, and nothing is known of what it was told | has it | it is stopped, and another is started in its place |
//!
//! Lines and events of the step that the crash cut short may be missing; they are not repeated.
//! Groups are adopted without being announced again, and requests that waited are gone.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::sync::Arc;
use alloc::vec::Vec;

use super::Core;
use crate::child::{ChildId, ExitStatus, ProcessId, take};
use crate::delta::{Delta, Head};
use crate::effect::Effects;
use crate::group::Group;
use crate::input::{Input, SpawnError};
use crate::listener::Listener;
use crate::message::Message;
use crate::pools::Pools;
use crate::process::{Phase, Process, State, StopCause};
use crate::snapshot::{GroupSnapshot, Inherited, Snapshot};
use crate::state::Mood;
use crate::tick::Ticks;
use crate::time::Now;

impl Core {
    /// What a later daemon needs in order to go on.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        Snapshot {
            mood: self.mood,
            groups: self
                .roster
                .by_age()
                .map(|group| self.leave(group))
                .collect(),
            candidate: self.candidate.to_vec(),
            next: self.next,
            serial: self.pools.serial(),
            tick: self.ticks.slice(),
        }
    }

    /// How the snapshot differs from what it was when this was last asked; `None` if nobody has
    /// asked before, or if that cannot be told: then it takes a whole [`snapshot`](Self::snapshot).
    pub fn delta(&mut self) -> Option<Delta> {
        let pools = self.pools.deltas();
        let (head, processes) = self.unwritten.take(Head {
            mood: self.mood,
            next: self.next,
            serial: self.pools.serial(),
            tick: self.ticks.slice(),
        })?;
        let processes = processes.into_iter().filter_map(|id| {
            let process = self.roster.process(id)?;
            Some((self.roster.group_of(id)?.id, process.snapshot()))
        });
        Some(Delta {
            head,
            processes: processes.collect(),
            pools,
        })
    }

    /// Goes on where an earlier daemon left off. `inventory` is every child that the keeper has,
    /// and `identifier` the name that listeners know the daemon by.
    pub fn adopt(
        now: Now,
        snapshot: Snapshot,
        inventory: &[Inherited],
        identifier: Arc<str>,
        fx: &mut Effects,
    ) -> Self {
        let pools = Pools::new(identifier, snapshot.serial);
        let mut core = Self::empty(snapshot.candidate.into(), snapshot.next, pools, now);
        core.mood = snapshot.mood;
        core.ticks = Ticks::restore(snapshot.tick);
        for group in snapshot.groups {
            core.take_over(group);
        }
        // An identity that the keeper knows must never be given out again, whatever the snapshot
        // says.
        let highest = inventory.iter().map(|inherited| inherited.child.0).max();
        core.next.child = core
            .next
            .child
            .max(highest.map_or(0, |child| child.saturating_add(1)));
        if core.mood != Mood::Running {
            core.queue_groups();
        }
        core.tick(now, fx);
        let known: BTreeSet<_> = inventory.iter().map(|inherited| inherited.child).collect();
        core.pools.adopt(|child| known.contains(&child), fx);
        core.reconcile(now, inventory, fx);
        core.stop_forgotten(now, fx);
        core.finish(now, fx);
        core
    }

    fn leave(&self, group: &Group) -> GroupSnapshot {
        let processes = group
            .processes
            .iter()
            .filter_map(|id| self.roster.process(*id));
        GroupSnapshot {
            id: group.id,
            spec: group.spec.clone(),
            processes: processes.map(Process::snapshot).collect(),
            pool: self.pools.snapshot(group.id),
        }
    }

    fn take_over(&mut self, group: GroupSnapshot) {
        let specs = group.spec.processes.iter();
        let processes = group
            .processes
            .into_iter()
            .zip(specs)
            .map(|(left, spec)| Process::restore(left, group.spec.clone(), spec.clone()));
        let processes: Vec<_> = processes.collect();
        let ids: Vec<_> = processes.iter().map(|process| process.id).collect();
        let mut left = group.pool.unwrap_or_default();
        left.listeners.resize(processes.len(), None);
        for (listener, process) in left.listeners.iter_mut().zip(&processes) {
            if listener.is_none() {
                *listener = running(process).map(Listener::forgotten);
            }
        }
        self.pools.add(group.id, &group.spec, &ids, left);
        self.roster.add(group.id, group.spec.clone(), processes);
    }

    /// Stops the listeners of which nothing is known: one that waits for an event will never say
    /// again that it is ready, and one that works on an event answers what it was not asked. Each
    /// is started anew once it has ended.
    fn stop_forgotten(&mut self, now: Now, fx: &mut Effects) {
        if !self.may_start() {
            return;
        }
        let running = self.roster.processes().filter_map(|process| {
            let child = running(process)?;
            self.is_forgotten(child).then_some(process.id)
        });
        for id in running.collect::<Vec<_>>() {
            self.step(now, id, fx, |process, fx| {
                let name = process.name().clone();
                fx.log(Message::ListenerForgotten { name });
                process.stop(now.mono, StopCause::Request, fx);
            });
        }
    }

    fn reconcile(&mut self, now: Now, inventory: &[Inherited], fx: &mut Effects) {
        let found: BTreeMap<_, _> = inventory
            .iter()
            .map(|child| (child.child, *child))
            .collect();
        let all: Vec<_> = self
            .roster
            .processes()
            .map(|process| (process.id, process.state))
            .collect();
        for (id, state) in all {
            match state {
                State::Down(_) => self.step(now, id, fx, |_, _| {}),
                State::Up { child, phase } => match found.get(&child) {
                    Some(inherited) => self.inherit(now, id, *inherited, phase, fx),
                    None => self.miss(now, id, child, phase, fx),
                },
            }
        }
        for inherited in inventory {
            let ended = inherited.exited.is_some();
            if !ended && self.roster.parent(inherited.child).is_none() {
                self.end_stray(now, inherited, fx);
            }
        }
    }

    /// The keeper has the child.
    fn inherit(
        &mut self,
        now: Now,
        id: ProcessId,
        inherited: Inherited,
        left: Phase,
        fx: &mut Effects,
    ) {
        let Inherited {
            child,
            pid,
            signals,
            exited,
            ..
        } = inherited;
        self.step(now, id, fx, |process, fx| {
            // Not if the end of another has made it stop just now.
            let was_stopping = matches!(left, Phase::Stopping { .. });
            if was_stopping && exited.is_none() {
                process.make_up_for_stop(now.mono, signals, fx);
            }
            process.child_spawned(now.mono, child, pid, fx);
        });
        if let Some((status, at)) = exited {
            self.handle(now, Input::ChildExited { child, status, at }, fx);
        }
    }

    /// The keeper does not have the child.
    fn miss(&mut self, now: Now, id: ProcessId, child: ChildId, phase: Phase, fx: &mut Effects) {
        match phase {
            // To start it only in order to stop it would serve nobody.
            Phase::Spawning { stop, .. } if stop.is_some() || !self.may_start() => {
                let error = SpawnError("not started: the daemon ended first".into());
                self.step(now, id, fx, |process, fx| {
                    process.spawn_failed(now.mono, child, error, fx);
                });
            }
            Phase::Spawning { .. } => {
                let again = ChildId(take(&mut self.next.child));
                self.step(now, id, fx, |process, fx| {
                    process.spawn_again(now, again, fx);
                });
            }
            Phase::Starting { .. }
            | Phase::Running { .. }
            | Phase::Stopping { .. }
            | Phase::Unknown { .. } => {
                let status = ExitStatus::Unknown;
                let at = now;
                self.handle(now, Input::ChildExited { child, status, at }, fx);
            }
        }
    }
}

/// The child of a process that is up or on its way there.
fn running(process: &Process) -> Option<ChildId> {
    match process.state {
        State::Up {
            child,
            phase: Phase::Starting { .. } | Phase::Running { .. },
        } => Some(child),
        State::Up {
            phase: Phase::Spawning { .. } | Phase::Stopping { .. } | Phase::Unknown { .. },
            ..
        }
        | State::Down(_) => None,
    }
}
