//! The digest of all sources of a component, which shows whether a committed component is up to date.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use provost_plugin_host::hex;
use sha2::{Digest, Sha256};

use super::package::Package;
use crate::guests::error::BuildError;
use crate::guests::schema;

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
        let content = fs::read(&path).map_err(BuildError::file(&path))?;
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
    let mut files = BTreeMap::new();
    for (name, source) in &package.crates {
        let of_crate =
            ["Cargo.toml", "build.rs", schema::FILE, "src", "wit"].map(|entry| source.dir.join(entry));
        for path in of_crate.iter().filter(|path| path.exists()).chain(&source.more) {
            let entry = path.file_name().unwrap_or_default().to_string_lossy();
            walk(path, &format!("{name}/{entry}"), &mut files)?;
        }
    }
    Ok(files)
}

/// Adds `path` under the name `name`, with everything in it.
fn walk(path: &Path, name: &str, files: &mut BTreeMap<String, PathBuf>) -> Result<(), BuildError> {
    if !path.is_dir() {
        files.insert(name.to_owned(), path.to_owned());
        return Ok(());
    }
    for entry in fs::read_dir(path).map_err(BuildError::file(path))? {
        let entry = entry.map_err(BuildError::file(path))?;
        let name = format!("{name}/{}", entry.file_name().to_string_lossy());
        if !name.ends_with(FROZEN) {
            walk(&entry.path(), &name, files)?;
        }
    }
    Ok(())
}
