//! What looks like a mistake in a process, its command apart.

use std::collections::BTreeMap;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use minder_core::ProcessSpec;
use minder_core::spec::{LogTarget, StreamSpec};
use minder_os::users::{self, User};
use rustix::fs::{Access, access};

use super::Place;
use super::lines::variables;
use super::suspicion::{Findings, Suspicion};
use crate::ambient::Environment;
use crate::source::Location;

pub(super) fn look(
    process: &ProcessSpec,
    place: &Place<'_>,
    writer: &Writer<'_>,
    findings: &mut Findings,
) {
    if let Some(directory) = &process.directory
        && !writer.environment.cwd.join(directory).is_dir()
    {
        let path = directory.clone();
        let suspicion = Suspicion::NoDirectory { path };
        findings.tell(&suspicion, place.option("directory"));
    }
    for (option, stream) in [
        ("stdout_logfile", &process.stdout),
        ("stderr_logfile", &process.stderr),
    ] {
        if let LogTarget::File(file) = &stream.log {
            self::file(file, place.option(option), writer, findings);
        }
    }
    if process.stop_wait_secs <= 0 {
        findings.tell(&Suspicion::NoTimeToStop, place.option("stopwaitsecs"));
    }
    if let Some(uid) = process.uid
        && writer.environment.uid != 0
        && writer.environment.uid != uid
    {
        findings.tell(&Suspicion::NotRoot, place.option("user"));
    }
    if let Some(written) = place.given("environment") {
        unreplaced(written, findings);
    }
}

/// Looks for variables in an `environment`, in which no shell has a hand.
pub(super) fn unreplaced(at: &Location, findings: &mut Findings) {
    for (written, name) in variables(at.text()) {
        let suspicion = Suspicion::Variable {
            written: written.to_owned(),
            name: name.to_owned(),
            option: "environment",
        };
        findings.tell(&suspicion, &super::within(at, written));
    }
}

/// Who writes the logs: the user that the daemon becomes.
pub(super) struct Writer<'a> {
    environment: &'a Environment,
    /// Another user than the one who checks, with all groups.
    another: Option<(&'a User, Vec<u32>)>,
    name: String,
    /// Whether it can be told what that user may do: only root can say it of another.
    is_known: bool,
}

impl<'a> Writer<'a> {
    pub(super) fn new(user: Option<&'a User>, environment: &'a Environment) -> Self {
        let another = user.filter(|user| user.uid != environment.uid);
        let another = another.and_then(|user| Some((user, users::groups_of(user).ok()?)));
        let name = match (another.as_ref(), users::user_by_uid(environment.uid)) {
            (Some((user, _)), _) => user.name.clone(),
            (None, Ok(Some(user))) => user.name,
            (None, _) => format!("uid {}", environment.uid),
        };
        Self {
            environment,
            is_known: environment.uid == 0 || another.is_none(),
            another,
            name,
        }
    }

    fn may_write(&self, path: &Path) -> bool {
        let Some((user, groups)) = &self.another else {
            return access(path, Access::WRITE_OK).is_ok();
        };
        let Ok(metadata) = path.metadata() else {
            return false;
        };
        let bit = if metadata.uid() == user.uid {
            0o200
        } else if groups.contains(&metadata.gid()) {
            0o020
        } else {
            0o002
        };
        user.uid == 0 || metadata.mode() & bit != 0
    }
}

/// Looks at a file that is to be written and may be there already.
pub(super) fn file(name: &str, at: &Location, writer: &Writer<'_>, findings: &mut Findings) {
    let path = writer.environment.cwd.join(name);
    let metadata = path.metadata().ok();
    if metadata.as_ref().is_some_and(std::fs::Metadata::is_dir) {
        findings.tell(&Suspicion::IsDirectory(name.to_owned()), at);
        return;
    }
    let written = match metadata {
        Some(_) => Some(path.as_path()),
        None => path.parent(),
    };
    if let Some(written) = written {
        writable(written, at, writer, findings);
    }
}

/// Looks at a file or directory that is to be written to.
pub(super) fn writable(path: &Path, at: &Location, writer: &Writer<'_>, findings: &mut Findings) {
    if writer.is_known && !writer.may_write(path) {
        let shown = path.display().to_string();
        findings.tell(&Suspicion::Unwritable(shown, writer.name.clone()), at);
    }
}

/// The log files that were met, and who writes them.
#[derive(Default)]
pub(super) struct Logs {
    by_path: BTreeMap<String, Log>,
}

struct Log {
    section: String,
    process: String,
}

impl Logs {
    /// Takes note of a process's log files, and tells of those that another has.
    pub(super) fn add(
        &mut self,
        process: &ProcessSpec,
        place: &Place<'_>,
        findings: &mut Findings,
    ) {
        let streams: [(&str, &StreamSpec); 2] = [
            ("stdout_logfile", &process.stdout),
            ("stderr_logfile", &process.stderr),
        ];
        for (option, stream) in streams {
            let LogTarget::File(file) = &stream.log else {
                continue;
            };
            // A file that is never rotated is often shared on purpose; a device always is.
            if stream.max_bytes <= 0 || file.starts_with("/dev/") || file.starts_with("/proc/") {
                continue;
            }
            let log = Log {
                section: place.section.name().to_owned(),
                process: process.name.clone(),
            };
            let Some(earlier) = self.by_path.get(file) else {
                self.by_path.insert(file.clone(), log);
                continue;
            };
            let by_number = earlier.section == log.section;
            if by_number && earlier.process == log.process {
                continue;
            }
            let suspicion = Suspicion::SharedLog {
                file: file.clone(),
                other: if by_number {
                    format!("process {}", earlier.process)
                } else {
                    format!("[{}]", earlier.section)
                },
                by_number,
            };
            findings.tell(&suspicion, place.option(option));
        }
    }
}
