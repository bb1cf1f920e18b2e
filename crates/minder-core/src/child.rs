//! Identities, and how a child ended.

use core::fmt;

use crate::signal::Signal;
use crate::time::Now;

/// One run of a process. Never reused, not even by a later daemon.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChildId(pub u64);

/// One process of an active group, for as long as the group is active. Never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProcessId(pub u64);

/// One active group, from its being added to its being removed. Never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct GroupId(pub u64);

/// How a child ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExitStatus {
    /// It exited with this code.
    Code(u8),
    /// A signal ended it.
    Signal {
        /// Which signal.
        signal: Signal,
        /// Whether a core file was written.
        core_dumped: bool,
    },
    /// Nobody can tell any more: it ended while no parent was there to ask.
    Unknown,
}

impl ExitStatus {
    /// The number Supervisor reports as `exitstatus`: death by a signal is -1, and so is an end
    /// that nobody saw.
    #[must_use]
    pub fn as_supervisor_code(self) -> i32 {
        match self {
            Self::Code(code) => code.into(),
            Self::Signal { .. } | Self::Unknown => -1,
        }
    }
}

impl fmt::Display for ExitStatus {
    /// Supervisor's wording.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => write!(f, "exit status {code}"),
            Self::Signal {
                signal,
                core_dumped,
            } => {
                match signal.name() {
                    Some(name) => write!(f, "terminated by {name}")?,
                    None => write!(f, "terminated by signal {}", signal.number())?,
                }
                if *core_dumped {
                    f.write_str(" (core dumped)")
                } else {
                    Ok(())
                }
            }
            Self::Unknown => f.write_str("exit status unknown"),
        }
    }
}

/// Where the identities of children begin. After a restart the keeper may still have a child that
/// nobody could signal, and its identity must not be given out again: so each start begins at its
/// own nanosecond, and hands out far fewer than there are nanoseconds until the next.
pub(crate) fn first_child(now: Now) -> u64 {
    u64::try_from(now.mono.0.as_nanos())
        .unwrap_or(u64::MAX / 2)
        .max(1)
}

/// The next identity.
pub(crate) fn take(counter: &mut u64) -> u64 {
    let taken = *counter;
    *counter += 1;
    taken
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    #[test]
    fn an_end_reads_as_supervisor_words_it() {
        let by = |number, core_dumped| ExitStatus::Signal {
            signal: Signal::from_number(number).expect("a signal of the test"),
            core_dumped,
        };
        assert_eq!(ExitStatus::Code(3).to_string(), "exit status 3");
        assert_eq!(by(9, false).to_string(), "terminated by SIGKILL");
        assert_eq!(
            by(11, true).to_string(),
            "terminated by SIGSEGV (core dumped)"
        );
        assert_eq!(by(63, false).to_string(), "terminated by signal 63");
    }
}
