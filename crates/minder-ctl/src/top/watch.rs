//! Watches the daemon for as long as `top` runs, also when it dies, is replaced, or is another one
//! afterwards.

use std::time::Duration;

use minder_http::client::ClientError;
use minder_top::{News, Wanted};
use tokio::time::sleep;

use super::{Teller, minder, supervisor};
use crate::settings::Settings;

/// How long to wait before a daemon is asked again that did not answer.
const PAUSE: Duration = Duration::from_millis(500);

/// How long an answer may take that needs nothing but the daemon.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// Why a daemon is not watched any more.
#[derive(Debug)]
pub(super) enum Trouble {
    /// It cannot be asked.
    Client(ClientError),
    /// It does not answer.
    Silent,
    /// It answers, but not now.
    Busy(String),
    /// It has no modern interface.
    NotMinder,
}

impl From<ClientError> for Trouble {
    fn from(error: ClientError) -> Self {
        Self::Client(error)
    }
}

impl Trouble {
    fn text(&self) -> String {
        match self {
            Self::Client(ClientError::Unauthorized) => "other name or password".to_owned(),
            Self::Client(ClientError::Closed) => "connection closed".to_owned(),
            Self::Client(error) => error.to_string(),
            Self::Silent => "no answer".to_owned(),
            Self::Busy(why) => why.clone(),
            Self::NotMinder => "no answer that makes sense".to_owned(),
        }
    }
}

/// Waits for an answer that needs nothing but the daemon.
pub(super) async fn in_time<T, E: Into<Trouble>>(
    answer: impl Future<Output = Result<T, E>>,
) -> Result<T, Trouble> {
    match tokio::time::timeout(PATIENCE, answer).await {
        Ok(answer) => answer.map_err(Into::into),
        Err(_) => Err(Trouble::Silent),
    }
}

/// Tells what is heard of the daemon, for ever.
pub(super) async fn watch(settings: Settings, wanted: Wanted, teller: Teller) {
    loop {
        let Ok(client) = settings.client() else {
            // It was one when the first call was made.
            return;
        };
        let trouble = match minder::watch(client, &wanted, &teller).await {
            Trouble::NotMinder => match settings.client() {
                Ok(client) => supervisor::watch(client, &teller).await,
                Err(_) => return,
            },
            trouble => trouble,
        };
        teller.tell(News::Lost(trouble.text())).await;
        sleep(PAUSE).await;
    }
}
