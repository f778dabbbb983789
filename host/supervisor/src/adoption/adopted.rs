//! Everything that a host finds at its start of the one before it.

use std::sync::Arc;

use super::held::Held;
use crate::stash::FormerStash;

/// Everything that a host finds at its start of the one before it. The default value is that of a first host, which finds
/// nothing.
#[derive(Debug, Default)]
pub struct Adopted {
    /// The children that are held, living and ended. A process may have several, of different incarnations.
    pub held: Vec<Held>,
    /// Children that are held and whose exec was not done: the former host has told nobody of them. They are ended, and nothing
    /// is started in their places before they are gone.
    pub unborn: Vec<Held>,
    /// The files of the former [stash](crate::Stash): usually one, two if the former host ended while it replaced one by the
    /// next. Bytes that cannot be read are counted and not used.
    pub stash: FormerStash,
    /// Why the former host ended, in words for people, such as `killed by SIGKILL`; `None` if that is not known.
    pub last_end: Option<Arc<str>>,
}
