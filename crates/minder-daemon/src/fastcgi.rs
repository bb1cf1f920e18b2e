//! `[fcgi-program:x]`: listening sockets, each shared by the processes of one group.
//!
//! A group's socket is made when the first of its processes is started, and closed when the last
//! is gone. The keeper holds it and hands it to each child as its standard input; the daemon keeps
//! no copy of its own. So it goes on listening while no daemon runs, and the next daemon finds it
//! under its [name](held_name).
//!
//! [`Sockets`] knows who uses which, and [`socket`] how they are made. That something is told to
//! the keeper is the driver's business.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use minder_core::process::State;
use minder_core::spec::{FastCgiSocket, GroupKind};
use minder_core::{ChildId, GroupSpec, Level, Snapshot};
use minder_logs::main_log::MainLog;

use crate::link::FoundChild;
use crate::mirror::SharedFd;

mod socket;

pub(crate) use socket::{SocketError, host_of, listen, listen_at};

/// How the names begin under which the sockets are held.
const PREFIX: &[u8] = b"fcgi:";

/// Where the socket of a group is held.
pub(crate) fn held_name(group: &str) -> Vec<u8> {
    [PREFIX, group.as_bytes()].concat()
}

/// The sockets that are open, by the names of their groups.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Sockets(BTreeMap<String, Shared>);

/// One socket, and the children that have it.
#[derive(Debug, PartialEq, Eq)]
struct Shared {
    url: String,
    users: BTreeSet<ChildId>,
}

/// A socket that nobody uses any more.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Unused {
    /// The group that it was for.
    pub(crate) group: String,
    /// Its address, as Supervisor shows it.
    pub(crate) url: String,
}

impl Sockets {
    /// The sockets that an earlier daemon left with the keeper, used by those of its children
    /// that there still are. Takes them out of `held`; those of groups that are not known any
    /// more stay.
    pub(crate) fn adopt(
        snapshot: &Snapshot,
        children: &[FoundChild],
        held: &mut BTreeMap<Vec<u8>, SharedFd>,
    ) -> Self {
        let found: BTreeSet<ChildId> = children.iter().map(|found| found.child).collect();
        let mut sockets = Self::default();
        for group in &snapshot.groups {
            let Some(socket) = socket_of(&group.spec) else {
                continue;
            };
            if held.remove(&held_name(&group.spec.name)).is_none() {
                continue;
            }
            let children = group.processes.iter().filter_map(|process| {
                let State::Up { child, .. } = process.state else {
                    return None;
                };
                Some(child).filter(|child| found.contains(child))
            });
            let shared = Shared {
                url: socket.url.clone(),
                users: children.collect(),
            };
            sockets.0.insert(group.spec.name.clone(), shared);
        }
        sockets
    }

    /// Whether the group has a socket.
    pub(crate) fn is_open(&self, group: &str) -> bool {
        self.0.contains_key(group)
    }

    /// `child` has the socket of `group` from now on, which is at `url`.
    pub(crate) fn join(&mut self, group: &str, url: &str, child: ChildId) {
        let new = || Shared {
            url: url.to_owned(),
            users: BTreeSet::new(),
        };
        let shared = self.0.entry(group.to_owned()).or_insert_with(new);
        shared.users.insert(child);
    }

    /// `child` is gone, or has never come to be. One that has no socket changes nothing.
    pub(crate) fn leave(&mut self, child: ChildId) {
        for shared in self.0.values_mut() {
            shared.users.remove(&child);
        }
    }

    /// Forgets the sockets that nobody uses any more: they are to be closed.
    pub(crate) fn take_unused(&mut self) -> Vec<Unused> {
        let mut unused = Vec::new();
        self.0.retain(|group, Shared { url, users }| {
            let is_used = !users.is_empty();
            if !is_used {
                let (group, url) = (group.clone(), std::mem::take(url));
                unused.push(Unused { group, url });
            }
            is_used
        });
        unused
    }
}

/// The socket of a group, if it is one of `FastCGI` programs.
pub(crate) fn socket_of(group: &GroupSpec) -> Option<&FastCgiSocket> {
    match &group.kind {
        GroupKind::FastCgi(socket) => Some(socket),
        GroupKind::Programs | GroupKind::Listeners { .. } => None,
    }
}

/// Takes out of `held` the names of sockets whose groups nobody knows any more.
pub(crate) fn take_strays(held: &mut BTreeMap<Vec<u8>, SharedFd>) -> Vec<Vec<u8>> {
    let strays = held.keys().filter(|name| name.starts_with(PREFIX));
    let strays: Vec<_> = strays.cloned().collect();
    for name in &strays {
        held.remove(name);
    }
    strays
}

/// Makes the socket of every `FastCGI` group and closes it again, so that one that cannot be made
/// is noticed before anything is started. What listens there already is cut off, as in Supervisor.
pub(crate) fn try_all<'a>(
    groups: impl IntoIterator<Item = &'a Arc<GroupSpec>>,
) -> Result<(), SocketError> {
    let sockets = groups.into_iter().filter_map(|group| socket_of(group));
    sockets.map(listen).try_for_each(|made| made.map(drop))
}

/// Says what [`try_all`] has done for one group.
pub(crate) fn tell_of_try(log: &MainLog, group: &GroupSpec) {
    if let Some(socket) = socket_of(group) {
        log.write(Level::Info, creating(&socket.url));
        log.write(Level::Info, closing(&socket.url));
    }
}

/// What the log says when a socket is made.
pub(crate) fn creating(url: &str) -> String {
    format!("Creating socket {url}")
}

/// What the log says when a socket is closed.
pub(crate) fn closing(url: &str) -> String {
    format!("Closing socket {url}")
}

#[cfg(test)]
mod tests;
