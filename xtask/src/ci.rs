//! What must pass before a change is ready.

use std::time::Instant;

use anyhow::{Context, Result};

use crate::command::{self, cargo};
use crate::{arrows, counts, exercise, no_std, performance, python};

/// A name, and what is done.
type Step = (&'static str, fn() -> Result<()>);

/// In the order of what fails soonest.
const STEPS: [Step; 13] = [
    ("format", format),
    ("arrows between crates", arrows::check),
    ("licences, bans and sources", deny),
    ("lints", lint),
    ("core without std", no_std::check),
    ("documentation", document),
    ("page of what was measured", performance::check),
    ("Python environment", python::install),
    ("binaries", build),
    ("tests", test),
    ("instructions of small pieces of work", counts::check),
    ("requests of all sorts to the API", exercise::run),
    ("end to end, and comparison", test_end_to_end),
];

/// Runs every step, and stops at the first that fails.
pub(crate) fn run() -> Result<()> {
    let start = Instant::now();
    let mut times = Vec::new();
    for (name, step) in STEPS {
        eprintln!("== {name}");
        let begun = Instant::now();
        step().with_context(|| format!("\"{name}\" did not pass"))?;
        times.push((name, begun.elapsed()));
    }
    eprintln!("== everything passed");
    for (name, time) in times {
        eprintln!("{:7.1} s  {name}", time.as_secs_f64());
    }
    eprintln!("{:7.1} s  in all", start.elapsed().as_secs_f64());
    Ok(())
}

fn format() -> Result<()> {
    command::run(&mut cargo(["fmt", "--all", "--check"]))
}

fn lint() -> Result<()> {
    command::run(&mut cargo([
        "clippy",
        "--workspace",
        "--all-targets",
        "--",
        "--deny=warnings",
    ]))
}

fn document() -> Result<()> {
    command::run(cargo(["doc", "--workspace", "--no-deps"]).env("RUSTDOCFLAGS", "--deny=warnings"))
}

/// Without advisories: their database has to be fetched from a network that not every machine
/// reaches, and a new entry would fail a change that has nothing to do with it.
fn deny() -> Result<()> {
    command::run(&mut cargo(["deny", "check", "licenses", "bans", "sources"]))
        .context("if there is no cargo-deny: `cargo install --locked cargo-deny`")
}

/// What end-to-end tests run: cargo builds a package's binaries only for tests of that package.
fn build() -> Result<()> {
    command::run(&mut cargo(["build", "--workspace", "--bins"]))
}

/// Units and simulation.
fn test() -> Result<()> {
    command::run(&mut cargo(["test", "--workspace", "--exclude", END_TO_END]))
}

/// Whole programs, and the comparison on both subjects. Not the fault suite, `cargo xtask faults`: on
/// a busy machine one of its ninety tests may come too late for what it injects.
fn test_end_to_end() -> Result<()> {
    let mut test = cargo(["test", "--package", END_TO_END, "--lib"]);
    for tests in ["browser", "compat", "e2e"] {
        test.args(["--test", tests]);
    }
    test.args(["--", "--skip", exercise::TEST, "--test-threads"]);
    command::run(test.arg(THREADS_THAT_WAIT))
}

/// The package whose tests run whole supervisors.
const END_TO_END: &str = "minder-tests";

/// How many of its tests run side by side. Most of their time they wait, Supervisor's for its next
/// tick, so there may be more of them than cores.
const THREADS_THAT_WAIT: &str = "6";
