use proptest::prelude::*;

use super::*;

fn repr(text: &str) -> String {
    Repr(text).to_string()
}

#[test]
fn a_text_is_shown_as_python_shows_it() {
    for (text, shown) in [
        ("", "''"),
        ("a", "'a'"),
        ("it's", "\"it's\""),
        ("say \"hi\"", "'say \"hi\"'"),
        ("it's \"x\"", r#"'it\'s "x"'"#),
        ("a\\b\n\r\t", r"'a\\b\n\r\t'"),
        ("\x07\x7f", r"'\x07\x7f'"),
        ("é☃", "'é☃'"),
        ("\u{feff}", r"'\ufeff'"),
        ("\u{a0}\u{ad}", r"'\xa0\xad'"),
        ("e\u{301}", "'e\u{301}'"),
        ("\u{301}", "'\u{301}'"),
        ("\u{e0001}", r"'\U000e0001'"),
    ] {
        assert_eq!(repr(text), shown);
    }
    assert_eq!(Ascii("é☃").to_string(), r"'\xe9\u2603'");
    assert_eq!(
        ReprList(&["x y".into(), "it's".into()]).to_string(),
        "['x y', \"it's\"]"
    );
}

#[test]
fn a_number_is_what_python_reads_as_one() {
    for (text, number) in [
        ("5", Some(5)),
        (" 5\n", Some(5)),
        ("+5", Some(5)),
        ("-1", Some(-1)),
        ("007", Some(7)),
        ("1_0", Some(10)),
        ("\u{663}", Some(3)),
        ("\u{a0}1\x1c", Some(1)),
        ("99999999999999999999", Some(i64::MAX)),
        ("", None),
        ("-", None),
        ("- 1", None),
        ("x", None),
        ("1.5", None),
        ("0x10", None),
        ("1e3", None),
        ("_1", None),
        ("1_", None),
        ("1__0", None),
        ("²", None),
    ] {
        assert_eq!(int(text), number, "{text:?}");
    }
}

#[test]
fn an_octal_number_may_have_pythons_prefix() {
    for (text, number) in [
        ("022", Some(0o22)),
        ("22", Some(0o22)),
        ("0o22", Some(0o22)),
        ("0O22", Some(0o22)),
        ("0o_22", Some(0o22)),
        ("2_2", Some(0o22)),
        ("-22", Some(-0o22)),
        ("0", Some(0)),
        ("0o", None),
        ("9", None),
        ("0x1", None),
        ("0b1", None),
        ("", None),
    ] {
        assert_eq!(octal(text), number, "{text:?}");
    }
}

proptest! {
    #[test]
    fn a_shown_text_holds_nothing_that_cannot_be_printed(text in ".{0,40}") {
        prop_assert!(repr(&text).chars().all(|c| !c.is_control()));
    }

    #[test]
    fn a_number_is_read_back(number: i64) {
        prop_assume!(number != i64::MIN);
        prop_assert_eq!(int(&number.to_string()), Some(number));
    }
}
