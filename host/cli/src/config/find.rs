//! Where things are: the config, the directory of the running host, the cache.

use std::path::{Path, PathBuf};

use toml::de::DeTable;

use super::read::text;

/// The name of a config that nobody named.
pub const CONFIG_NAME: &str = "provost.toml";

/// The name of the control socket in the runtime directory.
pub const SOCKET_NAME: &str = "provost.sock";

/// The runtime directory beside the config, unless it says otherwise.
pub(super) const RUNTIME_DIR: &str = ".provost";

/// Where the output of processes is kept in the runtime directory, unless the config says otherwise.
pub(super) const LOG_DIR: &str = "logs";

/// There is no config in a directory or any above it.
#[derive(Debug, thiserror::Error)]
#[error(
    "error: there is no {CONFIG_NAME} in {} or above it\nhint: name one with `-c FILE`, or a running host with `--socket PATH`",
    from.display()
)]
pub struct NotFound {
    /// Where the search began.
    pub from: PathBuf,
}

/// The config in `from` or the nearest directory above it.
///
/// # Errors
/// [`NotFound`] if there is none.
pub fn find_nearest(from: &Path) -> Result<PathBuf, NotFound> {
    from.ancestors()
        .map(|dir| dir.join(CONFIG_NAME))
        .find(|config| config.is_file())
        .ok_or_else(|| NotFound { from: from.to_owned() })
}

/// The directory that relative paths in the config at `path` start from, as a whole path.
pub(super) fn dir_of(path: &Path) -> PathBuf {
    let whole = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    whole.parent().map(Path::to_owned).unwrap_or_default()
}

/// The runtime directory of the host that was started with the config at `path`. Works with a config that
/// has become wrong since, so that a running host can always be asked and stopped.
#[must_use]
pub fn runtime_dir_of(path: &Path) -> PathBuf {
    dir_of(path).join(host_setting(path, "runtime_dir").as_deref().unwrap_or(RUNTIME_DIR))
}

/// Where the output of processes is kept by the host of the config at `path`, which may have become wrong since.
#[must_use]
pub fn log_dir_of(path: &Path) -> PathBuf {
    match host_setting(path, "log_dir") {
        Some(named) => dir_of(path).join(named),
        None => runtime_dir_of(path).join(LOG_DIR),
    }
}

fn host_setting(path: &Path, key: &str) -> Option<String> {
    let text = text(path);
    let (document, _) = DeTable::parse_recoverable(&text);
    let host = document.get_ref().get("host")?;
    Some(host.get_ref().as_table()?.get(key)?.get_ref().as_str()?.to_owned())
}

/// The names of the processes of the config at `path` that belong to a group.
#[must_use]
pub fn group_of(path: &Path, group: &str) -> Vec<String> {
    let text = text(path);
    let (document, _) = DeTable::parse_recoverable(&text);
    let processes = document.get_ref().get("process").and_then(|processes| processes.get_ref().as_table());
    let is_member = |process: &toml::de::DeValue<'_>| {
        process.as_table().and_then(|process| process.get("group")?.get_ref().as_str()) == Some(group)
    };
    let members = processes.into_iter().flatten().filter(|(_, process)| is_member(process.get_ref()));
    members.map(|(name, _)| name.get_ref().to_string()).collect()
}

/// Where compiled components are kept unless the config says otherwise.
pub(super) fn cache_dir() -> PathBuf {
    let named = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from).filter(|dir| dir.is_absolute());
    let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache"));
    named.or_else(home).unwrap_or_else(std::env::temp_dir).join("provost")
}
