//! How other threads reach the driver: a queue, and a descriptor that wakes it.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};

use minder_core::{ChildId, ProcessId, Reply, Request};
use minder_logs::plane::Notice;
use minder_rpc::Fault;
use rustix::event::{EventfdFlags, eventfd};
use rustix::io::Errno;
use tokio::sync::oneshot;

use crate::lookups::Answer;
use crate::prospect::Unfit;
use crate::upgrade;

/// What another thread asks the driver for, or tells it.
pub(crate) enum Command {
    /// A user's request. The answer is dropped if nobody waits for it any more.
    Request {
        request: Request,
        answer: oneshot::Sender<Reply>,
    },
    /// Bytes for the standard input of a process.
    SendStdin {
        process: ProcessId,
        bytes: Vec<u8>,
        answer: oneshot::Sender<Result<(), Fault>>,
    },
    /// A client has something to say to listeners. Answered once it is in the snapshot.
    RemoteCommunication {
        kind: String,
        data: String,
        answer: oneshot::Sender<()>,
    },
    /// Another program is to take our place.
    Upgrade { answer: upgrade::Answer },
    /// No client is served any more.
    ClientsGone,
    /// Everything is to begin anew, and what is on disk has been looked at for that.
    RestartChecked(Result<(), Unfit>),
    /// What a start has waited for is known.
    LookedUp { child: ChildId, answer: Answer },
    /// Something the log plane has to say.
    Logs(Notice),
}

/// The driver's end.
pub(crate) struct Mailbox {
    queue: Receiver<Command>,
    wake: Arc<OwnedFd>,
    is_rung: Arc<AtomicBool>,
}

/// The others' end.
#[derive(Clone)]
pub(crate) struct Post {
    queue: Sender<Command>,
    wake: Arc<OwnedFd>,
    /// Whether the driver has been woken, and has not looked since: it need not be woken again.
    is_rung: Arc<AtomicBool>,
}

/// Makes both ends.
pub(crate) fn mailbox() -> std::io::Result<(Post, Mailbox)> {
    let wake = Arc::new(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?);
    let is_rung = Arc::default();
    let (sender, receiver) = mpsc::channel();
    Ok((
        Post {
            queue: sender,
            wake: Arc::clone(&wake),
            is_rung: Arc::clone(&is_rung),
        },
        Mailbox {
            queue: receiver,
            wake,
            is_rung,
        },
    ))
}

impl Post {
    /// Puts a command into the queue. A driver that has ended takes none, and needs none.
    pub(crate) fn send(&self, command: Command) {
        if self.queue.send(command).is_ok() && !self.is_rung.swap(true, Ordering::SeqCst) {
            // The counter can only be full if the driver has been woken 2^64 - 2 times already.
            let _ = rustix::io::write(&self.wake, &1u64.to_ne_bytes());
        }
    }
}

impl Mailbox {
    /// Readable while there may be something to [`take`](Self::take).
    pub(crate) fn fd(&self) -> BorrowedFd<'_> {
        self.wake.as_fd()
    }

    /// Everything that has arrived. Clears the wake-up first, so that none is missed.
    pub(crate) fn take(&self) -> Vec<Command> {
        let mut counter = [0; 8];
        match rustix::io::read(&self.wake, &mut counter) {
            Ok(_) | Err(Errno::AGAIN | Errno::INTR) => {}
            Err(error) => panic!("cannot read the driver's own event counter: {error}"),
        }
        // Whoever saw that it was rung has put his command into the queue before this.
        self.is_rung.swap(false, Ordering::SeqCst);
        self.queue.try_iter().collect()
    }
}
