//! What others than people try: forms of other sites, paths that lead elsewhere, heads of answers.

use minder_tests::http::{Answer, Connection};
use minder_tests::{Daemon, Sandbox, Subject};

const PROGRAMS: &str = "[program:web]\ncommand=/bin/cat\nstartsecs=0\n\
                        stdout_logfile=%(here)s/web.log";

/// A daemon, unless the variable `SUBJECT` asks for Supervisor only.
fn daemon() -> Option<Daemon> {
    if std::env::var("SUBJECT").is_ok_and(|subject| subject == "supervisor") {
        return None;
    }
    let daemon = Daemon::start(Subject::Minder, PROGRAMS);
    daemon.wait_state("web", "RUNNING");
    Some(daemon)
}

fn connect(daemon: &Daemon) -> Connection {
    Connection::unix(&daemon.sandbox().path("s.sock")).expect("the daemon listens")
}

fn get(daemon: &Daemon, path: &str) -> Answer {
    connect(daemon)
        .get(path, "Accept: text/html\r\n")
        .expect("it answers")
}

fn post(daemon: &Daemon, path: &str, headers: &str, body: &str) -> Answer {
    let mut connection = connect(daemon);
    let sent = connection.send(format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\n{headers}Content-Length: {}\r\n\r\n{body}",
        body.len()
    ));
    sent.and_then(|()| connection.answer()).expect("it answers")
}

/// The token that a page brings, which is in its forms and in a cookie.
fn token(page: &Answer) -> String {
    let cookie = page.header("Set-Cookie").expect("a cookie");
    for part in ["HttpOnly", "SameSite=Strict"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    let token = cookie.split(['=', ';']).nth(1).expect("a value");
    assert_eq!(token.len(), 32);
    assert!(
        page.text()
            .contains(&format!("name=\"csrf\" value=\"{token}\""))
    );
    token.to_owned()
}

#[test]
fn only_forms_from_here_are_obeyed() {
    let Some(daemon) = daemon() else { return };
    let page = get(&daemon, "/");
    let token = token(&page);
    let other = "0".repeat(32);
    let cookie = |token: &str| format!("Cookie: a=b; minder-token={token}\r\n");
    let form = |token: &str| format!("csrf={token}&stop=web&sure=1");
    for (headers, body) in [
        (String::new(), form("")),
        (String::new(), form(&token)),
        (cookie(&token), form("")),
        (cookie(&token), form(&other)),
        (cookie(&other), form(&token)),
        (cookie(""), form("")),
        (
            format!("{}Origin: http://example.org\r\n", cookie(&token)),
            form(&token),
        ),
        (
            format!("{}Sec-Fetch-Site: cross-site\r\n", cookie(&token)),
            form(&token),
        ),
    ] {
        let answer = post(&daemon, "/act", &headers, &body);
        assert_eq!(answer.status(), 403, "{headers}{body}");
        assert_eq!(daemon.state("web"), "RUNNING", "{headers}{body}");
    }
    // Without an answer to the question nothing happens either.
    let asked = post(
        &daemon,
        "/act",
        &cookie(&token),
        &format!("csrf={token}&stop=web"),
    );
    assert_eq!(asked.status(), 200);
    assert_eq!(daemon.state("web"), "RUNNING");
    let done = post(&daemon, "/act", &cookie(&token), &form(&token));
    assert_eq!((done.status(), done.header("Location")), (303, Some("./")));
    daemon.wait_state("web", "STOPPED");
    // What cannot be done is told where one came from.
    let back = format!("{}&back=process%3Fname%3Dweb", form(&token));
    let told = post(&daemon, "/act", &cookie(&token), &back);
    let location = told.header("Location").expect("a place");
    assert!(
        location.starts_with("process?name=web&message=web"),
        "{location}"
    );
    assert!(location.contains("NOT_RUNNING"), "{location}");
}

#[test]
fn no_way_leads_elsewhere() {
    let Some(daemon) = daemon() else { return };
    daemon.sandbox().write("web.log", "the log\n");
    daemon.sandbox().write("web.log.1", "the log before\n");
    for (path, status) in [
        ("/ui/x/../app.css", 404),
        ("/ui/x/%2e%2e/app.css", 404),
        ("/ui/x/..%2fapp.css", 404),
        ("/ui/", 404),
        ("/process?name=../web", 404),
        ("/process", 404),
        ("/raw?name=web&file=9", 404),
        ("/raw?name=nope", 404),
        ("/lines?name=nope", 404),
        ("/lines?of=nobody", 404),
        ("/lines?of=daemon", 404),
        ("/act", 404),
        ("/nope", 404),
        ("/process/web", 404),
    ] {
        assert_eq!(get(&daemon, path).status(), status, "{path}");
    }
    // Only numbers are taken for files.
    for (file, says) in [
        ("0", "the log"),
        ("1", "the log before"),
        ("../../../etc/passwd", "the log"),
        ("-1", "the log"),
    ] {
        let answer = get(&daemon, &format!("/raw?name=web&file={file}"));
        assert_eq!(answer.text(), format!("{says}\n"), "{file}");
        let name = answer.header("Content-Disposition").expect("a name");
        assert!(name.starts_with("attachment; filename=\"web.log"), "{name}");
    }
    let all = get(&daemon, "/raw?name=web&file=all");
    assert_eq!(all.text(), "the log before\nthe log\n");
    assert_eq!(
        all.header("Content-Disposition"),
        Some("attachment; filename=\"all-web.log\"")
    );
    let back = post(&daemon, "/look", "", "theme=dark&back=https://example.org/");
    assert_eq!(back.status(), 403);
}

#[test]
fn answers_keep_browsers_from_mischief() {
    let Some(daemon) = daemon() else { return };
    for path in [
        "/",
        "/process?name=web",
        "/events",
        "/configuration",
        "/daemon",
        "/lines?name=web&id=0&before=0",
    ] {
        let answer = get(&daemon, path);
        assert_eq!(answer.status(), 200, "{path}");
        let policy = answer.header("Content-Security-Policy").expect("a policy");
        for part in [
            "default-src 'none'",
            "script-src 'self'",
            "frame-ancestors 'none'",
            "base-uri 'none'",
        ] {
            assert!(policy.contains(part), "{path}: {policy}");
        }
        assert!(!policy.contains("unsafe"), "{path}: {policy}");
        assert_eq!(
            answer.header("X-Content-Type-Options"),
            Some("nosniff"),
            "{path}"
        );
        assert_eq!(answer.header("Cache-Control"), Some("no-cache"), "{path}");
    }
    let page = get(&daemon, "/");
    let style = page.text().split("href=\"ui/").nth(2).expect("a style");
    let style = style.split('"').next().expect("an address");
    let answer = get(&daemon, &format!("/ui/{style}"));
    assert!(
        answer
            .header("Cache-Control")
            .expect("a rule")
            .contains("immutable")
    );
    let old = get(&daemon, "/ui/0/app.css");
    let tag = old.header("ETag").expect("a tag").to_owned();
    assert_eq!(old.body, answer.body);
    let known = format!("If-None-Match: {tag}\r\n");
    let mut connection = connect(&daemon);
    connection
        .send(format!(
            "GET /ui/0/app.css HTTP/1.1\r\nHost: x\r\n{known}\r\n"
        ))
        .expect("it reads");
    assert_eq!(connection.head().expect("it answers").status(), 304);
}

#[test]
fn secrets_are_shown_only_to_who_has_a_password_and_asks() {
    if std::env::var("SUBJECT").is_ok_and(|subject| subject == "supervisor") {
        return;
    }
    let port = Sandbox::free_port();
    let daemon = Daemon::start(
        Subject::Minder,
        &format!(
            "[inet_http_server]\nport=127.0.0.1:{port}\nusername=ops\npassword=secret\n\
             {PROGRAMS}\nenvironment=API_KEY=\"hush\",LEVEL=\"low\""
        ),
    );
    let ask = |head: &str, body: &str| {
        let mut connection = Connection::tcp(port).expect("the daemon listens");
        let length = body.len();
        let request = format!("{head}Host: localhost\r\nContent-Length: {length}\r\n\r\n{body}");
        let answer = connection.send(request).and_then(|()| connection.answer());
        answer.expect("it answers")
    };
    let ops = "Authorization: Basic b3BzOnNlY3JldA==\r\n";
    let page = ask(
        &format!("GET /process?name=web HTTP/1.1\r\nAccept: text/html\r\n{ops}"),
        "",
    );
    let token = token(&page);
    assert!(page.text().contains("API_KEY") && !page.text().contains("hush"));
    assert!(page.text().contains("Show secrets"));
    let request = "POST /process?name=web HTTP/1.1\r\n";
    let cookie = format!("Cookie: minder-token={token}\r\n");
    let form = format!("csrf={token}");
    for (headers, body, status) in [
        (cookie.clone(), &*form, 401),
        (ops.to_owned(), &*form, 403),
        (format!("{ops}{cookie}"), "csrf=0", 403),
        (
            format!("{ops}{cookie}Origin: http://example.org\r\n"),
            &*form,
            403,
        ),
    ] {
        let answer = ask(&format!("{request}{headers}"), body);
        assert_eq!(answer.status(), status, "{headers}{body}");
        assert!(!answer.text().contains("hush"), "{headers}{body}");
    }
    let shown = ask(&format!("{request}{ops}{cookie}"), &form);
    assert_eq!(shown.status(), 200);
    assert!(shown.text().contains("hush") && shown.text().contains("Hide secrets"));
    assert_eq!(shown.header("Cache-Control"), Some("no-store"));
    // Without a password nobody is asked who he is, and nobody is shown.
    let open = get(&daemon, "/process?name=web");
    assert!(!open.text().contains("Show secrets"));
    let refused = post(&daemon, "/process?name=web", &cookie, &form);
    assert_eq!(refused.status(), 403);
    let log = daemon.sandbox().read("supervisord.log");
    assert_eq!(log.matches("was shown to user 'ops'").count(), 1, "{log}");
    assert!(!log.contains("hush"), "{log}");
}
