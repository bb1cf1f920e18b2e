//! The life of a process: starting, failing, ending, being stopped; and what the log says.

use minder_tests::{Daemon, Subject, cases, tree, wait_until};

cases!(
    a_whole_life_in_the_log,
    a_program_that_stays_up_is_a_success,
    quick_exits_back_off_and_give_up,
    a_command_that_is_missing_is_retried_and_given_up,
    a_stop_during_backoff_ends_the_retries,
    an_unexpected_exit_is_restarted,
    an_expected_exit_is_not_restarted,
    autorestart_true_and_false_look_at_no_code,
    a_death_by_signal_is_never_expected,
    exit_codes_are_a_list,
    a_stubborn_program_is_killed,
    the_stop_signal_is_configured,
    a_stop_reaches_only_the_process_itself,
    a_group_stop_reaches_the_grandchildren,
    signals_never_reach_the_group,
    priorities_order_starts_and_stops,
    a_pool_of_processes_starts_in_the_order_of_names,
);

/// The pids that a script has written as words of a line.
fn pids(line: &str) -> Vec<i32> {
    line.split_whitespace()
        .filter_map(|word| word.parse().ok())
        .collect()
}

fn a_whole_life_in_the_log(subject: Subject) {
    let mut daemon = Daemon::start(
        subject,
        "[program:cat]\ncommand=/bin/cat\nstartsecs=0\nstopwaitsecs=5",
    );
    daemon.wait_state("cat", "RUNNING");
    assert_eq!(daemon.ctl_line("restart cat").1, 0);
    daemon.wait_state("cat", "RUNNING");
    daemon.signal(rustix::process::Signal::TERM);
    assert_eq!(daemon.wait_end(), 0);
    let log = daemon.log();
    let start = log
        .iter()
        .position(|line| line.starts_with("INFO RPC interface"))
        .expect("the server is named");
    let spawned = "INFO spawned: 'cat' with pid N";
    let success = "INFO success: cat entered RUNNING state, process has stayed up for > than 0 \
                   seconds (startsecs)";
    let stopped = "WARN stopped: cat (terminated by SIGTERM)";
    let mut life: Vec<_> = log[start..].iter().map(String::as_str).collect();
    // Said only if the process does not end at once.
    life.retain(|line| *line != "INFO waiting for cat to stop");
    assert_eq!(
        life,
        [
            "INFO RPC interface 'supervisor' initialized",
            "CRIT Server 'unix_http_server' running without any HTTP authentication checking",
            "INFO supervisord started with pid N",
            spawned,
            success,
            stopped,
            spawned,
            success,
            "WARN received SIGTERM indicating exit request",
            "INFO waiting for cat to die",
            stopped,
        ]
    );
}

fn a_program_that_stays_up_is_a_success(subject: Subject) {
    let daemon = Daemon::start(
        subject,
        "[program:cat]\ncommand=/bin/cat\nstartsecs=1\n\
         [program:slow]\ncommand=/bin/cat\nstartsecs=600",
    );
    daemon.wait_state("cat", "RUNNING");
    assert_eq!(daemon.state("slow"), "STARTING");
    assert_eq!(daemon.info_text("slow", "description"), "");
    assert_eq!(
        daemon.log_about("cat"),
        [
            "INFO spawned: 'cat' with pid N",
            "INFO success: cat entered RUNNING state, process has stayed up for > than 1 seconds \
             (startsecs)",
        ]
    );
}

fn quick_exits_back_off_and_give_up(subject: Subject) {
    let daemon = Daemon::start(
        subject,
        // Long enough that nobody takes an ended program for one that stays up.
        "[program:brief]\ncommand=actor exit 0\nstartsecs=5\nstartretries=1",
    );
    daemon.wait_state("brief", "FATAL");
    let spawned = "INFO spawned: 'brief' with pid N";
    let exited = "WARN exited: brief (exit status 0; not expected)";
    assert_eq!(
        daemon.log_about("brief"),
        [
            spawned,
            exited,
            spawned,
            exited,
            "INFO gave up: brief entered FATAL state, too many start retries too quickly",
        ]
    );
    let text = "Exited too quickly (process log may have details)";
    assert_eq!(daemon.info_text("brief", "description"), text);
    assert_eq!(daemon.info_text("brief", "spawnerr"), text);
}

fn a_command_that_is_missing_is_retried_and_given_up(subject: Subject) {
    let daemon = Daemon::start(
        subject,
        "[program:absent]\ncommand=/no/such\nstartretries=1",
    );
    daemon.wait_state("absent", "FATAL");
    let missing = "can't find command '/no/such'";
    let log: Vec<_> = daemon
        .log()
        .into_iter()
        .filter(|line| line.contains("spawnerr") || line.contains("absent"))
        .collect();
    assert_eq!(
        log,
        [
            format!("INFO spawnerr: {missing}"),
            format!("INFO spawnerr: {missing}"),
            "INFO gave up: absent entered FATAL state, too many start retries too quickly"
                .to_owned(),
        ]
    );
    assert_eq!(daemon.info_text("absent", "description"), missing);
}

fn a_stop_during_backoff_ends_the_retries(subject: Subject) {
    let daemon = Daemon::start(
        subject,
        "[program:absent]\ncommand=/no/such\nstartretries=99",
    );
    daemon.wait_state("absent", "BACKOFF");
    assert_eq!(
        daemon.fault("startProcess", &["absent".into()]).0,
        20,
        "the command is looked for first"
    );
    assert_eq!(daemon.ask("stopProcess", &["absent".into()]), true.into());
    assert_eq!(daemon.state("absent"), "STOPPED");
}

/// Two runs, of which the second stays: the file says that the first is over.
fn restarted(options: &str) -> String {
    format!("[program:p]\ncommand=sh -c \"test -e ran && exec cat; touch ran; {options}")
}

fn an_unexpected_exit_is_restarted(subject: Subject) {
    let daemon = Daemon::start(subject, &(restarted("exit 3\"") + "\nstartsecs=0"));
    daemon.wait_log("exited: p");
    daemon.wait_state("p", "RUNNING");
    let success = "INFO success: p entered RUNNING state, process has stayed up for > than 0 \
                   seconds (startsecs)";
    let mut log = daemon.log_about("p");
    log.retain(|line| line != success);
    assert_eq!(
        log,
        [
            "INFO spawned: 'p' with pid N",
            "WARN exited: p (exit status 3; not expected)",
            "INFO spawned: 'p' with pid N",
        ]
    );
}

fn an_expected_exit_is_not_restarted(subject: Subject) {
    let daemon = Daemon::start(subject, &(restarted("exit 0\"") + "\nstartsecs=0"));
    daemon.wait_log("exited: p (exit status 0; expected)");
    daemon.wait_state("p", "EXITED");
    assert_eq!(daemon.info_text("p", "spawnerr"), "");
    assert_eq!(daemon.ctl_line("status").1, 3);
    let log = daemon.log_about("p");
    assert_eq!(
        log.last().map(String::as_str),
        Some("INFO exited: p (exit status 0; expected)")
    );
}

fn autorestart_true_and_false_look_at_no_code(subject: Subject) {
    let daemon = Daemon::start(
        subject,
        "[program:always]\ncommand=sh -c \"test -e ran && exec cat; touch ran; exit 0\"\n\
         autorestart=true\nstartsecs=0\n\
         [program:never]\ncommand=actor exit 7\nautorestart=false\nstartsecs=0",
    );
    daemon.wait_log("exited: always (exit status 0; expected)");
    daemon.wait_state("always", "RUNNING");
    daemon.wait_log("exited: never (exit status 7; not expected)");
    daemon.wait_state("never", "EXITED");
    assert_eq!(daemon.info_text("never", "spawnerr"), "Bad exit code 7");
    let info = daemon.ask("getProcessInfo", &["never".into()]);
    assert_eq!(info.member("exitstatus"), Some(&7.into()));
}

fn a_death_by_signal_is_never_expected(subject: Subject) {
    let daemon = Daemon::start(
        subject,
        "[program:p]\ncommand=/bin/cat\nstartsecs=0\nautorestart=false",
    );
    daemon.wait_state("p", "RUNNING");
    let signal = daemon.ask("signalProcess", &["p".into(), "KILL".into()]);
    assert_eq!(signal, true.into());
    daemon.wait_log("exited: p (terminated by SIGKILL; not expected)");
    daemon.wait_state("p", "EXITED");
    let info = daemon.ask("getProcessInfo", &["p".into()]);
    assert_eq!(info.member("exitstatus"), Some(&(-1).into()));
    assert_eq!(daemon.info_text("p", "spawnerr"), "Bad exit code -1");
}

fn exit_codes_are_a_list(subject: Subject) {
    let daemon = Daemon::start(
        subject,
        "[program:two]\ncommand=actor exit 2\nexitcodes=0,2\nstartsecs=0\n\
         [program:none]\ncommand=actor exit 0\nexitcodes=\nautorestart=false\nstartsecs=0",
    );
    daemon.wait_log("INFO exited: two (exit status 2; expected)");
    daemon.wait_log("WARN exited: none (exit status 0; not expected)");
    daemon.wait_state("two", "EXITED");
}

fn a_stubborn_program_is_killed(subject: Subject) {
    let daemon = Daemon::start(
        subject,
        "[program:p]\ncommand=actor ignore TERM out ready wait\nstartsecs=0\nstopwaitsecs=1\n\
         stdout_logfile=%(here)s/p.log",
    );
    daemon.wait_file("p.log", "ready");
    assert_eq!(daemon.ctl_line("stop p"), ("p: stopped\n".to_owned(), 0));
    let log = daemon.log_about("p");
    assert_eq!(
        log[log.len() - 3..],
        [
            "INFO waiting for p to stop",
            "WARN killing 'p' (N) with SIGKILL",
            "WARN stopped: p (terminated by SIGKILL)",
        ]
    );
}

fn the_stop_signal_is_configured(subject: Subject) {
    let daemon = Daemon::start(
        subject,
        "[program:polite]\ncommand=sh -c \"trap 'exit 0' USR1; echo ready; while :; do sleep 0.05; \
         done\"\nstopsignal=USR1\nstartsecs=0\nstdout_logfile=%(here)s/p.log\n\
         [program:quit]\ncommand=/bin/cat\nstopsignal=QUIT\nstartsecs=0",
    );
    daemon.wait_file("p.log", "ready");
    daemon.wait_state("quit", "RUNNING");
    assert_eq!(daemon.ctl_line("stop polite quit").1, 0);
    let log = daemon.log_about("polite");
    assert_eq!(
        log.last().map(String::as_str),
        Some("INFO stopped: polite (exit status 0)")
    );
    let log = daemon.log_about("quit");
    let end = log.last().expect("a line");
    assert!(
        end.starts_with("WARN stopped: quit (terminated by SIGQUIT"),
        "{end}"
    );
}

/// A shell that has started one child in its own process group, and has written both pids.
fn shell_with_child(subject: Subject, options: &str) -> (Daemon, i32, i32) {
    let daemon = Daemon::start(
        subject,
        &format!(
            "[program:sh]\ncommand=sh -c \"sleep 1000 & echo $$ $!; wait\"\nstartsecs=0\n\
             stdout_logfile=%(here)s/pids\nautorestart=false\n{options}"
        ),
    );
    daemon.wait_file("pids", "\n");
    let pids = pids(&daemon.sandbox().read("pids"));
    (daemon, pids[0], pids[1])
}

fn a_stop_reaches_only_the_process_itself(subject: Subject) {
    let (daemon, shell, child) = shell_with_child(subject, "");
    assert_eq!(daemon.pid_of("sh"), shell);
    assert_eq!(daemon.ctl_line("stop sh").1, 0);
    assert!(!tree::is_alive(shell));
    assert!(tree::is_alive(child));
}

fn a_group_stop_reaches_the_grandchildren(subject: Subject) {
    let (daemon, shell, child) = shell_with_child(subject, "stopasgroup=true");
    assert_eq!(daemon.ctl_line("stop sh").1, 0);
    assert!(!tree::is_alive(shell));
    wait_until("the grandchild has ended", || !tree::is_alive(child));
}

fn signals_never_reach_the_group(subject: Subject) {
    let (daemon, shell, child) = shell_with_child(subject, "stopasgroup=true");
    assert_eq!(daemon.ctl_line("signal TERM sh").1, 0);
    wait_until("the shell has ended", || !tree::is_alive(shell));
    daemon.wait_state("sh", "EXITED");
    assert!(tree::is_alive(child));
}

/// The names in the log lines that begin with `start`, in order.
fn order(log: &[String], start: &str) -> Vec<String> {
    log.iter()
        .filter_map(|line| line.strip_prefix(start))
        .map(|rest| {
            rest.split([' ', '\''])
                .next()
                .unwrap_or_default()
                .to_owned()
        })
        .collect()
}

fn priorities_order_starts_and_stops(subject: Subject) {
    let mut daemon = Daemon::start(
        subject,
        "[program:late]\ncommand=/bin/cat\npriority=30\nstartsecs=0\n\
         [program:early]\ncommand=/bin/cat\npriority=10\nstartsecs=0\n\
         [program:middle]\ncommand=/bin/cat\npriority=20\nstartsecs=0",
    );
    for name in ["early", "middle", "late"] {
        daemon.wait_state(name, "RUNNING");
    }
    let spawned = "INFO spawned: '";
    assert_eq!(order(&daemon.log(), spawned), ["early", "middle", "late"]);
    daemon.signal(rustix::process::Signal::TERM);
    assert_eq!(daemon.wait_end(), 0);
    let stopped = "WARN stopped: ";
    assert_eq!(order(&daemon.log(), stopped), ["late", "middle", "early"]);
    let waiting = "INFO waiting for early, middle, late to die";
    assert!(daemon.log().iter().any(|line| line == waiting));
}

fn a_pool_of_processes_starts_in_the_order_of_names(subject: Subject) {
    let daemon = Daemon::start(
        subject,
        "[program:p]\ncommand=/bin/cat\nnumprocs=4\nnumprocs_start=8\nstartsecs=0\n\
         process_name=p%(process_num)d",
    );
    daemon.wait_log("success: p9");
    let spawned = "INFO spawned: '";
    assert_eq!(order(&daemon.log(), spawned), ["p10", "p11", "p8", "p9"]);
}
