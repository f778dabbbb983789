//! The options of `provost plugin dev`.

use std::path::PathBuf;

use clap::Args;

use super::given::CompileArgs;

#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  provost plugin dev                     the project in this folder
  provost -c ../provost.toml plugin dev judge --as guard

The host is the one of the nearest config, or the one that is named, if it runs
and has the plugin. Otherwise one is started, with the provost.toml of the
project or with a process that fails every second; it ends with this command.

A version that does not build, fails a vector, breaks a scenario or is refused
by the host changes nothing: the former one stays loaded. Exits with 1 after
`--once` if it fails.")]
pub(crate) struct DevArgs {
    /// The folder of the project.
    #[arg(value_name = "DIR", default_value = ".")]
    pub(crate) dir: PathBuf,
    /// The name of the plugin in the host. By default that of the component.
    #[arg(long = "as", value_name = "NAME", value_parser = super::word::name)]
    pub(crate) name: Option<String>,
    /// Also run the native tests (`cargo test`) each time. They take longer than everything else together.
    #[arg(long)]
    pub(crate) native: bool,
    /// Accept a version even if it asks for more than the one before it. A host that this command has started always does so.
    #[arg(long)]
    pub(crate) accept: bool,
    /// Build, test and swap once, and end.
    #[arg(long)]
    pub(crate) once: bool,
    #[command(flatten)]
    pub(crate) compile: CompileArgs,
}
