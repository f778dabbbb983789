//! The steps of a build, and the options of cargo that make a component the same on every machine.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::encode::encode;
use super::error::BuildError;
use super::package::Package;
use super::sources;
use super::target::{GUEST_PROFILE, TARGET};
use super::toolchain::Toolchain;

/// A component that was built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Built {
    /// The path of the component.
    pub component: PathBuf,
    /// Its size in bytes.
    pub bytes: u64,
    /// The digest of its sources, as written beside it: `sha256:` and 64 hexadecimal digits.
    pub sources: String,
    /// The interfaces that it imports from the host.
    pub imports: Vec<String>,
    /// The interfaces that it exports, which are its roles.
    pub exports: Vec<String>,
    /// The toolchain that compiled it, for people.
    pub toolchain: String,
}

/// Builds the crate in `dir` into `DIR/NAME.wasm`, where NAME is the name of the folder, and writes the digest
/// of its sources to `DIR/NAME.wasm.sources`. Cargo's messages go to standard error.
///
/// # Errors
/// See [`BuildError`]. An existing component is only ever replaced by a complete, valid one.
pub fn build(dir: &Path) -> Result<Built, BuildError> {
    build_into(dir, dir)
}

/// Does the same as [`build`], but writes the component and the digest to the folder `out`.
///
/// # Errors
/// See [`BuildError`].
pub fn build_into(dir: &Path, out: &Path) -> Result<Built, BuildError> {
    let package = Package::find(dir)?;
    let toolchain = Toolchain::find(&package.dir)?;
    // Before compiling, so that a file that changes meanwhile makes the digest differ.
    let sources = sources::digest_of(&package)?;
    let module = compile(&package, &toolchain)?;
    let (component, imports, exports) = encode(&package, &module)?;

    let name = format!("{}.wasm", package.folder);
    let path = out.join(&name);
    fs::create_dir_all(out).map_err(BuildError::file(out))?;
    replace(&path, &component)?;
    replace(&out.join(format!("{name}.sources")), format!("{sources}\n").as_bytes())?;
    let toolchain = toolchain.to_string();
    Ok(Built { component: path, bytes: component.len() as u64, sources, imports, exports, toolchain })
}

/// Compiles the core module with cargo, and returns its path.
fn compile(package: &Package, toolchain: &Toolchain) -> Result<PathBuf, BuildError> {
    let target_dir = package.target_dir.join("guests");
    let mut cargo = Command::new("cargo");
    cargo.current_dir(&package.dir).args(["build", "--lib", "--target", TARGET, "--profile", "guest"]);
    cargo.arg("--package").arg(&package.name).arg("--target-dir").arg(&target_dir);
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

    let status = cargo.status().map_err(|source| BuildError::Run { program: "cargo".to_owned(), source })?;
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

pub(super) fn replace(path: &Path, content: &[u8]) -> Result<(), BuildError> {
    let replaced = provost_files::replace(path, provost_files::Access::Umask, &[content]);
    replaced.map_err(|error| BuildError::file(path)(error.into()))
}
