//! How much is measured.

use std::path::{self, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::metric::Family;
use crate::subject::Subject;

/// What is to be done.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) subjects: Vec<Subject>,
    /// What was asked for and is not installed.
    pub(crate) missing: Vec<Subject>,
    pub(crate) families: Vec<Family>,
    pub(crate) extent: Extent,
    /// Where the report goes.
    pub(crate) json: PathBuf,
}

/// How much of everything.
#[derive(Clone, Debug)]
pub(crate) struct Extent {
    pub(crate) name: &'static str,
    /// How often everything is measured, in turn.
    pub(crate) rounds: usize,
    /// How many programs are run.
    pub(crate) sizes: &'static [usize],
    /// How many are run at last, by Minder alone; 0 for none.
    pub(crate) most: usize,
    /// How long a subject is watched doing nothing.
    pub(crate) idle: Duration,
    /// How many crashes of one are made, and the time after which there are no more.
    pub(crate) crashes: usize,
    pub(crate) crashing: Duration,
    /// How long each sort of request is made.
    pub(crate) calling: Duration,
    /// How many log bytes are written in blocks, and in single lines.
    pub(crate) blocks: u64,
    pub(crate) lines: u64,
    /// How often `supervisorctl` is run.
    pub(crate) commands: usize,
    /// How long a soak takes.
    pub(crate) soak: Duration,
}

impl Extent {
    const FULL: Self = Self {
        name: "full",
        rounds: 3,
        sizes: &[0, 10, 100, 1000],
        most: 5000,
        idle: Duration::from_secs(5),
        crashes: 100,
        crashing: Duration::from_secs(8),
        calling: Duration::from_secs(1),
        blocks: 256 << 20,
        lines: 32 << 20,
        commands: 5,
        soak: Duration::from_secs(3600),
    };

    /// For two minutes.
    const QUICK: Self = Self {
        name: "quick",
        rounds: 1,
        sizes: &[0, 10, 100],
        most: 0,
        idle: Duration::from_secs(2),
        crashes: 30,
        crashing: Duration::from_secs(3),
        calling: Duration::from_millis(400),
        blocks: 128 << 20,
        lines: 16 << 20,
        commands: 3,
        soak: Duration::from_secs(60),
    };

    /// The most programs that every subject runs.
    pub(crate) fn largest(&self) -> usize {
        self.sizes.iter().copied().max().unwrap_or(0)
    }
}

const USAGE: &str = "\
usage: minder-bench MINDER SUPERVISOR-FOLDER JSON [--quick] [--rounds N] [--only FAMILY]
families: life, idle, logs, calls, commands, events, page, and soak, which takes an hour (a minute if quick)";

impl Plan {
    pub(crate) fn from_args(args: &[String]) -> Result<Self> {
        let [minder, supervisor, json, options @ ..] = args else {
            bail!("{USAGE}");
        };
        let all = [
            // Each runs in a directory of its own.
            Subject::Minder(path::absolute(minder)?),
            Subject::Supervisor(path::absolute(supervisor)?),
            Subject::S6,
            Subject::Runit,
        ];
        let (subjects, missing) = all.into_iter().partition(Subject::is_there);
        let mut plan = Self {
            subjects,
            missing,
            families: Family::ALL
                .into_iter()
                .filter(|family| *family != Family::Soak)
                .collect(),
            extent: Extent::FULL,
            json: PathBuf::from(json),
        };
        let mut options = options.iter();
        while let Some(option) = options.next() {
            match option.as_str() {
                "--quick" => plan.extent = Extent::QUICK,
                "--rounds" => {
                    plan.extent.rounds = options.next().context(USAGE)?.parse()?;
                }
                "--only" => {
                    let word = options.next().context(USAGE)?;
                    let family = Family::ALL.into_iter().find(|family| family.word() == word);
                    plan.families = vec![family.context(USAGE)?];
                }
                _ => bail!("{USAGE}"),
            }
        }
        Ok(plan)
    }

    pub(crate) fn measures(&self, family: Family) -> bool {
        self.families.contains(&family)
    }

    /// Whether anything is measured that takes programs which wait.
    pub(crate) fn runs_programs(&self) -> bool {
        let parts = [
            Family::Life,
            Family::Idle,
            Family::Calls,
            Family::Commands,
            Family::Page,
        ];
        parts.into_iter().any(|family| self.measures(family))
    }
}
