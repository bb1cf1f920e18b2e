//! HTTP around XML-RPC: paths, methods, headers, passwords, streams.

use minder_tests::http::{Answer, Connection};
use minder_tests::{Daemon, Sandbox, Subject, cases, not_yet, xmlrpc};

cases!(
    an_answer_is_laid_out_as_supervisor_s,
    connections_stay_open,
    calls_go_to_any_path_that_begins_with_rpc2,
    other_methods_and_paths_are_refused,
    a_body_without_its_length_is_refused,
    bodies_that_are_no_calls_are_refused,
    ok_html_says_ok,
    basic_authentication_guards_every_path,
    a_log_is_streamed_in_chunks,
    streams_of_what_is_not_there_are_not_found,
);

not_yet!(
    "the web page is not served yet":
    the_status_page_lists_processes,
    page_actions_redirect_with_a_message,
);

const IDLE: &str = "[program:idle]\ncommand=/bin/cat\nautostart=false\nstartsecs=0";

fn connect(daemon: &Daemon) -> Connection {
    daemon.connect().expect("the daemon accepts connections")
}

/// Sends one request on a connection of its own.
fn exchange(daemon: &Daemon, request: &str) -> Answer {
    let mut connection = connect(daemon);
    connection.send(request).expect("it reads");
    connection.answer().expect("it answers")
}

fn get(daemon: &Daemon, path: &str) -> Answer {
    connect(daemon).get(path, "").expect("it answers")
}

fn an_answer_is_laid_out_as_supervisor_s(subject: Subject) {
    let daemon = Daemon::start(subject, "");
    let request = xmlrpc::request("supervisor.getState", &[]);
    let answer = connect(&daemon)
        .post("/RPC2", &request)
        .expect("it answers");
    assert_eq!(answer.status_line, "HTTP/1.1 200 OK");
    let mut names: Vec<_> = answer
        .headers
        .iter()
        .map(|(name, _)| name.as_str())
        .collect();
    names.sort_unstable();
    assert_eq!(names, ["Content-Length", "Content-Type", "Date", "Server"]);
    assert_eq!(answer.header("Content-Type"), Some("text/xml"));
    assert_eq!(
        answer.text(),
        "<?xml version='1.0'?>\n<methodResponse>\n<params>\n<param>\n<value><struct>\n\
         <member>\n<name>statecode</name>\n<value><int>1</int></value>\n</member>\n\
         <member>\n<name>statename</name>\n<value><string>RUNNING</string></value>\n</member>\n\
         </struct></value>\n</param>\n</params>\n</methodResponse>\n"
    );
    let request = xmlrpc::request("supervisor.getProcessInfo", &["a<b>&c".into()]);
    let answer = connect(&daemon)
        .post("/RPC2", &request)
        .expect("it answers");
    assert_eq!(
        answer.text(),
        "<?xml version='1.0'?>\n<methodResponse>\n<fault>\n<value><struct>\n\
         <member>\n<name>faultCode</name>\n<value><int>10</int></value>\n</member>\n\
         <member>\n<name>faultString</name>\n\
         <value><string>BAD_NAME: a&lt;b&gt;&amp;c</string></value>\n</member>\n\
         </struct></value>\n</fault>\n</methodResponse>\n"
    );
}

fn connections_stay_open(subject: Subject) {
    let daemon = Daemon::start(subject, "");
    let mut connection = connect(&daemon);
    let body = xmlrpc::request("supervisor.getPID", &[]);
    for _ in 0..3 {
        assert_eq!(
            connection
                .post("/RPC2", &body)
                .expect("it answers")
                .status(),
            200
        );
    }
    let one = format!(
        "POST /RPC2 HTTP/1.1\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    connection.send(one.repeat(2)).expect("it reads");
    assert_eq!(connection.answer().expect("the first").status(), 200);
    assert_eq!(connection.answer().expect("the second").status(), 200);
    let old = one.replace("HTTP/1.1", "HTTP/1.0");
    connection.send(old).expect("it reads");
    let answer = connection.answer().expect("it answers");
    assert_eq!(answer.status_line, "HTTP/1.0 200 OK");
    assert_eq!(connection.rest().expect("it closes"), b"");
}

fn calls_go_to_any_path_that_begins_with_rpc2(subject: Subject) {
    let daemon = Daemon::start(subject, "");
    let body = xmlrpc::request("supervisor.getPID", &[]);
    for (path, status) in [
        ("/RPC2", 200),
        ("/RPC2foo", 200),
        ("/RPC2/", 200),
        ("/RPC2?x=1", 200),
        ("/rpc2", 400),
        ("/RPC", 400),
    ] {
        let answer = connect(&daemon).post(path, &body).expect("it answers");
        assert_eq!(answer.status(), status, "{path}");
    }
}

fn other_methods_and_paths_are_refused(subject: Subject) {
    let daemon = Daemon::start(subject, "");
    for (line, status) in [
        ("GET /RPC2", 400),
        ("PUT /RPC2", 400),
        ("DELETE /", 400),
        ("GET /nope", 404),
        ("GET /../../etc/passwd", 404),
        ("HEAD /ok.html", 404),
    ] {
        let mut connection = connect(&daemon);
        connection
            .send(format!("{line} HTTP/1.1\r\nHost: x\r\n\r\n"))
            .expect("it reads");
        // Supervisor sends a body even to HEAD, which nobody should.
        let head = connection.head().expect("it answers");
        assert_eq!(head.status(), status, "{line}");
    }
    let answer = get(&daemon, "/nope");
    assert_eq!(answer.status_line, "HTTP/1.1 404 Not Found");
    assert_eq!(answer.header("Content-Type"), Some("text/html"));
    assert_eq!(
        answer.text(),
        "<head>\r\n<title>Error response</title>\r\n</head>\r\n<body>\r\n\
         <h1>Error response</h1>\r\n<p>Error code 404.\r\n<p>Message: Not Found.\r\n</body>\r\n"
    );
}

fn a_body_without_its_length_is_refused(subject: Subject) {
    let daemon = Daemon::start(subject, "");
    let answer = exchange(&daemon, "POST /RPC2 HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_eq!(answer.status_line, "HTTP/1.1 411 Length Required");
}

fn bodies_that_are_no_calls_are_refused(subject: Subject) {
    let daemon = Daemon::start(subject, "");
    for body in [
        "nonsense",
        "<a/>",
        "<methodCall></methodCall>",
        "<methodCall><methodName></methodName></methodCall>",
        "<methodCall><methodName>supervisor.getPID",
    ] {
        let answer = connect(&daemon).post("/RPC2", body).expect("it answers");
        assert_eq!(answer.status(), 400, "{body}");
    }
    // What an XML writer may do is understood.
    for body in [
        "<?xml version=\"1.0\"?>\n<!-- c --><methodCall>\n<methodName>supervisor.getPID\
         </methodName>\n<params/>\n</methodCall>\n",
        "<methodCall><methodName>supervisor.<![CDATA[getPID]]></methodName></methodCall>",
        "<methodCall><methodName>supervisor&#46;getPID</methodName></methodCall>",
    ] {
        let answer = connect(&daemon).post("/RPC2", body).expect("it answers");
        assert_eq!(answer.status(), 200, "{body}");
        assert!(xmlrpc::answer(answer.text()).is_ok(), "{body}");
    }
}

fn ok_html_says_ok(subject: Subject) {
    let daemon = Daemon::start(subject, "");
    let answer = get(&daemon, "/ok.html");
    assert_eq!((answer.status(), answer.text()), (200, "OK"));
    assert_eq!(answer.header("Content-Type"), Some("text/plain"));
    assert_eq!(answer.header("Content-Length"), Some("2"));
}

fn basic_authentication_guards_every_path(subject: Subject) {
    let port = Sandbox::free_port();
    let daemon = Daemon::start(
        subject,
        &format!("[inet_http_server]\nport=127.0.0.1:{port}\nusername=user\npassword=a:b"),
    );
    let get = |path: &str, headers: &str| {
        let mut connection = Connection::tcp(port).expect("it listens");
        connection.get(path, headers).expect("it answers")
    };
    for path in [
        "/",
        "/ok.html",
        "/RPC2",
        "/logtail/x",
        "/stylesheets/supervisor.css",
        "/nope",
    ] {
        let answer = get(path, "");
        assert_eq!(answer.status_line, "HTTP/1.1 401 Unauthorized", "{path}");
        assert_eq!(
            answer.header("WWW-Authenticate"),
            Some("Basic realm=\"default\"")
        );
    }
    for (header, status) in [
        ("Authorization: Basic dXNlcjphOmI=\r\n", 200), // user:a:b
        ("authorization: bAsIc dXNlcjphOmI=\r\n", 200),
        ("Authorization: Basic dXNlcjphOkI=\r\n", 401), // user:a:B
        ("Authorization: Bearer dXNlcjphOmI=\r\n", 401),
        ("Authorization: Basic\r\n", 401),
    ] {
        assert_eq!(get("/ok.html", header).status(), status, "{header}");
    }
    // The Unix socket has no password of its own.
    assert_eq!(daemon.call("system.listMethods", &[]).map(|_| ()), Ok(()));
}

fn a_log_is_streamed_in_chunks(subject: Subject) {
    let daemon = Daemon::start(
        subject,
        "[program:p]\ncommand=actor fill 2000 echo\nstartsecs=0\n\
         stdout_logfile=%(here)s/p.log",
    );
    daemon.wait_state("p", "RUNNING");
    let line = "x".repeat(99);
    daemon.wait_file("p.log", &format!("{line}\n").repeat(20));
    let mut connection = connect(&daemon);
    connection
        .send("GET /logtail/p HTTP/1.1\r\nHost: x\r\n\r\n")
        .expect("it reads");
    let head = connection.head().expect("it answers");
    assert_eq!(head.status(), 200);
    assert_eq!(
        head.header("Content-Type"),
        Some("text/plain;charset=utf-8")
    );
    assert_eq!(head.header("Transfer-Encoding"), Some("chunked"));
    assert_eq!(head.header("X-Accel-Buffering"), Some("no"));
    let mut seen = Vec::new();
    let mut read_to = |length: usize| {
        while seen.len() < length {
            seen.extend(connection.chunk().expect("it streams").expect("no end"));
        }
        String::from_utf8_lossy(&seen).into_owned()
    };
    assert_eq!(read_to(1024).len(), 1024);
    let sent = daemon.ask("sendProcessStdin", &["p".into(), "more\n".into()]);
    assert_eq!(sent, true.into());
    assert!(read_to(1024 + 5).ends_with("x\nmore\n"));
}

fn streams_of_what_is_not_there_are_not_found(subject: Subject) {
    let daemon = Daemon::start(subject, &format!("{IDLE}\nstderr_logfile=NONE"));
    for path in [
        "/logtail/nope",
        "/logtail/",
        "/logtail/idle/nope",
        "/logtail/idle/stderr",
        "/logtail/idle:*",
    ] {
        assert_eq!(get(&daemon, path).status(), 404, "{path}");
    }
    let mut connection = connect(&daemon);
    connection
        .send("GET /mainlogtail HTTP/1.1\r\nHost: x\r\n\r\n")
        .expect("it reads");
    assert_eq!(connection.head().expect("it answers").status(), 200);
}

fn the_status_page_lists_processes(subject: Subject) {
    let daemon = Daemon::start(subject, IDLE);
    for path in ["/", "/index.html"] {
        let answer = get(&daemon, path);
        assert_eq!(answer.status(), 200);
        assert_eq!(
            answer.header("Content-Type"),
            Some("text/html;charset=utf-8")
        );
        let page = answer.text();
        for part in [
            "<title>Supervisor Status</title>",
            "tail.html?processname=idle",
            "index.html?processname=idle&amp;action=start",
            "index.html?action=stopall",
            "stopped",
            "Not started",
        ] {
            assert!(page.contains(part), "{path} lacks {part:?}");
        }
    }
    let page = get(&daemon, "/?message=hi%20%3Cb%3E");
    assert!(page.text().contains("<div class=\"status_msg\">hi &lt;b"));
}

fn page_actions_redirect_with_a_message(subject: Subject) {
    let daemon = Daemon::start(subject, IDLE);
    for (query, message) in [
        ("action=start&processname=idle", "Process%20idle%20started"),
        (
            "action=start&processname=idle",
            "ERROR%3A%20Process%20idle%3A%20already%20started",
        ),
        ("action=stop&processname=idle", "Process%20idle%20stopped"),
        (
            "action=restart&processname=idle",
            "Process%20idle%20restarted",
        ),
        (
            "action=clearlog&processname=idle",
            "Log%20for%20idle%20cleared",
        ),
        (
            "action=stop&processname=nope",
            "No%20such%20process%20named%20nope",
        ),
    ] {
        let answer = get(&daemon, &format!("/index.html?{query}"));
        assert_eq!(answer.status(), 301, "{query}");
        let to = answer.header("Location").expect("a Location");
        let message = format!("/?message={message}");
        assert!(to.ends_with(&message), "{query} leads to {to}");
    }
}
