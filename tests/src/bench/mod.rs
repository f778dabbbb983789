//! The harness of the benchmarks: designs that take turns, ratios formed inside each round, and the control that says
//! whether the machine was ours meanwhile.
//!
//! | file | owns |
//! |---|---|
//! | [`clock`] | the clocks, and what reading one costs |
//! | [`allocations`] | counting what a thread allocates |
//! | [`control`] | do two threads that share nothing get twice as far as one? |
//! | [`trial`] | one design, in one round |
//! | [`block`] | one setting, several designs, several rounds |
//! | [`results`] | the JSON that the report is made from |

pub mod allocations;
pub mod block;
pub mod clock;
pub mod control;
pub mod results;
pub mod trial;
