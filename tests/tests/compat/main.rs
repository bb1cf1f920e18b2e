//! The comparison with Supervisor: one test, two subjects.
//!
//! Every case states what a user, script or client sees, word for word, and runs on the real
//! Supervisor 4.3.0 and on Minder. What passes on both is the same on both. Where the two
//! differ on purpose, the case says so with `Subject::differs` and the difference's name.
//!
//! `SUBJECT=supervisor` or `SUBJECT=minder` runs one side only.

#![forbid(unsafe_code)]

mod children;
mod ctl_logs;
mod ctl_shell;
mod ctl_updates;
mod ctl_verbs;
mod daemon;
mod events;
mod http;
mod lives;
mod logs;
mod options;
mod rpc;
