//! The errors of making and refreshing a project.

use std::io;
use std::path::{Path, PathBuf};

use provost_state::naming::BadName;

/// The reason why a project could not be made or refreshed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ProjectError {
    /// The name cannot be that of a plugin.
    #[error("{0}")]
    Name(#[from] BadName),
    /// The name cannot be that of a package.
    #[error("`{name}` cannot be the name of a project: {why}")]
    Package {
        /// The name.
        name: String,
        /// The rule that it breaks.
        why: &'static str,
    },
    /// There is something at the place of the project.
    #[error("{folder} exists already and is not an empty folder", folder = folder.display())]
    Occupied {
        /// The folder.
        folder: PathBuf,
    },
    /// The folder holds files, and none of them is of the contract.
    #[error("{folder} is not empty, and has no copy of the contract that could be replaced", folder = folder.display())]
    NotTheContract {
        /// The folder.
        folder: PathBuf,
    },
    /// The folder has no project with a copy of the SDK.
    #[error("{manifest} does not depend on a copy of the SDK in .provost/sdk", manifest = manifest.display())]
    NoCopy {
        /// The manifest.
        manifest: PathBuf,
    },
    /// A part of a project is a link, which could lead anywhere.
    #[error("{path} is a symbolic link, which is not followed here", path = path.display())]
    Link {
        /// The link.
        path: PathBuf,
    },
    /// A file or folder cannot be read or written.
    #[error("{path}: {source}", path = path.display())]
    File {
        /// The file or folder.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// The manifests that the binary carries do not fit together, which a test excludes.
    #[error("the manifest of the SDK cannot be made: {0}")]
    Manifest(String),
}

impl ProjectError {
    /// Returns the function for `map_err` after an operation on `path`.
    pub(super) fn file(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        |source| Self::File { path, source }
    }

    /// Returns what to do next.
    pub(crate) fn hint(&self) -> &'static str {
        match self {
            Self::Name(bad) => bad.hint(),
            Self::Package { .. } => {
                "use lower-case letters, digits, `-` and `_`, beginning with a letter, such as `night-watch`"
            }
            Self::Occupied { .. } => "choose another name, or another folder with --dir; nothing was changed",
            Self::NotTheContract { .. } => "choose a new or empty folder; nothing was changed",
            Self::NoCopy { .. } => "this command is for Rust projects that were made by `provost plugin new`",
            Self::Link { .. } => "replace the link by its target; nothing was changed",
            Self::File { .. } => "check that the folder exists, and that you may write there",
            Self::Manifest(_) => "this is a defect of provost: please report it",
        }
    }
}
