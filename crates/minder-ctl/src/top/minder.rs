//! Watches Minder: what there is is read once, and what happens is told by it.
//!
//! What processes consume is measured when it is asked for, so that is asked again and again, for as
//! long as somebody looks. Nothing else is.

use std::collections::BTreeSet;
use std::time::Duration;

use minder_api::body;
use minder_http::client::{Answer, Client, ClientError, encoded};
use minder_top::{End, Figures, News, Process, ProcessState, Server, Source, Turn, Wanted};
use serde::de::DeserializeOwned;
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep_until};

use super::Teller;
use super::events::{Event, Events};
use super::watch::{Trouble, in_time};

/// How often is asked what processes consume.
const MEASURE_EVERY: Duration = Duration::from_secs(2);

/// When that is asked for the first time: two measurements make a load.
const MEASURE_FIRST: Duration = Duration::from_millis(1100);

/// How long changes are gathered before is asked how their processes are.
const GATHER: Duration = Duration::from_millis(100);

/// How often at most all processes are asked about: thousands of them may crash again and again. Their
/// states are told meanwhile.
const ALL_EVERY: Duration = Duration::from_secs(1);

/// How many processes are asked about one by one rather than all at once, and how many can be named
/// when figures are asked for.
const FEW: usize = 8;
const NAMES: usize = 200;

/// Watches until something is in the way.
pub(super) async fn watch(client: Client, wanted: &Wanted, teller: &Teller) -> Trouble {
    let mut watcher = Watcher {
        client,
        wanted,
        teller,
        touched: BTreeSet::new(),
        all: false,
        told_all: Instant::now(),
        daemon: false,
        named: Vec::new(),
    };
    match watcher.run().await {
        Ok(never) => match never {},
        Err(trouble) => trouble,
    }
}

struct Watcher<'a> {
    client: Client,
    wanted: &'a Wanted,
    teller: &'a Teller,
    /// The processes that something has happened to since they were asked about.
    touched: BTreeSet<String>,
    /// Whether there may be others by now.
    all: bool,
    /// When all were asked about last.
    told_all: Instant,
    /// Whether something has happened to the daemon.
    daemon: bool,
    /// Those that are wanted, if not all are.
    named: Vec<String>,
}

impl Watcher<'_> {
    async fn run(&mut self) -> Result<std::convert::Infallible, Trouble> {
        self.tell_daemon().await?;
        let last = self.tell_all().await?;
        let target = format!("/api/v1/stream?after={last}");
        let mut events = in_time(Events::open(&self.client, &target)).await?;
        let mut measure = interval_at(Instant::now() + MEASURE_FIRST, MEASURE_EVERY);
        measure.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut due: Option<Instant> = None;
        loop {
            tokio::select! {
                event = events.next() => {
                    if self.take(&event?).await {
                        due = due.or_else(|| Some(Instant::now() + GATHER));
                    }
                }
                () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {
                    due = self.catch_up().await?;
                }
                _ = measure.tick() => {
                    if !self.measure().await? {
                        self.all = true;
                        due = Some(Instant::now());
                    }
                }
            }
        }
    }

    /// Asks for JSON.
    async fn ask<T: DeserializeOwned>(&mut self, target: &str) -> Result<T, Trouble> {
        let answer = in_time(self.client.get(target)).await?;
        read(&answer)
    }

    async fn tell_daemon(&mut self) -> Result<(), Trouble> {
        self.daemon = false;
        let daemon: body::Daemon = self.ask("/api/v1/daemon").await?;
        self.teller.tell(News::Server(server(daemon))).await;
        Ok(())
    }

    async fn tell_all(&mut self) -> Result<u64, Trouble> {
        self.all = false;
        self.touched.clear();
        self.told_all = Instant::now();
        let told: body::Processes = self.ask("/api/v1/processes?figures=true").await?;
        let processes = told.processes.into_iter();
        let processes = processes.filter(|it| self.wanted.has(&it.group, &it.process));
        let processes: Vec<Process> = processes.map(process).collect();
        if !self.wanted.is_all() {
            self.named = processes.iter().map(|it| it.name.clone()).collect();
        }
        let now = told.now;
        self.teller.tell(News::All { processes, now }).await;
        Ok(told.last_event)
    }

    /// Takes an event. Whether something is to be asked because of it.
    async fn take(&mut self, event: &Event) -> bool {
        match event.name.as_str() {
            "reset" => self.all = true,
            "event" => {
                let Ok(event) = serde_json::from_str::<body::Event>(&event.data) else {
                    return false;
                };
                match (event.name, event.change) {
                    (Some(name), Some(change)) if self.is_wanted(&name) => {
                        if let Some(turn) = turn(&name, change) {
                            self.teller.tell(News::Turned(turn)).await;
                        }
                        self.touched.insert(name);
                    }
                    // About a group, or the daemon.
                    (None, _) if event.said.is_none() => {
                        self.all = true;
                        self.daemon |= event.group.is_none();
                    }
                    _ => return false,
                }
            }
            _ => return false,
        }
        true
    }

    fn is_wanted(&self, name: &str) -> bool {
        let (group, process) = name.split_once(':').unwrap_or((name, name));
        self.wanted.has(group, process)
    }

    /// Asks about all that something has happened to, or says when to.
    async fn catch_up(&mut self) -> Result<Option<Instant>, Trouble> {
        if self.daemon {
            self.tell_daemon().await?;
        }
        if self.all || self.touched.len() > FEW {
            let next = self.told_all + ALL_EVERY;
            if next > Instant::now() {
                return Ok(Some(next));
            }
            self.tell_all().await?;
            return Ok(None);
        }
        for name in std::mem::take(&mut self.touched) {
            let target = format!("/api/v1/processes/{}", encoded(&name));
            let answer = in_time(self.client.get(&target)).await?;
            let news = if answer.status == 404 {
                News::Gone(name)
            } else {
                let detail: body::ProcessDetail = read(&answer)?;
                News::One(Box::new(process(detail.process)))
            };
            self.teller.tell(news).await;
        }
        Ok(None)
    }

    /// Asks what processes consume. Not so, if one that was asked about is gone.
    async fn measure(&mut self) -> Result<bool, Trouble> {
        let mut target = "/api/v1/figures".to_owned();
        if (1..=NAMES).contains(&self.named.len()) {
            let names: Vec<String> = self.named.iter().map(|name| encoded(name)).collect();
            target = format!("{target}?names={}", names.join(","));
        }
        let answer = in_time(self.client.get(&target)).await?;
        if answer.status == 404 {
            return Ok(false);
        }
        let told: body::AllFigures = read(&answer)?;
        let told = told.figures.into_iter();
        let told = told.map(|it| (it.name, figures(&it.figures)));
        self.teller.tell(News::Consumed(told.collect())).await;
        Ok(true)
    }
}

/// Reads JSON; what answers otherwise is not Minder, or does not want to now.
fn read<T: DeserializeOwned>(answer: &Answer) -> Result<T, Trouble> {
    match answer.status {
        200 => serde_json::from_slice(&answer.body).map_err(|_| Trouble::NotMinder),
        503 => Err(Trouble::Busy("shutting down or restarting".to_owned())),
        404 | 405 | 501 => Err(Trouble::NotMinder),
        status => {
            let reason = String::new();
            Err(ClientError::Http { status, reason }.into())
        }
    }
}

fn server(daemon: body::Daemon) -> Server {
    Server {
        source: Source::Minder,
        version: daemon.version,
        identifier: daemon.identifier,
        state: daemon.state,
        pid: Some(daemon.keeper_pid),
        started: Some(daemon.started),
        deaths: daemon.generation,
    }
}

fn process(told: body::Process) -> Process {
    Process {
        state: state(&told.state),
        name: told.name,
        group: told.group,
        process: told.process,
        description: told.error.unwrap_or(told.description),
        pid: told.pid,
        started: told.started,
        restarts: Some(told.restarts_of_day),
        flapping: told.flapping,
        last_end: told.last_end.map(end),
        figures: told.figures.as_ref().map(figures),
    }
}

fn figures(told: &body::Figures) -> Figures {
    Figures {
        load: told.cpu_load,
        memory: told.memory,
    }
}

fn turn(name: &str, change: body::Change) -> Option<Turn> {
    Some(Turn {
        name: name.to_owned(),
        at: change.at,
        state: known(&change.state)?,
        pid: change.pid,
        end: change.end.map(end),
    })
}

/// The state of this name. One that we do not know is unknown to us.
pub(super) fn state(name: &str) -> ProcessState {
    known(name).unwrap_or(ProcessState::Unknown)
}

fn known(name: &str) -> Option<ProcessState> {
    ProcessState::ALL.into_iter().find(|it| it.name() == name)
}

fn end(told: body::End) -> End {
    let mut how = match (told.signal, told.exit_code, told.error) {
        (Some(signal), _, _) => signal,
        (None, Some(code), _) => format!("exit {code}"),
        (None, None, Some(error)) => error,
        (None, None, None) => "nobody saw how".to_owned(),
    };
    if told.core_dumped {
        how.push_str(" (core)");
    }
    if told.reason == "out_of_memory" {
        how.push_str(" (no memory)");
    }
    End {
        at: told.at,
        how,
        bad: !matches!(told.reason.as_str(), "expected" | "stopped"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(reason: &str) -> body::End {
        body::End {
            at: 1.0,
            reason: reason.to_owned(),
            exit_code: None,
            signal: None,
            core_dumped: false,
            error: None,
        }
    }

    #[test]
    fn an_end_is_told_in_few_words() {
        let code = body::End {
            exit_code: Some(3),
            ..told("too_quick")
        };
        let signal = body::End {
            signal: Some("SIGSEGV".to_owned()),
            core_dumped: true,
            ..told("signal")
        };
        let starved = body::End {
            signal: Some("SIGKILL".to_owned()),
            ..told("out_of_memory")
        };
        let none = body::End {
            error: Some("can't find command".to_owned()),
            ..told("spawn_error")
        };
        for (told, how, bad) in [
            (code, "exit 3", true),
            (signal, "SIGSEGV (core)", true),
            (starved, "SIGKILL (no memory)", true),
            (none, "can't find command", true),
            (told("stopped"), "nobody saw how", false),
        ] {
            let end = end(told);
            assert_eq!((end.how.as_str(), end.bad), (how, bad));
        }
    }

    #[test]
    fn what_another_release_tells_is_understood_as_far_as_it_is_known() {
        assert_eq!(state("RUNNING"), ProcessState::Running);
        assert_eq!(state("DREAMING"), ProcessState::Unknown);
        let text = r#"{"at": 1, "reason": "signal", "exit_code": null, "signal": "SIGHUP", "core_dumped": false, "mood": "bad"}"#;
        let end: body::End = serde_json::from_str(text).unwrap();
        assert_eq!((end.signal.as_deref(), end.error), (Some("SIGHUP"), None));
    }
}
