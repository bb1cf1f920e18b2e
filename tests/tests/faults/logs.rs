//! Logs: readers that do not read, lines without end, and last words.

use std::fs::File;
use std::io::Read;
use std::os::fd::OwnedFd;
use std::process::{Command, Stdio};

use minder_tests::chance::setting;
use minder_tests::{Daemon, Sandbox, Subject, cases, wait_until};
use rustix::pipe::{PipeFlags, pipe_with};

cases!(
    nobody_reads_standard_output,
    standard_output_is_closed,
    a_line_without_end_is_logged_to_its_last_byte,
    the_last_words_come_before_the_end,
);

/// A pipe that nobody inherits whom another test starts meanwhile: its reader would live on there.
fn pipe() -> rustix::io::Result<(OwnedFd, OwnedFd)> {
    pipe_with(PipeFlags::CLOEXEC)
}

/// Starts supervisord in the foreground with `stdout` as its standard output.
fn with_output(sandbox: Sandbox, stdout: OwnedFd) -> Daemon {
    let supervisord = sandbox.path("bin/supervisord");
    let mut command = Command::new("/bin/sh");
    sandbox.equip(&mut command);
    // The kit would give it a file; this one is inherited under another number, and moved.
    command
        .args(["-c", "exec \"$0\" -n -c supervisord.conf 1>&0 <&-"])
        .arg(supervisord);
    command.stdin(Stdio::from(stdout));
    Daemon::launch_command(sandbox, command)
}

/// Starts and stops another program.
fn others_are_minded(daemon: &Daemon) {
    for _ in 0..3 {
        assert_eq!(daemon.ask("startProcess", &["quiet".into()]), true.into());
        daemon.wait_state("quiet", "RUNNING");
        assert_eq!(daemon.ask("stopProcess", &["quiet".into()]), true.into());
    }
}

fn nobody_reads_standard_output(subject: Subject) {
    let sandbox = Sandbox::configured(
        subject,
        "[program:loud]\ncommand=actor flood halt\nautostart=false\nstartsecs=0\n\
         stdout_logfile=/dev/stdout\nstdout_logfile_maxbytes=0\n\
         [program:quiet]\ncommand=/bin/cat\nautostart=false\nstartsecs=0",
    );
    let (mut reader, writer) = pipe()
        .map(|(reader, writer)| (File::from(reader), writer))
        .expect("a pipe");
    let daemon = with_output(sandbox, writer);
    daemon.wait_ready();
    let no_wait = ["loud".into(), false.into()];
    assert_eq!(daemon.ask("startProcess", &no_wait), true.into());
    if subject == Subject::Supervisor {
        // It writes, and does nothing else any more.
        let waits_at = format!("/proc/{}/wchan", daemon.pid());
        wait_until("it is stuck", || {
            std::fs::read_to_string(&waits_at).is_ok_and(|place| place.contains("pipe_write"))
        });
        return;
    }
    others_are_minded(&daemon);
    // Once somebody reads, it goes on.
    let mut bytes = vec![0; 1 << 20];
    reader.read_exact(&mut bytes).expect("a megabyte comes");
    assert_eq!(daemon.ask("stopProcess", &["loud".into()]), true.into());
}

fn standard_output_is_closed(subject: Subject) {
    let sandbox = Sandbox::configured(
        subject,
        "[program:loud]\ncommand=actor drip halt\nautostart=false\nstartsecs=0\n\
         stdout_logfile=/dev/stdout\nstdout_logfile_maxbytes=0\n\
         [program:quiet]\ncommand=/bin/cat\nautostart=false\nstartsecs=0",
    );
    let (reader, writer) = pipe().expect("a pipe");
    let daemon = with_output(sandbox, writer);
    daemon.wait_ready();
    drop(reader);
    assert_eq!(daemon.ask("startProcess", &["loud".into()]), true.into());
    let loud = daemon.pid_of("loud");
    others_are_minded(&daemon);
    assert_eq!(daemon.pid_of("loud"), loud);
    daemon.sandbox().write("halt", "");
    daemon.wait_state("loud", "EXITED");
}

fn a_line_without_end_is_logged_to_its_last_byte(subject: Subject) {
    const LENGTH: u64 = 64 << 20;
    let daemon = Daemon::start(
        subject,
        &format!(
            "[program:p]\ncommand=/usr/bin/head -c {LENGTH} /dev/zero\nstartsecs=0\n\
             autorestart=false\nstdout_logfile=%(here)s/p.log\nstdout_logfile_maxbytes=0"
        ),
    );
    daemon.wait_state("p", "EXITED");
    let log = daemon.sandbox().path("p.log");
    wait_until("all of it is there", || {
        std::fs::metadata(&log).is_ok_and(|metadata| metadata.len() == LENGTH)
    });
    assert_eq!(daemon.ctl_line("status p").0.matches("EXITED").count(), 1);
}

/// A program that writes a line and ends, again and again: a listener hears the line before the end.
fn the_last_words_come_before_the_end(subject: Subject) {
    /// How often, if nobody says.
    const RUNS: usize = 40;
    let runs = setting("MINDER_SOAK", RUNS);
    let daemon = Daemon::start(
        subject,
        "[program:brief]\ncommand=/bin/echo farewell\nstartsecs=0\nautostart=false\n\
         autorestart=false\nstdout_events_enabled=true\nstdout_logfile=%(here)s/p.log\n\
         stdout_logfile_maxbytes=0\n\
         [eventlistener:ear]\ncommand=actor listen heard\nbuffer_size=1000\n\
         events=PROCESS_LOG_STDOUT,PROCESS_STATE_EXITED",
    );
    daemon.wait_state("ear", "RUNNING");
    // Who waited for it to be up might find it ended by then.
    let no_wait = ["brief".into(), false.into()];
    for run in 1..=runs {
        assert_eq!(daemon.ask("startProcess", &no_wait), true.into());
        daemon.wait_state("brief", "EXITED");
        if run % 10 == 0 {
            // Before the listener's buffer is full.
            wait_until("all is heard", || {
                ends(&daemon.sandbox().read("heard")) == run
            });
        }
    }
    wait_until("all is heard", || {
        ends(&daemon.sandbox().read("heard")) == runs
    });
    let heard = daemon.sandbox().read("heard");
    let mut events = heard
        .split("eventname:")
        .skip(1)
        .map(|event| event.starts_with("PROCESS_LOG"));
    for run in 1..=runs {
        let order = (events.next(), events.next());
        assert_eq!(order, (Some(true), Some(false)), "in run {run}");
    }
    assert_eq!(daemon.sandbox().read("p.log"), "farewell\n".repeat(runs));
}

fn ends(heard: &str) -> usize {
    heard.matches("eventname:PROCESS_STATE_EXITED").count()
}
