//! The part of Minder that decides.
//!
//! [`Core`] holds every process and group and all of Supervisor's rules about them: what is
//! started when, what an exit means, who is waiting for what, what a reload would change. It is
//! a state machine without I/O: the driver tells it what happened ([`Input`]) and carries out
//! what it asks for ([`Effect`]), in order.
//!
//! It knows no file, socket, clock or INI text. Time is an argument ([`Now`]), a pid is only a
//! label to show, and nothing in here can fail for outside reasons: a spawn that failed is an
//! input like any other. The same inputs give the same effects, which is what lets `minder-sim`
//! run it through millions of histories.
//!
//! Start reading at [`mod@core`], then [`process`]; what listeners are told begins in [`pool`].

#![no_std]
#![forbid(unsafe_code)]
#![warn(clippy::wildcard_enum_match_arm)]

extern crate alloc;

mod batch;
pub mod child;
pub mod core;
pub mod delta;
pub mod effect;
pub mod event;
mod gallery;
pub mod group;
pub mod input;
pub mod listener;
pub mod message;
pub mod plan;
pub mod pool;
mod pools;
pub mod process;
pub mod python;
mod recovery;
pub mod request;
pub mod signal;
pub mod snapshot;
pub mod spec;
pub mod state;
#[cfg(test)]
mod testing;
pub mod tick;
pub mod time;
mod timers;
pub mod view;
mod waiting;

pub use self::core::Core;
pub use child::{ChildId, ExitStatus, GroupId, ProcessId};
pub use delta::Delta;
pub use effect::{Effect, Effects};
pub use event::{Channel, Event, EventType, Said};
pub use input::{CommandError, Input, SpawnError};
pub use message::{Level, Message};
pub use request::{Changes, Outcome, Refusal, Reply, Request, RequestId, Target};
pub use signal::{Signal, Signals};
pub use snapshot::{Inherited, Snapshot};
pub use spec::{GroupSpec, ProcessSpec};
pub use state::{Mood, ProcessState};
pub use time::{Mono, Now, Wall};
pub use view::View;
