//! Sees every fact, has each judged by the rules, and remembers the first that breaks one.

use minder_core::Now;

use crate::fact::Fact;
use crate::ledger::Ledger;
use crate::rules;

/// A rule that was broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// What the rule says.
    pub rule: &'static str,
    /// How it was broken.
    pub how: String,
}

/// The bystander. After the first violation it looks away: what follows from it says nothing new.
#[derive(Debug)]
pub struct Witness {
    ledger: Ledger,
    violation: Option<Violation>,
    only: Option<&'static str>,
    trace: Option<Vec<String>>,
}

impl Witness {
    /// One that has seen nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self {
            ledger: Ledger::new(),
            violation: None,
            only: None,
            trace: None,
        }
    }

    /// Writes down every fact from now on.
    #[must_use]
    pub fn writing_down(mut self) -> Self {
        self.trace = Some(Vec::new());
        self
    }

    /// Knows of no other rule than this one from now on.
    #[must_use]
    pub fn knowing_only(mut self, rule: &'static str) -> Self {
        self.only = Some(rule);
        self
    }

    fn knows(&self, rule: &str) -> bool {
        self.only.is_none_or(|only| only == rule)
    }

    /// Sees a fact.
    pub fn sees(&mut self, now: Now, fact: Fact<'_>) {
        if self.violation.is_some() {
            return;
        }
        self.ledger.now = now;
        if let Some(trace) = &mut self.trace {
            trace.push(format!("{:>12.3?} {fact}", now.mono.0));
        }
        if fact.is_judged() {
            self.judge(&fact);
        }
        if self.violation.is_none() {
            self.ledger.learn(&fact);
        }
    }

    fn judge(&mut self, fact: &Fact<'_>) {
        for rule in rules::all().filter(|rule| self.knows(rule.says)) {
            if let Err(how) = rule.judge(&self.ledger, fact) {
                let rule = rule.says;
                self.violation = Some(Violation { rule, how });
                return;
            }
        }
    }

    /// Reports what is no fact of its own: that something did not happen.
    pub fn misses(&mut self, rule: &'static str, how: String) {
        if self.knows(rule) {
            self.violation.get_or_insert(Violation { rule, how });
        }
    }

    /// The rule that was broken, if one was.
    #[must_use]
    pub fn violation(&self) -> Option<&Violation> {
        self.violation.as_ref()
    }

    /// What it has written down.
    #[must_use]
    pub fn trace(&self) -> &[String] {
        self.trace.as_deref().unwrap_or_default()
    }
}

impl Default for Witness {
    fn default() -> Self {
        Self::new()
    }
}
