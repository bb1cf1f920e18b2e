//! The page about all processes: trouble first, then the table.

use std::time::Duration;

use maud::{Markup, html};
use minder_core::ProcessState;

use crate::curve::Series;
use crate::figures;
use crate::frame::{Frame, Language, Notice, Tab};
use crate::glyph::{Look, ORDER};
use crate::reason::Reason;
use crate::strip::{self, Stretch};
use crate::words::{self, Word};
use crate::{process_address, quoted};

/// From how many rows on groups arrive folded, and small lines are left out.
pub const MANY: usize = 200;

/// How many rows a page has at most then: as many as fit into 150 KB.
pub const LINES: usize = 90;

/// How many troubled processes are shown before the table.
pub const TROUBLES: usize = 5;

/// What is to be seen on the page about all processes.
#[derive(Clone, Debug, Default)]
pub struct Overview {
    /// What is around it.
    pub frame: Frame,
    /// The full name of the host.
    pub host: String,
    /// What is known of the whole.
    pub facts: Facts,
    /// What was said about the last request.
    pub notice: Option<Notice>,
    /// Who needs attention, the worst first: at most [`TROUBLES`].
    pub trouble: Vec<Trouble>,
    /// How many more do, by state.
    pub more_trouble: Vec<(ProcessState, usize)>,
    /// Every group, by name.
    pub groups: Vec<Group>,
    /// Which part of it was asked for.
    pub asked: Asked,
    /// The main file of the configuration, for who has no program yet.
    pub main_file: String,
}

/// What is known of the whole.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// For how long it has been up.
    pub up: Option<Duration>,
    /// The pid of the keeper.
    pub main_pid: u32,
    /// The load of the host in the last minute.
    pub load: Option<f64>,
    /// How much of its memory is used, and how much it has, in bytes.
    pub memory: Option<(u64, u64)>,
    /// How often the daemon was replaced, and how long ago the last time was.
    pub replaced: Option<(u32, Duration)>,
}

/// Which part of the table was asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked {
    /// Only processes in one of these states; all if empty.
    pub states: Vec<ProcessState>,
    /// Only processes in whose name, state or reason this is found.
    pub find: String,
    /// The groups that are not as they are at first: folded if there are few rows, else unfolded.
    pub turned: Vec<String>,
    /// The first line.
    pub from: usize,
}

/// A process that needs attention.
#[derive(Clone, Debug)]
pub struct Trouble {
    /// What people call it.
    pub name: String,
    /// Its state.
    pub look: Look,
    /// Why it is so.
    pub reason: Reason,
    /// How often it was restarted within a day, if it flaps.
    pub flapping: Option<u32>,
    /// How long ago it was given up.
    pub given_up: Option<Duration>,
    /// The last line that it wrote.
    pub said: Option<String>,
    /// Its last day, the oldest first; empty if that is not known.
    pub day: Vec<Stretch>,
}

/// A group, and its processes by name.
#[derive(Clone, Debug)]
pub struct Group {
    /// Its name.
    pub name: String,
    /// Its processes.
    pub rows: Vec<Row>,
}

/// A process in the table.
#[derive(Clone, Debug)]
pub struct Row {
    /// Its name within its group.
    pub name: String,
    /// What people call it.
    pub full_name: String,
    /// Its state.
    pub look: Look,
    /// Why it is so.
    pub reason: Reason,
    /// What is known of its child, if it has one.
    pub child: Option<Child>,
    /// How often it was restarted within a day, if that is known.
    pub restarts: Option<u32>,
    /// Whether it is restarted again and again.
    pub is_flapping: bool,
}

/// What is known of a child.
#[derive(Clone, Debug)]
pub struct Child {
    /// Its pid.
    pub pid: u32,
    /// For how long it has run.
    pub uptime: Duration,
    /// Its share of a processor in per cent, now and in the last hour.
    pub cpu: Option<(f64, Series)>,
    /// Its memory in bytes, now and in the last hour.
    pub memory: Option<(u64, Series)>,
}

impl Group {
    /// Whether it is one program with one process, which needs no head.
    fn is_single(&self) -> bool {
        matches!(&*self.rows, [row] if row.name == self.name)
    }

    /// What people call all of it.
    fn all(&self) -> String {
        format!("{}:*", self.name)
    }
}

impl Asked {
    /// Whether only a part of the processes was asked for.
    fn is_filtered(&self) -> bool {
        !self.states.is_empty() || !self.find.is_empty()
    }

    fn lets_through(&self, row: &Row, language: Language) -> bool {
        let state = row.look.state();
        if !self.states.is_empty() && !self.states.contains(&state) {
            return false;
        }
        let find = self.find.to_lowercase();
        let found = |text: &str| text.to_lowercase().contains(&find);
        find.is_empty()
            || found(&row.full_name)
            || found(state.name())
            || found(words::state(state, language))
            || found(&row.reason.text(language))
    }

    /// The address of the page on which this is asked for.
    fn address(&self) -> String {
        let mut fields = Vec::new();
        if !self.states.is_empty() {
            let names: Vec<_> = self.states.iter().map(|state| state.name()).collect();
            fields.push(format!("state={}", names.join(",")));
        }
        if !self.find.is_empty() {
            fields.push(format!("q={}", quoted(&self.find)));
        }
        for name in &self.turned {
            fields.push(format!("turn={}", quoted(name)));
        }
        if self.from > 0 {
            fields.push(format!("from={}", self.from));
        }
        format!(
            "./{}{}",
            if fields.is_empty() { "" } else { "?" },
            fields.join("&")
        )
    }

    /// The same, with a state taken in or left out.
    fn with_state(&self, state: ProcessState) -> Self {
        let mut states = self.states.clone();
        match states.iter().position(|it| *it == state) {
            Some(at) => drop(states.remove(at)),
            None => states.push(state),
        }
        Self {
            states,
            from: 0,
            ..self.clone()
        }
    }

    /// The same, with a group turned.
    fn with_turned(&self, group: &str) -> Self {
        let mut turned = self.turned.clone();
        match turned.iter().position(|it| it == group) {
            Some(at) => drop(turned.remove(at)),
            None => turned.push(group.to_owned()),
        }
        Self {
            turned,
            ..self.clone()
        }
    }

    fn starting_at(&self, from: usize) -> Self {
        Self {
            from,
            ..self.clone()
        }
    }
}

/// The names of all processes that `asked` lets through, in `groups`.
#[must_use]
pub fn matching(groups: &[Group], asked: &Asked, language: Language) -> Vec<String> {
    let rows = groups.iter().flat_map(|group| &group.rows);
    let rows = rows.filter(|row| asked.lets_through(row, language));
    rows.map(|row| row.full_name.clone()).collect()
}

/// The names of the processes of which figures are to be seen: those on this page, and, if all of
/// them are on one page, those of folded groups as well.
#[must_use]
pub fn shown(page: &Overview) -> Vec<String> {
    let all: usize = page.groups.iter().map(|group| group.rows.len()).sum();
    let lines = lines(page, all > MANY);
    let part = part(page, &lines, all > MANY);
    let rows = lines[part].iter().filter_map(|line| match line {
        Line::Row { row, .. } => Some(row.full_name.clone()),
        Line::Head { .. } => None,
    });
    rows.collect()
}

/// Which of the lines are on this page.
fn part(page: &Overview, lines: &[Line<'_>], is_large: bool) -> std::ops::Range<usize> {
    if !is_large {
        return 0..lines.len();
    }
    let from = page.asked.from.min(lines.len().saturating_sub(1));
    from..(from + LINES).min(lines.len())
}

/// A line of the table.
enum Line<'a> {
    Head {
        group: &'a Group,
        rows: Vec<&'a Row>,
        is_folded: bool,
    },
    Row {
        row: &'a Row,
        is_member: bool,
    },
}

/// Draws the page.
#[must_use]
pub fn draw(page: &Overview) -> String {
    let language = page.frame.language;
    let counts = Counts::of(page);
    let main = html! {
        @if let Some(notice) = &page.notice { (notice.draw(&page.frame, &page.asked.address())) }
        (head(page))
        @if counts.all == 0 {
            (none_yet(page))
        } @else {
            (counts_strip(page, &counts))
            (trouble(page))
            (table(page, &counts))
        }
    };
    page.frame
        .draw(&counts.worst(language), Tab::Overview, &main)
}

/// How many processes are in each state.
struct Counts {
    all: usize,
    by_state: [(ProcessState, usize); 8],
}

impl Counts {
    fn of(page: &Overview) -> Self {
        let mut by_state = ORDER.map(|state| (state, 0));
        let mut all = 0;
        for row in page.groups.iter().flat_map(|group| &group.rows) {
            all += 1;
            for (state, count) in &mut by_state {
                *count += usize::from(*state == row.look.state());
            }
        }
        Self { all, by_state }
    }

    /// What the title begins with: nothing if all is well.
    fn worst(&self, language: Language) -> String {
        let bad = [
            ProcessState::Fatal,
            ProcessState::Backoff,
            ProcessState::Unknown,
        ];
        let bad = self
            .by_state
            .iter()
            .filter(|(state, count)| bad.contains(state) && *count > 0);
        let parts: Vec<_> = bad
            .map(|(state, count)| words::states(*count, *state, language))
            .collect();
        words::listed(&parts, language)
    }
}

fn head(page: &Overview) -> Markup {
    let frame = &page.frame;
    let t = |word: Word| word.to(frame.language);
    let all = [
        (Word::StartAll, "startall", ""),
        (Word::RestartAll, "restartall", ""),
        (Word::StopAll, "stopall", "danger"),
    ];
    html! {
        div.head {
            div {
                h1 { (page.host) }
                (facts(page))
                (frame.not_live())
            }
            @if frame.may_act && !page.groups.is_empty() {
                div.acts {
                    details.menu {
                        summary.btn { (t(Word::AllProcesses)) }
                        div {
                            @for (word, name, class) in all {
                                button class={ "quiet " (class) } form="act" name=(name) value="1" { (t(word)) }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn facts(page: &Overview) -> Markup {
    let (facts, frame) = (&page.facts, &page.frame);
    let language = frame.language;
    let t = |word: Word| word.to(language);
    let duration = |it| figures::duration(it, language);
    html! {
        dl.facts.js data-facts="" {
            @if let Some(up) = facts.up { (fact(t(Word::Up), &duration(up))) }
            (fact(t(Word::Version), &frame.version))
            (fact(t(Word::MainPid), &facts.main_pid.to_string()))
            @if let Some(load) = facts.load { (fact(t(Word::Load), &format!("{load:.2}"))) }
            @if let Some((used, all)) = facts.memory {
                (fact(t(Word::Memory), &words::memory_of(used, all, language)))
            }
            @if let Some((times, ago)) = facts.replaced {
                (fact(t(Word::Daemon), &words::replaced(times, &duration(ago), language)))
            }
        }
    }
}

fn fact(name: &str, value: &str) -> Markup {
    html! { div { dt { (name) } dd.num { (value) } } }
}

fn none_yet(page: &Overview) -> Markup {
    let frame = &page.frame;
    let t = |word: Word| word.to(frame.language);
    html! {
        form #act.panel method="post" action="act" {
            input type="hidden" name="csrf" value=(frame.token);
            input type="hidden" name="back" value="./";
            div.none-yet {
                h2 { (t(Word::NothingToManage)) }
                p { (t(Word::HowToBegin)) }
                pre { "[program:web]\ncommand = /srv/web/bin/serve --port 8080\n" span.faint { "; " (page.main_file) } }
                @if frame.may_act {
                    p { button.primary name="reread" value="1" { (t(Word::Reread)) } }
                }
            }
        }
    }
}

fn counts_strip(page: &Overview, counts: &Counts) -> Markup {
    let language = page.frame.language;
    let t = |word: Word| word.to(language);
    let asked = &page.asked;
    html! {
        div.strip {
            form.field method="get" action="./" role="search" {
                @if !asked.states.is_empty() {
                    input type="hidden" name="state"
                        value=(asked.states.iter().map(|it| it.name()).collect::<Vec<_>>().join(","));
                }
                @for name in &asked.turned { input type="hidden" name="turn" value=(name); }
                input type="search" name="q" value=(asked.find) placeholder=(t(Word::FilterProcesses))
                    aria-label=(t(Word::FilterProcesses)) data-do="filter" autocomplete="off" spellcheck="false";
                kbd.js aria-hidden="true" { "/" }
            }
            nav.counts aria-label=(t(Word::State)) {
                @for (state, count) in counts.by_state {
                    @let look = Look::Plain(state);
                    @let is_on = asked.states.contains(&state);
                    @let class = look.class();
                    @let title = (language != Language::English).then(|| state.name());
                    a class={ "btn quiet st-" (class) @if count == 0 { " zero" } }
                        href=(asked.with_state(state).address()) data-state=(state.name()) role="button"
                        aria-pressed=(is_on) title=[title] {
                        (look.shape()) span { (words::state(state, language)) } " "
                        b.num { (figures::count(count)) }
                    }
                }
            }
        }
    }
}

fn trouble(page: &Overview) -> Markup {
    let language = page.frame.language;
    let t = |word: Word| word.to(language);
    if page.trouble.is_empty() {
        return html! {
            p.calm #trouble { (Look::Plain(ProcessState::Exited).shape()) span { (t(Word::AllIsWell)) } }
        };
    }
    let more: usize = page.more_trouble.iter().map(|(_, count)| count).sum();
    let parts: Vec<_> = page
        .more_trouble
        .iter()
        .map(|(state, count)| words::states(*count, *state, language))
        .collect();
    let states = page.more_trouble.iter().map(|(state, _)| *state).collect();
    let rest = Asked {
        states,
        ..Asked::default()
    };
    let has_days = page.trouble.iter().any(|it| !it.day.is_empty());
    html! {
        section.panel.trouble #trouble aria-labelledby="tr" {
            header {
                h2 #tr { (t(Word::NeedsAttention)) }
                span.num.muted { (figures::count(page.trouble.len() + more)) }
                @if has_days { span.end.faint { (t(Word::LastDay)) } }
            }
            ul {
                @for one in &page.trouble { (troubled(one, &page.frame)) }
                @if more > 0 {
                    li.rest { a.link href=(rest.address()) { (words::more_trouble(&parts, more, language)) } }
                }
            }
        }
    }
}

fn troubled(one: &Trouble, frame: &Frame) -> Markup {
    let language = frame.language;
    let address = process_address(&one.name);
    let given_up = one
        .given_up
        .map(|ago| words::given_up(&figures::duration(ago, language), language));
    let flapping = one
        .flapping
        .map(|restarts| words::flapping(restarts, language));
    let sentences = [flapping, Some(one.reason.sentence(language)), given_up];
    let sentences: Vec<_> = sentences
        .into_iter()
        .flatten()
        .filter(|it| !it.is_empty())
        .collect();
    let gap = if language == Language::English {
        " "
    } else {
        ""
    };
    let stops = matches!(
        one.look.state(),
        ProcessState::Backoff | ProcessState::Running | ProcessState::Starting
    );
    let (verb, name) = if stops {
        (Word::Stop, "stop")
    } else {
        (Word::Start, "start")
    };
    html! {
        li data-name=(one.name) {
            div.who { a href=(address) { (one.name) } (one.look.shown(language)) }
            div.what {
                span { (sentences.join(gap)) }
                @if let Some(said) = &one.said { code.said title=(said) { (said) } }
            }
            @if one.day.is_empty() { span.tl {} } @else {
                (strip::strip(&one.day, Word::LastDay.to(language), true))
            }
            div.acts {
                @if frame.may_act && one.look.state() != ProcessState::Stopping {
                    button.small form="act" name=(name) value=(one.name)
                        aria-label=(words::act_on(verb, &one.name, language)) { (verb.to(language)) }
                }
                a.btn.small href={ (address) "#log" }
                    aria-label=(words::act_on(Word::Log, &one.name, language)) { (Word::Log.to(language)) }
            }
        }
    }
}

/// The lines that there are, of which a page may show a part.
fn lines(page: &Overview, is_large: bool) -> Vec<Line<'_>> {
    let (asked, language) = (&page.asked, page.frame.language);
    let mut lines = Vec::new();
    for group in &page.groups {
        let rows = group
            .rows
            .iter()
            .filter(|row| asked.lets_through(row, language));
        let rows: Vec<_> = rows.collect();
        if group.is_single() {
            lines.extend(rows.into_iter().map(|row| Line::Row {
                row,
                is_member: false,
            }));
        } else if !rows.is_empty() {
            let is_folded = asked.turned.contains(&group.name) != is_large;
            let members = if is_folded && is_large {
                Vec::new()
            } else {
                rows.clone()
            };
            lines.push(Line::Head {
                group,
                rows,
                is_folded,
            });
            lines.extend(members.into_iter().map(|row| Line::Row {
                row,
                is_member: true,
            }));
        }
    }
    lines
}

fn table(page: &Overview, counts: &Counts) -> Markup {
    let frame = &page.frame;
    let t = |word: Word| word.to(frame.language);
    let is_large = counts.all > MANY;
    let lines = lines(page, is_large);
    let part = part(page, &lines, is_large);
    let (from, to) = (part.start, part.end);
    let shown = &lines[part];
    let alone = page.groups.iter().filter(|group| group.is_single()).count();
    let (groups, language) = (page.groups.len() - alone, frame.language);
    html! {
        @if is_large {
            p.calm { (words::in_groups(counts.all, groups, alone, language)) }
        }
        form #act.panel method="post" action="act" data-large[is_large] {
            input type="hidden" name="csrf" value=(frame.token);
            input type="hidden" name="back" value=(page.asked.address());
            table.procs role="table" {
                thead role="rowgroup" { tr role="row" {
                    th.c-sel role="columnheader" {
                        @if frame.may_act {
                            input.js type="checkbox" data-do="all" aria-label=(t(Word::SelectAllShown));
                        }
                    }
                    th.c-name role="columnheader" aria-sort="ascending" { (t(Word::Process)) }
                    th.c-state role="columnheader" { (t(Word::State)) }
                    th.c-up role="columnheader" { (t(Word::Uptime)) }
                    th.c-pid role="columnheader" { (t(Word::Pid)) }
                    th.c-cpu role="columnheader" { (t(Word::Cpu)) }
                    th.c-mem role="columnheader" { (t(Word::Memory)) }
                    th.c-rst role="columnheader" title=(t(Word::InTheLastDay)) { (t(Word::Restarts)) }
                    th.c-act role="columnheader" { span.sr { (t(Word::Actions)) } }
                } }
                (bodies(page, shown, is_large))
            }
            @if shown.is_empty() {
                div.none-yet { p { (t(Word::NothingMatches)) " " a.link href="./" { (t(Word::ShowAll)) } } }
            }
            @if shown.len() < lines.len() || (is_large && page.asked.is_filtered()) {
                (pager(page, from, to, lines.len()))
            }
            @if frame.may_act { (bulk(frame)) }
        }
    }
}

/// One body for each group and for each process on its own, as scripts fold them.
fn bodies(page: &Overview, shown: &[Line<'_>], is_large: bool) -> Markup {
    let starts = (0..shown.len()).filter(|at| {
        !matches!(
            shown[*at],
            Line::Row {
                is_member: true,
                ..
            }
        ) || *at == 0
    });
    let starts: Vec<_> = starts.collect();
    let ends = starts.iter().skip(1).copied().chain([shown.len()]);
    html! {
        @for (start, end) in starts.iter().zip(ends) {
            @let lines = &shown[*start..end];
            @let (name, is_folded) = match &lines[0] {
                Line::Head { group, is_folded, .. } => (&*group.name, *is_folded),
                Line::Row { row, .. } => (&*row.full_name, false),
            };
            tbody role="rowgroup" data-body=(name) data-folded[is_folded] {
                @for line in lines {
                    @match line {
                        Line::Head { group, rows, is_folded } => (group_head(page, group, rows, *is_folded, is_large)),
                        Line::Row { row, is_member } => (process_row(row, *is_member, &page.frame, !is_large)),
                    }
                }
            }
        }
    }
}

fn group_head(
    page: &Overview,
    group: &Group,
    rows: &[&Row],
    is_folded: bool,
    is_large: bool,
) -> Markup {
    let frame = &page.frame;
    let language = frame.language;
    let all = group.all();
    let sum = Sum::of(rows);
    let counted = ORDER.into_iter().filter_map(|state| {
        let count = rows.iter().filter(|row| row.look.state() == state).count();
        (count > 0).then_some((state, count))
    });
    let counted: Vec<_> = counted.collect();
    let is_up = rows.iter().any(|row| row.look.state().is_running());
    let span = if sum.has_children { "3" } else { "5" };
    html! {
        tr.group role="row" data-group=(group.name) {
            td.c-sel role="cell" {
                @if frame.may_act {
                    input type="checkbox" name="g" value=(all) data-group=(group.name)
                        aria-label=(words::select(&all, language));
                }
            }
            th.c-name role="rowheader" scope="rowgroup" {
                a.fold href=(page.asked.with_turned(&group.name).address()) data-do="fold"
                    aria-expanded=(!is_folded) { (group.name) }
            }
            td.c-state role="cell" colspan=(span) {
                span.sum {
                    @if is_large { (bar(&counted)) }
                    @for (state, count) in &counted {
                        (Look::Plain(*state).with(&words::states(*count, *state, language)))
                    }
                }
            }
            @if sum.has_children {
                (figure_cell("c-cpu", sum.cpu.map(figures::percent)))
                (figure_cell("c-mem", sum.memory.map(figures::bytes)))
            }
            td.c-rst.num role="cell" { (sum.restarts.map(|it| it.to_string()).unwrap_or_default()) }
            td.c-act role="cell" {
                @if frame.may_act {
                    div.acts {
                        @if is_up { (slot(Word::Restart, &all, language)) } @else { (slot(Word::Start, &all, language)) }
                        @if is_up { (slot(Word::Stop, &all, language)) } @else { (no_slot()) }
                        (no_slot())
                    }
                }
            }
        }
    }
}

/// What a group comes to.
struct Sum {
    has_children: bool,
    cpu: Option<f64>,
    memory: Option<u64>,
    restarts: Option<u32>,
}

impl Sum {
    fn of(rows: &[&Row]) -> Self {
        let children = || rows.iter().filter_map(|row| row.child.as_ref());
        let cpu = children().filter_map(|child| child.cpu.as_ref().map(|(now, _)| *now));
        let memory = children().filter_map(|child| child.memory.as_ref().map(|(now, _)| *now));
        let (cpu, memory): (Vec<_>, Vec<_>) = (cpu.collect(), memory.collect());
        let restarts: Vec<_> = rows.iter().filter_map(|row| row.restarts).collect();
        Self {
            has_children: children().next().is_some(),
            // A sum of some would be taken for one of all.
            cpu: (cpu.len() == children().count()).then(|| cpu.iter().sum()),
            memory: (memory.len() == children().count()).then(|| memory.iter().sum()),
            restarts: (!restarts.is_empty()).then(|| restarts.iter().sum()),
        }
    }
}

/// The states of a large group as shares of a bar.
fn bar(counted: &[(ProcessState, usize)]) -> Markup {
    const WIDTH: usize = 224;
    let all: usize = counted.iter().map(|(_, count)| count).sum();
    let mut at = 0;
    html! {
        svg.bar.tl viewBox="0 0 224 12" preserveAspectRatio="none" aria-hidden="true" {
            @for (state, count) in counted {
                // What is there at all is seen.
                @let width = (WIDTH * count / all.max(1)).max(3);
                @let x = at;
                @let () = at += width;
                @let hatch = match state {
                    ProcessState::Backoff => Some("url(#h-backoff)"),
                    ProcessState::Fatal => Some("url(#h-fatal)"),
                    _ => None,
                };
                rect class=(Look::Plain(*state).class()) x=(x) y="0" width=(width) height="12" fill=[hatch] {}
            }
        }
    }
}

fn process_row(row: &Row, is_member: bool, frame: &Frame, with_lines: bool) -> Markup {
    let language = frame.language;
    let reason = row.reason.text(language);
    let name = if is_member { &row.name } else { &row.full_name };
    let why = html! { span.why title=[(!reason.is_empty()).then_some(&reason)] { (reason) } };
    html! {
        tr class=[is_member.then_some("m")] role="row" data-name=(row.full_name) data-state=(row.look.state().name()) {
            td.c-sel role="cell" {
                @if frame.may_act {
                    input type="checkbox" name="p" value=(row.full_name)
                        aria-label=(words::select(&row.full_name, language));
                }
            }
            th.c-name role="rowheader" scope="row" { a href=(process_address(&row.full_name)) { (name) } }
            @if let Some(child) = &row.child {
                td.c-state role="cell" { div.sv { (row.look.shown(language)) (why) } }
                td.c-up.num role="cell" { (figures::duration(child.uptime, language)) }
                td.c-pid.num role="cell" { (child.pid) }
                @let cpu = child.cpu.as_ref().map(|(now, line)| (figures::percent(*now), line));
                @let memory = child.memory.as_ref().map(|(now, line)| (figures::bytes(*now), line));
                (meter_cell("c-cpu", cpu, with_lines))
                (meter_cell("c-mem", memory, with_lines))
            } @else {
                td.c-state role="cell" colspan="5" { div.sv { (row.look.shown(language)) (why) } }
            }
            td.c-rst.num role="cell" { (restarts(row, language)) }
            td.c-act role="cell" { (slots(row, frame)) }
        }
    }
}

fn restarts(row: &Row, language: Language) -> Markup {
    html! {
        @match row.restarts {
            Some(count) if row.is_flapping => span.flap title=(Word::Flapping.to(language)) { (count) },
            Some(count) => (count),
            None => span.faint { "–" },
        }
    }
}

fn meter_cell(class: &str, meter: Option<(String, &Series)>, with_line: bool) -> Markup {
    let Some((figure, line)) = meter else {
        return figure_cell(class, None);
    };
    if !with_line {
        return figure_cell(class, Some(figure));
    }
    html! { td class=(class) role="cell" { div.meter { (line.spark()) span.num { (figure) } } } }
}

fn figure_cell(class: &str, figure: Option<String>) -> Markup {
    html! {
        td class=(class) role="cell" { div.meter { span {}
            @match figure {
                Some(figure) => span.num { (figure) },
                None => span.faint { "–" },
            }
        } }
    }
}

/// Three slots, of which one without sense is left empty.
fn slots(row: &Row, frame: &Frame) -> Markup {
    let (name, language) = (&row.full_name, frame.language);
    let (first, second) = verbs(row.look.state());
    html! {
        div.acts {
            @if frame.may_act {
                @match first { Some(verb) => (slot(verb, name, language)), None => (no_slot()) }
                @match second { Some(verb) => (slot(verb, name, language)), None => (no_slot()) }
            }
            a.btn href={ (process_address(name)) "#log" } aria-label=(words::act_on(Word::Log, name, language)) {
                (Word::Log.to(language))
            }
        }
    }
}

/// What can be done with a process in this state.
pub(crate) fn verbs(state: ProcessState) -> (Option<Word>, Option<Word>) {
    match state {
        ProcessState::Running | ProcessState::Starting => (Some(Word::Restart), Some(Word::Stop)),
        ProcessState::Backoff => (None, Some(Word::Stop)),
        ProcessState::Stopping => (None, None),
        ProcessState::Stopped
        | ProcessState::Exited
        | ProcessState::Fatal
        | ProcessState::Unknown => (Some(Word::Start), None),
    }
}

/// The name of the field that a verb's button is.
pub(crate) fn field(verb: Word) -> &'static str {
    match verb {
        Word::Restart => "restart",
        Word::Stop => "stop",
        Word::ClearLog => "clearlog",
        _ => "start",
    }
}

fn slot(verb: Word, name: &str, language: Language) -> Markup {
    html! {
        button name=(field(verb)) value=(name) aria-label=(words::act_on(verb, name, language)) { (verb.to(language)) }
    }
}

fn no_slot() -> Markup {
    html! { span.none {} }
}

fn pager(page: &Overview, from: usize, to: usize, of: usize) -> Markup {
    let language = page.frame.language;
    let t = |word: Word| word.to(language);
    let asked = &page.asked;
    let matching = page.groups.iter().flat_map(|group| &group.rows);
    let matching = matching
        .filter(|row| asked.lets_through(row, language))
        .count();
    let every = words::select(&words::process_count(matching, language), language);
    html! {
        nav.pager aria-label=(t(Word::Process)) {
            @if page.frame.may_act && matching > 0 {
                label { input type="checkbox" name="every" value="1"; " " (every) }
                input type="hidden" name="q" value=(asked.find);
                input type="hidden" name="state"
                    value=(asked.states.iter().map(|it| it.name()).collect::<Vec<_>>().join(","));
            }
            span.end.num { (words::lines(from + 1, to, of, language)) }
            @if from > 0 {
                a.btn.small href=(asked.starting_at(from.saturating_sub(LINES)).address()) rel="prev" { (t(Word::Previous)) }
            }
            @if to < of {
                a.btn.small href=(asked.starting_at(to).address()) rel="next" { (t(Word::Next)) }
            }
        }
    }
}

fn bulk(frame: &Frame) -> Markup {
    let t = |word: Word| word.to(frame.language);
    html! {
        div.bulk role="region" aria-label=(t(Word::Selected)) {
            b.num.js aria-live="polite" { span data-n="" { "0" } " " (t(Word::Selected)) }
            span.names.js data-names="" {}
            button name="start" value="selected" { (t(Word::Start)) }
            button name="restart" value="selected" { (t(Word::Restart)) }
            button.danger name="stop" value="selected" { (t(Word::Stop)) }
            button.quiet.js type="reset" { (t(Word::Clear)) " " kbd { "Esc" } }
        }
    }
}
