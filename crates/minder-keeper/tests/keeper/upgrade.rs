//! Another program in the keeper's place.

use std::collections::BTreeMap;
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::ffi::OsStrExt;
use std::process::Command;

use minder_os::memfd;
use minder_wire::{
    ChildState, Departure, FORMAT, Handover, LastUpgrade, Launch, Stream, ToDaemon, ToKeeper,
    UpgradeOutcome,
};
use rustix::fs::fstat;
use rustix::io::{FdFlags, fcntl_setfd};
use rustix::process::Signal;

use super::stage::{Daemon, Item, Stage, read_line, shell};

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Has the daemon leave for the program that is installed.
fn upgrade(mut daemon: Daemon) {
    daemon.send(&ToKeeper::Upgrade);
    let to = VERSION.as_bytes().to_vec();
    assert_eq!(daemon.hear(), ToDaemon::UpgradePossible { to });
    daemon.leave(Departure::Upgrade);
}

/// Has the daemon ask for an upgrade that is refused. Returns why.
fn refused(daemon: &mut Daemon) -> String {
    daemon.send(&ToKeeper::Upgrade);
    match daemon.hear() {
        ToDaemon::UpgradeRefused { why } => String::from_utf8(why).unwrap(),
        other => panic!("not refused: {other:?}"),
    }
}

/// What the keeper tells of the latest upgrade.
fn last_upgrade(daemon: &mut Daemon) -> Option<LastUpgrade> {
    match daemon.hello() {
        ToDaemon::Welcome { upgrade, .. } => upgrade,
        other => panic!("no welcome: {other:?}"),
    }
}

/// What became of the latest upgrade, and why.
fn outcome(daemon: &mut Daemon) -> (UpgradeOutcome, String) {
    let upgrade = last_upgrade(daemon).expect("there was one");
    (upgrade.outcome, String::from_utf8(upgrade.why).unwrap())
}

/// The messages of an inventory, with the numbers of the files that ride beside.
fn files((message, beside): &Item) -> (ToDaemon, Vec<u64>) {
    let files = beside.iter().map(|fd| fstat(fd).unwrap().st_ino);
    (message.clone(), files.collect())
}

pub(crate) fn everything_is_handed_over_to_the_next_program() {
    let (stage, mut daemon) = Stage::ready();
    let limit = "read line; echo $line; ulimit -n; exit 3";
    let mut child = daemon.spawn(shell(limit));
    let _other = daemon.spawn(shell("read line"));
    let (held, _writer) = rustix::pipe::pipe().unwrap();
    for name in ["one", "two"] {
        let name = name.as_bytes().to_vec();
        daemon.send_beside(&ToKeeper::Hold { name }, &[held.as_fd()]);
    }
    let before: Vec<_> = daemon.attach().iter().map(files).collect();
    let pid = stage.keeper_pid().as_raw_nonzero();
    let seen = |file| std::fs::read_to_string(format!("/proc/{pid}/{file}")).unwrap();
    let seen_before = ["comm", "cmdline", "oom_score_adj"].map(seen);
    stage.install_copy();
    assert_ne!(stage.runs(), stage.installed());
    upgrade(daemon);

    let mut next = stage.next_daemon();
    assert_eq!(stage.runs(), stage.installed());
    assert_eq!(["comm", "cmdline", "oom_score_adj"].map(seen), seen_before);
    let ToDaemon::Welcome {
        generation,
        restarts,
        last_end,
        upgrade: Some(told),
        ..
    } = next.hello()
    else {
        panic!("no welcome");
    };
    assert_eq!((generation, restarts, last_end), (1, 0, None));
    let expected = LastUpgrade {
        outcome: UpgradeOutcome::Trying,
        from: VERSION.into(),
        to: VERSION.into(),
        why: Vec::new(),
        is_news: true,
    };
    assert_eq!(told, expected);
    let after: Vec<_> = next.attach().iter().map(files).collect();
    assert_eq!(after, before);
    next.send(&ToKeeper::Ready);
    let done = LastUpgrade {
        outcome: UpgradeOutcome::Done,
        is_news: false,
        ..expected
    };
    assert_eq!(last_upgrade(&mut next), Some(done));
    next.attach();

    // The pipes are the same ones, and what the child may open is what the first keeper could.
    rustix::io::write(child.take(Stream::Stdin), b"words\n").unwrap();
    let output = child.take(Stream::Stdout);
    assert_eq!(read_line(&output), "words");
    assert_eq!(read_line(&output), super::stage::OPEN_FILES.to_string());
    assert_eq!(next.exited(), (1, 3 << 8));
    let mut later = next.spawn_as(9, shell("ulimit -n"));
    assert_eq!(
        later.output(Stream::Stdout),
        format!("{}\n", super::stage::OPEN_FILES)
    );
    assert_eq!(next.exited(), (9, 0));
}

pub(crate) fn ends_during_an_upgrade_are_told_once_and_exactly() {
    let (stage, mut daemon) = Stage::ready();
    let expected: BTreeMap<u64, i32> = (1..=60)
        .map(|id| (id, i32::try_from(id).unwrap()))
        .collect();
    let mut children = Vec::new();
    for id in expected.keys() {
        children.push(daemon.spawn_as(*id, shell(&format!("read line; exit {id}"))));
    }
    // All of them end about the time at which one keeper becomes the other.
    stage.install_copy();
    upgrade(daemon);
    for child in &mut children {
        rustix::io::write(child.take(Stream::Stdin), b"\n").unwrap();
    }
    let mut next = stage.next_daemon();
    let mut ends = BTreeMap::new();
    let mut running = 0;
    for (item, _) in next.attach() {
        match item {
            ToDaemon::Child {
                child,
                state: ChildState::Exited { status, .. },
                ..
            } => assert_eq!(ends.insert(child, status >> 8), None),
            ToDaemon::Child { .. } => running += 1,
            other => panic!("{other:?}"),
        }
    }
    for _ in 0..running {
        let (child, status) = next.exited();
        assert_eq!(ends.insert(child, status >> 8), None);
    }
    assert_eq!(ends, expected);
}

pub(crate) fn signals_during_an_upgrade_are_not_lost() {
    let (stage, mut daemon) = Stage::ready();
    stage.signal(Signal::HUP);
    assert_eq!(daemon.hear(), ToDaemon::Signalled { signal: 1 });
    stage.install_copy();
    upgrade(daemon);
    // Wherever the keeper is now.
    for signal in [Signal::TERM, Signal::USR2] {
        stage.signal(signal);
    }
    let mut next = stage.next_daemon();
    next.attach();
    assert_eq!(next.hear(), ToDaemon::Signalled { signal: 1 });
    let mut heard = [next.hear(), next.hear()];
    heard.sort_by_key(|told| format!("{told:?}"));
    let expected = [12, 15].map(|signal| ToDaemon::Signalled { signal });
    assert_eq!(heard, expected);
}

pub(crate) fn what_cannot_go_on_is_refused_and_nothing_given_up() {
    let (stage, mut daemon) = Stage::ready_in_foreground();
    let mut child = daemon.spawn(shell("read line; exit 5"));
    let before = stage.runs();
    let program = stage.program();
    let program = program.display();
    let cases: [(&[u8], &str); 6] = [
        (
            b"no program",
            "it cannot go on in our place (exit status 127): couldn't exec minder: ENOEXEC",
        ),
        (
            b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x02\0\xf3\0",
            "it cannot go on in our place (exit status 127): couldn't exec minder: ENOEXEC",
        ),
        (
            b"#!/bin/sh\nexit 0\n",
            "it cannot go on in our place (exit status 0), and does not say why",
        ),
        (
            b"#!/bin/sh\necho usage: minder; exit 2\n",
            "it cannot go on in our place (exit status 2): usage: minder",
        ),
        (
            b"#!/bin/sh\necho 'minder can go on: 9'; exit 1\n",
            "it cannot go on in our place (exit status 1): minder can go on: 9",
        ),
        (
            b"#!/bin/sh\nkill -9 $$\n",
            "it cannot go on in our place (terminated by signal 9), and does not say why",
        ),
    ];
    for (content, why) in cases {
        stage.install_content(content);
        let expected = format!("\"{program}\": {why}");
        assert_eq!(refused(&mut daemon), expected);
        assert_eq!(stage.complaint(), format!("upgrade refused: {expected}"));
    }
    std::fs::remove_file(stage.program()).unwrap();
    assert_eq!(
        refused(&mut daemon),
        format!("\"{program}\": No such file or directory (os error 2)")
    );
    std::fs::create_dir(stage.program()).unwrap();
    assert_eq!(
        refused(&mut daemon),
        format!("\"{program}\": it is no ordinary file")
    );
    assert_eq!(stage.runs(), before);
    rustix::io::write(child.take(Stream::Stdin), b"\n").unwrap();
    assert_eq!(daemon.exited(), (1, 5 << 8));
    let (outcome, why) = outcome(&mut daemon);
    assert_eq!(outcome, UpgradeOutcome::Refused);
    assert!(why.ends_with("it is no ordinary file"), "{why}");
}

pub(crate) fn a_daemon_that_dies_instead_of_leaving_is_replaced_by_one_of_the_same_program() {
    let (stage, mut daemon) = Stage::ready();
    let before = stage.runs();
    stage.install_copy();
    daemon.send(&ToKeeper::Upgrade);
    daemon.hear();
    daemon.crash();
    let mut next = stage.next_daemon();
    assert_eq!(last_upgrade(&mut next), None);
    assert_eq!(stage.runs(), before);
    // Nor does one of them leave for what it has not looked at.
    next.leave(Departure::Upgrade);
    assert_eq!(last_upgrade(&mut stage.next_daemon()), None);
    assert_eq!(stage.runs(), before);
}

pub(crate) fn a_program_whose_daemons_do_not_get_ready_is_left_again() {
    let (stage, mut daemon) = Stage::ready_in_foreground();
    let mut child = daemon.spawn(shell("read line; exit 5"));
    let inventory: Vec<_> = daemon.attach().iter().map(files).collect();
    let old = stage.runs();
    stage.install_copy();
    upgrade(daemon);
    for _ in 0..3 {
        let mut next = stage.next_daemon();
        assert_eq!(outcome(&mut next), (UpgradeOutcome::Trying, String::new()));
        assert_eq!(stage.runs(), stage.installed());
        next.crash();
        assert_eq!(
            stage.complaint(),
            "the daemon has ended (terminated by signal 9)"
        );
    }
    let mut next = stage.next_daemon();
    assert_eq!(stage.runs(), old);
    let why = "the daemon has ended (terminated by signal 9)".to_owned();
    assert_eq!(outcome(&mut next), (UpgradeOutcome::RolledBack, why));
    let left: Vec<_> = next.attach().iter().map(files).collect();
    assert_eq!(left, inventory);
    next.send(&ToKeeper::Ready);
    rustix::io::write(child.take(Stream::Stdin), b"\n").unwrap();
    assert_eq!(next.exited(), (1, 5 << 8));
    // It can be asked for again.
    upgrade(next);
    stage.next_daemon().attach();
    assert_eq!(stage.runs(), stage.installed());
}

pub(crate) fn a_program_is_left_again_whose_daemon_gives_up() {
    let (stage, daemon) = Stage::ready_in_foreground();
    let old = stage.runs();
    stage.install_copy();
    upgrade(daemon);
    for _ in 0..3 {
        stage.next_daemon().leave(Departure::Exit {
            code: 2,
            text: b"Error: no such option\nFor help, use it\n".to_vec(),
        });
    }
    let mut next = stage.next_daemon();
    assert_eq!(stage.runs(), old);
    let why = "the daemon has given up: Error: no such option".to_owned();
    assert_eq!(outcome(&mut next), (UpgradeOutcome::RolledBack, why));
}

pub(crate) fn daemons_that_do_not_stay_up_are_replaced_by_those_of_another_program() {
    let (stage, mut daemon) = Stage::ready();
    let mut child = daemon.spawn(shell("read line; exit 5"));
    let log = stage.log();
    let path = Some(log.as_os_str().as_bytes().to_vec());
    daemon.send(&ToKeeper::Log { path });
    let old = stage.runs();
    // The next daemon tells of the end of one that was ready.
    daemon.crash();
    for _ in 0..3 {
        assert_eq!(stage.runs(), old);
        stage.next_daemon().crash();
    }
    stage.install_copy();
    // One of the old program may have been started before.
    let mut next = stage.next_daemon();
    while stage.runs() == old {
        next.crash();
        next = stage.next_daemon();
    }
    assert_eq!(stage.runs(), stage.installed());
    assert_eq!(outcome(&mut next), (UpgradeOutcome::Trying, String::new()));
    let told = std::fs::read_to_string(&log).unwrap();
    let told: Vec<_> = told
        .lines()
        .map(|line| &line["YYYY-MM-DD HH:MM:SS,mmm ".len()..])
        .collect();
    let ended = "CRIT the daemon has ended (terminated by signal 9), and programs run on without \
                 it; another one is started ";
    assert_eq!(told[0], "log");
    let ends = &told[1..told.len() - 1];
    assert!(ends.len() >= 3, "{told:#?}");
    assert!(ends.iter().all(|line| line.starts_with(ended)), "{told:#?}");
    let program = stage.program();
    assert_eq!(
        told.last().map(|line| (*line).to_owned()),
        Some(format!(
            "CRIT no daemon stays up: trying \"{}\", which has been replaced",
            program.display()
        ))
    );
    assert_eq!(next.attach().len(), 1);
    next.send(&ToKeeper::Ready);
    rustix::io::write(child.take(Stream::Stdin), b"\n").unwrap();
    assert_eq!(next.exited(), (1, 5 << 8));
}

pub(crate) fn a_file_that_is_tried_in_vain_is_told_of_in_the_log() {
    let (stage, mut daemon) = Stage::ready();
    let mut child = daemon.spawn(shell("read line; exit 5"));
    let log = stage.log();
    let path = Some(log.as_os_str().as_bytes().to_vec());
    daemon.send(&ToKeeper::Log { path });
    let old = stage.runs();
    stage.install_content(b"no program");
    let told = || std::fs::read_to_string(&log).unwrap();
    while !told().contains("refused") {
        daemon.crash();
        daemon = stage.next_daemon();
    }
    let line = format!(
        "CRIT upgrade refused: \"{}\": it cannot go on in our place (exit status 127): couldn't \
         exec minder: ENOEXEC",
        stage.program().display()
    );
    // It is tried once.
    for _ in 0..3 {
        daemon.crash();
        daemon = stage.next_daemon();
    }
    let told = told();
    let refusals: Vec<_> = told
        .lines()
        .filter(|line| line.contains("refused"))
        .collect();
    assert_eq!(refusals.len(), 1);
    assert!(refusals[0].ends_with(&line), "{refusals:?}");
    assert_eq!(stage.runs(), old);
    daemon.attach();
    rustix::io::write(child.take(Stream::Stdin), b"\n").unwrap();
    assert_eq!(daemon.exited(), (1, 5 << 8));
}

pub(crate) fn a_program_that_was_left_is_not_tried_again_unasked() {
    let (stage, daemon) = Stage::ready();
    let old = stage.runs();
    stage.install_copy();
    upgrade(daemon);
    for _ in 0..3 {
        stage.next_daemon().crash();
    }
    for _ in 0..5 {
        let next = stage.next_daemon();
        assert_eq!(stage.runs(), old);
        next.crash();
    }
}

/// Shows a file in memory to this program, as a keeper does that is to be replaced. Returns what it
/// says, and its exit code.
fn shown(content: &[u8]) -> (String, Option<i32>) {
    let state = memfd::sealed("state", content).unwrap();
    fcntl_setfd(&state, FdFlags::empty()).unwrap();
    let output = Command::new(std::env::current_exe().unwrap())
        .env(
            minder_keeper::KEEPER_ENV,
            format!("check {}", state.as_raw_fd()),
        )
        .output()
        .unwrap();
    assert_eq!(output.stderr, b"");
    (
        String::from_utf8(output.stdout).unwrap(),
        output.status.code(),
    )
}

pub(crate) fn state_that_cannot_be_read_is_refused() {
    let sound = Handover::default().encode();
    let greeting = format!("minder can go on: {VERSION}\n");
    assert_eq!(shown(&sound), (greeting, Some(0)));

    let mut damaged = sound.clone();
    *damaged.last_mut().unwrap() ^= 1;
    let text = "the state that is handed over is damaged: its checksum does not match\n";
    assert_eq!(shown(&damaged), (text.to_owned(), Some(70)));

    let text = "the state that is handed over is damaged: frame of unknown kind 514\n";
    let foreign = Launch::default().encode();
    assert_eq!(shown(&foreign), (text.to_owned(), Some(70)));

    // The format and the oldest readers that understand it stand behind the head.
    let mut newer = sound;
    newer[12..16].copy_from_slice(&[9, 0, 8, 0]);
    let text = format!(
        "the state that is handed over is of format 9, for readers of format 8 or later; this one \
         reads format {FORMAT}\n"
    );
    assert_eq!(shown(&newer), (text, Some(70)));
}
