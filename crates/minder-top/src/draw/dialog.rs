//! What stands in front of everything else: the help, and questions.

use super::help;
use super::layout::Layout;
use crate::model::{Question, SIGNALS};
use crate::screen::{Colour, Screen, Style};
use crate::{text, words};

/// How many processes a question names.
const NAMED: usize = 6;

/// A line of a dialog: what is written, how, and what is written behind it.
type Line = (String, Style, String);

pub(super) fn help(screen: &mut Screen, from: usize) {
    let lines = help::lines().map(|(key, what)| {
        let style = if what.is_empty() {
            Style::of(Colour::Cyan).bold()
        } else {
            Style::default().bold()
        };
        (key, style, what.to_owned())
    });
    let lines: Vec<Line> = lines.skip(from).collect();
    frame(screen, "Keys", &lines, None);
}

pub(super) fn signal(screen: &mut Screen, chosen: usize, names: &[String]) {
    let lines = SIGNALS.iter().map(|(signal, what)| {
        (
            format!(" {signal:6}"),
            Style::default().bold(),
            format!("{what} "),
        )
    });
    let title = format!("Signal for {}", words::some(names));
    frame(screen, &title, &lines.collect::<Vec<_>>(), Some(chosen));
}

pub(super) fn confirm(screen: &mut Screen, question: &Question) {
    let plain = Style::default();
    let mut lines = vec![(question.text(), plain.bold(), String::new())];
    if question.names.len() > 2 {
        let named = question.names.iter().take(NAMED);
        lines.extend(named.map(|name| (format!("  {name}"), plain, String::new())));
        if let Some(more) = question
            .names
            .len()
            .checked_sub(NAMED)
            .filter(|more| *more > 0)
        {
            lines.push((format!("  and {more} more"), plain.dim(), String::new()));
        }
    }
    lines.push((String::new(), plain, String::new()));
    let cursor = if question.wants_number() {
        let ask = format!("Type {} and Enter, or Esc: ", question.names.len());
        lines.push((ask, plain, question.typed.clone()));
        true
    } else {
        lines.push((
            "y".to_owned(),
            Style::of(Colour::Red).bold(),
            " yes    n no".to_owned(),
        ));
        false
    };
    let (x, y) = frame(screen, "Sure?", &lines, None);
    if cursor {
        screen.show_cursor(x, y);
    }
}

/// Draws a box in the middle, and returns the place behind what was written last.
fn frame(
    screen: &mut Screen,
    title: &str,
    lines: &[Line],
    chosen: Option<usize>,
) -> (usize, usize) {
    let width_of = |(key, _, what): &Line| text::width(key) + text::width(what);
    let widest = lines
        .iter()
        .map(width_of)
        .max()
        .unwrap_or(0)
        .max(text::width(title) + 2);
    let inner = (widest + 2).min(screen.width().saturating_sub(2));
    let height = lines.len().min(Layout::dialog_height(screen.height()));
    let left = (screen.width() - inner - 2) / 2;
    let top = (screen.height().saturating_sub(height + 2)) / 2;
    let (right, border) = (left + inner + 1, Style::of(Colour::Cyan));
    let rule = "─".repeat(inner);
    screen.put(left, top, &format!("┌{rule}┐"), border);
    screen.put_within(
        left + 2,
        top,
        right,
        &format!(" {} ", text::fit(title, inner.saturating_sub(4))),
        border.bold(),
    );
    let mut end = (left + 2, top);
    for (line, (key, style, what)) in lines.iter().take(height).enumerate() {
        let y = top + 1 + line;
        screen.put(left, y, "│", border);
        screen.fill(left + 1, y, right, Style::default());
        let is_chosen = chosen == Some(line);
        let dress = |style: Style| if is_chosen { style.reverse() } else { style };
        let x = screen.put_within(left + 2, y, right, key, dress(*style));
        let x = screen.put_within(x, y, right, what, dress(Style::default()));
        screen.put(right, y, "│", border);
        end = (x, y);
    }
    screen.put(left, top + height + 1, &format!("└{rule}┘"), border);
    end
}
