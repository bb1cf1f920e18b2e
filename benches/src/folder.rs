//! Folders that stay until everything is measured.
//!
//! ext4 passes over every inode that was freed within the last minutes before it gives one out, one by
//! one: whoever makes files after thousands were removed pays for those who had them. So the folders of
//! those that were measured stay, emptied of what is large. They lie in one that the
//! [guard](crate::guard) makes and removes.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

/// From how many bytes on a file is emptied.
const LARGE: u64 = 1 << 20;

/// The folder of one who is measured.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn make() -> io::Result<Self> {
        Ok(Self(tempfile::tempdir()?.keep()))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What cannot be emptied takes room until the end.
        let _ = empty(&self.0);
    }
}

fn empty(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let found = entry.metadata()?;
        if found.is_dir() {
            empty(&entry.path())?;
        } else if found.is_file() && found.len() >= LARGE {
            File::options().write(true).open(entry.path())?.set_len(0)?;
        }
    }
    Ok(())
}
