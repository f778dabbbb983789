//! What a component says about itself, in custom sections that other tools for components read, too: its name, version,
//! description and authors, and the versions of the SDK and of the contract that it was built with.

use wasm_encoder::{Component, ComponentSection, RawSection};
use wasm_metadata::{AddMetadata, AddMetadataField, ComponentNames, Producers};
use wasmparser::{CustomSectionReader, Parser, Payload};

/// The name of the contract among the producers.
const CONTRACT: &str = "provost:plugin";
/// The name of the SDK among the producers.
const SDK: &str = "provost-guest";
/// The section with the name of a component, and with those of its parts.
const NAMES: &str = "component-name";
/// The separator of authors, as cargo has it.
const BETWEEN_AUTHORS: &str = ", ";

/// The longest text of a label that is read, in bytes; the rest is cut. The section of a foreign component may be as large as the component.
const TEXT_BYTES_MAX: usize = 2 << 10;

/// What a component says about itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Label {
    /// The name of the plugin; empty if it has none.
    pub(crate) name: String,
    /// The version of the plugin.
    pub(crate) version: Option<String>,
    /// What it does, in one sentence.
    pub(crate) description: Option<String>,
    /// Who has written it.
    pub(crate) authors: Vec<String>,
    /// The version of the SDK.
    pub(crate) sdk: Option<String>,
    /// The version of the contract.
    pub(crate) contract: Option<String>,
}

impl Label {
    /// Returns the component with this label. The same component and label give the same bytes.
    pub(super) fn attach(&self, component: &[u8]) -> Result<Vec<u8>, String> {
        let with =
            |name: &str, version: &Option<String>| version.clone().map(|version| (name.to_owned(), version));
        let mut added = AddMetadata::default();
        added.name = AddMetadataField::Set(self.name.clone());
        added.sdk = with(SDK, &self.sdk).into_iter().chain(with(CONTRACT, &self.contract)).collect();
        added.processed_by = vec![("provost".to_owned(), env!("CARGO_PKG_VERSION").to_owned())];
        let component = without_names(component).map_err(|error| error.to_string())?;
        let mut labelled = added.to_wasm(&component).map_err(|error| format!("{error:#}"))?;
        let authors = Some(self.authors.join(BETWEEN_AUTHORS)).filter(|authors| !authors.is_empty());
        for (name, text) in
            [("version", &self.version), ("description", &self.description), ("authors", &authors)]
        {
            if let Some(text) = text {
                let section = wasm_encoder::CustomSection { name: name.into(), data: text.as_bytes().into() };
                section.append_to_component(&mut labelled);
            }
        }
        Ok(labelled)
    }

    /// Reads the label of a component. What is missing or damaged is left out, and what is long is cut, because it is only for people.
    pub(crate) fn read(component: &[u8]) -> Self {
        let mut label = Self::default();
        for section in own_sections(component) {
            label.take(section.name(), section.data(), section.data_offset());
        }
        label
    }

    /// Takes what one custom section says.
    fn take(&mut self, section: &str, content: &[u8], offset: usize) {
        let text = || std::str::from_utf8(content).ok().map(cut);
        match section {
            "version" => self.version = text(),
            "description" => self.description = text(),
            "authors" => {
                let authors = text().unwrap_or_default();
                self.authors = authors.split(BETWEEN_AUTHORS).map(str::to_owned).collect();
            }
            NAMES => {
                let names = ComponentNames::from_bytes(content, offset).ok();
                self.name =
                    names.and_then(|names| names.get_name().map(|name| cut(name))).unwrap_or_default();
            }
            "producers" => {
                let Ok(producers) = Producers::from_bytes(content, offset) else { return };
                let Some(sdks) = producers.get("sdk") else { return };
                self.sdk = sdks.get(SDK).map(|version| cut(version));
                self.contract = sdks.get(CONTRACT).map(|version| cut(version));
            }
            _ => {}
        }
    }
}

/// Cuts a text that is too long.
fn cut(text: &str) -> String {
    if text.len() <= TEXT_BYTES_MAX {
        return text.to_owned();
    }
    format!("{}…", &text[..text.floor_char_boundary(TEXT_BYTES_MAX)])
}

/// Returns the custom sections of a component itself, without those of its parts; of a damaged one those before the damage.
pub(super) fn own_sections(component: &[u8]) -> Vec<CustomSectionReader<'_>> {
    let (mut found, mut depth) = (Vec::new(), 0_usize);
    for payload in Parser::new(0).parse_all(component) {
        match payload {
            Ok(Payload::ModuleSection { .. } | Payload::ComponentSection { .. }) => depth += 1,
            Ok(Payload::End(_)) => depth = depth.saturating_sub(1),
            Ok(Payload::CustomSection(section)) if depth == 0 => found.push(section),
            Ok(_) => {}
            Err(_) => break,
        }
    }
    found
}

/// Returns the component without the section in which the encoder names its parts, from its imports to its last function: no host
/// reads it, and it takes more than a kilobyte.
fn without_names(component: &[u8]) -> Result<Vec<u8>, wasmparser::BinaryReaderError> {
    let mut kept = Component::new();
    let mut depth = 0_usize;
    for payload in Parser::new(0).parse_all(component) {
        let payload = payload?;
        let is_names = matches!(&payload, Payload::CustomSection(section) if section.name() == NAMES);
        if depth == 0
            && !is_names
            && let Some((id, range)) = payload.as_section()
        {
            kept.section(&RawSection { id, data: component.get(range).unwrap_or_default() });
        }
        match payload {
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    Ok(kept.finish())
}
