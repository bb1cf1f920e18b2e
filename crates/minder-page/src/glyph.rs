//! The shape of each state: shape and word come first, colour last.

use maud::{Markup, PreEscaped, html};
use minder_core::ProcessState;

use crate::frame::Language;
use crate::words;

/// How a state looks. An unexpected exit is not an expected one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// An expected exit, or a state of another sort.
    Plain(ProcessState),
    /// An exit that was not expected.
    ExitedBadly,
}

/// The states in the order in which they are always shown: the worst first.
pub const ORDER: [ProcessState; 8] = [
    ProcessState::Fatal,
    ProcessState::Backoff,
    ProcessState::Starting,
    ProcessState::Running,
    ProcessState::Stopping,
    ProcessState::Stopped,
    ProcessState::Exited,
    ProcessState::Unknown,
];

impl Look {
    /// The state itself.
    #[must_use]
    pub fn state(self) -> ProcessState {
        match self {
            Self::Plain(state) => state,
            Self::ExitedBadly => ProcessState::Exited,
        }
    }

    /// The end of its class and of its symbol's name.
    pub(crate) fn class(self) -> &'static str {
        match self {
            Self::ExitedBadly => "exitbad",
            Self::Plain(ProcessState::Running) => "running",
            Self::Plain(ProcessState::Starting) => "starting",
            Self::Plain(ProcessState::Stopping) => "stopping",
            Self::Plain(ProcessState::Backoff) => "backoff",
            Self::Plain(ProcessState::Fatal) => "fatal",
            Self::Plain(ProcessState::Stopped) => "stopped",
            Self::Plain(ProcessState::Exited) => "exited",
            Self::Plain(ProcessState::Unknown) => "unknown",
        }
    }

    /// Its shape alone.
    pub(crate) fn shape(self) -> Markup {
        symbol(self.class())
    }

    /// Shape and word. Where the word is translated, pointing at it tells Supervisor's.
    pub(crate) fn shown(self, language: Language) -> Markup {
        let title = (language != Language::English).then(|| self.state().name());
        html! {
            span class={ "st st-" (self.class()) } title=[title] {
                (self.shape()) span { (words::state(self.state(), language)) }
            }
        }
    }

    /// Shape and another text.
    pub(crate) fn with(self, text: &str) -> Markup {
        html! { span class={ "st st-" (self.class()) } { (self.shape()) span { (text) } } }
    }
}

fn symbol(name: &str) -> Markup {
    html! { svg.gl aria-hidden="true" { use href={ "#s-" (name) } {} } }
}

/// The symbols that pages refer to, and the hatchings of timelines.
pub(crate) const SPRITE: PreEscaped<&str> = PreEscaped(concat!(
    r##"<svg class="sprite" width="0" height="0" aria-hidden="true"><defs>"##,
    r##"<symbol id="s-running" viewBox="0 0 14 14"><circle cx="7" cy="7" r="4.5" fill="currentColor"/></symbol>"##,
    r##"<symbol id="s-starting" viewBox="0 0 14 14"><circle cx="7" cy="7" r="4.75" fill="none" stroke="currentColor" stroke-width="1.5"/><path d="M7 4a3 3 0 0 1 0 6z" fill="currentColor"/></symbol>"##,
    r##"<symbol id="s-backoff" viewBox="0 0 14 14"><path d="M7 1.8 13 12H1z" fill="currentColor" stroke="currentColor" stroke-width="1" stroke-linejoin="round"/></symbol>"##,
    r##"<symbol id="s-stopping" viewBox="0 0 14 14"><circle cx="7" cy="7" r="4.75" fill="none" stroke="currentColor" stroke-width="1.5"/><rect x="5" y="5" width="4" height="4" fill="currentColor"/></symbol>"##,
    r##"<symbol id="s-stopped" viewBox="0 0 14 14"><rect x="3" y="3" width="8" height="8" rx="1.5" fill="none" stroke="currentColor" stroke-width="1.5"/></symbol>"##,
    r##"<symbol id="s-exited" viewBox="0 0 14 14"><path d="m2.5 7.5 3 3 6-7" fill="none" stroke="currentColor" stroke-width="1.75" stroke-linecap="round" stroke-linejoin="round"/></symbol>"##,
    r##"<symbol id="s-exitbad" viewBox="0 0 14 14"><path d="m3.5 3.5 7 7m0-7-7 7" fill="none" stroke="currentColor" stroke-width="1.75" stroke-linecap="round"/></symbol>"##,
    r##"<symbol id="s-fatal" viewBox="0 0 14 14"><path fill-rule="evenodd" fill="currentColor" d="M4.4.8h5.2l3.6 3.6v5.2l-3.6 3.6H4.4L.8 9.6V4.4zM5 4 4 5l2 2-2 2 1 1 2-2 2 2 1-1-2-2 2-2-1-1-2 2z"/></symbol>"##,
    r##"<symbol id="s-unknown" viewBox="0 0 14 14"><circle cx="7" cy="7" r="5" fill="none" stroke="currentColor" stroke-width="1.5" stroke-dasharray="2.4 1.6"/><path d="M5.6 5.8a1.4 1.4 0 1 1 2 1.2c-.4.2-.6.4-.6.9M7 9.2v.6" fill="none" stroke="currentColor" stroke-width="1.2" stroke-linecap="round"/></symbol>"##,
    r##"<symbol id="s-live" viewBox="0 0 12 12"><circle cx="6" cy="6" r="3" fill="currentColor"/></symbol>"##,
    r##"<symbol id="s-lost" viewBox="0 0 12 12"><circle cx="6" cy="6" r="4" fill="none" stroke="currentColor" stroke-width="1.5" stroke-dasharray="3 2.2"/></symbol>"##,
    r##"<symbol id="s-mark" viewBox="0 0 20 20"><path d="M10 1.75a8.25 8.25 0 1 0 8.25 8.25" fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round"/><circle cx="10" cy="10" r="3.25" fill="currentColor"/></symbol>"##,
    r##"<pattern id="h-backoff" width="7" height="8" patternUnits="userSpaceOnUse"><path class="h-backoff" d="M1.5 0v8" stroke-width="3.2"/></pattern>"##,
    r##"<pattern id="h-fatal" width="4" height="4" patternUnits="userSpaceOnUse"><path class="h-fatal" d="M0 .8h4M0 2.8h4" stroke-width="1.2"/></pattern>"##,
    "</defs></svg>"
));
