//! Processes join a group and leave it.

use super::*;
use crate::Mood;
use crate::effect::Effects;
use crate::spec::ProcessSpec;
use crate::testing::{at_once, pool, prioritised};

fn add(group: &str, processes: &[ProcessSpec]) -> Request {
    Request::AddProcesses {
        group: group.into(),
        processes: processes.iter().cloned().map(Arc::new).collect(),
    }
}

fn remove(group: &str, process: &str) -> Request {
    Request::RemoveProcess {
        group: group.into(),
        process: process.into(),
    }
}

fn idle(name: &str, priority: i64) -> ProcessSpec {
    ProcessSpec {
        autostart: false,
        priority,
        ..program(name)
    }
}

/// The processes of each group as readers see them, with their states.
fn seen(world: &mut World) -> Vec<String> {
    let view = world.core.view();
    let of_group = |group: &Arc<crate::view::GroupView>| {
        let processes = group
            .processes
            .iter()
            .map(|process| alloc::format!("{} {}", process.spec.name, process.state.name()));
        let processes: Vec<_> = processes.collect();
        assert_eq!(processes.len(), group.spec.processes.len());
        alloc::format!("{}: {}", group.spec.name, processes.join(", "))
    };
    view.groups.iter().map(of_group).collect()
}

fn changes(world: &mut World, groups: &[Arc<GroupSpec>]) -> Vec<String> {
    // Each reading makes its own.
    let groups = groups.iter().map(|it| Arc::new(GroupSpec::clone(it)));
    let groups = groups.collect();
    world.ask(at(9000), Request::Reread { groups })
}

#[test]
fn processes_join_a_group_and_those_that_want_to_are_started() {
    let mut world = running();
    assert_eq!(
        world.ask(at(2000), add("cat", &[at_once("dog"), idle("fox", 1)])),
        [
            "group 1 has dog fox too",
            "reply 1: Done",
            "dog STARTING from:STOPPED tries:0",
            "spawn dog as 2",
        ]
    );
    world.spawned(at(2001), 2);
    assert_eq!(
        seen(&mut world),
        ["cat: cat RUNNING, dog RUNNING, fox STOPPED"]
    );
}

#[test]
fn nothing_joins_under_a_name_that_is_taken_or_a_group_that_is_not_there() {
    let groups = [
        group("cat", &[program("cat")]),
        pool("ears", 10, &["TICK_5"], &[program("ear")]),
    ];
    let mut world = World::start(at(0), &groups);
    world.told();
    let before = world.core.snapshot();
    for (request, refusal) in [
        (add("dog", &[program("a")]), r#"BadName("dog")"#),
        (
            add("cat", &[program("a"), program("cat")]),
            r#"BadName("cat")"#,
        ),
        (add("cat", &[program("a"), program("a")]), r#"BadName("a")"#),
        (
            add("ears", &[program("a")]),
            r#"Failed("ears is no group of programs")"#,
        ),
        (remove("dog", "cat"), r#"BadName("dog")"#),
        (remove("cat", "dog"), r#"BadName("dog")"#),
        (remove("cat", "cat"), r#"StillRunning("cat")"#),
    ] {
        let expected = alloc::format!("reply {}: Refused({refusal})", world.requests + 1);
        assert_eq!(world.ask(at(10), request), [expected]);
    }
    assert_eq!(world.ask(at(20), add("cat", &[])), ["reply 8: Done"]);
    assert_eq!(world.core.snapshot(), before);
}

#[test]
fn a_stopped_process_leaves_its_group_and_its_name_is_free() {
    let mut world = running();
    world.ask(at(2000), add("cat", &[idle("dog", 999)]));
    assert_eq!(
        world.ask(at(3000), remove("cat", "dog")),
        ["group 1 is without 2", "reply 2: Done"]
    );
    assert_eq!(seen(&mut world), ["cat: cat RUNNING"]);
    let refused = r#"reply 3: Refused(BadName("cat:dog"))"#;
    assert_eq!(
        world.ask(at(3000), start_request("cat:dog", true)),
        [refused]
    );
    world.ask(at(4000), add("cat", &[idle("dog", 999)]));
    assert_eq!(seen(&mut world), ["cat: cat RUNNING, dog STOPPED"]);
}

#[test]
fn a_group_can_be_emptied_and_removed() {
    let mut world = World::start(at(0), &[group("cat", &[idle("cat", 999)])]);
    world.told();
    world.ask(at(10), remove("cat", "cat"));
    assert_eq!(seen(&mut world), ["cat: "]);
    let remove = Request::RemoveGroup { name: "cat".into() };
    assert_eq!(
        world.ask(at(20), remove),
        ["group 1 is gone", "GROUP_REMOVED cat", "reply 2: Done"]
    );
}

#[test]
fn a_listener_that_leaves_its_pool_is_told_nothing_any_more() {
    let pool = pool(
        "ears",
        10,
        &["TICK_5"],
        &[idle("left", 1), idle("right", 2)],
    );
    let mut world = World::start(at(0), &[pool]);
    world.told();
    world.ask(at(10), remove("ears", "left"));
    let snapshot = world.core.snapshot();
    let left = snapshot.groups[0].pool.as_ref().unwrap();
    assert_eq!(
        (left.listeners.len(), snapshot.groups[0].processes.len()),
        (1, 1)
    );
}

#[test]
fn what_joined_is_no_difference_until_the_configuration_is_read_again() {
    let configured = [
        group("cat", &[program("cat")]),
        group("dog", &[program("dog")]),
    ];
    let mut world = World::start(at(0), &configured);
    world.told();
    world.ask(at(10), add("cat", &[idle("a", 999)]));
    let candidate = world.core.view().candidate.clone();
    assert_eq!(candidate[0].processes.len(), 2);
    let told = changes(&mut world, &configured);
    assert_eq!(
        told,
        [r#"reply 2: Changes(Changes { added: [], changed: ["cat"], removed: [] })"#]
    );
    // From now on the two are two.
    world.ask(at(9001), add("dog", &[idle("a", 999)]));
    let candidate = world.core.view().candidate.clone();
    assert_eq!(candidate[1].processes.len(), 1);
}

#[test]
fn the_next_daemon_knows_who_joined() {
    let mut world = running();
    world.ask(at(2000), add("cat", &[idle("dog", 999)]));
    let snapshot = world.core.snapshot();
    let inherited = Inherited {
        child: ChildId(1),
        pid: 101,
        signals: Signals(0),
        exited: None,
        namesake: None,
    };
    let mut fx = Effects::new();
    let name = "supervisor".into();
    world.core = Core::adopt(at(3000), snapshot, &[inherited], name, &mut fx);
    assert_eq!(seen(&mut world), ["cat: cat RUNNING, dog STOPPED"]);
    assert_eq!(world.core.view().mood, Mood::Running);
    world.ask(at(4000), add("cat", &[idle("fox", 999)]));
    assert_eq!(
        seen(&mut world),
        ["cat: cat RUNNING, dog STOPPED, fox STOPPED"]
    );
}

#[test]
fn who_joins_takes_its_place_by_priority() {
    let first = idle("a", 5);
    let mut world = World::start(at(0), &[prioritised("g", 1, &[first, idle("b", 9)])]);
    world.told();
    world.ask(
        at(10),
        add("g", &[idle("c", 5), idle("d", 1), idle("e", 10)]),
    );
    let started = world.ask(at(20), start_request("g:*", false));
    let started = started
        .iter()
        .filter_map(|line| line.strip_prefix("spawn "));
    let order: Vec<_> = started.filter_map(|line| line.split(' ').next()).collect();
    assert_eq!(order, ["d", "a", "c", "b", "e"]);
}
