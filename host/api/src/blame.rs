//! The last failure of a plugin, and the result of trying its input again.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::plugins::Fault;
use crate::reproduction::Reproduction;
use crate::schema::schema_as;

/// The answer to `GET /v1/plugins/NAME/blame`: the last input that made the plugin fail, and the result of trying it again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Blame {
    /// The plugin.
    pub plugin: String,
    /// The number of the version that failed.
    pub version: u64,
    /// The function that was called.
    pub call: String,
    /// The trigger, as text.
    pub input: String,
    /// The generation of the snapshot that the call received.
    pub generation: u64,
    /// How the call failed.
    pub fault: Fault,
    /// The result of the active version for the same input.
    pub now: Replayed,
    /// Only if asked for (`?reproduction=1`, which takes the scope `admin`): all that the call was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reproduction: Option<Box<Reproduction>>,
}

/// The result of trying an input again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Replayed {
    /// The plugin answered.
    Answer {
        /// The answer, in words.
        answer: String,
    },
    /// The plugin failed.
    Fault {
        /// The failure.
        fault: Fault,
    },
    /// A result that only a newer host knows.
    Unknown,
}

schema_as!(Replayed, ReplayedObject<'_>);

/// The result of trying an input again: an object with `answer` or with `fault`.
#[derive(Default, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
struct ReplayedObject<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    answer: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fault: Option<Cow<'a, Fault>>,
}

impl Serialize for Replayed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (answer, fault) = match self {
            Self::Answer { answer } => (Some(answer.into()), None),
            Self::Fault { fault } => (None, Some(Cow::Borrowed(fault))),
            Self::Unknown => (None, None),
        };
        ReplayedObject { answer, fault }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Replayed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let ReplayedObject { answer, fault } = ReplayedObject::deserialize(deserializer)?;
        Ok(match (answer, fault) {
            (Some(answer), _) => Self::Answer { answer: answer.into_owned() },
            (None, Some(fault)) => Self::Fault { fault: fault.into_owned() },
            (None, None) => Self::Unknown,
        })
    }
}
