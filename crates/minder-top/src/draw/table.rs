//! The table of groups and processes.

use minder_core::ProcessState;

use super::layout::Layout;
use crate::model::{Model, Row, Sort, Sum};
use crate::news::Process;
use crate::screen::{Colour, Screen, Style};
use crate::{text, words};

/// What stands in a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Column {
    Name,
    State,
    Pid,
    Uptime,
    Cpu,
    Memory,
    Restarts,
    Reason,
}

/// The cells in front of the names: whether it is marked.
const MARGIN: usize = 2;

/// How wide names are at least, and at most where there is no room to spare.
const LEAST_NAME: usize = 10;
const MODEST_NAME: usize = 22;

/// How wide the last column is at least, if it is shown.
const LEAST_REASON: usize = 12;

/// An end that is older is no reason for a colour.
const RECENT_SECS: f64 = 600.0;

impl Column {
    /// From left to right.
    const ALL: [Self; 8] = [
        Self::Name,
        Self::State,
        Self::Pid,
        Self::Uptime,
        Self::Cpu,
        Self::Memory,
        Self::Restarts,
        Self::Reason,
    ];

    /// What is shown first if there is not room for all, behind name and state.
    const BY_IMPORTANCE: [Self; 6] = [
        Self::Uptime,
        Self::Cpu,
        Self::Memory,
        Self::Reason,
        Self::Pid,
        Self::Restarts,
    ];

    fn title(self) -> &'static str {
        match self {
            Self::Name => "NAME",
            Self::State => "STATE",
            Self::Pid => "PID",
            Self::Uptime => "UPTIME",
            Self::Cpu => "CPU%",
            Self::Memory => "MEM",
            Self::Restarts => "RST",
            Self::Reason => "LAST EXIT, REASON",
        }
    }

    fn sort(self) -> Option<Sort> {
        Some(match self {
            Self::Name => Sort::Name,
            Self::State => Sort::State,
            Self::Uptime => Sort::Uptime,
            Self::Cpu => Sort::Cpu,
            Self::Memory => Sort::Memory,
            Self::Restarts => Sort::Restarts,
            Self::Pid | Self::Reason => return None,
        })
    }

    /// Its width, the least of those that vary.
    fn width(self) -> usize {
        match self {
            Self::Name => LEAST_NAME,
            Self::State => 8,
            Self::Pid => 7,
            Self::Uptime => 9,
            Self::Cpu | Self::Memory => 5,
            Self::Restarts => 4,
            Self::Reason => LEAST_REASON,
        }
    }

    fn is_number(self) -> bool {
        matches!(
            self,
            Self::Pid | Self::Uptime | Self::Cpu | Self::Memory | Self::Restarts
        )
    }
}

/// The columns that are shown, each with its first cell and the cell behind it.
fn columns(model: &Model, longest_name: usize) -> Vec<(Column, usize, usize)> {
    let mut left = model
        .width
        .saturating_sub(MARGIN + Column::Name.width() + 1 + Column::State.width());
    let mut shown = vec![Column::Name, Column::State];
    for column in Column::BY_IMPORTANCE {
        let known = match column {
            Column::Cpu | Column::Memory | Column::Restarts => model.measures(),
            _ => true,
        };
        if known && column.width() < left {
            left -= column.width() + 1;
            shown.push(column);
        }
    }
    // What is left is the names' first, as far as they need it, but not to the end of the reasons.
    let needed = longest_name.saturating_sub(Column::Name.width());
    let modest = needed.min(MODEST_NAME - LEAST_NAME);
    let name_gets = if shown.contains(&Column::Reason) {
        let generous = left.saturating_sub(2 * LEAST_REASON);
        needed.min(generous.max(modest)).min(left)
    } else {
        needed.min(left)
    };
    let mut x = MARGIN;
    let laid = Column::ALL
        .into_iter()
        .filter(|it| shown.contains(it))
        .map(|column| {
            let width = match column {
                Column::Name => column.width() + name_gets,
                Column::Reason => column.width() + left - name_gets,
                column => column.width(),
            };
            let end = (x + width).min(model.width);
            let place = (column, x, end);
            x = end + 1;
            place
        });
    laid.collect()
}

pub(super) fn draw(model: &Model, screen: &mut Screen, layout: &Layout) {
    let indents = |row: &Row| match row {
        Row::Process {
            index,
            is_member: true,
            ..
        } => text::width(&model.processes()[*index].process) + 2,
        Row::Process { name, .. } => text::width(name),
        Row::Group { name, .. } => text::width(name) + 2,
    };
    let longest = model.rows.iter().map(indents).max().unwrap_or(0);
    let columns = columns(model, longest);
    if let Some(y) = layout.titles {
        titles(model, screen, y, &columns);
    }
    let rows = model.rows.iter().enumerate().skip(model.top);
    for (line, (number, row)) in rows.take(layout.table.height).enumerate() {
        let y = layout.table.y + line;
        match row {
            Row::Group { name, members, .. } => {
                let members = members.iter().map(|&index| &model.processes()[index]);
                group(
                    model,
                    screen,
                    y,
                    &columns,
                    name,
                    &members.collect::<Vec<_>>(),
                );
            }
            Row::Process {
                index, is_member, ..
            } => {
                let process = &model.processes()[*index];
                one(model, screen, y, &columns, process, *is_member);
            }
        }
        let in_log = model.pane.as_ref().is_some_and(|pane| pane.focused);
        if number == model.cursor {
            screen.restyle(y, |style| {
                if in_log {
                    style.bold()
                } else {
                    style.reverse()
                }
            });
        }
    }
    if model.rows.is_empty() && layout.table.height > 1 && model.server.is_some() {
        let nothing = if model.processes().is_empty() {
            "There are no processes."
        } else {
            "Nothing has these words in its name or state."
        };
        screen.put(MARGIN, layout.table.y + 1, nothing, Style::default().dim());
    }
}

fn titles(model: &Model, screen: &mut Screen, y: usize, columns: &[(Column, usize, usize)]) {
    let style = Style::default().dim().reverse();
    screen.fill(0, y, screen.width(), style);
    for &(column, x, end) in columns {
        let is_sorted_by = column.sort() == Some(model.sort);
        let mut title = column.title().to_owned();
        if is_sorted_by {
            title.push_str(if model.inverted { "↑" } else { "↓" });
        }
        let style = if is_sorted_by {
            Style::default().bold().reverse()
        } else {
            style
        };
        put(screen, y, (column, x, end), &title, style);
    }
}

/// Writes into a column, numbers to its right.
fn put(screen: &mut Screen, y: usize, column: (Column, usize, usize), text: &str, style: Style) {
    let (column, x, end) = column;
    let text = text::fit(text, end - x);
    let x = if column.is_number() {
        end - text::width(&text)
    } else {
        x
    };
    screen.put_within(x, y, end, &text, style);
}

fn one(
    model: &Model,
    screen: &mut Screen,
    y: usize,
    columns: &[(Column, usize, usize)],
    process: &Process,
    is_member: bool,
) {
    let marked = model.marked().contains(&process.name);
    if marked {
        screen.put(0, y, "✓", Style::of(Colour::Cyan).bold());
    }
    let figures = process.figures;
    for &place in columns {
        let (column, x, end) = place;
        let plain = Style::default();
        let (text, style) = match column {
            Column::Name => {
                let (indent, name) = if is_member {
                    (2, &process.process)
                } else {
                    (0, &process.name)
                };
                let name = text::fit_middle(name, (end - x).saturating_sub(indent));
                let style = if marked {
                    Style::of(Colour::Cyan).bold()
                } else {
                    plain
                };
                (format!("{:indent$}{name}", ""), style)
            }
            Column::State => (process.state.name().to_owned(), style_of_process(process)),
            Column::Pid => (
                process.pid.map(|pid| pid.to_string()).unwrap_or_default(),
                plain.dim(),
            ),
            Column::Uptime => (uptime(model, process), plain),
            Column::Cpu => (load(figures.and_then(|it| it.load)), plain),
            Column::Memory => (memory(figures.map(|it| it.memory)), plain),
            Column::Restarts => restarts(process.restarts, process.flapping),
            Column::Reason => reason(process, model.wall()),
        };
        put(screen, y, place, &text, style);
    }
}

fn group(
    model: &Model,
    screen: &mut Screen,
    y: usize,
    columns: &[(Column, usize, usize)],
    name: &str,
    members: &[&Process],
) {
    let sum = Sum::of(members.iter().copied());
    if members.iter().all(|it| model.marked().contains(&it.name)) {
        screen.put(0, y, "✓", Style::of(Colour::Cyan).bold());
    }
    for &place in columns {
        let (column, x, end) = place;
        let plain = Style::default().bold();
        let (text, style) = match column {
            Column::Name => {
                let sign = if model.is_folded(name) { "▸" } else { "▾" };
                let name = text::fit_middle(name, (end - x).saturating_sub(2));
                (format!("{sign} {name}"), plain)
            }
            Column::State => {
                let style = sum.worst.map(style_of).unwrap_or_default();
                (format!("{}/{} up", sum.running, sum.processes), style)
            }
            Column::Cpu => (load(sum.load), plain),
            Column::Memory => (memory(sum.memory), plain),
            Column::Restarts => restarts(sum.restarts, members.iter().any(|it| it.flapping)),
            Column::Pid | Column::Uptime | Column::Reason => continue,
        };
        put(screen, y, place, &text, style);
    }
}

/// As its state looks; an end that nobody expected stands out.
pub(super) fn style_of_process(process: &Process) -> Style {
    let is_bad = process.last_end.as_ref().is_some_and(|end| end.bad);
    if process.state == ProcessState::Exited && is_bad {
        return Style::of(Colour::Yellow).bold();
    }
    style_of(process.state)
}

pub(super) fn style_of(state: ProcessState) -> Style {
    match state {
        ProcessState::Running => Style::of(Colour::Green),
        ProcessState::Starting => Style::of(Colour::Cyan),
        ProcessState::Stopping => Style::of(Colour::Magenta),
        ProcessState::Backoff => Style::of(Colour::Yellow).bold(),
        ProcessState::Exited => Style::default(),
        ProcessState::Fatal | ProcessState::Unknown => Style::of(Colour::Red).bold(),
        ProcessState::Stopped => Style::default().dim(),
    }
}

fn uptime(model: &Model, process: &Process) -> String {
    let up = process.started.filter(|_| process.pid.is_some());
    up.map(|started| words::uptime(model.wall() - started))
        .unwrap_or_default()
}

fn load(load: Option<f64>) -> String {
    load.map(words::load).unwrap_or_default()
}

fn memory(memory: Option<u64>) -> String {
    memory.map(words::memory).unwrap_or_default()
}

fn restarts(restarts: Option<u64>, flapping: bool) -> (String, Style) {
    let text = restarts.filter(|it| *it > 0).map(|it| it.to_string());
    let style = if flapping {
        Style::of(Colour::Yellow).bold()
    } else {
        Style::default()
    };
    (text.unwrap_or_default(), style)
}

/// Why a process is as it is, the most telling first.
fn reason(process: &Process, now: f64) -> (String, Style) {
    let quiet = Style::default().dim();
    let end = process.last_end.as_ref().map(|end| {
        let recent = end.bad && now - end.at < RECENT_SECS;
        (
            format!("{}, {} ago", end.how, words::age(now - end.at)),
            recent,
        )
    });
    match process.state {
        ProcessState::Fatal | ProcessState::Backoff | ProcessState::Unknown => {
            let end = process.last_end.as_ref().map(|end| end.how.as_str());
            let parts = end.into_iter().chain([process.description.as_str()]);
            let parts: Vec<&str> = parts.filter(|part| !part.is_empty()).collect();
            (parts.join(" · "), style_of(process.state))
        }
        ProcessState::Running | ProcessState::Starting | ProcessState::Stopping => {
            let flapping = if process.flapping {
                "again and again: "
            } else {
                ""
            };
            match end {
                Some((end, recent)) if recent || process.flapping => {
                    (format!("{flapping}{end}"), Style::of(Colour::Yellow))
                }
                Some((end, _)) => (end, quiet),
                None => (String::new(), quiet),
            }
        }
        ProcessState::Exited => match end {
            Some((end, true)) => (end, Style::of(Colour::Yellow)),
            Some((end, false)) => (end, quiet),
            None => (process.description.clone(), quiet),
        },
        ProcessState::Stopped => (process.description.clone(), quiet),
    }
}
