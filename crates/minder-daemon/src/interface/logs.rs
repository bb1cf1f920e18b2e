//! Logs, as pages show them: their end, what is added to it, and files to be saved.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use minder_core::view::{GroupView, ProcessView};
use minder_core::{Mood, ProcessState};
use minder_http::server::site::{Content, Keep, Shown, Status};
use minder_logs::browse::name_of;
use minder_logs::tail;
use minder_page::LogView;
use minder_page::log::{self, LogFile, Part, Stream, WINDOW};
use minder_rpc::Channel;
use tokio::time::{Instant, sleep};

use super::fields::Fields;
use super::moments::Moments;
use super::{HTML, TEXT, text};
use crate::api::{Api, blocking, find, logs};

/// How long a script waits for more to be written, and how often it is looked for: as often as
/// for other clients that follow a log.
const PATIENCE: Duration = Duration::from_secs(20);
const PERIOD: Duration = Duration::from_millis(100);

/// How far back what is searched for is looked for, in bytes.
const SEARCHED: u64 = 16 << 20;

/// How many rotated files are offered at most.
const FILES: u32 = 50;

/// One file of a log.
#[derive(Clone, Debug)]
struct Place {
    path: Option<PathBuf>,
    stream: Stream,
    number: u32,
}

impl Place {
    /// The one that a request asks for: of standard output unless it says otherwise, or unless
    /// that is kept nowhere.
    fn of(api: &Api, process: &ProcessView, fields: &Fields) -> Self {
        let picture = api.published.latest();
        let path = |channel| logs::path(&picture, process, channel);
        let (stdout, stderr) = (path(Channel::Stdout), path(Channel::Stderr));
        let stream = match fields.get("stream") {
            Some("stderr") => Stream::Stderr,
            Some("stdout") => Stream::Stdout,
            _ if is_in_trouble(process) && is_written(stderr.as_deref()) => Stream::Stderr,
            _ => Stream::Stdout,
        };
        let path = match stream {
            Stream::Stdout => stdout,
            Stream::Stderr => stderr,
        };
        Self {
            path,
            stream,
            number: fields.number("file").unwrap_or(0),
        }
    }

    /// Where the file is. Only numbers can be asked for, so that it is one of this log.
    fn file(&self) -> Option<PathBuf> {
        self.path.as_deref().map(|path| name_of(path, self.number))
    }
}

fn is_in_trouble(process: &ProcessView) -> bool {
    matches!(process.state, ProcessState::Fatal | ProcessState::Backoff)
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
) -> Result<LogView, minder_rpc::Fault> {
    let place = Place::of(api, process, fields);
    let find = fields.get("find").map(str::to_owned).unwrap_or_default();
    let (read, needle) = (place.clone(), find.clone());
    let (part, files) = blocking(move || {
        let part = read
            .file()
            .map(|path| part(&path, &needle))
            .unwrap_or_default();
        (part, read.path.as_deref().map(files).unwrap_or_default())
    })
    .await?;
    let picture = api.published.latest();
    let is_listener = matches!(
        group.spec.kind,
        minder_core::spec::GroupKind::Listeners { .. }
    );
    let is_up = process.pid.is_some();
    Ok(LogView {
        stream: place.stream,
        has_stderr: logs::path(&picture, process, Channel::Stderr).is_some(),
        path: place.file().map(|path| path.to_string_lossy().into_owned()),
        files,
        file: place.number,
        part,
        is_alive: (is_up || process.state == ProcessState::Backoff) && find.is_empty(),
        find,
        // What a listener reads is the daemon's.
        takes_stdin: process.state == ProcessState::Running && !is_listener,
    })
}

/// The end of a file, or the part around the last place where `find` is.
fn part(path: &Path, find: &str) -> Part {
    let size = path.metadata().map_or(0, |it| it.len());
    let mut end = size;
    if !find.is_empty()
        && let Some(found) = last(path, size, find)
    {
        end = found.saturating_add(WINDOW / 4).min(size);
    }
    read(path, end.saturating_sub(WINDOW), end, size)
}

/// Where `find` is last, whatever its case, in the last part of a file.
fn last(path: &Path, size: u64, find: &str) -> Option<u64> {
    let from = size.saturating_sub(SEARCHED);
    let text = tail::read(path, i64::try_from(from).ok()?, 0)
        .ok()?
        .to_ascii_lowercase();
    let needle = find.to_ascii_lowercase();
    let at = memchr::memmem::rfind(&text, needle.as_bytes())?;
    Some(from + at as u64)
}

/// A part of a file, from the beginning of a line on unless it begins where the file does.
fn read(path: &Path, from: u64, to: u64, size: u64) -> Part {
    let bytes = bytes(path, from, to);
    let cut = match memchr::memchr(b'\n', &bytes) {
        Some(end) if from > 0 => end + 1,
        _ => 0,
    };
    Part {
        start: from + cut as u64,
        bytes: bytes[cut..].to_vec(),
        size,
    }
}

/// What stands between two places of a file, as far as it can be read.
fn bytes(path: &Path, from: u64, to: u64) -> Vec<u8> {
    let length = to.saturating_sub(from);
    match (i64::try_from(from), i64::try_from(length)) {
        // A length of 0 means all there is.
        (Ok(from), Ok(length)) if length > 0 => tail::read(path, from, length).unwrap_or_default(),
        _ => Vec::new(),
    }
}

/// The files of a log: the current one, and those that it was before.
fn files(path: &Path) -> Vec<LogFile> {
    let moments = Moments::now();
    let file = |number| {
        let metadata = fs::metadata(name_of(path, number)).ok()?;
        let until = metadata
            .modified()
            .ok()
            .and_then(|time| moments.of_file(time));
        Some(LogFile {
            number,
            size: metadata.len(),
            until,
        })
    };
    file(0)
        .into_iter()
        .chain((1..=FILES).map_while(file))
        .collect()
}

/// Lines for a script: those behind a place, for which it may wait, or those before one.
pub(super) async fn lines(api: &Arc<Api>, fields: &Fields) -> Shown {
    let picture = api.published.latest();
    let name = fields.get("name").unwrap_or_default();
    let Ok((_, process)) = find(&picture.view, name) else {
        return text(Status::Missing, String::new());
    };
    let Some(path) = Place::of(api, process, fields).file() else {
        return text(Status::Missing, String::new());
    };
    let part = if let Some(before) = fields.number::<u64>("before") {
        let from = before.saturating_sub(WINDOW);
        let read = blocking(move || {
            let size = path.metadata().map_or(0, |it| it.len());
            read(&path, from, before.min(size), size)
        });
        read.await
    } else {
        following(api, path, fields.number("after").unwrap_or(0)).await
    };
    match part {
        Ok(part) => super::answer(Status::Fine, HTML, log::fragment(&part)),
        Err(_) => text(Status::Conflict, String::new()),
    }
}

/// What is written behind `after`, or all of it if the file has become shorter. Nothing if nothing
/// is written for a while, or the daemon ends.
async fn following(api: &Api, path: PathBuf, after: u64) -> Result<Part, minder_rpc::Fault> {
    let begun = Instant::now();
    loop {
        let looked = path.clone();
        let (size, is_there) = blocking(move || match looked.metadata() {
            Ok(metadata) => (metadata.len(), true),
            Err(_) => (after, false),
        })
        .await?;
        if size != after && is_there {
            let from = if size < after { 0 } else { after };
            // Who has been away for long sees the end; the gap can be scrolled back to.
            let start = from.max(size.saturating_sub(4 * WINDOW));
            return blocking(move || whole(&path, start, size)).await;
        }
        let is_over = api.published.latest().view.mood != Mood::Running;
        if is_over || begun.elapsed() >= PATIENCE {
            return Ok(Part {
                bytes: Vec::new(),
                start: after,
                size,
            });
        }
        sleep(PERIOD).await;
    }
}

/// A part of a file as it is: a script knows where its lines begin.
fn whole(path: &Path, from: u64, to: u64) -> Part {
    Part {
        bytes: bytes(path, from, to),
        start: from,
        size: to,
    }
}

/// A file, to be saved.
pub(super) async fn raw(api: &Arc<Api>, fields: &Fields) -> Shown {
    let picture = api.published.latest();
    let name = fields.get("name").unwrap_or_default();
    let found = find(&picture.view, name).ok();
    let path = found.and_then(|(_, process)| Place::of(api, process, fields).file());
    let opened = match path.clone() {
        Some(path) => blocking(move || open(&path)).await.ok().flatten(),
        None => None,
    };
    let Some((file, length)) = opened else {
        return text(Status::Missing, String::new());
    };
    let name = path
        .as_deref()
        .and_then(Path::file_name)
        .map(|it| it.to_string_lossy().into_owned());
    let plain = |it: &char| it.is_ascii_alphanumeric() || "._-".contains(*it);
    let name = name.unwrap_or_default().chars().filter(plain).collect();
    Shown {
        status: Status::Fine,
        kind: TEXT,
        content: Content::File(file, length),
        keep: Keep::No,
        cookies: Vec::new(),
        file_name: Some(name),
    }
}

/// A regular file and its length: of anything else, what is read would be taken from somebody.
fn open(path: &Path) -> Option<(File, u64)> {
    let metadata = path.metadata().ok().filter(fs::Metadata::is_file)?;
    Some((File::open(path).ok()?, metadata.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_begins_with_a_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let lines: Vec<_> = (0..20_000).map(|line| format!("line {line}\n")).collect();
        let lines = lines.concat();
        fs::write(&path, &lines).unwrap();
        let end = part(&path, "");
        assert_eq!(end.end(), lines.len() as u64);
        assert!(end.bytes.starts_with(b"line ") && end.start > 0);
        let early = part(&path, "LINE 77\n");
        let at = lines.find("line 77\n").unwrap() as u64;
        assert!(early.start <= at && at < early.end());
        assert_eq!(part(&path, "nothing").end(), lines.len() as u64);
        assert_eq!(part(Path::new("/nonexistent"), "x"), Part::default());
    }

    #[test]
    fn rotated_files_are_those_without_a_gap() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        for name in ["log", "log.1", "log.2", "log.4"] {
            fs::write(folder.path().join(name), name).unwrap();
        }
        let numbers: Vec<_> = files(&path).iter().map(|file| file.number).collect();
        assert_eq!(numbers, [0, 1, 2]);
        assert!(open(folder.path()).is_none());
    }
}
