//! Requests that are answered later.
//!
//! A request about one process or several is answered once the fate of each is known. This module
//! keeps what is known so far, decides when a wish has come true or failed, and answers each
//! request exactly once. It knows nothing of how processes move on: it is shown each process
//! after each step.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use crate::child::ProcessId;
use crate::effect::Effects;
use crate::process::{Phase, Process, State};
use crate::request::{Outcome, Refusal, Reply, RequestId};
use crate::state::ProcessState;

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
    outcomes: Vec<Outcome>,
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
            outcomes: Vec::new(),
        }
    }

    /// One more fate is known.
    pub(crate) fn add(&mut self, process: &Process, result: Result<(), Refusal>) {
        self.outcomes.push(Outcome {
            group: process.group.name.clone(),
            name: process.spec.name.clone(),
            result,
        });
    }

    fn answer(mut self, fx: &mut Effects) {
        let reply = match self.form {
            Form::Each => Reply::Each(self.outcomes),
            Form::One => match self.outcomes.pop().map(|outcome| outcome.result) {
                Some(Err(refusal)) => Reply::Refused(refusal),
                Some(Ok(())) | None => Reply::Done,
            },
        };
        fx.reply(self.request, reply);
    }
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
    wish: Wish,
    given: String,
}

impl Waiting {
    /// Answers `gathering` once the `wishes` have their verdicts too; at once if there are none.
    pub(crate) fn add(
        &mut self,
        gathering: Gathering,
        wishes: Vec<(ProcessId, Wish, String)>,
        fx: &mut Effects,
    ) {
        if wishes.is_empty() {
            return gathering.answer(fx);
        }
        let request = gathering.request;
        let missing = wishes.len();
        self.open.insert(request, Open { gathering, missing });
        for (process, wish, given) in wishes {
            let waiter = Waiter {
                request,
                wish,
                given,
            };
            self.waiters.entry(process).or_default().push(waiter);
        }
    }

    /// Whether somebody waits for this process to stop.
    pub(crate) fn awaits_stop(&self, process: ProcessId) -> bool {
        self.waiters
            .get(&process)
            .is_some_and(|waiters| waiters.iter().any(|waiter| waiter.wish == Wish::Stopped))
    }

    /// Looks at a process after a step, and answers the requests whose last wish that settled.
    pub(crate) fn settle(&mut self, process: &Process, fx: &mut Effects) {
        let Some(waiters) = self.waiters.remove(&process.id) else {
            return;
        };
        let mut left = Vec::new();
        for waiter in waiters {
            match waiter.wish.verdict(process, &waiter.given) {
                Some(result) => self.note(waiter.request, process, result, fx),
                None => left.push(waiter),
            }
        }
        if !left.is_empty() {
            self.waiters.insert(process.id, left);
        }
    }

    fn note(
        &mut self,
        request: RequestId,
        process: &Process,
        result: Result<(), Refusal>,
        fx: &mut Effects,
    ) {
        let Some(mut open) = self.open.remove(&request) else {
            return;
        };
        open.gathering.add(process, result);
        open.missing -= 1;
        if open.missing == 0 {
            open.gathering.answer(fx);
        } else {
            self.open.insert(request, open);
        }
    }
}
