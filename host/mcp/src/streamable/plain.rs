//! Plain calls: a call of a tool that reads, in the newer era, which is one request with one answer. They are what status tools
//! send all the time, so they are answered here: the library takes a task, two channels and several copies of the message for
//! each request, which is more than the work of the tool. Whatever is unusual about a request, even an unknown key, leaves it to
//! the library, which then also words the refusal.

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_LENGTH, CONTENT_TYPE, HeaderName};
use http::{HeaderMap, HeaderValue, Method, Response};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full};
use rmcp::model::{CallToolResult, ClientCapabilities, Implementation, JsonObject};
use serde::{Deserialize, Serialize};

use super::sessions::SESSION;
use crate::caller::{Caller, Grant};
use crate::tools::{self, ToolEntry};

/// The longest body, in bytes.
const BODY_BYTES_MAX: usize = 64 << 10;

/// The version of the protocol of the newer era.
const VERSION: &str = "2026-07-28";

/// The method of a call.
const METHOD: &str = "tools/call";

/// The beginning of the names of headers that repeat arguments.
const ARGUMENT: &str = "mcp-param-";

/// A call that can be answered here.
pub(super) struct Call {
    id: Id,
    entry: &'static ToolEntry,
    arguments: Option<JsonObject>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Message {
    jsonrpc: String,
    id: Id,
    method: String,
    params: Params,
}

/// The id of a request, which its answer repeats.
#[derive(Deserialize, Serialize)]
#[serde(untagged)]
enum Id {
    Number(i64),
    Text(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Params {
    name: String,
    arguments: Option<JsonObject>,
    #[serde(rename = "_meta")]
    meta: Meta,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Meta {
    #[serde(rename = "io.modelcontextprotocol/protocolVersion")]
    version: String,
    // These two are only checked: no tool asks who the client is.
    #[serde(rename = "io.modelcontextprotocol/clientInfo")]
    _client: Implementation,
    #[serde(rename = "io.modelcontextprotocol/clientCapabilities")]
    _capabilities: ClientCapabilities,
}

/// The answer to a call whose tool failed.
#[derive(Serialize)]
struct Failed<'a> {
    jsonrpc: &'a str,
    id: &'a Id,
    result: &'a CallToolResult,
}

/// Whether the head of a request is that of a plain call with a short body of known length.
pub(super) fn has_head(method: &Method, headers: &HeaderMap) -> bool {
    let length = only(headers, CONTENT_LENGTH).and_then(|length| length.parse().ok());
    method == Method::POST
        && only(headers, header("mcp-protocol-version")) == Some(VERSION)
        && only(headers, header("mcp-method")) == Some(METHOD)
        && only(headers, CONTENT_TYPE) == Some("application/json")
        && length.is_some_and(|length: usize| length <= BODY_BYTES_MAX)
        && only(headers, ACCEPT).is_some_and(accepts_both)
        && !headers.contains_key(SESSION)
        && !headers.keys().any(|name| name.as_str().starts_with(ARGUMENT))
}

/// Returns the call that a request with such a head makes, if it can be answered here.
pub(super) fn call(headers: &HeaderMap, body: &[u8]) -> Option<Call> {
    let message: Message = serde_json::from_slice(body).ok()?;
    let Params { name, arguments, meta } = message.params;
    let is_usual = message.jsonrpc == "2.0"
        && message.method == METHOD
        && meta.version == VERSION
        && only(headers, header("mcp-name")) == Some(name.as_str());
    let entry = tools::named(&name).filter(|entry| is_usual && entry.grant == Grant::Read)?;
    Some(Call { id: message.id, entry, arguments })
}

impl Call {
    /// Calls the tool and answers.
    pub(super) async fn answer(
        self,
        caller: &Caller,
    ) -> serde_json::Result<Response<BoxBody<Bytes, std::convert::Infallible>>> {
        let body = match self.entry.read(caller, self.arguments).await {
            Ok(text) => answered(&self.id, &text)?,
            Err(result) => serde_json::to_string(&Failed { jsonrpc: "2.0", id: &self.id, result: &result })?,
        };
        let mut answer = Response::new(Full::from(body).boxed());
        answer.headers_mut().insert(CONTENT_TYPE, const { HeaderValue::from_static("application/json") });
        Ok(answer)
    }
}

/// Returns the answer with this result, which is JSON: as it is, and as the text that older clients show.
fn answered(id: &Id, result: &str) -> serde_json::Result<String> {
    let (id, text) = (serde_json::to_string(id)?, serde_json::to_string(result)?);
    Ok(format!(
        "{{\"jsonrpc\":\"2.0\",\"id\":{id},\"result\":{{\"resultType\":\"complete\",\"content\":[{{\"type\":\"text\",\"text\":{text}}}],\
         \"structuredContent\":{result},\"isError\":false}}}}"
    ))
}

fn header(name: &'static str) -> HeaderName {
    HeaderName::from_static(name)
}

/// Returns a header that is there once.
fn only(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?;
    values.next().is_none().then(|| value.to_str().ok())?
}

fn accepts_both(accept: &str) -> bool {
    let mut types = accept.split(',').map(str::trim);
    types.clone().any(|it| it == "application/json") && types.any(|it| it == "text/event-stream")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn head() -> HeaderMap {
        let lines = [
            ("content-type", "application/json"),
            ("content-length", "300"),
            ("accept", "application/json, text/event-stream"),
            ("mcp-protocol-version", VERSION),
            ("mcp-method", METHOD),
            ("mcp-name", "process_status"),
        ];
        lines.into_iter().map(|(name, value)| (header(name), HeaderValue::from_static(value))).collect()
    }

    fn message() -> Value {
        let meta = json!({
            "io.modelcontextprotocol/protocolVersion": VERSION,
            "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
            "io.modelcontextprotocol/clientCapabilities": {},
        });
        let params = json!({"name": "process_status", "arguments": {"names": ["web"]}, "_meta": meta});
        json!({"jsonrpc": "2.0", "id": "seven", "method": METHOD, "params": params})
    }

    /// Whether a message with the usual head is answered here after this change.
    fn is_plain(change: impl FnOnce(&mut Value)) -> bool {
        let mut message = message();
        change(&mut message);
        call(&head(), message.to_string().as_bytes()).is_some()
    }

    #[test]
    fn a_usual_call_is_plain_and_keeps_its_id_and_arguments() {
        assert!(has_head(&Method::POST, &head()));
        let call = call(&head(), message().to_string().as_bytes()).unwrap();
        assert_eq!(call.entry.tool.name, "process_status");
        assert_eq!(call.arguments.unwrap()["names"], json!(["web"]));
        let answer: Value = serde_json::from_str(&answered(&call.id, r#"{"a":"\""}"#).unwrap()).unwrap();
        let result = json!({
            "resultType": "complete", "content": [{"type": "text", "text": r#"{"a":"\""}"#}],
            "structuredContent": {"a": "\""}, "isError": false,
        });
        assert_eq!(answer, json!({"jsonrpc": "2.0", "id": "seven", "result": result}));
    }

    #[test]
    fn an_unusual_head_is_left_to_the_library() {
        assert!(!has_head(&Method::GET, &head()));
        for (name, value) in [
            ("content-type", "application/json; charset=utf-8"),
            ("content-length", "65537"),
            ("accept", "application/json"),
            ("mcp-protocol-version", "2025-11-25"),
            ("mcp-method", "tools/list"),
            ("mcp-session-id", "x"),
            ("mcp-param-region", "x"),
        ] {
            let mut headers = head();
            headers.insert(header(name), HeaderValue::from_static(value));
            assert!(!has_head(&Method::POST, &headers), "{name}: {value}");
        }
        for name in head().keys().filter(|name| *name != "mcp-name") {
            let (mut without, mut twice) = (head(), head());
            without.remove(name);
            twice.append(name, HeaderValue::from_static(VERSION));
            assert!(!has_head(&Method::POST, &without) && !has_head(&Method::POST, &twice), "{name}");
        }
    }

    #[test]
    fn an_unusual_message_is_left_to_the_library() {
        assert!(is_plain(|_| ()));
        assert!(!is_plain(|message| message["jsonrpc"] = json!("1.0")));
        assert!(!is_plain(|message| message["id"] = Value::Null));
        assert!(!is_plain(|message| message["method"] = json!("tools/list")));
        assert!(
            !is_plain(|message| message["params"]["name"] = json!("process_list")),
            "not that of the head"
        );
        assert!(!is_plain(|message| message["params"]["task"] = json!({})));
        assert!(!is_plain(|message| message["params"]["_meta"]["progressToken"] = json!(1)));
        let version = "io.modelcontextprotocol/protocolVersion";
        assert!(!is_plain(|message| message["params"]["_meta"][version] = json!("2025-11-25")));
        assert!(!is_plain(|message| message["params"]["_meta"] = json!({})));
        let mut changes = head();
        changes.insert("mcp-name", HeaderValue::from_static("process_stop"));
        let mut message = message();
        message["params"]["name"] = json!("process_stop");
        assert!(call(&changes, message.to_string().as_bytes()).is_none(), "it does not read");
    }
}
