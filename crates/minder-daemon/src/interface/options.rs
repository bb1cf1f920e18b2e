//! The options of a process, as its file would have them.

use minder_config::ini::Section;
use minder_config::{Loaded, Location};
use minder_core::ProcessSpec;
use minder_core::spec::{AutoRestart, LogTarget, ServerUrl, StreamSpec};
use minder_os::users;
use minder_page::process::{OptionRow, Place};

use crate::api::masks;

/// An option and its value, as it may be seen and as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Value {
    pub(super) name: String,
    pub(super) shown: String,
    pub(super) real: String,
    /// Whether that is what it is if the file says nothing.
    pub(super) is_default: bool,
}

/// Every option of a process.
pub(super) fn of(spec: &ProcessSpec) -> Vec<Value> {
    let mut values = Values(Vec::new());
    values.add("command", spec.command.clone(), "");
    values.add("directory", spec.directory.clone().unwrap_or_default(), "");
    values.add("user", spec.uid.map(user).unwrap_or_default(), "");
    values.add(
        "umask",
        spec.umask.map(|it| format!("{it:03o}")).unwrap_or_default(),
        "",
    );
    values.add("priority", spec.priority.to_string(), "999");
    values.add("autostart", spec.autostart.to_string(), "true");
    let restart = match spec.autorestart {
        AutoRestart::Never => "false",
        AutoRestart::Unexpected => "unexpected",
        AutoRestart::Always => "true",
    };
    values.add("autorestart", restart.to_owned(), "unexpected");
    values.add("startsecs", spec.start_secs.to_string(), "1");
    values.add("startretries", spec.start_retries.to_string(), "3");
    let codes: Vec<_> = spec.exit_codes.iter().map(u8::to_string).collect();
    values.add("exitcodes", codes.join(","), "0");
    let signal = spec.stop_signal.name().unwrap_or_default();
    let signal = signal.strip_prefix("SIG").unwrap_or(signal);
    values.add("stopsignal", signal.to_owned(), "TERM");
    values.add("stopwaitsecs", spec.stop_wait_secs.to_string(), "10");
    values.add("stopasgroup", spec.stop_as_group.to_string(), "false");
    values.add("killasgroup", spec.kill_as_group.to_string(), "false");
    values.add("redirect_stderr", spec.redirect_stderr.to_string(), "false");
    values.stream("stdout", &spec.stdout);
    values.stream("stderr", &spec.stderr);
    values.environment(spec);
    let url = match &spec.server_url {
        ServerUrl::Auto => "AUTO",
        ServerUrl::Fixed(url) => url,
    };
    values.add("serverurl", url.to_owned(), "AUTO");
    values.0
}

struct Values(Vec<Value>);

impl Values {
    fn add(&mut self, name: &str, value: String, default: &str) {
        self.0.push(Value {
            name: name.to_owned(),
            shown: masks::without_passwords(&value),
            is_default: value == default,
            real: value,
        });
    }

    fn stream(&mut self, name: &str, stream: &StreamSpec) {
        let log = match &stream.log {
            LogTarget::Off => "NONE",
            LogTarget::Empty => "",
            LogTarget::Auto => "AUTO",
            LogTarget::Syslog => "syslog",
            LogTarget::File(path) => path,
        };
        let mut add = |option: &str, value: String, default: &str| {
            self.add(&format!("{name}_{option}"), value, default);
        };
        add("logfile", log.to_owned(), "AUTO");
        add("logfile_maxbytes", size(stream.max_bytes), "50MB");
        add("logfile_backups", stream.backups.to_string(), "10");
        add("capture_maxbytes", size(stream.capture_max_bytes), "0");
        add("events_enabled", stream.events_enabled.to_string(), "false");
        add("syslog", stream.syslog.to_string(), "false");
    }

    fn environment(&mut self, spec: &ProcessSpec) {
        let pairs = |see: fn(&str, &str) -> String| {
            let pairs = spec.environment.iter();
            let pairs = pairs.map(|(name, value)| format!("{name}=\"{}\"", see(name, value)));
            pairs.collect::<Vec<_>>().join(",")
        };
        let real = pairs(|_, value| value.to_owned());
        self.0.push(Value {
            name: "environment".to_owned(),
            shown: pairs(|name, value| masks::variable(name, value).0),
            is_default: real.is_empty(),
            real,
        });
    }
}

/// A number of bytes, as files have it.
fn size(bytes: i64) -> String {
    for (unit, scale) in [("GB", 1 << 30), ("MB", 1 << 20), ("KB", 1 << 10)] {
        if bytes != 0 && bytes % scale == 0 {
            return format!("{}{unit}", bytes / scale);
        }
    }
    bytes.to_string()
}

/// A user by name, if there is one of this number.
pub(super) fn user(uid: u32) -> String {
    match users::user_by_uid(uid) {
        Ok(Some(user)) => user.name,
        Ok(None) | Err(_) => uid.to_string(),
    }
}

/// The options as rows, with their places in the files that were read, as far as these say the
/// same as what is in force. Those that are left at their defaults come last, if at all.
pub(super) fn rows(
    spec: &ProcessSpec,
    loaded: Option<(&Loaded, &Section)>,
    with_defaults: bool,
) -> (Vec<OptionRow>, usize) {
    let place_of = |name: &str| {
        let (loaded, section) = loaded?;
        loaded.origins.option(section.name(), name).map(place)
    };
    let known_elsewhere = Place {
        short: "–".to_owned(),
        full: String::new(),
    };
    let (mut set, mut left) = (Vec::new(), Vec::new());
    for value in of(spec) {
        let from = place_of(&value.name);
        // Without the file's own word, what is no default must have been set.
        let from = from.or_else(|| (!value.is_default).then(|| known_elsewhere.clone()));
        let rows = if from.is_some() { &mut set } else { &mut left };
        rows.push(OptionRow {
            name: value.name,
            value: value.shown,
            from,
        });
    }
    let defaults = left.len();
    if with_defaults {
        set.append(&mut left);
    }
    (set, defaults)
}

/// A place in a file, as it is shown.
pub(super) fn place(location: &Location) -> Place {
    let (path, line) = (location.file().path(), location.line());
    let name = path.rsplit_once('/').map_or(path, |(_, name)| name);
    Place {
        short: format!("{name}:{line}"),
        full: format!("{path}:{line}"),
    }
}
