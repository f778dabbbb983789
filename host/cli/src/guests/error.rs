//! The errors of building a guest.

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;

/// The reason why a plugin could not be built.
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
    /// A plugin has more sources than any has.
    #[error("{path}: there are more than {entries} source files and folders, or folders nested more than {depth} deep",
        path = path.display())]
    TooMany {
        /// The place at which that was found.
        path: PathBuf,
        /// How many there may be.
        entries: usize,
        /// How deep folders may be.
        depth: usize,
    },
    /// There is no project in the folder.
    #[error("{dir}: there is neither a Cargo.toml nor a provost-plugin.toml here", dir = dir.display())]
    NoProject {
        /// The folder.
        dir: PathBuf,
    },
    /// A crate has no manifest that cargo knows.
    #[error("{dir}: cargo finds no package here", dir = dir.display())]
    NoCrate {
        /// The folder.
        dir: PathBuf,
    },
    /// A `provost-plugin.toml` is wrong.
    #[error("{path}: {message}", path = path.display())]
    Manifest {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        message: String,
    },
    /// The schema of the settings is wrong.
    #[error("{path}: {problem}", path = path.display())]
    Schema {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: provost_plugin_host::SchemaError,
    },
    /// The WIT files of a project are wrong.
    #[error("{folder}: {message}", folder = folder.display())]
    Wit {
        /// The folder.
        folder: PathBuf,
        /// The message of the parser.
        message: String,
    },
    /// A part of the toolchain is missing.
    #[error("{what} is missing: {fix}")]
    Missing {
        /// The missing part.
        what: String,
        /// What to do about it.
        fix: String,
    },
    /// A program of the toolchain has failed; it has printed why.
    #[error("{program} failed ({status}); its messages are above")]
    Tool {
        /// The program.
        program: String,
        /// Its exit status.
        status: ExitStatus,
        /// What to do about it.
        hint: &'static str,
    },
    /// A program of the toolchain could not be started.
    #[error("cannot run {program}: {source}")]
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
    /// A module imports a system call of WASI.
    #[error("{package} makes a system call ({name} of WASI), which no policy may make")]
    SystemCall {
        /// The package.
        package: String,
        /// The system call.
        name: String,
    },
    /// The component exports nothing that a host could call.
    #[error("{package} exports {exports}, but no role of Provost: {export}")]
    NoRole {
        /// The package.
        package: String,
        /// What it exports.
        exports: String,
        /// What to change.
        export: &'static str,
    },
    /// The component was built against an incompatible version of the contract.
    #[error(
        "{package} was built against provost:plugin@{made_for}, but this provost uses {ours}: {refresh}",
        ours = crate::templates::contract::VERSION
    )]
    OtherContract {
        /// The package.
        package: String,
        /// The version that it was built against.
        made_for: String,
        /// What to change.
        refresh: &'static str,
    },
    /// The component uses an interface that only a newer contract has.
    #[error(
        "{package} uses `provost:plugin/{name}`, which the contract of this provost ({ours}) does not have: install a newer provost, \
         or {refresh}",
        ours = crate::templates::contract::VERSION
    )]
    UnknownInterface {
        /// The package.
        package: String,
        /// The interface.
        name: String,
        /// What to change.
        refresh: &'static str,
    },
    /// A policy imports something of the outside.
    #[error(
        "{package} is a policy but asks for {what} ({names}), which is never granted to a policy: {inside}"
    )]
    Outside {
        /// The package.
        package: String,
        /// The imports.
        names: String,
        /// What they give, for people.
        what: String,
        /// What to change.
        inside: &'static str,
    },
}

impl BuildError {
    /// Returns the function for `map_err` after an operation on `path`.
    pub(super) fn file(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        |source| Self::File { path, source }
    }
}
