//! Times of the wall clock, in the zone of the server.

use std::time::{Duration, SystemTime};

use jiff::tz::TimeZone;
use jiff::{Timestamp, ZonedDateTime};
use minder_core::{Now, Wall};
use minder_page::Moment;

use crate::link::now;

/// When a page is drawn, and where.
pub(super) struct Moments {
    /// Both clocks.
    pub(super) now: Now,
    zone: TimeZone,
    today: ZonedDateTime,
}

impl Moments {
    pub(super) fn now() -> Self {
        Self::at(now(), TimeZone::system())
    }

    pub(super) fn at(now: Now, zone: TimeZone) -> Self {
        let today = timestamp(now.wall).to_zoned_datetime(zone.clone());
        Self { now, zone, today }
    }

    /// The time of day.
    pub(super) fn clock(&self) -> String {
        self.today.strftime("%H:%M:%S").to_string()
    }

    /// The time of day so long ago, without seconds.
    pub(super) fn hour(&self, ago: Duration) -> String {
        let then = Wall(self.now.wall.0.saturating_sub(ago));
        let then = timestamp(then).to_zoned_datetime(self.zone.clone());
        then.strftime("%H:%M").to_string()
    }

    /// How long ago that was.
    pub(super) fn ago(&self, time: Wall) -> Duration {
        self.now.wall.0.saturating_sub(time.0)
    }

    /// A point in time as pages show it.
    pub(super) fn moment(&self, time: Wall) -> Moment {
        let at = timestamp(time).to_zoned_datetime(self.zone.clone());
        Moment {
            day: at.day().unsigned_abs(),
            month: at.month().unsigned_abs(),
            weekday: at.weekday().to_monday_one_offset().unsigned_abs(),
            clock: at.strftime("%H:%M:%S").to_string(),
            full: at.strftime("%Y-%m-%d %H:%M:%S %:z").to_string(),
            is_today: at.date() == self.today.date(),
        }
    }

    /// The same, to the thousandth of a second.
    pub(super) fn precise(&self, time: Wall) -> Moment {
        let moment = self.moment(time);
        let clock = format!("{}.{:03}", moment.clock, time.0.subsec_millis());
        Moment { clock, ..moment }
    }

    /// The same, of a time that the file system tells.
    pub(super) fn of_file(&self, time: SystemTime) -> Option<Moment> {
        let since = time.duration_since(SystemTime::UNIX_EPOCH).ok()?;
        Some(self.moment(Wall(since)))
    }
}

/// A time within the calendar: what lies behind its end is its end.
fn timestamp(time: Wall) -> Timestamp {
    let secs = i64::try_from(time.0.as_secs()).unwrap_or(i64::MAX);
    Timestamp::from_second(secs).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_told_in_the_zone_of_the_server() {
        let zone = TimeZone::fixed(jiff::tz::offset(8));
        let wall = Wall(Duration::from_secs(1_795_500_151));
        let moments = Moments::at(
            Now {
                wall,
                ..Now::default()
            },
            zone,
        );
        let moment = moments.moment(Wall(Duration::from_secs(1_795_413_751)));
        assert_eq!(moment.full, "2026-11-23 14:02:31 +08:00");
        assert_eq!((moment.day, moment.month, moment.weekday), (23, 11, 1));
        assert!(!moment.is_today && moments.moment(wall).is_today);
        assert_eq!(moments.hour(Duration::from_secs(3600)), "13:02");
        assert!(
            moments
                .moment(Wall(Duration::MAX))
                .full
                .starts_with("9999-12-3")
        );
    }
}
