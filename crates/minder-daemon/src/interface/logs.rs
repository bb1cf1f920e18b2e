//! Logs, as pages show them: their end, what is added to it, and files to be saved. Those of
//! processes and the daemon's own are shown alike.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use minder_core::group::full_name;
use minder_core::spec::LogTarget;
use minder_core::view::{GroupView, ProcessView};
use minder_core::{Mood, ProcessState};
use minder_http::server::site::{Content, Files, Keep, Shown, Status};
use minder_logs::browse::{self, Cursor, Found, Piece, name_of};
use minder_page::log::{self, Extent, Kept, LogFile, LogOf, Part, Seam, Side, Stream, WINDOW};
use minder_page::{LogView, Look};
use minder_rpc::{Channel, Fault};
use tokio::time::{Instant, sleep};

use super::fields::Fields;
use super::moments::Moments;
use super::overview::look;
use super::{HTML, TEXT, Visitor, text};
use crate::api::{Api, blocking, find, logs};

/// How long a script waits for more to be written, and how often it is looked for: as often as
/// for other clients that follow a log.
const PATIENCE: Duration = Duration::from_secs(20);
const PERIOD: Duration = Duration::from_millis(100);

/// How far back what is searched for is looked for, in bytes.
const SEARCHED: u64 = 16 << 20;

/// How many files are offered at most.
const FILES: usize = 50;

/// How far behind a script may be and still be given everything, in bytes: who has been away for
/// long sees the end, and that something is left out.
const BEHIND: u64 = 4 * WINDOW;

/// A log, and one of its files.
#[derive(Clone, Debug)]
struct Place {
    of: LogOf,
    /// Where it is written to, if to a file, a device or a pipe.
    path: Option<PathBuf>,
    is_syslog: bool,
    number: u32,
}

impl Place {
    /// What a request asks for; `None` if there is no such process.
    fn asked(api: &Api, fields: &Fields) -> Option<Self> {
        if fields.get("of") == Some("daemon") {
            return Some(Self::of_daemon(api, fields));
        }
        let picture = api.published.latest();
        let name = fields.get("name").unwrap_or_default();
        let (group, process) = find(&picture.view, name).ok()?;
        Some(Self::of_process(api, group, process, fields))
    }

    fn of_daemon(api: &Api, fields: &Fields) -> Self {
        Self {
            of: LogOf::Daemon,
            path: api.log.path(),
            is_syslog: api.log.is_syslog(),
            number: fields.number("file").unwrap_or(0),
        }
    }

    /// The one of standard output unless a request says otherwise, or unless that is kept nowhere.
    fn of_process(api: &Api, group: &GroupView, process: &ProcessView, fields: &Fields) -> Self {
        let picture = api.published.latest();
        let path = |channel| logs::path(&picture, process, channel);
        let (stdout, stderr) = (path(Channel::Stdout), path(Channel::Stderr));
        let has_stderr = stderr.is_some();
        let stream = match fields.get("stream") {
            Some("stderr") => Stream::Stderr,
            Some("stdout") => Stream::Stdout,
            _ if is_in_trouble(process) && is_written(stderr.as_deref()) => Stream::Stderr,
            _ => Stream::Stdout,
        };
        let (path, spec) = match stream {
            Stream::Stdout => (stdout, &process.spec.stdout),
            Stream::Stderr => (stderr, &process.spec.stderr),
        };
        Self {
            of: LogOf::Process {
                name: full_name(&group.spec.name, &process.spec.name),
                stream,
                has_stderr,
            },
            path,
            is_syslog: spec.syslog || spec.log == LogTarget::Syslog,
            number: fields.number("file").unwrap_or(0),
        }
    }

    /// Where the file is. Only numbers can be asked for, so that it is one of this log.
    fn file(&self) -> Option<PathBuf> {
        self.path.as_deref().map(|path| name_of(path, self.number))
    }

    /// Where it goes, as far as that can be read.
    fn kept(&self) -> Kept {
        let Some(path) = self.file() else {
            return if self.is_syslog {
                Kept::Syslog
            } else {
                Kept::Nowhere
            };
        };
        let shown = path.to_string_lossy().into_owned();
        // What is not there may come yet, as a file.
        match path.metadata() {
            Ok(metadata) if !metadata.is_file() => Kept::Elsewhere(shown),
            Ok(_) | Err(_) => Kept::File(shown),
        }
    }
}

fn is_in_trouble(process: &ProcessView) -> bool {
    matches!(
        look(process),
        Look::ExitedBadly | Look::Plain(ProcessState::Fatal | ProcessState::Backoff)
    )
}

fn is_written(path: Option<&Path>) -> bool {
    path.and_then(|path| path.metadata().ok())
        .is_some_and(|it| it.len() > 0)
}

/// What the page about a process shows of its log.
pub(super) async fn view(
    api: &Arc<Api>,
    group: &GroupView,
    process: &ProcessView,
    fields: &Fields,
) -> Result<LogView, Fault> {
    let is_listener = matches!(
        group.spec.kind,
        minder_core::spec::GroupKind::Listeners { .. }
    );
    let writes = process.pid.is_some() || process.state == ProcessState::Backoff;
    let place = Place::of_process(api, group, process, fields);
    let starts = Starts::of(api, &place, &Moments::now());
    let view = looked_at(place, starts, fields).await?;
    Ok(LogView {
        extent: match view.extent {
            Extent::Growing if !writes => Extent::Ended,
            extent => extent,
        },
        // What a listener reads is the daemon's.
        takes_stdin: process.state == ProcessState::Running && !is_listener,
        ..view
    })
}

/// What the page about the daemon shows of its log.
pub(super) async fn own(api: &Arc<Api>, fields: &Fields) -> Result<LogView, Fault> {
    let nobody = Starts(Vec::new());
    looked_at(Place::of_daemon(api, fields), nobody, fields).await
}

/// What is shown of a log that is written to, and takes nothing.
async fn looked_at(mut place: Place, starts: Starts, fields: &Fields) -> Result<LogView, Fault> {
    let find = fields.get("find").map(str::to_owned).unwrap_or_default();
    let before = Spot::of(fields, "before");
    let at = Spot::of(fields, "at").filter(|_| before.is_none() && find.is_empty());
    blocking(move || {
        let path = place.path.as_deref();
        let known = path.map(browse::files).unwrap_or_default();
        let asked = before.or(at);
        let spot = asked.filter(|spot| known.iter().any(|it| it.id == spot.id));
        let part = match (path, spot) {
            (None, _) => Part::default(),
            (Some(path), Some(spot)) if !find.is_empty() => sought(path, &known, spot, &find),
            (Some(path), Some(spot)) if at.is_some() => around(path, &known, spot),
            (Some(path), Some(spot)) => earlier(path, spot),
            (Some(path), None) if !find.is_empty() => {
                let end = known
                    .iter()
                    .find(|it| it.number == place.number)
                    .map(Spot::end);
                end.map_or_else(Part::default, |end| sought(path, &known, end, &find))
            }
            (Some(path), None) => end(path, place.number),
        };
        let is_asked = spot.is_some() || !find.is_empty();
        // Which file has what was asked for is known now.
        let found = known.iter().find(|it| it.id == part.id);
        if let Some(found) = found.filter(|_| is_asked) {
            place.number = found.number;
        }
        LogView {
            kept: place.kept(),
            of: place.of,
            files: offered(&known),
            file: place.number,
            is_gone: asked != spot,
            extent: if is_asked {
                Extent::Asked
            } else {
                Extent::Growing
            },
            here: spot.and(at).map(|spot| spot.offset),
            part: starts.within(part),
            find,
            takes_stdin: false,
        }
    })
    .await
}

/// Where children of a process begin in one of its logs.
struct Starts(Vec<(u64, log::Start)>);

impl Starts {
    /// Those of the process that a place belongs to.
    fn of(api: &Api, place: &Place, moments: &Moments) -> Self {
        let LogOf::Process { name, stream, .. } = &place.of else {
            return Self(Vec::new());
        };
        let channel = match stream {
            Stream::Stdout => minder_core::Channel::Stdout,
            Stream::Stderr => minder_core::Channel::Stderr,
        };
        let picture = api.published.latest();
        let record = find(&picture.view, name)
            .ok()
            .and_then(|(group, process)| api.history.record(&group.spec.name, &process.spec.name));
        let begun = record.unwrap_or_default().begun;
        let of_this = begun.into_iter().filter(|begun| begun.channel == channel);
        let starts = of_this.map(|begun| {
            let start = log::Start {
                offset: begun.offset,
                at: moments.moment(begun.at),
                pid: begun.pid,
            };
            (begun.file, start)
        });
        Self(starts.collect())
    }

    /// A part, with those that lie in it.
    fn within(&self, part: Part) -> Part {
        let is_in = |(file, start): &&(u64, log::Start)| {
            *file == part.id && (part.start..part.end()).contains(&start.offset)
        };
        let starts = self.0.iter().filter(is_in);
        let starts = starts.map(|(_, start)| start.clone()).collect();
        Part { starts, ..part }
    }
}

/// A place in a log that stays what it is when files are renamed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Spot {
    /// What identifies the file.
    id: u64,
    /// How many bytes of it come before.
    offset: u64,
}

impl Spot {
    /// The end of a file.
    fn end(file: &Found) -> Self {
        Self {
            id: file.id,
            offset: file.size,
        }
    }

    /// The one that a request names, with its offset in this field.
    fn of(fields: &Fields, offset: &str) -> Option<Self> {
        Some(Self {
            id: u64::from_str_radix(fields.get("id")?, 16).ok()?,
            offset: fields.number(offset)?,
        })
    }
}

/// The end of a file.
fn end(path: &Path, number: u32) -> Part {
    let size = name_of(path, number).metadata().map_or(0, |it| it.len());
    read(path, number, size.saturating_sub(WINDOW), size)
}

/// What is around the last place before `spot` where `find` is, in its file or in those before it. If
/// it is nowhere, what comes before `spot`.
fn sought(path: &Path, known: &[Found], spot: Spot, find: &str) -> Part {
    let older = known.iter().skip_while(|file| file.id != spot.id);
    let mut left = SEARCHED;
    for file in older {
        let end = if file.id == spot.id {
            spot.offset.min(file.size)
        } else {
            file.size
        };
        let from = end.saturating_sub(left);
        if let Some(at) = last(path, file.number, from, end, find) {
            let end = at.saturating_add(WINDOW / 4).min(end);
            return read(path, file.number, end.saturating_sub(WINDOW), end);
        }
        left -= end - from;
        if left == 0 {
            break;
        }
    }
    let Some(file) = known.iter().find(|file| file.id == spot.id) else {
        return Part::default();
    };
    let end = spot.offset.max(WINDOW).min(file.size);
    read(path, file.number, end.saturating_sub(WINDOW), end)
}

/// Where `find` is last, whatever its case, in a part of a file.
fn last(path: &Path, number: u32, from: u64, to: u64, find: &str) -> Option<u64> {
    let length = usize::try_from(to.saturating_sub(from)).ok()?;
    let offset = i64::try_from(from).ok()?;
    let part = browse::part(path, number, offset, length).ok()?;
    let text = part.bytes.to_ascii_lowercase();
    let at = memchr::memmem::rfind(&text, find.to_ascii_lowercase().as_bytes())?;
    Some(from + at as u64)
}

/// What is around the line that begins at `spot`, with whole lines.
fn around(path: &Path, known: &[Found], spot: Spot) -> Part {
    let Some(file) = known.iter().find(|file| file.id == spot.id) else {
        return Part::default();
    };
    let end = spot.offset.saturating_add(WINDOW / 2).min(file.size);
    let mut part = read(path, file.number, end.saturating_sub(WINDOW), end);
    let after = usize::try_from(spot.offset.saturating_sub(part.start)).unwrap_or(usize::MAX);
    if end < file.size
        && let Some(last) = memchr::memrchr(b'\n', &part.bytes)
        && last >= after
    {
        part.bytes.truncate(last + 1);
    }
    part
}

/// A part of a file, from the beginning of a line on unless it begins where the file does.
fn read(path: &Path, number: u32, from: u64, to: u64) -> Part {
    let length = usize::try_from(to.saturating_sub(from)).unwrap_or(usize::MAX);
    let offset = i64::try_from(from).unwrap_or(i64::MAX);
    let Ok(read) = browse::part(path, number, offset, length) else {
        return Part::default();
    };
    let part = whole(read);
    let has_earlier = part.start > 0 || has_older(path, number);
    Part {
        has_earlier,
        ..from_a_line_on(part)
    }
}

fn has_older(path: &Path, number: u32) -> bool {
    number
        .checked_add(1)
        .is_some_and(|older| is_written(Some(&name_of(path, older))))
}

/// A part of a file as it is: a script knows where its lines begin.
fn whole(read: browse::Part) -> Part {
    Part {
        bytes: read.bytes,
        id: read.file.id,
        start: read.offset,
        size: read.file.size,
        has_earlier: read.offset > 0,
        seam: None,
        starts: Vec::new(),
    }
}

/// A part without the rest of a line that it begins with. Of nothing but that rest, all is left.
fn from_a_line_on(mut part: Part) -> Part {
    let cut = match memchr::memchr(b'\n', &part.bytes) {
        Some(end) if part.start > 0 && end + 1 < part.bytes.len() => end + 1,
        _ => 0,
    };
    part.start += cut as u64;
    part.bytes.drain(..cut);
    part
}

/// The files that are offered.
fn offered(files: &[Found]) -> Vec<LogFile> {
    let moments = Moments::now();
    let files = files.iter().take(FILES).map(|file| LogFile {
        number: file.number,
        size: file.size,
        until: file.modified.and_then(|time| moments.of_file(time)),
    });
    files.collect()
}

/// Lines for a script: those behind a place, for which it may wait, or those before one.
pub(super) async fn lines(api: &Arc<Api>, visitor: &Visitor, fields: &Fields) -> Shown {
    let Some(place) = Place::asked(api, fields) else {
        return text(Status::Missing, String::new());
    };
    let Some(path) = place.path.clone() else {
        return text(Status::Missing, String::new());
    };
    let (part, side) = if let Some(before) = Spot::of(fields, "before") {
        (
            blocking(move || earlier(&path, before)).await,
            Side::Earlier,
        )
    } else if let Some(after) = Spot::of(fields, "after") {
        let seen = fields.number("seen").unwrap_or(after.offset);
        let reader = Reader::new(path, after, seen);
        (following(api, reader).await, Side::Later)
    } else {
        return text(Status::Missing, String::new());
    };
    match part {
        Ok(part) => {
            let part = Starts::of(api, &place, &visitor.moments).within(part);
            let lines = log::fragment(&part, side, visitor.language);
            super::answer(Status::Fine, HTML, lines)
        }
        Err(_) => text(Status::Conflict, String::new()),
    }
}

/// What was written before a place: in the same file, or, where that begins, in the one before it.
/// Nothing if that file is gone.
fn earlier(path: &Path, before: Spot) -> Part {
    for _ in 0..browse::RENAMED {
        let files = browse::files(path);
        let Some(at) = files.iter().position(|file| file.id == before.id) else {
            break;
        };
        let older = || files[at + 1..].iter().find(|file| file.size > 0);
        let (file, end, seam) = match before.offset {
            0 => match older() {
                Some(file) => (file, file.size, Some(Seam::Rotated)),
                None => break,
            },
            offset => (&files[at], offset.min(files[at].size), None),
        };
        let part = read(path, file.number, end.saturating_sub(WINDOW), end);
        if part.id == file.id {
            return Part { seam, ..part };
        }
    }
    Part {
        id: before.id,
        start: before.offset,
        ..Part::default()
    }
}

/// Reads what is written behind a place, through any number of rotations.
struct Reader {
    path: PathBuf,
    after: Spot,
    /// How much of that file has been seen: the end of it may be a line that has no end yet, which
    /// is given again together with what comes.
    seen: u64,
    /// Where it is, once there is a file.
    cursor: Option<Cursor>,
    /// What has been seen of the open line.
    open: Vec<u8>,
    seam: Option<Seam>,
}

impl Reader {
    fn new(path: PathBuf, after: Spot, seen: u64) -> Self {
        Self {
            path,
            after,
            seen,
            cursor: None,
            open: Vec::new(),
            seam: None,
        }
    }

    /// What is new, if anything is. Does not wait.
    fn look(&mut self) -> Option<Part> {
        loop {
            if self.cursor.is_none() {
                self.begin()?;
            }
            match self.cursor.as_mut()?.read_more().ok()? {
                Piece::Nothing => return None,
                Piece::Break(_) => {
                    // All that there is now is new, unless nothing was shown before.
                    let (id, _) = self.cursor.take()?.place();
                    self.seam = (self.after.id != 0).then_some(Seam::Anew);
                    (self.after, self.seen) = (Spot { id, offset: 0 }, 0);
                    self.open.clear();
                }
                Piece::Added(added) => {
                    let added = whole(added);
                    let goes_on = added.id == self.after.id;
                    if goes_on && added.end() <= self.seen {
                        self.open.extend(added.bytes);
                        continue;
                    }
                    return Some(self.given(added, goes_on));
                }
            }
        }
    }

    /// Finds the place, or one further on if there is too much behind it.
    fn begin(&mut self) -> Option<()> {
        let files = browse::files(&self.path);
        let newer = files.iter().take_while(|file| file.id != self.after.id);
        let behind: u64 = newer.map(|file| file.size).sum();
        let ours = files.iter().find(|file| file.id == self.after.id);
        let behind = ours.map(|file| behind + file.size.saturating_sub(self.after.offset));
        if let (Some(newest), Some(behind)) = (files.first(), behind)
            && behind > BEHIND
        {
            let offset = newest.size.saturating_sub(BEHIND);
            self.after = Spot {
                id: newest.id,
                offset,
            };
            (self.seen, self.seam) = (offset, Some(Seam::LeftOut));
        }
        let place = (self.after.id, self.after.offset);
        self.cursor = Some(Cursor::begin(&self.path, Some(place)).ok()?);
        Some(())
    }

    fn given(&mut self, added: Part, goes_on: bool) -> Part {
        let seam = match (self.seam, goes_on) {
            (Some(seam), _) => Some(seam),
            (None, false) if self.after.id != 0 => Some(Seam::Rotated),
            (None, _) => None,
        };
        if !goes_on {
            return Part { seam, ..added };
        }
        let part = Part {
            start: self.after.offset,
            bytes: [std::mem::take(&mut self.open), added.bytes].concat(),
            seam,
            ..added
        };
        // Where something is left out, no line begins.
        match seam {
            Some(Seam::LeftOut) => from_a_line_on(part),
            Some(Seam::Rotated | Seam::Anew) | None => part,
        }
    }
}

/// What is written next. Nothing if nothing is written for a while, or the daemon ends.
async fn following(api: &Api, mut reader: Reader) -> Result<Part, Fault> {
    let begun = Instant::now();
    loop {
        let (back, found) = blocking(move || {
            let found = reader.look();
            (reader, found)
        })
        .await?;
        reader = back;
        if let Some(part) = found {
            return Ok(part);
        }
        let is_over = api.published.latest().view.mood != Mood::Running;
        if is_over || begun.elapsed() >= PATIENCE {
            return Ok(Part {
                id: reader.after.id,
                start: reader.after.offset,
                ..Part::default()
            });
        }
        sleep(PERIOD).await;
    }
}

/// A file, to be saved, or all of them as one.
pub(super) async fn raw(api: &Arc<Api>, fields: &Fields) -> Shown {
    let has_all = fields.get("file") == Some("all");
    let Some(place) = Place::asked(api, fields) else {
        return text(Status::Missing, String::new());
    };
    let name = place.file().map(|path| saved_as(&path));
    let opened = blocking(move || {
        if has_all {
            all(place.path?)
        } else {
            open(&place.file()?)
        }
    });
    let Some((files, length)) = opened.await.ok().flatten() else {
        return text(Status::Missing, String::new());
    };
    let prefix = if has_all { "all-" } else { "" };
    Shown {
        status: Status::Fine,
        kind: TEXT,
        content: Content::Files(files, length),
        keep: Keep::No,
        cookies: Vec::new(),
        file_name: Some(format!("{prefix}{}", name.unwrap_or_default())),
    }
}

/// What a file is called where it is saved: nothing in it can be taken for anything but a name.
fn saved_as(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let plain = |it: &char| it.is_ascii_alphanumeric() || "._-".contains(*it);
    name.chars().filter(plain).collect()
}

/// All files of a log, the oldest first, as they are now: what is renamed meanwhile is found again, and
/// what is written meanwhile is left out.
fn all(path: PathBuf) -> Option<(Files, u64)> {
    let files = browse::files(&path);
    if files.is_empty() {
        return None;
    }
    let length = files.iter().map(|file| file.size).sum();
    // One that is gone ends the answer early, which its reader notices.
    let opened = files.into_iter().rev().map_while(move |file| {
        let (opened, _) = browse::find(&path, file.id).ok().flatten()?;
        Some((opened, file.size))
    });
    Some((Files::new(opened), length))
}

/// A regular file and its length: of anything else, what is read would be taken from somebody.
fn open(path: &Path) -> Option<(Files, u64)> {
    let length = path.metadata().ok().filter(fs::Metadata::is_file)?.len();
    let file = File::open(path).ok()?;
    Some((Files::new(std::iter::once((file, length))), length))
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    struct Log {
        _folder: tempfile::TempDir,
        path: PathBuf,
    }

    impl Log {
        fn new(content: impl AsRef<[u8]>) -> Self {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("log");
            fs::write(&path, content).unwrap();
            Self {
                _folder: folder,
                path,
            }
        }

        fn add(&self, text: &str) {
            let mut file = File::options().append(true).open(&self.path).unwrap();
            file.write_all(text.as_bytes()).unwrap();
        }

        fn rotate(&self) {
            fs::rename(&self.path, name_of(&self.path, 1)).unwrap();
            fs::write(&self.path, "").unwrap();
        }

        fn id(&self) -> u64 {
            browse::files(&self.path)[0].id
        }
    }

    fn lines(count: usize) -> String {
        let lines: Vec<_> = (0..count).map(|line| format!("line {line}\n")).collect();
        lines.concat()
    }

    #[test]
    fn a_part_begins_with_a_line() {
        let lines = lines(20_000);
        let log = Log::new(&lines);
        let last = end(&log.path, 0);
        assert_eq!(last.end(), lines.len() as u64);
        assert!(last.bytes.starts_with(b"line ") && last.has_earlier);
        assert_eq!(end(Path::new("/nonexistent"), 0), Part::default());
    }

    #[test]
    fn a_search_goes_back_from_match_to_match_through_all_files() {
        let log = Log::new("a match\n");
        log.rotate();
        log.add(&lines(20_000));
        let all = lines(20_000);
        let files = browse::files(&log.path);
        let mut spot = Spot::end(&files[0]);
        let mut next = |find: &str| {
            let part = sought(&log.path, &files, spot, find);
            spot = Spot {
                id: part.id,
                offset: part.start,
            };
            part
        };
        let place = |find| all.find(find).unwrap() as u64;
        let late = next("LINE 1777");
        assert!(late.bytes.starts_with(b"line ") && late.end() > place("line 17779\n"));
        let early = next("LINE 77\n");
        assert!(early.start <= place("line 77\n") && place("line 77\n") < early.end());
        assert_eq!((early.id, early.start), (files[0].id, 0));
        let old = next("MATCH");
        assert_eq!((old.id, &*old.bytes), (files[1].id, &b"a match\n"[..]));
        // Nowhere: one stays where one was.
        let spot = Spot::end(&files[0]);
        let none = sought(&log.path, &files, spot, "nothing");
        assert_eq!((none.id, none.end()), (files[0].id, files[0].size));
    }

    #[test]
    fn a_line_is_shown_with_what_is_around_it() {
        let all = lines(20_000);
        let log = Log::new(&all);
        let files = browse::files(&log.path);
        for line in ["line 0\n", "line 77\n", "line 9999\n", "line 19999\n"] {
            let offset = all.find(line).unwrap() as u64;
            let spot = Spot {
                id: log.id(),
                offset,
            };
            let part = around(&log.path, &files, spot);
            assert!(part.start <= offset && offset < part.end(), "{line}");
            assert!(
                part.bytes.starts_with(b"line ") && part.bytes.ends_with(b"\n"),
                "{line}"
            );
        }
    }

    #[test]
    fn files_that_were_rotated_away_are_those_without_a_gap() {
        let log = Log::new("log");
        for number in [1, 2, 4] {
            fs::write(name_of(&log.path, number), "log").unwrap();
        }
        let files = offered(&browse::files(&log.path));
        let numbers: Vec<_> = files.iter().map(|file| file.number).collect();
        assert_eq!(numbers, [0, 1, 2]);
        assert!(open(log.path.parent().unwrap()).is_none());
    }

    #[test]
    fn one_goes_back_through_a_file_and_into_the_one_before_it() {
        let (old, new) = (lines(3), lines(20_000));
        let log = Log::new(&old);
        log.rotate();
        log.add(&new);
        let mut shown = end(&log.path, 0);
        let mut text = shown.bytes.clone();
        let mut seams = Vec::new();
        while shown.has_earlier {
            let spot = Spot {
                id: shown.id,
                offset: shown.start,
            };
            shown = earlier(&log.path, spot);
            text = [shown.bytes.clone(), text].concat();
            seams.extend(shown.seam);
        }
        assert_eq!(String::from_utf8(text).unwrap(), old + &new);
        assert_eq!(seams, [Seam::Rotated]);
        let gone = Spot { id: 1, offset: 9 };
        assert!(!earlier(&log.path, gone).has_earlier);
    }

    #[test]
    fn a_line_that_has_no_end_yet_is_given_again_when_there_is_more_of_it() {
        let log = Log::new("one\ntw");
        let (id, offset) = (log.id(), 4);
        let mut reader = Reader::new(log.path.clone(), Spot { id, offset }, 6);
        assert_eq!(reader.look(), None);
        log.add("o\nthree\n");
        let part = reader.look().unwrap();
        assert_eq!((&*part.bytes, part.start), (&b"two\nthree\n"[..], 4));
        assert_eq!(part.seam, None);
        assert_eq!(reader.look(), None);
    }

    #[test]
    fn what_was_written_before_a_rotation_is_read_before_what_came_after_it() {
        let log = Log::new("one\ntw");
        let id = log.id();
        log.add("o\n");
        log.rotate();
        log.add("three\n");
        let mut reader = Reader::new(log.path.clone(), Spot { id, offset: 4 }, 6);
        let part = reader.look().unwrap();
        assert_eq!((&*part.bytes, part.seam), (&b"two\n"[..], None));
        let after = Spot {
            id: part.id,
            offset: part.end(),
        };
        let part = Reader::new(log.path.clone(), after, after.offset).look();
        let part = part.unwrap();
        assert_eq!(part.bytes, b"three\n");
        assert_eq!(part.seam, Some(Seam::Rotated));
    }

    #[test]
    fn what_is_gone_is_told_and_what_is_there_is_read_from_its_beginning() {
        let log = Log::new("one\n");
        let of = |id, offset| Reader::new(log.path.clone(), Spot { id, offset }, offset);
        // Another file, a shorter one, and one of which nothing was shown.
        for (mut reader, seam) in [
            (of(1, 0), Some(Seam::Anew)),
            (of(log.id(), 99), Some(Seam::Anew)),
            (of(0, 0), None),
        ] {
            let part = reader.look().unwrap();
            assert_eq!((&*part.bytes, part.seam), (&b"one\n"[..], seam));
        }
    }

    #[test]
    fn who_is_far_behind_sees_the_end_and_that_something_is_left_out() {
        let text = lines(60_000);
        let log = Log::new(&text);
        let spot = Spot {
            id: log.id(),
            offset: 0,
        };
        let mut reader = Reader::new(log.path.clone(), spot, 0);
        let part = reader.look().unwrap();
        assert_eq!(part.seam, Some(Seam::LeftOut));
        assert!(part.start >= text.len() as u64 - BEHIND);
        assert!(part.bytes.starts_with(b"line "));
    }
}
