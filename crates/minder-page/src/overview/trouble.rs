//! What stands before the table: who needs attention, and why.

use std::time::Duration;

use maud::{Markup, html};
use minder_core::ProcessState;

use super::{Asked, Overview};
use crate::frame::{Frame, Language};
use crate::glyph::Look;
use crate::reason::{Ending, Reason};
use crate::strip::{self, Stretch};
use crate::words::{self, Word};
use crate::{figures, process_address};

/// How many troubled processes are shown before the table.
pub const TROUBLES: usize = 5;

/// A process that needs attention.
#[derive(Clone, Debug)]
pub struct Trouble {
    /// What people call it.
    pub name: String,
    /// Its state.
    pub look: Look,
    /// Why it is so.
    pub reason: Reason,
    /// How often it was restarted within a day, if it flaps and has not been given up.
    pub flapping: Option<u32>,
    /// How its last child ended, if it has another one by now.
    pub ended: Option<Ending>,
    /// How long ago it was given up.
    pub given_up: Option<Duration>,
    /// The last line that it wrote.
    pub said: Option<String>,
    /// Its last day, the oldest first; empty if that is not known.
    pub day: Vec<Stretch>,
}

pub(super) fn trouble(page: &Overview) -> Markup {
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
        .map(|restarts| words::flapping(restarts, one.ended.as_ref(), language));
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
