//! The lines of former sessions: a plain file with a line for each, as readline keeps it.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

/// How many lines are kept: years of typing.
pub(crate) const MAX_LINES: usize = 10_000;

/// How much of a file is read, from its end, in bytes: more than that many lines take.
const MAX_BYTES: u64 = 1 << 20;

/// The lines in the file, oldest first. No file is no lines.
pub(crate) fn load(path: &Path) -> io::Result<Vec<String>> {
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let start = file.metadata()?.len().saturating_sub(MAX_BYTES);
    file.seek(SeekFrom::Start(start))?;
    let mut bytes = Vec::new();
    file.take(MAX_BYTES).read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().filter(|line| !line.is_empty()).collect();
    Ok(newest(&lines).iter().map(ToString::to_string).collect())
}

/// Writes the newest lines, for their owner's eyes only.
pub(crate) fn save(path: &Path, lines: &[String]) -> io::Result<()> {
    let mut text = newest(lines).join("\n");
    if !text.is_empty() {
        text.push('\n');
    }
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(text.as_bytes())
}

fn newest<T>(lines: &[T]) -> &[T] {
    &lines[lines.len().saturating_sub(MAX_LINES)..]
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn what_is_saved_is_loaded() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("history");
        let lines = ["status".to_owned(), "stop \u{e9}".to_owned()];
        save(&path, &lines).unwrap();
        assert_eq!(load(&path).unwrap(), lines);
        assert_eq!(
            std::fs::read(&path).unwrap(),
            "status\nstop \u{e9}\n".as_bytes()
        );
    }

    #[test]
    fn only_the_owner_may_read_it_even_if_it_is_empty() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("history");
        save(&path, &[]).unwrap();
        let metadata = std::fs::metadata(&path).unwrap();
        assert_eq!(metadata.permissions().mode() & 0o777, 0o600);
        assert_eq!(metadata.len(), 0);
    }

    #[test]
    fn a_missing_file_has_no_lines() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(load(&dir.path().join("none")).unwrap(), [""; 0]);
    }

    #[test]
    fn the_oldest_lines_give_way() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("history");
        let lines: Vec<String> = (0..=MAX_LINES).map(|n| n.to_string()).collect();
        save(&path, &lines).unwrap();
        let loaded = load(&path).unwrap();
        assert_eq!(loaded.len(), MAX_LINES);
        assert_eq!(loaded[0], "1");
    }
}
