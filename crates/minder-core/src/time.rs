//! Time, as the core is told it.
//!
//! [`Mono`] decides, [`Wall`] is only shown. Neither is `std::time::Instant`: a deadline must
//! outlive the daemon that set it, and an `Instant` cannot be stored.

use core::ops::{Add, Sub};
use core::time::Duration;

/// A point on the machine's monotonic clock, counted from boot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mono(pub Duration);

impl Mono {
    /// How long after `earlier` this is; zero if it is not after it.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

impl Add<Duration> for Mono {
    type Output = Self;

    /// Saturates: a configured wait may be longer than the clock can count.
    fn add(self, wait: Duration) -> Self {
        Self(self.0.saturating_add(wait))
    }
}

impl Sub<Duration> for Mono {
    type Output = Self;

    fn sub(self, span: Duration) -> Self {
        Self(self.0.saturating_sub(span))
    }
}

/// A point on the wall clock: whole and fractional seconds since 1970, UTC. Only for people.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Wall(pub Duration);

impl Wall {
    /// Whole seconds, capped to what XML-RPC's 32-bit integer holds, as Supervisor caps them.
    #[must_use]
    pub fn rpc_secs(self) -> i32 {
        i32::try_from(self.0.as_secs()).unwrap_or(i32::MAX)
    }
}

/// Both clocks, read together by the driver once per step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Now {
    /// What decisions use.
    pub mono: Mono,
    /// What people are shown.
    pub wall: Wall,
}
