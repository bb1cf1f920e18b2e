//! The page about one process.

use std::time::Duration;

use maud::{Markup, html};
use minder_core::ProcessState;

use crate::curve::Series;
use crate::figures;
use crate::frame::{Frame, Language, Notice, Tab};
use crate::glyph::Look;
use crate::log::{self, LogView};
use crate::moment::Moment;
use crate::overview::{field, signals, verbs};
use crate::process_address;
use crate::reason::{Ending, Reason, detail};
use crate::strip::{self, Stretch};
use crate::words::{self, Word};

/// What is to be seen on the page about one process.
#[derive(Clone, Debug)]
pub struct ProcessPage {
    /// What is around it.
    pub frame: Frame,
    /// What was said about the last request.
    pub notice: Option<Notice>,
    /// What people call it.
    pub name: String,
    /// The name of its group, if that is another one.
    pub group: Option<String>,
    /// Its state.
    pub look: Look,
    /// For how long it has been so.
    pub since: Option<Duration>,
    /// Its pid.
    pub pid: Option<u32>,
    /// Why it is so.
    pub reason: Reason,
    /// How often it was restarted within a day, if it flaps, and how its last child ended, if it has
    /// another one by now.
    pub flapping: Option<(u32, Option<Ending>)>,
    /// Its last day, the oldest first; empty if that is not known.
    pub day: Vec<Stretch>,
    /// What happened in the last day, the newest first.
    pub changes: Vec<Change>,
    /// How often it was restarted in the last day, if that is known.
    pub restarts: Option<u32>,
    /// The hours below the strip.
    pub hours: Vec<String>,
    /// Its log.
    pub log: LogView,
    /// Its share of a processor in per cent, now and in the last hour.
    pub cpu: Option<(f64, Series)>,
    /// Its memory in bytes, now and in the last hour.
    pub memory: Option<(u64, Series)>,
    /// Its limit of memory in bytes, if it has one.
    pub memory_limit: Option<u64>,
    /// What it runs: a label each, and its value.
    pub command: Command,
    /// What is added to its environment, by name.
    pub environment: Vec<Variable>,
    /// Whether the secrets in it are to be seen; `None` if there are none, or if the visitor may not
    /// choose.
    pub secrets: Option<Secrets>,
    /// Its options that are set, and the others if they were asked for.
    pub options: Vec<OptionRow>,
    /// How many options are left at their defaults.
    pub defaults: usize,
    /// Whether these are shown as well.
    pub shows_defaults: bool,
}

/// What a process runs.
#[derive(Clone, Debug, Default)]
pub struct Command {
    /// Its command line.
    pub command: String,
    /// Where it runs, if that is set.
    pub directory: Option<String>,
    /// Whom it runs as, if that is set.
    pub user: Option<String>,
}

/// Whether secrets are to be seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Secrets {
    /// They are not, and can be asked for.
    Masked,
    /// They are.
    Revealed,
}

/// A variable of an environment.
#[derive(Clone, Debug)]
pub struct Variable {
    /// Its name.
    pub name: String,
    /// Its value, of which a secret part is [`MASK`].
    pub value: String,
}

/// What stands in the place of a secret, however long that is.
pub const MASK: &str = "••••••";

/// An option of a process.
#[derive(Clone, Debug)]
pub struct OptionRow {
    /// Its name.
    pub name: String,
    /// Its value, of which a secret part is [`MASK`].
    pub value: String,
    /// Where it stands; `None` if it is a default.
    pub from: Option<Place>,
}

/// A place in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The name of the file, without its folder, and the line.
    pub short: String,
    /// The same with the folder.
    pub full: String,
}

/// A change of its state.
#[derive(Clone, Debug)]
pub struct Change {
    /// When it happened.
    pub at: Moment,
    /// The state that it entered.
    pub look: Look,
    /// The pid of its child, if it has one to tell of.
    pub pid: Option<u32>,
    /// How its child ended, if that is what happened.
    pub ending: Option<Ending>,
}

/// Draws the page.
#[must_use]
pub fn draw(page: &ProcessPage) -> String {
    let frame = &page.frame;
    let main = html! {
        @if let Some(notice) = &page.notice { (notice.draw(frame, &process_address(&page.name))) }
        form #act method="post" action="act" {
            input type="hidden" name="csrf" value=(frame.token);
            input type="hidden" name="back" value=(process_address(&page.name));
            input type="hidden" name="name" value=(page.name);
        }
        (head(page))
        (day(page))
        div.two {
            div {
                (log::draw(&page.log, frame))
                (options(page))
            }
            div {
                @if page.cpu.is_some() || page.memory.is_some() { (resources(page)) }
                (command(page))
                (environment(page))
            }
        }
    };
    frame.draw(&page.name, Tab::None, &main)
}

fn head(page: &ProcessPage) -> Markup {
    let frame = &page.frame;
    let language = frame.language;
    let t = |word: Word| word.to(language);
    html! {
        div.head data-name=(page.name) {
            div {
                p.crumb {
                    a href="./" { (t(Word::Overview)) } " / "
                    @if let Some(group) = &page.group {
                        a href={ "./?q=" (crate::quoted(group)) ":" } { (group) } " / "
                    }
                }
                h1 { (page.name) }
                p.lede #state { (page.look.shown(language)) " " (sentence(page)) }
                (frame.not_live())
            }
            @if frame.may_act { (actions(page)) }
        }
    }
}

/// State, for how long, why.
fn sentence(page: &ProcessPage) -> Markup {
    let language = page.frame.language;
    let since = page
        .since
        .map(|it| words::for_so_long(&figures::duration(it, language), language));
    let pid = page.pid.map(|pid| words::pid(pid, language));
    let parts: Vec<_> = since.into_iter().chain(pid).collect();
    let stop = if language == Language::English {
        ". "
    } else {
        "。"
    };
    html! {
        @if !parts.is_empty() { span.num data-up="" { (words::listed(&parts, language)) } (stop) }
        (page.reason.sentence(language))
        @if let Some((restarts, ended)) = &page.flapping {
            " " (words::flapping(*restarts, ended.as_ref(), language))
        }
        @if page.look.state() == ProcessState::Fatal { " " (words::no_more_retries(language)) }
    }
}

fn actions(page: &ProcessPage) -> Markup {
    let language = page.frame.language;
    let t = |word: Word| word.to(language);
    let (first, second) = verbs(page.look.state());
    html! {
        div.acts data-ask-here="" {
            @for verb in [first, second].into_iter().flatten() {
                @let is_main = verb == Word::Start;
                button.primary[is_main] form="act" name=(field(verb)) value=(page.name) { (t(verb)) }
            }
            @if page.look.state().is_signallable() {
                details.menu {
                    summary.btn { (t(Word::Signal)) }
                    div {
                        @for (signal, label, class) in signals(language) {
                            button class={ "quiet " (class) } form="act" name="signal" value=(signal) { (label) }
                        }
                    }
                }
            }
        }
    }
}

fn day(page: &ProcessPage) -> Markup {
    let language = page.frame.language;
    let t = |word: Word| word.to(language);
    if page.day.is_empty() {
        return html! {};
    }
    html! {
        section.panel aria-labelledby="tl" {
            header {
                h2 #tl { (t(Word::LastDay)) }
                @if let Some(restarts) = page.restarts {
                    span.muted { (words::restarts_and_down(restarts, language)) }
                }
                @if !page.changes.is_empty() {
                    details.end.menu {
                        summary.btn.quiet.small { (words::change_count(page.changes.len(), language)) }
                        div { table.list { tbody {
                            @for change in page.changes.iter().take(50) {
                                tr {
                                    td.faint { (change.at.shown(language)) }
                                    td { (change.look.shown(language)) }
                                    td.muted { (detail(change.pid, change.ending.as_ref(), language)) }
                                }
                            }
                        } } }
                    }
                }
            }
            div.line {
                (strip::strip(&page.day, t(Word::LastDay), false))
                div.hours.num aria-hidden="true" {
                    @for hour in &page.hours { span { (hour) } }
                    span { (t(Word::Now)) }
                }
            }
        }
    }
}

fn resources(page: &ProcessPage) -> Markup {
    let language = page.frame.language;
    let t = |word: Word| word.to(language);
    html! {
        section.panel aria-labelledby="re" {
            header { h2 #re { (t(Word::Resources)) } span.end { (t(Word::LastHour)) } }
            @if let Some((now, series)) = &page.cpu {
                // What is measured just now is not in the line yet.
                @let peak = words::peak(&figures::percent(series.peak().max(*now)), language);
                @let now = figures::percent(*now);
                (chart(t(Word::Cpu), &now, &peak, series, None))
            }
            @if let Some((now, series)) = &page.memory {
                (memory_chart(*now, series, page))
            }
        }
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "sizes of memory, of which a line is drawn"
)]
fn memory_chart(now: u64, series: &Series, page: &ProcessPage) -> Markup {
    let language = page.frame.language;
    let aside = match page.memory_limit {
        Some(limit) => words::limit(&figures::bytes(limit), language),
        None => words::peak(&figures::bytes((series.peak() as u64).max(now)), language),
    };
    let limit = page.memory_limit.map(|limit| limit as f64);
    let name = Word::Memory.to(language);
    chart(name, &figures::bytes(now), &aside, series, limit)
}

fn chart(name: &str, now: &str, aside: &str, series: &Series, limit: Option<f64>) -> Markup {
    html! {
        figure.chart {
            figcaption { (name) " " b.num { (now) } span.end.num { (aside) } }
            (series.chart(&format!("{name}: {now}, {aside}"), limit))
        }
    }
}

fn command(page: &ProcessPage) -> Markup {
    let t = |word: Word| word.to(page.frame.language);
    let own = || html! { span.faint { (t(Word::OfTheDaemon)) } };
    html! {
        section.panel aria-labelledby="ru" {
            header { h2 #ru { (t(Word::Command)) } }
            dl.kv {
                dt { (t(Word::Command)) } dd { code { (masked(&page.command.command, t(Word::Masked))) } }
                dt { (t(Word::Directory)) }
                dd { @match &page.command.directory { Some(it) => code { (it) }, None => (own()) } }
                dt { (t(Word::User)) }
                dd { @match &page.command.user { Some(it) => (it), None => (own()) } }
            }
        }
    }
}

fn environment(page: &ProcessPage) -> Markup {
    let t = |word: Word| word.to(page.frame.language);
    if page.environment.is_empty() {
        return html! {};
    }
    html! {
        // What was asked for once stays, whatever else is drawn anew.
        section.panel.boxed aria-labelledby="en" data-own[page.secrets == Some(Secrets::Revealed)] {
            header {
                h2 #en { (t(Word::Environment)) } span.muted.num { (page.environment.len()) }
                @match page.secrets {
                    Some(Secrets::Masked) => form.end method="post" action=(process_address(&page.name)) {
                        input type="hidden" name="csrf" value=(page.frame.token);
                        button.quiet.small { (t(Word::ShowSecrets)) }
                    },
                    Some(Secrets::Revealed) => a.btn.quiet.small.end href=(process_address(&page.name)) { (t(Word::HideSecrets)) },
                    None => {}
                }
            }
            table.list.conf {
                thead { tr { th { (t(Word::Name)) } th { (t(Word::Value)) } } }
                tbody {
                    @for variable in &page.environment {
                        tr {
                            th.mono scope="row" { (variable.name) }
                            td.mono.muted { (masked(&variable.value, t(Word::Masked))) }
                        }
                    }
                }
            }
        }
    }
}

fn options(page: &ProcessPage) -> Markup {
    let language = page.frame.language;
    let t = |word: Word| word.to(language);
    let set = page.options.iter().filter(|it| it.from.is_some()).count();
    let (word, query) = if page.shows_defaults {
        (Word::HideDefaults, "#conf")
    } else {
        (Word::ShowDefaults, "&defaults=1#conf")
    };
    html! {
        section.panel.boxed #conf aria-labelledby="co" {
            header {
                h2 #co { (t(Word::InForce)) }
                span.muted { (words::options_set(set, page.defaults, language)) }
                a.btn.quiet.small.end href={ (process_address(&page.name)) (query) } { (t(word)) }
            }
            table.list.conf {
                thead { tr { th { (t(Word::Option)) } th { (t(Word::Value)) } th.src { (t(Word::From)) } } }
                tbody {
                    @for option in &page.options {
                        tr {
                            th.mono scope="row" { (option.name) }
                            td.mono { span.faint[option.from.is_none()] { (masked(&option.value, t(Word::Masked))) } }
                            (place(option.from.as_ref(), language))
                        }
                    }
                }
            }
        }
    }
}

fn place(place: Option<&Place>, language: Language) -> Markup {
    html! {
        @match place {
            Some(place) => td.src.num title=(place.full) { (place.short) },
            None => td.src { (Word::Default.to(language)) },
        }
    }
}

/// A value, whose secret parts are seen to be secret.
pub(crate) fn masked(value: &str, title: &str) -> Markup {
    html! {
        @for (index, part) in value.split(MASK).enumerate() {
            @if index > 0 { span.mask title=(title) { (MASK) } }
            (part)
        }
    }
}
