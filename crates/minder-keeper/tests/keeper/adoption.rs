//! What a new daemon finds after another has died.

use std::collections::BTreeMap;
use std::os::fd::{AsFd, OwnedFd};

use minder_wire::{ChildState, Stream, ToDaemon, ToKeeper};
use rustix::event::PollFlags;
use rustix::fs::fstat;
use rustix::process::Signal;

use super::stage::{Daemon, Item, Stage, read_all, read_line, shell, wait_for};

/// Lets the daemon die, and gives the next one with its inventory.
fn next_after_crash(stage: &Stage, daemon: Daemon) -> (Daemon, Vec<Item>) {
    daemon.crash();
    let mut next = stage.next_daemon();
    let inventory = next.attach();
    (next, inventory)
}

/// A child of an inventory.
struct Found {
    child: u64,
    state: ChildState,
    streams: Vec<Stream>,
    ends: Vec<OwnedFd>,
}

/// The only child of an inventory.
fn only_child(inventory: Vec<Item>) -> Found {
    let [(message, ends)] = <[Item; 1]>::try_from(inventory).unwrap();
    match message {
        ToDaemon::Child {
            child,
            state,
            streams,
            ..
        } => Found {
            child,
            state,
            streams,
            ends,
        },
        other => panic!("not a child: {other:?}"),
    }
}

pub(crate) fn an_end_is_repeated_until_it_is_forgotten() {
    let (stage, mut daemon) = Stage::ready();
    let spawned = daemon.spawn(shell("exit 5"));
    let child = spawned.child;
    let end = daemon.hear();
    for _ in 0..2 {
        let (next, inventory) = next_after_crash(&stage, daemon);
        daemon = next;
        let found = only_child(inventory);
        assert_eq!(found.streams, [Stream::Stdout, Stream::Stderr]);
        let ChildState::Exited {
            status,
            mono_nanos,
            wall_nanos,
        } = found.state
        else {
            panic!("it has ended");
        };
        let repeated = ToDaemon::Exited {
            child,
            status,
            mono_nanos,
            wall_nanos,
        };
        assert_eq!(repeated, end);
    }
    daemon.send(&ToKeeper::Forget { child });
    for stream in [Stream::Stdout, Stream::Stderr] {
        daemon.send(&ToKeeper::Close { child, stream });
    }
    let (_daemon, inventory) = next_after_crash(&stage, daemon);
    assert!(inventory.is_empty());
}

pub(crate) fn an_end_without_a_daemon_is_in_the_inventory() {
    let (stage, mut daemon) = Stage::ready();
    let mut child = daemon.spawn(shell("read line; exit 6"));
    daemon.crash();
    let mut next = stage.next_daemon();
    rustix::io::write(child.take(Stream::Stdin), b"go\n").unwrap();
    child.wait();
    let found = only_child(next.attach());
    assert!(matches!(found.state, ChildState::Exited { status, .. } if status == 6 << 8));
    // It is not told again: the next thing to be heard is the end of a later child.
    let later = next.spawn_as(2, shell("exit 0"));
    assert_eq!(next.exited(), (later.child, 0));
}

pub(crate) fn output_waits_while_there_is_no_daemon() {
    let (stage, mut daemon) = Stage::ready();
    let script = "while read line; do echo $line; done; echo end";
    let mut child = daemon.spawn(shell(script));
    let stdin = child.take(Stream::Stdin);
    rustix::io::write(&stdin, b"before\n").unwrap();
    assert_eq!(read_line(child.take(Stream::Stdout)), "before");
    daemon.crash();
    let mut next = stage.next_daemon();
    rustix::io::write(&stdin, b"between\n").unwrap();
    drop(stdin);
    let found = only_child(next.attach());
    assert_eq!(found.state, ChildState::Running);
    assert_eq!(
        found.streams,
        [Stream::Stdin, Stream::Stdout, Stream::Stderr]
    );
    let [stdin, stdout, _] = <[OwnedFd; 3]>::try_from(found.ends).unwrap();
    rustix::io::write(&stdin, b"after\n").unwrap();
    drop(stdin);
    next.send(&ToKeeper::Close {
        child: found.child,
        stream: Stream::Stdin,
    });
    assert_eq!(read_all(stdout), "between\nafter\nend\n");
}

pub(crate) fn a_hundred_children_are_handed_over_with_their_pipes() {
    let (stage, mut daemon) = Stage::ready();
    let children: Vec<_> = (1..=100)
        .map(|number| daemon.spawn(shell(&format!("echo {number}; read line"))))
        .collect();
    let (_next, inventory) = next_after_crash(&stage, daemon);
    assert_eq!(inventory.len(), children.len());
    for ((message, ends), child) in inventory.iter().zip(&children) {
        let expected = ToDaemon::Child {
            child: child.child,
            pid: child.pid,
            label: format!("child {}", child.child).into_bytes(),
            signals: 0,
            state: ChildState::Running,
            streams: vec![Stream::Stdin, Stream::Stdout, Stream::Stderr],
        };
        assert_eq!(*message, expected);
        assert_eq!(read_line(&ends[1]), child.child.to_string());
    }
}

pub(crate) fn output_of_a_descendant_outlives_the_child() {
    let (stage, mut daemon) = Stage::ready();
    let (gate_reader, gate) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).unwrap();
    let name = b"gate".to_vec();
    daemon.send_beside(
        &ToKeeper::Hold { name: name.clone() },
        &[gate_reader.as_fd()],
    );
    let child = daemon.spawn(minder_wire::Plan {
        stdin: minder_wire::Stdin::Held(name.clone()),
        // A command in the background reads from nothing unless it is told otherwise.
        ..shell("exec 3<&0; { read line; echo late; } <&3 & exit 0")
    });
    assert_eq!(daemon.exited(), (child.child, 0));
    daemon.send(&ToKeeper::Forget { child: child.child });
    daemon.send(&ToKeeper::Release { name });
    let (_next, inventory) = next_after_crash(&stage, daemon);
    drop(gate);
    let found = only_child(inventory);
    assert_eq!(found.streams, [Stream::Stdout, Stream::Stderr]);
    assert_eq!(read_all(&found.ends[0]), "late\n");
}

pub(crate) fn held_descriptors_are_replaced_released_and_handed_over() {
    let (stage, daemon) = Stage::ready();
    let file = |content: &[u8]| minder_os::memfd::sealed("held", content).unwrap();
    let (early, late, other) = (file(b"early"), file(b"late"), file(b"other"));
    for (name, file) in [
        ("log", &early),
        ("gone", &other),
        ("log", &late),
        ("socket", &other),
    ] {
        daemon.send_beside(&ToKeeper::Hold { name: name.into() }, &[file.as_fd()]);
    }
    daemon.send(&ToKeeper::Release {
        name: b"gone".to_vec(),
    });
    let (_next, inventory) = next_after_crash(&stage, daemon);
    let inode = |fd: &OwnedFd| fstat(fd).unwrap().st_ino;
    let found: Vec<_> = inventory
        .into_iter()
        .map(|(message, beside)| (message, inode(&beside[0])))
        .collect();
    let expected = [("log", &late), ("socket", &other)]
        .map(|(name, file)| (ToDaemon::Held { name: name.into() }, inode(file)));
    assert_eq!(found, expected);
}

pub(crate) fn what_a_daemon_asked_for_before_it_died_is_done() {
    let (stage, daemon) = Stage::ready();
    let descriptor = rustix::stdio::stdin();
    // Nothing of this is read before the daemon is dead.
    stage.signal(Signal::STOP);
    daemon.send(&ToKeeper::Spawn {
        child: 1,
        label: b"posthumous".to_vec(),
        plan: shell("exit 4"),
    });
    let name = b"legacy".to_vec();
    daemon.send_beside(&ToKeeper::Hold { name: name.clone() }, &[descriptor]);
    let process = rustix::process::pidfd_open(daemon.pid, rustix::process::PidfdFlags::empty());
    daemon.crash();
    wait_for(process.unwrap(), PollFlags::IN);
    stage.signal(Signal::CONT);
    let mut next = stage.next_daemon();
    let names: Vec<_> = next
        .attach()
        .into_iter()
        .map(|(message, _)| match message {
            ToDaemon::Child { label, .. } => label,
            ToDaemon::Held { name } => name,
            other => panic!("not of an inventory: {other:?}"),
        })
        .collect();
    assert_eq!(names, [b"posthumous".to_vec(), name]);
}

/// Children that exit with a code of their own are asked for by daemons that die at any moment:
/// with requests unread, answers unread, ends unread. None may be lost, and none may be wrong.
pub(crate) fn every_end_is_told_whenever_daemons_die() {
    let (stage, mut daemon) = Stage::ready();
    let mut told = BTreeMap::new();
    let mut asked = 0;
    for reads in [0, 3, 11, 25, 40] {
        for _ in 0..20 {
            asked += 1;
            daemon.send(&ToKeeper::Spawn {
                child: asked,
                label: Vec::new(),
                plan: shell(&format!("exit {asked}")),
            });
        }
        for _ in 0..reads {
            let (message, _) = daemon.receive();
            if let ToDaemon::Exited { child, status, .. } = message {
                take_note(&daemon, &mut told, child, status);
            }
        }
        let inventory;
        (daemon, inventory) = next_after_crash(&stage, daemon);
        let known = told.len() + inventory.len();
        assert_eq!(known, usize::try_from(asked).unwrap());
        for (message, _) in inventory {
            if let ToDaemon::Child { child, state, .. } = message
                && let ChildState::Exited { status, .. } = state
            {
                take_note(&daemon, &mut told, child, status);
            }
        }
    }
    while told.len() < usize::try_from(asked).unwrap() {
        let (child, status) = daemon.exited();
        take_note(&daemon, &mut told, child, status);
    }
    let expected = (1..=asked).map(|child| (child, i32::try_from(child << 8).unwrap()));
    assert_eq!(told, expected.collect());
    assert!(daemon.attach().is_empty());
}

/// Does what a daemon does once it knows how a child has ended.
fn take_note(daemon: &Daemon, told: &mut BTreeMap<u64, i32>, child: u64, status: i32) {
    assert_eq!(told.insert(child, status), None);
    daemon.send(&ToKeeper::Forget { child });
    for stream in [Stream::Stdout, Stream::Stderr] {
        daemon.send(&ToKeeper::Close { child, stream });
    }
}
