//! Log capture: programs write lines as fast as they can, and every line must be found again.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use minder_bench::birth::Moment;
use minder_bench::line;
use rustix::fs::{CWD, FileType, Mode, mknodat};

use crate::metric::{Metric, Writers};
use crate::plan::Extent;
use crate::processes::Usage;
use crate::report::{Column, Report};
use crate::running::Running;
use crate::setup::{LogLimit, Program, Setup, births, logs, shown};
use crate::subject::Subject;

/// Who writes how.
pub(crate) const WORKLOADS: [Writers; 4] = [
    Writers {
        count: 1,
        bytes: 4096,
    },
    Writers {
        count: 50,
        bytes: 4096,
    },
    Writers {
        count: 1,
        bytes: line::BYTES,
    },
    Writers {
        count: 50,
        bytes: line::BYTES,
    },
];
/// How often a log is rotated while it is written.
const ROTATIONS: u64 = 8;
/// How many old files are kept: all, however a subject cuts them.
const BACKUPS: u64 = 3 * ROTATIONS;
/// How long a log may take to be complete once it is written.
const PATIENCE: Duration = Duration::from_secs(300);

/// How much each writer writes.
#[derive(Clone, Copy)]
pub(crate) struct Task {
    pub(crate) writers: Writers,
    /// Lines of each writer.
    pub(crate) lines: u64,
}

impl Task {
    pub(crate) fn new(writers: Writers, extent: &Extent) -> Self {
        let all = if writers.bytes > line::BYTES {
            extent.blocks
        } else {
            extent.lines
        };
        // A whole number of blocks, so that no writer writes more than it is asked to.
        let blocks = all / u64::from(writers.count) / writers.bytes as u64;
        let lines = blocks * (writers.bytes / line::BYTES) as u64;
        Self { writers, lines }
    }

    /// Log bytes of each writer.
    pub(crate) fn bytes_each(self) -> u64 {
        self.lines * line::BYTES as u64
    }

    fn bytes(self) -> u64 {
        self.bytes_each() * u64::from(self.writers.count)
    }

    /// When a log is rotated.
    pub(crate) fn limit(self) -> LogLimit {
        LogLimit {
            bytes: self.bytes_each() / ROTATIONS,
            backups: BACKUPS,
        }
    }

    pub(crate) fn program(self, writer: u32, here: &Path) -> Program {
        let args = [
            "write".to_owned(),
            shown(&births(here)),
            shown(&gate(here)),
            writer.to_string(),
            self.writers.bytes.to_string(),
            self.lines.to_string(),
        ];
        Program {
            log: self.limit(),
            ..Program::new(format!("w{writer}"), args)
        }
    }

    pub(crate) fn names(self) -> impl Iterator<Item = String> {
        (0..self.writers.count).map(|writer| format!("w{writer}"))
    }
}

pub(crate) fn measure(
    subject: &Subject,
    writers: Writers,
    extent: &Extent,
    report: &mut Report,
) -> Result<()> {
    let task = Task::new(writers, extent);
    let mut running = Running::start(subject, |here| {
        make_gate(here)?;
        Ok(Setup {
            programs: (0..writers.count)
                .map(|writer| task.program(writer, here))
                .collect(),
            listener: false,
        })
    })?;
    running.births(running.setup.programs.len())?;
    let before = Usage::of(&running.own());
    let start = Moment::now();
    let gate = open_gate(running.here())?;
    running.done()?;
    wait_until_complete(task, running.here())?;
    let took = Moment::now().since(start);
    // Of those that are there now: a logger may be started after its program.
    let used = Usage::of(&running.own()).since(before);
    drop(gate);
    note(task, subject.column(), took, used.cpu, report);
    let wrong = wrong_lines(task, running.here())?;
    report.add(Metric::LogWrong(writers), subject.column(), wrong);
    running.stop()?;
    Ok(())
}

pub(crate) fn note(task: Task, column: Column, took: Duration, cpu: Duration, report: &mut Report) {
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    let bytes = task.bytes() as f64;
    let rate = bytes / 1e6 / took.as_secs_f64();
    report.add(Metric::LogRate(task.writers), column, rate);
    let cpu = cpu.as_secs_f64() / (bytes / 1e9);
    report.add(Metric::LogCpu(task.writers), column, cpu);
}

/// What writers wait for.
fn gate(here: &Path) -> PathBuf {
    here.join("gate")
}

pub(crate) fn make_gate(here: &Path) -> Result<()> {
    Ok(mknodat(
        CWD,
        gate(here),
        FileType::Fifo,
        Mode::RUSR | Mode::WUSR,
        0,
    )?)
}

/// Lets all writers begin, for as long as it is kept open.
pub(crate) fn open_gate(here: &Path) -> Result<fs::File> {
    Ok(fs::File::options().write(true).open(gate(here))?)
}

/// Waits until all bytes are in the files.
fn wait_until_complete(task: Task, here: &Path) -> Result<()> {
    let start = Moment::now();
    loop {
        let mut bytes = 0;
        for name in task.names() {
            for file in files(&logs(here, &name))? {
                // It may just have been renamed.
                bytes += fs::metadata(file).map_or(0, |file| file.len());
            }
        }
        if bytes >= task.bytes() {
            return Ok(());
        }
        ensure!(
            Moment::now().since(start) < PATIENCE,
            "{bytes} of {} bytes were logged",
            task.bytes()
        );
        thread::sleep(Duration::from_millis(1));
    }
}

/// How many lines are missing, doubled, torn or out of order.
pub(crate) fn wrong_lines(task: Task, here: &Path) -> Result<f64> {
    let mut next: BTreeMap<u32, u64> = BTreeMap::new();
    let mut wrong = 0_u64;
    for name in task.names() {
        let mut text = Vec::new();
        for file in files(&logs(here, &name))? {
            fs::File::open(file)?.read_to_end(&mut text)?;
        }
        for line in text.chunks(line::BYTES) {
            match line::parse(line) {
                Some((writer, number)) => {
                    let expected = next.entry(writer).or_default();
                    wrong += u64::from(number != *expected);
                    *expected = number + 1;
                }
                None => wrong += 1,
            }
        }
    }
    let found: u64 = next.values().sum();
    wrong += (task.lines * u64::from(task.writers.count)).abs_diff(found);
    #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
    let wrong = wrong as f64;
    Ok(wrong)
}

/// The files of a log, the oldest first.
fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).context("no logs")? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        // Numbered from the newest to the oldest, or stamped with the time of their end.
        let age = match name.split_once('.') {
            _ if name == "current" => (2, 0, String::new()),
            Some(("current", number)) => (0, u64::MAX - number.parse().unwrap_or(0), String::new()),
            _ if name.starts_with('@') => (1, 0, name.into_owned()),
            _ => continue,
        };
        files.push((age, path));
    }
    files.sort();
    Ok(files.into_iter().map(|(_, path)| path).collect())
}
