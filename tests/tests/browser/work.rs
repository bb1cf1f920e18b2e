//! What people do with it when all is well, or when a program is not.

use minder_tests::browser::Manner;

use crate::{Visit, row, row_in};

#[test]
fn a_process_is_stopped_and_started_from_its_row() {
    let programs = "[program:web]\ncommand=/bin/cat\nstartsecs=0\n[program:idle]\ncommand=/bin/cat";
    let Some(visit) = Visit::begin(programs, Manner::default()) else {
        return;
    };
    let browser = &visit.browser;
    browser.wait_shown(&row_in("web", "RUNNING"));
    browser.wait_text(".live", "Live");
    let pid = visit.daemon.pid_of("web");
    browser.wait_text(&row("web"), &pid.to_string());

    // Asked in its own place, and taken back.
    browser.click(&format!("{} [name=stop]", row("web")));
    browser.wait_text(&row("web"), "Stop it?");
    browser.click(&format!("{} .ask ~ [type=button]", row("web")));
    browser.wait_shown(&format!("{} [name=restart]", row("web")));
    visit.daemon.wait_state("web", "RUNNING");

    browser.click(&format!("{} [name=stop]", row("web")));
    browser.click(&format!("{} [data-sure]", row("web")));
    browser.wait_shown(&row_in("web", "STOPPED"));
    visit.daemon.wait_state("web", "STOPPED");
    browser.click(&format!("{} [name=start]", row("web")));
    browser.wait_shown(&row_in("web", "RUNNING"));
    visit.daemon.wait_state("idle", "RUNNING");
}

#[test]
fn a_crash_is_told_of_with_the_last_words_of_the_program() {
    let programs = "[program:web]\ncommand=actor err '<b>it broke</b>' until now exit 1\n\
                    startsecs=0\nautorestart=false";
    let Some(visit) = Visit::begin(programs, Manner::default()) else {
        return;
    };
    let browser = &visit.browser;
    browser.wait_shown(&row_in("web", "RUNNING"));
    browser.wait_text("#trouble", "Everything that should run is running.");
    visit.daemon.sandbox().write("now", "");
    browser.wait_shown("section.trouble li[data-name=web]");
    browser.wait_text("section.trouble", "with code 1, unexpected");
    browser.wait_text("section.trouble .said", "<b>it broke</b>");
}

#[test]
fn many_are_stopped_only_by_their_number() {
    let programs = "[program:p]\ncommand=/bin/cat\nstartsecs=0\nnumprocs=12\n\
                    process_name=%(process_num)02d";
    let Some(visit) = Visit::begin(programs, Manner::default()) else {
        return;
    };
    let browser = &visit.browser;
    browser.wait_shown(&row_in("p:11", "RUNNING"));
    browser.click("details.menu > summary");
    browser.click("[name=stopall]");
    browser.wait_text("#ask", "Stop 12 processes?");
    // Not before the number is right.
    browser.type_into("#ask [name=count]", "1");
    assert_eq!(
        browser.script("return document.querySelector('#ask .danger').disabled"),
        true
    );
    browser.type_into("#ask [name=count]", "2");
    browser.click("#ask .danger");
    browser.wait_shown(&row_in("p:00", "STOPPED"));
    visit.daemon.wait_state("p:11", "STOPPED");

    // What is ticked is started together, as far as it does not run already.
    let ticks = ["p:03", "p:07", "p:08"];
    for (count, name) in (1..).zip(ticks) {
        browser.click(&format!("{} [name=p]", row(name)));
        browser.wait_text(".bulk b", &format!("{count} selected"));
        if count > 1 {
            browser.click(".bulk [name=start]");
            browser.wait_shown(&row_in(name, "RUNNING"));
        }
    }
    visit.daemon.wait_state("p:03", "RUNNING");
    visit.daemon.wait_state("p:04", "STOPPED");
    browser.wait_shown(&format!("{} [name=stop]", row("p:08")));
    assert!(!browser.shows("#said .notice"));
}

#[test]
fn the_table_is_filtered_by_name_and_by_state() {
    let programs = "[program:web]\ncommand=/bin/cat\n[program:mail]\ncommand=/bin/cat\n\
                    autostart=false";
    let Some(visit) = Visit::begin(programs, Manner::default()) else {
        return;
    };
    let browser = &visit.browser;
    browser.type_into("[data-do=filter]", "MAI");
    browser.wait_shown(&row("mail"));
    minder_tests::wait_until("the other one is gone", || !browser.shows(&row("web")));
    assert!(
        browser.address().ends_with("?q=MAI"),
        "{}",
        browser.address()
    );
    visit.go("?state=RUNNING,STARTING");
    browser.wait_shown(&row("web"));
    assert!(!browser.shows(&row("mail")));
    browser.click(".counts [data-state=STOPPED]");
    browser.wait_shown(&row("mail"));
}

#[test]
fn a_log_is_followed_held_and_searched() {
    let programs = "[program:web]\ncommand=actor out first until more \
                    out '\u{1b}[31mred <script>alert(1)</script>\u{1b}[0m plain' echo\n\
                    startsecs=0\nstdout_logfile=%(here)s/web.log";
    let Some(visit) = Visit::begin(programs, Manner::default()) else {
        return;
    };
    let browser = &visit.browser;
    visit.daemon.wait_state("web", "RUNNING");
    visit.go("process?name=web");
    browser.wait_text(".out", "first");
    visit.daemon.sandbox().write("more", "");
    browser.wait_text(".out .a31", "red <script>alert(1)</script>");

    // A line from here comes back as the program's.
    browser.type_into("[name=stdin]", "from the page\u{e007}");
    browser.wait_text(".out > div:last-child", "from the page");
    browser.wait_text("[data-logstate]", "Following");

    browser.click("[data-do=pause]");
    visit.say("web", "while it was paused");
    browser.wait_text("[data-logstate]", "Paused, 1 new lines held");
    assert!(
        !browser
            .text(".out")
            .expect("a log")
            .contains("while it was paused")
    );
    browser.click("[data-do=pause]");
    browser.wait_text(".out", "while it was paused");

    browser.type_into("[data-do=find]", "PAGE");
    browser.wait_text(".out mark.now", "page");
    browser.type_into("[data-do=find]", "\u{e007}");
    browser.wait_text("[data-logstate]", "1 line matches");
    assert_eq!(
        browser.script("return document.querySelectorAll('script').length"),
        1
    );
}

#[test]
fn keys_do_what_buttons_do() {
    let programs = "[program:a]\ncommand=/bin/cat\nstartsecs=0\n[program:b]\ncommand=/bin/cat\n\
                    startsecs=0";
    let Some(visit) = Visit::begin(programs, Manner::default()) else {
        return;
    };
    let browser = &visit.browser;
    browser.wait_shown(&row_in("b", "RUNNING"));
    browser.type_into("body", "j");
    browser.type_into(&format!("{} th a", row("a")), "j");
    browser.type_into(&format!("{} th a", row("b")), "t");
    browser.wait_text(&row("b"), "Stop it?");
    // Escape.
    browser.type_into(&format!("{} [data-sure]", row("b")), "\u{e00c}");
    browser.wait_shown(&format!("{} [name=stop]", row("b")));
    browser.type_into("body", "?");
    browser.wait_shown("#keys");
    browser.click("#keys .primary");
    browser.type_into("body", "ge");
    browser.wait_text("h1", "Events");
}

#[test]
fn an_update_is_looked_at_and_done() {
    let programs = "[program:web]\ncommand=/bin/cat\nstartsecs=0\nstopwaitsecs=9\nnumprocs=3\n\
                    process_name=web_%(process_num)d";
    let Some(visit) = Visit::begin(programs, Manner::default()) else {
        return;
    };
    let browser = &visit.browser;
    visit.daemon.wait_state("web:web_2", "RUNNING");
    let sandbox = visit.daemon.sandbox();
    let text = sandbox.read("supervisord.conf").replace("=3\n", "=2\n");
    let text = text + "[program:mail]\ncommand=/bin/cat\nstartsecs=0\n";
    sandbox.write("supervisord.conf", text);
    visit.go("configuration");
    browser.wait_text(".lede", "1 group added, 1 changed.");
    browser.wait_text(".plan", "up to 9 s to stop");
    browser.wait_text("[aria-labelledby=fi]", "program:web, program:mail");
    // What the others have is no news, and what the one that goes had is not changed.
    browser.wait_text("[aria-labelledby=d-web]", "No longer there: web_2");
    assert!(!browser.shows("[aria-labelledby=d-web] table"));
    browser.wait_text("[aria-labelledby=d-mail]", "/bin/cat");
    browser.click("[name=update]");
    browser.click("#ask .primary, #ask .danger");
    browser.wait_text(".lede", "There is nothing to update.");
    visit.daemon.wait_state("mail", "RUNNING");
    visit.daemon.wait_state("web:web_1", "RUNNING");
}

#[test]
fn several_are_sent_a_signal_and_their_logs_are_emptied() {
    let programs = "[program:p]\ncommand=actor out said wait\nstartsecs=0\nnumprocs=3\n\
                    autorestart=false\nprocess_name=%(process_num)d\n\
                    stdout_logfile=%(here)s/%(process_num)d.log";
    let Some(visit) = Visit::begin(programs, Manner::default()) else {
        return;
    };
    let browser = &visit.browser;
    let tick = |name: &str| browser.click(&format!("{} [name=p]", row(name)));
    let choose = |button: &str| {
        browser.click(".bulk summary");
        browser.click(&format!(".bulk {button}"));
    };
    for name in ["0", "1"] {
        visit.daemon.wait_file(&format!("{name}.log"), "said\n");
        browser.wait_shown(&row_in(&format!("p:{name}"), "RUNNING"));
        tick(&format!("p:{name}"));
    }
    choose("[name=clearlog]");
    browser.wait_text("#ask", "Clear the log of 2 processes?");
    browser.click("#ask .danger");
    browser.wait_text("#said", "p:0, p:1: the log was cleared.");
    let sandbox = visit.daemon.sandbox();
    assert_eq!(sandbox.read("0.log") + &sandbox.read("1.log"), "");
    assert_eq!(sandbox.read("2.log"), "said\n");

    // What they may go on after is not asked about, and what ends them is.
    choose("[value=KILL]");
    browser.wait_text("#ask", "Send KILL to 2 processes?");
    browser.click("#ask [data-do=cancel]");
    choose("[value=USR1]");
    browser.wait_text("#said", "USR1 was sent to p:0, p:1.");
    browser.wait_shown(&row_in("p:0", "EXITED"));
    visit.daemon.wait_state("p:1", "EXITED");
    visit.daemon.wait_state("p:2", "RUNNING");
    // They are ticked still, and cannot take another.
    choose("[value=USR1]");
    browser.wait_text("#said", "Nothing is selected that this can be done with.");
}

#[test]
fn what_is_being_done_and_what_fails_is_told_in_the_row() {
    let programs = "[program:web]\ncommand=actor ignore TERM until now\nstartsecs=0\n\
                    [program:wrong]\ncommand=/nonexistent/program\nautostart=false\n\
                    [program:idle]\ncommand=/bin/cat";
    let Some(visit) = Visit::begin(programs, Manner::default()) else {
        return;
    };
    let browser = &visit.browser;
    browser.wait_shown(&row_in("web", "RUNNING"));
    let stop = format!(
        "const row = document.querySelector('{}');
         row.querySelector('[name=stop]').click();
         row.querySelector('[data-sure]').click();
         return [row.querySelector('.doing').textContent, row.contains(document.activeElement)];",
        row("web")
    );
    assert_eq!(browser.script(&stop), serde_json::json!(["stopping", true]));
    browser.wait_shown(&row_in("web", "STOPPING"));
    visit.daemon.sandbox().write("now", "");
    browser.wait_shown(&format!("{} [name=start]", row_in("web", "STOPPED")));

    browser.click(&format!("{} [name=start]", row("wrong")));
    let failed = format!("{} .failed", row("wrong"));
    browser.wait_text(&failed, "wrong: this could not be done. NO_FILE");
    // It stays while other things happen, until it is dismissed.
    assert_eq!(
        visit.daemon.ask("stopProcess", &["idle".into()]),
        true.into()
    );
    browser.wait_shown(&row_in("idle", "STOPPED"));
    browser.click(&format!("{failed} button"));
    assert!(!browser.shows(&failed));
}

#[test]
fn a_line_of_a_log_is_linked_to() {
    let programs = "[program:web]\ncommand=/bin/cat\nstartsecs=0\nstdout_logfile=%(here)s/web.log";
    let Some(visit) = Visit::begin(programs, Manner::default()) else {
        return;
    };
    let browser = &visit.browser;
    visit.daemon.wait_state("web", "RUNNING");
    let sandbox = visit.daemon.sandbox();
    let lines: Vec<_> = (0..9000).map(|line| format!("line {line} 行\n")).collect();
    sandbox.write("web.log.1", lines.concat());
    visit.go("process?name=web&file=1");
    browser.wait_text(".out", "line 8999");
    let click = "[...document.querySelectorAll('.out > [data-at]')]
                 .find((line) => line.textContent === 'line 8800 行').click()";
    let _ = browser.script(click);
    browser.wait_text(".out .here", "line 8800 行");
    browser.wait_text("[data-logstate]", "link to this line");
    let link = browser.address();
    assert!(link.ends_with("#here") && !link.contains("file="), "{link}");

    // The link outlives a rotation, and says so when it has outlived the file.
    std::fs::rename(sandbox.path("web.log.1"), sandbox.path("web.log.2")).expect("it is renamed");
    sandbox.write("web.log.1", "another\n");
    visit.go("events");
    browser.go(&link);
    browser.wait_text(".out .here", "line 8800 行");
    assert!(browser.shows(".out .here") && browser.shows("[name=file] [value='2']:checked"));
    let is_seen = "const line = document.querySelector('.here').getBoundingClientRect();
                   const log = document.querySelector('.out').getBoundingClientRect();
                   return log.top <= line.top && line.bottom <= log.bottom";
    assert_eq!(browser.script(is_seen), true);
    std::fs::remove_file(sandbox.path("web.log.2")).expect("it is removed");
    browser.reload();
    browser.wait_text(".out", "This is the end of the log.");
}

#[test]
fn a_log_tells_where_a_program_was_started_anew() {
    let programs = "[program:web]\ncommand=actor out begun echo\nstartsecs=0\n\
                    stdout_logfile=%(here)s/web.log";
    let Some(visit) = Visit::begin(programs, Manner::default()) else {
        return;
    };
    let browser = &visit.browser;
    visit.daemon.wait_file("web.log", "begun\n");
    visit.go("process?name=web");
    browser.wait_text(".out", "begun");
    let shown = "return [...document.querySelectorAll('.out > div:not([hidden])')]
                 .map((line) => line.textContent)";
    let restart = |text: &str| {
        for method in ["stopProcess", "startProcess"] {
            assert_eq!(visit.daemon.ask(method, &["web".into()]), true.into());
        }
        visit.daemon.wait_file("web.log", text);
        format!("pid {}.", visit.daemon.pid_of("web"))
    };
    let is_told = |pids: &[&str]| {
        let lines = browser.script(shown);
        let lines = lines.as_array().expect("lines");
        let (begun, told): (Vec<_>, Vec<_>) = lines.iter().partition(|line| *line == "begun");
        let is_right = |(line, pid): (&&serde_json::Value, &&str)| {
            line.as_str()
                .is_some_and(|line| line.starts_with("Started ") && line.ends_with(pid))
        };
        begun.len() == pids.len() + 1
            && told.len() == pids.len()
            && told.iter().zip(pids).all(is_right)
    };
    // Nothing comes before the first one.
    assert!(is_told(&[]));
    let second = restart("begun\nbegun\n");
    minder_tests::wait_until("the second start is told", || is_told(&[&second]));
    visit.kill_daemon();
    visit.daemon.wait_ready();
    let third = restart("begun\nbegun\nbegun\n");
    minder_tests::wait_until("the third start is told", || is_told(&[&second, &third]));
    browser.reload();
    minder_tests::wait_until("both are told again", || is_told(&[&second, &third]));
}

#[test]
fn a_password_in_the_address_does_no_harm() {
    let programs = "username=ops\npassword=secret\n\
                    [program:web]\ncommand=/bin/cat\nstartsecs=0\nstdout_logfile=%(here)s/web.log";
    let Some(visit) = Visit::begin(programs, Manner::default()) else {
        return;
    };
    let browser = &visit.browser;
    visit.daemon.wait_state("web", "RUNNING");
    let home = visit.home.replace("http://", "http://ops:secret@");
    browser.go(&format!("{home}process?name=web"));
    browser.wait_text("[data-logstate]", "Following");
    visit.say("web", "a line");
    browser.wait_text(".out [data-at]", "a line");
    browser.click(".log details.menu summary");
    browser.click("[data-do=copy]");
    browser.wait_text("[data-logstate]", "link to this line");
    assert!(
        browser.address().contains("&at=0#here"),
        "{}",
        browser.address()
    );
    browser.go(&home);
    browser.click(&format!("{} [name=stop]", row("web")));
    browser.click(&format!("{} [data-sure]", row("web")));
    browser.wait_shown(&row_in("web", "STOPPED"));
}
