//! supervisorctl's verbs, one-shot: what they print and how they exit.

use minder_tests::{Daemon, Subject, cases, normal};

cases!(
    status_lists_every_process_and_exits_by_the_worst,
    start_stop_and_restart_say_what_they_did,
);

/// Three programs: one runs, one was never started, one is in a group of two.
const PROGRAMS: &str = "
[program:cat]
command=/bin/cat
startsecs=0
[program:idle]
command=/bin/cat
autostart=false
startsecs=0
[group:pair]
programs=one,two
[program:one]
command=/bin/cat
startsecs=0
[program:two]
command=/bin/cat
startsecs=0
autostart=false
";

fn status_lists_every_process_and_exits_by_the_worst(subject: Subject) {
    let daemon = Daemon::start(subject, PROGRAMS);
    daemon.wait_state("pair:one", "RUNNING");
    let (out, code) = daemon.ctl_line("status");
    assert_eq!(
        normal::status(&out),
        "cat                              RUNNING   pid N\n\
         idle                             STOPPED   Not started\n\
         pair:one                         RUNNING   pid N\n\
         pair:two                         STOPPED   Not started\n"
    );
    assert_eq!(code, 3);
    assert_eq!(daemon.ctl_line("status cat").1, 0);
}

fn start_stop_and_restart_say_what_they_did(subject: Subject) {
    let daemon = Daemon::start(subject, PROGRAMS);
    daemon.wait_state("cat", "RUNNING");
    let said = |line| daemon.ctl_line(line);
    assert_eq!(said("start idle"), ("idle: started\n".into(), 0));
    assert_eq!(
        said("start idle"),
        ("idle: ERROR (already started)\n".into(), 0)
    );
    assert_eq!(said("stop idle"), ("idle: stopped\n".into(), 0));
    assert_eq!(said("stop idle"), ("idle: ERROR (not running)\n".into(), 0));
    assert_eq!(
        said("restart idle"),
        ("idle: ERROR (not running)\nidle: started\n".into(), 0)
    );
    assert_eq!(
        said("restart idle"),
        ("idle: stopped\nidle: started\n".into(), 0)
    );
}
