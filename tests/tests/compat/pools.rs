//! Pools of listeners: who hears what, in which order, and what waits or is dropped.

use minder_tests::{Daemon, Subject, cases, wait_until};
use rustix::process::Signal;

use crate::ears::{Puppet, ear, headers, heard, listening, send};

cases!(
    each_pool_has_its_own_copy,
    events_nobody_hears_have_no_serial,
    the_first_free_listener_of_a_pool_is_told,
    a_busy_listener_leaves_the_event_to_the_next,
    of_a_full_buffer_the_oldest_event_is_dropped,
    of_a_burst_the_last_ten_events_wait_unless_said_otherwise,
    a_rejected_event_pushes_another_out_of_a_full_buffer,
    a_rejected_event_is_told_before_those_that_wait,
    an_event_of_two_subscriptions_comes_for_each,
    event_names_may_be_written_in_any_case,
    a_removed_pool_hears_no_more_and_an_added_one_counts_anew,
    a_reload_goes_on_counting_events,
    a_changed_subscription_is_a_change,
    listeners_start_first_and_stop_last,
);

fn each_pool_has_its_own_copy(subject: Subject) {
    let daemon = listening(
        subject,
        "REMOTE_COMMUNICATION",
        "[eventlistener:also]\ncommand=actor listen %(here)s/also\n\
         events=SUPERVISOR_STATE_CHANGE,REMOTE_COMMUNICATION\nstartsecs=0",
    );
    send(&daemon, "one");
    daemon.wait_file("heard", "one");
    daemon.wait_file("also", "one");
    let header = |file: &str| {
        let text = daemon.sandbox().read(file);
        let lines: Vec<_> = text
            .lines()
            .filter(|line| line.starts_with("ver:"))
            .collect();
        (*lines.last().expect("a header")).to_owned()
    };
    assert_eq!(
        header("heard"),
        "ver:3.0 server:supervisor serial:1 pool:ear poolserial:0 \
         eventname:REMOTE_COMMUNICATION len:10"
    );
    assert_eq!(
        header("also"),
        "ver:3.0 server:supervisor serial:1 pool:also poolserial:1 \
         eventname:REMOTE_COMMUNICATION len:10"
    );
}

fn events_nobody_hears_have_no_serial(subject: Subject) {
    let daemon = listening(
        subject,
        "REMOTE_COMMUNICATION",
        "[program:p]\ncommand=/bin/cat\nstartsecs=0",
    );
    daemon.wait_state("p", "RUNNING");
    send(&daemon, "one");
    assert_eq!(daemon.ctl_line("restart p").1, 0);
    send(&daemon, "two");
    daemon.wait_file("heard", "two");
    assert_eq!(headers(&daemon, "serial"), ["0", "1"]);
}

/// A pool of two listeners, each with a file of its own.
const TWO: &str = "[eventlistener:ear]\nnumprocs=2\nprocess_name=%(program_name)s%(process_num)d\n\
                   events=REMOTE_COMMUNICATION\nstartsecs=0\n";

fn the_first_free_listener_of_a_pool_is_told(subject: Subject) {
    let daemon = Daemon::start(
        subject,
        &format!("{TWO}command=actor listen %(here)s/heard%(process_num)d"),
    );
    for (process, file) in [("ear:ear0", "heard0"), ("ear:ear1", "heard1")] {
        daemon.wait_state(process, "RUNNING");
        // There as soon as it listens.
        wait_until("it listens", || daemon.sandbox().path(file).exists());
    }
    for data in ["one", "two"] {
        send(&daemon, data);
        daemon.wait_file("heard0", data);
    }
    assert_eq!(daemon.sandbox().read("heard1"), "");
}

fn a_busy_listener_leaves_the_event_to_the_next(subject: Subject) {
    let daemon = Daemon::start(
        subject,
        &format!(
            "{TWO}command=sh -c \"echo READY; exec cat >%(here)s/heard%(process_num)d\"\n\
             stdout_logfile=%(here)s/%(process_num)d.log"
        ),
    );
    for process in ["0", "1"] {
        daemon.wait_state(&format!("ear:ear{process}"), "RUNNING");
        daemon.wait_file(&format!("{process}.log"), "READY");
    }
    send(&daemon, "one");
    daemon.wait_file("heard0", "one");
    send(&daemon, "two");
    daemon.wait_file("heard1", "two");
    let text = daemon.sandbox().read("heard1");
    assert!(text.contains(" pool:ear poolserial:1 "), "{text}");
}

/// The lines about events that were dropped.
fn dropped(daemon: &Daemon) -> Vec<String> {
    let mut log = daemon.log();
    log.retain(|line| line.starts_with("ERRO pool"));
    log
}

fn of_a_full_buffer_the_oldest_event_is_dropped(subject: Subject) {
    let mut puppet = Puppet::start(subject, "buffer_size=2", "");
    for data in ["one", "two", "three", "four"] {
        send(&puppet.daemon, data);
    }
    puppet.wait_log("ERRO pool", 2);
    assert_eq!(
        dropped(&puppet.daemon),
        [
            "ERRO pool ear event buffer overflowed, discarding event 0",
            "ERRO pool ear event buffer overflowed, discarding event 1",
        ]
    );
    puppet.say("READY\n");
    puppet.daemon.wait_file("heard", "three");
    puppet.say("RESULT 2\nOKREADY\n");
    puppet.daemon.wait_file("heard", "four");
    assert_eq!(headers(&puppet.daemon, "poolserial"), ["2", "3"]);
}

fn of_a_burst_the_last_ten_events_wait_unless_said_otherwise(subject: Subject) {
    const BURST: usize = 40;
    let mut puppet = Puppet::start(subject, "", "");
    for number in 0..BURST {
        send(&puppet.daemon, &format!("number {number}."));
    }
    // The last of them has been taken in when the daemon answers.
    let lost = subject.differs("events-without-number", BURST - 10, 0);
    let lines: Vec<String> = (0..lost)
        .map(|event| format!("ERRO pool ear event buffer overflowed, discarding event {event}"))
        .collect();
    assert_eq!(dropped(&puppet.daemon), lines);
    puppet.say("READY\n");
    for number in lost..BURST {
        puppet
            .daemon
            .wait_file("heard", &format!("number {number}."));
        puppet.say("RESULT 2\nOKREADY\n");
    }
    let heard: Vec<String> = (lost..BURST).map(|number| number.to_string()).collect();
    assert_eq!(headers(&puppet.daemon, "poolserial"), heard);
}

fn a_rejected_event_pushes_another_out_of_a_full_buffer(subject: Subject) {
    let mut puppet = Puppet::start(subject, "buffer_size=1", "");
    puppet.ready();
    send(&puppet.daemon, "one");
    puppet.daemon.wait_file("heard", "one");
    send(&puppet.daemon, "two");
    // The event waits for sure once a later call has been answered by what decides.
    let signalled = ["ear".into(), "CONT".into()];
    assert_eq!(puppet.daemon.ask("signalProcess", &signalled), true.into());
    puppet.say("RESULT 4\nFAIL");
    puppet.daemon.wait_log("WARN ear: event was rejected");
    puppet.say("READY\n");
    wait_until("the event comes again", || heard(&puppet.daemon).len() == 2);
    assert_eq!(headers(&puppet.daemon, "poolserial"), ["0", "0"]);
    assert_eq!(
        dropped(&puppet.daemon),
        ["ERRO pool ear event buffer overflowed, discarding event 1"]
    );
}

fn a_rejected_event_is_told_before_those_that_wait(subject: Subject) {
    let mut puppet = Puppet::start(subject, "", "");
    puppet.ready();
    for data in ["one", "two"] {
        send(&puppet.daemon, data);
    }
    puppet.daemon.wait_file("heard", "one");
    for (answer, count) in [("4\nFAIL", 2), ("2\nOK", 3)] {
        puppet.say(&format!("RESULT {answer}READY\n"));
        wait_until("the next event comes", || {
            headers(&puppet.daemon, "poolserial").len() == count
        });
    }
    assert_eq!(headers(&puppet.daemon, "poolserial"), ["0", "0", "1"]);
}

fn an_event_of_two_subscriptions_comes_for_each(subject: Subject) {
    let daemon = listening(subject, "REMOTE_COMMUNICATION,EVENT", "");
    send(&daemon, "one");
    send(&daemon, "two");
    daemon.wait_file("heard", "two");
    let mut heard = heard(&daemon);
    heard.retain(|event| event.ends_with(" one"));
    assert_eq!(heard.len(), 2);
}

fn event_names_may_be_written_in_any_case(subject: Subject) {
    let daemon = listening(subject, "remote_Communication", "");
    send(&daemon, "one");
    daemon.wait_file("heard", "eventname:REMOTE_COMMUNICATION ");
}

fn a_removed_pool_hears_no_more_and_an_added_one_counts_anew(subject: Subject) {
    let daemon = listening(subject, "REMOTE_COMMUNICATION", "");
    send(&daemon, "one");
    daemon.wait_file("heard", "one");
    assert_eq!(daemon.ctl_line("stop ear").1, 0);
    assert_eq!(
        daemon.ctl_line("remove ear").0,
        "ear: removed process group\n"
    );
    send(&daemon, "lost");
    assert_eq!(daemon.ctl_line("add ear").0, "ear: added process group\n");
    daemon.wait_state("ear", "RUNNING");
    send(&daemon, "three");
    daemon.wait_file("heard", "three");
    assert_eq!(headers(&daemon, "serial"), ["0", "1"]);
    assert_eq!(headers(&daemon, "poolserial"), ["0", "0"]);
}

fn a_reload_goes_on_counting_events(subject: Subject) {
    let daemon = listening(subject, "REMOTE_COMMUNICATION", "");
    send(&daemon, "one");
    daemon.wait_file("heard", "one");
    daemon.signal(Signal::HUP);
    wait_until("it has started anew", || {
        daemon
            .log()
            .iter()
            .filter(|line| line.starts_with("INFO success: ear"))
            .count()
            == 2
    });
    daemon.wait_ready();
    send(&daemon, "two");
    daemon.wait_file("heard", "two");
    assert_eq!(headers(&daemon, "serial"), ["0", "1"]);
    assert_eq!(headers(&daemon, "poolserial"), ["0", "0"]);
}

fn a_changed_subscription_is_a_change(subject: Subject) {
    let daemon = listening(subject, "REMOTE_COMMUNICATION", "");
    for changed in [
        ear("REMOTE_COMMUNICATION,TICK_60"),
        ear("REMOTE_COMMUNICATION").replace("=100", "=99"),
    ] {
        daemon.sandbox().configure(&changed);
        assert_eq!(daemon.ctl_line("reread").0, "ear: changed\n");
    }
    daemon.sandbox().configure(&ear("TICK_60"));
    assert_eq!(
        daemon.ctl_line("update").0,
        "ear: stopped\near: updated process group\n"
    );
    daemon.wait_state("ear", "RUNNING");
}

fn listeners_start_first_and_stop_last(subject: Subject) {
    let mut daemon = Daemon::start(
        subject,
        &format!(
            "[program:a]\ncommand=/bin/cat\nstartsecs=0\npriority=1\n{}",
            ear("PROCESS_STATE_STOPPED")
        ),
    );
    daemon.wait_state("a", "RUNNING");
    daemon.wait_state("ear", "RUNNING");
    daemon.signal(Signal::TERM);
    assert_eq!(daemon.wait_end(), 0);
    let mut log = daemon.log();
    log.retain(|line| line.contains("spawned: ") || line.contains("stopped: "));
    assert_eq!(
        log,
        [
            "INFO spawned: 'ear' with pid N",
            "INFO spawned: 'a' with pid N",
            "WARN stopped: a (terminated by SIGTERM)",
            "WARN stopped: ear (terminated by SIGTERM)",
        ]
    );
}
