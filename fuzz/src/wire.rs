//! What keeper and daemon say to each other.

use std::fmt::Debug;

use minder_wire::{DecodeError, Handover, Launch, Plan, ToDaemon, ToKeeper, VERSION};

pub(crate) fn run(bytes: &[u8]) {
    is_read_as_written(bytes, ToKeeper::decode, ToKeeper::encode);
    is_read_as_written(bytes, ToDaemon::decode, ToDaemon::encode);
    is_read_as_written(bytes, Plan::decode, Plan::encode);
    is_read_as_written(bytes, Launch::decode, Launch::encode);
    // What a later release appends is skipped, so there are many ways to write one.
    if let Ok(handover) = Handover::decode(bytes) {
        assert_eq!(Handover::decode(&handover.encode()), Ok(handover));
    }
}

/// What can be read can be written and is then read as the same; and of this release's version there
/// is one way to write it.
fn is_read_as_written<T: Debug + PartialEq>(
    bytes: &[u8],
    decode: impl Fn(&[u8]) -> Result<T, DecodeError>,
    encode: impl Fn(&T) -> Vec<u8>,
) {
    let Ok(message) = decode(bytes) else {
        return;
    };
    let written = encode(&message);
    if bytes[4..6] == VERSION.to_le_bytes() {
        assert_eq!(written, bytes);
    }
    assert_eq!(decode(&written), Ok(message));
}
