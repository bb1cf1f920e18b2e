//! How many instructions small pieces of work take, compared with what is written down.
//!
//! Unlike time, that does not depend on what else a machine does; but it does depend on the compiler, so
//! counts are only compared with what the same one gave.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::command::{self, cargo, program};
use crate::{metadata, tools};

/// What is written down, below the repository's root.
const FILE: &str = "benches/micro/instructions.txt";
/// How much more a piece of work may take, in percent: less than what anybody would call a regression,
/// more than what hash seeds and lengths of paths make of it.
const TOLERANCE: u64 = 5;
/// How often the work is done in the longer of two runs, beyond the shorter.
const TIMES: u64 = 2;

/// Counts, and compares; a notice where that cannot be done.
pub(crate) fn check() -> Result<()> {
    let text = fs::read_to_string(crate::root().join(FILE))?;
    let (compiler, expected) = parse(&text);
    let own = self::compiler()?;
    if compiler != own {
        eprintln!("not compared: \"{FILE}\" was counted with {compiler}, and this is {own}");
        return Ok(());
    }
    tools::install(&[("valgrind", "valgrind")]);
    if !tools::is_there("valgrind") {
        eprintln!("not compared: there is no valgrind");
        return Ok(());
    }
    let wrong = differences(&expected, &count()?);
    ensure!(
        wrong.is_empty(),
        "{}\n`cargo xtask counts --write` writes down what is intended",
        wrong.join("\n")
    );
    Ok(())
}

/// Counts, and writes that down.
pub(crate) fn write() -> Result<()> {
    tools::install(&[("valgrind", "valgrind")]);
    let mut text = format!(
        "# Instructions, counted by `cargo xtask counts --write` with\n# {}\n",
        compiler()?
    );
    for (name, instructions) in count()? {
        let _ = writeln!(text, "{name} {instructions}");
    }
    fs::write(crate::root().join(FILE), text).context("cannot write the counts")
}

/// The compiler, and the counts.
fn parse(text: &str) -> (&str, BTreeMap<String, u64>) {
    let compiler = text.lines().nth(1).unwrap_or_default();
    let counts = text
        .lines()
        .filter_map(|line| line.split_once(' '))
        .filter_map(|(name, count)| Some((name.to_owned(), count.parse().ok()?)))
        .collect();
    (compiler.trim_start_matches("# "), counts)
}

/// A sentence for each piece of work that takes more than it may, or that is not in both.
fn differences(expected: &BTreeMap<String, u64>, found: &BTreeMap<String, u64>) -> Vec<String> {
    let mut wrong = Vec::new();
    for (name, found) in found {
        match expected.get(name) {
            None => wrong.push(format!("\"{name}\" is not written down")),
            Some(expected) => {
                eprintln!("{name}: {found} instructions, {expected} written down");
                if found * 100 > expected * (100 + TOLERANCE) {
                    wrong.push(format!(
                        "\"{name}\" takes {found} instructions, and took {expected}"
                    ));
                }
            }
        }
    }
    for name in expected.keys().filter(|name| !found.contains_key(*name)) {
        wrong.push(format!("\"{name}\" is written down, and is not there"));
    }
    wrong
}

fn count() -> Result<BTreeMap<String, u64>> {
    command::run(&mut cargo([
        "build",
        "--profile=counted",
        "--package=minder-micro",
    ]))?;
    let built = metadata::workspace()?.target.join("counted/minder-micro");
    let names = command::output(&mut program(&built))?;
    let names = String::from_utf8(names).context("names are not text")?;
    names
        .lines()
        .map(|name| {
            let (few, many) = (run(&built, name, 1)?, run(&built, name, 1 + TIMES)?);
            Ok((name.to_owned(), many.saturating_sub(few) / TIMES))
        })
        .collect()
}

/// How many instructions the whole program takes.
fn run(built: &Path, name: &str, times: u64) -> Result<u64> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(built)
        .arg(name)
        .arg(times.to_string())
        // Nothing of the machine's environment is to be counted.
        .env_clear()
        .output()
        .context("cannot run valgrind")?;
    let said = String::from_utf8_lossy(&output.stderr);
    let collected = said
        .lines()
        .find_map(|line| line.split_once("Collected :"))
        .and_then(|(_, count)| count.trim().parse().ok());
    collected.with_context(|| format!("valgrind does not say how many: {said}"))
}

/// Version and platform, on one line.
fn compiler() -> Result<String> {
    let said = command::output(program("rustc").arg("--version").arg("--verbose"))?;
    let said = String::from_utf8_lossy(&said).into_owned();
    let version = said.lines().next().unwrap_or_default();
    let host = said.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(format!("{version}, {}", host.unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_than_the_tolerance_is_named() {
        let text = "# Instructions\n# rustc 1.2.3, x86_64\nsame 100\nmore 100\ngone 1\n";
        let (compiler, expected) = parse(text);
        assert_eq!(compiler, "rustc 1.2.3, x86_64");
        let found = [("same", 105), ("more", 106), ("new", 1)];
        let found = found.map(|(name, count)| (name.to_owned(), count));
        assert_eq!(
            differences(&expected, &found.into()),
            [
                "\"more\" takes 106 instructions, and took 100",
                "\"new\" is not written down",
                "\"gone\" is written down, and is not there"
            ]
        );
    }
}
