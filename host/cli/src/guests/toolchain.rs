//! Finds a way to compile for wasm: a toolchain with the target, or one with the source of its standard
//! library.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::error::BuildError;
use super::target::TARGET;

/// A way to compile for wasm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Toolchain {
    /// The toolchain in use has the target.
    Installed,
    /// A compiler with the source of its standard library, which is compiled as well.
    FromSource {
        /// The compiler.
        rustc: PathBuf,
        /// The folder `library` of its source.
        library: PathBuf,
        /// The linker.
        linker: PathBuf,
    },
}

impl Toolchain {
    /// Finds the best way for a crate in `dir`: cargo's own toolchain first, then any compiler on the PATH.
    ///
    /// # Errors
    /// [`BuildError`] if there is none, or no linker.
    pub(super) fn find(dir: &Path) -> Result<Self, BuildError> {
        let active = env::var_os("RUSTC").unwrap_or_else(|| OsString::from("rustc"));
        if has_target(&active, dir) {
            return Ok(Self::Installed);
        }
        let on_path = on_path("rustc");
        let compilers = [PathBuf::from(&active)].into_iter().chain(on_path).chain(["/usr/bin/rustc".into()]);
        let compilers: Vec<PathBuf> = compilers.collect();
        let with_source = compilers.iter().find_map(|rustc| {
            let library = sysroot(rustc, dir)?.join("lib/rustlib/src/rust/library");
            library.join("std/Cargo.toml").is_file().then(|| (rustc.clone(), library))
        });
        let (rustc, library) = with_source.ok_or(BuildError::NoToolchain)?;
        let linker = compilers.iter().find_map(|rustc| linker(&sysroot(rustc, dir)?));
        let linker = linker.or_else(|| on_path_first("rust-lld")).or_else(|| on_path_first("wasm-ld"));
        match linker {
            Some(linker) => Ok(Self::FromSource { rustc, library, linker }),
            None => Err(BuildError::NoLinker { rustc }),
        }
    }

    /// Makes `cargo` compile in this way.
    pub(super) fn apply(&self, cargo: &mut Command) {
        if let Self::FromSource { rustc, linker, .. } = self {
            cargo.arg("-Zbuild-std=std,panic_abort");
            cargo.env("RUSTC", rustc).env("RUSTC_BOOTSTRAP", "1");
            cargo.env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker);
        }
    }

    /// Returns the source of the standard library if it is compiled as well.
    pub(super) fn library(&self) -> Option<PathBuf> {
        match self {
            Self::Installed => None,
            Self::FromSource { library, .. } => Some(library.clone()),
        }
    }
}

impl fmt::Display for Toolchain {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Installed => write!(out, "the installed target {TARGET}"),
            Self::FromSource { rustc, .. } => {
                write!(out, "{}, with its standard library compiled from source", rustc.display())
            }
        }
    }
}

/// Whether this compiler has a standard library for the target.
fn has_target(rustc: &OsStr, dir: &Path) -> bool {
    let folder = ask(Path::new(rustc), dir, &["--print", "target-libdir", "--target", TARGET]);
    let entries = folder.and_then(|folder| fs::read_dir(folder).ok());
    entries
        .into_iter()
        .flatten()
        .flatten()
        .any(|entry| entry.file_name().to_string_lossy().starts_with("libstd-"))
}

/// Returns the directory of this compiler's libraries and tools.
fn sysroot(rustc: &Path, dir: &Path) -> Option<PathBuf> {
    ask(rustc, dir, &["--print", "sysroot"]).map(PathBuf::from)
}

/// Finds the linker of a toolchain: `lib/rustlib/HOST/bin/rust-lld`.
fn linker(sysroot: &Path) -> Option<PathBuf> {
    let hosts = fs::read_dir(sysroot.join("lib/rustlib")).ok()?;
    hosts.flatten().map(|host| host.path().join("bin/rust-lld")).find(|path| path.is_file())
}

/// Returns what a compiler prints; nothing if it fails. Runs in `dir`, because rustup chooses the toolchain by the folder.
fn ask(rustc: &Path, dir: &Path, question: &[&str]) -> Option<String> {
    let output = Command::new(rustc).current_dir(dir).args(question).output().ok()?;
    let answer = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| answer.trim().to_owned())
}

/// Returns the programs of this name on the PATH, in its order.
fn on_path(program: &str) -> Vec<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).map(|folder| folder.join(program)).filter(|file| file.is_file()).collect()
}

/// Returns the first program of this name on the PATH.
fn on_path_first(program: &str) -> Option<PathBuf> {
    on_path(program).into_iter().next()
}
