//! Every input that is kept: examples of the real thing, and what once made a target panic.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use minder_fuzz::{TARGETS, run};

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn names(folder: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(folder).expect("the folder can be read");
    let name = |entry: fs::DirEntry| entry.file_name().to_string_lossy().into_owned();
    entries.flatten().map(name).collect()
}

/// Runs a target on each input of its corpus, and on each without its last byte.
fn replay(name: &str) {
    let corpus = folder("corpus").join(name);
    for input in names(&corpus) {
        // Shown if this is the one that panics.
        eprintln!("{name}/{input}");
        let bytes = fs::read(corpus.join(input)).expect("the input can be read");
        run(name, &bytes);
        run(name, &bytes[..bytes.len().saturating_sub(1)]);
    }
    run(name, b"");
}

#[test]
fn every_target_has_a_corpus_and_a_binary() {
    let targets: BTreeSet<_> = TARGETS
        .iter()
        .map(|target| target.name.to_owned())
        .collect();
    assert_eq!(names(&folder("corpus")), targets);
    let with_ending = |name: &String| format!("{name}.rs");
    let binaries: BTreeSet<_> = targets.iter().map(with_ending).collect();
    assert_eq!(names(&folder("libfuzzer/targets")), binaries);
}

#[test]
fn capture() {
    replay("capture");
}

#[test]
fn config() {
    replay("config");
}

#[test]
fn http() {
    replay("http");
}

#[test]
fn listener() {
    replay("listener");
}

#[test]
fn pool() {
    replay("pool");
}

#[test]
fn snapshot() {
    replay("snapshot");
}

#[test]
fn top() {
    replay("top");
}

#[test]
fn wire() {
    replay("wire");
}

#[test]
fn xmlrpc() {
    replay("xmlrpc");
}
