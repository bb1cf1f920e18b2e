//! Errors: each system call that matters fails in each way that it can, in the keeper and in the daemon.
//!
//! What was asked for meanwhile may fail, and a daemon may even die of it. No program notices, and all
//! is well once the system is.

use minder_tests::parts::the_daemon;
use minder_tests::strace::{self, Strace, Whose};
use minder_tests::{Daemon, Subject, tree, wait_until};

use crate::{mind, parent};

/// A program that stays, one that comes and goes, and logs that are rotated.
const CONFIG: &str = "\
[program:stays]
command=actor drip halt
startsecs=0
stdout_logfile=%(here)s/p.log
stdout_logfile_maxbytes=8KB
stdout_logfile_backups=2
[program:cat]
command=/bin/cat
startsecs=0
startretries=0
stopwaitsecs=1
[eventlistener:ear]
command=actor listen heard
events=PROCESS_STATE
startsecs=0
";

/// Calls of the keeper, and how they can fail. That a signal may not be sent is left out: it makes a
/// process UNKNOWN, as in Supervisor.
const OF_THE_KEEPER: [(&str, &str); 9] = [
    ("?poll,ppoll", "EINTR ENOMEM"),
    ("recvmsg", "ENOMEM ENOBUFS"),
    ("sendmsg", "ENOMEM ENOBUFS ETOOMANYREFS EPERM"),
    ("?pipe,pipe2", "EMFILE ENFILE ENOMEM"),
    ("?fork,?vfork,clone,?clone3", "EAGAIN ENOMEM EPERM ENOSYS"),
    ("fcntl", "EMFILE EINVAL"),
    ("read", "EIO EAGAIN"),
    ("wait4", "EINTR"),
    ("kill", "ESRCH"),
];

/// The same of the daemon.
const OF_THE_DAEMON: [(&str, &str); 17] = [
    (
        "?open,openat",
        "EMFILE ENFILE ENOMEM EACCES EROFS ENOSPC ELOOP EIO",
    ),
    ("splice", "ENOSPC EDQUOT EIO EINVAL ENOMEM EAGAIN"),
    ("pwrite64,?pwritev", "ENOSPC EDQUOT EIO EFBIG"),
    ("pread64", "EIO"),
    ("fstat,?stat,statx,newfstatat", "EIO ENOMEM ESTALE"),
    ("?rename,?renameat,renameat2", "EACCES EROFS ENOSPC EIO"),
    ("?unlink,unlinkat", "EACCES EROFS EIO"),
    ("ftruncate", "EIO EROFS"),
    ("memfd_create", "EMFILE ENFILE ENOMEM"),
    ("fcntl", "EPERM EINVAL"),
    ("epoll_ctl", "ENOMEM ENOSPC"),
    ("sendmsg", "ENOMEM ENOBUFS ETOOMANYREFS"),
    ("recvmsg", "ENOMEM ENOBUFS"),
    ("?accept,accept4", "EMFILE ENFILE ENOMEM ECONNABORTED EPERM"),
    ("recvfrom", "ECONNRESET ETIMEDOUT ENOMEM"),
    ("writev,sendto", "EPIPE ECONNRESET ENOMEM"),
    ("close", "EIO"),
];

#[test]
fn the_keeper_bears_any_error() {
    Subject::Minder.run(|subject| bears(subject, parent, &OF_THE_KEEPER));
}

#[test]
fn the_programs_bear_any_error_of_the_daemon() {
    Subject::Minder.run(|subject| bears(subject, mind, &OF_THE_DAEMON));
}

/// Lets each of `calls` fail three times while something is asked for.
fn bears(subject: Subject, whose: fn(&Daemon) -> Whose, calls: &[(&str, &str)]) {
    if !strace::is_possible() {
        return;
    }
    let daemon = Daemon::start(subject, CONFIG);
    let keeper = daemon.pid();
    for name in ["stays", "cat", "ear"] {
        daemon.wait_state(name, "RUNNING");
    }
    let lasting = ["stays", "ear"].map(|name| (name, daemon.pid_of(name)));
    for (call, errors) in calls {
        for error in errors.split(' ') {
            let before = the_daemon(keeper);
            let injection = format!("{call}:error={error}:when=1..3");
            let strace = Strace::attach(daemon.sandbox(), whose(&daemon), &injection, None);
            for method in ["stopProcess", "startProcess"] {
                let _ = daemon.try_call(&format!("supervisor.{method}"), &["cat".into()]);
            }
            let failed = strace.detach();
            daemon.wait_well();
            for (name, pid) in lasting {
                assert_eq!(
                    daemon.pid_of(name),
                    pid,
                    "{call} {error}: {:#?}",
                    daemon.log()
                );
            }
            assert_eq!(daemon.pid(), keeper, "{call} {error}");
            restart_cat(&daemon, &format!("{call} {error}"));
            let died = if the_daemon(keeper) == before {
                ""
            } else {
                ", and one daemon died"
            };
            eprintln!("{call} {error}: {failed} calls failed{died}");
        }
    }
    let before = daemon.sandbox().read("p.log");
    wait_until("the log goes on", || {
        let now = daemon.sandbox().read("p.log");
        !now.is_empty() && now != before
    });
}

/// Asks until `cat` runs: what was begun before may still be on its way.
fn restart_cat(daemon: &Daemon, after: &str) {
    wait_until(&format!("cat is started after {after}"), || {
        let started = daemon.call("supervisor.startProcess", &["cat".into()]);
        started.is_ok() || matches!(started, Err((60, _)))
    });
    daemon.wait_state("cat", "RUNNING");
    let cat = daemon.pid_of("cat");
    let keeper = daemon.pid();
    wait_until(&format!("there is one cat after {after}"), || {
        let is_cat = |pid: &i32| tree::comm(*pid).as_deref() == Some("cat") && tree::is_alive(*pid);
        let mut cats = tree::children(keeper);
        cats.retain(is_cat);
        cats == [cat]
    });
}
