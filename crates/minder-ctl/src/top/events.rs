//! Server-sent events, read.

use std::time::Duration;

use minder_http::client::{Client, ClientError, LogStream};
use tokio::time::timeout;

/// How long a stream may be silent: the daemon says every 15 seconds that it is there.
const SILENCE: Duration = Duration::from_secs(40);

/// The longest event that is taken in, in bytes: a piece of a log may be 1 MiB, and JSON makes at
/// most six of one.
const MAX_BYTES: usize = 8 << 20;

/// A stream of events.
pub(super) struct Events {
    stream: LogStream,
    bytes: Vec<u8>,
    /// What of `bytes` has been looked at for an end.
    looked_at: usize,
}

/// An event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Event {
    pub(super) id: Option<String>,
    pub(super) name: String,
    pub(super) data: String,
}

impl Events {
    pub(super) async fn open(client: &Client, target: &str) -> Result<Self, ClientError> {
        Ok(Self {
            stream: client.follow(target).await?,
            bytes: Vec::new(),
            looked_at: 0,
        })
    }

    /// The next event; [`ClientError::Closed`] at the end. To drop the future loses nothing.
    pub(super) async fn next(&mut self) -> Result<Event, ClientError> {
        loop {
            if let Some(event) = self.complete() {
                return Ok(event);
            }
            if self.bytes.len() > MAX_BYTES {
                return Err(ClientError::TooLarge);
            }
            match timeout(SILENCE, self.stream.next()).await {
                Ok(bytes) => self
                    .bytes
                    .extend_from_slice(&bytes?.ok_or(ClientError::Closed)?),
                Err(_) => return Err(ClientError::Closed),
            }
        }
    }

    fn complete(&mut self) -> Option<Event> {
        const END: &[u8] = b"\n\n";
        let from = self.looked_at.saturating_sub(1);
        let Some(end) = self.bytes[from..].windows(2).position(|it| it == END) else {
            self.looked_at = self.bytes.len();
            return None;
        };
        let text: Vec<u8> = self.bytes.drain(..from + end + END.len()).collect();
        self.looked_at = 0;
        Some(Event::read(&String::from_utf8_lossy(&text)))
    }
}

impl Event {
    fn read(text: &str) -> Self {
        let mut event = Self::default();
        for line in text.lines() {
            let (field, value) = line.split_once(':').unwrap_or((line, ""));
            let value = value.strip_prefix(' ').unwrap_or(value);
            match field {
                "id" => event.id = Some(value.to_owned()),
                "event" => value.clone_into(&mut event.name),
                "data" => event.data.push_str(value),
                _ => {}
            }
        }
        event
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fields_of_an_event_are_read() {
        let event = Event::read("id: 7\nevent: added\ndata: {\"a\": 1}\n\n");
        let expected = Event {
            id: Some("7".to_owned()),
            name: "added".to_owned(),
            data: "{\"a\": 1}".to_owned(),
        };
        assert_eq!(event, expected);
        assert_eq!(Event::read(":\n\n"), Event::default());
    }
}
