//! What a program is given: environment, folder, umask, descriptors, signals, user.

use minder_tests::namespaces::left_out;
use minder_tests::{Daemon, Sandbox, Subject, cases, tree};

cases!(
    a_child_gets_the_daemon_s_environment_and_four_variables,
    environment_sections_are_layered,
    environment_values_are_read_as_supervisor_reads_them,
    a_child_has_three_descriptors_and_leads_its_group,
    folder_and_umask_are_the_program_s,
    broken_pipes_and_file_size_signals_are_ignored,
    standard_input_stays_open,
    commands_are_split_like_a_shell_without_one,
    commands_are_found_on_the_path,
    a_script_without_an_interpreter_line_is_not_run,
    a_missing_folder_is_told_in_the_child_s_log,
    expansions_number_the_processes,
    included_files_are_read_in_order,
    another_user_needs_no_home,
    programs_have_a_locale_of_utf_8_where_none_is_set,
);

/// Runs one program called `p` with `startsecs=0`, and returns its log once it holds `end`.
fn log_of(subject: Subject, options: &str, end: &str) -> (Daemon, String) {
    let daemon = Daemon::start(
        subject,
        &format!(
            "[program:p]\nstartsecs=0\nautorestart=false\nstdout_logfile=%(here)s/p.log\n\
             redirect_stderr=true\n{options}"
        ),
    );
    daemon.wait_file("p.log", end);
    let log = daemon.sandbox().read("p.log");
    (daemon, log)
}

/// The values of `name` in the report of an actor.
fn variable<'a>(report: &'a str, name: &str) -> Option<&'a str> {
    let start = format!("env {name}=");
    report
        .lines()
        .find_map(|line| line.strip_prefix(start.as_str()))
}

fn a_child_gets_the_daemon_s_environment_and_four_variables(subject: Subject) {
    let (daemon, report) = log_of(subject, "command=actor report", "report ends");
    let server = format!("unix://{}", daemon.sandbox().path("s.sock").display());
    for (name, value) in [
        ("SUPERVISOR_ENABLED", "1"),
        ("SUPERVISOR_PROCESS_NAME", "p"),
        ("SUPERVISOR_GROUP_NAME", "p"),
        ("SUPERVISOR_SERVER_URL", server.as_str()),
        ("LANG", "C.UTF-8"),
        ("TZ", "UTC"),
    ] {
        assert_eq!(variable(&report, name), Some(value), "{name}");
    }
    // All that the daemon itself was started with, and nothing else.
    let names: Vec<_> = report
        .lines()
        .filter_map(|line| line.strip_prefix("env ")?.split_once('='))
        .map(|(name, _)| name)
        .collect();
    assert_eq!(
        names,
        [
            "HOME",
            "LANG",
            "MINDER_TEST_SANDBOX",
            "PATH",
            "SUPERVISOR_ENABLED",
            "SUPERVISOR_GROUP_NAME",
            "SUPERVISOR_PROCESS_NAME",
            "SUPERVISOR_SERVER_URL",
            "TMPDIR",
            "TZ"
        ]
    );
}

fn environment_sections_are_layered(subject: Subject) {
    let (_daemon, report) = log_of(
        subject,
        "command=actor report\nserverurl=\nenvironment=LAYER=\"program\",OWN=\"%(program_name)s\"\n\
         [supervisord]\nenvironment=LAYER=\"daemon\",BASE=\"b\",LANG=\"C\"",
        "report ends",
    );
    for (name, value) in [
        ("LAYER", Some("program")),
        ("OWN", Some("p")),
        ("BASE", Some("b")),
        ("LANG", Some("C")),
        ("SUPERVISOR_SERVER_URL", None),
    ] {
        assert_eq!(variable(&report, name), value, "{name}");
    }
}

fn environment_values_are_read_as_supervisor_reads_them(subject: Subject) {
    let (_daemon, report) = log_of(
        subject,
        "command=actor report\n\
         environment=A=1,B=\"x,y\",C='q r',D=\"say 'hi' now\",E=\"\",F=/p.q-r+s:t,\n  G=\"100%%\"",
        "report ends",
    );
    for (name, value) in [
        ("A", "1"),
        ("B", "x,y"),
        ("C", "q r"),
        ("D", "say 'hi' now"),
        ("E", ""),
        ("F", "/p.q-r+s:t"),
        ("G", "100%"),
    ] {
        assert_eq!(variable(&report, name), Some(value), "{name}");
    }
}

fn a_child_has_three_descriptors_and_leads_its_group(subject: Subject) {
    let (daemon, report) = log_of(subject, "command=actor report wait", "report ends");
    assert!(report.contains("fds [\"0\", \"1\", \"2\"]\n"), "{report}");
    assert!(report.contains("leads-its-group true\n"), "{report}");
    // It stays in the daemon's session, so that a terminal's end reaches it.
    let (child, parent) = (daemon.pid_of("p"), daemon.pid());
    assert_eq!(tree::session(child), tree::session(parent));
    assert_ne!(tree::group(child), tree::group(parent));
}

fn folder_and_umask_are_the_program_s(subject: Subject) {
    let (daemon, report) = log_of(
        subject,
        "command=actor report\ndirectory=%(here)s/home\numask=027",
        "report ends",
    );
    let report = daemon.sandbox().without_path(&report);
    assert!(report.starts_with("cwd DIR/home\numask 0027\n"), "{report}");
}

fn broken_pipes_and_file_size_signals_are_ignored(subject: Subject) {
    let (_daemon, masks) = log_of(
        subject,
        "command=grep -E Sig(Blk|Ign) /proc/self/status",
        "SigIgn",
    );
    let mask = |name: &str| {
        let hex = masks
            .lines()
            .find_map(|line| line.strip_prefix(name))
            .expect("a mask");
        u64::from_str_radix(hex.trim(), 16).expect("a number")
    };
    // Above 31 are signals that the C library keeps to itself.
    let ordinary = 0x7fff_ffff;
    assert_eq!(mask("SigBlk:"), 0);
    assert_eq!(mask("SigIgn:") & ordinary, 0x0100_1000);
}

fn standard_input_stays_open(subject: Subject) {
    let (daemon, _) = log_of(subject, "command=actor out ready echo out over", "ready");
    for line in ["one\n", "two\n"] {
        let sent = daemon.ask("sendProcessStdin", &["p".into(), line.into()]);
        assert_eq!(sent, true.into());
    }
    daemon.wait_file("p.log", "ready\none\ntwo\n");
    assert_eq!(daemon.state("p"), "RUNNING");
}

fn commands_are_split_like_a_shell_without_one(subject: Subject) {
    let (_daemon, out) = log_of(
        subject,
        r#"command=printf "[%%s]" a 'b c' "d \"e\" \x" f\ g '' $HOME * i'j'"k" #comment
         l end"#,
        "[end]",
    );
    assert_eq!(out, r#"[a][b c][d "e" \x][f g][][$HOME][*][ijk][l][end]"#);
}

fn commands_are_found_on_the_path(subject: Subject) {
    let sandbox = Sandbox::configured(
        subject,
        "[program:found]\ncommand=tool\nstartsecs=0\nautorestart=false\n\
         [program:plain]\ncommand=data\nautostart=false\n\
         [program:absent]\ncommand=no-such-tool\nautostart=false\n\
         [program:tilde]\ncommand=~/tool\nautostart=false\n\
         [program:folder]\ncommand=sub\nautostart=false\n\
         [program:open]\ncommand=x \"y\nautostart=false\n\
         [program:empty]\ncommand=\nautostart=false",
    );
    sandbox.script("bin/tool", "#!/bin/sh\necho \"$0\"\n");
    sandbox.write("bin/data", "");
    std::fs::create_dir(sandbox.path("bin/sub")).expect("a folder");
    let daemon = Daemon::start_in(sandbox);
    for (name, code, text) in [
        (
            "plain",
            21,
            "NOT_EXECUTABLE: command at 'DIR/bin/data' is not executable",
        ),
        ("absent", 20, "NO_FILE: can't find command 'no-such-tool'"),
        ("tilde", 20, "NO_FILE: can't find command '~/tool'"),
        (
            "folder",
            21,
            "NOT_EXECUTABLE: command at 'DIR/bin/sub' is a directory",
        ),
        (
            "open",
            21,
            "NOT_EXECUTABLE: can't parse command 'x \"y': No closing quotation",
        ),
        ("empty", 21, "NOT_EXECUTABLE: command is empty"),
    ] {
        let (is_code, is) = daemon.fault("startProcess", &[name.into()]);
        assert_eq!(
            (is_code, daemon.sandbox().without_path(&is)),
            (code, text.to_owned())
        );
    }
    daemon.wait_file(&daemon.info_text("found", "logfile"), "/bin/tool\n");
}

fn a_script_without_an_interpreter_line_is_not_run(subject: Subject) {
    let sandbox = Sandbox::configured(
        subject,
        "[program:p]\ncommand=%(here)s/run.sh\nstartsecs=0\nautorestart=false\n\
         stderr_logfile=%(here)s/p.err",
    );
    sandbox.script("run.sh", "echo hello\n");
    let daemon = Daemon::start_in(sandbox);
    daemon.wait_file("p.err", "not spawned");
    assert_eq!(
        daemon
            .sandbox()
            .without_path(&daemon.sandbox().read("p.err")),
        "supervisor: couldn't exec DIR/run.sh: ENOEXEC\n\
         supervisor: child process was not spawned\n"
    );
    daemon.wait_log("exited: p (exit status 127; not expected)");
    daemon.wait_state("p", "EXITED");
    assert_eq!(daemon.info_text("p", "spawnerr"), "Bad exit code 127");
}

fn a_missing_folder_is_told_in_the_child_s_log(subject: Subject) {
    let (_daemon, log) = log_of(
        subject,
        "command=/bin/cat\ndirectory=/no/such",
        "not spawned",
    );
    assert_eq!(
        log,
        "supervisor: couldn't chdir to /no/such: ENOENT\n\
         supervisor: child process was not spawned\n"
    );
}

fn expansions_number_the_processes(subject: Subject) {
    let daemon = Daemon::start(
        subject,
        "[program:web]\ncommand=actor out \"%(program_name)s %(process_num)03d of %(numprocs)d \
         in %(group_name)s\" wait\nnumprocs=2\nnumprocs_start=9\nstartsecs=0\n\
         process_name=w%(process_num)02d\nstdout_logfile=%(here)s/%(process_num)d.log",
    );
    daemon.wait_file("9.log", "web 009 of 2 in web\n");
    daemon.wait_file("10.log", "web 010 of 2 in web\n");
    assert_eq!(daemon.state("web:w09"), "RUNNING");
    assert_eq!(daemon.state("web:w10"), "RUNNING");
}

fn included_files_are_read_in_order(subject: Subject) {
    let sandbox = Sandbox::configured(
        subject,
        "[include]\nfiles=conf/*.ini none/*.ini\n\
         [program:p]\ncommand=actor out main wait\nstartsecs=0\nstdout_logfile=%(here)s/p.log",
    );
    std::fs::create_dir(sandbox.path("conf")).expect("a folder");
    sandbox.write(
        "conf/10.ini",
        "[program:p]\ncommand=actor out ten out %(here)s wait\n",
    );
    sandbox.write(
        "conf/9.ini",
        "[program:p]\nstdout_logfile=%(here)s/nine.log\n",
    );
    sandbox.write("conf/.hidden.ini", "[program:p]\nautostart=false\n");
    let daemon = Daemon::start_in(sandbox);
    let folder = format!("{}\n", daemon.sandbox().path("conf").display());
    daemon.wait_file("conf/nine.log", &folder);
    let head: Vec<_> = daemon
        .sandbox()
        .without_path(&daemon.log().join("\n"))
        .lines()
        .filter(|line| line.contains("nclude"))
        .map(str::to_owned)
        .collect();
    assert_eq!(
        head,
        [
            "WARN No file matches via include \"DIR/none/*.ini\"",
            "INFO Included extra file \"DIR/conf/10.ini\" during parsing",
            "INFO Included extra file \"DIR/conf/9.ini\" during parsing",
        ]
    );
}

fn another_user_needs_no_home(subject: Subject) {
    if !rustix::process::geteuid().is_root() {
        left_out("only root can start a program as another user");
        return;
    }
    let (_daemon, log) = log_of(
        subject,
        "command=sh -c \"id -un; echo $HOME; echo $USER.\"\nuser=nobody",
        ".\n",
    );
    let mut lines = log.lines();
    assert_eq!(lines.next(), Some("nobody"));
    assert!(lines.next().is_some_and(|home| home.ends_with("/home")));
    assert_eq!(lines.next(), Some("."));
}

fn programs_have_a_locale_of_utf_8_where_none_is_set(subject: Subject) {
    for (lang, locale) in [
        (None, "C.UTF-8"),
        (Some("C"), "C.UTF-8"),
        (Some("C.UTF-8"), "none"),
    ] {
        let sandbox = Sandbox::configured(
            subject,
            "[program:p]\nstdout_logfile=%(here)s/p.log\n\
             command=sh -c \"echo ${LC_CTYPE-none}, ${LC_ALL-none}; exec cat\"",
        );
        let mut command = sandbox.command("supervisord");
        command.args(["-n", "-c", "supervisord.conf"]);
        match lang {
            Some(lang) => command.env("LANG", lang),
            None => command.env_remove("LANG"),
        };
        let daemon = Daemon::launch_command(sandbox, command);
        daemon.wait_ready();
        daemon.wait_file("p.log", "\n");
        let said = daemon.sandbox().read("p.log");
        assert_eq!(said, format!("{locale}, none\n"), "{lang:?}");
    }
}
