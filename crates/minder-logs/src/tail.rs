//! Reading logs, for the API: a part of one, its end, or whatever is added to it.
//!
//! [`read`] and [`tail`] answer as Supervisor's methods of these names do, oddities included:
//! clients have learned to live with them. Pipes and terminals are not read; asking them what they
//! hold would take it away from whoever it is meant for.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rustix::fs::OFlags;

pub use follow::Follow;

mod follow;

/// The most that one answer holds, so that a client that asks for a whole log cannot make the
/// daemon as large as the log. Of what reaches to the end of the log, the last part is answered;
/// of a range, the first.
pub const MAX_ANSWER: u64 = 16 * 1024 * 1024;

/// Why a log cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The range makes no sense.
    #[error("cannot read a range of {length} bytes from {offset}")]
    BadArguments {
        /// Where it was to begin.
        offset: i64,
        /// How long it was to be.
        length: i64,
    },
    /// There is no such file.
    #[error("cannot find the log")]
    NoFile,
    /// The file cannot be read.
    #[error("cannot read the log")]
    Failed(#[source] io::Error),
}

/// Reads a part of a log.
///
/// From `offset` on `length` bytes, or all that follows if `length` is 0. An `offset` below zero
/// means so many bytes from the end, and allows no `length`.
pub fn read(path: &Path, offset: i64, length: i64) -> Result<Vec<u8>, ReadError> {
    let (mut file, size) = open(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => ReadError::NoFile,
        _ => ReadError::Failed(error),
    })?;
    let (start, length) =
        range(size, offset, length).ok_or(ReadError::BadArguments { offset, length })?;
    read_range(&mut file, start, length).map_err(ReadError::Failed)
}

/// What `read` means in a log of `size` bytes: where to begin, and how much to read.
fn range(size: u64, offset: i64, length: i64) -> Option<(u64, u64)> {
    let to_the_end = |start: u64| {
        let length = size.saturating_sub(start).min(MAX_ANSWER);
        (size.saturating_sub(length).max(start), length)
    };
    match (u64::try_from(offset), u64::try_from(length)) {
        (Ok(start), Ok(0)) => Some(to_the_end(start)),
        (Ok(start), Ok(length)) => Some((start, length.min(MAX_ANSWER))),
        (Err(_), Ok(0)) => Some(to_the_end(size.saturating_sub(offset.unsigned_abs()))),
        (_, Err(_)) | (Err(_), Ok(_)) => None,
    }
}

/// Reads the end of a log: the data, the size of the log, and whether it has outgrown the range
/// from `offset` to `length` bytes further on.
///
/// The data is the last `length` bytes whatever the `offset`, save that there is none if `offset`
/// lies at or beyond the end. A log that cannot be read is empty, and its size is `offset`.
#[must_use]
pub fn tail(path: &Path, offset: i64, length: i64) -> (Vec<u8>, i64, bool) {
    let unreadable = (Vec::new(), offset, false);
    match open(path) {
        Ok((mut file, size)) => {
            let (start, length, overflow) = tail_range(size, offset, length);
            match read_range(&mut file, start, length) {
                Ok(data) => (data, i64::try_from(size).unwrap_or(i64::MAX), overflow),
                Err(_) => unreadable,
            }
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => (Vec::new(), 0, false),
        Err(_) => unreadable,
    }
}

/// What `tail` means in a log of `size` bytes: where to begin, how much to read, and whether the
/// log has outgrown the range.
fn tail_range(size: u64, offset: i64, length: i64) -> (u64, u64, bool) {
    // Wide enough for any sum of the arguments.
    let (wide_size, end) = (i128::from(size), i128::from(offset) + i128::from(length));
    let overflow = wide_size > end;
    let is_beyond_end = !overflow && wide_size < end && i128::from(offset) >= wide_size;
    let length = match u64::try_from(length) {
        Ok(length) if !is_beyond_end => length.min(size).min(MAX_ANSWER),
        Ok(_) | Err(_) => 0,
    };
    (size - length, length, overflow)
}

/// Opens a log, and says how large it is. What has no beginning and end, like a pipe, is an error.
fn open(path: &Path) -> io::Result<(File, u64)> {
    let mut file = OpenOptions::new()
        .read(true)
        // A pipe must not be waited for.
        .custom_flags(OFlags::NONBLOCK.bits().cast_signed())
        .open(path)?;
    if file.metadata()?.is_dir() {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    let size = file.seek(SeekFrom::End(0))?;
    Ok((file, size))
}

fn read_range(file: &mut File, start: u64, length: u64) -> io::Result<Vec<u8>> {
    let mut data = Vec::new();
    if length > 0 {
        file.seek(SeekFrom::Start(start))?;
        file.take(length).read_to_end(&mut data)?;
    }
    Ok(data)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use proptest::prelude::*;

    use super::*;

    /// The range of Supervisor's `tailFile`, in its own steps.
    fn supervisor_tail_range(size: i128, mut offset: i128, mut length: i128) -> (i128, i128, bool) {
        let overflow = size > offset + length;
        if overflow {
            offset = size - 1;
        }
        if offset + length > size {
            if offset > size - 1 {
                length = 0;
            }
            offset = size - length;
        }
        (offset.max(0), length.max(0), overflow)
    }

    proptest! {
        #[test]
        fn a_tail_is_what_supervisor_answers(
            size in 0usize..50,
            offset in -60i64..60,
            length_asked in -10i64..60,
        ) {
            let log: Vec<_> = (0..50).take(size).collect();
            let part = |start: i128, length: i128| {
                let start = usize::try_from(start).unwrap();
                let length = usize::try_from(length).unwrap();
                log.iter().skip(start).take(length).collect::<Vec<_>>()
            };
            let (start, length, overflow) = tail_range(size as u64, offset, length_asked);
            let ours = part(start.into(), length.into());
            let (start, length, expected) =
                supervisor_tail_range(size as i128, offset.into(), length_asked.into());
            let theirs = part(start, length);
            prop_assert_eq!((ours, overflow), (theirs, expected));
        }
    }

    #[test]
    fn a_range_is_read_as_supervisor_reads_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        fs::write(&path, "0123456789").unwrap();
        for (offset, length, expected) in [
            (0, 0, "0123456789"),
            (4, 0, "456789"),
            (4, 3, "456"),
            (4, 30, "456789"),
            (10, 0, ""),
            (99, 5, ""),
            (-3, 0, "789"),
            (-30, 0, "0123456789"),
        ] {
            let data = read(&path, offset, length).unwrap();
            assert_eq!(data, expected.as_bytes(), "({offset}, {length})");
        }
        for (offset, length) in [(-3, 1), (0, -1), (i64::MIN, i64::MIN)] {
            let result = read(&path, offset, length);
            assert!(matches!(result, Err(ReadError::BadArguments { .. })));
        }
    }

    #[test]
    fn a_missing_log_is_told_from_one_that_cannot_be_read() {
        let folder = tempfile::tempdir().unwrap();
        let missing = folder.path().join("log");
        assert!(matches!(read(&missing, 0, 0), Err(ReadError::NoFile)));
        assert_eq!(tail(&missing, 7, 1), (Vec::new(), 0, false));
        assert!(matches!(
            read(folder.path(), 0, 0),
            Err(ReadError::Failed(_))
        ));
        assert_eq!(tail(folder.path(), 7, 1), (Vec::new(), 7, false));
    }

    #[test]
    fn a_pipe_is_not_read_and_dev_null_is_empty() {
        let (_reader, writer) = io::pipe().unwrap();
        let pipe = format!("/proc/self/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&writer));
        let result = read(Path::new(&pipe), 0, 0);
        assert!(matches!(result, Err(ReadError::Failed(_))));
        assert_eq!(read(Path::new("/dev/null"), 0, 0).unwrap(), b"");
        assert_eq!(tail(Path::new("/dev/null"), 0, 10), (Vec::new(), 0, false));
    }

    #[test]
    fn an_answer_has_a_bound() {
        let size = 3 * MAX_ANSWER;
        let last = (2 * MAX_ANSWER, MAX_ANSWER);
        assert_eq!(range(size, 5, 0), Some(last));
        assert_eq!(range(size, -i64::MAX, 0), Some(last));
        assert_eq!(range(size, 5, i64::MAX), Some((5, MAX_ANSWER)));
        assert_eq!(tail_range(size, 0, i64::MAX), (last.0, last.1, false));
    }
}
