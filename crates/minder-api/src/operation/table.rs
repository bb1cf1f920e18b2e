//! The table itself.

use minder_rpc::{Channel, ProcessState};

use super::{Given, Gives, Kind, Operation, Param, Takes, refused};
use crate::exposition::Format;
use crate::input::{Acting, Signalling, Updating, Verb, Waiting, Writing};
use crate::{Action, Ask, LogOf, Place, Problem};

/// The most bytes of a log in one answer.
const MAX_PART: i64 = 1 << 20;

const fn param(name: &'static str, kind: Kind, about: &'static str) -> Param {
    Param {
        name,
        kind,
        required: false,
        about,
    }
}

const fn int(min: i64, max: i64, default: i64) -> Kind {
    Kind::Int {
        min,
        max,
        default: Some(default),
    }
}

const STATES: &[&str] = &[
    "STOPPED", "STARTING", "RUNNING", "BACKOFF", "STOPPING", "EXITED", "FATAL", "UNKNOWN",
];
const STATE: Param = param(
    "state",
    Kind::Choices(STATES),
    "only those in one of these states",
);
const GROUP: Param = param("group", Kind::Text, "only those of this group");
const WITH_FIGURES: Param = param(
    "figures",
    Kind::Bool,
    "whether to measure what they consume",
);
const CHANNEL: Param = param(
    "channel",
    Kind::Choice(&["stdout", "stderr"]),
    "which of its streams",
);
const FILE: Param = param(
    "file",
    int(0, 100_000, 0),
    "0 for the file that is written to, 1 for the one that was rotated away last, and so on",
);
const OFFSET: Param = param(
    "offset",
    int(-(1 << 53), 1 << 53, -65_536),
    "the first byte; below zero, counted from the end of the file",
);
const LIMIT: Param = param("limit", int(1, MAX_PART, 65_536), "how many bytes at most");
const SOUGHT: Param = Param {
    required: true,
    ..param("text", Kind::Text, "what to look for: bytes, no pattern")
};
const CASE: Param = param(
    "case",
    Kind::Bool,
    "whether capitals and small letters of ASCII are different",
);
const FROM: Param = param("offset", int(0, 1 << 53, 0), "the first byte to look at");
const PLACES: Param = param("limit", int(1, 1000, 100), "how many places at most");
const PLACE: Param = param(
    "after",
    Kind::Place,
    "where to begin: the `place` of an answer, or the id of an event; the end of the log if left out",
);
const AFTER: Param = param(
    "after",
    Kind::Event,
    "only what came after the event of this number",
);
const BEFORE: Param = param(
    "before",
    Kind::Event,
    "only what came before the event of this number",
);
const EVENTS: Param = param("limit", int(1, 1000, 100), "how many events at most");
const TYPE: Param = param("type", Kind::Text, "only types whose names begin like this");
const ABOUT: Param = param("process", Kind::Text, "only events about this process");
const FIGURES: Param = param(
    "figures",
    Kind::Names,
    "processes to tell of every five seconds what they consume; * for all",
);
const NAMES: Param = param("names", Kind::Names, "only these processes");

const ADDED: &[(&str, &str)] = &[("added", "Added"), ("reset", "LogReset")];
const NEWS: &[(&str, &str)] = &[
    ("begun", "Begun"),
    ("reset", "Begun"),
    ("event", "Event"),
    ("figures", "AllFigures"),
];

/// An operation that reads.
const fn get(id: &'static str, path: &'static str, tag: &'static str) -> Operation {
    Operation {
        id,
        method: "GET",
        path,
        tag,
        about: "",
        query: &[],
        takes: Takes::Nothing,
        gives: Gives::Json("Daemon"),
        problems: &[],
        make: |_| Ok(Ask::Daemon),
    }
}

/// An operation that changes something.
const fn post(id: &'static str, path: &'static str, tag: &'static str) -> Operation {
    Operation {
        method: "POST",
        ..get(id, path, tag)
    }
}

/// An operation on one process.
const fn act(id: &'static str, path: &'static str) -> Operation {
    Operation {
        gives: Gives::Json("Process"),
        problems: &[404, 409],
        ..post(id, path, "processes")
    }
}

/// An operation on a group.
const fn act_on_group(id: &'static str, path: &'static str) -> Operation {
    Operation {
        gives: Gives::Json("Outcomes"),
        problems: &[404, 409],
        ..post(id, path, "groups")
    }
}

/// Every operation.
pub static OPERATIONS: &[Operation] = &[
    Operation {
        about: "Tells who answers.",
        ..get("getDaemon", "/api/v1/daemon", "daemon")
    },
    Operation {
        about: "Reads a part of the daemon's own log.",
        query: &[FILE, OFFSET, LIMIT],
        gives: Gives::Json("LogPart"),
        problems: &[404],
        make: |given| Ok(log(given, LogOf::Daemon)),
        ..get("readDaemonLog", "/api/v1/daemon/log", "daemon")
    },
    Operation {
        about: "Lists the files of the daemon's own log.",
        gives: Gives::Json("LogFiles"),
        problems: &[404],
        make: |_| Ok(Ask::LogFiles(LogOf::Daemon)),
        ..get("listDaemonLogFiles", "/api/v1/daemon/log/files", "daemon")
    },
    Operation {
        about: "Looks for a text in the daemon's own log.",
        query: &[SOUGHT, CASE, FILE, FROM, PLACES],
        gives: Gives::Json("Matches"),
        problems: &[404],
        make: |given| Ok(search(given, LogOf::Daemon)),
        ..get("searchDaemonLog", "/api/v1/daemon/log/search", "daemon")
    },
    Operation {
        about: "Sends what is added to the daemon's own log, as it is added.",
        query: &[PLACE],
        gives: Gives::Events(ADDED),
        problems: &[404],
        make: |given| Ok(follow(given, LogOf::Daemon)),
        ..get("followDaemonLog", "/api/v1/daemon/log/stream", "daemon")
    },
    Operation {
        about: "Tells how processes are.",
        query: &[STATE, GROUP, WITH_FIGURES],
        gives: Gives::Json("Processes"),
        make: |given| {
            let wanted = given.names(STATE.name);
            let all = ProcessState::ALL.into_iter();
            let states = all.filter(|it| wanted.iter().any(|name| name == it.name()));
            Ok(Ask::Processes {
                states: states.collect(),
                group: given.text(GROUP.name).map(str::to_owned),
                figures: given.is_true(WITH_FIGURES.name),
            })
        },
        ..get("listProcesses", "/api/v1/processes", "processes")
    },
    Operation {
        about: "Tells how a process is, and how it was.",
        gives: Gives::Json("ProcessDetail"),
        problems: &[404],
        make: |given| Ok(Ask::Process { name: name(given) }),
        ..get("getProcess", "/api/v1/processes/{name}", "processes")
    },
    Operation {
        about: "Tells what a process is configured with, and which line of which file says so.",
        gives: Gives::Json("Configuration"),
        problems: &[404],
        make: |given| Ok(Ask::Configuration { name: name(given) }),
        ..get(
            "getProcessConfiguration",
            "/api/v1/processes/{name}/configuration",
            "processes",
        )
    },
    Operation {
        about: "Starts a process.",
        takes: Takes::Perhaps("Waiting"),
        make: |given| {
            Ok(on_process(
                given,
                waiting(given, |wait| Action::Start { wait })?,
            ))
        },
        ..act("startProcess", "/api/v1/processes/{name}/start")
    },
    Operation {
        about: "Stops a process.",
        takes: Takes::Perhaps("Waiting"),
        make: |given| {
            Ok(on_process(
                given,
                waiting(given, |wait| Action::Stop { wait })?,
            ))
        },
        ..act("stopProcess", "/api/v1/processes/{name}/stop")
    },
    Operation {
        about: "Stops a process if it runs, then starts it.",
        takes: Takes::Perhaps("Waiting"),
        make: |given| {
            Ok(on_process(
                given,
                waiting(given, |wait| Action::Restart { wait })?,
            ))
        },
        ..act("restartProcess", "/api/v1/processes/{name}/restart")
    },
    Operation {
        about: "Sends a signal to a process.",
        takes: Takes::Json("Signalling"),
        make: |given| Ok(on_process(given, signalling(given)?)),
        ..act("signalProcess", "/api/v1/processes/{name}/signal")
    },
    Operation {
        about: "Empties the logs of a process.",
        make: |given| Ok(on_process(given, Action::Clear)),
        ..act("clearProcessLogs", "/api/v1/processes/{name}/clear")
    },
    Operation {
        about: "Writes to the standard input of a process.",
        takes: Takes::Json("Writing"),
        make: |given| {
            let Writing { text } = given.body()?;
            Ok(on_process(given, Action::Stdin { text }))
        },
        ..act("writeProcessStdin", "/api/v1/processes/{name}/stdin")
    },
    Operation {
        about: "Reads a part of a log of a process.",
        query: &[CHANNEL, FILE, OFFSET, LIMIT],
        gives: Gives::Json("LogPart"),
        problems: &[404],
        make: |given| Ok(log(given, log_of(given))),
        ..get("readProcessLog", "/api/v1/processes/{name}/log", "logs")
    },
    Operation {
        about: "Lists the files of a log of a process.",
        query: &[CHANNEL],
        gives: Gives::Json("LogFiles"),
        problems: &[404],
        make: |given| Ok(Ask::LogFiles(log_of(given))),
        ..get(
            "listProcessLogFiles",
            "/api/v1/processes/{name}/log/files",
            "logs",
        )
    },
    Operation {
        about: "Looks for a text in a log of a process.",
        query: &[SOUGHT, CASE, CHANNEL, FILE, FROM, PLACES],
        gives: Gives::Json("Matches"),
        problems: &[404],
        make: |given| Ok(search(given, log_of(given))),
        ..get(
            "searchProcessLog",
            "/api/v1/processes/{name}/log/search",
            "logs",
        )
    },
    Operation {
        about: "Sends what is added to a log of a process, as it is added.",
        query: &[CHANNEL, PLACE],
        gives: Gives::Events(ADDED),
        problems: &[404],
        make: |given| Ok(follow(given, log_of(given))),
        ..get(
            "followProcessLog",
            "/api/v1/processes/{name}/log/stream",
            "logs",
        )
    },
    Operation {
        about: "Measures what processes consume.",
        query: &[NAMES],
        gives: Gives::Json("AllFigures"),
        problems: &[404],
        make: |given| {
            let names = given.names(NAMES.name);
            Ok(Ask::Figures { names })
        },
        ..get("getFigures", "/api/v1/figures", "processes")
    },
    Operation {
        about: "Lists the groups that are active.",
        gives: Gives::Json("Groups"),
        make: |_| Ok(Ask::Groups),
        ..get("listGroups", "/api/v1/groups", "groups")
    },
    Operation {
        about: "Starts all processes of a group.",
        takes: Takes::Perhaps("Waiting"),
        make: |given| {
            Ok(on_group(
                given,
                waiting(given, |wait| Action::Start { wait })?,
            ))
        },
        ..act_on_group("startGroup", "/api/v1/groups/{group}/start")
    },
    Operation {
        about: "Stops all processes of a group.",
        takes: Takes::Perhaps("Waiting"),
        make: |given| {
            Ok(on_group(
                given,
                waiting(given, |wait| Action::Stop { wait })?,
            ))
        },
        ..act_on_group("stopGroup", "/api/v1/groups/{group}/stop")
    },
    Operation {
        about: "Stops those processes of a group that run, then starts all of them.",
        takes: Takes::Perhaps("Waiting"),
        make: |given| {
            Ok(on_group(
                given,
                waiting(given, |wait| Action::Restart { wait })?,
            ))
        },
        ..act_on_group("restartGroup", "/api/v1/groups/{group}/restart")
    },
    Operation {
        about: "Sends a signal to all processes of a group.",
        takes: Takes::Json("Signalling"),
        make: |given| Ok(on_group(given, signalling(given)?)),
        ..act_on_group("signalGroup", "/api/v1/groups/{group}/signal")
    },
    Operation {
        about: "Does something to several processes. What cannot be done stands in the answer.",
        takes: Takes::Json("Acting"),
        gives: Gives::Json("Outcomes"),
        make: act_on_many,
        ..post("act", "/api/v1/actions", "processes")
    },
    Operation {
        about: "Tells what has happened, the newest first. The last 1000 events are kept.",
        query: &[AFTER, BEFORE, EVENTS, TYPE, ABOUT],
        gives: Gives::Json("Events"),
        make: |given| {
            let text = |param: Param| given.text(param.name).map(str::to_owned);
            Ok(Ask::Events {
                after: given.event(AFTER.name),
                before: given.event(BEFORE.name),
                limit: usize::try_from(given.count(&EVENTS)).unwrap_or(0),
                kind: text(TYPE),
                process: text(ABOUT),
            })
        },
        ..get("listEvents", "/api/v1/events", "events")
    },
    Operation {
        about: "Tells of the pools of event listeners.",
        gives: Gives::Json("Listeners"),
        make: |_| Ok(Ask::Listeners),
        ..get("listListeners", "/api/v1/listeners", "events")
    },
    Operation {
        about: "Sends what happens, as it happens.",
        query: &[AFTER, FIGURES],
        gives: Gives::Events(NEWS),
        make: |given| {
            // Somebody else's number is no reason to refuse a reader: it is told to begin anew.
            let last = given.last_event_id().map(|id| id.parse().unwrap_or(0));
            Ok(Ask::Stream {
                after: last.or(given.event(AFTER.name)),
                figures: given.names(FIGURES.name),
            })
        },
        ..get("streamEvents", "/api/v1/stream", "events")
    },
    Operation {
        about: "Reads the configuration files, and tells what an update would do. Changes nothing.",
        gives: Gives::Json("Plan"),
        problems: &[409],
        make: |_| Ok(Ask::Plan),
        ..get("planUpdate", "/api/v1/configuration/plan", "configuration")
    },
    Operation {
        about: "Reads the configuration files as `reread` does, and tells what an update would do.",
        gives: Gives::Json("Plan"),
        problems: &[409],
        make: |_| Ok(Ask::Reread),
        ..post("reread", "/api/v1/configuration/reread", "configuration")
    },
    Operation {
        about: "Reads the configuration files, and makes active what they say, as `update` does.",
        takes: Takes::Perhaps("Updating"),
        gives: Gives::Json("Updated"),
        problems: &[409],
        make: |given| {
            let Updating { groups } = given.body_or_default()?;
            if groups.as_ref().is_some_and(|it| it.len() > TARGETS) {
                return Err(refused(
                    "groups",
                    &format!("names more than {TARGETS} groups"),
                ));
            }
            Ok(Ask::Update { groups })
        },
        ..post("update", "/api/v1/configuration/update", "configuration")
    },
    Operation {
        about: "This description.",
        gives: Gives::OpenApi,
        make: |_| Ok(Ask::OpenApi),
        ..get("getDescription", "/api/v1/openapi.json", "daemon")
    },
    Operation {
        about: "The metrics, for Prometheus.",
        gives: Gives::Metrics,
        make: |given| Ok(Ask::Metrics(Format::accepted(given.accept()))),
        ..get("getMetrics", "/metrics", "daemon")
    },
];

fn name(given: &Given<'_>) -> String {
    given.path("name")
}

fn on_process(given: &Given<'_>, action: Action) -> Ask {
    let name = name(given);
    Ask::Act { name, action }
}

fn on_group(given: &Given<'_>, action: Action) -> Ask {
    let group = given.path("group");
    Ask::ActOnGroup { group, action }
}

fn waiting(given: &Given<'_>, action: fn(bool) -> Action) -> Result<Action, Problem> {
    let Waiting { wait } = given.body_or_default()?;
    Ok(action(wait))
}

fn signalling(given: &Given<'_>) -> Result<Action, Problem> {
    let Signalling { signal } = given.body()?;
    Ok(Action::Signal { signal })
}

/// The most targets of one request: twice the largest installation we know of.
const TARGETS: usize = 10_000;

fn act_on_many(given: &Given<'_>) -> Result<Ask, Problem> {
    let Acting {
        action,
        targets,
        signal,
        wait,
    } = given.body()?;
    if targets.is_empty() || targets.len() > TARGETS {
        let what = format!("must name 1 to {TARGETS} processes");
        return Err(refused("targets", &what));
    }
    let action = match (action, signal) {
        (Verb::Start, _) => Action::Start { wait },
        (Verb::Stop, _) => Action::Stop { wait },
        (Verb::Restart, _) => Action::Restart { wait },
        (Verb::Clear, _) => Action::Clear,
        (Verb::Signal, Some(signal)) => Action::Signal { signal },
        (Verb::Signal, None) => return Err(refused("signal", "is missing")),
    };
    Ok(Ask::ActOnMany { targets, action })
}

fn log_of(given: &Given<'_>) -> LogOf {
    let channel = match given.text(CHANNEL.name) {
        Some("stderr") => Channel::Stderr,
        Some(_) | None => Channel::Stdout,
    };
    LogOf::Process {
        name: name(given),
        channel,
    }
}

fn log(given: &Given<'_>, log: LogOf) -> Ask {
    Ask::Log {
        log,
        file: file(given),
        offset: given.int(&OFFSET),
        limit: given.count(&LIMIT),
    }
}

fn search(given: &Given<'_>, log: LogOf) -> Ask {
    Ask::Search {
        log,
        file: file(given),
        text: given.text(SOUGHT.name).unwrap_or_default().to_owned(),
        case: given.is_true(CASE.name),
        offset: given.count(&FROM),
        limit: usize::try_from(given.count(&PLACES)).unwrap_or(0),
    }
}

fn follow(given: &Given<'_>, log: LogOf) -> Ask {
    // As with events: a place that nobody knows is one to begin anew from.
    let nowhere = Place { file: 0, offset: 0 };
    let last = given.last_event_id();
    let last = last.map(|id| Place::parse(id).unwrap_or(nowhere));
    let after = last.or_else(|| Place::parse(given.text(PLACE.name)?));
    Ask::FollowLog { log, after }
}

fn file(given: &Given<'_>) -> u32 {
    u32::try_from(given.count(&FILE)).unwrap_or(u32::MAX)
}
