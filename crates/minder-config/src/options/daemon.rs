//! The command line of `supervisord`.

use minder_core::Level;

use super::UsageError;
use super::getopt::{Given, Spec, getopt};
use crate::ambient::Environment;
use crate::types::{self, ValueError};

/// What Supervisor warns of when it runs as root and was not told where its configuration is.
pub const ROOT_SEARCH_WARNING: &str = "Supervisord is running as root and it is searching for \
    its configuration file in default locations (including its current working directory); you \
    probably want to specify a \"-c\" argument specifying an absolute path to a configuration \
    file for improved security.";

/// What a command line of `supervisord` asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DaemonCommand {
    /// To run.
    Run(Box<DaemonOptions>),
    /// To print this and be done.
    Help(String),
    /// To print the version and be done.
    Version,
}

/// How to run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DaemonOptions {
    /// The configuration file, as given; to be searched for if not given.
    pub configuration: Option<String>,
    /// What wins over the file.
    pub overrides: Overrides,
    /// What to profile; accepted, and without effect.
    pub profile_options: Option<String>,
}

/// What the command line says in place of `[supervisord]`'s options of the same names. Flags can
/// only turn things on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(
    missing_docs,
    reason = "named for the options of the file that they override"
)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a flag of its own on the command line"
)]
pub struct Overrides {
    pub nodaemon: bool,
    pub silent: bool,
    pub nocleanup: bool,
    pub strip_ansi: bool,
    pub user: Option<String>,
    pub umask: Option<u32>,
    pub directory: Option<String>,
    pub logfile: Option<String>,
    pub logfile_maxbytes: Option<i64>,
    pub logfile_backups: Option<i64>,
    pub loglevel: Option<Level>,
    pub pidfile: Option<String>,
    pub identifier: Option<String>,
    pub childlogdir: Option<String>,
    pub minfds: Option<i64>,
    pub minprocs: Option<i64>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Key {
    Help,
    Version,
    Configuration,
    Nodaemon,
    Silent,
    Nocleanup,
    StripAnsi,
    User,
    Umask,
    Directory,
    Logfile,
    LogfileMaxbytes,
    LogfileBackups,
    Loglevel,
    Pidfile,
    Identifier,
    Childlogdir,
    Minfds,
    Minprocs,
    ProfileOptions,
}

const SPECS: &[Spec<Key>] = &[
    Spec::flag(Key::Help, "-h", "--help"),
    Spec::flag(Key::Help, "-?", ""),
    Spec::value(Key::Configuration, "-c", "--configuration"),
    Spec::flag(Key::Version, "-v", "--version"),
    Spec::flag(Key::Nodaemon, "-n", "--nodaemon"),
    Spec::value(Key::User, "-u", "--user"),
    Spec::value(Key::Umask, "-m", "--umask"),
    Spec::value(Key::Directory, "-d", "--directory"),
    Spec::value(Key::Logfile, "-l", "--logfile"),
    Spec::value(Key::LogfileMaxbytes, "-y", "--logfile_maxbytes"),
    Spec::value(Key::LogfileBackups, "-z", "--logfile_backups"),
    Spec::value(Key::Loglevel, "-e", "--loglevel"),
    Spec::value(Key::Pidfile, "-j", "--pidfile"),
    Spec::value(Key::Identifier, "-i", "--identifier"),
    Spec::value(Key::Childlogdir, "-q", "--childlogdir"),
    Spec::value(Key::Minfds, "-a", "--minfds"),
    Spec::value(Key::Minprocs, "", "--minprocs"),
    Spec::flag(Key::Nocleanup, "-k", "--nocleanup"),
    Spec::flag(Key::StripAnsi, "-t", "--strip_ansi"),
    Spec::value(Key::ProfileOptions, "", "--profile_options"),
    Spec::flag(Key::Silent, "-s", "--silent"),
];

/// Reads the words behind the program's name, which is `argv0`.
pub fn parse(
    argv0: &str,
    words: &[String],
    environment: &Environment,
) -> Result<DaemonCommand, UsageError> {
    let (given, positional) = getopt(SPECS, words)?;
    if !positional.is_empty() {
        return Err(UsageError::Positional(positional));
    }
    let mut options = DaemonOptions::default();
    for option in given {
        match option.key {
            Key::Help => {
                let text = include_str!("supervisord.txt").replace("<argv0>", argv0);
                return Ok(DaemonCommand::Help(text + "\n"));
            }
            Key::Version => return Ok(DaemonCommand::Version),
            _ => options.set(option, environment)?,
        }
    }
    Ok(DaemonCommand::Run(Box::new(options)))
}

impl DaemonOptions {
    fn set(&mut self, given: Given<Key>, environment: &Environment) -> Result<(), UsageError> {
        let overrides = &mut self.overrides;
        let Given { key, name, value } = given;
        let path = |text: &str| types::path(text, environment);
        let directory = |text: &str| types::directory(text, environment);
        let text = |text: &str| Ok(text.to_owned());
        let option = Assignment { name, value };
        match key {
            // These two have acted before.
            Key::Help | Key::Version => Ok(()),
            Key::Nodaemon => option.turn_on(&mut overrides.nodaemon),
            Key::Silent => option.turn_on(&mut overrides.silent),
            Key::Nocleanup => option.turn_on(&mut overrides.nocleanup),
            Key::StripAnsi => option.turn_on(&mut overrides.strip_ansi),
            Key::Configuration => option.put(&mut self.configuration, text),
            Key::User => option.put(&mut overrides.user, text),
            Key::Umask => option.put(&mut overrides.umask, types::octal),
            Key::Directory => option.put(&mut overrides.directory, directory),
            Key::Logfile => option.put(&mut overrides.logfile, path),
            Key::LogfileMaxbytes => option.put(&mut overrides.logfile_maxbytes, types::byte_size),
            Key::LogfileBackups => option.put(&mut overrides.logfile_backups, types::integer),
            Key::Loglevel => option.put(&mut overrides.loglevel, types::level),
            Key::Pidfile => option.put(&mut overrides.pidfile, path),
            Key::Identifier => option.put(&mut overrides.identifier, text),
            Key::Childlogdir => option.put(&mut overrides.childlogdir, directory),
            Key::Minfds => option.put(&mut overrides.minfds, types::integer),
            Key::Minprocs => option.put(&mut overrides.minprocs, types::integer),
            Key::ProfileOptions => option.put(&mut self.profile_options, text),
        }
    }
}

/// An option on its way to its place.
pub(super) struct Assignment {
    pub(super) name: &'static str,
    pub(super) value: String,
}

impl Assignment {
    pub(super) fn turn_on(self, place: &mut bool) -> Result<(), UsageError> {
        if std::mem::replace(place, true) {
            return Err(UsageError::Conflicting(self.name));
        }
        Ok(())
    }

    pub(super) fn put<T>(
        self,
        place: &mut Option<T>,
        convert: impl FnOnce(&str) -> Result<T, ValueError>,
    ) -> Result<(), UsageError> {
        let Self { name, value } = self;
        let converted = convert(&value).map_err(|error| UsageError::Invalid {
            option: name,
            value,
            error,
        })?;
        if place.replace(converted).is_some() {
            return Err(UsageError::Conflicting(name));
        }
        Ok(())
    }
}
