//! Small pieces of what Minder does all the time, each for a thousand programs.
//!
//! `cargo bench --package minder-micro` times them. `cargo xtask counts` has them run under callgrind and
//! compares how many instructions they take with what is written down in `instructions.txt`: a
//! number that another load on the machine does not change.

#![forbid(unsafe_code)]

mod calls;
mod deciding;
mod ini;
mod logs;

/// A piece of work.
#[derive(Clone, Copy, Debug)]
pub struct Work {
    /// What it is called on the command line and in the files.
    pub name: &'static str,
    /// Prepares it; what is returned does it once for each call.
    pub prepare: fn() -> Box<dyn FnMut()>,
}

/// How many programs there are in each.
const PROGRAMS: usize = 1000;

/// All of it.
pub const WORKS: [Work; 9] = [
    Work {
        name: "core_crash",
        prepare: deciding::crash,
    },
    Work {
        name: "core_crash_delta",
        prepare: deciding::crash_and_delta,
    },
    Work {
        name: "core_crash_view",
        prepare: deciding::crash_and_view,
    },
    Work {
        name: "core_snapshot",
        prepare: deciding::snapshot,
    },
    Work {
        name: "ini_read",
        prepare: ini::read,
    },
    Work {
        name: "config_load",
        prepare: ini::load_all,
    },
    Work {
        name: "xmlrpc_decode_call",
        prepare: calls::decode,
    },
    Work {
        name: "xmlrpc_encode_all",
        prepare: calls::encode_all,
    },
    Work {
        name: "logs_inspect",
        prepare: logs::inspect,
    },
];
