//! What a program has written, read while it comes to be in its log.
//!
//! The actor's `flood` and `drip` write numbered lines, and an end that names their number. A log that
//! is rotated is followed through its backups, none of which may be removed before it has been seen, so
//! that a program may write for ever on a disk that is not large.

use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use crate::sandbox::Sandbox;
use crate::wait::wait_until;

/// The digits of a line's number.
const DIGITS: usize = 15;

/// More backups than any test lets a log have.
const MOST_BACKUPS: usize = 3000;

/// How much is read at once.
const CHUNK: usize = 256 << 10;

/// The lines of one program so far: in order, none missing, none twice, or it would have panicked.
#[derive(Debug)]
pub struct Written {
    log: PathBuf,
    backups: usize,
    /// The oldest first, each kept open until it is gone: a number of a file that is open is not given
    /// to another.
    files: VecDeque<Known>,
    /// The beginning of a line that has not come whole.
    rest: Vec<u8>,
    /// The number of the next line, written as in the log.
    next: Option<[u8; DIGITS]>,
    ended: bool,
    /// The number of the first line that was seen.
    pub first: u64,
    /// How many lines were seen.
    pub lines: u64,
    /// How many files were read.
    pub turns: u64,
}

#[derive(Debug)]
struct Known {
    number: u64,
    file: File,
    read: bool,
    /// Whether it still has a name.
    there: bool,
}

impl Written {
    /// Begins to follow a log of the sandbox that has so many backups, at the oldest line that is
    /// there.
    ///
    /// # Panics
    ///
    /// If there are more backups than can be.
    #[must_use]
    pub fn follow(sandbox: &Sandbox, log: &str, backups: usize) -> Self {
        assert!(backups <= MOST_BACKUPS, "{backups} backups");
        Self {
            log: sandbox.path(log),
            backups,
            files: VecDeque::new(),
            rest: Vec::new(),
            next: None,
            ended: false,
            first: 0,
            lines: 0,
            turns: 0,
        }
    }

    /// Everything in a log of the sandbox, whose writer has ended or is about to, and in its backups.
    ///
    /// # Panics
    ///
    /// If it is not what was written.
    #[must_use]
    pub fn to(sandbox: &Sandbox, log: &str) -> Self {
        let mut written = Self::follow(sandbox, log, MOST_BACKUPS);
        written.read_to_the_end();
        written
    }

    /// Reads until the end, which is or will be there.
    ///
    /// # Panics
    ///
    /// If what comes is not what was written.
    pub fn read_to_the_end(&mut self) {
        wait_until("the log holds the end", || {
            self.read_on();
            self.ended
        });
    }

    /// Reads what is there and has not been read.
    ///
    /// # Panics
    ///
    /// If it is not what was written.
    pub fn read_on(&mut self) {
        self.look();
        let mut buffer = vec![0; CHUNK];
        for index in 0..self.files.len() {
            if self.files[index].read {
                continue;
            }
            loop {
                let length = self.files[index].file.read(&mut buffer).expect("a log");
                if length == 0 {
                    break;
                }
                self.take(&buffer[..length]);
            }
            // Nothing is written to it any more once there is a newer one.
            if index + 1 < self.files.len() {
                self.files[index].read = true;
                self.turns += 1;
            }
        }
    }

    /// Finds files that are new, and drops those that have been read and are gone.
    fn look(&mut self) {
        let log = || fs::metadata(&self.log).ok().map(|log| log.ino());
        let found = loop {
            let before = log();
            let found = self.names();
            // What a rotation exchanged meanwhile may have been met under the other's name.
            if log() == before {
                break found;
            }
        };
        for known in &mut self.files {
            known.there = found.iter().any(|(number, _)| *number == known.number);
        }
        for (number, file) in found.into_iter().rev() {
            if !self.files.iter().any(|known| known.number == number) {
                self.files.push_back(Known {
                    number,
                    file,
                    read: false,
                    there: true,
                });
            }
        }
        self.files.retain(|known| known.there || !known.read);
    }

    /// The files that are there, the newest first.
    fn names(&self) -> Vec<(u64, File)> {
        let mut found: Vec<(u64, File)> = Vec::new();
        // Upwards, as files move: so none can slip past.
        for backup in 0..=self.backups + 1 {
            let mut path = self.log.clone().into_os_string();
            if backup > 0 {
                path.push(format!(".{backup}"));
            }
            let Ok(file) = File::open(path) else {
                // In the middle of a rotation there is a gap of one.
                if backup > found.len() + 1 {
                    break;
                }
                continue;
            };
            let metadata = file.metadata().expect("an open file");
            let number = metadata.ino();
            // An empty backup waits to become the log.
            let waits = backup > 0 && metadata.len() == 0;
            if !waits && !found.iter().any(|(known, _)| *known == number) {
                found.push((number, file));
            }
        }
        found
    }

    fn take(&mut self, bytes: &[u8]) {
        let mut text = std::mem::take(&mut self.rest);
        text.extend_from_slice(bytes);
        for line in text.split_inclusive(|byte| *byte == b'\n') {
            match line.split_last() {
                Some((b'\n', line)) => self.take_line(line),
                _ => self.rest = line.to_vec(),
            }
        }
    }

    fn take_line(&mut self, line: &[u8]) {
        let shown = || String::from_utf8_lossy(line).into_owned();
        assert!(!self.ended, "{:?} stands behind the end", shown());
        if let Some(count) = line.strip_prefix(b"end ") {
            let count: u64 = number(count).expect("the end names a number");
            assert_eq!(
                count,
                self.first + self.lines,
                "lines are missing at the end"
            );
            self.ended = true;
            return;
        }
        if let Some(next) = &mut self.next {
            assert!(
                line == next,
                "{:?} instead of line {}",
                shown(),
                self.first + self.lines
            );
            count_up(next);
        } else {
            self.first = number(line).expect("a line is a number");
            let mut next = line.try_into().expect("a number has as many digits");
            count_up(&mut next);
            self.next = Some(next);
        }
        self.lines += 1;
    }
}

fn number(digits: &[u8]) -> Option<u64> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// In place: there are millions of lines, and tests are not optimised.
fn count_up(number: &mut [u8; DIGITS]) {
    for digit in number.iter_mut().rev() {
        if *digit < b'9' {
            *digit += 1;
            return;
        }
        *digit = b'0';
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::subject::Subject;

    fn lines(from: u64, to: u64) -> String {
        (from..to).fold(String::new(), |text, number| {
            text + &format!("{number:015}\n")
        })
    }

    fn of(files: &[(&str, String)]) -> Written {
        let sandbox = Sandbox::new(Subject::Minder);
        for (name, text) in files {
            sandbox.write(name, text);
        }
        let mut written = Written::follow(&sandbox, "log", 9);
        written.read_on();
        written
    }

    #[test]
    fn lines_are_followed_through_rotations() {
        let sandbox = Sandbox::new(Subject::Minder);
        let mut written = Written::follow(&sandbox, "log", 2);
        for turn in 0..5 {
            let from = turn * 10;
            sandbox.write("log", lines(from, from + 7));
            written.read_on();
            sandbox.write("log", lines(from, from + 10));
            for (old, new) in [("log.1", "log.2"), ("log", "log.1")] {
                let _ = fs::rename(sandbox.path(old), sandbox.path(new));
            }
            written.read_on();
        }
        sandbox.write("log", "end 50\n");
        written.read_to_the_end();
        assert_eq!((written.first, written.lines, written.turns), (0, 50, 5));
    }

    #[test]
    fn the_oldest_file_is_read_first() {
        let written = of(&[
            ("log", lines(8, 9)),
            ("log.1", lines(5, 8)),
            ("log.2", lines(3, 5)),
        ]);
        assert_eq!((written.first, written.lines), (3, 6));
    }

    #[test]
    fn a_file_that_is_to_become_the_log_is_not_read_before() {
        let sandbox = Sandbox::new(Subject::Minder);
        let mut written = Written::follow(&sandbox, "log", 2);
        sandbox.write("log", lines(0, 2));
        sandbox.write("log.1", "");
        written.read_on();
        fs::rename(sandbox.path("log"), sandbox.path("log.2")).unwrap();
        fs::rename(sandbox.path("log.1"), sandbox.path("log")).unwrap();
        fs::rename(sandbox.path("log.2"), sandbox.path("log.1")).unwrap();
        sandbox.write("log", lines(2, 3) + "end 3\n");
        written.read_to_the_end();
        assert_eq!(written.lines, 3);
    }

    #[test]
    #[should_panic(expected = "instead of line 2")]
    fn a_missing_line_is_noticed() {
        of(&[("log", lines(0, 2) + &lines(3, 4))]);
    }

    #[test]
    #[should_panic(expected = "instead of line 2")]
    fn a_repeated_line_is_noticed() {
        of(&[("log.1", lines(0, 2)), ("log", lines(1, 2))]);
    }

    #[test]
    #[should_panic(expected = "missing at the end")]
    fn an_end_that_comes_too_early_is_noticed() {
        of(&[("log", lines(0, 2) + "end 3\n")]);
    }
}
