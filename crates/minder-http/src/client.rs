//! The calling end: XML-RPC calls and log streams, over a Unix socket or TCP.
//!
//! Owns the connection: one is kept for the calls of a [`Client`] and made anew when the
//! server has closed it; each log stream has its own. Knows nothing of what the methods
//! mean, and shows no text to anyone. Needs a tokio runtime that drives I/O around it.

mod endpoint;
#[cfg(test)]
mod tests;

use std::error::Error as _;
use std::io;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST, USER_AGENT};
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use minder_rpc::{Value, xmlrpc};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream, lookup_host};
use tokio::task::JoinHandle;

pub use endpoint::{BadUrl, Endpoint};

/// The largest answer that is taken in, in bytes.
///
/// The largest honest one is a whole log as text: the default size of a log is 50 MB, and
/// escaping may multiply it. Beyond this the far end is no supervisord, or not a sane one.
const MAX_ANSWER_BYTES: usize = 512 << 20;

/// Where the XML-RPC interface is served.
const RPC_PATH: &str = "/RPC2";

/// Whom the client says that it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    /// The name.
    pub username: String,
    /// The password, in clear.
    pub password: String,
}

/// Why a call has no result.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Nobody listens there.
    #[error("connection refused")]
    Refused,
    /// The socket file does not exist.
    #[error("no such socket file")]
    NoSuchFile,
    /// The host name means nothing.
    #[error("unknown host")]
    UnknownHost,
    /// The server wants (other) credentials.
    #[error("unauthorized")]
    Unauthorized,
    /// The server answered, but not with a result.
    #[error("HTTP status {status} {reason}")]
    Http {
        /// The status code, never 200 or 401.
        status: u16,
        /// Its text, as the server puts it.
        reason: String,
    },
    /// The method said no.
    #[error("fault {code}: {text}")]
    Fault {
        /// Supervisor's number, or another server's.
        code: i64,
        /// Supervisor's text: `NAME` or `NAME: what it is about`.
        text: String,
    },
    /// The connection ended in the middle of the exchange.
    #[error("the server closed the connection")]
    Closed,
    /// The answer exceeds what a client takes in.
    #[error("the answer is larger than {MAX_ANSWER_BYTES} bytes")]
    TooLarge,
    /// The answer is no answer to such a call.
    #[error("cannot understand the answer: {0}")]
    BadResponse(String),
    /// The connection failed in another way.
    #[error(transparent)]
    Io(io::Error),
}

/// What was answered to a request of the modern interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status, never 401.
    pub status: u16,
    /// The body.
    pub body: Bytes,
}

/// A client of one server.
#[derive(Debug)]
pub struct Client {
    endpoint: Endpoint,
    credentials: Option<Credentials>,
    connection: Option<SendRequest<Full<Bytes>>>,
}

impl Client {
    /// A client that will connect to `endpoint` when it is first used.
    #[must_use]
    pub fn new(endpoint: Endpoint, credentials: Option<Credentials>) -> Self {
        Self {
            endpoint,
            credentials,
            connection: None,
        }
    }

    /// Calls `method`, and waits for its result however long it takes.
    pub async fn call(&mut self, method: &str, params: &[Value]) -> Result<Value, ClientError> {
        let body = xmlrpc::encode_call(method, params);
        let request = self
            .request(Method::POST, RPC_PATH)
            .header(CONTENT_TYPE, "text/xml")
            .body(Full::new(Bytes::from(body)))
            .map_err(|error| ClientError::BadResponse(error.to_string()))?;
        let response = self.exchange(request).await?;
        if response.status() != StatusCode::OK {
            // Supervisor announces that it closes after a 401, and then does not.
            self.connection = None;
            return Err(refusal(&response));
        }
        let answer = whole(response).await?;
        match xmlrpc::decode_response(&answer) {
            Ok(Ok(value)) => Ok(value),
            Ok(Err((code, text))) => Err(ClientError::Fault { code, text }),
            Err(error) => Err(ClientError::BadResponse(error.to_string())),
        }
    }

    /// Asks for what is at `target`: a path, percent-encoded, and perhaps a query.
    pub async fn get(&mut self, target: &str) -> Result<Answer, ClientError> {
        let request = self.request(Method::GET, target).body(Full::default());
        self.ask(request).await
    }

    /// Sends JSON to `target`, which is as for [`Client::get`].
    pub async fn post(&mut self, target: &str, json: Vec<u8>) -> Result<Answer, ClientError> {
        let request = self
            .request(Method::POST, target)
            .header(CONTENT_TYPE, "application/json")
            .body(Full::new(Bytes::from(json)));
        self.ask(request).await
    }

    async fn ask(
        &mut self,
        request: hyper::http::Result<Request<Full<Bytes>>>,
    ) -> Result<Answer, ClientError> {
        let request = request.map_err(|error| ClientError::BadResponse(error.to_string()))?;
        let response = self.exchange(request).await?;
        let status = response.status();
        if status == StatusCode::UNAUTHORIZED {
            self.connection = None;
            return Err(ClientError::Unauthorized);
        }
        let body = whole(response).await?;
        let status = status.as_u16();
        Ok(Answer { status, body })
    }

    /// Opens the log stream at `path`, which is not percent-encoded yet.
    pub async fn stream(&self, path: &str) -> Result<LogStream, ClientError> {
        self.follow(&percent_encoded(path)).await
    }

    /// Opens the stream at `target`, which is as for [`Client::get`].
    pub async fn follow(&self, target: &str) -> Result<LogStream, ClientError> {
        let request = self
            .request(Method::GET, target)
            .body(Full::default())
            .map_err(|error| ClientError::BadResponse(error.to_string()))?;
        let (mut sender, connection) = self.connect().await?;
        let stream = sender.send_request(request).await;
        let connection = AbortOnDrop(connection);
        let response = stream.map_err(|error| http_error(&error))?;
        if response.status() != StatusCode::OK {
            return Err(refusal(&response));
        }
        Ok(LogStream {
            body: response.into_body(),
            _connection: connection,
        })
    }

    fn request(&self, method: Method, path: &str) -> hyper::http::request::Builder {
        let builder = Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, self.endpoint.authority())
            .header(USER_AGENT, concat!("minder/", env!("CARGO_PKG_VERSION")));
        match &self.credentials {
            Some(credentials) => builder.header(AUTHORIZATION, credentials.basic()),
            None => builder,
        }
    }

    /// Sends `request` over the kept connection, or a new one where that has been closed.
    async fn exchange(
        &mut self,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<Incoming>, ClientError> {
        let mut request = request;
        if let Some(mut sender) = self.connection.take()
            && sender.ready().await.is_ok()
        {
            match sender.try_send_request(request).await {
                Ok(response) => {
                    self.connection = Some(sender);
                    return Ok(response);
                }
                // Only what was certainly not sent may be sent again.
                Err(mut error) => match error.take_message() {
                    Some(unsent) => request = unsent,
                    None => return Err(http_error(error.error())),
                },
            }
        }
        let (mut sender, _connection) = self.connect().await?;
        let response = sender
            .send_request(request)
            .await
            .map_err(|error| http_error(&error))?;
        self.connection = Some(sender);
        Ok(response)
    }

    async fn connect(&self) -> Result<(SendRequest<Full<Bytes>>, JoinHandle<()>), ClientError> {
        match &self.endpoint {
            Endpoint::Unix(path) => {
                let stream = UnixStream::connect(path).await.map_err(io_error)?;
                handshake(stream).await
            }
            Endpoint::Tcp { host, port } => {
                let addresses = lookup_host((host.as_str(), *port))
                    .await
                    .map_err(|_| ClientError::UnknownHost)?;
                let mut failure = ClientError::UnknownHost;
                for address in addresses {
                    match TcpStream::connect(address).await {
                        Ok(stream) => return handshake(stream).await,
                        Err(error) => failure = io_error(error),
                    }
                }
                Err(failure)
            }
        }
    }
}

impl Credentials {
    fn basic(&self) -> String {
        let pair = format!("{}:{}", self.username, self.password);
        format!("Basic {}", BASE64.encode(pair))
    }
}

/// What has no end: a log as it grows (`/logtail` or `/mainlogtail`), or server-sent events.
#[derive(Debug)]
pub struct LogStream {
    body: Incoming,
    _connection: AbortOnDrop,
}

impl LogStream {
    /// The next bytes, or `None` once the server has ended the stream.
    pub async fn next(&mut self) -> Result<Option<Bytes>, ClientError> {
        loop {
            match self.body.frame().await {
                None => return Ok(None),
                Some(Err(error)) => return Err(http_error(&error)),
                Some(Ok(frame)) => {
                    if let Ok(bytes) = frame.into_data() {
                        return Ok(Some(bytes));
                    }
                }
            }
        }
    }
}

/// Ends the task of a connection that may never end by itself.
#[derive(Debug)]
struct AbortOnDrop(JoinHandle<()>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn handshake<S>(stream: S) -> Result<(SendRequest<Full<Bytes>>, JoinHandle<()>), ClientError>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (sender, connection) = http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|error| http_error(&error))?;
    // What goes wrong on the connection also reaches the request that waits for it.
    let task = tokio::spawn(async move { drop(connection.await) });
    Ok((sender, task))
}

/// The whole body of an answer.
async fn whole(response: Response<Incoming>) -> Result<Bytes, ClientError> {
    let body = Limited::new(response.into_body(), MAX_ANSWER_BYTES);
    let body = body.collect().await;
    Ok(body.map_err(|error| body_error(error.as_ref()))?.to_bytes())
}

fn refusal(response: &Response<Incoming>) -> ClientError {
    let status = response.status();
    if status == StatusCode::UNAUTHORIZED {
        return ClientError::Unauthorized;
    }
    let spoken = response
        .extensions()
        .get::<hyper::ext::ReasonPhrase>()
        .map(|reason| String::from_utf8_lossy(reason.as_bytes()).into_owned());
    let reason = spoken.unwrap_or_else(|| status.canonical_reason().unwrap_or_default().to_owned());
    ClientError::Http {
        status: status.as_u16(),
        reason,
    }
}

fn io_error(error: io::Error) -> ClientError {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => ClientError::Refused,
        io::ErrorKind::NotFound => ClientError::NoSuchFile,
        _ => ClientError::Io(error),
    }
}

fn body_error(error: &(dyn std::error::Error + Send + Sync + 'static)) -> ClientError {
    match error.downcast_ref::<hyper::Error>() {
        Some(error) => http_error(error),
        // The only other error there is comes from the limit.
        None => ClientError::TooLarge,
    }
}

fn http_error(error: &hyper::Error) -> ClientError {
    if error.is_parse() {
        return ClientError::BadResponse(error.to_string());
    }
    let cause = error
        .source()
        .and_then(|source| source.downcast_ref::<io::Error>());
    match cause.and_then(io::Error::raw_os_error) {
        Some(errno) => ClientError::Io(io::Error::from_raw_os_error(errno)),
        None => ClientError::Closed,
    }
}

/// A name as it stands between two slashes of a path, or as a value of a query.
#[must_use]
pub fn encoded(name: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    escaped(name, plain)
}

/// A path with all that a path may not hold, and `?`, `#` and `%` of names, escaped.
fn percent_encoded(path: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:*@/+,=".contains(&byte);
    escaped(path, plain)
}

fn escaped(text: &str, plain: impl Fn(u8) -> bool) -> String {
    text.bytes()
        .map(|byte| match byte {
            byte if plain(byte) => char::from(byte).to_string(),
            byte => format!("%{byte:02X}"),
        })
        .collect()
}
