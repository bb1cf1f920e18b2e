//! What a new configuration would change.
//!
//! Compares and sorts specs, and nothing else: `reread` only says what it found, and a group
//! changes when somebody removes and adds it, which is what an [`Update`] is.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::time::Duration;

use crate::group::full_name;
use crate::request::Changes;
use crate::spec::GroupSpec;
use crate::state::ProcessState;
use crate::view::{GroupView, ProcessView, View};

/// The groups in the order in which they are started when all are started: by priority, then by
/// name.
#[must_use]
pub fn in_start_order(mut groups: Vec<Arc<GroupSpec>>) -> Vec<Arc<GroupSpec>> {
    groups.sort_by(|a, b| (a.priority, &a.name).cmp(&(b.priority, &b.name)));
    groups
}

/// Those of the groups that become active if all do: of several with one name the first is meant.
pub fn meant(groups: &[Arc<GroupSpec>]) -> impl Iterator<Item = &Arc<GroupSpec>> {
    let mut names: BTreeSet<&str> = BTreeSet::new();
    groups.iter().filter(move |spec| names.insert(&spec.name))
}

/// How `candidate`, in start order, differs from the `active` groups, in the order of their being
/// added.
#[must_use]
pub fn changes(active: &[&Arc<GroupSpec>], candidate: &[Arc<GroupSpec>]) -> Changes {
    let current: BTreeMap<_, _> = active
        .iter()
        .map(|spec| (spec.name.as_str(), *spec))
        .collect();
    let wanted: BTreeSet<_> = candidate.iter().map(|spec| spec.name.as_str()).collect();
    let mut changes = Changes::default();
    for spec in candidate {
        match current.get(spec.name.as_str()) {
            None => changes.added.push(spec.name.clone()),
            Some(now) if *now != spec => changes.changed.push(spec.name.clone()),
            Some(_) => {}
        }
    }
    changes.removed = active
        .iter()
        .filter(|spec| !wanted.contains(spec.name.as_str()))
        .map(|spec| spec.name.clone())
        .collect();
    changes
}

/// What an update does, if nothing else happens meanwhile.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Update {
    /// In the order in which it is done: groups that are removed, changed, added.
    pub steps: Vec<Step>,
    /// How many processes are left alone.
    pub untouched: usize,
}

/// What an update does to one group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// What becomes of it.
    pub change: Change,
    /// Its name.
    pub group: String,
    /// How many processes it has: afterwards, or, if it is removed, before.
    pub processes: usize,
    /// What users call the processes that are stopped.
    pub stops: Vec<String>,
    /// What users call the processes that are started.
    pub starts: Vec<String>,
    /// How long the slowest of those that are stopped may take until it is killed, if there are any.
    pub longest_wait: Option<Duration>,
}

/// What becomes of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It is not configured any more.
    Removed,
    /// Its options are others.
    Changed,
    /// It is new.
    Added,
}

impl Update {
    /// What it takes from `view` to `candidate`, in any order.
    #[must_use]
    pub fn new(view: &View, candidate: &[Arc<GroupSpec>]) -> Self {
        let candidate = in_start_order(candidate.to_vec());
        let active: Vec<_> = view.groups.iter().map(|group| &group.spec).collect();
        let changes = changes(&active, &candidate);
        let steps = |change, names: &[String]| -> Vec<Step> {
            let step = |name: &String| Step::new(change, name, view, &candidate);
            names.iter().map(step).collect()
        };
        let all: usize = view.groups.iter().map(|it| it.processes.len()).sum();
        let touched = changes.removed.iter().chain(&changes.changed);
        let touched = touched.filter_map(|name| active_group(view, name));
        let touched: usize = touched.map(|it| it.processes.len()).sum();
        Self {
            steps: [
                steps(Change::Removed, &changes.removed),
                steps(Change::Changed, &changes.changed),
                steps(Change::Added, &changes.added),
            ]
            .concat(),
            untouched: all - touched,
        }
    }

    /// How long stopping may take at most: groups are stopped one after the other, the processes of
    /// one together.
    #[must_use]
    pub fn longest_wait(&self) -> Duration {
        self.steps.iter().filter_map(|it| it.longest_wait).sum()
    }
}

impl Step {
    fn new(change: Change, name: &str, view: &View, candidate: &[Arc<GroupSpec>]) -> Self {
        let old = active_group(view, name);
        let new = candidate.iter().find(|it| it.name == name);
        let running = || old.into_iter().flat_map(running);
        let started = new.into_iter().flat_map(|it| &it.processes);
        let started = started.filter(|it| it.autostart);
        let (before, after) = (
            old.map(|it| it.processes.len()),
            new.map(|it| it.processes.len()),
        );
        Self {
            change,
            group: name.into(),
            processes: after.or(before).unwrap_or(0),
            stops: running().map(|it| full_name(name, &it.spec.name)).collect(),
            starts: started.map(|it| full_name(name, &it.name)).collect(),
            longest_wait: running().map(|it| it.spec.stop_wait()).max(),
        }
    }
}

fn active_group<'a>(view: &'a View, name: &str) -> Option<&'a GroupView> {
    let found = view.groups.iter().find(|it| it.spec.name == name);
    found.map(|it| &**it)
}

/// Those that have to be stopped, or waited for because they are stopping.
fn running(group: &GroupView) -> impl Iterator<Item = &ProcessView> {
    let is_up = |state: ProcessState| state.is_running() || state == ProcessState::Stopping;
    let processes = group.processes.iter().map(|it| &**it);
    processes.filter(move |it| is_up(it.state))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::child::{GroupId, ProcessId};
    use crate::spec::ProcessSpec;
    use crate::state::Mood;
    use crate::testing::{prioritised, program};

    fn waiting(name: &str, secs: i64) -> ProcessSpec {
        ProcessSpec {
            stop_wait_secs: secs,
            ..program(name)
        }
    }

    /// The groups as they are when every process is in that state.
    fn view(state: ProcessState, groups: &[Arc<GroupSpec>]) -> View {
        let process = |spec: &Arc<ProcessSpec>| {
            Arc::new(ProcessView {
                id: ProcessId(1),
                spec: Arc::clone(spec),
                state,
                pid: None,
                started: None,
                stopped: None,
                spawn_error: String::new(),
                exit_status: 0,
            })
        };
        let group = |spec: &Arc<GroupSpec>| {
            Arc::new(GroupView {
                id: GroupId(1),
                spec: Arc::clone(spec),
                processes: spec.processes.iter().map(process).collect(),
            })
        };
        View {
            mood: Mood::Running,
            groups: groups.iter().map(group).collect(),
            candidate: Arc::new([]),
        }
    }

    #[test]
    fn an_update_goes_through_what_is_removed_changed_and_added_in_start_order() {
        let active = [
            prioritised("kept", 5, &[waiting("kept", 90)]),
            prioritised("old", 1, &[waiting("a", 4), waiting("b", 7)]),
            prioritised("team", 2, &[waiting("one", 10)]),
        ];
        let idle = ProcessSpec {
            autostart: false,
            ..program("idle")
        };
        let candidate = [
            prioritised("late", 20, &[program("late")]),
            prioritised("team", 9, &[program("one"), idle]),
            prioritised("early", 3, &[program("early")]),
            Arc::clone(&active[0]),
        ];
        let update = Update::new(&view(ProcessState::Running, &active), &candidate);
        let told: Vec<_> = update
            .steps
            .iter()
            .map(|it| (it.change, &*it.group, it.processes, it.longest_wait))
            .collect();
        let secs = |secs| Some(Duration::from_secs(secs));
        assert_eq!(
            told,
            [
                (Change::Removed, "old", 2, secs(7)),
                (Change::Changed, "team", 2, secs(10)),
                (Change::Added, "early", 1, None),
                (Change::Added, "late", 1, None),
            ]
        );
        assert_eq!(update.steps[0].stops, ["old:a", "old:b"]);
        assert_eq!(update.steps[1].stops, ["team:one"]);
        assert_eq!(update.steps[1].starts, ["team:one"]);
        assert_eq!(update.steps[2].starts, ["early"]);
        assert_eq!(update.longest_wait(), Duration::from_secs(17));
        assert_eq!(update.untouched, 1);
    }

    #[test]
    fn what_is_stopped_already_is_not_waited_for() {
        let active = [prioritised("web", 1, &[waiting("web", 60)])];
        let update = Update::new(&view(ProcessState::Stopped, &active), &[]);
        assert_eq!(update.steps[0].stops, [] as [&str; 0]);
        assert_eq!(update.steps[0].longest_wait, None);
        let stopping = Update::new(&view(ProcessState::Stopping, &active), &[]);
        assert_eq!(stopping.longest_wait(), Duration::from_secs(60));
        let nothing = Update::new(&view(ProcessState::Running, &active), &active);
        assert_eq!((nothing.steps.len(), nothing.untouched), (0, 1));
    }
}
