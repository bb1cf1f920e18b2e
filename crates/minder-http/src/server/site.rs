//! What people see, as opposed to programs: asked for by address, drawn by a [`Site`].
//!
//! Carries requests to it and its answers back, with what keeps both safe: what would change
//! something is refused if another site is behind it, and a browser may run no script and load no
//! style but those that are served here. What there is to be seen is not known here.

use std::convert::Infallible;
use std::fs::File;
use std::io::Read as _;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use hyper::HeaderMap;
use hyper::body::{Body, Frame};
use hyper::header::{ACCEPT, COOKIE, HeaderValue};

/// Whoever draws what people see.
pub trait Site: Send + Sync + 'static {
    /// What is to be seen at an address. `None` if there is nothing.
    fn visit(self: Arc<Self>, visit: Visit) -> impl Future<Output = Option<Shown>> + Send {
        drop(visit);
        async { None }
    }
}

/// A request of somebody who wants to see or to do something.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Visit {
    /// Where: the path, without the slash that it begins with. Empty for the first page.
    pub path: String,
    /// Whether something is to be done rather than shown.
    pub acts: bool,
    /// The fields of the address, then those of the body, in their order.
    pub fields: Vec<(String, String)>,
    /// The cookies that the browser has kept.
    pub cookies: Vec<(String, String)>,
    /// The languages that the browser asks for, as it asks for them.
    pub languages: String,
    /// Who it is, if the server asks for names.
    pub user: Option<String>,
    /// Whether a script of ours asks, which wants to know how it went rather than to be led on.
    pub by_script: bool,
    /// What the browser has of this already.
    pub known: Option<String>,
}

/// What there is to be seen.
#[derive(Debug)]
pub struct Shown {
    /// What sort of answer it is.
    pub status: Status,
    /// Its media type.
    pub kind: &'static str,
    /// What it says.
    pub content: Content,
    /// Whether a browser may keep it.
    pub keep: Keep,
    /// Cookies for the browser to keep, and whether scripts may see them.
    pub cookies: Vec<(&'static str, String)>,
    /// The name of the file that it is to be saved as, if it is.
    pub file_name: Option<String>,
}

/// What sort of answer it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Status {
    /// What was asked for.
    Fine,
    /// It is at this address.
    Elsewhere(String),
    /// What the browser has is still so.
    Unchanged,
    /// It was not understood.
    BadRequest,
    /// It is not allowed.
    Forbidden,
    /// There is no such thing.
    Missing,
    /// It could not be done.
    Conflict,
}

/// What an answer says.
#[derive(Debug)]
pub enum Content {
    /// A text.
    Text(String),
    /// A part of the program.
    Static(&'static [u8]),
    /// Files, one behind the other, which come to a length that is told beforehand.
    Files(Files, u64),
}

/// Files, each up to a length, which are opened when it is their turn.
pub struct Files(Box<dyn Iterator<Item = (File, u64)> + Send>);

impl Files {
    /// These files.
    pub fn new(files: impl Iterator<Item = (File, u64)> + Send + 'static) -> Self {
        Self(Box::new(files))
    }
}

impl std::fmt::Debug for Files {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Files")
    }
}

/// Whether a browser may keep an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Keep {
    /// It is another one the next time.
    No,
    /// Nowhere, since it tells a secret.
    Never,
    /// It never changes.
    Forever,
    /// It has to be asked whether this is still it.
    Ask(String),
}

/// How many bytes of a file are read and sent at a time.
const PIECE: u64 = 64 << 10;

/// Files as the body of an answer.
pub(super) struct FileBody {
    files: Files,
    /// The one that is read, and how much of it is to be sent yet.
    current: Option<(File, u64)>,
}

impl FileBody {
    pub(super) fn new(files: Files) -> Self {
        Self {
            files,
            current: None,
        }
    }
}

impl Body for FileBody {
    type Data = Bytes;
    type Error = Infallible;

    /// Ends early if a file cannot be read on: the length has been told, so that the client
    /// notices.
    fn poll_frame(
        mut self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        while self.current.as_ref().is_none_or(|(_, left)| *left == 0) {
            self.current = self.files.0.next();
            if self.current.is_none() {
                return Poll::Ready(None);
            }
        }
        let Some((file, left)) = &mut self.current else {
            return Poll::Ready(None);
        };
        let mut piece = Vec::new();
        let read = (&*file).take((*left).min(PIECE)).read_to_end(&mut piece);
        Poll::Ready(match read {
            Ok(0) | Err(_) => None,
            Ok(count) => {
                *left -= count as u64;
                Some(Ok(Frame::data(piece.into())))
            }
        })
    }
}

/// Whether a person asks: browsers say that they want a page, programs that they want anything,
/// or nothing at all.
pub(super) fn is_person(headers: &HeaderMap) -> bool {
    let accepted = headers.get_all(ACCEPT).iter();
    accepted
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|kind| kind.split(';').next().unwrap_or_default().trim() == "text/html")
}

/// The cookies of a request.
pub(super) fn cookies(headers: &HeaderMap) -> Vec<(String, String)> {
    let lines = headers.get_all(COOKIE).iter();
    lines
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

/// The line that has a browser keep a cookie. Without a path it belongs to the folder that the
/// interface is served in, whichever that is.
pub(super) fn set_cookie(name: &str, value: &str) -> Option<HeaderValue> {
    let line = format!("{name}={value}; Max-Age=31536000; HttpOnly; SameSite=Strict");
    HeaderValue::try_from(line).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: &'static str, value: &'static str) -> HeaderMap {
        let name = hyper::header::HeaderName::from_static(name);
        [(name, HeaderValue::from_static(value))]
            .into_iter()
            .collect()
    }

    #[test]
    fn a_person_is_who_wants_a_page() {
        for (accepted, person) in [
            ("text/html,application/xhtml+xml,*/*;q=0.8", true),
            ("application/xml, text/html;q=0.9", true),
            ("*/*", false),
            ("text/*", false),
            ("text/htmlx", false),
            ("", false),
        ] {
            assert_eq!(
                is_person(&headers("accept", accepted)),
                person,
                "{accepted}"
            );
        }
        assert!(!is_person(&HeaderMap::new()));
    }

    #[test]
    fn cookies_are_pairs() {
        let found = cookies(&headers("cookie", "a=b; c=d=e;f; g="));
        let found: Vec<_> = found
            .iter()
            .map(|(name, value)| (&**name, &**value))
            .collect();
        assert_eq!(found, [("a", "b"), ("c", "d=e"), ("g", "")]);
    }
}
