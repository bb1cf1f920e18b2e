//! What a configuration is refused with: the first error, word for word. Each sort of section has
//! a table of its own.

use minder_tests::{Run, Sandbox, Subject, cases};

cases!(
    the_daemons_section_is_checked,
    programs_are_checked,
    group_priorities_are_checked_without_the_section,
    listeners_are_checked,
    fcgi_programs_are_checked,
    groups_are_checked,
    servers_are_checked,
    plug_ins_are_checked,
    of_several_errors_one_comes_first,
    expansions_are_checked,
    the_client_checks_its_own_section,
);

/// Runs supervisord in the foreground on a configuration that it must refuse, and returns what
/// it says.
fn refused(subject: Subject, config: &str) -> String {
    let sandbox = Sandbox::new(subject);
    sandbox.write("supervisord.conf", config);
    let run = Run::of(
        sandbox
            .command("supervisord")
            .args(["-n", "-c", "supervisord.conf"]),
    );
    assert_eq!(run.code, Some(2), "{config}\n{}{}", run.out, run.err);
    let error = run.err.lines().next().expect("an error");
    sandbox.without_path(error.strip_prefix("Error: ").expect("it says so"))
}

fn check(subject: Subject, before: &str, table: &[(&str, &str)]) {
    for (options, error) in table {
        let config = format!("[supervisord]\n{before}{options}\n");
        assert_eq!(refused(subject, &config), *error, "{options}");
    }
}

/// The same for errors that are followed by their section and file.
fn check_section(subject: Subject, section: &str, before: &str, table: &[(&str, &str)]) {
    for (options, error) in table {
        let config = format!("[supervisord]\n[{section}]\n{before}{options}\n");
        assert_eq!(
            refused(subject, &config),
            format!("{error} in section '{section}' (file: 'supervisord.conf')"),
            "{options}"
        );
    }
}

fn the_daemons_section_is_checked(subject: Subject) {
    check(
        subject,
        "",
        &[
            ("minprocs=", "invalid literal for int() with base 10: ''"),
            (
                "minfds=10;comment",
                "invalid literal for int() with base 10: '10;comment'",
            ),
            (
                "logfile_maxbytes=1TB",
                "invalid literal for int() with base 10: '1tb'",
            ),
            (
                "logfile_maxbytes=KB",
                "invalid literal for int() with base 10: ''",
            ),
            (
                "logfile_backups=ten",
                "invalid literal for int() with base 10: 'ten'",
            ),
            ("umask=0x1", "0x1 can not be converted to an octal type"),
            ("directory=", " is not an existing directory"),
            (
                "pidfile=/no/such/pid",
                "The directory named as part of the path /no/such/pid does not exist",
            ),
            ("nodaemon=", "not a valid boolean value: ''"),
            ("silent=y", "not a valid boolean value: 'y'"),
            ("nocleanup=2", "not a valid boolean value: '2'"),
            ("strip_ansi=T", "not a valid boolean value: 'T'"),
            ("user=99999999", "Invalid user id 99999999"),
            ("environment=A=\"b", "No closing quotation"),
            (
                "environment=A=1,,B=2",
                "Unexpected end of key/value pairs in value 'A=1,,B=2'",
            ),
        ],
    );
}

fn programs_are_checked(subject: Subject) {
    check_section(
        subject,
        "program:p",
        "command=x\n",
        &[
            ("autostart=maybe", "not a valid boolean value: 'maybe'"),
            ("autostart=", "not a valid boolean value: ''"),
            ("autorestart=", "invalid 'autorestart' value ''"),
            (
                "startretries=1.0",
                "invalid literal for int() with base 10: '1.0'",
            ),
            ("stopsignal=", "value '' is not a valid signal name"),
            ("stopsignal=999", "value '999' is not a valid signal number"),
            ("stopsignal=-1", "value '-1' is not a valid signal number"),
            (
                "stopwaitsecs=10s",
                "invalid literal for int() with base 10: '10s'",
            ),
            ("stopasgroup=ja", "not a valid boolean value: 'ja'"),
            ("killasgroup=nein", "not a valid boolean value: 'nein'"),
            ("exitcodes=256", "not a valid list of exit codes: '256'"),
            ("exitcodes=0,", "not a valid list of exit codes: '0,'"),
            ("exitcodes=0;2", "not a valid list of exit codes: '0;2'"),
            ("redirect_stderr=both", "not a valid boolean value: 'both'"),
            ("numprocs=", "invalid literal for int() with base 10: ''"),
            (
                "numprocs_start=a",
                "invalid literal for int() with base 10: 'a'",
            ),
            (
                "stdout_capture_maxbytes=1.5MB",
                "invalid literal for int() with base 10: '1.5'",
            ),
            ("stderr_events_enabled=x", "not a valid boolean value: 'x'"),
            ("user=", "Invalid user name "),
            ("user=nobody:nogroup", "Invalid user name nobody:nogroup"),
            ("umask=8", "8 can not be converted to an octal type"),
            (
                "process_name=a/b",
                "Invalid name: 'a/b' because of character: '/'",
            ),
            (
                "process_name=a:b",
                "Invalid name: 'a:b' because of character: ':'",
            ),
            (
                "stdout_logfile=~no-such-user/x",
                "The directory named as part of the path ~no-such-user/x does not exist",
            ),
            (
                "stderr_logfile=/no/such",
                "The directory named as part of the path /no/such does not exist",
            ),
            (
                "stdout_logfile_maxbytes=50M",
                "invalid literal for int() with base 10: '50m'",
            ),
            (
                "stderr_logfile_backups=",
                "invalid literal for int() with base 10: ''",
            ),
            ("stdout_syslog=x", "not a valid boolean value: 'x'"),
            (
                "environment=A=b c,D=1",
                "Unexpected end of key/value pairs in value 'A=b c,D=1'",
            ),
            (
                "environment=A=a@b",
                "Unexpected end of key/value pairs in value 'A=a@b'",
            ),
        ],
    );
}

/// Read as those of the group that the program makes.
fn group_priorities_are_checked_without_the_section(subject: Subject) {
    check(
        subject,
        "",
        &[
            (
                "[program:p]\ncommand=x\npriority=high",
                "invalid literal for int() with base 10: 'high'",
            ),
            (
                "[program:a b]\ncommand=x",
                "Invalid name: 'a b' because of character: ' '",
            ),
            (
                "[program:a:b]\ncommand=x",
                "Invalid name: 'a:b' because of character: ':'",
            ),
            (
                "[eventlistener:l]\npriority=1.0",
                "invalid literal for int() with base 10: '1.0'",
            ),
            (
                "[fcgi-program:a/b]\ncommand=x",
                "Invalid name: 'a/b' because of character: '/'",
            ),
            (
                "[group:g]\nprograms=p\npriority=\n[program:p]\npriority=x",
                "invalid literal for int() with base 10: ''",
            ),
            (
                "[group:g]\nprograms=p\n[program:p]\npriority=x",
                "invalid literal for int() with base 10: 'x' in section 'program:p' (file: \
                 'supervisord.conf')",
            ),
        ],
    );
}

fn listeners_are_checked(subject: Subject) {
    check(
        subject,
        "[eventlistener:l]\ncommand=x\n",
        &[
            (
                "buffer_size=0\nevents=TICK",
                "[eventlistener:l] section sets invalid buffer_size (0)",
            ),
            (
                "buffer_size=-5\nevents=TICK",
                "[eventlistener:l] section sets invalid buffer_size (-5)",
            ),
            (
                "buffer_size=big\nevents=TICK",
                "invalid literal for int() with base 10: 'big'",
            ),
            (
                "result_handler=a:b\nevents=TICK",
                "a:b cannot be resolved within [eventlistener:l]",
            ),
            (
                "result_handler=nonsense\nevents=TICK",
                "nonsense cannot be resolved within [eventlistener:l]",
            ),
            (
                "events=",
                "[eventlistener:l] section requires an \"events\" line",
            ),
            (
                "events=,",
                "Unknown event type  in [eventlistener:l] events",
            ),
            (
                "events=TICK,",
                "Unknown event type  in [eventlistener:l] events",
            ),
            (
                "events=TICK PROCESS_STATE",
                "Unknown event type TICK PROCESS_STATE in [eventlistener:l] events",
            ),
            (
                "events=TICK\nredirect_stderr=true",
                "[eventlistener:l] section sets redirect_stderr=true but this is not allowed \
                 because it will interfere with the eventlistener protocol",
            ),
            (
                "events=TICK\nredirect_stderr=x",
                "not a valid boolean value: 'x'",
            ),
            (
                "events=TICK\nautostart=x",
                "not a valid boolean value: 'x' in section 'eventlistener:l' (file: \
                 'supervisord.conf')",
            ),
            (
                "events=TICK\nnumprocs=2",
                "%(process_num) must be present within process_name when numprocs > 1 in section \
                 'eventlistener:l' (file: 'supervisord.conf')",
            ),
        ],
    );
    check(
        subject,
        "",
        &[
            (
                "[eventlistener:l]\nevents=TICK",
                "program section eventlistener:l does not specify a command in section \
                 'eventlistener:l' (file: 'supervisord.conf')",
            ),
            (
                "[eventlistener:a b]\ncommand=x\nevents=TICK",
                "Invalid name: 'a b' because of character: ' ' in section 'eventlistener:a b' \
                 (file: 'supervisord.conf')",
            ),
        ],
    );
}

fn fcgi_programs_are_checked(subject: Subject) {
    check(
        subject,
        "[fcgi-program:f]\ncommand=x\n",
        &[
            ("", "[fcgi-program:f] section requires a \"socket\" line"),
            (
                "socket=",
                "[fcgi-program:f] section requires a \"socket\" line",
            ),
            (
                "socket=foo",
                "('Bad socket format %s', 'foo') in [fcgi-program:f] socket",
            ),
            (
                "socket=tcp://h",
                "('Bad socket format %s', 'tcp://h') in [fcgi-program:f] socket",
            ),
            (
                "socket=tcp://h:x",
                "('Bad socket format %s', 'tcp://h:x') in [fcgi-program:f] socket",
            ),
            (
                "socket=tcp://h:0",
                "0 is below lower bound (1) in [fcgi-program:f] socket",
            ),
            (
                "socket=tcp://h:99999",
                "99999 is above upper bound (65535) in [fcgi-program:f] socket",
            ),
            (
                "socket=unix://rel",
                "('Unix socket path %s is not an absolute path', 'rel') in [fcgi-program:f] socket",
            ),
            (
                "socket=tcp://h:1\nsocket_mode=0700",
                "socket_owner and socket_mode params should only be used with a Unix domain \
                 socket in [fcgi-program:f] socket",
            ),
            (
                "socket=unix:///tmp/s\nsocket_mode=9",
                "Invalid socket_mode value 9",
            ),
            (
                "socket=unix:///tmp/s\nsocket_owner=no-such-user",
                "Invalid socket_owner value no-such-user",
            ),
            (
                "socket=unix:///tmp/s\nsocket_owner=root:no-such-group",
                "Invalid socket_owner value root:no-such-group",
            ),
            (
                "socket=tcp://h:1\nsocket_backlog=0",
                "Invalid socket_backlog value 0",
            ),
            (
                "socket=tcp://h:1\nsocket_backlog=65536",
                "Invalid socket_backlog value 65536",
            ),
            (
                "socket=tcp://h:1\nsocket_backlog=many",
                "invalid literal for int() with base 10: 'many'",
            ),
            ("user=no-such-user", "Invalid user name no-such-user"),
            (
                "socket=tcp://h:1\nstartsecs=x",
                "invalid literal for int() with base 10: 'x' in section 'fcgi-program:f' (file: \
                 'supervisord.conf')",
            ),
        ],
    );
    check(
        subject,
        "",
        &[(
            "[fcgi-program:f]\nsocket=tcp://h:1",
            "program section fcgi-program:f does not specify a command in section \
             'fcgi-program:f' (file: 'supervisord.conf')",
        )],
    );
}

fn groups_are_checked(subject: Subject) {
    let programs = "[program:p]\ncommand=x\n[program:q]\ncommand=x\n[fcgi-program:q]\ncommand=x\n\
                    socket=tcp://h:1\n[eventlistener:l]\ncommand=x\nevents=TICK\n";
    check(
        subject,
        programs,
        &[
            (
                "[group:g]\nprograms=q",
                "[group:g] name q is ambiguous (exists as program and fcgi-program)",
            ),
            (
                "[group:g]\nprograms=l",
                "[group:g] names unknown program or fcgi-program l",
            ),
            (
                "[group:g]\nprograms=p p",
                "[group:g] names unknown program or fcgi-program p p",
            ),
            (
                "[group:a b]\nprograms=p",
                "Invalid name: 'a b' because of character: ' '",
            ),
            (
                "[group:g]\nprograms=program:p",
                "[group:g] names unknown program or fcgi-program program:p",
            ),
        ],
    );
}

fn servers_are_checked(subject: Subject) {
    check(
        subject,
        "",
        &[
            ("[inet_http_server]\nport=", "not a valid port number: '' "),
            (
                "[inet_http_server]\nport=127.0.0.1:",
                "no port number specified in ''",
            ),
            (
                "[inet_http_server]\nport=127.0.0.1:x",
                "invalid literal for int() with base 10: 'x'",
            ),
            (
                "[inet_http_server]\nport=127.0.0.1:70000",
                "70000 is above upper bound (65535)",
            ),
            ("[inet_http_server]\nport=*:0", "0 is below lower bound (1)"),
            (
                "[inet_http_server:b]\npassword=p\nport=x",
                "Section [inet_http_server:b] contains incomplete authentication: If a username \
                 or a password is specified, both the username and password must be specified",
            ),
            (
                "[unix_http_server]\nfile=/tmp/s\nchmod=888",
                "Invalid chmod value 888",
            ),
            (
                "[unix_http_server]\nfile=/tmp/s\nchown=no-such-user",
                "Invalid sockchown value no-such-user",
            ),
            (
                "[unix_http_server]\nfile=/tmp/s\nusername=u\nchmod=888",
                "Section [unix_http_server] contains incomplete authentication: If a username or \
                 a password is specified, both the username and password must be specified",
            ),
            (
                "[unix_http_server]\nchmod=888\n[inet_http_server]\n",
                "section [inet_http_server] has no port value",
            ),
        ],
    );
}

fn plug_ins_are_checked(subject: Subject) {
    check(
        subject,
        "",
        &[
            (
                "[rpcinterface:x]\nsupervisor.rpcinterface_factory=no.such:thing",
                "no.such:thing cannot be resolved within [rpcinterface:x]",
            ),
            (
                "[rpcinterface:x]\nsupervisor.rpcinterface_factory=",
                " cannot be resolved within [rpcinterface:x]",
            ),
            (
                "[rpcinterface:x]\nrpcinterface_factory=a:b",
                "section [rpcinterface:x] does not specify a supervisor.rpcinterface_factory",
            ),
        ],
    );
}

fn of_several_errors_one_comes_first(subject: Subject) {
    let all = [
        ("", "minprocs=x\n", "'x'"),
        ("", "logfile_backups=y\n", "'y'"),
        ("", "environment=A\n", "pairs in value 'A'"),
        ("[rpcinterface:r]\n", "", "[rpcinterface:r]"),
        ("[group:g]\n", "programs=nope\n", "[group:g]"),
        ("[program:p]\n", "exitcodes=z\n", "'z'"),
        ("[eventlistener:l]\n", "events=NOPE\n", "NOPE"),
        ("[fcgi-program:f]\n", "socket_mode=9\n", "socket_mode"),
        ("[inet_http_server]\n", "username=u\n", "[inet_http_server]"),
        ("[unix_http_server]\n", "chmod=9\n", "[unix_http_server]"),
    ];
    for first in 0..all.len() {
        // The later an error comes, the earlier it stands; only the daemon's own must be last.
        let sections = all[first..].iter().rev();
        let own: String = sections
            .clone()
            .filter(|(header, ..)| header.is_empty())
            .map(|(_, option, _)| *option)
            .collect();
        let others: String = sections
            .filter(|(header, ..)| !header.is_empty())
            .flat_map(|(header, option, _)| [*header, *option])
            .collect();
        let error = refused(
            subject,
            &format!("{others}[supervisord]\n{own}user=no-such\n"),
        );
        assert!(error.contains(all[first].2), "{first}: {error}");
    }
}

fn expansions_are_checked(subject: Subject) {
    let tail = "in section 'program:p' (file: 'supervisord.conf')";
    for (options, error) in [
        (
            "command=x\ndirectory=%(here)",
            format!(
                "Format string '%(here)' for 'program:p.directory' is badly formatted: incomplete \
                 format {tail}"
            ),
        ),
        (
            "command=date +%Y",
            format!(
                "Format string 'date +%Y' for 'program:p.command' is badly formatted: unsupported \
                 format character 'Y' (0x59) at index 7 {tail}"
            ),
        ),
        (
            "command=x\nstdout_logfile=/tmp/a%%b",
            format!(
                "Format string '/tmp/a%b' for 'stdout_logfile' is badly formatted: unsupported \
                 format character 'b' (0x62) at index 7 {tail}"
            ),
        ),
        (
            "command=x\nenvironment=A=\"50%\"",
            format!(
                "Format string 'A=\"50%\"' for 'environment' is badly formatted: unsupported \
                 format character '\"' (0x22) at index 6 {tail}"
            ),
        ),
        (
            "command=x\nprocess_name=%(process_num)q",
            format!(
                "Format string '%(process_num)q' for 'process_name' is badly formatted: \
                 unsupported format character 'q' (0x71) at index 14 {tail}"
            ),
        ),
    ] {
        let config = format!("[supervisord]\n[program:p]\n{options}\n");
        assert_eq!(refused(subject, &config), error, "{options}");
    }
}

fn the_client_checks_its_own_section(subject: Subject) {
    for (config, error) in [
        (
            "[supervisord]",
            ".ini file does not include supervisorctl section",
        ),
        (
            "[supervisorctl]\n[ctlplugin:x]",
            "section [ctlplugin:x] does not specify a supervisor.ctl_factory",
        ),
        (
            "[supervisorctl]\n[ctlplugin:x]\nsupervisor.ctl_factory=no.such:thing",
            "no.such:thing cannot be resolved within [ctlplugin:x]",
        ),
        (
            "[supervisorctl]\nprompt=50%",
            "Format string '50%' for 'supervisorctl.prompt' is badly formatted: incomplete format",
        ),
    ] {
        let sandbox = Sandbox::new(subject);
        sandbox.write("c.conf", config);
        let run = Run::of(
            sandbox
                .command("supervisorctl")
                .args(["-c", "c.conf", "status"]),
        );
        let said = run.err.lines().next().unwrap_or_default();
        assert_eq!((said, run.code), (&*format!("Error: {error}"), Some(2)));
    }
}
