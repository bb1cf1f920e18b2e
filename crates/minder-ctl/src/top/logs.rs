//! Follows a log, for as long as it is shown.

use std::time::Duration;

use minder_api::body;
use minder_http::client::{Client, ClientError, encoded};
use minder_top::{Channel, LogNews, Source};
use tokio::time::sleep;

use super::Teller;
use super::events::Events;
use super::watch::{Trouble, in_time};
use crate::settings::Settings;
use crate::verbs::tail;

/// How much of the log is shown of what was written before, in bytes.
const BEFORE: u64 = 64 << 10;

/// How long to wait before a log is asked for again that is not there, or a daemon that is not.
const PAUSE: Duration = Duration::from_secs(1);

/// Tells what stands at the end of a log, and what is added to it, for ever.
pub(super) async fn follow(
    settings: Settings,
    source: Source,
    name: String,
    channel: Channel,
    teller: Teller,
) {
    let mut log = Log {
        name,
        channel,
        place: None,
        teller,
    };
    loop {
        let Ok(mut client) = settings.client() else {
            return;
        };
        let ended = match source {
            Source::Minder => log.follow_minder(&mut client).await,
            Source::Supervisor => log.follow_supervisor(&client).await,
        };
        if let Err(Trouble::Busy(why)) = ended {
            log.place = None;
            log.teller.tell_log(LogNews::Ended(why)).await;
        }
        sleep(PAUSE).await;
    }
}

struct Log {
    name: String,
    channel: Channel,
    /// What has been told last, where a log can be gone on with from there.
    place: Option<String>,
    teller: Teller,
}

impl Log {
    async fn follow_minder(&mut self, client: &mut Client) -> Result<(), Trouble> {
        let (name, channel) = (encoded(&self.name), self.channel);
        let path = format!("/api/v1/processes/{name}/log");
        if self.place.is_none() {
            let target = format!("{path}?channel={channel}&offset=-{BEFORE}&limit={BEFORE}");
            let answer = in_time(client.get(&target)).await?;
            match answer.status {
                200 => {}
                404 => return Err(none()),
                _ => return Err(Trouble::Silent),
            }
            let part: body::LogPart =
                serde_json::from_slice(&answer.body).map_err(|_| Trouble::NotMinder)?;
            // The first line is likely to be the end of one.
            let from = if part.offset == 0 {
                0
            } else {
                part.text.find('\n').map_or(0, |at| at + 1)
            };
            self.teller.tell_log(LogNews::Begun).await;
            self.teller
                .tell_log(LogNews::Added(part.text[from..].to_owned()))
                .await;
            self.place = Some(part.place);
        }
        let place = self.place.as_deref().unwrap_or_default();
        let target = format!("{path}/stream?channel={channel}&after={}", encoded(place));
        let mut events = match in_time(Events::open(client, &target)).await {
            Err(Trouble::Client(ClientError::Http { status: 404, .. })) => {
                return Err(none());
            }
            opened => opened?,
        };
        loop {
            let event = events.next().await?;
            match event.name.as_str() {
                "added" => {
                    if let Ok(added) = serde_json::from_str::<body::Added>(&event.data) {
                        self.teller.tell_log(LogNews::Added(added.text)).await;
                    }
                }
                "reset" => {
                    let reset = serde_json::from_str::<body::LogReset>(&event.data);
                    let why = match reset.as_ref().map(|it| it.reason.as_str()) {
                        Ok("truncated") => "— the log was emptied —",
                        _ => "— some of the log is gone —",
                    };
                    self.teller.tell_log(LogNews::Broken(why.to_owned())).await;
                }
                _ => {}
            }
            self.place = event.id.or(self.place.take());
        }
    }

    /// Supervisor sends the end of a log first, whoever comes again.
    async fn follow_supervisor(&mut self, client: &Client) -> Result<(), Trouble> {
        let path = tail::path(&self.name, self.channel);
        let mut stream = match in_time(client.stream(&path)).await {
            Err(Trouble::Client(ClientError::Http { .. })) => return Err(none()),
            opened => opened?,
        };
        self.teller.tell_log(LogNews::Begun).await;
        let mut rest = Vec::new();
        while let Some(bytes) = stream.next().await? {
            rest.extend_from_slice(&bytes);
            let text = decoded(&mut rest);
            self.teller.tell_log(LogNews::Added(text)).await;
        }
        Ok(())
    }
}

fn none() -> Trouble {
    Trouble::Busy("There is no such log (yet).".to_owned())
}

/// Takes all whole characters out of `bytes`. What is none becomes U+FFFD.
fn decoded(bytes: &mut Vec<u8>) -> String {
    let mut whole = bytes.len();
    if let Some(last) = bytes.utf8_chunks().last()
        && !last.invalid().is_empty()
        && bytes.ends_with(last.invalid())
        && str::from_utf8(last.invalid()).is_err_and(|error| error.error_len().is_none())
    {
        whole -= last.invalid().len();
    }
    let rest = bytes.split_off(whole);
    let text = String::from_utf8_lossy(bytes).into_owned();
    *bytes = rest;
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_are_whole_wherever_bytes_are_cut() {
        let text = "a漢\u{1f680}b".as_bytes();
        for cut in 0..text.len() {
            let mut rest = text[..cut].to_vec();
            let mut read = decoded(&mut rest);
            rest.extend_from_slice(&text[cut..]);
            read.push_str(&decoded(&mut rest));
            assert_eq!((read.as_bytes(), rest.len()), (text, 0));
        }
        let mut broken = b"a\xffb".to_vec();
        assert_eq!(decoded(&mut broken), "a\u{fffd}b");
    }
}
