//! The question before something is done that can be felt.

use maud::{Markup, html};
use minder_core::Signal;

use crate::frame::{Frame, Language, Notice, Tab};
use crate::words::{self, Word};

/// From how many processes on their number has to be typed.
pub const TYPED_ABOVE: usize = 10;

/// Something to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// Start.
    Start,
    /// Stop, then start.
    Restart,
    /// Stop.
    Stop,
    /// Empty logs.
    ClearLog,
    /// Send a signal.
    Signal(Signal),
    /// Make the configuration of groups the one that is on disk.
    Update,
}

impl Verb {
    fn label(self, language: Language) -> String {
        let word = match self {
            Self::Start => Word::Start,
            Self::Restart => Word::Restart,
            Self::Stop => Word::Stop,
            Self::ClearLog => Word::ClearLog,
            Self::Update => Word::Update,
            // Signals are not translated.
            Self::Signal(signal) => {
                let name = signal.name().map(|name| name.trim_start_matches("SIG"));
                return name.map_or_else(|| signal.number().to_string(), str::to_owned);
            }
        };
        word.to(language).to_owned()
    }
}

/// A question.
#[derive(Clone, Debug)]
pub struct Question {
    /// What is around it.
    pub frame: Frame,
    /// What is to be done.
    pub verb: Verb,
    /// To what: processes, or groups if it is an update.
    pub names: Vec<String>,
    /// Whether it concerns all there are.
    pub is_all: bool,
    /// The longest `stopwaitsecs` among them, in seconds, if they are to be stopped.
    pub longest_wait: Option<i64>,
    /// The fields that the form had, to be sent again.
    pub fields: Vec<(String, String)>,
    /// Where to go if it is not to be done.
    pub back: String,
    /// Whether the number was typed, and was another one.
    pub was_wrong: bool,
}

impl Question {
    /// Whether the number of processes has to be typed.
    #[must_use]
    pub fn wants_number(&self) -> bool {
        wants_number(self.names.len(), self.is_all)
    }
}

/// Whether so many processes are so many that their number has to be typed. All of a few need no
/// more than one of them.
#[must_use]
pub fn wants_number(count: usize, is_all: bool) -> bool {
    count > TYPED_ABOVE || (is_all && count > 1)
}

/// Draws the question as a page of its own, whose form a script shows as a dialog.
#[must_use]
pub fn draw(question: &Question) -> String {
    let language = question.frame.language;
    let verb = question.verb.label(language);
    let subject = match &*question.names {
        [name] => name.clone(),
        names => words::process_count(names.len(), language),
    };
    let title = match (question.verb, question.names.len()) {
        (Verb::Signal(_), _) => words::ask_signal(&verb, &subject, language),
        (Verb::ClearLog, _) => words::ask_clear(&subject, language),
        (Verb::Update, count) if count != 1 => words::ask_update(count, language),
        (Verb::Start | Verb::Restart | Verb::Stop | Verb::Update, _) => {
            words::ask_about(&verb, &subject, language)
        }
    };
    let main = html! {
        section.panel.question {
            form #question method="post" action="act" aria-labelledby="ask-t" {
                h1 #ask-t { (title) }
                (about(question))
                @for (name, value) in &question.fields {
                    input type="hidden" name=(name) value=(value);
                }
                input type="hidden" name="sure" value="1";
                @if question.wants_number() { (number(question)) }
                div.acts {
                    a.btn href=(question.back) data-do="cancel" autofocus { (Word::Cancel.to(language)) }
                    button.danger data-armed[!question.wants_number()] { (verb) }
                }
            }
        }
    };
    question.frame.draw(&title, Tab::None, &main)
}

fn about(question: &Question) -> Markup {
    let language = question.frame.language;
    let names: Vec<_> = question.names.iter().take(60).map(String::as_str).collect();
    let separator = if language == Language::English {
        ", "
    } else {
        "、"
    };
    html! {
        p.muted {
            @if question.names.len() > 1 {
                (names.join(separator))
                @if question.names.len() > names.len() { " …" }
                @if language == Language::English { ". " } @else { "。" }
            }
            @if let Some(longest) = question.longest_wait { (words::stop_wait(longest, language)) }
        }
    }
}

fn number(question: &Question) -> Markup {
    let (before, count, after) =
        words::type_to_go_on(question.names.len(), question.frame.language);
    html! {
        p {
            label {
                (before) b { (count) } (after) " "
                input type="text" name="count" inputmode="numeric" autocomplete="off" data-want=(count) required
                    aria-invalid=[question.was_wrong.then_some("true")];
            }
        }
    }
}

/// What is said when a form asks for nothing that can be done.
#[must_use]
pub fn nothing(language: Language) -> Notice {
    Notice {
        text: Word::NothingToDo.to(language).to_owned(),
        detail: String::new(),
        is_bad: true,
    }
}

/// What is said when something was done of which pages show nothing; `None` if they do.
#[must_use]
pub fn done(verb: Verb, names: &[String], language: Language) -> Option<Notice> {
    let names = words::some(names, NAMES, language);
    let text = match verb {
        Verb::Signal(_) => words::sent(&verb.label(language), &names, language),
        Verb::ClearLog => words::cleared(&names, language),
        Verb::Start | Verb::Restart | Verb::Stop | Verb::Update => return None,
    };
    Some(Notice {
        text,
        detail: String::new(),
        is_bad: false,
    })
}

/// How many names are told of those that something was done with, or could not be.
const NAMES: usize = 6;

/// What is said when something could not be done: with what, and which fault told so of the first.
#[must_use]
pub fn failure(about: &[String], fault: &str, code: i32, language: Language) -> Notice {
    Notice {
        text: words::not_done(&words::some(about, NAMES, language), language),
        detail: format!("{fault} ({code})"),
        is_bad: true,
    }
}

/// The page in the place of one about a process that is not there.
#[must_use]
pub fn missing(frame: &Frame) -> String {
    let t = |word: Word| word.to(frame.language);
    let main = html! {
        div.none-yet {
            h1 { (t(Word::NoSuchProcess)) }
            p { a.link href="./" { (t(Word::Overview)) } }
        }
    };
    frame.draw(t(Word::NoSuchProcess), Tab::None, &main)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_is_typed_of_many_and_of_all() {
        for (count, is_all, typed) in [
            (1, false, false),
            (10, false, false),
            (11, false, true),
            (1, true, false),
            (2, true, true),
        ] {
            assert_eq!(wants_number(count, is_all), typed, "{count} {is_all}");
        }
    }
}
