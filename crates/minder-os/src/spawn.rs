//! Starting a process without `fork`.
//!
//! The new process shares the memory of this one until it executes its program, while the calling
//! thread stands still (`CLONE_VM | CLONE_VFORK`): nothing is copied, however large we are. What
//! it does in between is in `child`; all data that it needs is made ready here beforehand.
//! Where a sandbox refuses such a clone, plain `fork` does the same more slowly.
//!
//! The table of descriptors is shared, too, until the new process takes a copy of its own. That
//! copy has the first few numbers alone: to copy some thousands, only to close them again, would be
//! most of what a start costs whoever holds the pipes of a thousand programs. So what the new
//! process is to find open is put at low numbers first, which are set aside for that.
//!
//! The price: a directory or program on a file system that hangs makes the calling thread hang
//! for as long. Whoever cannot afford that looks at the path first, from elsewhere.

mod child;
mod slots;

use std::ffi::{CString, c_int, c_void};
use std::io;
use std::os::fd::BorrowedFd;
use std::ptr::{self, NonNull};

use rustix::io::Errno;
use rustix::mm::{MapFlags, MprotectFlags, ProtFlags, mmap_anonymous, mprotect, munmap};

use crate::limits::Limit;
use crate::signals::SignalSet;

use slots::Slots;

/// A process to be, as plain data.
#[derive(Clone, Debug)]
pub struct Recipe<'fds> {
    /// The file to execute, as a path.
    pub file: CString,
    /// Its arguments, the zeroth included.
    pub argv: Vec<CString>,
    /// Its whole environment, as `NAME=value`.
    pub envp: Vec<CString>,
    /// What it finds open, as 0, 1, 2 and so on, at most [`MAX_DESCRIPTORS`]. Everything else is
    /// closed.
    pub descriptors: Vec<BorrowedFd<'fds>>,
    /// Which process group it belongs to.
    pub group: ProcessGroup,
    /// Whom it runs as.
    pub identity: Identity,
    /// Where to change to.
    pub directory: Option<CString>,
    /// The umask to set.
    pub umask: Option<u32>,
    /// Signals that are set to their default.
    pub default_signals: Vec<i32>,
    /// Signals that it ignores.
    pub ignored_signals: Vec<i32>,
    /// Signals that are held back from it.
    pub blocked_signals: SignalSet,
    /// The `oom_score_adj` to ask for; that it is refused is no failure.
    pub oom_score_adj: Option<i32>,
    /// Limits to set, one after the other.
    pub limits: Vec<Limit>,
    /// Where it writes down that it exists.
    pub mark: Option<Mark<'fds>>,
}

/// Where a new process writes down that it exists, before it does anything else: the time since
/// boot in nanoseconds (8 bytes), its pid (4 bytes), 4 bytes of nothing, all little-endian; then
/// `content`.
///
/// So there is no moment at which its program runs and nobody could find out, whoever is killed
/// in between. That nothing can be written there is no failure.
#[derive(Clone, Debug)]
pub struct Mark<'fds> {
    /// The file.
    pub file: BorrowedFd<'fds>,
    /// The place in it.
    pub offset: u64,
    /// What is to stand behind time and pid.
    pub content: Vec<u8>,
}

/// Which process group a new process belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProcessGroup {
    /// Ours.
    Ours,
    /// One that it leads.
    Own,
}

/// Whom a new process runs as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Identity {
    /// Whoever we are.
    Keep,
    /// This user.
    Become {
        /// User id.
        uid: u32,
        /// Primary group id.
        gid: u32,
        /// All group ids.
        groups: Vec<u32>,
    },
    /// Nobody: it says why not, and exits.
    Refuse {
        /// The user id that was wanted.
        uid: u32,
        /// Why not.
        why: Vec<u8>,
    },
}

impl Identity {
    /// Whether it can be asked for: to the system the highest number means "leave as it is".
    fn is_possible(&self) -> bool {
        match self {
            Self::Keep | Self::Refuse { .. } => true,
            Self::Become { uid, gid, groups } => {
                let mut ids = [uid, gid].into_iter().chain(groups);
                ids.all(|id| *id != u32::MAX)
            }
        }
    }
}

/// How new processes are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// In our memory, while we stand still.
    SharedMemory,
    /// In a copy of our memory.
    Fork,
}

/// Makes processes, one after the other.
#[derive(Debug)]
pub struct Spawner {
    method: Method,
    stack: Stack,
    slots: Slots,
}

impl Spawner {
    /// One that uses this method. To be made early, while low numbers of descriptors are free: the
    /// lower they are, the less is copied for each process.
    pub fn new(method: Method) -> io::Result<Self> {
        Ok(Self {
            method,
            stack: Stack::new()?,
            slots: Slots::new()?,
        })
    }

    /// Makes a process, and returns its pid.
    ///
    /// What fails before its program runs it tells on its own standard error, in the words that
    /// Supervisor uses, and exits with 127: an error here means that there is no process.
    pub fn spawn(&mut self, recipe: &Recipe<'_>) -> io::Result<u32> {
        if recipe.descriptors.len() > MAX_DESCRIPTORS || !recipe.identity.is_possible() {
            return Err(Errno::INVAL.into());
        }
        let filled = self.slots.fill(&recipe.descriptors)?;
        let task = child::Task::new(recipe, &filled);
        // A handler must not run in the new process: it would change our memory.
        let before = SignalSet::blocked();
        SignalSet::all().block();
        let made = self.make(&task);
        before.block();
        self.slots.clear(recipe.descriptors.len());
        made
    }

    fn make(&mut self, task: &child::Task<'_>) -> io::Result<u32> {
        match self.method {
            Method::SharedMemory => match self.clone_sharing_memory(task) {
                // What a sandbox answers to flags that it does not know.
                Err(error) if is_refusal(&error) => {
                    self.method = Method::Fork;
                    fork(task)
                }
                made => made,
            },
            Method::Fork => fork(task),
        }
    }

    fn clone_sharing_memory(&mut self, task: &child::Task<'_>) -> io::Result<u32> {
        let flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::CLONE_FILES | libc::SIGCHLD;
        let task = ptr::from_ref(task).cast_mut().cast::<c_void>();
        // SAFETY: the stack is mapped, used by nobody else (`&mut self`), and its top is aligned
        // to a page. With CLONE_VFORK this thread stands still until the new process has executed
        // its program or ended, so `task` outlives its use; `enter` only reads it.
        let pid = unsafe { libc::clone(enter, self.stack.top(), flags, task) };
        answer(pid)
    }
}

fn fork(task: &child::Task<'_>) -> io::Result<u32> {
    // SAFETY: the child only does what `Task::run` does, which is safe to do after a fork of a
    // process with several threads.
    let pid = unsafe { libc::fork() };
    if pid == 0 {
        task.run();
    }
    answer(pid)
}

fn answer(pid: c_int) -> io::Result<u32> {
    u32::try_from(pid).map_err(|_| io::Error::last_os_error())
}

fn is_refusal(error: &io::Error) -> bool {
    let refusals = [Errno::NOSYS, Errno::PERM, Errno::INVAL];
    Errno::from_io_error(error).is_some_and(|errno| refusals.contains(&errno))
}

/// Where the new process begins.
extern "C" fn enter(task: *mut c_void) -> c_int {
    // SAFETY: `clone_sharing_memory` passes a task that lives while this process uses it.
    let task = unsafe { &*task.cast::<child::Task<'_>>() };
    task.run()
}

/// Memory for the new process to run on, with a page before it that nobody may touch.
#[derive(Debug)]
struct Stack {
    base: NonNull<c_void>,
}

impl Stack {
    fn new() -> io::Result<Self> {
        let access = ProtFlags::READ | ProtFlags::WRITE;
        // SAFETY: a new mapping, at a place of the system's choice.
        let base =
            unsafe { mmap_anonymous(ptr::null_mut(), STACK + GUARD, access, MapFlags::PRIVATE) }?;
        let base = NonNull::new(base).ok_or(Errno::NOMEM)?;
        let stack = Self { base };
        // SAFETY: the page belongs to the mapping just made, which nobody uses yet.
        unsafe { mprotect(base.as_ptr(), GUARD, MprotectFlags::empty()) }?;
        Ok(stack)
    }

    fn top(&mut self) -> *mut c_void {
        self.base.as_ptr().wrapping_byte_add(STACK + GUARD)
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        // SAFETY: the mapping is ours, and no process runs on it: each was waited for.
        let unmapped = unsafe { munmap(self.base.as_ptr(), STACK + GUARD) };
        debug_assert!(unmapped.is_ok(), "the mapping is as it was made");
    }
}

/// The three standard streams, and a few more: the list is copied between clone and exec, where
/// no memory can be had.
pub const MAX_DESCRIPTORS: usize = 8;

/// Several times what the calls in `child` need, unoptimised.
const STACK: usize = 64 << 10;

/// The largest page that is common.
const GUARD: usize = 64 << 10;

#[cfg(test)]
mod tests;
