//! A session: one server to talk to, one place to write to, one exit code.
//!
//! Owns what outlives a single command: the server's address and credentials (both may
//! change in the shell), the exit code so far, and where lines come from and go to. Verbs
//! say what they have to say through it. It knows no verb.

use std::io::Write;

use minder_http::client::{Client, ClientError};
use minder_rpc::{FaultCode, Value};
use tokio::signal::ctrl_c;

use crate::code::Code;
use crate::failure::Failure;
use crate::input::Lines;
use crate::password;
use crate::process::Process;
use crate::report::{Json, Report};
use crate::settings::Settings;
use crate::terminal::Terminal;

/// The version of the interface that supervisorctl speaks.
const API_VERSION: &str = "3.0";

/// A session of supervisorctl.
pub(crate) struct Session {
    pub(crate) settings: Settings,
    /// What the commands so far leave.
    pub(crate) code: Code,
    pub(crate) input: Lines,
    /// The shell's, if it has one. It reads ahead, so questions go through it.
    pub(crate) terminal: Option<Terminal>,
    /// Whether it goes on after this command.
    pub(crate) in_shell: bool,
    out: Box<dyn Write>,
    /// What is said in place of lines.
    report: Option<Report>,
    /// The connection of the running command.
    client: Option<Client>,
}

impl Session {
    pub(crate) fn new(settings: Settings, out: Box<dyn Write>) -> Self {
        Self {
            report: settings.json.then(Report::default),
            settings,
            code: Code::Success,
            input: Lines::default(),
            terminal: None,
            in_shell: false,
            out,
            client: None,
        }
    }

    /// Forgets the connection: the server may be another one, or a new one, by now.
    pub(crate) fn disconnect(&mut self) {
        self.client = None;
    }

    /// Writes a line.
    pub(crate) fn say(&mut self, line: &str) -> Result<(), Failure> {
        self.write(format!("{line}\n").as_bytes())
    }

    /// Writes many lines at once.
    pub(crate) fn say_all(
        &mut self,
        lines: impl IntoIterator<Item = String>,
    ) -> Result<(), Failure> {
        let mut text = String::new();
        for line in lines {
            text.push_str(&line);
            text.push('\n');
        }
        self.write(text.as_bytes())
    }

    /// Writes bytes as they are, and lets them be seen at once.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        match &mut self.report {
            Some(report) => {
                report.say(&String::from_utf8_lossy(bytes));
                Ok(())
            }
            None => self.print(bytes),
        }
    }

    /// Shows the member `name` of a report, or else the `lines` that say the same.
    pub(crate) fn show(
        &mut self,
        name: &'static str,
        value: impl FnOnce() -> Json,
        lines: impl IntoIterator<Item = String>,
    ) -> Result<(), Failure> {
        match &mut self.report {
            Some(report) => {
                report.set(name, value());
                Ok(())
            }
            None => self.say_all(lines),
        }
    }

    /// Shows one more item of the list `name` of a report, or else the `line` that says the same.
    pub(crate) fn show_one(
        &mut self,
        name: &'static str,
        value: impl FnOnce() -> Json,
        line: &str,
    ) -> Result<(), Failure> {
        match &mut self.report {
            Some(report) => {
                report.add(name, value());
                Ok(())
            }
            None => self.say(line),
        }
    }

    /// Whether what is said is a report, which a verb that goes on and on cannot give. If so, says
    /// that.
    pub(crate) fn must_report(&mut self, what: &str) -> Result<bool, Failure> {
        if self.report.is_some() {
            let line = format!("Error: {what} cannot be told as JSON");
            self.complain(&line, Code::InvalidArguments)?;
        }
        Ok(self.report.is_some())
    }

    /// Prints the report about `action`, if there is to be one.
    pub(crate) fn finish(&mut self, action: &str) -> Result<(), Failure> {
        let code = self.code.number();
        match self.report.take() {
            Some(report) => self.print(report.finish(action, code).as_bytes()),
            None => Ok(()),
        }
    }

    fn print(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.out
            .write_all(bytes)
            .and_then(|()| self.out.flush())
            .map_err(Failure::Output)
    }

    /// Writes a line about what went wrong, which leaves `code`.
    pub(crate) fn complain(&mut self, line: &str, code: Code) -> Result<(), Failure> {
        self.code = code;
        match &mut self.report {
            Some(report) => {
                report.complain(line);
                Ok(())
            }
            None => self.say(line),
        }
    }

    /// Calls a method of the namespace `supervisor`.
    pub(crate) async fn call(&mut self, method: &str, params: &[Value]) -> Result<Value, Failure> {
        let method = format!("supervisor.{method}");
        self.call_method(&method, params).await
    }

    /// Calls a method, which is named with its namespace.
    ///
    /// In the shell, Ctrl-C ends the wait; elsewhere it ends supervisorctl.
    pub(crate) async fn call_method(
        &mut self,
        method: &str,
        params: &[Value],
    ) -> Result<Value, Failure> {
        let client = match &mut self.client {
            Some(client) => client,
            None => self.client.insert(self.settings.client()?),
        };
        let call = client.call(method, params);
        if !self.in_shell {
            return Ok(call.await?);
        }
        tokio::select! {
            biased;
            result = call => Ok(result?),
            _ = ctrl_c() => {
                // Half an exchange is on the connection.
                self.client = None;
                Err(Failure::Interrupted)
            }
        }
    }

    /// Tells of all processes.
    pub(crate) async fn all_processes(&mut self) -> Result<Vec<Process>, Failure> {
        let told = self.all_told().await?;
        Ok(told.into_iter().map(|(process, _)| process).collect())
    }

    /// Tells of all processes, and what the server has said of each.
    pub(crate) async fn all_told(&mut self) -> Result<Vec<(Process, Value)>, Failure> {
        let method = "getAllProcessInfo";
        let Value::Array(told) = self.call(method, &[]).await? else {
            return Err(Failure::bad_answer(method));
        };
        let read = |value| Ok((Process::from_value(&value, method)?, value));
        told.into_iter().map(read).collect()
    }

    /// Tells of one process.
    pub(crate) async fn process(&mut self, name: &str) -> Result<Process, Failure> {
        let method = "getProcessInfo";
        let result = self.call(method, &[name.into()]).await?;
        Process::from_value(&result, method)
    }

    /// Makes sure that a server that we understand is there; if not, says so.
    pub(crate) async fn server_is_up(&mut self) -> Result<bool, Failure> {
        let failure = match self.call("getVersion", &[]).await {
            Ok(version) if version.as_text() == Some(API_VERSION) => return Ok(true),
            Ok(version) => {
                let line = format!(
                    "Sorry, this version of supervisorctl expects to talk to a server with API \
                     version {API_VERSION}, but the remote version is {}.",
                    version.as_text().unwrap_or("unknown")
                );
                self.complain(&line, Code::OtherVersion)?;
                return Ok(false);
            }
            Err(failure) => failure,
        };
        let url = &self.settings.server_url;
        match &failure {
            Failure::Call(ClientError::Refused) => {
                let line = format!("{url} refused connection");
                self.complain(&line, Code::Refused)?;
            }
            Failure::Call(ClientError::NoSuchFile) => {
                let line = format!("{url} no such file");
                self.complain(&line, Code::NotRunning)?;
            }
            failure if failure.fault() == Some(FaultCode::UnknownMethod) => {
                self.complain(NO_SUPERVISOR_NAMESPACE, Code::Unimplemented)?;
            }
            _ => return Err(failure),
        }
        Ok(false)
    }

    /// Asks a question and waits for the line that answers it.
    pub(crate) async fn ask(&mut self, question: &str) -> Result<String, Failure> {
        if let Some(terminal) = &mut self.terminal {
            return terminal.answer(question);
        }
        self.write(question.as_bytes())?;
        self.input.next().await?.ok_or(Failure::EndOfInput)
    }

    /// Whether the user wants something that cannot be undone. Without a user to ask, yes.
    pub(crate) async fn confirms(&mut self, question: &str) -> Result<bool, Failure> {
        if !self.settings.interactive {
            return Ok(true);
        }
        let answer = self.ask(question).await?;
        Ok(answer.starts_with(['y', 'Y']))
    }

    /// Asks for a name and password, and uses them from here on.
    pub(crate) async fn authenticate(&mut self) -> Result<(), Failure> {
        self.say("Server requires authentication")?;
        let username = self.ask("Username:").await?;
        let password = match password::from_terminal("Password:") {
            Some(password) => password?,
            None => self.visible_password().await?,
        };
        self.say("")?;
        self.settings.username = Some(username);
        self.settings.password = Some(password);
        self.disconnect();
        Ok(())
    }

    /// The next line as a password. The question must not get in between the output.
    async fn visible_password(&mut self) -> Result<String, Failure> {
        eprint!("Warning: Password input may be echoed.\nPassword:");
        let password = self.input.next().await?;
        eprintln!();
        password.ok_or(Failure::EndOfInput)
    }
}

const NO_SUPERVISOR_NAMESPACE: &str = "Sorry, supervisord responded but did not recognize the \
    supervisor namespace commands that supervisorctl uses to control it.  Please check that the \
    [rpcinterface:supervisor] section is enabled in the configuration file (see sample.conf).";
