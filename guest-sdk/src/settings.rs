//! Reads the operator's settings from JSON text into the plugin's own type; errors name the field.

use serde::de::DeserializeOwned;

/// Reads settings from the text of a JSON object.
///
/// ```
/// use provost_guest::settings;
///
/// #[derive(Debug, serde::Deserialize)]
/// #[serde(deny_unknown_fields)]
/// struct Patience {
///     tries: u32,
/// }
///
/// let patience: Patience = settings::parse(r#"{"tries": 3}"#)?;
/// assert_eq!(patience.tries, 3);
/// let wrong = settings::parse::<Patience>(r#"{"tries": "x"}"#).unwrap_err();
/// assert_eq!(wrong, r#"settings: tries: invalid type: string "x", expected u32"#);
/// # Ok::<(), String>(())
/// ```
///
/// # Errors
/// Says which field is wrong and why, in words for the operator.
pub fn parse<T: DeserializeOwned>(json: &str) -> Result<T, String> {
    crate::json::read(json.as_bytes()).map_err(|fault| format!("settings: {fault}"))
}

/// A role's check of the settings.
#[doc(hidden)]
pub type Check<T> = fn(&T) -> Result<(), String>;

/// Reads settings and checks them for each role of the plugin.
///
/// # Errors
/// Says which field is wrong and why, in words for the operator.
#[doc(hidden)]
pub fn validate<T: DeserializeOwned>(json: &str, checks: &[Check<T>]) -> Result<(), String> {
    let settings = parse::<T>(json)?;
    checks.iter().try_for_each(|check| check(&settings)).map_err(|message| format!("settings: {message}"))
}

/// Returns the settings of the running plugin. If they are wrong, logs the error and ends the call with a trap.
///
/// The host then asks the next policy in the chain, so a mistake in the settings costs no process.
#[cfg(target_arch = "wasm32")]
pub(crate) fn of_this_plugin<T: DeserializeOwned>(check: impl FnOnce(&T) -> Result<(), String>) -> T {
    let json = crate::bindings::judge::provost::plugin::settings::json();
    let checked = parse::<T>(&json).and_then(|settings| match check(&settings) {
        Ok(()) => Ok(settings),
        Err(message) => Err(format!("settings: {message}")),
    });
    match checked {
        Ok(settings) => settings,
        Err(message) => {
            crate::log::error(&message);
            core::arch::wasm32::unreachable()
        }
    }
}

/// Declares the test that `settings.schema.json` beside `Cargo.toml` is the JSON Schema of the settings type. The crate needs
/// `provost-guest` with the feature `schema` and `schemars` as dev-dependencies; the module `schema` of this crate has an example.
///
/// `WRITE_SCHEMA=1 cargo test` writes the file.
#[macro_export]
macro_rules! settings_schema {
    ($settings:ty) => {
        #[cfg(test)]
        #[test]
        fn the_file_settings_schema_json_is_the_schema_of_the_settings() -> Result<(), String> {
            $crate::schema::compare::<$settings>(::std::path::Path::new(env!("CARGO_MANIFEST_DIR")))
        }
    };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Span;

    #[derive(Debug, serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Sample {
        first: Span,
        tries: Option<u32>,
    }

    fn error(json: &str) -> String {
        parse::<Sample>(json).expect_err("it should be refused")
    }

    #[test]
    fn good_settings_are_read() {
        let sample: Sample = parse(r#"{"first": "2s", "tries": 4}"#).expect("good settings");
        assert_eq!((sample.first.ms(), sample.tries), (2000, Some(4)));
    }

    #[test]
    fn a_wrong_field_is_named() {
        assert_eq!(
            error(r#"{"first": "soon"}"#),
            format!(r#"settings: first: "soon" is not a duration: {}"#, Span::HINT)
        );
        assert_eq!(
            error(r#"{"first": 1, "tries": "x"}"#),
            r#"settings: tries: invalid type: string "x", expected u32"#
        );
    }

    #[test]
    fn an_unknown_field_is_named_beside_the_known_ones() {
        assert_eq!(
            error(r#"{"frist": 1}"#),
            "settings: frist: unknown field `frist`, expected `first` or `tries`"
        );
    }

    #[test]
    fn a_missing_field_is_named() {
        assert_eq!(error("{}"), "settings: missing field `first`");
    }
}
