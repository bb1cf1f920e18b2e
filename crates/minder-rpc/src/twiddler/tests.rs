use super::*;
use crate::method::{self, Action};

fn parsed(name: &str, params: &[Value]) -> Result<TwiddlerCall, String> {
    let method = method::find_twiddler(name).unwrap();
    let Action::Twiddler(parse) = method.action else {
        panic!("{name} is no method of the plug-in");
    };
    let args = Args::new(method, params);
    args.and_then(parse).map_err(|fault| fault.to_string())
}

fn structure(members: &[(&str, Value)]) -> Value {
    let members = members.iter().cloned();
    Value::Struct(
        members
            .map(|(name, value)| (name.to_owned().into(), value))
            .collect(),
    )
}

const REFUSED: &str = "INCORRECT_PARAMETERS";

#[test]
fn a_level_is_a_name_or_a_number() {
    for (given, level) in [
        (Value::from("CRIT"), Some(Level::Critical)),
        ("erro".into(), Some(Level::Error)),
        (30.into(), Some(Level::Warn)),
        (Value::Double(10.0), Some(Level::Debug)),
        (5.into(), Some(Level::Trace)),
        (3.into(), Some(Level::Blather)),
        ("INFORM".into(), None),
        ("20".into(), None),
        (21.into(), None),
        (Value::Double(10.5), None),
        (true.into(), None),
        (Value::Array(Vec::new()), None),
    ] {
        let message = "x".to_owned();
        let expected = level.map(|level| TwiddlerCall::Log { message, level });
        assert_eq!(
            parsed("log", &["x".into(), given]),
            expected.ok_or_else(|| REFUSED.to_owned())
        );
    }
}

#[test]
fn anything_can_be_logged_and_is_worth_a_line_unless_told_otherwise() {
    let call = TwiddlerCall::Log {
        message: "['a', 1]".to_owned(),
        level: Level::Info,
    };
    let list = Value::Array(vec!["a".into(), 1.into()]);
    assert_eq!(parsed("log", &[list]), Ok(call));
}

#[test]
fn options_are_what_a_file_would_say() {
    let given = structure(&[
        ("command", "/bin/cat".into()),
        ("numprocs", 2.into()),
        ("autostart", false.into()),
        ("Priority", Value::Double(1.0)),
    ]);
    let options = [
        ("command", "/bin/cat"),
        ("numprocs", "2"),
        ("autostart", "False"),
        ("Priority", "1.0"),
    ];
    let call = TwiddlerCall::AddProgramToGroup {
        group: "g".to_owned(),
        program: "5".to_owned(),
        options: Ok(options
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into()),
    };
    let add = |given| parsed("addProgramToGroup", &["g".into(), 5.into(), given]);
    assert_eq!(add(given.clone()), Ok(call.clone()));
    let Value::Struct(members) = given else {
        panic!("a struct");
    };
    let pairs = members
        .into_iter()
        .map(|(name, value)| vec![name.into_owned().into(), value].into());
    assert_eq!(add(pairs.collect()), Ok(call));
}

#[test]
fn options_are_a_struct_of_plain_values() {
    for options in [
        5.into(),
        "command=/bin/cat".into(),
        vec!["command".into()].into(),
        vec![vec!["command".into()].into()].into(),
        vec![vec![5.into(), "x".into()].into()].into(),
        structure(&[("environment", structure(&[]))]),
        structure(&[("exitcodes", vec![0.into()].into())]),
    ] {
        let call = parsed("addProgramToGroup", &["g".into(), "p".into(), options]);
        let Ok(TwiddlerCall::AddProgramToGroup { options, .. }) = call else {
            panic!("{call:?}");
        };
        assert_eq!(options, Err(incorrect_parameters()));
    }
    for none in [structure(&[]), Value::Array(Vec::new())] {
        let call = parsed("addProgramToGroup", &["g".into(), "p".into(), none]);
        assert!(matches!(
            call,
            Ok(TwiddlerCall::AddProgramToGroup { options: Ok(options), .. }) if options.is_empty()
        ));
    }
}

#[test]
fn what_is_called_by_a_number_is_not_found() {
    let none = structure(&[]);
    for (method, params, fault) in [
        (
            "addProgramToGroup",
            vec![5.into(), "p".into(), none],
            "BAD_NAME: group: 5",
        ),
        (
            "removeProcessFromGroup",
            vec![true.into(), "p".into()],
            "BAD_NAME: group: True",
        ),
        (
            "removeProcessFromGroup",
            vec!["g".into(), 5.into()],
            "BAD_NAME: 5",
        ),
        (
            "removeProcessFromGroup",
            vec![Value::Array(Vec::new()), "p".into()],
            REFUSED,
        ),
    ] {
        assert_eq!(parsed(method, &params), Err(fault.to_owned()));
    }
}
