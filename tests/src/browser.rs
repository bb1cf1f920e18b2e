//! A browser that a test drives: Chromium, by way of the protocol of `WebDriver`.
//!
//! It runs in a sandbox, and ends with it. Elements are found by their CSS selectors; what a page
//! becomes by itself is waited for. Whatever a page does not allow, a test cannot do: a click on
//! what is covered or not shown fails.

use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use crate::http::Connection;
use crate::sandbox::Sandbox;
use crate::wait::wait_for;

/// The program that drives the browser.
const DRIVER: &str = "chromedriver";

/// What a browser is like.
#[derive(Clone, Copy, Debug)]
pub struct Manner<'a> {
    /// Its size in pixels.
    pub size: (u32, u32),
    /// The languages that it asks for.
    pub languages: &'a str,
    /// Whether it runs scripts.
    pub runs_scripts: bool,
}

impl Default for Manner<'_> {
    fn default() -> Self {
        Self {
            size: (1440, 1000),
            languages: "en",
            runs_scripts: true,
        }
    }
}

/// A browser with one window.
pub struct Browser {
    driver: Child,
    port: u16,
    session: String,
    runs_scripts: bool,
}

impl Browser {
    /// Starts a browser in a sandbox.
    ///
    /// # Panics
    ///
    /// If there is none: the message says what to install.
    #[must_use]
    pub fn start(sandbox: &Sandbox, manner: Manner<'_>) -> Self {
        let port = Sandbox::free_port();
        let mut command = Command::new(DRIVER);
        sandbox.equip(&mut command);
        let driver = command
            .args([&format!("--port={port}"), "--log-level=OFF"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| {
                panic!("cannot run \"{DRIVER}\" ({error}): install chromium and chromium-driver")
            });
        let mut browser = Self {
            driver,
            port,
            session: String::new(),
            runs_scripts: manner.runs_scripts,
        };
        wait_for("the driver listens", || Connection::tcp(port).ok());
        browser.open_session(manner);
        browser
    }

    fn open_session(&mut self, manner: Manner<'_>) {
        let (width, height) = manner.size;
        let mut preferences = json!({ "intl.accept_languages": manner.languages });
        if !manner.runs_scripts {
            // 2 is "block".
            preferences["profile.managed_default_content_settings.javascript"] = json!(2);
        }
        let options = json!({
            "args": [
                "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
                format!("--window-size={width},{height}"),
            ],
            "prefs": preferences,
        });
        let capabilities = json!({ "alwaysMatch": { "goog:chromeOptions": options } });
        let session = self.ask("POST", "/session", &json!({ "capabilities": capabilities }));
        let id = session["sessionId"].as_str().expect("a session has an id");
        self.session = format!("/session/{id}");
    }

    /// Goes to an address.
    pub fn go(&self, address: &str) {
        self.command("POST", "/url", &json!({ "url": address }));
    }

    /// Loads the page again.
    pub fn reload(&self) {
        self.command("POST", "/refresh", &json!({}));
    }

    /// Makes the page as wide and high as that, as a phone's is.
    pub fn resize(&self, width: u32, height: u32) {
        // Windows have a least width, pages in them need not have it.
        let metrics = json!({
            "width": width, "height": height, "deviceScaleFactor": 1, "mobile": true,
        });
        let command = json!({ "cmd": "Emulation.setDeviceMetricsOverride", "params": metrics });
        self.command("POST", "/goog/cdp/execute", &command);
    }

    /// Whether there is an element that is shown. One that goes while it is looked at is not.
    #[must_use]
    pub fn shows(&self, selector: &str) -> bool {
        self.find(selector).is_some_and(|element| {
            let path = format!("/element/{element}/displayed");
            self.try_command("GET", &path, &Value::Null) == Ok(json!(true))
        })
    }

    /// Waits until an element is shown.
    pub fn wait_shown(&self, selector: &str) {
        wait_for(&format!("{selector} is shown"), || {
            self.shows(selector).then_some(())
        });
    }

    /// The text of an element as it is seen; `None` if there is no such element.
    #[must_use]
    pub fn text(&self, selector: &str) -> Option<String> {
        let element = self.find(selector)?;
        let text = self.try_command("GET", &format!("/element/{element}/text"), &Value::Null);
        Some(text.ok()?.as_str()?.to_owned())
    }

    /// Waits until the text of an element has this in it.
    pub fn wait_text(&self, selector: &str, part: &str) {
        wait_for(&format!("{selector} says {part:?}"), || {
            self.text(selector)?.contains(part).then_some(())
        });
    }

    /// Clicks on an element, as soon as that can be done.
    pub fn click(&self, selector: &str) {
        wait_for(&format!("{selector} can be clicked"), || {
            let element = self.find(selector)?;
            let path = format!("/element/{element}/click");
            self.try_command("POST", &path, &json!({})).ok()
        });
    }

    /// Types into an element.
    ///
    /// # Panics
    ///
    /// If there is no such element.
    pub fn type_into(&self, selector: &str, text: &str) {
        let element = self.find(selector).expect("an element to type into");
        let path = format!("/element/{element}/value");
        self.command("POST", &path, &json!({ "text": text }));
    }

    /// Runs a script in the page and returns what it does.
    ///
    /// # Panics
    ///
    /// If the browser runs no scripts.
    #[must_use]
    pub fn script(&self, script: &str) -> Value {
        assert!(self.runs_scripts, "this browser runs no scripts");
        self.command(
            "POST",
            "/execute/sync",
            &json!({ "script": script, "args": [] }),
        )
    }

    /// The title of the page.
    #[must_use]
    pub fn title(&self) -> String {
        let title = self.command("GET", "/title", &Value::Null);
        title.as_str().unwrap_or_default().to_owned()
    }

    /// The address of the page.
    #[must_use]
    pub fn address(&self) -> String {
        let address = self.command("GET", "/url", &Value::Null);
        address.as_str().unwrap_or_default().to_owned()
    }

    fn find(&self, selector: &str) -> Option<String> {
        let query = json!({ "using": "css selector", "value": selector });
        let found = self.try_command("POST", "/element", &query).ok()?;
        let id = found.as_object()?.values().next()?.as_str()?;
        Some(id.to_owned())
    }

    fn command(&self, method: &str, path: &str, body: &Value) -> Value {
        let answer = self.try_command(method, path, body);
        answer.unwrap_or_else(|error| panic!("{method} {path}: {error}"))
    }

    fn try_command(&self, method: &str, path: &str, body: &Value) -> Result<Value, String> {
        self.try_ask(method, &format!("{}{path}", self.session), body)
    }

    fn ask(&self, method: &str, path: &str, body: &Value) -> Value {
        let answer = self.try_ask(method, path, body);
        answer.unwrap_or_else(|error| panic!("{method} {path}: {error}"))
    }

    fn try_ask(&self, method: &str, path: &str, body: &Value) -> Result<Value, String> {
        let body = if body.is_null() {
            String::new()
        } else {
            body.to_string()
        };
        let mut connection = Connection::tcp(self.port).map_err(|error| error.to_string())?;
        let length = body.len();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\n"
        );
        let sent = connection
            .send(head + &body)
            .and_then(|()| connection.answer());
        let answer = sent.map_err(|error| error.to_string())?;
        let content = serde_json::from_slice(&answer.body);
        let mut content: Value = content.map_err(|error| error.to_string())?;
        let value = content["value"].take();
        match &value["error"] {
            Value::String(error) if answer.status() != 200 => {
                Err(format!("{error}: {}", value["message"]))
            }
            _ => Ok(value),
        }
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // The browser ends with its session; if that fails, with the sandbox.
        let _ = self.try_command("DELETE", "", &Value::Null);
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}
