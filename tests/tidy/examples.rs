//! Every public type, trait, function and macro of the SDK has an example, which `cargo test` compiles and runs: in its own documentation
//! or in that of its module, and each public method is used in some example.

use std::path::Path;

use syn::{Attribute, Expr, ExprLit, ImplItem, Item, Lit, Meta, TraitItem, Visibility};

use crate::{files, root};

/// The files whose items are generated, or that no plugin has at hand.
const EXCLUDED: [&str; 3] = ["bindings.rs", "heap.rs", "roles/export.rs"];

/// Returns the documentation of an item.
fn docs(attributes: &[Attribute]) -> String {
    let line = |attribute: &Attribute| match &attribute.meta {
        Meta::NameValue(pair) if pair.path.is_ident("doc") => match &pair.value {
            Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Some(text.value() + "\n"),
            _ => None,
        },
        _ => None,
    };
    attributes.iter().filter_map(line).collect()
}

/// Returns the examples of some documentation.
fn examples(docs: &str) -> String {
    docs.split("```").skip(1).step_by(2).collect()
}

fn is_hidden(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("doc")
            && matches!(&attribute.meta, Meta::List(list) if list.tokens.to_string().contains("hidden"))
    })
}

/// The public items of a file that need an example of their own or of their module, by their names, and the names of the public methods.
#[derive(Default)]
struct Public {
    without: Vec<String>,
    methods: Vec<String>,
    examples: String,
}

impl Public {
    fn of(text: &str) -> Self {
        let file = syn::parse_file(text).unwrap();
        let of_module = examples(&docs(&file.attrs));
        let mut public = Self { examples: of_module.clone(), ..Self::default() };
        for item in &file.items {
            public.take(item, &of_module);
        }
        public
    }

    fn take(&mut self, item: &Item, of_module: &str) {
        let (name, attributes) = match item {
            Item::Struct(item) if is_public(&item.vis) => (&item.ident, &item.attrs),
            Item::Enum(item) if is_public(&item.vis) => (&item.ident, &item.attrs),
            Item::Trait(item) if is_public(&item.vis) => {
                for item in &item.items {
                    if let TraitItem::Fn(function) = item {
                        self.examples += &examples(&docs(&function.attrs));
                    }
                }
                (&item.ident, &item.attrs)
            }
            Item::Fn(item) if is_public(&item.vis) => (&item.sig.ident, &item.attrs),
            Item::Impl(item) => {
                for item in &item.items {
                    if let ImplItem::Fn(function) = item
                        && is_public(&function.vis)
                        && !is_hidden(&function.attrs)
                    {
                        self.examples += &examples(&docs(&function.attrs));
                        self.methods.push(function.sig.ident.to_string());
                    }
                }
                return;
            }
            _ => return,
        };
        let own = examples(&docs(attributes));
        if !is_hidden(attributes) && own.is_empty() && !of_module.contains(&name.to_string()) {
            self.without.push(name.to_string());
        }
        self.examples += &own;
    }
}

fn is_public(visibility: &Visibility) -> bool {
    matches!(visibility, Visibility::Public(_))
}

/// Returns the sources of the SDK with their paths.
fn sources() -> Vec<(String, String)> {
    let folder = root().join("guest-sdk/src");
    let shown = |path: &Path| path.strip_prefix(&folder).unwrap().display().to_string();
    let all = files(&folder, ".rs").into_iter();
    let all = all.map(|path| (shown(&path), std::fs::read_to_string(&path).unwrap()));
    all.filter(|(path, _)| !EXCLUDED.contains(&path.as_str())).collect()
}

#[test]
fn every_public_item_of_the_sdk_has_an_example() {
    let all: Vec<(String, Public)> =
        sources().into_iter().map(|(path, text)| (path, Public::of(&text))).collect();
    let used: String = all.iter().map(|(_, public)| public.examples.as_str()).collect();
    assert!(used.contains("provost_guest::export!("), "the examples are found");
    let mut without = Vec::new();
    for (path, public) in &all {
        without.extend(public.without.iter().map(|name| format!("{path}: {name}")));
        let unused = public.methods.iter().filter(|name| !used.contains(&format!("{name}(")));
        without.extend(unused.map(|name| format!("{path}: the method {name}")));
    }
    assert!(without.is_empty(), "without an example:\n{}", without.join("\n"));
}

#[test]
fn an_item_without_an_example_is_found() {
    let text = "//! ```\n//! used();\n//! ```\n/// Text.\npub fn used() {}\n/// Text.\npub fn bare() {}\n\
                /// ```\n/// Good.go();\n/// ```\npub struct Good;\n#[doc(hidden)]\npub struct Hidden;\n\
                struct Private;\nimpl Good { pub fn go() {} pub fn stay() {} fn own() {} }";
    let public = Public::of(text);
    assert_eq!(public.without, ["bare"]);
    assert_eq!(public.methods, ["go", "stay"]);
    assert!(public.examples.contains("go(") && !public.examples.contains("stay("));
}
