//! The log of one process, as far as it is shown: its last lines, and which of them are seen.

use std::collections::VecDeque;

use minder_core::event::Channel;

use crate::news::LogNews;
use crate::text::{self, Cleaner};

/// How many lines are kept. More can be read with `tail`, or in the file.
const MAX_LINES: usize = 5_000;

/// How far `←` and `→` go, in cells.
const STEP: usize = 8;

/// Whose log is shown, and which.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Subject {
    pub(crate) name: String,
    pub(crate) channel: Channel,
}

/// A log that is shown.
#[derive(Debug)]
pub(crate) struct Log {
    /// Whose it is; `None` before anything is chosen.
    pub(crate) subject: Option<Subject>,
    lines: VecDeque<Line>,
    cleaner: Cleaner,
    /// How many lines have gone out of `lines` at its front.
    gone: usize,
    /// The number of the line behind the last one that is seen; `None` while the log is followed.
    pub(crate) held_at: Option<usize>,
    /// Whether long lines are shown in pieces below each other.
    pub(crate) wraps: bool,
    /// How many cells are left out at the left of each line, if they are not.
    pub(crate) left: usize,
    /// Whether anything was heard of it yet.
    pub(crate) state: Heard,
}

/// What was heard last of a log as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    /// Nothing yet.
    Nothing,
    /// That it is followed.
    Begun,
    /// That it has ended, and why.
    Ended(String),
}

/// A line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// Of the log.
    Written(String),
    /// Of ours, about the log.
    Remark(String),
}

impl Line {
    pub(crate) fn text(&self) -> &str {
        match self {
            Self::Written(text) | Self::Remark(text) => text,
        }
    }
}

impl Default for Log {
    fn default() -> Self {
        Self {
            subject: None,
            lines: VecDeque::new(),
            cleaner: Cleaner::default(),
            gone: 0,
            held_at: None,
            wraps: true,
            left: 0,
            state: Heard::Nothing,
        }
    }
}

impl Log {
    /// Turns to another log, of which nothing is known yet.
    pub(crate) fn turn_to(&mut self, subject: Option<Subject>) {
        *self = Self {
            subject,
            wraps: self.wraps,
            ..Self::default()
        };
    }

    pub(crate) fn hear(&mut self, news: LogNews) {
        match news {
            LogNews::Begun => {
                self.lines.clear();
                self.gone = 0;
                self.held_at = None;
                self.cleaner = Cleaner::default();
                self.state = Heard::Begun;
            }
            LogNews::Added(text) => {
                let Self { lines, cleaner, .. } = self;
                cleaner.take(&text, |line| lines.push_back(Line::Written(line)));
                self.forget();
            }
            LogNews::Broken(reason) => {
                self.end_line();
                self.lines.push_back(Line::Remark(reason));
                self.forget();
            }
            LogNews::Ended(reason) => self.state = Heard::Ended(reason),
        }
    }

    /// What stands on the line that was not ended becomes a line.
    fn end_line(&mut self) {
        let Self { lines, cleaner, .. } = self;
        if !cleaner.unfinished().is_empty() {
            cleaner.take("\n", |line| lines.push_back(Line::Written(line)));
        }
    }

    fn forget(&mut self) {
        let surplus = self.lines.len().saturating_sub(MAX_LINES);
        self.lines.drain(..surplus);
        self.gone += surplus;
        // What is held has gone: then the oldest is shown that there is.
        self.held_at = self.held_at.map(|at| at.max(self.gone + 1));
    }

    /// The number of the line behind the last, an unfinished one counted.
    fn end(&self) -> usize {
        let unfinished = usize::from(!self.cleaner.unfinished().is_empty());
        self.gone + self.lines.len() + unfinished
    }

    fn line(&self, number: usize) -> Option<Line> {
        let index = number.checked_sub(self.gone)?;
        if index == self.lines.len() {
            return Some(Line::Written(self.cleaner.unfinished().to_owned()));
        }
        self.lines.get(index).cloned()
    }

    /// How many lines have come since the log was held.
    pub(crate) fn unseen(&self) -> usize {
        self.held_at.map_or(0, |at| self.end().saturating_sub(at))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.end() == 0
    }

    /// Holds the log where it is, or follows it again.
    pub(crate) fn hold_or_follow(&mut self) {
        self.held_at = match self.held_at {
            Some(_) => None,
            None => Some(self.end()),
        };
    }

    /// Goes so many lines up, below zero down. At the end it is followed again.
    pub(crate) fn go(&mut self, up: isize) {
        let at = self.held_at.unwrap_or_else(|| self.end());
        let at = at.saturating_add_signed(-up).max(self.gone + 1);
        self.held_at = (at < self.end()).then_some(at);
    }

    /// Goes to the oldest line that is kept.
    pub(crate) fn go_to_start(&mut self, height: usize) {
        let at = self.gone + height;
        self.held_at = (at < self.end()).then_some(at);
    }

    /// Goes to the right in lines that are cut, or back.
    pub(crate) fn pan(&mut self, right: bool) {
        self.wraps = false;
        self.left = if right {
            self.left + STEP
        } else {
            self.left.saturating_sub(STEP)
        };
    }

    /// Shows long lines as a whole, or cut.
    pub(crate) fn wrap_or_cut(&mut self) {
        self.wraps = !self.wraps;
        self.left = 0;
    }

    /// What is seen in so many cells and lines, the oldest first; each with whether it is a remark.
    pub(crate) fn seen(&self, width: usize, height: usize) -> Vec<(String, bool)> {
        let mut seen = VecDeque::new();
        let mut number = self.held_at.unwrap_or_else(|| self.end());
        while seen.len() < height && number > self.gone {
            number -= 1;
            let Some(line) = self.line(number) else {
                continue;
            };
            let is_remark = matches!(line, Line::Remark(_));
            let pieces = if self.wraps {
                text::wrapped(line.text(), width)
                    .into_iter()
                    .map(str::to_owned)
                    .collect()
            } else {
                vec![text::from_cell(line.text(), self.left)]
            };
            for piece in pieces.into_iter().rev() {
                seen.push_front((piece, is_remark));
            }
        }
        let surplus = seen.len().saturating_sub(height);
        seen.drain(..surplus);
        seen.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(text: &str) -> Log {
        let mut log = Log::default();
        log.hear(LogNews::Begun);
        log.hear(LogNews::Added(text.to_owned()));
        log
    }

    fn seen(log: &Log, width: usize, height: usize) -> Vec<String> {
        log.seen(width, height)
            .into_iter()
            .map(|(text, _)| text)
            .collect()
    }

    #[test]
    fn the_end_is_seen_and_followed() {
        let mut log = log("one\ntwo\nthr");
        assert_eq!(seen(&log, 9, 2), ["two", "thr"]);
        log.hear(LogNews::Added("ee\nfour\n".to_owned()));
        assert_eq!(seen(&log, 9, 2), ["three", "four"]);
    }

    #[test]
    fn what_is_held_stays_while_lines_come() {
        let mut log = log("one\ntwo\n");
        log.hold_or_follow();
        log.hear(LogNews::Added("three\n".to_owned()));
        assert_eq!(
            (seen(&log, 9, 2), log.unseen()),
            (vec!["one".to_owned(), "two".to_owned()], 1)
        );
        log.go(1);
        assert_eq!(seen(&log, 9, 2), ["one"]);
        log.go(-5);
        assert_eq!(
            (log.held_at, seen(&log, 9, 1)),
            (None, vec!["three".to_owned()])
        );
    }

    #[test]
    fn a_flood_is_forgotten_from_its_beginning() {
        let mut log = log("first\n");
        log.hold_or_follow();
        for _ in 0..3 {
            log.hear(LogNews::Added("x\n".repeat(MAX_LINES)));
        }
        assert_eq!((log.lines.len(), log.unseen()), (MAX_LINES, MAX_LINES - 1));
        assert_eq!(seen(&log, 9, 2), ["x"]);
        log.go_to_start(3);
        assert_eq!(seen(&log, 9, 3), ["x", "x", "x"]);
    }

    #[test]
    fn long_lines_wrap_or_are_moved_through() {
        let mut log = log("abcdefghijkl\n");
        assert_eq!(seen(&log, 5, 2), ["fghij", "kl"]);
        log.pan(true);
        assert_eq!(seen(&log, 5, 2), ["ijkl"]);
        log.pan(false);
        assert_eq!(seen(&log, 5, 2), ["abcdefghijkl"]);
    }

    #[test]
    fn a_break_stands_between_the_lines() {
        let mut log = log("half");
        log.hear(LogNews::Broken("rotated".to_owned()));
        log.hear(LogNews::Added("new\n".to_owned()));
        assert_eq!(
            log.seen(9, 9),
            [
                ("half".into(), false),
                ("rotated".into(), true),
                ("new".into(), false)
            ]
        );
    }
}
