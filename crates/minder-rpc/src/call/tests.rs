use proptest::prelude::*;

use super::*;
use crate::method::METHODS;

fn parsed(method: &str, params: &[Value]) -> Result<Call, String> {
    Call::parse(&format!("supervisor.{method}"), params).map_err(|fault| fault.to_string())
}

fn list(items: &[&str]) -> Value {
    items.iter().copied().map(Value::from).collect()
}

#[test]
fn a_method_that_is_not_there_is_unknown() {
    for method in [
        "",
        "supervisor",
        "supervisor.",
        "supervisor._update",
        "supervisor.getState.x",
        "getState",
        "Supervisor.getState",
        "system.listMethods",
    ] {
        let fault = Call::parse(method, &[]).unwrap_err();
        assert_eq!(fault.to_string(), "UNKNOWN_METHOD", "{method}");
    }
}

#[test]
fn a_method_takes_as_many_parameters_as_its_signature_says() {
    for method in METHODS
        .iter()
        .filter(|method| method.name.starts_with("supervisor."))
    {
        let params = vec![Value::from("1"); method.params.len()];
        let required = method.params.iter().filter(|param| !param.optional).count();
        assert!(Call::parse(method.name, &params).is_ok(), "{}", method.name);
        assert!(
            Call::parse(method.name, &params[..required]).is_ok(),
            "{}",
            method.name
        );

        let too_many = vec![Value::from("1"); params.len() + 1];
        let too_few = required.checked_sub(1).map(|count| &params[..count]);
        for wrong in [Some(&too_many[..]), too_few].into_iter().flatten() {
            let fault = Call::parse(method.name, wrong).unwrap_err();
            assert_eq!(fault.to_string(), "INCORRECT_PARAMETERS", "{}", method.name);
        }
    }
}

#[test]
fn aliases_mean_the_same_call() {
    let name = Value::from("web");
    let read = [name.clone(), 0.into(), 10.into()];
    for (alias, method, params) in [
        ("getVersion", "getAPIVersion", &[] as &[Value]),
        ("readMainLog", "readLog", &read[1..]),
        ("readProcessLog", "readProcessStdoutLog", &read),
        ("tailProcessLog", "tailProcessStdoutLog", &read),
        ("clearProcessLog", "clearProcessLogs", &read[..1]),
    ] {
        let call = parsed(method, params);
        assert!(call.is_ok());
        assert_eq!(parsed(alias, params), call);
    }
}

#[test]
fn a_start_waits_unless_told_otherwise() {
    for (wait, waits) in [
        (None, true),
        (Some(Value::from(true)), true),
        (Some("no".into()), true),
        (Some("".into()), false),
        (Some(0.into()), false),
        (Some(list(&[])), false),
    ] {
        let params: Vec<_> = std::iter::once("web".into()).chain(wait).collect();
        let name = "web".to_owned();
        assert_eq!(
            parsed("startProcess", &params),
            Ok(Call::StartProcess { name, wait: waits })
        );
    }
}

#[test]
fn the_name_of_a_process_is_a_text() {
    for name in [5.into(), true.into(), Value::Double(1.5), list(&["web"])] {
        for method in [
            "getProcessInfo",
            "startProcess",
            "stopProcess",
            "clearProcessLogs",
        ] {
            let fault = parsed(method, std::slice::from_ref(&name)).unwrap_err();
            assert_eq!(fault, "INCORRECT_PARAMETERS");
        }
    }
}

#[test]
fn a_group_that_is_called_by_a_number_is_not_found() {
    for (name, fault) in [
        (5.into(), "BAD_NAME: 5"),
        (true.into(), "BAD_NAME: True"),
        (Value::Double(1.5), "BAD_NAME: 1.5"),
        (list(&["web"]), "INCORRECT_PARAMETERS"),
    ] {
        for method in ["startProcessGroup", "stopProcessGroup"] {
            assert_eq!(
                parsed(method, std::slice::from_ref(&name)),
                Err(fault.to_owned())
            );
        }
    }
    // One that is to be added is compared with others, and not looked up.
    let add = parsed("addProcessGroup", &[list(&["web"])]);
    assert_eq!(add, Err("BAD_NAME: ['web']".to_owned()));
}

#[test]
fn numbers_may_come_as_texts_and_other_types() {
    let span = |offset, length| Ok(Call::ReadLog(Span { offset, length }));
    assert_eq!(
        parsed("readLog", &[" -5 ".into(), true.into()]),
        span(-5, 1)
    );
    assert_eq!(
        parsed("readLog", &[Value::Double(2.9), 0.into()]),
        span(2, 0)
    );
    for bad in ["x".into(), "".into(), list(&[])] {
        let fault = parsed("readLog", &[0.into(), bad]).unwrap_err();
        assert_eq!(fault, "INCORRECT_PARAMETERS");
    }
}

#[test]
fn a_signal_is_a_name_or_a_number() {
    let signal = |signal: &str| {
        Ok(Call::SignalAllProcesses {
            signal: signal.to_owned(),
        })
    };
    assert_eq!(
        parsed("signalAllProcesses", &["usr1".into()]),
        signal("usr1")
    );
    assert_eq!(parsed("signalAllProcesses", &[15.into()]), signal("15"));
    assert_eq!(
        parsed("signalAllProcesses", &[Value::Double(1.5)]),
        signal("1")
    );
    let fault = parsed("signalAllProcesses", &[list(&["1"])]).unwrap_err();
    assert_eq!(fault, "INCORRECT_PARAMETERS");
}

#[test]
fn what_is_sent_to_a_program_is_a_text() {
    for (chars, fault) in [
        (5.into(), "INCORRECT_PARAMETERS: 5"),
        (true.into(), "INCORRECT_PARAMETERS: True"),
        (list(&["a"]), "INCORRECT_PARAMETERS: ['a']"),
    ] {
        assert_eq!(
            parsed("sendProcessStdin", &[5.into(), chars]),
            Err(fault.to_owned())
        );
    }
    let fault = parsed("sendProcessStdin", &[5.into(), "x".into()]).unwrap_err();
    assert_eq!(fault, "INCORRECT_PARAMETERS");
}

#[test]
fn anything_can_be_told_to_listeners() {
    let data = Value::Struct(vec![("k".into(), true.into())]);
    let call = Call::SendRemoteCommEvent {
        kind: "5".to_owned(),
        data: "{'k': True}".to_owned(),
    };
    assert_eq!(parsed("sendRemoteCommEvent", &[5.into(), data]), Ok(call));
}

proptest! {
    #[test]
    fn any_parameters_are_survived(
        method: prop::sample::Index,
        params in prop::collection::vec(crate::xmlrpc::tests::values(), 0..4),
    ) {
        let _ = Call::parse(method.get(METHODS).name, &params);
    }
}
