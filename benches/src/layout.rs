//! The same setup in the words of each subject.
//!
//! All do the same work: each program has a log of its own, on disk and with rotation. s6 and runit have
//! a process for each log, as their manuals want it.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::setup::{self, Program, Setup, shown};

/// Above what each program takes: logs, the socket, connections.
const SPARE_FILES: usize = 300;

/// `supervisord.conf`.
pub(crate) fn ini(setup: &Setup, here: &Path) -> String {
    let program = shown(&setup::executable());
    let here_shown = here.display();
    let files = setup.programs.len() * 5 + SPARE_FILES;
    let mut text = format!(
        "[supervisord]\nnodaemon=true\nlogfile={here_shown}/log\npidfile={here_shown}/pid\n\
         childlogdir={here_shown}\nminfds={}\nminprocs=200\n\
         [unix_http_server]\nfile={here_shown}/socket\n\
         [supervisorctl]\nserverurl=unix://{here_shown}/socket\n\
         [rpcinterface:supervisor]\n\
         supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface\n",
        files.min(most_files()),
    );
    for one in &setup.programs {
        let _ = write!(
            text,
            "[program:{0}]\ncommand={program} {1}\nautorestart=true\nstartsecs=0\n\
             stdout_logfile={2}/current\nstdout_logfile_maxbytes={3}\nstdout_logfile_backups={4}\n",
            one.name,
            one.args.join(" "),
            setup::logs(here, &one.name).display(),
            one.log.bytes,
            one.log.backups,
        );
        // Supervisor makes no folders.
        let _ = fs::create_dir_all(setup::logs(here, &one.name));
        if one.stderr {
            let logs = setup::logs(here, &one.name);
            let _ = writeln!(text, "stderr_logfile={}/errors", logs.display());
        } else {
            text.push_str("redirect_stderr=true\n");
        }
    }
    if setup.listener {
        let _ = write!(
            text,
            "[eventlistener:watch]\ncommand={program} listen {} {}\nevents=PROCESS_STATE\n",
            setup::births(here).display(),
            setup::notes(here).display(),
        );
    }
    text
}

/// How many programs with one log each a process has the descriptors for: each takes two pipes, a
/// pidfd and a log.
pub(crate) fn most_programs() -> usize {
    most_files().saturating_sub(SPARE_FILES) / 4
}

/// How many files a process may have open here.
fn most_files() -> usize {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
    limit
        .maximum
        .and_then(|most| usize::try_from(most).ok())
        .unwrap_or(usize::MAX)
}

/// Where s6 and runit look for services.
pub(crate) fn scan(here: &Path) -> PathBuf {
    here.join("scan")
}

/// A service directory for each program, with an s6-log.
pub(crate) fn s6(setup: &Setup, here: &Path) -> Result<()> {
    fs::create_dir_all(scan(here))?;
    for program in &setup.programs {
        let limit = program.log;
        let logger = [
            "exec".to_owned(),
            "s6-log".to_owned(),
            format!("n{}", limit.backups),
            format!("s{}", limit.bytes),
            shown(&setup::logs(here, &program.name)),
        ];
        service(program, &logger, here)?;
    }
    Ok(())
}

/// A service directory for each program, with an svlogd.
pub(crate) fn runit(setup: &Setup, here: &Path) -> Result<()> {
    fs::create_dir_all(scan(here))?;
    for program in &setup.programs {
        let logs = setup::logs(here, &program.name);
        let logger = ["exec".to_owned(), "svlogd".to_owned(), shown(&logs)];
        service(program, &logger, here)?;
        let limit = program.log;
        // Backups and the file that is written count together.
        let config = format!("s{}\nn{}\n", limit.bytes, limit.backups + 1);
        fs::write(logs.join("config"), config)?;
    }
    Ok(())
}

fn service(program: &Program, logger: &[String], here: &Path) -> Result<()> {
    let service = scan(here).join(&program.name);
    fs::create_dir_all(service.join("log"))?;
    fs::create_dir_all(setup::logs(here, &program.name))?;
    for (folder, args) in [
        (service.clone(), &program.args[..]),
        (service.join("log"), logger),
    ] {
        symlink(setup::executable(), folder.join("run"))?;
        fs::write(folder.join("args"), args.join("\n"))?;
    }
    Ok(())
}
