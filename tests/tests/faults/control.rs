//! The control plane: clients, listeners and configurations that are careless or hostile.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::unix::net::UnixStream;
use std::process::{Child, Stdio};

use minder_tests::http::Connection;
use minder_tests::parts::{kill_daemon, signal};
use minder_tests::vitals::Vitals;
use minder_tests::{Daemon, Sandbox, Subject, cases, tree, wait_for, wait_until, xmlrpc};
use rustix::process::Signal;

use crate::supervisors;

cases!(
    clients_that_say_half_a_word_hold_nobody_up,
    a_huge_body_is_not_kept,
    a_bomb_of_entities_does_not_go_off,
    deep_nesting_breaks_nothing,
    garbage_for_requests_breaks_nothing,
    a_stop_goes_on_without_its_client,
    a_client_that_was_killed_leaves_its_wish,
    a_client_whose_reader_has_gone_ends,
    a_client_that_follows_a_log_ends_with_its_server,
    a_listener_that_never_ends_its_line_harms_nobody,
    a_listener_that_promises_too_much_harms_nobody,
    a_listener_that_sleeps_harms_nobody,
    thousands_of_included_files_are_read,
    a_port_that_is_taken_when_it_begins_anew,
    a_socket_that_is_taken_when_it_begins_anew,
);

const CAT: &str = "[program:cat]\ncommand=/bin/cat\nstartsecs=0\n";

/// The memory of the process that looks after clients.
fn memory(daemon: &Daemon) -> u64 {
    let pid = *supervisors(daemon).last().expect("there is one");
    Vitals::of(pid).memory
}

fn clients_that_say_half_a_word_hold_nobody_up(subject: Subject) {
    const MANY: usize = 300;
    let daemon = Daemon::start(subject, CAT);
    let mut slow: Vec<Connection> = (0..MANY)
        .map(|_| daemon.connect().expect("it listens"))
        .collect();
    for client in &mut slow {
        client
            .send("POST /RPC2 HTTP/1.1\r\nHost: loc")
            .expect("it reads");
    }
    for verb in ["restart cat", "status"] {
        assert_eq!(daemon.ctl_line(verb).1, 0);
    }
    assert!(memory(&daemon) < 64 << 20);
    // One of them finishes after all.
    let request = xmlrpc::request("supervisor.getState", &[]);
    let rest = format!(
        "alhost\r\nContent-Length: {}\r\n\r\n{request}",
        request.len()
    );
    slow[0].send(rest).expect("it reads");
    assert_eq!(slow[0].answer().expect("an answer").status(), 200);
}

fn a_huge_body_is_not_kept(subject: Subject) {
    const SENT: usize = 48 << 20;
    let daemon = Daemon::start(subject, CAT);
    let before = memory(&daemon);
    let mut client = UnixStream::connect(daemon.sandbox().path("s.sock")).expect("it listens");
    let head = "POST /RPC2 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000000\r\n\r\n";
    client.write_all(head.as_bytes()).expect("it reads");
    let chunk = vec![b'x'; 1 << 20];
    let mut sent = 0;
    // Minder answers that it is too large, and closes.
    while sent < SENT && client.write_all(&chunk).is_ok() {
        sent += chunk.len();
    }
    if subject == Subject::Supervisor {
        wait_until("all of it is kept", || {
            memory(&daemon) > before + (SENT as u64) / 2
        });
    } else {
        let mut answer = [0; 12];
        client.read_exact(&mut answer).expect("an answer");
        assert_eq!(&answer, b"HTTP/1.1 413");
        assert!(memory(&daemon) < before + (8 << 20));
    }
    drop(client);
    daemon.wait_ready();
}

/// What becomes of a request; `None` if the connection is closed without an answer.
fn status_of(daemon: &Daemon, body: &str) -> Option<u16> {
    let mut client = daemon.connect().expect("it listens");
    let answer = client.post("/RPC2", body).ok()?;
    Some(answer.status())
}

fn a_bomb_of_entities_does_not_go_off(subject: Subject) {
    let daemon = Daemon::start(subject, CAT);
    let before = memory(&daemon);
    let levels: Vec<String> = (1..12)
        .map(|level| {
            let inner = format!("&a{};", level - 1).repeat(10);
            format!("<!ENTITY a{level} \"{inner}\">")
        })
        .collect();
    let bomb = format!(
        "<?xml version='1.0'?><!DOCTYPE m [<!ENTITY a0 \"xxxxxxxxxx\">{}]><methodCall>\
         <methodName>supervisor.getState</methodName><params><param><value><string>&a11;</string>\
         </value></param></params></methodCall>",
        levels.concat()
    );
    let status = status_of(&daemon, &bomb);
    daemon.wait_ready();
    if subject == Subject::Minder {
        assert_eq!(status, Some(400));
        assert!(memory(&daemon) < before + (8 << 20));
    }
}

fn deep_nesting_breaks_nothing(subject: Subject) {
    const DEPTH: usize = 100_000;
    let daemon = Daemon::start(subject, CAT);
    let open = "<array><data><value>".repeat(DEPTH);
    let close = "</value></data></array>".repeat(DEPTH);
    let status = status_of(
        &daemon,
        &format!(
            "<?xml version='1.0'?><methodCall><methodName>supervisor.getState</methodName><params>\
             <param><value>{open}{close}</value></param></params></methodCall>"
        ),
    );
    daemon.wait_ready();
    let bounded = subject.differs("strict-http", Some(200), Some(400));
    assert_eq!(status, bounded);
}

fn garbage_for_requests_breaks_nothing(subject: Subject) {
    let daemon = Daemon::start(subject, CAT);
    let requests: [&[u8]; 6] = [
        b"\0\0\0\0\r\n\r\n",
        b"GET\r\n\r\n",
        b"POST /RPC2 HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n\r\n",
        b"POST /RPC2 HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"POST /RPC2 HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef",
        b"GET /logtail/../../etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n",
    ];
    for request in requests {
        let mut client = daemon.connect().expect("it listens");
        client.send(request).expect("it reads");
        let mut pipelined = daemon.connect().expect("it listens");
        pipelined.send(request.repeat(20)).expect("it reads");
    }
    daemon.wait_ready();
    daemon.wait_state("cat", "RUNNING");
}

/// A program that is stopped when it is told by a file to end, and by no signal.
const DEAF: &str = "[program:deaf]\ncommand=actor ignore TERM out deaf until halt\nstartsecs=0\n\
                    stopwaitsecs=600\nstdout_logfile=%(here)s/deaf.log\n";

fn a_stop_goes_on_without_its_client(subject: Subject) {
    let daemon = Daemon::start(subject, DEAF);
    daemon.wait_file("deaf.log", "deaf\n");
    let mut client = daemon.connect().expect("it listens");
    let request = xmlrpc::request("supervisor.stopProcess", &["deaf".into(), true.into()]);
    let head = format!(
        "POST /RPC2 HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n",
        request.len()
    );
    client.send(head + &request).expect("it reads");
    daemon.wait_state("deaf", "STOPPING");
    drop(client);
    daemon.sandbox().write("halt", "");
    daemon.wait_state("deaf", "STOPPED");
    fs::remove_file(daemon.sandbox().path("halt")).expect("the file can be removed");
    assert_eq!(daemon.ask("startProcess", &["deaf".into()]), true.into());
}

/// supervisorctl at work, ended with its owner.
struct Client(Child);

impl Client {
    fn start(daemon: &Daemon, args: &[&str]) -> Self {
        let mut command = daemon.ctl_command(args);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        Self(command.spawn().expect("supervisorctl can be run"))
    }

    fn pid(&self) -> i32 {
        i32::try_from(self.0.id()).expect("a pid")
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn a_client_that_was_killed_leaves_its_wish(subject: Subject) {
    let daemon = Daemon::start(subject, DEAF);
    daemon.wait_file("deaf.log", "deaf\n");
    let client = Client::start(&daemon, &["stop", "deaf"]);
    daemon.wait_state("deaf", "STOPPING");
    signal(client.pid(), Signal::KILL);
    daemon.sandbox().write("halt", "");
    daemon.wait_state("deaf", "STOPPED");
}

fn a_client_whose_reader_has_gone_ends(subject: Subject) {
    let daemon = Daemon::start(
        subject,
        "[program:p]\ncommand=actor drip halt\nstartsecs=0\nstdout_logfile=%(here)s/p.log",
    );
    daemon.wait_state("p", "RUNNING");
    for args in [
        &["status"][..],
        &["tail", "p"],
        &["tail", "-f", "p"],
        &["maintail", "-f"],
    ] {
        let mut client = Client::start(&daemon, args);
        drop(client.0.stdout.take());
        if args[0] == "maintail" {
            // So that there is something to be written.
            assert_eq!(daemon.ctl(&["restart", "p"]).code, Some(0));
        }
        let status = wait_for(&format!("{args:?} ends"), || {
            client.0.try_wait().expect("a child")
        });
        let mut said = String::new();
        let mut stderr = client.0.stderr.take().expect("a pipe");
        stderr.read_to_string(&mut said).expect("text");
        eprintln!("{}: {args:?}: {status} {said}", subject.name());
        assert!(!said.contains("panicked"), "{said}");
    }
}

/// A listener does what `script` says instead of its duty; a program beside it goes on.
fn beside_a_bad_listener(subject: Subject, script: &str, happens: impl Fn(&Daemon)) {
    let daemon = Daemon::start(
        subject,
        &format!(
            "[eventlistener:bad]\ncommand=/bin/sh -c \"{script}\"\nevents=PROCESS_STATE\n\
             startsecs=0\nautorestart=false\n\
             [eventlistener:good]\ncommand=actor listen heard\nevents=PROCESS_STATE\nstartsecs=0\n\
             {CAT}"
        ),
    );
    daemon.wait_state("good", "RUNNING");
    happens(&daemon);
    let before = memory(&daemon);
    for _ in 0..20 {
        daemon.wait_state("cat", "RUNNING");
        for method in ["stopProcess", "startProcess"] {
            assert_eq!(daemon.ask(method, &["cat".into()]), true.into());
        }
    }
    wait_until("the other listener hears all", || {
        let heard = daemon.sandbox().read("heard");
        heard.matches("PROCESS_STATE_STOPPED").count() == 20
    });
    if subject == Subject::Minder {
        // Supervisor keeps all of an answer, however long it was said to be.
        assert!(memory(&daemon) < before + (16 << 20));
    }
}

fn a_listener_that_never_ends_its_line_harms_nobody(subject: Subject) {
    beside_a_bad_listener(subject, "exec cat /dev/zero", |daemon| {
        daemon.wait_log("bad: has entered the UNKNOWN state");
    });
}

fn a_listener_that_promises_too_much_harms_nobody(subject: Subject) {
    let script = "echo READY; read event; echo RESULT 999999999999; exec cat /dev/zero";
    beside_a_bad_listener(subject, script, |daemon| {
        wait_until("it is told an event", || {
            daemon.sandbox().read("heard").contains("PROCESS_STATE")
        });
    });
}

fn a_listener_that_sleeps_harms_nobody(subject: Subject) {
    beside_a_bad_listener(subject, "echo READY; exec sleep 1000", |_| {});
}

fn thousands_of_included_files_are_read(subject: Subject) {
    const MANY: usize = 1000;
    let sandbox = Sandbox::configured(subject, "[include]\nfiles=conf.d/*.conf");
    fs::create_dir(sandbox.path("conf.d")).expect("a folder in the sandbox");
    for number in 0..MANY {
        // Most of them say nothing.
        let text = if number % 100 == 0 {
            format!("[program:p{number}]\ncommand=/bin/cat\nautostart=false\n")
        } else {
            "; nothing\n".to_owned()
        };
        sandbox.write(format!("conf.d/{number:05}.conf"), text);
    }
    let daemon = Daemon::start_in(sandbox);
    let (status, _) = daemon.ctl_line("status");
    assert_eq!(status.lines().count(), MANY / 100);
    fs::remove_file(daemon.sandbox().path("conf.d/00100.conf")).expect("the file can be removed");
    assert_eq!(
        daemon.ctl_line("update"),
        ("p100: stopped\np100: removed process group\n".to_owned(), 0)
    );
}

fn a_port_that_is_taken_when_it_begins_anew(subject: Subject) {
    let holder = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    let port = holder.local_addr().expect("it is bound").port();
    let place = format!("127.0.0.1:{port}");
    let server = format!("[inet_http_server]\nport={place}\n");
    is_refused_while_taken(subject, "inet_http_server", &place, &server, || {
        drop(holder);
    });
}

fn a_socket_that_is_taken_when_it_begins_anew(subject: Subject) {
    // Supervisor waits for an answer from there.
    let mut holder = Daemon::start(subject, "");
    let place = holder.sandbox().path("s.sock").display().to_string();
    let server = format!("[unix_http_server]\nfile={place}\n");
    is_refused_while_taken(subject, "unix_http_server", &place, &server, || {
        holder.signal(Signal::TERM);
        assert_eq!(holder.wait_end(), 0);
    });
}

/// A restart onto a configuration that has `server` as well, in the section `section`, whose `place`
/// is taken until `release` is called.
fn is_refused_while_taken(
    subject: Subject,
    section: &str,
    place: &str,
    server: &str,
    release: impl FnOnce(),
) {
    let mut daemon = Daemon::start(subject, CAT);
    daemon.wait_state("cat", "RUNNING");
    let pid = daemon.pid_of("cat");
    daemon.sandbox().configure(&format!("{server}{CAT}"));
    daemon.signal(Signal::HUP);
    if subject.differs("reload-refused", true, false) {
        // Everything has been stopped by then.
        assert_eq!(daemon.wait_end(), 2);
        assert!(!tree::is_alive(pid));
        return;
    }
    let why = format!(
        "[{section}] cannot listen on {place}: Another program is already listening on a port that \
         one of our HTTP servers is configured to use.  Shut this program down first before \
         starting supervisord."
    );
    daemon.wait_log("received SIGHUP indicating restart request");
    let refused = format!("ERRO restart refused, everything runs on as it is: {why}\n");
    daemon.wait_log(&refused);
    // By XML-RPC, and so by `supervisorctl reload`, it is the same.
    assert_eq!(
        daemon.fault("restart", &[]),
        (92, format!("CANT_REREAD: {why}"))
    );
    let log = daemon.sandbox().read("supervisord.log");
    assert_eq!(log.matches(&refused).count(), 2, "{log}");
    assert_eq!(daemon.pid_of("cat"), pid);
    assert_eq!(daemon.state("cat"), "RUNNING");
    // The place is not taken any more, and its own are no obstacle.
    release();
    assert_eq!(daemon.ask("restart", &[]), true.into());
    wait_until("it has begun anew", || {
        let log = daemon.log_about("cat");
        log.iter().filter(|line| line.contains("success")).count() == 2
    });
    daemon.signal(Signal::TERM);
    assert_eq!(daemon.wait_end(), 0);
}

/// The server dies while a log is followed: the client ends.
fn a_client_that_follows_a_log_ends_with_its_server(subject: Subject) {
    let daemon = Daemon::start(
        subject,
        "[program:p]\ncommand=actor drip halt\nstartsecs=0\nstdout_logfile=%(here)s/p.log",
    );
    daemon.wait_state("p", "RUNNING");
    let mut client = Client::start(&daemon, &["tail", "-f", "p"]);
    let mut stdout = client.0.stdout.take().expect("a pipe");
    let mut some = [0; 100];
    stdout.read_exact(&mut some).expect("the log comes");
    match subject {
        Subject::Supervisor => signal(daemon.pid(), Signal::KILL),
        Subject::Minder => drop(kill_daemon(daemon.pid())),
    }
    std::io::copy(&mut stdout, &mut std::io::sink()).expect("it ends");
    let status = wait_for("it ends", || client.0.try_wait().expect("a child"));
    let mut said = String::new();
    let mut stderr = client.0.stderr.take().expect("a pipe");
    stderr.read_to_string(&mut said).expect("text");
    assert_eq!((status.code(), said.as_str()), (Some(0), ""));
}
