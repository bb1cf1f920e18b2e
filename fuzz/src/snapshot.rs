//! What a daemon leaves to the one after it.
//!
//! Four bytes for the length of the layout, the layout, and the state, both without the envelope, whose
//! checksum would keep everything out.

use std::time::Duration;

use minder_core::process::State;
use minder_core::{Core, Effects, Inherited, Mono, Now, Signals, Snapshot, Wall};
use minder_daemon::reread_snapshot;

pub(crate) fn run(bytes: &[u8]) {
    let Some((length, rest)) = bytes.split_first_chunk() else {
        return;
    };
    let length = usize::try_from(u32::from_le_bytes(*length)).unwrap_or(usize::MAX);
    let Some((layout, state)) = rest.split_at_checked(length) else {
        return;
    };
    if let Some(snapshot) = reread_snapshot(layout, state) {
        goes_on(&snapshot, &[]);
        goes_on(&snapshot, &children(&snapshot));
    }
}

/// A core that goes on with a snapshot leaves one with which another can go on.
fn goes_on(snapshot: &Snapshot, inventory: &[Inherited]) {
    let mut fx = Effects::new();
    let mut core = Core::adopt(
        now(),
        snapshot.clone(),
        inventory,
        "supervisor".into(),
        &mut fx,
    );
    let _ = core.view();
    let next = core.snapshot();
    let _ = Core::adopt(now(), next, inventory, "supervisor".into(), &mut fx);
}

/// The children that the snapshot tells of, as a keeper has them.
fn children(snapshot: &Snapshot) -> Vec<Inherited> {
    let processes = snapshot.groups.iter().flat_map(|group| &group.processes);
    processes
        .filter_map(|process| match process.state {
            State::Up { child, .. } => Some(Inherited {
                child,
                pid: 1000,
                signals: Signals::default(),
                exited: None,
                namesake: None,
            }),
            State::Down(_) => None,
        })
        .collect()
}

fn now() -> Now {
    Now {
        mono: Mono(Duration::from_secs(1_000)),
        wall: Wall(Duration::from_secs(1_700_000_000)),
    }
}
