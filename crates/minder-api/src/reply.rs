//! What is answered, as bytes and their type.

use std::task::{Context, Poll};

use serde::Serialize;

use crate::{Ask, Problem};

/// Who answers.
pub trait Interface: Send + Sync + 'static {
    /// Answers `ask`, which may take as long as a program takes to start or to stop.
    ///
    /// What was asked for happens even if nobody waits for the answer any more.
    fn answer(&self, ask: Ask) -> impl Future<Output = Result<Reply, Problem>> + Send;
}

/// An answer.
pub struct Reply {
    /// What sort of bytes.
    pub kind: &'static str,
    /// The bytes.
    pub content: Content,
}

/// The bytes of an answer.
pub enum Content {
    /// All of them.
    Whole(Vec<u8>),
    /// They go on for as long as somebody reads them.
    Endless(Box<dyn Source>),
}

/// An answer that goes on.
pub trait Source: Send {
    /// The next piece, or `None` at the end.
    ///
    /// Nothing is asked for while the client does not read: who has something to say meanwhile must
    /// not gather it without a bound.
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Vec<u8>>>;
}

/// The type of JSON.
pub const JSON: &str = "application/json";
/// The type of a problem.
pub const PROBLEM: &str = "application/problem+json";
/// The type of server-sent events.
pub const EVENTS: &str = "text/event-stream";

impl Reply {
    /// JSON.
    #[must_use]
    pub fn json<T: Serialize>(body: &T) -> Self {
        let bytes =
            serde_json::to_vec(body).expect("what has no maps with odd keys can be written");
        Self::whole(JSON, bytes)
    }

    /// All bytes at once.
    #[must_use]
    pub fn whole(kind: &'static str, bytes: Vec<u8>) -> Self {
        let content = Content::Whole(bytes);
        Self { kind, content }
    }

    /// Server-sent events.
    #[must_use]
    pub fn events(source: impl Source + 'static) -> Self {
        Self {
            kind: EVENTS,
            content: Content::Endless(Box::new(source)),
        }
    }
}
