//! Whole pages: how large they are, what is in them, and what never is.

use std::collections::BTreeSet;
use std::time::Duration;

use minder_core::ProcessState;

use super::*;
use crate::configuration::{Broken, Difference, FileRow, How, OptionChange, Step};
use crate::daemon::{Limits, Upgrade};
use crate::events::{Event, Kind, Listener, What};
use crate::log::{Extent, Kept, LogFile, LogOf, Part, Seam, Side, Start, Stream};
use crate::overview::{Asked, Child, Facts};
use crate::process::{Change, Command, MASK, OptionRow, Place, Secrets, Variable};
use crate::question::Verb;

/// How large a page may be, however many processes there are.
const MOST_BYTES: usize = 150 << 10;

fn frame(language: Language, text: &str) -> Frame {
    Frame {
        language,
        theme: Theme::Dark,
        host: text.to_owned(),
        user: Some(text.to_owned()),
        may_act: true,
        token: "0123".to_owned(),
        changes: 2,
        version: "1.0.0".to_owned(),
        as_of: "14:02:31".to_owned(),
        has_api: true,
        address: "./".to_owned(),
    }
}

fn series() -> Series {
    Series {
        values: (0..29_u32).map(|it| f64::from(it * it % 17)).collect(),
        ceiling: 100.0,
    }
}

fn row(name: &str, full_name: &str, state: ProcessState, reason: Reason) -> Row {
    let child = state.is_signallable().then(|| Child {
        pid: 31_415,
        uptime: Duration::from_secs(3_564_000),
        cpu: Some((12.5, series())),
        memory: Some((412 << 20, series())),
    });
    Row {
        name: name.to_owned(),
        full_name: full_name.to_owned(),
        look: Look::Plain(state),
        reason,
        child,
        restarts: Some(3),
        is_flapping: true,
    }
}

fn singles(count: usize) -> Vec<Group> {
    let single = |number: usize| {
        let name = format!("usercenter-worker-{number:05}");
        Group {
            rows: vec![row(&name, &name, ProcessState::Running, Reason::None)],
            name,
        }
    };
    (0..count).map(single).collect()
}

fn grouped(groups: usize, each: usize) -> Vec<Group> {
    let group = |number: usize| {
        let group = format!("group-{number:03}");
        let row = |member: usize| {
            let name = format!("worker_{member:04}");
            let reason = Reason::Listens { waiting: Some(3) };
            row(
                &name,
                &format!("{group}:{name}"),
                ProcessState::Running,
                reason,
            )
        };
        Group {
            rows: (0..each).map(row).collect(),
            name: group.clone(),
        }
    };
    (0..groups).map(group).collect()
}

fn overview(groups: Vec<Group>, asked: Asked) -> Overview {
    Overview {
        frame: frame(Language::Chinese, "web-01"),
        groups,
        asked,
        ..Overview::default()
    }
}

#[test]
fn a_page_about_five_thousand_processes_stays_small() {
    let opened = Asked {
        turned: vec!["group-000".to_owned()],
        from: 1,
        ..Asked::default()
    };
    for (what, groups, asked) in [
        ("on their own", singles(5000), Asked::default()),
        ("in groups", grouped(100, 50), Asked::default()),
        ("in one group, opened", grouped(1, 5000), opened),
        ("in small groups", grouped(2500, 2), Asked::default()),
    ] {
        let page = overview::draw(&overview(groups, asked));
        assert!(page.len() <= MOST_BYTES, "{what}: {} bytes", page.len());
    }
}

#[test]
fn a_long_list_is_gone_through_page_by_page() {
    let mut seen = BTreeSet::new();
    let mut from = 0;
    loop {
        let asked = Asked {
            from,
            ..Asked::default()
        };
        let page = overview::draw(&overview(singles(5000), asked));
        let names = page
            .split("data-name=\"")
            .skip(1)
            .filter_map(|it| it.split_once('"'));
        seen.extend(names.map(|(name, _)| name.to_owned()));
        if !page.contains("rel=\"next\"") {
            break;
        }
        from += overview::LINES;
    }
    assert_eq!(seen.len(), 5000);
}

#[test]
fn what_is_asked_for_is_shown_and_nothing_else() {
    let groups = || {
        let mut groups = grouped(2, 2);
        groups[0].rows[1].look = Look::Plain(ProcessState::Fatal);
        groups[0].rows[1].child = None;
        groups[0].rows[1].reason = Reason::Said("Cannot find it".to_owned());
        groups
    };
    let by_state = Asked {
        states: vec![ProcessState::Fatal],
        ..Asked::default()
    };
    let by_reason = Asked {
        find: "cannot FIND".to_owned(),
        ..Asked::default()
    };
    let by_translation = Asked {
        find: "已放弃".to_owned(),
        ..Asked::default()
    };
    for asked in [by_state, by_reason, by_translation] {
        let found = overview::matching(&groups(), &asked, Language::Chinese);
        assert_eq!(found, ["group-000:worker_0001"]);
        let page = overview::draw(&overview(groups(), asked));
        assert!(page.contains("data-name=\"group-000:worker_0001\""));
        assert!(!page.contains("data-name=\"group-001:worker_0001\""));
    }
    let none = Asked {
        find: "nothing at all".to_owned(),
        ..Asked::default()
    };
    let page = overview::draw(&overview(groups(), none));
    assert!(page.contains("没有匹配的进程。"));
}

#[test]
fn a_slot_without_sense_is_left_empty_and_never_moved() {
    for state in ProcessState::ALL {
        let name = "web";
        let group = Group {
            name: name.to_owned(),
            rows: vec![row(name, name, state, Reason::None)],
        };
        let page = overview::draw(&overview(vec![group], Asked::default()));
        let row = page
            .split_once("<tr role=\"row\" data-name=\"web\"")
            .expect("a row")
            .1;
        let slots = row.split_once("<div class=\"acts\">").expect("slots").1;
        let slots = slots.split_once("</div>").expect("an end").0;
        let count: usize = ["<button ", "<a ", "<span "]
            .iter()
            .map(|it| slots.matches(it).count())
            .sum();
        assert_eq!(count, 3, "{state:?}");
    }
    let mut reader = overview(singles(3), Asked::default());
    reader.frame.may_act = false;
    let page = overview::draw(&reader);
    for part in ["name=\"stop\"", "name=\"p\"", "stopall"] {
        assert!(!page.contains(part), "a reader is offered {part}");
    }
}

#[test]
fn the_title_tells_the_worst_first() {
    let mut groups = singles(4);
    groups[1].rows[0].look = Look::Plain(ProcessState::Backoff);
    groups[2].rows[0].look = Look::Plain(ProcessState::Fatal);
    let mut page = overview(groups, Asked::default());
    page.frame.language = Language::English;
    let title = "<title>1 FATAL, 1 BACKOFF · web-01 · Minder</title>";
    assert!(overview::draw(&page).contains(title));
    page.groups.truncate(1);
    assert!(overview::draw(&page).contains("<title>web-01 · Minder</title>"));
}

#[test]
fn what_is_done_again_and_again_is_told_once() {
    let event = |serial: u64, state| Event {
        serial,
        at: Moment::default(),
        subject: "tunnel".to_owned(),
        is_process: true,
        kind: Kind::State,
        type_name: "PROCESS_STATE".to_owned(),
        what: What::Became(None, Look::Plain(state)),
        detail: String::new(),
        pid: None,
        ending: None,
    };
    let states = [ProcessState::Starting, ProcessState::Backoff];
    let events = (0..20_u8).map(|at| event(100 - u64::from(at), states[usize::from(at % 2)]));
    let mut page = EventsPage {
        events: events.collect(),
        kept: Some((20, Moment::default())),
        ..EventsPage::default()
    };
    let folded = events::draw(&page);
    assert_eq!(folded.matches("data-kind=\"state\"").count(), 3);
    assert!(folded.contains("BACKOFF, 9 times"));
    page.asked.folds = false;
    assert_eq!(
        events::draw(&page).matches("data-kind=\"state\"").count(),
        20
    );
}

#[test]
fn what_listeners_had_no_room_for_is_told() {
    let listener = |lost| Listener {
        name: "mail".to_owned(),
        state: "RUNNING".to_owned(),
        waiting: 3,
        lost,
    };
    for (lost, told) in [
        (0, "mail RUNNING, 3 waiting<"),
        (2, "mail RUNNING, 3 waiting, 2 discarded<"),
    ] {
        let page = EventsPage {
            listeners: vec![listener(lost)],
            ..EventsPage::default()
        };
        assert!(events::draw(&page).contains(told), "{told}");
    }
}

#[test]
fn a_configuration_is_told_of_with_what_an_update_does() {
    let step = |how, longest_wait| Step {
        how,
        group: "web".to_owned(),
        processes: 2,
        longest_wait,
    };
    let wait = Some(Duration::from_secs(60));
    let mut page = ConfigPage {
        plan: vec![
            step(How::Removed, wait),
            step(How::Changed, wait),
            step(How::Changed, wait),
            step(How::Added, None),
        ],
        differences: vec![Difference {
            how: How::Changed,
            group: "web".to_owned(),
            processes: 2,
            without: vec!["web:2".to_owned(), "web:3".to_owned()],
            with: Vec::new(),
            options: Vec::new(),
        }],
        files: vec![FileRow {
            path: "all.conf".to_owned(),
            sections: (0..14).map(|number| format!("program:{number}")).collect(),
            changed: None,
        }],
        ..ConfigPage::default()
    };
    let drawn = configuration::draw(&page);
    for part in [
        "The files differ from what is running: 1 group added, 2 changed, 1 removed. Nothing",
        "2 processes, up to 60 s to stop<",
        "2 processes<",
        "changed, 2 processes<",
        "No longer there: web:2, web:3<",
        "program:0, program:1, ",
        "program:11, and 2 more<",
    ] {
        assert!(drawn.contains(part), "{part}");
    }
    page.frame.language = Language::Chinese;
    let drawn = configuration::draw(&page);
    assert!(drawn.contains("新增 1 个组，变更 2 个组，移除 1 个组。更新之前"));
    assert!(drawn.contains("停止最多 60 秒"));
}

/// Every page, with `text` wherever a text from outside can be.
#[expect(clippy::too_many_lines, reason = "a list of fields")]
fn pages(text: &str, language: Language) -> Vec<String> {
    let own = || text.to_owned();
    let frame = || frame(language, text);
    let notice = || {
        Some(Notice {
            text: own(),
            detail: own(),
            is_bad: true,
        })
    };
    let trouble = Trouble {
        name: own(),
        look: Look::ExitedBadly,
        reason: Reason::Said(own()),
        flapping: Some(14),
        ended: Some(Ending::NotMade(own())),
        given_up: Some(Duration::from_secs(70)),
        said: Some(own()),
        day: vec![Stretch {
            look: Look::Plain(ProcessState::Running),
            began: strip::SPAN,
        }],
    };
    let moment = Moment {
        clock: own(),
        full: own(),
        ..Moment::default()
    };
    let rows = vec![
        row(text, text, ProcessState::Running, Reason::Said(own())),
        row(
            "b",
            text,
            ProcessState::Fatal,
            Reason::Stopped {
                at: moment.clone(),
                by: Some(own()),
            },
        ),
    ];
    let overview = Overview {
        frame: frame(),
        host: own(),
        facts: Facts::default(),
        notice: notice(),
        trouble: vec![trouble],
        more_trouble: vec![(ProcessState::Fatal, 2)],
        groups: vec![Group { name: own(), rows }],
        asked: Asked {
            find: own(),
            turned: vec![own()],
            ..Asked::default()
        },
        main_file: own(),
    };
    let empty = Overview {
        groups: Vec::new(),
        ..overview.clone()
    };
    let process = process_page(text, frame(), notice(), &moment);
    let events = EventsPage {
        frame: frame(),
        notice: notice(),
        listeners: vec![Listener {
            name: own(),
            state: own(),
            waiting: 1,
            lost: 2,
        }],
        events: vec![Event {
            serial: 7,
            at: moment.clone(),
            subject: own(),
            is_process: true,
            kind: Kind::Remote,
            type_name: own(),
            what: What::Remote(own()),
            detail: own(),
            pid: None,
            ending: None,
        }],
        kept: Some((1, moment.clone())),
        kinds: Kind::ALL.to_vec(),
        ..EventsPage::default()
    };
    let place = Some(Place {
        short: own(),
        full: own(),
    });
    let option = OptionChange {
        name: own(),
        old: Some(own()),
        new: Some(format!("{text}{text}")),
        from: place,
        is_secret: false,
    };
    let configuration = ConfigPage {
        frame: frame(),
        notice: notice(),
        main_file: own(),
        files: vec![FileRow {
            path: own(),
            sections: vec![own(); 14],
            changed: Some(moment.clone()),
        }],
        broken: Some(Broken {
            place: own(),
            problem: own(),
            excerpt: own(),
        }),
        plan: vec![Step {
            how: How::Added,
            group: own(),
            processes: 1,
            longest_wait: Some(Duration::from_secs(3)),
        }],
        differences: vec![Difference {
            how: How::Changed,
            group: own(),
            processes: 2,
            without: vec![own()],
            with: vec![own()],
            options: vec![option],
        }],
        untouched: 3,
    };
    let question = Question {
        frame: frame(),
        verb: Verb::Stop,
        names: vec![own(); 12],
        is_all: false,
        longest_wait: Some(30),
        fields: vec![(own(), own())],
        back: "./".to_owned(),
        was_wrong: true,
    };
    let daemon = daemon_page(text, frame(), &moment);
    vec![
        overview::draw(&overview),
        overview::draw(&empty),
        process::draw(&process),
        events::draw(&events),
        configuration::draw(&configuration),
        question::draw(&question),
        question::missing(&frame()),
        daemon::draw(&daemon),
        log::fragment(&part(text), Side::Later, language),
    ]
}

fn process_page(text: &str, frame: Frame, notice: Option<Notice>, moment: &Moment) -> ProcessPage {
    let own = || text.to_owned();
    ProcessPage {
        frame,
        notice,
        name: own(),
        group: Some(own()),
        look: Look::Plain(ProcessState::Running),
        since: Some(Duration::from_secs(9)),
        pid: Some(7),
        reason: Reason::Said(own()),
        flapping: Some((14, Some(Ending::NotMade(own())))),
        day: vec![Stretch {
            look: Look::Plain(ProcessState::Running),
            began: strip::SPAN,
        }],
        changes: vec![Change {
            at: moment.clone(),
            look: Look::Plain(ProcessState::Running),
            pid: Some(7),
            ending: Some(Ending::NotMade(own())),
        }],
        restarts: Some(2),
        hours: vec![own()],
        log: log_view(
            text,
            LogOf::Process {
                name: own(),
                stream: Stream::Stdout,
                has_stderr: true,
            },
            moment,
        ),
        cpu: Some((3.0, series())),
        memory: Some((3 << 20, series())),
        memory_limit: Some(9 << 20),
        command: Command {
            command: own(),
            directory: Some(own()),
            user: Some(own()),
        },
        environment: vec![Variable {
            name: own(),
            value: format!("{text}{MASK}{text}"),
        }],
        secrets: Some(Secrets::Masked),
        options: vec![OptionRow {
            name: own(),
            value: own(),
            from: Some(Place {
                short: own(),
                full: own(),
            }),
        }],
        defaults: 3,
        shows_defaults: false,
    }
}

fn log_view(text: &str, of: LogOf, moment: &Moment) -> LogView {
    LogView {
        of,
        kept: Kept::File(text.to_owned()),
        files: vec![
            LogFile {
                number: 0,
                size: 1,
                until: None,
            },
            LogFile {
                number: 1,
                size: 1,
                until: Some(moment.clone()),
            },
        ],
        file: 0,
        part: part(text),
        is_gone: true,
        find: text.to_owned(),
        here: Some(5),
        extent: Extent::Growing,
        takes_stdin: true,
    }
}

fn part(text: &str) -> Part {
    Part {
        bytes: format!("{text}\n\u{1b}[31m{text}").into_bytes(),
        id: 7,
        start: 5,
        size: 9,
        has_earlier: true,
        seam: Some(Seam::Rotated),
        starts: vec![Start {
            offset: 5,
            at: Moment::default(),
            pid: 7,
        }],
    }
}

fn daemon_page(text: &str, frame: Frame, moment: &Moment) -> DaemonPage {
    DaemonPage {
        frame,
        main_pid: 7,
        pid: 8,
        replaced: Some((2, Duration::from_secs(70))),
        upgrade: Some(Upgrade::RolledBack {
            to: text.to_owned(),
            why: text.to_owned(),
        }),
        limits: Limits {
            files: Some(1024),
            processes: None,
        },
        log: log_view(text, LogOf::Daemon, moment),
    }
}

#[test]
fn a_log_that_cannot_be_read_says_where_it_goes() {
    for (kept, language, said) in [
        (Kept::Nowhere, Language::English, "No log is kept."),
        (Kept::Syslog, Language::English, "The log goes to syslog"),
        (Kept::Syslog, Language::Chinese, "日志写入 syslog"),
        (
            Kept::Elsewhere("/dev/stdout".to_owned()),
            Language::English,
            "The log goes to /dev/stdout",
        ),
    ] {
        let mut page = daemon_page("x", frame(language, "x"), &Moment::default());
        page.log.kept = kept;
        page.log.files = Vec::new();
        page.log.part = Part::default();
        page.log.find = String::new();
        let page = daemon::draw(&page);
        assert!(page.contains(said), "{said}");
        for part in [
            "data-follows",
            "data-do=\"follow\"",
            "href=\"raw",
            "data-back",
        ] {
            assert!(!page.contains(part), "{part} of a log that cannot be read");
        }
    }
}

#[test]
fn the_daemon_is_told_of_with_what_became_of_its_upgrade() {
    let mut page = daemon_page("1.1", frame(Language::English, "x"), &Moment::default());
    let drawn = daemon::draw(&page);
    assert!(drawn.contains("to 1.1 rolled back: 1.1"));
    assert!(drawn.contains("1,024 open files, any number of processes"));
    assert!(drawn.contains("href=\"mainlogtail\"") && drawn.contains("raw?of=daemon&amp;file=0"));
    for part in ["name=\"clearlog\"", "name=\"stdin\"", "class=\"tabs\""] {
        assert!(!drawn.contains(part), "the daemon's log has {part}");
    }
    page.upgrade = Some(Upgrade::Refused {
        to: String::new(),
        why: "no".to_owned(),
    });
    assert!(daemon::draw(&page).contains("refused: no"));
}

/// The tags of a page: their names, and those of their attributes.
fn tags(page: &str) -> Vec<String> {
    let tag = |part: &str| {
        let mut names = String::new();
        for (index, piece) in part.split('"').enumerate() {
            if index % 2 == 0 {
                names.push_str(piece);
            }
            if piece.contains('>') && index % 2 == 0 {
                return names.split('>').next().unwrap_or_default().to_owned();
            }
        }
        names
    };
    page.split('<').skip(1).map(tag).collect()
}

#[test]
fn nothing_that_comes_from_outside_becomes_markup() {
    const EVIL: &str = "a\"'><script src=//x></script><!--&lt;&#60;</title>";
    // As long and as often found as the other one, so that pages differ in nothing else.
    for language in Language::ALL {
        let (evil, harmless) = (pages(EVIL, language), pages("harmless", language));
        for (evil, harmless) in evil.iter().zip(&harmless) {
            let (evil, harmless) = (tags(evil), tags(harmless));
            let differ = evil.iter().zip(&harmless).find(|(a, b)| a != b);
            assert_eq!(differ, None);
            assert_eq!(evil.len(), harmless.len());
        }
    }
}

#[test]
fn pages_keep_to_their_policy() {
    for language in Language::ALL {
        for page in pages("x", language) {
            assert!(!page.contains(" style="), "a style of its own");
            assert!(!page.contains("<style"), "a style of its own");
            for tag in tags(&page) {
                let has_handler = tag.split(' ').any(|name| name.starts_with("on"));
                assert!(!has_handler && !tag.starts_with("script>"), "{tag}");
            }
            for attribute in ["href=\"", "src=\"", "action=\""] {
                for value in page
                    .split(attribute)
                    .skip(1)
                    .filter_map(|it| it.split_once('"'))
                {
                    let value = value.0;
                    let is_relative = !value.starts_with('/') && !value.contains("://");
                    assert!(is_relative, "{attribute}{value}\" leads elsewhere");
                    let path = value.split(['?', '#']).next().unwrap_or_default();
                    let known = path.starts_with("ui/")
                        || path.starts_with("logtail/")
                        || path.starts_with("api/");
                    let depth = path.trim_start_matches("./").matches('/').count();
                    assert!(known || depth == 0, "{value} lies in a folder");
                }
            }
        }
    }
}

/// In a drawing, what is not closed takes in everything behind it, which is then not drawn.
#[test]
fn every_part_of_a_drawing_is_closed() {
    for page in pages("x", Language::English) {
        let tags = tags(&page);
        for name in ["circle", "path", "rect", "use"] {
            let is_open =
                |tag: &&String| tag.split(' ').next() == Some(name) && !tag.ends_with('/');
            let closing = format!("/{name}");
            let closed = tags.iter().filter(|tag| **tag == closing).count();
            assert_eq!(tags.iter().filter(is_open).count(), closed, "{name}");
        }
    }
}

#[test]
fn every_control_has_a_name() {
    for page in pages("x", Language::English) {
        for part in page.split("<input ").skip(1) {
            let tag = part.split('>').next().unwrap_or_default();
            if tag.contains("type=\"hidden\"") {
                continue;
            }
            let has_label = tag.contains("aria-label=") || tag.contains("id=\"in\"");
            let before = &page[..page.find(tag).unwrap_or_default()];
            let in_label =
                before.rfind("<label").unwrap_or(0) > before.rfind("</label>").unwrap_or(0);
            assert!(has_label || in_label, "<input {tag}> has no name");
        }
    }
}

#[test]
fn every_text_is_there_in_both_languages() {
    for word in words::Word::ALL {
        for language in Language::ALL {
            assert!(!word.to(language).is_empty(), "{word:?}");
        }
        let english = word.to(Language::English);
        for unwanted in ["please", "Please", "successful", "!", "oops"] {
            assert!(!english.contains(unwanted), "{english}");
        }
        let chinese = word.to(Language::Chinese);
        for unwanted in ['您', '请', '！', '?', '!'] {
            assert!(!chinese.contains(unwanted), "{chinese}");
        }
    }
}
