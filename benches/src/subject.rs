//! Who is measured: a supervisor that runs in a directory of its own, and is ended whatever happens.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};
use rustix::fs::{CWD, FileType, Mode, mknodat};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::child::{Births, MODE, Moment};
use crate::memory::Memory;

/// Who is measured.
pub(crate) enum Subject {
    /// The file `minder`.
    Minder(PathBuf),
    /// The folder that holds the real `supervisord`.
    Supervisor(PathBuf),
}

impl Subject {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Minder(_) => "Minder",
            Self::Supervisor(_) => "Supervisor",
        }
    }

    fn command(&self) -> Command {
        match self {
            Self::Minder(file) => {
                let mut command = Command::new(file);
                command.arg0("supervisord");
                command
            }
            Self::Supervisor(folder) => Command::new(folder.join("supervisord")),
        }
    }
}

/// A FIFO that programs report their birth to.
pub(crate) struct Fifo {
    directory: TempDir,
    reader: File,
}

impl Fifo {
    pub(crate) fn make() -> Result<Self> {
        let directory = tempfile::tempdir()?;
        let path = directory.path().join("births");
        mknodat(CWD, &path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0)?;
        // Opened for writing too, so that it neither waits for a writer nor ever ends.
        let reader = File::options().read(true).write(true).open(path)?;
        Ok(Self { directory, reader })
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.directory.path().join("births")
    }

    pub(crate) fn reader(&mut self) -> &mut File {
        &mut self.reader
    }
}

/// A supervisor that runs.
pub(crate) struct Running {
    process: Child,
    fifo: Fifo,
    launched: Moment,
}

impl Running {
    /// Starts it with this many programs, and waits until its own start is complete.
    pub(crate) fn start(subject: &Subject, programs: usize) -> Result<Self> {
        let fifo = Fifo::make()?;
        let directory = fifo.directory.path().to_owned();
        let config = directory.join("supervisord.conf");
        fs::write(&config, configuration(&directory, programs)?)?;
        let launched = Moment::now();
        let mut command = subject.command();
        command
            .arg("-n")
            .arg("-c")
            .arg(&config)
            .current_dir(&directory);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::inherit());
        let process = command.spawn().context("cannot start it")?;
        let running = Self {
            process,
            fifo,
            launched,
        };
        running.wait_until_ready()?;
        Ok(running)
    }

    /// Its pidfile is the last thing that either makes at its start.
    fn wait_until_ready(&self) -> Result<()> {
        let pidfile = self.fifo.directory.path().join("pid");
        let deadline = Moment::now();
        while fs::read_to_string(&pidfile).map_or(true, |text| text.is_empty()) {
            let waited = Moment::now().since(deadline);
            anyhow::ensure!(waited < Duration::from_secs(30), "it does not start");
            std::thread::yield_now();
        }
        Ok(())
    }

    pub(crate) fn launched(&self) -> Moment {
        self.launched
    }

    pub(crate) fn births(&mut self, count: usize) -> Result<Births> {
        Births::wait(self.fifo.reader(), count)
    }

    /// Kills a program, and says when.
    #[expect(
        clippy::unused_self,
        reason = "only programs of a running subject are killed"
    )]
    pub(crate) fn kill(&self, pid: u32) -> Result<Moment> {
        let killed = Moment::now();
        kill_process(pid_of(pid)?, Signal::KILL)?;
        Ok(killed)
    }

    /// The memory of its own processes: itself, and children of it that are not programs.
    pub(crate) fn memory(&self) -> Result<Memory> {
        let mut own = vec![self.process.id()];
        let children = format!("/proc/{0}/task/{0}/children", self.process.id());
        for pid in fs::read_to_string(children)?.split_whitespace() {
            let name = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
            if name.trim() == "minder-daemon" {
                own.push(pid.parse()?);
            }
        }
        Memory::of(&own)
    }

    /// Ends it in order, and says how long that took.
    pub(crate) fn stop(mut self) -> Result<Duration> {
        let asked = Moment::now();
        kill_process(pid_of(self.process.id())?, Signal::TERM)?;
        self.process.wait()?;
        Ok(Moment::now().since(asked))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if matches!(self.process.try_wait(), Ok(None)) {
            // In order first: its programs end with it. It is killed only if that hangs.
            let ended = pid_of(self.process.id()).is_ok_and(|pid| {
                kill_process(pid, Signal::TERM).is_ok() && self.process.wait().is_ok()
            });
            if !ended {
                let _ = self.process.kill();
            }
        }
    }
}

fn pid_of(number: u32) -> Result<Pid> {
    i32::try_from(number)
        .ok()
        .and_then(Pid::from_raw)
        .context("not a pid")
}

fn configuration(directory: &Path, programs: usize) -> Result<String> {
    let own = std::env::current_exe()?;
    let here = directory.display();
    let mut text = format!(
        "[supervisord]\nnodaemon=true\nlogfile={here}/log\npidfile={here}/pid\n\
         childlogdir={here}\nminfds=1024\n\
         [unix_http_server]\nfile={here}/socket\n\
         [rpcinterface:supervisor]\n\
         supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface\n"
    );
    for program in 0..programs {
        write!(
            text,
            "[program:p{program}]\ncommand={} {MODE} {here}/births\nautorestart=true\nstartsecs=0\n\
             stdout_logfile={here}/p{program}.out\nstderr_logfile={here}/p{program}.err\n",
            own.display(),
        )?;
    }
    Ok(text)
}
