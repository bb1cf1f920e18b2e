//! How a process is configured, as `getAllConfigInfo` tells it.

use minder_core::spec::{LogTarget, ProcessSpec, ServerUrl, StreamSpec};
use minder_core::{GroupSpec, Signal};

use super::{LogPaths, members};
use crate::Value;

/// How a process is configured.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is an option of its own in the file"
)]
pub struct ConfigInfo {
    /// Its `autostart`.
    pub autostart: bool,
    /// Its `directory`.
    pub directory: Option<String>,
    /// The id of its `user`.
    pub uid: Option<u32>,
    /// Its `command`.
    pub command: String,
    /// Its `exitcodes`.
    pub exit_codes: Vec<u8>,
    /// The name of its group.
    pub group: String,
    /// The `priority` of its group.
    pub group_priority: i64,
    /// Whether its group is active.
    pub in_use: bool,
    /// Its `killasgroup`.
    pub kill_as_group: bool,
    /// Its name within its group.
    pub name: String,
    /// Its `priority`.
    pub priority: i64,
    /// Its `redirect_stderr`.
    pub redirect_stderr: bool,
    /// Its `startretries`.
    pub start_retries: i64,
    /// Its `startsecs`.
    pub start_secs: i64,
    /// Its standard output.
    pub stdout: StreamInfo,
    /// Its `stopsignal`.
    pub stop_signal: Signal,
    /// Its `stopwaitsecs`.
    pub stop_wait_secs: i64,
    /// Its standard error.
    pub stderr: StreamInfo,
    /// Its `serverurl`, or `none`.
    pub server_url: String,
}

/// How one of its streams is configured.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StreamInfo {
    /// Its `capture_maxbytes`.
    pub capture_max_bytes: i64,
    /// Its `events_enabled`.
    pub events_enabled: bool,
    /// Its `logfile`; `none` or `auto` in place of a path.
    pub log: String,
    /// Its `logfile_backups`.
    pub backups: i64,
    /// Its `logfile_maxbytes`.
    pub max_bytes: i64,
    /// Its `syslog`.
    pub syslog: bool,
}

const UNSET: &str = "none";

impl ConfigInfo {
    /// How `process` of `group` is configured.
    ///
    /// `in_use` is whether a group of this name is active. `auto_logs` are the paths of logs that
    /// the daemon makes up, once it has done so for this very configuration.
    #[must_use]
    pub fn new(
        group: &GroupSpec,
        process: &ProcessSpec,
        in_use: bool,
        auto_logs: LogPaths<'_>,
    ) -> Self {
        let stderr_log = if process.redirect_stderr {
            UNSET.to_owned()
        } else {
            log(&process.stderr.log, auto_logs.stderr)
        };
        Self {
            autostart: process.autostart,
            directory: process.directory.clone(),
            uid: process.uid,
            command: process.command.clone(),
            exit_codes: process.exit_codes.clone(),
            group: group.name.clone(),
            group_priority: group.priority,
            in_use,
            kill_as_group: process.kill_as_group,
            name: process.name.clone(),
            priority: process.priority,
            redirect_stderr: process.redirect_stderr,
            start_retries: process.start_retries,
            start_secs: process.start_secs,
            stdout: StreamInfo::new(&process.stdout, log(&process.stdout.log, auto_logs.stdout)),
            stop_signal: process.stop_signal,
            stop_wait_secs: process.stop_wait_secs,
            stderr: StreamInfo::new(&process.stderr, stderr_log),
            server_url: server_url(&process.server_url),
        }
    }
}

impl StreamInfo {
    fn new(stream: &StreamSpec, log: String) -> Self {
        Self {
            capture_max_bytes: stream.capture_max_bytes,
            events_enabled: stream.events_enabled,
            log,
            backups: stream.backups,
            max_bytes: stream.max_bytes,
            syslog: stream.syslog,
        }
    }
}

fn log(target: &LogTarget, auto: Option<&str>) -> String {
    match target {
        LogTarget::Off | LogTarget::Syslog => UNSET.to_owned(),
        LogTarget::Empty => String::new(),
        LogTarget::Auto => auto.unwrap_or("auto").to_owned(),
        LogTarget::File(path) => path.clone(),
    }
}

fn server_url(url: &ServerUrl) -> String {
    match url {
        ServerUrl::Auto => UNSET.to_owned(),
        ServerUrl::Fixed(url) => url.clone(),
    }
}

impl From<ConfigInfo> for Value {
    fn from(info: ConfigInfo) -> Self {
        let exit_codes: Value = info
            .exit_codes
            .iter()
            .map(|code| i32::from(*code).into())
            .collect();
        let uid = info
            .uid
            .map_or_else(|| UNSET.into(), |uid| i64::from(uid).into());
        members([
            ("autostart", info.autostart.into()),
            (
                "directory",
                info.directory.unwrap_or_else(|| UNSET.to_owned()).into(),
            ),
            ("uid", uid),
            ("command", info.command.into()),
            ("exitcodes", exit_codes),
            ("group", info.group.into()),
            ("group_prio", info.group_priority.into()),
            ("inuse", info.in_use.into()),
            ("killasgroup", info.kill_as_group.into()),
            ("name", info.name.into()),
            ("process_prio", info.priority.into()),
            ("redirect_stderr", info.redirect_stderr.into()),
            ("startretries", info.start_retries.into()),
            ("startsecs", info.start_secs.into()),
            (
                "stdout_capture_maxbytes",
                info.stdout.capture_max_bytes.into(),
            ),
            ("stdout_events_enabled", info.stdout.events_enabled.into()),
            ("stdout_logfile", info.stdout.log.into()),
            ("stdout_logfile_backups", info.stdout.backups.into()),
            ("stdout_logfile_maxbytes", info.stdout.max_bytes.into()),
            ("stdout_syslog", info.stdout.syslog.into()),
            ("stopsignal", info.stop_signal.number().into()),
            ("stopwaitsecs", info.stop_wait_secs.into()),
            (
                "stderr_capture_maxbytes",
                info.stderr.capture_max_bytes.into(),
            ),
            ("stderr_events_enabled", info.stderr.events_enabled.into()),
            ("stderr_logfile", info.stderr.log.into()),
            ("stderr_logfile_backups", info.stderr.backups.into()),
            ("stderr_logfile_maxbytes", info.stderr.max_bytes.into()),
            ("stderr_syslog", info.stderr.syslog.into()),
            ("serverurl", info.server_url.into()),
        ])
    }
}
