//! What anybody may send to a server.
//!
//! The first byte says in which pieces the rest is sent, and whether the server asks for a password.
//! The client sends all the rest, says that this was all, and reads to the end.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use minder_api::{Ask, Interface, Problem, Reply, Source, sse};
use minder_http::server::site::Site;
use minder_http::server::{Credentials, serve_connection};
use minder_rpc::{Answer, Call, Channel, Fault, FaultCode, LogFollow, LogRef, Service, Tail};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex, split};
use tokio::task::yield_now;
use tokio::time::timeout;

use crate::pieces::pieces;

/// How long a connection may take. Nothing that is done here waits for time to pass, but the machine
/// may have better things to do: ten seconds were too few for a fuzzer that had only idle time.
const DEADLINE: Duration = Duration::from_secs(120);

/// How much the stream between holds: all answers to what is tried. While an answer waits for room,
/// hyper (1.12) refuses a malformed request that follows ahead of it, against an assertion of its own
/// that builds for debugging check; it harms no one but whoever sent that.
const ROOM: usize = 4 << 20;

/// How much a server may answer to one byte, on average: the web page has some thousand bytes, and
/// is asked for by a line.
const ANSWER_PER_BYTE: usize = 1 << 12;

pub(crate) fn run(bytes: &[u8]) {
    let Some((seed, said)) = bytes.split_first() else {
        return;
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .expect("a runtime without sockets can be made");
    runtime.block_on(async {
        let (near, far) = duplex(ROOM);
        let credentials = (seed % 2 == 1).then(|| Credentials::new("user", "123"));
        let server = serve_connection(near, credentials, Arc::new(Fake));
        let client = tokio::spawn(talk(far, *seed, said.to_vec()));
        let ended = timeout(DEADLINE, server).await;
        ended.expect("a connection ends when its client has gone");
        is_sound(said, &client.await.expect("the client does not panic"));
    });
}

/// Says everything, and hears everything.
async fn talk(stream: DuplexStream, seed: u8, said: Vec<u8>) -> Vec<u8> {
    let (mut from, mut to) = split(stream);
    let saying = tokio::spawn(async move {
        for piece in pieces(seed, &said) {
            // The server may have had enough before.
            if to.write_all(piece).await.is_err() {
                break;
            }
            yield_now().await;
        }
        let _ = to.shutdown().await;
    });
    let mut answer = Vec::new();
    let heard = from.read_to_end(&mut answer).await;
    heard.expect("a stream in memory can be read");
    saying.await.expect("saying something does not panic");
    answer
}

fn is_sound(said: &[u8], answer: &[u8]) {
    assert!(answer.len() <= (said.len() + 1) * ANSWER_PER_BYTE);
    if !answer.is_empty() {
        assert!(answer.starts_with(b"HTTP/1."), "{}", answer.escape_ascii());
    }
}

/// Knows one process, whose log ends.
struct Fake;

impl Site for Fake {}

impl Service for Fake {
    async fn call(&self, call: Call) -> Result<Answer, Fault> {
        match call {
            Call::GetApiVersion | Call::GetSupervisorVersion | Call::GetIdentification => {
                Ok(Answer::Text("<&>".to_owned()))
            }
            Call::GetPid => Ok(Answer::Int(42)),
            Call::GetAllProcessInfo => Ok(Answer::ProcessInfos(Vec::new())),
            Call::StopAllProcesses { .. } | Call::StartAllProcesses { .. } => {
                Ok(Answer::Outcomes(Vec::new()))
            }
            Call::TailProcessLog { .. } => Ok(Answer::Tail(Tail::default())),
            Call::ReadProcessLog { name, .. } => Ok(Answer::Text(name)),
            Call::StartProcess { name, .. } | Call::GetProcessInfo { name } if name != "web" => {
                Err(Fault::about(FaultCode::BadName, name))
            }
            _ => Ok(Answer::Done),
        }
    }

    fn follow(&self, log: LogRef) -> Option<Box<dyn LogFollow>> {
        match log {
            LogRef::Main => Some(Box::new(Log::new())),
            LogRef::Process {
                name,
                channel: Channel::Stdout,
            } if name == "web" => Some(Box::new(Log::new())),
            LogRef::Process { .. } => None,
        }
    }
}

impl Interface for Fake {
    async fn answer(&self, ask: Ask) -> Result<Reply, Problem> {
        match ask {
            Ask::Process { name } if name != "web" => Err(Problem::not_found(name)),
            Ask::Stream { .. } | Ask::FollowLog { .. } => Ok(Reply::events(Few(3))),
            other => Ok(Reply::json(&format!("{other:?}"))),
        }
    }
}

/// Says a few things.
struct Few(u8);

impl Source for Few {
    fn poll_next(&mut self, _: &mut Context<'_>) -> Poll<Option<Vec<u8>>> {
        self.0 = match self.0.checked_sub(1) {
            Some(left) => left,
            None => return Poll::Ready(None),
        };
        Poll::Ready(Some(sse::frame("event", Some("1"), &self.0)))
    }
}

/// Says something twice, and then cannot be read any more.
struct Log(VecDeque<Vec<u8>>);

impl Log {
    fn new() -> Self {
        Self([b"one\n".to_vec(), b"two\n".to_vec()].into())
    }
}

impl LogFollow for Log {
    fn read_more(&mut self) -> io::Result<Vec<u8>> {
        let next = self.0.pop_front();
        next.ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}
