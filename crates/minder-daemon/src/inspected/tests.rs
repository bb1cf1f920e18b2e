use proptest::prelude::*;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::pipe::{PipeFlags, pipe_with};

use super::*;
use crate::snapshot::{StreamNotes, StreamsLeft};
use crate::testing::Keeper;

const ID: StreamId = StreamId {
    child: ChildId(1),
    channel: Channel::Stdout,
};

/// What can happen.
#[derive(Clone, Debug)]
enum Step {
    /// The program writes this much more of its text.
    Write(usize),
    /// The daemon looks at what has come.
    Look,
    /// What it made of that goes into the snapshot, and then what belongs into the log is sent.
    Record,
    /// The same, but the daemon dies before it has sent anything.
    RecordAndDie,
    /// The daemon dies, and another one goes on.
    Die,
    /// The log plane reads.
    Plane,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (1..200_usize).prop_map(Step::Write),
        4 => Just(Step::Look),
        3 => Just(Step::Record),
        1 => Just(Step::RecordAndDie),
        1 => Just(Step::Die),
        2 => Just(Step::Plane),
    ]
}

/// A program, its daemons, their keeper and the log plane.
struct World {
    interest: Interest,
    link: Link,
    keeper: Keeper,
    /// The keeper's copy of the program's pipe.
    pipe: SharedFd,
    inspected: Inspected,
    plane: SharedFd,
    noted: BTreeMap<StreamId, InspectedNote>,
    /// What was heard, as far as it is in the snapshot.
    heard: Vec<Heard>,
    /// What was heard since.
    lately: Vec<Heard>,
    logged: Vec<u8>,
}

impl World {
    fn new(pipe: SharedFd, interest: Interest) -> Self {
        let (mut link, keeper) = Keeper::new();
        let mut inspected = Inspected::default();
        let ours = Arc::clone(&pipe);
        let plane = inspected.begin(ID, ours, interest, &mut link).unwrap();
        let mut world = Self {
            interest,
            link,
            keeper,
            pipe,
            noted: inspected.notes().collect(),
            inspected,
            plane,
            heard: Vec::new(),
            lately: Vec::new(),
            logged: Vec::new(),
        };
        world.keeper.obey();
        world
    }

    fn look(&mut self) {
        self.lately.extend(self.inspected.read(ID).unwrap());
    }

    fn record(&mut self) {
        for (id, note) in self.inspected.changes() {
            self.noted
                .insert(id, note.expect("no stream is ever removed"));
        }
        assert!(self.inspected.notes().eq(self.noted.clone()));
        self.heard.append(&mut self.lately);
    }

    fn send(&mut self) {
        self.inspected.send(&mut self.link).unwrap();
        self.keeper.obey();
    }

    fn die(&mut self) {
        self.lately.clear();
        let mut left = StreamsLeft {
            notes: StreamNotes {
                inputs: BTreeMap::new(),
                inspected: self.noted.clone(),
            },
            held: self.keeper.copies(),
        };
        self.inspected = Inspected::default();
        let pipe = Arc::clone(&self.pipe);
        let adopted = left.take_inspected(&mut self.inspected, ID, pipe, self.interest);
        self.plane = adopted.expect("everything was held");
        for id in self.inspected.due() {
            assert_eq!(id, ID);
            self.look();
        }
    }

    fn read_as_plane(&mut self) {
        let mut buffer = [0; 4096];
        while let Ok(count @ 1..) = rustix::io::read(&self.plane, &mut buffer) {
            self.logged.extend_from_slice(&buffer[..count]);
        }
    }

    /// Whether the log plane has found the end of its pipe.
    fn plane_is_at_end(&self) -> bool {
        has_hung_up(&self.plane) && rustix::io::read(&self.plane, &mut [0; 1]) == Ok(0)
    }
}

/// Waits until nobody can write to a pipe any more. Another test may start a program at this moment,
/// which has every pipe until it executes.
fn has_hung_up(pipe: &impl AsFd) -> bool {
    let patience = Timespec {
        tv_sec: 30,
        tv_nsec: 0,
    };
    let pipe = PollFd::new(pipe, PollFlags::empty());
    poll(&mut [pipe], Some(&patience)) == Ok(1)
}

/// Runs a program that writes `text` in such steps, and lets it end.
fn run(text: &[u8], steps: Vec<Step>, interest: Interest) -> (Vec<u8>, Vec<Heard>) {
    let (read, write) = pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK).unwrap();
    let mut world = World::new(Arc::new(read), interest);
    let mut rest = text;
    for step in steps {
        match step {
            Step::Write(length) => {
                let (now, later) = rest.split_at(length.min(rest.len()));
                assert_eq!(rustix::io::write(&write, now), Ok(now.len()));
                rest = later;
            }
            Step::Look => world.look(),
            Step::Record => {
                world.record();
                world.send();
            }
            Step::RecordAndDie => {
                world.record();
                world.die();
            }
            Step::Die => world.die(),
            Step::Plane => world.read_as_plane(),
        }
    }
    assert_eq!(rustix::io::write(&write, rest), Ok(rest.len()));
    drop(write);
    assert!(has_hung_up(&world.pipe));
    for _ in 0..3 {
        world.look();
        world.record();
        world.send();
        world.read_as_plane();
    }
    assert!(world.plane_is_at_end());
    (world.logged, world.heard)
}

/// Pieces of the same sort, put together.
fn joined(heard: &[Heard]) -> (Vec<u8>, Vec<u8>, Vec<Vec<u8>>) {
    let (mut listener, mut text, mut communications) = (Vec::new(), Vec::new(), Vec::new());
    for heard in heard {
        match heard {
            Heard::Listener(bytes) => listener.extend_from_slice(bytes),
            Heard::Text {
                data,
                is_event: true,
            } => text.extend_from_slice(data),
            Heard::Text {
                is_event: false, ..
            } => {}
            Heard::Communication(bytes) => communications.push(bytes.clone()),
        }
    }
    (listener, text, communications)
}

proptest! {
    #[test]
    fn nothing_is_lost_or_repeated_whenever_daemons_die(steps in prop::collection::vec(step(), 0..120)) {
        let text: Vec<u8> = (0..1000).flat_map(|n| format!("{n} ").into_bytes()).collect();
        let (logged, heard) = run(&text, steps, Interest::Listener);
        prop_assert_eq!(&logged, &text);
        prop_assert_eq!(joined(&heard).0, text);
    }

    #[test]
    fn captured_text_becomes_one_event_and_the_rest_is_logged(
        steps in prop::collection::vec(step(), 0..120),
        events: bool,
    ) {
        let (mut text, mut outside, mut inside) = (Vec::new(), Vec::new(), Vec::new());
        for number in 0..60 {
            let number = number.to_string().into_bytes();
            text.extend([&number, &b"<!--XSUPERVISOR:BEGIN-->"[..], &number].concat());
            text.extend(b"<!--XSUPERVISOR:END-->");
            outside.extend_from_slice(&number);
            inside.push(number);
        }
        let interest = Interest::Text { events, capture: Some(1000), strip_ansi: false };
        let (logged, heard) = run(&text, steps, interest);
        let (_, said, communications) = joined(&heard);
        prop_assert_eq!(logged, outside);
        prop_assert_eq!(&communications, &inside);
        let all = inside.iter().flat_map(|text| [&text[..], text].concat());
        prop_assert_eq!(said, if events { all.collect() } else { Vec::new() });
    }
}

/// A daemon that died before its first snapshot of a stream, or whose snapshot is of no use, has left
/// what it had the keeper hold for it.
#[test]
fn what_replaces_a_stream_of_which_nothing_is_known_is_not_let_go_of_with_it() {
    let (read, _write) = pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK).unwrap();
    let mut world = World::new(Arc::new(read), Interest::Listener);
    let mut left = StreamsLeft {
        notes: StreamNotes::default(),
        held: world.keeper.copies(),
    };
    let mut next = Inspected::default();
    let pipe = Arc::clone(&world.pipe);
    let pipe = left.take_inspected(&mut next, ID, pipe, Interest::Listener);
    let pipe = pipe.unwrap_err();
    next.begin(ID, pipe, Interest::Listener, &mut world.link)
        .unwrap();
    for name in left.held.into_keys() {
        world.link.send(&ToKeeper::Release { name }, &[]).unwrap();
    }
    world.keeper.obey();
    assert_eq!(world.keeper.held.len(), PARTS.len());
}
