//! The files that the pages refer to, under the names they have in Supervisor.

use hyper::header::HeaderValue;

/// A file.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Asset {
    path: &'static str,
    /// What its `Content-Type` is.
    pub(super) kind: HeaderValue,
    /// What is in it.
    pub(super) bytes: &'static [u8],
}

static ASSETS: [Asset; 3] = [
    Asset {
        path: "stylesheets/supervisor.css",
        kind: HeaderValue::from_static("text/css"),
        bytes: include_bytes!("../../assets/supervisor.css"),
    },
    Asset {
        path: "images/icon.png",
        kind: HeaderValue::from_static("image/png"),
        bytes: include_bytes!("../../assets/icon.png"),
    },
    Asset {
        path: "images/supervisor.gif",
        kind: HeaderValue::from_static("image/gif"),
        bytes: include_bytes!("../../assets/supervisor.gif"),
    },
];

/// The file at `path`, which begins without a slash.
pub(super) fn find(path: &str) -> Option<&'static Asset> {
    ASSETS.iter().find(|asset| asset.path == path)
}

/// Whether there are files in a folder of this name, which has no slash at either end.
pub(super) fn is_folder(path: &str) -> bool {
    let folders = ASSETS.iter().filter_map(|asset| asset.path.split_once('/'));
    folders
        .map(|(folder, _)| folder)
        .any(|folder| folder == path)
}
