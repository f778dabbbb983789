//! The directories that a plugin is granted. They are opened once, when a version is made, without following a link in
//! any component of the path, and stay open as long as the version. Moving, replacing or linking anything later does
//! not change what was granted.

use std::fs::File;
use std::io;
use std::path::{Component, Path};
use std::sync::Arc;

use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, openat, openat2};
use rustix::io::Errno;
use wasmtime_wasi::filesystem::Dir;
use wasmtime_wasi::{FsPerms, OpenMode};

use crate::limits::Limits;
use crate::limits::grants::{Grant, Grants};

use super::opening::HAS_OPENAT2;
use super::quota::Quota;

/// The flags for opening a directory. Not `PATH`: it has to be listed.
const FLAGS: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC).union(OFlags::NONBLOCK);

/// All directories that a plugin is granted, with the names that it knows them by, and the quota of the writable ones.
#[derive(Clone)]
pub(crate) struct Directories {
    all: Vec<(Dir, String)>,
    quota: Arc<Quota>,
}

impl Default for Directories {
    fn default() -> Self {
        Self { all: Vec::new(), quota: Arc::new(Quota::new(0, Vec::new())) }
    }
}

impl Directories {
    /// Opens the directories that these grants name.
    ///
    /// # Errors
    /// The grant whose directory cannot be opened, and the reason, for people.
    pub(crate) fn open(grants: &Grants, limits: &Limits) -> Result<Self, String> {
        let (mut opened, mut roots) = (Vec::new(), Vec::<(&Path, Arc<File>)>::new());
        for grant in grants.iter() {
            let (path, perms, mode) = match grant {
                Grant::FsRead(path) => (path, FsPerms::ReadOnly, OpenMode::READ),
                Grant::FsWrite(path) => (path, FsPerms::ReadWrite, OpenMode::READ | OpenMode::WRITE),
                _ => continue,
            };
            let dir = open(path).map_err(|error| {
                format!("its grant `{grant}` cannot be opened: {}", explained(path, &error))
            })?;
            // The plugin sees the same path as the operator, so that settings and messages mean the same.
            let dir = Dir::new(dir, perms, mode, false);
            // A directory inside another granted one is counted there. Grants are sorted: the outer one comes first.
            if matches!(grant, Grant::FsWrite(_)) && !roots.iter().any(|(above, _)| path.starts_with(above)) {
                roots.push((path, dir.dir.clone()));
            }
            opened.push((dir, path.to_string_lossy().into_owned()));
        }
        let roots = roots.into_iter().map(|(_, root)| root).collect();
        Ok(Self { all: opened, quota: Arc::new(Quota::new(limits.files_bytes_max, roots)) })
    }

    /// Returns each directory with its name. A clone shares the descriptor.
    pub(super) fn iter(&self) -> impl Iterator<Item = &(Dir, String)> {
        self.all.iter()
    }

    /// Returns the quota of the writable directories.
    pub(super) fn quota(&self) -> &Arc<Quota> {
        &self.quota
    }
}

fn open(path: &Path) -> io::Result<File> {
    if *HAS_OPENAT2 {
        Ok(openat2(CWD, path, FLAGS, Mode::empty(), ResolveFlags::NO_SYMLINKS)?.into())
    } else {
        open_step_by_step(path)
    }
}

/// Opens a directory without `openat2`: each component is opened relative to the one before it.
fn open_step_by_step(path: &Path) -> io::Result<File> {
    let step = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut here = openat(CWD, "/", step, Mode::empty())?;
    for component in path.components() {
        match component {
            Component::RootDir | Component::CurDir | Component::Prefix(_) => {}
            Component::ParentDir => here = openat(&here, "..", step, Mode::empty())?,
            Component::Normal(name) => {
                // With `DIRECTORY`, a link is reported as not a directory rather than as a loop.
                here = openat(&here, name, step, Mode::empty()).map_err(|errno| match errno {
                    Errno::NOTDIR => Errno::LOOP,
                    other => other,
                })?;
            }
        }
    }
    Ok(openat(&here, ".", FLAGS, Mode::empty())?.into())
}

/// Formats the error, with the path to grant instead if a component is a link.
fn explained(path: &Path, error: &io::Error) -> String {
    let resolved = std::fs::canonicalize(path).ok().filter(|resolved| resolved != path);
    match resolved {
        Some(resolved) if Errno::from_io_error(error) == Some(Errno::LOOP) => {
            format!("a part of it is a link, and links are not followed: grant `{}`", resolved.display())
        }
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_link_is_followed_in_any_component_and_the_real_path_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        std::fs::create_dir_all(root.join("real/within")).unwrap();
        std::fs::write(root.join("real/file"), "").unwrap();
        std::os::unix::fs::symlink("real", root.join("link")).unwrap();
        for opens in [open, open_step_by_step] {
            assert!(opens(&root.join("real/within")).is_ok());
            assert!(opens(&root.join("real/../real")).is_ok());
            for linked in ["link", "link/within"] {
                let error = opens(&root.join(linked)).unwrap_err();
                let why = explained(&root.join(linked), &error);
                assert!(why.contains("links are not followed") && why.contains("real"), "{linked}: {why}");
            }
            assert!(opens(&root.join("real/file")).is_err() && opens(&root.join("nowhere")).is_err());
        }
    }
}
