//! The floor of log capture: one thread that only moves bytes from pipes into files, with rotation.

use std::fs::{self, File};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::Result;
use minder_bench::birth::Moment;
use rustix::event::epoll;
use rustix::pipe::{PipeFlags, SpliceFlags, fcntl_setpipe_size, pipe_with, splice};
use rustix::time::{ClockId, clock_gettime};

use crate::fifo::Fifo;
use crate::folder::Folder;
use crate::guard;
use crate::logs::{self, Task};
use crate::metric::{Metric, Writers};
use crate::plan::Extent;
use crate::report::{Column, Report};
use crate::setup;

/// The largest that anybody may have.
const PIPE: usize = 1 << 20;

pub(crate) fn measure(writers: Writers, extent: &Extent, report: &mut Report) -> Result<()> {
    let directory = Folder::make()?;
    let here = directory.path();
    let mut fifo = Fifo::make(&setup::births(here))?;
    logs::make_gate(here)?;
    let task = Task::new(writers, extent);
    let measured = copy(task, here, &mut fifo);
    guard::end_everything()?;
    let (took, cpu) = measured?;
    logs::note(task, Column::Bare, took, cpu, report);
    let wrong = logs::wrong_lines(task, here)?;
    report.add(Metric::LogWrong(writers), Column::Bare, wrong);
    Ok(())
}

/// How long it took, and the processor time of this thread.
fn copy(task: Task, here: &Path, fifo: &mut Fifo) -> Result<(Duration, Duration)> {
    let ready = epoll::create(epoll::CreateFlags::CLOEXEC)?;
    let mut streams = Vec::new();
    for (writer, index) in (0..task.writers.count).zip(0_u64..) {
        let program = task.program(writer, here);
        let (output, stdout) = pipe_with(PipeFlags::CLOEXEC)?;
        // A smaller one does, only slower.
        let _ = fcntl_setpipe_size(&output, PIPE);
        Command::new(setup::executable())
            .args(&program.args)
            .stdout(Stdio::from(stdout))
            .spawn()?;
        let data = epoll::EventData::new_u64(index);
        epoll::add(&ready, &output, data, epoll::EventFlags::IN)?;
        streams.push(Stream::new(output, &setup::logs(here, &program.name))?);
    }
    fifo.wait(streams.len())?;
    let cpu = thread_time();
    let start = Moment::now();
    let gate = logs::open_gate(here)?;
    let mut left = task.bytes_each() * u64::from(task.writers.count);
    let mut events = Vec::with_capacity(streams.len());
    while left > 0 {
        events.clear();
        epoll::wait(&ready, rustix::buffer::spare_capacity(&mut events), None)?;
        for event in &events {
            let at = usize::try_from(event.data.u64())?;
            if let Some(stream) = streams.get_mut(at) {
                left -= stream.move_on(task.limit().bytes)?;
            }
        }
    }
    let (took, cpu) = (
        Moment::now().since(start),
        thread_time().saturating_sub(cpu),
    );
    drop(gate);
    fifo.wait(streams.len())?;
    Ok((took, cpu))
}

/// A pipe and the log that it goes to.
struct Stream<'a> {
    pipe: OwnedFd,
    folder: std::borrow::Cow<'a, Path>,
    file: File,
    written: u64,
    rotations: u32,
}

impl Stream<'_> {
    fn new(pipe: OwnedFd, folder: &Path) -> Result<Self> {
        fs::create_dir_all(folder)?;
        Ok(Self {
            pipe,
            file: File::create(folder.join("current"))?,
            folder: folder.to_owned().into(),
            written: 0,
            rotations: 0,
        })
    }

    /// Moves what there is, and rotates after it.
    fn move_on(&mut self, limit: u64) -> Result<u64> {
        let moved = splice(
            &self.pipe,
            None,
            &self.file,
            None,
            PIPE,
            SpliceFlags::NONBLOCK,
        )?;
        self.written += moved as u64;
        if self.written >= limit {
            // Named like those of s6: the order of names is that of time.
            let old = self.folder.join(format!("@{:08}.s", self.rotations));
            fs::rename(self.folder.join("current"), old)?;
            self.file = File::create(self.folder.join("current"))?;
            self.written = 0;
            self.rotations += 1;
        }
        Ok(moved as u64)
    }
}

/// Processor time of this thread.
fn thread_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    let secs = u64::try_from(time.tv_sec).unwrap_or(0);
    Duration::new(secs, u32::try_from(time.tv_nsec).unwrap_or(0))
}
