use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::thread::{self, JoinHandle};

use super::*;

/// What a test's server was asked: request line and headers, and body.
struct Request {
    head: Vec<String>,
    body: String,
}

impl Request {
    fn header(&self, name: &str) -> Option<&str> {
        self.head.iter().find_map(|line| {
            let (key, value) = line.split_once(": ")?;
            key.eq_ignore_ascii_case(name).then_some(value)
        })
    }
}

fn read_request(stream: &mut impl std::io::BufRead) -> Request {
    let mut head = Vec::new();
    for line in stream.by_ref().lines() {
        let line = line.unwrap();
        if line.is_empty() {
            break;
        }
        head.push(line);
    }
    let mut request = Request {
        head,
        body: String::new(),
    };
    let length = request
        .header("content-length")
        .map_or(0, |n| n.parse().unwrap());
    stream
        .take(length)
        .read_to_string(&mut request.body)
        .unwrap();
    request
}

/// Listens at `path` and gives one connection one answer per request, then the next
/// connection the next answers.
fn serve(path: &Path, connections: Vec<Vec<String>>) -> JoinHandle<Vec<Request>> {
    let listener = UnixListener::bind(path).unwrap();
    thread::spawn(move || {
        let mut requests = Vec::new();
        for answers in connections {
            let stream: UnixStream = listener.accept().unwrap().0;
            let mut reader = BufReader::new(&stream);
            for answer in answers {
                requests.push(read_request(&mut reader));
                (&stream).write_all(answer.as_bytes()).unwrap();
            }
        }
        requests
    })
}

fn response(status: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn result(text: &str) -> String {
    let value = Value::from(text);
    response("200 OK", &xmlrpc::encode_response(&value))
}

fn client(path: &Path) -> Client {
    Client::new(Endpoint::Unix(path.to_owned()), None)
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_io().build().unwrap().block_on(future)
}

#[test]
fn a_call_posts_its_method_and_returns_the_result() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("s");
    let server = serve(&path, vec![vec![result("3.0")]]);
    let value = block_on(client(&path).call("supervisor.getVersion", &[]));
    assert_eq!(value.unwrap(), Value::from("3.0"));
    let requests = server.join().unwrap();
    assert_eq!(requests[0].head[0], "POST /RPC2 HTTP/1.1");
    assert_eq!(requests[0].header("content-type"), Some("text/xml"));
    assert!(requests[0].body.contains("supervisor.getVersion"));
    assert_eq!(requests[0].header("authorization"), None);
}

#[test]
fn calls_share_a_connection_until_the_server_closes_it() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("s");
    let connections = vec![vec![result("a"), result("b")], vec![result("c")]];
    let server = serve(&path, connections);
    let values = block_on(async {
        let mut client = client(&path);
        let mut values = Vec::new();
        for _ in 0..3 {
            values.push(client.call("m", &[]).await.unwrap());
        }
        values
    });
    assert_eq!(values, ["a", "b", "c"].map(Value::from));
    assert_eq!(server.join().unwrap().len(), 3);
}

#[test]
fn credentials_are_sent_with_every_request() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("s");
    let server = serve(&path, vec![vec![result("x")]]);
    let credentials = Credentials {
        username: "user".to_owned(),
        password: "p:w".to_owned(),
    };
    let endpoint = Endpoint::Unix(path.clone());
    block_on(Client::new(endpoint, Some(credentials)).call("m", &[])).unwrap();
    let requests = server.join().unwrap();
    assert_eq!(
        requests[0].header("authorization"),
        Some("Basic dXNlcjpwOnc=")
    );
}

#[test]
fn a_fault_is_told_from_a_result() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("s");
    let fault = minder_rpc::Fault::about(minder_rpc::FaultCode::BadName, "x");
    let answer = response("200 OK", &xmlrpc::encode_fault(&fault));
    let server = serve(&path, vec![vec![answer]]);
    let error = block_on(client(&path).call("m", &[])).unwrap_err();
    assert!(
        matches!(&error, ClientError::Fault { code: 10, text } if text == "BAD_NAME: x"),
        "{error:?}"
    );
    server.join().unwrap();
}

#[test]
fn other_statuses_are_errors_and_end_the_connection() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("s");
    let connections = [
        response("401 Unauthorized", ""),
        response("500 Out Of Luck", "why"),
        response("200 OK", "no XML"),
    ];
    let server = serve(&path, connections.into_iter().map(|c| vec![c]).collect());
    let errors = block_on(async {
        let mut client = client(&path);
        let mut errors = Vec::new();
        for _ in 0..3 {
            errors.push(client.call("m", &[]).await.unwrap_err());
        }
        errors
    });
    assert!(matches!(errors[0], ClientError::Unauthorized));
    assert!(matches!(
        &errors[1],
        ClientError::Http { status: 500, reason } if reason == "Out Of Luck"
    ));
    assert!(matches!(errors[2], ClientError::BadResponse(_)));
    server.join().unwrap();
}

#[test]
fn a_server_that_leaves_without_an_answer_has_closed() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("s");
    let server = serve(&path, vec![vec![String::new()]]);
    let error = block_on(client(&path).call("m", &[])).unwrap_err();
    assert!(matches!(error, ClientError::Closed), "{error:?}");
    server.join().unwrap();
}

#[test]
fn nobody_listening_is_told_from_no_socket_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("s");
    let error = block_on(client(&path).call("m", &[])).unwrap_err();
    assert!(matches!(error, ClientError::NoSuchFile), "{error:?}");
    drop(UnixListener::bind(&path).unwrap());
    let error = block_on(client(&path).call("m", &[])).unwrap_err();
    assert!(matches!(error, ClientError::Refused), "{error:?}");
}

#[test]
fn a_server_is_reached_over_ipv4_and_ipv6() {
    for address in ["127.0.0.1", "[::1]"] {
        // Not every machine that runs this has IPv6.
        let Ok(listener) = TcpListener::bind(format!("{address}:0")) else {
            continue;
        };
        let port = listener.local_addr().unwrap().port();
        let server = thread::spawn(move || {
            let stream = listener.accept().unwrap().0;
            let request = read_request(&mut BufReader::new(&stream));
            (&stream).write_all(result("x").as_bytes()).unwrap();
            request
        });
        let endpoint = Endpoint::parse(&format!("http://{address}:{port}")).unwrap();
        block_on(Client::new(endpoint, None).call("m", &[])).unwrap();
        let request = server.join().unwrap();
        let host = format!("{address}:{port}");
        assert_eq!(request.header("host"), Some(host.as_str()));
    }
}

#[test]
fn a_stream_gives_its_chunks_and_its_end() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("s");
    let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    let answer = format!("{head}3\r\none\r\n4\r\n\ntwo\r\n0\r\n\r\n");
    let server = serve(&path, vec![vec![answer]]);
    let log = block_on(async {
        let mut stream = client(&path).stream("/mainlogtail").await.unwrap();
        let mut log = Vec::new();
        while let Some(bytes) = stream.next().await.unwrap() {
            log.extend_from_slice(&bytes);
        }
        log
    });
    assert_eq!(log, b"one\ntwo");
    assert_eq!(
        server.join().unwrap()[0].head[0],
        "GET /mainlogtail HTTP/1.1"
    );
}

#[test]
fn a_stream_that_is_not_there_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("s");
    let server = serve(&path, vec![vec![response("404 Not Found", "")]]);
    let error = block_on(client(&path).stream("/logtail/x/stdout")).unwrap_err();
    assert!(
        matches!(error, ClientError::Http { status: 404, .. }),
        "{error:?}"
    );
    server.join().unwrap();
}

#[test]
fn what_is_asked_of_the_modern_interface_is_answered_whatever_the_status() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("s");
    let refused = response("401 Unauthorized", "");
    let answers = vec![
        response("200 OK", "[]"),
        response("409 Conflict", "{}"),
        refused,
    ];
    let server = serve(&path, vec![answers]);
    let (got, posted, refused) = block_on(async {
        let mut client = client(&path);
        let got = client.get("/api/v1/x?a=b").await.unwrap();
        let posted = client
            .post("/api/v1/y", b"{\"a\":1}".to_vec())
            .await
            .unwrap();
        (got, posted, client.get("/").await)
    });
    assert_eq!((got.status, &got.body[..]), (200, &b"[]"[..]));
    assert_eq!((posted.status, &posted.body[..]), (409, &b"{}"[..]));
    assert!(matches!(refused, Err(ClientError::Unauthorized)));
    let requests = server.join().unwrap();
    assert_eq!(requests[0].head[0], "GET /api/v1/x?a=b HTTP/1.1");
    assert_eq!(requests[1].header("content-type"), Some("application/json"));
    assert_eq!(requests[1].body, "{\"a\":1}");
}

#[test]
fn a_name_is_sent_with_all_that_means_something_escaped() {
    assert_eq!(encoded("web:w 0/ä"), "web%3Aw%200%2F%C3%A4");
}

#[test]
fn a_path_is_sent_with_what_it_may_not_hold_escaped() {
    assert_eq!(
        percent_encoded("/logtail/web:w0/stdout"),
        "/logtail/web:w0/stdout"
    );
    assert_eq!(percent_encoded("/a?#%\u{e9} b"), "/a%3F%23%25%C3%A9%20b");
}
