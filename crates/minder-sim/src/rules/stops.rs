//! What is stopped, and in which order.

use minder_core::ProcessState::{Backoff, Fatal, Running, Starting, Stopped, Stopping};
use minder_core::{GroupId, Input, Mood, ProcessId, ProcessState, Request};

use super::{Rule, Verdict, When, ensure, on_move, when_settled};
use crate::fact::Fact;
use crate::ledger::{Cause, Ledger, ProcessNote, Speech};

pub(super) const RULES: &[Rule] = &[
    Rule {
        says: "nothing is stopped without a reason",
        when: When::Asked,
        check: nothing_stops_without_a_reason,
    },
    Rule {
        says: "what a user wants stopped begins to stop as soon as it can",
        when: When::Settled,
        check: what_is_unwanted_stops,
    },
    Rule {
        says: "at the end a group is stopped only after the groups that come after it",
        when: When::Asked,
        check: groups_end_one_by_one,
    },
    Rule {
        says: "at the end the group whose turn it is begins to stop",
        when: When::Settled,
        check: the_next_group_ends,
    },
    Rule {
        says: "what is stopped together is stopped in order",
        when: When::Settled,
        check: stops_are_in_order,
    },
];

fn nothing_stops_without_a_reason(ledger: &Ledger, fact: &Fact<'_>) -> Verdict {
    on_move(ledger, fact, |step, note| {
        let reason = match (step.from, step.to.state()) {
            (_, Stopping) => {
                let listener = note
                    .child
                    .and_then(|it| ledger.mind.pools.listener(it.child));
                let forgotten = listener.is_some_and(|it| matches!(it.speech, Speech::Forgotten));
                note.stop_asked || forgotten || ledger.mind.mood != Mood::Running
            }
            (Backoff, Stopped) => note.stop_asked,
            _ => true,
        };
        ensure(reason, || "nobody asked for it".into())
    })
}

/// Of a child that is being made it is not known yet whether there will be anything to stop.
fn can_be_stopped(note: &ProcessNote) -> bool {
    match note.state {
        Running | Backoff => true,
        Starting => note.child.is_some_and(|child| child.pid.is_some()),
        _ => false,
    }
}

fn what_is_unwanted_stops(ledger: &Ledger, fact: &Fact<'_>) -> Verdict {
    when_settled(ledger, fact, |id, note| {
        ensure(!(note.stop_asked && can_be_stopped(note)), || {
            format!("{id:?} is still {:?}", note.state)
        })
    })
}

fn groups_end_one_by_one(ledger: &Ledger, fact: &Fact<'_>) -> Verdict {
    on_move(ledger, fact, |step, note| {
        let spent = i64::from(note.tries) > note.spec.start_retries;
        let told = match (step.from, step.to.state()) {
            (_, Stopping) => !note.stop_asked,
            (Backoff, Fatal) => !spent,
            _ => false,
        };
        if !told || ledger.mind.mood == Mood::Running {
            return Ok(());
        }
        let mut after = ledger.mind.by_priority().into_iter().rev();
        let early = after
            .by_ref()
            .take_while(|(id, _)| *id != note.group)
            .find(|(_, group)| !ledger.mind.is_stopped(group));
        match early {
            None => Ok(()),
            Some((_, group)) => Err(format!("{} is not stopped", group.spec.name)),
        }
    })
}

fn the_next_group_ends(ledger: &Ledger, fact: &Fact<'_>) -> Verdict {
    if ledger.mind.mood == Mood::Running {
        return Ok(());
    }
    let mut groups = ledger.mind.by_priority().into_iter().rev();
    let next = groups.find(|(_, group)| !ledger.mind.is_stopped(group));
    // A listener may answer first; that nobody waits for it for ever shows in that everything ends.
    let is_busy = |id: GroupId| {
        let pool = ledger.mind.pools.by_group.get(&id);
        let mut listeners = pool.into_iter().flat_map(|it| it.listeners.values());
        listeners.any(|it| matches!(it.speech, Speech::Busy(..)))
    };
    let next = next.map(|(id, _)| id).filter(|id| !is_busy(*id));
    when_settled(ledger, fact, |id, note| {
        let idle = Some(note.group) == next && can_be_stopped(note);
        ensure(!idle, || format!("{id:?} is still {:?}", note.state))
    })
}

/// On request in ascending order, as Supervisor has it, and at the end in descending order. Not
/// at an adoption, where those come first whose stop waited for their child.
fn stops_are_in_order(ledger: &Ledger, fact: &Fact<'_>) -> Verdict {
    let (Fact::Settled(..), turn) = (fact, &ledger.turn) else {
        return Ok(());
    };
    let place = |id: &ProcessId| {
        let note = ledger.mind.processes.get(id)?;
        let group = ledger.mind.groups.get(&note.group)?;
        Some((
            group.spec.priority,
            note.group,
            note.spec.priority,
            note.place,
        ))
    };
    // A stop that waited for its child was asked for earlier than the others.
    let new_child = match &turn.cause {
        Cause::Input(Input::ChildSpawned { child, .. }) => Some(*child),
        Cause::Start | Cause::Adopt(_) | Cause::Input(_) => None,
    };
    let child = |id: &ProcessId| Some(ledger.mind.processes.get(id)?.child.as_ref()?.child);
    let waited = |id: &ProcessId| new_child.is_some() && child(id) == new_child;
    let stopped: Vec<_> = turn.stopped.iter().filter(|id| !waited(id)).collect();
    let ascending = stopped.is_sorted_by_key(|id| place(id));
    let descending = stopped.iter().rev().is_sorted_by_key(|id| place(id));
    let wrong = || format!("the order was {stopped:?}");
    match (turn.request(), &turn.cause) {
        // At the end the request is refused, and what is stopped has other reasons.
        (Some((_, Request::Stop { .. })), _) if turn.mood == Mood::Running => {
            ensure(ascending, wrong)
        }
        (_, Cause::Input(_)) => ensure(descending, wrong),
        (_, Cause::Start | Cause::Adopt(_)) => Ok(()),
    }
}

/// The states that nothing follows by itself.
pub(super) fn is_at_rest(state: ProcessState) -> bool {
    state == Running || state.is_stopped()
}
