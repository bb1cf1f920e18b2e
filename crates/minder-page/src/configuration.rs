//! The page about the configuration: what differs, and what an update would do.

use std::time::Duration;

use maud::{Markup, html};

use crate::frame::{Frame, Notice, Tab};
use crate::glyph::Look;
use crate::moment::Moment;
use crate::process::{Place, masked};
use crate::words::{self, Word};
use minder_core::ProcessState;

/// How many sections of a file, or processes of a group, are named.
const NAMES: usize = 12;

/// What is to be seen on the page about the configuration.
#[derive(Clone, Debug, Default)]
pub struct ConfigPage {
    /// What is around it.
    pub frame: Frame,
    /// What was said about the last request.
    pub notice: Option<Notice>,
    /// The path of the main file.
    pub main_file: String,
    /// The files that were read, the main file first.
    pub files: Vec<FileRow>,
    /// What is wrong with them, if they cannot be read.
    pub broken: Option<Broken>,
    /// What an update would do, in its order.
    pub plan: Vec<Step>,
    /// The groups that differ, in the same order.
    pub differences: Vec<Difference>,
    /// How many processes an update would not touch.
    pub untouched: usize,
}

/// A file of the configuration.
#[derive(Clone, Debug)]
pub struct FileRow {
    /// Its path.
    pub path: String,
    /// The names of the sections that begin in it.
    pub sections: Vec<String>,
    /// When it was changed.
    pub changed: Option<Moment>,
}

/// Why the files cannot be read.
#[derive(Clone, Debug)]
pub struct Broken {
    /// Where; empty if no place can be named.
    pub place: String,
    /// What is wrong.
    pub problem: String,
    /// The lines around the place, as the daemon's log has them; may be empty.
    pub excerpt: String,
}

/// How a group differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// It is new.
    Added,
    /// Its options are others.
    Changed,
    /// It is gone.
    Removed,
}

impl How {
    fn sign(self) -> (&'static str, &'static str) {
        match self {
            Self::Added => ("s-add", "+"),
            Self::Changed => ("s-chg", "~"),
            Self::Removed => ("s-rem", "−"),
        }
    }

    fn word(self) -> Word {
        match self {
            Self::Added => Word::Added,
            Self::Changed => Word::Changed,
            Self::Removed => Word::Removed,
        }
    }

    fn verb(self) -> Word {
        match self {
            Self::Added => Word::Start,
            Self::Changed => Word::Restart,
            Self::Removed => Word::Stop,
        }
    }
}

/// A step of an update.
#[derive(Clone, Debug)]
pub struct Step {
    /// What happens to the group.
    pub how: How,
    /// The group.
    pub group: String,
    /// How many processes that means.
    pub processes: usize,
    /// The longest `stopwaitsecs` among those that are stopped, if any are.
    pub longest_wait: Option<Duration>,
}

/// A group that differs.
#[derive(Clone, Debug)]
pub struct Difference {
    /// How.
    pub how: How,
    /// The group.
    pub group: String,
    /// How many processes it has.
    pub processes: usize,
    /// The processes that it has and will not have, if it is changed.
    pub without: Vec<String>,
    /// The processes that it does not have and will have, if it is changed.
    pub with: Vec<String>,
    /// The options that differ.
    pub options: Vec<OptionChange>,
}

/// An option that differs.
#[derive(Clone, Debug)]
pub struct OptionChange {
    /// Its name.
    pub name: String,
    /// Its value in force, masked; `None` if it is not set.
    pub old: Option<String>,
    /// Its value on disk, masked; `None` if it is not set.
    pub new: Option<String>,
    /// Where the latter stands.
    pub from: Option<Place>,
    /// Whether what differs is a secret.
    pub is_secret: bool,
}

/// Draws the page.
#[must_use]
pub fn draw(page: &ConfigPage) -> String {
    let frame = &page.frame;
    let t = |word: Word| word.to(frame.language);
    let main = html! {
        @if let Some(notice) = &page.notice { (notice.draw(frame, "configuration")) }
        form #act method="post" action="act" {
            input type="hidden" name="csrf" value=(frame.token);
            input type="hidden" name="back" value="configuration";
        }
        (head(page))
        @if let Some(broken) = &page.broken { (trouble(broken, frame)) }
        @if !page.plan.is_empty() { (plan(page)) }
        @for difference in &page.differences { (diff(difference, frame)) }
        (files(page))
    };
    frame.draw(t(Word::Configuration), Tab::Configuration, &main)
}

fn head(page: &ConfigPage) -> Markup {
    let frame = &page.frame;
    let language = frame.language;
    let t = |word: Word| word.to(language);
    let lede = if page.broken.is_some() {
        t(Word::FilesBroken).to_owned()
    } else if page.plan.is_empty() {
        t(Word::FilesAgree).to_owned()
    } else {
        let count = |how| page.plan.iter().filter(|step| step.how == how).count();
        let [added, changed, removed] = [How::Added, How::Changed, How::Removed].map(count);
        words::files_differ(added, changed, removed, language)
    };
    html! {
        div.head {
            div {
                h1 { (t(Word::Configuration)) }
                p.lede { (lede) }
                dl.facts {
                    div { dt { (t(Word::MainFile)) } dd { code { (page.main_file) } } }
                    @if !page.files.is_empty() {
                        div { dt { (t(Word::FilesRead)) } dd.num { (page.files.len()) } }
                    }
                }
            }
            @if frame.may_act {
                div.acts {
                    button.primary[page.broken.is_some()] form="act" name="reread" value="1" { (t(Word::Reread)) }
                    @if page.plan.is_empty() {
                        button disabled { (t(Word::Update)) }
                    } @else {
                        button.primary form="act" name="update" value="1" data-one=(words::update_groups(1, language))
                            data-many=(words::update_groups(77, language)) data-count="update" {
                            (words::update_groups(page.plan.len(), language))
                        }
                    }
                }
            }
        }
    }
}

fn trouble(broken: &Broken, frame: &Frame) -> Markup {
    let look = Look::Plain(ProcessState::Fatal);
    html! {
        section.panel.trouble role="alert" {
            header {
                (look.with(Word::NotRead.to(frame.language)))
                @if !broken.place.is_empty() { h2 { code { (broken.place) } } }
            }
            p.line { (broken.problem) }
            @if !broken.excerpt.is_empty() { pre.excerpt tabindex="0" { (broken.excerpt) } }
        }
    }
}

fn plan(page: &ConfigPage) -> Markup {
    let language = page.frame.language;
    let t = |word: Word| word.to(language);
    html! {
        section.panel aria-labelledby="pl" {
            header {
                h2 #pl { (t(Word::WhatUpdateDoes)) }
                span.muted { (words::others_untouched(page.untouched, language)) }
            }
            ol.plan {
                @for step in &page.plan {
                    @let (class, sign) = step.how.sign();
                    li {
                        span class={ "sign " (class) } aria-hidden="true" { (sign) }
                        b { (t(step.how.verb())) }
                        span { (step.group) }
                        span.muted {
                            @if let Some(wait) = step.longest_wait {
                                @let parts = [
                                    words::process_count(step.processes, language),
                                    words::up_to_stop(wait.as_secs(), language),
                                ];
                                (words::listed(&parts, language))
                            } @else { (words::process_count(step.processes, language)) }
                        }
                    }
                }
            }
        }
    }
}

fn diff(difference: &Difference, frame: &Frame) -> Markup {
    let language = frame.language;
    let t = |word: Word| word.to(language);
    let (class, sign) = difference.how.sign();
    let id = format!("d-{}", difference.group);
    html! {
        section.panel aria-labelledby=(id) {
            header {
                @if frame.may_act {
                    input type="checkbox" form="act" name="g" value=(difference.group) checked data-do="tick"
                        aria-label=(words::update_group(&difference.group, language));
                }
                span class={ "sign " (class) } aria-hidden="true" { (sign) }
                h2 id=(id) { (difference.group) }
                span.muted {
                    @let processes = words::process_count(difference.processes, language);
                    (words::listed(&[t(difference.how.word()).to_owned(), processes], language))
                }
            }
            @if !difference.without.is_empty() {
                p.line { (words::without(&words::some(&difference.without, NAMES, language), language)) }
            }
            @if !difference.with.is_empty() {
                p.line { (words::with(&words::some(&difference.with, NAMES, language), language)) }
            }
            @if !difference.options.is_empty() {
                table.diff {
                    colgroup { col.d-opt; col; col; col.d-src; }
                    thead { tr {
                        th.d-opt { (t(Word::Option)) } th { (t(Word::OldValue)) } th { (t(Word::NewValue)) }
                        th.d-src { (t(Word::From)) }
                    } }
                    tbody { @for option in &difference.options { (option_row(option, frame)) } }
                }
            }
        }
    }
}

fn option_row(option: &OptionChange, frame: &Frame) -> Markup {
    let t = |word: Word| word.to(frame.language);
    let nil = || html! { span.nil { (t(Word::NotSet)) } };
    let (old, new) = (option.old.as_deref(), option.new.as_deref());
    let (before, middle, after) = match (old, new) {
        (Some(old), Some(new)) => common(old, new),
        _ => (0, 0, 0),
    };
    html! {
        tr {
            th.d-opt.mono scope="row" { (option.name) }
            td.mono {
                @match old {
                    Some(old) => (changed(old, before, after, true, frame)),
                    None => (nil()),
                }
            }
            td.mono {
                @match new {
                    Some(new) => {
                        (changed(new, before, after, false, frame))
                        @if option.is_secret && middle == 0 { " " span.muted { (t(Word::SecretChanged)) } }
                    },
                    None => (nil()),
                }
            }
            @match &option.from {
                Some(place) => td.d-src.num title=(place.full) { (place.short) },
                None => td.d-src {},
            }
        }
    }
}

/// A value whose first `before` and last `after` bytes are common to both, the rest marked.
fn changed(value: &str, before: usize, after: usize, is_old: bool, frame: &Frame) -> Markup {
    let end = value.len() - after;
    let show = |text: &str| masked(text, Word::Masked.to(frame.language));
    let rest = &value[before..end];
    html! {
        (show(&value[..before]))
        @if !rest.is_empty() {
            @if is_old { del { (show(rest)) } } @else { ins { (show(rest)) } }
        }
        (show(&value[end..]))
    }
}

/// How many bytes two texts have in common at their beginning, how many differ of the longer one,
/// and how many they have in common at their end.
fn common(old: &str, new: &str) -> (usize, usize, usize) {
    let alike = |(a, b): &(char, char)| a == b;
    let before: usize = old
        .chars()
        .zip(new.chars())
        .take_while(alike)
        .map(|(it, _)| it.len_utf8())
        .sum();
    let (old_rest, new_rest) = (&old[before..], &new[before..]);
    let after: usize = old_rest
        .chars()
        .rev()
        .zip(new_rest.chars().rev())
        .take_while(alike)
        .map(|(it, _)| it.len_utf8())
        .sum();
    (before, old.len().max(new.len()) - before - after, after)
}

fn files(page: &ConfigPage) -> Markup {
    let language = page.frame.language;
    let t = |word: Word| word.to(language);
    if page.files.is_empty() {
        return html! {};
    }
    html! {
        section.panel.boxed aria-labelledby="fi" {
            header { h2 #fi { (t(Word::FilesRead)) } }
            table.list.conf {
                thead { tr {
                    th { (t(Word::File)) } th { (t(Word::Sections)) } th.src { (t(Word::ChangedAt)) }
                } }
                tbody {
                    @for file in &page.files {
                        tr {
                            th.mono scope="row" { (file.path) }
                            td.mono.muted { (words::some(&file.sections, NAMES, language)) }
                            td.src { @if let Some(at) = &file.changed { (at.shown(language)) } }
                        }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_two_values_have_in_common_is_not_marked() {
        for (old, new, parts) in [
            ("-c 4 -Q a", "-c 8 -Q a", (3, 1, 5)),
            ("a", "a,b", (1, 2, 0)),
            ("same", "same", (4, 0, 0)),
            ("日本", "日月", (3, 3, 0)),
            ("aa", "aaa", (2, 1, 0)),
            ("", "x", (0, 1, 0)),
        ] {
            assert_eq!(common(old, new), parts, "{old} {new}");
        }
    }
}
