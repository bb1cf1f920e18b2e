//! Signals by name and number, as Supervisor's configuration and API spell them.

use core::fmt;

/// A signal of Linux, or 0, which only asks whether the target exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Signal(i32);

/// The highest signal number of Linux.
const MAX: i32 = 64;

/// Name and number; the first name of a number is the one that is shown. Aliases follow Python's
/// `signal` module on Linux, which is what Supervisor looks names up in.
const NAMES: &[(&str, i32)] = &[
    ("HUP", 1),
    ("INT", 2),
    ("QUIT", 3),
    ("ILL", 4),
    ("TRAP", 5),
    ("ABRT", 6),
    ("IOT", 6),
    ("BUS", 7),
    ("FPE", 8),
    ("KILL", 9),
    ("USR1", 10),
    ("SEGV", 11),
    ("USR2", 12),
    ("PIPE", 13),
    ("ALRM", 14),
    ("TERM", 15),
    ("STKFLT", 16),
    ("CHLD", 17),
    ("CLD", 17),
    ("CONT", 18),
    ("STOP", 19),
    ("TSTP", 20),
    ("TTIN", 21),
    ("TTOU", 22),
    ("URG", 23),
    ("XCPU", 24),
    ("XFSZ", 25),
    ("VTALRM", 26),
    ("PROF", 27),
    ("WINCH", 28),
    ("POLL", 29),
    ("IO", 29),
    ("PWR", 30),
    ("SYS", 31),
    ("RTMIN", 34),
    ("RTMAX", 64),
    // Python's module also holds SIG_DFL, SIG_IGN, SIG_BLOCK, SIG_UNBLOCK and SIG_SETMASK, which
    // Supervisor takes for signals because their names begin like one.
    ("_DFL", 0),
    ("_IGN", 1),
    ("_BLOCK", 0),
    ("_UNBLOCK", 1),
    ("_SETMASK", 2),
];

impl Signal {
    /// SIGHUP.
    pub const HUP: Self = Self(1);
    /// SIGINT.
    pub const INT: Self = Self(2);
    /// SIGQUIT.
    pub const QUIT: Self = Self(3);
    /// SIGKILL.
    pub const KILL: Self = Self(9);
    /// SIGUSR2.
    pub const USR2: Self = Self(12);
    /// SIGPIPE.
    pub const PIPE: Self = Self(13);
    /// SIGTERM.
    pub const TERM: Self = Self(15);
    /// SIGCHLD.
    pub const CHLD: Self = Self(17);
    /// SIGXFSZ.
    pub const XFSZ: Self = Self(25);

    /// The signal of this number, if Linux has it (1 to 64, and 0).
    #[must_use]
    pub fn from_number(number: i32) -> Option<Self> {
        (0..=MAX).contains(&number).then_some(Self(number))
    }

    /// The signal that a text names, by Supervisor's rules: a number, or a name in any case, with
    /// or without `SIG` before it. Blanks around it do not matter.
    ///
    /// # Errors
    ///
    /// What it looked like, if no signal has that name or number.
    pub fn parse(text: &str) -> Result<Self, UnknownSignal> {
        let text = text.trim();
        if let Some(number) = decimal(text) {
            let known = NAMES.iter().any(|(_, known)| *known == number);
            return known.then_some(Self(number)).ok_or(UnknownSignal::Number);
        }
        let upper = text.to_ascii_uppercase();
        let name = upper.strip_prefix("SIG").unwrap_or(&upper);
        NAMES
            .iter()
            .find(|(known, _)| *known == name)
            .map(|(_, number)| Self(*number))
            .ok_or(UnknownSignal::Name)
    }

    /// Its number.
    #[must_use]
    pub const fn number(self) -> i32 {
        self.0
    }

    /// Its name with `SIG`, or `None` for a real-time signal between the first and the last.
    #[must_use]
    pub fn name(self) -> Option<&'static str> {
        const SHOWN: [Option<&str>; MAX as usize + 1] = {
            let mut shown = [None; MAX as usize + 1];
            let full: [&str; 36] = [
                "SIGHUP",
                "SIGINT",
                "SIGQUIT",
                "SIGILL",
                "SIGTRAP",
                "SIGABRT",
                "SIGIOT",
                "SIGBUS",
                "SIGFPE",
                "SIGKILL",
                "SIGUSR1",
                "SIGSEGV",
                "SIGUSR2",
                "SIGPIPE",
                "SIGALRM",
                "SIGTERM",
                "SIGSTKFLT",
                "SIGCHLD",
                "SIGCLD",
                "SIGCONT",
                "SIGSTOP",
                "SIGTSTP",
                "SIGTTIN",
                "SIGTTOU",
                "SIGURG",
                "SIGXCPU",
                "SIGXFSZ",
                "SIGVTALRM",
                "SIGPROF",
                "SIGWINCH",
                "SIGPOLL",
                "SIGIO",
                "SIGPWR",
                "SIGSYS",
                "SIGRTMIN",
                "SIGRTMAX",
            ];
            let mut i = 0;
            while i < full.len() {
                #[expect(clippy::cast_sign_loss, reason = "the table holds no negative number")]
                let number = NAMES[i].1 as usize;
                if shown[number].is_none() {
                    shown[number] = Some(full[i]);
                }
                i += 1;
            }
            shown
        };
        usize::try_from(self.0)
            .ok()
            .and_then(|number| SHOWN.get(number).copied().flatten())
    }
}

/// A set of signals.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Signals(
    /// Bit n stands for signal n.
    pub u64,
);

impl Signals {
    /// Whether `signal` is one of them.
    #[must_use]
    pub fn contains(self, signal: Signal) -> bool {
        self.0 & Self::bit(signal) != 0
    }

    /// Adds one.
    pub fn insert(&mut self, signal: Signal) {
        self.0 |= Self::bit(signal);
    }

    fn bit(Signal(number): Signal) -> u64 {
        u32::try_from(number)
            .ok()
            .and_then(|number| 1_u64.checked_shl(number))
            .unwrap_or(0)
    }
}

/// What a text looked like that stands for no signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UnknownSignal {
    /// A name.
    Name,
    /// A number.
    Number,
}

/// A number as Python's `int()` reads it, with single underscores between digits. What does not
/// fit is the nearest that does.
fn decimal(text: &str) -> Option<i32> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    digits
        .split('_')
        .try_fold(0i32, |number, part| {
            if part.is_empty() {
                return None;
            }
            part.bytes().try_fold(number, |number, byte| {
                let digit = byte.is_ascii_digit().then(|| i32::from(byte - b'0'))?;
                Some(number.saturating_mul(10).saturating_add(digit))
            })
        })
        .map(|number| sign * number)
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "signal {}", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signal_is_found_by_every_spelling_that_supervisor_takes() {
        for (text, number) in [
            ("TERM", 15),
            (" hup ", 1),
            ("sigint", 2),
            ("SIGCLD", 17),
            ("poll", 29),
            ("rtmin", 34),
            ("RTMAX", 64),
            ("SIG_DFL", 0),
            ("_block", 0),
            ("18", 18),
            (" +1_8\n", 18),
            ("0", 0),
            ("64", 64),
        ] {
            assert_eq!(Signal::parse(text), Ok(Signal(number)), "{text:?}");
        }
    }

    #[test]
    fn what_is_no_signal_is_told_apart_by_its_looks() {
        for text in [
            "",
            "x",
            "1.0",
            "rtmin+1",
            "EMT",
            "sig",
            "SIGSIGHUP",
            "1__0",
            "+",
        ] {
            assert_eq!(Signal::parse(text), Err(UnknownSignal::Name), "{text:?}");
        }
        for text in ["999", "-1", "65", "35", "32", "99999999999"] {
            assert_eq!(Signal::parse(text), Err(UnknownSignal::Number), "{text:?}");
        }
    }
}
