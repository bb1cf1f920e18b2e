//! What keeper and daemon say to each other, as bytes.
//!
//! One message is one frame of a `SOCK_SEQPACKET` socket pair: a fixed head (magic, version,
//! kind, length), then the fields. File descriptors ride beside the frame; each message says how
//! many it brings and what they are. Everything here is pure: no socket, no descriptor, no
//! allocation driven by a length that was not checked first.
//!
//! The wire must outlast both ends: a keeper of an old release serves a daemon of a new one. So
//! a field is never reused, a kind is never renumbered, and a frame of an unknown kind is
//! answered or skipped, not fatal.

#![forbid(unsafe_code)]

mod bytes;
mod frame;
mod handover;
pub mod message;
mod plan;
mod register;
mod to_daemon;
mod to_keeper;

pub use frame::{DecodeError, MAX_FRAME, VERSION};
pub use handover::{
    Daemons, FORMAT, FileIdentity, HandedChild, HandedDescriptor, Handover, HandoverError,
    MAX_HANDOVER, Start,
};
pub use message::{
    ChildState, Credentials, Departure, GIVEN, HEIRLOOM, LastUpgrade, Launch, MAX_NAME, MAX_PATH,
    Plan, SpawnStep, Stdin, Stream, ToDaemon, ToKeeper, UNKNOWN_STATUS, UpgradeOutcome,
};
pub use plan::{MAX_NOTE, MAX_PLAN};
pub use register::{
    MAX_REGISTERED_LABEL, MAX_SLOTS, REGISTER, RegisterHead, Registered, SLOT, registered,
    slot_offset,
};
pub use to_daemon::{MAX_VERSION, MAX_WHY};
pub use to_keeper::{MAX_INLINE_PLAN, MAX_LABEL, MAX_TEXT};

#[cfg(test)]
mod tests;
