//! What an event listener says.
//!
//! The first byte says how the rest is cut into pieces, and in which state the listener is before.

use minder_core::ChildId;
use minder_core::event::EventType;
use minder_core::listener::{Answer, Listener, MAX_LINE, Outcome, READY, State};
use minder_core::pool::QueuedEvent;

use crate::pieces::pieces;

pub(crate) fn run(bytes: &[u8]) {
    let Some((seed, said)) = bytes.split_first() else {
        return;
    };
    let at_once = after(*seed, [said].into_iter());
    assert_eq!(after(*seed, said.chunks(1)), at_once);
    assert_eq!(after(*seed, pieces(*seed, said)), at_once);
}

/// What a listener has become, and what followed from what it said.
fn after<'a>(seed: u8, pieces: impl Iterator<Item = &'a [u8]>) -> (Listener, Vec<Outcome>) {
    let mut listener = listener(seed);
    let busy = matches!(listener.state, State::Busy { .. });
    let mut outcomes = Vec::new();
    for piece in pieces {
        outcomes.extend(listener.said(piece));
        is_bounded(&listener.state);
    }
    follows_the_event(busy, &listener.state, &outcomes);
    (listener, outcomes)
}

/// A listener in one of its states, as a snapshot may have it.
fn listener(seed: u8) -> Listener {
    let busy = |answer| State::Busy {
        event: QueuedEvent {
            kind: EventType::Tick5,
            serial: 3,
            pool_serial: 1,
            payload: "when:5".into(),
        },
        answer,
    };
    Listener {
        state: match seed % 6 {
            0 => State::Ready,
            1 | 2 => busy(Answer::Line(Vec::new())),
            3 => busy(Answer::Body {
                missing: 2,
                ok: true,
            }),
            4 => busy(Answer::Line(vec![b'R'; MAX_LINE])),
            _ => return Listener::new(ChildId(1)),
        },
        ..Listener::new(ChildId(1))
    }
}

fn is_bounded(state: &State) {
    match state {
        State::Acknowledged { unread } => assert!(unread.len() < READY.len()),
        State::Busy {
            answer: Answer::Line(line),
            ..
        } => assert!(line.len() <= MAX_LINE),
        State::Busy {
            answer: Answer::Body { .. },
            ..
        }
        | State::Ready
        | State::Unknown
        | State::Forgotten => {}
    }
}

/// An event that was in flight still is, was taken, or has come back: exactly one of these.
fn follows_the_event(busy: bool, state: &State, outcomes: &[Outcome]) {
    let ends = outcomes
        .iter()
        .filter(|outcome| matches!(outcome, Outcome::Processed | Outcome::Returned(_)))
        .count();
    let in_flight = usize::from(matches!(state, State::Busy { .. }));
    assert_eq!(ends + in_flight, usize::from(busy));
}
