//! `supervisorctl`, from its start to its end.

use std::fs;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use minder_bench::birth::Moment;

use crate::life::ms;
use crate::metric::Metric;
use crate::plan::Extent;
use crate::report::Report;
use crate::running::Running;

/// Asks for the state of all programs.
pub(crate) fn status(running: &Running, extent: &Extent, report: &mut Report) -> Result<()> {
    let programs = running.setup.programs.len();
    for _ in 0..extent.commands {
        let Some(mut command) = running.subject.supervisorctl(running.here()) else {
            return Ok(());
        };
        let start = Moment::now();
        let answer = output(command.arg("status"))?;
        let took = Moment::now().since(start);
        let shown = answer
            .lines()
            .filter(|line| line.contains("RUNNING"))
            .count();
        ensure!(
            shown == programs,
            "{shown} of {programs} are shown as RUNNING"
        );
        report.add(Metric::Status(programs), running.subject.column(), ms(took));
    }
    Ok(())
}

/// Changes one program's section, and lets that be applied.
pub(crate) fn update(running: &mut Running, report: &mut Report) -> Result<()> {
    let Some(mut command) = running.subject.supervisorctl(running.here()) else {
        return Ok(());
    };
    let programs = running.setup.programs.len();
    let file = running.here().join("supervisord.conf");
    let changed = fs::read_to_string(&file)?.replacen(
        "[program:p0]\n",
        "[program:p0]\nenvironment=CHANGED=\"yes\"\n",
        1,
    );
    fs::write(&file, changed)?;
    let start = Moment::now();
    let answer = output(command.arg("update"))?;
    let took = Moment::now().since(start);
    ensure!(
        answer.lines().all(|line| line.starts_with("p0:")),
        "more than p0 was updated: {answer}"
    );
    running.births(1)?;
    running.forget_ended();
    report.add(Metric::Update(programs), running.subject.column(), ms(took));
    Ok(())
}

fn output(command: &mut Command) -> Result<String> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .context("cannot run supervisorctl")?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    ensure!(output.status.success(), "supervisorctl failed: {text}");
    Ok(text)
}
