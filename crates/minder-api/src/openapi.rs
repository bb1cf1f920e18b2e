//! The description of the interface, in the words of `OpenAPI` 3.1.
//!
//! Made from the table of operations and the types of bodies, and compared with the file that is
//! served: `UPDATE=1 cargo test -p minder-api` writes that anew.

use std::fmt::Write as _;

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value, json};

use crate::body::{
    Added, AllFigures, Begun, Configuration, Daemon, Event, Events, Groups, Listeners, LogFiles,
    LogPart, LogReset, Matches, Outcomes, Plan, Process, ProcessDetail, Processes, Updated,
};
use crate::input::{Acting, Signalling, Updating, Waiting, Writing};
use crate::operation::{Gives, Kind, MAX_EVENT, NAMES, OPERATIONS, Operation, Param, TEXT, Takes};
use crate::reply::{EVENTS, JSON, PROBLEM};
use crate::{OPENAPI, Problem};

/// What any operation may answer with.
const ALWAYS: &[u16] = &[400, 401, 405, 503];
/// What any operation may answer with that changes something.
const ON_CHANGE: &[u16] = &[403, 413, 415];

const ABOUT: &str = "Watches and controls the processes of one Minder. Each server of the \
    configuration has it, and asks for the same name and password as for XML-RPC. `docs/api.md` \
    tells more.";

/// Makes schemas, one for each type.
struct Schemas(SchemaGenerator);

impl Schemas {
    fn of<T: JsonSchema>(&mut self) -> Value {
        self.0.subschema_for::<T>().to_value()
    }

    /// The type of this name.
    fn named(&mut self, name: &str) -> Value {
        macro_rules! known {
            ($($kind:ident),* $(,)?) => {
                match name {
                    $(stringify!($kind) => self.of::<$kind>(),)*
                    _ => panic!("the table names the type {name}, which is missing here"),
                }
            };
        }
        known!(
            Acting,
            Added,
            AllFigures,
            Begun,
            Configuration,
            Daemon,
            Event,
            Events,
            Groups,
            Listeners,
            LogFiles,
            LogPart,
            LogReset,
            Matches,
            Outcomes,
            Plan,
            Process,
            ProcessDetail,
            Processes,
            Signalling,
            Updated,
            Updating,
            Waiting,
            Writing,
        )
    }
}

fn description() -> String {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
        settings.meta_schema = None;
    });
    let mut schemas = Schemas(settings.into_generator());
    let mut paths = Map::new();
    for operation in OPERATIONS {
        let place = paths.entry(operation.path).or_insert_with(|| json!({}));
        place[operation.method.to_lowercase()] = described(operation, &mut schemas);
    }
    let problem = schemas.of::<Problem>();
    let definitions = schemas.0.take_definitions(true);
    let description = json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Minder",
            "version": "1",
            "description": ABOUT,
            "license": { "name": "MIT OR Apache-2.0", "identifier": "MIT OR Apache-2.0" },
        },
        "servers": [{ "url": "/" }],
        "security": [{ "basic": [] }, {}],
        "paths": paths,
        "components": {
            "securitySchemes": { "basic": { "type": "http", "scheme": "basic" } },
            "responses": {
                "Problem": {
                    "description": "What is wrong",
                    "content": { PROBLEM: { "schema": problem } },
                },
            },
            "schemas": definitions,
        },
    });
    let text = serde_json::to_string_pretty(&description).unwrap();
    format!("{text}\n")
}

fn described(operation: &Operation, schemas: &mut Schemas) -> Value {
    let in_path = operation.path.split('/').filter_map(|part| {
        let name = part.strip_prefix('{')?.strip_suffix('}')?;
        let about = match name {
            "name" => "the process: `name` or `group:name`",
            _ => "the group",
        };
        Some(json!({
            "name": name,
            "in": "path",
            "required": true,
            "description": about,
            "schema": { "type": "string", "minLength": 1, "maxLength": TEXT, "pattern": "^[^\\u0000]+$" },
        }))
    });
    let parameters: Vec<_> = in_path
        .chain(operation.query.iter().map(parameter))
        .collect();
    let mut responses = Map::new();
    responses.insert("200".to_owned(), success(operation, schemas));
    let changes: &[u16] = if operation.method == "POST" {
        ON_CHANGE
    } else {
        &[]
    };
    for status in [ALWAYS, changes, operation.problems].concat() {
        let problem = json!({ "$ref": "#/components/responses/Problem" });
        responses.insert(status.to_string(), problem);
    }
    let mut described = json!({
        "operationId": operation.id,
        "tags": [operation.tag],
        "summary": operation.about,
        "parameters": parameters,
        "responses": responses,
    });
    let body = match operation.takes {
        Takes::Nothing => None,
        Takes::Perhaps(name) => Some((name, false)),
        Takes::Json(name) => Some((name, true)),
    };
    if let Some((name, required)) = body {
        let schema = schemas.named(name);
        described["requestBody"] =
            json!({ "required": required, "content": { JSON: { "schema": schema } } });
    }
    described
}

fn parameter(param: &Param) -> Value {
    let schema = match param.kind {
        Kind::Text => {
            json!({ "type": "string", "minLength": 1, "maxLength": TEXT, "pattern": "^[^\\u0000]+$" })
        }
        Kind::Int { min, max, default } => {
            json!({ "type": "integer", "minimum": min, "maximum": max, "default": default })
        }
        Kind::Bool => json!({ "type": "boolean", "default": false }),
        Kind::Choice(choices) => {
            json!({ "type": "string", "enum": choices, "default": choices[0] })
        }
        Kind::Choices(choices) => json!({
            "type": "array",
            "minItems": 1,
            "items": { "type": "string", "enum": choices },
        }),
        Kind::Event => json!({ "type": "integer", "minimum": 0, "maximum": MAX_EVENT }),
        Kind::Place => json!({ "type": "string", "pattern": "^[0-9a-f]{1,16}-[0-9]{1,19}$" }),
        Kind::Names => json!({
            "type": "array",
            "minItems": 1,
            "maxItems": NAMES,
            "items": { "type": "string", "minLength": 1, "maxLength": TEXT, "pattern": "^[^\\u0000,]+$" },
        }),
    };
    let mut described = json!({
        "name": param.name,
        "in": "query",
        "required": param.required,
        "description": param.about,
        "schema": schema,
    });
    if matches!(param.kind, Kind::Choices(_) | Kind::Names) {
        described["style"] = "form".into();
        described["explode"] = false.into();
    }
    described
}

fn success(operation: &Operation, schemas: &mut Schemas) -> Value {
    match operation.gives {
        Gives::Json(name) => {
            json!({ "description": "Done", "content": { JSON: { "schema": schemas.named(name) } } })
        }
        Gives::OpenApi => {
            json!({ "description": "Done", "content": { JSON: { "schema": { "type": "object" } } } })
        }
        Gives::Metrics => json!({
            "description": "Done",
            "content": {
                "text/plain": { "schema": { "type": "string" } },
                "application/openmetrics-text": { "schema": { "type": "string" } },
            },
        }),
        Gives::Events(events) => {
            let mut named = String::from("Events until the client closes the connection:");
            for (name, kind) in events {
                // So that the type is described as well.
                schemas.named(kind);
                let _ = write!(named, " `{name}` with the data `{kind}`,");
            }
            let described = named.trim_end_matches(',').to_owned();
            json!({
                "description": described,
                "content": { EVENTS: { "schema": { "type": "string" } } },
            })
        }
    }
}

#[test]
fn the_description_that_is_served_is_that_of_the_table() {
    let made = description();
    if std::env::var_os("UPDATE").is_some() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/openapi.json");
        std::fs::write(file, &made).unwrap();
    } else {
        assert!(
            made == OPENAPI,
            "docs/openapi.json is not what the table says: UPDATE=1 cargo test -p minder-api"
        );
    }
}

#[test]
fn each_member_is_described() {
    let description: Value = serde_json::from_str(OPENAPI).unwrap();
    let schemas = description["components"]["schemas"].as_object().unwrap();
    for (name, schema) in schemas {
        let members = schema["properties"].as_object();
        for (member, schema) in members.into_iter().flatten() {
            assert!(schema["description"].is_string(), "{name}.{member}");
        }
    }
}
