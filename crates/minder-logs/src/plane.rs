//! The log plane: carries the output of every child from its pipe to its sink.
//!
//! One thread waits for all pipes and moves what they hold, a bounded chunk at a time, so that a
//! program that floods its log delays neither the daemon nor the other programs. A [`Plane`] is
//! the handle by which the rest of the daemon tells it what to do; a [`Notice`] is what it tells
//! in return.
//!
//! What must outlive the daemon is given into [`Custody`]: the open files, and what is needed to
//! go on exactly where a killed daemon left off. The pipes are in custody already, and are
//! attached again by the next daemon; what is in them waits, and so does their writer.
//!
//! ```text
//!  pipe ──splice──────────────────────────────► file     raw: nobody looks at the bytes
//!  pipe ──splice──► spool ──edit──► pwrite ───► file     edited: committed chunk by chunk
//!  pipe ──read────► memory ───────► write ────► device   not exact, and cannot be
//! ```
//!
//! It knows no process states, and does not reap: it is told that a child has ended, and answers
//! when all that the child had written is where it belongs.

use std::fmt;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU64;
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use minder_core::ChildId;
use rustix::event::EventfdFlags;

use crate::outlet::{CHUNK, Outlet, Ties};
use crate::sink::{Sink, SinkSpec};
use crate::spool::{self, Spool};
use outlets::Outlets;
use worker::Worker;

mod outlets;
mod patience;
mod peephole;
#[cfg(test)]
mod tests;
mod worker;

/// What must outlive the daemon is given into custody.
pub trait Custody: Send + 'static {
    /// Keeps `fd` under `name`, instead of what was there before. It is shared, so that who keeps it
    /// in this process as well needs no descriptor more.
    ///
    /// When this returns, `fd` must be safe even if the daemon is killed.
    fn hold(&self, name: &[u8], fd: &Arc<OwnedFd>) -> io::Result<()>;

    /// Lets go of what is under `name`.
    fn release(&self, name: &[u8]);
}

/// One output stream of one child.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId {
    /// The child that writes to it.
    pub child: ChildId,
    /// Which of its streams it is.
    pub channel: Channel,
}

/// Which output stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Channel {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

impl Channel {
    /// Both, in order.
    pub const ALL: [Self; 2] = [Self::Stdout, Self::Stderr];
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Stdout => "stdout",
            Self::Stderr => "stderr",
        })
    }
}

/// What the plane tells the daemon.
#[derive(Debug)]
pub enum Notice {
    /// All that was in the child's pipes when it was declared [finished](Plane::finish) is where
    /// it belongs.
    Drained(ChildId),
    /// Nobody can write to this stream any more, and its pipe is closed.
    Closed(StreamId),
    /// A sink cannot be written to, rotated or given into custody. Told once, until it recovers.
    Trouble {
        /// Which.
        path: Arc<Path>,
        /// Why.
        error: io::Error,
    },
    /// A sink works again.
    Recovered {
        /// Which.
        path: Arc<Path>,
        /// How many bytes of output it has not received.
        lost: u64,
    },
}

/// Told when logs have been cleared.
pub type Cleared = Box<dyn FnOnce(io::Result<()>) + Send>;

/// Shown what a stream brings, chunk by chunk, once it has been written.
pub type Tap = Box<dyn FnMut(&[u8]) + Send>;

/// The handle to the log plane. Clones lead to the same one.
#[derive(Clone)]
pub struct Plane(Arc<Handle>);

struct Handle {
    commands: Sender<Command>,
    wake: Arc<OwnedFd>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// What the plane is told to do.
enum Command {
    Attach {
        stream: StreamId,
        pipe: Arc<OwnedFd>,
        to: Option<Sink>,
    },
    Adopt {
        stream: StreamId,
        pipe: Arc<OwnedFd>,
        to: Option<SinkSpec>,
    },
    Adopted,
    Tap {
        stream: StreamId,
        tap: Tap,
    },
    Count {
        stream: StreamId,
        counter: Arc<AtomicU64>,
    },
    Finish(ChildId),
    Reopen,
    Clear {
        paths: Vec<PathBuf>,
        reply: Cleared,
    },
    Shutdown,
}

impl Plane {
    /// Starts the plane's thread.
    ///
    /// `held` is what an earlier daemon gave into custody, by name; what that daemon had begun
    /// is completed before this returns. `notices` is called in the plane's thread, which waits
    /// for it.
    pub fn start(
        custody: impl Custody,
        held: Vec<(Vec<u8>, Arc<OwnedFd>)>,
        notices: impl Fn(Notice) + Send + 'static,
    ) -> io::Result<Self> {
        let ties = Ties {
            custody: Box::new(custody),
            notices: Box::new(notices),
            scratch: vec![0; CHUNK].into(),
        };
        let flags = EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK;
        let wake = Arc::new(rustix::event::eventfd(0, flags)?);
        let (commands, inbox) = mpsc::channel();
        let (outlets, spool) = take_over(held, &ties);
        let worker = Worker::new(Arc::clone(&wake), inbox, outlets, spool, ties)?;
        let thread = thread::Builder::new()
            .name("logs".to_owned())
            .spawn(move || worker.run())?;
        Ok(Self(Arc::new(Handle {
            commands,
            wake,
            thread: Mutex::new(Some(thread)),
        })))
    }

    /// Opens a sink, in the caller's thread. Never blocks.
    pub fn open(&self, spec: &SinkSpec) -> io::Result<Sink> {
        Sink::open(spec)
    }

    /// Carries what comes out of `pipe` to `to`, or to nowhere.
    ///
    /// Streams whose sinks are the same file share it, whatever it is called, and the limits are
    /// those of the last. `pipe` is made non-blocking.
    pub fn attach(&self, stream: StreamId, pipe: impl Into<Arc<OwnedFd>>, to: Option<Sink>) {
        let pipe = pipe.into();
        self.0.tell(Command::Attach { stream, pipe, to });
    }

    /// Goes on with a stream that an earlier daemon had, in the sink that it had given into
    /// custody, even if that could not be opened any more.
    ///
    /// A sink that is not in custody is opened; if that fails, there is
    /// [`Trouble`](Notice::Trouble), and the stream leads to nowhere.
    pub fn adopt(&self, stream: StreamId, pipe: impl Into<Arc<OwnedFd>>, to: Option<SinkSpec>) {
        let pipe = pipe.into();
        self.0.tell(Command::Adopt { stream, pipe, to });
    }

    /// Every stream that an earlier daemon had has been [adopted](Self::adopt): what else it had
    /// given into custody is no longer needed.
    pub fn adopted(&self) {
        self.0.tell(Command::Adopted);
    }

    /// Shows `tap` what `stream` brings, besides those that see it already. To be said before it is [attached](Self::attach) or
    /// [adopted](Self::adopt).
    ///
    /// After a kill of the daemon in the middle of a chunk, the next one may show it again.
    pub fn tap(&self, stream: StreamId, tap: Tap) {
        self.0.tell(Command::Tap { stream, tap });
    }

    /// Adds to `counter` how many bytes of `stream` have gone to its sink, as the program wrote them;
    /// not what was lost or had no sink. To be said before it is [attached](Self::attach) or
    /// [adopted](Self::adopt).
    pub fn count(&self, stream: StreamId, counter: Arc<AtomicU64>) {
        self.0.tell(Command::Count { stream, counter });
    }

    /// A child has ended: takes in what its pipes hold now, and answers
    /// [`Drained`](Notice::Drained).
    ///
    /// The pipes are read on until they are [`Closed`](Notice::Closed), for others may still have
    /// them. What a sink does not take at the moment is not waited for: it stays in the pipe.
    pub fn finish(&self, child: ChildId) {
        self.0.tell(Command::Finish(child));
    }

    /// Closes every log file and opens it again by its name.
    pub fn reopen(&self) {
        self.0.tell(Command::Reopen);
    }

    /// Empties these logs, in use or not. What is no file of its own name is left alone.
    pub fn clear(&self, paths: Vec<PathBuf>, reply: Cleared) {
        self.0.tell(Command::Clear { paths, reply });
    }

    /// Ends the thread, and waits for that. What is in the pipes stays there.
    pub fn shutdown(self) {
        self.0.tell(Command::Shutdown);
        let mut thread = self.0.thread.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(thread) = thread.take() {
            // A panic of the plane ends the daemon in release builds; here it has been printed.
            let _ = thread.join();
        }
    }
}

/// Takes over what an earlier daemon gave into custody, and completes what it was killed in.
fn take_over(held: Vec<(Vec<u8>, Arc<OwnedFd>)>, ties: &Ties) -> (Outlets, Option<Spool>) {
    let (mut chunk, mut journal, mut sinks) = (None, None, Vec::new());
    for (name, file) in held {
        match &name[..] {
            spool::SPOOL => chunk = Some(file),
            spool::JOURNAL => journal = Some(file),
            _ => sinks.push((name, file)),
        }
    }
    let mut outlets = Outlets::adopt(sinks);
    let spool = chunk.zip(journal).map(|(chunk, journal)| {
        // Before the rotations: a chunk belongs into the file that was current when it was taken.
        let file = |id| outlets.with_file(id).map(Outlet::file);
        let (spool, lost) = Spool::adopt(chunk, journal, file);
        if let Some((file, lost)) = lost {
            outlets.note_lost(file, &lost, ties);
        }
        spool
    });
    outlets.finish_rotations(ties);
    (outlets, spool)
}

impl fmt::Debug for Plane {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plane").finish_non_exhaustive()
    }
}

impl Handle {
    fn tell(&self, command: Command) {
        // A plane that was shut down obeys nobody.
        if self.commands.send(command).is_ok() {
            // The only error is a counter that is full, which wakes as well.
            let _ = rustix::io::write(&*self.wake, &1u64.to_ne_bytes());
        }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.tell(Command::Shutdown);
    }
}
