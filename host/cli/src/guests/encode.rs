//! Encodes a core module as a component, and checks the component.

use std::fs;
use std::path::Path;

use super::error::BuildError;
use super::package::Package;

/// The package of the interfaces of plugins.
pub(super) const CONTRACT: &str = "provost:plugin/";

/// A component, its imports and its exports.
pub(super) type Encoded = (Vec<u8>, Vec<String>, Vec<String>);

/// Makes a component from the core module.
pub(super) fn encode(package: &Package, module: &Path) -> Result<Encoded, BuildError> {
    let refused = |message: String| BuildError::Encode { package: package.name.clone(), message };
    let core = fs::read(module).map_err(BuildError::file(module))?;
    let component = wit_component::ComponentEncoder::default()
        .validate(true)
        .module(&core)
        .and_then(|mut encoder| encoder.encode())
        .map_err(|error| refused(format!("{error:#}")))?;
    let (imports, exports) = interfaces(&component).map_err(refused)?;
    if !exports.iter().any(|name| name.starts_with(CONTRACT)) {
        return Err(BuildError::NoRole { package: package.name.clone() });
    }
    Ok((component, imports, exports))
}

/// Returns the names of the imports and exports of a component.
pub(super) fn interfaces(component: &[u8]) -> Result<(Vec<String>, Vec<String>), String> {
    let decoded = wit_component::decode(component).map_err(|error| format!("{error:#}"))?;
    let wit_component::DecodedWasm::Component(resolve, world) = &decoded else {
        return Err("the encoder made a WIT package, not a component".to_owned());
    };
    let world = &resolve.worlds[*world];
    let imports = world.imports.keys().map(|key| resolve.name_world_key(key)).collect();
    let exports = world.exports.keys().map(|key| resolve.name_world_key(key)).collect();
    Ok((imports, exports))
}
