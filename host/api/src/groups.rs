//! Groups of processes, as `GET /v1/groups` answers.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::process::{Desired, Phase};

/// The answer to `GET /v1/groups`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GroupList {
    /// The generation of the last change.
    pub generation: u64,
    /// All groups, by their names. Processes without a group are in none of them.
    pub groups: Vec<Group>,
}

/// A group.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Group {
    /// Its name. The target `NAME:*` means its members.
    pub name: String,
    /// The names of its members, in the order of a status.
    pub members: Vec<String>,
    /// The number of members by their requested state, without those that nobody is in.
    pub desired: BTreeMap<Desired, u64>,
    /// The number of members by their observed phase, without those that nobody is in.
    pub phases: BTreeMap<Phase, u64>,
}
