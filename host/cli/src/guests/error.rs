//! Why a guest could not be built.

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;

use super::target::TARGET;

/// Why a guest could not be built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// The folder is not there or cannot be read.
    #[error("{path}: {source}", path = path.display())]
    File {
        /// Which file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// There is no crate in the folder.
    #[error("{dir}: there is no Cargo.toml here; name the folder of a Rust plugin", dir = dir.display())]
    NoCrate {
        /// The folder.
        dir: PathBuf,
    },
    /// A program of the toolchain could not be started.
    #[error("cannot run {program}: {source}; install Rust from https://rustup.rs")]
    Run {
        /// Its name.
        program: String,
        /// What the system said.
        source: io::Error,
    },
    /// Cargo could not make sense of the crate.
    #[error("cargo metadata failed in {dir}:\n{message}", dir = dir.display())]
    Metadata {
        /// The folder.
        dir: PathBuf,
        /// What cargo said.
        message: String,
    },
    /// The crate makes no library that could become a component.
    #[error("{manifest}: add `crate-type = [\"cdylib\", \"rlib\"]` under [lib]: a component is made of a cdylib",
        manifest = manifest.display())]
    NotCdylib {
        /// Its Cargo.toml.
        manifest: PathBuf,
    },
    /// No toolchain can compile for wasm.
    #[error(
        "no Rust toolchain here can compile to WebAssembly; do one of these:\n  \
         rustup target add {TARGET}\n  \
         apt install rustc-web rust-web-src   (Debian, beside a rustup toolchain, which has the linker rust-lld)"
    )]
    NoToolchain,
    /// There is a standard library to compile, but nothing to link it with.
    #[error(
        "{rustc} has its library's source, but there is no rust-lld to link WebAssembly with: \
         install a toolchain from https://rustup.rs, or `rustup target add {TARGET}`",
        rustc = rustc.display()
    )]
    NoLinker {
        /// The compiler that was found.
        rustc: PathBuf,
    },
    /// The source does not compile; cargo has said why.
    #[error("cargo build of {package} failed ({status}); its messages are above")]
    Compile {
        /// The package.
        package: String,
        /// How cargo ended.
        status: ExitStatus,
    },
    /// The core module is not one that can be made a component.
    #[error("{package} compiles, but is no component: {message}")]
    Encode {
        /// The package.
        package: String,
        /// What wit-component said.
        message: String,
    },
    /// It is a component, but has nothing that a host could call.
    #[error(
        "{package} exports no role of Provost: end its src/lib.rs with one of \
         export_restart_policy!(..), export_status_view!(..), export_status_consumer!(..)"
    )]
    NoRole {
        /// The package.
        package: String,
    },
}

impl BuildError {
    /// For `map_err` on what was done with `path`.
    pub(super) fn file(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        |source| Self::File { path, source }
    }
}
