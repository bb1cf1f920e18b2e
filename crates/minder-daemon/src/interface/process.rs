//! What the page about one process shows.

use std::sync::Arc;
use std::time::Duration;

use minder_config::Loaded;
use minder_config::ini::Section;
use minder_core::group::full_name;
use minder_core::view::ProcessView;
use minder_core::{GroupSpec, Level, ProcessSpec};
use minder_http::server::site::{Keep, Shown, Status};
use minder_page::process::{self, Command, Secrets, Variable};
use minder_page::strip::SPAN;
use minder_page::{ProcessPage, process_address, question};

use super::fields::Fields;
use super::past::{self, Past};
use super::{Visitor, logs, notice, options, overview, page, refused, text};
use crate::api::{Api, blocking, find, masks};

/// Draws the page.
pub(super) async fn draw(api: &Arc<Api>, visitor: &Visitor, fields: &Fields) -> Shown {
    drawn(api, visitor, fields, Secrets::Masked).await
}

/// Draws the page with the secrets in the environment, for somebody who has given a password and
/// asks for it by a form from here. The daemon's log tells that, and not what was shown.
pub(super) async fn reveal(api: &Arc<Api>, visitor: &Visitor, fields: &Fields) -> Shown {
    let Some(user) = visitor.user.as_ref().filter(|_| visitor.is_genuine(fields)) else {
        return refused();
    };
    let shown = drawn(api, visitor, fields, Secrets::Revealed).await;
    if shown.status == Status::Fine {
        let name = fields.get("name").unwrap_or_default();
        let line = format!("the environment of '{name}' was shown to user '{user}'");
        api.log.write(Level::Info, line);
    }
    Shown {
        keep: Keep::Never,
        ..shown
    }
}

async fn drawn(api: &Arc<Api>, visitor: &Visitor, fields: &Fields, secrets: Secrets) -> Shown {
    let picture = api.published.latest();
    let name = fields.get("name").unwrap_or_default();
    let Ok((group, process)) = find(&picture.view, name) else {
        let frame = visitor.frame(api, "./");
        let page = question::missing(&frame);
        return super::answer(Status::Missing, super::HTML, page);
    };
    let Ok(log) = logs::view(api, group, process, fields).await else {
        return text(Status::Conflict, String::new());
    };
    let full_name = full_name(&group.spec.name, &process.spec.name);
    let shows_defaults = fields.get("defaults").is_some();
    let configuration = api.configuration.clone();
    let (group_spec, spec) = (group.spec.clone(), process.spec.clone());
    // The name of a user may have to be asked for as far away as the files.
    let configured = blocking(move || {
        let loaded = configuration.load().ok();
        let section = loaded
            .as_ref()
            .and_then(|loaded| section(loaded, &group_spec, &spec));
        let rows = options::rows(&spec, section, shows_defaults);
        (rows, command(&spec))
    });
    let Ok(((rows, defaults), command)) = configured.await else {
        return text(Status::Conflict, String::new());
    };
    let address = process_address(&full_name);
    let moments = &visitor.moments;
    let past = Past::of(&api.history, group, process, moments.now.wall);
    let record = api
        .history
        .record(&group.spec.name, &process.spec.name)
        .unwrap_or_default();
    let day = past::day(&record, moments);
    let readings = overview::readings(api, process.pid.into_iter().collect()).await;
    let (cpu, memory) = process.pid.map_or((None, None), |pid| {
        overview::figures(api, pid, readings.get(&pid), None)
    });
    let hours = (1..=8)
        .rev()
        .map(|part| moments.hour(SPAN / 8 * part))
        .collect();
    page(process::draw(&ProcessPage {
        frame: visitor.frame(api, &address),
        notice: notice(fields),
        group: (full_name != group.spec.name).then(|| group.spec.name.clone()),
        name: full_name,
        look: overview::look(process),
        since: since(process, past.as_ref(), visitor),
        pid: process.pid,
        reason: overview::reason(group, process, past.as_ref(), visitor),
        flapping: past.as_ref().and_then(|past| past.flapping(process)),
        day,
        changes: past::changes(&record, moments),
        restarts: past.map(|past| past.restarts),
        hours,
        log,
        cpu,
        memory,
        memory_limit: None,
        command,
        environment: environment(&process.spec, secrets),
        secrets: (visitor.user.is_some() && has_secrets(&process.spec)).then_some(secrets),
        options: rows,
        defaults,
        shows_defaults,
    }))
}

/// For how long it has been as it is, as far as that can be told.
fn since(process: &ProcessView, past: Option<&Past>, visitor: &Visitor) -> Option<Duration> {
    let moments = &visitor.moments;
    if let Some(since) = past.and_then(|past| past.since(process)) {
        return Some(moments.ago(since));
    }
    if process.pid.is_some() {
        return process
            .started
            .map(|(mono, _)| moments.now.mono.since(mono));
    }
    process.stopped.map(|wall| moments.ago(wall))
}

/// The files, if they say what is in force, and the section that the process is from.
fn section<'a>(
    loaded: &'a Loaded,
    group: &GroupSpec,
    process: &ProcessSpec,
) -> Option<(&'a Loaded, &'a Section)> {
    let on_disk = loaded.groups.iter().find(|it| it.name == group.name)?;
    let on_disk = on_disk
        .processes
        .iter()
        .find(|it| it.name == process.name)?;
    let section = loaded.origins.section(&group.name, &process.name)?;
    (**on_disk == *process).then_some((loaded, section))
}

fn command(spec: &ProcessSpec) -> Command {
    Command {
        command: masks::without_passwords(&spec.command),
        directory: spec.directory.clone(),
        user: spec.uid.map(options::user),
    }
}

/// What is added to the daemon's own environment. `SUPERVISOR_*` is always.
fn environment(spec: &ProcessSpec, secrets: Secrets) -> Vec<Variable> {
    let variables = spec.environment.iter();
    let variables = variables.map(|(name, value)| Variable {
        name: name.clone(),
        value: match secrets {
            Secrets::Masked => masks::variable(name, value).0,
            Secrets::Revealed => value.clone(),
        },
    });
    variables.collect()
}

fn has_secrets(spec: &ProcessSpec) -> bool {
    let mut variables = spec.environment.iter();
    variables.any(|(name, value)| masks::variable(name, value).1)
}
