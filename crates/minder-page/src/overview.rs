//! The page about all processes: trouble first, then the table.
//!
//! What is known of the whole and how the page is put together stands here; each of its parts is
//! a module with what it shows and how that is drawn.

mod filter;
mod group;
mod row;
mod table;
mod trouble;

use std::time::Duration;

use maud::{Markup, html};
use minder_core::ProcessState;

use self::filter::{Counts, counts_strip};
use self::table::table;
use self::trouble::trouble;
use crate::figures;
use crate::frame::{Frame, Notice, Tab};
use crate::words::{self, Word};

pub use self::filter::{Asked, matching};
pub use self::group::Group;
pub use self::row::{Child, Row};
pub(crate) use self::row::{field, signals, verbs};
pub use self::table::{LINES, MANY, shown};
pub use self::trouble::{TROUBLES, Trouble};

/// What is to be seen on the page about all processes.
#[derive(Clone, Debug, Default)]
pub struct Overview {
    /// What is around it.
    pub frame: Frame,
    /// The full name of the host.
    pub host: String,
    /// What is known of the whole.
    pub facts: Facts,
    /// What was said about the last request.
    pub notice: Option<Notice>,
    /// Who needs attention, the worst first: at most [`TROUBLES`].
    pub trouble: Vec<Trouble>,
    /// How many more do, by state.
    pub more_trouble: Vec<(ProcessState, usize)>,
    /// Every group, by name.
    pub groups: Vec<Group>,
    /// Which part of it was asked for.
    pub asked: Asked,
    /// The main file of the configuration, for who has no program yet.
    pub main_file: String,
}

/// What is known of the whole.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// For how long it has been up.
    pub up: Option<Duration>,
    /// The pid of the keeper.
    pub main_pid: u32,
    /// The load of the host in the last minute.
    pub load: Option<f64>,
    /// How much of its memory is used, and how much it has, in bytes.
    pub memory: Option<(u64, u64)>,
    /// How often the daemon was replaced, and how long ago the last time was.
    pub replaced: Option<(u32, Duration)>,
}

/// Draws the page.
#[must_use]
pub fn draw(page: &Overview) -> String {
    let language = page.frame.language;
    let counts = Counts::of(page);
    let main = html! {
        @if let Some(notice) = &page.notice { (notice.draw(&page.frame, &page.asked.address())) }
        (head(page))
        @if counts.all == 0 {
            (none_yet(page))
        } @else {
            (counts_strip(page, &counts))
            (trouble(page))
            (table(page, &counts))
        }
    };
    page.frame
        .draw(&counts.worst(language), Tab::Overview, &main)
}

fn head(page: &Overview) -> Markup {
    let frame = &page.frame;
    let t = |word: Word| word.to(frame.language);
    let all = [
        (Word::StartAll, "startall", ""),
        (Word::RestartAll, "restartall", ""),
        (Word::StopAll, "stopall", "danger"),
    ];
    html! {
        div.head {
            div {
                h1 { (page.host) }
                (facts(page))
                (frame.not_live())
            }
            @if frame.may_act && !page.groups.is_empty() {
                div.acts {
                    details.menu {
                        summary.btn { (t(Word::AllProcesses)) }
                        div {
                            @for (word, name, class) in all {
                                button class={ "quiet " (class) } form="act" name=(name) value="1" { (t(word)) }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn facts(page: &Overview) -> Markup {
    let (facts, frame) = (&page.facts, &page.frame);
    let language = frame.language;
    let t = |word: Word| word.to(language);
    let duration = |it| figures::duration(it, language);
    html! {
        dl.facts.js data-facts="" {
            @if let Some(up) = facts.up { (fact(t(Word::Up), &duration(up))) }
            (fact(t(Word::Version), &frame.version))
            (fact(t(Word::MainPid), &facts.main_pid.to_string()))
            @if let Some(load) = facts.load { (fact(t(Word::Load), &format!("{load:.2}"))) }
            @if let Some((used, all)) = facts.memory {
                (fact(t(Word::Memory), &words::memory_of(used, all, language)))
            }
            @if let Some((times, ago)) = facts.replaced {
                (fact(t(Word::Daemon), &words::replaced(times, &duration(ago), language)))
            }
        }
    }
}

/// Something that is known, with its name.
pub(crate) fn fact(name: &str, value: &str) -> Markup {
    html! { div { dt { (name) } dd.num { (value) } } }
}

fn none_yet(page: &Overview) -> Markup {
    let frame = &page.frame;
    let t = |word: Word| word.to(frame.language);
    html! {
        form #act.panel method="post" action="act" {
            input type="hidden" name="csrf" value=(frame.token);
            input type="hidden" name="back" value="./";
            div.none-yet {
                h2 { (t(Word::NothingToManage)) }
                p { (t(Word::HowToBegin)) }
                pre { "[program:web]\ncommand = /srv/web/bin/serve --port 8080\n" span.faint { "; " (page.main_file) } }
                @if frame.may_act {
                    p { button.primary name="reread" value="1" { (t(Word::Reread)) } }
                }
            }
        }
    }
}
