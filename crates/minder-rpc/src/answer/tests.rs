use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use minder_core::spec::{AutoRestart, GroupKind, LogTarget, ServerUrl, StreamSpec};
use minder_core::view::{GroupView, ProcessView};
use minder_core::{
    CommandError, GroupId, GroupSpec, Mono, Now, ProcessId, ProcessSpec, ProcessState, Signal, Wall,
};

use super::*;

/// A value on one line per member or item, so that a snapshot of it can be read.
fn shown(value: &Value) -> String {
    match value {
        Value::Struct(members) => members
            .iter()
            .fold(String::new(), |mut lines, (name, value)| {
                writeln!(lines, "{name} = {}", shown(value)).unwrap();
                lines
            }),
        Value::Array(items) => {
            let items: Vec<_> = items.iter().map(shown).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Text(text) => format!("{text:?}"),
        Value::Int(int) => int.to_string(),
        Value::Bool(truth) => truth.to_string(),
        Value::Double(_) | Value::DateTime(_) => panic!("no answer holds {value:?}"),
    }
}

fn stream(log: LogTarget) -> StreamSpec {
    StreamSpec {
        log,
        max_bytes: 52_428_800,
        backups: 10,
        capture_max_bytes: 0,
        events_enabled: false,
        syslog: false,
    }
}

fn process_spec() -> ProcessSpec {
    ProcessSpec {
        name: "cat".to_owned(),
        command: "/bin/cat".to_owned(),
        directory: None,
        umask: None,
        uid: None,
        priority: 999,
        autostart: true,
        autorestart: AutoRestart::Unexpected,
        start_secs: 1,
        start_retries: 3,
        exit_codes: vec![0, 2],
        stop_signal: Signal::TERM,
        stop_wait_secs: 10,
        stop_as_group: false,
        kill_as_group: false,
        redirect_stderr: false,
        stdout: stream(LogTarget::Auto),
        stderr: stream(LogTarget::Auto),
        environment: BTreeMap::new(),
        server_url: ServerUrl::Auto,
    }
}

fn group_spec() -> GroupSpec {
    GroupSpec {
        name: "animals".to_owned(),
        priority: -1,
        kind: GroupKind::Programs,
        processes: Vec::new(),
    }
}

fn process(state: ProcessState) -> ProcessView {
    ProcessView {
        id: ProcessId(1),
        spec: Arc::new(process_spec()),
        state,
        pid: None,
        started: None,
        stopped: None,
        spawn_error: String::new(),
        exit_status: 0,
    }
}

const NOW: u64 = 1_000_000;

fn secs<T>(clock: impl Fn(Duration) -> T, secs: u64) -> T {
    clock(Duration::from_secs(secs))
}

fn info(process: &ProcessView) -> ProcessInfo {
    let group = GroupView {
        id: GroupId(1),
        spec: Arc::new(group_spec()),
        processes: Vec::new(),
    };
    let now = Now {
        mono: secs(Mono, NOW),
        wall: secs(Wall, 1_795_511_115),
    };
    let logs = LogPaths {
        stdout: Some("/log/cat"),
        stderr: None,
    };
    ProcessInfo::new(&group, process, now, logs, |wall| {
        format!("<{}>", wall.0.as_secs())
    })
}

/// One that runs since `uptime` seconds.
fn running_since(uptime: u64) -> ProcessView {
    ProcessView {
        pid: Some(7),
        started: Some((secs(Mono, NOW - uptime), secs(Wall, 1_795_510_858))),
        ..process(ProcessState::Running)
    }
}

#[test]
fn a_process_is_told_of_in_supervisors_order() {
    insta::assert_snapshot!(shown(&info(&running_since(257)).into()), @r#"
    name = "cat"
    group = "animals"
    start = 1795510858
    stop = 0
    now = 1795511115
    state = 20
    statename = "RUNNING"
    spawnerr = ""
    exitstatus = 0
    logfile = "/log/cat"
    stdout_logfile = "/log/cat"
    stderr_logfile = ""
    pid = 7
    description = "pid 7, uptime 0:04:17"
    "#);
}

#[test]
fn an_uptime_is_written_as_python_writes_it() {
    for (uptime, text) in [
        (0, "0:00:00"),
        (35_999, "9:59:59"),
        (86_399, "23:59:59"),
        (86_400, "1 day, 0:00:00"),
        (200_000, "2 days, 7:33:20"),
    ] {
        let description = info(&running_since(uptime)).description;
        assert_eq!(description, format!("pid 7, uptime {text}"));
    }
}

#[test]
fn each_state_is_described_as_supervisor_describes_it() {
    let ended = |state| ProcessView {
        started: Some((secs(Mono, 1), secs(Wall, 11))),
        stopped: Some(secs(Wall, 22)),
        ..process(state)
    };
    let without_child = |state| ProcessView {
        stopped: None,
        ..ended(state)
    };
    let failed = |state| ProcessView {
        spawn_error: "can't find command '/x'".to_owned(),
        ..process(state)
    };
    for (process, description) in [
        (process(ProcessState::Stopped), "Not started"),
        (ended(ProcessState::Stopped), "<22>"),
        (ended(ProcessState::Exited), "<22>"),
        (without_child(ProcessState::Stopped), "Not started"),
        (failed(ProcessState::Fatal), "can't find command '/x'"),
        (failed(ProcessState::Backoff), "can't find command '/x'"),
        (
            process(ProcessState::Fatal),
            "unknown error (try \"tail cat\")",
        ),
        (ended(ProcessState::Starting), ""),
        (ended(ProcessState::Stopping), ""),
        (ended(ProcessState::Unknown), ""),
    ] {
        assert_eq!(info(&process).description, description, "{process:?}");
    }
}

#[test]
fn a_configuration_is_told_of_in_supervisors_order() {
    let info = ConfigInfo::new(&group_spec(), &process_spec(), true, LogPaths::default());
    insta::assert_snapshot!(shown(&info.into()), @r#"
    autostart = true
    directory = "none"
    uid = "none"
    command = "/bin/cat"
    exitcodes = [0, 2]
    group = "animals"
    group_prio = -1
    inuse = true
    killasgroup = false
    name = "cat"
    process_prio = 999
    redirect_stderr = false
    startretries = 3
    startsecs = 1
    stdout_capture_maxbytes = 0
    stdout_events_enabled = false
    stdout_logfile = "auto"
    stdout_logfile_backups = 10
    stdout_logfile_maxbytes = 52428800
    stdout_syslog = false
    stopsignal = 15
    stopwaitsecs = 10
    stderr_capture_maxbytes = 0
    stderr_events_enabled = false
    stderr_logfile = "auto"
    stderr_logfile_backups = 10
    stderr_logfile_maxbytes = 52428800
    stderr_syslog = false
    serverurl = "none"
    "#);
}

#[test]
fn what_is_set_in_a_configuration_is_told_as_it_was_set() {
    let spec = ProcessSpec {
        directory: Some("/d".to_owned()),
        uid: Some(1000),
        redirect_stderr: true,
        stdout: stream(LogTarget::File("/log".to_owned())),
        server_url: ServerUrl::Fixed("http://x".to_owned()),
        ..process_spec()
    };
    let value = Value::from(ConfigInfo::new(
        &group_spec(),
        &spec,
        false,
        LogPaths::default(),
    ));
    for (name, expected) in [
        ("directory", Value::from("/d")),
        ("uid", 1000.into()),
        ("stdout_logfile", "/log".into()),
        ("stderr_logfile", "none".into()),
        ("serverurl", "http://x".into()),
        ("inuse", false.into()),
    ] {
        assert_eq!(value.member(name), Some(&expected), "{name}");
    }
}

#[test]
fn a_log_without_a_path_is_told_of_in_words() {
    let logs = LogPaths {
        stdout: Some("/auto"),
        stderr: None,
    };
    for (target, text) in [
        (LogTarget::Off, "none"),
        (LogTarget::Syslog, "none"),
        (LogTarget::Empty, ""),
        (LogTarget::Auto, "/auto"),
    ] {
        let spec = ProcessSpec {
            stdout: stream(target),
            ..process_spec()
        };
        let info = ConfigInfo::new(&group_spec(), &spec, true, logs);
        assert_eq!(info.stdout.log, text);
    }
}

#[test]
fn the_smaller_answers_have_supervisors_shapes() {
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    let changes = Changes {
        added: names(&["a", "b"]),
        changed: names(&[]),
        removed: names(&["c"]),
    };
    let tail = Tail {
        text: "x".to_owned(),
        offset: 744,
        overflow: true,
    };
    for (answer, text) in [
        (Answer::Done, "true"),
        (Answer::Int(42), "42"),
        (Answer::Text("4.3.0".to_owned()), "\"4.3.0\""),
        (
            Answer::State(Mood::Running),
            "statecode = 1\nstatename = \"RUNNING\"\n",
        ),
        (
            Answer::State(Mood::Restarting),
            "statecode = 0\nstatename = \"RESTARTING\"\n",
        ),
        (
            Answer::State(Mood::ShuttingDown),
            "statecode = -1\nstatename = \"SHUTDOWN\"\n",
        ),
        (Answer::Changes(changes), "[[[\"a\", \"b\"], [], [\"c\"]]]"),
        (Answer::Tail(tail), "[\"x\", 744, true]"),
        (Answer::ProcessInfos(Vec::new()), "[]"),
    ] {
        assert_eq!(shown(&answer.into()), text);
    }
}

#[test]
fn what_became_of_several_is_told_one_by_one() {
    let outcome = |result| Outcome {
        group: "g".to_owned(),
        name: "p".to_owned(),
        result,
    };
    let refused = Refusal::NotRunning("g:p".to_owned());
    let answer = Answer::Outcomes(vec![outcome(Ok(())), outcome(Err(refused))]);
    insta::assert_snapshot!(shown(&answer.into()), @r#"
    [name = "p"
    group = "g"
    status = 80
    description = "OK"
    , name = "p"
    group = "g"
    status = 70
    description = "NOT_RUNNING: g:p"
    ]
    "#);
}

#[test]
fn every_refusal_is_one_of_supervisors_faults() {
    let text = |text: &str| text.to_owned();
    let missing = CommandError::NotFound(text("can't find command '/x'"));
    let no_file = format!("NO_FILE: {missing}");
    for (refusal, code, fault) in [
        (Refusal::BadName(text("x:*")), 10, "BAD_NAME: x:*"),
        (Refusal::BadSignal(text("HUPP")), 11, "BAD_SIGNAL: HUPP"),
        (Refusal::Command(missing), 20, no_file.as_str()),
        (
            Refusal::Command(CommandError::NotExecutable(text("command is empty"))),
            21,
            "NOT_EXECUTABLE: command is empty",
        ),
        (Refusal::AlreadyStarted(text("x")), 60, "ALREADY_STARTED: x"),
        (Refusal::NotRunning(text("x")), 70, "NOT_RUNNING: x"),
        (Refusal::SpawnError(text("x")), 50, "SPAWN_ERROR: x"),
        (
            Refusal::AbnormalTermination(text("x")),
            40,
            "ABNORMAL_TERMINATION: x",
        ),
        (
            Refusal::Failed(text("x is in an unknown process state")),
            30,
            "FAILED: x is in an unknown process state",
        ),
        (Refusal::AlreadyAdded(text("x")), 90, "ALREADY_ADDED: x"),
        (Refusal::StillRunning(text("x")), 91, "STILL_RUNNING: x"),
        (Refusal::ShuttingDown, 6, "SHUTDOWN_STATE"),
    ] {
        let made = Answer::from_reply(Reply::Refused(refusal)).unwrap_err();
        assert_eq!(
            (made.code.number(), made.to_string().as_str()),
            (code, fault)
        );
    }
}
