//! How the pages look.
//!
//! Elements, classes and links are those of Supervisor's pages, since people have programs read
//! them: each process begins a line of its own, for `grep`, and all is well-formed XML. Nothing
//! here is a script or a style, and none would be obeyed.

use std::fmt::{self, Display, Write as _};

use minder_rpc::{ProcessInfo, ProcessState};

use super::quoted;

/// What the status page shows.
pub(super) struct Status<'a> {
    pub(super) message: Option<&'a str>,
    pub(super) processes: &'a [ProcessInfo],
    pub(super) version: &'a str,
    pub(super) identifier: &'a str,
}

/// A text between tags, where it stays a text whatever it holds.
///
/// What else could be escaped is harmless there, and stays as those expect it who search a page
/// for a line of a log.
struct Text<'a>(&'a str);

impl Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            match c {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                _ => f.write_char(c)?,
            }
        }
        Ok(())
    }
}

/// The status page.
pub(super) fn status(page: &Status<'_>) -> String {
    let message = match page.message {
        Some(message) => format!(r#"<div class="status_msg">{}</div>"#, Text(message)),
        None => r#"<div class="hidden">#</div>"#.to_owned(),
    };
    let processes = if page.processes.is_empty() {
        "No programs to manage\n".to_owned()
    } else {
        table(page.processes)
    };
    let (version, identifier) = (Text(page.version), Text(page.identifier));
    format!(
        r#"<!DOCTYPE html>
<html>
<head>
<meta charset="utf-8" />
<title>Supervisor Status</title>
<link href="stylesheets/supervisor.css" rel="stylesheet" type="text/css" />
<link href="images/icon.png" rel="icon" type="image/png" />
</head>
<body>
<div id="wrapper">
<div id="header">
<img alt="Supervisor status" src="images/supervisor.gif" />
</div>
<div>
{message}
<form action="index.html" method="post">
<ul class="clr" id="buttons">
<li class="action-button"><a href="index.html?action=refresh">Refresh</a></li>
<li class="action-button"><a href="index.html?action=restartall">Restart All</a></li>
<li class="action-button"><a href="index.html?action=stopall">Stop All</a></li>
</ul>
{processes}</form>
</div>
<div class="push"></div>
</div>
<div class="clr" id="footer">
<div class="left"><a href="http://supervisord.org">Supervisor</a> <span>{version}</span></div>
<div class="right"><span>{identifier}</span> <strong>Minder, in place of Supervisor</strong></div>
</div>
</body>
</html>
"#
    )
}

fn table(processes: &[ProcessInfo]) -> String {
    let rows: String = processes
        .iter()
        .zip(["", "shade"].into_iter().cycle())
        .map(|(process, class)| row(process, class))
        .collect();
    format!(
        r#"<table cellspacing="0">
<thead>
<tr>
<th class="state">State</th>
<th class="desc">Description</th>
<th class="name">Name</th>
<th class="action">Action</th>
</tr>
</thead>
<tbody>
{rows}</tbody>
</table>
"#
    )
}

fn row(process: &ProcessInfo, class: &str) -> String {
    let name = process.full_name();
    let state = process.state.name().to_lowercase();
    let state_class = state_class(process.state);
    let actions = actions(process.state, &name);
    let (address, name) = (quoted(&name), Text(&name));
    let description = Text(&process.description);
    format!(
        r#"<tr class="{class}">
<td class="status"><span class="{state_class}">{state}</span></td>
<td><span>{description}</span></td>
<td><a href="tail.html?processname={address}" target="_blank">{name}</a></td>
<td class="action">
<ul>
{actions}</ul>
</td>
</tr>
"#
    )
}

fn state_class(state: ProcessState) -> &'static str {
    match state {
        ProcessState::Running => "statusrunning",
        ProcessState::Fatal | ProcessState::Backoff => "statuserror",
        ProcessState::Stopped
        | ProcessState::Starting
        | ProcessState::Stopping
        | ProcessState::Exited
        | ProcessState::Unknown => "statusnominal",
    }
}

/// Always five, so that the columns stay where they are.
fn actions(state: ProcessState, name: &str) -> String {
    let name = quoted(name);
    let action = |label, action| {
        let address = format!("index.html?processname={name}&amp;action={action}");
        format!("<li><a href=\"{address}\" name=\"{label}\">{label}</a></li>\n")
    };
    let log = |label, channel| {
        let address = format!("logtail/{name}{channel}");
        format!("<li><a href=\"{address}\" name=\"{label}\" target=\"_blank\">{label}</a></li>\n")
    };
    let nothing = || "<li><a class=\"hidden\" href=\"#\" name=\"#\">Action</a></li>\n".to_owned();
    let (first, second) = match state {
        ProcessState::Running => (action("Restart", "restart"), action("Stop", "stop")),
        ProcessState::Stopped | ProcessState::Exited | ProcessState::Fatal => {
            (action("Start", "start"), nothing())
        }
        ProcessState::Starting
        | ProcessState::Backoff
        | ProcessState::Stopping
        | ProcessState::Unknown => (nothing(), nothing()),
    };
    [
        first,
        second,
        action("Clear Log", "clearlog"),
        log("Tail -f Stdout", ""),
        log("Tail -f Stderr", "/stderr"),
    ]
    .concat()
}

/// The page that shows `log`, the last `limit` bytes that `process` has written.
pub(super) fn tail(process: Option<&str>, limit: i64, log: &str) -> String {
    let refresh = process.map(|process| {
        let address = format!(
            "tail.html?processname={}&amp;limit={limit}",
            quoted(process)
        );
        let button = r#"<input name="refresh" type="button" value=" Refresh " />"#;
        format!("<a href=\"{address}\">\n{button}\n</a>\n")
    });
    let refresh = refresh.unwrap_or_default();
    let (process, log) = (Text(process.unwrap_or("None")), Text(log));
    format!(
        r#"<!DOCTYPE html>
<html>
<head>
<meta charset="utf-8" />
<title>Supervisor tail of process {process}</title>
</head>
<body>
<div>
<pre>{log}</pre>
<form action="index.html" method="POST">
<div>
{refresh}</div>
</form>
</div>
</body>
</html>
"#
    )
}
