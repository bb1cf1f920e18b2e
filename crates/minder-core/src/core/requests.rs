//! What users ask for. The order of the checks is Supervisor's: clients see which comes first.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use super::Core;
use crate::child::ProcessId;
use crate::effect::{Effect, Effects};
use crate::event::Event;
use crate::group::{Selection, full_name};
use crate::input::CommandError;
use crate::message::Message;
use crate::plan;
use crate::process::{Process, StopCause};
use crate::request::{Refusal, Reply, Request, RequestId, Target};
use crate::signal::Signal;
use crate::spec::GroupSpec;
use crate::state::{Mood, ProcessState};
use crate::time::Now;
use crate::waiting::{Form, Gathering, Wanted, Wish, unknown_state};

/// What is done to each process of a target.
enum Deed {
    Start {
        wait: bool,
        unrunnable: BTreeMap<ProcessId, CommandError>,
    },
    Stop {
        wait: bool,
    },
    Signal {
        signal: String,
    },
}

impl Deed {
    /// Which of several processes it is done to: those that are not as wished already.
    fn concerns(&self, state: ProcessState) -> bool {
        match self {
            Self::Start { .. } => !state.is_running(),
            Self::Stop { .. } => state.is_running(),
            Self::Signal { .. } => state.is_signallable(),
        }
    }
}

/// A process, by the name that the user knows it by.
struct Named {
    id: ProcessId,
    given: String,
}

/// What came of a request about one process, as far as can be said at once.
enum Begun {
    Settled(Result<(), Refusal>),
    Later(Wish),
}

impl Core {
    /// Somebody asks for something.
    pub(super) fn request(&mut self, now: Now, id: RequestId, request: Request, fx: &mut Effects) {
        if self.mood != Mood::Running {
            return fx.reply(id, Reply::Refused(Refusal::ShuttingDown));
        }
        match request {
            Request::Start {
                target,
                wait,
                unrunnable,
            } => {
                let unrunnable = unrunnable.into_iter().collect();
                self.carry_out(now, id, &target, &Deed::Start { wait, unrunnable }, fx);
            }
            Request::Stop { target, wait } => {
                self.carry_out(now, id, &target, &Deed::Stop { wait }, fx);
            }
            Request::Signal { target, signal } => {
                self.carry_out(now, id, &target, &Deed::Signal { signal }, fx);
            }
            Request::Reread { groups } => self.reread(id, groups, fx),
            Request::AddGroup { name } => self.add_group(now, id, name, fx),
            Request::RemoveGroup { name } => self.remove_group(id, name, fx),
            Request::AddProcesses { group, processes } => {
                match self.add_processes(&group, processes, fx) {
                    Ok(added) => {
                        fx.reply(id, Reply::Done);
                        self.autostart(now, added, fx);
                    }
                    Err(refusal) => fx.reply(id, Reply::Refused(refusal)),
                }
            }
            Request::RemoveProcess { group, process } => {
                let removed = self.remove_process(&group, &process, fx);
                fx.reply(id, removed.map_or_else(Reply::Refused, |()| Reply::Done));
            }
            Request::Shutdown => {
                fx.reply(id, Reply::Done);
                self.end(Mood::ShuttingDown, fx);
            }
            Request::Restart => {
                fx.reply(id, Reply::Done);
                self.end(Mood::Restarting, fx);
            }
        }
    }

    /// Does something to every process of the target; of several only to those that it concerns.
    /// Everything is begun before anything is waited for.
    fn carry_out(
        &mut self,
        now: Now,
        request: RequestId,
        target: &Target,
        deed: &Deed,
        fx: &mut Effects,
    ) {
        let (form, chosen) = match self.roster.select(target) {
            Err(refusal) => return fx.reply(request, Reply::Refused(refusal)),
            Ok(Selection::One(id, given)) => (Form::One, Vec::from([Named { id, given }])),
            Ok(Selection::Many(ids)) => (Form::Each, self.concerned(&ids, deed)),
        };
        let mut gathering = Gathering::new(request, form);
        let mut later = Vec::new();
        for (place, named) in chosen.into_iter().enumerate() {
            match self.begin(now, deed, &named, fx) {
                Begun::Settled(result) => {
                    if let Some(process) = self.roster.process(named.id) {
                        gathering.add(process, place, None, result);
                    }
                }
                Begun::Later(wish) => later.push(Wanted {
                    process: named.id,
                    place,
                    wish,
                    given: named.given,
                }),
            }
        }
        // A start that met a process on its way down is told so now.
        later.retain(|wanted| {
            let process = self.roster.process(wanted.process);
            let verdict = process.and_then(|it| Some((it, wanted.verdict(it, now.mono)?)));
            let open = verdict.is_none();
            if let Some((process, (known, result))) = verdict {
                gathering.add(process, wanted.place, known, result);
            }
            open
        });
        let awaited: Vec<_> = later.iter().map(|wanted| wanted.process).collect();
        self.waiting.add(gathering, later, fx);
        for id in awaited {
            self.follow_stop(now, id, fx);
        }
    }

    fn concerned(&self, ids: &[ProcessId], deed: &Deed) -> Vec<Named> {
        ids.iter()
            .filter_map(|id| self.roster.process(*id))
            .filter(|process| deed.concerns(process.shown()))
            .map(|process| Named {
                id: process.id,
                given: full_name(&process.group.name, &process.spec.name),
            })
            .collect()
    }

    fn begin(&mut self, now: Now, deed: &Deed, named: &Named, fx: &mut Effects) -> Begun {
        match deed {
            Deed::Start { wait, unrunnable } => self.begin_start(now, named, *wait, unrunnable, fx),
            Deed::Stop { wait } => self.begin_stop(now, named, *wait, fx),
            Deed::Signal { signal } => self.send(named, signal, fx),
        }
    }

    fn begin_start(
        &mut self,
        now: Now,
        named: &Named,
        wait: bool,
        unrunnable: &BTreeMap<ProcessId, CommandError>,
        fx: &mut Effects,
    ) -> Begun {
        let refused = |refusal| Begun::Settled(Err(refusal));
        if let Some(error) = unrunnable.get(&named.id) {
            return refused(Refusal::Command(error.clone()));
        }
        let Some(process) = self.roster.process(named.id) else {
            return refused(Refusal::BadName(named.given.clone()));
        };
        match process.shown() {
            ProcessState::Starting | ProcessState::Running | ProcessState::Backoff => {
                return refused(Refusal::AlreadyStarted(named.given.clone()));
            }
            ProcessState::Unknown => return refused(unknown_state(&named.given)),
            ProcessState::Stopping => fx.log(Message::AlreadyRunning {
                name: process.name().clone(),
            }),
            ProcessState::Stopped | ProcessState::Exited | ProcessState::Fatal => {
                self.spawn(now, named.id, fx);
            }
        }
        Begun::Later(if wait { Wish::Started } else { Wish::Spawned })
    }

    fn begin_stop(&mut self, now: Now, named: &Named, wait: bool, fx: &mut Effects) -> Begun {
        if !self.state_of(named.id).is_running() {
            return Begun::Settled(Err(Refusal::NotRunning(named.given.clone())));
        }
        self.step(now, named.id, fx, |process, fx| {
            process.stop(now.mono, StopCause::Request, fx);
        });
        if wait && !self.state_of(named.id).is_stopped() {
            Begun::Later(Wish::Stopped)
        } else {
            Begun::Settled(Ok(()))
        }
    }

    fn send(&self, named: &Named, signal: &str, fx: &mut Effects) -> Begun {
        let Ok(known) = Signal::parse(signal) else {
            return Begun::Settled(Err(Refusal::BadSignal(signal.into())));
        };
        if !self.state_of(named.id).is_signallable() {
            return Begun::Settled(Err(Refusal::NotRunning(named.given.clone())));
        }
        if let Some(process) = self.roster.process(named.id) {
            process.signal(known, fx);
        }
        Begun::Settled(Ok(()))
    }

    fn state_of(&self, id: ProcessId) -> ProcessState {
        self.roster
            .process(id)
            .map_or(ProcessState::Stopped, Process::shown)
    }

    fn reread(&mut self, id: RequestId, groups: Vec<Arc<GroupSpec>>, fx: &mut Effects) {
        self.candidate = plan::in_start_order(groups).into();
        self.unwritten.everything_changed();
        let active: Vec<_> = self.roster.by_age().map(|group| &group.spec).collect();
        let changes = plan::changes(&active, &self.candidate);
        fx.reply(id, Reply::Changes(changes));
    }

    fn add_group(&mut self, now: Now, id: RequestId, name: String, fx: &mut Effects) {
        let Some(spec) = self
            .candidate
            .iter()
            .find(|spec| spec.name == name)
            .cloned()
        else {
            return fx.reply(id, Reply::Refused(Refusal::BadName(name)));
        };
        if self.roster.group_named(&name).is_some() {
            return fx.reply(id, Reply::Refused(Refusal::AlreadyAdded(name)));
        }
        let group = self.activate(spec, fx);
        fx.reply(id, Reply::Done);
        self.autostart_group(now, group, fx);
    }

    fn remove_group(&mut self, id: RequestId, name: String, fx: &mut Effects) {
        let (group, unstopped) = match self.roster.group_named(&name) {
            Some(group) => (group.id, group.unstopped),
            None => return fx.reply(id, Reply::Refused(Refusal::BadName(name))),
        };
        if unstopped > 0 {
            return fx.reply(id, Reply::Refused(Refusal::StillRunning(name)));
        }
        self.roster.remove(group);
        self.groups_changed();
        // A pool of listeners hears of its own beginning, but not of its end.
        self.pools.remove(group);
        fx.push(Effect::GroupRemoved { id: group });
        self.announce(Event::GroupRemoved(name), fx);
        fx.reply(id, Reply::Done);
    }
}
