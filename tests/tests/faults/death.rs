//! Death, and who comes after it: stale pids, and state that cannot be kept.

use std::fs;
use std::process::{Child, Command, Stdio};

use minder_tests::parts::{kill_both, kill_daemon, the_daemon};
use minder_tests::strace::{self, Strace};
use minder_tests::{Daemon, Sandbox, Subject, cases, tree, wait_until};
use rustix::process::Signal;

use crate::mind;

cases!(a_pid_that_is_somebody_else_s_by_now_is_left_alone);

/// A process that no supervisor has started.
struct Bystander(Child);

impl Bystander {
    fn start() -> Self {
        let sleep = Command::new("sleep")
            .arg("1000")
            .stdin(Stdio::null())
            .spawn();
        Self(sleep.expect("sleep can be run"))
    }

    fn pid(&self) -> i32 {
        i32::try_from(self.0.id()).expect("a pid")
    }
}

impl Drop for Bystander {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn a_pid_that_is_somebody_else_s_by_now_is_left_alone(subject: Subject) {
    let bystander = Bystander::start();
    let sandbox = Sandbox::configured(subject, "[program:cat]\ncommand=/bin/cat\nstartsecs=0");
    sandbox.write("supervisord.pid", format!("{}\n", bystander.pid()));
    let mut daemon = Daemon::start_in(sandbox);
    daemon.wait_state("cat", "RUNNING");
    assert_ne!(daemon.pid(), bystander.pid());
    daemon.signal(Signal::HUP);
    wait_until("it has begun anew", || {
        let log = daemon.log_about("cat");
        log.iter().filter(|line| line.contains("success")).count() == 2
    });
    daemon.signal(Signal::TERM);
    assert_eq!(daemon.wait_end(), 0);
    assert!(tree::is_alive(bystander.pid()));
}

/// Makes what the daemons leave to each other of no use.
fn lose_state(keeper: i32) {
    let held = fs::read_dir(format!("/proc/{keeper}/fd")).expect("it lives");
    for held in held.filter_map(Result::ok).map(|entry| entry.path()) {
        let is_state = fs::read_link(&held)
            .is_ok_and(|file| file.to_string_lossy().starts_with("/memfd:minder-state"));
        if is_state && let Ok(state) = fs::File::options().write(true).open(held) {
            // Parts that never change are sealed against it.
            let _ = state.set_len(0);
        }
    }
}

/// Without the state, a program that is not configured any more is nobody's, and told to end. It does
/// not, and is killed, whatever daemons die meanwhile.
#[test]
fn a_stray_that_does_not_end_is_killed_although_daemons_die() {
    const CAT: &str = "[program:cat]\ncommand=/bin/cat\nstartsecs=0\n";
    Subject::Minder.run(|subject| {
        let daemon = Daemon::start(
            subject,
            &format!(
                "{CAT}[program:deaf]\ncommand=actor ignore TERM out deaf wait\nstartsecs=0\n\
                 stdout_logfile=%(here)s/deaf.log"
            ),
        );
        let keeper = daemon.pid();
        daemon.wait_file("deaf.log", "deaf\n");
        daemon.wait_state("cat", "RUNNING");
        let (cat, deaf) = (daemon.pid_of("cat"), daemon.pid_of("deaf"));
        daemon.sandbox().configure(CAT);
        lose_state(keeper);
        kill_daemon(keeper);
        let stray =
            format!("pid {deaf} was started by an earlier daemon and belongs to no process");
        daemon.wait_log(&stray);
        assert!(tree::is_alive(deaf));
        kill_daemon(keeper);
        wait_until("it is killed", || !tree::is_alive(deaf));
        daemon.wait_log(&format!(
            "WARN killing pid {deaf}, which belongs to no process"
        ));
        assert_eq!(daemon.pid_of("cat"), cat);
    });
}

/// The state goes to the keeper in memory. While there is none, nothing is decided that could not be
/// kept, or the next daemon takes over; the programs do not notice.
#[test]
fn without_memory_for_its_state_a_daemon_loses_no_program() {
    Subject::Minder.run(|subject| {
        if !strace::is_possible() {
            return;
        }
        for errno in ["ENOMEM", "ENOSPC"] {
            let daemon = Daemon::start(
                subject,
                "[program:stays]\ncommand=/bin/cat\nstartsecs=0\n\
                 [program:cat]\ncommand=/bin/cat\nstartsecs=0\nautostart=false",
            );
            let keeper = daemon.pid();
            daemon.wait_state("stays", "RUNNING");
            let stays = daemon.pid_of("stays");
            let injection = format!("memfd_create,pwrite64:error={errno}");
            let strace = Strace::attach(daemon.sandbox(), mind(&daemon), &injection, None);
            let _ = daemon.try_call("supervisor.startProcess", &["cat".into()]);
            let injected = strace.detach();
            assert!(injected > 0, "no call was tampered with");
            daemon.wait_well();
            assert_eq!(daemon.pid_of("stays"), stays);
            // Whatever has become of it: there is one copy, also for the next daemon.
            if daemon.state("cat") != "RUNNING" {
                assert_eq!(daemon.ask("startProcess", &["cat".into()]), true.into());
            }
            let cat = daemon.pid_of("cat");
            kill_daemon(keeper);
            daemon.wait_ready();
            assert_eq!((daemon.pid_of("stays"), daemon.pid_of("cat")), (stays, cat));
            let its_daemon = the_daemon(keeper);
            let mut expected = vec![stays, cat];
            expected.sort_unstable();
            wait_until("there are no others", || {
                let mut programs = tree::children(keeper);
                programs.retain(|pid| *pid != its_daemon);
                programs == expected
            });
        }
    });
}

/// The first daemon dies after it has taken over what an earlier life left, and before it has started
/// anything: the next starts the rest.
#[test]
fn a_daemon_that_dies_between_taking_over_and_starting_leaves_that_to_the_next() {
    Subject::Minder.run(|subject| {
        if !strace::is_possible() {
            return;
        }
        let config = "[supervisord]\norphans=adopt\nchildlogdir=%(here)s/auto\n\
                      [program:stays]\ncommand=actor wait\nstartsecs=0\n";
        let sandbox = Sandbox::configured(subject, config);
        let logs = sandbox.path("auto");
        fs::create_dir(&logs).expect("a folder in the sandbox");
        let mut daemon = Daemon::start_in(sandbox);
        daemon.wait_state("stays", "RUNNING");
        let stays = daemon.pid_of("stays");
        kill_both(daemon.pid());
        let new = "[program:new]\ncommand=actor wait\nstartsecs=0\n\
                   [program:idle]\ncommand=actor wait\nstartsecs=0\nautostart=false\n";
        daemon.sandbox().configure(&format!("{config}{new}"));
        // It looks for old logs right after it has taken over, and the next does not.
        let mut strace = Command::new("strace");
        daemon.sandbox().equip(&mut strace);
        strace.args(["-D", "-f", "-qq", "-o", "/dev/null", "-P"]);
        strace.arg(logs).args(["-e", "inject=openat:signal=KILL"]);
        strace.arg(daemon.sandbox().path("bin/supervisord"));
        daemon.start_again_by(strace);
        daemon.wait_log("no state was left");
        daemon.wait_state("new", "RUNNING");
        assert_eq!(daemon.pid_of("stays"), stays);
        assert_eq!(daemon.state("idle"), "STOPPED");
        assert!(tree::is_alive(daemon.pid()), "the pid file is out of date");
    });
}

/// The first daemon dies while it takes over what an earlier life left: the next takes over the others,
/// and starts none of them a second time.
#[test]
fn a_daemon_that_dies_while_it_takes_over_leaves_the_others_to_the_next() {
    const PROGRAMS: usize = 12;
    /// Each that is taken over is a line of the log. The next daemon has fewer to say.
    const LINES: usize = 10;
    Subject::Minder.run(|subject| {
        if !strace::is_possible() {
            return;
        }
        let config = format!(
            "[supervisord]\norphans=adopt\n[program:p]\ncommand=actor wait\nstartsecs=0\n\
             numprocs={PROGRAMS}\nprocess_name=%(process_num)02d\n"
        );
        let mut daemon = Daemon::start(subject, &config);
        let names: Vec<String> = (0..PROGRAMS).map(|it| format!("p:{it:02}")).collect();
        let pids = |daemon: &Daemon| -> Vec<i32> {
            let running = names.iter();
            running
                .map(|name| {
                    daemon.wait_state(name, "RUNNING");
                    daemon.pid_of(name)
                })
                .collect()
        };
        let before = pids(&daemon);
        kill_both(daemon.pid());
        let mut strace = Command::new("strace");
        daemon.sandbox().equip(&mut strace);
        strace.args(["-D", "-f", "-qq", "-o", "/dev/null", "-P"]);
        strace
            .arg(daemon.sandbox().path("supervisord.log"))
            .arg("-e")
            .arg(format!("inject=pwrite64:signal=KILL:when={LINES}"));
        strace.arg(daemon.sandbox().path("bin/supervisord"));
        daemon.start_again_by(strace);
        daemon.wait_log("no state was left");
        assert_eq!(pids(&daemon), before);
        let keeper = daemon.pid();
        let its_daemon = the_daemon(keeper);
        wait_until("nobody was started", || {
            let mut others = tree::children(keeper);
            others.retain(|pid| *pid != its_daemon);
            others.is_empty()
        });
    });
}
