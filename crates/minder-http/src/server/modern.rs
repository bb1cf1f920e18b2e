//! The modern interface on its way through HTTP.
//!
//! What is asked for and what is answered is `minder-api`'s business, and the daemon's; here is what
//! HTTP has to do with it: bodies and their types, methods, and answers that go on.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body_util::Either;
use hyper::body::{Body, Frame, Incoming};
use hyper::header::{
    ACCEPT, ALLOW, CACHE_CONTROL, CONTENT_LENGTH, CONTENT_TYPE, HeaderName, HeaderValue,
    RETRY_AFTER, SERVER, X_CONTENT_TYPE_OPTIONS,
};
use hyper::http::request::Parts;
use hyper::{Method, Response, StatusCode};
use minder_api::operation::{Request, understand};
use minder_api::reply::PROBLEM;
use minder_api::{Ask, Content, Interface, METRICS, PREFIX, Problem, Source};
use minder_rpc::Service;
use tokio::sync::OwnedSemaphorePermit;

use super::cross_site;
use super::respond::{NAME, NOSNIFF, Reply, Responder, complete, password_wanted};
use super::site::{FileBody, Site};
use super::tail::LogBody;

/// How many streams of events may go on at once, over all listeners: each holds a connection that
/// cannot be closed to make room for another.
pub(super) const STREAMS: usize = 256;

/// How long a body may be, in bytes: ten thousand names, or a good deal of standard input.
const BODY_BYTES: u64 = 1 << 20;

/// Whether a path leads to the modern interface.
pub(super) fn is_modern(path: &str) -> bool {
    let rest = path.strip_prefix(PREFIX);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/')) || path == METRICS
}

/// What HTTP itself has to say no to.
pub(super) fn failure(status: StatusCode) -> Reply {
    let reason = status.canonical_reason().unwrap_or_default();
    let mut reply = refusal(&Problem {
        title: reason.to_owned(),
        ..Problem::new(status.as_u16(), "")
    });
    if status == StatusCode::UNAUTHORIZED {
        reply.headers_mut().extend(password_wanted());
    }
    reply
}

impl<S: Service + Interface + Site> Responder<S> {
    /// Answers a request to the modern interface.
    pub(super) async fn modern(
        &self,
        head: &Parts,
        body: &mut Incoming,
    ) -> Result<Reply, StatusCode> {
        let changes = head.method != Method::GET && head.method != Method::HEAD;
        if changes && cross_site::is_foreign(&head.headers) {
            return Err(StatusCode::FORBIDDEN);
        }
        let body = if body.is_end_stream() || says_empty(head) {
            Vec::new()
        } else {
            self.read(head, body, BODY_BYTES).await?
        };
        if !body.is_empty() && !is_json(head) {
            return Err(StatusCode::UNSUPPORTED_MEDIA_TYPE);
        }
        let text = |name: HeaderName| head.headers.get(name).and_then(|it| it.to_str().ok());
        let ask = understand(&Request {
            method: head.method.as_str(),
            path: head.uri.path(),
            query: head.uri.query().unwrap_or_default(),
            body: &body,
            accept: text(ACCEPT),
            last_event_id: text(HeaderName::from_static("last-event-id")),
        });
        drop(body);
        let answer = match ask {
            Ok(ask) => self.answer_to(ask).await?,
            Err(problem) => Err(problem),
        };
        Ok(answer.unwrap_or_else(|problem| refusal(&problem)))
    }

    async fn answer_to(&self, ask: Ask) -> Result<Result<Reply, Problem>, StatusCode> {
        let answer = self.ask(|service| async move { service.answer(ask).await });
        let answer = match answer.await? {
            Ok(answer) => answer,
            Err(problem) => return Ok(Err(problem)),
        };
        let kind = HeaderValue::from_static(answer.kind);
        let mut reply = match answer.content {
            Content::Whole(bytes) => complete(kind, bytes),
            Content::Endless(source) => {
                let Ok(place) = self.streams.clone().try_acquire_owned() else {
                    return Ok(Err(Problem::new(503, "too many streams are being read")));
                };
                endless(kind, source, place)
            }
        };
        let headers = reply.headers_mut();
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(X_CONTENT_TYPE_OPTIONS, NOSNIFF);
        Ok(Ok(reply))
    }
}

/// Whether a request says itself that it has no body.
fn says_empty(head: &Parts) -> bool {
    head.headers.get(CONTENT_LENGTH).is_some_and(|it| it == "0")
}

/// Whether a body is said to be JSON. Forms of other sites cannot say so.
fn is_json(head: &Parts) -> bool {
    let kind = head.headers.get(CONTENT_TYPE);
    let kind = kind.and_then(|it| it.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default();
    kind.trim().eq_ignore_ascii_case("application/json")
}

fn endless(kind: HeaderValue, source: Box<dyn Source>, place: OwnedSemaphorePermit) -> Reply {
    let events = Events {
        source,
        _place: place,
    };
    let mut reply = Response::new(Either::Right(Endless::Events(events)));
    let headers = reply.headers_mut();
    headers.insert(SERVER, NAME);
    headers.insert(CONTENT_TYPE, kind);
    // Tells a proxy in front of us (nginx) to hand on what comes as it comes.
    let buffering = HeaderName::from_static("x-accel-buffering");
    headers.insert(buffering, HeaderValue::from_static("no"));
    reply
}

fn refusal(problem: &Problem) -> Reply {
    let mut reply = complete(HeaderValue::from_static(PROBLEM), problem.json());
    *reply.status_mut() =
        StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = reply.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, NOSNIFF);
    if let Ok(allow) = HeaderValue::try_from(problem.allow.join(", "))
        && !problem.allow.is_empty()
    {
        headers.insert(ALLOW, allow);
    }
    if problem.status == 503 {
        headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
    }
    reply
}

/// The body of an answer that goes on.
pub(super) enum Endless {
    /// What is added to a log, as Supervisor has it.
    Log(LogBody),
    /// Events.
    Events(Events),
    /// A file, which has an end after all, and takes as long as a slow client needs for it.
    File(FileBody),
}

/// Events as they come. They are asked for only while the client reads.
pub(super) struct Events {
    source: Box<dyn Source>,
    _place: OwnedSemaphorePermit,
}

impl Body for Endless {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match &mut *self {
            Self::Log(log) => Pin::new(log).poll_frame(cx),
            Self::File(file) => Pin::new(file).poll_frame(cx),
            Self::Events(events) => {
                let next = events.source.poll_next(cx);
                next.map(|piece| piece.map(|bytes| Ok(Frame::data(bytes.into()))))
            }
        }
    }
}
