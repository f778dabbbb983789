//! Tests of building guests that need no wasm toolchain.

use std::fs;
use std::path::Path;

use super::build::replace;
use super::surface::{CONTRACT, Surface};
use super::*;

const MANIFEST: &str = "[package]\nname = \"my-plugin\"\nedition = \"2024\"\n[workspace]\n";
const CDYLIB: &str = "[lib]\ncrate-type = [\"cdylib\"]\n";

/// Creates a crate in a temporary folder.
fn a_crate(manifest: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), "Cargo.toml", manifest);
    write(dir.path(), "src/lib.rs", "");
    dir
}

fn write(dir: &Path, name: &str, text: &str) {
    let path = dir.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn digest(dir: &tempfile::TempDir) -> String {
    source_digest(dir.path()).unwrap()
}

#[test]
fn a_folder_without_a_project_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let error = build(dir.path(), true, Progress::Hidden).unwrap_err();
    assert!(matches!(error, BuildError::NoProject { .. }), "{error}");
    let nowhere = build(&dir.path().join("nowhere"), true, Progress::Hidden).unwrap_err();
    assert!(nowhere.to_string().contains("nowhere: No such file"), "{nowhere}");
}

#[test]
fn the_error_for_a_crate_without_a_cdylib_names_what_to_add() {
    let error = build(a_crate(MANIFEST).path(), true, Progress::Hidden).unwrap_err().to_string();
    assert!(error.contains("crate-type = [\"cdylib\", \"rlib\"]"), "{error}");
}

#[test]
fn a_broken_manifest_is_reported_in_cargos_words() {
    let error = build(a_crate("[package]\nnane = 1\n").path(), true, Progress::Hidden).unwrap_err();
    assert!(matches!(error, BuildError::Metadata { .. }), "{error}");
}

#[test]
fn the_digest_is_of_the_contents_and_not_of_the_place() {
    let manifest = format!("{MANIFEST}{CDYLIB}");
    assert_eq!(digest(&a_crate(&manifest)), digest(&a_crate(&manifest)));
}

#[test]
fn links_that_lead_out_of_a_project_or_in_a_circle_end_with_an_error() {
    let dir = a_crate(&format!("{MANIFEST}{CDYLIB}"));
    let link = |to: &str, at: &str| std::os::unix::fs::symlink(to, dir.path().join("src").join(at)).unwrap();
    link("..", "circle");
    let error = source_digest(dir.path()).unwrap_err();
    assert!(matches!(error, BuildError::TooMany { .. }), "{error}");
    fs::remove_file(dir.path().join("src/circle")).unwrap();
    link("/dev/zero", "endless.rs");
    let error = source_digest(dir.path()).unwrap_err().to_string();
    assert!(error.contains("endless.rs") && error.contains("it is a device"), "{error}");
}

#[test]
fn the_digest_changes_with_every_source() {
    let dir = a_crate(&format!("{MANIFEST}{CDYLIB}"));
    let mut digests = vec![digest(&dir)];
    for name in ["src/lib.rs", "src/more/mod.rs", "build.rs", "wit/world.wit"] {
        write(dir.path(), name, "// new");
        digests.push(digest(&dir));
    }
    write(dir.path(), "notes.txt", "no source");
    assert_eq!(digests.last(), Some(&digest(&dir)));
    digests.sort();
    digests.dedup();
    assert_eq!(digests.len(), 5);
}

#[test]
fn the_digest_covers_dependencies_by_path_and_what_they_name() {
    let root = tempfile::tempdir().unwrap();
    let manifest = format!("{MANIFEST}{CDYLIB}[dependencies]\nsdk = {{ path = \"../sdk\" }}\n");
    write(root.path(), "plugin/Cargo.toml", &manifest);
    write(root.path(), "plugin/src/lib.rs", "");
    let sdk =
        "[package]\nname = \"sdk\"\n[workspace]\n[package.metadata.provost]\nsources = [\"../contract\"]\n";
    write(root.path(), "sdk/Cargo.toml", sdk);
    write(root.path(), "sdk/src/lib.rs", "");
    write(root.path(), "contract/a.wit", "");
    let digest = || source_digest(&root.path().join("plugin")).unwrap();
    let first = digest();
    write(root.path(), "sdk/src/lib.rs", "// new");
    let second = digest();
    write(root.path(), "contract/a.wit", "// new");
    assert!(first != second && second != digest());
}

#[test]
fn the_committed_components_are_those_of_their_sources() {
    let plugins = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../plugins");
    for name in ["backoff", "notify", "prometheus"] {
        let dir = plugins.join(name);
        let committed = fs::read_to_string(dir.join(format!("{name}.wasm.sources"))).unwrap();
        let sources = source_digest(&dir).unwrap();
        assert_eq!(committed.trim(), sources, "plugins/{name}: run `provost plugin build plugins/{name}`");
    }
}

#[test]
fn the_committed_components_import_the_contract_and_nothing_else() {
    let plugins = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../plugins");
    for (name, roles) in [
        ("backoff", vec!["restart-policy"]),
        ("supervisord", vec!["restart-policy"]),
        ("systemd", vec!["restart-policy"]),
        ("kubernetes", vec!["health-policy", "restart-policy"]),
        ("otp", vec!["restart-policy"]),
        ("notify", vec!["status-consumer"]),
        ("prometheus", vec!["status-view"]),
    ] {
        let component = fs::read(plugins.join(name).join(format!("{name}.wasm"))).unwrap();
        let Surface { imports, mut exports } = Surface::of(&component).unwrap();
        exports.sort();
        assert!(imports.iter().all(|import| import.starts_with(CONTRACT)), "{imports:?}");
        let wanted = ["configurable"].into_iter().chain(roles);
        assert_eq!(exports, wanted.map(|name| format!("{CONTRACT}{name}@0.1.0")).collect::<Vec<_>>());
    }
}

#[test]
fn a_file_is_replaced_as_a_whole() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.wasm");
    replace(&path, b"old").unwrap();
    replace(&path, b"new").unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"new");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
}

#[test]
fn the_committed_components_say_what_they_are() {
    let plugins = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../plugins");
    let component = fs::read(plugins.join("backoff/backoff.wasm")).unwrap();
    let label = Label::read(&component);
    assert_eq!(label.name, "backoff");
    assert_eq!(label.version.as_deref(), Some(env!("CARGO_PKG_VERSION")));
    assert_eq!(label.sdk.as_deref(), Some(env!("CARGO_PKG_VERSION")));
    assert_eq!(label.contract.as_deref(), Some(crate::templates::contract::VERSION));
}

#[test]
fn a_label_is_read_as_it_was_attached_and_changes_nothing_else() {
    // The smallest component there is.
    let bare = [0, 0x61, 0x73, 0x6d, 0x0d, 0, 1, 0];
    let label = Label {
        name: "night-watch".to_owned(),
        version: Some("1.2.3-rc.1".to_owned()),
        description: Some("Watches, at night.".to_owned()),
        authors: vec!["A <a@example.org>".to_owned(), "B".to_owned()],
        sdk: Some("0.1.0".to_owned()),
        contract: Some("0.1.4".to_owned()),
    };
    let labelled = label.attach(&bare).unwrap();
    assert_eq!(Label::read(&labelled), label);
    assert_eq!(label.attach(&bare).unwrap(), labelled, "the same input gives the same bytes");
    assert_eq!(Label::read(&bare), Label::default());
    assert_eq!(Label::read(b"no component"), Label::default());
    let other = Label { name: "other".to_owned(), version: Some("2.0.0".to_owned()), ..Label::default() };
    assert_eq!(Label::read(&other.attach(&labelled).unwrap()).name, "other");
}

#[test]
fn what_a_foreign_component_says_about_itself_is_cut() {
    let bare = [0, 0x61, 0x73, 0x6d, 0x0d, 0, 1, 0];
    let long = || "ä".repeat(20 << 10);
    let label = Label {
        name: long(),
        version: Some(long()),
        description: Some(long()),
        authors: vec![long(), long()],
        sdk: Some(long()),
        contract: Some(long()),
    };
    let read = Label::read(&label.attach(&bare).unwrap());
    let cut = format!("{}…", "ä".repeat(1 << 10));
    let other = Label {
        name: cut.clone(),
        version: Some(cut.clone()),
        description: Some(cut.clone()),
        authors: vec![cut.clone()],
        sdk: Some(cut.clone()),
        contract: Some(cut),
    };
    assert_eq!(read, other);
}

#[test]
fn the_names_of_the_parts_of_a_component_are_left_out() {
    // The custom section `component-name` with the name `inner` of the first core module.
    let names = [&[0, 14][..], b"component-name", &[1, 10, 0, 17, 1, 0, 5], b"inner"].concat();
    let section = |content: &[u8]| {
        let mut section = vec![0, u8::try_from(content.len()).unwrap()];
        section.extend_from_slice(content);
        section
    };
    let names = section(&names[1..]);
    let other = section(&[&[5][..], b"other", b"kept"].concat());
    let bare = [0, 0x61, 0x73, 0x6d, 0x0d, 0, 1, 0];
    let label = Label { name: "night-watch".to_owned(), ..Label::default() };
    let labelled = label.attach(&[&bare[..], &names, &other].concat()).unwrap();
    assert_eq!(labelled, label.attach(&[&bare[..], &other].concat()).unwrap());
    let has = |text: &[u8]| labelled.windows(text.len()).any(|window| window == text);
    assert!(has(b"kept") && !has(b"inner"));
    assert_eq!(Label::read(&labelled).name, "night-watch");
}

/// Creates a project in Python with this manifest.
fn a_project(manifest: &str) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), "provost-plugin.toml", manifest);
    write(dir.path(), "plugin.py", "");
    write(dir.path(), "wit/world.wit", "package local:plugin;\n");
    dir
}

#[test]
fn a_wrong_manifest_is_reported_with_its_file_and_its_key() {
    let good = "name = \"p\"\nlanguage = \"python\"\nsource = \"plugin.py\"\n";
    for (wrong, why) in [
        (good.replace("source", "sauce"), "sauce"),
        (good.replace("python", "cobol"), "cobol"),
        (good.replace("plugin.py", "gone.py"), "source: there is no file gone.py"),
        (good.replace("\"p\"", "\"a/b\""), "name: `a/b` cannot be a name"),
        (good.replace("python", "rust"), "has a Cargo.toml instead"),
        (format!("{good}wit = \"none\"\n"), "wit: there is no folder"),
    ] {
        let told = build(a_project(&wrong).path(), true, Progress::Hidden).unwrap_err().to_string();
        assert!(told.contains("provost-plugin.toml") && told.contains(why), "{told}");
    }
}

#[test]
fn javascript_without_its_packages_is_told_to_install_them() {
    let manifest = "name = \"p\"\nlanguage = \"js\"\nsource = \"plugin.py\"\n";
    let told = build(a_project(manifest).path(), true, Progress::Hidden).unwrap_err().to_string();
    assert!(told.contains("componentize-js is missing") && told.contains("run `npm install` in"), "{told}");
}

#[test]
fn a_wrong_schema_of_the_settings_is_reported_with_its_place_before_the_toolchain_is_looked_for() {
    let manifest = "name = \"p\"\nlanguage = \"js\"\nsource = \"plugin.py\"\n";
    for (text, why) in [
        ("{\n  \"type\": object\n}", "line 2, column 11: it is not JSON"),
        ("{\"type\": \"array\"}", "/type: settings are an object"),
        (
            "{\"type\": \"object\", \"properties\": {\"tries\": {\"type\": \"int\"}}}",
            "/properties/tries/type: there is no type \"int\"",
        ),
    ] {
        let dir = a_project(manifest);
        write(dir.path(), schema::FILE, text);
        let told = build(dir.path(), true, Progress::Hidden).unwrap_err().to_string();
        assert!(told.contains("settings.schema.json: ") && told.contains(why), "{told}");
    }
}

#[test]
fn a_component_carries_the_schema_of_its_project() {
    let dir = a_project("");
    assert_eq!(schema::read(dir.path()).unwrap(), None);
    write(dir.path(), schema::FILE, "{\n  \"type\": \"object\"\n}\n");
    let read = schema::read(dir.path()).unwrap().unwrap();
    let mut component = vec![0, 0x61, 0x73, 0x6d, 0x0d, 0, 1, 0];
    schema::attach(&read, &mut component);
    assert!(component.ends_with(b"provost:settings-schema{\"type\":\"object\"}"), "{component:?}");
    assert_eq!(provost_plugin_host::SettingsSchema::of_component(&component), Ok(Some(read)));
}

#[test]
fn the_schema_of_the_settings_is_a_source() {
    let dir = a_crate(&format!("{MANIFEST}{CDYLIB}"));
    let before = digest(&dir);
    write(dir.path(), schema::FILE, "{\"type\": \"object\"}");
    assert_ne!(digest(&dir), before);
}
