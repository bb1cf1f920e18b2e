//! `minder-micro NAME TIMES` does a piece of work so many times; `minder-micro` prints the names of all.
//!
//! For callgrind: the difference between two numbers of times is what the work takes, without what its
//! preparation takes.

#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "its output is what it is for")]

use std::env;

use anyhow::{Context, Result, bail};
use minder_micro::WORKS;

fn main() -> Result<()> {
    let args: Vec<String> = env::args().skip(1).collect();
    match &args[..] {
        [] => {
            for work in WORKS {
                println!("{}", work.name);
            }
        }
        [name, times] => {
            let work = WORKS.iter().find(|work| work.name == name);
            let mut work = (work.context("no such work")?.prepare)();
            for _ in 0..times.parse()? {
                work();
            }
        }
        _ => bail!("usage: minder-micro [NAME TIMES]"),
    }
    Ok(())
}
