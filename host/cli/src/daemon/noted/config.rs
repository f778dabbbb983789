//! The config in force: its path, which a reload may have changed, and its text, in case that the file cannot be used when the
//! next host starts.

use std::path::{Path, PathBuf};

use provost_supervisor::Stash;
use serde::{Deserialize, Serialize};

use crate::config::{Config, SourceFile, absolute};
use crate::failure::Failure;

/// The config that a host had in force.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::daemon) struct NotedConfig {
    /// The path that the host was started with. A host that is started with another one begins with that.
    started_with: PathBuf,
    path: PathBuf,
    text: String,
    /// The user who owns the file, if it was read from one.
    owner: Option<u32>,
}

impl NotedConfig {
    /// The key of the note.
    pub(super) const KEY: &str = "config";

    pub(super) fn read(note: &[u8]) -> Option<Self> {
        let read = serde_json::from_slice(note);
        read.inspect_err(|error| tracing::warn!("the config of the former host cannot be read: {error}")).ok()
    }

    /// Returns what is written down of a config in a host that was started with the one at this path.
    pub(in crate::daemon) fn of(config: &Config, started_with: &Path) -> Self {
        let SourceFile { text, .. } = config.source();
        Self {
            started_with: absolute(started_with),
            path: config.absolute_path(),
            text: text.clone(),
            owner: config.owner(),
        }
    }

    /// Writes down that this config is in force now.
    pub(in crate::daemon) fn write(&self, stash: &Stash) {
        match serde_json::to_vec(self) {
            Ok(bytes) => stash.note(&Self::KEY.into(), &bytes),
            // A path that is not UTF-8: the next host reads the file that it is started with.
            Err(error) => tracing::warn!("the config cannot be written down for another host: {error}"),
        }
    }

    /// Reads the config of a host that goes on after one with this config, and was started with the file at `path`. A file
    /// that cannot be used does not keep the host from going on: it has the config that was in force, until a reload.
    pub(in crate::daemon) fn load(former: Option<Self>, path: &Path) -> Result<Config, Failure> {
        let own = absolute(path);
        let former = former.filter(|former| former.started_with == own);
        let Some(Self { started_with: _, path: former, text, owner }) = former else {
            return Ok(Config::load(path)?);
        };
        // Messages name the file as the host was started with it.
        let path = if former == own { path.to_owned() } else { former };
        let error = match Config::load(&path) {
            Ok(config) => return Ok(config),
            Err(error) => error,
        };
        match Config::parse_owned(SourceFile { path, text }, owner) {
            Ok(config) => {
                tracing::error!(
                    "the config cannot be used, and the host goes on with the one that was in force: {error}"
                );
                Ok(config)
            }
            // The text was in force, so that only another program refuses it.
            Err(_) => Err(error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use provost_files::Owners;

    use super::*;

    #[test]
    fn the_owner_of_the_config_is_known_to_each_host_that_cannot_use_the_file() {
        let path = Path::new("/nonexistent/provost.toml");
        let text = "[process.web]\ncommand = 'exec sleep 1000'\n".to_owned();
        let owner = Some(1234);
        let mut noted = NotedConfig { started_with: path.into(), path: path.into(), text, owner };
        for _ in 0..3 {
            let config = NotedConfig::load(Some(noted), path).unwrap();
            assert_eq!(config.owner(), owner);
            assert_eq!(config.owners(), Owners::and(1234));
            noted = NotedConfig::of(&config, path);
        }
    }
}
