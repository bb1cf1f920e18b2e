//! Streams: what happens, as it happens, and what is added to logs.
//!
//! A stream has no queue of its own. It remembers the last event that its reader was sent, and takes
//! what comes next out of the history whenever the reader has room; a reader who is too slow falls
//! behind, costs nothing meanwhile, and is told so when what it has not seen is no longer kept. The
//! driver wakes one task, the [`Herald`], whatever the number of readers is.

use std::sync::{Arc, Once};
use std::task::{Context, Poll};
use std::time::Duration;

use minder_api::body::{Added, Begun, LogReset};
use minder_api::{LogOf, Place, Problem, Reply, Source, sse};
use minder_logs::browse::{Cursor, Part, Piece};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at, sleep};

use super::super::{Api, blocking, find};
use super::events::event;
use super::logs::lossy;
use super::processes::{all_figures, every, pid_of};
use crate::figures::Figures;
use crate::history::{History, Since};
use crate::link::now;
use crate::published::Published;

/// How many events are put into one piece of a stream.
const AT_ONCE: usize = 100;

/// How often figures are measured and told.
const FIGURES_EVERY: Duration = Duration::from_secs(5);

/// After how long a silent stream says that it is still there: proxies close what is silent for a
/// minute.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// How often a log that is followed is looked at: as that of `/logtail`.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// Tells the readers of streams that something has happened.
pub(crate) struct Herald {
    begun: Once,
    told: watch::Sender<()>,
}

impl Default for Herald {
    fn default() -> Self {
        Self {
            begun: Once::new(),
            told: watch::Sender::new(()),
        }
    }
}

impl Herald {
    /// Says when there are new events. Whoever is the first to listen has the telling begin.
    fn listen(&self, history: &Arc<History>) -> watch::Receiver<()> {
        self.begun.call_once(|| {
            let (history, told) = (Arc::clone(history), self.told.clone());
            tokio::spawn(async move {
                loop {
                    history.changed().await;
                    told.send_replace(());
                }
            });
        });
        self.told.subscribe()
    }
}

/// What a stream is sent through. It holds one piece: while that is not read, no other is made.
struct Pieces(mpsc::Receiver<Vec<u8>>);

impl Source for Pieces {
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Vec<u8>>> {
        self.0.poll_recv(cx)
    }
}

/// Begins a stream that `work` fills until nobody reads it any more.
fn stream<W>(work: impl FnOnce(mpsc::Sender<Vec<u8>>) -> W) -> Reply
where
    W: Future<Output = Option<()>> + Send + 'static,
{
    let (pieces, read) = mpsc::channel(1);
    let unread = pieces.clone();
    let work = work(pieces);
    tokio::spawn(async move {
        tokio::select! {
            _ = work => {}
            () = unread.closed() => {}
        }
    });
    Reply::events(Pieces(read))
}

impl Api {
    /// What happens from now on, or since the event that the reader has seen last.
    pub(super) fn stream(&self, after: Option<u64>, figures: Vec<String>) -> Reply {
        let events = Events {
            news: self.herald.listen(&self.history),
            history: self.history.clone(),
            published: self.published.clone(),
            figures: self.figures.clone(),
            keeper: self.keeper_pid,
            generation: self.generation,
            looked_at: figures,
            at: 0,
        };
        stream(|pieces| events.send(after, pieces))
    }

    /// What is added to a log, from now on or from a place on.
    pub(super) async fn follow_log(
        &self,
        log: &LogOf,
        after: Option<Place>,
    ) -> Result<Reply, Problem> {
        let path = self.log_path(log)?;
        let after = after.map(|place| (place.file, place.offset));
        let begun = blocking(move || Cursor::begin(&path, after)).await?;
        let cursor = begun.map_err(|_| Problem::not_found("there is no such log"))?;
        Ok(stream(|pieces| follow(cursor, pieces)))
    }
}

/// The sender of one stream of events.
struct Events {
    news: watch::Receiver<()>,
    history: Arc<History>,
    published: Arc<Published>,
    figures: Arc<Figures>,
    keeper: u32,
    generation: u32,
    /// The processes to measure, as given.
    looked_at: Vec<String>,
    /// The last event that was sent.
    at: u64,
}

impl Events {
    /// Sends until nobody reads: `None` then.
    async fn send(mut self, after: Option<u64>, pieces: mpsc::Sender<Vec<u8>>) -> Option<()> {
        self.at = after.unwrap_or_else(|| self.history.last());
        pieces
            .send([sse::preface(), self.begun("begun")].concat())
            .await
            .ok()?;
        let mut figures = ticker(Duration::ZERO, FIGURES_EVERY);
        let mut heartbeat = ticker(HEARTBEAT, HEARTBEAT);
        loop {
            self.news.borrow_and_update();
            while let Some(piece) = self.next() {
                pieces.send(piece).await.ok()?;
                heartbeat.reset();
            }
            tokio::select! {
                changed = self.news.changed() => changed.ok()?,
                _ = figures.tick(), if !self.looked_at.is_empty() => {
                    let piece = self.measure().await?;
                    pieces.send(piece).await.ok()?;
                    heartbeat.reset();
                }
                _ = heartbeat.tick() => pieces.send(sse::HEARTBEAT.to_vec()).await.ok()?,
            }
        }
    }

    /// The next events, if there are any.
    fn next(&mut self) -> Option<Vec<u8>> {
        match self.history.since(self.at, AT_ONCE) {
            Since::Events(events) => {
                self.at = events.last()?.id;
                let frames = events.iter().map(|happened| {
                    let id = happened.id.to_string();
                    sse::frame("event", Some(&id), &event(happened))
                });
                Some(frames.collect::<Vec<_>>().concat())
            }
            Since::Gap(last) => {
                self.at = last;
                Some(self.begun("reset"))
            }
        }
    }

    fn begun(&self, name: &str) -> Vec<u8> {
        let begun = Begun {
            last_event: self.history.last(),
            generation: self.generation,
        };
        // From here on, whoever is cut off.
        sse::frame(name, Some(&self.at.to_string()), &begun)
    }

    async fn measure(&self) -> Option<Vec<u8>> {
        let picture = self.published.latest();
        let named: Vec<_> = if self.looked_at.iter().any(|name| name == "*") {
            every(&picture)
                .filter_map(|(group, process)| pid_of(group, process))
                .collect()
        } else {
            let found = self.looked_at.iter();
            let found = found.filter_map(|name| find(&picture.view, name).ok());
            found
                .filter_map(|(group, process)| pid_of(group, process))
                .collect()
        };
        let pids: Vec<_> = named.iter().map(|(_, pid)| *pid).collect();
        let (figures, keeper) = (self.figures.clone(), self.keeper);
        let readings = blocking(move || figures.measure(pids, keeper, now()))
            .await
            .ok()?;
        Some(sse::frame("figures", None, &all_figures(named, &readings)))
    }
}

/// Sends what is added to a log until nobody reads, or the log cannot be read: `None` then.
async fn follow(mut cursor: Cursor, pieces: mpsc::Sender<Vec<u8>>) -> Option<()> {
    pieces
        .send([sse::preface(), sse::mark(&place(&cursor))].concat())
        .await
        .ok()?;
    let mut heartbeat = ticker(HEARTBEAT, HEARTBEAT);
    loop {
        let frame = match cursor.read_more().ok()? {
            Piece::Nothing => {
                tokio::select! {
                    () = sleep(LOOK_EVERY) => {}
                    _ = heartbeat.tick() => pieces.send(sse::HEARTBEAT.to_vec()).await.ok()?,
                }
                continue;
            }
            Piece::Added(part) => added(part, &place(&cursor)),
            Piece::Break(broken) => {
                let reason = broken.name().to_owned();
                sse::frame("reset", Some(&place(&cursor)), &LogReset { reason })
            }
        };
        pieces.send(frame).await.ok()?;
        heartbeat.reset();
    }
}

fn place(cursor: &Cursor) -> String {
    let (file, offset) = cursor.place();
    Place { file, offset }.to_string()
}

fn added(part: Part, place: &str) -> Vec<u8> {
    let added = Added {
        path: part.file.path.to_string_lossy().into_owned(),
        offset: part.offset,
        text: lossy(part.bytes),
    };
    sse::frame("added", Some(place), &added)
}

fn ticker(first: Duration, period: Duration) -> Interval {
    let mut ticker = interval_at(Instant::now() + first, period);
    ticker.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticker
}
