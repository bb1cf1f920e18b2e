//! A fake keeper with fake children, as faithful as the core can tell.
//!
//! What it asks of the daemon's messages and what it promises about its own is what the real one
//! does: requests are served in order; an answer to a spawn comes before anything else about the
//! child, since news wait behind an answer; ends are told until they are acknowledged, and to a
//! new daemon all at once in the inventory, where one may linger even after that; what the daemon
//! had asked for before it died is still done, and what it was not told of by then is dropped.
//!
//! When it is the keeper that dies, the next one has what the daemon knew of it: nothing more of
//! what was asked for is done, though it counts as done, and nobody knows how a child ended if
//! that was not told.

use std::collections::{BTreeMap, VecDeque};

use minder_core::snapshot::{Inherited, Snapshot};
use minder_core::{
    Channel, ChildId, Delta, ExitStatus, Input, Mono, Now, ProcessId, Said, Signal, Signals,
    SpawnError,
};

use crate::fact::{Fact, Found};
use crate::listener::Listener;
use crate::program::Program;
use crate::random::Random;
use crate::rates::Rates;
use crate::streams::{Delivery, Streams};
use crate::time::Clock;
use crate::witness::Witness;

/// What the daemon asks for.
#[derive(Clone, Debug)]
pub enum Order {
    /// Start a child.
    Spawn {
        /// Its identity.
        child: ChildId,
        /// The process it is a run of.
        process: ProcessId,
        /// What it is labelled with: the names of its group and its process.
        label: (String, String),
        /// Whether it is a listener.
        listens: bool,
    },
    /// Send a signal to a child. Fake children have no descendants, so its group is the child.
    Signal {
        /// Which.
        child: ChildId,
        /// Which signal.
        signal: Signal,
    },
    /// The end of this child has been taken note of.
    Forget {
        /// Which.
        child: ChildId,
    },
    /// A signal has been acted upon.
    Heard {
        /// Which.
        signal: Signal,
    },
}

/// What a daemon has left.
#[derive(Clone, Debug, Default)]
pub enum Legacy {
    /// Nothing: there was none.
    #[default]
    Nothing,
    /// Nothing, though there was one.
    Missing,
    /// Something that cannot be read.
    Damaged,
    /// Everything.
    Whole(Snapshot),
}

/// What the keeper works with.
#[derive(Debug)]
pub struct Shop<'a> {
    /// The time.
    pub clock: &'a Clock,
    /// Chance.
    pub random: &'a mut Random,
    /// How often what goes wrong.
    pub rates: &'a Rates,
    /// Who watches.
    pub witness: &'a mut Witness,
}

impl Shop<'_> {
    /// Something happens.
    pub fn sees(&mut self, fact: Fact<'_>) {
        self.witness.sees(self.clock.now(), fact);
    }
}

/// The keeper.
#[derive(Debug, Default)]
pub struct Keeper {
    legacy: Legacy,
    /// The number that the next event gets, from a daemon that has left in order that everything
    /// begins anew.
    heirloom: u64,
    children: BTreeMap<ChildId, Child>,
    // Ends of children that it has dropped at a new beginning.
    dropped: Vec<(ExitStatus, u32)>,
    orders: VecDeque<Order>,
    answers: VecDeque<Input>,
    // Children that have ended and were not told of.
    ends: VecDeque<ChildId>,
    other_news: VecDeque<Input>,
    // Signals that the daemon was told of and has not acted upon.
    unheard: Vec<Signal>,
    // What this daemon was told last, oldest first.
    told: VecDeque<Input>,
    last_pid: u32,
}

#[derive(Clone, Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is true of a child or not, whatever the others are"
)]
struct Child {
    pid: u32,
    label: (String, String),
    program: Program,
    listener: Option<Listener>,
    streams: Streams,
    // Whether the daemon was told of it.
    connected: bool,
    // Whether some daemon was told of its end.
    end_told: bool,
    // Whether it is the child of a keeper that is dead.
    orphaned: bool,
    // What is known about its end to itself alone: when, and how.
    fate: Option<(Now, ExitStatus)>,
    // The signals that it was sent.
    signals: Signals,
    ended: Option<(ExitStatus, Now)>,
    lingers: bool,
    forgotten: bool,
}

impl Keeper {
    /// Holds this snapshot instead of the one before.
    pub fn keep(&mut self, snapshot: Snapshot) {
        self.legacy = Legacy::Whole(snapshot);
    }

    /// Holds this change of the snapshot as well. Answers whether it is one of it.
    pub fn keep_change(&mut self, delta: Delta) -> bool {
        match &mut self.legacy {
            Legacy::Whole(snapshot) => snapshot.apply(delta).is_ok(),
            Legacy::Nothing | Legacy::Missing | Legacy::Damaged => false,
        }
    }

    /// What was put on its way, and what was read, counts from here on: the snapshot tells of it.
    pub fn count_streams(&mut self) {
        let children = self.children.values_mut();
        children.for_each(|child| child.streams.count());
    }

    /// What the last daemon has left.
    #[must_use]
    pub fn legacy(&self) -> &Legacy {
        &self.legacy
    }

    /// The number that the next event gets if everything begins anew.
    #[must_use]
    pub fn heirloom(&self) -> u64 {
        self.heirloom
    }

    /// Is asked for something, and does it when its turn comes.
    pub fn order(&mut self, order: Order) {
        self.orders.push_back(order);
    }

    /// Is sent a signal, or sees an orphan end: something to tell the daemon.
    pub fn hear(&mut self, news: Input) {
        self.other_news.push_back(news);
    }

    /// Serves the daemon's requests, or some of them.
    pub fn serve(&mut self, shop: &mut Shop<'_>) {
        while !self.orders.is_empty() && !shop.random.chance(shop.rates.keeper_lags) {
            if let Some(order) = self.orders.pop_front() {
                self.carry_out(order, shop);
            }
        }
    }

    fn carry_out(&mut self, order: Order, shop: &mut Shop<'_>) {
        match order {
            Order::Spawn {
                child,
                process,
                label,
                listens,
            } => {
                let fails = shop.random.chance(shop.rates.spawn_fails);
                if fails || self.children.contains_key(&child) {
                    let error = SpawnError("no luck".into());
                    self.answers.push_back(Input::SpawnFailed { child, error });
                    return;
                }
                let pid = self.make(child, label, listens, shop);
                self.answers.push_back(Input::ChildSpawned { child, pid });
                shop.sees(Fact::Made {
                    child,
                    process,
                    pid,
                });
            }
            Order::Signal { child, signal } => {
                let there = self.children.get(&child).is_some_and(Child::lives);
                if there && shop.random.chance(shop.rates.signal_fails) {
                    let error = "EPERM".into();
                    self.answers.push_back(Input::SignalFailed { child, error });
                } else {
                    self.signal(shop.clock, child, signal);
                }
            }
            Order::Forget { child } => {
                shop.sees(Fact::Acknowledged { child });
                if let Some(known) = self.children.get_mut(&child) {
                    known.forgotten = known.ended.is_some();
                }
                self.children
                    .retain(|_, child| !child.forgotten || child.lingers);
            }
            Order::Heard { signal } => {
                let place = self.unheard.iter().position(|its| *its == signal);
                place.map(|place| self.unheard.remove(place));
            }
        }
    }

    fn make(
        &mut self,
        child: ChildId,
        label: (String, String),
        listens: bool,
        shop: &mut Shop<'_>,
    ) -> u32 {
        self.last_pid += 1;
        let (now, random, rates) = (shop.clock.now().mono, &mut *shop.random, shop.rates);
        let program = Program::draw(random, rates);
        let fate = program.by_itself;
        let new = Child {
            pid: self.last_pid,
            label,
            program,
            listener: listens.then(|| Listener::begin(now, random, &rates.manners)),
            streams: Streams::default(),
            connected: false,
            end_told: false,
            orphaned: false,
            fate: fate.map(|(lived, status)| (shop.clock.later(lived), status)),
            signals: Signals::default(),
            ended: None,
            lingers: random.chance(rates.pipe_lingers),
            forgotten: false,
        };
        self.children.insert(child, new);
        self.last_pid
    }

    fn signal(&mut self, clock: &Clock, child: ChildId, signal: Signal) {
        let Some(child) = self.children.get_mut(&child) else {
            return;
        };
        child.signals.insert(signal);
        let Some((after, status)) = child.program.ends_by(signal) else {
            return;
        };
        let at = clock.later(after);
        if child.fate.is_none_or(|(fate, _)| at.mono < fate.mono) {
            child.fate = Some((at, status));
        }
    }

    fn living(&self) -> Vec<ChildId> {
        let living = self.children.iter().filter(|(_, child)| child.lives());
        living.map(|(id, _)| *id).collect()
    }

    /// Somebody else kills a child.
    pub fn murder(&mut self, clock: &Clock, random: &mut Random) {
        let living = self.living();
        if !living.is_empty() {
            self.signal(clock, *random.pick(&living), Signal::KILL);
        }
    }

    /// Some child that is no listener says something.
    pub fn talk(&mut self, random: &mut Random) {
        let mut living = self.living();
        living.retain(|id| {
            self.children
                .get(id)
                .is_some_and(|it| it.listener.is_none())
        });
        if living.is_empty() {
            return;
        }
        if let Some(child) = self.children.get_mut(random.pick(&living)) {
            child
                .streams
                .write(&[b'a' + u8::try_from(random.below(26)).unwrap_or(0)]);
        }
    }

    /// Listeners do what they are about to do.
    pub fn listen(&mut self, shop: &mut Shop<'_>) {
        let now = shop.clock.now();
        for (id, child) in self.children.iter_mut().filter(|(_, child)| child.lives()) {
            let Some(listener) = &mut child.listener else {
                continue;
            };
            while listener.due().is_some_and(|due| due <= now.mono) {
                let act = listener.act(now.mono, shop.random, &shop.rates.manners);
                child.streams.write(&act.words);
                if let Some(taken) = act.answer {
                    let child = *id;
                    shop.witness.sees(now, Fact::Answered { child, taken });
                }
                if act.ends {
                    child.fate = Some((now, ExitStatus::Code(1)));
                }
            }
        }
    }

    /// The pipes of a child.
    pub fn streams(&mut self, child: ChildId) -> Option<&mut Streams> {
        self.children
            .get_mut(&child)
            .map(|child| &mut child.streams)
    }

    /// What was put on its way to listeners gets there. Answers those that cannot be told
    /// anything.
    pub fn send(&mut self, shop: &mut Shop<'_>) -> Vec<ChildId> {
        let now = shop.clock.now();
        let mut deaf = Vec::new();
        for (id, child) in &mut self.children {
            let reads = child.listener.as_ref().is_some_and(|it| it.is_open);
            if child.streams.unsent().is_empty() {
                continue;
            }
            if !reads || child.ended.is_some() {
                deaf.push(*id);
                continue;
            }
            while let Some(Delivery { number, bytes }) = child.streams.unsent().pop_front() {
                let (random, manners) = (&mut *shop.random, &shop.rates.manners);
                let listener = child.listener.as_mut();
                let heeds = listener.is_some_and(|it| it.told(now.mono, random, manners));
                shop.sees(Fact::Told {
                    child: *id,
                    delivery: number,
                    bytes: &bytes,
                    heeds,
                });
            }
        }
        deaf
    }

    /// What children have written that the daemon has not read: as much of it as `choose` says of
    /// how much there is.
    pub fn read(&mut self, choose: impl FnMut(usize) -> usize) -> Vec<Input> {
        let children = self.children.iter_mut();
        let connected = children.filter(|(_, child)| child.connected);
        read_all(connected, choose)
    }

    /// When a child next does something by itself.
    #[must_use]
    pub fn next_doing(&self) -> Option<Mono> {
        let living = self.children.values().filter(|child| child.lives());
        let doings = living.flat_map(|child| {
            let end = child.fate.map(|(at, _)| at.mono);
            let act = child.listener.as_ref().and_then(Listener::due);
            end.into_iter().chain(act)
        });
        doings.min()
    }

    /// Reaps the children that have ended by now.
    pub fn reap(&mut self, clock: &Clock, witness: &mut Witness) {
        let now = clock.now().mono;
        let mut ended: Vec<_> = self
            .children
            .iter()
            .filter(|(_, child)| child.lives())
            .filter_map(|(id, child)| child.fate.map(|(at, status)| (at, *id, status)))
            .filter(|(at, ..)| at.mono <= now)
            .collect();
        ended.sort_by_key(|(at, id, _)| (at.mono, *id));
        for (at, child, status) in ended {
            if let Some(known) = self.children.get_mut(&child) {
                // How an orphan ends can be asked as long as it is a zombie, with some luck.
                let unknown = known.orphaned && known.pid.is_multiple_of(2);
                let status = if unknown { ExitStatus::Unknown } else { status };
                known.ended = Some((status, at));
            }
            self.ends.push_back(child);
            witness.sees(clock.now(), Fact::Ended { child });
        }
        for (status, pid) in self.dropped.drain(..) {
            self.other_news
                .push_back(Input::OrphanReaped { pid, status });
        }
    }

    /// What the daemon is told next, if anything. Before it is told of an end it has read all
    /// that was written.
    pub fn tell(&mut self, repeats: bool, random: &mut Random) -> Vec<Input> {
        if repeats && !self.told.is_empty() {
            let again = random.index(self.told.len());
            return vec![self.told[again].clone()];
        }
        let Some(news) = self.next_news() else {
            return Vec::new();
        };
        match &news {
            Input::ChildSpawned { child, .. } => {
                if let Some(known) = self.children.get_mut(child) {
                    known.connected = true;
                }
            }
            Input::Signalled(signal) => {
                self.unheard.push(*signal);
                return vec![news];
            }
            Input::OrphanReaped { .. } => return vec![news],
            _ => {}
        }
        self.told.push_back(news.clone());
        if self.told.len() > REMEMBERED {
            self.told.pop_front();
        }
        let mut inputs = Vec::new();
        if let Input::ChildExited { child, .. } = news {
            if let Some(known) = self.children.get_mut(&child) {
                known.end_told = true;
            }
            let its = self.children.iter_mut().filter(|(id, _)| **id == child);
            inputs = read_all(its, |length| length);
        }
        inputs.push(news);
        inputs
    }

    fn next_news(&mut self) -> Option<Input> {
        if let Some(answer) = self.answers.pop_front() {
            return Some(answer);
        }
        while let Some(child) = self.ends.pop_front() {
            let ended = self.children.get(&child).and_then(|known| known.ended);
            if let Some((status, at)) = ended {
                return Some(Input::ChildExited { child, status, at });
            }
        }
        self.other_news.pop_front()
    }

    /// Whether it has nothing to do and nothing to tell.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        self.orders.is_empty()
            && self.answers.is_empty()
            && self.ends.is_empty()
            && self.other_news.is_empty()
            && self
                .children
                .values()
                .all(|child| child.streams.unread() == 0)
    }

    /// The daemon has died: serves what it had asked for, and drops what it was not told.
    pub fn bury_daemon(&mut self, shop: &mut Shop<'_>) {
        while let Some(order) = self.orders.pop_front() {
            self.carry_out(order, shop);
        }
        self.answers.clear();
        self.forget_daemon(shop);
    }

    /// This keeper has died, and the daemon has become another, with what it knew of this one.
    pub fn succeed(&mut self, shop: &mut Shop<'_>) {
        let now = shop.clock.now();
        for order in std::mem::take(&mut self.orders) {
            match order {
                // It was not made, and nobody knows of it; an end by force is asked for again.
                Order::Spawn { .. }
                | Order::Signal {
                    signal: Signal::KILL,
                    ..
                } => {}
                Order::Signal { child, signal } => {
                    if let Some(known) = self.children.get_mut(&child) {
                        known.signals.insert(signal);
                    }
                }
                Order::Forget { .. } | Order::Heard { .. } => self.carry_out(order, shop),
            }
        }
        for answer in std::mem::take(&mut self.answers) {
            // Its pipes are gone, so it is ended.
            if let Input::ChildSpawned { child, .. } = answer {
                self.signal(shop.clock, child, Signal::KILL);
            }
        }
        self.ends.clear();
        self.other_news.clear();
        for child in self.children.values_mut().filter(|child| !child.end_told) {
            child.orphaned = true;
            if child.ended.take().is_some() {
                child.fate = Some((now, ExitStatus::Unknown));
            }
        }
        self.forget_daemon(shop);
    }

    fn forget_daemon(&mut self, shop: &mut Shop<'_>) {
        self.told.clear();
        for signal in self.unheard.drain(..).rev() {
            self.other_news.push_front(Input::Signalled(signal));
        }
        for child in self.children.values_mut() {
            child.streams.uncount();
            child.connected = false;
        }
        let was_there = !matches!(self.legacy, Legacy::Nothing);
        if was_there && shop.random.chance(shop.rates.losses) {
            self.legacy = if shop.random.chance(500) {
                Legacy::Missing
            } else {
                Legacy::Damaged
            };
        }
    }

    /// What a new daemon finds. It is told here of every end.
    pub fn inventory(&mut self) -> Vec<Found> {
        self.ends.clear();
        let children = self.children.iter_mut();
        children
            .map(|(child, known)| {
                known.connected = true;
                known.end_told = known.ended.is_some();
                let inherited = Inherited {
                    child: *child,
                    pid: known.pid,
                    signals: known.signals,
                    exited: known.ended,
                    namesake: None,
                };
                let label = known.label.clone();
                Found { inherited, label }
            })
            .collect()
    }

    /// Tells of an end once more, by itself.
    pub fn tell_of_end(&mut self, child: ChildId) {
        self.ends.push_back(child);
    }

    /// The daemon has left in order that everything begins anew.
    pub fn begin_anew(&mut self, heirloom: u64) {
        let living = self.children.values().filter(|child| child.lives());
        self.dropped = living
            .map(|child| (ExitStatus::Code(0), child.pid))
            .collect();
        *self = Self {
            dropped: std::mem::take(&mut self.dropped),
            last_pid: self.last_pid,
            heirloom,
            ..Self::default()
        };
    }
}

/// What these children have written that the daemon has not read.
fn read_all<'a>(
    children: impl Iterator<Item = (&'a ChildId, &'a mut Child)>,
    mut choose: impl FnMut(usize) -> usize,
) -> Vec<Input> {
    let mut inputs = Vec::new();
    for (id, known) in children {
        let unread = known.streams.unread();
        if unread == 0 {
            continue;
        }
        let (child, bytes) = (*id, known.streams.read(choose(unread)));
        if known.listener.is_some() {
            inputs.push(Input::ListenerSaid { child, bytes });
            continue;
        }
        inputs.extend(bytes.into_iter().map(|byte| {
            let what = if byte.is_multiple_of(2) {
                Said::Log
            } else {
                Said::Communication
            };
            Input::Said {
                child,
                channel: Channel::Stdout,
                what,
                data: vec![byte],
            }
        }));
    }
    inputs
}

impl Child {
    fn lives(&self) -> bool {
        self.ended.is_none()
    }
}

/// So much of what it was told may be told to a daemon again.
const REMEMBERED: usize = 8;
