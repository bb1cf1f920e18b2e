//! The socket to the keeper: asking for the inventory, and talking from then on.
//!
//! The keeper takes no request while an answer of its own is waiting to be read. So whoever sends
//! here must be ready to receive: what arrives meanwhile is kept until it is asked for.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use minder_core::{ChildId, ExitStatus, Mono, Now, Signal, Wall};
use minder_logs::plane::Custody;
use minder_os::foreign::Foreign;
use minder_os::{clock, frames};
use minder_wire::{ChildState, Departure, MAX_FRAME, Stream, ToDaemon, ToKeeper, VERSION};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;

use crate::mirror::{Mirror, Mirrored, SharedFd};
use crate::upgrade::Upgrade;

/// Why there is no talking to the keeper.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LinkError {
    /// It is gone.
    #[error("the keeper is gone")]
    Gone,
    /// It says what cannot be understood.
    #[error("cannot understand the keeper: {0}")]
    Garbled(String),
    /// The system refuses.
    #[error("cannot talk to the keeper: {0}")]
    Os(#[from] io::Error),
}

/// The daemon's end of the socket.
pub(crate) struct Link {
    socket: Arc<OwnedFd>,
    mirror: Arc<Mutex<Mirror>>,
    /// For one frame.
    buffer: Vec<u8>,
    /// What arrived while we were sending.
    early: VecDeque<Report>,
}

/// What the keeper says, with the descriptors that rode beside.
pub(crate) type Report = (ToDaemon, Vec<SharedFd>);

/// What a new daemon finds.
pub(crate) struct Inventory {
    /// The pid that the world knows.
    pub(crate) keeper_pid: u32,
    /// How many daemons have died since the start or the last restart.
    pub(crate) generation: u32,
    /// How many restarts there were before this daemon.
    pub(crate) restarts: u32,
    /// How the daemon before this one ended, if not on purpose.
    pub(crate) last_end: Option<ExitStatus>,
    /// What the launcher left.
    pub(crate) note: Vec<u8>,
    /// How the latest upgrade went, if there was one.
    pub(crate) upgrade: Option<Upgrade>,
    /// The children.
    pub(crate) children: Vec<FoundChild>,
    /// What is held, by name.
    pub(crate) held: BTreeMap<Vec<u8>, SharedFd>,
}

/// A child that the keeper has.
pub(crate) struct FoundChild {
    pub(crate) child: ChildId,
    pub(crate) pid: u32,
    /// `group:name`, as given at its start.
    pub(crate) label: String,
    /// Which signals it was sent: bit n stands for signal n.
    pub(crate) signals: u64,
    /// How and when it ended, if it has.
    pub(crate) ended: Option<(ExitStatus, Now)>,
    /// Our ends of its pipes.
    pub(crate) streams: Vec<(Stream, SharedFd)>,
}

impl Link {
    /// A link over `socket`, on which nothing has been said yet.
    pub(crate) fn new(socket: OwnedFd) -> Self {
        Self {
            socket: Arc::new(socket),
            mirror: Arc::default(),
            buffer: vec![0; MAX_FRAME],
            early: VecDeque::new(),
        }
    }

    /// Begins to talk, and asks for everything that the keeper has.
    pub(crate) fn open(&mut self) -> Result<Inventory, LinkError> {
        self.send(&ToKeeper::Hello { version: VERSION }, &[])?;
        let (welcome, _) = self.next()?;
        let ToDaemon::Welcome {
            version,
            keeper_pid,
            generation,
            restarts,
            last_end,
            note,
            upgrade,
        } = welcome
        else {
            return Err(LinkError::Garbled(format!(
                "{welcome:?} instead of a welcome"
            )));
        };
        if version != VERSION {
            return Err(LinkError::Garbled(format!("it speaks version {version}")));
        }
        let mut inventory = Inventory {
            keeper_pid,
            generation,
            restarts,
            last_end: last_end.map(exit_status),
            note,
            upgrade: upgrade.map(Upgrade::from),
            children: Vec::new(),
            held: BTreeMap::new(),
        };
        while self.ask_for_item(&mut inventory)? {}
        Ok(inventory)
    }

    /// Whether there was one more.
    fn ask_for_item(&mut self, inventory: &mut Inventory) -> Result<bool, LinkError> {
        self.send(&ToKeeper::Next, &[])?;
        let (item, beside) = self.next()?;
        match item {
            ToDaemon::InventoryEnd => return Ok(false),
            ToDaemon::Held { name } => {
                // Without its descriptor it was lost on the way: as if it was never held.
                inventory
                    .held
                    .extend(beside.into_iter().next().map(|held| (name, held)));
            }
            ToDaemon::Child {
                child,
                pid,
                label,
                state,
                signals,
                streams,
            } => {
                let ended = match state {
                    ChildState::Running => None,
                    ChildState::Exited {
                        status,
                        mono_nanos,
                        wall_nanos,
                    } => Some((exit_status(status), moment(mono_nanos, wall_nanos))),
                };
                inventory.children.push(FoundChild {
                    child: ChildId(child),
                    pid,
                    label: String::from_utf8_lossy(&label).into_owned(),
                    signals,
                    ended,
                    streams: streams.into_iter().zip(beside).collect(),
                });
            }
            other => {
                return Err(LinkError::Garbled(format!(
                    "{other:?} is no item of an inventory"
                )));
            }
        }
        Ok(true)
    }

    /// Sends one message. Waits for room if it has to, and receives meanwhile.
    pub(crate) fn send(
        &mut self,
        message: &ToKeeper,
        beside: &[BorrowedFd<'_>],
    ) -> Result<(), LinkError> {
        if let (ToKeeper::Hold { name }, [fd]) = (message, beside) {
            // Nobody has given us a share in it; nothing that is held may be missing in the mirror.
            return self.hold(name.clone(), &Arc::new(fd.try_clone_to_owned()?));
        }
        self.transmit(message, beside)
    }

    fn transmit(&mut self, message: &ToKeeper, beside: &[BorrowedFd<'_>]) -> Result<(), LinkError> {
        let frame = message.encode();
        lock(&self.mirror).sent(message);
        loop {
            match frames::send(&*self.socket, &frame, beside) {
                Ok(()) => return Ok(()),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) if is_end(&error) => return Err(LinkError::Gone),
                Err(error) => return Err(error.into()),
            }
            wait(&self.socket, PollFlags::IN | PollFlags::OUT)?;
            while let Some(report) = self.take()? {
                self.early.push_back(report);
            }
        }
    }

    /// Gives the keeper something to hold under this name, in place of what was there before.
    pub(crate) fn hold(&mut self, name: Vec<u8>, fd: &SharedFd) -> Result<(), LinkError> {
        lock(&self.mirror).hold(&name, fd);
        self.transmit(&ToKeeper::Hold { name }, &[fd.as_fd()])
    }

    /// Gives the keeper a child that an earlier one has started.
    pub(crate) fn adopt(
        &mut self,
        child: ChildId,
        process: Foreign,
        label: &str,
    ) -> Result<(), LinkError> {
        let (child, pid, label) = (child.0, process.pid(), label.as_bytes().to_vec());
        let pidfd = process.as_fd().try_clone_to_owned()?;
        lock(&self.mirror).adopt(child, process, label.clone());
        self.transmit(&ToKeeper::Adopt { child, pid, label }, &[pidfd.as_fd()])
    }

    /// What the keeper holds under this name.
    pub(crate) fn held(&self, name: &[u8]) -> Option<SharedFd> {
        lock(&self.mirror).held.get(name).map(Arc::clone)
    }

    /// Whether anybody can still write what would be a child's output.
    pub(crate) fn has_output(&self, child: u64) -> bool {
        let mirror = lock(&self.mirror);
        mirror
            .children
            .get(&child)
            .is_some_and(Mirrored::has_output)
    }

    /// The pid of a child whose end has not been acknowledged.
    pub(crate) fn pid(&self, child: u64) -> Option<u32> {
        let mirror = lock(&self.mirror);
        mirror.children.get(&child).map(|child| child.pid)
    }

    /// Waits until the keeper has done everything that it was asked for.
    pub(crate) fn synchronise(&mut self) -> Result<(), LinkError> {
        self.send(&ToKeeper::Next, &[])?;
        // An earlier question may not have been answered either.
        while lock(&self.mirror).questions > 0 {
            match self.take()? {
                Some((ToDaemon::InventoryEnd, _)) => {}
                Some(other) => self.early.push_back(other),
                None => wait(&self.socket, PollFlags::IN)?,
            }
        }
        Ok(())
    }

    /// Asks the keeper to confirm the signals that it was asked to send, and does not wait for it: until
    /// it has, they are sent by whoever comes after it.
    pub(crate) fn confirm_signals(&mut self) -> Result<(), LinkError> {
        let is_due = lock(&self.mirror).asks_for_confirmation();
        if is_due {
            self.send(&ToKeeper::Next, &[])?;
        }
        Ok(())
    }

    /// What the keeper has said, if it has.
    pub(crate) fn receive(&mut self) -> Result<Option<Report>, LinkError> {
        match self.early.pop_front() {
            Some(report) => Ok(Some(report)),
            None => self.take(),
        }
    }

    /// Whether [`receive`](Self::receive) has something although the socket may not be readable.
    pub(crate) fn has_early(&self) -> bool {
        !self.early.is_empty()
    }

    /// Another way into the same socket.
    pub(crate) fn outbox(&self) -> Outbox {
        Outbox {
            socket: Arc::clone(&self.socket),
            mirror: Arc::clone(&self.mirror),
        }
    }

    /// The next thing that the keeper says.
    fn next(&mut self) -> Result<Report, LinkError> {
        loop {
            if let Some(report) = self.receive()? {
                return Ok(report);
            }
            wait(&self.socket, PollFlags::IN)?;
        }
    }

    fn take(&mut self) -> Result<Option<Report>, LinkError> {
        take(&self.socket, &self.mirror, &mut self.buffer)
    }
}

fn take(
    socket: &OwnedFd,
    mirror: &Mutex<Mirror>,
    buffer: &mut [u8],
) -> Result<Option<Report>, LinkError> {
    let received = match frames::receive(socket, buffer) {
        // Only the note that the other end has closed with frames of ours unread: its own last
        // ones are still to come.
        Err(error) if error.kind() == io::ErrorKind::ConnectionReset => {
            frames::receive(socket, buffer)
        }
        received => received,
    };
    match received {
        // Descriptors that were lost are with the keeper still: another daemon gets them.
        Ok(Some(received)) if !received.whole => {
            Err(LinkError::Garbled("too many open files".to_owned()))
        }
        Ok(Some(received)) => match ToDaemon::decode(received.frame) {
            Ok(message) => {
                let beside: Vec<_> = received.beside.into_iter().map(Arc::new).collect();
                lock(mirror).heard(&message, &beside);
                Ok(Some((message, beside)))
            }
            Err(error) => Err(LinkError::Garbled(error.to_string())),
        },
        Ok(None) => Err(LinkError::Gone),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Whether an error of sending means that nobody is at the other end any more.
fn is_end(error: &io::Error) -> bool {
    let ends = [io::ErrorKind::BrokenPipe, io::ErrorKind::ConnectionReset];
    ends.contains(&error.kind())
}

/// A panic ends the daemon, so nothing that is half done is ever seen.
fn lock(mirror: &Mutex<Mirror>) -> MutexGuard<'_, Mirror> {
    mirror.lock().unwrap_or_else(PoisonError::into_inner)
}

impl AsFd for Link {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// Sends to the keeper from elsewhere than the driver: from the log plane's thread, which gives its
/// descriptors into custody, and at the end. The driver keeps receiving meanwhile, so the keeper
/// always gets to its requests.
pub(crate) struct Outbox {
    socket: Arc<OwnedFd>,
    mirror: Arc<Mutex<Mirror>>,
}

impl Outbox {
    /// Says that this daemon ends on purpose. It has to end now.
    pub(crate) fn leave(&self, departure: &Departure) -> Result<(), LinkError> {
        let sent = self.send(&ToKeeper::Leave(departure.clone()), &[]);
        sent.map_err(|error| {
            if is_end(&error) {
                LinkError::Gone
            } else {
                error.into()
            }
        })
    }

    /// What the keeper had, now that it is gone, its last words included. Nothing is given into
    /// custody any more while this is kept.
    pub(crate) fn inherit(&self) -> MutexGuard<'_, Mirror> {
        let mut buffer = vec![0; MAX_FRAME];
        while let Ok(Some(_)) = take(&self.socket, &self.mirror, &mut buffer) {}
        lock(&self.mirror)
    }

    fn send(&self, message: &ToKeeper, beside: &[BorrowedFd<'_>]) -> io::Result<()> {
        let frame = message.encode();
        lock(&self.mirror).sent(message);
        loop {
            match frames::send(&*self.socket, &frame, beside) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    wait(&self.socket, PollFlags::OUT)?;
                }
                other => return other,
            }
        }
    }
}

impl Custody for Outbox {
    /// What the socket has taken is safe: the keeper reads all of it before it starts another
    /// daemon. Without a keeper it is safe in the mirror, which is handed to the next one.
    fn hold(&self, name: &[u8], fd: &SharedFd) -> io::Result<()> {
        lock(&self.mirror).hold(name, fd);
        let name = name.to_vec();
        match self.send(&ToKeeper::Hold { name }, &[fd.as_fd()]) {
            Err(error) if is_end(&error) => Ok(()),
            sent => sent,
        }
    }

    fn release(&self, name: &[u8]) {
        // Without a keeper there is nothing to let go of.
        let _ = self.send(
            &ToKeeper::Release {
                name: name.to_vec(),
            },
            &[],
        );
    }
}

fn wait(socket: &OwnedFd, for_what: PollFlags) -> io::Result<()> {
    match poll(&mut [PollFd::new(socket, for_what)], None) {
        Ok(_) | Err(Errno::INTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Both clocks, now.
pub(crate) fn now() -> Now {
    let clocks = clock::clocks();
    moment(clocks.mono_nanos, clocks.wall_nanos)
}

/// A moment, as the keeper tells it.
pub(crate) fn moment(mono_nanos: u64, wall_nanos: u64) -> Now {
    Now {
        mono: Mono(Duration::from_nanos(mono_nanos)),
        wall: Wall(Duration::from_nanos(wall_nanos)),
    }
}

/// A wait status, understood.
pub(crate) fn exit_status(wait_status: i32) -> ExitStatus {
    let signal = wait_status & 0x7f;
    if signal == 0 {
        let [_, code, ..] = wait_status.to_le_bytes();
        return ExitStatus::Code(code);
    }
    match Signal::from_number(signal) {
        Some(signal) => ExitStatus::Signal {
            signal,
            core_dumped: wait_status & 0x80 != 0,
        },
        None => ExitStatus::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn a_wait_status_is_a_code_or_a_signal() {
        let by = |signal, core_dumped| ExitStatus::Signal {
            signal,
            core_dumped,
        };
        assert_eq!(exit_status(0x0300), ExitStatus::Code(3));
        assert_eq!(exit_status(0xff00), ExitStatus::Code(255));
        assert_eq!(exit_status(9), by(Signal::KILL, false));
        assert_eq!(exit_status(0x80 | 15), by(Signal::TERM, true));
        assert_eq!(exit_status(0x7f), ExitStatus::Unknown);
    }

    /// Answers like a keeper that has nothing, and then says a thousand things before it reads.
    fn talkative_keeper(socket: &OwnedFd) {
        let mut buffer = vec![0; MAX_FRAME];
        let mut receive = || {
            wait(socket, PollFlags::IN).unwrap();
            let received = frames::receive(socket, &mut buffer).unwrap().unwrap();
            ToKeeper::decode(received.frame).unwrap()
        };
        let send = |message: &ToDaemon| loop {
            match frames::send(socket, &message.encode(), &[]) {
                Ok(()) => break,
                Err(error) => assert_eq!(error.kind(), io::ErrorKind::WouldBlock),
            }
            wait(socket, PollFlags::OUT).unwrap();
        };
        assert_eq!(receive(), ToKeeper::Hello { version: VERSION });
        send(&ToDaemon::Welcome {
            version: VERSION,
            keeper_pid: 7,
            generation: 1,
            restarts: 2,
            last_end: Some(9),
            note: b"n".to_vec(),
            upgrade: None,
        });
        assert_eq!(receive(), ToKeeper::Next);
        send(&ToDaemon::InventoryEnd);
        for signal in 0..1000 {
            send(&ToDaemon::Signalled { signal });
        }
        for child in 0..1000 {
            assert_eq!(receive(), ToKeeper::Forget { child });
        }
    }

    #[test]
    fn who_sends_to_a_keeper_that_is_still_talking_loses_nothing() {
        let (ours, theirs) = frames::pair().unwrap();
        let keeper = thread::spawn(move || talkative_keeper(&theirs));
        let mut link = Link::new(ours);
        let inventory = link.open().unwrap();
        assert_eq!((inventory.keeper_pid, inventory.restarts), (7, 2));
        assert_eq!(inventory.last_end, Some(exit_status(9)));
        for child in 0..1000 {
            link.send(&ToKeeper::Forget { child }, &[]).unwrap();
        }
        for expected in 0..1000 {
            let (report, _) = link.next().unwrap();
            assert_eq!(report, ToDaemon::Signalled { signal: expected });
        }
        keeper.join().unwrap();
        assert!(matches!(link.next(), Err(LinkError::Gone)));
    }

    #[test]
    fn who_synchronises_does_not_take_the_answer_to_an_earlier_question_for_its_own() {
        let (ours, theirs) = frames::pair().unwrap();
        let mut link = Link::new(ours);
        let signal = ToKeeper::Signal {
            child: 1,
            signal: 15,
            group: false,
        };
        link.send(&signal, &[]).unwrap();
        link.confirm_signals().unwrap();
        let news = ToDaemon::Signalled { signal: 1 };
        for said in [ToDaemon::InventoryEnd, news.clone(), ToDaemon::InventoryEnd] {
            frames::send(&theirs, &said.encode(), &[]).unwrap();
        }
        link.synchronise().unwrap();
        let (report, _) = link.receive().unwrap().unwrap();
        assert_eq!(report, news);
        assert!(link.receive().unwrap().is_none());
    }
}
