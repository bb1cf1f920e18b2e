//! How much memory a process has to itself and shares fairly (PSS).

use std::fs;

use anyhow::{Context, Result};

/// An amount of memory.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Memory {
    kib: f64,
}

impl Memory {
    /// The proportional set size of these processes together.
    pub(crate) fn of(pids: &[u32]) -> Result<Self> {
        let mut kib = 0.0;
        for pid in pids {
            let file = format!("/proc/{pid}/smaps_rollup");
            let text = fs::read_to_string(&file).with_context(|| format!("cannot read {file}"))?;
            let line = text.lines().find_map(|line| line.strip_prefix("Pss:"));
            let number = line.and_then(|line| line.split_whitespace().next());
            kib += number.context("no Pss line")?.parse::<f64>()?;
        }
        Ok(Self { kib })
    }

    pub(crate) fn minus(self, other: Self) -> Self {
        Self {
            kib: self.kib - other.kib,
        }
    }

    pub(crate) fn as_kib(self) -> f64 {
        self.kib
    }

    pub(crate) fn as_mib(self) -> f64 {
        self.kib / 1024.0
    }
}
