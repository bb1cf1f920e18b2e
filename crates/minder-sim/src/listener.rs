//! What a fake listener does: it speaks the protocol, mostly.

use std::time::Duration;

use minder_core::Mono;

use crate::random::Random;
use crate::rates::Manners;

/// A listener, seen from inside.
#[derive(Clone, Debug)]
pub struct Listener {
    doing: Doing,
    // When it does the next thing of its own accord.
    due: Option<Mono>,
    /// Whether it can be written to.
    pub is_open: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Doing {
    /// It will say that it is ready.
    GettingReady,
    /// It has said so.
    Waiting,
    /// It has read an event.
    Working,
    /// Nothing any more.
    Nothing,
}

/// What it does.
#[derive(Debug, Default)]
pub struct Act {
    /// What it says.
    pub words: Vec<u8>,
    /// Whether it has answered an event, and whether it has taken it.
    pub answer: Option<bool>,
    /// Whether it ends.
    pub ends: bool,
}

impl Act {
    fn says(words: &[u8]) -> Self {
        Self {
            words: words.to_vec(),
            ..Self::default()
        }
    }
}

impl Listener {
    /// One that was started just now.
    pub fn begin(now: Mono, random: &mut Random, manners: &Manners) -> Self {
        let is_mute = random.chance(manners.mute);
        Self {
            doing: if is_mute {
                Doing::Nothing
            } else {
                Doing::GettingReady
            },
            due: (!is_mute).then(|| later(now, random, manners)),
            is_open: !random.chance(manners.closes),
        }
    }

    /// When it does the next thing of its own accord.
    #[must_use]
    pub fn due(&self) -> Option<Mono> {
        self.due
    }

    /// An event is written to it. Whether it may be expected to answer it.
    pub fn told(&mut self, now: Mono, random: &mut Random, manners: &Manners) -> bool {
        let waits = self.doing == Doing::Waiting;
        if waits {
            self.doing = Doing::Working;
            let hangs = random.chance(manners.hangs);
            self.due = (!hangs).then(|| later(now, random, manners));
        }
        waits
    }

    /// Does what it is about to do.
    pub fn act(&mut self, now: Mono, random: &mut Random, manners: &Manners) -> Act {
        self.due = None;
        match self.doing {
            Doing::GettingReady if random.chance(manners.blurts) => {
                self.doing = Doing::Nothing;
                Act::says(random.pick::<&[u8]>(&NONSENSE))
            }
            Doing::GettingReady => {
                self.ready(now, random, manners);
                Act::says(READY)
            }
            Doing::Waiting => {
                self.doing = Doing::Nothing;
                Act::says(random.pick::<&[u8]>(&NONSENSE))
            }
            Doing::Working => self.answer(now, random, manners),
            Doing::Nothing => Act::default(),
        }
    }

    fn ready(&mut self, now: Mono, random: &mut Random, manners: &Manners) {
        self.doing = Doing::Waiting;
        if random.chance(manners.blurts) {
            self.due = Some(later(now, random, manners));
        }
        if random.chance(manners.closes) {
            self.is_open = false;
        }
    }

    fn answer(&mut self, now: Mono, random: &mut Random, manners: &Manners) -> Act {
        let taken = !random.chance(manners.rejects);
        let mut words = if taken {
            OK.to_vec()
        } else {
            random.pick(&REFUSALS).to_vec()
        };
        if random.chance(manners.dies) {
            self.doing = Doing::Nothing;
            words.truncate(random.index(words.len()));
            return Act {
                words,
                answer: None,
                ends: true,
            };
        }
        if random.chance(manners.nonsense) {
            self.doing = Doing::Nothing;
            let words = if random.chance(100) {
                vec![b'a'; 5000]
            } else {
                random.pick(&NONSENSE).to_vec()
            };
            return Act {
                words,
                answer: Some(false),
                ends: false,
            };
        }
        if random.chance(500) {
            words.extend(READY);
            self.ready(now, random, manners);
        } else {
            self.doing = Doing::GettingReady;
            self.due = Some(later(now, random, manners));
        }
        Act {
            words,
            answer: Some(taken),
            ends: false,
        }
    }
}

fn later(now: Mono, random: &mut Random, manners: &Manners) -> Mono {
    let millis = if random.chance(manners.slow) {
        *random.pick(&[300, 2_000, 30_000])
    } else {
        *random.pick(&[0, 0, 5, 20])
    };
    now + Duration::from_millis(millis)
}

const READY: &[u8] = b"READY\n";

const OK: &[u8] = b"RESULT 2\nOK";

/// What else an answer can be.
const REFUSALS: [&[u8]; 4] = [
    b"RESULT 4\nFAIL",
    b"RESULT 2\nNO",
    b"RESULT 0\n",
    b"RESULT 30\nREADY\nRESULT 2\nOKREADY\nRESULT ",
];

/// What is no answer.
const NONSENSE: [&[u8]; 4] = [b"nonsense\n", b"RESULT x\n", b"\n", b"RESULT -1\nOK"];
