//! Capture mode: text between tokens becomes an event instead of a line in the log.

use minder_tests::{Daemon, Subject, cases};

use crate::ears::{heard, listening};

cases!(
    what_stands_around_a_capture_is_logged,
    each_pair_of_tokens_is_an_event,
    a_token_may_come_in_pieces,
    a_capture_may_be_empty,
    a_capture_may_have_many_lines,
    a_capture_that_does_not_end_is_lost,
    the_beginning_within_a_capture_is_text,
    the_end_without_a_beginning_is_text,
    standard_error_is_captured_on_its_own,
    one_stream_for_both_is_captured_as_standard_output,
    captured_text_is_also_told_as_output,
    a_piece_longer_than_the_limit_is_kept_whole,
    without_a_limit_nothing_is_captured,
);

const BEGIN: &str = "<!--XSUPERVISOR:BEGIN-->";
const END: &str = "<!--XSUPERVISOR:END-->";
/// Long enough that nothing before it is held back as the beginning of a token.
const FILLER: &str = "------ and so on and on ------\n";

/// A daemon with a program that writes what it is sent, and captures.
fn capturing(subject: Subject, events: &str, options: &str) -> Daemon {
    let daemon = listening(
        subject,
        events,
        &format!(
            "[program:p]\ncommand=actor echo\nstartsecs=0\nstdout_logfile=%(here)s/p.log\n\
             stdout_capture_maxbytes=1KB\n{options}"
        ),
    );
    daemon.wait_state("p", "RUNNING");
    daemon
}

fn write(daemon: &Daemon, text: &str) {
    let sent = daemon.ask("sendProcessStdin", &["p".into(), text.into()]);
    assert_eq!(sent, true.into());
}

fn captured(text: &str) -> String {
    format!("PROCESS_COMMUNICATION_STDOUT processname:p groupname:p pid:N {text}")
}

fn what_stands_around_a_capture_is_logged(subject: Subject) {
    let daemon = capturing(subject, "PROCESS_COMMUNICATION", "");
    write(&daemon, &format!("before{BEGIN}within{END}behind{FILLER}"));
    daemon.wait_file("heard", "within");
    daemon.wait_file("p.log", FILLER);
    assert_eq!(
        daemon.sandbox().read("p.log"),
        format!("beforebehind{FILLER}")
    );
    assert_eq!(heard(&daemon), [captured("within")]);
}

fn each_pair_of_tokens_is_an_event(subject: Subject) {
    let daemon = capturing(subject, "PROCESS_COMMUNICATION", "");
    write(
        &daemon,
        &format!("{BEGIN}one{END}-{BEGIN}two{END}{BEGIN}three{END}{FILLER}"),
    );
    daemon.wait_file("heard", "three");
    daemon.wait_file("p.log", FILLER);
    assert_eq!(
        heard(&daemon),
        [captured("one"), captured("two"), captured("three")]
    );
    assert_eq!(daemon.sandbox().read("p.log"), format!("-{FILLER}"));
}

fn a_token_may_come_in_pieces(subject: Subject) {
    let daemon = capturing(subject, "PROCESS_COMMUNICATION", "");
    let text = format!("{FILLER}{BEGIN}within{END}{FILLER}");
    let (first, rest) = text.split_at(FILLER.len() + 9);
    let (second, third) = rest.split_at(BEGIN.len() + 6);
    write(&daemon, first);
    daemon.wait_file("p.log", FILLER.trim_end());
    write(&daemon, second);
    // What was written before is read before this is answered.
    assert_eq!(daemon.state("p"), "RUNNING");
    write(&daemon, third);
    daemon.wait_file("heard", "within");
    assert_eq!(heard(&daemon), [captured("within")]);
    daemon.wait_file("p.log", &format!("{FILLER}{FILLER}"));
}

fn a_capture_may_be_empty(subject: Subject) {
    let daemon = capturing(subject, "PROCESS_COMMUNICATION", "");
    write(&daemon, &format!("{FILLER}{BEGIN}{END}{FILLER}"));
    daemon.wait_file("heard", "PROCESS_COMMUNICATION_STDOUT");
    assert_eq!(heard(&daemon), [captured("").trim_end()]);
}

fn a_capture_may_have_many_lines(subject: Subject) {
    let daemon = capturing(subject, "PROCESS_COMMUNICATION", "");
    write(&daemon, &format!("{FILLER}{BEGIN}one\ntwo\n{END}{FILLER}"));
    daemon.wait_file("heard", "\none\ntwo\n");
}

fn a_capture_that_does_not_end_is_lost(subject: Subject) {
    let daemon = capturing(subject, "PROCESS_COMMUNICATION,PROCESS_STATE_STOPPED", "");
    write(
        &daemon,
        &format!("{FILLER}{BEGIN}{}", "unfinished ".repeat(9)),
    );
    daemon.wait_file("p.log", FILLER);
    assert_eq!(daemon.ctl_line("stop p").1, 0);
    daemon.wait_file("heard", "PROCESS_STATE_STOPPED");
    assert_eq!(heard(&daemon).len(), 1);
    assert_eq!(daemon.sandbox().read("p.log"), FILLER);
}

fn the_beginning_within_a_capture_is_text(subject: Subject) {
    let daemon = capturing(subject, "PROCESS_COMMUNICATION", "");
    write(
        &daemon,
        &format!("{FILLER}{BEGIN}one{BEGIN}two{END}{FILLER}"),
    );
    daemon.wait_file("heard", "two");
    assert_eq!(heard(&daemon), [captured(&format!("one{BEGIN}two"))]);
}

fn the_end_without_a_beginning_is_text(subject: Subject) {
    let daemon = capturing(subject, "PROCESS_COMMUNICATION", "");
    write(&daemon, &format!("one{END}two{FILLER}"));
    daemon.wait_file("p.log", &format!("one{END}two{FILLER}"));
}

fn standard_error_is_captured_on_its_own(subject: Subject) {
    let daemon = listening(
        subject,
        "PROCESS_COMMUNICATION",
        &format!(
            "[program:p]\ncommand=sh -c \"echo '{BEGIN}out{END}{filler}'; \
             echo '{BEGIN}err{END}{filler}' >&2; exec cat\"\nstartsecs=0\n\
             stderr_capture_maxbytes=1KB\nstdout_logfile=%(here)s/p.log",
            filler = FILLER.trim_end(),
        ),
    );
    daemon.wait_file("heard", "err");
    daemon.wait_file("p.log", END);
    assert_eq!(
        heard(&daemon),
        ["PROCESS_COMMUNICATION_STDERR processname:p groupname:p pid:N err"]
    );
}

fn one_stream_for_both_is_captured_as_standard_output(subject: Subject) {
    let daemon = listening(
        subject,
        "PROCESS_COMMUNICATION",
        &format!(
            "[program:p]\ncommand=sh -c \"echo '{BEGIN}err{END}{filler}' >&2; exec cat\"\n\
             startsecs=0\nstdout_capture_maxbytes=1KB\nredirect_stderr=true",
            filler = FILLER.trim_end(),
        ),
    );
    daemon.wait_file("heard", "err");
    assert_eq!(heard(&daemon), [captured("err")]);
}

fn captured_text_is_also_told_as_output(subject: Subject) {
    let daemon = capturing(
        subject,
        "PROCESS_COMMUNICATION,PROCESS_LOG",
        "stdout_events_enabled=true",
    );
    write(&daemon, &format!("before{BEGIN}within{END}{FILLER}"));
    daemon.wait_file("heard", FILLER);
    let log = |text: &str| {
        format!("PROCESS_LOG_STDOUT processname:p groupname:p pid:N channel:stdout {text}")
    };
    assert_eq!(
        heard(&daemon),
        [
            log("before"),
            log("within"),
            captured("within"),
            log(FILLER.trim_end()),
        ]
    );
}

fn a_piece_longer_than_the_limit_is_kept_whole(subject: Subject) {
    let daemon = capturing(
        subject,
        "PROCESS_COMMUNICATION",
        "stdout_capture_maxbytes=20",
    );
    let long = "x".repeat(40);
    write(&daemon, &format!("{FILLER}{BEGIN}{long}{END}{FILLER}"));
    daemon.wait_file("heard", &long);
    assert_eq!(heard(&daemon), [captured(&long)]);
}

fn without_a_limit_nothing_is_captured(subject: Subject) {
    let daemon = capturing(
        subject,
        "PROCESS_COMMUNICATION",
        "stdout_capture_maxbytes=0",
    );
    let text = format!("{BEGIN}one{END}\n");
    write(&daemon, &text);
    daemon.wait_file("p.log", &text);
    assert_eq!(daemon.sandbox().read("p.log"), text);
}
