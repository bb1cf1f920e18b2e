//! The modern interface as data: its operations, what they take and give, and how that looks.
//!
//! A request comes in as method, path, query and body ([`Request`]), is looked up in the table of
//! operations ([`operation`]) and becomes an [`Ask`], which the daemon answers as an [`Interface`]
//! does: with a [`Reply`] or a [`Problem`]. The description that is served as
//! `/api/v1/openapi.json` is made from the same table and the same types, by a test of this crate.
//!
//! No socket is opened here, and no process is looked at: `minder-http` carries the bytes, and the
//! daemon knows the answers.

#![forbid(unsafe_code)]

pub mod ask;
pub mod body;
pub mod exposition;
pub mod input;
#[cfg(test)]
mod openapi;
pub mod operation;
pub mod problem;
pub mod reply;
pub mod sse;

pub use ask::{Action, Ask, LogOf, Place};
pub use operation::Request;
pub use problem::Problem;
pub use reply::{Content, Interface, Reply, Source};

/// What the paths of all operations but the metrics begin with.
pub const PREFIX: &str = "/api/v1";

/// Where the metrics are.
pub const METRICS: &str = "/metrics";

/// The description of the interface, as it is served.
pub const OPENAPI: &str = include_str!("../../../docs/openapi.json");
