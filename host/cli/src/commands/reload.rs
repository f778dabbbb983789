//! The commands about the config of a running host: `diff`, `reload`, `scale`.

use std::path::Path;

use provost_api::client::ClientError;
use provost_api::{OrderCause, ReloadOrder, ReloadStep, ReloadStepKind, ScaleOrder};

use super::context::Context;
use super::printing::{json, pretty, print, write_line};
use crate::args::{DiffArgs, LineFormat, ReloadArgs, ScaleArgs, TableFormat};
use crate::failure::Failure;
use crate::progress::{Goal, Shown};
use crate::render;

/// The exit code when something differs, as that of `diff`.
const DIFFERS: u8 = 1;

/// Shows what a reload would change. Like `diff`, it exits with 1 if something differs, and with more than 1 if that cannot be told.
pub(super) async fn diff(context: &Context, args: DiffArgs) -> Result<(), Failure> {
    let asked = async {
        let client = context.client()?;
        Ok::<_, Failure>(client.difference(other_config(context)?.as_deref()).await?)
    };
    let difference = asked.await.map_err(Failure::worse_than_a_difference)?;
    let page = match args.output {
        TableFormat::Table => context.page.clone(),
        TableFormat::Wide | TableFormat::Json => context.page.endless(),
    };
    print(match args.output {
        TableFormat::Json => pretty(&difference)?,
        TableFormat::Table | TableFormat::Wide => render::difference::text(&difference, &page),
    })?;
    if difference.is_empty() { Ok(()) } else { Err(Failure::silent(DIFFERS)) }
}

/// Returns the absolute path of the config that the user has named, in case it is another one than that of the host.
fn other_config(context: &Context) -> Result<Option<String>, Failure> {
    let absolute = |path: &Path| {
        let path = std::path::absolute(path).map_err(Failure::without_directory)?;
        Ok::<_, Failure>(path.display().to_string())
    };
    context.config.as_deref().map(absolute).transpose()
}

pub(super) async fn reload(context: &Context, args: ReloadArgs) -> Result<(), Failure> {
    if args.dry_run {
        let output = if args.output == LineFormat::Json { TableFormat::Json } else { TableFormat::Table };
        return diff(context, DiffArgs { output }).await;
    }
    let client = context.client()?;
    let order = ReloadOrder {
        config: other_config(context)?,
        no_restart: args.no_restart,
        wait: args.wait,
        timeout_ms: Some(args.timeout),
    };
    // The steps are the lines elsewhere.
    let shown =
        if args.wait && args.output == LineFormat::Text { Shown::OnTerminals } else { Shown::Nowhere };
    let mut progress = context.follow(&client, &[], ("reload", Goal::Settled), shown).await;
    let mut steps = client.reload(&order).await?;
    let (mut failed, mut last) = (Vec::new(), None);
    while let Some(step) = progress.until(steps.next()).await? {
        let line = match args.output {
            LineFormat::Json => json(&step)?,
            LineFormat::Text => render::reload::step(&step, context.page.paint).into_bytes(),
        };
        progress.above(|| write_line(&line))?;
        match step.kind {
            ReloadStepKind::Failed => failed.push(step),
            ReloadStepKind::Done => last = Some(step),
            _ => {}
        }
    }
    progress.finish(false).await;
    let Some(ReloadStep { summary, .. }) = last else { return Err(ClientError::Broken.into()) };
    if args.output == LineFormat::Text {
        print(render::reload::done(&summary.unwrap_or_default()))?;
    }
    if failed.is_empty() { Ok(()) } else { Err(Failure::with_report(1, render::reload::failures(&failed))) }
}

pub(super) async fn scale(context: &Context, args: ScaleArgs) -> Result<(), Failure> {
    let client = context.client()?;
    let order = ScaleOrder { replicas: args.replicas.into_iter().collect(), cause: OrderCause::User };
    let scaled = client.scale(&order).await?;
    print(match args.output {
        LineFormat::Text => render::reload::scaled(&scaled),
        LineFormat::Json => pretty(&scaled)?,
    })?;
    match scaled.results.iter().all(|one| one.ok) {
        true => Ok(()),
        false => Err(Failure::with_report(1, render::reload::not_scaled(&scaled))),
    }
}
