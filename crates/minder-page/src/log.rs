//! The log of a process, or of the daemon, with its tools.

use maud::{Markup, html};

use crate::ansi::{self, Beside};
use crate::figures;
use crate::frame::{Frame, Language};
use crate::moment::Moment;
use crate::words::{self, Word};
use crate::{process_address, quoted};

pub use crate::ansi::last_line;

/// How much of a log is shown at first, in bytes.
pub const WINDOW: u64 = 64 << 10;

/// From how many bytes on a line is not waited for any more: one without any end would be read again
/// for ever.
const LONGEST_OPEN: usize = 4096;

/// Whose log it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogOf {
    /// The daemon's own.
    Daemon,
    /// That of a process.
    Process {
        /// What people call it.
        name: String,
        /// The stream.
        stream: Stream,
        /// Whether there is a log of standard error beside that of standard output.
        has_stderr: bool,
    },
}

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

/// Where a log goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kept {
    /// To a file: the path of the one that is shown.
    File(String),
    /// To this, which cannot be read again: a terminal, or a pipe.
    Elsewhere(String),
    /// To syslog.
    Syslog,
    /// Nowhere.
    Nowhere,
}

impl Kept {
    fn path(&self) -> Option<&str> {
        match self {
            Self::File(path) => Some(path),
            Self::Elsewhere(_) | Self::Syslog | Self::Nowhere => None,
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

/// Where in a log the output of a child begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Start {
    /// How much was in the file before.
    pub offset: u64,
    /// When the child was started.
    pub at: Moment,
    /// Its pid.
    pub pid: u32,
}

/// A part of a log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Part {
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// What identifies the file, whatever it is called; 0 if there is none.
    pub id: u64,
    /// Where in the file it begins.
    pub start: u64,
    /// The size of the file.
    pub size: u64,
    /// Whether there is more before it, in this file or in those that were rotated away before.
    pub has_earlier: bool,
    /// What is to be known of where it meets the part that was shown before it.
    pub seam: Option<Seam>,
    /// Where children begin in it, in order.
    pub starts: Vec<Start>,
}

impl Part {
    /// What is said where children begin.
    fn seams(&self, language: Language) -> Vec<(u64, String)> {
        let said = |start: &Start| words::started(start.pid, &start.at.short(language), language);
        self.starts
            .iter()
            .map(|start| (start.offset, said(start)))
            .collect()
    }

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
        let open = if open == self.bytes.len() && open > LONGEST_OPEN {
            0
        } else {
            open
        };
        self.end() - u64::try_from(open).unwrap_or(0)
    }
}

/// Where two parts meet that do not simply go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seam {
    /// One file ends, and the next one begins.
    Rotated,
    /// What was there before is gone.
    Anew,
    /// There is more between them than can be shown.
    LeftOut,
}

impl Seam {
    fn draw(self, language: Language) -> Markup {
        let word = match self {
            Self::Rotated => Word::Rotated,
            Self::Anew => Word::Anew,
            Self::LeftOut => Word::LeftOut,
        };
        html! { div.seam { (word.to(language)) } }
    }
}

/// Which end of a part meets what is shown already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Its beginning: it was written later.
    Later,
    /// Its end: it was written earlier.
    Earlier,
}

/// Which part of a log is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// Its end, to which more may come.
    Growing,
    /// Its end, to which nothing comes.
    Ended,
    /// The part that was asked for, by a place or a text.
    Asked,
}

/// What is shown of a log.
#[derive(Clone, Debug)]
pub struct LogView {
    /// Whose it is.
    pub of: LogOf,
    /// Where it goes.
    pub kept: Kept,
    /// The files that there are, the current one first.
    pub files: Vec<LogFile>,
    /// The number of the one that is shown.
    pub file: u32,
    /// The part that is shown.
    pub part: Part,
    /// Whether another part was asked for, which is not there any more.
    pub is_gone: bool,
    /// What is searched for; empty if nothing is.
    pub find: String,
    /// Where the line begins that a link leads to.
    pub here: Option<u64>,
    /// What is shown of it.
    pub extent: Extent,
    /// Whether a line can be sent to its standard input.
    pub takes_stdin: bool,
}

/// Draws the panel of a log.
pub(crate) fn draw(log: &LogView, frame: &Frame) -> Markup {
    let t = |word: Word| word.to(frame.language);
    let follows = log.extent == Extent::Growing && log.file == 0 && log.kept.path().is_some();
    html! {
        section.panel.log #log aria-label=(t(Word::Log)) {
            (tools(log, follows, frame))
            (output(log, follows, frame.language))
            @if let LogOf::Process { name, .. } = &log.of && log.takes_stdin && frame.may_act {
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

fn tools(log: &LogView, follows: bool, frame: &Frame) -> Markup {
    let language = frame.language;
    let t = |word: Word| word.to(language);
    html! {
        div.tools {
            @if let LogOf::Process { name, stream: shown, has_stderr } = &log.of {
                nav.tabs aria-label=(t(Word::Stream)) {
                    @for stream in [Stream::Stdout, Stream::Stderr] {
                        @if stream == Stream::Stdout || *has_stderr {
                            @let current = (stream == *shown).then_some("true");
                            a.btn href={ (process_address(name)) "&stream=" (stream.name()) "#log" }
                                aria-current=[current] { (stream.name()) }
                        }
                    }
                }
            }
            form.pick method="get" action=(log.of.page()) {
                @for (name, value) in log.of.fields() { input type="hidden" name=(name) value=(value); }
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
            (more(log, frame))
        }
    }
}

/// What is wanted more seldom.
fn more(log: &LogView, frame: &Frame) -> Markup {
    let t = |word: Word| word.to(frame.language);
    html! {
        details.menu {
            summary.btn.small { (t(Word::More)) }
            div {
                @if log.kept.path().is_some() {
                    @if log.file == 0 {
                        a.btn.quiet href=(log.of.plain_address()) { (t(Word::OpenPlain)) }
                    }
                    a.btn.quiet href=(log.of.address("raw", &[("file", log.file.to_string())])) download="" {
                        (t(Word::Download))
                    }
                    @if log.files.len() > 1 {
                        a.btn.quiet href=(log.of.address("raw", &[("file", "all".to_owned())])) download="" {
                            (words::download_all(log.files.len(), frame.language))
                        }
                    }
                }
                button.quiet.js type="button" data-do="copy" { (t(Word::CopyLink)) }
                @if let LogOf::Process { name, .. } = &log.of && frame.may_act {
                    button.quiet.danger form="act" name="clearlog" value=(name) { (t(Word::ClearLog)) }
                }
            }
        }
    }
}

fn output(log: &LogView, follows: bool, language: Language) -> Markup {
    let t = |word: Word| word.to(language);
    let part = &log.part;
    let beside = Beside {
        find: &log.find,
        here: log.here,
        seams: &part.seams(language),
    };
    let drawn = ansi::draw(part.start, &part.bytes, beside);
    let is_searched = !log.find.is_empty();
    // A page that has nothing else is filled by it.
    let is_tall = log.of == LogOf::Daemon;
    let is_short = drawn.count < 20 && !is_tall;
    let has_later = log.extent == Extent::Asked || log.file > 0 || part.end() < part.size;
    html! {
        div.out.short[is_short].tall[is_tall] role="log" aria-live="off" aria-label=(log.of.label(language)) tabindex="0"
            data-log=(log.of.address("lines", &[])) data-page=(log.of.address(log.of.page(), &[])) data-id=(id(part)) data-start=(part.start)
            data-next=(part.next()) data-end=(part.end()) data-earlier[part.has_earlier]
            data-follows[follows] data-own="" {
            @if log.is_gone { div.seam { (t(Word::PartGone)) } }
            @let place = [("id", id(part)), ("before", part.start.to_string())];
            @if is_searched && part.has_earlier {
                @let [id, before] = place.clone();
                @let further = log.of.address(log.of.page(), &[id, before, ("find", log.find.clone())]);
                div.seam { a.link href={ (further) "#log" } { (t(Word::SearchBack)) } }
            }
            @if log.kept.path().is_some() {
                div.seam data-back="" hidden[!part.has_earlier] {
                    a.link href={ (log.of.address(log.of.page(), &place)) "#log" } { (t(Word::EarlierLines)) }
                }
            }
            @if is_searched && drawn.matching == 0 && drawn.count > 0 {
                div.seam { (t(Word::NoMatch)) }
            }
            (drawn.markup)
            (explained(log, drawn.count, language))
            @if has_later {
                div.seam { a.link href={ (log.of.address(log.of.page(), &[])) "#log" } { (t(Word::LatestLines)) } }
            }
        }
        div.foot-bar {
            span data-logstate="" data-own="" {
                @if is_searched { (words::matches(drawn.matching, language)) }
                @else if follows { span.js { (t(Word::Following)) } }
            }
            @if let Some(path) = log.kept.path() { span.mono title=(path) { (path) } }
            span.end.num data-size="" data-own[follows] {
                @let lines = words::count_of_lines(drawn.count, language);
                (words::listed(&[lines, figures::bytes(part.size)], language))
            }
        }
    }
}

/// Why nothing is shown, if nothing is.
fn explained(log: &LogView, lines: usize, language: Language) -> Markup {
    let t = |word: Word| word.to(language);
    let empty = if log.part.has_earlier {
        Word::EmptySince
    } else {
        Word::Empty
    };
    html! {
        @match &log.kept {
            Kept::File(_) => @if lines == 0 { div.seam data-empty="" { (t(empty)) } },
            Kept::Elsewhere(path) => div.seam { (words::goes_to(path, language)) },
            Kept::Syslog => div.seam { (t(Word::GoesToSyslog)) },
            Kept::Nowhere => div.seam { (t(Word::NoLog)) },
        }
    }
}

/// Lines that are added to a page, for its script: those that were written since it was drawn, or
/// those before the ones that it has.
#[must_use]
pub fn fragment(part: &Part, side: Side, language: Language) -> String {
    let beside = Beside {
        seams: &part.seams(language),
        ..Beside::default()
    };
    let drawn = ansi::draw(part.start, &part.bytes, beside);
    let seam = |at| part.seam.filter(|_| side == at);
    let fragment = html! {
        div data-id=(id(part)) data-start=(part.start) data-next=(part.next()) data-end=(part.end())
            data-earlier[part.has_earlier] data-size=(figures::bytes(part.size)) {
            @if let Some(seam) = seam(Side::Later) { (seam.draw(language)) }
            (drawn.markup)
            @if let Some(seam) = seam(Side::Earlier) { (seam.draw(language)) }
        }
    };
    fragment.into_string()
}

/// What identifies the file of a part, as addresses have it.
fn id(part: &Part) -> String {
    format!("{:x}", part.id)
}

impl LogOf {
    /// The page that it is on.
    fn page(&self) -> &'static str {
        match self {
            Self::Daemon => "daemon",
            Self::Process { .. } => "process",
        }
    }

    /// The fields that tell it from other logs.
    fn fields(&self) -> Vec<(&'static str, &str)> {
        match self {
            Self::Daemon => Vec::new(),
            Self::Process { name, stream, .. } => vec![("name", name), ("stream", stream.name())],
        }
    }

    /// The address of what is asked for about it. The daemon's page is about nothing else; elsewhere
    /// its log has to be told from those of processes.
    fn address(&self, what: &str, more: &[(&str, String)]) -> String {
        let own = match self {
            Self::Daemon if what != self.page() => vec![("of", "daemon")],
            Self::Daemon | Self::Process { .. } => self.fields(),
        };
        let more = more.iter().map(|(name, value)| (*name, &**value));
        let fields = own.into_iter().chain(more);
        let fields: Vec<_> = fields
            .map(|(name, value)| format!("{name}={}", quoted(value)))
            .collect();
        let sign = if fields.is_empty() { "" } else { "?" };
        format!("{what}{sign}{}", fields.join("&"))
    }

    /// Where it is followed as plain text.
    fn plain_address(&self) -> String {
        match self {
            Self::Daemon => "mainlogtail".to_owned(),
            Self::Process { name, stream, .. } => {
                let name = quoted(name).replace('/', "%2F");
                format!("logtail/{name}/{}", stream.name())
            }
        }
    }

    fn label(&self, language: Language) -> &'static str {
        match self {
            Self::Daemon => Word::DaemonLog.to(language),
            Self::Process { stream, .. } => stream.name(),
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn part(bytes: &[u8], start: u64) -> Part {
        Part {
            bytes: bytes.to_vec(),
            id: 0xab,
            start,
            size: 9999,
            has_earlier: true,
            seam: Some(Seam::Rotated),
            starts: Vec::new(),
        }
    }

    #[test]
    fn reading_goes_on_at_the_line_that_has_no_end_yet() {
        assert_eq!(part(b"ab\ncd", 10).next(), 13);
        assert_eq!(part(b"ab\n", 10).next(), 13);
        assert_eq!(part(b"", 10).next(), 10);
        assert_eq!(part(&[b'x'; 5000], 0).next(), 5000);
    }

    #[test]
    fn a_seam_lies_between_what_is_shown_and_what_is_added() {
        let lines = "<div data-at=\"10\">ab</div>\
                     <div class=\"partial\" data-at=\"13\">&lt;b&gt;</div>";
        let seam = "<div class=\"seam\">One file ends here, and the next one begins.</div>";
        let fragment = |side| fragment(&part(b"ab\n<b>", 10), side, Language::English);
        let later = fragment(Side::Later);
        let place = "<div data-id=\"ab\" data-start=\"10\" data-next=\"13\" data-end=\"16\"";
        assert!(later.starts_with(place), "{later}");
        assert!(later.contains(&format!("{seam}{lines}")), "{later}");
        let earlier = fragment(Side::Earlier);
        assert!(earlier.contains(&format!("{lines}{seam}")), "{earlier}");
    }

    #[test]
    fn every_log_has_addresses_of_its_own() {
        let web = LogOf::Process {
            name: "a:b c".to_owned(),
            stream: Stream::Stderr,
            has_stderr: true,
        };
        let file = [("file", "2".to_owned())];
        let lines = "lines?name=a:b%20c&stream=stderr";
        assert_eq!(web.address("lines", &[]), lines);
        assert_eq!(
            web.address(web.page(), &file),
            "process?name=a:b%20c&stream=stderr&file=2"
        );
        assert_eq!(LogOf::Daemon.address("lines", &[]), "lines?of=daemon");
        assert_eq!(LogOf::Daemon.address("daemon", &[]), "daemon");
        assert_eq!(LogOf::Daemon.address("daemon", &file), "daemon?file=2");
    }
}
