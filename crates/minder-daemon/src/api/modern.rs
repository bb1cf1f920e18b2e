//! The modern interface: what it answers.
//!
//! What there is to know is gathered by [`crate::history`] and [`crate::figures`] and shown by
//! [`crate::published`]; in here it is put into the bodies of `minder-api`. What changes something goes
//! the way that the calls of XML-RPC go.

mod actions;
mod configuration;
mod events;
mod logs;
pub(crate) mod masks;
mod metrics;
mod processes;
mod stream;
#[cfg(test)]
mod tests;

use std::time::SystemTime;

use minder_api::body::{Daemon, Group, Groups, Listeners, Pool, Time};
use minder_api::{Ask, Interface, OPENAPI, Problem, Reply};
use minder_core::group::full_name;
use minder_core::spec::GroupKind;
use minder_core::{Mood, Wall};

use super::{Api, VERSION, blocking};
use crate::VERSION_OF_SUPERVISOR;
use crate::figures::Reading;
use crate::link::now;

pub(crate) use self::stream::Herald;

impl Interface for Api {
    async fn answer(&self, ask: Ask) -> Result<Reply, Problem> {
        match ask {
            Ask::Daemon => self.daemon().await,
            Ask::Processes {
                states,
                group,
                figures,
            } => self.processes(&states, group.as_deref(), figures).await,
            Ask::Process { name } => self.process(&name).await,
            Ask::Configuration { name } => self.configured(name).await,
            Ask::Act { name, action } => self.act(&name, action).await,
            Ask::ActOnGroup { group, action } => self.act_on_group(group, action).await,
            Ask::ActOnMany { targets, action } => self.act_on_many(targets, action).await,
            Ask::Log {
                log,
                file,
                offset,
                limit,
            } => self.log_part(&log, file, offset, limit).await,
            Ask::LogFiles(log) => self.log_files(&log).await,
            Ask::Search {
                log,
                file,
                text,
                case,
                offset,
                limit,
            } => {
                let path = self.log_path(&log)?;
                logs::search(path, file, text, case, offset, limit).await
            }
            Ask::FollowLog { log, after } => self.follow_log(&log, after).await,
            Ask::Events {
                after,
                before,
                limit,
                kind,
                process,
            } => Ok(self.events(after, before, limit, kind.as_deref(), process.as_deref())),
            Ask::Stream { after, figures } => Ok(self.stream(after, figures)),
            Ask::Figures { names } => self.all_figures(&names).await,
            Ask::Groups => Ok(self.groups()),
            Ask::Listeners => Ok(self.listeners()),
            Ask::Plan => self.plan().await,
            Ask::Reread => self.reread_and_plan().await,
            Ask::Update { groups } => self.update(groups).await,
            Ask::Metrics(format) => self.metrics(format).await,
            Ask::OpenApi => {
                let bytes = OPENAPI.as_bytes().to_vec();
                Ok(Reply::whole(minder_api::reply::JSON, bytes))
            }
        }
    }
}

impl Api {
    async fn daemon(&self) -> Result<Reply, Problem> {
        let (keeper, daemon) = self.own_figures().await?;
        let now = now();
        Ok(Reply::json(&Daemon {
            version: VERSION.to_owned(),
            supervisor_version: VERSION_OF_SUPERVISOR.to_owned(),
            identifier: self.identifier.clone(),
            state: match self.published.latest().view.mood {
                Mood::Running => "RUNNING",
                Mood::Restarting => "RESTARTING",
                Mood::ShuttingDown => "SHUTDOWN",
            }
            .to_owned(),
            generation: self.generation,
            keeper_pid: self.keeper_pid,
            daemon_pid: std::process::id(),
            started: time(self.started.wall),
            now: time(now.wall),
            last_event: self.history.last(),
            keeper_figures: keeper.as_ref().map(processes::figures),
            daemon_figures: daemon.as_ref().map(processes::figures),
        }))
    }

    /// What the keeper and the daemon consume.
    async fn own_figures(&self) -> Result<(Option<Reading>, Option<Reading>), Problem> {
        let (figures, keeper) = (self.figures.clone(), self.keeper_pid);
        let measured = blocking(move || {
            let own = std::process::id();
            // Whose child the keeper is says nothing about whether it is the keeper.
            let parent = minder_os::consumption::of(keeper).map_or(0, |it| it.parent);
            let mut keepers = figures.measure([keeper], parent, now());
            let mut ours = figures.measure([own], keeper, now());
            (keepers.remove(&keeper), ours.remove(&own))
        });
        Ok(measured.await?)
    }

    fn groups(&self) -> Reply {
        let picture = self.published.latest();
        let groups = picture.view.groups.iter().map(|group| Group {
            name: group.spec.name.clone(),
            kind: match group.spec.kind {
                GroupKind::Programs => "program",
                GroupKind::FastCgi(_) => "fcgi-program",
                GroupKind::Listeners { .. } => "eventlistener",
            }
            .to_owned(),
            priority: group.spec.priority,
            processes: group
                .processes
                .iter()
                .map(|process| full_name(&group.spec.name, &process.spec.name))
                .collect(),
        });
        Reply::json(&Groups {
            groups: groups.collect(),
        })
    }

    fn listeners(&self) -> Reply {
        let pools = self
            .history
            .pools()
            .into_iter()
            .map(|(pool, discarded)| Pool {
                name: pool.name.to_string(),
                waiting: pool.waiting as u64,
                buffer_size: pool.buffer_size.map(|size| size as u64),
                accepted: pool.accepted,
                discarded,
            });
        Reply::json(&Listeners {
            pools: pools.collect(),
        })
    }
}

/// A moment, to the millisecond.
fn time(wall: Wall) -> Time {
    seconds(wall.0.as_millis())
}

fn system_time(time: SystemTime) -> Option<Time> {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    Some(seconds(since.as_millis()))
}

#[expect(
    clippy::cast_precision_loss,
    reason = "milliseconds since 1970 are exact in 53 bits for hundreds of thousands of years"
)]
fn seconds(millis: u128) -> f64 {
    millis as f64 / 1000.0
}
