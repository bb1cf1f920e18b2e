//! `status`: a line for each process.

use minder_rpc::Value;

use super::{Action, Verb};
use crate::code::Code;
use crate::completion::Arguments;
use crate::failure::Failure;
use crate::process::{Process, State, Target};
use crate::report::from_value;
use crate::session::Session;

pub(super) static VERB: Verb = Verb {
    name: "status",
    help: "status <name>\t\tGet status for a single process\n\
           status <gname>:*\tGet status for all processes in a group\n\
           status <name> <name>\tGet status for multiple named processes\n\
           status\t\t\tGet all process status info\n",
    arguments: Arguments::Processes,
    action: Action::Work(|session, names| Box::pin(run(session, names))),
};

/// The least width of the column of names, without the gap behind it.
const NAME_WIDTH: usize = 30;

pub(super) async fn run(session: &mut Session, names: &str) -> Result<(), Failure> {
    if !session.server_is_up().await? {
        session.code = Code::StatusUnknown;
        return Ok(());
    }
    let all = session.all_told().await?;
    let names: Vec<&str> = names.split_whitespace().collect();
    let mut listed: Vec<&(Process, Value)> = Vec::new();
    if names.is_empty() || names.contains(&"all") {
        listed.extend(&all);
    } else {
        for name in names {
            let target = Target::parse(name);
            let before = listed.len();
            listed.extend(all.iter().filter(|(process, _)| matches(target, process)));
            if listed.len() == before {
                session.complain(&unknown(name, target), Code::StatusUnknown)?;
            }
        }
    }
    let processes: Vec<_> = listed.iter().map(|(process, _)| process).collect();
    let told = || listed.iter().map(|(_, told)| from_value(told)).collect();
    session.show("processes", told, table(&processes))?;
    if processes.iter().any(|process| process.state == State::Down) {
        session.code = Code::StatusDown;
    }
    Ok(())
}

fn matches(target: Target<'_>, process: &Process) -> bool {
    process.group == target.group && target.process.is_none_or(|name| name == process.name)
}

fn unknown(name: &str, target: Target<'_>) -> String {
    match target.process {
        Some(_) => format!("{name}: ERROR (no such process)"),
        None => format!("{}: ERROR (no such group)", target.group),
    }
}

fn table(processes: &[&Process]) -> Vec<String> {
    let names: Vec<String> = processes.iter().map(|process| process.namespec()).collect();
    let longest = names.iter().map(|name| name.chars().count()).max();
    let width = longest.unwrap_or(0).max(NAME_WIDTH) + 3;
    names
        .iter()
        .zip(processes)
        .map(|(name, process)| {
            let (state, description) = (&process.state_name, &process.description);
            format!("{name:width$}{state:10}{description}")
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process(group: &str, name: &str, description: &str) -> Process {
        Process {
            group: group.to_owned(),
            name: name.to_owned(),
            state: State::Running,
            state_name: "RUNNING".to_owned(),
            description: description.to_owned(),
            pid: 1,
        }
    }

    #[test]
    fn the_columns_are_33_and_10_wide() {
        let cat = process("cat", "cat", "pid 9, uptime 0:00:49");
        assert_eq!(
            table(&[&cat])[0],
            "cat                              RUNNING   pid 9, uptime 0:00:49"
        );
    }

    #[test]
    fn the_longest_name_listed_widens_its_column() {
        let long = process("g", &"x".repeat(30), "");
        let short = process("a", "a", "");
        let table = table(&[&long, &short]);
        assert_eq!(table[0].find("RUNNING"), Some(35));
        assert_eq!(table[1].find("RUNNING"), Some(35));
    }

    #[test]
    fn a_line_without_a_description_ends_with_the_padded_state() {
        assert!(table(&[&process("a", "a", "")])[0].ends_with("RUNNING   "));
    }
}
