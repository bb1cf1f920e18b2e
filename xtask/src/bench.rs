//! The benchmark, with all that it needs.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use crate::command::{self, cargo, program};
use crate::{metadata, performance, python, tools};

/// What is to be measured.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Choice<'a> {
    /// As little as tells whether it works, in two minutes.
    quick: bool,
    /// How often everything is measured, if not as often as usual.
    rounds: Option<&'a str>,
    /// One part alone.
    only: Option<&'a str>,
    /// Whether `docs/performance.json` and the page are written.
    write: bool,
}

impl<'a> Choice<'a> {
    /// What stands behind `cargo xtask bench`.
    pub(crate) fn from_words(words: &[&'a str]) -> Result<Self> {
        let mut choice = Self::default();
        let mut words = words.iter();
        while let Some(word) = words.next() {
            match *word {
                "--quick" => choice.quick = true,
                "--write" => choice.write = true,
                "--rounds" => choice.rounds = Some(words.next().context("how many rounds?")?),
                "--only" => choice.only = Some(words.next().context("--only what?")?),
                other => bail!("unknown option \"{other}\""),
            }
        }
        ensure!(
            !choice.write || (!choice.quick && choice.only.is_none()),
            "the page shows all of a full run"
        );
        Ok(choice)
    }
}

/// Builds Minder and the benchmark for release, measures, and shows the tables.
pub(crate) fn run(choice: Choice<'_>) -> Result<()> {
    python::install()?;
    tools::install(&[("s6-svscan", "s6"), ("runsvdir", "runit")]);
    command::run(&mut cargo([
        "build",
        "--release",
        "--package=minder",
        "--package=minder-bench",
        "--bin=minder",
        "--bin=minder-bench",
    ]))?;
    // Linked statically, so that thousands of them take little memory and start fast.
    command::run(&mut cargo([
        "rustc",
        "--release",
        "--package=minder-bench",
        "--bin=minder-bench-program",
        "--",
        "-Ctarget-feature=+crt-static",
        "-Crelocation-model=static",
    ]))?;
    let target = metadata::workspace()?.target;
    let (built, results) = (target.join("release"), target.join("bench"));
    fs::create_dir_all(&results)?;
    let name = choice
        .only
        .unwrap_or(if choice.quick { "quick" } else { "full" });
    let json = results.join(name).with_extension("json");
    let mut bench = program(built.join("minder-bench"));
    bench
        .arg(built.join("minder"))
        .arg(python::bin())
        .arg(&json);
    if choice.quick {
        bench.arg("--quick");
    }
    if let Some(rounds) = choice.rounds {
        bench.args(["--rounds", rounds]);
    }
    if let Some(part) = choice.only {
        bench.args(["--only", part]);
    }
    command::run(&mut bench)?;
    eprintln!("written: {}", json.display());
    show(&json)?;
    if choice.write {
        fs::copy(&json, crate::root().join(performance::JSON))?;
        performance::write()?;
    }
    Ok(())
}

#[expect(clippy::print_stdout, reason = "its output is what it is for")]
fn show(json: &Path) -> Result<()> {
    let text = fs::read(json)?;
    let report: Value = serde_json::from_slice(&text).context("the report is not JSON")?;
    print!("{}", performance::tables(&report));
    Ok(())
}
