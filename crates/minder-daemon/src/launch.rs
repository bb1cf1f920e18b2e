//! `supervisord` as it is started: checks everything that can be checked, then becomes the keeper.
//!
//! Whatever is wrong with the command line, the configuration, the user or the limits is told
//! here, on the standard error of whoever starts it, with exit code 2. In the background it waits
//! until the daemon answers, or has said why it cannot.

use std::ffi::OsString;
use std::io::{self, Write};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::ExitCode;

use minder_config::options::daemon::{self, DaemonCommand, DaemonOptions, ROOT_SEARCH_WARNING};
use minder_config::options::{UsageError, find_config, search_paths};
use minder_config::report::Colour;
use minder_config::{ConfigError, Environment, Loaded, Source, Supervisord};
use minder_core::Level;
use minder_http::bind::BindError;
use minder_keeper::{EX_SOFTWARE, Legacy, Outcome};
use minder_os::{memfd, users};
use rustix::process::{Resource, Rlimit};

use crate::VERSION_OF_SUPERVISOR;
use crate::configuration::Configuration;
use crate::note::{Background, Note};

/// The exit code of every error that is found before anything runs.
pub(crate) const USAGE: u8 = 2;

/// Runs `supervisord` with this command line, the name it was called by first. Returns only if the
/// keeper runs in the background, or if it does not run at all.
#[must_use]
pub fn supervisord(args: &[OsString]) -> ExitCode {
    let args: Vec<String> = args
        .iter()
        .map(|arg| arg.to_string_lossy().into_owned())
        .collect();
    match launch(&args) {
        Ok(code) => code,
        Err(refusal) => {
            tell(&refusal.message(program(&args)));
            ExitCode::from(USAGE)
        }
    }
}

/// The name that a command line was called by.
pub(crate) fn program(args: &[String]) -> &str {
    args.first().map_or("supervisord", String::as_str)
}

/// Why nothing was started.
pub(crate) struct Refusal {
    /// Supervisor's text.
    pub(crate) text: String,
    /// What we have to add: where it is, and what to do. Empty if nothing.
    detail: String,
}

impl Refusal {
    pub(crate) fn new(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            detail: String::new(),
        }
    }

    pub(crate) fn with_detail(self, detail: String) -> Self {
        Self { detail, ..self }
    }

    /// What is shown to whoever started `program`.
    pub(crate) fn message(&self, program: &str) -> String {
        let Self { text, detail } = self;
        let gap = if detail.is_empty() { "" } else { "\n" };
        format!("Error: {text}\nFor help, use {program} -h\n{gap}{detail}")
    }
}

impl From<UsageError> for Refusal {
    fn from(error: UsageError) -> Self {
        Self::new(error.to_string())
    }
}

impl From<ConfigError> for Refusal {
    fn from(error: ConfigError) -> Self {
        Self {
            text: error.to_string(),
            detail: error.report(Colour::Plain),
        }
    }
}

impl From<BindError> for Refusal {
    fn from(error: BindError) -> Self {
        let detail = match &error {
            BindError::UnknownHost { host } => {
                format!(" = help: no address of the host \"{host}\" is known\n")
            }
            _ => String::new(),
        };
        let text = error.to_string();
        Self { text, detail }
    }
}

/// What a command line asks to run: how to read the configuration.
pub(crate) fn configuration(
    program: &str,
    options: &DaemonOptions,
    environment: Environment,
) -> Result<Configuration, UsageError> {
    let path = match &options.configuration {
        Some(path) => path.clone(),
        None => find_config(program, &environment)
            .ok_or_else(|| UsageError::NoConfigFile(search_paths(program).to_vec()))?,
    };
    let source = Source::new(path, &environment);
    let overrides = options.overrides.clone();
    Ok(Configuration::new(source, overrides, environment))
}

fn launch(args: &[String]) -> Result<ExitCode, Refusal> {
    let program = program(args);
    let environment = Environment::of_process();
    let words = args.get(1..).unwrap_or_default();
    let options = match daemon::parse(program, words, &environment)? {
        DaemonCommand::Run(options) => options,
        DaemonCommand::Help(text) => return Ok(print(&text)),
        DaemonCommand::Version => return Ok(print(&format!("{VERSION_OF_SUPERVISOR}\n"))),
    };
    let start_directory = environment.cwd.clone();
    let installed = minder_keeper::installed_at(&start_directory);
    if options.configuration.is_none() && environment.uid == 0 {
        // Whoever starts it is to see this; the log is not told.
        tell(&format!("{program}: UserWarning: {ROOT_SEARCH_WARNING}\n"));
    }
    let configuration = configuration(program, &options, environment)?;
    let loaded = configuration.load()?;
    let given = configuration
        .is_fleeting()
        .then(|| memfd::sealed("minder-configuration", loaded.main.text().as_bytes()))
        .transpose()
        .map_err(|error| Refusal::new(format!("cannot keep the configuration: {error}")))?;
    let mut note = Note {
        args: args.to_vec(),
        start_directory,
        criticals: Vec::new(),
        infos: Vec::new(),
        first_infos: Vec::new(),
        background: None,
        installed,
    };
    take_identity(&loaded.supervisord, &mut note)?;
    raise_limits(&loaded.supervisord, &mut note)?;
    if loaded.supervisord.nodaemon {
        return Ok(run_in_foreground(legacy(&note, given.as_ref())));
    }
    note.background = Some(go_elsewhere(&loaded));
    Ok(run_in_background(legacy(&note, given.as_ref())))
}

fn print(text: &str) -> ExitCode {
    match io::stdout().write_all(text.as_bytes()) {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever reads has seen enough.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

/// Writes to standard error. Nobody is left to tell if that is closed.
pub(crate) fn tell(text: &str) {
    let _ = io::stderr().write_all(text.as_bytes());
}

/// Becomes the user that the configuration asks for.
fn take_identity(supervisord: &Supervisord, note: &mut Note) -> Result<(), Refusal> {
    let own = rustix::process::geteuid();
    let Some(user) = &supervisord.user else {
        if own.is_root() {
            note.criticals.push(RUNNING_AS_ROOT.to_owned());
        }
        return Ok(());
    };
    if user.uid != own.as_raw() {
        if !own.is_root() {
            return Err(Refusal::new("Can't drop privilege as nonroot user"));
        }
        let groups = users::groups_of(user)
            .map_err(|_| Refusal::new("Could not set groups of effective user"))?;
        users::drop_privileges(user, &groups)
            .map_err(|_| Refusal::new("Could not set group id of effective user"))?;
    }
    note.infos
        .push(format!("Set uid to user {} succeeded", user.uid));
    Ok(())
}

const RUNNING_AS_ROOT: &str = "Supervisor is running as root.  Privileges were not dropped \
    because no user is specified in the config file.  If you intend to run as root, you can set \
    user=root in the config file to avoid this message.";

/// Raises what the configuration wants raised; it is the same for every program.
fn raise_limits(supervisord: &Supervisord, note: &mut Note) -> Result<(), Refusal> {
    let limits = [
        (
            Resource::Nofile,
            "RLIMIT_NOFILE",
            supervisord.minfds,
            too_few_descriptors as Explain,
        ),
        (
            Resource::Nproc,
            "RLIMIT_NPROC",
            supervisord.minprocs,
            too_few_processes,
        ),
    ];
    for (resource, name, least, explain) in limits {
        let Rlimit { current, maximum } = rustix::process::getrlimit(resource);
        let wanted = u64::try_from(least).unwrap_or(0);
        if current.is_none_or(|current| current >= wanted) {
            continue;
        }
        let raised = Rlimit {
            current: Some(wanted),
            // Only root may raise it; whoever else tries is told so.
            maximum: maximum.map(|maximum| maximum.max(wanted)),
        };
        rustix::process::setrlimit(resource, raised)
            .map_err(|_| Refusal::new(explain(least, maximum.unwrap_or(u64::MAX).max(wanted))))?;
        note.first_infos
            .push(format!("Increased {name} limit to {least}"));
    }
    Ok(())
}

type Explain = fn(i64, u64) -> String;

fn too_few_descriptors(least: i64, allowed: u64) -> String {
    format!(
        "The minimum number of file descriptors required to run this process is {least} as per \
         the \"minfds\" command-line argument or config file setting. The current environment \
         will only allow you to open {allowed} file descriptors.  Either raise the number of \
         usable file descriptors in your environment (see README.rst) or lower the minfds setting \
         in the config file to allow the process to start."
    )
}

fn too_few_processes(least: i64, allowed: u64) -> String {
    format!(
        "The minimum number of available processes required to run this program is {least} as per \
         the \"minprocs\" command-line argument or config file setting. The current environment \
         will only allow you to open {allowed} processes.  Either raise the number of usable \
         processes in your environment (see README.rst) or lower the minprocs setting in the \
         config file to allow the program to start."
    )
}

/// Goes where the configuration wants a daemon to be, as far as that can be done.
fn go_elsewhere(loaded: &Loaded) -> Background {
    let directory = &loaded.supervisord.directory;
    let directory = directory.as_deref().map(|directory| {
        let shown = minder_config::python::Repr(&directory.to_string_lossy()).to_string();
        match std::env::set_current_dir(directory) {
            Ok(()) => (Level::Info, format!("set current directory: {shown}")),
            Err(error) => {
                let error = python_error_with(&error, directory);
                (
                    Level::Critical,
                    format!("can't chdir into {shown}: {error}"),
                )
            }
        }
    });
    Background { directory }
}

/// An error of the system that is about a file, as Python words it.
pub(crate) fn python_error_with(error: &io::Error, path: &Path) -> String {
    let path = path.to_string_lossy();
    let path = minder_config::python::Repr(&path);
    match error.raw_os_error() {
        Some(_) => format!("{}: {path}", python_error(error)),
        None => error.to_string(),
    }
}

/// An error of the system as Python words it.
pub(crate) fn python_error(error: &io::Error) -> String {
    let Some(number) = error.raw_os_error() else {
        return error.to_string();
    };
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    format!("[Errno {number}] {text}")
}

fn legacy<'a>(note: &'a Note, given: Option<&'a OwnedFd>) -> Legacy<'a> {
    Legacy {
        note: note.seal(),
        given,
        program: &note.installed,
    }
}

fn run_in_foreground(legacy: Legacy<'_>) -> ExitCode {
    let error = minder_keeper::enter(None, legacy);
    tell(&format!("cannot become the keeper: {error}\n"));
    ExitCode::from(EX_SOFTWARE)
}

fn run_in_background(legacy: Legacy<'_>) -> ExitCode {
    match minder_keeper::start_in_background(legacy) {
        Ok(Outcome::Ready) => ExitCode::SUCCESS,
        Ok(Outcome::Failed { code, text }) => {
            tell(&text);
            ExitCode::from(code)
        }
        Err(error) => {
            tell(&format!("cannot start the keeper: {error}\n"));
            ExitCode::from(EX_SOFTWARE)
        }
    }
}
