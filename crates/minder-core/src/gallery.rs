//! The picture that readers are shown.
//!
//! Keeps the [`View`] of the last asking and what has changed since, so that a new one shares
//! with it whatever did not change.

use alloc::collections::BTreeSet;
use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::child::ProcessId;
use crate::group::{Group, Roster};
use crate::spec::GroupSpec;
use crate::state::Mood;
use crate::view::{GroupView, View};

/// The last picture, and what of it is out of date.
#[derive(Debug)]
pub(crate) struct Gallery {
    view: Arc<View>,
    changed: BTreeSet<ProcessId>,
    // Whether groups were added or removed, or have other processes.
    regrouped: bool,
}

impl Gallery {
    /// A picture of nothing at all.
    pub(crate) fn new() -> Self {
        Self {
            view: Arc::new(View {
                mood: Mood::Running,
                groups: Vec::new(),
                candidate: Arc::new([]),
            }),
            changed: BTreeSet::new(),
            regrouped: true,
        }
    }

    /// A process may look different.
    pub(crate) fn process_changed(&mut self, process: ProcessId) {
        self.changed.insert(process);
    }

    /// A group was added or removed, or has other processes.
    pub(crate) fn groups_changed(&mut self) {
        self.regrouped = true;
    }

    /// The picture as of now.
    pub(crate) fn view(
        &mut self,
        mood: Mood,
        candidate: &Arc<[Arc<GroupSpec>]>,
        roster: &Roster,
    ) -> Arc<View> {
        if self.regrouped {
            self.regroup(roster);
        }
        if self.view.mood != mood || !Arc::ptr_eq(&self.view.candidate, candidate) {
            let view = Arc::make_mut(&mut self.view);
            view.mood = mood;
            view.candidate = candidate.clone();
        }
        if !self.changed.is_empty() {
            self.redraw(roster);
        }
        self.view.clone()
    }

    fn regroup(&mut self, roster: &Roster) {
        self.regrouped = false;
        let mut old = core::mem::take(&mut Arc::make_mut(&mut self.view).groups);
        old.sort_by_key(|group| group.id);
        let groups = roster.by_priority().map(|group| {
            match old.binary_search_by_key(&group.id, |old| old.id) {
                Ok(place) if Arc::ptr_eq(&old[place].spec, &group.spec) => old[place].clone(),
                Ok(_) | Err(_) => Arc::new(draw(group, roster)),
            }
        });
        Arc::make_mut(&mut self.view).groups = groups.collect();
    }

    fn redraw(&mut self, roster: &Roster) {
        let view = Arc::make_mut(&mut self.view);
        for id in core::mem::take(&mut self.changed) {
            let (Some(process), Some(group)) = (roster.process(id), roster.group_of(id)) else {
                continue;
            };
            let group_view = Arc::make_mut(&mut view.groups[roster.place_of(group)]);
            // Identities count up in the order of the spec.
            if let Ok(place) = group.processes.binary_search(&id) {
                group_view.processes[place] = Arc::new(process.view());
            }
        }
    }
}

fn draw(group: &Group, roster: &Roster) -> GroupView {
    let processes = group.processes.iter().filter_map(|id| roster.process(*id));
    GroupView {
        id: group.id,
        spec: group.spec.clone(),
        processes: processes.map(|process| Arc::new(process.view())).collect(),
    }
}
