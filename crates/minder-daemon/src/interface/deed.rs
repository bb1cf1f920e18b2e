//! What forms ask for: understood, asked about where it can be felt, and done.
//!
//! Everything that is done is a call that any other client could make. A page does not wait long
//! for it: what takes its time goes on, and the states of processes tell of it.

use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use minder_core::group::full_name;
use minder_core::{ProcessState, Signal, View};
use minder_http::server::site::{Shown, Status};
use minder_page::question::{self, Verb, wants_number};
use minder_page::{Notice, Question, overview as table, quoted};
use minder_rpc::{Call, Fault, Service as _};
use tokio::time::timeout;

use super::fields::Fields;
use super::{Visitor, elsewhere, overview, page, refused, text};
use crate::api::{Api, find};

/// How long a page waits for what was asked for.
const PATIENCE: Duration = Duration::from_secs(3);

/// Something to do.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Deed {
    /// With processes, by name.
    With {
        verb: Verb,
        names: Vec<String>,
        is_all: bool,
    },
    /// Send a signal to processes, by name.
    Signal { names: Vec<String>, signal: Signal },
    /// Write a line to a process.
    Say { name: String, line: String },
    /// Read the configuration.
    Reread,
    /// Update these groups.
    Update { groups: Vec<String> },
}

/// Why something was not done.
struct Failure {
    /// What it was not done with; empty if it was about nothing in particular.
    about: Vec<String>,
    /// Why, with the first of them.
    fault: Fault,
}

/// Does what a form asks for, or asks back.
pub(super) async fn run(api: &Arc<Api>, visitor: &Visitor, fields: &Fields) -> Shown {
    if !visitor.is_genuine(fields) {
        return refused();
    }
    let Some(deed) = understand(api, visitor, fields) else {
        return answer(visitor, fields, Some(question::nothing(visitor.language)));
    };
    if let Some(question) = question(api, visitor, fields, &deed) {
        return page(question::draw(&question));
    }
    let doing = tokio::spawn(carry_out(Arc::clone(api), deed.clone()));
    let notice = match timeout(PATIENCE, doing).await {
        Ok(Ok(Err(Failure { about, fault }))) => {
            let (why, code) = (fault.to_string(), fault.code.number());
            Some(question::failure(&about, &why, code, visitor.language))
        }
        Ok(Ok(Ok(()))) => done(&deed, visitor),
        // Not done yet, or the daemon ends.
        Ok(Err(_)) | Err(_) => None,
    };
    answer(visitor, fields, notice)
}

/// What is to be said of what was done, if pages do not show it.
fn done(deed: &Deed, visitor: &Visitor) -> Option<Notice> {
    let (verb, names) = match deed {
        Deed::With { verb, names, .. } => (*verb, names),
        Deed::Signal { names, signal } => (Verb::Signal(*signal), names),
        Deed::Say { .. } | Deed::Reread | Deed::Update { .. } => return None,
    };
    question::done(verb, names, visitor.language)
}

/// An old link that would have done something at once: asked about, as a page of another site may
/// have led here.
pub(super) fn old_link(api: &Arc<Api>, visitor: &Visitor, fields: &Fields) -> Shown {
    let action = fields.get("action").unwrap_or_default();
    let name = fields.get("processname").map(str::to_owned);
    let all = ["startall", "stopall", "restartall"].contains(&action);
    let field = match (action, name) {
        ("start" | "stop" | "restart" | "clearlog", Some(name)) => (action.to_owned(), name),
        (action, _) if all => (action.to_owned(), "1".to_owned()),
        _ => return elsewhere("./".to_owned()),
    };
    let csrf = ("csrf".to_owned(), visitor.token.clone());
    let fields = Fields::new(vec![csrf, field]);
    let Some(deed) = understand(api, visitor, &fields) else {
        return elsewhere("./".to_owned());
    };
    match question(api, visitor, &fields, &deed) {
        Some(question) => page(question::draw(&question)),
        // Even what is else not asked about: only a form can be trusted.
        None => page(question::draw(&asked(api, visitor, &fields, &deed))),
    }
}

/// What the fields ask for. `None` if that cannot be told, or concerns nothing that there is.
fn understand(api: &Api, visitor: &Visitor, fields: &Fields) -> Option<Deed> {
    let picture = api.published.latest();
    let view = &picture.view;
    let all = |verb| Deed::With {
        verb,
        names: concerned(view, verb, everything(view)),
        is_all: true,
    };
    for (name, value) in fields.pairs() {
        let with = |verb| {
            let names = if value == "selected" {
                selected(api, visitor, fields)
            } else {
                named(view, value)
            };
            let names = concerned(view, verb, names);
            (!names.is_empty()).then_some(Deed::With {
                verb,
                names,
                is_all: false,
            })
        };
        match &**name {
            "start" => return with(Verb::Start),
            "stop" => return with(Verb::Stop),
            "restart" => return with(Verb::Restart),
            "clearlog" => return with(Verb::ClearLog),
            "startall" => return Some(all(Verb::Start)),
            "stopall" => return Some(all(Verb::Stop)),
            "restartall" => return Some(all(Verb::Restart)),
            "reread" => return Some(Deed::Reread),
            "update" => {
                let groups: Vec<_> = fields.all("g").cloned().collect();
                return (!groups.is_empty()).then_some(Deed::Update { groups });
            }
            "signal" => {
                let signal = Signal::parse(value).ok()?;
                let names = match fields.get("name") {
                    Some(name) => vec![name.to_owned()],
                    None => signalled(view, selected(api, visitor, fields)),
                };
                return (!names.is_empty()).then_some(Deed::Signal { names, signal });
            }
            "stdin" => {
                let name = fields.get("name")?.to_owned();
                return Some(Deed::Say {
                    name,
                    line: format!("{value}\n"),
                });
            }
            _ => {}
        }
    }
    None
}

/// The processes that `name` means: one, or all of a group (`group:*`).
fn named(view: &View, name: &str) -> Vec<String> {
    if let Some(group) = name.strip_suffix(":*") {
        let group = view.groups.iter().find(|it| it.spec.name == group);
        let processes = group.into_iter().flat_map(|group| &group.processes);
        return processes
            .map(|process| full_name(group.map_or("", |it| &it.spec.name), &process.spec.name))
            .collect();
    }
    let found = find(view, name).ok();
    found
        .map(|(group, process)| full_name(&group.spec.name, &process.spec.name))
        .into_iter()
        .collect()
}

/// Those of several processes that can be stopped, or started, if that is what is to be done. One that
/// is meant by itself is left: it is told why it cannot be.
fn concerned(view: &View, verb: Verb, names: Vec<String>) -> Vec<String> {
    let is_to_run = match verb {
        Verb::Start => false,
        Verb::Stop => true,
        Verb::Restart | Verb::ClearLog | Verb::Signal(_) | Verb::Update => return names,
    };
    if names.len() < 2 {
        return names;
    }
    let runs = |name: &String| find(view, name).map(|(_, process)| process.state.is_running());
    names
        .into_iter()
        .filter(|name| runs(name).is_ok_and(|runs| runs == is_to_run))
        .collect()
}

/// Those of several processes that a signal can be sent to.
fn signalled(view: &View, names: Vec<String>) -> Vec<String> {
    let takes =
        |name: &String| find(view, name).is_ok_and(|(_, process)| process.state.is_signallable());
    names.into_iter().filter(takes).collect()
}

/// Whether a signal is one that programs go on after: it is not asked about.
fn is_mild(signal: Signal) -> bool {
    matches!(signal.name(), Some("SIGHUP" | "SIGUSR1" | "SIGUSR2"))
}

fn everything(view: &View) -> Vec<String> {
    view.groups
        .iter()
        .flat_map(|group| named(view, &format!("{}:*", group.spec.name)))
        .collect()
}

/// The processes that are ticked, each once.
fn selected(api: &Api, visitor: &Visitor, fields: &Fields) -> Vec<String> {
    let picture = api.published.latest();
    if fields.get("every").is_some() {
        let groups = overview::groups(api, &picture, visitor);
        return table::matching(&groups, &overview::asked(fields), visitor.language);
    }
    let mut names: Vec<String> = Vec::new();
    for name in fields.all("g").chain(fields.all("p")) {
        for name in named(&picture.view, name) {
            if !names.contains(&name) {
                names.push(name);
            }
        }
    }
    names
}

/// The question that has to be answered first, unless it has been.
fn question(api: &Api, visitor: &Visitor, fields: &Fields, deed: &Deed) -> Option<Question> {
    let (needs, typed) = match deed {
        Deed::With {
            verb: Verb::Start,
            names,
            ..
        } => {
            let many = wants_number(names.len(), false);
            (many, many.then_some(names.len()))
        }
        Deed::With { names, is_all, .. } => (
            true,
            wants_number(names.len(), *is_all).then_some(names.len()),
        ),
        Deed::Signal { names, signal } => {
            let many = wants_number(names.len(), false);
            let is_felt = signal.name() == Some("SIGKILL");
            let is_felt = is_felt || (names.len() > 1 && !is_mild(*signal));
            (many || is_felt, many.then_some(names.len()))
        }
        Deed::Update { groups } => (
            true,
            wants_number(groups.len(), false).then_some(groups.len()),
        ),
        Deed::Say { .. } | Deed::Reread => (false, None),
    };
    let is_sure = fields.get("sure").is_some();
    let is_right = typed.is_none_or(|count| fields.number("count") == Some(count));
    (needs && !(is_sure && is_right)).then(|| asked(api, visitor, fields, deed))
}

fn asked(api: &Api, visitor: &Visitor, fields: &Fields, deed: &Deed) -> Question {
    let view = Arc::clone(&api.published.latest().view);
    let (verb, names, is_all) = match deed {
        Deed::With {
            verb,
            names,
            is_all,
        } => (*verb, names.clone(), *is_all),
        Deed::Signal { names, signal } => (Verb::Signal(*signal), names.clone(), false),
        Deed::Update { groups } => (Verb::Update, groups.clone(), false),
        Deed::Say { .. } | Deed::Reread => (Verb::Update, Vec::new(), false),
    };
    let stops = matches!(verb, Verb::Stop | Verb::Restart) && names.len() > 1;
    let waits = names.iter().filter_map(|name| find(&view, name).ok());
    let longest = waits.map(|(_, process)| process.spec.stop_wait_secs).max();
    let kept = |(name, _): &&(String, String)| !["sure", "count"].contains(&&**name);
    Question {
        frame: visitor.frame(api, &fields.back()),
        verb,
        names,
        is_all,
        longest_wait: longest.filter(|_| stops),
        fields: fields.pairs().iter().filter(kept).cloned().collect(),
        back: fields.back(),
        was_wrong: fields.get("sure").is_some(),
    }
}

async fn carry_out(api: Arc<Api>, deed: Deed) -> Result<(), Failure> {
    match deed {
        Deed::With {
            verb,
            names,
            is_all,
        } => with_all(&api, verb, names, is_all).await,
        Deed::Signal { names, signal } => with_all(&api, Verb::Signal(signal), names, false).await,
        Deed::Say { name, line } => {
            call(
                &api,
                &name,
                Call::SendProcessStdin {
                    name: name.clone(),
                    chars: line,
                },
            )
            .await
        }
        Deed::Reread => call(&api, "", Call::ReloadConfig).await,
        Deed::Update { groups } => update(&api, groups).await,
    }
}

/// Does it with every one, and tells of those that it could not be done with.
async fn with_all(
    api: &Arc<Api>,
    verb: Verb,
    names: Vec<String>,
    is_all: bool,
) -> Result<(), Failure> {
    // All of them: in the order of their priorities, as one call.
    match (verb, is_all) {
        (Verb::Stop, true) => return call(api, "", Call::StopAllProcesses { wait: true }).await,
        (Verb::Start, true) => return call(api, "", Call::StartAllProcesses { wait: false }).await,
        (Verb::Restart, true) => {
            call(api, "", Call::StopAllProcesses { wait: true }).await?;
            return call(api, "", Call::StartAllProcesses { wait: false }).await;
        }
        _ => {}
    }
    let one = |name: String| {
        let api = Arc::clone(api);
        let work: Pin<Box<dyn Future<Output = Result<(), Failure>> + Send>> =
            Box::pin(async move { with_one(&api, verb, name).await });
        work
    };
    let done = all(names.into_iter().map(one).collect()).await;
    let failures = done.into_iter().filter_map(Result::err);
    let together = failures.reduce(|mut first, next| {
        first.about.extend(next.about);
        first
    });
    together.map_or(Ok(()), Err)
}

async fn with_one(api: &Api, verb: Verb, name: String) -> Result<(), Failure> {
    let start = Call::StartProcess {
        name: name.clone(),
        wait: false,
    };
    let stop = Call::StopProcess {
        name: name.clone(),
        wait: true,
    };
    match verb {
        Verb::Start => call(api, &name, start).await,
        Verb::Stop => call(api, &name, stop).await,
        Verb::Restart => {
            let picture = api.published.latest();
            let state = find(&picture.view, &name).map(|(_, process)| process.state);
            if state.is_ok_and(ProcessState::is_running) {
                call(api, &name, stop).await?;
            }
            call(api, &name, start).await
        }
        Verb::ClearLog => call(api, &name, Call::ClearProcessLogs { name: name.clone() }).await,
        Verb::Signal(signal) => {
            let signal = Call::SignalProcess {
                name: name.clone(),
                signal: signal.number().to_string(),
            };
            call(api, &name, signal).await
        }
        Verb::Update => Ok(()),
    }
}

/// Makes the configuration of these groups the one on disk, as `supervisorctl update` does.
async fn update(api: &Api, groups: Vec<String>) -> Result<(), Failure> {
    call(api, "", Call::ReloadConfig).await?;
    for group in groups {
        let view = Arc::clone(&api.published.latest().view);
        if view.groups.iter().any(|it| it.spec.name == group) {
            call(
                api,
                &group,
                Call::StopProcessGroup {
                    name: group.clone(),
                    wait: true,
                },
            )
            .await?;
            call(
                api,
                &group,
                Call::RemoveProcessGroup {
                    name: group.clone(),
                },
            )
            .await?;
        }
        if view.candidate.iter().any(|it| it.name == group) {
            call(
                api,
                &group,
                Call::AddProcessGroup {
                    name: group.clone(),
                },
            )
            .await?;
        }
    }
    Ok(())
}

async fn call(api: &Api, about: &str, call: Call) -> Result<(), Failure> {
    match api.call(call).await {
        Ok(_) => Ok(()),
        Err(fault) => Err(Failure {
            about: Some(about.to_owned())
                .filter(|it| !it.is_empty())
                .into_iter()
                .collect(),
            fault,
        }),
    }
}

/// What each of several things comes to that are done at the same time.
async fn all<T>(mut works: Vec<Pin<Box<dyn Future<Output = T> + Send>>>) -> Vec<T> {
    let mut done: Vec<Option<T>> = works.iter().map(|_| None).collect();
    std::future::poll_fn(|cx| {
        let mut is_complete = true;
        for (work, done) in works.iter_mut().zip(&mut done) {
            if done.is_none() {
                match work.as_mut().poll(cx) {
                    Poll::Ready(it) => *done = Some(it),
                    Poll::Pending => is_complete = false,
                }
            }
        }
        if is_complete {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    })
    .await;
    done.into_iter().flatten().collect()
}

/// Tells a script how it went, and leads anybody else back to the page.
fn answer(visitor: &Visitor, fields: &Fields, notice: Option<Notice>) -> Shown {
    let back = fields.back();
    let Some(notice) = notice else {
        return if visitor.by_script {
            text(Status::Fine, String::new())
        } else {
            elsewhere(back)
        };
    };
    let Notice {
        text: said,
        detail,
        is_bad,
    } = notice;
    if visitor.by_script {
        let status = if is_bad {
            Status::Conflict
        } else {
            Status::Fine
        };
        return text(status, format!("{said} {detail}").trim_end().to_owned());
    }
    let (address, place) = back.split_once('#').unwrap_or((&back, ""));
    let separator = if address.contains('?') { '&' } else { '?' };
    let (said, detail) = (quoted(&said), quoted(&detail));
    let bad = if is_bad { "&bad=1" } else { "" };
    let hash = if place.is_empty() { "" } else { "#" };
    elsewhere(format!(
        "{address}{separator}message={said}&detail={detail}{bad}{hash}{place}"
    ))
}
