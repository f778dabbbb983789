//! Commands that need no host: `plugin inspect`, `plugin build`, `completions`.

use std::path::Path;

use provost_plugin_host::Source;

use super::printing::print;
use crate::args::LineFormat;
use crate::compiling::ChildCompiler;
use crate::completion;
use crate::config::CompileLimits;
use crate::failure::Failure;
use crate::guests::{self, BuildError};
use crate::render::humane::size;
use crate::render::inspection;
use crate::render::style::Paint;

pub(super) fn inspect(component: &str, output: LineFormat, paint: Paint) -> Result<(), Failure> {
    let bytes = Source::parse(component)
        .read()
        .map_err(|error| Failure::usage(error, "name a .wasm file, or `bundled:NAME`"))?;
    let compiler = ChildCompiler::within(CompileLimits::default());
    let found = provost_plugin_host::inspect(&bytes, &compiler).map_err(|problem| {
        let hint = "a plugin is a WebAssembly component; `provost plugin build` makes one of a guest crate";
        Failure::usage(format_args!("`{component}` {problem}"), hint)
    })?;
    print(match output {
        LineFormat::Text => inspection::text(&found, component, paint),
        LineFormat::Json => inspection::json(&found, component),
    })
}

pub(super) fn build(dir: &Path) -> Result<(), Failure> {
    if !dir.is_dir() {
        let what = format!("there is no folder {}", dir.display());
        return Err(Failure::usage(
            what,
            "`provost plugin build` takes the folder of a guest crate, with its Cargo.toml",
        ));
    }
    let built = guests::build(dir).map_err(build_failure)?;
    print(format!("built {} ({}) with {}\n", built.component.display(), size(built.bytes), built.toolchain))
}

/// Converts a build error into a failure with a hint.
fn build_failure(error: BuildError) -> Failure {
    let hint = match &error {
        BuildError::NoCrate { .. } => {
            return Failure::usage(
                error,
                "`provost plugin build` takes the folder of a guest crate, with its Cargo.toml",
            );
        }
        BuildError::File { .. } => "check that the file exists, and that you may read and write there",
        BuildError::Run { .. } => "a plugin in Rust is built by cargo and rustc, which must be on the PATH",
        BuildError::Metadata { .. } => {
            "correct the Cargo.toml; `cargo metadata` in that folder says the same"
        }
        BuildError::NotCdylib { .. } => "examples/guests has crates to copy from",
        BuildError::NoToolchain | BuildError::NoLinker { .. } => "after that, run this command again",
        BuildError::Compile { .. } => "correct the source, and run this command again",
        BuildError::Encode { .. } => {
            "a guest has no clock, files or randomness of its own: depend on provost-guest only, and not on crates that call the system"
        }
        BuildError::NoRole { .. } => "docs/plugins.md lists the roles, each with its macro",
    };
    Failure::failed(error, hint)
}

pub(super) fn completions(shell: clap_complete::Shell) -> Result<(), Failure> {
    print(completion::script(shell))
}
