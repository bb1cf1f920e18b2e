//! Supervisor's INI dialect: sections, options and values, each with its place.
//!
//! It is what Python's `RawConfigParser` reads when it does not refuse duplicates and takes `;`
//! and `#` for comments behind a blank: later files and later sections are merged into earlier
//! ones, the last of several values wins, `[DEFAULT]` speaks for every section, and a line that
//! is indented deeper than the option above continues its value. Knows neither sections nor
//! options by name, nor files.

use std::collections::{BTreeMap, btree_map};
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use crate::python::{Repr, is_space, strip};
use crate::source::{Location, SourceFile};

/// The section whose options apply to every other.
const DEFAULT: &str = "DEFAULT";

/// What stands for the directory of the file that says it.
const HERE: &str = "%(here)s";

/// What several files, one after the other, amount to.
#[derive(Debug, Default)]
pub struct Ini {
    defaults: BTreeMap<String, Opt>,
    sections: Vec<Section>,
    index: BTreeMap<String, usize>,
    swallowed: Vec<Location>,
    replaced: Vec<Replaced>,
}

/// A value that another took the place of.
#[derive(Debug)]
pub(crate) struct Replaced {
    /// The name of the section.
    pub(crate) section: String,
    /// The name of the option.
    pub(crate) option: String,
    /// Where the value stands that does not count.
    pub(crate) earlier: Location,
    /// Where the one stands that came later.
    pub(crate) later: Location,
}

/// One section.
#[derive(Debug)]
pub struct Section {
    name: String,
    header: Location,
    options: BTreeMap<String, Opt>,
}

impl Section {
    /// Its name, as written.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its name where it was first opened.
    #[must_use]
    pub fn header(&self) -> &Location {
        &self.header
    }

    /// The options that were written in it, by name.
    pub fn own_options(&self) -> btree_map::Iter<'_, String, Opt> {
        self.options.iter()
    }
}

/// One option of a section.
#[derive(Clone, Debug)]
pub struct Opt {
    /// Its value: the lines of it, without the blanks around each.
    pub value: String,
    /// Where its name stands.
    pub name_at: Location,
    /// Where its value stands, from the first line of it to the last.
    pub value_at: Location,
}

/// Why a text is not in the dialect. Displays as Supervisor's message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SyntaxError {
    /// Something stands before the first section.
    #[error(
        "File contains no section headers.\nfile: {}, line: {line}\n{}",
        Repr(file),
        Repr(text)
    )]
    NoSectionHeader {
        /// The file's name.
        file: String,
        /// Which line, from 1.
        line: usize,
        /// The line with its line end.
        text: String,
    },
    /// Lines that are neither header, option nor comment.
    #[error("Source contains parsing errors: {}{}", Repr(file), BadLines(lines))]
    BadLines {
        /// The file's name.
        file: String,
        /// Which lines, from 1, and their text with its line end.
        lines: Vec<(usize, String)>,
    },
}

struct BadLines<'a>(&'a [(usize, String)]);

impl fmt::Display for BadLines<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|(number, text)| {
            let text = Repr(text);
            write!(f, "\n\t[line {number:2}]: {text}")
        })
    }
}

impl Ini {
    /// Reads `file` on top of what has been read so far.
    ///
    /// # Errors
    ///
    /// What is wrong with the file, and where. Lines that are no lines of the dialect are left out, a
    /// file that does not begin with a section is left out whole.
    pub fn read(&mut self, file: &Arc<SourceFile>) -> Result<(), (SyntaxError, Location)> {
        Reader::new(self, file).read()
    }

    /// One section that stands in no file, with options that mean what they say to the letter.
    /// Messages take it for a part of the file `origin`.
    pub(crate) fn of_section(origin: &str, name: &str, options: &[(String, String)]) -> Self {
        let mut text = format!("[{name}]\n");
        let mut spans = Vec::new();
        for (option, value) in options {
            let start = text.len();
            text.push_str(option);
            let name_span = start..text.len();
            text.push_str(" = ");
            let value_span = text.len()..text.len() + value.len();
            text.push_str(value);
            text.push('\n');
            spans.push((name_span, value_span));
        }
        let file = SourceFile::new(origin, text);
        let options = options.iter().zip(spans);
        let options = options.map(|((option, value), (name_span, value_span))| {
            let option_of_file = Opt {
                value: value.clone(),
                name_at: Location::new(&file, name_span),
                value_at: Location::new(&file, value_span),
            };
            (option.to_lowercase(), option_of_file)
        });
        let section = Section {
            name: name.to_owned(),
            header: Location::new(&file, 1..1 + name.len()),
            options: options.collect(),
        };
        Self {
            index: [(name.to_owned(), 0)].into(),
            sections: vec![section],
            ..Self::default()
        }
    }

    /// The sections in the order in which they were first opened; not `[DEFAULT]`.
    #[must_use]
    pub fn sections(&self) -> &[Section] {
        &self.sections
    }

    /// The section of this name.
    #[must_use]
    pub fn section(&self, name: &str) -> Option<&Section> {
        self.index.get(name).map(|i| &self.sections[*i])
    }

    /// An option of a section, by its lower-case name, from `[DEFAULT]` if it has none itself.
    #[must_use]
    pub fn option<'a>(&'a self, section: &'a Section, name: &str) -> Option<&'a Opt> {
        section
            .options
            .get(name)
            .or_else(|| self.defaults.get(name))
    }

    /// The names and options that hold for a section, its own and those of `[DEFAULT]`.
    #[must_use]
    pub fn options(&self, section: &Section) -> BTreeMap<String, Opt> {
        let mut options = self.defaults.clone();
        options.extend(
            section
                .own_options()
                .map(|(name, option)| (name.clone(), option.clone())),
        );
        options
    }

    /// Lines that look like options and were taken for more of the value above, because they
    /// are indented and a blank line does not end a value.
    #[must_use]
    pub fn swallowed(&self) -> &[Location] {
        &self.swallowed
    }

    /// Values that were replaced by other ones, in the order in which that was met.
    pub(crate) fn replaced(&self) -> &[Replaced] {
        &self.replaced
    }

    /// Whether a value may say `%(here)s` that did not before `file` was read. Of thousands of
    /// included files most say it nowhere, and going through all values for each would add up.
    pub(crate) fn may_say_here(&self, file: &SourceFile) -> bool {
        let mut defaults = self.defaults.values();
        file.text().contains(HERE) || defaults.any(|option| option.value.contains(HERE))
    }

    /// Puts the directory `here` where values say `%(here)s`.
    pub(crate) fn expand_here(&mut self, here: &str) {
        for section in &mut self.sections {
            for (name, option) in &self.defaults {
                if option.value.contains(HERE) {
                    section
                        .options
                        .entry(name.clone())
                        .or_insert_with(|| option.clone());
                }
            }
            for option in section.options.values_mut() {
                if option.value.contains(HERE) {
                    option.value = option.value.replace(HERE, here);
                }
            }
        }
    }
}

/// What a line of a section belongs to.
#[derive(Clone, Copy, Debug)]
enum Current {
    Nothing,
    Defaults,
    Section(usize),
}

/// Goes through the lines of one file.
struct Reader<'a> {
    ini: &'a mut Ini,
    file: &'a Arc<SourceFile>,
    current: Current,
    /// The option whose value the next line may continue.
    open: Option<OpenValue>,
    /// How far the last header or option was indented, in characters.
    indent: usize,
    bad: Vec<(usize, String)>,
    first_bad: Option<Range<usize>>,
}

/// An option whose value may go on.
struct OpenValue {
    name: String,
    name_span: Range<usize>,
    lines: Vec<String>,
    span: Range<usize>,
    /// Whether the line before was blank.
    after_blank: bool,
}

/// One line: its number, where it begins, its text without and with its end.
struct Line<'a> {
    number: usize,
    start: usize,
    text: &'a str,
    ended: bool,
}

impl<'a> Reader<'a> {
    fn new(ini: &'a mut Ini, file: &'a Arc<SourceFile>) -> Self {
        Self {
            ini,
            file,
            current: Current::Nothing,
            open: None,
            indent: 0,
            bad: Vec::new(),
            first_bad: None,
        }
    }

    fn read(mut self) -> Result<(), (SyntaxError, Location)> {
        let file = Arc::clone(self.file);
        for line in lines(file.text()) {
            self.line(&line)?;
        }
        self.close();
        match self.first_bad {
            None => Ok(()),
            Some(span) => Err((
                SyntaxError::BadLines {
                    file: file.path().to_owned(),
                    lines: self.bad,
                },
                Location::new(&file, span),
            )),
        }
    }

    fn line(&mut self, line: &Line<'_>) -> Result<(), (SyntaxError, Location)> {
        let comment = comment_start(line.text);
        let kept = &line.text[..comment.unwrap_or(line.text.len())];
        let content = strip(kept);
        if content.is_empty() {
            if let (None, Some(open)) = (comment, &mut self.open) {
                open.lines.push(String::new());
                open.after_blank = true;
            }
            return Ok(());
        }
        let start = line.start + (kept.len() - kept.trim_start_matches(is_space).len());
        let span = start..start + content.len();
        let indent = kept.chars().take_while(|c| is_space(*c)).count();
        if indent > self.indent
            && let Some(open) = &mut self.open
        {
            if open.after_blank && looks_like_an_option(content) {
                self.ini
                    .swallowed
                    .push(Location::new(self.file, span.clone()));
            }
            open.continue_with(content, &span);
            return Ok(());
        }
        self.indent = indent;
        if let Some(name) = header(content) {
            self.open_section(name, start + 1);
            return Ok(());
        }
        if matches!(self.current, Current::Nothing) {
            return Err((
                SyntaxError::NoSectionHeader {
                    file: self.file.path().to_owned(),
                    line: line.number,
                    text: line.with_end(),
                },
                Location::new(self.file, span),
            ));
        }
        self.option(line, content, span);
        Ok(())
    }

    fn open_section(&mut self, name: &str, at: usize) {
        self.close();
        if name == DEFAULT {
            self.current = Current::Defaults;
            return;
        }
        let known = self.ini.index.get(name).copied();
        self.current = Current::Section(known.unwrap_or_else(|| {
            let new = self.ini.sections.len();
            self.ini.sections.push(Section {
                name: name.to_owned(),
                header: Location::new(self.file, at..at + name.len()),
                options: BTreeMap::new(),
            });
            self.ini.index.insert(name.to_owned(), new);
            new
        }));
    }

    fn option(&mut self, line: &Line<'_>, content: &str, span: Range<usize>) {
        let Some(delimiter) = content.find(['=', ':']) else {
            self.bad(line, span);
            return;
        };
        let name = content[..delimiter].trim_end_matches(is_space);
        let name_span = span.start..span.start + name.len();
        self.close();
        if name.is_empty() {
            self.bad(line, span);
            return;
        }
        let value = content[delimiter + 1..].trim_start_matches(is_space);
        self.open = Some(OpenValue {
            name: name.to_lowercase(),
            name_span,
            lines: vec![value.to_owned()],
            span: span.end - value.len()..span.end,
            after_blank: false,
        });
    }

    fn bad(&mut self, line: &Line<'_>, span: Range<usize>) {
        self.bad.push((line.number, line.with_end()));
        self.first_bad.get_or_insert(span);
    }

    /// Puts the open value where it belongs.
    fn close(&mut self) {
        let Some(open) = self.open.take() else { return };
        let (section, options) = match self.current {
            Current::Nothing => return,
            Current::Defaults => (DEFAULT, &mut self.ini.defaults),
            Current::Section(i) => {
                let Section { name, options, .. } = &mut self.ini.sections[i];
                (name.as_str(), options)
            }
        };
        let value = open.lines.join("\n");
        let value = value.trim_end_matches(is_space).to_owned();
        let option = Opt {
            value,
            name_at: Location::new(self.file, open.name_span),
            value_at: Location::new(self.file, open.span),
        };
        // A file that is read twice replaces its values by the same ones.
        if let Some(earlier) = options.get(&open.name)
            && earlier.value_at.text() != option.value_at.text()
        {
            self.ini.replaced.push(Replaced {
                section: section.to_owned(),
                option: open.name.clone(),
                earlier: earlier.value_at.clone(),
                later: option.value_at.clone(),
            });
        }
        options.insert(open.name, option);
    }
}

impl OpenValue {
    fn continue_with(&mut self, content: &str, span: &Range<usize>) {
        if self.lines.iter().all(String::is_empty) {
            self.span.start = span.start;
        }
        self.span.end = span.end;
        self.lines.push(content.to_owned());
        self.after_blank = false;
    }
}

impl Line<'_> {
    /// The line as Python holds it: whatever ended it is a newline.
    fn with_end(&self) -> String {
        let end = if self.ended { "\n" } else { "" };
        format!("{}{end}", self.text)
    }
}

/// The lines of a text, each ended by LF, CR or both.
fn lines(text: &str) -> impl Iterator<Item = Line<'_>> {
    let mut rest = Some(text).filter(|text| !text.is_empty());
    let mut number = 0;
    std::iter::from_fn(move || {
        let remaining = rest?;
        let start = text.len() - remaining.len();
        number += 1;
        let (line, after, ended) = match remaining.find(['\n', '\r']) {
            None => (remaining, "", false),
            Some(at) => {
                let end = if remaining[at..].starts_with("\r\n") {
                    at + 2
                } else {
                    at + 1
                };
                (&remaining[..at], &remaining[end..], true)
            }
        };
        rest = Some(after).filter(|after| !after.is_empty());
        Some(Line {
            number,
            start,
            text: line,
            ended,
        })
    })
}

/// Where a comment begins, if the line has one.
///
/// Python looks at the first `;` and the first `#` together, then at the second of each, and so
/// on, and stops at the first round that finds one behind a blank: a comment sign that comes
/// earlier in the line but later in its own row is part of the value.
fn comment_start(line: &str) -> Option<usize> {
    if strip(line).starts_with(['#', ';']) {
        return Some(0);
    }
    let starts_comment = |at: &usize| line[..*at].chars().next_back().is_none_or(is_space);
    let mut semicolons = line.match_indices(';').map(|(at, _)| at);
    let mut hashes = line.match_indices('#').map(|(at, _)| at);
    loop {
        let round = [semicolons.next(), hashes.next()];
        if round == [None, None] {
            return None;
        }
        if let Some(first) = round.into_iter().flatten().filter(starts_comment).min() {
            return Some(first);
        }
    }
}

/// The name of the section that a line opens. It reaches to the last bracket; what follows is
/// ignored.
fn header(content: &str) -> Option<&str> {
    let name = content.strip_prefix('[')?;
    let end = name.rfind(']')?;
    (end > 0).then(|| &name[..end])
}

fn looks_like_an_option(content: &str) -> bool {
    content.split_once('=').is_some_and(|(name, _)| {
        let name = strip(name);
        !name.is_empty() && name.chars().all(|c| c.is_ascii_lowercase() || c == '_')
    })
}

#[cfg(test)]
mod tests;
