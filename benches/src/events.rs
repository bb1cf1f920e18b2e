//! What an event listener is told when all programs crash at once.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::thread;
use std::time::Duration;

use anyhow::{Result, ensure};
use minder_bench::birth::Moment;

use crate::life;
use crate::metric::Metric;
use crate::report::Report;
use crate::running::Running;
use crate::setup::{self, Setup};

/// What each crash makes known.
const EXPECTED: [&str; 3] = [
    "PROCESS_STATE_EXITED",
    "PROCESS_STATE_STARTING",
    "PROCESS_STATE_RUNNING",
];
/// An event that comes later than this after the last replacement ran is late.
const LATE: Duration = Duration::from_secs(1);
/// When nothing has come for so long, nothing comes any more: longer than Supervisor waits in any case.
const SILENCE: Duration = Duration::from_secs(3);

/// Programs that wait, and a listener.
pub(crate) fn listened(programs: usize, here: &Path) -> Setup {
    Setup {
        listener: true,
        ..Setup::waiting(programs, here)
    }
}

pub(crate) fn measure(running: &mut Running, report: &mut Report) -> Result<()> {
    let programs = running.setup.programs.len();
    let column = running.subject.column();
    // The listener is born too, and must not be killed: it is told of by an event that nobody else has.
    running.births(programs + 1)?;
    let listener = listener(running)?;
    wait_for_silence(running.here(), usize::MAX);
    let before = notes(running.here()).len();
    let start = Moment::now();
    let took = life::crash_all(running, Some(listener))?;
    let expected = programs * EXPECTED.len();
    wait_for_silence(running.here(), before + expected);
    let mut first: BTreeMap<(String, String), Moment> = BTreeMap::new();
    for note in notes(running.here()).split_off(before) {
        first.entry((note.event, note.process)).or_insert(note.at);
    }
    first.retain(|(event, _), _| EXPECTED.contains(&event.as_str()));
    let late = first
        .values()
        .filter(|at| at.since(start) > took + LATE)
        .count();
    let delivered = first.len();
    ensure!(delivered <= expected, "events of {delivered} sorts");
    report.add(
        Metric::Delivered(programs),
        column,
        crate::as_f64(delivered),
    );
    report.add(
        Metric::Lost(programs),
        column,
        crate::as_f64(expected - delivered),
    );
    report.add(Metric::Late(programs), column, crate::as_f64(late));
    Ok(())
}

/// The pid of the listener: the program whose first argument says so.
fn listener(running: &Running) -> Result<u32> {
    let listens = |pid: &u32| {
        let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        line.split(|byte| *byte == 0).nth(1) == Some(b"listen")
    };
    let found = running.programs().find(listens);
    anyhow::Context::context(found, "the listener does not run")
}

/// Something that the listener was told.
struct Note {
    event: String,
    process: String,
    at: Moment,
}

fn notes(here: &Path) -> Vec<Note> {
    let text = fs::read_to_string(setup::notes(here)).unwrap_or_default();
    text.lines()
        .filter_map(|line| {
            let mut words = line.split(' ');
            Some(Note {
                event: words.next()?.to_owned(),
                process: words.next()?.to_owned(),
                at: Moment::from_nanos(words.next()?.parse().ok()?),
            })
        })
        .collect()
}

/// Waits until that many events have come, or until none comes any more.
fn wait_for_silence(here: &Path, enough: usize) {
    let mut heard = (notes(here).len(), Moment::now());
    while heard.0 < enough && Moment::now().since(heard.1) < SILENCE {
        thread::sleep(Duration::from_millis(50));
        let count = notes(here).len();
        if count != heard.0 {
            heard = (count, Moment::now());
        }
    }
}
