//! Text that a program sends to listeners by writing it between two tokens.
//!
//! `<!--XSUPERVISOR:BEGIN-->` … `<!--XSUPERVISOR:END-->`. What is outside goes to the log, what is
//! inside is kept, and told as a whole at its end. Tokens may be cut anywhere by the end of a
//! chunk: only what may be the beginning of one is held back.

use memchr::memmem;

/// What begins captured text.
const BEGIN: &[u8] = b"<!--XSUPERVISOR:BEGIN-->";
/// What ends it.
const END: &[u8] = b"<!--XSUPERVISOR:END-->";

/// The capture of one stream. Plain data, so that it can be written down and taken up again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Capture {
    /// How many bytes are kept; a single chunk that is longer is kept whole, as by Supervisor.
    pub limit: usize,
    /// What has been captured so far, between the tokens.
    pub captured: Option<Vec<u8>>,
    /// What may be the beginning of the next token.
    pub held: Vec<u8>,
}

/// A piece of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// Text outside of the tokens: it belongs into the log.
    Outside(Vec<u8>),
    /// Text between them, as it came. It does not go to the log.
    Inside(Vec<u8>),
    /// All the text of one capture, at its end.
    Whole(Vec<u8>),
}

impl Capture {
    /// Nothing captured yet.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self {
            limit,
            ..Self::default()
        }
    }

    /// Takes in a chunk.
    pub fn take(&mut self, chunk: &[u8], pieces: &mut Vec<Piece>) {
        let mut text = std::mem::take(&mut self.held);
        text.extend_from_slice(chunk);
        let mut rest = text.as_slice();
        while let Some(at) = memmem::find(rest, self.token()) {
            let after = at + self.token().len();
            self.pass(&rest[..at], pieces);
            self.captured = match self.captured.take() {
                None => Some(Vec::new()),
                Some(whole) => {
                    pieces.push(Piece::Whole(whole));
                    None
                }
            };
            rest = &rest[after..];
        }
        let (certain, possible) = rest.split_at(rest.len() - prefix_at_end(rest, self.token()));
        self.pass(certain, pieces);
        self.held = possible.to_vec();
    }

    /// The stream has ended: what was held back is text. A capture without an end is dropped.
    pub fn finish(&mut self, pieces: &mut Vec<Piece>) {
        let held = std::mem::take(&mut self.held);
        self.pass(&held, pieces);
    }

    /// The token that is waited for.
    fn token(&self) -> &'static [u8] {
        if self.captured.is_some() { END } else { BEGIN }
    }

    fn pass(&mut self, text: &[u8], pieces: &mut Vec<Piece>) {
        if text.is_empty() {
            return;
        }
        pieces.push(match &mut self.captured {
            None => Piece::Outside(text.to_vec()),
            Some(captured) => {
                if captured.len() + text.len() > self.limit {
                    captured.drain(..text.len().min(captured.len()));
                }
                captured.extend_from_slice(text);
                Piece::Inside(text.to_vec())
            }
        });
    }
}

/// How many bytes at the end of `text` may be the beginning of `token`.
fn prefix_at_end(text: &[u8], token: &[u8]) -> usize {
    let longest = text.len().min(token.len() - 1);
    (1..=longest)
        .rev()
        .find(|length| text.ends_with(&token[..*length]))
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a capture makes of text that comes in chunks of this size: the log, and what was
    /// captured.
    fn run(text: &[u8], size: usize, limit: usize) -> (Vec<u8>, Vec<Vec<u8>>) {
        let mut capture = Capture::new(limit);
        let mut pieces = Vec::new();
        for chunk in text.chunks(size) {
            capture.take(chunk, &mut pieces);
        }
        capture.finish(&mut pieces);
        let (mut log, mut wholes) = (Vec::new(), Vec::new());
        for piece in pieces {
            match piece {
                Piece::Outside(text) => log.extend(text),
                Piece::Whole(text) => wholes.push(text),
                Piece::Inside(_) => {}
            }
        }
        (log, wholes)
    }

    #[test]
    fn tokens_are_found_wherever_chunks_end() {
        let text = b"a<!--XSUPERVISOR:BEGIN-->one<!--XSUPERVISOR:BEGIN--><!--XSUPERVISOR:END-->b<\
            <!--XSUPERVISOR:BEGIN--><!--XSUPERVISOR:END--><!--XSUPERV";
        for size in 1..=text.len() {
            let (log, wholes) = run(text, size, 1000);
            assert_eq!(log, b"ab<<!--XSUPERV", "chunks of {size}");
            let one: &[u8] = b"one<!--XSUPERVISOR:BEGIN-->";
            assert_eq!(wholes, [one, b""], "chunks of {size}");
        }
    }

    #[test]
    fn too_much_drops_as_many_of_the_first_bytes_as_the_new_piece_has() {
        let mut capture = Capture::new(4);
        let mut pieces = Vec::new();
        for chunk in [BEGIN, b"abc", b"de", b"0123456789", b"f", END] {
            capture.take(chunk, &mut pieces);
        }
        assert_eq!(pieces.last(), Some(&Piece::Whole(b"123456789f".to_vec())));
    }

    #[test]
    fn a_capture_that_is_never_ended_is_dropped() {
        assert_eq!(
            run(b"a<!--XSUPERVISOR:BEGIN-->b", 3, 10),
            (b"a".to_vec(), vec![])
        );
    }
}
