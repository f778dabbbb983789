//! Every public type, trait and function of the SDK has an example, which `cargo test` compiles and runs: in its own documentation or in
//! that of its module, and each public macro, method and constant is used in some example. A comment in an example uses nothing. A type
//! that is generated, or comes from another crate, has its example at the re-export, and this uses it by its public name.

use std::path::Path;

use syn::{
    Attribute, Expr, ExprLit, ImplItem, Item, ItemUse, Lit, Meta, TraitItem, Type, UseTree, Visibility,
};

use crate::{files, root};

/// The module whose items are generated: their examples are where they are re-exported.
const GENERATED: &str = "bindings";

/// The files whose items are generated, or that no plugin has at hand.
const EXCLUDED: [&str; 2] = ["bindings.rs", "heap.rs"];

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

/// Returns the examples of some documentation, without their comments.
fn examples(docs: &str) -> String {
    // That of an address is no comment.
    let code = |line: &str| line.split(" //").next().unwrap_or_default().to_owned() + "\n";
    docs.split("```").skip(1).step_by(2).flat_map(str::lines).map(code).collect()
}

/// Whether some code has this name in it as a whole.
fn uses(code: &str, name: &str) -> bool {
    code.split(|one: char| !one.is_alphanumeric() && one != '_').any(|word| word == name)
}

fn is_hidden(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| {
        attribute.path().is_ident("doc")
            && matches!(&attribute.meta, Meta::List(list) if list.tokens.to_string().contains("hidden"))
    })
}

/// Whether these attributes export a macro.
fn is_exported(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| attribute.path().is_ident("macro_export"))
}

/// Collects the paths that a `use` names, each with the name that it gives to the item: `*` for all of a module.
fn leaves(tree: &UseTree, prefix: &[String], found: &mut Vec<(Vec<String>, String)>) {
    let path = |name: String| [prefix, &[name]].concat();
    match tree {
        UseTree::Path(inner) => leaves(&inner.tree, &path(inner.ident.to_string()), found),
        UseTree::Group(group) => group.items.iter().for_each(|item| leaves(item, prefix, found)),
        UseTree::Name(name) => found.push((path(name.ident.to_string()), name.ident.to_string())),
        UseTree::Rename(name) => found.push((path(name.ident.to_string()), name.rename.to_string())),
        UseTree::Glob(_) => found.push((path("*".to_owned()), "*".to_owned())),
    }
}

/// The public items of a file that need an example of their own or of their module, by their names, the names of the public methods
/// and macros, and those of the public constants, with their types.
#[derive(Default)]
struct Public {
    /// The modules that the file declares.
    modules: Vec<String>,
    without: Vec<String>,
    called: Vec<String>,
    constants: Vec<String>,
    examples: String,
}

impl Public {
    fn of(text: &str) -> Self {
        let file = syn::parse_file(text).unwrap();
        let of_module = examples(&docs(&file.attrs));
        let module = |item: &Item| match item {
            Item::Mod(module) => Some(module.ident.to_string()),
            _ => None,
        };
        let modules = file.items.iter().filter_map(module).collect();
        let mut public = Self { modules, examples: of_module.clone(), ..Self::default() };
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
            Item::Type(item) if is_public(&item.vis) => (&item.ident, &item.attrs),
            Item::Use(item) if is_public(&item.vis) => return self.re_export(item, of_module),
            Item::Macro(item) if is_exported(&item.attrs) && !is_hidden(&item.attrs) => {
                self.called.extend(item.ident.iter().map(|name| format!("{name}!")));
                self.examples += &examples(&docs(&item.attrs));
                return;
            }
            Item::Const(item) if is_public(&item.vis) => {
                self.constants.push(item.ident.to_string());
                self.examples += &examples(&docs(&item.attrs));
                return;
            }
            Item::Impl(item) => {
                let of_type = match &*item.self_ty {
                    Type::Path(path) => path.path.segments.last().map(|last| last.ident.to_string()),
                    _ => None,
                };
                for item in &item.items {
                    if let ImplItem::Const(constant) = item
                        && is_public(&constant.vis)
                    {
                        let of_type = of_type.as_deref().unwrap_or_default();
                        self.constants.push(format!("{of_type}::{}", constant.ident));
                        self.examples += &examples(&docs(&constant.attrs));
                    }
                    if let ImplItem::Fn(function) = item
                        && is_public(&function.vis)
                        && !is_hidden(&function.attrs)
                    {
                        self.examples += &examples(&docs(&function.attrs));
                        self.called.push(function.sig.ident.to_string());
                    }
                }
                return;
            }
            _ => return,
        };
        let own = examples(&docs(attributes));
        if !is_hidden(attributes) && own.is_empty() && !uses(of_module, &name.to_string()) {
            self.without.push(name.to_string());
        }
        self.examples += &own;
    }

    /// Takes a re-export, whose items need an example here unless they are in another file of the SDK, which has it.
    fn re_export(&mut self, item: &ItemUse, of_module: &str) {
        let own = examples(&docs(&item.attrs));
        let mut found = Vec::new();
        leaves(&item.tree, &[], &mut found);
        for (path, name) in found {
            let is_inside =
                ["crate", "self", "super"].contains(&&*path[0]) || self.modules.contains(&path[0]);
            let is_written = is_inside && !path.iter().any(|segment| segment == GENERATED);
            if !is_written && !is_hidden(&item.attrs) && !uses(&own, &name) && !uses(of_module, &name) {
                self.without.push(name);
            }
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
        let unused = public.called.iter().filter(|name| !used.contains(&format!("{name}(")));
        without.extend(unused.map(|name| format!("{path}: {name}(..)")));
        let unused = public.constants.iter().filter(|name| match name.contains("::") {
            true => !used.contains(*name),
            false => !uses(&used, name),
        });
        without.extend(unused.map(|name| format!("{path}: the constant {name}")));
    }
    assert!(without.is_empty(), "without an example:\n{}", without.join("\n"));
}

#[test]
fn an_item_without_an_example_is_found() {
    let text = "//! ```\n//! used(); // not bare\n//! ```\n/// Text.\npub fn used() {}\n/// Text.\npub fn bare() {}\n\
                /// ```\n/// Good.go();\n/// ```\npub struct Good;\n#[doc(hidden)]\npub struct Hidden;\n\
                struct Private;\nimpl Good { pub fn go() {} pub fn stay() {} fn own() {} pub const ALL: u8 = 1; }\n\
                pub const MOST: u8 = 1;";
    let public = Public::of(text);
    assert_eq!(public.without, ["bare"]);
    assert_eq!(public.called, ["go", "stay"]);
    assert_eq!(public.constants, ["Good::ALL", "MOST"]);
    assert!(uses("a MOST b", "MOST") && !uses("a UTMOST b", "MOST"));
    assert!(public.examples.contains("go(") && !public.examples.contains("stay("));
}

#[test]
fn a_re_export_without_an_example_is_found_unless_its_file_is_of_the_sdk() {
    let text = "//! ```\n//! Known;\n//! ```\nmod written;\npub use written::Written;\npub use crate::written::Also;\n\
                pub use crate::bindings::judge::{Known, Bare, Action as Renamed};\n\
                /// ```\n/// match end { Exit::Code(_) => {} }\n/// ```\npub use crate::bindings::judge::Exit;\n\
                /// ```\n/// let action = other();\n/// ```\npub use crate::bindings::judge::Action;\n\
                /// Text.\npub use crate::bindings::starter::*;\n\
                use crate::bindings::judge as hidden;\npub use hidden::Roundabout;\npub use elsewhere::Foreign;\n\
                #[doc(hidden)]\npub use crate::bindings::Hidden;\npub(crate) use crate::bindings::Inner;\n\
                pub type Alias = u8;\n#[macro_export]\nmacro_rules! make { () => {} }\n\
                #[doc(hidden)]\n#[macro_export]\nmacro_rules! inner { () => {} }";
    let public = Public::of(text);
    assert_eq!(
        public.without,
        ["Bare", "Renamed", "Action", "*", "Roundabout", "Foreign", "Alias"],
        "each needs an example that uses its name"
    );
    assert_eq!(public.called, ["make!"]);
}
