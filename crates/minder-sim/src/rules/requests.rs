//! Whoever asks is answered once, in time, and with the truth.

use std::collections::BTreeSet;

use minder_core::spec::GroupKind;
use minder_core::{
    Changes, Effect, Mood, ProcessId, ProcessState, Refusal, Reply, Request, RequestId, Target,
};

use super::{Rule, Verdict, When, ensure};
use crate::fact::Fact;
use crate::ledger::{Ledger, ProcessNote, is_meant};

pub(super) const RULES: &[Rule] = &[
    Rule {
        says: "a request is answered once",
        when: When::Asked,
        check: answered_once,
    },
    Rule {
        says: "a request that need not wait is answered at once",
        when: When::Settled,
        check: answered_at_once,
    },
    Rule {
        says: "a request that waits is answered as soon as its outcome is known",
        when: When::Settled,
        check: answered_in_time,
    },
    Rule {
        says: "during the end everything is refused, and nothing before",
        when: When::Asked,
        check: refused_during_the_end,
    },
    Rule {
        says: "a refusal is true",
        when: When::Asked,
        check: a_refusal_is_true,
    },
    Rule {
        says: "what is said to be done is done",
        when: When::Asked,
        check: done_is_done,
    },
    Rule {
        says: "reread tells the differences",
        when: When::Asked,
        check: reread_tells_the_differences,
    },
];

/// The answer that a fact tells of.
fn reply<'a>(fact: &Fact<'a>) -> Option<(RequestId, &'a Reply)> {
    match fact {
        Fact::Asked(Effect::Reply { request, reply }) => Some((*request, reply)),
        _ => None,
    }
}

/// What the core has been asked for, and the answer.
fn answered<'a>(ledger: &'a Ledger, fact: &Fact<'a>) -> Option<(&'a Request, &'a Reply)> {
    let (id, reply) = reply(fact)?;
    Some((&ledger.ground.open.get(&id)?.request, reply))
}

fn meant<'a>(ledger: &'a Ledger, target: &'a Target) -> impl Iterator<Item = ProcessId> + 'a {
    let ids = ledger.mind.processes.keys().copied();
    ids.filter(|id| is_meant(&ledger.mind, target, *id))
}

fn state(ledger: &Ledger, id: ProcessId) -> Option<ProcessState> {
    ledger.mind.processes.get(&id).map(|note| note.state)
}

/// The process of this name in the group of this name.
fn member<'a>(ledger: &'a Ledger, group: &str, process: &str) -> Option<&'a ProcessNote> {
    let group = ledger.mind.group_named(group)?;
    let mut notes = group
        .processes
        .iter()
        .filter_map(|id| ledger.mind.processes.get(id));
    notes.find(|note| note.spec.name == process)
}

/// Whether an answer tells of several processes.
fn means_many(target: &Target) -> bool {
    match target {
        Target::All | Target::Group(_) => true,
        Target::Named(given) => given.ends_with(":*") || given.ends_with(':'),
    }
}

fn answered_once(ledger: &Ledger, fact: &Fact<'_>) -> Verdict {
    let Some((id, _)) = reply(fact) else {
        return Ok(());
    };
    let open = ledger.ground.open.get(&id);
    let open = open.ok_or_else(|| format!("nobody waits for {id:?}"))?;
    ensure(!open.answered, || format!("{id:?} was answered before"))
}

fn answered_at_once(ledger: &Ledger, fact: &Fact<'_>) -> Verdict {
    let (Fact::Settled(..), Some((id, request))) = (fact, ledger.turn.request()) else {
        return Ok(());
    };
    let may_wait = match request {
        Request::Start { .. } => true,
        Request::Stop { wait, .. } => *wait,
        _ => false,
    };
    let replied = ledger.turn.replied.contains(&id);
    ensure(may_wait || replied, || format!("{request:?}"))
}

/// There is an outcome unless some process that is meant is still on its way.
fn answered_in_time(ledger: &Ledger, fact: &Fact<'_>) -> Verdict {
    let Fact::Settled(..) = fact else {
        return Ok(());
    };
    let waiting = ledger.ground.open.values().filter(|open| !open.answered);
    waiting.into_iter().try_for_each(|open| {
        let mut on_its_way = match &open.request {
            Request::Start { target, wait, .. } => meant(ledger, target)
                .filter(|id| {
                    ledger.mind.processes.get(id).is_some_and(|note| {
                        let made = note.child.is_some_and(|child| child.pid.is_some());
                        note.state == ProcessState::Starting && (*wait || !made)
                    })
                })
                .collect::<Vec<_>>(),
            Request::Stop { target, .. } => meant(ledger, target)
                .filter(|id| {
                    let state = state(ledger, *id);
                    matches!(state, Some(ProcessState::Stopping | ProcessState::Starting))
                })
                .collect(),
            _ => Vec::new(),
        }
        .into_iter();
        ensure(on_its_way.next().is_some(), || {
            format!("{:?}", open.request)
        })
    })
}

fn refused_during_the_end(ledger: &Ledger, fact: &Fact<'_>) -> Verdict {
    let Some((id, reply)) = reply(fact) else {
        return Ok(());
    };
    let refused = *reply == Reply::Refused(Refusal::ShuttingDown);
    let new = ledger.turn.request().is_some_and(|(new, _)| new == id);
    let ending = ledger.turn.mood != Mood::Running;
    ensure(refused == (new && ending), || {
        format!("{reply:?} while {:?}", ledger.turn.mood)
    })
}

fn a_refusal_is_true(ledger: &Ledger, fact: &Fact<'_>) -> Verdict {
    let Some((request, Reply::Refused(refusal))) = answered(ledger, fact) else {
        return Ok(());
    };
    let (mind, before) = (&ledger.mind, &ledger.turn.before);
    let one = match request {
        Request::Start { target, .. }
        | Request::Stop { target, .. }
        | Request::Signal { target, .. } => meant(ledger, target).next(),
        _ => None,
    };
    let (was, is) = (
        one.and_then(|id| before.get(&id).copied()),
        one.and_then(|id| state(ledger, id)),
    );
    let is_true = match (refusal, request) {
        (Refusal::BadName(_), Request::AddGroup { name }) => {
            mind.candidate.iter().all(|spec| spec.name != *name)
        }
        (Refusal::BadName(_), Request::RemoveGroup { name }) => mind.group_named(name).is_none(),
        (Refusal::BadName(name), Request::AddProcesses { group, .. }) => {
            mind.group_named(group).is_none() || member(ledger, group, name).is_some()
        }
        (Refusal::BadName(_), Request::RemoveProcess { group, process }) => {
            member(ledger, group, process).is_none()
        }
        (Refusal::StillRunning(_), Request::RemoveProcess { group, process }) => {
            let note = member(ledger, group, process);
            note.is_some_and(|note| !note.state.is_stopped() || note.child.is_some())
        }
        (Refusal::BadName(_), _) => one.is_none(),
        (Refusal::AlreadyAdded(name), _) => mind.group_named(name).is_some(),
        (Refusal::StillRunning(name), _) => mind
            .group_named(name)
            .is_some_and(|group| !mind.is_stopped(group)),
        (Refusal::BadSignal(_), Request::Signal { signal, .. }) => signal == "nonsense",
        (Refusal::Command(_), Request::Start { unrunnable, .. }) => {
            unrunnable.iter().any(|(id, _)| Some(*id) == one)
        }
        (Refusal::AlreadyStarted(_), Request::Start { .. }) => {
            was.is_some_and(ProcessState::is_running)
        }
        (Refusal::NotRunning(_), Request::Stop { .. }) => was.is_some_and(|was| !was.is_running()),
        (Refusal::NotRunning(_), Request::Signal { .. }) => {
            was.is_some_and(|was| !was.is_signallable())
        }
        (Refusal::SpawnError(_) | Refusal::AbnormalTermination(_), Request::Start { .. }) => {
            !matches!(is, Some(ProcessState::Starting | ProcessState::Running))
        }
        (Refusal::Failed(_), Request::Start { .. } | Request::Stop { .. }) => {
            is == Some(ProcessState::Unknown)
        }
        (Refusal::Failed(_), Request::AddProcesses { group, .. }) => mind
            .group_named(group)
            .is_some_and(|group| group.spec.kind != GroupKind::Programs),
        (Refusal::ShuttingDown, _) => true,
        _ => false,
    };
    ensure(is_true, || format!("{refusal:?} to {request:?}"))
}

fn done_is_done(ledger: &Ledger, fact: &Fact<'_>) -> Verdict {
    let Some((request, reply)) = answered(ledger, fact) else {
        return Ok(());
    };
    let fits = |target: &Target, done: &dyn Fn(ProcessState) -> bool| match reply {
        Reply::Done => {
            let state = meant(ledger, target)
                .next()
                .and_then(|id| state(ledger, id));
            !means_many(target) && state.is_some_and(done)
        }
        Reply::Each(outcomes) => {
            let told: BTreeSet<_> = outcomes.iter().map(|it| (&it.group, &it.name)).collect();
            means_many(target) && told.len() == outcomes.len()
        }
        Reply::Refused(_) => true,
        Reply::Changes(_) => false,
    };
    let is_so = match request {
        Request::Start {
            target, wait: true, ..
        } => fits(target, &|state| state == ProcessState::Running),
        Request::Start { target, .. } => fits(target, &|state| state != ProcessState::Unknown),
        Request::Stop { target, wait: true } => fits(target, &ProcessState::is_stopped),
        Request::Stop { target, .. } => fits(target, &|state| state != ProcessState::Running),
        Request::Signal { target, .. } => fits(target, &ProcessState::is_signallable),
        Request::AddGroup { name } => {
            *reply != Reply::Done || ledger.mind.group_named(name).is_some()
        }
        Request::RemoveGroup { name } => {
            *reply != Reply::Done || ledger.mind.group_named(name).is_none()
        }
        Request::AddProcesses { group, processes } => {
            let mut added = processes.iter();
            *reply != Reply::Done || added.all(|its| member(ledger, group, &its.name).is_some())
        }
        Request::RemoveProcess { group, process } => {
            *reply != Reply::Done || member(ledger, group, process).is_none()
        }
        Request::Reread { .. } => !matches!(reply, Reply::Done | Reply::Each(_)),
        Request::Shutdown | Request::Restart => {
            matches!(reply, Reply::Done | Reply::Refused(Refusal::ShuttingDown))
        }
    };
    ensure(is_so, || format!("{reply:?} to {request:?}"))
}

fn reread_tells_the_differences(ledger: &Ledger, fact: &Fact<'_>) -> Verdict {
    let Some((Request::Reread { groups }, Reply::Changes(told))) = answered(ledger, fact) else {
        return Ok(());
    };
    let active = |name: &str| ledger.mind.group_named(name).map(|group| &group.spec);
    let mut found = Changes::default();
    for spec in groups {
        match active(&spec.name) {
            None => found.added.push(spec.name.clone()),
            Some(now) if now != spec => found.changed.push(spec.name.clone()),
            Some(_) => {}
        }
    }
    let configured = |name: &String| groups.iter().any(|spec| spec.name == *name);
    let names = ledger.mind.groups.values().map(|group| &group.spec.name);
    found.removed = names.filter(|name| !configured(name)).cloned().collect();
    ensure(sorted(told) == sorted(&found), || {
        format!("{told:?} instead of {found:?}")
    })
}

fn sorted(changes: &Changes) -> [BTreeSet<&String>; 3] {
    [&changes.added, &changes.changed, &changes.removed].map(|names| names.iter().collect())
}
