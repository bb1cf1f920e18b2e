use std::io::Read;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use rustix::process::{Pid, WaitOptions, WaitStatus, waitpid};

use super::*;

/// What a process wrote to its two outputs, and how it ended.
struct Outcome {
    stdout: String,
    stderr: String,
    status: WaitStatus,
}

fn texts(texts: &[&str]) -> Vec<CString> {
    texts
        .iter()
        .map(|text| CString::new(*text).unwrap())
        .collect()
}

fn shell(script: &str) -> Recipe<'static> {
    Recipe {
        file: c"/bin/sh".to_owned(),
        argv: texts(&["sh", "-c", script]),
        envp: texts(&["PATH=/usr/bin:/bin", "GREETING=hello"]),
        descriptors: Vec::new(),
        group: ProcessGroup::Own,
        identity: Identity::Keep,
        directory: None,
        umask: None,
        default_signals: Vec::new(),
        ignored_signals: Vec::new(),
        blocked_signals: SignalSet::none(),
        oom_score_adj: None,
        limits: Vec::new(),
        mark: None,
    }
}

/// Starts it with pipes as outputs, and waits for its end.
fn run_by(method: Method, recipe: &Recipe<'_>) -> Outcome {
    let null: OwnedFd = std::fs::File::open("/dev/null").unwrap().into();
    let pipe = || rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).unwrap();
    let (out_reader, out_writer) = pipe();
    let (err_reader, err_writer) = pipe();
    let recipe = Recipe {
        descriptors: vec![null.as_fd(), out_writer.as_fd(), err_writer.as_fd()],
        ..recipe.clone()
    };
    let pid = Spawner::new(method).unwrap().spawn(&recipe).unwrap();
    drop((out_writer, err_writer));
    let [stdout, stderr] = [out_reader, err_reader].map(|reader| {
        let mut text = String::new();
        std::fs::File::from(reader)
            .read_to_string(&mut text)
            .unwrap();
        text
    });
    let pid = Pid::from_raw(i32::try_from(pid).unwrap());
    let (_, status) = waitpid(pid, WaitOptions::empty()).unwrap().unwrap();
    Outcome {
        stdout,
        stderr,
        status,
    }
}

fn run(recipe: &Recipe<'_>) -> Outcome {
    run_by(Method::SharedMemory, recipe)
}

/// The end of a program that could not be run, and what it said.
fn refusal(recipe: &Recipe<'_>) -> String {
    let outcome = run(recipe);
    assert_eq!(outcome.status.exit_status(), Some(127));
    outcome.stderr
}

#[test]
fn both_methods_run_the_program_with_its_environment_and_outputs() {
    for method in [Method::SharedMemory, Method::Fork] {
        let outcome = run_by(method, &shell("echo $GREETING; echo oops >&2; exit 3"));
        assert_eq!(outcome.stdout, "hello\n");
        assert_eq!(outcome.stderr, "oops\n");
        assert_eq!(outcome.status.exit_status(), Some(3));
    }
}

#[test]
fn it_leads_a_process_group_if_it_shall() {
    let script = "read -r pid _ _ _ group _ </proc/$$/stat; test $pid = $group";
    let own = run(&shell(script));
    assert_eq!(own.status.exit_status(), Some(0));
    let ours = Recipe {
        group: ProcessGroup::Ours,
        ..shell(script)
    };
    assert_eq!(run(&ours).status.exit_status(), Some(1));
}

#[test]
fn nothing_but_its_descriptors_is_open() {
    let (reader, writer) = rustix::pipe::pipe().unwrap();
    let [one, other] = [&reader, &writer].map(AsRawFd::as_raw_fd);
    let fds = "/proc/$$/fd";
    let script = format!("test -e {fds}/2 -a ! -e {fds}/{one} -a ! -e {fds}/{other}");
    assert_eq!(run(&shell(&script)).status.exit_status(), Some(0));
}

#[test]
fn descriptors_that_lie_in_each_others_places_are_sorted_out() {
    let (reader, writer) = rustix::pipe::pipe().unwrap();
    let null: OwnedFd = std::fs::File::open("/dev/null").unwrap().into();
    // Standard input becomes 3, the pipe 0 to 2 and 4 to 7: each source below 8 is in the way.
    let mut descriptors = vec![writer.as_fd(); MAX_DESCRIPTORS];
    let stdin = rustix::stdio::stdin();
    descriptors[3] = stdin;
    descriptors[0] = null.as_fd();
    let recipe = Recipe {
        descriptors,
        ..shell("echo one; echo two >&2; echo seven >&7")
    };
    let pid = Spawner::new(Method::SharedMemory)
        .unwrap()
        .spawn(&recipe)
        .unwrap();
    drop(recipe);
    drop(writer);
    let mut text = String::new();
    std::fs::File::from(reader)
        .read_to_string(&mut text)
        .unwrap();
    let pid = Pid::from_raw(i32::try_from(pid).unwrap());
    waitpid(pid, WaitOptions::empty()).unwrap();
    assert_eq!(text, "one\ntwo\nseven\n");
}

#[test]
fn a_missing_program_is_told_in_supervisors_words() {
    let recipe = Recipe {
        file: c"/no/such/program".to_owned(),
        argv: texts(&["such-program"]),
        ..shell("")
    };
    assert_eq!(
        refusal(&recipe),
        "supervisor: couldn't exec such-program: ENOENT\n\
         supervisor: child process was not spawned\n"
    );
}

#[test]
fn a_missing_directory_is_told_in_supervisors_words() {
    let recipe = Recipe {
        directory: Some(c"/no/such".to_owned()),
        ..shell("")
    };
    assert_eq!(
        refusal(&recipe),
        "supervisor: couldn't chdir to /no/such: ENOENT\n\
         supervisor: child process was not spawned\n"
    );
}

#[test]
fn a_refused_user_is_told_in_supervisors_words() {
    let recipe = Recipe {
        identity: Identity::Refuse {
            uid: 4711,
            why: b"Can't drop privilege as nonroot user".to_vec(),
        },
        ..shell("")
    };
    assert_eq!(
        refusal(&recipe),
        "supervisor: couldn't setuid to 4711: Can't drop privilege as nonroot user\n\
         supervisor: child process was not spawned\n"
    );
}

#[test]
fn a_limit_that_cannot_be_is_told() {
    let recipe = Recipe {
        limits: vec![(4711, 1, 1)],
        ..shell("")
    };
    assert_eq!(
        refusal(&recipe),
        "supervisor: couldn't set its limits: EINVAL\n\
         supervisor: child process was not spawned\n"
    );
}

#[test]
fn it_becomes_another_user_or_says_why_not() {
    let recipe = Recipe {
        identity: Identity::Become {
            uid: 65_534,
            gid: 65_533,
            groups: vec![65_533, 4711],
        },
        ..shell("id -u; id -g; id -G")
    };
    let outcome = run(&recipe);
    if rustix::process::geteuid().is_root() {
        assert_eq!(outcome.stdout, "65534\n65533\n65533 4711\n");
    } else {
        assert_eq!(
            outcome.stderr,
            "supervisor: couldn't setuid to 65534: Could not set groups of effective user\n\
             supervisor: child process was not spawned\n"
        );
    }
}

#[test]
fn directory_umask_and_limits_are_set() {
    let recipe = Recipe {
        directory: Some(c"/usr".to_owned()),
        umask: Some(0o027),
        limits: vec![(libc::RLIMIT_CORE.cast_signed(), 0, 0)],
        ..shell("pwd -P; umask; ulimit -c")
    };
    assert_eq!(run(&recipe).stdout, "/usr\n0027\n0\n");
}

#[test]
fn only_the_child_gets_the_oom_score() {
    let ours = || std::fs::read_to_string("/proc/self/oom_score_adj").unwrap();
    let before = ours();
    let recipe = Recipe {
        oom_score_adj: Some(777),
        ..shell("cat /proc/self/oom_score_adj")
    };
    assert_eq!(run(&recipe).stdout, "777\n");
    assert_eq!(ours(), before);
}

#[test]
fn signals_are_as_the_recipe_wants_them_and_ours_stay() {
    let before = format!("{:?}", SignalSet::blocked());
    let recipe = Recipe {
        file: c"/bin/cat".to_owned(),
        argv: texts(&["cat", "/proc/self/status"]),
        default_signals: vec![libc::SIGPIPE, libc::SIGTERM],
        ignored_signals: vec![libc::SIGXFSZ, libc::SIGUSR1],
        blocked_signals: SignalSet::of(&[libc::SIGHUP]),
        ..shell("")
    };
    let status = run(&recipe).stdout;
    let mask = |field: &str| {
        let digits = status
            .lines()
            .find_map(|line| line.strip_prefix(field))
            .unwrap();
        u64::from_str_radix(digits.trim(), 16).unwrap()
    };
    let bit = |signal: i32| 1_u64 << (signal - 1);
    assert_eq!(mask("SigBlk:"), bit(libc::SIGHUP));
    let asked_for = [libc::SIGPIPE, libc::SIGTERM, libc::SIGXFSZ, libc::SIGUSR1];
    let asked_for = asked_for.into_iter().map(bit).sum::<u64>();
    let ignored = bit(libc::SIGXFSZ) | bit(libc::SIGUSR1);
    assert_eq!(mask("SigIgn:") & asked_for, ignored);
    assert_eq!(format!("{:?}", SignalSet::blocked()), before);
}

#[test]
fn what_cannot_be_asked_of_the_system_is_refused() {
    let too_many = Recipe {
        descriptors: vec![rustix::stdio::stdin(); MAX_DESCRIPTORS + 1],
        ..shell("")
    };
    let nobody = Recipe {
        identity: Identity::Become {
            uid: 1,
            gid: 1,
            groups: vec![1, u32::MAX],
        },
        ..shell("")
    };
    for recipe in [too_many, nobody] {
        let refused = Spawner::new(Method::SharedMemory).unwrap().spawn(&recipe);
        assert_eq!(refused.unwrap_err().raw_os_error(), Some(libc::EINVAL));
    }
}

#[test]
fn a_mark_is_there_whatever_becomes_of_the_program() {
    let file = tempfile::tempfile().unwrap();
    for (method, script) in [
        (Method::SharedMemory, "/bin/sh"),
        (Method::Fork, "/nonexistent"),
    ] {
        let before = crate::foreign::boot_nanos();
        let recipe = Recipe {
            file: CString::new(script).unwrap(),
            mark: Some(Mark {
                file: file.as_fd(),
                offset: 100,
                content: b"whose".to_vec(),
            }),
            ..shell("echo $$")
        };
        let outcome = run_by(method, &recipe);
        let mut written = [0; 21];
        assert_eq!(rustix::io::pread(&file, &mut written, 100).unwrap(), 21);
        let time = u64::from_le_bytes(*written.first_chunk().unwrap());
        assert!((before..=crate::foreign::boot_nanos()).contains(&time));
        let pid = u32::from_le_bytes(*written[8..].first_chunk().unwrap());
        if outcome.status.exit_status() == Some(0) {
            assert_eq!(outcome.stdout, format!("{pid}\n"));
        }
        assert!(pid > 1);
        assert_eq!(written[12..], *b"\0\0\0\0whose");
    }
}

#[test]
fn the_spawner_keeps_nothing_open_of_what_it_has_passed_on() {
    let mut spawner = Spawner::new(Method::SharedMemory).unwrap();
    for _ in 0..2 {
        let (reader, writer) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC).unwrap();
        let recipe = Recipe {
            descriptors: vec![writer.as_fd(), writer.as_fd(), writer.as_fd()],
            ..shell("echo one; echo two >&2")
        };
        let pid = spawner.spawn(&recipe).unwrap();
        drop(writer);
        let mut text = String::new();
        std::fs::File::from(reader)
            .read_to_string(&mut text)
            .unwrap();
        assert_eq!(text, "one\ntwo\n");
        let pid = Pid::from_raw(i32::try_from(pid).unwrap());
        waitpid(pid, WaitOptions::empty()).unwrap().unwrap();
    }
}
