//! Orders to processes (start, stop, restart and signal) and their outcomes.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::error::Error;
use crate::process::Phase;

/// The body of `POST /v1/processes/{start,stop,restart,signal}`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProcessOrder {
    /// Names, `group:*`, or `all`.
    #[schemars(length(min = 1))]
    pub select: Vec<String>,
    /// The origin of the order: `user` or `api`.
    #[serde(default)]
    pub cause: OrderCause,
    /// Whether to wait until the order has taken effect.
    #[serde(default)]
    pub wait: bool,
    /// How long to wait, in milliseconds; 30 seconds by default.
    #[serde(default)]
    pub timeout_ms: Option<u64>,
    /// For the action `signal`: the name of the signal, with or without `SIG`, or its number.
    #[serde(default)]
    pub signal: Option<Signal>,
}

/// The origin of an order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OrderCause {
    /// A person, through the command line.
    User,
    /// A program.
    #[default]
    Api,
}

/// A signal, by number or by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Signal {
    /// The number.
    Number(i32),
    /// The name: `HUP` or `SIGHUP`.
    Name(String),
}

impl JsonSchema for Signal {
    fn schema_name() -> Cow<'static, str> {
        "Signal".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": ["string", "integer"],
            "description": "A signal: its name, with or without `SIG`, or its number.",
            "minimum": 1,
            "maximum": 64,
        })
    }
}

impl Serialize for Signal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Number(number) => serializer.serialize_i32(*number),
            Self::Name(name) => serializer.serialize_str(name),
        }
    }
}

impl<'de> Deserialize<'de> for Signal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number =
            |number: &serde_json::Number| number.as_i64().and_then(|number| i32::try_from(number).ok());
        let read = match serde_json::Value::deserialize(deserializer)? {
            serde_json::Value::Number(said) => number(&said).map(Self::Number),
            serde_json::Value::String(name) => Some(Self::Name(name)),
            _ => None,
        };
        read.ok_or_else(|| D::Error::custom("expected the name of a signal or its number"))
    }
}

/// The answer to an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Outcome {
    /// One result per process, in the order of the config.
    pub results: Vec<ProcessOutcome>,
}

/// The outcome of an order for one process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ProcessOutcome {
    /// The process.
    pub name: String,
    /// Whether the order succeeded.
    pub ok: bool,
    /// Its phase afterwards.
    pub phase: Phase,
    /// The reason of that phase.
    pub reason: String,
    /// Why the order failed.
    pub error: Option<Error>,
}
