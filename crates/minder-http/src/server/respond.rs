//! From a request to its answer.
//!
//! Decides by path and method, in Supervisor's order, after it has made sure of who asks. Errors
//! look as Supervisor's do; where Supervisor would hang up or hang, there is an error instead.

use std::future::poll_fn;
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Either, Full};
use hyper::body::{Body as _, Incoming};
use hyper::header::{
    ACCEPT_LANGUAGE, AUTHORIZATION, CACHE_CONTROL, CONNECTION, CONTENT_DISPOSITION, CONTENT_LENGTH,
    CONTENT_SECURITY_POLICY, CONTENT_TYPE, DATE, ETAG, EXPIRES, HOST, HeaderName, HeaderValue,
    IF_NONE_MATCH, LAST_MODIFIED, LOCATION, PRAGMA, REFERRER_POLICY, SERVER, SET_COOKIE, VARY,
    WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS,
};
use hyper::http::request::Parts;
use hyper::{Method, Request, Response, StatusCode, Version};
use jiff::Timestamp;
use minder_api::Interface;
use minder_rpc::xmlrpc::{self, Limits};
use minder_rpc::{Channel, Incident, LogRef, Service, dispatch};
use percent_encoding::percent_decode_str;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::access;
use super::assets::{self, Asset};
use super::auth::{self, Credentials, Verdict};
use super::connection::Connection;
use super::cross_site;
use super::form::Form;
use super::modern::{self, Endless};
use super::page::{self, Action};
use super::site::{self, Content, FileBody, Keep, Shown, Site, Status, Visit};
use super::tail::LogBody;

/// How many calls may be under way at once. A call goes on when its client has gone, so that
/// the number of connections does not bound it.
const CALLS: usize = 4096;

/// From how many bytes on a body is a large one, and how many of these are taken in at once: so
/// that what all connections together can make us hold stays at some tens of megabytes.
const LARGE_BODY: u64 = 64 << 10;
const LARGE_BODIES: usize = 4;

/// How long the body of a form may be, in bytes. The longest field is the name of a process.
const FORM_BYTES: u64 = 64 << 10;

/// How long a body may take to arrive, once its head has.
const BODY_TIMEOUT: Duration = Duration::from_secs(120);

/// What we call ourselves to clients. None is known to look at it.
pub(super) const NAME: HeaderValue = HeaderValue::from_static("Minder");

const TEXT_XML: HeaderValue = HeaderValue::from_static("text/xml");
const TEXT_HTML: HeaderValue = HeaderValue::from_static("text/html");
const TEXT_HTML_UTF8: HeaderValue = HeaderValue::from_static("text/html;charset=utf-8");
const TEXT_PLAIN: HeaderValue = HeaderValue::from_static("text/plain");
const TEXT_PLAIN_UTF8: HeaderValue = HeaderValue::from_static("text/plain;charset=utf-8");

/// What a browser may do with a page: show it, with our own style and images, but not within the
/// page of another site, which could have its visitors click on what they do not see.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; \
     base-uri 'none'; frame-ancestors 'self'",
);

/// What a browser may do with a page of the interface: run its scripts and let them ask for more,
/// besides. Not even our own pages show it in a frame.
const INTERFACE_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; \
     connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
);

/// Keeps a browser from taking for something else what is said to be a text.
pub(super) const NOSNIFF: HeaderValue = HeaderValue::from_static("nosniff");

/// An answer: complete, or one that goes on.
pub(super) type Reply = Response<Either<Full<Bytes>, Endless>>;

/// Answers the requests of one listener's connections.
pub(super) struct Responder<S> {
    service: Arc<S>,
    credentials: Option<Arc<Credentials>>,
    calls: Arc<Semaphore>,
    large_bodies: Arc<Semaphore>,
    /// How many streams of events may go on.
    pub(super) streams: Arc<Semaphore>,
}

impl<S> Clone for Responder<S> {
    fn clone(&self) -> Self {
        Self {
            service: self.service.clone(),
            credentials: self.credentials.clone(),
            calls: self.calls.clone(),
            large_bodies: self.large_bodies.clone(),
            streams: self.streams.clone(),
        }
    }
}

/// What a path leads to.
#[derive(Debug, PartialEq, Eq)]
enum Route {
    Rpc,
    Log(LogRef),
    /// A log that cannot exist.
    NoLog,
    Status,
    Tail,
    Health,
    Asset(&'static Asset),
    /// A folder of assets, without a slash at its end.
    Folder,
    /// The modern interface, which knows its own paths.
    Modern,
    Nowhere,
}

impl<S: Service + Interface + Site> Responder<S> {
    pub(super) fn new(service: Arc<S>) -> Self {
        Self {
            service,
            credentials: None,
            calls: Arc::new(Semaphore::new(CALLS)),
            large_bodies: Arc::new(Semaphore::new(LARGE_BODIES)),
            streams: Arc::new(Semaphore::new(modern::STREAMS)),
        }
    }

    /// The same for another listener, which lets in only who presents these.
    pub(super) fn asking_for(&self, credentials: Option<Credentials>) -> Self {
        Self {
            credentials: credentials.map(Arc::new),
            ..self.clone()
        }
    }

    /// Answers one request.
    pub(super) async fn respond(
        &self,
        request: Request<Incoming>,
        connection: &Connection,
        peer: Option<SocketAddr>,
    ) -> Reply {
        connection.answering();
        let (head, mut body) = request.into_parts();
        let reply = match self.answer(&head, &mut body).await {
            Ok(reply) => reply,
            Err(status) if modern::is_modern(head.uri.path()) => modern::failure(status),
            Err(status) => error(status),
        };
        if !body.is_end_stream() {
            connection.linger();
        }
        let reply = staying_open(&head, reply);
        match reply.body() {
            Either::Left(body) => {
                let line = access::Line {
                    peer,
                    head: &head,
                    reply: &reply,
                    length: body.size_hint().lower(),
                };
                self.service
                    .note(&Incident::Answered(format_args!("{line}")));
                connection.sending();
            }
            Either::Right(_) => connection.streaming(),
        }
        reply
    }

    async fn answer(&self, head: &Parts, body: &mut Incoming) -> Result<Reply, StatusCode> {
        if let Some(credentials) = &self.credentials {
            match credentials.judge(head.headers.get(AUTHORIZATION)) {
                Verdict::Granted => {}
                Verdict::Denied => return Err(StatusCode::UNAUTHORIZED),
                Verdict::Malformed => return Err(StatusCode::BAD_REQUEST),
            }
        }
        let path = percent_decode_str(head.uri.path()).decode_utf8_lossy();
        let route = route(&path);
        let is_persons = match route {
            Route::Status => site::is_person(&head.headers),
            Route::Nowhere => true,
            Route::Rpc
            | Route::Log(_)
            | Route::NoLog
            | Route::Tail
            | Route::Health
            | Route::Asset(_)
            | Route::Folder
            | Route::Modern => false,
        };
        if is_persons && let Some(reply) = self.visit(&path, head, body).await? {
            return Ok(reply);
        }
        match (route, &head.method) {
            (Route::Modern, _) => self.modern(head, body).await,
            (Route::Rpc, &Method::POST) => self.call(head, body).await,
            (Route::Log(log), &Method::GET) => self.log(log),
            (Route::Status, &Method::GET | &Method::POST) => self.status(head, body).await,
            (Route::Tail, &Method::GET | &Method::POST) => self.tail(head, body).await,
            (Route::Health, &Method::GET | &Method::POST) => {
                self.read_form(head, body).await?;
                Ok(complete(TEXT_PLAIN, "OK"))
            }
            (Route::Asset(asset), &Method::GET | &Method::HEAD) => {
                Ok(complete(asset.kind.clone(), asset.bytes))
            }
            (Route::Folder, &Method::GET | &Method::HEAD) => into_folder(head, &path),
            (Route::NoLog, &Method::GET)
            | (
                Route::Status | Route::Tail | Route::Health | Route::Nowhere,
                &Method::GET | &Method::HEAD,
            ) => Err(StatusCode::NOT_FOUND),
            (
                Route::Rpc
                | Route::Log(_)
                | Route::NoLog
                | Route::Status
                | Route::Tail
                | Route::Health
                | Route::Asset(_)
                | Route::Folder
                | Route::Nowhere,
                _,
            ) => Err(StatusCode::BAD_REQUEST),
        }
    }

    async fn call(&self, head: &Parts, body: &mut Incoming) -> Result<Reply, StatusCode> {
        if cross_site::is_foreign(&head.headers) {
            return Err(StatusCode::FORBIDDEN);
        }
        let body = self.read(head, body, Limits::CALL.bytes as u64).await?;
        let call = xmlrpc::decode_call(&body).map_err(|error| {
            let (data, error) = (&*body, &error);
            self.service.note(&Incident::Refused { data, error });
            StatusCode::BAD_REQUEST
        })?;
        drop(body);
        let answer = self.ask(|service| async move {
            let method = call.method.clone();
            service.note(&Incident::Called(&method));
            let answer = dispatch(&*service, call).await;
            match &answer {
                Ok(_) => service.note(&Incident::Returned(&method)),
                Err(fault) => service.note(&Incident::Failed(&method, fault)),
            }
            answer
        });
        let xml = match answer.await? {
            Ok(response) => response.into_xml(),
            Err(fault) => xmlrpc::encode_fault(&fault),
        };
        Ok(complete(TEXT_XML, xml))
    }

    async fn status(&self, head: &Parts, body: &mut Incoming) -> Result<Reply, StatusCode> {
        let body = self.read_form(head, body).await?;
        let form = form(head, &body);
        let Some(action) = form.get("action") else {
            let message = form.get("message");
            let page = self
                .ask(|service| async move { page::status(&*service, message.as_deref()).await });
            let page = page.await?.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
            return Ok(html(page));
        };
        if cross_site::is_foreign(&head.headers) {
            return Err(StatusCode::FORBIDDEN);
        }
        let action =
            Action::parse(&action, form.get("processname")).ok_or(StatusCode::BAD_REQUEST)?;
        let message = self.ask(|service| async move { action.run(&*service).await });
        let message = message
            .await?
            .map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)?;
        redirect(head, &message)
    }

    async fn tail(&self, head: &Parts, body: &mut Incoming) -> Result<Reply, StatusCode> {
        let body = self.read_form(head, body).await?;
        let form = form(head, &body);
        let (process, limit) = (form.get("processname"), form.get("limit"));
        let page = self.ask(|service| async move {
            page::tail(&*service, process.as_deref(), limit.as_deref()).await
        });
        page.await.map(html)
    }

    /// What the interface for people shows at this path, if it does.
    async fn visit(
        &self,
        path: &str,
        head: &Parts,
        body: &mut Incoming,
    ) -> Result<Option<Reply>, StatusCode> {
        let acts = head.method == Method::POST;
        if !acts && head.method != Method::GET {
            return Ok(None);
        }
        if acts && !head.headers.contains_key(CONTENT_LENGTH) {
            return Ok(None);
        }
        if acts && cross_site::is_foreign(&head.headers) {
            return Err(StatusCode::FORBIDDEN);
        }
        let body = self.read_form(head, body).await?;
        let text = |name| head.headers.get(name).and_then(|value| value.to_str().ok());
        let credentials = self.credentials.as_ref();
        let visit = Visit {
            path: path.trim_start_matches('/').to_owned(),
            acts,
            fields: form(head, &body).all(),
            cookies: site::cookies(&head.headers),
            languages: text(ACCEPT_LANGUAGE).unwrap_or_default().to_owned(),
            user: credentials.and_then(|_| auth::username(head.headers.get(AUTHORIZATION))),
            by_script: text(HeaderName::from_static("x-requested-with")) == Some("minder"),
            known: text(IF_NONE_MATCH).map(str::to_owned),
        };
        let shown = self.ask(|service| service.visit(visit)).await?;
        Ok(shown.map(interface))
    }

    /// The body of a form, which only comes with a POST.
    async fn read_form(&self, head: &Parts, body: &mut Incoming) -> Result<Vec<u8>, StatusCode> {
        if head.method == Method::POST {
            self.read(head, body, FORM_BYTES).await
        } else {
            Ok(Vec::new())
        }
    }

    /// A body of up to `limit` bytes. Nothing is kept of one that announces more.
    pub(super) async fn read(
        &self,
        head: &Parts,
        body: &mut Incoming,
        limit: u64,
    ) -> Result<Vec<u8>, StatusCode> {
        let length = content_length(head)?;
        if length > limit {
            return Err(StatusCode::PAYLOAD_TOO_LARGE);
        }
        let _turn = if length > LARGE_BODY {
            Some(self.large_bodies.acquire().await)
        } else {
            None
        };
        timeout(BODY_TIMEOUT, collect(body))
            .await
            .map_err(|_| StatusCode::REQUEST_TIMEOUT)?
            .map_err(|_| StatusCode::BAD_REQUEST)
    }

    /// What `work` comes to, which is seen through even if the client goes away.
    pub(super) async fn ask<T, W>(&self, work: impl FnOnce(Arc<S>) -> W) -> Result<T, StatusCode>
    where
        T: Send + 'static,
        W: Future<Output = T> + Send + 'static,
    {
        const ERROR: StatusCode = StatusCode::INTERNAL_SERVER_ERROR;
        let turn = self
            .calls
            .clone()
            .acquire_owned()
            .await
            .map_err(|_| ERROR)?;
        let work = work(self.service.clone());
        let answer = see_through(async move {
            let answer = work.await;
            drop(turn);
            answer
        });
        answer.await.ok_or(ERROR)
    }

    fn log(&self, log: LogRef) -> Result<Reply, StatusCode> {
        let of_process = matches!(log, LogRef::Process { .. });
        let log = self.service.follow(log).ok_or(StatusCode::NOT_FOUND)?;
        let modified = log.modified().and_then(http_date);
        let mut reply = Response::new(Either::Right(Endless::Log(LogBody::new(log))));
        let headers = reply.headers_mut();
        headers.insert(SERVER, NAME);
        headers.extend(http_date(SystemTime::now()).map(|now| (DATE, now)));
        if let Some(modified) = modified {
            headers.insert(LAST_MODIFIED, modified);
        }
        headers.insert(CONTENT_TYPE, TEXT_PLAIN_UTF8);
        headers.insert(X_CONTENT_TYPE_OPTIONS, NOSNIFF);
        if of_process {
            // Tells a proxy in front of us (nginx) to hand on what comes as it comes.
            let no = HeaderValue::from_static("no");
            headers.insert(HeaderName::from_static("x-accel-buffering"), no);
        }
        Ok(reply)
    }
}

/// Supervisor looks at how the path of a call or a log begins, and at nothing but that; and
/// does not mind how many slashes another one begins with.
fn route(path: &str) -> Route {
    if modern::is_modern(path) {
        Route::Modern
    } else if path.starts_with("/RPC2") {
        Route::Rpc
    } else if path.starts_with("/logtail") {
        process_log(path).map_or(Route::NoLog, Route::Log)
    } else if path.starts_with("/mainlogtail") {
        Route::Log(LogRef::Main)
    } else {
        match path.trim_start_matches('/') {
            "" | "index.html" => Route::Status,
            "tail.html" => Route::Tail,
            "ok.html" => Route::Health,
            path if assets::is_folder(path) => Route::Folder,
            path => assets::find(path).map_or(Route::Nowhere, Route::Asset),
        }
    }
}

/// `/logtail…/<name>`, which is standard output, or `/logtail…/<name>/<channel>`.
fn process_log(path: &str) -> Option<LogRef> {
    let (_, rest) = path.strip_prefix('/')?.split_once('/')?;
    let (name, channel) = rest.split_once('/').unwrap_or((rest, "stdout"));
    let channel = match channel {
        "stdout" => Channel::Stdout,
        "stderr" => Channel::Stderr,
        _ => return None,
    };
    let name = name.to_owned();
    (!name.is_empty()).then_some(LogRef::Process { name, channel })
}

/// How long the body is. There must be one.
fn content_length(head: &Parts) -> Result<u64, StatusCode> {
    let length = head
        .headers
        .get(CONTENT_LENGTH)
        .ok_or(StatusCode::LENGTH_REQUIRED)?;
    let length = length.to_str().ok().and_then(|length| length.parse().ok());
    length.ok_or(StatusCode::BAD_REQUEST)
}

fn form<'a>(head: &'a Parts, body: &'a [u8]) -> Form<'a> {
    let query = head.uri.query().unwrap_or_default();
    Form { query, body }
}

/// All of a body whose length is known to be bounded, without the frames it came in: each of
/// them may be a single byte that keeps a whole buffer alive.
async fn collect(body: &mut Incoming) -> Result<Vec<u8>, hyper::Error> {
    let mut bytes = Vec::new();
    while let Some(frame) = body.frame().await {
        if let Some(data) = frame?.data_ref() {
            bytes.extend_from_slice(data);
        }
    }
    Ok(bytes)
}

/// Runs `work` to its end even if whoever awaits this stops doing so. `None` if it panicked.
async fn see_through<T>(work: impl Future<Output = T> + Send + 'static) -> Option<T>
where
    T: Send + 'static,
{
    let mut work = Box::pin(work);
    // Most calls are answered at once, and need no task of their own.
    let first = poll_fn(|cx| Poll::Ready(work.as_mut().poll(cx))).await;
    match first {
        Poll::Ready(done) => Some(done),
        Poll::Pending => tokio::spawn(work).await.ok(),
    }
}

/// An answer with the fields that Supervisor's have, in its order.
pub(super) fn complete(kind: HeaderValue, body: impl Into<Bytes>) -> Reply {
    let body = body.into();
    let length = body.len();
    let mut reply = Response::new(Either::Left(Full::new(body)));
    let headers = reply.headers_mut();
    headers.insert(SERVER, NAME);
    headers.extend(http_date(SystemTime::now()).map(|now| (DATE, now)));
    headers.insert(CONTENT_TYPE, kind);
    headers.insert(CONTENT_LENGTH, length.into());
    reply
}

/// A page, with Supervisor's fields first.
fn html(page: String) -> Reply {
    let mut reply = complete(TEXT_HTML_UTF8, page);
    let length = reply.headers_mut().remove(CONTENT_LENGTH);
    do_not_keep(&mut reply);
    let headers = reply.headers_mut();
    headers.extend(length.map(|length| (CONTENT_LENGTH, length)));
    headers.insert(CONTENT_SECURITY_POLICY, POLICY);
    // The same address shows another page to people.
    headers.insert(VARY, HeaderValue::from_static("Accept"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, NOSNIFF);
    reply
}

/// What the interface for people shows, as an answer.
fn interface(shown: Shown) -> Reply {
    let kind = HeaderValue::from_static(shown.kind);
    let mut reply = match shown.content {
        Content::Text(text) => complete(kind, text),
        Content::Static(bytes) => complete(kind, bytes),
        Content::Files(files, length) => {
            let mut reply = complete(kind, Bytes::new());
            reply.headers_mut().insert(CONTENT_LENGTH, length.into());
            *reply.body_mut() = Either::Right(Endless::File(FileBody::new(files)));
            reply
        }
    };
    let (status, location) = match shown.status {
        Status::Fine => (StatusCode::OK, None),
        Status::Elsewhere(address) => (StatusCode::SEE_OTHER, Some(address)),
        Status::Unchanged => (StatusCode::NOT_MODIFIED, None),
        Status::BadRequest => (StatusCode::BAD_REQUEST, None),
        Status::Forbidden => (StatusCode::FORBIDDEN, None),
        Status::Missing => (StatusCode::NOT_FOUND, None),
        Status::Conflict => (StatusCode::CONFLICT, None),
    };
    *reply.status_mut() = status;
    if status == StatusCode::NOT_MODIFIED {
        reply.headers_mut().remove(CONTENT_LENGTH);
    }
    match shown.keep {
        Keep::No => do_not_keep(&mut reply),
        Keep::Never => {
            let value = HeaderValue::from_static("no-store");
            reply.headers_mut().insert(CACHE_CONTROL, value);
        }
        Keep::Forever => {
            let value = HeaderValue::from_static("private, max-age=31536000, immutable");
            reply.headers_mut().insert(CACHE_CONTROL, value);
        }
        Keep::Ask(tag) => {
            let headers = reply.headers_mut();
            headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
            headers.extend(HeaderValue::try_from(tag).map(|tag| (ETAG, tag)));
        }
    }
    let headers = reply.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, INTERFACE_POLICY);
    headers.insert(X_CONTENT_TYPE_OPTIONS, NOSNIFF);
    // Addresses hold the names of processes, which are nobody else's business.
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    headers.insert(VARY, HeaderValue::from_static("Accept"));
    let location = location.and_then(|address| HeaderValue::try_from(address).ok());
    headers.extend(location.map(|address| (LOCATION, address)));
    for (name, value) in &shown.cookies {
        if let Some(line) = site::set_cookie(name, value) {
            headers.append(SET_COOKIE, line);
        }
    }
    let name = shown
        .file_name
        .map(|name| format!("attachment; filename=\"{name}\""));
    let name = name.and_then(|name| HeaderValue::try_from(name).ok());
    headers.extend(name.map(|name| (CONTENT_DISPOSITION, name)));
    reply
}

/// Sends the client on to the page that shows `message`. Supervisor says that this is so for
/// ever; that the answer is not to be kept makes a browser ask again all the same.
fn redirect(head: &Parts, message: &str) -> Result<Reply, StatusCode> {
    let location = HeaderValue::try_from(page::location(host(head), message))
        .map_err(|_| StatusCode::BAD_REQUEST)?;
    let mut reply = error_with(StatusCode::MOVED_PERMANENTLY, [(LOCATION, location)]);
    // Here, Supervisor's length comes last.
    let length = reply.headers_mut().remove(CONTENT_LENGTH);
    do_not_keep(&mut reply);
    reply
        .headers_mut()
        .extend(length.map(|length| (CONTENT_LENGTH, length)));
    Ok(reply)
}

/// Sends the client on to the folder under its full name, where there is nothing to be seen.
fn into_folder(head: &Parts, path: &str) -> Result<Reply, StatusCode> {
    let path = path.trim_start_matches('/');
    let server = page::server(host(head));
    let location =
        HeaderValue::try_from(format!("{server}/{path}/")).map_err(|_| StatusCode::BAD_REQUEST)?;
    Ok(error_with(
        StatusCode::MOVED_PERMANENTLY,
        [(LOCATION, location)],
    ))
}

/// The host that the client has named.
fn host(head: &Parts) -> Option<&str> {
    head.headers.get(HOST).and_then(|host| host.to_str().ok())
}

/// Tells browsers, in the three ways there are, that the next answer will be another one.
fn do_not_keep(reply: &mut Reply) {
    let headers = reply.headers_mut();
    headers.insert(PRAGMA, HeaderValue::from_static("no-cache"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    let past = HeaderValue::from_static("Thu, 01 Jan 1970 00:00:00 GMT");
    headers.insert(EXPIRES, past);
}

fn error(status: StatusCode) -> Reply {
    if status == StatusCode::UNAUTHORIZED {
        error_with(status, password_wanted())
    } else {
        error_with(status, [])
    }
}

/// An error, of which `fields` say more. They and the others come in Supervisor's order.
fn error_with(
    status: StatusCode,
    fields: impl IntoIterator<Item = (HeaderName, HeaderValue)>,
) -> Reply {
    let (code, reason) = (
        status.as_u16(),
        status.canonical_reason().unwrap_or_default(),
    );
    let body = format!(
        "<head>\r\n<title>Error response</title>\r\n</head>\r\n<body>\r\n\
         <h1>Error response</h1>\r\n<p>Error code {code}.\r\n<p>Message: {reason}.\r\n\
         </body>\r\n"
    );
    let length = body.len();
    let mut reply = Response::new(Either::Left(Full::new(body.into())));
    *reply.status_mut() = status;
    let headers = reply.headers_mut();
    headers.insert(SERVER, NAME);
    headers.extend(http_date(SystemTime::now()).map(|now| (DATE, now)));
    headers.extend(fields);
    headers.insert(CONTENT_LENGTH, length.into());
    headers.insert(CONTENT_TYPE, TEXT_HTML);
    reply
}

/// The fields that say how to present oneself.
pub(super) fn password_wanted() -> [(HeaderName, HeaderValue); 2] {
    [
        (CONNECTION, HeaderValue::from_static("close")),
        (
            WWW_AUTHENTICATE,
            HeaderValue::from_static("Basic realm=\"default\""),
        ),
    ]
}

/// Says to a client of the old kind that its connection stays open, in the words that it knows.
fn staying_open(head: &Parts, mut reply: Reply) -> Reply {
    let is_wanted = |value: &HeaderValue| value.as_bytes().eq_ignore_ascii_case(b"keep-alive");
    if head.version == Version::HTTP_10
        && head.headers.get(CONNECTION).is_some_and(is_wanted)
        && reply.headers().contains_key(CONTENT_LENGTH)
        && !reply.headers().contains_key(CONNECTION)
    {
        let value = HeaderValue::from_static("Keep-Alive");
        reply.headers_mut().insert(CONNECTION, value);
    }
    reply
}

/// A time as HTTP writes it.
fn http_date(time: SystemTime) -> Option<HeaderValue> {
    let time = Timestamp::try_from(time).ok()?;
    HeaderValue::try_from(time.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(name: &str, channel: Channel) -> Route {
        let name = name.to_owned();
        Route::Log(LogRef::Process { name, channel })
    }

    fn asset(path: &str) -> Route {
        Route::Asset(assets::find(path).unwrap())
    }

    #[test]
    fn paths_lead_where_supervisor_takes_them() {
        for (path, target) in [
            ("/RPC2", Route::Rpc),
            ("/api/v1", Route::Modern),
            ("/api/v1/daemon", Route::Modern),
            ("/api/v10", Route::Nowhere),
            ("/metrics", Route::Modern),
            ("/metrics/", Route::Nowhere),
            ("/RPC2/", Route::Rpc),
            ("/RPC2foo", Route::Rpc),
            ("//RPC2", Route::Nowhere),
            ("/rpc2", Route::Nowhere),
            ("/logtail", Route::NoLog),
            ("/logtail/", Route::NoLog),
            ("/logtail/web/", Route::NoLog),
            ("/logtail/web/stdin", Route::NoLog),
            ("/logtail/web/stdout/", Route::NoLog),
            ("/logtail/web", log("web", Channel::Stdout)),
            ("/logtailX/web", log("web", Channel::Stdout)),
            ("/logtail/team:web/stdout", log("team:web", Channel::Stdout)),
            ("/logtail/team:web/stderr", log("team:web", Channel::Stderr)),
            ("/mainlogtail", Route::Log(LogRef::Main)),
            ("/mainlogtail/any/thing", Route::Log(LogRef::Main)),
            ("/ok.html", Route::Health),
            ("//ok.html", Route::Health),
            ("/ok.html/", Route::Nowhere),
            ("/", Route::Status),
            ("", Route::Status),
            ("/index.html", Route::Status),
            ("/index.html/", Route::Nowhere),
            ("/Index.html", Route::Nowhere),
            ("/x/index.html", Route::Nowhere),
            ("/tail.html", Route::Tail),
            ("/images/icon.png", asset("images/icon.png")),
            ("//images/supervisor.gif", asset("images/supervisor.gif")),
            ("/images", Route::Folder),
            ("//stylesheets", Route::Folder),
            ("/stylesheet", Route::Nowhere),
            ("/images/", Route::Nowhere),
            ("/images/../images/icon.png", Route::Nowhere),
        ] {
            assert_eq!(route(path), target, "{path}");
        }
    }

    #[test]
    fn a_time_is_written_as_http_wants_it() {
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777);
        assert_eq!(http_date(time).unwrap(), "Sun, 06 Nov 1994 08:49:37 GMT");
    }
}
