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
    let size = at.read("buffer_size", types::integer)?.unwrap_or(10);
    let Some(buffer_size) = usize::try_from(size).ok().filter(|size| *size > 0) else {
        let problem = Problem::BufferSize {
            section: section(),
            size,
        };
        return Err(at.refuse("buffer_size", problem));
    };
    if let Some(spec) = at.text("result_handler")?
        && !is_import_of(&spec, DEFAULT_HANDLER)
    {
        let section = section();
        return Err(at.refuse("result_handler", Problem::Unresolved { spec, section }));
    }
    let events = events(at)?;
    if at.read("redirect_stderr", types::boolean)?.unwrap_or(false) {
        return Err(at.refuse("redirect_stderr", Problem::ListenerRedirects(section())));
    }
    Ok(GroupKind::Listeners {
        buffer_size,
        events,
    })
}

/// The events asked for, sorted, so that writing them in another order is no change.
fn events(at: &Reader<'_>) -> Result<Vec<String>, ConfigError> {
    let listed = at.text("events")?.unwrap_or_default();
    let names: Vec<String> = types::list(&listed)
        .iter()
        .map(|name| name.to_uppercase())
        .collect();
    if names.is_empty() {
        let problem = Problem::NoEvents(at.section_name().to_owned());
        return Err(at.refuse("events", problem));
    }
    if let Some(unknown) = names.iter().find(|name| !EVENTS.contains(&name.as_str())) {
        let problem = Problem::UnknownEvent {
            name: unknown.clone(),
            section: at.section_name().to_owned(),
        };
        return Err(at.refuse("events", problem));
    }
    Ok(names
        .into_iter()
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect())
}
