//! The keeper is killed, alone or with its daemon: nobody notices the one, and the next start tidies
//! up after the other.
//!
//! `MINDER_KEEPER_KILLS=100` makes it a long run, and `MINDER_SEED=N` repeats the moments of an
//! earlier one.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use minder_rpc::Value;
use minder_tests::chance::{Moments, setting};
use minder_tests::parts::{kill_both, kill_daemon, signal};
use minder_tests::{Daemon, PATIENCE, Sandbox, Subject, normal, tree, wait_for, wait_until};
use rustix::process::{Pid, Signal, kill_process};

use crate::survival::{check, ended, wait_for_growth};

/// How often the keeper is killed, if nobody says: more often than keepers that are of no use are
/// replaced.
const KILLS: usize = 8;

/// At most this much is written by the fastest program between two kills.
const BYTES_BETWEEN_KILLS: u64 = 2 << 20;

const WRITERS: &str = "\
[program:one]
command=actor flood halt
autorestart=false
stdout_logfile=%(here)s/one.log
stdout_logfile_maxbytes=0
[program:turned]
command=actor drip halt
autorestart=false
stdout_logfile=%(here)s/turned.log
stdout_logfile_maxbytes=64KB
stdout_logfile_backups=2000
[program:coded]
command=actor until leave exit 7
autorestart=false
exitcodes=7
[program:signalled]
command=actor wait
autorestart=false
";

const PROGRAMS: [&str; 4] = ["one", "turned", "coded", "signalled"];

/// Kills the keeper, and waits until another answers. Returns its pid.
pub(crate) fn kill_keeper(daemon: &Daemon) -> i32 {
    let before = daemon.pid();
    signal(before, Signal::KILL);
    wait_for("another keeper answers", || {
        let run = daemon.ctl(&["pid"]);
        let pid: i32 = run.out.trim().parse().ok()?;
        (run.code == Some(0) && pid != before && daemon.pid() == pid).then_some(pid)
    })
}

fn exit_status(daemon: &Daemon, program: &str) -> Option<i64> {
    let info = daemon.ask("getProcessInfo", &[program.into()]);
    info.member("exitstatus").and_then(Value::as_int)
}

/// How many lines of the own log tell that a keeper was replaced.
fn replacements(daemon: &Daemon) -> usize {
    let log = daemon.sandbox().read("supervisord.log");
    log.matches("goes on in its place").count()
}

#[test]
fn killed_keepers_are_not_missed() {
    Subject::Minder.run(|subject| {
        let kills = setting("MINDER_KEEPER_KILLS", KILLS);
        let mut moments = Moments::from_environment();
        let daemon = Daemon::start(subject, WRITERS);
        for program in PROGRAMS {
            daemon.wait_state(program, "RUNNING");
        }
        let socket = fs::metadata(daemon.sandbox().path("s.sock")).expect("a socket");
        let expected = normal::status(&daemon.ctl_line("status").0);
        let pids = PROGRAMS.map(|program| daemon.pid_of(program));
        let mut slowest = Duration::ZERO;
        for kill in 1..=kills {
            wait_for_growth(&daemon, "one.log", moments.next_below(BYTES_BETWEEN_KILLS));
            let begun = Instant::now();
            let keeper = kill_keeper(&daemon);
            let took = begun.elapsed();
            eprintln!("kill {kill}: another keeper answered after {took:.1?}");
            slowest = slowest.max(took);
            // Every other time the daemon as well, which knows its children by hearsay alone.
            if kill % 2 == 0 {
                kill_daemon(keeper);
                wait_until("the next daemon answers", || {
                    daemon.ctl(&["pid"]).code == Some(0)
                });
            }
            assert_eq!(normal::status(&daemon.ctl_line("status").0), expected);
            assert_eq!(PROGRAMS.map(|program| daemon.pid_of(program)), pids);
        }
        eprintln!("{kills} kills: slowest answer {slowest:.1?}");
        assert_eq!(replacements(&daemon), kills);
        let same = fs::metadata(daemon.sandbox().path("s.sock")).expect("a socket");
        assert_eq!((same.dev(), same.ino()), (socket.dev(), socket.ino()));

        // The ends of children that are nobody's are seen, and how.
        for file in ["halt", "leave"] {
            daemon.sandbox().write(file, "");
        }
        assert_eq!(daemon.ctl_line("signal HUP signalled").1, 0);
        let how = [("one", 0), ("turned", 0), ("coded", 7), ("signalled", -1)];
        for (program, status) in how {
            daemon.wait_state(program, "EXITED");
            assert_eq!(exit_status(&daemon, program), Some(status), "{program}");
        }
        daemon.wait_log("exited: coded (exit status 7; expected)");
        daemon.wait_log("exited: signalled (terminated by SIGHUP; not expected)");
        for program in ["one", "turned"] {
            let files = wait_for("the log holds the end", || ended(&daemon, program));
            let lines = check(&files);
            eprintln!("{program}: {lines} lines in {} files", files.len());
        }

        // What is started now is an ordinary child again, and all of it can be stopped.
        assert_eq!(daemon.ctl_line("start signalled").1, 0);
        daemon.wait_state("signalled", "RUNNING");
        let pid = daemon.pid_of("signalled");
        assert!(tree::children(daemon.pid()).contains(&pid));
        assert_eq!(daemon.ctl_line("stop signalled").1, 0);
        assert!(!tree::is_alive(pid));
    });
}

#[test]
fn orphans_are_restarted_and_stopped_like_children() {
    Subject::Minder.run(|subject| {
        let config = "\
            [program:cat]\ncommand=/bin/cat\nstdout_logfile=%(here)s/cat.log\n\
            [program:deaf]\ncommand=actor ignore TERM wait\nstopwaitsecs=1\n\
            [program:family]\ncommand=actor fork wait end wait\nstopasgroup=true\n";
        let daemon = Daemon::start(subject, config);
        let programs = ["cat", "deaf", "family"];
        for program in programs {
            daemon.wait_state(program, "RUNNING");
        }
        let pids = programs.map(|program| daemon.pid_of(program));
        let child = wait_for("the family has a child", || {
            tree::children(pids[2]).first().copied()
        });
        kill_keeper(&daemon);

        // Its input and its output are those that it had.
        let said = daemon.ask("sendProcessStdin", &["cat".into(), "still here\n".into()]);
        assert_eq!(said, Value::Bool(true));
        daemon.wait_file("cat.log", "still here");

        let (out, code) = daemon.ctl_line("restart cat");
        assert_eq!((&*out, code), ("cat: stopped\ncat: started\n", 0));
        assert_ne!(daemon.pid_of("cat"), pids[0]);
        daemon.wait_log("stopped: cat (terminated by SIGTERM)");
        for program in ["deaf", "family"] {
            assert_eq!(daemon.ctl_line(&format!("stop {program}")).1, 0);
        }
        daemon.wait_log("stopped: deaf (terminated by SIGKILL)");
        for pid in [pids[1], pids[2], child] {
            wait_until("it has ended", || !tree::is_alive(pid));
        }

        // One that ends by itself comes back.
        kill_keeper(&daemon);
        let pid = daemon.pid_of("cat");
        signal(pid, Signal::KILL);
        daemon.wait_log("exited: cat (terminated by SIGKILL; not expected)");
        wait_until("it is back", || {
            let now = daemon.pid_of("cat");
            now != pid && now != 0
        });
    });
}

/// The keeper is killed with requests that it has not read: it was stopped before they came.
#[test]
fn what_the_keeper_was_asked_to_signal_when_it_died_is_signalled() {
    Subject::Minder.run(|subject| {
        let daemon = Daemon::start(
            subject,
            "[program:signalled]\ncommand=actor wait\nautorestart=false\nstartsecs=0\n\
             [program:stopped]\ncommand=actor wait\nstopwaitsecs=600\nstartsecs=0\n",
        );
        for program in ["signalled", "stopped"] {
            daemon.wait_state(program, "RUNNING");
        }
        let keeper = daemon.pid();
        signal(keeper, Signal::STOP);
        wait_until("it stands still", || tree::is_stopped(keeper));
        let (out, code) = daemon.ctl_line("signal HUP signalled");
        assert_eq!((&*out, code), ("signalled: signalled\n", 0));
        let no_wait = ["stopped".into(), false.into()];
        assert_eq!(daemon.ask("stopProcess", &no_wait), true.into());
        assert_eq!(daemon.state("stopped"), "STOPPING");
        kill_keeper(&daemon);
        daemon.wait_state("signalled", "EXITED");
        daemon.wait_state("stopped", "STOPPED");
        daemon.wait_log("exited: signalled (terminated by SIGHUP; not expected)");
        daemon.wait_log("stopped: stopped (terminated by SIGTERM)");
    });
}

#[test]
fn the_end_of_everything_works_after_the_keepers_death() {
    Subject::Minder.run(|subject| {
        let daemon = Daemon::start(subject, "[program:cat]\ncommand=/bin/cat\n");
        daemon.wait_state("cat", "RUNNING");
        let pid = daemon.pid_of("cat");
        let keeper = kill_keeper(&daemon);
        assert_eq!(daemon.ctl_line("shutdown"), ("Shut down\n".to_owned(), 0));
        wait_until("the keeper has ended", || !tree::is_alive(keeper));
        assert!(!tree::is_alive(pid));
        for file in ["s.sock", "supervisord.pid", "supervisord.pid.children"] {
            assert!(!daemon.sandbox().path(file).exists(), "{file}");
        }
    });
}

#[test]
fn a_keeper_that_dies_while_it_starts_programs_leaves_no_second_copy() {
    const PROGRAMS: usize = 40;
    const ROUNDS: usize = 6;
    Subject::Minder.run(|subject| {
        let mut moments = Moments::from_environment();
        let config = format!(
            "[program:p]\ncommand=actor wait\nprocess_name=p%(process_num)s\nnumprocs={PROGRAMS}\n\
             autostart=false\nstartsecs=0\n"
        );
        let daemon = Daemon::start(subject, &config);
        let folder = daemon.sandbox().folder();
        let programs = || {
            let pids = tree::pids(folder).into_iter();
            pids.filter(|pid| tree::is_program(*pid))
                .collect::<Vec<_>>()
        };
        for _ in 0..ROUNDS {
            let enough = usize::try_from(moments.next_below(PROGRAMS as u64)).expect("few");
            let mut start = daemon.ctl_command(&["start", "p:*"]);
            let mut start = start.spawn().expect("supervisorctl can be run");
            wait_until("some run", || programs().len() >= enough);
            kill_keeper(&daemon);
            // Its call has probably been broken off.
            start.wait().expect("it can be waited for");
            let mut known: Vec<i32> = (0..PROGRAMS)
                .map(|number| {
                    let name = format!("p:p{number}");
                    if daemon.state(&name) == "STOPPED" {
                        // It had not come to that.
                        assert_eq!(daemon.ctl_line(&format!("start {name}")).1, 0);
                    }
                    daemon.wait_state(&name, "RUNNING");
                    daemon.pid_of(&name)
                })
                .collect();
            known.sort_unstable();
            let mut found = programs();
            found.sort_unstable();
            assert_eq!(found, known);
            assert_eq!(daemon.ctl_line("stop p:*").1, 0);
            assert_eq!(programs(), [0; 0]);
        }
    });
}

#[test]
fn a_shared_socket_outlives_the_keeper() {
    Subject::Minder.run(|subject| {
        let config = "\
            [fcgi-program:app]\ncommand=actor wait\nprocess_name=app%(process_num)s\nnumprocs=2\n\
            socket=unix://%(here)s/app.sock\n";
        let daemon = Daemon::start(subject, config);
        for process in ["app:app0", "app:app1"] {
            daemon.wait_state(process, "RUNNING");
        }
        let path = daemon.sandbox().path("app.sock");
        let inode = || fs::metadata(&path).expect("the socket is there").ino();
        let before = inode();
        kill_keeper(&daemon);
        UnixStream::connect(&path).expect("somebody listens");
        // Who comes now gets the socket that the keeper before has made.
        assert_eq!(daemon.ctl_line("restart app:app0").1, 0);
        assert_eq!(inode(), before);
        let pid = daemon.pid_of("app:app0");
        let link = |pid| fs::read_link(format!("/proc/{pid}/fd/0")).expect("an input");
        assert_eq!(link(pid), link(daemon.pid_of("app:app1")));
        UnixStream::connect(&path).expect("somebody listens");
    });
}

#[test]
fn a_service_manager_is_told_of_the_new_pid() {
    Subject::Minder.run(|subject| {
        let sandbox = Sandbox::configured(subject, "");
        let manager = service_manager(&sandbox);
        let mut command = sandbox.command("supervisord");
        command
            .args(["-n", "-c", "supervisord.conf"])
            .env("NOTIFY_SOCKET", sandbox.path("notify"));
        let daemon = Daemon::launch_command(sandbox, command);
        daemon.wait_ready();
        let keeper = kill_keeper(&daemon);
        assert_eq!(heard(&manager), format!("MAINPID={keeper}\n"));
    });
}

/// What a service manager listens on. Who hears nothing on it does not wait for ever.
fn service_manager(sandbox: &Sandbox) -> UnixDatagram {
    let socket = UnixDatagram::bind(sandbox.path("notify")).expect("a socket");
    let limited = socket.set_read_timeout(Some(PATIENCE));
    limited.expect("a socket can have a limit");
    socket
}

/// The next message to a service manager.
fn heard(manager: &UnixDatagram) -> String {
    let mut buffer = [0; 64];
    let length = manager.recv(&mut buffer).expect("a message");
    String::from_utf8_lossy(&buffer[..length]).into_owned()
}

/// A service manager that saw the keeper die before it heard of the next one starts the service anew.
#[test]
fn a_second_start_by_a_service_manager_gives_the_service_back() {
    Subject::Minder.run(|subject| {
        let daemon = Daemon::start(subject, "[program:cat]\ncommand=actor wait\n");
        daemon.wait_state("cat", "RUNNING");
        let cat = daemon.pid_of("cat");
        let keeper = kill_keeper(&daemon);
        let sandbox = daemon.sandbox();
        let start = || {
            let mut second = sandbox.command("supervisord");
            second.args(["-n", "-c", "supervisord.conf"]);
            second
        };
        let refused = start().output().expect("supervisord");
        assert_eq!(refused.status.code(), Some(2), "{refused:?}");

        let manager = service_manager(sandbox);
        let reader = thread::spawn(move || [(); 2].map(|()| heard(&manager)));
        let told = start()
            .env("NOTIFY_SOCKET", sandbox.path("notify"))
            .output()
            .expect("supervisord");
        assert_eq!(told.status.code(), Some(2), "{told:?}");
        let heard = reader.join().expect("messages");
        assert_eq!(
            heard,
            [format!("MAINPID={keeper}\n"), "BARRIER=1".to_owned()]
        );
        let said = String::from_utf8_lossy(&told.stderr);
        let line = format!("It is supervisord itself, with pid {keeper}.");
        assert!(said.contains(&line), "{said}");
        assert_eq!(daemon.pid_of("cat"), cat);
    });
}

#[test]
fn what_was_left_running_is_ended_before_anything_is_started() {
    Subject::Minder.run(|subject| {
        let config = "\
            [program:cat]\ncommand=actor wait\nstopsignal=INT\n\
            [program:deaf]\ncommand=actor ignore TERM wait\nstopwaitsecs=1\n\
            [program:gone]\ncommand=actor wait\n";
        let mut daemon = Daemon::start(subject, config);
        let programs = ["cat", "deaf", "gone"];
        for program in programs {
            daemon.wait_state(program, "RUNNING");
        }
        let pids = programs.map(|program| daemon.pid_of(program));
        kill_both(daemon.pid());
        for pid in pids {
            assert!(tree::is_alive(pid));
        }
        // One of them is not configured any more.
        let (config, _) = config.split_once("[program:gone]").expect("a section");
        daemon.sandbox().configure(config);
        daemon.start_again();
        for pid in pids {
            assert!(!tree::is_alive(pid));
        }
        let log = daemon.sandbox().read("supervisord.log");
        for (program, pid) in programs.iter().zip(pids) {
            let line = format!(
                "WARN '{program}:{program}' (pid {pid}) was left running by an earlier supervisord"
            );
            assert!(log.contains(&line), "{line}\n{log}");
        }
        assert!(log.contains(&format!("killing 'deaf:deaf' ({}) with SIGKILL", pids[1])));
        // Of each program there is one copy, and no more.
        for program in ["cat", "deaf"] {
            daemon.wait_state(program, "RUNNING");
        }
        let runs = |pid: &i32| tree::is_program(*pid);
        let folder = daemon.sandbox().folder();
        assert_eq!(tree::pids(folder).iter().filter(|pid| runs(pid)).count(), 2);
    });
}

#[test]
fn what_was_left_running_goes_on_as_what_it_was_where_that_is_wanted() {
    Subject::Minder.run(|subject| {
        let config = "\
            [supervisord]\norphans=adopt\n\
            [program:cat]\ncommand=actor wait\nstartsecs=0\n\
            [program:ends]\ncommand=actor until go exit 3\nstartsecs=0\nautorestart=false\n\
            [program:gone]\ncommand=actor wait\nstartsecs=0\n\
            [eventlistener:ear]\ncommand=actor listen heard\nevents=PROCESS_STATE\nstartsecs=0\n";
        let mut daemon = Daemon::start(subject, config);
        let programs = ["cat", "ends", "gone", "ear"];
        for program in programs {
            daemon.wait_state(program, "RUNNING");
        }
        let pids = programs.map(|program| daemon.pid_of(program));
        kill_both(daemon.pid());
        // One is not configured any more, and one is new.
        let later = config.replace("[program:gone]", "[program:new]");
        daemon.sandbox().configure(&later);
        daemon.start_again();
        for program in ["cat", "ends", "new", "ear"] {
            daemon.wait_state(program, "RUNNING");
        }
        assert_eq!(["cat", "ends"].map(|name| daemon.pid_of(name)), pids[..2]);
        assert_ne!(daemon.pid_of("ear"), pids[3]);
        for pid in &pids[2..] {
            assert!(!tree::is_alive(*pid));
        }
        // The listener has ended by itself, or has been stopped.
        for (program, pid) in programs.iter().zip(pids).take(3) {
            let what = if ["cat", "ends"].contains(program) {
                "taking it over; what it writes is lost until it is restarted"
            } else {
                "stopping it"
            };
            daemon.wait_log(&format!(
                "WARN '{program}:{program}' (pid {pid}) was left running by an earlier supervisord \
                 that was killed: {what}"
            ));
        }

        // They are what they were for whoever comes next, too: a daemon, a keeper, another start.
        kill_daemon(daemon.pid());
        daemon.wait_ready();
        assert_eq!(["cat", "ends"].map(|name| daemon.pid_of(name)), pids[..2]);
        kill_keeper(&daemon);
        assert_eq!(["cat", "ends"].map(|name| daemon.pid_of(name)), pids[..2]);
        kill_both(daemon.pid());
        daemon.start_again();
        assert_eq!(["cat", "ends"].map(|name| daemon.pid_of(name)), pids[..2]);

        // Their ends are seen, and whoever is restarted is an ordinary child again.
        daemon.sandbox().write("go", "");
        daemon.wait_state("ends", "EXITED");
        assert_eq!(daemon.ctl_line("restart cat").1, 0);
        daemon.wait_log("stopped: cat (terminated by SIGTERM)");
        assert!(!tree::is_alive(pids[0]));
        daemon.wait_state("cat", "RUNNING");
        assert!(tree::children(daemon.pid()).contains(&daemon.pid_of("cat")));
        let runs = |pid: &i32| tree::is_program(*pid);
        let folder = daemon.sandbox().folder();
        assert_eq!(tree::pids(folder).iter().filter(|pid| runs(pid)).count(), 3);
    });
}

#[test]
fn a_stranger_with_a_pid_of_the_register_is_left_alone() {
    Subject::Minder.run(|subject| {
        let mut daemon = Daemon::start(subject, "[program:cat]\ncommand=/bin/cat\n");
        daemon.wait_state("cat", "RUNNING");
        let program = daemon.pid_of("cat");
        kill_both(daemon.pid());
        signal(program, Signal::KILL);
        wait_until("it is dead", || !tree::is_alive(program));

        // As if the pid had been used anew: the register tells of a process that was there before.
        let mut stranger = daemon.sandbox().command("actor");
        let mut stranger = stranger.arg("wait").spawn().expect("an actor can be run");
        let pid = i32::try_from(stranger.id()).expect("a pid");
        replace_pid(
            &daemon.sandbox().path("supervisord.pid.children"),
            program,
            pid,
        );
        daemon.start_again();
        daemon.wait_state("cat", "RUNNING");
        assert!(tree::is_alive(pid));
        assert!(
            !daemon
                .sandbox()
                .read("supervisord.log")
                .contains("was left running")
        );
        stranger.kill().expect("it can be killed");
        stranger.wait().expect("it can be waited for");
    });
}

/// Puts another pid in the place of one in a register.
fn replace_pid(register: &Path, old: i32, new: i32) {
    let mut content = fs::read(register).expect("a register");
    let old = old.to_le_bytes();
    let place = content.windows(4).position(|window| window == old);
    let place = place.expect("the register tells of it");
    content[place..place + 4].copy_from_slice(&new.to_le_bytes());
    fs::write(register, content).expect("a register");
}

#[test]
fn the_children_of_a_living_supervisord_are_not_taken_for_left() {
    Subject::Minder.run(|subject| {
        let daemon = Daemon::start(subject, "[program:cat]\ncommand=/bin/cat\n");
        daemon.wait_state("cat", "RUNNING");
        let pid = daemon.pid_of("cat");
        let config = daemon.sandbox().read("supervisord.conf");
        let other = config
            .replace("/s.sock", "/other.sock")
            .replace("/supervisord.log", "/other.log");
        daemon.sandbox().write("other.conf", other);
        let mut second = daemon.sandbox().command("supervisord");
        let mut second = second
            .args(["-n", "-c", "other.conf"])
            .spawn()
            .expect("supervisord can be run");
        daemon.wait_file("other.log", "entered RUNNING state");
        assert_eq!(daemon.pid_of("cat"), pid);
        assert!(tree::is_alive(pid));
        let log = daemon.sandbox().read("other.log");
        assert!(log.contains("another supervisord uses it"), "{log}");
        assert!(!log.contains("was left running"), "{log}");
        let second_pid = Pid::from_child(&second);
        kill_process(second_pid, Signal::TERM).expect("it can be signalled");
        second.wait().expect("it can be waited for");
        // The first goes on, and what it needs is still there.
        assert!(daemon.sandbox().path("supervisord.pid.children").exists());
    });
}
