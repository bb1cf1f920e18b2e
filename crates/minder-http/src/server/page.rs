//! The web page: what its two addresses show, made of calls to the service.
//!
//! [`action`] does what the page is asked to, [`html`] says how it looks. Knows no HTTP but the
//! address that an action leads to.

mod action;
mod html;

use minder_rpc::call::Span;
use minder_rpc::{Answer, Call, Channel, Fault, FaultCode, Service};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, PercentEncode, utf8_percent_encode};

pub(super) use self::action::Action;
use self::html::Status;

/// How much of a log is shown at least, and unless asked for more, in bytes.
const TAIL_BYTES: i64 = 1024;

/// What Supervisor leaves as it is in a part of an address.
const PLAIN: AsciiSet = NON_ALPHANUMERIC
    .remove(b'_')
    .remove(b'.')
    .remove(b'-')
    .remove(b'~')
    .remove(b'/');

/// The page that tells how all processes are. Fails while the service ends.
pub(super) async fn status<S: Service>(
    service: &S,
    message: Option<&str>,
) -> Result<String, Fault> {
    let Answer::ProcessInfos(mut processes) = service.call(Call::GetAllProcessInfo).await? else {
        return Err(unexpected());
    };
    processes.sort_by(|a, b| (&a.group, &a.name).cmp(&(&b.group, &b.name)));
    Ok(html::status(&Status {
        message,
        processes: &processes,
        version: &text(service, Call::GetSupervisorVersion).await?,
        identifier: &text(service, Call::GetIdentification).await?,
    }))
}

/// The page that shows the end of a process's log: `limit` bytes of it, as given.
pub(super) async fn tail<S: Service>(
    service: &S,
    process: Option<&str>,
    limit: Option<&str>,
) -> String {
    let Some(process) = process else {
        return html::tail(None, TAIL_BYTES, "No process name found");
    };
    let limit = limit.map_or(TAIL_BYTES, tail_bytes);
    let read = Call::ReadProcessLog {
        name: process.to_owned(),
        channel: Channel::Stdout,
        span: Span {
            offset: -limit,
            length: 0,
        },
    };
    let log = match text(service, read).await {
        Ok(log) => log,
        Err(fault) if fault.code == FaultCode::NoFile => format!("No file for {process}"),
        Err(fault) => format!("ERROR: {}", unexpected_fault(&fault)),
    };
    html::tail(Some(process), limit, &log)
}

/// The address that an action leads to: the status page, which shows `message`.
pub(super) fn location(host: Option<&str>, message: &str) -> String {
    let (server, message) = (server(host), quoted(message));
    format!("{server}/?message={message}")
}

/// How addresses begin: with the host that the client has named, as in Supervisor. Without one they
/// are relative.
pub(super) fn server(host: Option<&str>) -> String {
    let server = host.filter(|host| !host.is_empty()).map(|host| {
        let host = host.strip_suffix(":80").unwrap_or(host);
        format!("http://{}", host.strip_suffix(':').unwrap_or(host))
    });
    server.unwrap_or_default()
}

/// A text as a part of an address.
fn quoted(text: &str) -> PercentEncode<'_> {
    utf8_percent_encode(text, &PLAIN)
}

/// Anything but digits asks for nothing in particular.
fn tail_bytes(limit: &str) -> i64 {
    if limit.bytes().all(|byte| byte.is_ascii_digit()) {
        limit.parse().unwrap_or(i64::MAX).max(TAIL_BYTES)
    } else {
        TAIL_BYTES
    }
}

async fn text<S: Service>(service: &S, call: Call) -> Result<String, Fault> {
    match service.call(call).await? {
        Answer::Text(text) => Ok(text),
        Answer::Done
        | Answer::Int(_)
        | Answer::State(_)
        | Answer::ProcessInfo(_)
        | Answer::ProcessInfos(_)
        | Answer::ConfigInfos(_)
        | Answer::Outcomes(_)
        | Answer::Changes(_)
        | Answer::Names(_)
        | Answer::DaemonInfo(_)
        | Answer::Tail(_) => Err(unexpected()),
    }
}

/// Supervisor's words for a fault that it has no words for.
fn unexpected_fault(fault: &Fault) -> String {
    format!("unexpected rpc fault [{}] {fault}", fault.code.number())
}

/// An answer that does not belong to its call.
fn unexpected() -> Fault {
    Fault::new(FaultCode::Failed)
}

#[cfg(test)]
mod tests;
