//! Orders, and requests with a single answer.

use std::collections::BTreeMap;
use std::sync::Arc;

use provost_api::client::{Client, ClientError};
use provost_api::{OrderCause, PluginOrder, ProcessOrder, ReloadOrder, ReloadStepKind, ScaleOrder, Signal};

use super::sender::said;
use crate::model::{News, Told};
use crate::request::{Order, Verb};
use crate::words::Words;

/// Carries out an order, and returns what came of it.
pub(super) async fn order(client: &Client, order: &Order, words: Arc<dyn Words>) -> News {
    let done = match order {
        Order::Processes { verb, targets } => processes(client, verb, targets, &*words).await,
        Order::Scale { name, count } => scale(client, name, *count).await,
        Order::Swap { plugin, component } => swap(client, plugin, component).await,
        Order::Reload => reload(client).await,
    };
    News::Done(match done {
        Ok(Told { failed: false, text }) => Told::done(format!("{order}: {text}")),
        Ok(told) => told,
        Err(error) => Told::failed(format!("{order}: {}", said(&error))),
    })
}

async fn processes(
    client: &Client,
    verb: &Verb,
    targets: &[String],
    words: &dyn Words,
) -> Result<Told, ClientError> {
    let signal = match verb {
        Verb::Signal(name) => Some(Signal::Name(name.clone())),
        _ => None,
    };
    let select = targets.to_vec();
    let order = ProcessOrder { select, cause: OrderCause::User, signal, ..ProcessOrder::default() };
    let outcome = client.order(verb.action(), &order).await?;
    let failed = outcome.results.iter().filter(|result| !result.ok).count();
    Ok(match (failed, outcome.results.len()) {
        (0, 1) => Told::done("accepted"),
        (0, all) => Told::done(format!("accepted for {all} processes")),
        (failed, all) => {
            Told::failed(format!("{failed} of {all} failed: {}", words.errors(&outcome).replace('\n', " ")))
        }
    })
}

async fn scale(client: &Client, name: &str, count: u32) -> Result<Told, ClientError> {
    let replicas = BTreeMap::from([(name.to_owned(), count)]);
    let scaled = client.scale(&ScaleOrder { replicas, cause: OrderCause::User }).await?;
    let error = scaled.results.into_iter().find_map(|result| result.error);
    Ok(match error {
        Some(error) => Told::failed(error.message),
        None => Told::done("in force until the next reload"),
    })
}

async fn swap(client: &Client, plugin: &str, component: &str) -> Result<Told, ClientError> {
    let order = PluginOrder { component: Some(component.to_owned()), ..PluginOrder::default() };
    let changed = client.change_plugin(plugin, "swap", &order).await?;
    let version = changed.plugin.map(|plugin| plugin.active.version).unwrap_or_default();
    Ok(Told::done(format!("version {version} is active")))
}

async fn reload(client: &Client) -> Result<Told, ClientError> {
    let mut steps = client.reload(&ReloadOrder::default()).await?;
    let (mut failed, mut done) = (Vec::new(), None);
    while let Some(step) = steps.next().await? {
        match step.kind {
            ReloadStepKind::Failed => failed.push(step.error.map_or(step.message, |error| error.message)),
            ReloadStepKind::Done => done = step.summary,
            _ => {}
        }
    }
    Ok(match (failed.first(), done) {
        (Some(first), _) => Told::failed(format!("the reload has failed in {} steps: {first}", failed.len())),
        (None, None) => Told::failed("the host ended before the reload was done"),
        (None, Some(done)) => Told::done(format!(
            "{} added, {} changed, {} removed, {} restarted",
            done.added, done.changed, done.removed, done.restarted
        )),
    })
}
