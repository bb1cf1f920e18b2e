//! System calls that Minder needs, and its only unsafe code.
//!
//! Everything in here is small and knows nothing of programs, logs or configuration. What
//! `rustix` offers safely is used from there directly; this crate holds what it lacks: starting
//! a process without `fork`, users and groups through the name service, signal masks, frames
//! with descriptors, the C library's settings.

pub mod clock;
pub mod consumption;
mod errno;
pub mod foreign;
pub mod frames;
pub mod heap;
pub mod limits;
pub mod memfd;
pub mod notify;
pub mod oom;
pub mod process;
pub mod signals;
pub mod spawn;
pub mod stat;
pub mod users;

pub use errno::errno_name;
