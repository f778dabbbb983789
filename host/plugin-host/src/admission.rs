//! What a component imports and exports, and whether it is let in for that. A component that is not let in
//! is no mistake of the config: it is loaded as refused, and says so whenever it is asked.

use std::sync::Arc;

use wasmparser::{ComponentExternalKind, Parser, Payload};
use wasmtime::component::types::{self, ComponentItem};
use wasmtime::component::{Component, HasSelf, InstancePre, Linker, Resource};
use wasmtime::{Engine, error::Context as _};

use crate::bindings::{
    checker, configured, health_policy, judge, listener, log, memory, plugins, renderer, restart_policy,
    scale_policy, scaler, settings, snapshots, start_policy, starter, status_consumer, status_view,
};
use crate::call::Guest;
use crate::engine::{TABLE_ELEMENTS_CEILING, flat};
use crate::grants::Grants;
use crate::limits::{Limits, size};
use crate::role::Role;
use crate::room::Need;
use crate::snapshot::Lent;

/// The package of the contract.
const PACKAGE: &str = "provost:plugin";
/// The version of it that this host speaks.
const VERSION: &str = "0.1.0";
/// What all versions that fit have in common.
const TRACK: &str = "0.1.";
/// What a plugin may import without a grant.
const IMPORTS: [&str; 5] = ["types", "snapshots", "settings", "memory", "log"];
/// What a view may import beside that, unless it is a policy as well.
const IMPORTS_OF_VIEWS: [&str; 1] = ["plugins"];
/// The interface of a plugin that checks its settings.
const CONFIGURABLE: &str = "configurable";

/// The page size of a linear memory, in bytes.
const WASM_PAGE_BYTES: u64 = 64 << 10;

/// The names of what a component imports and exports.
#[derive(Clone, Debug, Default)]
pub(crate) struct Surface {
    pub(crate) imports: Vec<String>,
    pub(crate) exports: Vec<String>,
}

impl Surface {
    pub(crate) fn of(component: &Component, engine: &Engine) -> Self {
        let ty = component.component_type();
        // A bare type (`use types.{..}` at the level of the world) asks for nothing, nor does an interface of which
        // only types are used.
        let acts = |item: &ComponentItem| match item {
            ComponentItem::Type(_) => false,
            ComponentItem::ComponentInstance(interface) => {
                interface.exports(engine).any(|(_, export)| !matches!(export.ty, ComponentItem::Type(_)))
            }
            _ => true,
        };
        Self {
            imports: ty
                .imports(engine)
                .filter(|(_, import)| acts(&import.ty))
                .map(|(name, _)| name.to_owned())
                .collect(),
            exports: ty
                .exports(engine)
                .filter(|(_, export)| acts(&export.ty))
                .map(|(name, _)| name.to_owned())
                .collect(),
        }
    }

    /// The roles that it exports in a version that this host speaks.
    pub(crate) fn roles(&self) -> Vec<Role> {
        Role::ALL.into_iter().filter(|role| self.export(*role).is_some()).collect()
    }

    /// The full name of its export for this role.
    fn export(&self, role: Role) -> Option<&str> {
        self.exported(role.as_str())
    }

    /// The full name of its export of this interface of the contract.
    fn exported(&self, interface: &str) -> Option<&str> {
        self.exports.iter().map(String::as_str).find(|name| speaks(name, &[interface]))
    }

    /// What it asks for and `other` does not, a line each.
    pub(crate) fn more_than(&self, other: &Self) -> Vec<String> {
        let new = self.imports.iter().filter(|import| !other.imports.contains(import));
        new.map(|import| format!("+ imports `{import}`")).collect()
    }

    /// Does it import this interface of the contract?
    pub(crate) fn imports(&self, interface: &str) -> bool {
        self.imports.iter().any(|name| speaks(name, &[interface]))
    }

    /// Does it import anything whose name begins so?
    pub(crate) fn names(&self, beginning: &str) -> bool {
        self.imports.iter().any(|name| name.starts_with(beginning))
    }

    /// Why it is not let in with these grants, judging by names alone.
    pub(crate) fn refusal(&self, grants: &Grants) -> Option<String> {
        if let Some(version) = self.foreign_version() {
            return Some(format!(
                "it is made for {PACKAGE}@{version}, this host speaks {PACKAGE}@{VERSION}: build it against that"
            ));
        }
        let roles = self.roles();
        let policy = roles.iter().find(|role| role.judgement().is_some());
        if let Some(policy) = policy.filter(|_| grants.reach_outside()) {
            return Some(format!(
                "it is a {policy}, and a policy is granted nothing but its trigger (and set-env:NAME, if it judges \
                 starts): take the rest out of `allow`, or put what needs it into a consumer of its own"
            ));
        }
        if grants.set_any() && !roles.contains(&Role::StartPolicy) {
            return Some(
                "it is granted set-env:NAME and judges no starts, so there is nothing that it could set variables for: \
                 take that out of `allow`"
                    .to_owned(),
            );
        }
        let of_views = policy.is_none() && self.export(Role::StatusView).is_some();
        let refused = |name: &&str| {
            let contract = speaks(name, &IMPORTS) || (of_views && speaks(name, &IMPORTS_OF_VIEWS));
            !contract && !grants.open(name)
        };
        let foreign: Vec<&str> = self.imports.iter().map(String::as_str).filter(refused).collect();
        if !foreign.is_empty() {
            let wanted = Grants::wanted_for(&foreign).filter(|_| policy.is_none());
            // What matters is not to be lost among what every standard library brings along.
            let telling: Vec<&str> = foreign.iter().copied().filter(|name| !Grants::is_inert(name)).collect();
            return Some(format!(
                "it imports {}, which it was not granted: {}",
                quoted(if telling.is_empty() { &foreign } else { &telling }),
                wanted.map_or_else(
                    || format!(
                        "a {} may import types, snapshots, settings, memory and log of {PACKAGE}@{VERSION}, and \
                         nothing else",
                        if policy.is_some() { "policy" } else { "plugin" }
                    ) + built_for_wasi(&foreign),
                    |wanted| format!("{wanted} would, if you trust it with that"),
                )
            ));
        }
        if self.roles().is_empty() {
            let exports: Vec<&str> = self.exports.iter().map(String::as_str).collect();
            let what = if exports.is_empty() { "nothing".to_owned() } else { quoted(&exports) };
            return Some(format!(
                "it exports {what}, and none of the roles {} of {PACKAGE}@{VERSION}",
                Role::names()
            ));
        }
        None
    }

    /// The version of the contract that it wants, if this host does not speak it.
    fn foreign_version(&self) -> Option<&str> {
        self.imports.iter().chain(&self.exports).find_map(|name| {
            let (interface, version) = name.split_once('@')?;
            let (package, _) = interface.split_once('/')?;
            (package == PACKAGE && !is_spoken(version)).then_some(version)
        })
    }
}

/// Is this one of these interfaces of the contract, in a version that fits?
fn speaks(name: &str, interfaces: &[&str]) -> bool {
    let Some((interface, version)) = name.split_once('@') else { return false };
    let Some((package, interface)) = interface.split_once('/') else { return false };
    package == PACKAGE && is_spoken(version) && interfaces.contains(&interface)
}

/// Within 0.1 only functions and interfaces are added, so any patch version fits (linking checks the rest).
fn is_spoken(version: &str) -> bool {
    version.strip_prefix(TRACK).is_some_and(|patch| patch.parse::<u32>().is_ok())
}

/// How a component is built that does not ask for WASI, if it does.
fn built_for_wasi(foreign: &[&str]) -> &'static str {
    if !foreign.iter().any(|name| name.starts_with("wasi:")) {
        return "";
    }
    ". It was built for WASI, as wasm32-wasip1 and wasm32-wasip2 do: build Rust for wasm32-unknown-unknown (`provost \
     plugin build DIR` does), Python with `componentize-py componentize --stub-wasi`, and JavaScript with \
     `disableFeatures: ['clocks', 'fetch-event', 'http', 'random', 'stdio']`"
}

/// Names for a message: not more of them than people read.
fn quoted(names: &[&str]) -> String {
    const MOST: usize = 8;
    let (shown, others) = names.split_at(names.len().min(MOST));
    let quoted = format!("`{}`", shown.join("`, `"));
    if others.is_empty() { quoted } else { format!("{quoted} and {} others", others.len()) }
}

/// A component that was let in, ready to be instantiated in each of its roles.
#[derive(Default)]
pub(crate) struct Admitted {
    pub(crate) restart: Option<judge::RestartJudgePre<Guest>>,
    pub(crate) start: Option<starter::StartJudgePre<Guest>>,
    pub(crate) health: Option<checker::HealthJudgePre<Guest>>,
    pub(crate) scale: Option<scaler::ScaleJudgePre<Guest>>,
    pub(crate) view: Option<renderer::StatusRendererPre<Guest>>,
    pub(crate) consumer: Option<listener::StatusListenerPre<Guest>>,
    pub(crate) configured: Option<configured::ConfiguredPre<Guest>>,
    /// What an instance takes of the pool.
    pub(crate) need: Need,
}

/// What a component exports, by full name, without compiling it: of its own level alone.
///
/// # Errors
/// The bytes are no valid binary.
pub(crate) fn exports(bytes: &[u8]) -> Result<Vec<String>, wasmparser::BinaryReaderError> {
    let (mut depth, mut names) = (0_u32, Vec::new());
    for payload in Parser::new(0).parse_all(bytes) {
        match payload? {
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::ComponentExportSection(exports) if depth == 0 => {
                for export in exports {
                    let export = export?;
                    if export.kind == ComponentExternalKind::Instance {
                        names.push(export.name.name.to_owned());
                    }
                }
            }
            _ => {}
        }
    }
    Ok(names)
}

/// Everything that a plugin may call: nothing but the contract.
pub(crate) fn linker(engine: &Engine) -> wasmtime::Result<Linker<Guest>> {
    let mut linker = Linker::new(engine);
    snapshots::add_to_linker::<_, HasSelf<_>>(&mut linker, |guest: &mut Guest| guest)?;
    settings::add_to_linker::<_, HasSelf<_>>(&mut linker, |guest: &mut Guest| guest)?;
    memory::add_to_linker::<_, HasSelf<_>>(&mut linker, |guest: &mut Guest| guest)?;
    log::add_to_linker::<_, HasSelf<_>>(&mut linker, |guest: &mut Guest| guest)?;
    plugins::add_to_linker::<_, HasSelf<_>>(&mut linker, |guest: &mut Guest| guest)?;
    crate::bindings::types::add_to_linker::<_, HasSelf<_>>(&mut linker, |guest: &mut Guest| guest)?;
    Ok(linker)
}

/// Lets a component in, or says why not.
pub(crate) fn admit(
    component: &Component,
    surface: &Surface,
    linker: &Linker<Guest>,
    limits: &Limits,
    grants: &Grants,
) -> Result<Admitted, Arc<str>> {
    if let Some(refusal) = surface.refusal(grants) {
        return Err(refusal.into());
    }
    if let Some(refusal) = hunger(component, limits) {
        return Err(refusal.into());
    }
    let pre = linker
        .instantiate_pre(component)
        .map_err(|error| format!("an import is not as this host has it: {}", flat(&error)))?;
    let admitted = roles(surface, &pre, linker)
        .map_err(|error| format!("an export is not as this host wants it: {}", flat(&error)))?;
    Ok(Admitted { need: need(component, limits), ..admitted })
}

/// What an instance takes of the pool; as much as it may, where that cannot be told.
fn need(component: &Component, limits: &Limits) -> Need {
    let at_most = |figure: usize| u32::try_from(figure).unwrap_or(u32::MAX);
    let most = Need { memories: at_most(limits.memories_max), tables: at_most(limits.tables_max) };
    component.resources_required().map_or(most, |required| Need {
        memories: required.num_memories.min(most.memories),
        tables: required.num_tables.min(most.tables),
    })
}

/// Makes each exported role ready, and checks its type.
fn roles(surface: &Surface, pre: &InstancePre<Guest>, linker: &Linker<Guest>) -> wasmtime::Result<Admitted> {
    let ty = linker.substituted_component_type(pre.component())?;
    let mut admitted = Admitted::default();
    for role in surface.roles() {
        check_type(&ty, surface, role, pre.engine())
            .with_context(|| format!("`{}` of `{role}` has another type", role.function()))?;
        match role {
            Role::RestartPolicy => admitted.restart = Some(judge::RestartJudgePre::new(pre.clone())?),
            Role::StartPolicy => admitted.start = Some(starter::StartJudgePre::new(pre.clone())?),
            Role::HealthPolicy => admitted.health = Some(checker::HealthJudgePre::new(pre.clone())?),
            Role::ScalePolicy => admitted.scale = Some(scaler::ScaleJudgePre::new(pre.clone())?),
            Role::StatusView => admitted.view = Some(renderer::StatusRendererPre::new(pre.clone())?),
            Role::StatusConsumer => admitted.consumer = Some(listener::StatusListenerPre::new(pre.clone())?),
        }
    }
    if let Some(name) = surface.exported(CONFIGURABLE) {
        exported_function(&ty, name, "validate-settings", pre.engine())
            .and_then(|check| check.typecheck::<(&str,), (Result<(), String>,)>(&ty.instance_type()))
            .with_context(|| format!("`validate-settings` of `{CONFIGURABLE}` has another type"))?;
        admitted.configured = Some(configured::ConfiguredPre::new(pre.clone())?);
    }
    Ok(admitted)
}

/// The type of a function of an exported interface.
fn exported_function(
    ty: &types::Component,
    interface: &str,
    function: &str,
    engine: &Engine,
) -> wasmtime::Result<types::ComponentFunc> {
    let interface = ty.get_export(engine, interface);
    let Some(ComponentItem::ComponentInstance(interface)) = interface.map(|export| export.ty) else {
        wasmtime::bail!("it is no interface");
    };
    let function = interface.get_export(engine, function);
    let Some(ComponentItem::ComponentFunc(function)) = function.map(|export| export.ty) else {
        wasmtime::bail!("there is no such function");
    };
    Ok(function)
}

/// Checks the type of the function of a role. Wasmtime by itself does so only in an instance, which would
/// turn a mistake of the author's into a fault of every call.
fn check_type(ty: &types::Component, surface: &Surface, role: Role, engine: &Engine) -> wasmtime::Result<()> {
    let interface = surface.export(role).unwrap_or_default();
    let function = exported_function(ty, interface, role.function(), engine)?;
    let cx = ty.instance_type();
    match role {
        Role::RestartPolicy => {
            function.typecheck::<(&restart_policy::Ended, Resource<Lent>), (restart_policy::Decision,)>(&cx)
        }
        Role::StartPolicy => {
            function.typecheck::<(&start_policy::Plan, Resource<Lent>), (start_policy::Decision,)>(&cx)
        }
        Role::HealthPolicy => function
            .typecheck::<(&health_policy::Observation, Resource<Lent>), (health_policy::Decision,)>(&cx),
        Role::ScalePolicy => {
            function.typecheck::<(&scale_policy::Demand, Resource<Lent>), (scale_policy::Decision,)>(&cx)
        }
        Role::StatusView => {
            function.typecheck::<(&status_view::Request, Resource<Lent>), (status_view::Response,)>(&cx)
        }
        Role::StatusConsumer => function.typecheck::<(&status_consumer::Batch, Resource<Lent>), ()>(&cx),
    }
}

/// The largest memory that it begins with, in bytes, as far as that can be told.
pub(crate) fn memory_bytes(component: &Component) -> Option<u64> {
    let pages = component.resources_required()?.max_initial_memory_size?;
    Some(pages.saturating_mul(WASM_PAGE_BYTES))
}

/// Does it want more from its first instant on than it may ever have?
fn hunger(component: &Component, limits: &Limits) -> Option<String> {
    let elements = component.resources_required()?.max_initial_table_size;
    if let Some(elements) = elements.filter(|elements| *elements > TABLE_ELEMENTS_CEILING as u64) {
        return Some(format!(
            "it wants more than a plugin can have: a table of {elements} elements, and {TABLE_ELEMENTS_CEILING} are possible"
        ));
    }
    let wanted = usize::try_from(memory_bytes(component)?).unwrap_or(usize::MAX);
    (wanted > limits.memory_bytes_max).then(|| {
        format!(
            "it wants {} of memory to begin with and may have {}: raise its limit",
            size(wanted),
            size(limits.memory_bytes_max)
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn surface(imports: &[&str], exports: &[&str]) -> Surface {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        Surface { imports: owned(imports), exports: owned(exports) }
    }

    #[test]
    fn a_refusal_names_every_import_that_was_not_granted() {
        let greedy = surface(
            &["provost:plugin/log@0.1.0", "wasi:sockets/tcp@0.2.0", "wasi:clocks/wall-clock@0.2.0"],
            &["provost:plugin/restart-policy@0.1.0"],
        );
        let refusal = greedy.refusal(&Grants::default()).unwrap();
        assert!(
            refusal.starts_with("it imports `wasi:sockets/tcp@0.2.0`, `wasi:clocks/wall-clock@0.2.0`, which"),
            "{refusal}"
        );
    }

    #[test]
    fn a_component_without_a_role_is_told_what_it_exports() {
        let refusal = surface(&[], &["wasi:cli/run@0.2.0"]).refusal(&Grants::default()).unwrap();
        assert!(refusal.starts_with("it exports `wasi:cli/run@0.2.0`, and none of the roles"), "{refusal}");
        assert!(surface(&[], &[]).refusal(&Grants::default()).unwrap().starts_with("it exports nothing"));
    }

    #[test]
    fn another_version_of_the_contract_is_named_beside_our_own() {
        let refusal =
            surface(&[], &["provost:plugin/restart-policy@0.2.0"]).refusal(&Grants::default()).unwrap();
        assert_eq!(
            refusal,
            "it is made for provost:plugin@0.2.0, this host speaks provost:plugin@0.1.0: build it against that"
        );
    }

    #[test]
    fn a_later_patch_version_of_the_contract_fits() {
        let later = surface(&["provost:plugin/log@0.1.7"], &["provost:plugin/status-view@0.1.7"]);
        assert_eq!(later.refusal(&Grants::default()), None);
        assert_eq!(later.roles(), [Role::StatusView]);
    }

    #[test]
    fn what_a_version_asks_for_beyond_another_is_listed_by_line() {
        let before = surface(&["provost:plugin/log@0.1.0", "provost:plugin/settings@0.1.0"], &[]);
        let after = surface(&["provost:plugin/memory@0.1.0", "provost:plugin/log@0.1.0"], &[]);
        assert_eq!(after.more_than(&before), ["+ imports `provost:plugin/memory@0.1.0`"]);
        assert_eq!(before.more_than(&before), [""; 0]);
    }

    #[test]
    fn a_role_of_the_contract_cannot_be_imported() {
        let odd = surface(&["provost:plugin/status-view@0.1.0"], &["provost:plugin/status-consumer@0.1.0"]);
        assert!(odd.refusal(&Grants::default()).unwrap().contains("`provost:plugin/status-view@0.1.0`"));
    }
}
