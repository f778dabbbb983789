//! Where things are: the config, the directory of the running host, the cache.

use std::path::{Path, PathBuf};

/// The name of a config that nobody named.
pub const CONFIG_NAME: &str = "provost.toml";

/// The name of the control socket in the runtime directory.
pub const SOCKET_NAME: &str = "provost.sock";

/// The runtime directory beside the config, unless it says otherwise.
const RUNTIME_DIR: &str = ".provost";

/// Where the output of processes is kept in the runtime directory, unless the config says otherwise.
const LOG_DIR: &str = "logs";

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

/// The runtime directory of a config in `dir`, which says that it is `said`.
pub(super) fn runtime_dir(dir: &Path, said: Option<&str>) -> PathBuf {
    dir.join(said.unwrap_or(RUNTIME_DIR))
}

/// Where the output of processes is kept by the host of a config in `dir`, which says that it is `said`.
pub(super) fn log_dir(dir: &Path, runtime_dir: &Path, said: Option<&str>) -> PathBuf {
    said.map_or_else(|| runtime_dir.join(LOG_DIR), |said| dir.join(said))
}

/// Where compiled components are kept unless the config says otherwise.
pub(super) fn cache_dir() -> PathBuf {
    let named = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from).filter(|dir| dir.is_absolute());
    let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache"));
    named.or_else(home).unwrap_or_else(std::env::temp_dir).join("provost")
}
