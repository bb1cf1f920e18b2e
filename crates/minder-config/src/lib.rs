//! Supervisor's configuration, from text to checked specs.
//!
//! [`load`] reads `supervisord.conf` and the files that it includes, and gives what the daemon
//! runs on: [`Loaded`]. [`Supervisorctl::load`] does the same for the client, and
//! [`options`] reads the command lines of both. [`twiddler::program`] reads one program that stands
//! in no file. What Supervisor refuses is refused, with
//! Supervisor's words ([`ConfigError`]); what it accepts in silence although it was hardly meant
//! is accepted, with a [`Warning`]. [`check()`] reads on behind a problem and names them all, and warns
//! of more.
//!
//! On the way from text to specs: [`ini`] (the dialect, with the place of everything),
//! [`expand`](mod@expand) (`%(name)s`), [`types`], [`environment`], [`command`]; then a module for
//! each sort of section. It opens the files of the configuration and asks about users and
//! directories; it prints nothing, starts nothing and keeps nothing.

#![forbid(unsafe_code)]

pub mod ambient;
mod check;
pub mod command;
mod ctl;
pub mod environment;
mod error;
pub mod expand;
mod fastcgi;
mod glob;
mod group;
mod include;
pub mod ini;
mod known;
mod listener;
mod load;
mod nearest;
pub mod options;
mod problems;
mod program;
pub mod python;
pub mod report;
mod rpcinterface;
pub mod sample;
mod section;
mod server;
mod source;
mod supervisord;
pub mod twiddler;
pub mod types;
mod warning;

pub use ambient::{Environment, variables};
pub use check::{Checked, check};
pub use ctl::Supervisorctl;
pub use error::{ConfigError, Problem, SocketProblem, Within};
pub use include::{MAX_FILES, Source};
pub use load::{Loaded, Origins, load};
pub use options::daemon::Overrides;
pub use rpcinterface::{Methods, RpcInterface};
pub use server::{Credentials, Server, server_url};
pub use source::{DecodeError, Location, MAX_FILE_BYTES, SourceFile};
pub use supervisord::{LogfileTarget, Orphans, Supervisord};
pub use warning::{Warning, WarningKind};
