use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::*;

pub(crate) fn text() -> impl Strategy<Value = Vec<u8>> {
    vec(any::<u8>(), 0..40)
}

pub(crate) fn stream() -> impl Strategy<Value = Stream> {
    prop_oneof![
        Just(Stream::Stdin),
        Just(Stream::Stdout),
        Just(Stream::Stderr)
    ]
}

fn credentials() -> impl Strategy<Value = Credentials> {
    prop_oneof![
        Just(Credentials::Keep),
        (any::<u32>(), any::<u32>(), vec(any::<u32>(), 0..9))
            .prop_map(|(uid, gid, groups)| Credentials::Become { uid, gid, groups }),
        (any::<u32>(), text()).prop_map(|(uid, why)| Credentials::Refuse { uid, why }),
    ]
}

fn plan() -> impl Strategy<Value = Plan> {
    let stdin = prop_oneof![Just(Stdin::Pipe), text().prop_map(Stdin::Held)];
    let program = (text(), vec(text(), 0..9), vec(text(), 0..9));
    let place = (option::of(text()), option::of(any::<u32>()), credentials());
    let rest = (
        any::<bool>(),
        vec(any::<i32>(), 0..9),
        option::of(any::<i32>()),
        vec(any::<(i32, u64, u64)>(), 0..9),
    );
    (program, place, stdin, rest).prop_map(
        |((file, argv, envp), (directory, umask, credentials), stdin, rest)| Plan {
            file,
            argv,
            envp,
            directory,
            umask,
            credentials,
            stdin,
            stderr_to_stdout: rest.0,
            ignored_signals: rest.1,
            oom_score_adj: rest.2,
            limits: rest.3,
        },
    )
}

fn departure() -> impl Strategy<Value = Departure> {
    prop_oneof![
        (any::<u8>(), text()).prop_map(|(code, text)| Departure::Exit { code, text }),
        Just(Departure::Restart),
        Just(Departure::Upgrade),
    ]
}

fn to_keeper() -> impl Strategy<Value = ToKeeper> {
    prop_oneof![
        any::<u16>().prop_map(|version| ToKeeper::Hello { version }),
        Just(ToKeeper::Next),
        (any::<u64>(), text(), plan()).prop_map(|(child, label, plan)| ToKeeper::Spawn {
            child,
            label,
            plan
        }),
        (any::<u64>(), text()).prop_map(|(child, label)| ToKeeper::SpawnFrom { child, label }),
        (any::<u64>(), any::<i32>(), any::<bool>()).prop_map(|(child, signal, group)| {
            ToKeeper::Signal {
                child,
                signal,
                group,
            }
        }),
        any::<u64>().prop_map(|child| ToKeeper::Forget { child }),
        (any::<u64>(), stream()).prop_map(|(child, stream)| ToKeeper::Close { child, stream }),
        (any::<(u64, u32)>(), text()).prop_map(|((child, pid), label)| ToKeeper::Adopt {
            child,
            pid,
            label
        }),
        text().prop_map(|name| ToKeeper::Hold { name }),
        text().prop_map(|name| ToKeeper::Release { name }),
        any::<i32>().prop_map(|signal| ToKeeper::Heard { signal }),
        Just(ToKeeper::Ready),
        option::of(text()).prop_map(|path| ToKeeper::Log { path }),
        Just(ToKeeper::Upgrade),
        departure().prop_map(ToKeeper::Leave),
    ]
}

pub(crate) fn last_upgrade() -> impl Strategy<Value = LastUpgrade> {
    let outcome = prop_oneof![
        Just(UpgradeOutcome::Trying),
        Just(UpgradeOutcome::Done),
        Just(UpgradeOutcome::Refused),
        Just(UpgradeOutcome::RolledBack),
    ];
    (outcome, text(), text(), text(), any::<bool>()).prop_map(
        |(outcome, from, to, why, is_news)| LastUpgrade {
            outcome,
            from,
            to,
            why,
            is_news,
        },
    )
}

pub(crate) fn child_state() -> impl Strategy<Value = ChildState> {
    prop_oneof![
        Just(ChildState::Running),
        any::<(i32, u64, u64)>().prop_map(|(status, mono_nanos, wall_nanos)| ChildState::Exited {
            status,
            mono_nanos,
            wall_nanos
        }),
    ]
}

fn to_daemon() -> impl Strategy<Value = ToDaemon> {
    let step = prop_oneof![
        Just(SpawnStep::Plan),
        Just(SpawnStep::Pipe),
        Just(SpawnStep::Clone)
    ];
    prop_oneof![
        (
            any::<(u16, u32, u32, u32)>(),
            option::of(any::<i32>()),
            text(),
            option::of(last_upgrade())
        )
            .prop_map(
                |((version, keeper_pid, generation, restarts), last_end, note, upgrade)| {
                    ToDaemon::Welcome {
                        version,
                        keeper_pid,
                        generation,
                        restarts,
                        last_end,
                        note,
                        upgrade,
                    }
                }
            ),
        (
            any::<(u64, u32, u64)>(),
            text(),
            child_state(),
            vec(stream(), 0..=3)
        )
            .prop_map(
                |((child, pid, signals), label, state, streams)| ToDaemon::Child {
                    child,
                    pid,
                    label,
                    state,
                    signals,
                    streams,
                }
            ),
        text().prop_map(|name| ToDaemon::Held { name }),
        Just(ToDaemon::InventoryEnd),
        (any::<(u64, u32)>(), vec(stream(), 0..=3)).prop_map(|((child, pid), streams)| {
            ToDaemon::Spawned {
                child,
                pid,
                streams,
            }
        }),
        (any::<u64>(), step, any::<i32>()).prop_map(|(child, step, errno)| ToDaemon::SpawnFailed {
            child,
            step,
            errno
        }),
        any::<(u64, i32, u64, u64)>().prop_map(|(child, status, mono_nanos, wall_nanos)| {
            ToDaemon::Exited {
                child,
                status,
                mono_nanos,
                wall_nanos,
            }
        }),
        any::<(u32, i32)>().prop_map(|(pid, status)| ToDaemon::Orphan { pid, status }),
        any::<i32>().prop_map(|signal| ToDaemon::Signalled { signal }),
        text().prop_map(|to| ToDaemon::UpgradePossible { to }),
        text().prop_map(|why| ToDaemon::UpgradeRefused { why }),
        any::<(u64, i32, i32)>().prop_map(|(child, signal, errno)| ToDaemon::SignalFailed {
            child,
            signal,
            errno
        }),
    ]
}

/// A frame that is cut anywhere, or followed by anything, is refused.
fn holds_its_length<T: std::fmt::Debug + PartialEq>(
    bytes: &[u8],
    decode: impl Fn(&[u8]) -> Result<T, DecodeError>,
) -> Result<(), TestCaseError> {
    for end in 0..bytes.len() {
        let cut = decode(&bytes[..end]);
        prop_assert!(
            matches!(cut, Err(DecodeError::Cut | DecodeError::NoFrame)),
            "{cut:?}"
        );
    }
    let mut longer = bytes.to_vec();
    longer.push(0);
    prop_assert_eq!(decode(&longer), Err(DecodeError::Trailing { bytes: 1 }));
    Ok(())
}

proptest! {
    #[test]
    fn what_the_daemon_says_arrives_as_it_was_said(message in to_keeper()) {
        let bytes = message.encode();
        prop_assert_eq!(ToKeeper::decode(&bytes), Ok(message));
        holds_its_length(&bytes, ToKeeper::decode)?;
    }

    #[test]
    fn what_the_keeper_says_arrives_as_it_was_said(message in to_daemon()) {
        let bytes = message.encode();
        prop_assert_eq!(ToDaemon::decode(&bytes), Ok(message));
        holds_its_length(&bytes, ToDaemon::decode)?;
    }

    #[test]
    fn a_plan_by_itself_arrives_as_it_was_made(plan in plan()) {
        let bytes = plan.encode();
        prop_assert_eq!(Plan::decode(&bytes), Ok(plan));
        holds_its_length(&bytes, Plan::decode)?;
    }

    #[test]
    fn a_launch_arrives_as_it_was_made(
        report_fd in option::of(any::<i32>()),
        note in text(),
        program in text(),
        given_fd in option::of(any::<i32>()),
    ) {
        let launch = Launch { report_fd, note, program, given_fd };
        let bytes = launch.encode();
        prop_assert_eq!(Launch::decode(&bytes), Ok(launch));
        holds_its_length(&bytes, Launch::decode)?;
    }

    #[test]
    fn garbage_behind_a_sound_head_is_survived(
        kind in prop_oneof![1u16..=14, 0x101u16..=0x10c, 0x201u16..=0x203],
        body in vec(prop_oneof![3 => 0u8..4, 1 => any::<u8>()], 0..200),
    ) {
        let bytes = frame::frame(kind, |w| body.iter().for_each(|byte| w.u8(*byte)));
        let _ = ToKeeper::decode(&bytes);
        let _ = ToDaemon::decode(&bytes);
        let _ = Plan::decode(&bytes);
        let _ = Launch::decode(&bytes);
        let _ = Handover::decode(&bytes);
    }
}

#[test]
fn garbage_is_no_frame() {
    assert_eq!(ToKeeper::decode(b""), Err(DecodeError::NoFrame));
    assert_eq!(
        ToDaemon::decode(b"GET / HTTP/1.1\r\n"),
        Err(DecodeError::NoFrame)
    );
}

#[test]
fn a_kind_of_a_later_release_can_be_told_from_garbage() {
    let bytes = frame::frame(0x00ff, |w| w.u64(7));
    assert_eq!(
        ToKeeper::decode(&bytes),
        Err(DecodeError::UnknownKind { kind: 0x00ff })
    );
    assert_eq!(
        ToDaemon::decode(&ToKeeper::Next.encode()),
        Err(DecodeError::UnknownKind { kind: 2 })
    );
}

#[test]
fn fields_that_a_later_version_appends_are_left_unread() {
    let mut bytes = frame::frame(0x0005, |w| {
        w.u64(9);
        w.i32(15);
        w.u8(1);
        w.u32(0xdead_beef);
    });
    assert_eq!(
        ToKeeper::decode(&bytes),
        Err(DecodeError::Trailing { bytes: 4 })
    );
    bytes[4] = u8::try_from(VERSION).unwrap() + 1;
    let signal = ToKeeper::Signal {
        child: 9,
        signal: 15,
        group: true,
    };
    assert_eq!(ToKeeper::decode(&bytes), Ok(signal));
}

#[test]
fn a_count_that_the_frame_cannot_hold_is_refused_before_anything_is_set_aside() {
    let bytes = frame::frame(0x0201, |w| {
        w.bytes(b"/bin/true");
        w.u32(u32::try_from(MAX_PLAN).unwrap());
    });
    assert_eq!(Plan::decode(&bytes), Err(DecodeError::Cut));
    let bytes = frame::frame(0x0201, |w| {
        w.bytes(b"/bin/true");
        w.u32(u32::MAX);
    });
    assert_eq!(
        Plan::decode(&bytes),
        Err(DecodeError::TooMany {
            what: "arguments",
            limit: MAX_PLAN
        })
    );
}

#[test]
fn a_name_longer_than_its_bound_is_refused() {
    let fits = ToKeeper::Hold {
        name: vec![b'x'; MAX_NAME],
    };
    assert_eq!(ToKeeper::decode(&fits.encode()), Ok(fits));
    let too_long = ToKeeper::Hold {
        name: vec![b'x'; MAX_NAME + 1],
    };
    assert_eq!(
        ToKeeper::decode(&too_long.encode()),
        Err(DecodeError::TooMany {
            what: "name",
            limit: MAX_NAME
        })
    );
}

#[test]
fn a_child_names_no_more_streams_than_it_can_have() {
    let message = ToDaemon::Spawned {
        child: 1,
        pid: 2,
        streams: vec![Stream::Stdin; 4],
    };
    assert_eq!(
        ToDaemon::decode(&message.encode()),
        Err(DecodeError::TooMany {
            what: "streams",
            limit: 3
        })
    );
}

#[test]
fn the_largest_of_each_frame_fits_the_bound_of_a_frame() {
    let padding = MAX_INLINE_PLAN - Plan::default().encode().len();
    let plan = Plan {
        file: vec![b'/'; padding],
        ..Plan::default()
    };
    assert_eq!(plan.encode().len(), MAX_INLINE_PLAN);
    let spawn = ToKeeper::Spawn {
        child: 1,
        label: vec![0; MAX_LABEL],
        plan,
    };
    let leave = ToKeeper::Leave(Departure::Exit {
        code: 2,
        text: vec![0; MAX_TEXT],
    });
    let welcome = ToDaemon::Welcome {
        version: 1,
        keeper_pid: 1,
        generation: 0,
        restarts: 0,
        last_end: Some(9),
        note: vec![0; MAX_NOTE],
        upgrade: Some(LastUpgrade {
            outcome: UpgradeOutcome::RolledBack,
            from: vec![0; MAX_VERSION],
            to: vec![0; MAX_VERSION],
            why: vec![0; MAX_WHY],
            is_news: true,
        }),
    };
    for bytes in [spawn.encode(), leave.encode(), welcome.encode()] {
        assert!(bytes.len() <= MAX_FRAME);
    }
}

#[test]
fn a_plan_travels_in_the_frame_as_long_as_it_fits() {
    let padding = MAX_INLINE_PLAN - Plan::default().encode().len();
    for (length, in_frame) in [(padding, true), (padding + 1, false)] {
        let plan = Plan {
            file: vec![b'/'; length],
            ..Plan::default()
        };
        let (message, content) = ToKeeper::spawn(7, b"a".to_vec(), plan.clone());
        assert_eq!(message.descriptors(), usize::from(!in_frame));
        assert_eq!(content, (!in_frame).then(|| plan.encode()));
    }
}

mod layout;
