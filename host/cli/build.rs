//! Prepares what the binary carries: the files for authors of plugins (`embedded`), and the keeper. The keeper is built with a
//! nested Cargo: it has its own profile, and is a program of its own. Its target folder lies below that of the build script, so
//! that the two Cargos never wait for each other.
#![expect(clippy::panic, reason = "a build script fails by panicking")]

#[path = "build/embedded.rs"]
mod embedded;

use std::env;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What the keeper is built from, seen from this package. Its profile is in the `Cargo.toml` of the workspace.
const SOURCES: [&str; 4] = ["../keeper", "../posix", "../../Cargo.lock", "../../Cargo.toml"];

/// Variables that change how the outer Cargo compiles programs: flags of a sanitizer, of coverage or of
/// a model checker, another target folder, clippy in the place of the compiler. None of them is meant for the keeper.
const OF_THE_OUTER: [&str; 12] = [
    "CARGO_BUILD_RUSTFLAGS",
    "CARGO_BUILD_TARGET",
    "CARGO_BUILD_TARGET_DIR",
    "CARGO_ENCODED_RUSTFLAGS",
    "CARGO_TARGET_DIR",
    "CLIPPY_ARGS",
    "CLIPPY_CONF_DIR",
    "RUSTC_WORKSPACE_WRAPPER",
    "RUSTC_WRAPPER",
    "RUSTDOC",
    "RUSTDOCFLAGS",
    "RUSTFLAGS",
];

fn main() {
    let manifest_dir = PathBuf::from(variable("CARGO_MANIFEST_DIR"));
    let out = PathBuf::from(variable("OUT_DIR"));
    match embedded::write(&manifest_dir, &out) {
        Ok(sources) => {
            for source in sources {
                say(&format!("cargo::rerun-if-changed={}", source.display()));
            }
        }
        Err(error) => panic!("the files for authors of plugins cannot be listed: {error}"),
    }
    for source in SOURCES {
        say(&format!("cargo::rerun-if-changed={}", manifest_dir.join(source).display()));
    }
    let built = build(&manifest_dir, &out.join("keeper"));
    say(&format!("cargo::rustc-env=PROVOST_KEEPER_PROGRAM={}", built.display()));
}

/// Builds the keeper in this folder, and returns the path of the program.
fn build(manifest_dir: &Path, target_dir: &Path) -> PathBuf {
    let mut cargo = Command::new(variable("CARGO"));
    cargo.current_dir(manifest_dir);
    cargo.args(["build", "--locked", "--quiet", "--profile", "keeper", "--package", "provost-keeper"]);
    cargo.arg("--target-dir").arg(target_dir);
    let of_target = |(name, _): &(String, String)| {
        name.starts_with("CARGO_TARGET_") && (name.ends_with("_RUSTFLAGS") || name.ends_with("_RUNNER"))
    };
    for (name, _) in env::vars().filter(of_target) {
        cargo.env_remove(name);
    }
    for name in OF_THE_OUTER {
        cargo.env_remove(name);
    }
    let (target, host) = (variable("TARGET"), variable("HOST"));
    let mut folder = target_dir.to_owned();
    if target != host {
        cargo.args(["--target", &target]);
        folder.push(target);
    }
    match cargo.status() {
        Ok(status) if status.success() => folder.join("keeper/provost-keeper"),
        Ok(status) => panic!("the keeper cannot be built: {cargo:?} ended with {status}"),
        Err(error) => panic!("the keeper cannot be built: {cargo:?}: {error}"),
    }
}

/// Returns a variable that Cargo sets for build scripts.
fn variable(name: &str) -> String {
    match env::var(name) {
        Ok(value) => value,
        Err(error) => panic!("{name}: {error}"),
    }
}

/// Prints an instruction for Cargo.
fn say(instruction: &str) {
    if let Err(error) = writeln!(std::io::stdout(), "{instruction}") {
        panic!("cannot tell Cargo: {error}");
    }
}
