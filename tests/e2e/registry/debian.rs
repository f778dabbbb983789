//! The registry of Debian's package `docker-registry`, on a free port of this machine.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio};

use provost_tests::{Ends, eventually};

/// The program.
const REGISTRY: &str = "/usr/bin/docker-registry";

/// A registry that ends with the test. What it holds stays in its directory.
pub(super) struct Registry {
    /// Its address, with the port.
    pub(super) address: String,
    _running: Ends,
}

/// Whether there is such a program. A test without it is skipped, but the gate has it.
pub(super) fn is_there() -> bool {
    let is_there = Path::new(REGISTRY).exists();
    assert!(is_there || std::env::var_os("PROVOST_GATE").is_none(), "the gate has to have {REGISTRY}");
    is_there
}

impl Registry {
    /// Starts a registry with its files in `dir`, whose section `http` has these lines, too.
    pub(super) fn start(dir: &Path, http: &str) -> Self {
        let config = format!(
            "version: 0.1\nlog:\n  level: info\nstorage:\n  filesystem:\n    rootdirectory: {:?}\nhttp:\n  addr: 127.0.0.1:0\n{http}",
            dir.join("registry")
        );
        fs::write(dir.join("registry.yml"), config).unwrap();
        let log = dir.join("registry.log");
        let output = File::create(&log).unwrap();
        let mut command = Command::new(REGISTRY);
        command.args(["serve", "registry.yml"]).current_dir(dir).stdin(Stdio::null());
        command.stdout(output.try_clone().unwrap()).stderr(output);
        let running = Ends(command.spawn().unwrap());
        let said = eventually(
            "the registry listens",
            || fs::read_to_string(&log).unwrap(),
            |log| log.contains("listening on "),
        );
        let address = said.split("listening on ").nth(1).unwrap();
        let address = address.split(|c: char| c == '"' || c == ',' || c.is_whitespace()).next().unwrap();
        Self { address: address.to_owned(), _running: running }
    }
}
