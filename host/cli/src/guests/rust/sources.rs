//! The digest of all sources of a component, which shows whether a committed component is up to date.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use provost_plugin_host::hex;
use sha2::{Digest, Sha256};

use super::package::Package;
use crate::guests::error::BuildError;
use crate::guests::{read, schema};

/// How deep folders of sources may be in one another. A link to a folder above it would have no end.
const DEPTH_MAX: usize = 16;
/// How many source files and folders a plugin may have. A link may lead to the root of the machine.
const ENTRIES_MAX: usize = 10_000;

/// The folder of a crate with the frozen versions of its contract.
const FROZEN: &str = "/wit/frozen";

/// Returns the digest of the sources of the plugin in `dir`: `sha256:` and 64 hexadecimal digits. It needs
/// cargo, but no wasm toolchain, and is the same on every machine.
///
/// It covers the crate and its dependencies by path: `Cargo.toml`, `build.rs`, `settings.schema.json`, all of `src` and `wit`, without the frozen versions
/// of a contract in `wit/frozen`, which no compiler reads, and the files that `package.metadata.provost.sources` names.
///
/// # Errors
/// [`BuildError`] if there is no crate in `dir`, or a file cannot be read.
pub fn source_digest(dir: &Path) -> Result<String, BuildError> {
    digest_of(&Package::find(dir)?)
}

/// Returns the digest of the sources of `package`.
pub(super) fn digest_of(package: &Package) -> Result<String, BuildError> {
    let mut digest = Sha256::new();
    for (name, path) in files(package)? {
        let content = read::file(&path)?;
        // The lengths mark where one file ends and the next begins.
        for part in [name.as_bytes(), &content] {
            digest.update((part.len() as u64).to_le_bytes());
            digest.update(part);
        }
    }
    Ok(format!("sha256:{}", hex(&digest.finalize())))
}

/// Returns the files by their names in the digest, which do not depend on where the crates are, such as
/// `provost-guest/src/lib.rs`.
fn files(package: &Package) -> Result<BTreeMap<String, PathBuf>, BuildError> {
    let mut walk = Walk { files: BTreeMap::new(), entries: 0 };
    for (name, source) in &package.crates {
        let of_crate =
            ["Cargo.toml", "build.rs", schema::FILE, "src", "wit"].map(|entry| source.dir.join(entry));
        for path in of_crate.iter().filter(|path| path.exists()).chain(&source.more) {
            let entry = path.file_name().unwrap_or_default().to_string_lossy();
            walk.add(path, &format!("{name}/{entry}"), 0)?;
        }
    }
    Ok(walk.files)
}

/// A walk over the sources.
struct Walk {
    files: BTreeMap<String, PathBuf>,
    /// How many files and folders it has met.
    entries: usize,
}

impl Walk {
    /// Adds `path` under the name `name`, with everything in it. `depth` is the number of folders that it is in.
    fn add(&mut self, path: &Path, name: &str, depth: usize) -> Result<(), BuildError> {
        self.entries += 1;
        if depth > DEPTH_MAX || self.entries > ENTRIES_MAX {
            let path = path.to_owned();
            return Err(BuildError::TooMany { path, entries: ENTRIES_MAX, depth: DEPTH_MAX });
        }
        if !path.is_dir() {
            self.files.insert(name.to_owned(), path.to_owned());
            return Ok(());
        }
        for entry in fs::read_dir(path).map_err(BuildError::file(path))? {
            let entry = entry.map_err(BuildError::file(path))?;
            let name = format!("{name}/{}", entry.file_name().to_string_lossy());
            if !name.ends_with(FROZEN) {
                self.add(&entry.path(), &name, depth + 1)?;
            }
        }
        Ok(())
    }
}
