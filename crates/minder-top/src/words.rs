//! Numbers as operators read them, in few cells.

use std::time::Duration;

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// Whole seconds of what may be below zero or not a number, as clocks that disagree make it.
fn whole(secs: f64) -> u64 {
    Duration::try_from_secs_f64(secs).map_or(0, |it| it.as_secs())
}

/// How long something has been up: `0:04:59`, `23:15:00`, `12d 03:22`, `400d`.
pub(crate) fn uptime(secs: f64) -> String {
    let secs = whole(secs);
    let (days, hours, minutes) = (secs / DAY, secs % DAY / HOUR, secs % HOUR / MINUTE);
    match days {
        0 => format!("{hours}:{minutes:02}:{:02}", secs % MINUTE),
        1..=99 => format!("{days}d {hours:02}:{minutes:02}"),
        _ => format!("{days}d"),
    }
}

/// How long ago something was, by its largest unit: `4s`, `12m`, `3h`, `5d`.
pub(crate) fn age(secs: f64) -> String {
    match whole(secs) {
        secs if secs < MINUTE => format!("{secs}s"),
        secs if secs < HOUR => format!("{}m", secs / MINUTE),
        secs if secs < DAY => format!("{}h", secs / HOUR),
        secs => format!("{}d", secs / DAY),
    }
}

/// A part of one processor in per cent: `0.0`, `12.3`, `134`.
pub(crate) fn load(part: f64) -> String {
    let percent = part.max(0.0) * 100.0;
    if percent < 99.95 {
        format!("{percent:.1}")
    } else {
        format!("{percent:.0}")
    }
}

/// A size in units of 1024, in at most five cells: `0`, `912K`, `3.4M`, `34M`, `1.2G`.
pub(crate) fn memory(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["", "K", "M", "G", "T", "P"];
    let (mut unit, mut scale) = (0, 1_u64);
    while bytes / scale >= 1024 && unit + 1 < UNITS.len() {
        unit += 1;
        scale *= 1024;
    }
    let (whole, tenths) = (bytes / scale, bytes % scale * 10 / scale);
    if unit > 0 && whole < 10 {
        format!("{whole}.{tenths}{}", UNITS[unit])
    } else {
        format!("{whole}{}", UNITS[unit])
    }
}

/// A count with its noun: `1 process`, `3 processes`.
pub(crate) fn processes(count: usize) -> String {
    match count {
        1 => "1 process".to_owned(),
        count => format!("{count} processes"),
    }
}

/// What is asked or told about some of many: `web`, `web and api`, `5 processes`.
pub(crate) fn some(names: &[String]) -> String {
    match names {
        [one] => one.clone(),
        [one, other] => format!("{one} and {other}"),
        names => processes(names.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_short() {
        for (secs, up, ago) in [
            (-3.0, "0:00:00", "0s"),
            (f64::NAN, "0:00:00", "0s"),
            (299.9, "0:04:59", "4m"),
            (83_700.0, "23:15:00", "23h"),
            (1_048_953.0, "12d 03:22", "12d"),
            (34_560_000.0, "400d", "400d"),
        ] {
            assert_eq!((uptime(secs).as_str(), age(secs).as_str()), (up, ago));
        }
        for (part, text) in [
            (0.0, "0.0"),
            (0.1234, "12.3"),
            (0.9996, "100"),
            (12.0, "1200"),
            (-1.0, "0.0"),
        ] {
            assert_eq!(load(part), text);
        }
        for (bytes, text) in [
            (0, "0"),
            (1023, "1023"),
            (3_600_000, "3.4M"),
            (34 << 20, "34M"),
            (1_300_000_000, "1.2G"),
        ] {
            assert_eq!(memory(bytes), text);
        }
    }
}
