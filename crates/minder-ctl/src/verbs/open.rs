//! `open`: talk to another server from here on.

use super::{Action, Verb, status};
use crate::code::Code;
use crate::completion::Arguments;
use crate::failure::Failure;
use crate::session::Session;

pub(super) static VERB: Verb = Verb {
    name: "open",
    help: "open <url>\tConnect to a remote supervisord process.\n\
           \t\t(for UNIX domain socket, use unix:///socket/path)\n",
    arguments: Arguments::Free,
    action: Action::Work(|session, url| Box::pin(run(session, url))),
};

async fn run(session: &mut Session, url: &str) -> Result<(), Failure> {
    let scheme = url.split_once(':').map(|(scheme, _)| scheme);
    if !scheme.is_some_and(is_known) {
        let complaint = "ERROR: url must be http:// or unix://";
        return session.complain(complaint, Code::Generic);
    }
    url.clone_into(&mut session.settings.server_url);
    session.disconnect();
    let code = session.code;
    status::run(session, "").await?;
    session.code = code;
    Ok(())
}

fn is_known(scheme: &str) -> bool {
    scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("unix")
}
