//! The frozen versions of the contract: what each of them has is in `wit/` unchanged, so that a plugin that was built against it is
//! still taken; and the pages that describe it.
//!
//! | room | owns |
//! |---|---|
//! | `checker` | whether a contract has kept everything of an older one |
//! | `items` | the items of a contract, each with its path and its definition as text |
//! | `pages` | whether the page of each role has all of its interface |
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod checker;
mod items;
mod pages;

use std::path::{Path, PathBuf};

use wit_parser::Resolve;

use checker::breaches;
use items::Items;

fn wit() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../wit")
}

/// Reads the contract in a folder.
fn contract(folder: &Path) -> Items {
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_dir(folder).unwrap();
    Items::of(&resolve, package)
}

#[test]
fn every_frozen_version_of_the_contract_is_kept() {
    let current = contract(&wit());
    let mut versions: Vec<PathBuf> =
        std::fs::read_dir(wit().join("frozen")).unwrap().map(|entry| entry.unwrap().path()).collect();
    versions.sort();
    assert!(versions.iter().any(|version| version.ends_with("0.1.0")), "{versions:?}");
    for folder in versions {
        let frozen = contract(&folder);
        let version = folder.file_name().unwrap().to_string_lossy().into_owned();
        assert!(frozen.package.ends_with(&format!("@{version}")), "{} is in {version}", frozen.package);
        let breaches = breaches(&frozen, &current);
        assert!(
            breaches.is_empty(),
            "the contract has not kept what wit/frozen/{version} has; add an interface, or a function to one that plugins import, \
             and leave the rest as it was:\n{}",
            breaches.join("\n")
        );
    }
}

#[test]
fn the_items_of_the_contract_are_found() {
    let frozen = contract(&wit().join("frozen/0.1.0"));
    for path in [
        "interface restart-policy",
        "function restart-policy/on-exit",
        "type types/exit",
        "function snapshots/[method]snapshot.generation",
    ] {
        assert!(frozen.all.contains_key(path), "{path} is not among {:?}", frozen.all.keys());
    }
    assert!(frozen.all.len() > 100, "{}", frozen.all.len());
    assert!(frozen.exported.contains("restart-policy") && !frozen.exported.contains("snapshots"));
}
