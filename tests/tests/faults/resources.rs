//! Resources: descriptors, processes, memory and disk space that are not there.

use std::fs;
use std::process::Command;

use minder_rpc::Value;
use minder_tests::chance::setting;
use minder_tests::http::Connection;
use minder_tests::strace::{self, Strace, Whose};
use minder_tests::vitals::Vitals;
use minder_tests::written::Written;
use minder_tests::{Daemon, Sandbox, Subject, cases, wait_until, xmlrpc};
use rustix::process::{Pid, Signal, kill_process};

use crate::{mind, parent, supervisors};

cases!(
    a_log_that_cannot_be_opened_costs_no_descriptor,
    no_descriptors_for_a_spawn_is_told_and_tried_again,
    no_process_for_a_spawn_is_told_and_tried_again,
    a_program_that_is_being_written_is_told_of,
    arguments_that_are_too_long_are_told_of,
    a_full_disk_costs_a_program_its_output_alone,
    a_full_disk_costs_the_daemon_its_log_alone,
    a_log_that_may_not_grow_costs_a_program_its_output_alone,
    clients_without_number_leave_room_for_another,
    an_accept_that_fails_is_made_good,
    a_configuration_that_cannot_be_opened_changes_nothing,
);

/// A program that has not been started yet.
const CAT: &str = "[program:cat]\ncommand=/bin/cat\nautostart=false\nstartsecs=0\n";

fn a_log_that_cannot_be_opened_costs_no_descriptor(subject: Subject) {
    let sandbox = Sandbox::configured(
        subject,
        &format!("{CAT}startretries=0\nstdout_logfile=%(here)s/logs/cat.log"),
    );
    let (logs, elsewhere) = (sandbox.path("logs"), sandbox.path("elsewhere"));
    fs::create_dir(&logs).expect("a folder in the sandbox");
    let daemon = Daemon::start_in(sandbox);
    fs::rename(&logs, &elsewhere).expect("the folder can be moved");
    let open = || -> usize {
        let pids = supervisors(&daemon);
        pids.iter().map(|pid| Vitals::of(*pid).descriptors).sum()
    };
    // On one connection: another one's descriptor may be counted a little longer than it lives.
    let mut client = daemon.connect().expect("it listens");
    let request = xmlrpc::request("supervisor.startProcess", &["cat".into()]);
    let mut try_in_vain = || {
        let answer = client.post("/RPC2", &request).expect("an answer");
        let fault = xmlrpc::answer(answer.text()).expect_err("the call must fail");
        assert_eq!(fault.0, 50);
    };
    try_in_vain();
    let before = open();
    for _ in 0..5 {
        try_in_vain();
    }
    // Supervisor forgets three pipes each time.
    let leaked = subject.differs("no-leaks", 5 * 6, 0);
    assert_eq!(open() - before, leaked);
    fs::rename(&elsewhere, &logs).expect("the folder can be moved back");
    assert_eq!(daemon.ask("startProcess", &["cat".into()]), true.into());
}

/// What the log says of `cat` while `injection` lets its starts fail, until it is given up; then it
/// is started without any.
///
/// Everything is asked on one connection. After a failed fork Supervisor goes on looking at the numbers
/// of the pipes that it has closed: a client whose connection gets one of them is taken for the
/// program's output, and never answered.
fn refused(subject: Subject, injection: &str) -> Vec<String> {
    let daemon = Daemon::start(subject, &format!("{CAT}startretries=1"));
    let mut client = daemon.connect().expect("it listens");
    let mut ask = |method: &str| {
        let request = xmlrpc::request(method, &["cat".into()]);
        let answer = client.post("/RPC2", &request).expect("an answer");
        xmlrpc::answer(answer.text())
    };
    let strace = Strace::attach(daemon.sandbox(), parent(&daemon), injection, None);
    let fault = ask("supervisor.startProcess").expect_err("the call must fail");
    assert_eq!(fault.0, 50);
    wait_until("it is given up", || {
        let info = ask("supervisor.getProcessInfo").expect("it is known");
        info.member("statename").and_then(Value::as_text) == Some("FATAL")
    });
    assert!(strace.detach() > 0, "no call was tampered with");
    assert_eq!(ask("supervisor.startProcess"), Ok(true.into()));
    daemon.wait_state("cat", "RUNNING");
    let mut log = daemon.log_about("cat");
    log.truncate(
        log.iter()
            .position(|line| line.contains("spawned"))
            .unwrap_or(0),
    );
    log
}

fn no_descriptors_for_a_spawn_is_told_and_tried_again(subject: Subject) {
    if strace::is_possible() {
        assert_eq!(
            refused(subject, "?pipe,pipe2:error=EMFILE"),
            [
                "INFO spawnerr: too many open files to spawn 'cat'",
                "INFO spawnerr: too many open files to spawn 'cat'",
                "INFO gave up: cat entered FATAL state, too many start retries too quickly",
            ]
        );
    }
}

/// What does not fit into a message takes a descriptor on its way to the keeper.
#[test]
fn no_descriptor_for_a_large_environment_is_told_and_costs_no_daemon() {
    Subject::Minder.run(|subject| {
        if !strace::is_possible() {
            return;
        }
        let large = "x".repeat(70_000);
        let daemon = Daemon::start(
            subject,
            &format!("{CAT}startretries=0\nenvironment=LARGE=\"{large}\"\n"),
        );
        let before = supervisors(&daemon);
        let injection = "memfd_create:error=EMFILE";
        let strace = Strace::attach(daemon.sandbox(), mind(&daemon), injection, None);
        assert_eq!(daemon.fault("startProcess", &["cat".into()]).0, 50);
        assert!(strace.detach() > 0, "no call was tampered with");
        daemon.wait_log("spawnerr: too many open files to spawn 'cat'");
        assert_eq!(supervisors(&daemon), before);
        assert_eq!(daemon.ask("startProcess", &["cat".into()]), true.into());
    });
}

fn no_process_for_a_spawn_is_told_and_tried_again(subject: Subject) {
    if !strace::is_possible() {
        return;
    }
    for (errno, told) in [
        (
            "EAGAIN",
            "Too many processes in process table to spawn 'cat'",
        ),
        ("ENOMEM", "unknown error during fork for 'cat': ENOMEM"),
    ] {
        let log = refused(
            subject,
            &format!("?fork,?vfork,clone,?clone3:error={errno}"),
        );
        let told = format!("INFO spawnerr: {told}");
        let gave_up = "INFO gave up: cat entered FATAL state, too many start retries too quickly";
        assert_eq!(log, [&told, &told, gave_up]);
    }
}

/// The last thing that a process says which could not become its program.
fn last_words(daemon: &Daemon) -> String {
    daemon.wait_file("err.log", "not spawned\n");
    daemon
        .sandbox()
        .without_path(&daemon.sandbox().read("err.log"))
}

fn a_program_that_is_being_written_is_told_of(subject: Subject) {
    let sandbox = Sandbox::configured(
        subject,
        "[program:busy]\ncommand=%(here)s/busy\nautostart=false\nstartsecs=0\nautorestart=false\n\
         stderr_logfile=%(here)s/err.log",
    );
    fs::copy("/bin/true", sandbox.path("busy")).expect("a copy in the sandbox");
    let writer = fs::File::options().append(true).open(sandbox.path("busy"));
    let daemon = Daemon::start_in(sandbox);
    assert_eq!(daemon.ask("startProcess", &["busy".into()]), true.into());
    assert_eq!(
        last_words(&daemon),
        "supervisor: couldn't exec DIR/busy: ETXTBSY\nsupervisor: child process was not spawned\n"
    );
    daemon.wait_log("exited: busy (exit status 127; not expected)");
    drop(writer);
    assert_eq!(daemon.ask("startProcess", &["busy".into()]), true.into());
    daemon.wait_log("exited: busy (exit status 0; expected)");
}

fn arguments_that_are_too_long_are_told_of(subject: Subject) {
    // A single one may have 128 KiB.
    let argument = "x".repeat(200_000);
    let daemon = Daemon::start(
        subject,
        &format!(
            "[program:long]\ncommand=/bin/true {argument}\nstartsecs=0\nautorestart=false\n\
             stderr_logfile=%(here)s/err.log",
        ),
    );
    assert_eq!(
        last_words(&daemon),
        "supervisor: couldn't exec /bin/true: E2BIG\nsupervisor: child process was not spawned\n"
    );
    daemon.wait_log("exited: long (exit status 127; not expected)");
}

fn a_full_disk_costs_a_program_its_output_alone(subject: Subject) {
    if !strace::is_possible() {
        return;
    }
    for errno in ["ENOSPC", "EDQUOT", "EROFS", "EIO"] {
        let daemon = Daemon::start(
            subject,
            "[program:p]\ncommand=actor drip halt\nautorestart=false\nstartsecs=0\n\
             stdout_logfile=%(here)s/p.log\nstdout_logfile_maxbytes=0\n\
             [program:other]\ncommand=actor drip halt\nautorestart=false\nstartsecs=0\n\
             stdout_logfile=%(here)s/other.log\nstdout_logfile_maxbytes=0",
        );
        let sandbox = daemon.sandbox();
        wait_until("it writes", || sandbox.read("p.log").len() > 1000);
        let pid = daemon.pid_of("p");
        let injection = format!("splice,write,writev,pwrite64,?pwritev:error={errno}");
        let strace = Strace::attach(sandbox, mind(&daemon), &injection, Some("p.log"));
        wait_until("nothing can be written", || strace.injected() > 5);
        let other = sandbox.read("other.log").len();
        wait_until("the other log goes on", || {
            sandbox.read("other.log").len() > other + 5000
        });
        strace.detach();
        let length = sandbox.read("p.log").len();
        wait_until("it is written again", || {
            sandbox.read("p.log").len() > length + 1000
        });
        assert_eq!(daemon.pid_of("p"), pid);
        sandbox.write("halt", "");
        daemon.wait_state("p", "EXITED");
        daemon.wait_state("other", "EXITED");
        assert_eq!(Written::to(sandbox, "other.log").first, 0);
        daemon.wait_file("p.log", "end ");
        // How much is missing, Supervisor says nowhere.
        let says = sandbox.read("supervisord.log").contains("bytes");
        assert!(
            subject.differs("losses-told", !says, says),
            "{}",
            sandbox.read("supervisord.log")
        );
    }
}

fn a_full_disk_costs_the_daemon_its_log_alone(subject: Subject) {
    if !strace::is_possible() {
        return;
    }
    let daemon = Daemon::start(subject, CAT);
    let sandbox = daemon.sandbox();
    let injection = "write,writev,pwrite64,?pwritev:error=ENOSPC";
    let strace = Strace::attach(sandbox, mind(&daemon), injection, Some("supervisord.log"));
    assert_eq!(
        daemon.ctl_line("start cat"),
        ("cat: started\n".to_owned(), 0)
    );
    assert_eq!(
        daemon.ctl_line("stop cat"),
        ("cat: stopped\n".to_owned(), 0)
    );
    assert!(strace.detach() > 0);
    assert!(!sandbox.read("supervisord.log").contains("spawned"));
    assert_eq!(daemon.ctl_line("start cat").1, 0);
    daemon.wait_log("spawned: 'cat'");
}

/// A limit of the size of files ends whoever reaches it, unless he has asked for an error instead.
fn a_log_that_may_not_grow_costs_a_program_its_output_alone(subject: Subject) {
    /// Of 512 or 1024 bytes each: shells do not agree.
    const BLOCKS: u64 = 2048;
    let daemon = start_limited(
        Sandbox::configured(
            subject,
            "[program:p]\ncommand=actor until go fill 3000000\nstartsecs=0\n\
             autorestart=false\nstdout_logfile=%(here)s/p.log\nstdout_logfile_maxbytes=0\n",
        ),
        &format!("-f {BLOCKS}"),
    );
    daemon.wait_state("p", "RUNNING");
    let before = supervisors(&daemon);
    daemon.sandbox().write("go", "");
    daemon.wait_state("p", "EXITED");
    let log = fs::metadata(daemon.sandbox().path("p.log")).expect("a log");
    assert!([512, 1024].contains(&(log.len() / BLOCKS)), "{}", log.len());
    assert_eq!(log.len() % BLOCKS, 0);
    assert_eq!(supervisors(&daemon), before);
}

/// Starts supervisord where nobody may open more than `descriptors`.
fn start_with_few(sandbox: Sandbox, descriptors: u32) -> Daemon {
    start_limited(sandbox, &format!("-n {descriptors}"))
}

/// Starts supervisord under a limit, in the shell's words.
fn start_limited(sandbox: Sandbox, limit: &str) -> Daemon {
    let supervisord = sandbox.path("bin/supervisord").display().to_string();
    let mut command = Command::new("/bin/sh");
    sandbox.equip(&mut command);
    let script = format!("ulimit {limit} && exec {supervisord} -n -c supervisord.conf");
    command.args(["-c", &script]);
    let daemon = Daemon::launch_command(sandbox, command);
    daemon.wait_ready();
    daemon
}

fn clients_without_number_leave_room_for_another(subject: Subject) {
    const MOST: u32 = 120;
    let sandbox = Sandbox::configured(subject, &format!("[supervisord]\nminfds=100\n{CAT}"));
    let daemon = start_with_few(sandbox, MOST);
    // None of them says a word.
    let mut idle: Vec<Connection> = (0..2 * MOST).filter_map(|_| daemon.connect()).collect();
    let open = || {
        let pid = *supervisors(&daemon).last().expect("there is one");
        Vitals::of(pid).descriptors
    };
    if subject == Subject::Supervisor {
        wait_until("there are no descriptors left", || open() >= MOST as usize);
    } else {
        assert_eq!(
            daemon.ctl_line("start cat"),
            ("cat: started\n".to_owned(), 0)
        );
        let answer = idle.pop().expect("there is one").get("/ok.html", "");
        assert_eq!(answer.expect("an answer").status(), 200);
        assert!(open() < MOST as usize);
    }
    drop(idle);
    // Supervisor is back once they have left.
    daemon.wait_ready();
    assert_eq!(
        daemon.state("cat"),
        subject.differs("room-for-clients", "STOPPED", "RUNNING")
    );
}

/// As many programs run as there are descriptors for, with their logs; the others are told why not.
/// None of those that run has to fear that there is no room for it after a crash.
#[test]
fn who_runs_is_replaced_however_few_descriptors_there_are() {
    const PROGRAMS: usize = 30;
    const MOST: u32 = 200;
    Subject::Minder.run(|subject| {
        let program = format!(
            "[supervisord]\nminfds=100\n[program:p]\ncommand=/bin/sleep 600\nnumprocs={PROGRAMS}\n\
             process_name=%(process_num)02d\nstartsecs=0\nstartretries=0\n\
             stdout_logfile=%(here)s/%(process_num)02d.out\n\
             stderr_logfile=%(here)s/%(process_num)02d.err\n"
        );
        let daemon = start_with_few(Sandbox::configured(subject, &program), MOST);
        let names = (0..PROGRAMS).map(|number| format!("p:{number:02}"));
        let names: Vec<String> = names.collect();
        let is_settled = |name: &String| ["RUNNING", "FATAL"].contains(&&*daemon.state(name));
        wait_until("each runs or is given up", || names.iter().all(is_settled));
        let (running, refused): (Vec<_>, Vec<_>) = names
            .iter()
            .partition(|name| daemon.state(name) == "RUNNING");
        assert!(!running.is_empty() && !refused.is_empty(), "{running:?}");
        let reason = daemon.info_text(refused[0], "spawnerr");
        assert!(
            reason.starts_with("too many open files to spawn"),
            "{reason}"
        );
        assert!(reason.contains(&format!("all of the {MOST} ")), "{reason}");
        daemon.wait_log("raise the hard limit");
        for name in running {
            let pid = daemon.pid_of(name);
            let killed = Pid::from_raw(pid).expect("a pid");
            kill_process(killed, Signal::KILL).expect("it runs");
            wait_until("its replacement runs", || {
                ![0, pid].contains(&daemon.pid_of(name)) && daemon.state(name) == "RUNNING"
            });
        }
    });
}

/// The daemon that becomes the keeper may have no descriptor left for what it would like to open.
#[test]
fn a_keeper_is_replaced_although_nothing_more_can_be_opened() {
    Subject::Minder.run(|subject| {
        if !strace::is_possible() {
            return;
        }
        for injection in ["memfd_create:error=EMFILE", "signalfd4:error=EMFILE:when=1"] {
            let daemon = Daemon::start(subject, &CAT.replace("autostart=false\n", ""));
            daemon.wait_state("cat", "RUNNING");
            let (keeper, cat) = (daemon.pid(), daemon.pid_of("cat"));
            let strace = Strace::attach(daemon.sandbox(), mind(&daemon), injection, None);
            let killed = Pid::from_raw(keeper).expect("a pid");
            kill_process(killed, Signal::KILL).expect("it runs");
            daemon.wait_log("goes on in its place");
            wait_until("another keeper answers", || {
                let run = daemon.ctl(&["pid"]);
                run.code == Some(0) && run.out.trim() != keeper.to_string()
            });
            assert!(strace.detach() > 0, "no call was tampered with");
            assert_eq!(daemon.pid_of("cat"), cat, "{injection}");
        }
    });
}

/// A keeper that has just become another program finds the system's table of open files full.
#[test]
fn an_upgrade_waits_for_what_the_system_has_none_of_just_now() {
    Subject::Minder.run(|subject| {
        if !strace::is_possible() {
            return;
        }
        for injection in [
            "eventfd2:error=ENFILE:when=1..3",
            "signalfd4:error=ENFILE:when=1..3",
        ] {
            let daemon = Daemon::start(subject, &CAT.replace("autostart=false\n", ""));
            daemon.wait_state("cat", "RUNNING");
            let (keeper, cat) = (daemon.pid(), daemon.pid_of("cat"));
            let strace = Strace::attach(daemon.sandbox(), Whose::Thread(keeper), injection, None);
            let (told, code) = daemon.ctl_line("upgrade");
            assert!(strace.detach() > 0, "no call was tampered with");
            assert_eq!(code, 0, "{injection}: {told}");
            assert_eq!(daemon.pid(), keeper);
            assert_eq!(daemon.pid_of("cat"), cat);
        }
    });
}

fn an_accept_that_fails_is_made_good(subject: Subject) {
    if !strace::is_possible() {
        return;
    }
    let daemon = Daemon::start(subject, "");
    let strace = Strace::attach(
        daemon.sandbox(),
        mind(&daemon),
        "?accept,accept4:error=EMFILE:when=1..3",
        None,
    );
    daemon.wait_ready();
    assert!(strace.detach() > 0);
}

fn a_configuration_that_cannot_be_opened_changes_nothing(subject: Subject) {
    if !strace::is_possible() {
        return;
    }
    let daemon = Daemon::start(subject, &CAT.replace("autostart=false", ""));
    daemon.wait_state("cat", "RUNNING");
    let pid = daemon.pid_of("cat");
    let strace = Strace::attach(
        daemon.sandbox(),
        mind(&daemon),
        "?open,openat:error=EMFILE",
        Some("supervisord.conf"),
    );
    let fault = daemon.fault("reloadConfig", &[]);
    assert_eq!(fault.0, 92, "{fault:?}");
    assert!(strace.detach() > 0);
    assert_eq!(daemon.pid_of("cat"), pid);
    assert_eq!(
        daemon.ctl_line("reread"),
        ("No config updates to processes\n".to_owned(), 0)
    );
}

/// Nothing that is done again and again leaves anything behind. `MINDER_SOAK=10000` makes it long.
#[test]
fn nothing_grows_whatever_is_done_again_and_again() {
    /// How often, if nobody says.
    const TURNS: usize = 50;
    /// What allocators and caches may keep in the end.
    const SLACK: u64 = 4 << 20;
    const STAYS: &str = "[program:stays]\ncommand=actor drip halt\nstdout_logfile=%(here)s/p.log\n\
                         stdout_logfile_maxbytes=32KB\nstdout_logfile_backups=2\n\
                         [eventlistener:ear]\ncommand=actor listen /dev/null\nevents=PROCESS_STATE\n";
    Subject::Minder.run(|subject| {
        let turns = setting("MINDER_SOAK", TURNS);
        let config = |turn: usize| {
            format!(
                "{STAYS}[program:p{}]\ncommand=/bin/cat\nstartsecs=0",
                turn % 2
            )
        };
        let daemon = Daemon::start(subject, &config(0));
        daemon.wait_state("stays", "RUNNING");
        let turn = |number: usize| {
            daemon.sandbox().configure(&config(number));
            assert_eq!(daemon.ctl(&["update"]).code, Some(0));
            let name = format!("p{}", number % 2);
            daemon.wait_state(&name, "RUNNING");
            for method in ["stopProcess", "startProcess"] {
                assert_eq!(daemon.ask(method, &[name.as_str().into()]), true.into());
            }
            assert_eq!(daemon.ctl(&["status"]).code, Some(0));
            assert_eq!(daemon.ctl(&["tail", &name]).code, Some(0));
            let mut hasty = daemon.connect().expect("it listens");
            hasty.send("POST /RPC2 HT").expect("it reads");
        };
        // Until what is kept for the next time is there.
        for number in 0..20 {
            turn(number);
        }
        let vitals = || {
            supervisors(&daemon)
                .into_iter()
                .map(Vitals::of)
                .collect::<Vec<_>>()
        };
        let files = || {
            let mut files = daemon.sandbox().files();
            files.retain(|name| !name.starts_with("supervisord.log"));
            files
        };
        let (before, files_before) = (vitals(), files());
        for number in 20..20 + 2 * turns.div_ceil(2) {
            turn(number);
        }
        // The last connections have yet to be closed, and threads that read files to end.
        wait_until(
            "there are no more descriptors and threads than before",
            || {
                let mut pairs = before.iter().zip(vitals());
                pairs.all(|(before, after)| {
                    after.descriptors <= before.descriptors && after.threads <= before.threads
                })
            },
        );
        eprintln!("{turns} turns: {before:?}, then {:?}", vitals());
        for (before, after) in before.iter().zip(vitals()) {
            assert!(
                after.memory <= before.memory + SLACK,
                "{before:?}, then {after:?}"
            );
        }
        // Automatic logs of programs that were removed stay, as Supervisor's do.
        let named = |files: Vec<String>| -> Vec<String> {
            files
                .into_iter()
                .filter(|name| !name.contains("---supervisor-"))
                .collect()
        };
        assert_eq!(named(files()), named(files_before));
        let mut temporary = fs::read_dir(daemon.sandbox().path("tmp")).expect("a folder");
        assert!(temporary.next().is_none());
    });
}

/// A flood of output, and clients that ask for more than they take, cost a bounded amount of memory.
#[test]
fn floods_and_slow_readers_cost_little_memory() {
    const READERS: usize = 60;
    const BOUND: u64 = 64 << 20;
    Subject::Minder.run(|subject| {
        let daemon = Daemon::start(
            subject,
            "[program:flood]\ncommand=actor flood halt\nautorestart=false\n\
             stdout_logfile=%(here)s/p.log\nstdout_logfile_maxbytes=4MB\nstdout_logfile_backups=1\n\
             redirect_stderr=true",
        );
        daemon.wait_state("flood", "RUNNING");
        let path = daemon.sandbox().path("p.log.1");
        let mut readers: Vec<Connection> = (0..READERS)
            .map(|_| {
                let mut reader = daemon.connect().expect("it listens");
                let request = "GET /logtail/flood HTTP/1.1\r\nHost: localhost\r\n\r\n";
                reader.send(request).expect("it reads");
                reader
            })
            .collect();
        // Each has an answer under way, and takes no more of it.
        for reader in &mut readers {
            assert_eq!(reader.head().expect("an answer").status(), 200);
        }
        for _ in 0..3 {
            wait_until("a file is full", || path.exists());
            fs::remove_file(&path).expect("the backup can be removed");
        }
        wait_until("the log is read", || {
            let all = ["flood".into(), 0.into(), 0.into()];
            let value = daemon.ask("readProcessStdoutLog", &all);
            // Right after a rotation there is nothing in it.
            value.as_text().is_some_and(|text| !text.is_empty())
        });
        for pid in supervisors(&daemon) {
            let vitals = Vitals::of(pid);
            assert!(vitals.memory < BOUND, "{vitals:?}");
        }
    });
}
