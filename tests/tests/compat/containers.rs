//! As the first process of a container

use minder_tests::{Daemon, Run, Sandbox, Subject, cases, namespaces, tree, wait_for, wait_until};
use rustix::process::{Pid, Signal, kill_process};

cases!(
    the_first_process_reaps_what_others_left,
    the_first_process_ends_by_signals,
    the_first_process_begins_anew_by_hup,
    the_first_process_ends_by_a_call,
    the_first_process_tells_by_its_code_that_it_cannot_start,
);

const KINDS: [&str; 4] = ["--pid", "--fork", "--kill-child", "--mount-proc"];

/// A daemon whose pid is 1 where it runs, with its pid out here; `None` if there can be none.
fn first(subject: Subject, more: &str) -> Option<(Daemon, Pid)> {
    let mut command = namespaces::unshare(&KINDS)?;
    let sandbox = Sandbox::configured(subject, more);
    sandbox.equip(&mut command);
    command.arg(sandbox.path("bin/supervisord"));
    command.args(["-n", "-c", "supervisord.conf"]);
    let daemon = Daemon::launch_command(sandbox, command);
    daemon.wait_ready();
    let pid = wait_for("there is a first process", || {
        tree::init(daemon.sandbox().folder())
    });
    assert_eq!(daemon.sandbox().read("supervisord.pid"), "1\n");
    Some((daemon, Pid::from_raw(pid).expect("a pid is positive")))
}

/// Waits until the only program runs and has begun: a signal before that may be lost.
fn wait_running(daemon: &Daemon, name: &str) {
    wait_until("it is running", || {
        let mut pids = tree::pids(daemon.sandbox().folder()).into_iter();
        daemon.state(name) == "RUNNING" && pids.any(tree::is_program)
    });
}

const CAT: &str = "[program:cat]\ncommand=/bin/cat\nstartsecs=0";

fn the_first_process_reaps_what_others_left(subject: Subject) {
    let Some((daemon, _)) = first(
        subject,
        "[program:p]\nstartsecs=0\n\
         command=sh -c \"sh -c '(until test -e go; do sleep 0.1; done; exit 5) &'; exec cat\"",
    ) else {
        return;
    };
    wait_running(&daemon, "p");
    assert!(!daemon.sandbox().read("supervisord.log").contains("reaped"));
    daemon.sandbox().write("go", "");
    daemon.wait_log("reaped unknown pid");
    let mut log = daemon.log();
    log.retain(|line| line.contains("reaped"));
    assert_eq!(log, ["INFO reaped unknown pid N (exit status 5)"]);
    assert_eq!(daemon.state("p"), "RUNNING");
}

fn the_first_process_ends_by_signals(subject: Subject) {
    for (signal, name) in [
        (Signal::TERM, "SIGTERM"),
        (Signal::INT, "SIGINT"),
        (Signal::QUIT, "SIGQUIT"),
    ] {
        let Some((mut daemon, pid)) = first(subject, CAT) else {
            return;
        };
        wait_running(&daemon, "cat");
        kill_process(pid, signal).expect("it can be signalled");
        assert_eq!(daemon.wait_end(), 0);
        let log = daemon.log();
        assert_eq!(
            log[log.len() - 3..],
            [
                format!("WARN received {name} indicating exit request"),
                "INFO waiting for cat to die".to_owned(),
                "WARN stopped: cat (terminated by SIGTERM)".to_owned(),
            ]
        );
        assert_eq!(tree::pids(daemon.sandbox().folder()), [0; 0]);
    }
}

fn the_first_process_begins_anew_by_hup(subject: Subject) {
    let Some((daemon, pid)) = first(subject, CAT) else {
        return;
    };
    wait_running(&daemon, "cat");
    kill_process(pid, Signal::HUP).expect("it can be signalled");
    wait_until("it has started twice", || {
        let log = daemon.log();
        let started = log.iter().filter(|line| line.contains("with pid"));
        started.filter(|line| line.contains("supervisord")).count() == 2
    });
    daemon.wait_ready();
    wait_running(&daemon, "cat");
    assert_eq!(daemon.ask("getPID", &[]), 1.into());
}

fn the_first_process_ends_by_a_call(subject: Subject) {
    let Some((mut daemon, _)) = first(subject, CAT) else {
        return;
    };
    wait_running(&daemon, "cat");
    assert_eq!(daemon.ctl_line("shutdown"), crate::is("Shut down\n", 0));
    assert_eq!(daemon.wait_end(), 0);
}

fn the_first_process_tells_by_its_code_that_it_cannot_start(subject: Subject) {
    let Some(mut command) = namespaces::unshare(&KINDS) else {
        return;
    };
    let sandbox = Sandbox::configured(subject, "[program:p]\ncommand=x\nstartsecs=x");
    sandbox.equip(&mut command);
    command.arg(sandbox.path("bin/supervisord"));
    command.args(["-n", "-c", "supervisord.conf"]);
    let run = Run::of(&mut command);
    assert_eq!(run.code, Some(2));
    let error = run.err.lines().next();
    assert_eq!(
        error,
        Some(
            "Error: invalid literal for int() with base 10: 'x' in section 'program:p' \
             (file: 'supervisord.conf')"
        )
    );
}
