//! What a new process does until its program runs.
//!
//! It may share our memory, and another thread of ours may have been inside any lock: nothing in
//! here allocates, locks or panics. What `rustix` does in here are bare system calls.

use std::convert::Infallible;
use std::ffi::{CString, c_char, c_int, c_uint};
use std::io::IoSlice;
use std::os::fd::RawFd;

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use rustix::process::{Gid, Uid};

use super::slots::Filled;
use super::{Identity, MAX_DESCRIPTORS, ProcessGroup, Recipe};
use crate::errno_name;
use crate::foreign::boot_nanos;
use crate::process::pointers;
use crate::signals::{Disposition, set_disposition};

/// A recipe with everything made ready that needs memory.
pub(super) struct Task<'a> {
    recipe: &'a Recipe<'a>,
    argv: Vec<*const c_char>,
    envp: Vec<*const c_char>,
    descriptors: [RawFd; MAX_DESCRIPTORS],
    places: usize,
    /// The first number that is of no use, nor any above it.
    end: RawFd,
    groups: Vec<Gid>,
    uid: Vec<u8>,
    oom_score_adj: Option<Vec<u8>>,
}

/// Why the program could not be run.
enum Failure<'a> {
    Descriptors(Errno),
    Limit(Errno),
    User(&'a [u8]),
    Directory(&'a CString, Errno),
    Exec(Errno),
}

impl<'a> Task<'a> {
    /// Makes ready what is needed; the recipe's descriptors lie where `filled` says.
    pub(super) fn new(recipe: &'a Recipe<'a>, filled: &Filled) -> Self {
        let (uid, groups) = match &recipe.identity {
            Identity::Keep => (0, [].as_slice()),
            Identity::Become { uid, groups, .. } => (*uid, groups.as_slice()),
            Identity::Refuse { uid, .. } => (*uid, [].as_slice()),
        };
        Self {
            recipe,
            argv: pointers(&recipe.argv),
            envp: pointers(&recipe.envp),
            descriptors: filled.sources,
            places: filled.count,
            end: filled.end,
            groups: groups.iter().map(|gid| Gid::from_raw(*gid)).collect(),
            uid: uid.to_string().into_bytes(),
            oom_score_adj: recipe
                .oom_score_adj
                .map(|score| score.to_string().into_bytes()),
        }
    }

    /// Runs the program, or tells why not and exits.
    pub(super) fn run(&self) -> ! {
        let Err(failure) = self.try_run();
        self.tell(&failure);
        // SAFETY: ends this process at once, without running anything of ours.
        unsafe { libc::_exit(127) }
    }

    fn try_run(&self) -> Result<Infallible, Failure<'a>> {
        let recipe = self.recipe;
        self.leave_mark();
        own_descriptors_below(self.end).map_err(Failure::Descriptors)?;
        if recipe.group == ProcessGroup::Own {
            // Fails only for the leader of a session, which a new process is not.
            let _ = rustix::process::setpgid(None, None);
        }
        self.place_descriptors().map_err(Failure::Descriptors)?;
        self.ask_for_oom_score();
        self.set_limits().map_err(Failure::Limit)?;
        self.become_user().map_err(Failure::User)?;
        if let Some(directory) = &recipe.directory {
            rustix::process::chdir(directory.as_c_str())
                .map_err(|errno| Failure::Directory(directory, errno))?;
        }
        if let Some(mask) = recipe.umask {
            rustix::process::umask(Mode::from_raw_mode(mask));
        }
        self.set_signals();
        // SAFETY: the path ends in NUL; both lists end in null, and all that they point to ends in
        // NUL and is owned by the recipe.
        unsafe { libc::execve(recipe.file.as_ptr(), self.argv.as_ptr(), self.envp.as_ptr()) };
        Err(Failure::Exec(last_errno()))
    }

    fn leave_mark(&self) {
        let Some(mark) = &self.recipe.mark else {
            return;
        };
        let pid = rustix::process::getpid().as_raw_nonzero().get();
        let [mut time, mut who] = [[0; 8]; 2];
        time.copy_from_slice(&boot_nanos().to_le_bytes());
        if let Some(place) = who.first_chunk_mut() {
            *place = pid.to_le_bytes();
        }
        let parts = [&time, &who, &mark.content[..]].map(IoSlice::new);
        let _ = rustix::io::pwritev(mark.file, &parts, mark.offset);
    }

    /// Makes the recipe's descriptors 0, 1, 2 and so on, and closes everything else.
    fn place_descriptors(&self) -> Result<(), Errno> {
        let mut sources = self.descriptors;
        let places = sources.get_mut(..self.places).unwrap_or_default();
        let end = RawFd::try_from(places.len()).unwrap_or(RawFd::MAX);
        // A source that lies where another belongs would be overwritten: move it out of the way.
        for (place, source) in (0..).zip(places.iter_mut()) {
            if *source != place && *source < end {
                // SAFETY: works on numbers, and opens a new one that nothing else owns.
                let moved = unsafe { libc::fcntl(*source, libc::F_DUPFD_CLOEXEC, end) };
                *source = check(moved)?;
            }
        }
        for (place, source) in (0..).zip(places.iter()) {
            if *source == place {
                // SAFETY: works on a number; it stays open on exec from here on.
                check(unsafe { libc::fcntl(place, libc::F_SETFD, 0) })?;
            } else {
                // SAFETY: works on numbers; in the new process nothing owns what `place` was.
                check(unsafe { libc::dup2(*source, place) })?;
            }
        }
        close_from(end);
        Ok(())
    }

    fn ask_for_oom_score(&self) {
        let Some(score) = &self.oom_score_adj else {
            return;
        };
        let flags = OFlags::WRONLY | OFlags::CLOEXEC;
        if let Ok(file) = rustix::fs::open(c"/proc/self/oom_score_adj", flags, Mode::empty()) {
            let _ = rustix::io::write(&file, score);
        }
    }

    fn set_limits(&self) -> Result<(), Errno> {
        for (resource, soft, hard) in &self.recipe.limits {
            let limit = libc::rlimit64 {
                rlim_cur: *soft,
                rlim_max: *hard,
            };
            // The type of the first argument differs between C libraries.
            let resource = resource.cast_unsigned();
            // SAFETY: the limit is only read; a number that is no resource's is refused.
            check(unsafe { libc::setrlimit64(resource, &raw const limit) })?;
        }
        Ok(())
    }

    /// The bare system calls: those of the C library would change the threads that we share our
    /// memory with.
    fn become_user(&self) -> Result<(), &'a [u8]> {
        match &self.recipe.identity {
            Identity::Keep => Ok(()),
            Identity::Become {
                uid,
                gid,
                groups: _,
            } => {
                rustix::thread::set_thread_groups(&self.groups)
                    .map_err(|_| &b"Could not set groups of effective user"[..])?;
                rustix::thread::set_thread_gid(Gid::from_raw(*gid))
                    .map_err(|_| &b"Could not set group id of effective user"[..])?;
                rustix::thread::set_thread_uid(Uid::from_raw(*uid))
                    .map_err(|_| &b"Could not set user id of effective user"[..])
            }
            Identity::Refuse { uid: _, why } => Err(why),
        }
    }

    fn set_signals(&self) {
        for signal in &self.recipe.default_signals {
            let _ = set_disposition(*signal, Disposition::Default);
        }
        for signal in &self.recipe.ignored_signals {
            let _ = set_disposition(*signal, Disposition::Ignore);
        }
        self.recipe.blocked_signals.block();
    }

    /// Tells on standard error what has failed, in the words that Supervisor uses.
    fn tell(&self, failure: &Failure<'_>) {
        let argv0 = self.recipe.argv.first().unwrap_or(&self.recipe.file);
        let mut digits = [0; 12];
        let (what, object, why): (&str, &[u8], &[u8]) = match failure {
            Failure::Descriptors(errno) => {
                ("set up", b"its descriptors", name(*errno, &mut digits))
            }
            Failure::Limit(errno) => ("set", b"its limits", name(*errno, &mut digits)),
            Failure::User(why) => ("setuid to", &self.uid, why),
            Failure::Directory(path, errno) => {
                ("chdir to", path.as_bytes(), name(*errno, &mut digits))
            }
            Failure::Exec(errno) => ("exec", argv0.as_bytes(), name(*errno, &mut digits)),
        };
        let text = [
            b"supervisor: couldn't ",
            what.as_bytes(),
            b" ",
            object,
            b": ",
            why,
            b"\nsupervisor: child process was not spawned\n",
        ];
        // Whoever reads standard error has gone if this fails; there is nobody else to tell.
        let _ = rustix::io::writev(rustix::stdio::stderr(), &text.map(IoSlice::new));
    }
}

/// The name of an error number, or its digits if it has none.
fn name(errno: Errno, digits: &mut [u8; 12]) -> &[u8] {
    let number = errno.raw_os_error();
    if let Some(name) = errno_name(number) {
        return name.as_bytes();
    }
    let mut rest = number.unsigned_abs();
    let mut used = 0;
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + u8::try_from(rest % 10).unwrap_or(0);
        rest /= 10;
        used += 1;
        if rest == 0 {
            break;
        }
    }
    digits.get(digits.len() - used..).unwrap_or_default()
}

/// Takes a table of descriptors of our own that has nothing from this number on. Until then the
/// numbers are those of the process that made us, and nothing may be closed or replaced.
fn own_descriptors_below(end: RawFd) -> Result<(), Errno> {
    let unshare = libc::CLOSE_RANGE_UNSHARE;
    // SAFETY: takes numbers; in a table of our own nothing owns those that are closed.
    let answer = unsafe { libc::syscall(libc::SYS_close_range, end, c_uint::MAX, unshare) };
    if answer == 0 {
        return Ok(());
    }
    // A system before Linux 5.9: a copy of all of it.
    // SAFETY: takes a number, and changes nothing but whose the table is.
    check(unsafe { libc::unshare(libc::CLONE_FILES) }).map(drop)
}

/// Closes every descriptor from this one on.
fn close_from(first: RawFd) {
    // SAFETY: in the new process nothing owns these numbers.
    let answer = unsafe { libc::syscall(libc::SYS_close_range, first, c_uint::MAX, 0) };
    if answer == 0 {
        return;
    }
    // A system before Linux 5.9: one by one, as far as the limit lets numbers reach.
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    let end = limit.map_or(MOST_CLOSED, |limit| limit.min(MOST_CLOSED));
    for number in first..RawFd::try_from(end).unwrap_or(RawFd::MAX) {
        // SAFETY: in the new process nothing owns this number.
        unsafe { libc::close(number) };
    }
}

fn check(answer: c_int) -> Result<c_int, Errno> {
    if answer < 0 {
        Err(last_errno())
    } else {
        Ok(answer)
    }
}

fn last_errno() -> Errno {
    // SAFETY: takes nothing, and cannot fail.
    let place = unsafe { libc::__errno_location() };
    // SAFETY: the place is this thread's own, or that of the thread that stands still for us.
    Errno::from_raw_os_error(unsafe { *place })
}

/// Where closing one by one ends on a system without a limit: what Linux allows by default.
const MOST_CLOSED: u64 = 1 << 20;
