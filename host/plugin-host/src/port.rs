//! The port `Plugins`: changes plugins while processes run. Slow work (reading, compiling, trials) holds no lock; then
//! one change at a time is put in force, which no call and no status waits for. A change that fails a check changes
//! nothing.

use std::any::Any;
use std::sync::Arc;

use provost_state::{
    Blame, Consumer, Intensity, LimitsWanted, PluginChange, PluginFetch, PluginRefusal,
    PluginRefusalKind as Kind, PluginReport, PluginWanted, Plugins, Policy, Replacement, Snapshot, View,
};

use crate::component::{Fetching, LoadError, Source};
use crate::guest::Reports;
use crate::host::{PluginHost, PluginSpec};
use crate::limits::grants::Grants;
use crate::limits::{Limit, Limits};
use crate::plugin::{
    Plugin, PluginConsumer, PluginPolicy, PluginView, Prepared, Recipe, Trial, Version, Versions,
};
use crate::role::Role;

/// How often a swap is retried while others change the plugin.
const TRIES: usize = 8;

fn refuse(kind: Kind, message: impl Into<String>, hint: impl Into<String>) -> PluginRefusal {
    PluginRefusal { kind, message: message.into(), hint: hint.into() }
}

fn unknown(name: &str) -> PluginRefusal {
    refuse(
        Kind::Unknown,
        format!("there is no plugin called `{name}`"),
        "`provost plugin list` names them all",
    )
}

/// The refusal for a component that cannot be loaded.
fn unavailable(name: &str, error: &LoadError) -> PluginRefusal {
    let kind = match error {
        LoadError::NameTaken { .. } => Kind::NameTaken,
        LoadError::BadName(_) | LoadError::NoSha256(_) => Kind::Check,
        LoadError::ImpossibleLimit(_) | LoadError::SettingsTooLarge(_) => Kind::Check,
        _ => Kind::Component,
    };
    let hint = match error {
        LoadError::Remote(error) => &error.hint,
        _ => "correct it and try again",
    };
    refuse(kind, format!("plugin `{name}`: {error}"), format!("nothing was changed; {hint}"))
}

/// Returns `limits` overridden by the `wanted` ones.
fn limited(name: &str, mut limits: Limits, wanted: &LimitsWanted) -> Result<Limits, PluginRefusal> {
    let refused = |why: String| refuse(Kind::Check, format!("plugin `{name}`: {why}"), "nothing was changed");
    for (word, figure) in &wanted.figures {
        let limit = Limit::named(word).map_err(|error| refused(error.to_string()))?;
        limits.set(limit, *figure);
    }
    match wanted.quarantine {
        Some(Intensity { faults: 0, .. } | Intensity { per_ms: 0, .. }) => {
            Err(refused("a quarantine needs at least 1 fault in at least 1 ms".to_owned()))
        }
        Some(quarantine) => Ok(Limits { quarantine, ..limits }),
        None => Ok(limits),
    }
}

/// Returns the version with notes about it, if it was admitted and has passed its trial.
fn passed(Prepared { version, trial }: Prepared) -> Result<(Arc<Version>, Vec<String>), PluginRefusal> {
    let name = version.context.name();
    let answers = match trial {
        Trial::Refused(reason) => {
            return Err(refuse(
                Kind::Check,
                format!("plugin `{name}`: `{}` is refused: {reason}", version.source),
                "nothing was changed; `provost plugin inspect` shows what a component asks for",
            ));
        }
        Trial::Failed(failed) => {
            return Err(refuse(
                Kind::Check,
                format!("plugin `{name}`: {failed}"),
                "nothing was changed; correct the component, or its limits, and try again",
            ));
        }
        Trial::Passed(answers) => answers,
    };
    let mut notes = vec![format!("component `{}`, SHA-256 {}", version.source, version.digest)];
    let configured = version.admitted.as_ref().is_ok_and(|admitted| admitted.configured.is_some());
    notes.push(
        if configured { "it accepts its settings" } else { "it does not check its settings" }.to_owned(),
    );
    notes.extend(answers);
    Ok((version, notes))
}

/// Refuses `new` if it plays fewer roles than `active`, or asks for more and that was not accepted.
fn compared(active: &Version, new: &Version, accept_more: bool) -> Result<Vec<String>, PluginRefusal> {
    let name = active.context.name();
    if let Some(lost) = active.lost_in(new) {
        return Err(refuse(
            Kind::Check,
            format!(
                "plugin `{name}`: `{}` does not export {lost}, which the active version does",
                new.source
            ),
            "nothing was changed; load it under another name",
        ));
    }
    let more = new.surface.more_than(&active.surface);
    if more.is_empty() {
        return Ok(vec!["it asks for nothing that the active version does not ask for".to_owned()]);
    }
    if !accept_more {
        return Err(refuse(
            Kind::AsksForMore,
            format!("plugin `{name}`: it asks for more than the active version:\n{}", more.join("\n")),
            "nothing was changed; accept that explicitly to put it in force",
        ));
    }
    Ok(more)
}

impl PluginHost {
    /// Makes a version with the loader, without holding a lock, and returns notes about what was found.
    fn prepared(
        &self,
        recipe: Recipe,
        world: &Arc<Snapshot>,
    ) -> Result<(Arc<Version>, Vec<String>), PluginRefusal> {
        let name = recipe.common.name.clone();
        let absent = |error| unavailable(&name, &error);
        let candidate = self.loader().read(&recipe).map_err(absent)?;
        passed(self.loader().prepare(&candidate, recipe, world).map_err(absent)?)
    }

    /// Makes the next version without holding a lock, and puts it in force unless somebody has changed the plugin
    /// meanwhile, in which case it returns `None`.
    fn swapped(
        &self,
        name: &str,
        by: &Replacement,
        world: &Arc<Snapshot>,
    ) -> Result<Option<PluginChange>, PluginRefusal> {
        let plugin = self.known(name)?;
        let versions = plugin.versions();
        let active = &versions.active;
        if active.is_compiling() {
            return Err(refuse(
                Kind::Check,
                format!(
                    "plugin `{name}` is not ready yet, so there is nothing to compare another version with"
                ),
                "nothing was changed; wait until `provost plugin list` shows it as active, or unload it",
            ));
        }
        let context = &active.context;
        let source = by.component.as_deref().map_or_else(|| active.source.clone(), Source::parse);
        let settings = by.settings_json.as_deref().map_or_else(|| context.settings.clone(), Arc::from);
        let limits = Arc::new(limited(name, Limits::clone(&context.limits), &by.limits)?.in_steps());
        let recipe = Recipe { common: context.common.clone(), source, settings, limits };
        let (version, mut notes) = self.prepared(recipe, world)?;
        notes.extend(compared(active, &version, by.accept_more)?);
        let mut change = self.change();
        if !Arc::ptr_eq(&plugin.versions(), &versions) {
            return Ok(None);
        }
        let number = change.number(&version);
        let next = versions.followed_by(version);
        let kept = next.former.as_ref().map_or(active.number(), |former| former.number());
        plugin.put_in_force(next);
        notes.push(format!("version {number} is in force, version {kept} is kept warm"));
        if kept != active.number() {
            notes.push(format!("version {} has never answered well: it is not kept", active.number()));
        }
        tracing::info!(plugin = name, version = number, "plugin swapped");
        Ok(Some(PluginChange { after: Some(plugin.report()), notes }))
    }

    fn known(&self, name: &str) -> Result<Arc<Plugin>, PluginRefusal> {
        self.plugin(name).ok_or_else(|| unknown(name))
    }
}

impl Plugins for PluginHost {
    fn reports(&self) -> Vec<PluginReport> {
        self.catalog().reports()
    }

    fn view(&self, name: &str) -> Option<Arc<dyn View>> {
        let plugin = self.plugin(name)?;
        let active = &plugin.versions().active;
        let renders = active.is_unknown() || active.plays(Role::StatusView);
        renders.then(|| Arc::new(PluginView(plugin.clone())) as Arc<dyn View>)
    }

    fn policy(&self, name: &str) -> Option<Arc<dyn Policy>> {
        let plugin = self.plugin(name)?;
        let active = &plugin.versions().active;
        let judges = active.is_unknown() || active.is_policy();
        judges.then(|| Arc::new(PluginPolicy::new(plugin.clone())) as Arc<dyn Policy>)
    }

    fn consumer(&self, name: &str) -> Option<Box<dyn Consumer>> {
        PluginConsumer::of(&self.plugin(name)?)
    }

    fn fetch(&self, name: &str, component: Option<&str>) -> Option<PluginFetch> {
        let source = match component {
            Some(component) => Source::parse(component),
            None => self.plugin(name)?.versions().active.source.clone(),
        };
        let reference = source.reference().filter(|reference| self.remote().at_hand(reference).is_none())?;
        let Fetching { work, wanted } = self.remote().begin(reference);
        let name = name.to_owned();
        let fetch = move || match work() {
            Ok(fetched) => Ok(Box::new(fetched) as Box<dyn Any + Send>),
            Err(error) => Err(unavailable(&name, &error.into())),
        };
        Some(PluginFetch { fetch: Box::new(fetch), wanted })
    }

    fn load(&self, wanted: &PluginWanted, world: &Arc<Snapshot>) -> Result<PluginChange, PluginRefusal> {
        let name = wanted.name.as_str();
        let limits = limited(name, Limits::default(), &wanted.limits)?;
        let spec = PluginSpec {
            name: name.into(),
            source: Source::parse(&wanted.component),
            settings_json: wanted.settings_json.clone(),
            limits,
            sha256: wanted.sha256.clone(),
            grants: Grants::parse(&wanted.allow).map_err(|error| {
                refuse(
                    Kind::Check,
                    format!("plugin `{name}`: {error}"),
                    "nothing was changed; write it as shown",
                )
            })?,
        };
        let absent = |error| unavailable(name, &error);
        let recipe = self.recipe(spec).map_err(absent)?;
        let (version, notes) = self.prepared(recipe, world)?;
        if wanted.judges && !version.is_policy() {
            return Err(refuse(
                Kind::Check,
                format!(
                    "plugin `{name}`: `{}` exports no policy, so it cannot judge anything",
                    version.source
                ),
                "nothing was changed; load it without naming what it is to judge",
            ));
        }
        let plugin = self.add(&mut self.change(), version).map_err(absent)?;
        tracing::info!(plugin = name, source = wanted.component, "plugin loaded");
        Ok(PluginChange { after: Some(plugin.report()), notes })
    }

    fn unload(&self, name: &str) -> Result<PluginChange, PluginRefusal> {
        let change = self.change();
        let plugin = self.known(name)?;
        self.remove(&change, &plugin);
        tracing::info!(plugin = name, "plugin unloaded");
        let notes =
            vec!["calls in progress end as usual; the next policy in each chain takes over".to_owned()];
        Ok(PluginChange { after: None, notes })
    }

    fn swap(
        &self,
        name: &str,
        by: &Replacement,
        world: &Arc<Snapshot>,
    ) -> Result<PluginChange, PluginRefusal> {
        for _ in 0..TRIES {
            if let Some(change) = self.swapped(name, by, world)? {
                return Ok(change);
            }
        }
        Err(refuse(
            Kind::Check,
            format!("plugin `{name}`: others keep changing it"),
            "nothing was changed; try again later",
        ))
    }

    fn rollback(&self, name: &str) -> Result<PluginChange, PluginRefusal> {
        let _change = self.change();
        let plugin = self.known(name)?;
        let versions = plugin.versions();
        let Some(former) = &versions.former else {
            return Err(refuse(
                Kind::NoFormer,
                format!("plugin `{name}` has no former version: it was not swapped since it was loaded"),
                "`provost plugin swap` puts another component in force",
            ));
        };
        if let Some(refusal) = former.refusal() {
            return Err(refuse(
                Kind::Check,
                format!("plugin `{name}`: the former version was refused itself: {}", refusal.why),
                "nothing was changed; swap it for a component that is let in",
            ));
        }
        let active = &versions.active;
        plugin.put_in_force(Versions { active: former.clone(), former: Some(active.clone()), gone: false });
        tracing::info!(plugin = name, version = former.number(), "plugin rolled back");
        let notes = vec![format!(
            "version {} is in force, version {} is kept warm",
            former.number(),
            active.number()
        )];
        Ok(PluginChange { after: Some(plugin.report()), notes })
    }

    fn revive(&self, name: &str) -> Result<PluginChange, PluginRefusal> {
        let _change = self.change();
        let plugin = self.known(name)?;
        let note = if plugin.revive() { "it is asked again" } else { "it was not quarantined" };
        Ok(PluginChange { after: Some(plugin.report()), notes: vec![note.to_owned()] })
    }

    fn blame(&self, name: &str) -> Result<Option<Blame>, PluginRefusal> {
        Ok(self.known(name)?.blame())
    }
}
