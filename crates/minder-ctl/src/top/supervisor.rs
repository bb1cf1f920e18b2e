//! Watches a daemon that has Supervisor's interface alone: it is asked again and again.

use std::time::Duration;

use minder_http::client::{Client, ClientError};
use minder_rpc::Value;
use minder_top::{End, News, Process, ProcessState, Server, Source};
use tokio::time::{MissedTickBehavior, interval};

use super::Teller;
use super::minder::state;
use super::watch::{Trouble, in_time};
use crate::process::{namespec, text};

/// How often.
const EVERY: Duration = Duration::from_secs(1);

/// Watches until something is in the way.
pub(super) async fn watch(mut client: Client, teller: &Teller) -> Trouble {
    match run(&mut client, teller).await {
        Ok(never) => match never {},
        Err(trouble) => trouble,
    }
}

async fn run(client: &mut Client, teller: &Teller) -> Result<std::convert::Infallible, Trouble> {
    teller.tell(News::Server(server(client).await?)).await;
    let mut tick = interval(EVERY);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tick.tick().await;
        let Value::Array(told) = ask(client, "getAllProcessInfo").await? else {
            return Err(bad_answer("getAllProcessInfo"));
        };
        let now = told.iter().find_map(|it| seconds(it, "now")).unwrap_or(0.0);
        let processes: Option<Vec<Process>> = told.iter().map(process).collect();
        let processes = processes.ok_or_else(|| bad_answer("getAllProcessInfo"))?;
        teller.tell(News::All { processes, now }).await;
    }
}

async fn server(client: &mut Client) -> Result<Server, Trouble> {
    let words = |value: Value| value.as_text().unwrap_or_default().to_owned();
    let state = ask(client, "getState").await?;
    let pid = ask(client, "getPID").await?.as_int();
    Ok(Server {
        source: Source::Supervisor,
        version: words(ask(client, "getSupervisorVersion").await?),
        identifier: words(ask(client, "getIdentification").await?),
        state: text(&state, "statename").unwrap_or_default(),
        pid: pid.and_then(|pid| u32::try_from(pid).ok()),
        started: None,
        deaths: 0,
    })
}

async fn ask(client: &mut Client, method: &str) -> Result<Value, Trouble> {
    let method = format!("supervisor.{method}");
    in_time(client.call(&method, &[])).await
}

fn bad_answer(method: &str) -> Trouble {
    ClientError::BadResponse(format!("unexpected result of {method}")).into()
}

fn seconds(told: &Value, member: &str) -> Option<f64> {
    // Seconds since 1970 are exact in a double for some million years.
    let secs = told.member(member)?.as_int()?;
    u32::try_from(secs)
        .ok()
        .map(f64::from)
        .filter(|secs| *secs > 0.0)
}

fn process(told: &Value) -> Option<Process> {
    let (group, process) = (text(told, "group")?, text(told, "name")?);
    let state = state(&text(told, "statename")?);
    let pid = told.member("pid")?.as_int()?;
    let spawn_error = text(told, "spawnerr").filter(|it| !it.is_empty());
    let code = told.member("exitstatus")?.as_int()?;
    let ended = seconds(told, "stop").filter(|_| state == ProcessState::Exited);
    Some(Process {
        name: namespec(&group, &process),
        group,
        process,
        state,
        description: spawn_error
            .or_else(|| text(told, "description"))
            .unwrap_or_default(),
        pid: u32::try_from(pid).ok().filter(|pid| *pid > 0),
        started: seconds(told, "start"),
        restarts: None,
        flapping: false,
        last_end: ended.map(|at| End {
            at,
            how: format!("exit {code}"),
            bad: code != 0,
        }),
        figures: None,
    })
}
