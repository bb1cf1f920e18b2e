//! The log files whose names the daemon makes up (`AUTO`).
//!
//! Their names are Supervisor's: `<process>-<stdout or stderr>---<identifier>-<8 characters>.log`.
//! They are left behind at the end, for people to read, and deleted by the next start.

use std::ffi::OsStr;
use std::fs::{self, OpenOptions};
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use crate::plane::Channel;

/// What the made-up part of a name consists of.
const CHARACTERS: &[u8; 37] = b"abcdefghijklmnopqrstuvwxyz0123456789_";

/// How long the made-up part is.
const LENGTH: usize = 8;

/// How many names are tried, as Python does. That many in use would be no accident.
const MAX_TRIES: usize = 100;

/// Makes a log file for one stream of `process`, which only its owner can read.
pub fn create(
    childlogdir: &Path,
    process: &str,
    channel: Channel,
    identifier: &str,
) -> io::Result<PathBuf> {
    for _ in 0..MAX_TRIES {
        let random = random_characters();
        let path = childlogdir.join(format!("{process}-{channel}---{identifier}-{random}.log"));
        match OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)
        {
            Ok(_) => return Ok(path),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(error),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

/// Deletes the files, and their backups, that earlier daemons of this identifier have made, except
/// those in `keep` and their backups. Answers which could not be deleted.
///
/// Only what bears exactly such a name is deleted. (Supervisor's pattern takes in files of other
/// identifiers that begin alike.)
pub fn sweep(childlogdir: &Path, identifier: &str, keep: &[PathBuf]) -> io::Result<Vec<PathBuf>> {
    let mut failed = Vec::new();
    for entry in fs::read_dir(childlogdir)? {
        let name = entry?.file_name();
        let Some(log) = log_of(&name, identifier) else {
            continue;
        };
        let path = childlogdir.join(&name);
        if !keep.contains(&childlogdir.join(log)) && fs::remove_file(&path).is_err() {
            failed.push(path);
        }
    }
    Ok(failed)
}

/// The log that a file called `name` is, or is a backup of, if it is one of this identifier.
fn log_of<'a>(name: &'a OsStr, identifier: &str) -> Option<&'a OsStr> {
    const SUFFIX: &[u8] = b".log";

    let bytes = name.as_bytes();
    let end = match bytes.iter().rposition(|byte| !byte.is_ascii_digit())? {
        dot if bytes[dot] == b'.' && dot + 1 < bytes.len() => dot,
        _ => bytes.len(),
    };
    let log = &bytes[..end];
    let (start, random) = log
        .strip_suffix(SUFFIX)
        .and_then(|stem| stem.split_last_chunk::<LENGTH>())?;
    let owner = start
        .strip_suffix(format!("---{identifier}-").as_bytes())
        .and_then(|owner| {
            owner
                .strip_suffix(b"-stdout")
                .or_else(|| owner.strip_suffix(b"-stderr"))
        })?;
    let is_ours = !owner.is_empty() && random.iter().all(|byte| CHARACTERS.contains(byte));
    is_ours.then(|| OsStr::from_bytes(log))
}

fn random_characters() -> String {
    // Seeded by the system; nobody's safety hangs on it, for an existing file is never opened.
    let mut random = RandomState::new().hash_one(0);
    let count = CHARACTERS.len() as u64;
    let mut next = || {
        let character = CHARACTERS[usize::try_from(random % count).unwrap_or(0)];
        random /= count;
        char::from(character)
    };
    (0..LENGTH).map(|_| next()).collect()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_file_that_was_made_is_private_and_recognised() {
        let folder = tempfile::tempdir().unwrap();
        let path = create(folder.path(), "web", Channel::Stderr, "supervisor").unwrap();
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let name = path.file_name().unwrap();
        assert!(name.as_bytes().starts_with(b"web-stderr---supervisor-"));
        assert_eq!(log_of(name, "supervisor"), Some(name));
    }

    #[test]
    fn only_files_of_the_identifier_are_swept() {
        let folder = tempfile::tempdir().unwrap();
        let kept = "web-stdout---a.b-kept0000.log";
        let stays = [
            kept,
            "web-stdout---a.b-kept0000.log.1",
            "web-stdout---axb-abcdefgh.log",
            "web-stdout---x-a.b-abcdefgh.log.gz",
            "web-stdout---a.b-ABCDEFGH.log",
            "web-stdout---a.b-c-abcdefgh.log",
            "web---a.b-abcdefgh.log",
            "web.log",
        ];
        let goes = [
            "web-stdout---a.b-abcdefgh.log",
            "web-stdout---a.b-abcdefgh.log.12",
            "web-stderr---a.b-____0000.log",
        ];
        for name in stays.iter().chain(&goes) {
            fs::write(folder.path().join(name), "").unwrap();
        }
        let failed = sweep(folder.path(), "a.b", &[folder.path().join(kept)]).unwrap();
        assert_eq!(failed, Vec::<PathBuf>::new());
        let mut left: Vec<_> = fs::read_dir(folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        left.sort_unstable();
        let mut expected = stays;
        expected.sort_unstable();
        assert_eq!(left, expected);
    }
}
