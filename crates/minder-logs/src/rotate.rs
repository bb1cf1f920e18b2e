//! The names of rotated files: `log`, `log.1`, `log.2` and so on, the higher the older.
//!
//! Each step is one rename, and a rotation that was cut off after any of them is finished by
//! simply rotating again: what was already moved has left a gap, and only the files below the
//! first gap are moved up. So no backup is ever overwritten but the oldest, and that one only
//! when its successor takes its place. Files beyond the last backup are left alone.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The name of the `number`th rotated file.
pub(crate) fn backup(path: &Path, number: u32) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(format!(".{number}"));
    PathBuf::from(name)
}

/// Moves `path` to `path.1`, and what is in its way one up each, keeping `backups` of them.
///
/// An outside cleaner may take any of the files away meanwhile.
pub(crate) fn shift(path: &Path, backups: u32) -> io::Result<()> {
    let last = (1..backups)
        .find(|&number| !is_taken(&backup(path, number)))
        .unwrap_or(backups);
    for number in (1..last).rev() {
        rename(&backup(path, number), &backup(path, number + 1))?;
    }
    rename(path, &backup(path, 1))
}

fn is_taken(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok()
}

fn rename(from: &Path, to: &Path) -> io::Result<()> {
    match fs::rename(from, to) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
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

    #[test]
    fn the_oldest_backup_gives_way_and_files_beyond_it_are_left_alone() {
        let folder = folder_with(&[("f", "0"), ("f.1", "1"), ("f.2", "2"), ("f.3", "old")]);
        shift(&folder.path().join("f"), 2).unwrap();
        expect(&folder, &[("f.1", "0"), ("f.2", "1"), ("f.3", "old")]);
    }

    #[test]
    fn only_the_files_below_the_first_gap_move() {
        let folder = folder_with(&[("f", "0"), ("f.1", "1"), ("f.3", "3"), ("f.4", "4")]);
        shift(&folder.path().join("f"), 4).unwrap();
        let rotated = [("f.1", "0"), ("f.2", "1"), ("f.3", "3"), ("f.4", "4")];
        expect(&folder, &rotated);
    }

    #[test]
    fn a_file_that_somebody_took_away_is_no_error() {
        let folder = folder_with(&[("f.1", "1")]);
        shift(&folder.path().join("f"), 3).unwrap();
        expect(&folder, &[("f.2", "1")]);
    }
}
