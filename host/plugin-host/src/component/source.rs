//! The source of a component: this binary, by name, or a file.

use std::borrow::Cow;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use provost_files::{Problem, read_named};

use super::bundled;
use super::error::{COMPONENT_BYTES_MAX, ComponentError, LoadError};

/// The source of a component.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A component inside this binary, by name.
    Bundled(String),
    /// A file.
    Path(PathBuf),
}

impl Source {
    /// Parses the form of the config: `bundled:NAME`, or else a path.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        match text.strip_prefix("bundled:") {
            Some(name) => Self::Bundled(name.to_owned()),
            None => Self::Path(PathBuf::from(text)),
        }
    }

    /// Reads the bytes of the source, whatever they are. They are read only once: editing the file later changes
    /// nothing.
    ///
    /// # Errors
    /// [`LoadError`] if they cannot be read.
    pub fn read(&self) -> Result<Cow<'static, [u8]>, LoadError> {
        match self {
            Self::Bundled(name) => bundled::bytes(name)
                .map(Cow::Borrowed)
                .ok_or_else(|| LoadError::NotBundled { name: name.clone(), bundled: names() }),
            Self::Path(path) => read_file(path).map(Cow::Owned),
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bundled(name) => write!(f, "bundled:{name}"),
            Self::Path(path) => path.display().fmt(f),
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
