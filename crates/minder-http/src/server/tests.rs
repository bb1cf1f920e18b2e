//! The whole server, over real sockets, spoken to in bytes written by hand.

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::sync::{Mutex, mpsc};
use std::thread::JoinHandle;

use minder_rpc::{Answer, Call, Channel, Fault, FaultCode, LogFollow, LogRef};
use tokio::sync::{Notify, oneshot};

use super::*;
use crate::bind::{bind_tcp, bind_unix};

mod modern;

/// How long a test waits for what must come, before it fails.
const DEADLINE: Duration = Duration::from_secs(20);

/// Answers some calls.
struct Fake {
    /// Told of each stop that has begun or is done, and of each log that is watched no more.
    news: Mutex<mpsc::Sender<&'static str>>,
    /// Lets stops be done.
    gate: Notify,
    /// What the log of `web` is going to say.
    log: Arc<Mutex<VecDeque<io::Result<Vec<u8>>>>>,
}

impl Fake {
    fn tell(&self, what: &'static str) {
        self.news.lock().unwrap().send(what).unwrap();
    }

    fn watch(&self) -> Box<dyn LogFollow> {
        let news = self.news.lock().unwrap().clone();
        Box::new(FakeLog {
            says: self.log.clone(),
            news,
        })
    }
}

impl Site for Fake {}

impl Service for Fake {
    async fn call(&self, call: Call) -> Result<Answer, Fault> {
        match call {
            Call::GetApiVersion => Ok(Answer::Text("3.0".to_owned())),
            Call::GetPid => Ok(Answer::Int(42)),
            Call::GetSupervisorVersion => Ok(Answer::Text("4.3.0".to_owned())),
            Call::GetIdentification => Ok(Answer::Text("supervisor".to_owned())),
            Call::GetAllProcessInfo => Ok(Answer::ProcessInfos(Vec::new())),
            Call::GetProcessInfo { name } if name == "web" => Ok(Answer::Done),
            Call::GetProcessInfo { name } => Err(Fault::about(FaultCode::BadName, name)),
            Call::SendProcessStdin { chars, .. } => {
                Ok(Answer::Int(i32::try_from(chars.len()).unwrap()))
            }
            Call::StopProcess { .. } => {
                self.tell("begun");
                self.gate.notified().await;
                self.tell("done");
                Ok(Answer::Done)
            }
            Call::Shutdown => {
                tokio::task::yield_now().await;
                panic!("what a service must not do");
            }
            other => panic!("not part of these tests: {other:?}"),
        }
    }

    fn follow(&self, log: LogRef) -> Option<Box<dyn LogFollow>> {
        match log {
            LogRef::Main => Some(self.watch()),
            LogRef::Process {
                name,
                channel: Channel::Stdout,
            } if name == "web" => Some(self.watch()),
            LogRef::Process { .. } => None,
        }
    }
}

struct FakeLog {
    says: Arc<Mutex<VecDeque<io::Result<Vec<u8>>>>>,
    news: mpsc::Sender<&'static str>,
}

impl LogFollow for FakeLog {
    fn read_more(&mut self) -> io::Result<Vec<u8>> {
        self.says
            .lock()
            .unwrap()
            .pop_front()
            .unwrap_or(Ok(Vec::new()))
    }

    fn modified(&self) -> Option<std::time::SystemTime> {
        Some(std::time::UNIX_EPOCH)
    }
}

impl Drop for FakeLog {
    fn drop(&mut self) {
        // Whoever would have listened may have gone first.
        let _ = self.news.send("unwatched");
    }
}

/// A server in a thread of its own, ended when this goes out of scope.
struct Server {
    tcp: SocketAddr,
    directory: tempfile::TempDir,
    service: Arc<Fake>,
    news: mpsc::Receiver<&'static str>,
    end: Option<oneshot::Sender<Leave>>,
    thread: Option<JoinHandle<io::Result<()>>>,
}

impl Server {
    fn start() -> Self {
        Self::asking_for(None)
    }

    fn asking_for(credentials: Option<Credentials>) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let tcp = bind_tcp("127.0.0.1", 0).unwrap();
        let unix = bind_unix(&directory.path().join("sock"), 0o700, None).unwrap();
        let address = tcp.local_addr().unwrap();
        let listeners = vec![
            (Listener::Tcp(tcp), credentials.clone()),
            (Listener::Unix(unix.listener), credentials),
        ];
        let (tell, news) = mpsc::channel();
        let service = Arc::new(Fake {
            news: Mutex::new(tell),
            gate: Notify::new(),
            log: Arc::default(),
        });
        let (end, ended) = oneshot::channel();
        let ended = async { ended.await.unwrap_or(Leave::Now) };
        let serving = serve(listeners, service.clone(), CONNECTIONS, ended);
        let thread = std::thread::spawn(|| {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?;
            runtime.block_on(serving)
        });
        Self {
            tcp: address,
            directory,
            service,
            news,
            end: Some(end),
            thread: Some(thread),
        }
    }

    fn tcp(&self) -> Client<TcpStream> {
        let stream = TcpStream::connect(self.tcp).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        Client(stream)
    }

    fn unix(&self) -> Client<UnixStream> {
        let stream = UnixStream::connect(self.directory.path().join("sock")).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        Client(stream)
    }

    /// The status of the answer to one request.
    fn status(&self, request: &str) -> u16 {
        self.tcp().ask(request).status()
    }

    fn end(&mut self) {
        drop(self.end.take());
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap().unwrap();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end();
    }
}

struct Client<S>(S);

impl<S: Read + Write> Client<S> {
    fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.0.write_all(bytes.as_ref()).unwrap();
    }

    fn ask(&mut self, request: impl AsRef<[u8]>) -> Reply {
        self.send(request);
        self.reply()
    }

    /// Reads an answer whose length is told.
    fn reply(&mut self) -> Reply {
        let head = self.head();
        let length = header(&head, "Content-Length").map_or(0, |length| length.parse().unwrap());
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).unwrap();
        let body = String::from_utf8(body).unwrap();
        Reply { head, body }
    }

    fn head(&mut self) -> String {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            head.push(self.byte());
        }
        head
    }

    /// Reads one chunk of an answer that goes on.
    fn chunk(&mut self) -> String {
        let mut size = String::new();
        while !size.ends_with("\r\n") {
            size.push(self.byte());
        }
        let size = usize::from_str_radix(size.trim(), 16).unwrap();
        let mut chunk = vec![0; size + 2];
        self.0.read_exact(&mut chunk).unwrap();
        String::from_utf8(chunk)
            .unwrap()
            .trim_end_matches("\r\n")
            .to_owned()
    }

    fn byte(&mut self) -> char {
        let mut byte = [0];
        self.0.read_exact(&mut byte).unwrap();
        byte[0].into()
    }

    fn is_closed(&mut self) -> bool {
        matches!(self.0.read(&mut [0]), Ok(0))
    }
}

struct Reply {
    head: String,
    body: String,
}

impl Reply {
    fn status(&self) -> u16 {
        self.head.split(' ').nth(1).unwrap().parse().unwrap()
    }
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines()
        .find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
}

/// A head without the line that tells the time.
fn timeless(head: &str) -> String {
    head.split_inclusive("\r\n")
        .filter(|line| !line.starts_with("Date: "))
        .collect()
}

fn call_xml(method: &str, params: &str) -> String {
    format!("<methodCall><methodName>{method}</methodName><params>{params}</params></methodCall>")
}

/// A request that makes a call, with `lines` in its head.
fn call_with(lines: &str, method: &str, params: &str) -> String {
    let xml = call_xml(method, params);
    let length = xml.len();
    format!("POST /RPC2 HTTP/1.1\r\nContent-Length: {length}\r\n{lines}\r\n{xml}")
}

fn call(method: &str) -> String {
    call_with("", method, "")
}

fn stop_call() -> String {
    let param = "<param><value><string>web</string></value></param>";
    call_with("", "supervisor.stopProcess", param)
}

#[test]
fn a_call_is_answered_the_same_over_tcp_and_unix_sockets() {
    let server = Server::start();
    let request = call("supervisor.getPID");
    let (tcp, unix) = (server.tcp().ask(&request), server.unix().ask(&request));
    assert_eq!(
        timeless(&tcp.head),
        "HTTP/1.1 200 OK\r\nServer: Minder\r\nContent-Type: text/xml\r\nContent-Length: 122\r\n\r\n"
    );
    assert_eq!(
        tcp.body,
        "<?xml version='1.0'?>\n<methodResponse>\n<params>\n<param>\n\
         <value><int>42</int></value>\n</param>\n</params>\n</methodResponse>\n"
    );
    assert!(header(&tcp.head, "Date").is_some_and(|date| date.ends_with(" GMT")));
    assert_eq!(timeless(&unix.head), timeless(&tcp.head));
    assert_eq!(unix.body, tcp.body);
}

#[test]
fn a_fault_is_an_answer_like_any_other() {
    let server = Server::start();
    let param = "<param><value>zz</value></param>";
    let reply = server
        .tcp()
        .ask(call_with("", "supervisor.getProcessInfo", param));
    assert_eq!(reply.status(), 200);
    assert!(
        reply
            .body
            .contains("<value><string>BAD_NAME: zz</string></value>")
    );
}

#[test]
fn an_error_looks_as_supervisors_does() {
    let server = Server::start();
    let reply = server.tcp().ask("GET /nowhere HTTP/1.1\r\n\r\n");
    assert_eq!(
        timeless(&reply.head),
        "HTTP/1.1 404 Not Found\r\nServer: Minder\r\nContent-Length: 134\r\n\
         Content-Type: text/html\r\n\r\n"
    );
    assert_eq!(
        reply.body,
        "<head>\r\n<title>Error response</title>\r\n</head>\r\n<body>\r\n\
         <h1>Error response</h1>\r\n<p>Error code 404.\r\n<p>Message: Not Found.\r\n</body>\r\n"
    );
}

#[test]
fn each_request_has_its_status() {
    let server = Server::start();
    let body = call_xml("supervisor.getPID", "");
    let length = body.len();
    for (request, status) in [
        (
            format!("POST /RPC2foo?x=1 HTTP/1.1\r\nContent-Length: {length}\r\n\r\n{body}"),
            200,
        ),
        (
            format!("POST /%52PC2 HTTP/1.1\r\ncontent-length:{length}\r\n\r\n{body}"),
            200,
        ),
        (
            format!("POST /RPC2 HTTP/1.0\r\nContent-Length: {length}\r\n\r\n{body}"),
            200,
        ),
        (
            format!("POST //RPC2 HTTP/1.1\r\nContent-Length: {length}\r\n\r\n{body}"),
            400,
        ),
        (
            format!("POST / HTTP/1.1\r\nContent-Length: {length}\r\n\r\n{body}"),
            200,
        ),
        (
            format!("POST /nowhere HTTP/1.1\r\nContent-Length: {length}\r\n\r\n{body}"),
            400,
        ),
        (format!("POST /RPC2 HTTP/1.1\r\n\r\n{body}"), 411),
        (
            "POST /RPC2 HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n".to_owned(),
            411,
        ),
        (
            "POST /RPC2 HTTP/1.1\r\nContent-Length: 0\r\n\r\n".to_owned(),
            400,
        ),
        (
            "POST /RPC2 HTTP/1.1\r\nContent-Length: -1\r\n\r\n".to_owned(),
            400,
        ),
        (
            "POST /RPC2 HTTP/1.1\r\nContent-Length: x\r\n\r\n".to_owned(),
            400,
        ),
        (
            "POST /RPC2 HTTP/1.1\r\nContent-Length: 4\r\n\r\n<a/>".to_owned(),
            400,
        ),
        (
            "POST /RPC2 HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello".to_owned(),
            400,
        ),
        ("GET /RPC2 HTTP/1.1\r\n\r\n".to_owned(), 400),
        ("PUT /RPC2 HTTP/1.1\r\n\r\n".to_owned(), 400),
        ("get /ok.html HTTP/1.1\r\n\r\n".to_owned(), 400),
        ("DELETE /nowhere HTTP/1.1\r\n\r\n".to_owned(), 400),
        ("GET /ok.html HTTP/1.1\r\n\r\n".to_owned(), 200),
        (
            "POST /ok.html HTTP/1.1\r\nContent-Length: 2\r\n\r\nhi".to_owned(),
            200,
        ),
        ("GET / HTTP/1.1\r\n\r\n".to_owned(), 200),
        ("GET /?message=%ff&&=x&%zz HTTP/1.1\r\n\r\n".to_owned(), 200),
        ("GET /%69ndex.html HTTP/1.1\r\n\r\n".to_owned(), 200),
        ("GET /?action=nonsense HTTP/1.1\r\n\r\n".to_owned(), 400),
        ("GET /?action=stop HTTP/1.1\r\n\r\n".to_owned(), 400),
        ("GET /?action=refresh HTTP/1.1\r\n\r\n".to_owned(), 301),
        ("POST / HTTP/1.1\r\n\r\n".to_owned(), 411),
        (
            "POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n".to_owned(),
            200,
        ),
        (
            "POST / HTTP/1.1\r\nContent-Length: 100000\r\n\r\n".to_owned(),
            413,
        ),
        ("DELETE / HTTP/1.1\r\n\r\n".to_owned(), 400),
        ("GET /tail.html HTTP/1.1\r\n\r\n".to_owned(), 200),
        ("GET /status.html HTTP/1.1\r\n\r\n".to_owned(), 404),
        (
            "POST /images/icon.png HTTP/1.1\r\nContent-Length: 1\r\n\r\nx".to_owned(),
            400,
        ),
        ("GET /logtail HTTP/1.1\r\n\r\n".to_owned(), 404),
        ("GET /logtail/unheard HTTP/1.1\r\n\r\n".to_owned(), 404),
        ("GET /logtail/web/stderr HTTP/1.1\r\n\r\n".to_owned(), 404),
        (
            "GET /logtail/..%2f..%2fetc%2fpasswd HTTP/1.1\r\n\r\n".to_owned(),
            404,
        ),
        ("POST /logtail/web HTTP/1.1\r\n\r\n".to_owned(), 400),
        ("DELETE /mainlogtail HTTP/1.1\r\n\r\n".to_owned(), 400),
        ("GET /\r\n\r\n".to_owned(), 400),
        ("\u{e4}\r\n\r\n".to_owned(), 400),
    ] {
        assert_eq!(server.status(&request), status, "{request}");
    }
    let not_utf8 = b"POST /RPC2 HTTP/1.1\r\nContent-Length: 2\r\n\r\n\xff\xfe";
    assert_eq!(server.tcp().ask(not_utf8).status(), 400);
}

#[test]
fn the_health_check_says_ok() {
    let server = Server::start();
    let reply = server.unix().ask("GET /ok.html HTTP/1.1\r\n\r\n");
    assert_eq!(header(&reply.head, "Content-Type"), Some("text/plain"));
    assert_eq!(reply.body, "OK");
}

#[test]
fn a_page_is_not_kept_and_runs_nothing() {
    let server = Server::start();
    for path in ["/", "/tail.html"] {
        let reply = server.tcp().ask(format!("GET {path} HTTP/1.1\r\n\r\n"));
        let length = reply.body.len();
        assert_eq!(
            timeless(&reply.head),
            format!(
                "HTTP/1.1 200 OK\r\nServer: Minder\r\nContent-Type: text/html;charset=utf-8\r\n\
                 Pragma: no-cache\r\nCache-Control: no-cache\r\n\
                 Expires: Thu, 01 Jan 1970 00:00:00 GMT\r\nContent-Length: {length}\r\n\
                 Content-Security-Policy: default-src 'none'; style-src 'self'; img-src 'self'; \
                 form-action 'self'; base-uri 'none'; frame-ancestors 'self'\r\nVary: Accept\r\n\
                 X-Content-Type-Options: nosniff\r\n\r\n"
            )
        );
    }
}

#[test]
fn what_a_page_refers_to_is_there() {
    let server = Server::start();
    let page = server.tcp().ask("GET / HTTP/1.1\r\n\r\n").body;
    for (path, kind) in [
        ("stylesheets/supervisor.css", "text/css"),
        ("images/icon.png", "image/png"),
        ("images/supervisor.gif", "image/gif"),
    ] {
        assert!(page.contains(&format!("\"{path}\"")), "{path}");
        let mut client = server.tcp();
        client.send(format!("HEAD /{path} HTTP/1.1\r\n\r\n"));
        let head = client.head();
        assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{path}");
        assert_eq!(header(&head, "Content-Type"), Some(kind));
    }
    let css = server
        .tcp()
        .ask("GET /stylesheets/supervisor.css HTTP/1.1\r\n\r\n");
    assert!(css.body.contains(".statusrunning"));
}

#[test]
fn an_action_is_seen_through_and_leads_to_its_message() {
    let server = Server::start();
    let request = "GET /index.html?processname=web&action=stop HTTP/1.1\r\nHost: h:81\r\n\r\n";
    let (mut gone, mut waiting) = (server.tcp(), server.tcp());
    gone.send(request);
    assert_eq!(server.news.recv_timeout(DEADLINE), Ok("begun"));
    gone.0.shutdown(std::net::Shutdown::Both).unwrap();
    assert!(gone.is_closed());
    server.service.gate.notify_one();
    assert_eq!(server.news.recv_timeout(DEADLINE), Ok("done"));

    waiting.send(request);
    assert_eq!(server.news.recv_timeout(DEADLINE), Ok("begun"));
    server.service.gate.notify_one();
    let reply = waiting.reply();
    assert_eq!(
        timeless(&reply.head),
        "HTTP/1.1 301 Moved Permanently\r\nServer: Minder\r\n\
         Location: http://h:81/?message=Process%20web%20stopped\r\nContent-Type: text/html\r\n\
         Pragma: no-cache\r\nCache-Control: no-cache\r\n\
         Expires: Thu, 01 Jan 1970 00:00:00 GMT\r\nContent-Length: 142\r\n\r\n"
    );
    assert!(reply.body.contains("<p>Message: Moved Permanently."));
}

#[test]
fn another_site_can_look_but_not_touch() {
    let server = Server::start();
    let foreign = "Host: h\r\nSec-Fetch-Site: cross-site\r\n";
    let elsewhere = "Host: h\r\nOrigin: http://evil\r\n";
    let own = "Host: h\r\nOrigin: http://h\r\nSec-Fetch-Site: same-origin\r\n";
    for (lines, refused) in [
        (foreign, true),
        (elsewhere, true),
        (own, false),
        ("", false),
    ] {
        let status = |wanted| if refused { 403 } else { wanted };
        let call = call_with(lines, "supervisor.getPID", "");
        assert_eq!(server.status(&call), status(200), "{lines}");
        let get = format!("GET /?action=stop&processname=x HTTP/1.1\r\n{lines}\r\n");
        assert_eq!(server.status(&get), status(301), "{lines}");
        let form = "action=stop&processname=x";
        let length = form.len();
        let post = format!("POST / HTTP/1.1\r\nContent-Length: {length}\r\n{lines}\r\n{form}");
        assert_eq!(server.status(&post), status(301), "{lines}");
        for path in ["/", "/tail.html", "/ok.html", "/images/icon.png"] {
            let mut client = server.tcp();
            client.send(format!("GET {path} HTTP/1.1\r\n{lines}\r\n"));
            assert!(client.head().starts_with("HTTP/1.1 200 "), "{path} {lines}");
        }
    }
}

#[test]
fn a_connection_stays_open_unless_its_client_wants_otherwise() {
    let server = Server::start();
    let mut client = server.tcp();
    for _ in 0..3 {
        assert_eq!(client.ask(call("supervisor.getPID")).status(), 200);
    }
    let goodbye = call_with("Connection: close\r\n", "supervisor.getPID", "");
    assert_eq!(client.ask(goodbye).status(), 200);
    assert!(client.is_closed());
}

#[test]
fn an_http_1_0_connection_closes_unless_its_client_wants_otherwise() {
    let server = Server::start();
    let mut client = server.tcp();
    let kept = client.ask("GET /ok.html HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n");
    assert!(
        header(&kept.head, "Connection")
            .unwrap()
            .eq_ignore_ascii_case("keep-alive")
    );
    assert_eq!(client.ask("GET /ok.html HTTP/1.0\r\n\r\n").body, "OK");
    assert!(client.is_closed());
}

#[test]
fn requests_in_one_packet_are_answered_in_order() {
    let server = Server::start();
    let mut client = server.tcp();
    let version = call("supervisor.getAPIVersion");
    client.send(format!("{version}GET /ok.html HTTP/1.1\r\n\r\n{version}"));
    assert!(client.reply().body.contains("<string>3.0</string>"));
    assert_eq!(client.reply().body, "OK");
    assert!(client.reply().body.contains("<string>3.0</string>"));
}

#[test]
fn a_request_may_come_in_pieces() {
    let server = Server::start();
    let mut client = server.unix();
    for byte in call("supervisor.getPID").bytes() {
        client.send([byte]);
    }
    assert_eq!(client.reply().status(), 200);
}

#[test]
fn a_client_that_has_said_all_it_has_to_say_is_answered() {
    let server = Server::start();
    let mut client = server.tcp();
    client.send(call("supervisor.getPID"));
    client.0.shutdown(std::net::Shutdown::Write).unwrap();
    assert_eq!(client.reply().status(), 200);
    assert!(client.is_closed());
}

#[test]
fn a_large_body_is_taken_and_a_huge_one_is_not() {
    let server = Server::start();
    let param = |text: &str| format!("<param><value>{text}</value></param>");
    let params = param("web") + &param(&"x".repeat(3 << 20));
    let reply = server
        .tcp()
        .ask(call_with("", "supervisor.sendProcessStdin", &params));
    assert!(reply.body.contains(&format!("<int>{}</int>", 3 << 20)));

    let mut client = server.tcp();
    client.send("POST /RPC2 HTTP/1.1\r\nContent-Length: 1000000000\r\n\r\n");
    client.send(vec![b' '; 100_000]);
    assert_eq!(client.reply().status(), 413);
    assert!(client.is_closed());
}

#[test]
fn a_head_has_a_bound() {
    let server = Server::start();
    let long = format!("GET /ok.html HTTP/1.1\r\nX: {}", "x".repeat(2 * HEAD_BYTES));
    assert_eq!(server.status(&long), 431);
    let lines = "X: x\r\n".repeat(HEAD_LINES + 1);
    let many = format!("GET /ok.html HTTP/1.1\r\n{lines}\r\n");
    assert_eq!(server.status(&many), 431);
}

#[test]
fn only_the_right_pair_is_let_in_wherever_it_wants_to_go() {
    let server = Server::asking_for(Some(Credentials::new("u", "p:w")));
    let authorized = "Authorization: Basic dTpwOnc=\r\n";
    for path in [
        "/ok.html",
        "/RPC2",
        "/logtail/web",
        "/mainlogtail",
        "/",
        "/nowhere",
    ] {
        let request = |lines: &str| format!("GET {path} HTTP/1.1\r\n{lines}\r\n");
        let mut stranger = server.tcp();
        let refused = stranger.ask(request(""));
        assert_eq!(
            timeless(&refused.head),
            "HTTP/1.1 401 Unauthorized\r\nServer: Minder\r\nConnection: close\r\n\
             Www-Authenticate: Basic realm=\"default\"\r\nContent-Length: 137\r\n\
             Content-Type: text/html\r\n\r\n",
        );
        assert!(refused.body.contains("<p>Message: Unauthorized."));
        assert!(stranger.is_closed());
        assert_eq!(server.status(&request("Authorization: Bearer x\r\n")), 401);
        assert_eq!(
            server.status(&request("Authorization: Basic dTpw\r\n")),
            401
        );
        assert_eq!(server.status(&request("Authorization: Basic %%%\r\n")), 400);
        let mut guest = server.unix();
        guest.send(request(authorized));
        assert!(!guest.head().starts_with("HTTP/1.1 401"));
    }
    let allowed = call_with(authorized, "supervisor.getPID", "");
    assert_eq!(server.status(&allowed), 200);
    assert_eq!(server.status(&call("supervisor.getPID")), 401);
}

#[test]
fn a_refusal_reaches_a_client_that_is_still_sending() {
    let server = Server::asking_for(Some(Credentials::new("u", "pw")));
    let mut client = server.tcp();
    client.send("POST /RPC2 HTTP/1.1\r\nContent-Length: 500000\r\n\r\n");
    client.send(vec![b' '; 500_000]);
    assert_eq!(client.reply().status(), 401);
    assert!(client.is_closed());
}

#[test]
fn a_call_that_waits_holds_up_nobody_else() {
    let server = Server::start();
    let mut waiting = server.tcp();
    waiting.send(stop_call());
    assert_eq!(server.news.recv_timeout(DEADLINE), Ok("begun"));
    assert_eq!(server.status(&call("supervisor.getPID")), 200);
    server.service.gate.notify_one();
    assert!(waiting.reply().body.contains("<boolean>1</boolean>"));
}

#[test]
fn a_call_is_seen_through_when_its_client_has_gone() {
    let server = Server::start();
    let mut client = server.tcp();
    client.send(stop_call());
    assert_eq!(server.news.recv_timeout(DEADLINE), Ok("begun"));
    client.0.shutdown(std::net::Shutdown::Both).unwrap();
    assert!(client.is_closed());
    server.service.gate.notify_one();
    assert_eq!(server.news.recv_timeout(DEADLINE), Ok("done"));
}

#[test]
fn a_service_that_breaks_is_an_internal_error() {
    let server = Server::start();
    let mut client = server.tcp();
    assert_eq!(client.ask(call("supervisor.shutdown")).status(), 500);
    assert_eq!(client.ask(call("supervisor.getPID")).status(), 200);
}

#[test]
fn a_log_is_sent_as_it_grows() {
    let server = Server::start();
    let say = |what| server.service.log.lock().unwrap().push_back(what);
    say(Ok(b"old\n".to_vec()));
    let mut client = server.tcp();
    client.send("GET /logtail/web HTTP/1.1\r\n\r\n");
    assert_eq!(
        timeless(&client.head()),
        "HTTP/1.1 200 OK\r\nServer: Minder\r\nLast-Modified: Thu, 01 Jan 1970 00:00:00 GMT\r\n\
         Content-Type: text/plain;charset=utf-8\r\nX-Content-Type-Options: nosniff\r\n\
         X-Accel-Buffering: no\r\nTransfer-Encoding: chunked\r\n\r\n"
    );
    assert_eq!(client.chunk(), "old\n");
    say(Ok(b"new\n".to_vec()));
    assert_eq!(client.chunk(), "new\n");
    say(Err(io::ErrorKind::PermissionDenied.into()));
    assert_eq!(client.chunk(), "");
}

#[test]
fn a_log_that_nobody_watches_any_more_is_let_go() {
    let server = Server::start();
    let mut client = server.tcp();
    client.send("GET /logtail/web HTTP/1.1\r\n\r\n");
    client.head();
    drop(client);
    assert_eq!(server.news.recv_timeout(DEADLINE), Ok("unwatched"));
}

#[test]
fn the_daemons_own_log_is_sent_without_a_hint_to_proxies() {
    let server = Server::start();
    let mut client = server.unix();
    client.send("GET /mainlogtail HTTP/1.1\r\n\r\n");
    assert_eq!(header(&client.head(), "X-Accel-Buffering"), None);
}

#[test]
fn a_log_reaches_an_http_1_0_client_too() {
    let server = Server::start();
    let say = |what| server.service.log.lock().unwrap().push_back(what);
    say(Ok(b"old\n".to_vec()));
    say(Err(io::ErrorKind::PermissionDenied.into()));
    let mut client = server.tcp();
    client.send("GET /mainlogtail HTTP/1.0\r\n\r\n");
    assert_eq!(header(&client.head(), "Transfer-Encoding"), None);
    let mut body = String::new();
    client.0.read_to_string(&mut body).unwrap();
    assert_eq!(body, "old\n");
}

#[test]
fn who_has_connected_in_time_is_answered_before_another_server_goes_on() {
    let mut server = Server::start();
    // Accepted in this order.
    let (mut new, mut known) = (server.tcp(), server.tcp());
    assert_eq!(known.ask(call("supervisor.getPID")).status(), 200);
    server
        .end
        .take()
        .unwrap()
        .send(Leave::AfterNewcomers)
        .unwrap();
    // Whoever has had an answer is let go at once: by then, nobody is accepted any more.
    assert!(known.is_closed());
    assert_eq!(new.ask(call("supervisor.getPID")).status(), 200);
    assert!(new.is_closed());
    server.end();
}

#[test]
fn the_end_of_the_server_ends_every_connection() {
    let mut server = Server::start();
    let mut idle = server.tcp();
    idle.ask(call("supervisor.getPID"));
    let mut watching = server.unix();
    watching.send("GET /mainlogtail HTTP/1.1\r\n\r\n");
    watching.head();
    let mut waiting = server.tcp();
    waiting.send(stop_call());
    assert_eq!(server.news.recv_timeout(DEADLINE), Ok("begun"));

    server.end();
    assert!(idle.is_closed());
    assert!(watching.is_closed());
    assert!(waiting.is_closed());
}
