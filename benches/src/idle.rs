//! What a subject costs while nothing happens.

use std::thread;
use std::time::Duration;

use anyhow::Result;

use crate::metric::Metric;
use crate::plan::Extent;
use crate::processes::{Memory, Usage};
use crate::report::Report;
use crate::running::Running;

/// What a start leaves to be done is done by then.
const SETTLING: Duration = Duration::from_millis(1500);

pub(crate) fn measure(running: &Running, extent: &Extent, report: &mut Report) -> Result<()> {
    let programs = running.setup.programs.len();
    let column = running.subject.column();
    thread::sleep(SETTLING);
    let own = running.own();
    let before = Usage::of(&own);
    thread::sleep(extent.idle);
    let used = Usage::of(&own).since(before);
    // After that: reading how memory is shared takes a lock in the process.
    let memory = Memory::of(&own)?;
    let a_minute = 60.0 / extent.idle.as_secs_f64();
    let cpu = used.cpu.as_secs_f64() * 1e3;
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    let wake_ups = used.wake_ups as f64;
    report.add(Metric::IdleCpu(programs), column, cpu * a_minute);
    report.add(Metric::IdleWakeUps(programs), column, wake_ups * a_minute);
    report.add(Metric::Proportional(programs), column, memory.proportional);
    report.add(Metric::Unique(programs), column, memory.unique);
    Ok(())
}
