//! Numbers as people read them.

use std::time::Duration;

use crate::frame::Language;

/// A count, with a comma for each thousand: `4,931`.
#[must_use]
pub fn count(number: usize) -> String {
    in_thousands(&number.to_string(), ',')
}

/// The end of a serial number, which is read out and compared rather than added up: `88 214`. What
/// all that are near it have in common is left out.
#[must_use]
pub fn serial(number: u64) -> String {
    in_thousands(&(number % 1_000_000).to_string(), '\u{a0}')
}

fn in_thousands(digits: &str, separator: char) -> String {
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(separator);
        }
        text.push(digit);
    }
    text
}

/// A share of one processor, in per cent: `3.1 %`.
#[must_use]
pub fn percent(value: f64) -> String {
    format!("{:.1} %", value.max(0.0))
}

/// A size in bytes, in units of 1024: `412 MB`.
#[must_use]
pub fn bytes(size: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KB", "MB", "GB", "TB"];
    let (mut unit, mut scale) = (0, 1_u64);
    while size / scale >= 1024 && unit + 1 < UNITS.len() {
        unit += 1;
        scale *= 1024;
    }
    let (whole, tenths) = (size / scale, size % scale * 10 / scale);
    if unit > 0 && whole < 10 {
        format!("{whole}.{tenths} {}", UNITS[unit])
    } else {
        format!("{whole} {}", UNITS[unit])
    }
}

/// A duration by its two largest units, without seconds above an hour: `41 d 6 h`.
#[must_use]
pub fn duration(duration: Duration, language: Language) -> String {
    let secs = duration.as_secs();
    let (days, hours, mins) = (secs / 86_400, secs / 3_600 % 24, secs / 60 % 60);
    match (language, days, hours, mins) {
        (Language::English, 0, 0, 0) => format!("{secs} s"),
        (Language::English, 0, 0, _) => format!("{mins} min {:02} s", secs % 60),
        (Language::English, 0, _, _) => format!("{hours} h {mins:02} min"),
        (Language::English, _, _, _) => format!("{days} d {hours} h"),
        (Language::Chinese, 0, 0, 0) => format!("{secs} 秒"),
        (Language::Chinese, 0, 0, _) => format!("{mins} 分 {:02} 秒", secs % 60),
        (Language::Chinese, 0, _, _) => format!("{hours} 小时 {mins:02} 分"),
        (Language::Chinese, _, _, _) => format!("{days} 天 {hours} 小时"),
    }
}

/// How long something lived, to a tenth of a second while that matters: `0.8 s`.
#[must_use]
pub fn lifetime(lived: Duration, language: Language) -> String {
    if lived >= Duration::from_secs(10) {
        return duration(lived, language);
    }
    let tenths = lived.as_millis() / 100;
    match language {
        Language::English => format!("{}.{} s", tenths / 10, tenths % 10),
        Language::Chinese => format!("{}.{} 秒", tenths / 10, tenths % 10),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_written_for_people() {
        for (number, text) in [
            (0, "0"),
            (999, "999"),
            (4931, "4,931"),
            (1_000_000, "1,000,000"),
        ] {
            assert_eq!(count(number), text);
        }
        assert_eq!(serial(88_214), "88\u{a0}214");
        assert_eq!(serial(1_795_786_839_627_580), "627\u{a0}580");
        assert_eq!(percent(3.06), "3.1 %");
        assert_eq!(percent(-1.0), "0.0 %");
        for (size, text) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.0 KB"),
            (11 << 10, "11 KB"),
            (412 << 20, "412 MB"),
            ((3 << 30) + (100 << 20), "3.0 GB"),
            (u64::MAX, "16777215 TB"),
        ] {
            assert_eq!(bytes(size), text);
        }
    }

    #[test]
    fn a_duration_has_two_units() {
        for (secs, english, chinese) in [
            (4, "4 s", "4 秒"),
            (65, "1 min 05 s", "1 分 05 秒"),
            (15_660, "4 h 21 min", "4 小时 21 分"),
            (3_564_000, "41 d 6 h", "41 天 6 小时"),
        ] {
            let time = Duration::from_secs(secs);
            assert_eq!(duration(time, Language::English), english);
            assert_eq!(duration(time, Language::Chinese), chinese);
        }
        let brief = Duration::from_millis(870);
        assert_eq!(lifetime(brief, Language::English), "0.8 s");
        assert_eq!(
            lifetime(Duration::from_secs(65), Language::English),
            "1 min 05 s"
        );
    }
}
