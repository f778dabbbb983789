//! The components that were pulled, on disk. The entry of a reference has the name of its digest: `DIGEST.wasm` is the
//! component, `DIGEST.wasm.minisig` its signature, and `DIGEST.json` the manifest of one from a registry.
//!
//! An entry is checked against its digest whenever it is used, so a damaged one is pulled again. The least recently used
//! entries are removed first, and none that a host has in use. Two programs may pull the same at the same time: both write
//! the same bytes, each file at once.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use provost_files::{
    Access, CacheBounds, Endings, FileError, Owners, hold, make_room, open_own, own_dir_in_safe_place,
    read_own, replace,
};
use rustix::fs::{Timespec, Timestamps, UTIME_NOW, futimens};

use crate::manifest::MANIFEST_BYTES_MAX;
use crate::pulled::{Mismatch, Pulled};
use crate::reference::Reference;
use crate::{COMPONENT_BYTES_MAX, SIGNATURE_BYTES_MAX};

/// The ending of a component.
const COMPONENT: &str = "wasm";
/// The ending of its signature.
const SIGNATURE: &str = "wasm.minisig";
/// The ending of its manifest.
const MANIFEST: &str = "json";
/// How entries end, and what lies beside them.
const ENDINGS: Endings = Endings { entry: COMPONENT, beside: &[SIGNATURE, MANIFEST] };

/// The components that were pulled.
#[derive(Clone, Debug)]
pub struct Store {
    dir: PathBuf,
    owners: Owners,
    bounds: CacheBounds,
}

/// An entry of the store. As long as this is held, the entry is not removed.
#[derive(Debug)]
pub struct Kept {
    /// The component. Its signature is beside it.
    pub path: PathBuf,
    /// The open file, which holds a shared lock.
    pub lease: File,
}

/// Why a component cannot be kept.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// It is not what the reference means.
    #[error(transparent)]
    Mismatch(#[from] Mismatch),
    /// A file of the store cannot be written.
    #[error("it cannot be kept: {0}")]
    File(#[from] FileError),
}

impl Store {
    /// Creates the store in `dir`, whose parents may belong to `owners`. The directory is created when something is kept.
    #[must_use]
    pub fn new(dir: PathBuf, owners: Owners, bounds: CacheBounds) -> Self {
        Self { dir, owners, bounds }
    }

    /// Returns the entry of a reference that has a digest, if there is one that is undamaged.
    #[must_use]
    pub fn find(&self, reference: &Reference) -> Option<Kept> {
        // A missing directory is not created here.
        own_dir_in_safe_place(Some(&*self.dir).filter(|dir| dir.is_dir())?, self.owners).ok()?;
        let path = self.path(reference, COMPONENT)?;
        let lease = open_own(&path).ok()?;
        hold(&lease);
        let part =
            |ending: &str, bytes_max: usize| read_own(&self.path(reference, ending)?, bytes_max as u64).ok();
        let signature = part(SIGNATURE, SIGNATURE_BYTES_MAX).and_then(|text| String::from_utf8(text).ok());
        let pulled = Pulled {
            manifest: part(MANIFEST, MANIFEST_BYTES_MAX),
            component: read_own(&path, COMPONENT_BYTES_MAX).ok()?,
            signature,
        };
        pulled.check(reference).ok()?;
        touch(&lease);
        Some(Kept { path, lease })
    }

    /// Whether there is anything in the place of the entry of a reference that has a digest, usable or not.
    #[must_use]
    pub fn has_remains(&self, reference: &Reference) -> bool {
        self.path(reference, COMPONENT).is_some_and(|path| path.symlink_metadata().is_ok())
    }

    /// Keeps what was pulled by a reference, and makes room for it.
    ///
    /// # Errors
    /// [`StoreError`] if it is not what the reference means, or cannot be written.
    pub fn keep(&self, reference: &Reference, pulled: &Pulled) -> Result<Kept, StoreError> {
        let digest = pulled.check(reference)?;
        own_dir_in_safe_place(&self.dir, self.owners)?;
        let path = |ending: &str| self.dir.join(format!("{}.{ending}", digest.digits()));
        let write = |ending: &str, bytes: &[u8]| {
            clear(&path(ending));
            replace(&path(ending), Access::Private, &[bytes])
        };
        if let Some(manifest) = &pulled.manifest {
            write(MANIFEST, manifest)?;
        }
        match &pulled.signature {
            Some(signature) => write(SIGNATURE, signature.as_bytes())?,
            None => {
                clear(&path(SIGNATURE));
                remove(&path(SIGNATURE));
            }
        }
        // The last one: without it there is no entry.
        write(COMPONENT, &pulled.component)?;
        let lease = open_own(&path(COMPONENT))?;
        hold(&lease);
        if let Ok(now) = lease.metadata().and_then(|metadata| metadata.modified()) {
            // What cannot be removed now is tried again the next time.
            let _ = make_room(&self.dir, ENDINGS, self.bounds, now);
        }
        Ok(Kept { path: path(COMPONENT), lease })
    }

    fn path(&self, reference: &Reference, ending: &str) -> Option<PathBuf> {
        Some(self.dir.join(format!("{}.{ending}", reference.digest()?.digits())))
    }
}

/// Removes a folder that is in the place of a file, which would keep the file from being written. If it cannot be removed, writing
/// the file fails.
fn clear(path: &Path) {
    if path.symlink_metadata().is_ok_and(|metadata| metadata.is_dir()) {
        let _ = fs::remove_dir_all(path);
    }
}

/// Removes a file that may not exist. One that cannot be removed is found to be unusable later.
fn remove(path: &Path) {
    let _ = fs::remove_file(path);
}

/// Records the present as the time of the last use. If that fails, the entry is removed earlier than others.
fn touch(file: &File) {
    let now = Timespec { tv_sec: 0, tv_nsec: UTIME_NOW };
    let _ = futimens(file, &Timestamps { last_access: now, last_modification: now });
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::digest::Digest;
    use crate::manifest::SIGNATURE as ANNOTATION;
    use crate::written::{document, manifest};

    const BOUNDS: CacheBounds = CacheBounds { bytes_max: 1 << 20, age_ms_max: u64::MAX };

    fn store(dir: &tempfile::TempDir, bounds: CacheBounds) -> Store {
        Store::new(dir.path().join("pulled"), Owners::default(), bounds)
    }

    /// An artifact with this component.
    fn artifact(component: &[u8], signature: Option<&str>) -> (Reference, Pulled) {
        let annotations = signature.map(|text| (ANNOTATION.to_owned(), text.to_owned()));
        let document = document(&Digest::of(component), &[], &[]);
        let manifest = manifest(component, &document, BTreeMap::from_iter(annotations));
        let reference = Reference::parse("oci://r/n").unwrap().with_digest(Digest::of(&manifest));
        let signature = signature.map(str::to_owned);
        (reference, Pulled { manifest: Some(manifest), component: component.to_vec(), signature })
    }

    /// A file of a server.
    fn file(component: &[u8]) -> (Reference, Pulled) {
        let reference = Reference::parse("https://h/n.wasm").unwrap().with_digest(Digest::of(component));
        (reference, Pulled { manifest: None, component: component.to_vec(), signature: None })
    }

    #[test]
    fn what_is_kept_is_found_with_its_signature_beside_it() {
        let dir = tempfile::tempdir().unwrap();
        let store = store(&dir, BOUNDS);
        let (reference, pulled) = artifact(b"one", Some("signed"));
        assert!(store.find(&reference).is_none());
        drop(store.keep(&reference, &pulled).unwrap());
        let found = store.find(&reference).unwrap();
        assert_eq!(fs::read(&found.path).unwrap(), b"one");
        assert_eq!(fs::read(found.path.with_added_extension("minisig")).unwrap(), b"signed");
        let (reference, pulled) = file(b"two");
        store.keep(&reference, &pulled).unwrap();
        let found = store.find(&reference).unwrap();
        assert_eq!(fs::read(&found.path).unwrap(), b"two");
        assert!(!found.path.with_added_extension("minisig").exists());
    }

    #[test]
    fn an_entry_in_which_anything_was_changed_is_not_found() {
        let dir = tempfile::tempdir().unwrap();
        let store = store(&dir, BOUNDS);
        let (reference, pulled) = artifact(b"one", Some("signed"));
        for ending in [COMPONENT, SIGNATURE, MANIFEST] {
            drop(store.keep(&reference, &pulled).unwrap());
            let path = store.path(&reference, ending).unwrap();
            fs::write(&path, b"other").unwrap();
            assert!(store.find(&reference).is_none(), "{ending}");
            fs::remove_file(&path).unwrap();
            assert!(store.find(&reference).is_none(), "{ending}");
        }
        assert!(store.keep(&reference, &pulled).is_ok() && store.find(&reference).is_some());
    }

    #[test]
    fn a_folder_in_the_place_of_an_entry_is_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let store = store(&dir, BOUNDS);
        let (reference, pulled) = artifact(b"one", Some("signed"));
        drop(store.keep(&reference, &pulled).unwrap());
        for ending in [COMPONENT, SIGNATURE, MANIFEST] {
            let path = store.path(&reference, ending).unwrap();
            fs::remove_file(&path).unwrap();
            fs::create_dir(&path).unwrap();
            fs::write(path.join("file"), "").unwrap();
            assert!(store.find(&reference).is_none() && store.has_remains(&reference), "{ending}");
            drop(store.keep(&reference, &pulled).unwrap());
            assert!(store.find(&reference).is_some(), "{ending}");
        }
    }

    #[test]
    fn what_the_reference_does_not_mean_is_not_kept() {
        let dir = tempfile::tempdir().unwrap();
        let store = store(&dir, BOUNDS);
        let ((reference, one), (other, _)) = (artifact(b"one", None), file(b"two"));
        let (_, two) = artifact(b"two", None);
        let changed = Pulled { component: b"two".to_vec(), ..one.clone() };
        let signed = Pulled { signature: Some("other".to_owned()), ..one.clone() };
        for (reference, pulled) in
            [(&reference, &two), (&reference, &changed), (&reference, &signed), (&other, &one)]
        {
            let error = store.keep(reference, pulled).unwrap_err();
            assert!(matches!(error, StoreError::Mismatch(_)), "{error}");
        }
        assert!(!dir.path().join("pulled").exists());
    }

    #[test]
    fn the_least_recently_used_entry_is_removed_first_and_none_that_is_in_use() {
        let dir = tempfile::tempdir().unwrap();
        let store = store(&dir, CacheBounds { bytes_max: 8, ..BOUNDS });
        let (one, two, three) = (artifact(b"one.", None), artifact(b"two.", None), artifact(b"three", None));
        let held = store.keep(&one.0, &one.1).unwrap();
        drop(store.keep(&two.0, &two.1).unwrap());
        drop(store.keep(&three.0, &three.1).unwrap());
        assert!(store.find(&one.0).is_some(), "it is in use");
        assert!(store.find(&two.0).is_none());
        assert!(store.find(&three.0).is_some());
        let left = fs::read_dir(&store.dir).unwrap().count();
        assert_eq!(left, 4, "two components, each with its manifest");
        drop(held);
        drop(store.keep(&two.0, &two.1).unwrap());
        assert!(store.find(&one.0).is_none());
        assert!(store.find(&two.0).is_some());
    }

    #[test]
    fn a_store_that_others_may_write_is_not_used() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let store = store(&dir, BOUNDS);
        let (reference, pulled) = file(b"one");
        drop(store.keep(&reference, &pulled).unwrap());
        fs::set_permissions(&store.dir, fs::Permissions::from_mode(0o777)).unwrap();
        assert!(store.find(&reference).is_none());
        assert!(matches!(store.keep(&reference, &pulled), Err(StoreError::File(_))));
    }
}
