//! What the benchmark and the programs that it has started agree on: the clock, how a program
//! tells of its birth, and the lines that it writes.
//!
//! The programs (`minder-bench-program`) are a file of their own, so that thousands of them take
//! little memory and start fast.

#![forbid(unsafe_code)]

pub mod birth;
pub mod line;
