//! The table of the plug-in `supervisor_twiddler`. Types are as its help tells them.

use super::table::{DONE, GROUP, param};
use super::{Action, Method, Param, Type};
use crate::TwiddlerCall;
use crate::twiddler::{add_program, log, remove_process};

/// Every method of the plug-in, sorted by name.
pub static TWIDDLER: &[Method] = &[
    Method {
        name: "addProgramToGroup",
        about: "Adds a program to an active group: as many processes as its numprocs says. They \
                last until the group is removed or everything begins anew.",
        params: &[
            GROUP,
            param(
                Type::String,
                "program",
                "what the program is called, as in [program:x]",
            ),
            param(
                Type::Struct,
                "options",
                "its options and their values, as in the configuration",
            ),
        ],
        gives: Type::Boolean,
        result: DONE,
        action: Action::Twiddler(add_program),
    },
    Method {
        name: "getAPIVersion",
        about: "Tells the version of this interface.",
        params: &[],
        // So the plug-in says, though the version is a text.
        gives: Type::Int,
        result: "the version",
        action: Action::Twiddler(|_| Ok(TwiddlerCall::GetApiVersion)),
    },
    Method {
        name: "getGroupNames",
        about: "Lists the active groups.",
        params: &[],
        gives: Type::Array,
        result: "their names, in the order in which they were added",
        action: Action::Twiddler(|_| Ok(TwiddlerCall::GetGroupNames)),
    },
    Method {
        name: "log",
        about: "Writes a line to the daemon's own log.",
        params: &[
            param(Type::String, "message", "what to write"),
            Param {
                optional: true,
                ..param(
                    Type::StringOrInt,
                    "level",
                    "CRIT (50), ERRO (40), WARN (30), INFO (20), DEBG (10), TRAC (5) or BLAT (3); \
                     INFO if left out",
                )
            },
        ],
        gives: Type::Boolean,
        result: DONE,
        action: Action::Twiddler(log),
    },
    Method {
        name: "removeProcessFromGroup",
        about: "Forgets a process of an active group, which must be stopped.",
        params: &[
            GROUP,
            param(Type::String, "process", "the process, without its group"),
        ],
        gives: Type::Boolean,
        result: DONE,
        action: Action::Twiddler(remove_process),
    },
];
