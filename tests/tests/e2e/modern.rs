//! The modern interface of a real daemon: actions, logs, streams and metrics, and what the death of
//! the daemon does to them.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::process::{Command, Stdio};

use minder_tests::http::{Answer, Connection};
use minder_tests::subject::schemathesis;
use minder_tests::{Daemon, Run, Sandbox, Subject, wait_for, wait_until};
use serde_json::{Value, json};

use minder_tests::parts::kill_daemon;

const CONFIG: &str = "\
[program:web]
command=actor echo
startsecs=0
environment=API_KEY=\"hidden\"
stdout_logfile=%(here)s/web.log
[program:team]
command=actor wait
process_name=%(process_num)d
numprocs=2
startsecs=0
[program:bad]
command=actor exit 3
autostart=false
startsecs=0
autorestart=false
";

fn get(daemon: &Daemon, target: &str) -> Answer {
    let mut connection = daemon.connect().expect("a connection");
    connection.get(target, "").expect("an answer")
}

/// What is answered to a GET that must go well.
fn told(daemon: &Daemon, target: &str) -> Value {
    let answer = get(daemon, &format!("/api/v1{target}"));
    assert_eq!(answer.status(), 200, "{target}: {}", answer.text());
    serde_json::from_str(answer.text()).expect("JSON")
}

fn post(daemon: &Daemon, target: &str, body: &Value) -> (u16, Value) {
    let mut connection = daemon.connect().expect("a connection");
    let body = if body.is_null() {
        String::new()
    } else {
        body.to_string()
    };
    let request = format!(
        "POST /api/v1{target} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    connection.send(request).expect("a request is taken");
    let answer = connection.answer().expect("an answer");
    let body = serde_json::from_str(answer.text()).expect("JSON");
    (answer.status(), body)
}

/// What must go well.
fn done(daemon: &Daemon, target: &str, body: &Value) -> Value {
    let (status, answer) = post(daemon, target, body);
    assert_eq!(status, 200, "{target}: {answer}");
    answer
}

/// A stream, as its reader hears it.
struct Heard {
    connection: Connection,
    text: String,
}

impl Heard {
    fn begin(daemon: &Daemon, target: &str, last: Option<&str>) -> Self {
        let connect = || {
            let mut connection = daemon.connect()?;
            let last = last.map(|id| format!("Last-Event-ID: {id}\r\n"));
            let last = last.unwrap_or_default();
            let request = format!("GET /api/v1{target} HTTP/1.1\r\nHost: localhost\r\n{last}\r\n");
            connection.send(request).ok()?;
            let head = connection.head().ok()?;
            assert_eq!(head.header("Content-Type"), Some("text/event-stream"));
            Some(connection)
        };
        Self {
            connection: wait_for("a stream begins", connect),
            text: String::new(),
        }
    }

    /// The next event: its id, its name and its data. `None` if the stream has ended.
    fn next(&mut self) -> Option<(String, String, Value)> {
        loop {
            while let Some((event, rest)) = self.text.split_once("\n\n") {
                let field = |name: &str| {
                    let mut lines = event.lines();
                    let value = lines.find_map(|it| it.strip_prefix(name)?.strip_prefix(": "));
                    value.unwrap_or_default().to_owned()
                };
                let told = (field("id"), field("event"), field("data"));
                self.text = rest.to_owned();
                if !told.2.is_empty() {
                    return Some((told.0, told.1, serde_json::from_str(&told.2).expect("JSON")));
                }
            }
            let chunk = self.connection.chunk().ok()??;
            self.text += std::str::from_utf8(&chunk).expect("UTF-8");
        }
    }

    /// Reads on until a process is in a state; answers the number of that event.
    fn until(&mut self, name: &str, state: &str) -> u64 {
        loop {
            let (id, _, data) = self.next().expect("the stream goes on");
            if data["name"] == name && data["change"]["state"] == state {
                return id.parse().expect("a number");
            }
        }
    }
}

#[test]
fn processes_are_controlled_and_their_logs_read() {
    Subject::Minder.run(|subject| {
        let daemon = Daemon::start(subject, CONFIG);
        daemon.wait_state("web", "RUNNING");

        let web = done(
            &daemon,
            "/processes/web/stdin",
            &json!({"text": "needle \u{e9}\n"}),
        );
        assert_eq!(
            (&web["name"], &web["state"]),
            (&"web".into(), &"RUNNING".into())
        );
        wait_until("the log has the line", || {
            told(&daemon, "/processes/web/log")["text"] == "needle \u{e9}\n"
        });
        let found = told(&daemon, "/processes/web/log/search?text=NEEDLE");
        assert_eq!(
            found["matches"],
            json!([{"offset": 0, "line_offset": 0, "line": "needle \u{e9}"}])
        );
        done(&daemon, "/processes/web/clear", &Value::Null);
        assert_eq!(
            told(&daemon, "/processes/web/log/files")["files"][0]["size"],
            0
        );

        let detail = told(&daemon, "/processes/web");
        let states = detail["changes"].as_array().expect("changes");
        let states: Vec<_> = states.iter().map(|it| it["state"].as_str()).collect();
        assert_eq!(states, [Some("STARTING"), Some("RUNNING")]);
        assert!(detail["process"]["figures"]["memory"].as_u64() > Some(0));

        let restarted = done(
            &daemon,
            "/actions",
            &json!({"action": "restart", "targets": ["team:*", "no"]}),
        );
        assert_eq!(restarted["ok"], false);
        let outcomes = restarted["outcomes"].as_array().expect("outcomes");
        let outcomes: BTreeMap<_, _> = outcomes
            .iter()
            .map(|it| (it["name"].as_str().expect("a name"), &it["fault"]))
            .collect();
        let expected = [
            ("no", "BAD_NAME".into()),
            ("team:0", Value::Null),
            ("team:1", Value::Null),
        ];
        assert_eq!(
            outcomes,
            expected
                .iter()
                .map(|(name, fault)| (*name, fault))
                .collect()
        );

        let (code, problem) = post(&daemon, "/processes/web/start", &json!({}));
        assert_eq!(
            (code, &problem["type"]),
            (409, &"urn:supervisor:fault:ALREADY_STARTED".into())
        );
        assert_eq!(post(&daemon, "/processes/team:*/stop", &json!({})).0, 404);
        let configuration = told(&daemon, "/processes/web/configuration");
        assert!(!configuration.to_string().contains("hidden"));
        let listed = told(&daemon, "/processes?state=STOPPED");
        assert_eq!(listed["processes"][0]["name"], "bad");
    });
}

#[test]
fn an_update_does_what_was_planned() {
    Subject::Minder.run(|subject| {
        let daemon = Daemon::start(subject, CONFIG);
        daemon.wait_state("team:1", "RUNNING");
        let pid = daemon.pid_of("web");
        let changed = CONFIG
            .replace("numprocs=2", "numprocs=3")
            .replace("program:bad", "program:new");
        daemon.sandbox().configure(&changed);
        let plan = told(&daemon, "/configuration/plan");
        let steps = plan["steps"].as_array().expect("steps");
        let step = |it: &Value| (it["change"].clone(), it["group"].clone());
        let expected = [("removed", "bad"), ("changed", "team"), ("added", "new")];
        let expected = expected.map(|(change, group)| (Value::from(change), Value::from(group)));
        assert_eq!(steps.iter().map(step).collect::<Vec<_>>(), expected);
        assert_eq!(steps[1]["stops"], json!(["team:0", "team:1"]));
        assert_eq!(plan["untouched"], 1);

        let updated = done(
            &daemon,
            "/configuration/update",
            &json!({"groups": ["team", "new"]}),
        );
        assert_eq!(updated["ok"], true, "{updated}");
        daemon.wait_state("team:2", "RUNNING");
        assert_eq!(daemon.pid_of("web"), pid);
        let left = told(&daemon, "/configuration/plan");
        assert_eq!(left["steps"].as_array().map(Vec::len), Some(1));
    });
}

#[test]
fn a_reader_of_events_misses_nothing_when_the_daemon_dies() {
    Subject::Minder.run(|subject| {
        let daemon = Daemon::start(subject, CONFIG);
        daemon.wait_state("web", "RUNNING");
        let mut reader = Heard::begin(&daemon, "/stream", None);
        assert_eq!(reader.next().expect("an event").1, "begun");
        done(&daemon, "/processes/web/stop", &json!({}));
        let stopped = reader.until("web", "STOPPED");

        kill_daemon(daemon.pid());
        assert_eq!(reader.next(), None);
        // What happens before the reader is back.
        daemon.wait_ready();
        done(&daemon, "/processes/web/start", &json!({}));
        let last = stopped.to_string();
        let mut reader = Heard::begin(&daemon, "/stream", Some(&last));
        let (id, name, _) = reader.next().expect("an event");
        assert_eq!((id, &*name), (last, "begun"));
        let mut expected = stopped;
        loop {
            let (id, name, data) = reader.next().expect("an event");
            expected += 1;
            assert_eq!((&*name, id), ("event", expected.to_string()));
            if data["change"]["state"] == "RUNNING" {
                break;
            }
        }
        let events = told(&daemon, "/events?type=DAEMON");
        assert_eq!(events["events"][0]["kind"], "DAEMON_TOOK_OVER");
        // A number of another daemon's, or of nobody's.
        let mut stranger = Heard::begin(&daemon, "/stream?after=7", None);
        assert_eq!(stranger.next().expect("an event").1, "begun");
        assert_eq!(stranger.next().expect("an event").1, "reset");
    });
}

#[test]
fn a_reader_of_a_log_misses_nothing_when_the_daemon_dies() {
    Subject::Minder.run(|subject| {
        let daemon = Daemon::start(subject, CONFIG);
        daemon.wait_state("web", "RUNNING");
        let write = |text: &str| {
            done(&daemon, "/processes/web/stdin", &json!({"text": text}));
        };
        let mut reader = Heard::begin(&daemon, "/processes/web/log/stream", None);
        write("one\n");
        let (place, _, data) = reader.next().expect("an event");
        assert_eq!(data["text"], "one\n");
        kill_daemon(daemon.pid());
        daemon.wait_ready();
        write("two\n");
        let mut reader = Heard::begin(&daemon, "/processes/web/log/stream", Some(&place));
        assert_eq!(reader.next().expect("an event").2["text"], "two\n");
    });
}

/// Programs that start and stop at once: each of them is started and stopped hundreds of times.
const EXERCISED: &str = "\
[program:web]
command=actor echo
startsecs=0
stopsignal=KILL
[program:team]
command=actor wait
process_name=%(process_num)d
numprocs=2
startsecs=0
stopsignal=KILL
";

/// What is done, and what is not: streams have no end, and which signals there are is not written
/// down in the description.
const EXERCISE: &str = "\
[parameters]
\"path.name\" = \"web\"
\"path.group\" = \"team\"

[[operations]]
include-operation-id = [\"signalProcess\", \"signalGroup\"]
checks.positive_data_acceptance.enabled = false
";

/// How many operations are left out: the three streams, and the description itself, by which the
/// others are found.
const LEFT_OUT: usize = 4;

/// Each answer to each request of all sorts is as the description says.
#[test]
fn the_description_is_true() {
    Subject::Minder.run(|subject| {
        let Some(program) = schemathesis() else {
            eprintln!("left out: there is no schemathesis (`cargo xtask api` installs it)");
            return;
        };
        let port = Sandbox::free_port();
        let server = format!("[inet_http_server]\nport=127.0.0.1:{port}\n{EXERCISED}");
        let daemon = Daemon::start(subject, &server);
        daemon.wait_state("team:1", "RUNNING");
        let sandbox = daemon.sandbox();
        sandbox.write("schemathesis.toml", EXERCISE);
        let run = Run::of(
            Command::new(program)
                .current_dir(sandbox.folder())
                .args(["--config-file", "schemathesis.toml", "run"])
                .arg(format!("http://127.0.0.1:{port}/api/v1/openapi.json"))
                .args(["--exclude-operation-id-regex", "^(follow|stream)"])
                // As many as take half a minute on two cores; most of them are the first phase's, which
                // goes through the bounds of each parameter and of each member.
                .args(["--phases", "coverage,fuzzing", "--max-examples", "2"])
                // One worker: several wait for the same interpreter, and Python 3.11 can lose count of
                // its recursion when two threads parse at once.
                .args(["--workers", "1", "--seed", "1", "--no-color"]),
        );
        let lines = run
            .out
            .lines()
            .map(|line| line.chars().take(200).collect::<String>());
        let said: Vec<_> = lines.collect();
        assert_eq!(run.code, Some(0), "{}\n{}", said.join("\n"), run.err);
        let described = told(&daemon, "/openapi.json");
        let paths = described["paths"].as_object().expect("paths");
        let operations = paths.values().filter_map(Value::as_object);
        let operations: usize = operations.map(serde_json::Map::len).sum();
        let tested = format!("Tested: {}", operations - LEFT_OUT);
        assert!(
            run.out.contains(&tested),
            "not {tested}: {}",
            said.join("\n")
        );
        let daemons = told(&daemon, "/daemon");
        assert_eq!(daemons["generation"], 0, "it has not died of it");
    });
}

/// The value of a metric.
fn metric(daemon: &Daemon, series: &str) -> Option<f64> {
    let answer = get(daemon, "/metrics");
    let mut lines = answer.text().lines();
    let value = lines.find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    value.map(|value| value.parse().expect("a number"))
}

#[test]
fn counts_go_on_when_the_daemon_dies() {
    Subject::Minder.run(|subject| {
        let daemon = Daemon::start(subject, CONFIG);
        let bad = "{group=\"bad\",name=\"bad\"";
        for _ in 0..2 {
            done(&daemon, "/processes/bad/start", &json!({"wait": false}));
            daemon.wait_state("bad", "EXITED");
        }
        let exits = format!("minder_process_exits_total{bad},reason=\"unexpected\"}}");
        assert_eq!(metric(&daemon, &exits), Some(2.0));
        assert_eq!(metric(&daemon, "minder_daemon_restarts_total"), Some(0.0));
        kill_daemon(daemon.pid());
        daemon.wait_ready();
        assert_eq!(metric(&daemon, &exits), Some(2.0));
        assert_eq!(
            metric(&daemon, &format!("minder_process_starts_total{bad}}}")),
            Some(2.0)
        );
        assert_eq!(metric(&daemon, "minder_daemon_restarts_total"), Some(1.0));
        let logged = "minder_process_log_bytes_total{group=\"web\",name=\"web\",stream=\"stdout\"}";
        let before = metric(&daemon, logged).expect("web is logged");
        done(&daemon, "/processes/web/stdin", &json!({"text": "one\n"}));
        wait_until("what web says is counted", || {
            metric(&daemon, logged) == Some(before + 4.0)
        });
        assert!(
            metric(
                &daemon,
                "minder_process_resident_memory_bytes{group=\"web\",name=\"web\"}"
            ) > Some(0.0)
        );
        check_with_promtool(&get(&daemon, "/metrics"));
    });
}

/// Lets Prometheus' own tool look at metrics, where it is installed.
fn check_with_promtool(answer: &Answer) {
    let tool = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let Ok(mut tool) = tool else {
        eprintln!("left out: there is no promtool (on Debian: `apt install prometheus`)");
        return;
    };
    let mut input = tool.stdin.take().expect("its input is a pipe");
    input.write_all(&answer.body).expect("it reads its input");
    drop(input);
    let output = tool.wait_with_output().expect("it can be waited for");
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.is_empty(), "{said}");
}

#[test]
fn what_programs_say_to_listeners_is_told_among_the_events() {
    Subject::Minder.run(|subject| {
        let daemon = Daemon::start(
            subject,
            "[program:web]\ncommand=actor echo\nstartsecs=0\nstdout_events_enabled=true\n\
             [program:mute]\ncommand=actor echo\nstartsecs=0",
        );
        for name in ["web", "mute"] {
            daemon.wait_state(name, "RUNNING");
            let line = json!({"text": "from the outside\n"});
            done(&daemon, &format!("/processes/{name}/stdin"), &line);
        }
        let event = wait_for("the event", || {
            let found = told(&daemon, "/events?type=PROCESS_LOG");
            found["events"].get(0).cloned()
        });
        assert_eq!(event["kind"], "PROCESS_LOG_STDOUT");
        assert_eq!(
            (&event["name"], &event["group"]),
            (&json!("web"), &json!("web"))
        );
        assert_eq!(event["data"], "from the outside\n");
        // This daemon is the first.
        assert_eq!(told(&daemon, "/events?type=DAEMON")["events"], json!([]));
    });
}
