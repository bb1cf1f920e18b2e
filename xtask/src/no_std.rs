//! Proves that `minder-core` needs no standard library.
//!
//! A target without one would show it too, but has to be downloaded. Instead a package with a panic
//! handler of its own is checked: the standard library brings another, and the compiler refuses two.

use std::fs;

use anyhow::{Context, Result};

use crate::command::{cargo, run};

const MANIFEST: &str = r#"[package]
name = "without-std"
version = "0.0.0"
edition = "2024"

[dependencies]
minder-core = { path = "../../../crates/minder-core" }

[workspace]
"#;

const SOURCE: &str = "\
#![no_std]
extern crate minder_core as _;

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    loop {}
}
";

pub(crate) fn check() -> Result<()> {
    // Three levels deep, as the manifest's path says.
    let folder = crate::root().join("target/xtask/without-std");
    let write = |name: &str, text: &str| {
        fs::write(folder.join(name), text)
            .with_context(|| format!("cannot write \"{name}\" in \"{}\"", folder.display()))
    };
    fs::create_dir_all(folder.join("src"))
        .with_context(|| format!("cannot make \"{}\"", folder.display()))?;
    write("Cargo.toml", MANIFEST)?;
    write("src/lib.rs", SOURCE)?;
    run(cargo(["check", "--quiet", "--manifest-path"]).arg(folder.join("Cargo.toml")))
}
