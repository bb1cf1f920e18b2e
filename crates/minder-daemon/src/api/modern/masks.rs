//! Keeping secrets out of what is shown.

/// What is shown in place of a secret, whatever its length is.
const MASK: &str = "\u{2022}\u{2022}\u{2022}\u{2022}\u{2022}\u{2022}";

/// What the names of secrets have in them.
const WORDS: [&str; 6] = ["PASS", "SECRET", "TOKEN", "KEY", "CREDENTIAL", "DSN"];

/// The value of the variable `name` as it may be shown, and whether something is masked.
pub(crate) fn variable(name: &str, value: &str) -> (String, bool) {
    let name = name.to_ascii_uppercase();
    if WORDS.iter().any(|word| name.contains(word)) {
        return (MASK.to_owned(), true);
    }
    let shown = without_passwords(value);
    let masked = shown != value;
    (shown, masked)
}

/// A text in which the passwords in URLs (`scheme://user:password@host`) are masked.
pub(crate) fn without_passwords(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, behind) = rest.split_at(at + 3);
        shown.push_str(before);
        let ends = |letter: char| letter.is_whitespace() || "/?#\"'<>".contains(letter);
        let authority = behind.find(ends).map_or(behind, |end| &behind[..end]);
        let password = authority.rfind('@').and_then(|host| {
            let begin = authority[..host].find(':')? + 1;
            Some((begin, host))
        });
        // What has no password may have the beginning of another URL in it.
        let (begin, end) = password.unwrap_or((0, 0));
        if begin < end {
            shown.push_str(&behind[..begin]);
            shown.push_str(MASK);
        } else {
            shown.push_str(&behind[..end]);
        }
        rest = &behind[end..];
    }
    shown.push_str(rest);
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_sounds_like_a_secret_is_not_shown() {
        for (name, value, shown) in [
            ("DB_PASSWORD", "x", MASK),
            ("api_key", "", MASK),
            ("SENTRY_DSN", "https://a@b", MASK),
            ("HOME", "/root", "/root"),
            (
                "URL",
                "postgres://u:p%40@h:5/d",
                &format!("postgres://u:{MASK}@h:5/d"),
            ),
            (
                "URL",
                "http://u:p@h http://u:q@i",
                &format!("http://u:{MASK}@h http://u:{MASK}@i"),
            ),
            ("URL", "redis://:p@h", &format!("redis://:{MASK}@h")),
            ("URL", "a://u:p@q@h", &format!("a://u:{MASK}@h")),
            ("URL", "http://u@h:80/a:b@c", "http://u@h:80/a:b@c"),
            ("URL", "http://h:80", "http://h:80"),
            ("URL", "://", "://"),
            ("URL", "a://b://u:p@h", &format!("a://b://u:{MASK}@h")),
            ("TEXT", "p:q@r", "p:q@r"),
        ] {
            assert_eq!(
                variable(name, value),
                (shown.to_owned(), shown != value),
                "{name}={value}"
            );
        }
    }
}
