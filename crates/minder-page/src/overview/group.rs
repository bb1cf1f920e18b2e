//! A group in the table: its processes, and the line above them with what they come to.

use maud::{Markup, html};
use minder_core::ProcessState;

use super::row::{figure_cell, no_slot, slot};
use super::{Overview, Row};
use crate::figures;
use crate::glyph::{Look, ORDER};
use crate::words::{self, Word};

/// A group, and its processes by name.
#[derive(Clone, Debug)]
pub struct Group {
    /// Its name.
    pub name: String,
    /// Its processes.
    pub rows: Vec<Row>,
}

impl Group {
    /// Whether it is one program with one process, which needs no head.
    pub(super) fn is_single(&self) -> bool {
        matches!(&*self.rows, [row] if row.name == self.name)
    }

    /// What people call all of it.
    fn all(&self) -> String {
        format!("{}:*", self.name)
    }
}

pub(super) fn group_head(
    page: &Overview,
    group: &Group,
    rows: &[&Row],
    is_folded: bool,
    is_large: bool,
) -> Markup {
    let frame = &page.frame;
    let language = frame.language;
    let all = group.all();
    let sum = Sum::of(rows);
    let counted = ORDER.into_iter().filter_map(|state| {
        let count = rows.iter().filter(|row| row.look.state() == state).count();
        (count > 0).then_some((state, count))
    });
    let counted: Vec<_> = counted.collect();
    let is_up = rows.iter().any(|row| row.look.state().is_running());
    let span = if sum.has_children { "3" } else { "5" };
    html! {
        tr.group role="row" data-group=(group.name) {
            td.c-sel role="cell" {
                @if frame.may_act {
                    input type="checkbox" name="g" value=(all) data-group=(group.name)
                        aria-label=(words::select(&all, language));
                }
            }
            th.c-name role="rowheader" scope="rowgroup" {
                a.fold href=(page.asked.with_turned(&group.name).address()) data-do="fold"
                    aria-expanded=(!is_folded) { (group.name) }
            }
            td.c-state role="cell" colspan=(span) {
                span.sum {
                    @if is_large { (bar(&counted)) }
                    @for (state, count) in &counted {
                        (Look::Plain(*state).with(&words::states(*count, *state, language)))
                    }
                }
            }
            @if sum.has_children {
                (figure_cell("c-cpu", sum.cpu.map(figures::percent)))
                (figure_cell("c-mem", sum.memory.map(figures::bytes)))
            }
            td.c-rst.num role="cell" { (sum.restarts.map(|it| it.to_string()).unwrap_or_default()) }
            td.c-act role="cell" {
                @if frame.may_act {
                    div.acts {
                        @if is_up { (slot(Word::Restart, &all, language)) } @else { (slot(Word::Start, &all, language)) }
                        @if is_up { (slot(Word::Stop, &all, language)) } @else { (no_slot()) }
                        (no_slot())
                    }
                }
            }
        }
    }
}

/// What a group comes to.
struct Sum {
    has_children: bool,
    cpu: Option<f64>,
    memory: Option<u64>,
    restarts: Option<u32>,
}

impl Sum {
    fn of(rows: &[&Row]) -> Self {
        let children = || rows.iter().filter_map(|row| row.child.as_ref());
        let cpu = children().filter_map(|child| child.cpu.as_ref().map(|(now, _)| *now));
        let memory = children().filter_map(|child| child.memory.as_ref().map(|(now, _)| *now));
        let (cpu, memory): (Vec<_>, Vec<_>) = (cpu.collect(), memory.collect());
        let restarts: Vec<_> = rows.iter().filter_map(|row| row.restarts).collect();
        Self {
            has_children: children().next().is_some(),
            // A sum of some would be taken for one of all.
            cpu: (cpu.len() == children().count()).then(|| cpu.iter().sum()),
            memory: (memory.len() == children().count()).then(|| memory.iter().sum()),
            restarts: (!restarts.is_empty()).then(|| restarts.iter().sum()),
        }
    }
}

/// The states of a large group as shares of a bar.
fn bar(counted: &[(ProcessState, usize)]) -> Markup {
    const WIDTH: usize = 224;
    let all: usize = counted.iter().map(|(_, count)| count).sum();
    let mut at = 0;
    html! {
        svg.bar.tl viewBox="0 0 224 12" preserveAspectRatio="none" aria-hidden="true" {
            @for (state, count) in counted {
                // What is there at all is seen.
                @let width = (WIDTH * count / all.max(1)).max(3);
                @let x = at;
                @let () = at += width;
                @let hatch = match state {
                    ProcessState::Backoff => Some("url(#h-backoff)"),
                    ProcessState::Fatal => Some("url(#h-fatal)"),
                    _ => None,
                };
                rect class=(Look::Plain(*state).class()) x=(x) y="0" width=(width) height="12" fill=[hatch] {}
            }
        }
    }
}
