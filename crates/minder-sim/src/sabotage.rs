//! Mistakes that the core does not make, made for it: who checks must be checked.
//!
//! A [`Saboteur`] sits between the core and everybody else. It tampers with what goes in here,
//! and with what comes out in `sabotage/effects.rs`. Rules that do not notice are worth nothing.

mod effects;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use minder_core::listener::{self, Listener};
use minder_core::pool::PoolSnapshot;
use minder_core::process::{Down, State};
use minder_core::snapshot::{Inherited, Snapshot};
use minder_core::spec::{AutoRestart, GroupSpec, ProcessSpec};
use minder_core::{Delta, GroupId, Input, Mono, Now, Request, RequestId, Signal, Target};

use crate::random::Random;

/// A mistake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sabotage {
    /// A stop is announced, and the signal is not sent.
    DropStop,
    /// `stopwaitsecs` is taken for 0.
    KillEarly,
    /// Signals for a child go to its group, and the other way round.
    ConfuseGroups,
    /// A process is given a second child.
    SecondChild,
    /// Every child is given the same identity.
    ReuseIdentities,
    /// Some ends of children are overlooked.
    ForgetExits,
    /// Some answers are never given.
    SwallowReplies,
    /// Each answer is given twice.
    ReplyTwice,
    /// Whatever was refused is said to be done.
    SayDone,
    /// Whatever was done is said to have been refused.
    RefuseWrongly,
    /// A new configuration is said to change nothing.
    RereadNothing,
    /// Some requests are not looked at.
    IgnoreRequests,
    /// Starts are done to nobody, and stops to everybody.
    MisunderstandTargets,
    /// `autorestart` is taken for `true`.
    AlwaysRestart,
    /// `autorestart` is taken for `false`.
    NeverRestart,
    /// `autostart` is taken for `false`.
    NeverAutostart,
    /// `startsecs` is taken for 0.
    ShortenStart,
    /// Each failed start is the last.
    GiveUpEarly,
    /// `priority` is read wrongly, and shown so.
    MisreadConfiguration,
    /// Some events are not announced.
    HideEvents,
    /// Each event is announced twice.
    AnnounceTwice,
    /// What is started is called RUNNING at once.
    RunAtOnce,
    /// FATAL is called EXITED.
    CallFatalExited,
    /// STOPPED is called UNKNOWN.
    CallStoppedUnknown,
    /// What was expected is called unexpected, and the other way round.
    ConfuseExpected,
    /// Tries are counted one too high.
    Miscount,
    /// What belongs together is started in the wrong order.
    StartBackwards,
    /// What belongs together is stopped in the wrong order.
    StopBackwards,
    /// A group is removed although it runs.
    RemoveRunning,
    /// Signals that are to end the daemon are not looked at.
    IgnoreEnding,
    /// At the end all groups are stopped at once.
    EndAtOnce,
    /// The daemon halts when it is told to end, whatever still runs.
    HaltEarly,
    /// The daemon does not halt.
    NeverHalt,
    /// Some steps leave no snapshot.
    SkipSnapshots,
    /// Every process is adopted as a stopped one.
    AdoptAsStopped,
    /// Whatever waits for its next try is adopted as if it were due.
    AdoptImpatiently,
    /// No child is found at an adoption.
    AdoptBlindly,
    /// The clock is a second ahead.
    FastClock,
    /// No deadline is ever told.
    Oversleep,
    /// That a deadline has come is not looked at.
    IgnoreDeadlines,
    /// Everything that is logged is logged a hundred times.
    Babble,
    /// Some events are sent to nobody.
    LoseEvents,
    /// Some events are sent with another number.
    MixUpEvents,
    /// Some events are not sent, but the one that was sent before once more.
    SendAgain,
    /// Deliveries are numbered wrongly.
    SkipDeliveries,
    /// That an event had to make room is not said.
    HideOverflow,
    /// Some events that were not taken do not come back.
    KeepReturned,
    /// What was taken is said not to be wanted.
    ConfuseAnswers,
    /// What listeners work on is forgotten at an adoption.
    AdoptIdle,
    /// The numbers of events begin anew at an adoption.
    AdoptUncounted,
    /// Some changes of processes are not written down.
    SkipChanges,
    /// A listener that was found is taken for one that has just been started.
    AdoptAsNew,
    /// Nobody is killed.
    SpareAll,
    /// Who is told to end is killed at once.
    KillAtOnce,
}

/// Makes one kind of mistake, or none.
#[derive(Debug)]
pub struct Saboteur {
    sabotage: Option<Sabotage>,
    random: Random,
    // Specs that were tampered with, and what they were before.
    forged: Vec<(Arc<GroupSpec>, Arc<GroupSpec>)>,
    groups: BTreeMap<String, GroupId>,
    // What was sent to a listener last.
    sent: Option<Arc<[u8]>>,
}

impl Saboteur {
    /// Makes this mistake.
    #[must_use]
    pub fn new(sabotage: Option<Sabotage>, seed: u64) -> Self {
        Self {
            sabotage,
            random: Random::new(seed),
            forged: Vec::new(),
            groups: BTreeMap::new(),
            sent: None,
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
            Some(Sabotage::KillEarly) => |spec| spec.stop_wait_secs = 0,
            Some(Sabotage::AlwaysRestart) => |spec| spec.autorestart = AutoRestart::Always,
            Some(Sabotage::NeverRestart) => |spec| spec.autorestart = AutoRestart::Never,
            Some(Sabotage::NeverAutostart) => |spec| spec.autostart = false,
            Some(Sabotage::ShortenStart) => |spec| spec.start_secs = 0,
            Some(Sabotage::GiveUpEarly) => |spec| spec.start_retries = 0,
            Some(Sabotage::MisreadConfiguration) => |spec| spec.priority += 1,
            Some(_) | None => return groups,
        };
        let groups = groups.into_iter();
        groups.map(|group| self.forge(group, change)).collect()
    }

    fn forge(&mut self, group: Arc<GroupSpec>, change: fn(&mut ProcessSpec)) -> Arc<GroupSpec> {
        let mut forged = GroupSpec::clone(&group);
        for spec in &mut forged.processes {
            change(Arc::make_mut(spec));
        }
        let forged = Arc::new(forged);
        if !self.makes(Sabotage::MisreadConfiguration) {
            self.forged.push((forged.clone(), group));
        }
        forged
    }

    /// Hands the core an input, or not, or more than that.
    pub fn input(&mut self, input: Input) -> Vec<Input> {
        let dropped = match input {
            Input::ChildExited { .. } => self.sometimes_makes(Sabotage::ForgetExits),
            Input::Request(..) => self.sometimes_makes(Sabotage::IgnoreRequests),
            Input::DeadlineReached => self.makes(Sabotage::IgnoreDeadlines),
            Input::Signalled(Signal::TERM | Signal::HUP) => self.makes(Sabotage::IgnoreEnding),
            _ => false,
        };
        if dropped {
            return Vec::new();
        }
        match input {
            Input::Request(id, request) => vec![Input::Request(id, self.request(request))],
            Input::Signalled(Signal::TERM) if self.makes(Sabotage::EndAtOnce) => {
                vec![stop_everything(), input]
            }
            input => vec![input],
        }
    }

    fn request(&mut self, request: Request) -> Request {
        let confused = self.makes(Sabotage::MisunderstandTargets);
        match request {
            Request::Reread { groups } => Request::Reread {
                groups: self.specs(groups),
            },
            Request::Start {
                wait, unrunnable, ..
            } if confused => Request::Start {
                target: Target::Named("nobody".into()),
                wait,
                unrunnable,
            },
            Request::Stop { wait, .. } if confused => Request::Stop {
                target: Target::All,
                wait,
            },
            request => request,
        }
    }

    /// Whether the snapshot of this step reaches the keeper.
    pub fn keeps_snapshot(&mut self) -> bool {
        !self.sometimes_makes(Sabotage::SkipSnapshots)
    }

    /// Passes on what has changed in a step.
    pub fn delta(&mut self, mut delta: Delta) -> Delta {
        if self.sometimes_makes(Sabotage::SkipChanges) {
            delta.processes.clear();
        }
        delta
    }

    /// Hands the core what an earlier daemon has left.
    #[must_use]
    pub fn snapshot(&self, mut snapshot: Snapshot) -> Snapshot {
        if self.makes(Sabotage::AdoptUncounted) {
            snapshot.serial = 0;
        }
        if self.makes(Sabotage::AdoptIdle) {
            let pools = snapshot
                .groups
                .iter_mut()
                .filter_map(|group| group.pool.as_mut());
            let listeners = pools.flat_map(|pool| &mut pool.listeners).flatten();
            listeners.for_each(|listener| listener.state = listener::State::Ready);
        }
        let groups = snapshot.groups.iter_mut();
        for process in groups.flat_map(|group| &mut group.processes) {
            match &mut process.state {
                state if self.makes(Sabotage::AdoptAsStopped) => {
                    *state = State::Down(Down::Stopped);
                }
                State::Down(Down::Backoff { retry_at, .. })
                    if self.makes(Sabotage::AdoptImpatiently) =>
                {
                    *retry_at = Mono::default();
                }
                State::Down(_) | State::Up { .. } => {}
            }
        }
        snapshot
    }

    /// Hands the core what was made of the children alone.
    #[must_use]
    pub fn recovered(&self, mut snapshot: Snapshot) -> Snapshot {
        for group in &mut snapshot.groups {
            let children = group.processes.iter().map(|process| match process.state {
                State::Up { child, .. } => Some(Listener::new(child)),
                State::Down(_) => None,
            });
            let pool = PoolSnapshot {
                listeners: children.collect(),
                ..PoolSnapshot::default()
            };
            group.pool = self.makes(Sabotage::AdoptAsNew).then_some(pool);
        }
        self.snapshot(snapshot)
    }

    /// Shows the core the children that the keeper has.
    #[must_use]
    pub fn inventory<'a>(&self, inventory: &'a [Inherited]) -> &'a [Inherited] {
        if self.makes(Sabotage::AdoptBlindly) {
            &[]
        } else {
            inventory
        }
    }

    /// Tells when the core wants to be called.
    #[must_use]
    pub fn deadline(&self, deadline: Option<Mono>) -> Option<Mono> {
        deadline.filter(|_| !self.makes(Sabotage::Oversleep))
    }
}

/// What nobody has asked for.
fn stop_everything() -> Input {
    let (target, wait) = (Target::All, false);
    Input::Request(RequestId(u64::MAX), Request::Stop { target, wait })
}
