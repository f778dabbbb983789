//! What is known about the host, as its streams tell it. Nothing here knows a terminal, a connection or a clock.
//!
//! | room | owns |
//! |---|---|
//! | `known` | everything that is known, and how news change it |
//! | `news` | what the connections report |
//! | `usages` | what the processes use, and its trend |
//! | `lines` | the last lines of logs, within a bound |

mod known;
mod lines;
mod news;
mod usages;

pub(crate) use known::{Link, Model};
pub(crate) use lines::{Line, Lines};
pub(crate) use news::{News, Told};
pub(crate) use usages::Used;
