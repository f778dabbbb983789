//! `provost plugin`: the commands for plugins.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use provost_plugin_host::Role;

use super::dev::DevArgs;
use super::format::{LineFormat, TableFormat};
use super::given::{CompileArgs, LimitArgs, Settings, settings};
use super::registry::{PULL_EXAMPLES, PUSH_EXAMPLES, PullArgs, PushArgs};
use super::simulate::SimulateArgs;
use super::trying::{BenchArgs, RunArgs, TestArgs};
use crate::templates::Language;

#[derive(Debug, Subcommand)]
pub(crate) enum PluginCommand {
    /// List the plugins of the running host.
    List {
        /// The output format.
        #[arg(short, long, value_name = "FORMAT", default_value = "table")]
        output: TableFormat,
    },
    /// Load a plugin into the running host.
    #[command(after_help = "\
Examples:
  provost plugin load notify bundled:notify
  provost plugin load tries ./tries.wasm --settings '{\"max\": 3}' --for web
  provost plugin load hook ./hook.wasm --allow http-out:hooks.example.org:443
  provost plugin load judge ./judge.wasm --limit memory=64MiB --quarantine 3/1m

It is checked first: its imports, its exports, its settings, and a trial call on
the current state. Nothing is restarted. To keep it after the next start, add it
to the config.")]
    Load(LoadArgs),
    /// Remove a plugin from the running host. The next one in each chain takes its place.
    Unload {
        #[command(flatten)]
        plugin: NamedPlugin,
        /// Unload it even if it judges processes, and remove it from their chains.
        #[arg(long)]
        force: bool,
    },
    /// Activate another version after all checks. The former one stays ready for `rollback`.
    #[command(after_help = "\
Examples:
  provost plugin swap backoff ./backoff-2.wasm
  provost plugin swap backoff --settings '{\"first\": \"1s\"}'
  provost plugin swap backoff --limit call_time=50ms

A check that fails changes nothing. Calls in progress end on the version that
they began with.")]
    Swap {
        #[command(flatten)]
        plugin: NamedPlugin,
        /// A .wasm file, `bundled:NAME`, or a reference with a digest (see `plugin pull`). By default the current
        /// component, which is read again.
        #[arg(value_name = "COMPONENT")]
        component: Option<String>,
        /// Its settings as JSON, or @FILE with them. By default they stay as they are.
        #[arg(long, value_name = "JSON", value_parser = settings)]
        settings: Option<Settings>,
        #[command(flatten)]
        limits: LimitArgs,
        /// Take it even if it asks for more than the active version does.
        #[arg(long)]
        accept: bool,
    },
    /// Read the component of a plugin again from its file. What it asks for beyond the active version is shown.
    Reload {
        #[command(flatten)]
        plugin: NamedPlugin,
        /// Take it even if it asks for more than the active version does.
        #[arg(long)]
        accept: bool,
    },
    /// Activate the former version again at once.
    Rollback(NamedPlugin),
    /// End the quarantine of a plugin that failed too often.
    Revive(NamedPlugin),
    /// Show the input of the last failure of a plugin, and try it again.
    Blame {
        #[command(flatten)]
        plugin: NamedPlugin,
        /// The output format.
        #[arg(short, long, value_name = "FORMAT", default_value = "text")]
        output: LineFormat,
    },
    /// Show what a component is, can do and cannot do, or what is known of a loaded plugin.
    Inspect {
        /// A .wasm file, `bundled:NAME`, a reference with a digest, or the name of a plugin of the running host.
        #[arg(value_name = "COMPONENT|PLUGIN")]
        component: String,
        #[command(flatten)]
        compile: CompileArgs,
        /// The output format.
        #[arg(short, long, value_name = "FORMAT", default_value = "text")]
        output: LineFormat,
    },
    /// Make a pair of keys: NAME.key, to sign with, and NAME.pub, for `keys` of `[plugins]` in the config.
    #[command(after_help = "\
With PROVOST_KEY_PASSWORD set, the secret key is encrypted with it. The format
is that of minisign.")]
    Keygen {
        /// The path of the two files, without the extension.
        #[arg(value_name = "NAME")]
        name: PathBuf,
    },
    /// Sign a component. The signature is written to COMPONENT.minisig.
    Sign {
        /// The .wasm file.
        #[arg(value_name = "COMPONENT")]
        component: PathBuf,
        /// The secret key.
        #[arg(short, long, value_name = "FILE")]
        key: PathBuf,
    },
    /// Show which key signed a component.
    Verify {
        /// The .wasm file.
        #[arg(value_name = "COMPONENT")]
        component: PathBuf,
        /// A public key; may be repeated.
        #[arg(short, long = "key", value_name = "FILE", required = true)]
        keys: Vec<PathBuf>,
    },
    /// Fetch a component from a registry or a server, and print the line for the config.
    #[command(after_help = PULL_EXAMPLES)]
    Pull(PullArgs),
    /// Push a component and its signature to a registry.
    #[command(after_help = PUSH_EXAMPLES)]
    Push(PushArgs),
    /// Make a project: a folder with a plugin that builds.
    New(NewArgs),
    /// Build the project in a folder into a component, with the toolchain of its language.
    #[command(after_help = "\
The language is that of the project: Rust if it has a Cargo.toml, else what
provost-plugin.toml says. The component is DIR/NAME.wasm. It replaces the former
one only if a host would accept it.")]
    Build {
        /// The folder of the project.
        #[arg(value_name = "DIR", default_value = ".")]
        dir: PathBuf,
        /// Write the component even if no host would accept it.
        #[arg(long)]
        no_check: bool,
        #[command(flatten)]
        compile: CompileArgs,
    },
    /// Ask a component one question by hand, without a host.
    #[command(after_help = super::trying::RUN_EXAMPLES)]
    Run(Box<RunArgs>),
    /// Test a plugin: its native tests, and with the component its vectors and scenarios.
    #[command(after_help = super::trying::TEST_EXAMPLES)]
    Test(TestArgs),
    /// While you write: build, test and swap at each change, and show the decisions.
    Dev(DevArgs),
    /// Measure the calls of a component: time, fuel and memory against the limits.
    #[command(after_help = super::trying::BENCH_EXAMPLES)]
    Bench(BenchArgs),
    /// Play scenarios of failures with a policy in virtual time, and check what is expected.
    Simulate(SimulateArgs),
    /// Print the contract between host and plugins, or write its files.
    Wit {
        /// Write the files to this folder, which is new, empty or a copy of the contract.
        #[arg(long, value_name = "DIR")]
        out: Option<PathBuf>,
    },
    /// Replace the copy of the SDK in a Rust project by that of this program.
    Sdk {
        /// The folder of the project.
        #[arg(value_name = "DIR", default_value = ".")]
        dir: PathBuf,
    },
}

/// The project that is wanted.
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  provost plugin new night-watch
  provost plugin new guard --lang python --role restart-policy,health-policy

Nothing is downloaded, and no existing folder is changed. The README of the
project has the next commands.")]
pub(crate) struct NewArgs {
    /// The name of the plugin and of its package.
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    /// The language.
    #[arg(short, long, value_name = "LANGUAGE", default_value = "rust")]
    pub(crate) lang: Language,
    /// The roles of the plugin: restart-policy, start-policy, health-policy, scale-policy, usage-policy, status-view,
    /// status-consumer; several are separated by commas.
    #[arg(short, long, value_name = "ROLE", default_value = "restart-policy", value_delimiter = ',', value_parser = role)]
    pub(crate) role: Vec<Role>,
    /// The folder of the project. By default a folder with the name of the plugin in the current folder.
    #[arg(long, value_name = "DIR")]
    pub(crate) dir: Option<PathBuf>,
}

fn role(text: &str) -> Result<Role, String> {
    let found = Role::ALL.into_iter().find(|role| role.as_str() == text);
    found.ok_or_else(|| format!("the roles are {}", Role::ALL.map(Role::as_str).join(", ")))
}

/// A plugin of the running host.
#[derive(Args, Debug)]
pub(crate) struct NamedPlugin {
    /// The name of the plugin.
    #[arg(value_name = "PLUGIN", value_parser = super::word::name)]
    pub(crate) name: String,
}

#[derive(Args, Debug)]
pub(crate) struct LoadArgs {
    #[command(flatten)]
    pub(crate) plugin: NamedPlugin,
    /// A .wasm file, `bundled:NAME`, or a reference with a digest (see `plugin pull`).
    #[arg(value_name = "COMPONENT")]
    pub(crate) component: String,
    /// Its settings as JSON, or @FILE with them.
    #[arg(long, value_name = "JSON", value_parser = settings)]
    pub(crate) settings: Option<Settings>,
    /// What it may use: `http-out:HOST:PORT`, `fs-read:/PATH`, `fs-write:/PATH`, `env:NAME`, `clock` or `random`; a
    /// policy that judges starts may be granted `set-env:NAME` and nothing else. Without this option it may use nothing.
    /// May be repeated.
    #[arg(long, value_name = "GRANT")]
    pub(crate) allow: Vec<String>,
    /// The only SHA-256 that its component may have, now and after each swap.
    #[arg(long, value_name = "HEX")]
    pub(crate) sha256: Option<String>,
    #[command(flatten)]
    pub(crate) limits: LimitArgs,
    /// The processes that it judges: names, `GROUP:*` or `all`. It becomes the first in their chains.
    #[arg(long = "for", value_name = "TARGET", value_delimiter = ',')]
    pub(crate) judges: Vec<String>,
}
