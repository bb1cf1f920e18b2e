//! Event listeners: the protocol, the envelope, the payloads and their order.

use minder_tests::{Daemon, Sandbox, Subject, cases};

use crate::ears::heard;

cases!(
    a_listener_hears_of_a_whole_life,
    envelopes_carry_serials_of_their_own_pool,
    ticks_and_remote_events_are_delivered,
    output_between_tokens_is_an_event,
    a_rejected_event_comes_again,
    a_listener_that_breaks_the_protocol_is_unknown,
);

/// A listener that appends every header and payload to the file `$1`, and answers each event
/// with the words in `$2`, the last of which counts from then on.
const LISTENER: &str = r#"#!/bin/sh
answers=$2
printf 'READY\n'
while read -r header; do
    payload=$(dd bs=1 count="${header##*len:}" 2>/dev/null)
    printf '%s\n%s\n' "$header" "$payload" >>"$1"
    answer=${answers%% *}
    answers=${answers#* }
    printf 'RESULT %d\n%sREADY\n' ${#answer} "$answer"
done
"#;

fn listening(subject: Subject, events: &str, answers: &str, more: &str) -> Daemon {
    let sandbox = Sandbox::configured(
        subject,
        &format!(
            "[eventlistener:ear]\ncommand=%(here)s/listener %(here)s/heard '{answers}'\n\
             events={events}\nstartsecs=0\nbuffer_size=100\n{more}"
        ),
    );
    sandbox.script("listener", LISTENER);
    Daemon::start_in(sandbox)
}

fn a_listener_hears_of_a_whole_life(subject: Subject) {
    let daemon = listening(
        subject,
        "PROCESS_STATE,PROCESS_GROUP",
        "OK",
        "[program:p]\ncommand=/bin/cat\nstartsecs=0\nautostart=false\n\
         [program:q]\ncommand=/no/such\nautostart=false\nstartretries=0",
    );
    daemon.wait_file("heard", "processname:ear groupname:ear from_state:STARTING");
    assert_eq!(daemon.ctl_line("start p").1, 0);
    assert_eq!(daemon.ctl_line("stop p").1, 0);
    assert_eq!(daemon.ctl_line("remove p").1, 0);
    daemon.wait_file("heard", "PROCESS_GROUP_REMOVED");
    let heard = heard(&daemon);
    let p: Vec<_> = heard
        .iter()
        .filter(|event| event.contains("groupname:p"))
        .collect();
    assert_eq!(
        p,
        [
            "PROCESS_GROUP_ADDED groupname:p",
            "PROCESS_STATE_STARTING processname:p groupname:p from_state:STOPPED tries:0",
            "PROCESS_STATE_RUNNING processname:p groupname:p from_state:STARTING pid:N",
            "PROCESS_STATE_STOPPING processname:p groupname:p from_state:RUNNING pid:N",
            "PROCESS_STATE_STOPPED processname:p groupname:p from_state:STOPPING pid:N",
            "PROCESS_GROUP_REMOVED groupname:p",
        ]
    );
    assert_eq!(heard[0], "PROCESS_GROUP_ADDED groupname:ear");
}

fn envelopes_carry_serials_of_their_own_pool(subject: Subject) {
    let daemon = listening(
        subject,
        "SUPERVISOR_STATE_CHANGE,REMOTE_COMMUNICATION",
        "OK",
        "[supervisord]\nidentifier=me",
    );
    let send = |data: &str| daemon.ask("sendRemoteCommEvent", &["kind".into(), data.into()]);
    assert_eq!(send("größe"), true.into());
    // Characters are counted, not bytes, so the payload is read too short by a byte each.
    daemon.wait_file("heard", "poolserial:1 ");
    let text = daemon.sandbox().read("heard");
    let headers: Vec<_> = text
        .lines()
        .filter(|line| line.starts_with("ver:"))
        .collect();
    assert_eq!(
        headers,
        [
            "ver:3.0 server:me serial:0 pool:ear poolserial:0 \
             eventname:SUPERVISOR_STATE_CHANGE_RUNNING len:0",
            "ver:3.0 server:me serial:1 pool:ear poolserial:1 \
             eventname:REMOTE_COMMUNICATION len:15",
        ]
    );
}

fn ticks_and_remote_events_are_delivered(subject: Subject) {
    let daemon = listening(subject, "TICK_5,REMOTE_COMMUNICATION", "OK", "");
    let sent = daemon.ask(
        "sendRemoteCommEvent",
        &["a type".into(), "line\nline".into()],
    );
    assert_eq!(sent, true.into());
    daemon.wait_file("heard", "type:a type\nline\nline\n");
    daemon.wait_file("heard", "when:");
    let heard = heard(&daemon);
    let tick = heard
        .iter()
        .find_map(|event| event.strip_prefix("TICK_5 when:"));
    let when: u64 = tick.expect("a tick").parse().expect("a time");
    assert!(when.is_multiple_of(5), "{when}");
}

fn output_between_tokens_is_an_event(subject: Subject) {
    let daemon = listening(
        subject,
        "PROCESS_COMMUNICATION,PROCESS_LOG",
        "OK",
        "[program:p]\ncommand=sh -c \"read go; printf '%%s' '<!--XSUPERVISOR:BEGIN-->secret\
         <!--XSUPERVISOR:END-->and what follows is an ordinary line'; echo; read end\"\n\
         startsecs=0\nstdout_capture_maxbytes=1KB\nstdout_logfile=%(here)s/p.log\n\
         [program:l]\ncommand=sh -c \"read go; echo logged; read end\"\nstartsecs=0\n\
         stdout_events_enabled=true",
    );
    for process in ["p", "l"] {
        daemon.wait_state(process, "RUNNING");
        let sent = daemon.ask("sendProcessStdin", &[process.into(), "go\n".into()]);
        assert_eq!(sent, true.into());
    }
    daemon.wait_file("heard", "secret");
    daemon.wait_file("heard", "logged");
    let mut heard = heard(&daemon);
    heard.sort();
    assert_eq!(
        heard,
        [
            "PROCESS_COMMUNICATION_STDOUT processname:p groupname:p pid:N secret",
            "PROCESS_LOG_STDOUT processname:l groupname:l pid:N channel:stdout logged",
        ]
    );
    assert!(!daemon.sandbox().read("p.log").contains("secret"));
}

fn a_rejected_event_comes_again(subject: Subject) {
    let daemon = listening(subject, "REMOTE_COMMUNICATION", "FAIL WHAT OK", "");
    daemon.wait_state("ear", "RUNNING");
    for data in ["one", "two"] {
        let sent = daemon.ask("sendRemoteCommEvent", &["t".into(), data.into()]);
        assert_eq!(sent, true.into());
    }
    daemon.wait_file("heard", "two");
    let one = "REMOTE_COMMUNICATION type:t one";
    assert_eq!(
        heard(&daemon),
        [one, one, one, "REMOTE_COMMUNICATION type:t two"]
    );
    let rejected = "WARN ear: event was rejected";
    assert_eq!(
        daemon.log().iter().filter(|line| *line == rejected).count(),
        2
    );
}

fn a_listener_that_breaks_the_protocol_is_unknown(subject: Subject) {
    let daemon = Daemon::start(
        subject,
        "[eventlistener:ear]\ncommand=actor out chatter wait\nevents=TICK_5\nstartsecs=0",
    );
    daemon.wait_log(
        "WARN ear: has entered the UNKNOWN state and will no longer receive events, this usually \
         indicates the process violated the eventlistener protocol",
    );
    assert_eq!(daemon.state("ear"), "RUNNING");
}
