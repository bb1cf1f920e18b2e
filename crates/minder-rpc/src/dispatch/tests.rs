use std::borrow::Cow;
use std::pin::pin;
use std::sync::Mutex;
use std::task::{Context, Poll, Waker};

use super::*;
use crate::service::SUPERVISOR;
use crate::xmlrpc::{encode_fault, encode_response};
use crate::{Answer, Call, LogFollow, LogRef, TwiddlerCall};

/// Answers some calls at once and notes them all.
#[derive(Default)]
struct Fake(
    Mutex<Vec<Call>>,
    Vec<Twiddler>,
    Option<Vec<Cow<'static, str>>>,
);

impl Service for Fake {
    async fn call(&self, call: Call) -> Result<Answer, Fault> {
        self.0.lock().unwrap().push(call.clone());
        match call {
            Call::GetApiVersion => Ok(Answer::Text("3.0".to_owned())),
            Call::GetPid => Ok(Answer::Int(42)),
            Call::Twiddler(TwiddlerCall::GetApiVersion) => Ok(Answer::Text("1.0".to_owned())),
            Call::ReadLog(_) => Ok(Answer::Text("x".repeat(MULTICALL_BYTES + 1))),
            Call::GetProcessInfo { name } => Err(Fault::about(FaultCode::BadName, name)),
            other => panic!("not part of these tests: {other:?}"),
        }
    }

    fn twiddlers(&self) -> &[Twiddler] {
        &self.1
    }

    fn namespaces(&self) -> &[Cow<'static, str>] {
        self.2.as_deref().unwrap_or(SUPERVISOR)
    }

    fn follow(&self, _: LogRef) -> Option<Box<dyn LogFollow>> {
        None
    }
}

fn answered(service: &Fake, method: &str, params: &[Value]) -> Result<Value, String> {
    let call = MethodCall {
        method: method.to_owned(),
        params: params.to_vec(),
    };
    let answer = pin!(dispatch(service, call));
    match answer.poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(answer) => {
            let answer = answer.map(Value::from);
            answer.map_err(|fault| fault.to_string())
        }
        Poll::Pending => panic!("the fake answers at once"),
    }
}

fn answer(method: &str, params: &[Value]) -> Result<Value, String> {
    answered(&Fake::default(), method, params)
}

fn entry(method: impl Into<Value>, params: impl Into<Value>) -> Value {
    Value::Struct(vec![
        ("methodName".into(), method.into()),
        ("params".into(), params.into()),
    ])
}

fn fault(code: i32, text: &str) -> Value {
    Value::Struct(vec![
        ("faultCode".into(), code.into()),
        ("faultString".into(), text.into()),
    ])
}

fn none() -> Value {
    Value::Array(Vec::new())
}

#[test]
fn a_call_is_answered_by_the_service() {
    assert_eq!(answer("supervisor.getPID", &[]), Ok(42.into()));
    let fault = answer("supervisor.getProcessInfo", &["zz:*".into()]);
    assert_eq!(fault, Err("BAD_NAME: zz:*".to_owned()));
}

#[test]
fn the_methods_can_be_asked_about() {
    let methods = answer("system.listMethods", &[]).unwrap();
    assert_eq!(methods.as_array().unwrap().len(), METHODS.len());
    let start = ["supervisor.startProcess".into()];
    let signature = ["boolean", "string", "boolean"].map(Value::from).to_vec();
    assert_eq!(
        answer("system.methodSignature", &start),
        Ok(signature.into())
    );
    let help = answer("system.methodHelp", &start).unwrap();
    assert!(help.as_text().unwrap().starts_with("Starts a process."));
}

#[test]
fn supervisors_methods_have_the_names_that_they_are_given() {
    let fake = |names: &[&'static str]| {
        let names = names.iter().copied().map(Cow::Borrowed).collect();
        Fake(Mutex::default(), Vec::new(), Some(names))
    };
    let unknown = Err("UNKNOWN_METHOD".to_owned());
    let (none, other, both) = (fake(&[]), fake(&["x"]), fake(&["supervisor", "x"]));
    for (service, method, expected) in [
        (&none, "supervisor.getPID", unknown.clone()),
        (&none, "minder.getVersion", unknown.clone()),
        (&other, "supervisor.getPID", unknown.clone()),
        (&other, "x.getPID", Ok(42.into())),
        (&other, "x.supervisor.getPID", unknown.clone()),
        (&other, "x.listMethods", unknown),
        (&both, "supervisor.getPID", Ok(42.into())),
        (&both, "x.getPID", Ok(42.into())),
    ] {
        assert_eq!(answered(service, method, &[]), expected, "{method}");
    }
    let listed = |service| {
        let answer = answered(service, "system.listMethods", &[]).unwrap();
        let methods = answer.as_array().unwrap().iter();
        let methods = methods.map(|method| method.as_text().unwrap().to_owned());
        methods.collect::<Vec<_>>().join(" ")
    };
    assert_eq!(
        listed(&none),
        "system.listMethods system.methodHelp system.methodSignature system.multicall"
    );
    assert!(listed(&other).starts_with("minder.getInfo minder.getVersion "));
    assert!(listed(&other).ends_with("x.tailProcessStderrLog x.tailProcessStdoutLog"));
    assert!(listed(&both).contains("supervisor.getPID"));
    let signature = answered(&other, "system.methodSignature", &["x.getPID".into()]);
    assert_eq!(signature, Ok(vec![Value::from("int")].into()));
}

#[test]
fn nothing_can_be_said_about_what_is_no_method() {
    for method in ["system.methodHelp", "system.methodSignature"] {
        for name in ["supervisor.x".into(), 5.into(), none()] {
            let fault = answer(method, &[name]).unwrap_err();
            assert_eq!(fault, "SIGNATURE_UNSUPPORTED");
        }
        assert_eq!(answer(method, &[]), Err("INCORRECT_PARAMETERS".to_owned()));
    }
    assert_eq!(
        answer("system.listMethods", &[1.into()]),
        Err("INCORRECT_PARAMETERS".to_owned())
    );
}

#[test]
fn a_multicall_gives_bare_values_and_faults_as_structs() {
    let nameless = Value::Struct(Vec::new());
    let without_params = Value::Struct(vec![("methodName".into(), "supervisor.getPID".into())]);
    let calls = vec![
        entry("supervisor.getAPIVersion", none()),
        without_params,
        entry("supervisor.getProcessInfo", vec!["web".into()]),
        entry("supervisor.getPID", vec![1.into()]),
        entry("supervisor.getPID", Value::Struct(Vec::new())),
        entry("supervisor.getPID", 5),
        entry("system.listMethods", 5),
        entry("nonsense", none()),
        entry(5, none()),
        entry("system.multicall", none()),
        nameless,
    ];
    let results = vec![
        "3.0".into(),
        42.into(),
        fault(10, "BAD_NAME: web"),
        fault(2, "INCORRECT_PARAMETERS"),
        42.into(),
        fault(2, "INCORRECT_PARAMETERS"),
        fault(2, "INCORRECT_PARAMETERS"),
        fault(1, "UNKNOWN_METHOD"),
        fault(
            30,
            "FAILED: <class 'AttributeError'>:'int' object has no attribute 'split'",
        ),
        fault(
            2,
            "INCORRECT_PARAMETERS: Recursive system.multicall forbidden",
        ),
        fault(2, "INCORRECT_PARAMETERS: No methodName"),
    ];
    assert_eq!(
        answer("system.multicall", &[calls.into()]),
        Ok(results.into())
    );
}

#[test]
fn a_multicall_of_nothing_gives_nothing() {
    assert_eq!(answer("system.multicall", &[none()]), Ok(none()));
}

#[test]
fn a_multicall_that_is_malformed_calls_nothing() {
    let service = Fake::default();
    let mixed = vec![entry("supervisor.getPID", none()), 5.into()];
    for params in [
        &[] as &[Value],
        &[5.into()],
        &["x".into()],
        &[entry("supervisor.getPID", none())],
        &[mixed.into()],
        &[none(), none()],
    ] {
        let fault = answered(&service, "system.multicall", params).unwrap_err();
        assert_eq!(fault, "INCORRECT_PARAMETERS");
    }
    assert_eq!(*service.0.lock().unwrap(), []);
}

#[test]
fn a_multicall_has_bounds() {
    let many = vec![entry("supervisor.getPID", none()); MULTICALL_CALLS + 1];
    let refused = answer("system.multicall", &[many.into()]).unwrap_err();
    assert_eq!(refused, "INCORRECT_PARAMETERS: more than 10000 calls");

    let service = Fake::default();
    let reads = vec![entry("supervisor.readLog", vec![0.into(), 0.into()]); 2];
    let results = answered(&service, "system.multicall", &[reads.into()]).unwrap();
    let too_long = fault(30, "FAILED: the results are too long");
    assert_eq!(results.as_array().unwrap()[1], too_long);
    assert_eq!(service.0.lock().unwrap().len(), 1);
}

#[test]
fn a_fault_and_its_struct_look_alike_in_xml() {
    let fault = Fault::about(FaultCode::NotRunning, "web");
    let alone = encode_fault(&fault);
    let within = encode_response(&Value::from(&fault));
    let structure = |xml: &str| {
        let (from, to) = (xml.find("<value>").unwrap(), xml.rfind("</value>").unwrap());
        xml[from..to].to_owned()
    };
    assert_eq!(structure(&alone), structure(&within));
}

#[test]
fn the_methods_of_a_plug_in_are_there_under_its_names_if_it_is_switched_on() {
    let twiddler = |namespace: &str, whitelist: &[&str]| Twiddler {
        namespace: namespace.to_owned(),
        whitelist: whitelist.iter().map(ToString::to_string).collect(),
    };
    let allowed = ["getAPIVersion"];
    let twiddlers = vec![twiddler("t", &[]), twiddler("narrow", &allowed)];
    let service = Fake(Mutex::default(), twiddlers, None);
    let ask = |method: &str, params: &[Value]| answered(&service, method, params);
    for (method, params, expected) in [
        ("t.getAPIVersion", &[][..], Ok("1.0".into())),
        ("narrow.getAPIVersion", &[], Ok("1.0".into())),
        ("narrow.getGroupNames", &[], Err("UNKNOWN: getGroupNames")),
        (
            "narrow.getGroupNames",
            &[1.into()],
            Err("INCORRECT_PARAMETERS"),
        ),
        ("narrow.log", &[none(), none()], Err("UNKNOWN: log")),
        ("t.getPID", &[], Err("UNKNOWN_METHOD")),
        ("twiddler.getAPIVersion", &[], Err("UNKNOWN_METHOD")),
        ("getAPIVersion", &[], Err("UNKNOWN_METHOD")),
    ] {
        assert_eq!(
            ask(method, params),
            expected.map_err(str::to_owned),
            "{method}"
        );
    }
    let signature = ask("system.methodSignature", &["t.log".into()]).unwrap();
    let types = ["boolean", "string", "string|int"]
        .map(Value::from)
        .to_vec();
    assert_eq!(signature, types.into());
    let listed = ask("system.listMethods", &[]).unwrap();
    let listed = listed.as_array().unwrap();
    let is_sorted = |a: &Value, b: &Value| a.as_text() < b.as_text();
    assert!(listed.is_sorted_by(is_sorted));
    assert!(listed.contains(&"narrow.addProgramToGroup".into()));
    assert_eq!(listed.last(), Some(&"t.removeProcessFromGroup".into()));
    assert_eq!(listed.len(), METHODS.len() + 2 * TWIDDLER.len());
    let without = answer("t.getAPIVersion", &[]);
    assert_eq!(without, Err("UNKNOWN_METHOD".to_owned()));
}
