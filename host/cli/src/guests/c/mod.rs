//! Building a plugin in C: bindings are generated here, clang and wasi-libc compile and link, and no import of WASI is left.

mod bindings;
mod toolchain;

use std::fs;
use std::process::Command;

use super::build_dir::{build_dir, write};
use super::encode::encode;
use super::error::BuildError;
use super::made::{Made, Rules};
use super::manifest::Manifest;
use super::tool;
use toolchain::Toolchain;

/// The source that takes the place of the system calls of wasi-libc.
const NO_WASI: &str = include_str!("no_wasi.c");

/// What an author in C has to change.
const RULES: Rules = Rules {
    export: "name the roles in wit/world.wit, as `include provost:plugin/restart-judge@0.1.0;`, and define the function that \
             target/bindings declares for each",
    refresh: "run `provost plugin wit --out wit/deps/provost-plugin`, and correct the versions in wit/world.wit",
    inside: "call no function of the C library that makes system calls, such as time(), fopen() or getrandom()",
};

/// Builds the project.
pub(super) fn build(manifest: &Manifest) -> Result<Made, BuildError> {
    let toolchain = Toolchain::find(&manifest.dir)?;
    let folder = build_dir(manifest, "bindings")?;
    let bindings = bindings::generate(manifest, &folder)?;
    let stubs = folder.join("no_wasi.c");
    write(&stubs, NO_WASI.as_bytes())?;
    let core = folder.join("core.wasm");
    let mut clang = Command::new(&toolchain.clang);
    clang.args(["--target=wasm32-wasi", "-std=c11", "-Os", "-mexec-model=reactor", "-I"]).arg(&folder);
    clang.args(["-Wl,--gc-sections", "-Wl,--strip-all", "-Wall", "-Wextra"]);
    clang.arg(&manifest.source).args(["-w"]).args(&bindings).arg(&stubs).arg("-o").arg(&core);
    tool::run(clang, &manifest.dir, HINT)?;
    let module = fs::read(&core).map_err(BuildError::file(&core))?;
    if let Some(name) = system_call(&module) {
        return Err(BuildError::SystemCall { package: manifest.label.name.clone(), name });
    }
    let component = encode(&manifest.label.name, &module)?;
    let toolchain = toolchain.clang.display().to_string();
    Ok(Made { component, label: manifest.label.clone(), sources: None, toolchain, rules: RULES })
}

/// Returns the first system call that a module still imports.
fn system_call(module: &[u8]) -> Option<String> {
    for payload in wasmparser::Parser::new(0).parse_all(module) {
        if let Ok(wasmparser::Payload::ImportSection(imports)) = payload {
            let mut calls =
                imports.into_imports().flatten().filter(|import| import.module.starts_with("wasi"));
            return calls.next().map(|import| import.name.to_owned());
        }
    }
    None
}

/// What to do after clang has failed.
const HINT: &str = "correct the source; a function that is undefined when it is linked is a role of wit/world.wit that the source does not define";
