//! `top`: carries keys, signals and news to the model of `minder-top`, and what it draws to the
//! terminal.
//!
//! One loop waits for all of it. What has to wait for the daemon (the watcher, a log, an action) is a
//! task of its own that tells by a channel, so that keys are answered whatever the daemon does.

mod acts;
mod events;
mod logs;
mod minder;
mod signals;
mod supervisor;
mod tty;
mod watch;

use std::future::Future;
use std::io;
use std::time::Duration;

use minder_top::{Effect, Input, Keys, LogNews, Model, News, Screen, Source, Wanted};
use rustix::process::Signal;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};

use crate::failure::Failure;
use crate::input;
use crate::settings::Settings;
use signals::Signals;
use tty::Tty;
pub(crate) use tty::obstacle;

/// The shortest time between two pictures: nobody sees more, and a log that floods would have
/// nothing else done.
const FRAME: Duration = Duration::from_millis(33);

/// How long a terminal may take to send the rest of what a key consists of.
const KEY_WAIT: Duration = Duration::from_millis(50);

/// How many news may wait to be taken.
const WAITING: usize = 64;

/// News, and which of the logs that were followed one after the other they are about.
type Told = (News, Option<u64>);

/// A task that ends with its owner.
struct Task(JoinHandle<()>);

impl Task {
    fn spawn(work: impl Future<Output = ()> + Send + 'static) -> Self {
        Self(tokio::spawn(work))
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Where tasks tell what they have heard.
#[derive(Clone)]
struct Teller {
    news: mpsc::Sender<Told>,
    log: Option<u64>,
}

impl Teller {
    /// Tells, and waits while much is waiting. Once nobody listens, the task is aborted anyway.
    async fn tell(&self, news: News) {
        let _ = self.news.send((news, self.log)).await;
    }

    async fn tell_log(&self, news: LogNews) {
        self.tell(News::Log(news)).await;
    }
}

/// Why it has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// Its user wanted it, or has gone.
    Left,
    /// This signal.
    Signal(i32),
}

/// Shows the processes that are wanted until the user has seen enough.
pub(crate) async fn run(settings: &Settings, wanted: Wanted) -> Result<(), Failure> {
    let signals = Signals::hold().map_err(Failure::Input)?;
    let end = {
        let tty = Tty::enter().map_err(Failure::Output)?;
        let keyboard = input::Source::stdin().map_err(Failure::Input)?;
        Top::begin(settings, wanted, tty)
            .run(&signals, &keyboard)
            .await
    };
    drop(signals);
    if let End::Signal(signal) = end?
        && let Some(signal) = Signal::from_named_raw(signal)
    {
        // The terminal is as it was: now for what the signal was meant to do.
        let pid = rustix::process::getpid();
        rustix::process::kill_process(pid, signal).map_err(|errno| Failure::Input(errno.into()))?;
    }
    Ok(())
}

/// `top` while it runs.
struct Top<'a> {
    settings: &'a Settings,
    model: Model,
    keys: Keys,
    tty: Tty,
    begun: Instant,
    /// What the terminal shows; `None` if that is not known.
    shown: Option<Screen>,
    /// Whether something has happened since.
    stale: bool,
    next_frame: Instant,
    /// When what was typed counts as all.
    decide_at: Option<Instant>,
    source: Source,
    teller: Teller,
    heard: mpsc::Receiver<Told>,
    log: Option<Task>,
    /// How many logs were followed so far.
    logs: u64,
    acts: Vec<Task>,
    _watcher: Task,
}

impl<'a> Top<'a> {
    fn begin(settings: &'a Settings, wanted: Wanted, tty: Tty) -> Self {
        let (news, heard) = mpsc::channel(WAITING);
        let teller = Teller { news, log: None };
        let watching = watch::watch(settings.clone(), wanted.clone(), teller.clone());
        let now = Instant::now();
        Self {
            settings,
            model: Model::new(wanted),
            keys: Keys::default(),
            tty,
            begun: now,
            shown: None,
            stale: true,
            next_frame: now,
            decide_at: None,
            source: Source::Minder,
            teller,
            heard,
            log: None,
            logs: 0,
            acts: Vec::new(),
            _watcher: Task::spawn(watching),
        }
    }

    async fn run(mut self, signals: &Signals, keyboard: &input::Source) -> Result<End, Failure> {
        self.resize();
        let mut typed = [0; 1024];
        loop {
            if self.stale && self.next_frame <= Instant::now() {
                self.draw().map_err(Failure::Output)?;
            }
            let wake = self.wake();
            let end = tokio::select! {
                biased;
                signal = signals.next() => self.signal(signal.map_err(Failure::Input)?)?,
                count = keyboard.read(&mut typed) => match count.map_err(Failure::Input)? {
                    0 => Some(End::Left),
                    count => self.typed(&typed[..count])?,
                },
                told = self.heard.recv() => match told {
                    Some(told) => self.hear(told)?,
                    None => Some(End::Left),
                },
                () = sleep_until(wake) => self.pass_time()?,
            };
            if let Some(end) = end {
                return Ok(end);
            }
        }
    }

    /// When something is to be done even if nothing happens.
    fn wake(&self) -> Instant {
        let deadline = self.begun + self.model.deadline();
        let frame = self.stale.then_some(self.next_frame);
        [frame, self.decide_at]
            .into_iter()
            .flatten()
            .fold(deadline, Instant::min)
    }

    fn pass_time(&mut self) -> Result<Option<End>, Failure> {
        let now = Instant::now();
        if self.decide_at.is_some_and(|at| at <= now) {
            self.decide_at = None;
            if let Some(key) = self.keys.decide() {
                return self.take(Input::Key(key));
            }
        }
        if self.begun + self.model.deadline() <= now {
            return self.take(Input::Time);
        }
        Ok(None)
    }

    fn typed(&mut self, bytes: &[u8]) -> Result<Option<End>, Failure> {
        for key in self.keys.take(bytes) {
            let end = self.take(Input::Key(key))?;
            if end.is_some() {
                return Ok(end);
            }
        }
        self.decide_at = self.keys.is_undecided().then(|| Instant::now() + KEY_WAIT);
        Ok(None)
    }

    fn hear(&mut self, (news, log): Told) -> Result<Option<End>, Failure> {
        // Of a log that was followed before, something may still be on its way.
        if log.is_some_and(|log| log != self.logs || self.log.is_none()) {
            return Ok(None);
        }
        if let News::Server(server) = &news {
            self.source = server.source;
        }
        self.take(Input::News(news))
    }

    fn signal(&mut self, signal: i32) -> Result<Option<End>, Failure> {
        match Signal::from_named_raw(signal) {
            Some(Signal::WINCH) => self.resize(),
            Some(Signal::TSTP) => self.suspend(signals::Whom::This)?,
            // Whoever stopped us may have left the terminal in any state.
            Some(Signal::CONT) => self.come_back()?,
            Some(Signal::INT) => return Ok(Some(End::Left)),
            _ => return Ok(Some(End::Signal(signal))),
        }
        Ok(None)
    }

    /// Takes an input, and does what follows from it.
    fn take(&mut self, input: Input) -> Result<Option<End>, Failure> {
        let mut effects = Vec::new();
        self.model.handle(self.begun.elapsed(), input, &mut effects);
        self.stale = true;
        for effect in effects {
            match effect {
                Effect::Act { action, names } => {
                    let settings = self.settings.clone();
                    let work = acts::act(settings, self.source, action, names, self.teller.clone());
                    self.acts.retain(|task| !task.0.is_finished());
                    self.acts.push(Task::spawn(work));
                }
                Effect::Follow { name, channel } => {
                    self.logs += 1;
                    let teller = Teller {
                        log: Some(self.logs),
                        ..self.teller.clone()
                    };
                    let (settings, source) = (self.settings.clone(), self.source);
                    let work = logs::follow(settings, source, name, channel, teller);
                    self.log = Some(Task::spawn(work));
                }
                Effect::Unfollow => self.log = None,
                Effect::Repaint => self.shown = None,
                Effect::Suspend => self.suspend(signals::Whom::Group)?,
                Effect::Quit => return Ok(Some(End::Left)),
            }
        }
        Ok(None)
    }

    fn resize(&mut self) {
        let (width, height) = tty::size();
        let size = Input::Resized { width, height };
        // A size asks for nothing.
        self.model
            .handle(self.begun.elapsed(), size, &mut Vec::new());
        self.stale = true;
    }

    fn suspend(&mut self, whom: signals::Whom) -> Result<(), Failure> {
        self.tty.leave().map_err(Failure::Output)?;
        signals::stop(whom).map_err(Failure::Input)?;
        self.come_back()
    }

    fn come_back(&mut self) -> Result<(), Failure> {
        self.tty.come_back().map_err(Failure::Output)?;
        self.shown = None;
        self.resize();
        Ok(())
    }

    fn draw(&mut self) -> io::Result<()> {
        let screen = self.model.draw();
        let bytes = screen.bytes(self.shown.as_ref(), self.tty.ability());
        self.tty.write(&bytes)?;
        self.shown = Some(screen);
        self.stale = false;
        self.next_frame = Instant::now() + FRAME;
        Ok(())
    }
}
