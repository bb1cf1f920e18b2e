//! What clients send to `/RPC2`, and what servers answer.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use minder_rpc::xmlrpc::{
    DecodeError, Limits, decode_call, decode_response, encode_call, encode_fault, encode_response,
};
use minder_rpc::{Answer, Call, Fault, FaultCode, LogFollow, LogRef, Service, Value, dispatch};

/// How many elements lie around the value of a parameter: the document, `<params>`, `<param>`.
const AROUND: usize = 3;

pub(crate) fn run(bytes: &[u8]) {
    if let Ok(call) = decode_call(bytes) {
        let written = encode_call(&call.method, &call.params);
        let carried: Vec<_> = call.params.iter().map(carried).collect();
        match decode_call(written.as_bytes()) {
            Ok(again) => {
                assert_eq!(again.method, text_carried(&call.method));
                assert_same(&again.params, &carried);
            }
            Err(error) => is_for_depth(&error, &call.params),
        }
        is_answered(call);
    }
    if let Ok(Ok(value)) = decode_response(bytes) {
        let written = encode_response(&value);
        match decode_response(written.as_bytes()) {
            Ok(again) => {
                let again = again.expect("what was written as a value is one");
                assert_same(&[again], &[carried(&value)]);
            }
            Err(error) => is_for_depth(&error, &[value]),
        }
    }
}

/// Some decoders are handed values without `<value>` around them, which take less depth than what
/// is written.
fn is_for_depth(error: &DecodeError, values: &[Value]) {
    assert!(matches!(error, DecodeError::TooDeep), "{error}");
    let depth = values.iter().map(depth).max().unwrap_or(0);
    assert!(AROUND + depth > Limits::CALL.depth);
}

/// How many elements are open at once where a value is written.
fn depth(value: &Value) -> usize {
    match value {
        Value::Int(_) | Value::Bool(_) | Value::Double(_) | Value::Text(_) | Value::DateTime(_) => {
            2
        }
        Value::Array(items) => 3 + items.iter().map(depth).max().unwrap_or(0),
        Value::Struct(members) => {
            let deepest = members.iter().map(|(_, value)| depth(value)).max();
            // `<name>` lies as deep as an empty value.
            2 + deepest.map_or(0, |depth| 1 + depth)
        }
    }
}

/// Compares by what is shown, by which a number that is none is equal to itself.
fn assert_same(values: &[Value], expected: &[Value]) {
    assert_eq!(format!("{values:?}"), format!("{expected:?}"));
}

/// What is left of a value when it has been carried by XML.
fn carried(value: &Value) -> Value {
    match value {
        Value::Int(_) | Value::Bool(_) | Value::Double(_) | Value::DateTime(_) => value.clone(),
        Value::Text(text) => Value::Text(text_carried(text)),
        Value::Array(items) => Value::Array(items.iter().map(carried).collect()),
        Value::Struct(members) => Value::Struct(
            members
                .iter()
                .map(|(name, value)| (text_carried(name).into(), carried(value)))
                .collect(),
        ),
    }
}

/// Lines end in a line feed, and what XML cannot say is replaced.
fn text_carried(text: &str) -> String {
    let is_legal = |c| matches!(c, '\t' | '\n' | ' '..='\u{fffd}' | '\u{10000}'..);
    let lines = text.replace("\r\n", "\n").replace('\r', "\n");
    let legal = |c| if is_legal(c) { c } else { '\u{fffd}' };
    lines.chars().map(legal).collect()
}

/// Answers a call, and reads the answer as its client would.
fn is_answered(call: minder_rpc::MethodCall) {
    let mut answer = pin!(dispatch(&Parrot, call));
    let mut context = Context::from_waker(Waker::noop());
    let Poll::Ready(answer) = answer.as_mut().poll(&mut context) else {
        panic!("a service that never waits is waited for");
    };
    let (xml, is_value) = match answer {
        Ok(response) => (response.into_xml(), true),
        Err(fault) => (encode_fault(&fault), false),
    };
    let read = decode_response(xml.as_bytes()).expect("an answer can be read");
    assert_eq!(read.is_ok(), is_value);
}

/// Answers each call with what it has understood of it.
struct Parrot;

impl Service for Parrot {
    async fn call(&self, call: Call) -> Result<Answer, Fault> {
        match call {
            Call::GetPid => Ok(Answer::Int(1)),
            Call::GetProcessInfo { name } => Err(Fault::about(FaultCode::BadName, name)),
            Call::Shutdown => Ok(Answer::Done),
            call => Ok(Answer::Text(format!("{call:?}"))),
        }
    }

    fn follow(&self, _: LogRef) -> Option<Box<dyn LogFollow>> {
        None
    }
}
