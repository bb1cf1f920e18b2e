//! Groups: what is started, stopped, added and removed together, and in which order.
//!
//! The [`Roster`] owns every active group and process, and finds them by identity, by name and by
//! child. It knows the orders: groups by priority and then by when they were added, processes by
//! the order of their group's spec, or by priority. What happens to a process is
//! [`crate::process`]'s business, and when is [`crate::core`]'s.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::child::{ChildId, GroupId, ProcessId};
use crate::process::Process;
use crate::request::{Refusal, Target};
use crate::spec::GroupSpec;

/// An active group.
#[derive(Clone, Debug)]
pub struct Group {
    /// Its identity.
    pub id: GroupId,
    /// What it asks for; another spec once processes have joined or left.
    pub spec: Arc<GroupSpec>,
    /// Its processes, in the order of the spec: the order of automatic starts.
    pub processes: Vec<ProcessId>,
    /// Its processes by priority: the order of starts and stops on request.
    pub by_priority: Vec<ProcessId>,
    /// How many of its processes are not stopped, in the sense of
    /// [`ProcessState::is_stopped`](crate::ProcessState::is_stopped).
    pub unstopped: usize,
    // By name. Few groups have more than one, and a map of its own would outweigh all else of them.
    by_name: Vec<ProcessId>,
}

/// Every active group and process.
#[derive(Debug, Default)]
pub struct Roster {
    // Identities count up, so this is also the order in which the groups were added.
    groups: BTreeMap<GroupId, Group>,
    // A map that grows at its end is half empty: what is in it had better be small.
    processes: BTreeMap<ProcessId, Box<Process>>,
    // Sorted.
    order: Vec<(i64, GroupId)>,
    names: BTreeMap<String, GroupId>,
    members: BTreeMap<ProcessId, GroupId>,
    children: BTreeMap<ChildId, ProcessId>,
}

/// What a [`Target`] means at this moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selection {
    /// One process, by the name that the user gave.
    One(ProcessId, String),
    /// All of a group or of all groups, by priority.
    Many(Vec<ProcessId>),
}

impl Roster {
    /// Makes a group active, with these processes in the order of its spec.
    pub fn add(&mut self, id: GroupId, spec: Arc<GroupSpec>, processes: Vec<Process>) {
        let (name, priority) = (spec.name.clone(), spec.priority);
        let mut by_priority: Vec<_> = processes.iter().map(|p| (p.spec.priority, p.id)).collect();
        by_priority.sort_by_key(|(priority, _)| *priority);
        let mut by_name: Vec<_> = processes.iter().map(|p| (&p.spec.name, p.id)).collect();
        by_name.sort_by_key(|(name, _)| *name);
        let group = Group {
            id,
            by_priority: by_priority.into_iter().map(|(_, id)| id).collect(),
            processes: processes.iter().map(|p| p.id).collect(),
            unstopped: processes.iter().filter(|p| !p.shown().is_stopped()).count(),
            by_name: by_name.into_iter().map(|(_, id)| id).collect(),
            spec,
        };
        for process in processes {
            self.members.insert(process.id, id);
            if let Some(child) = process.child() {
                self.children.insert(child, process.id);
            }
            self.processes.insert(process.id, Box::new(process));
        }
        self.names.insert(name, id);
        self.groups.insert(id, group);
        let place = self.place(priority, id);
        self.order.insert(place, (priority, id));
    }

    /// Forgets a group and its processes.
    pub fn remove(&mut self, id: GroupId) -> Option<Group> {
        let group = self.groups.remove(&id)?;
        self.order.retain(|(_, other)| *other != id);
        self.names.remove(&group.spec.name);
        for process in &group.processes {
            self.members.remove(process);
            // A process in the UNKNOWN state may still have a child.
            if let Some(child) = self.processes.remove(process).and_then(|p| p.child()) {
                self.children.remove(&child);
            }
        }
        Some(group)
    }

    /// Puts processes behind those of a group, which asks for `spec` from now on.
    pub fn join(&mut self, id: GroupId, spec: &Arc<GroupSpec>, processes: Vec<Process>) {
        self.respecify(id, spec);
        for process in processes {
            let (process_id, priority) = (process.id, process.spec.priority);
            let place = self.place_by_priority(id, priority);
            let place_by_name = self.place_behind(id, &process.spec.name);
            let Some(group) = self.groups.get_mut(&id) else {
                return;
            };
            group.processes.push(process_id);
            group.by_priority.insert(place, process_id);
            group.unstopped += usize::from(!process.shown().is_stopped());
            group.by_name.insert(place_by_name, process_id);
            self.members.insert(process_id, id);
            self.processes.insert(process_id, Box::new(process));
        }
    }

    /// Forgets a stopped process without a child; its group asks for `spec` from now on.
    pub fn leave(&mut self, process: ProcessId, spec: &Arc<GroupSpec>) {
        let Some(id) = self.members.remove(&process) else {
            return;
        };
        self.processes.remove(&process);
        if let Some(group) = self.groups.get_mut(&id) {
            group.processes.retain(|other| *other != process);
            group.by_priority.retain(|other| *other != process);
            group.by_name.retain(|other| *other != process);
        }
        self.respecify(id, spec);
    }

    fn respecify(&mut self, id: GroupId, spec: &Arc<GroupSpec>) {
        let Some(group) = self.groups.get_mut(&id) else {
            return;
        };
        group.spec = spec.clone();
        for process in &group.processes {
            if let Some(process) = self.processes.get_mut(process) {
                process.group = spec.clone();
            }
        }
    }

    /// Where a process comes in its group's order by priority: behind its equals.
    fn place_by_priority(&self, id: GroupId, priority: i64) -> usize {
        let of = |id: &ProcessId| self.processes.get(id).map(|p| p.spec.priority);
        self.groups.get(&id).map_or(0, |group| {
            let order = &group.by_priority;
            order.partition_point(|other| of(other) <= Some(priority))
        })
    }

    /// Where what comes behind a process of this name is in its group's order by name.
    fn place_behind(&self, id: GroupId, name: &str) -> usize {
        let of = |id: &ProcessId| self.processes.get(id).map(|p| p.spec.name.as_str());
        self.groups.get(&id).map_or(0, |group| {
            group
                .by_name
                .partition_point(|other| of(other) <= Some(name))
        })
    }

    /// The process of this name in a group; the last, if there are several.
    fn member_named(&self, group: &Group, name: &str) -> Option<ProcessId> {
        let last = self.place_behind(group.id, name).checked_sub(1)?;
        let process = self.process(*group.by_name.get(last)?)?;
        (process.spec.name == name).then_some(process.id)
    }

    /// The groups by priority, and among equals in the order of their being added.
    #[must_use]
    pub fn by_priority(&self) -> impl DoubleEndedIterator<Item = &Group> {
        let order = self.order.iter();
        order.filter_map(|(_, id)| self.groups.get(id))
    }

    /// The groups in the order of their being added.
    pub fn by_age(&self) -> impl Iterator<Item = &Group> {
        self.groups.values()
    }

    /// The group of this identity.
    #[must_use]
    pub fn group(&self, id: GroupId) -> Option<&Group> {
        self.groups.get(&id)
    }

    /// The group of this name.
    #[must_use]
    pub fn group_named(&self, name: &str) -> Option<&Group> {
        self.names.get(name).and_then(|id| self.groups.get(id))
    }

    /// The group that a process belongs to.
    #[must_use]
    pub fn group_of(&self, process: ProcessId) -> Option<&Group> {
        self.members
            .get(&process)
            .and_then(|id| self.groups.get(id))
    }

    /// The place of a group in [`by_priority`](Self::by_priority).
    #[must_use]
    pub fn place_of(&self, group: &Group) -> usize {
        self.place(group.spec.priority, group.id)
    }

    /// The process of this identity.
    #[must_use]
    pub fn process(&self, id: ProcessId) -> Option<&Process> {
        self.processes.get(&id).map(Box::as_ref)
    }

    /// Every process, in the order of their being added.
    pub fn processes(&self) -> impl Iterator<Item = &Process> {
        self.processes.values().map(Box::as_ref)
    }

    /// Whose child this is.
    #[must_use]
    pub fn parent(&self, child: ChildId) -> Option<ProcessId> {
        self.children.get(&child).copied()
    }

    /// Lets `change` have its way with a process, and keeps the books.
    pub fn change(&mut self, id: ProcessId, change: impl FnOnce(&mut Process)) {
        let Some(process) = self.processes.get_mut(&id) else {
            return;
        };
        let (stopped, child) = (process.shown().is_stopped(), process.child());
        change(process);
        let (stops, next) = (process.shown().is_stopped(), process.child());
        if child != next {
            if let Some(child) = child {
                self.children.remove(&child);
            }
            if let Some(next) = next {
                self.children.insert(next, id);
            }
        }
        let group = self
            .members
            .get(&id)
            .and_then(|group| self.groups.get_mut(group));
        if let Some(group) = group {
            group.unstopped = group.unstopped - usize::from(!stopped) + usize::from(!stops);
        }
    }

    /// What `target` means.
    pub fn select(&self, target: &Target) -> Result<Selection, Refusal> {
        let unknown = |given: &str| Refusal::BadName(given.to_string());
        match target {
            Target::All => {
                let all = self.by_priority().flat_map(|group| &group.by_priority);
                Ok(Selection::Many(all.copied().collect()))
            }
            Target::Group(name) => self
                .group_named(name)
                .map(|group| Selection::Many(group.by_priority.clone()))
                .ok_or_else(|| unknown(name)),
            Target::Named(given) => {
                let (group, process) = given.split_once(':').unwrap_or((given, given));
                let group = self.group_named(group).ok_or_else(|| unknown(given))?;
                match process {
                    "" | "*" if given.contains(':') => {
                        Ok(Selection::Many(group.by_priority.clone()))
                    }
                    name => self
                        .member_named(group, name)
                        .map(|id| Selection::One(id, given.clone()))
                        .ok_or_else(|| unknown(given)),
                }
            }
        }
    }

    fn place(&self, priority: i64, id: GroupId) -> usize {
        self.order.partition_point(|other| *other < (priority, id))
    }
}

/// How Supervisor writes the name of one process of several: the group is left out where it is
/// the same.
#[must_use]
pub fn full_name(group: &str, process: &str) -> String {
    if group == process {
        process.to_string()
    } else {
        alloc::format!("{group}:{process}")
    }
}
