//! The log of a process, with its tools.

use maud::{Markup, html};

use crate::ansi;
use crate::figures;
use crate::frame::{Frame, Language};
use crate::moment::Moment;
use crate::words::{self, Word};
use crate::{process_address, quoted};

pub use crate::ansi::last_line;

/// How much of a log is shown at first, in bytes.
pub const WINDOW: u64 = 64 << 10;

/// Which of the two streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

impl Stream {
    /// What it is called.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Stdout => "stdout",
            Self::Stderr => "stderr",
        }
    }
}

/// A file of a log: the current one, or one that it was before a rotation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogFile {
    /// The number behind its name; 0 is the current one.
    pub number: u32,
    /// Its size in bytes.
    pub size: u64,
    /// When it was last written to.
    pub until: Option<Moment>,
}

/// A part of a log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Part {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// Where in the file it begins.
    pub start: u64,
    /// The size of the file.
    pub size: u64,
}

impl Part {
    /// Where in the file it ends.
    #[must_use]
    pub fn end(&self) -> u64 {
        self.start + u64::try_from(self.bytes.len()).unwrap_or(u64::MAX)
    }

    /// From where on to go on reading: the beginning of a line that has no end yet.
    fn next(&self) -> u64 {
        let open = self
            .bytes
            .iter()
            .rev()
            .take_while(|byte| **byte != b'\n')
            .count();
        // A line without any end would be read again for ever.
        let open = if open == self.bytes.len() && open > 4096 {
            0
        } else {
            open
        };
        self.end() - u64::try_from(open).unwrap_or(0)
    }
}

/// What is shown of a log.
#[derive(Clone, Debug)]
pub struct LogView {
    /// The stream.
    pub stream: Stream,
    /// Whether there is a log of standard error beside that of standard output.
    pub has_stderr: bool,
    /// The path of the file; `None` if no log is kept.
    pub path: Option<String>,
    /// The files that there are, the current one first.
    pub files: Vec<LogFile>,
    /// The number of the one that is shown.
    pub file: u32,
    /// What is shown of it.
    pub part: Part,
    /// What is searched for; empty if nothing is.
    pub find: String,
    /// Whether more may come: the process runs.
    pub is_alive: bool,
    /// Whether a line can be sent to its standard input.
    pub takes_stdin: bool,
}

/// Draws the panel of a log.
pub(crate) fn draw(log: &LogView, name: &str, frame: &Frame) -> Markup {
    let t = |word: Word| word.to(frame.language);
    let follows = log.is_alive && log.file == 0;
    html! {
        section.panel.log #log aria-label=(t(Word::Log)) {
            (tools(log, name, follows, frame))
            (output(log, name, follows, frame.language))
            @if log.takes_stdin && frame.may_act {
                form.stdin method="post" action="act" data-stdin="" {
                    input type="hidden" name="csrf" value=(frame.token);
                    input type="hidden" name="name" value=(name);
                    label.sr for="in" { (t(Word::LineForStdin)) }
                    input #in type="text" name="stdin" placeholder=(t(Word::SendLine))
                        autocomplete="off" spellcheck="false";
                    button { (t(Word::Send)) }
                }
            }
        }
    }
}

fn tools(log: &LogView, name: &str, follows: bool, frame: &Frame) -> Markup {
    let language = frame.language;
    let t = |word: Word| word.to(language);
    let address = address(log, name);
    let file = log.path.as_ref().map(|_| raw_address(log, name));
    html! {
        div.tools {
            nav.tabs aria-label=(t(Word::Stream)) {
                @for stream in [Stream::Stdout, Stream::Stderr] {
                    @if stream == Stream::Stdout || log.has_stderr {
                        @let current = (stream == log.stream).then_some("true");
                        a.btn href={ (process_address(name)) "&stream=" (stream.name()) "#log" }
                            aria-current=[current] { (stream.name()) }
                    }
                }
            }
            form.pick method="get" action="process" {
                (whereabouts(log, name, false))
                @if log.files.len() > 1 {
                    label {
                        span.sr { (t(Word::File)) }
                        select.small name="file" data-do="submit" {
                            @for file in &log.files {
                                option value=(file.number) selected[file.number == log.file] {
                                    (file_label(file, language))
                                }
                            }
                        }
                    }
                }
                label.field {
                    span.sr { (t(Word::SearchLog)) }
                    input type="search" name="find" placeholder=(t(Word::Search)) value=(log.find)
                        data-do="find" autocomplete="off" spellcheck="false";
                    output data-found="" data-own="" {}
                }
                button.small.plain { (t(Word::Search)) }
            }
            @if follows {
                button.toggle.js type="button" aria-pressed="true" data-do="follow" data-own="" { (t(Word::Follow)) }
                button.toggle.js type="button" aria-pressed="false" data-do="pause" data-own="" { (t(Word::Pause)) }
            }
            button.toggle.js type="button" aria-pressed="false" data-do="wrap" data-own="" { (t(Word::Wrap)) }
            details.menu {
                summary.btn.small { (t(Word::More)) }
                div {
                    @if let Some(file) = &file {
                        @if log.file == 0 {
                            a.btn.quiet href=(plain_address(log, name)) { (t(Word::OpenPlain)) }
                        }
                        a.btn.quiet href=(file) download="" { (t(Word::Download)) }
                    }
                    button.quiet.js type="button" data-do="copy" data-address=(address) { (t(Word::CopyLink)) }
                    @if frame.may_act {
                        button.quiet.danger form="act" name="clearlog" value=(name) {
                            (t(Word::ClearLog))
                        }
                    }
                }
            }
        }
    }
}

fn output(log: &LogView, name: &str, follows: bool, language: Language) -> Markup {
    let t = |word: Word| word.to(language);
    let drawn = ansi::draw(&log.part.bytes, &log.find);
    let is_searched = !log.find.is_empty();
    let is_short = drawn.count < 20;
    html! {
        div.out.short[is_short] role="log" aria-live="off" aria-label=(log.stream.name()) tabindex="0"
            data-log=(lines_address(log, name)) data-next=(log.part.next()) data-start=(log.part.start)
            data-follows[follows] data-own="" {
            @if log.path.is_none() {
                div.seam { (t(Word::NoLog)) }
            } @else if drawn.count == 0 {
                div.seam data-empty="" { (t(Word::Empty)) }
            } @else if log.part.start > 0 {
                div.seam data-earlier="" { (t(Word::EarlierLines)) }
            }
            @if is_searched && drawn.matching == 0 && drawn.count > 0 {
                div.seam { (t(Word::NoMatch)) }
            }
            (drawn.markup)
        }
        div.foot-bar {
            span data-logstate="" data-own[follows] {
                @if is_searched { (words::matches(drawn.matching, language)) }
                @else if follows { span.js { (t(Word::Following)) } }
            }
            @if let Some(path) = &log.path { span.mono title=(path) { (path) } }
            span.end.num data-size="" data-own[follows] {
                (words::count_of_lines(drawn.count, language)) ", " (figures::bytes(log.part.size))
            }
        }
    }
}

/// Lines that were written since the page was drawn, for its script.
#[must_use]
pub fn fragment(part: &Part) -> String {
    let drawn = ansi::draw(&part.bytes, "");
    let fragment = html! {
        div data-next=(part.next()) data-start=(part.start) data-size=(figures::bytes(part.size)) {
            (drawn.markup)
        }
    };
    fragment.into_string()
}

/// The fields that lead back to this log.
fn whereabouts(log: &LogView, name: &str, with_file: bool) -> Markup {
    html! {
        input type="hidden" name="name" value=(name);
        input type="hidden" name="stream" value=(log.stream.name());
        @if with_file { input type="hidden" name="file" value=(log.file); }
    }
}

fn file_label(file: &LogFile, language: Language) -> String {
    let size = figures::bytes(file.size);
    match (&file.until, file.number) {
        (_, 0) => words::current_file(&size, language),
        (Some(until), number) => {
            words::rotated_file(number, &until.short(language), &size, language)
        }
        (None, number) => format!(".{number}, {size}"),
    }
}

fn address(log: &LogView, name: &str) -> String {
    format!(
        "{}&stream={}&file={}#log",
        process_address(name),
        log.stream.name(),
        log.file
    )
}

fn lines_address(log: &LogView, name: &str) -> String {
    let (name, stream, file) = (quoted(name), log.stream.name(), log.file);
    format!("lines?name={name}&stream={stream}&file={file}")
}

fn raw_address(log: &LogView, name: &str) -> String {
    let (name, stream, file) = (quoted(name), log.stream.name(), log.file);
    format!("raw?name={name}&stream={stream}&file={file}")
}

fn plain_address(log: &LogView, name: &str) -> String {
    format!(
        "logtail/{}/{}",
        quoted(name).replace('/', "%2F"),
        log.stream.name()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(bytes: &[u8], start: u64) -> Part {
        Part {
            bytes: bytes.to_vec(),
            start,
            size: 9999,
        }
    }

    #[test]
    fn reading_goes_on_at_the_line_that_has_no_end_yet() {
        assert_eq!(part(b"ab\ncd", 10).next(), 13);
        assert_eq!(part(b"ab\n", 10).next(), 13);
        assert_eq!(part(b"", 10).next(), 10);
        assert_eq!(part(&[b'x'; 5000], 0).next(), 5000);
        let fragment = fragment(&part(b"ab\n<b>", 10));
        assert!(fragment.starts_with("<div data-next=\"13\" data-start=\"10\""));
        assert!(fragment.contains("<div>ab</div><div class=\"partial\">&lt;b&gt;</div>"));
    }
}
