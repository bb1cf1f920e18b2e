//! The comparison with Supervisor: one test, two subjects.
//!
//! Every case states what a user, script or client sees, word for word, and runs on the real
//! Supervisor 4.3.0 and on Minder. What passes on both is the same on both. Where the two
//! differ on purpose, the case says so with `Subject::differs` and the difference's name.
//!
//! Each case is two tests, `case::supervisor` and `case::minder`, so that one `cargo test` runs
//! both sides; `SUBJECT=supervisor` or `SUBJECT=minder` runs one side only. What Minder does not
//! do yet stands in `not_yet!` with its reason, runs all the same, and fails once it works.
//!
//! Supervisor is looked for in `target/python/bin`, or in the folder that
//! `MINDER_SUPERVISOR_BIN` names; Minder beside the built tests, or in the file `MINDER_BIN`.

#![forbid(unsafe_code)]

mod captures;
mod children;
mod config_errors;
mod containers;
mod ctl_details;
mod ctl_logs;
mod ctl_shell;
mod ctl_updates;
mod ctl_verbs;
mod daemon;
mod debug;
mod dialect;
mod ears;
mod event_types;
mod events;
mod files;
mod http;
mod lives;
mod logs;
mod methods;
mod options;
mod pidproxy;
mod pools;
mod protocol;
mod rpc;
mod states;
mod syslog;
mod third_party;
mod twiddler;

use minder_tests::Subject;

/// What a command printed and its exit code, as `Daemon::ctl_line` returns them.
fn is(text: &str, code: i32) -> (String, i32) {
    (text.to_owned(), code)
}

/// The line with which supervisorctl tells of what it did not expect, without the place in
/// its source: Supervisor shows the exception's class, too.
fn unexpected(subject: Subject, class: &str, text: &str) -> String {
    subject.differs(
        "plain-errors",
        format!("error: <class '{class}'>, {text}\n"),
        format!("error: {text}\n"),
    )
}

/// The same for a fault, with Python's choice of quotes.
fn unexpected_fault(subject: Subject, code: i32, text: &str) -> String {
    let quote = if text.contains('\'') { '"' } else { '\'' };
    let fault = format!("<Fault {code}: {quote}{text}{quote}>");
    unexpected(subject, "xmlrpc.client.Fault", &fault)
}
