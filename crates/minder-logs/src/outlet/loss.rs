//! A sink that cannot be written to, and how it becomes right again.

use std::io;
use std::sync::Arc;

use rustix::io::Errno;

use super::{Outlet, Ties};
use crate::plane::Notice;
use crate::sink::Kind;

/// Output that could not be written.
#[derive(Debug)]
pub(super) struct Loss {
    pub(super) bytes: u64,
    why: Errno,
}

impl Outlet {
    /// Takes note of a failed write, which has lost `bytes`.
    pub(crate) fn fail(&mut self, why: Errno, bytes: usize, ties: &Ties) {
        if self.loss.is_none() {
            self.loss = Some(Loss { bytes: 0, why });
            self.report_trouble(why.into(), ties);
        }
        self.lose(bytes);
    }

    /// Whether what is written to it is lost.
    pub(crate) fn is_broken(&self) -> bool {
        self.loss.is_some()
    }

    pub(super) fn lose(&mut self, bytes: usize) {
        if let Some(loss) = &mut self.loss {
            loss.bytes += bytes as u64;
        }
    }

    /// Tries to write down what was lost. False if that is lost, too.
    pub(crate) fn heal(&mut self, ties: &Ties) -> bool {
        let Some(loss) = &self.loss else {
            return true;
        };
        let bytes = loss.bytes;
        let line = marker(loss, self.ends_with_newline());
        if bytes > 0 && !self.mark(&line) {
            return false;
        }
        self.loss = None;
        (ties.notices)(Notice::Recovered {
            path: Arc::clone(self.path()),
            lost: bytes,
        });
        true
    }

    /// Writes all of `line`, if need be later, or nothing.
    fn mark(&mut self, line: &[u8]) -> bool {
        let before = self.end();
        match self.append(line) {
            Ok((written, _)) => {
                self.backlog.extend_from_slice(&line[written..]);
                true
            }
            Err((written, _)) => {
                if let (1.., Kind::File, Ok(before)) = (written, self.kind, before) {
                    // Half a line says nothing. Where it must stay, the next attempt is whole.
                    let _ = rustix::fs::ftruncate(&self.file, before);
                }
                false
            }
        }
    }

    pub(super) fn report_trouble(&self, error: io::Error, ties: &Ties) {
        (ties.notices)(Notice::Trouble {
            path: Arc::clone(self.path()),
            error,
        });
    }
}

/// The line that stands where output is missing.
fn marker(loss: &Loss, after_newline: bool) -> Vec<u8> {
    let why = io::Error::from(loss.why).to_string();
    let why = why.split(" (os error").next().unwrap_or_default();
    let start = if after_newline { "" } else { "\n" };
    let bytes = loss.bytes;
    format!("{start}[minder: {bytes} bytes of output were lost: {why}]\n").into_bytes()
}
