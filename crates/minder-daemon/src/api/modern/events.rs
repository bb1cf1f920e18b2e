//! What has happened.

use minder_api::Reply;
use minder_api::body::{Event, Events};
use minder_core::EventType;
use minder_core::group::full_name;

use super::super::Api;
use super::processes::change;
use super::time;
use crate::history::{Happened, What};

impl Api {
    pub(super) fn events(
        &self,
        after: Option<u64>,
        before: Option<u64>,
        limit: usize,
        kind: Option<&str>,
        process: Option<&str>,
    ) -> Reply {
        let wanted = |event: &Happened| {
            after.is_none_or(|after| event.id > after)
                && kind.is_none_or(|kind| event.what.kind().starts_with(kind))
                && process.is_none_or(|process| event.what.process().as_deref() == Some(process))
        };
        let before = before.unwrap_or(u64::MAX);
        let events = self.history.newest(before, limit, wanted);
        Reply::json(&Events {
            last_event: self.history.last(),
            oldest: self.history.oldest(),
            events: events.iter().map(event).collect(),
        })
    }
}

impl What {
    /// What sort of event it is: Supervisor's name for it, if it has one.
    fn kind(&self) -> &'static str {
        use minder_core::ProcessState as State;

        let known = match self {
            Self::Moved { change, .. } => match change.state {
                State::Stopped => EventType::ProcessStateStopped,
                State::Starting => EventType::ProcessStateStarting,
                State::Running => EventType::ProcessStateRunning,
                State::Backoff => EventType::ProcessStateBackoff,
                State::Stopping => EventType::ProcessStateStopping,
                State::Exited => EventType::ProcessStateExited,
                State::Fatal => EventType::ProcessStateFatal,
                State::Unknown => EventType::ProcessStateUnknown,
            },
            Self::GroupAdded(_) => EventType::ProcessGroupAdded,
            Self::GroupRemoved(_) => EventType::ProcessGroupRemoved,
            Self::Running => EventType::SupervisorStateChangeRunning,
            Self::Stopping => EventType::SupervisorStateChangeStopping,
            Self::Remote { .. } => EventType::RemoteCommunication,
            Self::Said { channel, said, .. } => said.kind(*channel),
            Self::TookOver => return "DAEMON_TOOK_OVER",
        };
        known.name()
    }

    /// What users call the process that it is about.
    fn process(&self) -> Option<String> {
        match self {
            Self::Moved { key, .. } | Self::Said { key, .. } => {
                Some(full_name(&key.group, &key.name))
            }
            Self::GroupAdded(_)
            | Self::GroupRemoved(_)
            | Self::Running
            | Self::Stopping
            | Self::TookOver
            | Self::Remote { .. } => None,
        }
    }
}

/// The body that tells of one event.
pub(super) fn event(happened: &Happened) -> Event {
    let mut event = Event {
        id: happened.id,
        at: time(happened.at),
        kind: happened.what.kind().to_owned(),
        name: happened.what.process(),
        group: None,
        from: None,
        change: None,
        said: None,
        data: None,
    };
    match &happened.what {
        What::Moved {
            key,
            from,
            change: moved,
        } => {
            event.group = Some(key.group.to_string());
            event.from = Some(from.name().to_owned());
            event.change = Some(change(moved));
        }
        What::GroupAdded(group) | What::GroupRemoved(group) => {
            event.group = Some(group.to_string());
        }
        What::Said { key, data, .. } => {
            event.group = Some(key.group.to_string());
            event.data = Some(data.to_string());
        }
        What::Remote { kind, data } => {
            event.said = Some(kind.to_string());
            event.data = Some(data.to_string());
        }
        What::Running | What::Stopping | What::TookOver => {}
    }
    event
}
