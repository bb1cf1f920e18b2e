//! Whom the kernel has killed for lack of memory. To its parent such an end is a SIGKILL like any
//! other; there are two places that tell more.
//!
//! The kernel's log names each victim by its pid, and is there for root, outside of containers.
//! Else, the control group that we are in counts its victims (`memory.events` of version 2), and
//! that the count has grown is all that can be told.

use std::collections::VecDeque;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;
use rustix::io::Errno;

const KERNEL_LOG: &str = "/dev/kmsg";

/// The namespace of the pids that the kernel's log tells of. Its number is part of the kernel's
/// interface (`PROC_PID_INIT_INO`).
const FIRST_PID_NAMESPACE: &str = "pid:[4026531836]";

/// The longest record that the kernel hands out.
const MAX_RECORD: usize = 8192;

/// How many records are read at a time at most; the kernel's buffer holds fewer.
const MAX_RECORDS: usize = 100_000;

/// How many victims are remembered that nobody has asked about yet.
const MAX_PIDS: usize = 256;

/// Whom the kernel has killed for lack of memory since this was opened.
#[derive(Debug)]
pub struct Victims(Option<Source>);

#[derive(Debug)]
enum Source {
    Log { log: File, pids: VecDeque<u32> },
    Count { events: File, known: u64 },
}

impl Victims {
    /// Opens whatever tells of them here.
    #[must_use]
    pub fn open() -> Self {
        Self(Source::log().or_else(|| Source::count(&own_group()?)))
    }

    /// Whether this process, which SIGKILL has ended, was a victim. Each one is told of once. Where
    /// there is a count alone, that is likely, and no more: somebody else of our control group may
    /// have been the victim.
    pub fn take(&mut self, pid: u32) -> bool {
        match &mut self.0 {
            Some(Source::Log { log, pids }) => {
                read_records(log, pids);
                let before = pids.len();
                pids.retain(|other| *other != pid);
                pids.len() < before
            }
            Some(Source::Count { events, known }) => {
                let is_more = count(events).is_some_and(|count| count > *known);
                *known += u64::from(is_more);
                is_more
            }
            None => false,
        }
    }
}

impl Source {
    fn log() -> Option<Self> {
        let namespace = fs::read_link("/proc/self/ns/pid").ok()?;
        if namespace != Path::new(FIRST_PID_NAMESPACE) {
            return None;
        }
        let nonblocking = i32::try_from(OFlags::NONBLOCK.bits()).ok()?;
        let mut options = OpenOptions::new();
        let options = options.read(true).custom_flags(nonblocking);
        let mut log = options.open(KERNEL_LOG).ok()?;
        log.seek(SeekFrom::End(0)).ok()?;
        let pids = VecDeque::new();
        Some(Self::Log { log, pids })
    }

    fn count(group: &Path) -> Option<Self> {
        let events = File::open(group.join("memory.events")).ok()?;
        let known = count(&events)?;
        Some(Self::Count { events, known })
    }
}

/// Takes note of the victims in the records that are new. What has been overwritten before it was
/// read is skipped.
fn read_records(log: &mut File, pids: &mut VecDeque<u32>) {
    let mut record = [0; MAX_RECORD];
    for _ in 0..MAX_RECORDS {
        match log.read(&mut record) {
            Ok(length) => {
                if let Some(pid) = victim(&record[..length]) {
                    pids.truncate(MAX_PIDS - 1);
                    pids.push_front(pid);
                }
            }
            Err(error) if error.raw_os_error() == Some(Errno::PIPE.raw_os_error()) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => return,
        }
    }
}

/// The victim that a record tells of: `PRIORITY,…;TEXT`, as `Documentation/ABI/testing/dev-kmsg`
/// has it. What other programs have written there has a facility, in the bits above the level.
///
/// There are two records of each. The first one is left out of many that follow each other closely
/// and is written before the process is killed, the second one after that.
fn victim(record: &[u8]) -> Option<u32> {
    let record = std::str::from_utf8(record).ok()?;
    let (head, text) = record.split_once(';')?;
    let priority: u32 = head.split(',').next()?.parse().ok()?;
    if priority >> 3 != 0 {
        return None;
    }
    let pid = if text.starts_with("oom-kill:") {
        // Before it stands the name, which may be anything.
        text.rsplit_once(",pid=")?.1
    } else {
        text.split_once("Killed process ")?.1
    };
    let end = pid.find(|it: char| !it.is_ascii_digit());
    pid[..end.unwrap_or(pid.len())].parse().ok()
}

/// How many processes of a control group have been killed.
fn count(events: &File) -> Option<u64> {
    let mut text = [0; MAX_RECORD];
    let length = events.read_at(&mut text, 0).ok()?;
    let text = std::str::from_utf8(&text[..length]).ok()?;
    let mut counts = text.lines().filter_map(|line| line.split_once(' '));
    counts.find(|(name, _)| *name == "oom_kill")?.1.parse().ok()
}

/// The directory of the control group that we are in, of version 2.
fn own_group() -> Option<PathBuf> {
    let groups = fs::read_to_string("/proc/self/cgroup").ok()?;
    let path = groups.lines().find_map(|line| line.strip_prefix("0::/"))?;
    Some(Path::new("/sys/fs/cgroup").join(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_names_a_victim_twice() {
        let before = b"6,1181,48491191790,-;oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0,oom_memcg=/x,task_memcg=/x,task=a,pid=7,pid=298,uid=0\n";
        let after = b"3,1182,48491191827,-;Memory cgroup out of memory: Killed process 298 (a) total-vm:118968kB, anon-rss:20224kB, UID:0 pgtables:112kB oom_score_adj:0\n";
        let global = b"3,1183,48491191828,c;Out of memory: Killed process 299 (b) total-vm:8kB\n";
        assert_eq!(victim(before), Some(298));
        assert_eq!(victim(after), Some(298));
        assert_eq!(victim(global), Some(299));
    }

    #[test]
    fn what_only_looks_like_it_is_no_victim() {
        let by_a_program = b"12,1184,1,-;Out of memory: Killed process 299 (b)\n";
        let about_something_else = b"6,1185,1,-;eth0: link is up\n";
        let cut_off = b"6,1185,1,-;oom-kill:constraint=CONSTRAINT_MEMCG,pid=";
        for record in [
            &by_a_program[..],
            about_something_else,
            cut_off,
            b"",
            b"\xff",
        ] {
            assert_eq!(victim(record), None);
        }
    }

    #[test]
    fn a_count_that_grows_tells_of_one_victim_each() {
        let group = tempfile::tempdir().unwrap();
        let events = group.path().join("memory.events");
        let write = |victims: u64| {
            let text = format!("low 0\nmax 3\noom 1\noom_kill {victims}\noom_group_kill 0\n");
            fs::write(&events, text).unwrap();
        };
        write(5);
        let mut victims = Victims(Source::count(group.path()));
        assert!(!victims.take(1));
        write(7);
        assert!(victims.take(1));
        assert!(victims.take(2));
        assert!(!victims.take(3));
    }

    #[test]
    fn a_group_that_counts_nothing_tells_of_nobody() {
        let group = tempfile::tempdir().unwrap();
        fs::write(group.path().join("memory.events"), "low 0\n").unwrap();
        let mut victims = Victims(Source::count(group.path()));
        assert!(!victims.take(1));
    }
}
