//! The test kit: everything a test needs to run a real supervisor and look at it from outside.
//!
//! A test makes a [`Sandbox`] for one [`Subject`], writes a configuration, starts a
//! [`Daemon`] and asks it questions: on the command line ([`Daemon::ctl`]), over XML-RPC
//! ([`Daemon::call`]) or with bytes of its own ([`http`]). Whatever was started ends with
//! the sandbox, also when the test fails.
//!
//! The kit trusts no code of the daemon: it reads and writes XML-RPC itself, in exactly the
//! layout that Supervisor's clients see, so that a mistake in `minder-rpc` cannot hide.

#![forbid(unsafe_code)]

pub mod browser;
pub mod chance;
pub mod daemon;
pub mod fastcgi;
pub mod http;
pub mod little_memory;
pub mod namespaces;
pub mod normal;
pub mod parts;
pub mod sandbox;
pub mod strace;
pub mod subject;
pub mod terminal;
pub mod tree;
pub mod vitals;
pub mod wait;
pub mod written;
pub mod xmlrpc;

pub use daemon::{Daemon, Run};
pub use sandbox::Sandbox;
pub use subject::Subject;
pub use terminal::Terminal;
pub use wait::{PATIENCE, wait_for, wait_until};

/// Registers cases: functions that take a [`Subject`] and assert what any subject must do.
///
/// `cases!(a, b)` makes the tests `a::supervisor`, `a::minder`, `b::supervisor` and
/// `b::minder`. A case that is missing from the list does not compile (it would be unused).
#[macro_export]
macro_rules! cases {
    ($($case:ident),+ $(,)?) => {$(
        mod $case {
            #[test]
            fn supervisor() {
                $crate::Subject::Supervisor.run(super::$case);
            }

            #[test]
            fn minder() {
                $crate::Subject::Minder.run(super::$case);
            }
        }
    )+};
}

/// Registers cases that Minder does not pass yet, with the reason.
///
/// `not_yet!("there are no logs yet": a, b)` makes the same tests as [`cases!`], but
/// `a::minder` and `b::minder` fail once the case passes: it then belongs into [`cases!`].
#[macro_export]
macro_rules! not_yet {
    ($reason:literal: $($case:ident),+ $(,)?) => {$(
        mod $case {
            #[test]
            fn supervisor() {
                $crate::Subject::Supervisor.run(super::$case);
            }

            #[test]
            fn minder() {
                $crate::Subject::Minder.run_in_vain(super::$case, $reason);
            }
        }
    )+};
}
