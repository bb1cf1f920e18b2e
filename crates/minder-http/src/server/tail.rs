//! A log as the body of an answer that has no end.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame};
use minder_rpc::LogFollow;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};

/// How often a log that did not grow is looked at again, while somebody watches: as in
/// Supervisor.
const PERIOD: Duration = Duration::from_millis(100);

/// What a log says now and from now on.
pub(super) struct LogBody {
    log: Box<dyn LogFollow>,
    next_look: Interval,
}

impl LogBody {
    pub(super) fn new(log: Box<dyn LogFollow>) -> Self {
        let mut next_look = interval_at(Instant::now() + PERIOD, PERIOD);
        next_look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { log, next_look }
    }
}

impl Body for LogBody {
    type Data = Bytes;
    type Error = Infallible;

    /// One frame for each growth. Ends when the log cannot be read any more: the reader will
    /// come again and be told why.
    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        loop {
            match self.log.read_more() {
                Err(_) => return Poll::Ready(None),
                Ok(growth) if !growth.is_empty() => {
                    return Poll::Ready(Some(Ok(Frame::data(growth.into()))));
                }
                Ok(_) => {}
            }
            ready!(self.next_look.poll_tick(cx));
        }
    }
}
