//! What a daemon leaves, and what becomes of everything when that is of no use.

use std::collections::BTreeSet;

use minder_core::process::{Down, Phase, State};
use minder_core::{ChildId, Mood, ProcessState};

use super::{Rule, Verdict, When, ensure, when_settled};
use crate::fact::{Fact, Found};
use crate::ledger::{Cause, Ledger, Speech};

/// The rule that is broken as well by a change that cannot be added to what it is a change of.
pub const CHANGES_ADD_UP: &str = "what has changed in each step adds up to what there is";

pub(super) const RULES: &[Rule] = &[
    Rule {
        says: CHANGES_ADD_UP,
        when: When::Otherwise,
        check: changes_add_up,
    },
    Rule {
        says: "without a snapshot what runs keeps its name, and everything else is stopped",
        when: When::Otherwise,
        check: what_runs_keeps_its_name,
    },
    Rule {
        says: "a child that is no process's is called a stray",
        when: When::Settled,
        check: strays_are_told_of,
    },
    Rule {
        says: "a listener is started anew of which nobody knows what it was told",
        when: When::Settled,
        check: forgotten_listeners_are_renewed,
    },
];

fn changes_add_up(_: &Ledger, fact: &Fact<'_>) -> Verdict {
    let Fact::Written { kept, whole } = fact else {
        return Ok(());
    };
    ensure(kept == whole, || format!("{kept:?} instead of {whole:?}"))
}

fn what_runs_keeps_its_name(ledger: &Ledger, fact: &Fact<'_>) -> Verdict {
    let Fact::Recovered {
        groups,
        found,
        snapshot,
    } = fact
    else {
        return Ok(());
    };
    let wanted: BTreeSet<_> = groups.iter().map(|spec| &spec.name).collect();
    let there: BTreeSet<_> = snapshot
        .groups
        .iter()
        .map(|group| &group.spec.name)
        .collect();
    ensure(wanted == there, || {
        format!("{there:?} instead of {wanted:?}")
    })?;
    for group in &snapshot.groups {
        let specs = &group.spec.processes;
        ensure(specs.len() == group.processes.len(), || {
            format!("not all of {} is there", group.spec.name)
        })?;
        for (spec, process) in specs.iter().zip(&group.processes) {
            let running: Vec<_> = living(found)
                .filter(|it| (&it.label.0, &it.label.1) == (&group.spec.name, &spec.name))
                .map(|it| (it.inherited.child, it.inherited.pid))
                .collect();
            let is_so = match process.state {
                State::Up {
                    child,
                    phase: Phase::Running { pid },
                } => running.contains(&(child, pid)),
                State::Down(Down::Stopped) => running.is_empty(),
                State::Up { .. } | State::Down(_) => false,
            };
            ensure(is_so, || {
                format!("{} is {:?}, and {running:?} run", spec.name, process.state)
            })?;
        }
    }
    let used: Option<&ChildId> = ledger.ground.named.iter().max();
    ensure(used.is_none_or(|used| snapshot.next.child > used.0), || {
        format!("{used:?} was named before")
    })
}

fn living(found: &[Found]) -> impl Iterator<Item = &Found> {
    found.iter().filter(|it| it.inherited.exited.is_none())
}

fn strays_are_told_of(ledger: &Ledger, fact: &Fact<'_>) -> Verdict {
    let (Fact::Settled(..), Cause::Adopt(inventory)) = (fact, &ledger.turn.cause) else {
        return Ok(());
    };
    let mut living = inventory.iter().filter(|it| it.exited.is_none());
    let untold = living.find(|it| {
        ledger.mind.let_go.contains(&it.child) && !ledger.turn.strays.contains(&it.child)
    });
    ensure(untold.is_none(), || {
        format!("nothing is said of {untold:?}")
    })
}

fn forgotten_listeners_are_renewed(ledger: &Ledger, fact: &Fact<'_>) -> Verdict {
    when_settled(ledger, fact, |id, note| {
        let runs = matches!(note.state, ProcessState::Starting | ProcessState::Running);
        let child = note
            .child
            .and_then(|it| ledger.mind.pools.listener(it.child));
        let forgotten = child.is_some_and(|it| matches!(it.speech, Speech::Forgotten));
        let ends = ledger.mind.mood != Mood::Running;
        ensure(!(runs && forgotten) || ends, || {
            format!("{id:?} is still {:?}", note.state)
        })?;
        let is_stopped = note.state == ProcessState::Stopped;
        let stays = ledger.turn.renewed.contains(&id) && is_stopped;
        ensure(!stays || ends, || format!("{id:?} stays STOPPED"))
    })
}
