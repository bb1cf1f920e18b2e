//! How a daemon begins, and how it ends.
//!
//! It asks the keeper what there is. On a first start and after a restart there is nothing: it
//! reads the configuration, binds the sockets and starts the programs ([`fresh`]). After a crash
//! it goes on where the one before it left off ([`adopted`]).

mod adopted;
mod fresh;

use std::borrow::Cow;
use std::io;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use minder_config::options::daemon::{self, DaemonCommand};
use minder_config::{Environment, Loaded, MAX_FILE_BYTES};
use minder_core::effect::Halt;
use minder_core::{Core, Effects, Level, Signal};
use minder_http::server::{Credentials, Leave, Listener};
use minder_keeper::EX_SOFTWARE;
use minder_logs::main_log::{MainLog, Target};
use minder_logs::plane::Plane;
use minder_logs::syslog::{Syslog, SyslogNotice};
use minder_os::oom::Victims;
use minder_os::signals::{Disposition, set_disposition};
use minder_os::{heap, memfd, process};
use minder_wire::{Departure, GIVEN, MAX_PATH, MAX_TEXT, REGISTER, ToKeeper};
use rustix::fs::Mode;
use tokio::sync::Mutex;

use crate::api::{Api, Herald};
use crate::children::Children;
use crate::configuration::Configuration;
use crate::control::{self, Prepared};
use crate::driver::{Driver, End};
use crate::heirloom;
use crate::history::chronicle::Chronicle;
use crate::launch::{self, Refusal, USAGE};
use crate::link::{Inventory, Link, LinkError, Outbox, now};
use crate::log_files::LogFiles;
use crate::lookups::Lookups;
use crate::mailbox::{Command, Mailbox, Post};
use crate::mirror::SharedFd;
use crate::note::Note;
use crate::plan::Inheritance;
use crate::prospect::Own;
use crate::published::{Picture, Published};
use crate::register;
use crate::settings::Settings;
use crate::snapshot::{Recorder, hold};
use crate::succession::{self, About, Origin};
use crate::upgrade::MakingRoom;
use crate::waiters::Waiters;

/// Where the settings are held.
pub(crate) const SETTINGS: &[u8] = b"settings";
/// How the names begin under which listening sockets are held.
const LISTENER: &[u8] = b"listen:";

/// Why a daemon gives up.
enum Failure {
    /// The start cannot succeed: everything ends, and whoever started it is told.
    Refused(Refusal),
    /// This daemon cannot go on. Programs and pipes are safe with the keeper, which starts
    /// another.
    Broken(String),
    /// There is no keeper any more.
    Orphaned,
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<LinkError> for Failure {
    fn from(error: LinkError) -> Self {
        match error {
            LinkError::Gone => Self::Orphaned,
            error @ (LinkError::Garbled(_) | LinkError::Os(_)) => Self::Broken(error.to_string()),
        }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Broken(error.to_string())
    }
}

/// Runs the daemon, as the keeper starts it.
#[must_use]
pub fn daemon() -> ExitCode {
    // Before there are other threads.
    heap::keep_little();
    // The keeper's name is not ours, whatever file we are both from. If it cannot be set, it only
    // looks worse.
    let _ = rustix::thread::set_name(c"minder-daemon");
    // As in Supervisor, a file that has reached the limit of files cannot be written to, and that is all.
    let _ = set_disposition(Signal::XFSZ.number(), Disposition::Ignore);
    let socket = process::take_inherited(minder_keeper::DAEMON_FD);
    let origin = Origin::leave_behind();
    match socket {
        Ok(socket) => begin(Link::new(socket), &origin),
        Err(error) => {
            launch::tell(&format!("{error}\n"));
            ExitCode::from(EX_SOFTWARE)
        }
    }
}

fn begin(mut link: Link, origin: &Origin) -> ExitCode {
    let outbox = link.outbox();
    let inventory = match link.open() {
        Ok(inventory) => inventory,
        Err(error) => {
            launch::tell(&format!("{error}\n"));
            return ExitCode::from(EX_SOFTWARE);
        }
    };
    let log = Arc::new(MainLog::new());
    let takes_over = takes_over(&inventory);
    let mut program = "supervisord".to_owned();
    let ended = Start::new(link, inventory, Arc::clone(&log)).and_then(|start| {
        launch::program(&start.note.args).clone_into(&mut program);
        start.run()
    });
    let ended = ended.map_err(|failure| match failure {
        // To refuse would end the keeper, and leave programs without anybody.
        Failure::Refused(refusal) if takes_over => Failure::Broken(refusal.text),
        failure @ (Failure::Refused(_) | Failure::Broken(_) | Failure::Orphaned) => failure,
    });
    let departure = match ended {
        Ok(End::Halt(Halt::Exit)) => Departure::Exit {
            code: 0,
            text: Vec::new(),
        },
        Ok(End::Halt(Halt::Restart)) => Departure::Restart,
        Ok(End::Upgrade) => Departure::Upgrade,
        Err(Failure::Refused(refusal)) => {
            let message = refusal.message(&program);
            log.write(Level::Critical, message.trim_end());
            let mut text = message.into_bytes();
            text.truncate(MAX_TEXT);
            Departure::Exit { code: USAGE, text }
        }
        Err(Failure::Broken(why)) => {
            log.write(
                Level::Critical,
                format_args!("{why}; this daemon ends, programs run on"),
            );
            launch::tell(&format!("{why}\n"));
            return ExitCode::from(EX_SOFTWARE);
        }
        Err(Failure::Orphaned) => {
            return succession::become_keeper(&outbox, origin, About::GoOn, &log);
        }
    };
    let left = outbox.leave(&departure);
    match (left, departure) {
        (Ok(()), _) => ExitCode::SUCCESS,
        // Whoever waits for the keeper's exit code has another one.
        (Err(LinkError::Gone), Departure::Exit { code, .. }) => ExitCode::from(code),
        (Err(LinkError::Gone), Departure::Restart) => {
            succession::become_keeper(&outbox, origin, About::BeginAnew, &log)
        }
        (Err(LinkError::Gone), Departure::Upgrade) => {
            succession::become_keeper(&outbox, origin, About::GoOn, &log)
        }
        (Err(error), _) => {
            launch::tell(&format!("cannot take leave of the keeper: {error}\n"));
            ExitCode::from(EX_SOFTWARE)
        }
    }
}

/// Whether an earlier daemon has left anything to go on with.
fn takes_over(inventory: &Inventory) -> bool {
    !inventory.children.is_empty() || crate::snapshot::is_left(&inventory.held)
}

/// What is known before anything is looked at.
struct Start {
    link: Link,
    inventory: Inventory,
    note: Note,
    configuration: Configuration,
    /// What the launcher read, if it cannot be read again.
    given: Option<SharedFd>,
    log: Arc<MainLog>,
    chronicle: Chronicle,
}

impl Start {
    /// Understands what the launcher left.
    fn new(link: Link, mut inventory: Inventory, log: Arc<MainLog>) -> Result<Self, Failure> {
        let note = Note::unseal(&inventory.note).map_err(|error| {
            Failure::Broken(format!("cannot read the launcher's note: {error}"))
        })?;
        let mut environment = Environment::of_process();
        environment.cwd.clone_from(&note.start_directory);
        let program = launch::program(&note.args);
        let words = note.args.get(1..).unwrap_or_default();
        let command = daemon::parse(program, words, &environment).map_err(Refusal::from)?;
        let DaemonCommand::Run(options) = command else {
            return Err(Failure::Broken(
                "started with a command line that runs nothing".to_owned(),
            ));
        };
        let configuration =
            launch::configuration(program, &options, environment).map_err(Refusal::from)?;
        let given = inventory.held.remove(GIVEN);
        let chronicle = Chronicle::begin(&mut inventory.held, now());
        Ok(Self {
            link,
            inventory,
            note,
            configuration: configuration.for_another_process(),
            given,
            log,
            chronicle,
        })
    }

    /// Reads the configuration that everything begins with: as the launcher has read it, if that
    /// cannot be done twice.
    fn load(&self) -> Result<Loaded, Failure> {
        let Some(given) = &self.given else {
            return Ok(self.configuration.load().map_err(Refusal::from)?);
        };
        let text = memfd::read_sealed(given, MAX_FILE_BYTES)?;
        let text = String::from_utf8_lossy(&text).into_owned();
        Ok(self.configuration.load_again(text).map_err(Refusal::from)?)
    }

    fn run(mut self) -> Result<End, Failure> {
        let legacy = crate::snapshot::take(&mut self.inventory.held);
        let running = match legacy {
            None if self.inventory.children.is_empty() => fresh::start(self)?,
            None => adopted::begin(self)?,
            Some((Err(error), recorder)) => {
                let why = format!("the state that was left is of no use: {error}");
                adopted::recover(self, recorder, &why)?
            }
            Some((Ok(legacy), recorder)) => adopted::adopt(self, legacy, recorder)?,
        };
        running.run()
    }

    /// What `loaded` asks for.
    fn settings(&self, loaded: &Loaded) -> Settings {
        let umask = self.note.background.as_ref();
        Settings::new(loaded, umask.map(|_| loaded.supervisord.umask))
    }

    /// Opens the log, or lets it be opened as soon as that can be done: there are programs to be
    /// minded.
    fn open_log_when_possible(&self, settings: &Settings) {
        if let Err(error) = self.log.open_when_possible(&settings.log) {
            launch::tell(&format!("cannot open the log yet: {error}\n"));
        }
    }

    fn open_log(&self, settings: &Settings) -> Result<(), Failure> {
        self.log.open(&settings.log).map_err(|error| {
            let log = match &settings.log.target {
                Target::File { path, .. } => path.display().to_string(),
                Target::Syslog => "syslog".to_owned(),
                Target::Off => "standard output".to_owned(),
            };
            Failure::Refused(Refusal::new(format!("cannot open the log {log}: {error}")))
        })
    }

    /// Takes the umask that the configuration asks for, which files have from now on. Not before the
    /// daemon's own log has been made: Supervisor's has the one of the shell.
    fn take_umask(settings: &Settings) {
        if let Some(umask) = settings.umask {
            rustix::process::umask(Mode::from_raw_mode(umask));
        }
    }

    /// Gives what was bound, and what is in force, to the keeper.
    fn hold(&mut self, settings: &Settings, sockets: &[SharedFd]) -> Result<(), LinkError> {
        for (number, socket) in sockets.iter().enumerate() {
            self.link.hold(listener_name(number), socket)?;
        }
        hold(&mut self.link, SETTINGS, &settings.seal())
    }

    /// Starts the log plane, with what an earlier daemon gave into custody.
    fn plane(&self, post: &Post, held: Vec<(Vec<u8>, SharedFd)>) -> io::Result<Plane> {
        let post = post.clone();
        let custody: Outbox = self.link.outbox();
        Plane::start(custody, held, move |notice| {
            post.send(Command::Logs(notice));
        })
    }

    /// Puts everything together.
    fn assemble(self, parts: Parts) -> io::Result<Running> {
        let Parts {
            settings,
            sockets,
            mut core,
            effects,
            files,
            recorder,
            plane,
            post,
            mailbox,
            ..
        } = parts;
        let picture = Picture {
            view: core.view(),
            logs: files.paths(),
        };
        let published = Arc::new(Published::new(picture));
        let own = sockets.iter().zip(&settings.servers);
        let own: Arc<[Own]> = own
            .filter_map(|(socket, endpoint)| Own::of(socket, endpoint))
            .collect();
        let api = Api {
            history: self.chronicle.history(),
            figures: Arc::default(),
            herald: Herald::default(),
            post: post.clone(),
            published: Arc::clone(&published),
            log: Arc::clone(&self.log),
            plane: plane.clone(),
            written: Arc::clone(files.written()),
            keeper_pid: self.inventory.keeper_pid,
            generation: self.inventory.generation,
            upgrade: self.inventory.upgrade.clone(),
            started: now(),
            identifier: settings.automatic.identifier.clone(),
            configuration: self.configuration.clone(),
            own: Arc::clone(&own),
            adding: Mutex::default(),
            namespaces: settings
                .namespaces
                .iter()
                .cloned()
                .map(Cow::Owned)
                .collect(),
            twiddlers: settings.twiddlers.clone(),
            variables: settings.variables.clone(),
        };
        let syslog = syslog(&self.log);
        let listeners = sockets.into_iter().zip(&settings.servers);
        let listeners = listeners.map(|(socket, endpoint)| control::listener(&socket, endpoint));
        let listeners = listeners.collect::<io::Result<_>>()?;
        let lookups = Lookups::new(post.clone());
        let driver = Driver {
            core,
            effects,
            link: self.link,
            keeper_pid: self.inventory.keeper_pid,
            recorder,
            chronicle: self.chronicle,
            mailbox,
            post,
            plane,
            syslog,
            log: self.log,
            published,
            inheritance: Inheritance {
                environment: minder_config::variables(),
                server_url: settings.server_url.clone(),
                umask: settings.umask,
            },
            configuration: self.configuration,
            own,
            files,
            lookups,
            waiters: Waiters::default(),
            children: parts.children,
            heard: Vec::new(),
            told: Vec::new(),
            making_room: MakingRoom::default(),
            victims: Victims::open(),
            clients_are_gone: false,
        };
        Ok(Running {
            driver,
            api,
            listeners,
            settings,
            in_background: self.note.background.is_some(),
        })
    }
}

/// What a driver is made of, besides what every start has.
struct Parts {
    settings: Settings,
    /// In the order of the settings' servers.
    sockets: Vec<SharedFd>,
    core: Core,
    effects: Effects,
    files: LogFiles,
    recorder: Recorder,
    plane: Plane,
    post: Post,
    mailbox: Mailbox,
    children: Children,
}

/// A daemon that can go.
struct Running {
    driver: Driver,
    api: Api,
    listeners: Vec<(Listener, Option<Credentials>)>,
    settings: Settings,
    in_background: bool,
}

impl Running {
    /// Runs to the end, and tidies up.
    fn run(self) -> Result<End, Failure> {
        let Self {
            mut driver,
            api,
            listeners,
            settings,
            in_background,
        } = self;
        // Before anything is added to it.
        let takes_over = driver.chronicle.goes_on();
        // Clients wait until there is something to be seen.
        let end = if let Some(halt) = driver.settle()? {
            End::Halt(halt)
        } else {
            if takes_over {
                driver.tell_of_takeover()?;
            }
            let control = Prepared::new(listeners, api)?;
            if in_background {
                minder_keeper::silence();
            }
            let path = ordinary_file(driver.log.path());
            driver.link.send(&ToKeeper::Log { path }, &[])?;
            driver.link.send(&ToKeeper::Ready, &[])?;
            // Not before: whoever is answered may rely on it that this start has not come to nothing,
            // whatever happens to the keeper.
            let control = control.open();
            let ended = driver.run();
            if let Err(LinkError::Gone) = ended {
                // Whoever waits for an answer is cut off, as by any crash, and not told of a
                // shutdown.
                std::mem::forget(driver);
                return Err(Failure::Orphaned);
            }
            match ended? {
                End::Upgrade => {
                    let thread = control.begin_to_stop(Leave::AfterNewcomers);
                    let end = driver.see_clients_off()?;
                    let _ = thread.join();
                    end
                }
                end @ End::Halt(_) => {
                    control.stop();
                    end
                }
            }
        };
        if let End::Halt(halt) = end {
            tidy_up(&mut driver, &settings, halt)?;
        }
        driver.plane.shutdown();
        driver.syslog.finish();
        Ok(end)
    }
}

/// Leaves nothing behind that only a running daemon has.
fn tidy_up(driver: &mut Driver, settings: &Settings, halt: Halt) -> Result<(), LinkError> {
    let servers = settings.servers.iter();
    control::remove_files(servers.filter_map(|server| server.file.as_deref()));
    remove_pidfile(&settings.pidfile, driver.keeper_pid);
    if let Some(register) = driver.link.held(REGISTER) {
        register::remove(&register, &settings.pidfile);
    }
    if halt == Halt::Restart {
        let serial = driver.core.snapshot().serial;
        heirloom::leave(&mut driver.link, serial)?;
    }
    Ok(())
}

/// What the keeper may write to as well: a path that a file of its own lies under.
fn ordinary_file(path: Option<PathBuf>) -> Option<Vec<u8>> {
    let path = path.filter(|path| path.is_file())?.into_os_string();
    Some(path.into_vec()).filter(|path| path.len() <= MAX_PATH)
}

/// Syslog, whose troubles are told in the daemon's own log.
fn syslog(log: &Arc<MainLog>) -> Syslog {
    let log = Arc::clone(log);
    Syslog::new(move |notice| match notice {
        SyslogNotice::Trouble(error) => {
            log.write(Level::Error, format_args!("cannot send to syslog: {error}"));
        }
        SyslogNotice::Recovered { lost } => log.write(
            Level::Warn,
            format_args!("syslog takes lines again; {lost} lines are missing"),
        ),
    })
}

fn listener_name(number: usize) -> Vec<u8> {
    [LISTENER, number.to_string().as_bytes()].concat()
}

pub(crate) fn pidfile_text(pid: u32) -> String {
    format!("{pid}\n")
}

/// Removes the pidfile, unless it is somebody else's by now, or could never be written.
fn remove_pidfile(pidfile: &Path, pid: u32) {
    if std::fs::read_to_string(pidfile).is_ok_and(|text| text == pidfile_text(pid)) {
        control::remove_files([pidfile].into_iter());
    }
}
