//! `explain --what-if`: asks the host for the state of a process, and simulates what another policy would decide. The host is only
//! read from.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use provost_api as api;
use provost_api::client::{Client, StatusAsked};
use provost_plugin_host::{Grants, Limit, Limits, PluginSpec, Source};
use provost_state::naming::{self, replica_of, shown};
use provost_supervisor::{CommandLine, ProcessSpec};

use super::component::located;
use super::context::{Context, asking, now_ms};
use super::printing::{pretty, print};
use crate::args::{ExplainArgs, LineFormat};
use crate::config::{Config, Draft};
use crate::failure::Failure;
use crate::forecast::{self, Beginning, Chain, ForecastError, Live, Stage, Wish};

impl From<ForecastError> for Failure {
    fn from(error: ForecastError) -> Self {
        match &error {
            ForecastError::NotPlayed(_) => Self::failed(&error, error.hint()),
            ForecastError::Unreadable(_)
            | ForecastError::AskedFor { .. }
            | ForecastError::NoLife(_)
            | ForecastError::NeverDied(_)
            | ForecastError::Done(_)
            | ForecastError::Unfit { .. } => Self::usage(&error, error.hint()),
        }
    }
}

/// What a host tells.
struct Told {
    live: Live,
    host: api::Host,
    plugins: BTreeMap<String, api::Plugin>,
    /// The policies that judge the process, in the order in which they are asked; `None` if the host does not tell them.
    policies: Option<Vec<String>>,
}

/// Simulates what the policy `policy` would decide about a process, and what those decide that judge it now.
pub(super) fn what_if(context: &Context, args: &ExplainArgs, policy: &str) -> Result<(), Failure> {
    let told = asking(async { ask(&context.client()?, &args.name).await })?;
    let wish = Wish { exit: args.wish.end(), uptime_ms: args.wish.uptime };
    let beginning = Beginning::of(&told.live, &wish)?;
    let config = Config::load(Path::new(&told.host.config))?;
    let mut notes = beginning.notes.clone();
    if told.host.config_changed != Some(false) {
        notes.push(format!(
            "{} may have changed since the host has read it: bounds, checks and settings are those of the file",
            told.host.config
        ));
    }
    let drafts = config.drafts();
    let strict = Chain { plugins: vec![candidate(args, policy, &told, &config)?], is_strict: true };
    let present = present(&told, &config, &drafts, &mut notes);
    let lasts_ms = args.wish.lasts_ms();
    let processes = processes(&told.live, &drafts);
    let stage = Stage::new(processes, config.settings.clone(), config.compile_limits, lasts_ms)
        .map_err(|error| Failure::failed(error, "free some space in the directory for temporary files"))?;
    let ours = stage.run(&beginning, strict, &mut notes)?;
    let present = stage.run(&beginning, present, &mut notes)?;
    let both = (&ours, &present);
    print(match args.output {
        LineFormat::Text => forecast::text(&beginning, policy, both, lasts_ms, &context.page),
        LineFormat::Json => pretty(&forecast::json(&beginning, policy, both, lasts_ms, &notes))?,
    })?;
    if args.output == LineFormat::Text {
        notes.iter().for_each(|note| context.note(note));
    }
    Ok(())
}

/// Asks the host for the process, its group with all ends, and everything else as it is.
async fn ask(client: &Client, name: &str) -> Result<Told, Failure> {
    let explained = client.explain(name).await?;
    let now_ms = now_ms();
    let group = explained.process.group.clone();
    let subject = api::SnapshotProcess { process: explained.process, deaths: explained.deaths };
    let status = client.status_of(&StatusAsked::default()).await?;
    let mut others = Vec::new();
    for process in status.processes.into_iter().filter(|process| process.name != subject.process.name) {
        // One that was removed meanwhile is not there any more.
        let is_member = group.is_some() && process.group == group;
        let explained = if is_member { client.explain(&process.name).await.ok() } else { None };
        others.push(match explained {
            Some(member) => api::SnapshotProcess { process: member.process, deaths: member.deaths },
            None => api::SnapshotProcess { process, deaths: Some(Vec::new()) },
        });
    }
    let host = status.host;
    let plugins = status.plugins.into_iter().map(|plugin| (plugin.name.clone(), plugin)).collect();
    let live = Live { subject, others, generation: status.generation, now_ms };
    Ok(Told { live, host, plugins, policies: explained.policies })
}

/// Returns the plugin that judges instead: a component, or a plugin of the host.
fn candidate(args: &ExplainArgs, policy: &str, told: &Told, config: &Config) -> Result<PluginSpec, Failure> {
    let settings = args.wish.settings.clone();
    let settings = settings.map(|settings| serde_json::Value::Object(settings).to_string());
    let is_name = !policy.contains([':', '/']) && !policy.ends_with(".wasm") && !Path::new(policy).exists();
    if !is_name {
        return Ok(PluginSpec {
            name: name_of(policy).into(),
            source: Source::parse(&located(policy)?),
            settings_json: settings.unwrap_or_else(|| "{}".to_owned()),
            limits: Limits::default(),
            sha256: None,
            grants: Grants::default(),
        });
    }
    let Some(plugin) = told.plugins.get(policy) else {
        let judges = |plugin: &&api::Plugin| plugin.active.roles.contains(&api::PluginRole::RestartPolicy);
        let names: Vec<&str> =
            told.plugins.values().filter(judges).map(|plugin| plugin.name.as_str()).collect();
        let there =
            if names.is_empty() { "it has none that judges ends".to_owned() } else { names.join(", ") };
        return Err(Failure::usage(
            format!("there is no file and no plugin of the host called `{}`", shown(policy)),
            format!("name a .wasm file, bundled:NAME, or a plugin of the host ({there})"),
        ));
    };
    let spec = as_in_host(plugin, config);
    Ok(PluginSpec { settings_json: settings.unwrap_or(spec.settings_json), ..spec })
}

/// Returns the name under which a component judges: its own, or that of its file.
fn name_of(component: &str) -> String {
    let named = component.strip_prefix("bundled:").or_else(|| Path::new(component).file_stem()?.to_str());
    named.filter(|name| naming::check(name).is_ok()).unwrap_or("what-if").to_owned()
}

/// Returns a plugin as the host has it. Its settings are those of the config, since the host does not tell them.
fn as_in_host(plugin: &api::Plugin, config: &Config) -> PluginSpec {
    let active = &plugin.active;
    let configured = config.plugins().find(|spec| *spec.name == *plugin.name);
    let source = Source::parse(&active.source);
    let mut limits = Limits::default();
    for (name, figure) in &active.limits {
        // A limit of a newer host bounds nothing here.
        if let Ok(limit) = Limit::named(name) {
            limits.set(limit, *figure);
        }
    }
    PluginSpec {
        name: plugin.name.as_str().into(),
        sha256: configured.filter(|spec| spec.source == source).and_then(|spec| spec.sha256.clone()),
        source,
        settings_json: configured.map_or_else(|| "{}".to_owned(), |spec| spec.settings_json.clone()),
        limits: configured.map_or(limits, |spec| spec.limits.clone()),
        grants: Grants::parse(&active.grants).unwrap_or_default(),
    }
}

/// Returns the plugins that judge the process now, and notes what of them cannot be taken along.
fn present(told: &Told, config: &Config, drafts: &[Draft], notes: &mut Vec<String>) -> Chain {
    let name = &told.live.subject.process.name;
    let configured = || draft_of(drafts, name).map(|draft| draft.policies.clone());
    let names = told.policies.clone().or_else(configured).unwrap_or_default();
    let mut plugins = Vec::new();
    for name in names {
        let Some(plugin) = told.plugins.get(&name) else {
            notes.push(format!("the policy `{name}` is left out: the host does not list it"));
            continue;
        };
        if plugin.active.stored_bytes > 0 {
            let stored = plugin.active.stored_bytes;
            notes.push(format!(
                "`{name}` remembers {stored} bytes in the host, and begins here with an empty memory"
            ));
        }
        if !config.plugins().any(|spec| *spec.name == *name) {
            notes.push(format!("`{name}` is not in the config, and judges here without settings"));
        }
        plugins.push(as_in_host(plugin, config));
    }
    Chain { plugins, is_strict: false }
}

/// Returns the specs of all processes that the host has, without policies. Only the judged process is checked.
fn processes(live: &Live, drafts: &[Draft]) -> Vec<ProcessSpec> {
    let there = |name: &str| {
        name == live.subject.process.name || live.others.iter().any(|one| one.process.name == name)
    };
    let spec = |process: &api::Process| {
        let group: Arc<str> = process.group.as_deref().unwrap_or_default().into();
        let unknown = || {
            let command = CommandLine::Argv(vec![process.name.clone()]);
            ProcessSpec { group: group.clone(), ..ProcessSpec::new(process.name.as_str(), command) }
        };
        let draft = draft_of(drafts, &process.name);
        let mut spec = draft.map_or_else(unknown, |draft| ProcessSpec {
            name: process.name.as_str().into(),
            ..draft.spec.clone()
        });
        // The number of replicas does not change, and what is down stays down.
        (spec.replica, spec.autostart) = (None, false);
        spec.depends_on.retain(|dependency| there(&dependency.name));
        spec
    };
    let other =
        |one: &api::SnapshotProcess| ProcessSpec { health: None, usage_every_ms: None, ..spec(&one.process) };
    [spec(&live.subject.process)].into_iter().chain(live.others.iter().map(other)).collect()
}

/// Returns what the config says about a process, or about the replicas that it is one of.
fn draft_of<'d>(drafts: &'d [Draft], name: &str) -> Option<&'d Draft> {
    let of_set = replica_of(name).map(|(set, _)| set);
    drafts.iter().find(|draft| match draft.replicas {
        None => *draft.spec.name == *name,
        Some(_) => of_set == Some(&*draft.spec.name),
    })
}
