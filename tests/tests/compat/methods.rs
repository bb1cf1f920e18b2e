//! XML-RPC in detail: argument types, odd names, whole signatures, configured values, log bytes.

use minder_rpc::Value;
use minder_tests::{Daemon, Sandbox, Subject, cases, wait_until, xmlrpc};

cases!(
    every_method_has_its_signature,
    every_method_is_explained,
    texts_may_come_in_any_form,
    offsets_may_be_written_in_several_types,
    waiting_is_a_matter_of_truth,
    names_of_groups_may_be_no_text,
    names_of_processes_must_be_text,
    aliases_answer_as_what_they_stand_for,
    calls_in_one_are_made_in_order,
    calls_in_one_may_be_malformed,
    configured_values_are_shown,
    unset_values_are_shown_as_none,
    the_candidate_configuration_is_shown,
    automatic_logs_are_told_of_until_the_configuration_is_read_again,
    reading_the_main_log_has_its_faults,
    a_missing_main_log_is_a_fault,
    both_logs_of_a_process_are_cleared,
    line_ends_in_requests_are_newlines,
    texts_are_escaped_and_kept,
    bytes_that_are_no_text_are_read,
    events_may_be_sent_without_listeners,
    signals_may_be_numbers,
    groups_refuse_a_bad_signal_for_each_process,
    an_added_group_starts_by_itself_if_it_should,
    a_restart_is_answered_before_it_happens,
    the_methods_are_called_as_their_section_says,
    without_their_section_there_are_no_methods,
    dates_are_told_as_python_writes_them,
    a_group_to_be_added_may_be_called_anything,
    what_starts_at_once_is_told_before_what_takes_time,
);

fn fault(code: i64, text: &str) -> xmlrpc::Fault {
    (code, text.to_owned())
}

fn texts(items: &[&str]) -> Value {
    Value::Array(items.iter().map(|item| (*item).into()).collect())
}

fn every_method_has_its_signature(subject: Subject) {
    let daemon = Daemon::start(subject, "");
    let mut seen = 0;
    for (signature, methods) in [
        ("boolean", "clearLog restart shutdown"),
        (
            "boolean string",
            "addProcessGroup removeProcessGroup clearProcessLog clearProcessLogs",
        ),
        (
            "boolean string string",
            "sendProcessStdin sendRemoteCommEvent signalProcess",
        ),
        ("boolean string boolean", "startProcess stopProcess"),
        (
            "string",
            "getAPIVersion getVersion getSupervisorVersion getIdentification",
        ),
        ("string int int", "readLog readMainLog"),
        (
            "string string int int",
            "readProcessLog readProcessStdoutLog readProcessStderrLog",
        ),
        ("int", "getPID"),
        ("struct", "getState"),
        ("struct string", "getProcessInfo"),
        (
            "array",
            "clearAllProcessLogs getAllConfigInfo getAllProcessInfo reloadConfig",
        ),
        ("array string", "signalAllProcesses"),
        ("array string string", "signalProcessGroup"),
        ("array boolean", "startAllProcesses stopAllProcesses"),
        ("array string boolean", "startProcessGroup stopProcessGroup"),
        (
            "array string int int",
            "tailProcessLog tailProcessStdoutLog tailProcessStderrLog",
        ),
    ] {
        for method in methods.split(' ') {
            let name = format!("supervisor.{method}");
            let answer = daemon.call("system.methodSignature", &[name.as_str().into()]);
            let expected = texts(&signature.split(' ').collect::<Vec<_>>());
            assert_eq!(answer, Ok(expected), "{method}");
            seen += 1;
        }
    }
    assert_eq!(seen, 37);
}

fn every_method_is_explained(subject: Subject) {
    let daemon = Daemon::start(subject, "");
    let methods = daemon.call("system.listMethods", &[]).expect("no fault");
    for method in methods.as_array().expect("an array") {
        let help = daemon.call("system.methodHelp", std::slice::from_ref(method));
        let help = help.expect("no fault");
        let help = help.as_text().expect("a text");
        assert!(help.contains("@return "), "{method:?}: {help}");
    }
}

/// Sends a call whose parameters are written out.
fn call_raw(daemon: &Daemon, method: &str, params: &str) -> Result<Value, xmlrpc::Fault> {
    let body = format!(
        "<?xml version='1.0'?>\n<!-- a comment -->\n<methodCall>\n <methodName>{method}</methodName>\n \
         {params}\n</methodCall>\n"
    );
    let mut connection = daemon.connect().expect("a connection");
    let answer = connection.post("/RPC2", &body).expect("an answer");
    assert_eq!(answer.status(), 200, "{body}");
    xmlrpc::answer(answer.text())
}

fn texts_may_come_in_any_form(subject: Subject) {
    let daemon = Daemon::start(subject, "[program:p]\ncommand=/bin/cat\nautostart=false");
    for value in [
        "<value>p</value>",
        "<value><string>p</string></value>",
        "<value><string><![CDATA[p]]></string></value>",
        "<value>&#112;</value>",
        "<value><base64>cA==</base64></value>",
        "<value>\n<string>p</string>\n</value>",
    ] {
        let params = format!("<params><param>{value}</param></params>");
        let info = call_raw(&daemon, "supervisor.getProcessInfo", &params).expect(value);
        assert_eq!(info.member("name"), Some(&"p".into()), "{value}");
    }
    for params in ["", "<params/>", "<params></params>", "<params>\n</params>"] {
        let version = call_raw(&daemon, "supervisor.getAPIVersion", params);
        assert_eq!(version, Ok("3.0".into()), "{params}");
    }
}

fn log_of_ten(subject: Subject) -> Daemon {
    let sandbox = Sandbox::configured(
        subject,
        "[program:p]\ncommand=/bin/cat\nautostart=false\nstdout_logfile=%(here)s/p.log",
    );
    sandbox.write("p.log", "0123456789");
    Daemon::start_in(sandbox)
}

fn offsets_may_be_written_in_several_types(subject: Subject) {
    let daemon = log_of_ten(subject);
    for (offset, length, text) in [
        ("<string>2</string>", "<int>3</int>", "234"),
        ("<i4>2</i4>", "<string> 3 </string>", "234"),
        ("<double>2.9</double>", "<double>3.0</double>", "234"),
        ("<boolean>1</boolean>", "<boolean>0</boolean>", "123456789"),
        ("<int>-3</int>", "<int>0</int>", "789"),
    ] {
        let params = format!(
            "<params><param><value>p</value></param><param><value>{offset}</value></param>\
             <param><value>{length}</value></param></params>"
        );
        let answer = call_raw(&daemon, "supervisor.readProcessLog", &params);
        assert_eq!(answer, Ok(text.into()), "{params}");
    }
}

fn waiting_is_a_matter_of_truth(subject: Subject) {
    let daemon = Daemon::start(
        subject,
        "[program:p]\ncommand=/bin/cat\nautostart=false\nstartsecs=600",
    );
    for falsehood in ["".into(), 0.into(), false.into(), Value::Array(vec![])] {
        let started = daemon.ask("startProcess", &["p".into(), falsehood]);
        assert_eq!(
            (started, daemon.state("p").as_str()),
            (true.into(), "STARTING")
        );
        let stopped = daemon.ask("stopProcess", &["p".into(), "yes".into()]);
        assert_eq!(
            (stopped, daemon.state("p").as_str()),
            (true.into(), "STOPPED")
        );
    }
}

fn names_of_groups_may_be_no_text(subject: Subject) {
    let daemon = Daemon::start(subject, "");
    for method in [
        "addProcessGroup",
        "removeProcessGroup",
        "startProcessGroup",
        "stopProcessGroup",
    ] {
        assert_eq!(
            daemon.fault(method, &[5.into()]),
            fault(10, "BAD_NAME: 5"),
            "{method}"
        );
    }
    assert_eq!(
        daemon.fault("signalProcessGroup", &[5.into(), "HUP".into()]),
        fault(10, "BAD_NAME: 5")
    );
}

fn names_of_processes_must_be_text(subject: Subject) {
    let daemon = Daemon::start(subject, "[program:p]\ncommand=/bin/cat\nautostart=false");
    for method in [
        "getProcessInfo",
        "startProcess",
        "stopProcess",
        "clearProcessLogs",
    ] {
        let request = xmlrpc::request(&format!("supervisor.{method}"), &[5.into()]);
        let mut connection = daemon.connect().expect("a connection");
        let answer = connection.post("/RPC2", &request).expect("an answer");
        let status = subject.differs("strict-http", 500, 200);
        assert_eq!(answer.status(), status, "{method}");
        if status == 200 {
            let (code, _) = xmlrpc::answer(answer.text()).expect_err("a fault");
            assert_eq!(code, 2, "{method}");
        }
    }
}

fn aliases_answer_as_what_they_stand_for(subject: Subject) {
    let daemon = log_of_ten(subject);
    let range = ["p".into(), 2.into(), 3.into()];
    assert_eq!(daemon.ask("readProcessLog", &range), "234".into());
    assert_eq!(daemon.ask("readProcessStdoutLog", &range), "234".into());
    let tail = Value::Array(vec!["789".into(), 10.into(), true.into()]);
    assert_eq!(daemon.ask("tailProcessLog", &range), tail);
    assert_eq!(daemon.ask("tailProcessStdoutLog", &range), tail);
    assert_eq!(daemon.ask("clearProcessLog", &["p".into()]), true.into());
    assert_eq!(
        daemon.ask("getVersion", &[]),
        daemon.ask("getAPIVersion", &[])
    );
    let end = [(-9).into(), 0.into()];
    assert_eq!(daemon.ask("readMainLog", &end), daemon.ask("readLog", &end));
}

fn one_call(method: Value, params: Value) -> Value {
    Value::Struct(vec![
        ("methodName".into(), method),
        ("params".into(), params),
    ])
}

fn failed(code: i32, text: &str) -> Value {
    Value::Struct(vec![
        ("faultCode".into(), code.into()),
        ("faultString".into(), text.into()),
    ])
}

fn calls_in_one_are_made_in_order(subject: Subject) {
    let daemon = Daemon::start(
        subject,
        "[program:p]\ncommand=/bin/cat\nautostart=false\nstartsecs=0",
    );
    let p = || Value::Array(vec!["p".into()]);
    let calls = ["start", "stop", "stop", "start"]
        .map(|verb| one_call(format!("supervisor.{verb}Process").into(), p()));
    assert_eq!(
        daemon.call("system.multicall", &[Value::Array(calls.into())]),
        Ok(Value::Array(vec![
            true.into(),
            true.into(),
            failed(70, "NOT_RUNNING: p"),
            true.into()
        ]))
    );
    assert_eq!(daemon.state("p"), "RUNNING");
}

fn calls_in_one_may_be_malformed(subject: Subject) {
    let daemon = Daemon::start(subject, "");
    let multicall = |calls: Value| daemon.call("system.multicall", &[calls]);
    assert_eq!(multicall(Value::Array(vec![])), Ok(Value::Array(vec![])));
    assert_eq!(multicall(5.into()), Err(fault(2, "INCORRECT_PARAMETERS")));
    let answers = multicall(Value::Array(vec![
        one_call("supervisor.getPID".into(), 5.into()),
        Value::Struct(vec![("methodName".into(), "supervisor.getVersion".into())]),
        one_call("supervisor.getVersion".into(), Value::Array(vec![1.into()])),
        one_call("".into(), Value::Array(vec![])),
    ]));
    assert_eq!(
        answers,
        Ok(Value::Array(vec![
            failed(2, "INCORRECT_PARAMETERS"),
            "3.0".into(),
            failed(2, "INCORRECT_PARAMETERS"),
            failed(1, "UNKNOWN_METHOD"),
        ]))
    );
}

/// The entry of `name` in what is configured.
fn config(daemon: &Daemon, name: &str) -> Value {
    let all = daemon.ask("getAllConfigInfo", &[]);
    let entries = all.as_array().expect("an array");
    let found = entries
        .iter()
        .find(|entry| entry.member("name") == Some(&name.into()));
    found.expect("the process is configured").clone()
}

fn configured_values_are_shown(subject: Subject) {
    let daemon = Daemon::start(
        subject,
        "[group:g]\nprograms=p\npriority=5\n\
         [program:p]\ncommand=/bin/cat  -u 'x y'\nautostart=no\ndirectory=/tmp\nexitcodes=0, 2,77\n\
         killasgroup=true\npriority=7\nredirect_stderr=on\nstartretries=9\nstartsecs=8\n\
         stdout_capture_maxbytes=2KB\nstdout_events_enabled=1\nstdout_logfile=/dev/null\n\
         stdout_logfile_backups=4\nstdout_logfile_maxbytes=3 MB\nstopsignal=usr1\n\
         stopwaitsecs=6\nstderr_capture_maxbytes=1\nstderr_events_enabled=yes\n\
         stderr_logfile_backups=3\nstderr_logfile_maxbytes=1gb\nserverurl=http://x:1",
    );
    let entry = config(&daemon, "p");
    for (member, value) in [
        ("autostart", false.into()),
        ("directory", "/tmp".into()),
        ("command", "/bin/cat  -u 'x y'".into()),
        (
            "exitcodes",
            Value::Array(vec![0.into(), 2.into(), 77.into()]),
        ),
        ("group", "g".into()),
        ("group_prio", 5.into()),
        ("inuse", true.into()),
        ("killasgroup", true.into()),
        ("process_prio", 7.into()),
        ("redirect_stderr", true.into()),
        ("startretries", 9.into()),
        ("startsecs", 8.into()),
        ("stdout_capture_maxbytes", 2048.into()),
        ("stdout_events_enabled", true.into()),
        ("stdout_logfile", "/dev/null".into()),
        ("stdout_logfile_backups", 4.into()),
        ("stdout_logfile_maxbytes", (3 << 20).into()),
        ("stdout_syslog", false.into()),
        ("stopsignal", 10.into()),
        ("stopwaitsecs", 6.into()),
        ("stderr_capture_maxbytes", 1.into()),
        ("stderr_events_enabled", true.into()),
        ("stderr_logfile_backups", 3.into()),
        ("stderr_logfile_maxbytes", (1 << 30).into()),
        ("serverurl", "http://x:1".into()),
    ] {
        assert_eq!(entry.member(member), Some(&value), "{member}");
    }
}

fn unset_values_are_shown_as_none(subject: Subject) {
    let daemon = Daemon::start(
        subject,
        "[program:p]\ncommand=/bin/cat\nautostart=false\nstdout_logfile=off\nstderr_logfile=\n\
         exitcodes=\n[program:q]\ncommand=/bin/cat\nautostart=false\nredirect_stderr=true\n\
         stdout_logfile=none",
    );
    for (process, member, value) in [
        ("p", "uid", "none".into()),
        ("p", "directory", "none".into()),
        ("p", "stdout_logfile", "none".into()),
        ("p", "stderr_logfile", "".into()),
        ("p", "exitcodes", Value::Array(vec![])),
        ("q", "stdout_logfile", "none".into()),
        ("q", "stderr_logfile", "none".into()),
    ] {
        let entry = config(&daemon, process);
        assert_eq!(entry.member(member), Some(&value), "{process} {member}");
    }
}

fn the_candidate_configuration_is_shown(subject: Subject) {
    let daemon = Daemon::start(subject, "[program:p]\ncommand=/bin/cat\nautostart=false");
    daemon.sandbox().configure(
        "[program:p]\ncommand=/bin/cat -u\nautostart=false\n\
         [program:q]\ncommand=/bin/true\nautostart=false",
    );
    assert_eq!(
        config(&daemon, "p").member("command"),
        Some(&"/bin/cat".into())
    );
    let changes = Value::Array(vec![texts(&["q"]), texts(&["p"]), texts(&[])]);
    assert_eq!(daemon.ask("reloadConfig", &[]), Value::Array(vec![changes]));
    assert_eq!(
        config(&daemon, "p").member("command"),
        Some(&"/bin/cat -u".into())
    );
    let fresh = config(&daemon, "q");
    assert_eq!(fresh.member("inuse"), Some(&false.into()));
    assert_eq!(fresh.member("stdout_logfile"), Some(&"auto".into()));
}

fn automatic_logs_are_told_of_until_the_configuration_is_read_again(subject: Subject) {
    let config = "[program:p]\ncommand=/bin/cat\nautostart=false";
    let daemon = Daemon::start(subject, config);
    let log = || config_text(&daemon, "p", "stdout_logfile");
    let path = daemon.info_text("p", "stdout_logfile");
    assert_eq!(log(), path);
    // Nothing has changed, and yet it is another reading.
    assert_eq!(daemon.ctl_line("reread").1, 0);
    assert_eq!(log(), "auto");
    assert_eq!(daemon.ctl_line("update").1, 0);
    assert_eq!(log(), "auto");
    assert_eq!(daemon.ask("removeProcessGroup", &["p".into()]), true.into());
    assert_eq!(daemon.ask("addProcessGroup", &["p".into()]), true.into());
    assert_eq!(log(), daemon.info_text("p", "stdout_logfile"));
    // What cannot be read changes nothing.
    daemon.sandbox().configure("[program:p]\nstartsecs=x");
    assert_eq!(daemon.fault("reloadConfig", &[]).0, 92);
    assert_eq!(log(), daemon.info_text("p", "stdout_logfile"));
}

fn config_text(daemon: &Daemon, process: &str, member: &str) -> String {
    match config(daemon, process).member(member) {
        Some(Value::Text(text)) => text.clone(),
        other => panic!("no text: {other:?}"),
    }
}

fn reading_the_main_log_has_its_faults(subject: Subject) {
    let daemon = Daemon::start(subject, "");
    let read = |offset: i32, length: i32| {
        daemon.call("supervisor.readLog", &[offset.into(), length.into()])
    };
    assert_eq!(read(-4, 2), Err(fault(3, "BAD_ARGUMENTS")));
    assert_eq!(read(0, -1), Err(fault(3, "BAD_ARGUMENTS")));
    assert_eq!(read(1 << 30, 9), Ok("".into()));
    let all = daemon.sandbox().read("supervisord.log");
    assert_eq!(read(0, 10), Ok(all[..10].into()));
    assert_eq!(read(-10, 0), Ok(all[all.len() - 10..].into()));
}

fn a_missing_main_log_is_a_fault(subject: Subject) {
    let daemon = Daemon::start(subject, "");
    std::fs::remove_file(daemon.sandbox().path("supervisord.log")).expect("it was there");
    let (code, text) = daemon.fault("readLog", &[0.into(), 0.into()]);
    assert_eq!(
        (code, daemon.sandbox().without_path(&text)),
        fault(20, "NO_FILE: DIR/supervisord.log")
    );
    assert_eq!(daemon.fault("clearLog", &[]), fault(20, "NO_FILE"));
    assert_eq!(
        daemon.ctl_line("maintail"),
        ("supervisord: ERROR (no log file)\n".to_owned(), 1)
    );
}

fn both_logs_of_a_process_are_cleared(subject: Subject) {
    let daemon = Daemon::start(
        subject,
        "[program:p]\ncommand=actor out one err two wait\nstartsecs=0\n\
         stdout_logfile=%(here)s/p.log\nstderr_logfile=%(here)s/p.err",
    );
    daemon.wait_file("p.log", "one\n");
    daemon.wait_file("p.err", "two\n");
    daemon.sandbox().write("p.log.1", "kept");
    assert_eq!(daemon.ask("clearProcessLogs", &["p".into()]), true.into());
    let files = ["p.log", "p.err", "p.log.1"].map(|name| daemon.sandbox().read(name));
    assert_eq!(files, ["", "", "kept"]);
}

/// A daemon whose program `p` writes what it is sent into `p.log`.
fn echoing(subject: Subject) -> Daemon {
    let daemon = Daemon::start(
        subject,
        "[program:p]\ncommand=actor echo\nstartsecs=0\nstdout_logfile=%(here)s/p.log",
    );
    daemon.wait_state("p", "RUNNING");
    daemon
}

fn line_ends_in_requests_are_newlines(subject: Subject) {
    let daemon = echoing(subject);
    let params = "<params><param><value>p</value></param>\
                  <param><value>a\r\nb\rc&#13;d\n</value></param></params>";
    assert_eq!(
        call_raw(&daemon, "supervisor.sendProcessStdin", params),
        Ok(true.into())
    );
    daemon.wait_file("p.log", "d\n");
    assert_eq!(daemon.sandbox().read("p.log"), "a\nb\nc\rd\n");
}

fn texts_are_escaped_and_kept(subject: Subject) {
    let daemon = echoing(subject);
    let text = "<a href=\"x\"> & 'größe' ☃ 𝄞 ]]>\n";
    let sent = daemon.ask("sendProcessStdin", &["p".into(), text.into()]);
    assert_eq!(sent, true.into());
    daemon.wait_file("p.log", "\n");
    let read = daemon.ask("readProcessStdoutLog", &["p".into(), 0.into(), 0.into()]);
    assert_eq!(read, text.into());
    let tail = daemon.ask("tailProcessStdoutLog", &["p".into(), 0.into(), 99.into()]);
    let size = i32::try_from(text.len()).expect("a short text");
    assert_eq!(
        tail,
        Value::Array(vec![text.into(), size.into(), false.into()])
    );
}

fn bytes_that_are_no_text_are_read(subject: Subject) {
    let daemon = log_of_ten(subject);
    daemon.sandbox().write("p.log", b"a\xffb");
    let request = xmlrpc::request(
        "supervisor.readProcessLog",
        &["p".into(), 0.into(), 0.into()],
    );
    let mut connection = daemon.connect().expect("a connection");
    let answer = connection.post("/RPC2", &request).expect("an answer");
    let status = subject.differs("lossy-logs", 500, 200);
    assert_eq!(answer.status(), status);
    if status == 200 {
        assert_eq!(xmlrpc::answer(answer.text()), Ok("a\u{fffd}b".into()));
    }
    // The connection stays usable, and the daemon too.
    let request = xmlrpc::request("supervisor.getVersion", &[]);
    assert_eq!(
        connection
            .post("/RPC2", &request)
            .expect("an answer")
            .status(),
        200
    );
}

fn events_may_be_sent_without_listeners(subject: Subject) {
    let daemon = Daemon::start(subject, "");
    for value in [
        "text".into(),
        5.into(),
        Value::Array(vec![]),
        Value::Double(0.5),
    ] {
        let sent = daemon.ask("sendRemoteCommEvent", &[value.clone(), value]);
        assert_eq!(sent, true.into());
    }
}

fn signals_may_be_numbers(subject: Subject) {
    let daemon = echoing(subject);
    for signal in [
        18.into(),
        "18".into(),
        "SIGCONT".into(),
        "cont".into(),
        Value::Double(18.9),
    ] {
        let sent = daemon.call("supervisor.signalProcess", &["p".into(), signal]);
        assert_eq!(sent, Ok(true.into()));
    }
    for (signal, text) in [
        ("SIG", "SIG"),
        ("", ""),
        ("65", "65"),
        ("-1", "-1"),
        ("KILL9", "KILL9"),
    ] {
        assert_eq!(
            daemon.fault("signalProcess", &["p".into(), signal.into()]),
            fault(11, &format!("BAD_SIGNAL: {text}")),
            "{signal}"
        );
    }
    assert_eq!(daemon.state("p"), "RUNNING");
}

fn groups_refuse_a_bad_signal_for_each_process(subject: Subject) {
    let daemon = Daemon::start(
        subject,
        "[group:g]\nprograms=a,b\n[program:a]\ncommand=/bin/cat\nstartsecs=0\n\
         [program:b]\ncommand=/bin/cat\nautostart=false",
    );
    daemon.wait_state("g:a", "RUNNING");
    let refused = Value::Array(vec![Value::Struct(vec![
        ("name".into(), "a".into()),
        ("group".into(), "g".into()),
        ("status".into(), 11.into()),
        ("description".into(), "BAD_SIGNAL: NOPE".into()),
    ])]);
    let params = ["g".into(), "NOPE".into()];
    assert_eq!(daemon.ask("signalProcessGroup", &params), refused);
    assert_eq!(daemon.ask("signalAllProcesses", &["NOPE".into()]), refused);
    assert_eq!(
        daemon.fault("signalProcess", &["g:b".into(), "NOPE".into()]),
        fault(11, "BAD_SIGNAL: NOPE")
    );
}

fn an_added_group_starts_by_itself_if_it_should(subject: Subject) {
    let daemon = Daemon::start(subject, "");
    daemon.sandbox().configure(
        "[program:auto]\ncommand=/bin/cat\nstartsecs=0\n\
         [program:manual]\ncommand=/bin/cat\nautostart=false",
    );
    assert!(daemon.call("supervisor.reloadConfig", &[]).is_ok());
    for group in ["auto", "manual"] {
        assert_eq!(daemon.ask("addProcessGroup", &[group.into()]), true.into());
    }
    daemon.wait_state("auto", "RUNNING");
    assert_eq!(daemon.state("manual"), "STOPPED");
}

fn a_restart_is_answered_before_it_happens(subject: Subject) {
    let daemon = echoing(subject);
    let pid = daemon.pid_of("p");
    assert_eq!(daemon.ask("restart", &[]), true.into());
    wait_until("it has started anew", || {
        let log = daemon.log();
        log.iter()
            .filter(|line| line.starts_with("INFO success: p"))
            .count()
            == 2
    });
    daemon.wait_ready();
    assert_ne!(daemon.pid_of("p"), pid);
    assert!(
        !daemon
            .log()
            .iter()
            .any(|line| line.contains("received SIG"))
    );
}

/// A daemon whose configuration has these `[rpcinterface:x]` sections and no others.
fn with_interfaces(subject: Subject, names: &[&str]) -> Daemon {
    let sandbox = Sandbox::new(subject);
    let mut text = "[unix_http_server]\nfile=%(here)s/s.sock\n\
                    [supervisord]\nlogfile=%(here)s/supervisord.log\n\
                    pidfile=%(here)s/supervisord.pid\nchildlogdir=%(here)s\n\
                    [supervisorctl]\nserverurl=unix://%(here)s/s.sock\n"
        .to_owned();
    for name in names {
        text.extend([
            "[rpcinterface:",
            name,
            "]\nsupervisor.rpcinterface_factory = \
             supervisor.rpcinterface:make_main_rpcinterface\n",
        ]);
    }
    sandbox.write("supervisord.conf", text);
    let daemon = Daemon::launch(sandbox, &["-n", "-c", "supervisord.conf"]);
    wait_until("it answers", || {
        daemon.try_call("system.listMethods", &[]).is_some()
    });
    daemon
}

fn the_methods_are_called_as_their_section_says(subject: Subject) {
    let unknown = Err(fault(1, "UNKNOWN_METHOD"));
    let daemon = with_interfaces(subject, &["x"]);
    assert_eq!(daemon.call("x.getVersion", &[]), Ok("3.0".into()));
    assert_eq!(daemon.call("supervisor.getVersion", &[]), unknown);
    assert_eq!(daemon.call("x.listMethods", &[]), unknown);
    assert_eq!(
        daemon.call("system.methodSignature", &["x.getPID".into()]),
        Ok(texts(&["int"]))
    );
    daemon.wait_log("RPC interface 'x' initialized");

    let daemon = with_interfaces(subject, &["x", "supervisor"]);
    for method in ["x.getVersion", "supervisor.getVersion"] {
        assert_eq!(daemon.call(method, &[]), Ok("3.0".into()));
    }
}

fn without_their_section_there_are_no_methods(subject: Subject) {
    let daemon = with_interfaces(subject, &[]);
    assert_eq!(
        daemon.call("system.listMethods", &[]),
        Ok(texts(&[
            "system.listMethods",
            "system.methodHelp",
            "system.methodSignature",
            "system.multicall",
        ]))
    );
    let sorry = "Sorry, supervisord responded but did not recognize the supervisor namespace \
                 commands that supervisorctl uses to control it.  Please check that the \
                 [rpcinterface:supervisor] section is enabled in the configuration file (see \
                 sample.conf).\n";
    for (line, code) in [("status", 4), ("start x", 3), ("version", 3), ("fg x", 3)] {
        assert_eq!(daemon.ctl_line(line), crate::is(sorry, code), "{line}");
    }
    for line in ["avail", "update", "shutdown", "reload", "reread"] {
        let (out, code) = daemon.ctl_line(line);
        let out = minder_tests::normal::without_origin(&out);
        let expected = crate::unexpected_fault(subject, 1, "UNKNOWN_METHOD");
        assert_eq!((out, code), (expected, 1), "{line}");
    }
}

fn dates_are_told_as_python_writes_them(subject: Subject) {
    let daemon = Daemon::start(subject, "");
    let date = |text: &str| Value::DateTime(text.to_owned());
    for (value, text) in [
        (date("20261127T10:03:00"), "2026-11-27 10:03:00"),
        (
            Value::Array(vec![date("20261127T10:03:09"), date("20260101T00:00:00")]),
            "[datetime.datetime(2026, 11, 27, 10, 3, 9), datetime.datetime(2026, 1, 1, 0, 0)]",
        ),
    ] {
        assert_eq!(
            daemon.fault("sendProcessStdin", &["p".into(), value]),
            fault(2, &format!("INCORRECT_PARAMETERS: {text}"))
        );
    }
}

fn a_group_to_be_added_may_be_called_anything(subject: Subject) {
    let daemon = Daemon::start(subject, "");
    for (name, shown) in [
        (Value::Int(5), "5"),
        (texts(&["cat"]), "['cat']"),
        (Value::Struct(vec![("a".into(), 1.into())]), "{'a': 1}"),
    ] {
        assert_eq!(
            daemon.fault("addProcessGroup", &[name]),
            fault(10, &format!("BAD_NAME: {shown}"))
        );
    }
}

fn what_starts_at_once_is_told_before_what_takes_time(subject: Subject) {
    let daemon = Daemon::start(
        subject,
        "[program:slow]\ncommand=/bin/cat\nautostart=false\npriority=1\n\
         [program:quick]\ncommand=/bin/cat\nautostart=false\npriority=2\nstartsecs=0\n\
         [program:missing]\ncommand=/no/such\nautostart=false\npriority=3\n\
         [program:last]\ncommand=/bin/cat\nautostart=false\npriority=4\nstartsecs=0",
    );
    let (out, _) = daemon.ctl_line("start all");
    assert_eq!(
        out,
        "quick: started\nmissing: ERROR (no such file)\nlast: started\nslow: started\n"
    );
}
