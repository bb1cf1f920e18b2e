//! What is measured, and what Minder is to reach.

use crate::report::Column;

/// One row of the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Metric {
    /// Proportional memory of the subject's own processes with so many programs, in MiB.
    Proportional(usize),
    /// Memory that is theirs alone, in MiB.
    Unique(usize),
    /// Processor time of the subject's own processes while nothing happens, in ms a minute.
    IdleCpu(usize),
    /// Voluntary context switches of theirs, a minute.
    IdleWakeUps(usize),
    /// From the subject's start to the first instruction of the last program, in ms.
    BringUp(usize),
    /// Programs that run, in the end.
    Up(usize),
    /// From the subject's start until all programs are shown as RUNNING, in ms.
    AllRunning(usize),
    /// From the SIGKILL of one program to its replacement's first instruction, in ms.
    CrashOfOne(usize),
    /// The same, of the slowest in a hundred.
    CrashOfOneTail(usize),
    /// From the first SIGKILL to the last replacement's first instruction, in ms.
    CrashOfAll(usize),
    /// From the signal to the end of the last process, in ms.
    Shutdown(usize),
    /// The same where each program is told once the one before has ended, in ms.
    ShutdownInTurn(usize),
    /// Log bytes a second, in MB.
    LogRate(Writers),
    /// Processor time of the subject's own processes for 10^9 log bytes, in s.
    LogCpu(Writers),
    /// Lines that are missing, doubled, torn or out of order.
    LogWrong(Writers),
    /// Answers a second.
    Calls(Load),
    /// Half of the answers take at most this, in ms.
    CallMedian(Load),
    /// 99 of 100 answers take at most this, in ms.
    CallTail(Load),
    /// Processor time of the subject's own processes for an answer, in µs.
    CallCpu(Load),
    /// `supervisorctl status`, from its start to its end, in ms.
    Status(usize),
    /// `supervisorctl update` with one changed program, from its start to its end, in ms.
    Update(usize),
    /// Events of so many crashes at once that reached the listener.
    Delivered(usize),
    /// Those that did not.
    Lost(usize),
    /// Those that reached it more than a second after the last replacement ran.
    Late(usize),
    /// From asking for the first page to its first byte, in ms.
    PageBegun(usize),
    /// The same, to its last byte.
    PageWhole(usize),
    /// Its size in KiB.
    PageSize(usize),
    /// Processor time of the subject's own processes for one look at all metrics, in ms.
    ScrapeCpu(usize),
    /// From the SIGKILL of one program to its end being told to a page, in ms.
    News(usize),
    /// The same, of the slowest in a hundred.
    NewsTail(usize),
    /// Proportional memory at the end of a part of a soak, in MiB.
    SoakMemory(Part),
    /// Open files and other descriptors then.
    SoakDescriptors(Part),
    /// Threads then.
    SoakThreads(Part),
    /// Voluntary context switches while nothing happens then, in three seconds.
    SoakRest(Part),
    /// Processor time for a crash, in µs.
    SoakCpu(Part),
    /// Voluntary context switches for a crash.
    SoakWakeUps(Part),
}

/// Which tenth of a soak.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Part {
    First,
    Last,
}

/// Who writes how.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Writers {
    pub(crate) count: u32,
    /// Bytes of each write.
    pub(crate) bytes: usize,
}

/// Who asks what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Load {
    pub(crate) request: Request,
    pub(crate) programs: usize,
    pub(crate) connections: usize,
    /// Whether a program writes as fast as it can meanwhile.
    pub(crate) flooded: bool,
}

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Request {
    ProcessInfo,
    AllProcessInfo,
    /// The same as JSON, which Minder alone knows.
    Process,
    Processes,
}

/// The parts of the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Family {
    Life,
    Idle,
    Logs,
    Calls,
    Commands,
    Events,
    Page,
    /// By itself only, since it takes as long as it is told to.
    Soak,
}

/// What Minder is to reach; a comparison is with medians of the same run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Limit {
    AtMost(f64),
    AtLeast(f64),
    AtMostTimes(f64, Column),
    AtLeastTimes(f64, Column),
    Below(Column),
    Above(Column),
}

impl Family {
    pub(crate) const ALL: [Self; 8] = [
        Self::Life,
        Self::Idle,
        Self::Logs,
        Self::Calls,
        Self::Commands,
        Self::Events,
        Self::Page,
        Self::Soak,
    ];

    /// How it is called on the command line.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Life => "life",
            Self::Idle => "idle",
            Self::Logs => "logs",
            Self::Calls => "calls",
            Self::Commands => "commands",
            Self::Events => "events",
            Self::Page => "page",
            Self::Soak => "soak",
        }
    }

    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Life => "Start, crash, shutdown",
            Self::Idle => "Doing nothing",
            Self::Logs => "Log capture",
            Self::Calls => "XML-RPC and JSON",
            Self::Commands => "supervisorctl",
            Self::Events => "Events",
            Self::Page => "Web page and metrics",
            Self::Soak => "Crash after crash",
        }
    }
}

impl Metric {
    pub(crate) fn family(self) -> Family {
        match self {
            Self::Proportional(_) | Self::Unique(_) | Self::IdleCpu(_) | Self::IdleWakeUps(_) => {
                Family::Idle
            }
            Self::BringUp(_)
            | Self::Up(_)
            | Self::AllRunning(_)
            | Self::CrashOfOne(_)
            | Self::CrashOfOneTail(_)
            | Self::CrashOfAll(_)
            | Self::Shutdown(_)
            | Self::ShutdownInTurn(_) => Family::Life,
            Self::LogRate(_) | Self::LogCpu(_) | Self::LogWrong(_) => Family::Logs,
            Self::Calls(_) | Self::CallMedian(_) | Self::CallTail(_) | Self::CallCpu(_) => {
                Family::Calls
            }
            Self::Status(_) | Self::Update(_) => Family::Commands,
            Self::Delivered(_) | Self::Lost(_) | Self::Late(_) => Family::Events,
            Self::PageBegun(_)
            | Self::PageWhole(_)
            | Self::PageSize(_)
            | Self::ScrapeCpu(_)
            | Self::News(_)
            | Self::NewsTail(_) => Family::Page,
            Self::SoakMemory(_)
            | Self::SoakDescriptors(_)
            | Self::SoakThreads(_)
            | Self::SoakRest(_)
            | Self::SoakCpu(_)
            | Self::SoakWakeUps(_) => Family::Soak,
        }
    }

    /// Who asks what, if it is about calls.
    pub(crate) fn load(self) -> Option<Load> {
        match self {
            Self::Calls(load)
            | Self::CallMedian(load)
            | Self::CallTail(load)
            | Self::CallCpu(load) => Some(load),
            _ => None,
        }
    }

    /// Who writes how, if it is about logs.
    pub(crate) fn writers(self) -> Option<Writers> {
        match self {
            Self::LogRate(writers) | Self::LogCpu(writers) | Self::LogWrong(writers) => {
                Some(writers)
            }
            _ => None,
        }
    }

    /// The row's title, with the unit.
    pub(crate) fn label(self) -> String {
        match self {
            Self::Proportional(n) => format!("{}: memory, PSS, MiB", programs(n)),
            Self::Unique(n) => format!("{}: memory of its own, USS, MiB", programs(n)),
            Self::IdleCpu(n) => format!("{}: processor time, ms a minute", programs(n)),
            Self::IdleWakeUps(n) => format!("{}: wake-ups a minute", programs(n)),
            Self::BringUp(n) => format!("{}: start to the last first instruction, ms", programs(n)),
            Self::Up(n) => format!("{}: how many run", programs(n)),
            Self::AllRunning(n) => format!("{}: start to all RUNNING, ms", programs(n)),
            Self::CrashOfOne(n) => format!("SIGKILL of one of {n} to its replacement, ms"),
            Self::CrashOfOneTail(n) => format!("SIGKILL of one of {n}, p99, ms"),
            Self::CrashOfAll(n) => format!("SIGKILL of all {n} until all are back, ms"),
            Self::Shutdown(n) => format!("{}: orderly shutdown, ms", programs(n)),
            Self::ShutdownInTurn(n) => {
                format!("{}: ended one after the other, ms", programs(n))
            }
            Self::LogRate(writers) => format!("{}: MB/s", writers.label()),
            Self::LogCpu(writers) => format!("{}: processor seconds per GB", writers.label()),
            Self::LogWrong(writers) => format!("{}: lines that are wrong", writers.label()),
            Self::Calls(load) => format!("{}: answers a second", load.label()),
            Self::CallMedian(load) => format!("{}: p50, ms", load.label()),
            Self::CallTail(load) => format!("{}: p99, ms", load.label()),
            Self::CallCpu(load) => format!("{}: processor µs each", load.label()),
            Self::Status(n) => format!("`supervisorctl status`, {}, ms", programs(n)),
            Self::Update(n) => {
                format!("`supervisorctl update`, one of {} changed, ms", programs(n))
            }
            Self::Delivered(n) => format!("{n} crashes at once: events delivered"),
            Self::Lost(n) => format!("{n} crashes at once: events lost"),
            Self::Late(n) => format!("{n} crashes at once: events late by more than 1 s"),
            Self::PageBegun(n) => format!("first page, {}: first byte, ms", programs(n)),
            Self::PageWhole(n) => format!("first page, {}: all of it, ms", programs(n)),
            Self::PageSize(n) => format!("first page, {}: KiB", programs(n)),
            Self::ScrapeCpu(n) => format!("`/metrics`, {}: processor ms", programs(n)),
            Self::News(n) => format!("SIGKILL of one of {n} until a page is told, ms"),
            Self::NewsTail(n) => format!("SIGKILL of one of {n} until a page is told, p99, ms"),
            Self::SoakMemory(part) => format!("memory after the {} tenth, PSS, MiB", part.name()),
            Self::SoakDescriptors(part) => {
                format!("open descriptors after the {} tenth", part.name())
            }
            Self::SoakThreads(part) => format!("threads after the {} tenth", part.name()),
            Self::SoakRest(part) => {
                format!("wake-ups in 3 s of silence after the {} tenth", part.name())
            }
            Self::SoakCpu(part) => {
                format!("processor µs for a crash in the {} tenth", part.name())
            }
            Self::SoakWakeUps(part) => {
                format!("wake-ups for a crash in the {} tenth", part.name())
            }
        }
    }

    /// Whether more of it is better.
    pub(crate) fn is_better_more(self) -> bool {
        matches!(
            self,
            Self::Up(_) | Self::LogRate(_) | Self::Calls(_) | Self::Delivered(_)
        )
    }

    /// What is to be reached; nothing where no budget has been set.
    pub(crate) fn budget(self) -> Vec<Limit> {
        use Limit::{Above, AtLeast, AtLeastTimes, AtMost, AtMostTimes, Below};
        match self {
            Self::Proportional(0) => vec![AtMost(8.0)],
            Self::Proportional(1000) => vec![AtMost(13.0)],
            Self::IdleWakeUps(_)
            | Self::LogWrong(_)
            | Self::Lost(_)
            | Self::Late(_)
            | Self::SoakRest(_) => vec![AtMost(0.0)],
            Self::BringUp(n) if n >= 100 => vec![AtMostTimes(1.2, Column::Contract)],
            Self::Up(n) => vec![AtLeast(crate::as_f64(n))],
            Self::CrashOfOne(n) if n >= 100 => {
                vec![AtMostTimes(2.0, Column::Bare), Below(Column::Runit)]
            }
            Self::CrashOfAll(n) if n >= 100 => vec![AtMostTimes(1.0, Column::Contract)],
            Self::Shutdown(n) if n >= 100 => vec![AtMostTimes(3.0, Column::Contract)],
            Self::LogRate(writers) if writers.bytes > LINE => {
                vec![AtLeastTimes(0.85, Column::Bare)]
            }
            Self::LogCpu(writers) if writers.bytes > LINE => vec![AtMostTimes(1.3, Column::Bare)],
            Self::LogRate(_) => vec![Above(Column::Supervisor)],
            Self::LogCpu(_) => vec![Below(Column::Supervisor)],
            Self::Calls(load) => match load.request {
                Request::ProcessInfo if load.connections > 1 => vec![AtLeast(20_000.0)],
                Request::AllProcessInfo if load.programs == 100 => vec![AtLeast(2_000.0)],
                Request::ProcessInfo
                | Request::AllProcessInfo
                | Request::Process
                | Request::Processes => Vec::new(),
            },
            Self::Status(100) => vec![AtMost(10.0)],
            Self::PageWhole(5000) => vec![AtMost(1000.0)],
            Self::NewsTail(_) => vec![AtMost(100.0)],
            _ => Vec::new(),
        }
    }
}

const LINE: usize = minder_bench::line::BYTES;

impl Writers {
    fn label(self) -> String {
        let who = match self.count {
            1 => "one writer".to_owned(),
            count => format!("{count} writers"),
        };
        format!("{who}, {} B a write", self.bytes)
    }
}

impl Load {
    fn label(self) -> String {
        let Self {
            programs,
            connections,
            ..
        } = self;
        let flooded = if self.flooded { ", a log flood" } else { "" };
        let request = self.request.name();
        let on = match connections {
            1 => "1 connection".to_owned(),
            count => format!("{count} connections"),
        };
        format!("`{request}`, {programs} programs, {on}{flooded}")
    }
}

impl Part {
    fn name(self) -> &'static str {
        match self {
            Self::First => "first",
            Self::Last => "last",
        }
    }
}

impl Request {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::ProcessInfo => "getProcessInfo",
            Self::AllProcessInfo => "getAllProcessInfo",
            Self::Process => "/api/v1/processes/NAME",
            Self::Processes => "/api/v1/processes",
        }
    }
}

fn programs(count: usize) -> String {
    match count {
        0 => "no program".to_owned(),
        count => format!("{count} programs"),
    }
}

impl Limit {
    pub(crate) fn text(self) -> String {
        match self {
            Self::AtMost(most) => format!("≤ {most}"),
            Self::AtLeast(least) => format!("≥ {least}"),
            Self::AtMostTimes(times, column) => format!("≤ {times} × {}", column.name()),
            Self::AtLeastTimes(times, column) => format!("≥ {times} × {}", column.name()),
            Self::Below(column) => format!("< {}", column.name()),
            Self::Above(column) => format!("> {}", column.name()),
        }
    }

    /// Whether Minder keeps to it; nothing if what it is compared with was not measured.
    pub(crate) fn met(self, minder: f64, of: impl Fn(Column) -> Option<f64>) -> Option<bool> {
        Some(match self {
            Self::AtMost(most) => minder <= most,
            Self::AtLeast(least) => minder >= least,
            Self::AtMostTimes(times, column) => minder <= times * of(column)?,
            Self::AtLeastTimes(times, column) => minder >= times * of(column)?,
            Self::Below(column) => minder < of(column)?,
            Self::Above(column) => minder > of(column)?,
        })
    }
}
