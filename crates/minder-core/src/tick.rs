//! The events that tell of time passing.
//!
//! Supervisor cuts the wall clock into slices of five seconds, a minute and an hour, and tells of
//! each slice when it finds itself in it: not of the one in which it started, and after a stall
//! only of the latest. Nobody is woken for a slice that no pool wants to hear of.

use core::time::Duration;

use crate::event::EventType;
use crate::time::Wall;

/// How long the slices are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Period {
    /// Five seconds.
    FiveSeconds,
    /// A minute.
    Minute,
    /// An hour.
    Hour,
}

impl Period {
    /// Every one, in the order in which they are told when several begin at once. Each is a
    /// multiple of the one before.
    pub const ALL: [Self; 3] = [Self::FiveSeconds, Self::Minute, Self::Hour];

    /// Its length in seconds.
    #[must_use]
    pub fn secs(self) -> u64 {
        match self {
            Self::FiveSeconds => 5,
            Self::Minute => 60,
            Self::Hour => 3600,
        }
    }

    /// The type of its events.
    #[must_use]
    pub fn kind(self) -> EventType {
        match self {
            Self::FiveSeconds => EventType::Tick5,
            Self::Minute => EventType::Tick60,
            Self::Hour => EventType::Tick3600,
        }
    }

    /// How long from `wall` until its next slice begins; never nothing.
    #[must_use]
    pub fn until_next(self, wall: Wall) -> Duration {
        let next = Duration::from_secs(self.slice(wall.0.as_secs()).saturating_add(self.secs()));
        next.saturating_sub(wall.0)
    }

    /// The beginning of the slice that `secs` is in.
    fn slice(self, secs: u64) -> u64 {
        secs - secs % self.secs()
    }
}

/// The slices that the clock was found in when it was looked at last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ticks {
    // The beginning of the shortest, in seconds since 1970. It is in the longer ones.
    slice: u64,
}

impl Ticks {
    /// The clock is looked at for the first time.
    pub(crate) fn begin(wall: Wall) -> Self {
        Self {
            slice: Period::FiveSeconds.slice(wall.0.as_secs()),
        }
    }

    /// Goes on after a daemon that left this [`slice`](Self::slice).
    pub(crate) fn restore(slice: u64) -> Self {
        Self { slice }
    }

    /// What a later daemon needs in order to go on.
    pub(crate) fn slice(self) -> u64 {
        self.slice
    }

    /// Looks at the clock, and gives the slices that have begun, by their beginnings.
    pub(crate) fn turn(&mut self, wall: Wall) -> impl Iterator<Item = (Period, u64)> + use<> {
        let before = core::mem::replace(self, Self::begin(wall)).slice;
        let now = self.slice;
        let slices = Period::ALL.map(|period| (period, period.slice(before), period.slice(now)));
        slices
            .into_iter()
            .filter(|(_, before, now)| before != now)
            .map(|(period, _, now)| (period, now))
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;

    fn wall(millis: u64) -> Wall {
        Wall(Duration::from_millis(millis))
    }

    fn turn(ticks: &mut Ticks, millis: u64) -> Vec<(Period, u64)> {
        ticks.turn(wall(millis)).collect()
    }

    #[test]
    fn the_slice_of_the_start_is_not_told_and_after_a_stall_only_the_latest_is() {
        let mut ticks = Ticks::begin(wall(7_203_000));
        assert_eq!(turn(&mut ticks, 7_204_999), []);
        assert_eq!(turn(&mut ticks, 7_205_000), [(Period::FiveSeconds, 7205)]);
        assert_eq!(turn(&mut ticks, 7_209_999), []);
        assert_eq!(
            turn(&mut ticks, 7_333_000),
            [(Period::FiveSeconds, 7330), (Period::Minute, 7320)]
        );
        assert_eq!(
            turn(&mut ticks, 10_800_001),
            [
                (Period::FiveSeconds, 10800),
                (Period::Minute, 10800),
                (Period::Hour, 10800)
            ]
        );
    }

    #[test]
    fn a_clock_that_is_set_back_is_in_another_slice_too() {
        let mut ticks = Ticks::begin(wall(100_000));
        assert_eq!(turn(&mut ticks, 96_000), [(Period::FiveSeconds, 95)]);
    }

    #[test]
    fn the_next_slice_is_never_now() {
        let wait = |millis| Period::FiveSeconds.until_next(wall(millis)).as_millis();
        assert_eq!(wait(5_000), 5000);
        assert_eq!(wait(9_999), 1);
    }
}
