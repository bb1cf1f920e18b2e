//! What it was measured on.

use std::fs;
use std::process::Command;

use serde_json::{Value, json};

use crate::plan::Plan;
use crate::subject::Subject;

/// A description of the machine and of the subjects.
pub(crate) fn about(plan: &Plan) -> Value {
    let missing: Vec<&str> = plan
        .missing
        .iter()
        .map(|subject| subject.column().name())
        .collect();
    let mut versions = serde_json::Map::new();
    for subject in &plan.subjects {
        versions.insert(subject.column().name().to_owned(), json!(version(subject)));
    }
    json!({
        "extent": plan.extent.name,
        "rounds": plan.extent.rounds,
        "kernel": read("/proc/sys/kernel/osrelease"),
        "processor": processor(),
        "processors": std::thread::available_parallelism().map_or(0, std::num::NonZero::get),
        "load": load(),
        "versions": versions,
        "missing": missing,
    })
}

fn version(subject: &Subject) -> String {
    match subject {
        Subject::Minder(_) => env!("CARGO_PKG_VERSION").to_owned(),
        Subject::Supervisor(folder) => {
            output(Command::new(folder.join("supervisord")).arg("--version"))
        }
        Subject::S6 => debian("s6"),
        Subject::Runit => debian("runit"),
    }
}

/// The version of a Debian package; empty where it came from elsewhere.
fn debian(package: &str) -> String {
    output(Command::new("dpkg-query").args(["--show", "--showformat=${Version}", package]))
}

fn output(command: &mut Command) -> String {
    let text = command.output().map(|output| output.stdout);
    String::from_utf8_lossy(&text.unwrap_or_default())
        .trim()
        .to_owned()
}

/// What else the machine has had to do in the last minutes, and this.
fn load() -> String {
    let text = read("/proc/loadavg");
    let averages: Vec<&str> = text.split(' ').take(3).collect();
    averages.join(", ")
}

fn processor() -> String {
    let text = read("/proc/cpuinfo");
    let model = text
        .lines()
        .find_map(|line| line.strip_prefix("model name"))
        .and_then(|rest| rest.split_once(':'));
    model.map_or_else(String::new, |(_, name)| name.trim().to_owned())
}

fn read(file: &str) -> String {
    fs::read_to_string(file)
        .unwrap_or_default()
        .trim()
        .to_owned()
}
