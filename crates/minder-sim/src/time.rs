//! Virtual time: a monotonic clock that moves when it is told to, and a wall clock that people set.

use std::time::Duration;

use minder_core::{Mono, Now, Wall};

use crate::random::Random;

/// Both clocks.
#[derive(Clone, Debug)]
pub struct Clock {
    mono: Duration,
    // What the wall clock showed when the machine was started.
    wall_at_boot: Duration,
}

impl Clock {
    /// Some time after the machine was started.
    pub fn new(random: &mut Random) -> Self {
        Self {
            mono: Duration::from_secs(1) + random.millis_below(1_000_000),
            wall_at_boot: Duration::from_secs(1_700_000_000),
        }
    }

    /// What both show.
    #[must_use]
    pub fn now(&self) -> Now {
        self.later(Duration::ZERO)
    }

    /// What both will show, if nobody sets the wall clock.
    #[must_use]
    pub fn later(&self, after: Duration) -> Now {
        let mono = self.mono + after;
        Now {
            mono: Mono(mono),
            wall: Wall(self.wall_at_boot + mono),
        }
    }

    /// Lets time pass.
    pub fn pass(&mut self, time: Duration) {
        self.mono += time;
    }

    /// Lets time pass until then, unless it is past already.
    pub fn pass_until(&mut self, then: Mono) {
        self.mono = self.mono.max(then.0);
    }

    /// Somebody sets the wall clock, by up to two days, or by up to eleven years.
    pub fn set_wall(&mut self, random: &mut Random) {
        let furthest = *random.pick(&[2, 2, 4000]) * DAY;
        let step = Duration::from_secs(random.below(furthest));
        self.wall_at_boot = if random.chance(500) {
            self.wall_at_boot + step
        } else {
            self.wall_at_boot.saturating_sub(step)
        };
    }
}

/// In seconds.
const DAY: u64 = 86_400;
