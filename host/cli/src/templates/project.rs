//! Making a project: `provost plugin new`.

use std::fs;
use std::path::{Path, PathBuf};

use provost_plugin_host::Role;
use provost_state::naming;

use super::contract;
use super::embedded::template;
use super::error::ProjectError;
use super::files::write;
use super::language::Language;
use super::manifest;
use super::render::{render, without_last_commas};
use super::sdk;

/// The project that is wanted.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    /// Its name, which is that of the plugin and of its package.
    pub(crate) name: String,
    /// Its language.
    pub(crate) language: Language,
    /// Its roles, at least one, each once.
    pub(crate) roles: Vec<Role>,
}

/// Names that would be those of another crate or package, or that cargo refuses.
const TAKEN: [&str; 13] = [
    "alloc",
    "core",
    "plugin",
    "proc-macro",
    "proc_macro",
    "provost",
    "provost-guest",
    "provost_guest",
    "serde",
    "std",
    "test",
    "wit",
    "wit-bindgen",
];

/// Words of Rust that cannot be the name of a crate.
const KEYWORDS: [&str; 44] = [
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "crate", "do", "dyn",
    "else", "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let", "loop",
    "macro", "match", "mod", "move", "mut", "override", "priv", "pub", "ref", "return", "self", "static",
    "struct", "super", "trait", "true", "try", "type", "use",
];

/// Makes the project in `folder`, which must not exist or be an empty folder. Nothing half-written is left behind.
///
/// # Errors
/// [`ProjectError`] if the name cannot be used, the folder is occupied, or something cannot be written.
pub(crate) fn make(wanted: &Wanted, folder: &Path) -> Result<(), ProjectError> {
    check(&wanted.name)?;
    if folder.symlink_metadata().is_ok() && !is_empty(folder) {
        return Err(ProjectError::Occupied { folder: folder.to_owned() });
    }
    // Before the first write, so that a defect writes nothing.
    let files = files(wanted)?;
    let parent = folder.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(parent).map_err(ProjectError::file(parent))?;
    let fresh = parent.join(format!(".{}.new-{}", wanted.name, std::process::id()));
    let made = files.iter().try_for_each(|(path, text)| write(&fresh.join(path), text.as_bytes()));
    // A folder that is not empty any more is not replaced.
    let made = made.and_then(|()| fs::rename(&fresh, folder).map_err(ProjectError::file(folder)));
    if made.is_err() {
        let _ = fs::remove_dir_all(&fresh);
    }
    made
}

/// Checks the name of a project.
fn check(name: &str) -> Result<(), ProjectError> {
    naming::check_plugin(name)?;
    let refused = |why| Err(ProjectError::Package { name: name.to_owned(), why });
    if !name.starts_with(|c: char| c.is_ascii_lowercase()) {
        return refused("the name of a package begins with a lower-case letter");
    }
    if !name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_')) {
        return refused("the name of a package consists of lower-case letters, digits, `-` and `_` only");
    }
    if KEYWORDS.contains(&name) {
        return refused("it is a keyword of Rust");
    }
    if TAKEN.contains(&name) {
        return refused("a dependency of the project has this name");
    }
    Ok(())
}

fn is_empty(folder: &Path) -> bool {
    folder.is_dir() && fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_none())
}

/// Returns the files of a project by their paths.
fn files(wanted: &Wanted) -> Result<Vec<(PathBuf, String)>, ProjectError> {
    let values = values(wanted)?;
    let made = |(path, from): &Source| {
        let text = render(template(from), &wanted.roles, &values);
        (PathBuf::from(path), if path.ends_with(".json") { without_last_commas(&text) } else { text })
    };
    let scenarios = SCENARIOS.iter().filter(|(role, _)| wanted.roles.contains(role));
    let sources = sources(wanted.language).iter();
    let mut files: Vec<_> = sources.chain(scenarios.map(|(_, source)| source)).map(made).collect();
    if wanted.language == Language::Rust {
        files.extend(sdk::files()?.into_iter().map(|(path, text)| (PathBuf::from(path), text)));
    } else {
        let copy = contract::files().into_iter();
        files.extend(
            copy.map(|(name, text)| {
                (PathBuf::from(format!("wit/deps/provost-plugin/{name}")), text.to_owned())
            }),
        );
    }
    Ok(files)
}

/// A file that is made of a template: its path in the project, and that of the template.
type Source = (&'static str, &'static str);

/// Returns the files of a project that are made of templates, except for its scenarios.
pub(super) const fn sources(language: Language) -> &'static [Source] {
    match language {
        Language::Rust => &[
            ("Cargo.toml", "rust/Cargo.toml"),
            ("src/lib.rs", "rust/src/lib.rs"),
            ("tests/decisions.rs", "rust/tests/decisions.rs.in"),
            ("README.md", "rust/README.md"),
            (".gitignore", "rust/gitignore"),
            ("provost.toml", "rust/provost.toml"),
            ("tests/vectors/decisions.toml", "shared/vectors.toml"),
            ("settings.schema.json", "rust/settings.schema.json"),
        ],
        Language::Js => &[
            ("package.json", "js/package.json"),
            ("src/plugin.js", "js/src/plugin.js"),
            ("jsconfig.json", "js/jsconfig.json"),
            ("provost.d.ts", "js/provost.d.ts"),
            ("README.md", "js/README.md"),
            (".gitignore", "shared/gitignore"),
            ("provost.toml", "shared/provost.toml"),
            ("tests/vectors/decisions.toml", "shared/vectors.toml"),
            ("provost-plugin.toml", "shared/provost-plugin.toml"),
            ("settings.schema.json", "shared/settings.schema.json"),
            ("wit/world.wit", "shared/world.wit"),
        ],
        Language::Python => &[
            ("requirements.txt", "python/requirements.txt"),
            ("plugin.py", "python/plugin.py"),
            ("pyproject.toml", "python/pyproject.toml"),
            ("README.md", "python/README.md"),
            (".gitignore", "shared/gitignore"),
            ("provost.toml", "shared/provost.toml"),
            ("tests/vectors/decisions.toml", "shared/vectors.toml"),
            ("provost-plugin.toml", "shared/provost-plugin.toml"),
            ("settings.schema.json", "shared/settings.schema.json"),
            ("wit/world.wit", "shared/world.wit"),
        ],
        Language::C => &[
            ("compile_flags.txt", "c/compile_flags.txt"),
            ("src/plugin.c", "c/src/plugin.c"),
            ("README.md", "c/README.md"),
            (".gitignore", "shared/gitignore"),
            ("provost.toml", "c/provost.toml"),
            ("tests/vectors/decisions.toml", "shared/vectors.toml"),
            ("provost-plugin.toml", "shared/provost-plugin.toml"),
            ("settings.schema.json", "c/settings.schema.json"),
            ("wit/world.wit", "shared/world.wit"),
        ],
    }
}

/// The scenarios of a project by the role that each is about. A simulation judges nothing that only shows or forwards, so views and
/// consumers have none.
pub(super) const SCENARIOS: [(Role, Source); 5] = [
    (Role::RestartPolicy, ("scenarios/crash-loop.toml", "shared/scenarios/crash-loop.toml")),
    (Role::StartPolicy, ("scenarios/eager-restarts.toml", "shared/scenarios/eager-restarts.toml")),
    (Role::HealthPolicy, ("scenarios/failing-checks.toml", "shared/scenarios/failing-checks.toml")),
    (Role::ScalePolicy, ("scenarios/day-and-night.toml", "shared/scenarios/day-and-night.toml")),
    (Role::UsagePolicy, ("scenarios/leak.toml", "shared/scenarios/leak.toml")),
];

/// Returns the placeholders and their values.
fn values(wanted: &Wanted) -> Result<Vec<(&'static str, String)>, ProjectError> {
    let sdk = manifest::version()?;
    let track = sdk.rsplit_once('.').map_or(sdk.as_str(), |(track, _)| track).to_owned();
    let list = |name: &dyn Fn(&Role) -> String| wanted.roles.iter().map(name).collect::<Vec<_>>();
    let judges = wanted.roles.iter().any(|role| role.judgement().is_some());
    let include = |role: &Role| included(*role, judges);
    let (source, install) = match wanted.language {
        Language::Rust => ("src/lib.rs", ""),
        Language::Js => ("src/plugin.js", "$ npm install                             # componentize-js"),
        Language::Python => (
            "plugin.py",
            "$ python3 -m venv .venv && .venv/bin/pip install -r requirements.txt     # componentize-py",
        ),
        Language::C => {
            ("src/plugin.c", "$ apt install clang lld wasi-libc libclang-rt-14-dev-wasm32     # on Debian 12")
        }
    };
    let (limits, of_scenario) = match wanted.language {
        Language::Rust | Language::C => ("", ""),
        Language::Js | Language::Python => {
            ("\nlimits = { memory = \"64MiB\", call_time = \"1s\" }", "\nlimits = { memory = \"64MiB\" }")
        }
    };
    Ok(vec![
        ("name", wanted.name.clone()),
        ("crate", wanted.name.replace('-', "_")),
        ("lang", wanted.language.word().to_owned()),
        ("language", wanted.language.name().to_owned()),
        ("vector_limits", limits.to_owned()),
        ("scenario_limits", of_scenario.to_owned()),
        ("first", wanted.roles.first().map(ToString::to_string).unwrap_or_default()),
        ("roles", list(&|role| format!("`{role}`")).join(", ")),
        ("traits", list(&|role| trait_of(*role).to_owned()).join(", ")),
        ("worlds", list(&include).concat()),
        ("contract", contract::VERSION.to_owned()),
        ("sdk", sdk),
        ("sdk_track", track),
        ("source", source.to_owned()),
        ("install", install.to_owned()),
    ])
}

/// Returns the line of a world for a role.
///
/// The world of views imports `plugins` and `usages`, which a policy may not see. Rust and C leave out what is not used, and the
/// toolchains of other languages do not, so the view of a component that judges is exported alone.
fn included(role: Role, judges: bool) -> String {
    let version = contract::VERSION;
    if judges && role == Role::StatusView {
        return format!("    export provost:plugin/{role}@{version};\n");
    }
    format!("    include provost:plugin/{}@{version};\n", world_of(role))
}

/// Returns the world of the contract in which a role is exported.
const fn world_of(role: Role) -> &'static str {
    match role {
        Role::RestartPolicy => "restart-judge",
        Role::StartPolicy => "start-judge",
        Role::HealthPolicy => "health-judge",
        Role::ScalePolicy => "scale-judge",
        Role::UsagePolicy => "usage-judge",
        Role::StatusView => "status-renderer",
        Role::StatusConsumer => "status-listener",
    }
}

/// Returns the trait of the SDK for a role.
const fn trait_of(role: Role) -> &'static str {
    match role {
        Role::RestartPolicy => "RestartPolicy",
        Role::StartPolicy => "StartPolicy",
        Role::HealthPolicy => "HealthPolicy",
        Role::ScalePolicy => "ScalePolicy",
        Role::UsagePolicy => "UsagePolicy",
        Role::StatusView => "StatusView",
        Role::StatusConsumer => "StatusConsumer",
    }
}
