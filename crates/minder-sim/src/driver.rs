//! A fake driver: one daemon, that does a step in the order on which crash safety rests, and may
//! die between any two parts of it.
//!
//! ```text
//! inputs ──► core ──► snapshot ──► effects, in order ──► acknowledgements
//!                 †            †   †   †   †          †   †
//! ```

use minder_core::effect::Halt;
use minder_core::{ChildId, Effect, Input, Mono};

use crate::fact::Fact;
use crate::keeper::{Keeper, Order};
use crate::random::Random;
use crate::sabotage::Saboteur;
use crate::subject::Subject;
use crate::time::Clock;
use crate::users::Users;
use crate::witness::Witness;

/// A daemon.
#[derive(Debug)]
pub struct Driver {
    subject: Subject,
    // What the step under way has asked for, and the ends that it has taken note of.
    effects: Vec<Effect>,
    ends: Vec<ChildId>,
}

/// What a daemon works with.
#[derive(Debug)]
pub struct Desk<'a> {
    /// The time.
    pub clock: &'a Clock,
    /// The keeper.
    pub keeper: &'a mut Keeper,
    /// Whoever sees to it that the core makes a mistake, if anybody does.
    pub saboteur: &'a mut Saboteur,
    /// Who watches.
    pub witness: &'a mut Witness,
}

impl Desk<'_> {
    fn sees(&mut self, fact: Fact<'_>) {
        self.witness.sees(self.clock.now(), fact);
    }
}

/// Where in a step the daemon dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Crash {
    /// Before the keeper has the snapshot.
    BeforeSnapshot,
    /// After so many effects, or after all of them if there are fewer.
    AfterEffects(usize),
    /// After so many acknowledgements, or after all of them if there are fewer.
    AfterAcknowledgements(usize),
}

impl Crash {
    /// Anywhere.
    pub fn draw(random: &mut Random) -> Self {
        match random.below(4) {
            0 => Self::BeforeSnapshot,
            1 => Self::AfterAcknowledgements(random.index(3)),
            _ => Self::AfterEffects(random.index(8)),
        }
    }
}

/// How a daemon goes on after a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It does.
    GoesOn,
    /// It is dead.
    Died,
    /// It has left on purpose.
    Left(Halt),
}

impl Driver {
    /// A new daemon, before the end of its first step: it adopts what the keeper has, or starts
    /// from the configuration if there is nothing.
    pub fn begin(users: &Users, desk: &mut Desk<'_>) -> Self {
        let now = desk.clock.now();
        let inventory = desk.keeper.inventory();
        let subject = if let Some(snapshot) = desk.keeper.kept() {
            desk.sees(Fact::Adopted(&inventory));
            Subject::adopt(now, snapshot, &inventory, desk.saboteur)
        } else {
            let groups = users.file();
            desk.sees(Fact::Started(&groups));
            Subject::start(now, groups, desk.saboteur)
        };
        let ended = inventory.iter().filter(|child| child.exited.is_some());
        let mut driver = Self {
            subject,
            effects: Vec::new(),
            ends: ended.map(|inherited| inherited.child).collect(),
        };
        driver.settle(desk);
        driver
    }

    /// Hands the core an input of the step.
    pub fn take(&mut self, input: Input, desk: &mut Desk<'_>) {
        desk.sees(Fact::Took(&input));
        if let Input::ChildExited { child, .. } = input {
            self.ends.push(child);
        }
        self.subject.handle(desk.clock.now(), input, desk.saboteur);
        self.settle(desk);
    }

    fn settle(&mut self, desk: &mut Desk<'_>) {
        let effects = self.subject.effects(desk.saboteur);
        for effect in &effects {
            desk.sees(Fact::Asked(effect));
        }
        self.effects.extend(effects);
        let deadline = self.deadline(desk.saboteur);
        desk.sees(Fact::Settled(&self.subject.view(), deadline));
    }

    /// When the core wants to be called again.
    #[must_use]
    pub fn deadline(&self, saboteur: &Saboteur) -> Option<Mono> {
        self.subject.deadline(saboteur)
    }

    /// Ends the step: keeps the snapshot, does the effects, acknowledges the ends.
    pub fn finish(&mut self, crash: Option<Crash>, desk: &mut Desk<'_>) -> Outcome {
        if crash == Some(Crash::BeforeSnapshot) {
            return Outcome::Died;
        }
        if desk.saboteur.keeps_snapshot() {
            desk.keeper.keep(self.subject.snapshot());
        }
        desk.sees(Fact::Kept);
        let mut outcome = Outcome::GoesOn;
        for (done, effect) in self.effects.drain(..).enumerate() {
            if crash == Some(Crash::AfterEffects(done)) {
                return Outcome::Died;
            }
            // A restart may have become a shutdown within one step: the last word counts.
            if let Effect::Halt(halt) = effect {
                outcome = Outcome::Left(halt);
            }
            perform(&effect, desk);
        }
        if let Some(Crash::AfterEffects(_)) = crash {
            return Outcome::Died;
        }
        for (done, child) in self.ends.drain(..).enumerate() {
            if crash == Some(Crash::AfterAcknowledgements(done)) {
                return Outcome::Died;
            }
            desk.keeper.order(Order::Forget { child });
        }
        if crash.is_some() {
            return Outcome::Died;
        }
        outcome
    }
}

fn perform(effect: &Effect, desk: &mut Desk<'_>) {
    match effect {
        Effect::Spawn { child, process, .. } => {
            let (child, process) = (*child, *process);
            desk.keeper.order(Order::Spawn { child, process });
        }
        Effect::Signal { child, signal, .. } => {
            let (child, signal) = (*child, *signal);
            desk.keeper.order(Order::Signal { child, signal });
        }
        // What the world outside sees of these is for the witness alone.
        Effect::Deliver { .. }
        | Effect::Announce(_)
        | Effect::Log(_)
        | Effect::Reply { .. }
        | Effect::GroupAdded { .. }
        | Effect::GroupRemoved { .. }
        | Effect::ProcessesAdded { .. }
        | Effect::ProcessRemoved { .. }
        | Effect::Stray { .. }
        | Effect::ReopenLogs
        | Effect::Halt(_) => {}
    }
    desk.sees(Fact::Did(effect));
}
