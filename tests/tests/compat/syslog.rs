//! Syslog

use std::os::unix::net::UnixDatagram;

use minder_tests::{Daemon, PATIENCE, Sandbox, Subject, cases, namespaces, normal};

cases!(lines_of_programs_reach_syslog, the_main_log_may_be_syslog,);

/// Makes a `/dev` of its own in which `/dev/log` is the socket `$2`, and then runs the rest. `$1` is
/// an empty folder.
const OWN_DEV: &str = "\
set -e
mount --rbind /dev \"$1\"
mount -t tmpfs tmpfs /dev
for name in null zero full random urandom tty; do
    : > /dev/$name
    mount --bind \"$1/$name\" /dev/$name
done
ln -s /proc/self/fd /dev/fd
ln -s fd/0 /dev/stdin
ln -s fd/1 /dev/stdout
ln -s fd/2 /dev/stderr
ln -s \"$2\" /dev/log
shift 2
exec \"$@\"
";

/// A daemon that finds `socket` where log daemons listen; `None` if it can be shown none.
fn heard_by_syslog(subject: Subject, more: &str) -> Option<(Daemon, UnixDatagram)> {
    let mut command = namespaces::unshare(&[])?;
    let sandbox = Sandbox::configured(subject, more);
    let (place, path) = (sandbox.path("dev"), sandbox.path("syslog.sock"));
    std::fs::create_dir(&place).expect("a folder in the sandbox");
    let socket = UnixDatagram::bind(&path).expect("a socket in the sandbox");
    socket.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    sandbox.equip(&mut command);
    command
        .args(["sh", "-c", OWN_DEV, "sh"])
        .arg(place)
        .arg(path);
    command.arg(sandbox.path("bin/supervisord"));
    command.args(["-n", "-c", "supervisord.conf"]);
    let daemon = Daemon::launch_command(sandbox, command);
    daemon.wait_ready();
    Some((daemon, socket))
}

/// The next message, with its date as `DATE`.
fn next(socket: &UnixDatagram) -> String {
    let mut buffer = [0; 4096];
    let length = socket.recv(&mut buffer).expect("a message");
    let text = String::from_utf8_lossy(&buffer[..length]);
    let (priority, rest) = text.split_once('>').expect("a priority");
    let message = rest.get("Nov 27 10:03:10".len()..).expect("a date");
    // Some C libraries end a message with a newline or a NUL.
    format!("{priority}>DATE{}", message.trim_end_matches(['\n', '\0']))
}

fn lines_of_programs_reach_syslog(subject: Subject) {
    let Some((daemon, socket)) = heard_by_syslog(
        subject,
        "[program:p]\ncommand=actor out one out two until go err three wait\nstartsecs=0\n\
         stdout_syslog=true\nstderr_syslog=true\nstdout_logfile=%(here)s/p.log",
    ) else {
        return;
    };
    assert_eq!(next(&socket), "<14>DATE supervisord: p one");
    assert_eq!(next(&socket), "<14>DATE supervisord: p two");
    daemon.sandbox().write("go", "");
    assert_eq!(next(&socket), "<14>DATE supervisord: p three");
    assert_eq!(daemon.sandbox().read("p.log"), "one\ntwo\n");
}

fn the_main_log_may_be_syslog(subject: Subject) {
    let Some((daemon, socket)) = heard_by_syslog(
        subject,
        "[supervisord]\nlogfile=syslog\n[program:p]\ncommand=/bin/cat\nstartsecs=0",
    ) else {
        return;
    };
    let mut lines = Vec::new();
    while !lines
        .iter()
        .any(|line: &String| line.contains("success: p"))
    {
        let message = next(&socket);
        let line = message.strip_prefix("<14>DATE supervisord: ");
        lines.extend(normal::log(line.expect("a name")));
    }
    lines.retain(|line| line.starts_with("INFO"));
    assert_eq!(
        lines,
        [
            "INFO RPC interface 'supervisor' initialized",
            "INFO supervisord started with pid N",
            "INFO spawned: 'p' with pid N",
            "INFO success: p entered RUNNING state, process has stayed up for > than 0 seconds \
             (startsecs)",
        ]
    );
    assert_eq!(daemon.sandbox().read("supervisord.log"), "");
    let fault = daemon.fault("readLog", &[0.into(), 0.into()]);
    assert_eq!(fault, (20, "NO_FILE: syslog".to_owned()));
    assert_eq!(daemon.fault("clearLog", &[]), (20, "NO_FILE".to_owned()));
}
