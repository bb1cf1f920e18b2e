//! Runs histories for as long as one likes: `minder-sim --histories 1000000 [--seed N]`.

#![forbid(unsafe_code)]

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::io::{self, Write};
use std::process::ExitCode;

use minder_sim::history;

fn main() -> io::Result<ExitCode> {
    let mut out = io::stdout().lock();
    let Some(Wanted { histories, seed }) = read(std::env::args().skip(1)) else {
        writeln!(out, "usage: minder-sim --histories COUNT [--seed SEED]")?;
        return Ok(ExitCode::from(2));
    };
    writeln!(out, "{histories} histories from seed {seed}")?;
    let (mut steps, mut violations) = (0, 0);
    for seed in (0..histories).map(|number| seed.wrapping_add(number)) {
        let report = history::run(seed);
        steps += report.steps;
        if report.violation.is_some() {
            violations += 1;
            if let Some(finding) = history::find(seed) {
                writeln!(out, "{finding}\n")?;
            }
        }
    }
    writeln!(
        out,
        "{histories} histories, {steps} steps, {violations} violations"
    )?;
    Ok(ExitCode::from(u8::from(violations > 0)))
}

struct Wanted {
    histories: u64,
    seed: u64,
}

fn read(mut arguments: impl Iterator<Item = String>) -> Option<Wanted> {
    let mut wanted = Wanted {
        histories: 1000,
        // What the standard library draws for its hash maps: new with each run.
        seed: RandomState::new().build_hasher().finish(),
    };
    while let Some(option) = arguments.next() {
        let place = match option.as_str() {
            "--histories" => &mut wanted.histories,
            "--seed" => &mut wanted.seed,
            _ => return None,
        };
        *place = arguments.next()?.parse().ok()?;
    }
    Some(wanted)
}
