//! The first minute: `examples/quickstart`, and what its README says to try.

use minder_tests::{Daemon, Subject, cases, tree, wait_until};

use crate::example;

cases!(the_first_minute);

fn the_first_minute(subject: Subject) {
    let sandbox = example::sandbox(subject, "quickstart", "run/supervisord.log");
    example::make_folder(&sandbox, "run");
    let mut daemon = Daemon::start_in(sandbox);

    daemon.wait_state("broken", "FATAL");
    daemon.wait_state("flaky", "RUNNING");
    let (status, code) = daemon.ctl_line("status");
    let shown: Vec<String> = status
        .lines()
        .map(|line| {
            line.split_whitespace()
                .take(2)
                .collect::<Vec<_>>()
                .join(" ")
        })
        // Whatever it does at this moment.
        .filter(|state| !state.starts_with("flaky "))
        .collect();
    assert_eq!(
        shown,
        [
            "broken FATAL",
            "setup EXITED",
            "ticker RUNNING",
            "workers:left RUNNING",
            "workers:right RUNNING",
        ]
    );
    assert_eq!(code, 3);

    // Output.
    daemon.wait_file("run/ticker.log", "tick 2\n");
    let (tail, code) = daemon.ctl_line("tail ticker");
    assert!(tail.starts_with("tick 1\ntick 2\n"), "{tail}");
    assert_eq!(code, 0);
    let (tail, code) = daemon.ctl_line("tail broken stderr");
    assert!(tail.starts_with("no settings found\n"), "{tail}");
    assert_eq!(code, 0);

    // A crash.
    let before = daemon.pid_of("flaky");
    wait_until("what crashes is replaced", || {
        ![0, before].contains(&daemon.pid_of("flaky"))
    });
    daemon.wait_log("WARN exited: flaky (exit status 1; not expected)\n");

    // Orders.
    assert_eq!(
        daemon.ctl_line("stop ticker"),
        ("ticker: stopped\n".to_owned(), 0)
    );
    assert_eq!(
        daemon.ctl_line("start ticker"),
        ("ticker: started\n".to_owned(), 0)
    );
    let (out, code) = daemon.ctl_line("restart workers:*");
    let mut lines: Vec<_> = out.lines().collect();
    lines.sort_unstable();
    assert_eq!(
        lines,
        [
            "workers:left: started",
            "workers:left: stopped",
            "workers:right: started",
            "workers:right: stopped"
        ]
    );
    assert_eq!(code, 0);

    // A change, as the README describes it.
    let sandbox = daemon.sandbox();
    let config = sandbox.read("supervisord.conf");
    let mended = config.replace("exit 3", "exec sleep 1000");
    assert_ne!(config, mended);
    sandbox.write("supervisord.conf", mended);
    assert_eq!(
        daemon.ctl_line("reread"),
        ("broken: changed\n".to_owned(), 0)
    );
    assert_eq!(
        daemon.ctl_line("update"),
        (
            "broken: stopped\nbroken: updated process group\n".to_owned(),
            0
        )
    );
    daemon.wait_state("broken", "RUNNING");

    // The end.
    assert_eq!(daemon.ctl_line("shutdown"), ("Shut down\n".to_owned(), 0));
    assert_eq!(daemon.wait_end(), 0);
    wait_until("every process has ended", || {
        tree::pids(daemon.sandbox().folder()).is_empty()
    });
}
