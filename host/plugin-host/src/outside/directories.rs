//! The directories that a plugin is granted: opened once, when a version is made, without following a link in any
//! component of the path, and kept for as long as the version. What is moved, replaced or linked after that changes nothing
//! about what was granted.

use std::fs::File;
use std::io;
use std::path::{Component, Path};
use std::sync::LazyLock;

use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, openat, openat2};
use rustix::io::Errno;
use wasmtime_wasi::filesystem::Dir;
use wasmtime_wasi::{FsPerms, OpenMode};

use crate::grants::{Grant, Grants};

/// Whether the kernel has `openat2` and lets this process use it: it came with Linux 5.6, and old sandboxes refuse it.
pub(super) static HAS_OPENAT2: LazyLock<bool> = LazyLock::new(|| {
    openat2(CWD, "/", OFlags::PATH | OFlags::CLOEXEC, Mode::empty(), ResolveFlags::NO_SYMLINKS).is_ok()
});

/// What a directory is opened with. Not with `PATH`: it has to be listed.
const FLAGS: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC).union(OFlags::NONBLOCK);

/// All directories that a plugin is granted, with the names that it knows them by.
#[derive(Clone, Default)]
pub(crate) struct Directories(Vec<(Dir, String)>);

impl Directories {
    /// Opens what these grants name.
    ///
    /// # Errors
    /// Which grant leads to no directory, and why, in words for people.
    pub(crate) fn open(grants: &Grants) -> Result<Self, String> {
        let mut opened = Vec::new();
        for grant in grants.iter() {
            let (path, perms, mode) = match grant {
                Grant::FsRead(path) => (path, FsPerms::ReadOnly, OpenMode::READ),
                Grant::FsWrite(path) => (path, FsPerms::ReadWrite, OpenMode::READ | OpenMode::WRITE),
                _ => continue,
            };
            let dir = open(path)
                .map_err(|error| format!("its grant `{grant}` leads nowhere: {}", explained(path, &error)))?;
            // Its name within the plugin is its name outside, so that settings and messages mean the same.
            opened.push((Dir::new(dir, perms, mode, false), path.to_string_lossy().into_owned()));
        }
        Ok(Self(opened))
    }

    /// Each with its name. A clone shares the descriptor.
    pub(super) fn iter(&self) -> impl Iterator<Item = &(Dir, String)> {
        self.0.iter()
    }
}

fn open(path: &Path) -> io::Result<File> {
    if *HAS_OPENAT2 {
        Ok(openat2(CWD, path, FLAGS, Mode::empty(), ResolveFlags::NO_SYMLINKS)?.into())
    } else {
        open_step_by_step(path)
    }
}

/// The same where there is no `openat2`: each component is opened in the one before it.
fn open_step_by_step(path: &Path) -> io::Result<File> {
    let step = OFlags::PATH | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let mut here = openat(CWD, "/", step, Mode::empty())?;
    for component in path.components() {
        match component {
            Component::RootDir | Component::CurDir | Component::Prefix(_) => {}
            Component::ParentDir => here = openat(&here, "..", step, Mode::empty())?,
            Component::Normal(name) => {
                // With `DIRECTORY`, a link is no directory rather than a loop.
                here = openat(&here, name, step, Mode::empty()).map_err(|errno| match errno {
                    Errno::NOTDIR => Errno::LOOP,
                    other => other,
                })?;
            }
        }
    }
    Ok(openat(&here, ".", FLAGS, Mode::empty())?.into())
}

/// The error, and what to write instead if a component of the path is a link.
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
