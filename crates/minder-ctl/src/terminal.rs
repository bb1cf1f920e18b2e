//! The command line of the shell on a terminal: editing, history, completion.
//!
//! Keys are readline's. Knows the verbs only by what completes their arguments.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use minder_http::client::Client;
use minder_rpc::Value;
use rustyline::completion::Completer;
use rustyline::config::Configurer as _;
use rustyline::error::ReadlineError;
use rustyline::history::{History as _, MemHistory, SearchDirection};
use rustyline::{CompletionType, Config, Context, Editor, Helper};
use tokio::runtime::Runtime;

use crate::completion::{self, Known};
use crate::failure::Failure;
use crate::history::MAX_LINES;

/// How long a Tab waits for a server that does not answer.
const COMPLETION_WAIT: Duration = Duration::from_secs(5);

/// A person's terminal.
pub(crate) struct Terminal {
    editor: Editor<Names, MemHistory>,
}

impl Terminal {
    /// Opens the terminal, with the lines of former sessions at hand.
    pub(crate) fn open(runtime: Rc<Runtime>, history: &[String]) -> Result<Self, Failure> {
        let config = Config::builder()
            .completion_type(CompletionType::List)
            .max_history_size(MAX_LINES)
            .and_then(|config| config.history_ignore_dups(false))
            .map_err(ended)?
            .build();
        let kept = MemHistory::with_config(&config);
        let mut editor = Editor::with_history(config, kept).map_err(ended)?;
        for line in history {
            editor.add_history_entry(line).map_err(ended)?;
        }
        editor.set_helper(Some(Names {
            runtime,
            source: RefCell::new(None),
        }));
        Ok(Self { editor })
    }

    /// Reads a command line; `client` is asked for the names that complete it.
    pub(crate) fn command(
        &mut self,
        prompt: &str,
        client: Option<Client>,
    ) -> Result<String, Failure> {
        self.set_source(client.map(|client| Source {
            client,
            known: None,
        }));
        self.editor.set_auto_add_history(true);
        let line = self.editor.readline(prompt).map_err(ended);
        self.set_source(None);
        line
    }

    /// Reads the answer to a question: nothing completes it and no history keeps it.
    pub(crate) fn answer(&mut self, question: &str) -> Result<String, Failure> {
        self.editor.set_auto_add_history(false);
        self.editor.readline(question).map_err(ended)
    }

    /// The lines of former sessions and of this one.
    pub(crate) fn history(&self) -> Vec<String> {
        let history = self.editor.history();
        (0..history.len())
            .filter_map(|index| history.get(index, SearchDirection::Forward).ok().flatten())
            .map(|found| found.entry.into_owned())
            .collect()
    }

    fn set_source(&mut self, source: Option<Source>) {
        if let Some(names) = self.editor.helper_mut() {
            names.source = RefCell::new(source);
        }
    }
}

fn ended(error: ReadlineError) -> Failure {
    match error {
        ReadlineError::Eof => Failure::EndOfInput,
        ReadlineError::Interrupted => Failure::Interrupted,
        ReadlineError::Io(error) => Failure::Input(error),
        other => Failure::Input(std::io::Error::other(other)),
    }
}

/// Completes words by what the server knows.
struct Names {
    runtime: Rc<Runtime>,
    source: RefCell<Option<Source>>,
}

/// Where names come from while one command line is typed.
struct Source {
    client: Client,
    /// What was asked for already.
    known: Option<Vec<Known>>,
}

impl Source {
    /// Asks once; a server that does not answer knows nothing.
    fn known(&mut self, runtime: &Runtime) -> &[Known] {
        let client = &mut self.client;
        self.known.get_or_insert_with(|| {
            let call = client.call("supervisor.getAllProcessInfo", &[]);
            let answer =
                runtime.block_on(async { tokio::time::timeout(COMPLETION_WAIT, call).await });
            match answer {
                Ok(Ok(Value::Array(processes))) => {
                    processes.iter().filter_map(Known::from_value).collect()
                }
                _ => Vec::new(),
            }
        })
    }
}

impl Completer for Names {
    type Candidate = String;

    fn complete(
        &self,
        line: &str,
        cursor: usize,
        _context: &Context<'_>,
    ) -> rustyline::Result<(usize, Vec<String>)> {
        let start = completion::word_start(&line[..cursor]);
        let word = &line[start..cursor];
        let mut source = self.source.borrow_mut();
        let candidates = match source.as_mut() {
            None => Vec::new(),
            Some(source) => completion::candidates(line, word, || source.known(&self.runtime)),
        };
        Ok((start, candidates))
    }
}

impl Helper for Names {}
impl rustyline::highlight::Highlighter for Names {}
impl rustyline::hint::Hinter for Names {
    type Hint = String;
}
impl rustyline::validate::Validator for Names {}
