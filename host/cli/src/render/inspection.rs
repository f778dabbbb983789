//! Renders `plugin inspect`: the properties and abilities of a component.

use std::fmt::Write as _;

use provost_plugin_host::Inspection;
use serde_json::json;

use super::humane::{one_line, size};
use super::style::{Paint, Style};
use crate::guests::Label;

/// Renders an inspection as text.
pub(crate) fn text(inspection: &Inspection, label: &Label, source: &str, paint: Paint) -> String {
    let roles: Vec<&str> = inspection.roles.iter().map(|role| role.as_str()).collect();
    let mut text = String::new();
    let mut line = |head: &str, value: &str| {
        // Writing to a string does not fail.
        let _ = writeln!(text, "{}  {value}", paint.text(Style::Bold, &format!("{head:<9}")));
    };
    line("component", &one_line(source));
    for (head, told) in described(label) {
        line(head, &one_line(&told));
    }
    line("sha256", &inspection.digest);
    line("size", &size(inspection.size_bytes));
    if let Some(bytes) = inspection.memory_bytes {
        line("memory", &format!("{} to begin with", size(bytes)));
    }
    line("roles", &if roles.is_empty() { "none".to_owned() } else { roles.join(", ") });
    for (head, names) in [("imports", &inspection.imports), ("exports", &inspection.exports)] {
        for (at, name) in names.iter().enumerate() {
            line(if at == 0 { head } else { "" }, &one_line(name));
        }
    }
    for (head, abilities) in [("can", &inspection.can), ("cannot", &inspection.cannot)] {
        for (at, ability) in abilities.iter().enumerate() {
            line(if at == 0 { head } else { "" }, ability);
        }
    }
    match &inspection.refusal {
        Some(why) => line("verdict", &paint.text(Style::Red, &format!("refused: {}", one_line(why)))),
        None => line("verdict", &paint.text(Style::Green, "would be accepted")),
    }
    text
}

/// Returns what a component says about itself, line by line.
fn described(label: &Label) -> Vec<(&'static str, String)> {
    let name = [label.name.as_str(), label.version.as_deref().unwrap_or_default()].join(" ");
    let built = [("SDK", &label.sdk), ("contract", &label.contract)];
    let built = built.into_iter().filter_map(|(what, version)| Some(format!("{what} {}", version.as_ref()?)));
    let lines = [
        ("name", name.trim().to_owned()),
        ("does", label.description.clone().unwrap_or_default()),
        ("authors", label.authors.join(", ")),
        ("built for", built.collect::<Vec<_>>().join(", ")),
    ];
    lines.into_iter().filter(|(_, told)| !told.is_empty()).collect()
}

/// Renders an inspection as JSON.
pub(crate) fn json(inspection: &Inspection, label: &Label, source: &str) -> String {
    let roles: Vec<&str> = inspection.roles.iter().map(|role| role.as_str()).collect();
    let object = json!({
        "component": source,
        "name": Some(&label.name).filter(|name| !name.is_empty()),
        "version": label.version,
        "description": label.description,
        "authors": label.authors,
        "sdk": label.sdk,
        "contract": label.contract,
        "digest": &*inspection.digest,
        "size_bytes": inspection.size_bytes,
        "memory_bytes": inspection.memory_bytes,
        "roles": roles,
        "imports": inspection.imports,
        "exports": inspection.exports,
        "can": inspection.can,
        "cannot": inspection.cannot,
        "refusal": inspection.refusal.as_deref(),
    });
    format!("{object}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_inspection_shows_the_abilities_of_a_component() {
        let inspection = Inspection {
            digest: "abc".into(),
            size_bytes: 14_336,
            roles: Vec::new(),
            imports: vec!["wasi:sockets/tcp@0.2.6".into()],
            exports: vec!["a".into(), "b".into()],
            memory_bytes: Some(1 << 20),
            refusal: Some("it imports wasi:sockets".into()),
            can: Vec::new(),
            cannot: vec!["read a clock"],
        };
        let label = Label {
            name: "night-watch".to_owned(),
            version: Some("1.2.0".to_owned()),
            authors: vec!["A".to_owned(), "B".to_owned()],
            contract: Some("0.1.0".to_owned()),
            ..Label::default()
        };
        assert_eq!(
            text(&inspection, &label, "x.wasm", Paint::OFF),
            "component  x.wasm\nname       night-watch 1.2.0\nauthors    A, B\nbuilt for  contract 0.1.0\nsha256     abc\nsize       14 KiB\nmemory     1 MiB to begin with\nroles      none\n\
             imports    wasi:sockets/tcp@0.2.6\nexports    a\n           b\ncannot     read a clock\n\
             verdict    refused: it imports wasi:sockets\n"
        );
        let golden = r#"{"authors":["A","B"],"can":[],"cannot":["read a clock"],"component":"x.wasm","contract":"0.1.0","description":null,"digest":"abc","exports":["a","b"],"imports":["wasi:sockets/tcp@0.2.6"],"memory_bytes":1048576,"name":"night-watch","refusal":"it imports wasi:sockets","roles":[],"sdk":null,"size_bytes":14336,"version":"1.2.0"}"#;
        assert_eq!(json(&inspection, &label, "x.wasm"), format!("{golden}\n"));
    }
}
