//! Whether a contract has kept everything of an older one. Added may be: interfaces and worlds with all that is in them, functions of
//! interfaces that plugins import, and imports of worlds. A type may not even be added to an interface that there was: it can have an
//! interface of its own. A function of an interface that plugins export may not, because those that were built before do not have it.

use super::items::Items;

/// Returns what `current` has not kept of `frozen`, one sentence for each item.
pub fn breaches(frozen: &Items, current: &Items) -> Vec<String> {
    let unversioned = |package: &str| package.split('@').next().unwrap_or_default().to_owned();
    let mut breaches = Vec::new();
    if unversioned(&frozen.package) != unversioned(&current.package) {
        breaches.push(format!("package {}: it is {} now", frozen.package, current.package));
    }
    for (path, was) in &frozen.all {
        match current.all.get(path) {
            None => breaches.push(format!("{path}: it is gone")),
            Some(is) if is != was => breaches.push(format!("{path}: it was `{was}` and is `{is}`")),
            Some(_) => {}
        }
    }
    let added = current.all.keys().filter(|path| !frozen.all.contains_key(*path));
    breaches.extend(added.filter_map(|path| Some(format!("{path}: {}", refusal(path, frozen)?))));
    breaches
}

/// Returns why an item may not be added, if it may not.
fn refusal(path: &str, frozen: &Items) -> Option<&'static str> {
    let (kind, name) = path.split_once(' ')?;
    let owner = name.split('/').next().unwrap_or_default();
    let interface_was_there = frozen.all.contains_key(&format!("interface {owner}"));
    let world_was_there = frozen.all.contains_key(&format!("world {owner}"));
    match kind {
        "type" if interface_was_there => {
            Some("a type is added to an interface that there was: put it into a new interface")
        }
        "function" if frozen.exported.contains(owner) => {
            Some("a function is added that plugins would have to export: put it into a new interface")
        }
        "export" if world_was_there => Some("an export is added to a world that there was: make a new world"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use wit_parser::Resolve;

    use super::*;

    const FROZEN: &str = "\
package test:contract@0.1.0;
interface types {
    type duration = u64;
    record point { x: u32, y: u32 }
    variant exit { code(s32), lost }
    enum phase { up, down }
    flags rights { read, write }
    resource view { constructor(at: duration); look: func(where: point) -> exit; }
}
interface log { use types.{point}; write: func(text: string, at: option<point>); }
interface judge { use types.{exit, duration}; decide: func(end: exit) -> result<duration, string>; }
world policy { import log; export judge; }
";

    fn items(text: &str) -> Items {
        let mut resolve = Resolve::default();
        let package = resolve.push_str("test.wit", text).unwrap();
        Items::of(&resolve, package)
    }

    /// Returns the breaches after `from` was replaced by `to`.
    fn after(from: &str, to: &str) -> Vec<String> {
        assert!(FROZEN.contains(from), "{from}");
        breaches(&items(FROZEN), &items(&FROZEN.replacen(from, to, 1)))
    }

    #[test]
    fn what_is_the_same_or_only_explained_in_other_words_is_kept() {
        assert_eq!(after("interface log", "/// Writes lines.\ninterface log"), [""; 0]);
        assert_eq!(after("@0.1.0", "@0.1.7"), [""; 0]);
    }

    #[test]
    fn functions_that_plugins_import_interfaces_and_worlds_may_be_added() {
        let write = "write: func(text: string, at: option<point>);";
        assert_eq!(after(write, &format!("{write} flush: func();")), [""; 0]);
        let look = "look: func(where: point) -> exit;";
        assert_eq!(after(look, &format!("{look} turn: func();")), [""; 0], "a method of a resource");
        let more =
            "interface more { record size { w: u32 } measure: func() -> size; }\nworld policy { import more;";
        assert_eq!(after("world policy {", more), [""; 0]);
        let role = "interface role { ask: func(); }\nworld other { export role; }\nworld policy {";
        assert_eq!(after("world policy {", role), [""; 0]);
    }

    #[test]
    fn what_is_gone_is_named() {
        let write = "write: func(text: string, at: option<point>);";
        assert_eq!(after(write, ""), ["function log/write: it is gone"]);
        assert_eq!(after("enum phase { up, down }", ""), ["type types/phase: it is gone"]);
        assert_eq!(after("import log;", ""), ["import policy/log: it is gone"]);
        assert_eq!(after("export judge;", ""), ["export policy/judge: it is gone"]);
        assert_eq!(
            after("look: func(where: point) -> exit;", ""),
            ["function types/[method]view.look: it is gone"]
        );
        let gone = after("world policy { import log; export judge; }", "");
        let expected = ["export policy/judge", "import policy/log", "import policy/types", "world policy"];
        assert_eq!(gone, expected.map(|path| format!("{path}: it is gone")));
    }

    #[test]
    fn a_type_that_is_changed_in_any_way_is_named_with_both_definitions() {
        for (from, to, path) in [
            ("x: u32, y: u32", "x: u32, y: u64", "type types/point"),
            ("x: u32, y: u32", "y: u32, x: u32", "type types/point"),
            ("x: u32, y: u32", "x: u32, y: u32, z: u32", "type types/point"),
            ("code(s32), lost", "code(s32), lost, killed", "type types/exit"),
            ("code(s32), lost", "code(u32), lost", "type types/exit"),
            ("up, down", "down, up", "type types/phase"),
            ("read, write }", "read, write, run }", "type types/rights"),
            ("type duration = u64", "type duration = u32", "type types/duration"),
        ] {
            let found = after(from, to);
            assert!(
                found.len() == 1 && found[0].starts_with(&format!("{path}: it was `")),
                "{from} -> {to}: {found:?}"
            );
        }
        assert_eq!(
            after("code(s32), lost", "code(s32), lost, killed"),
            [
                "type types/exit: it was `variant { code(s32), lost }` and is `variant { code(s32), lost, killed }`"
            ]
        );
    }

    #[test]
    fn a_function_that_is_given_or_gives_something_else_is_named() {
        for (from, to) in [
            ("text: string, at: option<point>", "text: string"),
            ("text: string, at: option<point>", "line: string, at: option<point>"),
            ("text: string, at: option<point>", "at: option<point>, text: string"),
            ("option<point>", "list<point>"),
        ] {
            let found = after(from, to);
            assert!(
                found.len() == 1 && found[0].starts_with("function log/write: it was `func(text: string"),
                "{found:?}"
            );
        }
        let found = after("-> result<duration, string>", "");
        assert_eq!(
            found,
            [
                "function judge/decide: it was `func(end: types/exit) -> result<types/duration, string>` and is `func(end: types/exit)`"
            ]
        );
    }

    #[test]
    fn what_older_plugins_could_not_have_may_not_be_added() {
        let decide = "decide: func(end: exit) -> result<duration, string>;";
        assert_eq!(
            after(decide, &format!("{decide} reset: func();")),
            [
                "function judge/reset: a function is added that plugins would have to export: put it into a new interface"
            ]
        );
        assert_eq!(
            after("enum phase", "enum mood { good } enum phase"),
            ["type types/mood: a type is added to an interface that there was: put it into a new interface"]
        );
        let added = after("world policy {", "interface role { ask: func(); }\nworld policy { export role;");
        assert_eq!(
            added,
            ["export policy/role: an export is added to a world that there was: make a new world"]
        );
    }

    #[test]
    fn another_package_is_another_contract() {
        let found = after("test:contract", "test:treaty");
        assert_eq!(found, ["package test:contract@0.1.0: it is test:treaty@0.1.0 now"]);
    }
}
