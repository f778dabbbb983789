//! The descriptions of routes, and the OpenAPI document that is made of them.

use std::fmt;

use axum::http::Method;
use provost_api::Problem;
use schemars::generate::SchemaSettings;
use schemars::transform::RecursiveTransform;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Map, Value, json};

use super::scopes::is_open;
use crate::access::Scope;

/// The schema of a type.
#[derive(Clone, Copy)]
pub(super) struct SchemaOf(fn(&mut SchemaGenerator) -> Schema);

impl SchemaOf {
    pub(super) fn of<T: JsonSchema>() -> Self {
        Self(SchemaGenerator::subschema_for::<T>)
    }
}

impl fmt::Debug for SchemaOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SchemaOf")
    }
}

/// The body of a request.
#[derive(Clone, Copy, Debug)]
pub(super) struct RequestBody {
    pub(super) of: SchemaOf,
    pub(super) is_required: bool,
    /// The only fields of the type that this route takes, if these are not all.
    pub(super) fields: Option<&'static [&'static str]>,
    /// The fields that this route does not do without, although the type does.
    pub(super) needs: &'static [&'static str],
}

/// The answer of a route, if it is no refusal.
#[derive(Clone, Copy, Debug)]
pub(super) enum Answer {
    /// Bytes of any media type.
    Anything,
    /// One JSON text.
    Json(SchemaOf),
    /// One JSON text, or a stream of them.
    JsonOrStream(SchemaOf),
    /// A stream of JSON texts.
    Stream {
        /// Each of them.
        of: SchemaOf,
        /// One list of all, if there is also a list, and server-sent events.
        list: Option<SchemaOf>,
    },
}

/// The description of a route.
#[derive(Clone, Debug)]
pub(super) struct Described {
    pub(super) method: Method,
    /// A segment in braces stands for any text, and `{*path}` for the rest of the path.
    pub(super) path: &'static str,
    pub(super) scope: Scope,
    pub(super) summary: &'static str,
    pub(super) query: Option<SchemaOf>,
    pub(super) body: Option<RequestBody>,
    pub(super) answer: Answer,
    pub(super) is_hidden: bool,
}

impl Described {
    pub(super) fn of(method: Method, path: &'static str, scope: Scope, summary: &'static str) -> Self {
        let answer = Answer::Anything;
        Self { method, path, scope, summary, query: None, body: None, answer, is_hidden: false }
    }

    /// Returns the name of the operation: `get_processes_name_explain`.
    fn id(&self) -> String {
        let path = self.path.trim_start_matches("/v1").replace(['{', '}', '*', '.'], "");
        format!("{}{}", self.method.as_str().to_ascii_lowercase(), path.replace('/', "_"))
    }

    fn operation(&self, types: &mut Types) -> Value {
        let mut parameters: Vec<Value> = self.path_parameters().collect();
        if let Some(query) = self.query {
            parameters.extend(types.parameters(query));
        }
        let mut operation = json!({
            "operationId": self.id(),
            "summary": self.summary,
            "security": if is_open(self.path) { json!([]) } else { json!([{"token": [self.scope.as_str()]}]) },
            "parameters": parameters,
            "responses": {
                "200": {"description": "The answer.", "content": self.content(types)},
                "default": {"$ref": "#/components/responses/Problem"},
            },
        });
        if let Some(body) = self.body {
            let schema = types.body(body);
            operation["requestBody"] =
                json!({"required": body.is_required, "content": {"application/json": {"schema": schema}}});
        }
        operation
    }

    fn path_parameters(&self) -> impl Iterator<Item = Value> {
        let names = self.path.split('/').filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'));
        let of_plugin = self.path.starts_with("/v1/plugins") || self.path.starts_with("/v1/views");
        names.map(move |name| {
            let (name, about) = match name {
                "*path" => ("path", "A path of the view, which may have several segments."),
                name if of_plugin => (name, "The name of a plugin."),
                name => (name, "The name of a process."),
            };
            let schema = json!({"type": "string", "minLength": 1});
            json!({"name": name, "in": "path", "required": true, "description": about, "schema": schema})
        })
    }

    fn content(&self, types: &mut Types) -> Value {
        // OpenAPI 3.1 has no form for the items of a stream: the schema is that of one message.
        match self.answer {
            Answer::Anything => json!({"*/*": {}}),
            Answer::Json(of) => json!({"application/json": {"schema": types.written(of)}}),
            Answer::JsonOrStream(of) => json!({
                "application/json": {"schema": types.written(of)},
                "application/x-ndjson": {"x-item-schema": types.written(of)},
                "text/event-stream": {"x-item-schema": types.written(of)},
            }),
            Answer::Stream { of, list } => {
                let mut content = json!({"application/x-ndjson": {"x-item-schema": types.written(of)}});
                if let Some(list) = list {
                    content["application/json"] = json!({"schema": types.written(list)});
                    content["text/event-stream"] = json!({"x-item-schema": types.written(of)});
                }
                content
            }
        }
    }
}

/// The types that the host reads and those that it writes: what it writes has every field, and what it reads may leave some out.
struct Types {
    read: SchemaGenerator,
    written: SchemaGenerator,
}

impl Types {
    fn new() -> Self {
        let settings = || {
            SchemaSettings::draft2020_12()
                .with(|settings| settings.definitions_path = "/components/schemas".into())
        };
        let read = settings().for_deserialize().with_transform(RecursiveTransform(bounded));
        let written = settings().for_serialize().into_generator();
        Self { read: read.into_generator(), written }
    }

    fn read(&mut self, schema: SchemaOf) -> Schema {
        schema.0(&mut self.read)
    }

    fn written(&mut self, schema: SchemaOf) -> Schema {
        schema.0(&mut self.written)
    }

    /// Returns the schema of a body with the fields that its route takes.
    fn body(&mut self, body: RequestBody) -> Schema {
        let whole = self.read(body.of);
        let name = whole.get("$ref").and_then(Value::as_str).and_then(|path| path.rsplit('/').next());
        let definition = name.and_then(|name| self.read.definitions().get(name)).cloned();
        let (Some(Value::Object(mut object)), Some(takes)) = (definition, body.fields) else { return whole };
        if let Some(Value::Object(fields)) = object.get_mut("properties") {
            fields.retain(|name, _| takes.contains(&&**name));
            for name in body.needs {
                if let Some(field) = fields.get_mut(*name) {
                    not_null(field);
                }
            }
        }
        let mut needs: Vec<&str> = object
            .get("required")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        needs.extend(body.needs);
        let needs = json!(needs);
        object.insert("required".to_owned(), needs);
        object.into()
    }

    /// Returns the fields of a query as parameters.
    fn parameters(&mut self, query: SchemaOf) -> Vec<Value> {
        let name = self.read(query);
        let name = name.get("$ref").and_then(Value::as_str).and_then(|path| path.rsplit('/').next());
        let Some(Value::Object(object)) = name.and_then(|name| self.read.definitions_mut().remove(name))
        else {
            return Vec::new();
        };
        let Some(Value::Object(fields)) = object.get("properties") else { return Vec::new() };
        let needs: Vec<&Value> =
            object.get("required").and_then(Value::as_array).into_iter().flatten().collect();
        fields
            .iter()
            .map(|(name, schema)| parameter(name, schema.clone(), needs.iter().any(|one| *one == name)))
            .collect()
    }

    /// Returns all types by their names.
    fn all(mut self) -> Map<String, Value> {
        let mut all = self.read.take_definitions(true);
        all.extend(self.written.take_definitions(true));
        all
    }
}

/// Takes `null` away from what a value may be.
fn not_null(schema: &mut Value) {
    if let Some(Value::Array(either)) = schema.get("anyOf") {
        let one = either.iter().find(|one| one.get("type").is_none_or(|it| it != "null")).cloned();
        *schema = one.unwrap_or_default();
    }
    if let Some(Value::Array(types)) = schema.get_mut("type") {
        types.retain(|one| one != "null");
        if let [one] = &types[..] {
            schema["type"] = one.clone();
        }
    }
}

/// Returns a parameter of a query. A parameter is left out and never `null`.
fn parameter(name: &str, mut schema: Value, is_required: bool) -> Value {
    let description = schema.as_object_mut().and_then(|schema| schema.remove("description"));
    not_null(&mut schema);
    if let Ok(schema) = <&mut Schema>::try_from(&mut schema) {
        bounded(schema);
    }
    let description = description.unwrap_or_else(|| "".into());
    json!({"name": name, "in": "query", "required": is_required, "description": description, "schema": schema})
}

/// Adds the greatest number to a schema of whole numbers that says their size only as a format.
fn bounded(schema: &mut Schema) {
    let most = match schema.get("format").and_then(Value::as_str) {
        Some("uint8") => u64::from(u8::MAX),
        Some("uint32") => u64::from(u32::MAX),
        Some("uint" | "uint64") => u64::MAX,
        _ => return,
    };
    if schema.get("maximum").is_none() {
        schema.insert("maximum".to_owned(), most.into());
    }
}

/// Returns the OpenAPI document of routes.
pub(super) fn document(routes: &[Described]) -> Value {
    let mut types = Types::new();
    let mut paths = Map::new();
    for route in routes.iter().filter(|route| !route.is_hidden) {
        let path = paths.entry(route.path.replace("{*", "{")).or_insert_with(|| json!({}));
        path[route.method.as_str().to_ascii_lowercase()] = route.operation(&mut types);
    }
    let problem = types.written(SchemaOf::of::<Problem>());
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Provost",
            "version": "1",
            "summary": "The API of a Provost host, a supervisor of processes",
            "description": DESCRIPTION,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer", "description": TOKEN}},
            "responses": {"Problem": {
                "description": "The request was refused, and nothing was changed.",
                "content": {"application/problem+json": {"schema": problem}},
            }},
            "schemas": types.all(),
        },
    })
}

const DESCRIPTION: &str = "Times are RFC 3339 in UTC with milliseconds. Fields are only ever added; what has no value is `null`. \
A word with `x-extensible-enum` may also be one that a newer host knows. An answer of several media types is chosen by \
`Accept`; a stream has one JSON text on each line, or in the `data` of each server-sent event, and is resumed by `Last-Event-ID`.";

const TOKEN: &str = "Required on TCP. On the Unix socket, the kernel tells who the caller is.";
