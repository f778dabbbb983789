//! Compiling a crate to a core module, with the options of cargo that make a component the same on every machine.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use provost_plugin_host::hex;
use sha2::{Digest, Sha256};

use super::package::Package;
use super::target::{GUEST_PROFILE, TARGET};
use super::toolchain::Toolchain;
use crate::guests::error::BuildError;
use crate::guests::tool::Progress;
use crate::tied;

/// Compiles the core module with cargo, and returns its path.
pub(super) fn compile(
    package: &Package,
    toolchain: &Toolchain,
    progress: Progress,
) -> Result<PathBuf, BuildError> {
    let target_dir = target_dir(&package.workspace, &package.target_dir);
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

/// Returns the directory for everything that is compiled, in the target directory of a workspace. The flags name the path of the workspace,
/// and cargo compiles whatever has other flags anew, the standard library above all, so workspaces that share a target directory
/// (`CARGO_TARGET_DIR`) have one each. (Flags for the crates of the workspace alone would be in the names that the compiler makes of them,
/// and the component would depend on the path.)
fn target_dir(workspace: &Path, target_dir: &Path) -> PathBuf {
    let guests = target_dir.join("guests");
    if target_dir.starts_with(workspace) {
        return guests;
    }
    let digest = hex(&Sha256::digest(workspace.as_os_str().as_encoded_bytes()));
    guests.join(digest.get(..DIGITS).unwrap_or(&digest))
}

/// The number of hexadecimal digits in the name of a directory.
const DIGITS: usize = 16;

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn workspaces_that_share_a_target_directory_have_a_directory_each() {
        let of = |workspace: &str, target: &str| target_dir(Path::new(workspace), Path::new(target));
        assert_eq!(of("/a", "/a/target"), Path::new("/a/target/guests"));
        let (one, other) = (of("/a", "/shared"), of("/b", "/shared"));
        assert!(one != other && one == of("/a", "/shared"), "{one:?}, {other:?}");
        assert!(one.starts_with("/shared/guests") && other.starts_with("/shared/guests"));
    }
}
