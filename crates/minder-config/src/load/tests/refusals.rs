//! What is refused, and how it is told. The texts in the tables are the real Supervisor's.

use proptest::prelude::*;

use super::Files;
use crate::include::Source;
use crate::load::load;
use crate::options::daemon::Overrides;
use crate::report::Colour;

fn told_of(main: &str) -> String {
    Files::new(main).error().to_string()
}

fn fcgi(options: &str) -> String {
    other(&format!("[fcgi-program:f]\ncommand=c\n{options}"))
}

fn listener(options: &str) -> String {
    other(&format!("[eventlistener:l]\ncommand=c\n{options}"))
}

fn program(options: &str) -> String {
    other(&format!("[program:p]\ncommand=c\n{options}"))
}

fn other(sections: &str) -> String {
    format!("[supervisord]\n{sections}")
}

#[test]
fn a_daemon_or_server_is_refused_in_supervisors_words() {
    for (main, expected) in [
        (
            String::new(),
            ".ini file does not include supervisord section",
        ),
        (
            other("[include]\n"),
            ".ini file has [include] section, but no files setting",
        ),
        (
            other("[include]\nfiles=%(x)s"),
            "Format string '%(x)s' for 'include.files' contains names ('x') which cannot be \
             expanded. Available names: ENV_COLOR, ENV_HOME, here, host_node_name",
        ),
        (
            "[supervisord]\nlogfile=/no/such".to_owned(),
            "The directory named as part of the path /no/such does not exist",
        ),
        (
            "[supervisord]\nenvironment=%%%%(a)s".to_owned(),
            "Unexpected end of key/value pairs in value '%(a)s'",
        ),
        (
            other("[group:g]\nprograms=a,"),
            "[group:g] names unknown program or fcgi-program a",
        ),
        (
            other("[rpcinterface:x]"),
            "section [rpcinterface:x] does not specify a supervisor.rpcinterface_factory",
        ),
        (
            other("[rpcinterface:x]\nsupervisor.rpcinterface_factory=a:b"),
            "a:b cannot be resolved within [rpcinterface:x]",
        ),
        (
            other("[unix_http_server]"),
            "section [unix_http_server] has no file value",
        ),
        (
            other("[unix_http_server]\nfile=f\nchown=no:such"),
            "Invalid sockchown value no:such",
        ),
        (
            other("[unix_http_server]\nfile=f\nchmod=9"),
            "Invalid chmod value 9",
        ),
        (
            other("[inet_http_server:x]"),
            "section [inet_http_server:x] has no port value",
        ),
        (
            other("[inet_http_server]\nport=1\nusername=u"),
            "Section [inet_http_server] contains incomplete authentication: If a username or a \
             password is specified, both the username and password must be specified",
        ),
        (
            other("[inet_http_server]\nport=1\nusername=%(here)s\npassword="),
            "Format string '%(here)s' for 'inet_http_server.username' contains names ('here') \
             which cannot be expanded. Available names: ENV_COLOR, ENV_HOME",
        ),
    ] {
        assert_eq!(told_of(&main), expected, "{main}");
    }
}

#[test]
fn a_program_is_refused_in_supervisors_words() {
    for (main, expected) in [
        (
            program("priority=x"),
            "invalid literal for int() with base 10: 'x'",
        ),
        (
            program("autostart=maybe"),
            "not a valid boolean value: 'maybe' in section 'program:p' (file: 's.conf')",
        ),
        (
            program("numprocs=2"),
            "%(process_num) must be present within process_name when numprocs > 1 in section \
             'program:p' (file: 's.conf')",
        ),
        (
            program("stopasgroup=1\nkillasgroup=0"),
            "Cannot set stopasgroup=true and killasgroup=false in section 'program:p' (file: \
             's.conf')",
        ),
        (
            program("environment=A=$HOME,B=1"),
            "Unexpected end of key/value pairs in value 'A=$HOME,B=1' in section 'program:p' \
             (file: 's.conf')",
        ),
        (
            program("stdout_logfile=/tmp/a%%b"),
            "Format string '/tmp/a%b' for 'stdout_logfile' is badly formatted: unsupported \
             format character 'b' (0x62) at index 7 in section 'program:p' (file: 's.conf')",
        ),
        (
            program("process_name=a b"),
            "Invalid name: 'a b' because of character: ' ' in section 'program:p' (file: \
             's.conf')",
        ),
        (
            program("process_name=%(ENV_HOME)s"),
            "Invalid name: '/root' because of character: '/' in section 'program:p' (file: \
             's.conf')",
        ),
        (
            program("numprocs=100001\nprocess_name=%(process_num)s"),
            "numprocs of 100001 is more than 100000 in section 'program:p' (file: 's.conf')",
        ),
        (
            other("[program:a b]\ncommand=c"),
            "Invalid name: 'a b' because of character: ' '",
        ),
        (
            other("[program:p]"),
            "program section program:p does not specify a command in section 'program:p' (file: \
             's.conf')",
        ),
        (
            other("[group:g]\nprograms=a\n[program:a]\n[fcgi-program:a]"),
            "[group:g] name a is ambiguous (exists as program and fcgi-program)",
        ),
    ] {
        assert_eq!(told_of(&main), expected, "{main}");
    }
}

#[test]
fn a_listener_is_refused_in_supervisors_words() {
    for (main, expected) in [
        (
            listener(""),
            "[eventlistener:l] section requires an \"events\" line",
        ),
        (
            listener("events=TICK,"),
            "Unknown event type  in [eventlistener:l] events",
        ),
        (
            listener("events=tock"),
            "Unknown event type TOCK in [eventlistener:l] events",
        ),
        (
            listener("buffer_size=0"),
            "[eventlistener:l] section sets invalid buffer_size (0)",
        ),
        (
            listener("events=TICK\nredirect_stderr=true"),
            "[eventlistener:l] section sets redirect_stderr=true but this is not allowed because \
             it will interfere with the eventlistener protocol",
        ),
        (
            listener("result_handler=x:y"),
            "x:y cannot be resolved within [eventlistener:l]",
        ),
    ] {
        assert_eq!(told_of(&main), expected, "{main}");
    }
}

#[test]
fn an_fcgi_program_is_refused_in_supervisors_words() {
    for (main, expected) in [
        (
            fcgi(""),
            "[fcgi-program:f] section requires a \"socket\" line",
        ),
        (
            fcgi("socket=foo"),
            "('Bad socket format %s', 'foo') in [fcgi-program:f] socket",
        ),
        (
            fcgi("socket=unix://rel"),
            "('Unix socket path %s is not an absolute path', 'rel') in [fcgi-program:f] socket",
        ),
        (
            fcgi("socket=tcp://h:99999"),
            "99999 is above upper bound (65535) in [fcgi-program:f] socket",
        ),
        (
            fcgi("socket=tcp://h:1\nsocket_mode=0700"),
            "socket_owner and socket_mode params should only be used with a Unix domain socket \
             in [fcgi-program:f] socket",
        ),
        (fcgi("socket_backlog=0"), "Invalid socket_backlog value 0"),
        (
            fcgi("socket_owner=no:such"),
            "Invalid socket_owner value no:such",
        ),
        (fcgi("socket_mode=9"), "Invalid socket_mode value 9"),
    ] {
        assert_eq!(told_of(&main), expected, "{main}");
    }
}

#[test]
fn a_program_of_an_included_file_is_told_with_that_file() {
    let files = Files::new("[supervisord]\n[include]\nfiles=inc/*.conf")
        .with("inc/a.conf", "[program:it's]\ncommand=c\nuser=no such");
    assert_eq!(
        files.anywhere(&files.error().to_string()),
        "Invalid user name no such in section \"program:it's\" (file: '<dir>/inc/a.conf')"
    );
}

#[test]
fn a_file_that_is_no_text_is_refused_with_the_first_thing_that_is_wrong() {
    let broken = |bytes: &[u8]| {
        let files = Files::new("").with("s.conf", bytes);
        files.error().to_string()
    };
    assert_eq!(
        broken(b"[supervisord]\n\xff"),
        "'utf-8' codec can't decode byte 0xff in position 14: invalid start byte"
    );
    let mut late = b"junk\n".repeat(2000);
    late.push(0xff);
    assert_eq!(
        broken(&late),
        "File contains no section headers.\nfile: 's.conf', line: 1\n'junk\\n'"
    );
}

#[test]
fn a_file_that_cannot_be_read_is_named_as_it_was_given() {
    let files = Files::new("").with("d/x", "");
    let environment = files.environment();
    let error = |path: &str| {
        let source = Source::new(path, &environment);
        let error = load(&source, &Overrides::default(), &environment).unwrap_err();
        error.to_string()
    };
    assert_eq!(error("none"), "could not find config file none");
    assert_eq!(error("./d"), "could not read config file ./d");
}

#[test]
fn a_report_shows_the_line_and_what_to_do() {
    let shown: Vec<_> = [
        "[supervisord]\nlogfile = /no/such/log ; 日志\n",
        "junk\n",
        "[supervisord]\nnodaemon\n",
        "[supervisord]\n[program:p]\ncommand=a\nautorestart=always\n",
        "[supervisord]\n[program:p]\ncommand=date +%Y\n",
        "[supervisord]\n[program:p]\ncommand=%(programname)s\n",
        "[supervisord]\n[program:p]\nautostart=true\n",
        "[supervisord]\n[eventlistener:p]\ncommand=a\nevents=PROCESS_STATES\n",
        "[supervisord]\n[inet_http_server]\nport=1\npassword=x",
        "; nothing\n",
    ]
    .iter()
    .map(|main| {
        let error = Files::new(main).error();
        format!("Error: {error}\n{}", error.report(Colour::Plain))
    })
    .collect();
    insta::assert_snapshot!(shown.join("\n"));
}

/// Lines from which configurations can be put together, right and wrong.
fn any_line() -> impl Strategy<Value = &'static str> {
    prop::sample::select(&[
        "[supervisord]",
        "[program:a]",
        "[program:b]",
        "[eventlistener:l]",
        "[fcgi-program:f]",
        "[group:g]",
        "[inet_http_server]",
        "[unix_http_server]",
        "[DEFAULT]",
        "[include]",
        "command=c %(process_num)d",
        "command=c",
        "events=TICK",
        "socket=tcp://h:1",
        "programs=a,b",
        "port=1",
        "file=f",
        "files=*.none",
        "priority=x",
        "numprocs=2",
        "process_name=%(process_num)s",
        "environment=A=1",
        "environment=A=\"é",
        "  continued = true",
        "",
        "garbage",
    ])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn any_configuration_is_loaded_or_refused(lines in prop::collection::vec(any_line(), 0..15)) {
        let text = format!("[supervisord]\n{}", lines.join("\n"));
        let files = Files::new(&text);
        match files.load_with(&Overrides::default()) {
            Ok(loaded) => {
                prop_assert!(loaded.files.len() == 1);
                prop_assert_eq!(files.check().problems, []);
            }
            Err(error) => {
                let first = files.check().problems.into_iter().next();
                prop_assert_eq!(first.as_ref(), Some(&error));
                prop_assert!(!error.to_string().is_empty());
                let place = error.location.as_ref().map_or("", |place| place.text());
                prop_assert!(text.contains(place));
                prop_assert!(!error.report(Colour::Plain).is_empty());
            }
        }
    }
}
