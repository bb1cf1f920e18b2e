//! The text of a configuration.
//!
//! The main file goes up to the first NUL, which no text has, and what follows is `other.conf`
//! beside it, which it may include.

use std::fs;
use std::path::Path;

use minder_config::ini::{Ini, Section};
use minder_config::options::ctl::CtlOptions;
use minder_config::report::Colour;
use minder_config::{
    Environment, Overrides, Source, SourceFile, Supervisorctl, check, load, server_url,
};

/// The longest number of processes that is tried, in characters: ninety-nine programs take as many
/// ways through the code as a hundred thousand, and less time.
const NUMPROCS: usize = 2;

pub(crate) fn run(bytes: &[u8]) {
    let (main, other) = match bytes.iter().position(|byte| *byte == 0) {
        None => (bytes, None),
        Some(end) => (&bytes[..end], Some(&bytes[end + 1..])),
    };
    if is_out_of_bounds(&[main, other.unwrap_or_default()]) {
        return;
    }
    let folder = tempfile::tempdir().expect("a temporary directory can be made");
    let write = |name, text: &[u8]| {
        fs::write(folder.path().join(name), text).expect("a temporary file can be written");
    };
    write("main.conf", main);
    if let Some(other) = other {
        write("other.conf", other);
    }
    is_told_the_same(&environment(folder.path()));
}

/// What is loaded, what is checked, and what the client reads tell the same.
fn is_told_the_same(environment: &Environment) {
    let source = Source::new("main.conf", environment);
    let checked = check(&source, environment);
    let client = Supervisorctl::load(Some(&source), &CtlOptions::default(), environment);
    match load(&source, &Overrides::default(), environment) {
        Ok(loaded) => {
            for group in &loaded.groups {
                for process in &group.processes {
                    let _ = loaded.origins.process(&group.name, &process.name);
                }
            }
            let _ = server_url(&loaded.servers);
            if let Some(first) = checked.problems.first() {
                assert_eq!(client.as_ref().err(), Some(first));
            }
        }
        Err(error) => assert_eq!(checked.problems.first(), Some(&error)),
    }
    for problem in &checked.problems {
        let _ = problem.whole_report(Colour::Plain);
        let _ = problem.report(Colour::Ansi);
    }
    for warning in &checked.warnings {
        let _ = warning.whole_report(Colour::Plain);
        assert!(!warning.text.contains('\n'), "{:?}", warning.text);
    }
}

/// Whether this would read files that are none of ours, or make thousands of processes.
fn is_out_of_bounds(files: &[&[u8]]) -> bool {
    let mut ini = Ini::default();
    for file in files {
        let text = String::from_utf8_lossy(file);
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
        // What is wrong with it is not asked here.
        let _ = ini.read(&SourceFile::new("file", text));
    }
    ini.sections().iter().any(|section| {
        leads_away(&ini, section)
            || ini
                .option(section, "numprocs")
                .is_some_and(|numprocs| numprocs.value.len() > NUMPROCS)
    })
}

/// Whether a section includes more than what lies beside the main file.
fn leads_away(ini: &Ini, section: &Section) -> bool {
    let files = ini.option(section, "files");
    section.name() == "include" && files.is_some_and(|files| files.value.contains(['/', '%']))
}

fn environment(folder: &Path) -> Environment {
    let variables = [
        ("HOME", "/root"),
        ("PATH", "/usr/bin:/bin"),
        ("COLOR", "blue"),
    ];
    Environment {
        vars: variables
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into(),
        host_node_name: "box".to_owned(),
        cwd: folder.to_owned(),
        uid: 0,
    }
}
