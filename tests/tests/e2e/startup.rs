//! Starts in the background, and what follows: errors, files, users, signals to the pid file's pid.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::net::UnixListener;

use minder_tests::{Daemon, Run, Sandbox, Subject, cases, tree, wait_until};
use rustix::process::Signal;

cases!(
    it_returns_with_zero_and_is_there,
    what_prevents_a_start_is_said_and_exits_two,
    a_stale_socket_is_replaced_and_a_live_one_respected,
    term_ends_everything_in_order,
    hup_reads_the_configuration_and_starts_anew,
    usr2_reopens_every_log,
    user_umask_and_directory_are_honoured,
);

/// Starts supervisord in the background, and waits until it answers.
fn in_the_background(subject: Subject, more: &str) -> Daemon {
    let sandbox = Sandbox::configured(subject, more);
    let mut daemon = Daemon::launch(sandbox, &["-c", "supervisord.conf"]);
    assert_eq!(daemon.wait_end(), 0);
    daemon.wait_ready();
    daemon
}

fn it_returns_with_zero_and_is_there(subject: Subject) {
    let sandbox = Sandbox::configured(subject, "[program:cat]\ncommand=/bin/cat\nstartsecs=0");
    let mut daemon = Daemon::launch(sandbox, &["-c", "supervisord.conf"]);
    assert_eq!(daemon.wait_end(), 0);
    // Supervisor may be asked a moment later; Minder at once.
    let there = daemon.sandbox().path("supervisord.pid").exists()
        && daemon.try_call("supervisor.getState", &[]).is_some();
    assert!(subject.differs("background-reports", true, there));
    daemon.wait_ready();
    let pid = daemon.pid();
    assert_eq!(tree::session(pid), Some(pid));
    daemon.wait_state("cat", "RUNNING");
    assert_eq!(daemon.ctl_line("shutdown"), ("Shut down\n".to_owned(), 0));
    wait_until("every process has ended", || {
        tree::pids(daemon.sandbox().folder()).is_empty()
    });
    assert_eq!(daemon.sandbox().read("stdout.txt"), "");
    assert_eq!(daemon.sandbox().read("stderr.txt"), "");
}

/// What a start in the background that must fail says first.
fn refused(sandbox: &Sandbox, config: &str) -> String {
    let mut command = sandbox.command("supervisord");
    let run = Run::of(command.args(["-c", config]));
    assert_eq!(run.code, Some(2), "{}", run.err);
    assert_eq!(run.out, "");
    let first = run.err.lines().next().unwrap_or_default();
    sandbox.without_path(first)
}

fn what_prevents_a_start_is_said_and_exits_two(subject: Subject) {
    let sandbox = Sandbox::new(subject);
    let port = Sandbox::free_port();
    let _holder = std::net::TcpListener::bind(("127.0.0.1", port)).expect("a free port");
    for (config, error) in [
        (
            format!("[supervisord]\n[inet_http_server]\nport=127.0.0.1:{port}"),
            "Error: Another program is already listening on a port that one of our HTTP servers is \
             configured to use.  Shut this program down first before starting supervisord.",
        ),
        (
            "[supervisord]\n[program:p]\ncommand=/bin/cat\nuser=nosuch".to_owned(),
            "Error: Invalid user name nosuch in section 'program:p' (file: 'DIR/bad.conf')",
        ),
        (
            "[supervisord]\n[program:p]\nautostart=true".to_owned(),
            "Error: program section program:p does not specify a command in section 'program:p' \
             (file: 'DIR/bad.conf')",
        ),
        (
            "[program:p]\ncommand=/bin/cat".to_owned(),
            "Error: .ini file does not include supervisord section",
        ),
    ] {
        sandbox.write("bad.conf", config);
        let config = sandbox.path("bad.conf").display().to_string();
        assert_eq!(refused(&sandbox, &config), error);
        assert!(tree::pids(sandbox.folder()).is_empty(), "{error}");
        assert!(!sandbox.path("supervisord.pid").exists(), "{error}");
    }
}

fn a_stale_socket_is_replaced_and_a_live_one_respected(subject: Subject) {
    let sandbox = Sandbox::configured(subject, "");
    drop(UnixListener::bind(sandbox.path("s.sock")).expect("a socket"));
    let mut daemon = Daemon::launch(sandbox, &["-c", "supervisord.conf"]);
    assert_eq!(daemon.wait_end(), 0);
    daemon.wait_ready();
    let said = daemon.sandbox().read("stderr.txt");
    assert_eq!(
        daemon.sandbox().without_path(&said),
        "Unlinking stale socket DIR/s.sock\n"
    );
    let pid = daemon.pid();
    let error = refused(daemon.sandbox(), "supervisord.conf");
    assert!(
        error.starts_with("Error: Another program is already listening on a port"),
        "{error}"
    );
    assert_eq!(daemon.pid(), pid);
    assert_eq!(daemon.ask("getPID", &[]), pid.into());
}

fn term_ends_everything_in_order(subject: Subject) {
    let daemon = in_the_background(
        subject,
        "[program:first]\ncommand=/bin/cat\nstartsecs=0\npriority=1\n\
         [program:second]\ncommand=/bin/cat\nstartsecs=0\npriority=2\n\
         [program:third]\ncommand=/bin/cat\nstartsecs=0\npriority=3",
    );
    for name in ["first", "second", "third"] {
        daemon.wait_state(name, "RUNNING");
    }
    let pid = daemon.pid();
    daemon.signal(Signal::TERM);
    wait_until("every process has ended", || {
        tree::pids(daemon.sandbox().folder()).is_empty() && !tree::is_alive(pid)
    });
    let log = daemon.log();
    let from = log
        .iter()
        .position(|line| line == "WARN received SIGTERM indicating exit request")
        .expect("the signal is logged");
    let mut after = log[from + 1..].to_vec();
    // Said again for each group that is waited for, if it takes long enough.
    after.retain(|line| !line.starts_with("INFO waiting for "));
    assert_eq!(
        after,
        [
            "WARN stopped: third (terminated by SIGTERM)",
            "WARN stopped: second (terminated by SIGTERM)",
            "WARN stopped: first (terminated by SIGTERM)",
        ]
    );
    for file in ["s.sock", "supervisord.pid"] {
        assert!(!daemon.sandbox().path(file).exists(), "{file} is left");
    }
}

fn hup_reads_the_configuration_and_starts_anew(subject: Subject) {
    let daemon = in_the_background(subject, "[program:old]\ncommand=/bin/cat\nstartsecs=0");
    daemon.wait_state("old", "RUNNING");
    let (pid, old) = (daemon.pid(), daemon.pid_of("old"));
    daemon
        .sandbox()
        .configure("[program:new]\ncommand=/bin/cat\nstartsecs=0");
    daemon.signal(Signal::HUP);
    daemon.wait_log("INFO success: new");
    daemon.wait_ready();
    assert_eq!(daemon.pid(), pid);
    assert!(!tree::is_alive(old));
    assert_eq!(daemon.fault("getProcessInfo", &["old".into()]).0, 10);
    daemon.wait_state("new", "RUNNING");
}

fn usr2_reopens_every_log(subject: Subject) {
    let daemon = in_the_background(
        subject,
        "[program:p]\ncommand=actor out before until go out after wait\nstartsecs=0\n\
         stdout_logfile=%(here)s/p.log",
    );
    daemon.wait_file("p.log", "before\n");
    daemon.wait_log("INFO success: p");
    for name in ["p.log", "supervisord.log"] {
        let sandbox = daemon.sandbox();
        fs::rename(sandbox.path(name), sandbox.path(format!("{name}.old"))).expect("a rename");
    }
    daemon.signal(Signal::USR2);
    wait_until("both logs are there again", || {
        let there = |name| daemon.sandbox().path(name).exists();
        there("p.log") && there("supervisord.log")
    });
    daemon.sandbox().write("go", "");
    daemon.wait_file("p.log", "after\n");
    assert_eq!(daemon.sandbox().read("p.log.old"), "before\n");
    assert_eq!(daemon.sandbox().read("p.log"), "after\n");
    daemon.wait_file("supervisord.log.old", "INFO supervisord logreopen\n");
    assert_eq!(daemon.ctl_line("stop p").1, 0);
    daemon.wait_log("WARN stopped: p (terminated by SIGTERM)\n");
}

fn user_umask_and_directory_are_honoured(subject: Subject) {
    if !rustix::process::geteuid().is_root() {
        eprintln!("left out: only root can become somebody else");
        return;
    }
    let sandbox = Sandbox::configured(
        subject,
        "[supervisord]\nuser=nobody\numask=027\ndirectory=%(here)s/home\n\
         [program:p]\ncommand=actor report wait\nstartsecs=0\nstdout_logfile=%(here)s/p.log",
    );
    // Logs, socket and pid file are made by that user.
    let open = fs::Permissions::from_mode(0o777);
    fs::set_permissions(sandbox.folder(), open).expect("a mode can be set");
    let config = sandbox.path("supervisord.conf").display().to_string();
    let mut daemon = Daemon::launch(sandbox, &["-c", &config]);
    assert_eq!(
        daemon.wait_end(),
        0,
        "{}",
        daemon.sandbox().read("stderr.txt")
    );
    daemon.wait_ready();
    daemon.wait_file("p.log", "report ends");
    let report = daemon.sandbox().read("p.log");
    let report = daemon.sandbox().without_path(&report);
    assert!(report.starts_with("cwd DIR/home\numask 0027\n"), "{report}");

    let nobody = owner(daemon.pid());
    assert_ne!(nobody, 0);
    for pid in tree::pids(daemon.sandbox().folder()) {
        assert_eq!(owner(pid), nobody, "{:?}", tree::comm(pid));
    }
    let log = fs::metadata(daemon.sandbox().path("p.log")).expect("it exists");
    assert_eq!((log.uid(), log.mode() & 0o777), (nobody, 0o640));
    daemon.wait_log("INFO Set uid to user ");
}

fn owner(pid: i32) -> u32 {
    let process = fs::metadata(format!("/proc/{pid}"));
    process.expect("the process exists").uid()
}
