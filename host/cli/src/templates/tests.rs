//! Tests of the templates that need no toolchain.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use provost_plugin_host::{Role, SettingsSchema};
use wit_bindgen_core::wit_parser::{FunctionKind, Interface, Resolve, Type, TypeDefKind};

use super::embedded::{CONTRACT, SDK_SOURCES, TEMPLATES};
use super::project::{SCENARIOS, sources};
use super::render::{render, section};
use super::*;

/// All files below `folder`, relative to it.
fn walk(folder: &Path) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut waiting = vec![folder.to_owned()];
    while let Some(next) = waiting.pop() {
        for entry in fs::read_dir(&next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                waiting.push(path);
            } else {
                found.insert(path.strip_prefix(folder).unwrap().to_string_lossy().into_owned());
            }
        }
    }
    found
}

fn wanted(language: Language, roles: &[Role]) -> Wanted {
    Wanted { name: "night-watch".to_owned(), language, roles: roles.to_vec() }
}

#[test]
fn the_binary_carries_every_file_of_the_contract_the_sdk_and_the_templates() {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    for (folder, embedded) in
        [("../../wit", CONTRACT), ("../../guest-sdk/src", SDK_SOURCES), ("templates", TEMPLATES)]
    {
        let carried: BTreeSet<String> = embedded.iter().map(|file| file.path.to_owned()).collect();
        let mut there = walk(&package.join(folder));
        // The frozen versions of the contract are for a test, and are not part of the package.
        there.retain(|path| !path.starts_with("frozen/"));
        assert_eq!(carried, there, "{folder}");
        for file in embedded {
            let text = fs::read_to_string(package.join(folder).join(file.path)).unwrap();
            assert_eq!(file.text, text, "{}", file.path);
        }
    }
}

#[test]
fn every_template_is_used_and_every_one_that_is_used_exists() {
    let carried: BTreeSet<&str> = TEMPLATES.iter().map(|file| file.path).collect();
    let of_languages = Language::ALL.iter().flat_map(|language| sources(*language));
    let used = of_languages.chain(SCENARIOS.iter().map(|(_, source)| source)).map(|(_, template)| *template);
    assert_eq!(used.collect::<BTreeSet<_>>(), carried);
}

#[test]
fn a_section_is_kept_for_its_roles_only() {
    let template = "a\n  // [[restart-policy status-view]]\nb {{name}}\n# [[start-policy]]\nc\n// [[]]\nd\n";
    let values = [("name", "x".to_owned())];
    assert_eq!(render(template, &[Role::StatusView], &values), "a\nb x\nd\n");
    assert_eq!(render(template, &[Role::StartPolicy], &values), "a\nc\nd\n");
    assert_eq!(render(template, &Role::ALL, &values), "a\nb x\nc\nd\n");
}

#[test]
fn no_placeholder_and_no_mark_of_a_section_is_left_in_a_project() {
    let dir = tempfile::tempdir().unwrap();
    for language in Language::ALL {
        for role in Role::ALL {
            let folder = dir.path().join(format!("{}-{role}", language.word()));
            make(&wanted(language, &[role]), &folder).unwrap();
            for path in
                walk(&folder).iter().filter(|path| !path.starts_with(".provost") && !path.contains("/deps/"))
            {
                let text = fs::read_to_string(folder.join(path)).unwrap();
                assert!(!text.contains("{{") && !text.contains("}}"), "{path}: {text}");
                assert!(text.lines().all(|line| section(line).is_none()), "{path}: {text}");
                assert!(!text.is_empty() && !text.contains("\n\n\n\n"), "{path}: {text}");
            }
        }
    }
}

#[test]
fn the_manifest_of_the_copied_sdk_inherits_nothing_and_has_the_versions_of_the_workspace() {
    let text = manifest::of_the_sdk().unwrap();
    let made: toml::Table = text.parse().unwrap();
    assert!(!text.contains("workspace"), "{text}");
    let workspace: toml::Table = embedded::WORKSPACE_MANIFEST.parse().unwrap();
    let versions = &workspace["workspace"]["dependencies"];
    assert_eq!(made["package"]["version"], workspace["workspace"]["package"]["version"]);
    assert_eq!(made["dependencies"]["serde_json"]["version"], versions["serde_json"]);
    assert_eq!(made["dependencies"]["wit-bindgen"], versions["wit-bindgen"]);
    assert_eq!(made["dependencies"]["wasip2"]["version"], versions["wasip2"]);
    assert_eq!(made["dependencies"]["wasip2"]["optional"].as_bool(), Some(true));
    let of_wasm = &made["target"]["cfg(target_arch = \"wasm32\")"]["dependencies"];
    assert_eq!(of_wasm["rlsf"], versions["rlsf"]);
    assert!(made.get("lints").is_none());
}

#[test]
fn features_of_a_crate_are_added_to_those_that_it_inherits() {
    let workspace = "[workspace.package]\nversion = \"1.2.3\"\n[workspace.dependencies]\na = { version = \"1\", features = [\"x\"] }\n";
    let own = "[package]\nname = \"n\"\nversion.workspace = true\n[dependencies]\na = { workspace = true, features = [\"y\"] }\nb = \"2\"\n";
    let made: toml::Table = manifest::alone(own, workspace).unwrap().parse().unwrap();
    let features: Vec<_> = made["dependencies"]["a"]["features"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(toml::Value::as_str)
        .collect();
    assert_eq!(features, ["x", "y"]);
    assert_eq!(made["dependencies"]["b"].as_str(), Some("2"));
    let lost = "[package]\nname = \"n\"\nedition.workspace = true\n";
    assert!(manifest::alone(lost, workspace).unwrap_err().to_string().contains("`edition` is inherited"));
}

#[test]
fn a_refresh_moves_a_project_from_an_older_sdk_to_this_one() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("night-watch");
    make(&wanted(Language::Rust, &[Role::RestartPolicy]), &folder).unwrap();
    let now = manifest::version().unwrap();
    let copies = folder.join(".provost/sdk");
    fs::rename(copies.join(&now), copies.join("0.0.9")).unwrap();
    fs::write(copies.join("0.0.9/src/old.rs"), "//! Old.\n").unwrap();
    let path = folder.join("Cargo.toml");
    let before = fs::read_to_string(&path).unwrap();
    fs::write(&path, before.replace(&format!(".provost/sdk/{now}"), ".provost/sdk/0.0.9")).unwrap();
    let refreshed = refresh(&folder).unwrap();
    assert_eq!((refreshed.before.as_str(), refreshed.now.as_str()), ("0.0.9", now.as_str()));
    assert_eq!(fs::read_to_string(&path).unwrap(), before);
    let left: Vec<PathBuf> = fs::read_dir(&copies).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(left, [copies.join(&now)]);
    assert!(!copies.join(now).join("src/old.rs").exists());
}

#[test]
fn a_refresh_changes_nothing_outside_the_project_and_removes_only_a_copy_of_the_sdk() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("night-watch");
    make(&wanted(Language::Rust, &[Role::RestartPolicy]), &folder).unwrap();
    let now = manifest::version().unwrap();
    let (copies, path) = (folder.join(".provost/sdk"), folder.join("Cargo.toml"));
    let before = fs::read_to_string(&path).unwrap();
    // Folders that the manifest names, and that are no copies.
    for other in ["letters", "1.0"] {
        fs::create_dir(copies.join(other)).unwrap();
        fs::write(copies.join(other).join("kept"), "").unwrap();
        fs::write(&path, before.replace(&format!(".provost/sdk/{now}"), &format!(".provost/sdk/{other}")))
            .unwrap();
        assert_eq!(refresh(&folder).unwrap().before, other);
        assert!(copies.join(other).join("kept").exists(), "{other}");
    }
    // A link that leads nowhere, where the new copy is made.
    symlink("nowhere", copies.join(format!("{now}.new"))).unwrap();
    refresh(&folder).unwrap();
    // A home in place of the folder of the copies.
    let home = dir.path().join("home");
    fs::rename(&copies, &home).unwrap();
    symlink(&home, &copies).unwrap();
    let seen = walk(&home);
    let error = refresh(&folder).unwrap_err();
    assert!(matches!(&error, ProjectError::Link { path } if *path == copies), "{error}");
    assert_eq!(walk(&home), seen);
    // A manifest that has no end.
    fs::remove_file(&copies).unwrap();
    fs::remove_file(&path).unwrap();
    symlink("/dev/zero", &path).unwrap();
    assert!(matches!(refresh(&folder), Err(ProjectError::Link { .. })));
}

#[test]
fn a_refresh_needs_a_project_with_a_copy() {
    let dir = tempfile::tempdir().unwrap();
    assert!(matches!(refresh(dir.path()), Err(ProjectError::File { .. })));
    fs::write(dir.path().join("Cargo.toml"), "[dependencies]\nprovost-guest = \"0.1\"\n").unwrap();
    assert!(matches!(refresh(dir.path()), Err(ProjectError::NoCopy { .. })));
}

#[test]
fn the_printed_contract_declares_its_package_first_and_once() {
    let text = contract::text();
    let declared: Vec<&str> = text.lines().filter(|line| line.starts_with("package ")).collect();
    assert_eq!(declared, [format!("package provost:plugin@{};", contract::VERSION)]);
    let first = text.lines().find(|line| !line.is_empty() && !line.starts_with("//"));
    assert_eq!(first, declared.first().copied());
}

#[test]
fn a_copy_of_the_contract_is_refreshed_and_other_files_are_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("wit");
    contract::write_to(&folder).unwrap();
    fs::write(folder.join("gone.wit"), "interface gone {}\n").unwrap();
    fs::write(folder.join("notes.txt"), "mine").unwrap();
    contract::write_to(&folder).unwrap();
    assert!(!folder.join("gone.wit").exists() && folder.join("notes.txt").exists());
    let other = dir.path().join("other");
    fs::create_dir(&other).unwrap();
    fs::write(other.join("a.wit"), "package mine:own;\n").unwrap();
    assert!(matches!(contract::write_to(&other), Err(ProjectError::NotTheContract { .. })));
}

#[test]
fn every_project_has_a_schema_that_describes_the_settings_of_its_example() {
    let dir = tempfile::tempdir().unwrap();
    for language in Language::ALL {
        for roles in Role::ALL.map(|role| vec![role]).into_iter().chain([Role::ALL.to_vec()]) {
            let name = roles.iter().map(|role| role.as_str()).collect::<Vec<_>>().join("-");
            let folder = dir.path().join(format!("{}-{name}", language.word()));
            make(&wanted(language, &roles), &folder).unwrap();
            let text = fs::read(folder.join("settings.schema.json")).unwrap();
            let schema = SettingsSchema::parse(&text).unwrap();
            let config = fs::read_to_string(folder.join("provost.toml")).unwrap();
            let config: toml::Table = config.parse().unwrap();
            let settings = &config["plugins"]["night-watch"]["settings"];
            let json = serde_json::to_string(settings).unwrap();
            assert_eq!(schema.mistakes(&json), Ok(Vec::new()), "{}: {json}", folder.display());
            let named: BTreeSet<String> = settings.as_table().unwrap().keys().cloned().collect();
            let described: BTreeSet<String> = schema.rows().into_iter().map(|row| row.name).collect();
            assert_eq!(described, named, "{}", folder.display());
        }
    }
}

#[test]
fn a_project_has_a_scenario_for_each_role_that_a_simulation_judges() {
    let dir = tempfile::tempdir().unwrap();
    for role in Role::ALL {
        for language in Language::ALL {
            let folder = dir.path().join(format!("{}-{role}", language.word()));
            make(&wanted(language, &[role]), &folder).unwrap();
            let scenarios: Vec<_> =
                walk(&folder).into_iter().filter(|path| path.starts_with("scenarios/")).collect();
            assert_eq!(scenarios.len(), usize::from(role.judgement().is_some()), "{role}: {scenarios:?}");
            let readme = fs::read_to_string(folder.join("README.md")).unwrap();
            assert_eq!(readme.contains("`scenarios/"), !scenarios.is_empty(), "{readme}");
            for path in scenarios {
                let text = fs::read_to_string(folder.join(path)).unwrap();
                let expects = text.matches("[[expect]]").count();
                assert!(expects >= 1 && text.contains("[[fault]]"), "{text}");
            }
        }
    }
}

/// Returns a name of the contract as JavaScript has it: `on-exit` is `onExit`.
fn in_javascript(name: &str) -> String {
    let mut parts = name.split('-');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |name, part| name + &part[..1].to_uppercase() + &part[1..])
}

/// Returns what the types for JavaScript have to contain of one interface.
fn declared(resolve: &Resolve, interface: &Interface) -> Vec<String> {
    let mut all = Vec::new();
    for (name, id) in &interface.types {
        let name = in_javascript(&format!("-{name}"));
        let case = |case: &str| format!("'{case}'");
        let field = |field: &str| in_javascript(field);
        match &resolve.types[*id].kind {
            TypeDefKind::Record(record) => {
                all.push(format!("export interface {name} {{"));
                all.extend(record.fields.iter().map(|one| {
                    let is_optional = matches!(one.ty, Type::Id(id) if matches!(resolve.types[id].kind, TypeDefKind::Option(_)));
                    format!("    {}{}: ", field(&one.name), if is_optional { "?" } else { "" })
                }));
            }
            TypeDefKind::Flags(flags) => {
                all.push(format!("export interface {name} {{"));
                all.extend(flags.flags.iter().map(|one| format!("    {}?: boolean;", field(&one.name))));
            }
            TypeDefKind::Enum(words) => {
                all.push(format!("export type {name} ="));
                all.extend(words.cases.iter().map(|one| format!("| {}", case(&one.name))));
            }
            TypeDefKind::Variant(variant) => {
                all.push(format!("export type {name} ="));
                all.extend(variant.cases.iter().map(|one| {
                    let value = if one.ty.is_some() { "; val: " } else { " }" };
                    format!("| {{ tag: {}{value}", case(&one.name))
                }));
            }
            TypeDefKind::Resource => all.push(format!("export class {name} {{")),
            // A type of another interface, or another name for a type.
            _ => all.push(name),
        }
    }
    all.extend(interface.functions.values().map(|function| match &function.kind {
        FunctionKind::Method(_) => format!("    {}(", in_javascript(function.item_name())),
        _ if function.name == "delete" => "export { remove as delete };".to_owned(),
        _ => format!("  export function {}(", in_javascript(&function.name)),
    }));
    all
}

#[test]
fn the_types_for_javascript_have_everything_of_the_contract() {
    let mut resolve = Resolve::default();
    resolve.push_str("contract.wit", &contract::text()).unwrap();
    let types = embedded::template("js/provost.d.ts");
    let modules: BTreeMap<&str, &str> = types
        .split("declare module 'provost:plugin/")
        .skip(1)
        .map(|module| module.split_once("@{{contract}}' {").unwrap())
        .collect();
    let mut count = 0;
    for (_, interface) in &resolve.interfaces {
        let name = interface.name.as_deref().unwrap();
        let module = modules.get(name).unwrap_or_else(|| panic!("{name} is missing"));
        for part in declared(&resolve, interface) {
            assert!(module.contains(&part), "{name}: `{part}` is missing");
            count += 1;
        }
    }
    assert!(count > 200 && modules.len() == resolve.interfaces.len(), "{count}");
}
