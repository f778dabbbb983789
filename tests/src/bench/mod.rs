//! The harness of the benchmarks: designs that take turns, ratios formed inside each round, and the control that says
//! whether the machine was ours meanwhile.
//!
//! | room | owns |
//! |---|---|
//! | [`block`] | one setting, several designs, several rounds |
//! | [`results`] | the JSON that the report is made from |
//! | [`control`] | whether two threads that share nothing get twice as far as one |
//! | [`trial`] | one design, in one round |
//! | [`clock`] | the clocks, and what reading one costs |
//! | [`op`] | the operations that are measured |
//! | [`spread`] | the median of several measurements, with their range |
//! | [`allocations`] | counting what a thread allocates |

pub mod allocations;
pub mod block;
pub mod clock;
pub mod control;
pub mod op;
pub mod results;
pub mod spread;
pub mod trial;
