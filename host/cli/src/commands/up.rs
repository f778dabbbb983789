//! `up --detach --wait`: waits until everything that a host in the background starts is ready.

use std::path::Path;
use std::time::Duration;

use provost_api::client::Client;
use tokio::time::timeout;

use super::context::Context;
use super::printing::print;
use crate::args::UpArgs;
use crate::config::{CONFIG_NAME, Outline};
use crate::failure::Failure;
use crate::progress::{Goal, Outlook, Shown};
use crate::render::humane::{counted_are, one_line, span};

/// The largest number of processes that a failure names.
const NAMED_MAX: usize = 10;

/// Waits until all processes that the host was asked to have up are ready, and jobs done.
///
/// # Errors
/// [`Failure`] if that takes too long, or cannot come about any more without something from outside, or if the host has ended.
pub(super) async fn wait(context: &Context, args: &UpArgs) -> Result<(), Failure> {
    let config = context.config.as_deref().unwrap_or(Path::new(CONFIG_NAME));
    let client = Client::new(Outline::of(config).socket());
    let mut progress = context.follow(&client, &[], ("up", Goal::Up), Shown::Everywhere).await;
    let waited = timeout(Duration::from_millis(args.timeout), async {
        while progress.board().outlook() == Outlook::Open && !progress.is_over() {
            progress.step().await;
        }
    });
    let in_time = waited.await.is_ok();
    let (outlook, count) = (progress.board().outlook(), progress.board().count());
    let missing: Vec<String> = progress
        .board()
        .missing()
        .map(|(name, phase, reason)| format!("  {name} is {phase}: {}", one_line(reason)))
        .collect();
    let (is_known, is_over) = (progress.is_known(), progress.is_over());
    progress.finish(false).await;
    match outlook {
        Outlook::Reached if is_known => {
            print(format!("up: {} ready\n", counted_are(count as u64, "process")))
        }
        _ if is_over => Err(Failure::failed(
            "the host has ended before everything was ready",
            "its log says why: `provost logs --host`",
        )),
        _ => Err(not_up(&missing, in_time, args.timeout)),
    }
}

fn not_up(missing: &[String], in_time: bool, limit: u64) -> Failure {
    let why = match in_time {
        true => "and cannot become ready any more".to_owned(),
        false => format!("after {}", span(limit)),
    };
    let mut lines = missing[..missing.len().min(NAMED_MAX)].join("\n");
    if missing.len() > NAMED_MAX {
        lines.push_str(&format!("\n  and {} more", missing.len() - NAMED_MAX));
    }
    let what = format!("{} not ready {why}:\n{lines}", counted_are(missing.len() as u64, "process"));
    Failure::failed(what, "`provost explain NAME` says why; the host goes on, `provost down` stops it")
}
