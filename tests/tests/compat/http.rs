//! HTTP around XML-RPC: paths, methods, headers, passwords, streams, the web page.

use minder_tests::http::{Answer, Connection};
use minder_tests::{Daemon, Sandbox, Subject, cases, xmlrpc};

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
    the_status_page_lists_processes,
    each_row_offers_what_its_state_allows,
    a_page_without_programs_says_so,
    pages_are_not_kept,
    page_fields_come_from_address_and_body,
    page_actions_redirect_with_a_message,
    page_actions_tell_why_they_failed,
    page_actions_may_mean_all_processes,
    page_actions_lead_to_the_host_of_the_request,
    page_actions_need_a_name_and_a_process,
    page_actions_are_not_for_other_sites,
    the_tail_page_shows_the_end_of_a_log,
    the_tail_page_tells_what_it_cannot_show,
    pages_bring_their_style_and_images,
    a_browser_may_be_shown_another_page,
    the_fields_of_answers_come_in_order,
    an_old_client_is_told_that_its_connection_stays,
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
    for path in ["/RPC2", "/", "/tail.html", "/ok.html"] {
        let answer = exchange(&daemon, &format!("POST {path} HTTP/1.1\r\nHost: x\r\n\r\n"));
        assert_eq!(answer.status_line, "HTTP/1.1 411 Length Required", "{path}");
    }
    // Where nothing is sent to, it does not matter.
    for path in ["/nope", "/images", "/stylesheets/supervisor.css"] {
        let answer = exchange(&daemon, &format!("POST {path} HTTP/1.1\r\nHost: x\r\n\r\n"));
        assert_eq!(answer.status(), 400, "{path}");
    }
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
            "<a href=\"http://supervisord.org\">Supervisor</a> <span>4.3.0</span>",
        ] {
            assert!(page.contains(part), "{path} lacks {part:?}");
        }
    }
    let page = get(&daemon, "/?message=hi%20%3Cb%3E%20%26%20%22");
    assert!(
        page.text()
            .contains("<div class=\"status_msg\">hi &lt;b> &amp; \"</div>")
    );
    let page = get(&daemon, "/?message=%26lt%3B");
    let shown = subject.differs("true-text", "&lt;", "&amp;lt;");
    let message = format!("<div class=\"status_msg\">{shown}</div>");
    assert!(page.text().contains(&message));
    assert_eq!(get(&daemon, "//index.html").status(), 200);
    assert_eq!(get(&daemon, "/%69ndex.html").status(), 200);
    assert_eq!(get(&daemon, "/Index.html").status(), 404);
    assert_eq!(get(&daemon, "/index.html/").status(), 404);
}

/// The rows of the status page, each without line ends and what stands between tags only to
/// make the source readable.
fn rows(page: &str) -> Vec<String> {
    page.split("<tr class=")
        .skip(1)
        .map(|row| row.lines().map(str::trim).collect())
        .collect()
}

fn each_row_offers_what_its_state_allows(subject: Subject) {
    let daemon = Daemon::start(
        subject,
        "[program:z]\ncommand=/bin/cat\nprocess_name=%(program_name)s-%(process_num)s\n\
         numprocs=2\nautostart=false\n\
         [program:bad]\ncommand=/bin/false\nstartretries=0\n\
         [program:slow]\ncommand=/bin/cat\nstartsecs=1000\n\
         [program:up]\ncommand=/bin/cat\nstartsecs=0",
    );
    daemon.wait_state("bad", "FATAL");
    daemon.wait_state("slow", "STARTING");
    daemon.wait_state("up", "RUNNING");
    let page = get(&daemon, "/");
    let rows = rows(page.text());
    assert_eq!(rows.len(), 5);
    let action = |name: &str, label: &str, action: &str| {
        format!(
            "<li><a href=\"index.html?processname={name}&amp;action={action}\" \
             name=\"{label}\">{label}</a></li>"
        )
    };
    let nothing = "<li><a class=\"hidden\" href=\"#\" name=\"#\">Action</a></li>";
    for (row, (class, name, address, state, first, second)) in rows.iter().zip([
        (
            "",
            "bad",
            "bad",
            "<span class=\"statuserror\">fatal</span>",
            action("bad", "Start", "start"),
            nothing.to_owned(),
        ),
        (
            "shade",
            "slow",
            "slow",
            "<span class=\"statusnominal\">starting</span>",
            nothing.to_owned(),
            nothing.to_owned(),
        ),
        (
            "",
            "up",
            "up",
            "<span class=\"statusrunning\">running</span>",
            action("up", "Restart", "restart"),
            action("up", "Stop", "stop"),
        ),
        (
            "shade",
            "z:z-0",
            "z%3Az-0",
            "<span class=\"statusnominal\">stopped</span>",
            action("z%3Az-0", "Start", "start"),
            nothing.to_owned(),
        ),
        (
            "",
            "z:z-1",
            "z%3Az-1",
            "<span class=\"statusnominal\">stopped</span>",
            action("z%3Az-1", "Start", "start"),
            nothing.to_owned(),
        ),
    ]) {
        let clear = action(address, "Clear Log", "clearlog");
        let log = |label: &str, path: &str| {
            format!(
                "<li><a href=\"logtail/{path}\" name=\"{label}\" target=\"_blank\">{label}</a></li>"
            )
        };
        let stdout = log("Tail -f Stdout", address);
        let stderr = log("Tail -f Stderr", &format!("{address}/stderr"));
        for part in [
            format!("\"{class}\"><td class=\"status\">{state}</td><td><span>"),
            format!(
                "</span></td><td><a href=\"tail.html?processname={address}\" \
                 target=\"_blank\">{name}</a></td>"
            ),
            format!(
                "<td class=\"action\"><ul>{first}{second}{clear}{stdout}{stderr}</ul></td></tr>"
            ),
        ] {
            assert!(row.contains(&part), "{row} lacks {part}");
        }
    }
}

fn a_page_without_programs_says_so(subject: Subject) {
    let daemon = Daemon::start(subject, "");
    let page = get(&daemon, "/");
    assert!(page.text().contains("No programs to manage"));
    assert!(!page.text().contains("<table"));
    assert!(page.text().contains("<div class=\"hidden\">#</div>"));
    assert!(page.text().contains("<span>4.3.0</span>"));
}

fn pages_are_not_kept(subject: Subject) {
    let daemon = Daemon::start(subject, "");
    for path in ["/", "/tail.html", "/?action=refresh"] {
        let answer = get(&daemon, path);
        for (header, value) in [
            ("Pragma", "no-cache"),
            ("Cache-Control", "no-cache"),
            ("Expires", "Thu, 01 Jan 1970 00:00:00 GMT"),
        ] {
            assert_eq!(answer.header(header), Some(value), "{path}");
        }
    }
}

fn page_fields_come_from_address_and_body(subject: Subject) {
    let daemon = Daemon::start(subject, "");
    for (query, body, message) in [
        ("message=a&message=b", "x=1", "a"),
        ("message=&message=b", "x=1", "b"),
        ("message=a", "message=b+c&message=d%21+e", "d! e"),
        ("message=a", "message=", "a"),
        ("message=a;message=b", "nothing", "a;message=b"),
        ("message=%C3%A4%ff", "x=1", "\u{e4}\u{fffd}"),
    ] {
        let answer = connect(&daemon)
            .post(&format!("/index.html?{query}"), body)
            .expect("it answers");
        let shown = format!("<div class=\"status_msg\">{message}</div>");
        assert!(answer.text().contains(&shown), "{query} {body}");
    }
    let answer = exchange(&daemon, "POST / HTTP/1.1\r\nHost: x\r\n\r\n");
    assert_eq!(answer.status(), 411);
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

/// Where the answer to this request to the status page leads, from its path on.
fn leads_to(daemon: &Daemon, query: &str) -> String {
    let answer = get(daemon, &format!("/index.html?{query}"));
    assert_eq!(answer.status(), 301, "{query}");
    let to = answer.header("Location").expect("a Location");
    let path = to.strip_prefix("http://localhost").expect("the same host");
    path.to_owned()
}

fn page_actions_tell_why_they_failed(subject: Subject) {
    let daemon = Daemon::start(
        subject,
        &format!(
            "{IDLE}\n[program:bad]\ncommand=/bin/false\nautostart=false\nstartretries=0\n\
             [program:gone]\ncommand=/nonexistent\nautostart=false\n\
             [program:text]\ncommand=/etc/passwd\nautostart=false\n\
             [program:many]\ncommand=/bin/cat\nautostart=false\nnumprocs=2\n\
             process_name=p%(process_num)s"
        ),
    );
    for (query, message) in [
        (
            "action=start&processname=bad",
            "ERROR%3A%20Process%20bad%3A%20spawn%20error",
        ),
        (
            "action=start&processname=gone",
            "ERROR%3A%20Process%20gone%3A%20no%20such%20file",
        ),
        (
            "action=start&processname=text",
            "ERROR%3A%20Process%20text%3A%20file%20not%20executable",
        ),
        (
            "action=stop&processname=idle",
            "unexpected%20rpc%20fault%20%5B70%5D%20NOT_RUNNING%3A%20idle",
        ),
        (
            "action=restart&processname=bad",
            "Process%20bad%20restarted",
        ),
        (
            "action=start&processname=many",
            "No%20such%20process%20named%20many",
        ),
        (
            "action=start&processname=many%3A*",
            "No%20such%20process%20named%20many%3A%2A",
        ),
        (
            "action=start&processname=many:",
            "No%20such%20process%20named%20many%3A",
        ),
        (
            "action=stop&processname=a+b%0d%0a%C3%A4~-_.%2F%3C",
            "No%20such%20process%20named%20a%20b%0D%0A%C3%A4~-_./%3C",
        ),
    ] {
        assert_eq!(
            leads_to(&daemon, query),
            format!("/?message={message}"),
            "{query}"
        );
    }
    assert_eq!(
        leads_to(&daemon, "action=start&processname=many:p1"),
        "/?message=Process%20many%3Ap1%20started"
    );
}

fn page_actions_may_mean_all_processes(subject: Subject) {
    let daemon = Daemon::start(subject, &format!("{IDLE}\n[program:up]\ncommand=/bin/cat"));
    daemon.wait_state("up", "RUNNING");
    for (action, message, state) in [
        ("refresh", "Page%20refreshed", "running"),
        ("stopall", "All%20stopped", "stopped"),
        ("restartall", "All%20restarted", "running"),
    ] {
        let to = leads_to(&daemon, &format!("action={action}"));
        let time = to
            .strip_prefix(&format!("/?message={message}%20at%20"))
            .expect("its message");
        // As in "Mon Nov 23 14:58:57 2026".
        assert_eq!(time.replace("%20", " ").replace("%3A", ":").len(), 24);
        let page = get(&daemon, "/");
        let row = rows(page.text()).pop().expect("a row");
        assert!(row.contains(&format!(">{state}</span>")), "{action}: {row}");
    }
    daemon.wait_state("idle", "RUNNING");
}

fn page_actions_lead_to_the_host_of_the_request(subject: Subject) {
    let daemon = Daemon::start(subject, IDLE);
    for (host, server) in [
        ("example.org", "http://example.org"),
        ("example.org:81", "http://example.org:81"),
        ("example.org:80", "http://example.org"),
        ("[::1]:9001", "http://[::1]:9001"),
    ] {
        let body = "action=clearlog&processname=idle";
        let answer = exchange(
            &daemon,
            &format!(
                "POST / HTTP/1.1\r\nHost: {host}\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            ),
        );
        assert_eq!(answer.status_line, "HTTP/1.1 301 Moved Permanently");
        assert_eq!(
            answer.header("Location"),
            Some(&*format!("{server}/?message=Log%20for%20idle%20cleared"))
        );
    }
}

fn page_actions_need_a_name_and_a_process(subject: Subject) {
    let daemon = Daemon::start(subject, IDLE);
    for query in [
        "action=nonsense",
        "action=start",
        "action=start&processname=",
        "action=nonsense&processname=idle",
    ] {
        let answer = get(&daemon, &format!("/?{query}"));
        let status = subject.differs("strict-http", 500, 400);
        assert_eq!(answer.status(), status, "{query}");
    }
    assert_eq!(get(&daemon, "/?action=&processname=idle").status(), 200);
}

fn page_actions_are_not_for_other_sites(subject: Subject) {
    let daemon = Daemon::start(subject, IDLE);
    let action = "/?action=stop&processname=idle";
    for (headers, foreign) in [
        ("", false),
        ("Sec-Fetch-Site: same-origin\r\n", false),
        ("Sec-Fetch-Site: none\r\n", false),
        ("Sec-Fetch-Site: cross-site\r\n", true),
        ("Sec-Fetch-Site: same-site\r\n", true),
        ("Origin: http://localhost\r\n", false),
        ("Origin: http://localhost:81\r\n", true),
        ("Origin: http://example.org\r\n", true),
        ("Origin: null\r\n", true),
    ] {
        let refused = |otherwise| {
            if foreign {
                subject.differs("cross-site", otherwise, 403)
            } else {
                otherwise
            }
        };
        let get = |path| connect(&daemon).get(path, headers).expect("it answers");
        assert_eq!(get(action).status(), refused(301), "{headers}");
        assert_eq!(get("/").status(), 200, "{headers}");
        let call = xmlrpc::request("supervisor.getPID", &[]);
        let answer = exchange(
            &daemon,
            &format!(
                "POST /RPC2 HTTP/1.1\r\nHost: localhost\r\n{headers}Content-Length: {}\r\n\r\n{call}",
                call.len()
            ),
        );
        assert_eq!(answer.status(), refused(200), "{headers}");
    }
}

fn the_tail_page_shows_the_end_of_a_log(subject: Subject) {
    let daemon = Daemon::start(
        subject,
        "[program:p]\ncommand=actor fill 2000 echo\nstartsecs=0\n\
         stdout_logfile=%(here)s/p.log",
    );
    daemon.wait_state("p", "RUNNING");
    let line = format!("{}\n", "x".repeat(99));
    daemon.wait_file("p.log", &line.repeat(20));
    let said = "<script>alert(\"a & b\")</script>\n";
    let sent = daemon.ask("sendProcessStdin", &["p".into(), said.into()]);
    assert_eq!(sent, true.into());
    daemon.wait_file("p.log", &(line.repeat(20) + said));
    let log = line.repeat(20) + said;
    let shown = |length: usize| {
        let end = &log[log.len() - length..];
        let end = end.replace('&', "&amp;").replace('<', "&lt;");
        format!("<pre>{end}</pre>")
    };
    for (query, length) in [
        ("processname=p", 1024),
        ("processname=p&limit=10", 1024),
        ("processname=p&limit=x", 1024),
        ("processname=p&limit=-1500", 1024),
        ("processname=p&limit=1500", 1500),
        ("processname=p&limit=100000", log.len()),
    ] {
        let answer = get(&daemon, &format!("/tail.html?{query}"));
        assert_eq!(answer.status(), 200);
        assert_eq!(
            answer.header("Content-Type"),
            Some("text/html;charset=utf-8")
        );
        let page = answer.text();
        assert!(page.contains("<title>Supervisor tail of process p</title>"));
        assert!(page.contains(&shown(length)), "{query}: {page}");
        let limit = if length == log.len() { 100_000 } else { length };
        let again = format!("<a href=\"tail.html?processname=p&amp;limit={limit}\">");
        assert!(page.contains(&again), "{query}: {page}");
        assert!(page.contains("<input name=\"refresh\" type=\"button\" value=\" Refresh \" />"));
    }
}

fn the_tail_page_tells_what_it_cannot_show(subject: Subject) {
    let daemon = Daemon::start(subject, &format!("{IDLE}\nstdout_logfile=NONE"));
    for (query, title, text) in [
        ("", "None", "No process name found"),
        ("?processname=", "None", "No process name found"),
        ("?processname=idle", "idle", "No file for idle"),
        (
            "?processname=nope",
            "nope",
            "ERROR: unexpected rpc fault [10] BAD_NAME: nope",
        ),
        (
            "?processname=%3Cb%3E:*",
            "&lt;b>:*",
            "ERROR: unexpected rpc fault [10] BAD_NAME: &lt;b>:*",
        ),
    ] {
        let answer = get(&daemon, &format!("/tail.html{query}"));
        let page = answer.text();
        assert!(
            page.contains(&format!(
                "<title>Supervisor tail of process {title}</title>"
            )),
            "{page}"
        );
        assert!(page.contains(&format!("<pre>{text}</pre>")), "{page}");
        assert_eq!(page.contains("name=\"refresh\""), title != "None");
    }
}

fn pages_bring_their_style_and_images(subject: Subject) {
    let daemon = Daemon::start(subject, "");
    let page = get(&daemon, "/");
    for (path, kind) in [
        ("stylesheets/supervisor.css", "text/css"),
        ("images/icon.png", "image/png"),
        ("images/supervisor.gif", "image/gif"),
    ] {
        assert!(page.text().contains(&format!("=\"{path}\"")), "{path}");
        let answer = get(&daemon, &format!("/{path}"));
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.header("Content-Type"), Some(kind));
        let length = answer.body.len().to_string();
        assert_eq!(answer.header("Content-Length"), Some(&*length));
        let mut connection = connect(&daemon);
        connection
            .send(format!("HEAD /{path} HTTP/1.1\r\nHost: x\r\n\r\n"))
            .expect("it reads");
        let head = connection.head().expect("it answers");
        assert_eq!(
            (head.status(), head.header("Content-Length")),
            (200, Some(&*length))
        );
        let answer = connect(&daemon)
            .post(&format!("/{path}"), "x=1")
            .expect("it answers");
        assert_eq!(answer.status(), 400);
    }
    for path in ["/images/", "/stylesheets/", "/images/nope.png"] {
        assert_eq!(get(&daemon, path).status(), 404, "{path}");
    }
    for path in ["/images", "//stylesheets", "/%69mages?x=1"] {
        let answer = get(&daemon, path);
        assert_eq!(answer.status(), 301, "{path}");
        let location = answer.header("Location").expect("a place");
        let name = path
            .trim_matches('/')
            .replace("%69", "i")
            .replace("?x=1", "");
        assert!(location.ends_with(&format!("/{name}/")), "{location}");
    }
    for path in ["/", "/index.html"] {
        let mut connection = connect(&daemon);
        connection
            .send(format!("HEAD {path} HTTP/1.1\r\nHost: x\r\n\r\n"))
            .expect("it reads");
        assert_eq!(
            connection.head().expect("it answers").status(),
            404,
            "{path}"
        );
    }
}

fn a_browser_may_be_shown_another_page(subject: Subject) {
    let daemon = Daemon::start(subject, IDLE);
    let get = |path: &str, accept: &str| {
        let header = format!("Accept: {accept}\r\n");
        connect(&daemon).get(path, &header).expect("it answers")
    };
    let person = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
    let theirs = "<title>Supervisor Status</title>";
    for path in ["/", "/index.html", "/?message=hi"] {
        assert!(get(path, "*/*").text().contains(theirs), "{path}");
        let shown = get(path, person);
        assert_eq!(shown.status(), 200);
        let title = subject.differs("own-page", theirs, "· Minder</title>");
        assert!(shown.text().contains(title), "{path}");
    }
    // An old link acts at once for a program; in a browser anybody may have led there.
    let link = "/index.html?action=start&processname=idle";
    let shown = get(link, person);
    assert_eq!(shown.status(), subject.differs("own-page", 301, 200));
    let state = subject.differs("own-page", "RUNNING", "STOPPED");
    assert_eq!(daemon.state("idle"), state);
    let stop = get("/index.html?action=stop&processname=idle", "*/*");
    assert_eq!(stop.status(), 301);
    assert_eq!(get(link, "*/*").status(), 301);
    assert_eq!(daemon.state("idle"), "RUNNING");
    // What is not a page stays what it is.
    assert_eq!(get("/ok.html", person).text(), "OK");
    assert_eq!(get("/images/nope.png", person).status(), 404);
    assert!(
        get("/tail.html?processname=idle", person)
            .text()
            .contains("<pre>")
    );
}

/// The names of the fields of an answer, in their order, in small letters; without those that only
/// Minder sends.
fn fields(answer: &Answer) -> Vec<String> {
    let names = answer.headers.iter();
    let names = names.map(|(name, _)| name.to_ascii_lowercase());
    let ours = ["content-security-policy", "vary", "x-content-type-options"];
    names.filter(|name| !ours.contains(&&**name)).collect()
}

fn the_fields_of_answers_come_in_order(subject: Subject) {
    let daemon = Daemon::start(subject, IDLE);
    let error = ["server", "date", "content-length", "content-type"];
    assert_eq!(fields(&get(&daemon, "/nope")), error);
    assert_eq!(fields(&get(&daemon, "/logtail/nope")), error);
    let garbage = connect(&daemon).post("/RPC2", "nonsense");
    assert_eq!(fields(&garbage.expect("it answers")), error);
    let mut following = connect(&daemon);
    following
        .send("GET /logtail/idle HTTP/1.1\r\n\r\n")
        .expect("it reads");
    let stream = [
        "server",
        "date",
        "last-modified",
        "content-type",
        "x-accel-buffering",
        "transfer-encoding",
    ];
    assert_eq!(fields(&following.head().expect("it answers")), stream);
    let call = xmlrpc::request("supervisor.getPID", &[]);
    let called = connect(&daemon).post("/RPC2", &call).expect("it answers");
    let plain = ["server", "date", "content-type", "content-length"];
    assert_eq!(fields(&called), plain);
    assert_eq!(fields(&get(&daemon, "/ok.html")), plain);
    let page = [
        "server",
        "date",
        "content-type",
        "pragma",
        "cache-control",
        "expires",
        "content-length",
    ];
    assert_eq!(fields(&get(&daemon, "/")), page);
    assert_eq!(fields(&get(&daemon, "/tail.html?processname=idle")), page);
    let mut elsewhere = page.to_vec();
    elsewhere.insert(2, "location");
    assert_eq!(fields(&get(&daemon, "/?action=refresh")), elsewhere);

    let port = Sandbox::free_port();
    let daemon = Daemon::start(
        subject,
        &format!("[inet_http_server]\nport=127.0.0.1:{port}\nusername=user\npassword=secret"),
    );
    let mut guarded = Connection::tcp(port).expect("it listens");
    let answer = guarded.get("/ok.html", "").expect("it answers");
    let refused = [
        "server",
        "date",
        "connection",
        "www-authenticate",
        "content-length",
        "content-type",
    ];
    assert_eq!(fields(&answer), refused);
    drop(daemon);
}

fn an_old_client_is_told_that_its_connection_stays(subject: Subject) {
    let daemon = Daemon::start(subject, "");
    let call = xmlrpc::request("supervisor.getPID", &[]);
    for spelled in ["Keep-Alive", "keep-alive"] {
        let mut connection = connect(&daemon);
        for _ in 0..2 {
            let request = format!(
                "POST /RPC2 HTTP/1.0\r\nConnection: {spelled}\r\nContent-Length: {}\r\n\r\n{call}",
                call.len()
            );
            connection.send(request).expect("it reads");
            let answer = connection.answer().expect("it answers");
            assert_eq!(answer.status_line, "HTTP/1.0 200 OK");
            let last = answer.headers.last().expect("fields");
            assert_eq!(*last, ("Connection".to_owned(), "Keep-Alive".to_owned()));
        }
    }
}
