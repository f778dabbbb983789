//! Compiled code on disk, so that a host starts in milliseconds whatever its plugins were written in.
//!
//! An entry is machine code, and whoever can write one runs code as this user: so the directory is this user's
//! alone (0700), an entry that anybody else owns or may write is never loaded, and no entry is accepted from
//! outside. Its own SHA-256 stands at the end of each entry: one that was damaged or cut off is recompiled
//! and replaced. Its name is made of all that it depends on: the component, the engine's settings and the
//! version of wasmtime.
//!
//! The cache is a help and never a condition: when anything is wrong with it, the host compiles and goes on.

use std::hash::{Hash, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use provost_files::{Access, FileError};
use sha2::{Digest, Sha256};
use wasmtime::component::Component;
use wasmtime::{Engine, Precompiled};

use crate::component::{ComponentError, hex};
use crate::engine::flat;

/// Part of every key: changes when the layout of an entry does.
const LAYOUT: &str = "provost-cache-1";

/// The length of the SHA-256 at the end of an entry, in bytes.
const DIGEST_BYTES: usize = 32;

/// The largest entry that is read, in bytes. The code of the largest component that is loaded is far smaller.
const ENTRY_BYTES_MAX: u64 = 2 << 30;

/// How often the cache was of use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CacheCounts {
    /// Components loaded from the cache.
    pub hits: u64,
    /// Components compiled because the cache had no entry, or there is no cache.
    pub misses: u64,
    /// Components compiled because their entry was damaged, foreign or open to others.
    pub rejected: u64,
}

/// Compiles components, or finds them compiled.
#[derive(Debug)]
pub(crate) struct Cache {
    dir: Option<PathBuf>,
    hits: AtomicU64,
    misses: AtomicU64,
    rejected: AtomicU64,
}

/// Why a component could not be made ready to run.
pub(crate) enum CompileError {
    /// It is not valid.
    Invalid(ComponentError),
    /// It is valid, and wants more than any plugin can have (tables, memories, …).
    Unfit(String),
}

impl Cache {
    /// A cache in `dir`, which is created; or none, which compiles every time.
    pub(crate) fn new(dir: Option<PathBuf>) -> Self {
        let dir = dir.filter(|dir| match provost_files::own_dir(dir) {
            Ok(()) => true,
            Err(error) => {
                tracing::warn!("compiled plugins are not cached: {error}");
                false
            }
        });
        Self { dir, hits: AtomicU64::new(0), misses: AtomicU64::new(0), rejected: AtomicU64::new(0) }
    }

    pub(crate) fn counts(&self) -> CacheCounts {
        CacheCounts {
            hits: self.hits.load(Ordering::Relaxed),
            misses: self.misses.load(Ordering::Relaxed),
            rejected: self.rejected.load(Ordering::Relaxed),
        }
    }

    /// The component of these bytes, ready to run on `engine`.
    pub(crate) fn compiled(&self, engine: &Engine, bytes: &[u8]) -> Result<Component, CompileError> {
        let path = self.dir.as_ref().map(|dir| dir.join(key(engine, bytes)));
        if let Some(path) = &path {
            match read_entry(path).and_then(|code| Ok(deserialize(engine, &code)?)) {
                Ok(component) => {
                    self.hits.fetch_add(1, Ordering::Relaxed);
                    return Ok(component);
                }
                Err(Unusable::Absent) => {
                    self.misses.fetch_add(1, Ordering::Relaxed);
                }
                Err(Unusable::Because(why)) => {
                    tracing::warn!(entry = %path.display(), why, "recompiling a plugin: its cache entry is unusable");
                    self.rejected.fetch_add(1, Ordering::Relaxed);
                }
            }
        } else {
            self.misses.fetch_add(1, Ordering::Relaxed);
        }
        let code = compile(engine, bytes)?;
        let component = deserialize(engine, &code).map_err(|error| CompileError::Unfit(flat(&error)))?;
        if let Some(path) = &path
            && let Err(error) = write_entry(path, &code)
        {
            tracing::warn!("a compiled plugin could not be cached: {error}");
        }
        Ok(component)
    }
}

/// Compiles a component. The compiler panics where it cannot start its threads; then this component is not compiled.
fn compile(engine: &Engine, bytes: &[u8]) -> Result<Vec<u8>, CompileError> {
    let compiled = catch_unwind(AssertUnwindSafe(|| engine.precompile_component(bytes)));
    match compiled {
        Ok(code) => code.map_err(|error| CompileError::Invalid(ComponentError::Invalid(flat(&error)))),
        Err(_) => {
            Err(CompileError::Unfit("the compiler panicked; the host's standard error says why".to_owned()))
        }
    }
}

/// Turns compiled code into a component.
fn deserialize(engine: &Engine, code: &[u8]) -> wasmtime::Result<Component> {
    if !matches!(Engine::detect_precompiled(code), Some(Precompiled::Component)) {
        return Err(wasmtime::Error::msg("this is not a compiled component"));
    }
    #[expect(unsafe_code, reason = "compiled code can only be trusted, not checked: see SAFETY")]
    // SAFETY: `code` was made by `precompile_component` of an engine with these settings: either just now
    // in this process, or by an earlier one, as `read_entry` has made sure: the file belongs to this user or to root, nobody
    // else may write it or its directory, and its digest says that it is what was written. Wasmtime itself refuses
    // code of other settings or versions.
    unsafe {
        Component::deserialize(engine, code)
    }
}

/// The file name of an entry: all that the code depends on.
fn key(engine: &Engine, bytes: &[u8]) -> String {
    /// `precompile_compatibility_hash` can only be fed to a `Hasher`.
    struct Sha(Sha256);
    impl Hasher for Sha {
        fn write(&mut self, bytes: &[u8]) {
            self.0.update(bytes);
        }
        fn finish(&self) -> u64 {
            0
        }
    }
    let mut sha = Sha(Sha256::new());
    sha.write(LAYOUT.as_bytes());
    // The settings, the target and the version of wasmtime.
    engine.precompile_compatibility_hash().hash(&mut sha);
    sha.write(&Sha256::digest(bytes));
    format!("{}.cwasm", hex(&sha.0.finalize()))
}

/// Why an entry is not used.
enum Unusable {
    Absent,
    Because(String),
}

impl From<FileError> for Unusable {
    fn from(error: FileError) -> Self {
        match error.is_missing() {
            true => Self::Absent,
            false => Self::Because(error.problem.to_string()),
        }
    }
}

impl From<wasmtime::Error> for Unusable {
    fn from(error: wasmtime::Error) -> Self {
        Self::Because(flat(&error))
    }
}

/// The code of an entry that may be trusted.
fn read_entry(path: &Path) -> Result<Vec<u8>, Unusable> {
    let mut entry = provost_files::read_own(path, ENTRY_BYTES_MAX)?;
    let Some(code_bytes) = entry.len().checked_sub(DIGEST_BYTES) else {
        return Err(Unusable::Because("it is cut off".to_owned()));
    };
    let digest = entry.split_off(code_bytes);
    if Sha256::digest(&entry)[..] != digest[..] {
        return Err(Unusable::Because("it is damaged: its digest does not fit".to_owned()));
    }
    Ok(entry)
}

fn write_entry(path: &Path, code: &[u8]) -> Result<(), FileError> {
    provost_files::replace(path, Access::Private, &[code, &Sha256::digest(code)])
}
