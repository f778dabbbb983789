//! The errors of building a guest.

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;

use super::target::TARGET;

/// The reason why a guest could not be built.
#[derive(Debug, thiserror::Error)]
pub enum BuildError {
    /// A file or folder does not exist, or cannot be read or written.
    #[error("{path}: {source}", path = path.display())]
    File {
        /// The file or folder.
        path: PathBuf,
        /// The error of the operating system.
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
        /// The name of the program.
        program: String,
        /// The error of the operating system.
        source: io::Error,
    },
    /// Cargo could not read the crate.
    #[error("cargo metadata failed in {dir}:\n{message}", dir = dir.display())]
    Metadata {
        /// The folder.
        dir: PathBuf,
        /// The message of cargo.
        message: String,
    },
    /// The crate has no library that could become a component.
    #[error("{manifest}: add `crate-type = [\"cdylib\", \"rlib\"]` under [lib]: a component is made of a cdylib",
        manifest = manifest.display())]
    NotCdylib {
        /// The Cargo.toml of the crate.
        manifest: PathBuf,
    },
    /// No toolchain can compile for wasm.
    #[error(
        "no Rust toolchain here can compile to WebAssembly; do one of these:\n  \
         rustup target add {TARGET}\n  \
         apt install rustc-web rust-web-src   (Debian, beside a rustup toolchain, which has the linker rust-lld)"
    )]
    NoToolchain,
    /// There is the source of a standard library, but no linker.
    #[error(
        "{rustc} has its library's source, but there is no rust-lld to link WebAssembly with: \
         install a toolchain from https://rustup.rs, or `rustup target add {TARGET}`",
        rustc = rustc.display()
    )]
    NoLinker {
        /// The compiler that was found.
        rustc: PathBuf,
    },
    /// The source does not compile; cargo has printed why.
    #[error("cargo build of {package} failed ({status}); its messages are above")]
    Compile {
        /// The package.
        package: String,
        /// The exit status of cargo.
        status: ExitStatus,
    },
    /// The core module cannot become a component.
    #[error("{package} compiles, but is not a component: {message}")]
    Encode {
        /// The package.
        package: String,
        /// The message of wit-component.
        message: String,
    },
    /// The component exports nothing that a host could call.
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
    /// Returns the function for `map_err` after an operation on `path`.
    pub(super) fn file(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        |source| Self::File { path, source }
    }
}
