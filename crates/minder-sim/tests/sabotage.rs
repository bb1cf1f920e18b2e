//! The rules notice what they are there for: a core with a known mistake breaks the right one.

use minder_sim::history;
use minder_sim::sabotage::Sabotage;

/// So many histories are enough to notice any of these mistakes.
const PATIENCE: u64 = 100;

fn caught(sabotage: Sabotage) -> &'static str {
    let mut reports = (1..=PATIENCE).map(|seed| history::run_sabotaged(seed, sabotage));
    let violation = reports.find_map(|report| report.violation);
    violation.expect("a mistake that goes unnoticed").rule
}

#[test]
fn survey() {
    println!("DropStop: {}", caught(Sabotage::DropStop));
    println!("KillEarly: {}", caught(Sabotage::KillEarly));
    println!("NeverKill: {}", caught(Sabotage::NeverKill));
    println!("ConfuseGroups: {}", caught(Sabotage::ConfuseGroups));
    println!("SecondChild: {}", caught(Sabotage::SecondChild));
    println!("ForgetExits: {}", caught(Sabotage::ForgetExits));
    println!("SwallowReplies: {}", caught(Sabotage::SwallowReplies));
    println!("ReplyTwice: {}", caught(Sabotage::ReplyTwice));
    println!("AlwaysRestart: {}", caught(Sabotage::AlwaysRestart));
    println!("GiveUpEarly: {}", caught(Sabotage::GiveUpEarly));
    println!("HideEvents: {}", caught(Sabotage::HideEvents));
    println!("StartBackwards: {}", caught(Sabotage::StartBackwards));
    println!("HaltEarly: {}", caught(Sabotage::HaltEarly));
    println!("SkipSnapshots: {}", caught(Sabotage::SkipSnapshots));
    println!("AdoptAsStopped: {}", caught(Sabotage::AdoptAsStopped));
    println!("FastClock: {}", caught(Sabotage::FastClock));
    println!("Oversleep: {}", caught(Sabotage::Oversleep));
}
