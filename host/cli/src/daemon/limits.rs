//! The limits of the system on the host: a host with many processes needs more open files than the usual 1024, and warns when
//! it cannot have them.

use std::path::Path;

use provost_control::CONNECTIONS_MAX;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// The descriptors of a running process: two pipes, a pidfd, a log file, a check.
const FILES_PER_PROCESS: u64 = 5;

/// The further descriptors that are requested for each process, for restarts and for pipes of earlier incarnations.
const FILES_TO_SPARE_PER_PROCESS: u64 = 3;

/// The descriptors reserved for the host itself: its own files, eight children that are being started, logs that are read.
const FILES_OF_HOST: u64 = 64;

/// The threads of an idle host.
const THREADS_OF_HOST: u64 = 24;

/// The descriptors that are requested for clients.
const FILES_OF_CLIENTS: u64 = 448;

/// Raises the soft limit on open files as far as `processes` need it, and warns for each limit under which they do not all fit.
/// Returns the original limit, which is restored in children, if it was raised.
pub(crate) fn make_room(processes: usize) -> Option<u64> {
    let processes = u64::try_from(processes).unwrap_or(u64::MAX / 16);
    let (files, original) = raise_open_files(processes);
    // Root is exempt from this limit.
    let user = getrlimit(Resource::Nproc).current.filter(|_| !rustix::process::geteuid().is_root());
    let threads = |limit: u64| limit.saturating_sub(THREADS_OF_HOST);
    let limits = [
        (Some(files), fitting as fn(u64) -> u64, "open files", "`ulimit -n`, `LimitNOFILE=`"),
        (user, threads, "processes and threads of the user", "`ulimit -u`, `LimitNPROC=`"),
        (pids_of_cgroup(), threads, "processes and threads of the control group", "`pids.max`, `TasksMax=`"),
    ];
    for (limit, fitting, of_what, how) in limits {
        let Some(limit) = limit else { continue };
        let fitting = fitting(limit);
        if fitting < processes {
            tracing::warn!(
                "at most {fitting} of {processes} processes fit the limit of {limit} {of_what}; those beyond it may not be \
                 started: raise the limit ({how})"
            );
        }
    }
    original
}

/// Raises the limit on open files as far as `processes` need it. Returns the new limit, and the original one if it was raised.
fn raise_open_files(processes: u64) -> (u64, Option<u64>) {
    let wanted =
        FILES_OF_HOST + FILES_OF_CLIENTS + (FILES_PER_PROCESS + FILES_TO_SPARE_PER_PROCESS) * processes;
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let original = current.unwrap_or(u64::MAX);
    let possible = original.max(maximum.map_or(wanted, |hard| wanted.min(hard)));
    let mut raised = false;
    // Raised only where it is needed, because then each child costs one more exec, which restores the limit.
    if possible > original && fitting(original) < processes {
        match setrlimit(Resource::Nofile, Rlimit { current: Some(possible), maximum }) {
            Ok(()) => raised = true,
            Err(error) => tracing::warn!("cannot raise the limit on open files: {error}"),
        }
    }
    if raised { (possible, Some(original)) } else { (original, None) }
}

/// Returns the limit of the host's control group (version 2), if there is one.
fn pids_of_cgroup() -> Option<u64> {
    let groups = std::fs::read_to_string("/proc/self/cgroup").ok()?;
    let path = groups.lines().find_map(|line| line.strip_prefix("0::/"))?;
    let limit = std::fs::read_to_string(Path::new("/sys/fs/cgroup").join(path).join("pids.max")).ok()?;
    limit.trim().parse().ok()
}

/// Returns how many connections are served at once; their descriptors are not available for processes.
fn connections_max(limit: u64) -> u64 {
    (CONNECTIONS_MAX as u64).min(limit / 4).max(1)
}

/// Returns how many connections are served at once under the current limit.
pub(crate) fn connections() -> usize {
    let limit = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    usize::try_from(connections_max(limit)).unwrap_or(1)
}

/// Returns how many processes can run at once under a limit on open files.
fn fitting(limit: u64) -> u64 {
    let reserved = FILES_OF_HOST.min(limit / 4) + FILES_OF_CLIENTS.min(connections_max(limit));
    limit.saturating_sub(reserved) / FILES_PER_PROCESS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn descriptors_reserved_for_the_host_and_its_clients_are_not_available_for_processes() {
        assert_eq!([64, 256, 1_024, 4_096].map(connections_max), [16, 64, 256, 1_024]);
        assert_eq!([0, 64, 256, 1_024, 4_096].map(fitting), [0, 6, 25, 140, 716]);
        let wanted = FILES_OF_HOST + FILES_OF_CLIENTS + 8 * 1_000;
        assert!(fitting(wanted) >= 1_000, "the requested limit is enough");
    }
}
