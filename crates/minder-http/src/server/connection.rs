//! The connections that are open, and how long each is borne with.
//!
//! A connection is always in one [`Phase`], which decides which deadline applies to it and
//! whether it may be closed to make room for another. Knows nothing of HTTP but that.

use std::collections::BTreeMap;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, Sleep, sleep};

use super::{Leave, until};

/// How long the head of a request may take from its first byte on: several retransmissions on a
/// bad line, but no dripping.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);

/// How long a peer may refuse to take any byte of an answer, which is held for it meanwhile.
const STALL_TIMEOUT: Duration = Duration::from_secs(60);

/// How long, and for how many bytes, what a peer sends after its answer is read and dropped.
/// Closing at once would reset the connection, and the answer might be lost with it.
const LINGER_TIMEOUT: Duration = Duration::from_secs(1);
const LINGER_BYTES: usize = 1 << 20;

/// All connections that are open.
pub(super) struct Connections {
    capacity: u32,
    places: Arc<Semaphore>,
    open: Mutex<Open>,
    /// Told each time that a connection begins to wait.
    idle: Arc<Notify>,
}

#[derive(Default)]
struct Open {
    count: u64,
    connections: BTreeMap<u64, Arc<Connection>>,
}

impl Connections {
    pub(super) fn new(capacity: u32) -> Self {
        Self {
            capacity,
            places: Arc::new(Semaphore::new(capacity as usize)),
            open: Mutex::default(),
            idle: Arc::default(),
        }
    }

    /// Finds a place for a new connection, which another may have to leave first.
    pub(super) async fn enter(self: &Arc<Self>) -> Place {
        let permit = loop {
            if let Ok(permit) = self.places.clone().try_acquire_owned() {
                break permit;
            }
            self.make_room();
            let place = self.places.clone().acquire_owned();
            if let Some(place) = until(self.idle.notified(), place).await {
                break place.expect("the semaphore is never closed");
            }
        };
        let connection = Arc::new(Connection::new(self.idle.clone()));
        let mut open = lock(&self.open);
        open.count += 1;
        let number = open.count;
        open.connections.insert(number, connection.clone());
        drop(open);
        Place {
            number,
            connection,
            connections: self.clone(),
            _permit: permit,
        }
    }

    /// Closes the connection that has been waiting for its next request longest, if any waits.
    pub(super) fn make_room(&self) {
        let open = lock(&self.open);
        let waiting = open.connections.values().filter_map(|connection| {
            let since = connection.waiting_since()?;
            Some((since, connection))
        });
        if let Some((_, longest)) = waiting.min_by_key(|(since, _)| *since) {
            longest.dismiss();
        }
    }

    /// Closes all connections, each as soon as it has answered, or as `leave` allows.
    pub(super) fn dismiss_all(&self, leave: Leave) {
        for connection in lock(&self.open).connections.values() {
            lock(&connection.state).is_heard_out = leave == Leave::AfterNewcomers;
            connection.dismiss();
        }
    }

    /// Waits until no connection is open.
    pub(super) async fn all_gone(&self) {
        let all = self.places.acquire_many(self.capacity).await;
        drop(all.expect("the semaphore is never closed"));
    }
}

/// A connection's place among the others, given up when this is dropped.
pub(super) struct Place {
    number: u64,
    connection: Arc<Connection>,
    connections: Arc<Connections>,
    _permit: OwnedSemaphorePermit,
}

impl Place {
    pub(super) fn connection(&self) -> Arc<Connection> {
        self.connection.clone()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        lock(&self.connections.open)
            .connections
            .remove(&self.number);
    }
}

/// One connection, as those see it who must know what it is doing.
pub(super) struct Connection {
    state: Mutex<State>,
    leave: Notify,
    asked: Notify,
    idle: Arc<Notify>,
}

struct State {
    phase: Phase,
    /// How many requests have come.
    requests: u64,
    /// Whether the peer may still be sending what nobody is going to read.
    linger: bool,
    /// Whether it may send its first request although it is dismissed: another server goes on.
    is_heard_out: bool,
}

/// What a connection is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// It waits for the head of a request, or for the rest of one.
    Waiting { since: Instant },
    /// Its request is being answered.
    Answering,
    /// Its answer is being sent.
    Sending,
    /// Its answer goes on for as long as somebody reads it, however slowly.
    Streaming,
}

impl Connection {
    fn new(idle: Arc<Notify>) -> Self {
        let state = State {
            phase: Phase::Waiting {
                since: Instant::now(),
            },
            requests: 0,
            linger: false,
            is_heard_out: false,
        };
        Self {
            state: Mutex::new(state),
            leave: Notify::new(),
            asked: Notify::new(),
            idle,
        }
    }

    /// A request has come.
    pub(super) fn answering(&self) {
        let mut state = lock(&self.state);
        state.phase = Phase::Answering;
        state.requests += 1;
        drop(state);
        self.asked.notify_one();
    }

    /// The answer is there, all of it.
    pub(super) fn sending(&self) {
        lock(&self.state).phase = Phase::Sending;
    }

    /// The answer has begun and has no end.
    pub(super) fn streaming(&self) {
        lock(&self.state).phase = Phase::Streaming;
    }

    /// A part of the request will not be read.
    pub(super) fn linger(&self) {
        lock(&self.state).linger = true;
    }

    /// Resolves when the connection shall be closed.
    pub(super) async fn dismissed(&self) {
        self.leave.notified().await;
    }

    /// Whether there is something left to send when it is dismissed. A log that is followed has no
    /// end: if another server goes on, it is followed there.
    pub(super) fn is_worth_waiting_for(&self) -> bool {
        let state = lock(&self.state);
        match state.phase {
            Phase::Waiting { .. } => false,
            Phase::Answering | Phase::Sending => true,
            Phase::Streaming => !state.is_heard_out,
        }
    }

    /// Whether it may send its first request although it is dismissed.
    pub(super) fn is_heard_out(&self) -> bool {
        let state = lock(&self.state);
        state.is_heard_out && state.requests == 0
    }

    /// Resolves when a request has come.
    pub(super) async fn has_asked(&self) {
        self.asked.notified().await;
    }

    fn dismiss(&self) {
        self.leave.notify_one();
    }

    fn waiting_since(&self) -> Option<Instant> {
        match lock(&self.state).phase {
            Phase::Waiting { since } => Some(since),
            Phase::Answering | Phase::Sending | Phase::Streaming => None,
        }
    }

    fn is_streaming(&self) -> bool {
        lock(&self.state).phase == Phase::Streaming
    }

    /// The number of the request that it waits for.
    fn awaited_request(&self) -> Option<u64> {
        let state = lock(&self.state);
        matches!(state.phase, Phase::Waiting { .. }).then_some(state.requests + 1)
    }

    /// Nothing is left to be sent.
    fn flushed(&self) {
        let mut state = lock(&self.state);
        if state.phase == Phase::Sending {
            state.phase = Phase::Waiting {
                since: Instant::now(),
            };
            drop(state);
            self.idle.notify_one();
        }
    }
}

/// Nothing that is locked here can be left half changed.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A stream whose peer must not be too slow.
pub(super) struct Patient<I> {
    stream: I,
    connection: Arc<Connection>,
    /// The number of the request whose head has begun to come, and when it must be complete.
    head: Option<(u64, Pin<Box<Sleep>>)>,
    /// When the peer must have taken a byte.
    stall: Option<Pin<Box<Sleep>>>,
    /// Until when and for how many more bytes to linger.
    linger: Option<(Pin<Box<Sleep>>, usize)>,
}

impl<I: AsyncRead + AsyncWrite + Unpin> Patient<I> {
    pub(super) fn new(stream: I, connection: Arc<Connection>) -> Self {
        Self {
            stream,
            connection,
            head: None,
            stall: None,
            linger: None,
        }
    }

    fn note_head_bytes(&mut self) {
        let awaited = self.connection.awaited_request();
        let begun = self.head.as_ref().map(|(number, _)| *number);
        if awaited != begun {
            self.head = awaited.map(|number| (number, Box::pin(sleep(HEAD_TIMEOUT))));
        }
    }

    fn poll_head_timeout(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let awaited = self.connection.awaited_request();
        match &mut self.head {
            Some((number, timeout)) if awaited == Some(*number) => timeout
                .as_mut()
                .poll(cx)
                .map(|()| Err(io::ErrorKind::TimedOut.into())),
            _ => Poll::Pending,
        }
    }

    /// What became of writing, unless the peer has refused to read for too long.
    fn patiently<T>(
        &mut self,
        written: Poll<io::Result<T>>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<T>> {
        if written.is_ready() || self.connection.is_streaming() {
            self.stall = None;
            return written;
        }
        let timeout = self
            .stall
            .get_or_insert_with(|| Box::pin(sleep(STALL_TIMEOUT)));
        timeout
            .as_mut()
            .poll(cx)
            .map(|()| Err(io::ErrorKind::TimedOut.into()))
    }

    /// Fails if the peer of an answer without end has gone. Nothing else would tell while there
    /// is nothing to send: nobody reads from the stream meanwhile.
    fn check_watched(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        let mut dropped = [0; 512];
        let mut dropped = ReadBuf::new(&mut dropped);
        match Pin::new(&mut self.stream).poll_read(cx, &mut dropped) {
            Poll::Ready(Ok(())) if dropped.filled().is_empty() => {
                Err(io::ErrorKind::BrokenPipe.into())
            }
            Poll::Ready(read) => read,
            Poll::Pending => Ok(()),
        }
    }

    /// Reads and drops what still comes, until the peer has closed as well or is given up.
    fn poll_linger(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let (timeout, budget) = self
            .linger
            .get_or_insert_with(|| (Box::pin(sleep(LINGER_TIMEOUT)), LINGER_BYTES));
        loop {
            let mut dropped = [0; 4096];
            let mut dropped = ReadBuf::new(&mut dropped);
            match Pin::new(&mut self.stream).poll_read(cx, &mut dropped) {
                Poll::Pending => return timeout.as_mut().poll(cx).map(Ok),
                Poll::Ready(Err(_)) => return Poll::Ready(Ok(())),
                Poll::Ready(Ok(())) => {
                    let count = dropped.filled().len();
                    if count == 0 || count > *budget {
                        return Poll::Ready(Ok(()));
                    }
                    *budget -= count;
                }
            }
        }
    }
}

impl<I: AsyncRead + AsyncWrite + Unpin> AsyncRead for Patient<I> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buffer);
        if buffer.filled().len() > before {
            self.note_head_bytes();
        }
        match read {
            Poll::Ready(read) => Poll::Ready(read),
            Poll::Pending => self.poll_head_timeout(cx),
        }
    }
}

impl<I: AsyncRead + AsyncWrite + Unpin> AsyncWrite for Patient<I> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.patiently(written, cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, bytes);
        self.patiently(written, cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.stream).poll_flush(cx))?;
        if self.connection.is_streaming() {
            return Poll::Ready(self.check_watched(cx));
        }
        self.connection.flushed();
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.linger.is_none() {
            ready!(Pin::new(&mut self.stream).poll_shutdown(cx))?;
        }
        if lock(&self.connection.state).linger {
            self.poll_linger(cx)
        } else {
            Poll::Ready(Ok(()))
        }
    }
}

#[cfg(test)]
mod tests;
