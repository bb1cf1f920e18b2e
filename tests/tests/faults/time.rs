//! Time: settings that are huge or nothing, and a supervisor that was away for a while.
//!
//! Clocks that jump are the simulator's business (`minder-sim`): the core is told the time, and no
//! decision looks at the clock on the wall.

use minder_tests::parts::signal;
use minder_tests::{Daemon, Subject, cases, tree, wait_until};
use rustix::process::Signal;

use crate::supervisors;

cases!(
    settings_may_be_nothing,
    settings_may_be_huge,
    who_was_away_for_a_while_catches_up,
);

fn settings_may_be_nothing(subject: Subject) {
    let daemon = Daemon::start(
        subject,
        "[program:p]\ncommand=actor fill 5000 wait\nstartsecs=0\nstopwaitsecs=0\nstartretries=0\n\
         priority=0\nstdout_logfile=%(here)s/p.log\nstdout_logfile_maxbytes=0\n\
         stdout_logfile_backups=0\nstdout_capture_maxbytes=0\n\
         [program:fails]\ncommand=/bin/false\nstartsecs=1\nstartretries=0\n\
         [program:deaf]\ncommand=actor ignore TERM out deaf wait\nstartsecs=0\nstopwaitsecs=0\n\
         stdout_logfile=%(here)s/deaf.log",
    );
    daemon.wait_state("p", "RUNNING");
    wait_until("all is written", || {
        daemon.sandbox().read("p.log").len() == 5000
    });
    daemon.wait_state("fails", "FATAL");
    daemon.wait_file("deaf.log", "deaf\n");
    for name in ["p", "deaf"] {
        assert_eq!(daemon.ask("stopProcess", &[name.into()]), true.into());
        assert_eq!(daemon.state(name), "STOPPED");
    }
    daemon.wait_log("killing 'deaf'");
}

fn settings_may_be_huge(subject: Subject) {
    const HUGE: u64 = i64::MAX as u64;
    let daemon = Daemon::start(
        subject,
        &format!(
            "[supervisord]\nlogfile_maxbytes=8000000000GB\nlogfile_backups={HUGE}\n\
             [program:p]\ncommand=actor out here wait\nstartsecs=0\nstopwaitsecs={HUGE}\n\
             startretries={HUGE}\npriority={HUGE}\nstdout_logfile=%(here)s/p.log\n\
             stdout_logfile_maxbytes=8000000000GB\nstdout_logfile_backups={HUGE}\n\
             [program:starting]\ncommand=/bin/cat\nstartsecs={HUGE}\n\
             stdout_capture_maxbytes=8000000000GB\n\
             [program:fails]\ncommand=/bin/false\nstartsecs=1\nstartretries={HUGE}"
        ),
    );
    daemon.wait_state("p", "RUNNING");
    daemon.wait_file("p.log", "here\n");
    daemon.wait_state("starting", "STARTING");
    // Tried again a second time, and so on.
    daemon.wait_state("fails", "BACKOFF");
    wait_until("it is tried again", || {
        let tries = daemon.log_about("fails");
        tries.iter().filter(|line| line.contains("spawned")).count() == 3
    });
    for name in ["p", "starting"] {
        assert_eq!(daemon.ask("stopProcess", &[name.into()]), true.into());
        assert_eq!(daemon.state(name), "STOPPED");
    }
}

/// A machine that sleeps, or a debugger: everything that supervises stands still, while programs go on.
fn who_was_away_for_a_while_catches_up(subject: Subject) {
    let daemon = Daemon::start(
        subject,
        "[program:ends]\ncommand=actor until go exit 4\nstartsecs=0\nautorestart=false\n\
         [program:writes]\ncommand=actor until go fill 300000 out done wait\nstartsecs=0\n\
         stdout_logfile=%(here)s/p.log\n\
         [program:deaf]\ncommand=actor ignore TERM out deaf wait\nstartsecs=0\nstopwaitsecs=1\n\
         stdout_logfile=%(here)s/deaf.log",
    );
    for name in ["ends", "writes", "deaf"] {
        daemon.wait_state(name, "RUNNING");
    }
    daemon.wait_file("deaf.log", "deaf\n");
    let (ends, writes) = (daemon.pid_of("ends"), daemon.pid_of("writes"));
    let no_wait = ["deaf".into(), false.into()];
    assert_eq!(daemon.ask("stopProcess", &no_wait), true.into());
    let away = supervisors(&daemon);
    for pid in &away {
        signal(*pid, Signal::STOP);
    }
    daemon.sandbox().write("go", "");
    wait_until("it has ended", || !tree::is_alive(ends));
    for pid in away.iter().rev() {
        signal(*pid, Signal::CONT);
    }
    daemon.wait_state("ends", "EXITED");
    daemon.wait_file("p.log", "done\n");
    daemon.wait_state("deaf", "STOPPED");
    assert_eq!(daemon.pid_of("writes"), writes);
    assert_eq!(daemon.sandbox().read("p.log").len(), 300_005);
    assert_eq!(supervisors(&daemon), away);
}
