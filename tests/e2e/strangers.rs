//! Projects that strangers make in an empty folder, in each language: they are built with the toolchain that is there, tested, and judge
//! a process in a live host. They take minutes, so only the step `guests` of the gate and `.ci/long authors` run them.

use std::fs;
use std::path::Path;

use provost_tests::{DevSession, Host, Setup};

use crate::authors::{ROLES, desk, ok};

/// The project that a stranger makes in an empty folder: it is tested, built with the toolchain that is there, and judges a process
/// in a host. It compiles a standard library.
#[test]
#[ignore = "takes minutes: `.ci/step guests` runs it"]
fn a_rust_project_is_tested_built_and_judges_a_process() {
    let desk = desk();
    // The versions that the workspace has are downloaded already.
    let lock = |project: &Path| {
        let lock = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../Cargo.lock");
        fs::copy(lock, project.join("Cargo.lock")).unwrap();
    };
    let bytes = crate::tutorial::follow(&desk, "rust", lock);
    assert!(bytes < MINIMAL_BYTES_MAX, "{bytes} bytes");
    let (project, followed) = (desk.dir().join("night-watch"), desk.dir().join("followed"));
    fs::rename(&project, &followed).unwrap();
    ok(&desk, &["plugin", "new", "night-watch", "--role", ROLES]);
    lock(&project);
    // What was compiled in this place, the standard library above all, serves this project as well.
    fs::rename(followed.join("target"), project.join("target")).unwrap();
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
    crate::tutorial::follow(&crate::authors::desk(), &language, with_tools);
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
