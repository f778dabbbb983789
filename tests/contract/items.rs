//! The items of a contract, each with its path and its definition as text. Comments do not count, and a type is called by the
//! interface that defines it, wherever it is used.

use std::collections::{BTreeMap, BTreeSet};

use wit_parser::{
    Function, FunctionKind, Handle, InterfaceId, PackageId, Resolve, Type, TypeDef, TypeDefKind, TypeId,
    TypeOwner, WorldItem, WorldKey,
};

/// The items of one package.
#[derive(Debug, Default)]
pub struct Items {
    /// The package with its version.
    pub package: String,
    /// The definition of each item by its path, such as `function log/write`.
    pub all: BTreeMap<String, String>,
    /// The interfaces that a world exports, so that plugins have to have all of their functions.
    pub exported: BTreeSet<String>,
}

impl Items {
    /// Lists what a package has.
    pub fn of(resolve: &Resolve, package: PackageId) -> Self {
        let reader = Reader { resolve, package };
        let package = &resolve.packages[package];
        let mut items = Self { package: package.name.to_string(), ..Self::default() };
        for (name, id) in &package.interfaces {
            items.interface(&reader, name, *id);
        }
        for (name, id) in &package.worlds {
            items.all.insert(format!("world {name}"), String::new());
            let world = &resolve.worlds[*id];
            for (way, content) in [("import", &world.imports), ("export", &world.exports)] {
                for (key, item) in content {
                    items.world_item(&reader, &format!("{way} {name}"), key, item, way == "export");
                }
            }
        }
        items
    }

    fn interface(&mut self, reader: &Reader<'_>, name: &str, id: InterfaceId) {
        let interface = &reader.resolve.interfaces[id];
        self.all.insert(format!("interface {name}"), String::new());
        for (called, id) in &interface.types {
            self.all.insert(format!("type {name}/{called}"), reader.definition(*id));
        }
        for function in interface.functions.values() {
            self.all.insert(format!("function {name}/{}", function.name), reader.function(function));
        }
    }

    fn world_item(
        &mut self,
        reader: &Reader<'_>,
        path: &str,
        key: &WorldKey,
        item: &WorldItem,
        is_exported: bool,
    ) {
        let name = match key {
            WorldKey::Name(name) => name.clone(),
            WorldKey::Interface(id) => reader.interface(*id),
        };
        if is_exported && matches!(item, WorldItem::Interface { .. }) {
            self.exported.insert(name.clone());
        }
        let definition = match item {
            WorldItem::Interface { id, .. } => {
                if let WorldKey::Name(inline) = key {
                    self.interface(reader, inline, *id);
                }
                "interface".to_owned()
            }
            WorldItem::Function(function) => reader.function(function),
            WorldItem::Type { id, .. } => reader.definition(*id),
        };
        self.all.insert(format!("{path}/{name}"), definition);
    }
}

/// Reads the definitions of one package.
struct Reader<'r> {
    resolve: &'r Resolve,
    package: PackageId,
}

impl Reader<'_> {
    /// Returns the name of an interface; one of another package with the name of that.
    fn interface(&self, id: InterfaceId) -> String {
        let interface = &self.resolve.interfaces[id];
        let name = interface.name.clone().unwrap_or_default();
        match interface.package {
            Some(other) if other != self.package => format!("{}/{name}", self.resolve.packages[other].name),
            _ => name,
        }
    }

    /// Returns how a function is called, and what it is given and gives.
    fn function(&self, function: &Function) -> String {
        let kind = match &function.kind {
            FunctionKind::Freestanding => "func",
            FunctionKind::AsyncFreestanding => "async func",
            FunctionKind::Method(_) => "method",
            FunctionKind::AsyncMethod(_) => "async method",
            FunctionKind::Static(_) => "static",
            FunctionKind::AsyncStatic(_) => "async static",
            FunctionKind::Constructor(_) => "constructor",
        };
        let params = function.params.iter().map(|param| format!("{}: {}", param.name, self.ty(&param.ty)));
        let params = params.collect::<Vec<_>>().join(", ");
        let result = function.result.map(|result| format!(" -> {}", self.ty(&result))).unwrap_or_default();
        format!("{kind}({params}){result}")
    }

    /// Returns what a named type is.
    fn definition(&self, id: TypeId) -> String {
        self.kind(&self.resolve.types[id])
    }

    fn kind(&self, definition: &TypeDef) -> String {
        let listed = |word: &str, list: Vec<String>| format!("{word} {{ {} }}", list.join(", "));
        let maybe = |ty: &Option<Type>| ty.as_ref().map_or_else(|| "_".to_owned(), |ty| self.ty(ty));
        match &definition.kind {
            TypeDefKind::Record(record) => listed(
                "record",
                record.fields.iter().map(|field| format!("{}: {}", field.name, self.ty(&field.ty))).collect(),
            ),
            TypeDefKind::Resource => "resource".to_owned(),
            TypeDefKind::Handle(Handle::Own(id)) => format!("own<{}>", self.ty(&Type::Id(*id))),
            TypeDefKind::Handle(Handle::Borrow(id)) => format!("borrow<{}>", self.ty(&Type::Id(*id))),
            TypeDefKind::Flags(flags) => {
                listed("flags", flags.flags.iter().map(|flag| flag.name.clone()).collect())
            }
            TypeDefKind::Tuple(tuple) => {
                format!("tuple<{}>", tuple.types.iter().map(|ty| self.ty(ty)).collect::<Vec<_>>().join(", "))
            }
            TypeDefKind::Variant(variant) => {
                let case = |case: &wit_parser::Case| match &case.ty {
                    Some(ty) => format!("{}({})", case.name, self.ty(ty)),
                    None => case.name.clone(),
                };
                listed("variant", variant.cases.iter().map(case).collect())
            }
            TypeDefKind::Enum(all) => {
                listed("enum", all.cases.iter().map(|case| case.name.clone()).collect())
            }
            TypeDefKind::Option(ty) => format!("option<{}>", self.ty(ty)),
            TypeDefKind::Result(result) => format!("result<{}, {}>", maybe(&result.ok), maybe(&result.err)),
            TypeDefKind::List(ty) => format!("list<{}>", self.ty(ty)),
            TypeDefKind::Map(key, value) => format!("map<{}, {}>", self.ty(key), self.ty(value)),
            TypeDefKind::FixedLengthList(ty, length) => format!("list<{}, {length}>", self.ty(ty)),
            TypeDefKind::Future(ty) => format!("future<{}>", maybe(ty)),
            TypeDefKind::Stream(ty) => format!("stream<{}>", maybe(ty)),
            TypeDefKind::Type(ty) => self.ty(ty),
            TypeDefKind::Unknown => "unknown".to_owned(),
        }
    }

    /// Returns the name of a type with the interface that defines it, or what it is if it has none.
    fn ty(&self, ty: &Type) -> String {
        let Type::Id(id) = ty else { return format!("{ty:?}").to_lowercase() };
        let definition = &self.resolve.types[*id];
        // A type that is used from elsewhere is that one.
        if let TypeDefKind::Type(used @ Type::Id(_)) = &definition.kind {
            return self.ty(used);
        }
        let Some(name) = &definition.name else { return self.kind(definition) };
        match definition.owner {
            TypeOwner::Interface(owner) => format!("{}/{name}", self.interface(owner)),
            TypeOwner::World(owner) => format!("{}/{name}", self.resolve.worlds[owner].name),
            TypeOwner::None => name.clone(),
        }
    }
}
