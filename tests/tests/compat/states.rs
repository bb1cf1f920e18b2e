//! States: what may be asked of a process in each, what is said of it, and how attempts are counted.

use minder_rpc::Value;
use minder_tests::{Daemon, Sandbox, Subject, cases, tree, wait_until};
use rustix::process::Signal;

cases!(
    attempts_are_one_more_than_retries,
    without_retries_there_is_one_attempt,
    a_fatal_process_may_be_started_again,
    a_process_in_backoff_is_already_started,
    a_process_in_backoff_is_stopped_at_once,
    a_process_that_starts_may_be_stopped,
    a_stopping_process_is_not_started_again,
    a_stopping_process_counts_as_one_to_be_started,
    a_stopping_process_is_left_out_of_stopping_all,
    a_stopping_process_may_be_signalled,
    a_process_that_is_not_started_is_described_so,
    a_stopped_process_is_described_by_the_time_of_its_end,
    a_running_process_is_described_by_pid_and_uptime,
    a_failed_process_is_described_by_its_error,
    times_and_codes_are_kept_until_the_next_start,
    an_end_without_start_seconds_was_running,
    deaths_are_named_after_their_signal,
    stops_are_named_after_their_signal,
    the_whole_group_is_killed_if_asked_for,
    only_the_process_is_killed_otherwise,
    a_missing_interpreter_is_told_in_the_child_s_log,
    groups_start_by_priority_and_name,
    members_start_in_the_order_of_their_group,
    starting_a_group_goes_by_priority,
    stopping_all_goes_by_ascending_priority,
    later_groups_start_in_their_own_order,
    a_pool_may_be_empty,
    hup_is_ignored_while_it_ends,
    term_during_a_restart_ends_it,
    harmless_signals_change_nothing,
    the_end_waits_for_every_process,
);

fn start(daemon: &Daemon, name: &str, wait: bool) -> Result<Value, (i64, String)> {
    daemon.call("supervisor.startProcess", &[name.into(), wait.into()])
}

/// How many lines of the log begin with `start`.
fn count(daemon: &Daemon, start: &str) -> usize {
    let log = daemon.log();
    log.iter().filter(|line| line.starts_with(start)).count()
}

fn attempts_are_one_more_than_retries(subject: Subject) {
    let daemon = Daemon::start(
        subject,
        "[program:p]\ncommand=actor exit 1\nstartsecs=5\nstartretries=2",
    );
    daemon.wait_state("p", "FATAL");
    assert_eq!(count(&daemon, "INFO spawned: 'p'"), 3);
    assert_eq!(
        count(&daemon, "WARN exited: p (exit status 1; not expected)"),
        3
    );
}

fn without_retries_there_is_one_attempt(subject: Subject) {
    let daemon = Daemon::start(
        subject,
        "[program:p]\ncommand=actor exit 1\nstartsecs=5\nstartretries=0",
    );
    daemon.wait_state("p", "FATAL");
    assert_eq!(count(&daemon, "INFO spawned: 'p'"), 1);
}

fn a_fatal_process_may_be_started_again(subject: Subject) {
    let daemon = Daemon::start(
        subject,
        "[program:p]\ncommand=sh -c \"test -e go && exec cat; exit 1\"\nstartsecs=2\n\
         startretries=0",
    );
    daemon.wait_state("p", "FATAL");
    daemon.sandbox().write("go", "");
    assert_eq!(daemon.ctl_line("start p").0, "p: started\n");
    assert_eq!(daemon.info_text("p", "spawnerr"), "");
}

fn a_process_in_backoff_is_already_started(subject: Subject) {
    let daemon = Daemon::start(
        subject,
        "[program:p]\ncommand=sh -c \"exit 1\"\nstartsecs=60\nstartretries=99",
    );
    daemon.wait_state("p", "BACKOFF");
    // It may be in the middle of the next attempt, which is as much started.
    assert_eq!(
        start(&daemon, "p", true),
        Err((60, "ALREADY_STARTED: p".to_owned()))
    );
    assert_eq!(daemon.ctl_line("start p").0, "p: ERROR (already started)\n");
}

fn a_process_in_backoff_is_stopped_at_once(subject: Subject) {
    let daemon = Daemon::start(subject, "[program:p]\ncommand=/no/such\nstartretries=99");
    daemon.wait_state("p", "BACKOFF");
    assert_eq!(daemon.ctl_line("stop p").0, "p: stopped\n");
    assert_eq!(daemon.state("p"), "STOPPED");
    assert_eq!(daemon.ctl_line("stop p").0, "p: ERROR (not running)\n");
    assert_eq!(
        daemon.info_text("p", "spawnerr"),
        "can't find command '/no/such'"
    );
}

fn a_process_that_starts_may_be_stopped(subject: Subject) {
    let daemon = Daemon::start(subject, "[program:p]\ncommand=/bin/cat\nstartsecs=600");
    daemon.wait_state("p", "STARTING");
    assert_eq!(daemon.ctl_line("signal CONT p").0, "p: signalled\n");
    assert_eq!(daemon.ctl_line("start p").0, "p: ERROR (already started)\n");
    assert_eq!(daemon.ctl_line("stop p").0, "p: stopped\n");
    assert_eq!(daemon.state("p"), "STOPPED");
}

/// A daemon with a process `p` that has been asked to stop, and does so once it is killed.
fn stopping(subject: Subject) -> Daemon {
    let daemon = Daemon::start(
        subject,
        "[program:p]\ncommand=actor ignore TERM out ready wait\nstartsecs=0\nstopwaitsecs=600\n\
         stdout_logfile=%(here)s/p.log\nautorestart=false",
    );
    daemon.wait_file("p.log", "ready");
    daemon.wait_state("p", "RUNNING");
    assert_eq!(
        daemon.ask("stopProcess", &["p".into(), false.into()]),
        true.into()
    );
    assert_eq!(daemon.state("p"), "STOPPING");
    daemon
}

fn a_stopping_process_is_not_started_again(subject: Subject) {
    let daemon = stopping(subject);
    assert_eq!(start(&daemon, "p", false), Ok(true.into()));
    assert_eq!(
        start(&daemon, "p", true),
        Err((40, "ABNORMAL_TERMINATION: p".to_owned()))
    );
    assert_eq!(count(&daemon, "WARN process 'p' already running"), 2);
    assert_eq!(daemon.state("p"), "STOPPING");
}

fn entry(name: &str, status: i32, description: &str) -> Value {
    Value::Struct(vec![
        ("name".into(), name.into()),
        ("group".into(), name.into()),
        ("status".into(), status.into()),
        ("description".into(), description.into()),
    ])
}

fn a_stopping_process_counts_as_one_to_be_started(subject: Subject) {
    let daemon = stopping(subject);
    assert_eq!(
        daemon.ask("startAllProcesses", &[false.into()]),
        Value::Array(vec![entry("p", 80, "OK")])
    );
    assert_eq!(
        daemon.ask("startProcessGroup", &["p".into(), true.into()]),
        Value::Array(vec![entry("p", 40, "ABNORMAL_TERMINATION: p")])
    );
}

fn a_stopping_process_is_left_out_of_stopping_all(subject: Subject) {
    let daemon = stopping(subject);
    assert_eq!(daemon.ask("stopAllProcesses", &[]), Value::Array(vec![]));
    assert_eq!(
        daemon.ctl_line("stop p"),
        ("p: ERROR (not running)\n".to_owned(), 0)
    );
}

fn a_stopping_process_may_be_signalled(subject: Subject) {
    let daemon = stopping(subject);
    assert_eq!(
        daemon.ask("signalAllProcesses", &["CONT".into()]),
        Value::Array(vec![entry("p", 80, "OK")])
    );
    assert_eq!(daemon.info_text("p", "description"), "");
    assert_eq!(daemon.ctl_line("signal KILL p").0, "p: signalled\n");
    daemon.wait_state("p", "STOPPED");
    daemon.wait_log("WARN stopped: p (terminated by SIGKILL)");
}

fn a_process_that_is_not_started_is_described_so(subject: Subject) {
    let daemon = Daemon::start(subject, "[program:p]\ncommand=/bin/cat\nautostart=false");
    assert_eq!(daemon.state("p"), "STOPPED");
    assert_eq!(daemon.info_text("p", "description"), "Not started");
    assert_eq!(daemon.log_about("p"), [""; 0]);
}

fn a_stopped_process_is_described_by_the_time_of_its_end(subject: Subject) {
    let daemon = Daemon::start(
        subject,
        "[program:p]\ncommand=/bin/cat\nstartsecs=0\n\
         [program:q]\ncommand=actor exit 0\nstartsecs=0\nautorestart=false",
    );
    daemon.wait_state("p", "RUNNING");
    daemon.wait_state("q", "EXITED");
    assert_eq!(daemon.ctl_line("stop p").1, 0);
    for process in ["p", "q"] {
        // Such as `Nov 23 02:52 PM`.
        let text = daemon.info_text(process, "description");
        let shape: String = text
            .chars()
            .map(|c| match c {
                'A'..='Z' => 'A',
                'a'..='z' => 'a',
                '0'..='9' => '0',
                other => other,
            })
            .collect();
        assert_eq!(shape, "Aaa 00 00:00 AA", "{text}");
    }
}

fn a_running_process_is_described_by_pid_and_uptime(subject: Subject) {
    let daemon = Daemon::start(subject, "[program:p]\ncommand=/bin/cat\nstartsecs=0");
    daemon.wait_state("p", "RUNNING");
    let text = daemon.info_text("p", "description");
    let start = format!("pid {}, uptime 0:00:", daemon.pid_of("p"));
    let seconds = text
        .strip_prefix(&start)
        .unwrap_or_else(|| panic!("{text}"));
    assert!(
        seconds.len() == 2 && seconds.parse::<u8>().is_ok(),
        "{text}"
    );
}

fn a_failed_process_is_described_by_its_error(subject: Subject) {
    let daemon = Daemon::start(
        subject,
        "[program:p]\ncommand=/no/such\nstartretries=0\n\
         [program:q]\ncommand=/no/such\nstartretries=99",
    );
    daemon.wait_state("p", "FATAL");
    daemon.wait_state("q", "BACKOFF");
    for process in ["p", "q"] {
        let text = daemon.info_text(process, "description");
        assert_eq!(text, "can't find command '/no/such'");
    }
}

fn times_and_codes_are_kept_until_the_next_start(subject: Subject) {
    let daemon = Daemon::start(
        subject,
        "[program:p]\ncommand=sh -c \"test -e go && exec cat; exit 5\"\nstartsecs=0\n\
         autorestart=false",
    );
    daemon.wait_state("p", "EXITED");
    let number = |member: &str| {
        let info = daemon.ask("getProcessInfo", &["p".into()]);
        info.member(member)
            .and_then(Value::as_int)
            .expect("a number")
    };
    assert_eq!(
        (number("exitstatus"), number("pid"), number("state")),
        (5, 0, 100)
    );
    assert!(number("start") > 0 && number("stop") >= number("start"));
    assert_eq!(daemon.info_text("p", "spawnerr"), "Bad exit code 5");
    let stop = number("stop");
    daemon.sandbox().write("go", "");
    assert_eq!(daemon.ctl_line("start p").0, "p: started\n");
    assert_eq!((number("exitstatus"), number("stop")), (0, stop));
    assert!(number("start") >= stop && number("now") >= stop);
    assert_eq!(daemon.info_text("p", "spawnerr"), "");
}

fn an_end_without_start_seconds_was_running(subject: Subject) {
    let daemon = Daemon::start(
        subject,
        "[program:p]\ncommand=actor exit 0\nstartsecs=0\nautostart=false",
    );
    assert_eq!(daemon.ctl_line("start p").0, "p: started\n");
    daemon.wait_state("p", "EXITED");
    assert_eq!(
        daemon.log_about("p"),
        [
            "INFO spawned: 'p' with pid N",
            "INFO success: p entered RUNNING state, process has stayed up for > than 0 seconds \
             (startsecs)",
            "INFO exited: p (exit status 0; expected)",
        ]
    );
}

fn deaths_are_named_after_their_signal(subject: Subject) {
    let daemon = Daemon::start(
        subject,
        "[program:p]\ncommand=/bin/cat\nstartsecs=0\nautorestart=false",
    );
    daemon.wait_state("p", "RUNNING");
    for (signal, name) in [
        ("HUP", "SIGHUP"),
        ("10", "SIGUSR1"),
        ("alrm", "SIGALRM"),
        ("34", "SIGRTMIN"),
    ] {
        let sent = daemon.ask("signalProcess", &["p".into(), signal.into()]);
        assert_eq!(sent, true.into());
        daemon.wait_state("p", "EXITED");
        daemon.wait_log(&format!(
            "WARN exited: p (terminated by {name}; not expected)"
        ));
        assert_eq!(daemon.ctl_line("start p").0, "p: started\n");
        daemon.wait_state("p", "RUNNING");
    }
}

fn stops_are_named_after_their_signal(subject: Subject) {
    let daemon = Daemon::start(
        subject,
        "[program:hup]\ncommand=/bin/cat\nstartsecs=0\nstopsignal=hup\n\
         [program:int]\ncommand=/bin/cat\nstartsecs=0\nstopsignal=2\n\
         [program:kill]\ncommand=/bin/cat\nstartsecs=0\nstopsignal=SIGKILL\n\
         [program:usr]\ncommand=/bin/cat\nstartsecs=0\nstopsignal=USR2",
    );
    for (process, name) in [
        ("hup", "SIGHUP"),
        ("int", "SIGINT"),
        ("kill", "SIGKILL"),
        ("usr", "SIGUSR2"),
    ] {
        daemon.wait_state(process, "RUNNING");
        assert_eq!(daemon.ctl_line(&format!("stop {process}")).1, 0);
        daemon.wait_log(&format!("WARN stopped: {process} (terminated by {name})"));
    }
}

/// A shell that ignores TERM as its child does, and has written the child's pid.
fn stubborn_family(subject: Subject, options: &str) -> (Daemon, i32) {
    let daemon = Daemon::start(
        subject,
        &format!(
            "[program:p]\ncommand=sh -c \"trap '' TERM; sleep 1000 & echo $!; wait\"\nstartsecs=0\n\
             stopwaitsecs=1\nstdout_logfile=%(here)s/pid\n{options}"
        ),
    );
    daemon.wait_file("pid", "\n");
    let child = daemon.sandbox().read("pid").trim().parse().expect("a pid");
    (daemon, child)
}

fn the_whole_group_is_killed_if_asked_for(subject: Subject) {
    let (daemon, child) = stubborn_family(subject, "killasgroup=true");
    assert_eq!(daemon.ctl_line("stop p").0, "p: stopped\n");
    wait_until("the grandchild has ended", || !tree::is_alive(child));
}

fn only_the_process_is_killed_otherwise(subject: Subject) {
    let (daemon, child) = stubborn_family(subject, "");
    assert_eq!(daemon.ctl_line("stop p").0, "p: stopped\n");
    daemon.wait_log("WARN stopped: p (terminated by SIGKILL)");
    assert!(tree::is_alive(child));
}

fn a_missing_interpreter_is_told_in_the_child_s_log(subject: Subject) {
    let sandbox = Sandbox::configured(
        subject,
        "[program:p]\ncommand=%(here)s/run\nstartsecs=0\nautorestart=false\nredirect_stderr=true\n\
         stdout_logfile=%(here)s/p.log",
    );
    sandbox.script("run", "#!/no/such/interpreter\n");
    let daemon = Daemon::start_in(sandbox);
    daemon.wait_file("p.log", "not spawned\n");
    let log = daemon
        .sandbox()
        .without_path(&daemon.sandbox().read("p.log"));
    assert_eq!(
        log,
        "supervisor: couldn't exec DIR/run: ENOENT\n\
         supervisor: child process was not spawned\n"
    );
    daemon.wait_state("p", "EXITED");
}

/// The names in the log lines that begin with `start`, in order.
fn order(daemon: &Daemon, start: &str) -> Vec<String> {
    let name = |rest: &str| {
        rest.split([' ', '\''])
            .next()
            .unwrap_or_default()
            .to_owned()
    };
    daemon
        .log()
        .iter()
        .filter_map(|line| line.strip_prefix(start))
        .map(name)
        .collect()
}

const SPAWNED: &str = "INFO spawned: '";

fn groups_start_by_priority_and_name(subject: Subject) {
    let daemon = Daemon::start(
        subject,
        "[program:z]\ncommand=/bin/cat\n[program:b]\ncommand=/bin/cat\n\
         [program:a]\ncommand=/bin/cat\npriority=1000\n\
         [program:m]\ncommand=/bin/cat\npriority=-5\n[program:B]\ncommand=/bin/cat",
    );
    daemon.wait_log("spawned: 'a'");
    assert_eq!(order(&daemon, SPAWNED), ["m", "B", "b", "z", "a"]);
}

/// A group whose members' priorities are against its order.
const GROUP: &str = "[group:g]\nprograms=z,y,x\n[program:x]\ncommand=/bin/cat\nstartsecs=0\n\
                     priority=1\n[program:y]\ncommand=/bin/cat\nstartsecs=0\npriority=2\n\
                     [program:z]\ncommand=/bin/cat\nstartsecs=0\npriority=3\n";

fn members_start_in_the_order_of_their_group(subject: Subject) {
    let daemon = Daemon::start(subject, GROUP);
    daemon.wait_log("spawned: 'x'");
    assert_eq!(order(&daemon, SPAWNED), ["z", "y", "x"]);
}

fn starting_a_group_goes_by_priority(subject: Subject) {
    let daemon = Daemon::start(subject, GROUP);
    for process in ["g:x", "g:y", "g:z"] {
        daemon.wait_state(process, "RUNNING");
    }
    assert_eq!(daemon.ctl_line("stop g:*").1, 0);
    let before = order(&daemon, SPAWNED).len();
    assert_eq!(
        daemon.ctl_line("start g:*").0,
        "g:x: started\ng:y: started\ng:z: started\n"
    );
    assert_eq!(order(&daemon, SPAWNED)[before..], ["x", "y", "z"]);
}

fn stopping_all_goes_by_ascending_priority(subject: Subject) {
    let daemon = Daemon::start(
        subject,
        "[supervisord]\nloglevel=debug\n\
         [program:late]\ncommand=/bin/cat\nstartsecs=0\npriority=30\n\
         [program:early]\ncommand=/bin/cat\nstartsecs=0\npriority=10\n\
         [program:middle]\ncommand=/bin/cat\nstartsecs=0\npriority=20",
    );
    for process in ["early", "middle", "late"] {
        daemon.wait_state(process, "RUNNING");
    }
    assert_eq!(daemon.ctl_line("stop all").1, 0);
    assert_eq!(order(&daemon, "DEBG killing "), ["early", "middle", "late"]);
}

fn later_groups_start_in_their_own_order(subject: Subject) {
    let daemon = Daemon::start(subject, "[program:m]\ncommand=/bin/cat");
    daemon.wait_log("spawned: 'm'");
    daemon.sandbox().configure(
        "[program:m]\ncommand=/bin/cat\n[program:z]\ncommand=/bin/cat\npriority=1\n\
         [program:a]\ncommand=/bin/cat",
    );
    assert_eq!(
        daemon.ctl_line("update").0,
        "z: added process group\na: added process group\n"
    );
    daemon.wait_log("spawned: 'a'");
    daemon.wait_log("spawned: 'z'");
    assert_eq!(order(&daemon, SPAWNED), ["m", "z", "a"]);
}

fn a_pool_may_be_empty(subject: Subject) {
    let daemon = Daemon::start(
        subject,
        "[program:p]\ncommand=/bin/cat\nnumprocs=0\nprocess_name=%(process_num)d",
    );
    assert_eq!(daemon.ask("getAllProcessInfo", &[]), Value::Array(vec![]));
    assert_eq!(
        daemon.ask("startProcessGroup", &["p".into()]),
        Value::Array(vec![])
    );
    assert_eq!(daemon.ctl_line("remove p").0, "p: removed process group\n");
}

/// A daemon that has begun to end, and waits for a process until the file `go` exists.
fn ending(subject: Subject, signal: Signal) -> Daemon {
    let daemon = Daemon::start(
        subject,
        "[program:p]\ncommand=actor ignore TERM out ready until go\nstartsecs=0\n\
         stopwaitsecs=600\nstdout_logfile=%(here)s/p.log",
    );
    daemon.wait_file("p.log", "ready");
    daemon.wait_state("p", "RUNNING");
    daemon.signal(signal);
    daemon.wait_log("INFO waiting for p to die");
    daemon
}

fn hup_is_ignored_while_it_ends(subject: Subject) {
    let mut daemon = ending(subject, Signal::TERM);
    daemon.signal(Signal::HUP);
    daemon.wait_log("WARN ignored SIGHUP indicating restart request (shutdown in progress)");
    daemon.sandbox().write("go", "");
    assert_eq!(daemon.wait_end(), 0);
}

fn term_during_a_restart_ends_it(subject: Subject) {
    let mut daemon = ending(subject, Signal::HUP);
    daemon.signal(Signal::TERM);
    daemon.wait_log("WARN received SIGTERM indicating exit request");
    daemon.sandbox().write("go", "");
    assert_eq!(daemon.wait_end(), 0);
    assert_eq!(count(&daemon, "INFO supervisord started with pid"), 1);
}

fn harmless_signals_change_nothing(subject: Subject) {
    let daemon = Daemon::start(subject, "[program:p]\ncommand=/bin/cat\nstartsecs=0");
    daemon.wait_state("p", "RUNNING");
    let pid = daemon.pid_of("p");
    let before = daemon.log();
    for signal in [
        Signal::CONT,
        Signal::WINCH,
        Signal::URG,
        Signal::CHILD,
        Signal::PIPE,
    ] {
        daemon.signal(signal);
    }
    assert_eq!(
        daemon.ask("getState", &[]).member("statecode"),
        Some(&1.into())
    );
    assert_eq!((daemon.pid_of("p"), daemon.log()), (pid, before));
}

fn the_end_waits_for_every_process(subject: Subject) {
    let mut daemon = ending(subject, Signal::INT);
    daemon.sandbox().write("go", "");
    assert_eq!(daemon.wait_end(), 0);
    let log = daemon.log();
    assert_eq!(
        log[log.len() - 3..],
        [
            "WARN received SIGINT indicating exit request",
            "INFO waiting for p to die",
            "INFO stopped: p (exit status 0)",
        ]
    );
}
