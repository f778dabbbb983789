//! `schema`: prints the JSON Schema of a config, with the settings of the plugins that a config names.

use std::io::{self, Write};
use std::path::Path;

use provost_plugin_host::SettingsSchema;

use super::printing::{pretty, print};
use crate::config::Config;
use crate::failure::Failure;
use crate::fetching::{Fetcher, Reach};
use crate::schema;

pub(super) fn schema(config: Option<&Path>) -> Result<(), Failure> {
    let mut settings = Vec::new();
    if let Some(path) = config {
        // A config with problems is what an editor helps to correct.
        let (config, _) = Config::look_at(path)?;
        let fetched = Fetcher::reading(config.store(), Reach::Cache);
        for plugin in config.plugins() {
            let bytes = plugin.source.read(&*fetched).map_err(|error| error.to_string());
            let read = bytes
                .and_then(|bytes| SettingsSchema::of_component(&bytes).map_err(|error| error.to_string()));
            match read {
                Ok(Some(schema)) => settings.push((plugin.name.clone(), schema)),
                Ok(None) => note(&plugin.name, "its component does not describe them"),
                Err(error) => note(&plugin.name, &error),
            }
        }
    }
    print(pretty(&schema::of_config(&settings).map_err(io::Error::from)?)?)
}

/// Says on standard error why the settings of a plugin may be anything.
fn note(plugin: &str, why: &str) {
    // The schema is printed whether or not this can be.
    let _ = writeln!(io::stderr().lock(), "note: any settings of the plugin `{plugin}` are accepted: {why}");
}
