//! What was measured, as JSON. `cargo xtask` makes tables of it.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::metric::{Family, Metric};

/// Who was measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Column {
    Minder,
    Supervisor,
    S6,
    Runit,
    /// What only does the work itself: a loop that spawns and waits, or that copies.
    Bare,
    /// A loop that also makes what Supervisor's contract asks for.
    Contract,
}

impl Column {
    pub(crate) const ALL: [Self; 6] = [
        Self::Minder,
        Self::Supervisor,
        Self::S6,
        Self::Runit,
        Self::Bare,
        Self::Contract,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Minder => "Minder",
            Self::Supervisor => "Supervisor",
            Self::S6 => "s6",
            Self::Runit => "runit",
            Self::Bare => "bare floor",
            Self::Contract => "contract floor",
        }
    }
}

/// Every value, by row and column, and what could not be measured.
#[derive(Debug, Default)]
pub(crate) struct Report {
    values: BTreeMap<(Metric, Column), Vec<f64>>,
    failures: Vec<String>,
}

impl Report {
    pub(crate) fn add(&mut self, metric: Metric, column: Column, value: f64) {
        self.values.entry((metric, column)).or_default().push(value);
    }

    /// How long it took after each of some crashes among `count` programs, in milliseconds.
    pub(crate) fn add_crashes(&mut self, count: usize, column: Column, times: &[f64]) {
        let tail = quantile(times, 0.99);
        self.add(Metric::CrashOfOneTail(count), column, tail);
        for time in times {
            self.add(Metric::CrashOfOne(count), column, *time);
        }
    }

    pub(crate) fn fail(&mut self, failure: String) {
        self.failures.push(failure);
    }

    /// With `about`, what was measured and on what.
    pub(crate) fn json(&self, about: &Value) -> Value {
        let families: Vec<Value> = Family::ALL
            .into_iter()
            .map(|family| {
                let rows = self.rows(family);
                json!({ "title": family.title(), "rows": rows })
            })
            .filter(|family| family["rows"] != json!([]))
            .collect();
        let columns = Column::ALL.map(Column::name);
        let failures = &self.failures;
        json!({ "about": about, "columns": columns, "families": families, "failures": failures })
    }

    fn rows(&self, family: Family) -> Vec<Value> {
        let mut metrics: Vec<Metric> = self.values.keys().map(|(metric, _)| *metric).collect();
        metrics.dedup();
        // What was measured of one load stands together.
        metrics.sort_by_key(|metric| (metric.load(), metric.writers(), *metric));
        metrics
            .into_iter()
            .filter(|metric| metric.family() == family)
            .map(|metric| self.row(metric))
            .collect()
    }

    fn row(&self, metric: Metric) -> Value {
        let mut readings = serde_json::Map::new();
        for column in Column::ALL {
            if let Some(values) = self.values.get(&(metric, column)) {
                let reading = json!({
                    "median": rounded(quantile(values, 0.5)),
                    "least": rounded(quantile(values, 0.0)),
                    "most": rounded(quantile(values, 1.0)),
                    "count": values.len(),
                });
                readings.insert(column.name().to_owned(), reading);
            }
        }
        let better = if metric.is_better_more() {
            "more"
        } else {
            "less"
        };
        let mut row = json!({ "metric": metric.label(), "readings": readings, "better": better });
        let median = |column| {
            self.values
                .get(&(metric, column))
                .map(|all| quantile(all, 0.5))
        };
        let budget = metric.budget();
        if let Some(minder) = median(Column::Minder).filter(|_| !budget.is_empty()) {
            let texts: Vec<String> = budget.iter().map(|limit| limit.text()).collect();
            let met: Vec<Option<bool>> = budget
                .iter()
                .map(|limit| limit.met(minder, median))
                .collect();
            // One that is missed is missed, whatever else could not be compared.
            let all_met = if met.contains(&Some(false)) {
                Some(false)
            } else {
                (!met.contains(&None)).then_some(true)
            };
            row["budget"] = json!(texts.join(", "));
            row["met"] = json!(all_met);
        }
        row
    }
}

/// The value below which this part of them lies; nothing of nothing is 0.
pub(crate) fn quantile(values: &[f64], part: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let last = crate::as_f64(sorted.len().saturating_sub(1));
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 0 and the number of values"
    )]
    let at = (last * part).round() as usize;
    sorted.get(at).copied().unwrap_or(0.0)
}

/// Three digits are more than a measurement gives.
fn rounded(value: f64) -> f64 {
    if value == 0.0 {
        return 0.0;
    }
    let digits = value.abs().log10().floor();
    let unit = 10_f64.powf((digits - 2.0).min(0.0));
    // Divided once more by a whole number, so that 0.1 is written as that.
    let per = (1.0 / unit).round();
    (value * per).round() / per
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::Limit;

    #[test]
    fn quantiles_are_values() {
        let values = [3.0, 1.0, 2.0, 10.0, 4.0];
        assert_eq!(quantile(&values, 0.5).to_bits(), 3.0_f64.to_bits());
        assert_eq!(quantile(&values, 1.0).to_bits(), 10.0_f64.to_bits());
        assert_eq!(quantile(&[], 0.5).to_bits(), 0.0_f64.to_bits());
    }

    #[test]
    fn values_are_shown_with_three_digits() {
        let shown = [0.01234, 1.234, 1234.56, 0.1].map(|value| rounded(value).to_string());
        assert_eq!(shown, ["0.0123", "1.23", "1235", "0.1"]);
    }

    #[test]
    fn a_budget_is_compared_with_the_same_run() {
        let mut report = Report::default();
        report.add(Metric::Shutdown(100), Column::Minder, 7.0);
        let unknown = report.row(Metric::Shutdown(100));
        assert_eq!(unknown["met"], Value::Null);
        report.add(Metric::Shutdown(100), Column::Contract, 2.0);
        let row = report.row(Metric::Shutdown(100));
        assert_eq!(row["budget"], json!("≤ 3 × contract floor"));
        assert_eq!(row["met"], json!(false));
        assert_eq!(Limit::AtMost(7.0).met(7.0, |_| None), Some(true));
    }
}
