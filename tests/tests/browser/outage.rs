//! The daemon is killed under an open page.

use minder_tests::browser::Manner;
use serde_json::json;

use crate::{LINES, Visit, row_in};

#[test]
fn a_page_outlives_the_daemon() {
    let programs = "[program:web]\ncommand=/bin/cat\nstartsecs=0\n[program:b]\ncommand=/bin/cat";
    let Some(visit) = Visit::begin(programs, Manner::default()) else {
        return;
    };
    let browser = &visit.browser;
    browser.wait_shown(&row_in("web", "RUNNING"));
    let pid = visit.daemon.pid_of("web");
    // The page stays: what was left in it is still there at the end.
    assert_eq!(browser.script("return window.mine = true"), true);
    for _ in 0..3 {
        visit.kill_daemon();
        visit.daemon.wait_ready();
    }
    assert_eq!(visit.daemon.ask("stopProcess", &["b".into()]), true.into());
    browser.wait_shown(&row_in("b", "STOPPED"));
    browser.wait_shown(".live[data-live=live]");
    assert_eq!(visit.daemon.pid_of("web"), pid);
    assert_eq!(browser.script("return window.mine"), true);
    assert!(browser.text(".facts").expect("facts").contains("replaced"));
}

#[test]
fn no_line_of_a_log_is_lost_or_doubled() {
    let programs = "[program:web]\ncommand=actor echo\nstartsecs=0";
    let Some(visit) = Visit::begin(programs, Manner::default()) else {
        return;
    };
    let browser = &visit.browser;
    visit.daemon.wait_state("web", "RUNNING");
    visit.go("process?name=web");
    browser.wait_shown(".out");
    let mut said = Vec::new();
    for round in 0..4 {
        for number in 0..5 {
            let line = format!("{round} {number}");
            visit.say("web", &line);
            said.push(line);
        }
        browser.wait_text(".out > div:last-child", said.last().expect("a line"));
        visit.kill_daemon();
        visit.daemon.wait_ready();
    }
    visit.say("web", "the end");
    said.push("the end".to_owned());
    browser.wait_text(".out > div:last-child", "the end");
    assert_eq!(browser.script(LINES), json!(said));
}
