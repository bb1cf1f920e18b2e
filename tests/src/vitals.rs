//! What a process costs: what must not grow, whatever it is put through, and whether it rests.

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

/// What a thread does at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rest {
    /// It works, or waits in a way that is not known here.
    None,
    /// It waits, and for a time at most.
    Limited,
    /// It waits until something happens.
    Unlimited,
}

/// What the threads of the process `pid` do. Only who may trace it is told.
///
/// # Panics
///
/// If there is no such process.
#[must_use]
pub fn rests(pid: i32) -> Vec<Rest> {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).expect("the process lives");
    let calls = threads.filter_map(|thread| {
        // A thread may end just now.
        fs::read_to_string(thread.ok()?.path().join("syscall")).ok()
    });
    calls.map(|call| rest(&call)).collect()
}

/// What a thread does that is in this system call, as the kernel tells: its number in decimal, and its
/// arguments in hexadecimal.
fn rest(call: &str) -> Rest {
    let mut words = call.split_whitespace();
    let number = words.next().and_then(|word| word.parse().ok());
    let waits = WAITS.iter().find(|waits| Some(waits.number) == number);
    let limit = waits.and_then(|waits| {
        let word = words.nth(waits.limit)?.strip_prefix("0x")?;
        Some((u64::from_str_radix(word, 16).ok()?, waits.none))
    });
    match limit {
        // An int, of which the other half of the register says nothing.
        Some((limit, none)) if limit & 0xffff_ffff == none && (none != 0 || limit == 0) => {
            Rest::Unlimited
        }
        Some(_) => Rest::Limited,
        None => Rest::None,
    }
}

/// A system call that waits.
struct Waits {
    number: u32,
    /// Which of its arguments says how long at most.
    limit: usize,
    /// What stands there if that is not limited: no pointer, or -1.
    none: u64,
}

/// `poll`, `ppoll`, `epoll_wait`, `epoll_pwait` and `futex`, as far as there are such calls.
#[cfg(target_arch = "x86_64")]
const WAITS: [Waits; 5] = [
    Waits::new(7, 2, MINUS_ONE),
    Waits::new(271, 2, 0),
    Waits::new(232, 3, MINUS_ONE),
    Waits::new(281, 3, MINUS_ONE),
    Waits::new(202, 3, 0),
];

/// `ppoll`, `epoll_pwait` and `futex`, as on all newer machines.
#[cfg(not(target_arch = "x86_64"))]
const WAITS: [Waits; 3] = [
    Waits::new(73, 2, 0),
    Waits::new(22, 3, MINUS_ONE),
    Waits::new(98, 3, 0),
];

/// As an int of 32 bits.
const MINUS_ONE: u64 = 0xffff_ffff;

impl Waits {
    const fn new(number: u32, limit: usize, none: u64) -> Self {
        Self {
            number,
            limit,
            none,
        }
    }
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

#[cfg(all(test, target_arch = "x86_64"))]
mod tests {
    use super::*;

    #[test]
    fn a_wait_is_limited_or_not_and_everything_else_is_no_rest() {
        for (call, expected) in [
            ("running\n", Rest::None),
            ("0 0x0 0x7ffc 0x1 0x0 0x0 0x0 0x7ffc 0x55d9\n", Rest::None),
            (
                "271 0x55d9 0x2 0x0 0x0 0x8 0x0 0x7ffc 0x55d9\n",
                Rest::Unlimited,
            ),
            (
                "271 0x55d9 0x2 0x100000000 0x0 0x8 0x0 0x7ffc 0x55d9\n",
                Rest::Limited,
            ),
            (
                "281 0xb 0x7f45 0x40 0xffffffffffffffff 0x0 0x8 0x7f 0x55\n",
                Rest::Unlimited,
            ),
            (
                "232 0x14 0x556d 0x400 0xffffffff 0x0 0x7f 0x7f 0x7f\n",
                Rest::Unlimited,
            ),
            (
                "232 0x14 0x556d 0x400 0x3e8 0x0 0x7f 0x7f 0x7f\n",
                Rest::Limited,
            ),
        ] {
            assert_eq!(rest(call), expected, "{call}");
        }
    }
}
