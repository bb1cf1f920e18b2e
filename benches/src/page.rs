//! What a browser gets: the first page, and, from Minder, what keeps it true.

use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use minder_bench::birth::Moment;

use crate::calls;
use crate::life::{self, ms};
use crate::metric::Metric;
use crate::plan::Extent;
use crate::processes::Usage;
use crate::report::{Report, quantile};
use crate::running::Running;

/// Minder measures what programs consume at most once a second, so that who comes sooner again is
/// answered sooner than the first.
const APART: Duration = Duration::from_millis(1100);
/// How long an answer, or an event, may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// Looks at a subject whose programs have been born.
pub(crate) fn measure(running: &mut Running, extent: &Extent, report: &mut Report) -> Result<()> {
    calls::wait_until_running(running)?;
    overview(running, extent, report)?;
    if running.subject.is_minder() {
        scrape(running, extent, report)?;
        news(running, extent, report)?;
    }
    Ok(())
}

/// The first page, as a browser asks for it.
fn overview(running: &Running, extent: &Extent, report: &mut Report) -> Result<()> {
    let programs = running.setup.programs.len();
    let column = running.subject.column();
    for _ in 0..extent.commands {
        thread::sleep(APART);
        let answer = get(&running.here().join("socket"), "/", "text/html")?;
        ensure!(
            answer.text.contains("p0") && answer.text.contains("</html>"),
            "that is no page"
        );
        let kib = crate::as_f64(answer.text.len()) / 1024.0;
        report.add(Metric::PageBegun(programs), column, ms(answer.begun));
        report.add(Metric::PageWhole(programs), column, ms(answer.whole));
        report.add(Metric::PageSize(programs), column, kib);
    }
    Ok(())
}

/// What Prometheus asks for.
fn scrape(running: &Running, extent: &Extent, report: &mut Report) -> Result<()> {
    let programs = running.setup.programs.len();
    let own = running.own();
    for _ in 0..extent.commands {
        thread::sleep(APART);
        let before = Usage::of(&own);
        let answer = get(&running.here().join("socket"), "/metrics", "text/plain")?;
        let used = Usage::of(&own).since(before);
        let up = answer.text.matches("\nminder_process_up{").count();
        ensure!(up == programs, "{up} of {programs} are told of");
        let column = running.subject.column();
        report.add(Metric::ScrapeCpu(programs), column, ms(used.cpu));
    }
    Ok(())
}

/// From crashes to the events that tell a page of them.
fn news(running: &mut Running, extent: &Extent, report: &mut Report) -> Result<()> {
    let programs = running.setup.programs.len();
    let mut stream = Stream::open(&running.here().join("socket"))?;
    let times = life::crash_some(running, extent, |running, victim, killed| {
        let took = stream.told_of_end(victim)?.since(killed);
        running.births(1)?;
        Ok(took)
    })?;
    let column = running.subject.column();
    report.add(Metric::NewsTail(programs), column, quantile(&times, 0.99));
    for time in times {
        report.add(Metric::News(programs), column, time);
    }
    Ok(())
}

/// An answer, and when it came.
struct Answer {
    text: String,
    begun: Duration,
    whole: Duration,
}

/// Asks for something on a connection of its own.
fn get(socket: &Path, path: &str, accept: &str) -> Result<Answer> {
    let asked = Moment::now();
    let mut stream = ask(
        socket,
        path,
        &format!("Accept: {accept}\r\nConnection: close\r\n"),
    )?;
    let mut first = [0];
    stream.read_exact(&mut first).context("no answer")?;
    let begun = Moment::now().since(asked);
    let mut bytes = first.to_vec();
    stream.read_to_end(&mut bytes)?;
    let whole = Moment::now().since(asked);
    let text = String::from_utf8_lossy(&bytes);
    let (head, body) = text.split_once("\r\n\r\n").context("no whole head")?;
    let status = head.split(' ').nth(1);
    ensure!(status == Some("200"), "refused: {head}");
    Ok(Answer {
        text: body.to_owned(),
        begun,
        whole,
    })
}

fn ask(socket: &Path, path: &str, headers: &str) -> Result<UnixStream> {
    let mut stream = UnixStream::connect(socket).context("cannot connect")?;
    stream.set_read_timeout(Some(PATIENCE))?;
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n");
    stream.write_all(request.as_bytes())?;
    Ok(stream)
}

/// The events that a page listens to.
struct Stream {
    stream: UnixStream,
    /// What has come and was not looked at.
    text: String,
}

impl Stream {
    fn open(socket: &Path) -> Result<Self> {
        let mut stream = Self {
            stream: ask(socket, "/api/v1/stream", "")?,
            text: String::new(),
        };
        // From then on nothing is missed.
        stream.wait(|event| event.contains("event: begun"))?;
        Ok(stream)
    }

    /// Waits until it tells that the program with this pid has ended, and says when it did.
    fn told_of_end(&mut self, pid: u32) -> Result<Moment> {
        let pid = format!("\"pid\":{pid},");
        self.wait(|event| event.contains("PROCESS_STATE_EXITED") && event.contains(&pid))
    }

    fn wait(&mut self, is_it: impl Fn(&str) -> bool) -> Result<Moment> {
        let asked = Moment::now();
        loop {
            let now = Moment::now();
            while let Some((event, rest)) = self.text.split_once("\n\n") {
                let found = is_it(event);
                self.text = rest.to_owned();
                if found {
                    return Ok(now);
                }
            }
            ensure!(
                now.since(asked) < PATIENCE,
                "the stream does not tell of it"
            );
            let mut buffer = [0; 1 << 14];
            match self.stream.read(&mut buffer) {
                Ok(0) => anyhow::bail!("the stream has ended"),
                Ok(count) => self.text += &String::from_utf8_lossy(&buffer[..count]),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
    }
}
