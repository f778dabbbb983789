//! Whether the host has a keeper, and how the process of `provost up` becomes it.

use std::ffi::OsString;
use std::fmt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use provost_api::client::SOCKET_PATH_BYTES_MAX;
use provost_files::Owners;
use provost_supervisor::{Holding, RunningKeeper};
use rustix::fs::{Access, access};

use super::program::{self, NotExecuted};
use crate::config::{KEEPER_SOCKET_NAME, Outline};
use crate::daemon::claim::holder;
use crate::daemon::errors::already_running;
use crate::failure::Failure;

/// Why the host has no keeper.
#[derive(Debug)]
pub(crate) enum Without {
    /// The config says `keeper = false`, or there is none, which the host reports.
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
            Self::Unrepeatable => {
                f.write_str("the config is not a regular file, which another host could read again")
            }
            Self::NotExecuted(error) => write!(f, "its program cannot be executed: {error}"),
        }
    }
}

/// Replaces this process by the keeper of a host with the same command line. Returns only if there is to be none, or cannot
/// be one.
///
/// # Errors
/// A keeper runs here already. It has the processes, which another one would start once more.
pub(crate) fn become_keeper(config: &Path, is_background: bool) -> Result<Without, Failure> {
    let metadata = match std::fs::metadata(config) {
        Ok(metadata) if metadata.is_file() => metadata,
        Ok(_) => return Ok(Without::Unrepeatable),
        Err(_) => return Ok(Without::Configured),
    };
    let outline = Outline::of(config);
    let socket = outline.keeper_socket();
    if let Some(keeper) = RunningKeeper::at(&socket) {
        return Err(refusal(keeper, &socket, &outline, config));
    }
    if !outline.keeper {
        return Ok(Without::Configured);
    }
    let owners = Owners::and(metadata.uid());
    let arguments = arguments(place(&socket, &outline.runtime_dir, owners), is_background);
    Ok(Without::NotExecuted(program::execute(&arguments, &outline.runtime_dir, owners)))
}

/// Returns the keeper beside the socket of a host, if one answers there.
pub(crate) fn keeper_of(socket: &Path) -> Option<RunningKeeper> {
    RunningKeeper::at(&socket.with_file_name(KEEPER_SOCKET_NAME))
}

/// Returns what the keeper beside the socket of a host holds; nothing if none answers there.
pub(crate) fn held_beside(socket: &Path) -> Vec<Holding> {
    RunningKeeper::holdings(&socket.with_file_name(KEEPER_SOCKET_NAME))
}

/// Says that a keeper runs here. One that has no host any more is asked for another one.
fn refusal(keeper: RunningKeeper, socket: &Path, outline: &Outline, config: &Path) -> Failure {
    let RunningKeeper { pid, held, is_alone } = keeper;
    if is_alone && RunningKeeper::ask_for_host(socket) {
        let what = format!(
            "a keeper is running here already: pid {pid}. Its host had ended too often; it starts one again, which takes over the \
             {held} processes that are there"
        );
        return Failure::failed(what, "`provost status` shows them, and the log of the host why it ended");
    }
    // Between two hosts, nobody holds the directory.
    let host = holder(&outline.runtime_dir).unwrap_or_else(|| pid.to_string());
    already_running(&host, &outline.socket(), config)
}

/// Returns where the keeper listens, if it can listen there.
pub(super) fn place(socket: &Path, runtime_dir: &Path, owners: Owners) -> Option<OsString> {
    let fits = provost_files::own_dir_in_safe_place(runtime_dir, owners);
    let is_writable = access(runtime_dir, Access::WRITE_OK | Access::EXEC_OK).is_ok();
    // What is wrong with the directory is reported by the host.
    (fits.is_ok() && is_writable && socket.as_os_str().len() <= SOCKET_PATH_BYTES_MAX).then(|| socket.into())
}

/// Returns the arguments of the keeper: the host is this program with the arguments of this process.
fn arguments(socket: Option<OsString>, is_background: bool) -> Vec<OsString> {
    let own = std::env::current_exe().map_or_else(|_| "/proc/self/exe".into(), PathBuf::into_os_string);
    let socket = socket.into_iter().flat_map(|path| ["--socket".into(), path]);
    let detached = is_background.then(|| "--detached".into());
    socket.chain(detached).chain(["--".into(), own]).chain(std::env::args_os()).collect()
}
