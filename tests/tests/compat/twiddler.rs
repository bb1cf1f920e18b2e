//! The plug-in `supervisor_twiddler`: programs that clients add to groups.

use minder_rpc::Value;
use minder_tests::{Daemon, Subject, cases, xmlrpc};

use crate::is;

cases!(
    the_plug_in_is_there_under_the_name_of_its_section,
    the_plug_in_is_not_there_unless_it_is_asked_for,
    only_methods_of_the_whitelist_may_be_called,
    lines_are_written_into_the_main_log,
    a_program_is_added_and_started,
    processes_are_added_by_number,
    an_added_program_is_one_like_any_other,
    an_added_program_has_its_own_environment_alone,
    values_are_texts_or_numbers_and_stand_for_themselves,
    values_of_other_types_are_taken_as_texts,
    what_cannot_be_added_is_a_fault,
    only_groups_of_programs_take_programs,
    a_stopped_process_is_removed,
    what_was_added_is_a_change_once_the_configuration_is_read_again,
    listeners_hear_of_what_was_added,
);

const SECTION: &str = "\
[rpcinterface:twiddler]
supervisor.rpcinterface_factory = supervisor_twiddler.rpcinterface:make_twiddler_rpcinterface
";

const TEAM: &str = "\
[group:team]
programs=cat
[program:cat]
command=/bin/cat
startsecs=0
[program:alone]
command=/bin/cat
priority=5
autostart=false
";

/// What a call answers that has done something.
const DONE: Result<Value, xmlrpc::Fault> = Ok(Value::Bool(true));

const METHODS: [&str; 5] = [
    "addProgramToGroup",
    "getAPIVersion",
    "getGroupNames",
    "log",
    "removeProcessFromGroup",
];

fn daemon(subject: Subject) -> Daemon {
    let daemon = Daemon::start(subject, &format!("{SECTION}{TEAM}"));
    daemon.wait_state("team:cat", "RUNNING");
    daemon
}

fn call(daemon: &Daemon, method: &str, params: &[Value]) -> Result<Value, xmlrpc::Fault> {
    daemon.call(&format!("twiddler.{method}"), params)
}

fn options(options: &[(&str, Value)]) -> Value {
    let options = options.iter().cloned();
    Value::Struct(
        options
            .map(|(name, value)| (name.to_owned().into(), value))
            .collect(),
    )
}

fn add(daemon: &Daemon, program: &str, given: &[(&str, Value)]) -> Result<Value, xmlrpc::Fault> {
    let params = ["team".into(), program.into(), options(given)];
    call(daemon, "addProgramToGroup", &params)
}

/// Adds a program that reads its input for ever.
fn add_cat(daemon: &Daemon, program: &str, more: &[(&str, Value)]) {
    let cat = [("command", "/bin/cat".into()), ("startsecs", "0".into())];
    let given = [&cat, more].concat();
    assert_eq!(add(daemon, program, &given), DONE);
}

fn remove(daemon: &Daemon, process: &str) -> Result<Value, xmlrpc::Fault> {
    let params = ["team".into(), process.into()];
    call(daemon, "removeProcessFromGroup", &params)
}

fn fault<T>(code: i64, text: &str) -> Result<T, xmlrpc::Fault> {
    Err((code, text.to_owned()))
}

fn list(items: &[&str]) -> Value {
    items.iter().copied().map(Value::from).collect()
}

fn names_of_all(daemon: &Daemon) -> Vec<String> {
    let all = daemon.ask("getAllProcessInfo", &[]);
    let all = all.as_array().expect("an array");
    let name = |info: &Value| {
        info.member("name")
            .and_then(Value::as_text)
            .map(str::to_owned)
    };
    all.iter().map(|info| name(info).expect("a name")).collect()
}

fn the_plug_in_is_there_under_the_name_of_its_section(subject: Subject) {
    let section = SECTION.replace("twiddler]", "other]");
    let daemon = Daemon::start(subject, &format!("{section}{TEAM}"));
    let listed = daemon.call("system.listMethods", &[]).expect("no fault");
    let listed: Vec<_> = listed
        .as_array()
        .expect("an array")
        .iter()
        .filter_map(|name| name.as_text()?.strip_prefix("other."))
        .map(str::to_owned)
        .collect();
    assert_eq!(listed, METHODS);
    assert_eq!(daemon.call("other.getAPIVersion", &[]), Ok("1.0".into()));
    for (method, types) in METHODS.into_iter().zip([
        &["boolean", "string", "string", "struct"][..],
        &["int"],
        &["array"],
        &["boolean", "string", "string|int"],
        &["boolean", "string", "string"],
    ]) {
        let method = format!("other.{method}").into();
        let signature = daemon.call("system.methodSignature", &[method]);
        assert_eq!(signature, Ok(list(types)));
    }
    let unknown = call(&daemon, "getAPIVersion", &[]);
    assert_eq!(unknown, fault(1, "UNKNOWN_METHOD"));
    daemon.wait_log("RPC interface 'other' initialized");
}

fn the_plug_in_is_not_there_unless_it_is_asked_for(subject: Subject) {
    let daemon = Daemon::start(subject, TEAM);
    for method in METHODS {
        let unknown = call(&daemon, method, &[]);
        assert_eq!(unknown, fault(1, "UNKNOWN_METHOD"));
    }
}

fn only_methods_of_the_whitelist_may_be_called(subject: Subject) {
    let section = format!("{SECTION}whitelist = getGroupNames, log\n{TEAM}");
    let daemon = Daemon::start(subject, &section);
    let groups = call(&daemon, "getGroupNames", &[]);
    assert_eq!(groups, Ok(list(&["alone", "team"])));
    assert_eq!(call(&daemon, "log", &["x".into()]), DONE);
    let refused = call(&daemon, "getAPIVersion", &[]);
    assert_eq!(refused, fault(230, "UNKNOWN: getAPIVersion"));
    let refused = call(&daemon, "removeProcessFromGroup", &["a".into(), "b".into()]);
    assert_eq!(refused, fault(230, "UNKNOWN: removeProcessFromGroup"));
    let wrong = call(&daemon, "removeProcessFromGroup", &["a".into()]);
    assert_eq!(wrong, fault(2, "INCORRECT_PARAMETERS"));
    let signature = ["twiddler.getAPIVersion".into()];
    let signature = daemon.call("system.methodSignature", &signature);
    assert_eq!(signature, Ok(list(&["int"])));
}

fn lines_are_written_into_the_main_log(subject: Subject) {
    let daemon = daemon(subject);
    for (params, line) in [
        (vec!["one".into()], "INFO one"),
        (vec!["two".into(), "warn".into()], "WARN two"),
        (vec!["three".into(), 50.into()], "CRIT three"),
        (vec!["%s four".into(), Value::Double(40.0)], "ERRO %s four"),
    ] {
        assert_eq!(call(&daemon, "log", &params), DONE);
        assert_eq!(daemon.log().last().map(String::as_str), Some(line));
    }
    assert_eq!(
        call(&daemon, "log", &["not shown".into(), "DEBG".into()]),
        DONE
    );
    for level in ["critical".into(), "20".into(), 21.into(), true.into()] {
        let refused = call(&daemon, "log", &["x".into(), level]);
        assert_eq!(refused, fault(2, "INCORRECT_PARAMETERS"));
    }
    let last = daemon.log().pop();
    assert_eq!(last.as_deref(), Some("ERRO %s four"));
}

fn a_program_is_added_and_started(subject: Subject) {
    let daemon = daemon(subject);
    add_cat(&daemon, "dog", &[]);
    daemon.wait_state("team:dog", "RUNNING");
    add_cat(&daemon, "fox", &[("autostart", "false".into())]);
    assert_eq!(daemon.state("team:fox"), "STOPPED");
    assert_eq!(names_of_all(&daemon), ["alone", "cat", "dog", "fox"]);
    assert_eq!(
        daemon.ask("startProcess", &["team:fox".into()]),
        true.into()
    );
    let spawned = "INFO spawned: 'dog' with pid N".to_owned();
    assert!(daemon.log().contains(&spawned));
}

fn processes_are_added_by_number(subject: Subject) {
    let daemon = daemon(subject);
    let given = [
        ("numprocs", 3.into()),
        ("numprocs_start", "7".into()),
        (
            "process_name",
            "%(group_name)s-%(program_name)s-%(process_num)d".into(),
        ),
        ("autostart", "no".into()),
    ];
    add_cat(&daemon, "dog", &given);
    let names = ["alone", "cat", "team-dog-7", "team-dog-8", "team-dog-9"];
    assert_eq!(names_of_all(&daemon), names);
    let none = [("command", "x".into()), ("numprocs", "0".into())];
    assert_eq!(add(&daemon, "none", &none), DONE);
    assert_eq!(names_of_all(&daemon), names);
}

fn an_added_program_is_one_like_any_other(subject: Subject) {
    let daemon = daemon(subject);
    let given = [
        ("command", "actor out hello exit 3".into()),
        ("autostart", "false".into()),
        ("autorestart", "false".into()),
        ("startsecs", 0.into()),
        ("priority", "1".into()),
        ("stdout_logfile_maxbytes", "1MB".into()),
    ];
    assert_eq!(add(&daemon, "dog", &given), DONE);
    assert_eq!(
        daemon.ask("startProcess", &["team:dog".into()]),
        true.into()
    );
    daemon.wait_state("team:dog", "EXITED");
    let params = ["team:dog".into(), 0.into(), 0.into()];
    let log = daemon.ask("readProcessLog", &params);
    assert_eq!(log, "hello\n".into());
    // By priority within the group.
    let _ = daemon.ask("stopProcessGroup", &["team".into()]);
    let outcomes = daemon.ask("startProcessGroup", &["team".into()]);
    let outcomes = outcomes.as_array().expect("an array");
    let name = |outcome: &Value| {
        outcome
            .member("name")
            .and_then(Value::as_text)
            .map(str::to_owned)
    };
    let names: Vec<_> = outcomes.iter().filter_map(name).collect();
    assert_eq!(names.len(), 2);
    let (avail, _) = daemon.ctl_line("avail");
    assert!(
        avail.contains("team:dog                         in use    manual    999:1\n"),
        "{avail}"
    );
}

fn an_added_program_has_its_own_environment_alone(subject: Subject) {
    let daemon = Daemon::start(
        subject,
        &format!("{SECTION}{TEAM}[supervisord]\nenvironment=SHAPE=\"round\",A=\"outer\"\n"),
    );
    let script = "/bin/sh -c 'echo %(ENV_SHAPE)s $SHAPE $A $SUPERVISOR_GROUP_NAME > out'";
    let given = [
        ("command", script.into()),
        ("directory", "%(here)s".into()),
        ("environment", "A=\"own\"".into()),
        ("startsecs", "0".into()),
        ("autorestart", "false".into()),
    ];
    assert_eq!(add(&daemon, "dog", &given), DONE);
    daemon.wait_file("out", "\n");
    assert_eq!(daemon.sandbox().read("out"), "round own team\n");
}

fn values_are_texts_or_numbers_and_stand_for_themselves(subject: Subject) {
    let daemon = daemon(subject);
    let given = [
        ("command", "/bin/sh -c 'echo a ; echo b > out; # c'".into()),
        ("Directory", "%(here)s".into()),
        ("numprocs", 1.into()),
        ("autostart", true.into()),
        ("autorestart", "false".into()),
        ("startsecs", 0.into()),
        ("priority", 3.into()),
        ("nonsense", "x".into()),
    ];
    assert_eq!(add(&daemon, "dog", &given), DONE);
    daemon.wait_file("out", "b\n");
    daemon.wait_state("team:dog", "EXITED");
}

fn values_of_other_types_are_taken_as_texts(subject: Subject) {
    let daemon = daemon(subject);
    let add = |value: Value| {
        let given = [("command", "/bin/cat".into()), ("autorestart", value)];
        let params = ["team".into(), "dog".into(), options(&given)];
        daemon.try_call("twiddler.addProgramToGroup", &params)
    };
    let wrong = Some(fault(2, "INCORRECT_PARAMETERS"));
    let wrong = subject.differs("twiddler-types", None, wrong);
    assert_eq!(add(list(&["true"])), wrong);
    let added = subject.differs("twiddler-types", None, Some(DONE));
    assert_eq!(add(false.into()), added);
}

fn only_groups_of_programs_take_programs(subject: Subject) {
    let daemon = Daemon::start(
        subject,
        &format!("{SECTION}[eventlistener:ears]\ncommand=actor listen heard\nevents=TICK_5\n"),
    );
    let cat = options(&[("command", "/bin/cat".into())]);
    let added = call(
        &daemon,
        "addProgramToGroup",
        &["ears".into(), "cat".into(), cat],
    );
    let refused = fault(30, "FAILED: ears is no group of programs");
    assert_eq!(added, subject.differs("twiddler-groups", DONE, refused));
}

fn what_cannot_be_added_is_a_fault(subject: Subject) {
    let daemon = daemon(subject);
    let cat = [("command", "/bin/cat".into())];
    for (name, given, text) in [
        ("cat", &cat[..], "10 BAD_NAME: cat"),
        (
            "p",
            &[],
            "2 INCORRECT_PARAMETERS: program section program:p does not specify a command in \
             section 'program:p' (file: 'supervisord.conf')",
        ),
        (
            "p",
            &[("command", "x".into()), ("startsecs", "soon".into())],
            "2 INCORRECT_PARAMETERS: invalid literal for int() with base 10: 'soon' in section \
             'program:p' (file: 'supervisord.conf')",
        ),
        (
            "p",
            &[("command", "x".into()), ("numprocs", 2.into())],
            "2 INCORRECT_PARAMETERS: %(process_num) must be present within process_name when \
             numprocs > 1 in section 'program:p' (file: 'supervisord.conf')",
        ),
        (
            "a:b",
            &cat,
            "2 INCORRECT_PARAMETERS: Invalid name: 'a:b' because of character: ':' in section \
             'program:a:b' (file: 'supervisord.conf')",
        ),
    ] {
        let (code, text) = text.split_once(' ').expect("a code and a text");
        let code = code.parse().expect("a number");
        assert_eq!(add(&daemon, name, given), fault(code, text));
    }
    let cat = options(&cat);
    let add = |group: Value, options: Value| {
        call(&daemon, "addProgramToGroup", &[group, "p".into(), options])
    };
    // The group is looked at first, and options may also come as pairs.
    let refused = add("dog".into(), 5.into());
    assert_eq!(refused, fault(10, "BAD_NAME: group: dog"));
    let pairs = vec![vec!["startsecs".into(), "soon".into()].into()];
    let refused = add("team".into(), pairs.into());
    assert_eq!(
        refused,
        fault(
            2,
            "INCORRECT_PARAMETERS: invalid literal for int() with base 10: 'soon' in section \
             'program:p' (file: 'supervisord.conf')"
        )
    );
    for group in ["", "dog", "team:cat", "team:*"] {
        let refused = add(group.into(), cat.clone());
        assert_eq!(refused, fault(10, &format!("BAD_NAME: group: {group}")));
    }
    assert_eq!(add(5.into(), cat), fault(10, "BAD_NAME: group: 5"));
    for options in ["command=/bin/cat".into(), 5.into(), list(&["command"])] {
        let refused = add("team".into(), options);
        assert_eq!(refused, fault(2, "INCORRECT_PARAMETERS"));
    }
    assert_eq!(names_of_all(&daemon), ["alone", "cat"]);
}

fn a_stopped_process_is_removed(subject: Subject) {
    let daemon = daemon(subject);
    assert_eq!(remove(&daemon, "cat"), fault(91, "STILL_RUNNING: cat"));
    assert_eq!(remove(&daemon, "dog"), fault(10, "BAD_NAME: dog"));
    assert_eq!(remove(&daemon, "team:cat"), fault(10, "BAD_NAME: team:cat"));
    let params = ["dog".into(), "cat".into()];
    let unknown = call(&daemon, "removeProcessFromGroup", &params);
    assert_eq!(unknown, fault(10, "BAD_NAME: group: dog"));

    assert_eq!(daemon.ask("stopProcess", &["team:cat".into()]), true.into());
    assert_eq!(remove(&daemon, "cat"), DONE);
    assert_eq!(names_of_all(&daemon), ["alone"]);
    assert_eq!(remove(&daemon, "cat"), fault(10, "BAD_NAME: cat"));
    let groups = call(&daemon, "getGroupNames", &[]);
    assert_eq!(groups, Ok(list(&["alone", "team"])));
    add_cat(&daemon, "cat", &[("autostart", "false".into())]);
    assert_eq!(daemon.state("team:cat"), "STOPPED");
    assert_eq!(
        daemon.ask("startProcess", &["team:cat".into()]),
        true.into()
    );
}

fn what_was_added_is_a_change_once_the_configuration_is_read_again(subject: Subject) {
    let daemon = daemon(subject);
    add_cat(&daemon, "dog", &[]);
    daemon.wait_state("team:dog", "RUNNING");
    let line = "team:dog                         in use    auto      999:999\n";
    assert!(daemon.ctl_line("avail").0.contains(line));
    assert_eq!(daemon.ctl_line("reread"), is("team: changed\n", 0));
    assert!(!daemon.ctl_line("avail").0.contains(line));
    let updated = "team: stopped\nteam: updated process group\n";
    assert_eq!(daemon.ctl_line("update"), is(updated, 0));
    daemon.wait_state("team:cat", "RUNNING");
    assert_eq!(names_of_all(&daemon), ["alone", "cat"]);

    // What is removed and added without reading keeps what was added.
    add_cat(&daemon, "dog", &[]);
    daemon.wait_state("team:dog", "RUNNING");
    let _ = daemon.ask("stopProcessGroup", &["team".into()]);
    assert_eq!(
        daemon.ask("removeProcessGroup", &["team".into()]),
        true.into()
    );
    assert_eq!(daemon.ask("addProcessGroup", &["team".into()]), true.into());
    daemon.wait_state("team:dog", "RUNNING");
}

fn listeners_hear_of_what_was_added(subject: Subject) {
    let daemon = Daemon::start(
        subject,
        &format!(
            "{SECTION}{TEAM}[eventlistener:ears]\ncommand=actor listen heard\n\
             events=PROCESS_STATE,PROCESS_GROUP,REMOTE_COMMUNICATION\n"
        ),
    );
    daemon.wait_state("ears", "RUNNING");
    add_cat(&daemon, "dog", &[]);
    daemon.wait_file(
        "heard",
        "processname:dog groupname:team from_state:STARTING pid:",
    );
    assert_eq!(daemon.ask("stopProcess", &["team:dog".into()]), true.into());
    assert_eq!(remove(&daemon, "dog"), DONE);
    let told = daemon.ask("sendRemoteCommEvent", &["x".into(), "y".into()]);
    assert_eq!(told, true.into());
    daemon.wait_file("heard", "eventname:REMOTE_COMMUNICATION");
    let heard = daemon.sandbox().read("heard");
    let (_, since) = heard.split_once("processname:dog").expect("a first event");
    assert!(
        since.contains("groupname:team from_state:STOPPING pid:"),
        "{since}"
    );
    assert!(!since.contains("eventname:PROCESS_GROUP"), "{since}");
}
