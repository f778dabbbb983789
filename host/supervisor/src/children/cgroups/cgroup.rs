//! The cgroup of one life: its limits, who is in it, whether it ran out of memory, its end.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use provost_state::Signal;

use crate::children::family::is_gone;
use crate::setup::CgroupSpec;

/// The period of the limit on processor time, in microseconds: the default of the kernel.
const PERIOD_US: u64 = 100_000;

/// The depth to which cgroups below it are looked at; the program may have made some.
const DEPTH_MAX: usize = 32;

/// The cgroup of one life.
#[derive(Debug)]
pub(crate) struct Cgroup {
    path: PathBuf,
}

impl Cgroup {
    pub(super) fn at(path: PathBuf) -> Self {
        Self { path }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Writes its limits.
    pub(super) fn limit(&self, spec: &CgroupSpec) -> Result<(), Arc<str>> {
        let CgroupSpec { cpu_percent, memory_bytes_max, memory_bytes_high, pids_max, is_optional: _ } = spec;
        let quota = |percent: u32| format!("{} {PERIOD_US}", u64::from(percent) * PERIOD_US / 100);
        let limits = [
            ("cpu", "cpu.max", cpu_percent.map(quota)),
            ("memory_high", "memory.high", memory_bytes_high.map(|bytes| bytes.to_string())),
            ("memory", "memory.max", memory_bytes_max.map(|bytes| bytes.to_string())),
            ("pids", "pids.max", pids_max.map(|count| count.to_string())),
        ];
        for (key, file, value) in limits {
            let Some(value) = value else { continue };
            std::fs::write(self.path.join(file), value)
                .map_err(|error| Arc::from(format!("`cgroup.{key}` cannot be set: {error}")))?;
        }
        Ok(())
    }

    /// Opens the file by which a process enters it.
    pub(super) fn open(&self) -> io::Result<OwnedFd> {
        File::create(self.path.join("cgroup.procs")).map(OwnedFd::from)
    }

    /// Whether a process is in it or below it.
    pub(crate) fn is_populated(&self) -> io::Result<bool> {
        match std::fs::read_to_string(self.path.join("cgroup.events")) {
            Ok(events) => Ok(number(&events, "populated") == Some(1)),
            Err(error) if is_gone(&error) || error.raw_os_error() == Some(libc::ENODEV) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Returns the processes in it and below it. More may come while it is being read.
    pub(crate) fn members(&self) -> io::Result<Vec<u32>> {
        let mut found = Vec::new();
        for dir in self.dirs()? {
            match std::fs::read_to_string(dir.join("cgroup.procs")) {
                // A process of another pid namespace is 0.
                Ok(procs) => found
                    .extend(procs.lines().filter_map(|pid| pid.parse::<u32>().ok()).filter(|pid| *pid != 0)),
                Err(error) if is_gone(&error) || error.raw_os_error() == Some(libc::ENODEV) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(found)
    }

    /// Returns it and the cgroups below it, each after the one that it lies in.
    fn dirs(&self) -> io::Result<Vec<PathBuf>> {
        let (mut found, mut level) = (Vec::new(), vec![self.path.clone()]);
        for _ in 0..DEPTH_MAX {
            let mut below = Vec::new();
            for dir in &level {
                let entries = match std::fs::read_dir(dir) {
                    Err(error) if is_gone(&error) => continue,
                    entries => entries?,
                };
                for entry in entries {
                    let entry = entry?;
                    if entry.file_type()?.is_dir() {
                        below.push(entry.path());
                    }
                }
            }
            found.append(&mut level);
            level = below;
        }
        Ok(found)
    }

    /// Kills every process in it and below it, at once.
    pub(crate) fn kill(&self) {
        // Kernels before 5.14 have no such file.
        let killed = File::options().write(true).open(self.path.join("cgroup.kill"));
        if killed.and_then(|mut file| io::Write::write_all(&mut file, b"1")).is_ok() {
            return;
        }
        for pid in self.members().unwrap_or_default() {
            let _ = provost_posix::signal_process(pid, Signal::KILL.number());
        }
    }

    /// Whether the kernel has killed a process in it or below it for want of memory.
    pub(crate) fn ran_out_of_memory(&self) -> bool {
        let events = std::fs::read_to_string(self.path.join("memory.events")).unwrap_or_default();
        number(&events, "oom_kill").is_some_and(|kills| kills > 0)
    }

    /// Removes it and what lies below it. Returns false if a process is still in it.
    pub(super) fn remove(&self) -> bool {
        for dir in self.dirs().unwrap_or_default().iter().rev() {
            match std::fs::remove_dir(dir) {
                Err(error) if !is_gone(&error) => return false,
                _ => {}
            }
        }
        true
    }
}

/// Returns the value of a line `NAME NUMBER`.
fn number(text: &str, name: &str) -> Option<u64> {
    let mut pairs = text.lines().filter_map(|line| line.split_once(' '));
    pairs.find(|(key, _)| *key == name)?.1.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(cgroup: &Cgroup, file: &str) -> String {
        std::fs::read_to_string(cgroup.path().join(file)).unwrap()
    }

    #[test]
    fn limits_are_written_as_the_kernel_reads_them() {
        let dir = tempfile::tempdir().unwrap();
        let cgroup = Cgroup::at(dir.path().to_owned());
        let spec = CgroupSpec {
            cpu_percent: Some(150),
            memory_bytes_max: Some(256 << 20),
            memory_bytes_high: Some(200 << 20),
            pids_max: Some(100),
            is_optional: false,
        };
        cgroup.limit(&spec).unwrap();
        assert_eq!(read(&cgroup, "cpu.max"), "150000 100000");
        assert_eq!(read(&cgroup, "memory.max"), "268435456");
        assert_eq!(read(&cgroup, "memory.high"), "209715200");
        assert_eq!(read(&cgroup, "pids.max"), "100");
        std::fs::create_dir(cgroup.path().join("nothing")).unwrap();
        let gone = Cgroup::at(cgroup.path().join("nothing/here"));
        let why = gone.limit(&spec).unwrap_err();
        assert!(why.starts_with("`cgroup.cpu` cannot be set: "), "{why}");
    }

    #[test]
    fn the_events_of_the_kernel_are_read() {
        let dir = tempfile::tempdir().unwrap();
        let cgroup = Cgroup::at(dir.path().to_owned());
        assert!(!cgroup.ran_out_of_memory() && !cgroup.is_populated().unwrap(), "there are no files");
        let write = |file: &str, text: &str| std::fs::write(dir.path().join(file), text).unwrap();
        write("memory.events", "low 0\nhigh 7\nmax 3\noom 1\noom_kill 0\noom_group_kill 0\n");
        assert!(!cgroup.ran_out_of_memory());
        write("memory.events", "low 0\nhigh 7\nmax 3\noom 1\noom_kill 2\noom_group_kill 0\n");
        assert!(cgroup.ran_out_of_memory());
        write("cgroup.events", "populated 1\nfrozen 0\n");
        assert!(cgroup.is_populated().unwrap());
    }

    #[test]
    fn members_below_it_count_and_everything_empty_is_removed() {
        let dir = tempfile::tempdir().unwrap();
        let cgroup = Cgroup::at(dir.path().join("web@1"));
        std::fs::create_dir_all(cgroup.path().join("a/b")).unwrap();
        assert!(cgroup.remove() && !cgroup.path().exists());
        assert!(cgroup.remove(), "it is gone already");
        std::fs::create_dir_all(cgroup.path().join("a")).unwrap();
        std::fs::write(cgroup.path().join("cgroup.procs"), "0\n11\n").unwrap();
        std::fs::write(cgroup.path().join("a/cgroup.procs"), "12\n").unwrap();
        assert_eq!(cgroup.members().unwrap(), [11, 12]);
        assert!(!cgroup.remove());
    }
}
