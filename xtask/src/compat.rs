//! The comparison with the real Supervisor.

use anyhow::Result;

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
