//! The control plane's thread: serves clients until it is told to end.

use std::io;
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use minder_config::Server;
use minder_http::bind::{BindError, BoundUnix, bind_tcp, bind_unix};
use minder_http::server::{self, Credentials, Leave, Listener};
use minder_os::users;
use rustix::process::{Resource, geteuid, getrlimit};
use tokio::runtime;
use tokio::sync::oneshot;

use crate::api::Api;
use crate::mailbox::Command;
use crate::settings::Endpoint;

/// How many files are read, or configurations checked, at the same time. More clients wait.
const BLOCKING_THREADS: usize = 4;

/// The thread that serves.
pub(crate) struct Control {
    stop: oneshot::Sender<Leave>,
    thread: JoinHandle<()>,
}

/// The same before it does. Clients wait.
pub(crate) struct Prepared {
    open: oneshot::Sender<()>,
    control: Control,
}

impl Prepared {
    /// Makes everything that may fail.
    pub(crate) fn new(
        listeners: Vec<(Listener, Option<Credentials>)>,
        api: Api,
    ) -> io::Result<Self> {
        let runtime = runtime::Builder::new_current_thread()
            .enable_io()
            .enable_time()
            .max_blocking_threads(BLOCKING_THREADS)
            .build()?;
        let (open, opened) = oneshot::channel();
        let (stop, stopped) = oneshot::channel();
        let log = Arc::clone(&api.log);
        let post = api.post.clone();
        let serve = move || {
            // A driver that is gone wants an end as well.
            let shutdown = async { stopped.await.unwrap_or(Leave::Now) };
            let serving = async {
                match opened.await {
                    Ok(()) => server::serve(listeners, Arc::new(api), capacity(), shutdown).await,
                    Err(_) => Ok(()),
                }
            };
            if let Err(error) = runtime.block_on(serving) {
                let line = format!("cannot serve clients: {error}");
                log.write(minder_core::Level::Critical, line);
            }
            // Whoever reads a file for a client that is gone need not be waited for.
            runtime.shutdown_background();
            post.send(Command::ClientsGone);
        };
        let thread = thread::Builder::new()
            .name("control".to_owned())
            .spawn(serve)?;
        Ok(Self {
            open,
            control: Control { stop, thread },
        })
    }

    /// Begins to serve.
    pub(crate) fn open(self) -> Control {
        // A thread that has ended by itself has said so.
        let _ = self.open.send(());
        self.control
    }
}

impl Control {
    /// Sends off what is being answered, and ends.
    pub(crate) fn stop(self) {
        let _ = self.begin_to_stop(Leave::Now).join();
    }

    /// Begins to end. The driver is told once no client is served any more.
    pub(crate) fn begin_to_stop(self, leave: Leave) -> JoinHandle<()> {
        // It may have ended by itself; that has been told.
        let _ = self.stop.send(leave);
        self.thread
    }
}

/// How many clients may be connected: never so many that no descriptors are left for logs, files
/// and what the keeper hands over.
fn capacity() -> u32 {
    let most = getrlimit(Resource::Nofile).current.map(|most| most / 2);
    most.and_then(|most| u32::try_from(most).ok())
        .unwrap_or(server::CONNECTIONS)
}

/// Makes the socket of a server. Says on standard error, as Supervisor does, if it replaces one
/// that somebody left behind.
pub(crate) fn bind(server: &Server) -> Result<OwnedFd, BindError> {
    match server {
        Server::Inet { host, port, .. } => {
            Ok(bind_tcp(host.as_deref().unwrap_or_default(), *port)?.into())
        }
        Server::Unix {
            file, mode, owner, ..
        } => {
            let BoundUnix {
                listener,
                replaced_stale,
            } = bind_unix(file, *mode, *owner).map_err(named)?;
            if replaced_stale {
                crate::launch::tell(&format!("Unlinking stale socket {}\n", file.display()));
            }
            Ok(listener.into())
        }
    }
}

/// An error that is about us, with our name instead of our number.
fn named(error: BindError) -> BindError {
    let BindError::Chown { path, owner, user } = error else {
        return error;
    };
    let uid = geteuid().as_raw();
    let known = users::user_by_uid(uid).ok().flatten();
    let user = known.map_or(user, |known| known.name);
    BindError::Chown { path, owner, user }
}

/// A socket as the server takes it, with who may use it.
pub(crate) fn listener(
    socket: &OwnedFd,
    endpoint: &Endpoint,
) -> io::Result<(Listener, Option<Credentials>)> {
    let socket = socket.try_clone()?;
    let listener = match endpoint.file {
        Some(_) => Listener::Unix(UnixListener::from(socket)),
        None => Listener::Tcp(TcpListener::from(socket)),
    };
    let credentials = endpoint.credentials.as_ref();
    let credentials = credentials.map(|known| Credentials::new(&known.username, &known.password));
    Ok((listener, credentials))
}

/// Removes the socket files that were made.
pub(crate) fn remove_files<'a>(files: impl Iterator<Item = &'a Path>) {
    for file in files {
        // Somebody may have removed it already.
        let _ = std::fs::remove_file(file);
    }
}
