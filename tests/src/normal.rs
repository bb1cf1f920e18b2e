//! Takes out of a text what differs from run to run: pids, times, paths.

/// A text in which every run of digits that follows `before` is replaced by `N`.
///
/// `numbers_after(" pid ", "started with pid 12")` is `started with pid N`.
#[must_use]
pub fn numbers_after(before: &str, text: &str) -> String {
    let mut pieces = text.split(before);
    let mut out = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        out.push_str(before);
        let rest = piece.trim_start_matches(|c: char| c.is_ascii_digit());
        if rest.len() < piece.len() {
            out.push('N');
        }
        out.push_str(rest);
    }
    out
}

/// `status` output whose pids are `N` and whose uptimes are gone.
#[must_use]
pub fn status(text: &str) -> String {
    cut_lines(&numbers_after("pid ", text), ", uptime ")
}

/// The lines of supervisord's own log without their times, and with pids as `N`.
///
/// A line is `YYYY-MM-DD HH:MM:SS,mmm LEVL text`; what does not look so stays as it is.
#[must_use]
pub fn log(text: &str) -> Vec<String> {
    text.lines()
        .map(|line| {
            let timed = line.len() > STAMP.len()
                && line.bytes().zip(STAMP.bytes()).all(|(is, shape)| {
                    if shape == b'0' {
                        is.is_ascii_digit()
                    } else {
                        is == shape
                    }
                });
            let line = if timed { &line[STAMP.len()..] } else { line };
            pids(line)
        })
        .collect()
}

/// A message of supervisord's own log with its pids as `N`.
fn pids(line: &str) -> String {
    if let Some(victim) = line.strip_prefix("WARN killing '") {
        return format!("WARN killing '{}", numbers_after("' (", victim));
    }
    numbers_after("pid ", line)
}

/// The text without what supervisorctl appends to an error: where in Python it was raised.
#[must_use]
pub fn without_origin(text: &str) -> String {
    cut_lines(text, ": file: ")
}

/// The options that a help text explains: what stands before ` -- ` in the lines that begin
/// with a dash.
#[must_use]
pub fn options(help: &str) -> Vec<&str> {
    help.lines()
        .filter(|line| line.starts_with('-'))
        .filter_map(|line| Some(line.split_once(" -- ")?.0.trim_end()))
        .collect()
}

/// The text with each line ending where `tail` began in it.
fn cut_lines(text: &str, tail: &str) -> String {
    let mut out = String::new();
    for line in text.split_inclusive('\n') {
        match line.split_once(tail) {
            Some((head, _)) => {
                out.push_str(head);
                out.push('\n');
            }
            None => out.push_str(line),
        }
    }
    out
}

/// The shape of a time in supervisord's own log, digits as `0`.
const STAMP: &str = "0000-00-00 00:00:00,000 ";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_replaced_only_where_they_follow() {
        assert_eq!(
            numbers_after("pid ", "7 pid 12, pid x 3"),
            "7 pid N, pid x 3"
        );
    }

    #[test]
    fn a_status_loses_its_pid_and_uptime() {
        let line = "cat      RUNNING   pid 9353, uptime 0:00:49\ndog      STOPPED   Not started\n";
        assert_eq!(
            status(line),
            "cat      RUNNING   pid N\ndog      STOPPED   Not started\n"
        );
    }

    #[test]
    fn a_log_line_loses_its_time_and_only_if_it_has_one() {
        let text = "2026-11-24 09:10:03,123 INFO spawned: 'cat' with pid 77\nTraceback 2026\n";
        assert_eq!(
            log(text),
            ["INFO spawned: 'cat' with pid N", "Traceback 2026"]
        );
    }

    #[test]
    fn options_are_what_stands_before_the_dashes() {
        let help = "Options:\n-c/--conf FILE -- a file\n  -- more\n--long  -- x -- y\n";
        assert_eq!(options(help), ["-c/--conf FILE", "--long"]);
    }

    #[test]
    fn the_origin_of_a_python_error_is_cut() {
        let text = "error: <class 'X'>, text: file: /usr/a.py line: 7\nplain\n";
        assert_eq!(without_origin(text), "error: <class 'X'>, text\nplain\n");
    }
}
