//! `help`: what there is to say, and what it means.

use std::future::ready;

use super::{Action, LISTED, OWN, Verb};
use crate::completion::Arguments;
use crate::failure::Failure;
use crate::session::Session;

pub(super) static VERB: Verb = Verb {
    name: "help",
    help: "help\t\tPrint a list of available actions\n\
           help <action>\tPrint help for <action>\n",
    arguments: Arguments::Verbs,
    action: Action::Work(|session, topic| Box::pin(ready(run(session, topic)))),
};

const HEADER: &str = "default commands (type help <topic>):";

/// Above the verbs that Supervisor does not have.
const OWN_HEADER: &str = "commands of Minder (type help <topic>):";

/// How wide the list of verbs may be, in columns.
const LIST_WIDTH: usize = 79;

fn run(session: &mut Session, topic: &str) -> Result<(), Failure> {
    if topic.is_empty() {
        return session.write(list().as_bytes());
    }
    match topics().find(|verb| verb.name == topic) {
        Some(verb) => session.write(verb.help.as_bytes()),
        None => session.say(&format!("*** No help on {topic}")),
    }
}

fn topics() -> impl Iterator<Item = &'static Verb> {
    LISTED.into_iter().chain(OWN).chain([&VERB])
}

fn list() -> String {
    section(HEADER, &LISTED) + &section(OWN_HEADER, &OWN)
}

fn section(header: &str, verbs: &[&Verb]) -> String {
    let names: Vec<&str> = verbs.iter().map(|verb| verb.name).collect();
    let rule = "=".repeat(header.len());
    format!("\n{header}\n{rule}\n{}\n", columns(&names, LIST_WIDTH))
}

/// Lays `words` out in as few lines as fit into `width`, one column after the other.
///
/// Each word is padded to its column's width, the last of a line too; two blanks part columns.
fn columns(words: &[&str], width: usize) -> String {
    let rows = (1..words.len())
        .find(|&rows| line_width(&column_widths(words, rows)) <= width)
        .unwrap_or(words.len());
    let widths = column_widths(words, rows);
    let mut lines = String::new();
    for row in 0..rows {
        let cells: Vec<String> = words
            .iter()
            .skip(row)
            .step_by(rows)
            .zip(&widths)
            .map(|(word, &width)| format!("{word:width$}"))
            .collect();
        lines.push_str(&cells.join("  "));
        lines.push('\n');
    }
    lines
}

fn column_widths(words: &[&str], rows: usize) -> Vec<usize> {
    words
        .chunks(rows)
        .map(|column| column.iter().map(|word| word.len()).max().unwrap_or(0))
        .collect()
}

fn line_width(widths: &[usize]) -> usize {
    widths.iter().sum::<usize>() + 2 * widths.len().saturating_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_laid_out_as_supervisor_does() {
        let lines = [
            "",
            "default commands (type help <topic>):",
            "=====================================",
            "add    exit      open  reload  restart   start   tail   ",
            "avail  fg        pid   remove  shutdown  status  update ",
            "clear  maintail  quit  reread  signal    stop    version",
            "",
            "",
            "commands of Minder (type help <topic>):",
            "=======================================",
            "top  upgrade",
            "",
            "",
        ];
        assert_eq!(list(), lines.join("\n"));
    }

    #[test]
    fn words_that_fit_stand_on_one_line() {
        assert_eq!(columns(&["a", "bcd"], 6), "a  bcd\n");
    }

    #[test]
    fn words_that_do_not_fit_side_by_side_stand_below_each_other() {
        assert_eq!(columns(&["abc", "de"], 6), "abc\nde \n");
    }
}
