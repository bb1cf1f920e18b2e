//! What browsers load besides pages: the style, the scripts and the icon.
//!
//! Each lies in a folder that is named after all of them together, so that a browser may keep
//! them for ever, and never has one of this version beside one of another.

use std::sync::LazyLock;

/// The folder of all assets, without the name that tells their version.
pub const FOLDER: &str = "ui";

/// A file.
#[derive(Debug, PartialEq, Eq)]
pub struct Asset {
    /// Its name.
    pub name: &'static str,
    /// Its media type.
    pub kind: &'static str,
    /// What is in it.
    pub bytes: &'static [u8],
}

macro_rules! assets {
    ($($name:literal: $kind:expr;)*) => {
        [$(Asset { name: $name, kind: $kind, bytes: include_bytes!(concat!("../assets/", $name)) }),*]
    };
}

const SCRIPT: &str = "text/javascript;charset=utf-8";

/// All of them.
pub static ASSETS: [Asset; 8] = assets! {
    "app.css": "text/css;charset=utf-8";
    "favicon.svg": "image/svg+xml";
    "app.js": SCRIPT;
    "act.js": SCRIPT;
    "keys.js": SCRIPT;
    "live.js": SCRIPT;
    "log.js": SCRIPT;
    "patch.js": SCRIPT;
};

/// What tells this version from others: a hash of everything that is in them.
#[must_use]
pub fn version() -> &'static str {
    static VERSION: LazyLock<String> = LazyLock::new(|| {
        let parts = ASSETS
            .iter()
            .flat_map(|asset| [asset.name.as_bytes(), asset.bytes]);
        // FNV-1a: what changes is our own, and nobody gains by a collision.
        let hash = parts
            .flatten()
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
                (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
            });
        format!("{hash:016x}")
    });
    &VERSION
}

/// The file at `path`, which is `ui/<version>/<name>`, and whether the version is this one.
#[must_use]
pub fn find(path: &str) -> Option<(&'static Asset, bool)> {
    let rest = path.strip_prefix(FOLDER)?.strip_prefix('/')?;
    let (asked, name) = rest.split_once('/')?;
    let asset = ASSETS.iter().find(|asset| asset.name == name)?;
    Some((asset, asked == version()))
}

/// The address of a file.
pub(crate) fn address(name: &str) -> String {
    format!("{FOLDER}/{}/{name}", version())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_found_under_any_version_and_nothing_else_is() {
        let current = address("app.css");
        assert!(
            find(&current).is_some_and(|(asset, is_current)| asset.name == "app.css" && is_current)
        );
        assert!(find("ui/0/app.js").is_some_and(|(_, is_current)| !is_current));
        for path in [
            "",
            "ui",
            "ui/",
            "ui/app.css",
            "ui/0/",
            "ui/0/../app.css",
            "ui/0/x",
            "uix/0/app.css",
        ] {
            assert_eq!(find(path), None, "{path}");
        }
    }
}
