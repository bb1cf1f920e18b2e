//! What several tests need.

use std::collections::BTreeMap;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use minder_os::frames;
use minder_wire::{ToDaemon, ToKeeper};

use crate::link::Link;
use crate::mirror::SharedFd;

/// What a keeper says first, before anything has happened to it.
pub(crate) fn welcome() -> ToDaemon {
    ToDaemon::Welcome {
        version: minder_wire::VERSION,
        keeper_pid: 1,
        generation: 0,
        restarts: 0,
        last_end: None,
        note: Vec::new(),
        upgrade: None,
    }
}

/// A keeper that holds what it is told to hold, and a link to it.
pub(crate) struct Keeper {
    pub(crate) socket: OwnedFd,
    pub(crate) held: BTreeMap<Vec<u8>, SharedFd>,
}

impl Keeper {
    pub(crate) fn new() -> (Link, Self) {
        let (ours, socket) = frames::pair().unwrap();
        // The answers to what will be asked.
        for answer in [welcome(), ToDaemon::InventoryEnd] {
            frames::send(&socket, &answer.encode(), &[]).unwrap();
        }
        let mut link = Link::new(ours);
        link.open().unwrap();
        (
            link,
            Self {
                socket,
                held: BTreeMap::new(),
            },
        )
    }

    /// Obeys, and answers how many messages there were.
    pub(crate) fn obey(&mut self) -> usize {
        let mut buffer = vec![0; minder_wire::MAX_FRAME];
        let mut count = 0;
        while let Ok(Some(received)) = frames::receive(&self.socket, &mut buffer) {
            match ToKeeper::decode(received.frame).unwrap() {
                ToKeeper::Hold { name } => {
                    self.held
                        .insert(name, Arc::new(received.beside.into_iter().next().unwrap()));
                }
                ToKeeper::Release { name } => drop(self.held.remove(&name)),
                ToKeeper::Hello { .. } | ToKeeper::Next => continue,
                other => panic!("{other:?}"),
            }
            count += 1;
        }
        count
    }

    /// Copies of all that is held, as a new daemon gets them.
    pub(crate) fn copies(&self) -> BTreeMap<Vec<u8>, SharedFd> {
        let copies = self.held.iter();
        copies
            .map(|(name, file)| (name.clone(), Arc::clone(file)))
            .collect()
    }
}
