//! Sending lines to the system's log daemon, as `syslog(3)` does.
//!
//! Whoever has something to say never waits for the log daemon. Of the daemon's own lines, what is
//! not taken at once is dropped; the log counts it. What programs say goes through [`Syslog`], which keeps what comes
//! faster than it is taken, up to a bound.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use jiff::civil::DateTime;
use rustix::event::{PollFd, PollFlags, poll};

use crate::plane::Tap;
use crate::strip::{Position, strip};

/// Where log daemons listen.
const SOCKET: &str = "/dev/log";

/// Facility `user`, severity `info`: what `syslog(3)` takes unless told otherwise.
const PRIORITY: u8 = 1 << 3 | 6;

/// What lines are filed under: Supervisor's own name, whatever file this program is in.
const NAME: &str = "supervisord";

/// How many bytes may wait for a log daemon that is slow: what a program writes in a burst.
const MAX_WAITING: usize = 4 << 20;

/// How long the last lines may take at the end.
const FAREWELL: Duration = Duration::from_secs(1);

/// The connection to the log daemon, made when there is something to say. Lines that it does not
/// take at once are dropped.
#[derive(Debug)]
pub(crate) struct Connection {
    path: PathBuf,
    socket: Option<Arc<UnixDatagram>>,
}

impl Default for Connection {
    fn default() -> Self {
        Self::to(SOCKET.into())
    }
}

impl Connection {
    pub(crate) fn to(path: PathBuf) -> Self {
        Self { path, socket: None }
    }

    /// Sends one line. Says whether it was taken: nobody can be told of an error, for this is where
    /// it would be.
    pub(crate) fn send(&mut self, now: DateTime, line: &str) -> bool {
        self.try_send(&message(now, line.as_bytes())).is_ok()
    }

    /// Sends a message, unless the log daemon does not take it now (`WouldBlock`) or at all.
    fn try_send(&mut self, message: &[u8]) -> io::Result<()> {
        match self.send_once(message) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock || is_too_long(&error) => {
                Err(error)
            }
            // A log daemon that was started anew is found at the second attempt.
            Err(_) => {
                self.socket = None;
                self.send_once(message)
            }
            Ok(()) => Ok(()),
        }
    }

    fn send_once(&mut self, message: &[u8]) -> io::Result<()> {
        let socket = match &self.socket {
            Some(socket) => socket,
            None => self.socket.insert(self.connect()?),
        };
        socket.send(message).map(drop)
    }

    fn connect(&self) -> io::Result<Arc<UnixDatagram>> {
        let socket = UnixDatagram::unbound()?;
        socket.set_nonblocking(true)?;
        socket.connect(&self.path)?;
        Ok(Arc::new(socket))
    }
}

fn is_too_long(error: &io::Error) -> bool {
    rustix::io::Errno::from_io_error(error) == Some(rustix::io::Errno::MSGSIZE)
}

/// A message as log daemons expect it from programs of the same machine.
fn message(now: DateTime, line: &[u8]) -> Vec<u8> {
    let date = now.strftime("%b %e %H:%M:%S");
    let mut message = format!("<{PRIORITY}>{date} {NAME}: ").into_bytes();
    message.extend_from_slice(line);
    message
}

/// What [`Syslog`] tells the daemon.
#[derive(Debug)]
pub enum SyslogNotice {
    /// Lines do not reach the log daemon. Told once, until they do again.
    Trouble(io::Error),
    /// They do again.
    Recovered {
        /// How many lines did not reach it meanwhile.
        lost: u64,
    },
}

/// Sends what programs say. Clones share one connection.
///
/// A line is sent at once if the log daemon takes it. Otherwise a thread sends it, and what comes
/// after it, in order, as soon as they are taken; what waits is bounded, and what is too much is
/// dropped and counted.
#[derive(Clone)]
pub struct Syslog(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    /// Notified when a queue begins, and when it is empty.
    changed: Condvar,
    notices: Box<dyn Fn(SyslogNotice) + Send + Sync>,
}

struct State {
    connection: Connection,
    waiting: VecDeque<Vec<u8>>,
    /// How many bytes wait.
    bytes: usize,
    /// Whether there is a thread for what waits.
    has_thread: bool,
    /// Whether lines are being lost, as the daemon was told.
    in_trouble: bool,
    /// How many lines were lost since then.
    lost: u64,
}

impl Syslog {
    /// Lines for the system's log daemon. `notices` is called by whoever sends, and waited for.
    #[must_use]
    pub fn new(notices: impl Fn(SyslogNotice) + Send + Sync + 'static) -> Self {
        Self::at(SOCKET.into(), notices)
    }

    /// Lines for a log daemon that listens elsewhere, as those of tests do.
    pub fn at(path: PathBuf, notices: impl Fn(SyslogNotice) + Send + Sync + 'static) -> Self {
        let state = State {
            connection: Connection::to(path),
            waiting: VecDeque::new(),
            bytes: 0,
            has_thread: false,
            in_trouble: false,
            lost: 0,
        };
        Self(Arc::new(Shared {
            state: Mutex::new(state),
            changed: Condvar::new(),
            notices: Box::new(notices),
        }))
    }

    /// Sends what a stream of the process `name` brings, without ANSI escape sequences if those
    /// are to be left out.
    ///
    /// As in Supervisor each line of each chunk is a message that begins with the name: a line
    /// that comes in two pieces becomes two messages, and newlines at the end of a chunk are no
    /// lines.
    #[must_use]
    pub fn tap(&self, name: &str, strip_ansi: bool) -> Tap {
        let (syslog, name) = (self.clone(), name.to_owned());
        let mut position = Position::default();
        let mut stripped = Vec::new();
        Box::new(move |said| {
            if strip_ansi {
                stripped.clear();
                position = strip(position, said, &mut stripped);
                syslog.send_chunk(&name, &stripped);
            } else {
                syslog.send_chunk(&name, said);
            }
        })
    }

    fn send_chunk(&self, name: &str, chunk: &[u8]) {
        if chunk.is_empty() {
            return;
        }
        let now = crate::main_log::now();
        let end = chunk.iter().rposition(|byte| *byte != b'\n');
        let text = end.map_or(&[][..], |end| &chunk[..=end]);
        for line in text.split(|byte| *byte == b'\n') {
            self.send(message(now, &[name.as_bytes(), b" ", line].concat()));
        }
    }

    fn send(&self, message: Vec<u8>) {
        let Shared { notices, .. } = &*self.0;
        let mut state = self.0.state();
        if state.waiting.is_empty() {
            match state.connection.try_send(&message) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                sent => return state.note(sent, notices),
            }
        }
        if state.bytes + message.len() > MAX_WAITING || !self.begin_thread(&mut state) {
            return state.note(Err(io::ErrorKind::WouldBlock.into()), notices);
        }
        state.bytes += message.len();
        state.waiting.push_back(message);
        self.0.changed.notify_all();
    }

    /// Starts the thread that sends what waits, unless it is there. Without one nothing may wait;
    /// says whether there is one.
    fn begin_thread(&self, state: &mut State) -> bool {
        if !state.has_thread {
            let shared = Arc::clone(&self.0);
            let thread = thread::Builder::new().name("syslog".to_owned());
            state.has_thread = thread.spawn(move || shared.send_what_waits()).is_ok();
        }
        state.has_thread
    }

    /// Waits until everything is sent, but not for long.
    pub fn finish(&self) {
        let waits = |state: &mut State| !state.waiting.is_empty();
        let state = self.0.state();
        // Whether it was in time makes no difference any more.
        let _ = self.0.changed.wait_timeout_while(state, FAREWELL, waits);
    }
}

impl fmt::Debug for Syslog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Syslog").finish_non_exhaustive()
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        // Whoever panicked has at worst lost a line.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends what waits, for ever.
    fn send_what_waits(&self) {
        let mut state = self.state();
        loop {
            let is_idle = |state: &mut State| state.waiting.is_empty();
            state = self
                .changed
                .wait_while(state, is_idle)
                .unwrap_or_else(PoisonError::into_inner);
            if let Some(socket) = state.connection.socket.clone() {
                drop(state);
                wait_for_room(&socket);
                state = self.state();
            }
            state.send_some(&self.notices);
            if state.waiting.is_empty() {
                self.changed.notify_all();
            }
        }
    }
}

fn wait_for_room(socket: &UnixDatagram) {
    // An error shows when something is sent.
    let _ = poll(&mut [PollFd::new(socket, PollFlags::OUT)], None);
}

impl State {
    /// Sends what waits until the log daemon takes no more.
    fn send_some(&mut self, notices: &dyn Fn(SyslogNotice)) {
        while let Some(message) = self.waiting.front() {
            let sent = self.connection.try_send(message);
            if matches!(&sent, Err(error) if error.kind() == io::ErrorKind::WouldBlock) {
                return;
            }
            self.bytes -= message.len();
            self.waiting.pop_front();
            self.note(sent, notices);
        }
    }

    /// Counts a message that was lost, and tells the daemon where that begins and ends.
    fn note(&mut self, sent: io::Result<()>, notices: &dyn Fn(SyslogNotice)) {
        match sent {
            // As long as something waits, more may be lost at any moment.
            Ok(()) if self.in_trouble && self.waiting.is_empty() => {
                self.in_trouble = false;
                let lost = std::mem::take(&mut self.lost);
                notices(SyslogNotice::Recovered { lost });
            }
            Ok(()) => {}
            Err(error) => {
                self.lost += 1;
                if !std::mem::replace(&mut self.in_trouble, true) {
                    notices(SyslogNotice::Trouble(error));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
