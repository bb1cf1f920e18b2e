//! How long output that keeps coming is left to gather.
//!
//! A program that writes lines one by one would wake the plane for each of them, which costs both
//! far more than the line itself. So while wake-ups follow each other closely, the plane looks away
//! for a moment between two of them, and finds many lines at once. Output after a silence is
//! carried without delay, and a plane with nothing to do sleeps until there is something: no timer
//! runs then.

use std::time::Duration;

/// The most that output is kept waiting: too little for anybody who follows a log to notice.
const MOST: Duration = Duration::from_millis(1);

/// The least for which looking away is worth a timer.
const LEAST: Duration = Duration::from_micros(125);

/// A pipe that is found this full by the time the plane looks again may soon hold its writer up.
const FULL: f32 = 0.5;

/// A pipe that is found no fuller than this could have been left alone for twice as long.
const NEARLY_EMPTY: f32 = 0.2;

/// How long the plane looks away, which adapts to how fast pipes fill meanwhile.
#[derive(Debug)]
pub(super) struct Patience {
    pause: Duration,
}

/// What was found when the plane was woken.
#[derive(Clone, Copy, Debug)]
pub(super) struct Round {
    /// For how long it had been waiting.
    pub(super) waited: Duration,
    /// How full the fullest pipe was: from 0 to 1.
    pub(super) fullest: f32,
    /// Whether something was left behind to be taken at once.
    pub(super) is_unfinished: bool,
    /// Whether no pipe held anything.
    pub(super) is_empty: bool,
}

impl Round {
    pub(super) fn begin(waited: Duration) -> Self {
        Self {
            waited,
            fullest: 0.0,
            is_unfinished: false,
            is_empty: true,
        }
    }

    /// A pipe was found so full, and perhaps not emptied.
    pub(super) fn found(&mut self, fullness: f32, is_unfinished: bool) {
        self.fullest = self.fullest.max(fullness);
        self.is_unfinished |= is_unfinished;
        self.is_empty = false;
    }
}

impl Patience {
    pub(super) fn new() -> Self {
        Self { pause: MOST }
    }

    /// How long to look away after `round`, if at all.
    pub(super) fn after(&mut self, round: Round) -> Option<Duration> {
        if round.waited >= MOST || round.is_unfinished || round.is_empty {
            return None;
        }
        if round.fullest >= FULL {
            self.pause = (self.pause / 2).max(LEAST);
        } else if round.fullest <= NEARLY_EMPTY {
            self.pause = (self.pause * 2).min(MOST);
        }
        Some(self.pause)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT_ONCE: Duration = Duration::from_micros(3);

    fn round(waited: Duration, fullest: f32) -> Round {
        Round {
            waited,
            fullest,
            is_unfinished: false,
            is_empty: false,
        }
    }

    #[test]
    fn what_brought_nothing_is_followed_by_no_pause() {
        assert_eq!(Patience::new().after(Round::begin(AT_ONCE)), None);
    }

    #[test]
    fn a_line_now_and_then_is_never_kept_waiting() {
        let mut patience = Patience::new();
        for _ in 0..100 {
            assert_eq!(patience.after(round(MOST, 0.01)), None);
        }
    }

    #[test]
    fn lines_that_follow_each_other_gather() {
        assert_eq!(Patience::new().after(round(AT_ONCE, 0.01)), Some(MOST));
    }

    #[test]
    fn what_was_left_behind_is_taken_first() {
        let round = Round {
            is_unfinished: true,
            ..round(AT_ONCE, 1.0)
        };
        assert_eq!(Patience::new().after(round), None);
    }

    #[test]
    fn a_pipe_that_fills_up_is_looked_at_more_often_and_later_less() {
        let mut patience = Patience::new();
        let mut pause = |fullest| patience.after(round(AT_ONCE, fullest)).expect("a pause");
        assert_eq!(pause(0.9), MOST / 2);
        assert_eq!(pause(0.3), MOST / 2);
        for _ in 0..10 {
            pause(0.9);
        }
        assert_eq!(pause(0.9), LEAST);
        for _ in 0..10 {
            pause(0.1);
        }
        assert_eq!(pause(0.1), MOST);
    }
}
