//! Tampers with what the core asks for.

use std::sync::Arc;

use minder_core::effect::{Halt, Whom};
use minder_core::event::{Entered, Event};
use minder_core::spec::GroupSpec;
use minder_core::{
    Changes, ChildId, Effect, Message, ProcessState, Refusal, Reply, RequestId, Signal,
};

use super::{Sabotage, Saboteur};

impl Saboteur {
    /// Passes on what the core asks for.
    pub fn effects(&mut self, effects: Vec<Effect>) -> Vec<Effect> {
        let mut passed = Vec::with_capacity(effects.len());
        for effect in effects {
            self.pass_on(effect, &mut passed);
        }
        if self.makes(Sabotage::StartBackwards) {
            turn_round(&mut passed, ProcessState::Starting);
        }
        if self.makes(Sabotage::StopBackwards) {
            turn_round(&mut passed, ProcessState::Stopping);
        }
        passed
    }

    fn pass_on(&mut self, effect: Effect, passed: &mut Vec<Effect>) {
        match effect {
            Effect::Spawn { .. } => self.spawn(effect, passed),
            Effect::Signal {
                child,
                signal,
                whom,
            } => self.signal(child, signal, whom, passed),
            Effect::Announce(event) => self.announce(event, passed),
            Effect::Reply { request, reply } => self.reply(request, reply, passed),
            Effect::GroupAdded {
                id,
                spec,
                processes,
            } => {
                self.groups.insert(spec.name.clone(), id);
                let spec = self.genuine(&spec);
                passed.push(Effect::GroupAdded {
                    id,
                    spec,
                    processes,
                });
            }
            Effect::Log(message) if self.makes(Sabotage::Babble) => {
                passed.extend(std::iter::repeat_n(Effect::Log(message), 100));
            }
            Effect::Log(Message::EventDiscarded { .. }) if self.makes(Sabotage::HideOverflow) => {}
            Effect::Log(Message::EventRebuffered { .. })
                if self.sometimes_makes(Sabotage::KeepReturned) => {}
            Effect::Log(Message::EventProcessed { name })
                if self.makes(Sabotage::ConfuseAnswers) =>
            {
                passed.push(Effect::Log(Message::EventRejected { name }));
            }
            Effect::Deliver {
                child,
                delivery,
                bytes,
            } => self.deliver(child, delivery, bytes, passed),
            Effect::Halt(_) if self.makes(Sabotage::NeverHalt) => {}
            effect => passed.push(effect),
        }
    }

    fn deliver(
        &mut self,
        child: ChildId,
        delivery: u64,
        mut bytes: Arc<[u8]>,
        passed: &mut Vec<Effect>,
    ) {
        if self.sometimes_makes(Sabotage::LoseEvents) {
            return;
        }
        if self.sometimes_makes(Sabotage::MixUpEvents) {
            let text = String::from_utf8_lossy(&bytes).replace(" serial:", " serial:9");
            bytes = text.into_bytes().into();
        }
        if self.sometimes_makes(Sabotage::SendAgain) {
            bytes = self.sent.take().unwrap_or(bytes);
        }
        self.sent = Some(bytes.clone());
        let skipped = 5 * u64::from(self.makes(Sabotage::SkipDeliveries));
        passed.push(Effect::Deliver {
            child,
            delivery: delivery + skipped,
            bytes,
        });
    }

    /// What a configuration was before it was tampered with: the core is to seem to have it right.
    fn genuine(&self, group: &Arc<GroupSpec>) -> Arc<GroupSpec> {
        let mut pairs = self.forged.iter();
        let pair = pairs.find(|(forged, _)| Arc::ptr_eq(forged, group));
        pair.map_or(group, |(_, genuine)| genuine).clone()
    }

    fn spawn(&mut self, effect: Effect, passed: &mut Vec<Effect>) {
        let Effect::Spawn {
            child,
            process,
            spec,
            group,
        } = effect
        else {
            return;
        };
        let group = self.genuine(&group);
        let mut specs = group.processes.iter();
        let spec = specs.find(|its| its.name == spec.name).unwrap_or(&spec);
        let spawn = |child| Effect::Spawn {
            child,
            process,
            spec: spec.clone(),
            group: group.clone(),
        };
        if self.makes(Sabotage::ReuseIdentities) {
            passed.push(spawn(ChildId(1)));
        } else {
            passed.push(spawn(child));
        }
        if self.sometimes_makes(Sabotage::SecondChild) {
            passed.push(spawn(ChildId(child.0 + (1 << 40))));
        }
    }

    fn signal(&mut self, child: ChildId, signal: Signal, whom: Whom, passed: &mut Vec<Effect>) {
        if self.makes(Sabotage::DropStop) && signal != Signal::KILL {
            return;
        }
        if self.makes(Sabotage::SpareAll) && signal == Signal::KILL {
            return;
        }
        let hastily = self.makes(Sabotage::KillAtOnce) && signal == Signal::TERM;
        let signal = if hastily { Signal::KILL } else { signal };
        let whom = match whom {
            Whom::Child if self.makes(Sabotage::ConfuseGroups) => Whom::Group,
            Whom::Group if self.makes(Sabotage::ConfuseGroups) => Whom::Child,
            whom => whom,
        };
        passed.push(Effect::Signal {
            child,
            signal,
            whom,
        });
    }

    fn announce(&mut self, event: Event, passed: &mut Vec<Effect>) {
        if self.sometimes_makes(Sabotage::HideEvents) {
            return;
        }
        let halts = event == Event::SupervisorStopping && self.makes(Sabotage::HaltEarly);
        let event = self.retell(event);
        if self.makes(Sabotage::AnnounceTwice) {
            passed.push(Effect::Announce(event.clone()));
        }
        let too_early = self.running_at_once(&event);
        passed.push(Effect::Announce(event));
        passed.extend(too_early.map(Effect::Announce));
        if halts {
            passed.push(Effect::Halt(Halt::Exit));
        }
    }

    fn running_at_once(&self, event: &Event) -> Option<Event> {
        let mut event = event.clone();
        let Event::ProcessState { from, to, .. } = &mut event else {
            return None;
        };
        let starts = matches!(to, Entered::Starting { .. }) && self.makes(Sabotage::RunAtOnce);
        *from = ProcessState::Starting;
        *to = Entered::Running { pid: 1 };
        starts.then_some(event)
    }

    fn retell(&self, mut event: Event) -> Event {
        let Event::ProcessState { to, .. } = &mut event else {
            return event;
        };
        match (to, self.sabotage) {
            (to @ Entered::Fatal, Some(Sabotage::CallFatalExited)) => {
                let (pid, expected) = (0, false);
                *to = Entered::Exited { pid, expected };
            }
            (to @ Entered::Stopped { .. }, Some(Sabotage::CallStoppedUnknown)) => {
                *to = Entered::Unknown;
            }
            (Entered::Exited { expected, .. }, Some(Sabotage::ConfuseExpected)) => {
                *expected = !*expected;
            }
            (
                Entered::Starting { tries } | Entered::Backoff { tries },
                Some(Sabotage::Miscount),
            ) => *tries += 1,
            _ => {}
        }
        event
    }

    fn reply(&mut self, request: RequestId, reply: Reply, passed: &mut Vec<Effect>) {
        if self.sometimes_makes(Sabotage::SwallowReplies) {
            return;
        }
        if let Reply::Refused(Refusal::StillRunning(name)) = &reply
            && let Some(id) = self.groups.get(name)
            && self.makes(Sabotage::RemoveRunning)
        {
            passed.push(Effect::GroupRemoved { id: *id });
        }
        let reply = match (reply, self.sabotage) {
            (Reply::Refused(_), Some(Sabotage::SayDone)) => Reply::Done,
            (Reply::Done, Some(Sabotage::RefuseWrongly)) => {
                Reply::Refused(Refusal::NotRunning("it".into()))
            }
            (Reply::Changes(_), Some(Sabotage::RereadNothing)) => {
                Reply::Changes(Changes::default())
            }
            (reply, _) => reply,
        };
        if self.makes(Sabotage::ReplyTwice) {
            let reply = reply.clone();
            passed.push(Effect::Reply { request, reply });
        }
        passed.push(Effect::Reply { request, reply });
    }
}

/// Turns the order of those moves round, and that of what is asked for with each.
fn turn_round(effects: &mut [Effect], state: ProcessState) {
    let moved = |effect: &Effect| match effect {
        Effect::Announce(Event::ProcessState { process, to, .. }) if to.state() == state => {
            Some(*process)
        }
        _ => None,
    };
    let places: Vec<_> = (1..effects.len())
        .filter(|place| moved(&effects[place - 1]).is_some())
        .collect();
    let pairs: Vec<_> = places
        .iter()
        .map(|place| [effects[place - 1].clone(), effects[*place].clone()])
        .collect();
    for (place, pair) in places.into_iter().zip(pairs.into_iter().rev()) {
        let [announcement, effect] = pair;
        effects[place - 1] = announcement;
        effects[place] = effect;
    }
}
