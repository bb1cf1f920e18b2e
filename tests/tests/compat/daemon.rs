//! The daemon itself: becoming one, its files, its signals, a second one.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use minder_tests::{Daemon, Run, Sandbox, Subject, cases, normal, tree, wait_until};
use rustix::process::Signal;

cases!(
    it_becomes_a_daemon,
    its_files_come_and_go,
    int_and_quit_end_it_too,
    hup_starts_everything_anew_with_the_same_pid,
    reload_reads_the_configuration_again,
    a_second_one_on_the_same_socket_refuses,
    a_second_one_on_the_same_port_refuses,
    the_log_of_a_failed_start_says_how_far_it_came,
    a_stale_socket_is_replaced,
    a_pid_file_that_cannot_be_written_is_survived,
    programs_of_a_killed_child_s_group_survive_its_stop,
    the_socket_has_the_mode_it_is_given,
    it_is_found_by_its_default_file,
    command_line_values_win,
    too_many_descriptors_are_refused,
    a_reload_without_processes_happens_once,
);

fn it_becomes_a_daemon(subject: Subject) {
    let sandbox = Sandbox::configured(
        subject,
        "[supervisord]\numask=027\ndirectory=%(here)s/home\n\
         [program:p]\ncommand=actor report wait\nstartsecs=0\nstdout_logfile=%(here)s/p.log",
    );
    let config = sandbox.path("supervisord.conf").display().to_string();
    let mut daemon = Daemon::launch(sandbox, &["-c", &config]);
    assert_eq!(daemon.wait_end(), 0);
    daemon.wait_ready();
    daemon.wait_file("p.log", "report ends");
    let (sandbox, pid) = (daemon.sandbox(), daemon.pid());
    assert_eq!(tree::session(pid), Some(pid));
    let report = sandbox.without_path(&sandbox.read("p.log"));
    assert!(report.starts_with("cwd DIR/home\numask 0027\n"), "{report}");
    let log = sandbox.without_path(&daemon.log().join("\n"));
    assert!(
        log.contains(
            "INFO daemonizing the supervisord process\n\
         INFO set current directory: 'DIR/home'\n\
         INFO supervisord started with pid N\n"
        ),
        "{log}"
    );
    assert_eq!(sandbox.read("stdout.txt"), "");
    assert_eq!(sandbox.read("stderr.txt"), "");
    daemon.signal(Signal::TERM);
    wait_until("the daemon has ended", || !tree::is_alive(pid));
}

fn its_files_come_and_go(subject: Subject) {
    let mut daemon = Daemon::start(subject, "");
    let pid = daemon.pid();
    assert_eq!(daemon.sandbox().read("supervisord.pid"), format!("{pid}\n"));
    daemon.signal(Signal::TERM);
    assert_eq!(daemon.wait_end(), 0);
    assert_eq!(
        daemon.sandbox().files(),
        [
            "bin",
            "home",
            "stderr.txt",
            "stdout.txt",
            "supervisord.conf",
            "supervisord.log",
            "tmp"
        ]
    );
}

fn int_and_quit_end_it_too(subject: Subject) {
    for (signal, name) in [(Signal::INT, "SIGINT"), (Signal::QUIT, "SIGQUIT")] {
        let mut daemon = Daemon::start(subject, "");
        daemon.wait_log("started with pid");
        daemon.signal(signal);
        assert_eq!(daemon.wait_end(), 0);
        let last = format!("WARN received {name} indicating exit request");
        assert_eq!(daemon.log().last(), Some(&last));
    }
}

fn hup_starts_everything_anew_with_the_same_pid(subject: Subject) {
    let daemon = Daemon::start(subject, "[program:cat]\ncommand=/bin/cat\nstartsecs=0");
    daemon.wait_state("cat", "RUNNING");
    let (pid, child) = (daemon.pid(), daemon.pid_of("cat"));
    daemon.signal(Signal::HUP);
    wait_until("the log holds two lives", || {
        daemon
            .log()
            .iter()
            .filter(|line| line.starts_with("INFO success: cat"))
            .count()
            == 2
    });
    daemon.wait_ready();
    assert_eq!(daemon.pid(), pid);
    assert_eq!(daemon.ask("getPID", &[]), pid.into());
    assert_ne!(daemon.pid_of("cat"), child);
    let log = daemon.log();
    let at = log
        .iter()
        .position(|line| line == "WARN received SIGHUP indicating restart request")
        .expect("the signal is logged");
    let after: Vec<_> = log[at + 1..]
        .iter()
        .filter(|line| !line.starts_with("CRIT Supervisor is running as root."))
        .collect();
    assert_eq!(
        after[..6],
        [
            "INFO waiting for cat to die",
            "WARN stopped: cat (terminated by SIGTERM)",
            "INFO RPC interface 'supervisor' initialized",
            "CRIT Server 'unix_http_server' running without any HTTP authentication checking",
            "INFO supervisord started with pid N",
            "INFO spawned: 'cat' with pid N",
        ]
    );
}

fn a_reload_without_processes_happens_once(subject: Subject) {
    let daemon = Daemon::start(subject, "");
    daemon.wait_log("started with pid");
    let count = |start: &str| {
        let log = daemon.log();
        log.iter().filter(|line| line.starts_with(start)).count()
    };
    for reloads in 1..=5 {
        daemon.signal(Signal::HUP);
        wait_until("it has started anew", || {
            count("INFO supervisord started with pid") > reloads
        });
        daemon.wait_ready();
        let signals = count("WARN received SIGHUP indicating restart request");
        assert_eq!(signals, reloads);
    }
}

fn reload_reads_the_configuration_again(subject: Subject) {
    let daemon = Daemon::start(subject, "[program:old]\ncommand=/bin/cat\nstartsecs=0");
    daemon.wait_state("old", "RUNNING");
    daemon.sandbox().configure(
        "[supervisord]\nidentifier=renewed\n[program:new]\ncommand=/bin/cat\nstartsecs=0",
    );
    assert_eq!(
        daemon.ctl_line("reload"),
        ("Restarted supervisord\n".to_owned(), 0)
    );
    daemon.wait_log("success: new");
    daemon.wait_ready();
    assert_eq!(daemon.ask("getIdentification", &[]), "renewed".into());
    assert_eq!(daemon.fault("getProcessInfo", &["old".into()]).0, 10);
}

/// The first line that a second supervisord prints before it refuses.
fn second(daemon: &Daemon, config: &str) -> String {
    let mut command = daemon.sandbox().command("supervisord");
    let run = Run::of(command.args(["-n", "-c", config, "-j", "second.pid", "-l", "second.log"]));
    assert_eq!(run.code, Some(2));
    run.err.lines().next().unwrap_or_default().to_owned()
}

const IN_USE: &str = "Error: Another program is already listening on a port that one of our HTTP \
                      servers is configured to use.  Shut this program down first before starting \
                      supervisord.";

fn a_second_one_on_the_same_socket_refuses(subject: Subject) {
    let daemon = Daemon::start(subject, "");
    assert_eq!(second(&daemon, "supervisord.conf"), IN_USE);
    assert_eq!(daemon.ask("getPID", &[]), daemon.pid().into());
}

fn a_second_one_on_the_same_port_refuses(subject: Subject) {
    let port = Sandbox::free_port();
    let server = format!("[inet_http_server]\nport=127.0.0.1:{port}\n");
    let daemon = Daemon::start(subject, &server);
    daemon
        .sandbox()
        .write("second.conf", format!("[supervisord]\n{server}"));
    assert_eq!(second(&daemon, "second.conf"), IN_USE);
    daemon.sandbox().write(
        "second.conf",
        "[supervisord]\n[unix_http_server]\nfile=/no/such/s.sock\n",
    );
    assert_eq!(
        second(&daemon, "second.conf"),
        "Error: Cannot open an HTTP server: socket.error reported errno.ENOENT (2)"
    );
}

fn the_log_of_a_failed_start_says_how_far_it_came(subject: Subject) {
    let port = Sandbox::free_port();
    let sandbox = Sandbox::configured(
        subject,
        &format!(
            "[unix_http_server]\nfile=/no/such/s.sock\n[inet_http_server]\nport=127.0.0.1:{port}\n\
             [supervisord]\nminfds=50\n[include]\nfiles=%(here)s/none*.ini\n\
             [program:p]\ncommand=/bin/cat"
        ),
    );
    let mut expected = vec![
        "WARN No file matches via include \"DIR/none*.ini\"",
        "INFO RPC interface 'supervisor' initialized",
        "CRIT Server 'inet_http_server' running without any HTTP authentication checking",
    ];
    if rustix::process::geteuid().is_root() {
        expected.insert(
            0,
            "CRIT Supervisor is running as root.  Privileges were not dropped because no user is \
             specified in the config file.  If you intend to run as root, you can set user=root in \
             the config file to avoid this message.",
        );
    }
    for in_foreground in [true, false] {
        sandbox.write("supervisord.log", "");
        let flags = if in_foreground { &["-n"][..] } else { &[] };
        let mut command = sandbox.command("supervisord");
        let run = Run::of(command.args(flags).args(["-c", "supervisord.conf"]));
        assert_eq!(run.code, Some(2));
        let error = "Error: Cannot open an HTTP server: socket.error reported errno.ENOENT (2)\n";
        assert!(run.err.starts_with(error), "{}", run.err);
        let lines = |text: &str| normal::log(&sandbox.without_path(text));
        assert_eq!(lines(&sandbox.read("supervisord.log")), expected);
        let shown = if in_foreground { &expected[..] } else { &[] };
        assert_eq!(lines(&run.out), shown);
    }
}

fn a_stale_socket_is_replaced(subject: Subject) {
    let sandbox = Sandbox::configured(subject, "");
    let path = sandbox.path("s.sock");
    drop(std::os::unix::net::UnixListener::bind(&path).expect("a socket"));
    sandbox.write("supervisord.pid", "something else\n");
    let daemon = Daemon::start_in(sandbox);
    let said = daemon.sandbox().read("stderr.txt");
    assert_eq!(
        daemon.sandbox().without_path(&said).lines().next(),
        Some("Unlinking stale socket DIR/s.sock")
    );
    assert_eq!(daemon.ask("getPID", &[]), daemon.pid().into());
}

fn a_pid_file_that_cannot_be_written_is_survived(subject: Subject) {
    let sandbox = Sandbox::configured(subject, "[supervisord]\npidfile=%(here)s/home");
    let daemon = Daemon::start_in(sandbox);
    daemon.wait_log("could not write pidfile");
    let log = daemon.sandbox().without_path(&daemon.log().join("\n"));
    assert!(
        log.contains("CRIT could not write pidfile DIR/home"),
        "{log}"
    );
    assert!(daemon.ask("getPID", &[]).as_int().is_some());
}

fn programs_of_a_killed_child_s_group_survive_its_stop(subject: Subject) {
    let daemon = Daemon::start(
        subject,
        "[program:p]\ncommand=actor fork setsid out away until go end out here wait\n\
         startsecs=0\nstdout_logfile=%(here)s/p.log",
    );
    daemon.wait_file("p.log", "here");
    daemon.wait_file("p.log", "away");
    assert_eq!(daemon.ctl_line("stop p").1, 0);
    let left = tree::pids(daemon.sandbox().folder());
    let actors = left
        .iter()
        .filter(|pid| tree::comm(**pid).as_deref() == Some("actor"));
    assert_eq!(actors.count(), 1);
}

fn the_socket_has_the_mode_it_is_given(subject: Subject) {
    let mode = |daemon: &Daemon| {
        let socket = fs::metadata(daemon.sandbox().path("s.sock")).expect("the socket exists");
        socket.permissions().mode() & 0o7777
    };
    let daemon = Daemon::start(subject, "");
    assert_eq!(mode(&daemon), 0o700);
    let daemon = Daemon::start(subject, "[unix_http_server]\nchmod=0666");
    assert_eq!(mode(&daemon), 0o666);
}

fn it_is_found_by_its_default_file(subject: Subject) {
    let sandbox = Sandbox::configured(subject, "");
    let daemon = Daemon::launch(sandbox, &["-n"]);
    daemon.wait_ready();
    let run = Run::of(daemon.sandbox().command("supervisorctl").arg("pid"));
    assert_eq!(
        run.out_and_code(),
        (format!("{}\n", daemon.pid()).as_str(), 0)
    );
}

fn command_line_values_win(subject: Subject) {
    let sandbox = Sandbox::configured(subject, "[supervisord]\nidentifier=file\nloglevel=critical");
    let args = [
        "-nc",
        "supervisord.conf",
        "--identifier=line",
        "-edebug",
        "-l",
        "other.log",
    ];
    let daemon = Daemon::launch(sandbox, &args);
    daemon.wait_ready();
    assert_eq!(daemon.ask("getIdentification", &[]), "line".into());
    daemon.wait_file("other.log", "INFO supervisord started with pid");
}

fn too_many_descriptors_are_refused(subject: Subject) {
    let sandbox = Sandbox::configured(subject, "[supervisord]\nminfds=2000000000");
    let run = Run::of(
        sandbox
            .command("supervisord")
            .args(["-n", "-c", "supervisord.conf"]),
    );
    assert_eq!(run.code, Some(2));
    let start = "Error: The minimum number of file descriptors required to run this process is \
                 2000000000 as per the \"minfds\" command-line argument or config file setting. \
                 The current environment will only allow you to open ";
    assert!(run.err.starts_with(start), "{}", run.err);
}
