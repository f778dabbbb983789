//! The house kept tidy: the floors, the bans, the length of files, the digests of what is committed as built.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod circles;
mod examples;
mod maps;
mod messages;
mod modules;
mod phrases;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// The root modules of all crates of the project, and of its test programs that have several files.
fn crate_roots() -> Vec<PathBuf> {
    let mut roots = files(&root(), "src/lib.rs");
    roots.extend(files(&root().join("tests"), "/main.rs"));
    roots
}

/// For each crate of the host, the crates of the house that it may use, and what it must not know. DESIGN:
/// look down only, and the crates of one floor never meet.
const FLOORS: [(&str, &[&str], &[&str]); 16] = [
    ("hazard", &[], &["tokio", "wasmtime", "serde", "tracing", "anyhow", "arc-swap", "libc"]),
    (
        "keeper",
        &["provost-posix"],
        &["tokio", "wasmtime", "serde", "serde_json", "tracing", "anyhow", "thiserror", "libc"],
    ),
    ("posix", &[], &["tokio", "wasmtime", "serde", "tracing", "anyhow"]),
    (
        "files",
        &[],
        &["tokio", "wasmtime", "serde", "serde_json", "tracing", "anyhow", "jiff", "rand", "libc"],
    ),
    (
        "state",
        &["provost-hazard"],
        &["tokio", "wasmtime", "serde", "serde_json", "tracing", "anyhow", "rustix", "jiff", "rand"],
    ),
    (
        "supervisor",
        &["provost-state", "provost-files", "provost-keeper", "provost-posix"],
        &["wasmtime", "hyper", "axum", "serde", "serde_json", "anyhow"],
    ),
    // It has a client of HTTP for the requests of plugins, and no server.
    ("plugin-host", &["provost-state", "provost-files"], &["axum", "anyhow"]),
    // It speaks to registries and servers, and knows nothing of plugins.
    ("registry", &["provost-files"], &["wasmtime", "axum", "hyper", "anyhow", "libc", "tracing"]),
    (
        "journal",
        &["provost-state", "provost-files"],
        &["tokio", "wasmtime", "axum", "hyper", "serde_json", "anyhow", "libc"],
    ),
    // The schema of the API and a client of HTTP: clients depend on it alone.
    ("api", &[], &["wasmtime", "axum", "anyhow", "jiff", "tracing"]),
    // The supervisor with played children: it knows no components, and `cli` reads the scenarios.
    (
        "simulation",
        &["provost-state", "provost-supervisor"],
        &["wasmtime", "axum", "hyper", "serde", "serde_json", "toml", "anyhow"],
    ),
    (
        "control",
        &["provost-state", "provost-files", "provost-supervisor", "provost-api"],
        &["wasmtime", "anyhow"],
    ),
    ("mcp", &["provost-api", "provost-state"], &["wasmtime", "axum", "anyhow"]),
    ("top", &["provost-api"], &["wasmtime", "axum", "hyper", "anyhow"]),
    // Files for a browser: the client of the API is the script in them.
    ("web", &[], &["wasmtime", "tokio", "axum", "hyper", "serde", "serde_json", "anyhow"]),
    (
        "cli",
        &[
            "provost-state",
            "provost-files",
            "provost-journal",
            "provost-supervisor",
            "provost-plugin-host",
            "provost-registry",
            "provost-simulation",
            "provost-api",
            "provost-control",
            "provost-mcp",
            "provost-top",
            "provost-web",
        ],
        &["wasmtime"],
    ),
];

fn dependencies(name: &str) -> BTreeSet<String> {
    let manifest = std::fs::read_to_string(root().join(format!("host/{name}/Cargo.toml"))).unwrap();
    let manifest: toml::Table = manifest.parse().unwrap();
    manifest["dependencies"].as_table().unwrap().keys().cloned().collect()
}

#[test]
fn every_crate_looks_down_only_and_knows_nothing_above_its_floor() {
    let crates: BTreeSet<String> = std::fs::read_dir(root().join("host"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    let floors: BTreeSet<String> = FLOORS.iter().map(|(name, ..)| (*name).to_owned()).collect();
    assert_eq!(crates, floors, "every crate of the host stands on a floor");
    for (name, below, forbidden) in FLOORS {
        for dependency in dependencies(name) {
            let of_the_house = dependency.starts_with("provost");
            assert!(!of_the_house || below.contains(&&*dependency), "{name} must not use {dependency}");
            assert!(!forbidden.contains(&&*dependency), "{name} must not know {dependency}");
        }
    }
}

/// How the crate of the fail points comes into a build with these kinds of dependencies, as Cargo resolves it.
fn fail_points(kinds: &str) -> String {
    let mut cargo = std::process::Command::new(env!("CARGO"));
    cargo.args(["tree", "--workspace", "--locked", "--offline", "--invert", "fail", "--edges", kinds]);
    let output = cargo.current_dir(root()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_release_has_no_fail_points() {
    let feature = "fail feature \"failpoints\"";
    let (released, tested) = (fail_points("normal,build,features"), fail_points("all,features"));
    assert!(!released.contains(feature), "fail points are for tests alone:\n{released}");
    assert!(
        tested.contains(feature),
        "the feature has another name, so that it would not be found:\n{tested}"
    );
}

/// All files of the project below `dir` that end in `ending`.
fn files(dir: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if path.is_dir() && name != "target" && (!name.starts_with('.') || name == ".ci") {
            found.extend(files(&path, ending));
        } else if path.to_str().unwrap().ends_with(ending) {
            found.push(path);
        }
    }
    found.sort();
    found
}

#[test]
fn every_source_file_opens_with_what_it_owns_and_is_not_two() {
    for path in files(&root(), ".rs") {
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("//! "), "{} does not say what it owns", path.display());
        let lines = text.lines().count();
        assert!(lines <= 500, "{} has {lines} lines: is it two?", path.display());
    }
}

#[test]
fn unsafe_code_stands_only_where_a_comment_proves_it() {
    for path in files(&root().join("host"), ".rs") {
        let text = std::fs::read_to_string(&path).unwrap();
        if text.contains("unsafe {") {
            assert!(text.contains("// SAFETY: "), "{}", path.display());
        }
    }
}

#[test]
fn lints_are_expected_and_never_allowed() {
    for path in files(&root(), ".rs") {
        let text = std::fs::read_to_string(&path).unwrap();
        let allowed = concat!("#[", "allow(");
        assert!(!text.contains(allowed), "{}: say #[expect(.., reason = \"..\")]", path.display());
    }
}

#[test]
fn nothing_names_a_build_machine() {
    let needles = [concat!("/wo", "rk/"), concat!("/ro", "ot/")];
    for ending in [".rs", ".md", ".toml", ".wit", ".json", "run", ".wasm"] {
        for path in files(&root(), ending) {
            let bytes = std::fs::read(&path).unwrap();
            let text = String::from_utf8_lossy(&bytes);
            for needle in needles {
                assert!(!text.contains(needle), "{} contains {needle}", path.display());
            }
        }
    }
}

#[test]
fn committed_components_are_built_from_the_committed_sources() {
    let components: Vec<PathBuf> =
        ["plugins", "tests/guests"].iter().flat_map(|dir| files(&root().join(dir), ".wasm")).collect();
    assert_eq!(
        components.len(),
        19,
        "nine bundled plugins, six hostile guests, three that conduct, read and reach outside, and one that is wrong"
    );
    for component in components {
        let dir = component.parent().unwrap();
        let recorded = std::fs::read_to_string(component.with_extension("wasm.sources")).unwrap();
        let found = provost::guests::source_digest(dir).unwrap();
        assert_eq!(recorded.trim(), found.trim(), "{}: run `provost plugin build` on it", dir.display());
    }
}

/// The largest committed component of a policy that does little, in bytes.
const MINIMAL_BYTES_MAX: usize = 40_000;

#[test]
fn the_smallest_policy_is_a_small_component() {
    let guests = files(&root().join("tests/guests"), ".wasm");
    let sizes = guests.iter().map(|path| std::fs::read(path).unwrap().len());
    let smallest = sizes.min().unwrap();
    assert!(smallest < MINIMAL_BYTES_MAX, "{smallest} bytes");
}

#[test]
fn every_local_link_of_the_documents_leads_somewhere() {
    for path in files(&root(), ".md") {
        let text = std::fs::read_to_string(&path).unwrap();
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let target = link.split('#').next().unwrap();
            if target.is_empty() || target.contains("://") {
                continue;
            }
            assert!(path.parent().unwrap().join(target).exists(), "{}: {link}", path.display());
        }
    }
}

#[test]
fn every_test_that_shows_a_promise_is_where_it_is_said_to_be() {
    for (document, least) in [("docs/reliability.md", 20), ("docs/logs.md", 0), ("docs/plugins.md", 30)] {
        let text = std::fs::read_to_string(root().join(document)).unwrap();
        let (mut file, mut named) = (String::new(), 0);
        for word in text.lines().filter(|line| line.starts_with("| ")).flat_map(|line| line.split('`')) {
            if word.ends_with(".rs") {
                file = std::fs::read_to_string(root().join(word))
                    .unwrap_or_else(|_| panic!("{document}: there is no {word}"));
            } else if word.matches('_').count() > 2 {
                let test = format!("fn {word}()");
                assert!(file.contains(&test), "{document}: {word} is not in the file before it");
                named += 1;
            }
        }
        assert!(named > least, "the table of {document} has another form: {named} tests were found");
    }
}

#[test]
fn cargo_run_at_the_top_means_provost() {
    let of_crates = ["host", "plugins", "tests"].map(|dir| files(&root().join(dir), ".rs")).concat();
    let is_binary = |path: &&PathBuf| path.ends_with("src/main.rs") || path.iter().any(|part| part == "bin");
    let binaries: Vec<&PathBuf> = of_crates.iter().filter(is_binary).collect();
    // The keeper is a part of the binary `provost`, and nobody runs it by hand.
    assert_eq!(binaries, [&root().join("host/cli/src/main.rs"), &root().join("host/keeper/src/main.rs")]);
    let manifest = std::fs::read_to_string(root().join("host/cli/Cargo.toml")).unwrap();
    assert!(manifest.contains("\ndefault-run = \"provost\"\n"));
}
