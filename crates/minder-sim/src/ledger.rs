//! Everything that a bystander knows by now: what the rules judge a new fact by.
//!
//! It is kept from facts alone, by other means than the core's own, so that a mistake of the core
//! does not repeat itself here. Its two halves differ in what a crash does to them:
//!
//! - [`Mind`] is what the core has said of itself: groups, states, tries, deadlines. When the
//!   daemon dies it goes back to what it was when the last snapshot was kept, and the next daemon
//!   is held to that. So nothing has to be said about adoption: who loses something in it
//!   contradicts the mind.
//! - [`Ground`] is what has really happened: children, identities, answers. Nothing takes it back.
//!
//! A [`Turn`] is one call of the core, from what it is handed until it has settled.

mod batch;
mod ground;
mod mind;
mod pools;
mod turn;

use minder_core::{Effect, Now};

pub use self::ground::{Ground, Head};
pub use self::mind::{ChildNote, GroupNote, Mind, ProcessNote, is_meant};
pub use self::pools::{EventNote, Judgement, ListenerNote, PoolNote, Pools, Speech};
pub use self::turn::{Cause, Turn};

use crate::fact::Fact;

/// All of it.
#[derive(Debug)]
pub struct Ledger {
    /// When the last fact came in.
    pub now: Now,
    /// What the core has said of itself.
    pub mind: Mind,
    /// What has really happened.
    pub ground: Ground,
    /// The call of the core that is under way, or the last one.
    pub turn: Turn,
    kept: Mind,
}

impl Ledger {
    /// Before anything has happened.
    #[must_use]
    pub fn new() -> Self {
        Self {
            now: Now::default(),
            mind: Mind::new(0, Now::default()),
            ground: Ground::default(),
            turn: Turn::new(Cause::Start, &Mind::new(0, Now::default())),
            kept: Mind::new(0, Now::default()),
        }
    }

    /// Takes in one more fact.
    pub fn learn(&mut self, fact: &Fact<'_>) {
        match fact {
            Fact::Started(groups, serial) => {
                self.mind = Mind::new(*serial, self.now);
                self.mind.candidate = groups.to_vec();
                self.turn = Turn::new(Cause::Start, &self.mind);
                if *serial == 0 {
                    self.ground.forget_events();
                }
            }
            Fact::Recovered {
                groups,
                found,
                snapshot,
            } => {
                self.mind = Mind::recovered(groups, found, snapshot, self.now);
                self.ground.rename(&self.mind);
            }
            Fact::Adopted(inventory) => {
                self.turn = Turn::new(Cause::Adopt(inventory.to_vec()), &self.mind);
                self.mind.inherit(inventory, self.now);
            }
            Fact::Took(input) => {
                self.turn = Turn::new(Cause::Input((*input).clone()), &self.mind);
                self.mind.take(input, self.now);
                self.ground.take(input);
            }
            Fact::Asked(effect) => {
                self.mind.ask(effect, self.now, &mut self.turn);
                self.turn.ask(effect);
                if let Effect::Reply { request, .. } = effect {
                    self.ground.replying(*request);
                }
            }
            Fact::Kept => self.kept = self.mind.clone(),
            Fact::Did(effect) => self.ground.did(effect),
            Fact::Died => {
                self.mind = self.kept.clone();
                self.ground.lose_requests();
            }
            Fact::Left => {
                self.kept = Mind::new(0, Now::default());
                self.ground.lose_requests();
                self.ground.drop_children();
            }
            Fact::Made { child, process, .. } => self.ground.made(*child, *process),
            Fact::Ended { child } => self.ground.ended(*child),
            Fact::Told {
                child,
                delivery,
                bytes,
                heeds,
            } => self.ground.told(*child, *delivery, bytes, *heeds),
            Fact::Answered { child, taken } => self.ground.answered(*child, *taken),
            Fact::Settled(..) | Fact::Acknowledged { .. } | Fact::Written { .. } | Fact::Rested => {
            }
        }
    }
}

impl Default for Ledger {
    fn default() -> Self {
        Self::new()
    }
}
