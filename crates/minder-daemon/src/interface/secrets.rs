//! What must not be seen: values of variables that are named like secrets, and passwords in URLs.

use minder_page::process::MASK;

/// Parts of the names of variables whose values are secrets.
const NAMES: [&str; 6] = ["PASS", "SECRET", "TOKEN", "KEY", "CREDENTIAL", "DSN"];

/// The value of a variable, as it may be seen.
pub(super) fn variable(name: &str, value: &str) -> String {
    let name = name.to_uppercase();
    if NAMES.iter().any(|part| name.contains(part)) && !value.is_empty() {
        MASK.to_owned()
    } else {
        urls(value)
    }
}

/// A text whose URLs have lost their passwords.
pub(super) fn urls(text: &str) -> String {
    let mut seen = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, behind) = rest.split_at(at + "://".len());
        seen.push_str(before);
        // The part that may hold a name and a password ends where the host's does.
        let is_end =
            |it: char| matches!(it, '/' | '?' | '#' | '"' | '\'' | ',') || it.is_whitespace();
        let (authority, behind) = behind.split_at(behind.find(is_end).unwrap_or(behind.len()));
        match authority
            .rsplit_once('@')
            .and_then(|(user, host)| Some((user.split_once(':')?, host)))
        {
            Some(((user, _), host)) => {
                for part in [user, ":", MASK, "@", host] {
                    seen.push_str(part);
                }
            }
            None => seen.push_str(authority),
        }
        rest = behind;
    }
    seen.push_str(rest);
    seen
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_not_seen() {
        for (name, value, seen) in [
            ("SECRET_KEY", "abc", MASK),
            ("db_password", "x", MASK),
            ("SENTRY_DSN", "https://a@b/1", MASK),
            ("EMPTY_TOKEN", "", ""),
            ("LANG", "zh_CN.UTF-8", "zh_CN.UTF-8"),
            (
                "DB",
                "postgresql://me:pw@h:1/d",
                "postgresql://me:••••••@h:1/d",
            ),
            ("DB", "redis://:p@ss@h/0", "redis://:••••••@h/0"),
            ("DB", "http://h:80/a@b:c", "http://h:80/a@b:c"),
            ("DB", "a://u:1@x b://v:2@y", "a://u:••••••@x b://v:••••••@y"),
            ("DB", "://", "://"),
        ] {
            assert_eq!(variable(name, value), seen, "{name}={value}");
        }
    }
}
