use std::path::Path;

use minder_core::delta::PoolDelta;
use minder_core::listener::{Answer, Listener};
use minder_core::pool::{PoolSnapshot, QueuedEvent};
use minder_core::spec::{AutoRestart, GroupKind, LogTarget, ServerUrl, StreamSpec};
use minder_core::{EventType, ExitStatus, ProcessSpec, Signal};
use minder_logs::capture::Capture;
use minder_logs::plane::{Channel, StreamId};
use minder_os::frames;

use minder_core::process::{Phase, StopCause};
use minder_core::{ChildId, Mono, Now};

use super::*;
use crate::inputs::InputNote;
use crate::inspected::InspectedNote;
use crate::link::FoundChild;
use crate::testing::Keeper;

fn stream(log: LogTarget) -> StreamSpec {
    StreamSpec {
        log,
        max_bytes: 50,
        backups: 10,
        capture_max_bytes: 0,
        events_enabled: true,
        syslog: false,
    }
}

fn process(name: &str) -> Arc<ProcessSpec> {
    Arc::new(ProcessSpec {
        name: name.to_owned(),
        command: "sleep 1".to_owned(),
        directory: Some("/srv".to_owned()),
        umask: Some(0o22),
        uid: Some(7),
        priority: -3,
        autostart: true,
        autorestart: AutoRestart::Unexpected,
        start_secs: 1,
        start_retries: 3,
        exit_codes: vec![0, 2],
        stop_signal: Signal::QUIT,
        stop_wait_secs: 10,
        stop_as_group: true,
        kill_as_group: true,
        redirect_stderr: false,
        stdout: stream(LogTarget::Auto),
        stderr: stream(LogTarget::File("/e".to_owned())),
        environment: [("A".to_owned(), "1".to_owned())].into(),
        server_url: ServerUrl::Fixed("http://x".to_owned()),
    })
}

fn group(name: &str, processes: &[&str]) -> Arc<GroupSpec> {
    Arc::new(GroupSpec {
        name: name.to_owned(),
        priority: 999,
        kind: GroupKind::Programs,
        processes: processes.iter().map(|name| process(name)).collect(),
    })
}

fn moment(seconds: u64) -> Now {
    crate::link::moment(seconds * 1_000_000_000, seconds * 2_000_000_000)
}

/// One process in each state that there is.
fn every_state() -> Vec<State> {
    let retry_at = moment(9).mono;
    let up = |phase| State::Up {
        child: ChildId(77),
        phase,
    };
    vec![
        State::Down(Down::Stopped),
        State::Down(Down::Backoff {
            failures: 2,
            retry_at,
        }),
        State::Down(Down::Exited { expected: true }),
        State::Down(Down::Fatal),
        up(Phase::Spawning {
            failures: 1,
            stop: None,
        }),
        up(Phase::Spawning {
            failures: 1,
            stop: Some(StopCause::Request),
        }),
        up(Phase::Spawning {
            failures: 1,
            stop: Some(StopCause::Shutdown),
        }),
        up(Phase::Starting {
            pid: 5,
            failures: 3,
        }),
        up(Phase::Running { pid: 5 }),
        up(Phase::Stopping {
            pid: 5,
            kill_at: Mono(std::time::Duration::MAX),
        }),
        up(Phase::Unknown {
            pid: 5,
            stopping: true,
        }),
    ]
}

fn event(serial: u64) -> QueuedEvent {
    QueuedEvent {
        kind: EventType::ProcessLogStderr,
        serial,
        pool_serial: serial - 60,
        payload: "größe".into(),
    }
}

/// A pool with one listener in each state that there is.
fn pool() -> GroupSnapshot {
    use minder_core::listener::State;
    let busy = |answer| State::Busy {
        event: event(66),
        answer,
    };
    let states = [
        State::Acknowledged {
            unread: b"REA".to_vec(),
        },
        State::Ready,
        busy(Answer::Line(b"RESULT".to_vec())),
        busy(Answer::Body {
            missing: 1,
            ok: true,
        }),
        State::Unknown,
    ];
    let listeners = (0..).zip(states).map(|(number, state)| {
        Some(Listener {
            child: ChildId(80 + number),
            state,
            deliveries: number,
            deaf: number == 1,
        })
    });
    let listeners: Vec<_> = listeners.chain([None]).collect();
    let names: Vec<String> = (0..listeners.len()).map(|n| format!("l{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut spec = Arc::unwrap_or_clone(group("pool", &names));
    spec.kind = GroupKind::Listeners {
        buffer_size: Some(10),
        events: vec!["PROCESS_LOG".to_owned()],
    };
    GroupSnapshot {
        id: GroupId(5),
        spec: Arc::new(spec),
        processes: (30..)
            .map(ProcessId)
            .map(untouched)
            .take(listeners.len())
            .collect(),
        pool: Some(PoolSnapshot {
            serial: 9,
            queue: vec![event(67), event(68)],
            listeners,
        }),
    }
}

fn everything() -> (Snapshot, Files) {
    let states = every_state();
    let names: Vec<String> = (0..states.len()).map(|n| format!("p{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let (web, idle) = (group("web", &names), group("idle", &["one"]));
    let processes = states
        .into_iter()
        .zip(10..)
        .map(|(state, id)| ProcessSnapshot {
            id: ProcessId(id),
            state,
            started: Some(moment(1)),
            stopped: Some(moment(2).wall),
            spawn_error: "why".to_owned(),
            exit_status: -1,
        });
    let groups = vec![
        GroupSnapshot {
            id: GroupId(3),
            spec: group("gone", &["old"]),
            processes: vec![untouched(ProcessId(2))],
            pool: None,
        },
        GroupSnapshot {
            id: GroupId(4),
            spec: web.clone(),
            processes: processes.collect(),
            pool: None,
        },
        pool(),
    ];
    let files = Arc::new(BTreeMap::from([
        (
            ProcessId(2),
            LogPaths {
                stdout: Some(Path::new("/auto").into()),
                stderr: None,
            },
        ),
        (
            ProcessId(10),
            LogPaths {
                stdout: None,
                stderr: Some(Path::new("/e").into()),
            },
        ),
    ]));
    let next = NextIds {
        child: 100,
        process: 50,
        group: 5,
    };
    (
        Snapshot {
            mood: Mood::Restarting,
            groups,
            candidate: vec![web, idle],
            next,
            serial: 70,
            tick: 1_700_000_005,
        },
        files,
    )
}

fn input(end: u64) -> InputNote {
    InputNote { end, delivered: 2 }
}

/// Notes of every sort that there is.
fn streams() -> StreamNotes {
    let inspected = |channel, capture| {
        let child = ChildId(77);
        let note = InspectedNote {
            position: 5,
            log_end: 3,
            capture,
            ended: channel == Channel::Stderr,
        };
        (StreamId { child, channel }, note)
    };
    let capture = Capture {
        limit: 10,
        captured: Some(b"so far".to_vec()),
        held: b"<!--".to_vec(),
    };
    StreamNotes {
        inputs: [(ChildId(77), input(9))].into(),
        inspected: [
            inspected(Channel::Stdout, None),
            inspected(Channel::Stderr, Some(capture)),
        ]
        .into(),
    }
}

fn taken(held: &mut BTreeMap<Vec<u8>, SharedFd>) -> Result<Legacy, LegacyError> {
    take(held).unwrap().0
}

#[test]
fn what_one_daemon_recorded_the_next_one_takes() {
    let (snapshot, files) = everything();
    let (mut link, mut keeper) = Keeper::new();
    Recorder::default()
        .record(&snapshot, &files, &streams(), &mut link)
        .unwrap();
    keeper.obey();
    let legacy = taken(&mut keeper.held).unwrap();
    let all: Vec<ProcessId> = snapshot
        .groups
        .iter()
        .flat_map(|group| &group.processes)
        .map(|p| p.id)
        .collect();
    assert!(keeper.held.is_empty());
    for process in all {
        assert_eq!(
            legacy.files.get(&process).cloned().unwrap_or_default(),
            files.get(&process).cloned().unwrap_or_default()
        );
    }
    assert_eq!(legacy.snapshot, as_written(snapshot));
    assert_eq!(legacy.streams, streams());
}

/// What [`everything`] is once it was written down: a wait without end is the longest that can be.
fn as_written(mut everything: Snapshot) -> Snapshot {
    let endless = Mono(std::time::Duration::from_nanos(u64::MAX));
    everything.groups[1].processes[9].state = State::Up {
        child: ChildId(77),
        phase: Phase::Stopping {
            pid: 5,
            kill_at: endless,
        },
    };
    everything
}

/// A change of each sort that there is to what [`everything`] has.
fn changes() -> (Delta, StreamChanges) {
    let mut process = untouched(ProcessId(2));
    process.exit_status = 3;
    let head = Head {
        mood: Mood::ShuttingDown,
        next: NextIds {
            child: 101,
            process: 50,
            group: 5,
        },
        serial: 71,
        tick: 1_700_000_010,
    };
    let busy = Listener {
        child: ChildId(90),
        state: minder_core::listener::State::Busy {
            event: event(67),
            answer: Answer::Line(Vec::new()),
        },
        deliveries: 4,
        deaf: false,
    };
    let pool = PoolDelta {
        group: GroupId(5),
        serial: 10,
        dropped: 1,
        front: vec![event(66)],
        back: vec![event(69)],
        listeners: vec![(1, Some(busy)), (2, None)],
    };
    let delta = Delta {
        head: Some(head),
        processes: vec![(GroupId(3), process)],
        pools: vec![pool],
    };
    let stream = |channel| StreamId {
        child: ChildId(77),
        channel,
    };
    let note = InspectedNote {
        position: 6,
        log_end: 4,
        capture: None,
        ended: true,
    };
    let streams = StreamChanges {
        inputs: vec![(ChildId(77), None), (ChildId(78), Some(input(3)))],
        inspected: vec![
            (stream(Channel::Stdout), Some(note)),
            (stream(Channel::Stderr), None),
        ],
    };
    (delta, streams)
}

#[test]
fn what_a_step_has_changed_is_added_and_costs_no_message() {
    let (mut snapshot, files) = everything();
    let (mut link, mut keeper) = Keeper::new();
    let mut recorder = Recorder::default();
    assert!(!recorder.has_room());
    recorder
        .record(&snapshot, &files, &streams(), &mut link)
        .unwrap();
    keeper.obey();
    assert!(recorder.has_room());
    let (delta, changed) = changes();
    recorder.add(&delta, &changed).unwrap();
    let nothing = StreamChanges::default();
    recorder.add(&Delta::default(), &nothing).unwrap();
    assert_eq!(keeper.obey(), 0);
    let legacy = taken(&mut keeper.held).unwrap();
    let (mut expected, mut notes) = (as_written(snapshot.clone()), streams());
    expected.apply(delta.clone()).unwrap();
    notes.apply(changed);
    assert_eq!(legacy.snapshot, expected);
    assert_eq!(legacy.streams, notes);
    assert_eq!(legacy.streams.inputs, [(ChildId(78), input(3))].into());
    // What belongs to no group that there is makes no sense.
    snapshot.groups.pop();
    recorder
        .record(&snapshot, &files, &streams(), &mut link)
        .unwrap();
    recorder.add(&delta, &nothing).unwrap();
    keeper.obey();
    let error = taken(&mut keeper.held).unwrap_err();
    assert!(matches!(error, LegacyError::Codec(CodecError::Value)));
}

#[test]
fn an_unchanged_layout_is_recorded_once() {
    let (mut snapshot, files) = everything();
    let (mut link, mut keeper) = Keeper::new();
    let mut recorder = Recorder::default();
    recorder
        .record(&snapshot, &files, &streams(), &mut link)
        .unwrap();
    assert_eq!(keeper.obey(), 2);
    snapshot.next.child += 1;
    recorder
        .record(&snapshot, &files, &streams(), &mut link)
        .unwrap();
    assert_eq!(keeper.obey(), 1);
    snapshot.groups.pop();
    recorder
        .record(&snapshot, &files, &streams(), &mut link)
        .unwrap();
    assert_eq!(keeper.obey(), 3);
    assert_eq!(keeper.held.len(), 2);
    assert_eq!(taken(&mut keeper.held).unwrap().snapshot.groups.len(), 2);
}

#[test]
fn processes_that_join_and_leave_a_group_are_recorded_with_it() {
    let (mut snapshot, files) = everything();
    let (mut link, mut keeper) = Keeper::new();
    let mut recorder = Recorder::default();
    let mut record = |snapshot: &Snapshot| {
        recorder
            .record(snapshot, &files, &streams(), &mut link)
            .unwrap();
        keeper.obey();
        taken(&mut keeper.held).unwrap().snapshot.groups
    };
    record(&snapshot);
    for (spec, processes) in [
        (group("gone", &["old", "new"]), &[2, 60][..]),
        (group("gone", &["new"]), &[60]),
        (group("gone", &["other"]), &[60]),
    ] {
        let changed = &mut snapshot.groups[0];
        changed.spec = spec;
        let ids = processes.iter().map(|id| ProcessId(*id));
        changed.processes = ids.map(untouched).collect();
        let changed = changed.clone();
        assert_eq!(record(&snapshot)[0], changed);
    }
}

#[test]
fn a_daemon_that_dies_between_its_messages_leaves_a_state_with_its_layout() {
    let (mut snapshot, files) = everything();
    let (mut link, mut keeper) = Keeper::new();
    let mut recorder = Recorder::default();
    recorder
        .record(&snapshot, &files, &streams(), &mut link)
        .unwrap();
    keeper.obey();
    snapshot.groups.pop();
    recorder
        .record(&snapshot, &files, &streams(), &mut link)
        .unwrap();
    let mut buffer = vec![0; minder_wire::MAX_FRAME];
    while let Ok(Some(received)) = frames::receive(&keeper.socket, &mut buffer) {
        match ToKeeper::decode(received.frame).unwrap() {
            ToKeeper::Hold { name } => {
                keeper
                    .held
                    .insert(name, received.beside.into_iter().next().unwrap().into());
            }
            ToKeeper::Release { name } => drop(keeper.held.remove(&name)),
            other => panic!("{other:?}"),
        }
        let mut held = BTreeMap::new();
        for (name, file) in &keeper.held {
            held.insert(name.clone(), Arc::clone(file));
        }
        taken(&mut held).unwrap();
    }
}

#[test]
fn layouts_that_nobody_could_release_are_released_with_the_next() {
    let (snapshot, files) = everything();
    let (mut link, mut keeper) = Keeper::new();
    let mut recorder = Recorder::default();
    recorder
        .record(&snapshot, &files, &streams(), &mut link)
        .unwrap();
    keeper.obey();
    let outdated = Arc::new(memfd::sealed("old", b"").unwrap());
    keeper.held.insert(layout_name(7), Arc::clone(&outdated));
    let mut held = BTreeMap::from([
        (STATE.to_vec(), Arc::clone(&keeper.held[STATE])),
        (layout_name(1), Arc::clone(&keeper.held[&layout_name(1)])),
        (layout_name(7), outdated),
    ]);
    let (legacy, mut recorder) = take(&mut held).unwrap();
    legacy.unwrap();
    recorder
        .record(&snapshot, &files, &streams(), &mut link)
        .unwrap();
    keeper.obey();
    let names: Vec<_> = keeper.held.keys().cloned().collect();
    assert_eq!(names, [layout_name(8), STATE.to_vec()]);
}

#[test]
fn damage_is_told_and_not_believed() {
    let (snapshot, files) = everything();
    let (mut link, mut keeper) = Keeper::new();
    Recorder::default()
        .record(&snapshot, &files, &streams(), &mut link)
        .unwrap();
    keeper.obey();
    let layout = keeper.held.remove(&layout_name(1)).unwrap();
    let mut copy = memfd::read_sealed(&layout, MAX_SEALED).unwrap();
    let state = || {
        let content = memfd::read(&keeper.held[STATE], MAX_SEALED).unwrap();
        memfd::sealed("s", &content).map(Arc::new)
    };
    let mut held = BTreeMap::from([(STATE.to_vec(), state().unwrap())]);
    assert!(matches!(
        taken(&mut held),
        Err(LegacyError::Missing("layout"))
    ));
    copy[40] ^= 1;
    let damaged = Arc::new(memfd::sealed("l", &copy).unwrap());
    let mut held = BTreeMap::from([
        (STATE.to_vec(), state().unwrap()),
        (layout_name(1), damaged),
    ]);
    assert!(matches!(
        taken(&mut held),
        Err(LegacyError::Codec(CodecError::Checksum))
    ));
    assert!(take(&mut BTreeMap::new()).is_none());
}

#[test]
fn without_a_snapshot_what_runs_is_up_and_nothing_else_is_started() {
    let found = |number, label: &str, ended: bool| FoundChild {
        child: ChildId(number),
        pid: 101,
        label: label.to_owned(),
        signals: 0,
        ended: ended.then(|| (ExitStatus::Code(0), moment(1))),
        streams: Vec::new(),
    };
    let children = [
        found(1, "web:a", false),
        found(2, "web:b", true),
        found(3, "unknown:c", false),
    ];
    let groups = vec![group("web", &["a", "b"]), group("web", &["z"])];
    let snapshot = recover(moment(3), groups, &children);
    let [web] = &snapshot.groups[..] else {
        panic!("{:?}", snapshot.groups)
    };
    let states: Vec<State> = web.processes.iter().map(|process| process.state).collect();
    let running = State::Up {
        child: ChildId(1),
        phase: Phase::Running { pid: 101 },
    };
    assert_eq!(states, [running, State::Down(Down::Stopped)]);
}
