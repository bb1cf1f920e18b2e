//! What `cargo metadata` says about the workspace.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::command::{cargo, output};

/// Packages by name, and what they are built from. Dependencies of tests are left out: they do not
/// become part of anything that is shipped.
pub(crate) struct Workspace {
    /// The folder that cargo builds in.
    pub(crate) target: PathBuf,
    /// The workspace's own packages.
    pub(crate) members: BTreeSet<String>,
    /// For each package, own or foreign, the names of those it directly depends on.
    pub(crate) needs: BTreeMap<String, BTreeSet<String>>,
}

impl Workspace {
    /// Everything that `package` is built from, however indirectly; without itself.
    pub(crate) fn closure(&self, package: &str) -> BTreeSet<&str> {
        let mut found = BTreeSet::new();
        let mut open = vec![package];
        while let Some(next) = open.pop() {
            for need in self.needs.get(next).into_iter().flatten() {
                if found.insert(need.as_str()) {
                    open.push(need);
                }
            }
        }
        found
    }
}

/// Asks cargo.
pub(crate) fn workspace() -> Result<Workspace> {
    let json = output(&mut cargo(["metadata", "--format-version=1"]))?;
    let json: Value = serde_json::from_slice(&json).context("cargo metadata is not JSON")?;
    read(&json).context("cargo metadata lacks what is looked for")
}

fn read(json: &Value) -> Option<Workspace> {
    let mut names = BTreeMap::new();
    for package in json["packages"].as_array()? {
        names.insert(package["id"].as_str()?, package["name"].as_str()?);
    }
    let name = |id: &Value| Some((*names.get(id.as_str()?)?).to_owned());
    let members = json["workspace_members"].as_array()?;
    let mut needs: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for node in json["resolve"]["nodes"].as_array()? {
        let own = needs.entry(name(&node["id"])?).or_default();
        for dependency in node["deps"].as_array()? {
            let kinds = dependency["dep_kinds"].as_array()?;
            if kinds.iter().any(|kind| kind["kind"] != "dev") {
                own.insert(name(&dependency["pkg"])?);
            }
        }
    }
    Some(Workspace {
        target: json["target_directory"].as_str()?.into(),
        members: members.iter().map(name).collect::<Option<_>>()?,
        needs,
    })
}
