//! What readers see is what was announced.

use minder_core::view::{GroupView, ProcessView};
use minder_core::{GroupId, ProcessId};

use super::{Rule, Verdict, ensure};
use crate::fact::Fact;
use crate::ledger::{GroupNote, Ledger, ProcessNote};

pub(super) const RULES: &[Rule] = &[
    Rule {
        says: "readers see what the daemon is up to and every group in order",
        check: every_group_is_seen,
    },
    Rule {
        says: "readers see the state that was announced last, and the pid of the child",
        check: every_process_is_seen,
    },
];

fn every_group_is_seen(ledger: &Ledger, fact: &Fact<'_>) -> Verdict {
    let Fact::Settled(view, _) = fact else {
        return Ok(());
    };
    ensure(view.mood == ledger.mind.mood, || {
        format!("{:?} instead of {:?}", view.mood, ledger.mind.mood)
    })?;
    let seen: Vec<_> = view.groups.iter().map(|group| group.id).collect();
    let active: Vec<_> = ledger
        .mind
        .by_priority()
        .iter()
        .map(|(id, _)| *id)
        .collect();
    ensure(seen == active, || format!("{seen:?} instead of {active:?}"))
}

fn every_process_is_seen(ledger: &Ledger, fact: &Fact<'_>) -> Verdict {
    let Fact::Settled(view, _) = fact else {
        return Ok(());
    };
    let active = ledger.mind.by_priority();
    let pairs = view.groups.iter().zip(active);
    pairs
        .into_iter()
        .try_for_each(|(seen, (id, group))| compare(ledger, seen, id, group))
}

fn compare(ledger: &Ledger, seen: &GroupView, id: GroupId, group: &GroupNote) -> Verdict {
    let known: Vec<_> = seen.processes.iter().map(|process| process.id).collect();
    ensure(known == group.processes, || {
        format!("{id:?} has {:?}, not {known:?}", group.processes)
    })?;
    let notes = known.iter().map(|id| ledger.mind.processes.get(id));
    let mut pairs = seen.processes.iter().zip(notes);
    pairs.try_for_each(|(seen, note)| note.map_or(Ok(()), |note| same(seen.id, seen, note)))
}

fn same(id: ProcessId, seen: &ProcessView, note: &ProcessNote) -> Verdict {
    ensure(seen.state == note.state, || {
        format!("{id:?} seems {:?}, and is {:?}", seen.state, note.state)
    })?;
    let pid = note.child.and_then(|child| child.pid);
    ensure(seen.pid == pid, || {
        format!("{id:?} seems to have pid {:?}, and has {pid:?}", seen.pid)
    })
}
