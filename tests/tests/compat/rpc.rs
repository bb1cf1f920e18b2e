//! XML-RPC: what each method answers, and its faults.

use minder_rpc::Value;
use minder_tests::{Daemon, Subject, cases, normal, xmlrpc};

use crate::unexpected_fault;

cases!(
    the_daemon_describes_itself,
    all_methods_are_listed,
    signatures_are_given_and_unknown_ones_are_faults,
    process_info_has_every_member_in_order,
    all_process_info_is_sorted,
    config_info_has_every_member_in_order,
    names_are_taken_literally,
    start_faults_are_numbered,
    stop_and_signal_faults_are_numbered,
    groups_answer_with_a_struct_a_process,
    calls_on_all_processes_answer_with_a_struct_each,
    logs_are_cleared_by_call,
    calls_that_do_not_wait_answer_at_once,
    wrong_argument_counts_and_methods_are_faults,
    logs_are_read_by_offset_and_length,
    log_tails_overlap_as_supervisor_s_do,
    the_main_log_is_read_and_cleared,
    standard_input_is_written,
    multicall_answers_bare_values,
    reread_add_and_remove_are_methods,
    a_stopping_process_is_neither_running_nor_stopped,
    shutdown_refuses_all_later_calls,
);

const PROGRAMS: &str = "
[program:cat]
command=/bin/cat
startsecs=0
stderr_logfile=NONE
[program:idle]
command=/bin/cat
startsecs=0
autostart=false
[group:pair]
programs=one,two
[program:one]
command=/bin/cat
startsecs=0
[program:two]
command=/no/such
autostart=false
";

fn daemon(subject: Subject) -> Daemon {
    let daemon = Daemon::start(subject, PROGRAMS);
    daemon.wait_state("cat", "RUNNING");
    daemon.wait_state("pair:one", "RUNNING");
    daemon
}

fn fault(code: i64, text: &str) -> xmlrpc::Fault {
    (code, text.to_owned())
}

fn structure(members: &[(&str, Value)]) -> Value {
    let named = members
        .iter()
        .map(|(name, value)| ((*name).to_owned().into(), value.clone()));
    Value::Struct(named.collect())
}

/// An entry of the answer to a call on several processes.
fn entry(name: &str, group: &str, status: i32, description: &str) -> Value {
    structure(&[
        ("name", name.into()),
        ("group", group.into()),
        ("status", status.into()),
        ("description", description.into()),
    ])
}

fn texts(value: &Value) -> Vec<&str> {
    let items = value.as_array().expect("an array");
    items
        .iter()
        .map(|item| item.as_text().expect("a text"))
        .collect()
}

/// The names of a struct's members and the kinds of their values.
fn shape(value: &Value) -> Vec<String> {
    let Value::Struct(members) = value else {
        panic!("{value:?} is no struct");
    };
    let kind = |value: &Value| match value {
        Value::Int(_) => "int",
        Value::Bool(_) => "bool",
        Value::Text(_) => "text",
        Value::Array(_) => "array",
        Value::Struct(_) => "struct",
        Value::Double(_) | Value::DateTime(_) => "a kind that Supervisor never sends",
    };
    members
        .iter()
        .map(|(name, value)| format!("{name} {}", kind(value)))
        .collect()
}

fn the_daemon_describes_itself(subject: Subject) {
    let daemon = Daemon::start(subject, "[supervisord]\nidentifier=me & <you>");
    assert_eq!(daemon.ask("getAPIVersion", &[]), "3.0".into());
    assert_eq!(daemon.ask("getVersion", &[]), "3.0".into());
    assert_eq!(daemon.ask("getSupervisorVersion", &[]), "4.3.0".into());
    assert_eq!(daemon.ask("getIdentification", &[]), "me & <you>".into());
    assert_eq!(daemon.ask("getPID", &[]), daemon.pid().into());
    let running = structure(&[("statecode", 1.into()), ("statename", "RUNNING".into())]);
    assert_eq!(daemon.ask("getState", &[]), running);
    assert_eq!(daemon.ask("getAllProcessInfo", &[]), Value::Array(vec![]));
}

fn all_methods_are_listed(subject: Subject) {
    let daemon = Daemon::start(subject, "");
    let methods = daemon.call("system.listMethods", &[]).expect("no fault");
    let supervisor = "addProcessGroup clearAllProcessLogs clearLog clearProcessLog \
        clearProcessLogs getAPIVersion getAllConfigInfo getAllProcessInfo getIdentification \
        getPID getProcessInfo getState getSupervisorVersion getVersion readLog readMainLog \
        readProcessLog readProcessStderrLog readProcessStdoutLog reloadConfig \
        removeProcessGroup restart sendProcessStdin sendRemoteCommEvent shutdown \
        signalAllProcesses signalProcess signalProcessGroup startAllProcesses startProcess \
        startProcessGroup stopAllProcesses stopProcess stopProcessGroup tailProcessLog \
        tailProcessStderrLog tailProcessStdoutLog";
    let system = "listMethods methodHelp methodSignature multicall";
    let named = |namespace: &str, names: &str| -> Vec<String> {
        names
            .split_whitespace()
            .map(|name| format!("{namespace}.{name}"))
            .collect()
    };
    let own = subject.differs("own-methods", "", "getInfo getVersion upgrade");
    let expected = [
        named("minder", own),
        named("supervisor", supervisor),
        named("system", system),
    ];
    assert_eq!(texts(&methods), expected.concat());
}

fn signatures_are_given_and_unknown_ones_are_faults(subject: Subject) {
    let daemon = Daemon::start(subject, "");
    let signature = |method: &str| daemon.call("system.methodSignature", &[method.into()]);
    for (method, expected) in [
        (
            "supervisor.startProcess",
            &["boolean", "string", "boolean"][..],
        ),
        ("supervisor.getPID", &["int"][..]),
        ("supervisor.getState", &["struct"][..]),
        ("supervisor.readLog", &["string", "int", "int"][..]),
        (
            "supervisor.tailProcessLog",
            &["array", "string", "int", "int"][..],
        ),
        ("system.multicall", &["array", "array"][..]),
    ] {
        assert_eq!(
            texts(&signature(method).expect(method)),
            expected,
            "{method}"
        );
    }
    let unknown = Err(fault(4, "SIGNATURE_UNSUPPORTED"));
    assert_eq!(signature("supervisor.nope"), unknown);
    assert_eq!(daemon.call("system.methodHelp", &["nope".into()]), unknown);
    let help = daemon.call("system.methodHelp", &["supervisor.startProcess".into()]);
    let help = help.expect("no fault");
    assert!(help.as_text().expect("a text").contains("@return boolean"));
}

fn process_info_has_every_member_in_order(subject: Subject) {
    let daemon = daemon(subject);
    let info = daemon.ask("getProcessInfo", &["cat".into()]);
    assert_eq!(
        shape(&info),
        [
            "name text",
            "group text",
            "start int",
            "stop int",
            "now int",
            "state int",
            "statename text",
            "spawnerr text",
            "exitstatus int",
            "logfile text",
            "stdout_logfile text",
            "stderr_logfile text",
            "pid int",
            "description text",
        ]
    );
    for (member, value) in [
        ("name", "cat".into()),
        ("group", "cat".into()),
        ("stop", 0.into()),
        ("state", 20.into()),
        ("statename", "RUNNING".into()),
        ("spawnerr", "".into()),
        ("exitstatus", 0.into()),
        ("stderr_logfile", "".into()),
    ] {
        assert_eq!(info.member(member), Some(&value), "{member}");
    }
    assert_eq!(info.member("logfile"), info.member("stdout_logfile"));
    let idle = daemon.ask("getProcessInfo", &["idle".into()]);
    assert_eq!(idle.member("description"), Some(&"Not started".into()));
    assert_eq!(idle.member("pid"), Some(&0.into()));
    assert_eq!(idle.member("start"), Some(&0.into()));
}

fn all_process_info_is_sorted(subject: Subject) {
    let daemon = daemon(subject);
    let all = daemon.ask("getAllProcessInfo", &[]);
    let names: Vec<_> = all
        .as_array()
        .expect("an array")
        .iter()
        .map(|info| {
            info.member("name")
                .and_then(Value::as_text)
                .expect("a name")
        })
        .collect();
    assert_eq!(names, ["cat", "idle", "one", "two"]);
}

fn config_info_has_every_member_in_order(subject: Subject) {
    let daemon = daemon(subject);
    let all = daemon.ask("getAllConfigInfo", &[]);
    let cat = &all.as_array().expect("an array")[0];
    assert_eq!(
        shape(cat),
        [
            "autostart bool",
            "directory text",
            "uid text",
            "command text",
            "exitcodes array",
            "group text",
            "group_prio int",
            "inuse bool",
            "killasgroup bool",
            "name text",
            "process_prio int",
            "redirect_stderr bool",
            "startretries int",
            "startsecs int",
            "stdout_capture_maxbytes int",
            "stdout_events_enabled bool",
            "stdout_logfile text",
            "stdout_logfile_backups int",
            "stdout_logfile_maxbytes int",
            "stdout_syslog bool",
            "stopsignal int",
            "stopwaitsecs int",
            "stderr_capture_maxbytes int",
            "stderr_events_enabled bool",
            "stderr_logfile text",
            "stderr_logfile_backups int",
            "stderr_logfile_maxbytes int",
            "stderr_syslog bool",
            "serverurl text",
        ]
    );
    for (member, value) in [
        ("command", "/bin/cat".into()),
        ("directory", "none".into()),
        ("uid", "none".into()),
        ("stderr_logfile", "none".into()),
        ("exitcodes", Value::Array(vec![0.into()])),
        ("stdout_logfile_maxbytes", 52_428_800.into()),
        ("stdout_logfile_backups", 10.into()),
        ("startretries", 3.into()),
        ("stopsignal", 15.into()),
        ("stopwaitsecs", 10.into()),
        ("inuse", true.into()),
    ] {
        assert_eq!(cat.member(member), Some(&value), "{member}");
    }
}

fn names_are_taken_literally(subject: Subject) {
    let daemon = daemon(subject);
    for name in [
        "", "*", ":", "a:b:c", "cat:", " cat", "Cat", "pair", "cat:*",
    ] {
        assert_eq!(
            daemon.fault("getProcessInfo", &[name.into()]),
            fault(10, &format!("BAD_NAME: {name}"))
        );
    }
    assert_eq!(daemon.info_text("cat:cat", "name"), "cat");
}

fn start_faults_are_numbered(subject: Subject) {
    let daemon = daemon(subject);
    let start = |name: &str| daemon.fault("startProcess", &[name.into()]);
    assert_eq!(start("nope"), fault(10, "BAD_NAME: nope"));
    assert_eq!(start("nope:*"), fault(10, "BAD_NAME: nope:*"));
    assert_eq!(start("cat"), fault(60, "ALREADY_STARTED: cat"));
    let missing = "NO_FILE: can't find command '/no/such'";
    assert_eq!(start("pair:two"), fault(20, missing));
    assert_eq!(
        daemon.ask("startProcessGroup", &["pair".into()]),
        Value::Array(vec![entry("two", "pair", 20, missing)])
    );
    assert_eq!(
        daemon.fault("startProcessGroup", &["pair:*".into()]),
        fault(10, "BAD_NAME: pair:*")
    );
}

fn stop_and_signal_faults_are_numbered(subject: Subject) {
    let daemon = daemon(subject);
    let stop = |name: &str| daemon.fault("stopProcess", &[name.into()]);
    assert_eq!(stop("nope"), fault(10, "BAD_NAME: nope"));
    assert_eq!(stop("idle"), fault(70, "NOT_RUNNING: idle"));
    let signal =
        |name: &str, signal: &str| daemon.fault("signalProcess", &[name.into(), signal.into()]);
    assert_eq!(signal("nope", "NOPE"), fault(10, "BAD_NAME: nope"));
    assert_eq!(signal("cat", "NOPE"), fault(11, "BAD_SIGNAL: NOPE"));
    assert_eq!(signal("idle", "HUP"), fault(70, "NOT_RUNNING: idle"));
    let number = daemon.ask("signalProcess", &["cat".into(), 18.into()]);
    assert_eq!(number, true.into());
}

fn groups_answer_with_a_struct_a_process(subject: Subject) {
    let daemon = daemon(subject);
    assert_eq!(
        daemon.ask("signalProcessGroup", &["pair".into(), "CONT".into()]),
        Value::Array(vec![entry("one", "pair", 80, "OK")])
    );
    assert_eq!(
        daemon.ask("signalProcess", &["pair:*".into(), "NOPE".into()]),
        Value::Array(vec![entry("one", "pair", 11, "BAD_SIGNAL: NOPE")])
    );
    assert_eq!(
        daemon.ask("stopProcessGroup", &["pair".into()]),
        Value::Array(vec![entry("one", "pair", 80, "OK")])
    );
    assert_eq!(
        daemon.ask("stopProcess", &["pair:*".into()]),
        Value::Array(vec![])
    );
    assert_eq!(
        daemon.ask("stopProcess", &["cat:*".into()]),
        Value::Array(vec![entry("cat", "cat", 80, "OK")])
    );
    assert_eq!(
        daemon.ask("startProcess", &["cat:".into()]),
        Value::Array(vec![entry("cat", "cat", 80, "OK")])
    );
}

fn calls_on_all_processes_answer_with_a_struct_each(subject: Subject) {
    let daemon = daemon(subject);
    let missing = "NO_FILE: can't find command '/no/such'";
    let all = |method: &str, param: Value| {
        let Value::Array(mut entries) = daemon.ask(method, &[param]) else {
            panic!("{method} answers with no array");
        };
        // Those that are waited for come as they end, which is not always in order.
        entries.sort_by_key(|entry| format!("{entry:?}"));
        entries
    };
    assert_eq!(
        all("startAllProcesses", true.into()),
        [
            entry("idle", "idle", 80, "OK"),
            entry("two", "pair", 20, missing)
        ]
    );
    let running = [
        entry("cat", "cat", 80, "OK"),
        entry("idle", "idle", 80, "OK"),
        entry("one", "pair", 80, "OK"),
    ];
    assert_eq!(all("signalAllProcesses", "CONT".into()), running);
    assert_eq!(all("stopAllProcesses", true.into()), running);
    assert_eq!(all("stopAllProcesses", true.into()), []);
}

fn logs_are_cleared_by_call(subject: Subject) {
    let daemon = written_log(subject);
    let name = |name: &str| [Value::from(name)];
    assert_eq!(daemon.ask("clearProcessLogs", &name("p")), true.into());
    assert_eq!(daemon.sandbox().read("p.log"), "");
    for unknown in ["nope", "p:*"] {
        assert_eq!(
            daemon.fault("clearProcessLog", &name(unknown)),
            fault(10, &format!("BAD_NAME: {unknown}"))
        );
    }
    assert_eq!(
        daemon.ask("clearAllProcessLogs", &[]),
        Value::Array(vec![
            entry("never", "never", 80, "OK"),
            entry("p", "p", 80, "OK"),
        ])
    );
}

fn calls_that_do_not_wait_answer_at_once(subject: Subject) {
    let daemon = Daemon::start(
        subject,
        "[program:brief]\ncommand=actor exit 1\nautostart=false\nautorestart=false\n\
         [program:slow]\ncommand=/bin/cat\nautostart=false\nstartsecs=60",
    );
    let start = |name: &str| daemon.ask("startProcess", &[name.into(), false.into()]);
    assert_eq!(start("brief"), true.into());
    assert_eq!(start("slow"), true.into());
    assert_eq!(daemon.state("slow"), "STARTING");
    let stop = daemon.ask("stopProcess", &["slow".into(), false.into()]);
    assert_eq!(stop, true.into());
    daemon.wait_state("slow", "STOPPED");
}

fn wrong_argument_counts_and_methods_are_faults(subject: Subject) {
    let daemon = daemon(subject);
    let count = fault(2, "INCORRECT_PARAMETERS");
    assert_eq!(daemon.fault("getPID", &[1.into()]), count);
    assert_eq!(daemon.fault("getProcessInfo", &[]), count);
    assert_eq!(
        daemon.fault("startProcess", &["cat".into(), true.into(), 1.into()]),
        count
    );
    for method in [
        "supervisor.nope",
        "nope.getPID",
        "getPID",
        "a.b.c",
        "supervisor._update",
    ] {
        let answer = daemon.call(method, &[]);
        assert_eq!(answer, Err(fault(1, "UNKNOWN_METHOD")), "{method}");
    }
}

fn written_log(subject: Subject) -> Daemon {
    let daemon = Daemon::start(
        subject,
        "[program:p]\ncommand=actor out 0123456 out abcdefg wait\nstartsecs=0\n\
         stdout_logfile=%(here)s/p.log\nstderr_logfile=NONE\n\
         [program:never]\ncommand=/bin/cat\nautostart=false\nstdout_logfile=%(here)s/never.log",
    );
    daemon.wait_file("p.log", "abcdefg\n");
    daemon
}

fn logs_are_read_by_offset_and_length(subject: Subject) {
    let daemon = written_log(subject);
    let read = |offset: i32, length: i32| {
        daemon.call(
            "supervisor.readProcessStdoutLog",
            &["p".into(), offset.into(), length.into()],
        )
    };
    assert_eq!(read(0, 0), Ok("0123456\nabcdefg\n".into()));
    assert_eq!(read(2, 3), Ok("234".into()));
    assert_eq!(read(8, 0), Ok("abcdefg\n".into()));
    assert_eq!(read(99, 5), Ok("".into()));
    assert_eq!(read(-4, 0), Ok("efg\n".into()));
    assert_eq!(read(-99, 0), Ok("0123456\nabcdefg\n".into()));
    assert_eq!(read(-4, 2), Err(fault(3, "BAD_ARGUMENTS")));
    assert_eq!(read(0, -1), Err(fault(3, "BAD_ARGUMENTS")));
    let from_start = |name: &str| [name.into(), 0.into(), 0.into()];
    assert_eq!(
        daemon.fault("readProcessStderrLog", &from_start("p")),
        fault(20, "NO_FILE")
    );
    let (code, text) = daemon.fault("readProcessStdoutLog", &from_start("never"));
    assert_eq!(
        (code, daemon.sandbox().without_path(&text)),
        fault(20, "NO_FILE: DIR/never.log")
    );
    assert_eq!(
        daemon.fault("readProcessStdoutLog", &from_start("nope")),
        fault(10, "BAD_NAME: nope")
    );
}

fn log_tails_overlap_as_supervisor_s_do(subject: Subject) {
    let daemon = written_log(subject);
    for (offset, length, text, overflow) in [
        (0, 16, "0123456\nabcdefg\n", false),
        (0, 4, "efg\n", true),
        // Longer than what is behind the offset: what stands before it comes again.
        (12, 8, "abcdefg\n", false),
        (16, 8, "", false),
        (0, 0, "", true),
    ] {
        let params = ["p".into(), offset.into(), length.into()];
        let tail = daemon.ask("tailProcessStdoutLog", &params);
        let expected = Value::Array(vec![text.into(), 16.into(), overflow.into()]);
        assert_eq!(tail, expected, "offset {offset}, length {length}");
    }
    assert_eq!(
        daemon.ask("tailProcessStderrLog", &["p".into(), 0.into(), 9.into()]),
        Value::Array(vec!["".into(), 0.into(), false.into()])
    );
}

fn the_main_log_is_read_and_cleared(subject: Subject) {
    let daemon = daemon(subject);
    let all = daemon.ask("readLog", &[0.into(), 0.into()]);
    assert!(
        all.as_text()
            .expect("a text")
            .contains("supervisord started with pid")
    );
    let end = daemon.ask("readMainLog", &[(-5).into(), 0.into()]);
    assert_eq!(end.as_text().map(str::len), Some(5));
    assert_eq!(daemon.ask("clearLog", &[]), true.into());
    assert_eq!(daemon.ask("readLog", &[0.into(), 0.into()]), "".into());
    assert_eq!(daemon.ask("stopProcess", &["cat".into()]), true.into());
    daemon.wait_log("stopped: cat");
}

fn standard_input_is_written(subject: Subject) {
    let daemon = daemon(subject);
    let send =
        |name: &str, text: Value| daemon.call("supervisor.sendProcessStdin", &[name.into(), text]);
    assert_eq!(send("cat", "grüße\n".into()), Ok(true.into()));
    daemon.wait_file(&daemon.info_text("cat", "logfile"), "grüße\n");
    assert_eq!(
        send("idle", "x".into()),
        Err(fault(70, "NOT_RUNNING: idle"))
    );
    assert_eq!(send("nope", "x".into()), Err(fault(10, "BAD_NAME: nope")));
    assert_eq!(
        send("nope", 5.into()),
        Err(fault(2, "INCORRECT_PARAMETERS: 5"))
    );
}

fn multicall_answers_bare_values(subject: Subject) {
    let daemon = daemon(subject);
    let call = |method: &str, params: Vec<Value>| {
        structure(&[
            ("methodName", method.into()),
            ("params", Value::Array(params)),
        ])
    };
    let failed = |code: i32, text: &str| {
        structure(&[("faultCode", code.into()), ("faultString", text.into())])
    };
    let calls = vec![
        call("supervisor.getVersion", vec![]),
        call("supervisor.stopProcess", vec!["cat".into()]),
        call("supervisor.stopProcess", vec!["cat".into()]),
        call("supervisor.nope", vec![]),
        call("system.multicall", vec![]),
        structure(&[]),
    ];
    assert_eq!(
        daemon.call("system.multicall", &[Value::Array(calls)]),
        Ok(Value::Array(vec![
            "3.0".into(),
            true.into(),
            failed(70, "NOT_RUNNING: cat"),
            failed(1, "UNKNOWN_METHOD"),
            failed(
                2,
                "INCORRECT_PARAMETERS: Recursive system.multicall forbidden"
            ),
            failed(2, "INCORRECT_PARAMETERS: No methodName"),
        ]))
    );
}

fn reread_add_and_remove_are_methods(subject: Subject) {
    let daemon = daemon(subject);
    let later = PROGRAMS.replace("program:idle", "program:fresh");
    daemon.sandbox().configure(&later);
    let list = |names: &[&str]| Value::Array(names.iter().map(|name| (*name).into()).collect());
    let changes = Value::Array(vec![list(&["fresh"]), list(&[]), list(&["idle"])]);
    assert_eq!(daemon.ask("reloadConfig", &[]), Value::Array(vec![changes]));
    let named = |method: &str, name: &str| daemon.call(method, &[name.into()]);
    let (add, remove) = (
        "supervisor.addProcessGroup",
        "supervisor.removeProcessGroup",
    );
    assert_eq!(named(add, "fresh"), Ok(true.into()));
    assert_eq!(named(add, "fresh"), Err(fault(90, "ALREADY_ADDED: fresh")));
    assert_eq!(named(add, "nope"), Err(fault(10, "BAD_NAME: nope")));
    assert_eq!(named(remove, "cat"), Err(fault(91, "STILL_RUNNING: cat")));
    assert_eq!(named(remove, "idle"), Ok(true.into()));
    assert_eq!(named(remove, "idle"), Err(fault(10, "BAD_NAME: idle")));
    daemon.sandbox().configure("[program:p]\n");
    assert_eq!(
        daemon.fault("reloadConfig", &[]),
        fault(
            92,
            "CANT_REREAD: program section program:p does not specify a command \
             in section 'program:p' (file: 'supervisord.conf')"
        )
    );
}

fn a_stopping_process_is_neither_running_nor_stopped(subject: Subject) {
    let daemon = Daemon::start(
        subject,
        "[program:stubborn]\ncommand=actor ignore TERM out ready wait\nstartsecs=0\n\
         stopwaitsecs=60\nstdout_logfile=%(here)s/p.log",
    );
    daemon.wait_file("p.log", "ready");
    let stop = || daemon.call("supervisor.stopProcess", &["stubborn".into(), false.into()]);
    assert_eq!(stop(), Ok(true.into()));
    assert_eq!(daemon.state("stubborn"), "STOPPING");
    assert_eq!(stop(), Err(fault(70, "NOT_RUNNING: stubborn")));
    let group = ["stubborn".into()];
    assert_eq!(
        daemon.fault("removeProcessGroup", &group),
        fault(91, "STILL_RUNNING: stubborn")
    );
    let stdin = ["stubborn".into(), "x".into()];
    assert_eq!(
        daemon.fault("sendProcessStdin", &stdin),
        fault(70, "NOT_RUNNING: stubborn")
    );
    let killed = daemon.ask("signalProcess", &["stubborn".into(), "KILL".into()]);
    assert_eq!(killed, true.into());
    daemon.wait_state("stubborn", "STOPPED");
}

fn shutdown_refuses_all_later_calls(subject: Subject) {
    let mut daemon = Daemon::start(
        subject,
        "[program:slow]\ncommand=actor ignore TERM out ready until go\nstartsecs=0\n\
         stdout_logfile=%(here)s/p.log\nstopwaitsecs=60",
    );
    daemon.wait_file("p.log", "ready");
    assert_eq!(daemon.ask("shutdown", &[]), true.into());
    daemon.wait_log("waiting for slow to die");
    let down = fault(6, "SHUTDOWN_STATE");
    assert_eq!(daemon.fault("getState", &[]), down);
    assert_eq!(daemon.fault("shutdown", &[]), down);
    assert_eq!(daemon.fault("getProcessInfo", &["slow".into()]), down);
    assert!(daemon.call("system.listMethods", &[]).is_ok());
    let event = daemon.ask("sendRemoteCommEvent", &["type".into(), "data".into()]);
    assert_eq!(event, true.into());
    assert_eq!(
        daemon.ctl_line("shutdown"),
        ("ERROR: already shutting down\n".to_owned(), 0)
    );
    assert_eq!(
        daemon.ctl_line("update"),
        ("ERROR: already shutting down\n".to_owned(), 1)
    );
    let (out, code) = daemon.ctl_line("status");
    assert_eq!(
        (normal::without_origin(&out), code),
        (unexpected_fault(subject, 6, "SHUTDOWN_STATE"), 1)
    );
    daemon.sandbox().write("go", "");
    assert_eq!(daemon.wait_end(), 0);
}
