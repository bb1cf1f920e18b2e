//! Requests over a Unix socket: several connections that are kept open, each with one request at a time.

use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use minder_bench::birth::Moment;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// How long a single answer may take.
const PATIENCE: Timespec = Timespec {
    tv_sec: 300,
    tv_nsec: 0,
};

/// What came of it.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// How long each answer took, in ms.
    pub(crate) times: Vec<f64>,
    /// From the first request to the last answer.
    pub(crate) took: Duration,
}

/// Makes requests on each connection in turn for that long.
pub(crate) fn run(
    socket: &Path,
    connections: usize,
    requests: &[Vec<u8>],
    lasting: Duration,
) -> Result<Outcome> {
    let mut open = Vec::with_capacity(connections);
    for _ in 0..connections {
        open.push(Connection::open(socket)?);
    }
    let mut next = requests.iter().cycle();
    let mut ask = move || next.next().context("no request");
    let start = Moment::now();
    for connection in &mut open {
        connection.ask(ask()?)?;
    }
    let mut outcome = Outcome::default();
    while open.iter().any(|connection| connection.waiting) {
        let mut ready: Vec<PollFd> = open
            .iter()
            .map(|connection| PollFd::new(&connection.stream, PollFlags::IN))
            .collect();
        ensure!(
            poll(&mut ready, Some(&PATIENCE))? > 0,
            "no answer for five minutes"
        );
        let ready: Vec<bool> = ready.iter().map(|fd| !fd.revents().is_empty()).collect();
        for (connection, _) in open.iter_mut().zip(ready).filter(|(_, ready)| *ready) {
            if !connection.read()? {
                continue;
            }
            let now = Moment::now();
            outcome
                .times
                .push(now.since(connection.asked).as_secs_f64() * 1e3);
            outcome.took = now.since(start);
            if outcome.took < lasting {
                connection.ask(ask()?)?;
            }
        }
    }
    Ok(outcome)
}

/// Makes one request, and returns its answer's body.
pub(crate) fn once(socket: &Path, request: &[u8]) -> Result<Vec<u8>> {
    let mut connection = Connection::open(socket)?;
    connection.ask(request)?;
    loop {
        let mut ready = [PollFd::new(&connection.stream, PollFlags::IN)];
        ensure!(
            poll(&mut ready, Some(&PATIENCE))? > 0,
            "no answer for five minutes"
        );
        if connection.read()? {
            return Ok(connection.answer);
        }
    }
}

/// A connection with at most one request under way.
struct Connection {
    stream: UnixStream,
    /// What has been read of the answer, head and all.
    answer: Vec<u8>,
    /// How long it is with its head, once that is known.
    expected: Option<usize>,
    asked: Moment,
    waiting: bool,
}

impl Connection {
    fn open(socket: &Path) -> Result<Self> {
        let stream = UnixStream::connect(socket).context("cannot connect")?;
        stream.set_nonblocking(true)?;
        Ok(Self {
            stream,
            answer: Vec::new(),
            expected: None,
            asked: Moment::now(),
            waiting: false,
        })
    }

    /// A request is far smaller than the socket's buffer, so that writing it never waits.
    fn ask(&mut self, request: &[u8]) -> Result<()> {
        self.answer.clear();
        self.expected = None;
        self.asked = Moment::now();
        self.waiting = true;
        Ok(self.stream.write_all(request)?)
    }

    /// Reads what there is; true once the answer is whole.
    fn read(&mut self) -> Result<bool> {
        let mut buffer = [0; 1 << 14];
        loop {
            match self.stream.read(&mut buffer) {
                Ok(0) => bail!("the connection was closed before the answer was whole"),
                Ok(count) => self.answer.extend_from_slice(&buffer[..count]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
                Err(error) => return Err(error.into()),
            }
            if self.expected.is_none() {
                self.expected = length(&self.answer)?;
            }
            if self.expected.is_some_and(|all| self.answer.len() >= all) {
                self.waiting = false;
                return Ok(true);
            }
        }
    }
}

/// How long an answer is with its head; nothing while that is not whole.
fn length(answer: &[u8]) -> Result<Option<usize>> {
    let Some(end) = answer.windows(4).position(|four| four == b"\r\n\r\n") else {
        return Ok(None);
    };
    let head = String::from_utf8_lossy(&answer[..end]);
    ensure!(head.starts_with("HTTP/1.1 200"), "refused: {head}");
    let length = head
        .lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    let (_, length) = length.context("an answer without a length")?;
    Ok(Some(end + 4 + length.trim().parse::<usize>()?))
}
