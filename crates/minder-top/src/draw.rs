//! Draws the whole screen.

mod dialog;
pub(crate) mod help;
pub(crate) mod layout;
mod pane;
mod table;

use minder_core::ProcessState;

use crate::model::{Mode, Model, Sum};
use crate::news::Source;
use crate::screen::{Colour, Screen, Style};
use crate::{text, words};
use layout::{LEAST, Layout};

/// The states as they are counted, trouble first: this may be all that there is room for.
const STATES: [ProcessState; 8] = [
    ProcessState::Fatal,
    ProcessState::Backoff,
    ProcessState::Unknown,
    ProcessState::Running,
    ProcessState::Starting,
    ProcessState::Stopping,
    ProcessState::Exited,
    ProcessState::Stopped,
];

/// How many of these are trouble.
const TROUBLES: usize = 3;

/// Keys that the last line reminds of, the most useful first: what does not fit is left out.
const REMINDERS: [(&str, &str); 9] = [
    ("?", "help"),
    ("s", "start"),
    ("x", "stop"),
    ("r", "restart"),
    ("l", "log"),
    ("/", "filter"),
    ("space", "mark"),
    ("K", "signal"),
    ("q", "quit"),
];

/// The same while the log is what keys move in.
const LOG_REMINDERS: [(&str, &str); 8] = [
    ("?", "help"),
    ("Tab", "table"),
    ("Esc", "close"),
    ("p", "hold"),
    ("G", "end"),
    ("o", "stdout/stderr"),
    ("z", "whole screen"),
    ("w", "wrap"),
];

pub(crate) fn screen(model: &Model) -> Screen {
    let mut screen = Screen::new(model.width, model.height);
    if model.width < LEAST.0 || model.height < LEAST.1 {
        screen.put(0, 0, "too small", Style::default());
        return screen;
    }
    let layout = Layout::of(model);
    table::draw(model, &mut screen, &layout);
    if let (Some(pane), Some(lines)) = (&model.pane, layout.log) {
        pane::draw(pane, &mut screen, lines);
    }
    if model.lost.is_some() {
        // What is seen is how things were.
        for y in layout.table.y..layout.table.y + layout.table.height {
            screen.restyle(y, Style::dim);
        }
    }
    who(model, &mut screen);
    if layout.head > 1 {
        counts(model, &mut screen);
    }
    if let Some(y) = layout.detail {
        detail(model, &mut screen, y);
    }
    foot(model, &mut screen, layout.foot);
    match &model.mode {
        Mode::Browse | Mode::Filter { .. } => {}
        Mode::Help { from } => dialog::help(&mut screen, *from),
        Mode::Signal { chosen, names } => dialog::signal(&mut screen, *chosen, names),
        Mode::Confirm(question) => dialog::confirm(&mut screen, question),
    }
    screen
}

/// The first line: who answers, or that nobody does.
fn who(model: &Model, screen: &mut Screen) {
    let warning = Style::of(Colour::Yellow).bold().reverse();
    let (news, style) = match (&model.lost, &model.server) {
        (Some(why), _) => (format!(" connecting… ({why}) "), warning),
        (None, None) => (" connecting… ".to_owned(), warning),
        (None, Some(server)) if server.state != "RUNNING" => {
            (format!(" {} ", server.state), warning)
        }
        (None, Some(_)) => (String::new(), warning),
    };
    let news = text::fit(&news, model.width);
    let end = model.width - text::width(&news);
    screen.put(end, 0, &news, style);
    let mut x = 0;
    for (part, style) in named(model) {
        if x + 1 + text::width(&part) < end {
            x = screen.put(x + 1, 0, &part, style) + 1;
        }
    }
}

/// Who answers, in parts, the most telling first.
fn named(model: &Model) -> Vec<(String, Style)> {
    let bold = Style::default().bold();
    let quiet = Style::default().dim();
    let Some(server) = &model.server else {
        return vec![("supervisorctl top".to_owned(), bold)];
    };
    let name = match server.source {
        Source::Minder => "minder",
        Source::Supervisor => "Supervisor",
    };
    let mut parts = vec![
        (format!("{name} {}", server.version), bold),
        (server.identifier.clone(), quiet),
    ];
    parts.extend(server.pid.map(|pid| (format!("pid {pid}"), quiet)));
    let up = |at| format!("up {}", words::uptime(model.wall() - at));
    parts.extend(server.started.map(|at| (up(at), quiet)));
    let deaths = match server.deaths {
        0 => return parts,
        1 => "1 daemon died".to_owned(),
        deaths => format!("{deaths} daemons died"),
    };
    parts.push((deaths, Style::of(Colour::Yellow)));
    parts
}

/// The second line: how many are in each state, and what all of them take.
fn counts(model: &Model, screen: &mut Screen) {
    if model.server.is_none() {
        return;
    }
    let all = model.processes();
    let sum = Sum::of(all);
    let mut x = screen.put(1, 1, &words::processes(all.len()), Style::default().bold());
    let mut parts = Vec::new();
    if let Some(load) = sum.load {
        parts.push(format!("CPU {}%", words::load(load)));
    }
    if let Some(memory) = sum.memory {
        parts.push(format!("MEM {}", words::memory(memory)));
    }
    if model
        .server
        .as_ref()
        .is_some_and(|it| it.source == Source::Supervisor)
    {
        parts = vec!["no CPU, memory".to_owned()];
    }
    let totals = format!("{} ", parts.join("  "));
    let end = model.width.saturating_sub(text::width(&totals));
    for (place, state) in STATES.into_iter().enumerate() {
        let count = all.iter().filter(|it| it.state == state).count();
        let text = format!("  {count} {}", state.name().to_lowercase());
        // Rather no totals than a trouble that is not told.
        let end = if place < TROUBLES { model.width } else { end };
        if count > 0 && x + text.len() < end {
            x = screen.put(x, 1, &text, table::style_of(state));
        }
    }
    let marked = model.marked().len();
    let text = format!("  {marked} marked");
    if marked > 0 && x + text.len() < end {
        x = screen.put(x, 1, &text, Style::of(Colour::Cyan).bold());
    }
    if x < end {
        screen.put(end, 1, &totals, Style::default());
    }
}

/// What else is known of what is under the cursor.
fn detail(model: &Model, screen: &mut Screen, y: usize) {
    let Some(process) = model.current() else {
        return;
    };
    let mut x = screen.put(1, y, &process.name, Style::default().bold());
    x = screen.put(
        x + 1,
        y,
        process.state.name(),
        table::style_of_process(process),
    );
    // Supervisor's description of what is up says the same, as it was when it was told.
    let up = process
        .pid
        .zip(process.started)
        .map(|(pid, started)| format!("pid {pid}, up {}", words::uptime(model.wall() - started)));
    let mut parts = vec![up.unwrap_or_else(|| process.description.clone())];
    if let Some(end) = &process.last_end {
        let ago = words::age(model.wall() - end.at);
        parts.push(format!("last end: {}, {ago} ago", end.how));
    }
    if let Some(restarts) = process.restarts.filter(|it| *it > 0) {
        parts.push(format!("{restarts} restarts within a day"));
    }
    parts.retain(|part| !part.is_empty());
    let room = model.width.saturating_sub(x + 1);
    screen.put(
        x + 1,
        y,
        &text::fit(&parts.join(" · "), room),
        Style::default(),
    );
}

/// The last line: what is typed, what was said, or which keys there are.
fn foot(model: &Model, screen: &mut Screen, y: usize) {
    if let Mode::Filter { .. } = model.mode {
        let x = screen.put(1, y, "/", Style::of(Colour::Cyan).bold());
        // The end is what is being typed.
        let surplus = text::width(&model.filter).saturating_sub(model.width - x - 1);
        let x = screen.put(
            x,
            y,
            &text::from_cell(&model.filter, surplus),
            Style::default(),
        );
        screen.show_cursor(x, y);
        screen.put(
            x + 2,
            y,
            "Enter keeps, Esc gives up",
            Style::default().dim(),
        );
        return;
    }
    if let Some(message) = model.message() {
        let style = if message.bad {
            Style::of(Colour::Red).bold()
        } else {
            Style::of(Colour::Green).bold()
        };
        screen.put(1, y, &text::fit(&message.text, model.width - 1), style);
        return;
    }
    let mut x = 1;
    if !model.filter.is_empty() {
        x = screen.put(
            x,
            y,
            &format!("/{}", text::fit(&model.filter, model.width / 3)),
            Style::of(Colour::Cyan).bold(),
        );
        x += 2;
    }
    let in_log = model.pane.as_ref().is_some_and(|pane| pane.focused);
    let reminders: &[(&str, &str)] = if in_log { &LOG_REMINDERS } else { &REMINDERS };
    for (key, what) in reminders {
        if x + key.len() + what.len() + 1 > model.width {
            break;
        }
        x = screen.put(x, y, key, Style::of(Colour::Cyan).bold());
        x = screen.put(x + 1, y, what, Style::default().dim()) + 2;
    }
}
