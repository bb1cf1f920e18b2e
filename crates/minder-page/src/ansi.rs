//! What programs write, with the colours that they meant, as lines of a page.
//!
//! Of escape sequences, those that set one of the 16 colours, bold and faint become classes; all
//! others are left out, and so are control characters. Nothing that is written becomes markup.

use std::ops::Range;

use maud::{Markup, html};

/// How a run of characters looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Style {
    bold: bool,
    faint: bool,
    /// The code of its colour, 31 to 36 or 90; `None` is the ordinary one.
    colour: Option<u8>,
}

/// A line: runs of characters that look alike.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Line {
    runs: Vec<(Style, String)>,
}

/// Lines, drawn.
pub(crate) struct Drawn {
    /// The lines, each an element.
    pub(crate) markup: Markup,
    /// How many there are.
    pub(crate) count: usize,
    /// How many of them have what was searched for.
    pub(crate) matching: usize,
}

/// What else is drawn than what was written.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Beside<'a> {
    /// What is marked in it; empty if nothing is.
    pub(crate) find: &'a str,
    /// Where the line begins that is the target of a link.
    pub(crate) here: Option<u64>,
    /// What is said between lines, by where that is.
    pub(crate) seams: &'a [(u64, String)],
}

/// Draws what was written from byte `start` of a file on. Each line tells where it begins. A last line
/// that has no end yet is marked as such, because more of it may come.
pub(crate) fn draw(start: u64, bytes: &[u8], beside: Beside<'_>) -> Drawn {
    let Beside { find, here, seams } = beside;
    let ends = (1..).zip(bytes).filter(|(_, byte)| **byte == b'\n');
    let places = std::iter::once(0).chain(ends.map(|(end, _)| end));
    let places: Vec<_> = places.map(|place: u64| start + place).collect();
    let text = String::from_utf8_lossy(bytes);
    let is_whole = text.is_empty() || text.ends_with('\n');
    let lines = read(&text);
    let needle = find.to_ascii_lowercase();
    let marks: Vec<_> = lines.iter().map(|line| line.matches(&needle)).collect();
    let last = lines.len().saturating_sub(1);
    Drawn {
        count: lines.len(),
        matching: marks.iter().filter(|marks| !marks.is_empty()).count(),
        markup: html! {
            @for (index, ((line, marks), at)) in lines.iter().zip(&marks).zip(&places).enumerate() {
                @let is_here = here == Some(*at);
                @let partial = (index == last && !is_whole).then_some("partial");
                // Where a line is under way, it is not cut in two.
                @let since = index.checked_sub(1).map_or(0, |before| places[before] + 1);
                @for (place, text) in seams.iter().filter(|(place, _)| (since..=*at).contains(place)) {
                    div.seam data-begun=(place) { (text) }
                }
                div class=[if is_here { Some("here") } else { partial }] id=[is_here.then_some("here")] data-at=(at) {
                    (line.draw(marks))
                }
                @if index == last {
                    @for (place, text) in seams.iter().filter(|(place, _)| place > at) {
                        div.seam data-begun=(place) { (text) }
                    }
                }
            }
        },
    }
}

/// The last line that says something, without colours and no longer than `limit` characters.
#[must_use]
pub fn last_line(bytes: &[u8], limit: usize) -> Option<String> {
    let text = String::from_utf8_lossy(bytes);
    let lines = read(&text);
    let said = lines
        .iter()
        .rev()
        .map(Line::text)
        .map(|text| text.trim().to_owned());
    let line = said.into_iter().find(|text| !text.is_empty())?;
    Some(line.chars().take(limit).collect())
}

fn read(text: &str) -> Vec<Line> {
    let mut style = Style::default();
    let whole = text.strip_suffix('\n').unwrap_or(text);
    if text.is_empty() {
        return Vec::new();
    }
    let lines = whole.split('\n').map(|line| {
        // What a carriage return goes back over is overwritten on a terminal.
        let line = line.trim_end_matches('\r');
        let mut read = Line::default();
        for (index, part) in line.split('\r').enumerate() {
            if index > 0 {
                read.runs.clear();
            }
            style = read.take(part, style);
        }
        read
    });
    lines.collect()
}

impl Line {
    /// Takes in a text that begins in `style`, and answers in which one it ends.
    fn take(&mut self, text: &str, mut style: Style) -> Style {
        let mut rest = text;
        while !rest.is_empty() {
            let (plain, sequence) = rest.split_at(rest.find('\u{1b}').unwrap_or(rest.len()));
            let plain: String = plain
                .chars()
                .filter(|it| *it == '\t' || !it.is_control())
                .collect();
            if !plain.is_empty() {
                self.runs.push((style, plain));
            }
            rest = style.obey(sequence);
        }
        style
    }

    fn text(&self) -> String {
        self.runs.iter().map(|(_, text)| &**text).collect()
    }

    /// Where the lower-case `needle` is, whatever the case.
    fn matches(&self, needle: &str) -> Vec<Range<usize>> {
        if needle.is_empty() {
            return Vec::new();
        }
        let text = self.text().to_ascii_lowercase();
        let found = text.match_indices(needle);
        found.map(|(at, it)| at..at + it.len()).collect()
    }

    fn draw(&self, marks: &[Range<usize>]) -> Markup {
        let mut at = 0;
        html! {
            @for (style, text) in &self.runs {
                @let begin = at;
                @let () = at += text.len();
                @let pieces = cut(text, begin, marks);
                @match style.class() {
                    Some(class) => span class=(class) { (pieces) },
                    None => (pieces),
                }
            }
        }
    }
}

/// A run that begins at `begin`, with what is marked of it.
fn cut(text: &str, begin: usize, marks: &[Range<usize>]) -> Markup {
    let end = begin + text.len();
    let mut at = begin;
    html! {
        @for mark in marks.iter().filter(|mark| mark.start < end && mark.end > begin) {
            @let (from, to) = (mark.start.max(begin), mark.end.min(end));
            (&text[at - begin..from - begin])
            mark { (&text[from - begin..to - begin]) }
            @let () = at = to;
        }
        (&text[at - begin..])
    }
}

impl Style {
    /// Obeys the escape sequence that `text` begins with, and answers what follows it.
    fn obey<'a>(&mut self, text: &'a str) -> &'a str {
        let Some(body) = text.strip_prefix('\u{1b}') else {
            return text;
        };
        if let Some(body) = body.strip_prefix('[') {
            let Some(end) = body.find(|it: char| ('@'..='~').contains(&it)) else {
                return "";
            };
            let (parameters, rest) = body.split_at(end);
            if rest.starts_with('m') {
                self.set(parameters);
            }
            // What ends a sequence is one byte.
            &rest[1..]
        } else if let Some(body) = body.strip_prefix([']', 'P', '^', '_']) {
            // A text for the terminal itself, which ends with a bell or another sequence.
            let end = body.find(['\u{7}', '\u{1b}']);
            end.map_or("", |end| body[end..].trim_start_matches('\u{7}'))
        } else {
            let mut letters = body.chars();
            letters.next();
            letters.as_str()
        }
    }

    fn set(&mut self, parameters: &str) {
        let mut codes = parameters
            .split([';', ':'])
            .map(|it| it.parse::<u8>().unwrap_or(0));
        while let Some(code) = codes.next() {
            match code {
                0 => *self = Self::default(),
                1 => self.bold = true,
                2 => self.faint = true,
                22 => (self.bold, self.faint) = (false, false),
                31..=36 | 90 => self.colour = Some(code),
                91..=96 => self.colour = Some(code - 60),
                30 | 37 | 39 | 97 => self.colour = None,
                // A colour of many: by number, or by its parts.
                38 | 48 | 58 => match codes.next() {
                    Some(5) => drop(codes.next()),
                    Some(2) => drop(codes.nth(2)),
                    _ => {}
                },
                _ => {}
            }
        }
    }

    fn class(self) -> Option<String> {
        let colour = self.colour.map(|code| format!("a{code}"));
        let parts = [
            self.bold.then(|| "a1".to_owned()),
            self.faint.then(|| "a2".to_owned()),
            colour,
        ];
        let parts: Vec<_> = parts.into_iter().flatten().collect();
        (!parts.is_empty()).then(|| parts.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn drawn(text: &str, find: &str) -> String {
        let beside = Beside {
            find,
            ..Beside::default()
        };
        draw(0, text.as_bytes(), beside).markup.into_string()
    }

    /// The same without the places of lines.
    fn lines(text: &str, find: &str) -> String {
        let mut drawn = drawn(text, find);
        while let Some(begin) = drawn.find(" data-at=\"") {
            let end = begin + drawn[begin..].find('>').expect("a tag has an end");
            drawn.replace_range(begin..end, "");
        }
        drawn
    }

    #[test]
    fn colours_become_classes_and_the_rest_is_left_out() {
        for (text, markup) in [
            ("plain\n", "<div>plain</div>"),
            (
                "\u{1b}[31mred\u{1b}[0m x\n",
                "<div><span class=\"a31\">red</span> x</div>",
            ),
            (
                "\u{1b}[1;93mhi\n",
                "<div><span class=\"a1 a33\">hi</span></div>",
            ),
            (
                "\u{1b}[38;5;196mmany\u{1b}[38;2;1;2;3m\n",
                "<div>many</div>",
            ),
            (
                "\u{1b}]0;title\u{7}\u{1b}[2K\u{1b}[?25lx\u{1b}(By\n",
                "<div>xBy</div>",
            ),
            ("a\u{7}\u{8}b\tc\r\n", "<div>ab\tc</div>"),
            ("10 %\r20 %\r30 %\n", "<div>30 %</div>"),
            ("no end", "<div class=\"partial\">no end</div>"),
            ("", ""),
            ("\n", "<div></div>"),
        ] {
            assert_eq!(lines(text, ""), markup, "{text:?}");
        }
    }

    #[test]
    fn a_line_tells_where_it_begins_and_one_is_linked_to() {
        let text = "\u{1b}[31m日\n\r\nc";
        let here = Beside {
            here: Some(16),
            ..Beside::default()
        };
        assert_eq!(
            draw(7, text.as_bytes(), here).markup.into_string(),
            "<div data-at=\"7\"><span class=\"a31\">日</span></div>\
             <div class=\"here\" id=\"here\" data-at=\"16\"></div>\
             <div class=\"partial\" data-at=\"18\"><span class=\"a31\">c</span></div>"
        );
        // What is not text does not move them.
        let drawn = draw(0, b"\xff\xff\xe6\n\xf0\nb\n", Beside::default());
        let drawn = drawn.markup.into_string();
        for place in [0, 4, 6] {
            assert!(drawn.contains(&format!("data-at=\"{place}\"")), "{drawn}");
        }
    }

    #[test]
    fn a_colour_lasts_until_it_is_taken_back() {
        let markup = lines("\u{1b}[31ma\nb\u{1b}[39mc\n", "");
        let red = "<div><span class=\"a31\">a</span></div><div><span class=\"a31\">b</span>c</div>";
        assert_eq!(markup, red);
    }

    #[test]
    fn what_is_searched_for_is_marked_across_colours() {
        let markup = lines("a PAY p\u{1b}[31mayx\n", "pay");
        let expected = "<div>a <mark>PAY</mark> <mark>p</mark>\
                        <span class=\"a31\"><mark>ay</mark>x</span></div>";
        assert_eq!(markup, expected);
        let beside = Beside {
            find: "a",
            ..Beside::default()
        };
        assert_eq!(draw(0, b"a\nb\nab\n", beside).matching, 2);
    }

    #[test]
    fn what_is_said_between_lines_stands_there_and_cuts_none_in_two() {
        let seams = [1, 5, 8, 10, 13].map(|place| (place, format!("-{place}-")));
        let beside = Beside {
            seams: &seams,
            ..Beside::default()
        };
        let drawn = draw(1, b"one\ntwo\nthree", beside).markup.into_string();
        let texts: Vec<_> = drawn
            .split('>')
            .filter_map(|it| it.split('<').next())
            .collect();
        assert_eq!(texts.concat(), "-1-one-5-two-8-three-10--13-");
    }

    #[test]
    fn the_last_line_is_the_last_that_says_something() {
        let log = b"first\n\x1b[31mTraceback\x1b[0m: <b>\n\n  \n";
        assert_eq!(last_line(log, 80).as_deref(), Some("Traceback: <b>"));
        assert_eq!(last_line(log, 4).as_deref(), Some("Trac"));
        assert_eq!(last_line(b"\n\n", 80), None);
    }

    /// The tags of a page, which only this crate can have written.
    fn tags(markup: &str) -> Vec<&str> {
        let parts = markup.split('<').skip(1);
        parts
            .map(|part| part.split_once('>').expect("a tag has an end").0)
            .collect()
    }

    proptest! {
        #[test]
        fn nothing_that_is_written_becomes_markup(
            bytes in proptest::collection::vec(any::<u8>(), 0..400),
            find in ".{0,3}",
        ) {
            let beside = Beside {
                find: &find,
                ..Beside::default()
            };
            let drawn = draw(0, &bytes, beside);
            let markup = drawn.markup.into_string();
            for tag in tags(&markup) {
                let known = ["/div", "/span", "mark", "/mark"];
                let is_line = tag.strip_suffix('"').is_some_and(|tag| {
                    let tag = tag.replace(" class=\"partial\"", "");
                    let place = tag.strip_prefix("div data-at=\"");
                    place.is_some_and(|it| it.bytes().all(|byte| byte.is_ascii_digit()))
                });
                let is_colour = tag.starts_with("span class=\"a") && !tag.contains('=') || {
                    let class = tag.strip_prefix("span class=\"").and_then(|it| it.strip_suffix('"'));
                    class.is_some_and(|it| it.bytes().all(|byte| b"a0123456789 ".contains(&byte)))
                };
                prop_assert!(known.contains(&tag) || is_line || is_colour, "{tag:?}");
            }
        }

        #[test]
        fn text_between_markup_characters_survives(text in "[<>&\"'a-z ]{0,60}") {
            let line = last_line(text.as_bytes(), 100).unwrap_or_default();
            prop_assert_eq!(line, text.trim());
        }
    }
}
