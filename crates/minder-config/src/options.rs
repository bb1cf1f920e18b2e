//! Command lines of `supervisord` and `supervisorctl`, by the rules of `getopt`.
//!
//! What was asked for comes back as data: nothing here prints or exits. Both programs read all
//! of their options before any of them acts, so a slip behind `-h` is still told.

pub mod ctl;
pub mod daemon;
mod getopt;

use std::path::PathBuf;

use crate::ambient::Environment;
use crate::python::{Repr, ReprList};
use crate::types::ValueError;

/// Why a command line was refused. Displays as Supervisor's message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "each variant's text says what it is about")]
pub enum UsageError {
    #[error("option {0} not recognized")]
    NotRecognized(String),
    #[error("option {0} requires argument")]
    RequiresArgument(String),
    #[error("option {0} must not have an argument")]
    MustNotHaveArgument(String),
    #[error("option {0} not a unique prefix")]
    NotUnique(String),
    #[error("invalid value for {option} {}: {error}", Repr(.value))]
    Invalid {
        option: &'static str,
        value: String,
        error: ValueError,
    },
    #[error("conflicting command line option {}", Repr(.0))]
    Conflicting(&'static str),
    #[error("positional arguments are not supported: {}", ReprList(.0))]
    Positional(Vec<String>),
    #[error(
        "No config file found at default paths ({}); use the -c option to specify a config file \
         at a different path", .0.join(", ")
    )]
    NoConfigFile(Vec<String>),
}

/// The paths at which a configuration is looked for, in order, for a program that was started
/// under the name `argv0`.
#[must_use]
pub fn search_paths(argv0: &str) -> [String; 6] {
    let above = directory_name(directory_name(argv0));
    let below = |path: &str| {
        if above.is_empty() || above.ends_with('/') {
            format!("{above}{path}")
        } else {
            format!("{above}/{path}")
        }
    };
    [
        below("etc/supervisord.conf"),
        below("supervisord.conf"),
        "supervisord.conf".to_owned(),
        "etc/supervisord.conf".to_owned(),
        "/etc/supervisord.conf".to_owned(),
        "/etc/supervisor/supervisord.conf".to_owned(),
    ]
}

/// The first of the [`search_paths`] that exists.
#[must_use]
pub fn find_config(argv0: &str, environment: &Environment) -> Option<String> {
    search_paths(argv0)
        .into_iter()
        .find(|path| environment.cwd.join(PathBuf::from(path)).exists())
}

/// A path's directory, as Python's `os.path.dirname` has it.
fn directory_name(path: &str) -> &str {
    let directory = path.rfind('/').map_or("", |slash| &path[..=slash]);
    let bare = directory.trim_end_matches('/');
    if bare.is_empty() { directory } else { bare }
}

#[cfg(test)]
mod tests;
