//! What was measured, as a table.

use std::collections::BTreeMap;
use std::fmt::Write as _;

/// What is measured, in the order of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Metric {
    MemoryEmpty,
    MemoryEach,
    Spawns,
    Restart,
    Shutdown,
}

impl Metric {
    const ALL: [Self; 5] = [
        Self::MemoryEmpty,
        Self::MemoryEach,
        Self::Spawns,
        Self::Restart,
        Self::Shutdown,
    ];

    fn label(self, programs: usize) -> String {
        match self {
            Self::MemoryEmpty => "memory with no program, MiB".to_owned(),
            Self::MemoryEach => format!("memory for each of {programs} programs, KiB"),
            Self::Spawns => format!("programs started per second, {programs} at start-up"),
            Self::Restart => "SIGKILL of one program until its replacement runs, ms".to_owned(),
            Self::Shutdown => format!("shutdown of {programs} programs, ms"),
        }
    }
}

/// Everything that was measured, by metric and by subject.
#[derive(Default)]
pub(crate) struct Figures(BTreeMap<(Metric, &'static str), Vec<f64>>);

impl Figures {
    pub(crate) fn add(&mut self, subject: &'static str, metric: Metric, value: f64) {
        self.0.entry((metric, subject)).or_default().push(value);
    }

    /// Medians with the least and the greatest value, a row for each metric.
    pub(crate) fn table(&self, programs: usize) -> String {
        const SUBJECTS: [&str; 3] = ["Minder", "Supervisor", crate::floor::NAME];
        let mut table = String::from("| |");
        for subject in SUBJECTS {
            let _ = write!(table, " {subject} |");
        }
        table.push_str(" Supervisor ÷ Minder |\n|---|---|---|---|---|\n");
        for metric in Metric::ALL {
            let _ = write!(table, "| {} |", metric.label(programs));
            for subject in SUBJECTS {
                let cell = self.cell(metric, subject).unwrap_or_else(|| "–".to_owned());
                let _ = write!(table, " {cell} |");
            }
            let ratio = self
                .median(metric, "Supervisor")
                .zip(self.median(metric, "Minder"));
            let _ = match ratio {
                Some((theirs, ours)) => writeln!(table, " {:.2} |", theirs / ours),
                None => writeln!(table, " – |"),
            };
        }
        table
    }

    fn sorted(&self, metric: Metric, subject: &'static str) -> Option<Vec<f64>> {
        let mut values = self.0.get(&(metric, subject))?.clone();
        values.sort_by(f64::total_cmp);
        Some(values)
    }

    fn median(&self, metric: Metric, subject: &'static str) -> Option<f64> {
        self.sorted(metric, subject)
            .and_then(|values| values.get(values.len() / 2).copied())
    }

    fn cell(&self, metric: Metric, subject: &'static str) -> Option<String> {
        let values = self.sorted(metric, subject)?;
        let median = self.median(metric, subject)?;
        let (least, greatest) = (values.first()?, values.last()?);
        Some(format!("{median:.2} ({least:.2}–{greatest:.2})"))
    }
}
