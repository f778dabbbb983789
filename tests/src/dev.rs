//! A session of `plugin dev` that a test or a benchmark follows.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};

use rustix::process::Signal;

use crate::{Ends, Host, Setup, eventually};

/// A session that runs. It is killed when this is dropped.
#[derive(Debug)]
pub struct DevSession {
    child: Ends,
    out: PathBuf,
    err: PathBuf,
}

impl DevSession {
    /// Runs `provost plugin dev` with these arguments in the directory of a setup.
    #[must_use]
    pub fn start(setup: &Setup, arguments: &[&str]) -> Self {
        let (out, err) = (setup.dir().join("dev.out"), setup.dir().join("dev.err"));
        let mut command = setup.command(&[&["plugin", "dev"], arguments].concat());
        command.stdin(Stdio::null());
        command.stdout(File::create(&out).unwrap()).stderr(File::create(&err).unwrap());
        Self { child: Ends(command.spawn().unwrap()), out, err }
    }

    /// Returns the process id of the command.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.0.id()
    }

    fn told(&mut self) -> String {
        let ended = self.child.0.try_wait().unwrap();
        let text = |path: &Path| String::from_utf8_lossy(&fs::read(path).unwrap()).into_owned();
        format!("{}\n{}\n{ended:?}", text(&self.out), text(&self.err))
    }

    /// Waits until it has said this, and returns all that it has said.
    pub fn until(&mut self, part: &str) -> String {
        self.until_times(part, 1)
    }

    /// Waits until it has said this at least `times` times, and returns all that it has said.
    pub fn until_times(&mut self, part: &str, times: usize) -> String {
        eventually(part, || self.told(), |told| told.matches(part).count() >= times)
    }

    /// Ends it as Ctrl-C does, and waits for its end.
    #[must_use]
    pub fn interrupt(mut self) -> ExitStatus {
        Host::kill(&self.child.0.id().into(), Signal::INT);
        self.child.0.wait().unwrap()
    }
}
