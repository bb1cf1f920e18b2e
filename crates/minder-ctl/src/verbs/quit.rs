//! `quit` and `exit`: leave the shell.

use super::{Action, Verb};
use crate::completion::Arguments;

pub(super) static QUIT: Verb = Verb {
    name: "quit",
    help: "quit\tExit the supervisor shell.\n",
    arguments: Arguments::Free,
    action: Action::Leave,
};

pub(super) static EXIT: Verb = Verb {
    name: "exit",
    help: "exit\tExit the supervisor shell.\n",
    arguments: Arguments::Free,
    action: Action::Leave,
};

/// What the end of the input counts as. Whoever types it means the same.
pub(super) static END_OF_INPUT: Verb = Verb {
    name: "EOF",
    help: "",
    arguments: Arguments::Free,
    action: Action::Leave,
};
