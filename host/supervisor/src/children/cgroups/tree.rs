//! The cgroups of a host: making one for a life, finding that of a life of a former host, and clearing what is left.

use std::collections::{BTreeSet, HashSet};
use std::io;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use parking_lot::Mutex;
use provost_state::Incarnation;

use super::cgroup::Cgroup;
use super::place::{CgroupPlace, Found, controllers};
use crate::setup::CgroupSpec;

/// The cgroups of a host. Clones are the same. Nothing is looked for before a spec asks for one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cgroups(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    place: CgroupPlace,
    found: OnceLock<Found>,
    /// The host and its keeper.
    insiders: Vec<u32>,
    /// The controllers that are switched on; held while more are.
    controlled: Mutex<BTreeSet<&'static str>>,
    /// Those that could not be removed yet.
    left: Mutex<Vec<PathBuf>>,
}

/// A cgroup that was made, and the file by which a process enters it.
#[derive(Debug)]
pub(crate) struct Made {
    pub(crate) cgroup: Arc<Cgroup>,
    pub(crate) procs: OwnedFd,
}

impl Cgroups {
    /// Returns those at this place; `keeper` is the process id of the keeper, if there is one.
    pub(crate) fn new(place: CgroupPlace, keeper: Option<u32>) -> Self {
        let insiders = keeper.into_iter().chain([std::process::id()]).collect();
        Self(Arc::new(Inner { place, insiders, ..Inner::default() }))
    }

    fn found(&self) -> Result<&Found, Arc<str>> {
        match self.0.found.get() {
            Some(found) => Ok(found),
            None => self.0.place.find().map(|found| self.0.found.get_or_init(|| found)),
        }
    }

    /// Makes the cgroup of a life. It waits for the kernel only.
    ///
    /// # Errors
    /// Why that is not possible, in words for people.
    pub(crate) fn make(
        &self,
        spec: &CgroupSpec,
        process: &str,
        incarnation: Incarnation,
    ) -> Result<Made, Arc<str>> {
        self.clear();
        let found = self.found()?;
        found.make_dir()?;
        self.control(found, spec)?;
        let path = found.dir.join(name(process, incarnation));
        let cgroup = Arc::new(Cgroup::at(path));
        if let Err(error) = std::fs::create_dir(cgroup.path()) {
            // One of a life that was never recorded.
            let is_old = error.kind() == io::ErrorKind::AlreadyExists && cgroup.remove();
            let again = if is_old { std::fs::create_dir(cgroup.path()) } else { Err(error) };
            again
                .map_err(|error| Arc::from(format!("{} cannot be made: {error}", cgroup.path().display())))?;
        }
        let procs = cgroup.limit(spec).and_then(|()| {
            cgroup.open().map_err(|error| Arc::from(format!("its cgroup cannot be opened: {error}")))
        });
        match procs {
            Ok(procs) => Ok(Made { cgroup, procs }),
            Err(why) => {
                self.end(&cgroup);
                Err(why)
            }
        }
    }

    /// Switches on the controllers that a spec needs.
    fn control(&self, found: &Found, spec: &CgroupSpec) -> Result<(), Arc<str>> {
        let mut controlled = self.0.controlled.lock();
        let needs = controllers(spec);
        if !needs.is_subset(&controlled) {
            found.control(&needs, &self.0.insiders)?;
            controlled.extend(needs);
        }
        Ok(())
    }

    /// Returns the cgroup of a life of a former host, if it has one.
    pub(crate) fn find(&self, process: &str, incarnation: Incarnation) -> Option<Arc<Cgroup>> {
        // It was looked for when the cgroups of former hosts were cleared.
        let path = self.0.found.get()?.dir.join(name(process, incarnation));
        path.is_dir().then(|| Arc::new(Cgroup::at(path)))
    }

    /// Removes a cgroup whose life is over. One that has a process left is removed when that has ended.
    pub(crate) fn end(&self, cgroup: &Cgroup) {
        if !cgroup.remove() {
            self.0.left.lock().push(cgroup.path().to_owned());
        }
        self.clear();
    }

    /// Removes those that could not be removed before.
    fn clear(&self) {
        self.0.left.lock().retain(|path| !Cgroup::at(path.clone()).remove());
    }

    /// Ends what is left in cgroups of a former host that belong to none of these lives, unless it is to be left alone, and
    /// removes them.
    pub(crate) fn sweep(
        &self,
        lives: &HashSet<(Arc<str>, Incarnation)>,
        is_left_alone: impl Fn(&str) -> bool,
    ) {
        let Ok(found) = self.found() else { return };
        let Ok(entries) = std::fs::read_dir(&found.dir) else { return };
        for entry in entries.flatten() {
            let file = entry.file_name();
            let Some((process, incarnation)) = file.to_str().and_then(life_of) else { continue };
            if lives.contains(&(Arc::from(process), incarnation)) {
                continue;
            }
            let cgroup = Cgroup::at(entry.path());
            if cgroup.is_populated().unwrap_or(false) && !is_left_alone(process) {
                tracing::warn!(process, "ends what a life of a former host has left in its cgroup");
                cgroup.kill();
            }
            self.end(&cgroup);
        }
    }

    /// Removes what can be removed at the end of the host.
    pub(crate) fn close(&self) {
        self.clear();
        if let Some(found) = self.0.found.get() {
            // One with a cgroup in it stays.
            let _ = std::fs::remove_dir(&found.dir);
        }
    }
}

/// Returns the name of the cgroup of a life.
fn name(process: &str, incarnation: Incarnation) -> String {
    format!("{process}@{incarnation}", incarnation = incarnation.0)
}

/// Returns the life whose cgroup has this name.
fn life_of(name: &str) -> Option<(&str, Incarnation)> {
    let (process, incarnation) = name.split_once('@').filter(|(process, _)| !process.is_empty())?;
    Some((process, Incarnation(incarnation.parse().ok()?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A made-up tree of files with these controllers.
    fn tree(controllers: &str) -> (tempfile::TempDir, Cgroups) {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("cgroup.controllers"), controllers).unwrap();
        let place = CgroupPlace { root: Some(dir.path().to_owned()), tag: 7 };
        (dir, Cgroups::new(place, None))
    }

    #[test]
    fn a_cgroup_is_made_with_its_limits_and_its_controllers_are_switched_on() {
        let (dir, cgroups) = tree("cpu memory pids\n");
        let spec = CgroupSpec { pids_max: Some(9), cpu_percent: Some(50), ..CgroupSpec::default() };
        let made = cgroups.make(&spec, "web.1", Incarnation(3)).unwrap();
        let own = dir.path().join("provost-0000000000000007");
        assert_eq!(made.cgroup.path(), own.join("web.1@3"));
        for above in [dir.path(), &own] {
            let control = std::fs::read_to_string(above.join("cgroup.subtree_control")).unwrap();
            assert_eq!(control, "+cpu +pids");
        }
        assert_eq!(std::fs::read_to_string(made.cgroup.path().join("pids.max")).unwrap(), "9");
        assert!(cgroups.find("web.1", Incarnation(3)).is_some());
        assert!(cgroups.find("web.1", Incarnation(4)).is_none());
    }

    #[test]
    fn what_the_place_lacks_is_said() {
        let (_dir, cgroups) = tree("cpu pids");
        let spec = CgroupSpec { memory_bytes_max: Some(1), ..CgroupSpec::default() };
        let why = cgroups.make(&spec, "web", Incarnation(1)).unwrap_err();
        assert!(why.contains("the controller `memory` is not available in "), "{why}");
        assert!(why.ends_with("which has: cpu, pids"), "{why}");
        let place = CgroupPlace { root: Some("/nonexistent".into()), tag: 7 };
        let why = Cgroups::new(place, None).make(&spec, "web", Incarnation(1)).unwrap_err();
        assert_eq!(&*why, "/nonexistent is not a directory of cgroup v2");
    }

    #[test]
    fn a_life_that_nobody_goes_on_with_loses_its_cgroup_at_the_next_host() {
        let (dir, cgroups) = tree("");
        let own = dir.path().join("provost-0000000000000007");
        for name in ["web@1", "web@2", "db@1", "@host", "else"] {
            std::fs::create_dir_all(own.join(name)).unwrap();
        }
        cgroups.sweep(&HashSet::from([(Arc::from("web"), Incarnation(2))]), |_| false);
        let there = |name: &str| own.join(name).exists();
        assert!(there("web@2") && there("@host") && there("else"));
        assert!(!there("web@1") && !there("db@1"));
    }

    #[test]
    fn a_cgroup_that_is_not_empty_is_removed_later() {
        let (_dir, cgroups) = tree("");
        let made = cgroups.make(&CgroupSpec::default(), "web", Incarnation(1)).unwrap();
        let path = made.cgroup.path().to_owned();
        cgroups.end(&made.cgroup);
        // `cgroup.procs` is a real file here.
        assert!(path.exists());
        std::fs::remove_file(path.join("cgroup.procs")).unwrap();
        cgroups.close();
        assert!(!path.exists() && !path.parent().unwrap().exists());
    }
}
