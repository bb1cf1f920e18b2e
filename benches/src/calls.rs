//! Supervisor's API, and Minder's, under load.

use std::thread;
use std::time::Duration;

use anyhow::{Result, ensure};
use minder_bench::birth::Moment;

use crate::load;
use crate::metric::{Load, Metric, Request};
use crate::plan::Extent;
use crate::processes::Usage;
use crate::report::{Report, quantile};
use crate::running::Running;
use crate::setup::{Program, Setup, births, shown};

/// How many clients ask at once.
const CONNECTIONS: [usize; 2] = [1, 16];
/// How many programs there are while one more floods its log.
pub(crate) const BESIDE_A_FLOOD: usize = 100;
/// How long a subject may take to call all programs RUNNING.
const PATIENCE: Duration = Duration::from_secs(300);

/// Makes every sort of request of a subject that runs.
pub(crate) fn measure(
    running: &Running,
    flooded: bool,
    extent: &Extent,
    report: &mut Report,
) -> Result<()> {
    let programs = running.setup.programs.len() - usize::from(flooded);
    let xml = [Request::ProcessInfo, Request::AllProcessInfo];
    let json = [Request::Process, Request::Processes];
    let json = json.into_iter().filter(|_| running.subject.is_minder());
    for request in xml.into_iter().chain(json) {
        for connections in CONNECTIONS {
            let load = Load {
                request,
                programs,
                connections,
                flooded,
            };
            one(running, load, extent, report)?;
        }
    }
    Ok(())
}

/// Programs that wait, and one that writes as fast as it can.
pub(crate) fn flood(here: &std::path::Path) -> Setup {
    let mut setup = Setup::waiting(BESIDE_A_FLOOD, here);
    let args = ["flood".to_owned(), shown(&births(here))];
    setup.programs.push(Program::new("flood".to_owned(), args));
    setup
}

/// Waits until every program is shown as RUNNING.
pub(crate) fn wait_until_running(running: &Running) -> Result<()> {
    let expected = running.setup.programs.len();
    let start = Moment::now();
    let ask = http(Request::AllProcessInfo, "");
    loop {
        let answer = load::once(&running.here().join("socket"), &ask)?;
        let answer = String::from_utf8_lossy(&answer);
        let shown = answer.matches("<string>RUNNING</string>").count();
        if shown >= expected {
            return Ok(());
        }
        let waited = Moment::now().since(start);
        ensure!(waited < PATIENCE, "only {shown} of {expected} are RUNNING");
        thread::sleep(Duration::from_millis(5));
    }
}

fn one(running: &Running, load: Load, extent: &Extent, report: &mut Report) -> Result<()> {
    let socket = running.here().join("socket");
    let names = running.setup.programs.iter().map(|program| &*program.name);
    let requests: Vec<Vec<u8>> = match load.request {
        Request::AllProcessInfo | Request::Processes => vec![http(load.request, "")],
        Request::ProcessInfo | Request::Process => {
            names.map(|name| http(load.request, name)).collect()
        }
    };
    if let Some(request) = requests.first() {
        let answer = load::once(&socket, request)?;
        let answer = String::from_utf8_lossy(&answer);
        ensure!(
            answer.contains("<name>statename</name>") || answer.contains("\"RUNNING\""),
            "an unexpected answer: {answer}"
        );
    }
    let own = running.own();
    let before = Usage::of(&own);
    let outcome = load::run(&socket, load.connections, &requests, extent.calling)?;
    let used = Usage::of(&own).since(before);
    let column = running.subject.column();
    let answers = crate::as_f64(outcome.times.len());
    let rate = answers / outcome.took.as_secs_f64();
    report.add(Metric::Calls(load), column, rate);
    let median = quantile(&outcome.times, 0.5);
    report.add(Metric::CallMedian(load), column, median);
    report.add(
        Metric::CallTail(load),
        column,
        quantile(&outcome.times, 0.99),
    );
    let cpu = used.cpu.as_secs_f64() * 1e6 / answers;
    // Carrying the flood takes most of it then.
    if !load.flooded {
        report.add(Metric::CallCpu(load), column, cpu);
    }
    Ok(())
}

/// A request about one program, or about all.
fn http(request: Request, program: &str) -> Vec<u8> {
    let params = match request {
        Request::ProcessInfo => {
            format!("<param><value><string>{program}</string></value></param>")
        }
        Request::AllProcessInfo => String::new(),
        Request::Process => return get(&format!("/api/v1/processes/{program}")),
        Request::Processes => return get("/api/v1/processes"),
    };
    let method = request.name();
    let body = format!(
        "<?xml version='1.0'?><methodCall><methodName>supervisor.{method}</methodName>\
         <params>{params}</params></methodCall>"
    );
    let length = body.len();
    format!(
        "POST /RPC2 HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/xml\r\n\
         Content-Length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

fn get(path: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").into_bytes()
}
