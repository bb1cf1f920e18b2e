//! What the log says of a request and its answer: a line as Medusa writes it, Supervisor's server.

use std::fmt;
use std::net::SocketAddr;

use hyper::Response;
use hyper::http::request::Parts;
use jiff::tz::{Offset, TimeZone};
use jiff::{SignedDuration, Timestamp};

/// A request that was answered. Nothing is looked at before it is shown.
pub(super) struct Line<'a, B> {
    /// Who asked, unless it was over a Unix socket.
    pub(super) peer: Option<SocketAddr>,
    pub(super) head: &'a Parts,
    pub(super) reply: &'a Response<B>,
    /// How many bytes the body of the answer has.
    pub(super) length: u64,
}

impl<B> fmt::Display for Line<'_, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Parts {
            method,
            uri,
            version,
            ..
        } = self.head;
        match self.peer {
            Some(peer) => write!(f, "{}:{}", peer.ip(), peer.port())?,
            None => f.write_str("localhost:0")?,
        }
        let now = Timestamp::now();
        let date = now.strftime("%d/%b/%Y:%H:%M:%S");
        let offset = written(standard_offset(now, &TimeZone::system()));
        let code = self.reply.status().as_u16();
        let bytes = self.bytes();
        write!(
            f,
            " - - [{date} {offset}] \"{method} {uri} {version:?}\" {code} {bytes}"
        )
    }
}

impl<B> Line<'_, B> {
    /// How long the whole answer is.
    fn bytes(&self) -> u64 {
        let reason = self.reply.status().canonical_reason().unwrap_or_default();
        let first = "HTTP/1.1 200 \r\n".len() + reason.len();
        let fields = self.reply.headers().iter();
        let fields: usize = fields
            .map(|(name, value)| name.as_str().len() + value.len() + ": \r\n".len())
            .sum();
        (first + fields + "\r\n".len()) as u64 + self.length
    }
}

/// The time of day is that of Greenwich; the zone beside it is ours, as it is without daylight
/// saving.
fn standard_offset(now: Timestamp, zone: &TimeZone) -> Offset {
    let over_the_year = (0..4).filter_map(|quarter| {
        let later = SignedDuration::from_hours(24 * 91 * quarter);
        Some(zone.to_offset_info(now.checked_add(later).ok()?))
    });
    let mut standard = over_the_year.filter(|info| info.dst().is_std());
    standard
        .next()
        .map_or_else(|| zone.to_offset(now), |info| info.offset())
}

fn written(offset: Offset) -> String {
    let minutes = offset.seconds() / 60;
    let sign = if minutes < 0 { '-' } else { '+' };
    let (hours, minutes) = (minutes.abs() / 60, minutes.abs() % 60);
    format!("{sign}{hours:02}{minutes:02}")
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    #[test]
    fn the_zone_is_that_without_daylight_saving() {
        let offset = |zone: &str, at: &str| {
            let zone = TimeZone::posix(zone).unwrap();
            written(standard_offset(at.parse().unwrap(), &zone))
        };
        let new_york = "EST5EDT,M3.2.0,M11.1.0";
        assert_eq!(offset(new_york, "2026-07-01T00:00:00Z"), "-0500");
        assert_eq!(offset(new_york, "2026-12-01T00:00:00Z"), "-0500");
        assert_eq!(offset("IST-5:30", "2026-07-01T00:00:00Z"), "+0530");
        assert_eq!(offset("UTC0", "2026-07-01T00:00:00Z"), "+0000");
    }

    #[test]
    fn a_line_names_who_asked_for_what() {
        let (head, ()) = hyper::Request::get("/a%20b?c=d")
            .body(())
            .unwrap()
            .into_parts();
        let reply = Response::builder()
            .status(404)
            .header("a", "b")
            .body(())
            .unwrap();
        let line = |peer| {
            let (head, reply) = (&head, &reply);
            let length = 100;
            Line {
                peer,
                head,
                reply,
                length,
            }
            .to_string()
        };
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 5000));
        for (peer, start) in [(Some(address), "127.0.0.1:5000"), (None, "localhost:0")] {
            let line = line(peer);
            assert!(line.starts_with(&format!("{start} - - [")), "{line}");
            let end = "] \"GET /a%20b?c=d HTTP/1.1\" 404 132";
            assert!(line.ends_with(end), "{line}");
        }
    }
}
