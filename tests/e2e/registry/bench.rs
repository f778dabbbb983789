//! A directory for a test with a registry: a host there has its own cache.

use std::fs;
use std::path::{Path, PathBuf};

use provost_tests::{Host, Ran, Setup, eventually, guest};
use sha2::{Digest, Sha256};

use crate::PROVOST;

/// A config whose plugin `judge` has this component.
pub(super) fn config(component: &str) -> String {
    format!(
        "[host]\ncache_dir = \"cache\"\nrestart_delay_min = \"1ms\"\n[plugins.judge]\n{component}\n\
         settings = {{ first = \"20ms\" }}\n[process.web]\ncommand = \"exit 7\"\npolicies = [\"judge\"]\n"
    )
}

/// Makes a directory with the component `judge.wasm`, which is the bundled policy `backoff`, and a config without plugins.
pub(super) fn setup() -> Setup {
    let setup = Setup::new(PROVOST, "[host]\ncache_dir = \"cache\"\n");
    fs::copy(component(), setup.dir().join("judge.wasm")).unwrap();
    setup
}

/// Waits for a decision of the policy `judge`.
pub(super) fn judged(host: &Host) {
    let web = eventually("it judges", || host.process("web"), |web| web["decision"]["by"] == "judge");
    assert_eq!(web["decision"]["action"], "restart", "{web}");
}

/// Returns the component.
pub(super) fn component() -> PathBuf {
    guest("x").ancestors().nth(4).unwrap().join("plugins/backoff/backoff.wasm")
}

/// Returns `sha256:` and the digits of these bytes.
pub(super) fn digest(bytes: &[u8]) -> String {
    let digits: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{digits}")
}

/// Returns the one line of a config that a command has printed.
pub(super) fn line(ran: &Ran) -> String {
    assert_eq!(ran.code, 0, "{ran:?}");
    let line = ran.stdout.trim();
    assert!(line.starts_with("component = \"") && line.lines().count() == 1, "{ran:?}");
    line.to_owned()
}

/// Returns the names of the files of the components that were pulled.
pub(super) fn kept(dir: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(dir.join("cache/pulled")) else { return Vec::new() };
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// Returns a file of the certificate for this machine.
pub(super) fn certificate(name: &str) -> PathBuf {
    guest("x").ancestors().nth(4).unwrap().join("tests/certificates").join(name)
}
