//! Running a command in the repository's root, printed before it starts.

use std::env;
use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};

/// The cargo that started this chore, so that a toolchain chosen with `cargo +NAME` stays chosen.
pub(crate) fn cargo<'a>(args: impl IntoIterator<Item = &'a str>) -> Command {
    let cargo = env::var_os("CARGO").map_or_else(|| "cargo".into(), PathBuf::from);
    let mut command = program(cargo);
    command.args(args);
    command
}

/// `program`, to be run in the repository's root.
pub(crate) fn program(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.current_dir(crate::root());
    command
}

/// Prints `command` and runs it; an error if it does not succeed.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let shown = shown(command);
    eprintln!("$ {shown}");
    let status = command
        .status()
        .with_context(|| format!("cannot run `{shown}`"))?;
    ensure!(status.success(), "`{shown}` failed: {status}");
    Ok(())
}

/// Prints `command`, runs it, and returns what it wrote on standard output.
pub(crate) fn output(command: &mut Command) -> Result<Vec<u8>> {
    let shown = shown(command);
    eprintln!("$ {shown}");
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("cannot run `{shown}`"))?;
    ensure!(
        output.status.success(),
        "`{shown}` failed: {}",
        output.status
    );
    Ok(output.stdout)
}

/// The command as a person would type it in the repository's root.
fn shown(command: &Command) -> String {
    let mut words: Vec<String> = command
        .get_envs()
        .filter_map(|(name, value)| {
            let (name, value) = (name.to_string_lossy(), value?.to_string_lossy());
            Some(format!("{name}={}", quoted(&value)))
        })
        .collect();
    let program = PathBuf::from(command.get_program());
    let program = match program.file_name() {
        // By its short name: the full one is only how the same toolchain is kept.
        Some(name) if name == "cargo" => PathBuf::from(name),
        _ => program
            .strip_prefix(crate::root())
            .map(PathBuf::from)
            .unwrap_or(program),
    };
    words.push(quoted(&program.to_string_lossy()));
    words.extend(command.get_args().map(|arg| quoted(&arg.to_string_lossy())));
    words.join(" ")
}

fn quoted(word: &str) -> String {
    if word.is_empty() || word.contains([' ', '\'', '"', '$', '*']) {
        format!("'{}'", word.replace('\'', r"'\''"))
    } else {
        word.to_owned()
    }
}
