//! What completes the word at the cursor.

use minder_rpc::Value;

use crate::process::text;
use crate::verbs;

/// What a verb's arguments are the names of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Arguments {
    /// Nothing that could be completed.
    Free,
    /// Verbs.
    Verbs,
    /// Groups.
    Groups,
    /// Processes, and `group:*`.
    Processes,
}

/// A process that the server knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Known {
    pub(crate) group: String,
    pub(crate) name: String,
}

impl Known {
    /// The process that an element of `getAllProcessInfo` tells of.
    pub(crate) fn from_value(value: &Value) -> Option<Self> {
        Some(Self {
            group: text(value, "group")?,
            name: text(value, "name")?,
        })
    }
}

/// Where the word begins that `before`, the line up to the cursor, ends in.
pub(crate) fn word_start(before: &str) -> usize {
    // Readline's delimiters, without the three that occur in names: `:`, `*` and `-`.
    let delimiter = |c: char| " \t\n`~!@#$%^&()=+[{]}\\|;'\",<>/?".contains(c);
    before.rfind(delimiter).map_or(0, |last| last + 1)
}

/// What `word` on `line` may become, each with the blank that follows it.
pub(crate) fn candidates<'a>(
    line: &str,
    word: &str,
    known: impl FnOnce() -> &'a [Known],
) -> Vec<String> {
    let names = match arguments(line) {
        Arguments::Free => Vec::new(),
        Arguments::Verbs => verbs::vocabulary().map(ToOwned::to_owned).collect(),
        Arguments::Groups => groups(known()),
        Arguments::Processes => processes(known(), word),
    };
    names
        .into_iter()
        .filter(|name| name.starts_with(word))
        .map(|name| name + " ")
        .collect()
}

fn arguments(line: &str) -> Arguments {
    let mut words = line.split_whitespace();
    let Some(action) = words.next() else {
        return Arguments::Verbs;
    };
    if words.next().is_none() && !line.ends_with(' ') {
        return Arguments::Verbs;
    }
    verbs::find(action).map_or(Arguments::Free, |verb| verb.arguments)
}

fn groups(known: &[Known]) -> Vec<String> {
    let mut groups = Vec::new();
    for process in known {
        if !groups.contains(&process.group) {
            groups.push(process.group.clone());
        }
    }
    groups
}

/// A process that is a group of its own is offered by its short name, until a colon is typed.
fn processes(known: &[Known], word: &str) -> Vec<String> {
    let mut names = Vec::new();
    for Known { group, name } in known {
        if group == name && !word.contains(':') {
            names.push(name.clone());
            continue;
        }
        names.push(format!("{group}:{name}"));
        let all = format!("{group}:*");
        if !names.contains(&all) {
            names.push(all);
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offered(line: &str) -> Vec<String> {
        let known = [("cat", "cat"), ("web", "w0"), ("web", "w1")].map(|(group, name)| Known {
            group: group.to_owned(),
            name: name.to_owned(),
        });
        candidates(line, &line[word_start(line)..], || &known)
    }

    #[test]
    fn an_empty_line_offers_all_24_words() {
        let all = offered("");
        assert_eq!(all.len(), 24);
        assert!(all.contains(&"help ".to_owned()));
        assert!(!all.contains(&"EOF ".to_owned()));
    }

    #[test]
    fn a_first_word_is_completed_to_a_verb() {
        assert_eq!(offered("ver"), ["version "]);
        assert_eq!(offered("help ver"), ["version "]);
        assert_eq!(offered("re"), ["reload ", "remove ", "reread ", "restart "]);
    }

    #[test]
    fn processes_are_offered_with_their_group_as_a_whole() {
        assert_eq!(offered("status "), ["cat ", "web:w0 ", "web:* ", "web:w1 "]);
        assert_eq!(offered("status web:w"), ["web:w0 ", "web:w1 "]);
        assert_eq!(offered("tail -f c"), ["cat "]);
    }

    #[test]
    fn a_colon_offers_a_lone_process_by_its_group() {
        assert_eq!(offered("start cat:"), ["cat:cat ", "cat:* "]);
    }

    #[test]
    fn groups_are_offered_once() {
        assert_eq!(offered("update "), ["cat ", "web "]);
    }

    #[test]
    fn what_takes_no_names_or_is_no_verb_offers_nothing() {
        assert_eq!(offered("version "), [""; 0]);
        assert_eq!(offered("nonsense "), [""; 0]);
    }

    #[test]
    fn a_word_may_hold_colons_stars_and_hyphens() {
        assert_eq!(word_start("stop a-b:*"), 5);
        assert_eq!(word_start("stop a/b"), 7);
    }
}
