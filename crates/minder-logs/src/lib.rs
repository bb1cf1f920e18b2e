//! Where output goes: capture, rotation, tailing, supervisord's own log.
//!
//! - [`plane`]: one thread that carries the output of every child from its pipe to its sink. What
//!   it does is exact even if the daemon is killed in the middle of it.
//! - [`sink`]: the files and devices that output goes to, and what may be done to which of them.
//! - [`auto`]: the log files whose names the daemon makes up (`AUTO`).
//! - [`capture`]: text between tokens, which goes to listeners instead.
//! - [`syslog`]: what goes to the system's log daemon as well.
//! - [`strip`]: leaving out ANSI escape sequences.
//! - [`main_log`]: supervisord's own log.
//! - [`tail`]: reading logs, for the API.
//!
//! This crate knows no configuration, HTTP or process states. It is told which pipe belongs to
//! which child, and which file that goes to.

#![forbid(unsafe_code)]

pub mod auto;
pub mod browse;
pub mod capture;
pub mod main_log;
pub mod plane;
pub mod sink;
pub mod syslog;
pub mod tail;

mod outlet;
mod rotate;
mod spool;
pub mod strip;
