//! What listeners are told: each event once, in order, and none is lost.

use minder_core::{Effect, Message, ProcessId, ProcessState};

use super::{Rule, Verdict, When, ensure};
use crate::fact::Fact;
use crate::ledger::{
    Cause, EventNote, Head, Judgement, Ledger, ListenerNote, PoolNote, ProcessNote, Speech,
};
use crate::subject::IDENTIFIER;

pub(super) const RULES: &[Rule] = &[
    Rule {
        says: "a listener that is ready is sent the event that waits longest, as it was",
        when: When::Asked,
        check: sent_in_turn,
    },
    Rule {
        says: "no event waits while a listener is ready",
        when: When::Settled,
        check: no_event_waits,
    },
    Rule {
        says: "an event makes room only in a full buffer, the oldest first, and that is said",
        when: When::AskedOrSettled,
        check: discards_are_due,
    },
    Rule {
        says: "an event that a listener has not taken goes back into its pool, and no other does",
        when: When::AskedOrSettled,
        check: what_is_not_taken_returns,
    },
    Rule {
        says: "what a listener answers is understood",
        when: When::AskedOrSettled,
        check: answers_are_understood,
    },
    Rule {
        says: "what an adopted listener works on is sent again under its number",
        when: When::Settled,
        check: sent_again_when_adopted,
    },
    Rule {
        says: "each delivery is written to its listener once, in order",
        when: When::Otherwise,
        check: written_once,
    },
    Rule {
        says: "no event is told again that a listener has taken or works on",
        when: When::Otherwise,
        check: told_once,
    },
    Rule {
        says: "no two events have one number, whatever daemons die",
        when: When::Otherwise,
        check: a_number_is_one_events,
    },
];

/// Each listener of each pool.
fn listeners(
    ledger: &Ledger,
) -> impl Iterator<Item = (&PoolNote, ProcessId, &ListenerNote, &ProcessNote)> {
    let pools = ledger.mind.pools.by_group.values();
    pools.flat_map(move |pool| {
        pool.listeners.iter().filter_map(move |(id, listener)| {
            let note = ledger.mind.processes.get(id)?;
            Some((pool, *id, listener, note))
        })
    })
}

fn is_ready(listener: &ListenerNote, note: &ProcessNote) -> bool {
    let running = note.state == ProcessState::Running;
    running && !listener.deaf && matches!(listener.speech, Speech::Ready)
}

fn written(event: &EventNote, pool: &PoolNote) -> String {
    let EventNote {
        kind,
        serial,
        pool_serial,
        payload,
    } = event;
    let head = format!(
        "ver:3.0 server:{IDENTIFIER} serial:{serial} pool:{}",
        pool.name
    );
    let (name, length) = (kind.name(), payload.chars().count());
    format!("{head} poolserial:{pool_serial} eventname:{name} len:{length}\n{payload}")
}

fn sent_in_turn(ledger: &Ledger, fact: &Fact<'_>) -> Verdict {
    let Fact::Asked(Effect::Deliver {
        child,
        delivery,
        bytes,
    }) = fact
    else {
        return Ok(());
    };
    let found = listeners(ledger).find(|(_, _, listener, _)| listener.child == *child);
    let (pool, id, listener, note) = found.ok_or("it is no listener")?;
    let (event, number) = if let Speech::Busy(event, _) = &listener.speech {
        let adopts = matches!(ledger.turn.cause, Cause::Adopt(_));
        ensure(adopts, || format!("{id:?} has not answered"))?;
        (event, listener.deliveries)
    } else {
        ensure(is_ready(listener, note), || format!("{id:?} is not ready"))?;
        let mut others = listeners(ledger).filter(|(other, ..)| other.name == pool.name);
        let place = |id: ProcessId| ledger.mind.processes.get(&id).map(|note| note.place);
        let earlier = others.find(|(_, other, listener, note)| {
            is_ready(listener, note) && place(*other) < place(id)
        });
        ensure(earlier.is_none(), || format!("{id:?} has to wait"))?;
        let event = pool.queue.front().ok_or("nothing waits")?;
        (event, listener.deliveries + 1)
    };
    ensure(*delivery == number, || {
        format!("{delivery} is not {number}")
    })?;
    let wanted = written(event, pool);
    ensure(**bytes == *wanted.as_bytes(), || {
        format!("it is not as it was: {wanted}")
    })
}

fn no_event_waits(ledger: &Ledger, fact: &Fact<'_>) -> Verdict {
    let Fact::Settled(..) = fact else {
        return Ok(());
    };
    let mut ready = listeners(ledger).filter(|(_, _, listener, note)| is_ready(listener, note));
    match ready.find(|(pool, ..)| !pool.queue.is_empty()) {
        None => Ok(()),
        Some((pool, id, ..)) => Err(format!("{} of {} to {id:?}", pool.queue.len(), pool.name)),
    }
}

fn discards_are_due(ledger: &Ledger, fact: &Fact<'_>) -> Verdict {
    let pools = &ledger.mind.pools;
    match fact {
        Fact::Asked(Effect::Log(Message::EventDiscarded { pool, serial })) => {
            let pool = pools.named(pool).ok_or("there is no such pool")?;
            let due = pool.discarded.front();
            ensure(due == Some(serial), || {
                format!("{serial} is discarded instead of {due:?}")
            })
        }
        Fact::Settled(..) => {
            let mut unsaid = pools.by_group.values().flat_map(|pool| &pool.discarded);
            let unsaid = unsaid.next();
            ensure(unsaid.is_none(), || {
                format!("nothing is said of {unsaid:?}")
            })
        }
        _ => Ok(()),
    }
}

fn what_is_not_taken_returns(ledger: &Ledger, fact: &Fact<'_>) -> Verdict {
    let pools = &ledger.mind.pools;
    match fact {
        Fact::Asked(Effect::Log(Message::EventRebuffered { pool, serial, .. })) => {
            let pool = pools.named(pool).ok_or("there is no such pool")?;
            let mut copies = pool.queue.iter().rev();
            let is_copy =
                copies.any(|event| event.serial == *serial && pool.copies(event.kind) > 1);
            // Whoever is not ready after all is sent nothing.
            let is_next = pool
                .queue
                .front()
                .is_some_and(|event| event.serial == *serial);
            ensure(pool.returns(*serial) || is_copy || is_next, || {
                format!("{serial} was not on its way back")
            })
        }
        Fact::Settled(..) => {
            let mut lost = pools.by_group.values().flat_map(|pool| &pool.returning);
            let lost = lost.next();
            ensure(lost.is_none(), || format!("{lost:?} does not come back"))
        }
        _ => Ok(()),
    }
}

fn answers_are_understood(ledger: &Ledger, fact: &Fact<'_>) -> Verdict {
    let said = ledger.mind.pools.verdicts.front().copied();
    let understood = match fact {
        Fact::Asked(Effect::Log(Message::EventProcessed { .. })) => Judgement::Taken,
        Fact::Asked(Effect::Log(Message::EventRejected { .. })) => Judgement::Refused,
        Fact::Asked(Effect::Log(Message::BadResultLine { .. })) => Judgement::Nonsense,
        Fact::Settled(..) => {
            return ensure(said.is_none(), || format!("{said:?} is not heard"));
        }
        _ => return Ok(()),
    };
    ensure(said == Some(understood), || {
        format!("{understood:?} instead of {said:?}")
    })
}

fn sent_again_when_adopted(ledger: &Ledger, fact: &Fact<'_>) -> Verdict {
    let (Fact::Settled(..), Cause::Adopt(_)) = (fact, &ledger.turn.cause) else {
        return Ok(());
    };
    let mut busy = listeners(ledger).filter(|(_, _, it, _)| matches!(it.speech, Speech::Busy(..)));
    match busy.find(|(_, _, listener, _)| !ledger.turn.delivered.contains(&listener.child)) {
        None => Ok(()),
        Some((_, id, ..)) => Err(format!("{id:?} is not sent what it works on")),
    }
}

fn written_once(ledger: &Ledger, fact: &Fact<'_>) -> Verdict {
    let Fact::Told {
        child, delivery, ..
    } = fact
    else {
        return Ok(());
    };
    let before = ledger.ground.deliveries.get(child).copied().unwrap_or(0);
    ensure(*delivery == before + 1, || {
        format!("{delivery} after {before} to {child:?}")
    })
}

/// What a fact tells that a listener is told.
fn told<'a>(fact: &Fact<'a>) -> Option<Head<'a>> {
    match fact {
        Fact::Told {
            bytes, heeds: true, ..
        } => Head::of(bytes),
        _ => None,
    }
}

fn told_once(ledger: &Ledger, fact: &Fact<'_>) -> Verdict {
    let Some(Head {
        serial,
        pool,
        event,
        ..
    }) = told(fact)
    else {
        return Ok(());
    };
    let kind = minder_core::EventType::named(event).ok_or("there is no such event")?;
    // Its pool may be gone by now.
    let copies = ledger.mind.pools.named(pool).map(|pool| pool.copies(kind));
    let tellings = ledger.ground.tellings.get(&(pool.to_owned(), serial));
    let tellings = tellings.copied().unwrap_or(0);
    ensure(copies.is_none_or(|copies| tellings < copies), || {
        format!("{serial} of {pool} was told {tellings} times")
    })
}

fn a_number_is_one_events(ledger: &Ledger, fact: &Fact<'_>) -> Verdict {
    let Some(Head { serial, what, .. }) = told(fact) else {
        return Ok(());
    };
    let before = ledger.ground.events.get(&serial);
    ensure(before.is_none_or(|before| *before == what), || {
        format!("{serial} was {before:?}, and is {what:?}")
    })
}
