//! The files of a project, and whether they have changed. What a build makes does not belong to them.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// The most files of a project.
const FILES_MAX: usize = 20_000;

/// The folders that builds and package managers make.
const MADE: [&str; 4] = ["target", "node_modules", "__pycache__", "venv"];

/// The file that cargo writes while it builds; it belongs to the sources as well.
const LOCK: &str = "Cargo.lock";

/// A version of a file: the same stamp means the same content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    modified: (i64, i64),
    bytes: u64,
    /// Another one if the file was replaced.
    inode: u64,
}

/// The files of a project at one time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Look(BTreeMap<PathBuf, Stamp>);

impl Look {
    /// Looks at all files below these folders, and calls `visit` for each folder before it is read. Links to folders are not
    /// followed, except for those that are given. What is removed meanwhile is left out.
    ///
    /// # Errors
    /// A folder cannot be read or visited, or there are too many files.
    pub(super) fn at(roots: &[PathBuf], mut visit: impl FnMut(&Path) -> io::Result<()>) -> io::Result<Self> {
        let mut look = Self::default();
        let mut waiting = roots.to_vec();
        while let Some(folder) = waiting.pop() {
            match visit(&folder).and_then(|()| look.folder(&folder, &mut waiting)) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => {
                    return Err(io::Error::new(error.kind(), format!("{}: {error}", folder.display())));
                }
                Ok(()) => {}
            }
        }
        Ok(look)
    }

    fn folder(&mut self, folder: &Path, waiting: &mut Vec<PathBuf>) -> io::Result<()> {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let Ok(kind) = entry.file_type() else { continue };
            if !is_source(&entry.file_name(), kind.is_dir()) {
                continue;
            }
            let path = entry.path();
            if kind.is_dir() {
                waiting.push(path);
            } else if let Some(stamp) = stamp(&path) {
                self.0.insert(path, stamp);
            }
        }
        if self.0.len() > FILES_MAX {
            return Err(io::Error::other(format!("there are more than {FILES_MAX} files in the project")));
        }
        Ok(())
    }

    /// Takes over what the build itself has written since.
    pub(super) fn built(&mut self) {
        for (path, known) in self.0.iter_mut().filter(|(path, _)| path.ends_with(LOCK)) {
            *known = stamp(path).unwrap_or(*known);
        }
    }

    /// Returns whether the sources in `now` are others, except for a lock file that was not there before.
    pub(super) fn differs(&self, now: &Self) -> bool {
        let is_new_lock = |path: &PathBuf| path.ends_with(LOCK) && !self.0.contains_key(path);
        let count = now.0.keys().filter(|path| !is_new_lock(path)).count();
        count != self.0.len()
            || now.0.iter().any(|(path, stamp)| !is_new_lock(path) && self.0.get(path) != Some(stamp))
    }

    /// Returns whether the same files are there in `now`, and those that have changed are code in Rust.
    pub(super) fn differs_in_code_only(&self, now: &Self) -> bool {
        self.0.len() == now.0.len()
            && now.0.iter().all(|(path, stamp)| match self.0.get(path) {
                Some(before) => before == stamp || path.extension().is_some_and(|end| end == "rs"),
                None => false,
            })
    }

    /// Returns whether this one file is another one in `now`, or there only once.
    pub(super) fn differs_in(&self, now: &Self, file: &Path) -> bool {
        self.0.get(file) != now.0.get(file)
    }
}

/// Returns whether an entry of a folder belongs to the sources: not what is hidden, what a build makes, and what editors keep beside a
/// file.
fn is_source(name: &OsStr, is_folder: bool) -> bool {
    let name = name.to_string_lossy();
    let is_made = match is_folder {
        true => MADE.contains(&&*name),
        false => name.ends_with(".wasm") || name.ends_with(".wasm.sources") || name.ends_with('~'),
    };
    !is_made && !name.starts_with('.') && !name.starts_with('#')
}

fn stamp(path: &Path) -> Option<Stamp> {
    let found = fs::metadata(path).ok().filter(fs::Metadata::is_file)?;
    let modified = (found.mtime(), found.mtime_nsec());
    Some(Stamp { modified, bytes: found.len(), inode: found.ino() })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn project() -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for folder in ["src", "target", ".git", "node_modules/x", "tests/vectors"] {
            fs::create_dir_all(dir.path().join(folder)).unwrap();
        }
        fs::write(dir.path().join("src/lib.rs"), "a").unwrap();
        dir
    }

    fn look(dir: &tempfile::TempDir) -> Look {
        Look::at(&[dir.path().to_owned()], |_| Ok(())).unwrap()
    }

    #[test]
    fn what_a_build_or_an_editor_makes_is_no_change() {
        let dir = project();
        let before = look(&dir);
        for file in [
            "target/x",
            ".git/index",
            ".swp",
            "node_modules/x/y.js",
            "judge.wasm",
            "judge.wasm.sources",
            "src/lib.rs~",
            "src/#lib.rs#",
            "Cargo.lock",
        ] {
            fs::write(dir.path().join(file), "made").unwrap();
        }
        assert!(!before.differs(&look(&dir)));
    }

    #[test]
    fn a_file_that_is_written_replaced_added_or_removed_is_a_change() {
        let dir = project();
        let source = dir.path().join("src/lib.rs");
        let before = look(&dir);
        fs::write(&source, "longer").unwrap();
        let written = look(&dir);
        assert!(before.differs(&written));
        // As an editor does that writes beside the file and renames, with the same size.
        fs::write(dir.path().join("src/.new"), "LONGER").unwrap();
        fs::rename(dir.path().join("src/.new"), &source).unwrap();
        let replaced = look(&dir);
        assert!(written.differs(&replaced));
        fs::write(dir.path().join("tests/vectors/a.toml"), "").unwrap();
        let added = look(&dir);
        assert!(replaced.differs(&added) && added.differs(&replaced), "and its removal");
        assert!(!added.differs(&look(&dir)));
    }

    #[test]
    fn a_lock_file_that_the_build_has_written_is_no_change_and_another_one_later_is() {
        let dir = project();
        let lock = dir.path().join("Cargo.lock");
        fs::write(&lock, "1").unwrap();
        let mut before = look(&dir);
        fs::write(&lock, "by the build").unwrap();
        assert!(before.differs(&look(&dir)));
        before.built();
        assert!(!before.differs(&look(&dir)));
        fs::write(&lock, "by `cargo update`").unwrap();
        assert!(before.differs(&look(&dir)));
    }

    #[test]
    fn a_change_of_code_is_told_from_one_of_a_manifest_or_of_the_files() {
        let dir = project();
        let write = |file: &str, text: &str| fs::write(dir.path().join(file), text).unwrap();
        write("Cargo.toml", "");
        let before = look(&dir);
        write("src/lib.rs", "other");
        let code = look(&dir);
        assert!(before.differs_in_code_only(&code));
        write("Cargo.toml", "other");
        let manifest = look(&dir);
        assert!(!code.differs_in_code_only(&manifest));
        write("src/more.rs", "");
        assert!(!manifest.differs_in_code_only(&look(&dir)));
    }

    #[test]
    fn each_folder_is_visited_before_it_is_read_and_a_link_to_a_folder_is_not_followed() {
        let dir = project();
        std::os::unix::fs::symlink(dir.path(), dir.path().join("src/again")).unwrap();
        let mut visited = Vec::new();
        let found = Look::at(&[dir.path().to_owned()], |folder| {
            visited.push(folder.strip_prefix(dir.path()).unwrap().to_owned());
            fs::write(folder.join("new"), "")
        });
        visited.sort();
        assert_eq!(visited, ["", "src", "tests", "tests/vectors"].map(PathBuf::from));
        assert!(found.unwrap().0.contains_key(&dir.path().join("tests/vectors/new")));
    }
}
