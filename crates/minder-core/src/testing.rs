//! Material for the tests of this crate: specs with Supervisor's defaults, times, and effects as
//! short lines that read like Supervisor's log and a listener's transcript.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::time::Duration;

use crate::effect::{Effect, Effects, Halt, Whom};
use crate::event::Event;
use crate::signal::Signal;
use crate::spec::{
    AutoRestart, GroupKind, GroupSpec, LogTarget, ProcessSpec, ServerUrl, StreamSpec,
};
use crate::time::{Mono, Now, Wall};

/// A program with Supervisor's defaults.
pub(crate) fn program(name: &str) -> ProcessSpec {
    let stream = StreamSpec {
        log: LogTarget::Auto,
        max_bytes: 50 << 20,
        backups: 10,
        capture_max_bytes: 0,
        events_enabled: false,
        syslog: false,
    };
    ProcessSpec {
        name: name.to_string(),
        command: format!("/bin/{name}"),
        directory: None,
        umask: None,
        uid: None,
        priority: 999,
        autostart: true,
        autorestart: AutoRestart::Unexpected,
        start_secs: 1,
        start_retries: 3,
        exit_codes: Vec::from([0]),
        stop_signal: Signal::TERM,
        stop_wait_secs: 10,
        stop_as_group: false,
        kill_as_group: false,
        redirect_stderr: false,
        stdout: stream.clone(),
        stderr: stream,
        environment: BTreeMap::new(),
        server_url: ServerUrl::Auto,
    }
}

/// A group of these programs.
pub(crate) fn group(name: &str, processes: &[ProcessSpec]) -> Arc<GroupSpec> {
    prioritised(name, 999, processes)
}

/// A group with a priority.
pub(crate) fn prioritised(name: &str, priority: i64, processes: &[ProcessSpec]) -> Arc<GroupSpec> {
    Arc::new(GroupSpec {
        name: name.to_string(),
        priority,
        kind: GroupKind::Programs,
        processes: processes.iter().cloned().map(Arc::new).collect(),
    })
}

/// A pool of these listeners, which stops last.
pub(crate) fn pool(
    name: &str,
    buffer_size: usize,
    events: &[&str],
    processes: &[ProcessSpec],
) -> Arc<GroupSpec> {
    pool_of(name, Some(buffer_size), events, processes)
}

/// A pool of these listeners with or without a size of its buffer.
pub(crate) fn pool_of(
    name: &str,
    buffer_size: Option<usize>,
    events: &[&str],
    processes: &[ProcessSpec],
) -> Arc<GroupSpec> {
    let mut spec = Arc::unwrap_or_clone(prioritised(name, -1, processes));
    spec.kind = GroupKind::Listeners {
        buffer_size,
        events: events.iter().map(ToString::to_string).collect(),
    };
    Arc::new(spec)
}

/// A program that is up as soon as it is started.
pub(crate) fn at_once(name: &str) -> ProcessSpec {
    ProcessSpec {
        start_secs: 0,
        ..program(name)
    }
}

/// So many milliseconds after the start of the test; the wall clock runs beside.
pub(crate) fn at(millis: u64) -> Now {
    Now {
        mono: Mono(Duration::from_millis(millis)),
        wall: Wall(Duration::from_secs(1_000_000) + Duration::from_millis(millis)),
    }
}

/// Takes out the effects, one line each; lines of the log of DEBG level are left out.
pub(crate) fn told(fx: &mut Effects) -> Vec<String> {
    fx.take().iter().filter_map(tell).collect()
}

fn tell(effect: &Effect) -> Option<String> {
    Some(match effect {
        Effect::Spawn { child, spec, .. } => format!("spawn {} as {}", spec.name, child.0),
        Effect::Signal {
            child,
            signal,
            whom,
        } => {
            let whom = match whom {
                Whom::Child => "child",
                Whom::Group => "group of",
            };
            format!("{signal} to {whom} {}", child.0)
        }
        Effect::Deliver {
            child,
            delivery,
            bytes,
        } => {
            let text = core::str::from_utf8(bytes).expect("events are text");
            format!("delivery {delivery} to {}: {text}", child.0)
        }
        Effect::Announce(event) => tell_event(event),
        Effect::Log(message) if message.level() <= crate::Level::Debug => return None,
        Effect::Log(message) => format!("{} {message}", message.level().tag()),
        Effect::Reply { request, reply } => format!("reply {}: {reply:?}", request.0),
        Effect::GroupAdded { spec, .. } => format!("group {} is there", spec.name),
        Effect::GroupRemoved { id } => format!("group {} is gone", id.0),
        Effect::ProcessesAdded { group, processes } => {
            let names: Vec<_> = processes.iter().map(|(_, spec)| &*spec.name).collect();
            format!("group {} has {} too", group.0, names.join(" "))
        }
        Effect::ProcessRemoved { group, process } => {
            format!("group {} is without {}", group.0, process.0)
        }
        Effect::Stray { child, pid } => format!("stray {} with pid {pid}", child.0),
        Effect::ReopenLogs => "reopen logs".to_string(),
        Effect::Halt(Halt::Exit) => "exit".to_string(),
        Effect::Halt(Halt::Restart) => "restart".to_string(),
    })
}

fn tell_event(event: &Event) -> String {
    match event {
        Event::ProcessState { name, from, to, .. } => {
            format!("{name} {} from:{}{to}", to.state().name(), from.name())
        }
        Event::GroupAdded(name) => format!("GROUP_ADDED {name}"),
        Event::GroupRemoved(name) => format!("GROUP_REMOVED {name}"),
        Event::SupervisorRunning => "SUPERVISOR_RUNNING".to_string(),
        Event::SupervisorStopping => "SUPERVISOR_STOPPING".to_string(),
        other @ (Event::ProcessSaid { .. }
        | Event::RemoteCommunication { .. }
        | Event::Tick { .. }) => other.payload(),
    }
}
