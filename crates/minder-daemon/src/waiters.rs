//! Who waits for which answer.

use std::collections::BTreeMap;

use minder_core::{Reply, RequestId};
use tokio::sync::oneshot;

/// The requests that have not been answered yet.
#[derive(Default)]
pub(crate) struct Waiters {
    open: BTreeMap<RequestId, oneshot::Sender<Reply>>,
    last: u64,
}

impl Waiters {
    /// Gives a request its identity, and remembers whom to answer.
    pub(crate) fn add(&mut self, answer: oneshot::Sender<Reply>) -> RequestId {
        self.last += 1;
        let request = RequestId(self.last);
        self.open.insert(request, answer);
        request
    }

    /// Whether nobody waits.
    pub(crate) fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    /// Answers a request. Whoever asked may have gone away: the action counts all the same.
    pub(crate) fn answer(&mut self, request: RequestId, reply: Reply) {
        if let Some(answer) = self.open.remove(&request) {
            let _ = answer.send(reply);
        }
    }
}
