//! What readers see is what was announced.

use minder_core::ExitStatus;
use minder_core::view::ProcessView;

use super::{Rule, Verdict, When, ensure};
use crate::fact::Fact;
use crate::ledger::{Ledger, ProcessNote};

pub(super) const RULES: &[Rule] = &[
    Rule {
        says: "readers see what the daemon is up to and every group in order",
        when: When::Settled,
        check: every_group_is_seen,
    },
    Rule {
        says: "readers see when a process was last started, and when and how it ended",
        when: When::Settled,
        check: every_life_is_seen,
    },
    Rule {
        says: "readers see the state that was announced last, and the pid of the child",
        when: When::Settled,
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
    on_sight(ledger, fact, |seen, note| {
        ensure(seen.state == note.state, || {
            format!("it seems {:?}, and is {:?}", seen.state, note.state)
        })?;
        let pid = note.child.and_then(|child| child.pid);
        ensure(seen.pid == pid, || {
            format!("it seems to have pid {:?}, and has {pid:?}", seen.pid)
        })
    })
}

fn every_life_is_seen(ledger: &Ledger, fact: &Fact<'_>) -> Verdict {
    on_sight(ledger, fact, |seen, note| {
        let started = seen.started.map(|(mono, _)| mono);
        let status = note.last_end.map_or(0, code);
        let shown = (started, seen.stopped, seen.exit_status);
        let known = (note.started, note.stopped, status);
        ensure(shown == known, || format!("{shown:?} instead of {known:?}"))
    })
}

/// Supervisor's `exitstatus`.
fn code(status: ExitStatus) -> i32 {
    match status {
        ExitStatus::Code(code) => code.into(),
        ExitStatus::Signal { .. } | ExitStatus::Unknown => -1,
    }
}

/// Judges what readers see of each process, by what is known of it.
fn on_sight(
    ledger: &Ledger,
    fact: &Fact<'_>,
    judge: impl Fn(&ProcessView, &ProcessNote) -> Verdict,
) -> Verdict {
    let Fact::Settled(view, _) = fact else {
        return Ok(());
    };
    let mut count = 0;
    for seen in view.groups.iter().flat_map(|group| &group.processes) {
        let id = seen.id;
        let note = ledger.mind.processes.get(&id);
        let note = note.ok_or_else(|| format!("{id:?} is seen and not there"))?;
        judge(seen, note).map_err(|how| format!("{id:?}: {how}"))?;
        count += 1;
    }
    // Their identities differ, so those are all.
    ensure(count == ledger.mind.processes.len(), || {
        "something is not seen".into()
    })
}
