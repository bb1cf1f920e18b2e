//! Who is measured.

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use crate::layout;
use crate::report::Column;
use crate::setup::Setup;

/// A supervisor, and where its programs are.
#[derive(Clone, Debug)]
pub(crate) enum Subject {
    /// The file `minder`.
    Minder(PathBuf),
    /// The folder that holds the real `supervisord`.
    Supervisor(PathBuf),
    /// `s6-svscan`, from the search path.
    S6,
    /// `runsvdir`, from the search path.
    Runit,
}

impl Subject {
    pub(crate) fn column(&self) -> Column {
        match self {
            Self::Minder(_) => Column::Minder,
            Self::Supervisor(_) => Column::Supervisor,
            Self::S6 => Column::S6,
            Self::Runit => Column::Runit,
        }
    }

    /// Whether it is installed.
    pub(crate) fn is_there(&self) -> bool {
        match self {
            Self::Minder(file) => file.exists(),
            Self::Supervisor(folder) => folder.join("supervisord").exists(),
            Self::S6 => in_search_path("s6-svscan") && in_search_path("s6-log"),
            Self::Runit => in_search_path("runsvdir") && in_search_path("svlogd"),
        }
    }

    pub(crate) fn is_minder(&self) -> bool {
        matches!(self, Self::Minder(_))
    }

    /// Whether it answers Supervisor's API, and has its listeners.
    pub(crate) fn speaks_xml_rpc(&self) -> bool {
        matches!(self, Self::Minder(_) | Self::Supervisor(_))
    }

    /// Writes down below `here` what it is to run.
    pub(crate) fn prepare(&self, setup: &Setup, here: &Path) -> Result<()> {
        match self {
            Self::Minder(_) | Self::Supervisor(_) => {
                fs::write(here.join("supervisord.conf"), layout::ini(setup, here))?;
            }
            Self::S6 => layout::s6(setup, here)?,
            Self::Runit => layout::runit(setup, here)?,
        }
        Ok(())
    }

    /// What starts it, for what was prepared.
    pub(crate) fn command(&self, setup: &Setup, here: &Path) -> Command {
        let mut command = match self {
            Self::Minder(file) => {
                let mut command = Command::new(file);
                command.arg0("supervisord");
                command
            }
            Self::Supervisor(folder) => Command::new(folder.join("supervisord")),
            Self::S6 => {
                let mut command = Command::new("s6-svscan");
                // A service and its logger count as two in some releases.
                let most = 2 * setup.programs.len() + 10;
                command.arg("-c").arg(most.to_string());
                command.arg(layout::scan(here));
                return command;
            }
            Self::Runit => {
                let mut command = Command::new("runsvdir");
                command.arg(layout::scan(here));
                return command;
            }
        };
        command
            .arg("-n")
            .arg("-c")
            .arg(here.join("supervisord.conf"));
        command
    }

    /// `supervisorctl` for it, if it has one.
    pub(crate) fn supervisorctl(&self, here: &Path) -> Option<Command> {
        let mut command = match self {
            Self::Minder(file) => {
                let mut command = Command::new(file);
                command.arg0("supervisorctl");
                command
            }
            Self::Supervisor(folder) => Command::new(folder.join("supervisorctl")),
            Self::S6 | Self::Runit => return None,
        };
        command.arg("-c").arg(here.join("supervisord.conf"));
        Some(command)
    }
}

fn in_search_path(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).exists())
}
