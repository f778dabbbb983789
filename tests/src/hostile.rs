//! Hostile components, one for each kind of attack. The tests of the plugin host check which limit stops each of them; the
//! end-to-end tests check that a host keeps working while all of them run.

use std::fmt::Write as _;

use crate::components::{component, contract, policy, policy_module, view, with_package};

/// A hostile component.
#[derive(Clone, Debug)]
pub struct Hostile {
    /// A name for the plugin, which says what it does.
    pub name: &'static str,
    /// The bytes of the component, which may be malformed.
    pub bytes: Vec<u8>,
    /// The limits of its plugin, as the entries of `limits` in the config; empty means the defaults.
    pub limits: &'static str,
    /// Parts of the error that names the cause, and the limit if there is one.
    pub expected: &'static [&'static str],
}

fn judge(module: &str) -> Vec<u8> {
    component(&contract(), "restart-judge", module)
}

/// Builds a policy that calls a cheap function of the host forever.
#[must_use]
pub fn storm_of_host_calls() -> Vec<u8> {
    judge(&policy_module(
        r#"(import "provost:plugin/snapshots@0.1.0" "[method]snapshot.size"
            (func $size (param i32) (result i32)))"#,
        "(loop $again (drop (call $size (local.get $world))) (br $again)) (i32.const 64)",
    ))
}

/// Builds a policy that grows a table until the host refuses, and then traps.
#[must_use]
pub fn table_bomb() -> Vec<u8> {
    let module = policy_module(
        "",
        "(loop $more (br_if $more (i32.ne (table.grow $t (ref.null func) (i32.const 10000)) (i32.const -1))))
         unreachable",
    );
    judge(&module.replacen("(func $deeper", "(table $t 0 funcref) (func $deeper", 1))
}

/// Builds a policy that grows its memory until the host refuses, and then traps.
#[must_use]
pub fn memory_bomb() -> Vec<u8> {
    policy("(loop $more (br_if $more (i32.ne (memory.grow (i32.const 16)) (i32.const -1)))) unreachable")
}

/// Builds a policy that traps when the host asks it to allocate memory.
#[must_use]
pub fn trap_in_realloc() -> Vec<u8> {
    let module = policy_module("", "(i32.const 64)");
    judge(&module.replacen("(global.set $free (i32.and", "unreachable (global.set $free (i32.and", 1))
}

/// Builds a policy that uses its snapshot after dropping it.
#[must_use]
pub fn use_after_drop() -> Vec<u8> {
    judge(&policy_module(
        r#"(import "provost:plugin/snapshots@0.1.0" "[method]snapshot.size"
            (func $size (param i32) (result i32)))"#,
        "(call $drop (local.get $world)) (drop (call $size (local.get $world))) (i32.const 64)",
    ))
}

/// Builds a policy that answers with a reason that is not UTF-8.
#[must_use]
pub fn invalid_text() -> Vec<u8> {
    policy("(i32.store8 (i32.const 32) (i32.const 255)) (call $drop (local.get $world)) (i32.const 64)")
}

/// Builds a policy that answers with a scope that does not exist.
#[must_use]
pub fn enum_out_of_range() -> Vec<u8> {
    policy("(i32.store8 (i32.const 80) (i32.const 7)) (call $drop (local.get $world)) (i32.const 64)")
}

/// Builds a policy that makes resources forever and drops none.
#[must_use]
pub fn handle_leak() -> Vec<u8> {
    let resolve = with_package(
        contract(),
        "package test:leak; interface things { resource thing; make: func(); }
         world leaky { include provost:plugin/restart-judge@0.1.0; export things; }",
    );
    let module = policy_module(
        r#"(import "[export]test:leak/things" "[resource-new]thing" (func $new (param i32) (result i32)))"#,
        "(loop $again (drop (call $new (i32.const 1))) (br $again)) (i32.const 64)",
    );
    let exporting =
        module.replacen("(func $deeper", r#"(func (export "test:leak/things#make")) (func $deeper"#, 1);
    component(&resolve, "leaky", &exporting)
}

/// Builds a component that imports ten thousand items of this sort, such as `func`.
#[must_use]
pub fn ten_thousand_imports(sort: &str) -> Vec<u8> {
    let imports = (0..10_000).fold(String::new(), |mut text, i| {
        write!(text, "(import \"test:many/i{i}\" ({sort}))").unwrap();
        text
    });
    wat::parse_str(format!("(component {imports})")).unwrap()
}

/// Builds a policy that logs ten thousand lines and then gives a valid answer.
#[must_use]
pub fn log_flood() -> Vec<u8> {
    judge(&policy_module(
        r#"(import "provost:plugin/log@0.1.0" "write" (func $write (param i32 i32 i32)))"#,
        "(local $i i32)
         (loop $again
            (call $write (i32.const 0) (i32.const 32) (i32.const 7))
            (local.set $i (i32.add (local.get $i) (i32.const 1)))
            (br_if $again (i32.lt_u (local.get $i) (i32.const 10000))))
         (call $drop (local.get $world)) (i32.const 64)",
    ))
}

/// Builds a view that renders a hundred megabytes.
#[must_use]
pub fn hundred_megabytes() -> Vec<u8> {
    view(
        "(drop (memory.grow (i32.const 1700)))
         (i32.store (i32.const 88) (i32.const 1024)) (i32.store (i32.const 92) (i32.const 100000000))
         (i32.const 80)",
    )
}

/// Builds a consumer that takes a batch of events and never returns.
#[must_use]
pub fn consumer_that_never_returns() -> Vec<u8> {
    let module = r#"(module
        (import "provost:plugin/snapshots@0.1.0" "[resource-drop]snapshot" (func $drop (param i32)))
        (memory (export "memory") 64)
        (global $free (mut i32) (i32.const 4096))
        (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
            (global.set $free (i32.and (i32.add (global.get $free) (i32.const 15)) (i32.const -16)))
            (global.get $free)
            (global.set $free (i32.add (global.get $free) (local.get 3))))
        (func (export "provost:plugin/status-consumer@0.1.0#on-change") (param i32 i32 i64 i32)
            (loop $again (br $again))))"#;
    component(&contract(), "status-listener", module)
}

/// Returns one policy for each way in which a policy call can fail.
#[must_use]
pub fn policies() -> Vec<Hostile> {
    let hostile = |name, bytes, limits, expected| Hostile { name, bytes, limits, expected };
    vec![
        hostile(
            "endless-loop",
            policy("(call $forever) (i32.const 64)"),
            "",
            &["took longer than its 100 ms"],
        ),
        hostile("host-call-storm", storm_of_host_calls(), "", &["took longer than its 100 ms"]),
        hostile(
            "fuel",
            policy("(call $forever) (i32.const 64)"),
            "fuel = 5000000",
            &["5000000 units of fuel"],
        ),
        hostile(
            "deep-recursion",
            policy("(call $deeper) (i32.const 64)"),
            "stack = \"128KiB\", call_time = \"1m\"",
            &["trapped: its stack of 128 KiB is exhausted"],
        ),
        hostile(
            "memory-bomb",
            memory_bomb(),
            "call_time = \"1m\"",
            &["asked for", "at most 16 MiB are allowed"],
        ),
        hostile(
            "table-bomb",
            table_bomb(),
            "memory = \"512KiB\", call_time = \"1m\"",
            &["asked for", "at most 512 KiB are allowed"],
        ),
        hostile("handle-leak", handle_leak(), "call_time = \"1m\"", &["wanted more than its 64 handles"]),
        hostile("invalid-text", invalid_text(), "call_time = \"1m\"", &["broke the contract", "utf-8"]),
        hostile("enum-out-of-range", enum_out_of_range(), "call_time = \"1m\"", &["broke the contract"]),
        hostile("trap-in-realloc", trap_in_realloc(), "call_time = \"1m\"", &["trapped"]),
        hostile("use-after-drop", use_after_drop(), "call_time = \"1m\"", &["unknown handle index"]),
        hostile(
            "ten-thousand-imports",
            ten_thousand_imports("func"),
            "",
            &["it imports `test:many/i0`", "and 9992 others"],
        ),
    ]
}
