//! All pools: who is told of an event.
//!
//! Owns every [`Pool`] of an active group, and the number that the next event gets. A pool hears
//! of what happens from its group's becoming active on. Where nobody has asked for an event,
//! it costs a look into a small set, and no number.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::child::{ChildId, GroupId, ProcessId};
use crate::delta::PoolDelta;
use crate::effect::{Effect, Effects};
use crate::event::{Event, EventType};
use crate::group::Roster;
use crate::pool::{Pool, PoolLevel, PoolSnapshot, take_serial};
use crate::spec::GroupSpec;
use crate::tick::Period;

/// Every pool.
#[derive(Debug)]
pub(crate) struct Pools {
    identifier: Arc<str>,
    serial: u64,
    // Identities count up, so this is the order in which the pools began to listen.
    by_group: BTreeMap<GroupId, Pool>,
    // Every type of events that some pool has asked for, by whatever name.
    wanted: BTreeSet<EventType>,
}

impl Pools {
    /// None yet. Listeners know the daemon by `identifier`, and the next event gets the number
    /// `serial`.
    pub(crate) fn new(identifier: Arc<str>, serial: u64) -> Self {
        Self {
            identifier,
            serial,
            by_group: BTreeMap::new(),
            wanted: BTreeSet::new(),
        }
    }

    /// The number that the next event gets.
    pub(crate) fn serial(&self) -> u64 {
        self.serial
    }

    /// A group has become active. If it is a pool, it begins to listen, or goes on where an
    /// earlier daemon left it.
    pub(crate) fn add(
        &mut self,
        id: GroupId,
        spec: &GroupSpec,
        processes: &[ProcessId],
        left: PoolSnapshot,
    ) {
        if let Some(pool) = Pool::new(spec, processes, left) {
            self.by_group.insert(id, pool);
            self.list_wanted();
        }
    }

    /// A group is no longer active. If it was a pool, what waited in it is lost.
    pub(crate) fn remove(&mut self, id: GroupId) {
        if self.by_group.remove(&id).is_some() {
            self.list_wanted();
        }
    }

    /// A process has left its group. If that is a pool, it is one listener less.
    pub(crate) fn leave(&mut self, id: GroupId, process: ProcessId) {
        if let Some(pool) = self.by_group.get_mut(&id) {
            pool.leave(process);
        }
    }

    /// What a later daemon needs in order to go on with a pool, if the group is one.
    pub(crate) fn snapshot(&self, id: GroupId) -> Option<PoolSnapshot> {
        self.by_group.get(&id).map(Pool::snapshot)
    }

    /// How full each one is.
    pub(crate) fn levels(&self) -> impl Iterator<Item = PoolLevel> {
        self.by_group.values().map(Pool::level)
    }

    /// How the pools differ from what they were when this was last asked.
    pub(crate) fn deltas(&mut self) -> Vec<PoolDelta> {
        let pools = self.by_group.iter_mut();
        pools.filter_map(|(id, pool)| pool.delta(*id)).collect()
    }

    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.by_group.is_empty()
    }

    /// Whether some pool has asked for events of this type.
    pub(crate) fn want(&self, kind: EventType) -> bool {
        self.wanted.contains(&kind)
    }

    /// The shortest slice of time that some pool wants to hear of.
    pub(crate) fn shortest_tick(&self) -> Option<Period> {
        let mut periods = Period::ALL.into_iter();
        periods.find(|period| self.want(period.kind()))
    }

    /// Lets every pool that has asked for it accept an event.
    pub(crate) fn hear(&mut self, event: &Event, fx: &mut Effects) {
        let kind = event.kind();
        if !self.want(kind) {
            return;
        }
        let serial = take_serial(&mut self.serial);
        let payload: Arc<str> = event.payload().into();
        for pool in self.by_group.values_mut().filter(|pool| pool.wants(kind)) {
            pool.accept(kind, serial, &payload, fx);
        }
    }

    /// Lets the pools hear what the effects from `from` on announce, so that what follows from
    /// hearing it comes right after it.
    pub(crate) fn overhear(&mut self, from: usize, fx: &mut Effects) {
        if self.is_empty() {
            return;
        }
        for effect in fx.split_off(from) {
            let announced = if let Effect::Announce(event) = &effect {
                Some(event.clone())
            } else {
                None
            };
            fx.push(effect);
            if let Some(event) = announced {
                self.hear(&event, fx);
            }
        }
    }

    /// The pool that a group is.
    pub(crate) fn get(&self, id: GroupId) -> Option<&Pool> {
        self.by_group.get(&id)
    }

    /// The pool that a group is, to be changed.
    pub(crate) fn get_mut(&mut self, id: GroupId) -> Option<&mut Pool> {
        self.by_group.get_mut(&id)
    }

    /// Sends what waits to whoever may have it.
    pub(crate) fn dispatch(&mut self, roster: &Roster, fx: &mut Effects) {
        for pool in self.by_group.values_mut() {
            pool.dispatch(roster, &self.identifier, fx);
        }
    }

    /// Goes on with the listeners that the keeper has.
    pub(crate) fn adopt(&mut self, lives: impl Fn(ChildId) -> bool, fx: &mut Effects) {
        for pool in self.by_group.values_mut() {
            pool.adopt(&lives, &self.identifier, fx);
        }
    }

    fn list_wanted(&mut self) {
        let asked = || self.by_group.values().flat_map(Pool::subscriptions);
        let all = EventType::ALL.iter().copied();
        self.wanted = all
            .filter(|kind| asked().any(|asked| kind.is_a(*asked)))
            .collect();
    }
}
