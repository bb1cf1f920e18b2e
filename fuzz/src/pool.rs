//! A pool of event listeners, and what may happen to it.
//!
//! Each byte is something that happens: an event, words of a listener (as many as the byte says), the
//! end of one, the end of the daemon.

use std::sync::Arc;
use std::time::Duration;

use minder_core::listener::State;
use minder_core::pool::PoolSnapshot;
use minder_core::spec::{AutoRestart, GroupKind, LogTarget, ServerUrl, StreamSpec};
use minder_core::{
    ChildId, Core, Effect, Effects, ExitStatus, GroupSpec, Inherited, Input, Message, Mono, Now,
    ProcessSpec, Signal, Signals, Snapshot, Wall,
};

/// How many events may wait.
const ROOM: usize = 3;

/// How many listeners there are.
const LISTENERS: usize = 2;

/// What listeners mostly say.
const WORDS: [&[u8]; 6] = [
    b"READY\n",
    b"RESULT 2\nOK",
    b"RESULT 4\nFAIL",
    b"RESULT 2\nOKREADY\n",
    b"RESULT 0\n",
    b"REA",
];

pub(crate) fn run(bytes: &[u8]) {
    let mut world = World::start();
    let mut rest = bytes;
    while let Some((what, after)) = rest.split_first() {
        rest = after;
        let which = usize::from(what >> 4) % LISTENERS;
        match what % 16 {
            0..3 => world.tell(),
            3 => world.end(which),
            4 => world.deafen(which),
            5 => world.adopt(),
            6..9 => {
                let count = usize::from(what >> 5).min(rest.len());
                let (said, after) = rest.split_at(count);
                rest = after;
                world.said(which, said);
            }
            other => world.said(which, WORDS[usize::from(other) % WORDS.len()]),
        }
        world.is_sound();
    }
}

struct World {
    core: Core,
    /// What a driver has written down, change by change.
    written: Snapshot,
    now: Now,
    /// The child of each listener.
    children: [ChildId; LISTENERS],
    /// How many events there were, and how many of them were taken or given up.
    told: usize,
    over: usize,
}

impl World {
    fn start() -> Self {
        let now = Now {
            mono: Mono(Duration::from_secs(1_000)),
            wall: Wall(Duration::from_secs(1_700_000_000)),
        };
        let mut fx = Effects::new();
        let core = Core::start(now, vec![pool()], "supervisor".into(), 0, &mut fx);
        let mut world = Self {
            written: core.snapshot(),
            core,
            now,
            children: [ChildId(0); LISTENERS],
            told: 0,
            over: 0,
        };
        world.carry_out(fx);
        world
    }

    /// Tells the core, and does what follows.
    fn give(&mut self, input: Input) {
        self.now.mono = self.now.mono + Duration::from_millis(1);
        let mut fx = Effects::new();
        self.core.handle(self.now, input, &mut fx);
        self.carry_out(fx);
    }

    fn carry_out(&mut self, mut fx: Effects) {
        for effect in fx.take() {
            match effect {
                Effect::Spawn { child, spec, .. } => {
                    self.children[usize::from(spec.name == "b")] = child;
                    self.give(Input::ChildSpawned { child, pid: 100 });
                }
                Effect::Log(Message::EventProcessed { .. } | Message::EventDiscarded { .. }) => {
                    self.over += 1;
                }
                _ => {}
            }
        }
    }

    fn tell(&mut self) {
        self.told += 1;
        self.give(Input::RemoteCommunication {
            kind: "k".to_owned(),
            data: "d".to_owned(),
        });
    }

    fn said(&mut self, which: usize, words: &[u8]) {
        self.give(Input::ListenerSaid {
            child: self.children[which],
            bytes: words.to_vec(),
        });
    }

    fn end(&mut self, which: usize) {
        self.give(Input::ChildExited {
            child: self.children[which],
            status: ExitStatus::Code(0),
            at: self.now,
        });
    }

    fn deafen(&mut self, which: usize) {
        self.give(Input::ListenerDeaf {
            child: self.children[which],
        });
    }

    /// Another daemon goes on.
    fn adopt(&mut self) {
        let inventory = self.children.map(|child| Inherited {
            child,
            pid: 100,
            signals: Signals::default(),
            exited: None,
            namesake: None,
        });
        let (left, name) = (self.core.snapshot(), "supervisor".into());
        let mut fx = Effects::new();
        self.core = Core::adopt(self.now, left, &inventory, name, &mut fx);
        self.carry_out(fx);
    }

    /// Every event is in one place, no more wait than may, and what was written down is true.
    fn is_sound(&mut self) {
        let snapshot = self.core.snapshot();
        match self.core.delta() {
            Some(delta) => self.written.apply(delta).expect("it belongs to the core"),
            None => self.written.clone_from(&snapshot),
        }
        assert_eq!(self.written, snapshot);
        let PoolSnapshot {
            queue, listeners, ..
        } = snapshot.groups[0]
            .pool
            .as_ref()
            .expect("the group is a pool");
        assert!(queue.len() <= ROOM);
        let in_flight = listeners.iter().flatten();
        let in_flight = in_flight.filter(|listener| matches!(listener.state, State::Busy { .. }));
        assert_eq!(queue.len() + in_flight.count() + self.over, self.told);
    }
}

fn pool() -> Arc<GroupSpec> {
    Arc::new(GroupSpec {
        name: "pool".to_owned(),
        priority: -1,
        kind: GroupKind::Listeners {
            buffer_size: Some(ROOM),
            events: vec!["REMOTE_COMMUNICATION".to_owned()],
        },
        processes: ["a", "b"].map(|name| Arc::new(process(name))).into(),
    })
}

fn process(name: &str) -> ProcessSpec {
    let stream = StreamSpec {
        log: LogTarget::Off,
        max_bytes: 0,
        backups: 0,
        capture_max_bytes: 0,
        events_enabled: false,
        syslog: false,
    };
    ProcessSpec {
        name: name.to_owned(),
        command: "listener".to_owned(),
        directory: None,
        umask: None,
        uid: None,
        priority: 0,
        autostart: true,
        autorestart: AutoRestart::Always,
        start_secs: 0,
        start_retries: 3,
        exit_codes: vec![0],
        stop_signal: Signal::TERM,
        stop_wait_secs: 10,
        stop_as_group: false,
        kill_as_group: false,
        redirect_stderr: false,
        stdout: stream.clone(),
        stderr: stream,
        environment: [].into(),
        server_url: ServerUrl::Auto,
    }
}
