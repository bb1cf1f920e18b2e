//! The floors: what the same programs cost when nothing but a loop starts them.
//!
//! The *bare floor* only spawns and waits. The *contract floor* also makes, for each program, what Supervisor's
//! contract asks for: three pipes, two log files, a process group, and an entry for each output in an epoll
//! set; and takes it down again when the program has ended.

use std::collections::BTreeMap;
use std::fs::File;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::fifo::Fifo;
use crate::folder::Folder;
use crate::guard::{self, pid_of};
use crate::life::ms;
use crate::metric::Metric;
use crate::plan::Extent;
use crate::report::{Column, Report};
use crate::setup::{self, shown};
use anyhow::{Context, Result};
use minder_bench::birth::Moment;
use rustix::event::epoll;
use rustix::pipe::{PipeFlags, pipe_with};
use rustix::process::{Signal, WaitOptions, kill_process, wait};

/// Measures one of them with so many programs.
pub(crate) fn measure(
    column: Column,
    programs: usize,
    extent: &Extent,
    report: &mut Report,
) -> Result<()> {
    let directory = Folder::make()?;
    let mut fifo = Fifo::make(&setup::births(directory.path()))?;
    let start = Moment::now();
    let mut floor = Floor::new(column, directory)?;
    for _ in 0..programs {
        floor.spawn()?;
    }
    let births = fifo.wait(programs)?;
    report.add(
        Metric::BringUp(programs),
        column,
        ms(births.last_after(start)),
    );

    let mut times = Vec::new();
    for victim in births.pids().take(extent.crashes) {
        let killed = Moment::now();
        kill_process(pid_of(victim)?, Signal::KILL)?;
        floor.replace_next()?;
        times.push(ms(fifo.wait(1)?.last_after(killed)));
    }
    report.add_crashes(programs, column, &times);

    let begun = Moment::now();
    for pid in floor.children.keys() {
        kill_process(pid_of(*pid)?, Signal::KILL)?;
    }
    for _ in 0..programs {
        floor.replace_next()?;
    }
    let took = fifo.wait(programs)?.last_after(begun);
    report.add(Metric::CrashOfAll(programs), column, ms(took));

    let pids: Vec<u32> = floor.children.keys().copied().collect();
    let begun = Moment::now();
    for pid in pids {
        kill_process(pid_of(pid)?, Signal::TERM)?;
        floor.reap()?;
    }
    let took = Moment::now().since(begun);
    report.add(Metric::ShutdownInTurn(programs), column, ms(took));

    for _ in 0..programs {
        floor.spawn()?;
    }
    fifo.wait(programs)?;
    let begun = Moment::now();
    for pid in floor.children.keys() {
        kill_process(pid_of(*pid)?, Signal::TERM)?;
    }
    while !floor.children.is_empty() {
        floor.reap()?;
    }
    let took = Moment::now().since(begun);
    report.add(Metric::Shutdown(programs), column, ms(took));
    Ok(())
}

/// One of them.
struct Floor {
    contract: bool,
    directory: Folder,
    outputs: OwnedFd,
    children: BTreeMap<u32, Held>,
    spawned: u64,
}

/// What is kept for a child: nothing on the bare floor.
#[derive(Default)]
struct Held {
    /// Its output and errors, which are in the epoll set.
    outputs: Vec<OwnedFd>,
    _input: Option<OwnedFd>,
    _logs: Vec<File>,
}

impl Floor {
    fn new(column: Column, directory: Folder) -> Result<Self> {
        Ok(Self {
            contract: column == Column::Contract,
            directory,
            outputs: epoll::create(epoll::CreateFlags::CLOEXEC)?,
            children: BTreeMap::new(),
            spawned: 0,
        })
    }

    fn spawn(&mut self) -> Result<()> {
        let here = self.directory.path();
        let mut command = Command::new(setup::executable());
        command.arg("wait").arg(shown(&setup::births(here)));
        let held = if self.contract {
            self.spawned += 1;
            equip(&mut command, here, self.spawned, &self.outputs)?
        } else {
            Held::default()
        };
        let child = command.spawn()?;
        self.children.insert(child.id(), held);
        Ok(())
    }

    /// Waits until a child has ended, and takes down what was kept for it.
    fn reap(&mut self) -> Result<()> {
        let ended = wait(WaitOptions::empty())?.context("no child ended")?;
        let pid = u32::try_from(ended.0.as_raw_nonzero().get())?;
        let held = self.children.remove(&pid).unwrap_or_default();
        for output in &held.outputs {
            // Its last words, which here are none, and its end.
            while rustix::io::read(output, &mut [0; 4096])? > 0 {}
            epoll::delete(&self.outputs, output)?;
        }
        Ok(())
    }

    fn replace_next(&mut self) -> Result<()> {
        self.reap()?;
        self.spawn()
    }
}

impl Drop for Floor {
    fn drop(&mut self) {
        // What cannot be ended here, the guard ends.
        let _ = guard::end_everything();
    }
}

/// What Supervisor's contract asks for.
fn equip(command: &mut Command, here: &Path, number: u64, outputs: &OwnedFd) -> Result<Held> {
    let pipe = || pipe_with(PipeFlags::CLOEXEC);
    let (stdin, input) = pipe()?;
    let (output, stdout) = pipe()?;
    let (errors, stderr) = pipe()?;
    command
        .stdin(Stdio::from(stdin))
        .stdout(Stdio::from(stdout))
        .stderr(Stdio::from(stderr))
        .process_group(0);
    let log = |kind: &str| {
        let path = here.join(format!("{number}.{kind}"));
        File::options().append(true).create(true).open(path)
    };
    let logs = vec![log("out")?, log("err")?];
    for end in [&output, &errors] {
        let data = epoll::EventData::new_u64(number);
        epoll::add(outputs, end, data, epoll::EventFlags::IN)?;
    }
    Ok(Held {
        outputs: vec![output, errors],
        _input: Some(input),
        _logs: logs,
    })
}
