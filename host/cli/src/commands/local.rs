//! Commands that need no host: `plugin inspect`, `completions`.

use provost_plugin_host::{Nowhere, SettingsSchema};

use super::component::{at_hand, compiler};
use super::printing::print;
use crate::args::{CompileArgs, LineFormat};
use crate::completion;
use crate::failure::Failure;
use crate::guests::Label;
use crate::render::inspection;
use crate::render::page::Page;

pub(super) fn inspect(
    component: &str,
    compile: CompileArgs,
    output: LineFormat,
    page: &Page,
) -> Result<(), Failure> {
    let source = at_hand(component)?;
    let bytes = source
        .read(&Nowhere)
        .map_err(|error| Failure::usage(error, "name a .wasm file, or `bundled:NAME`"))?;
    let compiler = compiler(compile);
    let found = provost_plugin_host::inspect(&bytes, &compiler).map_err(|problem| {
        let hint = "a plugin is a WebAssembly component; `provost plugin build` makes one of a project";
        Failure::usage(format_args!("`{component}` {problem}"), hint)
    })?;
    let (label, schema) = (Label::read(&bytes), SettingsSchema::of_component(&bytes));
    print(match output {
        LineFormat::Text => {
            inspection::text(&found, &label, &schema, component, page.paint)
                + &inspection::settings(&schema, page)
        }
        LineFormat::Json => inspection::json(&found, &label, &schema, component),
    })
}

pub(super) fn completions(shell: clap_complete::Shell) -> Result<(), Failure> {
    print(completion::script(shell))
}
