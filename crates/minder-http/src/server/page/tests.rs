//! The pages by themselves, without a socket.

use minder_rpc::{LogFollow, LogRef, ProcessInfo, ProcessState};

use super::*;

/// Knows these processes, and that they cannot be started because of this.
struct Fake {
    processes: Vec<ProcessInfo>,
    fault: FaultCode,
    log: &'static str,
}

impl Fake {
    fn with(processes: Vec<ProcessInfo>) -> Self {
        Self {
            processes,
            fault: FaultCode::Failed,
            log: "",
        }
    }

    fn faulty(fault: FaultCode) -> Self {
        let web = process("web", "web", ProcessState::Stopped, "");
        Self {
            fault,
            ..Self::with(vec![web])
        }
    }
}

impl Service for Fake {
    async fn call(&self, call: Call) -> Result<Answer, Fault> {
        match call {
            Call::GetAllProcessInfo => Ok(Answer::ProcessInfos(self.processes.clone())),
            Call::GetSupervisorVersion => Ok(Answer::Text("4.3.0".to_owned())),
            Call::GetIdentification => Ok(Answer::Text("here & there".to_owned())),
            Call::GetProcessInfo { name } => self
                .processes
                .iter()
                .find(|process| process.full_name() == name)
                .map(|process| Answer::ProcessInfo(process.clone()))
                .ok_or_else(|| Fault::about(FaultCode::BadName, name)),
            Call::ReadProcessLog { span, .. } if self.fault == FaultCode::Success => {
                assert_eq!(span.length, 0);
                Ok(Answer::Text(format!("{} of {}", -span.offset, self.log)))
            }
            Call::StartProcess { name, wait: true }
            | Call::StopProcess { name, wait: true }
            | Call::ClearProcessLogs { name }
            | Call::ReadProcessLog { name, .. } => Err(Fault::about(self.fault, name)),
            Call::StartAllProcesses { wait: true } | Call::StopAllProcesses { wait: true } => {
                Err(Fault::new(self.fault))
            }
            other => panic!("the page does not ask for {other:?}"),
        }
    }

    fn follow(&self, log: LogRef) -> Option<Box<dyn LogFollow>> {
        panic!("the page does not follow {log:?}");
    }
}

fn process(group: &str, name: &str, state: ProcessState, description: &str) -> ProcessInfo {
    ProcessInfo {
        name: name.to_owned(),
        group: group.to_owned(),
        description: description.to_owned(),
        start: 0,
        stop: 0,
        now: 0,
        state,
        spawn_error: String::new(),
        exit_status: 0,
        stdout_log: String::new(),
        stderr_log: String::new(),
        pid: 0,
    }
}

/// Nothing that the page asks of a fake has to be waited for.
fn run<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.unwrap().block_on(work)
}

/// The tags and nothing else, without the addresses in them.
fn tags(page: &str) -> Vec<String> {
    page.split('<')
        .skip(1)
        .map(|part| part.split_once('>').expect("a tag has an end").0)
        .map(|tag| match tag.split_once("href=\"") {
            Some((before, rest)) => {
                let (_, after) = rest.split_once('"').expect("an address has an end");
                format!("{before}{after}")
            }
            None => tag.to_owned(),
        })
        .collect()
}

#[test]
fn the_status_page_is_laid_out_as_supervisors() {
    let fake = Fake::with(vec![
        process("web", "web", ProcessState::Running, "pid 7, uptime 0:00:01"),
        process("team", "b", ProcessState::Backoff, "cannot"),
        process("team", "a", ProcessState::Exited, "Nov 27 10:00 AM"),
    ]);
    insta::assert_snapshot!(run(status(&fake, Some("hi"))).unwrap());
    let none = run(status(&Fake::with(Vec::new()), None)).unwrap();
    assert!(none.contains("No programs to manage"));
    assert!(none.contains("<div class=\"hidden\">#</div>"));
    assert!(!none.contains("<table"));
}

#[test]
fn each_state_has_its_class_and_its_actions() {
    for (state, class, labels) in [
        (ProcessState::Stopped, "statusnominal", "Start Action"),
        (ProcessState::Starting, "statusnominal", "Action Action"),
        (ProcessState::Running, "statusrunning", "Restart Stop"),
        (ProcessState::Backoff, "statuserror", "Action Action"),
        (ProcessState::Stopping, "statusnominal", "Action Action"),
        (ProcessState::Exited, "statusnominal", "Start Action"),
        (ProcessState::Fatal, "statuserror", "Start Action"),
        (ProcessState::Unknown, "statusnominal", "Action Action"),
    ] {
        let fake = Fake::with(vec![process("web", "web", state, "")]);
        let page = run(status(&fake, None)).unwrap();
        let shown = format!("class=\"{class}\">{}<", state.name().to_lowercase());
        assert!(page.contains(&shown), "{state:?}");
        let row = page.split_once("class=\"action\">").unwrap().1;
        let found: Vec<_> = row
            .split("</a></li>")
            .filter_map(|item| item.rsplit_once('>'))
            .map(|(_, label)| label)
            .take(2)
            .collect();
        assert_eq!(found.join(" "), labels, "{state:?}");
    }
}

#[test]
fn nothing_that_is_shown_becomes_markup() {
    const EVIL: &str = "</pre></title>\"'><script src=//x></script>&lt;b&#60;<!--\r\n";
    let pages = |text: &str| {
        let shown = vec![process(text, "p", ProcessState::Running, text)];
        let fake = Fake::with(shown);
        let status = run(status(&fake, Some(text))).unwrap();
        let tail = html::tail(Some(text), 1024, text);
        [status, tail].map(|page| tags(&page))
    };
    assert_eq!(pages(EVIL), pages("harmless"));
    assert!(html::tail(None, 1024, "a<b>&\"c\"").contains("<pre>a&lt;b>&amp;\"c\"</pre>"));
}

#[test]
fn a_tail_is_as_long_as_asked_for_but_not_short() {
    let fake = Fake {
        log: "the log",
        ..Fake::faulty(FaultCode::Success)
    };
    for (limit, bytes) in [
        (None, "1024"),
        (Some("2000"), "2000"),
        (Some("5"), "1024"),
        (Some("-5000"), "1024"),
        (Some("x"), "1024"),
        (Some("+2000"), "1024"),
        (Some("99999999999999999999"), "9223372036854775807"),
    ] {
        let page = run(tail(&fake, Some("a:b"), limit));
        assert!(page.contains("<title>Supervisor tail of process a:b</title>"));
        assert!(
            page.contains(&format!("<pre>{bytes} of the log</pre>")),
            "{page}"
        );
        let again = format!("\"tail.html?processname=a%3Ab&amp;limit={bytes}\"");
        assert!(page.contains(&again), "{page}");
    }
}

#[test]
fn a_tail_that_cannot_be_shown_says_why() {
    for (process, fault, text) in [
        (Some("web"), FaultCode::NoFile, "No file for web"),
        (
            Some("web"),
            FaultCode::BadName,
            "ERROR: unexpected rpc fault [10] BAD_NAME: web",
        ),
        (None, FaultCode::Failed, "No process name found"),
    ] {
        let page = run(tail(&Fake::faulty(fault), process, None));
        assert!(page.contains(&format!("<pre>{text}</pre>")), "{page}");
        assert_eq!(page.contains("refresh"), process.is_some());
    }
}

#[test]
fn an_action_is_known_by_its_name_and_may_need_a_process() {
    for action in ["refresh", "stopall", "restartall"] {
        assert!(Action::parse(action, None).is_some(), "{action}");
    }
    for action in ["start", "stop", "restart", "clearlog"] {
        assert!(Action::parse(action, Some("web".to_owned())).is_some());
        assert_eq!(Action::parse(action, None), None);
    }
    for action in ["", "Start", "startall", "nonsense"] {
        assert_eq!(Action::parse(action, Some("web".to_owned())), None);
    }
}

#[test]
fn what_went_wrong_is_told_in_supervisors_words() {
    for (fault, action, message) in [
        (
            FaultCode::NoFile,
            "start",
            "ERROR: Process web: no such file",
        ),
        (
            FaultCode::NotExecutable,
            "start",
            "ERROR: Process web: file not executable",
        ),
        (
            FaultCode::AlreadyStarted,
            "start",
            "ERROR: Process web: already started",
        ),
        (
            FaultCode::SpawnError,
            "start",
            "ERROR: Process web: spawn error",
        ),
        (
            FaultCode::AbnormalTermination,
            "start",
            "ERROR: Process web: abnormal termination",
        ),
        (
            FaultCode::Failed,
            "start",
            "ERROR: Process web: unexpected rpc fault [30] FAILED: web",
        ),
        (
            FaultCode::NotRunning,
            "stop",
            "unexpected rpc fault [70] NOT_RUNNING: web",
        ),
        (FaultCode::NotRunning, "restart", "Process web restarted"),
        (
            FaultCode::Failed,
            "clearlog",
            "unexpected rpc fault [30] FAILED: web",
        ),
    ] {
        let action = Action::parse(action, Some("web".to_owned())).unwrap();
        let said = run(action.run(&Fake::faulty(fault))).unwrap();
        assert_eq!(said, message);
    }
    let unknown = Action::parse("start", Some("web:*".to_owned())).unwrap();
    let said = run(unknown.run(&Fake::faulty(FaultCode::Failed))).unwrap();
    assert_eq!(said, "No such process named web:*");
}

#[test]
fn all_are_restarted_even_if_some_cannot_be() {
    let fake = Fake::faulty(FaultCode::Failed);
    let all = |action| run(Action::parse(action, None).unwrap().run(&fake));
    assert!(all("restartall").unwrap().starts_with("All restarted at "));
    assert_eq!(all("stopall"), Err(Fault::new(FaultCode::Failed)));
}

#[test]
fn an_action_leads_to_the_host_that_the_client_knows() {
    for (host, message, location) in [
        (Some("h"), "a", "http://h/?message=a"),
        (Some("h:9001"), "a", "http://h:9001/?message=a"),
        (Some("h:80"), "a", "http://h/?message=a"),
        (Some("h:"), "a", "http://h/?message=a"),
        (Some("[::1]:80"), "a", "http://[::1]/?message=a"),
        (Some(""), "a", "/?message=a"),
        (None, "a", "/?message=a"),
        (
            None,
            "E: \u{e4}\r\n[x] ~-_./*&=#",
            "/?message=E%3A%20%C3%A4%0D%0A%5Bx%5D%20~-_./%2A%26%3D%23",
        ),
    ] {
        assert_eq!(super::location(host, message), location);
    }
}
