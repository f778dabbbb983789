//! Compiling a crate to a core module, with the options of cargo that make a component the same on every machine.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::Command;

use super::package::Package;
use super::target::{GUEST_PROFILE, TARGET};
use super::toolchain::Toolchain;
use crate::guests::error::BuildError;
use crate::guests::tool::Progress;

/// Compiles the core module with cargo, and returns its path.
pub(super) fn compile(
use crate::tied;
    package: &Package,
    toolchain: &Toolchain,
    progress: Progress,
) -> Result<PathBuf, BuildError> {
    let target_dir = package.target_dir.join("guests");
    let mut cargo = Command::new("cargo");
    // A crate that is also made as an rlib, which its native tests need, is not optimised as a whole.
    cargo.current_dir(&package.dir).args(["rustc", "--lib", "--crate-type", "cdylib"]);
    cargo.args(["--target", TARGET, "--profile", "guest"]);
    cargo.arg("--package").arg(&package.name).arg("--target-dir").arg(&target_dir);
    if progress == Progress::Hidden {
        cargo.arg("--quiet");
    }
    if !package.has_guest_profile {
        for setting in GUEST_PROFILE {
            cargo.args(["--config", setting]);
        }
    }
    // The caller's flags are meant for its own programs, not for a component that must be the same everywhere.
    for variable in ["RUSTFLAGS", "CARGO_TARGET_DIR", "CARGO_BUILD_TARGET", "CARGO_BUILD_TARGET_DIR"] {
        cargo.env_remove(variable);
    }
    toolchain.apply(&mut cargo);
    cargo.env("CARGO_ENCODED_RUSTFLAGS", flags(package, toolchain));

    let status =
        tied::run(&cargo).map_err(|source| BuildError::Run { program: "cargo".to_owned(), source })?;
    if !status.success() {
        return Err(BuildError::Compile { package: package.name.clone(), status });
    }
    Ok(target_dir.join(TARGET).join("guest").join(format!("{}.wasm", package.artifact)))
}

/// Returns the compiler flags that keep the paths of this machine out of the component, in cargo's encoding.
fn flags(package: &Package, toolchain: &Toolchain) -> OsString {
    let cargo_home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    let cargo_home = cargo_home.or_else(|| Some(std::env::home_dir()?.join(".cargo")));
    let places = [
        cargo_home.map(|path| (path, "/cargo")),
        toolchain.library().map(|path| (path, "/rustc/library")),
        Some((package.workspace.clone(), "/build")),
    ];
    let mut flags = OsString::new();
    for (path, shown) in places.into_iter().flatten() {
        if !flags.is_empty() {
            flags.push("\u{1f}");
        }
        flags.push("--remap-path-prefix=");
        flags.push(path);
        flags.push("=");
        flags.push(shown);
    }
    flags
}
