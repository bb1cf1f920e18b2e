//! supervisorctl and a configuration that changes: reread, update, add, remove, avail.

use minder_tests::{Daemon, Subject, cases, normal};

use crate::{is, unexpected_fault};

cases!(
    reread_names_the_groups_that_differ,
    update_applies_what_reread_found,
    update_of_one_group_leaves_the_others,
    add_and_remove_take_group_names,
    avail_lists_what_is_configured,
    a_broken_configuration_changes_nothing,
    a_changed_environment_changes_every_group,
    comments_and_order_are_no_change,
);

const THREE: &str = "
[program:kept]
command=/bin/cat
autostart=false
[program:edited]
command=/bin/cat
startsecs=0
[program:gone]
command=/bin/cat
autostart=false
";

const THREE_LATER: &str = "
[program:kept]
command=/bin/cat
autostart=false
[program:edited]
command=/bin/cat -u
startsecs=0
[program:fresh]
command=/bin/cat
autostart=false
";

/// A daemon with [`THREE`], whose file has become [`THREE_LATER`].
fn edited(subject: Subject) -> Daemon {
    let daemon = Daemon::start(subject, THREE);
    daemon.wait_state("edited", "RUNNING");
    daemon.sandbox().configure(THREE_LATER);
    daemon
}

fn reread_names_the_groups_that_differ(subject: Subject) {
    let daemon = Daemon::start(subject, THREE);
    daemon.wait_state("edited", "RUNNING");
    assert_eq!(
        daemon.ctl_line("reread"),
        is("No config updates to processes\n", 0)
    );
    daemon.sandbox().configure(THREE_LATER);
    let changes = "edited: changed\nfresh: available\ngone: disappeared\n";
    assert_eq!(daemon.ctl_line("reread"), is(changes, 0));
    // Nothing has been applied, so nothing has been used up.
    assert_eq!(daemon.ctl_line("reread"), is(changes, 0));
    assert_eq!(daemon.state("gone"), "STOPPED");
}

fn update_applies_what_reread_found(subject: Subject) {
    let daemon = edited(subject);
    let before = daemon.pid_of("edited");
    assert_eq!(
        daemon.ctl_line("update"),
        is(
            "gone: stopped\ngone: removed process group\n\
             edited: stopped\nedited: updated process group\n\
             fresh: added process group\n",
            0
        )
    );
    daemon.wait_state("edited", "RUNNING");
    assert_ne!(daemon.pid_of("edited"), before);
    assert_eq!(daemon.fault("getProcessInfo", &["gone".into()]).0, 10);
    assert_eq!(daemon.ctl_line("update"), is("", 0));
}

fn update_of_one_group_leaves_the_others(subject: Subject) {
    let daemon = edited(subject);
    assert_eq!(
        daemon.ctl_line("update nope fresh"),
        is(
            "ERROR: no such group: nope\nfresh: added process group\n",
            1
        )
    );
    assert_eq!(
        daemon.ctl_line("update all").0,
        "gone: stopped\ngone: removed process group\n\
         edited: stopped\nedited: updated process group\n"
    );
}

fn add_and_remove_take_group_names(subject: Subject) {
    let daemon = edited(subject);
    for (line, out, code) in [
        ("add", "", 0),
        ("remove", "", 0),
        ("add fresh", "ERROR: no such process/group: fresh\n", 1),
        ("add kept", "ERROR: process group already active\n", 0),
        (
            "remove edited",
            "ERROR: process/group still running: edited\n",
            1,
        ),
        (
            "remove nope gone",
            "ERROR: no such process/group: nope\ngone: removed process group\n",
            1,
        ),
        ("reread", "edited: changed\nfresh: available\n", 0),
        ("add fresh", "fresh: added process group\n", 0),
        ("add gone", "ERROR: no such process/group: gone\n", 1),
    ] {
        assert_eq!(daemon.ctl_line(line), is(out, code), "{line}");
    }
}

fn avail_lists_what_is_configured(subject: Subject) {
    let daemon = Daemon::start(
        subject,
        "[program:cat]\ncommand=/bin/cat\n\
         [group:pair]\nprograms=two,one\npriority=5\n\
         [program:one]\ncommand=/bin/cat\nautostart=false\npriority=7\n\
         [program:two]\ncommand=/bin/cat\n",
    );
    assert_eq!(
        daemon.ctl_line("avail"),
        is(
            "cat                              in use    auto      999:999\n\
             pair:one                         in use    manual    5:7\n\
             pair:two                         in use    auto      5:999\n",
            0
        )
    );
    assert_eq!(daemon.ctl_line("stop cat").1, 0);
    assert_eq!(daemon.ctl_line("remove cat").1, 0);
    let (out, _) = daemon.ctl_line("avail");
    assert!(out.starts_with("cat                              avail     auto      999:999\n"));
}

fn a_broken_configuration_changes_nothing(subject: Subject) {
    let daemon = Daemon::start(subject, THREE);
    daemon.wait_state("edited", "RUNNING");
    let pid = daemon.pid_of("edited");
    daemon
        .sandbox()
        .configure("[program:edited]\ncommand=/bin/cat\nstartsecs=x");
    let why = "CANT_REREAD: invalid literal for int() with base 10: 'x' \
               in section 'program:edited' (file: 'supervisord.conf')";
    assert_eq!(daemon.ctl_line("reread"), is(&format!("ERROR: {why}\n"), 1));
    let (out, code) = daemon.ctl_line("update");
    assert_eq!(
        (normal::without_origin(&out), code),
        (unexpected_fault(subject, 92, why), 1)
    );
    assert_eq!(daemon.pid_of("edited"), pid);
}

fn a_changed_environment_changes_every_group(subject: Subject) {
    let daemon = Daemon::start(subject, THREE);
    daemon.sandbox().configure(&format!(
        "environment=A=\"1\"\n[supervisord]\nenvironment=B=\"2\"\n{THREE}"
    ));
    assert_eq!(
        daemon.ctl_line("reread"),
        is("edited: changed\ngone: changed\nkept: changed\n", 0)
    );
}

fn comments_and_order_are_no_change(subject: Subject) {
    let daemon = Daemon::start(
        subject,
        "[program:p]\ncommand=/bin/cat\nautostart=false\nstartsecs=3",
    );
    daemon.sandbox().configure(
        "[include]\nfiles=none/*.conf\n; a comment\n[program:p]\n# another\n\
         STARTSECS : 3 ; three\nautostart=no\ncommand = /bin/cat",
    );
    assert_eq!(
        daemon.ctl_line("reread"),
        is("No config updates to processes\n", 0)
    );
}
