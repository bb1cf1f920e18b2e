//! The register of children on disk: how a start finds out what an earlier one left running.
//!
//! It lies beside the pid file. The keeper has each child enter itself before its program runs
//! (what stands in it is `minder-wire`'s business); after an orderly end it is removed. So if it is
//! there at a start, keeper and daemon were killed at once, and whoever in it still runs has
//! nobody.
//!
//! Two things could go badly wrong: taking a stranger for a child, and taking the children of a
//! living `supervisord` for left. Against the first, an entry counts only in the same boot and
//! namespace of pids, and for a process that was there when the entry was made. Against the
//! second, the file is locked for as long as anybody has it open: keeper and daemon do.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use minder_core::ChildId;
use minder_os::foreign::{End, Foreign, World, world};
use minder_wire::{MAX_SLOTS, REGISTER, RegisterHead, Registered, SLOT, registered};
use rustix::fs::{FileType, FlockOperation, Mode, OFlags, flock, fstat, ftruncate};
use rustix::io::{Errno, pread, pwrite, retry_on_intr};

use crate::link::{Link, LinkError};
use crate::mirror::SharedFd;

/// Why no register can be kept.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RegisterError {
    /// Somebody else has it open: a `supervisord` with the same pid file runs.
    #[error("another supervisord uses it")]
    InUse,
    /// Others may have written it, and what is in it decides who is stopped.
    #[error("it is not a file of this user alone")]
    NotOurs,
    /// The pid file is a device, and no place to put anything beside.
    #[error("the pid file is no ordinary file")]
    NoPlace,
    /// The system refuses.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl From<Errno> for RegisterError {
    fn from(errno: Errno) -> Self {
        Self::Io(errno.into())
    }
}

/// The file, locked.
#[derive(Debug)]
pub(crate) struct Register(SharedFd);

/// A process that an earlier `supervisord` left running.
#[derive(Debug)]
pub(crate) struct Left {
    pub(crate) process: Foreign,
    /// What an earlier daemon called it.
    pub(crate) child: ChildId,
    /// When it was started, as [`boot_nanos`](minder_os::foreign::boot_nanos) counts.
    pub(crate) boot_nanos: u64,
    /// `group:name`, cut if it is long.
    pub(crate) label: String,
}

/// Where the register is.
pub(crate) fn path(pidfile: &Path) -> PathBuf {
    let mut path = OsString::from(pidfile);
    path.push(".children");
    path.into()
}

impl Register {
    /// Opens the register, and makes it if there is none.
    pub(crate) fn open(pidfile: &Path) -> Result<Self, RegisterError> {
        if fs::metadata(pidfile).is_ok_and(|found| !found.is_file()) {
            return Err(RegisterError::NoPlace);
        }
        let path = path(pidfile);
        for _ in 0..ATTEMPTS {
            let file = open(&path)?;
            match flock(&file, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => {}
                Err(Errno::WOULDBLOCK) => return Err(RegisterError::InUse),
                Err(error) => return Err(error.into()),
            }
            // Whoever had it may have removed it between opening and locking.
            if is_at(&file, &path) {
                return Ok(Self(Arc::new(file)));
            }
        }
        Err(RegisterError::InUse)
    }

    /// The one that the keeper holds, and that is locked by that.
    pub(crate) fn held(file: &SharedFd) -> Self {
        Self(Arc::clone(file))
    }

    /// The processes in it that run still.
    pub(crate) fn left(&self) -> io::Result<Vec<Left>> {
        let content = read(&self.0)?;
        let here = here()?;
        if RegisterHead::decode(&content) != Ok(here) {
            return Ok(Vec::new());
        }
        let found = registered(&content).filter_map(|(_, entry)| {
            let process = running(&entry)?;
            let label = String::from_utf8_lossy(&entry.label).into_owned();
            Some(Left {
                process,
                child: ChildId(entry.child),
                boot_nanos: entry.boot_nanos,
                label,
            })
        });
        Ok(found.collect())
    }

    /// Has the keeper enter children in it from now on.
    pub(crate) fn begin(&self, link: &mut Link) -> Result<(), LinkError> {
        link.hold(REGISTER.to_vec(), &self.0)
    }

    /// Empties it.
    pub(crate) fn clear(&self) -> io::Result<()> {
        let head = here()?.encode();
        ftruncate(&self.0, 0)?;
        retry_on_intr(|| pwrite(&self.0, &head, 0))?;
        Ok(())
    }
}

/// Removes the register that is `held`, unless another is in its place by now.
pub(crate) fn remove(held: &OwnedFd, pidfile: &Path) {
    let path = path(pidfile);
    if is_at(held, &path) {
        // If it stays, it tells of nobody who runs.
        let _ = fs::remove_file(path);
    }
}

/// What `held` says of these children, as far as they run still.
pub(crate) fn find(held: &OwnedFd, is_wanted: impl Fn(u64) -> bool) -> Vec<(u64, Foreign)> {
    let content = read(held).unwrap_or_default();
    let entries = registered(&content).filter(|(_, entry)| is_wanted(entry.child));
    let found = entries.filter_map(|(_, entry)| Some((entry.child, running(&entry)?)));
    found.collect()
}

/// The process of an entry, if it runs still.
fn running(entry: &Registered) -> Option<Foreign> {
    let process = Foreign::open(entry.pid).ok()?;
    let is_it = process.was_there_at(entry.boot_nanos) && process.end() == End::Running;
    is_it.then_some(process)
}

fn here() -> io::Result<RegisterHead> {
    let World {
        boot,
        pid_namespace,
    } = world()?;
    Ok(RegisterHead {
        pid_namespace,
        boot,
    })
}

/// Opens it without following a link or waiting for whatever may lie there.
fn open(path: &Path) -> Result<OwnedFd, RegisterError> {
    let flags = OFlags::RDWR
        | OFlags::CREATE
        | OFlags::NOFOLLOW
        | OFlags::NONBLOCK
        | OFlags::NOCTTY
        | OFlags::CLOEXEC;
    let file = rustix::fs::open(path, flags, Mode::RUSR | Mode::WUSR)?;
    let found = fstat(&file)?;
    let is_ours = FileType::from_raw_mode(found.st_mode) == FileType::RegularFile
        && found.st_uid == rustix::process::geteuid().as_raw()
        && found.st_mode & OTHERS_WRITE == 0
        && found.st_nlink <= 1;
    if is_ours {
        Ok(file)
    } else {
        Err(RegisterError::NotOurs)
    }
}

fn is_at(file: &OwnedFd, path: &Path) -> bool {
    let (Ok(ours), Ok(found)) = (fstat(file), fs::symlink_metadata(path)) else {
        return false;
    };
    (ours.st_dev, ours.st_ino) == (found.dev(), found.ino())
}

fn read(file: &OwnedFd) -> io::Result<Vec<u8>> {
    let length = usize::try_from(fstat(file)?.st_size).unwrap_or(0);
    let mut content = vec![0; length.min(MOST)];
    let mut done = 0;
    while let Some(rest) = content.get_mut(done..).filter(|rest| !rest.is_empty()) {
        match retry_on_intr(|| pread(file, &mut *rest, done as u64))? {
            0 => break,
            some => done += some,
        }
    }
    content.truncate(done);
    Ok(content)
}

/// All slots and the head; more is never read.
const MOST: usize = (MAX_SLOTS as usize + 1) * SLOT;

/// The permissions of everybody but the owner to write.
const OTHERS_WRITE: u32 = 0o022;

/// How often to try again when the file is exchanged while it is opened.
const ATTEMPTS: usize = 10;

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::process::{Child, Command, Stdio};

    use minder_os::foreign::boot_nanos;

    use super::*;

    /// A process that ends with the test.
    struct Sleeper(Child);

    impl Sleeper {
        fn new() -> Self {
            let mut command = Command::new("/bin/cat");
            Self(command.stdin(Stdio::piped()).spawn().unwrap())
        }
    }

    impl Drop for Sleeper {
        fn drop(&mut self) {
            // Has been waited for if that fails.
            let _ = self.0.kill();
            let _ = self.0.wait();
        }
    }

    /// A folder with a pid file's name in it.
    fn pidfile() -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let pidfile = folder.path().join("supervisord.pid");
        (folder, pidfile)
    }

    fn enter(pidfile: &Path, pid: u32, boot_nanos: u64) {
        let mut slot = boot_nanos.to_le_bytes().to_vec();
        slot.extend(pid.to_le_bytes());
        slot.extend([0; 4]);
        slot.extend(Registered::content(7, b"web:a"));
        let mut file = fs::OpenOptions::new()
            .append(true)
            .open(path(pidfile))
            .unwrap();
        file.write_all(&slot).unwrap();
    }

    /// The pids and labels of those that were left.
    fn left(pidfile: &Path) -> Vec<(u32, String)> {
        let left = Register::open(pidfile).unwrap().left().unwrap();
        let left = left.into_iter();
        left.map(|left| (left.process.pid(), left.label)).collect()
    }

    #[test]
    fn who_was_entered_and_runs_is_found() {
        let (_folder, pidfile) = pidfile();
        let sleeper = Sleeper::new();
        Register::open(&pidfile).unwrap().clear().unwrap();
        enter(&pidfile, sleeper.0.id(), boot_nanos());
        assert_eq!(left(&pidfile), [(sleeper.0.id(), "web:a".to_owned())]);
        let register = Register::open(&pidfile).unwrap();
        assert_eq!(find(&register.0, |child| child == 7).len(), 1);
        assert!(find(&register.0, |child| child == 8).is_empty());
        register.clear().unwrap();
        assert!(register.left().unwrap().is_empty());
    }

    #[test]
    fn who_has_ended_is_not() {
        let (_folder, pidfile) = pidfile();
        let mut sleeper = Sleeper::new();
        Register::open(&pidfile).unwrap().clear().unwrap();
        enter(&pidfile, sleeper.0.id(), boot_nanos());
        drop(sleeper.0.stdin.take());
        Foreign::open(sleeper.0.id())
            .unwrap()
            .wait(std::time::Duration::from_secs(30))
            .unwrap();
        assert_eq!(left(&pidfile), []);
    }

    #[test]
    fn who_has_got_the_pid_of_another_is_not() {
        let (_folder, pidfile) = pidfile();
        let before = boot_nanos() - 1_000_000_000;
        let stranger = Sleeper::new();
        Register::open(&pidfile).unwrap().clear().unwrap();
        enter(&pidfile, stranger.0.id(), before);
        assert_eq!(left(&pidfile), []);
    }

    #[test]
    fn what_was_written_in_another_world_is_not_believed() {
        let (_folder, pidfile) = pidfile();
        let sleeper = Sleeper::new();
        for other in [
            RegisterHead {
                boot: [7; 16],
                ..here().unwrap()
            },
            RegisterHead {
                pid_namespace: 7,
                ..here().unwrap()
            },
        ] {
            fs::write(path(&pidfile), other.encode()).unwrap();
            enter(&pidfile, sleeper.0.id(), boot_nanos());
            assert_eq!(left(&pidfile), []);
        }
    }

    #[test]
    fn a_register_that_is_in_use_is_left_alone() {
        let (_folder, pidfile) = pidfile();
        let register = Register::open(&pidfile).unwrap();
        let refused = Register::open(&pidfile).unwrap_err();
        assert!(matches!(refused, RegisterError::InUse));
        drop(register);
        Register::open(&pidfile).unwrap();
    }

    #[test]
    fn what_others_can_write_or_have_put_there_is_not_opened() {
        let (folder, pidfile) = pidfile();
        let path = path(&pidfile);
        let elsewhere = folder.path().join("elsewhere");
        symlink(&elsewhere, &path).unwrap();
        Register::open(&pidfile).unwrap_err();
        assert!(!elsewhere.exists());
        fs::remove_file(&path).unwrap();

        fs::write(&path, "").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o660)).unwrap();
        let refused = Register::open(&pidfile).unwrap_err();
        assert!(matches!(refused, RegisterError::NotOurs));

        let refused = Register::open(Path::new("/dev/null")).unwrap_err();
        assert!(matches!(refused, RegisterError::NoPlace));
    }

    #[test]
    fn it_is_removed_if_it_is_the_one() {
        let (_folder, pidfile) = pidfile();
        let register = Register::open(&pidfile).unwrap();
        let path = path(&pidfile);
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        remove(&register.0, &pidfile);
        assert!(!path.exists());
        fs::write(&path, "another").unwrap();
        remove(&register.0, &pidfile);
        assert!(path.exists());
    }
}
