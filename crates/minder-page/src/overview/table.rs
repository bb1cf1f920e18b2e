//! The table, of which a page shows a part, and what is done with the rows that are ticked.

use maud::{Markup, html};

use super::filter::Counts;
use super::group::group_head;
use super::row::{process_row, signals};
use super::{Group, Overview, Row};
use crate::frame::Frame;
use crate::words::{self, Word};

/// From how many rows on groups arrive folded, and small lines are left out.
pub const MANY: usize = 200;

/// How many rows a page has at most then: as many as fit into 150 KB.
pub const LINES: usize = 90;

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

pub(super) fn table(page: &Overview, counts: &Counts) -> Markup {
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
            details.menu {
                summary.btn { (t(Word::More)) }
                div {
                    @for (signal, label, class) in signals(frame.language) {
                        button class={ "quiet " (class) } name="signal" value=(signal) { (label) }
                    }
                    button.quiet.danger name="clearlog" value="selected" { (t(Word::ClearLogs)) }
                }
            }
            button.quiet.js type="reset" { (t(Word::Clear)) " " kbd { "Esc" } }
        }
    }
}
