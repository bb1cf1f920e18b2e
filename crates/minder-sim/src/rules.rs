//! What must be true of every history, one sentence each.
//!
//! A rule is a function of a new fact and of what was known before it. Rules keep nothing: what
//! several need to know is in the [`Ledger`]. Most look at one kind of fact and let all others
//! pass; those that say that something *must* happen look at [`Fact::Settled`], the end of a call
//! of the core.

mod children;
mod deadlines;
mod endings;
mod groups;
mod moves;
mod pools;
mod recovery;
mod requests;
mod signals;
mod starts;
mod stops;
mod views;

pub use self::recovery::CHANGES_ADD_UP;

use minder_core::event::{Entered, Event};
use minder_core::{Effect, ProcessId, ProcessState};

use crate::fact::Fact;
use crate::ledger::{Ledger, ProcessNote};

/// A rule.
#[derive(Clone, Copy)]
pub struct Rule {
    /// What it says.
    pub says: &'static str,
    when: When,
    check: fn(&Ledger, &Fact<'_>) -> Verdict,
}

/// What a rule looks at. Most facts concern few rules, and histories are many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum When {
    /// What the core asks for.
    Asked,
    /// The end of a call of the core.
    Settled,
    /// Both.
    AskedOrSettled,
    /// Something else.
    Otherwise,
}

/// Whether a fact is in accordance with a rule, or how it is not.
pub type Verdict = Result<(), String>;

impl Rule {
    /// Judges a fact that the ledger has not taken in yet.
    pub fn judge(&self, ledger: &Ledger, fact: &Fact<'_>) -> Verdict {
        let looks = match fact {
            Fact::Asked(_) => matches!(self.when, When::Asked | When::AskedOrSettled),
            Fact::Settled(..) => matches!(self.when, When::Settled | When::AskedOrSettled),
            _ => self.when == When::Otherwise,
        };
        if looks {
            (self.check)(ledger, fact)
        } else {
            Ok(())
        }
    }
}

/// Every rule.
pub fn all() -> impl Iterator<Item = &'static Rule> {
    let rules: [&'static [Rule]; 12] = [
        groups::RULES,
        moves::RULES,
        starts::RULES,
        children::RULES,
        stops::RULES,
        signals::RULES,
        endings::RULES,
        requests::RULES,
        views::RULES,
        deadlines::RULES,
        pools::RULES,
        recovery::RULES,
    ];
    rules.into_iter().flatten()
}

/// A process that goes from one state to another.
#[derive(Clone, Copy, Debug)]
struct Move {
    process: ProcessId,
    from: ProcessState,
    to: Entered,
}

impl Move {
    /// The move that a fact tells of.
    fn of(fact: &Fact<'_>) -> Option<Self> {
        match fact {
            Fact::Asked(Effect::Announce(Event::ProcessState {
                process, from, to, ..
            })) => Some(Self {
                process: *process,
                from: *from,
                to: *to,
            }),
            _ => None,
        }
    }
}

/// Judges a move and the process it is about; other facts are as they should be.
fn on_move(
    ledger: &Ledger,
    fact: &Fact<'_>,
    judge: impl FnOnce(Move, &ProcessNote) -> Verdict,
) -> Verdict {
    let Some(step) = Move::of(fact) else {
        return Ok(());
    };
    let note = ledger.mind.processes.get(&step.process);
    judge(step, note.ok_or("it is of no active group")?)
}

/// Judges every process once the core has settled.
fn when_settled(
    ledger: &Ledger,
    fact: &Fact<'_>,
    mut judge: impl FnMut(ProcessId, &ProcessNote) -> Verdict,
) -> Verdict {
    match fact {
        Fact::Settled(..) => ledger
            .mind
            .processes
            .iter()
            .try_for_each(|(id, note)| judge(*id, note)),
        _ => Ok(()),
    }
}

/// That something is so, or else why it is wrong.
fn ensure(holds: bool, wrong: impl FnOnce() -> String) -> Verdict {
    if holds { Ok(()) } else { Err(wrong()) }
}
