//! `provost plugin`: changes and shows the plugins of a running host.

use provost_api::{PluginChanged, PluginOrder};

use super::component::located;
use super::context::{Context, asking};
use super::printing::{pretty, print};
use super::{authors, dev, keys, local, registry, simulate, trying};
use crate::args::{CompileArgs, LimitArgs, LineFormat, LoadArgs, NamedPlugin, PluginCommand, TableFormat};
use crate::failure::Failure;
use crate::render;
use crate::render::table::Width;

/// Runs a command for plugins. Those that need no host wait for cargo, and for components, or have a runtime of their own: they run
/// outside of one.
pub(super) fn run(context: &Context, command: PluginCommand) -> Result<(), Failure> {
    match command {
        PluginCommand::List { output } => asking(list(context, output)),
        PluginCommand::Load(args) => asking(load(context, args)),
        PluginCommand::Unload { plugin, force } => {
            asking(change(context, plugin, "unload", PluginOrder { force, ..PluginOrder::default() }))
        }
        PluginCommand::Swap { plugin, component, settings, limits, accept } => {
            let component = component.as_deref().map(located).transpose()?;
            let order = PluginOrder { component, settings, accept_more: accept, ..limited(limits) };
            asking(change(context, plugin, "swap", order))
        }
        PluginCommand::Reload { plugin, accept } => {
            let order = PluginOrder { accept_more: accept, ..PluginOrder::default() };
            asking(change(context, plugin, "swap", order))
        }
        PluginCommand::Rollback(plugin) => {
            asking(change(context, plugin, "rollback", PluginOrder::default()))
        }
        PluginCommand::Revive(plugin) => asking(change(context, plugin, "revive", PluginOrder::default())),
        PluginCommand::Blame { plugin, output } => asking(blame(context, plugin, output)),
        PluginCommand::Inspect { component, compile, output } => {
            asking(inspect(context, &component, compile, output))
        }
        PluginCommand::Simulate(args) => simulate::simulate(context, &args),
        PluginCommand::Build { dir, no_check, compile } => {
            authors::build(&dir, !no_check, compile, context.page.paint)
        }
        PluginCommand::New(args) => authors::new(args),
        PluginCommand::Wit { out } => authors::wit(out.as_deref()),
        PluginCommand::Sdk { dir } => authors::sdk(&dir),
        PluginCommand::Run(args) => trying::run(context, &args),
        PluginCommand::Test(args) => trying::test(context, &args),
        PluginCommand::Bench(args) => trying::bench(context, &args),
        PluginCommand::Dev(args) => dev::dev(context, args),
        PluginCommand::Pull(args) => registry::pull(context, &args),
        PluginCommand::Push(args) => registry::push(context, &args),
        PluginCommand::Keygen { name } => keys::keygen(&name),
        PluginCommand::Sign { component, key } => keys::sign(&component, &key),
        PluginCommand::Verify { component, keys } => keys::verify(&component, &keys),
    }
}

async fn list(context: &Context, output: TableFormat) -> Result<(), Failure> {
    let list = context.client()?.plugins().await?;
    print(match output {
        TableFormat::Table => render::plugins::text(&list.plugins, Width::Normal, &context.page),
        TableFormat::Wide => render::plugins::text(&list.plugins, Width::Wide, &context.page),
        TableFormat::Json => pretty(&list)?,
    })
}

async fn load(context: &Context, args: LoadArgs) -> Result<(), Failure> {
    let order = PluginOrder {
        component: Some(located(&args.component)?),
        settings: args.settings,
        judges: args.judges,
        allow: args.allow,
        sha256: args.sha256,
        ..limited(args.limits)
    };
    change(context, args.plugin, "load", order).await
}

/// Returns an order with only the limits set.
fn limited(LimitArgs { limits, quarantine }: LimitArgs) -> PluginOrder {
    let limits = limits.into_iter().map(|(limit, figure)| (limit.name().to_owned(), figure)).collect();
    PluginOrder { limits, quarantine, ..PluginOrder::default() }
}

async fn change(
    context: &Context,
    plugin: NamedPlugin,
    action: &str,
    order: PluginOrder,
) -> Result<(), Failure> {
    let client = context.client()?;
    let PluginChanged { plugin: after, notes } = client.change_plugin(&plugin.name, action, &order).await?;
    print(render::plugins::changed(&plugin.name, after.as_ref(), &notes, context.page.paint))
}

async fn blame(context: &Context, plugin: NamedPlugin, output: LineFormat) -> Result<(), Failure> {
    let client = context.client()?;
    print(match output {
        LineFormat::Text => render::plugins::blame(&client.blame(&plugin.name).await?, context.page.paint),
        LineFormat::Json => pretty(&client.blame_with_reproduction(&plugin.name).await?)?,
    })
}

/// Shows a component or a plugin of the running host. A file or a `bundled:NAME` is a component.
async fn inspect(
    context: &Context,
    component: &str,
    compile: CompileArgs,
    output: LineFormat,
) -> Result<(), Failure> {
    let is_name = !component.contains([':', '/']) && !std::path::Path::new(component).exists();
    let is_name = is_name && !component.ends_with(".wasm");
    if !is_name {
        return local::inspect(component, compile, output, &context.page);
    }
    let list = context.client()?.plugins().await?;
    let found = list.plugins.iter().find(|plugin| plugin.name == component).ok_or_else(|| {
        Failure::usage(
            format!("there is no file and no plugin of the running host called `{component}`"),
            "`provost plugin list` shows the plugins; a component is named by its path or `bundled:NAME`",
        )
    })?;
    print(match output {
        LineFormat::Text => render::plugins::details(found, &context.page),
        LineFormat::Json => pretty(found)?,
    })
}
