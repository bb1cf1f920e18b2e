//! What start, stop, signal and clear share: acting on `all`, on groups and on processes.
//!
//! The server acts; here its results become lines and an exit code.

use minder_http::client::ClientError;
use minder_rpc::{FaultCode, Value};
use serde_json::json;

use crate::code::Code;
use crate::failure::Failure;
use crate::process::{Target, namespec, text};
use crate::session::Session;

/// What a report calls what became of each process.
const OUTCOMES: &str = "outcomes";

/// How a verb acts on processes.
pub(super) struct Act {
    /// The method for all processes.
    pub(super) all: &'static str,
    /// The method for a group, if there is one.
    pub(super) group: Option<&'static str>,
    /// The method for one process.
    pub(super) one: &'static str,
    /// What has been done to a process then.
    pub(super) done: &'static str,
    /// How a refusal is told, if the verb knows it.
    pub(super) refusal: fn(FaultCode) -> Option<Refusal>,
    /// The refusal that leaves the exit code alone.
    pub(super) forgiven: Option<FaultCode>,
    /// The code that an unknown group leaves.
    pub(super) unknown_group: Code,
}

/// How a refusal is told.
pub(super) enum Refusal {
    /// As an error of the process.
    Because(&'static str),
    /// By the server's own text.
    InItsWords,
}

/// What happened to one process.
struct Outcome {
    /// The process's name as it is shown.
    name: String,
    /// Supervisor's number for what happened.
    status: i64,
    /// The server's text about it.
    description: String,
}

impl Act {
    /// Acts on each of `names`, one after the other. `extra` follows the name in each call.
    pub(super) async fn on(
        &self,
        session: &mut Session,
        names: &[&str],
        extra: &[Value],
    ) -> Result<(), Failure> {
        if names.contains(&"all") {
            let results = session.call(self.all, extra).await?;
            return self.tell_all(session, &results, self.all);
        }
        for name in names {
            let target = Target::parse(name);
            match (target.process, self.group) {
                (None, Some(method)) => {
                    self.on_group(session, method, target.group, extra).await?;
                }
                _ => self.on_one(session, name, target, extra).await?,
            }
        }
        Ok(())
    }

    async fn on_group(
        &self,
        session: &mut Session,
        method: &str,
        group: &str,
        extra: &[Value],
    ) -> Result<(), Failure> {
        match session.call(method, &params(group, extra)).await {
            Ok(results) => self.tell_all(session, &results, method),
            Err(failure) if failure.fault() == Some(FaultCode::BadName) => {
                session.code = self.unknown_group;
                let told =
                    || json!({"name": format!("{group}:*"), "done": null, "fault": "BAD_NAME"});
                let line = format!("{group}: ERROR (no such group)");
                session.show_one(OUTCOMES, told, &line)
            }
            Err(failure) => Err(failure),
        }
    }

    async fn on_one(
        &self,
        session: &mut Session,
        name: &str,
        target: Target<'_>,
        extra: &[Value],
    ) -> Result<(), Failure> {
        let (status, description) = match session.call(self.one, &params(name, extra)).await {
            Ok(_) => (FaultCode::Success.number().into(), String::new()),
            Err(Failure::Call(ClientError::Fault { code, text })) => (code, text),
            Err(failure) => return Err(failure),
        };
        let outcome = Outcome {
            name: target.shown(),
            status,
            description,
        };
        self.tell(session, outcome)
    }

    fn tell_all(
        &self,
        session: &mut Session,
        results: &Value,
        method: &str,
    ) -> Result<(), Failure> {
        let results = results
            .as_array()
            .ok_or_else(|| Failure::bad_answer(method))?;
        for result in results {
            let outcome = Outcome::from_value(result).ok_or_else(|| Failure::bad_answer(method))?;
            self.tell(session, outcome)?;
        }
        Ok(())
    }

    fn tell(&self, session: &mut Session, outcome: Outcome) -> Result<(), Failure> {
        let Outcome {
            name,
            status,
            description,
        } = outcome;
        let unknown = || Failure::UnknownResult {
            status,
            name: name.clone(),
        };
        let fault = FaultCode::from_number(status).ok_or_else(unknown)?;
        if fault == FaultCode::Success {
            let told = || json!({"name": name, "done": self.done, "fault": null});
            return session.show_one(OUTCOMES, told, &format!("{name}: {}", self.done));
        }
        let line = match (self.refusal)(fault).ok_or_else(unknown)? {
            Refusal::Because(reason) => format!("{name}: ERROR ({reason})"),
            Refusal::InItsWords => description,
        };
        let told = || json!({"name": name, "done": null, "fault": fault.name()});
        session.show_one(OUTCOMES, told, &line)?;
        if self.forgiven != Some(fault) {
            session.code = Code::of_fault(fault);
        }
        Ok(())
    }
}

impl Outcome {
    fn from_value(result: &Value) -> Option<Self> {
        Some(Self {
            name: namespec(&text(result, "group")?, &text(result, "name")?),
            status: result.member("status")?.as_int()?,
            description: text(result, "description")?,
        })
    }
}

fn params(name: &str, extra: &[Value]) -> Vec<Value> {
    let mut params = vec![name.into()];
    params.extend_from_slice(extra);
    params
}
