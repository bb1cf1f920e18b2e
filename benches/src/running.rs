//! A subject that runs in a directory of its own, and is ended whatever happens.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};
use minder_bench::birth::Moment;
use rustix::process::{Signal, kill_process};

use crate::fifo::{Births, Fifo};
use crate::folder::Folder;
use crate::guard::{self, pid_of};
use crate::processes;
use crate::setup::{self, Setup};
use crate::subject::Subject;

/// How long a subject may take to be ready, or to end.
const PATIENCE: Duration = Duration::from_secs(300);

/// A subject that runs.
pub(crate) struct Running {
    pub(crate) subject: Subject,
    pub(crate) setup: Setup,
    directory: Folder,
    pid: u32,
    fifo: Fifo,
    launched: Moment,
    /// Children that were born and not killed.
    programs: BTreeSet<u32>,
    ended: bool,
}

impl Running {
    /// Starts it with what `setup` makes for its directory, and waits until it is ready itself.
    pub(crate) fn start(
        subject: &Subject,
        setup: impl FnOnce(&Path) -> Result<Setup>,
    ) -> Result<Self> {
        let directory = Folder::make()?;
        let here = directory.path();
        let fifo = Fifo::make(&setup::births(here))?;
        let setup = setup(here)?;
        subject.prepare(&setup, here)?;
        let mut command = subject.command(&setup, here);
        command
            .current_dir(here)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(fs::File::create(here.join("stderr"))?);
        let launched = Moment::now();
        let process = command
            .spawn()
            .with_context(|| format!("cannot start {}", subject.column().name()))?;
        let running = Self {
            subject: subject.clone(),
            setup,
            pid: process.id(),
            directory,
            fifo,
            launched,
            programs: BTreeSet::new(),
            ended: false,
        };
        running.wait_until_ready()?;
        Ok(running)
    }

    /// The pidfile is the last thing that Minder and Supervisor make at their start. Of the others it
    /// is enough that programs start.
    fn wait_until_ready(&self) -> Result<()> {
        let pidfile = self.here().join("pid");
        while self.subject.speaks_xml_rpc()
            && fs::read_to_string(&pidfile).map_or(true, |text| text.is_empty())
        {
            let waited = Moment::now().since(self.launched);
            if waited > PATIENCE {
                let said = fs::read_to_string(self.here().join("stderr")).unwrap_or_default();
                anyhow::bail!("it does not start: {said}");
            }
            thread::sleep(Duration::from_micros(200));
        }
        Ok(())
    }

    /// Its folder.
    pub(crate) fn here(&self) -> &Path {
        self.directory.path()
    }

    pub(crate) fn launched(&self) -> Moment {
        self.launched
    }

    /// Waits for programs to be born.
    pub(crate) fn births(&mut self, count: usize) -> Result<Births> {
        let births = self.fifo.wait(count)?;
        self.programs.extend(births.pids());
        Ok(births)
    }

    /// Waits for those that are born to say that their task is done.
    pub(crate) fn done(&mut self) -> Result<Births> {
        self.fifo.wait(self.setup.programs.len())
    }

    /// The programs that run.
    pub(crate) fn programs(&self) -> impl Iterator<Item = u32> {
        self.programs.iter().copied()
    }

    /// Kills a program, and says when.
    pub(crate) fn kill(&mut self, pid: u32) -> Result<Moment> {
        self.programs.remove(&pid);
        let killed = Moment::now();
        kill_process(pid_of(pid)?, Signal::KILL)?;
        Ok(killed)
    }

    /// Forgets programs that have ended without being killed.
    pub(crate) fn forget_ended(&mut self) {
        self.programs
            .retain(|pid| Path::new(&format!("/proc/{pid}")).exists());
    }

    /// Its own processes: all below it that are no programs.
    pub(crate) fn own(&self) -> Vec<u32> {
        let mut own = vec![self.pid];
        own.extend(processes::below(self.pid));
        own.retain(|pid| !self.programs.contains(pid));
        own
    }

    /// Ends it in order, with all that it runs, and says how long that took.
    pub(crate) fn stop(mut self) -> Result<Duration> {
        let asked = Moment::now();
        self.ask_to_end()?;
        anyhow::ensure!(guard::wait_for_all(PATIENCE), "it does not end");
        self.ended = true;
        Ok(Moment::now().since(asked))
    }

    fn ask_to_end(&self) -> Result<()> {
        let signal = match self.subject {
            Subject::Runit => Signal::HUP,
            Subject::Minder(_) | Subject::Supervisor(_) | Subject::S6 => Signal::TERM,
        };
        Ok(kill_process(pid_of(self.pid)?, signal)?)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // What cannot be ended here, the guard ends.
        if !self.ended && guard::end_everything().is_err() {
            eprintln!("processes of {} are left", self.subject.column().name());
        }
    }
}
