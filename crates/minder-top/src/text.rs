//! Text from outside as a terminal may be given it: how wide it is, what of it is shown, and where
//! it is cut.
//!
//! Nothing that moves the cursor, changes colours or turns the direction of writing gets through,
//! whoever wrote it.

use unicode_segmentation::UnicodeSegmentation as _;
use unicode_width::UnicodeWidthStr as _;

/// What stands where text was cut.
pub(crate) const CUT: &str = "…";

/// How far apart tab stops are, in cells.
const TAB: usize = 8;

/// The longest line that is kept, in bytes. What is longer is cut: nobody reads it here, and a
/// program that writes no line ends must not fill the memory.
const MAX_LINE_BYTES: usize = 8192;

/// The cells that `text` takes.
pub(crate) fn width(text: &str) -> usize {
    clusters(text).map(|(_, width)| width).sum()
}

/// What is shown as one, each with its cells: 1 or 2.
///
/// What cannot be shown is left out, but for control characters: each becomes U+FFFD.
pub(crate) fn clusters(text: &str) -> impl Iterator<Item = (&str, usize)> {
    text.graphemes(true).filter_map(|cluster| {
        if cluster.chars().any(char::is_control) {
            return Some(("\u{fffd}", 1));
        }
        match cluster.width() {
            0 => None,
            // What is one character to a reader is never wider on a terminal.
            width if !cluster.chars().any(turns) => Some((cluster, width.min(2))),
            _ => Some(("\u{fffd}", 1)),
        }
    })
}

/// Whether a character changes the direction of what stands around it.
fn turns(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// `text` in at most `cells`, with its end cut off if need be.
pub(crate) fn fit(text: &str, cells: usize) -> String {
    if width(text) <= cells {
        return text.to_owned();
    }
    if cells == 0 {
        return String::new();
    }
    start_of(text, cells - 1) + CUT
}

/// `text` in at most `cells`, with its middle cut out if need be: the ends of names tell processes
/// apart.
pub(crate) fn fit_middle(text: &str, cells: usize) -> String {
    let whole = width(text);
    if whole <= cells || cells < 4 {
        return fit(text, cells);
    }
    let behind = (cells - 1) / 2;
    let mut skipped = 0;
    let end: String = clusters(text)
        .skip_while(|(_, width)| {
            let skip = whole - skipped > behind;
            skipped += width;
            skip
        })
        .map(|(cluster, _)| cluster)
        .collect();
    start_of(text, cells - 1 - width(&end)) + CUT + &end
}

fn start_of(text: &str, cells: usize) -> String {
    let mut used = 0;
    clusters(text)
        .take_while(|(_, width)| {
            used += width;
            used <= cells
        })
        .map(|(cluster, _)| cluster)
        .collect()
}

/// What is left of `text` without its first `cells`.
pub(crate) fn from_cell(text: &str, cells: usize) -> String {
    let mut passed = 0;
    clusters(text)
        .skip_while(|(_, width)| {
            passed += width;
            passed <= cells
        })
        .map(|(cluster, _)| cluster)
        .collect()
}

/// The pieces that a line is shown in where `cells` are to be had, at least one.
pub(crate) fn wrapped(line: &str, cells: usize) -> Vec<&str> {
    let mut pieces = Vec::new();
    let (mut start, mut used) = (0, 0);
    for (at, cluster) in line.grapheme_indices(true) {
        let width = cluster.width().min(2);
        if used + width > cells && at > start {
            pieces.push(&line[start..at]);
            (start, used) = (at, 0);
        }
        used += width;
    }
    pieces.push(&line[start..]);
    pieces
}

/// Makes lines of what a program writes, piece by piece, wherever the pieces are cut.
///
/// Escape sequences and control characters are left out. A carriage return begins the line anew, as
/// it does on a terminal; a tab becomes blanks.
#[derive(Debug, Default)]
pub(crate) struct Cleaner {
    line: String,
    place: Place,
    returned: bool,
}

/// Where in a sequence the last piece has ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Place {
    #[default]
    Text,
    /// Behind an ESC.
    Escape,
    /// In a control sequence, which a letter ends.
    Control,
    /// In a string for the terminal (a title, say), which BEL or ESC \ ends.
    String,
    /// Behind an ESC in such a string.
    StringEscape,
}

impl Cleaner {
    /// Takes a piece, and hands each line that it ends to `ended`.
    pub(crate) fn take(&mut self, piece: &str, mut ended: impl FnMut(String)) {
        for c in piece.chars() {
            // Whatever is still open: a program that was killed in the middle of a sequence must not
            // swallow what the next one says.
            if c == '\n' {
                self.place = Place::Text;
                self.returned = false;
                ended(std::mem::take(&mut self.line));
                continue;
            }
            self.place = match (self.place, c) {
                (Place::Text, _) => self.text(c),
                (Place::Escape, '[') => Place::Control,
                (Place::Escape, ']' | 'P' | 'X' | '^' | '_') => Place::String,
                // Intermediates: one of a few that have a character behind them.
                (Place::Escape, ' '..='/') | (Place::Control, '\u{1b}') => Place::Escape,
                (Place::Escape, _)
                | (Place::Control, '@'..='~')
                | (Place::String | Place::StringEscape, '\u{7}' | '\u{9c}')
                | (Place::StringEscape, '\\') => Place::Text,
                (Place::Control, _) => Place::Control,
                (Place::String | Place::StringEscape, '\u{1b}') => Place::StringEscape,
                (Place::String | Place::StringEscape, _) => Place::String,
            };
        }
    }

    /// What stands behind the last line end.
    pub(crate) fn unfinished(&self) -> &str {
        &self.line
    }

    fn text(&mut self, c: char) -> Place {
        match c {
            '\u{1b}' => return Place::Escape,
            '\u{9b}' => return Place::Control,
            '\u{90}' | '\u{98}' | '\u{9d}'..='\u{9f}' => return Place::String,
            '\r' => self.returned = true,
            '\t' => {
                let blanks = TAB - width(&self.line) % TAB;
                (0..blanks).for_each(|_| self.push(' '));
            }
            c if c.is_control()
                || turns(c)
                || matches!(c, '\u{feff}' | '\u{2028}' | '\u{2029}') => {}
            c => self.push(c),
        }
        Place::Text
    }

    fn push(&mut self, c: char) {
        if std::mem::take(&mut self.returned) {
            self.line.clear();
        }
        if self.line.len() < MAX_LINE_BYTES {
            self.line.push(c);
        } else if !self.line.ends_with(CUT) {
            self.line.push_str(CUT);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn cleaned(pieces: &[&str]) -> Vec<String> {
        let (mut cleaner, mut lines) = (Cleaner::default(), Vec::new());
        for piece in pieces {
            cleaner.take(piece, |line| lines.push(line));
        }
        lines.push(cleaner.unfinished().to_owned());
        lines
    }

    #[test]
    fn wide_and_combined_characters_take_their_cells() {
        for (text, cells) in [
            ("abc", 3),
            ("漢字", 4),
            ("e\u{301}", 1),
            ("👩‍🚀", 2),
            ("a\u{7}b", 3),
            ("", 0),
        ] {
            assert_eq!(width(text), cells, "{text:?}");
        }
    }

    #[test]
    fn text_is_cut_where_a_character_ends() {
        assert_eq!(fit("abcdef", 6), "abcdef");
        assert_eq!(fit("abcdef", 4), "abc…");
        assert_eq!(fit("漢字漢字", 4), "漢…");
        assert_eq!(fit("abc", 0), "");
        assert_eq!(fit_middle("application:worker_17", 11), "appli…er_17");
        assert_eq!(fit_middle("abc", 11), "abc");
        assert_eq!(width(&fit_middle("漢字漢字漢字", 7)), 7);
    }

    #[test]
    fn long_lines_are_shown_in_pieces() {
        assert_eq!(wrapped("abcdef", 4), ["abcd", "ef"]);
        assert_eq!(wrapped("漢字漢", 5), ["漢字", "漢"]);
        assert_eq!(wrapped("", 5), [""]);
        assert_eq!(wrapped("漢", 1), ["漢"]);
    }

    #[test]
    fn sequences_for_a_terminal_are_left_out_wherever_they_are_cut() {
        let text = "a\u{1b}[1;31mred\u{1b}[0m\u{1b}]0;title\u{7}b\u{1b}]8;;x\u{1b}\\c\u{9b}2Jd\u{1b}(0e\u{1b}cf\n";
        let whole = cleaned(&[text]);
        assert_eq!(whole, ["aredbcdef", ""]);
        for (cut, _) in text.char_indices() {
            assert_eq!(cleaned(&[&text[..cut], &text[cut..]]), whole);
        }
    }

    #[test]
    fn a_line_end_ends_what_is_open() {
        assert_eq!(cleaned(&["\u{1b}]0;never ended\nnext"]), ["", "next"]);
    }

    #[test]
    fn a_return_begins_the_line_anew() {
        assert_eq!(cleaned(&["10 %\r", "20 %\r\nx\r\n"]), ["20 %", "x", ""]);
        assert_eq!(cleaned(&["a\tb"]), ["a       b"]);
    }

    #[test]
    fn a_line_without_an_end_stays_within_its_bound() {
        let long = "x".repeat(3 * MAX_LINE_BYTES);
        let lines = cleaned(&[&long]);
        assert!(lines[0].len() < MAX_LINE_BYTES + 8 && lines[0].ends_with(CUT));
    }

    proptest! {
        #[test]
        fn nothing_that_a_terminal_obeys_gets_through(text in "(\\PC|[\u{0}-\u{1f}\u{7f}-\u{9f}]|\u{202e}|\u{1b}\\[)*") {
            for line in cleaned(&[&text]) {
                prop_assert!(!line.chars().any(|c| c.is_control() || turns(c)));
            }
            for (cluster, cells) in clusters(&text) {
                prop_assert!(!cluster.chars().any(|c| c.is_control() || turns(c)));
                prop_assert!(cells == 1 || cells == 2);
            }
        }

        #[test]
        fn what_is_made_to_fit_fits(text in "\\PC*", cells in 0_usize..40) {
            prop_assert!(width(&fit(&text, cells)) <= cells);
            prop_assert!(width(&fit_middle(&text, cells)) <= cells);
        }
    }
}
