//! Random histories of the real core break no rule.
//!
//! `MINDER_SIM_SEED=N` begins with the history of that seed instead of the first: it runs a
//! finding again, and gives every run of CI histories of its own.

use minder_sim::history;

/// The seeds of histories that once broke a rule, each with what was wrong. Each has a test in the
/// core as well, since a change of what is drawn here makes another history of every seed.
const FINDINGS: [u64; 7] = [
    // The time of a spawn that was lost in a crash was counted from its first asking.
    32, // A rule took a SIGKILL that was due for a signal that a user had misspelt.
    7_053_399,
    // A rule took a SIGKILL that was due for the signal of a request that was refused.
    149_238,
    // What was read in pieces waited for the next tick, since no time waited for the rest, and so a
    // long queue of events for hours. The mistake was in this simulator.
    3_174_899, // A rule took a group without processes for one with old ones.
    3_362_983,
    // A rule forgot that a group which is added again is one with what was last read.
    3_435_933,
    // A rule took a stop that had waited for its child for one of those that were asked for then.
    3_940_001,
];

/// Fails with all that led to it, if the history of a seed breaks a rule.
fn run(seed: u64) -> u64 {
    let report = history::run(seed);
    if report.violation.is_some() {
        let finding = history::find(seed).expect("a seed gives the same history again");
        panic!("{finding}");
    }
    report.steps
}

fn first_seed() -> u64 {
    std::env::var("MINDER_SIM_SEED").map_or(1, |seed| {
        seed.parse().expect("MINDER_SIM_SEED is a whole number")
    })
}

#[test]
fn a_million_steps_of_random_histories_break_no_rule() {
    let (mut seed, mut steps) = (first_seed(), 0);
    while steps < 1_000_000 {
        steps += run(seed);
        seed = seed.wrapping_add(1);
    }
}

#[test]
fn histories_that_once_broke_a_rule_do_so_no_more() {
    for seed in FINDINGS {
        run(seed);
    }
}

#[test]
fn a_seed_gives_the_same_history_again() {
    for seed in 1..=20 {
        assert_eq!(history::write_down(seed), history::write_down(seed));
    }
}
