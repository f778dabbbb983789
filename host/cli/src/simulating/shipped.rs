//! The scenarios that come with this program. Each is named after a complaint that people have about restart policies elsewhere.

use std::path::PathBuf;

use crate::config::SourceFile;

macro_rules! shipped {
    ($($name:literal),* $(,)?) => {
        /// The names of the scenarios, in the order in which they are played.
        pub(crate) const SCENARIOS: &[&str] = &[$($name),*];

        fn content(name: &str) -> Option<&'static str> {
            match name {
                $($name => Some(include_str!(concat!("../../scenarios/", $name, ".toml"))),)*
                _ => None,
            }
        }
    };
}

shipped!(
    "a-back-off-that-never-resets",
    "a-limit-that-never-fires",
    "a-counter-zeroed-by-a-memory-restart",
    "two-policies-that-fight",
    "an-outage-that-is-given-up",
    "a-thundering-herd",
    "a-crash-loop-without-a-pause",
    "a-success-that-is-restarted",
    "a-flapping-dependency",
    "a-bad-deploy",
    "a-slow-start",
    "a-clock-that-is-set-back",
);

/// Returns the scenario of this name.
pub(crate) fn scenario(name: &str) -> Option<SourceFile> {
    let text = content(name)?.to_owned();
    Some(SourceFile { path: PathBuf::from(format!("bundled:{name}")), text })
}
