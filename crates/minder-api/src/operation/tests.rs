use super::*;
use crate::{Action, LogOf, Place};
use minder_rpc::Channel;

fn asked(method: &str, target: &str, body: &str) -> Result<Ask, Problem> {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    understand(&Request {
        method,
        path,
        query,
        body: body.as_bytes(),
        accept: None,
        last_event_id: None,
    })
}

fn refusal(method: &str, target: &str, body: &str) -> (u16, String) {
    let problem = asked(method, target, body).unwrap_err();
    (problem.status, problem.detail)
}

#[test]
fn a_request_is_understood_by_the_table() {
    let name = || "g:p q".to_owned();
    let log = || LogOf::Process {
        name: name(),
        channel: Channel::Stderr,
    };
    for (method, target, body, ask) in [
        ("GET", "/api/v1/daemon", "", Ask::Daemon),
        (
            "GET",
            "/api/v1/processes/g%3Ap%20q",
            "",
            Ask::Process { name: name() },
        ),
        (
            "POST",
            "/api/v1/processes/g:p%20q/start",
            "",
            Ask::Act {
                name: name(),
                action: Action::Start { wait: true },
            },
        ),
        (
            "POST",
            "/api/v1/processes/g:p%20q/stop",
            r#"{"wait": false}"#,
            Ask::Act {
                name: name(),
                action: Action::Stop { wait: false },
            },
        ),
        (
            "POST",
            "/api/v1/actions",
            r#"{"action": "signal", "targets": ["*"], "signal": "HUP"}"#,
            Ask::ActOnMany {
                targets: vec!["*".to_owned()],
                action: Action::Signal {
                    signal: "HUP".to_owned(),
                },
            },
        ),
        (
            "GET",
            "/api/v1/processes/g:p%20q/log?channel=stderr&offset=-9",
            "",
            Ask::Log {
                log: log(),
                file: 0,
                offset: -9,
                limit: 65_536,
            },
        ),
        (
            "GET",
            "/api/v1/processes/g:p%20q/log/stream?channel=stderr&after=a-7",
            "",
            Ask::FollowLog {
                log: log(),
                after: Some(Place {
                    file: 10,
                    offset: 7,
                }),
            },
        ),
        (
            "GET",
            "/api/v1/stream?after=12&figures=a,g:b",
            "",
            Ask::Stream {
                after: Some(12),
                figures: vec!["a".to_owned(), "g:b".to_owned()],
            },
        ),
    ] {
        assert_eq!(asked(method, target, body), Ok(ask), "{method} {target}");
    }
}

/// Method, target, body; status and detail of the problem.
const REFUSED: &[(&str, &str, &str, u16, &str)] = &[
    ("GET", "/api/v1/nothing", "", 404, "there is no such path"),
    (
        "GET",
        "/api/v1/processes/",
        "",
        404,
        "there is no such path",
    ),
    ("GET", "/api/v1/daemon/", "", 404, "there is no such path"),
    (
        "PUT",
        "/api/v1/daemon",
        "",
        405,
        "the path does not take this method",
    ),
    (
        "HEAD",
        "/metrics",
        "",
        405,
        "the path does not take this method",
    ),
    (
        "GET",
        "/api/v1/daemon?x=1",
        "",
        400,
        "\"x\" is not known here",
    ),
    (
        "GET",
        "/api/v1/events?limit=1&limit=1",
        "",
        400,
        "\"limit\" is there twice",
    ),
    (
        "GET",
        "/api/v1/events?limit=0",
        "",
        400,
        "\"limit\" is no whole number from 1 to 1000",
    ),
    (
        "GET",
        "/api/v1/events?limit=+1",
        "",
        400,
        "\"limit\" is no whole number from 1 to 1000",
    ),
    (
        "GET",
        "/api/v1/events?after=9007199254740992",
        "",
        400,
        "\"after\" is no number of an event",
    ),
    ("GET", "/api/v1/events?type=", "", 400, "\"type\" is empty"),
    (
        "GET",
        "/api/v1/processes?figures=yes",
        "",
        400,
        "\"figures\" is neither true nor false",
    ),
    (
        "GET",
        "/api/v1/processes/x/log?channel=stdin",
        "",
        400,
        "\"channel\" is none of stdout, stderr",
    ),
    (
        "GET",
        "/api/v1/processes/x/log/search",
        "",
        400,
        "\"text\" is missing",
    ),
    (
        "GET",
        "/api/v1/processes/%ff",
        "",
        400,
        "\"name\" is no UTF-8",
    ),
    (
        "GET",
        "/api/v1/processes/%00",
        "",
        400,
        "\"name\" has a NUL",
    ),
    (
        "GET",
        "/api/v1/figures?names=a,,b",
        "",
        400,
        "\"names\" is empty",
    ),
    ("GET", "/api/v1/daemon", "{}", 400, "there must be no body"),
    (
        "POST",
        "/api/v1/processes/x/start",
        "[true]",
        400,
        "the body is no JSON object",
    ),
    (
        "POST",
        "/api/v1/processes/x/signal",
        "",
        400,
        "the body is no JSON object",
    ),
    (
        "POST",
        "/api/v1/actions",
        r#"{"action": "start", "targets": []}"#,
        400,
        "\"targets\" must name 1 to 10000 processes",
    ),
    (
        "POST",
        "/api/v1/actions",
        r#"{"action": "signal", "targets": ["a"]}"#,
        400,
        "\"signal\" is missing",
    ),
];

#[test]
fn what_is_not_in_the_table_is_refused() {
    for &(method, target, body, status, detail) in REFUSED {
        assert_eq!(
            refusal(method, target, body),
            (status, detail.to_owned()),
            "{method} {target}"
        );
    }
    let (status, detail) = refusal("POST", "/api/v1/processes/x/start", r#"{"w": 1}"#);
    assert!(
        status == 400 && detail.starts_with("the body: unknown field `w`"),
        "{detail}"
    );
    let refused = asked("DELETE", "/api/v1/daemon", "").unwrap_err();
    assert_eq!(refused.allow, ["GET"]);
}

#[test]
fn what_a_reader_has_seen_last_wins_and_may_be_anything() {
    let request = |last_event_id| Request {
        method: "GET",
        path: "/api/v1/stream",
        query: "after=3",
        body: b"",
        accept: None,
        last_event_id,
    };
    let after = |last| match understand(&request(last)) {
        Ok(Ask::Stream { after, .. }) => after,
        other => panic!("{other:?}"),
    };
    assert_eq!(after(None), Some(3));
    assert_eq!(after(Some("9")), Some(9));
    assert_eq!(after(Some("x")), Some(0));
}

#[test]
fn no_two_operations_share_a_name_or_a_place() {
    for (number, operation) in OPERATIONS.iter().enumerate() {
        for other in &OPERATIONS[..number] {
            assert_ne!(operation.id, other.id);
            assert_ne!(
                (operation.method, operation.path),
                (other.method, other.path)
            );
        }
    }
}
