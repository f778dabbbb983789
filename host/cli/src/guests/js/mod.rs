//! Building a plugin in JavaScript, with componentize-js of npm, which the project has among its packages.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::guests::build_dir::{build_dir, write};
use crate::guests::error::BuildError;
use crate::guests::made::{Made, Rules};
use crate::guests::manifest::Manifest;
use crate::guests::tool;

/// The program, seen from the project.
const PROGRAM: &str = "node_modules/.bin/componentize-js";

/// The module with which a component starts: it evaluates that of the plugin.
const START: &str = "start.js";

/// The module that makes a clock and random numbers errors.
const WITHOUT_A_SYSTEM: &str = "without_a_system.js";

/// What a policy may not use, so that it must not be in the component.
const DISABLED: [&str; 5] = ["clocks", "fetch-event", "http", "random", "stdio"];

/// What an author in JavaScript has to change.
const RULES: Rules = Rules {
    export: "name the roles in wit/world.wit, as `include provost:plugin/restart-judge@0.1.0;`, and export an object for each, such \
             as `export const restartPolicy = { onExit(ended, world) { .. } }`",
    refresh: "run `provost plugin wit --out wit/deps/provost-plugin`, and correct the versions in wit/world.wit and in the imports",
    inside: "import nothing from WASI, neither in wit/world.wit nor in the source",
};

/// Builds the project.
pub(super) fn build(manifest: &Manifest) -> Result<Made, BuildError> {
    let program = manifest.dir.join(PROGRAM);
    check_tools(manifest, &program)?;
    let folder = build_dir(manifest, "component")?;
    let source = manifest.source.strip_prefix(&manifest.dir).unwrap_or(&manifest.source);
    // A path within the project, so that the component does not have the one of its folder in each place.
    let above = "../".repeat(folder.strip_prefix(&manifest.dir).unwrap_or(&folder).components().count());
    let module = serde_json::Value::from(format!("{above}{}", source.display()));
    let start =
        format!("import {{ built }} from './{WITHOUT_A_SYSTEM}';\nexport * from {module};\nbuilt();\n");
    write(&folder.join(WITHOUT_A_SYSTEM), include_bytes!("without_a_system.js"))?;
    write(&folder.join(START), start.as_bytes())?;
    let out = folder.join("unchecked.wasm");
    let mut command = Command::new(&program);
    command.arg(folder.join(START)).arg("--wit").arg(&manifest.wit).args(["--world-name", &manifest.world]);
    for feature in DISABLED {
        command.args(["--disable", feature]);
    }
    command.arg("-o").arg(&out);
    tool::run(command, &manifest.dir, HINT)?;
    let component = fs::read(&out).map_err(BuildError::file(&out))?;
    let toolchain = "componentize-js".to_owned();
    Ok(Made { component, label: manifest.label.clone(), sources: None, toolchain, rules: RULES })
}

/// Names what is missing of Node.js, npm and componentize-js: the first of them that has to be installed.
fn check_tools(manifest: &Manifest, program: &Path) -> Result<(), BuildError> {
    let is_installed = program.is_file();
    let missing = |what: &str, fix: String| Err(BuildError::Missing { what: what.to_owned(), fix });
    if tool::missing_interpreter(program).is_some() {
        return missing(
            "Node.js",
            "install it (on Debian: `apt install nodejs`), so that `node` is on the PATH".to_owned(),
        );
    }
    if is_installed {
        return Ok(());
    }
    let install = format!("run `npm install` in {}", manifest.dir.display());
    if tool::on_path("node").is_empty() {
        return missing(
            "Node.js",
            format!("install it with npm (on Debian: `apt install npm`), and {install}"),
        );
    }
    if tool::on_path("npm").is_empty() {
        return missing("npm", format!("install it (on Debian: `apt install npm`), and {install}"));
    }
    missing("componentize-js", install)
}

/// What to do after componentize-js has failed.
const HINT: &str =
    "each role in wit/world.wit needs an exported object, with the function of the role in camelCase";
