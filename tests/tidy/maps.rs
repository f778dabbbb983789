//! The crate maps: the tables `| room | owns |` in the docs of modules name each module that is there, and their order is that of the
//! house: a room imports only from rooms that stand below it in the table.

use std::collections::BTreeSet;
use std::path::Path;

use crate::modules::{Imports, Module, ModulePath, Modules};
use crate::{crate_roots, root};

/// Imports that go up all the same, at most one for each crate: the crate, the room that imports, the room above, and why.
const UPWARD: [(&str, &str, &str, &str); 0] = [];

/// The rooms of the table in the docs of a module, from the highest to the lowest; `None` if it has no table.
fn rooms(text: &str) -> Option<Vec<String>> {
    let mut lines = text.lines().map(|line| line.trim_start_matches("//! ").trim());
    lines.find(|line| *line == "| room | owns |")?;
    let rows = lines.skip(1).take_while(|line| line.starts_with('|'));
    let name = |row: &str| row.split('`').nth(1).map(str::to_owned);
    Some(rows.map(|row| name(row).unwrap_or_else(|| panic!("a row without a `name`: {row}"))).collect())
}

/// What is wrong with the map of one module, in words.
fn faults(
    modules: &Modules,
    imports: &Imports,
    (path, module): (&ModulePath, &Module),
    upward: &[(&str, &str)],
) -> Vec<String> {
    let text = std::fs::read_to_string(&module.file).unwrap();
    let Some(rooms) = rooms(&text) else {
        let is_root = path.is_empty() && module.children.len() > 2;
        return is_root.then(|| "has no table `| room | owns |`".to_owned()).into_iter().collect();
    };
    let listed: BTreeSet<String> = rooms.iter().cloned().collect();
    let mut faults = Vec::new();
    if listed.len() != rooms.len() {
        faults.push("lists a room twice".to_owned());
    }
    faults.extend(module.children.difference(&listed).map(|name| format!("does not list `{name}`")));
    faults.extend(
        listed.difference(&module.children).map(|name| format!("lists `{name}`, which is not there")),
    );
    let rank = |file: &Path| {
        let inside = modules.path_of(file)?;
        let room = inside.strip_prefix(&path[..])?.first()?;
        rooms.iter().position(|listed| listed == room)
    };
    for (from, targets) in imports {
        for (to, names) in targets {
            let (Some(low), Some(high)) = (rank(from), rank(to)) else { continue };
            if high < low && !upward.contains(&(&rooms[low], &rooms[high])) {
                let names: Vec<&str> = names.iter().map(String::as_str).collect();
                let (low, high) = (&rooms[low], &rooms[high]);
                let file = from.file_name().unwrap().display();
                faults
                    .push(format!("`{low}` ({file}) imports from `{high}`, above it: {}", names.join(", ")));
            }
        }
    }
    faults
}

#[test]
fn the_map_of_every_crate_names_its_rooms_and_they_look_down() {
    let mut told = String::new();
    for crate_root in crate_roots().iter().filter(|root| root.ends_with("src/lib.rs")) {
        let modules = Modules::read(crate_root);
        let imports = modules.imports();
        let name = crate_root.parent().unwrap().parent().unwrap().file_name().unwrap().to_str().unwrap();
        let upward: Vec<(&str, &str)> =
            UPWARD.iter().filter(|(of, ..)| *of == name).map(|(_, from, to, _)| (*from, *to)).collect();
        assert!(upward.len() <= 1, "{name} has more than one import that goes up");
        for (path, module) in &modules.0 {
            let file = module.file.strip_prefix(root()).unwrap().display().to_string();
            for fault in faults(&modules, &imports, (path, module), &upward) {
                told += &format!("{file}: {fault}\n");
            }
        }
    }
    assert!(told.is_empty(), "the crate maps:\n{told}");
}

#[test]
fn a_map_that_lies_is_found() {
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).unwrap();
    file(
        "lib.rs",
        "//! A crate.\n//!\n//! | room | owns |\n//! |---|---|\n//! | `a` | one |\n//! | `c` | three |\nmod a;\nmod b;\n",
    );
    file("a.rs", "pub struct One;");
    file("b.rs", "use crate::a::One;");
    let modules = Modules::read(&dir.path().join("lib.rs"));
    let imports = modules.imports();
    let root = modules.0.first_key_value().unwrap();
    assert_eq!(faults(&modules, &imports, root, &[]), ["does not list `b`", "lists `c`, which is not there"]);
    file(
        "lib.rs",
        "//! A crate.\n//!\n//! | room | owns |\n//! |---|---|\n//! | `a` | one |\n//! | `b` | two |\nmod a;\nmod b;\n",
    );
    let modules = Modules::read(&dir.path().join("lib.rs"));
    let imports = modules.imports();
    let root = modules.0.first_key_value().unwrap();
    assert_eq!(faults(&modules, &imports, root, &[]), ["`b` (b.rs) imports from `a`, above it: One"]);
    assert_eq!(faults(&modules, &imports, root, &[("b", "a")]), Vec::<String>::new());
}

#[test]
fn architecture_names_every_crate_of_the_host() {
    let text = std::fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    for entry in std::fs::read_dir(root().join("host")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let row = format!("| [`host/{name}`](host/{name}/src/lib.rs) |");
        assert!(text.contains(&row), "ARCHITECTURE.md has no row {row}");
    }
}
