//! Minder and others of its kind, measured side by side in one interleaved run.
//!
//! `minder-bench MINDER SUPERVISOR-FOLDER JSON [OPTION …]` measures a release build of `minder`,
//! the real `supervisord`, s6 and runit if they are installed, and two floors (see
//! [`floor`]), and writes what it found as JSON. `cargo xtask bench` builds what it needs, calls it,
//! and shows that as tables. Subjects take turns in each round, so that what disturbs one disturbs
//! all.
//!
//! There are never more processes than the extent says ([`plan`]), and none of them outlives the
//! benchmark ([`guard`]).

#![forbid(unsafe_code)]

mod calls;
mod commands;
mod events;
mod fifo;
mod floor;
mod folder;
mod guard;
mod idle;
mod layout;
mod life;
mod load;
mod logs;
mod logs_floor;
mod machine;
mod metric;
mod page;
mod plan;
mod processes;
mod report;
mod running;
mod setup;
mod soak;
mod subject;

use std::env;
use std::process::ExitCode;

use anyhow::{Context, Result};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::metric::Family;
use crate::plan::Plan;
use crate::report::{Column, Report};
use crate::running::Running;
use crate::setup::Setup;
use crate::subject::Subject;

fn main() -> ExitCode {
    match run() {
        Ok(code) => code,
        Err(error) => {
            // Without the backtrace that a debug format adds: what failed is another program.
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<ExitCode> {
    let mut args = env::args_os().skip(1).peekable();
    match args.peek().and_then(|first| first.to_str()) {
        Some(guard::GUARD) => guard::stand(args.skip(1)),
        Some(guard::WORKER) => {
            let args: Vec<String> = env::args().skip(2).collect();
            work(&Plan::from_args(&args)?)?;
            Ok(ExitCode::SUCCESS)
        }
        _ => guard::front(args),
    }
}

fn work(plan: &Plan) -> Result<()> {
    guard::inherit_orphans()?;
    raise_file_limit();
    for subject in &plan.missing {
        eprintln!("{} is not installed, and left out", subject.column().name());
    }
    let mut report = Report::default();
    for round in 1..=plan.extent.rounds {
        eprintln!("round {round} of {}", plan.extent.rounds);
        measure_round(plan, &mut report)?;
    }
    let runs_the_most = plan.measures(Family::Life) || plan.measures(Family::Page);
    if plan.extent.most > 0 && runs_the_most {
        for subject in &plan.subjects {
            if subject.is_minder() {
                let what = format!("{} programs", plan.extent.most);
                attempt(plan, subject.column(), &what, &mut report, |report| {
                    with_the_most(subject, plan, report)
                })?;
            }
        }
    }
    Ok(())
}

/// Measures something, and writes down all that is known then. What fails is said, in the report
/// too, and does not take the rest with it.
fn attempt(
    plan: &Plan,
    column: Column,
    what: &str,
    report: &mut Report,
    measure: impl FnOnce(&mut Report) -> Result<()>,
) -> Result<()> {
    eprintln!("  {}, {what}", column.name());
    if let Err(error) = measure(report) {
        let failure = format!("{}, {what}: {error:#}", column.name());
        eprintln!("cannot measure {failure}");
        report.fail(failure);
        guard::end_everything()?;
    }
    let json = report.json(&machine::about(plan));
    let text = serde_json::to_string_pretty(&json)? + "\n";
    std::fs::write(&plan.json, text)
        .with_context(|| format!("cannot write \"{}\"", plan.json.display()))
}

fn measure_round(plan: &Plan, report: &mut Report) -> Result<()> {
    let extent = &plan.extent;
    for programs in extent.sizes {
        let what = format!("{programs} programs");
        if plan.runs_programs() {
            for subject in &plan.subjects {
                attempt(plan, subject.column(), &what, report, |report| {
                    with_programs(subject, *programs, plan, report)
                })?;
            }
        }
        if plan.measures(Family::Life) && *programs > 0 {
            for column in [Column::Bare, Column::Contract] {
                attempt(plan, column, &what, report, |report| {
                    floor::measure(column, *programs, extent, report)
                })?;
            }
        }
    }
    if plan.measures(Family::Logs) {
        for writers in logs::WORKLOADS {
            let what = format!("logs, {} writers, {} B", writers.count, writers.bytes);
            for subject in &plan.subjects {
                attempt(plan, subject.column(), &what, report, |report| {
                    logs::measure(subject, writers, extent, report)
                })?;
            }
            attempt(plan, Column::Bare, &what, report, |report| {
                logs_floor::measure(writers, extent, report)
            })?;
        }
    }
    if plan.measures(Family::Soak) {
        for subject in plan.subjects.iter().filter(|one| one.is_minder()) {
            attempt(plan, subject.column(), "soak", report, |report| {
                soak::measure(subject, extent, report)
            })?;
        }
    }
    for subject in plan.subjects.iter().filter(|one| one.speaks_xml_rpc()) {
        if plan.measures(Family::Calls) {
            attempt(
                plan,
                subject.column(),
                "calls beside a log flood",
                report,
                |report| {
                    let mut running = Running::start(subject, |here| Ok(calls::flood(here)))?;
                    running.births(running.setup.programs.len())?;
                    calls::measure(&running, true, extent, report)?;
                    running.stop().map(drop)
                },
            )?;
        }
        if plan.measures(Family::Events) {
            attempt(plan, subject.column(), "events", report, |report| {
                let programs = extent.largest();
                let mut running =
                    Running::start(subject, |here| Ok(events::listened(programs, here)))?;
                events::measure(&mut running, report)?;
                running.stop().map(drop)
            })?;
        }
    }
    Ok(())
}

/// One subject with programs that wait, from its start to its end.
fn with_programs(
    subject: &Subject,
    programs: usize,
    plan: &Plan,
    report: &mut Report,
) -> Result<()> {
    let extent = &plan.extent;
    let mut unasked = Report::default();
    let mut running = Running::start(subject, |here| Ok(Setup::waiting(programs, here)))?;
    let life = plan.measures(Family::Life);
    if programs > 0 {
        life::start(&mut running, if life { report } else { &mut unasked })?;
    }
    if plan.measures(Family::Idle) {
        idle::measure(&running, extent, report)?;
    }
    if programs > 0 && subject.speaks_xml_rpc() {
        if plan.measures(Family::Calls) {
            calls::measure(&running, false, extent, report)?;
        }
        if plan.measures(Family::Commands) {
            commands::status(&running, extent, report)?;
            if programs == extent.largest() {
                commands::update(&mut running, report)?;
            }
        }
        if plan.measures(Family::Page) {
            page::measure(&mut running, extent, report)?;
        }
    }
    if programs > 0 && life {
        life::crash(&mut running, extent, report)?;
        return life::stop(running, report);
    }
    running.stop()?;
    Ok(())
}

/// As many programs as one subject is to run on one machine.
fn with_the_most(subject: &Subject, plan: &Plan, report: &mut Report) -> Result<()> {
    let extent = &plan.extent;
    let most = extent.most.min(layout::most_programs());
    if most < extent.most {
        eprintln!("no more than {most} programs fit below the limit of open files");
    }
    let mut running = Running::start(subject, |here| {
        let mut setup = Setup::waiting(most, here);
        // With two logs each, there would be more files than a process may have open on many machines.
        for program in &mut setup.programs {
            program.stderr = false;
        }
        Ok(setup)
    })?;
    let mut unasked = Report::default();
    let life = plan.measures(Family::Life);
    life::start(&mut running, if life { report } else { &mut unasked })?;
    if life {
        idle::measure(&running, extent, report)?;
        commands::status(&running, extent, report)?;
    }
    if plan.measures(Family::Page) {
        page::measure(&mut running, extent, report)?;
    }
    if life {
        life::crash(&mut running, extent, report)?;
        return life::stop(running, report);
    }
    running.stop().map(drop)
}

/// As high as it goes: supervisors inherit it, and floors need it.
fn raise_file_limit() {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    if setrlimit(Resource::Nofile, raised).is_err() {
        eprintln!("the number of open files stays at {:?}", limit.current);
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts of programs and answers are far below 2^52"
)]
fn as_f64(count: usize) -> f64 {
    count as f64
}
