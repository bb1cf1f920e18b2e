//! The bare floor: what the same programs cost when nothing but a loop starts them.

use std::process::{Child, Command, Stdio};

use anyhow::Result;

use crate::child::{Births, MODE, Moment};
use crate::report::{Figures, Metric};
use crate::subject::Fifo;
use crate::{CRASHES, per_second};

/// The name under which the floor stands in the table.
pub(crate) const NAME: &str = "bare floor";

pub(crate) fn measure(programs: usize, figures: &mut Figures) -> Result<()> {
    let mut fifo = Fifo::make()?;
    let start = Moment::now();
    let mut children = Children::default();
    for _ in 0..programs {
        children.0.push(spawn(&fifo)?);
    }
    let births = Births::wait(fifo.reader(), programs)?;
    figures.add(
        NAME,
        Metric::Spawns,
        per_second(programs, births.last_after(start)),
    );
    for _ in 0..CRASHES {
        let Some(mut victim) = children.0.pop() else {
            break;
        };
        let killed = Moment::now();
        victim.kill()?;
        victim.wait()?;
        children.0.push(spawn(&fifo)?);
        let replaced = Births::wait(fifo.reader(), 1)?.last_after(killed);
        figures.add(NAME, Metric::Restart, replaced.as_secs_f64() * 1e3);
    }
    let start = Moment::now();
    drop(children);
    figures.add(
        NAME,
        Metric::Shutdown,
        Moment::now().since(start).as_secs_f64() * 1e3,
    );
    Ok(())
}

fn spawn(fifo: &Fifo) -> Result<Child> {
    let mut command = Command::new(std::env::current_exe()?);
    command.arg(MODE).arg(fifo.path());
    Ok(command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?)
}

/// Children that are ended whatever happens.
#[derive(Default)]
struct Children(Vec<Child>);

impl Drop for Children {
    fn drop(&mut self) {
        for child in &mut self.0 {
            // It may have ended by itself.
            let _ = child.kill();
        }
        for child in &mut self.0 {
            let _ = child.wait();
        }
    }
}
