//! What the kernel says about processes: who is below whom, processor time, wake-ups, memory.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result};

/// Everything below a process, parents before their children.
pub(crate) fn below(pid: u32) -> Vec<u32> {
    let mut found = children(pid);
    let mut next = 0;
    while let Some(pid) = found.get(next) {
        let more = children(*pid);
        found.extend(more);
        next += 1;
    }
    found
}

fn children(pid: u32) -> Vec<u32> {
    tasks(pid)
        .iter()
        .filter_map(|task| fs::read_to_string(format!("{task}/children")).ok())
        .flat_map(|text| {
            let pids: Vec<u32> = text
                .split_whitespace()
                .filter_map(|pid| pid.parse().ok())
                .collect();
            pids
        })
        .collect()
}

fn tasks(pid: u32) -> Vec<String> {
    let Ok(entries) = fs::read_dir(format!("/proc/{pid}/task")) else {
        // It has ended.
        return Vec::new();
    };
    entries
        .flatten()
        .map(|entry| entry.path().display().to_string())
        .collect()
}

/// What processes have used since they began.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Usage {
    /// Processor time.
    pub(crate) cpu: Duration,
    /// How often a thread waited and was woken: its voluntary context switches.
    pub(crate) wake_ups: u64,
}

impl Usage {
    /// Of these together, all threads.
    pub(crate) fn of(pids: &[u32]) -> Self {
        let mut sum = Self::default();
        for task in pids.iter().flat_map(|pid| tasks(*pid)) {
            let read = |file: &str| fs::read_to_string(format!("{task}/{file}"));
            let (Ok(schedule), Ok(status)) = (read("schedstat"), read("status")) else {
                continue;
            };
            sum.cpu += Duration::from_nanos(first_number(&schedule).unwrap_or(0));
            sum.wake_ups += field(&status, "voluntary_ctxt_switches:").unwrap_or(0);
        }
        sum
    }

    pub(crate) fn since(self, earlier: Self) -> Self {
        Self {
            cpu: self.cpu.saturating_sub(earlier.cpu),
            wake_ups: self.wake_ups.saturating_sub(earlier.wake_ups),
        }
    }
}

/// How much memory processes have, in MiB.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Memory {
    /// What is theirs alone, and a fair share of what they share with others.
    pub(crate) proportional: f64,
    /// What is theirs alone, and would be free without them.
    pub(crate) unique: f64,
}

impl Memory {
    /// Of these together.
    pub(crate) fn of(pids: &[u32]) -> Result<Self> {
        let mut sum = Self {
            proportional: 0.0,
            unique: 0.0,
        };
        for pid in pids {
            let file = format!("/proc/{pid}/smaps_rollup");
            let text = fs::read_to_string(&file).with_context(|| format!("cannot read {file}"))?;
            let kib = |name| field(&text, name).with_context(|| format!("no {name} in {file}"));
            sum.proportional += mib(kib("Pss:")?);
            sum.unique += mib(kib("Private_Clean:")? + kib("Private_Dirty:")?);
        }
        Ok(sum)
    }
}

#[expect(clippy::cast_precision_loss, reason = "far below 2^52 KiB")]
fn mib(kib: u64) -> f64 {
    kib as f64 / 1024.0
}

fn field(text: &str, name: &str) -> Option<u64> {
    text.lines()
        .find_map(|line| line.strip_prefix(name))
        .and_then(first_number)
}

fn first_number(text: &str) -> Option<u64> {
    text.split_whitespace().next()?.parse().ok()
}
