//! What is asked before something is done that hurts.

use super::Action;
use crate::words;

/// The signals to choose from, and what programs mostly do then.
pub(crate) const SIGNALS: [(&str, &str); 10] = [
    ("HUP", "read the configuration again, or end"),
    ("USR1", "what the program has it for, or end"),
    ("USR2", "what the program has it for, or end"),
    ("WINCH", "nothing, or stop gracefully"),
    ("INT", "end, as by Ctrl-C"),
    ("TERM", "end"),
    ("QUIT", "end, with a core file"),
    ("KILL", "end at once, without a farewell"),
    ("STOP", "stand still"),
    ("CONT", "go on"),
];

/// From how many processes on their number has to be typed.
const MANY: usize = 11;

/// A question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Question {
    pub(crate) action: Action,
    pub(crate) names: Vec<String>,
    /// What has been typed of the number, if it is one that must be typed.
    pub(crate) typed: String,
}

impl Question {
    /// Asks whether this is meant, unless it does no harm.
    pub(crate) fn about(action: Action, names: Vec<String>) -> Result<Self, (Action, Vec<String>)> {
        if action.hurts() {
            let typed = String::new();
            Ok(Self {
                action,
                names,
                typed,
            })
        } else {
            Err((action, names))
        }
    }

    /// The question.
    pub(crate) fn text(&self) -> String {
        let whom = words::some(&self.names);
        match self.action {
            Action::Start => format!("Start {whom}?"),
            Action::Stop => format!("Stop {whom}?"),
            Action::Restart => format!("Restart {whom}?"),
            Action::Clear => format!("Empty the logs of {whom}?"),
            Action::Signal(signal) => format!("Send SIG{signal} to {whom}?"),
        }
    }

    /// Whether the number of processes has to be typed.
    pub(crate) fn wants_number(&self) -> bool {
        self.names.len() >= MANY
    }

    /// Whether what was typed says yes.
    pub(crate) fn is_answered(&self) -> bool {
        self.typed == self.names.len().to_string()
    }
}

impl Action {
    /// Whether a process, or what it has written, may be lost by it.
    fn hurts(self) -> bool {
        match self {
            Self::Start | Self::Signal("CONT") => false,
            Self::Stop | Self::Restart | Self::Clear | Self::Signal(_) => true,
        }
    }

    /// What is going on while it is done.
    pub(super) fn going_on(self, names: &[String]) -> String {
        let whom = words::some(names);
        match self {
            Self::Start => format!("starting {whom} …"),
            Self::Stop => format!("stopping {whom} …"),
            Self::Restart => format!("restarting {whom} …"),
            Self::Clear => format!("emptying the logs of {whom} …"),
            Self::Signal(signal) => format!("sending SIG{signal} to {whom} …"),
        }
    }

    /// What has been done, if all went well.
    #[must_use]
    pub fn done(self, names: &[String]) -> String {
        let whom = words::some(names);
        match self {
            Self::Start => format!("started {whom}"),
            Self::Stop => format!("stopped {whom}"),
            Self::Restart => format!("restarted {whom}"),
            Self::Clear => format!("emptied the logs of {whom}"),
            Self::Signal(signal) => format!("sent SIG{signal} to {whom}"),
        }
    }
}
