//! What is known, what is chosen, and what follows from keys and news.

mod ask;
mod keys;
mod rows;

use std::collections::BTreeSet;
use std::time::Duration;

use minder_core::ProcessState;
use minder_core::event::Channel;

use crate::draw;
use crate::draw::layout::Layout;
use crate::key::Key;
use crate::log::{Log, Subject};
use crate::news::{News, Process, Server, Source, Turn, Wanted};
use crate::screen::Screen;
pub(crate) use ask::{Question, SIGNALS};
pub(crate) use rows::{Row, Sort, Sum};

/// For how long is told what became of something.
const MESSAGE: Duration = Duration::from_secs(8);

/// How long the cursor must rest on a process before its log is asked for.
const REST: Duration = Duration::from_millis(150);

/// Something that happened.
#[derive(Clone, Debug, PartialEq)]
pub enum Input {
    /// A key was pressed.
    Key(Key),
    /// Something was heard of the daemon.
    News(News),
    /// The terminal has this size in cells.
    Resized {
        /// Columns.
        width: usize,
        /// Lines.
        height: usize,
    },
    /// Time has passed.
    Time,
}

/// Something to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Ask the daemon for this.
    Act {
        /// What.
        action: Action,
        /// To which processes, by the names that users call them.
        names: Vec<String>,
    },
    /// Follow this log, and no other.
    Follow {
        /// Whose.
        name: String,
        /// Which.
        channel: Channel,
    },
    /// Follow no log.
    Unfollow,
    /// Draw everything anew: the screen may show something else by now.
    Repaint,
    /// Let the shell have the terminal until it says to go on.
    Suspend,
    /// End.
    Quit,
}

/// What can be done to processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Start them.
    Start,
    /// Stop them.
    Stop,
    /// Stop those that run, then start all.
    Restart,
    /// Empty their logs.
    Clear,
    /// Send them a signal, by its name without `SIG`.
    Signal(&'static str),
}

/// What keys are for at the moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    /// The table and the log.
    Browse,
    /// The filter; if it is given up, that before is in force again.
    Filter { before: String },
    /// The help, from this line on.
    Help { from: usize },
    /// Which signal to send to whom.
    Signal { chosen: usize, names: Vec<String> },
    /// Whether something is really meant.
    Confirm(Question),
}

/// What is said at the bottom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) text: String,
    pub(crate) bad: bool,
    /// When it is no news any more.
    until: Duration,
}

/// The pane that shows a log.
#[derive(Debug, Default)]
pub(crate) struct Pane {
    pub(crate) log: Log,
    /// Whether keys that move, move in it.
    pub(crate) focused: bool,
    /// Whether it takes the table's place.
    pub(crate) whole: bool,
    /// When to ask for the log that is chosen.
    due: Option<Duration>,
}

/// All there is to know, and what is chosen.
#[derive(Debug)]
pub struct Model {
    wanted: Wanted,
    pub(crate) width: usize,
    pub(crate) height: usize,
    now: Duration,
    pub(crate) server: Option<Server>,
    /// Why the daemon cannot be reached, while it cannot.
    pub(crate) lost: Option<String>,
    /// By group and name.
    processes: Vec<Process>,
    /// The daemon's clock, and what ours said then.
    clock: Option<(f64, Duration)>,
    pub(crate) sort: Sort,
    pub(crate) inverted: bool,
    pub(crate) filter: String,
    folded: BTreeSet<String>,
    marked: BTreeSet<String>,
    pub(crate) rows: Vec<Row>,
    /// Whether the rows are as they were before what was heard last.
    outdated: bool,
    pub(crate) cursor: usize,
    /// The first row that is shown.
    pub(crate) top: usize,
    pub(crate) mode: Mode,
    pub(crate) pane: Option<Pane>,
    channel: Channel,
    message: Option<Message>,
}

impl Model {
    /// Nothing is known yet.
    #[must_use]
    pub fn new(wanted: Wanted) -> Self {
        Self {
            wanted,
            width: 80,
            height: 24,
            now: Duration::ZERO,
            server: None,
            lost: None,
            processes: Vec::new(),
            clock: None,
            sort: Sort::Name,
            inverted: false,
            filter: String::new(),
            folded: BTreeSet::new(),
            marked: BTreeSet::new(),
            rows: Vec::new(),
            outdated: false,
            cursor: 0,
            top: 0,
            mode: Mode::Browse,
            pane: None,
            channel: Channel::Stdout,
            message: None,
        }
    }

    /// Takes an input at the time `now`, and says what is to be done.
    pub fn handle(&mut self, now: Duration, input: Input, effects: &mut Vec<Effect>) {
        self.now = now;
        match input {
            Input::News(news) => {
                self.hear(news);
                // Thousands of news may come at once. The rows are made when somebody looks.
                self.outdated = true;
                return;
            }
            Input::Key(key) => {
                self.bring_up_to_date();
                self.key(key, effects);
            }
            Input::Resized { width, height } => (self.width, self.height) = (width, height),
            Input::Time => {}
        }
        self.arrange();
        self.choose_log(effects);
        if self.message.as_ref().is_some_and(|it| it.until <= now) {
            self.message = None;
        }
    }

    /// When [`Input::Time`] is wanted next.
    #[must_use]
    pub fn deadline(&self) -> Duration {
        let second = Duration::from_secs(self.now.as_secs() + 1);
        let due = self.pane.as_ref().and_then(|pane| pane.due);
        due.map_or(second, |due| due.min(second))
    }

    /// What is to be seen.
    #[must_use]
    pub fn draw(&mut self) -> Screen {
        self.bring_up_to_date();
        draw::screen(self)
    }

    /// Now, by the daemon's clock.
    pub(crate) fn wall(&self) -> f64 {
        self.clock.map_or(0.0, |(wall, then)| {
            wall + self.now.saturating_sub(then).as_secs_f64()
        })
    }

    pub(crate) fn message(&self) -> Option<&Message> {
        self.message.as_ref()
    }

    pub(crate) fn marked(&self) -> &BTreeSet<String> {
        &self.marked
    }

    pub(crate) fn is_folded(&self, group: &str) -> bool {
        self.folded.contains(group)
    }

    /// Whether the daemon tells what processes consume.
    pub(crate) fn measures(&self) -> bool {
        self.server
            .as_ref()
            .is_none_or(|it| it.source == Source::Minder)
    }

    fn say(&mut self, text: String, bad: bool) {
        self.message = Some(Message {
            text,
            bad,
            until: self.now + MESSAGE,
        });
    }

    fn hear(&mut self, news: News) {
        match news {
            News::Lost(why) => self.lost = Some(why),
            News::Server(server) => {
                self.server = Some(server);
                self.lost = None;
            }
            News::All { mut processes, now } => {
                processes.retain(|it| self.wanted.has(&it.group, &it.process));
                processes.sort_by(|a, b| (&a.group, &a.process).cmp(&(&b.group, &b.process)));
                self.marked
                    .retain(|name| processes.iter().any(|it| it.name == *name));
                self.processes = processes;
                self.clock = Some((now, self.now));
                self.lost = None;
            }
            News::One(process) => {
                if let Some(known) = self.find(&process.name) {
                    *known = *process;
                }
            }
            News::Gone(name) => {
                self.processes.retain(|it| it.name != name);
                self.marked.remove(&name);
            }
            News::Turned(turn) => self.turn(turn),
            News::Consumed(figures) => {
                for (name, figures) in figures {
                    if let Some(process) = self.find(&name) {
                        process.figures = Some(figures);
                    }
                }
            }
            News::Log(news) => {
                if let Some(pane) = &mut self.pane {
                    pane.log.hear(news);
                }
            }
            News::Done { said, ok } => self.say(said, !ok),
        }
    }

    fn turn(&mut self, turn: Turn) {
        let Some(process) = self.find(&turn.name) else {
            return;
        };
        process.state = turn.state;
        process.description.clear();
        if process.pid != turn.pid {
            process.figures = None;
        }
        process.pid = turn.pid;
        process.started = match turn.state {
            ProcessState::Starting => Some(turn.at),
            ProcessState::Running | ProcessState::Stopping => process.started,
            ProcessState::Stopped
            | ProcessState::Backoff
            | ProcessState::Exited
            | ProcessState::Fatal
            | ProcessState::Unknown => None,
        };
        if turn.end.is_some() {
            process.last_end = turn.end;
        }
    }

    fn find(&mut self, name: &str) -> Option<&mut Process> {
        let wanted = name.split_once(':').unwrap_or((name, name));
        let by_name = |it: &Process| (it.group.as_str(), it.process.as_str()).cmp(&wanted);
        let found = self.processes.binary_search_by(by_name).ok()?;
        self.processes.get_mut(found)
    }

    /// All that are shown by a filter or none.
    pub(crate) fn processes(&self) -> &[Process] {
        &self.processes
    }

    /// The process under the cursor.
    pub(crate) fn current(&self) -> Option<&Process> {
        match self.rows.get(self.cursor)? {
            Row::Process { index, .. } => self.processes.get(*index),
            Row::Group { .. } => None,
        }
    }

    fn bring_up_to_date(&mut self) {
        if self.outdated {
            self.arrange();
        }
    }

    /// Makes the rows anew, and keeps the cursor on what it was on: what is restarted must not depend
    /// on what has just come between.
    fn arrange(&mut self) {
        self.outdated = false;
        let rows = self.make_rows();
        let old = std::mem::replace(&mut self.rows, rows);
        let key = old.get(self.cursor).map(|row| row.key().to_owned());
        let found = key.and_then(|key| self.rows.iter().position(|row| row.key() == key));
        self.cursor = found
            .unwrap_or(self.cursor)
            .min(self.rows.len().saturating_sub(1));
        self.scroll();
    }

    fn scroll(&mut self) {
        let height = Layout::of(self).table.height;
        let least = (self.cursor + 1).saturating_sub(height);
        let most = self.rows.len().saturating_sub(height);
        self.top = self
            .top
            .clamp(least, self.cursor.max(least))
            .min(most.max(least));
    }

    /// Turns the pane to the log of what is under the cursor, and asks for it once the cursor rests.
    fn choose_log(&mut self, effects: &mut Vec<Effect>) {
        let subject = self.current().map(|process| Subject {
            name: process.name.clone(),
            channel: self.channel,
        });
        let Some(pane) = &mut self.pane else {
            return;
        };
        if pane.log.subject != subject {
            let was_followed = pane.log.subject.is_some() && pane.due.is_none();
            let is_first = pane.log.subject.is_none();
            pane.log.turn_to(subject);
            pane.due = Some(if is_first { self.now } else { self.now + REST });
            if was_followed {
                effects.push(Effect::Unfollow);
            }
        }
        if pane.due.is_some_and(|due| due <= self.now) {
            pane.due = None;
            if let Some(Subject { name, channel }) = pane.log.subject.clone() {
                effects.push(Effect::Follow { name, channel });
            }
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
