//! What a component says about itself, as the annotations of an artifact in a registry.

use std::collections::BTreeMap;

use super::label::{Label, own_sections};

/// The beginning of the names of annotations that all registries know.
const PREFIX: &str = "org.opencontainers.image.";

/// The sections of a component that hold a text, and the annotations that say the same.
const SECTIONS: [(&str, &str); 7] = [
    ("authors", "authors"),
    ("description", "description"),
    ("homepage", "url"),
    ("licenses", "licenses"),
    ("revision", "revision"),
    ("source", "source"),
    ("version", "version"),
];

/// The longest annotation, in characters; the rest is cut. A manifest has a bound, too.
const CHARACTERS_MAX: usize = 4_000;

/// Returns the annotations of a component. What it does not say, or is damaged, is left out.
pub(crate) fn annotations(component: &[u8]) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut add = |name: &str, text: &str| {
        if !text.is_empty() {
            found.insert(format!("{PREFIX}{name}"), text.chars().take(CHARACTERS_MAX).collect());
        }
    };
    add("title", &Label::read(component).name);
    for section in own_sections(component) {
        let name = SECTIONS.iter().find(|(named, _)| *named == section.name());
        if let (Some((_, name)), Ok(text)) = (name, std::str::from_utf8(section.data())) {
            add(name, text);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_component_is_annotated_with_what_it_says() {
        let component = wasm_encoder::Component::new().finish();
        let label = Label {
            name: "judge".to_owned(),
            version: Some("1.2.0".to_owned()),
            description: Some("Judges.".to_owned()),
            ..Label::default()
        };
        let found = annotations(&label.attach(&component).unwrap());
        let of = |name: &str| found.get(&format!("{PREFIX}{name}")).map(String::as_str);
        assert_eq!((of("title"), of("version")), (Some("judge"), Some("1.2.0")));
        assert_eq!((of("description"), of("authors"), found.len()), (Some("Judges."), None, 3));
    }
}
