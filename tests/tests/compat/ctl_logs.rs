//! supervisorctl and logs: tail, maintail, clear.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use minder_tests::{Daemon, Subject, cases};
use rustix::process::{Pid, Signal, kill_process};

use crate::is;

cases!(
    tail_prints_the_end_and_a_newline,
    tail_knows_both_channels,
    tail_errors_are_told_on_standard_output,
    tail_follows_until_interrupted,
    maintail_prints_the_daemon_s_log,
    clear_empties_the_logs_of_running_processes,
);

const TALKER: &str = "
[program:talker]
command=actor out one out two err wrong echo
startsecs=0
[program:mute]
command=/bin/cat
autostart=false
stdout_logfile=NONE
stderr_logfile=NONE
";

fn talking(subject: Subject) -> Daemon {
    let daemon = Daemon::start(subject, TALKER);
    daemon.wait_state("talker", "RUNNING");
    let log = daemon.info_text("talker", "stderr_logfile");
    daemon.wait_file(&log, "wrong\n");
    daemon.wait_file(&daemon.info_text("talker", "stdout_logfile"), "two\n");
    daemon
}

fn tail_prints_the_end_and_a_newline(subject: Subject) {
    let daemon = talking(subject);
    for (line, out) in [
        ("tail talker", "one\ntwo\n\n"),
        ("tail -4 talker", "two\n\n"),
        ("tail -0 talker", "one\ntwo\n\n"),
        ("tail --5 talker", "wo\n\n"),
        ("tail -1000 talker", "one\ntwo\n\n"),
    ] {
        assert_eq!(daemon.ctl_line(line), is(out, 0), "{line}");
    }
}

fn tail_knows_both_channels(subject: Subject) {
    let daemon = talking(subject);
    assert_eq!(daemon.ctl_line("tail talker stdout"), is("one\ntwo\n\n", 0));
    assert_eq!(daemon.ctl_line("tail talker StdErr"), is("wrong\n\n", 0));
    assert_eq!(daemon.ctl_line("tail -3 talker stderr"), is("ng\n\n", 0));
}

fn tail_errors_are_told_on_standard_output(subject: Subject) {
    let daemon = talking(subject);
    for (line, first, code) in [
        ("tail", "Error: too few arguments", 1),
        ("tail a b c d", "Error: too many arguments", 1),
        ("tail nope", "nope: ERROR (no such process name)", 1),
        ("tail mute", "mute: ERROR (no log file)", 1),
        ("tail talker stdin", "Error: bad channel 'stdin'", 1),
        ("tail -x talker", "Error: bad argument -x", 1),
        ("tail -9", "Error: tail requires process name", 1),
        ("maintail -x", "Error: bad argument -x", 1),
        ("maintail a b", "Error: too many arguments", 1),
    ] {
        let (out, is_code) = daemon.ctl_line(line);
        assert_eq!((out.lines().next(), is_code), (Some(first), code), "{line}");
    }
}

fn tail_follows_until_interrupted(subject: Subject) {
    let daemon = talking(subject);
    let mut child = daemon
        .ctl_command(&["tail", "-f", "talker"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("supervisorctl can be run");
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    let mut next = || lines.next().expect("a line").expect("text");
    assert_eq!(next(), "==> Press Ctrl-C to exit <==");
    assert_eq!(next(), "one");
    assert_eq!(next(), "two");
    let sent = daemon.ask("sendProcessStdin", &["talker".into(), "three\n".into()]);
    assert_eq!(sent, true.into());
    assert_eq!(next(), "three");
    kill_process(Pid::from_child(&child), Signal::INT).expect("it runs");
    // Supervisor usually says farewell with an empty line, but not in every state of its client.
    assert!(lines.all(|line| line.is_ok_and(|line| line.is_empty())));
    assert_eq!(child.wait().expect("it ends").code(), Some(0));
}

fn maintail_prints_the_daemon_s_log(subject: Subject) {
    let daemon = talking(subject);
    daemon.wait_log("success: talker");
    let log = daemon.sandbox().read("supervisord.log");
    assert_eq!(
        daemon.ctl_line("maintail -100000"),
        is(&format!("{log}\n"), 0)
    );
    let end = &log[log.len() - 20..];
    assert_eq!(daemon.ctl_line("maintail -20"), is(&format!("{end}\n"), 0));
}

fn clear_empties_the_logs_of_running_processes(subject: Subject) {
    let daemon = talking(subject);
    assert_eq!(daemon.ctl_line("clear talker"), is("talker: cleared\n", 0));
    assert_eq!(daemon.ctl_line("tail talker"), is("\n", 0));
    assert_eq!(daemon.ctl_line("tail talker stderr"), is("\n", 0));
    let sent = daemon.ask("sendProcessStdin", &["talker".into(), "three\n".into()]);
    assert_eq!(sent, true.into());
    daemon.wait_file(&daemon.info_text("talker", "stdout_logfile"), "three\n");
    assert_eq!(daemon.ctl_line("tail talker"), is("three\n\n", 0));
    assert_eq!(
        daemon.ctl_line("clear all"),
        is("mute: cleared\ntalker: cleared\n", 0)
    );
    assert_eq!(daemon.ctl_line("clear talker:*").1, 1);
}
