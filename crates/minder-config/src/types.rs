//! The types of option values: what each accepts, and what is said of what it does not.
//!
//! Each conversion takes the text of a value, already expanded, and gives what the specs hold.
//! Those that depend on the machine (users, directories) ask it here and nowhere else.

use std::path::Path;

use minder_core::signal::UnknownSignal;
use minder_core::spec::AutoRestart;
use minder_core::{Level, Signal};
use minder_os::users;

use crate::ambient::Environment;
use crate::python::{self, Repr};
use crate::supervisord::Orphans;

/// Why a value is not of its option's type. Displays as Supervisor's message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "each variant's text says what it is about")]
pub enum ValueError {
    #[error("not a valid boolean value: {}", Repr(.0))]
    Boolean(String),
    #[error("invalid literal for int() with base 10: {}", Repr(.0))]
    Integer(String),
    #[error("{0} can not be converted to an octal type")]
    Octal(String),
    #[error("value {} is not a valid signal name", Repr(.0))]
    SignalName(String),
    #[error("value {} is not a valid signal number", Repr(.0))]
    SignalNumber(String),
    #[error("not a valid list of exit codes: {}", Repr(.0))]
    ExitCodes(String),
    #[error("invalid 'autorestart' value {}", Repr(.0))]
    AutoRestart(String),
    #[error("invalid 'orphans' value {}: it may be stop or adopt", Repr(.0))]
    Orphans(String),
    #[error("The directory named as part of the path {0} does not exist")]
    NoParentDirectory(String),
    #[error("{0} is not an existing directory")]
    NoDirectory(String),
    #[error("bad logging level name {}", Repr(.0))]
    Level(String),
    #[error("Invalid user name {0}")]
    UserName(String),
    #[error("Invalid user id {0}")]
    UserId(String),
    #[error("Invalid group name {0}")]
    GroupName(String),
    #[error("Invalid group id {0}")]
    GroupId(String),
    #[error("cannot look up {what} \"{name}\": {error}")]
    Lookup {
        what: &'static str,
        name: String,
        error: String,
    },
    #[error("not a valid port number: {} ", Repr(.0))]
    Port(String),
    #[error("no port number specified in ''")]
    NoPort,
    #[error("{value} is below lower bound ({bound})")]
    Below { value: i64, bound: i64 },
    #[error("{value} is above upper bound ({bound})")]
    Above { value: i64, bound: i64 },
    #[error("Invalid name: {} because of character: {}", Repr(.name), Repr(.character))]
    Name { name: String, character: String },
    #[error("Invalid name: {} because it is empty", Repr(.0))]
    EmptyName(String),
    #[error("value {} is not a URL", Repr(.0))]
    Url(String),
    #[error("Invalid IPv6 URL")]
    Ipv6Url,
}

/// Whether a text says yes.
pub fn boolean(text: &str) -> Result<bool, ValueError> {
    truth(&text.to_lowercase()).ok_or_else(|| ValueError::Boolean(text.to_owned()))
}

fn truth(lower: &str) -> Option<bool> {
    match lower {
        "yes" | "true" | "on" | "1" => Some(true),
        "no" | "false" | "off" | "0" => Some(false),
        _ => None,
    }
}

/// A whole number, of any size.
pub fn integer(text: &str) -> Result<i64, ValueError> {
    python::int(text).ok_or_else(|| ValueError::Integer(text.to_owned()))
}

/// A number of bytes, with `KB`, `MB` or `GB` behind it if wanted.
pub fn byte_size(text: &str) -> Result<i64, ValueError> {
    let lower = text.to_lowercase();
    for (suffix, unit) in [("kb", 1 << 10), ("mb", 1 << 20), ("gb", 1 << 30)] {
        if let Some(number) = lower.strip_suffix(suffix) {
            return Ok(integer(number)?.saturating_mul(unit));
        }
    }
    integer(&lower)
}

/// A file mode or mask.
///
/// Supervisor takes any number; only the twelve bits of a mode mean anything to the system,
/// which is what it makes of a larger or negative one as well.
pub fn octal(text: &str) -> Result<u32, ValueError> {
    let number = python::octal(text).ok_or_else(|| ValueError::Octal(text.to_owned()))?;
    Ok(u32::try_from(number & 0o7777).unwrap_or(0))
}

/// A list of exit codes; an empty text is an empty list.
pub fn exit_codes(text: &str) -> Result<Vec<u8>, ValueError> {
    if text.is_empty() {
        return Ok(Vec::new());
    }
    text.split(',')
        .map(|code| python::int(code).and_then(|code| u8::try_from(code).ok()))
        .collect::<Option<_>>()
        .ok_or_else(|| ValueError::ExitCodes(text.to_owned()))
}

/// A signal by its name or number.
pub fn signal(text: &str) -> Result<Signal, ValueError> {
    Signal::parse(text).map_err(|unknown| match unknown {
        UnknownSignal::Name => ValueError::SignalName(text.to_owned()),
        UnknownSignal::Number => ValueError::SignalNumber(text.to_owned()),
    })
}

/// When a process is started again.
pub fn auto_restart(text: &str) -> Result<AutoRestart, ValueError> {
    let lower = text.to_lowercase();
    match truth(&lower) {
        Some(true) => Ok(AutoRestart::Always),
        Some(false) => Ok(AutoRestart::Never),
        None if lower == "unexpected" => Ok(AutoRestart::Unexpected),
        None => Err(ValueError::AutoRestart(lower)),
    }
}

/// What becomes of what an earlier `supervisord` left running.
pub fn orphans(text: &str) -> Result<Orphans, ValueError> {
    match text.to_lowercase().as_str() {
        "stop" => Ok(Orphans::Stop),
        "adopt" => Ok(Orphans::Adopt),
        _ => Err(ValueError::Orphans(text.to_owned())),
    }
}

/// A log level by its name.
pub fn level(text: &str) -> Result<Level, ValueError> {
    match text.to_lowercase().as_str() {
        "critical" => Ok(Level::Critical),
        "error" => Ok(Level::Error),
        "warn" => Ok(Level::Warn),
        "info" => Ok(Level::Info),
        "debug" => Ok(Level::Debug),
        "trace" => Ok(Level::Trace),
        "blather" => Ok(Level::Blather),
        _ => Err(ValueError::Level(text.to_owned())),
    }
}

/// The items of a list with commas between them; an empty text is an empty list.
#[must_use]
pub fn list(text: &str) -> Vec<String> {
    if text.is_empty() {
        return Vec::new();
    }
    text.split(',')
        .map(|item| python::strip(item).to_owned())
        .collect()
}

/// A name of a process or group: without blanks around it and without those characters that
/// the listener protocol and the web pages could not carry.
pub fn name(text: &str) -> Result<String, ValueError> {
    let name = python::strip(text);
    match [" ", ":", "/"].into_iter().find(|c| name.contains(*c)) {
        None => Ok(name.to_owned()),
        Some(character) => Err(ValueError::Name {
            name: text.to_owned(),
            character: character.to_owned(),
        }),
    }
}

/// Host and port of a server: `port`, `host:port`, `*:port`, `[::1]:port`. No host is all
/// addresses.
pub fn inet_address(text: &str) -> Result<(Option<String>, u16), ValueError> {
    let Some((host, port)) = text.rsplit_once(':') else {
        let port = port(text).map_err(|_| ValueError::Port(text.to_owned()))?;
        return Ok((None, port));
    };
    if port.is_empty() {
        return Err(ValueError::NoPort);
    }
    let port = self::port(port)?;
    let host = host.to_lowercase();
    let named = !host.is_empty() && host != "*";
    Ok((named.then_some(host), port))
}

/// A port number.
pub fn port(text: &str) -> Result<u16, ValueError> {
    const MOST: i64 = u16::MAX as i64;
    let value = integer(text)?;
    match u16::try_from(value) {
        Ok(port) if port > 0 => Ok(port),
        _ if value < 1 => Err(ValueError::Below { value, bound: 1 }),
        _ => Err(ValueError::Above { value, bound: MOST }),
    }
}

/// The uid of a user given by name or number.
pub fn uid(text: &str) -> Result<u32, ValueError> {
    user(text).map(|user| user.uid)
}

/// A user given by name or number.
pub fn user(text: &str) -> Result<users::User, ValueError> {
    let (found, missing) = match python::int(text) {
        None => (
            users::user_by_name(text),
            ValueError::UserName(text.to_owned()),
        ),
        Some(number) => (
            u32::try_from(number).map_or(Ok(None), users::user_by_uid),
            ValueError::UserId(text.to_owned()),
        ),
    };
    found
        .map_err(|error| lookup("user", text, &error))?
        .ok_or(missing)
}

/// User and, behind a colon, group: each by name or number.
pub fn owner(text: &str) -> Result<(u32, Option<u32>), ValueError> {
    match text.split_once(':') {
        None => Ok((uid(text)?, None)),
        Some((user, group)) => Ok((uid(user)?, Some(gid(group)?))),
    }
}

fn gid(text: &str) -> Result<u32, ValueError> {
    let failed = |error| lookup("group", text, &error);
    let Some(number) = python::int(text) else {
        return users::group_by_name(text)
            .map_err(failed)?
            .ok_or_else(|| ValueError::GroupName(text.to_owned()));
    };
    let unknown = || ValueError::GroupId(text.to_owned());
    let gid = u32::try_from(number).map_err(|_| unknown())?;
    if users::group_exists(gid).map_err(failed)? {
        Ok(gid)
    } else {
        Err(unknown())
    }
}

fn lookup(what: &'static str, name: &str, error: &std::io::Error) -> ValueError {
    ValueError::Lookup {
        what,
        name: name.to_owned(),
        error: error.to_string(),
    }
}

/// A path in a directory that exists; `~` is expanded.
pub fn path(text: &str, environment: &Environment) -> Result<String, ValueError> {
    let path = environment.expand_user(text);
    let directory = path.rfind('/').map(|slash| &path[..=slash]);
    match directory {
        Some(directory) if !environment.is_dir(directory) => {
            Err(ValueError::NoParentDirectory(text.to_owned()))
        }
        Some(_) | None => Ok(path),
    }
}

/// A directory that exists; `~` is expanded.
pub fn directory(text: &str, environment: &Environment) -> Result<String, ValueError> {
    let path = environment.expand_user(text);
    if environment.is_dir(&path) {
        Ok(path)
    } else {
        Err(ValueError::NoDirectory(text.to_owned()))
    }
}

/// A URL, by the little that Supervisor asks of one: a scheme, and something behind it, in which
/// brackets around the host are not alone.
pub fn url(text: &str) -> Result<String, ValueError> {
    let refused = || ValueError::Url(text.to_owned());
    let (scheme, rest) = text.split_once(':').ok_or_else(refused)?;
    let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
    if let Some(behind) = rest.strip_prefix("//") {
        let host = behind.split(['/', '?', '#']).next().unwrap_or_default();
        if host.contains('[') != host.contains(']') {
            return Err(ValueError::Ipv6Url);
        }
    }
    let place = rest.strip_prefix("//").unwrap_or(rest);
    let has_place = !place.is_empty() && !place.starts_with(['?', '#']);
    if is_scheme && has_place {
        Ok(text.to_owned())
    } else {
        Err(refused())
    }
}

impl Environment {
    fn is_dir(&self, path: &str) -> bool {
        // An empty path is no directory, though joined to the current one it would be.
        !path.is_empty() && self.cwd.join(Path::new(path)).is_dir()
    }
}

#[cfg(test)]
mod tests;
