//! The metrics.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use minder_api::exposition::{Exposition, Family, Format, Kind, Samples};
use minder_api::{Problem, Reply};
use minder_core::pool::PoolLevel;
use minder_core::view::{GroupView, ProcessView};
use minder_core::{ProcessState, Wall};
use minder_logs::plane::Channel;

use super::super::{Api, VERSION, blocking};
use super::processes::every;
use super::time;
use crate::VERSION_OF_SUPERVISOR;
use crate::figures::Reading;
use crate::history::{History, Reason};
use crate::link::now;
use crate::published::Picture;
use crate::written::Written;

const fn family(name: &'static str, kind: Kind, help: &'static str) -> Family {
    Family { name, kind, help }
}

macro_rules! families {
    ($($constant:ident = $name:literal, $kind:ident, $help:literal;)*) => {
        $(const $constant: Family = family($name, Kind::$kind, $help);)*

        /// Every metric there is.
        #[cfg(test)]
        pub(super) const ALL: &[Family] = &[$($constant),*];
    };
}

families! {
    BUILD = "minder_build", Info, "Which Minder this is.";
    RESTARTS_OF_DAEMON = "minder_daemon_restarts", Counter, "How many daemons have died since the start or the last restart.";
    DAEMON_START = "minder_daemon_start_time_seconds", Gauge, "When this daemon began, in seconds since 1970.";
    LAST_EVENT = "minder_last_event_id", Gauge, "The number of the last event.";
    OWN_CPU = "minder_own_cpu_seconds", Counter, "The time that processors have spent on the keeper or the daemon.";
    OWN_MEMORY = "minder_own_resident_memory_bytes", Gauge, "The memory that the keeper or the daemon has at the moment.";
    OWN_FILES = "minder_own_open_fds", Gauge, "How many descriptors the keeper or the daemon has open.";
    PROCESSES = "minder_processes", Gauge, "How many processes are in a state.";
    STATE = "minder_process_state", Gauge, "1 for the state that a process is in, 0 for the others.";
    UP = "minder_process_up", Gauge, "1 if a process is RUNNING.";
    START = "minder_process_start_time_seconds", Gauge, "When a process that has a child was started, in seconds since 1970.";
    EXIT_STATUS = "minder_process_exit_status", Gauge, "The exit code of the child that ended last; -1 if a signal ended it, 0 until one has ended.";
    STARTS = "minder_process_starts", Counter, "How often a child was asked for.";
    RESTARTS = "minder_process_restarts", Counter, "How often a child was asked for after an end that nobody had asked for.";
    EXITS = "minder_process_exits", Counter, "How many children ended, by reason.";
    FLAPPING = "minder_process_flapping", Gauge, "1 if a process has ended unexpectedly three times within ten minutes, the last time less than half an hour ago.";
    CPU = "minder_process_cpu_seconds", Counter, "The time that processors have spent on the child that runs; its own children are not counted.";
    MEMORY = "minder_process_resident_memory_bytes", Gauge, "The memory that the child has at the moment; its own children are not counted.";
    THREADS = "minder_process_threads", Gauge, "How many threads the child has.";
    FILES = "minder_process_open_fds", Gauge, "How many descriptors the child has open. Left out if the daemon may not know.";
    LOGGED = "minder_process_log_bytes", Counter, "How many bytes of a stream have gone to its log, over all rotations, since this daemon began.";
    LOG = "minder_process_log_size_bytes", Gauge, "The size of the file that a stream is logged to.";
    WAITING = "minder_listener_waiting_events", Gauge, "How many events wait in a pool of event listeners.";
    BUFFER = "minder_listener_buffer_size", Gauge, "How many events may wait in a pool of event listeners.";
    ACCEPTED = "minder_listener_accepted_events", Counter, "How many events a pool has accepted since it began to listen.";
    DISCARDED = "minder_listener_discarded_events", Counter, "How many events a pool had no room for, since this daemon began.";
}

/// The streams that are logged.
const STREAMS: [(&str, Channel); 2] = [("stdout", Channel::Stdout), ("stderr", Channel::Stderr)];

/// Everything that metrics are made of.
struct Scrape {
    written: Arc<Written>,
    picture: Arc<Picture>,
    history: Arc<History>,
    readings: BTreeMap<u32, Reading>,
    pools: Vec<(PoolLevel, u64)>,
    keeper: Option<Reading>,
    daemon: Option<Reading>,
    generation: u32,
    started: Wall,
    now: Wall,
}

/// What is told of one process beside its state.
struct Counts {
    starts: u64,
    restarts: u64,
    ends: [u64; Reason::ALL.len()],
    flapping: bool,
}

impl Api {
    pub(super) async fn metrics(&self, format: Format) -> Result<Reply, Problem> {
        let (keeper, daemon) = self.own_figures().await?;
        let (figures, parent) = (self.figures.clone(), self.keeper_pid);
        let picture = self.published.latest();
        let scrape = Scrape {
            written: self.written.clone(),
            picture,
            history: self.history.clone(),
            readings: BTreeMap::new(),
            pools: self.history.pools(),
            keeper,
            daemon,
            generation: self.generation,
            started: self.started.wall,
            now: now().wall,
        };
        // Thousands of processes take some hundredths of a second, which nobody else should wait.
        let written = blocking(move || {
            let pids = every(&scrape.picture).filter_map(|(_, process)| process.pid);
            let readings = figures.measure(pids, parent, now());
            Scrape { readings, ..scrape }.write(format)
        });
        Ok(Reply::whole(format.content_type(), written.await?))
    }
}

impl Scrape {
    fn write(&self, format: Format) -> Vec<u8> {
        let mut out = Exposition::new(format);
        self.write_own(&mut out);
        self.write_states(&mut out);
        self.write_history(&mut out);
        self.write_figures(&mut out);
        self.write_pools(&mut out);
        out.finish()
    }

    fn write_own(&self, out: &mut Exposition) {
        let versions = [
            ("version", VERSION),
            ("supervisor_version", VERSION_OF_SUPERVISOR),
        ];
        out.family(&BUILD).sample(&versions, 1);
        out.family(&RESTARTS_OF_DAEMON).sample(&[], self.generation);
        out.family(&DAEMON_START).sample(&[], time(self.started));
        out.family(&LAST_EVENT).sample(&[], self.history.last());
        let own = [("keeper", &self.keeper), ("daemon", &self.daemon)];
        let mut each = |family, value: fn(&Reading) -> Option<f64>| {
            let mut samples = out.family(family);
            for (part, reading) in own {
                if let Some(value) = reading.as_ref().and_then(value) {
                    samples.sample(&[("part", part)], value);
                }
            }
        };
        each(&OWN_CPU, cpu);
        each(&OWN_MEMORY, memory);
        each(&OWN_FILES, files);
    }

    fn write_states(&self, out: &mut Exposition) {
        let mut samples = out.family(&PROCESSES);
        for state in ProcessState::ALL {
            let of_state = every(&self.picture).filter(|(_, it)| it.state == state);
            samples.sample(&[("state", state.name())], of_state.count());
        }
        let mut samples = out.family(&STATE);
        for (group, process) in every(&self.picture) {
            for state in ProcessState::ALL {
                let [of_group, name] = labels(group, process);
                let is_in = u8::from(process.state == state);
                samples.sample(&[of_group, name, ("state", state.name())], is_in);
            }
        }
        let mut each = |family, value: fn(&ProcessView) -> Option<f64>| {
            let mut samples = out.family(family);
            for (group, process) in every(&self.picture) {
                if let Some(value) = value(process) {
                    samples.sample(&labels(group, process), value);
                }
            }
        };
        each(&UP, |it| {
            Some(f64::from(u8::from(it.state == ProcessState::Running)))
        });
        each(&START, |it| {
            it.pid.and(it.started).map(|(_, wall)| time(wall))
        });
        each(&EXIT_STATUS, |it| Some(f64::from(it.exit_status)));
    }

    fn write_history(&self, out: &mut Exposition) {
        let counts: Vec<_> = every(&self.picture)
            .map(|(group, process)| {
                let look = |record: &crate::history::Record| Counts {
                    starts: record.starts,
                    restarts: record.restarts,
                    ends: record.ends,
                    flapping: record.is_flapping(self.now),
                };
                let none = Counts {
                    starts: 0,
                    restarts: 0,
                    ends: Default::default(),
                    flapping: false,
                };
                let found = self
                    .history
                    .look(&group.spec.name, &process.spec.name, look);
                (labels(group, process), found.unwrap_or(none))
            })
            .collect();
        let mut samples = out.family(&STARTS);
        for (labels, counts) in &counts {
            samples.sample(labels, counts.starts);
        }
        let mut samples = out.family(&RESTARTS);
        for (labels, counts) in &counts {
            samples.sample(labels, counts.restarts);
        }
        let mut samples = out.family(&EXITS);
        for ([group, name], counts) in &counts {
            for (reason, count) in Reason::ALL.iter().zip(counts.ends) {
                samples.sample(&[*group, *name, ("reason", reason.name())], count);
            }
        }
        let mut samples = out.family(&FLAPPING);
        for (labels, counts) in &counts {
            samples.sample(labels, u8::from(counts.flapping));
        }
    }

    fn write_figures(&self, out: &mut Exposition) {
        let mut each = |family, value: fn(&Reading) -> Option<f64>| {
            let mut samples = out.family(family);
            for (group, process) in every(&self.picture) {
                let reading = process.pid.and_then(|pid| self.readings.get(&pid));
                if let Some(value) = reading.and_then(value) {
                    samples.sample(&labels(group, process), value);
                }
            }
        };
        each(&CPU, cpu);
        each(&MEMORY, memory);
        each(&THREADS, |it| Some(number(it.consumption.threads)));
        each(&FILES, files);
        let mut samples = out.family(&LOGGED);
        for (group, process) in every(&self.picture) {
            let [group, name] = labels(group, process);
            for (stream, channel) in STREAMS {
                if self
                    .picture
                    .logs
                    .get(&process.id)
                    .is_some_and(|it| it.of(channel).is_some())
                {
                    let bytes = self.written.bytes(process.id, channel);
                    samples.sample(&[group, name, ("stream", stream)], bytes);
                }
            }
        }
        let mut samples = out.family(&LOG);
        for (group, process) in every(&self.picture) {
            let Some(logs) = self.picture.logs.get(&process.id) else {
                continue;
            };
            let labels = labels(group, process);
            for (stream, channel) in STREAMS {
                log_size(&mut samples, labels, stream, logs.of(channel));
            }
        }
    }

    fn write_pools(&self, out: &mut Exposition) {
        let mut each = |family, value: fn(&PoolLevel, u64) -> Option<u64>| {
            let mut samples = out.family(family);
            for (pool, discarded) in &self.pools {
                if let Some(value) = value(pool, *discarded) {
                    samples.sample(&[("group", &pool.name)], value);
                }
            }
        };
        each(&WAITING, |pool, _| Some(pool.waiting as u64));
        each(&BUFFER, |pool, _| pool.buffer_size.map(|size| size as u64));
        each(&ACCEPTED, |pool, _| Some(pool.accepted));
        each(&DISCARDED, |_, discarded| Some(discarded));
    }
}

fn log_size(
    samples: &mut Samples<'_>,
    [group, name]: [(&str, &str); 2],
    stream: &str,
    path: Option<&Path>,
) {
    // A device has no size to tell of.
    let file = path
        .and_then(|path| path.metadata().ok())
        .filter(std::fs::Metadata::is_file);
    if let Some(file) = file {
        samples.sample(&[group, name, ("stream", stream)], file.len());
    }
}

fn labels<'a>(group: &'a GroupView, process: &'a ProcessView) -> [(&'static str, &'a str); 2] {
    [("group", &group.spec.name), ("name", &process.spec.name)]
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "others like it may have nothing to tell"
)]
fn cpu(reading: &Reading) -> Option<f64> {
    Some(reading.consumption.cpu.as_secs_f64())
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "others like it may have nothing to tell"
)]
fn memory(reading: &Reading) -> Option<f64> {
    Some(number(reading.consumption.memory))
}

fn files(reading: &Reading) -> Option<f64> {
    reading.consumption.open_files.map(number)
}

#[expect(
    clippy::cast_precision_loss,
    reason = "nothing that is counted here comes near 53 bits"
)]
fn number(count: u64) -> f64 {
    count as f64
}
