use alloc::format;
use alloc::string::ToString;
use alloc::vec;

use proptest::prelude::*;

use super::*;
use crate::event::EventType;

fn event() -> QueuedEvent {
    QueuedEvent {
        kind: EventType::Tick5,
        serial: 3,
        pool_serial: 0,
        payload: "when:5".into(),
    }
}

fn fresh() -> Listener {
    Listener::new(ChildId(1))
}

fn ready() -> Listener {
    let mut listener = fresh();
    listener.said(READY);
    listener
}

fn busy() -> Listener {
    let mut listener = ready();
    assert_eq!(listener.send(event()), 1);
    listener
}

/// What follows from `said`, as a sentence.
fn hear(listener: &mut Listener, said: &[u8]) -> String {
    let outcomes = listener.said(said);
    let words: Vec<_> = outcomes.iter().map(tell).collect();
    words.join(", ")
}

fn tell(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Moved { from, to } => format!("{from} -> {to}"),
        Outcome::BadLine(line) => format!("bad line '{line}'"),
        Outcome::Processed => "processed".to_string(),
        Outcome::Rejected => "rejected".to_string(),
        Outcome::Returned(event) => format!("{} comes back", event.serial),
    }
}

#[test]
fn less_than_the_word_is_waited_for_whatever_it_is() {
    let mut listener = fresh();
    assert_eq!(hear(&mut listener, b"xyz"), "");
    assert_eq!(hear(&mut listener, b"zy"), "");
    assert_eq!(hear(&mut listener, b"x"), "ACKNOWLEDGED -> UNKNOWN");
    let mut listener = fresh();
    assert_eq!(hear(&mut listener, b"READ"), "");
    assert_eq!(hear(&mut listener, b"Y\n"), "ACKNOWLEDGED -> READY");
}

#[test]
fn a_ready_listener_may_say_nothing_at_all() {
    assert_eq!(hear(&mut ready(), b"\n"), "READY -> UNKNOWN");
    assert_eq!(
        hear(&mut fresh(), b"READY\nREADY\n"),
        "ACKNOWLEDGED -> READY, READY -> UNKNOWN"
    );
}

#[test]
fn only_ok_says_that_an_event_was_taken() {
    for (answer, follows) in [
        (&b"RESULT 2\nOK"[..], "processed, BUSY -> ACKNOWLEDGED"),
        (b"RESULT 2\r\nOK", "processed, BUSY -> ACKNOWLEDGED"),
        (
            b"RESULT 2\nOKREADY\n",
            "processed, BUSY -> ACKNOWLEDGED, ACKNOWLEDGED -> READY",
        ),
        (
            b"RESULT 4\nFAIL",
            "rejected, BUSY -> ACKNOWLEDGED, 3 comes back",
        ),
        (
            b"RESULT 3\nOK\n",
            "rejected, BUSY -> ACKNOWLEDGED, 3 comes back",
        ),
        (
            b"RESULT 2\nok",
            "rejected, BUSY -> ACKNOWLEDGED, 3 comes back",
        ),
        (
            b"RESULT 0\nREADY\n",
            "rejected, BUSY -> ACKNOWLEDGED, 3 comes back, ACKNOWLEDGED -> READY",
        ),
        (
            b"RESULT 4\nFAILREADY\n",
            "rejected, BUSY -> ACKNOWLEDGED, 3 comes back, ACKNOWLEDGED -> READY",
        ),
        // Nobody looks at the first seven characters.
        (b"FOOBARX2\nOK", "processed, BUSY -> ACKNOWLEDGED"),
    ] {
        assert_eq!(hear(&mut busy(), answer), follows, "{}", BytesRepr(answer));
    }
}

#[test]
fn an_empty_body_is_understood_when_something_follows() {
    let mut listener = busy();
    assert_eq!(hear(&mut listener, b"RESULT 0\n"), "");
    assert_eq!(
        hear(&mut listener, b"R"),
        "rejected, BUSY -> ACKNOWLEDGED, 3 comes back"
    );
    assert_eq!(hear(&mut listener, b"EADY\n"), "ACKNOWLEDGED -> READY");
}

#[test]
fn a_line_that_is_no_result_breaks_the_protocol() {
    for (line, shown) in [
        (&b"OK"[..], "OK"),
        (b"", ""),
        (b"RESULT", "RESULT"),
        (b"RESULT two", "RESULT two"),
        // Supervisor stops listening to this one without a word.
        (b"RESULT -3", "RESULT -3"),
        (
            b"RESULT 99999999999999999999",
            "RESULT 99999999999999999999",
        ),
        (b"RESULT \xe9", r"Undecodable: b'RESULT \xe9'"),
    ] {
        let said = [line, b"\nREADY\n"].concat();
        assert_eq!(
            hear(&mut busy(), &said),
            format!("bad line '{shown}', BUSY -> UNKNOWN, 3 comes back")
        );
    }
}

#[test]
fn a_line_without_end_is_given_up() {
    let mut listener = busy();
    assert_eq!(hear(&mut listener, &[b' '; MAX_LINE]), "");
    let follows = hear(&mut listener, b"2");
    assert!(
        follows.ends_with("BUSY -> UNKNOWN, 3 comes back"),
        "{follows}"
    );
    let mut longest = vec![b' '; MAX_LINE - 1];
    longest.extend_from_slice(b"2\nOK");
    assert_eq!(
        hear(&mut busy(), &longest),
        "processed, BUSY -> ACKNOWLEDGED"
    );
}

#[test]
fn a_body_may_be_of_any_length_and_is_not_kept() {
    let mut listener = busy();
    hear(&mut listener, b"RESULT 18446744073709551615\n");
    assert_eq!(hear(&mut listener, &vec![b'x'; 100_000]), "");
    let answer = Answer::Body {
        missing: u64::MAX - 100_000,
        ok: false,
    };
    let event = event();
    assert_eq!(listener.state, State::Busy { event, answer });
}

#[test]
fn who_has_broken_the_protocol_is_not_listened_to_any_more() {
    let mut listener = ready();
    hear(&mut listener, b"hello");
    assert_eq!(hear(&mut listener, b"READY\nRESULT 2\nOK"), "");
    assert_eq!(listener.state, State::Unknown);
}

#[test]
fn who_can_be_told_nothing_is_as_ready_as_before_and_not_asked_again() {
    let mut listener = busy();
    assert_eq!(listener.deafen(), Some(event()));
    assert_eq!(listener.state, State::Ready);
    assert!(!listener.is_ready());
    assert_eq!(listener.deafen(), None);
    let mut broken = ready();
    hear(&mut broken, b"x");
    assert_eq!(broken.deafen(), None);
    assert_eq!(broken.state, State::Unknown);
}

/// Something that a listener might say, sensible for the most part.
fn speech() -> impl Strategy<Value = Vec<u8>> {
    let word = prop_oneof![
        4 => Just(&b"READY\n"[..]),
        4 => Just(&b"RESULT 2\nOK"[..]),
        1 => Just(&b"RESULT 4\nFAIL"[..]),
        1 => Just(&b"RESULT 0\n"[..]),
        1 => Just(&b"RESULT "[..]),
        1 => Just(&b"2\n"[..]),
        1 => Just(&b"\xff"[..]),
    ];
    prop::collection::vec(word, 0..5).prop_map(|words| words.concat())
}

proptest! {
    #[test]
    fn how_the_bytes_are_cut_makes_no_difference(said in speech(), is_busy: bool, cuts: u32) {
        let mut whole = if is_busy { busy() } else { fresh() };
        let mut parts = whole.clone();
        let expected = whole.said(&said);
        let mut outcomes = Vec::new();
        let mut piece = Vec::new();
        for (place, byte) in said.iter().enumerate() {
            piece.push(*byte);
            if cuts >> (place % 32) & 1 == 1 {
                outcomes.extend(parts.said(&piece));
                piece.clear();
            }
        }
        outcomes.extend(parts.said(&piece));
        prop_assert_eq!(outcomes, expected);
        prop_assert_eq!(parts, whole);
    }
}
