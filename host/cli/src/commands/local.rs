//! Commands that need no host: `validate`, `plugin inspect`, `plugin build`, `completions`.

use std::path::Path;

use clap::CommandFactory;
use provost_plugin_host::Source;

use super::print;
use crate::args::{Cli, LineFormat};
use crate::compiling::ChildCompiler;
use crate::config::{CONFIG_NAME, CompileLimits, Config};
use crate::daemon::wire;
use crate::failure::Failure;
use crate::guests;
use crate::render::humane::size;
use crate::render::inspection;
use crate::render::style::{Paint, Style};

pub(super) fn validate(config: Option<&Path>, paint: Paint) -> Result<(), Failure> {
    let path = config.unwrap_or(Path::new(CONFIG_NAME));
    let config = Config::load(path)?;
    let plugins = wire::checked(&config)?;
    let processes = wire::specs(&config, &plugins)?;
    let refusals = wire::refusals(&config, &plugins);
    if !refusals.is_empty() {
        return Err(config.problems(refusals).into());
    }
    let good = paint.text(Style::Green, "valid");
    let (processes, plugins) = (processes.specs.len(), config.plugins().count());
    print(format!("{}: {good} ({processes} processes, {plugins} plugins)\n", path.display()))
}

pub(super) fn inspect(component: &str, output: LineFormat, paint: Paint) -> Result<(), Failure> {
    let bytes = Source::parse(component)
        .read()
        .map_err(|error| Failure::usage(error, "name a .wasm file, or `bundled:NAME`"))?;
    let found = provost_plugin_host::inspect(&bytes, &ChildCompiler::within(CompileLimits::default()))
        .map_err(|problem| {
            let hint = "`provost plugin build DIR` builds a component from a guest crate";
            Failure::failed(format_args!("`{component}` {problem}"), hint)
        })?;
    print(match output {
        LineFormat::Text => inspection::text(&found, component, paint),
        LineFormat::Json => inspection::json(&found, component),
    })
}

pub(super) fn build(dir: &Path) -> Result<(), Failure> {
    let built = guests::build(dir).map_err(|error| {
        Failure::failed(error, "`provost plugin build` takes the directory of a guest crate")
    })?;
    print(format!("built {} ({}) with {}\n", built.component.display(), size(built.bytes), built.toolchain))
}

pub(super) fn completions(shell: clap_complete::Shell) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "provost", &mut script);
    print(&script)
}
