//! Output of a program that is searched for capture tokens.
//!
//! The first byte says how the rest is cut into pieces, and how much may be captured.

use minder_logs::capture::{Capture, Piece};

use crate::pieces::pieces;

const BEGIN: &[u8] = b"<!--XSUPERVISOR:BEGIN-->";
const END: &[u8] = b"<!--XSUPERVISOR:END-->";

/// What is made of a stream: what is outside of the tokens and what is inside, and each capture that
/// was ended.
#[derive(Debug, Default, PartialEq, Eq)]
struct Heard {
    outside: Vec<u8>,
    inside: Vec<u8>,
    wholes: Vec<Vec<u8>>,
}

pub(crate) fn run(bytes: &[u8]) {
    let Some((seed, stream)) = bytes.split_first() else {
        return;
    };
    let expected = expected(stream);
    assert_eq!(heard([stream].into_iter()), expected);
    assert_eq!(heard(stream.chunks(1)), expected);
    assert_eq!(heard(pieces(*seed, stream)), expected);
    is_bounded(usize::from(*seed), pieces(*seed, stream));
}

/// What a search through the whole stream finds.
fn expected(stream: &[u8]) -> Heard {
    let mut heard = Heard::default();
    let mut captured: Option<Vec<u8>> = None;
    let mut rest = stream;
    while let Some(first) = rest.first() {
        let token = if captured.is_some() { END } else { BEGIN };
        if let Some(after) = rest.strip_prefix(token) {
            rest = after;
            match captured.take() {
                Some(whole) => heard.wholes.push(whole),
                None => captured = Some(Vec::new()),
            }
            continue;
        }
        rest = &rest[1..];
        match &mut captured {
            None => heard.outside.push(*first),
            Some(captured) => {
                captured.push(*first);
                heard.inside.push(*first);
            }
        }
    }
    heard
}

fn heard<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> Heard {
    let mut capture = Capture::new(usize::MAX);
    let mut found = Vec::new();
    for piece in pieces {
        capture.take(piece, &mut found);
    }
    capture.finish(&mut found);
    let mut heard = Heard::default();
    for piece in found {
        match piece {
            Piece::Outside(text) => heard.outside.extend(text),
            Piece::Inside(text) => heard.inside.extend(text),
            Piece::Whole(text) => heard.wholes.push(text),
        }
    }
    heard
}

/// No more is kept than the limit, or else one piece with what was held back before it.
fn is_bounded<'a>(limit: usize, pieces: impl Iterator<Item = &'a [u8]>) {
    let mut capture = Capture::new(limit);
    let mut largest = limit;
    for piece in pieces {
        largest = largest.max(piece.len() + BEGIN.len());
        capture.take(piece, &mut Vec::new());
        assert!(capture.captured.as_ref().map_or(0, Vec::len) <= largest);
        assert!(capture.held.len() < BEGIN.len());
    }
}
