//! This process: becoming another program, what it was handed, the children that end.

use std::collections::BTreeSet;
use std::ffi::{CStr, CString, c_char};
use std::io;
use std::os::fd::{FromRawFd, OwnedFd, RawFd};
use std::ptr;
use std::sync::{Mutex, PoisonError};

use rustix::io::{Errno, FdFlags, fcntl_setfd, retry_on_intr};
use rustix::process::{Pid, WaitOptions, wait};

/// A child that has ended, and whose pid may now be used anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ended {
    /// Its pid.
    pub pid: u32,
    /// Its wait status.
    pub status: i32,
}

/// Takes note of the end of one child, if one has ended.
pub fn reap() -> io::Result<Option<Ended>> {
    match retry_on_intr(|| wait(WaitOptions::NOHANG)) {
        Ok(ended) => Ok(ended.map(|(pid, status)| Ended {
            pid: pid.as_raw_nonzero().get().unsigned_abs(),
            status: status.as_raw(),
        })),
        Err(Errno::CHILD) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Makes this process the parent of every descendant whose own parent ends.
pub fn become_subreaper() -> io::Result<()> {
    // Any number other than 0 switches it on.
    Ok(rustix::process::set_child_subreaper(Some(Pid::INIT))?)
}

/// Takes possession of a descriptor that whoever started this program left open under this
/// number, and closes it on exec from here on.
///
/// To be called while the program starts, before it opens anything of its own: what is open then
/// beyond the three standard streams can only have been inherited. A number is handed out once.
pub fn take_inherited(number: RawFd) -> io::Result<OwnedFd> {
    let mut taken = TAKEN.lock().unwrap_or_else(PoisonError::into_inner);
    if number <= libc::STDERR_FILENO || !taken.insert(number) {
        return Err(Errno::BADF.into());
    }
    // SAFETY: asks about a number; one that is not open is refused.
    if unsafe { libc::fcntl(number, libc::F_GETFD) } < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the descriptor is open, as was just asked, and has no other owner: the standard
    // streams are excluded, nothing has been opened yet, and `TAKEN` lets each number out once.
    let fd = unsafe { OwnedFd::from_raw_fd(number) };
    fcntl_setfd(&fd, FdFlags::CLOEXEC)?;
    Ok(fd)
}

static TAKEN: Mutex<BTreeSet<RawFd>> = Mutex::new(BTreeSet::new());

/// Becomes another program. Returns only if that fails.
#[must_use]
pub fn exec(file: &CStr, argv: &[CString], envp: &[CString]) -> io::Error {
    let argv = pointers(argv);
    let envp = pointers(envp);
    // SAFETY: `file` ends in NUL; both lists end in null, and all that they point to ends in NUL
    // and outlives the call.
    unsafe { libc::execve(file.as_ptr(), argv.as_ptr(), envp.as_ptr()) };
    io::Error::last_os_error()
}

/// The list of pointers, ending in null, that exec wants.
pub(crate) fn pointers(texts: &[CString]) -> Vec<*const c_char> {
    let pointers = texts.iter().map(|text| text.as_ptr());
    pointers.chain([ptr::null()]).collect()
}

#[cfg(test)]
mod tests {
    use std::os::fd::IntoRawFd;

    use super::*;

    #[test]
    fn a_descriptor_is_handed_out_once() {
        let (reader, _writer) = rustix::pipe::pipe().unwrap();
        let number = reader.into_raw_fd();
        let taken = take_inherited(number).unwrap();
        let flags = rustix::io::fcntl_getfd(&taken).unwrap();
        assert!(flags.contains(FdFlags::CLOEXEC));
        take_inherited(number).unwrap_err();
    }

    #[test]
    fn the_standard_streams_and_what_is_not_open_are_nobodys() {
        take_inherited(2).unwrap_err();
        take_inherited(-1).unwrap_err();
        take_inherited(RawFd::MAX).unwrap_err();
    }
}
