//! What a process consumes, as the kernel tells in `/proc`.

use std::fs;
use std::io;
use std::path::Path;
use std::time::Duration;

use crate::stat::{Stat, ticks_per_second, time_of};

/// How many entries of a folder of descriptors are counted at most, where the kernel does not tell
/// their number at once.
const COUNTED: usize = 1 << 16;

/// What a process consumes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Consumption {
    /// The pid of its parent.
    pub parent: u32,
    /// The time that processors have spent on it, its threads included and its children not.
    pub cpu: Duration,
    /// How many bytes of memory it has at the moment, those that it shares with others included.
    pub memory: u64,
    /// How many threads it has.
    pub threads: u64,
    /// How many descriptors it has open. `None` if that may not be known.
    pub open_files: Option<u64>,
}

/// What the process `pid` consumes.
pub fn of(pid: u32) -> io::Result<Consumption> {
    let folder = Path::new("/proc").join(pid.to_string());
    let mut consumption = parse(&Stat::of(pid)?, Units::of_system())
        .ok_or_else(|| io::Error::from(io::ErrorKind::InvalidData))?;
    consumption.open_files = open_files(&folder.join("fd"));
    Ok(consumption)
}

/// What the kernel counts in.
#[derive(Clone, Copy)]
struct Units {
    ticks_per_sec: u64,
    page_bytes: u64,
}

impl Units {
    fn of_system() -> Self {
        // SAFETY: the call only answers a number.
        let page = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
        let page = u64::try_from(page).ok().filter(|it| *it > 0);
        Self {
            ticks_per_sec: ticks_per_second(),
            page_bytes: page.unwrap_or(4096),
        }
    }
}

fn parse(stat: &Stat, units: Units) -> Option<Consumption> {
    // Numbered from 1 in the manual, the third being the first after the name.
    let field = |number: usize| stat.number(number - 3);
    let ticks = field(14)?.checked_add(field(15)?)?;
    Some(Consumption {
        parent: u32::try_from(field(4)?).ok()?,
        cpu: time_of(ticks, units.ticks_per_sec),
        memory: field(24)?.saturating_mul(units.page_bytes),
        threads: field(20)?,
        open_files: None,
    })
}

/// Newer kernels tell as the folder's size how many descriptors there are; older ones say 0.
fn open_files(folder: &Path) -> Option<u64> {
    let size = fs::metadata(folder).ok()?.len();
    if size > 0 {
        return Some(size);
    }
    Some(fs::read_dir(folder).ok()?.take(COUNTED).count() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    const UNITS: Units = Units {
        ticks_per_sec: 100,
        page_bytes: 4096,
    };

    #[test]
    fn a_line_is_read_whatever_the_process_calls_itself() {
        let rest = "S 41 9 9 0 -1 4194560 1 2 3 4 250 50 6 7 20 0 3 0 1000 9000000 25 1 1 1";
        for name in ["cat", "a b", ") S 1 (", "\u{e9}"] {
            let line = format!("42 ({name}) {rest}\n");
            let expected = Consumption {
                parent: 41,
                cpu: Duration::from_secs(3),
                memory: 25 * 4096,
                threads: 3,
                open_files: None,
            };
            assert_eq!(
                Stat::parse(line.as_bytes()).and_then(|stat| parse(&stat, UNITS)),
                Some(expected),
                "{name}"
            );
        }
    }

    #[test]
    fn a_line_that_is_none_is_refused() {
        for line in ["", "42", "42 (cat)", "42 (cat) S 41 9", "42 (cat) S x"] {
            assert_eq!(
                Stat::parse(line.as_bytes()).and_then(|stat| parse(&stat, UNITS)),
                None,
                "{line}"
            );
        }
    }

    #[test]
    fn this_process_consumes_something() {
        let own = of(std::process::id()).unwrap();
        assert!(own.memory > 0 && own.threads > 0);
        let (reader, writer) = io::pipe().unwrap();
        assert!(own.open_files.unwrap() > 2);
        drop((reader, writer));
        assert!(of(u32::MAX).is_err());
    }
}
