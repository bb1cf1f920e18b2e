//! What a process costs: what must not grow, whatever it is put through.

use std::fs;
use std::path::PathBuf;

/// What a process holds at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Vitals {
    /// Open descriptors.
    pub descriptors: usize,
    /// Threads.
    pub threads: usize,
    /// Memory of its own that is in use, in bytes: no file's and no shared one.
    pub memory: u64,
}

impl Vitals {
    /// Those of the process `pid`.
    ///
    /// # Panics
    ///
    /// If there is no such process.
    #[must_use]
    pub fn of(pid: i32) -> Self {
        Self {
            descriptors: entries(pid, "fd"),
            threads: entries(pid, "task"),
            memory: status(PathBuf::from(format!("/proc/{pid}/status")), "RssAnon:") << 10,
        }
    }
}

/// How often the threads of the process `pid` have been put to sleep or interrupted: each time that
/// one does something, it is so in the end.
///
/// # Panics
///
/// If there is no such process.
#[must_use]
pub fn switches(pid: i32) -> u64 {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).expect("the process lives");
    let of_thread = |thread: PathBuf| {
        let file = thread.join("status");
        status(file.clone(), "voluntary_ctxt_switches:")
            + status(file, "nonvoluntary_ctxt_switches:")
    };
    threads
        .filter_map(|entry| Some(of_thread(entry.ok()?.path())))
        .sum()
}

fn entries(pid: i32, folder: &str) -> usize {
    let entries = fs::read_dir(format!("/proc/{pid}/{folder}"));
    entries.expect("the process lives").count()
}

/// The number behind `name` in a file that the kernel makes.
fn status(file: PathBuf, name: &str) -> u64 {
    let text = fs::read_to_string(file).expect("the process lives");
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    let number = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
    number.expect("the kernel tells it")
}
