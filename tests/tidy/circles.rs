//! No file of a crate imports, by whatever way round, from a file that imports from it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use crate::modules::{Imports, Modules};
use crate::{crate_roots, root};

/// Groups of files that import each other; the largest first.
fn circles(imports: &Imports) -> Vec<Vec<PathBuf>> {
    let reachable = |from: &PathBuf| {
        let (mut seen, mut open) = (BTreeSet::new(), vec![from]);
        while let Some(file) = open.pop() {
            for target in imports.get(file).into_iter().flat_map(BTreeMap::keys) {
                if seen.insert(target) {
                    open.push(target);
                }
            }
        }
        seen
    };
    let reach: BTreeMap<&PathBuf, BTreeSet<&PathBuf>> =
        imports.keys().map(|file| (file, reachable(file))).collect();
    let mut found: BTreeSet<Vec<PathBuf>> = BTreeSet::new();
    for (file, targets) in &reach {
        let tied = |other: &&&PathBuf| reach.get(**other).is_some_and(|back| back.contains(file));
        let circle: Vec<PathBuf> = targets.iter().filter(tied).map(|file| (**file).clone()).collect();
        if circle.len() > 1 {
            found.insert(circle);
        }
    }
    let mut found: Vec<_> = found.into_iter().collect();
    found.sort_by_key(|circle| std::cmp::Reverse(circle.len()));
    found
}

/// Describes a circle by the imports within it.
fn described(circle: &[PathBuf], imports: &Imports, below: &Path) -> String {
    let short = |file: &PathBuf| file.strip_prefix(below).unwrap_or(file).display().to_string();
    let mut text = format!("{} files import each other:", circle.len());
    for file in circle {
        for (target, names) in imports.get(file).into_iter().flatten().filter(|(to, _)| circle.contains(to)) {
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            write!(text, "\n  {} <- {}: {}", short(file), short(target), names.join(", ")).unwrap();
        }
    }
    text
}

#[test]
fn no_files_of_a_crate_import_each_other_in_a_circle() {
    let mut told = String::new();
    for crate_root in crate_roots() {
        let imports = Modules::read(&crate_root).imports();
        for circle in circles(&imports) {
            writeln!(told, "{}", described(&circle, &imports, &root())).unwrap();
        }
    }
    assert!(told.is_empty(), "cut these circles:\n{told}");
}

/// A crate of these files, and its imports.
fn crate_of(files: &[(&str, &str)]) -> (tempfile::TempDir, Imports) {
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = dir.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let imports = Modules::read(&dir.path().join("lib.rs")).imports();
    (dir, imports)
}

#[test]
fn a_circle_is_found_with_the_names_that_tie_it() {
    let (dir, imports) = crate_of(&[
        ("lib.rs", "mod a;\nmod b;\npub use a::One;"),
        ("a/mod.rs", "mod deep;\npub use deep::One;\n// crate::b::None"),
        ("a/deep.rs", "use crate::b::{Two, self as bee};\npub struct One(Two, bee::Three);"),
        (
            "b.rs",
            "pub struct Two; pub struct Three; fn one() { vec![crate::One::new()]; }\n\
             #[cfg(test)]\nmod tests { use super::*; use crate::a; }",
        ),
    ]);
    let circles = circles(&imports);
    assert_eq!(circles, [vec![dir.path().join("a/deep.rs"), dir.path().join("b.rs")]]);
    assert_eq!(
        described(&circles[0], &imports, dir.path()),
        "2 files import each other:\n  a/deep.rs <- b.rs: Three, Two\n  b.rs <- a/deep.rs: One"
    );
}

#[test]
fn a_child_that_uses_what_its_parent_defines_makes_a_circle() {
    let (dir, imports) = crate_of(&[
        ("lib.rs", "mod a;"),
        ("a/mod.rs", "mod child;\npub struct Shared;\npub fn run() { child::go() }"),
        ("a/child.rs", "use super::Shared;\npub fn go() -> Shared { Shared }"),
    ]);
    let circle = vec![dir.path().join("a/child.rs"), dir.path().join("a/mod.rs")];
    assert_eq!(circles(&imports), [circle]);
}

#[test]
fn a_tree_without_circles_has_none() {
    let (_dir, imports) = crate_of(&[
        ("lib.rs", "mod a;\nmod b;"),
        ("a.rs", "use super::b::Two; #[cfg(test)] use crate::b::x;"),
        ("b.rs", "pub struct Two; mod inner { pub(super) fn one() { super::Two; } }"),
    ]);
    assert_eq!(circles(&imports), Vec::<Vec<PathBuf>>::new());
    assert_eq!(imports.values().map(BTreeMap::len).sum::<usize>(), 1, "a imports from b: {imports:?}");
}
