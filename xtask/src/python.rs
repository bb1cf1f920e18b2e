//! What is written in Python, in virtual environments of their own: that of the comparison is here.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::command::{program, run};

/// What is installed: Supervisor, a plug-in of it, what the acceptance example runs, a `FastCGI`
/// server, listeners that others wrote for Supervisor, and all that these need. Every version is
/// pinned, because the comparison states outputs word for word.
const PINS: &str = "\
supervisor==4.3.0
supervisor_twiddler==1.0.0
flask==3.1.3
gunicorn==27.0.1
flipflop==1.0
superlance==2.0.0
blinker==1.9.0
click==8.5.1
itsdangerous==2.2.0
jinja2==3.1.6
markupsafe==3.0.4
werkzeug==3.1.9
";

/// The package of which a test of the web interface takes one file, axe-core. The package's own code is
/// not run, so what it needs is not installed.
const AXE: &str = "axe-playwright-python==0.1.8";

/// Where that test looks for it; see `axe` in the test kit.
const AXE_FOLDER: &str = "target/axe";

/// A virtual environment, and what is in it.
pub(crate) struct Environment {
    /// Its folder, below the repository's root.
    pub(crate) folder: &'static str,
    /// What is installed, a line each.
    pub(crate) pins: &'static str,
}

/// Where tests look for it too; see `python_bin` in the test kit.
const COMPARISON: Environment = Environment {
    folder: "target/python",
    pins: PINS,
};

/// The folder that holds `supervisord`, `supervisorctl`, `flask` and `gunicorn`.
pub(crate) fn bin() -> PathBuf {
    COMPARISON.bin()
}

/// Installs what the comparison and the tests of the web interface need, unless just that is there.
pub(crate) fn install() -> Result<()> {
    COMPARISON.install().context(
        "the real Supervisor needs Python 3 with venv (on Debian: `apt install python3-venv`)",
    )?;
    install_axe()
}

fn install_axe() -> Result<()> {
    let folder = crate::root().join(AXE_FOLDER);
    let installed = folder.join("installed.txt");
    if is_installed(&installed, AXE) {
        eprintln!("what is below {AXE_FOLDER} is up to date");
        return Ok(());
    }
    run(program(bin().join("pip"))
        .args(["install", "--quiet", "--no-deps", "--upgrade", "--target"])
        .arg(&folder)
        .arg(AXE))?;
    write(&installed, AXE)
}

impl Environment {
    /// The folder that holds its programs.
    fn bin(&self) -> PathBuf {
        self.folder().join("bin")
    }

    /// Installs what is pinned, unless just that is there.
    pub(crate) fn install(&self) -> Result<()> {
        let folder = self.folder();
        let installed = folder.join("installed.txt");
        if is_installed(&installed, self.pins) {
            let folder = self.folder;
            eprintln!("the Python environment below {folder} is up to date");
            return Ok(());
        }
        run(program("python3")
            .args(["-m", "venv", "--clear"])
            .arg(&folder))?;
        let pins = folder.join("pins.txt");
        write(&pins, self.pins)?;
        run(program(self.bin().join("pip"))
            .args(["install", "--quiet", "--no-deps", "--requirement"])
            .arg(&pins))?;
        run(program(self.bin().join("pip")).arg("check"))?;
        write(&installed, self.pins)
    }

    fn folder(&self) -> PathBuf {
        crate::root().join(self.folder)
    }
}

/// Whether just that is installed: the file that says so is written last, so that it is there only
/// after an installation that was complete.
fn is_installed(file: &Path, what: &str) -> bool {
    fs::read_to_string(file).is_ok_and(|text| text == what)
}

fn write(file: &Path, text: &str) -> Result<()> {
    fs::write(file, text).with_context(|| format!("cannot write \"{}\"", file.display()))
}
