//! When what a daemon left cannot be used: going on with the children alone, as far as their labels
//! tell whose they are.

use std::collections::BTreeMap;
use std::sync::Arc;

use minder_core::{GroupSpec, Now, Snapshot};

use crate::link::FoundChild;

/// What can be said of the processes of a configuration from the children that there are.
pub(crate) fn recover(now: Now, groups: Vec<Arc<GroupSpec>>, children: &[FoundChild]) -> Snapshot {
    let running: BTreeMap<&str, &FoundChild> = children
        .iter()
        .filter(|found| found.ended.is_none())
        .map(|found| (found.label.as_str(), found))
        .collect();
    Snapshot::of_children(now, groups, |group, process| {
        let found = running.get(label(group, process).as_str())?;
        Some((found.child, found.pid))
    })
}

/// What a child of a process is labelled with.
pub(crate) fn label(group: &str, process: &str) -> String {
    format!("{group}:{process}")
}
