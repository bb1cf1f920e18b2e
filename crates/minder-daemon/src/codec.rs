//! How the daemon writes down what a later daemon must know.
//!
//! A sealed envelope (magic, version, length, checksum) around plain fields: integers are
//! little-endian, texts and lists carry their length. A *record* carries its length too, and a
//! reader skips what it does not know at a record's end: what a later release has added there
//! does not keep this one from reading the rest.
//!
//! Nothing is trusted: every length is checked against what is there before it is used, and a bad
//! envelope is an error, never a guess.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The first bytes of everything that is sealed here.
const MAGIC: [u8; 8] = *b"minder\0\x01";
/// Magic, version, length, checksum.
const HEAD: usize = 8 + 4 + 8 + 4;
/// Length and checksum.
const ENTRY_HEAD: usize = 4 + 4;
/// The largest envelope that is opened: 5,000 programs with full environments take some 20 MB.
pub(crate) const MAX_SEALED: usize = 256 << 20;

/// Why something sealed cannot be opened or read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CodecError {
    /// It does not begin like anything that was sealed here.
    #[error("it is not one of ours")]
    Magic,
    /// It was sealed by a release that writes another layout.
    #[error("it is of version {0}, which this release does not read")]
    Version(u32),
    /// It is shorter or longer than it says.
    #[error("it is cut short")]
    Length,
    /// It has been changed since it was sealed.
    #[error("its checksum does not match")]
    Checksum,
    /// A field holds what it cannot hold.
    #[error("a field holds what it cannot hold")]
    Value,
}

/// Puts an envelope around `content`.
pub(crate) fn seal(version: u32, content: &[u8]) -> Vec<u8> {
    let mut sealed = Vec::with_capacity(HEAD + content.len());
    sealed.extend_from_slice(&MAGIC);
    sealed.extend_from_slice(&version.to_le_bytes());
    sealed.extend_from_slice(&(content.len() as u64).to_le_bytes());
    sealed.extend_from_slice(&crc32fast::hash(content).to_le_bytes());
    sealed.extend_from_slice(content);
    sealed
}

/// Takes the envelope off, if it is whole and of this version.
pub(crate) fn open(version: u32, sealed: &[u8]) -> Result<&[u8], CodecError> {
    let mut head = Decoder::new(sealed);
    if head.take(MAGIC.len())? != MAGIC {
        return Err(CodecError::Magic);
    }
    let found = head.u32()?;
    if found != version {
        return Err(CodecError::Version(found));
    }
    let length = head.place()?;
    let checksum = head.u32()?;
    let content = head.rest;
    if content.len() != length || length > MAX_SEALED {
        return Err(CodecError::Length);
    }
    if crc32fast::hash(content) != checksum {
        return Err(CodecError::Checksum);
    }
    Ok(content)
}

/// A part of some bytes, and what follows it.
pub(crate) type Split<'a> = (&'a [u8], &'a [u8]);

/// Separates what is sealed from what follows it.
pub(crate) fn split_sealed(bytes: &[u8]) -> Result<Split<'_>, CodecError> {
    let mut head = Decoder::new(bytes);
    if head.take(MAGIC.len())? != MAGIC {
        return Err(CodecError::Magic);
    }
    let _version = head.u32()?;
    let length = head.place()?;
    let end = HEAD.checked_add(length).ok_or(CodecError::Length)?;
    bytes.split_at_checked(end).ok_or(CodecError::Length)
}

/// An entry of a journal: the length of `body`, its checksum, and `body`.
pub(crate) fn entry(body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len()).expect("nothing written down is as long as 4 GiB");
    let mut entry = Vec::with_capacity(ENTRY_HEAD + body.len());
    entry.extend_from_slice(&length.to_le_bytes());
    entry.extend_from_slice(&crc32fast::hash(body).to_le_bytes());
    entry.extend_from_slice(body);
    entry
}

/// The first entry of a journal, and what follows it; `None` if there is none, or if it was cut
/// short: whoever wrote it was killed, and did not come to what was to follow from it.
pub(crate) fn split_entry(journal: &[u8]) -> Result<Option<Split<'_>>, CodecError> {
    let Some((head, rest)) = journal.split_first_chunk::<ENTRY_HEAD>() else {
        return Ok(None);
    };
    let mut head = Decoder::new(head);
    let length = usize::try_from(head.u32()?).map_err(|_| CodecError::Length)?;
    let checksum = head.u32()?;
    match rest.split_at_checked(length) {
        Some((body, _)) if crc32fast::hash(body) != checksum => Err(CodecError::Checksum),
        split => Ok(split),
    }
}

/// Writes fields.
#[derive(Default)]
pub(crate) struct Encoder(Vec<u8>);

impl Encoder {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) fn finish(self) -> Vec<u8> {
        self.0
    }

    pub(crate) fn u8(&mut self, value: u8) {
        self.0.push(value);
    }

    pub(crate) fn bool(&mut self, value: bool) {
        self.u8(value.into());
    }

    pub(crate) fn u32(&mut self, value: u32) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    pub(crate) fn u64(&mut self, value: u64) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    pub(crate) fn i64(&mut self, value: i64) {
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    /// Nanoseconds fit: a clock that counts from boot or from 1970 does not reach 2^64 of them
    /// before the year 2554. What saturated beyond (a wait without end) stays saturated.
    pub(crate) fn duration(&mut self, value: Duration) {
        self.u64(u64::try_from(value.as_nanos()).unwrap_or(u64::MAX));
    }

    pub(crate) fn bytes(&mut self, value: &[u8]) {
        self.u32(u32::try_from(value.len()).expect("nothing written down is as long as 4 GiB"));
        self.0.extend_from_slice(value);
    }

    pub(crate) fn text(&mut self, value: &str) {
        self.bytes(value.as_bytes());
    }

    pub(crate) fn path(&mut self, value: &Path) {
        self.bytes(value.as_os_str().as_bytes());
    }

    pub(crate) fn option<T>(&mut self, value: Option<T>, write: impl FnOnce(&mut Self, T)) {
        self.bool(value.is_some());
        if let Some(value) = value {
            write(self, value);
        }
    }

    pub(crate) fn list<T>(
        &mut self,
        items: impl ExactSizeIterator<Item = T>,
        mut write: impl FnMut(&mut Self, T),
    ) {
        self.u32(u32::try_from(items.len()).expect("no list is as long as 4 billion"));
        for item in items {
            write(self, item);
        }
    }

    /// Writes fields with their length before them, so that a reader may know fewer or more.
    pub(crate) fn record(&mut self, write: impl FnOnce(&mut Self)) {
        let start = self.0.len();
        self.u32(0);
        write(self);
        let length = u32::try_from(self.0.len() - start - 4).expect("a record is not 4 GiB long");
        self.0[start..start + 4].copy_from_slice(&length.to_le_bytes());
    }
}

/// Reads fields.
pub(crate) struct Decoder<'a> {
    rest: &'a [u8],
}

impl<'a> Decoder<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], CodecError> {
        let (taken, rest) = self
            .rest
            .split_at_checked(length)
            .ok_or(CodecError::Length)?;
        self.rest = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], CodecError> {
        let (taken, rest) = self.rest.split_first_chunk().ok_or(CodecError::Length)?;
        self.rest = rest;
        Ok(*taken)
    }

    pub(crate) fn u8(&mut self) -> Result<u8, CodecError> {
        self.array().map(u8::from_le_bytes)
    }

    pub(crate) fn bool(&mut self) -> Result<bool, CodecError> {
        match self.u8()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(CodecError::Value),
        }
    }

    pub(crate) fn u32(&mut self) -> Result<u32, CodecError> {
        self.array().map(u32::from_le_bytes)
    }

    pub(crate) fn u64(&mut self) -> Result<u64, CodecError> {
        self.array().map(u64::from_le_bytes)
    }

    /// A place in something that fits into memory, or its length.
    pub(crate) fn place(&mut self) -> Result<usize, CodecError> {
        usize::try_from(self.u64()?).map_err(|_| CodecError::Length)
    }

    pub(crate) fn i64(&mut self) -> Result<i64, CodecError> {
        self.array().map(i64::from_le_bytes)
    }

    pub(crate) fn duration(&mut self) -> Result<Duration, CodecError> {
        self.u64().map(Duration::from_nanos)
    }

    pub(crate) fn bytes(&mut self) -> Result<&'a [u8], CodecError> {
        let length = self.u32()?;
        self.take(usize::try_from(length).map_err(|_| CodecError::Length)?)
    }

    pub(crate) fn text(&mut self) -> Result<String, CodecError> {
        let bytes = self.bytes()?;
        std::str::from_utf8(bytes)
            .map(str::to_owned)
            .map_err(|_| CodecError::Value)
    }

    pub(crate) fn path(&mut self) -> Result<PathBuf, CodecError> {
        Ok(PathBuf::from(OsStr::from_bytes(self.bytes()?)))
    }

    pub(crate) fn option<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, CodecError>,
    ) -> Result<Option<T>, CodecError> {
        if self.bool()? {
            read(self).map(Some)
        } else {
            Ok(None)
        }
    }

    /// Reads a list. Memory grows with what is really there, not with what the length claims.
    pub(crate) fn list<T>(
        &mut self,
        mut read: impl FnMut(&mut Self) -> Result<T, CodecError>,
    ) -> Result<Vec<T>, CodecError> {
        let length = self.u32()?;
        let mut items = Vec::new();
        for _ in 0..length {
            items.push(read(self)?);
        }
        Ok(items)
    }

    /// Whether there is nothing more: an earlier release may have written less.
    pub(crate) fn is_at_end(&self) -> bool {
        self.rest.is_empty()
    }

    /// Reads a record with `read`; what it leaves unread was added by a later release.
    pub(crate) fn record<T>(
        &mut self,
        read: impl FnOnce(&mut Decoder<'a>) -> Result<T, CodecError>,
    ) -> Result<T, CodecError> {
        read(&mut Decoder::new(self.bytes()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_sealed_opens_and_reads_the_same() {
        let mut out = Encoder::new();
        out.record(|out| {
            out.text("web");
            out.option(Some(7), Encoder::u32);
            out.list([1, 2, 3].into_iter(), Encoder::i64);
            out.duration(Duration::from_millis(1500));
        });
        let sealed = seal(3, &out.finish());
        let mut fields = Decoder::new(open(3, &sealed).unwrap());
        let read = fields.record(|fields| {
            let name = fields.text()?;
            let number = fields.option(Decoder::u32)?;
            Ok((name, number, fields.list(Decoder::i64)?, fields.duration()?))
        });
        let expected = (
            "web".to_owned(),
            Some(7),
            vec![1, 2, 3],
            Duration::from_millis(1500),
        );
        assert_eq!(read, Ok(expected));
        assert!(fields.rest.is_empty());
    }

    #[test]
    fn a_reader_skips_the_fields_of_a_later_release() {
        let mut out = Encoder::new();
        out.record(|out| {
            out.u32(1);
            out.text("added later");
        });
        out.u32(2);
        let bytes = out.finish();
        let mut fields = Decoder::new(&bytes);
        assert_eq!(fields.record(Decoder::u32), Ok(1));
        assert_eq!(fields.u32(), Ok(2));
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_noticed() {
        let sealed = seal(1, b"some content");
        for bit in 0..sealed.len() * 8 {
            let mut bad = sealed.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert!(open(1, &bad).is_err(), "bit {bit}");
        }
        for length in 0..sealed.len() {
            assert!(open(1, &sealed[..length]).is_err(), "length {length}");
        }
    }

    #[test]
    fn a_claimed_length_does_not_make_memory() {
        let claims_four_billion = [0xff; 4];
        assert_eq!(
            Decoder::new(&claims_four_billion).list(Decoder::u8),
            Err(CodecError::Length)
        );
        assert_eq!(
            Decoder::new(&claims_four_billion).bytes(),
            Err(CodecError::Length)
        );
    }

    #[test]
    fn another_version_is_said_to_be_one() {
        assert_eq!(open(2, &seal(1, b"")), Err(CodecError::Version(1)));
    }
}
