//! Processes: programs that end all at once, stop obeying, leave something behind, or never stay up.

use std::process::{Child, Command, Stdio};

use minder_rpc::Value;
use minder_tests::little_memory::LittleMemory;
use minder_tests::parts::signal;
use minder_tests::{Daemon, Run, Sandbox, Subject, cases, tree, wait_for, wait_until};
use rustix::process::Signal;

cases!(
    those_who_end_all_at_once_are_all_noticed,
    a_grandchild_that_keeps_the_output_open_delays_nobody,
    a_program_that_was_stopped_is_killed_in_time,
    a_crash_loop_of_many_leaves_the_daemon_answering,
    a_program_that_is_killed_for_lack_of_memory_is_told_of,
    it_may_be_the_first_process,
);

/// So many programs run at once, at most: other tests have theirs.
const MANY: usize = 30;

fn those_who_end_all_at_once_are_all_noticed(subject: Subject) {
    let daemon = Daemon::start(
        subject,
        &format!(
            "[program:p]\ncommand=actor until go exit 3\nprocess_name=p%(process_num)s\n\
             numprocs={MANY}\nstartsecs=0\nautorestart=false"
        ),
    );
    let names: Vec<String> = (0..MANY).map(|number| format!("p:p{number}")).collect();
    for name in &names {
        daemon.wait_state(name, "RUNNING");
    }
    // They are stopped, and go on together.
    let pids: Vec<i32> = names.iter().map(|name| daemon.pid_of(name)).collect();
    for pid in &pids {
        signal(*pid, Signal::STOP);
    }
    daemon.sandbox().write("go", "");
    for pid in &pids {
        signal(*pid, Signal::CONT);
    }
    for name in &names {
        daemon.wait_state(name, "EXITED");
        let info = daemon.ask("getProcessInfo", &[name.as_str().into()]);
        assert_eq!(info.member("exitstatus").and_then(Value::as_int), Some(3));
    }
    let exits = |line: &&String| line.ends_with("(exit status 3; not expected)");
    wait_until("each has its line", || {
        daemon.log().iter().filter(exits).count() == MANY
    });
}

fn a_grandchild_that_keeps_the_output_open_delays_nobody(subject: Subject) {
    let daemon = Daemon::start(
        subject,
        "[program:parent]\ncommand=actor fork setsid until go out late until halt end out early\n\
         startsecs=0\nautorestart=false\nstdout_logfile=%(here)s/p.log",
    );
    daemon.wait_state("parent", "EXITED");
    daemon.wait_file("p.log", "early\n");
    // It can be started again at once, and stopped, and the other one is not waited for.
    assert_eq!(daemon.ask("startProcess", &["parent".into()]), true.into());
    daemon.wait_state("parent", "EXITED");
    daemon.wait_file("p.log", "early\nearly\n");
    daemon.sandbox().write("go", "");
    if subject == Subject::Minder {
        // What was left behind is still heard.
        daemon.wait_file("p.log", "late\nlate\n");
    }
    daemon.sandbox().write("halt", "");
}

fn a_program_that_was_stopped_is_killed_in_time(subject: Subject) {
    let daemon = Daemon::start(
        subject,
        "[program:stuck]\ncommand=/bin/cat\nstartsecs=0\nstopwaitsecs=5\n\
         [program:other]\ncommand=/bin/cat\nstartsecs=0",
    );
    daemon.wait_state("stuck", "RUNNING");
    daemon.wait_state("other", "RUNNING");
    let stuck = daemon.pid_of("stuck");
    signal(stuck, Signal::STOP);
    wait_until("it stands still", || tree::is_stopped(stuck));
    let no_wait = ["stuck".into(), false.into()];
    assert_eq!(daemon.ask("stopProcess", &no_wait), true.into());
    assert_eq!(daemon.state("stuck"), "STOPPING");
    for method in ["stopProcess", "startProcess"] {
        assert_eq!(daemon.ask(method, &["other".into()]), true.into());
    }
    daemon.wait_state("stuck", "STOPPED");
    let log = daemon.log_about("stuck");
    let last = &log[log.len() - 2..];
    assert_eq!(
        last,
        [
            "WARN killing 'stuck' (N) with SIGKILL",
            "WARN stopped: stuck (terminated by SIGKILL)"
        ]
    );
}

fn a_crash_loop_of_many_leaves_the_daemon_answering(subject: Subject) {
    let daemon = Daemon::start(
        subject,
        &format!(
            // On a busy machine a process may take seconds to end at once.
            "[program:p]\ncommand=/bin/false\nprocess_name=p%(process_num)02d\nnumprocs={MANY}\n\
             startretries=2\nstartsecs=60"
        ),
    );
    wait_until("each is given up", || {
        let (status, _) = daemon.ctl_line("status");
        assert_eq!(status.lines().count(), MANY);
        status.matches("FATAL").count() == MANY
    });
    for number in 0..MANY {
        let log = daemon.log_about(&format!("p{number:02}"));
        let count = |start: &str| log.iter().filter(|line| line.starts_with(start)).count();
        assert_eq!(count("INFO spawned:"), 3, "{log:#?}");
        assert_eq!(count("WARN exited:"), 3, "{log:#?}");
        assert_eq!(count("INFO gave up:"), 1, "{log:#?}");
    }
}

/// What was started, ended with its owner.
struct Guest(Child);

impl Drop for Guest {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn a_program_that_is_killed_for_lack_of_memory_is_told_of(subject: Subject) {
    let Some(group) = LittleMemory::new(16 << 20) else {
        return;
    };
    let config = format!(
        "[program:hungry]\ncommand=/bin/sh %(here)s/hungry.sh {}\nstartsecs=0\n\
         autorestart=false\nautostart=false\n[program:other]\ncommand=/bin/cat\nstartsecs=0",
        group.entrance().display()
    );
    let sandbox = Sandbox::configured(subject, &config);
    let doubles = "echo 0 > \"$1\"\nx=word\nwhile :; do x=$x$x; done\n";
    sandbox.write("hungry.sh", doubles);
    let daemon = Daemon::start_in(sandbox);
    daemon.wait_state("other", "RUNNING");
    let other = daemon.pid_of("other");
    assert_eq!(daemon.ask("startProcess", &["hungry".into()]), true.into());
    daemon.wait_state("hungry", "EXITED");
    let killed = "exited: hungry (terminated by SIGKILL; not expected)";
    daemon.wait_log(killed);
    assert_eq!(daemon.pid_of("other"), other);
    if subject == Subject::Minder && std::fs::File::open("/dev/kmsg").is_ok() {
        daemon.wait_log("for lack of memory");
    }
}

fn it_may_be_the_first_process(subject: Subject) {
    let mut unshare = Command::new("unshare");
    unshare.args(["--pid", "--fork", "--mount-proc", "--kill-child"]);
    let mut probe = Command::new("unshare");
    probe.args(["--pid", "--fork", "--mount-proc", "true"]);
    if !probe
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
    {
        eprintln!("left out: only root may make a namespace of pids here");
        return;
    }
    let sandbox = Sandbox::configured(
        subject,
        "[program:daemonizes]\ncommand=actor fork setsid until go end\nstartsecs=0\n\
         autorestart=false\n[program:cat]\ncommand=/bin/cat\nstartsecs=0",
    );
    sandbox.equip(&mut unshare);
    let supervisord = sandbox.path("bin/supervisord");
    unshare
        .arg(supervisord)
        .args(["-n", "-c", "supervisord.conf"]);
    unshare.stdout(Stdio::null()).stderr(Stdio::null());
    let mut guest = Guest(unshare.spawn().expect("unshare can be run"));
    let outside = i32::try_from(guest.0.id()).expect("a pid");
    let ctl = |args: &[&str]| {
        let mut command = sandbox.command("supervisorctl");
        Run::of(command.args(["-c", "supervisord.conf"]).args(args))
    };
    wait_until("it answers", || {
        ctl(&["status", "cat"]).out.contains("RUNNING")
    });
    assert_eq!(ctl(&["pid"]).out, "1\n");
    let first = tree::children(outside)[0];
    wait_until("its parent has ended", || {
        ctl(&["status", "daemonizes"]).out.contains("EXITED")
    });
    // The orphan is the first process' child now.
    let count = || tree::children(first).len();
    let with_orphan = count();
    sandbox.write("go", "");
    wait_until("the orphan is reaped", || count() == with_orphan - 1);
    assert!(tree::children(first).iter().all(|pid| tree::is_alive(*pid)));

    signal(first, Signal::TERM);
    let status = wait_for("it has ended", || guest.0.try_wait().expect("a child"));
    assert_eq!(status.code(), Some(0));
    assert!(tree::pids(sandbox.folder()).is_empty());
    let log = sandbox.read("supervisord.log");
    assert!(
        log.contains("stopped: cat (terminated by SIGTERM)"),
        "{log}"
    );
}
