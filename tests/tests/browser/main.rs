//! The web interface as people use it: in a browser, with real programs.
//!
//! Needs Chromium and its driver (`chromium` and `chromium-driver` in Debian).

#![forbid(unsafe_code)]

mod alone;
mod looks;
mod outage;
mod own_log;
mod safety;
mod work;

use minder_tests::browser::{Browser, Manner};
use minder_tests::parts::kill_daemon;
use minder_tests::{Daemon, Sandbox, Subject};

/// A browser that runs no scripts.
const WITHOUT: Manner<'_> = Manner {
    size: (1440, 1000),
    languages: "en",
    runs_scripts: false,
};

/// The lines of the log that a page shows.
const LINES: &str = "return [...document.querySelectorAll('.out > div:not(.seam)')]\
                     .map((line) => line.textContent)";

/// A daemon that can be visited, and the browser of a visitor.
struct Visit {
    // Before the daemon, in whose sandbox it runs.
    browser: Browser,
    daemon: Daemon,
    /// The address of the first page.
    home: String,
}

impl Visit {
    /// Starts both, and goes to the first page. `None` if the variable `SUBJECT` asks for
    /// Supervisor only, which has no such interface.
    fn begin(programs: &str, manner: Manner<'_>) -> Option<Self> {
        if std::env::var("SUBJECT").is_ok_and(|subject| subject == "supervisor") {
            return None;
        }
        let port = Sandbox::free_port();
        let server = format!("[inet_http_server]\nport=127.0.0.1:{port}\n{programs}");
        let daemon = Daemon::start(Subject::Minder, &server);
        let browser = Browser::start(daemon.sandbox(), manner);
        let home = format!("http://127.0.0.1:{port}/");
        browser.go(&home);
        Some(Self {
            browser,
            daemon,
            home,
        })
    }

    /// Takes the dark theme, as whoever has no script does.
    fn choose_dark(&self) {
        self.browser.click(".looks [value=dark]");
        self.browser.click(".looks button");
        self.browser.wait_shown("html[data-theme=dark]");
    }

    fn go(&self, page: &str) {
        self.browser.go(&format!("{}{page}", self.home));
    }

    /// Kills the daemon, so that the keeper starts another one.
    fn kill_daemon(&self) {
        let _ = kill_daemon(self.daemon.pid());
    }

    fn say(&self, process: &str, line: &str) {
        let sent = self.daemon.ask(
            "sendProcessStdin",
            &[process.into(), format!("{line}\n").into()],
        );
        assert_eq!(sent, true.into());
    }
}

/// Selects the row of a process.
fn row(name: &str) -> String {
    format!(".procs tr[data-name=\"{name}\"]")
}

/// Selects the row of a process in a state.
fn row_in(name: &str, state: &str) -> String {
    format!("{}[data-state={state}]", row(name))
}
