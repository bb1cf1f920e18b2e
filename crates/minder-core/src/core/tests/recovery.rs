//! Going on with the children alone.

use super::*;
use crate::child::ProcessId;
use crate::snapshot::{Left, Snapshot};
use crate::testing::{at_once, pool};

fn found(child: u64, pid: u32) -> Inherited {
    Inherited {
        child: ChildId(child),
        pid,
        signals: Signals::default(),
        exited: None,
        namesake: None,
    }
}

fn adopt(now: Now, snapshot: Snapshot, inventory: &[Inherited]) -> World {
    let mut fx = Effects::new();
    let core = Core::adopt(now, snapshot, inventory, "supervisor".into(), &mut fx);
    let requests = 0;
    World {
        core,
        written: None,
        fx,
        requests,
    }
}

/// A daemon that finds child 7 of the process `name` of the group `name`, and nothing else.
fn recover(now: Now, groups: &[Arc<GroupSpec>], name: &str) -> World {
    let snapshot = Snapshot::of_children(now, groups.to_vec(), |group, process| {
        (group == name && process == name).then_some((ChildId(7), 107))
    });
    adopt(now, snapshot, &[found(7, 107)])
}

#[test]
fn what_runs_is_running_and_all_else_stays_stopped() {
    let groups = [
        group("dog", &[program("dog")]),
        group("cat", &[program("cat")]),
    ];
    let mut world = recover(at(5000), &groups, "cat");
    assert_eq!(world.told(), [""; 0]);
    let told = world.ask(at(5001), start_request("dog", false));
    // An identity that some earlier child may have had is not given out again.
    assert_eq!(told[1], "spawn dog as 5000000000");
    assert_eq!(
        world.exited(at(6000), 7, 1),
        [
            "cat EXITED from:RUNNING expected:0 pid:107",
            "WARN exited: cat (exit status 1; not expected)",
            "cat STARTING from:EXITED tries:0",
            "spawn cat as 5000000001",
        ]
    );
}

#[test]
fn what_was_not_started_yet_is_started_beside_what_runs() {
    let mut by_hand = program("owl");
    by_hand.autostart = false;
    let groups = [
        group("dog", &[program("dog")]),
        group("cat", &[program("cat")]),
        group("owl", &[by_hand]),
    ];
    let mut world = recover(at(5000), &groups, "cat");
    world.core.start_the_rest(at(5000), &mut world.fx);
    assert_eq!(
        world.told(),
        [
            "dog STARTING from:STOPPED tries:0",
            "spawn dog as 5000000000"
        ]
    );
}

#[test]
fn a_child_of_no_configured_process_is_told_of() {
    let groups = [group("cat", &[program("cat")])];
    let snapshot = Snapshot::of_children(at(0), groups.to_vec(), |_, _| None);
    let mut world = adopt(at(0), snapshot, &[found(7, 107)]);
    assert_eq!(
        world.told(),
        ["stray 7 with pid 107", "SIGTERM to group of 7"]
    );
}

/// What is left of the world is that child 7 belongs to nobody, was sent `signals`, and bears the name
/// of `namesake`.
fn with_stray(now: Now, signals: &[Signal], namesake: Option<ProcessId>) -> World {
    let mut spec = program("cat");
    spec.stop_signal = Signal::INT;
    spec.stop_wait_secs = 3;
    spec.stop_as_group = false;
    spec.kill_as_group = false;
    let snapshot = Snapshot::of_children(now, Vec::from([group("cat", &[spec])]), |_, _| None);
    let mut inherited = found(7, 107);
    inherited.namesake = namesake;
    for signal in signals {
        inherited.signals.insert(*signal);
    }
    adopt(now, snapshot, &[inherited])
}

const KILLED: &str =
    "WARN killing pid 107, which belongs to no process that is known, with SIGKILL";

#[test]
fn a_stray_that_does_not_end_is_killed_whatever_daemons_die_meanwhile() {
    let mut world = with_stray(at(0), &[], None);
    world.told();
    assert_eq!(world.core.deadline(), Some(at(10_000).mono));
    assert_eq!(world.due(at(10_000)), [KILLED, "SIGKILL to group of 7"]);
    assert_eq!(world.core.deadline(), None);

    // It is not told twice, and its time begins anew.
    let mut world = with_stray(at(4000), &[Signal::TERM], None);
    assert_eq!(world.told(), ["stray 7 with pid 107"]);
    assert_eq!(world.due(at(14_000)), [KILLED, "SIGKILL to group of 7"]);

    // One that was killed has had its time.
    let mut world = with_stray(at(0), &[Signal::TERM, Signal::KILL], None);
    assert_eq!(world.told(), ["stray 7 with pid 107"]);
    assert_eq!(world.core.deadline(), None);

    // One that has ended is nobody's business any more.
    let mut world = with_stray(at(0), &[], None);
    world.told();
    assert_eq!(world.exited(at(1), 7, 0), [""; 0]);
    assert_eq!(world.core.deadline(), None);
}

#[test]
fn a_stray_that_bears_the_name_of_a_process_is_stopped_like_that() {
    let mut world = with_stray(at(0), &[], Some(ProcessId(1)));
    assert_eq!(world.told(), ["stray 7 with pid 107", "SIGINT to child 7"]);
    assert_eq!(world.due(at(3000)), [KILLED, "SIGKILL to child 7"]);
}

#[test]
fn the_end_waits_for_a_stray_as_long_as_that_has_time() {
    let mut world = with_stray(at(0), &[], None);
    world.told();
    let told = world.give(at(1), Input::Signalled(Signal::TERM));
    let waiting = "INFO waiting for pid 107 to die";
    assert_eq!(told.last().map(String::as_str), Some(waiting));
    let told = world.due(at(10_000));
    assert_eq!(told.last().map(String::as_str), Some("exit"));
}

#[test]
fn a_listener_is_started_anew_for_it_will_not_say_again_that_it_is_ready() {
    let groups = [pool("l", 10, &["REMOTE_COMMUNICATION"], &[at_once("l")])];
    let mut world = recover(at(0), &groups, "l");
    let stopping = [
        "WARN l: nobody knows any more what it was told and has answered, so it is started anew",
        "l STOPPING from:RUNNING pid:107",
        "SIGTERM to child 7",
    ];
    assert_eq!(world.told(), stopping);
    let words = Input::ListenerSaid {
        child: ChildId(7),
        bytes: b"RESULT 2\nOKREADY\n".to_vec(),
    };
    assert_eq!(world.give(at(1), words), [""; 0]);

    // Nor does a crash in between leave it stopped.
    let snapshot = world.core.snapshot();
    let mut signals = Signals::default();
    signals.insert(Signal::TERM);
    let inherited = Inherited {
        signals,
        ..found(7, 107)
    };
    let mut world = adopt(at(2), snapshot.clone(), &[inherited]);
    assert_eq!(world.told(), [""; 0]);
    let started = [
        "l STOPPED from:STOPPING pid:107",
        "INFO stopped: l (exit status 0)",
        "l STARTING from:STOPPED tries:0",
        "spawn l as 8",
    ];
    assert_eq!(world.exited(at(3), 7, 0), started);

    // Not even if it ends where nobody sees it.
    let lost = adopt(at(3), snapshot, &[]).told();
    assert_eq!(lost[2], "l STARTING from:STOPPED tries:0");
}

#[test]
fn a_listener_of_which_nothing_is_known_is_not_started_anew_when_everything_ends() {
    let groups = [pool("l", 10, &["REMOTE_COMMUNICATION"], &[at_once("l")])];
    let mut world = recover(at(0), &groups, "l");
    world.told();
    world.give(at(1), Input::Signalled(Signal::TERM));
    let told = world.exited(at(2), 7, 0);
    assert_eq!(told.last().map(String::as_str), Some("exit"));
}

#[test]
fn what_an_earlier_supervisord_left_is_running_and_all_else_is_started() {
    let groups = [
        group("cat", &[program("cat")]),
        group("dog", &[program("dog")]),
    ];
    let left = Left {
        child: ChildId(7),
        pid: 107,
        started: at(0),
    };
    let mut fx = Effects::new();
    let core = Core::start_beside(
        at(5000),
        groups.to_vec(),
        "supervisor".into(),
        0,
        |group, process| ((group, process) == ("cat", "cat")).then_some(left),
        &mut fx,
    );
    let mut world = World {
        core,
        written: None,
        fx,
        requests: 0,
    };
    let told = world.told();
    let is_of_cat = |line: &str| line.starts_with("cat ") || line.starts_with("spawn cat ");
    assert!(!told.iter().any(|line| is_of_cat(line)), "{told:#?}");
    let spawned = "spawn dog as 5000000000";
    assert!(told.iter().any(|line| line == spawned), "{told:#?}");
    let told = world.exited(at(6000), 7, 1);
    assert_eq!(told[0], "cat EXITED from:RUNNING expected:0 pid:107");
    assert_eq!(
        told.last().map(String::as_str),
        Some("spawn cat as 5000000001")
    );
}
