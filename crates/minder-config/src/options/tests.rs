use proptest::prelude::*;

use super::ctl::{CtlCommand, CtlOptions};
use super::daemon::{DaemonCommand, DaemonOptions};
use super::*;

fn words(line: &[&str]) -> Vec<String> {
    line.iter().map(|word| (*word).to_owned()).collect()
}

fn here() -> Environment {
    Environment {
        cwd: "/".into(),
        ..Environment::default()
    }
}

fn supervisord(line: &[&str]) -> Result<DaemonCommand, String> {
    daemon::parse("/usr/bin/supervisord", &words(line), &here()).map_err(|e| e.to_string())
}

fn running(line: &[&str]) -> DaemonOptions {
    match supervisord(line) {
        Ok(DaemonCommand::Run(options)) => *options,
        other => panic!("{other:?}"),
    }
}

fn supervisorctl(line: &[&str]) -> Result<CtlCommand, String> {
    ctl::parse("supervisorctl", &words(line)).map_err(|e| e.to_string())
}

fn acting(line: &[&str]) -> CtlOptions {
    match supervisorctl(line) {
        Ok(CtlCommand::Run(options)) => options,
        other => panic!("{other:?}"),
    }
}

#[test]
fn options_can_be_bundled_attached_and_abbreviated() {
    let options = running(&["-nks", "-edebug", "--conf=f", "--st"]);
    assert_eq!(options.configuration.as_deref(), Some("f"));
    let overrides = options.overrides;
    assert!(overrides.nodaemon && overrides.nocleanup && overrides.silent);
    assert!(overrides.strip_ansi);
    assert_eq!(overrides.loglevel, Some(minder_core::Level::Debug));
}

#[test]
fn every_option_has_its_place() {
    let options = running(&[
        "-c",
        "f",
        "-u",
        "u",
        "-m",
        "077",
        "-d",
        "/",
        "-l",
        "/l",
        "-y",
        "1KB",
        "-z",
        "2",
        "-e",
        "info",
        "-j",
        "/p",
        "-i",
        "",
        "-q",
        "/",
        "-a",
        "3",
        "--minprocs",
        "4",
        "--profile_options",
        "calls",
    ]);
    insta::assert_debug_snapshot!(options);
}

/// What the real Supervisor said to each.
#[test]
fn a_slip_is_told_with_supervisors_words() {
    for (line, expected) in [
        (&["--foo"][..], "option --foo not recognized"),
        (&["-Z"], "option -Z not recognized"),
        (&["-nZ"], "option -Z not recognized"),
        (&["-l"], "option -l requires argument"),
        (&["--logf"], "option --logf not a unique prefix"),
        (&["--logfile"], "option --logfile requires argument"),
        (&["--conf"], "option --configuration requires argument"),
        (
            &["--nodaemon=1"],
            "option --nodaemon must not have an argument",
        ),
        (&["--no"], "option --no not a unique prefix"),
        (
            &["-m", "x"],
            "invalid value for -m 'x': x can not be converted to an octal type",
        ),
        (
            &["--um", "x"],
            "invalid value for --umask 'x': x can not be converted to an octal type",
        ),
        (
            &["-eloud"],
            "invalid value for -e 'loud': bad logging level name 'loud'",
        ),
        (
            &["-n", "--nodaemon"],
            "conflicting command line option '--nodaemon'",
        ),
        (&["-cf", "-c", "g"], "conflicting command line option '-c'"),
        (
            &["x y", "it's"],
            "positional arguments are not supported: ['x y', \"it's\"]",
        ),
        (
            &["-v", "x"],
            "positional arguments are not supported: ['x']",
        ),
        (&["-"], "positional arguments are not supported: ['-']"),
        (&["-v", "--foo"], "option --foo not recognized"),
    ] {
        assert_eq!(supervisord(line).unwrap_err(), expected, "{line:?}");
    }
}

#[test]
fn help_and_version_act_in_the_order_given() {
    assert_eq!(supervisord(&["-v", "-h"]), Ok(DaemonCommand::Version));
    assert_eq!(
        supervisord(&["-n", "-v", "-n", "-n"]),
        Ok(DaemonCommand::Version)
    );
    assert!(matches!(
        supervisord(&["-?", "-v"]),
        Ok(DaemonCommand::Help(_))
    ));
    assert_eq!(
        supervisord(&["-n", "-n", "-v"]),
        Err("conflicting command line option '-n'".to_owned())
    );
}

#[test]
fn the_help_names_the_program_as_it_was_called() {
    let Ok(DaemonCommand::Help(text)) = supervisord(&["-h"]) else {
        panic!("no help");
    };
    insta::assert_snapshot!("supervisord_help", text);
    let Ok(CtlCommand::Help(text)) = supervisorctl(&["--help"]) else {
        panic!("no help");
    };
    insta::assert_snapshot!("supervisorctl_help", text);
}

#[test]
fn options_behind_the_action_belong_to_it() {
    let options = acting(&["-i", "-s", "unix:///x", "-uu", "-p", "", "tail", "-f", "x"]);
    assert_eq!(
        options,
        CtlOptions {
            interactive: true,
            serverurl: Some("unix:///x".to_owned()),
            username: Some("u".to_owned()),
            password: Some(String::new()),
            action: words(&["tail", "-f", "x"]),
            ..CtlOptions::default()
        }
    );
    assert_eq!(acting(&["--", "-i"]).action, ["-i"]);
}

#[test]
fn the_history_file_has_two_spellings() {
    for line in [
        &["--history-file", "f"][..],
        &["--history_file=f"],
        &["--history-f=f"],
        &["--his", "f"],
        &["-rf"],
    ] {
        assert_eq!(acting(line).history_file.as_deref(), Some("f"), "{line:?}");
    }
}

#[test]
fn a_server_must_be_a_url() {
    assert_eq!(
        supervisorctl(&["-s", "foo"]),
        Err("invalid value for -s 'foo': value 'foo' is not a URL".to_owned())
    );
    assert_eq!(
        supervisorctl(&["-v"]),
        Err("option -v not recognized".to_owned())
    );
}

#[test]
fn the_configuration_is_looked_for_beside_the_program_first() {
    assert_eq!(
        search_paths("/usr/bin/supervisord"),
        [
            "/usr/etc/supervisord.conf",
            "/usr/supervisord.conf",
            "supervisord.conf",
            "etc/supervisord.conf",
            "/etc/supervisord.conf",
            "/etc/supervisor/supervisord.conf",
        ]
    );
    assert_eq!(search_paths("supervisord")[0], "etc/supervisord.conf");
    assert_eq!(search_paths("/bin/supervisord")[0], "/etc/supervisord.conf");
    assert_eq!(search_paths("./supervisord")[1], "supervisord.conf");

    let root = tempfile::tempdir().unwrap();
    let environment = Environment {
        cwd: root.path().to_owned(),
        ..Environment::default()
    };
    std::fs::create_dir(root.path().join("etc")).unwrap();
    std::fs::write(root.path().join("etc/supervisord.conf"), "").unwrap();
    assert_eq!(
        find_config("bin/supervisord", &environment).as_deref(),
        Some("etc/supervisord.conf")
    );
}

#[test]
fn without_a_configuration_the_places_are_named() {
    let error = UsageError::NoConfigFile(search_paths("/usr/bin/supervisord").to_vec());
    assert_eq!(
        error.to_string(),
        "No config file found at default paths (/usr/etc/supervisord.conf, \
         /usr/supervisord.conf, supervisord.conf, etc/supervisord.conf, /etc/supervisord.conf, \
         /etc/supervisor/supervisord.conf); use the -c option to specify a config file at a \
         different path"
    );
}

proptest! {
    #[test]
    fn any_line_is_read_or_refused(line in prop::collection::vec("(-{0,2}[a-zé?=]{0,6}|/)", 0..5)) {
        let _ = daemon::parse("x", &line, &here());
        let _ = ctl::parse("x", &line);
    }
}
