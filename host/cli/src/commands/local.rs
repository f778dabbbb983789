//! Commands that need no host: `plugin inspect`, `completions`.

use provost_plugin_host::Source;

use super::printing::print;
use crate::args::LineFormat;
use crate::compiling::ChildCompiler;
use crate::completion;
use crate::config::CompileLimits;
use crate::failure::Failure;
use crate::guests::Label;
use crate::render::inspection;
use crate::render::style::Paint;

pub(super) fn inspect(component: &str, output: LineFormat, paint: Paint) -> Result<(), Failure> {
    let bytes = Source::parse(component)
        .read()
        .map_err(|error| Failure::usage(error, "name a .wasm file, or `bundled:NAME`"))?;
    let compiler = ChildCompiler::within(CompileLimits::default());
    let found = provost_plugin_host::inspect(&bytes, &compiler).map_err(|problem| {
        let hint = "a plugin is a WebAssembly component; `provost plugin build` makes one of a project";
        Failure::usage(format_args!("`{component}` {problem}"), hint)
    })?;
    let label = Label::read(&bytes);
    print(match output {
        LineFormat::Text => inspection::text(&found, &label, component, paint),
        LineFormat::Json => inspection::json(&found, &label, component),
    })
}

pub(super) fn completions(shell: clap_complete::Shell) -> Result<(), Failure> {
    print(completion::script(shell))
}
