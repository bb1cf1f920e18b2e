//! The layout, byte by byte. A test here that fails says that a keeper of an earlier release and
//! a daemon of this one no longer understand each other: raise the version, or undo the change.

use super::*;

/// The frame as hexadecimal digits: its head, then its body.
fn hex(frame: &[u8]) -> String {
    use std::fmt::Write;
    frame
        .iter()
        .enumerate()
        .fold(String::new(), |mut text, (place, byte)| {
            if place == frame::HEAD {
                text.push(' ');
            }
            write!(text, "{byte:02x}").expect("a string takes everything");
            text
        })
}

fn plan_with_everything() -> Plan {
    Plan {
        file: b"/bin/sh".to_vec(),
        argv: vec![b"sh".to_vec(), b"-c".to_vec()],
        envp: vec![b"A=b".to_vec()],
        directory: Some(b"/".to_vec()),
        umask: Some(0o22),
        credentials: Credentials::Become {
            uid: 1,
            gid: 2,
            groups: vec![2, 3],
        },
        stdin: Stdin::Held(b"fcgi".to_vec()),
        stderr_to_stdout: true,
        ignored_signals: vec![13, 25],
        oom_score_adj: Some(-5),
        limits: vec![(7, 1024, u64::MAX)],
    }
}

#[test]
fn the_daemons_frames_keep_their_layout() {
    let frames = [
        ToKeeper::Hello { version: 1 },
        ToKeeper::Next,
        ToKeeper::Spawn {
            child: 0x0102_0304_0506_0708,
            label: b"a:b".to_vec(),
            plan: Plan::default(),
        },
        ToKeeper::SpawnFrom {
            child: 1,
            label: b"a:b".to_vec(),
        },
        ToKeeper::Adopt {
            child: 1,
            pid: 2,
            label: b"a:b".to_vec(),
        },
        ToKeeper::Signal {
            child: 1,
            signal: 15,
            group: true,
        },
        ToKeeper::Forget { child: 1 },
        ToKeeper::Close {
            child: 1,
            stream: Stream::Stderr,
        },
        ToKeeper::Hold {
            name: b"x".to_vec(),
        },
        ToKeeper::Heard { signal: 15 },
        ToKeeper::Release {
            name: b"x".to_vec(),
        },
        ToKeeper::Ready,
        ToKeeper::Log {
            path: Some(b"/l".to_vec()),
        },
        ToKeeper::Upgrade,
        ToKeeper::Leave(Departure::Exit {
            code: 2,
            text: b"no".to_vec(),
        }),
        ToKeeper::Leave(Departure::Restart),
        ToKeeper::Leave(Departure::Upgrade),
    ]
    .map(|message| hex(&message.encode()));
    assert_eq!(frames, DAEMON_FRAMES);
}

#[test]
fn the_keepers_frames_keep_their_layout() {
    let exited = ChildState::Exited {
        status: 9,
        mono_nanos: 1,
        wall_nanos: 2,
    };
    let child = |state, streams| ToDaemon::Child {
        child: 1,
        pid: 2,
        label: b"a:b".to_vec(),
        state,
        signals: 5,
        streams,
    };
    let failed = |step| ToDaemon::SpawnFailed {
        child: 1,
        step,
        errno: 24,
    };
    let frames = [
        ToDaemon::Welcome {
            version: 1,
            keeper_pid: 2,
            generation: 3,
            restarts: 4,
            last_end: Some(9),
            note: b"n".to_vec(),
            upgrade: Some(LastUpgrade {
                outcome: UpgradeOutcome::Refused,
                from: b"1".to_vec(),
                to: b"2".to_vec(),
                why: b"w".to_vec(),
                is_news: true,
            }),
        },
        child(
            ChildState::Running,
            vec![Stream::Stdin, Stream::Stdout, Stream::Stderr],
        ),
        child(exited, vec![]),
        ToDaemon::Held {
            name: b"x".to_vec(),
        },
        ToDaemon::InventoryEnd,
        ToDaemon::Spawned {
            child: 1,
            pid: 2,
            streams: vec![Stream::Stdout],
        },
        failed(SpawnStep::Plan),
        failed(SpawnStep::Pipe),
        failed(SpawnStep::Clone),
        ToDaemon::Exited {
            child: 1,
            status: 256,
            mono_nanos: 3,
            wall_nanos: 4,
        },
        ToDaemon::Orphan { pid: 1, status: 0 },
        ToDaemon::Signalled { signal: 15 },
        ToDaemon::UpgradePossible { to: b"2".to_vec() },
        ToDaemon::UpgradeRefused { why: b"w".to_vec() },
        ToDaemon::SignalFailed {
            child: 1,
            signal: 15,
            errno: 1,
        },
    ]
    .map(|message| hex(&message.encode()));
    assert_eq!(frames, KEEPER_FRAMES);
}

#[test]
fn plans_and_launches_keep_their_layout() {
    let refused = Plan {
        credentials: Credentials::Refuse {
            uid: 1,
            why: b"no".to_vec(),
        },
        ..Plan::default()
    };
    let launch = Launch {
        report_fd: Some(4),
        note: b"n".to_vec(),
        program: b"/p".to_vec(),
        given_fd: Some(5),
    };
    let frames = [
        hex(&plan_with_everything().encode()),
        hex(&refused.encode()),
        hex(&launch.encode()),
    ];
    assert_eq!(frames, CONTENTS);
}

const DAEMON_FRAMES: [&str; 17] = [
    "4d4e44520100010002000000 0100",
    "4d4e44520100020000000000",
    "4d4e44520100030029000000 080706050403020103000000613a62000000000000000000000000000000000\
     0000000000000000000",
    "4d4e4452010004000f000000 010000000000000003000000613a62",
    "4d4e445201000f0013000000 01000000000000000200000003000000613a62",
    "4d4e4452010005000d000000 01000000000000000f00000001",
    "4d4e44520100060008000000 0100000000000000",
    "4d4e44520100070009000000 010000000000000002",
    "4d4e44520100080005000000 0100000078",
    "4d4e445201000c0004000000 0f000000",
    "4d4e44520100090005000000 0100000078",
    "4d4e445201000a0000000000",
    "4d4e445201000d0007000000 01020000002f6c",
    "4d4e445201000e0000000000",
    "4d4e445201000b0008000000 0002020000006e6f",
    "4d4e445201000b0001000000 01",
    "4d4e445201000b0001000000 02",
];

const KEEPER_FRAMES: [&str; 15] = [
    "4d4e4452010001012a000000 01000200000003000000040000000109000000010000006e010201000000310\
     100000032010000007701",
    "4d4e44520100020123000000 01000000000000000200000003000000613a6200050000000000000003000000\
     000102",
    "4d4e44520100020134000000 01000000000000000200000003000000613a620109000000010000000000000\
     00200000000000000050000000000000000000000",
    "4d4e44520100030105000000 0100000078",
    "4d4e44520100040100000000",
    "4d4e44520100050111000000 0100000000000000020000000100000001",
    "4d4e4452010006010d000000 01000000000000000018000000",
    "4d4e4452010006010d000000 01000000000000000118000000",
    "4d4e4452010006010d000000 01000000000000000218000000",
    "4d4e4452010007011c000000 01000000000000000001000003000000000000000400000000000000",
    "4d4e44520100080108000000 0100000000000000",
    "4d4e44520100090104000000 0f000000",
    "4d4e445201000b0105000000 0100000032",
    "4d4e445201000c0105000000 0100000077",
    "4d4e445201000a0110000000 01000000000000000f00000001000000",
];

const CONTENTS: [&str; 3] = [
    "4d4e44520100010279000000 070000002f62696e2f736802000000020000007368020000002d63010000000\
     3000000413d6201010000002f011200000001010000000200000002000000020000000300000001040000006\
     663676901020000000d0000001900000001fbffffff01000000070000000004000000000000fffffffffffff\
     fff",
    "4d4e44520100010224000000 00000000000000000000000000000201000000020000006e6f0000000000000\
     000000000",
    "4d4e44520100020215000000 0104000000010000006e020000002f700105000000",
];
