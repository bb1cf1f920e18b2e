//! A fake driver: one daemon, that does a step in the order on which crash safety rests, and may
//! die between any two parts of it.
//!
//! ```text
//! inputs ──► core ──► snapshot ──► effects, in order ──► acknowledgements
//!                 †            †   †   †   †          †   †
//! ```

use std::collections::BTreeSet;

use minder_core::effect::Halt;
use minder_core::process::State;
use minder_core::snapshot::{Inherited, Snapshot};
use minder_core::spec::GroupKind;
use minder_core::{
    ChildId, CommandError, Effect, Input, Mono, Mood, ProcessState, Request, Signal,
};

use crate::fact::{Fact, Found};
use crate::keeper::{Keeper, Legacy, Order, Shop};
use crate::random::Random;
use crate::rules::CHANGES_ADD_UP;
use crate::sabotage::Saboteur;
use crate::streams::Delivery;
use crate::subject::Subject;
use crate::users::Users;

/// A daemon.
#[derive(Debug)]
pub struct Driver {
    subject: Subject,
    // What the step under way has asked for, and the ends and signals that it has taken note of.
    effects: Vec<Effect>,
    ends: Vec<ChildId>,
    signals: Vec<Signal>,
    // Children that cannot be told anything, and those of them that the core is still to be told of.
    deaf: BTreeSet<ChildId>,
    newly_deaf: Vec<ChildId>,
    // Whether the keeper has the snapshot of the step before.
    is_recorded: bool,
}

/// What a daemon works with.
#[derive(Debug)]
pub struct Desk<'a> {
    /// What the keeper works with too.
    pub shop: Shop<'a>,
    /// The keeper.
    pub keeper: &'a mut Keeper,
    /// Whoever sees to it that the core makes a mistake, if anybody does.
    pub saboteur: &'a mut Saboteur,
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
        let found = desk.keeper.inventory();
        let snapshot = match desk.keeper.legacy().clone() {
            Legacy::Whole(snapshot) => desk.saboteur.snapshot(snapshot),
            Legacy::Missing if found.is_empty() => return Self::start(users, desk, 0),
            Legacy::Nothing => {
                let heirloom = desk.keeper.heirloom();
                return Self::start(users, desk, heirloom);
            }
            Legacy::Missing | Legacy::Damaged => recover(users, &found, desk),
        };
        let now = desk.shop.clock.now();
        let (inventory, hidden) = list(&snapshot, &found, desk);
        desk.shop.sees(Fact::Adopted(&inventory));
        let subject = Subject::adopt(now, snapshot, &inventory, desk.saboteur);
        let ended = inventory.iter().filter(|child| child.exited.is_some());
        let ends = ended.map(|inherited| inherited.child).collect();
        for child in hidden {
            desk.keeper.tell_of_end(child);
        }
        Self::of(subject, ends, desk)
    }

    fn start(users: &Users, desk: &mut Desk<'_>, serial: u64) -> Self {
        let groups = users.file();
        desk.shop.sees(Fact::Started(&groups, serial));
        let now = desk.shop.clock.now();
        let subject = Subject::start(now, groups, serial, desk.saboteur);
        Self::of(subject, Vec::new(), desk)
    }

    fn of(subject: Subject, ends: Vec<ChildId>, desk: &mut Desk<'_>) -> Self {
        let mut driver = Self {
            subject,
            effects: Vec::new(),
            ends,
            signals: Vec::new(),
            deaf: BTreeSet::new(),
            newly_deaf: Vec::new(),
            is_recorded: true,
        };
        driver.settle(desk);
        driver
    }

    /// The children that have turned out to be deaf since the last time.
    pub fn take_deaf(&mut self) -> Vec<Input> {
        let deaf = self.newly_deaf.drain(..);
        deaf.map(|child| Input::ListenerDeaf { child }).collect()
    }

    /// Whether it does nothing more of its own accord, unless time itself is to be told of.
    #[must_use]
    pub fn is_at_rest(&mut self) -> bool {
        let view = self.subject.view();
        let mut processes = view.groups.iter().flat_map(|group| &group.processes);
        let rests = |state: ProcessState| state.is_stopped() || state == ProcessState::Running;
        view.mood == Mood::Running
            && self.newly_deaf.is_empty()
            && processes.all(|process| rests(process.state))
    }

    /// The number that the next event gets.
    #[must_use]
    pub fn serial(&self) -> u64 {
        self.subject.snapshot().serial
    }

    /// Hands the core an input of the step.
    pub fn take(&mut self, input: Input, desk: &mut Desk<'_>) {
        let input = self.check_commands(input, desk);
        desk.shop.sees(Fact::Took(&input));
        if let Input::ChildExited { child, .. } = input {
            self.ends.push(child);
        }
        if let Input::Signalled(signal) = input {
            self.signals.push(signal);
        }
        let now = desk.shop.clock.now();
        self.subject.handle(now, input, desk.saboteur);
        self.settle(desk);
    }

    /// Finds out which processes of a start could not be run anyway.
    fn check_commands(&self, input: Input, desk: &mut Desk<'_>) -> Input {
        let Input::Request(id, Request::Start { target, wait, .. }) = input else {
            return input;
        };
        let (random, rates) = (&mut *desk.shop.random, desk.shop.rates);
        let mut unrunnable = self.subject.find(&target);
        unrunnable.retain(|_| random.chance(rates.unrunnable));
        let why = || CommandError::NotFound("it is not there".into());
        let unrunnable = unrunnable.into_iter().map(|id| (id, why())).collect();
        let start = Request::Start {
            target,
            wait,
            unrunnable,
        };
        Input::Request(id, start)
    }

    fn settle(&mut self, desk: &mut Desk<'_>) {
        let effects = self.subject.effects(desk.saboteur);
        for effect in &effects {
            desk.shop.sees(Fact::Asked(effect));
        }
        self.effects.extend(effects);
        let deadline = self.deadline(desk.saboteur);
        desk.shop
            .sees(Fact::Settled(&self.subject.view(), deadline));
    }

    /// When the core wants to be called again.
    #[must_use]
    pub fn deadline(&self, saboteur: &Saboteur) -> Option<Mono> {
        self.subject.deadline(saboteur)
    }

    /// Gives the keeper what has changed, or everything if that cannot be told.
    fn record(&mut self, desk: &mut Desk<'_>) {
        let delta = self.subject.delta();
        if desk.saboteur.keeps_snapshot() {
            let delta = delta.filter(|_| self.is_recorded);
            let delta = delta.map(|delta| desk.saboteur.delta(delta));
            let whole = self.subject.snapshot();
            let kept = if let Some(delta) = delta {
                desk.keeper.keep_change(delta)
            } else {
                desk.keeper.keep(whole.clone());
                true
            };
            if let (true, Legacy::Whole(kept)) = (kept, desk.keeper.legacy()) {
                let whole = &whole;
                desk.shop.sees(Fact::Written { kept, whole });
            } else {
                let how = "it is the change of something else".into();
                desk.shop.witness.misses(CHANGES_ADD_UP, how);
            }
            self.is_recorded = true;
        } else {
            self.is_recorded = false;
        }
        desk.keeper.count_streams();
        desk.shop.sees(Fact::Kept);
    }

    fn send(&mut self, desk: &mut Desk<'_>) {
        for child in desk.keeper.send(&mut desk.shop) {
            if self.deaf.insert(child) {
                self.newly_deaf.push(child);
            }
        }
    }

    /// Ends the step: keeps the snapshot, does the effects, acknowledges the ends.
    pub fn finish(&mut self, crash: Option<Crash>, desk: &mut Desk<'_>) -> Outcome {
        for effect in &self.effects {
            prepare(effect, desk);
        }
        if crash == Some(Crash::BeforeSnapshot) {
            return Outcome::Died;
        }
        self.record(desk);
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
        self.send(desk);
        for (done, child) in self.ends.drain(..).enumerate() {
            if crash == Some(Crash::AfterAcknowledgements(done)) {
                return Outcome::Died;
            }
            desk.keeper.order(Order::Forget { child });
        }
        for signal in self.signals.drain(..) {
            desk.keeper.order(Order::Heard { signal });
        }
        if crash.is_some() {
            return Outcome::Died;
        }
        outcome
    }
}

/// What is to be sent has to be there before the snapshot that tells of it.
fn prepare(effect: &Effect, desk: &mut Desk<'_>) {
    let Effect::Deliver {
        child,
        delivery,
        bytes,
    } = effect
    else {
        return;
    };
    if let Some(streams) = desk.keeper.streams(*child) {
        streams.deliver(Delivery {
            number: *delivery,
            bytes: bytes.clone(),
        });
    }
}

fn perform(effect: &Effect, desk: &mut Desk<'_>) {
    match effect {
        Effect::Spawn {
            child,
            process,
            spec,
            group,
        } => {
            desk.keeper.order(Order::Spawn {
                child: *child,
                process: *process,
                label: (group.name.clone(), spec.name.clone()),
                listens: matches!(group.kind, GroupKind::Listeners { .. }),
            });
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
        | Effect::Stray { .. }
        | Effect::GroupAdded { .. }
        | Effect::GroupRemoved { .. }
        | Effect::ProcessesAdded { .. }
        | Effect::ProcessRemoved { .. }
        | Effect::ReopenLogs
        | Effect::Halt(_) => {}
    }
    desk.shop.sees(Fact::Did(effect));
}

/// What can be made of the children alone.
fn recover(users: &Users, found: &[Found], desk: &mut Desk<'_>) -> Snapshot {
    let groups = users.file();
    let now = desk.shop.clock.now();
    // The real driver puts them into a map by their labels too.
    let running = |group: &str, process: &str| {
        let mut found = found.iter().rev();
        let running = found.find(|it| {
            let (its_group, its_name) = (it.label.0.as_str(), it.label.1.as_str());
            it.inherited.exited.is_none() && (its_group, its_name) == (group, process)
        });
        running.map(|it| (it.inherited.child, it.inherited.pid))
    };
    for it in found {
        if let Some(streams) = desk.keeper.streams(it.inherited.child) {
            streams.forget();
        }
    }
    let snapshot = Snapshot::of_children(now, groups.clone(), running);
    let snapshot = desk.saboteur.recovered(snapshot);
    desk.shop.sees(Fact::Recovered {
        groups: &groups,
        found,
        snapshot: &snapshot,
    });
    snapshot
}

/// What the core is told of the children that there are, and those of which it is told only later
/// that they have ended: the real driver first reads what they wrote.
fn list(
    snapshot: &Snapshot,
    found: &[Found],
    desk: &mut Desk<'_>,
) -> (Vec<Inherited>, Vec<ChildId>) {
    let processes = snapshot.groups.iter().flat_map(|group| &group.processes);
    let known: BTreeSet<ChildId> = processes
        .filter_map(|process| match process.state {
            State::Up { child, .. } => Some(child),
            State::Down(_) => None,
        })
        .collect();
    let at_once = desk.shop.random.chance(desk.shop.rates.told_at_once);
    let mut hidden = Vec::new();
    let mut inventory: Vec<_> = found.iter().map(|found| found.inherited).collect();
    for it in &mut inventory {
        let streams = desk.keeper.streams(it.child);
        let has_said_all = streams.is_none_or(|streams| streams.unread() == 0);
        if it.exited.is_some() && known.contains(&it.child) && !(at_once && has_said_all) {
            it.exited = None;
            hidden.push(it.child);
        }
    }
    (inventory, hidden)
}
