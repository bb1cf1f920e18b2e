//! From a call to its answer, the methods of the `system` namespace included.

use crate::call::{Args, incorrect_parameters, unknown_method};
use crate::method::{self, Action, METHODS, Method, TWIDDLER};
use crate::{Call, Fault, FaultCode, MethodCall, Response, Service, Twiddler, Value, python};

/// How many calls a multicall may hold: one for each process of the largest installation we know
/// of, several times over.
pub const MULTICALL_CALLS: usize = 10_000;

/// How many bytes of text the results of a multicall may hold together. Each may be a whole log,
/// and all of them are held until the last one is there.
pub const MULTICALL_BYTES: usize = 64 << 20;

/// How the names of Supervisor's own methods, of those about methods, and of ours begin in the table.
const MAIN: &str = "supervisor.";
const SYSTEM: &str = "system.";
const OURS: &str = "minder.";

/// Answers a call.
pub async fn dispatch<S: Service>(service: &S, call: MethodCall) -> Result<Response, Fault> {
    let method = find(service, &call.method)
        .ok_or_else(unknown_method)?
        .method;
    match method.action {
        Action::Multicall => {
            let calls = Args::new(method, &call.params)?.value()?;
            multicall(service, calls).await.map(Response::Value)
        }
        Action::Supervisor(_)
        | Action::Twiddler(_)
        | Action::ListMethods
        | Action::MethodHelp
        | Action::MethodSignature => single(service, &call.method, &call.params).await,
    }
}

/// A method that is there, and whose it is if it is a plug-in's.
struct Found<'a> {
    method: &'static Method,
    twiddler: Option<&'a Twiddler>,
}

/// The method of this name.
fn find<'a, S: Service>(service: &'a S, name: &str) -> Option<Found<'a>> {
    let (namespace, name) = name.split_once('.')?;
    if let Some(method) = find_own(service, namespace, name) {
        return Some(Found {
            method,
            twiddler: None,
        });
    }
    let mut twiddlers = service.twiddlers().iter();
    let twiddler = twiddlers.find(|it| it.namespace == namespace)?;
    Some(Found {
        method: method::find_twiddler(name)?,
        twiddler: Some(twiddler),
    })
}

/// The method of this name that is no plug-in's. Supervisor's may have other names than the table
/// gives them, or none.
fn find_own<S: Service>(service: &S, namespace: &str, name: &str) -> Option<&'static Method> {
    let find = |namespace| method::find(&format!("{namespace}{name}"));
    let namespaces = service.namespaces();
    if namespace == "system" {
        find(SYSTEM)
    } else if namespaces.iter().any(|it| it == namespace) {
        find(MAIN)
    } else if namespace == "minder" && !namespaces.is_empty() {
        find(OURS)
    } else {
        None
    }
}

/// Answers a call that holds no others.
async fn single<S: Service>(service: &S, name: &str, params: &[Value]) -> Result<Response, Fault> {
    let Found { method, twiddler } = find(service, name).ok_or_else(unknown_method)?;
    let args = || Args::new(method, params);
    match method.action {
        Action::Twiddler(parse) => {
            let args = args()?;
            twiddler.map_or(Ok(()), |it| it.check(method.name))?;
            let call = Call::Twiddler(parse(args)?);
            service.call(call).await.map(Response::Answer)
        }
        Action::Supervisor(parse) => service.call(parse(args()?)?).await.map(Response::Answer),
        Action::ListMethods => args().map(|_| list_methods(service).into()),
        Action::MethodHelp => Ok(Value::from(described(service, args()?.value()?)?.help()).into()),
        Action::MethodSignature => Ok(signature(described(service, args()?.value()?)?).into()),
        Action::Multicall => Err(Fault::about(
            FaultCode::IncorrectParameters,
            "Recursive system.multicall forbidden",
        )),
    }
}

fn list_methods<S: Service>(service: &S) -> Value {
    let namespaces = service.namespaces();
    let mut names = Vec::new();
    for Method { name, .. } in METHODS {
        if let Some(name) = name.strip_prefix(MAIN) {
            names.extend(namespaces.iter().map(|it| format!("{it}.{name}")));
        } else if name.starts_with(SYSTEM) || !namespaces.is_empty() {
            names.push((*name).to_owned());
        }
    }
    for Twiddler { namespace, .. } in service.twiddlers() {
        names.extend(TWIDDLER.iter().map(|it| format!("{namespace}.{}", it.name)));
    }
    names.sort();
    names.into_iter().map(Value::from).collect()
}

fn described<S: Service>(service: &S, name: &Value) -> Result<&'static Method, Fault> {
    name.as_text()
        .and_then(|name| find(service, name))
        .map(|found| found.method)
        .ok_or_else(|| Fault::new(FaultCode::SignatureUnsupported))
}

fn signature(method: &Method) -> Value {
    let types: Vec<_> = method.signature().map(|kind| kind.name().into()).collect();
    types.into()
}

/// Makes each call after the one before it is answered.
///
/// Results stand bare, not each in an array of its own as other servers of this convention have
/// it: Supervisor's clients expect them so.
async fn multicall<S: Service>(service: &S, calls: &Value) -> Result<Value, Fault> {
    let calls = calls.as_array().ok_or_else(incorrect_parameters)?;
    let all_structs = calls.iter().all(|call| matches!(call, Value::Struct(_)));
    if !all_structs {
        return Err(incorrect_parameters());
    }
    if calls.len() > MULTICALL_CALLS {
        let about = format!("more than {MULTICALL_CALLS} calls");
        return Err(Fault::about(FaultCode::IncorrectParameters, about));
    }
    let mut results = Vec::with_capacity(calls.len());
    let mut bytes = 0;
    for call in calls {
        let result = if bytes > MULTICALL_BYTES {
            Err(Fault::about(FaultCode::Failed, "the results are too long"))
        } else {
            entry(service, call).await
        };
        let result = result.unwrap_or_else(|fault| Value::from(&fault));
        bytes += text_bytes(&result);
        results.push(result);
    }
    Ok(results.into())
}

async fn entry<S: Service>(service: &S, call: &Value) -> Result<Value, Fault> {
    let name = match call.member("methodName") {
        None => {
            let about = "No methodName";
            return Err(Fault::about(FaultCode::IncorrectParameters, about));
        }
        Some(Value::Text(name)) => name,
        Some(other) => return Err(no_name(other)),
    };
    let params = match call.member("params") {
        None => &[][..],
        // What libraries of languages make of an empty list that is also an empty map.
        Some(Value::Struct(members)) if members.is_empty() => &[],
        Some(Value::Array(params)) => params,
        Some(_) => return Err(incorrect_parameters()),
    };
    single(service, name, params).await.map(Value::from)
}

/// What Python says when it takes a name apart that is none.
fn no_name(value: &Value) -> Fault {
    let kind = python::type_name(value);
    Fault::about(
        FaultCode::Failed,
        format!("<class 'AttributeError'>:'{kind}' object has no attribute 'split'"),
    )
}

fn text_bytes(value: &Value) -> usize {
    match value {
        Value::Text(text) | Value::DateTime(text) => text.len(),
        Value::Array(items) => items.iter().map(text_bytes).sum(),
        Value::Struct(members) => members.iter().map(|(_, value)| text_bytes(value)).sum(),
        Value::Int(_) | Value::Bool(_) | Value::Double(_) => 0,
    }
}

#[cfg(test)]
mod tests;
