//! Commands for authors of plugins, none of which needs a host: `plugin new`, `build`, `wit`, `sdk`.

use std::path::{Path, PathBuf};

use provost_plugin_host::{Inspection, SettingsSchema};

use super::component::compiler;
use super::printing::print;
use crate::args::{CompileArgs, NewArgs};
use crate::compiling::SMALL_BYTES;
use crate::failure::Failure;
use crate::guests::{self, BuildError, Built, Known, Label, Progress};
use crate::render::inspection;
use crate::render::style::Paint;
use crate::templates::{self, ProjectError, Wanted, contract};

/// Makes a project.
pub(super) fn new(args: NewArgs) -> Result<(), Failure> {
    let mut roles = args.role;
    let mut seen = Vec::new();
    roles.retain(|role| {
        !seen.contains(role) && {
            seen.push(*role);
            true
        }
    });
    let folder = args.dir.unwrap_or_else(|| PathBuf::from(&args.name));
    let wanted = Wanted { name: args.name, language: args.lang, roles };
    templates::make(&wanted, &folder).map_err(refused)?;
    let roles: Vec<&str> = wanted.roles.iter().map(|role| role.as_str()).collect();
    let shown = folder.display();
    print(format!(
        "made {shown}: a plugin in {} ({})\n\nnext:\n  cd {shown}\n{}  provost plugin build\n  provost plugin test\n  provost up\n",
        wanted.language.name(),
        roles.join(", "),
        prepared(wanted.language),
    ))
}

/// Returns the lines of what comes before the first build.
fn prepared(language: templates::Language) -> &'static str {
    match language {
        templates::Language::Js => "  npm install\n",
        templates::Language::Python => {
            "  python3 -m venv .venv && .venv/bin/pip install -r requirements.txt\n"
        }
        templates::Language::Rust | templates::Language::C => "",
    }
}

/// Prints the contract, or writes its files.
pub(super) fn wit(out: Option<&Path>) -> Result<(), Failure> {
    let Some(folder) = out else { return print(contract::text()) };
    contract::write_to(folder).map_err(refused)?;
    print(format!("wrote provost:plugin@{} to {}\n", contract::VERSION, folder.display()))
}

/// Refreshes the copy of the SDK in a project.
pub(super) fn sdk(dir: &Path) -> Result<(), Failure> {
    let refreshed = templates::refresh(dir).map_err(refused)?;
    let from = if refreshed.before == refreshed.now {
        "of the same version".to_owned()
    } else {
        format!("instead of {}", refreshed.before)
    };
    print(format!("wrote the SDK {} to {}, {from}\n", refreshed.now, dir.join(refreshed.copy).display()))
}

/// Converts an error of a project into a failure with a hint.
fn refused(error: ProjectError) -> Failure {
    let hint = error.hint();
    match error {
        ProjectError::File { .. } | ProjectError::Manifest(_) => Failure::failed(error, hint),
        _ => Failure::usage(error, hint),
    }
}

/// Builds a project, and shows what came of it. With `checked` nothing is written that no host would take.
pub(super) fn build(dir: &Path, checked: bool, compile: CompileArgs, paint: Paint) -> Result<(), Failure> {
    is_folder(dir)?;
    let built = guests::build(dir, checked, Progress::Shown).map_err(build_failure)?;
    let shown = built.path.strip_prefix("./").unwrap_or(&built.path).display().to_string();
    if !checked {
        built.write().map_err(build_failure)?;
        return print(format!("built {shown} with {}, unchecked\n", built.toolchain));
    }
    let found = inspected(&built, &shown, compile)?;
    built.write().map_err(build_failure)?;
    let (label, schema) = (Label::read(&built.component), SettingsSchema::of_component(&built.component));
    print(format!(
        "built {shown} with {}\n{}",
        built.toolchain,
        inspection::text(&found, &label, &schema, &shown, paint)
    ))
}

/// Refuses what is not a folder.
pub(super) fn is_folder(dir: &Path) -> Result<(), Failure> {
    if dir.is_dir() {
        return Ok(());
    }
    Err(Failure::usage(format!("there is no folder {}", dir.display()), PROJECT_HINT))
}

/// Returns a built component that a host would take by its names, and does not write it.
pub(super) fn made(dir: &Path, progress: Progress, known: &mut Known) -> Result<Built, Failure> {
    guests::build_again(dir, true, progress, known).map_err(build_failure)
}

/// Returns the folders whose files a component is made of.
pub(super) fn folders_of(dir: &Path) -> Result<Vec<PathBuf>, Failure> {
    guests::folders_of(dir).map_err(build_failure)
}

/// Inspects a component that is not written yet, as a host would. What may still be granted is no failure. One that is not small is
/// checked by its names only: it contains an interpreter, and takes minutes to compile without optimisation.
fn inspected(built: &Built, shown: &str, compile: CompileArgs) -> Result<Inspection, Failure> {
    let found = if built.component.len() > SMALL_BYTES {
        // An interface that has only types asks for nothing.
        let acts = |name: &&String| !name.starts_with("provost:plugin/types@");
        let imports = built.imports.iter().filter(acts).cloned().collect();
        provost_plugin_host::survey(&built.component, imports, built.exports.clone())
    } else {
        let found = provost_plugin_host::inspect(&built.component, &compiler(compile));
        found.map_err(|problem| Failure::failed(format_args!("`{shown}` {problem}"), NOT_WRITTEN))?
    };
    let grantable = found.imports.iter().any(|name| name.starts_with("wasi:"));
    match &found.refusal {
        Some(why) if !grantable => {
            Err(Failure::failed(format_args!("no host would take {shown}: {why}"), NOT_WRITTEN))
        }
        _ => Ok(found),
    }
}

/// What to do about a component that a host would refuse.
const NOT_WRITTEN: &str =
    "the former component is still there; correct the source, or write it all the same with --no-check";

/// What `plugin build` takes.
const PROJECT_HINT: &str =
    "`provost plugin build` takes the folder of a project; `provost plugin new NAME` makes one";

/// Converts a build error into a failure with a hint.
fn build_failure(error: BuildError) -> Failure {
    let hint = match &error {
        BuildError::NoProject { .. } | BuildError::NoCrate { .. } => {
            return Failure::usage(error, PROJECT_HINT);
        }
        BuildError::Manifest { .. } => {
            let hint = "correct the file; docs/plugins/writing.md lists its keys";
            return Failure::usage(error, hint);
        }
        BuildError::Schema { .. } => {
            let hint = "correct it: a JSON Schema with \"type\": \"object\"; in Rust, `WRITE_SCHEMA=1 cargo test` writes it";
            return Failure::usage(error, hint);
        }
        BuildError::Wit { .. } => {
            "`provost plugin wit --out wit/deps/provost-plugin` writes the contract again"
        }
        BuildError::File { .. } => "check that the file exists, and that you may read and write there",
        BuildError::Run { .. } => "install it, and make sure that it is on the PATH",
        BuildError::Metadata { .. } => {
            "correct the Cargo.toml; `cargo metadata` in that folder says the same"
        }
        BuildError::TooMany { .. } => {
            "look for a symbolic link that leads out of the project or to a folder above it"
        }
        BuildError::NotCdylib { .. } => "`provost plugin new` makes a project to compare with",
        BuildError::Missing { .. } => "after that, run this command again",
        BuildError::Tool { hint, .. } => hint,
        BuildError::Compile { .. } => "correct the source, and run this command again",
        BuildError::Encode { .. } => {
            "a plugin has no clock, files or randomness of its own: depend on no crate that calls the system"
        }
        BuildError::SystemCall { .. } => "leave out the call of the C library that needs it",
        BuildError::NoRole { .. }
        | BuildError::OtherContract { .. }
        | BuildError::UnknownInterface { .. } => "the former component is still there",
        BuildError::Outside { .. } => {
            "what needs it may be a view or a consumer, to which the operator can grant it"
        }
    };
    Failure::failed(error, hint)
}
