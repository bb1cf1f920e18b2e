//! What a new configuration would change.
//!
//! Compares and sorts specs, and nothing else: `reread` only says what it found, and a group
//! changes when somebody removes and adds it.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::request::Changes;
use crate::spec::GroupSpec;

/// The groups in the order in which they are started when all are started: by priority, then by
/// name.
#[must_use]
pub fn in_start_order(mut groups: Vec<Arc<GroupSpec>>) -> Vec<Arc<GroupSpec>> {
    groups.sort_by(|a, b| (a.priority, &a.name).cmp(&(b.priority, &b.name)));
    groups
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
