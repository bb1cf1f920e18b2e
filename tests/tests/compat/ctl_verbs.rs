//! supervisorctl's verbs about processes, one-shot: what they print and how they exit.

use minder_tests::{Daemon, Subject, cases, normal};

use crate::is;

cases!(
    status_lists_every_process_and_exits_by_the_worst,
    status_of_names_keeps_their_order,
    status_pads_to_the_longest_listed_name,
    start_stop_and_restart_say_what_they_did,
    verbs_on_groups_leave_out_what_is_already_so,
    unknown_names_are_errors_with_their_own_codes,
    verbs_without_names_print_their_help,
    several_names_go_on_after_an_error,
    commands_that_cannot_be_run_are_refused,
    a_program_that_ends_at_once_is_a_spawn_error,
    signals_are_sent_by_name_and_number,
    a_quoted_verb_with_its_argument_is_split,
    pid_prints_the_daemon_s_and_the_processes,
    fg_refuses_what_it_cannot_connect_to,
    shutdown_ends_the_daemon,
);

/// One runs, one was never started, two form a group.
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

/// A daemon whose automatic starts are over.
fn daemon(subject: Subject) -> Daemon {
    let daemon = Daemon::start(subject, PROGRAMS);
    daemon.wait_state("cat", "RUNNING");
    daemon.wait_state("pair:one", "RUNNING");
    daemon
}

fn status_lists_every_process_and_exits_by_the_worst(subject: Subject) {
    let daemon = daemon(subject);
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
    let (all, code) = daemon.ctl_line("status all");
    assert_eq!((normal::status(&all), code), (normal::status(&out), 3));
}

fn status_of_names_keeps_their_order(subject: Subject) {
    let daemon = daemon(subject);
    let (out, code) = daemon.ctl_line("status pair:* nope idle nope:* cat idle");
    assert_eq!(
        normal::status(&out),
        "nope: ERROR (no such process)\n\
         nope: ERROR (no such group)\n\
         pair:one                         RUNNING   pid N\n\
         pair:two                         STOPPED   Not started\n\
         idle                             STOPPED   Not started\n\
         cat                              RUNNING   pid N\n\
         idle                             STOPPED   Not started\n"
    );
    assert_eq!(code, 3);
    assert_eq!(
        daemon.ctl_line("status nope"),
        is("nope: ERROR (no such process)\n", 4)
    );
}

fn status_pads_to_the_longest_listed_name(subject: Subject) {
    let long = "a-name-of-more-than-thirty-letters-in-all";
    let config = format!(
        "[program:{long}]\ncommand=/bin/cat\nautostart=false\n\
         [program:b]\ncommand=/bin/cat\nautostart=false"
    );
    let daemon = Daemon::start(subject, &config);
    assert_eq!(
        daemon.ctl_line("status").0,
        format!(
            "{long}   STOPPED   Not started\n\
             b                                           STOPPED   Not started\n"
        )
    );
    assert_eq!(
        daemon.ctl_line("status b").0,
        "b                                STOPPED   Not started\n"
    );
}

fn start_stop_and_restart_say_what_they_did(subject: Subject) {
    let daemon = daemon(subject);
    for (line, out) in [
        ("start idle", "idle: started\n"),
        ("start idle", "idle: ERROR (already started)\n"),
        ("stop idle", "idle: stopped\n"),
        ("stop idle", "idle: ERROR (not running)\n"),
        ("restart idle", "idle: ERROR (not running)\nidle: started\n"),
        ("restart idle", "idle: stopped\nidle: started\n"),
        ("start pair:two", "pair:two: started\n"),
        ("stop pair:two", "pair:two: stopped\n"),
        ("restart idle:idle", "idle: stopped\nidle: started\n"),
    ] {
        assert_eq!(daemon.ctl_line(line), is(out, 0), "{line}");
    }
}

fn verbs_on_groups_leave_out_what_is_already_so(subject: Subject) {
    let daemon = daemon(subject);
    for (line, out) in [
        ("start pair:*", "pair:two: started\n"),
        ("start pair:*", ""),
        ("start pair:", ""),
        ("stop pair:*", "pair:one: stopped\npair:two: stopped\n"),
        ("stop pair:*", ""),
        (
            "start all",
            "idle: started\npair:one: started\npair:two: started\n",
        ),
        (
            "stop all",
            "cat: stopped\nidle: stopped\npair:one: stopped\npair:two: stopped\n",
        ),
        ("restart cat:*", "cat: started\n"),
    ] {
        let (said, code) = daemon.ctl_line(line);
        // Those that are waited for are named as they end, which is not always in order.
        let mut lines: Vec<_> = said.split_inclusive('\n').collect();
        lines.sort_unstable();
        assert_eq!((lines.concat(), code), is(out, 0), "{line}");
    }
}

fn unknown_names_are_errors_with_their_own_codes(subject: Subject) {
    let daemon = daemon(subject);
    let process = "nope: ERROR (no such process)\n";
    let group = "nope: ERROR (no such group)\n";
    for (line, out, code) in [
        ("start nope", process, 1),
        ("start nope:*", group, 2),
        ("stop nope", process, 1),
        ("stop nope:*", group, 1),
        ("signal HUP nope", process, 1),
        ("signal HUP nope:*", group, 1),
        ("start pair", "pair: ERROR (no such process)\n", 1),
        ("start pair:nope", "pair:nope: ERROR (no such process)\n", 1),
        ("clear nope", process, 1),
        ("pid nope", "No such process nope\n", 1),
    ] {
        assert_eq!(daemon.ctl_line(line), is(out, code), "{line}");
    }
    assert_eq!(daemon.ctl_line("restart nope"), is(&process.repeat(2), 1));
    assert_eq!(daemon.ctl_line("restart nope:*"), is(&group.repeat(2), 2));
}

fn verbs_without_names_print_their_help(subject: Subject) {
    let daemon = daemon(subject);
    assert_eq!(
        daemon.ctl_line("start"),
        is(
            "Error: start requires a process name\n\
             start <name>\t\tStart a process\n\
             start <gname>:*\t\tStart all processes in a group\n\
             start <name> <name>\tStart multiple processes or groups\n\
             start all\t\tStart all processes\n",
            2
        )
    );
    for (verb, error, code) in [
        ("stop", "Error: stop requires a process name", 1),
        ("restart", "Error: restart requires a process name", 1),
        (
            "signal",
            "Error: signal requires a signal name and a process name",
            1,
        ),
        (
            "signal HUP",
            "Error: signal requires a signal name and a process name",
            1,
        ),
        ("clear", "Error: clear requires a process name", 1),
        ("version 1", "Error: version accepts no arguments", 1),
        ("avail x", "Error: avail accepts no arguments", 1),
    ] {
        let (out, is_code) = daemon.ctl_line(verb);
        assert_eq!((out.lines().next(), is_code), (Some(error), code), "{verb}");
        assert!(out.lines().count() > 1, "{verb} prints no help");
    }
}

fn several_names_go_on_after_an_error(subject: Subject) {
    let daemon = daemon(subject);
    assert_eq!(
        daemon.ctl_line("start nope idle"),
        is("nope: ERROR (no such process)\nidle: started\n", 1)
    );
    assert_eq!(
        daemon.ctl_line("stop idle nope idle"),
        is(
            "idle: stopped\nnope: ERROR (no such process)\nidle: ERROR (not running)\n",
            1
        )
    );
    assert_eq!(
        daemon.ctl_line("restart cat cat"),
        is(
            "cat: stopped\ncat: ERROR (not running)\ncat: started\ncat: ERROR (already started)\n",
            0
        )
    );
}

fn commands_that_cannot_be_run_are_refused(subject: Subject) {
    let daemon = Daemon::start(
        subject,
        "[program:absent]\ncommand=/no/such\nautostart=false\n\
         [program:plain]\ncommand=%(here)s/supervisord.conf\nautostart=false\n\
         [program:folder]\ncommand=/tmp\nautostart=false",
    );
    for (line, out) in [
        ("start absent", "absent: ERROR (no such file)\n"),
        ("start plain", "plain: ERROR (file is not executable)\n"),
        ("start folder", "folder: ERROR (file is not executable)\n"),
    ] {
        assert_eq!(daemon.ctl_line(line), is(out, 1), "{line}");
    }
    // A refused start leaves no trace in the process.
    assert_eq!(daemon.state("absent"), "STOPPED");
    assert_eq!(daemon.info_text("absent", "spawnerr"), "");
}

fn a_program_that_ends_at_once_is_a_spawn_error(subject: Subject) {
    let daemon = Daemon::start(
        subject,
        // Within a second Supervisor may take an ended program for one that stays up.
        "[program:brief]\ncommand=actor exit 0\nautostart=false\nstartretries=0\nstartsecs=2",
    );
    assert_eq!(
        daemon.ctl_line("start brief"),
        is("brief: ERROR (spawn error)\n", 7)
    );
    daemon.wait_state("brief", "FATAL");
    assert_eq!(
        daemon.ctl_line("status"),
        is(
            "brief                            FATAL     \
             Exited too quickly (process log may have details)\n",
            3
        )
    );
}

fn signals_are_sent_by_name_and_number(subject: Subject) {
    let daemon = daemon(subject);
    for (line, out, code) in [
        ("signal CONT cat", "cat: signalled\n", 0),
        ("signal sigcont cat", "cat: signalled\n", 0),
        ("signal 18 cat", "cat: signalled\n", 0),
        ("signal NOPE cat", "cat: ERROR (bad signal name)\n", 1),
        ("signal NOPE idle", "idle: ERROR (bad signal name)\n", 1),
        ("signal HUP idle", "idle: ERROR (not running)\n", 7),
        ("signal CONT pair:*", "pair:one: signalled\n", 0),
        (
            "signal CONT all",
            "cat: signalled\npair:one: signalled\n",
            0,
        ),
    ] {
        assert_eq!(daemon.ctl_line(line), is(out, code), "{line}");
    }
}

fn a_quoted_verb_with_its_argument_is_split(subject: Subject) {
    let daemon = daemon(subject);
    let run = daemon.ctl(&["signal CONT", "cat"]);
    assert_eq!(run.out_and_code(), ("cat: signalled\n", 0));
    let run = daemon.ctl(&["status idle"]);
    assert_eq!(run.code, Some(3));
    let run = daemon.ctl(&["start;idle"]);
    assert_eq!(run.out_and_code(), (";idle: ERROR (no such process)\n", 1));
}

fn pid_prints_the_daemon_s_and_the_processes(subject: Subject) {
    let daemon = daemon(subject);
    assert_eq!(
        daemon.ctl_line("pid"),
        is(&format!("{}\n", daemon.pid()), 0)
    );
    let cat = daemon.pid_of("cat");
    let one = daemon.pid_of("pair:one");
    assert_eq!(daemon.ctl_line("pid cat"), is(&format!("{cat}\n"), 0));
    assert_eq!(daemon.ctl_line("pid idle"), is("0\n", 7));
    let all = format!("{cat}\n0\n{one}\n0\n");
    assert_eq!(daemon.ctl_line("pid all"), is(&all, 0));
    assert_eq!(
        daemon.ctl_line("pid pair:*"),
        is("No such process pair:*\n", 1)
    );
}

fn fg_refuses_what_it_cannot_connect_to(subject: Subject) {
    let daemon = daemon(subject);
    for (line, error) in [
        ("fg", "ERROR: no process name supplied"),
        ("fg cat idle", "ERROR: too many process names supplied"),
        ("fg nope", "ERROR: bad process name supplied"),
        ("fg idle", "ERROR: process not running"),
    ] {
        let (out, code) = daemon.ctl_line(line);
        assert_eq!((out.lines().next(), code), (Some(error), 1), "{line}");
    }
}

fn shutdown_ends_the_daemon(subject: Subject) {
    let mut daemon = daemon(subject);
    assert_eq!(daemon.ctl_line("shutdown"), is("Shut down\n", 0));
    assert_eq!(daemon.wait_end(), 0);
    assert!(!daemon.sandbox().read("stderr.txt").contains("Traceback"));
}
