//! `[fcgi-program:x]`: the socket that its processes share.

use minder_core::spec::FastCgiSocket;
use minder_os::users::User;

use crate::ambient::Environment;
use crate::error::{ConfigError, Problem, SocketProblem};
use crate::expand::Names;
use crate::section::Reader;
use crate::types;

/// How the names of the sections begin.
pub(crate) const PREFIX: &str = "fcgi-program:";

/// The options of an fcgi program that are not a program's.
pub(crate) const OPTIONS: &[&str] = &["socket", "socket_owner", "socket_mode", "socket_backlog"];

/// Who owns a socket, and how it may be used.
struct Access {
    user: Option<User>,
    owner: Option<(u32, Option<u32>)>,
    mode: Option<u32>,
    backlog: Option<u32>,
}

/// Reads the socket of the program of this name.
pub(crate) fn read(
    at: &Reader<'_>,
    program_name: &str,
    environment: &Environment,
) -> Result<FastCgiSocket, ConfigError> {
    let access = Access {
        user: at.read("user", types::user)?,
        backlog: at.read("socket_backlog", backlog)?,
        owner: at.read("socket_owner", |text| {
            types::owner(text).map_err(|_| Problem::SocketOwner(text.to_owned()))
        })?,
        mode: at.read("socket_mode", |text| {
            types::octal(text).map_err(|_| Problem::SocketMode(text.to_owned()))
        })?,
    };
    let section = || at.section_name().to_owned();
    let names = Names::within(at.names()).with("program_name", program_name);
    let url = at.with_names(&names).needed_text("socket")?;
    let Some(url) = url.filter(|url| !url.is_empty()) else {
        return Err(at.refuse("socket", Problem::NoSocket(section())));
    };
    socket(&url, access, environment).map_err(|problem| {
        let section = section();
        at.refuse("socket", Problem::Socket { section, problem })
    })
}

fn backlog(text: &str) -> Result<u32, Problem> {
    let value = types::integer(text)?;
    u16::try_from(value)
        .ok()
        .filter(|backlog| *backlog > 0)
        .map(u32::from)
        .ok_or(Problem::SocketBacklog(value))
}

fn socket(
    url: &str,
    access: Access,
    environment: &Environment,
) -> Result<FastCgiSocket, SocketProblem> {
    if let Some(path) = url.strip_prefix("unix://") {
        if !path.starts_with('/') {
            return Err(SocketProblem::RelativePath(path.to_owned()));
        }
        let path = environment.absolute(path);
        let another_user = access.user.filter(|user| user.uid != environment.uid);
        return Ok(FastCgiSocket {
            url: format!("unix://{}", path.display()),
            owner: access
                .owner
                .or(another_user.map(|user| (user.uid, Some(user.gid)))),
            mode: access.mode.unwrap_or(0o700),
            backlog: access.backlog,
        });
    }
    if access.owner.is_some() || access.mode.is_some() {
        return Err(SocketProblem::OwnerOfTcp);
    }
    let (host, port) = tcp(url).ok_or_else(|| SocketProblem::Format(url.to_owned()))?;
    let port = types::port(port).map_err(SocketProblem::Port)?;
    Ok(FastCgiSocket {
        url: format!("tcp://{}:{port}", host.to_lowercase()),
        owner: None,
        mode: 0o700,
        backlog: access.backlog,
    })
}

/// Host and digits of the port in `tcp://host:port`.
fn tcp(url: &str) -> Option<(&str, &str)> {
    let (host, port) = url.strip_prefix("tcp://")?.split_once(':')?;
    let is_host = !host.is_empty() && !host.contains(crate::python::is_space);
    let is_port = !port.is_empty() && port.chars().all(|c| c.is_ascii_digit());
    (is_host && is_port).then_some((host, port))
}
