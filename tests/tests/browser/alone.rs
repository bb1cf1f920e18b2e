//! Without a script, everything but what moves by itself works as well.

use crate::{Visit, WITHOUT, row, row_in};

#[test]
fn a_process_is_stopped_without_a_script() {
    let programs = "[program:web]\ncommand=/bin/cat\nstartsecs=0";
    let Some(visit) = Visit::begin(programs, WITHOUT) else {
        return;
    };
    let browser = &visit.browser;
    visit.daemon.wait_state("web", "RUNNING");
    browser.reload();
    browser.wait_text("noscript", "This page does not update by itself");
    browser.click(&format!("{} [name=stop]", row("web")));
    browser.wait_text("h1", "Stop web?");
    visit.daemon.wait_state("web", "RUNNING");
    browser.click("#question .danger");
    browser.wait_shown(&row_in("web", "STOPPED"));

    // An old link asks, where it once did at once what it says.
    visit.go("index.html?action=start&processname=web");
    browser.wait_text("h1", "Start web?");
    visit.daemon.wait_state("web", "STOPPED");
    browser.click("#question .danger");
    browser.wait_shown(&row_in("web", "RUNNING"));
}

#[test]
fn logs_filters_and_looks_work_without_a_script() {
    let programs = "[program:web]\ncommand=actor out one out two wait\nstartsecs=0\n\
                    [program:mail]\ncommand=/bin/cat";
    let Some(visit) = Visit::begin(programs, WITHOUT) else {
        return;
    };
    let browser = &visit.browser;
    visit.daemon.wait_state("web", "RUNNING");
    browser.type_into("[name=q]", "web\u{e007}");
    browser.wait_shown(&row("web"));
    assert!(!browser.shows(&row("mail")));
    browser.click(&format!("{} .acts a", row("web")));
    browser.wait_text(".out", "two");
    browser.type_into("[name=find]", "TWO\u{e007}");
    browser.wait_text(".out mark", "two");
    visit.choose_dark();
}

#[test]
fn a_search_goes_back_through_older_files_without_a_script() {
    let programs = "[program:web]\ncommand=/bin/cat\nstartsecs=0\nstdout_logfile=%(here)s/web.log";
    let Some(visit) = Visit::begin(programs, WITHOUT) else {
        return;
    };
    let browser = &visit.browser;
    visit.daemon.wait_state("web", "RUNNING");
    let sandbox = visit.daemon.sandbox();
    sandbox.write("web.log.1", "a needle\n");
    sandbox.write("web.log.2", "an older Needle\n");
    visit.go("process?name=web");
    browser.type_into("[name=find]", "NEEDLE\u{e007}");
    browser.wait_text(".out mark", "needle");
    assert!(browser.shows("[name=file] [value='1']:checked"));
    browser.click(".out .seam a[href*=find]");
    browser.wait_text(".out mark", "Needle");
    assert!(browser.shows("[name=file] [value='2']:checked"));
    browser.click(".out .seam:last-child a");
    browser.wait_shown("[name=file] [value='0']:checked");

    // Nobody is led to an empty page by a button that can do nothing yet.
    visit.go("");
    browser.click(".bulk [name=stop]");
    browser.wait_text(".notice", "Nothing is selected");
    browser.wait_shown(&row_in("web", "RUNNING"));
}
