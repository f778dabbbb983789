//! `provost plugin`: changes and shows the plugins of a running host.

use provost_api::{PluginChanged, PluginOrder};

use super::context::Context;
use super::printing::{pretty, print};
use super::{authors, keys, local, simulate, trying};
use crate::args::{LimitArgs, LineFormat, LoadArgs, NamedPlugin, PluginCommand, TableFormat};
use crate::failure::Failure;
use crate::render;
use crate::render::table::Width;

/// Runs a command for plugins.
pub(super) async fn ask(context: &Context, command: PluginCommand) -> Result<(), Failure> {
    match command {
        PluginCommand::List { output } => list(context, output).await,
        PluginCommand::Load(args) => load(context, args).await,
        PluginCommand::Unload { plugin, force } => {
            change(context, plugin, "unload", PluginOrder { force, ..PluginOrder::default() }).await
        }
        PluginCommand::Swap { plugin, component, settings, limits, accept } => {
            let component = component.as_deref().map(located).transpose()?;
            let order = PluginOrder { component, settings, accept_more: accept, ..limited(limits) };
            change(context, plugin, "swap", order).await
        }
        PluginCommand::Reload { plugin, accept } => {
            change(context, plugin, "swap", PluginOrder { accept_more: accept, ..PluginOrder::default() })
                .await
        }
        PluginCommand::Rollback(plugin) => change(context, plugin, "rollback", PluginOrder::default()).await,
        PluginCommand::Revive(plugin) => change(context, plugin, "revive", PluginOrder::default()).await,
        PluginCommand::Blame { plugin, output } => blame(context, plugin, output).await,
        PluginCommand::Inspect { component, output } => inspect(context, &component, output).await,
        // These need no host.
        PluginCommand::Simulate(args) => simulate::simulate(&args, &context.page),
        PluginCommand::Build { dir, no_check } => authors::build(&dir, !no_check, context.page.paint),
        PluginCommand::New(args) => authors::new(args),
        PluginCommand::Wit { out } => authors::wit(out.as_deref()),
        PluginCommand::Sdk { dir } => authors::sdk(&dir),
        PluginCommand::Run(args) => trying::run(context, &args),
        PluginCommand::Test(args) => trying::test(context, &args),
        PluginCommand::Bench(args) => trying::bench(context, &args),
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
async fn inspect(context: &Context, component: &str, output: LineFormat) -> Result<(), Failure> {
    let is_name = !component.contains([':', '/']) && !std::path::Path::new(component).exists();
    let is_name = is_name && !component.ends_with(".wasm");
    if !is_name {
        return local::inspect(component, output, context.page.paint);
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

/// Returns the absolute path of a component, because the host runs in another directory.
fn located(component: &str) -> Result<String, Failure> {
    if component.starts_with("bundled:") {
        return Ok(component.to_owned());
    }
    if component.is_empty() {
        return Err(Failure::usage("the component is empty", "name a .wasm file, or `bundled:NAME`"));
    }
    let path = std::path::absolute(component)?;
    if let Ok(false) = path.try_exists() {
        let what = format!("there is no file `{}`: build the component or correct the path", path.display());
        return Err(Failure::usage(
            what,
            "nothing was changed; a component is a .wasm file, or `bundled:NAME`",
        ));
    }
    path.to_str().map(str::to_owned).ok_or_else(|| {
        Failure::usage(format!("{} is not Unicode", path.display()), "give the file another name")
    })
}
