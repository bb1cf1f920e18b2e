//! A day of `examples/usercenter`: a configuration that was written for Supervisor, unchanged.

use std::fs;

use minder_tests::http::Connection;
use minder_tests::{Daemon, Sandbox, Subject, cases, normal, subject, tree, wait_for, wait_until};

use crate::example;

cases!(a_day_of_the_user_centre);

/// The ports of the example; each run replaces them by free ones, so that two can go side by side.
const APPLICATION: &str = "8000";
const SERVER: &str = "9001";

fn a_day_of_the_user_centre(subject: Subject) {
    if !rustix::process::geteuid().is_root() {
        eprintln!(
            "left out: the example's programs name their users, which only root can give them"
        );
        return;
    }
    let (application, server) = (Sandbox::free_port(), Sandbox::free_port());
    let mut daemon = open(subject, application, server);
    let keeper = daemon.pid();

    // The morning: everything comes up by itself.
    wait_for_greeting(application, "你好\n");
    daemon.wait_state("usercenter", "RUNNING");
    let status = |daemon: &Daemon| {
        let (text, code) = daemon.ctl_line("status");
        (normal::status(&without_times(&text)), code)
    };
    let all_run = "group1:group-member-1            RUNNING   pid N\n\
                   group1:group-member-2            RUNNING   pid N\n\
                   usercenter                       RUNNING   pid N\n";
    assert_eq!(status(&daemon), (all_run.to_owned(), 0));
    let user = |name: &str| {
        let process = format!("/proc/{}", daemon.pid_of(name));
        std::os::unix::fs::MetadataExt::uid(&fs::metadata(process).expect("it runs"))
    };
    assert_eq!(user("usercenter"), 0);
    assert_ne!(user("group1:group-member-1"), 0);

    // Somebody asks over TCP, without and with the password.
    let mut stranger = Connection::tcp(server).expect("the server listens");
    let answer = stranger.get("/RPC2", "").expect("an answer");
    assert_eq!(answer.status(), 401);
    let url = format!("-s http://127.0.0.1:{server} -u user -p 123 pid");
    assert_eq!(daemon.ctl_line(&url), (format!("{keeper}\n"), 0));

    // The programs say what they say, each where it belongs.
    daemon.wait_file("logs/member1.out", "one 0\n");
    daemon.wait_file("logs/member2.err", "two 4\n");
    let (tail, code) = daemon.ctl_line("tail group1:group-member-1");
    assert!(tail.starts_with("one 0\none 1\n"), "{tail}");
    assert_eq!(code, 0);
    let (tail, code) = daemon.ctl_line("tail group1:group-member-2 stderr");
    assert!(tail.starts_with("two 4\n"), "{tail}");
    assert_eq!(code, 0);
    daemon.wait_file("logs/usercenter_stdout.log", "\"GET / HTTP/1.1\" 200");

    // A restart, and an hour off for the group.
    let before = daemon.pid_of("usercenter");
    assert_eq!(
        daemon.ctl_line("restart usercenter"),
        ("usercenter: stopped\nusercenter: started\n".to_owned(), 0)
    );
    assert_ne!(daemon.pid_of("usercenter"), before);
    wait_for_greeting(application, "你好\n");
    let (out, code) = daemon.ctl_line("stop group1:*");
    // In the order in which they have ended.
    let mut lines: Vec<_> = out.lines().collect();
    lines.sort_unstable();
    assert_eq!(
        lines,
        [
            "group1:group-member-1: stopped",
            "group1:group-member-2: stopped"
        ]
    );
    assert_eq!(code, 0);
    let group_stopped = "group1:group-member-1            STOPPED   TIME\n\
                         group1:group-member-2            STOPPED   TIME\n\
                         usercenter                       RUNNING   pid N\n";
    assert_eq!(status(&daemon), (group_stopped.to_owned(), 3));

    // The afternoon: another greeting, a new program, and the group is given up.
    let sandbox = daemon.sandbox();
    let config = sandbox.read("conf.d/usercenter.conf");
    sandbox.write("conf.d/usercenter.conf", config.replace("你好", "再见"));
    sandbox.write(
        "conf.d/mail.conf",
        "[program:mail]\ncommand=sh %(here)s/../app/worker.sh mail\n",
    );
    fs::remove_file(sandbox.path("conf.d/group1.conf")).expect("the file is there");
    assert_eq!(
        daemon.ctl_line("reread"),
        (
            "group1: disappeared\nmail: available\nusercenter: changed\n".to_owned(),
            0
        )
    );
    assert_eq!(
        daemon.ctl_line("update"),
        (
            "group1: stopped\ngroup1: removed process group\nusercenter: stopped\n\
             usercenter: updated process group\nmail: added process group\n"
                .to_owned(),
            0
        )
    );
    wait_for_greeting(application, "再见\n");
    daemon.wait_state("usercenter", "RUNNING");
    daemon.wait_state("mail", "RUNNING");
    let changed = "mail                             RUNNING   pid N\n\
                   usercenter                       RUNNING   pid N\n";
    assert_eq!(status(&daemon), (changed.to_owned(), 0));

    // The evening.
    assert_eq!(daemon.ctl_line("shutdown"), ("Shut down\n".to_owned(), 0));
    wait_until("every process has ended", || {
        tree::pids(daemon.sandbox().folder()).is_empty()
    });
    assert_eq!(daemon.wait_end(), 0);
    for file in ["run/supervisor.sock", "run/supervisord.pid"] {
        assert!(!daemon.sandbox().path(file).exists(), "{file} is left");
    }
    assert!(Connection::tcp(application).is_err());
}

/// Starts it as its README says: in the background, with Flask and gunicorn in `PATH`.
fn open(subject: Subject, application: u16, server: u16) -> Daemon {
    let sandbox = example::sandbox(subject, "usercenter", "logs/supervisord.log");
    for folder in ["run", "logs"] {
        example::make_folder(&sandbox, folder);
    }
    for (file, old, new) in [
        ("app/gunicorn.py", APPLICATION, application),
        ("supervisord.conf", SERVER, server),
    ] {
        sandbox.write(file, sandbox.read(file).replace(old, &new.to_string()));
    }
    let mut command = sandbox.command("supervisord");
    let path = format!(
        "{}:{}:/usr/bin:/bin",
        sandbox.path("bin").display(),
        subject::python_bin().display()
    );
    command.env("PATH", path).args(["-c", "supervisord.conf"]);
    let mut daemon = Daemon::launch_command(sandbox, command);
    assert_eq!(daemon.wait_end(), 0);
    daemon.wait_ready();
    daemon
}

fn wait_for_greeting(port: u16, greeting: &str) {
    wait_for(&format!("the application says {greeting:?}"), || {
        let answer = Connection::tcp(port).ok()?.get("/", "").ok()?;
        (answer.status() == 200 && answer.text() == greeting).then_some(())
    });
}

/// `status` output with `TIME` for the time at which a process was stopped.
fn without_times(status: &str) -> String {
    let mut out = String::new();
    for line in status.lines() {
        match line.split_once("STOPPED   ") {
            Some((head, time)) if time.ends_with('M') => {
                out.push_str(head);
                out.push_str("STOPPED   TIME");
            }
            _ => out.push_str(line),
        }
        out.push('\n');
    }
    out
}
