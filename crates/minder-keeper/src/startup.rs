//! Telling whoever started us how the start went.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsFd, OwnedFd};

use minder_os::clock::{Shown, clocks, shown};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{FileType, Mode, OFlags, fstat};
use rustix::io::retry_on_intr;
use rustix::pipe::PIPE_BUF;

use crate::Outcome;

/// Who waits to be told how a start goes.
#[derive(Debug)]
pub(crate) enum Startup {
    /// This is the first, and somebody may wait at the other end of this.
    First(Option<OwnedFd>),
    /// Everything begins anew after a restart: nobody waits, but failures are still shown.
    Again,
    /// Nobody: it is complete.
    Complete,
}

impl Startup {
    /// Start-up is complete.
    pub(crate) fn complete(&mut self) {
        if let Self::First(Some(report)) = std::mem::replace(self, Self::Complete) {
            silence();
            write(&report, &[0]);
        }
    }

    /// All is over, with this code. Says so if start-up was not complete.
    pub(crate) fn over(&mut self, code: u8, text: &[u8]) {
        match std::mem::replace(self, Self::Complete) {
            Self::First(Some(report)) => {
                write(&report, &[code]);
                write(&report, text);
            }
            Self::First(None) | Self::Again => write(rustix::stdio::stderr(), text),
            Self::Complete => {}
        }
    }

    /// Everything begins anew.
    pub(crate) fn again(&mut self) {
        match self {
            Self::First(_) | Self::Again => {}
            Self::Complete => *self = Self::Again,
        }
    }

    /// Whether no start was ever complete.
    pub(crate) fn is_first(&self) -> bool {
        matches!(self, Self::First(_))
    }
}

/// Lets go of the standard error of whoever started something that now runs in the background. If
/// that cannot be done, it is kept.
pub fn silence() {
    let flags = OFlags::WRONLY | OFlags::CLOEXEC;
    if let Ok(nothing) = rustix::fs::open(c"/dev/null", flags, Mode::empty()) {
        let _ = rustix::stdio::dup2_stderr(nothing);
    }
}

/// What a keeper tells whoever waits for it: a byte 0 once its daemon is ready, else the exit code
/// and a text; the end in any case.
pub(crate) fn outcome(report: OwnedFd) -> io::Result<Outcome> {
    let mut told = Vec::new();
    let limit = 1 + minder_wire::MAX_TEXT as u64;
    File::from(report).take(limit).read_to_end(&mut told)?;
    Ok(match told.split_first() {
        Some((0, _)) => Outcome::Ready,
        Some((code, text)) => Outcome::Failed {
            code: *code,
            text: String::from_utf8_lossy(text).into_owned(),
        },
        None => Outcome::Failed {
            code: EX_SOFTWARE,
            text: "the keeper has ended before anything was started\n".to_owned(),
        },
    })
}

/// Tells the operator something that there is no daemon to log, unless nobody reads.
pub(crate) fn complain(text: &str) {
    complain_to(rustix::stdio::stderr(), text.as_bytes());
}

/// Writes the beginning of `text`, unless nobody reads: the keeper must not wait for a full pipe.
fn complain_to(to: impl AsFd, text: &[u8]) {
    let mut waited_for = [PollFd::new(&to, PollFlags::OUT)];
    let ready = poll(&mut waited_for, Some(&Timespec::default()));
    if ready.is_ok_and(|ready| ready == 1) {
        // A pipe that is ready takes that much.
        write(&to, text.get(..PIPE_BUF).unwrap_or(text));
    }
}

/// Writes a line into the daemon's log, in its form and of the level that is never left out: what an
/// operator has to know while there is no daemon to tell it.
///
/// Nothing is made or waited for: if the file is gone, or is none, there is nobody to tell.
pub(crate) fn write_to_log(path: &[u8], text: &str) {
    let flags = OFlags::WRONLY | OFlags::APPEND | OFlags::NONBLOCK | OFlags::NOCTTY;
    let Ok(log) = rustix::fs::open(path, flags | OFlags::CLOEXEC, Mode::empty()) else {
        return;
    };
    let is_file = fstat(&log)
        .is_ok_and(|found| FileType::from_raw_mode(found.st_mode) == FileType::RegularFile);
    if let (true, Some(at)) = (is_file, shown(clocks().wall_nanos)) {
        write(&log, log_line(at, text).as_bytes());
    }
}

fn log_line(at: Shown, text: &str) -> String {
    let Shown {
        year,
        month,
        day,
        hour,
        minute,
        second,
        milli,
    } = at;
    format!(
        "{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02},{milli:03} CRIT {text}\n"
    )
}

/// Writes all of it, unless nobody reads: then there is nobody else to tell.
fn write(to: impl AsFd, bytes: &[u8]) {
    let mut rest = bytes;
    while !rest.is_empty() {
        match retry_on_intr(|| rustix::io::write(&to, rest)) {
            Ok(some) if some > 0 => rest = rest.get(some..).unwrap_or_default(),
            Ok(_) | Err(_) => return,
        }
    }
}

/// The exit code for a failure of our own: another daemon, or another start, may do better.
pub const EX_SOFTWARE: u8 = 70;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_complaint_waits_for_nobody_however_long_it_is() {
        let (reader, writer) = rustix::pipe::pipe().unwrap();
        let room = rustix::pipe::fcntl_getpipe_size(&writer).unwrap();
        write(&writer, &vec![b'x'; room - PIPE_BUF]);
        complain_to(&writer, &vec![b'y'; 2 * PIPE_BUF]);
        drop(writer);
        let mut told = Vec::new();
        File::from(reader).read_to_end(&mut told).unwrap();
        assert_eq!(told[room - PIPE_BUF..], [b'y'; PIPE_BUF]);
    }

    #[test]
    fn a_line_looks_like_the_daemons_own() {
        let at = Shown {
            year: 2026,
            month: 7,
            day: 1,
            hour: 9,
            minute: 5,
            second: 0,
            milli: 7,
        };
        assert_eq!(
            log_line(at, "words"),
            "2026-07-01 09:05:00,007 CRIT words\n"
        );
    }
}
