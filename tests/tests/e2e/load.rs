//! The daemon is killed at random moments under all the load there can be: nobody notices, nothing is
//! lost.
//!
//! `MINDER_KILLS=1000` makes it a long run, and `MINDER_SEED=N` repeats the moments of an earlier one.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use minder_rpc::Value;
use minder_tests::chance::{Moments, setting};
use minder_tests::parts::{kill_daemon, the_daemon};
use minder_tests::written::Written;
use minder_tests::{Daemon, Subject, normal, tree, wait_until};

use crate::survival::{EndOfScope, KILLS, calls_that_break};

/// At most so many lines are seen between two kills, a few megabytes: enough for a kill to hit any
/// step of the copying.
const LINES_BETWEEN_KILLS: u64 = 200_000;

/// How many programs write as fast as they can.
const WRITERS: usize = 20;

/// How many rotated files each of them keeps, of a megabyte each: so a run of any length needs the same
/// disk space, if what was written is looked at before it goes.
const BACKUPS: usize = 8;

/// How many listeners hear everything.
const EARS: usize = 2;

/// The writers leave the processor to whoever reads what they write, and take all of the rest.
///
/// Besides them: `brief` lives and dies as fast as it can, and says who it was; `teller` sends
/// events.
const CONFIG: &str = "\
[program:w]
command=nice -n 19 actor flood halt
process_name=w%(process_num)02d
numprocs=20
autorestart=false
stdout_logfile=%(here)s/w%(process_num)02d.log
stdout_logfile_maxbytes=1MB
stdout_logfile_backups=8
[program:brief]
command=/bin/sh -c 'echo $$; sleep 0.05; exit 3'
autorestart=true
startsecs=0
stdout_logfile=%(here)s/brief.log
stdout_logfile_maxbytes=0
[program:teller]
command=actor murmur halt
autorestart=false
stdout_capture_maxbytes=100
stdout_logfile=%(here)s/teller.log
stdout_logfile_maxbytes=0
[eventlistener:ear0]
command=actor listen heard0
events=PROCESS_STATE,PROCESS_COMMUNICATION
buffer_size=100000
[eventlistener:ear1]
command=actor listen heard1
events=PROCESS_STATE,PROCESS_COMMUNICATION
buffer_size=100000
";

/// What an update in the middle of a run takes away, and what it adds.
const BEFORE: &str = "[program:gone]\ncommand=/bin/cat\nstartsecs=0\n";
const AFTER: &str = "[program:added]\ncommand=/bin/cat\nstartsecs=0\n";

/// The children of the keeper, but for its daemon: all of the above, and one of `gone` and `added`.
const PROGRAMS: usize = WRITERS + EARS + 3;

#[test]
fn killed_daemons_are_not_missed_under_load() {
    Subject::Minder.run(|subject| {
        let kills = setting("MINDER_KILLS", KILLS);
        let mut moments = Moments::from_environment();
        let daemon = Daemon::start(subject, &format!("{CONFIG}{BEFORE}"));
        let keeper = daemon.pid();
        let lasting = lasting();
        for name in lasting.iter().map(String::as_str).chain(["gone"]) {
            daemon.wait_state(name, "RUNNING");
        }
        let expected = normal::status(&daemon.ctl_line("status w:*").0);
        let pids: Vec<i32> = lasting.iter().map(|name| daemon.pid_of(name)).collect();

        let halt = AtomicBool::new(false);
        let lines = AtomicU64::new(0);
        let mut slowest = Duration::ZERO;
        let (broken, mut written) = thread::scope(|scope| {
            // Somebody else keeps asking. A call that was already begun may break; no other may.
            let caller =
                scope.spawn(|| calls_that_break(&daemon, &["status", "w:*"], &expected, &halt));
            // What was written is looked at before it is rotated away.
            let reader = scope.spawn(|| follow_all(&daemon, &lines, &halt));
            let end = EndOfScope(&halt);
            for kill in 1..=kills {
                let goal = lines.load(Ordering::Relaxed) + moments.next_below(LINES_BETWEEN_KILLS);
                wait_until("lines are written", || {
                    lines.load(Ordering::Relaxed) >= goal || reader.is_finished()
                });
                let updates = (kill == kills.div_ceil(2)).then(|| {
                    daemon.sandbox().configure(&format!("{CONFIG}{AFTER}"));
                    scope.spawn(|| daemon.ctl(&["update"]))
                });
                let killed = kill_daemon(keeper);
                let begun = Instant::now();
                assert_eq!(normal::status(&daemon.ctl_line("status w:*").0), expected);
                let took = begun.elapsed();
                assert_ne!(the_daemon(keeper), killed);
                eprintln!("kill {kill}: status answered after {took:.1?}");
                slowest = slowest.max(took);
                if let Some(updates) = updates {
                    // It may have come to any point; the next one finishes it.
                    updates.join().expect("it ends");
                    assert_eq!(daemon.ctl(&["update"]).code, Some(0));
                    daemon.wait_state("added", "RUNNING");
                    assert_eq!(daemon.fault("getProcessInfo", &["gone".into()]).0, 10);
                }
                assert!(programs(keeper) <= PROGRAMS, "some program runs twice");
            }
            drop(end);
            let broken = caller.join().expect("the caller ends");
            (broken, reader.join().expect("the reader ends"))
        });
        eprintln!("{kills} kills: slowest answer {slowest:.1?}, {broken} calls broken off");
        // One that was updating, too.
        assert!(broken <= kills, "{broken} calls were broken off");
        let now: Vec<i32> = lasting.iter().map(|name| daemon.pid_of(name)).collect();
        assert_eq!(now, pids);

        // The programs end while there is no daemon; their exits are not missed either.
        kill_daemon(keeper);
        daemon.sandbox().write("halt", "");
        for name in lasting.iter().filter(|name| !name.starts_with("ear")) {
            daemon.wait_state(name, "EXITED");
            let info = daemon.ask("getProcessInfo", &[name.as_str().into()]);
            assert_eq!(info.member("exitstatus").and_then(Value::as_int), Some(0));
        }
        assert_eq!(daemon.pid(), keeper);
        for written in &mut written {
            written.read_to_the_end();
        }
        let lines: u64 = written.iter().map(|written| written.lines).sum();
        let turns: u64 = written.iter().map(|written| written.turns).sum();
        eprintln!("{lines} lines of 16 bytes in {turns} rotated files");
        check_what_was_heard(&daemon);
    });
}

/// The processes that live from the beginning to the end.
fn lasting() -> Vec<String> {
    let mut names: Vec<String> = (0..WRITERS)
        .map(|number| format!("w:w{number:02}"))
        .collect();
    names.extend((0..EARS).map(|number| format!("ear{number}")));
    names.push("teller".to_owned());
    names
}

/// Reads all that the writers write, and counts the lines, until `halt`.
///
/// # Panics
///
/// If it is not what was written.
fn follow_all(daemon: &Daemon, lines: &AtomicU64, halt: &AtomicBool) -> Vec<Written> {
    let follow = |number| Written::follow(daemon.sandbox(), &format!("w{number:02}.log"), BACKUPS);
    let mut all: Vec<Written> = (0..WRITERS).map(follow).collect();
    while !halt.load(Ordering::Relaxed) {
        for written in &mut all {
            let before = written.lines;
            written.read_on();
            lines.fetch_add(written.lines - before, Ordering::Relaxed);
        }
    }
    for written in &all {
        assert_eq!(written.first, 0, "the first lines were rotated away unseen");
    }
    all
}

/// How many children of the keeper live, besides its daemon.
fn programs(keeper: i32) -> usize {
    let daemon = the_daemon(keeper);
    let mut children = tree::children(keeper);
    children.retain(|pid| *pid != daemon && tree::is_alive(*pid));
    children.len()
}

/// Checks that each listener was told the end of each life of `brief`, and each word of `teller`, once
/// and in order.
fn check_what_was_heard(daemon: &Daemon) {
    // Supervisor's word for an end that was asked for is another than for one that was not.
    assert_eq!(daemon.ask("stopProcess", &["brief".into()]), true.into());
    let sandbox = daemon.sandbox();
    let spoken = sandbox.read("teller.log").lines().count();
    for number in 0..EARS {
        let file = format!("heard{number}");
        wait_until("the last event is heard", || {
            let heard = sandbox.read(&file);
            heard.contains("processname:brief groupname:brief from_state:STOPPING")
                && heard.matches("PROCESS_COMMUNICATION").count() >= spoken
        });
        let heard = Heard::of(&sandbox.read(&file));
        let serials: Vec<usize> = (0..heard.serials.len()).collect();
        assert_eq!(heard.serials, serials, "{file}");
        let words: Vec<String> = (0..spoken).map(|word| word.to_string()).collect();
        assert_eq!(heard.words, words, "{file}");
        let lives = sandbox.read("brief.log");
        let mut lives: Vec<&str> = lives.lines().collect();
        // The last one was stopped; it may have been before its first word.
        if lives.len() > heard.ends.len() {
            lives.pop();
        }
        assert_eq!(heard.ends, lives, "{file}");
        eprintln!(
            "{file}: {} events, {} ends and {} words among them",
            serials.len(),
            lives.len(),
            words.len()
        );
    }
}

/// What a listener has heard, in order.
#[derive(Default)]
struct Heard {
    /// The numbers of the events within their pool.
    serials: Vec<usize>,
    /// The pids of `brief` at its ends, none of which was expected.
    ends: Vec<String>,
    /// What `teller` has said between tokens.
    words: Vec<String>,
}

impl Heard {
    fn of(text: &str) -> Self {
        let mut heard = Self::default();
        for event in text.split("\n\nver:") {
            let (header, payload) = event.split_once('\n').unwrap_or((event, ""));
            let value = |text: &str, name: &str| {
                let (_, rest) = text.split_once(name)?;
                rest.split(char::is_whitespace).next().map(str::to_owned)
            };
            let serial = value(header, "poolserial:").and_then(|serial| serial.parse().ok());
            heard.serials.push(serial.expect("each event has a number"));
            if payload.starts_with("processname:teller ")
                && header.contains("PROCESS_COMMUNICATION")
            {
                let word = payload.lines().nth(1).expect("there is a word");
                heard.words.push(word.to_owned());
            }
            if payload.starts_with("processname:brief ") && header.contains("STATE_EXITED") {
                assert!(payload.contains("expected:0"), "{payload}");
                heard
                    .ends
                    .push(value(payload, "pid:").expect("an end has a pid"));
            }
        }
        heard
    }
}
