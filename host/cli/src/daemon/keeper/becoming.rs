//! Whether the host has a keeper, and how the process of `provost up` becomes it.

use std::ffi::OsString;
use std::fmt;
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use provost_files::Owners;

use super::program::{self, NotExecuted};
use crate::config::Outline;

/// Why the host has no keeper.
#[derive(Debug)]
pub(crate) enum Without {
    /// The config says `keeper = false`.
    Configured,
    /// The config is not a file that can be read again by the next host.
    Unrepeatable,
    /// Its program cannot be executed here.
    NotExecuted(NotExecuted),
}

impl fmt::Display for Without {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Configured => f.write_str("`keeper = false` in [host]"),
            Self::Unrepeatable => f.write_str("the config is not a regular file, which another host could read again"),
            Self::NotExecuted(error) => write!(f, "its program cannot be executed: {error}"),
        }
    }
}

/// Replaces this process by the keeper of a host with the same command line. Returns only if there is to be none, or cannot
/// be one.
pub(crate) fn become_keeper(config: &Path, is_background: bool) -> Without {
    let Some(metadata) = std::fs::metadata(config).ok().filter(Metadata::is_file) else {
        return Without::Unrepeatable;
    };
    let outline = Outline::of(config);
    if !outline.keeper {
        return Without::Configured;
    }
    let owners = Owners::and(metadata.uid());
    Without::NotExecuted(program::execute(&arguments(is_background), &outline.runtime_dir, owners))
}

/// Returns the arguments of the keeper: the host is this program with the arguments of this process.
fn arguments(is_background: bool) -> Vec<OsString> {
    let own = std::env::current_exe().map_or_else(|_| "/proc/self/exe".into(), PathBuf::into_os_string);
    let detached = is_background.then(|| OsString::from("--detached"));
    detached.into_iter().chain([OsString::from("--"), own]).chain(std::env::args_os()).collect()
}
