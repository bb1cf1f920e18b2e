//! What users and the world outside ask of the daemon.

use std::collections::VecDeque;
use std::sync::Arc;

use minder_core::spec::GroupSpec;
use minder_core::{Request, Signal, Target};

use crate::configuration::{self, GROUPS, MEMBERS};
use crate::random::Random;
use crate::rates::Rates;

/// Everybody who may ask for something, and the configuration file as they last left it.
#[derive(Clone, Debug)]
pub struct Users {
    file: Vec<Arc<GroupSpec>>,
    // What is left of an update.
    plan: VecDeque<Request>,
}

impl Users {
    /// With a first configuration.
    pub fn new(random: &mut Random) -> Self {
        let file = configuration::draw(random);
        Self {
            file,
            plan: VecDeque::new(),
        }
    }

    /// What a daemon that starts reads.
    #[must_use]
    pub fn file(&self) -> Vec<Arc<GroupSpec>> {
        self.file.clone()
    }

    /// Whether they are done with what they were about.
    #[must_use]
    pub fn want_nothing(&self) -> bool {
        self.plan.is_empty()
    }

    /// Their connection is closed.
    pub fn lose_patience(&mut self) {
        self.plan.clear();
    }

    /// What somebody asks for next, if anybody does.
    pub fn ask(&mut self, random: &mut Random, rates: &Rates) -> Option<Request> {
        if random.chance(500)
            && let Some(next) = self.plan.pop_front()
        {
            return Some(next);
        }
        random
            .chance(rates.requests)
            .then(|| self.ask_anything(random, rates))
    }

    fn ask_anything(&mut self, random: &mut Random, rates: &Rates) -> Request {
        if random.chance(rates.endings) {
            return if random.chance(500) {
                Request::Shutdown
            } else {
                Request::Restart
            };
        }
        match random.below(29) {
            0..8 => Request::Start {
                target: target(random),
                wait: random.chance(500),
                unrunnable: Vec::new(),
            },
            8..16 => Request::Stop {
                target: target(random),
                wait: random.chance(500),
            },
            16..20 => Request::Signal {
                target: target(random),
                signal: (*random.pick(&["HUP", "TERM", "9", "SIGUSR2", "nonsense"])).into(),
            },
            20 | 21 => {
                self.file = configuration::edit(random, &self.file);
                let groups = self.file();
                Request::Reread { groups }
            }
            22 | 23 => Request::AddGroup {
                name: group(random),
            },
            24 | 25 => Request::RemoveGroup {
                name: group(random),
            },
            26 => self.update(random),
            27 => Request::AddProcesses {
                group: group(random),
                processes: configuration::newcomers(random),
            },
            _ => Request::RemoveProcess {
                group: group(random),
                process: (*random.pick(&MEMBERS)).into(),
            },
        }
    }

    /// Edits the file and begins to do what `supervisorctl update` does, for a group or two.
    fn update(&mut self, random: &mut Random) -> Request {
        self.file = configuration::edit(random, &self.file);
        for _ in 0..=random.below(2) {
            let name = group(random);
            let (target, wait) = (Target::Group(name.clone()), true);
            self.plan.push_back(Request::Stop { target, wait });
            let (first, second) = (name.clone(), name);
            self.plan.push_back(Request::RemoveGroup { name: first });
            self.plan.push_back(Request::AddGroup { name: second });
        }
        let groups = self.file();
        Request::Reread { groups }
    }
}

/// A signal that reaches the daemon.
pub fn signal(random: &mut Random) -> Signal {
    *random.pick(&[Signal::TERM, Signal::HUP, Signal::HUP, Signal::USR2])
}

fn target(random: &mut Random) -> Target {
    match random.below(8) {
        0 => Target::All,
        1 => Target::Group(group(random)),
        2 => Target::Named(format!("{}:*", group(random))),
        3 | 4 => Target::Named(group(random)),
        _ => Target::Named(format!("{}:{}", group(random), random.pick(&MEMBERS))),
    }
}

/// Mostly a group that there may be.
fn group(random: &mut Random) -> String {
    if random.chance(50) {
        return "nobody".into();
    }
    (*random.pick(&GROUPS)).into()
}
