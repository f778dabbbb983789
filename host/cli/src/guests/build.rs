//! `provost plugin build DIR`: from the source of a Rust guest to a component beside it.
//!
//! Cargo makes a core module with whatever toolchain there is (`toolchain`), wit-component wraps and checks
//! it, and the digest of the sources (`sources`) is written with it, so that anybody can tell without a
//! wasm toolchain whether a committed component is the one that its sources make.

mod package;
mod sources;
mod toolchain;

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};

pub use sources::source_digest;

use package::Package;
use toolchain::Toolchain;

/// The only target of guests: it has no clock, files or randomness of its own.
const TARGET: &str = "wasm32-unknown-unknown";

/// The namespace of the interfaces that make a component a plugin.
const CONTRACT: &str = "provost:plugin/";

/// A component that was built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Built {
    /// Where it was written.
    pub component: PathBuf,
    /// Its size in bytes.
    pub bytes: u64,
    /// The digest of its sources, as written beside it: `sha256:` and 64 hexadecimal digits.
    pub sources: String,
    /// The interfaces that it asks of the host.
    pub imports: Vec<String>,
    /// The interfaces that it plays its roles by.
    pub exports: Vec<String>,
    /// How it was compiled, in words.
    pub toolchain: String,
}

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
    fn file(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        |source| Self::File { path, source }
    }
}

/// Builds the crate in `dir` into `DIR/NAME.wasm`, NAME being the name of the folder, and writes the digest
/// of its sources into `DIR/NAME.wasm.sources`. Cargo's messages go to standard error.
///
/// # Errors
/// See [`BuildError`]. What was in `dir` before is only ever replaced by a whole, valid component.
pub fn build(dir: &Path) -> Result<Built, BuildError> {
    build_into(dir, dir)
}

/// As [`build`], but writes the component and the digest into the folder `out`.
///
/// # Errors
/// See [`BuildError`].
pub fn build_into(dir: &Path, out: &Path) -> Result<Built, BuildError> {
    let package = Package::find(dir)?;
    let toolchain = Toolchain::find(&package.dir)?;
    // Before compiling: a file that is changed meanwhile must make the digest differ, not agree.
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

/// Has cargo compile the core module, and says where it is.
fn compile(package: &Package, toolchain: &Toolchain) -> Result<PathBuf, BuildError> {
    let target_dir = package.target_dir.join("guests");
    let mut cargo = Command::new("cargo");
    cargo.current_dir(&package.dir).args(["build", "--lib", "--target", TARGET, "--profile", "guest"]);
    cargo.arg("--package").arg(&package.name).arg("--target-dir").arg(&target_dir);
    if !package.has_guest_profile {
        for setting in toolchain::GUEST_PROFILE {
            cargo.args(["--config", setting]);
        }
    }
    // What the caller's environment says about flags is meant for its own programs, not for a component
    // that must come out the same everywhere.
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

/// Compiler flags that keep the paths of this machine out of the component, in cargo's encoding.
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

/// A component, its imports and its exports.
type Encoded = (Vec<u8>, Vec<String>, Vec<String>);

/// Makes a component of the core module.
fn encode(package: &Package, module: &Path) -> Result<Encoded, BuildError> {
    let refused = |message: String| BuildError::Encode { package: package.name.clone(), message };
    let core = fs::read(module).map_err(BuildError::file(module))?;
    let component = wit_component::ComponentEncoder::default()
        .validate(true)
        .module(&core)
        .and_then(|encoder| encoder.encode())
        .map_err(|error| refused(format!("{error:#}")))?;
    let (imports, exports) = interfaces(&component).map_err(refused)?;
    if !exports.iter().any(|name| name.starts_with(CONTRACT)) {
        return Err(BuildError::NoRole { package: package.name.clone() });
    }
    Ok((component, imports, exports))
}

/// The names of what a component imports and exports.
fn interfaces(component: &[u8]) -> Result<(Vec<String>, Vec<String>), String> {
    let decoded = wit_component::decode(component).map_err(|error| format!("{error:#}"))?;
    let wit_component::DecodedWasm::Component(resolve, world) = &decoded else {
        return Err("the encoder made a WIT package of it".to_owned());
    };
    let world = &resolve.worlds[*world];
    let imports = world.imports.keys().map(|key| resolve.name_world_key(key)).collect();
    let exports = world.exports.keys().map(|key| resolve.name_world_key(key)).collect();
    Ok((imports, exports))
}

fn replace(path: &Path, content: &[u8]) -> Result<(), BuildError> {
    let replaced = provost_files::replace(path, provost_files::Access::Umask, &[content]);
    replaced.map_err(|error| BuildError::file(path)(error.into()))
}

#[cfg(test)]
mod tests;
