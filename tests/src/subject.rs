//! Who is tested: the real Supervisor or Minder.
//!
//! Knows where the programs of each lie and what to do when they are missing. What is done
//! with them is [`crate::sandbox`]'s business.

use std::env;
use std::fs;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::wait::with_patience;

/// The programs that a subject consists of, by the names people call them.
pub const PROGRAMS: [&str; 4] = [
    "supervisord",
    "supervisorctl",
    "echo_supervisord_conf",
    "pidproxy",
];

/// The page that names each intended difference.
const DIFFERENCES: &str = include_str!("../../docs/differences.md");

/// How long a case that is expected to fail waits for anything. Longer than the five seconds
/// between two ticks, the slowest thing that a case waits for; short, because it is spent whole.
const VAIN_PATIENCE: Duration = Duration::from_secs(7);

/// A supervisor that tests can run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// Supervisor 4.3.0, in Python: what Minder is compared with.
    Supervisor,
    /// Minder.
    Minder,
}

impl Subject {
    /// Runs `case` on this subject, unless the variable `SUBJECT` asks for the other one only.
    ///
    /// # Panics
    ///
    /// If the case does, or if `SUBJECT` names no subject.
    pub fn run(self, case: fn(Self)) {
        if self.is_wanted() {
            case(self);
        }
    }

    /// Runs `case`, which this subject does not pass yet because of `reason`.
    ///
    /// # Panics
    ///
    /// If the case passes, so that it is not forgotten here; and as [`Subject::run`].
    pub fn run_in_vain(self, case: fn(Self), reason: &str) {
        if !self.is_wanted() {
            return;
        }
        // A subject that is missing would fail every case, and show nothing.
        for name in PROGRAMS {
            let _ = self.program(name);
        }
        let outcome = catch_unwind(|| with_patience(VAIN_PATIENCE, || case(self)));
        assert!(
            outcome.is_err(),
            "{} passes now, although \"{reason}\": move the case from not_yet! to cases!",
            self.name()
        );
        eprintln!("not yet: {reason}");
    }

    /// Whether the variable `SUBJECT` asks for this subject.
    fn is_wanted(self) -> bool {
        let wanted = env::var("SUBJECT").unwrap_or_default();
        match wanted.as_str() {
            "" | "both" => true,
            "supervisor" | "minder" if wanted == self.name() => true,
            "supervisor" | "minder" => {
                eprintln!("left out: SUBJECT={wanted}");
                false
            }
            other => panic!("SUBJECT={other}: it may be supervisor, minder or both"),
        }
    }

    /// The subject's name, as in the variable `SUBJECT`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Supervisor => "supervisor",
            Self::Minder => "minder",
        }
    }

    /// What is expected where the two differ on purpose: `theirs` of Supervisor, `ours` of
    /// Minder. `entry` is the difference's name in `docs/differences.md`.
    ///
    /// # Panics
    ///
    /// If that page has no such entry.
    pub fn differs<T>(self, entry: &str, theirs: T, ours: T) -> T {
        assert!(
            DIFFERENCES.contains(&format!("| `{entry}` |")),
            "docs/differences.md has no entry \"{entry}\""
        );
        match self {
            Self::Supervisor => theirs,
            Self::Minder => ours,
        }
    }

    /// The file behind the program `name`, one of [`PROGRAMS`].
    ///
    /// # Panics
    ///
    /// If it is not there; the message says how to make it.
    #[must_use]
    pub fn program(self, name: &str) -> PathBuf {
        match self {
            Self::Supervisor => {
                let path = python_bin().join(name);
                assert!(
                    path.exists(),
                    "\"{}\" is missing: run `cargo xtask python`, or set MINDER_SUPERVISOR_BIN \
                     to the bin folder of an installed Supervisor 4.3.0",
                    path.display()
                );
                path
            }
            Self::Minder => {
                let path =
                    env::var_os("MINDER_BIN").map_or_else(|| built().join("minder"), PathBuf::from);
                assert!(
                    path.exists(),
                    "\"{}\" is missing: run `cargo build -p minder`, or set MINDER_BIN to the \
                     built file",
                    path.display()
                );
                path
            }
        }
    }
}

/// The bin folder of the Python environment that holds Supervisor, flask, gunicorn and flipflop.
#[must_use]
pub fn python_bin() -> PathBuf {
    env::var_os("MINDER_SUPERVISOR_BIN")
        .map_or_else(|| repository().join("target/python/bin"), PathBuf::from)
}

/// The program that tries requests of all sorts, which `cargo xtask api` installs, if it is there.
#[must_use]
pub fn schemathesis() -> Option<PathBuf> {
    let installed = repository().join("target/schemathesis/bin/schemathesis");
    installed.exists().then_some(installed)
}

/// axe-core, the script that finds what keeps people from reading and operating a page.
///
/// # Panics
///
/// If it is not installed: the message says how it is.
#[must_use]
pub fn axe() -> String {
    let installed = repository().join("target/axe/axe_playwright_python/axe.min.js");
    fs::read_to_string(&installed).unwrap_or_else(|error| {
        panic!(
            "cannot read \"{}\" ({error}): run `cargo xtask python`",
            installed.display()
        )
    })
}

/// The scripted child program (`src/bin/actor.rs`).
#[must_use]
pub fn actor() -> PathBuf {
    built().join("actor")
}

/// The repository's root.
#[must_use]
pub fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .expect("the test package lies in the repository")
}

/// The folder of what was built together with the running test (`target/debug`).
fn built() -> PathBuf {
    let test = env::current_exe().expect("a test knows its own file");
    test.parent()
        .and_then(Path::parent)
        .expect("tests lie in target/PROFILE/deps")
        .to_owned()
}
