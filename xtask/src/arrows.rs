//! Compares the dependencies between our crates with the arrows in `ARCHITECTURE.md`.
//!
//! There, a paragraph about a crate begins with its name in bold, and may hold `→ core, os` or
//! `→ all but keeper, ctl`. A crate without an arrow depends on none of ours.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use anyhow::{Context, Result, ensure};

use crate::metadata::{self, Workspace};

/// What our crates' names begin with, and arrows leave out.
const PREFIX: &str = "minder-";

/// What must not become part of the keeper, however indirectly: it is to be small and dull.
const NOT_IN_THE_KEEPER: [&str; 5] = ["hyper", "minder-config", "serde", "serde_core", "tokio"];

/// Fails if a dependency has no arrow.
pub(crate) fn check() -> Result<()> {
    let file = crate::root().join("ARCHITECTURE.md");
    let text = fs::read_to_string(file).context("cannot read ARCHITECTURE.md")?;
    let workspace = metadata::workspace()?;
    let wrong = wrong(&workspace, &arrows(&text, &workspace.members));
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}

/// A sentence for each dependency that must not be.
fn wrong(workspace: &Workspace, arrows: &BTreeMap<String, BTreeSet<String>>) -> Vec<String> {
    let mut wrong = Vec::new();
    for (package, allowed) in arrows {
        let needs = workspace.needs.get(package).into_iter().flatten();
        for need in needs.filter(|need| workspace.members.contains(*need)) {
            if !allowed.contains(need) {
                wrong.push(format!(
                    "\"{package}\" depends on \"{need}\", to which ARCHITECTURE.md shows no arrow"
                ));
            }
        }
    }
    for member in workspace.members.iter().filter(|name| is_ours(name)) {
        if !arrows.contains_key(member) {
            wrong.push(format!("ARCHITECTURE.md says nothing about \"{member}\""));
        }
    }
    let keeper = workspace.closure("minder-keeper");
    for name in NOT_IN_THE_KEEPER
        .iter()
        .filter(|name| keeper.contains(*name))
    {
        wrong.push(format!("\"{name}\" has become part of \"minder-keeper\""));
    }
    wrong
}

/// Whether the architecture has to speak of this package as a crate.
fn is_ours(package: &str) -> bool {
    let chores = [
        "minder-bench",
        "minder-micro",
        "minder-fuzz",
        "minder-tests",
    ];
    package.starts_with(PREFIX) && !chores.contains(&package)
}

/// The packages that `text` is about, each with those it may depend on.
fn arrows(text: &str, members: &BTreeSet<String>) -> BTreeMap<String, BTreeSet<String>> {
    let mut arrows = BTreeMap::new();
    for paragraph in text.split("\n\n") {
        let name = paragraph
            .strip_prefix("**`")
            .and_then(|rest| rest.split_once("`**"))
            .map(|(name, _)| name);
        if let Some(name) = name.filter(|name| members.contains(*name)) {
            let target = paragraph.split_once('→').map_or("", |(_, target)| target);
            arrows.insert(name.to_owned(), targets(target, members));
        }
    }
    arrows
}

/// What stands behind an arrow: up to the end of its sentence.
fn targets(text: &str, members: &BTreeSet<String>) -> BTreeSet<String> {
    let text = text.split_once('.').map_or(text, |(sentence, _)| sentence);
    let named = |names: &str| -> BTreeSet<String> {
        names
            .split(',')
            .map(|name| format!("{PREFIX}{}", name.trim()))
            .collect()
    };
    match text.trim().strip_prefix("all but ") {
        Some(left_out) => members.difference(&named(left_out)).cloned().collect(),
        None => named(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
Everything lies under `crates/`; an arrow below is a dependency.

**`minder-core`** decides.

**`minder-logs`** moves bytes,
and rotates. → core, os

**`minder-daemon`** is the driver. → all but ctl. One thread
owns the core.

**`tests/`** holds the test kit.
";

    fn set(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn members() -> BTreeSet<String> {
        set(&[
            "minder-core",
            "minder-ctl",
            "minder-daemon",
            "minder-logs",
            "minder-os",
        ])
    }

    fn workspace(needs: &[(&str, &[&str])]) -> Workspace {
        Workspace {
            target: "target".into(),
            members: members(),
            needs: needs
                .iter()
                .map(|(name, needs)| ((*name).to_owned(), set(needs)))
                .collect(),
        }
    }

    #[test]
    fn arrows_are_read_from_paragraphs_about_crates() {
        let arrows = arrows(TEXT, &members());
        assert_eq!(arrows["minder-logs"], set(&["minder-core", "minder-os"]));
        assert!(!arrows["minder-core"].contains("minder-os"));
        assert!(arrows["minder-daemon"].contains("minder-logs"));
        assert!(!arrows["minder-daemon"].contains("minder-ctl"));
        assert_eq!(arrows.len(), 3);
    }

    #[test]
    fn a_dependency_without_an_arrow_is_named() {
        let text = format!("{TEXT}\n**`minder-os`** calls.\n\n**`minder-ctl`** asks.\n");
        let workspace = workspace(&[
            ("minder-logs", &["minder-core", "memchr"]),
            ("minder-core", &["minder-logs"]),
        ]);
        assert_eq!(
            wrong(&workspace, &arrows(&text, &members())),
            ["\"minder-core\" depends on \"minder-logs\", to which ARCHITECTURE.md shows no arrow"]
        );
    }

    #[test]
    fn a_crate_that_is_not_described_is_named() {
        let wrong = wrong(&workspace(&[]), &arrows(TEXT, &members()));
        assert_eq!(
            wrong,
            [
                "ARCHITECTURE.md says nothing about \"minder-ctl\"",
                "ARCHITECTURE.md says nothing about \"minder-os\""
            ]
        );
    }

    #[test]
    fn what_reaches_the_keeper_indirectly_is_named() {
        let mut workspace =
            workspace(&[("minder-keeper", &["minder-os"]), ("minder-os", &["tokio"])]);
        workspace.members.clear();
        assert_eq!(
            wrong(&workspace, &BTreeMap::new()),
            ["\"tokio\" has become part of \"minder-keeper\""]
        );
    }
}
