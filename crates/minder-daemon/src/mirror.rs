//! What the keeper has, as it is known on this side of the socket.
//!
//! The keeper can be killed like anybody. Then nobody but this daemon has what it had: so all that
//! goes to it and comes from it is noted here, with a share in each descriptor. What was asked
//! for counts as done, but for a child whose start was not answered: that may or may not be there; and
//! for a signal that the keeper has not confirmed by answering what it was asked behind it.
//!
//! This knows nothing of what the things are for. What is made of it when the keeper is gone is in
//! [`crate::succession`].

use std::collections::{BTreeMap, VecDeque};
use std::os::fd::OwnedFd;
use std::sync::Arc;

use minder_os::foreign::Foreign;
use minder_wire::{ChildState, Stream, ToDaemon, ToKeeper};

/// A descriptor that the mirror has a share in.
pub(crate) type SharedFd = Arc<OwnedFd>;

/// Everything that is known.
#[derive(Debug, Default)]
pub(crate) struct Mirror {
    /// What the keeper said first.
    pub(crate) welcome: Option<ToDaemon>,
    /// Whether the inventory was told to its end: until then too little is known to be of use.
    pub(crate) is_complete: bool,
    pub(crate) children: BTreeMap<u64, Mirrored>,
    /// The labels of children whose start was asked for and not answered.
    pub(crate) awaited: BTreeMap<u64, Vec<u8>>,
    pub(crate) held: BTreeMap<Vec<u8>, SharedFd>,
    /// Signals for children that the keeper has not confirmed, oldest first, and the questions behind
    /// them (`None`) that it has not answered.
    pub(crate) unconfirmed: VecDeque<Option<Unconfirmed>>,
    /// How many questions the keeper has not answered. It answers each in its turn, once it has done
    /// everything that it was asked for before.
    pub(crate) questions: usize,
    /// Signals that this daemon was told of and has not acted upon, oldest first.
    pub(crate) signals: Vec<i32>,
    /// Where this daemon writes its log, if that is an ordinary file.
    pub(crate) log: Option<Vec<u8>>,
    /// Whether this daemon has said that it is ready.
    pub(crate) is_ready: bool,
}

/// A signal that the keeper was asked to send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unconfirmed {
    pub(crate) child: u64,
    pub(crate) signal: i32,
    pub(crate) group: bool,
}

/// A child.
#[derive(Debug)]
pub(crate) struct Mirrored {
    pub(crate) pid: u32,
    pub(crate) label: Vec<u8>,
    pub(crate) state: ChildState,
    pub(crate) signals: u64,
    pub(crate) forgotten: bool,
    /// Our ends of its pipes: at most three.
    pub(crate) ends: Vec<(Stream, SharedFd)>,
    /// By which its end can be seen by who is not its parent.
    pub(crate) pidfd: Option<SharedFd>,
}

impl Mirror {
    /// Takes note of what the keeper is asked for. What it is to hold is noted by
    /// [`hold`](Self::hold), and what it is to adopt by [`adopt`](Self::adopt).
    pub(crate) fn sent(&mut self, message: &ToKeeper) {
        match message {
            ToKeeper::Spawn { child, label, .. } | ToKeeper::SpawnFrom { child, label } => {
                self.awaited.insert(*child, label.clone());
            }
            ToKeeper::Signal {
                child,
                signal,
                group,
            } => {
                self.unconfirmed.push_back(Some(Unconfirmed {
                    child: *child,
                    signal: *signal,
                    group: *group,
                }));
                let bit = u32::try_from(*signal).ok();
                let bit = bit.and_then(|signal| 1_u64.checked_shl(signal));
                if let (Some(child), Some(bit)) = (self.children.get_mut(child), bit) {
                    child.signals |= bit;
                }
            }
            ToKeeper::Forget { child } => {
                if let Some(child) = self.children.get_mut(child) {
                    child.forgotten = child.state != ChildState::Running;
                }
                self.drop_if_done(*child);
            }
            ToKeeper::Close { child, stream } => {
                if let Some(child) = self.children.get_mut(child) {
                    child.ends.retain(|(other, _)| other != stream);
                }
                self.drop_if_done(*child);
            }
            ToKeeper::Release { name } => {
                self.held.remove(name);
            }
            ToKeeper::Heard { signal } => self.signals.retain(|told| told != signal),
            ToKeeper::Ready => self.is_ready = true,
            ToKeeper::Log { path } => self.log.clone_from(path),
            // Requests are done in their order.
            ToKeeper::Next => {
                self.questions += 1;
                if !self.unconfirmed.is_empty() {
                    self.unconfirmed.push_back(None);
                }
            }
            ToKeeper::Hello { .. }
            | ToKeeper::Adopt { .. }
            | ToKeeper::Hold { .. }
            | ToKeeper::Upgrade
            | ToKeeper::Leave(_) => {}
        }
    }

    /// Takes note of what the keeper is given to hold.
    pub(crate) fn hold(&mut self, name: &[u8], fd: &SharedFd) {
        self.held.insert(name.to_vec(), Arc::clone(fd));
    }

    /// Takes note of a child that the keeper is given.
    pub(crate) fn adopt(&mut self, child: u64, process: Foreign, label: Vec<u8>) {
        self.children.insert(child, Mirrored::found(process, label));
    }

    /// Takes note of what the keeper says.
    pub(crate) fn heard(&mut self, message: &ToDaemon, beside: &[SharedFd]) {
        match message {
            ToDaemon::Welcome { .. } => self.welcome = Some(message.clone()),
            ToDaemon::Child {
                child,
                pid,
                label,
                state,
                signals,
                streams,
            } => {
                let found = Mirrored {
                    signals: *signals,
                    ..Mirrored::new(*pid, label.clone(), *state, streams, beside)
                };
                self.children.insert(*child, found);
                self.answered();
            }
            ToDaemon::Held { name } => {
                self.answered();
                if let Some(held) = beside.first() {
                    self.hold(name, held);
                }
            }
            ToDaemon::InventoryEnd => {
                self.answered();
                self.is_complete = true;
                while let Some(Some(_)) = self.unconfirmed.pop_front() {}
            }
            ToDaemon::Spawned {
                child,
                pid,
                streams,
            } => {
                let label = self.awaited.remove(child).unwrap_or_default();
                let state = ChildState::Running;
                let spawned = Mirrored::new(*pid, label, state, streams, beside);
                self.children.insert(*child, spawned);
            }
            ToDaemon::SpawnFailed { child, .. } => {
                self.awaited.remove(child);
            }
            ToDaemon::Exited {
                child,
                status,
                mono_nanos,
                wall_nanos,
            } => {
                if let Some(child) = self.children.get_mut(child) {
                    child.state = ChildState::Exited {
                        status: *status,
                        mono_nanos: *mono_nanos,
                        wall_nanos: *wall_nanos,
                    };
                    child.ends.retain(|(stream, _)| *stream != Stream::Stdin);
                    child.pidfd = None;
                }
            }
            ToDaemon::Signalled { signal } => {
                if !self.signals.contains(signal) {
                    self.signals.push(*signal);
                }
            }
            ToDaemon::Orphan { .. }
            | ToDaemon::SignalFailed { .. }
            | ToDaemon::UpgradePossible { .. }
            | ToDaemon::UpgradeRefused { .. } => {}
        }
    }

    /// The signals that the keeper may not have sent, oldest first.
    pub(crate) fn to_be_sent(&self) -> impl Iterator<Item = Unconfirmed> {
        self.unconfirmed.iter().flatten().copied()
    }

    /// Whether there are signals that no question has been asked behind.
    pub(crate) fn asks_for_confirmation(&self) -> bool {
        matches!(self.unconfirmed.back(), Some(Some(_)))
    }

    fn answered(&mut self) {
        self.questions = self.questions.saturating_sub(1);
    }

    fn drop_if_done(&mut self, child: u64) {
        let done = |child: &Mirrored| child.forgotten && child.ends.is_empty();
        if self.children.get(&child).is_some_and(done) {
            self.children.remove(&child);
        }
    }
}

impl Mirrored {
    /// Whether there is a pipe that it, or whoever it has started, can write to.
    pub(crate) fn has_output(&self) -> bool {
        self.ends.iter().any(|(stream, _)| *stream != Stream::Stdin)
    }

    /// A child that the keeper has not told of, with no pipes.
    pub(crate) fn found(process: Foreign, label: Vec<u8>) -> Self {
        let pid = process.pid();
        Self {
            pidfd: Some(Arc::new(process.into())),
            ..Self::new(pid, label, ChildState::Running, &[], &[])
        }
    }

    fn new(
        pid: u32,
        label: Vec<u8>,
        state: ChildState,
        streams: &[Stream],
        beside: &[SharedFd],
    ) -> Self {
        let ends = streams.iter().copied().zip(beside.iter().map(Arc::clone));
        Self {
            pid,
            label,
            state,
            signals: 0,
            forgotten: false,
            ends: ends.collect(),
            pidfd: beside.get(streams.len()).map(Arc::clone),
        }
    }
}

#[cfg(test)]
mod tests {
    use minder_wire::Plan;

    use super::*;

    fn fd() -> SharedFd {
        Arc::new(std::fs::File::open("/dev/null").unwrap().into())
    }

    /// A mirror that was told of the start of child 1, with all its pipes and a pidfd.
    fn with_child() -> Mirror {
        let mut mirror = Mirror::default();
        mirror.sent(&ToKeeper::Spawn {
            child: 1,
            label: b"a".to_vec(),
            plan: Plan::default(),
        });
        assert_eq!(mirror.awaited[&1], b"a");
        let spawned = ToDaemon::Spawned {
            child: 1,
            pid: 100,
            streams: vec![Stream::Stdin, Stream::Stdout],
        };
        mirror.heard(&spawned, &[fd(), fd(), fd()]);
        mirror
    }

    fn exited(child: u64) -> ToDaemon {
        ToDaemon::Exited {
            child,
            status: 9,
            mono_nanos: 1,
            wall_nanos: 2,
        }
    }

    #[test]
    fn a_child_is_known_from_its_start_until_nothing_of_it_is_needed() {
        let mut mirror = with_child();
        assert!(mirror.awaited.is_empty());
        let signal = ToKeeper::Signal {
            child: 1,
            signal: 15,
            group: false,
        };
        mirror.sent(&signal);
        let child = &mirror.children[&1];
        assert_eq!((child.pid, &child.label[..]), (100, &b"a"[..]));
        assert_eq!(child.signals, 1 << 15);
        assert!(child.pidfd.is_some());
        mirror.heard(&exited(1), &[]);
        let child = &mirror.children[&1];
        assert!(child.pidfd.is_none());
        let ends: Vec<_> = child.ends.iter().map(|(stream, _)| *stream).collect();
        assert_eq!(ends, [Stream::Stdout]);
        mirror.sent(&ToKeeper::Forget { child: 1 });
        assert!(mirror.children[&1].forgotten);
        let stream = Stream::Stdout;
        mirror.sent(&ToKeeper::Close { child: 1, stream });
        assert!(mirror.children.is_empty());
    }

    #[test]
    fn a_signal_is_unconfirmed_until_what_was_asked_behind_it_is_answered() {
        let mut mirror = with_child();
        let send = |mirror: &mut Mirror, signal| {
            mirror.sent(&ToKeeper::Signal {
                child: 1,
                signal,
                group: false,
            });
        };
        let signals =
            |mirror: &Mirror| -> Vec<i32> { mirror.to_be_sent().map(|it| it.signal).collect() };
        mirror.heard(&ToDaemon::InventoryEnd, &[]);
        assert!(!mirror.asks_for_confirmation());
        send(&mut mirror, 1);
        send(&mut mirror, 15);
        assert!(mirror.asks_for_confirmation());
        mirror.sent(&ToKeeper::Next);
        assert!(!mirror.asks_for_confirmation());
        send(&mut mirror, 10);
        assert_eq!(signals(&mirror), [1, 15, 10]);
        mirror.heard(&ToDaemon::InventoryEnd, &[]);
        assert_eq!(signals(&mirror), [10]);
        mirror.sent(&ToKeeper::Next);
        mirror.heard(&ToDaemon::InventoryEnd, &[]);
        assert_eq!(signals(&mirror), [0; 0]);
    }

    #[test]
    fn what_is_held_is_shared_and_not_copied() {
        let mut mirror = Mirror::default();
        let file = fd();
        mirror.hold(b"x", &file);
        assert_eq!(Arc::strong_count(&file), 2);
        let name = b"x".to_vec();
        mirror.sent(&ToKeeper::Release { name });
        assert_eq!(Arc::strong_count(&file), 1);
    }

    #[test]
    fn signals_wait_until_they_have_been_acted_upon() {
        let mut mirror = Mirror::default();
        for signal in [15, 1, 15] {
            mirror.heard(&ToDaemon::Signalled { signal }, &[]);
        }
        assert_eq!(mirror.signals, [15, 1]);
        mirror.sent(&ToKeeper::Heard { signal: 15 });
        assert_eq!(mirror.signals, [1]);
    }
}
