//! Processes that join an active group, and leave it again, at a user's request.
//!
//! No file tells of them. They are in the snapshot, so they outlive the daemon; and `reread` finds
//! that their group differs from what is configured, so they do not outlive an update.

use alloc::collections::BTreeSet;
use alloc::sync::Arc;
use alloc::vec::Vec;

use super::Core;
use crate::child::{GroupId, ProcessId, take};
use crate::effect::{Effect, Effects};
use crate::process::Process;
use crate::request::Refusal;
use crate::spec::{GroupKind, GroupSpec, ProcessSpec};

impl Core {
    /// Adds processes to a group, and answers their identities. Nothing is started yet.
    pub(super) fn add_processes(
        &mut self,
        name: &str,
        specs: Vec<Arc<ProcessSpec>>,
        fx: &mut Effects,
    ) -> Result<Vec<ProcessId>, Refusal> {
        let group = self.roster.group_named(name);
        let group = group.ok_or_else(|| Refusal::BadName(name.into()))?;
        let (id, mut wanted) = (group.id, GroupSpec::clone(&group.spec));
        // Each process of such a group is a listener, or has the group's socket.
        if wanted.kind != GroupKind::Programs {
            let text = alloc::format!("{name} is no group of programs");
            return Err(Refusal::Failed(text));
        }
        let mut names: BTreeSet<_> = wanted.processes.iter().map(|it| it.name.clone()).collect();
        if let Some(taken) = specs.iter().find(|spec| !names.insert(spec.name.clone())) {
            return Err(Refusal::BadName(taken.name.clone()));
        }
        if specs.is_empty() {
            return Ok(Vec::new());
        }
        wanted.processes.extend(specs.iter().cloned());
        let wanted = self.replace_spec(id, wanted);
        let processes: Vec<_> = specs
            .into_iter()
            .map(|spec| (ProcessId(take(&mut self.next.process)), spec))
            .collect();
        let joining = processes
            .iter()
            .map(|(id, spec)| Process::new(*id, wanted.clone(), spec.clone()));
        let joining = joining.collect();
        self.roster.join(id, &wanted, joining);
        let ids = processes.iter().map(|(id, _)| *id).collect();
        fx.push(Effect::ProcessesAdded {
            group: id,
            processes,
        });
        Ok(ids)
    }

    /// Forgets a stopped process of a group.
    pub(super) fn remove_process(
        &mut self,
        group: &str,
        process: &str,
        fx: &mut Effects,
    ) -> Result<(), Refusal> {
        let unknown = |name: &str| Refusal::BadName(name.into());
        let group = self
            .roster
            .group_named(group)
            .ok_or_else(|| unknown(group))?;
        let members = group.processes.iter();
        let found = members
            .filter_map(|id| self.roster.process(*id))
            .find(|it| it.spec.name == process)
            .ok_or_else(|| unknown(process))?;
        // In the UNKNOWN state it may still have a child.
        if !found.shown().is_stopped() || found.child().is_some() {
            return Err(Refusal::StillRunning(process.into()));
        }
        let (id, leaving) = (group.id, found.id);
        let mut wanted = GroupSpec::clone(&group.spec);
        wanted.processes.retain(|spec| spec.name != process);
        let wanted = self.replace_spec(id, wanted);
        self.roster.leave(leaving, &wanted);
        self.pools.leave(id, leaving);
        fx.push(Effect::ProcessRemoved {
            group: id,
            process: leaving,
        });
        Ok(())
    }

    /// The spec that a group gets instead of the one it has. As in Supervisor, what is active and
    /// what was last read are one and the same until somebody reads the configuration again.
    fn replace_spec(&mut self, id: GroupId, wanted: GroupSpec) -> Arc<GroupSpec> {
        let wanted = Arc::new(wanted);
        self.groups_changed();
        let old = self.roster.group(id).map(|group| &group.spec);
        let is_old = |spec: &Arc<GroupSpec>| old.is_some_and(|old| Arc::ptr_eq(old, spec));
        if self.candidate.iter().any(is_old) {
            let specs = self.candidate.iter();
            let replaced = specs.map(|spec| if is_old(spec) { &wanted } else { spec });
            self.candidate = replaced.cloned().collect();
        }
        wanted
    }
}
