//! The daemon is killed at random moments while programs write: nobody notices, nothing is lost.
//!
//! `MINDER_KILLS=100` makes it a long run, and `MINDER_SEED=N` repeats the moments of an earlier one.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use minder_rpc::Value;
use minder_tests::chance::{Moments, setting};
use minder_tests::parts::{kill_daemon, the_daemon};
use minder_tests::{Daemon, Sandbox, Subject, normal, wait_for, wait_until};
use rustix::fs::{CWD, FileType, Mode, mknodat};
use rustix::process::Signal;

/// How often the daemon is killed, if nobody says.
pub(crate) const KILLS: usize = 12;

/// At most this much is written by the fastest program between two kills. It bounds the disk space
/// that a long run takes, and is enough for a kill to hit any step of the copying.
pub(crate) const BYTES_BETWEEN_KILLS: u64 = 4 << 20;

/// `drip` writes slowly, so that the backups of a long run stay few enough to be kept.
pub(crate) const CONFIG: &str = "\
[program:one]
command=actor flood halt
autorestart=false
stdout_logfile=%(here)s/one.log
stdout_logfile_maxbytes=0
[program:two]
command=actor flood halt
autorestart=false
stdout_logfile=%(here)s/two.log
stdout_logfile_maxbytes=0
[program:turned]
command=actor drip halt
autorestart=false
stdout_logfile=%(here)s/turned.log
stdout_logfile_maxbytes=64KB
stdout_logfile_backups=2000
";

pub(crate) const PROGRAMS: [&str; 3] = ["one", "two", "turned"];

#[test]
fn killed_daemons_are_not_missed() {
    Subject::Minder.run(|subject| {
        let kills = setting("MINDER_KILLS", KILLS);
        let mut moments = Moments::from_environment();
        let daemon = Daemon::start(subject, CONFIG);
        let keeper = daemon.pid();
        for program in PROGRAMS {
            daemon.wait_state(program, "RUNNING");
        }
        let expected = normal::status(&daemon.ctl_line("status").0);
        let pids = PROGRAMS.map(|program| daemon.pid_of(program));

        // Somebody else keeps asking. A call that was already begun may break; no other may.
        let halt = AtomicBool::new(false);
        let mut slowest = Duration::ZERO;
        let broken = thread::scope(|scope| {
            let caller = scope.spawn(|| calls_that_break(&daemon, &["status"], &expected, &halt));
            let end = EndOfScope(&halt);
            for kill in 1..=kills {
                wait_for_growth(&daemon, "one.log", moments.next_below(BYTES_BETWEEN_KILLS));
                let killed = kill_daemon(keeper);
                let begun = Instant::now();
                assert_eq!(normal::status(&daemon.ctl_line("status").0), expected);
                let took = begun.elapsed();
                assert_ne!(the_daemon(keeper), killed);
                eprintln!("kill {kill}: status answered after {took:.1?}");
                slowest = slowest.max(took);
            }
            drop(end);
            caller.join().expect("the caller ends")
        });
        eprintln!("{kills} kills: slowest answer {slowest:.1?}, {broken} calls broken off");
        assert!(broken <= kills, "{broken} calls were broken off");
        assert_eq!(PROGRAMS.map(|program| daemon.pid_of(program)), pids);

        // The programs end while there is no daemon; their exits are not missed either.
        kill_daemon(keeper);
        daemon.sandbox().write("halt", "");
        for program in PROGRAMS {
            daemon.wait_state(program, "EXITED");
            let info = daemon.ask("getProcessInfo", &[program.into()]);
            assert_eq!(info.member("exitstatus").and_then(Value::as_int), Some(0));
        }
        assert_eq!(daemon.pid(), keeper);
        wait_until("the log tells of every kill", || takeovers(&daemon) > kills);
        for program in PROGRAMS {
            let spawned = format!("INFO spawned: '{program}' with pid N");
            let log = daemon.log();
            assert_eq!(log.iter().filter(|line| **line == spawned).count(), 1);
            // What a program wrote last may still be on its way from the pipe.
            let files = wait_for("the log holds the end", || ended(&daemon, program));
            let lines = check(&files);
            eprintln!("{program}: {lines} lines in {} files", files.len());
        }
    });
}

#[test]
fn a_daemon_that_cannot_open_its_log_minds_programs_all_the_same() {
    Subject::Minder.run(|subject| {
        let sandbox = Sandbox::configured(
            subject,
            "[supervisord]\nlogfile=%(here)s/logs/main.log\n[program:cat]\ncommand=/bin/cat",
        );
        let (logs, elsewhere) = (sandbox.path("logs"), sandbox.path("elsewhere"));
        fs::create_dir(&logs).expect("a folder in the sandbox");
        let daemon = Daemon::start_in(sandbox);
        let keeper = daemon.pid();
        daemon.wait_state("cat", "RUNNING");
        let pid = daemon.pid_of("cat");

        fs::rename(&logs, &elsewhere).expect("the folder can be moved");
        kill_daemon(keeper);
        daemon.wait_ready();
        assert_eq!(daemon.pid_of("cat"), pid);
        fs::rename(&elsewhere, &logs).expect("the folder can be moved back");
        // The next line goes there, and those before it.
        assert_eq!(daemon.ctl_line("stop cat").1, 0);
        daemon.wait_file("logs/main.log", "another one goes on");
    });
}

#[test]
fn a_daemon_killed_in_the_middle_of_a_restart_is_replaced() {
    Subject::Minder.run(|subject| {
        let daemon = Daemon::start(subject, "[program:cat]\ncommand=/bin/cat\nstartsecs=0");
        let keeper = daemon.pid();
        daemon.wait_state("cat", "RUNNING");

        // Nobody reads this pid file, so that the next daemon comes no further than this: it has
        // its sockets, and no state.
        let sandbox = daemon.sandbox();
        let config = sandbox.read("supervisord.conf");
        let stuck = config.replace("/supervisord.pid", "/fifo");
        assert_ne!(stuck, config);
        mknodat(CWD, sandbox.path("fifo"), FileType::Fifo, Mode::RWXU, 0).expect("a fifo");
        sandbox.write("supervisord.conf", &stuck);
        daemon.signal(Signal::HUP);
        wait_until("the next daemon has its sockets", || {
            let log = sandbox.read("supervisord.log");
            log.matches("running without any HTTP authentication")
                .count()
                == 2
        });
        sandbox.write("supervisord.conf", &config);
        kill_daemon(keeper);

        // It makes its sockets anew, and who has called at the old ones calls again.
        daemon.wait_ready();
        daemon.wait_state("cat", "RUNNING");
        assert_eq!(daemon.pid(), keeper);
    });
}

/// Asks supervisorctl for the status, in these words, again and again until `halt`; counts how often
/// there was no answer.
///
/// # Panics
///
/// If there is another answer than `expected`.
pub(crate) fn calls_that_break(
    daemon: &Daemon,
    words: &[&str],
    expected: &str,
    halt: &AtomicBool,
) -> usize {
    let mut broken = 0;
    while !halt.load(Ordering::Relaxed) {
        let run = daemon.ctl(words);
        if run.code == Some(0) {
            assert_eq!(normal::status(&run.out), expected);
        } else {
            eprintln!("broken off: {} {}", run.out.trim_end(), run.err.trim_end());
            broken += 1;
        }
    }
    broken
}

/// Ends the caller also when the killer fails, whose panic would otherwise wait for it for ever.
pub(crate) struct EndOfScope<'a>(pub(crate) &'a AtomicBool);

impl Drop for EndOfScope<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Waits until `file` is longer by `bytes`: a moment that no clock chooses, and a proof that things
/// go on.
pub(crate) fn wait_for_growth(daemon: &Daemon, file: &str, bytes: u64) {
    let path = daemon.sandbox().path(file);
    let length = || fs::metadata(&path).map_or(0, |metadata| metadata.len());
    let goal = length() + bytes;
    wait_until(&format!("{file} grows"), || length() >= goal);
}

/// How many lines of the own log tell that a daemon took over from one that had died.
fn takeovers(daemon: &Daemon) -> usize {
    let tells = |line: &&String| line.starts_with("WARN ") && line.contains("daemon");
    daemon.log().iter().filter(tells).count()
}

/// The program's log files, the oldest first, if the program's last line is in them.
pub(crate) fn ended(daemon: &Daemon, program: &str) -> Option<Vec<PathBuf>> {
    let path = |name: String| daemon.sandbox().path(name);
    let mut files = vec![path(format!("{program}.log"))];
    files.extend(
        (1..)
            .map(|backup| path(format!("{program}.log.{backup}")))
            .take_while(|file| file.exists()),
    );
    files.reverse();
    // A rotation may have come right behind the last line.
    let last = files
        .iter()
        .rev()
        .take(2)
        .find_map(|file| last_line(file))?;
    last.starts_with("end ").then_some(files)
}

fn last_line(file: &Path) -> Option<String> {
    /// More than a line, less than a file.
    const TAIL: u64 = 64;
    let mut file = File::open(file).ok()?;
    let length = file.metadata().ok()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL)))
        .ok()?;
    let mut tail = String::new();
    file.read_to_string(&mut tail).ok()?;
    tail.lines().next_back().map(str::to_owned)
}

/// Checks that the files hold the lines 0, 1, 2 … and an end that names their number, without a
/// loss, a repetition or a disorder; returns their number.
pub(crate) fn check(files: &[PathBuf]) -> u64 {
    let mut next = 0;
    let mut end = None;
    for file in files {
        for line in BufReader::new(File::open(file).expect("a log")).lines() {
            let line = line.expect("a log holds text");
            assert_eq!(end, None, "{line:?} stands behind the end");
            if let Some(number) = line.strip_prefix("end ") {
                end = number.parse::<u64>().ok();
            } else {
                assert_eq!(line.parse(), Ok(next), "in \"{}\"", file.display());
                next += 1;
            }
        }
    }
    assert_eq!(end, Some(next), "the end is not what was written");
    next
}
