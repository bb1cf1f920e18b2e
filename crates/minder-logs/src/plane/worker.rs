//! The plane's thread: waits, takes turns, obeys.
//!
//! Whoever has something to say gets one chunk per turn, and between any two chunks the commands
//! are looked at. A stream whose sink takes nothing at the moment is not waited for at all until
//! the sink does; meanwhile its pipe fills, and its writer waits. Between two wake-ups that follow
//! each other closely, output is left to gather ([`Patience`]); commands are not. A stream that keeps
//! bringing something meanwhile is not waited for either, but looked at each time: to be waited for
//! costs its program a sixth of each write.

use std::collections::HashMap;
use std::fs::OpenOptions;
use std::io;
use std::ops::ControlFlow;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

use minder_core::ChildId;
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::OFlags;
use rustix::io::Errno;

use super::outlets::{OutletId, Outlets};
use super::patience::{Patience, Round};
use super::peephole::{Peephole, Seen};
use super::{Channel, Command, Notice, StreamId, Tap};
use crate::outlet::{self, CHUNK, Outlet, Taken, Ties, Treatment};
use crate::sink::{Sink, SinkSpec, leads_to_descriptor};
use crate::spool::{Edit, Spool};

/// How many turns are taken before it is asked anew who has something to say.
const TURNS: usize = 64;

/// The wait of whoever does not wait.
const AT_ONCE: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 0,
};

/// What a pipe holds unless it was told otherwise.
const DEFAULT_PIPE: usize = 64 * 1024;

/// What the pipe of a busy program is made to hold: as much as an unprivileged user may have.
const BUSY_PIPE: usize = 1024 * 1024;

/// By how much a pipe grows each time it is found full.
const PIPE_GROWTH: usize = 4;

/// How many pipes may be grown, since the kernel limits what all the pipes of a user hold.
const MAX_GROWN: usize = 48;

pub(super) struct Worker {
    epoll: OwnedFd,
    wake: Arc<OwnedFd>,
    inbox: Receiver<Command>,
    streams: HashMap<StreamId, Stream>,
    /// Those that are looked at whenever output has gathered, instead of being waited for.
    busy: Vec<StreamId>,
    /// Who is shown what a stream brings.
    taps: HashMap<StreamId, Vec<Tap>>,
    /// What counts the bytes of streams that are not there yet.
    counters: HashMap<StreamId, Arc<AtomicU64>>,
    peephole: Peephole,
    outlets: Outlets,
    /// Made when it is first needed.
    spool: Option<Spool>,
    ties: Ties,
    grown: usize,
    patience: Patience,
    /// What this wake-up has brought so far.
    round: Round,
}

/// One pipe, and where it leads.
struct Stream {
    pipe: Arc<OwnedFd>,
    /// What the pipe holds when it is full, as far as is known.
    capacity: usize,
    to: Option<OutletId>,
    /// What is done to it on the way, if anything.
    edit: Option<Edit>,
    /// How many bytes have gone there.
    counter: Arc<AtomicU64>,
}

/// Whom an event is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Subject {
    Inbox,
    Stream(StreamId),
    Outlet(OutletId),
}

impl Worker {
    pub(super) fn new(
        wake: Arc<OwnedFd>,
        inbox: Receiver<Command>,
        outlets: Outlets,
        spool: Option<Spool>,
        ties: Ties,
    ) -> io::Result<Self> {
        let epoll = epoll::create(CreateFlags::CLOEXEC)?;
        epoll::add(&epoll, &wake, Subject::Inbox.data(), EventFlags::IN)?;
        Ok(Self {
            epoll,
            wake,
            inbox,
            streams: HashMap::new(),
            busy: Vec::new(),
            taps: HashMap::new(),
            counters: HashMap::new(),
            peephole: Peephole::default(),
            outlets,
            spool,
            ties,
            grown: 0,
            patience: Patience::new(),
            round: Round::begin(Duration::ZERO),
        })
    }

    /// Works until told to end.
    pub(super) fn run(mut self) {
        let mut events = Vec::with_capacity(TURNS);
        let mut busy = Vec::new();
        let mut has_gathered = false;
        loop {
            events.clear();
            let start = Instant::now();
            let at_once = (!self.busy.is_empty()).then_some(&AT_ONCE);
            match epoll::wait(
                &self.epoll,
                rustix::buffer::spare_capacity(&mut events),
                at_once,
            ) {
                Ok(_) | Err(Errno::INTR) => {}
                Err(error) => panic!("cannot wait for output: {error}"),
            }
            self.round = Round::begin(start.elapsed());
            std::mem::swap(&mut self.busy, &mut busy);
            let subjects = events.iter().map(|event| Subject::of(event.data));
            if self.go_round(subjects, &mut busy, has_gathered).is_break() {
                return self.outlets.flush(&self.ties);
            }
            let pause = self.patience.after(self.round);
            has_gathered = pause.is_some();
            if let Some(pause) = pause {
                self.let_gather(pause);
            }
        }
    }

    /// Gives a turn to each of `subjects`, which were waited for, and to each of `busy`, which is
    /// empty afterwards: `self.busy` has those that are busy then. Breaks off when that is asked for.
    fn go_round(
        &mut self,
        subjects: impl Iterator<Item = Subject>,
        busy: &mut Vec<StreamId>,
        has_gathered: bool,
    ) -> ControlFlow<()> {
        for subject in subjects {
            match subject {
                Subject::Inbox => self.acknowledge(),
                Subject::Stream(stream) => {
                    if self.take_turn(stream) > 0 && has_gathered {
                        self.stop_waiting(stream);
                    }
                }
                Subject::Outlet(outlet) => self.resume(outlet),
            }
            self.obey()?;
        }
        for stream in busy.drain(..) {
            if self.take_turn(stream) > 0 {
                self.busy.push(stream);
            } else {
                self.wait_again(stream);
            }
            self.obey()?;
        }
        ControlFlow::Continue(())
    }

    /// Looks away from all pipes for so long, or until there is a command.
    fn let_gather(&self, pause: Duration) {
        let mut wake = [PollFd::new(&*self.wake, PollFlags::IN)];
        let pause = Timespec::try_from(pause).expect("a pause is short");
        // Whatever ended it, the next wait tells what there is.
        let _ = poll(&mut wake, Some(&pause));
    }
}

/// Carrying bytes.
impl Worker {
    /// Moves one chunk of `id`, after that of whoever left an unfinished line in the same file. Says
    /// how many bytes that were.
    fn take_turn(&mut self, id: StreamId) -> usize {
        self.finish_cut_line(id);
        let moved = self.carry(id, CHUNK);
        self.note_cut_line(id);
        moved
    }

    /// Lets another stream go on before `id`, if it left an unfinished line in the same file.
    fn finish_cut_line(&mut self, id: StreamId) {
        if let Some(first) = self.whose_line_is_cut(id) {
            self.carry(first, CHUNK);
            self.note_cut_line(first);
        }
    }

    fn whose_line_is_cut(&mut self, id: StreamId) -> Option<StreamId> {
        let to = self.streams.get(&id)?.to?;
        let first = self.outlets.get(to)?.cut_line?;
        (first != id).then_some(first)
    }

    fn note_cut_line(&mut self, id: StreamId) {
        let to = self.streams.get(&id).and_then(|stream| stream.to);
        if let Some(outlet) = to.and_then(|to| self.outlets.get(to))
            && outlet.streams.len() > 1
        {
            outlet.cut_line = (!outlet.ends_with_newline()).then_some(id);
        }
    }

    /// Moves at most `at_most` bytes of a stream, shows them to whoever wants to see them, and
    /// deals with what that shows. Says how many bytes that were.
    fn carry(&mut self, id: StreamId, at_most: usize) -> usize {
        let is_tapped = self.taps.contains_key(&id);
        let Some(stream) = self.streams.get(&id).filter(|_| is_tapped) else {
            return self.carry_unseen(id, at_most);
        };
        match self.peephole.look(&stream.pipe, at_most) {
            Seen::Bytes(seen) => {
                let seen = seen.to_vec();
                let moved = self.carry_unseen(id, seen.len());
                let taps = self.taps.get_mut(&id);
                if let (Some(taps), Some(moved)) = (taps, seen.get(..moved)) {
                    for tap in taps {
                        tap(moved);
                    }
                }
                moved
            }
            Seen::Nothing => 0,
            Seen::End => self.carry_unseen(id, at_most),
        }
    }

    fn carry_unseen(&mut self, id: StreamId, at_most: usize) -> usize {
        let Some(stream) = self.streams.get_mut(&id) else {
            return 0;
        };
        let pipe = stream.pipe.as_fd();
        let ties = &mut self.ties;
        let treatment = match &mut stream.edit {
            None => Treatment::Raw,
            Some(edit) => Treatment::Edited(edit, self.spool.as_mut()),
        };
        let taken = match stream.to {
            None => outlet::read(pipe, &mut ties.scratch, at_most),
            Some(to) => {
                let take = |outlet: &mut Outlet| {
                    let taken = outlet.take(pipe, at_most, treatment, ties);
                    (taken, outlet.is_broken())
                };
                let (taken, is_lost) = self
                    .outlets
                    .change(to, take)
                    .expect("an outlet is kept while streams end in it");
                if let (Taken::Some(bytes), false) = (taken, is_lost) {
                    stream.counter.fetch_add(bytes as u64, Ordering::Relaxed);
                }
                taken
            }
        };
        match taken {
            Taken::Some(bytes) => {
                self.heed_fullness(id, bytes, at_most);
                return bytes;
            }
            Taken::Nothing => {}
            Taken::End => self.close(id),
            Taken::Blocked => self.pause_sink_of(id),
        }
        0
    }

    /// Takes note of how full a pipe was that `taken` bytes were taken from, where `at_most` could
    /// have been, and lets that of a program which fills it hold more.
    fn heed_fullness(&mut self, id: StreamId, taken: usize, at_most: usize) {
        let Some(stream) = self.streams.get_mut(&id) else {
            return;
        };
        self.round.found(stream.fullness(taken), taken == at_most);
        if !stream.was_full(taken) || stream.capacity >= BUSY_PIPE {
            return;
        }
        let was_grown = stream.is_grown();
        if was_grown || self.grown < MAX_GROWN {
            stream.grow();
            self.grown += usize::from(stream.is_grown() && !was_grown);
        }
    }

    fn close(&mut self, id: StreamId) {
        self.taps.remove(&id);
        let Some(stream) = self.streams.remove(&id) else {
            return;
        };
        // Duplicates of the pipe exist, so that closing ours would not end the waiting.
        self.unwatch(&stream.pipe);
        self.grown -= usize::from(stream.is_grown());
        if let Some(to) = stream.to {
            self.finish_edit(to, stream.edit);
            self.outlets.leave(to, id, &self.ties);
        }
        drop(stream.pipe);
        (self.ties.notices)(Notice::Closed(id));
    }

    /// Writes what was held back of a stream that ends, and forgets it.
    fn finish_edit(&mut self, to: OutletId, edit: Option<Edit>) {
        let Some(edit) = edit else {
            return;
        };
        let ties = &self.ties;
        let spool = self.spool.as_mut();
        self.outlets
            .change(to, |outlet| outlet.finish(edit, spool, ties));
        if let Some(spool) = &mut self.spool {
            spool.forget(edit);
        }
    }

    /// Waits for a sink instead of for the streams that end in it.
    fn pause_sink_of(&mut self, id: StreamId) {
        let Some(to) = self.streams.get(&id).and_then(|stream| stream.to) else {
            return;
        };
        let Some(outlet) = self.outlets.get(to) else {
            return;
        };
        let data = Subject::Outlet(to).data();
        if outlet.is_paused
            // Refused for lack of memory, if at all: then the next turn tries again.
            || epoll::add(&self.epoll, outlet.file(), data, EventFlags::OUT).is_err()
        {
            return;
        }
        outlet.is_paused = true;
        let streams = outlet.streams.clone();
        self.busy.retain(|busy| !streams.contains(busy));
        for stream in streams {
            if let Some(stream) = self.streams.get(&stream) {
                self.unwatch(&stream.pipe);
            }
        }
    }

    /// Goes on with the streams of a sink that can be written to again.
    fn resume(&mut self, id: OutletId) {
        let Some(outlet) = self.outlets.get(id) else {
            return;
        };
        if !outlet.flush(&self.ties) {
            return;
        }
        outlet.is_paused = false;
        let streams = outlet.streams.clone();
        // Removing what is not there is no harm.
        let _ = epoll::delete(&self.epoll, outlet.file());
        for id in streams {
            self.watch(id);
        }
    }

    fn watch(&mut self, id: StreamId) {
        if let Some(stream) = self.streams.get(&id) {
            let data = Subject::Stream(id).data();
            if epoll::add(&self.epoll, &stream.pipe, data, EventFlags::IN).is_err() {
                // There is no memory for it, or others wait for too much already: it is looked at,
                // with pauses, until it can be waited for.
                self.busy.push(id);
                self.round.found(0.0, false);
            }
        }
    }

    /// Counts a stream that was waited for among the busy ones, unless its sink is waited for.
    fn stop_waiting(&mut self, id: StreamId) {
        if let Some(stream) = self.streams.get(&id)
            && !self.is_paused(id)
        {
            self.unwatch(&stream.pipe);
            self.busy.push(id);
        }
    }

    /// Waits for a stream, unless its sink is waited for.
    fn wait_again(&mut self, id: StreamId) {
        if !self.is_paused(id) {
            self.watch(id);
        }
    }

    fn is_paused(&self, id: StreamId) -> bool {
        let to = self.streams.get(&id).and_then(|stream| stream.to);
        to.and_then(|to| self.outlets.at(to))
            .is_some_and(|outlet| outlet.is_paused)
    }

    fn unwatch(&self, pipe: &OwnedFd) {
        // It may be paused or busy, and then is not watched.
        let _ = epoll::delete(&self.epoll, pipe);
    }
}

/// Commands.
impl Worker {
    fn acknowledge(&self) {
        let mut count = [0; 8];
        // Nothing to read means that it has been acknowledged before.
        let _ = rustix::io::read(&*self.wake, &mut count);
    }

    /// Does what was asked for meanwhile. Breaks off when that is to end.
    fn obey(&mut self) -> ControlFlow<()> {
        while let Ok(command) = self.inbox.try_recv() {
            match command {
                Command::Attach { stream, pipe, to } => self.attach(stream, pipe, to),
                Command::Adopt { stream, pipe, to } => self.adopt(stream, pipe, to.as_ref()),
                Command::Tap { stream, tap } => self.taps.entry(stream).or_default().push(tap),
                Command::Count { stream, counter } => {
                    self.counters.insert(stream, counter);
                }
                Command::Adopted => self.forget_what_is_unused(),
                Command::Finish(child) => self.finish(child),
                Command::Reopen => self.reopen(),
                Command::Clear { paths, reply } => reply(self.clear(&paths)),
                Command::Shutdown => return ControlFlow::Break(()),
            }
        }
        ControlFlow::Continue(())
    }

    fn attach(&mut self, id: StreamId, pipe: Arc<OwnedFd>, to: Option<Sink>) {
        let is_edited = to.as_ref().is_some_and(|sink| sink.spec.strip_ansi);
        let to = to.map(|sink| self.outlets.join(id, sink, &self.ties));
        self.begin(id, pipe, to, is_edited);
    }

    fn adopt(&mut self, id: StreamId, pipe: Arc<OwnedFd>, to: Option<&SinkSpec>) {
        let is_edited = to.is_some_and(|spec| spec.strip_ansi);
        let to = to.and_then(|spec| {
            let joined = self.outlets.join_again(id, spec, &self.ties);
            joined
                .map_err(|error| {
                    let path = Arc::clone(&spec.path);
                    (self.ties.notices)(Notice::Trouble { path, error });
                })
                .ok()
        });
        self.begin(id, pipe, to, is_edited);
    }

    fn begin(&mut self, id: StreamId, pipe: Arc<OwnedFd>, to: Option<OutletId>, is_edited: bool) {
        if let Ok(flags) = rustix::fs::fcntl_getfl(&pipe) {
            // It could only fail for a pipe that cannot be read either.
            let _ = rustix::fs::fcntl_setfl(&pipe, flags | OFlags::NONBLOCK);
        }
        let edit = (is_edited && to.is_some()).then(|| self.begin_edit(id));
        let counter = self.counters.remove(&id).unwrap_or_default();
        self.streams
            .insert(id, Stream::new(pipe, to, edit, counter));
        self.wait_again(id);
    }

    fn begin_edit(&mut self, id: StreamId) -> Edit {
        if self.spool.is_none() {
            match Spool::new(&*self.ties.custody) {
                Ok(spool) => self.spool = Some(spool),
                Err(error) => {
                    let path = Path::new("the spool").into();
                    (self.ties.notices)(Notice::Trouble { path, error });
                }
            }
        }
        match &mut self.spool {
            Some(spool) => spool.begin(id),
            None => Edit::without_spool(),
        }
    }

    fn forget_what_is_unused(&mut self) {
        self.outlets.release_unused(&self.ties);
        if let Some(spool) = &mut self.spool {
            spool.forget_unclaimed();
        }
    }

    fn finish(&mut self, child: ChildId) {
        for channel in Channel::ALL {
            self.drain(StreamId { child, channel });
        }
        (self.ties.notices)(Notice::Drained(child));
    }

    /// Takes in what is in a pipe now, and of what others add meanwhile at most a chunk.
    fn drain(&mut self, id: StreamId) {
        let Some(stream) = self.streams.get(&id) else {
            return;
        };
        let held = rustix::io::ioctl_fionread(&stream.pipe).unwrap_or(0);
        let mut left = usize::try_from(held).unwrap_or(0);
        if left > 0 {
            self.finish_cut_line(id);
        }
        while left > 0 {
            match self.carry(id, left.min(CHUNK)) {
                0 => break,
                bytes => left = left.saturating_sub(bytes),
            }
        }
        // If nobody is left to write, it is closed now: whoever follows needs the descriptors.
        self.carry(id, CHUNK);
        self.note_cut_line(id);
    }

    fn reopen(&mut self) {
        for id in self.outlets.ids() {
            let ties = &self.ties;
            self.outlets
                .change(id, |outlet| outlet.reopen_by_name(ties));
        }
    }

    fn clear(&mut self, paths: &[PathBuf]) -> io::Result<()> {
        let ties = &self.ties;
        let mut result = Ok(());
        for path in paths {
            let in_use = self.outlets.at_path(path);
            let cleared = match in_use.and_then(|id| self.outlets.change(id, |it| it.clear(ties))) {
                Some(cleared) => cleared,
                None => empty(path),
            };
            result = result.and(cleared);
        }
        result
    }
}

/// Empties a log that nobody writes to, if it is a file of its own name and exists.
fn empty(path: &Path) -> io::Result<()> {
    match path.metadata() {
        Ok(found) if found.is_file() && !leads_to_descriptor(path) => {
            OpenOptions::new().write(true).open(path)?.set_len(0)
        }
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

impl Stream {
    fn new(
        pipe: Arc<OwnedFd>,
        to: Option<OutletId>,
        edit: Option<Edit>,
        counter: Arc<AtomicU64>,
    ) -> Self {
        Self {
            pipe,
            capacity: DEFAULT_PIPE,
            to,
            edit,
            counter,
        }
    }

    /// Which part of what the pipe can hold `taken` is.
    #[expect(
        clippy::cast_precision_loss,
        reason = "pipes hold far less than 2^23 bytes"
    )]
    fn fullness(&self, taken: usize) -> f32 {
        taken as f32 / self.capacity as f32
    }

    /// Whether the pipe may have been full when it held `taken`: its pages need not be, since what
    /// is written at once is not cut to fill one up.
    fn was_full(&self, taken: usize) -> bool {
        taken > self.capacity / 2
    }

    fn is_grown(&self) -> bool {
        self.capacity > DEFAULT_PIPE
    }

    fn grow(&mut self) {
        // An earlier daemon may have made it larger than was assumed.
        let capacity = rustix::pipe::fcntl_getpipe_size(&self.pipe).unwrap_or(BUSY_PIPE);
        let wanted = (capacity * PIPE_GROWTH).min(BUSY_PIPE);
        self.capacity = if capacity < wanted {
            // Refused when this user's pipes hold too much already: then that is that.
            rustix::pipe::fcntl_setpipe_size(&self.pipe, wanted).unwrap_or(BUSY_PIPE)
        } else {
            capacity
        };
    }
}

impl Subject {
    const INBOX: u64 = u64::MAX;
    const OUTLET: u64 = 1 << 63;

    fn data(self) -> EventData {
        EventData::new_u64(match self {
            Self::Inbox => Self::INBOX,
            Self::Outlet(OutletId(id)) => Self::OUTLET | id,
            Self::Stream(StreamId { child, channel }) => match channel {
                Channel::Stdout => child.0 << 1,
                Channel::Stderr => child.0 << 1 | 1,
            },
        })
    }

    fn of(data: EventData) -> Self {
        match data.u64() {
            Self::INBOX => Self::Inbox,
            outlet if outlet & Self::OUTLET != 0 => Self::Outlet(OutletId(outlet & !Self::OUTLET)),
            stream => Self::Stream(StreamId {
                child: ChildId(stream >> 1),
                channel: match stream & 1 {
                    0 => Channel::Stdout,
                    _ => Channel::Stderr,
                },
            }),
        }
    }
}
