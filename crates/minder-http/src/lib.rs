//! HTTP over TCP and Unix sockets, both ends.

#![forbid(unsafe_code)]

pub mod client;
