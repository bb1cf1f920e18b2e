//! What readers are shown, without disturbing the driver.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};

use minder_core::{ProcessId, View};
use minder_logs::plane::Channel;

/// Everything that a reader can be told, as of the end of one step of the driver.
#[derive(Clone)]
pub(crate) struct Picture {
    /// The core's part.
    pub(crate) view: Arc<View>,
    /// Where the output of each process goes.
    pub(crate) logs: Arc<BTreeMap<ProcessId, LogPaths>>,
}

/// The log files of one process, automatic ones by their real names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct LogPaths {
    /// Of standard output.
    pub(crate) stdout: Option<Arc<Path>>,
    /// Of standard error.
    pub(crate) stderr: Option<Arc<Path>>,
}

impl LogPaths {
    /// Of one of them.
    pub(crate) fn of(&self, channel: Channel) -> Option<&Path> {
        match channel {
            Channel::Stdout => self.stdout.as_deref(),
            Channel::Stderr => self.stderr.as_deref(),
        }
    }
}

/// The latest picture. The lock is only ever held to copy or replace one pointer.
pub(crate) struct Published(RwLock<Arc<Picture>>);

impl Published {
    pub(crate) fn new(picture: Picture) -> Self {
        Self(RwLock::new(Arc::new(picture)))
    }

    /// The latest picture.
    pub(crate) fn latest(&self) -> Arc<Picture> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Shows another one from now on.
    pub(crate) fn replace(&self, picture: Picture) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(picture);
    }
}
