//! Decides whether some bytes are the binary of a component, as far as possible without compiling them.

use wasmparser::{ComponentExternalKind, Parser, Payload};

use super::error::{COMPONENT_BYTES_MAX, ComponentError};

/// Checks by its first bytes that this is the binary of a component.
///
/// # Errors
/// [`ComponentError`], which says what it is instead.
pub fn recognise(bytes: &[u8]) -> Result<(), ComponentError> {
    const MAGIC: &[u8] = b"\0asm";
    // The magic number is followed by a version of 16 bits and the layer: 0 for a core module, 1 for a component.
    const LAYER: std::ops::Range<usize> = 6..8;
    if bytes.is_empty() {
        return Err(ComponentError::Empty);
    }
    let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    if size > COMPONENT_BYTES_MAX {
        return Err(ComponentError::TooLarge { bytes: size });
    }
    if wasmtime::Engine::detect_precompiled(bytes).is_some() {
        return Err(ComponentError::Compiled);
    }
    if !bytes.starts_with(MAGIC) {
        let text = bytes.trim_ascii_start();
        let is_text = text.starts_with(b"(component") || text.starts_with(b"(module");
        return Err(if is_text { ComponentError::Text } else { ComponentError::NotWasm });
    }
    match bytes.get(LAYER) {
        Some([0, 0]) => Err(ComponentError::CoreModule),
        Some(_) => Ok(()),
        None => Err(ComponentError::Invalid("it ends within its first eight bytes".to_owned())),
    }
}

/// Returns the full names of the interfaces that a component itself exports (not its inner components), without
/// compiling it.
///
/// # Errors
/// The bytes are not a valid binary.
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
