//! What a daemon leaves to the one after a restart on purpose.
//!
//! A restart begins everything anew but this: the numbers of events go on, as in Supervisor, where
//! they live as long as its process does.

use std::collections::BTreeMap;

use minder_os::memfd;
use minder_wire::HEIRLOOM;

use crate::codec::{Decoder, Encoder, MAX_SEALED, open, seal};
use crate::link::{Link, LinkError};
use crate::mirror::SharedFd;
use crate::snapshot::hold;

/// Its layout.
const VERSION: u32 = 1;

/// Leaves the number that the next event gets.
pub(crate) fn leave(link: &mut Link, serial: u64) -> Result<(), LinkError> {
    let mut out = Encoder::new();
    out.record(|out| out.u64(serial));
    hold(link, HEIRLOOM, &seal(VERSION, &out.finish()))
}

/// The number that the next event gets: 0 if nothing was left that can be read.
pub(crate) fn take(held: &mut BTreeMap<Vec<u8>, SharedFd>) -> u64 {
    let mut read = || {
        let sealed = memfd::read_sealed(held.remove(HEIRLOOM)?, MAX_SEALED).ok()?;
        let content = open(VERSION, &sealed).ok()?;
        Decoder::new(content).record(Decoder::u64).ok()
    };
    read().unwrap_or(0)
}
