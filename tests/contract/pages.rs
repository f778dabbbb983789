//! The pages of the roles in `docs/plugins/roles`: each names every field and every case of its interface, and its example is the
//! one of the trait in the SDK, which is compiled and run with the documentation.

use std::path::{Path, PathBuf};

use wit_parser::{InterfaceId, Resolve, TypeDefKind, TypeOwner};

use crate::wit;

/// The interface of a plugin that only checks its settings, which is no role.
const CONFIGURABLE: &str = "configurable";

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn page(role: &str) -> String {
    let path = repository().join(format!("docs/plugins/roles/{role}.md"));
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Returns the contract and the interfaces of the roles.
fn roles() -> (Resolve, Vec<(String, InterfaceId)>) {
    let mut resolve = Resolve::default();
    let (package, _) = resolve.push_dir(wit()).unwrap();
    let is_role = |name: &str| name.ends_with("-policy") || name.starts_with("status-");
    let interfaces = &resolve.packages[package].interfaces;
    let roles = interfaces.iter().filter(|(name, _)| is_role(name)).map(|(name, id)| (name.clone(), *id));
    let roles: Vec<_> = roles.collect();
    (resolve, roles)
}

/// Returns the names of the fields and cases of the types that an interface defines, and does not only use.
fn names(resolve: &Resolve, interface: InterfaceId) -> Vec<String> {
    let mut names = Vec::new();
    for id in resolve.interfaces[interface].types.values() {
        let ty = &resolve.types[*id];
        assert_eq!(ty.owner, TypeOwner::Interface(interface));
        match &ty.kind {
            // The answer is an action with a reason, which the page of all roles describes; a variable is a name and a value.
            TypeDefKind::Record(_) if matches!(ty.name.as_deref(), Some("decision" | "variable")) => {}
            TypeDefKind::Record(record) => names.extend(record.fields.iter().map(|field| field.name.clone())),
            TypeDefKind::Variant(variant) => names.extend(variant.cases.iter().map(|case| case.name.clone())),
            TypeDefKind::Enum(cases) => names.extend(cases.cases.iter().map(|case| case.name.clone())),
            TypeDefKind::Type(_) | TypeDefKind::Handle(_) => {}
            other => panic!("no role has such a type: {other:?}"),
        }
    }
    names
}

#[test]
fn the_page_of_each_role_names_every_field_and_every_case_of_its_interface() {
    let (resolve, roles) = roles();
    assert_eq!(roles.len(), 7, "{roles:?}");
    let overview = page("README");
    for (role, interface) in roles {
        let page = page(&role);
        let names = names(&resolve, interface);
        assert!(names.len() >= 2, "{role}: {names:?}");
        let missing: Vec<_> = names.iter().filter(|name| !page.contains(&format!("`{name}`"))).collect();
        assert!(missing.is_empty(), "docs/plugins/roles/{role}.md does not name {missing:?}");
        assert!(
            overview.contains(&format!("[{role}]({role}.md)")),
            "the first page of the roles lacks {role}"
        );
    }
    let exported = crate::contract(&wit()).exported;
    assert!(
        exported.iter().all(|name| name == CONFIGURABLE || page(name).contains("## What it")),
        "{exported:?}"
    );
}

/// Returns the code of the page of a role.
fn shown(page: &str) -> Vec<&str> {
    let code = page.split("```rust\n").nth(1).unwrap().split("```").next().unwrap();
    code.lines().collect()
}

/// Returns the last example in the documentation of the trait of a role.
fn compiled(source: &str) -> Vec<&str> {
    let documentation = source.split("pub trait ").next().unwrap();
    let code = documentation.rsplit("/// ```\n").nth(1).unwrap();
    code.lines()
        .map(|line| line.trim_start_matches("///"))
        .map(|line| line.strip_prefix(' ').unwrap_or(line))
        .collect()
}

#[test]
fn the_example_of_each_page_is_the_one_that_is_compiled_with_the_sdk() {
    for (role, _) in roles().1 {
        let file = role.trim_end_matches("-policy").trim_start_matches("status-");
        let path = repository().join(format!("guest-sdk/src/roles/{file}.rs"));
        let source = std::fs::read_to_string(&path).unwrap();
        let page = page(&role);
        let shown = shown(&page);
        assert!(shown.len() > 10, "{shown:?}");
        assert_eq!(shown, compiled(&source), "docs/plugins/roles/{role}.md");
    }
}
