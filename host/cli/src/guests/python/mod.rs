//! Building a plugin in Python, with componentize-py of PyPI.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::guests::build_dir::{build_dir, write};
use crate::guests::error::BuildError;
use crate::guests::made::{Made, Rules};
use crate::guests::manifest::Manifest;
use crate::guests::tool;

/// The module with which a component starts: it imports that of the plugin.
const START: &str = "provost_start";

/// The module that makes a clock and random numbers errors.
const WITHOUT_A_SYSTEM: &str = "provost_without_a_system";

/// What an author in Python has to change.
const RULES: Rules = Rules {
    export: "name the roles in wit/world.wit, as `include provost:plugin/restart-judge@0.1.0;`, and write a class for each, such as \
             `class RestartPolicy(exports.RestartPolicy)`",
    refresh: "run `provost plugin wit --out wit/deps/provost-plugin`, and correct the versions in wit/world.wit",
    inside: "import nothing from WASI in wit/world.wit; modules such as `time` and `random` have no operating system to call",
};

/// Builds the project.
pub(super) fn build(manifest: &Manifest) -> Result<Made, BuildError> {
    let program = program(manifest)?;
    bindings(manifest, &program)?;
    let made = build_dir(manifest, "component")?;
    let folder = manifest.source.parent().unwrap_or(&manifest.dir);
    let module = manifest.source.file_stem().unwrap_or_default().to_string_lossy();
    let start = format!("import {WITHOUT_A_SYSTEM}\nfrom {module} import *\n\n{WITHOUT_A_SYSTEM}.built()\n");
    write(&made.join(format!("{WITHOUT_A_SYSTEM}.py")), include_bytes!("provost_without_a_system.py"))?;
    write(&made.join(format!("{START}.py")), start.as_bytes())?;
    let out = made.join("unchecked.wasm");
    let mut command = Command::new(&program);
    command.arg("-d").arg(&manifest.wit).args(["-w", &manifest.world, "componentize", "--stub-wasi", "-p"]);
    command.arg(folder).arg("-p").arg(&made).arg(START).arg("-o").arg(&out);
    tool::run(command, &manifest.dir, HINT)?;
    let component = fs::read(&out).map_err(BuildError::file(&out))?;
    let toolchain = program.display().to_string();
    Ok(Made { component, label: manifest.label.clone(), sources: None, toolchain, rules: RULES })
}

/// Writes the types of the contract to `target/bindings`, where editors and type checkers find them. The component has its own.
fn bindings(manifest: &Manifest, program: &Path) -> Result<(), BuildError> {
    let folder = build_dir(manifest, "bindings")?;
    // componentize-py refuses to write into a folder in which its files are.
    fs::remove_dir_all(&folder).map_err(BuildError::file(&folder))?;
    let mut command = Command::new(program);
    command.arg("-d").arg(&manifest.wit).args(["-w", &manifest.world, "bindings"]).arg(folder);
    tool::run(command, &manifest.dir, HINT)
}

/// Finds componentize-py: in the environment of the project, in the active one, or on the PATH. Without it, names what has to be
/// installed first.
fn program(manifest: &Manifest) -> Result<PathBuf, BuildError> {
    let own = [".venv", "venv"].map(|folder| manifest.dir.join(folder));
    let active = std::env::var_os("VIRTUAL_ENV").map(PathBuf::from);
    let found = own.into_iter().chain(active).map(|folder| folder.join("bin/componentize-py"));
    let found = found.into_iter().find(|program| program.is_file());
    let dir = manifest.dir.display();
    let install = format!("run `python3 -m venv .venv && .venv/bin/pip install componentize-py` in {dir}");
    let missing = |what: String, fix: String| Err(BuildError::Missing { what, fix });
    let is_there = !tool::on_path("python3").is_empty();
    if let Some(program) = found.or_else(|| tool::first_of(["componentize-py"])) {
        return match tool::missing_interpreter(&program) {
            None => Ok(program),
            Some(_) if !is_there => missing("Python".to_owned(), format!("{PYTHON}, and {install}")),
            // An environment names its own interpreter, a link to one that may be gone.
            Some(interpreter) => {
                let what = format!("{}, the interpreter of {},", interpreter.display(), program.display());
                missing(what, format!("recreate the environment: remove it, and {install}"))
            }
        };
    }
    match is_there {
        true => missing("componentize-py".to_owned(), install),
        false => missing("Python".to_owned(), format!("{PYTHON}, and {install}")),
    }
}

/// How Python is installed.
const PYTHON: &str = "install it (on Debian: `apt install python3-venv`), so that `python3` is on the PATH";

/// What to do after componentize-py has failed.
const HINT: &str = "each role in wit/world.wit needs a class with its name in the source, with the function of the role in snake_case";
