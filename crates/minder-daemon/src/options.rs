//! The options of a process that are in force, by the names that they have in the file.
//!
//! The page and the JSON interface show the same options, each in its own manner.

use minder_core::spec::{AutoRestart, LogTarget, ServerUrl, StreamSpec};
use minder_core::{ProcessSpec, Signal};

/// An option.
pub(crate) struct InForce {
    pub(crate) name: &'static str,
    /// `None` if it has no value in force.
    pub(crate) value: Option<Value>,
    /// What it is if the file says nothing, as a file would say it.
    pub(crate) default: &'static str,
}

/// What an option is set to.
pub(crate) enum Value {
    /// As a file would say it.
    Text(String),
    /// A number of bytes.
    Bytes(i64),
    /// The number of a user.
    User(u32),
    Signal(Signal),
}

/// Every option but the environment, in the order of Supervisor's manual.
pub(crate) fn in_force(spec: &ProcessSpec) -> Vec<InForce> {
    let restart = match spec.autorestart {
        AutoRestart::Never => "false",
        AutoRestart::Unexpected => "unexpected",
        AutoRestart::Always => "true",
    };
    let url = match &spec.server_url {
        ServerUrl::Auto => "AUTO",
        ServerUrl::Fixed(url) => url,
    };
    let codes: Vec<_> = spec.exit_codes.iter().map(u8::to_string).collect();
    let umask = spec.umask.map(|umask| Value::Text(format!("{umask:03o}")));
    let signal = Some(Value::Signal(spec.stop_signal));
    let mut options = vec![
        set("command", &spec.command, ""),
        option("directory", spec.directory.clone().map(Value::Text), ""),
        option("user", spec.uid.map(Value::User), ""),
        option("umask", umask, ""),
        set("priority", &spec.priority, "999"),
        set("autostart", &spec.autostart, "true"),
        set("autorestart", &restart, "unexpected"),
        set("startsecs", &spec.start_secs, "1"),
        set("startretries", &spec.start_retries, "3"),
        set("exitcodes", &codes.join(","), "0"),
        option("stopsignal", signal, "TERM"),
        set("stopwaitsecs", &spec.stop_wait_secs, "10"),
        set("stopasgroup", &spec.stop_as_group, "false"),
        set("killasgroup", &spec.kill_as_group, "false"),
        set("redirect_stderr", &spec.redirect_stderr, "false"),
    ];
    options.extend(of_stream(STDOUT, &spec.stdout));
    options.extend(of_stream(STDERR, &spec.stderr));
    options.push(set("serverurl", &url, "AUTO"));
    options
}

fn of_stream(names: [&'static str; 6], stream: &StreamSpec) -> [InForce; 6] {
    let log = match &stream.log {
        LogTarget::Off => "NONE",
        LogTarget::Empty => "",
        LogTarget::Auto => "AUTO",
        LogTarget::Syslog => "syslog",
        LogTarget::File(path) => path,
    };
    let bytes = |count| Some(Value::Bytes(count));
    let [logfile, most, backups, capture, events, syslog] = names;
    [
        set(logfile, &log, "AUTO"),
        option(most, bytes(stream.max_bytes), "50MB"),
        set(backups, &stream.backups, "10"),
        option(capture, bytes(stream.capture_max_bytes), "0"),
        set(events, &stream.events_enabled, "false"),
        set(syslog, &stream.syslog, "false"),
    ]
}

fn option(name: &'static str, value: Option<Value>, default: &'static str) -> InForce {
    InForce {
        name,
        value,
        default,
    }
}

fn set(name: &'static str, value: &dyn ToString, default: &'static str) -> InForce {
    option(name, Some(Value::Text(value.to_string())), default)
}

const STDOUT: [&str; 6] = [
    "stdout_logfile",
    "stdout_logfile_maxbytes",
    "stdout_logfile_backups",
    "stdout_capture_maxbytes",
    "stdout_events_enabled",
    "stdout_syslog",
];

const STDERR: [&str; 6] = [
    "stderr_logfile",
    "stderr_logfile_maxbytes",
    "stderr_logfile_backups",
    "stderr_capture_maxbytes",
    "stderr_events_enabled",
    "stderr_syslog",
];
