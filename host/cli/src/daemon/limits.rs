//! The limit on open files: a host with many processes needs more than the usual 1024.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// What a process takes: two pipes, a pidfd, a log file, a probe.
const FILES_PER_PROCESS: u64 = 8;

/// What the host itself takes, with its clients.
const FILES_OF_HOST: u64 = 512;

/// Raises the soft limit as far as `processes` need it. Children inherit it, so it is left alone if it will do.
pub(crate) fn raise_open_files(processes: usize) {
    let wanted = FILES_OF_HOST + FILES_PER_PROCESS * u64::try_from(processes).unwrap_or(u64::MAX / 16);
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current.is_none_or(|soft| soft >= wanted) {
        return;
    }
    let possible = maximum.map_or(wanted, |hard| wanted.min(hard));
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: Some(possible), maximum }) {
        tracing::warn!(%error, "cannot raise the limit on open files");
    } else if possible < wanted {
        tracing::warn!(wanted, possible, "the hard limit on open files is low: raise it (ulimit -Hn)");
    }
}
