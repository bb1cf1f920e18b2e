//! Whatever listeners do, no event is lost and none is told again after it was taken.

use alloc::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::effect::Effect;
use crate::listener::State;
use crate::process::{Phase, State as Life};
use crate::snapshot::Inherited;
use crate::spec::AutoRestart;
use crate::testing::{at_once, pool};

/// Something that happens. Listeners are meant by their place.
#[derive(Clone, Debug)]
enum Deed {
    Event,
    Says(usize, &'static [u8]),
    Exits(usize),
    Deaf(usize),
    DaemonDies,
    /// The keeper has lost a child while no daemon was there.
    ChildLost(usize),
}

const LISTENERS: usize = 3;

fn deed() -> impl Strategy<Value = Deed> {
    let listener = 0..LISTENERS;
    let words = prop_oneof![
        6 => Just(&b"READY\n"[..]),
        3 => Just(&b"RESULT 2\nOK"[..]),
        4 => Just(&b"RESULT 2\nOKREADY\n"[..]),
        3 => Just(&b"RESULT 4\nFAILREADY\n"[..]),
        2 => Just(&b"RESULT"[..]),
        1 => Just(&b" 2\nOK"[..]),
        1 => Just(&b"\n"[..]),
    ];
    prop_oneof![
        5 => Just(Deed::Event),
        12 => (listener.clone(), words).prop_map(|(place, words)| Deed::Says(place, words)),
        2 => listener.clone().prop_map(Deed::Exits),
        1 => listener.clone().prop_map(Deed::Deaf),
        2 => Just(Deed::DaemonDies),
        1 => listener.prop_map(Deed::ChildLost),
    ]
}

/// A daemon with one pool, a driver that writes each delivery once, and what the listeners have
/// taken.
struct Scene {
    core: Core,
    fx: Effects,
    millis: u64,
    // How many deliveries have been written to each child.
    written: BTreeMap<ChildId, u64>,
    accepted: u64,
    taken: BTreeSet<u64>,
}

impl Scene {
    fn new() -> Self {
        let mut spec = at_once("a");
        spec.autorestart = AutoRestart::Always;
        let specs = ["a", "b", "c"].map(|name| {
            let mut spec = spec.clone();
            spec.name = name.into();
            spec
        });
        let spec = pool("l", 1000, &["REMOTE_COMMUNICATION"], &specs);
        let mut fx = Effects::new();
        let mut scene = Self {
            core: Core::start(at(0), Vec::from([spec]), "s".into(), 0, &mut fx),
            fx,
            millis: 0,
            written: BTreeMap::new(),
            accepted: 0,
            taken: BTreeSet::new(),
        };
        scene.perform();
        scene
    }

    fn give(&mut self, input: Input) {
        self.millis += 1;
        // Ends of lines of the log say what was taken: the state shows what was not.
        let before = self.untaken();
        self.core.handle(at(self.millis), input, &mut self.fx);
        let after = self.untaken();
        self.taken.extend(before.difference(&after));
        self.perform();
    }

    fn perform(&mut self) {
        while !self.fx.is_empty() {
            let effects: Vec<_> = self.fx.drain().collect();
            for effect in effects {
                if let Effect::Spawn { child, .. } = effect {
                    self.give(Input::ChildSpawned { child, pid: 7 });
                } else if let Effect::Deliver {
                    child, delivery, ..
                } = effect
                {
                    let written = self.written.entry(child).or_default();
                    assert!(delivery <= *written + 1, "a delivery is missing");
                    *written = delivery.max(*written);
                }
            }
        }
    }

    /// The serials that wait or are in flight, each of which must be in one place.
    fn untaken(&self) -> BTreeSet<u64> {
        let left = self.core.snapshot().groups[0].pool.clone().unwrap();
        let waiting: Vec<u64> = left.queue.iter().map(|event| event.serial).collect();
        let in_flight = left.listeners.iter().flatten();
        let in_flight = in_flight.filter_map(|listener| match &listener.state {
            State::Busy { event, .. } => Some(event.serial),
            State::Acknowledged { .. } | State::Ready | State::Unknown => None,
        });
        let all: Vec<u64> = waiting.into_iter().chain(in_flight).collect();
        let places = all.len();
        let all: BTreeSet<u64> = all.into_iter().collect();
        assert_eq!(all.len(), places, "an event is in two places");
        all
    }

    fn child(&self, place: usize) -> Option<ChildId> {
        match self.core.snapshot().groups[0].processes[place].state {
            Life::Up {
                child,
                phase: Phase::Running { .. },
            } => Some(child),
            Life::Up { .. } | Life::Down(_) => None,
        }
    }

    fn says(&mut self, place: usize, words: &[u8]) {
        if let Some(child) = self.child(place) {
            let bytes = words.to_vec();
            self.give(Input::ListenerSaid { child, bytes });
        }
    }

    fn exits(&mut self, place: usize) {
        if let Some(child) = self.child(place) {
            let at = at(self.millis);
            let status = ExitStatus::Code(0);
            self.give(Input::ChildExited { child, status, at });
        }
    }

    fn dies(&mut self, without: Option<usize>) {
        let lost = without.and_then(|place| self.child(place));
        let children = (0..LISTENERS).filter_map(|place| self.child(place));
        let inventory: Vec<_> = children
            .filter(|child| Some(*child) != lost)
            .map(|child| Inherited {
                signals: Signals::default(),
                child,
                pid: 7,
                exited: None,
            })
            .collect();
        let snapshot = self.core.snapshot();
        let now = at(self.millis);
        let before = self.untaken();
        self.core = Core::adopt(now, snapshot, &inventory, "s".into(), &mut self.fx);
        assert_eq!(self.untaken(), before);
        self.perform();
    }

    fn happens(&mut self, deed: &Deed) {
        match deed {
            Deed::Event => {
                self.accepted += 1;
                let (kind, data) = ("k".into(), "d".into());
                self.give(Input::RemoteCommunication { kind, data });
            }
            Deed::Says(place, words) => self.says(*place, words),
            Deed::Exits(place) => self.exits(*place),
            Deed::Deaf(place) => {
                if let Some(child) = self.child(*place) {
                    self.give(Input::ListenerDeaf { child });
                }
            }
            Deed::DaemonDies => self.dies(None),
            Deed::ChildLost(place) => self.dies(Some(*place)),
        }
        let untaken = self.untaken();
        let all: BTreeSet<_> = self.taken.union(&untaken).copied().collect();
        assert!(self.taken.is_disjoint(&untaken), "a taken event is back");
        assert!(all.into_iter().eq(0..self.accepted), "an event is lost");
    }
}

proptest! {
    #[test]
    fn each_event_is_taken_once(deeds in prop::collection::vec(deed(), 0..120)) {
        let mut scene = Scene::new();
        for deed in &deeds {
            scene.happens(deed);
        }
        // A listener that behaves is told all that is left.
        scene.exits(0);
        scene.says(0, b"READY\n");
        for place in 1..LISTENERS {
            scene.exits(place);
        }
        let left = scene.untaken().len();
        for _ in 0..left {
            scene.says(0, b"RESULT 2\nOKREADY\n");
        }
        prop_assert_eq!(scene.untaken().len(), 0);
        prop_assert_eq!(scene.taken.len() as u64, scene.accepted);
    }
}
