//! Namespaces of their own for what a test runs, where the machine permits that.
//!
//! Root may make them, and so may others if the kernel lets them. Where nobody may, the test that
//! needs one is left out, and says so in a way that no test harness keeps to itself.

use std::io::{self, Write};
use std::process::{Command, Stdio};

/// A command that runs what is given to it as further arguments in new namespaces of these kinds,
/// which are options of `unshare(1)`. `None`, once that was told, if they cannot be made here.
#[must_use]
pub fn unshare(kinds: &[&str]) -> Option<Command> {
    let mut base = vec!["--mount"];
    if !rustix::process::geteuid().is_root() {
        base.push("--map-root-user");
    }
    let command = || {
        let mut command = Command::new("unshare");
        command.args(&base).args(kinds);
        command
    };
    let tried = command().arg("true").stdin(Stdio::null()).output();
    match tried {
        Ok(output) if output.status.success() => Some(command()),
        Ok(output) => {
            let why = String::from_utf8_lossy(&output.stderr);
            left_out(&format!("no namespaces can be made: {}", why.trim()));
            None
        }
        Err(error) => {
            left_out(&format!("unshare cannot be run: {error}"));
            None
        }
    }
}

/// Says that the running test is left out, and why, where everybody sees it: what a test that
/// passes prints the ordinary way is not shown.
pub fn left_out(why: &str) {
    let thread = std::thread::current();
    let test = thread.name().unwrap_or("a test");
    // Nobody is left to tell if standard error is closed.
    let _ = writeln!(io::stderr(), "LEFT OUT: {test}: {why}");
}
