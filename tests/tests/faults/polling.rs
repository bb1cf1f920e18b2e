//! The loops: descriptors that hang up, calls that are interrupted, and nothing to do.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Write;
use std::process::{Command, Stdio};

use minder_tests::strace::{self, Strace, Whose};
use minder_tests::vitals::{Rest, rests, switches};
use minder_tests::{Daemon, Subject, cases, normal, wait_for, wait_until};

use crate::{mind, parent, supervisors};

cases!(
    who_has_nothing_to_do_sleeps,
    a_program_without_outputs_costs_nothing,
);

/// Waits until the supervisor rests. Each of Minder's threads waits until something happens, and
/// does nothing while others come and go; Supervisor waits for a time, since its loop turns once a
/// second.
fn wait_rest(daemon: &Daemon) {
    /// So many others come and go.
    const OTHERS: usize = 20;
    let rests = || -> Vec<Rest> { supervisors(daemon).into_iter().flat_map(rests).collect() };
    if daemon.subject().differs("no-tick", true, false) {
        wait_until("it waits for its next turn", || rests() == [Rest::Limited]);
        return;
    }
    let all_rest = || rests().iter().all(|rest| *rest == Rest::Unlimited);
    let steps = || -> u64 { supervisors(daemon).into_iter().map(switches).sum() };
    // What was finished just now may still have to be put away.
    wait_until("nothing is done, and no time is waited for", || {
        let before = steps();
        all_rest() && {
            for _ in 0..OTHERS {
                let status = Command::new("true").status();
                assert!(status.is_ok_and(|status| status.success()));
            }
            all_rest() && steps() == before
        }
    });
}

fn who_has_nothing_to_do_sleeps(subject: Subject) {
    if !strace::is_possible() {
        return;
    }
    let daemon = Daemon::start(
        subject,
        "[program:cat]\ncommand=/bin/cat\nstartsecs=0\n[program:off]\ncommand=/bin/cat\n\
         autostart=false\n[eventlistener:ear]\ncommand=actor listen heard\nevents=PROCESS_STATE\n\
         startsecs=0",
    );
    daemon.wait_state("cat", "RUNNING");
    daemon.wait_state("ear", "RUNNING");
    daemon.wait_file("heard", "processname:ear");
    wait_rest(&daemon);
}

fn a_program_without_outputs_costs_nothing(subject: Subject) {
    if !strace::is_possible() {
        return;
    }
    let daemon = Daemon::start(
        subject,
        "[program:mute]\ncommand=/bin/sh -c 'exec /bin/sleep 1000 >&- 2>&-'\nstartsecs=0",
    );
    daemon.wait_state("mute", "RUNNING");
    let pid = daemon.pid_of("mute");
    wait_until("it has closed them", || {
        let fd = std::fs::read_dir(format!("/proc/{pid}/fd")).expect("it lives");
        fd.count() <= 1
    });
    wait_rest(&daemon);
}

/// The calls of the keeper that may sleep, and those that others write so that they might.
const OF_THE_KEEPER: &str = "read,write,writev,pread64,pwrite64,splice,sendmsg,recvmsg,?poll,ppoll,\
                             ?open,openat,wait4,waitid,nanosleep,clock_nanosleep,ftruncate";

/// The same of the daemon. What its runtime does with sockets and counters that never block cannot be
/// interrupted, and it does not expect that: `write`, `writev`, `recvfrom`, `connect` and `accept4`
/// are left out. So is `futex`: a call that wakes others is never interrupted, and here it would be
/// left undone, so that they sleep for ever.
const OF_THE_DAEMON: &str = "read,pread64,pwrite64,splice,sendmsg,recvmsg,?poll,ppoll,?epoll_wait,\
                             epoll_pwait,?open,openat,nanosleep,clock_nanosleep,ftruncate,fallocate,\
                             flock";

/// Those of the client, with the same exceptions.
const OF_THE_CLIENT: &str =
    "read,?poll,ppoll,?epoll_wait,epoll_pwait,?open,openat,nanosleep,clock_nanosleep";

/// What a day in the life of a daemon looks like from outside.
#[derive(Debug, PartialEq, Eq)]
struct Day {
    answers: Vec<(String, Option<i32>)>,
    log: Vec<String>,
    output: String,
    heard: usize,
}

const PROGRAMS: &str = "\
[program:cat]
command=/bin/cat
startsecs=0
[program:writer]
command=actor out one err two fill 100000 until go exit 3
autostart=false
startsecs=0
autorestart=false
stdout_logfile=%(here)s/p.log
stdout_logfile_maxbytes=30KB
redirect_stderr=true
[eventlistener:ear]
command=actor listen heard
events=PROCESS_STATE
startsecs=0
";

/// One such day; `interrupt` is asked first.
fn day(subject: Subject, interrupt: impl Fn(&Daemon) -> Option<Strace>) -> Day {
    let daemon = Daemon::start(subject, PROGRAMS);
    daemon.wait_state("cat", "RUNNING");
    daemon.wait_state("ear", "RUNNING");
    daemon.wait_file("heard", "processname:ear");
    let interrupted = interrupt(&daemon);
    let mut answers = Vec::new();
    let mut ctl = |line: &str| {
        let run = daemon.ctl(&line.split(' ').collect::<Vec<_>>());
        answers.push((normal::status(&run.out) + &run.err, run.code));
    };
    ctl("start writer");
    ctl("restart cat");
    ctl("status");
    ctl("signal HUP ear");
    // What happens by itself has no order among what is asked for.
    wait_until("the listener is back", || {
        let log = daemon.log_about("ear");
        log.iter().filter(|line| line.contains("success")).count() == 2
    });
    daemon.sandbox().configure(&format!(
        "{PROGRAMS}[program:new]\ncommand=/bin/cat\nstartsecs=0"
    ));
    ctl("update");
    ctl("stop new");
    daemon.sandbox().write("go", "");
    daemon.wait_state("writer", "EXITED");
    ctl("status cat");
    ctl("tail -20 writer");
    // The listener was killed once; what comes behind its second beginning is the same each day.
    let heard = wait_for("the last event is heard", || {
        let heard = daemon.sandbox().read("heard");
        heard
            .contains("processname:writer groupname:writer from_state:RUNNING")
            .then_some(heard)
    });
    ctl("shutdown");
    wait_until("it has ended", || {
        !daemon.sandbox().path("supervisord.pid").exists()
    });
    if let Some(strace) = interrupted {
        let count = strace.detach();
        eprintln!("{count} calls were interrupted");
        assert!(count > 20, "only {count} calls were interrupted");
    }
    let rotated = ["p.log.4", "p.log.3", "p.log.2", "p.log.1", "p.log"];
    let mut log = daemon.log();
    // Said only if it takes a while.
    log.retain(|line| !line.starts_with("INFO waiting for "));
    Day {
        answers,
        log,
        output: rotated.map(|file| daemon.sandbox().read(file)).concat(),
        heard: serials(&heard).len(),
    }
}

/// The numbers of the events that were heard, of which some may have been heard twice: one that a
/// listener dies with comes again.
fn serials(heard: &str) -> BTreeSet<&str> {
    let words = heard.split_whitespace();
    words
        .filter_map(|word| word.strip_prefix("serial:"))
        .collect()
}

/// Every second call is interrupted, in the keeper and in the daemon. The day is the same.
#[test]
fn interrupted_calls_change_nothing() {
    Subject::Minder.run(|subject| {
        if !strace::is_possible() {
            return;
        }
        let undisturbed = day(subject, |_| None);
        let disturbed = |whose: fn(&Daemon) -> Whose, calls: &str| {
            let injection = format!("{calls}:error=EINTR:when=1+2");
            day(subject, |daemon| {
                Some(Strace::attach(
                    daemon.sandbox(),
                    whose(daemon),
                    &injection,
                    None,
                ))
            })
        };
        assert_eq!(disturbed(parent, OF_THE_KEEPER), undisturbed);
        assert_eq!(disturbed(mind, OF_THE_DAEMON), undisturbed);
    });
}

/// The same for the client: its shell says the same.
#[test]
fn an_interrupted_client_prints_the_same() {
    const WORDS: &str = "status\npid\navail\nrestart cat\nreread\ntail cat\nnonsense\nquit\n";
    Subject::Minder.run(|subject| {
        if !strace::is_possible() {
            return;
        }
        let daemon = Daemon::start(subject, "[program:cat]\ncommand=/bin/cat\nstartsecs=0");
        daemon.wait_state("cat", "RUNNING");
        let plain = daemon.shell(WORDS);
        let said = File::create(daemon.sandbox().path("said")).expect("a file in the sandbox");
        let mut client = daemon
            .ctl_command(&[])
            .stdin(Stdio::piped())
            .stdout(said)
            .spawn()
            .expect("supervisorctl can be run");
        daemon.wait_file("said", "supervisor> ");
        let pid = i32::try_from(client.id()).expect("a pid");
        let injection = format!("{OF_THE_CLIENT}:error=EINTR:when=1+2");
        let strace = Strace::attach(daemon.sandbox(), Whose::Process(pid), &injection, None);
        let mut words = client.stdin.take().expect("its input is a pipe");
        words.write_all(WORDS.as_bytes()).expect("it reads");
        drop(words);
        let status = wait_for("it ends", || client.try_wait().expect("a child"));
        assert!(strace.detach() > 20);
        assert_eq!(status.code(), plain.code);
        let said = daemon.sandbox().read("said");
        assert_eq!(normal::status(&said), normal::status(&plain.out));
    });
}
