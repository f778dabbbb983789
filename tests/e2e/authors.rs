//! The commands for authors of plugins: projects in every language, the contract, the copy of the SDK, and what an author does wrong.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use provost_tests::{DevSession, Host, Ran, Setup};

use crate::PROVOST;

const ROLES: &str =
    "restart-policy,start-policy,health-policy,scale-policy,usage-policy,status-view,status-consumer";
const LANGUAGES: [&str; 4] = ["rust", "js", "python", "c"];

/// A folder to work in, without a host.
fn desk() -> Setup {
    Setup::new(PROVOST, "")
}

fn ok(setup: &Setup, arguments: &[&str]) -> String {
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
        ("Watch", "small letter"),
        ("a.b", "small letters, digits"),
        ("9lives", "begins with a small letter"),
        ("match", "a word of Rust"),
        ("serde", "another package"),
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
            && gone.contains(".venv/bin/componentize-py, is missing: make the environment anew"),
        "{gone}"
    );
    fs::remove_file(desk.dir().join(python)).unwrap();
    assert!(told("watch").starts_with("error: componentize-py is missing: run `python3 -m venv"));
}

/// The project that a stranger makes in an empty folder: it is tested, built with the toolchain that is there, and judges a process
/// in a host. Only the step `guests` of the gate and `.ci/long authors` run it, because it compiles a standard library.
#[test]
#[ignore = "takes minutes: `.ci/step guests` runs it"]
fn a_rust_project_of_a_stranger_is_tested_built_and_judges_a_process() {
    let desk = desk();
    ok(&desk, &["plugin", "new", "night-watch", "--role", ROLES]);
    let project = desk.dir().join("night-watch");
    // The versions that the workspace has are downloaded already.
    let lock = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../Cargo.lock");
    fs::copy(lock, project.join("Cargo.lock")).unwrap();
    let tested = std::process::Command::new("cargo").arg("test").current_dir(&project).output().unwrap();
    let told = String::from_utf8_lossy(&tested.stdout).into_owned();
    assert!(tested.status.success(), "{told}{}", String::from_utf8_lossy(&tested.stderr));
    assert!(told.contains("8 passed"), "{told}");
    assert!(told.contains("the_file_settings_schema_json_is_the_schema_of_the_settings ... ok"), "{told}");
    let built = desk.run(&["plugin", "build", "night-watch"]);
    assert_eq!(built.code, 0, "{built:?}");
    for part in [
        "built night-watch/night-watch.wasm",
        "name       night-watch 0.1.0",
        "SDK 0.1.0",
        "settings   busy_hours, failed_checks, memory_mib_max, pause, settle, title, tries, verbose",
        "would be accepted",
    ] {
        assert!(built.stdout.contains(part), "{part}: {built:?}");
    }
    let tried = ok(&desk, &["plugin", "test", "night-watch", "--no-native"]);
    assert!(tried.ends_with("15 vectors and 5 scenarios passed\n"), "{tried}");
    takes_the_sdk_of_a_registry(&desk, &project);
    crate::author_errors::of_a_rust_project(&desk, &project);
    // What was compiled, the standard library above all, serves the project of the tutorial as well.
    let bytes = crate::tutorial::follow("rust", |other| {
        fs::copy(project.join("Cargo.lock"), other.join("Cargo.lock")).unwrap();
        std::os::unix::fs::symlink(project.join("target"), other.join("target")).unwrap();
    });
    assert!(bytes < MINIMAL_BYTES_MAX, "{bytes} bytes");
    judges(desk, develops);
}

/// Builds the project with the SDK of a registry, by the one line that its Cargo.toml names. The crate as it would be published stands in
/// for that of a registry; the copy in the project is not there meanwhile.
fn takes_the_sdk_of_a_registry(desk: &Setup, project: &Path) {
    let published = desk.dir().join("published");
    let run = |command: &mut std::process::Command| {
        let output = command.output().unwrap();
        assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    };
    let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut package = std::process::Command::new("cargo");
    package.args(["package", "-p", "provost-guest", "--no-verify", "--allow-dirty", "--exclude-lockfile"]);
    run(package.arg("--target-dir").arg(&published).current_dir(repository));
    let mut unpack = std::process::Command::new("tar");
    run(unpack
        .arg("-xzf")
        .arg(published.join("package/provost-guest-0.1.0.crate"))
        .arg("-C")
        .arg(&published));

    let (manifest, copy, aside) =
        (project.join("Cargo.toml"), project.join(".provost/sdk"), desk.dir().join("sdk"));
    let before = fs::read_to_string(&manifest).unwrap();
    let line = before.lines().find_map(|line| line.strip_prefix("# provost-guest = ")).unwrap();
    let switched = before
        .replace("provost-guest = { path = \".provost/sdk/0.1.0\" }", &format!("provost-guest = {line}"));
    assert_ne!(switched, before);
    fs::write(&manifest, switched).unwrap();
    fs::rename(&copy, &aside).unwrap();
    let patch =
        format!("[patch.crates-io]\nprovost-guest.path = {:?}\n", published.join("provost-guest-0.1.0"));
    fs::create_dir(project.join(".cargo")).unwrap();
    fs::write(project.join(".cargo/config.toml"), patch).unwrap();
    let built = ok(desk, &["plugin", "build", "night-watch"]);
    assert!(built.contains("SDK 0.1.0") && built.contains("would be accepted"), "{built}");

    fs::remove_dir_all(project.join(".cargo")).unwrap();
    fs::rename(&aside, &copy).unwrap();
    fs::write(&manifest, before).unwrap();
}

/// The largest component of a policy that does little, in bytes.
const MINIMAL_BYTES_MAX: usize = 40_000;

/// The config with which the component of a project is run.
const JUDGED: &str = r#"
[plugins]
compile = { time = "10m", memory = "4GiB", wait = "1m" }
[plugins.night-watch]
component = "night-watch/night-watch.wasm"
limits    = { memory = "64MiB", call_time = "10s" }
settings  = { tries = 3 }
[host]
decision_deadline = "20s"
[process.web]
command  = "exit 1"
policies = ["night-watch"]
"#;

/// Changes the source while `plugin dev` runs: a mistake and a decision that no vector expects change nothing in the host, and what
/// passes is swapped and decides.
fn develops(host: &Host) {
    let project = host.setup().dir().join("night-watch");
    let (source, vectors) = (project.join("src/lib.rs"), project.join("tests/vectors/decisions.toml"));
    let good = fs::read_to_string(&source).unwrap();
    let component = fs::read(project.join("night-watch.wasm")).unwrap();
    let mut dev = DevSession::start(host.setup(), &["night-watch", "-c", "provost.toml"]);
    dev.until("version 1 is in force, with this component");
    fs::write(&source, good.replace("match ended.failures {", "match ended.failure {")).unwrap();
    dev.until("cargo build of night-watch failed");
    dev.until("the former version stays loaded: version 1");
    fs::write(&source, good.replace("n > self.tries", "n > self.tries + 20")).unwrap();
    dev.until("1 vector of 15 and 1 scenario of 5 failed");
    dev.until("BROKEN   gives_up_after = 6");
    fs::write(&source, good.replace(": try {n} of", ": attempt {n} of")).unwrap();
    dev.until("1 vector of 15 failed");
    assert_eq!(fs::read(project.join("night-watch.wasm")).unwrap(), component, "the component in force");
    let expected = fs::read_to_string(&vectors).unwrap();
    fs::write(&vectors, expected.replace("try 1 of 5", "attempt 1 of 5")).unwrap();
    dev.until("swapped: version 1 -> 2");
    // The former version may have given it up.
    host.ok(&["restart", "web"]);
    dev.until("failure 1 -> restart in 500 ms: exited with code 1: attempt 1 of 3");
    assert!(dev.interrupt().success());
    tests_natively(host, &project);
}

/// The native tests are run where that is wanted, before anything is put in force.
fn tests_natively(host: &Host, project: &Path) {
    let tests = project.join("tests/decisions.rs");
    let good = fs::read_to_string(&tests).unwrap();
    let round = || host.run(&["-c", "provost.toml", "plugin", "dev", "night-watch", "--once", "--native"]);
    fs::write(&tests, format!("{good}\n#[test]\nfn it_fails() {{\n    panic!(\"on purpose\");\n}}\n"))
        .unwrap();
    let failed = round();
    assert_eq!(failed.code, 1, "{failed:?}");
    for part in ["on purpose", "error: the native tests have failed"] {
        assert!(failed.stdout.contains(part) || failed.stderr.contains(part), "{part}: {failed:?}");
    }
    assert_eq!(host.plugin("night-watch")["version"], 2);
    fs::write(&tests, good).unwrap();
    let passed = round();
    assert_eq!(passed.code, 0, "{passed:?}");
    let told = format!("{}{}", passed.stdout, passed.stderr);
    assert!(told.contains("the native tests have passed"), "{told}");
}

/// Runs a process that fails, and waits for the reason of the component in `explain`.
fn judges(desk: Setup, then: impl Fn(&Host)) {
    fs::write(desk.dir().join("provost.toml"), JUDGED).unwrap();
    let host = desk.up();
    let reason = "try 1 of 3";
    provost_tests::eventually(
        "its reason is shown",
        || host.ok(&["explain", "web"]),
        |told| told.contains(reason),
    );
    then(&host);
    host.down();
}

/// JavaScript, Python and C, in the language that `PROVOST_AUTHOR_LANGUAGE` names; `.ci/long authors` installs what it needs into the
/// folder `PROVOST_AUTHOR_TOOLS`, whose contents the project gets.
#[test]
#[ignore = "needs the toolchain of another language: `.ci/long authors` runs it"]
fn a_project_in_another_language_is_built_and_judges_a_process() {
    let language = std::env::var("PROVOST_AUTHOR_LANGUAGE").unwrap();
    let desk = desk();
    ok(&desk, &["plugin", "new", "night-watch", "--lang", &language, "--role", ROLES]);
    with_tools(&desk.dir().join("night-watch"));
    let built = desk.run(&["plugin", "build", "night-watch"]);
    assert_eq!(built.code, 0, "{built:?}");
    for part in [
        "built night-watch/night-watch.wasm",
        "name       night-watch 0.1.0",
        "would be accepted",
        "read a clock",
    ] {
        assert!(built.stdout.contains(part), "{part}: {built:?}");
    }
    assert!(!built.stdout.contains("wasi:"), "{built:?}");
    is_typed(&desk.dir().join("night-watch"), &language);
    let tried = ok(&desk, &["plugin", "test", "night-watch"]);
    assert!(tried.ends_with("15 vectors and 5 scenarios passed\n"), "{tried}");
    raises(&desk, &language);
    judges(desk, |_| {});
    crate::tutorial::follow(&language, with_tools);
}

/// Checks a project with the types of the contract, as an editor does.
fn is_typed(project: &Path, language: &str) {
    let (checker, arguments): (&str, &[&str]) = match language {
        "js" => ("node_modules/.bin/tsc", &["-p", "jsconfig.json"]),
        "python" => (".venv/bin/mypy", &["--strict"]),
        _ => return,
    };
    let check = || {
        let mut command = std::process::Command::new(project.join(checker));
        command.args(arguments).current_dir(project).output().unwrap()
    };
    let good = check();
    assert!(good.status.success(), "{good:?}");
    let source = project.join(if language == "js" { "src/plugin.js" } else { "plugin.py" });
    let text = fs::read_to_string(&source).unwrap();
    fs::write(&source, text.replace("ended.failures", "ended.failurs")).unwrap();
    let told = String::from_utf8(check().stdout).unwrap();
    assert!(told.contains("failurs") && told.contains("failures"), "{told}");
    fs::write(&source, text).unwrap();
}

/// Gives a project the toolchain of its language.
fn with_tools(project: &Path) {
    let Ok(tools) = std::env::var("PROVOST_AUTHOR_TOOLS") else { return };
    for entry in fs::read_dir(tools).unwrap() {
        let entry = entry.unwrap();
        std::os::unix::fs::symlink(entry.path(), project.join(entry.file_name())).unwrap();
    }
}

/// Builds a project whose policy fails, and looks for the message and the line in what `validate` says about its trial.
fn raises(desk: &Setup, language: &str) {
    let (file, good, bad, told) = match language {
        "js" => {
            ("src/plugin.js", "if (ended.failures === 0)", "if (ended.nothing.failures === 0)", "TypeError")
        }
        "python" => ("plugin.py", "if ended.failures == 0:", "if ended.nothing == 0:", "AttributeError"),
        _ => (
            "src/plugin.c",
            "uint32_t failures = ended->failures;",
            "FAIL(\"nothing\"); uint32_t failures = 0;",
            "nothing",
        ),
    };
    let source = desk.dir().join("night-watch").join(file);
    let text = fs::read_to_string(&source).unwrap();
    let broken = text.replace(good, bad);
    let line = broken.lines().position(|line| line.contains(bad)).unwrap() + 1;
    fs::write(&source, broken).unwrap();
    let component = desk.dir().join("night-watch/night-watch.wasm");
    let kept = fs::read(&component).unwrap();
    let built = desk.run(&["plugin", "build", "night-watch"]);
    assert_eq!(built.code, 0, "{built:?}");
    fs::write(desk.dir().join("provost.toml"), JUDGED).unwrap();
    let judged = desk.run(&["validate"]);
    for part in [told, "nothing", &format!("{file}:{line}")] {
        assert!(judged.stdout.contains(part) || judged.stderr.contains(part), "{part}: {judged:?}");
    }
    fs::write(&source, text).unwrap();
    fs::write(&component, kept).unwrap();
}
