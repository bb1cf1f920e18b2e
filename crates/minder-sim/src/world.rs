//! One world: a machine with a keeper, a daemon after the other, children, users, and time.

use std::time::Duration;

use minder_core::effect::Halt;
use minder_core::{ExitStatus, Input, Mono, Request, RequestId};

use crate::driver::{Crash, Desk, Driver, Outcome};
use crate::fact::Fact;
use crate::keeper::{Keeper, Shop};
use crate::random::Random;
use crate::rates::Rates;
use crate::sabotage::Saboteur;
use crate::time::Clock;
use crate::users::{self, Users};
use crate::witness::Witness;

/// All of it.
#[derive(Debug)]
pub struct World {
    random: Random,
    rates: Rates,
    clock: Clock,
    keeper: Keeper,
    users: Users,
    saboteur: Saboteur,
    witness: Witness,
    // There is none after it has died or left, until the keeper starts another.
    driver: Option<Driver>,
    asked: Vec<Input>,
    requests: u64,
    exits: u32,
}

impl World {
    /// A machine on which somebody is about to start Minder.
    #[must_use]
    pub fn new(mut random: Random, saboteur: Saboteur, witness: Witness) -> Self {
        Self {
            rates: Rates::draw(&mut random),
            clock: Clock::new(&mut random),
            users: Users::new(&mut random),
            random,
            keeper: Keeper::default(),
            saboteur,
            witness,
            driver: None,
            asked: Vec::new(),
            requests: 0,
            exits: 0,
        }
    }

    /// What has been seen.
    #[must_use]
    pub fn witness(&mut self) -> &mut Witness {
        &mut self.witness
    }

    /// From here on nothing goes wrong, and nobody wants anything.
    pub fn calm_down(&mut self) {
        self.rates = Rates::calm();
    }

    /// Somebody asks for something in the next step.
    pub fn ask(&mut self, request: Request) {
        self.requests += 1;
        let id = RequestId(self.requests);
        self.asked.push(Input::Request(id, request));
    }

    /// How often everything has ended.
    #[must_use]
    pub fn exits(&self) -> u32 {
        self.exits
    }

    /// How long the machine has been running.
    #[must_use]
    pub fn uptime(&self) -> Duration {
        self.clock.now().mono.0
    }

    /// Whether nothing is left to happen, unless somebody wants something.
    #[must_use]
    pub fn is_at_rest(&mut self) -> bool {
        self.keeper.is_quiet()
            && self.keeper.next_doing().is_none()
            && self.users.want_nothing()
            && self.driver.as_mut().is_some_and(Driver::is_at_rest)
    }

    /// Sees something that is nobody's doing.
    pub fn sees(&mut self, fact: Fact<'_>) {
        self.witness.sees(self.clock.now(), fact);
    }

    /// Something happens, and the daemon does a step if it has a reason to.
    pub fn step(&mut self) {
        self.let_time_pass();
        self.meddle();
        let mut shop = Shop {
            clock: &self.clock,
            random: &mut self.random,
            rates: &self.rates,
            witness: &mut self.witness,
        };
        self.keeper.serve(&mut shop);
        self.keeper.listen(&mut shop);
        self.keeper.reap(&self.clock, &mut self.witness);
        self.drive();
    }

    /// Mostly until something happens, sometimes not so long, and sometimes much longer.
    fn let_time_pass(&mut self) {
        let next = self.next_event();
        match (self.random.below(10), next) {
            (0..5, Some(then)) => self.clock.pass_until(then),
            (0..7, _) => self.clock.pass(self.random.millis_below(10)),
            (7 | 8, _) => self.clock.pass(self.random.millis_below(1500)),
            _ => self.clock.pass(self.random.millis_below(20_000)),
        }
        self.keeper.reap(&self.clock, &mut self.witness);
    }

    fn next_event(&self) -> Option<Mono> {
        let driver = self.driver.as_ref();
        let deadline = driver.and_then(|driver| driver.deadline(&self.saboteur));
        let doing = self.keeper.next_doing();
        deadline.into_iter().chain(doing).min()
    }

    /// What comes from outside.
    fn meddle(&mut self) {
        let (random, rates) = (&mut self.random, &self.rates);
        if random.chance(rates.wall_steps) {
            self.clock.set_wall(random);
        }
        if random.chance(rates.sleeps) {
            self.clock.pass(random.millis_below(20_000_000));
            self.keeper.reap(&self.clock, &mut self.witness);
        }
        if random.chance(rates.talk) {
            self.keeper.talk(random);
        }
        if random.chance(rates.murders) {
            self.keeper.murder(&self.clock, random);
        }
        if random.chance(rates.orphans) {
            let (pid, status) = (1, ExitStatus::Code(0));
            self.keeper.hear(Input::OrphanReaped { pid, status });
        }
        if random.chance(rates.signals) {
            self.keeper.hear(Input::Signalled(users::signal(random)));
        }
        if random.chance(rates.remarks) && self.driver.is_some() {
            let (kind, data) = ("remark".into(), random.below(100).to_string());
            self.asked.push(Input::RemoteCommunication { kind, data });
        }
        if self.driver.is_some()
            && let Some(request) = self.users.ask(random, rates)
        {
            self.ask(request);
        }
    }

    fn drive(&mut self) {
        let inputs = self.inputs();
        let crash = self.random.chance(self.rates.crash);
        let crash = crash.then(|| Crash::draw(&mut self.random));
        let mut desk = Desk {
            shop: Shop {
                clock: &self.clock,
                random: &mut self.random,
                rates: &self.rates,
                witness: &mut self.witness,
            },
            keeper: &mut self.keeper,
            saboteur: &mut self.saboteur,
        };
        let driver = match &mut self.driver {
            Some(_) if inputs.is_empty() && crash.is_none() => return,
            Some(driver) => {
                for input in inputs {
                    driver.take(input, &mut desk);
                }
                driver
            }
            none => none.insert(Driver::begin(&self.users, &mut desk)),
        };
        let outcome = driver.finish(crash, &mut desk);
        match outcome {
            Outcome::GoesOn => {}
            Outcome::Died => self.bury(),
            Outcome::Left(halt) => {
                // Numbers of events go on as long as somebody is there to count.
                let serial = match halt {
                    Halt::Restart => driver.serial(),
                    Halt::Exit => 0,
                };
                self.begin_anew(halt, serial);
            }
        }
    }

    /// What the daemon finds when it looks: news of the keeper, what users ask for, and that its
    /// deadline has come; now one first and now the other.
    fn inputs(&mut self) -> Vec<Input> {
        let Some(driver) = &mut self.driver else {
            self.asked.clear();
            return Vec::new();
        };
        let mut asked = std::mem::take(&mut self.asked);
        let mut inputs = driver.take_deaf();
        while !self.random.chance(self.rates.driver_lags) {
            let repeats = self.random.chance(self.rates.repeats);
            let news = self.keeper.tell(repeats, &mut self.random);
            if news.is_empty() {
                break;
            }
            inputs.extend(news);
        }
        if !self.random.chance(self.rates.driver_lags) {
            let cuts = self.random.chance(self.rates.cuts);
            let random = &mut self.random;
            let some = |length| {
                if cuts {
                    1 + random.index(length)
                } else {
                    length
                }
            };
            inputs.extend(self.keeper.read(some));
        }
        if self.random.chance(500) {
            std::mem::swap(&mut inputs, &mut asked);
        }
        inputs.append(&mut asked);
        let deadline = driver.deadline(&self.saboteur);
        if deadline.is_some_and(|deadline| deadline <= self.clock.now().mono) {
            let place = self.random.index(inputs.len() + 1);
            inputs.insert(place, Input::DeadlineReached);
        }
        inputs
    }

    fn bury(&mut self) {
        self.driver = None;
        self.sees(Fact::Died);
        let mut shop = Shop {
            clock: &self.clock,
            random: &mut self.random,
            rates: &self.rates,
            witness: &mut self.witness,
        };
        if shop.random.chance(shop.rates.keeper_deaths) {
            self.keeper.succeed(&mut shop);
        } else {
            self.keeper.bury_daemon(&mut shop);
        }
        self.users.lose_patience();
        // Nothing begins in the nanosecond in which something else ends.
        self.clock.pass(Duration::from_micros(100));
    }

    fn begin_anew(&mut self, halt: Halt, serial: u64) {
        self.driver = None;
        self.exits += u32::from(halt == Halt::Exit);
        self.sees(Fact::Left);
        self.keeper.begin_anew(serial);
        self.users.lose_patience();
        self.clock.pass(Duration::from_millis(1));
    }
}
