//! `supervisord` as it is started: checks everything that can be checked, then becomes the keeper.
//!
//! Whatever is wrong with the command line, the configuration, the user or the limits is told
//! here, on the standard error of whoever starts it, with exit code 2. In the background it waits
//! until the daemon answers, or has said why it cannot.

use std::ffi::OsString;
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};

use minder_config::options::{self, Parsed};
use minder_config::{Environment, Loaded, Source};
use minder_core::Level;
use minder_os::users;
use minder_wire::Launch;
use rustix::fs::Mode;
use rustix::io::FdFlags;
use rustix::process::{Resource, Rlimit};

use crate::codec::{CodecError, Decoder, Encoder, open, seal};

/// The exit code of every error that is found before anything runs.
const USAGE: u8 = 2;
/// The exit code if the keeper could not be started.
const SOFTWARE: u8 = 70;
/// The layout of [`Note`].
const NOTE_VERSION: u32 = 1;

/// What the launcher knows and the daemon needs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Note {
    /// The command line, with the name it was called by.
    pub(crate) args: Vec<String>,
    /// Where it was started; relative paths are relative to this.
    pub(crate) start_directory: PathBuf,
    /// Whether it went into the background.
    pub(crate) in_background: bool,
    /// What the launcher has to say in the log.
    pub(crate) messages: Vec<(Level, String)>,
}

/// Runs `supervisord` with this command line, the name it was called by first. Returns only if the
/// keeper runs in the background, or if it does not run at all.
#[must_use]
pub fn supervisord(args: &[OsString]) -> ExitCode {
    let args: Vec<String> = args.iter().map(|arg| arg.to_string_lossy().into_owned()).collect();
    match launch(&args) {
        Ok(code) => code,
        Err(refusal) => refusal.report(args.first().map_or("supervisord", String::as_str)),
    }
}

/// Why nothing was started.
struct Refusal {
    /// Supervisor's text.
    text: String,
    /// What we have to add: where it is, and what to do.
    detail: Option<String>,
}

impl Refusal {
    fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), detail: None }
    }

    fn report(&self, program: &str) -> ExitCode {
        let mut message = format!("Error: {}\nFor help, use {program} -h\n", self.text);
        if let Some(detail) = &self.detail {
            message.push('\n');
            message.push_str(detail);
        }
        // Nobody is left to tell if standard error is closed.
        let _ = io::stderr().write_all(message.as_bytes());
        ExitCode::from(USAGE)
    }
}
