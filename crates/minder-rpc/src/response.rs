//! What a call is answered, on its way to XML.

use crate::{Answer, Value, xmlrpc};

/// What a call is answered.
#[derive(Clone, Debug, PartialEq)]
pub enum Response {
    /// By this, of which values are yet to be made.
    Answer(Answer),
    /// By this.
    Value(Value),
}

impl Response {
    /// The XML of it. What tells of thousands of processes is never all there as values: they would be
    /// many times as large.
    #[must_use]
    pub fn into_xml(self) -> String {
        match self {
            Self::Answer(Answer::ProcessInfos(infos)) => encode_items(infos),
            Self::Answer(Answer::ConfigInfos(infos)) => encode_items(infos),
            other @ (Self::Answer(_) | Self::Value(_)) => {
                xmlrpc::encode_response(&Value::from(other))
            }
        }
    }
}

fn encode_items<T: Into<Value>>(items: Vec<T>) -> String {
    xmlrpc::encode_array(items.into_iter().map(T::into))
}

impl From<Value> for Response {
    fn from(value: Value) -> Self {
        Self::Value(value)
    }
}

impl From<Response> for Value {
    fn from(response: Response) -> Self {
        match response {
            Response::Answer(answer) => answer.into(),
            Response::Value(value) => value,
        }
    }
}
