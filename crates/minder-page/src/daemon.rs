//! The page about the daemon: what it is, and its own log.

use std::time::Duration;

use maud::{Markup, html};

use crate::figures;
use crate::frame::{Frame, Tab};
use crate::log::{self, LogView};
use crate::overview::fact;
use crate::words::{self, Word};

/// What is to be seen on the page about the daemon.
#[derive(Clone, Debug)]
pub struct DaemonPage {
    /// What is around it.
    pub frame: Frame,
    /// The pid of the keeper.
    pub main_pid: u32,
    /// The pid of the daemon.
    pub pid: u32,
    /// How often the daemon was replaced, and how long ago the last time was.
    pub replaced: Option<(u32, Duration)>,
    /// How the latest upgrade went, if there was one.
    pub upgrade: Option<Upgrade>,
    /// What the system permits it and its programs.
    pub limits: Limits,
    /// Its log.
    pub log: LogView,
}

/// What the system permits the daemon and its programs; `None` is no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// How many files each may have open.
    pub files: Option<u64>,
    /// How many processes their user may have.
    pub processes: Option<u64>,
}

/// How an upgrade went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Upgrade {
    /// The new version runs.
    Done {
        /// The version before.
        from: String,
        /// The version since.
        to: String,
    },
    /// Nothing was given up for it.
    Refused {
        /// The version that it would have been; empty if that was never known.
        to: String,
        /// Why.
        why: String,
    },
    /// The new version did not come up.
    RolledBack {
        /// The version that it would have been.
        to: String,
        /// Why.
        why: String,
    },
}

/// Draws the page.
#[must_use]
pub fn draw(page: &DaemonPage) -> String {
    let frame = &page.frame;
    let t = |word: Word| word.to(frame.language);
    let main = html! {
        div.head {
            div {
                h1 { (t(Word::Daemon)) }
                (facts(page))
                (frame.not_live())
            }
        }
        (log::draw(&page.log, frame))
    };
    frame.draw(t(Word::Daemon), Tab::None, &main)
}

fn facts(page: &DaemonPage) -> Markup {
    let language = page.frame.language;
    let t = |word: Word| word.to(language);
    html! {
        dl.facts data-facts="" {
            (fact(t(Word::Version), &page.frame.version))
            (fact(t(Word::MainPid), &page.main_pid.to_string()))
            (fact(t(Word::DaemonPid), &page.pid.to_string()))
            @if let Some((times, ago)) = page.replaced {
                (fact(t(Word::Daemon), &words::replaced(times, &figures::duration(ago, language), language)))
            }
            @if let Some(upgrade) = &page.upgrade { (fact(t(Word::LastUpgrade), &upgrade.text(page))) }
            (fact(t(Word::Limits), &page.limits.text(page)))
        }
    }
}

impl Upgrade {
    fn text(&self, page: &DaemonPage) -> String {
        let language = page.frame.language;
        match self {
            Self::Done { from, to } => words::upgraded(from, to, language),
            Self::Refused { to, why } => words::upgrade_refused(to, why, language),
            Self::RolledBack { to, why } => words::rolled_back(to, why, language),
        }
    }
}

impl Limits {
    fn text(self, page: &DaemonPage) -> String {
        let language = page.frame.language;
        let count = |limit: Option<u64>| match limit {
            Some(limit) => figures::count(usize::try_from(limit).unwrap_or(usize::MAX)),
            None => Word::Unlimited.to(language).to_owned(),
        };
        words::listed(
            &[
                words::descriptors(&count(self.files), language),
                words::processes_per_user(&count(self.processes), language),
            ],
            language,
        )
    }
}
