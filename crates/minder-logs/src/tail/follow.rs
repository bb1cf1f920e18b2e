//! What is added to a log, as a reader of `/logtail` sees it.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::open;

/// How much of the log a reader is shown at first.
const HEAD: u64 = 1024;

/// How much is read at once.
const STEP: u64 = 64 * 1024;

/// What a reader is told when the log has become shorter.
const TRUNCATED: &[u8] = b"==> File truncated <==\n";

/// Follows a log across rotations.
///
/// It does not wait: whoever owns it decides when to look again.
#[derive(Debug)]
pub struct Follow {
    path: PathBuf,
    file: File,
    /// How far the reader has got.
    at: u64,
}

impl Follow {
    /// Begins with the last 1024 bytes of a log.
    pub fn open(path: &Path) -> io::Result<Self> {
        let (file, size) = open(path)?;
        Ok(Self {
            path: path.to_owned(),
            file,
            at: size.saturating_sub(HEAD),
        })
    }

    /// Reads what has been added, or nothing. At most 64 KiB, so that there may be more.
    ///
    /// A log that was rotated is read to its end before the new one is begun; one that was
    /// removed is kept, until there is a new one. Of one that has become shorter, the reader is
    /// told, and then begins at its start.
    pub fn read_more(&mut self) -> io::Result<Vec<u8>> {
        // Asked before reading: what is written later is in the new file.
        let is_replaced = self.is_replaced()?;
        let more = self.read_step()?;
        if !more.is_empty() || !is_replaced {
            return Ok(more);
        }
        // It may be gone again, or be no file: then there may be another next time.
        let Ok((file, _)) = open(&self.path) else {
            return Ok(more);
        };
        self.file = file;
        self.at = 0;
        self.read_step()
    }

    fn is_replaced(&self) -> io::Result<bool> {
        let ours = self.file.metadata()?;
        let is_other = |found: fs::Metadata| (found.dev(), found.ino()) != (ours.dev(), ours.ino());
        Ok(fs::metadata(&self.path).is_ok_and(is_other))
    }

    fn read_step(&mut self) -> io::Result<Vec<u8>> {
        if self.file.metadata()?.len() < self.at {
            self.at = 0;
            return Ok(TRUNCATED.to_vec());
        }
        let mut more = Vec::new();
        self.file.seek(SeekFrom::Start(self.at))?;
        let read = (&self.file).take(STEP).read_to_end(&mut more)?;
        self.at += read as u64;
        Ok(more)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn a_reader_sees_the_end_first_and_then_what_is_added() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let text: Vec<_> = (0..=u8::MAX).cycle().take(3000).collect();
        fs::write(&path, &text).unwrap();
        let mut follow = Follow::open(&path).unwrap();
        assert_eq!(follow.read_more().unwrap(), text[3000 - 1024..]);
        assert_eq!(follow.read_more().unwrap(), b"");
        let mut log = File::options().append(true).open(&path).unwrap();
        log.write_all(b"more").unwrap();
        assert_eq!(follow.read_more().unwrap(), b"more");
    }

    #[test]
    fn a_rotated_log_is_read_to_its_end_before_the_new_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        fs::write(&path, "old").unwrap();
        let mut follow = Follow::open(&path).unwrap();
        fs::rename(&path, folder.path().join("log.1")).unwrap();
        assert_eq!(follow.read_more().unwrap(), b"old");
        assert_eq!(follow.read_more().unwrap(), b"");
        fs::write(&path, "new").unwrap();
        assert_eq!(follow.read_more().unwrap(), b"new");
    }

    #[test]
    fn a_truncated_log_is_begun_anew_and_the_reader_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        fs::write(&path, "long").unwrap();
        let mut follow = Follow::open(&path).unwrap();
        assert_eq!(follow.read_more().unwrap(), b"long");
        fs::write(&path, "x").unwrap();
        assert_eq!(follow.read_more().unwrap(), TRUNCATED);
        assert_eq!(follow.read_more().unwrap(), b"x");
    }
}
