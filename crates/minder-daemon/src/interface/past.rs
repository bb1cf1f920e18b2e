//! What has happened to a process, in the words of pages.

use std::time::Duration;

use minder_core::view::{GroupView, ProcessView};
use minder_core::{ExitStatus, ProcessState, Wall};
use minder_page::strip::SPAN;
use minder_page::{Ending, Look, Reason, Stretch, process};

use super::moments::Moments;
use crate::history::{self, Change, End, History, Record};

/// What is kept of a process, as far as pages tell of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Past {
    /// How often it was started again in the last day.
    pub(super) restarts: u32,
    /// Whether that happens again and again.
    pub(super) is_flapping: bool,
    /// The last changes that make up its state: as many as failed in a row, and no more.
    last: Option<Change>,
    failures: u32,
    ending: Option<Ending>,
}

impl Past {
    /// What is kept of this process, if anything is.
    pub(super) fn of(
        history: &History,
        group: &GroupView,
        process: &ProcessView,
        now: Wall,
    ) -> Option<Self> {
        history.look(&group.spec.name, &process.spec.name, |record| {
            Self::new(record, now)
        })
    }

    fn new(record: &Record, now: Wall) -> Self {
        let a_day_ago = Wall(now.0.saturating_sub(SPAN));
        let ends = || {
            let changes = record.changes.iter().rev();
            changes.filter_map(|change| Some((change.state, change.end.as_ref()?)))
        };
        let failed = |(state, _): &(ProcessState, &End)| *state == ProcessState::Backoff;
        Self {
            restarts: count(record.restarts_since(a_day_ago)),
            is_flapping: record.is_flapping(now),
            last: record.changes.back().cloned(),
            failures: count(ends().take_while(failed).count()),
            ending: ends().next().map(|(_, end)| ending(end)),
        }
    }

    /// Why a process is as it is, if more is known than it says itself.
    pub(super) fn reason(&self, process: &ProcessView, now: Wall) -> Option<Reason> {
        let last = self.last_of(process)?;
        let ending = self.ending.clone();
        // What could not be started at all says itself why.
        if let Some(Ending::NotMade(why)) = &ending
            && process.state == ProcessState::Fatal
        {
            return Some(Reason::Said(why.clone()));
        }
        match process.state {
            ProcessState::Fatal if self.failures > 0 => Some(Reason::TooQuick {
                times: self.failures,
                ending,
            }),
            ProcessState::Backoff if last.tries > 0 => {
                // Supervisor waits a second longer after each failure.
                let due = last.at.0 + Duration::from_secs(last.tries.into());
                Some(Reason::Retry {
                    number: last.tries,
                    of: process.spec.start_retries,
                    in_secs: Some(due.saturating_sub(now.0).as_secs() + 1),
                    ending,
                })
            }
            ProcessState::Fatal
            | ProcessState::Backoff
            | ProcessState::Stopped
            | ProcessState::Starting
            | ProcessState::Running
            | ProcessState::Stopping
            | ProcessState::Exited
            | ProcessState::Unknown => None,
        }
    }

    /// Since when it is as it is.
    pub(super) fn since(&self, process: &ProcessView) -> Option<Wall> {
        Some(self.last_of(process)?.at)
    }

    /// How its last child ended, if it has had none since.
    pub(super) fn ending(&self, process: &ProcessView) -> Option<Ending> {
        self.last_of(process)?;
        self.ending.clone()
    }

    /// How often it was started again in the last day, if that happens again and again and has not
    /// been given up, and how its last child ended, if it has another one by now.
    pub(super) fn flapping(&self, process: &ProcessView) -> Option<(u32, Option<Ending>)> {
        let is_flapping = self.is_flapping && process.state != ProcessState::Fatal;
        let ended = || self.ending.clone().filter(|_| process.pid.is_some());
        is_flapping.then(|| (self.restarts, ended()))
    }

    /// The last change, if nothing has happened since then.
    fn last_of(&self, process: &ProcessView) -> Option<&Change> {
        let last = self.last.as_ref();
        last.filter(|change| change.state == process.state)
    }
}

fn count(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// How a state looks that was entered like this.
pub(super) fn look(change: &Change) -> Look {
    let is_bad = change
        .end
        .as_ref()
        .is_some_and(|end| end.reason.is_trouble());
    if change.state == ProcessState::Exited && is_bad {
        Look::ExitedBadly
    } else {
        Look::Plain(change.state)
    }
}

/// How a child ended.
pub(super) fn ending(end: &End) -> Ending {
    match end.status {
        _ if !end.error.is_empty() => Ending::NotMade(end.error.to_string()),
        _ if end.reason == history::Reason::OutOfMemory => Ending::OutOfMemory,
        Some(ExitStatus::Code(code)) => Ending::Code(code.into()),
        Some(ExitStatus::Signal { signal, .. }) => {
            let number = || signal.number().to_string();
            Ending::Signal(signal.name().map_or_else(number, str::to_owned))
        }
        Some(ExitStatus::Unknown) | None => Ending::Unseen,
    }
}

/// The last day of a process: each state that it was in, the oldest first. What was before the
/// first change that is kept is not known.
pub(super) fn day(record: &Record, moments: &Moments) -> Vec<Stretch> {
    let stretches: Vec<_> = record
        .changes
        .iter()
        .map(|change| Stretch {
            look: look(change),
            began: moments.ago(change.at),
        })
        .collect();
    // Of those that began before the day, only the last one lasted into it.
    let first = stretches.iter().rposition(|stretch| stretch.began >= SPAN);
    stretches[first.unwrap_or(0)..].to_vec()
}

/// What happened in the last day, the newest first.
pub(super) fn changes(record: &Record, moments: &Moments) -> Vec<process::Change> {
    let recent = record.changes.iter().rev();
    recent
        .take_while(|change| moments.ago(change.at) < SPAN)
        .map(|change| process::Change {
            at: moments.moment(change.at),
            look: look(change),
            pid: (change.pid > 0).then_some(change.pid),
            ending: change.end.as_ref().map(ending),
        })
        .collect()
}
