use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;

use minder_core::process::Phase;
use minder_core::snapshot::{GroupSnapshot, NextIds, ProcessSnapshot};
use minder_core::{GroupId, Mono, Mood, Now, ProcessId, Wall};

use super::*;

const URL: &str = "unix:///run/f.sock";

fn unused(group: &str, url: &str) -> Unused {
    Unused {
        group: group.to_owned(),
        url: url.to_owned(),
    }
}

#[test]
fn a_socket_is_open_from_its_first_user_to_its_last() {
    let mut sockets = Sockets::default();
    assert!(!sockets.is_open("f"));
    sockets.join("f", URL, ChildId(1));
    sockets.join("f", URL, ChildId(2));
    sockets.leave(ChildId(1));
    assert_eq!(sockets.take_unused(), []);
    assert!(sockets.is_open("f"));
    sockets.leave(ChildId(2));
    assert_eq!(sockets.take_unused(), [unused("f", URL)]);
    assert!(!sockets.is_open("f"));
    assert_eq!(sockets.take_unused(), []);
}

#[test]
fn who_joins_before_an_unused_socket_is_closed_keeps_it_open() {
    let mut sockets = Sockets::default();
    sockets.join("f", URL, ChildId(1));
    sockets.leave(ChildId(1));
    sockets.join("f", URL, ChildId(2));
    assert_eq!(sockets.take_unused(), []);
}

#[test]
fn groups_do_not_share_and_who_has_no_socket_changes_nothing() {
    let mut sockets = Sockets::default();
    sockets.join("f", URL, ChildId(1));
    sockets.join("g", "tcp://h:1", ChildId(2));
    sockets.leave(ChildId(3));
    assert_eq!(sockets.take_unused(), []);
    sockets.leave(ChildId(2));
    assert_eq!(sockets.take_unused(), [unused("g", "tcp://h:1")]);
    assert!(sockets.is_open("f"));
}

fn group(id: u64, name: &str, children: &[u64]) -> GroupSnapshot {
    let kind = GroupKind::FastCgi(FastCgiSocket {
        url: format!("unix:///{name}"),
        owner: None,
        mode: 0o700,
        backlog: None,
    });
    let processes = children.iter().map(|child| ProcessSnapshot {
        id: ProcessId(*child),
        state: State::Up {
            child: ChildId(*child),
            phase: Phase::Running { pid: 1 },
        },
        started: None,
        stopped: None,
        spawn_error: String::new(),
        exit_status: 0,
    });
    GroupSnapshot {
        id: GroupId(id),
        spec: Arc::new(GroupSpec {
            name: name.to_owned(),
            priority: 999,
            kind,
            processes: Vec::new(),
        }),
        processes: processes.collect(),
        pool: None,
    }
}

fn found(child: u64, ended: bool) -> FoundChild {
    let now = Now {
        mono: Mono(std::time::Duration::ZERO),
        wall: Wall(std::time::Duration::ZERO),
    };
    FoundChild {
        child: ChildId(child),
        pid: 1,
        label: String::new(),
        signals: 0,
        ended: ended.then_some((minder_core::ExitStatus::Code(0), now)),
        streams: Vec::new(),
    }
}

#[test]
fn a_daemon_finds_the_sockets_that_the_one_before_it_left() {
    let snapshot = Snapshot {
        mood: Mood::Running,
        groups: vec![
            group(1, "used", &[1, 2]),
            group(2, "lost", &[3]),
            group(3, "never-made", &[4]),
        ],
        candidate: Vec::new(),
        serial: 0,
        tick: 0,
        next: NextIds {
            child: 9,
            process: 9,
            group: 9,
        },
    };
    let any = || -> SharedFd {
        let file = fs::File::open("/dev/null").unwrap();
        std::sync::Arc::new(file.into())
    };
    let names = ["fcgi:used", "fcgi:lost", "fcgi:gone", "other"];
    let mut held: BTreeMap<Vec<u8>, SharedFd> =
        names.map(|name| (name.as_bytes().to_vec(), any())).into();
    // Of the child 3 the keeper knows nothing; the end of the child 2 is yet to be told of.
    let children = [found(1, false), found(2, true)];
    let mut sockets = Sockets::adopt(&snapshot, &children, &mut held);
    assert_eq!(sockets.take_unused(), [unused("lost", "unix:///lost")]);
    sockets.leave(ChildId(1));
    assert_eq!(sockets.take_unused(), []);
    sockets.leave(ChildId(2));
    assert_eq!(sockets.take_unused(), [unused("used", "unix:///used")]);
    assert_eq!(take_strays(&mut held), [b"fcgi:gone"]);
    assert_eq!(held.into_keys().collect::<Vec<_>>(), [b"other"]);
}

fn at(url: String) -> FastCgiSocket {
    FastCgiSocket {
        url,
        owner: None,
        mode: 0o640,
        backlog: Some(5),
    }
}

fn at_path(path: &Path) -> FastCgiSocket {
    at(format!("unix://{}", path.display()))
}

#[test]
fn a_unix_socket_replaces_what_is_there_and_stays_when_it_is_closed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("f.sock");
    for in_the_way in ["nothing", "a file", "a socket that somebody listens on"] {
        let _listener = match in_the_way {
            "a file" => {
                fs::remove_file(&path).unwrap();
                fs::write(&path, "").unwrap();
                None
            }
            "nothing" => None,
            _ => {
                fs::remove_file(&path).unwrap();
                Some(UnixListener::bind(&path).unwrap())
            }
        };
        let listener = UnixListener::from(listen(&at_path(&path)).unwrap());
        let mut client = UnixStream::connect(&path).unwrap();
        client.write_all(b"x").unwrap();
        let mut byte = [0];
        listener.accept().unwrap().0.read_exact(&mut byte).unwrap();
        let metadata = fs::metadata(&path).unwrap();
        assert!(metadata.file_type().is_socket());
        assert_eq!(metadata.mode() & 0o777, 0o640);
        drop(listener);
        assert!(path.exists());
    }
}

#[test]
fn a_tcp_socket_is_made_where_it_was_a_moment_ago() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = free.local_addr().unwrap();
    drop(free);
    let spec = at(format!("tcp://localhost:{}", address.port()));
    for _ in 0..2 {
        let listener = TcpListener::from(listen(&spec).unwrap());
        let _client = TcpStream::connect(address).unwrap();
        listener.accept().unwrap();
    }
}

#[test]
fn what_is_wrong_is_told_as_supervisor_does() {
    let folder = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let path = |name: &str| format!("unix://{}/{name}", folder.path().display());
    fs::create_dir(folder.path().join("folder")).unwrap();
    let removal = format!(
        "[Errno 21] Is a directory: '{}/folder'",
        folder.path().display()
    );
    for (url, problem) in [
        (
            format!("tcp://127.0.0.1:{port}"),
            "[Errno 98] Address already in use",
        ),
        (path("no/f"), "[Errno 2] No such file or directory"),
        (path(&"long".repeat(40)), "AF_UNIX path too long"),
        (path("folder"), &removal),
    ] {
        let expected = format!("Could not create FastCGI socket {url}: {problem}");
        assert_eq!(listen(&at(url)).unwrap_err().to_string(), expected);
    }
}
