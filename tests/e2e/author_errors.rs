//! What an author does wrong: each mistake in a Rust project has an error that says what to change, when it is built, tested or
//! configured, and leaves the good component as it is. The test of `strangers` in Rust runs this, because it compiles a standard
//! library.

use std::fs;
use std::path::Path;

use provost_tests::{Ran, Setup};

/// The command that finds a mistake.
#[derive(Clone, Copy)]
enum FoundBy {
    Build,
    /// It builds, and its vectors do not pass.
    Test,
    /// It builds, and the config is wrong.
    Validate,
}

/// A mistake: what is replaced in files of the project, by what, and what the error says.
struct Mistake {
    name: &'static str,
    edits: &'static [(&'static str, &'static str, &'static str)],
    found_by: FoundBy,
    told: &'static [&'static str],
}

const fn mistake(
    name: &'static str,
    edits: &'static [(&'static str, &'static str, &'static str)],
    found_by: FoundBy,
    told: &'static [&'static str],
) -> Mistake {
    Mistake { name, edits, found_by, told }
}

const SOURCE: &str = "src/lib.rs";
/// Where the restart policy begins.
const JUDGES: &str = "match ended.failures {";
const CONFIG: &str = "../provost.toml";
const CONFIGURED: &str = r#"
[plugins.night-watch]
component = "night-watch/night-watch.wasm"
settings  = { tries = 3 }
[process.web]
command  = "exit 1"
policies = ["night-watch"]
"#;

const MISTAKES: [Mistake; 10] = [
    mistake(
        "an export of roles that judge nothing, for a process that wants a policy",
        &[(
            SOURCE,
            "Plugin: RestartPolicy, StartPolicy, HealthPolicy, ScalePolicy, UsagePolicy, StatusView",
            "Plugin: StatusView",
        )],
        FoundBy::Validate,
        &[
            "provost.toml:7:13",
            "is not a policy: it exports status-view, status-consumer and judges nothing",
            "hint: ",
        ],
    ),
    mistake(
        "no export",
        &[(SOURCE, "provost_guest::export!(Plugin: RestartPolicy, ", "const _: &str = stringify!(")],
        FoundBy::Build,
        &["no role of Provost", "provost_guest::export!(Type: RestartPolicy)"],
    ),
    mistake(
        "source that does not compile",
        &[(SOURCE, JUDGES, "match ended.failure {")],
        FoundBy::Build,
        &["cargo build of night-watch failed", "hint: correct the source"],
    ),
    mistake(
        "a function of a later version of the contract",
        &[
            (
                ".provost/sdk/0.1.0/wit/settings.wit",
                "json: func() -> string;",
                "json: func() -> string;\n    moon: func() -> u32;",
            ),
            (
                SOURCE,
                JUDGES,
                "match ended.failures + provost_guest::bindings::judge::provost::plugin::settings::moon() {",
            ),
        ],
        FoundBy::Build,
        &[
            "it calls a function that a later version of the contract has",
            "`moon`",
            "use a newer provost, or build it against the contract of this one",
            "hint: the former component is still there",
        ],
    ),
    mistake(
        "a setting of another type",
        &[(CONFIG, "tries = 3", "tries = \"many\"")],
        FoundBy::Validate,
        &["provost.toml:4:15", "tries: the text \"many\", expected a whole number", "hint: "],
    ),
    mistake(
        "a panic",
        &[(SOURCE, JUDGES, "match ended.failures + Vec::<u32>::new()[0] {")],
        FoundBy::Test,
        &["panicked at src/lib.rs:", "index out of bounds", "hint: a panic or an exception is logged"],
    ),
    mistake(
        "a clock",
        &[(SOURCE, JUDGES, "let _now = std::time::SystemTime::now(); match ended.failures {")],
        FoundBy::Test,
        &[
            "time not implemented on this platform",
            "hint: a policy has no clock: the time is `now` of the trigger",
        ],
    ),
    mistake(
        "a socket",
        &[(
            SOURCE,
            JUDGES,
            "let _socket = std::net::TcpStream::connect(\"127.0.0.1:80\").unwrap(); match ended.failures {",
        )],
        FoundBy::Test,
        &["operation not supported on this platform", "hint: a policy has no files and no network"],
    ),
    mistake(
        "an endless loop",
        &[(SOURCE, JUDGES, "while core::hint::black_box(true) {} match ended.failures {")],
        FoundBy::Test,
        &["(limits.call_time)", "hint: do less in one call"],
    ),
    mistake(
        "an answer that is too big",
        &[(SOURCE, "it has done its work", "x\".repeat(3_000_000) + \""), (SOURCE, JUDGES, "match 0 {")],
        FoundBy::Test,
        &[
            "passed more data in one call than the allowed 256 KiB (limits.handed)",
            "hint: a reason, a line of the log",
        ],
    ),
];

/// Makes each mistake in a project, and compares what the author is told. The project is as before at the end.
pub(crate) fn of_a_rust_project(desk: &Setup, project: &Path) {
    let component = project.join("night-watch.wasm");
    let kept = fs::read(&component).unwrap();
    fs::write(project.join(CONFIG), CONFIGURED).unwrap();
    for mistake in &MISTAKES {
        let mut before: Vec<(&str, String)> = Vec::new();
        for (file, good, bad) in mistake.edits {
            let text = fs::read_to_string(project.join(file)).unwrap();
            assert_eq!(text.matches(good).count(), 1, "{}: {good} in {file}", mistake.name);
            fs::write(project.join(file), text.replace(good, bad)).unwrap();
            before.push((file, text));
        }
        let ran = found(desk, mistake);
        for part in mistake.told {
            let is_told = ran.stderr.contains(part) || ran.stdout.contains(part);
            assert!(is_told, "{}: {part}: {ran:?}", mistake.name);
        }
        if matches!(mistake.found_by, FoundBy::Build) {
            assert_eq!(fs::read(&component).unwrap(), kept, "{}: the good component stays", mistake.name);
        }
        for (file, text) in before.iter().rev() {
            fs::write(project.join(file), text).unwrap();
        }
        fs::write(&component, &kept).unwrap();
    }
}

/// Runs the command that finds a mistake, and fails.
fn found(desk: &Setup, mistake: &Mistake) -> Ran {
    let built = desk.run(&["plugin", "build", "night-watch"]);
    let later: (&[&str], i32) = match mistake.found_by {
        FoundBy::Build => {
            assert_eq!(built.code, 1, "{}: {built:?}", mistake.name);
            return built;
        }
        FoundBy::Test => (&["plugin", "test", "night-watch", "--no-native"], 1),
        FoundBy::Validate => (&["validate"], 2),
    };
    assert_eq!(built.code, 0, "{}: {built:?}", mistake.name);
    let ran = desk.run(later.0);
    assert_eq!(ran.code, later.1, "{}: {ran:?}", mistake.name);
    ran
}
