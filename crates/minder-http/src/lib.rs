//! HTTP over TCP and Unix sockets, both ends.
//!
//! [`server`] answers XML-RPC calls, streams logs and shows the web page on the sockets that
//! [`bind`] makes. What a call means is for `minder-rpc` and the daemon to know.

#![forbid(unsafe_code)]

pub mod bind;
pub mod client;
pub mod server;
