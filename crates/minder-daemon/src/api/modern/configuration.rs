//! What is configured: what is in force, where that stands, and what an update would change.

use minder_api::body::{Configuration, OptionValue, Plan, Step, Updated, UpdatedGroup, Variable};
use minder_api::{Problem, Reply};
use minder_config::ini::Section;
use minder_config::{Loaded, WarningKind};
use minder_core::group::full_name;
use minder_core::plan::{Change, Update};
use minder_core::{ProcessSpec, View};
use minder_rpc::{Answer, Call, Fault, FaultCode, Service as _};

use super::super::{Api, blocking, find};
use super::masks;
use crate::options::{Value, in_force};

impl Api {
    /// What a process is configured with.
    pub(super) async fn configured(&self, name: String) -> Result<Reply, Problem> {
        let (group, process, spec) = {
            let picture = self.published.latest();
            let (group, process) = find(&picture.view, &name)?;
            let spec = process.spec.clone();
            (group.spec.name.clone(), process.spec.name.clone(), spec)
        };
        let configuration = self.configuration.clone();
        let read = blocking(move || {
            let loaded = configuration.load().ok();
            let on_disk = loaded
                .as_ref()
                .map(|it| is_the_same(it, &group, &process, &spec));
            let origins = loaded
                .filter(|_| on_disk == Some(true))
                .map(|it| it.origins);
            let section = origins.as_ref().and_then(|it| it.section(&group, &process));
            Configuration {
                name: full_name(&group, &process),
                section: section.map(|it| it.name().to_owned()),
                on_disk,
                options: options(&spec, section),
                environment: environment(&spec),
            }
        });
        Ok(Reply::json(&read.await?))
    }

    /// What an update would do, as the files are now.
    pub(super) async fn plan(&self) -> Result<Reply, Problem> {
        let loaded = self.load_for_plan().await?;
        Ok(Reply::json(&planned(
            &self.published.latest().view,
            &loaded,
        )))
    }

    pub(super) async fn reread_and_plan(&self) -> Result<Reply, Problem> {
        self.call(Call::ReloadConfig).await?;
        self.plan().await
    }

    /// Does what `update` does, with every group that has changed or with those of `chosen`.
    pub(super) async fn update(&self, chosen: Option<Vec<String>>) -> Result<Reply, Problem> {
        let Answer::Changes(changes) = self.call(Call::ReloadConfig).await? else {
            return Err(Problem::new(500, "an answer that makes no sense"));
        };
        let has = |group: &String| chosen.as_ref().is_none_or(|it| it.contains(group));
        let mut groups = Vec::new();
        for group in changes.removed.into_iter().filter(has) {
            let result = self.take_away(&group).await;
            groups.push(updated(Change::Removed, group, result)?);
        }
        for group in changes.changed.into_iter().filter(has) {
            let result = match self.take_away(&group).await {
                Ok(()) => self.bring(&group).await,
                Err(fault) => Err(fault),
            };
            groups.push(updated(Change::Changed, group, result)?);
        }
        for group in changes.added.into_iter().filter(has) {
            let result = self.bring(&group).await;
            groups.push(updated(Change::Added, group, result)?);
        }
        let ok = groups.iter().all(|it| it.ok);
        Ok(Reply::json(&Updated { ok, groups }))
    }

    async fn take_away(&self, group: &str) -> Result<(), Fault> {
        let name = group.to_owned();
        let stop = Call::StopProcessGroup { name, wait: true };
        // What could not be stopped says so when it is to be removed.
        self.call(stop).await?;
        let name = group.to_owned();
        self.call(Call::RemoveProcessGroup { name }).await.map(drop)
    }

    async fn bring(&self, group: &str) -> Result<(), Fault> {
        let name = group.to_owned();
        self.call(Call::AddProcessGroup { name }).await.map(drop)
    }

    async fn load_for_plan(&self) -> Result<Loaded, Problem> {
        let configuration = self.configuration.clone();
        let loaded = blocking(move || configuration.load()).await?;
        loaded.map_err(|error| {
            let report = error.report(minder_config::report::Colour::Plain);
            let text = format!("{error}\n{report}");
            Fault::about(FaultCode::CantReread, text.trim_end()).into()
        })
    }
}

fn updated(
    change: Change,
    group: String,
    result: Result<(), Fault>,
) -> Result<UpdatedGroup, Problem> {
    match result {
        Err(fault) if fault.code == FaultCode::ShutdownState => Err(fault.into()),
        result => Ok(UpdatedGroup {
            change: word(change).to_owned(),
            group,
            ok: result.is_ok(),
            detail: result.err().map(|fault| fault.to_string()),
        }),
    }
}

/// What an update to `loaded` would do.
fn planned(view: &View, loaded: &Loaded) -> Plan {
    let update = Update::new(view, &loaded.groups);
    let longest_wait = update.longest_wait().as_secs_f64();
    let steps = update.steps.into_iter().map(|step| Step {
        change: word(step.change).to_owned(),
        group: step.group,
        stops: step.stops,
        starts: step.starts,
    });
    let warnings = loaded.warnings.iter();
    Plan {
        steps: steps.collect(),
        untouched: update.untouched as u64,
        longest_wait,
        files: loaded
            .files
            .iter()
            .map(|it| it.to_string_lossy().into_owned())
            .collect(),
        warnings: warnings
            .filter(|it| it.kind != WarningKind::Included)
            .map(|it| it.text.clone())
            .collect(),
    }
}

fn word(change: Change) -> &'static str {
    match change {
        Change::Removed => "removed",
        Change::Changed => "changed",
        Change::Added => "added",
    }
}

/// Whether the files ask for just this process.
fn is_the_same(loaded: &Loaded, group: &str, process: &str, spec: &ProcessSpec) -> bool {
    let group = loaded.groups.iter().find(|it| it.name == group);
    let mut processes = group.into_iter().flat_map(|it| &it.processes);
    processes.any(|it| it.name == process && **it == *spec)
}

fn environment(spec: &ProcessSpec) -> Vec<Variable> {
    let variables = spec.environment.iter().map(|(name, value)| {
        let (value, masked) = masks::variable(name, value);
        Variable {
            name: name.clone(),
            value,
            masked,
        }
    });
    variables.collect()
}

/// The options of a process by the names that they have in the file, with the place of those that
/// stand there.
fn options(spec: &ProcessSpec, section: Option<&Section>) -> Vec<OptionValue> {
    // What would be said of standard error holds for standard output then.
    let is_void = |name: &str| spec.redirect_stderr && name.starts_with("stderr_");
    let options = in_force(spec).into_iter().filter(|it| !is_void(it.name));
    let values = options.filter_map(|option| {
        let value = match option.value? {
            Value::Text(text) => text,
            Value::Bytes(bytes) => bytes.to_string(),
            Value::User(uid) => uid.to_string(),
            Value::Signal(signal) => signal.to_string(),
        };
        let mut written = section.into_iter().flat_map(Section::own_options);
        let place = written.find(|(name, _)| **name == *option.name);
        let place = place.map(|(_, written)| &written.value_at);
        Some(OptionValue {
            name: option.name.to_owned(),
            value: masks::without_passwords(&value),
            set: place.is_some(),
            file: place.map(|it| it.file().path().to_owned()),
            line: place.map(|it| it.line() as u64),
        })
    });
    values.collect()
}
