//! What is said about a configuration that can be used.

use minder_core::Level;

use crate::source::Location;

/// Something to be told, which stops nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Warning {
    /// What is told, on one line.
    pub text: String,
    /// Where it is, as far as a place can be named.
    pub location: Option<Location>,
    /// Whose words they are.
    pub kind: WarningKind,
}

/// Whose words a warning is in. The order is that in which they are written to the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum WarningKind {
    /// Supervisor's own warning.
    Supervisor,
    /// Supervisor's note that a file was included.
    Included,
    /// Minder's: Supervisor would say nothing.
    Minder,
}

impl Warning {
    /// The level it is logged at.
    #[must_use]
    pub fn level(&self) -> Level {
        match self.kind {
            WarningKind::Supervisor | WarningKind::Minder => Level::Warn,
            WarningKind::Included => Level::Info,
        }
    }

    pub(crate) fn supervisors(text: String, location: Option<&Location>) -> Self {
        Self {
            text,
            location: location.cloned(),
            kind: WarningKind::Supervisor,
        }
    }

    pub(crate) fn included(text: String) -> Self {
        Self {
            text,
            location: None,
            kind: WarningKind::Included,
        }
    }

    /// A text of ours, in which a value may be quoted that has several lines.
    pub(crate) fn ours(text: String, location: Option<&Location>) -> Self {
        let text = if text.contains('\n') {
            text.replace('\n', "\\n")
        } else {
            text
        };
        Self {
            text,
            location: location.cloned(),
            kind: WarningKind::Minder,
        }
    }
}
