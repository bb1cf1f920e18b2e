//! What looks like a mistake in where the daemon answers, and where the client looks for it.

use minder_core::spec::{FastCgiSocket, GroupKind};

use super::Place;
use super::suspicion::{Findings, MAX_SERVER_PATH, MAX_SOCKET_PATH, Suspicion};
use crate::ctl::{self, Supervisorctl};
use crate::ini::Ini;
use crate::load::Draft;
use crate::server::{self, Server};

/// The section that gives `supervisorctl` the methods it calls.
const MAIN_INTERFACE: &str = "rpcinterface:supervisor";

pub(super) fn look(draft: &Draft, findings: &mut Findings) {
    let ini = &draft.origins.ini;
    for (i, server) in draft.servers.iter().enumerate() {
        let Some(section) = ini.section(section_of(server)) else {
            continue;
        };
        let place = Place { ini, section };
        look_at(server, &place, findings);
        let earlier = &draft.servers[..i];
        if let Some(other) = earlier.iter().find(|other| is_same_place(other, server)) {
            let suspicion = Suspicion::SamePlace(section_of(other).to_owned());
            findings.tell(&suspicion, place.option(option_of(server)));
        }
    }
    if let Some(first) = draft.servers.first()
        && let Some(section) = ini.section(section_of(first))
    {
        if ini.section(MAIN_INTERFACE).is_none() {
            findings.tell(&Suspicion::NoInterface, section.header());
        }
        if ini.section(ctl::SECTION).is_none() {
            findings.tell(&Suspicion::NoCtl, section.header());
        }
    }
    let groups = draft.groups.iter();
    for (name, socket) in groups.filter_map(|group| match &group.kind {
        GroupKind::FastCgi(socket) => Some((&group.name, socket)),
        GroupKind::Programs | GroupKind::Listeners { .. } => None,
    }) {
        look_at_fastcgi(ini, name, socket, findings);
    }
}

fn look_at(server: &Server, place: &Place<'_>, findings: &mut Findings) {
    match server {
        Server::Unix { file, .. } => {
            let path = file.to_string_lossy().into_owned();
            let length = path.len();
            if length > MAX_SERVER_PATH {
                let suspicion = Suspicion::LongServerPath { path, length };
                findings.tell(&suspicion, place.option("file"));
            }
        }
        Server::Inet {
            host,
            port,
            credentials: None,
            ..
        } if !is_loopback(host.as_deref()) && !has_username(place) => {
            let shown = match host {
                None => format!("port {port}"),
                Some(host) => format!("{host} port {port}"),
            };
            findings.tell(&Suspicion::OpenServer(shown), place.option("port"));
        }
        Server::Inet { .. } => {}
    }
}

/// Whether a name is asked for: what is wrong with it then has been told.
fn has_username(place: &Place<'_>) -> bool {
    place
        .given("username")
        .is_some_and(|name| !name.text().is_empty())
}

fn look_at_fastcgi(ini: &Ini, name: &str, socket: &FastCgiSocket, findings: &mut Findings) {
    let section = format!("{}{name}", crate::fastcgi::PREFIX);
    if let Some(path) = socket.url.strip_prefix("unix://")
        && path.len() > MAX_SOCKET_PATH
        && let Some(section) = ini.section(&section)
    {
        let suspicion = Suspicion::LongSocketPath {
            path: path.to_owned(),
            length: path.len(),
        };
        findings.tell(&suspicion, Place { ini, section }.option("socket"));
    }
}

/// Looks at where the client looks for the daemon.
pub(super) fn look_at_client(draft: &Draft, client: &Supervisorctl, findings: &mut Findings) {
    let ini = &draft.origins.ini;
    let Some(section) = ini.section(ctl::SECTION) else {
        return;
    };
    let url = &client.serverurl;
    if draft.servers.len() < server_sections(ini) {
        return;
    }
    if is_here(url) && !draft.servers.iter().any(|server| is_at(server, url)) {
        let place = Place { ini, section };
        let suspicion = Suspicion::CtlElsewhere(url.clone());
        findings.tell(&suspicion, place.option("serverurl"));
    }
}

/// How many servers there would be, if nothing were wrong with any.
fn server_sections(ini: &Ini) -> usize {
    let is_server = |name: &str| name.starts_with(server::INET) || name.starts_with(server::UNIX);
    let sections = ini.sections().iter();
    sections.filter(|section| is_server(section.name())).count()
}

/// Whether a URL names this machine, so that the server should be in this configuration.
fn is_here(url: &str) -> bool {
    url.starts_with("unix://") || http(url).is_some_and(|(host, _)| is_loopback(Some(host)))
}

fn is_at(server: &Server, url: &str) -> bool {
    match server {
        Server::Unix { file, .. } => url.strip_prefix("unix://") == file.to_str(),
        Server::Inet { port, .. } => http(url).is_some_and(|(_, given)| given == *port),
    }
}

/// Host and port of an HTTP URL.
fn http(url: &str) -> Option<(&str, u16)> {
    let (authority, _) = url
        .strip_prefix("http://")
        .map(|rest| rest.split_once('/').unwrap_or((rest, "")))?;
    match authority.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => {
            let host = host.trim_start_matches('[').trim_end_matches(']');
            Some((host, port.parse().ok()?))
        }
        _ => Some((authority, 80)),
    }
}

fn is_loopback(host: Option<&str>) -> bool {
    host.is_some_and(|host| host == "localhost" || host == "::1" || host.starts_with("127."))
}

fn is_same_place(a: &Server, b: &Server) -> bool {
    match (a, b) {
        (Server::Unix { file: a, .. }, Server::Unix { file: b, .. }) => a == b,
        (
            Server::Inet {
                host: a, port: p, ..
            },
            Server::Inet {
                host: b, port: q, ..
            },
        ) => p == q && (a == b || a.is_none() || b.is_none()),
        (Server::Unix { .. }, Server::Inet { .. }) | (Server::Inet { .. }, Server::Unix { .. }) => {
            false
        }
    }
}

fn section_of(server: &Server) -> &str {
    match server {
        Server::Inet { section, .. } | Server::Unix { section, .. } => section,
    }
}

fn option_of(server: &Server) -> &'static str {
    match server {
        Server::Inet { .. } => "port",
        Server::Unix { .. } => "file",
    }
}
