//! Control groups with little memory, where the machine permits that.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use crate::namespaces::left_out;

/// A control group whose processes have little memory between them; what asks for more is killed.
/// It ends when this is dropped, if nothing runs in it any more.
#[derive(Debug)]
pub struct LittleMemory(PathBuf);

/// The files of each version of control groups that limit memory, and swap, which would only put
/// off the end. The second one is not there in every kernel.
const VERSIONS: [(&str, &str, [&str; 2]); 2] = [
    (
        "/sys/fs/cgroup/memory",
        "memory.limit_in_bytes",
        ["memory.swappiness", "0"],
    ),
    ("/sys/fs/cgroup", "memory.max", ["memory.swap.max", "0"]),
];

impl LittleMemory {
    /// A group of so many bytes. `None`, once that was told, if it cannot be made here.
    #[must_use]
    pub fn new(bytes: u64) -> Option<Self> {
        let mut errors = Vec::new();
        for version in VERSIONS {
            match Self::of(version, bytes) {
                Ok(group) => return Some(group),
                Err(error) => errors.push(error.to_string()),
            }
        }
        left_out(&format!(
            "no control group can be made: {}",
            errors.join(", ")
        ));
        None
    }

    fn of((root, limit, [swap, no_swap]): (&str, &str, [&str; 2]), bytes: u64) -> io::Result<Self> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("minder-test-{}-{number}", std::process::id());
        let path = Path::new(root).join(name);
        fs::create_dir(&path)?;
        let group = Self(path);
        fs::write(group.0.join(limit), bytes.to_string())?;
        if group.0.join(swap).exists() {
            fs::write(group.0.join(swap), no_swap)?;
        }
        Ok(group)
    }

    /// The file that a process writes 0 to, to be in the group with all that it starts.
    #[must_use]
    pub fn entrance(&self) -> PathBuf {
        self.0.join("cgroup.procs")
    }
}

impl Drop for LittleMemory {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir(&self.0) {
            left_out(&format!("{} is left behind: {error}", self.0.display()));
        }
    }
}
