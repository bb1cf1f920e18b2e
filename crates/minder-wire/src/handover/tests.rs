use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::*;
use crate::UpgradeOutcome;
use crate::tests::{child_state, last_upgrade, stream, text};

fn start() -> impl Strategy<Value = Start> {
    prop_oneof![
        Just(Start::Complete),
        option::of(any::<i32>()).prop_map(Start::First),
        Just(Start::Again),
    ]
}

fn child() -> impl Strategy<Value = HandedChild> {
    let ends = vec((stream(), any::<i32>()), 0..=3);
    let known = (any::<(u64, u32, u64, bool)>(), option::of(any::<i32>()));
    (known, text(), child_state(), ends).prop_map(
        |(((child, pid, signals, forgotten), orphan), label, state, ends)| HandedChild {
            child,
            pid,
            label,
            state,
            signals,
            forgotten,
            ends,
            orphan,
        },
    )
}

fn held() -> impl Strategy<Value = HandedDescriptor> {
    (text(), any::<i32>()).prop_map(|(name, descriptor)| HandedDescriptor { name, descriptor })
}

fn handover() -> impl Strategy<Value = Handover> {
    let told = (
        any::<(i32, u64, u64)>(),
        text(),
        text(),
        option::of(text()),
        start(),
    );
    let daemons = (any::<(u32, u32, u32)>(), option::of(any::<i32>()));
    let tables = (
        vec(child(), 0..5),
        vec(held(), 0..5),
        vec(any::<i32>(), 0..5),
        vec(any::<(u32, i32)>(), 0..5),
    );
    let rest = (
        option::of(last_upgrade()),
        option::of(any::<(u64, u64, u64, u64)>()),
        option::of(any::<i32>()),
    );
    (told, daemons, tables, rest).prop_map(
        |(
            (open_files, note, program, log, start),
            ((generation, restarts, died_young), last_end),
            (children, held, signals, orphans),
            (upgrade, refused, oom_score_adj),
        )| Handover {
            open_files,
            note,
            program,
            log,
            start,
            daemons: Daemons {
                generation,
                restarts,
                last_end,
                died_young,
            },
            children,
            held,
            signals,
            orphans,
            upgrade,
            refused: refused.map(|(device, inode, length, modified_nanos)| FileIdentity {
                device,
                inode,
                length,
                modified_nanos,
            }),
            oom_score_adj,
        },
    )
}

/// Puts a head and a checksum before the content of a release that writes another format.
fn sealed(format: u16, oldest: u16, content: &[u8]) -> Vec<u8> {
    frame(KIND_HANDOVER, |w| {
        w.u16(format);
        w.u16(oldest);
        w.u64(checksum(content));
        w.raw(content);
    })
}

proptest! {
    #[test]
    fn what_is_handed_over_arrives_as_it_was(handover in handover()) {
        prop_assert_eq!(Handover::decode(&handover.encode()), Ok(handover));
    }

    #[test]
    fn what_is_cut_or_changed_anywhere_is_refused(
        handover in handover(),
        place in any::<prop::sample::Index>(),
        bit in 0..8_u8,
    ) {
        let bytes = handover.encode();
        let place = place.index(bytes.len());
        prop_assert!(Handover::decode(&bytes[..place]).is_err());
        let mut changed = bytes;
        changed[place] ^= 1 << bit;
        // Of the versions there may be others that are understood.
        if Handover::decode(&changed).is_ok() {
            prop_assert!((4..6).contains(&place) || (12..16).contains(&place), "{}", place);
        }
    }

    #[test]
    fn garbage_with_a_sound_checksum_is_survived(
        content in vec(prop_oneof![3 => 0u8..4, 1 => any::<u8>()], 0..300),
    ) {
        let _ = Handover::decode(&sealed(FORMAT, OLDEST, &content));
    }
}

#[test]
fn what_a_later_release_appends_is_skipped() {
    let mut child = Writer::default();
    child.record(|w| {
        one_child().write(w);
        w.u64(0xdead_beef);
    });
    let expected = Handover {
        children: vec![one_child()],
        ..Handover::default()
    };
    // As `Handover::write` does, with a longer child and fields behind the last.
    let mut known = Writer::default();
    expected.write(&mut known);
    let known = known.finish();
    let mut ordinary = Writer::default();
    ordinary.record(|w| one_child().write(w));
    let ordinary = ordinary.finish();
    let place = known
        .windows(ordinary.len())
        .position(|window| window == ordinary)
        .unwrap();
    let mut content = Writer::default();
    content.record(|w| {
        w.raw(&known[..place]);
        w.raw(&child.finish());
        w.raw(&known[place + ordinary.len()..]);
        w.bytes(b"what nobody knows yet");
    });
    let bytes = sealed(FORMAT + 1, OLDEST, &content.finish());
    assert_eq!(Handover::decode(&bytes), Ok(expected));
}

#[test]
fn what_a_later_release_says_not_to_be_understood_is_not_read() {
    let bytes = Handover::default().encode_as(FORMAT + 3, FORMAT + 2);
    assert_eq!(
        Handover::decode(&bytes),
        Err(HandoverError::Format {
            format: FORMAT + 3,
            oldest: FORMAT + 2,
        })
    );
}

#[test]
fn other_contents_of_a_memfd_are_no_handover() {
    let launch = crate::Launch::default().encode();
    assert_eq!(
        Handover::decode(&launch),
        Err(HandoverError::Damaged(DecodeError::UnknownKind {
            kind: 0x0202
        }))
    );
    assert_eq!(
        Handover::decode(b"\x7fELF"),
        Err(HandoverError::Damaged(DecodeError::NoFrame))
    );
}

fn one_child() -> HandedChild {
    HandedChild {
        child: 1,
        pid: 2,
        label: b"a:b".to_vec(),
        state: ChildState::Exited {
            status: 256,
            mono_nanos: 3,
            wall_nanos: 4,
        },
        signals: 5,
        forgotten: true,
        ends: vec![(Stream::Stdout, 7), (Stream::Stderr, 8)],
        orphan: None,
    }
}

/// The bytes that a keeper of the first release with upgrades leaves. A release that cannot read
/// them cannot take over from it.
#[test]
fn the_first_format_is_read_for_ever() {
    let handover = Handover {
        open_files: (7, 1024, 4096),
        note: b"n".to_vec(),
        program: b"/usr/bin/supervisord".to_vec(),
        log: Some(b"/l".to_vec()),
        start: Start::First(Some(3)),
        daemons: Daemons {
            generation: 1,
            restarts: 2,
            last_end: Some(9),
            died_young: 3,
        },
        children: vec![one_child()],
        held: vec![HandedDescriptor {
            name: b"x".to_vec(),
            descriptor: 9,
        }],
        signals: vec![15],
        orphans: vec![(6, 0)],
        upgrade: Some(LastUpgrade {
            outcome: UpgradeOutcome::RolledBack,
            from: b"1".to_vec(),
            to: b"2".to_vec(),
            why: b"w".to_vec(),
            is_news: true,
        }),
        refused: Some(FileIdentity {
            device: 1,
            inode: 2,
            length: 3,
            modified_nanos: 4,
        }),
        oom_score_adj: None,
    };
    let bytes: String = FIRST_FORMAT.split_whitespace().collect();
    let bytes: Vec<u8> = (0..bytes.len() / 2)
        .map(|place| u8::from_str_radix(&bytes[2 * place..][..2], 16).unwrap())
        .collect();
    assert_eq!(Handover::decode(&bytes), Ok(handover));
}

const FIRST_FORMAT: &str = "\
    4d4e4452010003020601000001000100fc14f3af1787a2d2f600000007000000000400000000000000100000
    00000000010000006e140000002f7573722f62696e2f73757065727669736f726401020000002f6c01010300
    0000110000000100000002000000010900000003000000010000003f00000001000000000000000200000003
    000000613a620100010000030000000000000004000000000000000500000000000000010200000001070000
    0002080000000100000009000000010000007809000000010000000f00000001000000060000000000000001
    1100000003010000003101000000320100000077010101000000000000000200000000000000030000000000
    00000400000000000000";
