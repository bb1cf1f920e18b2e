//! `supervisorctl --json`: what each command says, and that it ends as without it.

use minder_tests::{Daemon, Subject};
use serde_json::{Value, json};

const CONFIG: &str = "\
[program:web]
command=actor out hello wait
startsecs=0
stdout_logfile=%(here)s/web.log
[program:off]
command=actor wait
autostart=false
startsecs=0
";

/// What a command says, which must end as the same command does that says it in words.
fn said(daemon: &Daemon, line: &str) -> Value {
    let words: Vec<_> = ["--json"].into_iter().chain(line.split(' ')).collect();
    let run = daemon.ctl(&words);
    assert_eq!(run.err, "", "{line}");
    let document: Value = serde_json::from_str(&run.out).expect("one JSON document");
    assert_eq!(document["command"], line);
    assert_eq!(
        document["code"].as_i64(),
        run.code.map(Into::into),
        "{line}"
    );
    assert_eq!(document["ok"], run.code == Some(0));
    document
}

#[test]
fn each_command_says_what_it_has_to_say_as_one_document() {
    Subject::Minder.run(|subject| {
        let daemon = Daemon::start(subject, CONFIG);
        daemon.wait_state("web", "RUNNING");
        daemon.wait_file("web.log", "hello");

        let status = said(&daemon, "status");
        assert_eq!((&status["code"], &status["errors"]), (&3.into(), &json!([])));
        let processes = status["processes"].as_array().expect("processes");
        let seen: Vec<_> = processes.iter().map(|it| (&it["name"], &it["statename"])).collect();
        assert_eq!(seen, [(&"off".into(), &"STOPPED".into()), (&"web".into(), &"RUNNING".into())]);
        let unknown = said(&daemon, "status nix");
        assert_eq!((&unknown["code"], &unknown["processes"]), (&4.into(), &json!([])));
        assert_eq!(unknown["errors"], json!(["nix: ERROR (no such process)"]));

        let outcome = |name: &str, done: Value, fault: Value| json!({"name": name, "done": done, "fault": fault});
        assert_eq!(said(&daemon, "start off")["outcomes"], json!([outcome("off", "started".into(), Value::Null)]));
        let again = said(&daemon, "start off nix");
        let expected = [
            outcome("off", Value::Null, "ALREADY_STARTED".into()),
            outcome("nix", Value::Null, "BAD_NAME".into()),
        ];
        assert_eq!((&again["outcomes"], &again["code"]), (&expected.as_slice().into(), &1.into()));
        assert_eq!(said(&daemon, "stop off")["outcomes"], json!([outcome("off", "stopped".into(), Value::Null)]));
        assert_eq!(said(&daemon, "signal HUP off")["outcomes"][0]["fault"], "NOT_RUNNING");
        assert_eq!(said(&daemon, "clear off")["outcomes"][0]["done"], "cleared");
        assert_eq!(said(&daemon, "tail web")["log"], "hello\n");
        assert_eq!(said(&daemon, "version")["version"], "4.3.0");
        assert_eq!(said(&daemon, "pid")["pid"], daemon.pid());
        let pids = json!([{"name": "web", "pid": daemon.pid_of("web")}]);
        assert_eq!(said(&daemon, "pid web")["pids"], pids);
        assert_eq!(said(&daemon, "avail")["configured"][0]["autostart"], false);

        daemon.sandbox().configure(&CONFIG.replace("program:off", "program:new"));
        let changes = json!({"added": ["new"], "changed": [], "removed": ["off"]});
        assert_eq!(said(&daemon, "reread")["changes"], changes);
        let groups = json!([
            {"group": "off", "done": "stopped"},
            {"group": "off", "done": "removed"},
            {"group": "new", "done": "added"},
        ]);
        assert_eq!(said(&daemon, "update")["groups"], groups);
        assert_eq!(said(&daemon, "tail -f web")["code"], 2);
        assert_eq!(said(&daemon, "start")["code"], 2);

        let shell = daemon.ctl(&["--json"]);
        assert_eq!((shell.out.as_str(), shell.code), ("", Some(2)));
    });
}
