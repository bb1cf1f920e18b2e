//! Showing where something is: file, line and column, the line itself, and what to do.

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use crate::error::ConfigError;
use crate::source::Location;
use crate::warning::Warning;

/// Whether a report is written with colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colour {
    /// For a file or a pipe.
    Plain,
    /// For a terminal.
    Ansi,
}

/// The longest line that is shown whole; of a longer one only the place is told.
const MAX_SHOWN_LINE: usize = 400;

impl ConfigError {
    /// What there is to say behind Supervisor's own text: the place and the hint, on lines of
    /// their own; empty if neither is known.
    #[must_use]
    pub fn report(&self, colour: Colour) -> String {
        report(
            None,
            self.location.as_ref(),
            self.hint(),
            Level::ERROR,
            colour,
        )
    }

    /// The same below Supervisor's own text.
    #[must_use]
    pub fn whole_report(&self, colour: Colour) -> String {
        let text = self.to_string();
        let place = self.location.as_ref();
        report(Some(&text), place, self.hint(), Level::ERROR, colour)
    }
}

impl Warning {
    /// The place that it is about, on lines of their own; empty if none is known.
    #[must_use]
    pub fn report(&self, colour: Colour) -> String {
        report(None, self.location.as_ref(), None, Level::WARNING, colour)
    }

    /// The same below what is told.
    #[must_use]
    pub fn whole_report(&self, colour: Colour) -> String {
        let (text, place) = (Some(self.text.as_str()), self.location.as_ref());
        report(text, place, None, Level::WARNING, colour)
    }
}

fn report(
    title: Option<&str>,
    location: Option<&Location>,
    hint: Option<String>,
    level: Level<'_>,
    colour: Colour,
) -> String {
    let renderer = match colour {
        Colour::Plain => Renderer::plain(),
        Colour::Ansi => Renderer::styled(),
    };
    let mut group = match title {
        None => Group::with_level(level),
        Some(title) => Group::with_title(level.primary_title(title)),
    };
    let shown = location.map(Excerpt::of);
    if let Some(excerpt) = &shown {
        group = group.element(
            Snippet::source(excerpt.lines)
                .path(excerpt.path)
                .line_start(excerpt.first_line)
                .annotation(AnnotationKind::Primary.span(excerpt.span.clone())),
        );
    }
    if let Some(hint) = hint {
        group = group.element(Level::HELP.message(hint));
    }
    if title.is_none() && group.is_empty() {
        return String::new();
    }
    renderer.render(&[group]) + "\n"
}

/// The line that a place begins in.
struct Excerpt<'a> {
    path: &'a str,
    lines: &'a str,
    first_line: usize,
    /// What is marked, within the lines.
    span: std::ops::Range<usize>,
}

impl<'a> Excerpt<'a> {
    fn of(location: &'a Location) -> Self {
        let text = location.file().text();
        let span = location.span();
        let start = text[..span.start]
            .rfind(['\n', '\r'])
            .map_or(0, |end| end + 1);
        let end = text[span.start..]
            .find(['\n', '\r'])
            .map_or(text.len(), |length| span.start + length);
        let (start, end) = if end - start > MAX_SHOWN_LINE {
            (span.start, span.start)
        } else {
            (start, end)
        };
        Self {
            path: location.file().path(),
            lines: &text[start..end],
            first_line: location.line(),
            span: span.start - start..span.end.min(end) - start,
        }
    }
}
