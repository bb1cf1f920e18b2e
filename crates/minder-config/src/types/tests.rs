use super::*;

fn text<T: std::fmt::Debug>(result: Result<T, ValueError>) -> String {
    result.unwrap_err().to_string()
}

#[test]
fn truth_has_eight_spellings() {
    for yes in ["yes", "TRUE", "On", "1"] {
        assert_eq!(boolean(yes), Ok(true));
    }
    for no in ["no", "False", "OFF", "0"] {
        assert_eq!(boolean(no), Ok(false));
    }
    assert_eq!(text(boolean("")), "not a valid boolean value: ''");
    assert_eq!(
        text(boolean("Maybe\n")),
        "not a valid boolean value: 'Maybe\\n'"
    );
}

#[test]
fn a_size_may_have_a_unit_of_two_letters() {
    for (size, bytes) in [
        ("0", 0),
        ("1 kb", 1 << 10),
        ("+3mb", 3 << 20),
        ("1GB", 1 << 30),
        ("1_0KB", 10 << 10),
        ("-1", -1),
        ("99999999999GB", i64::MAX),
    ] {
        assert_eq!(byte_size(size), Ok(bytes), "{size}");
    }
    for (size, left) in [("1.5kb", "1.5"), ("KB", ""), ("1TB", "1tb"), ("1k", "1k")] {
        assert_eq!(
            text(byte_size(size)),
            format!("invalid literal for int() with base 10: '{left}'")
        );
    }
}

#[test]
fn a_mode_is_cut_to_the_bits_that_there_are() {
    assert_eq!(octal("0o22"), Ok(0o22));
    assert_eq!(octal("-22"), Ok(0o7756));
    assert_eq!(text(octal("")), " can not be converted to an octal type");
    assert_eq!(text(octal("9")), "9 can not be converted to an octal type");
}

#[test]
fn exit_codes_are_a_list_that_may_be_empty() {
    assert_eq!(exit_codes(""), Ok(vec![]));
    assert_eq!(exit_codes(" 1 , +2,1_0"), Ok(vec![1, 2, 10]));
    for wrong in ["x", "256", "-1", "0,", "0,,1", "1;2", "0x1"] {
        assert_eq!(
            text(exit_codes(wrong)),
            format!("not a valid list of exit codes: '{wrong}'")
        );
    }
}

#[test]
fn autorestart_is_shown_in_lower_case() {
    assert_eq!(auto_restart("UNEXPECTED"), Ok(AutoRestart::Unexpected));
    assert_eq!(auto_restart("on"), Ok(AutoRestart::Always));
    assert_eq!(auto_restart("No"), Ok(AutoRestart::Never));
    assert_eq!(
        text(auto_restart("Always")),
        "invalid 'autorestart' value 'always'"
    );
}

#[test]
fn what_was_left_running_is_stopped_or_adopted() {
    assert_eq!(orphans("stop"), Ok(Orphans::Stop));
    assert_eq!(orphans("Adopt"), Ok(Orphans::Adopt));
    assert_eq!(
        text(orphans("true")),
        "invalid 'orphans' value 'true': it may be stop or adopt"
    );
}

#[test]
fn a_signal_that_is_none_is_told_apart_by_its_looks() {
    assert_eq!(signal(" hup "), Ok(Signal::HUP));
    assert_eq!(text(signal("")), "value '' is not a valid signal name");
    assert_eq!(
        text(signal("65")),
        "value '65' is not a valid signal number"
    );
}

#[test]
fn a_server_has_a_port_and_may_have_a_host() {
    for (address, host, port) in [
        ("9001", None, 9001),
        (":9001", None, 9001),
        ("*:9001", None, 9001),
        ("LocalHost:1", Some("localhost"), 1),
        ("[::1]:65535", Some("[::1]"), 65535),
    ] {
        assert_eq!(
            inet_address(address),
            Ok((host.map(str::to_owned), port)),
            "{address}"
        );
    }
    for (address, expected) in [
        ("", "not a valid port number: '' "),
        ("0", "not a valid port number: '0' "),
        ("h:", "no port number specified in ''"),
        ("h:x", "invalid literal for int() with base 10: 'x'"),
        ("h:0", "0 is below lower bound (1)"),
        ("h:70000", "70000 is above upper bound (65535)"),
    ] {
        assert_eq!(text(inet_address(address)), expected, "{address}");
    }
}

#[test]
fn a_name_is_trimmed_but_told_untrimmed() {
    assert_eq!(name(" a "), Ok("a".to_owned()));
    for (wrong, character) in [(" a b", ' '), ("a:/", ':'), ("a/b", '/')] {
        assert_eq!(
            text(name(wrong)),
            format!("Invalid name: '{wrong}' because of character: '{character}'")
        );
    }
}

#[test]
fn users_are_known_by_name_and_by_number() {
    assert_eq!(uid("root"), Ok(0));
    assert_eq!(uid(" 0"), Ok(0));
    assert_eq!(owner("root:0"), Ok((0, Some(0))));
    assert_eq!(owner("root"), Ok((0, None)));
    assert_eq!(text(uid("")), "Invalid user name ");
    assert_eq!(text(uid("1.5")), "Invalid user name 1.5");
    assert_eq!(text(uid("-1")), "Invalid user id -1");
    assert_eq!(text(owner("root:no such")), "Invalid group name no such");
}

#[test]
fn a_path_needs_the_directory_it_names() {
    let root = tempfile::tempdir().unwrap();
    let environment = Environment {
        cwd: root.path().to_owned(),
        ..Environment::default()
    };
    std::fs::create_dir(root.path().join("d")).unwrap();
    for good in ["f", "d/f", "/f", "d/", ""] {
        assert_eq!(path(good, &environment).as_deref(), Ok(good));
    }
    assert_eq!(
        text(path("e/f", &environment)),
        "The directory named as part of the path e/f does not exist"
    );
    assert_eq!(directory("d", &environment).as_deref(), Ok("d"));
    assert_eq!(
        text(directory("", &environment)),
        " is not an existing directory"
    );
}

#[test]
fn a_url_has_a_scheme_and_something_behind_it() {
    for good in ["http://localhost:9001", "unix:///x", "x:y", "ftp://x"] {
        assert_eq!(url(good).as_deref(), Ok(good));
    }
    for wrong in ["", "foo", "http://", "unix://", "//x", "x:", "1a:b", "x:?y"] {
        assert_eq!(text(url(wrong)), format!("value '{wrong}' is not a URL"));
    }
    for halved in ["http://[::1", "http://::1]:9001/x", "unix://[/s"] {
        assert_eq!(text(url(halved)), "Invalid IPv6 URL");
    }
}

#[test]
fn levels_have_full_names() {
    assert_eq!(level("DEBUG"), Ok(Level::Debug));
    assert_eq!(text(level("warning")), "bad logging level name 'warning'");
}
