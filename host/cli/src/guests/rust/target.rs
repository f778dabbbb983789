//! The target of guests, and the profile that they are compiled with.

/// The only target of guests, which has no clock, files or randomness.
pub(super) const TARGET: &str = "wasm32-unknown-unknown";

/// The profile of guests whose workspace does not define one: small code, without unwinding.
pub(super) const GUEST_PROFILE: [&str; 6] = [
    "profile.guest.inherits=\"release\"",
    "profile.guest.opt-level=\"s\"",
    "profile.guest.lto=true",
    "profile.guest.codegen-units=1",
    "profile.guest.panic=\"abort\"",
    "profile.guest.strip=true",
];
