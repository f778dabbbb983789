//! Locates the config, the runtime directory, the logs and the cache.

use std::path::{Path, PathBuf};

use provost_files::Owners;
use provost_plugin_host::CacheBounds;
use provost_registry::Store;

use crate::fetching::store;

/// The name of the config when none is given.
pub const CONFIG_NAME: &str = "provost.toml";

/// The name of the control socket in the runtime directory.
pub const SOCKET_NAME: &str = "provost.sock";

/// The name of the socket of the keeper in the runtime directory.
pub(crate) const KEEPER_SOCKET_NAME: &str = "keeper.sock";

/// The runtime directory beside the config, unless it says otherwise.
const RUNTIME_DIR: &str = ".provost";

/// The log directory within the runtime directory, unless the config says otherwise.
const LOG_DIR: &str = "logs";

/// The directory of tokens within the runtime directory, unless the config says otherwise.
const TOKENS_DIR: &str = "tokens";

/// The directory of the journal in the runtime directory.
const JOURNAL_DIR: &str = "journal";

/// Whether processes are held by a keeper, unless the config says otherwise.
pub(super) const KEEPER_DEFAULT: bool = true;

/// The error that there is no config in a directory or any above it.
#[derive(Debug, thiserror::Error)]
#[error(
    "error: there is no {CONFIG_NAME} in {} or above it\nhint: name one with `-c FILE`, or a running host with `--socket PATH`",
    from.display()
)]
pub struct NotFound {
    /// The directory where the search began.
    pub from: PathBuf,
}

/// Returns the config in `from` or the nearest directory above it.
///
/// # Errors
/// [`NotFound`] if there is none.
pub fn find_nearest(from: &Path) -> Result<PathBuf, NotFound> {
    from.ancestors()
        .map(|dir| dir.join(CONFIG_NAME))
        .find(|config| config.is_file())
        .ok_or_else(|| NotFound { from: from.to_owned() })
}

/// Returns the absolute path of the config at `path`; `path` itself if the working directory is gone.
pub(crate) fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

/// Returns the absolute path of the directory that relative paths in the config at `path` start from.
pub(super) fn dir_of(path: &Path) -> PathBuf {
    absolute(path).parent().map(Path::to_owned).unwrap_or_default()
}

/// Returns the runtime directory for a config in `dir`, where `configured` is the path that the config gives.
pub(super) fn runtime_dir(dir: &Path, configured: Option<&str>) -> PathBuf {
    dir.join(configured.unwrap_or(RUNTIME_DIR))
}

/// Returns a number that tells the host with this runtime directory from all others of the machine.
pub(super) fn tag_of(runtime_dir: &Path) -> u64 {
    provost_state::hash::fnv(
        provost_state::hash::EMPTY,
        runtime_dir.as_os_str().as_encoded_bytes().iter().copied(),
    )
}

/// Returns the log directory for a config in `dir`, where `configured` is the path that the config gives.
pub(super) fn log_dir(dir: &Path, runtime_dir: &Path, configured: Option<&str>) -> PathBuf {
    configured.map_or_else(|| runtime_dir.join(LOG_DIR), |path| dir.join(path))
}

/// Returns the directory of the tokens of the API, where `configured` is the path that the config gives.
pub(super) fn tokens_dir(dir: &Path, runtime_dir: &Path, configured: Option<&str>) -> PathBuf {
    configured.map_or_else(|| runtime_dir.join(TOKENS_DIR), |path| dir.join(path))
}

/// Returns the directory of the journal.
pub(super) fn journal_dir(runtime_dir: &Path) -> PathBuf {
    runtime_dir.join(JOURNAL_DIR)
}

/// Returns where components that were fetched are kept unless the config says otherwise.
pub(crate) fn usual_store() -> Store {
    store(&cache_dir(), Owners::default(), CacheBounds::default())
}

/// Returns where compiled components are kept unless the config says otherwise.
pub(crate) fn cache_dir() -> PathBuf {
    let named = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from).filter(|dir| dir.is_absolute());
    let home = || std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".cache"));
    named.or_else(home).unwrap_or_else(std::env::temp_dir).join("provost")
}
