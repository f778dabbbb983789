//! The names of a component's imports and exports, and whether it is admitted by them.

use wasmtime::Engine;
use wasmtime::component::Component;
use wasmtime::component::types::ComponentItem;

use crate::limits::grants::Grants;
use crate::role::Role;

/// The package of the contract.
const PACKAGE: &str = "provost:plugin";
/// The version of the contract that this host implements.
const VERSION: &str = "0.1.0";
/// The common prefix of all compatible versions.
const TRACK: &str = "0.1.";
/// The interfaces that a plugin may import without a grant.
const IMPORTS: [&str; 5] = ["types", "snapshots", "settings", "memory", "log"];
/// The interfaces that a view may import as well, unless it is also a policy.
const IMPORTS_OF_VIEWS: [&str; 2] = ["plugins", "usages"];
/// The interface of a plugin that checks its settings.
pub(super) const CONFIGURABLE: &str = "configurable";

/// The names of a component's imports and exports.
#[derive(Clone, Debug, Default)]
pub(crate) struct Surface {
    pub(crate) imports: Vec<String>,
    pub(crate) exports: Vec<String>,
}

impl Surface {
    pub(crate) fn of(component: &Component, engine: &Engine) -> Self {
        let ty = component.component_type();
        // A bare type (`use types.{..}` in the world) asks for nothing, nor does an interface of which only types are
        // used.
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

    /// Returns the roles that it exports in a compatible version.
    pub(crate) fn roles(&self) -> Vec<Role> {
        roles_of(&self.exports)
    }

    /// Returns the full name of its export for this role.
    pub(super) fn export(&self, role: Role) -> Option<&str> {
        self.exported(role.as_str())
    }

    /// Returns the full name of its export of this interface of the contract.
    pub(super) fn exported(&self, interface: &str) -> Option<&str> {
        exported(&self.exports, interface)
    }

    /// Lists the imports that it has and `other` does not, one per line.
    pub(crate) fn more_than(&self, other: &Self) -> Vec<String> {
        let new = self.imports.iter().filter(|import| !other.imports.contains(import));
        new.map(|import| format!("+ imports `{import}`")).collect()
    }

    /// Whether it imports this interface of the contract.
    pub(crate) fn imports(&self, interface: &str) -> bool {
        self.imports.iter().any(|name| speaks(name, &[interface]))
    }

    /// Whether it imports anything whose name begins with `beginning`.
    pub(crate) fn names(&self, beginning: &str) -> bool {
        self.imports.iter().any(|name| name.starts_with(beginning))
    }

    /// Returns why it is refused with these grants, judging by names alone.
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
                 starts): take the rest out of `allow`, or put what needs it into a separate consumer"
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
            // Imports that matter are shown alone, without those that every standard library brings along.
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

    /// Returns the version of the contract that it was made for, if it is not compatible.
    fn foreign_version(&self) -> Option<&str> {
        self.imports.iter().chain(&self.exports).find_map(|name| {
            let (interface, version) = name.split_once('@')?;
            let (package, _) = interface.split_once('/')?;
            (package == PACKAGE && !is_spoken(version)).then_some(version)
        })
    }
}

/// Returns the roles that are among exports with these full names, in a compatible version.
pub(crate) fn roles_of(exports: &[String]) -> Vec<Role> {
    Role::ALL.into_iter().filter(|role| exported(exports, role.as_str()).is_some()).collect()
}

/// Returns the full name of the export of this interface of the contract.
fn exported<'e>(exports: &'e [String], interface: &str) -> Option<&'e str> {
    exports.iter().map(String::as_str).find(|name| speaks(name, &[interface]))
}

/// Whether this is one of these interfaces of the contract, in a compatible version.
fn speaks(name: &str, interfaces: &[&str]) -> bool {
    let Some((interface, version)) = name.split_once('@') else { return false };
    let Some((package, interface)) = interface.split_once('/') else { return false };
    package == PACKAGE && is_spoken(version) && interfaces.contains(&interface)
}

/// Within 0.1 only functions and interfaces are added, so any patch version is compatible (linking checks the rest).
fn is_spoken(version: &str) -> bool {
    version.strip_prefix(TRACK).is_some_and(|patch| patch.parse::<u32>().is_ok())
}

/// Explains how to build a component that does not import WASI, if it imports it.
fn built_for_wasi(foreign: &[&str]) -> &'static str {
    if !foreign.iter().any(|name| name.starts_with("wasi:")) {
        return "";
    }
    ". It was built for WASI, as wasm32-wasip1 and wasm32-wasip2 do: build Rust for wasm32-unknown-unknown (`provost \
     plugin build DIR` does), Python with `componentize-py componentize --stub-wasi`, and JavaScript with \
     `disableFeatures: ['clocks', 'fetch-event', 'http', 'random', 'stdio']`"
}

/// Quotes names for a message, at most `MOST` of them.
fn quoted(names: &[&str]) -> String {
    const MOST: usize = 8;
    let (shown, others) = names.split_at(names.len().min(MOST));
    let quoted = format!("`{}`", shown.join("`, `"));
    if others.is_empty() { quoted } else { format!("{quoted} and {} others", others.len()) }
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
    fn a_refusal_for_lack_of_a_role_names_the_exports() {
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
    fn what_a_version_asks_for_beyond_another_is_listed_line_by_line() {
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
