//! What the keeper knows of the children: their pids, pipes and ends.
//!
//! A child stays known until its end has been taken note of *and* its pipes are no longer needed,
//! since a descendant of it may write to them after its end.

use std::collections::BTreeMap;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::rc::Rc;

use minder_os::clock::Clocks;
use minder_os::process::Ended;
use minder_wire::{ChildState, HandedChild, Stream};

/// How many pipes a child has.
const STREAMS: usize = 3;

/// One child.
#[derive(Debug)]
pub(crate) struct Child {
    pub(crate) pid: u32,
    pub(crate) label: Vec<u8>,
    pub(crate) state: ChildState,
    pub(crate) ends: Ends,
    /// Which signals it was sent: bit n stands for signal n.
    pub(crate) signals: u64,
    /// Whether the daemon has taken note of its end.
    forgotten: bool,
}

/// Our ends of a child's pipes, as far as they are needed.
#[derive(Debug, Default)]
pub(crate) struct Ends(BTreeMap<Stream, Rc<OwnedFd>>);

impl Ends {
    pub(crate) fn insert(&mut self, stream: Stream, end: OwnedFd) {
        self.0.insert(stream, Rc::new(end));
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
        };
        self.by_id.iter().map(told).collect()
    }

    /// Takes over what a keeper has told, with the descriptors that `take` finds.
    pub(crate) fn take_over(
        told: Vec<HandedChild>,
        mut take: impl FnMut(i32) -> Option<OwnedFd>,
    ) -> Self {
        let mut children = Self::default();
        for told in told {
            if told.state == ChildState::Running {
                children.unreaped.insert(told.pid, told.child);
            }
            let ends = told.ends.into_iter();
            let ends = ends.filter_map(|(stream, end)| Some((stream, Rc::new(take(end)?))));
            let child = Child {
                pid: told.pid,
                label: told.label,
                state: told.state,
                ends: Ends(ends.collect()),
                signals: told.signals,
                forgotten: told.forgotten,
            };
            children.by_id.insert(told.child, child);
        }
        children
    }

    /// Our ends of all pipes.
    pub(crate) fn descriptors(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        let ends = self.by_id.values().flat_map(|child| child.ends.0.values());
        ends.map(AsFd::as_fd)
    }

    /// Takes in a child that has just been started.
    pub(crate) fn insert(&mut self, id: u64, pid: u32, label: Vec<u8>, ends: Ends) {
        self.unreaped.insert(pid, id);
        let child = Child {
            pid,
            label,
            state: ChildState::Running,
            ends,
            signals: 0,
            forgotten: false,
        };
        self.by_id.insert(id, child);
    }

    /// Takes note that a process has ended: which child it was, if it was one.
    pub(crate) fn ended(&mut self, ended: Ended, at: Clocks) -> Option<u64> {
        let id = self.unreaped.remove(&ended.pid)?;
        let child = self.by_id.get_mut(&id)?;
        child.state = ChildState::Exited {
            status: ended.status,
            mono_nanos: at.mono_nanos,
            wall_nanos: at.wall_nanos,
        };
        // Nothing will read what is written to it.
        child.ends.0.remove(&Stream::Stdin);
        Some(id)
    }

    /// The pid to signal, if the child has not been reaped.
    pub(crate) fn unreaped_pid(&self, id: u64) -> Option<u32> {
        let child = self.by_id.get(&id)?;
        self.unreaped.contains_key(&child.pid).then_some(child.pid)
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

    /// How many descriptors are open for all of them, at most.
    pub(crate) fn most_descriptors(&self) -> usize {
        self.by_id.len() * STREAMS
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
        children.insert(1, 100, b"a".to_vec(), ends);
        children
    }

    fn end(children: &mut Children, pid: u32) -> Option<u64> {
        children.ended(Ended { pid, status: 0 }, AT)
    }

    #[test]
    fn a_reaped_pid_is_nobodys() {
        let mut children = one_child(&[]);
        assert_eq!(children.unreaped_pid(1), Some(100));
        assert_eq!(end(&mut children, 100), Some(1));
        assert_eq!(children.unreaped_pid(1), None);
        assert_eq!(end(&mut children, 100), None);
    }

    #[test]
    fn a_pid_used_anew_belongs_to_the_later_child() {
        let mut children = one_child(&[]);
        end(&mut children, 100);
        children.insert(2, 100, b"b".to_vec(), Ends::default());
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
        children.insert(2, 200, b"b".to_vec(), Ends::default());
        children.signalled(2, 15);
        end(&mut children, 100);
        children.forget(1);
        let told = children.hand_over();
        let mut taken = Vec::new();
        let mut next = Children::take_over(told.clone(), |number| {
            taken.push(number);
            rustix::pipe::pipe().ok().map(|(end, _)| end)
        });
        assert_eq!(taken, [told[0].ends[0].1]);
        assert_eq!(
            (next.unreaped_pid(1), next.unreaped_pid(2)),
            (None, Some(200))
        );
        let again = next.hand_over();
        assert_eq!(
            (&again[0].label, again[0].state),
            (&told[0].label, told[0].state)
        );
        assert_eq!(again[1], told[1]);
        next.close(1, Stream::Stdout);
        assert!(next.get(1).is_none());
    }

    #[test]
    fn a_running_child_cannot_be_forgotten() {
        let mut children = one_child(&[]);
        children.forget(1);
        end(&mut children, 100);
        assert!(children.get(1).is_some());
    }
}
