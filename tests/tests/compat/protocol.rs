//! The listener protocol: what a listener may say when, and what becomes of its event.

use minder_tests::{Subject, cases, wait_until};

use crate::ears::{Puppet, headers, heard, send};

cases!(
    ready_may_come_in_pieces,
    five_bytes_are_too_few_to_break_the_protocol,
    six_bytes_that_are_not_ready_break_the_protocol,
    ready_in_small_letters_breaks_the_protocol,
    ready_twice_breaks_the_protocol,
    speaking_while_ready_breaks_the_protocol,
    a_listener_that_broke_the_protocol_hears_nothing_more,
    a_listener_that_broke_the_protocol_hears_again_after_a_restart,
    a_result_may_come_in_pieces,
    the_word_result_is_not_looked_at,
    a_result_without_a_number_is_bad,
    a_negative_length_is_survived,
    a_result_without_text_is_a_rejection,
    a_result_in_small_letters_is_a_rejection,
    result_and_ready_may_come_together,
    what_follows_an_ok_must_be_ready,
    steps_of_a_conversation_are_logged,
    an_event_waits_until_the_listener_is_ready,
    a_listener_that_dies_with_an_event_hears_it_again,
    a_stopped_listener_hears_later_what_happened,
    what_a_listener_says_is_in_its_log,
    standard_input_of_a_listener_may_be_written,
    what_a_listener_says_that_broke_the_protocol_is_shown_in_detail,
);

const UNKNOWN: &str = "WARN ear: has entered the UNKNOWN state and will no longer receive events";

/// Whether the listener has broken the protocol as far as the log tells.
fn is_broken(puppet: &Puppet) -> bool {
    puppet
        .daemon
        .sandbox()
        .read("supervisord.log")
        .contains(UNKNOWN)
}

fn ready_may_come_in_pieces(subject: Subject) {
    let mut puppet = Puppet::start(subject, "", "");
    puppet.say("REA");
    puppet.wait_log("'ear' stdout output", 1);
    puppet.say("DY");
    puppet.wait_log("'ear' stdout output", 2);
    puppet.say("\n");
    puppet.daemon.wait_log("ear: ACKNOWLEDGED -> READY");
    assert!(!is_broken(&puppet));
}

fn five_bytes_are_too_few_to_break_the_protocol(subject: Subject) {
    let mut puppet = Puppet::start(subject, "", "");
    puppet.say("HELLO");
    puppet.wait_log("'ear' stdout output", 1);
    assert!(!is_broken(&puppet));
    puppet.say("!");
    puppet.daemon.wait_log(UNKNOWN);
}

fn six_bytes_that_are_not_ready_break_the_protocol(subject: Subject) {
    let mut puppet = Puppet::start(subject, "", "");
    puppet.say("HELLO\nREADY\n");
    puppet.daemon.wait_log(UNKNOWN);
    puppet.daemon.wait_log("DEBG ear: ACKNOWLEDGED -> UNKNOWN");
    assert_eq!(puppet.daemon.state("ear"), "RUNNING");
}

fn ready_in_small_letters_breaks_the_protocol(subject: Subject) {
    let mut puppet = Puppet::start(subject, "", "");
    puppet.say("ready\n");
    puppet.daemon.wait_log(UNKNOWN);
}

fn ready_twice_breaks_the_protocol(subject: Subject) {
    let mut puppet = Puppet::start(subject, "", "");
    puppet.say("READY\nREADY\n");
    puppet.daemon.wait_log("DEBG ear: READY -> UNKNOWN");
    assert!(is_broken(&puppet));
}

fn speaking_while_ready_breaks_the_protocol(subject: Subject) {
    let mut puppet = Puppet::start(subject, "", "");
    puppet.ready();
    puppet.say("\n");
    puppet.daemon.wait_log("DEBG ear: READY -> UNKNOWN");
}

fn a_listener_that_broke_the_protocol_hears_nothing_more(subject: Subject) {
    let more = "[eventlistener:other]\ncommand=actor listen %(here)s/other\n\
                events=REMOTE_COMMUNICATION\nstartsecs=0";
    let mut puppet = Puppet::start(subject, "stdout_logfile=%(here)s/ear.log", more);
    puppet.say("nonsense\n");
    puppet.daemon.wait_log(UNKNOWN);
    puppet.say("READY\n");
    puppet.daemon.wait_file("ear.log", "nonsense\nREADY\n");
    send(&puppet.daemon, "lost");
    puppet.daemon.wait_file("other", "lost");
    assert_eq!(puppet.daemon.sandbox().read("heard"), "");
}

fn what_a_listener_says_that_broke_the_protocol_is_shown_in_detail(subject: Subject) {
    let mut puppet = Puppet::start(subject, "", "");
    puppet.say("nonsense\n");
    puppet.daemon.wait_log(UNKNOWN);
    puppet.wait_log("DEBG 'ear' stdout output", 1);
    puppet.say("more of it\n");
    puppet.wait_log("DEBG 'ear' stdout output", 2);
}

fn a_listener_that_broke_the_protocol_hears_again_after_a_restart(subject: Subject) {
    let mut puppet = Puppet::start(subject, "", "");
    puppet.say("nonsense\n");
    puppet.daemon.wait_log(UNKNOWN);
    send(&puppet.daemon, "kept");
    assert_eq!(puppet.daemon.ctl_line("restart ear").1, 0);
    puppet.say("READY\n");
    puppet.daemon.wait_file("heard", "kept");
}

fn a_result_may_come_in_pieces(subject: Subject) {
    let mut puppet = Puppet::start(subject, "", "");
    puppet.ready();
    send(&puppet.daemon, "one");
    puppet.daemon.wait_file("heard", "one");
    for (count, piece) in ["RES", "ULT 2", "\nO", "K"].into_iter().enumerate() {
        puppet.say(piece);
        // The first output was READY.
        puppet.wait_log("'ear' stdout output", count + 2);
    }
    puppet.daemon.wait_log("DEBG ear: event was processed");
    puppet.daemon.wait_log("DEBG ear: BUSY -> ACKNOWLEDGED");
    assert!(!is_broken(&puppet));
}

fn the_word_result_is_not_looked_at(subject: Subject) {
    let mut puppet = Puppet::start(subject, "", "");
    puppet.ready();
    send(&puppet.daemon, "one");
    puppet.daemon.wait_file("heard", "one");
    puppet.say("FOOBARX2\nOK");
    puppet.daemon.wait_log("DEBG ear: event was processed");
}

fn a_result_without_a_number_is_bad(subject: Subject) {
    let mut puppet = Puppet::start(subject, "", "");
    puppet.ready();
    send(&puppet.daemon, "one");
    puppet.daemon.wait_file("heard", "one");
    puppet.say("RESULT many\nOK");
    puppet.daemon.wait_log(UNKNOWN);
    let log = puppet.daemon.log();
    let of_the_ear: Vec<_> = log
        .iter()
        .filter(|line| line.starts_with("WARN ear: bad") || line.starts_with("DEBG ear: BUSY"))
        .collect();
    assert_eq!(
        of_the_ear,
        [
            "WARN ear: bad result line: 'RESULT many'",
            "DEBG ear: BUSY -> UNKNOWN"
        ]
    );
}

fn a_negative_length_is_survived(subject: Subject) {
    let mut puppet = Puppet::start(subject, "", "");
    puppet.ready();
    send(&puppet.daemon, "one");
    puppet.daemon.wait_file("heard", "one");
    puppet.say("RESULT -3\nOK");
    puppet.wait_log("'ear' stdout output", 2);
    assert_eq!(puppet.daemon.state("ear"), "RUNNING");
    assert_eq!(puppet.daemon.ctl_line("stop ear").0, "ear: stopped\n");
}

fn a_result_without_text_is_a_rejection(subject: Subject) {
    let mut puppet = Puppet::start(subject, "", "");
    puppet.ready();
    send(&puppet.daemon, "one");
    puppet.daemon.wait_file("heard", "one");
    puppet.say("RESULT 0\nREADY\n");
    puppet.daemon.wait_log("WARN ear: event was rejected");
    wait_until("the event comes again", || heard(&puppet.daemon).len() == 2);
}

fn a_result_in_small_letters_is_a_rejection(subject: Subject) {
    let mut puppet = Puppet::start(subject, "", "");
    puppet.ready();
    send(&puppet.daemon, "one");
    puppet.daemon.wait_file("heard", "one");
    puppet.say("RESULT 2\nok");
    puppet.daemon.wait_log("WARN ear: event was rejected");
    puppet.daemon.wait_log("DEBG ear: BUSY -> ACKNOWLEDGED");
    puppet.say("READY\n");
    wait_until("the event comes again", || {
        headers(&puppet.daemon, "serial").len() == 2
    });
    let serials = headers(&puppet.daemon, "serial");
    assert_eq!(serials[0], serials[1]);
    assert_eq!(headers(&puppet.daemon, "poolserial"), ["0", "0"]);
}

fn result_and_ready_may_come_together(subject: Subject) {
    let mut puppet = Puppet::start(subject, "", "");
    puppet.ready();
    for data in ["one", "two", "three"] {
        send(&puppet.daemon, data);
    }
    for data in ["one", "two", "three"] {
        puppet.daemon.wait_file("heard", data);
        puppet.say("RESULT 2\nOKREADY\n");
    }
    puppet.wait_log("DEBG ear: event was processed", 3);
    assert_eq!(headers(&puppet.daemon, "poolserial"), ["0", "1", "2"]);
}

fn what_follows_an_ok_must_be_ready(subject: Subject) {
    let mut puppet = Puppet::start(subject, "", "");
    puppet.ready();
    send(&puppet.daemon, "one");
    puppet.daemon.wait_file("heard", "one");
    puppet.say("RESULT 2\nOK\nREADY\n");
    puppet.daemon.wait_log("DEBG ear: event was processed");
    puppet.daemon.wait_log("DEBG ear: ACKNOWLEDGED -> UNKNOWN");
}

fn steps_of_a_conversation_are_logged(subject: Subject) {
    let mut puppet = Puppet::start(subject, "", "");
    puppet.ready();
    send(&puppet.daemon, "one");
    puppet.daemon.wait_file("heard", "one");
    puppet.say("RESULT 2\nOK");
    puppet.daemon.wait_log("DEBG ear: event was processed");
    puppet.ready();
    let log = puppet.daemon.log();
    let steps: Vec<_> = log
        .iter()
        .filter(|line| line.starts_with("DEBG ear: ") || line.starts_with("DEBG event "))
        .collect();
    assert_eq!(
        steps,
        [
            "DEBG ear: ACKNOWLEDGED -> READY",
            "DEBG event 0 sent to listener ear",
            "DEBG ear: event was processed",
            "DEBG ear: BUSY -> ACKNOWLEDGED",
            "DEBG ear: ACKNOWLEDGED -> READY",
        ]
    );
}

fn an_event_waits_until_the_listener_is_ready(subject: Subject) {
    let more = "[eventlistener:other]\ncommand=actor listen %(here)s/other\n\
                events=REMOTE_COMMUNICATION\nstartsecs=0";
    let mut puppet = Puppet::start(subject, "", more);
    send(&puppet.daemon, "early");
    puppet.daemon.wait_file("other", "early");
    assert_eq!(puppet.daemon.sandbox().read("heard"), "");
    puppet.say("READY\n");
    puppet.daemon.wait_file("heard", "early");
}

fn a_listener_that_dies_with_an_event_hears_it_again(subject: Subject) {
    let mut puppet = Puppet::start(subject, "", "");
    puppet.ready();
    send(&puppet.daemon, "one");
    puppet.daemon.wait_file("heard", "one");
    let killed = puppet
        .daemon
        .ask("signalProcess", &["ear".into(), "KILL".into()]);
    assert_eq!(killed, true.into());
    puppet
        .daemon
        .wait_log("exited: ear (terminated by SIGKILL; not expected)");
    puppet.daemon.wait_state("ear", "RUNNING");
    puppet.say("READY\n");
    wait_until("the event comes again", || heard(&puppet.daemon).len() == 2);
    let heard = heard(&puppet.daemon);
    assert_eq!(heard[0], heard[1]);
    assert_eq!(headers(&puppet.daemon, "poolserial"), ["0", "0"]);
}

fn a_stopped_listener_hears_later_what_happened(subject: Subject) {
    let mut puppet = Puppet::start(subject, "", "");
    assert_eq!(puppet.daemon.ctl_line("stop ear").1, 0);
    send(&puppet.daemon, "meanwhile");
    assert_eq!(puppet.daemon.ctl_line("start ear").1, 0);
    puppet.say("READY\n");
    puppet.daemon.wait_file("heard", "meanwhile");
    assert_eq!(headers(&puppet.daemon, "poolserial"), ["0"]);
}

fn what_a_listener_says_is_in_its_log(subject: Subject) {
    let mut puppet = Puppet::start(subject, "stdout_logfile=%(here)s/ear.log", "");
    puppet.ready();
    send(&puppet.daemon, "one");
    puppet.daemon.wait_file("heard", "one");
    puppet.say("RESULT 2\nOK");
    puppet.daemon.wait_log("DEBG ear: event was processed");
    puppet.ready();
    puppet
        .daemon
        .wait_file("ear.log", "READY\nRESULT 2\nOKREADY\n");
}

fn standard_input_of_a_listener_may_be_written(subject: Subject) {
    let puppet = Puppet::start(subject, "", "");
    let sent = puppet
        .daemon
        .ask("sendProcessStdin", &["ear".into(), "hello\n".into()]);
    assert_eq!(sent, true.into());
    puppet.daemon.wait_file("heard", "hello\n");
}
