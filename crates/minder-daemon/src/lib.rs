//! The driver: waits, feeds the core, does its effects.

#![forbid(unsafe_code)]

mod api;
mod boot;
mod children;
mod codec;
mod configuration;
mod control;
mod driver;
mod fastcgi;
mod figures;
mod heirloom;
mod history;
mod inbox;
mod inputs;
mod inspected;
mod interface;
mod launch;
mod leftovers;
mod link;
mod log_files;
mod lookups;
mod mailbox;
mod mirror;
mod note;
mod options;
mod outbox;
mod plan;
mod published;
mod register;
mod service_manager;
mod settings;
mod snapshot;
mod succession;
#[cfg(test)]
mod testing;
mod upgrade;
mod waiters;
mod written;

pub use boot::daemon;
pub use launch::supervisord;
#[doc(hidden)]
pub use snapshot::reread as reread_snapshot;

/// The release of Supervisor that is replaced, and that clients are told of.
pub(crate) const VERSION_OF_SUPERVISOR: &str = "4.3.0";
