//! What the keeper knows of the children: their pids, pipes and ends.
//!
//! A child stays known until its end has been taken note of *and* its pipes are no longer needed,
//! since a descendant of it may write to them after its end.

use std::collections::{BTreeMap, BTreeSet};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::rc::Rc;

use minder_os::clock::Clocks;
use minder_os::foreign::{End, Foreign};
use minder_os::process::Ended;
use minder_wire::{ChildState, HandedChild, Stream, UNKNOWN_STATUS};

use crate::register::Slots;

/// How many descriptors a child takes, at most: three pipes, a pidfd, which we have of an orphan and
/// the daemon of every child, and two logs.
const MOST_DESCRIPTORS: usize = 6;

/// The one by which a child's end is seen.
const PIDFD: usize = 1;

/// How much is held beside logs: state, history, sockets, what is said to and by listeners. There is
/// room for it in what is never spent on children.
const HELD_BESIDES: usize = 32;

/// What a child that is to be made takes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Needs {
    /// Our ends of its pipes.
    pub(crate) ends: usize,
    /// How many of them are read from.
    pub(crate) outputs: usize,
}

/// One child.
#[derive(Debug)]
pub(crate) struct Child {
    pub(crate) pid: u32,
    pub(crate) label: Vec<u8>,
    pub(crate) state: ChildState,
    pub(crate) ends: Ends,
    /// Which signals it was sent: bit n stands for signal n.
    pub(crate) signals: u64,
    /// By what it is known if an earlier keeper started it: then somebody else reaps it.
    pub(crate) orphan: Option<Orphan>,
    /// Where it stands in the register, while it runs.
    slot: Option<u32>,
    /// Whether the daemon has taken note of its end.
    forgotten: bool,
}

/// A child that an earlier keeper started.
#[derive(Debug)]
pub(crate) struct Orphan {
    pub(crate) process: Foreign,
    /// It has ended, and how is seen once it has been reaped.
    pub(crate) is_hidden: bool,
}

/// By what a child that has not been reaped is reached.
#[derive(Debug)]
pub(crate) enum Reach<'a> {
    /// Its pid: it is our child.
    Pid(u32),
    /// It was an earlier keeper's.
    Foreign(&'a Foreign),
}

/// Our ends of a child's pipes, as far as they are needed.
#[derive(Debug, Default)]
pub(crate) struct Ends(BTreeMap<Stream, Rc<OwnedFd>>);

impl Ends {
    pub(crate) fn insert(&mut self, stream: Stream, end: OwnedFd) {
        self.0.insert(stream, Rc::new(end));
    }

    /// How many of them are read from.
    fn outputs(&self) -> usize {
        self.0.len() - usize::from(self.0.contains_key(&Stream::Stdin))
    }

    /// Which there are, and the ends in the same order.
    pub(crate) fn list(&self) -> (Vec<Stream>, Vec<Rc<OwnedFd>>) {
        let ends = self.0.iter();
        ends.map(|(stream, end)| (*stream, Rc::clone(end))).unzip()
    }
}

/// All children.
#[derive(Debug, Default)]
pub(crate) struct Children {
    by_id: BTreeMap<u64, Child>,
    /// Those that have not been reaped. Only while a pid is in here is it sure to be the child's.
    unreaped: BTreeMap<u32, u64>,
    /// Where they stand in the register.
    pub(crate) slots: Slots,
}

impl Children {
    /// What is told to the next keeper.
    pub(crate) fn hand_over(&self) -> Vec<HandedChild> {
        let told = |(id, child): (&u64, &Child)| HandedChild {
            child: *id,
            pid: child.pid,
            label: child.label.clone(),
            state: child.state,
            signals: child.signals,
            forgotten: child.forgotten,
            ends: child
                .ends
                .0
                .iter()
                .map(|(stream, end)| (*stream, end.as_raw_fd()))
                .collect(),
            orphan: child
                .orphan
                .as_ref()
                .map(|orphan| orphan.process.as_fd().as_raw_fd()),
        };
        self.by_id.iter().map(told).collect()
    }

    /// Takes over what a keeper has told, with the descriptors that `take` finds. `slots` is where
    /// children stand in the register.
    pub(crate) fn take_over(
        told: Vec<HandedChild>,
        slots: &BTreeMap<u64, u32>,
        mut take: impl FnMut(i32) -> Option<OwnedFd>,
    ) -> Self {
        let mut children = Self::default();
        let mut in_use = BTreeSet::new();
        for told in told {
            let is_running = told.state == ChildState::Running;
            let slot = slots.get(&told.child).copied().filter(|_| is_running);
            in_use.extend(slot);
            if is_running && told.orphan.is_none() {
                children.unreaped.insert(told.pid, told.child);
            }
            let orphan = told.orphan.and_then(&mut take);
            let orphan = orphan.filter(|_| is_running).map(|pidfd| Orphan {
                process: Foreign::new(pidfd, told.pid),
                is_hidden: false,
            });
            let ends = told.ends.into_iter();
            let ends = ends.filter_map(|(stream, end)| Some((stream, Rc::new(take(end)?))));
            let child = Child {
                pid: told.pid,
                label: told.label,
                state: told.state,
                ends: Ends(ends.collect()),
                signals: told.signals,
                orphan,
                slot,
                forgotten: told.forgotten,
            };
            children.by_id.insert(told.child, child);
        }
        children.slots = Slots::in_use(&in_use);
        children
    }

    /// Our ends of all pipes, and by what orphans are known.
    pub(crate) fn descriptors(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        let ends = self.by_id.values().flat_map(|child| child.ends.0.values());
        let orphans = self.orphans().map(|(_, orphan)| orphan.process.as_fd());
        ends.map(AsFd::as_fd).chain(orphans)
    }

    /// Takes in a child that has just been started.
    pub(crate) fn insert(
        &mut self,
        id: u64,
        pid: u32,
        label: Vec<u8>,
        ends: Ends,
        slot: Option<u32>,
    ) {
        self.unreaped.insert(pid, id);
        let child = Child {
            pid,
            label,
            state: ChildState::Running,
            ends,
            signals: 0,
            orphan: None,
            slot,
            forgotten: false,
        };
        self.by_id.insert(id, child);
    }

    /// Takes in a process that an earlier keeper started, and that nobody has minded since.
    pub(crate) fn adopt(&mut self, id: u64, label: Vec<u8>, process: Foreign, slot: Option<u32>) {
        if let Some(slot) = slot {
            self.slots.claim(slot);
        }
        let child = Child {
            pid: process.pid(),
            label,
            state: ChildState::Running,
            ends: Ends::default(),
            signals: 0,
            orphan: Some(Orphan {
                process,
                is_hidden: false,
            }),
            slot,
            forgotten: false,
        };
        self.by_id.insert(id, child);
    }

    /// Takes note that a process has ended: which child it was, if it was one.
    pub(crate) fn ended(&mut self, ended: Ended, at: Clocks) -> Option<u64> {
        let id = self.unreaped.remove(&ended.pid)?;
        self.has_ended(id, ended.status, at);
        Some(id)
    }

    /// Takes note of how a child has ended.
    pub(crate) fn has_ended(&mut self, id: u64, status: i32, at: Clocks) {
        let Some(child) = self.by_id.get_mut(&id) else {
            return;
        };
        child.state = ChildState::Exited {
            status,
            mono_nanos: at.mono_nanos,
            wall_nanos: at.wall_nanos,
        };
        // Nothing will read what is written to it.
        child.ends.0.remove(&Stream::Stdin);
        child.orphan = None;
        self.slots.give_back(child.slot.take());
    }

    /// By what to reach a child, if it has not been reaped as far as we know.
    pub(crate) fn reach(&self, id: u64) -> Option<Reach<'_>> {
        let child = self.by_id.get(&id)?;
        match &child.orphan {
            Some(orphan) => Some(Reach::Foreign(&orphan.process)),
            None if self.unreaped.get(&child.pid) == Some(&id) => Some(Reach::Pid(child.pid)),
            None => None,
        }
    }

    /// A pidfd of a child that has not been reaped, if one can be had: for the day on which there
    /// is no keeper.
    pub(crate) fn pidfd(&self, id: u64) -> Option<OwnedFd> {
        match self.reach(id)? {
            // It is our child, and we have not reaped it: its pid is its own.
            Reach::Pid(pid) => Some(Foreign::open(pid).ok()?.into()),
            Reach::Foreign(process) => process.as_fd().try_clone_to_owned().ok(),
        }
    }

    /// The orphans whose ends are yet to be seen.
    pub(crate) fn orphans(&self) -> impl Iterator<Item = (u64, &Orphan)> {
        let children = self.by_id.iter();
        children.filter_map(|(id, child)| Some((*id, child.orphan.as_ref()?)))
    }

    /// Looks whether an orphan has ended. Returns whether that is news.
    pub(crate) fn look_after(&mut self, id: u64, at: Clocks) -> bool {
        let child = self.by_id.get_mut(&id);
        let Some(orphan) = child.and_then(|child| child.orphan.as_mut()) else {
            return false;
        };
        let status = match orphan.process.end() {
            End::Running => return false,
            End::Hidden => {
                orphan.is_hidden = true;
                return false;
            }
            End::Status(status) => status,
            End::Unknown => UNKNOWN_STATUS,
        };
        self.has_ended(id, status, at);
        true
    }

    /// Takes note that a child is sent a signal.
    pub(crate) fn signalled(&mut self, id: u64, signal: i32) {
        let bit = u32::try_from(signal)
            .ok()
            .and_then(|n| 1_u64.checked_shl(n));
        if let (Some(child), Some(bit)) = (self.by_id.get_mut(&id), bit) {
            child.signals |= bit;
        }
    }

    /// The end of a child has been taken note of. Does nothing while it runs.
    pub(crate) fn forget(&mut self, id: u64) {
        if let Some(child) = self.by_id.get_mut(&id) {
            child.forgotten = child.state != ChildState::Running;
        }
        self.drop_if_done(id);
    }

    /// Our end of a pipe is no longer needed.
    pub(crate) fn close(&mut self, id: u64, stream: Stream) {
        if let Some(child) = self.by_id.get_mut(&id) {
            child.ends.0.remove(&stream);
        }
        self.drop_if_done(id);
    }

    fn drop_if_done(&mut self, id: u64) {
        let done = |child: &Child| child.forgotten && child.ends.0.is_empty();
        if self.by_id.get(&id).is_some_and(done) {
            self.by_id.remove(&id);
        }
    }

    pub(crate) fn get(&self, id: u64) -> Option<&Child> {
        self.by_id.get(&id)
    }

    /// The first child whose id is at least this.
    pub(crate) fn at_or_after(&self, id: u64) -> Option<(u64, &Child)> {
        let (id, child) = self.by_id.range(id..).next()?;
        Some((*id, child))
    }

    /// Whether there are descriptors for one more child that takes these, when `held` others are
    /// held and `most` may be open, here and at the daemon.
    ///
    /// Each output counts as a log, which is given into custody only after the start of its child:
    /// who has all its children must not find itself without room for one that replaces another.
    /// For the same reason children do not count whose ends are yet to be taken note of. They are
    /// likely to be those that are replaced, and their pipes are closed about now.
    pub(crate) fn leave_room(&self, new: Needs, held: usize, most: u64) -> bool {
        let fit = |open: usize| u64::try_from(open).is_ok_and(|open| open < most);
        if fit((self.by_id.len() + 1) * MOST_DESCRIPTORS + held) {
            return true;
        }
        let (mut own, mut logs) = (new.ends + PIDFD, new.outputs);
        for child in self.by_id.values() {
            if child.state == ChildState::Running {
                own += child.ends.0.len() + PIDFD;
                logs += child.ends.outputs();
            } else if child.forgotten {
                own += child.ends.0.len();
            }
        }
        fit(own + logs.max(held.saturating_sub(HELD_BESIDES)))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.by_id.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: Clocks = Clocks {
        mono_nanos: 3,
        wall_nanos: 4,
    };

    fn one_child(streams: &[Stream]) -> Children {
        let mut ends = Ends::default();
        for stream in streams {
            let (end, _) = rustix::pipe::pipe().unwrap();
            ends.insert(*stream, end);
        }
        let mut children = Children::default();
        children.insert(1, 100, b"a".to_vec(), ends, None);
        children
    }

    fn end(children: &mut Children, pid: u32) -> Option<u64> {
        children.ended(Ended { pid, status: 0 }, AT)
    }

    #[test]
    fn a_reaped_pid_is_nobodys() {
        let mut children = one_child(&[]);
        assert!(matches!(children.reach(1), Some(Reach::Pid(100))));
        assert_eq!(end(&mut children, 100), Some(1));
        assert!(children.reach(1).is_none());
        assert_eq!(end(&mut children, 100), None);
    }

    #[test]
    fn a_pid_used_anew_belongs_to_the_later_child() {
        let mut children = one_child(&[]);
        end(&mut children, 100);
        children.insert(2, 100, b"b".to_vec(), Ends::default(), None);
        assert_eq!(end(&mut children, 100), Some(2));
    }

    #[test]
    fn a_child_is_known_until_it_is_forgotten_and_its_pipes_are_closed() {
        let mut children = one_child(&[Stream::Stdin, Stream::Stdout]);
        end(&mut children, 100);
        children.forget(1);
        let (streams, _) = children.get(1).unwrap().ends.list();
        assert_eq!(streams, [Stream::Stdout]);
        children.close(1, Stream::Stdout);
        assert!(children.is_empty());
    }

    #[test]
    fn closing_first_and_forgetting_then_does_as_well() {
        let mut children = one_child(&[Stream::Stdout]);
        children.close(1, Stream::Stdout);
        end(&mut children, 100);
        assert!(!children.is_empty());
        children.forget(1);
        assert!(children.is_empty());
    }

    #[test]
    fn children_are_taken_over_as_they_were_handed_over() {
        let mut children = one_child(&[Stream::Stdin, Stream::Stdout]);
        children.insert(2, 200, b"b".to_vec(), Ends::default(), Some(4));
        children.signalled(2, 15);
        end(&mut children, 100);
        children.forget(1);
        let told = children.hand_over();
        let mut taken = Vec::new();
        let mut next = Children::take_over(told.clone(), &BTreeMap::from([(2, 4)]), |number| {
            taken.push(number);
            rustix::pipe::pipe().ok().map(|(end, _)| end)
        });
        assert_eq!(taken, [told[0].ends[0].1]);
        assert!(next.reach(1).is_none());
        assert!(matches!(next.reach(2), Some(Reach::Pid(200))));
        assert_eq!(next.slots.take(), Some(3));
        let again = next.hand_over();
        assert_eq!(
            (&again[0].label, again[0].state),
            (&told[0].label, told[0].state)
        );
        assert_eq!(again[1], told[1]);
        next.close(1, Stream::Stdout);
        assert!(next.get(1).is_none());
    }

    /// Somebody else's child, which ends with its input.
    struct Stranger(std::process::Child);

    impl Drop for Stranger {
        fn drop(&mut self) {
            // Has been waited for if that fails.
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
    }

    #[test]
    fn an_orphan_is_looked_after_until_it_has_ended() {
        let mut command = std::process::Command::new("/bin/sh");
        command.args(["-c", "read x; exit 3"]);
        command.stdin(std::process::Stdio::piped());
        let mut stranger = Stranger(command.spawn().unwrap());
        let pid = stranger.0.id();
        let told = HandedChild {
            child: 1,
            pid,
            label: b"a".to_vec(),
            state: ChildState::Running,
            signals: 0,
            forgotten: false,
            ends: Vec::new(),
            orphan: Some(7),
        };
        let pidfd = Foreign::open(pid).unwrap();
        let seen = Foreign::open(pid).unwrap();
        let mut pidfd = Some(pidfd.into());
        let mut children = Children::take_over(vec![told], &BTreeMap::new(), |_| pidfd.take());
        assert!(matches!(children.reach(1), Some(Reach::Foreign(_))));
        assert!(children.pidfd(1).is_some());
        assert!(!children.look_after(1, AT));
        // A pid that is reaped by us is none of an orphan's.
        assert_eq!(end(&mut children, pid), None);

        drop(stranger.0.stdin.take());
        assert!(seen.wait(std::time::Duration::from_secs(30)).unwrap());
        assert!(children.look_after(1, AT));
        assert!(!children.look_after(1, AT));
        assert!(children.reach(1).is_none());
        let state = children.get(1).unwrap().state;
        assert!(matches!(state, ChildState::Exited { status: 0x300, .. }));
    }

    /// So many children with three pipes each.
    fn children_with_pipes(count: u32) -> Children {
        let mut children = Children::default();
        for pid in 1..=count {
            let mut ends = Ends::default();
            for stream in [Stream::Stdin, Stream::Stdout, Stream::Stderr] {
                ends.insert(stream, rustix::pipe::pipe().unwrap().0);
            }
            children.insert(pid.into(), pid, Vec::new(), ends, None);
        }
        children
    }

    #[test]
    fn there_is_room_until_the_logs_would_not_fit_and_always_for_what_replaces_a_child() {
        let new = Needs {
            ends: 3,
            outputs: 2,
        };
        let mut children = children_with_pipes(9);
        // The logs of most are yet to be given into custody.
        assert!(children.leave_room(new, 1, 61));
        assert!(!children.leave_room(new, 1, 60));
        children = children_with_pipes(10);
        let (held, too_much) = (20 + HELD_BESIDES, 21 + HELD_BESIDES);
        assert!(!children.leave_room(new, held, 61));
        end(&mut children, 5);
        assert!(children.leave_room(new, held, 61));
        assert!(!children.leave_room(new, too_much, 61));
        // A descendant has its output.
        children.forget(5);
        assert!(!children.leave_room(new, held, 61));
        children.close(5, Stream::Stdout);
        children.close(5, Stream::Stderr);
        assert!(children.leave_room(new, held, 61));
    }

    #[test]
    fn a_running_child_cannot_be_forgotten() {
        let mut children = one_child(&[]);
        children.forget(1);
        end(&mut children, 100);
        assert!(children.get(1).is_some());
    }
}
