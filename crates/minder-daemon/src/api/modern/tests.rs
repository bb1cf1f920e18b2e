use std::collections::{BTreeMap, BTreeSet};
use std::future::poll_fn;
use std::sync::Arc;
use std::time::Duration;

use minder_api::exposition::{Family, Format};
use minder_api::{Action, Ask, Content, Interface as _, LogOf, Problem};
use minder_core::event::Entered;
use minder_core::{Effect, Event, ProcessId, ProcessState, Wall};
use minder_rpc::Channel;
use serde_json::Value;
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;

use super::super::tests::{World, world};
use super::*;
use crate::history::chronicle::Chronicle;
use crate::link::moment;
use crate::testing::Keeper;

const PROGRAMS: &str = "\
[supervisord]
[program:web]
command=/bin/cat --url http://u:p@h
environment=API_KEY=\"k\",PLAIN=\"v\"
startsecs=0
[program:team]
command=/bin/cat
process_name=%(process_num)d
numprocs=2
[eventlistener:ear]
command=/bin/cat
events=TICK_5
";

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

fn ask(world: &World, ask: Ask) -> Result<Value, Problem> {
    let reply = runtime().block_on(world.api.answer(ask))?;
    let Content::Whole(bytes) = reply.content else {
        panic!("it goes on");
    };
    Ok(serde_json::from_slice(&bytes).unwrap())
}

fn metrics(world: &World, format: Format) -> String {
    let reply = runtime()
        .block_on(world.api.answer(Ask::Metrics(format)))
        .unwrap_or_else(|_| panic!());
    let Content::Whole(bytes) = reply.content else {
        panic!("it goes on");
    };
    String::from_utf8(bytes).unwrap()
}

/// A history in which `count` things have happened to `web`.
fn history(count: u64) -> (Arc<crate::history::History>, Chronicle) {
    let (mut link, _keeper) = Keeper::new();
    let mut chronicle = Chronicle::begin(&mut BTreeMap::new(), moment(1, 1_000_000));
    happen(&mut chronicle, &mut link, count);
    (chronicle.history(), chronicle)
}

fn happen(chronicle: &mut Chronicle, link: &mut crate::link::Link, count: u64) {
    for number in 0..count {
        let to = if number % 2 == 0 {
            Entered::Starting { tries: 0 }
        } else {
            Entered::Running { pid: 7 }
        };
        let event = Event::ProcessState {
            process: ProcessId(1),
            name: "web".into(),
            group: "web".into(),
            from: ProcessState::Stopped,
            to,
        };
        chronicle.observe(&Effect::Announce(event), Wall(Duration::from_secs(number)));
    }
    chronicle
        .publish(std::iter::empty(), Wall::default(), link)
        .unwrap();
}

/// Reads a text as Prometheus does, only more strictly: each metric is announced once, by help and
/// then type, before its samples, which stand together; none stands twice.
fn lint(text: &str, format: Format) -> BTreeMap<String, usize> {
    let open = format == Format::OpenMetrics;
    let body = if open {
        text.strip_suffix("# EOF\n").expect("an end")
    } else {
        text
    };
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    let (mut current, mut kind, mut helped) = (String::new(), String::new(), String::new());
    let mut seen = BTreeSet::new();
    for line in body.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, help) = rest.split_once(' ').expect("a help");
            assert!(!help.is_empty(), "{line}");
            assert!(!counts.contains_key(name), "announced twice: {line}");
            name.clone_into(&mut helped);
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, announced) = rest.split_once(' ').expect("a type");
            assert_eq!(name, helped, "the help stands before the type");
            assert!(["counter", "gauge", "info"].contains(&announced), "{line}");
            assert!(open || announced != "info", "{line}");
            (current, kind) = (name.to_owned(), announced.to_owned());
            counts.insert(current.clone(), 0);
        } else {
            let (series, value) = series(line);
            let name = series.split('{').next().unwrap();
            let expected = match (kind.as_str(), open) {
                ("counter", true) => format!("{current}_total"),
                ("info", true) => format!("{current}_info"),
                _ => current.clone(),
            };
            assert_eq!(name, expected, "{line}");
            assert_eq!(kind == "counter", name.ends_with("_total"), "{line}");
            assert!(
                value.is_finite() && (kind != "counter" || value >= 0.0),
                "{line}"
            );
            assert!(seen.insert(series.to_owned()), "there twice: {line}");
            *counts.get_mut(&current).expect("announced before") += 1;
        }
    }
    counts
}

/// The name and labels of a sample, which must be well-formed, and its value.
fn series(line: &str) -> (&str, f64) {
    let end = line.rfind(' ').expect("a value");
    let (series, value) = (&line[..end], &line[end + 1..]);
    let (name, labels) = series.split_once('{').unwrap_or((series, "}"));
    let is_word = |word: &str| {
        word.starts_with(|it: char| it.is_ascii_lowercase())
            && word.chars().all(|it| it.is_ascii_lowercase() || it == '_')
    };
    assert!(is_word(name), "{line}");
    let mut rest = labels.strip_suffix('}').expect("the end of labels");
    while !rest.is_empty() {
        let (label, value) = rest.split_once("=\"").expect("a label");
        assert!(is_word(label), "{line}");
        let mut escaped = false;
        let quote = value.find(|letter| {
            let is_end = letter == '"' && !escaped;
            escaped = letter == '\\' && !escaped;
            is_end
        });
        let quote = quote.expect("the end of a label");
        rest = value[quote + 1..].trim_start_matches(',');
    }
    (series, value.parse().expect("a number"))
}

#[test]
fn the_metrics_can_be_read_by_who_is_strict() {
    let mut world = world(PROGRAMS);
    world.api.history = history(5).0;
    for format in [Format::Prometheus, Format::OpenMetrics] {
        let text = metrics(&world, format);
        let counts = lint(&text, format);
        let announced = |family: &Family| {
            let open = format == Format::OpenMetrics;
            let name = if open {
                family.name.to_owned()
            } else {
                family.full_name()
            };
            assert!(counts.contains_key(&name), "{name} is missing");
        };
        metrics::ALL.iter().for_each(announced);
        assert_eq!(counts.len(), metrics::ALL.len());
    }
    let text = metrics(&world, Format::Prometheus);
    for line in [
        "minder_process_starts_total{group=\"web\",name=\"web\"} 3",
        "minder_process_state{group=\"web\",name=\"web\",state=\"STOPPED\"} 1",
        "minder_processes{state=\"STOPPED\"} 4",
        "minder_daemon_restarts_total 3",
    ] {
        assert!(
            text.lines().any(|it| it == line),
            "{line} is missing in\n{text}"
        );
    }
}

#[test]
fn each_metric_and_each_reason_is_documented_and_no_other() {
    let page = include_str!("../../../../../docs/metrics.md");
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `"));
    let documented: BTreeSet<&str> = rows.filter_map(|row| row.split('`').next()).collect();
    let names: Vec<String> = metrics::ALL.iter().map(Family::full_name).collect();
    let reasons = crate::history::Reason::ALL.iter().map(|it| it.name());
    let known: BTreeSet<&str> = names.iter().map(String::as_str).chain(reasons).collect();
    assert_eq!(documented, known);
}

#[test]
fn the_dashboard_asks_for_metrics_that_there_are() {
    let dashboard = include_str!("../../../../../docs/grafana.json");
    let _: serde_json::Value = serde_json::from_str(dashboard).unwrap();
    let words = dashboard.split(|it: char| !it.is_ascii_alphanumeric() && it != '_');
    let asked: BTreeSet<&str> = words.filter(|it| it.starts_with("minder_")).collect();
    let names: Vec<String> = metrics::ALL.iter().map(Family::full_name).collect();
    assert!(!asked.is_empty());
    for name in asked {
        assert!(names.iter().any(|it| it == name), "there is no {name}");
    }
}

#[test]
fn secrets_are_not_told() {
    let world = world(PROGRAMS);
    let configuration = ask(
        &world,
        Ask::Configuration {
            name: "web".to_owned(),
        },
    )
    .unwrap();
    let text = configuration.to_string();
    assert!(!text.contains("\"k\"") && !text.contains("u:p@h"), "{text}");
    assert_eq!(configuration["section"], "program:web");
    let command = &configuration["options"][0];
    assert_eq!(
        (&command["line"], &command["set"]),
        (&3.into(), &true.into())
    );
}

#[test]
fn options_have_the_names_of_the_file() {
    // Each option of a section that is set is found by its name.
    let text = "\
[supervisord]
[program:web]
command=/bin/cat
directory=/
umask=022
priority=3
autostart=false
autorestart=true
startsecs=2
startretries=4
exitcodes=0,2
stopsignal=HUP
stopwaitsecs=5
stopasgroup=true
killasgroup=true
stdout_logfile=NONE
stdout_logfile_maxbytes=1KB
stdout_logfile_backups=2
stdout_capture_maxbytes=3
stdout_events_enabled=true
stdout_syslog=false
stderr_logfile=/tmp/x
stderr_logfile_maxbytes=4
stderr_logfile_backups=5
stderr_capture_maxbytes=6
stderr_events_enabled=true
stderr_syslog=false
redirect_stderr=false
serverurl=http://h:1
";
    let world = world(text);
    let told = ask(
        &world,
        Ask::Configuration {
            name: "web".to_owned(),
        },
    )
    .unwrap();
    let options = told["options"].as_array().unwrap();
    let set: BTreeSet<u64> = options
        .iter()
        .filter_map(|it| it["line"].as_u64())
        .collect();
    let lines = 3..=text.lines().count() as u64;
    assert_eq!(set, lines.collect(), "{options:#?}");
    let value = |name: &str| {
        let option = options.iter().find(|it| it["name"] == name).unwrap();
        option["value"].as_str().unwrap().to_owned()
    };
    let values = [
        "umask",
        "exitcodes",
        "stopsignal",
        "stdout_logfile",
        "autorestart",
    ]
    .map(value);
    assert_eq!(values, ["022", "0,2", "SIGHUP", "NONE", "true"]);
}

#[test]
fn a_plan_tells_what_an_update_would_touch() {
    let world = world(PROGRAMS);
    let file = world.folder.path().join("s.conf");
    std::fs::write(
        &file,
        PROGRAMS.replace("numprocs=2", "numprocs=3") + "[program:new]\ncommand=/bin/cat\n",
    )
    .unwrap();
    let plan = ask(&world, Ask::Plan).unwrap();
    assert_eq!(plan["untouched"], 2);
    let steps = plan["steps"].as_array().unwrap();
    let told: Vec<_> = steps
        .iter()
        .map(|it| (&it["change"], &it["group"]))
        .collect();
    assert_eq!(
        told,
        [
            (&"changed".into(), &"team".into()),
            (&"added".into(), &"new".into())
        ]
    );
    assert_eq!(
        steps[0]["starts"],
        serde_json::json!(["team:0", "team:1", "team:2"])
    );
    std::fs::write(&file, "[program:x]\n").unwrap();
    let problem = ask(&world, Ask::Plan).unwrap_err();
    assert_eq!((problem.status, problem.fault), (409, Some(92)));
}

#[test]
fn whom_nobody_knows_is_not_found() {
    let world = world(PROGRAMS);
    let name = || "team:*".to_owned();
    let log = || LogOf::Process {
        name: name(),
        channel: Channel::Stdout,
    };
    for unknown in [
        Ask::Process { name: name() },
        Ask::Configuration { name: name() },
        Ask::Act {
            name: name(),
            action: Action::Start { wait: true },
        },
        Ask::ActOnGroup {
            group: "x".to_owned(),
            action: Action::Clear,
        },
        Ask::LogFiles(log()),
        Ask::FollowLog {
            log: log(),
            after: None,
        },
        Ask::Figures {
            names: vec![name()],
        },
    ] {
        assert_eq!(
            ask(&world, unknown.clone()).unwrap_err().status,
            404,
            "{unknown:?}"
        );
    }
}

/// How long a test waits for what must come, before it fails.
const DEADLINE: Duration = Duration::from_secs(20);

/// A stream, as its reader hears it.
struct Heard {
    content: Content,
    text: String,
}

impl Heard {
    async fn begin(world: &World, ask: Ask) -> Self {
        let reply = world.api.answer(ask).await;
        Self {
            content: reply
                .unwrap_or_else(|problem| panic!("{problem:?}"))
                .content,
            text: String::new(),
        }
    }

    /// The next event: its id, its name and its data.
    async fn next(&mut self) -> (String, String, Value) {
        let Content::Endless(source) = &mut self.content else {
            panic!("it ends");
        };
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
                    let data = serde_json::from_str(&told.2).unwrap();
                    return (told.0, told.1, data);
                }
            }
            let piece = timeout(DEADLINE, poll_fn(|cx| source.poll_next(cx))).await;
            let piece = piece.expect("an event in time").expect("an event");
            self.text += std::str::from_utf8(&piece).unwrap();
        }
    }

    /// The next event's number, which must be that of an event, or the name of what it is instead.
    async fn id(&mut self) -> Result<u64, String> {
        let (id, name, data) = self.next().await;
        if name != "event" {
            return Err(name);
        }
        assert_eq!(data["id"].to_string(), id);
        Ok(id.parse().unwrap())
    }
}

fn stream(after: Option<u64>) -> Ask {
    let figures = Vec::new();
    Ask::Stream { after, figures }
}

#[test]
fn a_reader_of_events_goes_on_where_it_was() {
    runtime().block_on(async {
        let mut world = world(PROGRAMS);
        let (history, mut chronicle) = history(4);
        world.api.history = history;
        let mut reader = Heard::begin(&world, stream(Some(1001))).await;
        assert_eq!(reader.next().await.0, "1001");
        assert_eq!([reader.id().await, reader.id().await], [Ok(1002), Ok(1003)]);
        let (mut link, _keeper) = Keeper::new();
        happen(&mut chronicle, &mut link, 1);
        assert_eq!(reader.id().await, Ok(1004));
        let mut late = Heard::begin(&world, stream(None)).await;
        assert_eq!(late.next().await.0, "1004");
        for unknown in [0, 2000] {
            let mut reader = Heard::begin(&world, stream(Some(unknown))).await;
            assert_eq!(reader.next().await.1, "begun");
            assert_eq!(reader.next().await.0, "1004");
        }
    });
}

#[test]
fn a_reader_who_is_too_slow_is_told_so_and_keeps_nobody_waiting() {
    runtime().block_on(async {
        let mut world = world(PROGRAMS);
        let (history, mut chronicle) = history(1);
        world.api.history = history;
        let mut slow = Heard::begin(&world, stream(None)).await;
        assert_eq!(slow.next().await.1, "begun");
        let (mut link, _keeper) = Keeper::new();
        for _ in 0..30 {
            happen(&mut chronicle, &mut link, 100);
            tokio::task::yield_now().await;
        }
        let mut last = 1000;
        loop {
            match slow.id().await {
                Ok(id) => assert_eq!(id, last + 1),
                Err(name) => {
                    assert_eq!(name, "reset");
                    break;
                }
            }
            last += 1;
        }
        assert!(last < 1000 + 3000, "nothing was missed");
        happen(&mut chronicle, &mut link, 1);
        assert_eq!(slow.id().await, Ok(4001));
    });
}

#[test]
fn a_log_is_followed_through_a_rotation() {
    use std::io::Write as _;

    runtime().block_on(async {
        let world = world(PROGRAMS);
        let path = world.folder.path().join("web.out");
        let add = |text: &str| {
            let file = std::fs::OpenOptions::new()
                .append(true)
                .create(true)
                .open(&path);
            file.unwrap().write_all(text.as_bytes()).unwrap();
        };
        add("old\n");
        let log = LogOf::Process {
            name: "web".to_owned(),
            channel: Channel::Stdout,
        };
        let follow = |after| Ask::FollowLog {
            log: log.clone(),
            after,
        };
        let mut reader = Heard::begin(&world, follow(None)).await;
        add("one\n");
        let (place, name, data) = reader.next().await;
        assert_eq!(
            (&*name, &data["text"], &data["offset"]),
            ("added", &"one\n".into(), &4.into())
        );
        std::fs::rename(&path, world.folder.path().join("web.out.1")).unwrap();
        add("two\n");
        assert_eq!(reader.next().await.2["text"], "two\n");
        // The same for one who comes again.
        let place = minder_api::Place::parse(&place);
        let mut again = Heard::begin(&world, follow(place)).await;
        assert_eq!(again.next().await.2["text"], "two\n");
    });
}
