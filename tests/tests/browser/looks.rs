//! Small screens, another language, and whoever does not see well.

use minder_tests::browser::Manner;
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
    for page in ["", "process?name=web", "events", "configuration"] {
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

/// For every text: its colour against what is behind it must be told apart well (WCAG AA).
const CONTRASTS: &str = r"
    const canvas = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
    const rgb = (text) => {
      canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = text; canvas.fillRect(0, 0, 1, 1);
      const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data; return { r, g, b, a: a / 255 };
    };
    const over = (top, below) => ({ r: top.r * top.a + below.r * (1 - top.a), g: top.g * top.a + below.g * (1 - top.a), b: top.b * top.a + below.b * (1 - top.a), a: 1 });
    const ground = (element) => {
      const layers = [];
      for (let at = element; at; at = at.parentElement) layers.push(rgb(getComputedStyle(at).backgroundColor));
      return layers.reverse().reduce((below, top) => over(top, below), { r: 255, g: 255, b: 255, a: 1 });
    };
    const light = ({ r, g, b }) => [r, g, b].map((it) => it / 255).map((it) => it <= 0.04045 ? it / 12.92 : ((it + 0.055) / 1.055) ** 2.4)
      .reduce((sum, it, at) => sum + it * [0.2126, 0.7152, 0.0722][at], 0);
    const weak = [];
    const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walk.nextNode()) {
      const element = walk.currentNode.parentElement;
      if (!walk.currentNode.data.trim() || !element.checkVisibility({ visibilityProperty: true })) continue;
      if (element.closest('.sr, .skip, noscript, [disabled]')) continue;
      const below = ground(element), a = light(over(rgb(getComputedStyle(element).color), below)), b = light(below);
      const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
      if (ratio < 4.45) weak.push(`${ratio.toFixed(2)} ${walk.currentNode.data.trim().slice(0, 30)}`);
    }
    return weak;";

/// Everything that can be operated and has no name.
const NAMELESS: &str = "
    const named = (it) => it.getAttribute('aria-label') || it.textContent.trim() || it.title
      || [...(it.labels ?? [])].some((label) => label.textContent.trim());
    return [...document.querySelectorAll('a[href], button, input:not([type=hidden]), select, summary')]
      .filter((it) => it.checkVisibility({ visibilityProperty: true }) && !named(it)).map((it) => it.outerHTML.slice(0, 120));";

/// What an attribute refers to and is not there, and ids that are there twice.
const BROKEN: &str = "
    const ids = [...document.querySelectorAll('[id]')].map((it) => it.id);
    const twice = ids.filter((id, at) => ids.indexOf(id) !== at);
    const refers = [...document.querySelectorAll('[aria-labelledby], [for]')]
      .map((it) => it.getAttribute('aria-labelledby') ?? it.getAttribute('for'));
    const form = [...document.querySelectorAll('[form]')].map((it) => it.getAttribute('form'));
    return [...twice, ...[...refers, ...form].filter((id) => !ids.includes(id))];";

#[test]
fn everybody_can_read_and_operate_it() {
    let Some(visit) = Visit::begin(PROGRAMS, Manner::default()) else {
        return;
    };
    let browser = &visit.browser;
    visit.daemon.wait_state("bad", "FATAL");
    // Chosen by its first letter, as one does without a pointer.
    for (theme, letter) in [("light", "l"), ("dark", "d")] {
        visit.go("");
        browser.wait_shown(".looks [name=theme]");
        browser.type_into(".looks [name=theme]", letter);
        browser.wait_shown(&format!("html[data-theme={theme}]"));
        for page in [
            "",
            "process?name=worker:worker_00",
            "process?name=bad",
            "events",
            "configuration",
        ] {
            visit.go(page);
            browser.wait_shown("h1");
            for (what, check) in [
                ("contrast", CONTRASTS),
                ("names", NAMELESS),
                ("references", BROKEN),
            ] {
                assert_eq!(
                    browser.script(check),
                    json!([]),
                    "{what} of {page:?}, {theme}"
                );
            }
        }
    }
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
