//! Mistakes that the core does not make, made for it: who checks must be checked.

use std::sync::Arc;
use std::time::Duration;

use minder_core::effect::{Halt, Whom};
use minder_core::event::Event;
use minder_core::process::{Down, State};
use minder_core::snapshot::Snapshot;
use minder_core::spec::{AutoRestart, GroupSpec, ProcessSpec};
use minder_core::{ChildId, Effect, Input, Mono, Now, Signal};

use crate::random::Random;

/// A mistake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sabotage {
    /// A stop is announced, and the signal is not sent.
    DropStop,
    /// SIGKILL follows every stop signal on its heels.
    KillEarly,
    /// SIGKILL is never sent.
    NeverKill,
    /// Signals for a child go to its group, and the other way round.
    ConfuseGroups,
    /// A process is given a second child.
    SecondChild,
    /// Some ends of children are overlooked.
    ForgetExits,
    /// Some answers are never given.
    SwallowReplies,
    /// Each answer is given twice.
    ReplyTwice,
    /// `autorestart=false` is taken for `true`.
    AlwaysRestart,
    /// Each failed start is the last.
    GiveUpEarly,
    /// Some events are not announced.
    HideEvents,
    /// What belongs together is started in the wrong order.
    StartBackwards,
    /// The daemon halts when it is told to end, whatever still runs.
    HaltEarly,
    /// Some steps leave no snapshot.
    SkipSnapshots,
    /// A process whose child runs is adopted as a stopped one.
    AdoptAsStopped,
    /// The clock is a second ahead.
    FastClock,
    /// No deadline is ever told.
    Oversleep,
}

/// Makes one kind of mistake, or none.
#[derive(Debug)]
pub struct Saboteur {
    sabotage: Option<Sabotage>,
    random: Random,
    // Specs that were tampered with, and what they were before.
    forged: Vec<(Arc<GroupSpec>, Arc<GroupSpec>)>,
}

impl Saboteur {
    /// Makes this mistake.
    #[must_use]
    pub fn new(sabotage: Option<Sabotage>, seed: u64) -> Self {
        Self {
            sabotage,
            random: Random::new(seed),
            forged: Vec::new(),
        }
    }

    fn makes(&self, mistake: Sabotage) -> bool {
        self.sabotage == Some(mistake)
    }

    /// Some, not all: so that histories get somewhere before it matters.
    fn sometimes_makes(&mut self, mistake: Sabotage) -> bool {
        self.makes(mistake) && self.random.chance(200)
    }

    /// Tells the core the time.
    #[must_use]
    pub fn time(&self, now: Now) -> Now {
        let ahead = Duration::from_secs(self.makes(Sabotage::FastClock).into());
        let mono = now.mono + ahead;
        Now { mono, ..now }
    }

    /// Hands the core a configuration.
    pub fn specs(&mut self, groups: Vec<Arc<GroupSpec>>) -> Vec<Arc<GroupSpec>> {
        let change: fn(&mut ProcessSpec) = match self.sabotage {
            Some(Sabotage::AlwaysRestart) => |spec| spec.autorestart = AutoRestart::Always,
            Some(Sabotage::GiveUpEarly) => |spec| spec.start_retries = 0,
            Some(_) | None => return groups,
        };
        groups
            .into_iter()
            .map(|group| self.forge(group, change))
            .collect()
    }

    fn forge(&mut self, group: Arc<GroupSpec>, change: fn(&mut ProcessSpec)) -> Arc<GroupSpec> {
        let mut forged = GroupSpec::clone(&group);
        for spec in &mut forged.processes {
            change(Arc::make_mut(spec));
        }
        let forged = Arc::new(forged);
        self.forged.push((forged.clone(), group));
        forged
    }

    /// What a forged configuration was before, so that the core seems to have it right.
    fn genuine(&self, group: &Arc<GroupSpec>) -> Option<&Arc<GroupSpec>> {
        let mut pairs = self.forged.iter();
        let pair = pairs.find(|(forged, _)| Arc::ptr_eq(forged, group));
        pair.map(|(_, genuine)| genuine)
    }

    /// Hands the core an input, or does not.
    pub fn input(&mut self, input: Input) -> Option<Input> {
        match input {
            Input::ChildExited { .. } if self.sometimes_makes(Sabotage::ForgetExits) => None,
            Input::Request(id, minder_core::Request::Reread { groups }) => {
                let groups = self.specs(groups);
                Some(Input::Request(id, minder_core::Request::Reread { groups }))
            }
            input => Some(input),
        }
    }

    /// Passes on what the core asks for.
    pub fn effects(&mut self, effects: Vec<Effect>) -> Vec<Effect> {
        let mut passed = Vec::with_capacity(effects.len());
        for effect in effects {
            self.pass_on(effect, &mut passed);
        }
        if self.makes(Sabotage::StartBackwards) {
            backwards(&mut passed);
        }
        passed
    }

    fn pass_on(&mut self, effect: Effect, passed: &mut Vec<Effect>) {
        match effect {
            Effect::Signal {
                child,
                signal,
                whom,
            } => self.pass_on_signal(child, signal, whom, passed),
            Effect::Spawn {
                child,
                process,
                spec,
                group,
            } => {
                let genuine = self.genuine(&group).cloned().unwrap_or(group);
                let mut specs = genuine.processes.iter();
                let its = specs.find(|its| its.name == spec.name).cloned();
                let spawn = |child| Effect::Spawn {
                    child,
                    process,
                    spec: its.clone().unwrap_or_else(|| spec.clone()),
                    group: genuine.clone(),
                };
                passed.push(spawn(child));
                if self.sometimes_makes(Sabotage::SecondChild) {
                    passed.push(spawn(ChildId(child.0 + (1 << 40))));
                }
            }
            Effect::GroupAdded {
                id,
                spec,
                processes,
            } => {
                let spec = self.genuine(&spec).cloned().unwrap_or(spec);
                passed.push(Effect::GroupAdded {
                    id,
                    spec,
                    processes,
                });
            }
            Effect::Reply { .. } if self.sometimes_makes(Sabotage::SwallowReplies) => {}
            Effect::Reply { .. } if self.makes(Sabotage::ReplyTwice) => {
                passed.extend([effect.clone(), effect]);
            }
            Effect::Announce(Event::SupervisorStopping) if self.makes(Sabotage::HaltEarly) => {
                passed.extend([effect, Effect::Halt(Halt::Exit)]);
            }
            Effect::Announce(_) if self.sometimes_makes(Sabotage::HideEvents) => {}
            effect => passed.push(effect),
        }
    }

    fn pass_on_signal(
        &mut self,
        child: ChildId,
        signal: Signal,
        whom: Whom,
        passed: &mut Vec<Effect>,
    ) {
        let stops = signal != Signal::KILL;
        let dropped =
            self.makes(Sabotage::DropStop) && stops || self.makes(Sabotage::NeverKill) && !stops;
        if dropped {
            return;
        }
        let whom = match whom {
            Whom::Child if self.makes(Sabotage::ConfuseGroups) => Whom::Group,
            Whom::Group if self.makes(Sabotage::ConfuseGroups) => Whom::Child,
            whom => whom,
        };
        let send = |signal| Effect::Signal {
            child,
            signal,
            whom,
        };
        passed.push(send(signal));
        if self.makes(Sabotage::KillEarly) && stops {
            passed.push(send(Signal::KILL));
        }
    }

    /// Whether the snapshot of this step reaches the keeper.
    pub fn keeps_snapshot(&mut self) -> bool {
        !self.sometimes_makes(Sabotage::SkipSnapshots)
    }

    /// Hands the core what an earlier daemon has left.
    #[must_use]
    pub fn snapshot(&self, mut snapshot: Snapshot) -> Snapshot {
        if self.makes(Sabotage::AdoptAsStopped) {
            let processes = snapshot
                .groups
                .iter_mut()
                .flat_map(|group| &mut group.processes);
            for process in processes {
                process.state = State::Down(Down::Stopped);
            }
        }
        snapshot
    }

    /// Tells when the core wants to be called.
    #[must_use]
    pub fn deadline(&self, deadline: Option<Mono>) -> Option<Mono> {
        deadline.filter(|_| !self.makes(Sabotage::Oversleep))
    }
}

/// Turns the order of the starts round, each with its announcement.
fn backwards(effects: &mut [Effect]) {
    let is_start = |effect: &Effect| match effect {
        Effect::Spawn { .. } => true,
        Effect::Announce(Event::ProcessState { to, .. }) => {
            to.state() == minder_core::ProcessState::Starting
        }
        _ => false,
    };
    let places: Vec<_> = (0..effects.len())
        .filter(|at| is_start(&effects[*at]))
        .collect();
    let starts: Vec<_> = places.iter().map(|at| effects[*at].clone()).collect();
    let turned = starts.chunks(2).rev().flatten().cloned();
    for (place, start) in places.into_iter().zip(turned) {
        effects[place] = start;
    }
}
