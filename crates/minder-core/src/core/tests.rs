//! Whole histories: inputs on the left, and on the right what listeners, readers of the log,
//! clients and the keeper see of it, in order.

mod events;
mod losses;
mod members;
mod recovery;

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use super::Core;
use crate::child::{ChildId, ExitStatus};
use crate::delta::Delta;
use crate::effect::Effects;
use crate::input::Input;
use crate::request::{Request, RequestId, Target};
use crate::signal::{Signal, Signals};
use crate::snapshot::{Inherited, Snapshot};
use crate::spec::GroupSpec;
use crate::testing::{at, group, program, told};
use crate::time::Now;

/// A core, and the effects of its last step.
struct World {
    core: Core,
    /// What a driver that writes down each change would have written down.
    written: Option<Snapshot>,
    fx: Effects,
    requests: u64,
}

impl World {
    fn start(now: Now, groups: &[Arc<GroupSpec>]) -> Self {
        let mut fx = Effects::new();
        let core = Core::start(now, groups.to_vec(), "supervisor".into(), 0, &mut fx);
        Self {
            core,
            written: None,
            fx,
            requests: 0,
        }
    }

    /// Writes down what has changed, and makes sure that it is the same as what there is.
    fn write_down(&mut self) {
        let whole = self.core.snapshot();
        let delta = self.core.delta();
        if let (Some(written), Some(delta)) = (&mut self.written, delta) {
            written.apply(delta).unwrap();
            assert_eq!(*written, whole);
        } else {
            self.written = Some(whole);
        }
        assert_eq!(self.core.delta(), Some(Delta::default()));
    }

    fn told(&mut self) -> Vec<String> {
        told(&mut self.fx)
    }

    fn give(&mut self, now: Now, input: Input) -> Vec<String> {
        self.core.handle(now, input, &mut self.fx);
        self.write_down();
        self.told()
    }

    fn spawned(&mut self, now: Now, child: u64) -> Vec<String> {
        let pid = 100 + u32::try_from(child).unwrap();
        let child = ChildId(child);
        self.give(now, Input::ChildSpawned { child, pid })
    }

    fn exited(&mut self, now: Now, child: u64, code: u8) -> Vec<String> {
        let child = ChildId(child);
        let status = ExitStatus::Code(code);
        let at = now;
        self.give(now, Input::ChildExited { child, status, at })
    }

    fn killed(&mut self, now: Now, child: u64, signal: Signal) -> Vec<String> {
        let child = ChildId(child);
        let status = ExitStatus::Signal {
            signal,
            core_dumped: false,
        };
        let at = now;
        self.give(now, Input::ChildExited { child, status, at })
    }

    fn due(&mut self, now: Now) -> Vec<String> {
        self.give(now, Input::DeadlineReached)
    }

    fn ask(&mut self, now: Now, request: Request) -> Vec<String> {
        self.requests += 1;
        self.give(now, Input::Request(RequestId(self.requests), request))
    }
}

fn start_request(name: &str, wait: bool) -> Request {
    Request::Start {
        target: Target::Named(name.into()),
        wait,
        unrunnable: Vec::new(),
    }
}

fn stop_request(name: &str, wait: bool) -> Request {
    let target = Target::Named(name.into());
    Request::Stop { target, wait }
}

/// What follows from a start with a group that has a cat in it, and nothing else.
const CAT_STARTS: [&str; 5] = [
    "group cat is there",
    "GROUP_ADDED cat",
    "SUPERVISOR_RUNNING",
    "cat STARTING from:STOPPED tries:0",
    "spawn cat as 1",
];

#[test]
fn a_daemon_starts_its_programs_and_they_come_up() {
    let mut world = World::start(at(0), &[group("cat", &[program("cat")])]);
    assert_eq!(world.told(), CAT_STARTS);
    assert_eq!(
        world.spawned(at(5), 1),
        ["INFO spawned: 'cat' with pid 101"]
    );
    assert_eq!(world.core.deadline(), Some(at(1000).mono));
    assert_eq!(
        world.due(at(1000)),
        [
            "cat RUNNING from:STARTING pid:101",
            "INFO success: cat entered RUNNING state, process has stayed up for > than 1 seconds \
             (startsecs)",
        ]
    );
    assert_eq!(world.core.deadline(), None);
}

#[test]
fn of_two_groups_with_one_name_the_first_becomes_active() {
    let mut late = group("cat", &[program("owl")]);
    Arc::make_mut(&mut late).priority = 1000;
    let mut world = World::start(at(0), &[late, group("cat", &[program("cat")])]);
    assert_eq!(world.told(), CAT_STARTS);
}

#[test]
fn a_waiting_stop_is_told_of_and_answered_when_the_process_has_stopped() {
    let mut world = running();
    assert_eq!(
        world.ask(at(2000), stop_request("cat", true)),
        [
            "cat STOPPING from:RUNNING pid:101",
            "SIGTERM to child 1",
            "INFO waiting for cat to stop",
        ]
    );
    assert_eq!(world.due(at(4000)), ["INFO waiting for cat to stop"]);
    assert_eq!(
        world.killed(at(4500), 1, Signal::TERM),
        [
            "cat STOPPED from:STOPPING pid:101",
            "WARN stopped: cat (terminated by SIGTERM)",
            "reply 1: Done",
        ]
    );
    assert_eq!(world.core.deadline(), None);
}

#[test]
fn a_waiting_start_is_answered_when_the_process_is_up() {
    let mut world = running();
    world.ask(at(2000), stop_request("cat", false));
    world.exited(at(2100), 1, 0);
    assert_eq!(
        world.ask(at(3000), start_request("cat", true)),
        ["cat STARTING from:STOPPED tries:0", "spawn cat as 2"]
    );
    world.spawned(at(3001), 2);
    assert_eq!(
        world.due(at(4000)),
        [
            "cat RUNNING from:STARTING pid:102",
            "INFO success: cat entered RUNNING state, process has stayed up for > than 1 seconds \
             (startsecs)",
            "reply 2: Done",
        ]
    );
}

#[test]
fn a_spawn_that_a_crash_has_lost_is_made_again_and_its_time_counts_from_then() {
    let mut world = World::start(at(0), &[group("cat", &[program("cat")])]);
    world.told();
    let snapshot = world.core.snapshot();
    world.core = Core::adopt(at(5000), snapshot, &[], "supervisor".into(), &mut world.fx);
    assert_eq!(world.told(), ["spawn cat as 2"]);
    world.spawned(at(5010), 2);
    assert_eq!(world.core.deadline(), Some(at(6000).mono));
    assert_eq!(
        world.exited(at(5020), 2, 1),
        [
            "cat BACKOFF from:STARTING tries:1",
            "WARN exited: cat (exit status 1; not expected)",
        ]
    );
}

#[test]
fn a_stop_whose_signal_was_lost_in_a_crash_is_made_up_for_and_only_then() {
    for (sent, expected) in [
        (Signals(0), &["SIGTERM to child 1"][..]),
        (Signals(1 << Signal::HUP.number()), &["SIGTERM to child 1"]),
        (Signals(1 << Signal::TERM.number()), &[]),
    ] {
        let mut world = running();
        world.ask(at(2000), stop_request("cat", false));
        let inherited = Inherited {
            child: ChildId(1),
            pid: 101,
            signals: sent,
            exited: None,
            namesake: None,
        };
        let snapshot = world.core.snapshot();
        let name = "supervisor".into();
        world.core = Core::adopt(at(9000), snapshot, &[inherited], name, &mut world.fx);
        assert_eq!(world.told(), expected);
        let begins = if expected.is_empty() { 2000 } else { 9000 };
        assert_eq!(world.core.deadline(), Some(at(begins + 10_000).mono));
    }
}

fn running() -> World {
    let mut world = World::start(at(0), &[group("cat", &[program("cat")])]);
    world.spawned(at(5), 1);
    world.due(at(1000));
    world.told();
    world
}
