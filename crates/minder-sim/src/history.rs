//! One history: some hundred steps in which anything may go wrong, then calm, then the end.

use std::fmt;
use std::time::Duration;

use minder_core::Request;

use crate::fact::Fact;
use crate::random::Random;
use crate::sabotage::{Sabotage, Saboteur};
use crate::witness::{Violation, Witness};
use crate::world::World;

/// What there was in a history.
#[derive(Clone, Debug)]
pub struct Report {
    /// How many steps it had.
    pub steps: u64,
    /// The rule that was broken, if one was.
    pub violation: Option<Violation>,
}

/// A history in which a rule was broken, with all that led to it.
#[derive(Clone, Debug)]
pub struct Finding {
    seed: u64,
    violation: Violation,
    trace: Vec<String>,
}

/// The history of a seed.
#[must_use]
pub fn run(seed: u64) -> Report {
    History::new(seed, None, Witness::new()).run()
}

/// The history of a seed with a core that makes a mistake, and a witness that knows one rule.
#[must_use]
pub fn run_sabotaged(seed: u64, sabotage: Sabotage, rule: &'static str) -> Report {
    let witness = Witness::new().knowing_only(rule);
    History::new(seed, Some(sabotage), witness).run()
}

/// The history of a seed, written down fact by fact.
#[must_use]
pub fn write_down(seed: u64) -> Vec<String> {
    let mut history = History::new(seed, None, Witness::new().writing_down());
    history.run();
    history.world.witness().trace().to_vec()
}

/// The history of a seed once more, if it broke a rule, this time written down.
#[must_use]
pub fn find(seed: u64) -> Option<Finding> {
    let mut history = History::new(seed, None, Witness::new().writing_down());
    let violation = history.run().violation?;
    Some(Finding {
        seed,
        violation,
        trace: history.world.witness().trace().to_vec(),
    })
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Violation { rule, how } = &self.violation;
        let shown = self.trace.len().saturating_sub(LINES_SHOWN);
        for line in &self.trace[shown..] {
            writeln!(f, "{line}")?;
        }
        writeln!(f, "\nbroken: {rule}\nhow:    {how}\nagain:")?;
        let seed = self.seed;
        write!(
            f,
            "  MINDER_SIM_SEED={seed} cargo test -p minder-sim --test histories\n  \
             cargo run --release -p minder-sim --bin histories -- --count 1 --from-seed {seed}"
        )
    }
}

struct History {
    world: World,
    storm: u64,
    steps: u64,
}

impl History {
    fn new(seed: u64, sabotage: Option<Sabotage>, witness: Witness) -> Self {
        let mut random = Random::new(seed);
        let saboteur = Saboteur::new(sabotage, random.number());
        let storm = length(&mut random);
        Self {
            world: World::new(random, saboteur, witness),
            storm,
            steps: 0,
        }
    }

    fn run(&mut self) -> Report {
        let until_storm_is_over = self.storm;
        while self.steps < until_storm_is_over && !self.is_over() {
            self.step();
        }
        self.world.calm_down();
        self.wait(COMES_TO_REST, World::is_at_rest);
        self.world.sees(Fact::Rested);
        let before = self.world.exits();
        self.world.ask(Request::Shutdown);
        self.wait(ENDS, |world| world.exits() > before);
        Report {
            steps: self.steps,
            violation: self.world.witness().violation().cloned(),
        }
    }

    fn step(&mut self) {
        self.steps += 1;
        self.world.step();
    }

    fn is_over(&mut self) -> bool {
        self.world.witness().violation().is_some()
    }

    /// Lets things happen until `enough`, but not for ever.
    fn wait(&mut self, rule: &'static str, enough: impl Fn(&mut World) -> bool) {
        let begun = self.world.uptime();
        while !enough(&mut self.world) && !self.is_over() {
            let waited = self.world.uptime().saturating_sub(begun);
            if waited > LONG_ENOUGH {
                let how = format!("not within {waited:?}");
                return self.world.witness().misses(rule, how);
            }
            self.step();
        }
    }
}

/// How many steps a storm has. Most of what can be found is found soon, and some of it only after
/// very long.
fn length(random: &mut Random) -> u64 {
    match random.below(20) {
        0 => 600 + random.below(2400),
        1..6 => 150 + random.below(450),
        _ => 20 + random.below(130),
    }
}

/// The rule that a history breaks by never coming to rest.
pub const COMES_TO_REST: &str = "once nothing goes wrong any more everything comes to rest in time";

/// The rule that a history breaks by never coming to its end.
pub const ENDS: &str = "who asks for the end gets it in time";

/// Longer than all tries, all stops and all lives of children that were to end, one after the
/// other.
const LONG_ENOUGH: Duration = Duration::from_secs(7200);

/// So much of a trace tells what led to something, in most cases.
const LINES_SHOWN: usize = 200;
