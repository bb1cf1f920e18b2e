//! What goes wrong, and what must come of it.

use std::os::fd::AsFd;

use minder_os::memfd;
use minder_wire::{MAX_NAME, Plan, SpawnStep, Stdin, Stream, ToDaemon, ToKeeper};
use rustix::fs::{MemfdFlags, memfd_create};
use rustix::io::Errno;
use rustix::process::{Resource, Rlimit, getrlimit, prlimit};

use super::stage::{Daemon, Stage, shell};

fn spawn(daemon: &mut Daemon, child: u64, plan: Plan) -> ToDaemon {
    let label = Vec::new();
    daemon.send(&ToKeeper::Spawn { child, label, plan });
    daemon.hear()
}

fn failed(child: u64, step: SpawnStep, errno: Errno) -> ToDaemon {
    ToDaemon::SpawnFailed {
        child,
        step,
        errno: errno.raw_os_error(),
    }
}

/// Does something while the keeper can open no more than so many descriptors. It must have
/// answered a request, so that everything before has been done.
fn with_room_for<T>(stage: &Stage, room: usize, act: impl FnOnce() -> T) -> T {
    let open = stage.open_descriptors();
    let few = Rlimit {
        // As many numbers are free below it.
        current: (0..).filter(|number| !open.contains(number)).nth(room),
        ..getrlimit(Resource::Nofile)
    };
    let usual = prlimit(Some(stage.keeper_pid()), Resource::Nofile, few).unwrap();
    let result = act();
    prlimit(Some(stage.keeper_pid()), Resource::Nofile, usual).unwrap();
    result
}

pub(crate) fn without_descriptors_a_spawn_fails_and_nothing_leaks() {
    let (stage, mut daemon) = Stage::ready();
    daemon.attach();
    let before = stage.open_descriptors();
    for room in 0..6 {
        let answer = with_room_for(&stage, room, || spawn(&mut daemon, 1, shell("exit 0")));
        assert_eq!(answer, failed(1, SpawnStep::Pipe, Errno::MFILE));
        assert_eq!(stage.open_descriptors(), before);
    }
    let child = daemon.spawn(shell("exit 0"));
    assert_eq!(daemon.exited(), (child.child, 0));
}

pub(crate) fn a_descriptor_that_cannot_be_received_is_not_held() {
    let (stage, mut daemon) = Stage::ready();
    daemon.attach();
    let name = b"lost".to_vec();
    let inventory = with_room_for(&stage, 0, || {
        daemon.send_beside(&ToKeeper::Hold { name }, &[rustix::stdio::stdin()]);
        daemon.attach()
    });
    assert!(inventory.is_empty());
}

pub(crate) fn a_daemon_is_started_as_soon_as_it_can_be() {
    let (stage, mut daemon) = Stage::ready_in_foreground();
    let child = daemon.spawn(shell("read line"));
    let complaint = with_room_for(&stage, 0, || {
        daemon.crash();
        stage.complaint()
    });
    assert_eq!(complaint, "the daemon has ended (terminated by signal 9)");
    let inventory = stage.next_daemon().attach();
    assert!(matches!(inventory[0].0, ToDaemon::Child { child: id, .. } if id == child.child));
}

pub(crate) fn two_hundred_children_leave_nothing_open() {
    let (stage, mut daemon) = Stage::ready();
    daemon.attach();
    let before = stage.open_descriptors();
    for _ in 0..200 {
        let spawned = daemon.spawn(shell("exit 0"));
        let child = spawned.child;
        assert_eq!(daemon.exited(), (child, 0));
        daemon.send(&ToKeeper::Forget { child });
        for stream in [Stream::Stdout, Stream::Stderr] {
            daemon.send(&ToKeeper::Close { child, stream });
        }
    }
    assert!(daemon.attach().is_empty());
    assert_eq!(stage.open_descriptors(), before);
}

pub(crate) fn bad_plans_are_refused() {
    let (stage, mut daemon) = Stage::ready();
    daemon.attach();
    let before = stage.open_descriptors();
    let nul = Plan {
        file: b"/bin/\0sh".to_vec(),
        ..Plan::default()
    };
    let refused = |errno| failed(1, SpawnStep::Plan, errno);
    assert_eq!(spawn(&mut daemon, 1, nul), refused(Errno::INVAL));
    let unheld = Plan {
        stdin: Stdin::Held(b"nothing".to_vec()),
        ..shell("")
    };
    assert_eq!(spawn(&mut daemon, 1, unheld), refused(Errno::NOENT));

    let mut from = |file: &rustix::fd::OwnedFd| {
        let label = Vec::new();
        daemon.send_beside(&ToKeeper::SpawnFrom { child: 1, label }, &[file.as_fd()]);
        daemon.hear()
    };
    let garbage = memfd::sealed("plan", b"no plan").unwrap();
    assert_eq!(from(&garbage), refused(Errno::BADMSG));
    let open_to_change = memfd_create("plan", MemfdFlags::ALLOW_SEALING).unwrap();
    assert_eq!(from(&open_to_change), refused(Errno::PERM));
    assert_eq!(stage.open_descriptors(), before);
}

pub(crate) fn an_id_is_used_once() {
    let (_stage, mut daemon) = Stage::ready();
    let child = daemon.spawn(shell("read line"));
    let again = spawn(&mut daemon, child.child, shell("exit 0"));
    assert_eq!(again, failed(child.child, SpawnStep::Plan, Errno::EXIST));
}

pub(crate) fn a_frame_that_is_not_understood_is_skipped() {
    let (stage, mut daemon) = Stage::ready();
    daemon.attach();
    let before = stage.open_descriptors();
    let mut of_a_later_release = ToKeeper::Next.encode();
    of_a_later_release[6] = 0x7f;
    let descriptor = rustix::stdio::stdin();
    daemon.send_bytes(b"garbage", &[descriptor]);
    daemon.send_bytes(&of_a_later_release, &[descriptor]);
    let too_long = ToKeeper::Hold {
        name: vec![b'x'; MAX_NAME + 1],
    };
    daemon.send_beside(&too_long, &[descriptor]);
    daemon.send_bytes(&ToKeeper::Ready.encode(), &[descriptor]);
    assert!(daemon.attach().is_empty());
    assert_eq!(stage.open_descriptors(), before);
}

pub(crate) fn complaints_that_nobody_reads_hold_nothing_up() {
    let (_stage, mut daemon) = Stage::ready();
    // Each is complained about, which soon fills the pipe of standard error.
    for _ in 0..5000 {
        daemon.send_bytes(b"garbage", &[]);
    }
    assert!(daemon.attach().is_empty());
}

pub(crate) fn a_daemon_that_does_not_read_loses_nothing() {
    let (_stage, mut daemon) = Stage::ready();
    let child = daemon.spawn(shell("read line"));
    // Each is answered, until neither side of the socket takes any more.
    let impossible = ToKeeper::Signal {
        child: child.child,
        signal: 99,
        group: false,
    };
    let mut asked = 0;
    let mut refused = 0;
    while refused < 1000 {
        if daemon.try_send(&impossible) {
            asked += 1;
            refused = 0;
        } else {
            refused += 1;
            std::thread::yield_now();
        }
    }
    child.kill();
    child.wait();
    // The child may have been reaped before some were read: those are not answered.
    let mut answered = 0;
    while let ToDaemon::SignalFailed { signal: 99, .. } = daemon.hear() {
        answered += 1;
    }
    assert!(answered <= asked);
    let last = daemon.spawn(shell("exit 0"));
    assert_eq!(daemon.exited(), (last.child, 0));
}
