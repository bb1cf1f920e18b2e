//! What Minder is run through: its run, and a look at the list of it.
//!
//! `docs/faults.md` names a test for each fault. A test here fails if one of those is gone, or if a test
//! of the suite stands in no row.

use anyhow::Result;

use crate::command::{self, cargo};
use crate::python;

/// Runs the tests whose name holds `filter`, or all. `MINDER_STRIDE=1` and `MINDER_SOAK=10000` in the
/// environment make them long.
pub(crate) fn run(filter: Option<&str>) -> Result<()> {
    python::install()?;
    command::run(&mut cargo(["build", "--package", "minder"]))?;
    let mut test = cargo(["test", "--package", "minder-tests", "--test", "faults"]);
    test.args(filter);
    command::run(&mut test)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::Path;

    /// The functions that are tests, or cases of one, in the files of a folder and those below.
    fn functions(folder: &Path, found: &mut BTreeSet<String>) {
        for entry in fs::read_dir(folder).expect("a folder of sources") {
            let path = entry.expect("an entry").path();
            if path.is_dir() && !path.ends_with("target") {
                functions(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).expect("a source");
                let names = text.split("fn ").skip(1);
                found.extend(
                    names.filter_map(|rest| rest.split(['(', '<']).next().map(str::to_owned)),
                );
            }
        }
    }

    /// The names that look like tests on the page: code, of several words.
    fn named(page: &str) -> BTreeSet<&str> {
        let code = page.split('`').skip(1).step_by(2);
        let is_test = |name: &&str| {
            name.matches('_').count() >= 3
                && name
                    .bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte == b'_')
        };
        code.filter(is_test).collect()
    }

    #[test]
    fn the_list_of_faults_names_tests_that_exist_and_all_of_the_suite() {
        let root = crate::root();
        let page = fs::read_to_string(root.join("docs/faults.md")).expect("the page");
        let named = named(&page);
        let mut all = BTreeSet::new();
        for folder in ["crates", "fuzz", "tests"] {
            functions(&root.join(folder), &mut all);
        }
        for name in &named {
            assert!(
                all.contains(*name),
                "docs/faults.md names `{name}`, which does not exist"
            );
        }
        let suite = root.join("tests/tests/faults");
        for entry in fs::read_dir(suite).expect("the suite") {
            let path = entry.expect("an entry").path();
            let text = fs::read_to_string(&path).expect("a source");
            for test in tests(&text) {
                assert!(
                    named.contains(test.as_str()),
                    "docs/faults.md does not name `{test}` of \"{}\"",
                    path.display()
                );
            }
        }
    }

    /// The tests and cases of a source.
    fn tests(text: &str) -> Vec<String> {
        let plain = text.split("#[test]\nfn ").skip(1);
        let plain = plain.filter_map(|rest| rest.split('(').next());
        let cases = text.split("\ncases!(").skip(1);
        let cases = cases.flat_map(|rest| rest.split(')').next().unwrap_or_default().split(','));
        plain
            .chain(cases.map(str::trim).filter(|name| !name.is_empty()))
            .map(str::to_owned)
            .collect()
    }
}
