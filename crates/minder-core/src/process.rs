//! One process: the smallest thing Minder starts, watches and stops.
//!
//! Holds the state of one process and every rule that moves it on. Knows no pipe, clock or other
//! process: [`Core`](crate::core::Core) says what happened and when, decides whether anything may
//! be started at all, and hands out child identities. Every method pushes the effects of its
//! step, in the order in which listeners and readers of the log are to see them.
//!
//! ```text
//!  Stopped ──start──► Spawning ──spawned──► Starting ──ready──► Running ──exit──► Exited
//!     ▲                │     ▲                 │                   │
//!     │        failure ▼     │ delay over      │ exit              │ stop
//!     │               Backoff ◄────────────────┘                   │
//!     │                  └──retries──► Fatal                       │
//!     └──────────exit───────── Stopping ◄──────────────────────────┘
//! ```
//!
//! Users see `Spawning` and `Starting` both as STARTING. A stop that is asked for while the
//! outcome of a spawn is unknown is kept until then, so that nobody is told of a stopping
//! process without a pid.
//!
//! The decision points, each in one place: when a child counts as up (`Process::ready_at`),
//! what follows a failed start (`Process::after_failed_start`), and whether an end is followed
//! by another start ([`Process::wants_restart`]).

use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use core::time::Duration;

use crate::child::{ChildId, ExitStatus, ProcessId};
use crate::effect::{Effect, Effects, Whom};
use crate::event::{Entered, Event};
use crate::input::SpawnError;
use crate::message::Message;
use crate::signal::{Signal, Signals};
use crate::snapshot::{Left, ProcessSnapshot};
use crate::spec::{AutoRestart, GroupSpec, ProcessSpec};
use crate::state::ProcessState;
use crate::time::{Mono, Now, Wall};
use crate::view::ProcessView;

/// Where a process is in its life. A child exists, or is being made, exactly when it is `Up`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// No child.
    Down(Down),
    /// A child.
    Up {
        /// Which.
        child: ChildId,
        /// How far it has come.
        phase: Phase,
    },
}

/// Why there is no child.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Down {
    /// Not started yet, or stopped on request.
    Stopped,
    /// The last start failed; another will follow.
    Backoff {
        /// How many starts in a row have failed.
        failures: u32,
        /// When the next one is due.
        retry_at: Mono,
    },
    /// It ended by itself after having been up.
    Exited {
        /// Whether its exit code was an expected one.
        expected: bool,
    },
    /// Given up.
    Fatal,
}

/// How far a child has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Asked for; whether it could be made is not known yet.
    Spawning {
        /// How many starts in a row have failed before this one.
        failures: u32,
        /// Whether it is to be stopped as soon as it is known to run.
        stop: Option<StopCause>,
    },
    /// Made, and not up long enough yet.
    Starting {
        /// Its pid.
        pid: u32,
        /// How many starts in a row have failed before this one.
        failures: u32,
    },
    /// Up.
    Running {
        /// Its pid.
        pid: u32,
    },
    /// Told to stop.
    Stopping {
        /// Its pid.
        pid: u32,
        /// When it is killed, or killed again.
        kill_at: Mono,
    },
    /// A signal to it failed. It lives as far as anybody knows.
    Unknown {
        /// Its pid.
        pid: u32,
        /// Whether it had been told to stop before.
        stopping: bool,
    },
}

/// Who wants a process stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopCause {
    /// A user.
    Request,
    /// The end of the daemon. A process that waits for its next try becomes FATAL then, and not
    /// STOPPED, as Supervisor has it.
    Shutdown,
}

/// One process of an active group.
#[derive(Clone, Debug)]
pub struct Process {
    /// Its identity.
    pub(crate) id: ProcessId,
    /// The group it belongs to.
    pub(crate) group: Arc<GroupSpec>,
    /// What it asks for.
    pub(crate) spec: Arc<ProcessSpec>,
    /// Where it is in its life.
    pub(crate) state: State,
    /// When it was last started, whether or not that succeeded.
    pub(crate) started: Option<Now>,
    /// When a child of it last ended.
    pub(crate) stopped: Option<Wall>,
    /// Why its last start failed or its last end was unexpected; empty if neither.
    pub(crate) spawn_error: String,
    /// Supervisor's `exitstatus`: 0 until it has exited.
    pub(crate) exit_status: i32,
    name: Arc<str>,
    group_name: Arc<str>,
}

/// The wait before the next SIGKILL is never shorter than this: `stopwaitsecs=0` must not become
/// a flood of signals to a child that the kernel cannot end yet. Supervisor's loop has this pace.
pub const KILL_AGAIN_AFTER: Duration = Duration::from_secs(1);

impl Process {
    /// A process that has never been started.
    #[must_use]
    pub fn new(id: ProcessId, group: Arc<GroupSpec>, spec: Arc<ProcessSpec>) -> Self {
        Self {
            id,
            name: spec.name.as_str().into(),
            group_name: group.name.as_str().into(),
            group,
            spec,
            state: State::Down(Down::Stopped),
            started: None,
            stopped: None,
            spawn_error: String::new(),
            exit_status: 0,
        }
    }

    /// The process that an earlier daemon left.
    #[must_use]
    pub fn restore(left: ProcessSnapshot, group: Arc<GroupSpec>, spec: Arc<ProcessSpec>) -> Self {
        Self {
            state: left.state,
            started: left.started,
            stopped: left.stopped,
            spawn_error: left.spawn_error,
            exit_status: left.exit_status,
            ..Self::new(left.id, group, spec)
        }
    }

    /// Is RUNNING, with a child that was there before.
    pub fn take_in(&mut self, left: Left) {
        let Left {
            child,
            pid,
            started,
        } = left;
        let phase = Phase::Running { pid };
        self.state = State::Up { child, phase };
        self.started = Some(started);
    }

    /// What a later daemon needs in order to go on with it.
    #[must_use]
    pub fn snapshot(&self) -> ProcessSnapshot {
        ProcessSnapshot {
            id: self.id,
            state: self.state,
            started: self.started,
            stopped: self.stopped,
            spawn_error: self.spawn_error.clone(),
            exit_status: self.exit_status,
        }
    }

    /// Its name within its group.
    #[must_use]
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// The name of its group.
    #[must_use]
    pub fn group_name(&self) -> &Arc<str> {
        &self.group_name
    }

    /// Its state, as users see it.
    #[must_use]
    pub fn shown(&self) -> ProcessState {
        self.state.shown()
    }

    /// Its child, if it has one or one is being made.
    #[must_use]
    pub fn child(&self) -> Option<ChildId> {
        match self.state {
            State::Down(_) => None,
            State::Up { child, .. } => Some(child),
        }
    }

    /// When it has to be looked at again by [`deadline_reached`](Self::deadline_reached), or
    /// started again.
    #[must_use]
    pub fn deadline(&self) -> Option<Mono> {
        match self.state {
            State::Down(Down::Backoff { retry_at, .. }) => Some(retry_at),
            State::Down(Down::Stopped | Down::Exited { .. } | Down::Fatal) => None,
            State::Up { phase, .. } => match phase {
                Phase::Starting { .. } => Some(self.ready_at()),
                Phase::Stopping { kill_at, .. } => Some(kill_at),
                Phase::Spawning { .. } | Phase::Running { .. } | Phase::Unknown { .. } => None,
            },
        }
    }

    /// Whether it waits for its next try, and may have it now.
    #[must_use]
    pub fn is_retry_due(&self, now: Mono) -> bool {
        match self.state {
            State::Down(Down::Backoff { retry_at, .. }) => retry_at <= now,
            State::Down(Down::Stopped | Down::Exited { .. } | Down::Fatal) | State::Up { .. } => {
                false
            }
        }
    }

    /// Whether it ended by itself and is to be started again, at once and without limit: after
    /// having been up, a process has all its tries again.
    #[must_use]
    pub fn wants_restart(&self) -> bool {
        match self.state {
            State::Down(Down::Exited { expected }) => match self.spec.autorestart {
                AutoRestart::Never => false,
                AutoRestart::Unexpected => !expected,
                AutoRestart::Always => true,
            },
            State::Down(Down::Stopped | Down::Backoff { .. } | Down::Fatal) | State::Up { .. } => {
                false
            }
        }
    }

    /// Asks for a child, unless there is one.
    pub fn start(&mut self, now: Now, child: ChildId, fx: &mut Effects) {
        let failures = match self.state {
            State::Down(Down::Backoff { failures, .. }) => failures,
            State::Down(Down::Stopped | Down::Exited { .. } | Down::Fatal) => 0,
            State::Up { .. } => return,
        };
        self.started = Some(now);
        self.spawn_error.clear();
        self.exit_status = 0;
        let phase = Phase::Spawning {
            failures,
            stop: None,
        };
        self.enter(State::Up { child, phase }, fx);
        self.ask_for_child(child, fx);
    }

    /// Asks once more for a child whose first asking is known to have been lost. The same try,
    /// so nobody is told; but a child is up only from when it is asked for.
    pub fn spawn_again(&mut self, now: Now, again: ChildId, fx: &mut Effects) {
        let State::Up { child, phase } = &mut self.state else {
            return;
        };
        if matches!(phase, Phase::Spawning { .. }) {
            *child = again;
            self.started = Some(now);
            self.ask_for_child(again, fx);
        }
    }

    /// Takes note that `child` runs.
    pub fn child_spawned(&mut self, now: Mono, new: ChildId, pid: u32, fx: &mut Effects) {
        let State::Up {
            child,
            phase: Phase::Spawning { failures, stop },
        } = self.state
        else {
            return;
        };
        if child != new {
            return;
        }
        fx.log(Message::Spawned {
            name: self.name.clone(),
            pid,
        });
        let phase = Phase::Starting { pid, failures };
        self.enter(State::Up { child, phase }, fx);
        if let Some(cause) = stop {
            self.stop(now, cause, fx);
        }
    }

    /// Takes note that `child` could not be made.
    pub fn spawn_failed(&mut self, now: Mono, gone: ChildId, error: SpawnError, fx: &mut Effects) {
        let State::Up {
            child,
            phase: Phase::Spawning { failures, stop },
        } = self.state
        else {
            return;
        };
        if child != gone {
            return;
        }
        fx.log(Message::SpawnError {
            error: error.0.clone(),
        });
        self.spawn_error = error.0;
        self.enter(backoff(now, failures), fx);
        self.after_failed_start(now, stop, fx);
    }

    /// Takes note that `gone` has ended at `at`, and decides what follows.
    ///
    /// The keeper repeats a report until it is acknowledged, so a report about an earlier child
    /// is normal and changes nothing.
    pub fn child_exited(
        &mut self,
        now: Mono,
        gone: ChildId,
        status: ExitStatus,
        at: Now,
        fx: &mut Effects,
    ) {
        let State::Up { child, phase } = self.state else {
            return;
        };
        if child != gone {
            return;
        }
        self.stopped = Some(at.wall);
        // A report that comes late must not make the next try late.
        let when = at.mono.min(now);
        match phase {
            Phase::Spawning { failures, stop } => {
                self.ended_while_starting(when, failures, stop, status, fx);
            }
            Phase::Starting { failures, .. } if at.mono < self.ready_at() => {
                self.ended_while_starting(when, failures, None, status, fx);
            }
            Phase::Starting { pid, .. } => {
                // It had stayed up long enough, only nobody had looked yet.
                let phase = Phase::Running { pid };
                self.enter(State::Up { child, phase }, fx);
                self.ended_by_itself(status, fx);
            }
            // Nothing could be said about an UNKNOWN one while it lived; now something can.
            Phase::Running { .. }
            | Phase::Unknown {
                stopping: false, ..
            } => self.ended_by_itself(status, fx),
            Phase::Stopping { .. } | Phase::Unknown { stopping: true, .. } => {
                self.ended_on_request(status, fx);
            }
        }
    }

    /// Takes note that a signal to `child` could not be sent.
    pub fn signal_failed(&mut self, to: ChildId, error: String, fx: &mut Effects) {
        let State::Up { child, phase } = self.state else {
            return;
        };
        if child != to {
            return;
        }
        let name = self.name.clone();
        let (pid, stopping) = match phase {
            Phase::Starting { pid, .. } | Phase::Running { pid } => {
                fx.log(Message::SignalFailed { name, pid, error });
                (pid, false)
            }
            Phase::Stopping { pid, .. } => {
                fx.log(Message::KillFailed { name, pid, error });
                (pid, true)
            }
            // Not known to run, or known to be out of reach.
            Phase::Spawning { .. } | Phase::Unknown { .. } => return,
        };
        let phase = Phase::Unknown { pid, stopping };
        self.enter(State::Up { child, phase }, fx);
    }

    /// Does what is due: a child that stayed up becomes RUNNING, one that does not stop is killed.
    pub fn deadline_reached(&mut self, now: Mono, fx: &mut Effects) {
        let State::Up { child, phase } = self.state else {
            return;
        };
        match phase {
            Phase::Starting { pid, .. } if self.ready_at() <= now => {
                let phase = Phase::Running { pid };
                self.enter(State::Up { child, phase }, fx);
                fx.log(Message::Success {
                    name: self.name.clone(),
                    start_secs: self.spec.start_secs,
                });
            }
            Phase::Stopping { pid, kill_at } if kill_at <= now => self.kill(now, child, pid, fx),
            Phase::Spawning { .. }
            | Phase::Starting { .. }
            | Phase::Running { .. }
            | Phase::Stopping { .. }
            | Phase::Unknown { .. } => {}
        }
    }

    /// Begins to stop it. One that does not run, or stops already, stays as it is.
    pub fn stop(&mut self, now: Mono, cause: StopCause, fx: &mut Effects) {
        match &mut self.state {
            State::Down(Down::Backoff { .. }) => {
                let down = match cause {
                    StopCause::Request => Down::Stopped,
                    StopCause::Shutdown => Down::Fatal,
                };
                self.enter(State::Down(down), fx);
            }
            State::Down(Down::Stopped | Down::Exited { .. } | Down::Fatal) => {}
            State::Up { child, phase } => match *phase {
                // The first to ask decides: a shutdown does not take a stop back.
                Phase::Spawning { failures, stop } => {
                    let stop = stop.or(Some(cause));
                    *phase = Phase::Spawning { failures, stop };
                }
                Phase::Starting { pid, .. } | Phase::Running { pid } => {
                    let child = *child;
                    self.tell_to_stop(now, child, pid, fx);
                }
                Phase::Stopping { .. } | Phase::Unknown { .. } => {}
            },
        }
    }

    /// Sends a signal that a user asked for. One without a child is sent nothing.
    pub fn signal(&self, signal: Signal, fx: &mut Effects) {
        let State::Up { child, .. } = self.state else {
            return;
        };
        // While the child is being made there is no pid to tell of; the signal follows it.
        if let Some(pid) = self.state.pid() {
            fx.log(Message::Signalling {
                name: self.name.clone(),
                pid,
                signal,
            });
        }
        fx.push(Effect::Signal {
            child,
            signal,
            whom: Whom::Child,
        });
    }

    /// Sends the signal that stops it if that was decided, but is not among those that were `sent`.
    /// Its time begins anew, for it has known nothing until now.
    pub fn make_up_for_stop(&mut self, now: Mono, sent: Signals, fx: &mut Effects) {
        let State::Up {
            child,
            phase: Phase::Stopping { pid, .. },
        } = self.state
        else {
            return;
        };
        let signal = self.spec.stop_signal;
        if !sent.contains(signal) && !sent.contains(Signal::KILL) {
            let kill_at = now + self.spec.stop_wait();
            let phase = Phase::Stopping { pid, kill_at };
            self.state = State::Up { child, phase };
            fx.push(Effect::Signal {
                child,
                signal,
                whom: whom(self.spec.stop_as_group),
            });
        }
    }

    /// What readers see of it.
    #[must_use]
    pub fn view(&self) -> ProcessView {
        ProcessView {
            id: self.id,
            spec: self.spec.clone(),
            state: self.shown(),
            pid: self.state.pid(),
            started: self.started.map(|now| (now.mono, now.wall)),
            stopped: self.stopped,
            spawn_error: self.spawn_error.clone(),
            exit_status: self.exit_status,
        }
    }

    /// When its child counts as up, having been started when it was.
    fn ready_at(&self) -> Mono {
        self.started.unwrap_or_default().mono + self.spec.start_wait()
    }

    /// Does what was asked for meanwhile, or gives up if this failure was one too many.
    fn after_failed_start(&mut self, now: Mono, stop: Option<StopCause>, fx: &mut Effects) {
        if let Some(cause) = stop {
            return self.stop(now, cause, fx);
        }
        let State::Down(Down::Backoff { failures, .. }) = self.state else {
            return;
        };
        if i64::from(failures) > self.spec.start_retries {
            self.enter(State::Down(Down::Fatal), fx);
            fx.log(Message::GaveUp {
                name: self.name.clone(),
            });
        }
    }

    fn ended_while_starting(
        &mut self,
        now: Mono,
        failures: u32,
        stop: Option<StopCause>,
        status: ExitStatus,
        fx: &mut Effects,
    ) {
        self.exit_status = 0;
        self.spawn_error = "Exited too quickly (process log may have details)".into();
        self.enter(backoff(now, failures), fx);
        fx.log(Message::Exited {
            name: self.name.clone(),
            status,
            // Not even with a code that is expected later in life.
            expected: false,
        });
        self.after_failed_start(now, stop, fx);
    }

    fn ended_by_itself(&mut self, status: ExitStatus, fx: &mut Effects) {
        let expected = self.expects(status);
        self.exit_status = status.as_supervisor_code();
        if !expected {
            self.spawn_error = format!("Bad exit code {}", self.exit_status);
        }
        self.enter(State::Down(Down::Exited { expected }), fx);
        fx.log(Message::Exited {
            name: self.name.clone(),
            status,
            expected,
        });
    }

    fn ended_on_request(&mut self, status: ExitStatus, fx: &mut Effects) {
        self.exit_status = status.as_supervisor_code();
        self.enter(State::Down(Down::Stopped), fx);
        fx.log(Message::Stopped {
            name: self.name.clone(),
            status,
            expected: self.expects(status),
        });
    }

    fn expects(&self, status: ExitStatus) -> bool {
        match status {
            ExitStatus::Code(code) => self.spec.exit_codes.contains(&code),
            ExitStatus::Signal { .. } | ExitStatus::Unknown => false,
        }
    }

    fn tell_to_stop(&mut self, now: Mono, child: ChildId, pid: u32, fx: &mut Effects) {
        let group = self.spec.stop_as_group;
        self.log_kill(pid, self.spec.stop_signal, group, fx);
        let phase = Phase::Stopping {
            pid,
            kill_at: now + self.spec.stop_wait(),
        };
        self.enter(State::Up { child, phase }, fx);
        fx.push(Effect::Signal {
            child,
            signal: self.spec.stop_signal,
            whom: whom(group),
        });
    }

    fn kill(&mut self, now: Mono, child: ChildId, pid: u32, fx: &mut Effects) {
        let group = self.spec.kill_as_group;
        fx.log(Message::Killing {
            name: self.name.clone(),
            pid,
        });
        self.log_kill(pid, Signal::KILL, group, fx);
        let kill_at = now + self.spec.stop_wait().max(KILL_AGAIN_AFTER);
        let phase = Phase::Stopping { pid, kill_at };
        self.enter(State::Up { child, phase }, fx);
        fx.push(Effect::Signal {
            child,
            signal: Signal::KILL,
            whom: whom(group),
        });
    }

    fn log_kill(&self, pid: u32, signal: Signal, group: bool, fx: &mut Effects) {
        fx.log(Message::Killed {
            name: self.name.clone(),
            pid,
            signal,
            group,
        });
    }

    fn ask_for_child(&self, child: ChildId, fx: &mut Effects) {
        fx.push(Effect::Spawn {
            child,
            process: self.id,
            spec: self.spec.clone(),
            group: self.group.clone(),
        });
    }

    /// Moves on, and tells listeners if users see a difference.
    fn enter(&mut self, next: State, fx: &mut Effects) {
        let last = core::mem::replace(&mut self.state, next);
        if last.shown() == next.shown() {
            return;
        }
        fx.announce(Event::ProcessState {
            process: self.id,
            name: self.name.clone(),
            group: self.group_name.clone(),
            from: last.shown(),
            to: entered(last, next),
        });
    }
}

impl State {
    /// The state that users see.
    #[must_use]
    pub fn shown(self) -> ProcessState {
        match self {
            Self::Down(down) => match down {
                Down::Stopped => ProcessState::Stopped,
                Down::Backoff { .. } => ProcessState::Backoff,
                Down::Exited { .. } => ProcessState::Exited,
                Down::Fatal => ProcessState::Fatal,
            },
            Self::Up { phase, .. } => match phase {
                Phase::Spawning { .. } | Phase::Starting { .. } => ProcessState::Starting,
                Phase::Running { .. } => ProcessState::Running,
                Phase::Stopping { .. } => ProcessState::Stopping,
                Phase::Unknown { .. } => ProcessState::Unknown,
            },
        }
    }

    /// The pid of the child, once it is known.
    #[must_use]
    pub fn pid(self) -> Option<u32> {
        match self {
            Self::Down(_) => None,
            Self::Up { phase, .. } => match phase {
                Phase::Spawning { .. } => None,
                Phase::Starting { pid, .. }
                | Phase::Running { pid }
                | Phase::Stopping { pid, .. }
                | Phase::Unknown { pid, .. } => Some(pid),
            },
        }
    }
}

/// What listeners are told of `next`. The pid is that of the child there was before, if `next`
/// has none; 0 if there never was one.
fn entered(last: State, next: State) -> Entered {
    let pid = next.pid().or(last.pid()).unwrap_or(0);
    match next {
        State::Down(down) => match down {
            Down::Stopped => Entered::Stopped { pid },
            Down::Backoff { failures, .. } => Entered::Backoff { tries: failures },
            Down::Exited { expected } => Entered::Exited { pid, expected },
            Down::Fatal => Entered::Fatal,
        },
        State::Up { phase, .. } => match phase {
            Phase::Spawning { failures, .. } | Phase::Starting { failures, .. } => {
                Entered::Starting { tries: failures }
            }
            Phase::Running { .. } => Entered::Running { pid },
            Phase::Stopping { .. } => Entered::Stopping { pid },
            Phase::Unknown { .. } => Entered::Unknown,
        },
    }
}

/// The wait after one more failure. Supervisor waits a second longer after each, without a
/// ceiling.
fn backoff(now: Mono, failures: u32) -> State {
    let failures = failures.saturating_add(1);
    State::Down(Down::Backoff {
        failures,
        retry_at: now + Duration::from_secs(failures.into()),
    })
}

pub(crate) fn whom(group: bool) -> Whom {
    if group { Whom::Group } else { Whom::Child }
}

#[cfg(test)]
mod tests;
