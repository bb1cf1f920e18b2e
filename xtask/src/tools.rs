//! Programs that come from the distribution's packages.

use std::env;
use std::process::Command;

use crate::command::{self, program};

/// Whether the shell would find it.
pub(crate) fn is_there(name: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).any(|folder| folder.join(name).exists())
}

/// Installs what is missing of these, each a program and its Debian package, and says so. Where that
/// cannot be done, it says so too: whoever needs them decides what follows.
pub(crate) fn install(wanted: &[(&str, &str)]) {
    let missing: Vec<&str> = wanted
        .iter()
        .filter(|(name, _)| !is_there(name))
        .map(|(_, package)| *package)
        .collect();
    if missing.is_empty() {
        return;
    }
    eprintln!("not installed: {}", missing.join(", "));
    let install = command::run(
        apt_get()
            .args(["install", "--yes", "--no-install-recommends"])
            .args(&missing),
    );
    if let Err(error) = install {
        eprintln!("{error:#}; going on without");
    }
}

/// As root, or by sudo if that needs no password.
fn apt_get() -> Command {
    let user = command::output(program("id").arg("-u")).unwrap_or_default();
    if user.trim_ascii() == b"0" || !is_there("sudo") {
        return program("apt-get");
    }
    let mut command = program("sudo");
    command.args(["--non-interactive", "apt-get"]);
    command
}
