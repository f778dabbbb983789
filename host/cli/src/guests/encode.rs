//! Encodes a core module as a component.

use super::error::BuildError;

/// Makes a component from a core module of this package.
pub(super) fn encode(package: &str, core: &[u8]) -> Result<Vec<u8>, BuildError> {
    wit_component::ComponentEncoder::default()
        .validate(true)
        .module(core)
        .and_then(|mut encoder| encoder.encode())
        .map_err(|error| BuildError::Encode { package: package.to_owned(), message: format!("{error:#}") })
}
