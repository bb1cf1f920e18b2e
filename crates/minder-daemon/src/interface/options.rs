//! The options of a process, as its file would have them.

use minder_config::ini::Section;
use minder_config::{Loaded, Location};
use minder_core::ProcessSpec;
use minder_os::users;
use minder_page::process::{OptionRow, Place};

use crate::api::masks;
use crate::options::{self, InForce, in_force};

/// An option and its value, as it may be seen and as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Value {
    pub(super) name: &'static str,
    pub(super) shown: String,
    pub(super) real: String,
    /// Whether that is what it is if the file says nothing.
    pub(super) is_default: bool,
}

/// Every option of a process.
pub(super) fn of(spec: &ProcessSpec) -> Vec<Value> {
    let mut values: Vec<_> = in_force(spec).into_iter().map(shown).collect();
    // Before the last one, as in Supervisor's manual.
    values.insert(values.len().saturating_sub(1), environment(spec));
    values
}

fn shown(option: InForce) -> Value {
    let real = match option.value {
        None => String::new(),
        Some(options::Value::Text(text)) => text,
        Some(options::Value::Bytes(bytes)) => size(bytes),
        Some(options::Value::User(uid)) => user(uid),
        Some(options::Value::Signal(signal)) => {
            let name = signal.name().unwrap_or_default();
            name.strip_prefix("SIG").unwrap_or(name).to_owned()
        }
    };
    Value {
        name: option.name,
        shown: masks::without_passwords(&real),
        is_default: real == option.default,
        real,
    }
}

fn environment(spec: &ProcessSpec) -> Value {
    let pairs = |see: fn(&str, &str) -> String| {
        let pairs = spec.environment.iter();
        let pairs = pairs.map(|(name, value)| format!("{name}=\"{}\"", see(name, value)));
        pairs.collect::<Vec<_>>().join(",")
    };
    let real = pairs(|_, value| value.to_owned());
    Value {
        name: "environment",
        shown: pairs(|name, value| masks::variable(name, value).0),
        is_default: real.is_empty(),
        real,
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
        let from = place_of(value.name);
        // Without the file's own word, what is no default must have been set.
        let from = from.or_else(|| (!value.is_default).then(|| known_elsewhere.clone()));
        let rows = if from.is_some() { &mut set } else { &mut left };
        rows.push(OptionRow {
            name: value.name.to_owned(),
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
