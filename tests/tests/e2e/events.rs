//! The daemon or the keeper is killed at random moments while a listener works: it is told everything
//! once.

use minder_tests::chance::{Moments, setting};
use minder_tests::parts::kill_daemon;
use minder_tests::{Daemon, Subject, wait_until};

use crate::keeper;
use crate::survival::{KILLS, wait_for_growth};

/// At most this much is heard between two kills: some hundred events.
const BYTES_BETWEEN_KILLS: u64 = 64 << 10;

/// How often the keeper is killed, if nobody says. Each takes a while, in which events come up that
/// have to be heard in the end.
const KEEPER_KILLS: usize = 3;

const CONFIG: &str = "\
[eventlistener:ear]
command=actor listen heard
events=PROCESS_LOG,PROCESS_COMMUNICATION
buffer_size=1000000
[program:talker]
command=actor drip halt
autorestart=false
stdout_events_enabled=true
stdout_logfile=%(here)s/talker.log
stdout_logfile_maxbytes=0
[program:teller]
command=actor tell halt
autorestart=false
stdout_capture_maxbytes=100
stdout_logfile=%(here)s/teller.log
stdout_logfile_maxbytes=0
";

#[test]
fn killed_daemons_lose_and_repeat_no_event() {
    Subject::Minder.run(|subject| {
        no_event_is_lost_or_repeated(subject, setting("MINDER_KILLS", KILLS), |daemon| {
            kill_daemon(daemon.pid());
        });
    });
}

#[test]
fn killed_keepers_lose_and_repeat_no_event() {
    Subject::Minder.run(|subject| {
        let kills = setting("MINDER_KEEPER_KILLS", KEEPER_KILLS);
        no_event_is_lost_or_repeated(subject, kills, |daemon| {
            keeper::kill_keeper(daemon);
        });
    });
}

fn no_event_is_lost_or_repeated(subject: Subject, kills: usize, kill: impl Fn(&Daemon)) {
    let mut moments = Moments::from_environment();
    let daemon = Daemon::start(subject, CONFIG);
    daemon.wait_state("ear", "RUNNING");
    let ear = daemon.pid_of("ear");
    for _ in 0..kills {
        wait_for_growth(&daemon, "heard", moments.next_below(BYTES_BETWEEN_KILLS));
        kill(&daemon);
    }
    daemon.sandbox().write("halt", "");
    daemon.wait_state("talker", "EXITED");
    daemon.wait_state("teller", "EXITED");
    daemon.wait_file("talker.log", "end ");
    let talk = daemon.sandbox().read("talker.log");
    wait_until("the listener has heard all", || {
        let heard = Heard::of(&daemon);
        let told = daemon.sandbox().read("teller.log").lines().count();
        heard.talk.len() >= talk.len() && heard.told.len() >= told
    });

    let heard = Heard::of(&daemon);
    assert!(heard.talk == talk, "what was heard is not what was said");
    let serials: Vec<usize> = (0..heard.serials.len()).collect();
    assert_eq!(heard.serials, serials);
    let told: Vec<String> = (0..heard.told.len())
        .map(|number| number.to_string())
        .collect();
    assert_eq!(heard.told, told);
    let around = told.join("\n") + "\n";
    assert!(daemon.sandbox().read("teller.log") == around);
    assert_eq!(daemon.pid_of("ear"), ear);
    eprintln!(
        "{} events, {} of them communications",
        serials.len(),
        told.len()
    );
}

/// What the listener has heard, in order.
#[derive(Default)]
struct Heard {
    /// The numbers of the events within their pool.
    serials: Vec<usize>,
    /// What `talker` has said.
    talk: String,
    /// What `teller` has said between tokens.
    told: Vec<String>,
}

impl Heard {
    fn of(daemon: &Daemon) -> Self {
        let mut heard = Self::default();
        let text = daemon.sandbox().read("heard");
        for event in text.split("\n\nver:") {
            heard.add(event.trim_end_matches("\n\n"));
        }
        heard
    }

    fn add(&mut self, event: &str) {
        let mut lines = event.splitn(3, '\n');
        let (Some(header), Some(about), Some(said)) = (lines.next(), lines.next(), lines.next())
        else {
            return;
        };
        let serial = header
            .split_once("poolserial:")
            .and_then(|(_, rest)| rest.split_once(' '));
        let serial = serial.and_then(|(serial, _)| serial.parse().ok());
        self.serials.push(serial.expect("each event has a number"));
        if about.starts_with("processname:talker ") {
            self.talk += said;
            // The last newline of an event is not the listener's.
            if !self.talk.ends_with('\n') {
                self.talk.push('\n');
            }
        } else {
            self.told.push(said.to_owned());
        }
    }
}
