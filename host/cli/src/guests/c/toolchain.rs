//! Finds clang with everything that it needs for WebAssembly, and names the package of what is missing before anything is compiled.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::guests::error::BuildError;
use crate::guests::tool;
use crate::tied;

/// The versions of clang that are looked for by number, newest first, after `clang` itself.
const VERSIONS: std::ops::RangeInclusive<u32> = 14..=22;

/// The compiler.
#[derive(Debug)]
pub(super) struct Toolchain {
    pub(super) clang: PathBuf,
}

impl Toolchain {
    /// Finds a complete toolchain.
    pub(super) fn find(dir: &Path) -> Result<Self, BuildError> {
        let numbered = VERSIONS.rev().map(|version| format!("clang-{version}"));
        let names = ["CC_wasm32_wasi", "CC"].into_iter().filter_map(|name| std::env::var(name).ok());
        let names = names.filter(|name| name.contains("clang")).chain(["clang".to_owned()]).chain(numbered);
        let mut missing = None;
        for clang in names.filter_map(|name| tool::first_of([name])) {
            match lacking(&clang, dir) {
                None => return Ok(Self { clang }),
                Some(lack) => missing = missing.or(Some(lack)),
            }
        }
        Err(missing.unwrap_or_else(|| BuildError::Missing {
            what: "clang".to_owned(),
            fix: "install it: `apt install clang lld wasi-libc libclang-rt-14-dev-wasm32` on Debian 12"
                .to_owned(),
        }))
    }
}

/// Returns what this clang lacks, with the package that has it.
fn lacking(clang: &Path, dir: &Path) -> Option<BuildError> {
    let missing = |what: &str, package: String| {
        Some(BuildError::Missing {
            what: format!("{what} for {}", clang.display()),
            fix: format!("install it: `apt install {package}` on Debian"),
        })
    };
    let ask = |question: &str| {
        let mut command = Command::new(clang);
        let output = tied::output(command.current_dir(dir).args(["--target=wasm32-wasi", question])).ok()?;
        Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let version = ask("-dumpversion").and_then(|version| Some(version.split('.').next()?.to_owned()));
    let version = version.unwrap_or_else(|| "14".to_owned());
    let is_file = |answer: Option<String>| answer.is_some_and(|path| Path::new(&path).is_file());
    // Clang looks beside itself first; it names a path only if it finds the linker elsewhere.
    let beside = clang.canonicalize().is_ok_and(|clang| clang.with_file_name("wasm-ld").is_file());
    if !beside && tool::on_path("wasm-ld").is_empty() && !is_file(ask("-print-prog-name=wasm-ld")) {
        return missing("the linker wasm-ld", format!("lld-{version}"));
    }
    if !is_file(ask("-print-file-name=libc.a")) {
        return missing("the C library (wasi-libc)", "wasi-libc".to_owned());
    }
    if !is_file(ask("-print-libgcc-file-name")) {
        return missing("the runtime of the compiler", format!("libclang-rt-{version}-dev-wasm32"));
    }
    None
}
