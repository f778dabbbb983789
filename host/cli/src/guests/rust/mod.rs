//! Building a plugin in Rust. Cargo compiles a core module with any suitable toolchain.
//!
//! | room | owns |
//! |---|---|
//! | `compile` | compiling a crate, and the options of cargo |
//! | `sources` | the digest of all sources of a component |
//! | `package` | the crate of a plugin as cargo sees it |
//! | `toolchain` | a way to compile for wasm |
//! | `target` | the target and the profile of guests |

mod compile;
mod package;
mod sources;
mod target;
mod toolchain;

use std::fs;
use std::path::{Path, PathBuf};

use super::encode::encode;
use super::error::BuildError;
use super::made::Made;
use super::tool::Progress;
use package::Package;
use toolchain::Toolchain;

pub use sources::source_digest;

/// What was found out before a crate is compiled. It holds until a manifest or a toolchain changes.
#[derive(Debug)]
pub(super) struct Prepared {
    package: Package,
    toolchain: Toolchain,
}

/// Finds the crate in `dir`, and a way to compile it.
pub(super) fn prepare(dir: &Path) -> Result<Prepared, BuildError> {
    let package = Package::find(dir)?;
    let toolchain = Toolchain::find(&package.dir)?;
    Ok(Prepared { package, toolchain })
}

/// Builds a crate. Cargo's messages go to standard error.
pub(super) fn build(prepared: &Prepared, progress: Progress) -> Result<Made, BuildError> {
    let Prepared { package, toolchain } = prepared;
    // Before compiling, so that a file that changes meanwhile makes the digest differ.
    let sources = sources::digest_of(package)?;
    let module = compile::compile(package, toolchain, progress)?;
    let core = fs::read(&module).map_err(BuildError::file(&module))?;
    Ok(Made {
        component: encode(&package.name, &core)?,
        label: package.label.clone(),
        sources: Some(sources),
        toolchain: toolchain.to_string(),
        rules: RULES,
    })
}

/// Returns the folders of the crate in `dir` and of all crates that it depends on by path.
pub(super) fn folders(dir: &Path) -> Result<Vec<PathBuf>, BuildError> {
    let package = Package::find(dir)?;
    let others = package.crates.into_values().map(|one| one.dir).filter(|folder| *folder != package.dir);
    Ok(std::iter::once(package.dir.clone()).chain(others).collect())
}

/// Returns the name of the component of the crate in `dir`.
pub(super) fn component_name(dir: &Path) -> Result<String, BuildError> {
    Ok(Package::find(dir)?.label.name)
}

/// What an author in Rust has to change.
const RULES: super::made::Rules = super::made::Rules {
    export: "end src/lib.rs with `provost_guest::export!(Type: RestartPolicy)`; further roles follow after commas",
    refresh: "run `provost plugin sdk`, or depend on that version of provost-guest",
    inside: "a policy has no clock, files, network or randomness: `now` and `seed` are in its trigger; depend on no crate that \
             calls the system, and leave out the feature `wasi` of provost-guest",
};
