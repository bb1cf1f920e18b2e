//! Signals: which are held back, reading them from a descriptor, sending them.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, FromRawFd, OwnedFd};
use std::ptr;

use rustix::io::Errno;

/// A set of signals.
#[derive(Clone, Copy)]
pub struct SignalSet(libc::sigset_t);

impl SignalSet {
    /// No signal.
    #[must_use]
    pub fn none() -> Self {
        let mut set = MaybeUninit::uninit();
        // SAFETY: `set` is writable, and the call cannot fail.
        unsafe { libc::sigemptyset(set.as_mut_ptr()) };
        // SAFETY: the call above has filled it in.
        Self(unsafe { set.assume_init() })
    }

    /// Every signal, except those that the C library keeps for itself.
    #[must_use]
    pub fn all() -> Self {
        let mut set = Self::none();
        // SAFETY: the set is writable, and the call cannot fail.
        unsafe { libc::sigfillset(&raw mut set.0) };
        set
    }

    /// These signals; a number that is no signal's is left out.
    #[must_use]
    pub fn of(signals: &[i32]) -> Self {
        let mut set = Self::none();
        for signal in signals {
            // SAFETY: the set is a valid one; an impossible number is refused by the call.
            unsafe { libc::sigaddset(&raw mut set.0, *signal) };
        }
        set
    }

    /// This set without these signals.
    #[must_use]
    pub fn without(mut self, signals: &[i32]) -> Self {
        for signal in signals {
            // SAFETY: the set is a valid one; an impossible number is refused by the call.
            unsafe { libc::sigdelset(&raw mut self.0, *signal) };
        }
        self
    }

    /// The signals that are held back from the calling thread.
    #[must_use]
    pub fn blocked() -> Self {
        let mut now = Self::none();
        // SAFETY: without a new set the call only writes the present one, to a valid place.
        unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, ptr::null(), &raw mut now.0) };
        now
    }

    /// Makes these the signals that are held back from the calling thread, and no others.
    ///
    /// Allocates nothing: also called between clone and exec.
    pub fn block(&self) {
        // SAFETY: the set is a valid one; with a valid `how` the call cannot fail.
        unsafe { libc::pthread_sigmask(libc::SIG_SETMASK, &raw const self.0, ptr::null_mut()) };
    }
}

impl std::fmt::Debug for SignalSet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let members = (1..=64).filter(|signal| {
            // SAFETY: the set is a valid one; an impossible number is refused by the call.
            unsafe { libc::sigismember(&raw const self.0, *signal) == 1 }
        });
        f.debug_set().entries(members).finish()
    }
}

/// What a signal does to a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disposition {
    /// What the system does by default.
    Default,
    /// Nothing.
    Ignore,
}

/// Sets what a signal does to this process.
///
/// Allocates nothing: also called between clone and exec.
pub fn set_disposition(signal: i32, disposition: Disposition) -> io::Result<()> {
    let handler = match disposition {
        Disposition::Default => libc::SIG_DFL,
        Disposition::Ignore => libc::SIG_IGN,
    };
    // SAFETY: all zeroes is a valid value: no flags, an empty mask, the default action.
    let mut action: libc::sigaction = unsafe { MaybeUninit::zeroed().assume_init() };
    action.sa_sigaction = handler;
    // SAFETY: `action` names no function of ours; the old action is not asked for.
    match unsafe { libc::sigaction(signal, &raw const action, ptr::null_mut()) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Sets the two signals to their default that the C library keeps to itself.
///
/// Its `posix_spawn` leaves them ignored in what it starts, which then hands that on.
pub fn reset_reserved() -> io::Result<()> {
    /// The kernel's own form: a handler, flags, a restorer and a mask, all of them none.
    const DEFAULT: [usize; 4] = [0; 4];
    /// The size of a mask in bytes.
    const MASK: usize = 8;

    for signal in [32, 33] {
        // SAFETY: the kernel reads an action of at most four words from the constant, in which all
        // zeroes mean the default, and is asked for no old one.
        let answer = unsafe {
            libc::syscall(
                libc::SYS_rt_sigaction,
                signal,
                DEFAULT.as_ptr(),
                ptr::null_mut::<usize>(),
                MASK,
            )
        };
        if answer != 0 {
            return Err(io::Error::last_os_error());
        }
    }
    Ok(())
}

/// A descriptor that becomes readable when a signal is pending that is blocked and belongs to a
/// set.
#[derive(Debug)]
pub struct SignalFd(OwnedFd);

impl SignalFd {
    /// For the signals of this set; they must be blocked to arrive here.
    pub fn new(set: &SignalSet) -> io::Result<Self> {
        let flags = libc::SFD_CLOEXEC | libc::SFD_NONBLOCK;
        // SAFETY: the set is a valid one; -1 asks for a new descriptor.
        let fd = unsafe { libc::signalfd(-1, &raw const set.0, flags) };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the call has just made this descriptor, and nobody else knows of it.
        Ok(Self(unsafe { OwnedFd::from_raw_fd(fd) }))
    }

    /// The number of a signal that has arrived, if one has.
    pub fn next(&self) -> io::Result<Option<i32>> {
        let mut info = [0; size_of::<libc::signalfd_siginfo>()];
        match rustix::io::retry_on_intr(|| rustix::io::read(&self.0, &mut info)) {
            Ok(_) => {
                // `ssi_signo` is the first field.
                let number = info.first_chunk().map(|first| i32::from_ne_bytes(*first));
                Ok(number)
            }
            Err(Errno::AGAIN) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

impl AsFd for SignalFd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// Whom a signal is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// This process.
    Process(u32),
    /// Every process of the group that this process leads.
    Group(u32),
}

/// Sends a signal, by its number.
///
/// A pid is only safe to name while its process has not been reaped, and only its parent can know
/// that; an unreaped leader keeps its group's number from being used anew, too.
pub fn send(target: Target, signal: i32) -> io::Result<()> {
    let (pid, sign) = match target {
        Target::Process(pid) => (pid, 1),
        Target::Group(pid) => (pid, -1),
    };
    // 0 and -1 would mean our own group and everybody; -(1) everybody, too.
    let pid = match libc::pid_t::try_from(pid) {
        Ok(pid) if pid > 1 => pid,
        Ok(_) | Err(_) => return Err(Errno::SRCH.into()),
    };
    // SAFETY: takes numbers.
    match unsafe { libc::kill(sign * pid, signal) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blocked_signal_is_read_from_the_descriptor() {
        let signal = libc::SIGWINCH;
        let set = SignalSet::of(&[signal]);
        let before = SignalSet::blocked();
        set.block();
        let arrivals = SignalFd::new(&set).unwrap();
        assert_eq!(arrivals.next().unwrap(), None);
        // SAFETY: sends a blocked signal to the calling thread.
        assert_eq!(unsafe { libc::raise(signal) }, 0);
        assert_eq!(arrivals.next().unwrap(), Some(signal));
        assert_eq!(arrivals.next().unwrap(), None);
        before.block();
    }

    #[test]
    fn a_set_knows_its_members() {
        let set = SignalSet::of(&[1, 15, 99]);
        assert_eq!(format!("{set:?}"), "{1, 15}");
        assert_eq!(format!("{:?}", set.without(&[15])), "{1}");
    }

    #[test]
    fn nobody_is_signalled_by_a_number_that_means_many() {
        for target in [Target::Process(0), Target::Group(0), Target::Group(1)] {
            let refused = send(target, 0).unwrap_err();
            assert_eq!(refused.raw_os_error(), Some(libc::ESRCH));
        }
        let refused = send(Target::Process(u32::MAX), 0).unwrap_err();
        assert_eq!(refused.raw_os_error(), Some(libc::ESRCH));
    }
}
