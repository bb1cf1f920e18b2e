//! Logs: names, modes, rotation, both streams, reopening, ANSI, levels.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use minder_tests::namespaces::left_out;
use minder_tests::{Daemon, Sandbox, Subject, cases, normal, wait_until};
use rustix::process::Signal;

cases!(
    automatic_logs_are_named_after_process_and_channel,
    old_automatic_logs_are_removed_at_the_start,
    streams_go_to_their_files_byte_by_byte,
    both_streams_in_one_file,
    no_log_where_none_is_wanted,
    rotation_happens_behind_the_write,
    rotation_without_backups_empties_the_file,
    old_backups_are_shifted_and_dropped,
    usr2_reopens_the_logs,
    ansi_sequences_are_stripped_when_asked_for,
    the_foreground_shows_the_log_unless_silent,
    starting_as_root_is_told,
    levels_filter_the_log,
    debug_tells_of_signals,
    a_log_that_cannot_be_opened_is_a_spawn_error,
    the_log_of_the_daemon_rotates,
    debug_shows_what_programs_say,
    the_foreground_shows_the_log_to_whoever_it_belongs,
    the_foreground_shows_that_the_log_is_cleared,
);

fn mode(sandbox: &Sandbox, name: &str) -> u32 {
    let metadata = fs::metadata(sandbox.path(name)).expect("the file exists");
    metadata.permissions().mode() & 0o7777
}

fn size(sandbox: &Sandbox, name: &str) -> Option<u64> {
    fs::metadata(sandbox.path(name))
        .ok()
        .map(|metadata| metadata.len())
}

fn automatic_logs_are_named_after_process_and_channel(subject: Subject) {
    let daemon = Daemon::start(
        subject,
        "[supervisord]\nidentifier=me\n\
         [program:p]\ncommand=/bin/cat\nautostart=false\n\
         [program:r]\ncommand=/bin/cat\nautostart=false\nredirect_stderr=true",
    );
    for (process, member, channel) in [
        ("p", "stdout_logfile", "stdout"),
        ("p", "stderr_logfile", "stderr"),
        ("r", "logfile", "stdout"),
    ] {
        let path = daemon.info_text(process, member);
        let name = daemon.sandbox().without_path(&path);
        let start = format!("DIR/{process}-{channel}---me-");
        let random = name
            .strip_prefix(&start)
            .and_then(|rest| rest.strip_suffix(".log"));
        let random = random.unwrap_or_else(|| panic!("{name} is misnamed"));
        assert_eq!(random.len(), 8);
        assert!(
            random
                .chars()
                .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
        );
        assert_eq!(mode(daemon.sandbox(), &path), 0o600);
    }
    assert_eq!(daemon.info_text("r", "stderr_logfile"), "");
}

fn old_automatic_logs_are_removed_at_the_start(subject: Subject) {
    let sandbox = Sandbox::configured(subject, "");
    let old = [
        "x-stdout---supervisor-abcd_123.log",
        "x-stdout---supervisor-abcd_123.log.1",
        "y-stderr---supervisor-________.log",
    ];
    let foreign = [
        "x-stdout---other-abcd_123.log",
        "x-stdout-supervisor-abcd_123.log",
        "p.log",
    ];
    for name in old.iter().chain(&foreign) {
        sandbox.write(name, "x");
    }
    let daemon = Daemon::start_in(sandbox);
    let files = daemon.sandbox().files();
    for name in old {
        assert!(!files.contains(&name.to_owned()), "{name} is still there");
    }
    for name in foreign {
        assert!(files.contains(&name.to_owned()), "{name} is gone");
    }
}

fn streams_go_to_their_files_byte_by_byte(subject: Subject) {
    let daemon = Daemon::start(
        subject,
        "[program:p]\ncommand=printf 'a\\000b\\377\\r\\n\\033[1mno newline'\nstartsecs=0\n\
         autorestart=false\nstdout_logfile=%(here)s/p.log\nstderr_logfile=%(here)s/p.err",
    );
    let bytes = b"a\0b\xff\r\n\x1b[1mno newline";
    wait_until("the log holds every byte", || {
        fs::read(daemon.sandbox().path("p.log")).is_ok_and(|log| log == bytes)
    });
    assert_eq!(size(daemon.sandbox(), "p.err"), Some(0));
    assert_eq!(mode(daemon.sandbox(), "p.log"), 0o644);
}

fn both_streams_in_one_file(subject: Subject) {
    let daemon = Daemon::start(
        subject,
        "[program:p]\ncommand=sh -c \"echo one; echo two >&2; echo three\"\nstartsecs=0\n\
         autorestart=false\nredirect_stderr=true\nstdout_logfile=%(here)s/p.log\n\
         stderr_logfile=%(here)s/p.err",
    );
    daemon.wait_file("p.log", "one\ntwo\nthree\n");
    assert_eq!(size(daemon.sandbox(), "p.err"), None);
    daemon.wait_log(
        "WARN For [program:p], redirect_stderr=true but stderr_logfile has also been set to a \
         filename, the filename has been ignored",
    );
}

fn no_log_where_none_is_wanted(subject: Subject) {
    let daemon = Daemon::start(
        subject,
        "[program:p]\ncommand=actor out x err y exit 0\nstartsecs=0\nautorestart=false\n\
         stdout_logfile=NONE\nstderr_logfile=",
    );
    daemon.wait_log("exited: p");
    assert_eq!(daemon.info_text("p", "stdout_logfile"), "");
    assert_eq!(daemon.info_text("p", "stderr_logfile"), "");
    let logs = daemon
        .sandbox()
        .files()
        .into_iter()
        .filter(|name| name.contains("---"));
    assert_eq!(logs.count(), 0);
}

/// A program that writes each line it is sent, and its log's size after each.
fn rotating(subject: Subject, options: &str) -> Daemon {
    let daemon = Daemon::start(
        subject,
        &format!(
            "[program:p]\ncommand=actor echo\nstartsecs=0\nstdout_logfile=%(here)s/p.log\n\
             stdout_logfile_maxbytes=60\n{options}"
        ),
    );
    daemon.wait_state("p", "RUNNING");
    daemon
}

fn say(daemon: &Daemon, line: &str) {
    let sent = daemon.ask(
        "sendProcessStdin",
        &["p".into(), format!("{line}\n").into()],
    );
    assert_eq!(sent, true.into());
}

fn rotation_happens_behind_the_write(subject: Subject) {
    let daemon = rotating(subject, "");
    let sandbox = daemon.sandbox();
    say(&daemon, &"a".repeat(29));
    daemon.wait_file("p.log", "a\n");
    say(&daemon, &"b".repeat(28));
    daemon.wait_file("p.log", "b\n");
    assert_eq!(size(sandbox, "p.log"), Some(59));
    assert_eq!(size(sandbox, "p.log.1"), None);
    // The write that reaches the limit goes whole into the old file.
    say(&daemon, &"c".repeat(99));
    daemon.wait_file("p.log.1", "c\n");
    wait_until("the log is new and empty", || {
        size(sandbox, "p.log") == Some(0)
    });
    assert_eq!(size(sandbox, "p.log.1"), Some(159));
}

fn rotation_without_backups_empties_the_file(subject: Subject) {
    let daemon = rotating(subject, "stdout_logfile_backups=0");
    say(&daemon, "before");
    daemon.wait_file("p.log", "before\n");
    say(&daemon, &"a".repeat(99));
    wait_until("the log is empty", || {
        size(daemon.sandbox(), "p.log") == Some(0)
    });
    say(&daemon, "after");
    daemon.wait_file("p.log", "after\n");
    assert!(size(daemon.sandbox(), "p.log.1").is_none());
}

fn old_backups_are_shifted_and_dropped(subject: Subject) {
    let daemon = rotating(subject, "stdout_logfile_backups=2");
    let sandbox = daemon.sandbox();
    for letter in ["a", "b", "c"] {
        say(&daemon, &letter.repeat(79));
        daemon.wait_file("p.log.1", &format!("{letter}\n"));
    }
    say(&daemon, "d");
    daemon.wait_file("p.log", "d\n");
    assert_eq!(sandbox.read("p.log.1"), "c".repeat(79) + "\n");
    assert_eq!(sandbox.read("p.log.2"), "b".repeat(79) + "\n");
    assert_eq!(size(sandbox, "p.log.3"), None);
}

fn usr2_reopens_the_logs(subject: Subject) {
    let daemon = Daemon::start(
        subject,
        "[program:p]\ncommand=actor out before echo\nstartsecs=0\n\
         stdout_logfile=%(here)s/p.log",
    );
    daemon.wait_file("p.log", "before\n");
    daemon.wait_log("success: p");
    for name in ["p.log", "supervisord.log"] {
        let path = daemon.sandbox().path(name);
        fs::rename(&path, path.with_extension("old")).expect("it can be moved");
    }
    daemon.signal(Signal::USR2);
    wait_until("both logs are there again", || {
        size(daemon.sandbox(), "p.log") == Some(0)
            && size(daemon.sandbox(), "supervisord.log") == Some(0)
    });
    say(&daemon, "after");
    daemon.wait_file("p.log", "after\n");
    assert_eq!(daemon.sandbox().read("p.old"), "before\n");
    let old = minder_tests::normal::log(&daemon.sandbox().read("supervisord.old"));
    assert_eq!(
        old[old.len() - 2..],
        [
            "INFO received SIGUSR2 indicating log reopen request",
            "INFO supervisord logreopen",
        ]
    );
}

fn ansi_sequences_are_stripped_when_asked_for(subject: Subject) {
    let daemon = Daemon::start(
        subject,
        "[supervisord]\nstrip_ansi=true\n\
         [program:p]\ncommand=printf 'a\\033[1;31mred\\033[0m \\033[2Kb\\033]0;t\\n'\nstartsecs=0\n\
         autorestart=false\nstdout_logfile=%(here)s/p.log",
    );
    daemon.wait_file("p.log", "\n");
    assert_eq!(daemon.sandbox().read("p.log"), "ared b\u{1b}]0;t\n");
}

fn the_foreground_shows_the_log_unless_silent(subject: Subject) {
    let daemon = Daemon::start(subject, "");
    daemon.wait_file("stdout.txt", "supervisord started with pid");
    let log = daemon.sandbox().read("supervisord.log");
    assert_eq!(daemon.sandbox().read("stdout.txt"), log);
    let silent = Daemon::start(subject, "[supervisord]\nsilent=true");
    silent.wait_log("supervisord started with pid");
    assert_eq!(silent.sandbox().read("stdout.txt"), "");
}

fn starting_as_root_is_told(subject: Subject) {
    if !rustix::process::geteuid().is_root() {
        left_out("only root is told");
        return;
    }
    let daemon = Daemon::start(subject, "");
    daemon.wait_log("started with pid");
    assert_eq!(
        daemon.log(),
        [
            "CRIT Supervisor is running as root.  Privileges were not dropped because no user is \
             specified in the config file.  If you intend to run as root, you can set user=root \
             in the config file to avoid this message.",
            "INFO RPC interface 'supervisor' initialized",
            "CRIT Server 'unix_http_server' running without any HTTP authentication checking",
            "INFO supervisord started with pid N",
        ]
    );
    let daemon = Daemon::start(subject, "[supervisord]\nuser=root");
    daemon.wait_log("started with pid");
    assert_eq!(daemon.log()[0], "INFO Set uid to user 0 succeeded");
}

fn levels_filter_the_log(subject: Subject) {
    let daemon = Daemon::start(
        subject,
        "[supervisord]\nloglevel=WARN\n[program:p]\ncommand=/bin/cat\nstartsecs=0",
    );
    daemon.wait_state("p", "RUNNING");
    assert_eq!(daemon.ctl_line("stop p").1, 0);
    daemon.wait_log("stopped: p");
    let mut log = daemon.log();
    log.retain(|line| !line.starts_with("CRIT Supervisor is running as root."));
    assert_eq!(
        log,
        [
            "CRIT Server 'unix_http_server' running without any HTTP authentication checking",
            "WARN stopped: p (terminated by SIGTERM)",
        ]
    );
}

fn debug_shows_what_programs_say(subject: Subject) {
    let daemon = Daemon::start(
        subject,
        "[supervisord]\nloglevel=debug\n\
         [program:p]\ncommand=actor out hello err oh wait\nstartsecs=0",
    );
    daemon.wait_log("DEBG 'p' stdout output:\nhello\n");
    daemon.wait_log("DEBG 'p' stderr output:\noh\n");
}

fn debug_tells_of_signals(subject: Subject) {
    let daemon = Daemon::start(
        subject,
        "[supervisord]\nloglevel=debug\n[program:p]\ncommand=/bin/cat\nstartsecs=0",
    );
    daemon.wait_state("p", "RUNNING");
    let sent = daemon.ask("signalProcess", &["p".into(), "CONT".into()]);
    assert_eq!(sent, true.into());
    assert_eq!(daemon.ctl_line("stop p").1, 0);
    let mut log = daemon.log();
    log.retain(|line| line.starts_with("DEBG sending") || line.starts_with("DEBG killing"));
    assert_eq!(
        log,
        [
            "DEBG sending p (pid N) sig SIGCONT",
            "DEBG killing p (pid N) with signal SIGTERM",
        ]
    );
}

fn a_log_that_cannot_be_opened_is_a_spawn_error(subject: Subject) {
    let daemon = Daemon::start(
        subject,
        "[program:p]\ncommand=/bin/cat\nautostart=false\nstdout_logfile=/tmp\nstartretries=99",
    );
    assert_eq!(
        daemon.fault("startProcess", &["p".into()]),
        (50, "SPAWN_ERROR: p".to_owned())
    );
    let text = "unknown error making dispatchers for 'p': EISDIR";
    assert_eq!(daemon.info_text("p", "spawnerr"), text);
    daemon.wait_log(&format!("INFO spawnerr: {text}"));
}

fn the_log_of_the_daemon_rotates(subject: Subject) {
    let daemon = Daemon::start(
        subject,
        "[supervisord]\nlogfile_maxbytes=120\nlogfile_backups=1\n\
         [program:p]\ncommand=/bin/cat\nstartsecs=0",
    );
    daemon.wait_state("p", "RUNNING");
    assert_eq!(daemon.ctl_line("restart p").1, 0);
    let files = daemon.sandbox().files();
    let logs: Vec<_> = files
        .iter()
        .filter(|name| name.starts_with("supervisord.log"))
        .collect();
    assert_eq!(logs, ["supervisord.log", "supervisord.log.1"]);
    assert!(size(daemon.sandbox(), "supervisord.log").is_some_and(|size| size < 120));
    assert!(size(daemon.sandbox(), "supervisord.log.1").is_some_and(|size| size >= 120));
}

fn the_foreground_shows_the_log_to_whoever_it_belongs(subject: Subject) {
    if !rustix::process::geteuid().is_root() {
        left_out("only root can start it as another user");
        return;
    }
    for (kind, is_pipe) in [("a file", false), ("a pipe", true)] {
        let sandbox = Sandbox::configured(subject, "[supervisord]\nuser=nobody");
        let everybody = fs::Permissions::from_mode(0o777);
        fs::set_permissions(sandbox.folder(), everybody).expect("the folder is ours");
        let mut command = if is_pipe {
            let mut command = Command::new("sh");
            command.args(["-c", "\"$@\" | cat >> piped.txt", "sh"]);
            sandbox.equip(&mut command);
            command.arg(sandbox.path("bin/supervisord"));
            command
        } else {
            sandbox.command("supervisord")
        };
        command.args(["-n", "-c", "supervisord.conf"]);
        let daemon = Daemon::launch_command(sandbox, command);
        daemon.wait_ready();
        daemon.wait_log("supervisord started with pid");
        let shown = if is_pipe { "piped.txt" } else { "stdout.txt" };
        daemon.wait_file(shown, "supervisord started with pid");
        let log = daemon.sandbox().read("supervisord.log");
        assert_eq!(daemon.sandbox().read(shown), log, "{kind}");
    }
}

fn the_foreground_shows_that_the_log_is_cleared(subject: Subject) {
    let daemon = Daemon::start(subject, "");
    daemon.wait_file("stdout.txt", "supervisord started with pid");
    assert_eq!(daemon.ask("clearLog", &[]), true.into());
    daemon.wait_file("stdout.txt", "reopening log file");
    let shown = normal::log(&daemon.sandbox().read("stdout.txt"));
    let reopened = "INFO reopening log file";
    // Once for standard output, and once for the file.
    assert_eq!(shown[shown.len() - 2..], [reopened, reopened]);
    assert_eq!(daemon.sandbox().read("supervisord.log"), "");
}
