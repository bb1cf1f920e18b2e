//! The two clocks.

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
    fn the_monotonic_clock_does_not_go_back() {
        let before = clocks();
        assert!(clocks().mono_nanos >= before.mono_nanos);
    }
}
