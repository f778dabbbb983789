//! Writes the list of the files that the binary carries for authors of plugins: the contract, the sources of the SDK, and the
//! templates of projects. The list is made of the folders themselves, so that no file can be missing from it.

use std::fmt::Write;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The lists by name, each with its folder seen from this package.
const FOLDERS: [(&str, &str); 3] =
    [("CONTRACT", "../../wit"), ("SDK_SOURCES", "../../guest-sdk/src"), ("TEMPLATES", "templates")];

/// The manifests from which that of a copied SDK is made.
const MANIFESTS: [(&str, &str); 2] =
    [("SDK_MANIFEST", "../../guest-sdk/Cargo.toml"), ("WORKSPACE_MANIFEST", "../../Cargo.toml")];

/// Writes `embedded.rs` to the folder `out`, and returns what it was made of.
pub fn write(manifest_dir: &Path, out: &Path) -> io::Result<Vec<PathBuf>> {
    let mut sources = Vec::new();
    let mut code = String::new();
    for (name, folder) in FOLDERS {
        let folder = manifest_dir.join(folder).canonicalize()?;
        let mut files = Vec::new();
        walk(&folder, "", &mut files)?;
        files.sort();
        let _ = writeln!(code, "pub(super) const {name}: &[Embedded] = &[");
        for (file, path) in files {
            let _ = writeln!(code, "    Embedded {{ path: {file:?}, text: include_str!({path:?}) }},");
        }
        code.push_str("];\n");
        sources.push(folder);
    }
    for (name, file) in MANIFESTS {
        let file = manifest_dir.join(file).canonicalize()?;
        let _ = writeln!(code, "pub(super) const {name}: &str = include_str!({file:?});");
        sources.push(file);
    }
    fs::write(out.join("embedded.rs"), code)?;
    Ok(sources)
}

/// The folder of the contract with its frozen versions, for a test: they are not part of the package.
const FROZEN: &str = "frozen";

/// Adds all files below `folder`, each with its name relative to the first folder.
fn walk(folder: &Path, name: &str, files: &mut Vec<(String, PathBuf)>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = format!("{name}{}", entry.file_name().to_string_lossy());
        if entry.path().is_dir() {
            if name != FROZEN {
                walk(&entry.path(), &format!("{name}/"), files)?;
            }
        } else {
            files.push((name, entry.path()));
        }
    }
    Ok(())
}
