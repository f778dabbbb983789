//! Components, as `plugin inspect` and the loading of a plugin read them. All bytes are described or refused with a reason,
//! and nothing panics. What begins with `{` is the schema of settings, as a component carries it.

use provost_plugin_host::{Compiler, InProcess, SchemaError, SettingsSchema, inspect};

/// The size of the largest input; larger ones only take longer to compile.
const BYTES_MAX: usize = 64 << 10;

pub(super) fn run(data: &[u8]) {
    if data.len() > BYTES_MAX {
        return;
    }
    if data.starts_with(b"{") {
        schema(SettingsSchema::parse(data).map(Some));
    }
    // The corpus contains components in the text format, too, because they are readable.
    let parsed = data.starts_with(b"(").then(|| wat::parse_bytes(data));
    let parsed = parsed.and_then(Result::ok);
    let data = parsed.as_deref().unwrap_or(data);
    schema(SettingsSchema::of_component(data));
    let compiler: std::sync::Arc<dyn Compiler> = std::sync::Arc::new(InProcess);
    match inspect(data, &compiler) {
        Ok(inspection) => {
            assert_eq!(inspection.size_bytes, data.len() as u64);
            assert_eq!(inspection.digest.len(), 64);
            assert!(inspection.refusal.is_some() || !inspection.roles.is_empty(), "{inspection:?}");
            assert!(inspection.refusal.is_none_or(|why| !why.is_empty() && why.len() < 64 << 10));
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// The longest message about a schema or about settings, and the longest row of a table, in characters.
const MESSAGE_CHARS_MAX: usize = 1_100;

fn is_short(text: &str) -> bool {
    text.chars().count() <= MESSAGE_CHARS_MAX
}

/// Uses a schema as `inspect` and the loading of a plugin do: settings are checked in a bounded number of steps, and each message is
/// short, whatever the schema refers to.
fn schema(read: Result<Option<SettingsSchema>, SchemaError>) {
    match read {
        Ok(None) => {}
        Ok(Some(schema)) => {
            let rows = schema.rows();
            assert!(rows.len() <= 200);
            for row in rows {
                assert!(is_short(&[row.name, row.kind, row.default, row.meaning].concat()));
            }
            for settings in ["{}", r#"{"first": "1s", "tries": [{"a": null}], "on": 5, "x": true}"#, "[]"] {
                match schema.mistakes(settings) {
                    Ok(mistakes) => {
                        let is_told = |told: &String| told.starts_with("settings: ") && is_short(told);
                        assert!(mistakes.len() <= 20 && mistakes.iter().all(is_told));
                    }
                    Err(error) => assert!(
                        matches!(error, SchemaError::TooComplex(_) | SchemaError::TooDeep(_)),
                        "{error}"
                    ),
                }
            }
            assert!(SettingsSchema::parse(&schema.to_section()).is_ok());
        }
        Err(error) => {
            let told = error.to_string();
            assert!(!told.is_empty() && is_short(&told));
        }
    }
}
