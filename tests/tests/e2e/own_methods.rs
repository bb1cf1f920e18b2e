//! What `minder.*` tells of the daemon that answers.

use minder_rpc::Value;
use minder_tests::parts::{kill_daemon, the_daemon};
use minder_tests::{Daemon, Subject};

/// Generation and daemon pid; the keeper must be the one in the pidfile.
fn told(daemon: &Daemon) -> (i64, i64) {
    let info = daemon.call("minder.getInfo", &[]).expect("no fault");
    let Value::Struct(members) = &info else {
        panic!("{info:?} is no struct");
    };
    let names: Vec<_> = members.iter().map(|(name, _)| &**name).collect();
    let expected = [
        "version",
        "api",
        "generation",
        "keeper_pid",
        "daemon_pid",
        "started",
        "upgrade",
    ];
    assert_eq!(names, expected);
    let number = |name| info.member(name).and_then(Value::as_int).expect("a number");
    assert_eq!(number("keeper_pid"), i64::from(daemon.pid()));
    assert_eq!(info.member("api"), Some(&"3.0".into()));
    let version = daemon.call("minder.getVersion", &[]).expect("no fault");
    assert_eq!(info.member("version"), Some(&version));
    (number("generation"), number("daemon_pid"))
}

#[test]
fn each_daemon_tells_its_pid_and_which_it_is() {
    Subject::Minder.run(|subject| {
        let daemon = Daemon::start(subject, "");
        let keeper = daemon.pid();
        assert_eq!(told(&daemon), (0, the_daemon(keeper).into()));
        kill_daemon(keeper);
        let next = the_daemon(keeper);
        daemon.wait_ready();
        assert_eq!(told(&daemon), (1, next.into()));
    });
}
