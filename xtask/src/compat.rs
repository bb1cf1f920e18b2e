//! The comparison with the real Supervisor: its run, and the table of what it compares.
//!
//! The table is read from the cases themselves: a module's first sentence names the area, a case's
//! name says what is compared, and where Minder differs on purpose the case says so with
//! `Subject::differs`. `docs/compatibility.md` is that table; a test here fails once it is old.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::command::{self, cargo};
use crate::python;

/// Runs the cases whose name holds `filter`, or all, on both subjects; `SUBJECT=supervisor` or
/// `SUBJECT=minder` in the environment leaves one of them out.
pub(crate) fn run(filter: Option<&str>) -> Result<()> {
    python::install()?;
    command::run(&mut cargo(["build", "--package", "minder"]))?;
    let mut test = cargo(["test", "--package", "minder-tests", "--test", "compat"]);
    test.args(filter);
    command::run(&mut test)
}

/// Writes the table of what is compared.
pub(crate) fn write_table() -> Result<()> {
    let page = page();
    fs::write(&page, table()?).with_context(|| format!("cannot write \"{}\"", page.display()))
}

/// The page that holds the table.
fn page() -> PathBuf {
    crate::root().join("docs/compatibility.md")
}

/// What becomes of a case on Minder.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Outcome {
    Same,
    /// The names of the differences, as in `docs/differences.md`.
    Differs(BTreeSet<String>),
    /// The reason why it does not pass yet.
    NotYet(String),
}

struct Case {
    area: String,
    name: String,
    outcome: Outcome,
}

/// The page, made from the cases.
fn table() -> Result<String> {
    let cases = all_cases()?;
    let mut out = String::from(
        "# What is compared with Supervisor\n\n\
         Each row is a case of the suite `tests/tests/compat`, which runs on the real Supervisor 4.3.0\n\
         and on Minder and asserts the same of both, word for word. Where Minder differs, the entry of\n\
         [differences.md](differences.md) is named. This page is made by `cargo xtask compat --table`.\n\n\
         | area | cases | same | differs | not yet |\n|---|---|---|---|---|\n",
    );
    let areas: BTreeSet<&str> = cases.iter().map(|case| case.area.as_str()).collect();
    for area in areas {
        summarise(
            &mut out,
            area,
            cases.iter().filter(|case| case.area == area),
        );
    }
    summarise(&mut out, "all", cases.iter());
    out.push_str("\n| case | area | Minder |\n|---|---|---|\n");
    for case in &cases {
        let outcome = match &case.outcome {
            Outcome::Same => "same".to_owned(),
            Outcome::Differs(entries) => {
                let entries: Vec<_> = entries.iter().map(|entry| format!("`{entry}`")).collect();
                format!("differs: {}", entries.join(", "))
            }
            Outcome::NotYet(reason) => format!("not yet: {reason}"),
        };
        row(&mut out, &[&sentence(&case.name), &case.area, &outcome]);
    }
    Ok(out)
}

fn summarise<'a>(out: &mut String, area: &str, cases: impl Iterator<Item = &'a Case>) {
    let (mut same, mut differs, mut not_yet) = (0, 0, 0);
    for case in cases {
        match case.outcome {
            Outcome::Same => same += 1,
            Outcome::Differs(_) => differs += 1,
            Outcome::NotYet(_) => not_yet += 1,
        }
    }
    let counts = [same + differs + not_yet, same, differs, not_yet].map(|count| count.to_string());
    row(out, &[area, &counts[0], &counts[1], &counts[2], &counts[3]]);
}

fn row(out: &mut String, cells: &[&str]) {
    writeln!(out, "| {} |", cells.join(" | ")).expect("a text takes whatever is written");
}

/// All cases, by area and in the order of their lists.
fn all_cases() -> Result<Vec<Case>> {
    let folder = crate::root().join("tests/tests/compat");
    let read = |name: &str| {
        let path = folder.join(name);
        fs::read_to_string(&path).with_context(|| format!("cannot read \"{}\"", path.display()))
    };
    let main = read("main.rs")?;
    let shared = functions(&main);
    let mut cases = Vec::new();
    for line in main.lines() {
        let module = line
            .strip_prefix("mod ")
            .and_then(|rest| rest.strip_suffix(';'));
        if let Some(module) = module {
            let text = read(&format!("{module}.rs"))?;
            cases.extend(cases_of(&text, &shared));
        }
    }
    cases.sort_by(|one, other| one.area.cmp(&other.area));
    Ok(cases)
}

/// The cases of one module; `shared` are the functions of all modules.
fn cases_of(text: &str, shared: &BTreeMap<String, &str>) -> Vec<Case> {
    let mut all = shared.clone();
    all.extend(functions(text));
    let mut cases = Vec::new();
    for (start, has_reason) in [("\ncases!(", false), ("\nnot_yet!(", true)] {
        for list in text.split(start).skip(1) {
            let list = list.split(");").next().unwrap_or_default();
            let (reason, names) = if has_reason {
                list.split_once("\":").unwrap_or_default()
            } else {
                ("", list)
            };
            for name in names
                .split(',')
                .map(str::trim)
                .filter(|name| !name.is_empty())
            {
                let outcome = if has_reason {
                    Outcome::NotYet(reason.trim().trim_matches('"').to_owned())
                } else {
                    let entries = differences(name, &all);
                    if entries.is_empty() {
                        Outcome::Same
                    } else {
                        Outcome::Differs(entries)
                    }
                };
                cases.push(Case {
                    area: area(text),
                    name: name.to_owned(),
                    outcome,
                });
            }
        }
    }
    cases
}

/// What a module is about: its first sentence, up to the first colon.
fn area(text: &str) -> String {
    let doc: Vec<_> = text
        .lines()
        .map_while(|line| line.strip_prefix("//! "))
        .collect();
    let doc = doc.join(" ");
    let end = doc.find([':', '.']).unwrap_or(doc.len());
    doc[..end].to_owned()
}

/// The functions of a module, each from its name to the next one.
fn functions(text: &str) -> BTreeMap<String, &str> {
    text.split("\nfn ")
        .skip(1)
        .filter_map(|function| Some((function.split(['(', '<']).next()?.to_owned(), function)))
        .collect()
}

/// The differences that a case names, itself or in a function that it calls.
fn differences(case: &str, functions: &BTreeMap<String, &str>) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut seen = BTreeSet::from([case]);
    let mut to_read = vec![case];
    while let Some(name) = to_read.pop() {
        let Some(text) = functions.get(name) else {
            continue;
        };
        for call in text.split(".differs(").skip(1) {
            found.extend(call.split('"').nth(1).map(str::to_owned));
        }
        for other in functions.keys() {
            if text.contains(&format!("{other}(")) && seen.insert(other) {
                to_read.push(other);
            }
        }
    }
    found
}

/// The name of a case as it is meant to be read.
fn sentence(name: &str) -> String {
    let text = name.replace('_', " ").replace(" s ", "'s ");
    text[..1].to_uppercase() + &text[1..]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_is_current() {
        let table = table().expect("the cases can be read");
        let page = fs::read_to_string(page()).expect("the page can be read");
        assert!(
            page == table,
            "docs/compatibility.md is old: run `cargo xtask compat --table`"
        );
    }

    #[test]
    fn cases_are_found_with_their_differences() {
        let text = "//! Logs: names\n//! and modes.\n\nuse x;\n\ncases!(one_s_log, two,);\n\n\
                    not_yet!(\"no time\":\n    three,\n);\n\nfn one_s_log(s: S) {\n    helper();\n}\n\n\
                    fn two(s: S) {\n}\n\nfn helper() {\n    s.differs(\n        \"why\", 1, 2);\n}\n";
        let found: Vec<_> = cases_of(text, &BTreeMap::new())
            .into_iter()
            .map(|case| (case.area, sentence(&case.name), case.outcome))
            .collect();
        let logs = || "Logs".to_owned();
        assert_eq!(
            found,
            [
                (
                    logs(),
                    "One's log".to_owned(),
                    Outcome::Differs(BTreeSet::from(["why".to_owned()]))
                ),
                (logs(), "Two".to_owned(), Outcome::Same),
                (
                    logs(),
                    "Three".to_owned(),
                    Outcome::NotYet("no time".to_owned())
                ),
            ]
        );
    }
}
