use proptest::prelude::*;

use super::*;

fn read(text: &str) -> Result<Ini, String> {
    let mut ini = Ini::default();
    ini.read(&SourceFile::new("f", text))
        .map_err(|(error, _)| error.to_string())?;
    Ok(ini)
}

/// Each section with its options, as `[name] option=value option=value`.
fn shown(ini: &Ini) -> Vec<String> {
    ini.sections()
        .iter()
        .map(|section| {
            ini.options(section)
                .iter()
                .fold(format!("[{}]", section.name()), |line, (name, option)| {
                    format!("{line} {name}={}", option.value)
                })
        })
        .collect()
}

/// What the real parser made of each.
#[test]
fn the_dialect_is_that_of_pythons_parser() {
    for (text, expected) in [
        ("", &[][..]),
        ("; only\n# comments\n\n", &[]),
        ("[a]", &["[a]"]),
        ("  [a]\r\nX = 1\rY:2\n", &["[a] x=1 y=2"]),
        ("[y]z]q\na=1", &["[y]z] a=1"]),
        ("[ a ]x=1", &["[ a ]"]),
        ("[a] ; b]\n", &["[a]"]),
        ("[a]\nx=a=b\ny: a:b\nz==a", &["[a] x=a=b y=a:b z==a"]),
        ("[a]\nx=", &["[a] x="]),
        ("[a]\nx=1 ;c\ny=2\t# c\nz=3;c", &["[a] x=1 y=2 z=3;c"]),
        ("[a]\nx=;1\ny= ;1", &["[a] x=;1 y="]),
        // The second comment is overlooked: the first of each sign is tried before the second.
        ("[a]\nx=1;2 ;3 #4", &["[a] x=1;2 ;3"]),
        ("[a]\nx=sh -c \"a ; b\"", &["[a] x=sh -c \"a"]),
        ("[a]\nx=1\n  2\n\t3", &["[a] x=1\n2\n3"]),
        ("[a]\nx=1\n\n  2\n\n\ny=3", &["[a] x=1\n\n2 y=3"]),
        ("[a]\nx=1\n ;c\n  2", &["[a] x=1\n2"]),
        ("[a]\nx=\n  1\n  2", &["[a] x=\n1\n2"]),
        ("[a]\nx=1\n [b]\n", &["[a] x=1\n[b]"]),
        ("[a]\n  x=1\n  y=2\n y=3", &["[a] x=1 y=3"]),
        ("[a]\nx=1\nx=2\n[b]\n[a]\ny=3", &["[a] x=2 y=3", "[b]"]),
        ("[DEFAULT]\nx=1\n[a]\n[b]\nx=2", &["[a] x=1", "[b] x=2"]),
        ("[a]\n\u{a0}x\u{a0}=\u{a0}1\u{a0};c", &["[a] x=1"]),
        ("[a]\nÉ=1", &["[a] é=1"]),
    ] {
        assert_eq!(shown(&read(text).unwrap()), expected, "{text:?}");
    }
}

#[test]
fn what_is_not_the_dialect_is_refused_with_pythons_text() {
    for (text, expected) in [
        (
            "junk\n",
            "File contains no section headers.\nfile: 'f', line: 1\n'junk\\n'",
        ),
        (
            ";\n[]\n",
            "File contains no section headers.\nfile: 'f', line: 2\n'[]\\n'",
        ),
        (
            "[a]\nx\ny=1\n=v ;c\r\n[open",
            "Source contains parsing errors: 'f'\n\t[line  2]: 'x\\n'\n\t[line  4]: '=v ;c\\n'\
             \n\t[line  5]: '[open'",
        ),
    ] {
        assert_eq!(read(text).unwrap_err(), expected, "{text:?}");
    }
}

#[test]
fn later_files_win_over_earlier_ones() {
    let mut ini = read("[a]\nx=1\ny=1").unwrap();
    ini.read(&SourceFile::new("g", "[b]\n[a]\ny=2")).unwrap();
    assert_eq!(shown(&ini), ["[a] x=1 y=2", "[b]"]);
    let section = ini.section("a").unwrap();
    assert_eq!(section.header().to_string(), "f:1:2");
    let option = ini.option(section, "y").unwrap();
    assert_eq!(option.value_at.to_string(), "g:3:3");
}

#[test]
fn here_is_the_directory_of_the_file_that_brought_the_option() {
    let mut ini = read("[DEFAULT]\nd=%(here)s\n[a]\nx=%(here)s/x").unwrap();
    ini.expand_here("/main");
    ini.read(&SourceFile::new("g", "[b]\nx=%(here)s/x"))
        .unwrap();
    ini.expand_here("/inc");
    assert_eq!(
        shown(&ini),
        ["[a] d=/main x=/main/x", "[b] d=/inc x=/inc/x"]
    );
}

#[test]
fn an_option_behind_a_blank_line_that_became_part_of_a_value_is_remembered() {
    let ini = read("[a]\nx=1\n\n  y=2\n  z=3\nw=A=1,\n  B=2").unwrap();
    let swallowed: Vec<_> = ini.swallowed().iter().map(Location::text).collect();
    assert_eq!(swallowed, ["y=2"]);
}

/// Pieces from which most texts of the dialect, right and wrong, can be put together.
fn any_text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("[a]"),
        Just("[b]"),
        Just("[DEFAULT]"),
        Just("x=1"),
        Just("é : ☃"),
        Just(" "),
        Just("\t"),
        Just("\n"),
        Just("\r\n"),
        Just("\r"),
        Just(";"),
        Just(" #c"),
        Just("="),
        Just("\u{a0}"),
        Just("word"),
        Just("%(here)s"),
        Just("]"),
        Just("[")
    ];
    prop::collection::vec(piece, 0..30).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn every_place_lies_in_the_text_and_covers_what_it_says(text in any_text()) {
        let Ok(ini) = read(&text) else { return Ok(()) };
        for section in ini.sections() {
            prop_assert_eq!(section.header().text(), section.name());
            for (name, option) in section.own_options() {
                prop_assert_eq!(&option.name_at.text().to_lowercase(), name);
                let first_line = option.value.trim_start().lines().next().unwrap_or("");
                prop_assert!(option.value_at.text().starts_with(first_line));
            }
        }
    }

    #[test]
    fn the_place_of_an_error_lies_in_the_text(text in any_text()) {
        let mut ini = Ini::default();
        if let Err((_, place)) = ini.read(&SourceFile::new("f", text.as_str())) {
            prop_assert!(text.contains(place.text()));
            prop_assert!(place.line() <= text.lines().count().max(1) + text.matches('\r').count());
        }
    }
}
