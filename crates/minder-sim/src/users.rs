//! What users and the world outside ask of the daemon.

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
}

impl Users {
    /// With a first configuration.
    pub fn new(random: &mut Random) -> Self {
        let file = configuration::draw(random);
        Self { file }
    }

    /// What a daemon that starts reads.
    #[must_use]
    pub fn file(&self) -> Vec<Arc<GroupSpec>> {
        self.file.clone()
    }

    /// What somebody asks for next.
    pub fn ask(&mut self, random: &mut Random, rates: &Rates) -> Request {
        if random.chance(rates.endings) {
            return if random.chance(500) {
                Request::Shutdown
            } else {
                Request::Restart
            };
        }
        match random.below(28) {
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
            26 => Request::AddProcesses {
                group: group(random),
                processes: configuration::newcomers(random),
            },
            _ => Request::RemoveProcess {
                group: group(random),
                process: (*random.pick(&MEMBERS)).into(),
            },
        }
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
