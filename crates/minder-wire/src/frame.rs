//! The head that every frame begins with, and what can be wrong with a frame.
//!
//! ```text
//!  0        4         6      8        12
//!  ┌────────┬─────────┬──────┬────────┬───────────────┐
//!  │ "MNDR" │ version │ kind │ length │ length bytes… │
//!  └────────┴─────────┴──────┴────────┴───────────────┘
//! ```
//!
//! Numbers are little-endian. The same head stands before a plan or a launch in a memfd.

use crate::bytes::{Reader, Writer};

/// The version that this release speaks. A frame of a later version may carry fields behind the
/// ones known here; they are left unread.
pub const VERSION: u16 = 1;

/// The longest frame. A frame must fit the smallest send buffer a socket has by default (208 KiB
/// on Linux), and every item in it has a smaller bound of its own.
pub const MAX_FRAME: usize = 128 << 10;

pub(crate) const HEAD: usize = 12;

const MAGIC: [u8; 4] = *b"MNDR";

/// What is wrong with the bytes of a frame.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// It does not begin as a frame does.
    #[error("not a frame")]
    NoFrame,
    /// It is of a kind that this release does not know. The sender is newer: skip it.
    #[error("frame of unknown kind {kind}")]
    UnknownKind {
        /// The kind's number.
        kind: u16,
    },
    /// It ends before its content does.
    #[error("frame is cut short")]
    Cut,
    /// It goes on after its content has ended.
    #[error("frame has {bytes} bytes too many")]
    Trailing {
        /// How many bytes are left.
        bytes: usize,
    },
    /// Something in it is longer than it may be.
    #[error("{what} exceeds {limit}")]
    TooMany {
        /// The field.
        what: &'static str,
        /// Its bound.
        limit: usize,
    },
    /// A choice in it is none of those known.
    #[error("{what} cannot be {value}")]
    Choice {
        /// The field.
        what: &'static str,
        /// The value it has.
        value: u8,
    },
}

/// Puts the head before a body.
pub(crate) fn frame(kind: u16, write: impl FnOnce(&mut Writer)) -> Vec<u8> {
    let mut body = Writer::default();
    write(&mut body);
    let body = body.finish();
    let mut bytes = Vec::with_capacity(HEAD + body.len());
    bytes.extend_from_slice(&MAGIC);
    bytes.extend_from_slice(&VERSION.to_le_bytes());
    bytes.extend_from_slice(&kind.to_le_bytes());
    bytes.extend_from_slice(&u32::try_from(body.len()).unwrap_or(u32::MAX).to_le_bytes());
    bytes.extend_from_slice(&body);
    bytes
}

/// Checks the head and reads the body with `read`, which is told the kind.
pub(crate) fn unframe<'a, T>(
    bytes: &'a [u8],
    read: impl FnOnce(u16, &mut Reader<'a>) -> Result<T, DecodeError>,
) -> Result<T, DecodeError> {
    let body = bytes.strip_prefix(&MAGIC).ok_or(DecodeError::NoFrame)?;
    let mut reader = Reader::new(body);
    let version = reader.u16()?;
    let kind = reader.u16()?;
    let length = reader.u32()?;
    let here = reader.remaining();
    match usize::try_from(length) {
        Ok(length) if length == here => {}
        Ok(length) if length < here => {
            return Err(DecodeError::Trailing {
                bytes: here - length,
            });
        }
        Ok(_) | Err(_) => return Err(DecodeError::Cut),
    }
    let value = read(kind, &mut reader)?;
    match reader.remaining() {
        0 => Ok(value),
        _ if version > VERSION => Ok(value),
        bytes => Err(DecodeError::Trailing { bytes }),
    }
}
