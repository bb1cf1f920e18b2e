//! Server-sent events, as HTML's standard writes them.

use std::fmt::Write as _;

use serde::Serialize;

/// What keeps a connection from being taken for a dead one. Readers skip it.
pub const HEARTBEAT: &[u8] = b":\n\n";

/// How long a browser waits before it comes again, in milliseconds.
pub const RETRY_MILLIS: u32 = 1000;

/// An event of this name and content. A reader that is cut off names the last `id` that it has seen
/// when it comes again.
#[must_use]
pub fn frame(name: &str, id: Option<&str>, data: &impl Serialize) -> Vec<u8> {
    let mut frame = String::new();
    if let Some(id) = id {
        // Writing to a string cannot fail.
        let _ = writeln!(frame, "id: {id}");
    }
    let data = serde_json::to_string(data).expect("what has no maps with odd keys can be written");
    let _ = write!(frame, "event: {name}\ndata: {data}\n\n");
    frame.into_bytes()
}

/// What a stream begins with: how long to wait before coming again.
#[must_use]
pub fn preface() -> Vec<u8> {
    format!("retry: {RETRY_MILLIS}\n\n").into_bytes()
}

/// Has a reader remember an `id` without telling it anything.
#[must_use]
pub fn mark(id: &str) -> Vec<u8> {
    format!("id: {id}\n\n").into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sent_is_one_line_whatever_it_holds() {
        let data = "one\ntwo\r\nthree\u{2028}";
        let frame = String::from_utf8(frame("said", Some("7"), &data)).unwrap();
        let lines: Vec<_> = frame.split('\n').collect();
        let data = "data: \"one\\ntwo\\r\\nthree\u{2028}\"";
        assert_eq!(lines, ["id: 7", "event: said", data, "", ""]);
    }
}
