//! Log files: to the byte, over restarts, rotations, clearing and special targets.

use std::fs;

use minder_tests::{Daemon, Sandbox, Subject, cases, wait_until};
use rustix::process::Signal;

cases!(
    two_programs_may_share_a_file,
    a_second_life_is_appended,
    a_file_is_made_when_its_program_starts,
    a_large_file_is_rotated_behind_the_next_write,
    backups_beyond_their_number_are_left_alone,
    standard_error_is_rotated_on_its_own,
    one_file_for_both_streams_is_rotated,
    without_a_limit_nothing_is_rotated,
    what_is_written_before_and_behind_rotations_is_complete,
    clearing_leaves_backups_alone,
    clearing_and_writing_go_on,
    a_file_that_is_moved_away_is_written_until_reopened,
    a_cleared_main_log_goes_on,
    a_main_log_without_backups_is_emptied,
    automatic_logs_outlive_the_daemon_if_wanted,
    automatic_logs_have_new_names_after_a_reload,
    logs_may_lie_on_standard_output,
    nothing_is_kept_of_the_null_device,
    a_log_that_is_called_syslog_is_no_file,
    a_log_may_lie_in_the_home,
    ansi_sequences_are_stripped_to_the_byte,
    ansi_sequences_stay_unless_asked_for,
    only_critical_lines_are_logged_at_that_level,
    large_outputs_are_complete,
    missing_backups_are_no_obstacle,
    an_unfinished_ansi_sequence_ends_with_its_piece,
);

/// A program that writes each line that it is sent into `p.log`, with these options.
fn echoing(subject: Subject, options: &str) -> Daemon {
    echoing_in(Sandbox::configured(
        subject,
        &format!(
            "[program:p]\ncommand=actor echo\nstartsecs=0\nstdout_logfile=%(here)s/p.log\n{options}"
        ),
    ))
}

fn echoing_in(sandbox: Sandbox) -> Daemon {
    let daemon = Daemon::start_in(sandbox);
    daemon.wait_state("p", "RUNNING");
    daemon
}

fn say(daemon: &Daemon, text: &str) {
    let sent = daemon.ask("sendProcessStdin", &["p".into(), text.into()]);
    assert_eq!(sent, true.into());
}

fn two_programs_may_share_a_file(subject: Subject) {
    let daemon = echoing(
        subject,
        "[program:q]\ncommand=actor out other wait\nstartsecs=0\nautostart=false\n\
         stdout_logfile=%(here)s/p.log\nstdout_logfile_maxbytes=0\n\
         [program:p]\nstdout_logfile_maxbytes=0",
    );
    say(&daemon, "one\n");
    daemon.wait_file("p.log", "one\n");
    assert_eq!(daemon.ctl_line("start q").0, "q: started\n");
    daemon.wait_file("p.log", "other\n");
    say(&daemon, "two\n");
    daemon.wait_file("p.log", "two\n");
    assert_eq!(daemon.sandbox().read("p.log"), "one\nother\ntwo\n");
}

fn a_second_life_is_appended(subject: Subject) {
    let sandbox = Sandbox::configured(
        subject,
        "[program:p]\ncommand=actor out life wait\nstartsecs=0\nstdout_logfile=%(here)s/p.log",
    );
    sandbox.write("p.log", "before\n");
    let daemon = echoing_in(sandbox);
    daemon.wait_file("p.log", "before\nlife\n");
    assert_eq!(daemon.ctl_line("restart p").1, 0);
    daemon.wait_file("p.log", "before\nlife\nlife\n");
}

fn a_file_is_made_when_its_program_starts(subject: Subject) {
    let daemon = Daemon::start(
        subject,
        "[program:p]\ncommand=/bin/cat\nstartsecs=0\nautostart=false\n\
         stdout_logfile=%(here)s/p.log\nstderr_logfile=%(here)s/p.err",
    );
    let there = || ["p.log", "p.err"].map(|name| daemon.sandbox().path(name).exists());
    assert_eq!(there(), [false, false]);
    assert_eq!(daemon.ctl_line("start p").0, "p: started\n");
    assert_eq!(there(), [true, true]);
}

/// The sizes of the log and its backups; `None` for one that is not there.
fn sizes<const N: usize>(daemon: &Daemon, names: [&str; N]) -> [Option<u64>; N] {
    names.map(|name| {
        let metadata = fs::metadata(daemon.sandbox().path(name));
        metadata.ok().map(|metadata| metadata.len())
    })
}

fn a_large_file_is_rotated_behind_the_next_write(subject: Subject) {
    let sandbox = Sandbox::configured(
        subject,
        "[program:p]\ncommand=actor echo\nstartsecs=0\nstdout_logfile=%(here)s/p.log\n\
         stdout_logfile_maxbytes=10",
    );
    sandbox.write("p.log", "much more than ten\n");
    let daemon = echoing_in(sandbox);
    assert_eq!(sizes(&daemon, ["p.log", "p.log.1"]), [Some(19), None]);
    say(&daemon, "x\n");
    daemon.wait_file("p.log.1", "much more than ten\nx\n");
    wait_until("the log is new", || sizes(&daemon, ["p.log"]) == [Some(0)]);
}

fn backups_beyond_their_number_are_left_alone(subject: Subject) {
    let sandbox = Sandbox::configured(
        subject,
        "[program:p]\ncommand=actor echo\nstartsecs=0\nstdout_logfile=%(here)s/p.log\n\
         stdout_logfile_maxbytes=10\nstdout_logfile_backups=2",
    );
    for number in 1..=4 {
        sandbox.write(format!("p.log.{number}"), format!("old {number}"));
    }
    let daemon = echoing_in(sandbox);
    say(&daemon, "0123456789\n");
    daemon.wait_file("p.log.1", "0123456789\n");
    let read = |number: u8| daemon.sandbox().read(format!("p.log.{number}"));
    assert_eq!([read(2), read(3), read(4)], ["old 1", "old 3", "old 4"]);
}

fn missing_backups_are_no_obstacle(subject: Subject) {
    let sandbox = Sandbox::configured(
        subject,
        "[program:p]\ncommand=actor echo\nstartsecs=0\nstdout_logfile=%(here)s/p.log\n\
         stdout_logfile_maxbytes=10\nstdout_logfile_backups=5",
    );
    sandbox.write("p.log.2", "old 2");
    let daemon = echoing_in(sandbox);
    say(&daemon, "0123456789\n");
    daemon.wait_file("p.log.1", "0123456789\n");
    let read = |number: u8| daemon.sandbox().read(format!("p.log.{number}"));
    let expected = subject.differs("rotation-gap", ["", "old 2", ""], ["old 2", "", ""]);
    assert_eq!([read(2), read(3), read(4)], expected);
}

fn standard_error_is_rotated_on_its_own(subject: Subject) {
    let daemon = Daemon::start(
        subject,
        "[program:p]\ncommand=sh -c \"while read line; do echo $line; echo $line >&2; done\"\n\
         startsecs=0\nstdout_logfile=%(here)s/p.log\nstderr_logfile=%(here)s/p.err\n\
         stderr_logfile_maxbytes=8\nstderr_logfile_backups=1",
    );
    daemon.wait_state("p", "RUNNING");
    say(&daemon, "0123456789\n");
    daemon.wait_file("p.err.1", "0123456789\n");
    daemon.wait_file("p.log", "0123456789\n");
    wait_until("the log is new", || sizes(&daemon, ["p.err"]) == [Some(0)]);
    assert_eq!(sizes(&daemon, ["p.log", "p.log.1"]), [Some(11), None]);
}

fn one_file_for_both_streams_is_rotated(subject: Subject) {
    let daemon = Daemon::start(
        subject,
        "[program:p]\ncommand=sh -c \"while read line; do echo $line >&2; done\"\n\
         startsecs=0\nstdout_logfile=%(here)s/p.log\nredirect_stderr=true\n\
         stdout_logfile_maxbytes=8\nstdout_logfile_backups=1",
    );
    daemon.wait_state("p", "RUNNING");
    for line in ["0123456789\n", "abcdefghij\n"] {
        say(&daemon, line);
        daemon.wait_file("p.log.1", line);
    }
    assert_eq!(sizes(&daemon, ["p.log.1", "p.log.2"]), [Some(11), None]);
}

fn without_a_limit_nothing_is_rotated(subject: Subject) {
    let daemon = Daemon::start(
        subject,
        "[program:p]\ncommand=actor fill 300000 out end wait\nstartsecs=0\n\
         stdout_logfile=%(here)s/p.log\nstdout_logfile_maxbytes=0",
    );
    daemon.wait_file("p.log", "end\n");
    assert_eq!(sizes(&daemon, ["p.log", "p.log.1"]), [Some(300_004), None]);
}

fn what_is_written_before_and_behind_rotations_is_complete(subject: Subject) {
    let daemon = echoing(
        subject,
        "stdout_logfile_maxbytes=60\nstdout_logfile_backups=9",
    );
    let mut said = String::new();
    for number in 0..12 {
        let line = format!("line number {number} of twelve\n");
        say(&daemon, &line);
        wait_until("the line has arrived", || {
            let mut last = daemon.sandbox().read("p.log");
            last.insert_str(0, &daemon.sandbox().read("p.log.1"));
            last.ends_with(&line)
        });
        said.push_str(&line);
    }
    let mut kept = String::new();
    for number in (1..=9).rev() {
        kept += &daemon.sandbox().read(format!("p.log.{number}"));
    }
    kept += &daemon.sandbox().read("p.log");
    assert_eq!(kept, said);
    // Three lines are more than the limit, two are not.
    assert_eq!(
        sizes(&daemon, ["p.log", "p.log.1", "p.log.4", "p.log.5"]),
        [Some(0), Some(74), Some(72), None]
    );
}

fn clearing_leaves_backups_alone(subject: Subject) {
    let daemon = echoing(subject, "stdout_logfile_maxbytes=10");
    say(&daemon, "0123456789\n");
    daemon.wait_file("p.log.1", "0123456789\n");
    say(&daemon, "x\n");
    daemon.wait_file("p.log", "x\n");
    assert_eq!(daemon.ctl_line("clear p").0, "p: cleared\n");
    assert_eq!(sizes(&daemon, ["p.log", "p.log.1"]), [Some(0), Some(11)]);
}

fn clearing_and_writing_go_on(subject: Subject) {
    let daemon = echoing(subject, "");
    for line in ["one\n", "two\n", "three\n"] {
        say(&daemon, line);
        daemon.wait_file("p.log", line);
        assert_eq!(daemon.sandbox().read("p.log"), line);
        assert_eq!(daemon.ask("clearProcessLogs", &["p".into()]), true.into());
        assert_eq!(daemon.sandbox().read("p.log"), "");
    }
}

fn a_file_that_is_moved_away_is_written_until_reopened(subject: Subject) {
    let daemon = echoing(subject, "");
    say(&daemon, "one\n");
    daemon.wait_file("p.log", "one\n");
    let path = daemon.sandbox().path("p.log");
    fs::rename(&path, path.with_extension("old")).expect("it can be moved");
    say(&daemon, "two\n");
    daemon.wait_file("p.old", "two\n");
    assert_eq!(sizes(&daemon, ["p.log"]), [None]);
    daemon.signal(Signal::USR2);
    wait_until("the log is there again", || {
        sizes(&daemon, ["p.log"]) == [Some(0)]
    });
    say(&daemon, "three\n");
    daemon.wait_file("p.log", "three\n");
    assert_eq!(daemon.sandbox().read("p.old"), "one\ntwo\n");
}

fn a_cleared_main_log_goes_on(subject: Subject) {
    let daemon = echoing(subject, "");
    assert_eq!(daemon.ask("clearLog", &[]), true.into());
    assert_eq!(daemon.log(), [""; 0]);
    assert_eq!(daemon.ctl_line("stop p").1, 0);
    let mut log = daemon.log();
    log.retain(|line| !line.contains("waiting"));
    assert_eq!(log, ["WARN stopped: p (terminated by SIGTERM)"]);
}

fn a_main_log_without_backups_is_emptied(subject: Subject) {
    let daemon = Daemon::start(
        subject,
        "[supervisord]\nlogfile_maxbytes=60\nlogfile_backups=0\n\
         [program:p]\ncommand=/bin/cat\nstartsecs=0",
    );
    daemon.wait_state("p", "RUNNING");
    assert_eq!(daemon.ctl_line("restart p").1, 0);
    assert_eq!(
        sizes(&daemon, ["supervisord.log", "supervisord.log.1"])[1],
        None
    );
    assert!(sizes(&daemon, ["supervisord.log"])[0].is_some_and(|size| size < 60));
}

fn automatic_logs_outlive_the_daemon_if_wanted(subject: Subject) {
    let old = "x-stdout---supervisor-abcd_123.log";
    let sandbox = Sandbox::configured(
        subject,
        "[supervisord]\nnocleanup=true\n[program:p]\ncommand=actor out hello wait\nstartsecs=0",
    );
    sandbox.write(old, "kept");
    let mut daemon = echoing_in(sandbox);
    assert_eq!(daemon.sandbox().read(old), "kept");
    let log = daemon.info_text("p", "logfile");
    daemon.wait_file(&log, "hello\n");
    daemon.signal(Signal::TERM);
    assert_eq!(daemon.wait_end(), 0);
    assert_eq!(daemon.sandbox().read(&log), "hello\n");
}

fn automatic_logs_have_new_names_after_a_reload(subject: Subject) {
    let daemon = Daemon::start(
        subject,
        "[program:p]\ncommand=/bin/cat\nautostart=false\n\
         [program:q]\ncommand=/bin/cat\nstartsecs=0",
    );
    daemon.wait_state("q", "RUNNING");
    let before = daemon.info_text("p", "logfile");
    daemon.signal(Signal::HUP);
    wait_until("it has started anew", || {
        let log = daemon.log();
        log.iter()
            .filter(|line| line.contains("started with pid"))
            .count()
            == 2
    });
    daemon.wait_ready();
    let after = daemon.info_text("p", "logfile");
    assert_ne!(before, after);
    assert_eq!(sizes(&daemon, [&before, &after]), [None, Some(0)]);
}

fn logs_may_lie_on_standard_output(subject: Subject) {
    let daemon = Daemon::start(
        subject,
        "[supervisord]\nsilent=true\n[program:p]\ncommand=actor out hello err oh wait\n\
         startsecs=0\nstdout_logfile=/dev/stdout\nstdout_logfile_maxbytes=0\n\
         stderr_logfile=/dev/fd/2\nstderr_logfile_maxbytes=0",
    );
    daemon.wait_file("stdout.txt", "hello\n");
    daemon.wait_file("stderr.txt", "oh\n");
    assert_eq!(daemon.sandbox().read("stdout.txt"), "hello\n");
    assert_eq!(daemon.info_text("p", "stdout_logfile"), "/dev/stdout");
}

fn nothing_is_kept_of_the_null_device(subject: Subject) {
    let daemon = Daemon::start(
        subject,
        "[program:p]\ncommand=actor out hello exit 0\nstartsecs=0\nautorestart=false\n\
         stdout_logfile=/dev/null\nstdout_logfile_maxbytes=0",
    );
    daemon.wait_log("exited: p (exit status 0; expected)");
    assert_eq!(daemon.ctl_line("tail p"), ("\n".to_owned(), 0));
}

fn a_log_that_is_called_syslog_is_no_file(subject: Subject) {
    let daemon = Daemon::start(
        subject,
        "[program:p]\ncommand=/bin/cat\nautostart=false\nstdout_logfile=SysLog",
    );
    assert_eq!(daemon.info_text("p", "stdout_logfile"), "");
    assert_eq!(
        daemon.fault("readProcessStdoutLog", &["p".into(), 0.into(), 0.into()]),
        (20, "NO_FILE".to_owned())
    );
    assert_eq!(daemon.ctl_line("tail p").0, "p: ERROR (no log file)\n");
}

fn a_log_may_lie_in_the_home(subject: Subject) {
    let daemon = Daemon::start(
        subject,
        "[program:p]\ncommand=actor out hello wait\nstartsecs=0\nstdout_logfile=~/p.log",
    );
    daemon.wait_file("home/p.log", "hello\n");
    let log = daemon.info_text("p", "stdout_logfile");
    assert_eq!(daemon.sandbox().without_path(&log), "DIR/home/p.log");
}

/// What is left of bytes that a program writes in one piece, with or without stripping.
fn stripped(subject: Subject, strip: bool, bytes: &str) -> String {
    stripped_before(subject, strip, bytes, "end\n")
}

/// The same, with these last words; a newline among them stays whatever becomes of the rest.
fn stripped_before(subject: Subject, strip: bool, bytes: &str, last_words: &str) -> String {
    let sandbox = Sandbox::configured(
        subject,
        &format!(
            "[supervisord]\nstrip_ansi={strip}\n\
             [program:p]\ncommand=sh -c \"cat bytes; exec actor echo\"\n\
             startsecs=0\nstdout_logfile=%(here)s/p.log"
        ),
    );
    sandbox.write("bytes", bytes);
    let daemon = echoing_in(sandbox);
    wait_until("something has arrived", || {
        sizes(&daemon, ["p.log"]) != [Some(0)]
    });
    say(&daemon, last_words);
    daemon.wait_file("p.log", "\n");
    daemon.sandbox().read("p.log")
}

fn ansi_sequences_are_stripped_to_the_byte(subject: Subject) {
    // What ends with another letter takes the text with it, up to a letter that counts.
    let bytes = "a\u{1b}[1;31mb\u{1b}[Kc\u{1b}[2Gyz me\u{1b}]0;t\u{7}f\u{1b}[?25hg\u{1b}[10;2Hh\
                 \u{1b}Mi";
    assert_eq!(
        stripped(subject, true, bytes),
        "abce\u{1b}]0;t\u{7}fgh\u{1b}Miend\n"
    );
}

fn an_unfinished_ansi_sequence_ends_with_its_piece(subject: Subject) {
    let bytes = "a\u{1b}[0mb\u{1b}[12;";
    let expected = subject.differs("ansi-across-reads", "ab2m end\n", "ab end\n");
    assert_eq!(stripped_before(subject, true, bytes, "2m end\n"), expected);
}

fn ansi_sequences_stay_unless_asked_for(subject: Subject) {
    let bytes = "a\u{1b}[1;31mb\u{1b}[";
    assert_eq!(stripped(subject, false, bytes), format!("{bytes}end\n"));
}

fn only_critical_lines_are_logged_at_that_level(subject: Subject) {
    let daemon = Daemon::start(
        subject,
        "[supervisord]\nloglevel=critical\n[program:p]\ncommand=/bin/cat\nstartsecs=0",
    );
    daemon.wait_state("p", "RUNNING");
    assert_eq!(daemon.ctl_line("stop p").1, 0);
    let log = daemon.log();
    assert!(log.iter().all(|line| line.starts_with("CRIT ")), "{log:?}");
    assert!(!log.is_empty());
}

fn large_outputs_are_complete(subject: Subject) {
    let daemon = Daemon::start(
        subject,
        "[program:p]\ncommand=actor fill 3000000 out end exit 0\nstartsecs=0\nautorestart=false\n\
         stdout_logfile=%(here)s/p.log",
    );
    wait_until("all has arrived", || {
        sizes(&daemon, ["p.log"]) == [Some(3_000_004)]
    });
    assert!(daemon.sandbox().read("p.log").ends_with("xxx\nend\n"));
    daemon.wait_log("exited: p (exit status 0; expected)");
}
