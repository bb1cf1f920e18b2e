//! The answering end.
//!
//! Accepts connections, bounds what they may cost, and answers each request: XML-RPC calls, log
//! streams, the web page, the health check, the modern interface. What a call means, and what a log is,
//! the [`Service`] knows; what the modern interface answers, the [`Interface`]; what people see, the
//! [`Site`].
//!
//! Anybody may connect, so each thing a peer can make large, many or slow has a bound here. A
//! connection that waits for its next request may do so for ever, as Supervisor's clients
//! expect; it is the first to go when there are too many.

mod access;
mod assets;
mod auth;
mod connection;
mod cross_site;
mod form;
mod modern;
mod page;
mod respond;
pub mod site;
mod tail;

#[cfg(test)]
mod tests;

use std::convert::Infallible;
use std::future::poll_fn;
use std::io;
use std::net::{self, SocketAddr};
use std::os::unix;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use minder_api::Interface;
use minder_rpc::Service;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

pub use self::auth::Credentials;
use self::connection::{Connections, Patient, Place};
use self::respond::Responder;
use self::site::Site;

/// How many connections are served at once, at most. Each costs a descriptor and up to a head's
/// buffer; beyond, the one that has been waiting longest for its next request makes room.
pub const CONNECTIONS: u32 = 1024;

/// How long the head of a request may be, in bytes. Browsers send a few hundred.
const HEAD_BYTES: usize = 64 << 10;

/// How many lines the head of a request may have.
const HEAD_LINES: usize = 100;

/// How long to let be what cannot be accepted because descriptors have run out.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How long answers under way may take to be sent when the server ends.
const FAREWELL: Duration = Duration::from_millis(500);

/// How long who has just connected may take to ask when another server goes on. Everybody else waits
/// for as long.
const HEARING: Duration = Duration::from_secs(2);

/// What becomes of connections when the server ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leave {
    /// Answers under way are sent; all others end.
    Now,
    /// Who has connected and not asked for anything yet may still do so: another server goes on, and
    /// nobody need notice.
    AfterNewcomers,
}

/// A socket to serve, bound and listening.
#[derive(Debug)]
pub enum Listener {
    /// Of `[inet_http_server]`.
    Tcp(net::TcpListener),
    /// Of `[unix_http_server]`.
    Unix(unix::net::UnixListener),
}

/// Serves `listeners`, each with the credentials that it asks for, at most `capacity` connections at
/// once, which [`CONNECTIONS`] bounds; until `shutdown`, which tells what becomes of connections.
///
/// Calls that are waiting for their answer then are cut off. Fails only if a listener cannot be
/// taken over by the runtime, before anything is served.
pub async fn serve<S: Service + Interface + Site>(
    listeners: Vec<(Listener, Option<Credentials>)>,
    service: Arc<S>,
    capacity: u32,
    shutdown: impl Future<Output = Leave>,
) -> io::Result<()> {
    let connections = Arc::new(Connections::new(capacity.clamp(1, CONNECTIONS)));
    let responder = Responder::new(service);
    let mut accepting = JoinSet::new();
    for (listener, credentials) in listeners {
        let responder = responder.asking_for(credentials);
        let connections = connections.clone();
        match listener {
            Listener::Tcp(listener) => {
                listener.set_nonblocking(true)?;
                let listener = TcpListener::from_std(listener)?;
                accepting.spawn(accept(listener, responder, connections));
            }
            Listener::Unix(listener) => {
                listener.set_nonblocking(true)?;
                let listener = UnixListener::from_std(listener)?;
                accepting.spawn(accept(listener, responder, connections));
            }
        }
    }
    let leave = shutdown.await;
    accepting.shutdown().await;
    connections.dismiss_all(leave);
    connections.all_gone().await;
    Ok(())
}

/// Serves one connection that has been accepted already, until either side has had enough.
pub async fn serve_connection<I, S>(stream: I, credentials: Option<Credentials>, service: Arc<S>)
where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    S: Service + Interface + Site,
{
    let place = Arc::new(Connections::new(1)).enter().await;
    let responder = Responder::new(service).asking_for(credentials);
    attend(stream, None, place, responder).await;
}

async fn accept<L: Accept, S: Service + Interface + Site>(
    listener: L,
    responder: Responder<S>,
    connections: Arc<Connections>,
) {
    loop {
        let (stream, peer) = match listener.accept().await {
            Ok(stream) => stream,
            Err(error) if is_about_one_client(&error) => continue,
            Err(_) => {
                // No descriptor is left, or no memory. That would be reported again and again
                // without a pause.
                connections.make_room();
                sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let place = connections.enter().await;
        tokio::spawn(attend(stream, peer, place, responder.clone()));
    }
}

/// Whether the client to be accepted has gone already, say: the next one may be there.
fn is_about_one_client(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::Interrupted
    )
}

type Accepted<S> = (S, Option<SocketAddr>);

/// Both sorts of listener, seen as one.
trait Accept: Send + 'static {
    type Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static;

    /// The next connection, and who is at its other end, if that has an address.
    fn accept(&self) -> impl Future<Output = io::Result<Accepted<Self::Stream>>> + Send;
}

impl Accept for TcpListener {
    type Stream = tokio::net::TcpStream;

    async fn accept(&self) -> io::Result<Accepted<Self::Stream>> {
        let (stream, peer) = TcpListener::accept(self).await?;
        // An answer is written at once; to wait for more would only delay it. If it cannot be
        // set, the connection is broken, and reading from it will tell.
        let _ = stream.set_nodelay(true);
        Ok((stream, Some(peer)))
    }
}

impl Accept for UnixListener {
    type Stream = tokio::net::UnixStream;

    async fn accept(&self) -> io::Result<Accepted<Self::Stream>> {
        let (stream, _) = UnixListener::accept(self).await?;
        Ok((stream, None))
    }
}

/// Answers the requests of one connection until either side has had enough.
async fn attend<I, S>(stream: I, peer: Option<SocketAddr>, place: Place, responder: Responder<S>)
where
    I: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    S: Service + Interface + Site,
{
    let connection = place.connection();
    let answer = service_fn(|request| {
        let (responder, connection) = (&responder, &connection);
        async move { Ok::<_, Infallible>(responder.respond(request, connection, peer).await) }
    });
    let mut http = http1::Builder::new();
    // A client that has said all it has to say may close its end, and still gets its answer.
    http.half_close(true)
        .title_case_headers(true)
        .max_buf_size(HEAD_BYTES)
        .max_headers(HEAD_LINES)
        .header_read_timeout(None);
    let stream = TokioIo::new(Patient::new(stream, connection.clone()));
    let mut http = pin!(http.serve_connection(stream, answer));

    let dismissed = until(connection.dismissed(), http.as_mut()).await.is_none();
    if dismissed && connection.is_heard_out() {
        let asked = until(connection.has_asked(), http.as_mut());
        if let Ok(Some(_)) = timeout(HEARING, asked).await {
            return;
        }
    }
    if dismissed && connection.is_worth_waiting_for() {
        http.as_mut().graceful_shutdown();
        let _ = timeout(FAREWELL, http).await;
    }
}

/// What `work` comes to, unless `stop` comes first.
async fn until<T>(stop: impl Future<Output = ()>, work: impl Future<Output = T>) -> Option<T> {
    let (mut stop, mut work) = (pin!(stop), pin!(work));
    poll_fn(|cx| match work.as_mut().poll(cx) {
        Poll::Ready(done) => Poll::Ready(Some(done)),
        Poll::Pending => stop.as_mut().poll(cx).map(|()| None),
    })
    .await
}
