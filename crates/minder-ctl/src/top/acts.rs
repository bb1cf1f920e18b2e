//! Does what was asked for, and tells what became of it.

use minder_api::body;
use minder_http::client::{Client, ClientError};
use minder_rpc::{FaultCode, Value};
use minder_top::{Action, News, Source};
use serde_json::json;

use super::Teller;
use crate::settings::Settings;

/// Does it, however long that takes.
pub(super) async fn act(
    settings: Settings,
    source: Source,
    action: Action,
    names: Vec<String>,
    teller: Teller,
) {
    let Ok(mut client) = settings.client() else {
        return;
    };
    let done = match source {
        Source::Minder => ask_minder(&mut client, action, &names).await,
        Source::Supervisor => ask_supervisor(&mut client, action, &names).await,
    };
    let (said, ok) = match done {
        Ok(failures) => match failures.as_slice() {
            [] => (action.done(&names), true),
            [only] => (only.clone(), false),
            [first, more @ ..] => (format!("{first}; and {} more", more.len()), false),
        },
        Err(ClientError::Closed | ClientError::Io(_)) => {
            let said = "the daemon went away before it answered: look whether it was done";
            (said.to_owned(), false)
        }
        Err(error) => (format!("not done: {error}"), false),
    };
    teller.tell(News::Done { said, ok }).await;
}

/// What went wrong, a sentence for each process that it went wrong with.
type Failures = Vec<String>;

async fn ask_minder(
    client: &mut Client,
    action: Action,
    names: &[String],
) -> Result<Failures, ClientError> {
    let (verb, signal) = match action {
        Action::Start => ("start", None),
        Action::Stop => ("stop", None),
        Action::Restart => ("restart", None),
        Action::Clear => ("clear", None),
        Action::Signal(signal) => ("signal", Some(signal)),
    };
    let mut body = json!({"action": verb, "targets": names});
    if let Some(signal) = signal {
        body["signal"] = signal.into();
    }
    let answer = client
        .post("/api/v1/actions", body.to_string().into_bytes())
        .await?;
    let unreadable = |error: serde_json::Error| ClientError::BadResponse(error.to_string());
    if answer.status != 200 {
        let problem: serde_json::Value =
            serde_json::from_slice(&answer.body).map_err(unreadable)?;
        let detail = ["detail", "title"]
            .iter()
            .find_map(|it| problem[*it].as_str().filter(|text| !text.is_empty()));
        return Ok(vec![detail.unwrap_or("it was refused").to_owned()]);
    }
    let told: body::Outcomes = serde_json::from_slice(&answer.body).map_err(unreadable)?;
    let failed = told.outcomes.into_iter().filter(|it| !it.ok);
    Ok(failed
        .map(|it| failure(&it.name, it.fault.as_deref(), it.detail.as_deref()))
        .collect())
}

/// `web: spawn error`, with what the daemon adds, unless that is the name again.
fn failure(name: &str, fault: Option<&str>, detail: Option<&str>) -> String {
    let fault = fault.map(|fault| fault.to_lowercase().replace('_', " "));
    let fault = fault.unwrap_or_else(|| "failed".to_owned());
    match detail {
        Some(detail) if detail != name && !detail.is_empty() => {
            format!("{name}: {fault} ({detail})")
        }
        _ => format!("{name}: {fault}"),
    }
}

async fn ask_supervisor(
    client: &mut Client,
    action: Action,
    names: &[String],
) -> Result<Failures, ClientError> {
    let mut failures = Vec::new();
    for name in names {
        let name_alone = [Value::from(name.as_str())];
        let done = match action {
            Action::Start => call(client, "startProcess", &name_alone).await?,
            Action::Stop => call(client, "stopProcess", &name_alone).await?,
            Action::Restart => match call(client, "stopProcess", &name_alone).await? {
                None | Some(FaultCode::NotRunning) => {
                    call(client, "startProcess", &name_alone).await?
                }
                fault => fault,
            },
            Action::Clear => call(client, "clearProcessLogs", &name_alone).await?,
            Action::Signal(signal) => {
                let [name] = name_alone;
                call(client, "signalProcess", &[name, signal.into()]).await?
            }
        };
        failures.extend(done.map(|fault| failure(name, Some(fault.name()), None)));
    }
    Ok(failures)
}

/// Calls a method; why it said no, if it did.
async fn call(
    client: &mut Client,
    method: &str,
    params: &[Value],
) -> Result<Option<FaultCode>, ClientError> {
    match client.call(&format!("supervisor.{method}"), params).await {
        Ok(_) => Ok(None),
        Err(ClientError::Fault { code, .. }) => Ok(Some(
            FaultCode::from_number(code).unwrap_or(FaultCode::Failed),
        )),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_names_process_and_reason() {
        assert_eq!(
            failure("web", Some("NOT_RUNNING"), Some("web")),
            "web: not running"
        );
        assert_eq!(
            failure("web", Some("SPAWN_ERROR"), Some("no such user")),
            "web: spawn error (no such user)"
        );
        assert_eq!(failure("web", None, None), "web: failed");
    }
}
