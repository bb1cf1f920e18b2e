//! A process in the table: its state, its figures, and what can be done with it.

use std::time::Duration;

use maud::{Markup, html};
use minder_core::ProcessState;

use crate::curve::Series;
use crate::frame::{Frame, Language};
use crate::glyph::Look;
use crate::reason::Reason;
use crate::words::{self, Word};
use crate::{figures, process_address};

/// A process in the table.
#[derive(Clone, Debug)]
pub struct Row {
    /// Its name within its group.
    pub name: String,
    /// What people call it.
    pub full_name: String,
    /// Its state.
    pub look: Look,
    /// Why it is so.
    pub reason: Reason,
    /// What is known of its child, if it has one.
    pub child: Option<Child>,
    /// How often it was restarted within a day, if that is known.
    pub restarts: Option<u32>,
    /// Whether it is restarted again and again.
    pub is_flapping: bool,
}

/// What is known of a child.
#[derive(Clone, Debug)]
pub struct Child {
    /// Its pid.
    pub pid: u32,
    /// For how long it has run.
    pub uptime: Duration,
    /// Its share of a processor in per cent, now and in the last hour.
    pub cpu: Option<(f64, Series)>,
    /// Its memory in bytes, now and in the last hour.
    pub memory: Option<(u64, Series)>,
}

pub(super) fn process_row(row: &Row, is_member: bool, frame: &Frame, with_lines: bool) -> Markup {
    let language = frame.language;
    let reason = row.reason.text(language);
    let name = if is_member { &row.name } else { &row.full_name };
    let why = html! { span.why title=[(!reason.is_empty()).then_some(&reason)] { (reason) } };
    html! {
        tr class=[is_member.then_some("m")] role="row" data-name=(row.full_name) data-state=(row.look.state().name()) {
            td.c-sel role="cell" {
                @if frame.may_act {
                    input type="checkbox" name="p" value=(row.full_name)
                        aria-label=(words::select(&row.full_name, language));
                }
            }
            th.c-name role="rowheader" scope="row" { a href=(process_address(&row.full_name)) { (name) } }
            @if let Some(child) = &row.child {
                td.c-state role="cell" { div.sv { (row.look.shown(language)) (why) } }
                td.c-up.num role="cell" { (figures::duration(child.uptime, language)) }
                td.c-pid.num role="cell" { (child.pid) }
                @let cpu = child.cpu.as_ref().map(|(now, line)| (figures::percent(*now), line));
                @let memory = child.memory.as_ref().map(|(now, line)| (figures::bytes(*now), line));
                (meter_cell("c-cpu", cpu, with_lines))
                (meter_cell("c-mem", memory, with_lines))
            } @else {
                td.c-state role="cell" colspan="5" { div.sv { (row.look.shown(language)) (why) } }
            }
            td.c-rst.num role="cell" { (restarts(row, language)) }
            td.c-act role="cell" { (slots(row, frame)) }
        }
    }
}

fn restarts(row: &Row, language: Language) -> Markup {
    html! {
        @match row.restarts {
            Some(count) if row.is_flapping => span.flap title=(Word::Flapping.to(language)) { (count) },
            Some(count) => (count),
            None => span.faint { "–" },
        }
    }
}

fn meter_cell(class: &str, meter: Option<(String, &Series)>, with_line: bool) -> Markup {
    let Some((figure, line)) = meter else {
        return figure_cell(class, None);
    };
    if !with_line {
        return figure_cell(class, Some(figure));
    }
    html! { td class=(class) role="cell" { div.meter { (line.spark()) span.num { (figure) } } } }
}

pub(super) fn figure_cell(class: &str, figure: Option<String>) -> Markup {
    html! {
        td class=(class) role="cell" { div.meter { span {}
            @match figure {
                Some(figure) => span.num { (figure) },
                None => span.faint { "–" },
            }
        } }
    }
}

/// Three slots, of which one without sense is left empty.
fn slots(row: &Row, frame: &Frame) -> Markup {
    let (name, language) = (&row.full_name, frame.language);
    let (first, second) = verbs(row.look.state());
    html! {
        div.acts {
            @if frame.may_act {
                @match first { Some(verb) => (slot(verb, name, language)), None => (no_slot()) }
                @match second { Some(verb) => (slot(verb, name, language)), None => (no_slot()) }
            }
            a.btn href={ (process_address(name)) "#log" } aria-label=(words::act_on(Word::Log, name, language)) {
                (Word::Log.to(language))
            }
        }
    }
}

/// What can be done with a process in this state.
pub(crate) fn verbs(state: ProcessState) -> (Option<Word>, Option<Word>) {
    match state {
        ProcessState::Running | ProcessState::Starting => (Some(Word::Restart), Some(Word::Stop)),
        ProcessState::Backoff => (None, Some(Word::Stop)),
        ProcessState::Stopping => (None, None),
        ProcessState::Stopped
        | ProcessState::Exited
        | ProcessState::Fatal
        | ProcessState::Unknown => (Some(Word::Start), None),
    }
}

/// The signals that are offered: the name of each, what stands on its button, and its class.
pub(crate) fn signals(language: Language) -> [(&'static str, &'static str, &'static str); 5] {
    [
        ("HUP", Word::SignalHup.to(language), ""),
        ("USR1", Word::SignalUsr1.to(language), ""),
        ("USR2", "USR2", ""),
        ("QUIT", "QUIT", ""),
        ("KILL", "KILL", "danger"),
    ]
}

/// The name of the field that a verb's button is.
pub(crate) fn field(verb: Word) -> &'static str {
    match verb {
        Word::Restart => "restart",
        Word::Stop => "stop",
        Word::ClearLog => "clearlog",
        _ => "start",
    }
}

pub(super) fn slot(verb: Word, name: &str, language: Language) -> Markup {
    html! {
        button name=(field(verb)) value=(name) aria-label=(words::act_on(verb, name, language)) { (verb.to(language)) }
    }
}

pub(super) fn no_slot() -> Markup {
    html! { span.none {} }
}
