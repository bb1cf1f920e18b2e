//! The text of a configuration file, and places in it.
//!
//! A [`SourceFile`] is kept for as long as anything points into it, so that a report can show
//! the line in question as it was read, whatever happened to the file since.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

/// The most bytes that one configuration file may have. The largest that is generated in the
/// field, for thousands of programs, stays under a tenth of it.
pub const MAX_FILE_BYTES: usize = 32 << 20;

/// One configuration file as it was read.
#[derive(PartialEq, Eq)]
pub struct SourceFile {
    path: String,
    text: String,
}

impl SourceFile {
    /// A file of this name, as messages call it, with this text.
    #[must_use]
    pub fn new(path: impl Into<String>, text: impl Into<String>) -> Arc<Self> {
        Arc::new(Self {
            path: path.into(),
            text: text.into(),
        })
    }

    /// Its name as messages call it.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Its text, without a byte order mark.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }
}

impl fmt::Debug for SourceFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SourceFile({:?})", self.path)
    }
}

/// Why a file could not be had as text.
#[derive(Debug)]
pub(crate) enum ReadError {
    /// It could not be opened or read.
    Io(io::Error),
    /// It has more than [`MAX_FILE_BYTES`].
    TooLarge,
    /// It is not UTF-8.
    NotUtf8 {
        /// What was readable before Python would have noticed: whole lines only.
        before: Arc<SourceFile>,
        /// What is wrong.
        error: DecodeError,
    },
}

/// A byte that cannot stand where it stands in UTF-8.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecodeError {
    /// The bytes that cannot be decoded.
    bytes: Range<usize>,
    /// The first of them.
    first: u8,
    reason: &'static str,
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Range { start, end } = self.bytes;
        if end - start == 1 {
            let first = self.first;
            write!(
                f,
                "'utf-8' codec can't decode byte 0x{first:02x} in position {start}: "
            )?;
        } else {
            let last = end - 1;
            write!(
                f,
                "'utf-8' codec can't decode bytes in position {start}-{last}: "
            )?;
        }
        f.write_str(self.reason)
    }
}

impl std::error::Error for DecodeError {}

/// Reads the file at `path`, which messages call `shown`.
pub(crate) fn read(path: &Path, shown: &str) -> Result<Arc<SourceFile>, ReadError> {
    let file = File::open(path).map_err(ReadError::Io)?;
    let mut bytes = Vec::new();
    file.take(MAX_FILE_BYTES as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(ReadError::Io)?;
    if bytes.len() > MAX_FILE_BYTES {
        return Err(ReadError::TooLarge);
    }
    match String::from_utf8(bytes) {
        Ok(mut text) => {
            if text.starts_with('\u{feff}') {
                text.drain(..'\u{feff}'.len_utf8());
            }
            Ok(SourceFile::new(shown, text))
        }
        Err(error) => Err(not_utf8(error.as_bytes(), shown)),
    }
}

/// Python reads a file in pieces of this many bytes and counts positions within one.
const PYTHON_CHUNK: usize = 8192;

fn not_utf8(bytes: &[u8], shown: &str) -> ReadError {
    let Err(error) = std::str::from_utf8(bytes) else {
        return ReadError::TooLarge;
    };
    let good = error.valid_up_to();
    let (length, reason) = match error.error_len() {
        None => (bytes.len() - good, "unexpected end of data"),
        Some(length) if is_utf8_lead(bytes[good]) => (length, "invalid continuation byte"),
        Some(length) => (length, "invalid start byte"),
    };
    let piece = if error.error_len().is_none() {
        // Python notices when it asks for more and gets none: the piece is what is left over.
        good
    } else {
        // The piece in which the sequence turns out to be bad. A character that the piece before
        // ended within is carried over.
        let noticed = (good + length).min(bytes.len() - 1) / PYTHON_CHUNK * PYTHON_CHUNK;
        let before = &bytes[..noticed.min(good)];
        std::str::from_utf8(before).map_or_else(|cut| cut.valid_up_to(), str::len)
    };
    let readable = String::from_utf8_lossy(&bytes[..piece]);
    let whole_lines = readable.rfind('\n').map_or(0, |end| end + 1);
    ReadError::NotUtf8 {
        before: SourceFile::new(shown, &readable[..whole_lines]),
        error: DecodeError {
            bytes: good - piece..good - piece + length,
            first: bytes[good],
            reason,
        },
    }
}

fn is_utf8_lead(byte: u8) -> bool {
    matches!(byte, 0xc2..=0xf4)
}

/// A place in a configuration file.
#[derive(Clone, PartialEq, Eq)]
pub struct Location {
    file: Arc<SourceFile>,
    span: Range<usize>,
}

impl Location {
    pub(crate) fn new(file: &Arc<SourceFile>, span: Range<usize>) -> Self {
        debug_assert!(file.text.get(span.clone()).is_some());
        Self {
            file: Arc::clone(file),
            span,
        }
    }

    /// The part of it that these bytes of its text make.
    pub(crate) fn part(&self, bytes: Range<usize>) -> Self {
        let start = self.span.start;
        Self::new(&self.file, start + bytes.start..start + bytes.end)
    }

    /// The first place in it that says `item`, as one of several with commas or blanks between
    /// them, in any case; all of it if there is none.
    pub(crate) fn find(&self, item: &str) -> Self {
        let is_around = |c: char| c == ',' || crate::python::is_space(c);
        let text = self.text();
        let mut start = 0;
        for piece in text.split_inclusive(is_around) {
            let bare = piece.trim_end_matches(is_around);
            if !bare.is_empty() && bare.to_lowercase() == item.to_lowercase() {
                return self.part(start..start + bare.len());
            }
            start += piece.len();
        }
        self.clone()
    }

    /// The file it is in.
    #[must_use]
    pub fn file(&self) -> &SourceFile {
        &self.file
    }

    /// The bytes of the file's text that it covers.
    #[must_use]
    pub fn span(&self) -> Range<usize> {
        self.span.clone()
    }

    /// The line it begins in, from 1.
    #[must_use]
    pub fn line(&self) -> usize {
        1 + line_ends(&self.file.text[..self.span.start])
    }

    /// The column it begins at, from 1, in characters.
    #[must_use]
    pub fn column(&self) -> usize {
        let before = &self.file.text[..self.span.start];
        let line = before.rfind(['\n', '\r']).map_or(0, |end| end + 1);
        1 + before[line..].chars().count()
    }

    /// The text that it covers.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.file.text[self.span.clone()]
    }
}

fn line_ends(text: &str) -> usize {
    let bytes = text.as_bytes();
    let is_end = |i: usize| match bytes[i] {
        b'\n' => true,
        b'\r' => bytes.get(i + 1) != Some(&b'\n'),
        _ => false,
    };
    (0..bytes.len()).filter(|i| is_end(*i)).count()
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file.path, self.line(), self.column())
    }
}

impl fmt::Debug for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Location({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn why(bytes: &[u8]) -> String {
        match not_utf8(bytes, "f") {
            ReadError::NotUtf8 { error, .. } => error.to_string(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_place_knows_its_line_and_column_whatever_ends_the_lines() {
        let file = SourceFile::new("f", "a\r\nb\rc\né=x");
        let place = Location::new(&file, 10..11);
        assert_eq!(place.to_string(), "f:4:3");
        assert_eq!(place.text(), "x");
    }

    #[test]
    fn bytes_that_are_no_text_are_named_as_python_names_them() {
        for (bytes, text) in [
            (&b"a\xff"[..], "byte 0xff in position 1: invalid start byte"),
            (
                b"\xc3(",
                "byte 0xc3 in position 0: invalid continuation byte",
            ),
            (
                b"ab\xe2\x98",
                "bytes in position 0-1: unexpected end of data",
            ),
            (
                b"\xe2\x98a",
                "bytes in position 0-1: invalid continuation byte",
            ),
            (b"\xc0\x80", "byte 0xc0 in position 0: invalid start byte"),
        ] {
            assert_eq!(why(bytes), format!("'utf-8' codec can't decode {text}"));
        }
    }

    #[test]
    fn positions_count_from_the_piece_that_python_was_reading() {
        let mut bytes = vec![b'x'; PYTHON_CHUNK + 3];
        bytes.push(0xff);
        assert_eq!(
            why(&bytes),
            "'utf-8' codec can't decode byte 0xff in position 3: invalid start byte"
        );
        let mut bytes = vec![b'x'; PYTHON_CHUNK - 1];
        bytes.extend_from_slice("é\n".as_bytes());
        bytes.push(0xff);
        assert_eq!(
            why(&bytes),
            "'utf-8' codec can't decode byte 0xff in position 3: invalid start byte"
        );
    }
}
