//! How a process is, as `getProcessInfo` tells it.

use std::time::Duration;

use minder_core::group::full_name;
use minder_core::view::{GroupView, ProcessView};
use minder_core::{Now, ProcessState, Wall};

use super::members;
use crate::Value;

/// How a process is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProcessInfo {
    /// Its name within its group.
    pub name: String,
    /// The name of its group.
    pub group: String,
    /// Its state in words for people.
    pub description: String,
    /// When it was last started, in seconds since 1970; 0 if never.
    pub start: i32,
    /// When a child of it last ended, in seconds since 1970; 0 if never.
    pub stop: i32,
    /// When this was said, in seconds since 1970.
    pub now: i32,
    /// Its state.
    pub state: ProcessState,
    /// Why its last start failed; empty if it did not.
    pub spawn_error: String,
    /// The exit code of the child that ended last.
    pub exit_status: i32,
    /// The path of its standard output's log; empty if there is none.
    pub stdout_log: String,
    /// The path of its standard error's log; empty if there is none.
    pub stderr_log: String,
    /// The pid of its child; 0 if it has none.
    pub pid: u32,
}

/// The paths of a process's logs, as they really are on disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LogPaths<'a> {
    /// That of its standard output.
    pub stdout: Option<&'a str>,
    /// That of its standard error.
    pub stderr: Option<&'a str>,
}

impl ProcessInfo {
    /// How `process` of `group` is `now`.
    ///
    /// `format_time` writes a time as Python's `%b %d %I:%M %p` does, in the local time zone: it
    /// is shown for processes that have ended.
    #[must_use]
    pub fn new(
        group: &GroupView,
        process: &ProcessView,
        now: Now,
        logs: LogPaths<'_>,
        format_time: impl Fn(Wall) -> String,
    ) -> Self {
        Self {
            name: process.spec.name.clone(),
            group: group.spec.name.clone(),
            description: description(process, now, format_time),
            start: process.started.map_or(0, |(_, wall)| wall.rpc_secs()),
            stop: process.stopped.map_or(0, Wall::rpc_secs),
            now: now.wall.rpc_secs(),
            state: process.state,
            spawn_error: process.spawn_error.clone(),
            exit_status: process.exit_status,
            stdout_log: logs.stdout.unwrap_or_default().to_owned(),
            stderr_log: logs.stderr.unwrap_or_default().to_owned(),
            pid: process.pid.unwrap_or(0),
        }
    }

    /// What users call it: `group:name`, or `name` if its group is called the same.
    #[must_use]
    pub fn full_name(&self) -> String {
        full_name(&self.group, &self.name)
    }
}

impl From<ProcessInfo> for Value {
    fn from(info: ProcessInfo) -> Self {
        members([
            ("name", info.name.into()),
            ("group", info.group.into()),
            ("start", info.start.into()),
            ("stop", info.stop.into()),
            ("now", info.now.into()),
            ("state", info.state.code().into()),
            ("statename", info.state.name().into()),
            ("spawnerr", info.spawn_error.into()),
            ("exitstatus", info.exit_status.into()),
            ("logfile", info.stdout_log.clone().into()),
            ("stdout_logfile", info.stdout_log.into()),
            ("stderr_logfile", info.stderr_log.into()),
            ("pid", i64::from(info.pid).into()),
            ("description", info.description.into()),
        ])
    }
}

fn description(process: &ProcessView, now: Now, format_time: impl Fn(Wall) -> String) -> String {
    match process.state {
        ProcessState::Running => {
            let started = process.started.map_or(now.mono, |(mono, _)| mono);
            let uptime = uptime(now.mono.since(started));
            format!("pid {}, uptime {uptime}", process.pid.unwrap_or(0))
        }
        ProcessState::Fatal | ProcessState::Backoff if process.spawn_error.is_empty() => {
            format!("unknown error (try \"tail {}\")", process.spec.name)
        }
        ProcessState::Fatal | ProcessState::Backoff => process.spawn_error.clone(),
        // Supervisor tells of January 1970 if it was stopped without ever having had a child.
        ProcessState::Stopped | ProcessState::Exited => match (process.started, process.stopped) {
            (Some(_), Some(stopped)) => format_time(stopped),
            (None, _) | (_, None) => "Not started".to_owned(),
        },
        ProcessState::Starting | ProcessState::Stopping | ProcessState::Unknown => String::new(),
    }
}

/// A duration as Python prints it: whole seconds, days in front.
fn uptime(duration: Duration) -> String {
    let secs = duration.as_secs();
    let (days, hours, mins) = (secs / 86_400, secs / 3_600 % 24, secs / 60 % 60);
    let time = format!("{hours}:{mins:02}:{:02}", secs % 60);
    match days {
        0 => time,
        1 => format!("1 day, {time}"),
        days => format!("{days} days, {time}"),
    }
}
