//! Programs that a client adds to a group outlive the daemon.

use minder_rpc::Value;
use minder_tests::parts::{kill_daemon, the_daemon};
use minder_tests::{Daemon, Subject};

const CONFIG: &str = "\
[rpcinterface:twiddler]
supervisor.rpcinterface_factory = supervisor_twiddler.rpcinterface:make_twiddler_rpcinterface
[supervisord]
environment=SHAPE=\"round\"
[group:team]
programs=cat
[program:cat]
command=/bin/cat
startsecs=0
";

fn add(daemon: &Daemon, program: &str, options: &[(&str, &str)]) {
    let options = options.iter();
    let options = options.map(|(name, value)| ((*name).to_owned().into(), Value::from(*value)));
    let params = [
        "team".into(),
        program.into(),
        Value::Struct(options.collect()),
    ];
    let added = daemon.call("twiddler.addProgramToGroup", &params);
    assert_eq!(added, Ok(true.into()));
}

#[test]
fn what_was_added_to_a_group_is_there_after_the_daemon_was_killed() {
    Subject::Minder.run(|subject| {
        let daemon = Daemon::start(subject, CONFIG);
        let keeper = daemon.pid();
        daemon.wait_state("team:cat", "RUNNING");
        add(
            &daemon,
            "dog",
            &[("command", "/bin/cat"), ("startsecs", "0")],
        );
        add(
            &daemon,
            "idle",
            &[("command", "/bin/cat"), ("autostart", "false")],
        );
        daemon.wait_state("team:dog", "RUNNING");
        let (pid, log) = (
            daemon.pid_of("team:dog"),
            daemon.info_text("team:dog", "logfile"),
        );
        let removed = daemon.call(
            "twiddler.removeProcessFromGroup",
            &["team".into(), "idle".into()],
        );
        assert_eq!(removed, Ok(true.into()));

        kill_daemon(keeper);
        let _ = the_daemon(keeper);
        daemon.wait_ready();
        assert_eq!(daemon.pid_of("team:dog"), pid);
        assert_eq!(daemon.info_text("team:dog", "logfile"), log);
        let idle = daemon.fault("getProcessInfo", &["team:idle".into()]);
        assert_eq!(idle, (10, "BAD_NAME: team:idle".to_owned()));

        // The plug-in is still switched on, and names stand for what they stood for.
        let options = [
            (
                "command",
                "/bin/sh -c 'echo %(ENV_SHAPE)s > shape; exec cat'",
            ),
            ("directory", "%(here)s"),
            ("startsecs", "0"),
        ];
        add(&daemon, "fox", &options);
        daemon.wait_file("shape", "round");

        // None of it is configured.
        let (told, _) = daemon.ctl_line("update team");
        assert_eq!(told, "team: stopped\nteam: updated process group\n");
        let gone = daemon.fault("getProcessInfo", &["team:dog".into()]);
        assert_eq!(gone.0, 10);
        daemon.wait_state("team:cat", "RUNNING");
    });
}
