//! Groups come and go as a whole, under identities of their own.

use minder_core::Effect;
use minder_core::event::Event;

use super::{Rule, Verdict, When, ensure};
use crate::fact::Fact;
use crate::ledger::{Cause, Ledger};

pub(super) const RULES: &[Rule] = &[
    Rule {
        says: "a group is added as it is configured, under new identities",
        when: When::Asked,
        check: a_group_is_added_as_configured,
    },
    Rule {
        says: "a group or a process is removed only when all of it is stopped",
        when: When::Asked,
        check: a_group_is_removed_when_stopped,
    },
    Rule {
        says: "the daemon says once that it runs",
        when: When::Asked,
        check: the_daemon_says_once_that_it_runs,
    },
];

fn a_group_is_added_as_configured(ledger: &Ledger, fact: &Fact<'_>) -> Verdict {
    let mind = &ledger.mind;
    if let Fact::Asked(Effect::ProcessesAdded { group, processes }) = fact {
        let last = mind.processes.keys().max();
        let ids = processes.iter().map(|(id, _)| id);
        let is_new = ids.clone().min() > last && ids.is_sorted();
        return ensure(is_new && mind.groups.contains_key(group), || {
            "an identity was used before, or nobody is joined".into()
        });
    }
    let Fact::Asked(Effect::GroupAdded {
        id,
        spec,
        processes,
    }) = fact
    else {
        return Ok(());
    };
    ensure(mind.candidate.contains(spec), || {
        format!("nobody configured {} so", spec.name)
    })?;
    ensure(mind.group_named(&spec.name).is_none(), || {
        format!("{} is active already", spec.name)
    })?;
    let last = (mind.groups.keys().max(), mind.processes.keys().max());
    // All its processes may have been removed before it was.
    let are_new = processes.first().is_none_or(|first| Some(first) > last.1);
    let is_new = Some(id) > last.0 && are_new && processes.is_sorted();
    ensure(is_new, || "an identity was used before".into())?;
    ensure(processes.len() == spec.processes.len(), || {
        "not every process has an identity".into()
    })
}

fn a_group_is_removed_when_stopped(ledger: &Ledger, fact: &Fact<'_>) -> Verdict {
    if let Fact::Asked(Effect::ProcessRemoved { process, .. }) = fact {
        let note = ledger.mind.processes.get(process);
        let note = note.ok_or("it is not active")?;
        let is_stopped = note.state.is_stopped() && note.child.is_none();
        return ensure(is_stopped, || format!("{} is not stopped", note.spec.name));
    }
    let Fact::Asked(Effect::GroupRemoved { id }) = fact else {
        return Ok(());
    };
    let group = ledger.mind.groups.get(id).ok_or("it is not active")?;
    ensure(ledger.mind.is_stopped(group), || {
        format!("{} is not stopped", group.spec.name)
    })
}

fn the_daemon_says_once_that_it_runs(ledger: &Ledger, fact: &Fact<'_>) -> Verdict {
    let Fact::Asked(Effect::Announce(Event::SupervisorRunning)) = fact else {
        return Ok(());
    };
    let starts = matches!(ledger.turn.cause, Cause::Start);
    ensure(starts && !ledger.mind.running_told, || {
        "it did so before".into()
    })
}
