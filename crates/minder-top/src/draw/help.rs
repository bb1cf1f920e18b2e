//! The help: what each key does.

/// Sections, each with its keys.
const KEYS: [(&str, &[(&str, &str)]); 4] = [
    (
        "Looking",
        &[
            ("↑ ↓ j k", "up, down; also PgUp PgDn Home End g G"),
            ("/", "show only what has these words in name or state"),
            (
                "N S T P M R",
                "sort by name, state, uptime, CPU, memory, restarts",
            ),
            ("< > I", "sort by another column; the other way round"),
            ("← → Enter", "fold and unfold a group"),
        ],
    ),
    (
        "Doing",
        &[
            ("space a u", "mark one, all that are shown, none"),
            ("s x r", "start, stop, restart what is marked, or this one"),
            ("K", "send a signal"),
            ("c", "empty the logs"),
        ],
    ),
    (
        "Logs",
        &[
            (
                "l Enter",
                "show the log; Enter goes into it, Tab changes sides",
            ),
            ("o z", "the other of stdout and stderr; the whole screen"),
            ("p w", "in it: hold or follow; cut long lines or not"),
            ("Esc", "close it"),
        ],
    ),
    (
        "",
        &[
            ("? q", "this; the end (also Ctrl-C)"),
            ("Ctrl-L Ctrl-Z", "draw anew; back to the shell for a while"),
        ],
    ),
];

/// How wide the keys stand.
const WIDTH: usize = 13;

/// The lines of the help: what is written in front, and what behind it.
pub(crate) fn lines() -> impl Iterator<Item = (String, &'static str)> {
    KEYS.into_iter().flat_map(|(title, keys)| {
        let title = (title.to_owned(), "");
        let keys = keys
            .iter()
            .map(|(key, what)| (format!("  {key:WIDTH$} "), *what));
        std::iter::once(title).chain(keys)
    })
}
