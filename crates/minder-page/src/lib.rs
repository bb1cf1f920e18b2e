//! Draws the web interface: plain data in, HTML out.
//!
//! Each page has a view model of its own ([`Overview`], [`ProcessPage`], [`EventsPage`],
//! [`ConfigPage`], [`DaemonPage`], [`Question`]), which says what is to be seen, and a function that draws it,
//! complete: without a script everything but live figures works. What text becomes markup is
//! decided by [`maud`], which escapes all of it; the only markup that is written out lies in
//! constants of this crate.
//!
//! Knows no HTTP, no socket, no clock, and not where the data comes from. Every address that it
//! writes is relative and has no folder, so that the interface can be served below any path.
//!
//! Start reading with [`frame`], which is around every page, then [`overview`]. Every word that
//! people read stands in `words`, in both languages. What browsers load besides lies in
//! [`assets`].

#![forbid(unsafe_code)]

mod ansi;
pub mod assets;
pub mod configuration;
pub mod curve;
pub mod daemon;
pub mod events;
pub mod figures;
pub mod frame;
pub mod glyph;
pub mod log;
pub mod moment;
pub mod overview;
pub mod process;
pub mod question;
pub mod reason;
pub mod strip;
mod words;

#[cfg(test)]
mod tests;

pub use configuration::ConfigPage;
pub use curve::Series;
pub use daemon::DaemonPage;
pub use events::EventsPage;
pub use frame::{Frame, Language, Notice, Theme};
pub use glyph::Look;
pub use log::LogView;
pub use moment::Moment;
pub use overview::{Group, Overview, Row, Trouble};
pub use process::ProcessPage;
pub use question::Question;
pub use reason::{Ending, Reason};
pub use strip::Stretch;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What stays as it is in a field of an address.
const PLAIN: AsciiSet = NON_ALPHANUMERIC
    .remove(b'_')
    .remove(b'.')
    .remove(b'-')
    .remove(b'~')
    .remove(b':')
    .remove(b',')
    .remove(b'/');

/// A text as a field of an address.
#[must_use]
pub fn quoted(text: &str) -> String {
    utf8_percent_encode(text, &PLAIN).to_string()
}

/// The address of the page about a process.
#[must_use]
pub fn process_address(full_name: &str) -> String {
    format!("process?name={}", quoted(full_name))
}
