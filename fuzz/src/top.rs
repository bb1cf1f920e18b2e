//! What somebody types at `supervisorctl top`, and what daemons, programs and whoever names them have it
//! show: nothing panics, and the terminal is sent nothing but what is ours.
//!
//! The input is a story of steps: which sort, how long, and that many bytes.

use std::time::Duration;

use minder_top::{
    Ability, End, Figures, Input, Keys, LogNews, Model, News, Process, ProcessState, Screen,
    Server, Source, Turn, Wanted,
};

pub(crate) fn run(bytes: &[u8]) {
    let mut desk = Desk::default();
    let mut rest = bytes;
    while let [sort, length, more @ ..] = rest {
        let (step, after) = more.split_at(usize::from(*length).min(more.len()));
        desk.step(*sort, step);
        desk.look();
        rest = after;
    }
}

/// A model, and the terminal before it.
struct Desk {
    model: Model,
    keys: Keys,
    now: Duration,
    shown: Option<Screen>,
    processes: Vec<Process>,
}

impl Default for Desk {
    fn default() -> Self {
        Self {
            model: Model::new(Wanted::default()),
            keys: Keys::default(),
            now: Duration::ZERO,
            shown: None,
            processes: Vec::new(),
        }
    }
}

impl Desk {
    fn step(&mut self, sort: u8, bytes: &[u8]) {
        let text = String::from_utf8_lossy(bytes).into_owned();
        match sort % 8 {
            0 => {
                for key in self.keys.take(bytes) {
                    self.take(Input::Key(key));
                }
            }
            1 => {
                if let Some(key) = self.keys.decide() {
                    self.take(Input::Key(key));
                }
                self.now += Duration::from_millis(400);
                self.take(Input::Time);
            }
            2 => self.take(Input::News(News::Log(LogNews::Added(text)))),
            3 => {
                let size = |place: usize| bytes.get(place).map_or(0, |it| usize::from(*it));
                let (width, height) = (size(0), size(1) % 70);
                self.take(Input::Resized { width, height });
            }
            4 => self.add(text),
            5 => self.take(Input::News(News::Lost(text))),
            6 => self.take(Input::News(News::Server(server(text)))),
            _ => {
                let state = state(bytes.len());
                self.take(Input::News(News::Turned(Turn {
                    name: text.clone(),
                    at: 7.0,
                    state,
                    pid: Some(7),
                    end: Some(end(text)),
                })));
            }
        }
    }

    fn take(&mut self, input: Input) {
        self.model.handle(self.now, input, &mut Vec::new());
    }

    /// Another process, or the same again.
    fn add(&mut self, name: String) {
        let (group, process) = name.split_once(':').unwrap_or((&name, &name));
        let number = self.processes.len();
        self.processes.push(Process {
            group: group.to_owned(),
            process: process.to_owned(),
            state: state(number),
            description: name.clone(),
            pid: number.is_multiple_of(2).then_some(7),
            started: Some(3.5),
            restarts: Some(3),
            flapping: number.is_multiple_of(3),
            last_end: Some(end(name.clone())),
            figures: Some(Figures {
                load: Some(f64::from(u8::try_from(number % 200).unwrap_or(0))),
                memory: u64::MAX >> (number % 64),
            }),
            name,
        });
        let processes = self.processes.clone();
        let now = 1e9;
        self.take(Input::News(News::All { processes, now }));
    }

    fn look(&mut self) {
        assert!(self.model.deadline() > self.now);
        let screen = self.model.draw();
        for unicode in [false, true] {
            let ability = Ability {
                colours: unicode,
                unicode,
            };
            let sent = screen.bytes(self.shown.as_ref(), ability);
            is_harmless(&String::from_utf8(sent).expect("text"), unicode);
        }
        self.shown = Some(screen);
    }
}

fn state(number: usize) -> ProcessState {
    ProcessState::ALL[number % ProcessState::ALL.len()]
}

fn end(how: String) -> End {
    let (at, bad) = (5.0, how.len().is_multiple_of(2));
    End { at, how, bad }
}

fn server(version: String) -> Server {
    Server {
        source: if version.len().is_multiple_of(2) {
            Source::Minder
        } else {
            Source::Supervisor
        },
        identifier: version.clone(),
        state: version.clone(),
        version,
        pid: Some(7),
        started: Some(3.5),
        deaths: 2,
    }
}

/// Moves, looks, modes: nothing else that a terminal obeys.
fn is_harmless(sent: &str, unicode: bool) {
    let mut rest = sent.chars();
    while let Some(c) = rest.next() {
        assert!(unicode || c.is_ascii(), "{c:?}");
        if c != '\x1b' {
            let turns = matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
            assert!(!c.is_control() && !turns, "{c:?}");
            continue;
        }
        assert_eq!(rest.next(), Some('['));
        let last = rest.by_ref().find(|c| !"?;0123456789".contains(*c));
        assert!(
            matches!(last, Some('m' | 'H' | 'h' | 'l' | 'J')),
            "{last:?}"
        );
    }
}
