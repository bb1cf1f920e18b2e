//! Small screens, another language, and whoever does not see well.

use minder_tests::browser::Manner;
use minder_tests::subject::axe;
use serde_json::json;

use crate::{Visit, row, row_in};

const PROGRAMS: &str = "[program:web]\ncommand=/bin/cat\nstartsecs=0\n\
    [program:worker]\ncommand=actor out '\u{1b}[33mlog\u{1b}[0m' echo\nnumprocs=2\nstartsecs=0\n\
    process_name=%(program_name)s_%(process_num)02d\nenvironment=API_KEY=\"hush\"\n\
    [program:bad]\ncommand=actor err 'cannot' exit 1\nstartretries=0\n\
    [program:idle]\ncommand=/bin/cat\nautostart=false";

#[test]
fn a_phone_shows_it_all_without_scrolling_sideways() {
    let Some(visit) = Visit::begin(PROGRAMS, Manner::default()) else {
        return;
    };
    let browser = &visit.browser;
    visit.daemon.wait_state("bad", "FATAL");
    browser.resize(390, 844);
    for page in ["", "process?name=web", "events", "configuration", "daemon"] {
        visit.go(page);
        browser.wait_shown("h1");
        let wide =
            "const page = document.documentElement; return page.scrollWidth - page.clientWidth";
        assert_eq!(browser.script(wide), 0, "{page} is too wide");
    }
    // Rows have no buttons there: one ticks, and acts below.
    visit.go("");
    browser.wait_shown(&row_in("web", "RUNNING"));
    assert!(!browser.shows(&format!("{} [name=stop]", row("web"))));
    browser.click(&format!("{} [name=p]", row("web")));
    browser.click(".bulk [name=stop]");
    browser.wait_text("#ask", "Stop web?");
    browser.click("#ask .danger");
    browser.wait_shown(&row_in("web", "STOPPED"));
}

#[test]
fn it_speaks_chinese_to_who_asks_for_it_and_who_chooses_it() {
    let chinese = Manner {
        languages: "zh-CN,zh",
        ..Manner::default()
    };
    let Some(visit) = Visit::begin(PROGRAMS, chinese) else {
        return;
    };
    let browser = &visit.browser;
    browser.wait_text(".nav", "总览");
    browser.wait_shown("html[lang=zh-CN]");
    browser.wait_text(&row("web"), "运行中");
    visit.daemon.wait_state("bad", "FATAL");
    browser.wait_text("section.trouble", "已放弃");
    assert!(
        browser.title().starts_with("1 个已放弃"),
        "{}",
        browser.title()
    );

    browser.click(".looks [name=language] [value=en]");
    browser.wait_shown("html[lang=en]");
    visit.go("events");
    browser.wait_text("h1", "Events");
}

/// Has axe-core look at the page, and returns what it finds: the rule, how bad that is, and where.
const FINDINGS: &str = "
    const told = ({ id, impact, nodes }) => `${impact} ${id} ${nodes.map((it) => it.html.slice(0, 200)).join()}`;
    return axe.run(document, { resultTypes: ['violations'] }).then((found) => found.violations.map(told));";

/// What an attribute refers to and is not there, and ids that are there twice.
const BROKEN: &str = "
    const ids = [...document.querySelectorAll('[id]')].map((it) => it.id);
    const twice = ids.filter((id, at) => ids.indexOf(id) !== at);
    const refers = [...document.querySelectorAll('[aria-labelledby], [for]')]
      .map((it) => it.getAttribute('aria-labelledby') ?? it.getAttribute('for'));
    const form = [...document.querySelectorAll('[form]')].map((it) => it.getAttribute('form'));
    return [...twice, ...[...refers, ...form].filter((id) => !ids.includes(id))];";

/// Every sort of page, one of them about what is not there.
const PAGES: [&str; 10] = [
    "",
    "?q=nothing&state=FATAL",
    "process?name=worker:worker_00&defaults=1",
    "process?name=bad",
    "process?name=nope",
    "events",
    "configuration",
    "daemon",
    "daemon?find=spawned",
    "index.html?action=stop&processname=web",
];

/// Looks at every page in both themes: as axe-core does, and for what it does not look at.
fn everybody_can_read_and_operate_it(manner: Manner<'_>) {
    let Some(visit) = Visit::begin(PROGRAMS, manner) else {
        return;
    };
    let browser = &visit.browser;
    let axe = axe();
    let look = |page: &str| {
        browser.wait_shown("h1");
        let _ = browser.script(&axe);
        for check in [FINDINGS, BROKEN] {
            assert_eq!(browser.script(check), json!([]), "{page:?}, {manner:?}");
        }
    };
    let (width, height) = manner.size;
    browser.resize(width, height);
    visit.daemon.wait_state("bad", "FATAL");
    for theme in ["light", "dark"] {
        visit.go("");
        browser.click(&format!(".looks [name=theme] [value={theme}]"));
        browser.wait_shown(&format!("html[data-theme={theme}]"));
        for page in PAGES {
            visit.go(page);
            look(page);
        }
    }
    let sandbox = visit.daemon.sandbox();
    sandbox.write("supervisord.conf", "[program:web]\n");
    visit.go("configuration");
    look("a configuration that is wrong");
}

#[test]
fn everybody_can_read_and_operate_it_on_a_desk() {
    everybody_can_read_and_operate_it(Manner::default());
}

#[test]
fn everybody_can_read_and_operate_it_on_a_phone_in_chinese() {
    everybody_can_read_and_operate_it(Manner {
        size: (390, 844),
        languages: "zh-CN,zh",
        ..Manner::default()
    });
}

#[test]
fn secrets_do_not_reach_the_page() {
    let Some(visit) = Visit::begin(PROGRAMS, Manner::default()) else {
        return;
    };
    let browser = &visit.browser;
    visit.go("process?name=worker:worker_00&defaults=1");
    browser.wait_text("[aria-labelledby=en]", "API_KEY");
    let source = browser.script("return document.documentElement.outerHTML");
    assert!(!source.as_str().expect("a page").contains("hush"));
}
