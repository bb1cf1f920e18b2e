//! The rows of the table: which, and in which order.

use std::cmp::{Ordering, Reverse};

use minder_core::ProcessState;

use super::Model;
use crate::news::Process;

/// A row of the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Row {
    /// A group as a whole.
    Group {
        /// With `:*` behind it, so that no process is called the same.
        key: String,
        name: String,
        /// Its processes that are shown, by their places among all.
        members: Vec<usize>,
    },
    /// A process.
    Process {
        name: String,
        /// Its place among all.
        index: usize,
        /// Whether it stands below the row of its group.
        is_member: bool,
    },
}

impl Row {
    /// What stays the same while rows move.
    pub(crate) fn key(&self) -> &str {
        match self {
            Self::Group { key, .. } => key,
            Self::Process { name, .. } => name,
        }
    }
}

/// What rows are sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sort {
    Name,
    State,
    Uptime,
    Cpu,
    Memory,
    Restarts,
}

impl Sort {
    /// All, in the order of their columns.
    pub(crate) const ALL: [Self; 6] = [
        Self::Name,
        Self::State,
        Self::Uptime,
        Self::Cpu,
        Self::Memory,
        Self::Restarts,
    ];

    /// The key that sorts by it.
    pub(crate) fn of_key(key: char) -> Option<Self> {
        Some(match key {
            'N' => Self::Name,
            'S' => Self::State,
            'T' => Self::Uptime,
            'P' => Self::Cpu,
            'M' => Self::Memory,
            'R' => Self::Restarts,
            _ => return None,
        })
    }

    /// What comes first unless it is turned round: trouble, what was started last, what takes most.
    fn compare(self, a: &Process, b: &Process) -> Ordering {
        match self {
            Self::Name => Ordering::Equal,
            Self::State => trouble(a.state).cmp(&trouble(b.state)),
            Self::Uptime => {
                // One that is not up comes last.
                let started = |it: &Process| it.started.unwrap_or(f64::NEG_INFINITY);
                started(b).total_cmp(&started(a))
            }
            Self::Cpu => {
                let load = |it: &Process| it.figures.and_then(|it| it.load).unwrap_or(-1.0);
                load(b).total_cmp(&load(a))
            }
            Self::Memory => {
                let memory = |it: &Process| it.figures.map(|it| it.memory);
                Reverse(memory(a)).cmp(&Reverse(memory(b)))
            }
            Self::Restarts => b.restarts.cmp(&a.restarts),
        }
    }
}

/// How urgent a state is: the lowest number first.
fn trouble(state: ProcessState) -> u8 {
    match state {
        ProcessState::Fatal => 0,
        ProcessState::Backoff => 1,
        ProcessState::Unknown => 2,
        ProcessState::Stopping => 3,
        ProcessState::Starting => 4,
        ProcessState::Exited => 5,
        ProcessState::Running => 6,
        ProcessState::Stopped => 7,
    }
}

/// What several processes are together.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Sum {
    pub(crate) processes: usize,
    pub(crate) running: usize,
    /// The most urgent state.
    pub(crate) worst: Option<ProcessState>,
    pub(crate) load: Option<f64>,
    pub(crate) memory: Option<u64>,
    pub(crate) restarts: Option<u64>,
}

impl Sum {
    pub(crate) fn of<'a>(processes: impl IntoIterator<Item = &'a Process>) -> Self {
        let mut sum = Self::default();
        for process in processes {
            sum.processes += 1;
            sum.running += usize::from(process.state == ProcessState::Running);
            let worst = sum.worst.into_iter().chain([process.state]);
            sum.worst = worst.min_by_key(|state| trouble(*state));
            if let Some(figures) = process.figures {
                let load = figures.load.map(|load| load + sum.load.unwrap_or(0.0));
                sum.load = load.or(sum.load);
                sum.memory = Some(figures.memory.saturating_add(sum.memory.unwrap_or(0)));
            }
            let restarts = process
                .restarts
                .map(|it| it.saturating_add(sum.restarts.unwrap_or(0)));
            sum.restarts = restarts.or(sum.restarts);
        }
        sum
    }
}

impl Model {
    pub(super) fn make_rows(&self) -> Vec<Row> {
        let words: Vec<String> = self
            .filter
            .split_whitespace()
            .map(str::to_lowercase)
            .collect();
        let all = self.processes.iter().enumerate();
        let shown: Vec<usize> = all
            .filter(|(_, process)| passes(process, &words))
            .map(|(index, _)| index)
            .collect();
        if self.sort == Sort::Name && words.is_empty() {
            return self.by_group(&shown);
        }
        let mut sorted = shown;
        sorted.sort_by(|&a, &b| self.sort.compare(&self.processes[a], &self.processes[b]));
        if self.inverted {
            sorted.reverse();
        }
        sorted
            .into_iter()
            .map(|index| self.row(index, false))
            .collect()
    }

    fn row(&self, index: usize, is_member: bool) -> Row {
        Row::Process {
            name: self.processes[index].name.clone(),
            index,
            is_member,
        }
    }

    fn by_group(&self, shown: &[usize]) -> Vec<Row> {
        let groups = shown.chunk_by(|&a, &b| self.processes[a].group == self.processes[b].group);
        let mut groups: Vec<&[usize]> = groups.collect();
        if self.inverted {
            groups.reverse();
        }
        let mut rows = Vec::new();
        for members in groups {
            let first = &self.processes[members[0]];
            if members.len() == 1 && first.group == first.process {
                rows.push(self.row(members[0], false));
                continue;
            }
            rows.push(Row::Group {
                key: format!("{}:*", first.group),
                name: first.group.clone(),
                members: members.to_vec(),
            });
            if !self.folded.contains(&first.group) {
                rows.extend(members.iter().map(|&index| self.row(index, true)));
            }
        }
        rows
    }
}

/// Whether each of these words is in the name or the state of a process.
fn passes(process: &Process, words: &[String]) -> bool {
    let name = process.name.to_lowercase();
    let state = process.state.name().to_lowercase();
    words
        .iter()
        .all(|word| name.contains(word) || state.contains(word))
}
