//! Reading logs by place, for readers who move about in them: parts, places of a text, and what is
//! added, across the files that were rotated away.
//!
//! A file is known by an identity that stays with it when it is renamed. So a reader can name a place
//! in a log, come again after any number of rotations (or with another daemon), and go on from there;
//! where that is not possible, it is told. Only regular files are read.

use std::fs::{File, Metadata, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use memchr::memmem;
use rustix::fs::OFlags;

use crate::rotate::backup;

/// How many bytes one search looks at, at most: some tens of milliseconds.
pub const SEARCHED: u64 = 64 << 20;

/// How much is read at once by a search.
const WINDOW: usize = 1 << 20;

/// How much of a line is shown before and behind a place.
const AROUND: u64 = 200;

/// How much a follower reads at once.
const STEP: usize = 64 << 10;

/// The most files that are looked for.
const FILES: u32 = 100_000;

/// A file of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// 0 for the one that is written to, 1 for the one that was rotated away last, and so on.
    pub number: u32,
    /// Its path.
    pub path: PathBuf,
    /// What identifies it, whatever it is called.
    pub id: u64,
    /// Its size.
    pub size: u64,
    /// When it was last written to.
    pub modified: Option<SystemTime>,
}

/// A part of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The file.
    pub file: Found,
    /// The first byte.
    pub offset: u64,
    /// The bytes. They end with a whole character if they can.
    pub bytes: Vec<u8>,
}

/// Where a text stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sighting {
    /// Its first byte.
    pub offset: u64,
    /// The first byte of what is shown of the line.
    pub line_offset: u64,
    /// The line, or what is around the place.
    pub line: Vec<u8>,
}

/// What a search came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sought {
    /// The places, in order.
    pub sightings: Vec<Sighting>,
    /// From where to go on, if not everything was looked at.
    pub next: Option<u64>,
    /// The size of the file.
    pub size: u64,
}

/// What a follower has read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// Nothing was added.
    Nothing,
    /// These bytes.
    Added(Part),
    /// Something may be missing between what was read and what follows.
    Break(Break),
}

/// Why something may be missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Break {
    /// The file that was read is not there any more.
    Gone,
    /// The file has become shorter.
    Truncated,
}

impl Break {
    /// What it is called.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Gone => "gone",
            Self::Truncated => "truncated",
        }
    }
}

/// The files of the log at `path`, the newest first.
#[must_use]
pub fn files(path: &Path) -> Vec<Found> {
    let named = |number| {
        let path = name_of(path, number);
        let found = path.metadata().ok().filter(Metadata::is_file)?;
        Some(describe(number, path, &found))
    };
    let rotated = (1..FILES).map_while(named);
    named(0).into_iter().chain(rotated).collect()
}

/// Reads at most `limit` bytes of a file of the log at `path` from `offset` on, which is counted from
/// the end if it is below zero.
pub fn part(path: &Path, number: u32, offset: i64, limit: usize) -> io::Result<Part> {
    let (file, found) = open(path, number)?;
    let offset = match u64::try_from(offset) {
        Ok(offset) => offset.min(found.size),
        Err(_) => found.size.saturating_sub(offset.unsigned_abs()),
    };
    let mut bytes = read_at(&file, offset, limit)?;
    let whole = whole_characters(&bytes);
    if bytes.len() == limit && whole > 0 {
        bytes.truncate(whole);
    }
    Ok(Part {
        file: found,
        offset,
        bytes,
    })
}

/// Looks for `text` in a file of the log at `path`, from `offset` on, until `limit` places are found or
/// [`SEARCHED`] bytes have been looked at.
pub fn search(
    path: &Path,
    number: u32,
    text: &[u8],
    exact: bool,
    offset: u64,
    limit: usize,
) -> io::Result<Sought> {
    let (file, found) = open(path, number)?;
    let size = found.size;
    let sought = if exact {
        text.to_vec()
    } else {
        text.to_ascii_lowercase()
    };
    let finder = memmem::Finder::new(&sought);
    let end = size.min(offset.saturating_add(SEARCHED));
    let mut sightings = Vec::new();
    let mut at = offset;
    while at < end {
        // What begins in this window may end behind it.
        let wanted = WINDOW + text.len().saturating_sub(1);
        let mut window = read_at(&file, at, wanted)?;
        if window.is_empty() {
            break;
        }
        if !exact {
            window.make_ascii_lowercase();
        }
        for place in finder.find_iter(&window) {
            if place >= WINDOW {
                break;
            }
            let offset = at + place as u64;
            sightings.push(sighting(&file, offset, text.len())?);
            if sightings.len() == limit {
                let next = offset + 1;
                return Ok(Sought {
                    sightings,
                    next: (next < size).then_some(next),
                    size,
                });
            }
        }
        at += window.len().min(WINDOW) as u64;
    }
    Ok(Sought {
        sightings,
        next: (at < size).then_some(at),
        size,
    })
}

/// The line around a place.
fn sighting(file: &File, offset: u64, length: usize) -> io::Result<Sighting> {
    let start = offset.saturating_sub(AROUND);
    let before = usize::try_from(offset - start).unwrap_or(0);
    let wanted = before + length + usize::try_from(AROUND).unwrap_or(0);
    let bytes = read_at(file, start, wanted)?;
    let (head, tail) = bytes.split_at(before.min(bytes.len()));
    let begin = memchr::memrchr(b'\n', head).map_or(0, |newline| newline + 1);
    let text = length.min(tail.len());
    let end = memchr::memchr(b'\n', &tail[text..]).map_or(tail.len(), |newline| text + newline);
    Ok(Sighting {
        offset,
        line_offset: start + begin as u64,
        line: [&head[begin..], &tail[..end]].concat(),
    })
}

/// A reader of what is added to a log.
#[derive(Debug)]
pub struct Cursor {
    path: PathBuf,
    file: File,
    found: Found,
    at: u64,
    /// What has to be told before anything else.
    broken: Option<Break>,
}

impl Cursor {
    /// Goes on behind byte `offset` of the file of this `id`; at the end of the log if that is not
    /// said. If there is no such place any more, that is what is told first.
    pub fn begin(path: &Path, after: Option<(u64, u64)>) -> io::Result<Self> {
        let (file, found) = open(path, 0)?;
        let mut cursor = Self {
            path: path.to_owned(),
            at: found.size,
            file,
            found,
            broken: None,
        };
        if let Some((id, offset)) = after {
            match find(path, id)? {
                Some((file, found)) if offset <= found.size => {
                    (cursor.file, cursor.found, cursor.at) = (file, found, offset);
                }
                Some(_) => cursor.broken = Some(Break::Truncated),
                None => cursor.broken = Some(Break::Gone),
            }
        }
        Ok(cursor)
    }

    /// Where it is: a file, and how many bytes of it have been read.
    #[must_use]
    pub fn place(&self) -> (u64, u64) {
        (self.found.id, self.at)
    }

    /// What has been added, at most 64 KiB. Does not wait.
    pub fn read_more(&mut self) -> io::Result<Piece> {
        if let Some(broken) = self.broken.take() {
            return Ok(Piece::Break(broken));
        }
        // Asked before reading: what is written later is in the new file.
        let next = self.next();
        let size = self.file.metadata()?.len();
        if size < self.at {
            self.at = 0;
            return Ok(Piece::Break(Break::Truncated));
        }
        let mut bytes = read_at(&self.file, self.at, STEP)?;
        let is_last = next.is_some() && bytes.len() < STEP;
        if !is_last {
            // The rest of the last character may come yet.
            bytes.truncate(whole_characters(&bytes));
        }
        if !bytes.is_empty() {
            let offset = self.at;
            self.at += bytes.len() as u64;
            self.found.size = size;
            return Ok(Piece::Added(Part {
                file: self.found.clone(),
                offset,
                bytes,
            }));
        }
        match next {
            None => Ok(Piece::Nothing),
            Some(Next::Newer(file, found)) => {
                (self.file, self.found, self.at) = (file, found, 0);
                self.read_more()
            }
            Some(Next::Unknown(file, found)) => {
                (self.file, self.found, self.at) = (file, found, 0);
                Ok(Piece::Break(Break::Gone))
            }
        }
    }

    /// The file that comes after this one, if this one is not written to any more.
    fn next(&self) -> Option<Next> {
        let current = self.path.metadata().ok();
        let is_current = |it: &Metadata| !it.is_file() || id_of(it) == self.found.id;
        if current.as_ref().is_none_or(is_current) {
            return None;
        }
        // While it is looked for, it may be renamed once more, and be between two names.
        let mut unknown = None;
        for _ in 0..RENAMED {
            let files = files(&self.path);
            let ours = files.iter().position(|it| it.id == self.found.id);
            // An empty backup is a rotation under way: its place, for what is the log until then.
            let newer = ours.map_or(&[][..], |ours| &files[..ours]).iter();
            let newer = newer.rev().find(|it| it.number == 0 || it.size > 0);
            let Ok((file, found)) = open(&self.path, newer.map_or(0, |it| it.number)) else {
                continue;
            };
            match newer {
                None => unknown = Some(Next::Unknown(file, found)),
                Some(newer) if newer.id == found.id => return Some(Next::Newer(file, found)),
                Some(_) => {}
            }
        }
        unknown
    }
}

/// What identifies the file at `path`, and how long it is; `None` if it is no regular file.
#[must_use]
pub fn end(path: &Path) -> Option<(u64, u64)> {
    let found = path.metadata().ok().filter(Metadata::is_file)?;
    Some((id_of(&found), found.len()))
}

/// The file of this `id` of the log at `path`, whatever it is called now; `None` if it is gone.
pub fn find(path: &Path, id: u64) -> io::Result<Option<(File, Found)>> {
    for _ in 0..RENAMED {
        let Some(found) = files(path).into_iter().find(|it| it.id == id) else {
            return Ok(None);
        };
        let (file, found) = open(path, found.number)?;
        if found.id == id {
            return Ok(Some((file, found)));
        }
    }
    Ok(None)
}

/// How often a file is looked for again that was renamed meanwhile.
pub const RENAMED: usize = 5;

/// What comes after a file.
enum Next {
    /// The file that was begun when that one was rotated away.
    Newer(File, Found),
    /// That one is not there any more, so anything may have come after it.
    Unknown(File, Found),
}

/// What rotation calls the file of this number; 0 is the one that is written to.
#[must_use]
pub fn name_of(path: &Path, number: u32) -> PathBuf {
    if number == 0 {
        path.to_owned()
    } else {
        backup(path, number)
    }
}

fn open(path: &Path, number: u32) -> io::Result<(File, Found)> {
    let path = name_of(path, number);
    let file = OpenOptions::new()
        .read(true)
        // A pipe must not be waited for.
        .custom_flags(OFlags::NONBLOCK.bits().cast_signed())
        .open(&path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let found = describe(number, path, &metadata);
    Ok((file, found))
}

fn describe(number: u32, path: PathBuf, metadata: &Metadata) -> Found {
    Found {
        number,
        path,
        id: id_of(metadata),
        size: metadata.len(),
        modified: metadata.modified().ok(),
    }
}

/// What identifies a file: the number that its file system has given it, and the moment it was made,
/// because numbers are given again.
fn id_of(metadata: &Metadata) -> u64 {
    let made = metadata.created().ok();
    let made = made.and_then(|made| made.duration_since(UNIX_EPOCH).ok());
    let nanos = made.map_or(0, |made| made.as_nanos());
    // Spread over the upper bits, which inode numbers leave free.
    let made = u64::try_from(nanos & u128::from(u64::MAX)).unwrap_or(0);
    metadata.ino() ^ made.rotate_left(24) ^ metadata.dev().rotate_left(40)
}

fn read_at(file: &File, offset: u64, limit: usize) -> io::Result<Vec<u8>> {
    let left = file.metadata()?.len().saturating_sub(offset);
    let mut bytes = vec![0; limit.min(usize::try_from(left).unwrap_or(limit))];
    let mut done = 0;
    while done < bytes.len() {
        match file.read_at(&mut bytes[done..], offset + done as u64) {
            Ok(0) => break,
            Ok(some) => done += some,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    bytes.truncate(done);
    Ok(bytes)
}

/// How many of the bytes come before a character at their end that is not complete.
fn whole_characters(bytes: &[u8]) -> usize {
    let begin = bytes.len().saturating_sub(3);
    for at in (begin..bytes.len()).rev() {
        let length = match bytes[at] {
            0x80..=0xbf => continue,
            0xc2..=0xdf => 2,
            0xe0..=0xef => 3,
            0xf0..=0xf4 => 4,
            _ => 1,
        };
        let is_whole = at + length <= bytes.len();
        return if is_whole { bytes.len() } else { at };
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write as _;

    use super::*;
    use crate::rotate::{exchange, make_room};

    struct Log {
        _folder: tempfile::TempDir,
        path: PathBuf,
    }

    impl Log {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("log");
            fs::write(&path, "").unwrap();
            Self {
                _folder: folder,
                path,
            }
        }

        fn add(&self, text: impl AsRef<[u8]>) {
            let mut file = OpenOptions::new()
                .append(true)
                .create(true)
                .open(&self.path)
                .unwrap();
            file.write_all(text.as_ref()).unwrap();
        }

        fn rotate(&self, backups: u32) {
            if backups == 0 {
                fs::remove_file(&self.path).unwrap();
            } else {
                let newest = make_room(&self.path, backups).unwrap();
                fs::write(&newest, "").unwrap();
                exchange(&self.path, &newest).unwrap();
            }
            self.add("");
        }
    }

    /// All that there is to read; breaks by their names.
    fn read(cursor: &mut Cursor) -> String {
        let mut text = String::new();
        loop {
            match cursor.read_more().unwrap() {
                Piece::Nothing => return text,
                Piece::Added(part) => text += &String::from_utf8_lossy(&part.bytes),
                Piece::Break(broken) => {
                    text.extend(["<", broken.name(), ">"]);
                }
            }
        }
    }

    #[test]
    fn a_reader_follows_through_rotations_that_it_did_not_see() {
        let log = Log::new();
        log.add("seen ");
        let mut cursor = Cursor::begin(&log.path, None).unwrap();
        assert_eq!(read(&mut cursor), "");
        for text in ["one ", "two ", "three "] {
            log.add(text);
            log.rotate(5);
        }
        log.add("four ");
        assert_eq!(read(&mut cursor), "one two three four ");
        log.add("five ");
        assert_eq!(read(&mut cursor), "five ");
    }

    #[test]
    fn a_reader_skips_nothing_while_a_rotation_is_under_way() {
        let log = Log::new();
        let mut cursor = Cursor::begin(&log.path, None).unwrap();
        log.add("one ");
        log.rotate(5);
        log.add("two ");
        let newest = make_room(&log.path, 5).unwrap();
        fs::write(&newest, "").unwrap();
        assert_eq!(read(&mut cursor), "one two ");
        exchange(&log.path, &newest).unwrap();
        log.add("three ");
        assert_eq!(read(&mut cursor), "three ");
    }

    #[test]
    fn a_reader_comes_again_to_the_place_where_it_was() {
        let log = Log::new();
        log.add("0123456789");
        let id = files(&log.path)[0].id;
        log.rotate(3);
        log.add("new");
        let again = |id, offset| read(&mut Cursor::begin(&log.path, Some((id, offset))).unwrap());
        assert_eq!(again(id, 4), "456789new");
        assert_eq!(again(id, 10), "new");
        assert_eq!(again(id, 11), "<truncated>");
        assert_eq!(again(!id, 0), "<gone>");
    }

    #[test]
    fn what_may_be_missing_is_told() {
        let log = Log::new();
        let mut cursor = Cursor::begin(&log.path, None).unwrap();
        log.add("one ");
        log.rotate(0);
        log.add("two ");
        assert_eq!(read(&mut cursor), "one <gone>two ");
        fs::write(&log.path, "3").unwrap();
        assert_eq!(read(&mut cursor), "<truncated>3");
        fs::remove_file(&log.path).unwrap();
        assert_eq!(read(&mut cursor), "");
    }

    #[test]
    fn characters_are_not_cut() {
        let log = Log::new();
        let mut cursor = Cursor::begin(&log.path, None).unwrap();
        let text = "a\u{e9}\u{2603}\u{1f600}".as_bytes();
        let mut shown = String::new();
        for byte in text {
            log.add([*byte]);
            shown += &read(&mut cursor);
        }
        assert_eq!(shown.as_bytes(), text);
        for limit in 1..text.len() {
            let part = part(&log.path, 0, 0, limit).unwrap();
            let whole = std::str::from_utf8(&part.bytes).is_ok();
            assert!(whole && !part.bytes.is_empty(), "{limit}");
        }
        // What is no character is not waited for.
        log.add(b"\xff\xfe");
        assert_eq!(read(&mut cursor), "\u{fffd}\u{fffd}");
        log.add(b"\xe2\x98");
        log.rotate(1);
        log.add("x");
        assert_eq!(read(&mut cursor), "\u{fffd}x");
    }

    #[test]
    fn a_part_is_counted_from_either_end() {
        let log = Log::new();
        log.add("0123456789");
        for (offset, limit, start, expected) in [
            (0, 4, 0, "0123"),
            (8, 4, 8, "89"),
            (-3, 9, 7, "789"),
            (-99, 2, 0, "01"),
            (99, 2, 10, ""),
            (i64::MIN, 1, 0, "0"),
        ] {
            let part = part(&log.path, 0, offset, limit).unwrap();
            assert_eq!((part.offset, &*part.bytes), (start, expected.as_bytes()));
        }
        assert!(part(&log.path, 1, 0, 1).is_err());
        assert!(part(Path::new("/dev/null"), 0, 0, 1).is_err());
    }

    #[test]
    fn a_text_is_found_wherever_it_stands() {
        let log = Log::new();
        log.add("first line\n");
        log.add(vec![b'.'; WINDOW - 14]);
        log.add("Needle and needle\nlast");
        let found = |exact, offset, limit| {
            let sought = search(&log.path, 0, b"needle", exact, offset, limit).unwrap();
            let offsets = sought
                .sightings
                .iter()
                .map(|it| it.offset)
                .collect::<Vec<_>>();
            (offsets, sought.next)
        };
        let first = WINDOW as u64 - 3;
        assert_eq!(found(false, 0, 9), (vec![first, first + 11], None));
        assert_eq!(found(true, 0, 9), (vec![first + 11], None));
        assert_eq!(found(false, 0, 1), (vec![first], Some(first + 1)));
        assert_eq!(found(false, first + 1, 9), (vec![first + 11], None));
        assert_eq!(found(false, 1 << 40, 9), (vec![], None));
        let line = search(&log.path, 0, b"line", true, 0, 9).unwrap();
        assert_eq!(line.sightings[0].line, b"first line");
        let last = search(&log.path, 0, b"last", true, 0, 9).unwrap();
        assert_eq!(last.sightings[0].line, b"last");
    }
}
