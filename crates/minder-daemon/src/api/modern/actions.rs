//! Starting, stopping and the rest.
//!
//! What is asked for of several processes is handed to the driver before the first reply is waited
//! for, so that nobody waits for anybody but the slowest.

use jiff::tz::TimeZone;
use minder_api::body::{Outcome, Outcomes};
use minder_api::{Action, Problem, Reply};
use minder_core::group::full_name;
use minder_core::{Refusal, Request, Target};
use minder_rpc::{Call, Fault, FaultCode, Service as _};
use tokio::sync::oneshot;

use super::super::{Api, answered, find, logs};
use crate::link::now;

/// Something asked for, by the name it was asked for under.
type Begun = (String, oneshot::Receiver<minder_core::Reply>);

impl Api {
    /// Does something to one process, and tells how it is then.
    pub(super) async fn act(&self, name: &str, action: Action) -> Result<Reply, Problem> {
        // `group:*` is no process.
        let name = {
            let picture = self.published.latest();
            let (group, process) = find(&picture.view, name)?;
            full_name(&group.spec.name, &process.spec.name)
        };
        let call = match action {
            Action::Start { wait } => Call::StartProcess {
                name: name.clone(),
                wait,
            },
            Action::Stop { wait } => Call::StopProcess {
                name: name.clone(),
                wait,
            },
            Action::Restart { wait } => {
                let stop = Call::StopProcess {
                    name: name.clone(),
                    wait: true,
                };
                match self.call(stop).await {
                    Err(fault) if fault.code != FaultCode::NotRunning => return Err(fault.into()),
                    Ok(_) | Err(_) => Call::StartProcess {
                        name: name.clone(),
                        wait,
                    },
                }
            }
            Action::Signal { signal } => Call::SignalProcess {
                name: name.clone(),
                signal,
            },
            Action::Clear => Call::ClearProcessLogs { name: name.clone() },
            Action::Stdin { text } => Call::SendProcessStdin {
                name: name.clone(),
                chars: text,
            },
        };
        self.call(call).await?;
        let picture = self.published.latest();
        let (group, process) = find(&picture.view, &name)?;
        let zone = TimeZone::system();
        Ok(Reply::json(&self.body(
            &picture,
            group,
            process,
            now(),
            &zone,
            None,
        )))
    }

    pub(super) async fn act_on_group(
        &self,
        group: String,
        action: Action,
    ) -> Result<Reply, Problem> {
        let picture = self.published.latest();
        if !picture.view.groups.iter().any(|it| it.spec.name == group) {
            return Err(Fault::about(FaultCode::BadName, group).into());
        }
        drop(picture);
        self.act_on(vec![(group.clone(), Target::Group(group))], action)
            .await
    }

    pub(super) async fn act_on_many(
        &self,
        targets: Vec<String>,
        action: Action,
    ) -> Result<Reply, Problem> {
        if action == Action::Clear {
            return self.clear(&targets).await;
        }
        let targets = targets.into_iter().map(|name| {
            let target = match name.as_str() {
                "*" => Target::All,
                _ => Target::Named(name.clone()),
            };
            (name, target)
        });
        self.act_on(targets.collect(), action).await
    }

    async fn act_on(
        &self,
        targets: Vec<(String, Target)>,
        action: Action,
    ) -> Result<Reply, Problem> {
        let outcomes = match action {
            Action::Start { wait } => self.each(targets, |target| start(target, wait)).await?,
            Action::Stop { wait } => self.each(targets, |target| stop(target, wait)).await?,
            Action::Restart { wait } => {
                let stopped = self
                    .each(targets.clone(), |target| stop(target, true))
                    .await?;
                // What did not run is not to be stopped; what could not be stopped says so again
                // when it is started.
                drop(stopped);
                self.each(targets, |target| start(target, wait)).await?
            }
            Action::Signal { signal } => {
                let request = |target| Request::Signal {
                    target,
                    signal: signal.clone(),
                };
                self.each(targets, request).await?
            }
            Action::Clear | Action::Stdin { .. } => {
                return Err(Problem::bad_request("that is for one process"));
            }
        };
        Ok(told(outcomes))
    }

    async fn each(
        &self,
        targets: Vec<(String, Target)>,
        request: impl Fn(Target) -> Request,
    ) -> Result<Vec<Outcome>, Problem> {
        let begun: Vec<Begun> = targets
            .into_iter()
            .map(|(name, target)| (name, self.begin(request(target))))
            .collect();
        let mut outcomes = Vec::new();
        for (name, reply) in begun {
            match answered(reply).await? {
                minder_core::Reply::Refused(Refusal::ShuttingDown) => {
                    return Err(Fault::from(Refusal::ShuttingDown).into());
                }
                minder_core::Reply::Refused(refusal) => {
                    outcomes.push(outcome(name, Err(refusal.into())));
                }
                minder_core::Reply::Each(each) => {
                    outcomes.extend(each.into_iter().map(|it| {
                        let name = full_name(&it.group, &it.name);
                        outcome(name, it.result.map_err(Fault::from))
                    }));
                }
                minder_core::Reply::Done | minder_core::Reply::Changes(_) => {
                    outcomes.push(outcome(name, Ok(())));
                }
            }
        }
        Ok(outcomes)
    }

    /// Empties the logs of several processes.
    async fn clear(&self, targets: &[String]) -> Result<Reply, Problem> {
        let picture = self.published.latest();
        let mut begun = Vec::new();
        let mut outcomes = Vec::new();
        for target in targets {
            let group = target.strip_suffix(":*");
            let before = begun.len();
            for (group_view, process) in super::processes::every(&picture) {
                let name = full_name(&group_view.spec.name, &process.spec.name);
                let meant = target == "*"
                    || group.is_some_and(|group| group_view.spec.name == group)
                    || *target == name;
                if meant {
                    let cleared = logs::begin_to_clear(&self.plane, &picture, process);
                    begun.push((name, cleared));
                }
            }
            if begun.len() == before && target != "*" {
                let fault = Fault::about(FaultCode::BadName, target.clone());
                outcomes.push(outcome(target.clone(), Err(fault)));
            }
        }
        for (name, cleared) in begun {
            let result = answered(cleared).await?;
            let result = result.map_err(|_| Fault::about(FaultCode::Failed, name.clone()));
            outcomes.push(outcome(name, result));
        }
        Ok(told(outcomes))
    }
}

fn start(target: Target, wait: bool) -> Request {
    Request::Start {
        target,
        wait,
        // The driver finds out which commands cannot be run.
        unrunnable: Vec::new(),
    }
}

fn stop(target: Target, wait: bool) -> Request {
    Request::Stop { target, wait }
}

fn outcome(name: String, result: Result<(), Fault>) -> Outcome {
    let fault = result.err();
    Outcome {
        name,
        ok: fault.is_none(),
        fault: fault.as_ref().map(|fault| fault.code.name().to_owned()),
        detail: fault.and_then(|fault| fault.about),
    }
}

fn told(outcomes: Vec<Outcome>) -> Reply {
    let ok = outcomes.iter().all(|outcome| outcome.ok);
    Reply::json(&Outcomes { ok, outcomes })
}
