//! The commands for authors of plugins: projects in every language, the contract, the copy of the SDK, and what is missing for a build.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use provost_tests::{Ran, Setup};

use crate::PROVOST;

/// All roles.
pub(crate) const ROLES: &str =
    "restart-policy,start-policy,health-policy,scale-policy,usage-policy,status-view,status-consumer";
const LANGUAGES: [&str; 4] = ["rust", "js", "python", "c"];

/// A folder to work in, without a host.
pub(crate) fn desk() -> Setup {
    Setup::new(PROVOST, "")
}

/// Runs a command that has to succeed, and returns what it prints.
pub(crate) fn ok(setup: &Setup, arguments: &[&str]) -> String {
    let ran = setup.run(arguments);
    assert_eq!(ran.code, 0, "{arguments:?}: {ran:?}");
    ran.stdout
}

fn refused(setup: &Setup, arguments: &[&str], code: i32, told: &[&str]) -> Ran {
    let ran = setup.run(arguments);
    assert_eq!(ran.code, code, "{arguments:?}: {ran:?}");
    for part in told {
        assert!(ran.stderr.contains(part), "{arguments:?}: {part}: {ran:?}");
    }
    ran
}

/// The files below a folder by their paths.
fn files(folder: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut waiting = vec![folder.to_owned()];
    while let Some(next) = waiting.pop() {
        for entry in fs::read_dir(&next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                waiting.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().to_string_lossy().into_owned();
                found.insert(name, fs::read_to_string(&path).unwrap());
            }
        }
    }
    found
}

/// The contract of this repository.
fn contract() -> BTreeMap<String, String> {
    let mut files = files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../wit"));
    files.retain(|name, _| !name.starts_with("frozen/"));
    files
}

/// The files of `all` below `folder`, by their paths there.
fn below(all: &BTreeMap<String, String>, folder: &str) -> BTreeMap<String, String> {
    let inside = all.iter().filter_map(|(path, text)| Some((path.strip_prefix(folder)?, text)));
    inside.map(|(path, text)| (path.to_owned(), text.clone())).collect()
}

#[test]
fn a_project_in_each_language_has_its_files_its_name_and_the_contract() {
    let desk = desk();
    for language in LANGUAGES {
        let name = format!("watch-{language}");
        let told = ok(&desk, &["plugin", "new", &name, "--lang", language, "--role", ROLES]);
        assert!(told.contains(&format!("cd {name}")) && told.contains("provost plugin build"), "{told}");
        let made = files(&desk.dir().join(&name));
        let sources: &[&str] = match language {
            "rust" => &["Cargo.toml", "src/lib.rs", "tests/decisions.rs"],
            "js" => &["package.json", "src/plugin.js", "provost-plugin.toml", "wit/world.wit"],
            "python" => &["requirements.txt", "plugin.py", "provost-plugin.toml", "wit/world.wit"],
            _ => &["compile_flags.txt", "src/plugin.c", "provost-plugin.toml", "wit/world.wit"],
        };
        for file in sources.iter().chain(&["README.md", ".gitignore", "provost.toml", "settings.schema.json"])
        {
            assert!(made.contains_key(*file), "{language}: {file} is missing: {:?}", made.keys());
        }
        let copy = if language == "rust" { ".provost/sdk/0.1.0/wit/" } else { "wit/deps/provost-plugin/" };
        assert_eq!(below(&made, copy), contract(), "{language}");
        assert!(made["provost.toml"].contains(&format!("component = \"{name}.wasm\"")), "{language}");
        assert!(made["README.md"].contains(&format!("provost plugin inspect {name}.wasm")), "{language}");
    }
}

#[test]
fn a_rust_project_has_the_sdk_as_a_crate_that_stands_alone() {
    let desk = desk();
    ok(&desk, &["plugin", "new", "night-watch"]);
    let made = files(&desk.dir().join("night-watch"));
    let sdk = files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../guest-sdk/src"));
    assert_eq!(below(&made, ".provost/sdk/0.1.0/src/"), sdk);
    assert!(!made[".provost/sdk/0.1.0/Cargo.toml"].contains("workspace"));
    assert!(made["Cargo.toml"].contains("provost-guest = { path = \".provost/sdk/0.1.0\" }"));
    assert!(made["src/lib.rs"].ends_with("provost_guest::export!(Plugin: RestartPolicy);\n"));
    assert!(made[".gitignore"].contains("!/.provost/sdk/"), "the copy belongs to the project");
}

#[test]
fn a_rust_project_is_formatted_whatever_its_name_and_its_roles_are() {
    let desk = desk();
    let all = ROLES.split(',').map(|role| (format!("zz-{role}"), role));
    for (name, roles) in all.chain([("aa".to_owned(), ROLES), ("zz".to_owned(), ROLES)]) {
        ok(&desk, &["plugin", "new", &name, "--role", roles]);
        let mut rustfmt = std::process::Command::new("rustfmt");
        rustfmt.args(["--check", "--edition", "2024", "src/lib.rs", "tests/decisions.rs"]);
        let output = rustfmt.current_dir(desk.dir().join(&name)).output().unwrap();
        assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stdout));
    }
}

#[test]
fn a_project_has_the_roles_that_were_asked_for_and_no_other() {
    let desk = desk();
    ok(
        &desk,
        &["plugin", "new", "two", "--role", "status-view,health-policy,status-view", "--dir", "deep/er"],
    );
    let source = fs::read_to_string(desk.dir().join("deep/er/src/lib.rs")).unwrap();
    assert!(source.contains("export!(Plugin: StatusView, HealthPolicy);"), "{source}");
    assert!(!source.contains("RestartPolicy"), "{source}");
    ok(&desk, &["plugin", "new", "one", "--lang", "python", "--role", "usage-policy"]);
    let world = fs::read_to_string(desk.dir().join("one/wit/world.wit")).unwrap();
    assert!(
        world.contains("include provost:plugin/usage-judge@0.1.0;") && !world.contains("restart"),
        "{world}"
    );
}

#[test]
fn a_view_beside_a_policy_imports_nothing_that_a_policy_may_not_see() {
    let desk = desk();
    for (name, roles, line) in [
        ("alone", "status-view", "include provost:plugin/status-renderer@0.1.0;"),
        ("listens", "status-view,status-consumer", "include provost:plugin/status-renderer@0.1.0;"),
        ("judges", "status-view,restart-policy", "export provost:plugin/status-view@0.1.0;"),
    ] {
        ok(&desk, &["plugin", "new", name, "--lang", "js", "--role", roles]);
        let world = fs::read_to_string(desk.dir().join(name).join("wit/world.wit")).unwrap();
        let about_views = world
            .lines()
            .map(str::trim)
            .filter(|line| line.contains("status-view") || line.contains("renderer"));
        assert_eq!(about_views.collect::<Vec<_>>(), [line], "{world}");
    }
}

#[test]
fn nothing_that_exists_is_overwritten_and_nothing_is_left_after_a_refusal() {
    let desk = desk();
    fs::create_dir(desk.dir().join("mine")).unwrap();
    fs::write(desk.dir().join("mine/precious"), "text").unwrap();
    fs::create_dir(desk.dir().join("empty")).unwrap();
    fs::write(desk.dir().join("file"), "text").unwrap();
    for name in ["mine", "file"] {
        refused(&desk, &["plugin", "new", name], 2, &["exists already", "nothing was changed"]);
    }
    for (name, why) in [
        ("Watch", "lower-case letter"),
        ("a.b", "lower-case letters, digits"),
        ("9lives", "begins with a lower-case letter"),
        ("match", "a keyword of Rust"),
        ("serde", "a dependency of the project"),
        ("keys", "`[plugins]`"),
        ("a/b", "cannot be a name"),
    ] {
        refused(&desk, &["plugin", "new", name], 2, &[name, why]);
    }
    refused(
        &desk,
        &["plugin", "new", "x", "--role", "judge"],
        2,
        &["judge", "the roles are restart-policy, "],
    );
    refused(&desk, &["plugin", "new", "x", "--lang", "cobol"], 2, &["cobol", "rust, js, python, c"]);
    let mut left: Vec<_> =
        fs::read_dir(desk.dir()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    left.retain(|name| name != "provost.toml");
    left.sort();
    assert_eq!(left, ["empty", "file", "mine"]);
    assert_eq!(fs::read_dir(desk.dir().join("mine")).unwrap().count(), 1);
    ok(&desk, &["plugin", "new", "empty"]);
}

#[test]
fn the_contract_is_printed_and_written() {
    let desk = desk();
    let printed = ok(&desk, &["plugin", "wit"]);
    for (name, text) in contract() {
        assert!(printed.contains(text.trim()), "{name}");
    }
    ok(&desk, &["plugin", "wit", "--out", "contract"]);
    assert_eq!(files(&desk.dir().join("contract")), contract());
    fs::create_dir(desk.dir().join("mine")).unwrap();
    fs::write(desk.dir().join("mine/a.wit"), "package mine:own;\n").unwrap();
    refused(&desk, &["plugin", "wit", "--out", "mine"], 2, &["no copy of the contract"]);
    assert_eq!(files(&desk.dir().join("mine")).len(), 1);
}

#[test]
fn the_copy_of_the_sdk_is_refreshed() {
    let desk = desk();
    ok(&desk, &["plugin", "new", "night-watch"]);
    let before = files(&desk.dir().join("night-watch"));
    fs::write(desk.dir().join("night-watch/.provost/sdk/0.1.0/src/lib.rs"), "damaged").unwrap();
    let told = ok(&desk, &["plugin", "sdk", "night-watch"]);
    assert!(told.contains("the SDK 0.1.0"), "{told}");
    assert_eq!(files(&desk.dir().join("night-watch")), before);
    refused(&desk, &["plugin", "sdk"], 1, &["Cargo.toml"]);
}

#[test]
fn a_build_names_the_missing_tool_before_it_begins() {
    let desk = desk();
    let without_tools = |project: &str| {
        let mut command = desk.command(&["plugin", "build", project]);
        let output = command.env("PATH", desk.dir()).env_remove("VIRTUAL_ENV").output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        String::from_utf8(output.stderr).unwrap()
    };
    for (language, told) in [
        ("js", "Node.js is missing"),
        ("python", "Python is missing"),
        ("c", "clang is missing"),
        ("rust", "cannot run cargo"),
    ] {
        let name = format!("lonely-{language}");
        ok(&desk, &["plugin", "new", &name, "--lang", language]);
        let stderr = without_tools(&name);
        assert!(stderr.contains(told) && stderr.contains("install"), "{stderr}");
        assert!(!desk.dir().join(&name).join(format!("{name}.wasm")).exists());
    }
}

#[test]
fn a_build_names_what_is_missing_of_an_interpreter_and_not_what_it_runs() {
    let desk = desk();
    let bin = desk.dir().join("bin");
    fs::create_dir(&bin).unwrap();
    for (language, name) in [("js", "judge"), ("python", "watch")] {
        ok(&desk, &["plugin", "new", name, "--lang", language]);
    }
    let told = |project: &str| {
        let mut command = desk.command(&["plugin", "build", project]);
        let output = command.env("PATH", &bin).env_remove("VIRTUAL_ENV").output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        String::from_utf8(output.stderr).unwrap()
    };
    let script = |path: &str, text: &str| {
        let path = desk.dir().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    };
    let (js, python) = ("judge/node_modules/.bin/componentize-js", "watch/.venv/bin/componentize-py");
    script(js, "#!/usr/bin/env node\n");
    assert!(told("judge").starts_with("error: Node.js is missing: install it"), "{}", told("judge"));
    fs::remove_file(desk.dir().join(js)).unwrap();
    script("bin/node", "");
    assert!(told("judge").starts_with("error: npm is missing: install it"), "{}", told("judge"));
    script("bin/npm", "");
    assert!(told("judge").starts_with("error: componentize-js is missing: run `npm install`"));

    script(python, "#!/nowhere/.venv/bin/python3\n");
    assert!(told("watch").starts_with("error: Python is missing: install it"), "{}", told("watch"));
    script("bin/python3", "");
    let gone = told("watch");
    assert!(
        gone.starts_with("error: /nowhere/.venv/bin/python3, the interpreter of ")
            && gone.contains(".venv/bin/componentize-py, is missing: recreate the environment"),
        "{gone}"
    );
    fs::remove_file(desk.dir().join(python)).unwrap();
    assert!(told("watch").starts_with("error: componentize-py is missing: run `python3 -m venv"));
}
