use super::*;
use crate::news::{End, Figures, LogNews};

/// When the stories of these tests begin, by the daemon's clock.
const WALL: f64 = 1_800_000_000.0;

fn process(name: &str, state: ProcessState) -> Process {
    let (group, process) = name.split_once(':').unwrap_or((name, name));
    let is_up = matches!(
        state,
        ProcessState::Running | ProcessState::Starting | ProcessState::Stopping
    );
    Process {
        name: name.to_owned(),
        group: group.to_owned(),
        process: process.to_owned(),
        state,
        description: String::new(),
        pid: is_up.then(|| 4700 + name.bytes().last().map_or(0, u32::from)),
        started: is_up.then_some(WALL - 12_131.0),
        restarts: Some(0),
        flapping: false,
        last_end: None,
        figures: is_up.then_some(Figures {
            load: Some(0.021),
            memory: 34 << 20,
        }),
    }
}

fn server(source: Source) -> Server {
    Server {
        source,
        version: "0.1.0".to_owned(),
        identifier: "supervisor".to_owned(),
        state: "RUNNING".to_owned(),
        pid: Some(4700),
        started: Some(WALL - 300_000.0),
        deaths: 0,
    }
}

/// A model and the one who sits before it.
struct Desk {
    model: Model,
    now: Duration,
    effects: Vec<Effect>,
}

impl Desk {
    fn of(processes: Vec<Process>) -> Self {
        let mut desk = Self::wanting(Wanted::default());
        desk.hear(News::Server(server(Source::Minder)));
        desk.hear(News::All {
            processes,
            now: WALL,
        });
        desk
    }

    fn wanting(wanted: Wanted) -> Self {
        let mut desk = Self {
            model: Model::new(wanted),
            now: Duration::from_secs(50),
            effects: Vec::new(),
        };
        desk.resize(80, 20);
        desk
    }

    fn hear(&mut self, news: News) {
        self.model
            .handle(self.now, Input::News(news), &mut self.effects);
        let _ = self.model.draw();
    }

    fn resize(&mut self, width: usize, height: usize) {
        let size = Input::Resized { width, height };
        self.model.handle(self.now, size, &mut self.effects);
    }

    /// Types: a character is a key; these stand for others: `↵` Enter, `␛` Escape, `⇥` Tab, `←`, `→`.
    fn types(&mut self, keys: &str) -> &mut Self {
        for key in keys.chars() {
            let key = match key {
                '↵' => Key::Enter,
                '␛' => Key::Esc,
                '⇥' => Key::Tab,
                '←' => Key::Left,
                '→' => Key::Right,
                key => Key::Char(key),
            };
            self.model
                .handle(self.now, Input::Key(key), &mut self.effects);
        }
        self
    }

    fn wait(&mut self, millis: u64) -> &mut Self {
        self.now += Duration::from_millis(millis);
        self.model.handle(self.now, Input::Time, &mut self.effects);
        self
    }

    fn effects(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.effects)
    }

    fn screen(&mut self) -> String {
        self.model.draw().lines().join("\n")
    }

    /// The name on the row under the cursor.
    fn current(&mut self) -> &str {
        self.model.rows[self.model.cursor].key()
    }
}

/// One in each state, and a group.
fn fleet() -> Vec<Process> {
    let mut broken = process("importer", ProcessState::Fatal);
    broken.description = "Exited too quickly (process log may have details)".to_owned();
    broken.last_end = Some(End {
        at: WALL - 61.0,
        how: "exit 3".to_owned(),
        bad: true,
    });
    let mut flapping = process("api:1", ProcessState::Running);
    flapping.flapping = true;
    flapping.restarts = Some(17);
    flapping.started = Some(WALL - 4.0);
    flapping.last_end = Some(End {
        at: WALL - 5.0,
        how: "SIGSEGV".to_owned(),
        bad: true,
    });
    flapping.figures = Some(Figures {
        load: Some(1.34),
        memory: 1_300_000_000,
    });
    let mut done = process("migrate", ProcessState::Exited);
    done.last_end = Some(End {
        at: WALL - 7_300.0,
        how: "exit 0".to_owned(),
        bad: false,
    });
    let mut off = process("debug", ProcessState::Stopped);
    off.description = "Not started".to_owned();
    vec![
        broken,
        process("api:0", ProcessState::Running),
        flapping,
        process("api:2", ProcessState::Starting),
        done,
        off,
        process("漢字", ProcessState::Running),
    ]
}

fn act(action: Action, names: &[&str]) -> Effect {
    let names = names.iter().map(|name| (*name).to_owned()).collect();
    Effect::Act { action, names }
}

fn follow(name: &str, channel: Channel) -> Effect {
    let name = name.to_owned();
    Effect::Follow { name, channel }
}

#[test]
fn before_anything_is_known_it_says_that_it_connects() {
    insta::assert_snapshot!(Desk::wanting(Wanted::default()).screen());
}

#[test]
fn the_table_shows_groups_and_how_each_process_is() {
    insta::assert_snapshot!(Desk::of(fleet()).screen());
}

#[test]
fn a_wide_screen_has_room_for_reasons() {
    let mut desk = Desk::of(fleet());
    desk.resize(130, 20);
    insta::assert_snapshot!(desk.screen());
}

#[test]
fn a_narrow_screen_keeps_what_matters() {
    let mut desk = Desk::of(fleet());
    desk.resize(44, 11);
    insta::assert_snapshot!(desk.screen());
    desk.resize(19, 20);
    assert_eq!(desk.model.draw().lines()[0], "too small");
}

#[test]
fn every_size_can_be_drawn() {
    for keys in ["", "l", "↵", "?", "K", "jx", "/漢", "↵z"] {
        let mut desk = Desk::of(fleet());
        desk.types("j").types(keys);
        for width in 0..60 {
            for height in 0..20 {
                desk.resize(width, height);
                assert_eq!(desk.model.draw().lines().len(), height);
            }
        }
    }
}

#[test]
fn supervisors_table_has_no_figures() {
    let mut desk = Desk::of(fleet());
    desk.hear(News::Server(server(Source::Supervisor)));
    insta::assert_snapshot!(desk.screen());
}

#[test]
fn the_help_fits_on_an_ordinary_terminal() {
    let mut desk = Desk::of(fleet());
    desk.resize(80, 24);
    desk.types("?");
    insta::assert_snapshot!(desk.screen());
    desk.types("q");
    assert!(!desk.screen().contains("Keys"), "any other key closes it");
    assert_eq!(desk.effects(), []);
}

#[test]
fn the_cursor_stays_on_its_process_while_rows_move() {
    let mut desk = Desk::of(vec![process("m", ProcessState::Running)]);
    let mut more = vec![
        process("a", ProcessState::Running),
        process("m", ProcessState::Running),
    ];
    desk.hear(News::All {
        processes: more.clone(),
        now: WALL,
    });
    assert_eq!(desk.current(), "m");
    assert_eq!(desk.model.cursor, 1);
    more.remove(1);
    desk.hear(News::All {
        processes: more,
        now: WALL,
    });
    assert_eq!(desk.current(), "a");
}

#[test]
fn a_long_table_scrolls_with_the_cursor() {
    let many = (0..100).map(|n| process(&format!("p{n:02}"), ProcessState::Running));
    let mut desk = Desk::of(many.collect());
    desk.types("G");
    assert!(desk.screen().contains("p99") && !desk.screen().contains("p80"));
    desk.types("g");
    assert!(desk.screen().contains("p00") && !desk.screen().contains("p20"));
    desk.model
        .handle(desk.now, Input::Key(Key::PageDown), &mut desk.effects);
    assert_eq!(desk.current(), "p14");
}

#[test]
fn rows_are_sorted_by_what_takes_most_and_the_other_way_round() {
    let mut desk = Desk::of(fleet());
    desk.types("P");
    assert_eq!(desk.current(), "api:1");
    desk.types("PG");
    assert_eq!(desk.current(), "api:1");
    desk.types("S");
    assert_eq!(desk.current(), "importer");
    desk.types("T");
    assert_eq!(desk.current(), "api:1");
    desk.types("N");
    assert_eq!(desk.current(), "api:*");
    desk.types("I");
    desk.types("g");
    assert_eq!(desk.current(), "漢字");
}

#[test]
fn the_filter_narrows_as_one_types() {
    let mut desk = Desk::of(fleet());
    desk.types("/api run");
    assert_eq!(desk.model.rows.len(), 2);
    insta::assert_snapshot!(desk.screen());
    desk.types("↵");
    assert_eq!(
        (desk.model.rows.len(), &desk.model.mode),
        (2, &Mode::Browse)
    );
    desk.types("␛");
    assert_eq!(desk.model.rows.len(), 8);
    desk.types("/qs␛");
    assert_eq!(desk.effects(), []);
    assert_eq!(desk.model.filter, "");
}

#[test]
fn what_hurts_is_asked_and_what_does_not_is_done() {
    let mut desk = Desk::of(fleet());
    desk.types("jjjj");
    assert_eq!(desk.current(), "debug");
    desk.types("s");
    assert_eq!(desk.effects(), [act(Action::Start, &["debug"])]);
    desk.types("x");
    assert_eq!(desk.effects(), []);
    assert!(desk.screen().contains("Stop debug?"));
    desk.types("n");
    assert_eq!(desk.effects(), []);
    desk.types("ry");
    assert_eq!(desk.effects(), [act(Action::Restart, &["debug"])]);
    desk.types("cy");
    assert_eq!(desk.effects(), [act(Action::Clear, &["debug"])]);
}

#[test]
fn a_group_is_acted_on_as_far_as_it_is_shown() {
    let mut desk = Desk::of(fleet());
    desk.types("x");
    insta::assert_snapshot!(desk.screen());
    desk.types("y");
    assert_eq!(
        desk.effects(),
        [act(Action::Stop, &["api:0", "api:1", "api:2"])]
    );
}

#[test]
fn what_is_marked_is_acted_on_wherever_the_cursor_is() {
    let mut desk = Desk::of(fleet());
    desk.types("j jG xy");
    assert_eq!(desk.effects(), [act(Action::Stop, &["api:0", "漢字"])]);
    assert!(desk.model.marked().is_empty());
    desk.types("a").types("u").types("g ");
    assert_eq!(desk.model.marked().len(), 3);
    assert_eq!(desk.current(), "debug");
}

#[test]
fn many_processes_want_their_number_typed() {
    let many = (0..12).map(|n| process(&format!("p{n:02}"), ProcessState::Running));
    let mut desk = Desk::of(many.collect());
    desk.types("axy↵");
    assert_eq!(desk.effects(), []);
    desk.types("12");
    insta::assert_snapshot!(desk.screen());
    desk.types("↵");
    assert!(
        matches!(&desk.effects()[..], [Effect::Act { action: Action::Stop, names }] if names.len() == 12)
    );
}

#[test]
fn signals_are_chosen_and_then_asked_about() {
    let mut desk = Desk::of(fleet());
    desk.types("jK");
    insta::assert_snapshot!(desk.screen());
    desk.types("↵y");
    assert_eq!(desk.effects(), [act(Action::Signal("HUP"), &["api:0"])]);
    desk.types("KG↵");
    assert_eq!(desk.effects(), [act(Action::Signal("CONT"), &["api:0"])]);
    desk.types("K␛");
    assert_eq!((desk.effects(), &desk.model.mode), (vec![], &Mode::Browse));
}

#[test]
fn what_is_pasted_does_nothing_but_filter() {
    let mut desk = Desk::of(fleet());
    let paste = Input::Key(Key::Paste("xy\u{1b}api".to_owned()));
    desk.model
        .handle(desk.now, paste.clone(), &mut desk.effects);
    assert_eq!((desk.effects(), &desk.model.mode), (vec![], &Mode::Browse));
    desk.types("/");
    desk.model.handle(desk.now, paste, &mut desk.effects);
    assert_eq!(desk.model.filter, "xyapi");
}

#[test]
fn groups_fold() {
    let mut desk = Desk::of(fleet());
    desk.types("jj←");
    assert_eq!(desk.current(), "api:*");
    assert_eq!(desk.model.rows.len(), 5);
    desk.types("→");
    assert_eq!(desk.model.rows.len(), 8);
    desk.types("↵");
    assert_eq!(desk.model.rows.len(), 5);
}

#[test]
fn a_log_is_followed_once_the_cursor_rests() {
    let mut desk = Desk::of(fleet());
    desk.types("jl");
    assert_eq!(desk.effects(), [follow("api:0", Channel::Stdout)]);
    desk.types("j");
    assert_eq!(desk.effects(), [Effect::Unfollow]);
    desk.types("j");
    assert_eq!(desk.effects(), []);
    desk.wait(200);
    assert_eq!(desk.effects(), [follow("api:2", Channel::Stdout)]);
    desk.types("o").wait(200);
    assert_eq!(
        desk.effects(),
        [Effect::Unfollow, follow("api:2", Channel::Stderr)]
    );
    desk.types("l");
    assert_eq!(desk.effects(), [Effect::Unfollow]);
}

#[test]
fn a_log_is_shown_held_and_scrolled() {
    let mut desk = Desk::of(fleet());
    desk.types("j↵");
    desk.hear(News::Log(LogNews::Begun));
    let lines = (0..30).map(|n| format!("line {n} of \u{1b}[31mthe log\u{1b}[0m 漢字\n"));
    desk.hear(News::Log(LogNews::Added(lines.collect())));
    insta::assert_snapshot!(desk.screen());
    desk.types("kk");
    desk.hear(News::Log(LogNews::Added("late\n".to_owned())));
    assert!(desk.screen().contains("held, 3 more below"));
    assert!(!desk.screen().contains("late"));
    desk.types("G");
    assert!(desk.screen().contains("late") && desk.screen().contains("following"));
    desk.types("z");
    assert!(desk.screen().contains("line 18 ") && !desk.screen().contains("importer"));
    desk.types("␛");
    assert!(desk.screen().contains("importer"));
}

#[test]
fn what_happens_is_seen_at_once() {
    let mut desk = Desk::of(fleet());
    desk.hear(News::Turned(Turn {
        name: "api:0".to_owned(),
        at: WALL,
        state: ProcessState::Backoff,
        pid: None,
        end: Some(End {
            at: WALL,
            how: "SIGKILL".to_owned(),
            bad: true,
        }),
    }));
    let screen = desk.screen();
    let row = screen
        .lines()
        .find(|line| line.starts_with("    0"))
        .unwrap();
    assert!(
        row.contains("BACKOFF") && row.contains("SIGKILL") && !row.contains("4748"),
        "{row}"
    );
    desk.hear(News::Gone("api:0".to_owned()));
    assert_eq!(desk.model.processes().len(), 6);
}

#[test]
fn while_nobody_answers_nothing_is_asked() {
    let mut desk = Desk::of(fleet());
    desk.hear(News::Lost("connection refused".to_owned()));
    assert!(desk.screen().contains("connecting… (connection refused)"));
    desk.types("s");
    assert_eq!(desk.effects(), []);
    assert!(desk.screen().contains("not connected"));
    desk.hear(News::Server(server(Source::Minder)));
    assert!(!desk.screen().contains("connecting"));
}

#[test]
fn only_what_is_wanted_is_shown() {
    let mut wanted = Wanted::default();
    wanted.add("api", None);
    wanted.add("debug", Some("debug"));
    let mut desk = Desk::wanting(wanted);
    desk.hear(News::All {
        processes: fleet(),
        now: WALL,
    });
    assert_eq!(desk.model.processes().len(), 4);
}

#[test]
fn what_became_of_something_is_said_for_a_while() {
    let mut desk = Desk::of(fleet());
    desk.hear(News::Done {
        said: "web: no such file".to_owned(),
        ok: false,
    });
    assert!(desk.screen().contains("web: no such file"));
    desk.wait(9_000);
    assert!(!desk.screen().contains("web: no such file"));
}

#[test]
fn the_clock_goes_on_without_news() {
    let mut desk = Desk::of(fleet());
    assert!(desk.screen().contains("3:22:11"));
    desk.wait(2_000);
    assert!(desk.screen().contains("3:22:13"));
    assert!(desk.model.deadline() > desk.now);
}

#[test]
fn keys_end_it_from_everywhere() {
    for before in ["", "?", "/x", "x", "K", "↵"] {
        let mut desk = Desk::of(fleet());
        desk.types(before).effects();
        desk.model
            .handle(desk.now, Input::Key(Key::Ctrl('c')), &mut desk.effects);
        assert_eq!(desk.effects(), [Effect::Quit], "after {before}");
    }
    let mut desk = Desk::of(fleet());
    desk.types("q");
    assert_eq!(desk.effects(), [Effect::Quit]);
}

#[test]
fn the_manual_shows_what_is_drawn() {
    let mut desk = Desk::of(fleet());
    desk.resize(100, 20);
    desk.types("jjl");
    desk.hear(News::Log(LogNews::Begun));
    let log =
        "GET /orders/17 200\nGET /orders/18 200\nPOST /orders 500\nSegmentation fault in line 71\n";
    desk.hear(News::Log(LogNews::Added(log.to_owned())));
    let manual = include_str!("../../../../docs/supervisorctl-top.md");
    let screen = desk.screen();
    assert!(
        manual.contains(&screen),
        "docs/supervisorctl-top.md does not show\n{screen}"
    );
}
