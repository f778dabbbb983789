//! What a program says of itself: its version, and what it understands of what the one before it leaves.

use std::path::Path;

use provost_supervisor::{PROTOCOL_VERSIONS, STASH_VERSIONS, TABLE_VERSIONS};
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

    fn include(self, version: u8) -> bool {
        (self.lowest..=self.highest).contains(&version)
    }
}

impl From<Versions> for (u8, u8) {
    fn from(Versions { lowest, highest }: Versions) -> Self {
        (lowest, highest)
    }
}

impl From<(u8, u8)> for Versions {
    fn from((lowest, highest): (u8, u8)) -> Self {
        Self { lowest, highest }
    }
}

/// What the keeper that a program carries understands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Keeper {
    /// The versions of the protocol that it speaks.
    pub(crate) protocol: Versions,
    /// The versions of what a keeper writes down for the one that takes its place.
    pub(crate) tables: Versions,
}

impl Keeper {
    /// Returns what the keeper that this program carries understands.
    pub(crate) fn this() -> Self {
        Self { protocol: spoken()[1], tables: TABLE_VERSIONS.into() }
    }
}

/// Returns the versions of the protocol that the host of this program speaks, and those that its keeper speaks. A test may say
/// others: four numbers.
fn spoken() -> [Versions; 2] {
    let ours = [PROTOCOL_VERSIONS.into(), PROTOCOL_VERSIONS.into()];
    fail::fail_point!("about.versions", |said| {
        let said: Vec<u8> =
            said.unwrap_or_default().split(' ').filter_map(|number| number.parse().ok()).collect();
        match said[..] {
            [lowest, highest, least, most] => [(lowest, highest).into(), (least, most).into()],
            _ => ours,
        }
    });
    ours
}

/// What the keeper that runs speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Spoken {
    /// The versions of the protocol that it speaks.
    pub(crate) keeper: Versions,
    /// The one that it speaks with the host that runs.
    pub(crate) agreed: u8,
}

/// What has to happen before a program takes the place of the one that runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Before {
    Nothing,
    /// The keeper that it carries, which is this one, takes the place of the one that runs.
    Keeper(Keeper),
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
    /// The keeper that it carries; older programs do not say.
    #[serde(default)]
    keeper: Option<Keeper>,
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
            protocol: spoken()[0],
            stash: STASH_VERSIONS.into(),
            keeper: Some(Keeper::this()),
            config_error: config_error.map(|failure| failure.report().to_owned()),
        }
    }

    /// Reads what a program has said; `None` if it is another kind of program.
    pub(super) fn read(text: &[u8]) -> Option<Self> {
        serde_json::from_slice(text).ok().filter(|about: &Self| about.program == PROGRAM)
    }

    /// Returns what has to happen before this program can go on where the one that runs ends, or why it cannot. `stash` is what that
    /// one writes down.
    pub(super) fn before(&self, running: Spoken, stash: Versions) -> Result<Before, &'static str> {
        if !self.stash.meets(stash) {
            return Err("it does not read what this host has written down");
        }
        if self.protocol.meets(running.keeper) {
            return Ok(Before::Nothing);
        }
        let Some(keeper) = self.keeper.filter(|keeper| self.protocol.meets(keeper.protocol)) else {
            return Err("it does not speak the protocol of the keeper that runs");
        };
        // The host that runs goes on with that keeper until it ends, and again if the program is not in service in time.
        match keeper.protocol.include(running.agreed) {
            true => Ok(Before::Keeper(keeper)),
            false => {
                Err("it needs the keeper that it carries, which does not speak the protocol of this host")
            }
        }
    }

    /// Returns what this program writes down for the next one.
    pub(super) fn stash_of_this() -> Versions {
        STASH_VERSIONS.into()
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
        let ours = Versions { lowest: 1, highest: 1 };
        let with = |protocol: (u8, u8), stash: (u8, u8)| {
            let other =
                About { protocol: protocol.into(), stash: stash.into(), keeper: None, ..this.clone() };
            let there = Spoken { keeper: ours, agreed: 1 };
            let back = Spoken { keeper: other.protocol, agreed: other.protocol.lowest };
            (
                other.before(there, ours).is_err(),
                About { keeper: None, ..this.clone() }.before(back, other.stash).is_err(),
            )
        };
        // Both directions: a newer program, and going back to an older one.
        assert_eq!(with((1, 2), (1, 2)), (false, false));
        assert_eq!(with((2, 2), (1, 2)), (true, true));
        assert_eq!(with((1, 2), (2, 3)), (true, true));
    }

    #[test]
    fn a_program_that_does_not_speak_with_the_keeper_brings_one_that_speaks_with_both_hosts() {
        let versions = Versions::from;
        let program = |protocol: (u8, u8), keeper: (u8, u8)| About {
            protocol: protocol.into(),
            keeper: Some(Keeper { protocol: keeper.into(), tables: versions((1, 2)) }),
            ..About::this(None)
        };
        let stash = About::stash_of_this();
        let before = |about: About, keeper: (u8, u8), agreed| {
            about.before(Spoken { keeper: keeper.into(), agreed }, stash)
        };
        assert_eq!(before(program((1, 2), (1, 2)), (1, 1), 1), Ok(Before::Nothing));
        let brought = Before::Keeper(Keeper { protocol: versions((1, 2)), tables: versions((1, 2)) });
        assert_eq!(before(program((2, 2), (1, 2)), (1, 1), 1), Ok(brought));
        // The keeper that runs is newer than this host, and speaks with the program.
        assert_eq!(before(program((2, 3), (2, 3)), (1, 2), 1), Ok(Before::Nothing));
        // The way back to a program that is older than the keeper needs.
        assert_eq!(
            before(program((1, 1), (1, 2)), (2, 2), 2),
            Ok(Before::Keeper(Keeper { protocol: versions((1, 2)), tables: versions((1, 2)) }))
        );
        for (protocol, keeper, why) in [
            ((3, 3), (2, 3), "does not speak the protocol of this host"),
            ((3, 3), (1, 2), "does not speak the protocol of the keeper that runs"),
        ] {
            let refused = before(program(protocol, keeper), (1, 1), 1).unwrap_err();
            assert!(refused.contains(why), "{refused}");
        }
    }
}
