//! The core: one of a thousand programs crashes and is started again.

use std::collections::VecDeque;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use minder_core::spec::GroupSpec;
use minder_core::{ChildId, Core, Effect, Effects, ExitStatus, Input, Mono, Now, Wall};

use crate::{PROGRAMS, ini};

/// The crash, the start of the next child, and the answer that it runs.
pub(crate) fn crash() -> Box<dyn FnMut()> {
    let mut world = World::new();
    Box::new(move || world.crash())
}

/// The same, with what a daemon writes down of it.
pub(crate) fn crash_and_delta() -> Box<dyn FnMut()> {
    let mut world = World::new();
    let _ = world.core.delta();
    Box::new(move || {
        world.crash();
        black_box(world.core.delta());
    })
}

/// The same, with what readers are shown of it.
pub(crate) fn crash_and_view() -> Box<dyn FnMut()> {
    let mut world = World::new();
    let _ = world.core.view();
    Box::new(move || {
        world.crash();
        black_box(world.core.view());
    })
}

/// All that a later daemon must know.
pub(crate) fn snapshot() -> Box<dyn FnMut()> {
    let world = World::new();
    Box::new(move || {
        black_box(world.core.snapshot());
    })
}

/// A core, and the children that it has asked for.
struct World {
    core: Core,
    fx: Effects,
    children: VecDeque<ChildId>,
    millis: u64,
}

impl World {
    fn new() -> Self {
        let mut fx = Effects::new();
        let groups: Vec<Arc<GroupSpec>> = ini::loaded().groups;
        let core = Core::start(at(0), groups, "supervisor".into(), 0, &mut fx);
        let mut world = Self {
            core,
            fx,
            children: VecDeque::new(),
            millis: 0,
        };
        world.spawn();
        assert_eq!(world.children.len(), PROGRAMS);
        world
    }

    /// Lets what was asked for run.
    fn spawn(&mut self) {
        let asked: Vec<ChildId> = self
            .fx
            .take()
            .into_iter()
            .filter_map(|effect| match effect {
                Effect::Spawn { child, .. } => Some(child),
                _ => None,
            })
            .collect();
        for child in asked {
            let input = Input::ChildSpawned { child, pid: 4711 };
            self.core.handle(at(self.millis), input, &mut self.fx);
            self.children.push_back(child);
        }
    }

    /// The child that has run longest ends, and another is started.
    fn crash(&mut self) {
        // Within the five seconds of one tick.
        self.millis += 1;
        let child = self.children.pop_front().expect("all programs run");
        let now = at(self.millis);
        let input = Input::ChildExited {
            child,
            status: ExitStatus::Code(1),
            at: now,
        };
        self.core.handle(now, input, &mut self.fx);
        self.spawn();
        let _ = self.fx.take();
    }
}

fn at(millis: u64) -> Now {
    Now {
        mono: Mono(Duration::from_millis(millis)),
        wall: Wall(Duration::from_secs(1_700_000_000) + Duration::from_millis(millis)),
    }
}
