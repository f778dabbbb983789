//! What a component imports and exports, and whether it is let in for that. A component that is not let in
//! is no mistake of the config: it is loaded as refused, and says so whenever it is asked.

use std::fmt;
use std::sync::Arc;

use wasmtime::component::types::{self, ComponentItem};
use wasmtime::component::{Component, HasSelf, InstancePre, Linker, Resource};
use wasmtime::{Engine, error::Context as _};

use crate::bindings::{
    judge, listener, log, renderer, restart_policy, settings, snapshots, status_consumer, status_view,
};
use crate::engine::flat;
use crate::limits::{Limits, size};
use crate::plugin::Guest;
use crate::snapshot::Lent;

/// The package of the contract.
const PACKAGE: &str = "provost:plugin";
/// The version of it that this host speaks.
const VERSION: &str = "0.1.0";
/// What all versions that fit have in common.
const TRACK: &str = "0.1.";
/// What a plugin may import without a grant.
const IMPORTS: [&str; 4] = ["types", "snapshots", "settings", "log"];

/// The page size of a linear memory, in bytes.
const WASM_PAGE_BYTES: u64 = 64 << 10;

/// What a plugin can be to the host: an interface that it exports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Judges restarts.
    RestartPolicy,
    /// Renders status.
    StatusView,
    /// Is told of changes.
    StatusConsumer,
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::RestartPolicy, Self::StatusView, Self::StatusConsumer];

    /// The name of the interface.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::RestartPolicy => "restart-policy",
            Self::StatusView => "status-view",
            Self::StatusConsumer => "status-consumer",
        }
    }

    /// The only function of the interface.
    fn function(self) -> &'static str {
        match self {
            Self::RestartPolicy => "on-exit",
            Self::StatusView => "render",
            Self::StatusConsumer => "on-change",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// The names of what a component imports and exports.
#[derive(Clone, Debug, Default)]
pub(crate) struct Surface {
    pub(crate) imports: Vec<String>,
    pub(crate) exports: Vec<String>,
}

impl Surface {
    pub(crate) fn of(component: &Component, engine: &Engine) -> Self {
        let ty = component.component_type();
        // A bare type (`use types.{..}` at the level of the world) asks for nothing.
        let acts = |item: &ComponentItem| !matches!(item, ComponentItem::Type(_));
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
        self.exports.iter().map(String::as_str).find(|name| speaks(name, &[role.as_str()]))
    }

    /// Does it import this interface of the contract?
    pub(crate) fn imports(&self, interface: &str) -> bool {
        self.imports.iter().any(|name| speaks(name, &[interface]))
    }

    /// Why it is not let in, judging by names alone.
    pub(crate) fn refusal(&self) -> Option<String> {
        if let Some(version) = self.foreign_version() {
            return Some(format!(
                "it is made for {PACKAGE}@{version}, this host speaks {PACKAGE}@{VERSION}: build it against that"
            ));
        }
        let foreign: Vec<&str> =
            self.imports.iter().map(String::as_str).filter(|name| !speaks(name, &IMPORTS)).collect();
        if !foreign.is_empty() {
            return Some(format!(
                "it imports {}, which it was not granted: a plugin may import types, snapshots, settings and \
                 log of {PACKAGE}@{VERSION}, and nothing else",
                quoted(&foreign)
            ));
        }
        if self.roles().is_empty() {
            let exports: Vec<&str> = self.exports.iter().map(String::as_str).collect();
            let what = if exports.is_empty() { "nothing".to_owned() } else { quoted(&exports) };
            return Some(format!(
                "it exports {what}, and none of the roles restart-policy, status-view and status-consumer of \
                 {PACKAGE}@{VERSION}"
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

fn quoted(names: &[&str]) -> String {
    format!("`{}`", names.join("`, `"))
}

/// A component that was let in, ready to be instantiated in each of its roles.
#[derive(Default)]
pub(crate) struct Admitted {
    pub(crate) policy: Option<judge::RestartJudgePre<Guest>>,
    pub(crate) view: Option<renderer::StatusRendererPre<Guest>>,
    pub(crate) consumer: Option<listener::StatusListenerPre<Guest>>,
}

/// Everything that a plugin may call: nothing but the contract.
pub(crate) fn linker(engine: &Engine) -> wasmtime::Result<Linker<Guest>> {
    let mut linker = Linker::new(engine);
    snapshots::add_to_linker::<_, HasSelf<_>>(&mut linker, |guest: &mut Guest| guest)?;
    settings::add_to_linker::<_, HasSelf<_>>(&mut linker, |guest: &mut Guest| guest)?;
    log::add_to_linker::<_, HasSelf<_>>(&mut linker, |guest: &mut Guest| guest)?;
    crate::bindings::types::add_to_linker::<_, HasSelf<_>>(&mut linker, |guest: &mut Guest| guest)?;
    Ok(linker)
}

/// Lets a component in, or says why not.
pub(crate) fn admit(
    component: &Component,
    surface: &Surface,
    linker: &Linker<Guest>,
    limits: &Limits,
) -> Result<Admitted, Arc<str>> {
    if let Some(refusal) = surface.refusal() {
        return Err(refusal.into());
    }
    if let Some(refusal) = hunger(component, limits) {
        return Err(refusal.into());
    }
    let pre = linker
        .instantiate_pre(component)
        .map_err(|error| format!("an import is not as this host has it: {}", flat(&error)))?;
    roles(surface, &pre, linker)
        .map_err(|error| format!("an export is not as this host wants it: {}", flat(&error)).into())
}

/// Makes each exported role ready, and checks its type.
fn roles(surface: &Surface, pre: &InstancePre<Guest>, linker: &Linker<Guest>) -> wasmtime::Result<Admitted> {
    let ty = linker.substituted_component_type(pre.component())?;
    let mut admitted = Admitted::default();
    for role in surface.roles() {
        check_type(&ty, surface, role, pre.engine())
            .with_context(|| format!("`{}` of `{role}` has another type", role.function()))?;
        match role {
            Role::RestartPolicy => admitted.policy = Some(judge::RestartJudgePre::new(pre.clone())?),
            Role::StatusView => admitted.view = Some(renderer::StatusRendererPre::new(pre.clone())?),
            Role::StatusConsumer => admitted.consumer = Some(listener::StatusListenerPre::new(pre.clone())?),
        }
    }
    Ok(admitted)
}

/// Checks the type of the function of a role. Wasmtime by itself does so only in an instance, which would
/// turn a mistake of the author's into a fault of every call.
fn check_type(ty: &types::Component, surface: &Surface, role: Role, engine: &Engine) -> wasmtime::Result<()> {
    let interface = surface.export(role).and_then(|name| ty.get_export(engine, name));
    let Some(ComponentItem::ComponentInstance(interface)) = interface.map(|export| export.ty) else {
        wasmtime::bail!("it is no interface");
    };
    let function = interface.get_export(engine, role.function());
    let Some(ComponentItem::ComponentFunc(function)) = function.map(|export| export.ty) else {
        wasmtime::bail!("there is no such function");
    };
    let cx = ty.instance_type();
    match role {
        Role::RestartPolicy => {
            function.typecheck::<(&restart_policy::Ended, Resource<Lent>), (restart_policy::Decision,)>(&cx)
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
        let refusal = greedy.refusal().unwrap();
        assert!(
            refusal.starts_with("it imports `wasi:sockets/tcp@0.2.0`, `wasi:clocks/wall-clock@0.2.0`, which"),
            "{refusal}"
        );
    }

    #[test]
    fn a_component_without_a_role_is_told_what_it_exports() {
        let refusal = surface(&[], &["wasi:cli/run@0.2.0"]).refusal().unwrap();
        assert!(refusal.starts_with("it exports `wasi:cli/run@0.2.0`, and none of the roles"), "{refusal}");
        assert!(surface(&[], &[]).refusal().unwrap().starts_with("it exports nothing"));
    }

    #[test]
    fn another_version_of_the_contract_is_named_beside_our_own() {
        let refusal = surface(&[], &["provost:plugin/restart-policy@0.2.0"]).refusal().unwrap();
        assert_eq!(
            refusal,
            "it is made for provost:plugin@0.2.0, this host speaks provost:plugin@0.1.0: build it against that"
        );
    }

    #[test]
    fn a_later_patch_version_of_the_contract_fits() {
        let later = surface(&["provost:plugin/log@0.1.7"], &["provost:plugin/status-view@0.1.7"]);
        assert_eq!(later.refusal(), None);
        assert_eq!(later.roles(), [Role::StatusView]);
    }

    #[test]
    fn a_role_of_the_contract_cannot_be_imported() {
        let odd = surface(&["provost:plugin/status-view@0.1.0"], &["provost:plugin/status-consumer@0.1.0"]);
        assert!(odd.refusal().unwrap().contains("`provost:plugin/status-view@0.1.0`"));
    }
}
