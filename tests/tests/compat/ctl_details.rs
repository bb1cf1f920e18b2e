//! supervisorctl in detail: codes without a connection, while it ends, all helps, options, streams.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Stdio};

use minder_tests::{Daemon, Run, Sandbox, Subject, cases, normal, tree, wait_until};
use rustix::process::{Pid, Signal, kill_process};

use crate::{is, unexpected_fault};

cases!(
    every_verb_has_its_code_without_a_socket,
    every_verb_has_its_code_while_it_ends,
    the_longer_helps_are_explained,
    an_error_is_followed_by_the_help,
    verbs_without_arguments_refuse_any,
    names_are_listed_by_group_and_process,
    a_starting_process_has_no_description,
    all_wins_over_other_names,
    several_groups_may_be_named,
    signals_on_what_does_not_run_leave_seven,
    several_groups_may_be_added_and_removed,
    clearing_takes_names_and_all,
    a_long_log_is_shown_by_its_end,
    following_an_unknown_log_is_told_on_standard_error,
    the_main_log_is_followed,
    the_foreground_shows_and_sends,
    the_prompt_is_configured,
    a_history_is_kept_if_asked_for,
    an_action_may_be_followed_by_the_shell,
    a_reload_in_the_shell_asks_first,
    the_shell_asks_for_a_password,
    the_client_s_section_may_hold_the_password,
    a_server_may_be_reached_over_tcp,
    an_unknown_scheme_is_refused,
    update_takes_the_word_all,
    a_broken_configuration_has_its_codes,
);

const IDLE: &str = "[program:idle]\ncommand=/bin/cat\nautostart=false\nstartsecs=0\n";
const IDLE_STATUS: &str = "idle                             STOPPED   Not started\n";

/// Names in two groups, of which the processes of one run.
const GROUPS: &str = "[group:g]\nprograms=b,a\n[program:a]\ncommand=/bin/cat\nstartsecs=0\n\
                      [program:b]\ncommand=/bin/cat\nstartsecs=0\n\
                      [program:pool]\ncommand=/bin/cat\nautostart=false\nnumprocs=3\nstartsecs=0\n\
                      numprocs_start=9\nprocess_name=p%(process_num)d\n";

fn groups(subject: Subject) -> Daemon {
    let daemon = Daemon::start(subject, GROUPS);
    daemon.wait_state("g:a", "RUNNING");
    daemon.wait_state("g:b", "RUNNING");
    daemon
}

fn every_verb_has_its_code_without_a_socket(subject: Subject) {
    let sandbox = Sandbox::configured(subject, "");
    for (line, code) in [
        ("status", 4),
        ("start x", 7),
        ("stop x", 7),
        ("restart x", 7),
        ("signal HUP x", 7),
        ("pid", 7),
        ("tail x", 7),
        ("maintail", 7),
        ("clear x", 7),
        ("fg x", 7),
        ("version", 7),
        ("avail", 1),
        ("reread", 1),
        ("update", 1),
        ("add x", 1),
        ("remove x", 1),
        ("reload", 1),
        ("shutdown", 1),
        ("help", 0),
        ("quit", 0),
        ("nonsense", 1),
    ] {
        let args = ["-c", "supervisord.conf"]
            .into_iter()
            .chain(line.split(' '));
        let run = Run::of(sandbox.command("supervisorctl").args(args));
        assert_eq!(run.code, Some(code), "{line}: {}", run.out);
        if code == 7 || line == "status" {
            let out = sandbox.without_path(&run.out);
            let first = out.lines().next();
            assert_eq!(first, Some("unix://DIR/s.sock no such file"), "{line}");
        }
    }
}

fn every_verb_has_its_code_while_it_ends(subject: Subject) {
    let mut daemon = Daemon::start(
        subject,
        "[program:p]\ncommand=actor ignore TERM out ready until go\nstartsecs=0\n\
         stdout_logfile=%(here)s/p.log\nstopwaitsecs=600",
    );
    daemon.wait_file("p.log", "ready");
    assert_eq!(daemon.ask("shutdown", &[]), true.into());
    daemon.wait_log("waiting for p to die");
    let refused = unexpected_fault(subject, 6, "SHUTDOWN_STATE");
    for line in [
        "start p",
        "stop p",
        "restart p",
        "signal HUP p",
        "tail p",
        "maintail",
        "clear p",
        "pid",
        "version",
        "fg p",
        "remove p",
    ] {
        let (out, code) = daemon.ctl_line(line);
        assert_eq!(
            (normal::without_origin(&out), code),
            (refused.clone(), 1),
            "{line}"
        );
    }
    for (line, out, code) in [
        ("reload", "ERROR: already shutting down\n", 1),
        ("avail", "ERROR: supervisor shutting down\n", 1),
        ("reread", "ERROR: supervisor shutting down\n", 1),
        ("add p", "ERROR: shutting down\n", 1),
    ] {
        assert_eq!(daemon.ctl_line(line), is(out, code), "{line}");
    }
    daemon.sandbox().write("go", "");
    assert_eq!(daemon.wait_end(), 0);
}

fn the_longer_helps_are_explained(subject: Subject) {
    let sandbox = Sandbox::configured(subject, "");
    for (topic, text) in [
        (
            "clear",
            "clear <name>\t\tClear a process' log files.\n\
             clear <name> <name>\tClear multiple process' log files\n\
             clear all\t\tClear all process' log files\n",
        ),
        (
            "maintail",
            "maintail -f \tContinuous tail of supervisor main log file (Ctrl-C to exit)\n\
             maintail -100\tlast 100 *bytes* of supervisord main log file\n\
             maintail\tlast 1600 *bytes* of supervisor main log file\n\n",
        ),
        (
            "open",
            "open <url>\tConnect to a remote supervisord process.\n\
             \t\t(for UNIX domain socket, use unix:///socket/path)\n",
        ),
        (
            "pid",
            "pid\t\t\tGet the PID of supervisord.\n\
             pid <name>\t\tGet the PID of a single child process by name.\n\
             pid all\t\t\tGet the PID of every child process, one per line.\n",
        ),
        (
            "reread",
            "reread \t\t\tReload the daemon's configuration files without add/remove\n",
        ),
        (
            "restart",
            "restart <name>\t\tRestart a process\n\
             restart <gname>:*\tRestart all processes in a group\n\
             restart <name> <name>\tRestart multiple processes or groups\n\
             restart all\t\tRestart all processes\n\
             Note: restart does not reread config files. For that, see reread and update.\n",
        ),
        (
            "signal",
            "signal <signal name> <name>\t\tSignal a process\n\
             signal <signal name> <gname>:*\t\tSignal all processes in a group\n\
             signal <signal name> <name> <name>\tSignal multiple processes or groups\n\
             signal <signal name> all\t\tSignal all processes\n",
        ),
        (
            "status",
            "status <name>\t\tGet status for a single process\n\
             status <gname>:*\tGet status for all processes in a group\n\
             status <name> <name>\tGet status for multiple named processes\n\
             status\t\t\tGet all process status info\n",
        ),
        (
            "stop",
            "stop <name>\t\tStop a process\n\
             stop <gname>:*\t\tStop all processes in a group\n\
             stop <name> <name>\tStop multiple processes or groups\n\
             stop all\t\tStop all processes\n",
        ),
        (
            "tail",
            "tail [-f] <name> [stdout|stderr] (default stdout)\n\
             Ex:\n\
             tail -f <name>\t\tContinuous tail of named process stdout\n\
             \t\t\tCtrl-C to exit.\n\
             tail -100 <name>\tlast 100 *bytes* of process stdout\n\
             tail <name> stderr\tlast 1600 *bytes* of process stderr\n",
        ),
        (
            "update",
            "update\t\t\tReload config and add/remove as necessary, and will restart affected \
             programs\n\
             update all\t\tReload config and add/remove as necessary, and will restart affected \
             programs\n\
             update <gname> [...]\tUpdate specific groups\n",
        ),
        (
            "version",
            "version\t\t\tShow the version of the remote supervisord process\n",
        ),
        ("status x", "*** No help on status x\n"),
    ] {
        let args = ["-c", "supervisord.conf", "help"]
            .into_iter()
            .chain(topic.split(' '));
        let run = Run::of(sandbox.command("supervisorctl").args(args));
        assert_eq!(run.out_and_code(), (text, 0), "help {topic}");
    }
}

fn an_error_is_followed_by_the_help(subject: Subject) {
    let daemon = Daemon::start(subject, IDLE);
    for (line, topic) in [
        ("stop", "stop"),
        ("restart", "restart"),
        ("signal HUP", "signal"),
        ("clear", "clear"),
        ("tail", "tail"),
        ("maintail a b", "maintail"),
        ("fg", "fg"),
        ("version 1", "version"),
    ] {
        let (out, code) = daemon.ctl_line(line);
        let help = out.split_once('\n').map(|(_, help)| help);
        let (expected, _) = daemon.ctl_line(&format!("help {topic}"));
        assert_eq!((help, code), (Some(expected.as_str()), 1), "{line}");
    }
}

fn verbs_without_arguments_refuse_any(subject: Subject) {
    let sandbox = Sandbox::configured(subject, "");
    for verb in ["avail", "reread", "reload", "shutdown", "version"] {
        let args = ["-c", "supervisord.conf", verb, "x"];
        let run = Run::of(sandbox.command("supervisorctl").args(args));
        let error = format!("Error: {verb} accepts no arguments");
        assert_eq!(
            (run.out.lines().next(), run.code),
            (Some(error.as_str()), Some(1))
        );
    }
    for verb in ["quit", "exit", "EOF"] {
        let args = ["-c", "supervisord.conf", verb, "x"];
        let run = Run::of(sandbox.command("supervisorctl").args(args));
        assert_eq!(run.out_and_code(), ("\n", 0), "{verb}");
    }
}

fn names_are_listed_by_group_and_process(subject: Subject) {
    let daemon = groups(subject);
    let (out, code) = daemon.ctl_line("status");
    assert_eq!(
        (normal::status(&out).as_str(), code),
        (
            "g:a                              RUNNING   pid N\n\
             g:b                              RUNNING   pid N\n\
             pool:p10                         STOPPED   Not started\n\
             pool:p11                         STOPPED   Not started\n\
             pool:p9                          STOPPED   Not started\n",
            3
        )
    );
    for word in ["g:*", "g:"] {
        let (out, code) = daemon.ctl_line(&format!("status {word}"));
        assert_eq!((out.lines().count(), code), (2, 0), "{word}");
    }
    assert_eq!(
        daemon.ctl_line("status g"),
        is("g: ERROR (no such process)\n", 4)
    );
    assert_eq!(
        daemon.ctl_line("status p9"),
        is("p9: ERROR (no such process)\n", 4)
    );
}

fn a_starting_process_has_no_description(subject: Subject) {
    let daemon = Daemon::start(subject, "[program:p]\ncommand=/bin/cat\nstartsecs=600");
    daemon.wait_state("p", "STARTING");
    assert_eq!(
        daemon.ctl_line("status"),
        is("p                                STARTING  \n", 0)
    );
}

fn all_wins_over_other_names(subject: Subject) {
    let daemon = groups(subject);
    assert_eq!(
        daemon.ctl_line("signal CONT nope all g:a"),
        is("g:b: signalled\ng:a: signalled\n", 0)
    );
    assert_eq!(daemon.ctl_line("status nope all").0.lines().count(), 5);
    assert_eq!(daemon.ctl_line("pid nope all").0.lines().count(), 5);
    let (out, code) = daemon.ctl_line("clear nope all");
    assert_eq!(
        (out.as_str(), code),
        (
            "g:b: cleared\ng:a: cleared\npool:p10: cleared\npool:p11: cleared\npool:p9: cleared\n",
            0
        )
    );
}

fn several_groups_may_be_named(subject: Subject) {
    let daemon = groups(subject);
    let sorted = |line: &str| {
        let (out, code) = daemon.ctl_line(line);
        let mut lines: Vec<_> = out.lines().map(str::to_owned).collect();
        lines.sort();
        (lines, code)
    };
    assert_eq!(
        sorted("start pool:* g:*").0,
        ["pool:p10: started", "pool:p11: started", "pool:p9: started"]
    );
    assert_eq!(
        sorted("stop g:a pool:* nope:*"),
        (
            vec![
                "g:a: stopped".to_owned(),
                "nope: ERROR (no such group)".to_owned(),
                "pool:p10: stopped".to_owned(),
                "pool:p11: stopped".to_owned(),
                "pool:p9: stopped".to_owned(),
            ],
            1
        )
    );
}

fn signals_on_what_does_not_run_leave_seven(subject: Subject) {
    let daemon = Daemon::start(subject, IDLE);
    assert_eq!(
        daemon.ctl_line("signal HUP idle"),
        is("idle: ERROR (not running)\n", 7)
    );
    assert_eq!(daemon.ctl_line("signal HUP idle:*"), is("", 0));
    assert_eq!(daemon.ctl_line("signal HUP all"), is("", 0));
    assert_eq!(
        daemon.ctl_line("signal HUP idle nope"),
        is(
            "idle: ERROR (not running)\nnope: ERROR (no such process)\n",
            1
        )
    );
}

fn several_groups_may_be_added_and_removed(subject: Subject) {
    let config = "[program:a]\ncommand=/bin/cat\nautostart=false\n\
                  [program:b]\ncommand=/bin/cat\nautostart=false\n";
    let daemon = Daemon::start(subject, config);
    assert_eq!(
        daemon.ctl_line("remove a nope b"),
        is(
            "a: removed process group\nERROR: no such process/group: nope\n\
             b: removed process group\n",
            1
        )
    );
    assert_eq!(
        daemon.ctl_line("add b nope a b"),
        is(
            "b: added process group\nERROR: no such process/group: nope\n\
             a: added process group\nERROR: process group already active\n",
            1
        )
    );
    // What was removed without reading the configuration again is new to the next reading.
    assert_eq!(daemon.ctl_line("remove a").0, "a: removed process group\n");
    assert_eq!(daemon.ctl_line("reread"), is("a: available\n", 0));
    assert_eq!(daemon.ctl_line("update"), is("a: added process group\n", 0));
}

fn clearing_takes_names_and_all(subject: Subject) {
    let daemon = groups(subject);
    assert_eq!(
        daemon.ctl_line("clear g:a nope g:*"),
        is(
            "g:a: cleared\nnope: ERROR (no such process)\ng:None: ERROR (no such process)\n",
            1
        )
    );
    assert_eq!(
        daemon.ctl_line("clear pool:p9"),
        is("pool:p9: cleared\n", 0)
    );
}

fn a_long_log_is_shown_by_its_end(subject: Subject) {
    let sandbox = Sandbox::configured(
        subject,
        "[program:p]\ncommand=/bin/cat\nautostart=false\nstdout_logfile=%(here)s/p.log",
    );
    let lines: Vec<_> = (0..400).map(|number| format!("line {number}\n")).collect();
    let text = lines.concat();
    sandbox.write("p.log", &text);
    let daemon = Daemon::start_in(sandbox);
    let end = |bytes: usize| format!("{}\n", &text[text.len() - bytes..]);
    assert_eq!(daemon.ctl_line("tail p"), is(&end(1600), 0));
    assert_eq!(daemon.ctl_line("tail -100 p stdout"), is(&end(100), 0));
    assert_eq!(daemon.ctl_line("tail -0 p"), is(&end(text.len()), 0));
    assert_eq!(
        daemon.ctl_line("tail p -20"),
        is("Error: bad channel '-20'\n", 1)
    );
}

fn following_an_unknown_log_is_told_on_standard_error(subject: Subject) {
    let daemon = Daemon::start(subject, IDLE);
    let run = daemon.ctl(&["tail", "-f", "nope"]);
    assert_eq!(run.out_and_code(), ("==> Press Ctrl-C to exit <==\n", 0));
    let err = daemon.sandbox().without_path(&run.err);
    assert!(
        err.contains("/logtail/nope/stdout Cannot read, status code 404"),
        "{err}"
    );
}

/// Starts a supervisorctl that goes on until it is interrupted.
fn following(daemon: &Daemon, args: &[&str]) -> Child {
    daemon
        .ctl_command(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("supervisorctl can be run")
}

/// Interrupts a supervisorctl that waits for more: while it shows something, Supervisor's may take the
/// interrupt for an error of that.
fn interrupt(child: &Child) {
    let pid = Pid::from_child(child);
    wait_until("it waits", || tree::is_asleep(pid.as_raw_nonzero().get()));
    kill_process(pid, Signal::INT).expect("it runs");
}

fn the_main_log_is_followed(subject: Subject) {
    let daemon = Daemon::start(subject, IDLE);
    daemon.wait_log("started with pid");
    let mut child = following(&daemon, &["maintail", "-f"]);
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    let mut next = || lines.next().expect("a line").expect("text");
    assert_eq!(next(), "==> Press Ctrl-C to exit <==");
    while !next().contains("started with pid") {}
    assert_eq!(daemon.ctl_line("start idle").1, 0);
    assert!(next().contains("INFO spawned: 'idle' with pid "));
    assert!(next().contains("INFO success: idle entered RUNNING state"));
    interrupt(&child);
    assert_eq!(next(), "");
    assert_eq!(child.wait().expect("it ends").code(), Some(0));
}

fn the_foreground_shows_and_sends(subject: Subject) {
    let daemon = Daemon::start(
        subject,
        "[program:p]\ncommand=actor out before echo\nstartsecs=0\nautorestart=false",
    );
    daemon.wait_file(&daemon.info_text("p", "logfile"), "before");
    let mut child = following(&daemon, &["fg", "p"]);
    let mut input = child.stdin.take().expect("a pipe");
    let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    let mut next = || lines.next().expect("a line").expect("text");
    assert_eq!(next(), "==> Press Ctrl-C to exit <==");
    assert_eq!(next(), "before");
    input.write_all(b"hello\n").expect("it reads");
    assert_eq!(next(), "hello");
    // Once it has ended, the next line shows that.
    assert_eq!(daemon.ask("stopProcess", &["p".into()]), true.into());
    input.write_all(b"more\n").expect("it reads");
    assert_eq!(next(), "Process got killed");
    assert_eq!(next(), "Exiting foreground");
    assert_eq!(child.wait().expect("it ends").code(), Some(0));
}

fn the_prompt_is_configured(subject: Subject) {
    let daemon = Daemon::start(subject, &format!("{IDLE}[supervisorctl]\nprompt=mine"));
    let run = daemon.shell("version\n");
    assert_eq!(
        run.out_and_code(),
        (format!("{IDLE_STATUS}mine> 4.3.0\nmine> \n").as_str(), 0)
    );
}

fn a_history_is_kept_if_asked_for(subject: Subject) {
    use std::os::unix::fs::PermissionsExt;
    let daemon = Daemon::start(
        subject,
        &format!("{IDLE}[supervisorctl]\nhistory_file=%(here)s/history"),
    );
    assert_eq!(daemon.ctl_line("version").1, 0);
    let path = daemon.sandbox().path("history");
    assert!(!path.exists());
    assert_eq!(daemon.shell("version\n").code, Some(0));
    let metadata = std::fs::metadata(path).expect("the history was written");
    assert_eq!(metadata.permissions().mode() & 0o777, 0o600);
}

fn an_action_may_be_followed_by_the_shell(subject: Subject) {
    let daemon = Daemon::start(subject, IDLE);
    // The option does not change that an action is all that is done.
    assert_eq!(daemon.ctl_line("-i version"), is("4.3.0\n", 0));
}

fn a_reload_in_the_shell_asks_first(subject: Subject) {
    let daemon = Daemon::start(subject, IDLE);
    let run = daemon.shell("reload\nn\nshutdown\nmaybe\nreload\n");
    let reload = "Really restart the remote supervisord process y/N? ";
    let shutdown = "Really shut the remote supervisord process down y/N? ";
    let start =
        format!("{IDLE_STATUS}supervisor> {reload}supervisor> {shutdown}supervisor> {reload}");
    assert!(run.out.starts_with(&start), "{}", run.out);
    assert_eq!(daemon.ask("getPID", &[]), daemon.pid().into());
}

const PASSWORD: &str = "[unix_http_server]\nusername=user\npassword=secret\n";

/// A daemon that answers only with a password.
fn guarded(subject: Subject, more: &str) -> Daemon {
    let sandbox = Sandbox::configured(subject, &format!("{IDLE}{PASSWORD}{more}"));
    let daemon = Daemon::launch(sandbox, &["-n", "-c", "supervisord.conf"]);
    daemon.wait_log("started with pid");
    daemon
}

fn the_shell_asks_for_a_password(subject: Subject) {
    let daemon = guarded(subject, "");
    let run = daemon.shell("nobody\nwrong\nuser\nsecret\nversion\n");
    let ask = "Server requires authentication\nUsername:\n";
    assert_eq!(
        run.out,
        format!("{ask}{ask}{IDLE_STATUS}supervisor> 4.3.0\nsupervisor> \n")
    );
    assert_eq!(run.code, Some(0));
}

fn the_client_s_section_may_hold_the_password(subject: Subject) {
    let daemon = guarded(subject, "[supervisorctl]\nusername=user\npassword=secret");
    assert_eq!(daemon.ctl_line("version"), is("4.3.0\n", 0));
    assert_eq!(daemon.ctl_line("-p wrong version").1, 1);
    let run = daemon.ctl(&["tail", "-f", "nope"]);
    assert!(run.err.contains("status code 404"), "{}", run.err);
}

fn a_server_may_be_reached_over_tcp(subject: Subject) {
    let port = Sandbox::free_port();
    let daemon = Daemon::start(
        subject,
        &format!("{IDLE}[inet_http_server]\nport=localhost:{port}\nusername=user\npassword=a:b c"),
    );
    let url = format!("http://localhost:{port}");
    for url in [url.clone(), format!("{url}/")] {
        let args = ["-s", &url, "-u", "user", "-p", "a:b c", "status"];
        let run = daemon.ctl(&args);
        assert_eq!(run.out_and_code(), (IDLE_STATUS, 3), "{url}");
    }
}

fn an_unknown_scheme_is_refused(subject: Subject) {
    let sandbox = Sandbox::configured(subject, "");
    let args = ["-c", "supervisord.conf", "-s", "ftp://here", "status"];
    let run = Run::of(sandbox.command("supervisorctl").args(args));
    assert!(
        run.out
            .contains("Unknown protocol for serverurl ftp://here"),
        "{run:?}"
    );
    assert_eq!(run.code, Some(1));
}

fn update_takes_the_word_all(subject: Subject) {
    let daemon = Daemon::start(subject, IDLE);
    daemon
        .sandbox()
        .configure(&format!("{IDLE}[program:new]\ncommand=/bin/cat"));
    assert_eq!(
        daemon.ctl_line("update nope all"),
        is("new: added process group\n", 0)
    );
    assert_eq!(daemon.ctl_line("update idle"), is("", 0));
    assert_eq!(
        daemon.ctl_line("update nope"),
        is("ERROR: no such group: nope\n", 1)
    );
}

fn a_broken_configuration_has_its_codes(subject: Subject) {
    let cases: [(&[u8], _, _); 6] = [
        // Supervisor falls over what it cannot parse, and shows where in Python.
        (b"nothing\n", 1, "File contains no section headers."),
        (
            b"[supervisorctl]\nnothing\n",
            1,
            "Source contains parsing errors: 'x.conf'",
        ),
        (
            b"[supervisorctl]\nprompt=\xff\n",
            2,
            "'utf-8' codec can't decode byte 0xff in position",
        ),
        (
            b"[other]\n",
            2,
            "Error: .ini file does not include supervisorctl section\n",
        ),
        (
            b"[supervisorctl]\nprompt=%(no)s\n",
            2,
            "Error: Format string '%(no)s' for 'supervisorctl.prompt' contains names ('no') which",
        ),
        (
            b"[supervisorctl]\n[ctlplugin:x]\n",
            2,
            "Error: section [ctlplugin:x] does not specify a supervisor.ctl_factory\n",
        ),
    ];
    let sandbox = Sandbox::new(subject);
    for (config, code, said) in cases {
        sandbox.write("x.conf", config);
        let mut command = sandbox.command("supervisorctl");
        let run = Run::of(command.args(["-c", "x.conf", "version"]));
        assert!(run.err.contains(said), "{said}: {}", run.err);
        assert_eq!(run.out_and_code(), ("", code), "{said}");
    }
}
