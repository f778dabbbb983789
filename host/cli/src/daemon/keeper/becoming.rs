//! Whether the host has a keeper, and how the process of `provost up` becomes it.

use std::ffi::OsString;
use std::fmt;
use std::path::Path;

use provost_files::Owners;

use super::program::{self, NotExecuted};
use crate::args::UpArgs;
use crate::config::Outline;

/// The option that marks the host of a keeper.
const KEPT: &str = "--kept";

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

/// Replaces this process by the keeper of the host that the command line asks for. Returns only if there is to be none, or
/// cannot be one.
pub(crate) fn become_keeper(args: &UpArgs, config: &Path) -> Without {
    if !config.is_file() {
        return Without::Unrepeatable;
    }
    let outline = Outline::of(config);
    if !outline.keeper {
        return Without::Configured;
    }
    let owners = std::fs::metadata(config).map_or_else(|_| Owners::default(), |config| {
        use std::os::unix::fs::MetadataExt;
        Owners::and(config.uid())
    });
    Without::NotExecuted(program::execute(&arguments(args), &outline.runtime_dir, owners))
}

/// Returns the arguments of the keeper: how it starts the host, which is this binary with these arguments and one more.
fn arguments(args: &UpArgs) -> Vec<OsString> {
    let _ = args;
    let mut host: Vec<OsString> = std::env::args_os().collect();
    // Nothing after this is an option.
    let end = host.iter().position(|argument| argument == "--").unwrap_or(host.len());
    host.insert(end, KEPT.into());
    host
}
