//! What is on the screen: cells, and the bytes that turn one screen into the next.

use std::fmt::Write as _;

use crate::text;

/// A colour of the terminal's own sixteen, which its owner has chosen to be readable.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Colour {
    /// That of ordinary text.
    #[default]
    Plain,
    /// Red.
    Red,
    /// Green.
    Green,
    /// Yellow.
    Yellow,
    /// Blue.
    Blue,
    /// Magenta.
    Magenta,
    /// Cyan.
    Cyan,
}

/// How a cell looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Style {
    /// The colour of the text.
    pub colour: Colour,
    /// Whether it is bold.
    pub bold: bool,
    /// Whether it is faint.
    pub dim: bool,
    /// Whether text and background are exchanged.
    pub reverse: bool,
}

impl Style {
    /// Ordinary text in this colour.
    #[must_use]
    pub const fn of(colour: Colour) -> Self {
        Self {
            colour,
            bold: false,
            dim: false,
            reverse: false,
        }
    }

    /// The same, bold.
    #[must_use]
    pub const fn bold(mut self) -> Self {
        self.bold = true;
        self
    }

    /// The same, faint.
    #[must_use]
    pub const fn dim(mut self) -> Self {
        self.dim = true;
        self
    }

    /// The same, with text and background exchanged.
    #[must_use]
    pub const fn reverse(mut self) -> Self {
        self.reverse = true;
        self
    }
}

/// One place on the screen.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Cell {
    glyph: Glyph,
    style: Style,
}

/// What stands in a cell.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Glyph {
    /// A character.
    One(char),
    /// One that takes more than a `char`.
    Cluster(Box<str>),
    /// The right half of what stands to the left.
    Rest,
}

const BLANK: Cell = Cell {
    glyph: Glyph::One(' '),
    style: Style::of(Colour::Plain),
};

/// A screen full of cells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Screen {
    width: usize,
    height: usize,
    cells: Vec<Cell>,
    /// Where the cursor shows, if it does.
    cursor: Option<(usize, usize)>,
}

/// What a terminal can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ability {
    /// Whether it shows colours, and its user wants them.
    pub colours: bool,
    /// Whether it shows more than ASCII.
    pub unicode: bool,
}

impl Screen {
    /// An empty screen.
    #[must_use]
    pub fn new(width: usize, height: usize) -> Self {
        Self {
            width,
            height,
            cells: vec![BLANK; width * height],
            cursor: None,
        }
    }

    pub(crate) fn width(&self) -> usize {
        self.width
    }

    pub(crate) fn height(&self) -> usize {
        self.height
    }

    pub(crate) fn show_cursor(&mut self, x: usize, y: usize) {
        self.cursor = Some((x.min(self.width.saturating_sub(1)), y));
    }

    /// Writes `text` from a place on, and returns the column behind it. What does not fit into the
    /// line is cut off.
    pub(crate) fn put(&mut self, x: usize, y: usize, text: &str, style: Style) -> usize {
        self.put_within(x, y, self.width, text, style)
    }

    /// As [`Screen::put`], up to the column `end`.
    pub(crate) fn put_within(
        &mut self,
        mut x: usize,
        y: usize,
        end: usize,
        text: &str,
        style: Style,
    ) -> usize {
        let end = end.min(self.width);
        for (cluster, cells) in text::clusters(text) {
            if y >= self.height || x + cells > end {
                break;
            }
            let mut chars = cluster.chars();
            let glyph = match (chars.next(), chars.next()) {
                (Some(one), None) => Glyph::One(one),
                _ => Glyph::Cluster(cluster.into()),
            };
            self.set(x, y, Cell { glyph, style });
            if cells == 2 {
                self.set(
                    x + 1,
                    y,
                    Cell {
                        glyph: Glyph::Rest,
                        style,
                    },
                );
            }
            x += cells;
        }
        x
    }

    /// Fills a part of a line with blanks of this style.
    pub(crate) fn fill(&mut self, x: usize, y: usize, end: usize, style: Style) {
        for x in x..end.min(self.width) {
            if y < self.height {
                let glyph = Glyph::One(' ');
                self.set(x, y, Cell { glyph, style });
            }
        }
    }

    /// Changes how a line looks.
    pub(crate) fn restyle(&mut self, y: usize, change: impl Fn(Style) -> Style) {
        let (start, end) = (y * self.width, (y + 1) * self.width);
        for cell in self.cells.get_mut(start..end).into_iter().flatten() {
            cell.style = change(cell.style);
        }
    }

    /// Sets a cell; nothing is left of a wide character that loses a half.
    fn set(&mut self, x: usize, y: usize, cell: Cell) {
        let at = y * self.width + x;
        let is_rest = cell.glyph == Glyph::Rest;
        if self.cells[at].glyph == Glyph::Rest && !is_rest && x > 0 {
            self.cells[at - 1].glyph = Glyph::One(' ');
        }
        if x + 1 < self.width && self.cells[at + 1].glyph == Glyph::Rest {
            self.cells[at + 1].glyph = Glyph::One(' ');
        }
        self.cells[at] = cell;
    }

    /// The text of each line, without the blanks at its end.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let line = |y: usize| {
            let mut line = String::new();
            for cell in &self.cells[y * self.width..(y + 1) * self.width] {
                match &cell.glyph {
                    Glyph::One(c) => line.push(*c),
                    Glyph::Cluster(cluster) => line.push_str(cluster),
                    Glyph::Rest => {}
                }
            }
            line.trim_end().to_owned()
        };
        (0..self.height).map(line).collect()
    }

    /// What a terminal has to be sent that shows `before`, or anything if that is `None`, so that it
    /// shows this.
    ///
    /// It is one update for terminals that know of such a thing, so that none is seen half-way.
    #[must_use]
    pub fn bytes(&self, before: Option<&Self>, ability: Ability) -> Vec<u8> {
        let before = before.filter(|it| (it.width, it.height) == (self.width, self.height));
        let mut pen = Pen {
            out: String::new(),
            style: None,
            at: None,
            ability,
        };
        if before.is_none() {
            pen.out.push_str("\x1b[0m\x1b[2J");
        }
        for y in 0..self.height {
            for x in 0..self.width {
                let at = y * self.width + x;
                let old = before.map_or(&BLANK, |it| &it.cells[at]);
                // A character whose other half has changed is drawn as a whole.
                let half = |screen: &Self| {
                    (x + 1 < self.width).then(|| screen.cells[at + 1].glyph == Glyph::Rest)
                };
                let same_half = before.is_none_or(|before| half(before) == half(self));
                let cell = &self.cells[at];
                if (cell != old || !same_half) && cell.glyph != Glyph::Rest {
                    pen.draw(x, y, cell);
                }
            }
        }
        let cursor_before = before.and_then(|it| it.cursor);
        if pen.out.is_empty() && before.is_some() && cursor_before == self.cursor {
            return Vec::new();
        }
        pen.out.push_str("\x1b[0m");
        if let Some((x, y)) = self.cursor {
            let _ = write!(pen.out, "\x1b[{};{}H\x1b[?25h", y + 1, x + 1);
        }
        format!("\x1b[?2026h\x1b[?25l{}\x1b[?2026l", pen.out).into_bytes()
    }
}

/// Writes cells one after the other, moving and changing looks only where it must.
struct Pen {
    out: String,
    style: Option<Style>,
    /// Where the terminal's cursor certainly is.
    at: Option<(usize, usize)>,
    ability: Ability,
}

impl Pen {
    fn draw(&mut self, x: usize, y: usize, cell: &Cell) {
        if self.at != Some((x, y)) {
            let _ = write!(self.out, "\x1b[{};{}H", y + 1, x + 1);
        }
        if self.style != Some(cell.style) {
            self.style = Some(cell.style);
            self.dress(cell.style);
        }
        match &cell.glyph {
            Glyph::One(c) if c.is_ascii() => self.out.push(*c),
            Glyph::One(c) if self.ability.unicode => self.out.push(*c),
            Glyph::Cluster(cluster) if self.ability.unicode => self.out.push_str(cluster),
            Glyph::One(c) => self.out.push(spelt(*c)),
            Glyph::Cluster(_) => self.out.push('?'),
            Glyph::Rest => {}
        }
        // Terminals do not agree on how wide all of Unicode is: behind what is not plain, the next
        // cell is gone to.
        let plain = matches!(&cell.glyph, Glyph::One(c) if c.is_ascii());
        self.at = plain.then_some((x + 1, y));
    }

    fn dress(&mut self, style: Style) {
        self.out.push_str("\x1b[0");
        for (set, code) in [(style.bold, ";1"), (style.dim, ";2"), (style.reverse, ";7")] {
            if set {
                self.out.push_str(code);
            }
        }
        if self.ability.colours {
            self.out.push_str(match style.colour {
                Colour::Plain => "",
                Colour::Red => ";31",
                Colour::Green => ";32",
                Colour::Yellow => ";33",
                Colour::Blue => ";34",
                Colour::Magenta => ";35",
                Colour::Cyan => ";36",
            });
        }
        self.out.push('m');
    }
}

/// What stands for a character where there is nothing but ASCII.
fn spelt(c: char) -> char {
    match c {
        '─' | '–' | '·' => '-',
        '│' => '|',
        '┌' | '┐' | '└' | '┘' | '├' | '┤' => '+',
        '▸' | '→' | '›' => '>',
        '▾' | '↓' | '▼' => 'v',
        '↑' | '▲' => '^',
        '←' => '<',
        '…' => '.',
        '●' | '✓' => '*',
        '↻' => 'R',
        _ => '?',
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const FULL: Ability = Ability {
        colours: true,
        unicode: true,
    };

    fn sent(before: Option<&Screen>, after: &Screen, ability: Ability) -> String {
        String::from_utf8(after.bytes(before, ability)).unwrap()
    }

    #[test]
    fn only_what_has_changed_is_sent() {
        let mut before = Screen::new(10, 2);
        before.put(0, 0, "one", Style::default());
        let mut after = before.clone();
        assert_eq!(sent(Some(&before), &after, FULL), "");
        after.put(2, 0, "x", Style::of(Colour::Red).bold());
        assert_eq!(
            sent(Some(&before), &after, FULL),
            "\x1b[?2026h\x1b[?25l\x1b[1;3H\x1b[0;1;31mx\x1b[0m\x1b[?2026l"
        );
    }

    #[test]
    fn without_colours_what_is_bold_stays_bold() {
        let mut screen = Screen::new(3, 1);
        screen.put(0, 0, "x", Style::of(Colour::Red).bold());
        let plain = Ability {
            colours: false,
            unicode: true,
        };
        let sent = sent(None, &screen, plain);
        assert!(
            sent.contains("\x1b[0;1mx") && !sent.contains("31"),
            "{sent:?}"
        );
    }

    #[test]
    fn without_unicode_ascii_stands_for_it() {
        let mut screen = Screen::new(8, 1);
        screen.put(0, 0, "▸é…漢", Style::default());
        let ascii = Ability {
            colours: false,
            unicode: false,
        };
        assert!(sent(None, &screen, ascii).is_ascii());
    }

    #[test]
    fn a_wide_character_that_loses_a_half_is_gone() {
        let mut screen = Screen::new(6, 1);
        screen.put(0, 0, "漢字", Style::default());
        screen.put(1, 0, "x", Style::default());
        assert_eq!(screen.lines(), [" x字"]);
        screen.put(2, 0, "y", Style::default());
        assert_eq!(screen.lines(), [" xy"]);
        screen.put(5, 0, "漢", Style::default());
        assert_eq!(screen.lines(), [" xy"]);
    }

    #[test]
    fn behind_a_wide_character_the_place_is_named() {
        let mut screen = Screen::new(6, 1);
        screen.put(0, 0, "漢a", Style::default());
        assert!(sent(None, &screen, FULL).contains("漢\x1b[1;3Ha"));
    }

    #[test]
    fn control_characters_do_not_reach_the_terminal() {
        let mut screen = Screen::new(9, 1);
        screen.put(0, 0, "\x1b[2J\u{9b}a", Style::default());
        assert_eq!(screen.lines(), ["\u{fffd}[2J\u{fffd}a"]);
    }

    /// Texts at places of a small screen.
    fn texts() -> impl Strategy<Value = Vec<(usize, usize, String, bool)>> {
        let text = "[ab 漢字\u{e9}\u{1f680}]{0,6}";
        proptest::collection::vec((0_usize..12, 0_usize..3, text, any::<bool>()), 0..12)
    }

    fn screen_of(texts: &[(usize, usize, String, bool)]) -> Screen {
        let mut screen = Screen::new(12, 3);
        for (x, y, text, bold) in texts {
            let style = Style::of(Colour::Red);
            screen.put(*x, *y, text, if *bold { style.bold() } else { style });
        }
        screen
    }

    proptest! {
        #[test]
        fn what_is_sent_makes_one_screen_the_other(before in texts(), after in texts()) {
            let (before, after) = (screen_of(&before), screen_of(&after));
            let cells = |count| std::num::NonZero::new(count).unwrap();
            let mut terminal = vt100::Parser::new(cells(3), cells(12), 0);
            terminal.process(b"\x1b[?7l");
            terminal.process(&before.bytes(None, FULL));
            terminal.process(&after.bytes(Some(&before), FULL));
            let mut fresh = vt100::Parser::new(cells(3), cells(12), 0);
            fresh.process(b"\x1b[?7l");
            fresh.process(&after.bytes(None, FULL));
            let shown = |terminal: &vt100::Parser| {
                let line = |line: String| line.trim_end().to_owned();
                terminal.screen().rows(0, 12).map(line).collect::<Vec<_>>()
            };
            prop_assert_eq!(shown(&terminal), after.lines());
            prop_assert_eq!(shown(&fresh), after.lines());
            for y in 0..3 {
                for x in 0..12 {
                    let at = |terminal: &vt100::Parser| {
                        let cell = terminal.screen().cell(y, x).unwrap();
                        (cell.has_contents() && cell.contents() != " ").then(|| (cell.bold(), cell.fgcolor()))
                    };
                    prop_assert_eq!(at(&terminal), at(&fresh));
                }
            }
        }
    }
}
