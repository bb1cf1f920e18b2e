//! File patterns as Python's `glob.glob` understands them, for `[include] files`.
//!
//! `*`, `?` and `[…]` match within one name; `**` is no more than `*`; names that begin with a dot
//! are matched only by patterns that do. Written here because the order, the spelling of the
//! results and the odd cases are visible to users.

use std::fs;
use std::path::{Path, PathBuf};

/// The paths that match `pattern`, unordered. A pattern without wildcards matches itself if it
/// exists.
#[must_use]
pub(crate) fn glob(pattern: &str) -> Vec<PathBuf> {
    let (directory, name) = split(pattern);
    if !has_wildcards(pattern) {
        let exists = if name.is_empty() {
            Path::new(directory).is_dir()
        } else {
            Path::new(pattern).symlink_metadata().is_ok()
        };
        return if exists {
            vec![pattern.into()]
        } else {
            Vec::new()
        };
    }
    let directories = if directory != pattern && has_wildcards(directory) {
        glob(directory)
    } else {
        vec![directory.into()]
    };
    directories
        .iter()
        .flat_map(|directory| matches_in(directory, name))
        .collect()
}

/// A pattern's directory, without the slashes behind it, and its last name.
fn split(pattern: &str) -> (&str, &str) {
    let cut = pattern.rfind('/').map_or(0, |slash| slash + 1);
    let (directory, name) = pattern.split_at(cut);
    let bare = directory.trim_end_matches('/');
    (if bare.is_empty() { directory } else { bare }, name)
}

fn has_wildcards(pattern: &str) -> bool {
    pattern.contains(['*', '?', '['])
}

fn matches_in(directory: &Path, name: &str) -> Vec<PathBuf> {
    if name.is_empty() {
        return if directory.is_dir() {
            vec![directory.join("")]
        } else {
            Vec::new()
        };
    }
    if !has_wildcards(name) {
        let path = directory.join(name);
        return if path.symlink_metadata().is_ok() {
            vec![path]
        } else {
            Vec::new()
        };
    }
    let place = if directory.as_os_str().is_empty() {
        Path::new(".")
    } else {
        directory
    };
    let Ok(entries) = fs::read_dir(place) else {
        return Vec::new();
    };
    let pattern = Pattern::new(name);
    entries
        .filter_map(Result::ok)
        .map(|entry| entry.file_name())
        .filter(|entry| {
            let entry = entry.to_string_lossy();
            (name.starts_with('.') || !entry.starts_with('.')) && pattern.matches(&entry)
        })
        .map(|entry| directory.join(entry))
        .collect()
}

/// A pattern for one name.
struct Pattern(Vec<Part>);

enum Part {
    Char(char),
    Any,
    AnyMany,
    Class { negated: bool, items: Vec<Item> },
}

enum Item {
    One(char),
    Range(char, char),
}

impl Pattern {
    fn new(text: &str) -> Self {
        let chars: Vec<char> = text.chars().collect();
        let mut parts = Vec::new();
        let mut at = 0;
        while let Some(c) = chars.get(at) {
            at += 1;
            parts.push(match c {
                '*' => Part::AnyMany,
                '?' => Part::Any,
                '[' => match class(&chars[at..]) {
                    Some((class, length)) => {
                        at += length;
                        class
                    }
                    None => Part::Char('['),
                },
                c => Part::Char(*c),
            });
        }
        Self(parts)
    }

    fn matches(&self, name: &str) -> bool {
        let name: Vec<char> = name.chars().collect();
        let (mut part, mut at) = (0, 0);
        // Where to go on if what follows the last star does not match: the star takes one more.
        let mut retry = None;
        loop {
            match (self.0.get(part), name.get(at)) {
                (Some(Part::AnyMany), _) => {
                    retry = Some((part, at));
                    part += 1;
                    continue;
                }
                (None, None) => return true,
                (Some(one), Some(c)) if one.matches(*c) => {
                    part += 1;
                    at += 1;
                    continue;
                }
                _ => {}
            }
            match retry {
                Some((star, taken)) if taken < name.len() => {
                    retry = Some((star, taken + 1));
                    part = star + 1;
                    at = taken + 1;
                }
                _ => return false,
            }
        }
    }
}

impl Part {
    fn matches(&self, c: char) -> bool {
        match self {
            Self::Char(own) => *own == c,
            Self::Any => true,
            Self::AnyMany => false,
            Self::Class { negated, items } => {
                let listed = items.iter().any(|item| match item {
                    Item::One(own) => *own == c,
                    Item::Range(first, last) => (*first..=*last).contains(&c),
                });
                listed != *negated
            }
        }
    }
}

/// The class behind an opening bracket and how many characters it takes, closing bracket
/// included; `None` if nothing closes it.
fn class(chars: &[char]) -> Option<(Part, usize)> {
    let negated = chars.first() == Some(&'!');
    let start = usize::from(negated);
    // A closing bracket that comes first stands for itself.
    let end = (start + 1..chars.len()).find(|i| chars[*i] == ']')?;
    let mut items = Vec::new();
    let mut at = start;
    while at < end {
        if at + 2 < end && chars[at + 1] == '-' {
            items.push(Item::Range(chars[at], chars[at + 2]));
            at += 3;
        } else {
            items.push(Item::One(chars[at]));
            at += 1;
        }
    }
    Some((Part::Class { negated, items }, end + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_match_as_in_python() {
        for (pattern, matching, other) in [
            (
                "*.conf",
                &["a.conf", ".conf", "b.c.conf"][..],
                &["a.con"][..],
            ),
            ("a?c", &["abc", "aéc"], &["ac", "abbc"]),
            ("[ab]x", &["ax", "bx"], &["cx"]),
            ("[!ab]x", &["cx", "!x"], &["ax"]),
            ("[a-c]x", &["bx"], &["dx", "-x"]),
            ("[a-]x", &["ax", "-x"], &["bx"]),
            ("[-a]x", &["ax", "-x"], &["bx"]),
            ("[c-a]x", &[], &["ax", "bx", "-x"]),
            ("[]]x", &["]x"], &["x"]),
            ("[!]]x", &["ax"], &["]x"]),
            ("[x", &["[x"], &["x"]),
            ("[[]x", &["[x"], &["x"]),
            ("**", &["", "ab"], &[]),
            ("a*b*c", &["abc", "axbxbc"], &["acb"]),
            ("[^a]", &["^", "a"], &["b"]),
        ] {
            let compiled = Pattern::new(pattern);
            for name in matching {
                assert!(compiled.matches(name), "{pattern} {name}");
            }
            for name in other {
                assert!(!compiled.matches(name), "{pattern} {name}");
            }
        }
    }

    #[test]
    fn results_are_spelled_as_the_pattern_was() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        fs::create_dir_all(root.join("d/e")).unwrap();
        for file in ["a.conf", "b.conf", ".c.conf", "d/x.conf", "d/e/y.conf"] {
            fs::write(root.join(file), "").unwrap();
        }
        let found = |pattern: &str| {
            let mut found: Vec<String> = glob(&format!("{}/{pattern}", root.display()))
                .iter()
                .map(|path| {
                    let path = path.to_str().unwrap();
                    path.strip_prefix(root.to_str().unwrap())
                        .unwrap()
                        .to_owned()
                })
                .collect();
            found.sort();
            found
        };
        assert_eq!(found("*.conf"), ["/a.conf", "/b.conf"]);
        assert_eq!(found(".*.conf"), ["/.c.conf"]);
        assert_eq!(found("./d/../a.conf"), ["/./d/../a.conf"]);
        assert_eq!(found("*/*.conf"), ["/d/x.conf"]);
        assert_eq!(found("**/*.conf"), ["/d/x.conf"]);
        assert_eq!(found("*/x.conf"), ["/d/x.conf"]);
        assert_eq!(found("*/"), ["/d/"]);
        assert_eq!(found("none*"), [""; 0]);
        assert_eq!(found("none"), [""; 0]);
    }
}
