//! What the page about the daemon shows.

use std::sync::Arc;

use minder_http::server::site::{Shown, Status};
use minder_page::DaemonPage;
use minder_page::daemon::{self, Limits, Upgrade};
use minder_rpc::{UpgradeInfo, UpgradeState};
use rustix::process::{Resource, getrlimit};

use super::fields::Fields;
use super::{Visitor, logs, overview, page, text};
use crate::api::Api;

/// Draws the page.
pub(super) async fn draw(api: &Arc<Api>, visitor: &Visitor, fields: &Fields) -> Shown {
    let Ok(log) = logs::own(api, fields).await else {
        return text(Status::Conflict, String::new());
    };
    page(daemon::draw(&DaemonPage {
        frame: visitor.frame(api, "daemon"),
        main_pid: api.keeper_pid,
        pid: std::process::id(),
        replaced: overview::replaced(api, visitor),
        upgrade: api.upgrade.as_ref().map(|it| upgrade(it.info())),
        // The keeper starts programs with the same as the daemon.
        limits: Limits {
            files: getrlimit(Resource::Nofile).current,
            processes: getrlimit(Resource::Nproc).current,
        },
        log,
    }))
}

fn upgrade(info: UpgradeInfo) -> Upgrade {
    let UpgradeInfo {
        state,
        from,
        to,
        why,
    } = info;
    match state {
        UpgradeState::Done => Upgrade::Done { from, to },
        UpgradeState::Refused => Upgrade::Refused { to, why },
        UpgradeState::RolledBack => Upgrade::RolledBack { to, why },
    }
}
