//! Death between any two steps: the daemon is killed before each system call that it makes.
//!
//! Of the points in a scenario every [`STRIDE`]th is taken, from a random one on; `MINDER_STRIDE=1`
//! takes them all.

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use minder_tests::chance::{Moments, setting};
use minder_tests::parts::{signal, the_daemon};
use minder_tests::strace::{self, Strace, Whose, next_daemon_at_its_birth, threads};
use minder_tests::written::Written;
use minder_tests::{Daemon, Subject, tree, wait_for, wait_until};
use rustix::process::Signal;

/// Of so many points one is taken, if nobody says.
const STRIDE: usize = 16;

/// The calls of which a rotation consists.
const ROTATION: &str = "?rename,?renameat,?renameat2,?unlink,?unlinkat,?open,openat,ftruncate";

/// A daemon that dies sooner is replaced ever more slowly.
const YOUNG: Duration = Duration::from_secs(1);

/// The first line of each life names it.
const STARTED: &str = "\
[program:p]
command=/bin/sh -c 'echo began $$; exec /bin/sleep 1000'
autostart=false
startsecs=0
stdout_logfile=%(here)s/p.log
[program:bystander]
command=/bin/sleep 1000
startsecs=0
";

#[test]
fn a_start_is_done_once_wherever_the_daemon_dies() {
    Subject::Minder.run(|subject| {
        let daemon = Daemon::start(subject, STARTED);
        daemon.wait_state("bystander", "RUNNING");
        let bystander = daemon.pid_of("bystander");
        die_at_each_step(
            &daemon,
            1,
            || stop(&daemon, "p"),
            || drop(daemon.try_call("supervisor.startProcess", &["p".into()])),
            || {
                start(&daemon, "p");
                daemon.wait_state("p", "RUNNING");
                assert_eq!(programs(&daemon), sorted([bystander, daemon.pid_of("p")]));
            },
        );
        let began = daemon.sandbox().read("p.log");
        let mut lives: Vec<&str> = began.lines().collect();
        assert!(lives.iter().all(|line| line.starts_with("began ")));
        assert_eq!(
            lives.last(),
            Some(&&*format!("began {}", daemon.pid_of("p")))
        );
        let count = lives.len();
        lives.sort_unstable();
        lives.dedup();
        assert_eq!(lives.len(), count, "a life has written twice");
    });
}

#[test]
fn a_stop_is_done_wherever_the_daemon_dies() {
    Subject::Minder.run(|subject| {
        let daemon = Daemon::start(subject, STARTED);
        daemon.wait_state("bystander", "RUNNING");
        let bystander = daemon.pid_of("bystander");
        die_at_each_step(
            &daemon,
            1,
            || {
                start(&daemon, "p");
                daemon.wait_state("p", "RUNNING");
            },
            || drop(daemon.try_call("supervisor.stopProcess", &["p".into()])),
            || {
                stop(&daemon, "p");
                assert_eq!(programs(&daemon), [bystander]);
            },
        );
    });
}

/// A program that is added by one update, changed by the next, and removed by a third, beside one
/// that stays as it is.
#[test]
fn an_update_is_done_wherever_the_daemon_dies() {
    const STAYS: &str = "[program:stays]\ncommand=/bin/sleep 1000\nstartsecs=0\n";
    const MORE: [&str; 3] = [
        "[program:q]\ncommand=/bin/sleep 2000\nstartsecs=0\n",
        "[program:q]\ncommand=/bin/sleep 3000\nstartsecs=0\n",
        "",
    ];
    Subject::Minder.run(|subject| {
        let daemon = Daemon::start(subject, STAYS);
        daemon.wait_state("stays", "RUNNING");
        let stays = daemon.pid_of("stays");
        let turn = std::cell::Cell::new(0);
        die_at_each_step(
            &daemon,
            MORE.len(),
            || {
                let more = MORE[turn.get() % MORE.len()];
                daemon.sandbox().configure(&format!("{STAYS}{more}"));
            },
            || drop(daemon.ctl(&["update"])),
            || {
                // What was begun may have come to any point. Asked again, it is finished.
                assert_eq!(daemon.ctl(&["update"]).code, Some(0));
                let more = MORE[turn.get() % MORE.len()];
                turn.set(turn.get() + 1);
                let mut expected = vec![stays];
                if more.is_empty() {
                    assert_eq!(daemon.fault("getProcessInfo", &["q".into()]).0, 10);
                } else {
                    daemon.wait_state("q", "RUNNING");
                    let q = daemon.pid_of("q");
                    let line = fs::read(format!("/proc/{q}/cmdline")).expect("it runs");
                    let line = String::from_utf8_lossy(&line).replace('\0', " ");
                    assert!(more.contains(line.trim_end()), "{line} runs");
                    expected.push(q);
                }
                assert_eq!(programs(&daemon), sorted(expected));
            },
        );
    });
}

#[test]
fn a_rotation_is_done_wherever_the_daemon_dies() {
    /// More calls than two rotations with three backups take.
    const CALLS: usize = 14;
    Subject::Minder.run(|subject| {
        if !strace::is_possible() {
            return;
        }
        let daemon = Daemon::start(
            subject,
            "[program:p]\ncommand=actor drip halt\nautorestart=false\n\
             stdout_logfile=%(here)s/p.log\nstdout_logfile_maxbytes=32KB\nstdout_logfile_backups=3",
        );
        let keeper = daemon.pid();
        daemon.wait_state("p", "RUNNING");
        let pid = daemon.pid_of("p");
        wait_until("the log is rotated", || {
            daemon.sandbox().path("p.log.3").exists()
        });
        for call in 1..=CALLS {
            let victim = the_daemon(keeper);
            let strace = kill_at(&daemon, thread(victim, "logs"), ROTATION, call);
            wait_until("the daemon dies in a rotation", || !tree::is_alive(victim));
            drop(strace);
            daemon.wait_ready();
        }
        assert_eq!(daemon.pid_of("p"), pid);
        daemon.sandbox().write("halt", "");
        daemon.wait_state("p", "EXITED");
        let written = Written::to(daemon.sandbox(), "p.log");
        eprintln!(
            "{} lines after {CALLS} deaths",
            written.first + written.lines
        );
        assert!(!daemon.sandbox().path("p.log.4").exists());
    });
}

/// The next daemon dies while it takes over, and the one after that takes over from it.
#[test]
fn a_takeover_is_done_wherever_the_daemon_dies() {
    Subject::Minder.run(|subject| {
        if !strace::is_possible() {
            return;
        }
        let daemon = Daemon::start(
            subject,
            "[program:writer]\ncommand=actor drip halt\nautorestart=false\nstartsecs=0\n\
             stdout_logfile=%(here)s/p.log\nstdout_logfile_maxbytes=0\n\
             [program:ends]\ncommand=/bin/cat\nautorestart=false\nstartsecs=0",
        );
        let keeper = daemon.pid();
        daemon.wait_state("writer", "RUNNING");
        let writer = daemon.pid_of("writer");
        let take_over = |tamper: &dyn Fn(i32) -> Strace| {
            start(&daemon, "ends");
            daemon.wait_state("ends", "RUNNING");
            let ends = daemon.pid_of("ends");
            let born = next_daemon_at_its_birth(daemon.sandbox(), keeper);
            // It ends without anybody to be told.
            signal(ends, Signal::TERM);
            let strace = tamper(born);
            signal(born, Signal::CONT);
            // It may come as far as to answer before it dies.
            daemon.wait_ready();
            let steps = strace.steps();
            daemon.wait_state("ends", "EXITED");
            assert_eq!(daemon.pid_of("writer"), writer);
            assert_eq!(programs(&daemon), [writer]);
            let now = the_daemon(keeper);
            // One that dies as soon as the one before it is a reason to wait before the next.
            wait_until("the daemon is not young any more", || {
                tree::age(now) > YOUNG
            });
            (now != born, steps)
        };
        let (_, steps) = take_over(&|born| Strace::watch(daemon.sandbox(), Whose::Thread(born)));
        let mut tally = Tally::default();
        for (kind, number) in points(&steps) {
            let (died, _) = take_over(&|born| kill_at(&daemon, born, &kind, number));
            tally.count(died);
        }
        eprintln!(
            "a takeover has {} steps: {tally:?}",
            steps.values().sum::<usize>()
        );
        daemon.sandbox().write("halt", "");
        daemon.wait_state("writer", "EXITED");
        assert_eq!(Written::to(daemon.sandbox(), "p.log").first, 0);
    });
}

/// Lets the daemon die while `act` goes on: each of its threads in turn, at each of the steps that it
/// made when it was watched doing it, which is done `rehearsals` times.
///
/// `prepare` makes what `act` needs; `settle` asks the next daemon to finish, and checks.
fn die_at_each_step(
    daemon: &Daemon,
    rehearsals: usize,
    prepare: impl Fn(),
    act: impl Fn(),
    settle: impl Fn(),
) {
    if !strace::is_possible() {
        return;
    }
    let keeper = daemon.pid();
    let mut steps = THREADS.map(|_| BTreeMap::new());
    for _ in 0..rehearsals {
        prepare();
        let pid = the_daemon(keeper);
        let watched = THREADS.map(|name| {
            let thread = thread(pid, name);
            Strace::watch(daemon.sandbox(), Whose::Thread(thread))
        });
        act();
        for (steps, strace) in steps.iter_mut().zip(watched) {
            for (kind, number) in strace.steps() {
                let most = steps.entry(kind).or_default();
                *most = number.max(*most);
            }
        }
        settle();
    }
    for (name, steps) in THREADS.iter().zip(steps) {
        let mut tally = Tally::default();
        for (kind, number) in points(&steps) {
            prepare();
            let victim = the_daemon(keeper);
            let strace = kill_at(daemon, thread(victim, name), &kind, number);
            act();
            // From here on it lives or is being replaced, and nothing in between.
            drop(strace);
            daemon.wait_ready();
            tally.count(the_daemon(keeper) != victim);
            settle();
        }
        eprintln!(
            "{name} makes {} steps: {tally:?}",
            steps.values().sum::<usize>()
        );
    }
}

/// The daemon's threads.
const THREADS: [&str; 3] = ["minder-daemon", "logs", "control"];

/// What became of those that were to die.
#[derive(Debug, Default)]
struct Tally {
    died: usize,
    /// They did not come so far this time: what is done together varies.
    survived: usize,
}

impl Tally {
    fn count(&mut self, died: bool) {
        if died {
            self.died += 1;
        } else {
            self.survived += 1;
        }
    }
}

fn kill_at(daemon: &Daemon, thread: i32, kind: &str, number: usize) -> Strace {
    let injection = format!("{kind}:signal=SIGKILL:when={number}");
    Strace::attach(daemon.sandbox(), Whose::Thread(thread), &injection, None)
}

fn thread(pid: i32, name: &str) -> i32 {
    // A thread that has not run yet does not have its name.
    wait_for("the daemon has such a thread", || {
        let found = threads(pid).into_iter().find(|(is, _)| is == name);
        Some(found?.1)
    })
}

/// The steps that are taken, each as a kind of call and its number.
fn points(steps: &BTreeMap<String, usize>) -> impl Iterator<Item = (String, usize)> {
    let stride = setting("MINDER_STRIDE", STRIDE);
    let most = u64::try_from(stride).expect("a stride fits");
    let offset = Moments::from_environment().next_below(most);
    let all = steps
        .iter()
        .flat_map(|(kind, most)| (1..=*most).map(|number| (kind.clone(), number)));
    all.skip(usize::try_from(offset).expect("an offset fits"))
        .step_by(stride)
}

/// Starts a process, unless it runs.
fn start(daemon: &Daemon, name: &str) {
    match daemon.call("supervisor.startProcess", &[name.into()]) {
        Ok(_) | Err((60, _)) => {}
        Err(fault) => panic!("{name} is not started: {fault:?}"),
    }
}

/// Stops a process, unless it does not run.
fn stop(daemon: &Daemon, name: &str) {
    match daemon.call("supervisor.stopProcess", &[name.into()]) {
        Ok(_) | Err((70, _)) => {}
        Err(fault) => panic!("{name} is not stopped: {fault:?}"),
    }
}

/// The pids of all programs that live below the keeper: every copy of each.
fn programs(daemon: &Daemon) -> Vec<i32> {
    let keeper = daemon.pid();
    let its_daemon = the_daemon(keeper);
    let mut pids = tree::children(keeper);
    pids.retain(|pid| *pid != its_daemon && tree::is_alive(*pid));
    pids
}

fn sorted(pids: impl Into<Vec<i32>>) -> Vec<i32> {
    let mut pids = pids.into();
    pids.sort_unstable();
    pids
}
