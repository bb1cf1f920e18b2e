//! Parts of logs, and what stands where in them.

use std::io;
use std::path::PathBuf;

use minder_api::body::{LogFile, LogFiles, LogPart, Match, Matches};
use minder_api::{LogOf, Place, Problem, Reply};
use minder_logs::browse::{self, Found};
use minder_rpc::Channel;

use super::super::{Api, blocking, find, logs};
use super::system_time;

impl Api {
    /// The file that a log is written to.
    pub(super) fn log_path(&self, log: &LogOf) -> Result<PathBuf, Problem> {
        let path = match log {
            LogOf::Daemon => self.log.path(),
            LogOf::Process { name, channel } => {
                let picture = self.published.latest();
                let (_, process) = find(&picture.view, name)?;
                // It goes where standard output goes.
                let joined = process.spec.redirect_stderr && *channel == Channel::Stderr;
                let channel = if joined { Channel::Stdout } else { *channel };
                logs::path(&picture, process, channel)
            }
        };
        path.ok_or_else(|| Problem::not_found("it keeps no such log"))
    }

    pub(super) async fn log_part(
        &self,
        log: &LogOf,
        file: u32,
        offset: i64,
        limit: u64,
    ) -> Result<Reply, Problem> {
        let path = self.log_path(log)?;
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let part = blocking(move || browse::part(&path, file, offset, limit)).await?;
        let part = part.map_err(|error| refused(&error))?;
        let end = part.offset + part.bytes.len() as u64;
        let place = Place {
            file: part.file.id,
            offset: end,
        };
        Ok(Reply::json(&LogPart {
            path: part.file.path.to_string_lossy().into_owned(),
            file_id: format!("{:x}", part.file.id),
            offset: part.offset,
            end,
            size: part.file.size,
            text: lossy(part.bytes),
            place: place.to_string(),
        }))
    }

    pub(super) async fn log_files(&self, log: &LogOf) -> Result<Reply, Problem> {
        let path = self.log_path(log)?;
        let files = blocking(move || browse::files(&path)).await?;
        Ok(Reply::json(&LogFiles {
            files: files.iter().map(file).collect(),
        }))
    }
}

pub(super) async fn search(
    path: PathBuf,
    file: u32,
    text: String,
    case: bool,
    offset: u64,
    limit: usize,
) -> Result<Reply, Problem> {
    let sought =
        blocking(move || browse::search(&path, file, text.as_bytes(), case, offset, limit));
    let sought = sought.await?.map_err(|error| refused(&error))?;
    let matches = sought.sightings.into_iter().map(|sighting| Match {
        offset: sighting.offset,
        line_offset: sighting.line_offset,
        line: lossy(sighting.line),
    });
    Ok(Reply::json(&Matches {
        matches: matches.collect(),
        next: sought.next,
        size: sought.size,
    }))
}

fn file(found: &Found) -> LogFile {
    LogFile {
        file: found.number,
        id: format!("{:x}", found.id),
        path: found.path.to_string_lossy().into_owned(),
        size: found.size,
        modified: found.modified.and_then(system_time),
    }
}

fn refused(error: &io::Error) -> Problem {
    if error.kind() == io::ErrorKind::NotFound {
        Problem::not_found("there is no such file")
    } else {
        Problem::not_found(format!("the file cannot be read: {error}"))
    }
}

/// Bytes as a text, whatever they are.
pub(super) fn lossy(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}
