//! From a command line to a file that can be executed, by Supervisor's rules.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use minder_config::python::Repr;
use minder_core::{CommandError, ProcessSpec};
use rustix::fs::{Access, AtFlags, CWD};

/// Where commands are looked for if nobody says so: Supervisor's list.
const DEFAULT_PATH: &str = "/bin:/usr/bin:/usr/local/bin";

/// A command that can be executed, as far as can be told beforehand.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Executable {
    /// The file.
    pub(crate) file: PathBuf,
    /// The words of the command line; the first as it was written.
    pub(crate) argv: Vec<String>,
}

/// Splits the command line of a process and finds its file.
///
/// A name without a slash is looked for in the `PATH` of the program's environment, else in
/// `own_path`; the first entry in which it *exists* is taken, executable or not. The program's
/// `directory` plays no part.
pub(crate) fn resolve(
    spec: &ProcessSpec,
    own_path: Option<&OsStr>,
) -> Result<Executable, CommandError> {
    let argv = minder_config::command::split(&spec.command).map_err(|error| {
        CommandError::NotExecutable(format!(
            "can't parse command {}: {error}",
            Repr(&spec.command)
        ))
    })?;
    let Some(program) = argv.first() else {
        return Err(CommandError::NotExecutable("command is empty".to_owned()));
    };
    let file = if program.contains('/') {
        PathBuf::from(program)
    } else {
        let path = spec.environment.get("PATH").map(OsStr::new).or(own_path);
        search(program, path.unwrap_or(OsStr::new(DEFAULT_PATH)))
            .unwrap_or_else(|| PathBuf::from(program))
    };
    check(&file)?;
    Ok(Executable { file, argv })
}

fn search(program: &str, path: &OsStr) -> Option<PathBuf> {
    path.as_bytes()
        .split(|byte| *byte == b':')
        .map(|directory| Path::new(OsStr::from_bytes(directory)).join(program))
        .find(|candidate| candidate.metadata().is_ok())
}

fn check(file: &Path) -> Result<(), CommandError> {
    let shown = file.to_string_lossy();
    let shown = Repr(&shown);
    let refused = |text| Err(CommandError::NotExecutable(text));
    let Ok(metadata) = file.metadata() else {
        return Err(CommandError::NotFound(format!(
            "can't find command {shown}"
        )));
    };
    if metadata.is_dir() {
        return refused(format!("command at {shown} is a directory"));
    }
    if metadata.permissions().mode() & 0o111 == 0 {
        return refused(format!("command at {shown} is not executable"));
    }
    if rustix::fs::accessat(CWD, file, Access::EXEC_OK, AtFlags::empty()).is_err() {
        return refused(format!("no permission to run command {shown}"));
    }
    Ok(())
}
