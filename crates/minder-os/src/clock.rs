//! The two clocks, and what the wall clock shows here.

use std::mem::MaybeUninit;

use rustix::time::{ClockId, Timespec, clock_gettime};

/// Both clocks, read one after the other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Clocks {
    /// Nanoseconds of the monotonic clock, which counts from boot and stands while the machine
    /// sleeps.
    pub mono_nanos: u64,
    /// Nanoseconds since 1970 by the wall clock.
    pub wall_nanos: u64,
}

/// Reads both clocks.
#[must_use]
pub fn clocks() -> Clocks {
    Clocks {
        mono_nanos: nanos(clock_gettime(ClockId::Monotonic)),
        wall_nanos: nanos(clock_gettime(ClockId::Realtime)),
    }
}

/// What a clock on the wall shows, in this place's time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shown {
    /// The year.
    pub year: i32,
    /// 1 is January.
    pub month: i32,
    /// The day of the month.
    pub day: i32,
    /// The hour, from 0 to 23.
    pub hour: i32,
    /// The minute.
    pub minute: i32,
    /// The second; 60 in a leap second.
    pub second: i32,
    /// Thousandths of a second.
    pub milli: u64,
}

/// What a clock on the wall shows at a time in nanoseconds since 1970; `None` if that cannot be told.
///
/// To be called while this process has one thread: the C library reads the time zone from the
/// environment.
#[must_use]
pub fn shown(wall_nanos: u64) -> Option<Shown> {
    let secs = libc::time_t::try_from(wall_nanos / 1_000_000_000).ok()?;
    let mut parts = MaybeUninit::<libc::tm>::uninit();
    // SAFETY: reads a number and writes to a place that is large enough; null says that it failed.
    let told = unsafe { libc::localtime_r(&raw const secs, parts.as_mut_ptr()) };
    if told.is_null() {
        return None;
    }
    // SAFETY: the call has filled it in, as its answer says.
    let parts = unsafe { parts.assume_init() };
    Some(Shown {
        year: parts.tm_year.saturating_add(1900),
        month: parts.tm_mon.saturating_add(1),
        day: parts.tm_mday,
        hour: parts.tm_hour,
        minute: parts.tm_min,
        second: parts.tm_sec,
        milli: wall_nanos / 1_000_000 % 1000,
    })
}

/// A time before 1970 counts as 1970.
fn nanos(time: Timespec) -> u64 {
    let secs = u64::try_from(time.tv_sec).unwrap_or(0);
    let nanos = u64::try_from(time.tv_nsec).unwrap_or(0);
    secs.saturating_mul(1_000_000_000).saturating_add(nanos)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_and_nanoseconds_add_up() {
        let time = |tv_sec, tv_nsec| Timespec { tv_sec, tv_nsec };
        assert_eq!(nanos(time(3, 7)), 3_000_000_007);
        assert_eq!(nanos(time(-1, 7)), 7);
    }

    #[test]
    fn the_wall_shows_what_the_time_zone_says() {
        let shown = shown(1_800_000_000_007_000_000).unwrap();
        assert_eq!((shown.year, shown.month, shown.milli), (2027, 1, 7));
        // Whatever the zone: 2027-01-15 08:00:00 in Greenwich.
        assert!((14..=16).contains(&shown.day), "{shown:?}");
        assert_eq!(shown.second, 0);
    }

    #[test]
    fn the_monotonic_clock_does_not_go_back() {
        let before = clocks();
        assert!(clocks().mono_nanos >= before.mono_nanos);
    }
}
