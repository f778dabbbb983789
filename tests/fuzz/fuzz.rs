//! The fuzzer: libFuzzer calls the target that the variable `FUZZ_TARGET` names. `.ci/long fuzz` builds and runs it.
#![no_main]
#![expect(clippy::expect_used, reason = "a fuzzer without a target has nothing to do")]

mod targets;

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;

static TARGET: LazyLock<fn(&[u8])> = LazyLock::new(|| {
    let wanted = std::env::var("FUZZ_TARGET").expect("FUZZ_TARGET names the target");
    let found = targets::ALL.into_iter().find(|(name, _)| *name == wanted);
    found.expect("FUZZ_TARGET is one of the targets").1
});

fuzz_target!(|data: &[u8]| TARGET(data));
