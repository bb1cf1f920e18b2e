//! Parts that others wrote for Supervisor: its own supervisorctl on the other's daemon, superlance's
//! listeners, listeners and programs made with `childutils`, an XML-RPC client in Perl.

use std::os::unix::fs::symlink;
use std::process::Command;

use minder_tests::subject::python_bin;
use minder_tests::{Daemon, Run, Sandbox, Subject, cases, normal};

use crate::is;

cases!(
    the_other_supervisorctl_shows_the_status,
    the_other_supervisorctl_starts_and_stops,
    the_other_supervisorctl_reads_logs,
    the_other_supervisorctl_updates,
    the_other_supervisorctl_signals_and_names_pids,
    the_other_supervisorctl_tells_the_same_errors,
    the_other_supervisorctl_has_a_shell,
    the_other_supervisorctl_shuts_down,
    crashmail_mails_an_unexpected_exit,
    httpok_restarts_what_does_not_answer,
    memmon_restarts_what_is_too_large,
    a_listener_made_with_childutils_hears_and_calls,
    a_program_made_with_childutils_communicates,
    a_client_in_perl_calls_methods,
    python_s_own_client_calls_methods,
);

/// A daemon of the subject and the supervisorctl of the other one.
struct Mixed {
    daemon: Daemon,
}

impl Mixed {
    fn start(subject: Subject, more: &str) -> Self {
        let sandbox = Sandbox::configured(subject, more);
        let other = match subject {
            Subject::Supervisor => Subject::Minder,
            Subject::Minder => Subject::Supervisor,
        };
        // By its name, because Minder's is one file with several.
        let link = sandbox.path("home/supervisorctl");
        symlink(other.program("supervisorctl"), link).expect("a link in the sandbox");
        Self {
            daemon: Daemon::start_in(sandbox),
        }
    }

    fn run(&self, args: &[&str]) -> Run {
        let sandbox = self.daemon.sandbox();
        let mut command = Command::new(sandbox.path("home/supervisorctl"));
        sandbox.equip(&mut command);
        Run::of(command.args(["-c", "supervisord.conf"]).args(args))
    }

    fn ctl(&self, line: &str) -> (String, i32) {
        let run = self.run(&line.split(' ').collect::<Vec<_>>());
        assert_eq!(run.err, "", "supervisorctl {line} complains");
        (run.out, run.code.expect("no signal ended supervisorctl"))
    }

    /// Compares with what the daemon's own supervisorctl says.
    fn same(&self, line: &str) {
        let (out, code) = self.daemon.ctl_line(line);
        assert_eq!(self.ctl(line), (out, code), "{line}");
    }
}

const PROGRAMS: &str = "[program:cat]\ncommand=/bin/cat\nstartsecs=0\n\
                        [program:idle]\ncommand=/bin/cat\nstartsecs=0\nautostart=false\n\
                        [group:pair]\nprograms=one,two\n[program:one]\ncommand=/bin/cat\nstartsecs=0\n\
                        [program:two]\ncommand=/no/such\nstartsecs=0\nautostart=false\n";

fn mixed(subject: Subject) -> Mixed {
    let mixed = Mixed::start(subject, PROGRAMS);
    mixed.daemon.wait_state("cat", "RUNNING");
    mixed.daemon.wait_state("pair:one", "RUNNING");
    mixed
}

fn the_other_supervisorctl_shows_the_status(subject: Subject) {
    let mixed = mixed(subject);
    let (out, code) = mixed.ctl("status");
    assert_eq!(
        (normal::status(&out).as_str(), code),
        (
            "cat                              RUNNING   pid N\n\
             idle                             STOPPED   Not started\n\
             pair:one                         RUNNING   pid N\n\
             pair:two                         STOPPED   Not started\n",
            3
        )
    );
    assert_eq!(
        mixed.ctl("status nope"),
        is("nope: ERROR (no such process)\n", 4)
    );
    assert_eq!(mixed.ctl("version"), is("4.3.0\n", 0));
    mixed.same("avail");
}

fn the_other_supervisorctl_starts_and_stops(subject: Subject) {
    let mixed = mixed(subject);
    for (line, out, code) in [
        ("start idle", "idle: started\n", 0),
        ("start idle", "idle: ERROR (already started)\n", 0),
        ("stop idle", "idle: stopped\n", 0),
        ("stop idle", "idle: ERROR (not running)\n", 0),
        ("restart cat", "cat: stopped\ncat: started\n", 0),
        ("start pair:*", "pair:two: ERROR (no such file)\n", 1),
        ("stop pair:*", "pair:one: stopped\n", 0),
        ("start nope:*", "nope: ERROR (no such group)\n", 2),
        ("stop all", "cat: stopped\n", 0),
    ] {
        assert_eq!(mixed.ctl(line), is(out, code), "{line}");
    }
}

fn the_other_supervisorctl_reads_logs(subject: Subject) {
    let mixed = Mixed::start(
        subject,
        "[program:p]\ncommand=actor out one out größe err oh wait\nstartsecs=0\n\
         stdout_logfile=%(here)s/p.log\nstderr_logfile=%(here)s/p.err",
    );
    mixed.daemon.wait_file("p.log", "größe\n");
    mixed.daemon.wait_file("p.err", "oh\n");
    assert_eq!(mixed.ctl("tail p"), is("one\ngröße\n\n", 0));
    assert_eq!(mixed.ctl("tail -3 p stderr"), is("oh\n\n", 0));
    mixed.same("tail -4 p");
    mixed.same("maintail -60");
    assert_eq!(mixed.ctl("clear p"), is("p: cleared\n", 0));
    assert_eq!(mixed.ctl("tail p"), is("\n", 0));
    assert_eq!(mixed.ctl("tail nope").1, 1);
}

fn the_other_supervisorctl_updates(subject: Subject) {
    let mixed = mixed(subject);
    assert_eq!(
        mixed.ctl("reread"),
        is("No config updates to processes\n", 0)
    );
    let later = PROGRAMS
        .replace("program:idle", "program:fresh")
        .replace("[program:cat]\n", "[program:cat]\npriority=5\n");
    mixed.daemon.sandbox().configure(&later);
    assert_eq!(
        mixed.ctl("reread"),
        is("cat: changed\nfresh: available\nidle: disappeared\n", 0)
    );
    assert_eq!(
        mixed.ctl("update"),
        is(
            "idle: stopped\nidle: removed process group\n\
             cat: stopped\ncat: updated process group\n\
             fresh: added process group\n",
            0
        )
    );
    assert_eq!(mixed.ctl("update"), is("", 0));
    assert_eq!(
        mixed.ctl("remove fresh"),
        is("fresh: removed process group\n", 0)
    );
    assert_eq!(
        mixed.ctl("add fresh"),
        is("fresh: added process group\n", 0)
    );
}

fn the_other_supervisorctl_signals_and_names_pids(subject: Subject) {
    let mixed = mixed(subject);
    assert_eq!(
        mixed.ctl("pid"),
        is(&format!("{}\n", mixed.daemon.pid()), 0)
    );
    let pid = mixed.daemon.pid_of("cat");
    assert_eq!(mixed.ctl("pid cat"), is(&format!("{pid}\n"), 0));
    assert_eq!(mixed.ctl("pid idle"), is("0\n", 7));
    assert_eq!(mixed.ctl("signal CONT cat"), is("cat: signalled\n", 0));
    assert_eq!(
        mixed.ctl("signal NOPE cat"),
        is("cat: ERROR (bad signal name)\n", 1)
    );
    assert_eq!(
        mixed.ctl("signal CONT pair:*"),
        is("pair:one: signalled\n", 0)
    );
    assert_eq!(
        mixed.ctl("signal CONT idle"),
        is("idle: ERROR (not running)\n", 7)
    );
}

fn the_other_supervisorctl_tells_the_same_errors(subject: Subject) {
    let mixed = mixed(subject);
    for line in [
        "start",
        "stop",
        "restart",
        "signal HUP",
        "tail",
        "tail cat stdin",
        "clear",
        "avail x",
        "fg",
        "fg idle",
        "nonsense",
        "help status",
        "help tail",
        "remove cat",
        "add nope",
        "pid nope",
    ] {
        mixed.same(line);
    }
    assert_eq!(mixed.run(&["--nonsense"]).code, Some(2));
}

fn the_other_supervisorctl_has_a_shell(subject: Subject) {
    use std::io::Write;
    use std::process::Stdio;
    let mixed = Mixed::start(
        subject,
        "[program:idle]\ncommand=/bin/cat\nstartsecs=0\nautostart=false",
    );
    let sandbox = mixed.daemon.sandbox();
    let mut command = Command::new(sandbox.path("home/supervisorctl"));
    sandbox.equip(&mut command);
    let mut child = command
        .args(["-c", "supervisord.conf"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("supervisorctl can be run");
    let mut input = child.stdin.take().expect("a pipe");
    input
        .write_all(b"start idle\nversion\nquit\n")
        .expect("it reads");
    drop(input);
    let output = child.wait_with_output().expect("it ends");
    assert_eq!(
        String::from_utf8(output.stdout).expect("text"),
        "idle                             STOPPED   Not started\n\
         supervisor> idle: started\nsupervisor> 4.3.0\nsupervisor> \n"
    );
    assert_eq!(output.status.code(), Some(0));
}

fn the_other_supervisorctl_shuts_down(subject: Subject) {
    let mut mixed = mixed(subject);
    assert_eq!(mixed.ctl("shutdown"), is("Shut down\n", 0));
    assert_eq!(mixed.daemon.wait_end(), 0);
    let (out, code) = mixed.ctl("status");
    let out = mixed.daemon.sandbox().without_path(&out);
    assert_eq!(
        (out.as_str(), code),
        ("unix://DIR/s.sock no such file\n", 4)
    );
}

/// A program of the Python environment, which `cargo xtask python` fills.
fn tool(name: &str) -> String {
    let path = python_bin().join(name);
    assert!(
        path.exists(),
        "\"{}\" is missing: run `cargo xtask python`",
        path.display()
    );
    path.display().to_string()
}

fn crashmail_mails_an_unexpected_exit(subject: Subject) {
    let sandbox = Sandbox::configured(
        subject,
        &format!(
            "[eventlistener:crashmail]\ncommand={} -a -o here -m me@localhost -s %(here)s/sendmail\n\
             events=PROCESS_STATE_EXITED\nstderr_logfile=%(here)s/crashmail.err\n\
             [program:good]\ncommand=actor exit 0\nstartsecs=0\n\
             [group:g]\nprograms=bad\n\
             [program:bad]\ncommand=actor exit 3\nstartsecs=0\nautorestart=false",
            tool("crashmail")
        ),
    );
    sandbox.script("sendmail", "#!/bin/sh\ncat >mail.new\nmv mail.new mail\n");
    let daemon = Daemon::start_in(sandbox);
    daemon.wait_file("mail", "exited unexpectedly");
    let mail = normal::numbers_after("(pid ", &daemon.sandbox().read("mail"));
    let lines: Vec<_> = mail.lines().collect();
    assert_eq!(lines[0], "To: me@localhost");
    assert!(
        lines[1].starts_with("Subject: here: bad crashed at "),
        "{mail}"
    );
    assert_eq!(
        lines[3],
        "Process bad in group g exited unexpectedly (pid N) from state RUNNING"
    );
    daemon.wait_file("crashmail.err", "unexpected exit, mailing\n");
    assert_eq!(daemon.state("crashmail"), "RUNNING");
}

fn httpok_restarts_what_does_not_answer(subject: Subject) {
    let port = Sandbox::free_port();
    let daemon = Daemon::start(
        subject,
        &format!(
            "[inet_http_server]\nport=127.0.0.1:{port}\n\
             [eventlistener:httpok]\ncommand={} -p g:p http://127.0.0.1:{port}/no-such\n\
             events=TICK_5\nstderr_logfile=%(here)s/httpok.err\n\
             [group:g]\nprograms=p\n[program:p]\ncommand=/bin/cat\nstartsecs=0",
            tool("httpok")
        ),
    );
    daemon.wait_state("g:p", "RUNNING");
    let pid = daemon.pid_of("g:p");
    daemon.wait_file("httpok.err", "g:p restarted");
    assert_ne!(daemon.pid_of("g:p"), pid);
    assert_eq!(daemon.state("httpok"), "RUNNING");
}

fn memmon_restarts_what_is_too_large(subject: Subject) {
    let daemon = Daemon::start(
        subject,
        &format!(
            "[eventlistener:memmon]\ncommand={} -p p=1\nevents=TICK_5\n\
             stderr_logfile=%(here)s/memmon.err\n\
             [program:p]\ncommand=/bin/cat\nstartsecs=0",
            tool("memmon")
        ),
    );
    daemon.wait_state("p", "RUNNING");
    let pid = daemon.pid_of("p");
    daemon.wait_file("memmon.err", "Restarting p:p\n");
    daemon.wait_log("stopped: p");
    daemon.wait_state("p", "RUNNING");
    assert_ne!(daemon.pid_of("p"), pid);
}

const LISTENER: &str = "
import os
from supervisor import childutils
rpc = childutils.getRPCInterface(os.environ)
while True:
    headers, payload = childutils.listener.wait()
    about, data = childutils.eventdata(payload)
    info = rpc.supervisor.getProcessInfo(about['groupname'] + ':' + about['processname'])
    with open('told', 'a') as file:
        file.write('%s %s %s %r\\n' % (headers['eventname'], headers['pool'], info['statename'], data))
    childutils.listener.ok()
";

fn a_listener_made_with_childutils_hears_and_calls(subject: Subject) {
    let sandbox = Sandbox::configured(
        subject,
        &format!(
            "[unix_http_server]\nusername=user\npassword=secret\n\
             [eventlistener:ear]\ncommand={} -u %(here)s/listener.py\nevents=PROCESS_LOG\n\
             environment=SUPERVISOR_USERNAME=\"user\",SUPERVISOR_PASSWORD=\"secret\"\n\
             [program:p]\ncommand=actor out größe wait\nstartsecs=0\nstdout_events_enabled=true",
            tool("python")
        ),
    );
    sandbox.write("listener.py", LISTENER);
    let daemon = Daemon::launch(sandbox, &["-n", "-c", "supervisord.conf"]);
    daemon.wait_file("told", "\n");
    assert_eq!(
        daemon.sandbox().read("told"),
        "PROCESS_LOG_STDOUT ear RUNNING 'größe\\n'\n"
    );
}

fn a_program_made_with_childutils_communicates(subject: Subject) {
    let sandbox = Sandbox::configured(
        subject,
        &format!(
            "{}[program:p]\ncommand={} -u %(here)s/program.py\nstartsecs=0\n\
             stdout_capture_maxbytes=1MB\nstdout_logfile=%(here)s/p.log",
            crate::ears::ear("PROCESS_COMMUNICATION"),
            tool("python")
        ),
    );
    sandbox.write(
        "program.py",
        "import sys\nfrom supervisor import childutils\n\
         childutils.pcomm.send(b'the busiest program of all', sys.stdout.buffer)\n\
         sys.stdout.write('an ordinary line that is logged\\n')\nsys.stdin.read()\n",
    );
    let daemon = Daemon::start_in(sandbox);
    daemon.wait_file("heard", "\nthe busiest program of all\n");
    daemon.wait_file("p.log", "logged\n");
    assert_eq!(
        daemon.sandbox().read("p.log"),
        "an ordinary line that is logged\n"
    );
}

const PERL: &str = r#"use strict;
use warnings;
use Frontier::Client;
my $server = Frontier::Client->new(url => "http://user:secret\@127.0.0.1:$ARGV[0]/RPC2");
my $info = $server->call('supervisor.getProcessInfo', 'cat');
print "$info->{name} is $info->{statename}\n";
print "stopped: ", $server->call('supervisor.stopProcess', 'cat')->value, "\n";
my $started = $server->call('supervisor.startProcessGroup', 'cat', $server->boolean(1));
print "$_->{group}:$_->{name} $_->{status} $_->{description}\n" for @$started;
my ($text, $size, $overflow) = @{$server->call('supervisor.tailProcessStdoutLog', 'cat', 0, 100)};
print "log '$text' of $size\n";
print scalar @{$server->call('system.listMethods')}, " methods\n";
eval { $server->call('supervisor.getProcessInfo', 'a<b>&c') };
print $@ =~ /(fault code \d+): (.*)/i ? "$1: $2\n" : "no fault: $@\n";
"#;

fn a_client_in_perl_calls_methods(subject: Subject) {
    let port = Sandbox::free_port();
    let daemon = Daemon::start(
        subject,
        &format!(
            "[inet_http_server]\nport=127.0.0.1:{port}\nusername=user\npassword=secret\n\
             [program:cat]\ncommand=/bin/cat\nstartsecs=0"
        ),
    );
    daemon.wait_state("cat", "RUNNING");
    daemon.sandbox().write("client.pl", PERL);
    let mut perl = Command::new("perl");
    daemon.sandbox().equip(&mut perl);
    let run = Run::of(perl.args(["client.pl", &port.to_string()]));
    assert!(
        !run.err.contains("Can't locate Frontier"),
        "the client is missing: on Debian, `apt install libfrontier-rpc-perl`"
    );
    let methods = subject.differs("own-methods", 41, 44);
    let out = format!(
        "cat is RUNNING\nstopped: 1\ncat:cat 80 OK\nlog '' of 0\n{methods} methods\n\
         fault code 10: BAD_NAME: a<b>&c\n"
    );
    assert_eq!((run.out, run.err), (out, String::new()));
}

const PYTHON: &str = "
import sys, xmlrpc.client
server = xmlrpc.client.ServerProxy('http://127.0.0.1:%s/RPC2' % sys.argv[1])
print(server.supervisor.getState())
print(server.supervisor.stopProcess('cat'), server.supervisor.startProcess('cat', True))
print(server.supervisor.sendProcessStdin('cat', 'größe\\n'))
print(len(server.system.listMethods()), server.system.methodSignature('supervisor.getPID'))
print(server.supervisor.readProcessStdoutLog('cat', xmlrpc.client.Binary(b'0').data.decode(), 0) != None)
try:
    server.supervisor.startProcess('nope')
except xmlrpc.client.Fault as fault:
    print(fault)
";

fn python_s_own_client_calls_methods(subject: Subject) {
    let port = Sandbox::free_port();
    let daemon = Daemon::start(
        subject,
        &format!(
            "[inet_http_server]\nport=127.0.0.1:{port}\n\
             [program:cat]\ncommand=/bin/cat\nstartsecs=0"
        ),
    );
    daemon.wait_state("cat", "RUNNING");
    daemon.sandbox().write("client.py", PYTHON);
    let mut python = Command::new(tool("python"));
    daemon.sandbox().equip(&mut python);
    let run = Run::of(python.args(["client.py", &port.to_string()]));
    let methods = subject.differs("own-methods", 41, 44);
    let out = format!(
        "{{'statecode': 1, 'statename': 'RUNNING'}}\nTrue True\nTrue\n{methods} ['int']\nTrue\n\
         <Fault 10: 'BAD_NAME: nope'>\n"
    );
    assert_eq!((run.out, run.err), (out, String::new()));
}
