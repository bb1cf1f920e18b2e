//! The pane that shows a log.

use super::layout::Lines;
use crate::log::Heard;
use crate::model::Pane;
use crate::screen::{Colour, Screen, Style};
use crate::text;

pub(super) fn draw(pane: &Pane, screen: &mut Screen, lines: Lines) {
    title(pane, screen, lines.y);
    let log = &pane.log;
    let (y, height) = (lines.y + 1, lines.height.saturating_sub(1));
    let seen = log.seen(screen.width(), height);
    for (line, (text, is_remark)) in seen.iter().enumerate() {
        let style = if *is_remark {
            Style::of(Colour::Yellow)
        } else {
            Style::default()
        };
        screen.put(0, y + line, text, style);
    }
    let remark = match (&log.subject, &log.state) {
        (None, _) => Some("This is a group. Choose one of its processes.".to_owned()),
        (Some(_), Heard::Nothing) => Some("…".to_owned()),
        (Some(_), Heard::Begun) if log.is_empty() => {
            Some("Nothing has been written yet.".to_owned())
        }
        (Some(_), Heard::Ended(why)) => Some(why.clone()),
        (Some(_), Heard::Begun) => None,
    };
    if let Some(remark) = remark {
        let line = seen.len().min(height.saturating_sub(1));
        screen.fill(0, y + line, screen.width(), Style::default());
        screen.put(0, y + line, &remark, Style::default().dim());
    }
}

fn title(pane: &Pane, screen: &mut Screen, y: usize) {
    let width = screen.width();
    let rule = if pane.focused {
        Style::of(Colour::Cyan).bold()
    } else {
        Style::default().dim()
    };
    screen.put(0, y, &"─".repeat(width), rule);
    let log = &pane.log;
    let state = match log.held_at {
        Some(_) if log.unseen() > 0 => format!(" held, {} more below ", log.unseen()),
        Some(_) => " held ".to_owned(),
        None => " following ".to_owned(),
    };
    let cut = if log.wraps {
        String::new()
    } else {
        format!(" from column {} ", log.left + 1)
    };
    let right = width.saturating_sub(text::width(&state) + text::width(&cut) + 2);
    if let Some(subject) = &log.subject {
        let channel = subject.channel.to_string();
        let name = text::fit_middle(&subject.name, right.saturating_sub(channel.len() + 7));
        screen.put_within(2, y, right, &format!(" {name} {channel} "), rule);
        let x = screen.put(right, y, &cut, rule);
        let style = if log.held_at.is_some() {
            Style::of(Colour::Yellow).bold()
        } else {
            rule
        };
        screen.put(x, y, &state, style);
    }
}
