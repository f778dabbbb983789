//! Decides whether a component is admitted, by its imports and exports with the types of their functions, and by the
//! memory and tables that it starts with. A component that is not admitted is not an error in the config: it is loaded
//! as refused, and answers every call with the reason.

use std::sync::Arc;

use wasmtime::component::types::{self, ComponentItem};
use wasmtime::component::{Component, InstancePre, Linker, Resource};
use wasmtime::{Engine, error::Context as _};

use crate::engine::room::Need;
use crate::guest::bindings::{
    checker, configured, health_policy, judge, listener, meterer, renderer, restart_policy, scale_policy,
    scaler, start_policy, starter, status_consumer, status_view, usage_policy,
};
use crate::guest::{Guest, Lent};
use crate::limits::Limits;
use crate::limits::ceilings::TABLE_ELEMENTS_CEILING;
use crate::limits::grants::Grants;
use crate::role::Role;
use crate::text::{one_line, size};

use super::surface::{CONFIGURABLE, Surface};

/// The page size of a linear memory, in bytes.
const WASM_PAGE_BYTES: u64 = 64 << 10;

/// A component that was admitted, ready to be instantiated in each of its roles.
#[derive(Default)]
pub(crate) struct Admitted {
    pub(crate) restart: Option<judge::RestartJudgePre<Guest>>,
    pub(crate) start: Option<starter::StartJudgePre<Guest>>,
    pub(crate) health: Option<checker::HealthJudgePre<Guest>>,
    pub(crate) scale: Option<scaler::ScaleJudgePre<Guest>>,
    pub(crate) usage: Option<meterer::UsageJudgePre<Guest>>,
    pub(crate) view: Option<renderer::StatusRendererPre<Guest>>,
    pub(crate) consumer: Option<listener::StatusListenerPre<Guest>>,
    pub(crate) configured: Option<configured::ConfiguredPre<Guest>>,
    /// The memories and tables that an instance takes from the pool.
    pub(crate) need: Need,
}

/// Admits a component, or returns the reason for a refusal.
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
    if let Some(refusal) = exceeds_initial_memory(component, limits) {
        return Err(refusal.into());
    }
    let pre = linker.instantiate_pre(component).map_err(|error| unlinked(&one_line(&error)))?;
    let admitted = roles(surface, &pre, linker)
        .map_err(|error| format!("an export does not match what this host expects: {}", one_line(&error)))?;
    Ok(Admitted { need: need(component, limits), ..admitted })
}

/// Explains why a component cannot be linked. Wasmtime has no type for an interface that lacks a function, so its text is searched
/// for that; a test has it.
fn unlinked(cause: &str) -> String {
    if cause.contains("function implementation is missing") {
        return format!(
            "it calls a function that a later version of the contract has: {cause}; use a newer provost, or build it against the \
             contract of this one, which `provost plugin wit` prints"
        );
    }
    format!("an import does not match this host: {cause}")
}

/// Returns what an instance takes from the pool, or the most that it may take if that is unknown.
fn need(component: &Component, limits: &Limits) -> Need {
    let at_most = |figure: usize| u32::try_from(figure).unwrap_or(u32::MAX);
    let most = Need { memories: at_most(limits.memories_max), tables: at_most(limits.tables_max) };
    component.resources_required().map_or(most, |required| Need {
        memories: required.num_memories.min(most.memories),
        tables: required.num_tables.min(most.tables),
    })
}

/// Prepares each exported role and checks its type.
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
            Role::UsagePolicy => admitted.usage = Some(meterer::UsageJudgePre::new(pre.clone())?),
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

/// Returns the type of a function of an exported interface.
fn exported_function(
    ty: &types::Component,
    interface: &str,
    function: &str,
    engine: &Engine,
) -> wasmtime::Result<types::ComponentFunc> {
    let interface = ty.get_export(engine, interface);
    let Some(ComponentItem::ComponentInstance(interface)) = interface.map(|export| export.ty) else {
        wasmtime::bail!("it is not an interface");
    };
    let function = interface.get_export(engine, function);
    let Some(ComponentItem::ComponentFunc(function)) = function.map(|export| export.ty) else {
        wasmtime::bail!("there is no such function");
    };
    Ok(function)
}

/// Checks the type of the function of a role. Wasmtime itself does so only in an instance, which would turn a mistake
/// of the author into a fault of every call.
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
        Role::UsagePolicy => {
            function.typecheck::<(&usage_policy::Sample, Resource<Lent>), (usage_policy::Decision,)>(&cx)
        }
        Role::StatusView => {
            function.typecheck::<(&status_view::Request, Resource<Lent>), (status_view::Response,)>(&cx)
        }
        Role::StatusConsumer => function.typecheck::<(&status_consumer::Batch, Resource<Lent>), ()>(&cx),
    }
}

/// Returns the largest initial memory in bytes, if it is known.
pub(crate) fn memory_bytes(component: &Component) -> Option<u64> {
    let pages = component.resources_required()?.max_initial_memory_size?;
    Some(pages.saturating_mul(WASM_PAGE_BYTES))
}

/// Returns a refusal if the initial memory or table exceeds what the plugin may ever have.
fn exceeds_initial_memory(component: &Component, limits: &Limits) -> Option<String> {
    let elements = component.resources_required()?.max_initial_table_size;
    if let Some(elements) = elements.filter(|elements| *elements > TABLE_ELEMENTS_CEILING as u64) {
        return Some(format!(
            "it wants more than a plugin can have: a table of {elements} elements, and {TABLE_ELEMENTS_CEILING} are possible"
        ));
    }
    let wanted = usize::try_from(memory_bytes(component)?).unwrap_or(usize::MAX);
    (wanted > limits.memory_bytes_max).then(|| {
        format!(
            "it needs {} of memory from the start, and at most {} are allowed: raise its limit",
            size(wanted),
            size(limits.memory_bytes_max)
        )
    })
}
