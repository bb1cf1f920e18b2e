//! What a command has to say, as one JSON document.
//!
//! Its members are those that the verb gives it, and always `command`, `code` (the exit code), `ok`,
//! `errors` (what went wrong, in the words that stand elsewhere for it) and `messages` (what else was
//! said). `docs/supervisorctl-json.md` lists them all.

use minder_rpc::Value;
pub(crate) use serde_json::Value as Json;
use serde_json::{Map, json};

/// A report in the making.
#[derive(Debug, Default)]
pub(crate) struct Report {
    members: Map<String, Json>,
    errors: Vec<Json>,
    messages: Vec<Json>,
}

impl Report {
    /// Adds what was said without being asked for.
    pub(crate) fn say(&mut self, text: &str) {
        self.messages.extend(text.lines().map(Json::from));
    }

    /// Adds what went wrong.
    pub(crate) fn complain(&mut self, line: &str) {
        self.errors.push(line.into());
    }

    /// Adds a member.
    pub(crate) fn set(&mut self, name: &str, value: Json) {
        self.members.insert(name.to_owned(), value);
    }

    /// Adds an item to a member that is a list.
    pub(crate) fn add(&mut self, name: &str, item: Json) {
        let list = self.members.entry(name).or_insert_with(|| json!([]));
        if let Some(list) = list.as_array_mut() {
            list.push(item);
        }
    }

    /// The document, with the end of its line.
    pub(crate) fn finish(mut self, action: &str, code: u8) -> String {
        self.set("command", action.into());
        self.set("code", code.into());
        self.set("ok", (code == 0).into());
        let (errors, messages) = (self.errors.into(), self.messages.into());
        self.members.insert("errors".to_owned(), errors);
        self.members.insert("messages".to_owned(), messages);
        format!("{}\n", Json::Object(self.members))
    }
}

/// What the server has answered, as JSON has it.
pub(crate) fn from_value(value: &Value) -> Json {
    match value {
        Value::Int(int) => (*int).into(),
        Value::Bool(truth) => (*truth).into(),
        Value::Double(double) => (*double).into(),
        Value::Text(text) | Value::DateTime(text) => text.as_str().into(),
        Value::Array(items) => items.iter().map(from_value).collect(),
        Value::Struct(members) => {
            let members = members
                .iter()
                .map(|(name, value)| (name.clone().into_owned(), from_value(value)));
            Json::Object(members.collect())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_holds_what_was_shown_and_how_it_ended() {
        let mut report = Report::default();
        report.say("one\ntwo\n");
        report.complain("bad");
        report.set("pid", 7.into());
        report.add("outcomes", json!({"name": "a"}));
        report.add("outcomes", json!({"name": "b"}));
        assert_eq!(
            report.finish("pid a", 1),
            "{\"code\":1,\"command\":\"pid a\",\"errors\":[\"bad\"],\"messages\":[\"one\",\"two\"],\
             \"ok\":false,\"outcomes\":[{\"name\":\"a\"},{\"name\":\"b\"}],\"pid\":7}\n"
        );
    }

    #[test]
    fn an_answer_keeps_its_shape() {
        let answer = Value::Struct(vec![
            ("name".into(), "a".into()),
            (
                "codes".into(),
                vec![Value::Int(1), Value::Bool(true)].into(),
            ),
        ]);
        assert_eq!(
            from_value(&answer),
            json!({"name": "a", "codes": [1, true]})
        );
    }
}
