use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::thread;

use minder_config::{Environment, Overrides, Source};
use minder_core::{Changes, CommandError, GroupId, Outcome, ProcessId, Refusal, Reply};
use minder_logs::main_log;
use minder_logs::plane::Custody;
use minder_rpc::call::Span;
use minder_rpc::{Channel, Tail};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use tempfile::TempDir;

use std::time::Duration;

use minder_core::{Mono, Wall};

use super::*;
use crate::mailbox::{Mailbox, mailbox};
use crate::published::{LogPaths, Picture};

mod twiddler;

const PROGRAMS: &str = "\
[supervisord]
[program:web]
command=/bin/cat
[program:b]
command=/bin/cat
priority=5
[program:a]
command=/bin/cat
priority=7
stdout_logfile=
[program:solo]
command=/bin/cat
stdout_logfile=NONE
redirect_stderr=true
[group:team]
programs=b,a
priority=1
";

/// How long the driver is waited for before a test is given up.
const PATIENCE: Timespec = Timespec {
    tv_sec: 60,
    tv_nsec: 0,
};

pub(super) struct World {
    pub(super) api: Api,
    mailbox: Mailbox,
    pub(super) folder: TempDir,
}

/// Keeps nothing: nobody is killed here.
struct NoCustody;

impl Custody for NoCustody {
    fn hold(&self, _: &[u8], _: &Arc<OwnedFd>) -> io::Result<()> {
        Ok(())
    }

    fn release(&self, _: &[u8]) {}
}

/// A daemon whose active groups are those of the configuration, with nothing started yet. Logs
/// lie in the folder, called `<process>.out` and `<process>.err`.
pub(super) fn world(text: &str) -> World {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("s.conf");
    fs::write(&file, text).unwrap();
    let environment = Environment {
        cwd: folder.path().to_owned(),
        ..Environment::default()
    };
    let source = Source::new(file.to_str().unwrap(), &environment);
    let configuration = Configuration::new(source, Overrides::default(), environment);
    let (post, mailbox) = mailbox().unwrap();
    let candidate: Arc<[_]> = configuration.load().unwrap().groups.into();
    let mut picture = Picture {
        view: Arc::new(View {
            mood: Mood::Running,
            groups: Vec::new(),
            candidate,
        }),
        logs: Arc::default(),
    };
    let specs = Arc::clone(&picture.view.candidate);
    for (id, spec) in (1..).zip(&*specs) {
        add_group(&mut picture, id, spec, folder.path());
    }
    let api = Api {
        history: Arc::new(History::blank()),
        figures: Arc::default(),
        herald: Herald::default(),
        post,
        published: Arc::new(Published::new(picture)),
        log: Arc::new(MainLog::new()),
        plane: Plane::start(NoCustody, Vec::new(), |_| {}).unwrap(),
        written: Arc::default(),
        keeper_pid: 42,
        generation: 3,
        upgrade: None,
        started: crate::link::moment(5_000_000_000, 9_000_000_000),
        identifier: "supervisor".to_owned(),
        configuration,
        own: Arc::default(),
        adding: Mutex::default(),
        namespaces: minder_rpc::service::SUPERVISOR.to_vec(),
        twiddlers: Vec::new(),
        variables: BTreeMap::new(),
    };
    World {
        api,
        mailbox,
        folder,
    }
}

fn add_group(picture: &mut Picture, id: u64, spec: &Arc<minder_core::GroupSpec>, folder: &Path) {
    let mut processes = Vec::new();
    for (index, process) in (100 * id..).zip(&spec.processes) {
        let file = |suffix| Some(folder.join(format!("{}.{suffix}", process.name)).into());
        let paths = LogPaths {
            stdout: file("out"),
            stderr: file("err"),
        };
        Arc::make_mut(&mut picture.logs).insert(ProcessId(index), paths);
        processes.push(Arc::new(ProcessView {
            id: ProcessId(index),
            spec: Arc::clone(process),
            state: ProcessState::Stopped,
            pid: None,
            started: None,
            stopped: None,
            spawn_error: String::new(),
            exit_status: 0,
        }));
    }
    let group = GroupView {
        id: GroupId(id),
        spec: Arc::clone(spec),
        processes,
    };
    Arc::make_mut(&mut picture.view)
        .groups
        .push(Arc::new(group));
}

impl World {
    fn call(&self, call: Call) -> Result<Answer, String> {
        answer(&self.api, call)
    }

    /// Makes a call, and does `deed` with what it sends to the driver.
    fn call_driver(&self, call: Call, deed: impl FnOnce(Command)) -> Result<Answer, String> {
        let api = &self.api;
        thread::scope(|scope| {
            let answer = scope.spawn(|| answer(api, call));
            let mut fds = [PollFd::from_borrowed_fd(self.mailbox.fd(), PollFlags::IN)];
            assert_eq!(poll(&mut fds, Some(&PATIENCE)), Ok(1), "nothing was sent");
            let mut commands = self.mailbox.take();
            deed(commands.pop().unwrap());
            assert!(commands.is_empty());
            answer.join().unwrap()
        })
    }

    /// Makes a call, and tells what it asks the driver for, and what comes of this reply.
    fn request(&self, call: Call, reply: Reply) -> (String, Result<Answer, String>) {
        let mut asked = String::new();
        let answer = self.call_driver(call, |command| {
            let Command::Request { request, answer } = command else {
                panic!("no request")
            };
            asked = format!("{request:?}");
            answer.send(reply).unwrap();
        });
        (asked, answer)
    }

    fn change(&self, change: impl FnOnce(&mut Picture)) {
        let mut picture = (*self.api.published.latest()).clone();
        change(&mut picture);
        self.api.published.replace(picture);
    }

    /// Changes how the process is that is called `name`, as its group is.
    fn change_process(&self, name: &str, change: impl FnOnce(&mut ProcessView)) {
        self.change(|picture| {
            let groups = &mut Arc::make_mut(&mut picture.view).groups;
            let group = groups.iter_mut().find(|it| it.spec.name == name).unwrap();
            change(Arc::make_mut(&mut Arc::make_mut(group).processes[0]));
        });
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }
}

fn answer(api: &Api, call: Call) -> Result<Answer, String> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    runtime
        .block_on(api.call(call))
        .map_err(|fault| fault.to_string())
}

fn named(name: &str) -> String {
    name.to_owned()
}

fn text(text: &str) -> Answer {
    Answer::Text(text.to_owned())
}

const ALL: Span = Span {
    offset: 0,
    length: 0,
};

#[test]
fn a_name_is_split_at_its_first_colon_and_a_group_is_no_process() {
    let world = world(PROGRAMS);
    let view = &world.api.published.latest().view;
    for (name, group, process) in [
        ("web", "web", "web"),
        ("web:web", "web", "web"),
        ("team:a", "team", "a"),
    ] {
        let (found_group, found) = find(view, name).unwrap();
        assert_eq!(
            (&*found_group.spec.name, &*found.spec.name),
            (group, process)
        );
    }
    for name in [
        "", "*", ":", "a", "team", "team:", "team:*", "team:a:b", "web:", " web", "zz:*",
    ] {
        assert_eq!(
            find(view, name).unwrap_err(),
            Fault::about(FaultCode::BadName, name)
        );
        let refused = Err(format!("BAD_NAME: {name}"));
        assert_eq!(
            world.call(Call::GetProcessInfo { name: named(name) }),
            refused
        );
        assert_eq!(
            world.call(Call::ClearProcessLogs { name: named(name) }),
            refused
        );
        let channel = Channel::Stdout;
        let tail = Call::TailProcessLog {
            name: named(name),
            channel,
            span: ALL,
        };
        assert_eq!(world.call(tail), refused);
        assert!(
            world
                .api
                .follow(LogRef::Process {
                    name: named(name),
                    channel
                })
                .is_none()
        );
    }
}

#[test]
fn what_is_known_is_told() {
    let world = world(PROGRAMS);
    assert_eq!(world.call(Call::GetApiVersion), Ok(text("3.0")));
    assert_eq!(world.call(Call::GetSupervisorVersion), Ok(text("4.3.0")));
    assert_eq!(world.call(Call::GetIdentification), Ok(text("supervisor")));
    assert_eq!(world.call(Call::GetPid), Ok(Answer::Int(42)));
    assert_eq!(world.call(Call::GetMinderVersion), Ok(text(VERSION)));
    let info = DaemonInfo {
        version: named(VERSION),
        api: named("3.0"),
        generation: 3,
        upgrade: None,
        keeper_pid: 42,
        daemon_pid: pid(std::process::id()),
        started: 9,
    };
    assert_eq!(
        world.call(Call::GetMinderInfo),
        Ok(Answer::DaemonInfo(info))
    );
    assert_eq!(world.call(Call::GetState), Ok(Answer::State(Mood::Running)));
}

#[test]
fn on_the_way_down_only_events_are_taken() {
    let world = world(PROGRAMS);
    for mood in [Mood::Restarting, Mood::ShuttingDown] {
        world.change(|picture| Arc::make_mut(&mut picture.view).mood = mood);
        for call in [
            Call::GetState,
            Call::GetPid,
            Call::Shutdown,
            Call::ReloadConfig,
            Call::GetProcessInfo { name: named("zz") },
            Call::SignalAllProcesses {
                signal: named("HUP"),
            },
            Call::ReadLog(ALL),
        ] {
            assert_eq!(world.call(call), Err(named("SHUTDOWN_STATE")));
        }
        let event = Call::SendRemoteCommEvent {
            kind: named("kind"),
            data: named("data"),
        };
        let told = world.call_driver(event, |command| {
            let Command::RemoteCommunication { kind, data, answer } = command else {
                panic!("another command");
            };
            assert_eq!((kind.as_str(), data.as_str()), ("kind", "data"));
            answer.send(()).expect("who told it waits");
        });
        assert_eq!(told, Ok(Answer::Done));
    }
}

#[test]
fn an_event_that_nobody_takes_is_not_said_to_be_told() {
    let event = Call::SendRemoteCommEvent {
        kind: named("kind"),
        data: named("data"),
    };
    // Dropped as by a driver that ends.
    let told = world(PROGRAMS).call_driver(event, drop);
    assert_eq!(told, Err(named("SHUTDOWN_STATE")));
}

#[test]
fn what_changes_something_is_asked_of_the_driver() {
    let world = world(PROGRAMS);
    for (call, expected) in [
        (
            Call::StartProcess {
                name: named("team:*"),
                wait: true,
            },
            r#"Start { target: Named("team:*"), wait: true, unrunnable: [] }"#,
        ),
        (
            Call::StartProcessGroup {
                name: named("team"),
                wait: false,
            },
            r#"Start { target: Group("team"), wait: false, unrunnable: [] }"#,
        ),
        (
            Call::StartAllProcesses { wait: true },
            "Start { target: All, wait: true, unrunnable: [] }",
        ),
        (
            Call::StopProcess {
                name: named("web"),
                wait: false,
            },
            r#"Stop { target: Named("web"), wait: false }"#,
        ),
        (
            Call::StopProcessGroup {
                name: named("web"),
                wait: true,
            },
            r#"Stop { target: Group("web"), wait: true }"#,
        ),
        (
            Call::StopAllProcesses { wait: false },
            "Stop { target: All, wait: false }",
        ),
        (
            Call::SignalProcess {
                name: named("web"),
                signal: named("x"),
            },
            r#"Signal { target: Named("web"), signal: "x" }"#,
        ),
        (
            Call::SignalProcessGroup {
                name: named("web"),
                signal: named("1"),
            },
            r#"Signal { target: Group("web"), signal: "1" }"#,
        ),
        (
            Call::SignalAllProcesses {
                signal: named("HUP"),
            },
            r#"Signal { target: All, signal: "HUP" }"#,
        ),
        (
            Call::AddProcessGroup { name: named("new") },
            r#"AddGroup { name: "new" }"#,
        ),
        (
            Call::RemoveProcessGroup { name: named("web") },
            r#"RemoveGroup { name: "web" }"#,
        ),
        (Call::Shutdown, "Shutdown"),
        (Call::Restart, "Restart"),
    ] {
        assert_eq!(
            world.request(call, Reply::Done),
            (named(expected), Ok(Answer::Done))
        );
    }
}

#[test]
fn what_the_driver_refuses_is_a_fault() {
    let world = world(PROGRAMS);
    let error = CommandError::NotFound(named("can't find command '/x'"));
    let reply = Reply::Refused(Refusal::Command(error));
    let (_, answer) = world.request(
        Call::StartProcess {
            name: named("web"),
            wait: true,
        },
        reply,
    );
    assert_eq!(answer, Err(named("NO_FILE: can't find command '/x'")));
}

#[test]
fn a_driver_that_has_ended_is_a_daemon_that_ends() {
    let World {
        api,
        mailbox,
        folder,
    } = world(PROGRAMS);
    drop(mailbox);
    let (_, mailbox) = crate::mailbox::mailbox().unwrap();
    let world = World {
        api,
        mailbox,
        folder,
    };
    assert_eq!(world.call(Call::Shutdown), Err(named("SHUTDOWN_STATE")));
}

#[test]
fn processes_are_told_by_group_and_name_not_by_priority() {
    let world = world(PROGRAMS);
    let Ok(Answer::ProcessInfos(infos)) = world.call(Call::GetAllProcessInfo) else {
        panic!("not told")
    };
    let names: Vec<_> = infos
        .iter()
        .map(|info| (&*info.group, &*info.name))
        .collect();
    assert_eq!(
        names,
        [
            ("solo", "solo"),
            ("team", "a"),
            ("team", "b"),
            ("web", "web")
        ]
    );
    assert_eq!(infos[3].description, "Not started");
    assert_eq!(infos[3].stdout_log, world.file("web.out").to_str().unwrap());
}

#[test]
fn configurations_are_told_by_name_alone() {
    let world = world(PROGRAMS);
    world.change(|picture| {
        Arc::make_mut(&mut picture.view)
            .groups
            .retain(|group| group.spec.name != "solo");
    });
    let Ok(Answer::ConfigInfos(infos)) = world.call(Call::GetAllConfigInfo) else {
        panic!("not told")
    };
    let told: Vec<_> = infos
        .iter()
        .map(|info| (&*info.name, &*info.group, info.in_use))
        .collect();
    let expected = [
        ("a", "team", true),
        ("b", "team", true),
        ("solo", "solo", false),
    ];
    assert_eq!(told[..3], expected);
    assert_eq!(told[3], ("web", "web", true));
}

#[test]
fn an_automatic_log_is_told_of_while_what_runs_is_what_is_configured() {
    let world = world(PROGRAMS);
    let web_log = || match world.call(Call::GetAllConfigInfo) {
        Ok(Answer::ConfigInfos(infos)) => infos[3].stdout.log.clone(),
        other => panic!("not told: {other:?}"),
    };
    assert_eq!(web_log(), world.file("web.out").to_str().unwrap());
    world.change(|picture| {
        let view = Arc::make_mut(&mut picture.view);
        let group = view
            .groups
            .iter_mut()
            .find(|it| it.spec.name == "web")
            .unwrap();
        Arc::make_mut(&mut Arc::make_mut(group).spec).priority += 1;
    });
    assert_eq!(web_log(), "auto");
}

#[test]
fn an_automatic_log_is_told_of_no_more_once_the_configuration_is_read_again() {
    let world = world(PROGRAMS);
    world.change(|picture| {
        let view = Arc::make_mut(&mut picture.view);
        let again = view.candidate.iter().map(|it| Arc::new((**it).clone()));
        view.candidate = again.collect();
    });
    match world.call(Call::GetAllConfigInfo) {
        Ok(Answer::ConfigInfos(infos)) => assert_eq!(infos[3].stdout.log, "auto"),
        other => panic!("not told: {other:?}"),
    }
}

#[test]
fn a_time_reads_as_python_writes_it() {
    let zone = TimeZone::fixed(jiff::tz::offset(2));
    let wall = Wall(Duration::from_secs(1_700_000_000));
    assert_eq!(infos::in_words(wall, &zone), "Nov 15 12:13 AM");
}

#[test]
fn a_log_is_read_with_supervisors_faults() {
    let world = world(PROGRAMS);
    let read = |name: &str, channel, offset, length| {
        let span = Span { offset, length };
        world.call(Call::ReadProcessLog {
            name: named(name),
            channel,
            span,
        })
    };
    let missing = format!("NO_FILE: {}", world.file("web.out").display());
    assert_eq!(read("web", Channel::Stdout, 0, 0), Err(missing));
    fs::write(world.file("web.out"), b"caf\xc3\xa9\n").unwrap();
    assert_eq!(read("web", Channel::Stdout, 0, 0), Ok(text("caf\u{e9}\n")));
    assert_eq!(read("web", Channel::Stdout, 4, 0), Ok(text("\u{fffd}\n")));
    assert_eq!(
        read("web", Channel::Stdout, -1, 1),
        Err(named("BAD_ARGUMENTS"))
    );
    fs::create_dir(world.file("web.err")).unwrap();
    assert_eq!(read("web", Channel::Stderr, 0, 0), Err(named("FAILED")));
    world.change(|picture| picture.logs = Arc::new(BTreeMap::new()));
    assert_eq!(read("solo", Channel::Stdout, 0, 0), Err(named("NO_FILE")));
    assert_eq!(read("solo", Channel::Stderr, 0, 0), Err(named("NO_FILE")));
    assert_eq!(
        read("team:a", Channel::Stdout, 0, 0),
        Err(named("NO_FILE: "))
    );
}

#[test]
fn the_end_of_a_log_that_is_not_there_is_empty() {
    let world = world(PROGRAMS);
    let tail = || {
        let span = Span {
            offset: 0,
            length: 3,
        };
        world.call(Call::TailProcessLog {
            name: named("web"),
            channel: Channel::Stdout,
            span,
        })
    };
    assert_eq!(tail(), Ok(Answer::Tail(Tail::default())));
    fs::write(world.file("web.out"), "abcde").unwrap();
    let end = Tail {
        text: named("cde"),
        offset: 5,
        overflow: true,
    };
    assert_eq!(tail(), Ok(Answer::Tail(end)));
    world.change(|picture| picture.logs = Arc::default());
    assert_eq!(tail(), Ok(Answer::Tail(Tail::default())));
}

#[test]
fn a_log_is_followed_while_it_grows() {
    let world = world(PROGRAMS);
    let log = || LogRef::Process {
        name: named("web"),
        channel: Channel::Stdout,
    };
    assert!(world.api.follow(log()).is_none());
    fs::write(world.file("web.out"), "abc").unwrap();
    let mut follow = world.api.follow(log()).unwrap();
    assert_eq!(follow.read_more().unwrap(), b"abc");
    let modified = fs::metadata(world.file("web.out"))
        .unwrap()
        .modified()
        .unwrap();
    assert_eq!(follow.modified(), Some(modified));
}

#[test]
fn the_logs_of_a_process_are_emptied_together() {
    let world = world(PROGRAMS);
    fs::write(world.file("web.out"), "abc").unwrap();
    fs::write(world.file("web.err"), "abc").unwrap();
    let clear = || {
        world.call(Call::ClearProcessLogs {
            name: named("web:web"),
        })
    };
    assert_eq!(clear(), Ok(Answer::Done));
    assert_eq!(fs::read(world.file("web.out")).unwrap(), b"");
    assert_eq!(fs::read(world.file("web.err")).unwrap(), b"");
    log_into_a_file_as_folder(&world);
    assert_eq!(clear(), Err(named("FAILED: web:web")));
}

#[test]
fn all_logs_are_emptied_by_priority_and_a_failure_stops_nothing() {
    let world = world(PROGRAMS);
    log_into_a_file_as_folder(&world);
    let outcome = |group: &str, name: &str| Outcome {
        group: group.to_owned(),
        name: name.to_owned(),
        result: if name == "web" {
            Err(Refusal::Failed(named("web")))
        } else {
            Ok(())
        },
    };
    let expected = [
        ("team", "b"),
        ("team", "a"),
        ("solo", "solo"),
        ("web", "web"),
    ];
    let outcomes = expected.map(|(group, name)| outcome(group, name)).into();
    assert_eq!(
        world.call(Call::ClearAllProcessLogs),
        Ok(Answer::Outcomes(outcomes))
    );
}

/// Lets the log of `web` be where nothing can be.
fn log_into_a_file_as_folder(world: &World) {
    let web = world.api.published.latest();
    let (_, web) = find(&web.view, "web").unwrap();
    let file = world.file("s.conf").join("log");
    world.change(|picture| {
        let paths = LogPaths {
            stdout: Some(file.into()),
            stderr: None,
        };
        Arc::make_mut(&mut picture.logs).insert(web.id, paths);
    });
}

#[test]
fn the_daemons_own_log_is_read_and_emptied_if_it_is_a_file() {
    let world = world(PROGRAMS);
    assert_eq!(world.call(Call::ReadLog(ALL)), Err(named("NO_FILE")));
    assert_eq!(world.call(Call::ClearLog), Err(named("NO_FILE")));
    assert!(world.api.follow(LogRef::Main).is_none());
    open_log(&world);
    world.api.log.write(Level::Info, "said");
    let first = Span {
        offset: 29,
        length: 4,
    };
    assert_eq!(world.call(Call::ReadLog(first)), Ok(text("said")));
    assert!(world.api.follow(LogRef::Main).is_some());
    assert_eq!(world.call(Call::ClearLog), Ok(Answer::Done));
    assert_eq!(world.call(Call::ReadLog(ALL)), Ok(text("")));
}

fn open_log(world: &World) {
    let path = world.file("main.log");
    let target = main_log::Target::File {
        path,
        max_bytes: 0,
        backups: 0,
    };
    let spec = main_log::MainLogSpec {
        target,
        level: Level::Info,
        to_stdout: false,
    };
    world.api.log.open(&spec).unwrap();
}

#[test]
fn the_configuration_is_read_again_and_handed_on() {
    let world = world(PROGRAMS);
    fs::write(
        world.file("s.conf"),
        "[supervisord]\n[program:new]\ncommand=/bin/cat\n",
    )
    .unwrap();
    let changes = Changes {
        added: vec![named("new")],
        ..Changes::default()
    };
    let answer = world.call_driver(Call::ReloadConfig, |command| {
        let Command::Request {
            request: Request::Reread { groups },
            answer,
        } = command
        else {
            panic!("not asked to compare")
        };
        assert_eq!(
            groups.iter().map(|group| &*group.name).collect::<Vec<_>>(),
            ["new"]
        );
        answer.send(Reply::Changes(changes.clone())).unwrap();
    });
    assert_eq!(answer, Ok(Answer::Changes(changes.clone())));
}

#[test]
fn a_broken_configuration_is_refused_and_its_place_logged() {
    let world = world(PROGRAMS);
    open_log(&world);
    fs::write(
        world.file("s.conf"),
        "[supervisord]\n[program:web]\nautostart=true\n",
    )
    .unwrap();
    for call in [Call::ReloadConfig, Call::Restart] {
        let refused = world.call(call).unwrap_err();
        assert!(refused.starts_with("CANT_REREAD: "), "{refused}");
        let log = fs::read_to_string(world.file("main.log")).unwrap();
        let text = refused.strip_prefix("CANT_REREAD: ").unwrap();
        assert!(
            log.contains(&format!(" ERRO cannot read the configuration: {text}\n")),
            "{log}"
        );
        assert!(log.contains("s.conf:2"), "{log}");
        assert_eq!(world.call(Call::ClearLog), Ok(Answer::Done));
    }
    assert!(world.mailbox.take().is_empty());
}

#[test]
fn input_is_sent_to_what_runs() {
    let world = world(PROGRAMS);
    let send = || Call::SendProcessStdin {
        name: named("web:web"),
        chars: named("\u{e9}"),
    };
    assert_eq!(world.call(send()), Err(named("NOT_RUNNING: web:web")));
    world.change_process("web", |web| {
        web.pid = Some(7);
        web.started = Some((Mono::default(), Wall::default()));
        web.state = ProcessState::Running;
    });
    for (result, expected) in [
        (Ok(()), Ok(Answer::Done)),
        (
            Err(Fault::new(FaultCode::NoFile)),
            Err(named("NO_FILE: web:web")),
        ),
        (
            Err(Fault::about(FaultCode::Failed, "why")),
            Err(named("FAILED: why")),
        ),
    ] {
        let answer = world.call_driver(send(), |command| {
            let Command::SendStdin { bytes, answer, .. } = command else {
                panic!("no input")
            };
            assert_eq!(bytes, b"\xc3\xa9");
            answer.send(result).unwrap();
        });
        assert_eq!(answer, expected);
    }
    world.change_process("web", |web| web.state = ProcessState::Stopping);
    assert_eq!(world.call(send()), Err(named("NOT_RUNNING: web:web")));
}
