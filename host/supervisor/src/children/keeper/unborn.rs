//! Children whose start a keeper did not answer before it ended. No host knows of them, so each would be a second copy of what
//! is started again. They are found and killed: before its exec, a child still is the program of that keeper; after it, its
//! environment names the life that it was to be, and the runtime directory.
//!
//! Nothing is missed. The connection ends when the last thread of the keeper has ended, so every child exists before the first
//! look. One that was sent SIGKILL runs no instruction any more, even if its exec hangs. A child of such a child has the same
//! environment, and looks follow each other until nothing is found.

use std::fs::Metadata;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::time::Duration;

use provost_posix as posix;
use provost_state::Signal;
use rustix::process::{PidfdFlags, pidfd_open};

use super::names::Life;
use crate::children::family::{RUNTIME_DIR_VARIABLE, environ, of_living, owner_in, pid_of, value_in};

/// The number of looks; what is still there after them was sent SIGKILL and waits for a disk.
const LOOKS: u32 = 50;

/// The pause between two looks.
const PAUSE: Duration = Duration::from_millis(2);

/// The programs that a keeper has run, by their devices and inodes: an upgrade gives it another one, and a child whose exec hangs
/// still is the former one.
#[derive(Debug, Default)]
pub(super) struct Programs(Vec<(u64, u64)>);

impl Programs {
    /// Returns the program that a process runs.
    pub(super) fn of(pid: u32) -> Self {
        let program = std::fs::metadata(format!("/proc/{pid}/exe"));
        Self(program.iter().map(|program| (program.dev(), program.ino())).collect())
    }

    /// Adds this one.
    ///
    /// # Errors
    /// It cannot be looked at.
    pub(super) fn add(&mut self, program: &OwnedFd) -> io::Result<()> {
        let program = rustix::fs::fstat(program)?;
        let program = (program.st_dev, program.st_ino);
        if !self.0.contains(&program) {
            self.0.push(program);
        }
        Ok(())
    }

    fn include(&self, program: &Metadata) -> bool {
        self.0.contains(&(program.dev(), program.ino()))
    }
}

/// Kills the children of a keeper of this runtime directory that has ended which have not come to their exec: each runs the program
/// of a keeper on one thread, and is not the keeper of this host.
///
/// # Errors
/// The processes of the machine could not be looked at.
pub(super) fn end_before_exec(dir: &str, keeper: Option<u32>) -> io::Result<()> {
    let is_unborn = |pid: u32| -> io::Result<bool> {
        let Some(program) = of_living(std::fs::read_link(format!("/proc/{pid}/exe")))? else {
            return Ok(false);
        };
        // One in memory has `memfd:` before its name.
        let is_keeper = program.to_string_lossy().contains(PROGRAM_NAME);
        if !is_keeper || Some(pid) == keeper {
            return Ok(false);
        }
        let threads =
            of_living(std::fs::read_dir(format!("/proc/{pid}/task")))?.into_iter().flatten().count();
        let environ = environ(pid)?.unwrap_or_default();
        Ok(threads == 1 && value_in(&environ, RUNTIME_DIR_VARIABLE).is_some_and(|there| there == dir))
    };
    end_such(is_unborn)
}

/// The name of the program of a keeper.
const PROGRAM_NAME: &str = "provost-keeper";

/// Kills all processes that run one of the programs of a keeper that has ended, or that are one of these lives in this runtime directory.
///
/// # Errors
/// The processes of the machine could not be looked at.
pub(super) fn end(programs: &Programs, lives: &[Life], dir: Option<&str>) -> io::Result<()> {
    if lives.is_empty() {
        return Ok(());
    }
    let is_unborn = |pid: u32| -> io::Result<bool> {
        let Some(exe) = of_living(std::fs::metadata(format!("/proc/{pid}/exe")))? else { return Ok(false) };
        if programs.include(&exe) {
            return Ok(true);
        }
        let Some(environ) = environ(pid)? else { return Ok(false) };
        let is_here = dir.is_some() && value_in(&environ, RUNTIME_DIR_VARIABLE).as_deref() == dir;
        let owner = owner_in(&environ).filter(|_| is_here);
        Ok(owner.is_some_and(|(name, life)| lives.iter().any(|of| *of.0 == *name && of.1.0 == life)))
    };
    end_such(is_unborn)
}

fn end_such(is_unborn: impl Fn(u32) -> io::Result<bool>) -> io::Result<()> {
    for _ in 0..LOOKS {
        let mut is_over = true;
        for entry in std::fs::read_dir("/proc")? {
            let Some(pid) = entry?.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
            if is_unborn(pid)? {
                is_over = false;
                kill(pid, &is_unborn)?;
            }
        }
        if is_over {
            return Ok(());
        }
        std::thread::park_timeout(PAUSE);
    }
    Ok(())
}

/// Kills a process if it still is what it was.
fn kill(pid: u32, is_unborn: &impl Fn(u32) -> io::Result<bool>) -> io::Result<()> {
    let Some(number) = pid_of(pid) else { return Ok(()) };
    let Some(pidfd) = of_living(pidfd_open(number, PidfdFlags::empty()).map_err(io::Error::from))? else {
        return Ok(());
    };
    if is_unborn(pid)? {
        tracing::warn!(
            pid,
            "kills a child whose start the former keeper did not answer; it is started again"
        );
        // One that has ended by now needs nothing.
        let _ = posix::signal_pidfd(pidfd.as_fd(), Signal::KILL.number());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::process::{Child, Command};
    use std::sync::Arc;

    use provost_state::Incarnation;

    use super::*;

    /// Processes that end with the test.
    struct Processes(Vec<Child>);

    impl Drop for Processes {
        fn drop(&mut self) {
            for child in &mut self.0 {
                let _ = child.kill().and_then(|()| child.wait());
            }
        }
    }

    fn start(program: &Path, name: &str, life: &str, dir: &str) -> Child {
        let mut command = Command::new(program);
        command.args(["1000"]).env("PROVOST_PROCESS", name).env("PROVOST_INCARNATION", life);
        command.env(RUNTIME_DIR_VARIABLE, dir);
        loop {
            match command.spawn() {
                // A child that another test has just forked still has the copy open for writing.
                Err(error) if error.kind() == io::ErrorKind::ExecutableFileBusy => continue,
                started => return started.unwrap(),
            }
        }
    }

    fn sleep() -> std::path::PathBuf {
        ["/usr/bin/sleep", "/bin/sleep"]
            .map(std::path::PathBuf::from)
            .into_iter()
            .find(|it| it.exists())
            .unwrap()
    }

    #[test]
    fn a_child_whose_start_was_not_answered_is_killed_and_no_other_process() {
        let dir = tempfile::tempdir().unwrap();
        let here = dir.path().to_str().unwrap();
        // What a child runs before its exec is the program of the keeper.
        let keeper = dir.path().join("keeper");
        std::fs::copy(sleep(), &keeper).unwrap();
        // And one that has taken its place.
        let next = dir.path().join("next");
        std::fs::copy(sleep(), &next).unwrap();
        let is_killed = [
            (start(&sleep(), "web", "3", here), true),
            (start(&keeper, "other", "1", "/elsewhere"), true),
            (start(&next, "other", "2", "/elsewhere"), true),
            (start(&sleep(), "web", "2", here), false),
            (start(&sleep(), "db", "3", here), false),
            (start(&sleep(), "web", "3", "/elsewhere"), false),
        ];
        let (children, killed): (Vec<Child>, Vec<bool>) = is_killed.into_iter().unzip();
        let mut processes = Processes(children);
        let mut programs = Programs::of(processes.0[1].id());
        programs.add(&std::fs::File::open(&next).unwrap().into()).unwrap();
        assert_eq!(programs.0.len(), 2);
        end(&programs, &[(Arc::from("web"), Incarnation(3))], Some(here)).unwrap();
        for (child, killed) in processes.0.iter_mut().zip(killed) {
            let status = if killed { Some(child.wait().unwrap()) } else { child.try_wait().unwrap() };
            assert_eq!(status.is_some(), killed);
        }
    }

    #[test]
    fn a_child_of_a_former_keeper_before_its_exec_is_killed_and_the_keeper_of_this_host_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let here = dir.path().to_str().unwrap();
        let keeper = dir.path().join(PROGRAM_NAME);
        std::fs::copy(sleep(), &keeper).unwrap();
        let started = [here, "/elsewhere", here].map(|dir| start(&keeper, "web", "1", dir));
        let mut processes = Processes(started.into());
        let own = processes.0[2].id();
        end_before_exec(here, Some(own)).unwrap();
        assert!(!processes.0[0].wait().unwrap().success());
        for child in &mut processes.0[1..] {
            assert!(child.try_wait().unwrap().is_none());
        }
    }
}
