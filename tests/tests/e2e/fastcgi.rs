//! `FastCGI` programs that are real: `flipflop` serves a WSGI application on its standard input.

use std::fs;
use std::io;
use std::net::TcpStream;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixStream;

use minder_tests::parts::{kill_daemon, the_daemon};
use minder_tests::{Daemon, Sandbox, Subject, cases, fastcgi, subject, tree, wait_for, wait_until};
use rustix::process::{Pid, Signal, kill_process};

cases!(
    processes_share_a_socket_that_lives_as_long_as_they,
    a_socket_moves_with_an_update,
    a_socket_that_cannot_be_made_is_told,
    nothing_starts_without_its_socket,
);

/// Says who answers, and what was asked for.
const APPLICATION: &str = "\
import os
from flipflop import WSGIServer

def application(environ, start_response):
    start_response('200 OK', [('Content-Type', 'text/plain')])
    name = os.environ['SUPERVISOR_PROCESS_NAME']
    return ['{} {}'.format(name, environ['PATH_INFO']).encode()]

WSGIServer(application).run()
";

/// The section of a program of this name, with `more` options.
fn section(name: &str, more: &str) -> String {
    let python = subject::python_bin().join("python");
    let python = python.display();
    format!("[fcgi-program:{name}]\ncommand={python} %(here)s/application.py\n{more}\n")
}

fn start(subject: Subject, config: &str) -> Daemon {
    let sandbox = Sandbox::configured(subject, config);
    sandbox.write("application.py", APPLICATION);
    Daemon::start_in(sandbox)
}

/// What is answered at `app.sock`; an error if nobody listens there.
fn get(daemon: &Daemon, path: &str) -> io::Result<String> {
    fastcgi::get(
        UnixStream::connect(daemon.sandbox().path("app.sock"))?,
        path,
    )
}

fn get_tcp(port: u16, path: &str) -> io::Result<String> {
    fastcgi::get(TcpStream::connect(("127.0.0.1", port))?, path)
}

/// What the log tells of sockets and of the beginnings and ends of processes.
fn story(daemon: &Daemon) -> Vec<String> {
    let told = |line: &String| {
        [
            "socket ",
            "spawned: ",
            "spawnerr: ",
            "stopped: ",
            "exited: ",
        ]
        .iter()
        .any(|word| line.contains(word))
    };
    let lines = daemon.log().into_iter().filter(told);
    lines
        .map(|line| daemon.sandbox().without_path(&line))
        .collect()
}

/// Waits until the log's story is longer than `before`, and returns what is new.
fn wait_story(daemon: &Daemon, before: usize, expected: &[&str]) {
    wait_until("the log tells all of it", || {
        story(daemon).len() >= before + expected.len()
    });
    assert_eq!(story(daemon)[before..], *expected);
}

fn kill(pid: i32) {
    let pid = Pid::from_raw(pid).expect("a pid is positive");
    kill_process(pid, Signal::KILL).expect("it runs");
}

fn processes_share_a_socket_that_lives_as_long_as_they(subject: Subject) {
    let config = section(
        "app",
        "process_name=%(program_name)s_%(process_num)d\nnumprocs=2\n\
         socket=unix://%(here)s/app.sock\nsocket_mode=0750\nstopsignal=KILL\n",
    );
    // The server accepts one connection in all of its processes at once: those that come too late
    // wait in there, deaf to other signals.
    let daemon = start(subject, &config);
    for process in ["app:app_0", "app:app_1"] {
        daemon.wait_state(process, "RUNNING");
    }
    let beginning = [
        // A trial, before anything is started.
        "INFO Creating socket unix://DIR/app.sock",
        "INFO Closing socket unix://DIR/app.sock",
        "INFO Creating socket unix://DIR/app.sock",
        "INFO spawned: 'app_0' with pid N",
        "INFO spawned: 'app_1' with pid N",
    ];
    wait_story(&daemon, 0, &beginning);
    let socket = fs::metadata(daemon.sandbox().path("app.sock")).expect("the socket is there");
    assert_eq!(socket.mode() & 0o777, 0o750);
    let answer = get(&daemon, "/who").expect("an answer");
    assert!(["app_0 /who", "app_1 /who"].contains(&&*answer), "{answer}");

    // What is its standard input cannot be written to.
    let fault = daemon.fault("sendProcessStdin", &["app:app_0".into(), "x".into()]);
    assert_eq!(fault, (20, "NO_FILE: app:app_0".to_owned()));

    // One of them is enough.
    assert_eq!(
        daemon.ctl_line("stop app:app_0"),
        ("app:app_0: stopped\n".to_owned(), 0)
    );
    for _ in 0..3 {
        assert_eq!(get(&daemon, "/").expect("an answer"), "app_1 /");
    }
    assert_eq!(
        daemon.ctl_line("stop app:app_1"),
        ("app:app_1: stopped\n".to_owned(), 0)
    );
    assert!(get(&daemon, "/").is_err());
    let end = [
        "WARN stopped: app_0 (terminated by SIGKILL)",
        "WARN stopped: app_1 (terminated by SIGKILL)",
        "INFO Closing socket unix://DIR/app.sock",
    ];
    wait_story(&daemon, beginning.len(), &end);
    assert!(daemon.sandbox().path("app.sock").exists());

    // And once more.
    assert_eq!(
        daemon.ctl_line("start app:app_0"),
        ("app:app_0: started\n".to_owned(), 0)
    );
    assert_eq!(get(&daemon, "/again").expect("an answer"), "app_0 /again");
    let again = [
        "INFO Creating socket unix://DIR/app.sock",
        "INFO spawned: 'app_0' with pid N",
    ];
    wait_story(&daemon, beginning.len() + end.len(), &again);
}

fn a_socket_moves_with_an_update(subject: Subject) {
    let (first, second) = (Sandbox::free_port(), Sandbox::free_port());
    let config = |options: &str| section("app", options);
    let daemon = start(
        subject,
        &config(&format!("socket=tcp://127.0.0.1:{first}\n")),
    );
    daemon.wait_state("app", "RUNNING");
    assert_eq!(get_tcp(first, "/").expect("an answer"), "app /");

    // Its backlog is no reason to start it anew.
    let backlog = format!("socket=tcp://127.0.0.1:{first}\nsocket_backlog=7\n");
    daemon.sandbox().configure(&config(&backlog));
    let unchanged = ("No config updates to processes\n".to_owned(), 0);
    assert_eq!(daemon.ctl_line("reread"), unchanged);
    // Its address is.
    daemon
        .sandbox()
        .configure(&config(&format!("socket=tcp://127.0.0.1:{second}\n")));
    assert_eq!(daemon.ctl_line("reread"), ("app: changed\n".to_owned(), 0));
    let updated = "app: stopped\napp: updated process group\n";
    assert_eq!(daemon.ctl_line("update"), (updated.to_owned(), 0));
    daemon.wait_state("app", "RUNNING");
    assert_eq!(get_tcp(second, "/").expect("an answer"), "app /");
    assert!(get_tcp(first, "/").is_err());
    // So is everything else; then the address is free for the next one at once.
    for number in 1..=3 {
        let options = format!("socket=tcp://127.0.0.1:{second}\nenvironment=N=\"{number}\"\n");
        daemon.sandbox().configure(&config(&options));
        let updated = (updated.to_owned(), 0);
        assert_eq!(daemon.ctl_line("update"), updated);
    }
    daemon.wait_state("app", "RUNNING");
    assert_eq!(get_tcp(second, "/").expect("an answer"), "app /");

    // A crash: who comes after the last user gets a socket of his own.
    let before = story(&daemon).len();
    let pid = daemon.pid_of("app");
    kill(pid);
    let closing = format!("INFO Closing socket tcp://127.0.0.1:{second}");
    let creating = format!("INFO Creating socket tcp://127.0.0.1:{second}");
    wait_story(
        &daemon,
        before,
        &[
            "WARN exited: app (terminated by SIGKILL; not expected)",
            &closing,
            &creating,
            "INFO spawned: 'app' with pid N",
        ],
    );
    let answer = wait_for("the next one answers", || get_tcp(second, "/").ok());
    assert_eq!(answer, "app /");
}

fn a_socket_that_cannot_be_made_is_told(subject: Subject) {
    let daemon = start(subject, "");
    let sandbox = daemon.sandbox();
    let options = "socket=unix://%(here)s/folder/app.sock\nstartretries=0\n";
    sandbox.configure(&section("app", options));
    let error = format!(
        "Could not create FastCGI socket unix://{}/folder/app.sock: [Errno 2] No such file or \
         directory",
        sandbox.folder().display()
    );
    assert_eq!(
        daemon.ctl_line("reread"),
        ("app: available\n".to_owned(), 0)
    );
    let (told, code) = daemon.ctl_line("add app");
    let fault = subject.differs(
        "fcgi-socket",
        "500 Internal Server Error".to_owned(),
        format!("<Fault 30: 'FAILED: {error}'>"),
    );
    assert!(told.contains(&fault) && code == 1, "{told}");
    assert_eq!(daemon.ctl_line("status"), (String::new(), 0));

    fs::create_dir(sandbox.path("folder")).expect("a folder in the sandbox");
    assert_eq!(
        daemon.ctl_line("add app"),
        ("app: added process group\n".to_owned(), 0)
    );
    daemon.wait_state("app", "RUNNING");
    assert_eq!(
        daemon.ctl_line("stop app"),
        ("app: stopped\n".to_owned(), 0)
    );
    fs::remove_dir_all(sandbox.path("folder")).expect("a folder that can be removed");
    let (told, code) = daemon.ctl_line("start app");
    let refusal = subject.differs("fcgi-socket", "500 Internal Server Error", "spawn error");
    assert!(told.contains(refusal) && code != 0, "{told}");
    if subject == Subject::Minder {
        assert_eq!(daemon.info_text("app", "spawnerr"), error);
        daemon.wait_state("app", "FATAL");
    }
    // It goes on all the same.
    assert_eq!(
        daemon.state("app"),
        subject.differs("fcgi-socket", "STOPPED", "FATAL")
    );
}

fn nothing_starts_without_its_socket(subject: Subject) {
    let config = section("app", "socket=unix://%(here)s/folder/app.sock\n");
    let sandbox = Sandbox::configured(subject, &config);
    let mut daemon = Daemon::launch(sandbox, &["-n", "-c", "supervisord.conf"]);
    assert_eq!(daemon.wait_end(), subject.differs("fcgi-socket", 1, 2));
    let told = daemon
        .sandbox()
        .without_path(&daemon.sandbox().read("stderr.txt"));
    let error = "Could not create FastCGI socket unix://DIR/folder/app.sock: [Errno 2] No such \
                 file or directory";
    assert!(told.contains(error), "{told}");
    assert!(!daemon.sandbox().path("s.sock").exists());
}

#[test]
fn a_socket_outlives_the_daemon() {
    Subject::Minder.run(|subject| {
        let daemon = start(
            subject,
            &section("app", "socket=unix://%(here)s/app.sock\n"),
        );
        daemon.wait_state("app", "RUNNING");
        let keeper = daemon.pid();
        let pid = daemon.pid_of("app");
        let inode = || fs::metadata(daemon.sandbox().path("app.sock")).map(|it| it.ino());
        let socket = inode().expect("the socket is there");
        // A keeper that is stopped starts no other daemon.
        daemon.signal(Signal::STOP);
        kill_daemon(keeper);
        for _ in 0..3 {
            assert_eq!(get(&daemon, "/").expect("an answer"), "app /");
        }
        daemon.signal(Signal::CONT);
        let _ = the_daemon(keeper);
        daemon.wait_state("app", "RUNNING");
        assert_eq!(daemon.pid_of("app"), pid);
        assert_eq!(inode().expect("the socket is there"), socket);
        assert_eq!(get(&daemon, "/").expect("an answer"), "app /");

        // The next daemon knows whose it is: it is closed with its last user.
        let before = story(&daemon).len();
        assert_eq!(daemon.ctl_line("restart app").1, 0);
        wait_story(
            &daemon,
            before,
            &[
                "INFO stopped: app (exit status 0)",
                "INFO Closing socket unix://DIR/app.sock",
                "INFO Creating socket unix://DIR/app.sock",
                "INFO spawned: 'app' with pid N",
            ],
        );
        assert!(!tree::is_alive(pid));
        assert_eq!(get(&daemon, "/").expect("an answer"), "app /");

        // Its end is not missed if nobody was there to see it.
        let before = story(&daemon).len();
        let pid = daemon.pid_of("app");
        kill_daemon(keeper);
        kill(pid);
        wait_story(
            &daemon,
            before,
            &[
                "WARN exited: app (terminated by SIGKILL; not expected)",
                "INFO Closing socket unix://DIR/app.sock",
                "INFO Creating socket unix://DIR/app.sock",
                "INFO spawned: 'app' with pid N",
            ],
        );
    });
}
