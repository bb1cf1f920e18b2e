//! Reading and emptying logs.

use std::io;
use std::path::PathBuf;
use std::time::SystemTime;

use minder_core::group::full_name;
use minder_core::spec::LogTarget;
use minder_core::view::ProcessView;
use minder_core::{Outcome, Refusal};
use minder_logs::plane::Plane;
use minder_logs::tail::{self, Follow, ReadError};
use minder_rpc::call::Span;
use minder_rpc::{Answer, Channel, Fault, FaultCode, LogFollow, Tail};
use tokio::sync::oneshot;

use super::{answered, blocking, find};
use crate::published::Picture;

/// The file that one stream of a process is logged to, if it is.
pub(crate) fn path(picture: &Picture, process: &ProcessView, channel: Channel) -> Option<PathBuf> {
    let paths = picture.logs.get(&process.id)?;
    let path = match channel {
        Channel::Stdout => &paths.stdout,
        Channel::Stderr => &paths.stderr,
    };
    path.as_ref().map(|path| path.to_path_buf())
}

/// What Supervisor shows in place of a path if there is none: an empty name is a name.
pub(super) fn shown_if_none(process: &ProcessView, channel: Channel) -> Option<String> {
    let target = match channel {
        Channel::Stdout => &process.spec.stdout.log,
        Channel::Stderr if process.spec.redirect_stderr => return None,
        Channel::Stderr => &process.spec.stderr.log,
    };
    (*target == LogTarget::Empty).then(String::new)
}

/// Reads a part of a log. A log that is kept nowhere is missing, too: as `shown_if_none`.
pub(super) async fn read(
    path: Option<PathBuf>,
    shown_if_none: Option<String>,
    span: Span,
) -> Result<Answer, Fault> {
    let Some(path) = path else {
        return Err(Fault {
            code: FaultCode::NoFile,
            about: shown_if_none,
        });
    };
    let Span { offset, length } = span;
    blocking(move || match tail::read(&path, offset, length) {
        Ok(bytes) => Ok(Answer::Text(text(bytes))),
        Err(ReadError::NoFile) => Err(Fault::about(FaultCode::NoFile, path.to_string_lossy())),
        Err(ReadError::BadArguments { .. }) => Err(Fault::new(FaultCode::BadArguments)),
        Err(ReadError::Failed(_)) => Err(Fault::new(FaultCode::Failed)),
    })
    .await?
}

/// Reads the end of a log. One that is not there is empty.
pub(super) async fn tail(path: Option<PathBuf>, span: Span) -> Result<Answer, Fault> {
    let Some(path) = path else {
        return Ok(Answer::Tail(Tail::default()));
    };
    let Span { offset, length } = span;
    let (bytes, offset, overflow) = blocking(move || tail::tail(&path, offset, length)).await?;
    Ok(Answer::Tail(Tail {
        text: text(bytes),
        offset,
        overflow,
    }))
}

/// Empties the logs of the process that a user calls `name`.
pub(super) async fn clear(plane: &Plane, picture: &Picture, name: String) -> Result<Answer, Fault> {
    let (_, process) = find(&picture.view, &name)?;
    match answered(begin_to_clear(plane, picture, process)).await? {
        Ok(()) => Ok(Answer::Done),
        Err(_) => Err(Fault::about(FaultCode::Failed, name)),
    }
}

/// Empties the logs of all processes, by the priorities of groups and then their own.
pub(super) async fn clear_all(plane: &Plane, picture: &Picture) -> Result<Answer, Fault> {
    let mut begun = Vec::new();
    for group in &picture.view.groups {
        let mut processes: Vec<_> = group.processes.iter().collect();
        processes.sort_by_key(|process| process.spec.priority);
        for process in processes {
            let cleared = begin_to_clear(plane, picture, process);
            begun.push((&group.spec.name, &process.spec.name, cleared));
        }
    }
    let mut outcomes = Vec::with_capacity(begun.len());
    for (group, name, cleared) in begun {
        let result = answered(cleared).await?;
        outcomes.push(Outcome {
            group: group.clone(),
            name: name.clone(),
            result: result.map_err(|_| Refusal::Failed(full_name(group, name))),
        });
    }
    Ok(Answer::Outcomes(outcomes))
}

pub(super) fn begin_to_clear(
    plane: &Plane,
    picture: &Picture,
    process: &ProcessView,
) -> oneshot::Receiver<io::Result<()>> {
    let both = [Channel::Stdout, Channel::Stderr].map(|channel| path(picture, process, channel));
    let (told, cleared) = oneshot::channel();
    // Whoever asked may have gone away; the logs are empty all the same.
    let reply = Box::new(|result| drop(told.send(result)));
    plane.clear(both.into_iter().flatten().collect(), reply);
    cleared
}

/// Begins to read a log from near its end, if it is there.
pub(super) fn follow(path: PathBuf) -> Option<Box<dyn LogFollow>> {
    let log = Follow::open(&path).ok()?;
    Some(Box::new(Followed { path, log }))
}

struct Followed {
    path: PathBuf,
    log: Follow,
}

impl LogFollow for Followed {
    fn read_more(&mut self) -> io::Result<Vec<u8>> {
        self.log.read_more()
    }

    fn modified(&self) -> Option<SystemTime> {
        self.path.metadata().ok()?.modified().ok()
    }
}

/// Bytes as a text, whatever they are: Supervisor fails if a character was cut in two.
fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}
