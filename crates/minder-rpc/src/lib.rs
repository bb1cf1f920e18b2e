//! Supervisor's API as data: methods, faults, and how they look in XML-RPC.
//!
//! No socket is opened here. `minder-http` carries the bytes, the daemon answers the
//! [`Call`](crate::call)s, `minder-ctl` makes them.

#![forbid(unsafe_code)]

pub mod fault;
pub mod value;
pub mod xmlrpc;

pub use fault::{Fault, FaultCode};
pub use value::Value;
