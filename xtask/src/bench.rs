//! The benchmark, with all that it needs.

use anyhow::Result;

use crate::command::{self, cargo, program};
use crate::{metadata, python};

/// How much is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extent {
    /// What `docs/performance.md` shows.
    Full,
    /// As little as tells whether it works.
    Quick,
}

/// Builds Minder and the benchmark for release, and measures.
pub(crate) fn run(extent: Extent) -> Result<()> {
    python::install()?;
    command::run(&mut cargo([
        "build",
        "--release",
        "--package",
        "minder",
        "--package",
        "minder-bench",
    ]))?;
    let built = metadata::workspace()?.target.join("release");
    let mut bench = program(built.join("minder-bench"));
    bench.arg(built.join("minder")).arg(python::bin());
    if extent == Extent::Quick {
        bench.args(["--programs", "20", "--rounds", "1"]);
    }
    command::run(&mut bench)
}
