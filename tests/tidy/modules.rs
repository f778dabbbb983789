//! Reads the modules of a crate from its sources, as Rust resolves them but without a compiler: which file imports which name from
//! which other file. A name that a module only re-exports leads to the file that defines it. Code for tests does not count.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use proc_macro2::{TokenStream, TokenTree};
use syn::visit_mut::{self, VisitMut};
use syn::{Attribute, Expr, ExprLit, Item, Lit, Meta, UseTree, Visibility};

/// For each file, the files that it imports from, each with the imported names.
pub(crate) type Imports = BTreeMap<PathBuf, BTreeMap<PathBuf, BTreeSet<String>>>;

/// The path of a module from the root of its crate: `["runner", "launch"]`; empty for the root itself.
pub(crate) type ModulePath = Vec<String>;

/// How many re-exports are followed from one name at most.
const DEPTH_MAX: usize = 16;

/// One module that has a file of its own.
#[derive(Debug)]
pub(crate) struct Module {
    pub(crate) file: PathBuf,
    /// The modules that it declares as files of their own, without those for tests.
    pub(crate) children: BTreeSet<String>,
    references: Vec<Reference>,
}

/// A path in the code of a module.
#[derive(Clone, Debug)]
struct Reference {
    segments: Vec<String>,
    /// The name that a `use` gives it, or `*` if it imports everything; `None` outside of a `use`.
    alias: Option<String>,
    /// Whether other modules see it under that alias.
    exported: bool,
}

/// The modules of one crate by their paths.
#[derive(Debug)]
pub(crate) struct Modules(pub(crate) BTreeMap<ModulePath, Module>);

impl Modules {
    /// Reads the crate whose root module is the file `root`.
    pub(crate) fn read(root: &Path) -> Self {
        let mut modules = BTreeMap::new();
        read_module(root.to_owned(), Vec::new(), &mut modules);
        Self(modules)
    }

    /// The module of a file.
    pub(crate) fn path_of(&self, file: &Path) -> Option<&ModulePath> {
        self.0.iter().find(|(_, module)| module.file == file).map(|(path, _)| path)
    }

    /// The imports between the files.
    pub(crate) fn imports(&self) -> Imports {
        let mut imports = Imports::new();
        for (path, module) in &self.0 {
            let of_file = imports.entry(module.file.clone()).or_default();
            for reference in &module.references {
                // A re-export and the import of a whole module tie only those who use a name of it.
                let absolute = self.absolute(path, &reference.segments);
                let Some(absolute) =
                    absolute.filter(|path| !reference.exported && !self.0.contains_key(path))
                else {
                    continue;
                };
                for (target, name) in self.definitions(&absolute, 0) {
                    let file = &self.0[&target].file;
                    if *file != module.file {
                        of_file.entry(file.clone()).or_default().insert(name);
                    }
                }
            }
        }
        imports
    }

    /// A path from the root of the crate; `None` if it leads out of the crate or is local to the module.
    fn absolute(&self, at: &ModulePath, segments: &[String]) -> Option<ModulePath> {
        let (first, rest) = segments.split_first()?;
        let module = &self.0[at];
        let (mut base, mut rest) = match first.as_str() {
            "crate" => (Vec::new(), rest),
            "self" => (at.clone(), rest),
            "super" => (at.split_last()?.1.to_vec(), rest),
            child if module.children.contains(child) => (at.clone(), segments),
            name => {
                // The name of a module that was imported here.
                let named = |reference: &&Reference| reference.alias.as_deref() == Some(name);
                let import = module.references.iter().find(named)?;
                let own = import.segments.first().is_some_and(|first| first == name);
                let target = if own { None } else { self.absolute(at, &import.segments) };
                (target.filter(|target| self.0.contains_key(target) && !rest.is_empty())?, rest)
            }
        };
        while let Some((_, further)) = rest.split_first().filter(|(up, _)| *up == "super") {
            base.pop()?;
            rest = further;
        }
        base.extend(rest.iter().cloned());
        Some(base)
    }

    /// The modules that define what an absolute path names, and the name that they give it.
    fn definitions(&self, absolute: &[String], depth: usize) -> Vec<(ModulePath, String)> {
        let deepest = (0..=absolute.len()).rev().find(|len| self.0.contains_key(&absolute[..*len]));
        let Some(len) = deepest.filter(|_| depth < DEPTH_MAX) else { return Vec::new() };
        let (path, rest) = absolute.split_at(len);
        let Some(name) = rest.first() else { return Vec::new() };
        let module = &self.0[path];
        let mut found = Vec::new();
        for reference in module.references.iter().filter(|reference| reference.exported) {
            let Some(mut target) = self.absolute(&path.to_vec(), &reference.segments) else { continue };
            match reference.alias.as_deref() {
                Some(alias) if alias == name => {
                    target.extend(rest[1..].iter().cloned());
                    found.extend(self.definitions(&target, depth + 1));
                }
                Some("*") if name == "*" => found.extend(self.definitions(&target, depth + 1)),
                _ => {}
            }
        }
        if found.is_empty() { vec![(path.to_vec(), name.clone())] } else { found }
    }
}

fn read_module(file: PathBuf, path: ModulePath, modules: &mut BTreeMap<ModulePath, Module>) {
    let text = std::fs::read_to_string(&file).unwrap();
    let mut parsed = syn::parse_file(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let mut reader = Reader::default();
    reader.visit_file_mut(&mut parsed);
    // `mod.rs` and the root have their children beside them, `name.rs` has them in `name/`.
    let beside = path.is_empty() || file.ends_with("mod.rs");
    let dir = if beside { file.with_file_name("") } else { file.with_extension("") };
    for (child, at) in &reader.children {
        let candidates = match at {
            Some(at) => vec![file.with_file_name("").join(at)],
            None => vec![dir.join(format!("{child}.rs")), dir.join(child).join("mod.rs")],
        };
        let found = candidates.into_iter().find(|candidate| candidate.is_file());
        let child_file = found.unwrap_or_else(|| panic!("{}: there is no file of `{child}`", file.display()));
        read_module(child_file, [&path[..], std::slice::from_ref(child)].concat(), modules);
    }
    let children = reader.children.into_keys().collect();
    modules.insert(path, Module { file, children, references: reader.references });
}

/// Collects the paths and the declared modules of one file.
#[derive(Default)]
struct Reader {
    /// With the file that a `#[path]` attribute names.
    children: BTreeMap<String, Option<String>>,
    references: Vec<Reference>,
    /// How many inline modules deep it reads: their `super` is this file.
    inline: usize,
}

impl Reader {
    fn use_tree(&mut self, tree: &UseTree, prefix: &[String], exported: bool) {
        let with = |name: String| [prefix, &[name]].concat();
        match tree {
            UseTree::Path(path) => self.use_tree(&path.tree, &with(path.ident.to_string()), exported),
            UseTree::Group(group) => {
                group.items.iter().for_each(|item| self.use_tree(item, prefix, exported));
            }
            UseTree::Name(name) if name.ident == "self" => {
                self.refer(prefix.to_vec(), prefix.last().cloned(), exported);
            }
            UseTree::Name(name) => {
                let name = name.ident.to_string();
                self.refer(with(name.clone()), Some(name), exported);
            }
            UseTree::Rename(rename) => {
                let segments =
                    if rename.ident == "self" { prefix.to_vec() } else { with(rename.ident.to_string()) };
                self.refer(segments, Some(rename.rename.to_string()), exported);
            }
            UseTree::Glob(_) => self.refer(with("*".to_owned()), Some("*".to_owned()), exported),
        }
    }

    fn refer(&mut self, mut segments: Vec<String>, alias: Option<String>, exported: bool) {
        for _ in 0..self.inline {
            if segments.first().is_some_and(|first| first == "super") {
                segments.remove(0);
            }
        }
        if !segments.is_empty() {
            self.references.push(Reference { segments, alias, exported });
        }
    }

    /// The paths within the arguments of a macro, which are no syntax tree.
    fn tokens(&mut self, tokens: TokenStream) {
        let mut path: Vec<String> = Vec::new();
        let mut colons = 0;
        for token in tokens {
            match token {
                TokenTree::Ident(ident) if path.is_empty() || colons == 2 => {
                    path.push(ident.to_string());
                    colons = 0;
                    continue;
                }
                TokenTree::Punct(punct) if punct.as_char() == ':' && !path.is_empty() => {
                    colons += 1;
                    continue;
                }
                TokenTree::Group(group) => self.tokens(group.stream()),
                TokenTree::Ident(ident) => {
                    self.end_of_path(&mut path);
                    path.push(ident.to_string());
                    colons = 0;
                    continue;
                }
                TokenTree::Punct(_) | TokenTree::Literal(_) => {}
            }
            self.end_of_path(&mut path);
            colons = 0;
        }
        self.end_of_path(&mut path);
    }

    fn end_of_path(&mut self, path: &mut Vec<String>) {
        let path = std::mem::take(path);
        if path.len() > 1 {
            self.refer(path, None, false);
        }
    }
}

impl VisitMut for Reader {
    fn visit_item_mut(&mut self, item: &mut Item) {
        if is_for_tests(attributes(item)) {
            return;
        }
        match item {
            Item::Mod(module) if module.content.is_none() => {
                self.children.insert(module.ident.to_string(), path_attribute(&module.attrs));
            }
            Item::Mod(_) => {
                self.inline += 1;
                visit_mut::visit_item_mut(self, item);
                self.inline -= 1;
            }
            Item::Use(item) => {
                let exported = !matches!(item.vis, Visibility::Inherited);
                self.use_tree(&item.tree, &[], exported);
            }
            _ => visit_mut::visit_item_mut(self, item),
        }
    }

    fn visit_impl_item_fn_mut(&mut self, function: &mut syn::ImplItemFn) {
        if !is_for_tests(&function.attrs) {
            visit_mut::visit_impl_item_fn_mut(self, function);
        }
    }

    fn visit_path_mut(&mut self, path: &mut syn::Path) {
        let segments: Vec<String> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        if segments.len() > 1 {
            self.refer(segments, None, false);
        }
        visit_mut::visit_path_mut(self, path);
    }

    fn visit_macro_mut(&mut self, called: &mut syn::Macro) {
        self.tokens(called.tokens.clone());
    }
}

/// Whether an item is compiled for tests alone: `#[cfg(test)]`, also within `all(..)`.
pub(crate) fn is_for_tests(attributes: &[Attribute]) -> bool {
    let conditions = attributes.iter().filter(|attribute| attribute.path().is_ident("cfg"));
    conditions.filter_map(|attribute| attribute.meta.require_list().ok()).any(|list| {
        let mut tokens = list.tokens.clone().into_iter();
        match (tokens.next(), tokens.next()) {
            (Some(TokenTree::Ident(word)), None) => word == "test",
            (Some(TokenTree::Ident(word)), Some(TokenTree::Group(of))) if word == "all" => {
                of.stream().into_iter().any(|token| token.to_string() == "test")
            }
            _ => false,
        }
    })
}

fn path_attribute(attributes: &[Attribute]) -> Option<String> {
    attributes.iter().find_map(|attribute| match &attribute.meta {
        Meta::NameValue(pair) if pair.path.is_ident("path") => match &pair.value {
            Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Some(text.value()),
            _ => None,
        },
        _ => None,
    })
}

pub(crate) fn attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}
