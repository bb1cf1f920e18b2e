use proptest::prelude::*;

use super::*;
use crate::report::Colour;

/// A directory with configuration files in it; `s.conf` is the main one. Programs are looked for
/// in its `bin`, where there are some.
struct Files(tempfile::TempDir);

impl Files {
    fn new(main: &str) -> Self {
        let files = Self(tempfile::tempdir().unwrap()).with("s.conf", main);
        for name in ["nginx", "mkdir", "tool"] {
            let path = format!("bin/{name}");
            let files = files.with_another(&path, "");
            let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
            std::fs::set_permissions(files.join(path), mode).unwrap();
        }
        files
    }

    fn with_another(&self, path: &str, text: &str) -> PathBuf {
        let whole = self.0.path().join(path);
        std::fs::create_dir_all(whole.parent().unwrap()).unwrap();
        std::fs::write(whole, text).unwrap();
        self.0.path().to_owned()
    }

    fn with(self, path: &str, text: &str) -> Self {
        self.with_another(path, text);
        self
    }

    fn environment(&self) -> Environment {
        let directory = self.0.path();
        Environment {
            vars: [("PATH".to_owned(), format!("{}/bin", directory.display()))].into(),
            host_node_name: "box".to_owned(),
            cwd: directory.to_owned(),
            uid: 0,
        }
    }

    fn check(&self) -> Checked {
        let environment = self.environment();
        check(&Source::new("s.conf", &environment), &environment)
    }

    /// The text without the directory's name, which is another each time.
    fn anywhere(&self, text: &str) -> String {
        text.replace(self.0.path().to_str().unwrap(), "<dir>")
    }

    /// What there is to warn of, with its line and column.
    fn warnings(&self) -> Vec<String> {
        let checked = self.check();
        assert_eq!(checked.problems, []);
        let warnings = checked.warnings.iter();
        warnings
            .filter(|warning| warning.kind == crate::WarningKind::Minder)
            .map(|warning| {
                let place = warning.location.as_ref().map_or(String::new(), |place| {
                    format!("{}:{}: ", place.line(), place.column())
                });
                self.anywhere(&format!("{place}{}", warning.text))
            })
            .collect()
    }
}

/// Warnings about a program whose options begin in the fourth line.
fn program(options: &str) -> Vec<String> {
    let text = format!("[supervisord]\n[program:p]\nstdout_logfile=NONE\n{options}\n");
    Files::new(&text).warnings()
}

fn other(sections: &str) -> Vec<String> {
    Files::new(&format!("[supervisord]\n{sections}\n")).warnings()
}

#[test]
fn everything_that_is_wrong_is_told_at_once_and_once() {
    let files = Files::new(
        "[supervisord]\nminfds=x\nloglevel=loud\nenvironment=A=\"x\n\
         [program:a]\ncommand=tool %(ENV_A)s\nautostart=maybe\nstopsignal=FOO\nnumprocs=3\n\
         process_name=%(process_num)d\nstdout_logfile=/no/such/%(process_num)d\n\
         [program:b]\npriority=x\nuser=no-such-user\nenvironment=B=\n\
         [program:c]\ncommand=tool %(ENV_B)s %(nope)s\nnumprocs=2\n\
         [eventlistener:l]\ncommand=tool\nevents=PROCESS_STAT,TICK_7\nbuffer_size=0\n\
         [fcgi-program:f]\ncommand=tool\nsocket_mode=9\n\
         [group:g]\nprograms=a,bb,,c\n[group:h]\nprograms=a\n\
         [inet_http_server]\nport=0\nusername=u\n[unix_http_server]\nchmod=9\n\
         [rpcinterface:x]\nsupervisor.rpcinterface_factory=a:b\n\
         [supervisorctl]\nprompt=%(x)s\n[ctlplugin:y]\nsupervisor.ctl_factory=c:d\n\
         [ctlplugin:z]\n",
    );
    let checked = files.check();
    let told: Vec<String> = checked
        .problems
        .iter()
        .map(|problem| {
            let place = problem.location.as_ref().unwrap();
            format!("{}:{} {problem}", place.line(), place.column())
        })
        .collect();
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn what_is_wrong_with_lines_does_not_hide_the_rest() {
    let files = Files::new(
        "[supervisord]\ngarbage\nminfds=x\n[include]\nfiles=inc/*\n[program:p]\nautostart=x\n",
    )
    .with("inc/a", "[program:q]\nmore garbage\n")
    .with("inc/b", "[program:r]\ncommand=tool\nautostart=y\n");
    let told: Vec<String> = files.check().problems.iter().map(error_line).collect();
    assert_eq!(
        told,
        [
            "Source contains parsing errors: 's.conf'",
            &format!(
                "Source contains parsing errors: '{}/inc/a'",
                files.0.path().display()
            ),
            "invalid literal for int() with base 10: 'x'",
            "not a valid boolean value: 'x' in section 'program:p' (file: 's.conf')",
            "program section program:p does not specify a command in section 'program:p' (file: \
             's.conf')",
            &format!(
                "program section program:q does not specify a command in section 'program:q' \
                 (file: '{}/inc/a')",
                files.0.path().display()
            ),
            &format!(
                "not a valid boolean value: 'y' in section 'program:r' (file: '{}/inc/b')",
                files.0.path().display()
            ),
        ]
    );
}

fn error_line(error: &ConfigError) -> String {
    error.to_string().lines().next().unwrap().to_owned()
}

#[test]
fn where_sections_are_missing_only_the_lines_are_looked_at() {
    let files = Files::new("[supervisord]\nminfds=x\n[include]\nfiles=inc/*\n")
        .with("inc/a", "no header\n")
        .with("inc/b", "[program:x\n")
        .with("inc/c", "[group:g]\nprograms=x\n");
    let checked = files.check();
    assert!(checked.lines_only);
    let told: Vec<String> = checked.problems.iter().map(error_line).collect();
    let no_header = "File contains no section headers.".to_owned();
    assert_eq!(told, [no_header.clone(), no_header]);
}

#[test]
fn a_configuration_that_is_not_there_has_one_problem() {
    let environment = Environment {
        cwd: "/".into(),
        ..Environment::default()
    };
    let checked = check(&Source::new("no/such", &environment), &environment);
    assert_eq!(
        checked.problems[0].whole_report(Colour::Plain),
        "error: could not find config file no/such\n |\n = help: check the path, and that it \
         can be read by the user who starts this\n"
    );
    assert_eq!(checked.problems.len(), 1);
}

#[test]
fn values_that_are_not_written_as_meant_are_told() {
    assert_eq!(
        program("command=tool\ndirectory=/tmp;where\nprocess_name='x'"),
        [
            "5:15: \";where\" is part of the value: a comment needs a blank before its \";\"",
            "6:14: the quotes are part of the value of process_name; remove them",
            "5:11: /tmp;where is no directory, so the program cannot be started",
        ]
    );
    // Here quotes and semicolons mean something.
    assert_eq!(
        program("command=\"tool\" -g 'a;'\nenvironment=A=\"a;b\""),
        [""; 0]
    );
}

#[test]
fn a_value_that_another_replaces_is_told_where_that_is_hardly_meant() {
    let files = Files::new(
        "[supervisord]\nidentifier=a\n[program:p]\ncommand=tool\nstdout_logfile=NONE\n\
         [include]\nfiles=inc/* inc/*\n[program:p]\ncommand=tool 2\ncommand=tool 2\n",
    )
    .with(
        "inc/a",
        "[supervisord]\nidentifier=b\n[program:p]\ncommand=tool 3\n",
    );
    assert_eq!(
        files.warnings(),
        [
            "9:9: command of [program:p] is set again here: what s.conf:4:9 says does not count",
            "4:9: command of [program:p] is set again here: what s.conf:10:9 says does not count",
        ]
    );
}

#[test]
fn what_an_included_file_cannot_say_is_told() {
    let files = Files::new("[supervisord]\n[include]\nfiles=inc/*\n").with(
        "inc/a",
        "[include]\nfiles=more/*\n[supervisorctl]\nserverurl=http://elsewhere:1\n",
    );
    assert_eq!(
        files.warnings(),
        [
            "2:1: an included file cannot include others; move this to s.conf",
            "3:2: supervisorctl reads no included files; move this to s.conf",
        ]
    );
}

#[test]
fn what_only_a_shell_would_understand_is_told() {
    assert_eq!(
        program("command=tool $HOME/x && ${B}"),
        [
            "4:22: \"&&\" means nothing here, because no shell runs the command; for a shell \
             write sh -c \"…\"",
            "4:14: $HOME is not replaced in command; write %(ENV_HOME)s for its value",
            "4:25: ${B} is not replaced in command; write %(ENV_B)s for its value",
        ]
    );
    assert_eq!(
        program("command=tool -x;here -y 'a;b' http://h/;c"),
        [
            "4:14: \"-x;here\" means nothing here, because no shell runs the command; for a shell \
             write sh -c \"…\""
        ]
    );
    assert_eq!(
        program("command=/bin/sh -c \"exec tool $HOME > x\"\nenvironment=PATH=\"/x:$PATH\""),
        ["5:22: $PATH is not replaced in environment; write %(ENV_PATH)s for its value"]
    );
}

#[test]
fn a_command_that_cannot_be_started_is_told_in_the_words_of_its_failure() {
    for (options, told) in [
        (
            "command=no-such-tool",
            "4:9: can't find command 'no-such-tool', so it cannot be started",
        ),
        (
            "command=/tmp\ndirectory=/",
            "4:9: command at '/tmp' is a directory, so it cannot be started",
        ),
        (
            "command=run.sh\ndirectory=/tmp",
            "4:9: can't find command 'run.sh', so it cannot be started; \"directory\" plays no \
             part in looking for it",
        ),
        (
            "command=/bin/sh -c \"x ; y\"",
            "4:9: can't parse command '/bin/sh -c \"x': No closing quotation, so it cannot be \
             started; \" ;\" and \" #\" begin a comment, even within quotes",
        ),
        ("command=", "4:9: command is empty, so it cannot be started"),
    ] {
        assert_eq!(program(options), [told]);
    }
    assert_eq!(
        program("command=./no/such\ndirectory=/tmp")[1],
        "4:9: ./no/such is looked for from the directory of supervisord and run in \
         \"directory\"; write an absolute path"
    );
}

#[test]
fn commands_that_do_not_stay_are_told() {
    assert_eq!(
        program("command=nginx"),
        [
            "4:9: nginx goes into the background, where it is taken for ended; add -g \"daemon \
             off;\", unless its configuration says so"
        ]
    );
    assert_eq!(
        program("command=mkdir -p /x"),
        [
            "4:9: mkdir ends by itself: if that takes less than startsecs=1, it counts as failed \
             and is tried 3 times more; write startsecs=0"
        ]
    );
    assert_eq!(program("command=mkdir -p /x\nstartsecs=0"), [""; 0]);
}

#[test]
fn directories_that_are_not_there_and_times_that_are_none_are_told() {
    assert_eq!(
        program("command=tool\ndirectory=~/x\nstopwaitsecs=0"),
        [
            "5:11: ~/x is no directory, so the program cannot be started; \"~\" is not replaced \
             here",
            "6:14: it is killed at once, and never gets to act on its stop signal",
        ]
    );
    assert_eq!(
        program("command=tool\nstderr_logfile=/tmp"),
        ["5:16: /tmp is a directory; write the path of a file"]
    );
}

#[test]
fn logs_that_the_daemons_user_cannot_write_are_told() {
    // The directory is that of whoever runs this test, and of nobody else.
    let files = Files::new(
        "[supervisord]\nuser=nobody\nlogfile=/tmp/x\nchildlogdir=%(here)s\n\
         pidfile=%(here)s/pid\n[program:p]\ncommand=tool\nstdout_logfile=%(here)s/out\n",
    );
    assert_eq!(
        files.warnings(),
        [
            "5:9: <dir> cannot be written to by nobody",
            "4:13: <dir> cannot be written to by nobody",
            "8:16: <dir> cannot be written to by nobody",
        ]
    );
}

#[test]
fn another_user_is_only_for_root() {
    let files = Files::new(
        "[supervisord]\n[program:p]\nstdout_logfile=NONE\nstderr_logfile=NONE\ncommand=tool\n\
         user=nobody\n",
    );
    let nobody = minder_os::users::user_by_name("nobody").unwrap().unwrap();
    let is_told = |uid| {
        let environment = Environment {
            uid,
            ..files.environment()
        };
        let checked = check(&Source::new("s.conf", &environment), &environment);
        let mut warnings = checked.warnings.iter();
        warnings.any(|w| w.text == "it cannot be started, unless supervisord is started by root")
    };
    assert!(!is_told(0));
    assert!(!is_told(nobody.uid));
    assert!(is_told(nobody.uid + 1));
}

#[test]
fn a_log_of_two_is_told() {
    let files = Files::new(
        "[supervisord]\n[program:a]\ncommand=tool\nstdout_logfile=/tmp/l\nredirect_stderr=true\n\
         [program:b]\ncommand=tool\nstdout_logfile=/tmp/l\nstderr_logfile=/dev/stderr\n\
         [program:c]\ncommand=tool\nstdout_logfile=/tmp/m\nstderr_logfile=/dev/stderr\n\
         numprocs=2\nprocess_name=%(process_num)d\n",
    );
    assert_eq!(
        files.warnings(),
        [
            "8:16: /tmp/l is the log of [program:a] too, so their lines are mixed",
            "12:16: /tmp/m is the log of process 0 too, so their lines are mixed; write \
             %(process_num)d in its name",
        ]
    );
    assert_eq!(
        program(
            "command=tool\nstderr_logfile=/tmp/x\nstderr_logfile_maxbytes=0\nnumprocs=2\n\
                 process_name=%(process_num)d"
        ),
        [""; 0]
    );
}

#[test]
fn a_program_in_two_groups_is_told() {
    assert_eq!(
        other(
            "[program:p]\ncommand=tool\nstdout_logfile=NONE\n[group:g]\nprograms=p\n[group:h]\n\
             programs=p"
        ),
        ["8:10: p is in [group:g] as well: it runs once in each group"]
    );
}

#[test]
fn servers_that_cannot_be_meant_are_told() {
    let main = "[rpcinterface:supervisor]\nsupervisor.rpcinterface_factory = \
                supervisor.rpcinterface:make_main_rpcinterface\n";
    let with_ctl = |text: &str| other(&format!("{text}\n{main}[supervisorctl]\n"));
    let open = |what: &str| {
        format!(
            "whoever reaches {what} can run anything as the user of supervisord: set \"username\" \
             and \"password\", or write 127.0.0.1 before the port"
        )
    };
    assert_eq!(
        with_ctl("[inet_http_server]\nport=9001\n[inet_http_server:b]\nport=127.0.0.1:9001"),
        [
            format!("3:6: {}", open("port 9001")),
            "5:6: [inet_http_server] answers at the same place, so the second of them cannot"
                .to_owned(),
        ]
    );
    assert_eq!(
        with_ctl("[inet_http_server]\nport=10.0.0.1:9001\nusername=u\npassword=p"),
        [""; 0]
    );
    let long = format!("/tmp/{}", "x".repeat(103));
    let unix = format!("[unix_http_server]\nfile={long}\n{main}");
    assert_eq!(
        other(&format!("{unix}[supervisorctl]\nserverurl=unix://{long}")),
        [format!(
            "3:6: {long} has 108 bytes; the path of a socket can have 107, and at first a pid is \
             put behind this one, so write at most 99"
        )]
    );
    assert_eq!(
        other(&format!(
            "[fcgi-program:f]\nstdout_logfile=NONE\ncommand=tool\nsocket=unix://{long}"
        )),
        [format!(
            "5:8: {long} has 108 bytes; the path of a socket can have 107"
        )]
    );
}

#[test]
fn a_client_that_finds_no_server_is_told() {
    assert_eq!(
        other("[unix_http_server]\nfile=/tmp/s\n[supervisorctl]\nserverurl=unix:///tmp/t"),
        [
            "2:2: without [rpcinterface:supervisor] supervisorctl can do nothing; the sample that \
             echo_supervisord_conf prints has it",
            "5:11: no server of this configuration answers at unix:///tmp/t",
        ]
    );
    assert_eq!(
        other("[supervisorctl]\nserverurl=http://[::1]:9001"),
        ["3:11: no server of this configuration answers at http://[::1]:9001"]
    );
    assert_eq!(
        other("[supervisorctl]\nserverurl=http://localhost:9001/\n x"),
        [r"3:11: no server of this configuration answers at http://localhost:9001/\nx"]
    );
    assert_eq!(other("[supervisorctl]\nserverurl=http://far:9001"), [""; 0]);
    assert_eq!(
        other("[unix_http_server]\nfile=/tmp/s")[1],
        "2:2: without [supervisorctl] in this file, supervisorctl does not accept it"
    );
}

#[test]
fn the_sample_has_nothing_wrong() {
    assert_eq!(Files::new(crate::sample::SAMPLE).warnings(), [""; 0]);
}

/// Sections that are right, each with options that are wrong whatever else there is.
const WRONG: &[(&str, &[&str])] = &[
    (
        "[supervisord]",
        &[
            "minfds=x",
            "directory=/no/such",
            "umask=9",
            "loglevel=x",
            "pidfile=/no/such/x",
            "silent=x",
            "environment=A",
            "user=no-such-user",
        ],
    ),
    (
        "[program:p]\ncommand=c\nnumprocs=2\nprocess_name=%(process_num)d",
        &[
            "autostart=x",
            "autorestart=x",
            "stopsignal=x",
            "exitcodes=x",
            "umask=9",
            "user=no-such-user",
            "stdout_logfile=/no/such/%(process_num)d",
            "stderr_logfile_backups=x",
            "stdout_syslog=x",
            "directory=%(x)s",
            "serverurl=%",
        ],
    ),
    (
        "[eventlistener:l]\ncommand=c\nevents=TICK",
        &[
            "priority=x",
            "buffer_size=0",
            "redirect_stderr=true",
            "startsecs=x",
        ],
    ),
    (
        "[fcgi-program:f]\ncommand=c\nsocket=unix:///tmp/s",
        &[
            "socket_mode=9",
            "socket_owner=no-such-user",
            "socket_backlog=0",
            "numprocs=x",
        ],
    ),
    ("[group:g]\nprograms=p", &["priority=x"]),
    (
        "[unix_http_server]\nfile=/tmp/s",
        &["chmod=9", "chown=no-such-user"],
    ),
    ("[supervisorctl]", &["prompt=%(x)s", "history_file=%"]),
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn each_thing_that_is_wrong_is_one_problem_at_its_place(
        chosen in prop::collection::vec(any::<bool>(), 32),
    ) {
        let mut chosen = chosen.into_iter();
        let mut text = String::new();
        let mut wrong = Vec::new();
        for (section, options) in WRONG {
            text.extend([section, "\n"]);
            for option in options.iter().filter(|_| chosen.next() == Some(true)) {
                text.extend([option, "\n"]);
                wrong.push(text.lines().count());
            }
        }
        let files = Files::new(&text);
        let mut told: Vec<usize> = files
            .check()
            .problems
            .iter()
            .map(|problem| problem.location.as_ref().unwrap().line())
            .collect();
        told.sort_unstable();
        prop_assert_eq!(told, wrong);
    }
}
