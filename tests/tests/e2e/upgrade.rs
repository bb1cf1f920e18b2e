//! The program is replaced by another one while everything runs: nobody notices, nothing is lost.
//!
//! `MINDER_UPGRADES=100` makes it a long run, `MINDER_OLD_BIN=FILE` names a minder that was built from
//! an earlier commit and is gone over from and back to, and `MINDER_SEED=N` repeats the moments of an
//! earlier run.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use minder_rpc::Value;
use minder_tests::chance::{Moments, setting};
use minder_tests::http::Connection;
use minder_tests::parts::the_daemon;
use minder_tests::{Daemon, Run, Sandbox, Subject, normal, wait_for, wait_until, xmlrpc};

use crate::keeper::kill_keeper;
use crate::survival::{
    BYTES_BETWEEN_KILLS, CONFIG, EndOfScope, PROGRAMS, calls_that_break, check, ended,
    wait_for_growth,
};

/// How often the program is replaced, if nobody says.
const UPGRADES: usize = 6;

/// What ends by itself during each upgrade.
const BRIEF: &str = "\
[program:brief]
command=actor until go exit 7
autostart=false
autorestart=false
startsecs=0
";

/// What is asked for all the time.
const STATUS: [&str; 4] = ["status", "one", "two", "turned"];

/// Where a sandbox installs the program that its supervisord is.
const INSTALLED: &str = "minder";

/// A sandbox with a program of its own, which can be replaced. What it is made of lies beside it, by
/// these names.
fn sandbox(subject: Subject, more: &str, programs: &[(&str, PathBuf)]) -> Sandbox {
    let sandbox = Sandbox::configured(subject, more);
    for (name, program) in programs {
        copy(program, &sandbox.path(name));
    }
    let (first, _) = programs[0];
    install(&sandbox, first);
    for name in ["supervisord", "supervisorctl"] {
        let link = sandbox.path("bin").join(name);
        fs::remove_file(&link).expect("a sandbox has its programs");
        let target = match name {
            "supervisord" => sandbox.path(INSTALLED),
            // Not the one that is replaced: what is broken cannot ask how it went.
            _ => subject.program(name),
        };
        symlink(target, link).expect("a link in the sandbox");
    }
    sandbox
}

/// Copies a program. By a process of its own: while this one has a file open for writing, nobody can
/// run it.
fn copy(program: &Path, to: &Path) {
    let status = Command::new("cp").arg(program).arg(to).status();
    assert!(status.is_ok_and(|status| status.success()), "cp fails");
}

/// Installs a file of the sandbox in the place of its supervisord, as a package manager does.
fn install(sandbox: &Sandbox, name: &str) {
    let new = sandbox.path("minder.new");
    fs::hard_link(sandbox.path(name), &new).expect("a link in the sandbox");
    fs::rename(&new, sandbox.path(INSTALLED)).expect("a file can be replaced");
    // A file that is installed already keeps both names.
    let _ = fs::remove_file(new);
}

/// The number of the file that a process runs.
fn runs(pid: i32) -> u64 {
    let file = fs::metadata(format!("/proc/{pid}/exe"));
    file.expect("a process has a program").ino()
}

/// The number of a file of the sandbox.
fn inode(daemon: &Daemon, name: &str) -> u64 {
    let file = fs::metadata(daemon.sandbox().path(name));
    file.expect("a file of the sandbox").ino()
}

/// The version that a program says it is of.
fn version(program: &Path) -> String {
    let run = Run::of(Command::new(program).arg("--version"));
    let version = run.out.trim().strip_prefix("minder ");
    version.expect("a version").to_owned()
}

/// Installs `name`, has supervisord go over to it, and does something meanwhile.
fn upgrade(daemon: &Daemon, name: &str, meanwhile: impl FnOnce()) -> Run {
    install(daemon.sandbox(), name);
    let mut upgrade = daemon.ctl_command(&["upgrade"]);
    upgrade.stdout(Stdio::piped()).stderr(Stdio::piped());
    let upgrade = upgrade.spawn().expect("supervisorctl can be run");
    meanwhile();
    let output = upgrade.wait_with_output().expect("it can be waited for");
    Run {
        code: output.status.code(),
        out: String::from_utf8(output.stdout).expect("output of UTF-8"),
        err: String::from_utf8(output.stderr).expect("output of UTF-8"),
    }
}

#[test]
fn upgrades_are_not_noticed() {
    Subject::Minder.run(|subject| {
        let upgrades = setting("MINDER_UPGRADES", UPGRADES);
        let mut moments = Moments::from_environment();
        let present = subject.program("supervisord");
        let old = env::var_os("MINDER_OLD_BIN").map_or_else(|| present.clone(), PathBuf::from);
        let versions = BTreeMap::from([("old", version(&old)), ("new", version(&present))]);
        let port = Sandbox::free_port();
        let config = format!("{CONFIG}{BRIEF}[inet_http_server]\nport=127.0.0.1:{port}\n");
        let sandbox = sandbox(subject, &config, &[("old", old), ("new", present)]);
        let daemon = Daemon::start_in(sandbox);
        let keeper = daemon.pid();
        for program in PROGRAMS {
            daemon.wait_state(program, "RUNNING");
        }
        let expected = normal::status(&daemon.ctl_line(&STATUS.join(" ")).0);
        let pids = PROGRAMS.map(|program| daemon.pid_of(program));

        let halt = AtomicBool::new(false);
        let mut slowest = Duration::ZERO;
        let mut expected_lines = Vec::new();
        let (broken, calls, broken_calls) = thread::scope(|scope| {
            let by_ctl = scope.spawn(|| calls_that_break(&daemon, &STATUS, &expected, &halt));
            let by_socket = scope.spawn(|| connections_that_break(&daemon, port, &halt));
            let end = EndOfScope(&halt);
            let names = ["new", "old"].into_iter().cycle().take(upgrades);
            for (number, name) in names.enumerate() {
                let _ = fs::remove_file(daemon.sandbox().path("go"));
                assert_eq!(daemon.ctl_line("start brief").0, "brief: started\n");
                wait_for_growth(&daemon, "one.log", moments.next_below(BYTES_BETWEEN_KILLS));
                let begun = Instant::now();
                let run = upgrade(&daemon, name, || {
                    // It ends about the time at which one keeper becomes the other.
                    if moments.next_below(2) == 0 {
                        wait_until("one daemon leaves", || told(&daemon).len() > 2 * number);
                    }
                    daemon.sandbox().write("go", "");
                });
                let took = begun.elapsed();
                let other = if name == "new" { "old" } else { "new" };
                let (from, to) = (&versions[other], &versions[name]);
                let said = format!("Upgraded supervisord from minder {from} to {to}\n");
                expected_lines.extend([
                    format!("INFO upgrading: this daemon makes room for minder {to}"),
                    format!("INFO upgraded from minder {from} to {to}"),
                ]);
                assert_eq!((run.code, run.out, run.err), (Some(0), said, String::new()));
                assert_eq!(runs(keeper), inode(&daemon, name));
                assert_eq!(runs(the_daemon(keeper)), inode(&daemon, name));
                assert_eq!(exit_status(&daemon, "brief"), 7);
                eprintln!("upgrade {} to {name}: took {took:.1?}", number + 1);
                slowest = slowest.max(took);
            }
            drop(end);
            let broken = by_ctl.join().expect("the caller ends");
            let (calls, broken_calls) = by_socket.join().expect("the caller ends");
            (broken, calls, broken_calls)
        });
        eprintln!(
            "{upgrades} upgrades: slowest {slowest:.1?}; {broken} calls by supervisorctl broken off, \
             {broken_calls} of {calls} others, none refused"
        );
        // A call over a connection that had been used before may meet its end.
        assert!(broken <= upgrades, "{broken} calls were broken off");
        assert_eq!(broken_calls, 0);
        assert_eq!(PROGRAMS.map(|program| daemon.pid_of(program)), pids);
        assert_eq!(daemon.pid(), keeper);

        let count = |line: &str| daemon.log().iter().filter(|it| *it == line).count();
        assert_eq!(told(&daemon), expected_lines);
        assert_eq!(count("WARN exited: brief (exit status 7; not expected)"), upgrades);

        daemon.sandbox().write("halt", "");
        for program in PROGRAMS {
            assert_eq!(exit_status(&daemon, program), 0);
            assert_eq!(count(&format!("INFO spawned: '{program}' with pid N")), 1);
            // What a program wrote last may still be on its way from the pipe.
            let files = wait_for("the log holds the end", || ended(&daemon, program));
            let lines = check(&files);
            eprintln!("{program}: {lines} lines in {} files", files.len());
        }
    });
}

#[test]
fn what_an_earlier_keeper_has_left_is_handed_over_too() {
    Subject::Minder.run(|subject| {
        let present = subject.program("supervisord");
        let config = format!("[program:cat]\ncommand=/bin/cat\n{BRIEF}");
        let programs = [("old", present.clone()), ("new", present.clone())];
        let daemon = Daemon::start_in(sandbox(subject, &config, &programs));
        assert_eq!(daemon.ctl_line("start brief").0, "brief: started\n");
        daemon.wait_state("cat", "RUNNING");
        let pids = ["cat", "brief"].map(|program| daemon.pid_of(program));
        let keeper = kill_keeper(&daemon);

        // Neither the keeper that follows nor the one that it becomes is their parent.
        let version = version(&present);
        let said = format!("Upgraded supervisord from minder {version} to {version}\n");
        for name in ["new", "old"] {
            let run = upgrade(&daemon, name, || ());
            assert_eq!(run.out_and_code(), (said.as_str(), 0));
            assert_eq!((daemon.pid(), runs(keeper)), (keeper, inode(&daemon, name)));
            assert_eq!(["cat", "brief"].map(|program| daemon.pid_of(program)), pids);
        }
        daemon.sandbox().write("go", "");
        assert_eq!(exit_status(&daemon, "brief"), 7);
        assert_eq!(daemon.ctl_line("stop cat").0, "cat: stopped\n");
    });
}

/// What the log tells of upgrades, without the number of programs that run.
fn told(daemon: &Daemon) -> Vec<String> {
    let lines = daemon.log().into_iter();
    let told = lines.filter(|line| line.contains("upgrad"));
    told.map(|line| {
        line.split(", which goes on")
            .next()
            .unwrap_or_default()
            .to_owned()
    })
    .collect()
}

#[test]
fn what_is_no_program_of_ours_is_refused() {
    Subject::Minder.run(|subject| {
        let present = subject.program("supervisord");
        let config = "[program:cat]\ncommand=/bin/cat\n";
        let sandbox = sandbox(subject, config, &[("good", present)]);
        let daemon = Daemon::start_in(sandbox);
        let keeper = daemon.pid();
        daemon.wait_state("cat", "RUNNING");
        let (pid, minder) = (daemon.pid_of("cat"), the_daemon(keeper));
        let sandbox = daemon.sandbox();

        let whole = fs::read(sandbox.path("good")).expect("a program");
        sandbox.script("silent", "#!/bin/sh\nexit 0\n");
        for (name, content) in [("text", &b"no program"[..]), ("cut", &whole[..64 << 10])] {
            sandbox.write("draft", content);
            // Copied as `Sandbox::script` does it, and for the same reason.
            copy(&sandbox.path("draft"), &sandbox.path(name));
            let mode = fs::Permissions::from_mode(0o755);
            fs::set_permissions(sandbox.path(name), mode).expect("a mode can be set");
        }
        let file = sandbox.path("bin/supervisord");
        let file = file.display();
        let cannot = format!("\"{file}\": it cannot go on in our place");
        for (name, why) in [
            ("text", "(exit status 127): couldn't exec minder: ENOEXEC"),
            ("silent", "(exit status 0), and does not say why"),
            // Where it is cut is up to the linker.
            ("cut", ""),
        ] {
            let run = upgrade(&daemon, name, || ());
            let refused = format!("ERROR: upgrade refused: {cannot} {why}");
            assert!(run.out.starts_with(&refused), "{name}: {}", run.out);
            assert_eq!((run.code, run.err), (Some(1), String::new()));
            let line = format!("ERRO upgrade refused, everything runs on as it is: {cannot} {why}");
            let log = daemon.log();
            assert!(
                log.last().is_some_and(|last| last.starts_with(&line)),
                "{log:#?}"
            );
        }
        fs::remove_file(sandbox.path(INSTALLED)).expect("a file can be removed");
        let run = daemon.ctl(&["upgrade"]);
        let why = "No such file or directory (os error 2)";
        let refused = format!("ERROR: upgrade refused: \"{file}\": {why}\n");
        assert_eq!(run.out_and_code(), (refused.as_str(), 1));
        assert_eq!((daemon.pid_of("cat"), the_daemon(keeper)), (pid, minder));
    });
}

#[test]
fn a_program_whose_daemon_does_not_come_up_is_left_again() {
    Subject::Minder.run(|subject| {
        let present = subject.program("supervisord");
        let config = "[program:cat]\ncommand=/bin/cat\n";
        let sandbox = sandbox(subject, config, &[("good", present.clone())]);
        // A program whose keeper looks for its daemon where there is none.
        let mut bytes = fs::read(&present).expect("a program");
        let (own, none) = (&b"/proc/self/exe\0"[..], &b"/proc/self/exx\0"[..]);
        let places: Vec<usize> = (0..bytes.len() - own.len())
            .filter(|place| bytes[*place..].starts_with(own))
            .collect();
        assert!(!places.is_empty());
        for place in places {
            bytes[place..][..own.len()].copy_from_slice(none);
        }
        sandbox.write("draft", bytes);
        copy(&sandbox.path("draft"), &sandbox.path("bad"));
        let mode = fs::Permissions::from_mode(0o755);
        fs::set_permissions(sandbox.path("bad"), mode).expect("a mode can be set");

        let daemon = Daemon::start_in(sandbox);
        let keeper = daemon.pid();
        daemon.wait_state("cat", "RUNNING");
        let pid = daemon.pid_of("cat");
        let version = version(&present);
        let why = "the daemon has ended (exit status 127)";
        for upgrades in 1..=2 {
            let run = upgrade(&daemon, "bad", || ());
            let said = format!("ERROR: upgrade to minder {version} rolled back: {why}\n");
            assert_eq!((run.out, run.code), (said, Some(1)));
            let told = daemon
                .log()
                .into_iter()
                .filter(|line| line.contains("rolled back"));
            let line = format!(
                "ERRO upgrade to minder {version} rolled back: {why}; {version} goes on with \
                 everything as it was, 1 running programs included"
            );
            assert_eq!(told.collect::<Vec<_>>(), vec![line; upgrades]);
            // What no daemon was there to tell.
            let log = daemon.log();
            let tried =
                format!("CRIT {why}, and programs run on without it; another one is started ");
            let tried = log.iter().filter(|line| line.starts_with(&tried)).count();
            assert_eq!(tried, 2 * upgrades);
            let left = format!("CRIT {why}: going back to the program before");
            assert_eq!(log.iter().filter(|line| **line == left).count(), upgrades);
            assert_eq!(runs(keeper), inode(&daemon, "good"));
            assert_eq!((daemon.pid(), daemon.pid_of("cat")), (keeper, pid));
        }
        let run = upgrade(&daemon, "good", || ());
        let said = format!("Upgraded supervisord from minder {version} to {version}\n");
        assert_eq!(run.out_and_code(), (said.as_str(), 0));
        assert_eq!(daemon.pid_of("cat"), pid);
    });
}

/// The exit status of a process once it has ended.
fn exit_status(daemon: &Daemon, name: &str) -> i64 {
    daemon.wait_state(name, "EXITED");
    let info = daemon.ask("getProcessInfo", &[name.into()]);
    let status = info.member("exitstatus").and_then(Value::as_int);
    status.expect("an exit status")
}

/// Calls again and again, each time over a new connection, until `halt`. Returns how many calls there
/// were, and how many of them were broken off.
///
/// # Panics
///
/// If a connection is refused.
fn connections_that_break(daemon: &Daemon, port: u16, halt: &AtomicBool) -> (usize, usize) {
    let request = xmlrpc::request("supervisor.getState", &[]);
    let socket = daemon.sandbox().path("s.sock");
    let (mut calls, mut broken) = (0, 0);
    while !halt.load(Ordering::Relaxed) {
        for connect in [
            &(|| Connection::tcp(port)) as &dyn Fn() -> io::Result<Connection>,
            &|| Connection::unix(&socket),
        ] {
            let mut connection = connect().expect("nobody is refused");
            match connection.post("/RPC2", &request) {
                Ok(answer) => assert_eq!(answer.status(), 200),
                Err(error) => {
                    eprintln!("broken off: {error}");
                    assert_ne!(error.kind(), ErrorKind::ConnectionRefused);
                    broken += 1;
                }
            }
            calls += 1;
        }
    }
    (calls, broken)
}
