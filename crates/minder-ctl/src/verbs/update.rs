//! `update`: bring what runs into line with the configuration.

use std::collections::BTreeSet;

use minder_rpc::{FaultCode, Value};
use serde_json::json;

use super::reread::{Changes, changes};
use super::{Action, Verb};
use crate::code::Code;
use crate::completion::Arguments;
use crate::failure::Failure;
use crate::session::Session;

pub(super) static VERB: Verb = Verb {
    name: "update",
    help: "update\t\t\tReload config and add/remove as necessary, and will restart affected \
           programs\n\
           update all\t\tReload config and add/remove as necessary, and will restart affected \
           programs\n\
           update <gname> [...]\tUpdate specific groups\n",
    arguments: Arguments::Groups,
    action: Action::Work(|session, groups| Box::pin(run(session, groups))),
};

/// What a report calls what was done to groups.
const GROUPS: &str = "groups";

/// Which groups an update is about.
struct Chosen<'a>(Vec<&'a str>);

async fn run(session: &mut Session, groups: &str) -> Result<(), Failure> {
    let changes = match changes(session).await {
        Ok(changes) => changes,
        Err(failure) if failure.fault() == Some(FaultCode::ShutdownState) => {
            return session.complain("ERROR: already shutting down", Code::Generic);
        }
        Err(failure) => return Err(failure),
    };
    let chosen = Chosen::parse(groups);
    name_unknown(session, &chosen, &changes).await?;
    for group in changes.removed.iter().filter(|group| chosen.has(group)) {
        remove(session, group).await?;
    }
    for group in changes.changed.iter().filter(|group| chosen.has(group)) {
        stop(session, group).await?;
        session
            .call("removeProcessGroup", &[group.as_str().into()])
            .await?;
        session
            .call("addProcessGroup", &[group.as_str().into()])
            .await?;
        tell(session, group, "updated")?;
    }
    for group in changes.added.iter().filter(|group| chosen.has(group)) {
        session
            .call("addProcessGroup", &[group.as_str().into()])
            .await?;
        tell(session, group, "added")?;
    }
    Ok(())
}

impl<'a> Chosen<'a> {
    /// Reads names; none, or `all` among them, means every group.
    fn parse(groups: &'a str) -> Self {
        let groups: Vec<&str> = groups.split_whitespace().collect();
        if groups.contains(&"all") {
            return Self(Vec::new());
        }
        Self(groups)
    }

    fn has(&self, group: &str) -> bool {
        self.0.is_empty() || self.0.contains(&group)
    }
}

/// Says which of the chosen groups are neither active nor about to be.
async fn name_unknown(
    session: &mut Session,
    chosen: &Chosen<'_>,
    changes: &Changes,
) -> Result<(), Failure> {
    let named: BTreeSet<&str> = chosen.0.iter().copied().collect();
    if named.is_empty() {
        return Ok(());
    }
    let processes = session.all_processes().await?;
    let active = processes.iter().map(|process| process.group.as_str());
    let known: BTreeSet<&str> = active
        .chain(changes.added.iter().map(String::as_str))
        .collect();
    for group in named.difference(&known) {
        let line = format!("ERROR: no such group: {group}");
        session.complain(&line, Code::Generic)?;
    }
    Ok(())
}

/// Tells what has been done to a group.
pub(super) fn tell(session: &mut Session, group: &str, done: &str) -> Result<(), Failure> {
    let told = || json!({"group": group, "done": done});
    session.show_one(GROUPS, told, &format!("{group}: {done} process group"))
}

async fn remove(session: &mut Session, group: &str) -> Result<(), Failure> {
    let results = stop(session, group).await?;
    if results.iter().any(has_failed) {
        let line = format!("{group}: has problems; not removing");
        return session.complain(&line, Code::Generic);
    }
    session.call("removeProcessGroup", &[group.into()]).await?;
    tell(session, group, "removed")
}

async fn stop(session: &mut Session, group: &str) -> Result<Vec<Value>, Failure> {
    let method = "stopProcessGroup";
    let results = session.call(method, &[group.into()]).await?;
    let told = || json!({"group": group, "done": "stopped"});
    session.show_one(GROUPS, told, &format!("{group}: stopped"))?;
    match results {
        Value::Array(results) => Ok(results),
        _ => Err(Failure::bad_answer(method)),
    }
}

fn has_failed(result: &Value) -> bool {
    let status = result.member("status").and_then(Value::as_int);
    status.and_then(FaultCode::from_number) == Some(FaultCode::Failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_name_or_all_among_the_names_is_every_group() {
        assert!(Chosen::parse("").has("web"));
        assert!(Chosen::parse("db all").has("web"));
        assert!(!Chosen::parse("db").has("web"));
    }
}
