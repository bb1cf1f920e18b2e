//! Requests that are answered later.
//!
//! A request about one process or several is answered once the fate of each is known. This module
//! keeps what is known so far, decides when a wish has come true or failed, and answers each
//! request exactly once. It knows nothing of how processes move on: it is shown each process
//! after each step.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use crate::child::ProcessId;
use crate::effect::Effects;
use crate::process::{Phase, Process, State};
use crate::request::{Outcome, Refusal, Reply, RequestId};
use crate::state::ProcessState;
use crate::time::Mono;

/// Fates that are known within this time of each other are told in the order of the request.
/// Supervisor looks at all that it waits for in each turn of its loop, and a turn takes about as
/// long; what ended first within one, nobody can see.
const TURN: Duration = Duration::from_millis(100);

/// What somebody waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wish {
    /// That it is known whether a child could be made.
    Spawned,
    /// That the process is up, or that its first try has failed.
    Started,
    /// That the process is stopped.
    Stopped,
}

impl Wish {
    /// Whether Supervisor knows the fate of `process` as soon as it is asked, so that it comes
    /// before those that have to be waited for.
    fn is_met_at_once(self, process: &Process) -> bool {
        match self {
            Self::Spawned => true,
            Self::Started => process.spec.start_secs == 0,
            Self::Stopped => false,
        }
    }

    /// Whether the wish has come true for `process`, or why it never will; `None` while nobody
    /// can tell. `given` is the name that the user knows it by.
    pub(crate) fn verdict(self, process: &Process, given: &str) -> Option<Result<(), Refusal>> {
        let failed = !process.spawn_error.is_empty();
        match self {
            Self::Spawned | Self::Started if failed => Some(Err(Refusal::SpawnError(given.into()))),
            Self::Spawned => match process.state {
                State::Up {
                    phase: Phase::Spawning { .. },
                    ..
                } => None,
                State::Up { .. } | State::Down(_) => Some(Ok(())),
            },
            Self::Started => match process.shown() {
                ProcessState::Starting => None,
                ProcessState::Running => Some(Ok(())),
                ProcessState::Stopped
                | ProcessState::Backoff
                | ProcessState::Stopping
                | ProcessState::Exited
                | ProcessState::Fatal
                | ProcessState::Unknown => Some(Err(Refusal::AbnormalTermination(given.into()))),
            },
            Self::Stopped => match process.shown() {
                ProcessState::Starting
                | ProcessState::Running
                | ProcessState::Backoff
                | ProcessState::Stopping => None,
                ProcessState::Stopped | ProcessState::Exited | ProcessState::Fatal => Some(Ok(())),
                ProcessState::Unknown => Some(Err(unknown_state(given))),
            },
        }
    }
}

/// The refusal for a process that nothing can be said about.
pub(crate) fn unknown_state(given: &str) -> Refusal {
    Refusal::Failed(alloc::format!("{given} is in an unknown process state"))
}

/// What is known so far about a request.
#[derive(Debug)]
pub(crate) struct Gathering {
    request: RequestId,
    form: Form,
    fates: Vec<Fate>,
}

/// What became of a process.
#[derive(Debug)]
struct Fate {
    /// Which of the request's processes it is.
    place: usize,
    /// When that was known, if it had to be waited for.
    known: Option<Mono>,
    outcome: Outcome,
}

/// What the answer looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// It tells of one process.
    One,
    /// It tells of each process of several.
    Each,
}

impl Gathering {
    /// Nothing yet.
    pub(crate) fn new(request: RequestId, form: Form) -> Self {
        Self {
            request,
            form,
            fates: Vec::new(),
        }
    }

    /// The fate of the process at `place` is known, and has been at once unless it became `known`
    /// later.
    pub(crate) fn add(
        &mut self,
        process: &Process,
        place: usize,
        known: Option<Mono>,
        result: Result<(), Refusal>,
    ) {
        let outcome = Outcome {
            group: process.group.name.clone(),
            name: process.spec.name.clone(),
            result,
        };
        self.fates.push(Fate {
            place,
            known,
            outcome,
        });
    }

    fn answer(self, fx: &mut Effects) {
        let mut outcomes = in_order(self.fates);
        let reply = match self.form {
            Form::Each => Reply::Each(outcomes),
            Form::One => match outcomes.pop().map(|outcome| outcome.result) {
                Some(Err(refusal)) => Reply::Refused(refusal),
                Some(Ok(())) | None => Reply::Done,
            },
        };
        fx.reply(self.request, reply);
    }
}

/// First what was known at once, then what became known turn by turn, each in the order of the
/// request.
fn in_order(mut fates: Vec<Fate>) -> Vec<Outcome> {
    fates.sort_by_key(|fate| fate.known);
    let (mut turn, mut began) = (0, None);
    let mut ordered = Vec::new();
    for fate in fates {
        let is_in_turn = match (began, fate.known) {
            (Some(began), Some(known)) => known.since(began) <= TURN,
            (began, known) => began == known,
        };
        if !is_in_turn {
            turn += 1;
            began = fate.known;
        }
        ordered.push((turn, fate));
    }
    ordered.sort_by_key(|(turn, fate)| (*turn, fate.place));
    ordered.into_iter().map(|(_, fate)| fate.outcome).collect()
}

/// Every request that is not answered yet.
#[derive(Debug, Default)]
pub(crate) struct Waiting {
    open: BTreeMap<RequestId, Open>,
    waiters: BTreeMap<ProcessId, Vec<Waiter>>,
}

#[derive(Debug)]
struct Open {
    gathering: Gathering,
    // How many fates are not known yet.
    missing: usize,
}

#[derive(Debug)]
struct Waiter {
    request: RequestId,
    wanted: Wanted,
}

/// A process whose fate is waited for.
#[derive(Debug)]
pub(crate) struct Wanted {
    pub(crate) process: ProcessId,
    /// Which of the request's processes it is.
    pub(crate) place: usize,
    pub(crate) wish: Wish,
    /// The name that the user knows it by.
    pub(crate) given: String,
}

impl Wanted {
    /// As [`Wish::verdict`], with the time at which it was known unless that was at once.
    pub(crate) fn verdict(
        &self,
        process: &Process,
        now: Mono,
    ) -> Option<(Option<Mono>, Result<(), Refusal>)> {
        let result = self.wish.verdict(process, &self.given)?;
        let known = (!self.wish.is_met_at_once(process)).then_some(now);
        Some((known, result))
    }
}

impl Waiting {
    /// Answers `gathering` once the fates of all that are `wanted` are known too; at once if there
    /// are none.
    pub(crate) fn add(&mut self, gathering: Gathering, wanted: Vec<Wanted>, fx: &mut Effects) {
        if wanted.is_empty() {
            return gathering.answer(fx);
        }
        let request = gathering.request;
        let missing = wanted.len();
        self.open.insert(request, Open { gathering, missing });
        for wanted in wanted {
            let waiters = self.waiters.entry(wanted.process).or_default();
            waiters.push(Waiter { request, wanted });
        }
    }

    /// Whether somebody waits for this process to stop.
    pub(crate) fn awaits_stop(&self, process: ProcessId) -> bool {
        self.waiters.get(&process).is_some_and(|waiters| {
            waiters
                .iter()
                .any(|waiter| waiter.wanted.wish == Wish::Stopped)
        })
    }

    /// Looks at a process after a step, and answers the requests whose last wish that settled.
    pub(crate) fn settle(&mut self, now: Mono, process: &Process, fx: &mut Effects) {
        let Some(waiters) = self.waiters.remove(&process.id) else {
            return;
        };
        let mut left = Vec::new();
        for waiter in waiters {
            let Some((known, result)) = waiter.wanted.verdict(process, now) else {
                left.push(waiter);
                continue;
            };
            let Some(mut open) = self.open.remove(&waiter.request) else {
                continue;
            };
            let place = waiter.wanted.place;
            open.gathering.add(process, place, known, result);
            open.missing -= 1;
            if open.missing == 0 {
                open.gathering.answer(fx);
            } else {
                self.open.insert(waiter.request, open);
            }
        }
        if !left.is_empty() {
            self.waiters.insert(process.id, left);
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString as _;

    use super::*;

    #[test]
    fn fates_are_told_by_turn_and_then_in_the_order_of_the_request() {
        let at = |millis: u64| Some(Mono(Duration::from_millis(millis)));
        for (fates, expected) in [
            (&[(1, None), (0, None)][..], "0 1"),
            // What had to be waited for comes behind what was known at once.
            (&[(2, None), (0, at(5)), (1, None)], "1 2 0"),
            (&[(1, at(0)), (0, at(100)), (2, None)], "2 0 1"),
            (&[(1, at(0)), (0, at(101))], "1 0"),
            (
                &[(3, at(0)), (2, at(60)), (1, at(120)), (0, at(180))],
                "2 3 0 1",
            ),
        ] {
            let fates = fates.iter().map(|(place, known)| Fate {
                place: *place,
                known: *known,
                outcome: Outcome {
                    group: String::new(),
                    name: place.to_string(),
                    result: Ok(()),
                },
            });
            let told: Vec<_> = in_order(fates.collect())
                .iter()
                .map(|outcome| outcome.name.clone())
                .collect();
            assert_eq!(told.join(" "), expected);
        }
    }
}
