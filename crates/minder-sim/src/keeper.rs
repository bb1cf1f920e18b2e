//! A fake keeper with fake children, as faithful as the core can tell.
//!
//! What it asks of the daemon's messages and what it promises about its own is what the real one
//! does: requests are served in order; an answer to a spawn comes before anything else about the
//! child, since news wait behind an answer; ends are told until they are acknowledged, and to a
//! new daemon all at once in the inventory, where one may linger even after that; what the daemon
//! had asked for before it died is still done, and what it was not told of by then is dropped.

use std::collections::{BTreeMap, VecDeque};

use minder_core::snapshot::{Inherited, Snapshot};
use minder_core::{ChildId, ExitStatus, Input, Now, ProcessId, Signal, Signals, SpawnError};

use crate::fact::Fact;
use crate::program::Program;
use crate::random::Random;
use crate::rates::Rates;
use crate::time::Clock;
use crate::witness::Witness;

/// What the daemon asks for.
#[derive(Clone, Copy, Debug)]
pub enum Order {
    /// Start a child.
    Spawn {
        /// Its identity.
        child: ChildId,
        /// The process it is a run of: what the label tells.
        process: ProcessId,
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
}

/// The keeper.
#[derive(Debug, Default)]
pub struct Keeper {
    snapshot: Option<Snapshot>,
    children: BTreeMap<ChildId, Child>,
    // Ends of children that it has dropped at a new beginning.
    dropped: Vec<(ExitStatus, u32)>,
    orders: VecDeque<Order>,
    answers: VecDeque<Input>,
    // Children that have ended and were not told of.
    ends: VecDeque<ChildId>,
    other_news: VecDeque<Input>,
    last_pid: u32,
}

#[derive(Clone, Debug)]
struct Child {
    pid: u32,
    program: Program,
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
        self.snapshot = Some(snapshot);
    }

    /// The snapshot that it holds.
    #[must_use]
    pub fn kept(&self) -> Option<Snapshot> {
        self.snapshot.clone()
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
    pub fn serve(
        &mut self,
        clock: &Clock,
        random: &mut Random,
        rates: &Rates,
        witness: &mut Witness,
    ) {
        while !self.orders.is_empty() && !random.chance(rates.keeper_lags) {
            if let Some(order) = self.orders.pop_front() {
                self.carry_out(order, clock, random, rates, witness);
            }
        }
    }

    fn carry_out(
        &mut self,
        order: Order,
        clock: &Clock,
        random: &mut Random,
        rates: &Rates,
        witness: &mut Witness,
    ) {
        match order {
            Order::Spawn { child, process } => {
                if random.chance(rates.spawn_fails) || self.children.contains_key(&child) {
                    let error = SpawnError("no luck".into());
                    self.answers.push_back(Input::SpawnFailed { child, error });
                } else {
                    let program = Program::draw(random, rates);
                    let pid = self.make(clock, child, program, random.chance(rates.pipe_lingers));
                    self.answers.push_back(Input::ChildSpawned { child, pid });
                    let made = Fact::Made {
                        child,
                        process,
                        pid,
                    };
                    witness.sees(clock.now(), made);
                }
            }
            Order::Signal { child, signal } => {
                let there = self.children.get(&child).is_some_and(Child::lives);
                if there && random.chance(rates.signal_fails) {
                    let error = "EPERM".into();
                    self.answers.push_back(Input::SignalFailed { child, error });
                } else {
                    self.signal(clock, child, signal);
                }
            }
            Order::Forget { child } => {
                witness.sees(clock.now(), Fact::Acknowledged { child });
                if let Some(known) = self.children.get_mut(&child) {
                    known.forgotten = known.ended.is_some();
                }
                self.children
                    .retain(|_, child| !child.forgotten || child.lingers);
            }
        }
    }

    fn make(&mut self, clock: &Clock, child: ChildId, program: Program, lingers: bool) -> u32 {
        self.last_pid += 1;
        let fate = program
            .by_itself
            .map(|(lived, status)| (clock.later(lived), status));
        let new = Child {
            pid: self.last_pid,
            program,
            fate,
            signals: Signals::default(),
            ended: None,
            lingers,
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

    /// Somebody else kills a child.
    pub fn murder(&mut self, clock: &Clock, random: &mut Random) {
        let living: Vec<_> = self
            .children
            .iter()
            .filter(|(_, child)| child.lives())
            .map(|(id, _)| *id)
            .collect();
        if !living.is_empty() {
            self.signal(clock, *random.pick(&living), Signal::KILL);
        }
    }

    /// When the next child ends, unless something happens to it before.
    #[must_use]
    pub fn next_end(&self) -> Option<Now> {
        let living = self.children.values().filter(|child| child.lives());
        living
            .filter_map(|child| child.fate)
            .map(|(at, _)| at)
            .min_by_key(|at| at.mono)
    }

    /// Reaps the children that have ended by now.
    pub fn reap(&mut self, clock: &Clock, witness: &mut Witness) {
        let mut ended: Vec<_> = self
            .children
            .iter()
            .filter(|(_, child)| child.lives())
            .filter_map(|(id, child)| child.fate.map(|(at, status)| (at, *id, status)))
            .filter(|(at, ..)| at.mono <= clock.now().mono)
            .collect();
        ended.sort_by_key(|(at, id, _)| (at.mono, *id));
        for (at, child, status) in ended {
            if let Some(known) = self.children.get_mut(&child) {
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

    /// What the daemon is told next, if anything.
    pub fn tell(&mut self) -> Option<Input> {
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
    }

    /// The daemon has died: serves what it had asked for, and drops what it was not told.
    pub fn bury_daemon(
        &mut self,
        clock: &Clock,
        random: &mut Random,
        rates: &Rates,
        witness: &mut Witness,
    ) {
        while let Some(order) = self.orders.pop_front() {
            self.carry_out(order, clock, random, rates, witness);
        }
        self.answers.clear();
    }

    /// What a new daemon finds. It is told here of every end.
    pub fn inventory(&mut self) -> Vec<Inherited> {
        self.ends.clear();
        let children = self.children.iter();
        children
            .map(|(child, known)| Inherited {
                child: *child,
                pid: known.pid,
                signals: known.signals,
                exited: known.ended,
            })
            .collect()
    }

    /// The daemon has left in order that everything begins anew.
    pub fn begin_anew(&mut self) {
        let living = self.children.values().filter(|child| child.lives());
        self.dropped = living
            .map(|child| (ExitStatus::Code(0), child.pid))
            .collect();
        *self = Self {
            dropped: std::mem::take(&mut self.dropped),
            last_pid: self.last_pid,
            ..Self::default()
        };
    }
}

impl Child {
    fn lives(&self) -> bool {
        self.ended.is_none()
    }
}
