//! Switches the shim of the state core (`host/state/src/sync.rs`) to loom's types, for this package only.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-cfg=loom");
}
