//! Becoming another user for good, as the whole process.

#![expect(
    clippy::unwrap_used,
    reason = "without the usual harness this does not count as a test"
)]

use std::path::PathBuf;
use std::sync::mpsc;
use std::thread;

use minder_os::users::{User, drop_privileges};

fn main() {
    let user = User {
        name: "somebody".to_owned(),
        uid: 65_534,
        gid: 65_533,
        home: PathBuf::from("/"),
    };
    if !rustix::process::geteuid().is_root() {
        drop_privileges(&user, &[user.gid]).unwrap_err();
        return;
    }
    // Started before the change: it must see it nevertheless.
    let (go, gone) = mpsc::channel::<()>();
    let other = thread::spawn(move || {
        gone.recv().unwrap();
        identity()
    });
    drop_privileges(&user, &[65_533, 4711]).unwrap();
    go.send(()).unwrap();
    let expected = (vec![65_534; 4], vec![65_533; 4], vec![4711, 65_533]);
    assert_eq!(identity(), expected);
    assert_eq!(other.join().unwrap(), expected);
    drop_privileges(&user, &[0]).unwrap_err();
}

/// The user, group and further group ids of this thread.
fn identity() -> (Vec<u32>, Vec<u32>, Vec<u32>) {
    let status = std::fs::read_to_string("/proc/thread-self/status").unwrap();
    let ids = |field: &str| {
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix(field))
            .unwrap();
        line.split_whitespace()
            .map(|id| id.parse().unwrap())
            .collect()
    };
    (ids("Uid:"), ids("Gid:"), ids("Groups:"))
}
