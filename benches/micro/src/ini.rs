//! The configuration: a file with a thousand programs.

use std::fmt::Write as _;
use std::fs;
use std::hint::black_box;

use minder_config::ini::Ini;
use minder_config::{Environment, Loaded, Overrides, Source, SourceFile, load};
use tempfile::TempDir;

use crate::PROGRAMS;

/// From the text to its sections and options.
pub(crate) fn read() -> Box<dyn FnMut()> {
    let file = SourceFile::new("supervisord.conf", text());
    Box::new(move || {
        let mut ini = Ini::default();
        ini.read(&file).expect("the file is right");
        black_box(ini);
    })
}

/// From the file to checked specs.
pub(crate) fn load_all() -> Box<dyn FnMut()> {
    let folder = folder();
    Box::new(move || {
        black_box(load_from(&folder));
    })
}

/// What the daemon has after reading it.
pub(crate) fn loaded() -> Loaded {
    load_from(&folder())
}

fn load_from(folder: &TempDir) -> Loaded {
    let environment = Environment {
        host_node_name: "box".to_owned(),
        cwd: folder.path().to_owned(),
        ..Environment::default()
    };
    let source = Source::new("supervisord.conf", &environment);
    load(&source, &Overrides::default(), &environment).expect("the file is right")
}

fn folder() -> TempDir {
    let folder = tempfile::tempdir().expect("a temporary directory can be made");
    let file = folder.path().join("supervisord.conf");
    fs::write(file, text()).expect("a temporary file can be written");
    folder
}

fn text() -> String {
    let mut text = "[supervisord]\n".to_owned();
    for n in 0..PROGRAMS {
        let _ = write!(
            text,
            "\n[program:p{n}]\n; as people write it\ncommand=/bin/sleep {n}\nautorestart=true\n\
             startsecs=0\nstdout_logfile=/tmp/%(program_name)s.out\nstdout_logfile_maxbytes=1MB\n\
             redirect_stderr=true\nenvironment=NUMBER=\"{n}\",HOME=\"/tmp\"\n"
        );
    }
    text
}
