//! Lines of output, as `GET /v1/logs` sends them.

use std::borrow::Cow;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::schema::schema_as;
use crate::words::words;

words! {
    /// The stream that a line was written to.
    pub enum LogStream {
        /// Standard output.
        Stdout = "stdout",
        /// Standard error.
        Stderr = "stderr",
    }
}

/// The answer to `GET /v1/logs` with `Accept: application/json`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LogList {
    /// The chosen lines, oldest first.
    pub lines: Vec<LogItem>,
}

/// One line of `GET /v1/logs`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogItem {
    /// A line of text.
    Text {
        /// The process.
        process: String,
        /// The stream that it was written to.
        stream: LogStream,
        /// When the host read it.
        at: String,
        /// The line.
        text: String,
        /// Whether the line is incomplete: the next item of the stream continues it. The field is left out if false.
        partial: bool,
    },
    /// A line that is not UTF-8.
    Binary {
        /// The process.
        process: String,
        /// The stream that it was written to.
        stream: LogStream,
        /// When the host read it.
        at: String,
        /// The line, in base64.
        base64: String,
        /// As for text.
        partial: bool,
    },
    /// Lines that are left out: the reader was too slow, and they are in the log file; or a stream was resumed, and the
    /// files no longer have all lines since then.
    Missed {
        /// The process.
        process: String,
        /// The number of lines; `None` if it is not known.
        missed: Option<u64>,
    },
    /// The log was cleared: lines sent before are no longer in the files.
    Cleared {
        /// The process.
        process: String,
        /// Always `true`.
        cleared: bool,
    },
    /// An item of a kind that only a newer host knows.
    Unknown {
        /// The process.
        process: String,
    },
}

schema_as!(LogItem, LogObject<'_>);

/// A line of output, with `text` or `base64`; `missed` lines in its place; or the point at which the log was `cleared`.
#[derive(Default, Serialize, Deserialize, JsonSchema)]
struct LogObject<'a> {
    process: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stream: Option<Cow<'a, LogStream>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    at: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    base64: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    partial: bool,
    /// The number of lines, or `null` if it is not known.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<u64>")]
    missed: Option<Option<u64>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cleared: Option<bool>,
}

/// Reads a field that is there, perhaps with `null`.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<u64>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

impl Serialize for LogItem {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let object = match self {
            Self::Text { process, stream, at, text, partial } => {
                LogObject { text: Some(text.into()), ..LogObject::of_line(process, stream, at, *partial) }
            }
            Self::Binary { process, stream, at, base64, partial } => {
                LogObject { base64: Some(base64.into()), ..LogObject::of_line(process, stream, at, *partial) }
            }
            Self::Missed { process, missed } => {
                LogObject { process: process.into(), missed: Some(*missed), ..LogObject::default() }
            }
            Self::Cleared { process, cleared } => {
                LogObject { process: process.into(), cleared: Some(*cleared), ..LogObject::default() }
            }
            Self::Unknown { process } => LogObject { process: process.into(), ..LogObject::default() },
        };
        object.serialize(serializer)
    }
}

impl<'a> LogObject<'a> {
    fn of_line(process: &'a str, stream: &'a LogStream, at: &'a str, partial: bool) -> Self {
        let stream = Some(Cow::Borrowed(stream));
        Self { process: process.into(), stream, at: Some(at.into()), partial, ..Self::default() }
    }
}

impl<'de> Deserialize<'de> for LogItem {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let LogObject { process, stream, at, text, base64, partial, missed, cleared } =
            LogObject::deserialize(deserializer)?;
        let process = process.into_owned();
        let (stream, at) =
            (stream.map(Cow::into_owned).unwrap_or_default(), at.unwrap_or_default().into_owned());
        Ok(match (text, base64, missed, cleared) {
            (Some(text), ..) => Self::Text { process, stream, at, text: text.into_owned(), partial },
            (_, Some(base64), ..) => {
                Self::Binary { process, stream, at, base64: base64.into_owned(), partial }
            }
            (_, _, Some(missed), _) => Self::Missed { process, missed },
            (.., Some(cleared)) => Self::Cleared { process, cleared },
            (None, None, None, None) => Self::Unknown { process },
        })
    }
}
