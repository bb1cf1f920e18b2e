//! Children: starting, signalling and reaping them.

use std::collections::BTreeSet;
use std::os::fd::AsFd;

use minder_os::memfd;
use minder_wire::{Credentials, Plan, Stdin, Stream, ToDaemon, ToKeeper};

use rustix::process::{Resource, getrlimit, prlimit};

use super::stage::{OPEN_FILES, Stage, read_line, shell};

pub(crate) fn a_child_is_spawned_reaped_and_forgotten() {
    let (_stage, mut daemon) = Stage::ready();
    let before = minder_os::clock::clocks();
    let child = daemon.spawn(shell("exit 3"));
    let streams: Vec<Stream> = child.streams.iter().map(|(stream, _)| *stream).collect();
    assert_eq!(streams, [Stream::Stdin, Stream::Stdout, Stream::Stderr]);
    let ToDaemon::Exited {
        child: ended,
        status,
        mono_nanos,
        wall_nanos,
    } = daemon.hear()
    else {
        panic!("no end");
    };
    assert_eq!((ended, status), (child.child, 3 << 8));
    assert!(mono_nanos > before.mono_nanos && wall_nanos >= before.wall_nanos);
    daemon.send(&ToKeeper::Forget { child: ended });
    for stream in [Stream::Stdout, Stream::Stderr] {
        let child = ended;
        daemon.send(&ToKeeper::Close { child, stream });
    }
    assert!(daemon.attach().is_empty());
}

pub(crate) fn its_environment_arguments_and_pipes_work() {
    let (_stage, mut daemon) = Stage::ready();
    let mut plan = shell("read line; echo $line $GREETING $0 $1; pwd -P >&2; umask >&2");
    plan.argv.extend([b"zero".to_vec(), b"one".to_vec()]);
    plan.envp.push(b"GREETING=hello".to_vec());
    plan.directory = Some(b"/usr".to_vec());
    plan.umask = Some(0o027);
    let mut child = daemon.spawn(plan);
    rustix::io::write(child.take(Stream::Stdin), b"line\n").unwrap();
    assert_eq!(child.output(Stream::Stdout), "line hello zero one\n");
    assert_eq!(child.output(Stream::Stderr), "/usr\n0027\n");
}

pub(crate) fn standard_error_may_be_standard_output() {
    let (_stage, mut daemon) = Stage::ready();
    let mut child = daemon.spawn(Plan {
        stderr_to_stdout: true,
        ..shell("echo one; echo two >&2; echo three")
    });
    assert_eq!(child.output(Stream::Stdout), "one\ntwo\nthree\n");
    let streams: Vec<Stream> = child.streams.iter().map(|(stream, _)| *stream).collect();
    assert_eq!(streams, [Stream::Stdin]);
}

pub(crate) fn a_held_descriptor_can_be_standard_input() {
    let (_stage, mut daemon) = Stage::ready();
    let name = b"fcgi:web".to_vec();
    let content = memfd::sealed("input", b"from the held one\n").unwrap();
    let hold = ToKeeper::Hold { name: name.clone() };
    daemon.send_beside(&hold, &[content.as_fd()]);
    let mut child = daemon.spawn(Plan {
        stdin: Stdin::Held(name),
        ..shell("cat")
    });
    assert_eq!(child.output(Stream::Stdout), "from the held one\n");
    let streams: Vec<Stream> = child.streams.iter().map(|(stream, _)| *stream).collect();
    assert_eq!(streams, [Stream::Stderr]);
}

pub(crate) fn a_large_plan_travels_in_a_file() {
    let (_stage, mut daemon) = Stage::ready();
    let mut plan = shell("echo ${#A} ${#B} ${#C}");
    for name in ["A", "B", "C"] {
        plan.envp
            .push(format!("{name}={}", "x".repeat(100_000)).into_bytes());
    }
    let (message, content) = ToKeeper::spawn(7, b"large".to_vec(), plan);
    let file = memfd::sealed("plan", &content.unwrap()).unwrap();
    daemon.send_beside(&message, &[file.as_fd()]);
    let (answer, beside) = daemon.receive();
    assert!(
        matches!(answer, ToDaemon::Spawned { child: 7, .. }),
        "{answer:?}"
    );
    assert_eq!(read_line(&beside[1]), "100000 100000 100000");
}

pub(crate) fn a_child_may_open_as_much_as_the_keeper_could_when_it_was_started() {
    let (stage, mut daemon) = Stage::ready();
    let ours = getrlimit(Resource::Nofile);
    let of_the_keeper = prlimit(Some(stage.keeper_pid()), Resource::Nofile, ours).unwrap();
    assert_eq!(of_the_keeper.current, ours.maximum);
    let mut child = daemon.spawn(shell("ulimit -n"));
    assert_eq!(child.output(Stream::Stdout), format!("{OPEN_FILES}\n"));
    assert_eq!(daemon.exited(), (child.child, 0));
    let mut child = daemon.spawn(Plan {
        limits: vec![(NOFILE, 100, 200)],
        ..shell("ulimit -Sn; ulimit -Hn")
    });
    assert_eq!(child.output(Stream::Stdout), "100\n200\n");
}

/// The number of the limit of open files on Linux.
const NOFILE: i32 = 7;

pub(crate) fn only_the_asked_for_signals_are_ignored() {
    let (_stage, mut daemon) = Stage::ready();
    let mut child = daemon.spawn(Plan {
        file: b"/bin/cat".to_vec(),
        argv: ["cat", "/proc/self/status"]
            .map(|word| word.as_bytes().to_vec())
            .into(),
        ignored_signals: vec![13, 25],
        ..Plan::default()
    });
    let status = child.output(Stream::Stdout);
    let mask = |field: &str| {
        let digits = status
            .lines()
            .find_map(|line| line.strip_prefix(field))
            .unwrap();
        u64::from_str_radix(digits.trim(), 16).unwrap()
    };
    let bits = |signals: &[i32]| {
        signals
            .iter()
            .map(|signal| 1_u64 << (signal - 1))
            .sum::<u64>()
    };
    assert_eq!(mask("SigBlk:"), 0);
    let handled = [1, 2, 3, 12, 13, 15, 17, 25];
    assert_eq!(mask("SigIgn:") & bits(&handled), bits(&[13, 25]));
}

pub(crate) fn what_fails_before_exec_is_told_on_standard_error() {
    let (_stage, mut daemon) = Stage::ready();
    let refused = Credentials::Refuse {
        uid: 1000,
        why: b"Can't drop privilege as nonroot user".to_vec(),
    };
    let cases = [
        (
            Plan {
                credentials: refused,
                ..shell("")
            },
            "setuid to 1000: Can't drop privilege as nonroot user",
        ),
        (
            Plan {
                directory: Some(b"/no/such".to_vec()),
                ..shell("")
            },
            "chdir to /no/such: ENOENT",
        ),
        (
            Plan {
                file: b"/etc/passwd".to_vec(),
                argv: vec![b"passwd".to_vec()],
                ..shell("")
            },
            "exec passwd: EACCES",
        ),
    ];
    for (plan, what) in cases {
        let mut child = daemon.spawn(plan);
        let text = child.output(Stream::Stderr);
        let last = "supervisor: child process was not spawned\n";
        assert_eq!(text, format!("supervisor: couldn't {what}\n{last}"));
        assert_eq!(daemon.exited(), (child.child, 127 << 8));
    }
}

pub(crate) fn a_signal_reaches_the_child_or_its_group() {
    let (_stage, mut daemon) = Stage::ready();
    // A command in the background reads from nothing unless it is told otherwise.
    let script = "exec 3<&0; sh -c 'read line' <&3 & echo $!; wait";
    for (group, grandchild_status) in [(false, 1 << 8), (true, 15)] {
        let mut child = daemon.spawn(shell(script));
        let pid = read_line(child.take(Stream::Stdout)).parse().unwrap();
        daemon.send(&ToKeeper::Signal {
            child: child.child,
            signal: 15,
            group,
        });
        child.wait();
        // Whoever still reads from it sees its end now.
        drop(child.take(Stream::Stdin));
        assert_eq!(daemon.exited(), (child.child, 15));
        let status = grandchild_status;
        assert_eq!(daemon.hear(), ToDaemon::Orphan { pid, status });
    }
}

pub(crate) fn two_hundred_ends_at_once_are_all_reported() {
    let (_stage, mut daemon) = Stage::ready();
    let (reader, gate) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).unwrap();
    let name = b"gate".to_vec();
    daemon.send_beside(&ToKeeper::Hold { name: name.clone() }, &[reader.as_fd()]);
    let children: Vec<_> = (0..200)
        .map(|_| {
            daemon.spawn(Plan {
                stdin: Stdin::Held(name.clone()),
                ..shell("read line")
            })
        })
        .collect();
    drop(gate);
    let ended: BTreeSet<_> = children.iter().map(|_| daemon.exited()).collect();
    let expected = children.iter().map(|child| (child.child, 1 << 8)).collect();
    assert_eq!(ended, expected);
}
