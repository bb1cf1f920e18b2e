//! When what a daemon left cannot be used: going on with the children alone.
//!
//! The children run, and their labels say whose they are. Nothing else is known, so nothing is
//! guessed: a process whose child runs is taken to be up, every other is left stopped, for it may
//! have been stopped on purpose, and nothing is ever started twice.

use std::collections::BTreeMap;
use std::sync::Arc;

use minder_core::process::{Phase, State};
use minder_core::snapshot::{GroupSnapshot, NextIds};
use minder_core::{GroupId, GroupSpec, Mood, Now, ProcessId, Snapshot};

use super::untouched;
use crate::link::FoundChild;

/// What can be said of the processes of a configuration from the children that there are.
pub(crate) fn recover(now: Now, groups: Vec<Arc<GroupSpec>>, children: &[FoundChild]) -> Snapshot {
    let running: BTreeMap<&str, &FoundChild> = children
        .iter()
        .filter(|found| found.ended.is_none())
        .map(|found| (found.label.as_str(), found))
        .collect();
    let mut next = NextIds {
        child: 1,
        process: 1,
        group: 1,
    };
    let mut snapshots: Vec<GroupSnapshot> = Vec::new();
    for spec in &groups {
        // Of two with one name the first is meant.
        if snapshots.iter().any(|known| known.spec.name == spec.name) {
            continue;
        }
        let processes = spec.processes.iter().map(|process| {
            let mut left = untouched(ProcessId(take(&mut next.process)));
            let label = label(&spec.name, &process.name);
            if let Some(found) = running.get(label.as_str()) {
                let (child, pid) = (found.child, found.pid);
                left.state = State::Up {
                    child,
                    phase: Phase::Running { pid },
                };
                left.started = Some(now);
            }
            left
        });
        let processes = processes.collect();
        let id = GroupId(take(&mut next.group));
        snapshots.push(GroupSnapshot {
            id,
            spec: Arc::clone(spec),
            processes,
            pool: None,
        });
    }
    Snapshot {
        mood: Mood::Running,
        groups: snapshots,
        candidate: groups,
        next,
        serial: 0,
        tick: now.wall.0.as_secs(),
    }
}

fn take(counter: &mut u64) -> u64 {
    let taken = *counter;
    *counter += 1;
    taken
}

/// What a child of a process is labelled with.
pub(crate) fn label(group: &str, process: &str) -> String {
    format!("{group}:{process}")
}
