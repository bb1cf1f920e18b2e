use std::iter;

use minder_core::{GroupId, ProcessId, Signal};
use proptest::prelude::*;

use super::chronicle::Chronicle;
use super::*;
use crate::link::moment;
use crate::testing::Keeper;

const START: u64 = 5_000_000;

fn wall(secs: u64) -> Wall {
    Wall(Duration::from_secs(secs))
}

fn at_start() -> minder_core::Now {
    moment(1, START * 1000)
}

fn key(name: &str) -> Key {
    Key {
        group: "g".into(),
        name: name.into(),
    }
}

fn announced(name: &str, from: ProcessState, to: Entered) -> minder_core::Effect {
    minder_core::Effect::Announce(Event::ProcessState {
        process: ProcessId(1),
        name: name.into(),
        group: "g".into(),
        from,
        to,
    })
}

/// A process that is started, comes up, and ends by itself with `status`.
fn life(chronicle: &mut Chronicle, at: u64, status: ExitStatus, expected: bool) {
    use ProcessState::{Running, Starting, Stopped};
    let (pid, tries) = (7, 0);
    chronicle.observe(
        &announced("p", Stopped, Entered::Starting { tries }),
        wall(at),
    );
    chronicle.observe(
        &announced("p", Starting, Entered::Running { pid }),
        wall(at),
    );
    chronicle.ending(ProcessId(1), Ending::Exited(status));
    let exited = Entered::Exited { pid, expected };
    chronicle.observe(&announced("p", Running, exited), wall(at + 1));
}

fn publish(chronicle: &mut Chronicle, link: &mut crate::link::Link) {
    chronicle.publish(iter::empty(), wall(9), link).unwrap();
}

#[test]
fn an_end_is_told_by_what_led_to_it() {
    use ProcessState::{Backoff, Running, Starting, Stopping};
    let code = |code| Some(Ending::Exited(ExitStatus::Code(code)));
    let killed = || {
        Some(Ending::Exited(ExitStatus::Signal {
            signal: Signal::KILL,
            core_dumped: false,
        }))
    };
    let starved = || match killed() {
        Some(Ending::Exited(status)) => Some(Ending::OutOfMemory(status)),
        other => other,
    };
    let exited = |expected| Entered::Exited { pid: 7, expected };
    for (from, to, ending, reason) in [
        (Running, exited(true), code(0), Some(Reason::Expected)),
        (Running, exited(false), code(3), Some(Reason::Unexpected)),
        (Running, exited(false), killed(), Some(Reason::Signal)),
        (Running, exited(false), starved(), Some(Reason::OutOfMemory)),
        (
            Starting,
            Entered::Backoff { tries: 1 },
            starved(),
            Some(Reason::OutOfMemory),
        ),
        (
            Stopping,
            Entered::Stopped { pid: 7 },
            starved(),
            Some(Reason::Stopped),
        ),
        (Running, exited(false), None, Some(Reason::Unknown)),
        (
            Starting,
            Entered::Backoff { tries: 1 },
            code(0),
            Some(Reason::TooQuick),
        ),
        (
            Starting,
            Entered::Backoff { tries: 1 },
            Some(Ending::NotMade("why".into())),
            Some(Reason::SpawnError),
        ),
        (
            Stopping,
            Entered::Stopped { pid: 7 },
            killed(),
            Some(Reason::Stopped),
        ),
        (Backoff, Entered::Stopped { pid: 0 }, None, None),
        (Backoff, Entered::Fatal, None, None),
        (Starting, Entered::Running { pid: 7 }, None, None),
    ] {
        let told = end(from, to, ending.clone());
        assert_eq!(
            told.map(|end| end.reason),
            reason,
            "{from:?} {to:?} {ending:?}"
        );
    }
}

#[test]
fn counts_and_numbers_go_on_over_daemons() {
    let (mut link, mut keeper) = Keeper::new();
    let mut chronicle = Chronicle::begin(&mut BTreeMap::new(), at_start());
    assert_eq!(chronicle.history().last(), START - 1);
    life(&mut chronicle, 1, ExitStatus::Code(3), false);
    publish(&mut chronicle, &mut link);
    keeper.obey();
    let before = chronicle.history();
    assert_eq!(before.last(), START + 2);

    let mut next = Chronicle::begin(&mut keeper.copies(), at_start());
    let history = next.history();
    assert_eq!(*history.lock(), *before.lock());
    life(&mut next, 2, ExitStatus::Code(0), true);
    publish(&mut next, &mut link);
    assert_eq!(keeper.obey(), 0, "the same file goes on");
    let record = history.record("g", "p").unwrap();
    assert_eq!((record.starts, record.changes.len()), (2, 6));
    assert_eq!(record.ends[Reason::Unexpected as usize], 1);
    assert_eq!(record.ends[Reason::Expected as usize], 1);
    let third = Chronicle::begin(&mut keeper.copies(), at_start());
    assert_eq!(*third.history().lock(), *history.lock());
}

#[test]
fn of_a_program_that_talks_without_end_a_part_is_told() {
    let (mut link, mut keeper) = Keeper::new();
    let mut chronicle = Chronicle::begin(&mut BTreeMap::new(), at_start());
    let mut say = |name: &str, data: &[u8], at| {
        let (channel, said) = (Channel::Stderr, Said::Communication);
        chronicle.said(key(name), channel, said, data, wall(at));
    };
    for _ in 0..30 {
        say("loud", &[b'x'; 5000], 0);
    }
    say("quiet", b"\xff", 1);
    say("loud", b"again", 60);
    publish(&mut chronicle, &mut link);
    let told = chronicle.history().newest(u64::MAX, 100, |_| true);
    let told = told.iter().map(|it| match &it.what {
        What::Said { key, data, .. } => (key.name.to_string(), data.to_string()),
        other => panic!("{other:?}"),
    });
    let told: Vec<_> = told.collect();
    assert_eq!(told.len(), 22);
    assert_eq!(told[0], ("loud".to_owned(), "again".to_owned()));
    assert_eq!(told[1], ("quiet".to_owned(), "\u{fffd}".to_owned()));
    assert_eq!(told[2].1.len(), TEXT);
    keeper.obey();
    let next = Chronicle::begin(&mut keeper.copies(), at_start());
    assert_eq!(*next.history().lock(), *chronicle.history().lock());
}

#[test]
fn a_clock_that_is_set_back_silences_nobody() {
    let (mut link, _keeper) = Keeper::new();
    let mut chronicle = Chronicle::begin(&mut BTreeMap::new(), at_start());
    for (data, at) in [(b"before", 86_400); 30]
        .into_iter()
        .chain([(b"behind", 0)])
    {
        let (channel, said) = (Channel::Stdout, Said::Log);
        chronicle.said(key("loud"), channel, said, data, wall(at));
    }
    publish(&mut chronicle, &mut link);
    let last = chronicle.history().newest(u64::MAX, 1, |_| true);
    assert!(matches!(&last[0].what, What::Said { data, .. } if **data == *"behind"));
}

#[test]
fn an_entry_that_is_not_whole_is_as_if_it_had_not_been() {
    let mut content = Content {
        next: 1,
        ..Content::default()
    };
    let mut bytes = journal::whole(&content);
    let mut ends = vec![bytes.len()];
    let mut states = vec![content.clone()];
    for id in 1..4 {
        let event = Happened {
            id,
            at: wall(id),
            what: What::Remote {
                kind: "kind".into(),
                data: "data".into(),
            },
        };
        bytes.extend(journal::event(&event));
        content.add(event);
        ends.push(bytes.len());
        states.push(content.clone());
    }
    for cut in ends[0]..=bytes.len() {
        let whole = ends.iter().rposition(|end| *end <= cut).unwrap();
        assert_eq!(
            journal::read(&bytes[..cut]),
            (states[whole].clone(), ends[whole])
        );
    }
    for flipped in ends[2]..bytes.len() {
        let mut bad = bytes.clone();
        bad[flipped] ^= 1;
        assert_eq!(journal::read(&bad).1, ends[2]);
    }
}

#[test]
fn what_is_written_anew_amounts_to_the_same() {
    let (mut link, mut keeper) = Keeper::new();
    let mut chronicle = Chronicle::begin(&mut BTreeMap::new(), at_start());
    let rounds = u64::try_from(2 * EVENTS).unwrap();
    for round in 0..rounds {
        life(&mut chronicle, round, ExitStatus::Unknown, false);
        publish(&mut chronicle, &mut link);
    }
    assert!(keeper.obey() > 1, "it was written anew");
    let history = chronicle.history();
    let content = history.lock().clone();
    assert_eq!(
        (content.events.len(), content.next),
        (EVENTS, START + 3 * rounds)
    );
    assert_eq!(content.records[&key("p")].changes.len(), CHANGES);
    let next = Chronicle::begin(&mut keeper.copies(), at_start());
    assert_eq!(*next.history().lock(), content);
}

#[test]
fn where_children_begin_is_known_to_the_next_daemon() {
    let (mut link, mut keeper) = Keeper::new();
    let mut chronicle = Chronicle::begin(&mut BTreeMap::new(), at_start());
    let begun = |offset| Begun {
        at: wall(offset),
        pid: 7,
        channel: Channel::Stderr,
        file: 1 << 60,
        offset,
    };
    life(&mut chronicle, 1, ExitStatus::Code(0), true);
    chronicle.begun(key("p"), begun(1));
    publish(&mut chronicle, &mut link);
    // Even if nothing else has happened, and of no process that is not known.
    let rounds = u64::try_from(BEGUN).unwrap();
    for offset in 2..=rounds + 1 {
        chronicle.begun(key("p"), begun(offset));
        chronicle.begun(key("q"), begun(offset));
        publish(&mut chronicle, &mut link);
    }
    keeper.obey();
    let content = chronicle.history().lock().clone();
    let kept: Vec<_> = content.records[&key("p")].begun.iter().copied().collect();
    assert_eq!(kept, (2..=rounds + 1).map(begun).collect::<Vec<_>>());
    assert!(!content.records.contains_key(&key("q")));
    let next = Chronicle::begin(&mut keeper.copies(), at_start());
    assert_eq!(*next.history().lock(), content);
    // The same if all is written down anew, and nothing of it if an earlier release has written it.
    let (whole, _) = journal::read(&journal::whole(&content));
    assert_eq!(whole, content);
}

#[test]
fn a_reader_goes_on_where_it_was_or_is_told_that_it_cannot() {
    let (mut link, _keeper) = Keeper::new();
    let mut chronicle = Chronicle::begin(&mut BTreeMap::new(), at_start());
    let history = chronicle.history();
    let ids = |since| -> Vec<u64> {
        match since {
            Since::Events(events) => events.iter().map(|event| event.id - START).collect(),
            Since::Gap(last) => panic!("a gap up to {last}"),
        }
    };
    assert_eq!(ids(history.since(START - 1, 9)), [0; 0]);
    life(&mut chronicle, 1, ExitStatus::Code(0), true);
    publish(&mut chronicle, &mut link);
    assert_eq!(ids(history.since(START - 1, 9)), [0, 1, 2]);
    assert_eq!(ids(history.since(START, 1)), [1]);
    assert_eq!(ids(history.since(START + 2, 9)), [0; 0]);
    for unknown in [0, START - 2, START + 3, u64::MAX] {
        assert_eq!(history.since(unknown, 9), Since::Gap(START + 2));
    }
    let newest = history.newest(START + 2, 9, |event| event.id > START);
    assert_eq!(newest.len(), 1);
}

#[test]
fn what_comes_back_goes_on_and_the_others_are_forgotten_in_time() {
    let (mut link, _keeper) = Keeper::new();
    let mut chronicle = Chronicle::begin(&mut BTreeMap::new(), at_start());
    life(&mut chronicle, 1, ExitStatus::Code(0), true);
    let removed = || minder_core::Effect::Announce(Event::GroupRemoved("g".into()));
    chronicle.observe(&removed(), wall(2));
    publish(&mut chronicle, &mut link);
    let history = chronicle.history();
    assert!(history.records(|_| ()).is_empty());
    life(&mut chronicle, 3, ExitStatus::Code(0), true);
    publish(&mut chronicle, &mut link);
    assert_eq!(history.records(|record| record.starts)[&key("p")], 2);
    assert!(history.lock().gone.is_empty());

    for number in 0..2 * GONE {
        let name = number.to_string();
        let starting = Entered::Starting { tries: 0 };
        chronicle.observe(&announced(&name, ProcessState::Stopped, starting), wall(4));
    }
    chronicle.observe(&removed(), wall(5));
    chronicle.observe(
        &minder_core::Effect::GroupRemoved { id: GroupId(1) },
        wall(5),
    );
    publish(&mut chronicle, &mut link);
    assert_eq!(history.lock().records.len(), GONE);
}

#[test]
fn a_process_flaps_for_as_long_as_that_is_news() {
    let (mut link, _keeper) = Keeper::new();
    let mut chronicle = Chronicle::begin(&mut BTreeMap::new(), at_start());
    life(&mut chronicle, 0, ExitStatus::Code(1), false);
    life(&mut chronicle, 500, ExitStatus::Code(0), true);
    life(&mut chronicle, 598, ExitStatus::Code(1), false);
    publish(&mut chronicle, &mut link);
    let record = || chronicle_record(&chronicle.history());
    assert!(!record().is_flapping(wall(600)), "two are not enough");
    life(&mut chronicle, 600, ExitStatus::Code(1), false);
    publish(&mut chronicle, &mut link);
    let record = chronicle_record(&chronicle.history());
    assert!(record.is_flapping(wall(601)));
    assert!(record.is_flapping(wall(2401)));
    assert!(!record.is_flapping(wall(2402)));
    assert_eq!(record.restarts_since(wall(0)), 3);
    assert_eq!(record.restarts_since(wall(598)), 2);
}

fn chronicle_record(history: &History) -> Record {
    history.record("g", "p").unwrap()
}

proptest! {
    #[test]
    fn what_is_left_by_whomever_is_read_without_harm(
        noise in prop::collection::vec(any::<u8>(), 0..200),
        sort in 0u8..6,
        cut in 0usize..2000,
    ) {
        // Bytes of any sort, as they are and behind a head that makes an entry of them.
        let mut entry = vec![sort];
        entry.extend_from_slice(&noise);
        let mut framed = u32::try_from(entry.len()).unwrap().to_le_bytes().to_vec();
        framed.extend(crc32fast::hash(&entry).to_le_bytes());
        framed.extend(entry);
        let mut content = Content { next: 1, ..Content::default() };
        content.add(Happened { id: 1, at: wall(1), what: What::Running });
        let good = journal::whole(&content);
        for bytes in [&noise, &framed, &[&good[..cut.min(good.len())], &framed].concat()] {
            let (read, end) = journal::read(bytes);
            prop_assert!(end <= bytes.len());
            prop_assert!(read.events.len() <= EVENTS);
            // What was read can be written down and read again.
            if read.next > 0 {
                let again = journal::read(&journal::whole(&read)).0;
                prop_assert_eq!(again.events, read.events);
            }
        }
    }
}
