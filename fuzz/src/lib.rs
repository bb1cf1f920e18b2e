//! What must hold for any input that comes from outside.
//!
//! One [`Target`] for each sort of input: a function that takes any bytes, has the real code work on
//! them, and panics if something does not hold that must. `fuzz/libfuzzer` feeds them what it thinks
//! up; `tests/replay.rs` feeds them what lies in `fuzz/corpus/`, which is examples of the real thing
//! and whatever once made a target panic.
//!
//! Nothing here sends, starts or writes anything outside of a temporary directory.

#![forbid(unsafe_code)]

mod capture;
mod config;
mod http;
mod listener;
mod pieces;
mod pool;
mod snapshot;
mod top;
mod wire;
mod xmlrpc;

/// A sort of input, and what must hold for it.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// Its name, which its corpus has as well.
    pub name: &'static str,
    /// Panics if something does not hold for these bytes.
    pub run: fn(&[u8]),
}

/// Every target.
pub const TARGETS: [Target; 9] = [
    Target {
        name: "capture",
        run: capture::run,
    },
    Target {
        name: "config",
        run: config::run,
    },
    Target {
        name: "http",
        run: http::run,
    },
    Target {
        name: "listener",
        run: listener::run,
    },
    Target {
        name: "pool",
        run: pool::run,
    },
    Target {
        name: "snapshot",
        run: snapshot::run,
    },
    Target {
        name: "top",
        run: top::run,
    },
    Target {
        name: "wire",
        run: wire::run,
    },
    Target {
        name: "xmlrpc",
        run: xmlrpc::run,
    },
];

/// Runs the target of this name, which must be one of [`TARGETS`].
pub fn run(name: &str, bytes: &[u8]) {
    let target = TARGETS.iter().find(|target| target.name == name);
    (target.expect("the name of a target").run)(bytes);
}
