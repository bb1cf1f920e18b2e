//! `top`: a live table of processes, their logs, and what can be done to them.

use minder_top::Wanted;

use super::{Action, Verb};
use crate::code::Code;
use crate::completion::Arguments;
use crate::failure::Failure;
use crate::process::Target;
use crate::session::Session;
use crate::top;

pub(super) static VERB: Verb = Verb {
    name: "top",
    help: "top\t\t\tWatch all processes: states, CPU, memory and logs, live;\n\
           \t\t\tstart, stop and restart them by keys. ? shows the keys, q ends.\n\
           top <gname>:* <name>\tWatch these only\n",
    arguments: Arguments::Processes,
    action: Action::Work(|session, names| Box::pin(run(session, names))),
};

async fn run(session: &mut Session, names: &str) -> Result<(), Failure> {
    if session.must_report("top")? {
        return session.complain("Error: use --json status", Code::InvalidArguments);
    }
    if let Some(obstacle) = top::obstacle() {
        return session.complain(&format!("Error: {obstacle}"), Code::InvalidArguments);
    }
    if !session.server_is_up().await? {
        return Ok(());
    }
    let names: Vec<&str> = names.split_whitespace().collect();
    match wanted(session, &names).await? {
        Some(wanted) => top::run(&session.settings, wanted).await,
        None => Ok(()),
    }
}

/// What these names are of. If there is none such, says so: a slip must not look like an empty table.
async fn wanted(session: &mut Session, names: &[&str]) -> Result<Option<Wanted>, Failure> {
    let mut wanted = Wanted::default();
    if names.is_empty() || names.contains(&"all") {
        return Ok(Some(wanted));
    }
    let known = session.all_processes().await?;
    let mut slips = false;
    for name in names {
        let target = Target::parse(name);
        let is_it = |group: &str, name: &str| {
            group == target.group && target.process.is_none_or(|process| process == name)
        };
        if known.iter().any(|it| is_it(&it.group, &it.name)) {
            wanted.add(target.group, target.process);
            continue;
        }
        let what = if target.process.is_some() {
            "process"
        } else {
            "group"
        };
        session.complain(&format!("{name}: ERROR (no such {what})"), Code::Generic)?;
        slips = true;
    }
    Ok((!slips).then_some(wanted))
}
