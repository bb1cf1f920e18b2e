use proptest::prelude::*;

use super::*;
use crate::{Fault, FaultCode};

fn call(xml: &str) -> Result<MethodCall, DecodeError> {
    decode_call(xml.as_bytes())
}

/// What a call with this one parameter's XML arrives as.
fn param(xml: &str) -> Result<Value, DecodeError> {
    let call = call(&format!(
        "<methodCall><methodName>m</methodName><params><param>{xml}</param></params></methodCall>"
    ))?;
    Ok(call.params[0].clone())
}

#[test]
fn an_answer_is_laid_out_as_supervisor_lays_it_out() {
    let value = Value::Struct(vec![
        ("statecode".into(), Value::Int(1)),
        (
            "names".into(),
            Value::Array(vec!["a<b>&'\"c".into(), "".into()]),
        ),
        ("ok".into(), Value::Bool(true)),
        ("none".into(), Value::Array(Vec::new())),
    ]);
    assert_eq!(
        encode_response(&value),
        "<?xml version='1.0'?>\n<methodResponse>\n<params>\n<param>\n<value><struct>\n\
         <member>\n<name>statecode</name>\n<value><int>1</int></value>\n</member>\n\
         <member>\n<name>names</name>\n<value><array><data>\n\
         <value><string>a&lt;b&gt;&amp;'\"c</string></value>\n<value><string></string></value>\n\
         </data></array></value>\n</member>\n\
         <member>\n<name>ok</name>\n<value><boolean>1</boolean></value>\n</member>\n\
         <member>\n<name>none</name>\n<value><array><data>\n</data></array></value>\n</member>\n\
         </struct></value>\n</param>\n</params>\n</methodResponse>\n"
    );
}

#[test]
fn an_array_is_laid_out_alike_whether_all_of_it_is_there_or_not() {
    let items = vec![Value::from(1), "a".into(), Value::Array(Vec::new())];
    let xml = encode_array(items.clone().into_iter());
    assert_eq!(xml, encode_response(&Value::Array(items)));
}

#[test]
fn a_fault_is_laid_out_as_supervisor_lays_it_out() {
    assert_eq!(
        encode_fault(&Fault::about(FaultCode::BadName, "zz:*")),
        "<?xml version='1.0'?>\n<methodResponse>\n<fault>\n<value><struct>\n\
         <member>\n<name>faultCode</name>\n<value><int>10</int></value>\n</member>\n\
         <member>\n<name>faultString</name>\n<value><string>BAD_NAME: zz:*</string></value>\n\
         </member>\n</struct></value>\n</fault>\n</methodResponse>\n"
    );
}

#[test]
fn a_call_is_laid_out_as_python_lays_it_out() {
    assert_eq!(
        encode_call("supervisor.startProcess", &["web".into(), false.into()]),
        "<?xml version='1.0'?>\n<methodCall>\n<methodName>supervisor.startProcess</methodName>\n\
         <params>\n<param>\n<value><string>web</string></value>\n</param>\n\
         <param>\n<value><boolean>0</boolean></value>\n</param>\n</params>\n</methodCall>\n"
    );
}

#[test]
fn what_xml_does_not_allow_is_replaced_in_answers() {
    let xml = encode_response(&"\u{1b}[1mbold\u{0}\u{ffff}\t\u{1f600}".into());
    assert!(xml.contains("<string>\u{fffd}[1mbold\u{fffd}\u{fffd}\t\u{1f600}</string>"));
}

#[test]
fn every_type_of_a_parameter_is_understood() {
    for (xml, value) in [
        ("<value><int> -5 </int></value>", Value::Int(-5)),
        ("<value><i4>+7</i4></value>", Value::Int(7)),
        ("<value><int>4294967296</int></value>", Value::Int(1 << 32)),
        (
            "<value><int>99999999999999999999</int></value>",
            Value::Int(i64::MAX),
        ),
        ("<value><boolean>1</boolean></value>", Value::Bool(true)),
        ("<value><boolean>true</boolean></value>", Value::Bool(false)),
        (
            "<value><double>1.5e3</double></value>",
            Value::Double(1500.0),
        ),
        ("<value><string/></value>", "".into()),
        ("<value/>", "".into()),
        ("<value> a </value>", " a ".into()),
        ("<value> <string>b</string> </value>", "b".into()),
        ("<value><nil/></value>", "".into()),
        ("<value><unheard_of>x</unheard_of></value>", "x".into()),
        (
            "<value><base64>\n  d8\n OkcnQ= </base64></value>",
            "w\u{e4}rt".into(),
        ),
        (
            "<value><dateTime.iso8601>20261123T14:52:00</dateTime.iso8601></value>",
            Value::DateTime("20261123T14:52:00".to_owned()),
        ),
        (
            "<value><array><data/></array></value>",
            Value::Array(Vec::new()),
        ),
        (
            "<value><struct><member><value>v</value><name>n</name></member></struct></value>",
            Value::Struct(vec![("n".into(), "v".into())]),
        ),
    ] {
        assert_eq!(param(xml).expect(xml), value, "{xml}");
    }
}

#[test]
fn markup_in_a_text_is_resolved() {
    let text =
        param("<value><string>a&amp;&#x42;<!-- no --><![CDATA[<c>]]>&#13;\r\nd</string></value>");
    assert_eq!(text.unwrap(), "a&B<c>\r\nd".into());
}

#[test]
fn elements_may_come_in_any_order_and_unknown_ones_are_skipped() {
    let read = call(
        "\u{feff}<?xml version='1.0' encoding='latin-1'?><!DOCTYPE methodCall>\n<!-- hello -->\
         <anything><params><param><junk/><value>x</value></param></params><more>junk</more>\
         <methodName>m</methodName></anything>\n",
    );
    let expected = MethodCall {
        method: "m".to_owned(),
        params: vec!["x".into()],
    };
    assert_eq!(read.unwrap(), expected);
}

#[test]
fn a_call_may_lack_parameters() {
    for xml in [
        "<methodCall><methodName>m</methodName></methodCall>",
        "<methodCall><methodName>m</methodName><params/></methodCall>",
    ] {
        assert_eq!(call(xml).unwrap().params, []);
    }
}

#[test]
fn what_is_no_call_is_refused() {
    for xml in [
        "",
        "hello",
        "<a/>",
        "<methodCall/>",
        "<methodCall><methodName/></methodCall>",
        "<methodCall><methodName>m</methodName>",
        "<methodCall><methodName>m</methodName></methodCall><again/>",
        "<methodCall><methodName>m</methodName></methodCall>x",
        "<methodCall><methodName>m</methodCall></methodName>",
        "<methodCall><methodName>&lol;</methodName></methodCall>",
        "<methodCall><methodName>&#0;</methodName></methodCall>",
        "<methodCall><methodName>\u{1}</methodName></methodCall>",
    ] {
        assert!(call(xml).is_err(), "{xml}");
    }
    for xml in [
        "",
        "<value><int>x</int></value>",
        "<value><int/></value>",
        "<value><double>x</double></value>",
        "<value><dateTime.iso8601>yesterday</dateTime.iso8601></value>",
        "<value><base64>//79</base64></value>",
        "<value><array/></value>",
        "<value><struct><member><name>n</name></member></struct></value>",
        "<value><struct><member><value>v</value></member></struct></value>",
    ] {
        assert!(param(xml).is_err(), "{xml}");
    }
}

#[test]
fn entities_are_never_expanded() {
    let bomb = "<!DOCTYPE x [<!ENTITY a 'aaaaaaaaaa'><!ENTITY b '&a;&a;&a;&a;&a;'>]>\
                <methodCall><methodName>&b;</methodName></methodCall>";
    assert!(matches!(call(bomb), Err(DecodeError::UnknownEntity(name)) if name == "b"));
}

#[test]
fn everything_has_a_bound() {
    let deep = "<value><array><data>".repeat(30);
    assert!(matches!(call(&deep), Err(DecodeError::TooDeep)));

    for value in ["<value/>", "<string/>", "<data/>", "<struct/>"] {
        let many = value.repeat(Limits::CALL.values + 1);
        let many = format!("<params>{many}</params>");
        let read = call(&many);
        assert!(matches!(read, Err(DecodeError::TooManyValues)), "{value}");
    }

    let wide = format!("<value>{}</value>", "x".repeat(Limits::CALL.text + 1));
    assert!(matches!(param(&wide), Err(DecodeError::TextTooLong)));

    let long = " ".repeat(Limits::CALL.bytes + 1);
    assert!(matches!(call(&long), Err(DecodeError::TooLong(_))));
}

#[test]
fn an_answer_is_read_back() {
    let fault = Fault::about(FaultCode::NotRunning, "web");
    assert_eq!(
        decode_response(encode_fault(&fault).as_bytes()).unwrap(),
        Err((70, "NOT_RUNNING: web".to_owned()))
    );
    for no_answer in [
        "<methodResponse/>",
        "<methodResponse><params/></methodResponse>",
        "<methodResponse><fault><value>x</value></fault></methodResponse>",
    ] {
        let read = decode_response(no_answer.as_bytes());
        assert!(matches!(read, Err(DecodeError::NoAnswer)), "{no_answer}");
    }
}

/// Any text that XML can carry unchanged: a carriage return becomes a line feed on the way.
fn texts() -> impl Strategy<Value = String> {
    any::<String>().prop_map(|text| {
        text.chars()
            .filter(|c| is_legal(*c) && *c != '\r')
            .collect()
    })
}

pub(crate) fn values() -> impl Strategy<Value = Value> {
    let scalar = prop_oneof![
        any::<i64>().prop_map(Value::Int),
        any::<bool>().prop_map(Value::Bool),
        any::<f64>().prop_map(Value::Double),
        texts().prop_map(Value::Text),
    ];
    scalar.prop_recursive(4, 64, 8, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8).prop_map(Value::Array),
            prop::collection::vec((texts().prop_map(Into::into), inner), 0..8)
                .prop_map(Value::Struct),
        ]
    })
}

proptest! {
    #[test]
    fn a_call_arrives_as_it_was_sent(
        method in "[a-zA-Z.]{1,40}",
        params in prop::collection::vec(values(), 0..5),
    ) {
        let xml = encode_call(&method, &params);
        prop_assert_eq!(decode_call(xml.as_bytes()).unwrap(), MethodCall { method, params });
    }

    #[test]
    fn an_answer_arrives_as_it_was_sent(value in values()) {
        let xml = encode_response(&value);
        prop_assert_eq!(decode_response(xml.as_bytes()).unwrap(), Ok(value));
    }

    #[test]
    fn any_text_can_be_sent(text in any::<String>()) {
        let xml = encode_response(&text.into());
        prop_assert!(decode_response(xml.as_bytes()).is_ok());
    }

    #[test]
    fn garbage_is_survived(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = decode_call(&bytes);
        let _ = decode_response(&bytes);
    }

    #[test]
    fn a_damaged_call_is_survived(value in values(), at in any::<prop::sample::Index>(), byte: u8) {
        let mut xml = encode_call("m", &[value]).into_bytes();
        let at = at.index(xml.len());
        xml[at] = byte;
        let _ = decode_call(&xml);
    }

    #[test]
    fn an_unfinished_call_is_refused(value in values(), at in any::<prop::sample::Index>()) {
        let xml = encode_call("m", &[value]);
        let cut = at.index(xml.trim_end().len());
        prop_assert!(decode_call(&xml.as_bytes()[..cut]).is_err());
    }
}
