//! Renders `plugin inspect`: the properties and abilities of a component.

use std::fmt::Write as _;

use provost_plugin_host::{Inspection, SchemaError, Setting, SettingsSchema};
use serde_json::json;

use super::humane::{one_line, size};
use super::page::Page;
use super::style::{Paint, Style};
use super::table::{Cell, Table};
use crate::guests::Label;

/// The schema of its settings that a component carries, if it does.
pub(crate) type Carried = Result<Option<SettingsSchema>, SchemaError>;

/// Renders an inspection as text.
pub(crate) fn text(
    inspection: &Inspection,
    label: &Label,
    schema: &Carried,
    source: &str,
    paint: Paint,
) -> String {
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
    match schema {
        Ok(None) => {}
        Ok(Some(schema)) => line("settings", &names_of(&schema.rows())),
        Err(error) => line(
            "settings",
            &paint.text(Style::Red, &format!("their schema is ignored: {}", one_line(&error.to_string()))),
        ),
    }
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

/// Returns the names of the settings, without those of tables within them.
fn names_of(settings: &[Setting]) -> String {
    let own = settings.iter().map(|setting| setting.name.as_str()).filter(|name| !name.contains(['.', '[']));
    let names: Vec<&str> = own.collect();
    if names.is_empty() { "none".to_owned() } else { one_line(&names.join(", ")) }
}

/// Renders the settings of a component as a table; nothing if it describes none.
pub(crate) fn settings(schema: &Carried, page: &Page) -> String {
    let rows = schema.as_ref().ok().and_then(Option::as_ref).map(SettingsSchema::rows).unwrap_or_default();
    if rows.is_empty() {
        return String::new();
    }
    let mut table = Table::new(&["SETTING", "TYPE", "DEFAULT", "MEANING"]).leaving(&["DEFAULT"]);
    for Setting { name, kind, default, meaning } in rows {
        let some = |text: String| Cell::maybe(Some(text).filter(|text| !text.is_empty()));
        table.row(vec![Cell::new(name), some(kind), some(default), some(meaning)]);
    }
    format!("\n{}", table.render(page))
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
pub(crate) fn json(inspection: &Inspection, label: &Label, schema: &Carried, source: &str) -> String {
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
        "settings_schema": schema.as_ref().ok().and_then(Option::as_ref).map(SettingsSchema::document),
        "settings_schema_error": schema.as_ref().err().map(ToString::to_string),
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
            text(&inspection, &label, &Ok(None), "x.wasm", Paint::OFF),
            "component  x.wasm\nname       night-watch 1.2.0\nauthors    A, B\nbuilt for  contract 0.1.0\nsha256     abc\nsize       14 KiB\nmemory     1 MiB to begin with\nroles      none\n\
             imports    wasi:sockets/tcp@0.2.6\nexports    a\n           b\ncannot     read a clock\n\
             verdict    refused: it imports wasi:sockets\n"
        );
        let golden = r#"{"authors":["A","B"],"can":[],"cannot":["read a clock"],"component":"x.wasm","contract":"0.1.0","description":null,"digest":"abc","exports":["a","b"],"imports":["wasi:sockets/tcp@0.2.6"],"memory_bytes":1048576,"name":"night-watch","refusal":"it imports wasi:sockets","roles":[],"sdk":null,"settings_schema":null,"settings_schema_error":null,"size_bytes":14336,"version":"1.2.0"}"#;
        assert_eq!(json(&inspection, &label, &Ok(None), "x.wasm"), format!("{golden}\n"));
    }

    #[test]
    fn the_settings_are_a_table_and_a_schema_that_cannot_be_used_is_named() {
        let inspection = Inspection { digest: "abc".into(), ..Inspection::default() };
        let document = json!({
            "type": "object",
            "required": ["name"],
            "properties": {
                "name": { "type": "string", "description": "What it is called." },
                "tries": { "type": "integer", "default": 5 },
                "hook": { "type": "object", "properties": { "url": { "type": "string" } } },
            },
        });
        let page = Page { paint: Paint::OFF, columns: None, zone: crate::render::local::Zone::system() };
        let good: Carried = SettingsSchema::parse(document.to_string().as_bytes()).map(Some);
        let shown = text(&inspection, &Label::default(), &good, "x.wasm", Paint::OFF);
        assert!(shown.contains("settings   hook, name, tries\n"), "{shown}");
        assert_eq!(
            settings(&good, &page),
            "\n\
             SETTING   TYPE          DEFAULT   MEANING\n\
             hook      table         -         -\n\
             hook.url  text          -         -\n\
             name      text          required  What it is called.\n\
             tries     whole number  5         -\n"
        );
        let bad: Carried = SettingsSchema::parse(b"{}").map(Some);
        let shown = text(&inspection, &Label::default(), &bad, "x.wasm", Paint::OFF);
        assert!(shown.contains("settings   their schema is ignored: /: settings are an object"), "{shown}");
        assert_eq!(settings(&bad, &page), "");
        let object: serde_json::Value =
            serde_json::from_str(&json(&inspection, &Label::default(), &bad, "x.wasm")).unwrap();
        assert_eq!(object["settings_schema_error"], "/: settings are an object: add \"type\": \"object\"");
        let object: serde_json::Value =
            serde_json::from_str(&json(&inspection, &Label::default(), &good, "x.wasm")).unwrap();
        assert_eq!(object["settings_schema"], document);
    }
}
