//! Every sink in use, found by its file and by its path.
//!
//! A file has one outlet, however many streams write to it, since two that each wrote at their
//! own idea of its end would overwrite each other. A path has one outlet, too, since it names
//! what is in custody.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::Arc;

use crate::outlet::{Outlet, Ties};
use crate::plane::{Notice, StreamId};
use crate::sink::{FileId, Sink, SinkSpec};
use crate::spool::Lost;

/// One outlet, for as long as it is in use. Never reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct OutletId(pub(super) u64);

#[derive(Default)]
pub(super) struct Outlets {
    // A map that grows at its end is half empty: what is in it had better be small.
    all: BTreeMap<OutletId, Box<Outlet>>,
    by_file: HashMap<FileId, OutletId>,
    by_path: HashMap<Arc<Path>, OutletId>,
    next: u64,
}

impl Outlets {
    /// Takes over the sinks that an earlier daemon gave into custody.
    pub(super) fn adopt(held: Vec<(Vec<u8>, Arc<OwnedFd>)>) -> Self {
        let mut outlets = Self::default();
        for (name, file) in held {
            if let Some(outlet) = Outlet::adopt(&name, file) {
                outlets.insert(outlet);
            }
        }
        outlets
    }

    /// Finishes every rotation that was cut off.
    pub(super) fn finish_rotations(&mut self, ties: &Ties) {
        for id in self.ids() {
            self.change(id, |outlet| outlet.finish_rotation(ties));
        }
    }

    pub(super) fn with_file(&self, file: FileId) -> Option<&Outlet> {
        self.all.get(self.by_file.get(&file)?).map(Box::as_ref)
    }

    /// Takes note that what was to be written to a file is lost.
    pub(super) fn note_lost(&mut self, file: FileId, lost: &Lost, ties: &Ties) {
        match self.by_file.get(&file).and_then(|id| self.all.get_mut(id)) {
            Some(outlet) => outlet.fail(lost.why, lost.bytes, ties),
            None => (ties.notices)(Notice::Trouble {
                path: Path::new("a file that is not in custody").into(),
                error: lost.why.into(),
            }),
        }
    }

    /// Makes `stream` end in `sink`, which may be in use already.
    pub(super) fn join(&mut self, stream: StreamId, sink: Sink, ties: &Ties) -> OutletId {
        let spec = sink.spec.clone();
        let id = if let Some(&same_file) = self.by_file.get(&sink.opened.id) {
            same_file
        } else if let Some(&same_path) = self.by_path.get(&spec.path) {
            self.change(same_path, |outlet| outlet.continue_in(sink, ties));
            same_path
        } else {
            self.insert(Outlet::new(sink, ties))
        };
        self.enter(id, stream, &spec);
        id
    }

    /// Makes `stream` end in the sink that `spec` names, as it did with an earlier daemon.
    pub(super) fn join_again(
        &mut self,
        stream: StreamId,
        spec: &SinkSpec,
        ties: &Ties,
    ) -> io::Result<OutletId> {
        match self.at_path(&spec.path) {
            Some(id) => {
                self.enter(id, stream, spec);
                Ok(id)
            }
            None => Ok(self.join(stream, Sink::open(spec)?, ties)),
        }
    }

    fn enter(&mut self, id: OutletId, stream: StreamId, spec: &SinkSpec) {
        if let Some(outlet) = self.get(id) {
            outlet.set_limits(spec);
            outlet.streams.push(stream);
        }
    }

    /// `stream` no longer ends here. The last one to leave closes the sink.
    pub(super) fn leave(&mut self, id: OutletId, stream: StreamId, ties: &Ties) {
        if let Some(outlet) = self.get(id) {
            outlet.streams.retain(|&other| other != stream);
            if outlet.streams.is_empty() {
                self.release(id, ties);
            }
        }
    }

    /// Lets go of every outlet in which no stream ends.
    pub(super) fn release_unused(&mut self, ties: &Ties) {
        let all = self.all.iter();
        let unused = all.filter(|(_, outlet)| outlet.streams.is_empty());
        let unused: Vec<_> = unused.map(|(id, _)| *id).collect();
        for id in unused {
            self.release(id, ties);
        }
    }

    /// Gives every sink a last chance to take what has left its pipes already.
    pub(super) fn flush(&mut self, ties: &Ties) {
        for outlet in self.all.values_mut() {
            outlet.flush(ties);
        }
    }

    pub(super) fn at(&self, id: OutletId) -> Option<&Outlet> {
        self.all.get(&id).map(Box::as_ref)
    }

    pub(super) fn get(&mut self, id: OutletId) -> Option<&mut Outlet> {
        self.all.get_mut(&id).map(Box::as_mut)
    }

    pub(super) fn at_path(&self, path: &Path) -> Option<OutletId> {
        self.by_path.get(path).copied()
    }

    pub(super) fn ids(&self) -> Vec<OutletId> {
        self.all.keys().copied().collect()
    }

    /// Does something to an outlet after which its file may be another.
    pub(super) fn change<T>(
        &mut self,
        id: OutletId,
        change: impl FnOnce(&mut Outlet) -> T,
    ) -> Option<T> {
        let outlet = self.all.get_mut(&id)?;
        let before = outlet.id();
        let result = change(outlet);
        let after = outlet.id();
        if after != before {
            self.by_file.remove(&before);
            self.by_file.insert(after, id);
        }
        Some(result)
    }

    fn insert(&mut self, outlet: Outlet) -> OutletId {
        let id = OutletId(self.next);
        self.next += 1;
        self.by_file.insert(outlet.id(), id);
        self.by_path.insert(Arc::clone(outlet.path()), id);
        self.all.insert(id, Box::new(outlet));
        id
    }

    fn release(&mut self, id: OutletId, ties: &Ties) {
        if let Some(outlet) = self.all.remove(&id) {
            if self.by_file.get(&outlet.id()) == Some(&id) {
                self.by_file.remove(&outlet.id());
            }
            self.by_path.remove(outlet.path());
            outlet.release(ties);
        }
    }
}
