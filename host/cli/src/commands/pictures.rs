//! Commands that draw: `graph`, `analyze`, `timeline`.

use std::path::Path;

use provost_api::client::{Client, ClientError, EventsAsked, Unconnected};
use provost_api::{Event, ProcessType};
use provost_control::dependency;
use provost_state::naming::replica_name;
use serde_json::json;

use super::context::{Context, now_ms};
use super::printing::{pretty, print};
use crate::args::{AnalyzeArgs, GraphArgs, GraphFormat, PictureFormat, TimelineArgs};
use crate::config::{Config, Draft};
use crate::daemon;
use crate::failure::Failure;
use crate::pictures::boot::{self, Boot, Known};
use crate::pictures::graph::{self, Graph, Node, UnknownTarget};
use crate::pictures::lives::{self, History};

impl From<UnknownTarget> for Failure {
    fn from(error: UnknownTarget) -> Self {
        let hint = match error.0.ends_with(":*") {
            true => "`provost status` shows all groups",
            false => "`provost status` shows all processes; a group is written as GROUP:*",
        };
        Self::usage(error, hint)
    }
}

pub(super) async fn graph(context: &Context, args: GraphArgs) -> Result<(), Failure> {
    let client = context.client()?;
    let (graph, of_host) = match client.dependencies().await {
        Ok(answer) => (Graph::from(answer), true),
        Err(ClientError::Unconnected(why)) if is_absent(&why) => match context.config_file()? {
            Some(config) => (of_config(&config)?, false),
            None => return Err(ClientError::Unconnected(why).into()),
        },
        Err(error) => return Err(error.into()),
    };
    if !of_host {
        context.note("no host is running: this is the config, without phases");
    }
    let graph = graph.part(&args.targets)?;
    let title = if of_host { "What waits for what" } else { "What waits for what, by the config" };
    print(match args.output {
        GraphFormat::Text => graph::text(&graph, &context.page),
        GraphFormat::Dot => graph::dot(&graph),
        GraphFormat::Svg => graph::svg(&graph, title),
        GraphFormat::Json => {
            let source = if of_host { "host" } else { "config" };
            pretty(&json!({ "source": source, "processes": graph.nodes() }))?
        }
    })
}

/// Whether no host is there. A host that only does not listen is there.
fn is_absent(why: &Unconnected) -> bool {
    match why {
        Unconnected::Missing(socket) | Unconnected::Abandoned(socket) => {
            socket.parent().and_then(daemon::holder).is_none()
        }
        _ => false,
    }
}

/// Reads the graph from a config, with as many replicas as a host would start.
fn of_config(path: &Path) -> Result<Graph, Failure> {
    let drafts = Config::load(path)?.drafts();
    Ok(Graph::of(drafts.iter().flat_map(nodes).collect()))
}

fn nodes(draft: &Draft) -> Vec<Node> {
    let spec = &draft.spec;
    let names = match &draft.replicas {
        None => vec![spec.name.to_string()],
        Some(set) => (1..=set.wanted_at_start).map(|number| replica_name(&spec.name, number)).collect(),
    };
    let is_job = spec.process_type.is_job();
    let node = |name| Node {
        name,
        process_type: if is_job { ProcessType::Job } else { ProcessType::Service },
        group: (!spec.group.is_empty()).then(|| spec.group.to_string()),
        phase: None,
        ready: false,
        depends_on: spec.depends_on.iter().map(dependency).collect(),
    };
    names.into_iter().map(node).collect()
}

pub(super) async fn analyze(context: &Context, args: AnalyzeArgs) -> Result<(), Failure> {
    let client = context.client()?;
    let graph = Graph::from(client.dependencies().await?);
    let status = client.status(&[]).await?;
    let events = remembered(&client, &[]).await?;
    let named = !args.targets.is_empty();
    let targets = if named { graph.named(&args.targets)? } else { graph.last() };
    let boot = Boot::of(graph, &Known { status: &status, events: &events });
    let targets = if named { targets } else { boot.of_boot(targets) };
    print(match args.output {
        PictureFormat::Text => boot::text(&boot, &targets, named, &context.page),
        PictureFormat::Json => pretty(&boot::json(&boot, &targets))?,
        PictureFormat::Svg => boot::svg(&boot, "The start of the host"),
    })
}

/// Returns the changes of some processes, or of all, that the host remembers, oldest first. There are at most a few thousand.
async fn remembered(client: &Client, select: &[&str]) -> Result<Vec<Event>, Failure> {
    let select = select.iter().map(ToString::to_string).collect();
    let mut events = Vec::new();
    let mut lines = client.events_of(&EventsAsked { select, ..EventsAsked::default() }).await?;
    while let Some(event) = lines.next().await? {
        events.push(event);
    }
    Ok(events)
}

pub(super) async fn timeline(context: &Context, args: TimelineArgs) -> Result<(), Failure> {
    let client = context.client()?;
    // Refuses a name that means no process or several.
    let process = client.explain(&args.name).await?.process;
    // What was before `since` says in which phase that time begins.
    let events = remembered(&client, &[&process.name]).await?;
    let history = History::of(process, events, args.since, now_ms());
    print(match args.output {
        PictureFormat::Text => lives::text(&history, &context.page),
        PictureFormat::Json => pretty(&lives::json(&history))?,
        PictureFormat::Svg => lives::svg(&history, &context.page.zone),
    })
}
