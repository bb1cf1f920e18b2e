//! The page about events: the newest first.

use maud::{Markup, html};

use crate::figures;
use crate::frame::{Frame, Language, Notice, Tab};
use crate::glyph::Look;
use crate::moment::Moment;
use crate::reason::{Ending, detail};
use crate::words::{self, Word};
use crate::{process_address, quoted};

/// How many events a page shows at most.
pub const EVENTS: usize = 200;

/// From how many like changes in a row on they are folded into one row.
const FOLDED_FROM: usize = 3;

/// What is to be seen on the page about events.
#[derive(Clone, Debug, Default)]
pub struct EventsPage {
    /// What is around it.
    pub frame: Frame,
    /// What was said about the last request.
    pub notice: Option<Notice>,
    /// Every pool of listeners.
    pub listeners: Vec<Listener>,
    /// The serial number of the last event.
    pub last_serial: Option<u64>,
    /// How many events there were a minute, lately.
    pub rate: Option<f64>,
    /// How many events are kept, and since when.
    pub kept: Option<(usize, Moment)>,
    /// The events that were asked for, the newest first, at most [`EVENTS`].
    pub events: Vec<Event>,
    /// Whether there are older ones, and the serial number to ask for them with.
    pub older: Option<u64>,
    /// The kinds that are kept at all.
    pub kinds: Vec<Kind>,
    /// What was asked for.
    pub asked: AskedEvents,
}

/// A pool of listeners.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listener {
    /// Its name.
    pub name: String,
    /// The state of its first process, as Supervisor calls it.
    pub state: String,
    /// How many events wait for it.
    pub waiting: usize,
    /// How many events it had no room for.
    pub lost: u64,
}

/// Which events were asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AskedEvents {
    /// Only those about what this is found in.
    pub find: String,
    /// Only those of these kinds.
    pub kinds: Vec<Kind>,
    /// Only those before this one.
    pub before: Option<u64>,
    /// Whether like ones in a row are shown as one.
    pub folds: bool,
}

impl Default for AskedEvents {
    fn default() -> Self {
        let kinds = Kind::ALL.into_iter().filter(|kind| *kind != Kind::Tick);
        Self {
            find: String::new(),
            kinds: kinds.collect(),
            before: None,
            folds: true,
        }
    }
}

/// A kind of events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A process changed its state.
    State,
    /// A process wrote a line.
    Log,
    /// A process told something.
    Communication,
    /// A group was added or removed.
    Group,
    /// A client told something.
    Remote,
    /// The daemon began or ended.
    Daemon,
    /// Time passed.
    Tick,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::State,
        Self::Log,
        Self::Communication,
        Self::Group,
        Self::Remote,
        Self::Daemon,
        Self::Tick,
    ];

    /// What an address calls it.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::State => "state",
            Self::Log => "log",
            Self::Communication => "comm",
            Self::Group => "group",
            Self::Remote => "remote",
            Self::Daemon => "daemon",
            Self::Tick => "tick",
        }
    }

    /// The one that an address calls `code`.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.code() == code)
    }

    fn word(self) -> Word {
        match self {
            Self::State => Word::KindState,
            Self::Log => Word::KindLog,
            Self::Communication => Word::KindCommunication,
            Self::Group => Word::KindGroup,
            Self::Remote => Word::KindRemote,
            Self::Daemon => Word::KindDaemon,
            Self::Tick => Word::KindTick,
        }
    }
}

/// An event.
#[derive(Clone, Debug)]
pub struct Event {
    /// Its number.
    pub serial: u64,
    /// When it happened.
    pub at: Moment,
    /// The process or group that it is about; empty if none.
    pub subject: String,
    /// Whether that is a process.
    pub is_process: bool,
    /// Its kind.
    pub kind: Kind,
    /// Its type, in Supervisor's words.
    pub type_name: String,
    /// What happened.
    pub what: What,
    /// More about it, as whoever told it has it.
    pub detail: String,
    /// The pid of the child, if there is one to tell of.
    pub pid: Option<u32>,
    /// How the child ended, if that is what happened.
    pub ending: Option<Ending>,
}

impl Event {
    fn detail(&self, language: Language) -> String {
        if self.kind == Kind::State {
            detail(self.pid, self.ending.as_ref(), language)
        } else {
            self.detail.clone()
        }
    }
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// A process went from one state to another.
    Became(Option<Look>, Look),
    /// Something was written to standard output.
    Stdout,
    /// Something was written to standard error.
    Stderr,
    /// A process told something.
    Told,
    /// A group was added.
    GroupAdded,
    /// A group was removed.
    GroupRemoved,
    /// A client told something of this type.
    Remote(String),
    /// The daemon began.
    DaemonRuns,
    /// The daemon ended.
    DaemonStops,
    /// Another daemon took over from one that died.
    TookOver,
    /// Time passed.
    Tick,
}

impl AskedEvents {
    fn address(&self) -> String {
        let mut fields = Vec::new();
        if !self.find.is_empty() {
            fields.push(format!("q={}", quoted(&self.find)));
        }
        if self.kinds != Self::default().kinds {
            let codes: Vec<_> = self.kinds.iter().map(|kind| kind.code()).collect();
            fields.push(format!("kinds={}", codes.join(",")));
        }
        if !self.folds {
            fields.push("unfold=1".to_owned());
        }
        if let Some(before) = self.before {
            fields.push(format!("before={before}"));
        }
        format!(
            "events{}{}",
            if fields.is_empty() { "" } else { "?" },
            fields.join("&")
        )
    }

    fn with_kind(&self, kind: Kind) -> Self {
        let has = |it: &Kind| self.kinds.contains(it) != (*it == kind);
        let kinds = Kind::ALL.into_iter().filter(has).collect();
        Self {
            kinds,
            before: None,
            ..self.clone()
        }
    }
}

/// A row: an event, or several that are alike.
enum Line<'a> {
    One(&'a Event),
    Repeat {
        look: Look,
        events: &'a [Event],
        count: usize,
    },
}

/// Draws the page.
#[must_use]
pub fn draw(page: &EventsPage) -> String {
    let frame = &page.frame;
    let t = |word: Word| word.to(frame.language);
    let main = html! {
        @if let Some(notice) = &page.notice { (notice.draw(frame, &page.asked.address())) }
        (head(page))
        (strip(page))
        section.panel #events {
            @if page.events.is_empty() {
                div.none-yet {
                    @if page.kept.is_none() {
                        h2 { (t(Word::NoEvents)) } p { (t(Word::EventsAreFromNowOn)) }
                    } @else {
                        h2 { (t(Word::NoEventsMatch)) } p { (t(Word::NoEventsHint)) }
                    }
                }
            } @else {
                (table(page))
            }
            @if let Some(older) = page.older {
                @let asked = AskedEvents { before: Some(older), ..page.asked.clone() };
                nav.pager { a.btn.small.end href=(asked.address()) rel="next" { (t(Word::OlderEvents)) } }
            }
        }
    };
    frame.draw(t(Word::Events), Tab::Events, &main)
}

fn head(page: &EventsPage) -> Markup {
    let frame = &page.frame;
    let language = frame.language;
    let t = |word: Word| word.to(language);
    let listeners = page
        .listeners
        .iter()
        .map(|it| words::listener(&it.name, &it.state, it.waiting, it.lost, language));
    let listeners: Vec<_> = listeners.collect();
    html! {
        div.head {
            div {
                h1 { (t(Word::Events)) }
                dl.facts.js data-facts="" {
                    div { dt { (t(Word::Listeners)) } dd {
                        @if listeners.is_empty() { (t(Word::NoListeners)) } @else { (words::listed(&listeners, language)) }
                    } }
                    @if let Some(serial) = page.last_serial {
                        div { dt { (t(Word::LastSerial)) } dd.num title=(serial) { (figures::serial(serial)) } }
                    }
                    @if let Some(rate) = page.rate {
                        div { dt { (t(Word::Rate)) } dd.num { (words::a_minute(&format!("{rate:.0}"), language)) } }
                    }
                    @if let Some((count, since)) = &page.kept {
                        div { dt { (t(Word::Kept)) } dd { (words::events_kept(*count, &since.short(language), language)) } }
                    }
                }
                (frame.not_live())
            }
            div.acts {
                button.toggle.js type="button" aria-pressed="false" data-do="hold" data-own="" { (t(Word::Pause)) }
                a.btn href="daemon" { (t(Word::DaemonLog)) }
                @if frame.has_api { a.btn href="api/v1/events" { (t(Word::RawStream)) } }
            }
        }
    }
}

fn strip(page: &EventsPage) -> Markup {
    let asked = &page.asked;
    let t = |word: Word| word.to(page.frame.language);
    let turned = AskedEvents {
        folds: !asked.folds,
        ..asked.clone()
    };
    html! {
        div.strip {
            form.field method="get" action="events" role="search" {
                @if asked.kinds != AskedEvents::default().kinds {
                    input type="hidden" name="kinds"
                        value=(asked.kinds.iter().map(|it| it.code()).collect::<Vec<_>>().join(","));
                }
                input type="search" name="q" value=(asked.find) placeholder=(t(Word::FilterEvents))
                    aria-label=(t(Word::FilterEvents)) data-do="filter" autocomplete="off" spellcheck="false";
                kbd.js aria-hidden="true" { "/" }
            }
            div.chips role="group" aria-label=(t(Word::Kinds)) {
                @for kind in page.kinds.iter().copied() {
                    a.btn.small.toggle href=(asked.with_kind(kind).address()) role="button" data-kind=(kind.code())
                        aria-pressed=(asked.kinds.contains(&kind)) { (t(kind.word())) }
                }
            }
            a.btn.small.toggle href=(turned.address()) role="button" aria-pressed=(asked.folds) { (t(Word::FoldRepeats)) }
        }
    }
}

fn table(page: &EventsPage) -> Markup {
    let language = page.frame.language;
    let t = |word: Word| word.to(language);
    let mut day = None;
    html! {
        table.events role="table" {
            thead role="rowgroup" { tr role="row" {
                th.e-time role="columnheader" { (t(Word::Time)) }
                th.e-who role="columnheader" { (t(Word::Process)) }
                th.e-what role="columnheader" { (t(Word::WhatHappened)) }
                th.e-type role="columnheader" { (t(Word::Type)) }
                th.e-ser role="columnheader" { (t(Word::Serial)) }
            } }
            tbody role="rowgroup" {
                @for line in lines(page) {
                    @let first = match &line { Line::One(event) => event, Line::Repeat { events, .. } => &events[0] };
                    @let date = first.at.date(language);
                    @if day.as_ref() != Some(&date) {
                        tr.day role="row" { th role="cell" colspan="5" scope="rowgroup" { (date) } }
                        @let () = day = Some(date);
                    }
                    @match line {
                        Line::One(event) => (one(event, page)),
                        Line::Repeat { look, events, count } => (repeat(look, events, count, page)),
                    }
                }
            }
        }
    }
}

fn one(event: &Event, page: &EventsPage) -> Markup {
    let language = page.frame.language;
    html! {
        tr role="row" data-name=(event.serial) data-kind=(event.kind.code()) {
            td.e-time.num role="cell" title=(event.at.full) { (event.at.clock) }
            @if event.subject.is_empty() {
                td.e-who role="cell" {}
            } @else {
                th.e-who role="rowheader" scope="row" {
                    @if event.is_process { a href=(process_address(&event.subject)) { (event.subject) } }
                    @else { (event.subject) }
                }
            }
            td.e-what role="cell" { div.sv {
                (what(&event.what, language))
                @if matches!(event.kind, Kind::Log | Kind::Communication | Kind::Remote) {
                    code.muted { (event.detail(language)) }
                } @else { span.muted { (event.detail(language)) } }
            } }
            td.e-type.mono role="cell" { (event.type_name) }
            td.e-ser.num role="cell" title=(event.serial) { (figures::serial(event.serial)) }
        }
    }
}

fn what(what: &What, language: Language) -> Markup {
    let t = |word: Word| word.to(language);
    let text = match what {
        What::Became(from, to) => {
            return html! {
                span.to {
                    @if let Some(from) = from {
                        (from.shown(language)) span role="img" aria-label=(t(Word::Became)) { "→" }
                    }
                    (to.shown(language))
                }
            };
        }
        What::Stdout => t(Word::LineOnStdout).to_owned(),
        What::Stderr => t(Word::LineOnStderr).to_owned(),
        What::Told => t(Word::Communication).to_owned(),
        What::GroupAdded => t(Word::GroupAdded).to_owned(),
        What::GroupRemoved => t(Word::GroupRemoved).to_owned(),
        What::Remote(kind) => words::remote(kind, language),
        What::DaemonRuns => t(Word::DaemonRuns).to_owned(),
        What::DaemonStops => t(Word::DaemonStops).to_owned(),
        What::TookOver => t(Word::TookOver).to_owned(),
        What::Tick => t(Word::Tick).to_owned(),
    };
    html! { span.to.plain { (text) } }
}

fn repeat(look: Look, events: &[Event], count: usize, page: &EventsPage) -> Markup {
    let language = page.frame.language;
    let (Some(newest), Some(oldest)) = (events.first(), events.last()) else {
        return html! {};
    };
    let unfolded = AskedEvents {
        folds: false,
        find: newest.subject.clone(),
        ..page.asked.clone()
    };
    let state = words::state(look.state(), language);
    html! {
        tr role="row" data-name=(oldest.serial) data-kind="state" {
            td.e-time.num role="cell" title=(oldest.at.full) { (words::since(&oldest.at.clock, language)) }
            th.e-who role="rowheader" scope="row" { a href=(process_address(&newest.subject)) { (newest.subject) } }
            td.e-what role="cell" { div.sv {
                a.fold.btn href=(unfolded.address()) aria-expanded="false" { (look.with(&words::times(state, count, language))) }
                @let last = events.iter().find_map(|event| event.ending.as_ref());
                span.muted { (words::the_last_at(last, &newest.at.clock, language)) }
            } }
            td.e-type.mono role="cell" { "PROCESS_STATE_*" }
            td.e-ser.num role="cell" { (figures::count(events.len())) }
        }
    }
}

/// Folds what one process did again and again: as many states in a row, of the same process, as
/// make at least three times the worst of them.
fn lines(page: &EventsPage) -> Vec<Line<'_>> {
    let mut lines = Vec::new();
    let mut rest = &page.events[..];
    while let Some(first) = rest.first() {
        let alike = |event: &&Event| event.kind == Kind::State && event.subject == first.subject;
        let run = rest.iter().take_while(alike).count().max(1);
        let (these, others) = rest.split_at(run);
        // The two newest stay as they are: what happens now is read one by one.
        let (newest, older) = these.split_at(these.len().min(2));
        let folded = worst(older).filter(|(_, count)| page.asked.folds && *count >= FOLDED_FROM);
        lines.extend(newest.iter().map(Line::One));
        match folded {
            Some((look, count)) => lines.push(Line::Repeat {
                look,
                events: older,
                count,
            }),
            None => lines.extend(older.iter().map(Line::One)),
        }
        rest = others;
    }
    lines
}

/// The state that was entered most often, of equal ones the worst.
fn worst(events: &[Event]) -> Option<(Look, usize)> {
    let entered = |look: Look| {
        let is = |event: &&Event| matches!(event.what, What::Became(_, to) if to == look);
        events.iter().filter(is).count()
    };
    let looks = crate::glyph::ORDER
        .map(Look::Plain)
        .into_iter()
        .chain([Look::ExitedBadly]);
    let counted = looks
        .map(|look| (look, entered(look)))
        .filter(|(_, count)| *count > 0);
    counted.rev().max_by_key(|(_, count)| *count)
}
