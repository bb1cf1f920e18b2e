//! What processes consume, for whoever looks.
//!
//! Nothing is measured unless somebody asks, and nothing twice within [`FRESH`], however many ask.
//! What was measured before is kept for a while: how busy a process is follows from two
//! measurements.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use minder_core::{Mono, Now, Wall};
use minder_os::consumption::{self, Consumption};

/// For how long a measurement is answered again.
const FRESH: Duration = Duration::from_secs(1);

/// How far apart the points of a curve are at least, and how many there are: an hour.
const POINT_EVERY: Duration = Duration::from_secs(120);
const POINTS: usize = 30;

/// For how long the measurements of a process are kept that nobody asks for.
const KEPT: Duration = Duration::from_secs(2 * 60 * 60);

/// What was measured.
#[derive(Default)]
pub(crate) struct Figures(Mutex<BTreeMap<u32, Measured>>);

/// What one process consumes.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Reading {
    /// When it was measured.
    pub(crate) at: Wall,
    /// What there was.
    pub(crate) consumption: Consumption,
    /// The time that processors spent on it since the measurement before, as a part of the time
    /// that has passed; `None` if it was measured for the first time.
    pub(crate) load: Option<f64>,
}

/// A point of a curve.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Point {
    /// When.
    pub(crate) at: Wall,
    /// Its load since the measurement before.
    pub(crate) load: Option<f64>,
    /// Its memory in bytes.
    pub(crate) memory: u64,
}

struct Measured {
    at: Mono,
    reading: Reading,
    points: VecDeque<Point>,
}

impl Figures {
    /// What the processes `pids` consume, which must be children of `parent`: a pid that has been
    /// given to another process meanwhile is left out, as is one that is gone.
    ///
    /// Takes some microseconds for each, and whoever else measures waits.
    pub(crate) fn measure(
        &self,
        pids: impl IntoIterator<Item = u32>,
        parent: u32,
        now: Now,
    ) -> BTreeMap<u32, Reading> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|_, measured| now.mono.since(measured.at) < KEPT);
        let mut readings = BTreeMap::new();
        for pid in pids {
            let is_fresh = |it: &&Measured| now.mono.since(it.at) < FRESH;
            if let Some(measured) = known.get(&pid).filter(is_fresh) {
                readings.insert(pid, measured.reading.clone());
                continue;
            }
            match consumption::of(pid) {
                Ok(consumption) if consumption.parent == parent => {
                    let measured = follow(known.remove(&pid), consumption, now);
                    readings.insert(pid, measured.reading.clone());
                    known.insert(pid, measured);
                }
                Ok(_) | Err(_) => drop(known.remove(&pid)),
            }
        }
        readings
    }

    /// The curve of a process, as far as somebody looked: the oldest point first. Waits for whoever is
    /// measuring.
    pub(crate) fn curve(&self, pid: u32) -> Vec<Point> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let points = known.get(&pid).map(|measured| &measured.points);
        points.into_iter().flatten().copied().collect()
    }
}

/// A new measurement behind what was known.
fn follow(before: Option<Measured>, consumption: Consumption, now: Now) -> Measured {
    // One that has used less than before is another process of the same number.
    let before = before.filter(|it| it.reading.consumption.cpu <= consumption.cpu);
    let load = before.as_ref().and_then(|before| {
        let spent = consumption
            .cpu
            .saturating_sub(before.reading.consumption.cpu);
        let passed = now.mono.since(before.at);
        (!passed.is_zero()).then(|| spent.as_secs_f64() / passed.as_secs_f64())
    });
    let mut points = before.map(|before| before.points).unwrap_or_default();
    let due = |last: &Point| now.wall.0.saturating_sub(last.at.0) >= POINT_EVERY;
    if points.back().is_none_or(due) {
        if points.len() == POINTS {
            points.pop_front();
        }
        points.push_back(Point {
            at: now.wall,
            load,
            memory: consumption.memory,
        });
    }
    Measured {
        at: now.mono,
        reading: Reading {
            at: now.wall,
            consumption,
            load,
        },
        points,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(secs: u64) -> Now {
        let time = Duration::from_secs(secs);
        Now {
            mono: Mono(time),
            wall: Wall(time),
        }
    }

    fn used(cpu_secs: u64) -> Consumption {
        Consumption {
            cpu: Duration::from_secs(cpu_secs),
            memory: 1000 + cpu_secs,
            ..Consumption::default()
        }
    }

    #[test]
    fn the_load_follows_from_two_measurements() {
        let first = follow(None, used(10), at(100));
        assert_eq!(first.reading.load, None);
        let second = follow(Some(first), used(15), at(110));
        assert_eq!(second.reading.load, Some(0.5));
        let another = follow(Some(second), used(1), at(120));
        assert_eq!(another.reading.load, None);
        assert_eq!(another.points.len(), 1);
    }

    #[test]
    fn a_curve_has_a_point_every_two_minutes_for_an_hour() {
        let mut measured = follow(None, used(0), at(0));
        for minute in 1..=100 {
            measured = follow(Some(measured), used(minute), at(60 * minute));
        }
        assert_eq!(measured.points.len(), POINTS);
        let last = measured.points.back().unwrap();
        assert_eq!((last.at, last.memory), (at(6000).wall, 1100));
    }

    #[test]
    fn only_children_are_measured_and_not_twice_at_once() {
        let figures = Figures::default();
        let own = std::process::id();
        let parent = consumption::of(own).unwrap().parent;
        assert!(figures.measure([own], own, at(1)).is_empty());
        let first = figures.measure([own, u32::MAX], parent, at(1));
        assert_eq!(first.keys().copied().collect::<Vec<_>>(), [own]);
        let again = figures.measure([own], parent, at(1));
        assert_eq!(again, first);
        let later = figures.measure([own], parent, at(3));
        assert!(later[&own].load.is_some());
        assert_eq!(figures.curve(own).len(), 1);
    }
}
