//! Every chore of the project: `cargo xtask CHORE`.
//!
//! A chore prints each command before it runs it, so that whoever wants one step alone can copy it
//! from there. There are no shell scripts besides `.ci/run`, which installs what a fresh machine
//! lacks and then calls `cargo xtask ci`.

#![forbid(unsafe_code)]

mod arrows;
mod bench;
mod ci;
mod command;
mod compat;
mod counts;
mod exercise;
mod faults;
mod fuzz;
mod metadata;
mod no_std;
mod performance;
mod python;
mod tools;

use std::env;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Result, bail};

const USAGE: &str = "\
usage: cargo xtask CHORE

  ci               everything that must pass before a change is ready
  python           the real Supervisor, Flask, gunicorn and axe-core, installed below target
  api              requests of all sorts to /api/v1, whose answers must be as it describes them
  compat [FILTER]  the comparison with the real Supervisor, or the cases whose name holds FILTER
  compat --table   the table of what is compared, written to docs/compatibility.md
  faults [FILTER]  what Minder is run through, or the tests whose name holds FILTER
  bench [--quick] [--rounds N] [--only PART] [--write]
                   Minder, the real Supervisor, s6, runit and two floors, measured side by side
  performance      docs/performance.md, made from docs/performance.json
  counts [--write] instructions of small pieces of work, compared with what is written down, or
                   written down
  fuzz TARGET [--seconds N]
                   looks for input that breaks a target of fuzz/, for a minute or N seconds";

fn main() -> ExitCode {
    let args: Vec<String> = env::args().skip(1).collect();
    match run(&args.iter().map(String::as_str).collect::<Vec<_>>()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Without the backtrace that a debug format adds: what failed is a command, not xtask.
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(words: &[&str]) -> Result<()> {
    match *words {
        ["ci"] => ci::run(),
        ["python"] => python::install(),
        ["api"] => exercise::run(),
        ["compat"] => compat::run(None),
        ["compat", "--table"] => compat::write_table(),
        ["faults"] => faults::run(None),
        ["faults", filter] => faults::run(Some(filter)),
        ["compat", filter] => compat::run(Some(filter)),
        ["bench", ref options @ ..] => bench::run(bench::Choice::from_words(options)?),
        ["performance"] => performance::write(),
        ["counts"] => counts::check(),
        ["counts", "--write"] => counts::write(),
        ["fuzz", target] => fuzz::run(target, None),
        ["fuzz", target, "--seconds", seconds] => fuzz::run(target, Some(seconds)),
        _ => bail!("{USAGE}"),
    }
}

/// The repository's root.
fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("xtask lies in the repository")
}
