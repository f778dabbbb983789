//! The source of a component: this binary, by name, a file, or a place elsewhere.

use std::borrow::Cow;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use provost_files::{Problem, read_named};
use provost_state::naming;

use super::bundled;
use super::error::{COMPONENT_BYTES_MAX, ComponentError, LoadError};
use super::remote::{FetchLease, Remote};

/// What references to components elsewhere begin with.
const ELSEWHERE: [&str; 3] = ["oci://", "https://", "http://"];

/// The source of a component.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A component inside this binary, by name.
    Bundled(String),
    /// A file.
    Path(PathBuf),
    /// A place elsewhere, by a reference with a digest.
    Remote(String),
}

/// A component that was read.
pub(crate) struct Obtained {
    pub(crate) bytes: Cow<'static, [u8]>,
    /// The file that it was read from; `None` of one in this binary.
    pub(crate) path: Option<PathBuf>,
    /// Keeps that file, if it was fetched.
    pub(crate) lease: Option<FetchLease>,
}

impl Source {
    /// Parses the form of the config: `bundled:NAME`, `oci://…`, `https://…`, or else a path.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        match text.strip_prefix("bundled:") {
            Some(name) => Self::Bundled(name.to_owned()),
            None if ELSEWHERE.iter().any(|scheme| text.starts_with(scheme)) => Self::Remote(text.to_owned()),
            None => Self::Path(PathBuf::from(text)),
        }
    }

    /// Returns the reference of one that is elsewhere.
    pub(crate) fn reference(&self) -> Option<&str> {
        match self {
            Self::Remote(reference) => Some(reference),
            Self::Bundled(_) | Self::Path(_) => None,
        }
    }

    /// Reads the bytes of the source, whatever they are; `remote` finds those that are elsewhere. They are read only once:
    /// editing the file later changes nothing.
    ///
    /// # Errors
    /// [`LoadError`] if they cannot be read.
    pub fn read(&self, remote: &dyn Remote) -> Result<Cow<'static, [u8]>, LoadError> {
        self.obtain(remote).map(|obtained| obtained.bytes)
    }

    /// Does the same, and returns the file that was read, too.
    pub(crate) fn obtain(&self, remote: &dyn Remote) -> Result<Obtained, LoadError> {
        let (path, lease) = match self {
            Self::Bundled(name) => {
                let bytes = bundled::bytes(name).map(Cow::Borrowed);
                let none = || LoadError::NotBundled {
                    name: name.clone(),
                    nearest: naming::nearest(name, bundled::bundled_names().iter().copied()),
                    bundled: names(),
                };
                return Ok(Obtained { bytes: bytes.ok_or_else(none)?, path: None, lease: None });
            }
            Self::Path(path) => (path.clone(), None),
            Self::Remote(reference) => {
                let fetched = remote.component(reference)?;
                (fetched.path, Some(fetched.lease))
            }
        };
        Ok(Obtained { bytes: Cow::Owned(read_file(&path)?), path: Some(path), lease })
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bundled(name) => write!(f, "bundled:{name}"),
            Self::Path(path) => path.display().fmt(f),
            Self::Remote(reference) => f.write_str(reference),
        }
    }
}

fn names() -> String {
    bundled::bundled_names().join("`, `")
}

fn read_file(path: &Path) -> Result<Vec<u8>, LoadError> {
    let unreadable = |source| match io::Error::kind(&source) {
        io::ErrorKind::NotFound => LoadError::Missing { path: path.to_owned() },
        io::ErrorKind::IsADirectory => LoadError::Directory { path: path.to_owned() },
        _ => LoadError::Unreadable { path: path.to_owned(), source },
    };
    if path.as_os_str().is_empty() {
        return Err(LoadError::NoPath);
    }
    read_named(path, COMPONENT_BYTES_MAX).map_err(|error| match error.problem {
        Problem::TooLarge { bytes, .. } => {
            let problem = ComponentError::TooLarge { bytes };
            LoadError::Component { component: path.display().to_string(), problem }
        }
        _ => unreadable(error.into()),
    })
}
