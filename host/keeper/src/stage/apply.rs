//! Takes the steps, in the order in which each still has the rights that it needs: first the cgroup, then what only a privileged
//! process may raise, then the user, and at last what gives up the rest. No step from the limits on allocates, because one of them may
//! be on memory.

use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{FileType, Mode, OFlags};
use rustix::io::Errno;
use rustix::process::{Gid, Rlimit, Uid, getrlimit, setrlimit};
use rustix::thread::{
    CapabilitySet, CapabilitySets as Sets, capabilities, capability_is_in_bounding_set,
    configure_capability_in_ambient_set, remove_capability_from_bounding_set, set_capabilities,
    set_keep_capabilities, set_no_new_privs, set_thread_groups, set_thread_res_gid, set_thread_res_uid,
};

use super::failure::{Step, StepFailure};
use super::limit::{Limit, Limited};
use super::steps::{CapabilitySets, Steps};

/// The major numbers of terminals of other programs (`/dev/pts`).
const PSEUDO_TERMINALS: std::ops::RangeInclusive<u32> = 136..=143;

/// The most supplementary groups that the kernel takes.
const GROUPS_MAX: usize = 65_536;

/// Takes all steps. `procs` is the `cgroup.procs` of the cgroup, if there is one.
pub(super) fn all(steps: &Steps, procs: Option<&OwnedFd>) -> Result<(), StepFailure> {
    let step = |step: Step, done: Result<(), Errno>| done.map_err(|error| StepFailure::of(step, error));
    // The first thing that only root may do, and what it is for.
    let of_groups = if steps.uid.is_some() { Step::User } else { Step::Groups };
    let groups = steps.groups.as_deref().map(group_ids).transpose();
    let groups = groups.map_err(|error| StepFailure::of(of_groups, error))?;
    if let Some(procs) = procs {
        step(Step::Cgroup, write_all(procs, b"0"))?;
    }
    if let Some(score) = steps.oom_score_adj {
        step(Step::OomScore, set_oom_score(score))?;
    }
    if let Some(nice) = steps.nice {
        step(Step::Nice, rustix::process::setpriority_process(None, nice))?;
    }
    if let Some(priority) = steps.io_priority {
        let done = provost_posix::set_io_priority(priority.number());
        step(Step::IoPriority, done.map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::INVAL)))?;
    }
    if let Some(mask) = steps.umask {
        rustix::process::umask(Mode::from_raw_mode(mask));
    }
    for (limited, limit) in &steps.limits {
        step(Step::Limit(*limited), set_limit(*limited, *limit))?;
    }
    if let Some(groups) = &groups {
        step(of_groups, set_thread_groups(groups))?;
    }
    if let Some(gid) = steps.gid {
        let gid = Gid::from_raw(gid);
        step(Step::Group, set_thread_res_gid(gid, gid, gid))?;
    }
    if let Some(sets) = &steps.capabilities {
        step(Step::Capabilities, drop_from_bounding(sets.bounding))?;
    }
    if let Some(uid) = steps.uid {
        let keeps = steps.capabilities.is_some_and(|sets| sets.ambient != 0);
        step(Step::User, set_user(Uid::from_raw(uid), keeps))?;
    }
    if let Some(sets) = steps.capabilities {
        step(Step::Capabilities, keep_only(sets))?;
    }
    if steps.no_new_privs {
        step(Step::NoNewPrivs, set_no_new_privs(true))?;
    }
    Ok(())
}

fn write_all(file: impl AsFd, bytes: &[u8]) -> Result<(), Errno> {
    match rustix::io::write(file, bytes)? {
        written if written == bytes.len() => Ok(()),
        _ => Err(Errno::IO),
    }
}

fn set_oom_score(score: i32) -> Result<(), Errno> {
    let flags = OFlags::WRONLY | OFlags::CLOEXEC;
    let file = rustix::fs::open(c"/proc/self/oom_score_adj", flags, Mode::empty())?;
    write_all(file, rustix::path::DecInt::new(score).as_bytes())
}

fn set_limit(limited: Limited, limit: Limit) -> Result<(), Errno> {
    let resource = limited.resource();
    let limit = match limit {
        Limit::Soft(current) => Rlimit { current, maximum: getrlimit(resource).maximum },
        Limit::Both(current, maximum) => Rlimit { current, maximum },
    };
    setrlimit(resource, limit)
}

/// Returns the groups as the kernel takes them.
fn group_ids(groups: &[u32]) -> Result<Vec<Gid>, Errno> {
    if groups.len() > GROUPS_MAX {
        return Err(Errno::INVAL);
    }
    let mut all = Vec::new();
    all.try_reserve_exact(groups.len()).map_err(|_| Errno::NOMEM)?;
    all.extend(groups.iter().map(|number| Gid::from_raw(*number)));
    Ok(all)
}

/// Becomes this user. The pipes and the terminal of the standard streams become the user's as well, so that the program can open
/// them again by their names (`/dev/stderr`). With `keeps`, the permitted capabilities stay for the moment.
fn set_user(uid: Uid, keeps: bool) -> Result<(), Errno> {
    for stream in [rustix::stdio::stdin(), rustix::stdio::stdout(), rustix::stdio::stderr()] {
        let Ok(stat) = rustix::fs::fstat(stream) else { continue };
        let is_own = match FileType::from_raw_mode(stat.st_mode) {
            FileType::Fifo => true,
            FileType::CharacterDevice => PSEUDO_TERMINALS.contains(&rustix::fs::major(stat.st_rdev)),
            _ => false,
        };
        if is_own {
            // Without it, only opening them again fails.
            let _ = rustix::fs::fchown(stream, Some(uid), None);
        }
    }
    if keeps {
        set_keep_capabilities(true)?;
    }
    set_thread_res_uid(uid, uid, uid)
}

/// Returns the capabilities of the kernel, one set each.
fn each() -> impl Iterator<Item = CapabilitySet> {
    (0..64).map(|number| CapabilitySet::from_bits_retain(1 << number))
}

/// Drops all capabilities that are not among these from the bounding set.
fn drop_from_bounding(bounding: u64) -> Result<(), Errno> {
    for one in each().filter(|one| one.bits() & bounding == 0) {
        match capability_is_in_bounding_set(one) {
            Ok(true) => remove_capability_from_bounding_set(one)?,
            Ok(false) => {}
            // The kernel does not know it, nor those after it.
            Err(_) => break,
        }
    }
    Ok(())
}

/// Keeps the ambient capabilities and no other. What the user root gets by an exec is bounded by the bounding set alone, so its
/// permitted set stays.
fn keep_only(CapabilitySets { ambient, .. }: CapabilitySets) -> Result<(), Errno> {
    let ambient = CapabilitySet::from_bits_retain(ambient);
    let sets = if rustix::process::geteuid().is_root() {
        Sets { inheritable: ambient, ..capabilities(None)? }
    } else {
        Sets { effective: ambient, permitted: ambient, inheritable: ambient }
    };
    set_capabilities(None, sets)?;
    for one in each().filter(|one| ambient.contains(*one)) {
        configure_capability_in_ambient_set(one, true)?;
    }
    Ok(())
}
