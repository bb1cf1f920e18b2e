//! What keys do.

use super::{Action, Effect, Mode, Model, Pane, Question, Row, SIGNALS, Sort};
use crate::draw::help;
use crate::draw::layout::Layout;
use crate::key::Key;
use minder_core::event::Channel;

/// The longest filter, in characters.
const MAX_FILTER: usize = 200;

/// A way through a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Move {
    Up,
    Down,
    PageUp,
    PageDown,
    Start,
    End,
}

impl Move {
    fn of(key: &Key) -> Option<Self> {
        Some(match key {
            Key::Up | Key::Char('k') | Key::Ctrl('p') => Self::Up,
            Key::Down | Key::Char('j') | Key::Ctrl('n') => Self::Down,
            Key::PageUp | Key::Ctrl('b' | 'u') => Self::PageUp,
            Key::PageDown | Key::Ctrl('f' | 'd') => Self::PageDown,
            Key::Home | Key::Char('g') => Self::Start,
            Key::End | Key::Char('G') => Self::End,
            _ => return None,
        })
    }

    /// Where it leads in a list of so many, of which `page` are seen at once.
    fn from(self, at: usize, page: usize, count: usize) -> usize {
        let page = page.saturating_sub(1).max(1);
        let to = match self {
            Self::Up => at.saturating_sub(1),
            Self::Down => at + 1,
            Self::PageUp => at.saturating_sub(page),
            Self::PageDown => at + page,
            Self::Start => 0,
            Self::End => count,
        };
        to.min(count.saturating_sub(1))
    }
}

impl Model {
    pub(super) fn key(&mut self, key: Key, effects: &mut Vec<Effect>) {
        match key {
            Key::Ctrl('c') => return effects.push(Effect::Quit),
            Key::Ctrl('z') => return effects.push(Effect::Suspend),
            Key::Ctrl('l') => return effects.push(Effect::Repaint),
            _ => {}
        }
        match std::mem::replace(&mut self.mode, Mode::Browse) {
            Mode::Browse => self.browse(&key, effects),
            Mode::Filter { before } => self.edit_filter(key, before),
            Mode::Help { from } => self.read_help(&key, from),
            Mode::Signal { chosen, names } => self.choose_signal(&key, chosen, names, effects),
            Mode::Confirm(question) => self.confirm(&key, question, effects),
        }
    }

    fn browse(&mut self, key: &Key, effects: &mut Vec<Effect>) {
        let in_log = self.pane.as_ref().is_some_and(|pane| pane.focused);
        if let Some(way) = Move::of(key) {
            if in_log {
                self.move_log(way);
            } else {
                let page = Layout::of(self).table.height;
                self.cursor = way.from(self.cursor, page, self.rows.len());
            }
            return;
        }
        if in_log && self.log_key(key) {
            return;
        }
        match key {
            Key::Char('q') | Key::Function(10) => effects.push(Effect::Quit),
            Key::Char('?' | 'h') | Key::Function(1) => self.mode = Mode::Help { from: 0 },
            Key::Char('/') => {
                let before = self.filter.clone();
                self.mode = Mode::Filter { before };
            }
            Key::Char('s') => self.ask(Action::Start, effects),
            Key::Char('x') => self.ask(Action::Stop, effects),
            Key::Char('r') => self.ask(Action::Restart, effects),
            Key::Char('c') => self.ask(Action::Clear, effects),
            Key::Char('K') => {
                if let Some(names) = self.targets() {
                    self.mode = Mode::Signal { chosen: 0, names };
                }
            }
            Key::Char(' ') => self.mark(),
            Key::Char('a') => {
                let names: Vec<String> = self
                    .rows
                    .iter()
                    .flat_map(|row| self.names_of(row))
                    .collect();
                self.marked.extend(names);
            }
            Key::Char('u') => self.marked.clear(),
            Key::Char('l') => self.open_or_close_log(effects),
            Key::Char('o') => self.other_channel(),
            Key::Char('z') => {
                if let Some(pane) = &mut self.pane {
                    pane.whole = !pane.whole;
                    pane.focused = true;
                }
            }
            Key::Tab => {
                if let Some(pane) = &mut self.pane {
                    pane.focused = !pane.focused;
                    pane.whole = false;
                }
            }
            Key::Enter => self.enter(),
            Key::Left => self.fold(true),
            Key::Right => self.fold(false),
            Key::Esc => self.give_up(effects),
            Key::Char('I') => self.inverted = !self.inverted,
            Key::Char('<') => self.sort_beside(Sort::ALL.len() - 1),
            Key::Char('>') => self.sort_beside(1),
            Key::Char(c) => {
                if let Some(sort) = Sort::of_key(*c) {
                    self.sort_by(sort);
                }
            }
            _ => {}
        }
    }

    fn move_log(&mut self, way: Move) {
        let height = Layout::of(self)
            .log
            .map_or(1, |it| it.height.saturating_sub(1));
        let page = isize::try_from(height.saturating_sub(1).max(1)).unwrap_or(1);
        let Some(Pane { log, .. }) = &mut self.pane else {
            return;
        };
        match way {
            Move::Up => log.go(1),
            Move::Down => log.go(-1),
            Move::PageUp => log.go(page),
            Move::PageDown => log.go(-page),
            Move::Start => log.go_to_start(height),
            Move::End => log.held_at = None,
        }
    }

    /// Keys that mean something else while the log is what is moved in. Whether this is one.
    fn log_key(&mut self, key: &Key) -> bool {
        let Some(pane) = &mut self.pane else {
            return false;
        };
        match key {
            Key::Char(' ' | 'p') => pane.log.hold_or_follow(),
            Key::Char('f') => pane.log.held_at = None,
            Key::Char('w') => pane.log.wrap_or_cut(),
            Key::Left => pane.log.pan(false),
            Key::Right => pane.log.pan(true),
            Key::Enter => {}
            _ => return false,
        }
        true
    }

    /// Whom an action is for: what is marked, or else what is under the cursor.
    fn targets(&mut self) -> Option<Vec<String>> {
        if let Some(why) = &self.lost {
            let why = format!("not connected: {why}");
            self.say(why, true);
            return None;
        }
        let names: Vec<String> = if self.marked.is_empty() {
            let row = self.rows.get(self.cursor);
            row.map(|row| self.names_of(row)).unwrap_or_default()
        } else {
            self.marked.iter().cloned().collect()
        };
        (!names.is_empty()).then_some(names)
    }

    fn names_of(&self, row: &Row) -> Vec<String> {
        match row {
            Row::Process { name, .. } => vec![name.clone()],
            Row::Group { members, .. } => {
                let members = members.iter().map(|&index| &self.processes[index]);
                members.map(|it| it.name.clone()).collect()
            }
        }
    }

    fn ask(&mut self, action: Action, effects: &mut Vec<Effect>) {
        let Some(names) = self.targets() else {
            return;
        };
        self.ask_about(action, names, effects);
    }

    fn ask_about(&mut self, action: Action, names: Vec<String>, effects: &mut Vec<Effect>) {
        match Question::about(action, names) {
            Ok(question) => self.mode = Mode::Confirm(question),
            Err((action, names)) => self.act(action, names, effects),
        }
    }

    fn act(&mut self, action: Action, names: Vec<String>, effects: &mut Vec<Effect>) {
        self.say(action.going_on(&names), false);
        self.marked.clear();
        effects.push(Effect::Act { action, names });
    }

    /// Marks what is under the cursor, or takes that back, and goes on to the next.
    fn mark(&mut self) {
        let Some(row) = self.rows.get(self.cursor) else {
            return;
        };
        let names = self.names_of(row);
        let step = if matches!(row, Row::Group { name, .. } if !self.folded.contains(name)) {
            names.len() + 1
        } else {
            1
        };
        if names.iter().all(|name| self.marked.contains(name)) {
            for name in &names {
                self.marked.remove(name);
            }
        } else {
            self.marked.extend(names);
        }
        self.cursor = (self.cursor + step).min(self.rows.len() - 1);
    }

    fn open_or_close_log(&mut self, effects: &mut Vec<Effect>) {
        if self.pane.take().is_some() {
            effects.push(Effect::Unfollow);
        } else {
            self.pane = Some(Pane::default());
        }
    }

    fn other_channel(&mut self) {
        if self.pane.is_some() {
            self.channel = match self.channel {
                Channel::Stdout => Channel::Stderr,
                Channel::Stderr => Channel::Stdout,
            };
        }
    }

    fn enter(&mut self) {
        match self.rows.get(self.cursor) {
            Some(Row::Group { name, .. }) => {
                let fold = !self.folded.contains(name);
                self.fold(fold);
            }
            Some(Row::Process { .. }) => {
                self.pane.get_or_insert_default().focused = true;
            }
            None => {}
        }
    }

    fn fold(&mut self, fold: bool) {
        let group = match self.rows.get(self.cursor) {
            Some(Row::Group { name, .. }) => name.clone(),
            Some(Row::Process {
                index,
                is_member: true,
                ..
            }) if fold => self.processes[*index].group.clone(),
            Some(Row::Process { .. }) | None => return,
        };
        if fold {
            let heading = |row: &Row| matches!(row, Row::Group { name, .. } if *name == group);
            self.cursor = self.rows.iter().position(heading).unwrap_or(self.cursor);
            self.folded.insert(group);
        } else {
            self.folded.remove(&group);
        }
    }

    /// Takes back what was chosen last.
    fn give_up(&mut self, effects: &mut Vec<Effect>) {
        if self.pane.as_ref().is_some_and(|pane| pane.focused) || self.filter.is_empty() {
            if self.pane.is_some() {
                self.open_or_close_log(effects);
            } else {
                self.marked.clear();
            }
        } else {
            self.filter.clear();
        }
    }

    fn sort_by(&mut self, sort: Sort) {
        self.inverted = self.sort == sort && !self.inverted;
        self.sort = sort;
        self.show_first_row();
    }

    fn sort_beside(&mut self, step: usize) {
        let at = Sort::ALL
            .iter()
            .position(|it| *it == self.sort)
            .unwrap_or(0);
        self.sort = Sort::ALL[(at + step) % Sort::ALL.len()];
        self.inverted = false;
        self.show_first_row();
    }

    /// Who sorts wants to see what comes first.
    fn show_first_row(&mut self) {
        self.rows = self.make_rows();
        (self.cursor, self.top) = (0, 0);
    }

    fn edit_filter(&mut self, key: Key, before: String) {
        match key {
            Key::Enter => return,
            Key::Esc => return self.filter = before_or_nothing(&self.filter, before),
            Key::Backspace => drop(self.filter.pop()),
            Key::Ctrl('u' | 'w') => self.filter.clear(),
            Key::Char(c) => self.filter.push(c),
            Key::Paste(text) => self.filter.extend(text.chars().filter(|c| !c.is_control())),
            Key::Up | Key::Down | Key::PageUp | Key::PageDown | Key::Home | Key::End => {
                return self.browse(&key, &mut Vec::new());
            }
            _ => {}
        }
        if let Some((end, _)) = self.filter.char_indices().nth(MAX_FILTER) {
            self.filter.truncate(end);
        }
        self.mode = Mode::Filter { before };
    }

    fn read_help(&mut self, key: &Key, from: usize) {
        let page = Layout::dialog_height(self.height);
        if let Some(way) = Move::of(key) {
            let count = (help::lines().count() + 1).saturating_sub(page).max(1);
            let from = way.from(from, page, count);
            self.mode = Mode::Help { from };
        }
    }

    fn choose_signal(
        &mut self,
        key: &Key,
        chosen: usize,
        names: Vec<String>,
        effects: &mut Vec<Effect>,
    ) {
        if let Some(way) = Move::of(key) {
            let chosen = way.from(chosen, SIGNALS.len(), SIGNALS.len());
            self.mode = Mode::Signal { chosen, names };
        } else if *key == Key::Enter {
            self.ask_about(Action::Signal(SIGNALS[chosen].0), names, effects);
        } else if !matches!(key, Key::Esc | Key::Char('q' | 'n')) {
            self.mode = Mode::Signal { chosen, names };
        }
    }

    fn confirm(&mut self, key: &Key, mut question: Question, effects: &mut Vec<Effect>) {
        match (key, question.wants_number()) {
            (Key::Esc | Key::Char('n' | 'N' | 'q'), _) => return,
            (Key::Char('y' | 'Y'), false) => {
                return self.act(question.action, question.names, effects);
            }
            (Key::Enter, true) if question.is_answered() => {
                return self.act(question.action, question.names, effects);
            }
            (Key::Char(digit @ '0'..='9'), true) if question.typed.len() < 6 => {
                question.typed.push(*digit);
            }
            (Key::Backspace, true) => drop(question.typed.pop()),
            _ => {}
        }
        self.mode = Mode::Confirm(question);
    }
}

/// The filter after Esc: that before, or none if nothing has been changed.
fn before_or_nothing(filter: &str, before: String) -> String {
    if filter == before {
        String::new()
    } else {
        before
    }
}
