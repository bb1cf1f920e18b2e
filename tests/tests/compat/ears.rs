//! Listeners for the cases about events: one that hears everything, and one that says, byte for
//! byte, what a case wants.

use std::fs::File;
use std::io::Write;
use std::process::Command;

use minder_tests::{Daemon, Sandbox, Subject, normal};

/// The section of a listener called `ear`, which answers each event with `OK` and keeps it in the
/// file `heard`.
pub(crate) fn ear(events: &str) -> String {
    format!(
        "[eventlistener:ear]\ncommand=actor listen %(here)s/heard\nevents={events}\nstartsecs=0\n\
         buffer_size=100\n"
    )
}

/// A daemon with an [`ear`] and `more`, once the ear has begun.
pub(crate) fn listening(subject: Subject, events: &str, more: &str) -> Daemon {
    let daemon = Daemon::start(subject, &format!("{}{more}", ear(events)));
    daemon.wait_state("ear", "RUNNING");
    daemon
}

/// The file `heard`, each header on a line of its own: events follow each other without one.
fn text(daemon: &Daemon) -> String {
    let text = daemon.sandbox().read("heard");
    text.replace("ver:3.0 ", "\nver:3.0 ")
        .trim_start()
        .to_owned()
}

/// What was heard: event name and payload in a line, pids as `N`.
pub(crate) fn heard(daemon: &Daemon) -> Vec<String> {
    let text = normal::numbers_after("pid:", &text(daemon));
    let mut out: Vec<String> = Vec::new();
    for line in text.lines() {
        if let Some((_, rest)) = line.split_once(" eventname:") {
            out.push(rest.split(' ').next().unwrap_or_default().to_owned());
        } else {
            let event = out.last_mut().expect("a header comes first");
            event.push(' ');
            event.push_str(line);
        }
    }
    out.iter()
        .map(|event| event.trim_end().to_owned())
        .collect()
}

/// What was heard of one process.
pub(crate) fn heard_of(daemon: &Daemon, process: &str) -> Vec<String> {
    let name = format!("processname:{process} ");
    let mut heard = heard(daemon);
    heard.retain(|event| event.contains(&name));
    heard
}

/// The value of `key` in each header that was heard.
pub(crate) fn headers(daemon: &Daemon, key: &str) -> Vec<String> {
    let start = format!("{key}:");
    text(daemon)
        .lines()
        .filter(|line| line.starts_with("ver:"))
        .filter_map(|line| line.split(' ').find_map(|word| word.strip_prefix(&start)))
        .map(str::to_owned)
        .collect()
}

/// Sends an event that listeners to `REMOTE_COMMUNICATION` hear.
pub(crate) fn send(daemon: &Daemon, data: &str) {
    let sent = daemon.ask("sendRemoteCommEvent", &["t".into(), data.into()]);
    assert_eq!(sent, true.into());
}

/// A listener called `ear` that says what a case wants, and keeps what it is sent in `heard`.
pub(crate) struct Puppet {
    pub(crate) daemon: Daemon,
    mouth: File,
}

impl Puppet {
    /// Starts it, with `options` of its own and `more` of the configuration. It hears
    /// `REMOTE_COMMUNICATION` unless the options say something else.
    pub(crate) fn start(subject: Subject, options: &str, more: &str) -> Self {
        let sandbox = Sandbox::configured(
            subject,
            &format!(
                "[supervisord]\nloglevel=debug\n[eventlistener:ear]\n\
                 command=sh -c \"exec 3<&0; cat <&3 >>%(here)s/heard & exec cat %(here)s/mouth\"\n\
                 events=REMOTE_COMMUNICATION\nstartsecs=0\n{options}\n{more}"
            ),
        );
        let path = sandbox.path("mouth");
        let made = Command::new("mkfifo").arg(&path).status();
        assert!(made.is_ok_and(|status| status.success()), "mkfifo fails");
        // For both, because opening one end would wait for the other.
        let mouth = File::options().read(true).write(true).open(path);
        let daemon = Daemon::start_in(sandbox);
        daemon.wait_state("ear", "RUNNING");
        Self {
            daemon,
            mouth: mouth.expect("a pipe can be opened"),
        }
    }

    /// Lets the listener write `text` in one piece.
    pub(crate) fn say(&mut self, text: &str) {
        self.mouth.write_all(text.as_bytes()).expect("room in it");
    }

    /// Waits until the daemon's log tells of `text` for the `count`th time.
    pub(crate) fn wait_log(&self, text: &str, count: usize) {
        minder_tests::wait_until(&format!("{text:?} is logged {count} times"), || {
            self.daemon
                .sandbox()
                .read("supervisord.log")
                .matches(text)
                .count()
                >= count
        });
    }

    /// Lets the listener say that it is ready, and waits until the daemon has understood.
    pub(crate) fn ready(&mut self) {
        let before = self.daemon.sandbox().read("supervisord.log");
        let text = "ear: ACKNOWLEDGED -> READY";
        self.say("READY\n");
        self.wait_log(text, before.matches(text).count() + 1);
    }
}
