use std::fs;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
use std::os::unix::net::UnixStream;

use super::*;

fn directory() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

fn names(directory: &tempfile::TempDir) -> Vec<String> {
    fs::read_dir(directory.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

#[test]
fn a_unix_socket_has_its_mode_and_leaves_no_other_file() {
    let directory = directory();
    let path = directory.path().join("s.sock");
    let bound = bind_unix(&path, 0o722, None).unwrap();
    assert!(!bound.replaced_stale);
    let metadata = fs::metadata(&path).unwrap();
    assert!(metadata.file_type().is_socket());
    assert_eq!(metadata.permissions().mode() & 0o7777, 0o722);
    assert_eq!(names(&directory), ["s.sock"]);
    UnixStream::connect(&path).unwrap();
}

#[test]
fn a_path_may_be_as_long_as_the_kernel_permits() {
    for name in ["s", "s.sock", "a-name-of-some-length.sock"] {
        let directory = directory();
        let own = directory.path().as_os_str().len() + 1 + name.len();
        for length in 95..=108_usize {
            let folder = directory.path().join("f".repeat(length - own - 1));
            fs::create_dir(&folder).unwrap();
            let path = folder.join(name);
            assert_eq!(path.as_os_str().len(), length);
            let bound = bind_unix(&path, 0o700, None);
            if length == 108 {
                let error = bound.unwrap_err();
                assert!(matches!(error, BindError::PathTooLong { .. }), "{error}");
                assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
            } else {
                let _bound = bound.unwrap();
                UnixStream::connect(&path).unwrap();
                assert_eq!(fs::read_dir(&folder).unwrap().count(), 1, "{length}");
            }
        }
    }
}

#[test]
fn a_long_name_in_a_short_folder_is_bound() {
    let directory = directory();
    let name = "n".repeat(106 - directory.path().as_os_str().len());
    let path = directory.path().join(name);
    let _bound = bind_unix(&path, 0o700, None).unwrap();
    UnixStream::connect(&path).unwrap();
}

#[test]
fn a_unix_socket_can_be_given_to_its_owner() {
    let directory = directory();
    let path = directory.path().join("s.sock");
    let own = fs::metadata(directory.path()).unwrap();
    bind_unix(&path, 0o700, Some((own.uid(), Some(own.gid())))).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().uid(), own.uid());
}

#[test]
fn an_owner_that_is_not_permitted_is_named() {
    let error = BindError::Chown {
        path: "/run/s.sock".into(),
        owner: (7, None),
        user: "web".to_owned(),
    };
    assert_eq!(
        error.to_string(),
        "Not permitted to chown /run/s.sock to uid/gid (7, -1); adjust \"sockchown\" value in \
         config file or on command line to values that the current user (web) can successfully \
         chown"
    );
}

#[test]
fn a_live_socket_is_left_alone() {
    let directory = directory();
    let path = directory.path().join("s.sock");
    let _first = bind_unix(&path, 0o700, None).unwrap();
    assert!(matches!(
        bind_unix(&path, 0o700, None),
        Err(BindError::InUse)
    ));
    UnixStream::connect(&path).unwrap();
    assert_eq!(names(&directory), ["s.sock"]);
}

#[test]
fn a_stale_socket_is_replaced() {
    let directory = directory();
    let path = directory.path().join("s.sock");
    drop(bind_unix(&path, 0o700, None).unwrap());
    let bound = bind_unix(&path, 0o700, None).unwrap();
    assert!(bound.replaced_stale);
    UnixStream::connect(&path).unwrap();
}

#[test]
fn a_plain_file_in_the_way_is_replaced_as_supervisor_does() {
    let directory = directory();
    let path = directory.path().join("s.sock");
    fs::write(&path, "").unwrap();
    assert!(bind_unix(&path, 0o700, None).unwrap().replaced_stale);
}

#[test]
fn a_path_that_is_too_long_is_called_so() {
    let directory = directory();
    let path = directory.path().join("x".repeat(120));
    let text = bind_unix(&path, 0o700, None).unwrap_err().to_string();
    assert!(text.contains("AF_UNIX path too long: \"/"), "{text}");
}

#[test]
fn what_the_system_says_is_reported_as_supervisor_reports_it() {
    let directory = directory();
    let missing = bind_unix(&directory.path().join("no/s.sock"), 0o700, None).unwrap_err();
    assert_eq!(
        missing.to_string(),
        "Cannot open an HTTP server: socket.error reported errno.ENOENT (2)"
    );
    let unnamed = BindError::from(io::Error::from_raw_os_error(111));
    assert_eq!(
        unnamed.to_string(),
        "Cannot open an HTTP server: socket.error reported 111"
    );
}

#[test]
fn a_port_that_is_taken_is_called_so() {
    let first = bind_tcp("127.0.0.1", 0).unwrap();
    let port = first.local_addr().unwrap().port();
    let error = bind_tcp("127.0.0.1", port).unwrap_err();
    assert!(matches!(error, BindError::InUse));
    let text = error.to_string();
    assert!(text.starts_with("Another program is already listening on a port that one of"));
}

#[test]
fn hosts_are_understood_in_every_spelling() {
    for (host, address) in [
        ("", "0.0.0.0"),
        ("*", "0.0.0.0"),
        ("127.0.0.1", "127.0.0.1"),
        ("localhost", "127.0.0.1"),
    ] {
        let bound = bind_tcp(host, 0).unwrap().local_addr().unwrap();
        assert_eq!(bound.ip().to_string(), address, "{host}");
    }
    for host in ["::1", "[::1]"] {
        assert_eq!(resolve(host, 80).unwrap().to_string(), "[::1]:80");
    }
    let unknown = bind_tcp("no such host", 0).unwrap_err();
    assert!(matches!(unknown, BindError::UnknownHost { host } if host == "no such host"));
}
