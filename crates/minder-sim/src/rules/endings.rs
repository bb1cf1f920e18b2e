//! How everything ends, and that it does.

use minder_core::effect::Halt;
use minder_core::event::Event;
use minder_core::{Effect, Mood};

use super::stops::is_at_rest;
use super::{Rule, Verdict, When, ensure};
use crate::fact::Fact;
use crate::ledger::{Ledger, Mind};

pub(super) const RULES: &[Rule] = &[
    Rule {
        says: "the daemon halts once, when everything is stopped",
        when: When::Asked,
        check: halts_when_all_is_stopped,
    },
    Rule {
        says: "the daemon halts as soon as everything is stopped",
        when: When::Settled,
        check: halts_as_soon_as_all_is_stopped,
    },
    Rule {
        says: "listeners are told once that the daemon stops",
        when: When::AskedOrSettled,
        check: the_end_is_announced,
    },
    Rule {
        says: "when everything has come to rest nobody waits for anything",
        when: When::Otherwise,
        check: everything_comes_to_rest,
    },
    Rule {
        says: "no child is left when the daemon leaves, and nobody waits",
        when: When::Otherwise,
        check: nothing_is_left,
    },
];

fn halt_wanted(mind: &Mind) -> Option<Halt> {
    match mind.mood {
        Mood::Running => None,
        Mood::Restarting => Some(Halt::Restart),
        Mood::ShuttingDown => Some(Halt::Exit),
    }
}

fn all_is_stopped(mind: &Mind) -> bool {
    let is_awaited = mind.strays.values().any(Option::is_some);
    !is_awaited && mind.groups.values().all(|group| mind.is_stopped(group))
}

fn halts_when_all_is_stopped(ledger: &Ledger, fact: &Fact<'_>) -> Verdict {
    let Fact::Asked(Effect::Halt(halt)) = fact else {
        return Ok(());
    };
    let mind = &ledger.mind;
    ensure(halt_wanted(mind) == Some(*halt), || {
        format!("the daemon is {:?}", mind.mood)
    })?;
    ensure(all_is_stopped(mind), || "something is not stopped".into())?;
    ensure(mind.halted != Some(*halt), || "it did so before".into())
}

fn halts_as_soon_as_all_is_stopped(ledger: &Ledger, fact: &Fact<'_>) -> Verdict {
    let Fact::Settled(..) = fact else {
        return Ok(());
    };
    let mind = &ledger.mind;
    let due = all_is_stopped(mind).then(|| halt_wanted(mind)).flatten();
    ensure(due.is_none() || mind.halted == due, || {
        "everything is stopped".into()
    })
}

fn the_end_is_announced(ledger: &Ledger, fact: &Fact<'_>) -> Verdict {
    let turn = &ledger.turn;
    let begins = turn.mood == Mood::Running && ledger.mind.mood != Mood::Running;
    match fact {
        Fact::Asked(Effect::Announce(Event::SupervisorStopping)) => {
            ensure(begins && !turn.stopping_told, || {
                "there is nothing new to tell".into()
            })
        }
        Fact::Settled(..) => ensure(begins == turn.stopping_told, || "they were not".into()),
        _ => Ok(()),
    }
}

fn everything_comes_to_rest(ledger: &Ledger, fact: &Fact<'_>) -> Verdict {
    let Fact::Rested = fact else {
        return Ok(());
    };
    let mut notes = ledger.mind.processes.iter();
    if let Some((id, note)) = notes.find(|(_, note)| !is_at_rest(note.state)) {
        return Err(format!("{id:?} is {:?}", note.state));
    }
    unanswered(ledger)
}

fn unanswered(ledger: &Ledger) -> Verdict {
    match ledger.ground.open.first_key_value() {
        None => Ok(()),
        Some((id, open)) => Err(format!("{id:?} is not answered: {:?}", open.request)),
    }
}

/// Children that no signal reaches are nobody's fault.
fn nothing_is_left(ledger: &Ledger, fact: &Fact<'_>) -> Verdict {
    let Fact::Left = fact else {
        return Ok(());
    };
    let mind = &ledger.mind;
    let mut living = ledger.ground.living.keys();
    let left = living.find(|child| {
        let note = mind.process_of(**child);
        !mind.let_go.contains(child)
            && note.is_none_or(|(_, note)| note.state != minder_core::ProcessState::Unknown)
    });
    if let Some(child) = left {
        return Err(format!("{child:?} lives"));
    }
    unanswered(ledger)
}
