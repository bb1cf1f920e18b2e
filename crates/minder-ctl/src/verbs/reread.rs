//! `reread`: have the configuration read, and tell what an `update` would change.

use std::collections::BTreeMap;

use minder_http::client::ClientError;
use minder_rpc::{FaultCode, Value};
use serde_json::json;

use super::{Action, Verb, takes_none};
use crate::code::Code;
use crate::completion::Arguments;
use crate::failure::Failure;
use crate::report::Json;
use crate::session::Session;

pub(super) static VERB: Verb = Verb {
    name: "reread",
    help: "reread \t\t\tReload the daemon's configuration files without add/remove\n",
    arguments: Arguments::Free,
    action: Action::Work(|session, argument| Box::pin(run(session, argument))),
};

/// The groups that differ between what runs and what the configuration asks for.
pub(super) struct Changes {
    pub(super) added: Vec<String>,
    pub(super) changed: Vec<String>,
    pub(super) removed: Vec<String>,
}

async fn run(session: &mut Session, argument: &str) -> Result<(), Failure> {
    if !takes_none(session, &VERB, argument)? {
        return Ok(());
    }
    let failure = match changes(session).await {
        Ok(changes) => return session.show("changes", || changes.json(), shown(&changes)),
        Err(failure) => failure,
    };
    match (failure.fault(), failure) {
        (Some(FaultCode::ShutdownState), _) => {
            session.complain("ERROR: supervisor shutting down", Code::Generic)
        }
        (Some(FaultCode::CantReread), Failure::Call(ClientError::Fault { text, .. })) => {
            session.complain(&format!("ERROR: {text}"), Code::Generic)
        }
        (_, failure) => Err(failure),
    }
}

/// Has the configuration read.
pub(super) async fn changes(session: &mut Session) -> Result<Changes, Failure> {
    let method = "reloadConfig";
    let result = session.call(method, &[]).await?;
    Changes::from_value(&result).ok_or_else(|| Failure::bad_answer(method))
}

impl Changes {
    /// The same for a report.
    fn json(&self) -> Json {
        json!({"added": self.added, "changed": self.changed, "removed": self.removed})
    }

    /// The result is an array that holds one array of three.
    fn from_value(result: &Value) -> Option<Self> {
        let [kinds, ..] = result.as_array()? else {
            return None;
        };
        let [added, changed, removed] = kinds.as_array()? else {
            return None;
        };
        Some(Self {
            added: names(added)?,
            changed: names(changed)?,
            removed: names(removed)?,
        })
    }
}

fn names(value: &Value) -> Option<Vec<String>> {
    let names = value.as_array()?.iter();
    names
        .map(|name| name.as_text().map(ToOwned::to_owned))
        .collect()
}

fn shown(changes: &Changes) -> Vec<String> {
    let kinds = [
        (&changes.added, "available"),
        (&changes.changed, "changed"),
        (&changes.removed, "disappeared"),
    ];
    let by_name: BTreeMap<&String, &str> = kinds
        .into_iter()
        .flat_map(|(names, kind)| names.iter().map(move |name| (name, kind)))
        .collect();
    if by_name.is_empty() {
        return vec!["No config updates to processes".to_owned()];
    }
    by_name
        .iter()
        .map(|(name, kind)| format!("{name}: {kind}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn groups(names: &[&str]) -> Vec<String> {
        names.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn groups_are_told_by_name() {
        let changes = Changes {
            added: groups(&["m", "z"]),
            changed: groups(&["b"]),
            removed: groups(&["a"]),
        };
        assert_eq!(
            shown(&changes),
            [
                "a: disappeared",
                "b: changed",
                "m: available",
                "z: available"
            ]
        );
    }

    #[test]
    fn no_change_is_told_too() {
        let none = Value::Array(vec![Value::Array(vec![Value::Array(Vec::new()); 3])]);
        let changes = Changes::from_value(&none).unwrap();
        assert_eq!(shown(&changes), ["No config updates to processes"]);
    }
}
