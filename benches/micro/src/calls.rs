//! XML-RPC: a call comes in, and an answer about a thousand programs goes out.

use std::hint::black_box;

use minder_rpc::xmlrpc::{decode_call, encode_call, encode_response};
use minder_rpc::{Answer, Call, ProcessInfo, ProcessState, Value};

use crate::PROGRAMS;

/// A call about one program, as it comes, until it is known what is asked.
pub(crate) fn decode() -> Box<dyn FnMut()> {
    let xml = encode_call("supervisor.getProcessInfo", &[Value::from("group:program")]);
    Box::new(move || {
        let call = decode_call(black_box(xml.as_bytes())).expect("it is a call");
        black_box(Call::parse(&call.method, &call.params).expect("there is such a method"));
    })
}

/// The answer to `getAllProcessInfo`, from types to XML.
pub(crate) fn encode_all() -> Box<dyn FnMut()> {
    let infos: Vec<ProcessInfo> = (0..PROGRAMS).map(info).collect();
    Box::new(move || {
        let answer = Answer::ProcessInfos(infos.clone());
        black_box(encode_response(&answer.into()));
    })
}

fn info(n: usize) -> ProcessInfo {
    ProcessInfo {
        name: format!("p{n}"),
        group: format!("p{n}"),
        description: "pid 4711, uptime 1 day, 2:03:04".to_owned(),
        start: 1_700_000_000,
        stop: 0,
        now: 1_700_100_000,
        state: ProcessState::Running,
        spawn_error: String::new(),
        exit_status: 0,
        stdout_log: format!("/var/log/p{n}.out"),
        stderr_log: format!("/var/log/p{n}.err"),
        pid: 4711,
    }
}
