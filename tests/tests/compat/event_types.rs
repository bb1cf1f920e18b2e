//! Events: which come when, in which order, and what stands in them.

use minder_rpc::Value;
use minder_tests::{Daemon, Sandbox, Subject, cases, wait_until};
use rustix::process::Signal;

use crate::ears::{ear, headers, heard, heard_of, listening, send};

cases!(
    a_failing_start_is_told_step_by_step,
    a_missing_command_is_told_as_a_failing_start,
    a_stop_during_backoff_has_no_pid,
    an_exit_says_whether_it_was_expected,
    a_restarted_exit_begins_anew,
    running_is_told_when_the_time_is_up,
    a_stop_while_starting_is_told,
    a_killed_stop_is_told_as_a_stop,
    a_grouped_process_is_told_with_its_group,
    numbered_processes_are_told_by_name,
    the_start_of_the_daemon_is_told_in_order,
    the_end_of_the_daemon_is_told_in_order,
    a_reload_is_told_as_an_end_and_a_start,
    an_added_group_is_told_before_its_processes,
    an_updated_group_is_told_as_removed_and_added,
    a_listener_hears_of_itself,
    output_is_told_by_channel,
    output_is_told_without_a_log,
    one_stream_for_both_is_told_as_standard_output,
    output_that_is_no_text_is_told_all_the_same,
    remote_events_may_be_empty,
    remote_events_hold_what_they_were_given,
    lengths_count_characters,
    ticks_are_told_by_their_concrete_name,
    output_is_told_without_its_ansi_sequences,
);

fn a_failing_start_is_told_step_by_step(subject: Subject) {
    let daemon = listening(
        subject,
        "PROCESS_STATE",
        "[program:p]\ncommand=actor exit 1\nstartsecs=5\nstartretries=1\nautostart=false",
    );
    assert_eq!(
        daemon.ask("startProcess", &["p".into(), false.into()]),
        true.into()
    );
    daemon.wait_file("heard", "PROCESS_STATE_FATAL");
    assert_eq!(
        heard_of(&daemon, "p"),
        [
            "PROCESS_STATE_STARTING processname:p groupname:p from_state:STOPPED tries:0",
            "PROCESS_STATE_BACKOFF processname:p groupname:p from_state:STARTING tries:1",
            "PROCESS_STATE_STARTING processname:p groupname:p from_state:BACKOFF tries:1",
            "PROCESS_STATE_BACKOFF processname:p groupname:p from_state:STARTING tries:2",
            "PROCESS_STATE_FATAL processname:p groupname:p from_state:BACKOFF",
        ]
    );
}

fn a_missing_command_is_told_as_a_failing_start(subject: Subject) {
    let daemon = listening(
        subject,
        "PROCESS_STATE_BACKOFF,PROCESS_STATE_STARTING,PROCESS_STATE_FATAL",
        "[program:p]\ncommand=/no/such\nstartretries=0",
    );
    daemon.wait_file("heard", "PROCESS_STATE_FATAL");
    assert_eq!(
        heard_of(&daemon, "p"),
        [
            "PROCESS_STATE_STARTING processname:p groupname:p from_state:STOPPED tries:0",
            "PROCESS_STATE_BACKOFF processname:p groupname:p from_state:STARTING tries:1",
            "PROCESS_STATE_FATAL processname:p groupname:p from_state:BACKOFF",
        ]
    );
}

fn a_stop_during_backoff_has_no_pid(subject: Subject) {
    let daemon = listening(
        subject,
        "PROCESS_STATE_STOPPED",
        "[program:p]\ncommand=/no/such\nstartretries=99",
    );
    daemon.wait_state("p", "BACKOFF");
    assert_eq!(daemon.ctl_line("stop p").0, "p: stopped\n");
    daemon.wait_file(
        "heard",
        "processname:p groupname:p from_state:BACKOFF pid:0",
    );
}

fn an_exit_says_whether_it_was_expected(subject: Subject) {
    let daemon = listening(
        subject,
        "PROCESS_STATE_EXITED",
        "[program:good]\ncommand=actor exit 0\nstartsecs=0\n\
         [program:bad]\ncommand=actor exit 3\nstartsecs=0\nautorestart=false\n\
         [program:told]\ncommand=actor exit 3\nexitcodes=3\nstartsecs=0",
    );
    for (name, expected) in [("good", 1), ("bad", 0), ("told", 1)] {
        daemon.wait_file("heard", &format!("processname:{name} "));
        assert_eq!(
            heard_of(&daemon, name),
            [format!(
                "PROCESS_STATE_EXITED processname:{name} groupname:{name} from_state:RUNNING \
                 expected:{expected} pid:N"
            )]
        );
    }
}

fn a_restarted_exit_begins_anew(subject: Subject) {
    let daemon = listening(
        subject,
        "PROCESS_STATE",
        "[program:p]\ncommand=sh -c \"test -e ran && exec cat; touch ran; exit 3\"\nstartsecs=0",
    );
    let again = "PROCESS_STATE_STARTING processname:p groupname:p from_state:EXITED tries:0";
    wait_until("it is started again", || {
        let heard = heard_of(&daemon, "p");
        let at = heard.iter().position(|event| event == again);
        at.is_some_and(|at| heard.len() == at + 2)
    });
    assert_eq!(
        heard_of(&daemon, "p"),
        [
            "PROCESS_STATE_STARTING processname:p groupname:p from_state:STOPPED tries:0",
            "PROCESS_STATE_RUNNING processname:p groupname:p from_state:STARTING pid:N",
            "PROCESS_STATE_EXITED processname:p groupname:p from_state:RUNNING expected:0 pid:N",
            again,
            "PROCESS_STATE_RUNNING processname:p groupname:p from_state:STARTING pid:N",
        ]
    );
}

fn running_is_told_when_the_time_is_up(subject: Subject) {
    let daemon = listening(
        subject,
        "PROCESS_STATE",
        "[program:p]\ncommand=/bin/cat\nautostart=false",
    );
    assert_eq!(daemon.ctl_line("start p").0, "p: started\n");
    daemon.wait_file("heard", "PROCESS_STATE_RUNNING");
    wait_until("both are told", || heard_of(&daemon, "p").len() == 2);
    assert_eq!(
        heard_of(&daemon, "p"),
        [
            "PROCESS_STATE_STARTING processname:p groupname:p from_state:STOPPED tries:0",
            "PROCESS_STATE_RUNNING processname:p groupname:p from_state:STARTING pid:N",
        ]
    );
}

fn a_stop_while_starting_is_told(subject: Subject) {
    let daemon = listening(
        subject,
        "PROCESS_STATE",
        "[program:p]\ncommand=/bin/cat\nautostart=false\nstartsecs=600",
    );
    assert_eq!(
        daemon.ask("startProcess", &["p".into(), false.into()]),
        true.into()
    );
    assert_eq!(daemon.ctl_line("stop p").0, "p: stopped\n");
    wait_until("the stop is told", || heard_of(&daemon, "p").len() == 3);
    assert_eq!(
        heard_of(&daemon, "p"),
        [
            "PROCESS_STATE_STARTING processname:p groupname:p from_state:STOPPED tries:0",
            "PROCESS_STATE_STOPPING processname:p groupname:p from_state:STARTING pid:N",
            "PROCESS_STATE_STOPPED processname:p groupname:p from_state:STOPPING pid:N",
        ]
    );
}

fn a_killed_stop_is_told_as_a_stop(subject: Subject) {
    let daemon = listening(
        subject,
        "PROCESS_STATE_STOPPING,PROCESS_STATE_STOPPED,PROCESS_STATE_EXITED",
        "[program:p]\ncommand=actor ignore TERM out ready wait\nstartsecs=0\nstopwaitsecs=1\n\
         stdout_logfile=%(here)s/p.log",
    );
    daemon.wait_file("p.log", "ready");
    assert_eq!(daemon.ctl_line("stop p").0, "p: stopped\n");
    wait_until("the stop is told", || heard_of(&daemon, "p").len() == 2);
    assert_eq!(
        heard_of(&daemon, "p"),
        [
            "PROCESS_STATE_STOPPING processname:p groupname:p from_state:RUNNING pid:N",
            "PROCESS_STATE_STOPPED processname:p groupname:p from_state:STOPPING pid:N",
        ]
    );
}

fn a_grouped_process_is_told_with_its_group(subject: Subject) {
    let daemon = listening(
        subject,
        "PROCESS_STATE_RUNNING,PROCESS_GROUP",
        "[group:pair]\nprograms=one,two\n[program:one]\ncommand=/bin/cat\nstartsecs=0\n\
         [program:two]\ncommand=/bin/cat\nautostart=false",
    );
    daemon.wait_file("heard", "processname:one");
    assert_eq!(
        heard(&daemon),
        [
            "PROCESS_GROUP_ADDED groupname:ear",
            "PROCESS_GROUP_ADDED groupname:pair",
            "PROCESS_STATE_RUNNING processname:ear groupname:ear from_state:STARTING pid:N",
            "PROCESS_STATE_RUNNING processname:one groupname:pair from_state:STARTING pid:N",
        ]
    );
}

fn numbered_processes_are_told_by_name(subject: Subject) {
    let daemon = listening(
        subject,
        "PROCESS_STATE_STARTING",
        "[program:p]\ncommand=/bin/cat\nnumprocs=2\nprocess_name=%(program_name)s-%(process_num)02d",
    );
    daemon.wait_file("heard", "processname:p-01");
    assert_eq!(
        heard(&daemon),
        [
            "PROCESS_STATE_STARTING processname:ear groupname:ear from_state:STOPPED tries:0",
            "PROCESS_STATE_STARTING processname:p-00 groupname:p from_state:STOPPED tries:0",
            "PROCESS_STATE_STARTING processname:p-01 groupname:p from_state:STOPPED tries:0",
        ]
    );
}

/// Three programs and the order that their priorities give them.
const THREE: &str = "[program:a]\ncommand=/bin/cat\nstartsecs=0\npriority=3\n\
                     [program:b]\ncommand=/bin/cat\nstartsecs=0\npriority=1\n\
                     [program:c]\ncommand=/bin/cat\nautostart=false\npriority=2\n";

/// Events without what stands behind the first two words of their payload.
fn short(events: &[String]) -> Vec<String> {
    events
        .iter()
        .map(|event| event.split(' ').take(2).collect::<Vec<_>>().join(" "))
        .collect()
}

fn the_start_of_the_daemon_is_told_in_order(subject: Subject) {
    let daemon = listening(subject, "EVENT", THREE);
    wait_until("all are running", || {
        heard_of(&daemon, "a").len() == 2 && heard_of(&daemon, "b").len() == 2
    });
    let mut events = short(&heard(&daemon));
    events.retain(|event| !event.starts_with("TICK"));
    assert_eq!(
        events,
        [
            "PROCESS_GROUP_ADDED groupname:ear",
            "PROCESS_GROUP_ADDED groupname:b",
            "PROCESS_GROUP_ADDED groupname:c",
            "PROCESS_GROUP_ADDED groupname:a",
            "SUPERVISOR_STATE_CHANGE_RUNNING",
            "PROCESS_STATE_STARTING processname:ear",
            "PROCESS_STATE_STARTING processname:b",
            "PROCESS_STATE_STARTING processname:a",
            "PROCESS_STATE_RUNNING processname:ear",
            "PROCESS_STATE_RUNNING processname:b",
            "PROCESS_STATE_RUNNING processname:a",
        ]
    );
}

/// A program that does not stop before the file `go` exists, so that there is time to hear of it.
const SLOW: &str = "[program:slow]\ncommand=actor ignore TERM out ready until go\nstartsecs=0\n\
                    stopwaitsecs=600\nstdout_logfile=%(here)s/slow.log\n";

fn the_end_of_the_daemon_is_told_in_order(subject: Subject) {
    let mut daemon = listening(
        subject,
        "SUPERVISOR_STATE_CHANGE,PROCESS_STATE_STOPPING,PROCESS_STATE_STOPPED",
        &format!("{SLOW}[program:quick]\ncommand=/bin/cat\nstartsecs=0\npriority=1000"),
    );
    daemon.wait_file("slow.log", "ready");
    daemon.wait_state("quick", "RUNNING");
    daemon.wait_file("heard", "SUPERVISOR_STATE_CHANGE_RUNNING");
    daemon.signal(Signal::TERM);
    daemon.wait_file("heard", "processname:slow");
    assert_eq!(
        short(&heard(&daemon)),
        [
            "SUPERVISOR_STATE_CHANGE_RUNNING",
            "SUPERVISOR_STATE_CHANGE_STOPPING",
            "PROCESS_STATE_STOPPING processname:quick",
            "PROCESS_STATE_STOPPED processname:quick",
            "PROCESS_STATE_STOPPING processname:slow",
        ]
    );
    daemon.sandbox().write("go", "");
    assert_eq!(daemon.wait_end(), 0);
}

fn a_reload_is_told_as_an_end_and_a_start(subject: Subject) {
    let daemon = listening(subject, "SUPERVISOR_STATE_CHANGE", SLOW);
    daemon.wait_file("slow.log", "ready");
    daemon.wait_file("heard", "SUPERVISOR_STATE_CHANGE_RUNNING");
    assert_eq!(daemon.ask("restart", &[]), true.into());
    daemon.wait_file("heard", "SUPERVISOR_STATE_CHANGE_STOPPING");
    daemon.sandbox().write("go", "");
    wait_until("the second start is told", || heard(&daemon).len() == 3);
    assert_eq!(
        heard(&daemon),
        [
            "SUPERVISOR_STATE_CHANGE_RUNNING",
            "SUPERVISOR_STATE_CHANGE_STOPPING",
            "SUPERVISOR_STATE_CHANGE_RUNNING",
        ]
    );
}

fn an_added_group_is_told_before_its_processes(subject: Subject) {
    let daemon = listening(subject, "PROCESS_GROUP,PROCESS_STATE_STARTING", "");
    daemon.wait_file("heard", "processname:ear");
    let later = format!(
        "{}[program:p]\ncommand=/bin/cat",
        ear("PROCESS_GROUP,PROCESS_STATE_STARTING")
    );
    daemon.sandbox().configure(&later);
    assert_eq!(daemon.ctl_line("update").0, "p: added process group\n");
    daemon.wait_file("heard", "processname:p");
    assert_eq!(
        short(&heard(&daemon))[2..],
        [
            "PROCESS_GROUP_ADDED groupname:p",
            "PROCESS_STATE_STARTING processname:p",
        ]
    );
}

fn an_updated_group_is_told_as_removed_and_added(subject: Subject) {
    let program = "[program:p]\ncommand=/bin/cat\nstartsecs=0\n";
    let events = "PROCESS_GROUP,PROCESS_STATE";
    let daemon = listening(subject, events, program);
    daemon.wait_file("heard", "PROCESS_STATE_RUNNING");
    daemon.wait_state("p", "RUNNING");
    let changed = format!("{}{program}priority=7", ear(events));
    daemon.sandbox().configure(&changed);
    assert_eq!(
        daemon.ctl_line("update").0,
        "p: stopped\np: updated process group\n"
    );
    wait_until("the new one runs", || heard_of(&daemon, "p").len() == 6);
    let heard = short(&heard(&daemon));
    let at = heard
        .iter()
        .position(|event| event.starts_with("PROCESS_STATE_STOPPING"));
    assert_eq!(
        heard[at.expect("a stop")..],
        [
            "PROCESS_STATE_STOPPING processname:p",
            "PROCESS_STATE_STOPPED processname:p",
            "PROCESS_GROUP_REMOVED groupname:p",
            "PROCESS_GROUP_ADDED groupname:p",
            "PROCESS_STATE_STARTING processname:p",
            "PROCESS_STATE_RUNNING processname:p",
        ]
    );
}

fn a_listener_hears_of_itself(subject: Subject) {
    let daemon = listening(
        subject,
        "PROCESS_LOG_STDERR,PROCESS_STATE",
        "[eventlistener:ear]\ncommand=sh -c \"echo oh >&2; exec actor listen %(here)s/heard\"\n\
         stderr_events_enabled=true",
    );
    daemon.wait_file("heard", "oh");
    let mut events = heard(&daemon);
    events.sort();
    assert_eq!(
        events,
        [
            "PROCESS_LOG_STDERR processname:ear groupname:ear pid:N channel:stderr oh",
            "PROCESS_STATE_RUNNING processname:ear groupname:ear from_state:STARTING pid:N",
            "PROCESS_STATE_STARTING processname:ear groupname:ear from_state:STOPPED tries:0",
        ]
    );
}

fn output_is_told_by_channel(subject: Subject) {
    let daemon = listening(
        subject,
        "PROCESS_LOG",
        "[program:both]\ncommand=actor out hello err oh wait\nstartsecs=0\n\
         stdout_events_enabled=true\nstderr_events_enabled=true\n\
         [program:none]\ncommand=actor out silent wait\nstartsecs=0\n\
         [program:one]\ncommand=actor out silent err loud wait\nstartsecs=0\n\
         stderr_events_enabled=true",
    );
    daemon.wait_file("heard", "hello");
    daemon.wait_file("heard", "oh");
    daemon.wait_file("heard", "loud");
    let mut events = heard(&daemon);
    events.sort();
    assert_eq!(
        events,
        [
            "PROCESS_LOG_STDERR processname:both groupname:both pid:N channel:stderr oh",
            "PROCESS_LOG_STDERR processname:one groupname:one pid:N channel:stderr loud",
            "PROCESS_LOG_STDOUT processname:both groupname:both pid:N channel:stdout hello",
        ]
    );
}

fn output_is_told_without_a_log(subject: Subject) {
    let daemon = listening(
        subject,
        "PROCESS_LOG_STDOUT",
        "[program:p]\ncommand=actor out hello wait\nstartsecs=0\nstdout_logfile=NONE\n\
         stdout_events_enabled=true",
    );
    daemon.wait_file("heard", "channel:stdout\nhello\n");
    assert_eq!(daemon.info_text("p", "stdout_logfile"), "");
}

fn one_stream_for_both_is_told_as_standard_output(subject: Subject) {
    let daemon = listening(
        subject,
        "PROCESS_LOG",
        "[program:p]\ncommand=actor err oh wait\nstartsecs=0\nredirect_stderr=true\n\
         stdout_events_enabled=true\nstderr_events_enabled=true",
    );
    daemon.wait_file("heard", "oh");
    assert_eq!(
        heard(&daemon),
        ["PROCESS_LOG_STDOUT processname:p groupname:p pid:N channel:stdout oh"]
    );
}

fn output_is_told_without_its_ansi_sequences(subject: Subject) {
    let daemon = listening(
        subject,
        "PROCESS_LOG",
        "[supervisord]\nstrip_ansi=true\n\
         [program:p]\ncommand=sh -c \"printf '\\033[31mred\\033[0m!'; exec cat\"\nstartsecs=0\n\
         stdout_events_enabled=true",
    );
    daemon.wait_file("heard", "channel:stdout\nred!\n");
}

fn output_that_is_no_text_is_told_all_the_same(subject: Subject) {
    let sandbox = Sandbox::configured(
        subject,
        &format!(
            "{}[program:p]\ncommand=sh -c \"cat bytes; exec cat\"\nstartsecs=0\n\
             stdout_events_enabled=true",
            ear("PROCESS_LOG")
        ),
    );
    sandbox.write("bytes", b"x\xe9'\t\"\\\n");
    let daemon = Daemon::start_in(sandbox);
    daemon.wait_file("heard", "Undecodable");
    let text = daemon.sandbox().read("heard");
    let line = text.lines().find(|line| line.starts_with("Undecodable"));
    assert_eq!(line, Some(r#"Undecodable: b'x\xe9\'\t"\\\n'"#));
}

fn remote_events_may_be_empty(subject: Subject) {
    let daemon = listening(subject, "REMOTE_COMMUNICATION", "");
    let sent = daemon.ask("sendRemoteCommEvent", &["".into(), "".into()]);
    assert_eq!(sent, true.into());
    daemon.wait_file("heard", "len:6\ntype:\n");
}

fn remote_events_hold_what_they_were_given(subject: Subject) {
    let daemon = listening(subject, "REMOTE_COMMUNICATION", "");
    let list = Value::Array(vec!["x".into(), 1.into()]);
    let structure = Value::Struct(vec![("k".into(), true.into())]);
    for (kind, data) in [
        (5.into(), 6.into()),
        (list, structure),
        (true.into(), Value::Double(1.5)),
    ] {
        assert_eq!(
            daemon.ask("sendRemoteCommEvent", &[kind, data]),
            true.into()
        );
    }
    daemon.wait_file("heard", "type:True");
    assert_eq!(
        heard(&daemon),
        [
            "REMOTE_COMMUNICATION type:5 6",
            "REMOTE_COMMUNICATION type:['x', 1] {'k': True}",
            "REMOTE_COMMUNICATION type:True 1.5",
        ]
    );
}

fn lengths_count_characters(subject: Subject) {
    let daemon = listening(subject, "REMOTE_COMMUNICATION", "");
    let sent = daemon.ask("sendRemoteCommEvent", &["é ☃".into(), "größe".into()]);
    assert_eq!(sent, true.into());
    daemon.wait_file("heard", "eventname:REMOTE_COMMUNICATION ");
    assert_eq!(headers(&daemon, "len"), ["14"]);
}

fn ticks_are_told_by_their_concrete_name(subject: Subject) {
    let daemon = listening(subject, "TICK", "");
    send(&daemon, "nobody hears this");
    daemon.wait_file("heard", "eventname:TICK_5 len:15\nwhen:");
    assert!(!daemon.sandbox().read("heard").contains("nobody"));
}
