//! Start, crash and end of many programs.

use std::time::Duration;

use anyhow::Result;
use minder_bench::birth::Moment;

use crate::calls;
use crate::metric::Metric;
use crate::plan::Extent;
use crate::report::Report;
use crate::running::Running;

/// Waits until all programs run, and notes how long that took.
pub(crate) fn start(running: &mut Running, report: &mut Report) -> Result<()> {
    let count = running.setup.programs.len();
    let column = running.subject.column();
    let births = running.births(count)?;
    let took = births.last_after(running.launched());
    report.add(Metric::BringUp(count), column, ms(took));
    report.add(
        Metric::Up(count),
        column,
        crate::as_f64(births.pids().count()),
    );
    if running.subject.speaks_xml_rpc() {
        calls::wait_until_running(running)?;
        let took = Moment::now().since(running.launched());
        report.add(Metric::AllRunning(count), column, ms(took));
    }
    Ok(())
}

/// Kills single programs, then all at once.
pub(crate) fn crash(running: &mut Running, extent: &Extent, report: &mut Report) -> Result<()> {
    let count = running.setup.programs.len();
    let column = running.subject.column();
    let times = crash_some(running, extent, |running, _, killed| {
        Ok(running.births(1)?.last_after(killed))
    })?;
    report.add_crashes(count, column, &times);
    let took = crash_all(running, None)?;
    report.add(Metric::CrashOfAll(count), column, ms(took));
    Ok(())
}

/// Kills programs, each after what `watch` waits for with the one before it, which is its replacement at
/// least, and answers how long that says each took, in ms.
pub(crate) fn crash_some(
    running: &mut Running,
    extent: &Extent,
    mut watch: impl FnMut(&mut Running, u32, Moment) -> Result<Duration>,
) -> Result<Vec<f64>> {
    let begun = Moment::now();
    let mut times = Vec::new();
    for victim in running.programs().take(extent.crashes).collect::<Vec<_>>() {
        if Moment::now().since(begun) > extent.crashing {
            break;
        }
        let killed = running.kill(victim)?;
        times.push(ms(watch(running, victim, killed)?));
    }
    Ok(times)
}

/// Kills every program but one, and says how long it took until all were back.
pub(crate) fn crash_all(running: &mut Running, spared: Option<u32>) -> Result<Duration> {
    let victims: Vec<u32> = running
        .programs()
        .filter(|pid| Some(*pid) != spared)
        .collect();
    let begun = Moment::now();
    for victim in &victims {
        running.kill(*victim)?;
    }
    Ok(running.births(victims.len())?.last_after(begun))
}

/// Ends the subject.
pub(crate) fn stop(running: Running, report: &mut Report) -> Result<()> {
    let count = running.setup.programs.len();
    let column = running.subject.column();
    let took = running.stop()?;
    report.add(Metric::Shutdown(count), column, ms(took));
    Ok(())
}

pub(crate) fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
