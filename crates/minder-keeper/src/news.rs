//! What the daemon is yet to be told without having asked.
//!
//! Bounded by what it is about: an end for each child, each signal once, the latest of the
//! orphans. It waits here while there is no daemon, while one still takes its inventory, and
//! while the socket is full.

use std::collections::VecDeque;

use minder_os::process::Ended;
use minder_wire::{ChildState, ToDaemon};

use crate::children::Children;

/// The queues, oldest first.
#[derive(Debug, Default)]
pub(crate) struct News {
    exits: VecDeque<u64>,
    signals: VecDeque<i32>,
    /// Signals that a daemon was told of and has not acted upon yet.
    unheard: VecDeque<i32>,
    orphans: VecDeque<Ended>,
    /// The answer to the question whether an upgrade is possible.
    upgrade: Option<ToDaemon>,
}

impl News {
    /// Goes on after a keeper without a daemon that had these signals and orphans to tell of.
    pub(crate) fn take_over(signals: Vec<i32>, orphans: Vec<(u32, i32)>) -> Self {
        let orphans = orphans.into_iter();
        Self {
            signals: signals.into(),
            orphans: orphans.map(|(pid, status)| Ended { pid, status }).collect(),
            ..Self::default()
        }
    }

    /// The signals that no daemon has acted upon.
    pub(crate) fn signals(&self) -> Vec<i32> {
        self.signals.iter().copied().collect()
    }

    /// The ends of processes that are no children.
    pub(crate) fn orphans(&self) -> Vec<(u32, i32)> {
        let orphans = self.orphans.iter();
        orphans.map(|ended| (ended.pid, ended.status)).collect()
    }

    /// Whether an upgrade is possible: as it was asked for.
    pub(crate) fn upgrade(&mut self, answer: ToDaemon) {
        self.upgrade = Some(answer);
    }

    /// A child has ended.
    pub(crate) fn exit(&mut self, child: u64) {
        self.exits.push_back(child);
    }

    /// A signal has arrived. Like the system, counts one that is still waiting only once.
    pub(crate) fn signal(&mut self, signal: i32) {
        if !self.signals.contains(&signal) {
            self.signals.push_back(signal);
        }
    }

    /// A process that is no child has ended.
    pub(crate) fn orphan(&mut self, ended: Ended) {
        if self.orphans.len() == MAX_ORPHANS {
            self.orphans.pop_front();
        }
        self.orphans.push_back(ended);
    }

    /// The inventory has told of this child's end.
    pub(crate) fn exit_was_told(&mut self, child: u64) {
        self.exits.retain(|waiting| *waiting != child);
    }

    /// The daemon has acted upon a signal.
    pub(crate) fn heard(&mut self, signal: i32) {
        self.unheard.retain(|told| *told != signal);
    }

    /// The daemon is gone: what it was told and has not acted upon is told to the next. The ends
    /// will be in its inventory.
    pub(crate) fn daemon_is_gone(&mut self) {
        self.exits.clear();
        self.upgrade = None;
        for signal in std::mem::take(&mut self.signals) {
            if !self.unheard.contains(&signal) {
                self.unheard.push_back(signal);
            }
        }
        std::mem::swap(&mut self.signals, &mut self.unheard);
    }

    /// What to tell next. It stays until [`told`](Self::told).
    pub(crate) fn first(&mut self, children: &Children) -> Option<ToDaemon> {
        while let Some(child) = self.exits.front() {
            match children.get(*child).map(|known| known.state) {
                Some(ChildState::Exited {
                    status,
                    mono_nanos,
                    wall_nanos,
                }) => {
                    return Some(ToDaemon::Exited {
                        child: *child,
                        status,
                        mono_nanos,
                        wall_nanos,
                    });
                }
                // Taken note of before it was told.
                Some(ChildState::Running) | None => self.exits.pop_front(),
            };
        }
        if let Some(signal) = self.signals.front() {
            return Some(ToDaemon::Signalled { signal: *signal });
        }
        if let Some(ended) = self.orphans.front() {
            return Some(ToDaemon::Orphan {
                pid: ended.pid,
                status: ended.status,
            });
        }
        self.upgrade.clone()
    }

    /// The first has been told.
    pub(crate) fn told(&mut self) {
        if self.exits.pop_front().is_some() {
            return;
        }
        if let Some(signal) = self.signals.pop_front() {
            if !self.unheard.contains(&signal) {
                self.unheard.push_back(signal);
            }
            return;
        }
        if self.orphans.pop_front().is_none() {
            self.upgrade = None;
        }
    }
}

/// Ends of orphans are only logged; the latest thousand are enough to see what went on.
const MAX_ORPHANS: usize = 1024;

#[cfg(test)]
mod tests {
    use minder_os::clock::Clocks;

    use super::*;
    use crate::children::Ends;

    /// Everything in order, as a daemon would be told it.
    fn tell_all(news: &mut News, children: &Children) -> Vec<ToDaemon> {
        let next = || {
            let first = news.first(children)?;
            news.told();
            Some(first)
        };
        std::iter::from_fn(next).collect()
    }

    fn ended_child(id: u64, pid: u32) -> Children {
        let mut children = Children::default();
        children.insert(id, pid, Vec::new(), Ends::default(), None);
        let at = Clocks {
            mono_nanos: 3,
            wall_nanos: 4,
        };
        children.ended(Ended { pid, status: 9 }, at);
        children
    }

    #[test]
    fn ends_come_before_signals_and_those_before_orphans_and_those_before_the_rest() {
        let children = ended_child(7, 70);
        let mut news = News::default();
        let refused = ToDaemon::UpgradeRefused { why: Vec::new() };
        news.upgrade(refused.clone());
        news.orphan(Ended { pid: 5, status: 0 });
        news.signal(15);
        news.exit(7);
        let told = [
            ToDaemon::Exited {
                child: 7,
                status: 9,
                mono_nanos: 3,
                wall_nanos: 4,
            },
            ToDaemon::Signalled { signal: 15 },
            ToDaemon::Orphan { pid: 5, status: 0 },
            refused,
        ];
        assert_eq!(tell_all(&mut news, &children), told);
    }

    #[test]
    fn an_end_that_was_taken_note_of_meanwhile_is_not_told() {
        let mut children = ended_child(7, 70);
        let mut news = News::default();
        news.exit(7);
        children.forget(7);
        assert_eq!(tell_all(&mut news, &children), []);
    }

    #[test]
    fn a_waiting_signal_counts_once() {
        let mut news = News::default();
        for signal in [15, 1, 15] {
            news.signal(signal);
        }
        let told = [15, 1].map(|signal| ToDaemon::Signalled { signal });
        assert_eq!(tell_all(&mut news, &Children::default()), told);
    }

    #[test]
    fn of_too_many_orphans_the_oldest_are_dropped() {
        let mut news = News::default();
        let last = u32::try_from(MAX_ORPHANS).unwrap();
        for pid in 0..=last {
            news.orphan(Ended { pid, status: 0 });
        }
        let told = tell_all(&mut news, &Children::default());
        assert_eq!(told.len(), MAX_ORPHANS);
        assert_eq!(told[0], ToDaemon::Orphan { pid: 1, status: 0 });
    }
}
