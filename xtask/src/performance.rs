//! `docs/performance.md`, made from what `cargo xtask bench --write` has measured.

use std::fmt::Write as _;
use std::fs;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

/// What was measured, below the repository's root.
pub(crate) const JSON: &str = "docs/performance.json";
/// The page that is made of it.
const PAGE: &str = "docs/performance.md";
/// The heading of the column that compares two others.
const BETTER: &str = "× better than Supervisor";
/// The words around the tables.
const TEMPLATE: &str = include_str!("performance/page.md");

/// Writes the page.
pub(crate) fn write() -> Result<()> {
    let page = page()?;
    fs::write(crate::root().join(PAGE), page).context("cannot write the page")
}

/// Fails if the page is not what would be written.
pub(crate) fn check() -> Result<()> {
    let found = fs::read_to_string(crate::root().join(PAGE)).context("there is no page")?;
    ensure!(
        found == page()?,
        "\"{PAGE}\" is not made from \"{JSON}\": `cargo xtask performance` makes it"
    );
    Ok(())
}

fn page() -> Result<String> {
    let text = fs::read(crate::root().join(JSON)).context("nothing was measured")?;
    let report: Value = serde_json::from_slice(&text).context("what was measured is not JSON")?;
    Ok(TEMPLATE
        .replace("{machine}", &machine(&report))
        .replace("{budgets}", &budgets(&report))
        .replace("{tables}", tables(&report).trim_end()))
}

/// A sentence about the machine and one about the subjects.
fn machine(report: &Value) -> String {
    let about = &report["about"];
    let text = |name: &str| about[name].as_str().unwrap_or("unknown").to_owned();
    let mut said = format!(
        "A {} run: {} processors ({}), Linux {}, rounds: {}.",
        text("extent"),
        about["processors"],
        text("processor"),
        text("kernel"),
        about["rounds"]
    );
    if let Some(load) = about["load"].as_str() {
        let _ = write!(said, " Load averages at the end: {load}.");
    }
    let versions: Vec<String> = about["versions"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, version)| format!("{name} {}", version.as_str().unwrap_or("")))
        .collect();
    let _ = write!(said, " Compared: {}.", versions.join(", "));
    for failure in list(&report["failures"]).filter_map(Value::as_str) {
        let _ = write!(said, " Not measured: {failure}.");
    }
    let missing: Vec<&str> = list(&about["missing"]).filter_map(Value::as_str).collect();
    if !missing.is_empty() {
        let _ = write!(said, " Not installed: {}.", missing.join(", "));
    }
    said
}

/// How many budgets are met, and which are not.
fn budgets(report: &Value) -> String {
    let rows = list(&report["families"]).flat_map(|family| list(&family["rows"]));
    let rows: Vec<&Value> = rows.filter(|row| row["budget"].is_string()).collect();
    let met = rows.iter().filter(|row| row["met"] == true).count();
    let mut said = format!("Of {} budgets, {met} are met.", rows.len());
    for row in rows.iter().filter(|row| row["met"] != true) {
        let metric = row["metric"].as_str().unwrap_or_default();
        let budget = row["budget"].as_str().unwrap_or_default();
        let minder = number(&row["readings"]["Minder"]["median"]);
        let _ = write!(said, "\n- {metric}: {minder}, to be {budget}");
    }
    said
}

/// A table for each family.
pub(crate) fn tables(report: &Value) -> String {
    let mut text = String::new();
    for family in list(&report["families"]) {
        let rows = || list(&family["rows"]);
        let columns: Vec<&str> = list(&report["columns"])
            .filter_map(Value::as_str)
            .filter(|column| rows().any(|row| !row["readings"][column].is_null()))
            .collect();
        let _ = writeln!(
            text,
            "## {}\n",
            family["title"].as_str().unwrap_or_default()
        );
        let heads = columns.join(" | ");
        let _ = writeln!(text, "| | {heads} | {BETTER} | budget |");
        let _ = writeln!(text, "|---|{}", "---|".repeat(columns.len() + 2));
        for row in rows() {
            let metric = row["metric"].as_str().unwrap_or_default();
            let cells: Vec<String> = columns
                .iter()
                .map(|column| cell(&row["readings"][column]))
                .collect();
            let cells = cells.join(" | ");
            let _ = writeln!(
                text,
                "| {metric} | {cells} | {} | {} |",
                times_better(row),
                budget(row)
            );
        }
        text.push('\n');
    }
    text
}

fn cell(reading: &Value) -> String {
    if reading.is_null() {
        return "–".to_owned();
    }
    let (median, least, most) = (&reading["median"], &reading["least"], &reading["most"]);
    if least == most {
        return number(median);
    }
    format!("{} ({}–{})", number(median), number(least), number(most))
}

/// Without a decimal point where there is nothing behind it.
fn number(value: &Value) -> String {
    value
        .as_f64()
        .map_or_else(String::new, |value| value.to_string())
}

/// How many times less Minder takes than Supervisor, or how many times more it does.
fn times_better(row: &Value) -> String {
    let median = |column: &str| row["readings"][column]["median"].as_f64();
    match median("Supervisor").zip(median("Minder")) {
        Some((theirs, ours)) if ours > 0.0 && theirs > 0.0 => {
            let ratio = if row["better"] == "more" {
                ours / theirs
            } else {
                theirs / ours
            };
            let digits = if ratio < 10.0 { 2 } else { 0 };
            format!("{ratio:.digits$}")
        }
        _ => "–".to_owned(),
    }
}

fn budget(row: &Value) -> String {
    let Some(budget) = row["budget"].as_str() else {
        return String::new();
    };
    let verdict = match row["met"].as_bool() {
        Some(true) => "met",
        Some(false) => "**not met**",
        None => "not compared",
    };
    format!("{budget}: {verdict}")
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_row_shows_medians_spread_ratio_and_budget() {
        let reading =
            |median: f64, most: f64| json!({ "median": median, "least": 1.0, "most": most });
        let report = json!({
            "columns": ["Minder", "Supervisor", "s6"],
            "families": [{ "title": "Start", "rows": [{
                "metric": "time, ms",
                "better": "less",
                "readings": { "Minder": reading(2.0, 3.0), "Supervisor": reading(1.0, 1.0) },
                "budget": "≤ 1",
                "met": false,
            }] }],
        });
        let table = tables(&report);
        assert!(table.contains("| | Minder | Supervisor | × better than Supervisor | budget |"));
        assert!(table.contains("| time, ms | 2 (1–3) | 1 | 0.50 | ≤ 1: **not met** |"));
        let rate = json!({
            "better": "more",
            "readings": { "Minder": reading(50.0, 50.0), "Supervisor": reading(2.0, 2.0) },
        });
        assert_eq!(times_better(&rate), "25");
        assert_eq!(
            budgets(&report),
            "Of 1 budgets, 0 are met.\n- time, ms: 2, to be ≤ 1"
        );
    }
}
