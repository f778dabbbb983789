//! Checks what a component imports and exports against the contract, before it replaces the former one.

use super::error::BuildError;
use super::made::Rules;

/// The package of the interfaces of plugins.
pub(super) const CONTRACT: &str = "provost:plugin/";

/// The common prefix of all versions of the contract that a host takes.
const TRACK: &str = "0.1.";

/// The names of the imports and exports of a component.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Surface {
    pub(super) imports: Vec<String>,
    pub(super) exports: Vec<String>,
}

/// What the interfaces of WASI give, for people.
const OUTSIDE: [(&str, &str); 7] = [
    ("wasi:clocks/", "a clock"),
    ("wasi:random/", "randomness"),
    ("wasi:filesystem/", "files"),
    ("wasi:sockets/", "sockets"),
    ("wasi:http/", "HTTP"),
    ("wasi:cli/", "the command line, the environment or standard streams"),
    ("wasi:io/", "streams"),
];

impl Surface {
    /// Reads the names from a component.
    pub(super) fn of(component: &[u8]) -> Result<Self, String> {
        let decoded = wit_component::decode(component).map_err(|error| format!("{error:#}"))?;
        let wit_component::DecodedWasm::Component(resolve, world) = &decoded else {
            return Err("it is a WIT package, not a component".to_owned());
        };
        let world = &resolve.worlds[*world];
        let imports = world.imports.keys().map(|key| resolve.name_world_key(key)).collect();
        let exports = world.exports.keys().map(|key| resolve.name_world_key(key)).collect();
        Ok(Self { imports, exports })
    }

    /// Returns the version of the contract that the component was built against.
    pub(super) fn contract(&self) -> Option<&str> {
        let names = self.exports.iter().chain(&self.imports);
        names.filter(|name| name.starts_with(CONTRACT)).find_map(|name| Some(name.split_once('@')?.1))
    }

    /// Refuses what no host would take.
    pub(super) fn check(&self, package: &str, rules: Rules) -> Result<(), BuildError> {
        let package = package.to_owned();
        let exports = of_contract(&self.exports);
        let all = [of_contract(&self.imports), exports.clone()].concat();
        let other = all
            .iter()
            .find(|name| !name.split_once('@').is_some_and(|(_, version)| version.starts_with(TRACK)));
        if let Some(name) = other {
            let made_for = name.split_once('@').map_or("no version", |(_, version)| version).to_owned();
            return Err(BuildError::OtherContract { package, made_for, refresh: rules.refresh });
        }
        if let Some(name) = all.iter().find(|name| !known(name)) {
            let name = (*name).to_owned();
            return Err(BuildError::UnknownInterface { package, name, refresh: rules.refresh });
        }
        if !exports.iter().any(|name| is_role(name)) {
            return Err(BuildError::NoRole { package, exports: listed(&self.exports), export: rules.export });
        }
        let outside: Vec<String> =
            self.imports.iter().filter(|name| !name.starts_with(CONTRACT)).cloned().collect();
        if !outside.is_empty() && exports.iter().any(|name| base(name).ends_with("-policy")) {
            let gives =
                OUTSIDE.iter().filter(|(prefix, _)| outside.iter().any(|name| name.starts_with(prefix)));
            let gives: Vec<&str> = gives.map(|(_, what)| *what).collect();
            let what = if gives.is_empty() { "something else".to_owned() } else { gives.join(", ") };
            return Err(BuildError::Outside { package, names: listed(&outside), what, inside: rules.inside });
        }
        Ok(())
    }
}

/// Returns the names of the contract among these, without its package.
fn of_contract(names: &[String]) -> Vec<&str> {
    names.iter().filter_map(|name| name.strip_prefix(CONTRACT)).collect()
}

/// Returns the name of an interface without its version.
fn base(name: &str) -> &str {
    name.split_once('@').map_or(name, |(name, _)| name)
}

/// Whether the contract of this binary has this interface.
fn known(name: &str) -> bool {
    let declared = format!("interface {} {{", base(name));
    crate::templates::contract::files()
        .iter()
        .any(|(_, text)| text.lines().any(|line| line.trim() == declared))
}

fn is_role(name: &str) -> bool {
    provost_plugin_host::Role::ALL.iter().any(|role| role.as_str() == base(name))
}

/// Quotes names for a message, at most `MOST` of them.
fn listed(names: &[String]) -> String {
    const MOST: usize = 6;
    if names.is_empty() {
        return "nothing".to_owned();
    }
    let (shown, others) = names.split_at(names.len().min(MOST));
    let quoted = format!("`{}`", shown.join("`, `"));
    if others.is_empty() { quoted } else { format!("{quoted} and {} others", others.len()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: Rules = Rules { export: "export it", refresh: "refresh it", inside: "stay inside" };

    fn refusal(imports: &[&str], exports: &[&str]) -> Option<String> {
        let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let surface = Surface { imports: owned(imports), exports: owned(exports) };
        surface.check("p", RULES).err().map(|error| error.to_string())
    }

    #[test]
    fn a_component_of_the_contract_is_taken() {
        let imports = ["provost:plugin/log@0.1.0", "provost:plugin/types@0.1.9"];
        assert_eq!(refusal(&imports, &["provost:plugin/restart-policy@0.1.0"]), None);
    }

    #[test]
    fn another_version_of_the_contract_is_named_beside_our_own() {
        let told = refusal(&[], &["provost:plugin/restart-policy@0.2.0"]).unwrap();
        assert_eq!(told, "p was built against provost:plugin@0.2.0, but this provost uses 0.1.0: refresh it");
    }

    #[test]
    fn an_interface_that_a_newer_contract_has_is_named() {
        let told =
            refusal(&["provost:plugin/weather@0.1.4"], &["provost:plugin/restart-policy@0.1.4"]).unwrap();
        assert!(told.contains("`provost:plugin/weather@0.1.4`") && told.ends_with("refresh it"), "{told}");
    }

    #[test]
    fn a_component_without_a_role_is_told_how_to_export_one() {
        let told = refusal(&[], &["provost:plugin/configurable@0.1.0"]).unwrap();
        assert_eq!(told, "p exports `provost:plugin/configurable@0.1.0`, but no role of Provost: export it");
        assert!(refusal(&[], &["wasi:cli/run@0.2.0"]).unwrap().contains("`wasi:cli/run@0.2.0`"));
    }

    #[test]
    fn a_policy_that_reaches_outside_is_refused_with_what_it_asked_for() {
        let imports = ["wasi:clocks/wall-clock@0.2.6", "wasi:sockets/tcp@0.2.6"];
        let told = refusal(&imports, &["provost:plugin/restart-policy@0.1.0"]).unwrap();
        assert!(told.contains("a clock, sockets") && told.contains("wasi:sockets/tcp@0.2.6"), "{told}");
        assert!(told.ends_with("stay inside"), "{told}");
        assert_eq!(refusal(&imports, &["provost:plugin/status-view@0.1.0"]), None, "that may be granted");
    }
}
