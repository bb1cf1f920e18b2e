//! `pid`: the process ids of supervisord and of processes.

use minder_rpc::FaultCode;
use serde_json::json;

use super::{Action, Verb};
use crate::code::Code;
use crate::completion::Arguments;
use crate::failure::Failure;
use crate::session::Session;

pub(super) static VERB: Verb = Verb {
    name: "pid",
    help: "pid\t\t\tGet the PID of supervisord.\n\
           pid <name>\t\tGet the PID of a single child process by name.\n\
           pid all\t\t\tGet the PID of every child process, one per line.\n",
    arguments: Arguments::Processes,
    action: Action::Work(|session, names| Box::pin(run(session, names))),
};

async fn run(session: &mut Session, names: &str) -> Result<(), Failure> {
    if !session.server_is_up().await? {
        return Ok(());
    }
    let names: Vec<&str> = names.split_whitespace().collect();
    if names.is_empty() {
        return of_supervisord(session).await;
    }
    if names.contains(&"all") {
        let processes = session.all_processes().await?;
        for process in &processes {
            tell(session, &process.namespec(), process.pid)?;
        }
        return Ok(());
    }
    for name in names {
        of_process(session, name).await?;
    }
    Ok(())
}

async fn of_supervisord(session: &mut Session) -> Result<(), Failure> {
    let method = "getPID";
    let pid = session.call(method, &[]).await?;
    let pid = pid.as_int().ok_or_else(|| Failure::bad_answer(method))?;
    session.show("pid", || pid.into(), [pid.to_string()])
}

fn tell(session: &mut Session, name: &str, pid: i64) -> Result<(), Failure> {
    let told = || json!({"name": name, "pid": pid});
    session.show_one("pids", told, &pid.to_string())
}

async fn of_process(session: &mut Session, name: &str) -> Result<(), Failure> {
    match session.process(name).await {
        Ok(process) => {
            tell(session, &process.namespec(), process.pid)?;
            if process.pid == 0 {
                session.code = Code::NotRunning;
            }
            Ok(())
        }
        Err(failure) if failure.fault() == Some(FaultCode::BadName) => {
            session.complain(&format!("No such process {name}"), Code::Generic)
        }
        Err(failure) => Err(failure),
    }
}
