use minder_core::spec::{AutoRestart, GroupKind, LogTarget, ServerUrl};
use minder_core::{ProcessSpec, Signal};

use super::*;
use crate::{Checked, LogfileTarget, Methods, WarningKind, check, server_url};

mod refusals;

/// A directory with configuration files in it; `s.conf` is the main one.
struct Files(tempfile::TempDir);

impl Files {
    fn new(main: &str) -> Self {
        Self(tempfile::tempdir().unwrap()).with("s.conf", main)
    }

    fn with(self, path: &str, text: impl AsRef<[u8]>) -> Self {
        let path = self.0.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
        self
    }

    fn environment(&self) -> Environment {
        Environment {
            vars: [("HOME", "/root"), ("COLOR", "blue")]
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into(),
            host_node_name: "box".to_owned(),
            cwd: self.0.path().to_owned(),
            uid: 0,
        }
    }

    fn load_with(&self, overrides: &Overrides) -> Result<Loaded, ConfigError> {
        let environment = self.environment();
        load(
            &Source::new("s.conf", &environment),
            overrides,
            &environment,
        )
    }

    fn load(&self) -> Loaded {
        self.load_with(&Overrides::default()).unwrap()
    }

    /// What is refused, which is also what a check names first.
    fn error(&self) -> ConfigError {
        let error = self.load_with(&Overrides::default()).unwrap_err();
        assert_eq!(self.check().problems.first(), Some(&error));
        error
    }

    fn check(&self) -> Checked {
        let environment = self.environment();
        check(&Source::new("s.conf", &environment), &environment)
    }

    /// The text without the directory's name, which is another each time.
    fn anywhere(&self, text: &str) -> String {
        text.replace(self.0.path().to_str().unwrap(), "<dir>")
    }
}

fn load_program(options: &str) -> Loaded {
    Files::new(&format!("[supervisord]\n[program:p]\ncommand=c\n{options}")).load()
}

fn processes(loaded: &Loaded) -> Vec<&ProcessSpec> {
    let groups = loaded.groups.iter();
    groups
        .flat_map(|group| &group.processes)
        .map(|process| &**process)
        .collect()
}

fn process(options: &str) -> ProcessSpec {
    processes(&load_program(options))[0].clone()
}

fn warnings(loaded: &Loaded, kind: WarningKind) -> Vec<&str> {
    let warnings = loaded.warnings.iter();
    warnings
        .filter(|w| w.kind == kind)
        .map(|w| w.text.as_str())
        .collect()
}

#[test]
fn a_section_with_nothing_in_it_has_supervisors_defaults() {
    let files = Files::new("[supervisord]\n[program:p]\ncommand=/bin/cat");
    let loaded = files.load();
    let shown = format!("{:#?}\n{:#?}", loaded.supervisord, loaded.groups);
    insta::assert_snapshot!(files.anywhere(&shown));
}

#[test]
fn every_option_of_a_program_has_its_place() {
    let process = process(
        "process_name=%(program_name)s.x\npriority=-5\nautostart=no\nautorestart=true\n\
         startsecs=2\nstartretries=0\nexitcodes=0,2\nstopsignal=USR1\nstopwaitsecs=-1\n\
         stopasgroup=true\nuser=nobody\nredirect_stderr=true\nstdout_logfile=/tmp/o\n\
         stdout_logfile_maxbytes=1KB\nstdout_logfile_backups=1\nstdout_capture_maxbytes=2KB\n\
         stdout_events_enabled=1\nstdout_syslog=1\nstderr_capture_maxbytes=3\n\
         environment=A=\"1\"\ndirectory=/d\numask=077\nserverurl=http://x\n",
    );
    insta::assert_debug_snapshot!(process);
}

#[test]
fn processes_of_one_program_are_numbered_and_sorted_as_texts() {
    let loaded = load_program(
        "numprocs=3\nnumprocs_start=9\nprocess_name=%(program_name)s%(process_num)d\n\
         environment=N=%(process_num)02d\ndirectory=/%(ENV_N)s\n",
    );
    let shown: Vec<_> = processes(&loaded)
        .iter()
        .map(|p| (p.name.as_str(), p.directory.as_deref().unwrap()))
        .collect();
    assert_eq!(shown, [("p10", "/10"), ("p11", "/11"), ("p9", "/09")]);
    assert!(load_program("numprocs=0").groups[0].processes.is_empty());
}

#[test]
fn log_files_are_expanded_twice() {
    let process = process("stdout_logfile=/tmp/a%%%%b\nstderr_logfile=/tmp/%(host_node_name)s");
    assert_eq!(process.stdout.log, LogTarget::File("/tmp/a%b".to_owned()));
    assert_eq!(process.stderr.log, LogTarget::File("/tmp/box".to_owned()));
}

#[test]
fn log_files_have_names_that_are_none() {
    for (name, target) in [
        ("NONE", LogTarget::Off),
        ("off", LogTarget::Off),
        ("Auto", LogTarget::Auto),
        ("", LogTarget::Empty),
    ] {
        assert_eq!(
            process(&format!("stdout_logfile={name}")).stdout.log,
            target
        );
    }
}

#[test]
fn syslog_as_a_file_name_is_the_option_that_replaces_it() {
    let loaded = load_program("stdout_logfile=syslog");
    let old = processes(&loaded)[0].clone();
    assert_eq!(old, process("stdout_logfile=NONE\nstdout_syslog=true"));
    assert_eq!(
        warnings(&loaded, WarningKind::Supervisor),
        [
            "For [program:p], stdout_logfile=syslog but this is deprecated and will be removed.  \
          Use stdout_syslog=true to enable syslog instead."
        ]
    );
}

#[test]
fn the_server_url_can_be_automatic_fixed_or_nothing() {
    for (text, url) in [
        ("AUTO", ServerUrl::Auto),
        (" auto ", ServerUrl::Auto),
        ("http://x", ServerUrl::Fixed("http://x".to_owned())),
        ("", ServerUrl::Fixed(String::new())),
    ] {
        assert_eq!(process(&format!("serverurl={text}")).server_url, url);
    }
}

#[test]
fn what_the_daemon_gives_every_program_is_outdone_by_the_programs_own() {
    let loaded = Files::new(
        "[supervisord]\nenvironment=A=1,B=\"%(ENV_COLOR)s\"\n[program:p]\n\
         command=%(ENV_A)s %(ENV_B)s %(ENV_C)s\nenvironment=A=\"own %(ENV_A)s\",C=3",
    )
    .load();
    let process = processes(&loaded)[0];
    assert_eq!(process.command, "own 1 blue 3");
    let variables: Vec<_> = process.environment.iter().collect();
    assert_eq!(
        variables
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect::<Vec<_>>(),
        ["A=own 1", "B=blue", "C=3"]
    );
}

#[test]
fn groups_come_in_start_order_and_take_their_members_along() {
    let loaded = Files::new(
        "[supervisord]\n[program:b]\ncommand=b\npriority=2\n[program:a]\ncommand=a\n\
         [program:c]\ncommand=c\npriority=1\n[group:g]\nprograms=b, a\n\
         [eventlistener:l]\ncommand=l\nevents=tick_5,TICK,TICK\n\
         [fcgi-program:f]\ncommand=f\nsocket=tcp://Host:9000\nsocket_backlog=5",
    )
    .load();
    let shown: Vec<_> = loaded
        .groups
        .iter()
        .map(|group| {
            let members: Vec<_> = group.processes.iter().map(|p| p.name.as_str()).collect();
            (group.name.as_str(), group.priority, members)
        })
        .collect();
    assert_eq!(
        shown,
        [
            ("l", -1, vec!["l"]),
            ("c", 1, vec!["c"]),
            ("f", 999, vec!["f"]),
            ("g", 999, vec!["b", "a"]),
        ]
    );
    assert_eq!(
        loaded.groups[0].kind,
        GroupKind::Listeners {
            buffer_size: None,
            events: vec!["TICK".to_owned(), "TICK_5".to_owned()],
        }
    );
    let GroupKind::FastCgi(socket) = &loaded.groups[2].kind else {
        panic!("{:?}", loaded.groups[2].kind);
    };
    assert_eq!(
        (socket.url.as_str(), socket.backlog),
        ("tcp://host:9000", Some(5))
    );
    let origins = &loaded.origins;
    assert_eq!(origins.process("g", "b").unwrap().line(), 2);
    assert_eq!(
        origins.option("group:g", "programs").unwrap().text(),
        "b, a"
    );
}

#[test]
fn a_unix_socket_belongs_to_the_user_of_its_program() {
    let loaded = Files::new(
        "[supervisord]\n[fcgi-program:f]\ncommand=f\nuser=nobody\n\
         socket=unix:///tmp/../run/%(program_name)s.sock",
    )
    .load();
    let GroupKind::FastCgi(socket) = &loaded.groups[0].kind else {
        panic!("{:?}", loaded.groups[0].kind);
    };
    let nobody = minder_os::users::user_by_name("nobody").unwrap().unwrap();
    assert_eq!(socket.url, "unix:///run/f.sock");
    assert_eq!(socket.owner, Some((nobody.uid, Some(nobody.gid))));
    assert_eq!(socket.mode, 0o700);
}

#[test]
fn of_two_processes_with_one_name_the_later_counts() {
    let loaded = Files::new(
        "[supervisord]\n[program:a]\ncommand=1\nprocess_name=x\n[program:b]\ncommand=2\n\
         [program:c]\ncommand=3\nprocess_name=x\n[group:g]\nprograms=a,b,c",
    )
    .load();
    let commands: Vec<_> = processes(&loaded)
        .iter()
        .map(|p| p.command.as_str())
        .collect();
    assert_eq!(commands, ["3", "2"]);
    assert_eq!(
        warnings(&loaded, WarningKind::Minder),
        [
            "process \"x\" of group \"g\" is made twice, by [program:a] and by [program:c]: the \
          later one counts"
        ]
    );
}

#[test]
fn servers_on_the_network_come_first() {
    let loaded = Files::new(
        "[supervisord]\n[unix_http_server]\nfile=%(here)s/s\nchmod=770\nchown=root\n\
         [inet_http_server]\nport=*:9001\nusername=\npassword=x\n\
         [inet_http_serverfoo]\nport=[::1]:9002\nusername=u\npassword=p",
    );
    let servers = loaded.load().servers;
    let urls: Vec<_> = servers.iter().map(Server::url).collect();
    assert_eq!(urls[..2], ["http://localhost:9001", "http://[::1]:9002"]);
    assert_eq!(loaded.anywhere(&urls[2]), "unix://<dir>/s");
    assert_eq!(server_url(&servers).as_ref(), Some(&urls[2]));
    assert_eq!(server_url(&servers[..2]).as_ref(), Some(&urls[1]));
    assert_eq!(server_url(&[]), None);
    let Server::Unix { mode, owner, .. } = servers[2] else {
        panic!("{:?}", servers[2]);
    };
    assert_eq!((mode, owner), (0o770, Some((0, None))));
    let has_credentials = |server: &Server| match server {
        Server::Inet { credentials, .. } | Server::Unix { credentials, .. } => {
            credentials.is_some()
        }
    };
    let protected: Vec<_> = servers.iter().map(has_credentials).collect();
    assert_eq!(protected, [false, true, false]);
}

#[test]
fn the_command_line_wins_over_the_file() {
    let files = Files::new(
        "[supervisord]\nlogfile=/tmp/a\nloglevel=debug\nnodaemon=true\nuser=nosuch\numask=077",
    );
    let overrides = Overrides {
        logfile: Some("l".to_owned()),
        pidfile: Some(String::new()),
        user: Some("root".to_owned()),
        umask: Some(0o27),
        silent: true,
        ..Overrides::default()
    };
    let supervisord = files.load_with(&overrides).unwrap().supervisord;
    let here = files.0.path();
    assert_eq!(supervisord.logfile, LogfileTarget::File(here.join("l")));
    assert_eq!(supervisord.pidfile, here.join("supervisord.pid"));
    assert_eq!(supervisord.user.unwrap().uid, 0);
    assert_eq!(supervisord.umask, 0o27);
    assert!(supervisord.nodaemon && supervisord.silent);
    assert_eq!(supervisord.loglevel, minder_core::Level::Debug);
    assert_eq!(files.error().to_string(), "Invalid user name nosuch");
}

#[test]
fn included_files_are_read_in_order_and_win() {
    let files = Files::new(
        "[supervisord]\nidentifier=main\n[include]\nfiles = inc/*.conf none/* inc/9.conf\n\
         [program:p]\ncommand=%(here)s",
    )
    .with(
        "inc/9.conf",
        "[program:q]\ncommand=%(here)s/9\n[include]\nfiles=/nowhere",
    )
    .with(
        "inc/10.conf",
        "\u{feff}[supervisord]\nidentifier=ten\n[program:q]\nautostart=no",
    )
    .with("inc/.hidden.conf", "garbage");
    let loaded = files.load();
    assert_eq!(loaded.supervisord.identifier, "ten");
    let commands: Vec<_> = processes(&loaded)
        .iter()
        .map(|p| files.anywhere(&p.command))
        .collect();
    assert_eq!(commands, ["<dir>", "<dir>/inc/9"]);
    let told: Vec<_> = loaded
        .warnings
        .iter()
        .map(|w| (w.kind, files.anywhere(&w.text)))
        .collect();
    let included = |name: &str| {
        let text = format!("Included extra file \"<dir>/inc/{name}\" during parsing");
        (WarningKind::Included, text)
    };
    assert_eq!(
        told,
        [
            (
                WarningKind::Supervisor,
                "No file matches via include \"<dir>/none/*\"".to_owned()
            ),
            included("10.conf"),
            included("9.conf"),
            included("9.conf"),
        ]
    );
    assert_eq!(loaded.files.len(), 4);
}

#[test]
fn a_default_says_the_directory_of_the_file_that_opens_the_section() {
    let files = Files::new(
        "[DEFAULT]\ndirectory=%(here)s\n[supervisord]\n[program:p]\ncommand=c\n[include]\n\
         files=inc/* more/*\n",
    )
    .with("inc/a", "[program:q]\ncommand=c\n")
    .with(
        "more/a",
        "[program:r]\ncommand=c\n[program:q]\nautostart=no\n",
    );
    let loaded = files.load();
    let directories: Vec<_> = processes(&loaded)
        .iter()
        .map(|p| files.anywhere(p.directory.as_deref().unwrap()))
        .collect();
    assert_eq!(directories, ["<dir>", "<dir>/inc", "<dir>/more"]);
}

#[test]
fn an_included_file_that_cannot_be_read_is_told_and_left_out() {
    let files = Files::new("[supervisord]\n[include]\nfiles=inc/*").with("inc/d/x", "");
    let loaded = files.load();
    assert_eq!(
        files.anywhere(warnings(&loaded, WarningKind::Minder)[0]),
        "cannot read included file \"<dir>/inc/d\": Is a directory (os error 21)"
    );
}

#[test]
fn slips_are_told_with_what_was_meant() {
    let loaded = Files::new(
        "[supervisord]\nlogfil=x\n[program:a]\ncommand=c\n\n  autostart=true\ncomand=d\n\
         loglevel=info\nenvironment=A=b c\n[Program:b]\n[programs:c]\n[program]\n[other]\n\
         [rpcinterface:supervisor]\nanything=1\nsupervisor.rpcinterface_factory = \
         supervisor.rpcinterface:make_main_rpcinterface\n[supervisorctl]\nurl=x\n[program:d\n",
    )
    .load();
    insta::assert_snapshot!(warnings(&loaded, WarningKind::Minder).join("\n"));
    assert_eq!(loaded.rpc_interfaces.len(), 1);
}

#[test]
fn the_methods_of_a_namespace_are_supervisors_or_those_of_the_one_plug_in() {
    let loaded = Files::new(
        "[supervisord]\n[rpcinterface:supervisor]\nsupervisor.rpcinterface_factory = \
         supervisor.rpcinterface:make_main_rpcinterface\n[rpcinterface:all]\n\
         supervisor.rpcinterface_factory = \
         supervisor_twiddler.rpcinterface:make_twiddler_rpcinterface\n[rpcinterface:some]\n\
         supervisor.rpcinterface_factory = \
         supervisor_twiddler.rpcinterface:make_twiddler_rpcinterface\nwhitelist = log, getX\n",
    )
    .load();
    let interfaces = loaded.rpc_interfaces.into_iter();
    let interfaces: Vec<_> = interfaces.map(|it| (it.namespace, it.methods)).collect();
    let twiddler = |whitelist: &[&str]| Methods::Twiddler {
        whitelist: whitelist.iter().map(ToString::to_string).collect(),
    };
    let expected = [
        ("supervisor", Methods::Main),
        ("all", twiddler(&[])),
        ("some", twiddler(&["log", "getX"])),
    ];
    assert_eq!(
        interfaces,
        expected.map(|(name, methods)| (name.to_owned(), methods))
    );
}

#[test]
fn supervisors_own_warnings_are_in_its_words() {
    let loaded = load_program(
        "numprocs=2\nprocess_name=%(process_num)d\nstdout_logfile_maxbytes=0\n\
         redirect_stderr=true\nstderr_logfile=/tmp/x",
    );
    let auto = "For [program:p], AUTO logging used for stdout_logfile without rollover, set \
                maxbytes > 0 to avoid filling up filesystem unintentionally";
    let ignored = "For [program:p], redirect_stderr=true but stderr_logfile has also been set \
                   to a filename, the filename has been ignored";
    assert_eq!(
        warnings(&loaded, WarningKind::Supervisor),
        [auto, ignored, auto, ignored]
    );
}

#[test]
fn the_sample_can_be_used_as_it_is() {
    let loaded = Files::new(crate::sample::SAMPLE).load();
    assert!(loaded.groups.is_empty());
    assert_eq!(loaded.warnings, []);
    assert_eq!(
        server_url(&loaded.servers).as_deref(),
        Some("unix:///tmp/supervisor.sock")
    );
}

#[test]
fn the_sample_without_its_comment_signs_can_be_used() {
    let bare = |line: &str| {
        line.strip_prefix(';')
            .is_some_and(|l| l.starts_with(|c: char| c.is_ascii_lowercase() || c == '['))
    };
    let live: String = crate::sample::SAMPLE
        .lines()
        .map(|line| if bare(line) { &line[1..] } else { line })
        // What names users, paths and programs that need not exist.
        .filter(|line| !line.starts_with("user=") && !line.starts_with("programs="))
        .map(|line| line.replace("/a/path", "/tmp/path") + "\n")
        .collect();
    let loaded = Files::new(&live).load();
    assert_eq!(loaded.groups.len(), 3);
    assert_eq!(warnings(&loaded, WarningKind::Minder), [""; 0]);
    assert_eq!(processes(&loaded)[1].autorestart, AutoRestart::Unexpected);
    assert_eq!(processes(&loaded)[1].stop_signal, Signal::QUIT);
}
