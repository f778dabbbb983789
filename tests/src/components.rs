//! Components written by hand in the text format, each with one behaviour that no compiler would produce.

use std::path::Path;

use wit_component::{ComponentEncoder, StringEncoding};
use wit_parser::{Resolve, UnresolvedPackageGroup, WorldId};

/// Parses the contract from `wit/`.
#[must_use]
pub fn contract() -> Resolve {
    let mut resolve = Resolve::default();
    let wit = Path::new(env!("CARGO_MANIFEST_DIR")).join("../wit");
    resolve.push_dir(wit).unwrap();
    resolve
}

/// Adds a package written in the text format.
#[must_use]
pub fn with_package(mut resolve: Resolve, text: &str) -> Resolve {
    resolve.push_group(UnresolvedPackageGroup::parse("test.wit", text).unwrap()).unwrap();
    resolve
}

/// Returns the world called `name`, whatever package it is in.
#[must_use]
pub fn world(resolve: &Resolve, name: &str) -> WorldId {
    resolve.worlds.iter().find(|(_, world)| world.name == name).unwrap().0
}

/// Builds a component of this world from a core module in the text format.
#[must_use]
pub fn component(resolve: &Resolve, world_name: &str, module: &str) -> Vec<u8> {
    let mut wasm = wat::parse_str(module).unwrap();
    let world = world(resolve, world_name);
    wit_component::embed_component_metadata(&mut wasm, resolve, world, StringEncoding::UTF8).unwrap();
    ComponentEncoder::default().validate(true).module(&wasm).unwrap().encode().unwrap()
}

/// Returns the core module of a restart policy, whose `body` leaves the address of its decision on the stack. The decision
/// at address 64 is to restart after 250 ms, with the reason `crashed, again`.
#[must_use]
pub fn policy_module(imports: &str, body: &str) -> String {
    format!(
        r#"(module
            (import "provost:plugin/snapshots@0.1.0" "[resource-drop]snapshot" (func $drop (param i32)))
            {imports}
            (memory (export "memory") 1)
            (data (i32.const 32) "crashed, again")
            ;; restart, after 250 ms, only this process
            (data (i32.const 64) "\00\00\00\00\00\00\00\00\fa\00\00\00\00\00\00\00")
            (data (i32.const 80) "\00\00\00\00\00\00\00\00\20\00\00\00\0e\00\00\00")
            (global $free (mut i32) (i32.const 4096))
            (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
                (global.set $free (i32.and (i32.add (global.get $free) (i32.const 15)) (i32.const -16)))
                (global.get $free)
                (global.set $free (i32.add (global.get $free) (local.get 3))))
            (func $forever (loop $again (br $again)))
            (func $deeper (call $deeper) (call $deeper))
            (func (export "provost:plugin/restart-policy@0.1.0#on-exit")
                (param $name i32) (param $name-len i32) (param $group i32) (param $group-len i32)
                (param $incarnation i64)
                (param $exit i32) (param $exit-0 i32) (param $exit-1 i32)
                (param $uptime i64) (param $was-ready i32) (param $failures i32) (param $restarts i64)
                (param $now i64) (param $seed i64)
                (param $world i32)
                (result i32)
                {body}))"#
    )
}

/// Builds a policy with this body.
#[must_use]
pub fn policy(body: &str) -> Vec<u8> {
    component(&contract(), "restart-judge", &policy_module("", body))
}

/// Builds a policy that gives a valid answer.
#[must_use]
pub fn good_policy() -> Vec<u8> {
    policy("(call $drop (local.get $world)) (i32.const 64)")
}

/// Returns a component with one more custom section.
#[must_use]
pub fn with_section(mut component: Vec<u8>, name: &str, content: &[u8]) -> Vec<u8> {
    let number = |mut number: usize| {
        let mut bytes = Vec::new();
        while number >= 0x80 {
            bytes.push(u8::try_from(number & 0x7f).unwrap() | 0x80);
            number >>= 7;
        }
        bytes.push(u8::try_from(number).unwrap());
        bytes
    };
    let section = [&number(name.len()), name.as_bytes(), content].concat();
    component.push(0);
    component.extend(number(section.len()));
    component.extend(section);
    component
}

/// Builds a policy that restarts after `delay_ms`.
#[must_use]
pub fn policy_with_delay(delay_ms: u64) -> Vec<u8> {
    policy(&format!(
        "(i64.store (i32.const 72) (i64.const {delay_ms})) (call $drop (local.get $world)) (i32.const 64)"
    ))
}

/// Builds a policy that appends a byte to the value of `k`, answers with its length as the delay, and traps if `failures` is
/// 9.
#[must_use]
pub fn counter() -> Vec<u8> {
    let module = policy_module(
        r#"(import "provost:plugin/memory@0.1.0" "get" (func $get (param i32 i32 i32)))
           (import "provost:plugin/memory@0.1.0" "set" (func $set (param i32 i32 i32 i32 i32)))"#,
        r#"(i32.store8 (i32.const 128) (i32.const 107))
           ;; option<list<u8>> at 136: some at 136, its address at 140, its length at 144
           (call $get (i32.const 128) (i32.const 1) (i32.const 136))
           (if (i32.eqz (i32.load8_u (i32.const 136))) (then (i32.store (i32.const 144) (i32.const 0))))
           (i32.store (i32.const 144) (i32.add (i32.load (i32.const 144)) (i32.const 1)))
           (call $set (i32.const 128) (i32.const 1) (i32.const 2048) (i32.load (i32.const 144)) (i32.const 160))
           (if (i32.eq (local.get $failures) (i32.const 9)) (then unreachable))
           (i64.store (i32.const 72) (i64.extend_i32_u (i32.load (i32.const 144))))
           (call $drop (local.get $world)) (i32.const 64)"#,
    );
    component(&contract(), "restart-judge", &module)
}

/// Builds a view, whose `body` leaves the address of its response on the stack. The response at address 64 is `hello` as
/// `text/plain`.
#[must_use]
pub fn view(body: &str) -> Vec<u8> {
    view_with_memories(1, body)
}

/// Builds the same with this number of memories.
#[must_use]
pub fn view_with_memories(memories: usize, body: &str) -> Vec<u8> {
    let more = "(memory 0)".repeat(memories.saturating_sub(1));
    let module = format!(
        r#"(module
            (import "provost:plugin/snapshots@0.1.0" "[resource-drop]snapshot" (func $drop (param i32)))
            (memory (export "memory") 1)
            {more}
            (data (i32.const 16) "text/plain")
            (data (i32.const 32) "hello")
            (data (i32.const 48) "no media type")
            (data (i32.const 64) "\10\00\00\00\0a\00\00\00\20\00\00\00\05\00\00\00\c8\00")
            ;; a body of 4000 bytes, and one with a bad content type
            (data (i32.const 96) "\10\00\00\00\0a\00\00\00\00\04\00\00\a0\0f\00\00\c8\00")
            (data (i32.const 128) "\30\00\00\00\0d\00\00\00\20\00\00\00\05\00\00\00\c8\00")
            ;; one with the status 302
            (data (i32.const 160) "\10\00\00\00\0a\00\00\00\20\00\00\00\05\00\00\00\2e\01")
            (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 8192))
            (func (export "provost:plugin/status-view@0.1.0#render")
                (param $path i32) (param $path-len i32) (param $query i32) (param $query-len i32)
                (param $world i32)
                (result i32)
                (call $drop (local.get $world))
                {body}))"#
    );
    component(&contract(), "status-renderer", &module)
}

/// Builds a consumer that counts its calls in a global and traps at the third.
#[must_use]
pub fn consumer_that_traps_at_its_third_call() -> Vec<u8> {
    component(&contract(), "status-listener", consumer_module())
}

/// Returns the core module of that consumer, as text.
#[must_use]
pub fn consumer_module() -> &'static str {
    r#"(module
        (import "provost:plugin/snapshots@0.1.0" "[resource-drop]snapshot" (func $drop (param i32)))
        (import "provost:plugin/log@0.1.0" "write" (func $write (param i32 i32 i32)))
        (memory (export "memory") 16)
        (data (i32.const 16) "call number 0")
        (global $calls (mut i32) (i32.const 0))
        (global $free (mut i32) (i32.const 4096))
        (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
            (global.set $free (i32.and (i32.add (global.get $free) (i32.const 15)) (i32.const -16)))
            (global.get $free)
            (global.set $free (i32.add (global.get $free) (local.get 3))))
        (func (export "provost:plugin/status-consumer@0.1.0#on-change")
            (param $events i32) (param $events-len i32) (param $missed i64) (param $world i32)
            (call $drop (local.get $world))
            (global.set $free (i32.const 4096))
            (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
            (if (i32.eq (global.get $calls) (i32.const 3)) (then unreachable))
            (i32.store8 (i32.const 28) (i32.add (i32.const 48) (global.get $calls)))
            (call $write (i32.const 2) (i32.const 16) (i32.const 13))))"#
}
