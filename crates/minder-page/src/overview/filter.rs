//! Which processes are asked for: by state, which is how many there are in each as well, and by a text.

use maud::{Markup, html};
use minder_core::ProcessState;

use super::{Group, Overview, Row};
use crate::figures;
use crate::frame::Language;
use crate::glyph::{Look, ORDER};
use crate::quoted;
use crate::words::{self, Word};

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

impl Asked {
    /// Whether only a part of the processes was asked for.
    pub(super) fn is_filtered(&self) -> bool {
        !self.states.is_empty() || !self.find.is_empty()
    }

    pub(super) fn lets_through(&self, row: &Row, language: Language) -> bool {
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
    pub(super) fn address(&self) -> String {
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
    pub(super) fn with_turned(&self, group: &str) -> Self {
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

    pub(super) fn starting_at(&self, from: usize) -> Self {
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

/// How many processes are in each state.
pub(super) struct Counts {
    pub(super) all: usize,
    by_state: [(ProcessState, usize); 8],
}

impl Counts {
    pub(super) fn of(page: &Overview) -> Self {
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
    pub(super) fn worst(&self, language: Language) -> String {
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

pub(super) fn counts_strip(page: &Overview, counts: &Counts) -> Markup {
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
