//! `minder check`: what somebody sees who has a configuration checked.

use std::process::Command;

use minder_tests::{Run, Sandbox, Subject};

fn check(sandbox: &Sandbox, args: &[&str]) -> Run {
    let mut command = Command::new(Subject::Minder.program("minder"));
    sandbox.equip(&mut command);
    Run::of(command.arg("check").args(args))
}

#[test]
fn every_problem_is_shown_with_its_place_and_the_counts_come_last() {
    let sandbox = Sandbox::new(Subject::Minder);
    sandbox.write(
        "s.conf",
        "[supervisord]\nminfds=few\n[include]\nfiles=*.ini\n",
    );
    sandbox.write(
        "web.ini",
        "[program:web]\ncommand=actor $HOME\nautostart=maybe\nstdout_logfile=NONE\n",
    );
    let run = check(&sandbox, &["-c", "s.conf"]);
    assert_eq!((run.code, run.err.as_str()), (Some(2), ""));
    assert_eq!(
        sandbox.without_path(&run.out),
        "\
error: invalid literal for int() with base 10: 'few'
 --> s.conf:2:8
  |
2 | minfds=few
  |        ^^^
  |
  = help: write a whole number; a size may end in KB, MB or GB

error: not a valid boolean value: 'maybe' in section 'program:web' (file: 'DIR/web.ini')
 --> DIR/web.ini:3:11
  |
3 | autostart=maybe
  |           ^^^^^
  |
  = help: write true or false

warning: $HOME is not replaced in command; write %(ENV_HOME)s for its value
 --> DIR/web.ini:2:15
  |
2 | command=actor $HOME
  |               ^^^^^

s.conf cannot be used: 2 errors, 1 warning (2 files)
"
    );
}

#[test]
fn a_configuration_that_can_be_used_is_left_alone() {
    let sandbox = Sandbox::configured(
        Subject::Minder,
        "[program:web]\ncommand=actor halt\nstopwaitsecs=0\n",
    );
    let before = sandbox.files();
    // It is found where supervisord finds it.
    let run = check(&sandbox, &[]);
    let last = run.out.lines().last().unwrap_or_default();
    assert_eq!(
        (last, run.err.as_str(), run.code),
        (
            "supervisord.conf can be used: 0 errors, 1 warning (1 file)",
            "",
            Some(0)
        )
    );
    assert_eq!(sandbox.files(), before);
}

#[test]
fn a_command_line_that_is_no_request_is_refused() {
    let sandbox = Sandbox::new(Subject::Minder);
    let run = check(&sandbox, &["--all"]);
    assert_eq!(
        (run.out.as_str(), run.err.as_str(), run.code),
        (
            "",
            "Error: option --all not recognized\nFor help, use minder check -h\n",
            Some(2)
        )
    );
    let run = check(&sandbox, &["-c", "nowhere.conf"]);
    assert_eq!(
        (run.out.as_str(), run.code),
        (
            "\
error: could not find config file nowhere.conf
 |
 = help: check the path, and that it can be read by the user who starts this

nowhere.conf cannot be used: 1 error, 0 warnings (0 files)
",
            Some(2)
        )
    );
}

#[test]
fn where_a_section_may_be_missing_that_is_said() {
    let sandbox = Sandbox::new(Subject::Minder);
    sandbox.write("s.conf", "[supervisord]\nminfds=x\n[web\n");
    let run = check(&sandbox, &["-c", "s.conf"]);
    assert_eq!(run.code, Some(2));
    assert_eq!(
        run.out,
        "\
error: Source contains parsing errors: 's.conf'
           [line  3]: '[web\\n'
 --> s.conf:3:1
  |
3 | [web
  | ^^^^
  |
  = help: write \"name = value\", and begin a comment with \";\"

Sections and options were not looked at: some may be missing. Check again when the lines are right.
s.conf cannot be used: 1 error, 0 warnings (1 file)
"
    );
}
