//! Where a host can make cgroups: the directory that the config names, or the cgroup that the host itself is in. And which
//! controllers there are, and how they are switched on for what lies below.

use std::collections::BTreeSet;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::Access;

use crate::setup::CgroupSpec;

/// Where the cgroups of a host are, as its config says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CgroupPlace {
    /// The cgroup in which they are made; the one that the host is in if none.
    pub root: Option<PathBuf>,
    /// What tells the cgroups of this host from those of others in the same cgroup.
    pub tag: u64,
}

/// The name of the cgroup of the host and the keeper, below that of the host's cgroups. No process has such a name.
const OF_HOST: &str = "@host";

/// A place that was found.
#[derive(Clone, Debug)]
pub(super) struct Found {
    /// The directory of the cgroups of this host.
    pub(super) dir: PathBuf,
    /// The directory above it.
    root: PathBuf,
    /// Whether that is the cgroup that the host is in, so that the host has to leave it before it can have controllers.
    is_own: bool,
}

/// The reason why something is not possible, in words for people.
type Why = Arc<str>;

impl CgroupPlace {
    /// Returns why no cgroup with these limits can be made, as far as that is seen without making one.
    pub(crate) fn obstacle(&self, spec: &CgroupSpec) -> Option<Why> {
        let found = match self.find() {
            Ok(found) => found,
            Err(why) => return Some(why),
        };
        if rustix::fs::access(&found.root, Access::WRITE_OK).is_err() {
            return Some(Arc::from(format!("the host may not make cgroups in {}", found.root.display())));
        }
        found.lacks(&controllers(spec))
    }

    /// Finds the place. It reads a few files of the kernel.
    pub(super) fn find(&self) -> Result<Found, Why> {
        let is_own = self.root.is_none();
        let root = match &self.root {
            Some(root) => root.clone(),
            None => outside(own()?, &self.dir_name()),
        };
        if !root.join("cgroup.controllers").is_file() {
            return Err(Arc::from(format!("{} is not a directory of cgroup v2", root.display())));
        }
        Ok(Found { dir: root.join(self.dir_name()), root, is_own })
    }

    /// Returns the name of the directory of the cgroups of this host.
    fn dir_name(&self) -> String {
        format!("provost-{:016x}", self.tag)
    }
}

/// Returns the controllers that limits need.
pub(super) fn controllers(spec: &CgroupSpec) -> BTreeSet<&'static str> {
    let needs = [
        ("cpu", spec.cpu_percent.is_some()),
        ("memory", spec.memory_bytes_max.is_some() || spec.memory_bytes_high.is_some()),
        ("pids", spec.pids_max.is_some()),
    ];
    needs.into_iter().filter(|(_, needed)| *needed).map(|(name, _)| name).collect()
}

/// Returns the directory of the cgroup that this process is in.
fn own() -> Result<PathBuf, Why> {
    let none = || Arc::from("this machine has no cgroup v2");
    let unreadable = |error: io::Error| Arc::from(format!("the cgroup of the host cannot be found: {error}"));
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").map_err(unreadable)?;
    let cgroups = std::fs::read_to_string("/proc/self/cgroup").map_err(unreadable)?;
    let path = cgroups.lines().find_map(|line| line.strip_prefix("0::")).ok_or_else(none)?;
    mounts.lines().find_map(|line| within(line, path)).ok_or_else(none)
}

/// Returns the directory that the host was in before it was moved into the cgroup of its own; the next host begins in that one.
fn outside(own: PathBuf, dir_name: &str) -> PathBuf {
    let outside = own.ends_with(Path::new(dir_name).join(OF_HOST)).then(|| own.ancestors().nth(2)).flatten();
    outside.map(Path::to_owned).unwrap_or(own)
}

/// Returns the directory of a cgroup, if this line of `mountinfo` is a mount of cgroup v2 that it lies in:
/// `ID PARENT DEVICE ROOT POINT OPTIONS … - TYPE …`.
fn within(line: &str, path: &str) -> Option<PathBuf> {
    let (mount, kind) = line.split_once(" - ")?;
    if !kind.starts_with("cgroup2 ") {
        return None;
    }
    let mut fields = mount.split(' ').skip(3);
    let (root, point) = (fields.next()?, fields.next()?);
    let below = Path::new(path).strip_prefix(root).ok()?;
    // The kernel writes a blank as an octal number.
    Some(Path::new(&point.replace("\\040", " ")).join(below))
}

impl Found {
    /// Makes the directory of the cgroups.
    pub(super) fn make_dir(&self) -> Result<(), Why> {
        match std::fs::create_dir(&self.dir) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                Err(Arc::from(format!("no cgroup can be made in {}: {error}", self.root.display())))
            }
            _ => Ok(()),
        }
    }

    /// Returns which controller is missing, if one is.
    fn lacks(&self, wanted: &BTreeSet<&'static str>) -> Option<Why> {
        let there = words(&self.root.join("cgroup.controllers"));
        let missing = wanted.iter().find(|wanted| !there.contains(**wanted))?;
        let there = if there.is_empty() { "none".to_owned() } else { Vec::from_iter(there).join(", ") };
        let root = self.root.display();
        Some(Arc::from(format!("the controller `{missing}` is not available in {root}, which has: {there}")))
    }

    /// Switches on these controllers for the cgroups of this host. `insiders` are the host and its keeper, which leave the
    /// cgroup that they are in if they are in the way: only cgroups without processes have controllers for those below.
    pub(super) fn control(&self, wanted: &BTreeSet<&'static str>, insiders: &[u32]) -> Result<(), Why> {
        if let Some(why) = self.lacks(wanted) {
            return Err(why);
        }
        for dir in [&self.root, &self.dir] {
            let control = dir.join("cgroup.subtree_control");
            let has = words(&control);
            let lacks: Vec<String> =
                wanted.iter().filter(|wanted| !has.contains(**wanted)).map(|one| format!("+{one}")).collect();
            if lacks.is_empty() {
                continue;
            }
            let lacks = lacks.join(" ");
            let refused = |why: &dyn fmt::Display| {
                Arc::from(format!("{lacks} cannot be switched on in {}: {why}", dir.display()))
            };
            if *dir == self.root && !self.vacate(insiders) {
                return Err(refused(
                    &"other processes are in it; name an empty cgroup by `cgroup` in [host]",
                ));
            }
            std::fs::write(&control, &lacks).map_err(|error| refused(&error))?;
        }
        Ok(())
    }

    /// Returns whether no process is in the cgroup that is to have controllers for those below; the insiders leave it if it is the
    /// host's own. The kernel itself refuses only some controllers while there are processes. With the others (`cpu`, `pids`) it
    /// makes the cgroup one of threads, below which there can be no processes and no other controllers.
    fn vacate(&self, insiders: &[u32]) -> bool {
        // Only the root of all cgroups has no type, and may have both.
        let is_occupied =
            || self.root.join("cgroup.type").exists() && !words(&self.root.join("cgroup.procs")).is_empty();
        if self.is_own && is_occupied() {
            self.move_aside(insiders);
            if self.root.extension().is_some_and(|kind| kind == "service") {
                tracing::warn!(
                    "the host has left its cgroup {}, so that processes can have limits below it: if the host and its keeper are \
                     killed at once, systemd cannot start them there; docs/deploy.md names a `cgroup` for [host]",
                    self.root.display()
                );
            }
        }
        !is_occupied()
    }

    /// Moves processes into a cgroup of their own below the one that is to have controllers.
    fn move_aside(&self, insiders: &[u32]) {
        let aside = self.dir.join(OF_HOST);
        // What fails here shows in the error of the controllers.
        let _ = std::fs::create_dir(&aside);
        for pid in insiders {
            let _ = std::fs::write(aside.join("cgroup.procs"), pid.to_string());
        }
    }
}

/// Reads a file of words; none if it cannot be read.
fn words(path: &Path) -> BTreeSet<String> {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    text.split_ascii_whitespace().map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_that_begins_in_the_cgroup_of_the_former_one_makes_its_own_beside_it() {
        let outside = |path: &str| outside(PathBuf::from(path), "provost-7");
        assert_eq!(outside("/c/unit/provost-7/@host"), Path::new("/c/unit"));
        assert_eq!(outside("/c/unit/provost-8/@host"), Path::new("/c/unit/provost-8/@host"));
        assert_eq!(outside("/c/unit"), Path::new("/c/unit"));
    }

    #[test]
    fn a_cgroup_in_which_other_processes_are_gets_no_controllers() {
        for is_own in [true, false] {
            let root = tempfile::tempdir().unwrap();
            let write = |name: &str, text: &str| std::fs::write(root.path().join(name), text).unwrap();
            write("cgroup.controllers", "cpu memory pids\n");
            write("cgroup.type", "domain\n");
            write("cgroup.procs", "4711\n");
            let found = Found { dir: root.path().join("provost-7"), root: root.path().to_owned(), is_own };
            found.make_dir().unwrap();
            let refused = found.control(&BTreeSet::from(["pids"]), &[815]).unwrap_err();
            assert!(refused.starts_with("+pids cannot be switched on in "), "{refused}");
            assert!(refused.contains(": other processes are in it; name an empty cgroup"), "{refused}");
            assert!(!root.path().join("cgroup.subtree_control").exists());
            let aside = std::fs::read_to_string(found.dir.join("@host/cgroup.procs"));
            assert_eq!(aside.ok().as_deref(), is_own.then_some("815"));
        }
    }

    #[test]
    fn the_directory_of_a_cgroup_lies_in_the_mount_that_shows_it() {
        let mount = "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:4 - cgroup2 cgroup2 rw,nsdelegate";
        let found = within(mount, "/system.slice/provost.service");
        assert_eq!(found.as_deref(), Some(Path::new("/sys/fs/cgroup/system.slice/provost.service")));
        assert_eq!(within(mount, "/").as_deref(), Some(Path::new("/sys/fs/cgroup/")));
        let part = "30 23 0:26 /a/b /my\\040cgroup rw - cgroup2 none rw";
        assert_eq!(within(part, "/a/b/c").as_deref(), Some(Path::new("/my cgroup/c")));
        assert_eq!(within(part, "/a"), None, "it is not in this mount");
        assert_eq!(within("24 23 0:5 / /proc rw - proc proc rw", "/"), None);
        assert_eq!(within("", "/"), None);
    }
}
