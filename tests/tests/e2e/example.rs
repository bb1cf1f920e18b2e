//! A folder of `examples/`, copied into a sandbox.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use minder_tests::{Sandbox, Subject, subject};

/// A sandbox that holds a copy of the example `name`, and in which the test kit finds the socket, the
/// pid file and the log that lie elsewhere in the example.
pub(crate) fn sandbox(subject: Subject, name: &str, log: &str) -> Sandbox {
    let sandbox = Sandbox::new(subject);
    let example = subject::repository().join("examples").join(name);
    copy(&example, sandbox.folder());
    for (link, target) in [
        ("s.sock", "run/supervisor.sock"),
        ("supervisord.pid", "run/supervisord.pid"),
        ("supervisord.log", log),
    ] {
        symlink(target, sandbox.path(link)).expect("a link in the sandbox");
    }
    sandbox
}

/// Makes a folder of the sandbox, unless it is there.
pub(crate) fn make_folder(sandbox: &Sandbox, name: &str) {
    fs::create_dir_all(sandbox.path(name)).expect("a folder in the sandbox");
}

fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).expect("an example can be read") {
        let entry = entry.expect("an example can be read");
        // What a run by hand has left there is no part of the example.
        if entry.file_name() == "run" {
            continue;
        }
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if from.is_dir() {
            fs::create_dir_all(&to).expect("a folder in the sandbox");
            copy(&from, &to);
        } else {
            fs::copy(&from, &to).expect("a file in the sandbox");
        }
    }
}
