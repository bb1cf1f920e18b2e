//! The modern interface: what HTTP does about it.

use std::task::{Context, Poll};

use minder_api::{Ask, Problem, Source, sse};

use super::*;

impl Interface for Fake {
    async fn answer(&self, ask: Ask) -> Result<minder_api::Reply, Problem> {
        match ask {
            Ask::Process { name } => Err(Problem::not_found(name)),
            Ask::Stream { after, .. } => {
                let news = self.news.lock().unwrap().clone();
                let at = after.unwrap_or(0);
                Ok(minder_api::Reply::events(Counting { at, news }))
            }
            other => Ok(minder_api::Reply::json(&format!("{other:?}"))),
        }
    }
}

/// Counts to a thousand, and then has nothing more to say.
struct Counting {
    at: u64,
    news: mpsc::Sender<&'static str>,
}

impl Source for Counting {
    fn poll_next(&mut self, _: &mut Context<'_>) -> Poll<Option<Vec<u8>>> {
        if self.at == 1000 {
            return Poll::Pending;
        }
        self.at += 1;
        Poll::Ready(Some(sse::frame("count", None, &self.at)))
    }
}

impl Drop for Counting {
    fn drop(&mut self) {
        let _ = self.news.send("unread");
    }
}

const JSON: &str = "Content-Type: application/json\r\n";

fn request(method: &str, target: &str, lines: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "{method} {target} HTTP/1.1\r\nHost: h\r\n{lines}Content-Length: {length}\r\n\r\n{body}"
    )
}

#[test]
fn what_is_asked_for_is_understood_and_answered_as_json() {
    let server = Server::start();
    let mut client = server.tcp();
    let reply = client.ask("GET /api/v1/daemon HTTP/1.1\r\nHost: h\r\n\r\n");
    insta::assert_snapshot!(timeless(&reply.head), @r"
    HTTP/1.1 200 OK
    Server: Minder
    Content-Type: application/json
    Content-Length: 8
    Cache-Control: no-store
    X-Content-Type-Options: nosniff
    ");
    assert_eq!(reply.body, "\"Daemon\"");
    let start = request(
        "POST",
        "/api/v1/processes/a%2fb/start",
        JSON,
        "{\"wait\":false}",
    );
    let expected = "\"Act { name: \\\"a/b\\\", action: Start { wait: false } }\"";
    assert_eq!(client.ask(start).body, expected);
    let bare = "POST /api/v1/processes/a/start HTTP/1.1\r\nHost: h\r\n\r\n";
    assert!(client.ask(bare).body.contains("wait: true"));
}

#[test]
fn what_is_wrong_is_a_problem() {
    let server = Server::start();
    let body = "{\"wait\":false}";
    let start = |lines: &str| request("POST", "/api/v1/processes/a/start", lines, body);
    for (request, status, title) in [
        (
            request("GET", "/api/v1/processes/x", "", ""),
            404,
            "Not Found",
        ),
        (request("GET", "/api/v1/x", "", ""), 404, "Not Found"),
        (
            request("DELETE", "/api/v1/daemon", "", ""),
            405,
            "Method Not Allowed",
        ),
        (
            request("GET", "/api/v1/daemon?x", "", ""),
            400,
            "Bad Request",
        ),
        (start(""), 415, "Unsupported Media Type"),
        (
            start("Content-Type: text/plain\r\n"),
            415,
            "Unsupported Media Type",
        ),
        (
            start("Content-Type: application/json; charset=utf-8\r\n"),
            200,
            "",
        ),
        (
            start(&format!("{JSON}Origin: http://evil\r\n")),
            403,
            "Forbidden",
        ),
        (
            format!(
                "POST /api/v1/actions HTTP/1.1\r\nHost: h\r\n{JSON}Content-Length: 1048577\r\n\r\n"
            ),
            413,
            "Payload Too Large",
        ),
        (
            "POST /api/v1/actions HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
                .to_owned(),
            411,
            "Length Required",
        ),
    ] {
        let reply = server.tcp().ask(&request);
        assert_eq!(reply.status(), status, "{request}");
        if status != 200 {
            let kind = header(&reply.head, "Content-Type");
            assert_eq!(kind, Some("application/problem+json"), "{request}");
            assert!(
                reply
                    .body
                    .contains(&format!("\"title\":\"{title}\",\"status\":{status}"))
            );
        }
    }
    let refused = server.tcp().ask(request("PUT", "/api/v1/daemon", "", ""));
    assert_eq!(header(&refused.head, "Allow"), Some("GET"));
}

#[test]
fn the_same_pair_is_asked_for() {
    let server = Server::asking_for(Some(Credentials::new("u", "p")));
    for target in ["/api/v1/daemon", "/api/v1/nothing", "/metrics"] {
        let reply = server.tcp().ask(request("GET", target, "", ""));
        assert_eq!(reply.status(), 401);
        assert!(
            header(&reply.head, "Www-Authenticate").is_some(),
            "{}",
            reply.head
        );
        let right = request("GET", target, "Authorization: Basic dTpw\r\n", "");
        assert_ne!(server.tcp().ask(right).status(), 401);
    }
}

#[test]
fn a_stream_goes_on_from_where_its_reader_was() {
    let server = Server::start();
    let mut client = server.tcp();
    client.send("GET /api/v1/stream?after=6 HTTP/1.1\r\nHost: h\r\nLast-Event-ID: 41\r\n\r\n");
    let head = client.head();
    assert_eq!(header(&head, "Content-Type"), Some("text/event-stream"));
    assert_eq!(client.chunk(), "event: count\ndata: 42\n\n");
    assert_eq!(client.chunk(), "event: count\ndata: 43\n\n");
    // Nobody reads on, and nobody else has to wait for that.
    assert_eq!(
        server.status(&request("GET", "/api/v1/daemon", "", "")),
        200
    );
    drop(client);
    assert_eq!(server.news.recv_timeout(DEADLINE), Ok("unread"));
}

#[test]
fn there_are_not_more_streams_than_can_be_borne() {
    let server = Server::start();
    let streams: Vec<_> = (0..super::super::modern::STREAMS)
        .map(|_| {
            let mut client = server.tcp();
            client.send("GET /api/v1/stream?after=1000 HTTP/1.1\r\nHost: h\r\n\r\n");
            assert!(client.head().starts_with("HTTP/1.1 200 "));
            client
        })
        .collect();
    let reply = server.tcp().ask(request("GET", "/api/v1/stream", "", ""));
    assert_eq!(reply.status(), 503);
    assert_eq!(header(&reply.head, "Retry-After"), Some("1"));
    drop(streams);
}
