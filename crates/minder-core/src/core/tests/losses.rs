//! Whatever listeners do, no event is lost and none is told again after it was taken.

use alloc::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::effect::Effect;
use crate::listener::State;
use crate::message::Message;
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
    /// The keeper has lost all children up to this one while no daemon was there.
    ChildrenLost(usize),
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
        3 => Just(Deed::Event),
        14 => (listener.clone(), words).prop_map(|(place, words)| Deed::Says(place, words)),
        2 => listener.clone().prop_map(Deed::Exits),
        1 => listener.clone().prop_map(Deed::Deaf),
        2 => Just(Deed::DaemonDies),
        1 => listener.prop_map(Deed::ChildrenLost),
    ]
}

/// A daemon with one pool, a driver that writes each delivery once, and what the listeners have
/// taken.
struct Scene {
    core: Core,
    fx: Effects,
    millis: u64,
    // How many events have been written to each child that lives, and the serial of the latest.
    written: BTreeMap<ChildId, (u64, u64)>,
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
        scene.perform(None);
        scene
    }

    fn give(&mut self, input: Input) {
        self.millis += 1;
        let speaker = if let Input::ListenerSaid { child, .. } = input {
            Some(child)
        } else {
            None
        };
        self.core.handle(at(self.millis), input, &mut self.fx);
        self.perform(speaker);
    }

    /// Does what the core asks for. What it says was taken was taken by the `speaker`, and was
    /// what had been written to it last.
    fn perform(&mut self, speaker: Option<ChildId>) {
        let effects = self.fx.take();
        for effect in effects {
            if let Effect::Spawn { child, .. } = effect {
                self.written.insert(child, (0, 0));
                self.give(Input::ChildSpawned { child, pid: 7 });
            } else if let Effect::Deliver {
                child,
                delivery,
                bytes,
            } = effect
            {
                self.write(child, delivery, &bytes);
            } else if let Effect::Log(Message::EventProcessed { .. }) = effect {
                let (_, serial) = self.written[&speaker.expect("somebody has said so")];
                assert!(self.taken.insert(serial), "an event is taken twice");
            }
        }
    }

    fn write(&mut self, child: ChildId, delivery: u64, bytes: &[u8]) {
        let written = self.written.get_mut(&child).expect("it lives");
        let (_, rest) = core::str::from_utf8(bytes)
            .unwrap()
            .split_once(" serial:")
            .unwrap();
        let (serial, _) = rest.split_once(' ').unwrap();
        let serial = serial.parse().unwrap();
        if delivery == written.0 {
            assert_eq!(serial, written.1, "a delivery is not as it was");
        } else {
            assert_eq!(delivery, written.0 + 1, "a delivery is missing");
            *written = (delivery, serial);
        }
    }

    /// The serials that wait or are in flight, each of which must be in one place.
    fn untaken(&self) -> BTreeSet<u64> {
        let left = self.core.snapshot().groups[0].pool.clone().unwrap();
        let waiting: Vec<u64> = left.queue.iter().map(|event| event.serial).collect();
        let in_flight = left.listeners.iter().flatten();
        let in_flight = in_flight.filter_map(|listener| match &listener.state {
            State::Busy { event, .. } => Some(event.serial),
            State::Acknowledged { .. } | State::Ready | State::Unknown | State::Forgotten => None,
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
            self.written.remove(&child);
            let at = at(self.millis);
            let status = ExitStatus::Code(0);
            self.give(Input::ChildExited { child, status, at });
        }
    }

    /// The daemon dies, and the keeper loses the first `lost` children.
    fn dies(&mut self, lost: usize) {
        for place in 0..lost {
            if let Some(child) = self.child(place) {
                self.written.remove(&child);
            }
        }
        let children = (lost..LISTENERS).filter_map(|place| self.child(place));
        let inventory: Vec<_> = children
            .map(|child| Inherited {
                signals: Signals::default(),
                child,
                pid: 7,
                exited: None,
                namesake: None,
            })
            .collect();
        let snapshot = self.core.snapshot();
        let now = at(self.millis);
        self.core = Core::adopt(now, snapshot, &inventory, "s".into(), &mut self.fx);
        self.perform(None);
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
            Deed::DaemonDies => self.dies(0),
            Deed::ChildrenLost(last) => self.dies(last + 1),
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
