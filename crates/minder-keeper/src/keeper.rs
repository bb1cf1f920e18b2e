//! The loop, and what each request does.

use std::ffi::CString;
use std::io;
use std::ops::ControlFlow::{self, Break, Continue};
use std::os::fd::{AsFd, OwnedFd};
use std::process::ExitCode;
use std::rc::Rc;
use std::time::Duration;

use minder_os::clock::clocks;
use minder_os::foreign::Foreign;
use minder_os::frames::Received;
use minder_os::limits;
use minder_os::oom;
use minder_os::process::{self, Ended};
use minder_os::signals::{self, Disposition, SignalFd, SignalSet, Target};
use minder_os::spawn::{Mark, Method, Spawner};
use minder_wire::{
    Departure, GIVEN, HEIRLOOM, Handover, Launch, MAX_FRAME, Plan, REGISTER, Registered, SpawnStep,
    ToDaemon, ToKeeper, UpgradeOutcome, VERSION, slot_offset,
};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::process::Signal;

use crate::children::{Children, Reach};
use crate::daemon::{self, Daemon, History};
use crate::handover::{self, Errand, Estate};
use crate::inventory::Cursor;
use crate::link::{Incoming, Link, Sent, Stage};
use crate::news::News;
use crate::register;
use crate::spawn::{Failure, needs, read_plan, spawn};
use crate::startup::{EX_SOFTWARE, Startup, complain, write_to_log};
use crate::upgrade::{self, Asker, Check, Program, Successor, Trial};

/// Everything that the keeper holds.
pub(crate) struct Keeper {
    spawner: Spawner,
    arrivals: SignalFd,
    /// What each daemon is started with.
    environment: Vec<CString>,
    estate: Estate,

    daemon: Daemon,
    /// The program that is looked at whether it could go on in our place.
    check: Option<Check>,
    /// The one that can: the daemon is expected to leave for it.
    chosen: Option<Successor>,
    /// The way back to the program that we came from, until a daemon of ours has been ready.
    trial: Option<Trial>,
    /// The socket to the daemon, until either end is closed.
    link: Option<Link>,
    /// How the daemon has said that it leaves.
    departure: Option<Departure>,
    /// For one frame.
    buffer: Vec<u8>,
}

/// What there is to do.
struct Ready {
    signals: bool,
    link: bool,
    /// Those that may have ended.
    orphans: Vec<u64>,
}

impl Keeper {
    /// Makes this process ready to be the keeper that a launcher has become.
    pub(crate) fn begin(launch: Launch) -> io::Result<Self> {
        let report = launch.report_fd.map(process::take_inherited).transpose()?;
        let given = launch.given_fd.map(process::take_inherited).transpose()?;
        if report.is_some() {
            // In the background. It fails only for who leads a session of its own already.
            let _ = rustix::process::setsid();
        }
        Self::new(Estate {
            open_files: limits::raise_open_files(),
            startup: Startup::First(report),
            note: launch.note,
            program: launch.program,
            log: None,
            children: Children::default(),
            held: given
                .map(|given| (GIVEN.to_vec(), Rc::new(given)))
                .into_iter()
                .collect(),
            news: News::default(),
            history: History::default(),
            upgrade: None,
            refused: None,
            oom_score_adj: None,
        })
    }

    /// Goes on in the place of another program, with a way back to it.
    pub(crate) fn go_on(told: Handover, old: OwnedFd) -> io::Result<Self> {
        let estate = Estate::take_over(told);
        let mut keeper = Self::new(estate)?;
        keeper.trial = Some(Trial::new(old));
        Ok(keeper)
    }

    /// Goes on after a program that could not, for this reason unless it tells one itself.
    pub(crate) fn go_back(told: Handover, why: &str) -> io::Result<Self> {
        let mut estate = Estate::take_over(told);
        if !why.is_empty() {
            estate.was_rolled_back(why);
        }
        Self::new(estate)
    }

    /// Goes on after a keeper that has died, in the process that was its daemon.
    pub(crate) fn succeed(told: Handover) -> io::Result<Self> {
        Self::new(Estate::take_over(told))
    }

    /// Makes this process ready.
    fn new(mut estate: Estate) -> io::Result<Self> {
        estate.oom_score_adj = hide_from_oom_killer(estate.oom_score_adj);
        let held_back = SignalSet::all().without(&LEFT_ALONE);
        held_back.block();
        // Whoever ignores it is never told of its children.
        signals::set_disposition(SIGCHLD, Disposition::Default)?;
        signals::reset_reserved()?;
        process::become_subreaper()?;
        rustix::thread::set_name(c"supervisord")?;
        Ok(Self {
            spawner: patiently(|| Spawner::new(Method::SharedMemory))?,
            arrivals: patiently(|| SignalFd::new(&held_back))?,
            environment: crate::environment()?,
            estate,
            daemon: Daemon::Due { at_nanos: 0 },
            check: None,
            chosen: None,
            trial: None,
            link: None,
            departure: None,
            buffer: vec![0; MAX_FRAME],
        })
    }

    /// Runs until a daemon leaves for good.
    pub(crate) fn run(mut self) -> ExitCode {
        // Children of the program that we were before, and what ended while we became another.
        if let Break(code) = self.reap() {
            return code;
        }
        loop {
            if let Break(code) = self.turn() {
                return code;
            }
        }
    }

    fn turn(&mut self) -> ControlFlow<ExitCode> {
        self.start_daemon_if_due()?;
        let ready = self.wait();
        if ready.signals && self.take_signals() {
            self.reap()?;
        }
        self.look_after_orphans(&ready.orphans);
        if ready.link {
            self.serve();
        }
        self.mind_deadlines();
        self.tell_news();
        Continue(())
    }

    /// The one place where the keeper waits.
    fn wait(&self) -> Ready {
        let timeout = self.timeout().map(|wait| Timespec {
            tv_sec: i64::try_from(wait.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: wait.subsec_nanos().into(),
        });
        let mut waited_for = vec![PollFd::new(&self.arrivals, PollFlags::IN)];
        if let Some(link) = &self.link {
            waited_for.push(PollFd::new(link, interest(link)));
        }
        let own = waited_for.len();
        let mut orphans = Vec::new();
        for (id, orphan) in self.estate.children.orphans() {
            // That it is reaped is told whatever is asked for.
            let what = if orphan.is_hidden {
                PollFlags::empty()
            } else {
                PollFlags::IN
            };
            waited_for.push(PollFd::new(&orphan.process, what));
            orphans.push(id);
        }
        if poll(&mut waited_for, timeout.as_ref()).is_err() {
            // Nothing is known: look everywhere.
            return Ready {
                signals: true,
                link: true,
                orphans,
            };
        }
        let mut ready = waited_for.iter().map(|fd| !fd.revents().is_empty());
        let signals = ready.next().unwrap_or(false);
        let link = own > 1 && ready.next().unwrap_or(false);
        let orphans = orphans.into_iter().zip(ready);
        Ready {
            signals,
            link,
            orphans: orphans
                .filter_map(|(id, ready)| ready.then_some(id))
                .collect(),
        }
    }

    fn timeout(&self) -> Option<Duration> {
        let now_nanos = clocks().mono_nanos;
        let until = |nanos: u64| Duration::from_nanos(nanos.saturating_sub(now_nanos));
        let until_daemon = match self.daemon {
            Daemon::Alive { .. } => None,
            // It waits for the verdict, too.
            Daemon::Due { .. } if self.check_holds_us_up() => None,
            Daemon::Due { at_nanos } => Some(until(at_nanos)),
        };
        let until_verdict = self.check.as_ref().and_then(Check::until_nanos);
        let until_back = self.trial.as_ref().and_then(Trial::until_nanos);
        let deadlines = [until_verdict, until_back].into_iter().flatten();
        let deadlines = deadlines.map(until);
        let crowded = self.link.as_ref().is_some_and(Link::is_crowded);
        let until_retry = crowded.then_some(CROWDED_RETRY);
        let others = [until_daemon, until_retry].into_iter().flatten();
        others.chain(deadlines).min()
    }

    /// Takes note of the signals that have arrived. Returns whether a child may have ended.
    fn take_signals(&mut self) -> bool {
        let mut ended = false;
        while let Ok(Some(signal)) = self.arrivals.next() {
            if signal == SIGCHLD {
                ended = true;
            } else if FORWARDED.contains(&signal) {
                self.estate.news.signal(signal);
            }
        }
        ended
    }

    fn reap(&mut self) -> ControlFlow<ExitCode> {
        while let Ok(Some(ended)) = process::reap() {
            if let Some(check) = self.check.take_if(|check| check.pid == ended.pid) {
                self.checked(check, ended.status);
                continue;
            }
            match self.daemon {
                Daemon::Alive { pid, since_nanos } if pid == ended.pid => {
                    self.daemon_ended(ended.status, since_nanos)?;
                }
                Daemon::Alive { .. } | Daemon::Due { .. } => self.child_ended(ended),
            }
        }
        Continue(())
    }

    fn child_ended(&mut self, ended: Ended) {
        match self.estate.children.ended(ended, clocks()) {
            Some(child) if self.link.is_some() => self.estate.news.exit(child),
            // The next daemon finds it in its inventory.
            Some(_) => {}
            None => self.estate.news.orphan(ended),
        }
    }

    fn look_after_orphans(&mut self, ids: &[u64]) {
        for id in ids {
            if self.estate.children.look_after(*id, clocks()) && self.link.is_some() {
                self.estate.news.exit(*id);
            }
        }
    }

    // The daemon's life.

    fn start_daemon_if_due(&mut self) -> ControlFlow<ExitCode> {
        let Daemon::Due { at_nanos } = self.daemon else {
            return Continue(());
        };
        let now_nanos = clocks().mono_nanos;
        if now_nanos < at_nanos {
            return Continue(());
        }
        if self.estate.history.is_failing() {
            self.look_for_another();
        }
        if self.check_holds_us_up() {
            return Continue(());
        }
        let started = daemon::start(
            &mut self.spawner,
            self.estate.open_files,
            self.estate.oom_score_adj,
            &self.environment,
        );
        match started {
            Ok((pid, socket)) => {
                self.link = Some(Link::new(socket));
                self.daemon = Daemon::Alive {
                    pid,
                    since_nanos: now_nanos,
                };
                Continue(())
            }
            Err(error) => {
                let why = format!("cannot start the daemon: {error}\n");
                self.try_again(&why, Duration::ZERO)
            }
        }
    }

    fn daemon_ended(&mut self, status: i32, since_nanos: u64) -> ControlFlow<ExitCode> {
        // From here on its pid may be anybody's.
        self.daemon = Daemon::Due { at_nanos: 0 };
        self.take_last_requests();
        self.estate.news.daemon_is_gone();
        if let Some(check) = self.check.as_mut().filter(|it| it.asker == Asker::Daemon) {
            check.asker = Asker::Nobody;
            check.kill();
        }
        let chosen = self.chosen.take();
        match self.departure.take() {
            // A program that cannot go on is no reason to end.
            Some(Departure::Exit { code, text }) if code != 0 && self.trial.is_some() => {
                let text = String::from_utf8_lossy(&text);
                let line = text.lines().next().unwrap_or("without saying why");
                let why = format!("the daemon has given up: {line}\n");
                self.daemon_failed(status, since_nanos, &why)
            }
            Some(Departure::Exit { code, text }) => {
                self.estate.startup.over(code, &text);
                Break(ExitCode::from(code))
            }
            Some(Departure::Restart) => {
                self.begin_anew();
                Continue(())
            }
            Some(Departure::Upgrade) => {
                self.estate.history.made_room();
                if let Some(successor) = chosen {
                    self.go_over(&successor);
                }
                Continue(())
            }
            None => {
                let why = format!("the daemon has ended ({})\n", daemon::describe(status));
                self.daemon_failed(status, since_nanos, &why)
            }
        }
    }

    fn daemon_failed(&mut self, status: i32, since_nanos: u64, why: &str) -> ControlFlow<ExitCode> {
        let lived_nanos = clocks().mono_nanos.saturating_sub(since_nanos);
        self.estate.history.crashed(status);
        self.try_again(why, Duration::from_nanos(lived_nanos))
    }

    /// Does what the daemon had asked for before it ended.
    fn take_last_requests(&mut self) {
        if let Some(link) = &mut self.link {
            link.shut();
        }
        for _ in 0..TURNS_AFTER_THE_END {
            if self.serve() == Served::All {
                break;
            }
        }
        self.link = None;
    }

    fn begin_anew(&mut self) {
        self.estate.children = Children::default();
        self.estate.held.retain(|name, _| name == HEIRLOOM);
        self.estate.history = self.estate.history.restarted();
        self.estate.startup.again();
    }

    /// A daemon could not be had, or did not stay.
    fn try_again(&mut self, why: &str, lived: Duration) -> ControlFlow<ExitCode> {
        let is_first = self.estate.startup.is_first() && self.trial.is_none();
        if is_first && self.estate.children.is_empty() {
            self.estate.startup.over(EX_SOFTWARE, why.as_bytes());
            return Break(ExitCode::from(EX_SOFTWARE));
        }
        complain(why);
        let why = why.trim_end();
        if let Some(trial) = self.trial.take_if(Trial::has_failed_again) {
            self.write_to_log(&format!("{why}: going back to the program before"));
            self.roll_back(&trial, why);
        }
        let is_mute = !self.estate.history.is_ready_now();
        let delay = self.estate.history.delay_after(lived);
        if is_mute {
            let next = match delay {
                Duration::ZERO => "at once".to_owned(),
                delay => format!("in {:.1} s", delay.as_secs_f64()),
            };
            self.write_to_log(&format!(
                "{why}, and programs run on without it; another one is started {next}"
            ));
        }
        let delay_nanos = u64::try_from(delay.as_nanos()).unwrap_or(u64::MAX);
        self.daemon = Daemon::Due {
            at_nanos: clocks().mono_nanos.saturating_add(delay_nanos),
        };
        Continue(())
    }

    /// Tells the operator what no daemon is there to tell, and the next one would not know.
    fn write_to_log(&self, text: &str) {
        if let Some(path) = &self.estate.log {
            write_to_log(path, text);
        }
    }

    /// The daemon has closed its end. Unless it is leaving it will never be of use again, and
    /// there must not be two.
    fn hang_up(&mut self) {
        // Before it can see that the socket is closed: it would take us for dead.
        if let (Daemon::Alive { pid, .. }, None) = (self.daemon, &self.departure) {
            // If that fails it has ended already.
            let _ = signals::send(Target::Process(pid), Signal::KILL.as_raw());
        }
        self.link = None;
    }

    // Another program in our place.

    /// Looks whether the program that is installed could go on in our place.
    fn look_at_installed(&mut self, asker: Asker) {
        let mut running = self.check.as_mut();
        if let Some(check) = running.take_if(|check| check.asker != Asker::Nobody) {
            // The answer is on its way.
            check.asker = asker;
            return;
        }
        let begun = Program::installed(&self.estate.program).and_then(|program| {
            let state = handover::seal(&self.estate)?;
            let limit = self.estate.open_files;
            Check::begin(
                &mut self.spawner,
                limit,
                &self.environment,
                program,
                &state,
                asker,
            )
        });
        match begun {
            Ok(check) => self.check = Some(check),
            Err(error) => self.refuse(asker, &error.to_string()),
        }
    }

    /// Whether the next daemon has to wait, because there may be a better one.
    fn check_holds_us_up(&self) -> bool {
        let check = self.check.as_ref();
        check.is_some_and(|check| check.asker == Asker::Keeper)
    }

    /// A program that was looked at has ended.
    fn checked(&mut self, check: Check, status: i32) {
        let asker = check.asker;
        match check.verdict(status) {
            _ if asker == Asker::Nobody => {}
            Ok(successor) if asker == Asker::Daemon => {
                let to = successor.version.clone().into_bytes();
                self.estate.news.upgrade(ToDaemon::UpgradePossible { to });
                self.chosen = Some(successor);
            }
            Ok(successor) => {
                let program = String::from_utf8_lossy(&self.estate.program);
                self.write_to_log(&format!(
                    "no daemon stays up: trying \"{program}\", which has been replaced"
                ));
                self.go_over(&successor);
            }
            Err((identity, why)) => {
                self.estate.refused = Some(identity);
                self.refuse(asker, &why);
            }
        }
    }

    fn refuse(&mut self, asker: Asker, why: &str) {
        let program = String::from_utf8_lossy(&self.estate.program);
        let why = format!("\"{program}\": {why}");
        let line = format!("upgrade refused: {why}");
        complain(&format!("{line}\n"));
        let mut refused = upgrade::failed(upgrade::begun(""), UpgradeOutcome::Refused, &why);
        refused.is_news = false;
        match asker {
            Asker::Daemon => {
                let why = refused.why.clone();
                self.estate.news.upgrade(ToDaemon::UpgradeRefused { why });
            }
            Asker::Keeper | Asker::Nobody => self.write_to_log(&line),
        }
        self.estate.upgrade = Some(refused);
    }

    /// Goes over to another program, while there is no daemon. Returns only if that fails.
    fn go_over(&mut self, successor: &Successor) {
        let Successor { program, version } = successor;
        self.estate.upgrade = Some(upgrade::begun(version));
        // What fails is not tried again, unless somebody asks for it.
        self.estate.refused = Some(program.identity);
        self.estate.history.begin_afresh();
        let error = match Program::running() {
            Ok(old) => {
                let errand = Errand::GoOn {
                    old: old.file.as_fd(),
                };
                handover::execute(
                    program.file.as_fd(),
                    errand,
                    &self.estate,
                    &self.environment,
                )
            }
            Err(error) => error,
        };
        self.refuse(Asker::Keeper, &format!("it cannot be executed: {error}"));
    }

    /// Goes back to the program that we came from. Returns only if that fails.
    fn roll_back(&mut self, trial: &Trial, why: &str) {
        self.estate.was_rolled_back(why);
        self.estate.history.begin_afresh();
        let old = trial.old.as_fd();
        let error = handover::execute(old, Errand::GoBack, &self.estate, &self.environment);
        complain(&format!("cannot go back to the program before: {error}\n"));
    }

    /// Looks for a program that may do better than ours, whose daemons do not stay up.
    fn look_for_another(&mut self) {
        if self.trial.is_some() || self.check.is_some() {
            return;
        }
        let Ok(installed) = Program::installed(&self.estate.program) else {
            return;
        };
        let ours = Program::running().map(|running| running.identity);
        let known = [self.estate.refused, ours.ok()];
        if !known.contains(&Some(installed.identity)) {
            self.look_at_installed(Asker::Keeper);
        }
    }

    /// Ends what takes too long.
    fn mind_deadlines(&mut self) {
        let now_nanos = clocks().mono_nanos;
        if let Some(check) = &mut self.check {
            check.end_if_late(now_nanos);
        }
        let Some(trial) = self.trial.take_if(|trial| trial.is_over(now_nanos)) else {
            return;
        };
        if let Daemon::Alive { pid, .. } = self.daemon {
            // If that fails it has ended already.
            let _ = signals::send(Target::Process(pid), Signal::KILL.as_raw());
            self.trial = Some(trial.at_its_end());
        } else {
            self.roll_back(&trial, "no daemon was ready in time");
        }
    }

    // Requests and news.

    /// Does some of what the daemon asks for.
    fn serve(&mut self) -> Served {
        for _ in 0..REQUESTS_PER_TURN {
            let Some(link) = &mut self.link else {
                return Served::All;
            };
            link.send_answer();
            if !link.takes_requests() {
                return Served::All;
            }
            match link.receive(&mut self.buffer) {
                Incoming::Frame(Received { frame, beside, .. }) => match ToKeeper::decode(frame) {
                    Ok(request) => self.handle(request, beside),
                    Err(error) => complain(&format!("cannot read a request: {error}\n")),
                },
                Incoming::Reset => {}
                Incoming::Nothing if !link.is_shut() => return Served::All,
                Incoming::Nothing | Incoming::End => {
                    self.hang_up();
                    return Served::All;
                }
            }
        }
        Served::Some
    }

    fn handle(&mut self, request: ToKeeper, mut beside: Vec<OwnedFd>) {
        match request {
            ToKeeper::Hello { version } => self.welcome(version),
            ToKeeper::Next => self.next_item(),
            ToKeeper::Spawn { child, label, plan } => self.spawn(child, label, Ok(plan)),
            ToKeeper::SpawnFrom { child, label } => {
                self.spawn(child, label, read_plan(beside.pop()));
            }
            ToKeeper::Adopt { child, pid, label } => self.adopt(child, pid, label, beside.pop()),
            ToKeeper::Signal {
                child,
                signal,
                group,
            } => self.signal(child, signal, group),
            ToKeeper::Forget { child } => self.estate.children.forget(child),
            ToKeeper::Close { child, stream } => self.estate.children.close(child, stream),
            ToKeeper::Hold { name } => self.hold(name, beside.pop()),
            ToKeeper::Release { name } => {
                self.estate.held.remove(&name);
            }
            ToKeeper::Heard { signal } => self.estate.news.heard(signal),
            ToKeeper::Ready => self.ready(),
            ToKeeper::Log { path } => self.estate.log = path,
            ToKeeper::Upgrade => self.look_at_installed(Asker::Daemon),
            ToKeeper::Leave(departure) => self.departure = Some(departure),
        }
    }

    fn ready(&mut self) {
        self.estate.history.is_ready();
        self.estate.startup.complete();
        if let Some(upgrade) = &mut self.estate.upgrade {
            upgrade.is_news = false;
        }
        if self.trial.take().is_some() {
            self.estate.refused = None;
            if let Some(upgrade) = &mut self.estate.upgrade {
                upgrade.outcome = UpgradeOutcome::Done;
            }
        }
    }

    fn welcome(&mut self, version: u16) {
        let welcome = ToDaemon::Welcome {
            version: version.min(VERSION),
            keeper_pid: std::process::id(),
            generation: self.estate.history.generation,
            restarts: self.estate.history.restarts,
            last_end: self.estate.history.last_end,
            note: self.estate.note.clone(),
            upgrade: self.estate.upgrade.clone(),
        };
        if let Some(link) = &mut self.link {
            link.stage = Stage::Inventory(Cursor::START);
            link.answer(&welcome, Vec::new());
        }
    }

    fn next_item(&mut self) {
        let Some(link) = &mut self.link else { return };
        let Stage::Inventory(cursor) = &link.stage else {
            return link.answer(&ToDaemon::InventoryEnd, Vec::new());
        };
        let item = cursor.item(&self.estate.children, &self.estate.held);
        if let ToDaemon::Child { child, .. } = item.message {
            self.estate.news.exit_was_told(child);
        }
        link.stage = item.next;
        link.answer(&item.message, item.beside);
    }

    fn spawn(&mut self, child: u64, label: Vec<u8>, plan: Result<Plan, Failure>) {
        let (answer, beside) = match self.try_spawn(child, label, plan) {
            Ok(spawned) => spawned,
            Err(Failure { step, errno }) => {
                (ToDaemon::SpawnFailed { child, step, errno }, Vec::new())
            }
        };
        if let Some(link) = &mut self.link {
            link.answer(&answer, beside);
        }
    }

    fn try_spawn(
        &mut self,
        child: u64,
        label: Vec<u8>,
        plan: Result<Plan, Failure>,
    ) -> Result<(ToDaemon, Vec<Rc<OwnedFd>>), Failure> {
        if self.estate.children.get(child).is_some() {
            return Err(Failure::at(SpawnStep::Plan, Errno::EXIST));
        }
        let mut plan = plan?;
        if !self.has_room_for(&plan) {
            return Err(Failure::at(SpawnStep::Plan, Errno::MFILE));
        }
        plan.oom_score_adj = plan.oom_score_adj.or(self.estate.oom_score_adj);
        let children = &mut self.estate.children;
        let register = self.estate.held.get(REGISTER).map(Rc::clone);
        let slot = register.as_ref().and_then(|_| children.slots.take());
        let mark = register.as_ref().zip(slot).map(|(file, slot)| Mark {
            file: file.as_fd(),
            offset: slot_offset(slot),
            content: Registered::content(child, &label),
        });
        let spawned = spawn(
            &mut self.spawner,
            self.estate.open_files,
            &self.estate.held,
            &plan,
            mark,
        );
        let (pid, ends) = spawned.inspect_err(|_| children.slots.give_back(slot))?;
        let (streams, mut beside) = ends.list();
        children.insert(child, pid, label, ends, slot);
        beside.extend(children.pidfd(child).map(Rc::new));
        let spawned = ToDaemon::Spawned {
            child,
            pid,
            streams,
        };
        Ok((spawned, beside))
    }

    fn adopt(&mut self, child: u64, pid: u32, label: Vec<u8>, pidfd: Option<OwnedFd>) {
        let process = match pidfd {
            Some(pidfd) => Ok(Foreign::new(pidfd, pid)),
            // Lost on its way. The daemon has looked a moment ago who has this pid.
            None => Foreign::open(pid),
        };
        let children = &mut self.estate.children;
        match process {
            Ok(process) if children.get(child).is_none() => {
                let register = self.estate.held.get(REGISTER);
                let slot = register.and_then(|file| register::slots(file).remove(&child));
                children.adopt(child, label, process, slot);
            }
            Ok(_) => complain("cannot adopt a child that there is already\n"),
            Err(error) => complain(&format!("cannot adopt a child: {error}\n")),
        }
    }

    fn signal(&mut self, child: u64, signal: i32, group: bool) {
        let children = &mut self.estate.children;
        let sent = match children.reach(child) {
            Some(Reach::Pid(pid)) if group => signals::send(Target::Group(pid), signal),
            Some(Reach::Pid(pid)) => signals::send(Target::Process(pid), signal),
            Some(Reach::Foreign(process)) => process.signal(signal, group),
            None => return,
        };
        children.signalled(child, signal);
        let Err(error) = sent else { return };
        let errno = Errno::from_io_error(&error).unwrap_or(Errno::IO);
        if errno != Errno::SRCH
            && let Some(link) = &mut self.link
        {
            let failed = ToDaemon::SignalFailed {
                child,
                signal,
                errno: errno.raw_os_error(),
            };
            link.answer(&failed, Vec::new());
        }
    }

    /// Whether there are descriptors left for one more child, besides those without which no
    /// daemon could be started or leave its state.
    fn has_room_for(&self, plan: &Plan) -> bool {
        let (_, _, most) = self.estate.open_files;
        let spendable = most.saturating_sub(RESERVED_DESCRIPTORS);
        let held = self.estate.held.len();
        self.estate
            .children
            .leave_room(needs(plan), held, spendable)
    }

    fn hold(&mut self, name: Vec<u8>, descriptor: Option<OwnedFd>) {
        let room = self.estate.held.len() < MAX_HELD || self.estate.held.contains_key(&name);
        match descriptor {
            Some(descriptor) if room => {
                self.estate.held.insert(name, Rc::new(descriptor));
            }
            Some(_) => complain("cannot hold one more descriptor\n"),
            // It was lost on its way, because no more could be opened here.
            None => complain("cannot hold a descriptor: too many open files\n"),
        }
    }

    /// Tells the daemon what it has not asked for, if it can take it.
    fn tell_news(&mut self) {
        let Some(link) = &mut self.link else { return };
        link.reopen();
        link.send_answer();
        while link.stage == Stage::Attached {
            let Some(message) = self.estate.news.first(&self.estate.children) else {
                return;
            };
            match link.tell(&message) {
                Sent::Gone => self.estate.news.told(),
                Sent::NotYet | Sent::Never => return,
            }
        }
    }
}

/// Asks the system to kill anybody else first when memory runs out: all programs hang on us. Returns
/// what others are to get; `told` is what an earlier keeper says of that.
fn hide_from_oom_killer(told: Option<i32>) -> Option<i32> {
    match oom::score() {
        Some(before) if before > OOM_SCORE && oom::set_score(OOM_SCORE).is_ok() => {
            told.or(Some(before))
        }
        // It is so already, or refused, as it is to most.
        Some(_) | None => told,
    }
}

/// Makes what a keeper cannot be without. What the system has none of just now, memory or room in its
/// table of open files, it may have a moment later; and nobody else is there to mind the programs.
fn patiently<T>(mut attempt: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    for _ in 0..ATTEMPTS {
        match attempt() {
            Err(error) if is_shortage(&error) => std::thread::sleep(PAUSE),
            made => return made,
        }
    }
    attempt()
}

fn is_shortage(error: &io::Error) -> bool {
    let shortages = [Errno::NFILE, Errno::NOMEM, Errno::AGAIN];
    Errno::from_io_error(error).is_some_and(|errno| shortages.contains(&errno))
}

/// How much of what the daemon asks for has been done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Served {
    /// As much as can be, for now.
    All,
    /// There may be more.
    Some,
}

fn interest(link: &Link) -> PollFlags {
    let mut flags = PollFlags::empty();
    flags.set(PollFlags::IN, link.takes_requests());
    flags.set(PollFlags::OUT, link.is_full());
    flags
}

/// Not the least there is: a keeper that took all the memory would better be killed.
const OOM_SCORE: i32 = -999;

const SIGCHLD: i32 = Signal::CHILD.as_raw();

/// What the daemon is told of, and finds held back from itself. All other signals that could end
/// the keeper are held back and dropped.
pub const FORWARDED: [i32; 6] = [
    Signal::HUP.as_raw(),
    Signal::INT.as_raw(),
    Signal::QUIT.as_raw(),
    Signal::TERM.as_raw(),
    Signal::USR1.as_raw(),
    Signal::USR2.as_raw(),
];

/// Signals that are not held back: those that tell of an error of our own, and those by which a
/// shell stops its jobs.
const LEFT_ALONE: [i32; 11] = [
    Signal::ABORT.as_raw(),
    Signal::BUS.as_raw(),
    Signal::FPE.as_raw(),
    Signal::ILL.as_raw(),
    Signal::SEGV.as_raw(),
    Signal::SYS.as_raw(),
    Signal::TRAP.as_raw(),
    Signal::CONT.as_raw(),
    Signal::TSTP.as_raw(),
    Signal::TTIN.as_raw(),
    Signal::TTOU.as_raw(),
];

/// How many descriptors are never spent on children: our own, the pipes of a child that is being
/// made, the daemon's socket, and what each daemon has to have held.
const RESERVED_DESCRIPTORS: u64 = 96;

/// After so many requests children that have ended are looked after again.
const REQUESTS_PER_TURN: usize = 64;

/// More requests than a socket's buffer holds: whatever the daemon had sent is done, but nobody
/// who has its end can keep us at it.
const TURNS_AFTER_THE_END: usize = 1024;

/// Two log files for each of the most programs that a machine could run, and the sockets.
const MAX_HELD: usize = 1 << 16;

/// How often, and after what time, it is tried again to become a keeper.
const ATTEMPTS: u32 = 50;
const PAUSE: Duration = Duration::from_millis(100);

/// How soon to try again where no event tells.
const CROWDED_RETRY: Duration = Duration::from_millis(10);
