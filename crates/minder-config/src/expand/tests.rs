use proptest::prelude::*;

use super::*;

fn names() -> Names<'static> {
    Names::new()
        .with("p", "wéb")
        .with("n", 7)
        .with("m", -12)
        .with("a(b)c", "z")
        .with("ENV_A", "x'y")
}

fn expanded(value: &str) -> Result<String, String> {
    expand(value, &names(), "program:p.command").map_err(|error| error.to_string())
}

fn why(value: &str) -> String {
    let error = expanded(value).unwrap_err();
    let (_, why) = error.split_once(" is badly formatted: ").expect(&error);
    why.to_owned()
}

/// What the real Supervisor made of each.
#[test]
fn formats_are_replaced_as_python_replaces_them() {
    for (value, expected) in [
        ("plain", "plain"),
        ("100%%", "100%"),
        ("%(p)s-%(n)d", "wéb-7"),
        ("%(a(b)c)s", "z"),
        ("%(n)02d|%(n)-3d|%(n)+d|%(n) d", "07|7  |+7| 7"),
        ("%(m)05d|%(m)-5d|%(m)5d|", "-0012|-12  |  -12|"),
        ("%(n)x %(n)#o %(m)#x %(n)#010X", "7 0o7 -0xc 0X00000007"),
        ("%(n).3d %(m)#.3x", "007 -0x00c"),
        ("%(p)5s|%(p)-5s|%(p).2s|%(p)05s", "  wéb|wéb  |wé|  wéb"),
        ("%(p)r %(p)a %(ENV_A)r", "'wéb' 'w\\xe9b' \"x'y\""),
        ("%(n)c%(n)s%(m)r", "\u{7}7-12"),
        (
            "%(n)f %(m).1f %(n)05.1f %(n)#.0f",
            "7.000000 -12.0 007.0 7.",
        ),
        ("%(n)e %(n).0E %(n)#.0e", "7.000000e+00 7E+00 7.e+00"),
        ("%(n)g %(n)#g %(m).1g", "7 7.00000 -1e+01"),
        ("%(n)ld%(n)hd%(n)Ld", "777"),
    ] {
        assert_eq!(expanded(value).as_deref(), Ok(expected), "{value}");
    }
}

#[test]
fn what_is_no_format_is_named_as_python_names_it() {
    for (value, expected) in [
        ("100%", "incomplete format"),
        ("%(p)", "incomplete format"),
        ("%(p)-5.", "incomplete format"),
        ("%(p", "incomplete format key"),
        ("x %( y", "incomplete format key"),
        (
            "/bin/echo %(n)y",
            "unsupported format character 'y' (0x79) at index 14",
        ),
        (
            "%(p)%",
            "unsupported format character '%' (0x25) at index 4",
        ),
        (
            "é%(p)é",
            "unsupported format character '?' (0xe9) at index 5",
        ),
        (
            "%(n)lld",
            "unsupported format character 'l' (0x6c) at index 5",
        ),
        ("%(p)d", "%d format: a real number is required, not str"),
        ("%(p)X", "%X format: an integer is required, not str"),
        ("%(p)f", "must be real number, not str"),
        ("%(p)c", "%c requires int or char"),
        ("%(m)c", "%c arg not in range(0x110000)"),
        ("%d", "%d format: a real number is required, not dict"),
        ("%x", "%x format: an integer is required, not dict"),
        ("%*d", "* wants int"),
        ("%(p)*d", "* wants int"),
        ("%(n)*d", "not enough arguments for format string"),
        ("%s %s", "not enough arguments for format string"),
        ("%(p)s %s", "not enough arguments for format string"),
        ("%(n)99999999999999999999d", "width too big"),
        ("%(n).99999999999999999999d", "precision too big"),
    ] {
        assert_eq!(why(value), expected, "{value}");
    }
}

#[test]
fn an_unknown_name_is_told_with_those_that_there_are() {
    let outer = Names::new().with("here", "/etc").with("ENV_A", "");
    let inner = Names::within(&outer).with("program_name", "p");
    let error = expand("a %(it's)s", &inner, "program:p.command").unwrap_err();
    assert_eq!(
        error.to_string(),
        "Format string \"a %(it's)s\" for 'program:p.command' contains names (\"it's\") which \
         cannot be expanded. Available names: ENV_A, here, program_name"
    );
}

#[test]
fn a_format_without_a_name_does_not_give_the_table_away() {
    assert_eq!(why("x %s"), "a format needs a name, as in %(program_name)s");
}

#[test]
fn inner_names_win_over_outer_ones() {
    let outer = Names::new().with("a", "outer").with("b", "outer");
    let inner = Names::within(&outer).with("a", "inner");
    let expanded = expand("%(a)s %(b)s", &inner, "x");
    assert_eq!(expanded.as_deref(), Ok("inner outer"));
}

proptest! {
    #[test]
    fn any_text_is_expanded_or_refused(text in r"[%()pnm0-9.*+ #dsrxfgeclé-]{0,20}") {
        let _ = expanded(&text);
    }

    #[test]
    fn a_text_whose_percent_signs_are_doubled_comes_back(text in ".{0,30}") {
        let doubled = text.replace('%', "%%");
        prop_assert_eq!(expanded(&doubled), Ok(text));
    }
}
