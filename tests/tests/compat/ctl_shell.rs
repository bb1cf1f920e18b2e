//! supervisorctl without an action: the shell, over a pipe, and its help.

use minder_tests::{Daemon, Run, Sandbox, Subject, cases, normal};

use crate::{is, unexpected};

cases!(
    the_shell_shows_status_then_prompts,
    the_shell_survives_errors_and_exits_with_zero,
    the_shell_reads_words_as_supervisor_does,
    shutdown_in_the_shell_asks_first,
    help_lists_the_actions,
    help_explains_each_action,
    unknown_words_are_unknown_syntax,
    quit_prints_an_empty_line,
    without_a_socket_the_file_is_missed,
    without_a_listener_the_connection_is_refused,
    without_a_configuration_the_default_address_is_tried,
    options_are_refused_with_two_lines,
    its_own_options_are_explained,
    open_looks_at_another_server,
    a_password_is_needed_and_used,
);

const IDLE: &str = "[program:idle]\ncommand=/bin/cat\nautostart=false\nstartsecs=0";
const IDLE_STATUS: &str = "idle                             STOPPED   Not started\n";

fn the_shell_shows_status_then_prompts(subject: Subject) {
    let daemon = Daemon::start(subject, IDLE);
    let run = daemon.shell("version\n\nstart idle\n");
    assert_eq!(
        run.out_and_code(),
        (
            format!(
                "{IDLE_STATUS}supervisor> 4.3.0\n\
                 supervisor> supervisor> idle: started\nsupervisor> \n"
            )
            .as_str(),
            0
        )
    );
    assert_eq!(run.err, "");
}

fn the_shell_survives_errors_and_exits_with_zero(subject: Subject) {
    let daemon = Daemon::start(subject, IDLE);
    let run = daemon.shell("start nope\nnonsense\nstatus nope\nquit\n");
    let expected = format!(
        "{IDLE_STATUS}supervisor> nope: ERROR (no such process)\n\
         supervisor> *** Unknown syntax: nonsense\n\
         supervisor> nope: ERROR (no such process)\nsupervisor> \n"
    );
    assert_eq!(run.out_and_code(), (expected.as_str(), 0));
}

fn the_shell_reads_words_as_supervisor_does(subject: Subject) {
    let daemon = Daemon::start(subject, IDLE);
    let run = daemon.shell("  pid   idle  \nstart:idle\n?nope\nstatus;\n!ls\nSTATUS\n");
    let expected = format!(
        "{IDLE_STATUS}supervisor> 0\n\
         supervisor> :idle: ERROR (no such process)\n\
         supervisor> *** No help on nope\n\
         supervisor> ;: ERROR (no such process)\n\
         supervisor> *** Unknown syntax: !ls\n\
         supervisor> *** Unknown syntax: STATUS\n\
         supervisor> \n"
    );
    assert_eq!(run.out_and_code(), (expected.as_str(), 0));
}

fn shutdown_in_the_shell_asks_first(subject: Subject) {
    let mut daemon = Daemon::start(subject, IDLE);
    let run = daemon.shell("shutdown\nno\nshutdown\nyes\n");
    let question = "Really shut the remote supervisord process down y/N? ";
    let expected = format!(
        "{IDLE_STATUS}supervisor> {question}supervisor> {question}Shut down\nsupervisor> \n"
    );
    assert_eq!(run.out_and_code(), (expected.as_str(), 0));
    assert_eq!(daemon.wait_end(), 0);
}

fn help_lists_the_actions(subject: Subject) {
    let sandbox = Sandbox::configured(subject, "");
    let run = ctl(&sandbox, &["-c", "supervisord.conf", "help"]);
    let own = subject.differs(
        "own-verbs",
        "",
        "\ncommands of Minder (type help <topic>):\n\
         =======================================\n\
         top  upgrade\n\n",
    );
    let expected = format!(
        "\ndefault commands (type help <topic>):\n\
             =====================================\n\
             add    exit      open  reload  restart   start   tail   \n\
             avail  fg        pid   remove  shutdown  status  update \n\
             clear  maintail  quit  reread  signal    stop    version\n\n{own}"
    );
    assert_eq!(run.out_and_code(), (expected.as_str(), 0));
}

fn help_explains_each_action(subject: Subject) {
    let sandbox = Sandbox::configured(subject, "");
    for (topic, text) in [
        (
            "add",
            "add <name> [...]\tActivates any updates in config for process/group\n",
        ),
        ("avail", "avail\t\t\tDisplay all configured processes\n"),
        ("exit", "exit\tExit the supervisor shell.\n"),
        (
            "fg",
            "fg <process>\tConnect to a process in foreground mode\n\t\tCtrl-C to exit\n",
        ),
        (
            "help",
            "help\t\tPrint a list of available actions\nhelp <action>\tPrint help for <action>\n",
        ),
        ("quit", "quit\tExit the supervisor shell.\n"),
        ("reload", "reload \t\tRestart the remote supervisord.\n"),
        (
            "remove",
            "remove <name> [...]\tRemoves process/group from active config\n",
        ),
        ("shutdown", "shutdown \tShut the remote supervisord down.\n"),
        ("nope", "*** No help on nope\n"),
        ("EOF", "*** No help on EOF\n"),
    ] {
        let run = ctl(&sandbox, &["-c", "supervisord.conf", "help", topic]);
        assert_eq!(run.out_and_code(), (text, 0), "help {topic}");
    }
}

fn unknown_words_are_unknown_syntax(subject: Subject) {
    let daemon = Daemon::start(subject, IDLE);
    for line in ["nonsense", "stat", "STATUS idle", "-"] {
        let unknown = format!("*** Unknown syntax: {line}\n");
        assert_eq!(daemon.ctl_line(line), (unknown, 1));
    }
}

fn quit_prints_an_empty_line(subject: Subject) {
    let daemon = Daemon::start(subject, IDLE);
    for word in ["quit", "exit", "EOF"] {
        assert_eq!(daemon.ctl_line(word), ("\n".to_owned(), 0), "{word}");
    }
    assert_eq!(daemon.ctl(&[""]).out_and_code(), ("", 0));
}

fn without_a_socket_the_file_is_missed(subject: Subject) {
    let sandbox = Sandbox::configured(subject, "");
    let missing = "unix://DIR/s.sock no such file\n";
    for (action, code) in [("status", 4), ("version", 7), ("pid", 7)] {
        let run = ctl(&sandbox, &["-c", "supervisord.conf", action]);
        assert_eq!(sandbox.without_path(&run.out), missing);
        assert_eq!(run.code, Some(code), "{action}");
    }
    let run = ctl(&sandbox, &["-c", "supervisord.conf", "shutdown"]);
    assert_eq!(
        sandbox.without_path(&run.out),
        "ERROR: unix://DIR/s.sock no such file (already shut down?)\n"
    );
    assert_eq!(run.code, Some(1));
    let run = ctl(&sandbox, &["-c", "supervisord.conf", "reread"]);
    let text = "[Errno 2] No such file or directory";
    assert_eq!(
        normal::without_origin(&run.out),
        unexpected(subject, "FileNotFoundError", text)
    );
    assert_eq!(run.code, Some(1));
}

fn without_a_listener_the_connection_is_refused(subject: Subject) {
    let sandbox = Sandbox::configured(subject, "");
    let url = format!("http://127.0.0.1:{}", Sandbox::free_port());
    let at = |action| ctl(&sandbox, &["-c", "supervisord.conf", "-s", &url, action]);
    let refused = format!("{url} refused connection\n");
    assert_eq!(at("status").out_and_code(), (refused.as_str(), 4));
    assert_eq!(at("version").out_and_code(), (refused.as_str(), 4));
    let refused = format!("ERROR: {url} refused connection (already shut down?)\n");
    assert_eq!(at("shutdown").out_and_code(), (refused.as_str(), 1));
}

fn without_a_configuration_the_default_address_is_tried(subject: Subject) {
    let sandbox = Sandbox::new(subject);
    let run = ctl(&sandbox, &["status"]);
    assert_eq!(
        run.out_and_code(),
        ("http://localhost:9001 refused connection\n", 4)
    );
}

fn options_are_refused_with_two_lines(subject: Subject) {
    let sandbox = Sandbox::configured(subject, "");
    for (args, error) in [
        (&["--foo"][..], "option --foo not recognized"),
        (&["-Z"][..], "option -Z not recognized"),
        (&["-s"][..], "option -s requires argument"),
        (
            &["-s", "//x", "status"][..],
            "invalid value for -s '//x': value '//x' is not a URL",
        ),
        (
            &["-s", "http://[::1:9001", "status"][..],
            "invalid value for -s 'http://[::1:9001': Invalid IPv6 URL",
        ),
        (
            &["-c", "nope.conf", "status"][..],
            "could not find config file nope.conf",
        ),
    ] {
        let run = ctl(&sandbox, args);
        let mut lines = run.err.lines();
        assert_eq!(lines.next(), Some(format!("Error: {error}").as_str()));
        let hint = "For help, use DIR/bin/supervisorctl -h";
        assert_eq!(
            lines
                .next()
                .map(|line| sandbox.without_path(line))
                .as_deref(),
            Some(hint)
        );
        assert_eq!(run.code, Some(2), "{args:?}");
    }
}

fn its_own_options_are_explained(subject: Subject) {
    let sandbox = Sandbox::new(subject);
    let run = ctl(&sandbox, &["-h"]);
    assert_eq!((run.code, run.err.as_str()), (Some(0), ""));
    assert_eq!(
        sandbox
            .without_path(&run.out)
            .lines()
            .take(3)
            .collect::<Vec<_>>(),
        [
            "supervisorctl -- control applications run by supervisord from the cmd line.",
            "",
            "Usage: DIR/bin/supervisorctl [options] [action [arguments]]",
        ]
    );
    assert_eq!(
        normal::options(&run.out),
        [
            "-c/--configuration FILENAME",
            "-h/--help",
            "-i/--interactive",
            "-s/--serverurl URL",
            "-u/--username USERNAME",
            "-p/--password PASSWORD",
            "-r/--history-file",
        ]
    );
}

fn open_looks_at_another_server(subject: Subject) {
    let daemon = Daemon::start(subject, IDLE);
    let socket = format!("unix://{}", daemon.sandbox().path("s.sock").display());
    let open = |from: &str, to: &str| daemon.ctl_line(&format!("-s {from} open {to}"));
    let nowhere = format!("http://127.0.0.1:{}", Sandbox::free_port());
    assert_eq!(open(&nowhere, &socket), is(IDLE_STATUS, 0));
    let refused = format!("{nowhere} refused connection\n");
    assert_eq!(open(&socket, &nowhere), is(&refused, 0));
    assert_eq!(
        open(&socket, "/no/scheme"),
        is("ERROR: url must be http:// or unix://\n", 1)
    );
}

fn a_password_is_needed_and_used(subject: Subject) {
    let daemon = {
        let sandbox = Sandbox::configured(
            subject,
            "[unix_http_server]\nusername=user\npassword={SHA}82ab876d1387bfafe46cc1c8a2ef074eae50cb1d",
        );
        let daemon = Daemon::launch(sandbox, &["-n", "-c", "supervisord.conf"]);
        daemon.wait_log("started with pid");
        daemon
    };
    let run = daemon.ctl(&["version"]);
    let text = "<ProtocolError for 127.0.0.1/RPC2: 401 Unauthorized>";
    let error = unexpected(subject, "xmlrpc.client.ProtocolError", text);
    assert_eq!(
        normal::without_origin(&run.out),
        format!("Server requires authentication\n{error}")
    );
    assert_eq!(run.code, Some(1));
    let run = daemon.ctl(&["-u", "user", "-p", "thepassword", "version"]);
    assert_eq!(run.out_and_code(), ("4.3.0\n", 0));
}

fn ctl(sandbox: &Sandbox, args: &[&str]) -> Run {
    Run::of(sandbox.command("supervisorctl").args(args))
}
