//! Supervisor's API as data: methods, faults, and how they look in XML-RPC.
//!
//! A call comes in as XML ([`xmlrpc`]), is looked up in the table of methods ([`method`]) and
//! becomes a [`Call`], which the daemon answers as a [`Service`] does: with an [`Answer`] or a
//! [`Fault`]. [`dispatch()`] does all of that but the XML.
//!
//! No socket is opened here. `minder-http` carries the bytes, `minder-ctl` makes calls.

#![forbid(unsafe_code)]

pub mod answer;
mod base64;
pub mod call;
pub mod dispatch;
pub mod fault;
pub mod incident;
pub mod method;
mod python;
mod response;
pub mod service;
pub mod twiddler;
pub mod value;
pub mod xmlrpc;

pub use answer::{
    Answer, ConfigInfo, DaemonInfo, LogPaths, ProcessInfo, Tail, UpgradeInfo, UpgradeState,
};
pub use base64::base64_text;
pub use call::Call;
pub use dispatch::dispatch;
pub use fault::{Fault, FaultCode};
pub use incident::Incident;
pub use minder_core::ProcessState;
pub use response::Response;
pub use service::{Channel, LogFollow, LogRef, Service};
pub use twiddler::{Twiddler, TwiddlerCall};
pub use value::Value;
pub use xmlrpc::MethodCall;
