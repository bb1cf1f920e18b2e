//! The core under test, and the place where somebody may tamper with it.
//!
//! The rules see this from outside: what goes in, and what comes out. With a [`Saboteur`] inside
//! it is a core with a known mistake, and rules that do not notice are worth nothing.

use std::sync::Arc;

use minder_core::snapshot::{Inherited, Snapshot};
use minder_core::spec::GroupSpec;
use minder_core::view::View;
use minder_core::{Core, Delta, Effect, Effects, Input, Mono, Now, ProcessId, Target};

use crate::sabotage::Saboteur;

/// What listeners know the daemon by.
pub const IDENTIFIER: &str = "supervisor";

/// The core of one daemon.
#[derive(Debug)]
pub struct Subject {
    core: Core,
    effects: Effects,
}

impl Subject {
    /// See [`Core::start`].
    pub fn start(
        now: Now,
        groups: Vec<Arc<GroupSpec>>,
        serial: u64,
        saboteur: &mut Saboteur,
    ) -> Self {
        let mut effects = Effects::new();
        let (now, groups) = (saboteur.time(now), saboteur.specs(groups));
        let core = Core::start(now, groups, IDENTIFIER.into(), serial, &mut effects);
        Self { core, effects }
    }

    /// See [`Core::adopt`].
    pub fn adopt(
        now: Now,
        snapshot: Snapshot,
        inventory: &[Inherited],
        saboteur: &mut Saboteur,
    ) -> Self {
        let mut effects = Effects::new();
        let inventory = saboteur.inventory(inventory);
        let now = saboteur.time(now);
        let core = Core::adopt(now, snapshot, inventory, IDENTIFIER.into(), &mut effects);
        Self { core, effects }
    }

    /// See [`Core::handle`].
    pub fn handle(&mut self, now: Now, input: Input, saboteur: &mut Saboteur) {
        for input in saboteur.input(input) {
            self.core
                .handle(saboteur.time(now), input, &mut self.effects);
        }
    }

    /// What it asks for since it was asked last.
    pub fn effects(&mut self, saboteur: &mut Saboteur) -> Vec<Effect> {
        let effects = self.effects.take();
        saboteur.effects(effects)
    }

    /// See [`Core::deadline`].
    #[must_use]
    pub fn deadline(&self, saboteur: &Saboteur) -> Option<Mono> {
        saboteur.deadline(self.core.deadline())
    }

    /// See [`Core::view`].
    pub fn view(&mut self) -> Arc<View> {
        self.core.view()
    }

    /// See [`Core::find`].
    #[must_use]
    pub fn find(&self, target: &Target) -> Vec<ProcessId> {
        let found = self.core.find(target).unwrap_or_default();
        found.into_iter().map(|(id, _)| id).collect()
    }

    /// See [`Core::delta`].
    pub fn delta(&mut self) -> Option<Delta> {
        self.core.delta()
    }

    /// See [`Core::snapshot`].
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        self.core.snapshot()
    }
}
