//! Fuzzing one target with libFuzzer.

use std::fs;

use anyhow::{Context, Result, ensure};

use crate::command::{self, cargo};
use crate::metadata;

/// How long is tried if nothing is said.
const SECONDS: u64 = 60;

/// How long one input may take, in seconds, and what it may make us hold, in megabytes: in one piece,
/// and in all. The corpora's largest inputs have some ten thousand bytes.
const BOUNDS: [&str; 3] = ["-timeout=10", "-malloc_limit_mb=64", "-rss_limit_mb=1024"];

/// Looks for an input that makes the target of this name panic, for so many seconds.
///
/// What is interesting is kept below `target/`, and what makes it panic is told.
pub(crate) fn run(target: &str, seconds: Option<&str>) -> Result<()> {
    let seconds: u64 = seconds.map_or(Ok(SECONDS), |seconds| {
        seconds
            .parse()
            .context("the time is not a number of seconds")
    })?;
    let corpora = crate::root().join("fuzz/corpus");
    let corpus = corpora.join(target);
    ensure!(
        corpus.is_dir(),
        "there is no target \"{target}\": fuzz/corpus/ has a folder for each"
    );
    let built = metadata::workspace()?.target.join("fuzz");
    let kept = built.join("corpus").join(target);
    fs::create_dir_all(&kept).with_context(|| format!("cannot make {}", kept.display()))?;

    let mut fuzz = cargo(["fuzz", "run", "--fuzz-dir", "fuzz/libfuzzer"]);
    fuzz.arg("--target-dir").arg(built).arg(target);
    // New inputs go into the first folder.
    fuzz.arg(kept).arg(corpus).arg("--").args(BOUNDS);
    fuzz.args([
        &format!("-max_total_time={seconds}"),
        "-print_final_stats=1",
    ]);
    let words = crate::root().join(format!("fuzz/words/{target}.txt"));
    if words.is_file() {
        fuzz.arg(format!("-dict={}", words.display()));
    }
    // Instrumented code is made by options that the compiler otherwise takes on nightly alone.
    fuzz.env("RUSTC_BOOTSTRAP", "1");
    command::run(&mut fuzz)
        .context("if there is no cargo-fuzz: `cargo install --locked cargo-fuzz`")
}
