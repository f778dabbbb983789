//! Compiled code on disk, so that a host starts in milliseconds whatever language its plugins were written in.
//!
//! An entry is machine code, and anyone who can write one runs code as this user. So the directory is private (0700),
//! nobody else can exchange a directory above it, an entry that somebody else owns or may write is never loaded, and
//! entries from outside are never accepted. The name of an entry is its key, a SHA-256 over everything that the code
//! depends on: the component, the engine's settings, and the versions of wasmtime and of this host. The entry also
//! contains the key and a digest over key and code, so an entry that was damaged, truncated or copied over another one
//! is recompiled and replaced.
//!
//! The code is read and not mapped: if a file were truncated later, or a disk failed, the next call would crash the
//! host.
//!
//! The cache is optional: if anything is wrong with it, the host compiles and goes on.

use std::hash::{Hash, Hasher};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

pub use provost_files::CacheBounds;
use provost_files::{
    Access, Endings, Owners, hold, make_room, open_own, own_dir_in_safe_place, read_open, replace,
};
use sha2::{Digest, Sha256};
use wasmtime::component::Component;
use wasmtime::{Engine, Precompiled};

use crate::engine::Layout;
use crate::text::one_line;

use super::compiler::{CompileError, Compiler};
use super::digest::{Sha, hex};
use super::error::ComponentError;

/// A part of every key; changes when the layout of an entry does.
const LAYOUT: &str = "provost-cache-2";

/// How its entries end.
const ENDINGS: Endings = Endings { entry: "cwasm", beside: &[] };

/// The length of a SHA-256 in bytes. An entry is its key, the digest over key and code, and the code.
const DIGEST_BYTES: usize = 32;

/// The largest entry that is read, in bytes. The code of the largest accepted component is far smaller.
const ENTRY_BYTES_MAX: u64 = 1 << 30;

/// How often the cache was used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CacheCounts {
    /// The number of components loaded from the cache.
    pub hits: u64,
    /// The number of components compiled because there was no entry, or there is no cache.
    pub misses: u64,
    /// The number of components compiled because their entry was damaged, foreign or open to others.
    pub rejected: u64,
}

/// Compiles components, or finds them in the cache.
#[derive(Debug)]
pub(crate) struct Cache {
    dir: Option<PathBuf>,
    bounds: CacheBounds,
    compiler: Arc<dyn Compiler>,
    hits: AtomicU64,
    misses: AtomicU64,
    rejected: AtomicU64,
}

/// A component that is ready to run.
pub(crate) struct Compiled {
    pub(crate) component: Component,
    /// Keeps its entry in the cache for as long as it is in use.
    pub(crate) lease: Option<Arc<Lease>>,
}

/// Marks an entry as in use for anything that makes room in the cache. It ends with the process at the latest.
#[derive(Debug)]
pub(crate) struct Lease(
    #[expect(dead_code, reason = "it is the open file that holds the lock")] std::fs::File,
);

/// Why a component could not be made ready to run.
#[derive(Debug)]
pub(crate) enum Unready {
    /// The component is not valid.
    Invalid(ComponentError),
    /// It is valid, but needs more than any plugin can have (tables, memories, …).
    Unfit(String),
    /// It could not be compiled; continues a sentence after the name of the component.
    Failed(String),
}

impl Unready {
    /// Returns the reason for which the component is refused.
    ///
    /// # Errors
    /// The problem of a component that is not valid, which is a mistake and no refusal.
    pub(crate) fn refusal(self) -> Result<String, ComponentError> {
        match self {
            Self::Invalid(problem) => Err(problem),
            Self::Unfit(why) => Ok(format!("it wants more than a plugin can have: {why}")),
            Self::Failed(why) => Ok(format!("it {why}")),
        }
    }
}

impl From<CompileError> for Unready {
    fn from(error: CompileError) -> Self {
        match error {
            CompileError::Invalid(why) => Self::Invalid(ComponentError::Invalid(why)),
            CompileError::Failed(why) => Self::Failed(why),
        }
    }
}

impl Cache {
    /// Creates a cache in `dir`, which is created below directories of `owners`. Without one, it compiles every time.
    pub(crate) fn new(
        dir: Option<PathBuf>,
        owners: Owners,
        bounds: CacheBounds,
        compiler: Arc<dyn Compiler>,
    ) -> Self {
        let dir = dir.filter(|dir| match own_dir_in_safe_place(dir, owners) {
            Ok(()) => true,
            Err(error) => {
                tracing::warn!("compiled plugins are not cached: {error}");
                false
            }
        });
        let cache = Self {
            dir,
            bounds,
            compiler,
            hits: AtomicU64::new(0),
            misses: AtomicU64::new(0),
            rejected: AtomicU64::new(0),
        };
        cache.make_room();
        cache
    }

    pub(crate) fn counts(&self) -> CacheCounts {
        CacheCounts {
            hits: self.hits.load(Ordering::Relaxed),
            misses: self.misses.load(Ordering::Relaxed),
            rejected: self.rejected.load(Ordering::Relaxed),
        }
    }

    /// Returns the component of these bytes, ready to run on `engine` with this layout of memories.
    pub(crate) fn compiled(
        &self,
        engine: &Engine,
        layout: Layout,
        bytes: &[u8],
    ) -> Result<Compiled, Unready> {
        let key = key(engine, bytes);
        let path = self.dir.as_ref().map(|dir| dir.join(format!("{}.{}", hex(&key), ENDINGS.entry)));
        if let Some(path) = &path {
            match found(engine, path, &key) {
                Ok(compiled) => {
                    self.hits.fetch_add(1, Ordering::Relaxed);
                    return Ok(compiled);
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
        let code = self.compiler.compile(bytes, layout)?;
        let component = deserialize(engine, &code).map_err(|error| Unready::Unfit(one_line(&error)))?;
        let lease = path.as_ref().and_then(|path| self.keep(path, &key, &code));
        Ok(Compiled { component, lease })
    }

    /// Writes an entry, and makes room for it.
    fn keep(&self, path: &Path, key: &[u8], code: &[u8]) -> Option<Arc<Lease>> {
        if let Err(error) = replace(path, Access::Private, &[key, &digest(key, code), code]) {
            tracing::warn!("a compiled plugin could not be cached: {error}");
            return None;
        }
        let lease = open_own(path).ok().map(lease);
        self.make_room();
        lease
    }

    fn make_room(&self) {
        if let Some(dir) = &self.dir
            && let Err(error) = make_room(dir, ENDINGS, self.bounds, crate::clock::wall())
        {
            tracing::warn!(dir = %dir.display(), %error, "the cache of compiled plugins could not be cleaned up");
        }
    }
}

/// Keeps an open entry for as long as the lease lives.
fn lease(file: std::fs::File) -> Arc<Lease> {
    hold(&file);
    Arc::new(Lease(file))
}

/// Turns compiled code into a component.
fn deserialize(engine: &Engine, code: &[u8]) -> wasmtime::Result<Component> {
    if !matches!(Engine::detect_precompiled(code), Some(Precompiled::Component)) {
        return Err(wasmtime::Error::msg("this is not a compiled component"));
    }
    #[expect(unsafe_code, reason = "compiled code can only be trusted, not checked: see SAFETY")]
    // SAFETY: `code` was made by `precompile_component` of an engine with these settings: either just now by the
    // compiler that this host was given, or by that of an earlier host, as `found` has checked: the file belongs to
    // this user, nobody else may write it or its directory or exchange one above it, and its digest over key and code
    // shows that it was written for this key. Wasmtime itself refuses code of other settings or versions.
    unsafe {
        Component::deserialize(engine, code)
    }
}

/// Computes the key from everything that the code depends on.
fn key(engine: &Engine, bytes: &[u8]) -> [u8; DIGEST_BYTES] {
    let mut sha = Sha(Sha256::new());
    sha.write(LAYOUT.as_bytes());
    sha.write(env!("CARGO_PKG_VERSION").as_bytes());
    // The hash covers the settings, the target and the version of wasmtime.
    engine.precompile_compatibility_hash().hash(&mut sha);
    sha.write(&Sha256::digest(bytes));
    sha.0.finalize().into()
}

/// Computes the digest that binds code to its key.
fn digest(key: &[u8], code: &[u8]) -> [u8; DIGEST_BYTES] {
    Sha256::new().chain_update(key).chain_update(code).finalize().into()
}

/// Why an entry is not used.
enum Unusable {
    Absent,
    Because(String),
}

impl Unusable {
    fn because(why: impl std::fmt::Display) -> Self {
        Self::Because(why.to_string())
    }
}

/// Returns the component of an entry, if the entry can be trusted.
fn found(engine: &Engine, path: &Path, key: &[u8]) -> Result<Compiled, Unusable> {
    // All checks are made on the open file, so that it cannot be exchanged in between.
    let file = match open_own(path) {
        Ok(file) => file,
        Err(error) if error.is_missing() => return Err(Unusable::Absent),
        Err(error) => return Err(Unusable::because(io::Error::from(error))),
    };
    let same = file.try_clone().map_err(Unusable::because)?;
    let entry = read_open(path, same, ENTRY_BYTES_MAX).map_err(|error| Unusable::because(error.problem))?;
    let component =
        deserialize(engine, code(&entry, key)?).map_err(|error| Unusable::Because(one_line(&error)))?;
    // The modification time records the last use. If it cannot be written, the entry is removed earlier than others.
    let _ = file.set_modified(crate::clock::wall());
    Ok(Compiled { component, lease: Some(lease(file)) })
}

/// Returns the code of an entry, if it was written for this key.
fn code<'e>(entry: &'e [u8], key: &[u8]) -> Result<&'e [u8], Unusable> {
    let cut_off = || Unusable::because("it is cut off");
    let (its_key, rest) = entry.split_at_checked(DIGEST_BYTES).ok_or_else(cut_off)?;
    let (its_digest, code) = rest.split_at_checked(DIGEST_BYTES).ok_or_else(cut_off)?;
    if its_digest != digest(its_key, code) {
        return Err(Unusable::because("it is damaged: its digest does not match"));
    }
    if its_key != key {
        return Err(Unusable::because(
            "it was written for another component, or by another version of the host",
        ));
    }
    Ok(code)
}
