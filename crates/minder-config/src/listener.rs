//! `[eventlistener:x]`: which events its pool of processes is told.

use std::collections::BTreeSet;

use minder_core::spec::GroupKind;

use crate::error::{ConfigError, Problem};
use crate::rpcinterface::is_import_of;
use crate::section::Reader;
use crate::types;

/// How the names of the sections begin.
pub(crate) const PREFIX: &str = "eventlistener:";

/// The options of a listener that are not a program's.
pub(crate) const OPTIONS: &[&str] = &["events", "buffer_size", "result_handler"];

/// The types of events.
pub(crate) const EVENTS: &[&str] = &[
    "EVENT",
    "PROCESS_STATE",
    "PROCESS_STATE_STOPPED",
    "PROCESS_STATE_EXITED",
    "PROCESS_STATE_STARTING",
    "PROCESS_STATE_STOPPING",
    "PROCESS_STATE_BACKOFF",
    "PROCESS_STATE_FATAL",
    "PROCESS_STATE_RUNNING",
    "PROCESS_STATE_UNKNOWN",
    "PROCESS_COMMUNICATION",
    "PROCESS_COMMUNICATION_STDOUT",
    "PROCESS_COMMUNICATION_STDERR",
    "PROCESS_LOG",
    "PROCESS_LOG_STDOUT",
    "PROCESS_LOG_STDERR",
    "REMOTE_COMMUNICATION",
    "SUPERVISOR_STATE_CHANGE",
    "SUPERVISOR_STATE_CHANGE_RUNNING",
    "SUPERVISOR_STATE_CHANGE_STOPPING",
    "TICK",
    "TICK_5",
    "TICK_60",
    "TICK_3600",
    "PROCESS_GROUP",
    "PROCESS_GROUP_ADDED",
    "PROCESS_GROUP_REMOVED",
];

/// The one way to judge a listener's answer, by the name of the Python function that does it.
const DEFAULT_HANDLER: (&str, &str) = ("supervisor.dispatchers", "default_handler");

/// Reads what makes a group a pool of listeners.
pub(crate) fn read(at: &Reader<'_>) -> Result<GroupKind, ConfigError> {
    let section = || at.section_name().to_owned();
    let problems = at.problems();
    let buffer_size = at.read("buffer_size", |text| {
        let size = types::integer(text)?;
        let usable = usize::try_from(size).ok().filter(|size| *size > 0);
        usable.ok_or_else(|| Problem::BufferSize {
            section: section(),
            size,
        })
    })?;
    at.read("result_handler", |spec| {
        if is_import_of(spec, DEFAULT_HANDLER) {
            return Ok(());
        }
        Err(Problem::Unresolved {
            spec: spec.to_owned(),
            section: section(),
        })
    })?;
    let events = problems.pass(events(at))?.unwrap_or_default();
    at.read("redirect_stderr", |text| {
        if types::boolean(text)? {
            return Err(Problem::ListenerRedirects(section()));
        }
        Ok(())
    })?;
    Ok(GroupKind::Listeners {
        buffer_size,
        events,
    })
}

/// The events asked for, sorted, so that writing them in another order is no change.
fn events(at: &Reader<'_>) -> Result<Vec<String>, ConfigError> {
    let listed = at.needed_text("events")?.unwrap_or_default();
    let names: Vec<String> = types::list(&listed)
        .iter()
        .map(|name| name.to_uppercase())
        .collect();
    if names.is_empty() {
        let problem = Problem::NoEvents(at.section_name().to_owned());
        return Err(at.refuse("events", problem));
    }
    for name in names.iter().filter(|name| !EVENTS.contains(&name.as_str())) {
        let problem = Problem::UnknownEvent {
            name: name.clone(),
            section: at.section_name().to_owned(),
        };
        let refused = at.refuse_part("events", name, problem);
        at.problems().pass::<()>(Err(refused))?;
    }
    Ok(names
        .into_iter()
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect())
}
