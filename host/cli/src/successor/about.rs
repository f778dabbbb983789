//! What a program says of itself: its version, and what it understands of what the one before it leaves.

use std::path::Path;

use provost_supervisor::{PROTOCOL_VERSIONS, STASH_VERSIONS};
use serde::{Deserialize, Serialize};

use crate::config::Config;
use crate::failure::Failure;

/// The name that every program of this kind has.
const PROGRAM: &str = "provost";

/// The versions of something that a program understands, from the lowest to the highest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Versions {
    pub(crate) lowest: u8,
    pub(crate) highest: u8,
}

impl Versions {
    /// Whether there is a version that both understand.
    fn meets(self, other: Self) -> bool {
        self.lowest <= other.highest && other.lowest <= self.highest
    }
}

impl From<(u8, u8)> for Versions {
    fn from((lowest, highest): (u8, u8)) -> Self {
        Self { lowest, highest }
    }
}

/// What a program says of itself. Later programs may say more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct About {
    program: String,
    /// Its version.
    pub(crate) version: String,
    /// The versions of the protocol between the host and the keeper.
    protocol: Versions,
    /// The versions of what a host writes down for the next one.
    stash: Versions,
    /// What is wrong with the config, if it was given one and does not accept it.
    #[serde(default)]
    pub(crate) config_error: Option<String>,
}

impl About {
    /// Returns what this program says of itself, and of this config if there is one.
    pub(crate) fn this(config: Option<&Path>) -> Self {
        let config_error = config.and_then(|path| Config::load(path).err()).map(Failure::from);
        Self {
            program: PROGRAM.to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            protocol: PROTOCOL_VERSIONS.into(),
            stash: STASH_VERSIONS.into(),
            config_error: config_error.map(|failure| failure.report().to_owned()),
        }
    }

    /// Reads what a program has said; `None` if it is another kind of program.
    pub(super) fn read(text: &[u8]) -> Option<Self> {
        serde_json::from_slice(text).ok().filter(|about: &Self| about.program == PROGRAM)
    }

    /// Returns why this program cannot go on where the one that runs ends, if so.
    pub(super) fn is_strange_to(&self, running: &Self) -> Option<&'static str> {
        if !self.protocol.meets(running.protocol) {
            return Some("it does not speak the protocol of the keeper that runs");
        }
        (!self.stash.meets(running.stash)).then_some("it does not read what this host has written down")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_read_as_it_says_itself_and_later_ones_may_say_more() {
        let this = About::this(None);
        let text = serde_json::to_string(&this).unwrap();
        assert_eq!(About::read(text.as_bytes()), Some(this.clone()));
        let more = text.replacen('{', "{\"table\":{\"lowest\":1,\"highest\":9},", 1);
        assert_eq!(About::read(more.as_bytes()), Some(this));
        assert_eq!(About::read(text.replace("provost", "runit").as_bytes()), None);
        assert_eq!(About::read(b"hello"), None);
    }

    #[test]
    fn programs_that_share_no_version_are_strange_to_each_other() {
        let this = About::this(None);
        let with = |protocol: (u8, u8), stash: (u8, u8)| {
            let other = About { protocol: protocol.into(), stash: stash.into(), ..this.clone() };
            (other.is_strange_to(&this).is_some(), this.is_strange_to(&other).is_some())
        };
        // Both directions: a newer program, and going back to an older one.
        assert_eq!(with((1, 2), (1, 2)), (false, false));
        assert_eq!(with((2, 2), (1, 2)), (true, true));
        assert_eq!(with((1, 2), (2, 3)), (true, true));
    }
}
