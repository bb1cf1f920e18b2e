//! Telling listeners: events on their way to the pools, and what listeners answer.

use alloc::vec::Vec;

use super::Core;
use crate::child::{ChildId, ProcessId};
use crate::effect::{Effect, Effects};
use crate::event::{Channel, Event, Said};
use crate::pool::Pool;
use crate::time::Now;
use crate::timers::Timer;

impl Core {
    /// Tells everybody of something that was decided.
    pub(super) fn announce(&mut self, event: Event, fx: &mut Effects) {
        let from = fx.as_slice().len();
        fx.push(Effect::Announce(event));
        self.pools.overhear(from, fx);
    }

    /// A program said something.
    pub(super) fn program_said(
        &mut self,
        child: ChildId,
        channel: Channel,
        said: Said,
        data: Vec<u8>,
        fx: &mut Effects,
    ) {
        if !self.pools.want(said.kind(channel)) {
            return;
        }
        let process = self.roster.parent(child);
        let Some(process) = process.and_then(|id| self.roster.process(id)) else {
            return;
        };
        let event = Event::ProcessSaid {
            name: process.name().clone(),
            group: process.group_name().clone(),
            pid: process.state.pid().unwrap_or(0),
            channel,
            said,
            data: data.into(),
        };
        self.pools.hear(&event, fx);
    }

    /// Tells of the slices of time that have begun, if anybody wants to hear of them.
    pub(super) fn tick(&mut self, now: Now, fx: &mut Effects) {
        for (period, when) in self.ticks.turn(now.wall) {
            self.pools.hear(&Event::Tick { period, when }, fx);
        }
    }

    /// Asks to be called when the next slice begins that somebody wants to hear of.
    pub(super) fn set_tick(&mut self, now: Now) {
        let period = self.pools.shortest_tick();
        let next = period.map(|period| now.mono + period.until_next(now.wall));
        self.timers.set(Timer::Tick, next);
    }

    /// The pool that a child listens for, if it does.
    pub(super) fn pool_of(&mut self, child: ChildId) -> Option<&mut Pool> {
        let group = self.roster.group_of(self.roster.parent(child)?)?.id;
        self.pools.get_mut(group)
    }

    /// Whether a child is a listener of which nobody knows what it was told.
    pub(super) fn is_forgotten(&self, child: ChildId) -> bool {
        let process = self.roster.parent(child);
        let group = process.and_then(|id| self.roster.group_of(id));
        let pool = group.and_then(|group| self.pools.get(group.id));
        pool.is_some_and(|pool| pool.is_forgotten(child))
    }

    /// Sees to it that the pool of a process, if it has one, knows which child it has.
    pub(super) fn follow_listener(&mut self, id: ProcessId, fx: &mut Effects) {
        if self.pools.is_empty() {
            return;
        }
        let (Some(process), Some(group)) = (self.roster.process(id), self.roster.group_of(id))
        else {
            return;
        };
        if let Some(pool) = self.pools.get_mut(group.id) {
            pool.follow(id, process.child(), fx);
        }
    }
}
