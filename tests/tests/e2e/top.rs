//! `supervisorctl top` on a terminal, above a real daemon.

use std::process::Command;

use minder_tests::parts::kill_daemon;
use minder_tests::{Daemon, Sandbox, Subject, Terminal, wait_until};
use rustix::process::Signal;

const CONFIG: &str = "\
[program:web]
command=actor wait
startsecs=0
[program:team]
command=actor wait
process_name=%(process_num)d
numprocs=2
startsecs=0
[program:crash]
command=actor until crash exit 3
startsecs=0
autorestart=false
[program:talker]
command=sh -c 'cat noise; exec actor until more out second wait'
startsecs=0
stdout_logfile=%(here)s/talker.log
";

/// What only a terminal may be sent by us: clear the screen, set the title, turn what follows round.
const NOISE: &str = "\x1b[2J\x1b]0;title\x07\x1b[31mfirst\x1b[0m \u{202e}漢字\x07\n";

fn daemon(subject: Subject) -> Daemon {
    let sandbox = Sandbox::configured(subject, CONFIG);
    sandbox.write("noise", NOISE);
    let daemon = Daemon::start_in(sandbox);
    daemon.wait_state("talker", "RUNNING");
    daemon
}

/// Minder's supervisorctl, whosever the daemon is.
fn ctl(daemon: &Daemon, words: &[&str]) -> Command {
    let mut command = Command::new(Subject::Minder.program("supervisorctl"));
    command
        .args(["supervisorctl", "-c", "supervisord.conf"])
        .args(words);
    assert!(daemon.sandbox().path("supervisord.conf").exists());
    command
}

fn top(daemon: &Daemon, words: &[&str]) -> Terminal {
    let words: Vec<&str> = ["top"].into_iter().chain(words.iter().copied()).collect();
    let mut terminal = Terminal::run(daemon.sandbox(), &ctl(daemon, &words), 100, 24);
    terminal.wait_text("STATE");
    terminal
}

/// Leaves by a key, and looks how the terminal is then.
fn leave(mut terminal: Terminal) {
    terminal.types("q");
    let status = terminal.wait_end();
    assert_eq!(status.code(), Some(0));
    assert!(terminal.is_ordinary(), "the terminal is as it was");
}

#[test]
fn what_happens_is_shown_and_keys_act() {
    Subject::Minder.run(|subject| {
        let daemon = daemon(subject);
        let mut terminal = top(&daemon, &[]);
        let pid = daemon.pid_of("web").to_string();
        terminal.wait_line(&["web", "RUNNING", &pid]);
        terminal.wait_line(&["▾ team", "2/2 up"]);
        // Two measurements are needed for it.
        terminal.wait_line(&["CPU ", "%", "MEM "]);
        terminal.wait_line(&["minder ", &format!("pid {}", daemon.pid())]);

        daemon.sandbox().write("crash", "");
        terminal.wait_line(&["crash", "EXITED", "exit 3"]);

        terminal.types("/web\r");
        terminal.wait_text("/web");
        terminal.types("x");
        terminal.wait_text("Stop web?");
        terminal.types("y");
        terminal.wait_line(&["web", "STOPPED"]);
        daemon.wait_state("web", "STOPPED");
        terminal.wait_text("stopped web");
        terminal.types("s");
        terminal.wait_text("started web");
        daemon.wait_state("web", "RUNNING");
        terminal.types("K");
        terminal.wait_text("Signal for web");
        terminal.types("\r");
        terminal.wait_text("Send SIGHUP to web?");
        terminal.types("y");
        terminal.wait_line(&["web", "SIGHUP"]);
        leave(terminal);
    });
}

#[test]
fn a_log_is_followed_and_nothing_in_it_is_obeyed() {
    Subject::Minder.run(|subject| {
        let daemon = daemon(subject);
        daemon.wait_file("talker.log", "first");
        let mut terminal = top(&daemon, &["talker"]);
        terminal.wait_line(&["talker", "RUNNING"]);
        terminal.types("\r");
        terminal.wait_text("first 漢字");
        terminal.wait_text("following");
        daemon.sandbox().write("more", "");
        terminal.wait_text("second");
        let sent = String::from_utf8_lossy(terminal.sent()).into_owned();
        assert!(!sent.contains(['\u{7}', '\u{202e}']) && !sent.contains("\x1b]"));

        kill_daemon(daemon.pid());
        terminal.wait_text("1 daemon died");
        terminal.types("o");
        terminal.wait_text("talker stderr");
        terminal.wait_text("Nothing has been written yet.");
        terminal.types("\x1b");
        wait_until("the log is closed", || !terminal.text().contains("stderr"));
        leave(terminal);
    });
}

#[test]
fn death_and_upgrade_of_the_daemon_are_survived() {
    Subject::Minder.run(|subject| {
        let daemon = daemon(subject);
        let mut terminal = top(&daemon, &[]);
        terminal.wait_line(&["web", "RUNNING"]);
        kill_daemon(daemon.pid());
        terminal.wait_text("1 daemon died");
        wait_until("it is connected", || {
            !terminal.text().contains("connecting")
        });
        let (said, code) = daemon.ctl_line("upgrade");
        assert_eq!(code, 0, "{said}");
        daemon.sandbox().write("crash", "");
        terminal.wait_line(&["crash", "EXITED", "exit 3"]);
        wait_until("it is connected", || {
            !terminal.text().contains("connecting")
        });
        terminal.types("/web\rxy");
        daemon.wait_state("web", "STOPPED");
        terminal.wait_line(&["web", "STOPPED"]);

        daemon.signal(Signal::TERM);
        terminal.wait_text("connecting…");
        leave(terminal);
    });
}

#[test]
fn supervisors_daemon_is_watched_too() {
    Subject::Supervisor.run(|subject| {
        let daemon = daemon(subject);
        let mut terminal = top(&daemon, &[]);
        let pid = daemon.pid_of("web").to_string();
        terminal.wait_text("Supervisor 4.3.0");
        terminal.wait_line(&["web", "RUNNING", &pid]);
        terminal.wait_line(&["▾ team", "2/2 up"]);
        assert!(!terminal.text().contains("CPU%"));
        daemon.sandbox().write("crash", "");
        terminal.wait_line(&["crash", "EXITED", "exit 3"]);
        terminal.types("/web\rxy");
        daemon.wait_state("web", "STOPPED");
        terminal.wait_line(&["web", "STOPPED"]);
        terminal.types("\x1b");
        wait_until("the filter is gone", || terminal.text().contains("team"));
        terminal.types("/talker\r\r");
        terminal.wait_text("first 漢字");
        daemon.sandbox().write("more", "");
        terminal.wait_text("second");
        leave(terminal);
    });
}

#[test]
fn signals_leave_the_terminal_as_it_was() {
    Subject::Minder.run(|subject| {
        let daemon = daemon(subject);
        for signal in [Signal::TERM, Signal::HUP, Signal::INT] {
            let mut terminal = top(&daemon, &[]);
            terminal.wait_line(&["web", "RUNNING"]);
            assert!(!terminal.is_ordinary());
            terminal.signal(signal);
            let status = terminal.wait_end();
            let by_signal = std::os::unix::process::ExitStatusExt::signal(&status);
            let expected = (signal != Signal::INT).then(|| signal.as_raw());
            assert_eq!(by_signal, expected);
            assert!(terminal.is_ordinary(), "after {signal:?}");
        }
    });
}

#[test]
fn it_comes_back_after_having_been_stopped() {
    Subject::Minder.run(|subject| {
        let daemon = daemon(subject);
        let mut terminal = top(&daemon, &[]);
        terminal.wait_line(&["web", "RUNNING"]);
        let entered = |terminal: &mut Terminal| {
            let sent = String::from_utf8_lossy(terminal.sent()).into_owned();
            sent.matches("\x1b[?1049h").count()
        };
        assert_eq!(entered(&mut terminal), 1);
        terminal.signal(Signal::STOP);
        wait_until("it has stopped", || {
            minder_tests::tree::is_stopped(terminal.pid())
        });
        terminal.signal(Signal::CONT);
        wait_until("it has the terminal again", || entered(&mut terminal) == 2);
        // Nobody could let it go on, so that it does not stop; the terminal was given back all the same.
        terminal.signal(Signal::TSTP);
        wait_until("it has the terminal again", || entered(&mut terminal) >= 3);
        terminal.wait_line(&["web", "RUNNING"]);
        leave(terminal);
    });
}

#[test]
fn another_size_is_filled() {
    Subject::Minder.run(|subject| {
        let daemon = daemon(subject);
        let mut terminal = top(&daemon, &[]);
        terminal.wait_line(&["web", "RUNNING"]);
        terminal.resize(50, 12);
        wait_until("the last line is at its place", || {
            let screen = terminal.screen();
            screen.contents_between(11, 0, 11, 50).contains("? help")
        });
        terminal.wait_line(&["web", "RUNNING"]);
        terminal.resize(120, 40);
        wait_until("the last line is at its place", || {
            let screen = terminal.screen();
            screen.contents_between(39, 0, 39, 120).contains("q quit")
        });
        leave(terminal);
    });
}

#[test]
fn colours_are_left_out_for_who_wants_none() {
    Subject::Minder.run(|subject| {
        let daemon = daemon(subject);
        let coloured = |terminal: &mut Terminal| {
            terminal.wait_line(&["web", "RUNNING"]);
            let sent = String::from_utf8_lossy(terminal.sent()).into_owned();
            sent.contains("\x1b[0;32mRUNNING")
        };
        assert!(coloured(&mut top(&daemon, &[])));
        let mut command = ctl(&daemon, &["top"]);
        command.env("NO_COLOR", "1").env("LC_ALL", "C");
        let mut terminal = Terminal::run(daemon.sandbox(), &command, 100, 24);
        assert!(!coloured(&mut terminal));
        assert!(terminal.sent().is_ascii());
    });
}

#[test]
fn it_asks_with_the_credentials_of_every_command() {
    Subject::Minder.run(|subject| {
        let port = Sandbox::free_port();
        let server =
            format!("[inet_http_server]\nport=127.0.0.1:{port}\nusername=ops\npassword=secret\n");
        let sandbox = Sandbox::configured(subject, &format!("{CONFIG}{server}"));
        sandbox.write("noise", NOISE);
        let daemon = Daemon::start_in(sandbox);
        let url = format!("http://127.0.0.1:{port}");
        let words = ["-s", &url, "-u", "ops", "-p", "secret", "top", "team:*"];
        let mut terminal = Terminal::run(daemon.sandbox(), &ctl(&daemon, &words), 100, 24);
        terminal.wait_line(&["▾ team", "2/2 up"]);
        terminal.wait_text("2 processes");
        leave(terminal);
        let words = ["-s", &url, "-u", "ops", "-p", "wrong", "top"];
        let mut terminal = Terminal::run(daemon.sandbox(), &ctl(&daemon, &words), 100, 24);
        terminal.wait_text("Server requires authentication");
        assert_eq!(terminal.wait_end().code(), Some(1));
    });
}

#[test]
fn where_nothing_can_be_drawn_it_says_so() {
    Subject::Minder.run(|subject| {
        let daemon = daemon(subject);
        let text = "Error: top needs a terminal: use status, or --json status\n";
        assert_eq!(daemon.ctl_line("top"), (text.to_owned(), 2));
        let run = daemon.ctl(&["--json", "top"]);
        assert_eq!(run.code, Some(2));
        assert!(
            run.out.contains("top cannot be told as JSON") && run.out.contains("--json status")
        );

        let mut terminal = Terminal::run(
            daemon.sandbox(),
            &ctl(&daemon, &["top", "web", "wbe"]),
            80,
            24,
        );
        terminal.wait_text("wbe: ERROR (no such process)");
        assert_eq!(terminal.wait_end().code(), Some(1));
        let mut dumb = ctl(&daemon, &["top"]);
        dumb.env("TERM", "dumb");
        let mut terminal = Terminal::run(daemon.sandbox(), &dumb, 80, 24);
        assert_eq!(terminal.wait_end().code(), Some(2));
        terminal.wait_text("TERM says");
    });
}

#[test]
fn the_shell_goes_on_behind_it() {
    Subject::Minder.run(|subject| {
        let daemon = daemon(subject);
        let mut terminal = Terminal::run(daemon.sandbox(), &ctl(&daemon, &[]), 100, 24);
        terminal.wait_text("supervisor>");
        terminal.types("top\r");
        terminal.wait_text("? help");
        terminal.types("q");
        wait_until("the shell is back", || {
            !terminal.screen().alternate_screen()
        });
        terminal.types("pid web\r");
        terminal.wait_text(&format!("\n{}", daemon.pid_of("web")));
        terminal.types("top\r");
        terminal.wait_text("? help");
        terminal.types("\x03");
        wait_until("the shell is back", || {
            !terminal.screen().alternate_screen()
        });
        terminal.types("quit\r");
        assert_eq!(terminal.wait_end().code(), Some(0));
    });
}
