//! Finds a way to compile for wasm: a toolchain with the target, or one with the source of its standard
//! library.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::target::TARGET;
use crate::guests::error::BuildError;
use crate::guests::tool;
use crate::tied;

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
        let on_path = tool::on_path("rustc");
        let compilers = [PathBuf::from(&active)].into_iter().chain(on_path).chain(["/usr/bin/rustc".into()]);
        let compilers: Vec<PathBuf> = compilers.collect();
        let with_source = compilers.iter().find_map(|rustc| {
            let library = sysroot(rustc, dir)?.join("lib/rustlib/src/rust/library");
            library.join("std/Cargo.toml").is_file().then(|| (rustc.clone(), library))
        });
        let (rustc, library) = with_source.ok_or_else(|| no_toolchain(&compilers, dir))?;
        let linker = working_linker(&compilers, dir).ok_or_else(|| BuildError::Missing {
            what: format!("a linker for WebAssembly for {}, whose standard library is compiled from source", rustc.display()),
            fix: format!("install it: `apt install lld` on Debian 12, or any toolchain of https://rustup.rs, which has rust-lld; or, \
                          with rustup, `rustup target add {TARGET}`"),
        })?;
        Ok(Self::FromSource { rustc, library, linker })
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

/// Says what is missing of a toolchain.
fn no_toolchain(compilers: &[PathBuf], dir: &Path) -> BuildError {
    let works = compilers.iter().any(|rustc| sysroot(rustc, dir).is_some());
    let what = if works {
        format!("a Rust toolchain that compiles to {TARGET}")
    } else {
        "a Rust toolchain".to_owned()
    };
    let fix = format!(
        "with rustup run `rustup target add {TARGET}`; on Debian 12 run `apt install rustc-web rust-web-src cargo-web lld`"
    );
    BuildError::Missing { what, fix }
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

/// Finds a linker that runs and links WebAssembly: one of a toolchain, or lld on the PATH, of the newest version that is there.
fn working_linker(compilers: &[PathBuf], dir: &Path) -> Option<PathBuf> {
    let of_toolchains = compilers.iter().filter_map(|rustc| linker(&sysroot(rustc, dir)?));
    let of_rustup = rustup_toolchains().into_iter().filter_map(|toolchain| linker(&toolchain));
    let numbered = (LLD_MIN..=LLD_MAX).rev().map(|version| format!("wasm-ld-{version}"));
    let names = ["rust-lld", "wasm-ld"].map(str::to_owned).into_iter().chain(numbered);
    let on_path = names.flat_map(|name| tool::on_path(&name));
    of_toolchains.chain(of_rustup).chain(on_path).find(|linker| links(linker))
}

/// Returns the toolchains that rustup has installed, also when none of them is the one in use.
fn rustup_toolchains() -> Vec<PathBuf> {
    let home =
        env::var_os("RUSTUP_HOME").map(PathBuf::from).or_else(|| Some(env::home_dir()?.join(".rustup")));
    let folders = home.and_then(|home| fs::read_dir(home.join("toolchains")).ok());
    let mut found: Vec<PathBuf> = folders.into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    found.sort();
    found
}

/// Whether a program runs as a linker for WebAssembly, of a version that reads what today's compilers write. A linker that is
/// installed without its libraries, or that is too old, would fail only after minutes of compiling.
fn links(linker: &Path) -> bool {
    let output = tied::output(Command::new(linker).args(["-flavor", "wasm", "--version"]));
    let output = match output {
        Ok(output) if output.status.success() => output,
        // A program that is wasm-ld already takes no flavor.
        _ => match tied::output(Command::new(linker).arg("--version")) {
            Ok(output) if output.status.success() => output,
            _ => return false,
        },
    };
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    let version = told.split("LLD ").nth(1).and_then(|rest| rest.split('.').next()?.parse::<u32>().ok());
    version.is_some_and(|version| version >= LLD_MIN)
}

/// The oldest version of lld that was seen to link what rustc 1.96 writes; it is that of Debian 12.
const LLD_MIN: u32 = 14;
/// The newest version of lld that is looked for by its number.
const LLD_MAX: u32 = 24;

/// Finds the linker of a toolchain: `lib/rustlib/HOST/bin/rust-lld`.
fn linker(sysroot: &Path) -> Option<PathBuf> {
    let hosts = fs::read_dir(sysroot.join("lib/rustlib")).ok()?;
    hosts.flatten().map(|host| host.path().join("bin/rust-lld")).find(|path| path.is_file())
}

/// Returns what a compiler prints; nothing if it fails. Runs in `dir`, because rustup chooses the toolchain by the folder.
fn ask(rustc: &Path, dir: &Path, question: &[&str]) -> Option<String> {
    let output = tied::output(Command::new(rustc).current_dir(dir).args(question)).ok()?;
    let answer = String::from_utf8(output.stdout).ok()?;
    output.status.success().then(|| answer.trim().to_owned())
}
