//! The page about the daemon, with its own log.

use minder_tests::browser::Manner;
use minder_tests::{Daemon, Subject, wait_until};
use serde_json::{Value, json};

use crate::{LINES, Visit, WITHOUT};

/// A log that is rotated after some starts and stops.
const SMALL: &str = "[supervisord]\nlogfile_maxbytes=1500\nlogfile_backups=50\n\
                     [program:web]\ncommand=/bin/cat\nstartsecs=0";

/// Has the daemon write lines until its log has so many files beside the current one.
fn fill(daemon: &Daemon, files: u32) {
    let name = format!("supervisord.log.{files}");
    while !daemon.sandbox().path(&name).exists() {
        for method in ["stopProcess", "startProcess"] {
            assert_eq!(daemon.ask(method, &["web".into()]), true.into());
        }
    }
}

/// All lines of the log, through all its files.
fn written(daemon: &Daemon) -> Vec<String> {
    let sandbox = daemon.sandbox();
    let rotated = (1..).map(|number| format!("supervisord.log.{number}"));
    let mut names: Vec<_> = rotated
        .take_while(|name| sandbox.path(name).exists())
        .collect();
    names.reverse();
    names.push("supervisord.log".to_owned());
    let text: String = names.iter().map(|name| sandbox.read(name)).collect();
    text.lines().map(str::to_owned).collect()
}

#[test]
fn a_line_comes_live_and_is_searched_for() {
    let programs = "[program:web]\ncommand=/bin/cat\nstartsecs=0\nautostart=false";
    let Some(visit) = Visit::begin(programs, Manner::default()) else {
        return;
    };
    let browser = &visit.browser;
    browser.click(".bottom a[href=daemon]");
    browser.wait_text("h1", "Daemon");
    browser.wait_text(".facts", &visit.daemon.pid().to_string());
    browser.wait_text("[data-logstate]", "Following");
    let started = visit.daemon.ask("startProcess", &["web".into()]);
    assert_eq!(started, true.into());
    let spawned = format!("spawned: 'web' with pid {}", visit.daemon.pid_of("web"));
    browser.wait_text(".out", &spawned);

    browser.click("[data-do=pause]");
    let stopped = visit.daemon.ask("stopProcess", &["web".into()]);
    assert_eq!(stopped, true.into());
    browser.wait_text("[data-logstate]", "Paused, 2 new lines held");
    browser.click("[data-do=pause]");
    browser.wait_text(".out", "stopped: web");

    browser.type_into("[data-do=find]", "WITH PID");
    browser.wait_text(".out mark.now", "with pid");
    browser.type_into("[data-do=find]", "\u{e007}");
    browser.wait_text("[data-logstate]", "line");
    browser.wait_text(".out mark", "with pid");
    assert!(browser.address().contains("daemon?find=WITH+PID"));
}

#[test]
fn it_is_followed_through_rotations_and_a_crash_and_gone_back_in() {
    let Some(visit) = Visit::begin(SMALL, Manner::default()) else {
        return;
    };
    let browser = &visit.browser;
    visit.go("daemon");
    browser.wait_text("[data-logstate]", "Following");
    assert_eq!(browser.script("return window.mine = true"), true);
    let shows_all = || browser.script(LINES) == json!(written(&visit.daemon));
    fill(&visit.daemon, 2);
    wait_until("all lines are shown", shows_all);
    visit.kill_daemon();
    visit.daemon.wait_ready();
    fill(&visit.daemon, 4);
    wait_until("all lines are shown after a crash", shows_all);
    assert_eq!(browser.script("return window.mine"), true);
    let seams = "return [...document.querySelectorAll('.out > .seam:not([hidden])')].length";
    assert_eq!(browser.script(seams), 4);

    // Anew, only the last files are there, and what was before can be had.
    browser.reload();
    let back = "document.querySelector('[data-back]:not([hidden]) a')?.click()";
    wait_until("all lines are shown again", || {
        let _ = browser.script(back);
        shows_all()
    });
    wait_until("nothing is before them", || !browser.shows("[data-back]"));
    assert_eq!(browser.script(seams), 4);
    let options = "return document.querySelectorAll('[name=file] option').length";
    assert_eq!(browser.script(options), 5);
}

#[test]
fn it_works_without_a_script() {
    let Some(visit) = Visit::begin(SMALL, WITHOUT) else {
        return;
    };
    let browser = &visit.browser;
    fill(&visit.daemon, 1);
    visit.go("events");
    browser.click(".head a[href=daemon]");
    browser.wait_text("noscript", "This page does not update by itself");
    assert!(!browser.shows("[data-do=follow]"));
    // The first line of the file before, which is not in this one.
    browser.click("[data-back] a");
    let lines = written(&visit.daemon);
    browser.wait_text(".out", &lines[0]);
    assert!(browser.shows("[name=file] [value='1']:checked"));
    let place = browser.address();
    browser.click(".out .seam:last-child a");
    browser.wait_text(".out", lines.last().expect("a line"));

    // The link to that place leads there for as long as the file exists.
    browser.go(&place);
    browser.wait_text(".out", &lines[0]);
    visit.go("daemon?id=1&before=9");
    browser.wait_text(".out", "This is the end of the log.");

    browser.click("[name=file] [value='1']");
    browser.type_into("[name=find]", "STARTED WITH PID\u{e007}");
    browser.wait_text(".out mark", "started with pid");
    browser.wait_text("[data-logstate]", "1 line matches");
    visit.choose_dark();
    browser.wait_text("h1", "Daemon");
}

#[test]
fn a_log_that_cannot_be_read_is_said_to_be_one() {
    Subject::Minder.run(|subject| {
        for (logfile, said) in [
            (
                "/dev/null",
                "The log goes to /dev/null, which cannot be read",
            ),
            ("NONE", "No log is kept."),
            ("syslog", "The log goes to syslog"),
        ] {
            let daemon = Daemon::start(subject, &format!("[supervisord]\nlogfile={logfile}"));
            let get = |path: &str| {
                let mut connection = daemon.connect().expect("the daemon listens");
                connection
                    .get(path, "Accept: text/html\r\n")
                    .expect("it answers")
            };
            let page = get("/daemon");
            assert_eq!(page.status(), 200);
            assert!(page.text().contains(said), "{logfile}: {}", page.text());
            assert!(!page.text().contains("data-follows"), "{logfile}");
            assert_eq!(get("/raw?of=daemon").status(), 404, "{logfile}");
        }
    });
}

#[test]
fn a_line_without_an_end_is_not_asked_for_again_and_again() {
    let programs = "[program:web]\ncommand=/bin/cat\nstartsecs=0";
    let Some(visit) = Visit::begin(programs, Manner::default()) else {
        return;
    };
    let browser = &visit.browser;
    visit.daemon.wait_state("web", "RUNNING");
    let sent = visit
        .daemon
        .ask("sendProcessStdin", &["web".into(), "a question: ".into()]);
    assert_eq!(sent, true.into());
    visit.go("process?name=web");
    browser.wait_text(".out .partial", "a question:");
    // Each answer is one that was waited for: the one that brings the rest is the first.
    let asked = "return performance.getEntriesByType('resource')\
                 .filter((it) => it.name.includes('/lines?')).length";
    let before = browser.script(asked);
    visit.say("web", "the rest");
    browser.wait_text(".out", "a question: the rest");
    let after = browser.script(asked);
    let [before, after] = [before, after].map(|it| Value::as_u64(&it).expect("a number"));
    assert!(after <= before + 2, "{before} and then {after} requests");
    assert_eq!(browser.script(LINES), json!(["a question: the rest"]));
}
