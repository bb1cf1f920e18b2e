//! The log in detail

use minder_tests::http::Connection;
use minder_tests::{Daemon, Sandbox, Subject, cases};

use crate::ears::Puppet;

cases!(
    the_words_of_a_listener_are_shown_before_what_they_change,
    output_that_is_no_text_is_shown_as_python_does,
    escape_sequences_are_left_out_of_what_is_shown,
    captured_text_is_shown_too,
    the_end_of_a_child_is_told_as_a_signal,
    a_request_that_is_no_call_is_told,
    calls_are_traced,
    requests_are_traced_as_web_servers_do,
);

/// A daemon that tells everything, with the program `p` running this.
fn detailed(subject: Subject, more: &str) -> Daemon {
    Daemon::start(
        subject,
        &format!("[supervisord]\nloglevel=debug\n[program:p]\nstartsecs=0\n{more}"),
    )
}

/// The log from the first line that contains `start`.
fn from(daemon: &Daemon, start: &str) -> Vec<String> {
    let log = daemon.log();
    let lines = log.into_iter().skip_while(|line| !line.contains(start));
    lines.collect()
}

fn the_words_of_a_listener_are_shown_before_what_they_change(subject: Subject) {
    let mut ear = Puppet::start(subject, "", "");
    ear.ready();
    let log = from(&ear.daemon, "'ear' stdout output");
    assert_eq!(
        log[..3],
        [
            "DEBG 'ear' stdout output:",
            "b'READY\\n'",
            "DEBG ear: ACKNOWLEDGED -> READY",
        ]
    );
}

fn output_that_is_no_text_is_shown_as_python_does(subject: Subject) {
    let daemon = detailed(
        subject,
        "command=sh -c \"printf 'caf\\351 it\\047s\\n'; exec cat\"",
    );
    daemon.wait_log("stdout output");
    let log = from(&daemon, "stdout output");
    assert_eq!(
        log[..2],
        [
            "DEBG 'p' stdout output:",
            "Undecodable: b\"caf\\xe9 it's\\n\""
        ]
    );
}

fn escape_sequences_are_left_out_of_what_is_shown(subject: Subject) {
    for events in ["false", "true"] {
        let daemon = detailed(
            subject,
            &format!(
                "command=sh -c \"printf '\\033[31mred\\033[0m.\\n'; exec cat\"\n\
                 stdout_events_enabled={events}\n[supervisord]\nstrip_ansi=true"
            ),
        );
        daemon.wait_log("stdout output:\nred.\n");
    }
}

fn captured_text_is_shown_too(subject: Subject) {
    let daemon = detailed(
        subject,
        "command=actor out before<!--XSUPERVISOR:BEGIN-->within<!--XSUPERVISOR:END-->behind wait\n\
         stdout_capture_maxbytes=1KB",
    );
    daemon.wait_log("emitted a comm event");
    let log = from(&daemon, "stdout output");
    let lines = [
        "DEBG 'p' stdout output:",
        "before",
        "DEBG 'p' stdout output:",
        "within",
        "DEBG 'p' stdout emitted a comm event",
    ];
    assert_eq!(log[..lines.len()], lines);
}

fn the_end_of_a_child_is_told_as_a_signal(subject: Subject) {
    let daemon = detailed(subject, "command=/bin/false\nautorestart=false");
    daemon.wait_log("received SIGCHLD");
    let log = from(&daemon, "exited: p");
    assert_eq!(
        log,
        [
            "WARN exited: p (exit status 1; not expected)",
            "DEBG received SIGCHLD indicating a child quit",
        ]
    );
}

fn a_request_that_is_no_call_is_told(subject: Subject) {
    let daemon = Daemon::start(subject, "");
    for (body, told) in [
        ("x'y", "\"x'y\" is invalid: unmarshallable"),
        (
            "<methodCall></methodCall>",
            "'<methodCall></methodCall>' is invalid: no method name",
        ),
    ] {
        let socket = daemon.sandbox().path("s.sock");
        let mut connection = Connection::unix(&socket).expect("a connection");
        let answer = connection.post("/RPC2", body).expect("an answer");
        assert_eq!(answer.status(), 400);
        daemon.wait_log(&format!("ERRO XML-RPC request data {told}\n"));
    }
}

fn calls_are_traced(subject: Subject) {
    let daemon = Daemon::start(subject, "[supervisord]\nloglevel=trace");
    let fault = daemon.fault("startProcess", &["zz".into()]);
    assert_eq!(fault, (10, "BAD_NAME: zz".to_owned()));
    assert_eq!(daemon.ask("getVersion", &[]), "3.0".into());
    daemon.wait_log("XML-RPC method supervisor.getVersion() returned");
    let log = from(&daemon, "XML-RPC method called: supervisor.startProcess()");
    let lines: Vec<_> = log.iter().filter(|line| line.contains("XML-RPC")).collect();
    assert_eq!(
        lines,
        [
            "TRAC XML-RPC method called: supervisor.startProcess()",
            "TRAC XML-RPC method supervisor.startProcess() returned fault: [10] BAD_NAME: zz",
            "TRAC XML-RPC method called: supervisor.getVersion()",
            "TRAC XML-RPC method supervisor.getVersion() returned successfully",
        ]
    );
}

fn requests_are_traced_as_web_servers_do(subject: Subject) {
    let port = Sandbox::free_port();
    let daemon = Daemon::start(
        subject,
        &format!(
            "[supervisord]\nloglevel=trace\n[inet_http_server]\nport=127.0.0.1:{port}\n\
             username=me\npassword=secret"
        ),
    );
    let socket = daemon.sandbox().path("s.sock");
    for (path, over_tcp, status) in [
        ("/ok.html?x=%22", false, 200),
        ("/nope", false, 404),
        ("/", true, 401),
    ] {
        let connection = if over_tcp {
            Connection::tcp(port)
        } else {
            Connection::unix(&socket)
        };
        let mut connection = connection.expect("a connection");
        // An old client, whose connection ends with the answer.
        let request = format!("GET {path} HTTP/1.0");
        connection
            .send(format!("{request}\r\n\r\n"))
            .expect("it reads");
        let length = connection.rest().expect("an answer").len();
        let end = format!("] \"{request}\" {status} {length}");
        daemon.wait_log(&end);
        let log = daemon.log();
        let line = log.iter().find(|line| line.ends_with(&end));
        let line = line.expect("a line that ends so");
        let (who, when) = line.split_once(" - - [").expect("who, and when");
        if over_tcp {
            assert!(who.starts_with("TRAC 127.0.0.1:"), "{line}");
        } else {
            assert_eq!(who, "TRAC localhost:0");
        }
        // As in 01/Jan/2026:00:00:00 +0000.
        let when = when.strip_suffix(&end).expect("when");
        assert_eq!(when.len(), 26, "{line}");
        assert!(when.ends_with(" +0000"), "{line}");
    }
}
