//! Whether anything grows while programs crash and are restarted for a long time.

use std::fs;
use std::thread;
use std::time::Duration;

use anyhow::Result;
use minder_bench::birth::Moment;

use crate::metric::{Metric, Part};
use crate::plan::Extent;
use crate::processes::{Memory, Usage};
use crate::report::{Column, Report};
use crate::running::Running;
use crate::setup::Setup;
use crate::subject::Subject;

/// How many programs there are.
const PROGRAMS: usize = 100;
/// Between the replacement of one and the next crash: some ten crashes a second.
const PAUSE: Duration = Duration::from_millis(100);
/// How many parts of it are looked at by themselves.
const PARTS: u32 = 10;
/// How long nothing happens before it is looked whether anybody wakes up, and while it is.
const SILENCE: Duration = Duration::from_secs(3);

pub(crate) fn measure(subject: &Subject, extent: &Extent, report: &mut Report) -> Result<()> {
    let column = subject.column();
    let mut running = Running::start(subject, |here| Ok(Setup::waiting(PROGRAMS, here)))?;
    running.births(PROGRAMS)?;
    for part in 1..=PARTS {
        let begun = Moment::now();
        let before = Usage::of(&running.own());
        let mut crashes = 0;
        while Moment::now().since(begun) < extent.soak / PARTS {
            // The one that has run longest, as far as pids tell.
            let Some(victim) = running.programs().next() else {
                break;
            };
            running.kill(victim)?;
            running.births(1)?;
            crashes += 1;
            thread::sleep(PAUSE);
        }
        let used = Usage::of(&running.own()).since(before);
        let state = State::after_silence(&running)?;
        eprintln!("    part {part} of {PARTS}: {crashes} crashes, {state:?}");
        let part = match part {
            1 => Part::First,
            PARTS => Part::Last,
            _ => continue,
        };
        note(part, column, crashes, used, &state, report);
    }
    running.stop().map(drop)
}

/// What a subject holds, and whether it rests.
#[derive(Debug)]
struct State {
    memory: Memory,
    descriptors: usize,
    threads: usize,
    /// While nothing happened.
    wake_ups: u64,
}

impl State {
    fn after_silence(running: &Running) -> Result<Self> {
        thread::sleep(SILENCE);
        let own = running.own();
        let before = Usage::of(&own);
        thread::sleep(SILENCE);
        let wake_ups = Usage::of(&own).since(before).wake_ups;
        let count = |what: &str| {
            let entries = own
                .iter()
                .filter_map(|pid| fs::read_dir(format!("/proc/{pid}/{what}")).ok());
            entries.map(Iterator::count).sum()
        };
        Ok(Self {
            descriptors: count("fd"),
            threads: count("task"),
            wake_ups,
            memory: Memory::of(&own)?,
        })
    }
}

fn note(
    part: Part,
    column: Column,
    crashes: usize,
    used: Usage,
    state: &State,
    report: &mut Report,
) {
    let crashes = crate::as_f64(crashes.max(1));
    let cpu = used.cpu.as_secs_f64() * 1e6 / crashes;
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    let (wake_ups, idle) = (used.wake_ups as f64 / crashes, state.wake_ups as f64);
    report.add(Metric::SoakMemory(part), column, state.memory.proportional);
    report.add(
        Metric::SoakDescriptors(part),
        column,
        crate::as_f64(state.descriptors),
    );
    report.add(
        Metric::SoakThreads(part),
        column,
        crate::as_f64(state.threads),
    );
    report.add(Metric::SoakCpu(part), column, cpu);
    report.add(Metric::SoakWakeUps(part), column, wake_ups);
    report.add(Metric::SoakRest(part), column, idle);
}
