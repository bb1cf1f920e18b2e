//! Minder, the real Supervisor and a bare floor, measured side by side in one interleaved run.
//!
//! `minder-bench MINDER SUPERVISOR [--programs N] [--rounds N]` prints medians and ratios as a
//! Markdown table; `cargo xtask bench` builds what it needs and calls it. The first argument is a
//! release build of `minder`, the second a folder that holds the real `supervisord`.
//!
//! The programs that are started are this file in another mode: they tell a FIFO when their first
//! instruction ran, by the monotonic clock, and wait.

#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "its output is what it is for")]

mod child;
mod floor;
mod memory;
mod report;
mod subject;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::report::{Figures, Metric};
use crate::subject::{Running, Subject};

/// How many programs are started; their number is what spawning and memory are divided by.
const PROGRAMS: usize = 100;
/// How often everything is measured, in turn.
const ROUNDS: usize = 5;
/// How many crashes are made in each round.
const CRASHES: usize = 10;

fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    if let [mode, fifo] = &args[..]
        && mode == child::MODE
    {
        return child::run(fifo.as_ref());
    }
    let plan = Plan::from_args(&args)?;
    let mut figures = Figures::default();
    for round in 1..=plan.rounds {
        eprintln!("round {round} of {}", plan.rounds);
        for subject in &plan.subjects {
            measure(subject, plan.programs, &mut figures)
                .with_context(|| format!("cannot measure {}", subject.name()))?;
        }
        floor::measure(plan.programs, &mut figures)?;
    }
    print!("{}", figures.table(plan.programs));
    Ok(())
}

/// What is to be measured.
struct Plan {
    subjects: Vec<Subject>,
    programs: usize,
    rounds: usize,
}

impl Plan {
    fn from_args(args: &[String]) -> Result<Self> {
        let [minder, supervisor, options @ ..] = args else {
            bail!("usage: minder-bench MINDER SUPERVISOR-FOLDER [--programs N] [--rounds N]");
        };
        let subjects = vec![
            Subject::Minder(PathBuf::from(minder)),
            Subject::Supervisor(PathBuf::from(supervisor)),
        ];
        let mut plan = Self {
            subjects,
            programs: PROGRAMS,
            rounds: ROUNDS,
        };
        for option in options.chunks(2) {
            match option {
                [name, value] if name == "--programs" => plan.programs = value.parse()?,
                [name, value] if name == "--rounds" => plan.rounds = value.parse()?,
                _ => bail!("unknown option {option:?}"),
            }
        }
        Ok(plan)
    }
}

fn measure(subject: &Subject, programs: usize, figures: &mut Figures) -> Result<()> {
    let name = subject.name();
    let empty = Running::start(subject, 0)?;
    let without_programs = empty.memory()?;
    empty.stop()?;
    figures.add(name, Metric::MemoryEmpty, without_programs.as_mib());

    let mut running = Running::start(subject, programs)?;
    let births = running.births(programs)?;
    let bring_up = births.last_after(running.launched());
    figures.add(name, Metric::Spawns, per_second(programs, bring_up));
    let with_programs = running.memory()?;
    let each = with_programs.minus(without_programs).as_kib() / as_f64(programs);
    figures.add(name, Metric::MemoryEach, each);
    for victim in births.pids().take(CRASHES) {
        let killed = running.kill(victim)?;
        let replaced = running.births(1)?.last_after(killed);
        figures.add(name, Metric::Restart, replaced.as_secs_f64() * 1e3);
    }
    let shutdown = running.stop()?;
    figures.add(name, Metric::Shutdown, shutdown.as_secs_f64() * 1e3);
    Ok(())
}

fn per_second(count: usize, time: Duration) -> f64 {
    as_f64(count) / time.as_secs_f64()
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts of programs are far below 2^52"
)]
fn as_f64(count: usize) -> f64 {
    count as f64
}
