//! Leaving out ANSI escape sequences, as `strip_ansi` asks for.
//!
//! A sequence is what Supervisor takes for one: from `ESC [` up to and including the first of
//! certain letters. So a sequence that ends in another letter swallows the text up to one of
//! those. Other escapes stay. Unlike there, a sequence may be cut anywhere by the end of a chunk.

use memchr::memchr;

const ESCAPE: u8 = 0x1b;

/// Where in a sequence a chunk ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Position {
    /// In none.
    #[default]
    Text,
    /// After an escape character, which begins one if a bracket follows. It has not been passed on.
    Escape,
    /// In one.
    Sequence,
}

impl Position {
    /// A number to store it as.
    pub(crate) fn to_byte(self) -> u8 {
        match self {
            Self::Text => 0,
            Self::Escape => 1,
            Self::Sequence => 2,
        }
    }

    /// What was stored as `byte`; text if that was nothing of ours.
    pub(crate) fn from_byte(byte: u8) -> Self {
        match byte {
            1 => Self::Escape,
            2 => Self::Sequence,
            _ => Self::Text,
        }
    }
}

/// What stays of `text` by itself. A sequence that it does not end is left out to the end.
#[must_use]
pub fn stripped(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let position = strip(Position::default(), text, &mut out);
    finish(position, &mut out);
    out
}

/// Appends to `out` what stays of `text`, and says where that ends.
pub(crate) fn strip(mut position: Position, mut text: &[u8], out: &mut Vec<u8>) -> Position {
    while let Some(&first) = text.first() {
        (position, text) = match position {
            Position::Text => {
                let end = memchr(ESCAPE, text).unwrap_or(text.len());
                out.extend_from_slice(&text[..end]);
                match text.get(end + 1..) {
                    Some(rest) => (Position::Escape, rest),
                    None => (Position::Text, &[][..]),
                }
            }
            Position::Escape if first == b'[' => (Position::Sequence, &text[1..]),
            Position::Escape => {
                out.push(ESCAPE);
                (Position::Text, text)
            }
            Position::Sequence if ends_sequence(first) => (Position::Text, &text[1..]),
            Position::Sequence => (Position::Sequence, &text[1..]),
        };
    }
    position
}

/// Appends to `out` what was held back, since nothing follows any more.
pub(crate) fn finish(position: Position, out: &mut Vec<u8>) {
    if position == Position::Escape {
        out.push(ESCAPE);
    }
}

fn ends_sequence(byte: u8) -> bool {
    b"HfABCDRsuJKhlpm".contains(&byte)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn stripped_in_chunks<'a>(chunks: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
        let mut out = Vec::new();
        let mut position = Position::default();
        for chunk in chunks {
            position = strip(position, chunk, &mut out);
        }
        finish(position, &mut out);
        out
    }

    #[test]
    fn a_sequence_reaches_to_the_first_letter_that_ends_one() {
        for (text, stays) in [
            (&b"plain"[..], &b"plain"[..]),
            (b"\x1b[31mred\x1b[0m.", b"red."),
            (b"a\x1b[2Gyz m, b", b"a, b"),
            (b"a\x1b]0;title\x07b", b"a\x1b]0;title\x07b"),
            (b"a\x1b[", b"a"),
            (b"\x1b\x1b[1mx\x1b", b"\x1bx\x1b"),
        ] {
            assert_eq!(stripped(text), stays, "{}", text.escape_ascii());
        }
    }

    proptest! {
        #[test]
        fn it_does_not_matter_where_the_text_is_cut(
            text in "[\x1b\\[a1mH\n]{0,40}",
            cuts in proptest::collection::vec(0usize..40, 0..5),
        ) {
            let mut cuts: Vec<_> = cuts.into_iter().filter(|&cut| cut <= text.len()).collect();
            cuts.sort_unstable();
            let mut from = 0;
            let mut chunks = Vec::new();
            for cut in cuts.into_iter().chain([text.len()]) {
                chunks.push(&text.as_bytes()[from..cut]);
                from = cut;
            }
            prop_assert_eq!(stripped_in_chunks(chunks), stripped(text.as_bytes()));
        }
    }
}
