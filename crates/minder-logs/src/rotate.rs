//! The names of rotated files: `log`, `log.1`, `log.2` and so on, the higher the older.
//!
//! Each step is one rename, and a rotation that was cut off after any of them is finished by
//! simply rotating again: what was already moved has left a gap, and only the files below the
//! first gap are moved up. So no backup is ever lost but the oldest. Files beyond the last backup are
//! left alone.
//!
//! The last step [exchanges](exchange) the log for the empty file that follows it, so that whoever
//! reads it finds a file of that name at every moment. An empty backup is what is left if that
//! step did not come; it counts as a gap.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;

/// The name of the `number`th rotated file.
pub(crate) fn backup(path: &Path, number: u32) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(format!(".{number}"));
    PathBuf::from(name)
}

/// Makes room for another backup of `path` by moving those in its way one up each, so that there
/// will be `backups` of them, and says what the new one is to be called.
///
/// An outside cleaner may take any of the files away meanwhile.
pub(crate) fn make_room(path: &Path, backups: u32) -> io::Result<PathBuf> {
    let last = (1..backups)
        .find(|&number| !is_taken(&backup(path, number)))
        .unwrap_or(backups);
    for number in (1..last).rev() {
        rename(&backup(path, number), &backup(path, number + 1))?;
    }
    let newest = backup(path, 1);
    if last == 1 && fs::symlink_metadata(&newest).is_ok() {
        fs::remove_file(&newest)?;
    }
    Ok(newest)
}

/// Makes the log at `path` the newest backup, and the file that waits in its place the log. False if
/// that file need not be the log now: whatever is there has to be opened by its name.
pub(crate) fn exchange(path: &Path, newest: &Path) -> io::Result<bool> {
    match renameat_with(CWD, newest, CWD, path, RenameFlags::EXCHANGE) {
        Ok(()) => Ok(true),
        // Somebody has taken the log away, or the file.
        Err(Errno::NOENT) => rename(newest, path).map(|()| false),
        // Some file systems, those of the network above all, cannot exchange: the file gives way.
        Err(Errno::INVAL | Errno::NOSYS) => rename(path, newest).map(|()| false),
        Err(why) => Err(why.into()),
    }
}

fn is_taken(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|found| !found.is_file() || found.len() > 0)
}

fn rename(from: &Path, to: &Path) -> io::Result<()> {
    match fs::rename(from, to) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    fn folder_with(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            fs::write(folder.path().join(name), text).unwrap();
        }
        folder
    }

    fn contents(folder: &tempfile::TempDir) -> Vec<(String, String)> {
        let mut found: Vec<_> = fs::read_dir(folder.path())
            .unwrap()
            .map(|entry| {
                let entry = entry.unwrap();
                let name = entry.file_name().into_string().unwrap();
                (name, fs::read_to_string(entry.path()).unwrap())
            })
            .collect();
        found.sort();
        found
    }

    fn expect(folder: &tempfile::TempDir, files: &[(&str, &str)]) {
        let files: Vec<_> = files
            .iter()
            .map(|&(name, text)| (name.to_owned(), text.to_owned()))
            .collect();
        assert_eq!(contents(folder), files);
    }

    /// What a rotation does, but for the opening of the new file.
    fn rotate(folder: &tempfile::TempDir, backups: u32) {
        let path = folder.path().join("f");
        let newest = make_room(&path, backups).unwrap();
        fs::File::create_new(&newest).unwrap();
        exchange(&path, &newest).unwrap();
    }

    #[test]
    fn the_oldest_backup_gives_way_and_files_beyond_it_are_left_alone() {
        let folder = folder_with(&[("f", "0"), ("f.1", "1"), ("f.2", "2"), ("f.3", "old")]);
        rotate(&folder, 2);
        let rotated = [("f", ""), ("f.1", "0"), ("f.2", "1"), ("f.3", "old")];
        expect(&folder, &rotated);
        rotate(&folder, 1);
        let rotated = [("f", ""), ("f.1", ""), ("f.2", "1"), ("f.3", "old")];
        expect(&folder, &rotated);
    }

    #[test]
    fn only_the_files_below_the_first_gap_move() {
        let folder = folder_with(&[("f", "0"), ("f.1", "1"), ("f.3", "3"), ("f.4", "4")]);
        rotate(&folder, 4);
        let rotated = [
            ("f", ""),
            ("f.1", "0"),
            ("f.2", "1"),
            ("f.3", "3"),
            ("f.4", "4"),
        ];
        expect(&folder, &rotated);
    }

    #[test]
    fn a_log_that_somebody_took_away_is_no_error() {
        let folder = folder_with(&[("f.1", "1")]);
        rotate(&folder, 3);
        expect(&folder, &[("f", ""), ("f.2", "1")]);
    }

    #[test]
    fn a_rotation_that_was_cut_off_before_the_exchange_costs_no_backup() {
        let folder = folder_with(&[("f", "0"), ("f.1", "1"), ("f.2", "2")]);
        let newest = make_room(&folder.path().join("f"), 3).unwrap();
        fs::File::create_new(&newest).unwrap();
        rotate(&folder, 3);
        let rotated = [("f", ""), ("f.1", "0"), ("f.2", "1"), ("f.3", "2")];
        expect(&folder, &rotated);
    }

    #[test]
    fn there_is_a_log_at_every_moment() {
        let folder = folder_with(&[("f", "0")]);
        let path = folder.path().join("f");
        let is_done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let reader = scope.spawn(|| {
                while !is_done.load(Ordering::Relaxed) {
                    assert!(path.exists());
                }
            });
            for _ in 0..2000 {
                rotate(&folder, 2);
            }
            is_done.store(true, Ordering::Relaxed);
            reader.join().unwrap();
        });
    }
}
