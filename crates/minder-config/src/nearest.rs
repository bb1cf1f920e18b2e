//! The known name that somebody most likely meant.

/// The candidate nearest to `name`, if it is near enough to be what was meant: at most one edit
/// for every three characters.
pub(crate) fn nearest<'a, S: AsRef<str>>(name: &str, candidates: &'a [S]) -> Option<&'a str> {
    let enough = name.chars().count().div_ceil(3);
    candidates
        .iter()
        .map(AsRef::as_ref)
        .map(|candidate| (distance(name, candidate), candidate))
        .filter(|(distance, _)| *distance <= enough)
        .min()
        .map(|(_, candidate)| candidate)
}

/// How many characters must be changed, added, removed or swapped with their neighbour.
fn distance(a: &str, b: &str) -> usize {
    let a: Vec<char> = a.chars().collect();
    let b: Vec<char> = b.chars().collect();
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let changed = last[j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut edits = changed.min(last[j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                edits = edits.min(before_last[j - 2] + 1);
            }
            row.push(edits);
        }
        before_last = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_finger_is_one_edit() {
        for (a, b, edits) in [
            ("command", "command", 0),
            ("comand", "command", 1),
            ("commmand", "command", 1),
            ("cmomand", "command", 1),
            ("", "abc", 3),
            ("autostart", "autorestart", 2),
        ] {
            assert_eq!(distance(a, b), edits, "{a} {b}");
        }
    }

    #[test]
    fn what_is_near_nothing_is_no_slip() {
        let names = ["command", "user", "umask"];
        assert_eq!(nearest("comand", &names), Some("command"));
        assert_eq!(nearest("usr", &names), Some("user"));
        assert_eq!(nearest("loglevel", &names), None);
    }
}
