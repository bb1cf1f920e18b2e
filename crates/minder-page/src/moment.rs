//! Points in time, as the clock of the server shows them.

use maud::{Markup, html};

use crate::frame::Language;

/// A point in time in the server's zone, taken apart by whoever has the calendar.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Moment {
    /// The day of the month, from 1.
    pub day: u8,
    /// The month, from 1.
    pub month: u8,
    /// The day of the week, from 1 for Monday.
    pub weekday: u8,
    /// The time of day with seconds: `14:02:31`.
    pub clock: String,
    /// All of it, with the zone, for whoever points at it.
    pub full: String,
    /// Whether it lies within the day on which the page is drawn.
    pub is_today: bool,
}

impl Moment {
    /// The time, and the day before it unless it is today's: `21 Nov 18:20`.
    #[must_use]
    pub fn short(&self, language: Language) -> String {
        let minute = self
            .clock
            .rsplit_once(':')
            .map_or(&*self.clock, |(it, _)| it);
        match (language, self.is_today) {
            (_, true) => self.clock.clone(),
            (Language::English, false) => format!("{} {} {minute}", self.day, self.month_name()),
            (Language::Chinese, false) => format!("{} 月 {} 日 {minute}", self.month, self.day),
        }
    }

    /// The day: `Monday 23 November`.
    #[must_use]
    pub fn date(&self, language: Language) -> String {
        const ENGLISH: [&str; 7] = [
            "Monday",
            "Tuesday",
            "Wednesday",
            "Thursday",
            "Friday",
            "Saturday",
            "Sunday",
        ];
        const CHINESE: [&str; 7] = ["一", "二", "三", "四", "五", "六", "日"];
        let weekday = usize::from(self.weekday.clamp(1, 7)) - 1;
        match language {
            Language::English => {
                let date = format!("{} {} {}", ENGLISH[weekday], self.day, self.month_name());
                if self.is_today {
                    format!("Today, {date}")
                } else {
                    date
                }
            }
            Language::Chinese => {
                let (month, day, weekday) = (self.month, self.day, CHINESE[weekday]);
                let date = format!("{month} 月 {day} 日，星期{weekday}");
                if self.is_today {
                    format!("今天，{date}")
                } else {
                    date
                }
            }
        }
    }

    fn month_name(&self) -> &'static str {
        const NAMES: [&str; 12] = [
            "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
        ];
        NAMES[usize::from(self.month.clamp(1, 12)) - 1]
    }

    /// The time, with the zone for whoever points at it.
    pub(crate) fn shown(&self, language: Language) -> Markup {
        html! { span.num title=(self.full) { (self.short(language)) } }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_told_with_its_day_unless_it_is_today() {
        let today = Moment {
            day: 21,
            month: 11,
            weekday: 6,
            clock: "18:20:05".to_owned(),
            full: "2026-11-21 18:20:05 +08:00".to_owned(),
            is_today: true,
        };
        assert_eq!(today.short(Language::English), "18:20:05");
        assert_eq!(today.date(Language::English), "Today, Saturday 21 Nov");
        let earlier = Moment {
            is_today: false,
            ..today
        };
        assert_eq!(earlier.short(Language::English), "21 Nov 18:20");
        assert_eq!(earlier.short(Language::Chinese), "11 月 21 日 18:20");
        assert_eq!(earlier.date(Language::Chinese), "11 月 21 日，星期六");
        assert_eq!(Moment::default().short(Language::English), "0 Jan ");
    }
}
