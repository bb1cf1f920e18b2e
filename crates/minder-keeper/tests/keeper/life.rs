//! The start, the end, and one daemon after the other.

use std::io::Read;
use std::os::fd::AsFd;

use minder_os::memfd;
use minder_wire::{Departure, GIVEN, HEIRLOOM, ToDaemon, ToKeeper, VERSION};
use rustix::event::PollFlags;
use rustix::process::Signal;

use super::stage::{NOTE, Stage, shell, wait_for};

/// Everything that whoever waits for the start is told.
fn report(stage: &mut Stage) -> Vec<u8> {
    let mut told = Vec::new();
    stage.report.read_to_end(&mut told).unwrap();
    told
}

pub(crate) fn the_start_is_reported_once_the_daemon_is_ready() {
    let (mut stage, _daemon) = Stage::ready();
    assert_eq!(report(&mut stage), [0]);
}

pub(crate) fn a_failed_start_reports_its_code_and_text() {
    let mut stage = Stage::new();
    let mut daemon = stage.next_daemon();
    daemon.attach();
    daemon.leave(Departure::Exit {
        code: 2,
        text: b"Error: no such file\n".to_vec(),
    });
    assert_eq!(report(&mut stage), b"\x02Error: no such file\n");
    assert_eq!(stage.end(), (Some(2), String::new()));
}

pub(crate) fn a_first_daemon_that_dies_at_once_ends_the_start() {
    let mut stage = Stage::new();
    stage.next_daemon().crash();
    let told = report(&mut stage);
    assert_eq!(told[0], 70);
    assert_eq!(
        &told[1..],
        b"the daemon has ended (terminated by signal 9)\n"
    );
    assert_eq!(stage.end().0, Some(70));
}

pub(crate) fn keeper_and_daemon_are_seen_under_their_names() {
    let (stage, daemon) = Stage::ready();
    let of = |pid: rustix::process::Pid, file| {
        let path = format!("/proc/{}/{file}", pid.as_raw_nonzero());
        std::fs::read_to_string(path).unwrap()
    };
    assert_eq!(of(stage.keeper_pid(), "comm"), "supervisord\n");
    assert!(of(stage.keeper_pid(), "cmdline").ends_with("\0-c\0supervisord.conf\0"));
    assert_eq!(of(daemon.pid, "cmdline"), "minder-daemon\0");
    assert!(!of(daemon.pid, "environ").contains(minder_keeper::KEEPER_ENV));
}

pub(crate) fn the_keepers_exit_code_is_the_daemons_wish() {
    let (stage, daemon) = Stage::ready();
    daemon.leave(Departure::Exit {
        code: 3,
        text: b"nobody waits for this any more".to_vec(),
    });
    assert_eq!(stage.end(), (Some(3), String::new()));
}

pub(crate) fn a_daemon_may_leave_without_having_read_its_answers() {
    let (stage, daemon) = Stage::ready();
    for _ in 0..3 {
        daemon.send(&ToKeeper::Next);
    }
    daemon.leave(Departure::Exit {
        code: 7,
        text: Vec::new(),
    });
    assert_eq!(stage.end(), (Some(7), String::new()));
}

pub(crate) fn a_daemon_that_dies_is_followed_by_another() {
    let stage = Stage::new();
    let mut daemon = stage.next_daemon();
    let welcome = |generation, last_end| ToDaemon::Welcome {
        version: VERSION,
        keeper_pid: stage.keeper_pid().as_raw_nonzero().get().unsigned_abs(),
        generation,
        restarts: 0,
        last_end,
        note: NOTE.to_vec(),
        upgrade: None,
    };
    assert_eq!(daemon.hello(), welcome(0, None));
    daemon.send(&ToKeeper::Ready);
    for generation in 1..=3 {
        daemon.crash();
        daemon = stage.next_daemon();
        assert_eq!(daemon.hello(), welcome(generation, Some(9)));
    }
}

pub(crate) fn a_restart_forgets_everything_but_the_heirloom() {
    let (stage, mut daemon) = Stage::ready();
    let _child = daemon.spawn(shell("read line"));
    let (held, _other) = rustix::pipe::pipe().unwrap();
    let name = b"kept".to_vec();
    daemon.send_beside(&ToKeeper::Hold { name }, &[held.as_fd()]);
    let heirloom = HEIRLOOM.to_vec();
    let name = heirloom.clone();
    daemon.send_beside(&ToKeeper::Hold { name }, &[held.as_fd()]);
    daemon.leave(Departure::Restart);
    let mut next = stage.next_daemon();
    let left: Vec<_> = next.attach().into_iter().map(|(item, _)| item).collect();
    assert_eq!(left, [ToDaemon::Held { name: heirloom }]);
    let ToDaemon::Welcome {
        generation,
        restarts,
        last_end,
        ..
    } = next.hello()
    else {
        panic!("no welcome");
    };
    assert_eq!((generation, restarts, last_end), (0, 1, None));
}

pub(crate) fn what_the_launcher_gives_is_there_until_a_restart() {
    let stage = Stage::giving("a text");
    let mut daemon = stage.next_daemon();
    for _ in 0..2 {
        let found = daemon.attach();
        let [(ToDaemon::Held { name }, beside)] = &found[..] else {
            panic!("something else is held");
        };
        assert_eq!(name, GIVEN);
        assert_eq!(memfd::read_sealed(&beside[0], 100).unwrap(), b"a text");
        daemon.send(&ToKeeper::Ready);
        daemon.crash();
        daemon = stage.next_daemon();
    }
    daemon.attach();
    daemon.leave(Departure::Restart);
    assert!(stage.next_daemon().attach().is_empty());
}

pub(crate) fn a_failed_restart_is_told_on_standard_error() {
    let (stage, daemon) = Stage::ready_in_foreground();
    daemon.leave(Departure::Restart);
    stage.next_daemon().leave(Departure::Exit {
        code: 2,
        text: b"Error: bad option\n".to_vec(),
    });
    assert_eq!(stage.end(), (Some(2), "Error: bad option\n".to_owned()));
}

pub(crate) fn a_daemon_that_hangs_up_is_replaced() {
    let (stage, daemon) = Stage::ready();
    let (process, _control) = daemon.hang_up();
    wait_for(&process, PollFlags::IN);
    assert!(stage.next_daemon().attach().is_empty());
}

pub(crate) fn signals_are_forwarded_and_the_rest_is_dropped() {
    let (stage, mut daemon) = Stage::ready();
    for dropped in [Signal::ALARM, Signal::PIPE, Signal::XFSZ, Signal::VTALARM] {
        stage.signal(dropped);
    }
    let forwarded = [
        Signal::HUP,
        Signal::INT,
        Signal::QUIT,
        Signal::USR1,
        Signal::USR2,
        Signal::TERM,
    ];
    for signal in forwarded {
        stage.signal(signal);
        let signal = signal.as_raw();
        assert_eq!(daemon.hear(), ToDaemon::Signalled { signal });
    }
}

pub(crate) fn a_signal_that_was_not_acted_upon_is_told_to_the_next_daemon() {
    let (stage, mut daemon) = Stage::ready();
    for signal in [Signal::HUP, Signal::TERM] {
        stage.signal(signal);
        let signal = signal.as_raw();
        assert_eq!(daemon.hear(), ToDaemon::Signalled { signal });
    }
    daemon.send(&ToKeeper::Heard { signal: 1 });
    daemon.crash();
    let mut next = stage.next_daemon();
    assert!(next.attach().is_empty());
    assert_eq!(next.hear(), ToDaemon::Signalled { signal: 15 });
}

pub(crate) fn signals_are_remembered_until_a_daemon_is_there() {
    let (stage, daemon) = Stage::ready();
    daemon.crash();
    let mut next = stage.next_daemon();
    for signal in [Signal::HUP, Signal::TERM, Signal::HUP] {
        stage.signal(signal);
    }
    assert!(next.attach().is_empty());
    for signal in [1, 15] {
        assert_eq!(next.hear(), ToDaemon::Signalled { signal });
    }
}
