//! The JSON Schema of a settings type, in native tests only: the file `settings.schema.json` beside the manifest, which `provost plugin
//! build` puts into the component. The type derives `schemars::JsonSchema` in tests, so that nothing of it gets into the component:
//!
//! ```
//! # use provost_guest::Span;
//! #[derive(Default, serde::Deserialize)]
//! #[cfg_attr(test, derive(schemars::JsonSchema))]
//! #[serde(default, deny_unknown_fields)]
//! struct Patience {
//!     /// The number of failures in a row after which a process is given up.
//!     tries: u32,
//!     /// The delay before a restart.
//!     pause: Span,
//! }
//!
//! provost_guest::settings_schema!(Patience);
//! ```

use std::borrow::Cow;
use std::fs;
use std::path::Path;

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::rules::Ends;
use crate::{Phase, Signal, Span};

/// The name of the file, beside the manifest of the plugin.
///
/// ```
/// let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(provost_guest::schema::FILE);
/// assert!(file.ends_with("settings.schema.json"));
/// ```
pub const FILE: &str = "settings.schema.json";

/// The environment variable with which the tests write the file instead of comparing it.
///
/// ```
/// let command = format!("{}=1 cargo test", provost_guest::schema::WRITE);
/// assert_eq!(command, "WRITE_SCHEMA=1 cargo test");
/// ```
pub const WRITE: &str = "WRITE_SCHEMA";

/// Returns the JSON Schema of a settings type, as indented text.
///
/// The doc comments of the type and of its fields are descriptions. With `#[serde(default)]`, the values of its `Default` are the
/// defaults; a type of a field has to be `Serialize` for that.
///
/// ```
/// #[derive(Default, serde::Deserialize, serde::Serialize, schemars::JsonSchema)]
/// #[serde(default)]
/// struct Patience {
///     tries: u32,
/// }
///
/// assert!(provost_guest::schema::of::<Patience>().contains("\"tries\""));
/// ```
#[must_use]
pub fn of<T: JsonSchema>() -> String {
    format!("{:#}\n", schema::<T>())
}

fn schema<T: JsonSchema>() -> Value {
    SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<T>().into()
}

/// Compares `settings.schema.json` in `folder` with the settings type, or writes it if the environment variable `WRITE_SCHEMA` is set.
/// [`settings_schema!`](crate::settings_schema) calls it.
///
/// # Errors
/// Says what to do if the file is missing, differs or cannot be written.
#[doc(hidden)]
pub fn compare<T: JsonSchema>(folder: &Path) -> Result<(), String> {
    compare_or_write::<T>(folder, std::env::var_os(WRITE).is_some())
}

fn compare_or_write<T: JsonSchema>(folder: &Path, write: bool) -> Result<(), String> {
    let path = folder.join(FILE);
    if write {
        return fs::write(&path, of::<T>()).map_err(|error| format!("{}: {error}", path.display()));
    }
    let next = format!("`{WRITE}=1 cargo test` writes it");
    let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}; {next}", path.display()))?;
    // Only the meaning is compared: the order of keys and the layout are free.
    match serde_json::from_str::<Value>(&text) {
        Ok(committed) if committed == schema::<T>() => Ok(()),
        Ok(_) => Err(format!("{} is not the schema of the settings any more; {next}", path.display())),
        Err(error) => Err(format!("{} is not JSON: {error}; {next}", path.display())),
    }
}

impl JsonSchema for Span {
    fn schema_name() -> Cow<'static, str> {
        "Duration".into()
    }

    fn json_schema(_generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "title": "duration",
            "description": "A text such as \"100ms\", \"10s\", \"5m\", \"1h30m\" or \"1d\", or a number of milliseconds.",
            "examples": ["100ms", "10s", "1h30m"],
            "type": ["string", "integer"],
            "pattern": r"^\s*(0|(([0-9]+\.?[0-9]*|\.[0-9]+)\s*(ms|s|m|h|d)\s*)+)$",
            "minimum": 0,
        })
    }
}

/// Writes the duration as an operator would: with the largest unit of which it is a whole number.
impl Serialize for Span {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let units = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000)];
        let whole = units.into_iter().find(|(_, ms)| self.ms() != 0 && self.ms().is_multiple_of(*ms));
        let (unit, ms) = whole.unwrap_or(("ms", 1));
        serializer.collect_str(&format_args!("{}{unit}", self.ms() / ms))
    }
}

impl JsonSchema for Signal {
    fn schema_name() -> Cow<'static, str> {
        "Signal".into()
    }

    fn json_schema(_generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "title": "signal",
            "description": "A signal such as \"SIGTERM\", \"HUP\" or \"SIGRTMIN+3\".",
            "examples": ["SIGTERM", "HUP"],
            "type": "string",
            "pattern": "^([A-Za-z][A-Za-z0-9]*([+-][0-9]+)?|[0-9]+)$",
        })
    }
}

impl Serialize for Signal {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl JsonSchema for Phase {
    fn schema_name() -> Cow<'static, str> {
        "Phase".into()
    }

    fn json_schema(_generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "title": "phase",
            "description": "The phase of a process.",
            "type": "string",
            "enum": Self::ALL.map(Self::name),
        })
    }
}

impl Serialize for Phase {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl JsonSchema for Ends {
    fn schema_name() -> Cow<'static, str> {
        "Ends".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "title": "list of exit codes and signals",
            "description": "Exit codes and signals such as [0, 143, \"SIGTERM\"].",
            "type": "array",
            "items": { "anyOf": [generator.subschema_for::<i32>(), generator.subschema_for::<Signal>()] },
        })
    }
}

impl Serialize for Ends {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let codes = self.exit_codes().iter().map(|code| Value::from(*code));
        let signals = self.signals().iter().map(|signal| Value::from(signal.to_string()));
        serializer.collect_seq(codes.chain(signals))
    }
}

#[cfg(feature = "wasi")]
impl JsonSchema for crate::http::Url {
    fn schema_name() -> Cow<'static, str> {
        "Url".into()
    }

    fn json_schema(_generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "title": "URL",
            "description": "A URL such as \"https://hooks.example.org/provost\".",
            "examples": ["https://hooks.example.org/provost"],
            "type": "string",
            "pattern": "^https?://[^/?#]+",
        })
    }
}

#[cfg(feature = "wasi")]
impl Serialize for crate::http::Url {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a plugin does.
    #[derive(serde::Deserialize, JsonSchema)]
    #[serde(default, deny_unknown_fields)]
    struct Sample {
        /// The delay.
        pause: Span,
        on: Signal,
        phases: Option<Vec<Phase>>,
        clean: Ends,
    }

    impl Default for Sample {
        fn default() -> Self {
            let on = Signal::TERM;
            Self { pause: Span::from_ms(90_000), on, phases: None, clean: Ends::codes([0]) }
        }
    }

    #[test]
    fn descriptions_and_defaults_are_in_the_schema() {
        let schema = schema::<Sample>();
        assert_eq!(schema["description"], "What a plugin does.");
        assert_eq!(schema["additionalProperties"], false);
        let pause =
            serde_json::json!({ "$ref": "#/$defs/Duration", "description": "The delay.", "default": "90s" });
        assert_eq!(schema["properties"]["pause"], pause);
        assert_eq!(schema["properties"]["on"]["default"], "SIGTERM");
        assert_eq!(schema["properties"]["clean"]["default"], serde_json::json!([0]));
        assert_eq!(schema["$defs"]["Phase"]["enum"][0], "stopped");
    }

    #[test]
    fn a_default_is_written_in_its_largest_unit_and_is_read_back() {
        for (ms, text) in [
            (0, "0ms"),
            (500, "500ms"),
            (1_500, "1500ms"),
            (90_000, "90s"),
            (60_000, "1m"),
            (7_200_000, "2h"),
            (86_400_000, "1d"),
        ] {
            let span = Span::from_ms(ms);
            assert_eq!(serde_json::to_value(span).unwrap(), text);
            assert_eq!(text.parse(), Ok(span));
        }
    }

    #[test]
    fn a_missing_a_wrong_and_an_outdated_file_are_refused_with_what_to_do() {
        let folder = std::env::temp_dir().join(format!("provost-guest-schema-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let compared = || compare_or_write::<Sample>(&folder, false);
        let missing = compared().unwrap_err();
        fs::write(folder.join(FILE), "{").unwrap();
        let broken = compared().unwrap_err();
        fs::write(folder.join(FILE), "{\"type\": \"object\"}").unwrap();
        let outdated = compared().unwrap_err();
        compare_or_write::<Sample>(&folder, true).unwrap();
        let written = compared();
        fs::remove_dir_all(&folder).unwrap();
        for (told, why) in [(missing, "No such file"), (broken, "is not JSON"), (outdated, "any more")] {
            assert!(told.contains(why) && told.contains("`WRITE_SCHEMA=1 cargo test` writes it"), "{told}");
        }
        assert_eq!(written, Ok(()));
    }
}
