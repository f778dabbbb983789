//! Turns the shim of the state core (`host/state/src/sync.rs`) to loom's types, for this package alone.

#[expect(clippy::print_stdout, reason = "this is how a build script speaks to Cargo")]
fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-cfg=loom");
}
