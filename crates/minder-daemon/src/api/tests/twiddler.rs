use minder_rpc::TwiddlerCall;

use super::*;

fn add(group: &str, options: &[(&str, &str)]) -> Call {
    let options = options.iter();
    Call::Twiddler(TwiddlerCall::AddProgramToGroup {
        group: named(group),
        program: named("new"),
        options: Ok(options
            .map(|(name, value)| (named(name), named(value)))
            .collect()),
    })
}

fn remove(group: &str) -> Call {
    Call::Twiddler(TwiddlerCall::RemoveProcessFromGroup {
        group: named(group),
        process: named("web"),
    })
}

#[test]
fn groups_are_named_in_the_order_of_their_being_added() {
    let world = world(PROGRAMS);
    world.change(|picture| Arc::make_mut(&mut picture.view).groups.reverse());
    let names = ["team", "solo", "web"].map(named);
    assert_eq!(
        world.call(Call::Twiddler(TwiddlerCall::GetGroupNames)),
        Ok(Answer::Names(names.into()))
    );
}

#[test]
fn the_processes_of_a_program_are_asked_of_the_driver() {
    let mut world = world(PROGRAMS);
    world.api.variables = [(named("SHAPE"), named("round"))].into();
    let options = [
        ("command", "/bin/echo %(ENV_SHAPE)s"),
        ("numprocs", "2"),
        ("process_name", "%(process_num)d"),
    ];
    let mut found = Vec::new();
    let answer = world.call_driver(add("team", &options), |command| {
        let Command::Request {
            request: Request::AddProcesses { group, processes },
            answer,
        } = command
        else {
            panic!("another request");
        };
        found.push(group);
        let processes = processes.iter();
        found.extend(processes.map(|it| format!("{}: {}", it.name, it.command)));
        answer.send(Reply::Done).unwrap();
    });
    assert_eq!(answer, Ok(Answer::Done));
    assert_eq!(found, ["team", "0: /bin/echo round", "1: /bin/echo round"]);

    let (asked, answer) = world.request(
        remove("team"),
        Reply::Refused(Refusal::StillRunning(named("web"))),
    );
    assert_eq!(asked, r#"RemoveProcess { group: "team", process: "web" }"#);
    assert_eq!(answer, Err(named("STILL_RUNNING: web")));
}

#[test]
fn the_group_is_looked_at_before_the_options() {
    let world = world(PROGRAMS);
    let no_group = Err(named("BAD_NAME: group: b"));
    assert_eq!(world.call(add("b", &[])), no_group);
    let unusable = |group| {
        let (group, program) = (named(group), named("new"));
        let options = Err(Fault::new(FaultCode::IncorrectParameters));
        Call::Twiddler(TwiddlerCall::AddProgramToGroup {
            group,
            program,
            options,
        })
    };
    assert_eq!(world.call(unusable("b")), no_group);
    let refused = Err(named("INCORRECT_PARAMETERS"));
    assert_eq!(world.call(unusable("team")), refused);
    assert_eq!(world.call(remove("b")), no_group);
    let file = world.file("s.conf");
    let wrong = format!(
        "INCORRECT_PARAMETERS: program section program:new does not specify a command in section \
         'program:new' (file: '{}')",
        file.display()
    );
    assert_eq!(world.call(add("team", &[])), Err(wrong));
    assert!(world.mailbox.take().is_empty());
}

#[test]
fn a_line_for_the_log_is_written_as_important_as_it_is() {
    let world = world(PROGRAMS);
    let file = world.file("main.log");
    let spec = main_log::MainLogSpec {
        target: main_log::Target::File {
            path: file.clone(),
            max_bytes: 0,
            backups: 0,
        },
        level: Level::Warn,
        to_stdout: false,
    };
    world.api.log.open(&spec).unwrap();
    for (message, level) in [("quiet", Level::Info), ("loud", Level::Critical)] {
        let message = named(message);
        let call = Call::Twiddler(TwiddlerCall::Log { message, level });
        assert_eq!(world.call(call), Ok(Answer::Done));
    }
    let log = fs::read_to_string(file).unwrap();
    assert!(
        log.ends_with(" CRIT loud\n") && !log.contains("quiet"),
        "{log}"
    );
}
