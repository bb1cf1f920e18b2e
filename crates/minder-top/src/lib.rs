//! `supervisorctl top`: a live table of groups and processes, their logs, and what can be done to them.
//!
//! Keys and news go into a [`Model`]; what is to be done comes out as [`Effect`]s, and what is to be
//! seen as a [`Screen`]. Time is an argument. Nothing here knows a terminal, a socket, or how a daemon
//! is asked: `minder-ctl` carries keys and bytes in both directions.

#![forbid(unsafe_code)]

mod draw;
mod key;
mod log;
mod model;
mod news;
mod screen;
mod text;
mod words;

pub use key::{Key, Keys};
pub use minder_core::ProcessState;
pub use minder_core::event::Channel;
pub use model::{Action, Effect, Input, Model};
pub use news::{End, Figures, LogNews, News, Process, Server, Source, Turn, Wanted};
pub use screen::{Ability, Colour, Screen, Style};
