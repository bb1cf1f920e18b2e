//! Each process has one child at most, and each child is accounted for once.

use minder_core::snapshot::Inherited;
use minder_core::{Effect, ProcessState};

use super::{Rule, Verdict, When, ensure, when_settled};
use crate::fact::Fact;
use crate::ledger::{Cause, Ledger};

pub(super) const RULES: &[Rule] = &[
    Rule {
        says: "no process has two children",
        when: When::Otherwise,
        check: no_two_children,
    },
    Rule {
        says: "no identity of a child is used twice",
        when: When::Asked,
        check: identities_are_new,
    },
    Rule {
        says: "a child is asked for when a start is announced, and only then",
        when: When::AskedOrSettled,
        check: a_child_is_asked_for_once,
    },
    Rule {
        says: "the end of a child is taken note of at once",
        when: When::Settled,
        check: an_end_is_taken_note_of,
    },
    Rule {
        says: "every child that lives is some process's",
        when: When::Settled,
        check: every_child_is_minded,
    },
    Rule {
        says: "a child is called a stray only if its process is gone",
        when: When::Asked,
        check: strays_are_nobodys,
    },
];

fn no_two_children(ledger: &Ledger, fact: &Fact<'_>) -> Verdict {
    let Fact::Made { child, process, .. } = fact else {
        return Ok(());
    };
    let mut living = ledger.ground.living.iter();
    match living.find(|(_, its)| *its == process) {
        None => Ok(()),
        Some((other, _)) => Err(format!("{process:?} has {other:?}, and now {child:?}")),
    }
}

fn identities_are_new(ledger: &Ledger, fact: &Fact<'_>) -> Verdict {
    let Fact::Asked(Effect::Spawn { child, .. }) = fact else {
        return Ok(());
    };
    ensure(!ledger.ground.named.contains(child), || {
        format!("{child:?} was named to the keeper before")
    })
}

fn a_child_is_asked_for_once(ledger: &Ledger, fact: &Fact<'_>) -> Verdict {
    if let Fact::Asked(Effect::Spawn { process, spec, .. }) = fact {
        let note = ledger.mind.processes.get(process);
        let note = note.ok_or("it is for no process of an active group")?;
        ensure(note.state == ProcessState::Starting, || {
            format!("{process:?} is {:?}", note.state)
        })?;
        // Or else a daemon that died has asked in vain.
        let lacks = note
            .child
            .is_none_or(|child| ledger.turn.is_lost_spawn_of(&child));
        ensure(lacks, || {
            format!("{process:?} has a child: {:?}", note.child)
        })?;
        return ensure(*spec == note.spec, || "it is not as configured".into());
    }
    when_settled(ledger, fact, |id, note| {
        let lacks = note.state == ProcessState::Starting && note.child.is_none();
        ensure(!lacks, || format!("{id:?} is STARTING without one"))
    })
}

fn an_end_is_taken_note_of(ledger: &Ledger, fact: &Fact<'_>) -> Verdict {
    when_settled(ledger, fact, |id, note| {
        let Some(child) = &note.child else {
            return Ok(());
        };
        let (turn, now) = (&ledger.turn, ledger.now);
        let over = turn.end_of(child, now).is_some() || turn.is_failed_spawn_of(child);
        ensure(!over, || format!("{id:?} still has {child:?}"))
    })
}

fn every_child_is_minded(ledger: &Ledger, fact: &Fact<'_>) -> Verdict {
    let Fact::Settled(..) = fact else {
        return Ok(());
    };
    ledger
        .ground
        .living
        .iter()
        .try_for_each(|(child, process)| {
            let minded =
                ledger.mind.process_of(*child).is_some() || ledger.mind.let_go.contains(child);
            ensure(minded, || format!("{child:?} of {process:?} is nobody's"))
        })
}

fn strays_are_nobodys(ledger: &Ledger, fact: &Fact<'_>) -> Verdict {
    let Fact::Asked(Effect::Stray { child, pid }) = fact else {
        return Ok(());
    };
    let is_it =
        |found: &Inherited| found.child == *child && found.pid == *pid && found.exited.is_none();
    let there = matches!(&ledger.turn.cause, Cause::Adopt(found) if found.iter().any(is_it));
    ensure(there, || format!("{child:?} does not run"))?;
    ensure(ledger.mind.let_go.contains(child), || {
        format!("{child:?} belongs to a process")
    })
}
