//! What listeners are told, to the byte, and what becomes of it.

use alloc::format;

use super::*;
use crate::Signal;
use crate::event::{Channel, Said};
use crate::listener::State;
use crate::snapshot::Inherited;
use crate::spec::AutoRestart;
use crate::testing::{at_once, pool, pool_of};

impl World {
    fn said(&mut self, now: Now, child: u64, words: &str) -> Vec<String> {
        let (child, bytes) = (ChildId(child), words.as_bytes().to_vec());
        self.give(now, Input::ListenerSaid { child, bytes })
    }

    fn remote(&mut self, now: Now, data: &str) -> Vec<String> {
        let (kind, data) = ("k".into(), data.into());
        self.give(now, Input::RemoteCommunication { kind, data })
    }

    fn program_said(&mut self, child: u64, channel: Channel, what: Said, data: &[u8]) {
        let input = Input::Said {
            child: ChildId(child),
            channel,
            what,
            data: data.to_vec(),
        };
        self.core.handle(at(3000), input, &mut self.fx);
    }

    /// Everything that a listener is told which takes all it is told, from now on.
    fn listen(&mut self, now: Now, child: u64) -> Vec<String> {
        let mut heard = Vec::new();
        self.told();
        loop {
            let told = self.said(now, child, "RESULT 2\nOKREADY\n");
            if told.is_empty() {
                return heard;
            }
            heard.extend(told);
        }
    }

    /// Only what is delivered.
    fn deliveries(told: Vec<String>) -> Vec<String> {
        let is_delivery = |line: &String| line.starts_with("delivery");
        told.into_iter().filter(is_delivery).collect()
    }
}

/// The head of the first delivery of the first event of pool `l`, up to its name.
fn head(delivery: u64, child: u64, serial: u64, pool_serial: u64) -> String {
    format!(
        "delivery {delivery} to {child}: ver:3.0 server:supervisor serial:{serial} pool:l \
         poolserial:{pool_serial} eventname:"
    )
}

fn remote_event(delivery: u64, child: u64, serial: u64, pool_serial: u64, data: &str) -> String {
    let length = "type:k\n".len() + data.len();
    let head = head(delivery, child, serial, pool_serial);
    format!("{head}REMOTE_COMMUNICATION len:{length}\ntype:k\n{data}")
}

/// A pool `l` of these listeners for remote communication, each running and ready.
fn listening(buffer_size: impl Into<Option<usize>>, listeners: &[&str]) -> World {
    let specs: Vec<_> = listeners.iter().map(|name| at_once(name)).collect();
    let spec = pool_of("l", buffer_size.into(), &["REMOTE_COMMUNICATION"], &specs);
    let mut world = World::start(at(0), &[spec]);
    for child in (1..).take(listeners.len()) {
        world.spawned(at(1), child);
    }
    for child in (1..).take(listeners.len()) {
        world.said(at(2), child, "READY\n");
    }
    world.told();
    world
}

#[test]
fn a_day_is_told_to_the_byte() {
    let mut world = the_daemon_starts();
    programs_and_clients_speak(&mut world);
    time_passes(&mut world);
    a_group_goes_and_comes(&mut world);
    everything_stops(&mut world);
}

/// What listeners are told of the states of `cat` begins so.
const CAT: &str = "processname:cat groupname:cat from_state";

fn the_daemon_starts() -> World {
    let cat = group("cat", &[program("cat")]);
    let all = pool("l", 100, &["EVENT"], &[at_once("l")]);
    let mut world = World::start(at(0), &[cat, all]);
    world.spawned(at(1), 1);
    world.spawned(at(2), 2);
    let first = World::deliveries(world.said(at(3), 1, "READY\n"));
    assert_eq!(
        first,
        [head(1, 1, 0, 0) + "PROCESS_GROUP_ADDED len:12\ngroupname:l\n"]
    );
    assert_eq!(
        world.listen(at(4), 1),
        [
            head(2, 1, 1, 1) + "PROCESS_GROUP_ADDED len:14\ngroupname:cat\n",
            head(3, 1, 2, 2) + "SUPERVISOR_STATE_CHANGE_RUNNING len:0\n",
            head(4, 1, 3, 3)
                + "PROCESS_STATE_STARTING len:52\n\
                   processname:l groupname:l from_state:STOPPED tries:0",
            head(5, 1, 4, 4) + "PROCESS_STATE_STARTING len:56\n" + CAT + ":STOPPED tries:0",
            head(6, 1, 5, 5)
                + "PROCESS_STATE_RUNNING len:53\n\
                   processname:l groupname:l from_state:STARTING pid:101",
        ]
    );
    assert_eq!(
        World::deliveries(world.due(at(1000))),
        [head(7, 1, 6, 6) + "PROCESS_STATE_RUNNING len:57\n" + CAT + ":STARTING pid:102"]
    );
    world
}

fn programs_and_clients_speak(world: &mut World) {
    world.program_said(2, Channel::Stdout, Said::Log, "héllo\n".as_bytes());
    world.program_said(2, Channel::Stderr, Said::Log, b"x\xe9\n");
    world.program_said(2, Channel::Stdout, Said::Communication, b"a\nb");
    world.program_said(2, Channel::Stderr, Said::Communication, b"");
    let (kind, data) = ("é ☃".into(), "größe".into());
    world.give(at(3000), Input::RemoteCommunication { kind, data });
    let said = "processname:cat groupname:cat pid:102";
    assert_eq!(
        world.listen(at(3000), 1),
        [
            head(8, 1, 7, 7) + "PROCESS_LOG_STDOUT len:59\n" + said + " channel:stdout\nhéllo\n",
            head(9, 1, 8, 8)
                + "PROCESS_LOG_STDERR len:76\n"
                + said
                + " channel:stderr\nUndecodable: b'x\\xe9\\n'",
            head(10, 1, 9, 9) + "PROCESS_COMMUNICATION_STDOUT len:41\n" + said + "\na\nb",
            head(11, 1, 10, 10) + "PROCESS_COMMUNICATION_STDERR len:38\n" + said + "\n",
            head(12, 1, 11, 11) + "REMOTE_COMMUNICATION len:14\ntype:é ☃\ngröße",
        ]
    );
}

fn time_passes(world: &mut World) {
    assert_eq!(world.core.deadline(), Some(at(5000).mono));
    assert_eq!(
        World::deliveries(world.due(at(5000))),
        [head(13, 1, 12, 12) + "TICK_5 len:12\nwhen:1000005"]
    );
    world.due(at(20_000));
    assert_eq!(
        world.listen(at(20_001), 1),
        [
            head(14, 1, 13, 13) + "TICK_5 len:12\nwhen:1000020",
            head(15, 1, 14, 14) + "TICK_60 len:12\nwhen:1000020",
        ]
    );
}

fn a_group_goes_and_comes(world: &mut World) {
    world.ask(at(21_000), stop_request("cat", false));
    world.exited(at(21_001), 2, 0);
    let name = String::from("cat");
    world.ask(at(21_002), Request::RemoveGroup { name: name.clone() });
    world.ask(at(21_003), Request::AddGroup { name });
    world.spawned(at(21_004), 3);
    world.due(at(22_003));
    world.exited(at(22_500), 3, 0);
    assert_eq!(
        world.listen(at(23_000), 1),
        [
            head(17, 1, 16, 16) + "PROCESS_STATE_STOPPED len:57\n" + CAT + ":STOPPING pid:102",
            head(18, 1, 17, 17) + "PROCESS_GROUP_REMOVED len:14\ngroupname:cat\n",
            head(19, 1, 18, 18) + "PROCESS_GROUP_ADDED len:14\ngroupname:cat\n",
            head(20, 1, 19, 19) + "PROCESS_STATE_STARTING len:56\n" + CAT + ":STOPPED tries:0",
            head(21, 1, 20, 20) + "PROCESS_STATE_RUNNING len:57\n" + CAT + ":STARTING pid:103",
            head(22, 1, 21, 21)
                + "PROCESS_STATE_EXITED len:67\n"
                + CAT
                + ":RUNNING expected:1 pid:103",
        ]
    );
}

fn everything_stops(world: &mut World) {
    world.ask(at(23_500), start_request("cat", false));
    world.spawned(at(23_501), 4);
    world.due(at(24_500));
    world.listen(at(24_600), 1);
    assert_eq!(
        world.give(at(24_700), Input::Signalled(Signal::TERM)),
        [
            "WARN received SIGTERM indicating exit request".into(),
            "SUPERVISOR_STOPPING".into(),
            head(25, 1, 24, 24) + "SUPERVISOR_STATE_CHANGE_STOPPING len:0\n",
            "cat STOPPING from:RUNNING pid:104".into(),
            "SIGTERM to child 4".into(),
            "INFO waiting for l, cat to die".into(),
        ]
    );
    assert_eq!(
        world.listen(at(24_701), 1),
        [head(26, 1, 25, 25) + "PROCESS_STATE_STOPPING len:56\n" + CAT + ":RUNNING pid:104"]
    );
    // Who stops last still hears of the others, and may answer.
    assert_eq!(
        world.killed(at(24_702), 4, Signal::TERM),
        [
            "cat STOPPED from:STOPPING pid:104".into(),
            "WARN stopped: cat (terminated by SIGTERM)".into(),
            head(27, 1, 26, 26) + "PROCESS_STATE_STOPPED len:57\n" + CAT + ":STOPPING pid:104",
        ]
    );
    assert_eq!(
        world.said(at(24_703), 1, "RESULT 2\nOKREADY\n"),
        ["l STOPPING from:RUNNING pid:101", "SIGTERM to child 1"]
    );
    assert_eq!(
        world.killed(at(24_704), 1, Signal::TERM),
        [
            "l STOPPED from:STOPPING pid:101",
            "WARN stopped: l (terminated by SIGTERM)",
            "exit",
        ]
    );
}

#[test]
fn a_listener_that_does_not_answer_the_news_of_the_end_is_stopped_after_a_second() {
    let spec = pool(
        "l",
        10,
        &["SUPERVISOR_STATE_CHANGE_STOPPING"],
        &[at_once("l")],
    );
    let mut world = World::start(at(0), &[spec]);
    world.spawned(at(1), 1);
    world.said(at(2), 1, "READY\n");
    world.told();
    assert_eq!(
        World::deliveries(world.give(at(5000), Input::Signalled(Signal::TERM))),
        [head(1, 1, 0, 0) + "SUPERVISOR_STATE_CHANGE_STOPPING len:0\n"]
    );
    assert_eq!(world.core.deadline(), Some(at(6000).mono));
    assert_eq!(
        world.due(at(6000)),
        ["l STOPPING from:RUNNING pid:101", "SIGTERM to child 1"]
    );
}

#[test]
fn nothing_is_told_before_the_listener_has_stayed_up() {
    let spec = pool("l", 10, &["SUPERVISOR_STATE_CHANGE"], &[program("l")]);
    let mut world = World::start(at(0), &[spec]);
    world.spawned(at(1), 1);
    world.told();
    assert_eq!(world.said(at(2), 1, "READY\n"), [""; 0]);
    assert_eq!(
        World::deliveries(world.due(at(1000))),
        [head(1, 1, 0, 0) + "SUPERVISOR_STATE_CHANGE_RUNNING len:0\n"]
    );
}

#[test]
fn the_first_that_is_ready_is_told_and_the_next_only_while_it_is_busy() {
    let mut world = listening(10, &["a", "b"]);
    assert_eq!(world.remote(at(3), "1"), [remote_event(1, 1, 0, 0, "1")]);
    assert_eq!(world.remote(at(3), "2"), [remote_event(1, 2, 1, 1, "2")]);
    assert_eq!(world.remote(at(3), "3"), [""; 0]);
    assert_eq!(
        world.said(at(4), 2, "RESULT 2\nOKREADY\n"),
        [remote_event(2, 2, 2, 2, "3")]
    );
    world.said(at(4), 1, "RESULT 2\nOKREADY\n");
    world.said(at(4), 2, "RESULT 2\nOKREADY\n");
    assert_eq!(world.remote(at(5), "4"), [remote_event(2, 1, 3, 3, "4")]);
}

#[test]
fn a_full_pool_loses_its_oldest_event_and_says_so() {
    let mut world = listening(2, &["a"]);
    for data in ["1", "2", "3"] {
        world.remote(at(3), data);
    }
    assert_eq!(
        world.remote(at(3), "4"),
        ["ERRO pool l event buffer overflowed, discarding event 1"]
    );
    // What comes back needs room too.
    assert_eq!(
        world.said(at(4), 1, "RESULT 4\nFAIL"),
        [
            "WARN a: event was rejected",
            "ERRO pool l event buffer overflowed, discarding event 2",
        ]
    );
    assert_eq!(
        world.said(at(5), 1, "READY\n"),
        [remote_event(2, 1, 0, 0, "1")]
    );
    assert_eq!(world.listen(at(6), 1), [remote_event(3, 1, 3, 3, "4")]);
}

#[test]
fn large_events_leave_room_for_few() {
    let mut world = listening(100, &["a"]);
    world.remote(at(3), "first");
    let large = "x".repeat(crate::event::MAX_DATA);
    let fit = crate::pool::MAX_QUEUED / large.len() - 1;
    for _ in 0..fit {
        assert_eq!(world.remote(at(3), &large), [""; 0]);
    }
    assert_eq!(
        world.remote(at(3), &large),
        ["ERRO pool l event buffer overflowed, discarding event 1"]
    );
}

#[test]
fn without_a_size_so_many_bytes_may_wait_and_the_oldest_makes_room() {
    let mut world = listening(None, &["a"]);
    world.remote(at(3), "sent");
    let small = "x".repeat(1000);
    let counted = small.len() + "type:k\n".len() + crate::pool::EVENT_OVERHEAD;
    let fit = crate::pool::BUFFER_BYTES / counted;
    for _ in 0..fit {
        assert_eq!(world.remote(at(3), &small), [""; 0]);
    }
    assert_eq!(
        world.remote(at(3), &small),
        ["ERRO pool l event buffer overflowed, discarding event 1"]
    );
}

#[test]
fn without_a_size_ten_events_may_wait_however_large_they_are() {
    let mut world = listening(None, &["a"]);
    world.remote(at(3), "sent");
    let large = "x".repeat(crate::pool::BUFFER_BYTES / 2);
    for _ in 0..crate::pool::LEAST_EVENTS {
        assert_eq!(world.remote(at(3), &large), [""; 0]);
    }
    assert_eq!(
        world.remote(at(3), "next"),
        ["ERRO pool l event buffer overflowed, discarding event 1"]
    );
}

#[test]
fn a_rejected_event_is_told_again_as_it_was_and_to_no_other_pool() {
    let types = ["REMOTE_COMMUNICATION"];
    let pools = [
        pool("k", 10, &types, &[at_once("k")]),
        pool("l", 10, &types, &[at_once("l")]),
    ];
    let mut world = World::start(at(0), &pools);
    for child in [1, 2] {
        world.spawned(at(1), child);
    }
    for child in [1, 2] {
        world.said(at(2), child, "READY\n");
    }
    assert_eq!(world.remote(at(3), "1").len(), 2);
    world.remote(at(3), "2");
    assert_eq!(
        world.said(at(4), 2, "RESULT 4\nFAILREADY\n"),
        [
            "WARN l: event was rejected".into(),
            remote_event(2, 2, 0, 0, "1"),
        ]
    );
    assert_eq!(world.listen(at(5), 2), [remote_event(3, 2, 1, 1, "2")]);
    assert_eq!(world.listen(at(5), 1).len(), 1);
}

#[test]
fn a_listener_that_ends_with_an_event_gets_it_again_from_its_successor() {
    let mut spec = at_once("a");
    spec.autorestart = AutoRestart::Always;
    let spec = pool("l", 10, &["REMOTE_COMMUNICATION"], &[spec]);
    let mut world = World::start(at(0), &[spec]);
    world.spawned(at(1), 1);
    world.said(at(2), 1, "READY\n");
    world.remote(at(3), "1");
    world.remote(at(3), "2");
    world.said(at(4), 1, "RESULT 2\nO");
    world.exited(at(5), 1, 0);
    world.spawned(at(6), 2);
    world.told();
    assert_eq!(
        world.said(at(7), 2, "READY\n"),
        [remote_event(1, 2, 0, 0, "1")]
    );
    assert_eq!(world.listen(at(8), 2), [remote_event(2, 2, 1, 1, "2")]);
}

#[test]
fn who_breaks_the_protocol_runs_on_and_is_told_nothing() {
    let mut world = listening(10, &["a"]);
    world.remote(at(3), "1");
    assert_eq!(
        world.said(at(4), 1, "what?\n"),
        [
            "WARN a: bad result line: 'what?'",
            "WARN a: has entered the UNKNOWN state and will no longer receive events, this \
             usually indicates the process violated the eventlistener protocol",
        ]
    );
    assert_eq!(world.said(at(5), 1, "READY\n"), [""; 0]);
    assert_eq!(world.remote(at(5), "2"), [""; 0]);
}

#[test]
fn an_event_that_cannot_be_sent_goes_to_the_next() {
    let mut world = listening(10, &["a", "b"]);
    assert_eq!(world.remote(at(3), "1"), [remote_event(1, 1, 0, 0, "1")]);
    let deaf = Input::ListenerDeaf { child: ChildId(1) };
    assert_eq!(world.give(at(4), deaf), [remote_event(1, 2, 0, 0, "1")]);
    assert_eq!(world.remote(at(5), "2"), [""; 0]);
}

#[test]
fn an_event_is_told_once_for_each_subscription_that_it_matches() {
    let types = ["EVENT", "REMOTE_COMMUNICATION"];
    let spec = pool("l", 10, &types, &[at_once("l")]);
    let mut world = World::start(at(0), &[spec]);
    world.spawned(at(1), 1);
    world.said(at(1), 1, "READY\n");
    world.listen(at(1), 1);
    assert_eq!(world.remote(at(2), "1"), [remote_event(5, 1, 4, 4, "1")]);
    assert_eq!(world.listen(at(2), 1), [remote_event(6, 1, 4, 4, "1")]);
}

#[test]
fn an_event_that_nobody_asks_for_has_no_number_and_a_pool_hears_nothing_of_before() {
    let spec = pool("l", 10, &["PROCESS_GROUP"], &[at_once("l")]);
    let mut world = World::start(at(0), &[group("cat", &[program("cat")])]);
    world.spawned(at(1), 1);
    world.remote(at(2), "1");
    assert_eq!(world.core.snapshot().serial, 0);
    let groups = Vec::from([spec]);
    world.ask(at(3), Request::Reread { groups });
    let name = String::from("l");
    world.ask(at(3), Request::AddGroup { name: name.clone() });
    world.spawned(at(4), 2);
    assert_eq!(
        world.said(at(5), 2, "READY\n"),
        [head(1, 2, 0, 0) + "PROCESS_GROUP_ADDED len:12\ngroupname:l\n"]
    );
    world.ask(at(6), stop_request("l", false));
    world.exited(at(7), 2, 0);
    world.ask(at(8), Request::RemoveGroup { name: name.clone() });
    assert_eq!(world.core.snapshot().serial, 1);
    // Its own numbers begin anew, the daemon's go on.
    world.ask(at(9), Request::AddGroup { name });
    world.spawned(at(10), 3);
    assert_eq!(
        world.said(at(11), 3, "READY\n"),
        [head(1, 3, 1, 0) + "PROCESS_GROUP_ADDED len:12\ngroupname:l\n"]
    );
}

#[test]
fn nobody_is_woken_for_time_that_nobody_asks_for() {
    assert_eq!(listening(10, &["a"]).core.deadline(), None);
    let spec = pool("l", 10, &["TICK_60"], &[at_once("l")]);
    let mut world = World::start(at(0), &[spec]);
    world.spawned(at(1), 1);
    world.said(at(2), 1, "READY\n");
    assert_eq!(world.core.deadline(), Some(at(20_000).mono));
    world.due(at(20_000));
    assert_eq!(world.core.deadline(), Some(at(80_000).mono));
}

#[test]
fn a_pool_is_not_told_of_time_that_passed_before_it_was_there() {
    let ticks = pool("l", 10, &["TICK"], &[at_once("l")]);
    let mut world = World::start(at(0), &[]);
    let groups = Vec::from([ticks]);
    world.ask(at(61_000), Request::Reread { groups });
    let name = String::from("l");
    world.ask(at(122_000), Request::AddGroup { name });
    world.spawned(at(122_001), 1);
    assert_eq!(world.said(at(122_002), 1, "READY\n"), [""; 0]);
    assert_eq!(world.core.deadline(), Some(at(125_000).mono));
}

#[test]
fn what_is_in_flight_when_a_daemon_dies_is_asked_for_again_under_its_number() {
    let mut world = listening(10, &["a", "b"]);
    for data in ["1", "2", "3"] {
        world.remote(at(3), data);
    }
    world.said(at(4), 2, "RESULT");
    let inventory = [1, 2].map(|child| Inherited {
        signals: Signals::default(),
        child: ChildId(child),
        pid: 100,
        exited: None,
        namesake: None,
    });
    let snapshot = world.core.snapshot();
    let name = || "supervisor".into();
    world.core = Core::adopt(at(5), snapshot.clone(), &inventory, name(), &mut world.fx);
    let again = [remote_event(1, 1, 0, 0, "1"), remote_event(1, 2, 1, 1, "2")];
    assert_eq!(world.told(), again);
    assert_eq!(world.core.snapshot(), snapshot);
    assert_eq!(
        world.said(at(6), 2, " 2\nOKREADY\n"),
        [remote_event(2, 2, 2, 2, "3")]
    );

    // The keeper has lost one of them.
    world.core = Core::adopt(at(7), snapshot, &inventory[..1], name(), &mut world.fx);
    let told = World::deliveries(world.told());
    assert_eq!(told, again[..1]);
    let left = world.core.snapshot().groups[0].pool.clone().unwrap();
    let waiting: Vec<u64> = left.queue.iter().map(|event| event.serial).collect();
    assert_eq!(waiting, [1, 2]);
    assert!(matches!(
        left.listeners[0].as_ref().map(|listener| &listener.state),
        Some(State::Busy { .. })
    ));
}

#[test]
fn nothing_is_sent_to_a_listener_that_the_keeper_has_lost() {
    let mut world = listening(10, &["a", "b"]);
    world.remote(at(3), "1");
    let snapshot = world.core.snapshot();
    world.core = Core::adopt(at(4), snapshot, &[], "supervisor".into(), &mut world.fx);
    let told = World::deliveries(world.told());
    assert_eq!(told, [""; 0]);
    assert_eq!(
        world.core.snapshot().groups[0]
            .pool
            .clone()
            .unwrap()
            .queue
            .len(),
        1
    );
}

#[test]
fn serials_go_on_after_a_restart_and_begin_anew_after_the_largest() {
    let spec = pool("l", 10, &["REMOTE_COMMUNICATION"], &[at_once("l")]);
    let last = i64::MAX.unsigned_abs();
    let mut fx = Effects::new();
    let mut core = Core::start(at(0), Vec::from([spec]), "s".into(), last, &mut fx);
    for next in [0, 1] {
        let (kind, data) = ("k".into(), "1".into());
        core.handle(at(1), Input::RemoteCommunication { kind, data }, &mut fx);
        assert_eq!(core.snapshot().serial, next);
    }
}
