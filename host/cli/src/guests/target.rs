//! The target of guests, and the profile that they are compiled with.

/// The only target of guests: it has no clock, files or randomness of its own.
pub(super) const TARGET: &str = "wasm32-unknown-unknown";

/// How guests are compiled where their workspace does not say it: small, and without what unwinds a panic.
pub(super) const GUEST_PROFILE: [&str; 6] = [
    "profile.guest.inherits=\"release\"",
    "profile.guest.opt-level=\"s\"",
    "profile.guest.lto=true",
    "profile.guest.codegen-units=1",
    "profile.guest.panic=\"abort\"",
    "profile.guest.strip=true",
];
