//! The command lines of supervisord and its companions, and what a bad configuration says.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use minder_tests::namespaces::left_out;
use minder_tests::{Daemon, Run, Sandbox, Subject, cases, normal};

use crate::{is, unexpected_fault};

cases!(
    version_and_help_are_printed_and_exit_zero,
    bad_options_exit_two,
    bad_option_values_name_the_option,
    a_missing_configuration_is_an_error,
    a_file_without_sections_is_no_configuration,
    lines_without_a_delimiter_are_all_listed,
    values_that_cannot_be_converted_are_named,
    program_errors_name_section_and_file,
    an_error_of_an_included_file_names_it,
    expansions_that_fail_say_what_there_is,
    formats_that_are_broken_say_where,
    groups_and_servers_are_checked,
    the_order_of_errors_is_fixed,
    the_sample_configuration_is_accepted,
    the_whole_sample_configuration_may_be_made_live,
    formats_need_names,
    names_are_looked_at_when_they_are_whole,
    a_group_is_named_by_its_own_error,
    the_places_of_a_configuration_are_listed,
    root_is_warned_of_searching_for_the_configuration,
    a_host_without_an_address_is_refused,
    an_owner_of_the_socket_that_may_not_be_is_refused,
    a_configuration_may_come_through_a_pipe,
    a_configuration_may_come_through_a_descriptor,
    a_file_behind_standard_input_is_read_again,
    supervisorctl_may_be_configured_through_a_pipe,
);

/// Runs supervisord in the foreground on a configuration that it must refuse, and returns
/// the first line of its standard error.
fn refused(subject: Subject, config: &str) -> String {
    let sandbox = Sandbox::new(subject);
    sandbox.write("supervisord.conf", config);
    first_error(&sandbox, &["-n", "-c", "supervisord.conf"])
}

fn first_error(sandbox: &Sandbox, args: &[&str]) -> String {
    let run = supervisord(sandbox, args);
    assert_eq!((run.code, run.out.as_str()), (Some(2), ""), "{}", run.err);
    assert!(
        sandbox
            .without_path(&run.err)
            .contains("\nFor help, use DIR/bin/supervisord -h\n"),
        "{}",
        run.err
    );
    let error = run.err.lines().next().expect("an error");
    sandbox.without_path(error.strip_prefix("Error: ").expect("it says so"))
}

fn supervisord(sandbox: &Sandbox, args: &[&str]) -> Run {
    Run::of(sandbox.command("supervisord").args(args))
}

fn version_and_help_are_printed_and_exit_zero(subject: Subject) {
    let sandbox = Sandbox::new(subject);
    assert_eq!(
        supervisord(&sandbox, &["-v"]).out_and_code(),
        ("4.3.0\n", 0)
    );
    assert_eq!(
        supervisord(&sandbox, &["--version"]).out_and_code(),
        ("4.3.0\n", 0)
    );
    let help = supervisord(&sandbox, &["-h"]);
    assert_eq!(help.code, Some(0));
    assert_eq!(
        sandbox
            .without_path(&help.out)
            .lines()
            .take(3)
            .collect::<Vec<_>>(),
        [
            "supervisord -- run a set of applications as daemons.",
            "",
            "Usage: DIR/bin/supervisord [options]",
        ]
    );
    assert_eq!(
        normal::options(&help.out),
        [
            "-c/--configuration FILENAME",
            "-n/--nodaemon",
            "-s/--silent",
            "-h/--help",
            "-v/--version",
            "-u/--user USER",
            "-m/--umask UMASK",
            "-d/--directory DIRECTORY",
            "-l/--logfile FILENAME",
            "-y/--logfile_maxbytes BYTES",
            "-z/--logfile_backups NUM",
            "-e/--loglevel LEVEL",
            "-j/--pidfile FILENAME",
            "-i/--identifier STR",
            "-q/--childlogdir DIRECTORY",
            "-k/--nocleanup",
            "-a/--minfds NUM",
            "-t/--strip_ansi",
            "--minprocs NUM",
            "--profile_options OPTIONS",
        ]
    );
}

fn bad_options_exit_two(subject: Subject) {
    let sandbox = Sandbox::configured(subject, "");
    for (args, error) in [
        (&["--foo"][..], "option --foo not recognized"),
        (&["-nZ"][..], "option -Z not recognized"),
        (&["-l"][..], "option -l requires argument"),
        (
            &["--nodaemon=1"][..],
            "option --nodaemon must not have an argument",
        ),
        (&["--log"][..], "option --log not a unique prefix"),
        (
            &["x y", "it's"][..],
            "positional arguments are not supported: ['x y', \"it's\"]",
        ),
        (&["-v", "--foo"][..], "option --foo not recognized"),
        (
            &["-n", "--nodaemon"][..],
            "conflicting command line option '--nodaemon'",
        ),
    ] {
        assert_eq!(first_error(&sandbox, args), error, "{args:?}");
    }
}

fn bad_option_values_name_the_option(subject: Subject) {
    let sandbox = Sandbox::configured(subject, "");
    for (args, error) in [
        (
            &["-m", "x"][..],
            "invalid value for -m 'x': x can not be converted to an octal type",
        ),
        (
            &["-e", "loud"][..],
            "invalid value for -e 'loud': bad logging level name 'loud'",
        ),
        (
            &["-z", "x"][..],
            "invalid value for -z 'x': invalid literal for int() with base 10: 'x'",
        ),
        (
            &["-d", "/no/such"][..],
            "invalid value for -d '/no/such': /no/such is not an existing directory",
        ),
        (
            &["-u", "nosuch", "-c", "supervisord.conf"][..],
            "Invalid user name nosuch",
        ),
    ] {
        assert_eq!(first_error(&sandbox, args), error, "{args:?}");
    }
}

fn a_missing_configuration_is_an_error(subject: Subject) {
    let sandbox = Sandbox::new(subject);
    assert_eq!(
        first_error(&sandbox, &["-c", "nope.conf"]),
        "could not find config file nope.conf"
    );
    assert_eq!(
        first_error(&sandbox, &["-c", "home"]),
        "could not read config file home"
    );
}

fn the_places_of_a_configuration_are_listed(subject: Subject) {
    let sandbox = Sandbox::new(subject);
    let run = supervisord(&sandbox, &["-n"]);
    let error = "Error: No config file found at default paths (DIR/etc/supervisord.conf, \
                 DIR/supervisord.conf, supervisord.conf, etc/supervisord.conf, \
                 /etc/supervisord.conf, /etc/supervisor/supervisord.conf); use the -c option to \
                 specify a config file at a different path";
    // As root it warns of such places first.
    let said = sandbox.without_path(&run.err);
    assert!(said.lines().any(|line| line == error), "{said}");
    assert_eq!((run.code, run.out.as_str()), (Some(2), ""));
}

fn a_file_without_sections_is_no_configuration(subject: Subject) {
    let missing = ".ini file does not include supervisord section";
    assert_eq!(refused(subject, ""), missing);
    assert_eq!(
        refused(subject, "; nothing\n[program:x]\ncommand=x\n"),
        missing
    );
    assert_eq!(
        refused(subject, "junk\n"),
        "File contains no section headers."
    );
}

fn lines_without_a_delimiter_are_all_listed(subject: Subject) {
    let sandbox = Sandbox::new(subject);
    sandbox.write(
        "s.conf",
        "[supervisord]\ngarbage ; here\nnodaemon=true\n=v\n",
    );
    let run = supervisord(&sandbox, &["-c", "s.conf"]);
    assert!(
        run.err.starts_with(
            "Error: Source contains parsing errors: 's.conf'\n\
             \t[line  2]: 'garbage ; here\\n'\n\
             \t[line  4]: '=v\\n'\n\
             For help, use "
        ),
        "{}",
        run.err
    );
    assert_eq!(run.code, Some(2));
}

fn values_that_cannot_be_converted_are_named(subject: Subject) {
    for (option, error) in [
        ("nodaemon=maybe", "not a valid boolean value: 'maybe'"),
        (
            "minfds=1.5",
            "invalid literal for int() with base 10: '1.5'",
        ),
        (
            "logfile_maxbytes=1.5kb",
            "invalid literal for int() with base 10: '1.5'",
        ),
        ("umask=9", "9 can not be converted to an octal type"),
        ("loglevel=warning", "bad logging level name 'warning'"),
        (
            "childlogdir=/no/such",
            "/no/such is not an existing directory",
        ),
        (
            "logfile=/no/such/file",
            "The directory named as part of the path /no/such/file does not exist",
        ),
        ("user=nosuch", "Invalid user name nosuch"),
        (
            "environment=A",
            "Unexpected end of key/value pairs in value 'A'",
        ),
    ] {
        assert_eq!(
            refused(subject, &format!("[supervisord]\n{option}\n")),
            error,
            "{option}"
        );
    }
}

fn program_errors_name_section_and_file(subject: Subject) {
    for (options, error) in [
        ("", "program section program:p does not specify a command"),
        (
            "command=x\nstopsignal=NOPE",
            "value 'NOPE' is not a valid signal name",
        ),
        (
            "command=x\nexitcodes=0,x",
            "not a valid list of exit codes: '0,x'",
        ),
        (
            "command=x\nautorestart=Never",
            "invalid 'autorestart' value 'never'",
        ),
        (
            "command=x\nprocess_name=a b",
            "Invalid name: 'a b' because of character: ' '",
        ),
        (
            "command=x\nnumprocs=2",
            "%(process_num) must be present within process_name when numprocs > 1",
        ),
        (
            "command=x\nstopasgroup=true\nkillasgroup=false",
            "Cannot set stopasgroup=true and killasgroup=false",
        ),
        ("command=x\nenvironment=A=\"b", "No closing quotation"),
    ] {
        assert_eq!(
            refused(subject, &format!("[supervisord]\n[program:p]\n{options}\n")),
            format!("{error} in section 'program:p' (file: 'supervisord.conf')"),
        );
    }
}

fn an_error_of_an_included_file_names_it(subject: Subject) {
    let sandbox = Sandbox::new(subject);
    sandbox.write("s.conf", "[supervisord]\n[include]\nfiles=*.ini");
    sandbox.write("p.ini", "[program:p]\ncommand=x\nstartsecs=x");
    assert_eq!(
        first_error(&sandbox, &["-n", "-c", "s.conf"]),
        "invalid literal for int() with base 10: 'x' \
         in section 'program:p' (file: 'DIR/p.ini')"
    );
    sandbox.write("s.conf", "[supervisord]\n[include]\n");
    assert_eq!(
        first_error(&sandbox, &["-n", "-c", "s.conf"]),
        ".ini file has [include] section, but no files setting"
    );
}

fn expansions_that_fail_say_what_there_is(subject: Subject) {
    let error = refused(
        subject,
        "[supervisord]\n[program:p]\ncommand=x %(nope)s\nenvironment=K=\"1\"\n",
    );
    assert!(
        error.starts_with(
            "Format string 'x %(nope)s' for 'program:p.command' contains names ('nope') which \
             cannot be expanded. Available names: ENV_HOME, ENV_K, ENV_LANG, "
        ),
        "{error}"
    );
    assert!(
        error.ends_with(
            ", group_name, here, host_node_name, numprocs, process_num, program_name \
             in section 'program:p' (file: 'supervisord.conf')"
        ),
        "{error}"
    );
}

fn formats_that_are_broken_say_where(subject: Subject) {
    for (command, why) in [
        ("100%", "incomplete format"),
        ("%(program_name", "incomplete format key"),
        (
            "%(program_name)y",
            "unsupported format character 'y' (0x79) at index 15",
        ),
        (
            "%(program_name)d",
            "%d format: a real number is required, not str",
        ),
    ] {
        assert_eq!(
            refused(
                subject,
                &format!("[supervisord]\n[program:p]\ncommand={command}\n")
            ),
            format!(
                "Format string '{command}' for 'program:p.command' is badly formatted: {why} \
                 in section 'program:p' (file: 'supervisord.conf')"
            ),
        );
    }
}

fn groups_and_servers_are_checked(subject: Subject) {
    for (config, error) in [
        (
            "[group:g]\nprograms=nope",
            "[group:g] names unknown program or fcgi-program nope",
        ),
        (
            "[inet_http_server]\n",
            "section [inet_http_server] has no port value",
        ),
        (
            "[inet_http_server]\nport=x",
            "not a valid port number: 'x' ",
        ),
        (
            "[unix_http_server]\n",
            "section [unix_http_server] has no file value",
        ),
        (
            "[inet_http_server]\nport=1\nusername=u",
            "Section [inet_http_server] contains incomplete authentication: If a username or a \
             password is specified, both the username and password must be specified",
        ),
        (
            "[eventlistener:l]\ncommand=x",
            "[eventlistener:l] section requires an \"events\" line",
        ),
        (
            "[eventlistener:l]\ncommand=x\nevents=tick_6",
            "Unknown event type TICK_6 in [eventlistener:l] events",
        ),
        (
            "[rpcinterface:x]\n",
            "section [rpcinterface:x] does not specify a supervisor.rpcinterface_factory",
        ),
    ] {
        assert_eq!(
            refused(subject, &format!("[supervisord]\n{config}\n")),
            error
        );
    }
}

fn the_order_of_errors_is_fixed(subject: Subject) {
    let config = "[program:p]\ncommand=x\nstartsecs=x\nautostart=y\n\
                  [inet_http_server]\n[supervisord]\nloglevel=loud\nminfds=few\n";
    assert_eq!(
        refused(subject, config),
        "invalid literal for int() with base 10: 'few'"
    );
    assert_eq!(
        refused(subject, &config.replace("minfds=few", "")),
        "bad logging level name 'loud'"
    );
    assert_eq!(
        refused(
            subject,
            &config.replace("minfds=few", "").replace("loud", "info")
        ),
        "not a valid boolean value: 'y' in section 'program:p' (file: 'supervisord.conf')"
    );
}

fn the_sample_configuration_is_accepted(subject: Subject) {
    let sandbox = Sandbox::new(subject);
    let sample = sandbox.run("echo_supervisord_conf", ["-h"]);
    assert!(sample.status.success());
    assert_eq!(sample.stderr, b"");
    let text = String::from_utf8(sample.stdout).expect("text");
    assert!(text.starts_with("; Sample supervisor config file.\n"));
    let orphans = subject.differs("orphans-adopted", "", ";orphans=adopt\n");
    let (head, rest) = SAMPLE
        .split_once("[rpcinterface:supervisor]")
        .expect("a section");
    let sample = format!("{head}{orphans}[rpcinterface:supervisor]{rest}");
    assert_eq!(settings(&text), sample);
    // Accepted as far as a bad word behind it: everything before that has been read.
    sandbox.write("sample.conf", format!("{text}\n[group:g]\nprograms=nope\n"));
    assert_eq!(
        first_error(&sandbox, &["-n", "-c", "sample.conf"]),
        "[group:g] names unknown program or fcgi-program nope"
    );
}

fn the_whole_sample_configuration_may_be_made_live(subject: Subject) {
    let sandbox = Sandbox::new(subject);
    let sample = sandbox.run("echo_supervisord_conf", [""; 0]);
    let text = String::from_utf8(sample.stdout).expect("text");
    // What an operator has to fill in, and what not every machine has.
    let text = settings_live(&text)
        .replace("/a/path", "/tmp/NONE")
        .replace("progname1,progname2", "theprogramname")
        .replace("user=chrism", "user=root")
        .replace("user=supervisord", "user=root");
    sandbox.write("sample.conf", format!("{text}\n[group:g]\nprograms=nope\n"));
    assert_eq!(
        first_error(&sandbox, &["-n", "-c", "sample.conf"]),
        "[group:g] names unknown program or fcgi-program nope"
    );
}

/// A configuration in which every option and section is live that was commented out.
fn settings_live(text: &str) -> String {
    let live = |line: &str| match line.strip_prefix(';') {
        Some(rest) if rest.starts_with(|c: char| c.is_ascii_lowercase() || c == '[') => {
            rest.to_owned()
        }
        _ => line.to_owned(),
    };
    text.lines().map(live).collect::<Vec<_>>().join("\n")
}

fn formats_need_names(subject: Subject) {
    let error = refused(subject, "[supervisord]\nloglevel=%s\n");
    let theirs = error.starts_with("bad logging level name \"{'ENV_");
    let ours = error
        == "Format string '%s' for 'supervisord.loglevel' is badly formatted: a format needs a \
            name, as in %(program_name)s";
    assert!(subject.differs("nameless-format", theirs, ours), "{error}");
}

fn names_are_looked_at_when_they_are_whole(subject: Subject) {
    let place = "in section 'program:p' (file: 'supervisord.conf')";
    for (name, why) in [
        (
            "%(program_name)s%(process_num)3d",
            "'p  0' because of character: ' '",
        ),
        ("", "'' because it is empty"),
    ] {
        let ours = format!("Invalid name: {why} {place}");
        // Servers are looked at behind programs.
        let text = format!(
            "[supervisord]\n[program:p]\ncommand=x\nprocess_name={name}\n[inet_http_server]\n"
        );
        let theirs = "section [inet_http_server] has no port value".to_owned();
        assert_eq!(
            refused(subject, &text),
            subject.differs("whole-names", theirs, ours)
        );
    }
}

fn a_group_is_named_by_its_own_error(subject: Subject) {
    let error = refused(
        subject,
        "[supervisord]\n[program:p]\ncommand=x\n[group:g]\nprograms=p,nope\n",
    );
    let section = subject.differs("named-group", "program:p", "group:g");
    assert_eq!(
        error,
        format!("[{section}] names unknown program or fcgi-program nope")
    );
}

/// The lines of a configuration that set something or would without their semicolon, without
/// the comments behind.
fn settings(text: &str) -> String {
    let is_setting = |line: &str| {
        let line = line.strip_prefix(';').unwrap_or(line);
        let is_name = |c: char| c.is_ascii_lowercase() || c == '_' || c == '.';
        line.starts_with('[')
            || line
                .trim_start_matches(is_name)
                .trim_start()
                .starts_with('=')
    };
    text.lines()
        .filter(|line| is_setting(line))
        .map(|line| match line.split_once(" ;") {
            Some((setting, _)) => format!("{}\n", setting.trim_end()),
            None => format!("{line}\n"),
        })
        .collect()
}

/// The sections and options of the sample; a semicolon stands before what is commented out.
const SAMPLE: &str = "\
[unix_http_server]
file=/tmp/supervisor.sock
;chmod=0700
;chown=nobody:nogroup
;username=user
;password=123
;[inet_http_server]
;port=127.0.0.1:9001
;username=user
;password=123
[supervisord]
logfile=/tmp/supervisord.log
logfile_maxbytes=50MB
logfile_backups=10
loglevel=info
pidfile=/tmp/supervisord.pid
nodaemon=false
silent=false
minfds=1024
minprocs=200
;umask=022
;user=supervisord
;identifier=supervisor
;directory=/tmp
;nocleanup=true
;childlogdir=/tmp
;environment=KEY=\"value\"
;strip_ansi=false
[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
[supervisorctl]
serverurl=unix:///tmp/supervisor.sock
;serverurl=http://127.0.0.1:9001
;username=chris
;password=123
;prompt=mysupervisor
;history_file=~/.sc_history
;[program:theprogramname]
;command=/bin/cat
;process_name=%(program_name)s
;numprocs=1
;directory=/tmp
;umask=022
;priority=999
;autostart=true
;startsecs=1
;startretries=3
;autorestart=unexpected
;exitcodes=0
;stopsignal=QUIT
;stopwaitsecs=10
;stopasgroup=false
;killasgroup=false
;user=chrism
;redirect_stderr=true
;stdout_logfile=/a/path
;stdout_logfile_maxbytes=1MB
;stdout_logfile_backups=10
;stdout_capture_maxbytes=1MB
;stdout_events_enabled=false
;stdout_syslog=false
;stderr_logfile=/a/path
;stderr_logfile_maxbytes=1MB
;stderr_logfile_backups=10
;stderr_capture_maxbytes=1MB
;stderr_events_enabled=false
;stderr_syslog=false
;environment=A=\"1\",B=\"2\"
;serverurl=AUTO
;[eventlistener:theeventlistenername]
;command=/bin/eventlistener
;process_name=%(program_name)s
;numprocs=1
;events=EVENT
;buffer_size=10
;directory=/tmp
;umask=022
;priority=-1
;autostart=true
;startsecs=1
;startretries=3
;autorestart=unexpected
;exitcodes=0
;stopsignal=QUIT
;stopwaitsecs=10
;stopasgroup=false
;killasgroup=false
;user=chrism
;redirect_stderr=false
;stdout_logfile=/a/path
;stdout_logfile_maxbytes=1MB
;stdout_logfile_backups=10
;stdout_events_enabled=false
;stdout_syslog=false
;stderr_logfile=/a/path
;stderr_logfile_maxbytes=1MB
;stderr_logfile_backups=10
;stderr_events_enabled=false
;stderr_syslog=false
;environment=A=\"1\",B=\"2\"
;serverurl=AUTO
;[group:thegroupname]
;programs=progname1,progname2
;priority=999
;[include]
;files = relative/directory/*.ini
";

fn root_is_warned_of_searching_for_the_configuration(subject: Subject) {
    if !rustix::process::geteuid().is_root() {
        left_out("only root is warned");
        return;
    }
    let daemon = Daemon::launch(Sandbox::configured(subject, ""), &["-n"]);
    daemon.wait_ready();
    let said = daemon.sandbox().read("stderr.txt");
    let (_, warning) = said
        .lines()
        .next()
        .and_then(|line| line.split_once(": UserWarning: "))
        .expect("a warning");
    assert_eq!(
        warning,
        "Supervisord is running as root and it is searching for its configuration file in default \
         locations (including its current working directory); you probably want to specify a \
         \"-c\" argument specifying an absolute path to a configuration file for improved security."
    );
    // It is for whoever started it, and no business of the log.
    assert!(!daemon.sandbox().read("supervisord.log").contains("default"));
}

fn a_host_without_an_address_is_refused(subject: Subject) {
    let sandbox = Sandbox::configured(
        subject,
        "[inet_http_server]\nport=no.such.host.invalid:9001",
    );
    let run = supervisord(&sandbox, &["-n", "-c", "supervisord.conf"]);
    assert_eq!(run.code, Some(2));
    let error = "Error: Cannot open an HTTP server: socket.error reported -2";
    assert_eq!(run.err.lines().next(), Some(error));
}

fn an_owner_of_the_socket_that_may_not_be_is_refused(subject: Subject) {
    if !rustix::process::geteuid().is_root() {
        left_out("only root can start it as another user");
        return;
    }
    let sandbox = Sandbox::configured(
        subject,
        "[supervisord]\nuser=nobody\n[unix_http_server]\nchown=root:root",
    );
    let everybody = fs::Permissions::from_mode(0o777);
    fs::set_permissions(sandbox.folder(), everybody).expect("the folder is ours");
    let run = supervisord(&sandbox, &["-n", "-c", "supervisord.conf"]);
    assert_eq!(run.code, Some(2));
    let error = "Error: Not permitted to chown DIR/s.sock to uid/gid (0, 0); adjust \"sockchown\" \
                 value in config file or on command line to values that the current user (nobody) \
                 can successfully chown";
    let said = sandbox.without_path(&run.err);
    assert_eq!(said.lines().next(), Some(error));
}

/// A sandbox whose `absolute.conf` says the same wherever it is read from, with a program in it and
/// one in a file that it includes; and `script`, ready to be run by a shell that is followed by what
/// it runs.
fn piped(subject: Subject, script: &str) -> (Sandbox, Command) {
    let sandbox = Sandbox::configured(
        subject,
        "[include]\nfiles=%(here)s/more.ini\n[program:p]\ncommand=/bin/cat\nstartsecs=0",
    );
    sandbox.write(
        "more.ini",
        "[program:q]\ncommand=/bin/cat\nstartsecs=0\nautostart=false\n",
    );
    let folder = sandbox.folder().display().to_string();
    let text = sandbox.read("supervisord.conf");
    sandbox.write("absolute.conf", text.replace("%(here)s", &folder));
    let mut command = Command::new("sh");
    sandbox.equip(&mut command);
    command.args(["-c", script]);
    (sandbox, command)
}

/// What has been read to its end has no sections any more, and nothing is stopped for it.
fn is_read_once(daemon: &Daemon) {
    daemon.wait_state("p", "RUNNING");
    assert_eq!(daemon.state("q"), "STOPPED");
    let why = "CANT_REREAD: .ini file does not include supervisord section";
    assert_eq!(daemon.ctl_line("reread"), is(&format!("ERROR: {why}\n"), 1));
    let (update, code) = daemon.ctl_line("update");
    assert_eq!(code, 1);
    let expected = unexpected_fault(daemon.subject(), 92, why);
    assert_eq!(normal::without_origin(&update), expected);
    assert_eq!(daemon.state("p"), "RUNNING");
}

fn a_configuration_may_come_through_a_pipe(subject: Subject) {
    let (sandbox, command) = piped(
        subject,
        "cat absolute.conf | exec supervisord -n -c /dev/stdin",
    );
    let daemon = Daemon::launch_command(sandbox, command);
    daemon.wait_ready();
    is_read_once(&daemon);
}

fn a_configuration_may_come_through_a_descriptor(subject: Subject) {
    // As in a shell that knows `supervisord -c <(cat absolute.conf)`.
    let (sandbox, command) = piped(
        subject,
        "cat absolute.conf | supervisord -c /dev/fd/7 7<&0 </dev/null",
    );
    let mut daemon = Daemon::launch_command(sandbox, command);
    assert_eq!(daemon.wait_end(), 0);
    daemon.wait_ready();
    is_read_once(&daemon);
}

fn a_file_behind_standard_input_is_read_again(subject: Subject) {
    let (sandbox, command) = piped(subject, "exec supervisord -n -c /dev/stdin <absolute.conf");
    let daemon = Daemon::launch_command(sandbox, command);
    daemon.wait_ready();
    daemon.wait_state("p", "RUNNING");
    assert_eq!(
        daemon.ctl_line("reread"),
        is("No config updates to processes\n", 0)
    );
    daemon.sandbox().write("more.ini", "");
    assert_eq!(daemon.ctl_line("reread"), is("q: disappeared\n", 0));
}

fn supervisorctl_may_be_configured_through_a_pipe(subject: Subject) {
    let (sandbox, _) = piped(subject, "");
    let daemon = Daemon::start_in(sandbox);
    daemon.wait_state("p", "RUNNING");
    let sandbox = daemon.sandbox();
    let run = |script: &str| {
        let mut command = Command::new("sh");
        sandbox.equip(&mut command);
        Run::of(command.args(["-c", script]))
    };
    let expected = ("q: started\n", 0);
    let started = run("cat absolute.conf | supervisorctl -c /dev/stdin start q");
    assert_eq!(started.out_and_code(), expected);
    assert_eq!(daemon.ctl_line("stop q"), is("q: stopped\n", 0));
    let shell = run("cat absolute.conf | (echo start q | supervisorctl -c /dev/fd/7) 7<&0");
    assert!(shell.out.contains("supervisor> q: started\n"), "{shell:?}");
    let refused = run("echo '[supervisord]' | supervisorctl -c /dev/stdin status");
    assert_eq!(refused.code, Some(2));
    let error = "Error: .ini file does not include supervisorctl section\n";
    assert!(refused.err.starts_with(error), "{refused:?}");
}
