//! The configuration as it is read: the INI dialect, values, expansions, and what counts as a change.

use minder_rpc::Value;
use minder_tests::{Daemon, Run, Sandbox, Subject, cases};

cases!(
    options_are_written_in_many_ways,
    comments_end_values_and_lines,
    values_may_have_several_lines,
    sections_may_be_repeated_and_are_merged,
    default_options_apply_to_every_section,
    unknown_sections_and_options_are_ignored,
    truth_is_spelled_in_many_ways,
    signals_are_spelled_in_many_ways,
    sizes_have_units,
    environments_are_cut_as_supervisor_cuts_them,
    expansions_know_names_and_numbers,
    percent_signs_are_doubled,
    variables_of_the_daemon_are_expanded,
    names_are_trimmed,
    included_files_override_and_may_be_read_twice,
    included_files_do_not_include,
    what_changes_a_group,
    what_does_not_change_a_group,
    an_automatic_log_given_a_name_is_a_change,
    a_named_log_made_automatic_is_noticed,
    a_program_that_joins_a_group_leaves_its_own,
    a_change_of_one_restarts_the_whole_group,
    of_two_groups_of_one_name_the_first_counts,
    a_process_that_is_made_twice_is_there_once,
    a_reread_is_about_programs,
    several_servers_may_be_configured,
);

/// The entries of what is configured: each process with one member.
fn configured(daemon: &Daemon, member: &str) -> Vec<(String, Value)> {
    let all = daemon.ask("getAllConfigInfo", &[]);
    let entries = all.as_array().expect("an array");
    entries
        .iter()
        .map(|entry| {
            let name = entry
                .member("name")
                .and_then(Value::as_text)
                .expect("a name");
            (
                name.to_owned(),
                entry.member(member).expect("a member").clone(),
            )
        })
        .collect()
}

/// Compares the commands of all programs.
fn commands(subject: Subject, config: &str, expected: &[(&str, &str)]) {
    let daemon = Daemon::start(subject, config);
    let found = configured(&daemon, "command");
    let expected: Vec<_> = expected
        .iter()
        .map(|(name, command)| ((*name).to_owned(), (*command).into()))
        .collect();
    assert_eq!(found, expected);
}

fn options_are_written_in_many_ways(subject: Subject) {
    commands(
        subject,
        "[program:a]\ncommand: x\n[program:b]\n  COMMAND  =  x y  \n[program:c]\nCommand=a=b:c\n\
         [program:d]\ncommand==x\n[program:e]\ncommand: = x\n[program:f]\r\ncommand=x\r\n\
         [program:g] trailing\ncommand=x\n",
        &[
            ("a", "x"),
            ("b", "x y"),
            ("c", "a=b:c"),
            ("d", "=x"),
            ("e", "= x"),
            ("f", "x"),
            ("g", "x"),
        ],
    );
}

fn comments_end_values_and_lines(subject: Subject) {
    commands(
        subject,
        "# one\n; two\n[program:a]\n  # three\ncommand=x ; four\n[program:b]\ncommand=x;y#z\n\
         [program:c] ; five\ncommand=x \"y ; z\"\n[program:d]\ncommand=x\t#six\n\
         [program:e]\ncommand=x\n  # seven\n  y\n",
        &[
            ("a", "x"),
            ("b", "x;y#z"),
            ("c", "x \"y"),
            ("d", "x"),
            ("e", "x\ny"),
        ],
    );
}

fn values_may_have_several_lines(subject: Subject) {
    commands(
        subject,
        "[program:a]\ncommand=x\n  y\n\tz\n\n[program:b]\ncommand=\n  x\n[program:c]\ncommand=x\n\n  y\n\n\n\
         [program:d]\n  command=x\n  stopwaitsecs=3\n",
        &[("a", "x\ny\nz"), ("b", "\nx"), ("c", "x\n\ny"), ("d", "x")],
    );
}

fn sections_may_be_repeated_and_are_merged(subject: Subject) {
    commands(
        subject,
        "[program:a]\ncommand=first\ncommand=second\n[program:b]\ncommand=x\n\
         [program:a]\nstopwaitsecs=3\n[program:b]\ncommand=y\n",
        &[("a", "second"), ("b", "y")],
    );
}

fn default_options_apply_to_every_section(subject: Subject) {
    // Without plug-ins, which would be handed options that they do not know.
    let sandbox = Sandbox::new(subject);
    sandbox.write(
        "supervisord.conf",
        "[DEFAULT]\nstopwaitsecs=soon\n[supervisord]\n[program:a]\ncommand=x\nstopwaitsecs=1\n\
         [program:b]\ncommand=x\n",
    );
    let args = ["-n", "-c", "supervisord.conf"];
    let run = Run::of(sandbox.command("supervisord").args(args));
    assert_eq!(
        (run.err.lines().next(), run.code),
        (
            Some(
                "Error: invalid literal for int() with base 10: 'soon' \
                 in section 'program:b' (file: 'supervisord.conf')"
            ),
            Some(2)
        )
    );
}

fn unknown_sections_and_options_are_ignored(subject: Subject) {
    commands(
        subject,
        "[Program:x]\ncommand=x\n[ program:y ]\ncommand=x\n[program]\ncommand=x\n[watcher:z]\n\
         key=value\n[program:a]\ncommand=x\nno_such_option=7\n",
        &[("a", "x")],
    );
}

fn truth_is_spelled_in_many_ways(subject: Subject) {
    let words = ["yes", "True", "ON", "1", "no", "fALSE", "off", "0"];
    let config: Vec<String> = words
        .iter()
        .enumerate()
        .map(|(number, word)| {
            format!("[program:p{number}]\ncommand=x\nautostart=0\nkillasgroup={word}\n")
        })
        .collect();
    let daemon = Daemon::start(subject, &config.concat());
    for (number, (_, truth)) in configured(&daemon, "killasgroup").into_iter().enumerate() {
        assert_eq!(truth, (number < 4).into(), "{}", words[number]);
    }
}

fn signals_are_spelled_in_many_ways(subject: Subject) {
    let signals = [
        ("a", "HUP", 1),
        ("b", "sigint", 2),
        ("c", "SigUsr1", 10),
        ("d", "9", 9),
        ("e", " term ", 15),
    ];
    let config: Vec<String> = signals
        .iter()
        .map(|(name, signal, _)| {
            format!("[program:{name}]\ncommand=x\nautostart=0\nstopsignal={signal}\n")
        })
        .collect();
    let daemon = Daemon::start(subject, &config.concat());
    let expected: Vec<_> = signals
        .iter()
        .map(|(name, _, number)| ((*name).to_owned(), (*number).into()))
        .collect();
    assert_eq!(configured(&daemon, "stopsignal"), expected);
}

fn sizes_have_units(subject: Subject) {
    let sizes = [
        ("a", "1KB", 1 << 10),
        ("b", "2 mb", 2 << 20),
        ("c", "1Gb", 1 << 30),
        ("d", "1_000", 1000),
        ("e", " 7 ", 7),
        ("f", "0", 0),
    ];
    let config: Vec<String> = sizes
        .iter()
        .map(|(name, size, _)| {
            format!("[program:{name}]\ncommand=x\nautostart=0\nstdout_logfile_maxbytes={size}\n")
        })
        .collect();
    let daemon = Daemon::start(subject, &config.concat());
    let expected: Vec<_> = sizes
        .iter()
        .map(|(name, _, size)| ((*name).to_owned(), (*size).into()))
        .collect();
    assert_eq!(configured(&daemon, "stdout_logfile_maxbytes"), expected);
}

fn environments_are_cut_as_supervisor_cuts_them(subject: Subject) {
    let table = [
        (r"A=1;B=2;", "1"),
        (r#"A="a\"b""#, r"a\"),
        (r#"A="x"y"#, "x"),
        (r#"A='say "hi"'"#, r#"say "hi"#),
        (r#"A="'x'""#, "x"),
        (r#"A="a\\b""#, r"a\\b"),
        (r#"A="a\nb""#, r"a\nb"),
        (r"A=b c", "b"),
        (r"A=b#c", "b"),
        (r"A=$HOME", "$"),
        (r"A=~/x", "~"),
        (r"A=http://h/p?q=1", "http://h/p"),
        (r"A=a*", "a"),
        (r"A==1", "="),
        (r"A=a'b'", "a'b"),
        (r"A='x''y'", "x"),
        (r"A= 1 , B = 2", "1"),
        (r"A=@x", "@"),
        (r"A=é", "é"),
        (r"A=ñ☃", "ñ"),
        (r"A=1,A=2", "2"),
    ];
    let config: String = table
        .iter()
        .enumerate()
        .map(|(number, (environment, _))| {
            format!(
                "[program:p{number}]\ncommand=sh -c \"printf '%%s|' ${{A}}; exec cat\"\n\
                 startsecs=0\nstdout_logfile=%(here)s/{number}.log\nenvironment={environment}\n"
            )
            .replace("${A}", "\\\"$A\\\"")
        })
        .collect();
    let daemon = Daemon::start(subject, &config);
    for (number, (environment, value)) in table.iter().enumerate() {
        let log = format!("{number}.log");
        daemon.wait_file(&log, "|");
        assert_eq!(
            daemon.sandbox().read(&log),
            format!("{value}|"),
            "{environment}"
        );
    }
}

fn expansions_know_names_and_numbers(subject: Subject) {
    commands(
        subject,
        "[group:g]\nprograms=a\n[program:a]\nnumprocs=2\nprocess_name=a%(process_num)d\n\
         command=%(program_name)s.%(group_name)s.%(process_num)03d.%(numprocs)d.%(numprocs)s\n\
         [program:b]\ncommand=%(program_name)s.%(group_name)s.%(process_num)s.%(ENV_OWN)s\n\
         environment=OWN=\"mine\"\n",
        &[
            ("a0", "a.g.000.2.2"),
            ("a1", "a.g.001.2.2"),
            ("b", "b.b.0.mine"),
        ],
    );
}

fn percent_signs_are_doubled(subject: Subject) {
    let daemon = Daemon::start(
        subject,
        "[program:p]\ncommand=printf '100%%%% %%s' sure\nstartsecs=0\nautorestart=false\n\
         stdout_logfile=%(here)s/p%%%%.log\nenvironment=A=\"%%\"",
    );
    daemon.wait_file("p%.log", "100% sure");
}

fn variables_of_the_daemon_are_expanded(subject: Subject) {
    commands(
        subject,
        "[supervisord]\nenvironment=FROM=\"section\",LANG=\"over\"\n\
         [program:a]\ncommand=%(ENV_TZ)s %(ENV_FROM)s %(ENV_LANG)s\n",
        &[("a", "UTC section over")],
    );
}

fn names_are_trimmed(subject: Subject) {
    let daemon = Daemon::start(
        subject,
        "[program: a ]\ncommand=x\nautostart=false\n\
         [group: g ]\nprograms= b , c \n[program:b]\ncommand=x\nautostart=false\n\
         [program:c]\ncommand=x\nautostart=false",
    );
    assert_eq!(
        daemon.ctl_line("status").0,
        "a                                STOPPED   Not started\n\
         g:b                              STOPPED   Not started\n\
         g:c                              STOPPED   Not started\n"
    );
}

fn included_files_override_and_may_be_read_twice(subject: Subject) {
    let sandbox = Sandbox::configured(
        subject,
        "[include]\nfiles=a.ini *.ini\n[program:p]\ncommand=main\nautostart=false\n\
         [supervisord]\nidentifier=main",
    );
    sandbox.write(
        "a.ini",
        "[supervisord]\nidentifier=a\n[program:p]\ncommand=a\n",
    );
    sandbox.write("b.ini", "[supervisord]\nidentifier=b\n");
    let daemon = Daemon::start_in(sandbox);
    assert_eq!(daemon.ask("getIdentification", &[]), "b".into());
    assert_eq!(
        configured(&daemon, "command"),
        [("p".to_owned(), "a".into())]
    );
    let log = daemon.sandbox().without_path(&daemon.log().join("\n"));
    let included: Vec<_> = log
        .lines()
        .filter(|line| line.starts_with("INFO Included"))
        .collect();
    assert_eq!(
        included,
        [
            "INFO Included extra file \"DIR/a.ini\" during parsing",
            "INFO Included extra file \"DIR/a.ini\" during parsing",
            "INFO Included extra file \"DIR/b.ini\" during parsing",
        ]
    );
}

fn included_files_do_not_include(subject: Subject) {
    let sandbox = Sandbox::configured(subject, "[include]\nfiles=a.ini");
    sandbox.write(
        "a.ini",
        "[include]\nfiles=b.conf\n[program:p]\ncommand=%(here)s\nautostart=false\n",
    );
    sandbox.write("b.conf", "[program:q]\ncommand=x\n");
    let daemon = Daemon::start_in(sandbox);
    let here = daemon.sandbox().folder().display().to_string();
    assert_eq!(
        configured(&daemon, "command"),
        [("p".to_owned(), here.as_str().into())]
    );
}

/// What reading the configuration again finds: added, changed, removed.
fn reread(daemon: &Daemon, config: &str) -> Vec<Vec<String>> {
    daemon.sandbox().configure(config);
    let answer = daemon.ask("reloadConfig", &[]);
    let texts = |value: &Value| -> Vec<String> {
        let items = value.as_array().expect("an array");
        items
            .iter()
            .map(|item| item.as_text().expect("a text").to_owned())
            .collect()
    };
    let lists = &answer.as_array().expect("an array")[0];
    lists
        .as_array()
        .expect("three arrays")
        .iter()
        .map(texts)
        .collect()
}

const PLAIN: &str = "[program:p]\ncommand=/bin/cat\nautostart=false\n";

fn what_changes_a_group(subject: Subject) {
    let daemon = Daemon::start(subject, PLAIN);
    for option in [
        "command=/bin/cat -u",
        "priority=998",
        "autostart=true",
        "autorestart=true",
        "startsecs=2",
        "startretries=4",
        "exitcodes=0,1",
        "stopsignal=INT",
        "stopwaitsecs=11",
        "stopasgroup=true",
        "killasgroup=true",
        "directory=/tmp",
        "umask=077",
        "environment=A=1",
        "redirect_stderr=true",
        "stdout_logfile=NONE",
        "stdout_logfile_maxbytes=1",
        "stdout_logfile_backups=1",
        "stdout_capture_maxbytes=1",
        "stdout_events_enabled=true",
        "stdout_syslog=true",
        "stderr_logfile=/dev/null",
        "stderr_logfile_maxbytes=1",
        "stderr_logfile_backups=1",
        "stderr_capture_maxbytes=1",
        "stderr_events_enabled=true",
        "serverurl=http://x:1",
        "process_name=q",
        "numprocs=2\nprocess_name=%(process_num)d",
    ] {
        let changes = reread(&daemon, &format!("{PLAIN}{option}"));
        assert_eq!(changes, [vec![], vec!["p".to_owned()], vec![]], "{option}");
    }
    let none: [Vec<String>; 3] = [vec![], vec![], vec![]];
    assert_eq!(reread(&daemon, PLAIN), none);
}

fn what_does_not_change_a_group(subject: Subject) {
    let daemon = Daemon::start(subject, PLAIN);
    let none: [Vec<String>; 3] = [vec![], vec![], vec![]];
    for text in [
        "priority=999",
        "startsecs = 1",
        "stopsignal=15",
        "exitcodes= 0 ",
        "stdout_logfile=auto",
        "stdout_logfile_maxbytes=50mb",
        "numprocs=1",
        "numprocs=1\nnumprocs_start=5",
        "[supervisord]\nidentifier=other",
        "[inet_http_server]\nport=1",
        "[supervisorctl]\nprompt=x",
        "no_such_option=1",
    ] {
        assert_eq!(reread(&daemon, &format!("{PLAIN}{text}")), none, "{text}");
    }
}

fn an_automatic_log_given_a_name_is_a_change(subject: Subject) {
    let daemon = Daemon::start(subject, PLAIN);
    let changes = reread(&daemon, &format!("{PLAIN}stdout_logfile=%(here)s/p.log"));
    assert_eq!(changes[1], ["p"]);
}

fn a_named_log_made_automatic_is_noticed(subject: Subject) {
    let daemon = Daemon::start(subject, &format!("{PLAIN}stdout_logfile=%(here)s/p.log"));
    let changes = reread(&daemon, PLAIN);
    assert_eq!(changes[1].len(), subject.differs("auto-log-noticed", 0, 1));
}

fn a_program_that_joins_a_group_leaves_its_own(subject: Subject) {
    let daemon = Daemon::start(subject, PLAIN);
    daemon
        .sandbox()
        .configure(&format!("{PLAIN}[group:g]\nprograms=p"));
    assert_eq!(
        daemon.ctl_line("reread"),
        ("g: available\np: disappeared\n".to_owned(), 0)
    );
    assert_eq!(
        daemon.ctl_line("update"),
        (
            "p: stopped\np: removed process group\ng: added process group\n".to_owned(),
            0
        )
    );
    assert_eq!(
        daemon.ctl_line("status").0,
        "g:p                              STOPPED   Not started\n"
    );
}

fn a_change_of_one_restarts_the_whole_group(subject: Subject) {
    let config = "[group:g]\nprograms=a,b\n[program:a]\ncommand=/bin/cat\nstartsecs=0\n\
                  [program:b]\ncommand=/bin/cat\nstartsecs=0\n[program:c]\ncommand=/bin/cat\n\
                  startsecs=0\n";
    let daemon = Daemon::start(subject, config);
    let names = ["g:a", "g:b", "c"];
    for name in names {
        daemon.wait_state(name, "RUNNING");
    }
    let before = names.map(|name| daemon.pid_of(name));
    daemon
        .sandbox()
        .configure(&format!("{config}[program:b]\nstopwaitsecs=9"));
    assert_eq!(
        daemon.ctl_line("update").0,
        "g: stopped\ng: updated process group\n"
    );
    for name in names {
        daemon.wait_state(name, "RUNNING");
    }
    let after = names.map(|name| daemon.pid_of(name));
    let kept: Vec<_> = before
        .iter()
        .zip(&after)
        .map(|(old, new)| old == new)
        .collect();
    assert_eq!(kept, [false, false, true]);
}

fn of_two_groups_of_one_name_the_first_counts(subject: Subject) {
    let config = "[program:p]\ncommand=/bin/cat\nstartsecs=0\npriority=9\n\
                  [group:p]\nprograms=q\npriority=8\n\
                  [program:q]\ncommand=/bin/cat\nautostart=false\n";
    let daemon = Daemon::start(subject, config);
    let alone = "p:q                              STOPPED   Not started\n";
    assert_eq!(daemon.ctl_line("status").0, alone);
    let both = "p                                in use    auto      9:9\n\
                p:q                              in use    manual    8:999\n";
    assert_eq!(daemon.ctl_line("avail").0, both);
    // The second is not what is there.
    assert_eq!(daemon.ctl_line("reread").0, "p: changed\n");
    assert_eq!(
        daemon.ctl_line("update").0,
        "p: stopped\np: updated process group\n"
    );
    assert_eq!(daemon.ctl_line("status").0, alone);
}

fn a_process_that_is_made_twice_is_there_once(subject: Subject) {
    let daemon = Daemon::start(
        subject,
        "[program:p]\ncommand=/bin/cat\nautostart=false\n[group:g]\nprograms=p,p\n",
    );
    let status = "g:p                              STOPPED   Not started\n";
    assert_eq!(daemon.ctl_line("status").0, status);
    let line = "g:p                              in use    manual    999:999\n";
    let times = subject.differs("listed-once", 2, 1);
    assert_eq!(daemon.ctl_line("avail").0, line.repeat(times));
}

fn a_reread_is_about_programs(subject: Subject) {
    let settings = "[supervisord]\nchildlogdir=%(here)s/logs\nidentifier=second\n";
    let daemon = Daemon::start(subject, PLAIN);
    let before = daemon.ask("getIdentification", &[]);
    std::fs::create_dir(daemon.sandbox().path("logs")).expect("a folder");
    daemon.sandbox().configure(&format!(
        "{settings}{PLAIN}[program:new]\ncommand=/bin/cat\n"
    ));
    assert_eq!(daemon.ctl_line("update").0, "new: added process group\n");
    let after = daemon.ask("getIdentification", &[]);
    assert_eq!(
        after == before,
        subject.differs("reread-of-programs", false, true)
    );
    let new = daemon.ask("getProcessInfo", &["new".into()]);
    let log = new.member("logfile").and_then(Value::as_text);
    assert_eq!(
        log.expect("a path").contains("/logs/"),
        subject.differs("reread-of-programs", true, false)
    );
}

fn several_servers_may_be_configured(subject: Subject) {
    let (one, two) = (Sandbox::free_port(), Sandbox::free_port());
    let daemon = Daemon::start(
        subject,
        &format!(
            "[inet_http_server:one]\nport=127.0.0.1:{one}\nusername=a\npassword=b\n\
             [inet_http_server:two]\nport={two}\n\
             [unix_http_server:more]\nfile=%(here)s/more.sock"
        ),
    );
    for (url, code) in [
        (format!("http://127.0.0.1:{one}"), 1),
        (format!("http://127.0.0.1:{two}"), 0),
        (
            format!("unix://{}", daemon.sandbox().path("more.sock").display()),
            0,
        ),
    ] {
        assert_eq!(
            daemon.ctl(&["-s", &url, "version"]).code,
            Some(code),
            "{url}"
        );
    }
    let mut log = daemon.log();
    log.retain(|line| line.starts_with("CRIT Server"));
    let without = |name: &str| {
        format!("CRIT Server '{name}' running without any HTTP authentication checking")
    };
    assert_eq!(
        log,
        [
            without("inet_http_server:two"),
            without("unix_http_server"),
            without("unix_http_server:more"),
        ]
    );
}
