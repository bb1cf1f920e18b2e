//! What a fake child does with its life, drawn when it is made.

use std::time::Duration;

use minder_core::{ExitStatus, Signal};

use crate::random::Random;
use crate::rates::Rates;

/// The plan of one life.
#[derive(Clone, Copy, Debug)]
pub struct Program {
    /// When it ends by itself, counted from its start, and how.
    pub by_itself: Option<(Duration, ExitStatus)>,
    /// How long it takes to end when it is told to; never, if not given.
    pub obeys_after: Option<Duration>,
    /// How long the kernel takes to end it.
    pub dies_after: Duration,
    /// Whether it handles the stop signal and exits with 0, instead of dying of it.
    pub ends_politely: bool,
}

impl Program {
    /// One life.
    pub fn draw(random: &mut Random, rates: &Rates) -> Self {
        let by_itself = if random.chance(rates.quick_ends) {
            // At once, within startsecs, or at its very edge.
            let lived = *random.pick(&[0, 1, 300, 999, 1000, 1001, 1700]);
            Some((Duration::from_millis(lived), end(random)))
        } else if random.chance(rates.late_ends) {
            Some((random.millis_below(60_000), end(random)))
        } else {
            None
        };
        let obeys_after = if random.chance(rates.deaf) {
            None
        } else {
            Some(Duration::from_millis(*random.pick(&[0, 1, 40, 900, 2500])))
        };
        let dies_after = if random.chance(rates.stuck) {
            random.millis_below(20_000)
        } else {
            Duration::ZERO
        };
        Self {
            by_itself,
            obeys_after,
            dies_after,
            ends_politely: random.chance(500),
        }
    }

    /// When and how a signal ends it, counted from now; never, if it does not.
    #[must_use]
    pub fn ends_by(&self, signal: Signal) -> Option<(Duration, ExitStatus)> {
        let killed = ExitStatus::Signal {
            signal,
            core_dumped: false,
        };
        match signal {
            Signal::KILL => Some((self.dies_after, killed)),
            // What daemons are told to reload or to reopen their logs with.
            Signal::HUP | Signal::USR2 => None,
            Signal { .. } => {
                let politely = self.ends_politely.then_some(ExitStatus::Code(0));
                self.obeys_after
                    .map(|after| (after, politely.unwrap_or(killed)))
            }
        }
    }
}

fn end(random: &mut Random) -> ExitStatus {
    match random.below(5) {
        0 | 1 => ExitStatus::Code(0),
        2 => ExitStatus::Code(2),
        3 => ExitStatus::Code(127),
        _ => ExitStatus::Signal {
            signal: Signal::KILL,
            core_dumped: false,
        },
    }
}
