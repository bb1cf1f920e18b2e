//! Runs histories by the million: `histories --count 1000000 --from-seed 1 --threads 2`.
//!
//! One seed is one history, so the same range of seeds is the same work on every machine. Whoever
//! breaks a rule is reported with all that led to it and with the command that shows it again.

#![forbid(unsafe_code)]

use std::collections::hash_map::RandomState;
use std::fmt;
use std::hash::{BuildHasher, Hasher};
use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use minder_sim::history;

/// So many histories are taken at a time.
const PORTION: u64 = 100;
/// How often it is said how far it has come.
const REPORT_EVERY: Duration = Duration::from_secs(60);
/// After so many violations nothing new is to be learnt.
const ENOUGH: u64 = 20;

const USAGE: &str = "usage: histories [--count COUNT] [--from-seed SEED] [--threads THREADS]";

fn main() -> io::Result<ExitCode> {
    let Some(wanted) = Wanted::read(std::env::args().skip(1)) else {
        writeln!(io::stderr(), "{USAGE}")?;
        return Ok(ExitCode::from(2));
    };
    let run = Run::new(wanted);
    let Wanted {
        count,
        from_seed,
        threads,
    } = run.wanted;
    let last = from_seed.wrapping_add(count.saturating_sub(1));
    say(format_args!(
        "{count} histories, seeds {from_seed} to {last}, {threads} threads"
    ));
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| run.work());
        }
    });
    say(format_args!("{}", run.progress()));
    let violations = run.violations.load(Ordering::Relaxed);
    Ok(ExitCode::from(u8::from(violations > 0)))
}

struct Wanted {
    count: u64,
    from_seed: u64,
    threads: u64,
}

impl Wanted {
    fn read(mut arguments: impl Iterator<Item = String>) -> Option<Self> {
        let mut wanted = Self {
            count: 1000,
            // What the standard library draws for its hash maps: new with each run.
            from_seed: RandomState::new().build_hasher().finish(),
            threads: 2,
        };
        while let Some(option) = arguments.next() {
            let place = match option.as_str() {
                "--count" => &mut wanted.count,
                "--from-seed" => &mut wanted.from_seed,
                "--threads" => &mut wanted.threads,
                _ => return None,
            };
            *place = arguments.next()?.parse().ok()?;
        }
        Some(wanted)
    }
}

/// All of it, as every thread sees it.
struct Run {
    wanted: Wanted,
    begun: Instant,
    // How many histories have been handed out, and what came of those that are done.
    taken: AtomicU64,
    done: AtomicU64,
    steps: AtomicU64,
    violations: AtomicU64,
    reported: Mutex<Instant>,
}

impl Run {
    fn new(wanted: Wanted) -> Self {
        let begun = Instant::now();
        Self {
            wanted,
            begun,
            taken: AtomicU64::new(0),
            done: AtomicU64::new(0),
            steps: AtomicU64::new(0),
            violations: AtomicU64::new(0),
            reported: Mutex::new(begun),
        }
    }

    fn work(&self) {
        while self.violations.load(Ordering::Relaxed) < ENOUGH {
            let from = self.taken.fetch_add(PORTION, Ordering::Relaxed);
            if from >= self.wanted.count {
                return;
            }
            for number in from..self.wanted.count.min(from + PORTION) {
                self.live(self.wanted.from_seed.wrapping_add(number));
            }
            self.report();
        }
    }

    fn live(&self, seed: u64) {
        let report = history::run(seed);
        self.steps.fetch_add(report.steps, Ordering::Relaxed);
        self.done.fetch_add(1, Ordering::Relaxed);
        if report.violation.is_some() {
            self.violations.fetch_add(1, Ordering::Relaxed);
            if let Some(finding) = history::find(seed) {
                say(format_args!("{finding}\n"));
            }
        }
    }

    fn report(&self) {
        let Ok(mut reported) = self.reported.try_lock() else {
            return;
        };
        if reported.elapsed() >= REPORT_EVERY {
            *reported = Instant::now();
            say(format_args!("{}", self.progress()));
        }
    }

    fn progress(&self) -> String {
        format!(
            "{} histories, {} steps, {} violations, {:.0?}",
            self.done.load(Ordering::Relaxed),
            self.steps.load(Ordering::Relaxed),
            self.violations.load(Ordering::Relaxed),
            self.begun.elapsed(),
        )
    }
}

/// A reader that has gone away is no reason to stop: the exit code tells as well.
fn say(what: fmt::Arguments<'_>) {
    let mut out = io::stdout().lock();
    let _ = writeln!(out, "{what}").and_then(|()| out.flush());
}
